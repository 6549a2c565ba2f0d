/* SPDX-License-Identifier: GPL-2.0-only */
/* See histogram.h. */
#include "histogram.h"

#include "table/layout.h"

#include <string.h>

/* SIZE_SZ, MALLOC_ALIGNMENT and MINSIZE of glibc's malloc/malloc.c. The traced program has the word size of this one. */
#define WORD		((uint64_t)SIZES_WORD)
#define ALIGNMENT	((uint64_t)16)
#define CHUNK_LEAST	(WORD == 8 ? (uint64_t)32 : (uint64_t)16)

/* A counter that is read while others change it, or after a kill, can be below 0 for a moment. */
static uint64_t at_least_0(int64_t v)
{
	return v < 0 ? 0 : (uint64_t)v;
}

/* Sums of a damaged table may wrap, but not as signed numbers. */
static int64_t plus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

void histogram_add(struct histogram_figures *to, const struct histogram_figures *f)
{
	to->calls += f->calls;
	to->count += f->count;
	to->size += f->size;
	to->waste = plus(to->waste, f->waste);
}

static struct histogram_figures figures_of(const struct histogram *h, const struct size_entry *e)
{
	struct histogram_figures f = {
		.calls = load_relaxed(&e->calls),
		.count = at_least_0((int32_t)load_relaxed(&e->live_count)),
		.size = at_least_0(load_relaxed(&e->live_size)),
	};

	if (h->waste_known && f.count)
		f.waste = plus(load_relaxed(&e->live_rest), (int64_t)(h->header_bytes * f.count));
	return f;
}

struct histograms {
	const struct model *model;
	const struct size_entry *entries;
	uint32_t count;
	uint32_t row_end;
	uint32_t *first;	/* of each row, its first place in `order`; that of row_end is the end */
	uint32_t *order;	/* numbers of entries, by their rows */
	bool is_full;
	struct histogram histogram;
	struct histogram_bin bins[SIZES_BUCKETS];
};

bool histogram_is_kept(const struct model *m)
{
	return load_acquire(&model_table(m)->head->sizes);
}

/* The row and the bucket of an entry, of which nobody can vouch for anything. False: they are not valid. */
static bool find_place(const struct histograms *all, uint32_t entry, uint32_t *row, uint32_t *bucket)
{
	uint32_t key = load_relaxed(&all->entries[entry].key);

	*row = key >> SIZES_BUCKET_BITS;
	*row = *row < all->row_end ? model_row_of(all->model, *row) : ROW_NONE;
	*bucket = key & ((1u << SIZES_BUCKET_BITS) - 1);
	return *row != ROW_NONE && *row < all->row_end && *bucket < SIZES_BUCKETS;
}

/* Sorts the entries by their rows: counts them, and then gives each its place. The table must be one that does not change
 * meanwhile, as a copy that was loaded. */
static void sort_entries(struct histograms *all)
{
	uint32_t row, bucket, sum = 0;

	for (uint32_t i = 0; i < all->count; i++) {
		if (find_place(all, i, &row, &bucket))
			all->first[row]++;
	}
	for (row = 0; row <= all->row_end; row++) {
		sum += all->first[row];
		all->first[row] = sum;		/* the end of the row, for now */
	}
	for (uint32_t i = all->count; i-- > 0; ) {
		if (find_place(all, i, &row, &bucket))
			all->order[--all->first[row]] = i;
	}
}

static void find_least(struct histograms *all)
{
	uint32_t row, bucket, least, *known;

	for (uint32_t i = 0; i < all->count; i++) {
		least = load_relaxed(&all->entries[i].least_bytes);
		if (!least || !find_place(all, i, &row, &bucket))
			continue;
		known = &all->histogram.least_bytes[bucket];
		if (!*known || least < *known)
			*known = least;
	}
}

struct histograms *histograms_find(const struct model *m, struct arena *arena)
{
	const struct table *t = model_table(m);
	uint32_t bits = load_acquire(&t->head->sizes);
	struct histograms *all = bits ? arena_alloc(arena, sizeof(*all)) : NULL;

	if (!all)
		return NULL;
	all->model = m;
	all->entries = t->sizes;
	all->count = layout_count(t->head, TABLE_SIZES);
	all->row_end = table_row_end(t);
	all->first = arena_alloc(arena, (all->row_end + 1) * sizeof(*all->first));
	all->order = arena_alloc(arena, (all->count + 1) * sizeof(*all->order));
	if (!all->first || !all->order)
		return NULL;
	all->is_full = bits & SIZES_FULL;
	all->histogram.waste_known = bits & SIZES_BLOCKS_KNOWN;
	all->histogram.glibc = all->histogram.waste_known && !t->head->heap.other_malloc && !t->head->totals.redirected;
	all->histogram.header_bytes = all->histogram.glibc ? (unsigned)WORD : 0;
	sort_entries(all);
	find_least(all);
	return all;
}

static void add_entry(struct histograms *all, uint32_t entry)
{
	struct histogram *h = &all->histogram;
	struct histogram_figures f;
	uint32_t row, bucket;

	if (!find_place(all, entry, &row, &bucket))
		return;
	f = figures_of(h, &all->entries[entry]);
	histogram_add(&h->buckets[bucket], &f);
	histogram_add(&h->total, &f);
}

const struct histogram *histogram_read(struct histograms *all, uint32_t row)
{
	struct histogram *h = all ? &all->histogram : NULL;

	if (!h)
		return NULL;
	h->total = (struct histogram_figures){ .calls = 0 };
	memset(h->buckets, 0, sizeof(h->buckets));
	h->is_partial = row != ROW_NONE && all->is_full;
	if (row == ROW_NONE) {
		for (uint32_t i = 0; i < all->count; i++)
			add_entry(all, i);
	} else if (row < all->row_end) {
		for (uint32_t i = all->first[row]; i < all->first[row + 1]; i++)
			add_entry(all, all->order[i]);
	}
	return h;
}

struct histogram_bin *histogram_bins(struct histograms *all)
{
	return all->bins;
}

/* ---- Bins ---- */

static uint64_t first_of(unsigned bucket)
{
	return bucket ? sizes_last(bucket - 1) + 1 : 0;
}

static bool is_empty(const struct histogram_figures *f)
{
	return !f->calls && !f->count;
}

unsigned histogram_by_power(const struct histogram *h, struct histogram_bin bins[SIZES_BUCKETS])
{
	struct histogram_bin bin = { .from = 0 };
	unsigned count = 0, end = 0;

	for (unsigned i = 0; i < SIZES_BUCKETS; i++) {
		histogram_add(&bin.figures, &h->buckets[i]);
		bin.to = sizes_last(i);
		if (bin.to & (bin.to - 1))
			continue;
		if (count || !is_empty(&bin.figures))
			bins[count++] = bin;
		if (!is_empty(&bin.figures))
			end = count;
		bin = (struct histogram_bin){ .from = bin.to + 1 };
	}
	return end;
}

unsigned histogram_by_bucket(const struct histogram *h, struct histogram_bin bins[SIZES_BUCKETS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < SIZES_BUCKETS; i++) {
		if (!is_empty(&h->buckets[i]))
			bins[count++] = (struct histogram_bin){
				.from = first_of(i), .to = sizes_last(i), .figures = h->buckets[i] };
	}
	return count;
}

/* The chunk that glibc's malloc takes for so many bytes, unless it is a mapping of its own. */
static uint64_t chunk_for(uint64_t bytes)
{
	uint64_t chunk = (bytes + WORD + ALIGNMENT - 1) & ~(ALIGNMENT - 1);

	return chunk < CHUNK_LEAST ? CHUNK_LEAST : chunk;
}

static void find_class(const struct histogram *h, unsigned bucket, struct histogram_bin *bin)
{
	if (h->glibc) {
		bin->block_from = chunk_for(bin->from);
		bin->block_to = chunk_for(bin->to);
	} else {
		bin->block_from = bin->block_to = h->least_bytes[bucket];
	}
}

unsigned histogram_by_class(const struct histogram *h, struct histogram_bin bins[SIZES_BUCKETS])
{
	unsigned count = 0;

	if (!h->waste_known)
		return 0;
	for (unsigned i = 0; i < SIZES_BUCKETS; i++) {
		struct histogram_bin bin = { .from = first_of(i), .to = sizes_last(i), .figures = h->buckets[i] };
		struct histogram_bin *last = count ? &bins[count - 1] : NULL;

		if (is_empty(&bin.figures) && !h->glibc)
			continue;
		find_class(h, i, &bin);
		if (last && last->block_from == bin.block_from && last->block_to == bin.block_to) {
			last->to = bin.to;
			histogram_add(&last->figures, &bin.figures);
			continue;
		}
		if (last && is_empty(&last->figures))
			count--;
		bins[count++] = bin;
	}
	return count && is_empty(&bins[count - 1].figures) ? count - 1 : count;
}
