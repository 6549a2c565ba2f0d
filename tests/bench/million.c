/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocates BLOCKS blocks of SIZE bytes, writes each and keeps all: what a tracer needs per
 * live block is the growth of the peak memory over a run without it.
 *
 *	million [SIZE [BLOCKS]]
 *
 * glibc hands out chunks of 32 bytes for requests up to 24 and of 48 for 32.
 */
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 0) : 24;
	long blocks = argc > 2 ? atol(argv[2]) : 1000000;
	void **last = NULL;

	for (long i = 0; i < blocks; i++) {
		void **b = malloc(size < sizeof(*b) ? sizeof(*b) : size);

		if (!b)
			return 1;
		memset(b, 1, size);
		/* a list through the blocks: nothing else grows, and none can be left out */
		*b = last;
		last = b;
	}
	return !last;
}
