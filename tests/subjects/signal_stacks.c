/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dumps on the smallest stacks a program may have: an alternate signal stack of SIGSTKSZ
 * bytes as it was before glibc 2.34 (8192), and a thread with 16 KB, each with a guard page
 * below (argv[1]: "alternate" or "thread"). Prints how much of the stack was used.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *volatile kept;
static const char *how;

static char *guarded(size_t size)
{
	char *p = mmap(NULL, size + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p, 8192, PROT_NONE);
	memset(p + 8192, 0xa5, size);
	return p + 8192;
}

static size_t used(const char *stack, size_t size)
{
	size_t free_bytes = 0;

	while (free_bytes < size && stack[free_bytes] == (char)0xa5)
		free_bytes++;
	return size - free_bytes;
}

static void *work(void *unused)
{
	for (int i = 0; i < 20; i++) {
		pthread_kill(pthread_self(), i & 1 ? SIGUSR1 : SIGUSR2);
		free(malloc((size_t)i));
	}
	return unused;
}

int main(int argc, char **argv)
{
	size_t size = 16384;
	pthread_attr_t attributes;
	pthread_t thread;
	char *stack;

	how = argc > 1 ? argv[1] : "";
	kept = malloc(100);
	if (!strcmp(how, "alternate")) {
		size = 8192;
		stack = guarded(size);
		sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = size }, NULL);
		work(NULL);
	} else {
		stack = guarded(size);
		pthread_attr_init(&attributes);
		pthread_attr_setstack(&attributes, stack, size);
		if (pthread_create(&thread, &attributes, work, NULL))
			return 3;
		pthread_join(thread, NULL);
	}
	printf("used %zu of %zu\n", used(stack, size), size);
	return 0;
}
