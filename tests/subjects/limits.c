/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lives with less than usual: limits HOW. 1000 bytes are kept by keep_first(), 333 by keep_late().
 * Prints "done" when all of its own calls did what they natively do.
 *
 *	filter		a seccomp filter that kills on every call but the documented ones
 *	filter, less	and without getpid(2), which must kill: the filter works
 *	filter, work	and 2,000 backtraces, four threads, a library opened and closed
 *	filter, grow	and 60,000 backtraces, for which the table has to grow
 *	filter, fork	and a child that allocates, and ends, while another thread lives
 *	filter, alone	the same, for --no-watch
 *	filter, exec	and tries to execute what cannot be
 *	filter, TERM	and a death by SIGTERM
 *	filter, watcher	the same calls and those that a dump takes which the watcher writes
 *	strict		seccomp's strict mode, ended by exit(2)
 *	full		allocates until it gets NULL, gives back, and goes on
 *	nofile		no further descriptor can be opened
 *	fsize		RLIMIT_FSIZE of 100 bytes, SIGXFSZ at its default
 *	streams		closes its standard streams
 *	usr1		SIGUSR1 to itself
 *	oom FILE	writes its id into FILE (a control group's), and allocates until it is killed
 *	refuse MB COMMAND...	the command, with each mmap() of more than so much refused with ENOMEM, as
 *			a kernel does that does not overcommit
 *	not_wiped COMMAND...	the command, where madvise() knows no MADV_WIPEONFORK, as before Linux 4.14
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_SUCH 77

static void *volatile kept[4];
static int traced;	/* natively the dump signals kill */

__attribute__((noinline)) void keep_first(void)
{
	kept[0] = malloc(1000);
}

__attribute__((noinline)) void keep_late(void)
{
	kept[1] = malloc(333);
}

/* doc/limits.md and heaptrace.1 list these. */
static const int calls[] = {
	SYS_openat, SYS_read, SYS_pread64, SYS_close, SYS_write, SYS_ioctl, SYS_fcntl, SYS_mmap, SYS_munmap, SYS_mremap,
	SYS_madvise, SYS_rt_sigprocmask, SYS_rt_sigpending, SYS_rt_sigtimedwait,
	SYS_gettid, SYS_futex, SYS_newfstatat, SYS_fstat, SYS_getcwd, SYS_renameat, SYS_unlinkat,
	SYS_sched_yield, SYS_clock_nanosleep,
#ifdef SYS_nanosleep
	SYS_nanosleep,
#endif
	SYS_getpid,
};
/* With an end by a signal, and with children. */
static const int death_calls[] = {
	SYS_rt_sigaction, SYS_timer_create, SYS_timer_settime, SYS_rt_tgsigqueueinfo, SYS_tgkill,
};
static const int child_calls[] = {
	SYS_prlimit64,	/* and without the watcher no more */
	SYS_memfd_create, SYS_membarrier, SYS_pidfd_open, SYS_socket, SYS_setsockopt, SYS_sendmsg,
	SYS_ftruncate, SYS_pwrite64, SYS_prctl,
};

/* With a format that the watcher writes. */
static const int watcher_calls[] = {
	SYS_pipe2, SYS_socket, SYS_setsockopt, SYS_sendmsg,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll,
};

/* What the program itself, and its libc, calls: a signal to itself, an exit, more heap. */
static const int own_calls[] = { SYS_exit_group, SYS_brk, SYS_tgkill, SYS_rt_sigreturn };
static const int work_calls[] = {
	SYS_clone3, SYS_clone, SYS_rseq, SYS_set_robust_list, SYS_mprotect, SYS_exit, SYS_rt_sigaction,
};
static const int fork_calls[] = { SYS_wait4, SYS_pause };
static const int exec_calls[] = {
	SYS_execve, SYS_faccessat,
#ifdef SYS_access
	SYS_access,
#endif
};

#define ALLOW(calls, count) do {										\
	for (unsigned i_ = 0; i_ < (count); i_++) {								\
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(calls)[i_], 0, 1); \
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);			\
	}												\
} while (0)

static void install_filter(const char *how)
{
	struct sock_filter code[200];
	struct sock_fprog program = { .filter = code };
	unsigned n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	ALLOW(calls, sizeof(calls) / sizeof(calls[0]) - !strcmp(how, "filter, less"));
	ALLOW(own_calls, sizeof(own_calls) / sizeof(own_calls[0]));
	if (!strcmp(how, "filter, work") || !strcmp(how, "filter, fork") || !strcmp(how, "filter, alone"))
		ALLOW(work_calls, sizeof(work_calls) / sizeof(work_calls[0]));
	if (!strcmp(how, "filter, fork") || !strcmp(how, "filter, alone")) {
		ALLOW(fork_calls, sizeof(fork_calls) / sizeof(fork_calls[0]));
		ALLOW(child_calls, strcmp(how, "filter, fork") ? 1 : sizeof(child_calls) / sizeof(child_calls[0]));
	}
	if (!strcmp(how, "filter, exec"))
		ALLOW(exec_calls, sizeof(exec_calls) / sizeof(exec_calls[0]));
	if (!strcmp(how, "filter, TERM"))
		ALLOW(death_calls, sizeof(death_calls) / sizeof(death_calls[0]));
	if (!strcmp(how, "filter, watcher"))
		ALLOW(watcher_calls, sizeof(watcher_calls) / sizeof(watcher_calls[0]));
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		exit(NO_SUCH);
}

static void fill(void)
{
	static void *blocks[4096];
	int n = 0;

	while (n < 4096 && (blocks[n] = malloc(1 << 20)))
		memset(blocks[n++], 1, 4096);
	if (n == 4096 || errno != ENOMEM)
		exit(3);
	while (n > 0)
		free(blocks[--n]);
}

static int run_filtered(struct sock_filter *code, unsigned short count, char **command)
{
	struct sock_fprog program = { .filter = code, .len = count };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return NO_SUCH;
	execv(command[0], command);
	return 3;
}

/* The kernel's mmap() on a machine that has no more; argument 1 is the length, in two halves. */
static int refuse(unsigned megabytes, char **command)
{
	unsigned low = offsetof(struct seccomp_data, args[1]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low ^ 4),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0, 3, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, megabytes << 20, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
	};

	return run_filtered(code, sizeof(code) / sizeof(code[0]), command);
}

/* Argument 2 of madvise() is the advice. */
static int not_wiped(char **command)
{
	unsigned low = offsetof(struct seccomp_data, args[2]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 18, 1, 0),	/* MADV_WIPEONFORK */
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
	};

	return run_filtered(code, sizeof(code) / sizeof(code[0]), command);
}

static int oom(const char *file)
{
	FILE *group = fopen(file, "w");

	if (!group || fprintf(group, "%d\n", (int)getpid()) < 0 || fclose(group))
		return NO_SUCH;
	for (int i = 0; i < 4096; i++) {
		void *p = malloc(1 << 20);

		if (p)
			memset(p, 1, 1 << 20);
		kept[3] = p;
	}
	return 3;
}

/* As many backtraces as there are ways down. */
__attribute__((noinline)) static int go_left(unsigned way, int depth);
__attribute__((noinline)) static int go_right(unsigned way, int depth)
{
	if (!depth)
		return malloc(16) != NULL;
	return (way & 1 ? go_left(way >> 1, depth - 1) : go_right(way >> 1, depth - 1)) & 1;
}

static int go_left(unsigned way, int depth)
{
	if (!depth)
		return malloc(32) != NULL;
	return (way & 1 ? go_left(way >> 1, depth - 1) : go_right(way >> 1, depth - 1)) & 1;
}

static void *in_thread(void *number)
{
	for (unsigned i = 0; i < 500; i++)
		go_left((unsigned)(uintptr_t)number * 500 + i, 12);
	if (traced)
		raise(SIGUSR2);
	return NULL;
}

static void work(void)
{
	pthread_t t[4];
	void *library;

	for (uintptr_t i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, in_thread, (void *)i))
			exit(5);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	library = dlopen("libm.so.6", RTLD_NOW);
	if (!library || dlclose(library))
		exit(6);
}

static void *stay(void *unused)
{
	keep_first();
	pause();
	return unused;
}

/* With another thread about. */
static void fork_once(void)
{
	pthread_t other;
	int status;
	pid_t child;

	if (pthread_create(&other, NULL, stay, NULL))
		exit(8);
	child = fork();

	if (!child) {
		keep_late();
		_exit(7);
	}
	if (waitpid(child, &status, 0) != child || status != 7 << 8)
		exit(8);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	struct rlimit limit = { 100, 100 };

	traced = getenv("LD_PRELOAD") != NULL;
	if (argc > 2 && !strcmp(how, "not_wiped"))
		return not_wiped(argv + 2);
	if (argc > 3 && !strcmp(how, "refuse"))
		return refuse((unsigned)atoi(argv[2]), argv + 3);
	keep_first();
	if (argc > 2 && !strcmp(how, "oom"))
		return oom(argv[2]);
	if (!strncmp(how, "filter", 6))
		install_filter(how);
	else if (!strcmp(how, "strict")) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			return NO_SUCH;
		free(malloc(10));
		keep_late();
		if (write(1, "done\n", 5) < 0)
			syscall(SYS_exit, 4);
		syscall(SYS_exit, 0);
	} else if (!strcmp(how, "full")) {
		fill();
	} else if (!strcmp(how, "nofile")) {
		limit = (struct rlimit){ 0, 0 };
		if (setrlimit(RLIMIT_NOFILE, &limit))
			return NO_SUCH;
	} else if (!strcmp(how, "fsize")) {
		if (setrlimit(RLIMIT_FSIZE, &limit))
			return NO_SUCH;
	}
	keep_late();
	if ((!strncmp(how, "filter", 6) || !strcmp(how, "usr1")) &&
	    traced)
		raise(SIGUSR1);
	if (!strcmp(how, "filter, work"))
		work();
	for (unsigned i = 0; i < 60000 && !strcmp(how, "filter, grow"); i++)
		go_left(i, 16);
	if (!strcmp(how, "filter, fork") || !strcmp(how, "filter, alone"))
		fork_once();
	if (write(1, "done\n", 5) < 0 && strcmp(how, "streams"))
		return 4;
	if (!strcmp(how, "filter, TERM"))
		raise(SIGTERM);
	if (!strcmp(how, "filter, exec") &&
	    (execl("/etc/passwd", "passwd", (char *)NULL) == 0 || errno != EACCES ||
	     execlp("heaptrace-no-such", "no", (char *)NULL) == 0 || errno != ENOENT))
		return 9;
	if (!strcmp(how, "streams")) {
		close(0);
		close(1);
		close(2);
	}
	return 0;
}
