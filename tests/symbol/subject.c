/* SPDX-License-Identifier: GPL-2.0-only */
/* A program with what real ones have: static and exported functions, aliases, start code. */
#include <stdlib.h>

#define APART __attribute__((noinline, noclone))

static APART int hidden(int x)
{
	__asm__ volatile("");
	return x * 3;
}

APART int exported(int x)
{
	return hidden(x) + 1;
}

int also_exported(int x) __attribute__((weak, alias("exported")));

static APART int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int main(int argc, char **argv)
{
	int numbers[] = { argc, 3, exported(argc), also_exported(argc) };

	qsort(numbers, 4, sizeof(numbers[0]), compare);
	return numbers[0] + (argv == NULL);
}
