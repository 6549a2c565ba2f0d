/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Atomic operations with the memory order in the name, so that every use states what it
 * relies on. All of them work on plain objects (no _Atomic), take the object's address, and
 * are async-signal-safe on every type they are used with here (up to 64 bits).
 */
#ifndef BASE_ATOMICS_H
#define BASE_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>

#define load_relaxed(p)		__atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p)		__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_relaxed(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* These return the value from before the operation. */
#define add_relaxed(p, v)	__atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define sub_relaxed(p, v)	__atomic_fetch_sub((p), (v), __ATOMIC_RELAXED)
#define or_acq_rel(p, v)	__atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define exchange_relaxed(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_RELAXED)
#define exchange_acq_rel(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)

/* Compare and swap; true when *p was *expected and is now v, else *expected gets *p. */
#define cas_acq_rel(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define cas_relaxed(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)

/*
 * Adds to a word that only this thread writes, but its signal handlers too: one instruction,
 * without the bus lock, where there is one for it. add_sole_u32() is for words that no signal
 * handler writes.
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
/* No load before moves behind what comes after; no store after moves before what came before:
 * for the reader and the writer of data that is told valid by counters around it. */
#define acquire_fence()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define release_fence()		__atomic_thread_fence(__ATOMIC_RELEASE)

/* Keeps the compiler (not the CPU) from moving accesses across: for a signal handler that
 * runs on the same thread. */
#define signal_fence()		__atomic_signal_fence(__ATOMIC_SEQ_CST)

/*
 * What each hook looks at lies together, code and data: between two hooks the program needs the
 * caches for itself.
 */
#define HOT_CODE	__attribute__((hot))
#define HOT_DATA	__attribute__((section("hot_data")))

/* Of a variable that another file defines: it lies in this library, and is not looked up at each use. */
#define HIDDEN		__attribute__((visibility("hidden")))

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#endif
