/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads of a process, and which of them have allocated in each row.
 *
 *	threads   number -> the kernel's id and the name, as last set; number 0 is the main thread, which has the id of
 *	          the process and, until it gets another one, the name that the header has
 *	sets      row -> the set of the threads that have allocated in it
 *
 * A thread is listed when it calls its first hook. It keeps its number, which no later thread gets, so that a report
 * can name threads that are gone. The list has room for THREADS_MOST threads. What comes later is THREAD_UNLISTED.
 *
 * A set is a word of four fields. Each is 0 or the number of a thread plus 1, so a set names up to four threads. The
 * last field can be THREAD_SET_MANY: there are more threads than the set names.
 *
 *	0  0  0  0	no thread was noted: all calls are the main thread's
 *	8  1  0  0	thread 7 and the main thread
 *	8  1  3  MANY	thread 7, the main thread, thread 2, and others
 *
 * While the process has only its main thread, nothing is noted, so the fast path costs nothing and no page of the sets
 * is touched. From then on the thread that counts a call in a row (that is: flushes its slot, deltas.h, or changes the
 * row directly) has first noted itself in the row's set. If it finds the set empty but calls in the row, then these are
 * from before, and it notes the main thread, too. Fields are only ever filled, so a set that was read is a set that was
 * true at some moment; and since the note comes before the count, no killed thread leaves a call without it.
 *
 * In a child after fork, the thread that has forked is the main thread. What it had allocated in the parent counts as
 * the main thread's, because its number now has the id of the process (thread_list_forked()). So does what the
 * parent's main thread had allocated. Other threads of the parent keep their numbers, ids, and names: they are not in
 * the child, but a part of the rows that it has got from the parent is theirs.
 *
 * Everything here is async-signal-safe, takes no lock, and may be called in any thread.
 */
#ifndef TABLE_THREAD_LIST_H
#define TABLE_THREAD_LIST_H

#include "table.h"

#define THREADS_MOST		65000u
#define THREAD_NAME_BYTES	16	/* with its NUL, as the kernel has it */
#define THREAD_MAIN		0u
#define THREAD_UNLISTED		0xfffeu	/* + 1 == THREAD_SET_MANY */

struct listed_thread {
	union {
		char name[THREAD_NAME_BYTES];
		uint64_t name_words[THREAD_NAME_BYTES / sizeof(uint64_t)];	/* which are stored one by one */
	};
	uint32_t id;			/* 0: the main thread, or not yet noted */
	uint32_t unused;		/* keeps the size a multiple of 8 */
} __attribute__((aligned(8)));		/* the name is written in words, for which clang would otherwise call
					 * libatomic */

#define THREAD_SET_NAMES	4	/* a set names at most so many threads */
#define THREAD_SET_BITS		16	/* of a field */
#define THREAD_SET_MANY		0xffffu

/* Field n of a set. */
static inline uint32_t thread_set_field(uint64_t set, unsigned n)
{
	return (uint32_t)(set >> n * THREAD_SET_BITS) & 0xffff;
}

/* Whether the set has threads that it does not name. */
static inline bool thread_set_has_more(uint64_t set)
{
	return thread_set_field(set, THREAD_SET_NAMES - 1) == THREAD_SET_MANY;
}

#define THREAD_SET_ONES		0x0001000100010001u	/* 1 in each field */

/* Whether the set names the thread, or has threads that it does not name, so that nothing is to be added. */
static inline bool thread_set_has(uint64_t set, uint32_t number)
{
	uint64_t differ = set ^ (number + 1) * (uint64_t)THREAD_SET_ONES;

	/* The usual test of all fields at once for one that is 0. */
	return ((differ - THREAD_SET_ONES) & ~differ & (uint64_t)THREAD_SET_ONES << 15) || thread_set_has_more(set);
}

/* The set with this thread in it. */
__attribute__((cold)) uint64_t thread_set_add(uint64_t set, uint32_t number);

/* The threads of both sets. */
uint64_t thread_set_join(uint64_t set, uint64_t other);

/* Lists a thread other than the main thread, by its kernel id. Returns its number. */
__attribute__((cold)) uint32_t thread_list_add(struct table *t, uint32_t id);

/* Notes a name, of which THREAD_NAME_BYTES are read. That of a thread that is not listed is not kept. */
__attribute__((cold)) void thread_list_name(struct table *t, uint32_t number, const char *name);

/* In a child after fork: the thread of this number is the main thread now. */
__attribute__((cold)) void thread_list_forked(struct table *t, uint32_t number);

/* thread_list_note() where the set need not have the thread yet. */
__attribute__((cold)) void thread_list_note_slow(struct table *t, uint32_t row, uint32_t number);

/* To be called before a call by this thread is counted in the row, unless the process has only its main thread. */
static inline void thread_list_note(struct table *t, uint32_t row, uint32_t number)
{
	if (unlikely(row >= load_acquire(&t->head->set_limit)) ||
	    unlikely(!thread_set_has(load_relaxed(&t->thread_sets[row]), number)))
		thread_list_note_slow(t, row, number);
}

/* The threads that have allocated in a row, without those whose calls are pending in their slots. called: whether the
 * row's own figures, which were read before, have a call. */
__attribute__((cold)) uint64_t thread_list_of_row(const struct table *t, uint32_t row, bool called);

/*
 * What the list has of a thread, in a table that nobody vouches for: the kernel id, and a terminated name. The main
 * thread, also where it has another number since a fork, has the id 0, and an empty name while it has its first one.
 * False: the table does not list such a thread.
 */
__attribute__((cold)) bool thread_list_get(const struct table *t, uint32_t number, struct listed_thread *thread);

#endif
