/* SPDX-License-Identifier: GPL-2.0-only */
/* The subject of tests/lines.t: code whose lines and inlined calls are compared. */
#include "inline.h"

int sink;
int part(int x, int (*f)(int));
int other(int x);
int assembled(int x);

__attribute__((noinline, cold)) static int rare(int x)
{
	sink = twice(x);
	return maybe(x);
}

static int callback(int x)
{
	if (__builtin_expect(x == 77, 0))
		return rare(x) + rare(x + 1);
	BOTH(x, x + 1);
	return maybe(x) + four_times(x);
}

/* Split into parts, cloned for constants, unrolled: as the compiler likes. */
static __attribute__((noinline)) int shape(int kind, int n, int *v)
{
	int sum = 0;

	switch (kind) {
	case 0:
		for (int i = 0; i < n; i++)
			sum += v[i] * four_times(i);
		break;
	case 1:
		while (n-- > 0)
			sum ^= maybe(v[n]);
		break;
	case 2:
		sum = callback(n);
		break;
	default:
		__builtin_abort();
	}
	return sum;
}

#line 1000 "made/by/a generator.y"
static __attribute__((noinline)) int generated(int x)
{
	return twice(x) + shape(0, x, &x);
}
#line 3
static __attribute__((noinline)) int generated_too(int x)
{
	return generated(x) - 1;
}
#line 57 "main.c"

int main(int argc, char **argv)
{
	int v[4] = { argc, 2, 3, 4 };
	int r = shape(0, 4, v) + shape(1, 4, v) + shape(2, argc, v);

	(void)argv;
	r += generated(argc) + generated_too(argc);
	r += part(argc, callback);
	BOTH(r, argc);
#ifdef OTHER
	r += other(argc);
#endif
#ifdef ASSEMBLED
	r += assembled(argc);
#endif
	return r + sink == 42;
}
