/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many blocks of which sizes each row has (--histogram). Without that option this part of the table stays empty,
 * and costs nothing.
 *
 * Sizes are counted by bucket. Buckets are so narrow that both tables of the histogram follow from them: the one by
 * power of two, and the one by the size classes of the allocator.
 *
 *	0 | 1 | 2 | 3-4 | 5-8 | 9-16 | 17-24 | ... 1017-1024 | 1025-1152 | 1153-1280 | ...	(64-bit)
 *	one for each power of two   steps of a word             eight steps for each power of two
 *
 * Classes of glibc, jemalloc, tcmalloc and mimalloc up to 1 KB end at multiples of a word, and above 1 KB those of
 * jemalloc and mimalloc end where buckets do.
 *
 * There is an entry for each pair of a row and a bucket that has occurred. The entries lie in one array, in the order
 * in which the pairs first occurred, and are found by hash chains:
 *
 *	size_heads[hash of the pair] -> entry -> entry -> 0
 *
 * The first SIZES_BUCKETS entries are those of ROW_OVERFLOW. They are in no chain, and are always there. Where there is
 * no space for another entry, no more are made (header.sizes: SIZES_FULL), and what would need one is counted with
 * ROW_OVERFLOW. So the sums over all entries are right in any case.
 *
 * Counters are relaxed, and each is exact by itself. All functions are async-signal-safe, take no lock, and may be
 * called in any number of threads, unless they say otherwise.
 */
#ifndef TABLE_SIZES_H
#define TABLE_SIZES_H

#include "table.h"

#define SIZES_WORD		(UINTPTR_MAX > 0xffffffff ? 8u : 4u)
#define SIZES_WORD_LOG2		(UINTPTR_MAX > 0xffffffff ? 3u : 2u)
#define SIZES_FINE_LOG2		10u	/* up to 1 KB in steps of a word */
#define SIZES_STEPS_LOG2	3u	/* above, in 8 steps for each power of two */
#define SIZES_MOST_LOG2		48u	/* larger sizes count as this one */
#define SIZES_FINE		(SIZES_WORD_LOG2 + 2u)		/* the bucket of SIZES_WORD + 1 bytes */
#define SIZES_COARSE		(SIZES_FINE + (1u << (SIZES_FINE_LOG2 - SIZES_WORD_LOG2)) - 1u)
#define SIZES_BUCKETS		(SIZES_COARSE + ((SIZES_MOST_LOG2 - SIZES_FINE_LOG2) << SIZES_STEPS_LOG2))
#define SIZES_BUCKET_BITS	10u

/* table_header.sizes: 0, or these bits. */
#define SIZES_KEPT		1u	/* sizes are counted */
#define SIZES_BLOCKS_KNOWN	2u	/* the allocator tells how many bytes a block has */
#define SIZES_FULL		4u	/* an entry could not be made */

struct size_entry {
	uint32_t key;			/* row << SIZES_BUCKET_BITS | bucket */
	uint32_t next;			/* in the chain, or 0 */
	uint32_t live_count;
	uint32_t least_bytes;		/* of the smallest block that there was in this entry; 0: not known */
	uint64_t calls;
	int64_t live_size;		/* bytes that the program has requested in live blocks */
	int64_t live_rest;		/* bytes that these blocks have beyond that, as malloc_usable_size(3) tells */
} __attribute__((aligned(8)));

_Static_assert(sizeof(struct size_entry) == 40, "the same in programs of 32 bits");
_Static_assert(SIZES_BUCKETS < 1u << SIZES_BUCKET_BITS && ROW_ID_BITS + SIZES_BUCKET_BITS <= 32,
	       "a key has room for a row and a bucket");

/* The bucket of a size. */
static inline unsigned sizes_bucket(uint64_t size_bytes)
{
	uint64_t last = size_bytes - 1;
	unsigned log2;

	if (size_bytes <= 1)
		return (unsigned)size_bytes;
	log2 = 63u - (unsigned)__builtin_clzll(last);
	if (size_bytes <= SIZES_WORD)
		return log2 + 2;
	if (last >> SIZES_FINE_LOG2 == 0)
		return SIZES_FINE - 1 + (unsigned)(last / SIZES_WORD);
	if (log2 >= SIZES_MOST_LOG2)
		return SIZES_BUCKETS - 1;
	return SIZES_COARSE + ((log2 - SIZES_FINE_LOG2) << SIZES_STEPS_LOG2) +
	       ((unsigned)(last >> (log2 - SIZES_STEPS_LOG2)) & ((1u << SIZES_STEPS_LOG2) - 1));
}

/* The largest size of a bucket, which is below SIZES_BUCKETS. The next bucket begins behind it. */
static inline uint64_t sizes_last(unsigned bucket)
{
	unsigned step;

	if (bucket <= 1)
		return bucket;
	if (bucket < SIZES_FINE)
		return (uint64_t)1 << (bucket - 1);
	if (bucket < SIZES_COARSE)
		return (uint64_t)(bucket - SIZES_FINE + 2) * SIZES_WORD;
	step = (bucket - SIZES_COARSE) & ((1u << SIZES_STEPS_LOG2) - 1);
	return (uint64_t)((1u << SIZES_STEPS_LOG2) + step + 1) <<
	       (((bucket - SIZES_COARSE) >> SIZES_STEPS_LOG2) + SIZES_FINE_LOG2 - SIZES_STEPS_LOG2);
}

/*
 * Begins to count sizes. blocks_known: the caller of sizes_change() knows how many bytes blocks have. Once, at start.
 * False when there is no space; then sizes are not counted.
 */
bool sizes_start(struct table *t, bool blocks_known);

enum sizes_change {
	SIZES_CALL,			/* a call of the program has made the block */
	SIZES_GONE,			/* the block is gone, or is about to go */
	SIZES_BACK,			/* the block is counted again after SIZES_GONE */
};

/*
 * Counts a block. block_bytes: what malloc_usable_size(3) tells of it; 0: not known. With SIZES_GONE, a block of which
 * only that is not known counts as an average one. blocks: for how many such blocks this one stands (sample.h). alone:
 * the process has one thread.
 */
void sizes_change(struct table *t, uint32_t row, uint64_t size_bytes, uint64_t block_bytes, enum sizes_change change,
		  uint32_t blocks, bool alone);

#endif
