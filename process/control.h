/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which blocks are recorded: each (CONTROL_EXACT), some by chance (CONTROL_SAMPLED), or none (CONTROL_OFF), and how
 * that changes while the process runs: by another process through the table (struct table_control), by the program
 * itself, or by a signal.
 *
 * The mode is a word in the table. A hook first compares it with CONTROL_EXACT; what else there is to do is here. Frees
 * of blocks that are known are recorded in each mode.
 */
#ifndef PROCESS_CONTROL_H
#define PROCESS_CONTROL_H

#include "free_filter.h"
#include "lifecycle.h"
#include "pools.h"
#include "record.h"
#include "record_odd.h"

/* At the start, when the table has been made: the mode that the options ask for. */
void control_start(const struct options *o);

/* In a child after fork: a command that waits was for the parent. */
void control_forked(void);

/* At a detach, when no thread is in a hook any more: the recording ends. */
void control_detached(void);

/*
 * Whether an allocation of this size is passed on without entering the guard, since it is certainly not recorded: off,
 * and before the thread's next sample, of which the thread's sampler knows. A new thread's sampler, and one that was
 * last asked before the mode has changed, have another mode. Only where record_is_exact() is false, and once for an
 * allocation.
 */
static inline __attribute__((always_inline)) bool control_passes(size_t size)
{
	return likely(load_relaxed(recorder.mode) == guard_self.sampler.mode) &&
	       likely(sample_passes(&guard_self.sampler, size));
}

/* Whether a free is passed on in the same way, as the block map has no block there, and no pool a backing. (Where
 * record_is_exact() is false, there is a table.) */
bool control_passes_free_slow(const void *p);

/* The same as far as the free filter alone tells. False also where only the map can tell. */
static inline __attribute__((always_inline)) bool control_passes_free_fast(const void *p)
{
	bool passes = free_filter_lacks(p);

	check(!passes || control_passes_free_slow(p), "the free filter has each block that is known");
	return passes;
}

/* The same: asks the filter, and then the map. */
static inline bool control_passes_free(const void *p)
{
	return likely(control_passes_free_fast(p)) || control_passes_free_slow(p);
}

/*
 * Inside the guard, when a block has been allocated for which control_passes() was false: whether it is to be recorded.
 * Obeys a command that waits. p: the block, which the free filter then counts; NULL for a pool's, which free() does not
 * meet. old: a block that has left the map, in whose place p is recorded, and which the filter then counts no more; or
 * NULL.
 */
bool control_records_slow(const void *p, const void *old, size_t size);

static inline bool control_records(const void *p, const void *old, size_t size)
{
	if (unlikely(guard_self.ignoring)) {
		record_odd_ignored();
		return false;
	}
	return record_is_exact() || control_records_slow(p, old, size);
}

/*
 * Carries out a command: any thread, inside the guard (once), async-signal-safe. value: see enum control_command. text:
 * of a mark. 0, or an errno: EBUSY if another thread is about to carry one out for too long, EINVAL. Dumps are not
 * taken here: CONTROL_COMMAND_DUMP leaves a request that is taken when the guard is left.
 */
int control_do(enum control_command command, uint64_t value, const char *text);

#endif
