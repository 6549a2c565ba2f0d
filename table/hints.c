/* SPDX-License-Identifier: GPL-2.0-only */
/* See hints.h, and table_find() in table.h. */
#include "hints.h"

#include "base/arena.h"
#include "frames.h"

static size_t hints_bytes(uint32_t mask)
{
	return ((size_t)mask + 1) * HINT_WAYS * sizeof(uint64_t);
}

bool hints_make(struct table_local *local)
{
	uint32_t first = ((uint32_t)1 << HINTS_LOG2_FIRST) - 1;
	char *place;

	if (local->row_hints)
		return true;
	place = arena_place(hints_bytes(((uint32_t)1 << HINTS_LOG2_MOST) - 1));
	local->row_hints_placed = place && arena_map_at(place, hints_bytes(first));
	local->row_hints = local->row_hints_placed ? (uint64_t *)(void *)place : arena_map(hints_bytes(first));
	local->row_hints_mapped = first;
	local->row_hints_mask = ((uint32_t)1 << HINTS_LOG2_LEAST) - 1;
	return local->row_hints;
}

void hints_unmake(struct table_local *local)
{
	if (local)
		arena_unmap(local->row_hints, hints_bytes(local->row_hints_mapped));
}

/* Uses twice as many buckets, if there is memory for them. */
static __attribute__((cold)) void grow(struct table_local *local, uint32_t mask)
{
	uint32_t mapped = load_relaxed(&local->row_hints_mapped), wanted = mask * 2 + 1;
	size_t from = hints_bytes(mapped);

	if (wanted > mapped) {
		if (!local->row_hints_placed || wanted >> HINTS_LOG2_MOST)
			return;
		/* Where another thread does the same, one of them finds something mapped there. */
		if (!arena_map_at((char *)local->row_hints + from, hints_bytes(wanted) - from))
			return;
		store_release(&local->row_hints_mapped, wanted);
	}
	store_release(&local->row_hints_mask, wanted);
}

void hint_put(struct table *t, uint64_t hash, uint32_t row)
{
	uint32_t mask = load_relaxed(&t->local->row_hints_mask);
	uint64_t hint = (uint64_t)t->infos[row].node << 32 | index_hint(hash, row), *bucket, *place;

	if (unlikely(load_relaxed(&t->head->row_count) > (mask + 1) * HINT_WAYS / 4 * 3))
		grow(t->local, mask);
	bucket = hint_bucket(t, hash);
	place = &bucket[row % HINT_WAYS];
	for (unsigned i = HINT_WAYS; i-- > 0; ) {
		uint64_t seen = load_relaxed(&bucket[i]);

		if (seen == hint)
			return;
		if (!seen)
			place = &bucket[i];
	}
	store_release(place, hint);
}

/* Which hints of a bucket have the tag, as bits. */
static inline __attribute__((always_inline)) unsigned tagged_hints(const uint64_t *bucket, uint32_t tag)
{
	unsigned found = 0;

#ifdef __SSE2__
	_Static_assert(HINT_WAYS == 8, "four vectors have the hints");
	/* Volatile, so that each hint is loaded once. */
	const volatile __m128i *b = (const volatile __m128i *)(const volatile void *)bucket;
	const __m128i tags = _mm_set1_epi32((int)tag), zero = _mm_setzero_si128();
	__m128i same[2];

	for (unsigned i = 0; i < 2; i++) {
		__m128 low = _mm_castsi128_ps(b[2 * i]), high = _mm_castsi128_ps(b[2 * i + 1]);
		__m128i slots = _mm_castps_si128(_mm_shuffle_ps(low, high, 0x88));	/* the lower halves */

		same[i] = _mm_cmpeq_epi32(_mm_srli_epi32(_mm_xor_si128(slots, tags), INDEX_ID_BITS), zero);
	}
	found = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(same[0], same[1]), zero));
#else
	for (unsigned i = 0; i < HINT_WAYS; i++)
		found |= (unsigned)index_tagged((uint32_t)load_relaxed(&bucket[i]), tag) << i;
#endif
	return found;
}

/* How many of the wanted codes lie at the node and outward of it, one after the other. Also notes their nodes. *end
 * gets the node outward of these. */
static inline unsigned count_same(const uint16_t *frames, uint32_t node, const struct walked *wanted, unsigned most,
				  uint32_t *nodes, uint32_t *end)
{
	unsigned i;

	for (i = 0; i < most; i++) {
		uint32_t unit = frames[node], code = (uint32_t)wanted[i].step;

		if (unlikely(unit != code)) {
			node = frame_follow(frames, node);
			unit = node ? frames[node] : 0;
			if (unlikely(unit >= FRAME_SHORT)) {
				if (((unit & ~FRAME_SHORT) << 16 | frames[node + 1]) != code)
					break;
				nodes[i] = node;
				node += 2;
				continue;
			}
			if (unit != code)
				break;
		}
		nodes[i] = node++;
	}
	*end = frame_follow(frames, node);
	return i;
}

/* Whether two suffixes have the same codes for so many frames. */
static __attribute__((noinline)) bool are_same(const uint16_t *frames, uint32_t a, uint32_t b, unsigned count)
{
	for (; count && a != b; count--) {
		if (!a || !b || frame_code(frames, a, &a) != frame_code(frames, b, &b))
			return false;
	}
	return true;
}

HOT_CODE uint32_t table_find(const struct table *t, const struct walked *frames, unsigned fresh,
			     const struct suffix *outer, uint64_t hash, uint32_t *nodes, bool *whole)
{
	const uint64_t *bucket;
	unsigned depth = t->head->depth;

	hash = hint_spread(hash);
	bucket = hint_bucket(t, hash);
	for (unsigned found = tagged_hints(bucket, index_tag(hash)); found; found &= found - 1) {
		uint64_t hint = load_acquire(&bucket[__builtin_ctz(found)]);
		uint32_t row = index_id((uint32_t)hint), end, last = outer ? outer->node : 0;
		unsigned same;

		if (!index_tagged((uint32_t)hint, index_tag(hash)) || !row)
			continue;
		__builtin_prefetch(&t->rows[row], 1);
		if (unlikely(row < load_relaxed(&t->head->window_row)))
			continue;
		same = count_same(t->frames, (uint32_t)(hint >> 32), frames, fresh, nodes, &end);
		if (unlikely(same < fresh && same < depth))
			continue;
		*whole = same == fresh && end == last;
		if (likely(*whole) || fresh == depth)
			return row;
		if (fresh > depth)
			return 0;	/* table_intern() makes the nodes outward of the depth */
		if (are_same(t->frames, end, last, depth - fresh))
			return row;
	}
	return 0;
}
