/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An insert-only hash index without locks: hash -> id, a number of 22 bits other than 0.
 *
 * A level is an array of buckets, a bucket is one cache line of 16 slots, {10 bits of the
 * hash, id}; the first levels have each four times the buckets of the one before, the others
 * twice. An item belongs into the first free slot of its bucket in the first level whose bucket
 * is not full. Slots are only ever filled, so a full bucket stays full, and all threads agree on
 * the place: whoever wins the slot's compare-and-swap has inserted the item, and the others find
 * it there. Nothing is moved, a small program touches one page of it, and few buckets are passed
 * on the way to an item of a large one.
 *
 * In the large levels an item has four buckets, side by side: the next is used when those before
 * are full. Such a level is four fifths full, not a half, when the first item passes on to the
 * next, which is twice as large and will be touched all over.
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
 * Where an item belongs in a level. Two levels in a row go by other bits of the hash: what has been
 * crowded in the one is not so in the next. The tag is another part of it, and a multiplication's
 * lower bits are poor.
 */
static inline uint64_t index_bucket(uint64_t hash, unsigned level)
{
	return hash >> (level % 2 ? 34 : 17) & (index_level_buckets(level) - 1);
}

/* Levels that hold 2^items_log2 items at no more than half load. */
static inline unsigned index_levels_for(unsigned items_log2)
{
	unsigned levels = 1;

	while (index_slots(levels) < (uint64_t)2 << items_log2)
		levels++;
	return levels;
}

/* Whether the item `id` is the one that is looked for. */
typedef bool index_same(void *context, uint32_t id);
/* Makes the item, not yet in the index; 0 when there is no room. Called at most once. */
typedef uint32_t index_make(void *context);

/*
 * Whether a bucket has a slot that is free or has this tag: most buckets that are passed on the
 * way to an item have neither. A slot may be filled at the same time: then this was before.
 */
static inline bool index_may_have(const uint32_t *slot, uint32_t tag)
{
#ifdef __SSE2__
	/* Volatile: each slot is to be loaded once. Between two loads it could pass from free to
	 * taken, and be seen as neither. */
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
	index_make *make;	/* NULL: it is not to be made */
	void *context;
	uint32_t tag;
	uint32_t made;		/* what make() gave, or 0 */
};

enum index_found {
	INDEX_PASSED,		/* it is not in this bucket, which is full */
	INDEX_FOUND,		/* or made */
	INDEX_MISSING		/* and could not be made */
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
		/* Here seen is what stands in the slot, by whomever. */
		*id = index_id(seen);
		if (index_tagged(seen, q->tag) && q->same(q->context, *id))
			return INDEX_FOUND;
	}
	return INDEX_PASSED;
}

/*
 * Finds the item or makes it. *made gets the id of what make() gave, even when another
 * thread's insertion of the same item came first and is the one returned. 0: no room. With
 * make NULL: 0 when it is not there.
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
 * A hint is a slot outside of the index, for the item that was found last by such a hash: it spares the
 * way through the levels, and is looked at before it is believed. Returns the item's id, which is less
 * than `end`; 0: it is another.
 */
static inline __attribute__((always_inline)) uint32_t index_recall(uint32_t slot, uint64_t hash, uint32_t end,
								    index_same *same, void *context)
{
	uint32_t id = index_id(slot);

	return index_tagged(slot, index_tag(hash)) && id < end && same(context, id) ? id : 0;
}

/* What the hint has to be for that. */
static inline uint32_t index_hint(uint64_t hash, uint32_t id)
{
	return id | index_tag(hash);
}

#endif
