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
 * With one thread every figure is exact. With several, live and total figures are exact; a
 * peak may miss what deltas.h says.
 *
 * Each operation is there twice: for a process of one thread without locked instructions, where
 * what a signal handler may do meanwhile (free: row_free()) is one instruction; and for any
 * number of threads.
 */
#ifndef TABLE_ROW_H
#define TABLE_ROW_H

#include "table.h"

#include <time.h>

/*
 * Monotonic, to the kernel's tick (1 to 10 ms), which suffices for ages and costs a quarter of
 * the precise clock. From the vdso: async-signal-safe, no lock.
 */
static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
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
		if (unlikely(live >= load_relaxed(&totals->above)))
			table_passed(totals, live);
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
	if (temporary && add_relaxed(&r->temporary_low, 1) == UINT32_MAX)
		table_count_wrap(t, row);
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

/* ---- The same in a process of one thread ---- */

static inline void row_grow_single(struct table *t, struct row *r, uint64_t size_bytes)
{
	struct table_totals *totals = &t->head->totals;
	uint64_t live;

	add_own_u64(&r->live_size, size_bytes);
	live = load_relaxed(&r->live_size);
	if (live > load_relaxed(&r->peak_size))
		store_relaxed(&r->peak_size, live);
	add_own_u64(&totals->live_size, size_bytes);
	live = load_relaxed(&totals->live_size);
	if (live > load_relaxed(&totals->peak_size)) {
		store_relaxed(&totals->peak_size, live);
		store_relaxed(&totals->epoch, load_relaxed(&totals->epoch) + 1);
		if (unlikely(live >= load_relaxed(&totals->above)))
			table_passed(totals, live);
	}
}

static inline void row_called_single(struct row *r, uint64_t size_bytes)
{
	store_relaxed(&r->total_count, load_relaxed(&r->total_count) + 1);
	store_relaxed(&r->total_size, load_relaxed(&r->total_size) + size_bytes);
}

/* Out of the way of what comes more often. */
static __attribute__((noinline, unused)) void row_begins(struct row *r)
{
	store_relaxed(&r->since_ns, now_ns());
}

static inline __attribute__((always_inline)) void row_alloc_single(struct table *t, uint32_t row, uint64_t size_bytes)
{
	struct row *r = &t->rows[row];
	uint32_t count;

	row_save_peak(t, r);
	add_own_u32(&r->live_count, 1);
	count = load_relaxed(&r->live_count);
	if (unlikely(count == 1))
		row_begins(r);
	if (count > load_relaxed(&r->peak_count))
		store_relaxed(&r->peak_count, count);
	row_called_single(r, size_bytes);
	row_grow_single(t, r, size_bytes);
}

static inline void row_free_single(struct table *t, uint32_t row, uint64_t size_bytes, bool temporary)
{
	struct row *r = &t->rows[row];

	row_save_peak(t, r);
	add_own_u64(&r->live_size, 0 - size_bytes);
	add_own_u32(&r->live_count, UINT32_MAX);
	add_own_u64(&t->head->totals.live_size, 0 - size_bytes);
	if (temporary) {
		add_own_u32(&r->temporary_low, 1);
		if (unlikely(!load_relaxed(&r->temporary_low)))
			table_count_wrap(t, row);
	}
}

static inline void row_resize_single(struct table *t, uint32_t row, uint64_t old_bytes, uint64_t new_bytes)
{
	struct row *r = &t->rows[row];

	row_save_peak(t, r);
	row_called_single(r, new_bytes);
	row_grow_single(t, r, new_bytes - old_bytes);
}

/* Bytes of this row at the moment when the heap was largest (of a copy of the row too). */
static inline uint64_t row_heap_peak(const struct row *r, uint32_t totals_epoch)
{
	return r->epoch == totals_epoch ? r->heap_peak_size : r->live_size;
}

#endif
