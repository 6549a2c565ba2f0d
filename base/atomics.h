/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Atomic operations with the memory order in the name, so that every use states which order it relies on.
 * They work on plain objects (not _Atomic) of up to 64 bits, take the object's address, and are
 * async-signal-safe.
 */
#ifndef BASE_ATOMICS_H
#define BASE_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * In programs of 32 bits clang takes an object of 64 bits, which i386 aligns to 4 bytes, for one that only libatomic
 * can change atomically. An instruction of the processor can, as gcc knows: the objects of 64 bits that are changed
 * here lie at multiples of 8, in parts of the table whose layout is that of programs of 64 bits.
 */
#if defined(__clang__) && !defined(__LP64__)
#define naturally_aligned(p)	__extension__ ({ \
	typedef __typeof__(*(p)) aligned_type __attribute__((aligned(sizeof(*(p))))); \
	(aligned_type *)(p); \
})
#else
#define naturally_aligned(p)	(p)
#endif

#define load_relaxed(p)		__atomic_load_n(naturally_aligned(p), __ATOMIC_RELAXED)
#define load_acquire(p)		__atomic_load_n(naturally_aligned(p), __ATOMIC_ACQUIRE)
#define store_relaxed(p, v)	__atomic_store_n(naturally_aligned(p), (v), __ATOMIC_RELAXED)
#define store_release(p, v)	__atomic_store_n(naturally_aligned(p), (v), __ATOMIC_RELEASE)

/* These return the value that the object had before the operation. */
#define add_relaxed(p, v)	__atomic_fetch_add(naturally_aligned(p), (v), __ATOMIC_RELAXED)
#define sub_relaxed(p, v)	__atomic_fetch_sub(naturally_aligned(p), (v), __ATOMIC_RELAXED)
#define and_acq_rel(p, v)	__atomic_fetch_and(naturally_aligned(p), (v), __ATOMIC_ACQ_REL)
#define or_acq_rel(p, v)	__atomic_fetch_or(naturally_aligned(p), (v), __ATOMIC_ACQ_REL)
#define exchange_relaxed(p, v)	__atomic_exchange_n(naturally_aligned(p), (v), __ATOMIC_RELAXED)
#define exchange_acq_rel(p, v)	__atomic_exchange_n(naturally_aligned(p), (v), __ATOMIC_ACQ_REL)

/* Compare and swap: if *p is *expected, stores v and returns true; otherwise stores *p in *expected. */
#define cas_acq_rel(p, expected, v) \
	__atomic_compare_exchange_n(naturally_aligned(p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define cas_relaxed(p, expected, v) \
	__atomic_compare_exchange_n(naturally_aligned(p), (expected), (v), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)

/*
 * Additions to a word that only this thread and its signal handlers write. On x86_64 each is one
 * instruction without a bus lock, which a signal handler cannot interrupt halfway. add_sole_u32() is for
 * words that no signal handler writes.
 */
#if defined(__x86_64__)
#define own_op(op, p, v)	__asm__ volatile(op " %1, %0" : "+m"(*(p)) : "er"(v) : "cc")
#define add_own_u64(p, v)	own_op("addq", (p), (uint64_t)(v))
#define add_own_u32(p, v)	own_op("addl", (p), (uint32_t)(v))
#define sub_own_u64(p, v)	own_op("subq", (p), (uint64_t)(v))
#define sub_own_u32(p, v)	own_op("subl", (p), (uint32_t)(v))
#define add_sole_u32(p, v)	add_own_u32((p), (v))
#else
#define add_own_u64(p, v)	((void)add_relaxed((p), (v)))
#define add_own_u32(p, v)	((void)add_relaxed((p), (v)))
#define sub_own_u64(p, v)	((void)sub_relaxed((p), (v)))
#define sub_own_u32(p, v)	((void)sub_relaxed((p), (v)))
#define add_sole_u32(p, v)	store_relaxed((p), load_relaxed(p) + (v))
#endif

/* Whether a word is 0: a relaxed load, and on x86 one instruction. */
static inline __attribute__((always_inline)) bool is_zero_u32(const uint32_t *p)
{
#if defined(__x86_64__) || defined(__i386__)
	bool zero;

	__asm__ volatile("cmpl $0, %1" : "=@ccz"(zero) : "m"(*p));
	return zero;
#else
	return !load_relaxed(p);
#endif
}

/* Adds to a word, of a pointer's width, that only this thread and its signal handlers write. True: the sum did not fit,
 * and has wrapped around. */
#if defined(__x86_64__) || defined(__i386__)
#define add_own_wraps(p, v) ({								\
	bool add_wraps;									\
											\
	__asm__ volatile("add %2, %0" : "+m"(*(p)), "=@ccc"(add_wraps) : "r"((uintptr_t)(v)));	\
	add_wraps;									\
})
#else
#define add_own_wraps(p, v)	__builtin_add_overflow(*(p), (v), (p))
#endif

/* Acquire: no load from before the fence moves behind it. Release: no store from behind the fence moves
 * before it. The reader and the writer of data with a sequence counter (seqlock) need one each. */
#define acquire_fence()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define release_fence()		__atomic_thread_fence(__ATOMIC_RELEASE)

/* Keeps the compiler, but not the processor, from moving accesses across. This suffices between a thread and
 * a signal handler that runs on it. */
#define signal_fence()		__atomic_signal_fence(__ATOMIC_SEQ_CST)

/*
 * The code and the data that every hook uses lie together, so that they occupy few cache lines: between two
 * hooks the program needs the caches for itself.
 */
#define HOT_CODE	__attribute__((hot))

/*
 * Stands before a return statement whose call has to be a jump, because functions further inward count on what is on
 * the stack. (With GCC an option in the Makefile sees to that.)
 */
#if defined(__has_attribute) && __has_attribute(musttail)
#define TAIL	__attribute__((musttail))
#else
#define TAIL
#endif
#define HOT_DATA	__attribute__((section("hot_data")))

/* For variables that another file of the library defines: accesses then need no global offset table. */
#define HIDDEN		__attribute__((visibility("hidden")))

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#endif
