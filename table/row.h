/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one allocation and one free do to a row. Inline: this is the hot path. Lock-free,
 * async-signal-safe, any number of threads.
 *
 * The heap's maximum, per row, without touching every row at each new maximum: totals.epoch
 * counts the maxima. A row about to change first saves its live size as heap_peak_size if
 * it has not yet done so in this epoch (row.epoch tells). So at any time the row's size at
 * the newest maximum is heap_peak_size if the row has changed since, else its live size.
 *
 * With one thread every figure is exact. With several, live and total figures are exact;
 * an operation under way in another thread may be missing from, or be too much in, a peak.
 */
#ifndef TABLE_ROW_H
#define TABLE_ROW_H

#include "table.h"

#include <time.h>

/* Monotonic, from the vdso: async-signal-safe, no lock. */
static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline void raise_u64(uint64_t *max, uint64_t v)
{
	uint64_t old = load_relaxed(max);

	while (v > old && !cas_relaxed(max, &old, v))
		;
}

static inline void raise_u32(uint32_t *max, uint32_t v)
{
	uint32_t old = load_relaxed(max);

	while (v > old && !cas_relaxed(max, &old, v))
		;
}

/* Before a change of live_size. */
static inline void row_save_peak(struct table *t, struct row *r)
{
	uint32_t epoch = load_relaxed(&t->head->totals.epoch);

	if (load_relaxed(&r->epoch) != epoch) {
		store_relaxed(&r->heap_peak_size, load_relaxed(&r->live_size));
		store_relaxed(&r->epoch, epoch);
	}
}

/* The heap grew by size_bytes: is it larger than ever? */
static inline void totals_grow(struct table_totals *totals, uint64_t size_bytes)
{
	uint64_t live = add_relaxed(&totals->live_size, size_bytes) + size_bytes;

	if (live > load_relaxed(&totals->peak_size)) {
		raise_u64(&totals->peak_size, live);
		add_relaxed(&totals->epoch, 1);
	}
}

/* One more live block. */
static inline void row_alloc(struct table *t, uint32_t row, uint64_t size_bytes)
{
	struct row *r = &t->rows[row];
	uint32_t count;

	row_save_peak(t, r);
	count = add_relaxed(&r->live_count, 1) + 1;
	if (count == 1)
		store_relaxed(&r->since_ns, now_ns());
	raise_u32(&r->peak_count, count);
	raise_u64(&r->peak_size, add_relaxed(&r->live_size, size_bytes) + size_bytes);
	add_relaxed(&r->total_count, 1);
	add_relaxed(&r->total_size, size_bytes);
	totals_grow(&t->head->totals, size_bytes);
}

/* One live block less; temporary: freed before its thread allocated again. */
static inline void row_free(struct table *t, uint32_t row, uint64_t size_bytes, bool temporary)
{
	struct row *r = &t->rows[row];

	row_save_peak(t, r);
	sub_relaxed(&r->live_size, size_bytes);
	sub_relaxed(&r->live_count, 1);
	sub_relaxed(&t->head->totals.live_size, size_bytes);
	if (temporary && add_relaxed(&r->temporary_low, 1) == UINT32_MAX) {
		/* Not one operation: 2^32 frees lie between two wraps, and not every machine
		 * has it for 16 bits without libatomic (riscv64). */
		uint16_t *high = &t->infos[row].temporary_high;

		store_relaxed(high, (uint16_t)(load_relaxed(high) + 1));
	}
}

/*
 * A block was reallocated by the same backtrace that holds it: its size changes, the call
 * counts, and the live count never passes zero in between.
 */
static inline void row_resize(struct table *t, uint32_t row, uint64_t old_bytes, uint64_t new_bytes)
{
	struct row *r = &t->rows[row];

	row_save_peak(t, r);
	raise_u64(&r->peak_size, add_relaxed(&r->live_size, new_bytes - old_bytes) +
				 (new_bytes - old_bytes));
	add_relaxed(&r->total_count, 1);
	add_relaxed(&r->total_size, new_bytes);
	totals_grow(&t->head->totals, new_bytes - old_bytes);
}

/* Bytes of this row at the moment when the heap was largest (of a copy of the row too). */
static inline uint64_t row_heap_peak(const struct row *r, uint32_t totals_epoch)
{
	return r->epoch == totals_epoch ? r->heap_peak_size : r->live_size;
}

#endif
