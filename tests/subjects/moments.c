/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * moments: for each byte of its input it takes a step, and writes a byte when the step is done:
 *
 *	+	100 blocks of 10,000 bytes more, from grow(), into which inner() is inlined
 *	s	1000 blocks of 100 bytes more, from small()
 *	-	frees the newest 100 blocks
 *	t	1000 blocks of 16 bytes, one after the other, each freed at once, from churn()
 *
 * At the end of the input it ends. It allocates nothing else.
 */
#include <stdlib.h>
#include <unistd.h>

static void *blocks[100000];
static int count;

static inline __attribute__((always_inline)) void *inner(size_t size)
{
	return malloc(size);
}

__attribute__((noinline)) static void grow(void)
{
	for (int i = 0; i < 100; i++)
		blocks[count++] = inner(10000);
}

__attribute__((noinline)) static void small(void)
{
	for (int i = 0; i < 1000; i++)
		blocks[count++] = calloc(1, 100);
}

__attribute__((noinline)) static void churn(void)
{
	for (int i = 0; i < 1000; i++)
		free(malloc(16));
}

int main(void)
{
	char step;

	while (read(STDIN_FILENO, &step, 1) == 1) {
		if (step == '+')
			grow();
		if (step == 's')
			small();
		if (step == 't')
			churn();
		for (int i = 0; step == '-' && i < 100; i++)
			free(blocks[--count]);
		if (write(STDOUT_FILENO, &step, 1) != 1)
			return 1;
	}
	return 0;
}
