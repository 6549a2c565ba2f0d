/* SPDX-License-Identifier: GPL-2.0-only */
/* See row.h. */
#include "row.h"

#include "base/check.h"
#include "deltas.h"
#include "layout.h"
#include "timeline.h"

/* ---- Upper parts ---- */

__attribute__((cold)) struct row_upper *row_make_upper(struct table *t, uint32_t row)
{
	struct table_header *h = t->head;
	struct row_upper *known = row_upper(t, row);
	uint32_t upper, none = 0;

	/* Checked first so that the counter cannot creep up to a wrap. */
	if (known)
		return known;
	if (load_relaxed(&h->uppers_used) >= load_acquire(&h->upper_limit) && !layout_grow(t, TABLE_UPPERS))
		return NULL;
	upper = add_relaxed(&h->uppers_used, 1);
	while (upper >= load_acquire(&h->upper_limit)) {
		if (!layout_grow(t, TABLE_UPPERS))
			return NULL;
	}
	check(upper, "upper parts have a number other than 0");
	cas_acq_rel(&t->infos[row].upper, &none, upper);	/* unless another thread was faster */
	return row_upper(t, row);
}

__attribute__((cold)) struct row_upper *row_widen(struct table *t, uint32_t row)
{
	struct row_upper *u = row_make_upper(t, row);

	if (u)
		or_acq_rel(&t->rows[row].epoch, ROW_WIDE);
	check(!u || t->infos[row].upper, "a wide row has upper parts");
	return u;
}

/* ---- Sums ---- */

static void note_sum(uint32_t *quarters, uint32_t lower)
{
	raise_u32(quarters, (uint32_t)(row_sum(load_relaxed(quarters), lower) / ROW_QUARTER));
}

__attribute__((cold)) void row_note_sums(struct table *t, uint32_t row)
{
	struct row_upper *u = row_make_upper(t, row);
	uint32_t size = load_relaxed(&t->rows[row].total_size), count = load_relaxed(&t->rows[row].total_count);
	uint32_t temporary = load_relaxed(&t->infos[row].temporary);

	if (!u)
		return;
	release_fence();	/* the sums are there before their quarters */
	note_sum(&u->total_size, size);
	note_sum(&u->total_count, count);
	note_sum(&u->temporary, temporary);
}

static bool sum_add(uint32_t *sum, uint32_t v)
{
	uint32_t before = add_relaxed(sum, v);

	return row_sum_passed(before, before + v);
}

/* Adds calls, their size_bytes, and frees of temporary blocks. */
static void add_calls(struct table *t, uint32_t row, uint32_t calls, uint64_t size_bytes, uint32_t temporary)
{
	struct row *r = &t->rows[row];
	/* row_alloc_single() does not look at the sum of calls: calls of 0 bytes come here, and have it noted. */
	bool note = !size_bytes && load_relaxed(&r->total_count) >= ROW_QUARTER;

	note |= sum_add(&r->total_count, calls);
	for (; size_bytes >= ROW_QUARTER; size_bytes -= ROW_QUARTER) {
		sum_add(&r->total_size, ROW_QUARTER);
		row_note_sums(t, row);
	}
	note |= sum_add(&r->total_size, (uint32_t)size_bytes);
	if (temporary)
		note |= sum_add(&t->infos[row].temporary, temporary);
	if (unlikely(note))
		row_note_sums(t, row);
}

/* ---- Live blocks ---- */

void __attribute__((noinline)) row_begins(struct table *t, struct row_info *info)
{
	uint64_t now = now_ns();
	uint32_t ticks = (uint32_t)ticks_of(now);

	store_relaxed(&info->since, ticks);
	timeline_look(t, now, ticks);
}

bool row_save_peak(struct table *t, struct row *r, int32_t more)
{
	uint32_t epoch = load_relaxed(&t->head->totals.epoch);
	struct row old, now;

	old.saved_peak = load_relaxed(&r->saved_peak);
	do {
		if (old.epoch & ROW_WIDE)
			return false;
		if (old.epoch == epoch && !more)
			return true;
		now.heap_peak_size = old.epoch == epoch ? old.heap_peak_size : load_relaxed(&r->live_size);
		now.heap_peak_size += more;
		now.epoch = epoch;
	} while (!cas_relaxed(&r->saved_peak, &old.saved_peak, now.saved_peak));
	return true;
}

void row_save_upper_peak(struct table *t, struct row_upper *u, int32_t more)
{
	uint32_t epoch = load_relaxed(&t->head->totals.epoch);

	if (load_relaxed(&u->epoch) != epoch) {
		store_relaxed(&u->heap_peak_size, load_relaxed(&u->live_size));
		store_relaxed(&u->epoch, epoch);
	}
	if (more)
		add_relaxed(&u->heap_peak_size, (int64_t)more);
}

static bool is_narrow(int64_t size_bytes)
{
	return size_bytes < (int64_t)ROW_QUARTER && size_bytes >= -(int64_t)ROW_QUARTER;
}

/* Changes live_size and the peak in the row itself. False: 32 bits would not hold the new size. */
static bool change_narrow(struct row *r, int64_t change)
{
	int32_t old = load_relaxed(&r->live_size);

	while (is_narrow(old + change)) {
		int32_t size = (int32_t)(old + change);

		if (!cas_relaxed(&r->live_size, &old, size))
			continue;
		/* Allocations that are pending in other threads can make the size negative for a while. */
		if (size > 0)
			raise_u32(&r->peak_size, (uint32_t)size);
		return true;
	}
	return false;
}

static void change_wide(struct table *t, const struct row *r, struct row_upper *u, int64_t change)
{
	int64_t size;

	row_save_upper_peak(t, u, 0);
	size = add_relaxed(&u->live_size, change) + change + load_relaxed(&r->live_size);
	if (size > 0)
		raise_u64(&u->peak_size, (uint64_t)size);
}

static void change_live(struct table *t, uint32_t row, int64_t change)
{
	struct row *r = &t->rows[row];
	struct row_upper *u;

	if (row_save_peak(t, r, 0) && change_narrow(r, change))
		return;
	u = row_widen(t, row);
	if (u)
		change_wide(t, r, u, change);
	else
		add_relaxed(&r->live_size, (int32_t)(uint32_t)(uint64_t)change);
}

__attribute__((noinline)) void row_change_sampled(struct table *t, uint32_t row, uint32_t n, int blocks, int64_t bytes,
						  uint64_t call_bytes, bool temporary)
{
	struct row *r = &t->rows[row];

	if (blocks > 0) {
		int64_t count;

		deltas_row_begins(t, row, row_count(load_relaxed(&r->live_count)));
		count = row_count(add_relaxed(&r->live_count, n) + n);
		if (count > 0)
			raise_u32(&r->peak_count, (uint32_t)count);
	}
	change_live(t, row, bytes);
	if (blocks < 0)
		sub_relaxed(&r->live_count, n);
	if (call_bytes != ROW_NO_CALL || temporary)
		add_calls(t, row, call_bytes != ROW_NO_CALL ? n : 0, call_bytes != ROW_NO_CALL ? call_bytes : 0,
			  temporary ? n : 0);
}

__attribute__((noinline)) void row_change(struct table *t, uint32_t row, int blocks, int64_t bytes, uint64_t call_bytes,
					  bool temporary)
{
	row_change_sampled(t, row, 1, blocks, bytes, call_bytes, temporary);
}

/* Changes the row and the heap's totals. */
static void change(struct table *t, uint32_t row, int blocks, int64_t bytes, uint64_t call_bytes, bool temporary)
{
	row_change(t, row, blocks, bytes, call_bytes, temporary);
	totals_change(t, bytes);
}

void row_alloc(struct table *t, uint32_t row, uint64_t size_bytes)
{
	change(t, row, 1, (int64_t)size_bytes, size_bytes, false);
}

void row_free(struct table *t, uint32_t row, uint64_t size_bytes, bool temporary)
{
	change(t, row, -1, -(int64_t)size_bytes, ROW_NO_CALL, temporary);
}

void row_resize(struct table *t, uint32_t row, uint64_t old_bytes, uint64_t new_bytes)
{
	change(t, row, 0, (int64_t)(new_bytes - old_bytes), new_bytes, false);
}

void row_free_temporary_single(struct table *t, uint32_t row, uint64_t size_bytes)
{
	uint32_t *temporary = &t->infos[row].temporary;

	if (unlikely(!row_free_single(t, row, size_bytes))) {
		row_free(t, row, size_bytes, true);
		return;
	}
	add_own_u32(temporary, 1);
	if (unlikely(load_relaxed(temporary) % ROW_QUARTER == 0))
		row_note_sums(t, row);
}
