/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * timeline: for each byte of its input it takes a step, and writes a byte when the step is done:
 *
 *	+	100 blocks of 10,000 bytes more
 *	-	frees the newest 100 of them
 *	f	goes on as a forked child
 *
 * At the end of the input it ends. It allocates nothing else.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *blocks[100000];
static int count;

__attribute__((noinline)) static void grow(void)
{
	for (int i = 0; i < 100; i++)
		blocks[count++] = malloc(10000);
}

int main(void)
{
	char step;

	while (read(STDIN_FILENO, &step, 1) == 1) {
		if (step == '+')
			grow();
		for (int i = 0; step == '-' && i < 100; i++)
			free(blocks[--count]);
		if (step == 'f' && fork() > 0) {
			wait(NULL);
			return 0;
		}
		if (write(STDOUT_FILENO, &step, 1) != 1)
			return 1;
	}
	return 0;
}
