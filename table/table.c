/* SPDX-License-Identifier: GPL-2.0-only */
/* See table.h. */
#include "table.h"

#include "base/arena.h"
#include "modules.h"

#include <string.h>

/* Sizes of a full table: 4 million rows of 16 frames on average, 1 GB of address space. On a
 * 32-bit machine that is scarce: a sixteenth there. */
#if UINTPTR_MAX > 0xffffffff
#define ROWS_LOG2	22
#else
#define ROWS_LOG2	18
#endif
#define ROWS_LOG2_LEAST	12
#define POOL_PER_ROW	16
#define MODULES		4096u
#define TEXT_BYTES	(1u << 20)

static uint64_t align64(uint64_t offset)
{
	return (offset + 63) & ~(uint64_t)63;
}

static uint64_t level_buckets(unsigned level)
{
	return (uint64_t)1 << (TABLE_LEVEL0_LOG2 + TABLE_LEVEL_STEP * level);
}

/* As many levels as it takes to hold all rows at half load. */
static unsigned levels_for(unsigned rows_log2)
{
	unsigned levels = 1;

	while (levels < TABLE_LEVELS &&
	       level_buckets(levels - 1) * TABLE_BUCKET_SLOTS < (uint64_t)2 << rows_log2)
		levels++;
	return levels;
}

/* Where each part lies in a table of 2^rows_log2 rows. */
static void lay_out(struct table_header *h, unsigned rows_log2)
{
	uint64_t rows = (uint64_t)1 << rows_log2, slots = 0;

	memset(h, 0, sizeof(*h));
	memcpy(h->magic, TABLE_MAGIC, sizeof(h->magic));
	h->version = TABLE_VERSION;
	h->word_bits = 8 * sizeof(void *);
	h->row_limit = (uint32_t)rows;
	h->pool_limit = (uint32_t)rows * POOL_PER_ROW;
	h->module_limit = MODULES;
	h->text_limit = TEXT_BYTES;
	h->level_count = levels_for(rows_log2);
	for (unsigned i = 0; i < h->level_count; i++)
		slots += level_buckets(i) * TABLE_BUCKET_SLOTS;
	h->rows_offset = align64(sizeof(*h));
	h->infos_offset = align64(h->rows_offset + rows * sizeof(struct row));
	h->index_offset = align64(h->infos_offset + rows * sizeof(struct row_info));
	h->pool_offset = align64(h->index_offset + slots * sizeof(uint64_t));
	h->modules_offset = align64(h->pool_offset + h->pool_limit * (uint64_t)8);
	h->text_offset = align64(h->modules_offset + MODULES * sizeof(struct module));
	h->size_bytes = h->text_offset + TEXT_BYTES;
	h->row_count = ROW_FIRST;
	h->totals.epoch = 1;
}

static void locate(struct table *t, void *base)
{
	char *at = base;

	t->head = base;
	t->rows = (struct row *)(at + t->head->rows_offset);
	t->infos = (struct row_info *)(at + t->head->infos_offset);
	t->index = (uint64_t *)(at + t->head->index_offset);
	t->pool = (uint64_t *)(at + t->head->pool_offset);
	t->modules = (struct module *)(at + t->head->modules_offset);
	t->text = at + t->head->text_offset;
}

bool table_create(struct table *t)
{
	for (unsigned log2 = ROWS_LOG2; log2 >= ROWS_LOG2_LEAST; log2 -= 2) {
		struct table_header h;
		void *base;

		lay_out(&h, log2);
		base = arena_map(h.size_bytes);
		if (!base)
			continue;
		memcpy(base, &h, sizeof(h));
		locate(t, base);
		return true;
	}
	return false;
}

/* Any mix with good upper bits will do; this is a multiply-xorshift per word, with the odd
 * constant 2^64 / golden ratio. */
static uint64_t hash_frames(const uintptr_t *frames, unsigned count)
{
	uint64_t h = count;

	for (unsigned i = 0; i < count; i++) {
		h = (h ^ frames[i]) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return h * 0x9e3779b97f4a7c15u;
}

static bool same_frames(const struct table *t, uint32_t row, uint64_t hash,
			const uintptr_t *frames, unsigned count)
{
	const struct row_info *info = &t->infos[row];
	const uint64_t *known = t->pool + info->frames;

	if (info->hash != (uint32_t)hash || info->frame_count != count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (known[i] != frames[i])
			return false;
	}
	return true;
}

/* A row with its frames, not yet in the index; ROW_OVERFLOW when there is no room. */
static uint32_t make_row(struct table *t, uint64_t hash, const uintptr_t *frames, unsigned count)
{
	struct table_header *h = t->head;
	uint32_t row, at;

	/* Checked first so that the counters cannot creep up to a wrap. */
	if (load_relaxed(&h->row_count) >= h->row_limit ||
	    load_relaxed(&h->pool_used) > h->pool_limit - count)
		return ROW_OVERFLOW;
	at = add_relaxed(&h->pool_used, count);
	if (at > h->pool_limit - count)
		return ROW_OVERFLOW;
	row = add_relaxed(&h->row_count, 1);
	if (row >= h->row_limit)
		return ROW_OVERFLOW;
	for (unsigned i = 0; i < count; i++)
		t->pool[at + i] = frames[i];
	t->infos[row] = (struct row_info){
		.frames = at, .frame_count = (uint16_t)count, .hash = (uint32_t)hash,
	};
	return row;
}

/* The slots of one level are tried in order; see the top of table.h for why this is exact. */
uint32_t table_intern(struct table *t, const uintptr_t *frames, unsigned count, bool *is_new)
{
	uint64_t hash = hash_frames(frames, count), tag = hash & ~(uint64_t)UINT32_MAX;
	uint64_t *level = t->index;
	uint32_t made = ROW_NONE;

	*is_new = false;
	for (unsigned i = 0; i < t->head->level_count; i++) {
		uint64_t buckets = level_buckets(i);
		uint64_t *slot = level + (hash >> 17 & (buckets - 1)) * TABLE_BUCKET_SLOTS;

		for (unsigned s = 0; s < TABLE_BUCKET_SLOTS; s++) {
			uint64_t seen = load_acquire(&slot[s]);

			if (!seen) {
				if (!made)
					made = make_row(t, hash, frames, count);
				if (made == ROW_OVERFLOW)
					return made;
				if (cas_acq_rel(&slot[s], &seen, tag | made)) {
					*is_new = true;
					return made;
				}
			}
			/* Here seen is what stands in the slot, by whomever. */
			if ((seen & ~(uint64_t)UINT32_MAX) == tag &&
			    same_frames(t, (uint32_t)seen, hash, frames, count)) {
				if (made)
					add_relaxed(&t->head->rows_wasted, 1);
				return (uint32_t)seen;
			}
		}
		level += buckets * TABLE_BUCKET_SLOTS;
	}
	return ROW_OVERFLOW;
}

const uint64_t *table_frames(const struct table *t, uint32_t row, unsigned *count)
{
	const struct row_info *info = &t->infos[row];

	*count = info->frame_count;
	return t->pool + info->frames;
}
