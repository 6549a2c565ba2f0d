/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The addresses at which backtraces were truncated, because the code there has no unwind information: assembly, some
 * languages, code compiled at run time. A report names the modules of these addresses, and counts the backtraces whose
 * last frame is one of them.
 *
 * There are few of them, since only calls in such code that lead to an allocation count. So a small set in the table's
 * header holds them. Lock-free, async-signal-safe.
 */
#ifndef TABLE_TRUNCATED_H
#define TABLE_TRUNCATED_H

#include "table.h"

/* Adds an address to the set. Does nothing when the set is full. */
void truncated_note(struct table *t, uint64_t pc);

/* Whether the set has the address. */
bool truncated_holds(const struct table *t, uint64_t pc);

#endif
