/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The same recursion from two places, each with a chain of small functions at its end. A function with a large frame,
 * which it does not write to, is called last at the end of the chain's caller: the return addresses of the chain are
 * still on the stack. tests/stale_frames.t says what has to come out.
 */
#include <stdlib.h>

static void *volatile block;
static void (*volatile inner)(void);
static volatile size_t size;

#define ISOLATED __attribute__((noinline, noclone))
#define GO_ON __asm__ volatile("")	/* so that the call before it is no jump */

ISOLATED static void chain8(void)
{
	block = malloc(size);
	GO_ON;
}

#define CHAIN(name, callee) ISOLATED static void name(void) { callee(); GO_ON; }
CHAIN(chain7, chain8)
CHAIN(chain6, chain7)
CHAIN(chain5, chain6)
CHAIN(chain4, chain5)
CHAIN(chain3, chain4)
CHAIN(chain2, chain3)
CHAIN(chain1, chain2)

ISOLATED static void large_frame(void)
{
	char unused[1024];

	__asm__ volatile("" : : "r"(unused));
	block = malloc(size);
	GO_ON;
}

ISOLATED static void recurse(int levels)
{
	if (levels > 0)
		recurse(levels - 1);
	else
		inner();
	GO_ON;
}

ISOLATED static void first_place(int levels)
{
	recurse(levels);
	GO_ON;
}

ISOLATED static void second_place(int levels)
{
	recurse(levels);
	GO_ON;
}

ISOLATED static void from(int second, int levels)
{
	if (second)
		second_place(levels);
	else
		first_place(levels);
	GO_ON;
}

int main(int argc, char **argv)
{
	int levels = argc > 1 ? atoi(argv[1]) : 0;

	size = 10;
	inner = chain1;
	for (int i = 0; i < 100; i++)
		from(0, levels);
	for (int i = 0; i < 3; i++)
		from(1, levels);
	size = 7777;
	inner = large_frame;
	from(1, levels);
	return 0;
}
