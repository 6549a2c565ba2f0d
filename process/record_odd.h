/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How blocks are counted whose row decides that (recorder.first_plain): rows whose blocks were sampled, so that each
 * stands for several (table/sample.h), and rows from before the figures were cleared (table/events.h), which the heap's
 * totals do not count any more. Such a change goes to the row directly, in any number of threads.
 *
 * Inside the guard, any thread. Async-signal-safe, keeps errno.
 */
#ifndef PROCESS_RECORD_ODD_H
#define PROCESS_RECORD_ODD_H

#include "table/blocks.h"

__attribute__((cold)) void record_odd_alloc(uint32_t row, uint64_t size_bytes);
__attribute__((cold)) void record_odd_free(struct block b, bool temporary);
__attribute__((cold)) void record_odd_resize(uint32_t row, uint64_t old_bytes, uint64_t new_bytes);

/* A block was allocated by a thread that ignores its allocations: one free of an unknown block less will be counted. */
__attribute__((cold)) void record_odd_ignored(void);

/* A block was freed, or reallocated, that the block map does not have: counts it as one that was allocated while not
 * each block was recorded, if there was such a time, and else as unknown. Where not each block is recorded just now, or
 * where the block can be one that was ignored, that is nothing to count. */
__attribute__((cold)) void record_odd_unknown_free(void);

#endif
