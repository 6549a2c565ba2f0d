/* SPDX-License-Identifier: GPL-2.0-only */
/* A library with indirect functions, which it calls itself through the PLT. */
static int one(int x)
{
	return x + 1;
}

static int (*resolve(void))(int)
{
	return one;
}

static int hidden(int x) __attribute__((ifunc("resolve")));
int chosen(int x) __attribute__((ifunc("resolve")));

int calls(int x)
{
	return chosen(x) * 2 + hidden(x);
}

#ifdef PROGRAM
int main(int argc, char **argv)
{
	(void)argv;
	return calls(argc);
}
#endif
