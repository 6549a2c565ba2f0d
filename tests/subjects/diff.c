/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For diff.t: two versions of one program. With -DREFACTORED its functions are in another order, a function has come
 * between main() and cache(), another one has gone, and names are the same. With -DPLANTED load() also keeps 30 blocks
 * of 100 bytes more, and extra() is new.
 */
#include <stdlib.h>

#ifdef PLANTED
#define MORE	30
#else
#define MORE	0
#endif

static void *volatile kept[4000];
static int count;

static __attribute__((noinline)) void *get(int size)
{
	return malloc(size);
}

#ifndef REFACTORED
static void cache(int blocks)
{
	for (int i = 0; i < blocks; i++)
		kept[count++] = get(200);
}
#endif

static void load(int blocks)
{
	for (int i = 0; i < blocks + MORE; i++)
		kept[count++] = get(100);
}

#ifdef REFACTORED
static void cache(int blocks)
{

	for (int i = 0; i < blocks; i++)
		kept[count++] = get(200);
}

static __attribute__((noinline)) void fill(int blocks)
{
	cache(blocks);
	kept[3999] = NULL;
}
#else
static __attribute__((noinline)) void index_deeper(int blocks)
{
	for (int i = 0; i < blocks; i++)
		kept[count++] = calloc(3, 50);
	kept[3999] = NULL;
}
#endif

static __attribute__((noinline)) void index_all(int blocks)
{
#ifdef REFACTORED
	for (int i = 0; i < blocks; i++)
		kept[count++] = calloc(3, 50);
#else
	index_deeper(blocks);
#endif
	kept[3999] = NULL;
}

#ifdef PLANTED
static __attribute__((noinline)) void extra(void)
{
	kept[count++] = malloc(5000);
}
#endif

int main(void)
{
#ifdef REFACTORED
	index_all(20);
	fill(50);
	load(100);
#else
	load(100);
	cache(50);
	index_all(20);
#endif
#ifdef PLANTED
	extra();
#endif
	for (int i = 0; i < 1000; i++)
		free(get(10));
	return 0;
}
