/* SPDX-License-Identifier: GPL-2.0-only */
/* See layout.h. */
#include "layout.h"

#include "base/check.h"
#include "base/kernel_map.h"
#include "deltas.h"
#include "index.h"
#include "modules.h"
#include "regions.h"
#include "sizes.h"
#include "thread_list.h"
#include "timeline.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23	/* Linux 5.14 */
#endif

/* A full table: its rows add 11 frames on average. */
#define UNITS_PER_ROW	24
#define ROWS_PER_UPPER	4
#define ROWS_PER_SIZE	4	/* an entry of sizes.h is for a row and a size, but most programs have far fewer rows */
#define ROWS_PER_REGION	16
#define REGIONS_LEAST	((uint32_t)1 << 12)	/* in a small table */
#define MODULES		4096u
#define TEXT_BYTES	(1u << 22)	/* 1 KB for each module: touched only as paths are noted */
#define WINDOW_ALIGN	((uint64_t)64 << 10)	/* the largest page of any machine */
#define MAPPED_PART	4	/* a mapping grows by a fourth: twenty steps make it a hundred times as long */
#define EXTEND_TRIES	10000	/* yields, while another thread makes a mapping longer */
#define FIRST_DELTAS	32u	/* threads */
#define FIRST_THREADS	2048u	/* in the list */
#define FIRST_TEXT_BYTES ((uint64_t)128 << 10)
#define FIRST_SIZES	((uint32_t)(WINDOW_ALIGN / sizeof(struct size_entry)))
#define STEP_PART	64	/* a limit grows by at least a 64th: some hundred system calls in all */

struct part {
	uint16_t limit, count, offset;	/* where in the header; count 0: none is kept */
	uint16_t each;			/* bytes */
	uint32_t step;			/* the limit grows by at least this; the first step is an eighth of it */
};
#define PART(limit, count, offset, each, step) {					\
	offsetof(struct table_header, limit), offsetof(struct table_header, count),	\
	offsetof(struct table_header, offset), each, step }

static const struct part parts[TABLE_PARTS] = {
	[TABLE_UPPERS] = PART(upper_limit, uppers_used, uppers_offset, sizeof(struct row_upper), 256),
	[TABLE_ROWS] = PART(row_limit, row_count, rows_offset, sizeof(struct row), 256),
	[TABLE_CODES] = PART(code_limit, code_count, codes_offset, sizeof(uint64_t), 1024),
	[TABLE_FRAMES] = PART(frame_limit, frames_used, frames_offset, sizeof(uint16_t), 8192),
	[TABLE_MODULES] = PART(module_limit, module_count, modules_offset, sizeof(struct module), 128),
	[TABLE_TEXT] = PART(text_limit, text_used, text_offset, 1, 32768),
	[TABLE_THREADS] = PART(thread_limit, threads_used, threads_offset, sizeof(struct listed_thread), 1024),
	[TABLE_SETS] = PART(set_limit, magic, sets_offset, sizeof(uint64_t), 4096),
	[TABLE_SIZES] = PART(size_limit, sizes_used, sizes_offset, sizeof(struct size_entry), 1024),
	[TABLE_REGIONS] = PART(region_limit, regions_used, regions_offset, sizeof(struct region), 1024),
	[TABLE_PAGE_ROWS] = PART(page_row_limit, page_rows_used, page_rows_offset, sizeof(struct page_row), 256),
	[TABLE_DELTAS] = PART(deltas_limit, deltas_used, deltas_offset, sizeof(struct deltas), 1),
	[TABLE_TIMELINE] = PART(timeline_limit, timeline_count, timeline_offset, sizeof(struct timeline_point), 64),
	[TABLE_ROW_INDEX] = PART(row_levels, magic, row_index_offset, sizeof(uint32_t), 1),
	[TABLE_CODE_INDEX] = PART(code_levels, magic, code_index_offset, sizeof(uint32_t), 1),
	[TABLE_SHARES] = PART(shares_log2, magic, shares_offset, sizeof(uint32_t), 1),
	[TABLE_SIZE_HEADS] = PART(size_heads_log2, magic, size_heads_offset, sizeof(uint32_t), TABLE_SIZE_HEADS_LOG2),
};

static uint32_t *limit_of(struct table_header *h, enum table_part part)
{
	return (uint32_t *)(void *)((char *)h + parts[part].limit);
}

uint32_t layout_limit(const struct table_header *h, enum table_part part)
{
	return load_acquire((const uint32_t *)(const void *)((const char *)h + parts[part].limit));
}

static uint64_t *offset_in(struct table_header *h, enum table_part part)
{
	return (uint64_t *)(void *)((char *)h + parts[part].offset);
}

static uint64_t offset_of(const struct table_header *h, enum table_part part)
{
	return *(const uint64_t *)(const void *)((const char *)h + parts[part].offset);
}

uint32_t layout_count(const struct table_header *h, enum table_part part)
{
	uint32_t limit = layout_limit(h, part), count = limit;

	if (parts[part].count)
		count = load_acquire((const uint32_t *)(const void *)((const char *)h + parts[part].count));
	return count < limit ? count : limit;
}

_Static_assert(LAYOUT_WINDOWS == TABLE_WINDOWS, "each window has its length");
_Static_assert(((uint32_t)1 << TABLE_LOG2_MOST) / ROWS_PER_REGION <= REGIONS_MOST && REGIONS_LEAST <= REGIONS_MOST,
	       "the order has room for all regions");
_Static_assert(TABLE_LOG2_MOST <= INDEX_ID_BITS, "the index has room for all numbers of rows and codes");

/* The bytes that a part takes up to this limit. */
static uint64_t bytes_of(enum table_part part, uint32_t limit)
{
	uint64_t count = limit;

	if (part == TABLE_ROW_INDEX || part == TABLE_CODE_INDEX)
		count = index_slots(limit);
	else if (part == TABLE_SHARES || part == TABLE_SIZE_HEADS)
		count = limit ? (uint64_t)1 << limit : 0;
	return count * parts[part].each;
}

static uint64_t align(uint64_t at, uint64_t to)
{
	return (at + to - 1) & ~(to - 1);
}

static uint64_t take(uint64_t *at, uint64_t size_bytes)
{
	uint64_t offset = *at;

	*at = align(offset + size_bytes, WINDOW_ALIGN);
	return offset;
}

/* Parts that are small, and lie in the header's window. */
static bool is_beside_header(enum table_part part)
{
	return part == TABLE_MODULES || part == TABLE_TIMELINE || part == TABLE_SHARES || part == TABLE_SIZE_HEADS;
}

static void place_parts(struct table_header *h)
{
	uint64_t at = align(sizeof(*h), 64);

	for (enum table_part part = 0; part < TABLE_PARTS; part++) {
		if (!is_beside_header(part))
			continue;
		*offset_in(h, part) = at;
		at = align(at + bytes_of(part, layout_limit(h, part)), 64);
	}
	at = align(at, WINDOW_ALIGN);
	for (enum table_part part = 0; part < TABLE_PARTS; part++) {
		if (!is_beside_header(part))
			*offset_in(h, part) = take(&at, bytes_of(part, layout_limit(h, part)));
	}
	h->infos_offset = take(&at, ((uint64_t)1 << h->rows_log2) * sizeof(struct row_info));
	h->size_bytes = at;
}

/* The largest limit of a part in a table of 2^rows_log2 rows. */
static uint32_t most_of(unsigned rows_log2, enum table_part part)
{
	uint32_t rows = (uint32_t)1 << rows_log2;

	switch (part) {
	case TABLE_UPPERS:	return rows / ROWS_PER_UPPER;
	case TABLE_ROWS:
	case TABLE_SETS:
	case TABLE_CODES:	return rows;
	case TABLE_FRAMES:	return rows * UNITS_PER_ROW;
	case TABLE_MODULES:	return MODULES;
	case TABLE_TEXT:	return TEXT_BYTES;
	case TABLE_THREADS:	return THREADS_MOST;
	case TABLE_DELTAS:	return DELTAS_THREADS;
	case TABLE_TIMELINE:	return TIMELINE_POINTS;
	case TABLE_ROW_INDEX:
	case TABLE_CODE_INDEX:	return index_levels_for(rows_log2);
	case TABLE_SHARES:	return TABLE_SHARES_LOG2;
	case TABLE_SIZES:	return rows / ROWS_PER_SIZE;
	case TABLE_SIZE_HEADS:	return TABLE_SIZE_HEADS_LOG2;
	case TABLE_PAGE_ROWS:
	case TABLE_REGIONS:	return rows / ROWS_PER_REGION > REGIONS_LEAST ? rows / ROWS_PER_REGION : REGIONS_LEAST;
	case TABLE_PARTS:
		break;
	}
	return 0;
}

void layout_header(struct table_header *h, unsigned rows_log2)
{
	memset(h, 0, LAYOUT_BEGINNING);
	memcpy(h->magic, TABLE_MAGIC, sizeof(h->magic));
	h->version = TABLE_VERSION;
	h->word_bits = 8 * sizeof(void *);
	h->rows_log2 = rows_log2;
	h->depth = TABLE_FRAMES_MAX;
	for (enum table_part part = 0; part < TABLE_PARTS; part++)
		*limit_of(h, part) = most_of(rows_log2, part);
	place_parts(h);
	h->row_count = ROW_FIRST;
	h->code_count = 1;
	h->uppers_used = 1;
	h->threads_used = 1;
	h->frames_used = 1;
	h->regions_used = h->page_rows_used = 1;
	h->early = 1;
	h->text_used = 1;		/* offset 0 is "" */
	h->window_row = h->figures_row = ROW_OVERFLOW;
	h->totals.epoch = 2;
	h->totals.above = UINT64_MAX;
	h->timeline.spacing = 1;
}

uint64_t layout_limit_bytes(const struct table_header *h, enum table_part part)
{
	return bytes_of(part, layout_limit(h, part));
}

/* How many bytes of a part are mapped at first, in a table whose first mappings are for 2^first_log2 rows. */
static uint64_t first_bytes(enum table_part part, unsigned first_log2)
{
	if (part == TABLE_TEXT)
		return FIRST_TEXT_BYTES;
	if (part == TABLE_DELTAS)
		return bytes_of(part, FIRST_DELTAS);
	if (part == TABLE_THREADS)
		return bytes_of(part, FIRST_THREADS);
	if (part == TABLE_SIZES)
		return bytes_of(part, FIRST_SIZES);
	if (part == TABLE_REGIONS || part == TABLE_PAGE_ROWS)
		return WINDOW_ALIGN;
	return bytes_of(part, most_of(first_log2, part));
}

struct layout_window layout_window(const struct table_header *h, unsigned window, unsigned first_log2)
{
	struct layout_window w = { 0, 0, 0 };
	enum table_part part = window - 1;

	if (!window) {
		w.most_bytes = w.first_bytes = offset_of(h, TABLE_UPPERS);	/* the first of the others */
	} else if (window == LAYOUT_INFOS) {
		w.offset = h->infos_offset;
		w.most_bytes = most_of(h->rows_log2, TABLE_ROWS) * sizeof(struct row_info);
		w.first_bytes = ((uint64_t)1 << first_log2) * sizeof(struct row_info);
	} else if (!is_beside_header(part)) {
		w.offset = offset_of(h, part);
		w.most_bytes = bytes_of(part, most_of(h->rows_log2, part));
		w.first_bytes = first_bytes(part, first_log2);
	}
	w.most_bytes = align(w.most_bytes, WINDOW_ALIGN);
	w.first_bytes = align(w.first_bytes, WINDOW_ALIGN);
	if (w.first_bytes > w.most_bytes)
		w.first_bytes = w.most_bytes;
	return w;
}

void layout_locate(struct table *t, void *base)
{
	char *at = base;

	t->head = base;
	t->rows = (struct row *)(at + t->head->rows_offset);
	t->infos = (struct row_info *)(at + t->head->infos_offset);
	t->uppers = (struct row_upper *)(at + t->head->uppers_offset);
	t->codes = (uint64_t *)(at + t->head->codes_offset);
	t->frames = (uint16_t *)(at + t->head->frames_offset);
	t->row_index = (uint32_t *)(at + t->head->row_index_offset);
	t->code_index = (uint32_t *)(at + t->head->code_index_offset);
	t->shares = (uint32_t *)(at + t->head->shares_offset);
	t->deltas = (struct deltas *)(at + t->head->deltas_offset);
	t->modules = (struct module *)(at + t->head->modules_offset);
	t->text = at + t->head->text_offset;
	t->timeline = (struct timeline_point *)(at + t->head->timeline_offset);
	t->threads = (struct listed_thread *)(at + t->head->threads_offset);
	t->thread_sets = (uint64_t *)(at + t->head->sets_offset);
	t->sizes = (struct size_entry *)(at + t->head->sizes_offset);
	t->size_heads = (uint32_t *)(at + t->head->size_heads_offset);
	t->regions = (struct region *)(at + t->head->regions_offset);
	t->page_rows = (struct page_row *)(at + t->head->page_rows_offset);
}

/* Whether to try again what the kernel has refused. After each attempt twice as many calls are needed until the next,
 * so that a full table does not cost a system call for each allocation. */
static bool may_try(struct table *t)
{
	uint32_t refused = load_relaxed(&t->refused);

	if (!refused || !(refused & (refused - 1)))
		return true;
	add_relaxed(&t->refused, 1);
	return false;
}

/* Whether another thread has made the mapping longer that ended at `end`. Then something is mapped there, and the other
 * thread will store the new length in `mapped` soon. */
static bool was_faster(struct table *t, unsigned window, uint64_t from, char *end, size_t page)
{
	int saved = errno;
	bool mapped = !madvise(end, page, MADV_DONTDUMP);

	errno = saved;
	for (unsigned tries = 0; load_acquire(&t->mapped[window]) == from; tries++) {
		if (!mapped || tries == EXTEND_TRIES)
			return false;
		sched_yield();
	}
	return true;
}

/* Makes the mapping of a window longer, in place, until `need` bytes of it are mapped. */
static bool extend(struct table *t, unsigned window, uint64_t offset, uint64_t need, uint64_t most)
{
	size_t page = (size_t)getauxval(AT_PAGESZ);
	uint64_t from = load_acquire(&t->mapped[window]), to;

	while (from < need) {
		char *last = (char *)t->head + offset + from - page;
		int saved = errno;
		void *moved;

		if (!may_try(t))
			return false;
		to = align(from + from / MAPPED_PART, WINDOW_ALIGN);
		if (to < align(need, WINDOW_ALIGN))
			to = align(need, WINDOW_ALIGN);
		if (to > most)
			to = most;
		moved = kernel_mremap(last, page, page + (size_t)(to - from), 0, NULL);
		errno = saved;
		check(moved == MAP_FAILED || moved == (void *)last, "a mapping grows in place");
		if (moved == (void *)last) {
			store_release(&t->mapped[window], to);
			return to >= need;
		}
		if (!was_faster(t, window, from, (char *)t->head + offset + from, page)) {
			add_relaxed(&t->refused, 1);
			return false;
		}
		from = load_acquire(&t->mapped[window]);
	}
	return true;
}

void layout_forked(struct table *t)
{
	int saved = errno;

	for (unsigned i = 0; i < LAYOUT_WINDOWS; i++) {
		struct layout_window w = layout_window(t->head, i, TABLE_LOG2_LEAST);

		if (w.most_bytes > t->mapped[i])
			kernel_munmap((char *)t->head + w.offset + t->mapped[i], (size_t)(w.most_bytes - t->mapped[i]));
	}
	errno = saved;
}

/* Makes a part's mapping as long as this limit needs. */
static bool extend_part(struct table *t, enum table_part part, uint32_t limit)
{
	const struct table_header *h = t->head;
	uint32_t most = most_of(h->rows_log2, part);

	if (is_beside_header(part))
		return true;
	if (part == TABLE_ROWS &&
	    !extend(t, LAYOUT_INFOS, h->infos_offset, limit * sizeof(struct row_info),
		    align(most * sizeof(struct row_info), WINDOW_ALIGN)))
		return false;
	return extend(t, layout_window_of(part), offset_of(h, part), bytes_of(part, limit),
		      align(bytes_of(part, most), WINDOW_ALIGN));
}

/* Has the kernel touch the pages: where there is no space, the call fails, and no signal is sent. */
static bool reserve(struct table *t, uint64_t offset, uint64_t bytes)
{
	uint64_t page = (uint64_t)getauxval(AT_PAGESZ), from = offset & ~(page - 1);
	uint64_t to = (offset + bytes + page - 1) & ~(page - 1);
	int saved = errno, result;

	if (!bytes || !t->populates)
		return true;
	while ((result = madvise((char *)t->head + from, (size_t)(to - from), MADV_POPULATE_WRITE)) &&
	       errno == EINTR)
		;
	errno = saved;
	return !result;
}

static bool reserve_part(struct table *t, enum table_part part, uint32_t from, uint32_t to)
{
	uint64_t before = bytes_of(part, from);

	if (!reserve(t, offset_of(t->head, part) + before, bytes_of(part, to) - before))
		return false;
	return part != TABLE_ROWS ||
	       reserve(t, t->head->infos_offset + from * sizeof(struct row_info),
		       (to - from) * sizeof(struct row_info));
}

bool layout_grow(struct table *t, enum table_part part)
{
	uint32_t *limit = limit_of(t->head, part), old = load_acquire(limit), step = parts[part].step;
	uint32_t most = most_of(t->head->rows_log2, part), wanted = most;

	if (load_relaxed(&t->head->no_space) == TABLE_NO_SPACE)
		return false;
	if (part < TABLE_DELTAS && !old)
		step /= 8;
	else if (part < TABLE_DELTAS && step < old / STEP_PART)
		step = old / STEP_PART;
	if (old >= wanted)
		return false;
	if (part == TABLE_SHARES && old < TABLE_SHARES_LEAST)
		step = TABLE_SHARES_LEAST;
	if (step < wanted - old)
		wanted = old + step;
	if (!extend_part(t, part, wanted)) {
		store_relaxed(&t->head->no_space, TABLE_NO_ADDRESSES);
		return false;
	}
	if (!reserve_part(t, part, old, wanted)) {
		store_relaxed(&t->head->no_space, TABLE_NO_SPACE);
		return false;
	}
	check_at_most(wanted, most, "a part is used no further than its end");
	while (old < wanted && !cas_acq_rel(limit, &old, wanted))
		;
	return true;
}

/* Parts that are not used before they are needed. */
static bool waits(enum table_part part)
{
	return part == TABLE_DELTAS || part == TABLE_UPPERS || part == TABLE_TIMELINE || part == TABLE_THREADS ||
	       part == TABLE_SETS || part == TABLE_SIZES || part == TABLE_SIZE_HEADS || part == TABLE_REGIONS ||
	       part == TABLE_PAGE_ROWS;
}

bool layout_begin(struct table *t)
{
	if (!reserve(t, 0, sizeof(*t->head)))
		return false;
	for (enum table_part part = 0; part < TABLE_PARTS; part++)
		*limit_of(t->head, part) = 0;
	for (enum table_part part = 0; part < TABLE_PARTS; part++) {
		if (!waits(part) && !layout_grow(t, part))
			return false;
	}
	return true;
}

bool layout_reserve(struct table *t)
{
	for (enum table_part part = 0; part < TABLE_PARTS; part++) {
		if (!reserve_part(t, part, 0, layout_limit(t->head, part)))
			return false;
	}
	return true;
}

bool layout_take(struct table *t, unsigned window, struct layout_range *range)
{
	const struct table_header *h = t->head;
	enum table_part part = window == LAYOUT_INFOS ? TABLE_ROWS : window - 1;
	uint32_t limit = layout_limit(h, part), count = layout_count(h, part);
	bool mapped = is_beside_header(part) ||
		      (bytes_of(part, limit) <= load_acquire(&t->mapped[layout_window_of(part)]) &&
		       (part != TABLE_ROWS ||
			limit * sizeof(struct row_info) <= load_acquire(&t->mapped[LAYOUT_INFOS])));

	if (!mapped && !extend_part(t, part, limit))
		return false;
	count = count < limit ? count : limit;	/* the limit may have been raised in between */
	if (window == LAYOUT_INFOS)
		*range = (struct layout_range){ h->infos_offset, count * sizeof(struct row_info) };
	else
		*range = (struct layout_range){ offset_of(h, part), bytes_of(part, count) };
	return true;
}

bool layout_follow(struct table *t)
{
	struct layout_range unused;

	for (enum table_part part = 0; part < TABLE_PARTS; part++) {
		if (!layout_take(t, layout_window_of(part), &unused))
			return false;
	}
	return true;
}

unsigned layout_used(const struct table_header *h, bool indexes, struct layout_range *ranges)
{
	unsigned n = 0;

	ranges[n++] = (struct layout_range){ 0, sizeof(*h) };
	for (enum table_part part = 0; part < TABLE_PARTS; part++) {
		if (part >= TABLE_ROW_INDEX && !indexes)
			break;
		ranges[n++] = (struct layout_range){ offset_of(h, part), bytes_of(part, layout_count(h, part)) };
	}
	ranges[n++] = (struct layout_range){ h->infos_offset,
		layout_count(h, TABLE_ROWS) * sizeof(struct row_info) };
	return n;
}
