/* SPDX-License-Identifier: GPL-2.0-only */
/* See watcher.h. */
#include "watcher.h"

#include "base/kernel_map.h"
#include "base/safe_open.h"
#include "options/outfile.h"
#include "reporter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open	434
#endif
#ifndef SYS_close_range
#define SYS_close_range	436
#endif

#define STACK_BYTES	262144	/* for the watcher, and as much for the intermediate process */
#define ALONE_MS	50	/* the first time that the watcher waits; most execs take less */
#define ALONE_AGAIN_MS	1000	/* each further time */

static int listener = -1;	/* the socket for messages */
static int program = -1;	/* a pidfd of the wrapper, which becomes the program */
static int held_outfile = -1;	/* see hold_outfile() */
static pid_t program_pid;
static bool attached;		/* the program ran before; otherwise the wrapper becomes the program */
static char password[WATCH_PASSWORD_BYTES];
static char directory[PATH_MAX];	/* that the run was started in; "": unknown */
static struct options options;
static struct rules rules;

/* Opens the socket, and the pidfd of program_pid. */
static bool open_socket(char address[WATCHER_ADDRESS_BYTES])
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t bytes = sizeof(name);
	unsigned char random[WATCH_PASSWORD_BYTES / 2];
	const int on = 1;
	size_t len;

	program = (int)syscall(SYS_pidfd_open, program_pid, 0);
	listener = program < 0 ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* bind() without a name makes the kernel choose one of 5 hexadecimal digits (unix(7), autobind). */
	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) ||
	    bind(listener, (struct sockaddr *)&name, sizeof(name.sun_family)) ||
	    getsockname(listener, (struct sockaddr *)&name, &bytes) ||
	    bytes <= offsetof(struct sockaddr_un, sun_path) + 1 ||
	    bytes - offsetof(struct sockaddr_un, sun_path) - 1 > WATCH_NAME_MAX ||
	    getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		close(listener);
		close(program);
		return false;
	}
	len = bytes - offsetof(struct sockaddr_un, sun_path) - 1;
	for (size_t i = 0; i < sizeof(random); i++) {
		password[2 * i] = "0123456789abcdef"[random[i] >> 4];
		password[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
	}
	memcpy(address, name.sun_path + 1, len);
	address[len] = '.';
	memcpy(address + len + 1, password, WATCH_PASSWORD_BYTES);
	address[len + 1 + WATCH_PASSWORD_BYTES] = '\0';
	return true;
}

bool watcher_open(char address[WATCHER_ADDRESS_BYTES])
{
	int reaper = 0;

	program_pid = getpid();
	/* The kernel makes orphans children of the nearest ancestor that is a reaper of orphans, or of process 1. If
	 * this process is one, the watcher would become a child of the program. */
	if (program_pid == 1 || prctl(PR_GET_CHILD_SUBREAPER, &reaper) || reaper)
		return false;
	return open_socket(address);
}

/* Opens a network namespace: /proc/NAME/ns/net. */
static int open_network(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns/net", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool watcher_open_for(char address[WATCHER_ADDRESS_BYTES], pid_t pid)
{
	char name[16];
	struct stat a, b;
	int own, other;
	bool moves, opened;

	snprintf(name, sizeof(name), "%d", (int)pid);
	own = open_network("self");
	other = open_network(name);
	program_pid = pid;
	attached = true;
	/* A name in the abstract namespace belongs to the network namespace in which the socket was made. */
	moves = own >= 0 && other >= 0 && !fstat(own, &a) && !fstat(other, &b) && a.st_ino != b.st_ino;
	opened = (!moves || !setns(other, CLONE_NEWNET)) && open_socket(address);
	if (moves && setns(own, CLONE_NEWNET))
		opened = false;
	close(own);
	close(other);
	return opened;
}

/*
 * Opens an outfile that the watcher could not open later. The reader of a FIFO sees its end, and is gone, when a
 * process that was killed was the last one to hold the FIFO open. /dev/tty (the device 5:0) is the terminal of the
 * wrapper's session, which the watcher leaves. -1: the outfile is none of these, or cannot be opened yet.
 */
static int hold_outfile(const struct options *o)
{
	int fd, high;
	struct stat st;

	if (!o->outfile || o->outfile_is || !strcmp(o->outfile, "-") || strchr(o->outfile, '%') ||
	    stat(o->outfile, &st) ||
	    !(S_ISFIFO(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 0))))
		return -1;
	fd = safe_open_write(AT_FDCWD, o->outfile, O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -1;
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (high >= 0)		/* only opening must not wait */
		fcntl(high, F_SETFL, fcntl(high, F_GETFL) & ~O_NONBLOCK);
	close(fd);
	return high;
}

/* ---- The process itself ---- */

/* Closes the descriptors from `from` to `to`. */
static void close_range_of(unsigned from, unsigned to)
{
	if (from > to || !syscall(SYS_close_range, from, to, 0))
		return;
	if (to > 65535)
		to = 65535;
	for (unsigned fd = from; fd <= to; fd++)
		close((int)fd);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Where dumps go to a standard stream that is closed, a descriptor that cannot be written to gets its number, so
 * that writing fails with EBADF and no table is ever opened under that number. */
static void fill_streams(void)
{
	int fd;

	do {
		fd = open("/", O_PATH | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

/*
 * Closes all descriptors except the watcher's own and the one that dumps go to, which is a standard stream or the
 * descriptor that --outfile names. The other standard streams become copies of the socket, so that no file which is
 * opened later gets one of their numbers. Writing to such a copy by mistake has no effect, because the socket is not
 * connected.
 */
static void close_all(void)
{
	bool to_stdout = options.outfile && !strcmp(options.outfile, "-");
	int *const ours[] = { &listener, &program };
	int outfile = outfile_descriptor(&options), kept[3];
	unsigned from = STDERR_FILENO + 1;

	for (int i = 0; i < 2; i++) {
		int fd = *ours[i];

		if (fd > STDERR_FILENO)
			continue;
		*ours[i] = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (*ours[i] < 0)
			_exit(1);
		close(fd);	/* the number of a standard stream, which was closed */
	}
	if (outfile != STDIN_FILENO)
		dup2(listener, STDIN_FILENO);
	if (!to_stdout)
		dup2(listener, STDOUT_FILENO);
	if (options.outfile)
		dup2(listener, STDERR_FILENO);
	fill_streams();
	kept[0] = listener;
	kept[1] = program;
	kept[2] = outfile > STDERR_FILENO ? outfile : listener;
	qsort(kept, 3, sizeof(kept[0]), compare);
	for (int i = 0; i < 3; i++) {
		close_range_of(from, (unsigned)kept[i] - 1);
		from = (unsigned)kept[i] + 1;
	}
	close_range_of(from, ~0u);
}

/* Gives the process its own name, descriptors and directory. The texts of argv are overwritten, so that a search
 * for the program's command line does not find the watcher. */
static void prepare(int argc, char **arguments)
{
	prctl(PR_SET_NAME, WATCHER_COMMAND);
	if (argc > 0) {
		char *end = arguments[argc - 1] + strlen(arguments[argc - 1]);

		memset(arguments[0], 0, (size_t)(end - arguments[0]));
		strncpy(arguments[0], WATCHER_COMMAND, (size_t)(end - arguments[0]));
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	close_all();
	if (!getcwd(directory, sizeof(directory)))
		directory[0] = '\0';
	if (chdir("/"))
		return;		/* then the file system of the old directory stays busy, which does no harm */
}

/* The arguments of watcher_spawn() for the new processes, and their memory for stacks. */
struct watcher_start {
	const char *text;
	int argc;
	char **arguments;
	char *stack;
};

/*
 * Not 0 while the wrapper is in the memory that it shares with the watcher.
 *
 * The watcher is created in the wrapper's memory (CLONE_VM). When the wrapper becomes the program by exec, it leaves
 * that memory, and the watcher stays in it alone. So no page is ever copied. Until the wrapper has left, the watcher
 * must not change any memory.
 *
 * The first message of the program, or the wrapper's end, shows the watcher that the wrapper has left. In case that
 * neither comes soon, the kernel clears this variable at the wrapper's exec or end, as it does for joining a thread
 * (set_tid_address(2)).
 */
static int wrapper_shares_memory = 1;

/* Waits until the wrapper has left the memory. */
static void wait_alone(void)
{
	struct pollfd signs[2] = { { .fd = listener, .events = POLLIN },
				   { .fd = program, .events = POLLIN } };

	for (int ms = ALONE_MS; poll(signs, 2, ms) <= 0; ms = ALONE_AGAIN_MS) {
		if (!__atomic_load_n(&wrapper_shares_memory, __ATOMIC_ACQUIRE))
			break;
	}
}

/* Does all that the watcher does from here on, in memory that no other process uses. */
static _Noreturn void run_watcher(const struct watcher_start *s)
{
	static char outfile_is[OUTFILE_TEXT_BYTES];
	size_t bytes = strlen(s->text) + 16;
	char *store = malloc(bytes), error[256];

	options_init(&options);
	if (!store)
		_exit(1);
	options_parse_env(s->text, &options, store, bytes, error, sizeof(error));
	if (held_outfile >= 0)
		outfile_set_descriptor(&options, held_outfile, outfile_is);
	prepare(s->argc, s->arguments);
	if (options.ignore)
		rules_read(&rules, options.ignore);
	if (!reporter_start(&(struct reporter){ listener, program, program_pid, attached, password, directory, &options,
						 &rules }))
		_exit(1);
	reporter_run();
	_exit(0);
}

/* The watcher begins here, in the wrapper's memory. */
static int run_when_alone(void *start)
{
	setsid();
	wait_alone();
	run_watcher(start);
}

/*
 * The process between the wrapper and the watcher. It ends at once, so the watcher is an orphan, and no child of the
 * program. Where clone() cannot share memory without sharing more (in qemu's user mode), fork() makes the watcher.
 */
static int intermediate_process(void *start)
{
	const struct watcher_start *s = start;

	if (clone(run_when_alone, s->stack + STACK_BYTES, CLONE_VM, start) < 0 && !fork()) {
		setsid();
		run_watcher(start);
	}
	_exit(0);
}

void watcher_spawn(const struct options *o, const char *text, int argc, char **arguments)
{
	static struct watcher_start start;	/* static, because the watcher reads it after this function has returned */
	char *stacks = kernel_mmap(NULL, 2 * STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	pid_t child;

	held_outfile = hold_outfile(o);
	if (stacks != MAP_FAILED) {
		start = (struct watcher_start){ text, argc, arguments, stacks };
		syscall(SYS_set_tid_address, &wrapper_shares_memory);
		/* This child sends no signal when it ends. Such a signal could still be pending in the program. */
		child = clone(intermediate_process, stacks + 2 * STACK_BYTES, CLONE_VM | CLONE_VFORK, &start);
		while (child > 0 && waitpid(child, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
	close(listener);
	close(program);
	if (held_outfile >= 0)
		close(held_outfile);
}

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd	438
#endif

/* Makes a standard stream that of the program. Where that is closed, or may not be had, it becomes /dev/null. */
static void adopt_stream(int stream)
{
	int fd = (int)syscall(SYS_pidfd_getfd, program, stream, 0);	/* Linux 5.6 */
	char path[64];

	if (fd < 0) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)program_pid, stream);
		fd = open(path, O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	}
	if (fd < 0)
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		dup2(fd, stream);
}

void watcher_spawn_for(const struct options *o, const char *text, int argc, char **arguments)
{
	struct watcher_start start = { .text = text, .argc = argc, .arguments = arguments };
	sigset_t none;

	held_outfile = hold_outfile(o);
	if (!fork()) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		setsid();
		adopt_stream(STDOUT_FILENO);
		adopt_stream(STDERR_FILENO);
		run_watcher(&start);
	}
	close(listener);
	close(program);
	if (held_outfile >= 0)
		close(held_outfile);
}
