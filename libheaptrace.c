/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The malloc family in front of libc's, and the order in which the library starts. No algorithm lives
 * here; the other interposed functions are in hooks/.
 *
 *	hook -> guard -> real function -> capture -> intern -> counters -> block map
 */
#include "base/atomics.h"
#include "base/bootstrap.h"
#include "capture/capture.h"
#include "elf/lookup.h"
#include "hooks/enter.h"
#include "hooks/exec.h"
#include "hooks/export.h"
#include "hooks/malloc_info.h"
#include "hooks/own_allocator.h"
#include "hooks/real.h"
#include "hooks/shell.h"
#include "hooks/signal_hooks.h"
#include "process/control.h"
#include "process/guard.h"
#include "process/lifecycle.h"
#include "process/record.h"
#include "process/record_odd.h"
#include "process/signals.h"
#include "process/start.h"

#include <errno.h>
#include <string.h>

/* Frame 0 of a recorded stack: it names the function that the program called (see record_alloc()). */
#define CALLED(function) ((uintptr_t)(function) + 1)
/* In a hook: records a block with the function that the program called and the call site. */
#define RECORD(p, size, function) do {						\
	struct capture_point from = CAPTURE_POINT();				\
										\
	if (control_records((p), NULL, (size)))					\
		record_alloc((p), CALLED(function), from.pc, from.sp, from.fp, (size));	\
} while (0)

/* ---- The hooks. Each does for the program exactly what the real function does. ---- */

static void *__attribute__((noinline)) malloc_untraced(size_t size)
{
	return real.malloc ? real.malloc(size) : bootstrap_alloc(&bootstrap_pool, size);
}

/*
 * malloc() and calloc() have three bodies: in malloc() itself, for blocks that are passed on without a stack frame of
 * the hook's; in malloc_recorded(), for processes that record each block; and in malloc_otherwise() for all else. The
 * compiler makes a jump of a call at a function's end, so each finds the program's call site as its own return address.
 */
static __attribute__((cold, noinline)) void *malloc_otherwise(size_t size)
{
	void *p;

	if (unlikely(!enter(1)))
		return malloc_untraced(size);
	p = real.malloc(size);
	if (p)
		RECORD(p, size, malloc);
	guard_leave();
	return p;
}

static HOT_CODE __attribute__((noinline)) void *malloc_recorded(size_t size)
{
	void *p;

	if (unlikely(!enter_plainly()))
		TAIL return malloc_otherwise(size);
	p = real.malloc(size);
	if (likely(p != NULL))
		record_alloc_inline(p, CALLED(malloc), size);
	guard_leave();
	return p;
}

EXPORT HOT_CODE void *malloc(size_t size)
{
	if (record_is_exact())
		TAIL return malloc_recorded(size);
	if (control_passes(size))
		TAIL return real.malloc(size);
	TAIL return malloc_otherwise(size);
}

static void *__attribute__((noinline)) calloc_untraced(size_t count, size_t size)
{
	if (real.malloc)
		return real.calloc(count, size);
	return count && size > SIZE_MAX / count ? NULL : bootstrap_alloc(&bootstrap_pool, count * size);
}

static __attribute__((cold, noinline)) void *calloc_otherwise(size_t count, size_t size)
{
	void *p;

	if (unlikely(!enter(1)))
		return calloc_untraced(count, size);
	p = real.calloc(count, size);
	if (p)
		RECORD(p, count * size, calloc);
	guard_leave();
	return p;
}

static HOT_CODE __attribute__((noinline)) void *calloc_recorded(size_t count, size_t size)
{
	void *p;

	if (unlikely(!enter_plainly()))
		TAIL return calloc_otherwise(count, size);
	p = real.calloc(count, size);
	if (likely(p != NULL))
		record_alloc_inline(p, CALLED(calloc), count * size);
	guard_leave();
	return p;
}

EXPORT HOT_CODE void *calloc(size_t count, size_t size)
{
	if (record_is_exact())
		TAIL return calloc_recorded(count, size);
	if (control_passes(count * size))
		TAIL return real.calloc(count, size);
	TAIL return calloc_otherwise(count, size);
}

/* A block from the bootstrap pool moves to the real heap. */
static void *leave_bootstrap(void *old, size_t size)
{
	size_t old_size = bootstrap_size(old);
	void *p = malloc(size);

	if (p)
		memcpy(p, old, old_size < size ? old_size : size);
	return p;
}

/*
 * Common to realloc() and its like. With a size of zero glibc frees the block and returns NULL. real_function: gets
 * `second` and `third` as its arguments behind the old block; it may have only one of them.
 */
static HOT_CODE __attribute__((noinline)) void *reallocate(void *old, size_t size, void *real_function, size_t second,
			size_t third, uintptr_t function, const struct capture_point *from)
{
	struct renewal r = renewal_begin(old, 2);
	void *p = ((void *(*)(void *, size_t, size_t))real_function)(old, second, third);

	renewal_end(&r, old, p, !size && old, size, function, from);
	return p;
}

EXPORT HOT_CODE void *realloc(void *old, size_t size)
{
	struct capture_point from;

	if (unlikely(!real.malloc)) {
		if (guard_self.inside)
			return old ? leave_bootstrap(old, size) : bootstrap_alloc(&bootstrap_pool, size);
		real_find();
	}
	if (unlikely(bootstrap_owns(&bootstrap_pool, old)))
		return leave_bootstrap(old, size);
	if (!record_is_exact() && (!old || control_passes_free(old)) && control_passes(size))
		return real.realloc(old, size);
	from = CAPTURE_POINT();
	return reallocate(old, size, real.realloc, size, 0, CALLED(realloc), &from);
}

EXPORT __attribute__((cold)) void *reallocarray(void *old, size_t count, size_t each)
{
	struct capture_point from;
	void *by_array;
	size_t size;

	if (unlikely(!real.malloc))
		real_find();
	if (__builtin_mul_overflow(count, each, &size)) {
		errno = ENOMEM;
		return NULL;
	}
	if (unlikely(bootstrap_owns(&bootstrap_pool, old)))
		return leave_bootstrap(old, size);
	by_array = (void *)real.reallocarray;
	from = CAPTURE_POINT();
	return reallocate(old, size, by_array ? by_array : (void *)real.realloc, by_array ? count : size, each,
			  CALLED(reallocarray), &from);
}

/* The block at p is not in the block map. False: it is in the bootstrap pool, so the real function does not
 * know it. */
static bool __attribute__((noinline)) free_unknown(void *p)
{
	if (bootstrap_owns(&bootstrap_pool, p))
		return false;
	if (!pools_backing_freed(p, false))
		record_odd_unknown_free();
	return true;
}

/* A free() that is passed through. A block that was recorded must leave the map all the same. False: the real
 * function must not be called. */
static bool __attribute__((noinline)) free_untraced(void *p)
{
	if (bootstrap_owns(&bootstrap_pool, p))
		return false;
	if (!real.malloc)
		real_find();
	if (lifecycle_is_tracing() && !record_free(p, true))
		pools_backing_freed(p, true);
	return true;
}

static __attribute__((cold, noinline)) void free_otherwise(void *p)
{
	if (!record_is_exact() && control_passes_free(p) && !bootstrap_owns(&bootstrap_pool, p)) {
		real.free(p);
		return;
	}
	if (likely(enter(1))) {
		if (likely(record_free(p, false)) || free_unknown(p))
			real.free(p);
		guard_leave();
	} else if (free_untraced(p)) {
		real.free(p);
	}
}

static HOT_CODE __attribute__((noinline)) void free_recorded(void *p)
{
	if (unlikely(!enter_plainly())) {
		free_otherwise(p);
		return;
	}
	if (likely(record_free_inline(p)) || free_unknown(p))
		real.free(p);
	guard_leave();
}

/* As malloc() has: a body for blocks that are passed on, one for processes that record each block, and one for all
 * else. */
EXPORT HOT_CODE void free(void *p)
{
	if (unlikely(!p))
		return;
	if (record_is_exact())
		free_recorded(p);
	else if (likely(control_passes_free_fast(p)) ||
		 (likely(blocks_lack_fast(&recorder.blocks, p)) && likely(!bootstrap_owns(&bootstrap_pool, p)) &&
		  likely(!load_relaxed(&pools_backings))))
		real.free(p);
	else
		free_otherwise(p);
}

/* ---- Hooks that programs seldom call, which are compiled for size ---- */

/*
 * Some of them are other names for those above: glibc exports __libc_malloc() and so on, too, and some programs and
 * preloaded libraries call them. These hooks call libc's functions of their own names, as a malloc() between this
 * library and libc may call __libc_malloc(), which must not lead back to it. Such a call inside the guard is part of
 * the outer one. It is passed on at once, without guard_recover(): for a hook that was left, the thread's next call of
 * malloc() is soon enough.
 */
#define LIBC(name)	__libc_##name

/*
 * Begins such a hook, as enter() does. function: its real function's place in `real`, where those with the prefix
 * __libc_ come last. A call of another allocator's malloc() that is not to be recorded is passed on outside the guard,
 * while blocks are sampled. So what that one takes from libc cannot be told from what the program does, and is not
 * recorded: else each of its blocks would have two chances.
 */
static __attribute__((cold, noinline)) bool enter_seldom(const void *function, unsigned calls)
{
	bool has_prefix = function >= (const void *)&real.libc_memalign;

	if (!real.malloc)
		real_find();
	if (has_prefix && real_libc_is_other)
		store_relaxed(&recorder.block_bytes, NULL);	/* another allocator's function must not see libc's
								 * blocks */
	return !(has_prefix && (guard_self.inside || (real_libc_is_other && !record_is_exact()))) && enter(calls);
}

/* function: as above; first and second are its arguments, of which the block gets `size` bytes. called: frame 0. */
static __attribute__((cold, noinline)) void *allocate_seldom(void *(**function)(size_t, size_t), size_t first, size_t second,
							      size_t size, uintptr_t called, const struct capture_point *from)
{
	bool recording = enter_seldom(function, 3);
	void *p = (*function)(first, second);

	if (recording) {
		if (p && control_records(p, NULL, size))
			record_alloc(p, called, from->pc, from->sp, from->fp, size);
		guard_leave();
	}
	return p;
}

/* A real function that has one parameter does not look at the second argument. */
#define ALLOCATE_HOOK(name, real_name, parameters, first, second, size)				\
	void *name parameters;									\
	EXPORT __attribute__((cold)) void *name parameters					\
	{											\
		void *(**function)(size_t, size_t) = (void *)&real.real_name;			\
		struct capture_point from = CAPTURE_POINT();					\
												\
		return allocate_seldom(function, first, second, size, CALLED(name), &from);	\
	}

ALLOCATE_HOOK(aligned_alloc, aligned_alloc, (size_t alignment, size_t size), alignment, size, size)
ALLOCATE_HOOK(memalign, memalign, (size_t alignment, size_t size), alignment, size, size)
ALLOCATE_HOOK(valloc, valloc, (size_t size), size, 0, size)
ALLOCATE_HOOK(pvalloc, pvalloc, (size_t size), size, 0, size)
ALLOCATE_HOOK(LIBC(malloc), libc_malloc, (size_t size), size, 0, size)
ALLOCATE_HOOK(LIBC(calloc), libc_calloc, (size_t count, size_t each), count, each, count * each)
ALLOCATE_HOOK(LIBC(memalign), libc_memalign, (size_t alignment, size_t size), alignment, size, size)
ALLOCATE_HOOK(LIBC(valloc), libc_valloc, (size_t size), size, 0, size)
ALLOCATE_HOOK(LIBC(pvalloc), libc_pvalloc, (size_t size), size, 0, size)

EXPORT __attribute__((cold)) int posix_memalign(void **p, size_t alignment, size_t size)
{
	int error;

	if (unlikely(!real.malloc))
		real_find();
	if (!enter(1))
		return real.posix_memalign(p, alignment, size);
	error = real.posix_memalign(p, alignment, size);
	if (!error && *p)
		RECORD(*p, size, posix_memalign);
	guard_leave();
	return error;
}

void *LIBC(realloc)(void *old, size_t size);
EXPORT __attribute__((cold)) void *LIBC(realloc)(void *old, size_t size)
{
	struct capture_point from = CAPTURE_POINT();

	if (enter_seldom(&real.libc_realloc, 2)) {
		guard_drop();		/* reallocate() enters it, too */
		if (!bootstrap_owns(&bootstrap_pool, old))
			return reallocate(old, size, real.libc_realloc, size, 0, CALLED(LIBC(realloc)), &from);
	} else if (!old || free_untraced(old)) {
		return real.libc_realloc(old, size);
	}
	return leave_bootstrap(old, size);
}

/* Where libc does not have the function, free() serves. */
static __attribute__((cold, noinline)) void free_seldom(void (**function)(void *, size_t, size_t), void *p, size_t second,
							 size_t third)
{
	bool recording = enter_seldom(function, 2);

	if (p && (recording ? record_free(p, false) || free_unknown(p) : free_untraced(p))) {
		if (*function)
			(*function)(p, second, third);
		else
			real.free(p);
	}
	if (recording)
		guard_leave();
}

#define FREE_HOOK(name, real_name, parameters, second, third)					\
	void name parameters;									\
	EXPORT __attribute__((cold)) void name parameters					\
	{											\
		void (**function)(void *, size_t, size_t) = (void *)&real.real_name;		\
												\
		free_seldom(function, p, second, third);					\
	}

/* cfree() is gone since glibc 2.26, but old programs still call it. free_sized() and free_aligned_sized() are C23's. */
FREE_HOOK(cfree, free, (void *p), 0, 0)
FREE_HOOK(free_sized, free_sized, (void *p, size_t size), size, 0)
FREE_HOOK(free_aligned_sized, free_aligned_sized, (void *p, size_t alignment, size_t size), alignment, size)
FREE_HOOK(LIBC(free), libc_free, (void *p), 0, 0)

/* ---- The start ---- */

/*
 * The start, when libc is ready for anything. Recording may have started long before, at the first
 * allocation. The order: notices to the user need the output of start_reporting() and the process's
 * state of lifecycle_start(); signals come last, because one that was held back asks for a dump at once.
 */
__attribute__((constructor)) static void init(void)
{
	const struct options *options;

	if (lookup_is_late()) {
		lifecycle_sleep();	/* until heaptrace_attach() */
		return;
	}
	if (load_relaxed(&lifecycle.state) == LIFECYCLE_IDLE)
		enter_start();
	if (load_relaxed(&lifecycle.state) != LIFECYCLE_TRACING) {
		start_untraced();
		return;
	}
	guard_enter();
	lifecycle_watch_threads();
	options = start_reporting();
	exec_init();
	shell_init();
	lifecycle_start(options, shell_forked);
	own_allocator_start(options->allocator, (void *)malloc);
	if (start_is_under_valgrind() && !malloc_info_hooks_are_reached())
		start_warn_of_redirection();
	signals_start(signal_hooks_init(), options);
	guard_leave();
}

#define CLEARED_WORDS	512u

/*
 * The last constructor of this library: clears what the others have left on the stack. main() and what it calls will
 * have their frames there, with parts that they never write. Where such a function has no unwind information,
 * guard_recover() looks for return addresses into this library, and an old one would make a hook that was left look
 * like one that is still under way. Calls nothing, which would leave another such address.
 */
__attribute__((constructor)) static void clear_stack(void)
{
	volatile uintptr_t below[CLEARED_WORDS];

	for (unsigned i = 0; i < CLEARED_WORDS; i++)
		below[i] = 0;
	(void)below[0];
}
