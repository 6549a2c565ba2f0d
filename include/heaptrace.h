/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program can ask of heaptrace while it is traced, and tell it of its own pools. doc/api.md explains each
 * function, doc/pools.md those of pools.
 *
 * This header is all that is needed: nothing is linked. A program that is built with it runs without heaptrace, too.
 * Then each function does nothing, and returns HEAPTRACE_ABSENT (heaptrace_pool() and those that count return 0). It is
 * C89, C++98 and everything later.
 *
 * All functions can be called in any thread, in constructors and destructors, and in a child after fork. Those marked
 * "signals" can be called in the handler of a signal, too, whatever the signal has interrupted. errno is kept.
 *
 * The result is 0, HEAPTRACE_ABSENT, or an errno:
 *	EAGAIN	a signal's handler has interrupted an allocation, or another thread is about to do the same: try later
 *	EINVAL	an argument cannot be right
 *	ENOENT	no such block is known
 *	others	where the function says so
 */
#ifndef HEAPTRACE_H
#define HEAPTRACE_H

#include <stddef.h>

#define HEAPTRACE_API_VERSION	1	/* of these functions */
#define HEAPTRACE_ABSENT	(-1)	/* heaptrace is not there, or does not trace this process */

#if defined(__GNUC__) && !defined(__LP64__)
__extension__ typedef unsigned long long heaptrace_u64;
#else
typedef unsigned long heaptrace_u64;
#endif

/* A pool's number. 0: heaptrace is not there, or there are more than 511 names; pools with the number 0 are counted as
 * one, which has no name. */
typedef unsigned heaptrace_pool_t;

enum heaptrace_state {
	HEAPTRACE_OFF,			/* nothing is recorded at the moment */
	HEAPTRACE_SAMPLED,		/* some blocks are, by chance (--sample) */
	HEAPTRACE_EXACT			/* each block is */
};

/* The figures of the heap. The caller sets `size` to sizeof(struct heaptrace_totals), or, where only the first figures
 * are wanted, to HEAPTRACE_TOTALS_BYTES, which is much faster in a program with many backtraces. */
struct heaptrace_totals {
	size_t size;
	heaptrace_u64 bytes;		/* live bytes, as the program has asked for */
	heaptrace_u64 peak_bytes;	/* the most that there have ever been */
	heaptrace_u64 sample_bytes;	/* not 0: blocks are sampled at this rate, and all figures are estimates */
	heaptrace_u64 blocks;		/* live blocks */
	heaptrace_u64 calls;		/* that have allocated */
};
#define HEAPTRACE_TOTALS_BYTES	offsetof(struct heaptrace_totals, blocks)

/* ---- How the functions are found ---- */

/*
 * Each one is a weak symbol: its address is NULL unless the dynamic linker finds it in libheaptrace.so. Where compilers
 * take the address of a function for a constant (x86_64, programs that are linked with -no-pie), the linker would take
 * NULL for good. So the address is read from the global offset table, which only the dynamic linker fills in.
 */
#if defined(__GNUC__) && defined(__ELF__) && !defined(HEAPTRACE_NONE)

#define HEAPTRACE_INLINE static __inline__ __attribute__((__always_inline__, __unused__))
#if defined(__x86_64__) && !defined(__ILP32__)
#define HEAPTRACE_FIND(name, to) __asm__(".weak " #name "\n\tmovq " #name "@GOTPCREL(%%rip), %0" : "=r"(to))
#else
#define HEAPTRACE_FIND(name, to) ((to) = name)
#endif
#ifdef __clang__
#define HEAPTRACE_WEAK __attribute__((__weak__))
#else
#define HEAPTRACE_WEAK __attribute__((__weak__, __noplt__))
#endif

#ifdef __cplusplus
extern "C" {
#endif
int heaptrace_api_control(int command, heaptrace_u64 value, const char *text) HEAPTRACE_WEAK;
int heaptrace_api_dump_to(const char *path) HEAPTRACE_WEAK;
int heaptrace_api_state(void) HEAPTRACE_WEAK;
int heaptrace_api_totals(struct heaptrace_totals *totals) HEAPTRACE_WEAK;
int heaptrace_api_ignore(int more) HEAPTRACE_WEAK;
heaptrace_pool_t heaptrace_api_pool(const char *name) HEAPTRACE_WEAK;
int heaptrace_api_pool_change(heaptrace_pool_t pool, void *old, void *p, size_t size) HEAPTRACE_WEAK;
int heaptrace_api_pool_clear(heaptrace_pool_t pool, void *start, size_t size) HEAPTRACE_WEAK;
int heaptrace_api_pool_backing(heaptrace_pool_t pool, void *p, size_t size, int more) HEAPTRACE_WEAK;
#ifdef __cplusplus
}
#endif

#define HEAPTRACE_CALL(name, type, parameters, arguments, absent)	\
	do {								\
		type (*heaptrace_f) parameters;				\
									\
		HEAPTRACE_FIND(name, heaptrace_f);			\
		return heaptrace_f ? heaptrace_f arguments : (absent);	\
	} while (0)

#else	/* no such compiler: heaptrace is never there */

#ifdef __GNUC__
#define HEAPTRACE_INLINE static __inline__ __attribute__((__unused__))
#else
#define HEAPTRACE_INLINE static
#endif
#define HEAPTRACE_CALL(name, type, parameters, arguments, absent)	do { return (absent); } while (0)

#endif

HEAPTRACE_INLINE int heaptrace_control_(int command, heaptrace_u64 value, const char *text)
{
	(void)command, (void)value, (void)text;
	HEAPTRACE_CALL(heaptrace_api_control, int, (int, heaptrace_u64, const char *), (command, value, text),
		       HEAPTRACE_ABSENT);
}

/* ---- Is heaptrace there? ---- */

/* enum heaptrace_state, or HEAPTRACE_ABSENT. Signals. */
HEAPTRACE_INLINE int heaptrace_state(void)
{
	HEAPTRACE_CALL(heaptrace_api_state, int, (void), (), HEAPTRACE_ABSENT);
}

/* 1 if this process is traced, else 0. Signals. */
HEAPTRACE_INLINE int heaptrace_is_present(void)
{
	return heaptrace_state() >= 0;
}

/* ---- Dumps ---- */

/* A dump as by heaptrace --dump=PID, to where this run's dumps go. Signals: then it is taken when the allocation that
 * the signal has interrupted is over. */
HEAPTRACE_INLINE int heaptrace_dump(void)
{
	return heaptrace_control_(5, 0, (const char *)0);
}

/*
 * A dump to a file of the program's choice: the report of now, which is complete when the call returns. The dumps of
 * the run know nothing of it: it has no number, --outfile and --max-leak do not concern it. Options that say what a
 * report shows do (--top, --sort, --focus...).
 *
 * path: the file's name as it stands, without placeholders; a relative one is for the working directory of now. Its
 * ending chooses the format, as that of --outfile does: heap.json, heap.html, heap.pb.gz...; .txt or none is text. An
 * existing file stays until the new one is complete, which then takes its place by rename(2). A link, a FIFO or a
 * device is written to.
 *
 * The process itself writes text and .folded, but with options like --group and --focus. All else is written by the
 * watcher, which the command heaptrace has started, and for which the calling thread waits 60 seconds at most. Without
 * a watcher, a line on standard error says which command makes the report. Where another dump goes on, its end is
 * waited for, 10 seconds at most.
 *
 * While nothing is recorded (heaptrace_off()), the file has the blocks that are known; with --sample, estimates; in a
 * child after fork, the child's heap. Signals: there it can wait as long, so a handler of a program with threads calls
 * heaptrace_dump(), which never waits for the watcher.
 *
 *	EINVAL		path is NULL or ""
 *	ECONNREFUSED	there is no watcher, or it was killed
 *	ETIMEDOUT	it is not through in time, or the program is about to end
 *	EBADMSG		it cannot read the figures
 *	EAGAIN		as above; also: another dump, or the watcher with earlier reports, is not through
 *	others		as from open(2), write(2) and rename(2). A process's first one is reported on standard error
 *			as well
 */
HEAPTRACE_INLINE int heaptrace_dump_to(const char *path)
{
	(void)path;
	HEAPTRACE_CALL(heaptrace_api_dump_to, int, (const char *), (path), HEAPTRACE_ABSENT);
}

/* ---- What is recorded ---- */

/* Begins to record, and begins a window, if nothing is recorded at the moment (--start=off). */
HEAPTRACE_INLINE int heaptrace_on(void)
{
	return heaptrace_control_(1, 0, (const char *)0);
}

/* Nothing is recorded from now on, but that blocks are freed which are known. */
HEAPTRACE_INLINE int heaptrace_off(void)
{
	return heaptrace_control_(2, 0, (const char *)0);
}

/* All figures begin anew with 0. */
HEAPTRACE_INLINE int heaptrace_clear(void)
{
	return heaptrace_control_(3, 0, (const char *)0);
}

/* From now on one block in so many bytes is recorded, by chance (--sample); 0: each block. */
HEAPTRACE_INLINE int heaptrace_sample(heaptrace_u64 bytes)
{
	return heaptrace_control_(4, bytes, (const char *)0);
}

/* Marks this moment in the timeline by a text, of which 47 bytes are kept. ENOSPC: there are too many marks.
 * Signals. */
HEAPTRACE_INLINE int heaptrace_mark(const char *text)
{
	return heaptrace_control_(6, 0, text);
}

/* From here to heaptrace_ignore_end() what this thread allocates is not recorded; what it frees is. The two can be
 * nested, 60,000 deep (then EOVERFLOW). Signals. */
HEAPTRACE_INLINE int heaptrace_ignore_begin(void)
{
	HEAPTRACE_CALL(heaptrace_api_ignore, int, (int), (1), HEAPTRACE_ABSENT);
}

/* EINVAL: there was no heaptrace_ignore_begin(). */
HEAPTRACE_INLINE int heaptrace_ignore_end(void)
{
	HEAPTRACE_CALL(heaptrace_api_ignore, int, (int), (0), HEAPTRACE_ABSENT);
}

/* ---- Figures ---- */

/* Fills in the figures that totals->size covers; where heaptrace is not there they become 0. They are exact while no
 * other thread allocates. Signals. */
HEAPTRACE_INLINE int heaptrace_get_totals(struct heaptrace_totals *totals)
{
	size_t i;

	for (i = sizeof(totals->size); i < totals->size && i < sizeof(*totals); i++)
		((char *)totals)[i] = 0;
	HEAPTRACE_CALL(heaptrace_api_totals, int, (struct heaptrace_totals *), (totals), HEAPTRACE_ABSENT);
}

/* ---- Pools ---- */

/* The pool of this name, of which 63 bytes count. The same name gives the same pool. 0 where there is none, and for
 * NULL. */
HEAPTRACE_INLINE heaptrace_pool_t heaptrace_pool(const char *name)
{
	(void)name;
	HEAPTRACE_CALL(heaptrace_api_pool, heaptrace_pool_t, (const char *), (name), 0);
}

/* The pool has handed out a block. */
HEAPTRACE_INLINE int heaptrace_pool_alloc(heaptrace_pool_t pool, const void *p, size_t size)
{
	(void)pool, (void)p, (void)size;
	HEAPTRACE_CALL(heaptrace_api_pool_change, int, (heaptrace_pool_t, void *, void *, size_t),
		       (pool, (void *)0, (void *)p, size), HEAPTRACE_ABSENT);
}

/* The block at old has become the one at p, with a new size; old == p: in its place. */
HEAPTRACE_INLINE int heaptrace_pool_realloc(heaptrace_pool_t pool, const void *old, const void *p, size_t size)
{
	(void)pool, (void)old, (void)p, (void)size;
	HEAPTRACE_CALL(heaptrace_api_pool_change, int, (heaptrace_pool_t, void *, void *, size_t),
		       (pool, (void *)old, (void *)p, size), HEAPTRACE_ABSENT);
}

/* The pool has got a block back. To be called before another thread can get it. */
HEAPTRACE_INLINE int heaptrace_pool_free(heaptrace_pool_t pool, const void *p)
{
	(void)pool, (void)p;
	HEAPTRACE_CALL(heaptrace_api_pool_change, int, (heaptrace_pool_t, void *, void *, size_t),
		       (pool, (void *)p, (void *)0, 0), HEAPTRACE_ABSENT);
}

/* The pool has got all of its blocks back. No other thread may use the pool meanwhile. */
HEAPTRACE_INLINE int heaptrace_pool_clear(heaptrace_pool_t pool)
{
	(void)pool;
	HEAPTRACE_CALL(heaptrace_api_pool_clear, int, (heaptrace_pool_t, void *, size_t), (pool, (void *)0, 0),
		       HEAPTRACE_ABSENT);
}

/* The same for those that begin in these `size` bytes. */
HEAPTRACE_INLINE int heaptrace_pool_clear_range(heaptrace_pool_t pool, const void *start, size_t size)
{
	(void)pool, (void)start;
	if (!size)
		return 0;
	HEAPTRACE_CALL(heaptrace_api_pool_clear, int, (heaptrace_pool_t, void *, size_t), (pool, (void *)start, size),
		       HEAPTRACE_ABSENT);
}

/*
 * The pool makes its blocks of the block at p, which comes from malloc(), from another pool or from the kernel: it is
 * not counted as a block of the heap any more, because the pool's blocks are. That ends when it is freed, and then the
 * pool's blocks in it are gone, too. size: how large it is; 0: as it was recorded, if it was (else ENOENT).
 */
HEAPTRACE_INLINE int heaptrace_pool_backing(heaptrace_pool_t pool, const void *p, size_t size)
{
	(void)pool, (void)p, (void)size;
	HEAPTRACE_CALL(heaptrace_api_pool_backing, int, (heaptrace_pool_t, void *, size_t, int),
		       (pool, (void *)p, size, 1), HEAPTRACE_ABSENT);
}

/* The same end, where heaptrace does not see the block freed: it came from the kernel. */
HEAPTRACE_INLINE int heaptrace_pool_backing_end(heaptrace_pool_t pool, const void *p)
{
	(void)pool, (void)p;
	HEAPTRACE_CALL(heaptrace_api_pool_backing, int, (heaptrace_pool_t, void *, size_t, int),
		       (pool, (void *)p, 0, 0), HEAPTRACE_ABSENT);
}

#endif
