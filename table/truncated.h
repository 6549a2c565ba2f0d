/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The addresses at which stacks ended because there is no unwind information for the code there: assembly,
 * languages that do without, code compiled at run time. A report tells of the backtraces whose last frame
 * is one of them, and of the modules.
 *
 * They are few (places in such code that call something which allocates), so a small set in the
 * table's header holds them. Lock-free, async-signal-safe.
 */
#ifndef TABLE_TRUNCATED_H
#define TABLE_TRUNCATED_H

#include "table.h"

/* Notes an address. When the set is full it is not noted. */
void truncated_note(struct table *t, uint64_t pc);

/* Whether it was noted. */
bool truncated_holds(const struct table *t, uint64_t pc);

#endif
