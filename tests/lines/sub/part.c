/* SPDX-License-Identifier: GPL-2.0-only */
/* A second unit, in another directory. */
#include "../inline.h"

static int local(int x)
{
	return maybe(x) + twice(x);
}

int part(int x, int (*f)(int))
{
	int sum = 0;

	for (int i = 0; i < x; i++) {
		sum += f(i);
		sum -= local(i);
	}
	return sum + four_times(sum);
}
