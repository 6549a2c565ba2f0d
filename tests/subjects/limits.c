/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lives with less than usual: limits HOW. 1000 bytes are kept by keep_first(), 333 by keep_late().
 * Prints "done" when all of its own calls did what they natively do.
 *
 *	filter		a seccomp filter that kills on every call but the documented ones
 *	filter, less	and without getpid(2), which must kill: the filter works
 *	strict		seccomp's strict mode, ended by exit(2)
 *	full		allocates until it gets NULL, gives back, and goes on
 *	nofile		no further descriptor can be opened
 *	fsize		RLIMIT_FSIZE of 100 bytes, SIGXFSZ at its default
 *	streams		closes its standard streams
 *	usr1		SIGUSR1 to itself
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NO_SUCH 77

static void *volatile kept[4];

__attribute__((noinline)) void keep_first(void)
{
	kept[0] = malloc(1000);
}

__attribute__((noinline)) void keep_late(void)
{
	kept[1] = malloc(333);
}

/* README.md and heaptrace.1 list these. */
static const int calls[] = {
	SYS_openat, SYS_read, SYS_pread64, SYS_close, SYS_write, SYS_ioctl, SYS_fcntl, SYS_mmap, SYS_munmap,
	SYS_madvise, SYS_rt_sigprocmask, SYS_rt_sigpending, SYS_rt_sigtimedwait,
	SYS_gettid, SYS_futex, SYS_newfstatat, SYS_fstat, SYS_getcwd, SYS_renameat, SYS_unlinkat,
	SYS_getpid,
};

/* What the program itself, and its libc, calls: a signal to itself, an exit, more heap. */
static const int own_calls[] = { SYS_exit_group, SYS_brk, SYS_tgkill, SYS_rt_sigreturn };

static void install_filter(unsigned count)
{
	struct sock_filter code[80];
	struct sock_fprog program = { .filter = code };
	unsigned n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < count + sizeof(own_calls) / sizeof(own_calls[0]); i++) {
		int call = i < count ? calls[i] : own_calls[i - count];

		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
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

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	struct rlimit limit = { 100, 100 };
	int traced = getenv("LD_PRELOAD") != NULL;	/* natively the signal kills */

	keep_first();
	if (!strcmp(how, "filter"))
		install_filter(sizeof(calls) / sizeof(calls[0]));
	else if (!strcmp(how, "filter, less"))
		install_filter(sizeof(calls) / sizeof(calls[0]) - 1);
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
	if (write(1, "done\n", 5) < 0 && strcmp(how, "streams"))
		return 4;
	if (!strcmp(how, "streams")) {
		close(0);
		close(1);
		close(2);
	}
	return 0;
}
