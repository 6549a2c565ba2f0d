/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests/svg.t: known blocks below known functions.
 *
 *	parse	load	10 blocks of 1,000 bytes, with -DGROWN 25, and 1 of 20,000 that is freed
 *		keep	1 block of 6,000
 *	nested	nested	nested	2 blocks of 2,000, from the innermost
 *	dropped	1 block of 5,000, not with -DGROWN
 *	hostile	1 block of 7,000, whose function the test renames
 */
#include <stdlib.h>

#define KEPT __attribute__((noinline, noclone))

#ifdef GROWN
#define LOADED 25
#else
#define LOADED 10
#endif

static void *volatile blocks[64];
static volatile int used;

KEPT void load(void)
{
	void *volatile temporary = malloc(20000);

	for (int i = 0; i < LOADED; i++)
		blocks[used++] = malloc(1000);
	free(temporary);
}

KEPT void keep(void)
{
	blocks[used++] = malloc(6000);
}

KEPT void parse(void)
{
	load();
	keep();
	used += 0;
}

KEPT void nested(int depth)
{
	if (depth) {
		nested(depth - 1);
	} else {
		blocks[used++] = malloc(2000);
		blocks[used++] = malloc(2000);
	}
	used += 0;
}

#ifndef GROWN
KEPT void dropped(void)
{
	blocks[used++] = malloc(5000);
}
#endif

KEPT void hostile(void)
{
	blocks[used++] = malloc(7000);
}

int main(void)
{
	parse();
	nested(2);
#ifndef GROWN
	dropped();
#endif
	hostile();
	return 0;
}
