/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one allocation and one free do to a row. Inline: this is the hot path. Lock-free,
 * async-signal-safe, any number of threads.
 *
 * The heap's maximum, per row, without touching every row at each new maximum: totals.epoch
 * counts the maxima. A row about to change first saves its live size as heap_peak_size if
 * it has not yet done so in this epoch (row.epoch tells). So at any time the row's size at
 * the newest maximum is heap_peak_size if the row has changed since, else its live size. A
 * wide row's two parts do so each for itself.
 *
 * With one thread every figure is exact. With several, live and total figures are exact; a
 * peak may miss what deltas.h says.
 *
 * Each operation is there twice. For any number of threads, and for all that a row can be (row.c).
 * And for a process of one thread without locked instructions, where what a signal handler may do
 * meanwhile (free: row_free()) is one instruction: for rows that are not wide, blocks of 1 byte
 * to 2^30 - 1, and totals that do not reach another quarter by them. What is not so goes the other
 * way: that is seen by a comparison that was due anyhow, and one of the sum of sizes. Neither calls nor
 * the live size need a look of their own. Of one byte and more there can be but 2^30 calls until the
 * sizes' sum reaches its next quarter, when both are noted; and by then the live size has grown by
 * less than 2^30, too, so that a row gets wide before it has 2^31.
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

/*
 * The time of row_info.since: in ticks of 2^23 ns, 8.4 ms, rounded to the nearest, modulo 2^32. So
 * the age of a row is right to 4.2 ms and the kernel's tick, up to 417 days.
 */
#define TICK_LOG2	23

static inline uint64_t ticks_of(uint64_t ns)
{
	return (ns + ((uint64_t)1 << (TICK_LOG2 - 1))) >> TICK_LOG2;
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

/*
 * The heap's live size has changed by `bytes`: is it larger than ever? What other threads have yet to
 * tell can make it negative for a while.
 */
static inline void totals_change(struct table *t, int64_t bytes)
{
	struct table_totals *totals = &t->head->totals;
	int64_t live = (int64_t)(add_relaxed(&totals->live_size, (uint64_t)bytes) + (uint64_t)bytes);

	if (live > (int64_t)load_relaxed(&totals->peak_size)) {
		raise_u64(&totals->peak_size, (uint64_t)live);
		add_relaxed(&totals->epoch, 2);
		if (unlikely((uint64_t)live >= load_relaxed(&totals->above)))
			table_peak_passed(t, (uint64_t)live);
	}
}

/*
 * A row's live count as a number with a sign. What other threads have yet to tell can make it
 * negative for a while, by much less than ROW_COUNT_PENDING.
 */
#define ROW_COUNT_PENDING	((uint32_t)1 << 20)

static inline int64_t row_count(uint32_t live_count)
{
	return live_count > UINT32_MAX - ROW_COUNT_PENDING ? (int64_t)(int32_t)live_count : (int64_t)live_count;
}

/* ---- For any number of threads, and all that a row can be ---- */

/* One more live block. */
void row_alloc(struct table *t, uint32_t row, uint64_t size_bytes);

/* One live block less; temporary: freed before its thread allocated again. */
void row_free(struct table *t, uint32_t row, uint64_t size_bytes, bool temporary);

/*
 * A block was reallocated by the same backtrace that holds it: its size changes, the call
 * counts, and the live count never passes zero in between.
 */
void row_resize(struct table *t, uint32_t row, uint64_t old_bytes, uint64_t new_bytes);

/*
 * All three, without the heap's totals, which the caller changes: `blocks` (1, 0 or -1) live blocks
 * more, `bytes` more of them, and a call for call_bytes, or none (ROW_NO_CALL).
 */
#define ROW_NO_CALL	UINT64_MAX
void row_change(struct table *t, uint32_t row, int blocks, int64_t bytes, uint64_t call_bytes, bool temporary);

/* Parts of these. Before a change of live_size: saves what the row has at the heap's newest maximum,
 * with `more` bytes that live_size does not have. False: the row is wide, and nothing is saved. */
bool row_save_peak(struct table *t, struct row *r, int32_t more);
/* The same of its upper parts: */
void row_save_upper_peak(struct table *t, struct row_upper *u, int32_t more);
/* The live count has left 0: */
void row_begins(struct row_info *info);
/* Notes the quarters that the row's sums have reached. */
void row_note_sums(struct table *t, uint32_t row);

/* A row's upper parts, bounds-checked; NULL: it has none. */
static inline struct row_upper *row_upper(const struct table *t, uint32_t row)
{
	const struct table_header *h = t->head;
	uint32_t upper = load_acquire(&t->infos[row].upper);

	return upper && upper < load_relaxed(&h->uppers_used) && upper < load_relaxed(&h->upper_limit) ?
	       &t->uppers[upper] : NULL;
}

/* The same, but it gets some if there is space. */
struct row_upper *row_make_upper(struct table *t, uint32_t row);

/* Has the row wide. Returns its upper parts; NULL: there is no space for them, it stays as it is. */
struct row_upper *row_widen(struct table *t, uint32_t row);

/* A sum since the start, by its lower bits and the quarters that were noted. */
static inline uint64_t row_sum(uint32_t quarters, uint32_t lower)
{
	uint64_t noted = (uint64_t)quarters * ROW_QUARTER;

	return noted + (uint32_t)(lower - (uint32_t)noted);
}

/* Whether a sum has reached another quarter by this change. */
static inline bool row_sum_passed(uint32_t before, uint32_t after)
{
	return (before ^ after) >= ROW_QUARTER;
}

/* Calls of a row. */
static inline uint64_t row_total_count(const struct table *t, uint32_t row)
{
	const struct row_upper *u = row_upper(t, row);
	uint32_t quarters = u ? load_acquire(&u->total_count) : 0;

	return row_sum(quarters, load_relaxed(&t->rows[row].total_count));
}

/* Bytes of a part at the moment when the heap was largest (of a copy of the row too). */
static inline int32_t row_heap_peak(const struct row *r, uint32_t totals_epoch)
{
	return (r->epoch & ~ROW_WIDE) == totals_epoch ? r->heap_peak_size : r->live_size;
}

static inline int64_t row_upper_heap_peak(const struct row_upper *u, uint32_t totals_epoch)
{
	return u->epoch == totals_epoch ? u->heap_peak_size : u->live_size;
}

/* ---- The same in a process of one thread. False: nothing is changed, it is for the functions above. ---- */

static inline bool row_save_peak_single(struct table *t, struct row *r)
{
	uint32_t epoch = load_relaxed(&t->head->totals.epoch), old = load_relaxed(&r->epoch);

	if (old != epoch) {
		if (unlikely(old & ROW_WIDE))
			return false;
		store_relaxed(&r->heap_peak_size, load_relaxed(&r->live_size));
		store_relaxed(&r->epoch, epoch);
	}
	return true;
}

/* Whether these bytes are 0, or 2^30 and more, or the sum reaches another quarter by them. */
static inline bool row_size_is_special(uint64_t before, uint64_t after)
{
	return (before ^ after) - 1 >= ROW_QUARTER - 1;
}

/* One more call, before its bytes are live. */
static inline __attribute__((always_inline)) bool row_call_single(struct table *t, struct row *r, uint64_t size_bytes)
{
	uint32_t before = load_relaxed(&r->total_size);
	uint64_t after = before + size_bytes;

	if (unlikely(row_size_is_special(before, after)) || unlikely(!row_save_peak_single(t, r)))
		return false;
	add_sole_u32(&r->total_count, 1);
	store_relaxed(&r->total_size, (uint32_t)after);
	return true;
}

/* The row is not wide, and the change less than 2^30. */
static inline void row_grow_single(struct table *t, struct row *r, uint64_t size_bytes)
{
	struct table_totals *totals = &t->head->totals;
	int32_t size;
	uint64_t live;

	add_own_u32(&r->live_size, (uint32_t)size_bytes);
	size = load_relaxed(&r->live_size);
	if (size > (int32_t)load_relaxed(&r->peak_size))
		store_relaxed(&r->peak_size, (uint32_t)size);
	add_own_u64(&totals->live_size, size_bytes);
	live = load_relaxed(&totals->live_size);
	if ((int64_t)live > (int64_t)load_relaxed(&totals->peak_size)) {
		store_relaxed(&totals->peak_size, live);
		store_relaxed(&totals->epoch, load_relaxed(&totals->epoch) + 2);
		if (unlikely(live >= load_relaxed(&totals->above)))
			table_peak_passed(t, live);
	}
}

/* One more live block. */
static inline __attribute__((always_inline)) bool row_alloc_single(struct table *t, uint32_t row, uint64_t size_bytes)
{
	struct row *r = &t->rows[row];
	uint32_t count;

	if (unlikely(!row_call_single(t, r, size_bytes)))
		return false;
	row_grow_single(t, r, size_bytes);
	add_own_u32(&r->live_count, 1);
	count = load_relaxed(&r->live_count);
	if (count > load_relaxed(&r->peak_count))
		store_relaxed(&r->peak_count, count);
	if (unlikely(count == 1))
		row_begins(&t->infos[r - t->rows]);
	return true;
}

static inline void row_shrink_single(struct table *t, struct row *r, uint64_t size_bytes)
{
	sub_own_u32(&r->live_size, size_bytes);
	sub_own_u32(&r->live_count, 1);
	sub_own_u64(&t->head->totals.live_size, size_bytes);
}

/* One live block less, which was not temporary. */
static inline __attribute__((always_inline)) bool row_free_single(struct table *t, uint32_t row, uint64_t size_bytes)
{
	struct row *r = &t->rows[row];

	if (unlikely(!row_save_peak_single(t, r)))
		return false;
	row_shrink_single(t, r, size_bytes);
	return true;
}

/* One that was temporary, in any row. */
void row_free_temporary_single(struct table *t, uint32_t row, uint64_t size_bytes);

/* Another size of one. */
static inline bool row_resize_single(struct table *t, uint32_t row, uint64_t old_bytes, uint64_t new_bytes)
{
	struct row *r = &t->rows[row];

	if (unlikely(!row_call_single(t, r, new_bytes)))
		return false;
	row_grow_single(t, r, new_bytes - old_bytes);
	return true;
}

#endif
