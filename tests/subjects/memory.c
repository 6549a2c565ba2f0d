/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Has so many backtraces, each with one block (the first argument), takes all memory that the kernel
 * gives, and does what its other arguments say, one after the other. keep() keeps 54,321 bytes. Prints
 * "done" at its end.
 *
 *	refused		a seccomp filter refuses every mmap(), mremap() and brk() from then on, as a kernel that
 *			does not overcommit does when there is no more
 *	usr1		sends itself SIGUSR1
 *	fork		has a child, which ends by exit(), and waits for it
 *	abort		ends by SIGABRT
 *	kill		ends by SIGKILL
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_SUCH 77

static void *volatile kept;

__attribute__((noinline)) void keep(void)
{
	kept = malloc(54321);
}

/* Each way down is another backtrace. */
__attribute__((noinline)) void *way(unsigned turns, int depth, size_t size)
{
	void *volatile p;

	if (!depth) {
		p = malloc(size);
		return p;
	}
	if (turns & 1) {
		p = way(turns >> 1, depth - 1, size);
		return p;
	}
	p = way(turns >> 1, depth - 1, size);
	return p;
}

static void fill(void)
{
	for (size_t bytes = (size_t)1 << 40; bytes >= 4096; )
		if (mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
			bytes /= 2;
}

static void refuse(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_brk, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 12 /* ENOMEM */),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .filter = code, .len = sizeof(code) / sizeof(code[0]) };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(NO_SUCH);
}

int main(int argc, char **argv)
{
	unsigned rows = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	int status;
	pid_t child;

	keep();
	for (unsigned i = 0; i < rows; i++)
		kept = way(i, 16, 24 + i % 1000);
	if (argc < 3 || strcmp(argv[2], "refused"))
		fill();
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "refused")) {
			refuse();
		} else if (!strcmp(argv[i], "usr1")) {
			raise(SIGUSR1);
		} else if (!strcmp(argv[i], "fork")) {
			child = fork();
			if (!child)
				_exit(0);
			if (child < 0 || waitpid(child, &status, 0) != child || status)
				return 5;
		} else if (!strcmp(argv[i], "abort")) {
			abort();
		} else if (!strcmp(argv[i], "kill")) {
			kill(getpid(), SIGKILL);
		}
	}
	return write(1, "done\n", 5) != 5;
}
