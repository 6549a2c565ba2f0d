/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions within functions, as GNU C has them. Types with members, and functions with blocks, lie in between. */
struct pair {
	struct { int a; } first;
	union { int b; long c; } second;
	enum { NO, YES } kind;
};

static __attribute__((noinline)) int around(struct pair *p, int n)
{
	__attribute__((noinline)) int within(int m)
	{
		__attribute__((noinline)) int innermost(int k)
		{
			return k * 5 + n;
		}
		return innermost(m) + p->first.a;
	}

	for (int i = 0; i < n; i++) {
		int square = i * i;

		p->second.b += within(square);
	}
	return within(n);
}

int main(int argc, char **argv)
{
	struct pair p = { .first.a = argc, .kind = argv ? YES : NO };

	return around(&p, argc) + (int)p.kind;
}
