/* SPDX-License-Identifier: GPL-2.0-only */
/* See record_odd.h. */
#include "record_odd.h"

#include "record.h"
#include "table/events.h"
#include "table/sample.h"
#include "table/thread_list.h"

/*
 * blocks, call and temporary: as row_change() takes them, for one block of size_bytes. Of a sampled block the thread's
 * sampler knows better whether it was temporary: the thread may have got other blocks since, which were not recorded.
 */
static void change(uint32_t row, int blocks, uint64_t size_bytes, bool call, bool temporary)
{
	struct table *t = &recorder.table;
	uint64_t sample_bytes = events_sample_bytes(t, row);
	uint32_t n = sample_blocks(size_bytes, sample_bytes);
	int64_t bytes = blocks * (int64_t)(n * size_bytes);

	if (sample_bytes && !sample_took_newest(&guard_self.sampler))
		temporary = false;
	row_change_sampled(t, row, n, blocks, bytes, call ? n * size_bytes : ROW_NO_CALL, temporary);
	if (row >= load_relaxed(&t->head->figures_row))
		totals_change(t, bytes);
}

void record_odd_alloc(uint32_t row, uint64_t size_bytes)
{
	if (!process_has_one_thread())
		thread_list_note(&recorder.table, row, threads_own_number());
	change(row, 1, size_bytes, true, false);
}

void record_odd_free(struct block b, bool temporary)
{
	change(b.row, -1, b.size_bytes, false, temporary);
}

void record_odd_resize(uint32_t row, uint64_t old_bytes, uint64_t new_bytes)
{
	record_odd_alloc(row, new_bytes);
	change(row, -1, old_bytes, false, false);
}

/* Blocks that were allocated by threads that ignored them, and may not have been freed yet. */
static uint32_t ignored_blocks;

void record_odd_ignored(void)
{
	add_relaxed(&ignored_blocks, 1);
}

void record_odd_unknown_free(void)
{
	struct table_header *h = recorder.table.head;
	uint32_t ignored = load_relaxed(&ignored_blocks);

	if (!record_is_exact())
		return;
	while (unlikely(ignored)) {
		if (cas_relaxed(&ignored_blocks, &ignored, ignored - 1))
			return;
	}
	add_relaxed(events_count(&recorder.table) ? &h->totals.untracked_frees : &h->totals.unknown_frees, 1);
}
