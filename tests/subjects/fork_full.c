/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forks a child that allocates, where no descriptor is left and hardly any address space, and kills itself
 * when the child has ended.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The process's address space, in KB. */
static rlim_t mapped_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	rlim_t kb = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "VmSize:", 7))
			kb = (rlim_t)atol(line + 7);
	}
	if (f)
		fclose(f);
	return kb;
}

__attribute__((noinline)) static void child_block(void)
{
	void *volatile p = malloc(77);

	(void)p;
}

int main(void)
{
	struct rlimit files = { 64, 64 }, space;
	void *volatile keep = malloc(1000);
	pid_t child;

	free(malloc(100000));
	space.rlim_cur = space.rlim_max = (mapped_kb() + 64) << 10;
	setrlimit(RLIMIT_NOFILE, &files);
	while (open("/dev/null", O_RDONLY) >= 0)
		;
	setrlimit(RLIMIT_AS, &space);
	child = fork();
	if (!child) {
		for (int i = 0; i < 50; i++)
			child_block();
		_exit(0);
	}
	waitpid(child, NULL, 0);
	free(keep);
	raise(SIGKILL);
}
