/* SPDX-License-Identifier: GPL-2.0-only */
/* A library with an indirect function, which calls itself through the PLT. */
static int one(int x)
{
	return x + 1;
}

static int (*resolve(void))(int)
{
	return one;
}

int chosen(int x) __attribute__((ifunc("resolve")));

int calls(int x)
{
	return chosen(x) * 2;
}
