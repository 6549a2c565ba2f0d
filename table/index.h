/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An insert-only hash index without locks: hash -> id, a number of 22 bits other than 0.
 *
 * A level is an array of buckets. A bucket is one cache line of 16 slots {10 bits of the hash (the tag), id}. Each of
 * the first levels has four times the buckets of the level before, each later one twice as many. An item belongs into
 * the first free slot of its bucket, in the first level where this bucket is not full.
 *
 * Slots are only ever filled, so a full bucket stays full, and all threads agree on the place of an item: the thread
 * that wins the compare-and-swap of the slot has inserted the item, and the others find it there. Nothing is moved. A
 * small program touches one page of the index, and in a large one few full buckets lie before an item.
 *
 * In the large levels an item has four buckets, side by side: each is used when those before are full. Thus such a
 * level is four fifths full, and not a half, when the first item has to go to the next level, which is twice as large
 * and will be touched all over.
 *
 * Invariants (invariants.h): each id is in the index once, below the count of items; and its hash leads to its slot.
 */
#ifndef TABLE_INDEX_H
#define TABLE_INDEX_H

#include "base/atomics.h"

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define INDEX_ID_BITS		22
#define INDEX_BUCKET_SLOTS	16
#define INDEX_LEVEL0_LOG2	6	/* buckets of the first level: 64, 4 KB */
#define INDEX_QUICK		3	/* levels that are followed by one four times as large */
#define INDEX_LARGE		5	/* the first level of several buckets for an item: 1 MB */
#define INDEX_CHOICES		4	/* how many: a power of two */

static inline uint64_t index_level_buckets(unsigned level)
{
	return (uint64_t)1 << (INDEX_LEVEL0_LOG2 + level + (level < INDEX_QUICK ? level : INDEX_QUICK));
}

/* The slots of so many levels: 4 KB of them, 20, 84, ... */
static inline uint64_t index_slots(unsigned levels)
{
	uint64_t slots = 0;

	while (levels-- > 0)
		slots += index_level_buckets(levels) * INDEX_BUCKET_SLOTS;
	return slots;
}

/* A slot's parts. */
static inline uint32_t index_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32) & ~(((uint32_t)1 << INDEX_ID_BITS) - 1);
}

static inline uint32_t index_id(uint32_t slot)
{
	return slot & (((uint32_t)1 << INDEX_ID_BITS) - 1);
}

static inline bool index_tagged(uint32_t slot, uint32_t tag)
{
	return (slot ^ tag) >> INDEX_ID_BITS == 0;
}

/*
 * The bucket of an item in a level. Neighbouring levels use different bits of the hash, so that items which crowd a
 * bucket in one level spread in the next. The tag uses yet other bits, and the lowest bits are not used, because a
 * multiplication makes poor ones.
 */
static inline uint64_t index_bucket(uint64_t hash, unsigned level)
{
	return hash >> (level % 2 ? 34 : 17) & (index_level_buckets(level) - 1);
}

/* How many levels hold 2^items_log2 items with at most half of their slots. */
static inline unsigned index_levels_for(unsigned items_log2)
{
	unsigned levels = 1;

	while (index_slots(levels) < (uint64_t)2 << items_log2)
		levels++;
	return levels;
}

/* Whether the item `id` is the one that the search is for. */
typedef bool index_same(void *context, uint32_t id);
/* Makes the item, which is not yet in the index. Returns its id, or 0 when there is no room. Called at most once. */
typedef uint32_t index_make(void *context);

/*
 * Whether a bucket has a slot that is free or has this tag: most full buckets before an item's own have neither.
 * Where another thread fills a slot at the same time, the answer is that of the moment before.
 */
static inline bool index_may_have(const uint32_t *slot, uint32_t tag)
{
#ifdef __SSE2__
	/* Volatile, so that each slot is loaded once. Between two loads a slot could change from free to taken, and
	 * would match neither comparison. */
	const volatile __m128i *s = (const volatile __m128i *)(const volatile void *)slot;
	const __m128i zero = _mm_setzero_si128();
	__m128i tags = _mm_set1_epi32((int)tag), any = zero;

	for (unsigned i = 0; i < INDEX_BUCKET_SLOTS / 4; i++) {
		__m128i seen = s[i];
		__m128i differ = _mm_srli_epi32(_mm_xor_si128(seen, tags), INDEX_ID_BITS);

		any = _mm_or_si128(any, _mm_or_si128(_mm_cmpeq_epi32(differ, zero),
						     _mm_cmpeq_epi32(seen, zero)));
	}
	return _mm_movemask_epi8(any) != 0;
#else
	(void)slot;
	(void)tag;
	return true;
#endif
}

/* A search for an item. */
struct index_search {
	index_same *same;
	index_make *make;	/* NULL: a missing item is not made */
	void *context;
	uint32_t tag;
	uint32_t made;		/* what make() gave, or 0 */
};

enum index_found {
	INDEX_PASSED,		/* the bucket is full, and does not have the item */
	INDEX_FOUND,		/* the item was there, or has been made */
	INDEX_MISSING		/* the item was not there, and has not been made */
};

static inline __attribute__((always_inline)) enum index_found index_look(struct index_search *q, uint32_t *slot,
									 uint32_t *id)
{
	if (!index_may_have(slot, q->tag))
		return INDEX_PASSED;
	for (unsigned s = 0; s < INDEX_BUCKET_SLOTS; s++) {
		uint32_t seen = load_acquire(&slot[s]);

		if (!seen) {
			if (!q->made)
				q->made = q->make ? q->make(q->context) : 0;
			*id = q->made;
			if (!q->made)
				return INDEX_MISSING;
			if (cas_acq_rel(&slot[s], &seen, q->tag | q->made))
				return INDEX_FOUND;
		}
		/* A failed compare-and-swap has stored the slot's new value in `seen`. */
		*id = index_id(seen);
		if (index_tagged(seen, q->tag) && q->same(q->context, *id))
			return INDEX_FOUND;
	}
	return INDEX_PASSED;
}

/*
 * Finds the item or makes it. Returns its id; 0 when there is no room or, with make NULL, when the item is not there.
 * *made gets the id that make() has returned, or 0. This is another one than the result if another thread has
 * inserted the same item first.
 */
static inline __attribute__((always_inline)) uint32_t index_intern(uint32_t *slots, unsigned levels,
				    uint64_t hash, index_same *same,
				    index_make *make, void *context, uint32_t *made)
{
	struct index_search q = { same, make, context, index_tag(hash), 0 };
	enum index_found found;
	uint32_t id = 0;

	for (unsigned i = 0; i < levels; i++) {
		uint64_t bucket = index_bucket(hash, i);

		found = index_look(&q, slots + bucket * INDEX_BUCKET_SLOTS, &id);
		for (unsigned k = 1; unlikely(i >= INDEX_LARGE) && k < INDEX_CHOICES && found == INDEX_PASSED; k++)
			found = index_look(&q, slots + (bucket ^ k) * INDEX_BUCKET_SLOTS, &id);
		if (found != INDEX_PASSED) {
			*made = q.made;
			return found == INDEX_FOUND ? id : 0;
		}
		slots += index_level_buckets(i) * INDEX_BUCKET_SLOTS;
	}
	*made = q.made;
	return 0;
}

/*
 * A hint is a copy of a slot outside of the index, of the item that was found last by such a hash. It spares the way
 * through the levels; same() decides whether the item is the right one. Returns the item's id, which is less than
 * `end`, or 0 when the hint is of another item.
 */
static inline __attribute__((always_inline)) uint32_t index_recall(uint32_t slot, uint64_t hash, uint32_t end,
								    index_same *same, void *context)
{
	uint32_t id = index_id(slot);

	return index_tagged(slot, index_tag(hash)) && id < end && same(context, id) ? id : 0;
}

/* The hint of an item. */
static inline uint32_t index_hint(uint64_t hash, uint32_t id)
{
	return id | index_tag(hash);
}

#endif
