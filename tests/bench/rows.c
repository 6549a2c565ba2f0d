/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes STACKS distinct backtraces with one live block each (distinct within 8 frames), sends
 * itself SIGUSR1 TIMES times, and prints the milliseconds of each kill(), one a line: under
 * heaptrace, the time that a dump on a signal takes. Ignored without heaptrace.
 *
 *	rows [STACKS [TIMES]]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LEVELS	6	/* of 8 call sites each: up to 262,144 stacks */

static void *kept;

/* One call site per way, so that each of the three bits shows in a return address. */
#define WAY(n)	case n: step(level - 1, path >> 3); __asm__ volatile("# " #n); break;

__attribute__((noinline, noclone)) static void step(int level, unsigned long path)
{
	if (!level) {
		void **b = malloc(32);

		*b = kept;
		kept = b;
		return;
	}
	switch (path & 7) {
	WAY(0) WAY(1) WAY(2) WAY(3) WAY(4) WAY(5) WAY(6) WAY(7)
	}
	__asm__ volatile("" ::: "memory");
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	unsigned long stacks = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
	int times = argc > 2 ? atoi(argv[2]) : 5;
	struct sigaction action;

	/* Under heaptrace the handler is its own and shows as the default; die of nothing else. */
	if (!getenv("LD_PRELOAD") && !getenv("HEAPTRACE_OPTIONS")) {
		memset(&action, 0, sizeof(action));
		action.sa_handler = SIG_IGN;
		sigaction(SIGUSR1, &action, NULL);
	}
	for (unsigned long i = 0; i < stacks; i++)
		step(LEVELS, i);
	for (int i = 0; i < times; i++) {
		double begin = now_ms();

		kill(getpid(), SIGUSR1);
		printf("%.3f\n", now_ms() - begin);
	}
	return 0;
}
