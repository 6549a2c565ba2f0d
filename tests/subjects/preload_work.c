/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps a block of 3000 bytes for 400 ms, by the kernel's clock whatever is preloaded, while a
 * second thread allocates; then says its process id, as the kernel has it, and ends.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void *kept;

static void *work(void *unused)
{
	for (int i = 0; i < 1000; i++)
		free(malloc(100));
	return unused;
}

__attribute__((noinline)) void *keep(void)
{
	return malloc(3000);
}

/* A futex that nobody wakes: no function of libc's that could be replaced has to do with it. */
static void wait_400_ms(void)
{
	struct timespec ms400 = { 0, 400000000 };
	static int word;

#if defined(__x86_64__)
	register struct timespec *r10 __asm__("r10") = &ms400;
	long result;

	__asm__ volatile("syscall" : "=a"(result)
			 : "a"(SYS_futex), "D"(&word), "S"(0), "d"(0), "r"(r10) : "rcx", "r11", "memory");
#else
	syscall(SYS_futex, &word, 0, 0, &ms400, NULL, 0);
#endif
}

int main(void)
{
	char link[32] = "";
	pthread_t thread;

	kept = keep();
	if (pthread_create(&thread, NULL, work, NULL) || pthread_join(thread, NULL))
		return 1;
	wait_400_ms();
	if (readlink("/proc/self", link, sizeof(link) - 1) < 0)
		return 1;
	printf("pid %s\n", link);
	return 0;
}
