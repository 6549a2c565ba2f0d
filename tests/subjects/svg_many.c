/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests/svg.t: 100,000 blocks from as many backtraces of 5 to 30 frames, some of them much larger than the rest. */
#include <stdlib.h>

typedef void level(unsigned path, unsigned depth);
static level *const levels[10];
static void *volatile last;

#define LEVEL(n) \
	static __attribute__((noinline, noclone)) void a_function_with_some_longer_name_##n(unsigned path, unsigned depth) \
	{ \
		if (depth) \
			levels[path % 10](path / 10 + path % 7 * 10000, depth - 1); \
		else \
			last = malloc(16 + path % 97 * (path % 13) * (path % 5)); \
		__asm__ volatile(""); \
	}
LEVEL(0) LEVEL(1) LEVEL(2) LEVEL(3) LEVEL(4) LEVEL(5) LEVEL(6) LEVEL(7) LEVEL(8) LEVEL(9)
#define NAME(n) a_function_with_some_longer_name_##n
static level *const levels[10] = { NAME(0), NAME(1), NAME(2), NAME(3), NAME(4), NAME(5), NAME(6), NAME(7), NAME(8), NAME(9) };

int main(void)
{
	for (unsigned path = 0; path < 100000; path++)
		levels[path % 10](path / 10, 5 + path % 26);
	return 0;
}
