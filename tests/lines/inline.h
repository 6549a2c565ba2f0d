/* SPDX-License-Identifier: GPL-2.0-only */
/* Inlined into several units, one into the other. */
#define ALWAYS static inline __attribute__((always_inline))

extern int sink;

ALWAYS int twice(int x)
{
	if (x > 3)
		sink += x;
	return x * 2;
}

ALWAYS int four_times(int x)
{
	int first = twice(x);

	return first + twice(x + sink);
}

static inline int maybe(int x)
{
	for (int i = 0; i < x; i++)
		sink ^= i * x;
	return four_times(sink);
}

#define BOTH(a, b)			\
	do {				\
		sink += twice(a);	\
		sink -= four_times(b);	\
	} while (0)
