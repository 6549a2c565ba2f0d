/* SPDX-License-Identifier: GPL-2.0-only */
/* See histogram.h. */
#include "histogram.h"

#include "table/layout.h"

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

/* Adds an entry, of which nobody can vouch for anything. */
static void add_entry(struct histogram *h, const struct size_entry *e, uint32_t row)
{
	uint32_t key = load_relaxed(&e->key), bucket = key & ((1u << SIZES_BUCKET_BITS) - 1);
	uint32_t least = load_relaxed(&e->least_bytes);
	struct histogram_figures f;

	if (bucket >= SIZES_BUCKETS)
		return;
	if (least && (least < h->least_bytes[bucket] || !h->least_bytes[bucket]))
		h->least_bytes[bucket] = least;
	if (row != ROW_NONE && row != key >> SIZES_BUCKET_BITS)
		return;
	f = figures_of(h, e);
	histogram_add(&h->buckets[bucket], &f);
	histogram_add(&h->total, &f);
}

bool histogram_is_kept(const struct model *m)
{
	return load_acquire(&model_table(m)->head->sizes);
}

const struct histogram *histogram_read(const struct model *m, uint32_t row, struct arena *arena)
{
	const struct table *t = model_table(m);
	uint32_t bits = load_acquire(&t->head->sizes), end = layout_count(t->head, TABLE_SIZES);
	struct histogram *h = bits ? arena_alloc(arena, sizeof(*h)) : NULL;

	if (!h)
		return NULL;
	h->waste_known = bits & SIZES_BLOCKS_KNOWN;
	h->glibc = h->waste_known && !t->head->heap.other_malloc && !t->head->totals.redirected;
	h->header_bytes = h->glibc ? (unsigned)WORD : 0;
	h->is_partial = row != ROW_NONE && bits & SIZES_FULL;
	for (uint32_t i = 0; i < end; i++)
		add_entry(h, &t->sizes[i], row);
	return h;
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
