/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The client requests of Valgrind that concern allocators, as calls of heaptrace.h: macros of the same names and
 * arguments, so that a program which already tells Valgrind of its pools tells heaptrace instead. What the requests
 * mean for Valgrind is in its manual, "Memory Pools: describing and working with custom allocators". examples/README.md
 * tells how to build with this.
 *
 * Which rows the blocks get:
 *
 *	VALGRIND_MALLOCLIKE_BLOCK	pool "malloclike". Where the program makes these blocks of malloc's, both are
 *					counted, unless heaptrace_pool_backing(heaptrace_pool("malloclike"), chunk,
 *					size) tells of the chunk.
 *	VALGRIND_MEMPOOL_ALLOC		pool "mempool 1", "mempool 2"... in the order in which the pools are created. A
 *					pool that is destroyed leaves its number to the next one that is created.
 *
 * What differs from Valgrind:
 *
 * - Redzones, and whether memory is zeroed, do not matter. What VALGRIND_MAKE_MEM_... says of memory is in memcheck.h.
 * - The chunks of a pool are unknown to Valgrind as well, so they stay counted as malloc's blocks, until the program
 *   calls heaptrace_pool_backing(valgrind_mempool_number(pool), chunk, size).
 * - A pool with VALGRIND_MEMPOOL_METAPOOL makes backings of pool "malloclike". VALGRIND_MEMPOOL_FREE frees the blocks
 *   inside them whether there is VALGRIND_MEMPOOL_AUTO_FREE or not. VALGRIND_DESTROY_MEMPOOL does not: free them first.
 * - VALGRIND_MEMPOOL_TRIM frees the blocks that begin outside of the range. Those that begin inside keep their size.
 * - VALGRIND_RESIZEINPLACE_BLOCK and VALGRIND_MEMPOOL_CHANGE count as calls that allocate, with their own backtrace.
 * - Mistakes (a pool that does not exist, a block that is freed twice) are ignored, not reported. So are the pools
 *   beyond VALGRIND_MEMPOOLS that exist at the same time.
 * - RUNNING_ON_VALGRIND is 0: a program must not skip work or choose a slow path because it is traced.
 *
 * All requests can be made in any thread, as long as no other thread moves or destroys the same pool. The numbers of
 * pools are kept once per program and the libraries it is linked with. A plugin that has pools of its own, and gets
 * this header by itself, should be built with -DVALGRIND_MEMPOOL_NAME='"another name"', or else two pools can have the
 * same row. C89 and C++98.
 */
#ifndef HEAPTRACE_VALGRIND_H
#define HEAPTRACE_VALGRIND_H

#include <heaptrace.h>

#ifndef VALGRIND_MEMPOOL_NAME
#define VALGRIND_MEMPOOL_NAME	"mempool"	/* at most 50 bytes */
#endif
#define VALGRIND_MEMPOOLS	400		/* heaptrace knows 511 names of pools, and the program may have
						 * others */

#define VALGRIND_MEMPOOL_AUTO_FREE	1
#define VALGRIND_MEMPOOL_METAPOOL	2

#define RUNNING_ON_VALGRIND	0

/* An argument can be a pointer or an integer, as it can for Valgrind. */
#define VALGRIND_ADDRESS_(a)	((const char *)(size_t)(a))

#if defined(__GNUC__) && defined(__ELF__) && !defined(HEAPTRACE_NONE)

struct valgrind_mempool {
	const char *volatile anchor;		/* the address by which requests name the pool; NULL: this entry is
						 * free */
	volatile heaptrace_pool_t number;	/* 0: not asked for yet, or heaptrace is not there */
	int is_meta;				/* VALGRIND_MEMPOOL_METAPOOL */
};

/* Each source file defines them, and the linker keeps one definition. */
#ifdef __cplusplus
extern "C" {
#endif
extern struct valgrind_mempool valgrind_mempools[VALGRIND_MEMPOOLS];
__attribute__((__weak__, __visibility__("default"))) struct valgrind_mempool valgrind_mempools[VALGRIND_MEMPOOLS];
#ifdef __cplusplus
}
#endif

/* The pool's entry; anchor NULL: a free one. NULL where there is none. */
static __inline__ __attribute__((__unused__)) struct valgrind_mempool *valgrind_mempool_find(const char *anchor)
{
	struct valgrind_mempool *m;

	for (m = valgrind_mempools; m < valgrind_mempools + VALGRIND_MEMPOOLS; m++)
		if (m->anchor == anchor)
			return m;
	return (struct valgrind_mempool *)0;
}

/* The number by which functions of heaptrace.h know the pool in this entry. Two threads that ask at once get the same
 * one. */
static __inline__ __attribute__((__unused__)) heaptrace_pool_t valgrind_mempool_name(struct valgrind_mempool *m)
{
	char name[sizeof(VALGRIND_MEMPOOL_NAME) + 8] = VALGRIND_MEMPOOL_NAME;
	unsigned at = sizeof(VALGRIND_MEMPOOL_NAME) - 1, n = (unsigned)(m - valgrind_mempools) + 1, unit = 1;

	if (m->number || !heaptrace_is_present())
		return m->number;
	name[at++] = ' ';
	while (n / unit >= 10)
		unit *= 10;
	for (; unit; unit /= 10)
		name[at++] = (char)('0' + n / unit % 10);
	m->number = heaptrace_pool(name);
	return m->number;
}

static __inline__ __attribute__((__unused__)) void valgrind_mempool_create(const char *anchor, int flags)
{
	struct valgrind_mempool *m;

	if (!anchor || valgrind_mempool_find(anchor))
		return;
	while ((m = valgrind_mempool_find((const char *)0)) != (struct valgrind_mempool *)0)
		if (__sync_bool_compare_and_swap(&m->anchor, (const char *)0, anchor)) {
			m->is_meta = flags & VALGRIND_MEMPOOL_METAPOOL;
			valgrind_mempool_name(m);
			return;
		}
}

static __inline__ __attribute__((__unused__)) void valgrind_mempool_destroy(const char *anchor)
{
	struct valgrind_mempool *m = anchor ? valgrind_mempool_find(anchor) : (struct valgrind_mempool *)0;

	if (!m)
		return;
	if (valgrind_mempool_name(m))
		heaptrace_pool_clear(m->number);
	__sync_bool_compare_and_swap(&m->anchor, anchor, (const char *)0);
}

static __inline__ __attribute__((__unused__)) void valgrind_mempool_move(const char *from, const char *to)
{
	struct valgrind_mempool *m = from ? valgrind_mempool_find(from) : (struct valgrind_mempool *)0;

	if (m && to)
		__sync_bool_compare_and_swap(&m->anchor, from, to);
}

static __inline__ __attribute__((__unused__)) int valgrind_mempool_exists(const char *anchor)
{
	return anchor && valgrind_mempool_find(anchor);
}

/* The pool's number for the functions of heaptrace.h; 0: there is no such pool, or no heaptrace. */
static __inline__ __attribute__((__unused__)) heaptrace_pool_t valgrind_mempool_number_of(const char *anchor)
{
	struct valgrind_mempool *m = anchor ? valgrind_mempool_find(anchor) : (struct valgrind_mempool *)0;

	return m ? valgrind_mempool_name(m) : 0;
}

/* Inlined, so that the backtrace of a block begins with the function that has made the request. */
HEAPTRACE_INLINE void valgrind_mempool_alloc(const char *anchor, const char *p, size_t size)
{
	heaptrace_pool_t number = valgrind_mempool_number_of(anchor);

	if (!number)
		return;
	if (valgrind_mempool_find(anchor)->is_meta)
		heaptrace_pool_backing(heaptrace_pool("malloclike"), p, size);
	else
		heaptrace_pool_alloc(number, p, size);
}

HEAPTRACE_INLINE void valgrind_mempool_free(const char *anchor, const char *p)
{
	heaptrace_pool_t number = valgrind_mempool_number_of(anchor);

	if (!number)
		return;
	if (valgrind_mempool_find(anchor)->is_meta)
		heaptrace_pool_backing_end(heaptrace_pool("malloclike"), p);
	else
		heaptrace_pool_free(number, p);
}

HEAPTRACE_INLINE void valgrind_mempool_trim(const char *anchor, const char *start, size_t size)
{
	heaptrace_pool_t number = valgrind_mempool_number_of(anchor);

	if (!number)
		return;
	heaptrace_pool_clear_range(number, (const char *)0, (size_t)start);
	heaptrace_pool_clear_range(number, start + size, ~(size_t)0 - (size_t)(start + size));
}

HEAPTRACE_INLINE void valgrind_mempool_change(const char *anchor, const char *old, const char *p, size_t size)
{
	heaptrace_pool_t number = valgrind_mempool_number_of(anchor);

	if (number)
		heaptrace_pool_realloc(number, old, p, size);
}

#else	/* heaptrace is never there */

#define valgrind_mempool_create(anchor, flags)		((void)(anchor), (void)(flags))
#define valgrind_mempool_destroy(anchor)		((void)(anchor))
#define valgrind_mempool_move(from, to)			((void)(from), (void)(to))
#define valgrind_mempool_exists(anchor)			((void)(anchor), 0)
#define valgrind_mempool_number_of(anchor)		((void)(anchor), (heaptrace_pool_t)0)
#define valgrind_mempool_alloc(anchor, p, size)		((void)(anchor), (void)(p), (void)(size))
#define valgrind_mempool_free(anchor, p)		((void)(anchor), (void)(p))
#define valgrind_mempool_trim(anchor, start, size)	((void)(anchor), (void)(start), (void)(size))
#define valgrind_mempool_change(anchor, old, p, size)	((void)(anchor), (void)(old), (void)(p), (void)(size))

#endif

/* Not Valgrind's: the number of a pool, for heaptrace_pool_backing(). */
#define valgrind_mempool_number(pool)	valgrind_mempool_number_of(VALGRIND_ADDRESS_(pool))

#define VALGRIND_MALLOCLIKE_BLOCK(addr, size, rz, zeroed)				\
	((void)(rz), (void)(zeroed),							\
	 (void)heaptrace_pool_alloc(heaptrace_pool("malloclike"), VALGRIND_ADDRESS_(addr), (size)))
#define VALGRIND_FREELIKE_BLOCK(addr, rz)						\
	((void)(rz), (void)heaptrace_pool_free(heaptrace_pool("malloclike"), VALGRIND_ADDRESS_(addr)))
#define VALGRIND_RESIZEINPLACE_BLOCK(addr, old, new_size, rz)				\
	do {										\
		const char *valgrind_block_ = VALGRIND_ADDRESS_(addr);			\
											\
		(void)(old), (void)(rz);						\
		heaptrace_pool_realloc(heaptrace_pool("malloclike"), valgrind_block_, valgrind_block_, (new_size)); \
	} while (0)

#define VALGRIND_CREATE_MEMPOOL(pool, rz, zeroed)	VALGRIND_CREATE_MEMPOOL_EXT(pool, rz, zeroed, 0)
#define VALGRIND_CREATE_MEMPOOL_EXT(pool, rz, zeroed, flags)				\
	((void)(rz), (void)(zeroed), valgrind_mempool_create(VALGRIND_ADDRESS_(pool), (flags)))
#define VALGRIND_DESTROY_MEMPOOL(pool)		valgrind_mempool_destroy(VALGRIND_ADDRESS_(pool))
#define VALGRIND_MEMPOOL_ALLOC(pool, addr, size)					\
	valgrind_mempool_alloc(VALGRIND_ADDRESS_(pool), VALGRIND_ADDRESS_(addr), (size))
#define VALGRIND_MEMPOOL_FREE(pool, addr)	valgrind_mempool_free(VALGRIND_ADDRESS_(pool), VALGRIND_ADDRESS_(addr))
#define VALGRIND_MEMPOOL_TRIM(pool, addr, size)						\
	valgrind_mempool_trim(VALGRIND_ADDRESS_(pool), VALGRIND_ADDRESS_(addr), (size))
#define VALGRIND_MOVE_MEMPOOL(a, b)		valgrind_mempool_move(VALGRIND_ADDRESS_(a), VALGRIND_ADDRESS_(b))
#define VALGRIND_MEMPOOL_CHANGE(pool, a, b, size)					\
	valgrind_mempool_change(VALGRIND_ADDRESS_(pool), VALGRIND_ADDRESS_(a), VALGRIND_ADDRESS_(b), (size))
#define VALGRIND_MEMPOOL_EXISTS(pool)		valgrind_mempool_exists(VALGRIND_ADDRESS_(pool))

#endif
