/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariants as code, for builds by `make CHECK=1`.
 *
 *	check(slot->row != ROW_NONE, "a slot that is flushed belongs to a row");
 *	check_equal(sum, totals->live_size, "the rows' live bytes add up to the heap's");
 *	check_costly(table_check_rows(t));
 *
 * A check that fails prints one line to standard error and aborts the process, with SIGABRT:
 *
 *	[heaptrace] check failed: table/deltas.c:212: the rows' live bytes add up to the heap's (4096, 4080)
 *
 * The sentence says what should be true. check_equal(), check_at_most() and check_below() print the two
 * numbers after it.
 *
 * There are three classes, by what a check costs:
 *	check...()		constant time; may stand anywhere, the fast paths of malloc and free included
 *	check_costly()		a statement whose cost grows with the table: a call of a function that checks a
 *				whole structure. It belongs where a process does much work anyhow: at a dump,
 *				a fork, the end.
 *	_Static_assert()	what the compiler can tell
 *
 * In a normal build none of them costs anything: the condition is compiled, so that it cannot rot, but it
 * is never evaluated, and the optimizer drops it with all functions that only checks call. So neither a
 * condition nor a statement may have a side effect that the program needs.
 *
 * check_failed() is async-signal-safe, takes no lock, allocates nothing, and runs no handler of the program's.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include "atomics.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef HEAPTRACE_CHECK
#define CHECKING	1
#else
#define CHECKING	0
#endif

#define check(condition, sentence) do {							\
	if (CHECKING && unlikely(!(condition)))						\
		check_failed(__FILE__, __LINE__, sentence);				\
} while (0)

/* The numbers are printed as signed ones, so that a difference that went below zero can be recognized. */
#define check_relation(a, relation, b, sentence) do {					\
	if (CHECKING) {									\
		__typeof__(a) check_a = (a);						\
		__typeof__(b) check_b = (b);						\
											\
		if (unlikely(!(check_a relation check_b)))				\
			check_failed_with(__FILE__, __LINE__, sentence, (int64_t)check_a, (int64_t)check_b); \
	}										\
} while (0)

#define check_equal(a, b, sentence)	check_relation(a, ==, b, sentence)
#define check_at_most(a, b, sentence)	check_relation(a, <=, b, sentence)
#define check_below(a, b, sentence)	check_relation(a, <, b, sentence)

#define check_costly(statement) do {							\
	if (CHECKING) {									\
		statement;								\
	}										\
} while (0)

_Noreturn __attribute__((cold)) void check_failed(const char *file, int line, const char *sentence);
_Noreturn __attribute__((cold)) void check_failed_with(const char *file, int line, const char *sentence, int64_t a,
							int64_t b);

#endif
