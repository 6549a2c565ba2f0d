/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One of many modules for modules.c. NUMBER gives it its names; FRAME the bytes of its
 * frames: frames of different sizes of the same order of magnitude are code of the same
 * length, so that return addresses are the same ones in both modules and only the unwind
 * information differs. SHIFT moves all its code, so that they are not. LEAVES: it allocates in
 * a destructor too.
 */
#include <stdlib.h>

#define JOIN(a, b)	a ## b
#define NAME(a, b)	JOIN(a, b)
#define SITE(name)	NAME(NAME(name, _), NUMBER)
#define KEEP		__attribute__((noinline, noclone))

typedef void *(*callback)(size_t size);

#ifdef SHIFT
__asm__(".text\n.skip " SHIFT ", 0x90");
#endif

static void *volatile sink;

KEEP static void *SITE(leaf)(size_t size)
{
	char frame[FRAME];
	void *p;

	sink = frame;
	p = malloc(size);
	frame[FRAME - 1] = 1;
	return p;
}

/* Its frame pointer is saved elsewhere, and the callback allocates below it. */
KEEP static void *SITE(middle)(size_t size, callback back)
{
	char frame[FRAME * 2] __attribute__((aligned(32)));
	void *p;

	sink = frame;
	free(back(size + 1));
	p = SITE(leaf)(size);
	frame[0] = 1;
	return p;
}

/* What every module exports: a block that the caller owns. */
KEEP void *enter(size_t size, callback back)
{
	return SITE(middle)(size, back);
}

__attribute__((constructor)) static void SITE(come)(void)
{
	free(SITE(leaf)(8));
}

#ifdef LEAVES
/* Allocates while the module goes away, when the tracer has already heard of it. */
__attribute__((destructor)) static void SITE(leave)(void)
{
	free(SITE(leaf)(8));
}
#endif
