/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counts of blocks by size (table/sizes.h): which bucket a size has, counts of many rows against a model, several
 * threads that make the same entries at the same moment, and a part that is full. Prints TAP; tests/units.t builds and
 * runs it.
 */
#include "table/sizes.h"

#include "table/layout.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS		3000u
#define STEPS		200000u
#define THREADS		4

static unsigned tests;

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
}

static uint64_t chunk(uint64_t size)
{
	uint64_t chunk = (size + sizeof(void *) + 15) & ~(uint64_t)15, least = 4 * sizeof(void *);

	return chunk < least ? least : chunk;
}

static void test_buckets(void)
{
	bool in_order = true, powers = true, classes = true;
	unsigned last = 0;

	for (uint64_t size = 0; size < 3u << 20; size++) {
		unsigned bucket = sizes_bucket(size);
		uint64_t first = bucket ? sizes_last(bucket - 1) + 1 : 0;

		in_order &= bucket < SIZES_BUCKETS && (bucket == last || bucket == last + 1) && first <= size &&
			    size <= sizes_last(bucket);
		powers &= first == sizes_last(bucket) ||
			  __builtin_clzll(first - 1) == __builtin_clzll(sizes_last(bucket) - 1);
		classes &= size > 1024 || chunk(first) == chunk(sizes_last(bucket));
		last = bucket;
	}
	ok(in_order, "each size lies in its bucket, and the buckets follow each other");
	ok(powers, "no bucket goes across a power of two");
	ok(classes, "up to 1 KB, no bucket goes across a class of glibc's");
	ok(sizes_last(SIZES_BUCKETS - 1) == (uint64_t)1 << SIZES_MOST_LOG2 &&
	   sizes_bucket((uint64_t)1 << SIZES_MOST_LOG2) == SIZES_BUCKETS - 1 && sizes_bucket(UINT64_MAX) == SIZES_BUCKETS - 1,
	   "larger sizes count as the largest one");
}

static uint32_t random_of(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* Sums over the entries of a row; ROW_NONE: of all rows. */
struct sums {
	int64_t calls, count, size, rest;
	unsigned entries;
};

static struct sums sums_of(const struct table *t, uint32_t row)
{
	struct sums s = { .entries = 0 };

	for (uint32_t i = 0; i < layout_count(t->head, TABLE_SIZES); i++) {
		const struct size_entry *e = &t->sizes[i];

		if (row && e->key >> SIZES_BUCKET_BITS != row)
			continue;
		s.calls += (int64_t)e->calls;
		s.count += (int32_t)e->live_count;
		s.size += e->live_size;
		s.rest += e->live_rest;
		s.entries++;
	}
	return s;
}

static bool same(struct sums a, struct sums b)
{
	return a.calls == b.calls && a.count == b.count && a.size == b.size && a.rest == b.rest;
}

static struct table table;
static struct sums model[THREADS][ROWS];

/* Allocates and frees in random rows, with few sizes, so that threads meet in the same entries. */
static void *work(void *number)
{
	struct sums *rows = model[(uintptr_t)number];
	uint64_t state = (uintptr_t)number + 1;

	for (unsigned i = 0; i < STEPS; i++) {
		uint32_t row = random_of(&state) % ROWS, bits = random_of(&state);
		uint64_t size = bits % 7 * 100, block = chunk(size);
		bool gone = bits >> 20 & 1;

		sizes_change(&table, row + ROW_FIRST, size, block, gone ? SIZES_GONE : SIZES_CALL, 1, false);
		rows[row].calls += !gone;
		rows[row].count += gone ? -1 : 1;
		rows[row].size += gone ? -(int64_t)size : (int64_t)size;
		rows[row].rest += gone ? (int64_t)(size - block) : (int64_t)(block - size);
	}
	return NULL;
}

/* Frees that find no entry count as those of ROW_OVERFLOW, so allocations of all sizes come first. */
static void test_threads(void)
{
	pthread_t ids[THREADS];
	bool good = true, once = true;

	ok(table_create(&table) && sizes_start(&table, true), "a table that counts sizes");
	for (uint32_t row = 0; row < ROWS; row++) {
		for (uint64_t size = 0; size < 700; size += 100)
			sizes_change(&table, row + ROW_FIRST, size, chunk(size), row % 2 ? SIZES_CALL : SIZES_BACK, 1, false);
	}
	for (uint32_t row = 0; row < ROWS; row++)
		once &= sums_of(&table, row + ROW_FIRST).calls == (row % 2 ? 7 : 0);
	ok(once, "a block that is back is no call");
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&ids[i], NULL, work, (void *)i);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	once = true;
	for (uint32_t row = 0; row < ROWS; row++) {
		struct sums got = sums_of(&table, row + ROW_FIRST), want = { .calls = row % 2 ? 7 : 0, .count = 7, .size = 2100 };

		for (uint64_t size = 0; size < 700; size += 100)
			want.rest += (int64_t)(chunk(size) - size);
		for (unsigned i = 0; i < THREADS; i++) {
			want.calls += model[i][row].calls;
			want.count += model[i][row].count;
			want.size += model[i][row].size;
			want.rest += model[i][row].rest;
		}
		good &= same(got, want);
		once &= got.entries == 7;
	}
	ok(good, "with several threads each row has what was counted for it");
	ok(once, "and each pair of a row and a size has one entry");
	table_unmap(&table);
}

#define RACERS	2
static uint32_t arrived;

/* Threads that make the same new entries, and wait for each other before each row. */
static void *make_entries(void *unused)
{
	(void)unused;
	for (uint32_t row = ROW_FIRST; row < ROWS; row++) {
		add_relaxed(&arrived, 1);
		for (unsigned i = 0; load_relaxed(&arrived) < (row - ROW_FIRST + 1) * RACERS; i++) {
			if (i > 1000)
				sched_yield();
		}
		for (unsigned i = 0; i < 4; i++)
			sizes_change(&table, row, i * 40, 64, SIZES_CALL, 1, false);
	}
	return NULL;
}

static void test_races(void)
{
	pthread_t ids[RACERS];
	bool good = true;

	ok(table_create(&table) && sizes_start(&table, true), "another table");
	for (uintptr_t i = 0; i < RACERS; i++)
		pthread_create(&ids[i], NULL, make_entries, NULL);
	for (unsigned i = 0; i < RACERS; i++)
		pthread_join(ids[i], NULL);
	for (uint32_t row = ROW_FIRST; row < ROWS; row++) {
		struct sums got = sums_of(&table, row);

		good &= got.entries == 4 && got.calls == 4 * RACERS && got.count == 4 * RACERS;
	}
	ok(good, "an entry that several threads make at a time is made once");
	ok(!sums_of(&table, ROW_OVERFLOW).calls, "and nothing is counted elsewhere");
	table_unmap(&table);
}

/* More pairs than there is room for. */
static void test_full(void)
{
	uint32_t rows = ((uint32_t)1 << (TABLE_LOG2_MOST - 2)) + 1000;	/* a fourth of the rows has room (layout.c) */
	struct sums all;

	ok(table_create(&table) && sizes_start(&table, false), "a table that becomes full");
	for (uint32_t row = ROW_FIRST; row < rows; row++)
		sizes_change(&table, row, 100, 0, SIZES_CALL, 1, false);
	all = sums_of(&table, ROW_NONE);
	ok(table.head->sizes == (SIZES_KEPT | SIZES_FULL), "it says that it is full");
	ok(all.calls == rows - ROW_FIRST && all.size == 100 * all.calls && all.count == all.calls, "all calls are counted");
	ok(sums_of(&table, ROW_FIRST).calls == 1 && !sums_of(&table, rows - 1).calls, "the last ones for the process only");
	for (uint32_t row = ROW_FIRST; row < rows; row++)
		sizes_change(&table, row, 100, 0, SIZES_GONE, 1, false);
	all = sums_of(&table, ROW_NONE);
	ok(all.calls == rows - ROW_FIRST && !all.count && !all.size, "and all frees");
	ok(!sums_of(&table, ROW_OVERFLOW).count && !sums_of(&table, ROW_FIRST).count, "each where its allocation was");
	table_unmap(&table);
}

/* A block that was gone before anybody could ask how large it was. */
static void test_unknown_block(void)
{
	ok(table_create(&table) && sizes_start(&table, true), "a table for blocks that vanish");
	sizes_change(&table, ROW_FIRST, 100, 120, SIZES_CALL, 1, false);
	sizes_change(&table, ROW_FIRST, 100, 120, SIZES_CALL, 1, false);
	sizes_change(&table, ROW_FIRST, 100, 0, SIZES_GONE, 1, false);
	ok(sums_of(&table, ROW_FIRST).rest == 20, "it counts as an average one");
	sizes_change(&table, ROW_FIRST, 100, 120, SIZES_GONE, 1, false);
	ok(!sums_of(&table, ROW_FIRST).rest && !sums_of(&table, ROW_FIRST).count, "and nothing is left in the end");
	table_unmap(&table);
}

int main(void)
{
	test_buckets();
	test_threads();
	test_races();
	test_full();
	test_unknown_block();
	printf("1..%u\n", tests);
	return 0;
}
