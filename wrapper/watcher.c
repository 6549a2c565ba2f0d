/* SPDX-License-Identifier: GPL-2.0-only */
/* See watcher.h. */
#include "watcher.h"

#include "base/opened.h"
#include "options/outfile.h"
#include "process/dump.h"
#include "table/load.h"
#include "table/row.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open	434
#endif
#ifndef SYS_close_range
#define SYS_close_range	436
#endif

#define STACK_BYTES	262144	/* the watcher's, and that of the process in between */
#define LATE_MS		1000	/* a child has to say that it is there */
#define ALONE_MS	50	/* longer than an exec takes, mostly */

static int listener = -1, program = -1;	/* the socket; a pidfd of the wrapper */
static pid_t wrapper_pid;
static char password[WATCH_PASSWORD_BYTES];

bool watcher_open(char address[WATCHER_ADDRESS_BYTES])
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t bytes = sizeof(name);
	unsigned char random[WATCH_PASSWORD_BYTES / 2];
	const int on = 1;
	size_t len;
	int reaper = 0;

	wrapper_pid = getpid();
	/* Whose children's children become its own: the watcher would be the program's child. */
	if (wrapper_pid == 1 || prctl(PR_GET_CHILD_SUBREAPER, &reaper) || reaper)
		return false;
	program = (int)syscall(SYS_pidfd_open, wrapper_pid, 0);
	listener = program < 0 ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* Without a name it gets one, of 5 hexadecimal digits (unix(7), autobind). */
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

/* ---- The processes ---- */

struct process {
	struct process *next;
	int pidfd, table_fd;		/* table_fd -1: it has not said that it is there */
	pid_t pid;			/* as we see it; 0: unknown */
	uint32_t own_pid;		/* as it sees itself */
	uint32_t children;		/* of its forks, that have said that they are there */
	uint64_t next_ms;		/* --every: when the next dump is due */
};

static struct process *processes;
static uint32_t awaited;		/* children that have not said so, and whose parent is gone */
static int poller;
static struct options options;
static struct rules rules;

/* Two descriptors for each process: when there is more than one. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static struct process *add_process(int pidfd, pid_t pid)
{
	struct process *p = calloc(1, sizeof(*p));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = p };

	if (processes && !processes->next)
		raise_limit();
	if (!p || epoll_ctl(poller, EPOLL_CTL_ADD, pidfd, &event)) {
		free(p);
		close(pidfd);
		return NULL;
	}
	p->pidfd = pidfd;
	p->table_fd = -1;
	p->pid = pid;
	p->next = processes;
	processes = p;
	return p;
}

static void remove_process(struct process *gone)
{
	struct process **p = &processes;

	while (*p != gone)
		p = &(*p)->next;
	*p = gone->next;
	close(gone->pidfd);
	if (gone->table_fd >= 0)
		close(gone->table_fd);
	free(gone);
}

/* Prints the dump of a table. runs: the pid, as we see it, of the process; 0: it has ended. */
static void dump(int fd, pid_t runs)
{
	static struct dumper d;
	struct table t;

	if (load_table(&t, fd, 0) != LOAD_OK)
		return;
	memset(&d, 0, sizeof(d));
	dump_attach(&d, &t, &options, &rules, false, now_ns());
	d.runs_as = (uint32_t)runs;
	dump_write(&d, &(struct dump_request){
		.sort = options.sort, .sort_count = options.sort_count,
		.reason = runs ? REASON_EVERY : REASON_KILLED, .final = !runs,
	});
	dump_detach(&d);
	/* The process goes on counting from there. */
	if (runs && pwrite(fd, &t.head->dumps, sizeof(t.head->dumps),
			   offsetof(struct table_header, dumps)) < 0)
		errno = 0;
	load_release(&t);
}

/* Children that a table's process has forked, and that have not been here. */
static void await_children(const struct process *p, const struct table_header *h)
{
	if (h->forks > p->children)
		awaited += h->forks - p->children;
}

/* In a file of --record: what prints from it later has to know how old things were. */
static void note_end(int fd)
{
	uint64_t now = now_ns();

	if (pwrite(fd, &now, sizeof(now), offsetof(struct table_header, ended_ns)) < 0)
		errno = 0;	/* then the file's own time serves */
}

static void has_ended(struct process *p)
{
	struct table_header h;

	if (p->table_fd >= 0 && load_header(&h, p->table_fd, 0) == LOAD_OK) {
		await_children(p, &h);
		if (h.life == TABLE_LIVES && options.record)
			note_end(p->table_fd);
		else if (h.life == TABLE_LIVES)
			dump(p->table_fd, 0);
	}
	remove_process(p);
}

/* ---- What they say ---- */

struct said {
	struct watch_message message;
	int fds[2];			/* table, pidfd; -1 */
	pid_t pid;
};

static void take_control(struct said *s, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct ucred who;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&who, CMSG_DATA(c), sizeof(who));
			s->pid = who.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			for (size_t i = 0; i < count; i++) {
				int fd;

				memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
				if (i < 2 && s->fds[i] < 0)
					s->fds[i] = fd;
				else
					close(fd);
			}
		}
	}
}

/* False: nothing (more) has come. */
static bool receive(struct said *s)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr head;
	} control;
	struct iovec part = { &s->message, sizeof(s->message) };
	struct msghdr m = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;

	*s = (struct said){ .fds = { -1, -1 } };
	while ((n = recvmsg(listener, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	if (n < 0)
		return false;
	take_control(s, &m);
	if (n != sizeof(s->message) ||
	    memcmp(s->message.password, password, sizeof(password)))
		s->pid = -1;
	return true;
}

static struct process *find_process(pid_t pid)
{
	struct process *p = processes;

	while (p && !(pid && p->pid == pid))
		p = p->next;
	return p;
}

static void count_child(uint32_t parent)
{
	for (struct process *p = processes; p; p = p->next) {
		if (p->own_pid == parent) {
			p->children++;
			return;
		}
	}
	if (awaited)
		awaited--;
}

/* A process is there, or has become another program: then its older table is of no use. */
static void take_table(struct said *s)
{
	struct process *p = find_process(s->pid);

	if (s->pid < 0 || s->fds[0] < 0 || s->fds[1] < 0) {
		for (int i = 0; i < 2; i++) {
			if (s->fds[i] >= 0)
				close(s->fds[i]);
		}
		return;
	}
	if (s->message.parent)
		count_child(s->message.parent);
	if (p) {
		struct table_header h;

		if (p->table_fd >= 0 && load_header(&h, p->table_fd, 0) == LOAD_OK)
			await_children(p, &h);
		if (p->table_fd >= 0)
			close(p->table_fd);
		close(s->fds[1]);
		p->children = 0;
	} else {
		p = add_process(s->fds[1], s->pid);
		if (!p) {
			close(s->fds[0]);
			return;
		}
	}
	p->own_pid = s->message.pid;
	p->table_fd = s->fds[0];
}

static void listen_to_all(void)
{
	struct said s;

	while (receive(&s))
		take_table(&s);
}

/* ---- --every ---- */

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Whether a process's time has come; *wait gets the time until the next one's, if that is less. */
static bool is_due(struct process *p, uint64_t now, int *wait)
{
	bool due = p->next_ms && p->next_ms <= now;

	if (!p->next_ms)
		p->next_ms = now + options.every_ms;
	while (p->next_ms <= now)	/* what a slow dump has made impossible is left out */
		p->next_ms += (now - p->next_ms) / options.every_ms * options.every_ms + options.every_ms;
	if (*wait < 0 || p->next_ms - now < (uint64_t)*wait)
		*wait = (int)(p->next_ms - now);
	return due;
}

/* Dumps whose time has come. Returns the milliseconds until the next one's; -1: there is none. */
static int take_dumps(void)
{
	uint64_t now = options.every_ms ? clock_ms() : 0;
	struct table_header h;
	int wait = -1;

	for (struct process *p = processes; p && options.every_ms; p = p->next) {
		if (p->table_fd >= 0 && is_due(p, now, &wait) &&
		    load_header(&h, p->table_fd, 0) == LOAD_OK && h.life == TABLE_LIVES)
			dump(p->table_fd, p->pid);
	}
	return wait;
}

/* What has been said comes before who has ended: it may have been their last word. */
static void watch(void)
{
	struct epoll_event events[64];
	int count, wait;

	while (processes || awaited) {
		wait = take_dumps();
		count = epoll_wait(poller, events, 64, processes ? wait : LATE_MS);
		if (count < 0 && errno == EINTR)
			continue;
		if (!count && processes)
			continue;
		if (count <= 0)
			break;
		listen_to_all();
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				has_ended(events[i].data.ptr);
		}
	}
}

/* ---- The process itself ---- */

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

/* Leaves a stream, or the descriptor that --outfile stands for, open only when dumps go there; what
 * takes a stream's number can be neither read nor written, and costs nothing to open. */
static void close_all(void)
{
	bool to_stdout = options.outfile && !strcmp(options.outfile, "-");
	int *const ours[] = { &listener, &program };
	int outfile = outfile_descriptor(&options), kept[3];
	unsigned from = STDERR_FILENO + 1;

	for (int i = 0; i < 2; i++) {
		if (*ours[i] <= STDERR_FILENO)		/* that stream was closed */
			*ours[i] = fcntl(*ours[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (*ours[i] < 0)
			_exit(1);
	}
	if (outfile != STDIN_FILENO)
		dup2(listener, STDIN_FILENO);
	if (!to_stdout)
		dup2(listener, STDOUT_FILENO);
	if (options.outfile)
		dup2(listener, STDERR_FILENO);
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
	if (chdir("/"))
		return;		/* then its file system stays busy */
}

struct start {
	const char *text;
	int argc;
	char **arguments;
	char *stack;
};

/*
 * The watcher is made in the wrapper's memory, which it is left alone with when the wrapper
 * becomes the program: no page is copied, neither by fork nor by who writes first. Until then it
 * must not touch it. That the wrapper has let go of it is to be known by the program's first word
 * (or by the wrapper's end), and where that does not come soon, by this: the kernel clears it at
 * an exec and at the end, as it does for who joins a thread (set_tid_address(2)).
 */
static int wrapper_inside = 1;

static void wait_alone(void)
{
	struct pollfd signs[2] = { { .fd = listener, .events = POLLIN },
				   { .fd = program, .events = POLLIN } };

	for (int ms = ALONE_MS; poll(signs, 2, ms) <= 0; ms = LATE_MS) {
		if (!__atomic_load_n(&wrapper_inside, __ATOMIC_ACQUIRE))
			break;
	}
}

static _Noreturn void live(const struct start *s)
{
	size_t bytes = strlen(s->text) + 16;
	char *store = malloc(bytes), error[256];
	struct epoll_event event = { .events = EPOLLIN };

	options_init(&options);
	if (!store)
		_exit(1);
	options_parse_env(s->text, &options, store, bytes, error, sizeof(error));
	prepare(s->argc, s->arguments);
	if (options.ignore)
		rules_read(&rules, options.ignore);
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) ||
	    !add_process(program, wrapper_pid))
		_exit(1);
	watch();
	_exit(0);
}

static int live_when_alone(void *start)
{
	setsid();
	wait_alone();
	live(start);
}

/* By clone(), but where there is none of that kind (qemu's user mode). */
static int in_between(void *start)
{
	const struct start *s = start;

	if (clone(live_when_alone, s->stack + STACK_BYTES, CLONE_VM, start) < 0 && !fork()) {
		setsid();
		live(start);
	}
	_exit(0);
}

void watcher_leave(const char *text, int argc, char **arguments)
{
	static struct start start;	/* this call does not outlive the exec */
	char *stacks = mmap(NULL, 2 * STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	pid_t child;

	if (stacks != MAP_FAILED) {
		start = (struct start){ text, argc, arguments, stacks };
		syscall(SYS_set_tid_address, &wrapper_inside);
		/* Without a signal at its end, which could be waiting for the program. */
		child = clone(in_between, stacks + 2 * STACK_BYTES, CLONE_VM | CLONE_VFORK, &start);
		while (child > 0 && waitpid(child, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
	close(listener);
	close(program);
}
