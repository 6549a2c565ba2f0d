/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dumps on the smallest stacks a program may have, each with a guard page below: signal_stacks HOW.
 *
 *	alternate	an alternate signal stack of SIGSTKSZ as it was before glibc 2.34 (8192)
 *	thread		a thread with 16 KB
 *	deep		the same, when all but 3 KB and a signal's frame is in use
 *	tiny		an alternate stack of MINSIGSTKSZ: the kernel's own frame and hardly more
 *	tiny, TERM	which SIGTERM ends
 *	tiny, overflow	and which is there for the overflow of the other one
 *
 * Prints how much of the stack was used.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

/* The kernel's frame: AT_MINSIGSTKSZ (Linux 5.14), which some processors' registers need more for. */
static size_t frame_bytes(void)
{
	size_t known = getauxval(51);

	return known ? known : 1776;
}

static char *bottom;

__attribute__((noinline)) static void go_down(void)
{
	volatile char some[128];

	some[0] = 1;
	if ((uintptr_t)some - (uintptr_t)bottom > frame_bytes() + 3072)
		go_down();
	else
		work(NULL);
	some[1] = some[0];
}

static void *go_deep(void *unused)
{
	go_down();
	return unused;
}

__attribute__((noinline)) static int overflow(volatile int *n)
{
	volatile int more = *n + 1;

	return more ? overflow(&more) + more : 0;
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
	} else if (!strncmp(how, "tiny", 4)) {
		size = frame_bytes() + 256 <= 2048 ? 2048 : frame_bytes() + 256;
		stack = guarded((size + 15) & ~(size_t)15);
		if (sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = size }, NULL))
			return 77;
		if (strcmp(how, "tiny, overflow"))
			work(NULL);
		if (!strcmp(how, "tiny, TERM"))
			raise(SIGTERM);
		setrlimit(RLIMIT_STACK, &(struct rlimit){ 8 << 20, 8 << 20 });	/* where there is none, an overflow takes all memory */
		if (!strcmp(how, "tiny, overflow"))
			return overflow(&(volatile int){ 0 });
	} else {
		bottom = stack = guarded(size);
		pthread_attr_init(&attributes);
		pthread_attr_setstack(&attributes, stack, size);
		if (pthread_create(&thread, &attributes, strcmp(how, "deep") ? work : go_deep, NULL))
			return 3;
		pthread_join(thread, NULL);
	}
	printf("used %zu of %zu\n", used(stack, size), size);
	return 0;
}
