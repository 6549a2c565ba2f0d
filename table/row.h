/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How an allocation and a free change a row. The functions are inline, because this is the hot path. They take no
 * lock, are async-signal-safe, and may run in any number of threads.
 *
 * The size of each row at the heap's maximum is kept without touching every row at each new maximum:
 * totals.epoch counts the maxima, and a row saves its live size as heap_peak_size before the first change in an epoch
 * (row.epoch says in which epoch that was). So at any time
 *	bytes at the newest maximum == row.epoch == totals.epoch ? heap_peak_size : live_size	(row_heap_peak())
 * The two parts of a wide row do so each for itself.
 *
 * In a process of one thread every figure is exact. With several threads, live and total figures are exact; what a
 * peak may miss, deltas.h says.
 *
 * Each operation exists twice. The general form (row.c) is for any number of threads, and for all states of a row.
 * The single form is for a process of one thread: it uses no locked instructions, and whatever a signal handler may
 * change meanwhile (it may call free(), thus row_free()) is changed by one instruction. It serves rows that are not
 * wide, blocks of 1 to 2^30 - 1 bytes, and sums that do not reach another quarter of 2^32. It returns false, having
 * changed nothing, where one of these conditions does not hold. Two comparisons decide that: one of the epochs, which
 * is needed anyhow, and one of the sum of sizes. The sum of calls needs none of its own: each call has at least one
 * byte, so there can be at most 2^30 calls until the sum of sizes reaches its next quarter, and then both are noted.
 * Nor does the live size: it has grown by less than 2^30 by then, so that a row becomes wide before it has 2^31 bytes.
 */
#ifndef TABLE_ROW_H
#define TABLE_ROW_H

#include "table.h"

#include <time.h>

/*
 * Monotonic time in nanoseconds, to the kernel's tick (1 to 10 ms). This suffices for ages and costs a quarter of the
 * precise clock. The vdso tells it, so it is async-signal-safe and takes no lock.
 */
static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The same clock read precisely, for the length of a run. It is never behind now_ns(). */
static inline uint64_t now_precise_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/*
 * The unit of row_info.since: ticks of 2^23 ns (8.4 ms), rounded to the nearest, modulo 2^32. So the age of a row is
 * right to within 4.2 ms and the kernel's tick, up to 417 days.
 */
#define TICK_LOG2	23

static inline uint64_t ticks_of(uint64_t ns)
{
	return (ns + ((uint64_t)1 << (TICK_LOG2 - 1))) >> TICK_LOG2;
}

/*
 * The age at now_ns of what began at `since`, a moment in ticks, in a process that began at begun_precise_ns:
 * nanoseconds, and never more than from begun_precise_ns on, however coarse ticks are. What began after now_ns has the
 * age 0.
 */
static inline uint64_t age_of_ticks(uint32_t since, uint64_t now_ns, uint64_t begun_precise_ns)
{
	uint64_t now = ticks_of(now_ns);
	uint32_t age = (uint32_t)now - since;
	uint64_t since_ns = (now - age) << TICK_LOG2;

	if (since_ns < begun_precise_ns)
		since_ns = begun_precise_ns;
	return age < UINT32_MAX - 65536 && now_ns > since_ns ? now_ns - since_ns : 0;
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
 * Adds `bytes` to the heap's live size, and notes a new maximum. While frees of one thread are flushed before the
 * allocations of another, the live size can be negative for a while.
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
 * A row's live count as a signed number. Allocations that are pending in other threads can make it negative for a
 * while, by much less than ROW_COUNT_PENDING.
 */
#define ROW_COUNT_PENDING	((uint32_t)1 << 20)

static inline int64_t row_count(uint32_t live_count)
{
	return live_count > UINT32_MAX - ROW_COUNT_PENDING ? (int64_t)(int32_t)live_count : (int64_t)live_count;
}

/* ---- The general form ---- */

/* One more live block. */
void row_alloc(struct table *t, uint32_t row, uint64_t size_bytes);

/* One live block less; temporary: freed before its thread allocated again. */
void row_free(struct table *t, uint32_t row, uint64_t size_bytes, bool temporary);

/*
 * A block was reallocated by the same backtrace that holds it: its size changes, the call is counted, and the live
 * count does not pass zero in between.
 */
void row_resize(struct table *t, uint32_t row, uint64_t old_bytes, uint64_t new_bytes);

/*
 * What the three have in common, without the heap's totals, which the caller changes: adds `blocks` (1, 0 or -1) and
 * `bytes` to the live figures, and counts a call for call_bytes (ROW_NO_CALL: none).
 */
#define ROW_NO_CALL	UINT64_MAX
void row_change(struct table *t, uint32_t row, int blocks, int64_t bytes, uint64_t call_bytes, bool temporary);

/* The same for one block that stands for n (sample.h): adds n or -n blocks as `blocks` is 1 or -1, and counts n calls.
 * bytes and call_bytes are those of all n. */
void row_change_sampled(struct table *t, uint32_t row, uint32_t n, int blocks, int64_t bytes, uint64_t call_bytes,
			bool temporary);

/* Parts of the above. Before a change of live_size: saves the row's bytes at the heap's newest maximum, which are
 * live_size and `more`. False: the row is wide, and nothing was saved. */
bool row_save_peak(struct table *t, struct row *r, int32_t more);
/* The same for the row's upper parts. */
void row_save_upper_peak(struct table *t, struct row_upper *u, int32_t more);
/* The live count has left 0: the row's age begins. The timeline gets a point if one is due. */
void row_begins(struct table *t, struct row_info *info);
/* Notes the quarters of 2^32 that the row's sums have reached. */
void row_note_sums(struct table *t, uint32_t row);

/* A row's upper parts, bounds-checked; NULL: it has none. */
static inline struct row_upper *row_upper(const struct table *t, uint32_t row)
{
	const struct table_header *h = t->head;
	uint32_t upper = load_acquire(&t->infos[row].upper);

	return upper && upper < load_relaxed(&h->uppers_used) && upper < load_relaxed(&h->upper_limit) ?
	       &t->uppers[upper] : NULL;
}

/* The same; makes upper parts if the row has none. NULL when there is no space. */
struct row_upper *row_make_upper(struct table *t, uint32_t row);

/* Makes the row wide. Returns its upper parts; NULL when there is no space for them, and the row stays as it is. */
struct row_upper *row_widen(struct table *t, uint32_t row);

/* A sum since the start, from its lower 32 bits and the quarters that were noted. */
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

/* The bytes of a row's part when the heap was largest. The row may be a copy. */
static inline int32_t row_heap_peak(const struct row *r, uint32_t totals_epoch)
{
	return (r->epoch & ~ROW_WIDE) == totals_epoch ? r->heap_peak_size : r->live_size;
}

static inline int64_t row_upper_heap_peak(const struct row_upper *u, uint32_t totals_epoch)
{
	return u->epoch == totals_epoch ? u->heap_peak_size : u->live_size;
}

/* ---- The single form. False: nothing has been changed, and the general form has to be called. ---- */

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

/* Whether the bytes that were added are 0, or at least 2^30, or have made the sum reach another quarter. */
static inline bool row_size_is_special(uint64_t before, uint64_t after)
{
	return (before ^ after) - 1 >= ROW_QUARTER - 1;
}

/* Counts a call. To be called before the live size changes. */
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

/* Adds bytes to the live sizes of a row that is not wide and of the heap. A shrinking block adds 2^64 - n. */
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
		row_begins(t, &t->infos[r - t->rows]);
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

/* One live block less, which was temporary. This one handles rows of all states. */
void row_free_temporary_single(struct table *t, uint32_t row, uint64_t size_bytes);

/* As row_resize(). */
static inline bool row_resize_single(struct table *t, uint32_t row, uint64_t old_bytes, uint64_t new_bytes)
{
	struct row *r = &t->rows[row];

	if (unlikely(!row_call_single(t, r, new_bytes)))
		return false;
	row_grow_single(t, r, new_bytes - old_bytes);
	return true;
}

#endif
