/* SPDX-License-Identifier: GPL-2.0-only */
/* See row.h. */
#include "row.h"

#include "layout.h"

/* ---- Upper parts ---- */

struct row_upper *row_make_upper(struct table *t, uint32_t row)
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
	cas_acq_rel(&t->infos[row].upper, &none, upper);	/* or another has come first */
	return row_upper(t, row);
}

struct row_upper *row_widen(struct table *t, uint32_t row)
{
	struct row_upper *u = row_make_upper(t, row);

	if (u)
		or_acq_rel(&t->rows[row].epoch, ROW_WIDE);
	return u;
}

/* ---- Sums ---- */

static void note_sum(uint32_t *quarters, uint32_t lower)
{
	raise_u32(quarters, (uint32_t)(row_sum(load_relaxed(quarters), lower) / ROW_QUARTER));
}

void row_note_sums(struct table *t, uint32_t row)
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

void row_called(struct table *t, uint32_t row, uint32_t calls, uint64_t size_bytes, uint32_t temporary)
{
	struct row *r = &t->rows[row];
	/* row_alloc_single() leaves it to the sizes to see that there have been many calls. */
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

void __attribute__((noinline)) row_begins(struct row_info *info)
{
	store_relaxed(&info->since, (uint32_t)ticks_of(now_ns()));
}

static bool is_narrow(int64_t size_bytes)
{
	return size_bytes < (int64_t)ROW_QUARTER && size_bytes >= -(int64_t)ROW_QUARTER;
}

/* The part of the row itself, with the peak. False: it has no room for the change. */
static bool change_narrow(struct row *r, int64_t change)
{
	int32_t old = load_relaxed(&r->live_size);

	while (is_narrow(old + change)) {
		int32_t size = (int32_t)(old + change);

		if (!cas_relaxed(&r->live_size, &old, size))
			continue;
		/* What other threads have yet to tell can make it negative for a while. */
		if (size > 0)
			raise_u32(&r->peak_size, (uint32_t)size);
		return true;
	}
	return false;
}

static void change_wide(struct table *t, const struct row *r, struct row_upper *u, int64_t change)
{
	uint32_t epoch = load_relaxed(&t->head->totals.epoch);
	int64_t size;

	if (load_relaxed(&u->epoch) != epoch) {
		store_relaxed(&u->heap_peak_size, load_relaxed(&u->live_size));
		store_relaxed(&u->epoch, epoch);
	}
	size = add_relaxed(&u->live_size, change) + change + load_relaxed(&r->live_size);
	if (size > 0)
		raise_u64(&u->peak_size, (uint64_t)size);
}

void row_change_live(struct table *t, uint32_t row, int64_t change)
{
	struct row *r = &t->rows[row];
	struct row_upper *u;

	if (row_save_peak(t, r) && change_narrow(r, change))
		return;
	u = row_widen(t, row);
	if (u)
		change_wide(t, r, u, change);
	else
		add_relaxed(&r->live_size, (int32_t)(uint32_t)(uint64_t)change);
}

/* So many blocks more (1, 0, -1), so many bytes more (or less: modulo 2^64), and a call for
 * size_bytes, or none (NO_CALL); temporary: frees that were. */
#define NO_CALL	UINT64_MAX
static __attribute__((noinline)) void change(struct table *t, uint32_t row, int blocks, uint64_t bytes,
					     uint64_t size_bytes, bool temporary)
{
	struct row *r = &t->rows[row];

	if (blocks > 0) {
		uint32_t count = add_relaxed(&r->live_count, 1) + 1;

		if (count == 1)
			row_begins(&t->infos[row]);
		raise_u32(&r->peak_count, count);
	}
	row_change_live(t, row, (int64_t)bytes);
	if (blocks < 0)
		sub_relaxed(&r->live_count, 1);
	if (size_bytes == NO_CALL)
		add_relaxed(&t->head->totals.live_size, bytes);
	else
		totals_grow(&t->head->totals, bytes);
	if (size_bytes != NO_CALL || temporary)
		row_called(t, row, size_bytes != NO_CALL, size_bytes != NO_CALL ? size_bytes : 0, temporary);
}

void row_alloc(struct table *t, uint32_t row, uint64_t size_bytes)
{
	change(t, row, 1, size_bytes, size_bytes, false);
}

void row_free(struct table *t, uint32_t row, uint64_t size_bytes, bool temporary)
{
	change(t, row, -1, 0 - size_bytes, NO_CALL, temporary);
}

void row_resize(struct table *t, uint32_t row, uint64_t old_bytes, uint64_t new_bytes)
{
	change(t, row, 0, new_bytes - old_bytes, new_bytes, false);
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
