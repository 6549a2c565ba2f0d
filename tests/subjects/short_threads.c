/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * short_threads COUNT STACK: COUNT threads, eight at a time, on stacks of STACK bytes (0: as they
 * come); each allocates and frees, keeps 8 bytes, and takes SIGUSR1 and SIGUSR2 now and then.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void **kept;

__attribute__((noinline)) void keep_in_thread(long i)
{
	kept[i] = malloc(8);
}

static void *work(void *number)
{
	long i = (long)number;

	free(realloc(malloc(100), 2000));
	keep_in_thread(i);
	if (i % 491 == 0)
		raise(i & 1 ? SIGUSR1 : SIGUSR2);
	return NULL;
}

int main(int argc, char **argv)
{
	long count = argc > 2 ? atol(argv[1]) : 1, stack = argc > 2 ? atol(argv[2]) : 0;
	pthread_t t[8];
	pthread_attr_t attr;

	kept = calloc((size_t)count, sizeof(*kept));
	pthread_attr_init(&attr);
	if (stack && pthread_attr_setstacksize(&attr, (size_t)stack < (size_t)PTHREAD_STACK_MIN ?
					       (size_t)PTHREAD_STACK_MIN : (size_t)stack))
		return 3;
	for (long i = 0; i < count; i += 8) {
		long n = count - i < 8 ? count - i : 8;

		for (long k = 0; k < n; k++)
			if (pthread_create(&t[k], &attr, work, (void *)(i + k)))
				return 4;
		for (long k = 0; k < n; k++)
			pthread_join(t[k], NULL);
	}
	puts("done");
	return 0;
}
