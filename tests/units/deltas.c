/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What threads keep in their slots (table/deltas.h) against a model that counts exactly.
 *
 * In most runs one thread of the test plays several threads of a program, one operation after another:
 * so the model knows the figures at each moment, and each view is compared with them. Threads free each
 * other's blocks, end, begin, fork, and are killed. In the last runs real threads contend; what their
 * figures can have been at most and at least is known from how many blocks each can have at a time.
 *
 *	DELTAS_RUNS=3000 DELTAS_SEED=1 prove tests/units.t
 */
#include "table/delta_change.h"
#include "table/layout.h"
#include "table/thread_list.h"
#include "table/view.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROWS = 12, THREADS = 6, BLOCKS = 3000, STEPS = 4000 };

static unsigned tests;
static uint64_t state;

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
}

static uint64_t random_below(uint64_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 33) % n;
}

/* ---- The model ---- */

struct figures {
	int64_t count, size, peak_count, peak_size, total_count, total_size, temporary;
	int64_t at_peak;		/* size when the table last noted a maximum of the heap */
};

static struct figures rows[ROWS];
static int64_t heap, heap_peak;

static struct block_of {
	unsigned row;
	uint64_t size;
} blocks[BLOCKS];
static unsigned live;

static struct table t;
static struct deltas *thread[THREADS];
static uint32_t number[ROWS], noted_epoch;
static char wrong[512];
static uint64_t run_seed;

static void complain(const char *figure, unsigned row, int64_t got, int64_t want)
{
	if (!wrong[0])
		snprintf(wrong, sizeof(wrong), "seed %llu: %s of row %u: %lld, not %lld", (unsigned long long)run_seed,
			 figure, row, (long long)got, (long long)want);
}

static void count(unsigned row, int blocks_more, int64_t bytes)
{
	struct figures *f = &rows[row];

	f->count += blocks_more;
	f->size += bytes;
	heap += bytes;
	if (f->count > f->peak_count)
		f->peak_count = f->count;
	if (f->size > f->peak_size)
		f->peak_size = f->size;
	if (heap > heap_peak)
		heap_peak = heap;
}

/* If the table has noted a new maximum of the heap since the last call, each row's part of it is what the row has now. */
static void look_at_epoch(void)
{
	if (t.head->totals.epoch == noted_epoch)
		return;
	noted_epoch = t.head->totals.epoch;
	for (unsigned i = 0; i < ROWS; i++)
		rows[i].at_peak = rows[i].size;
}

/* ---- Operations, each followed by a look at whether an age began that should not, or did not ---- */

#define LONG_AGO	1u

static void expect_begin(unsigned row, bool begins)
{
	uint32_t *since = &t.infos[number[row]].since;

	if ((*since != LONG_AGO) != begins)
		complain("the begin of the age", row, *since != LONG_AGO, begins);
	*since = LONG_AGO;
	look_at_epoch();
}

static uint64_t size_of_block(void)
{
	static const uint64_t most[] = { 1, 40, 300, 9000, 70000, 2000000, (uint64_t)1 << 31 };
	unsigned kind = (unsigned)random_below(100);

	return random_below(most[kind < 40 ? 1 : kind < 70 ? 2 : kind < 85 ? 3 : kind < 95 ? 4 : kind < 99 ? 5 : random_below(7)]);
}

static void allocate(struct deltas *d, unsigned row, uint64_t size)
{
	bool begins = !rows[row].count;

	if (live == BLOCKS)
		return;
	blocks[live++] = (struct block_of){ row, size };
	if (d)
		delta_alloc(&t, d, number[row], size);
	else
		row_alloc(&t, number[row], size);
	count(row, 1, (int64_t)size);
	rows[row].total_count++;
	rows[row].total_size += (int64_t)size;
	expect_begin(row, begins);
}

static void release(struct deltas *d, unsigned i, bool temporary)
{
	struct block_of b = blocks[i];

	blocks[i] = blocks[--live];
	if (d)
		delta_free(&t, d, number[b.row], b.size, temporary);
	else
		row_free(&t, number[b.row], b.size, temporary);
	count(b.row, -1, -(int64_t)b.size);
	rows[b.row].temporary += temporary;
	expect_begin(b.row, false);
}

static void resize(struct deltas *d, unsigned i, uint64_t size)
{
	struct block_of *b = &blocks[i];

	if (d)
		delta_resize(&t, d, number[b->row], b->size, size);
	else
		row_resize(&t, number[b->row], b->size, size);
	count(b->row, 0, (int64_t)(size - b->size));
	rows[b->row].total_count++;
	rows[b->row].total_size += (int64_t)size;
	b->size = size;
	expect_begin(b->row, false);
}

/* ---- The comparison ---- */

static int64_t part(int64_t of, unsigned log2, int64_t most)
{
	int64_t p = of >> log2;

	return p < DELTA_LEAST ? 0 : p < most ? p : most;
}

static void expect_near(const char *figure, unsigned row, int64_t got, int64_t want, int64_t bound)
{
	if (got < want - bound || got > want + bound)
		complain(figure, row, got, want);
}

/* What the threads together may keep of a peak, by doc/limits.md: of a count and a size that may themselves be
 * the larger ones. */
static void compare_row(unsigned row, const struct counters *c, bool settled)
{
	const struct figures *f = &rows[row];
	int64_t larger = (int64_t)c->peak_size > f->peak_size ? (int64_t)c->peak_size : f->peak_size;
	int64_t bytes = part(larger, DELTA_PART_LOG2, DELTA_BYTES);

	expect_near("count", row, c->live_count, f->count, 0);
	expect_near("size", row, (int64_t)c->live_size, f->size, 0);
	expect_near("total count", row, (int64_t)c->total_count, f->total_count, 0);
	expect_near("total size", row, (int64_t)c->total_size, f->total_size, 0);
	expect_near("temporary", row, (int64_t)c->temporary, f->temporary, 0);
	expect_near("peak size", row, (int64_t)c->peak_size, f->peak_size, THREADS * bytes);
	expect_near("peak count", row, c->peak_count, f->peak_count, bytes ? THREADS * DELTA_BLOCKS : 0);
	expect_near("size at the heap's peak", row, (int64_t)c->heap_peak_size, settled ? f->size : f->at_peak, 0);
}

static void compare(void)
{
	struct arena arena = { 0 };
	int64_t larger = (int64_t)t.head->totals.peak_size > heap_peak ? (int64_t)t.head->totals.peak_size : heap_peak;
	int64_t at_peak = 0, known;
	struct view v;

	expect_near("the heap's peak", 0, (int64_t)t.head->totals.peak_size, heap_peak,
		    THREADS * part(larger, DELTA_HEAP_PART_LOG2, DELTA_HEAP_BYTES));
	if (!view_take(&v, &t, true, (uint8_t[]){ SORT_SIZE }, 1, &arena)) {
		complain("no view", 0, 0, 1);
		return;
	}
	for (unsigned i = 0; i < ROWS; i++)
		at_peak += rows[i].at_peak;
	known = (int64_t)t.head->totals.peak_size > at_peak ? (int64_t)t.head->totals.peak_size : at_peak;
	expect_near("the heap's peak in the view", 0, (int64_t)v.peak_size, heap > known ? heap : known, 0);
	for (unsigned i = 0; i < ROWS; i++) {
		static const struct counters none;
		const struct counters *c = &none;

		for (uint32_t k = 0; k < v.count; k++)
			c = v.rows[k].row == number[i] ? &v.rows[k].counters : c;
		compare_row(i, c, heap > known);
	}
	arena_release(&arena);
}

/* ---- Runs ---- */

/* Several rows share a slot, so that they take it from each other. */
static void begin(bool slots_are_shared)
{
	struct suffix suffixes[2];

	memset(rows, 0, sizeof(rows));
	heap = heap_peak = live = 0;
	if (!table_create(&t))
		exit(1);
	for (uintptr_t i = 0, made = 0; made < ROWS; i++) {
		uint32_t row = table_intern(&t, (uintptr_t[]){ 16, i + 1 }, 2, 0, suffixes, NULL);

		if (!slots_are_shared || i % DELTA_SLOTS < 4) {
			t.infos[row].since = LONG_AGO;
			number[made++] = row;
		}
	}
	for (unsigned i = 0; i < THREADS; i++)
		thread[i] = deltas_take(&t, THREAD_MAIN);
	noted_epoch = t.head->totals.epoch;
}

static void end(void)
{
	table_unmap(&t);
}

/* growth: of ten operations, how many allocate. */
static void operate(unsigned growth)
{
	struct deltas *d = random_below(50) ? thread[random_below(THREADS)] : NULL;
	unsigned i = live ? (unsigned)random_below(live) : 0;

	if (!live || random_below(10) < growth) {
		allocate(d, (unsigned)(random_below(3) ? random_below(3) : random_below(ROWS)), size_of_block());
	} else if (random_below(8)) {
		release(d, random_below(3) ? i : live - 1, !random_below(4));
	} else {
		resize(d, i, size_of_block());
	}
}

/* A view collects and takes long; a thread ends, and another begins; the program forks. */
static void disturb(void)
{
	unsigned i = (unsigned)random_below(THREADS);

	switch (random_below(60)) {
	case 0:
		t.head->frozen = !t.head->frozen;
		break;
	case 1:
		t.head->frozen = 0;
		deltas_flush(&t, thread[i]);
		thread[i]->taken = 0;
		thread[i] = deltas_take(&t, THREAD_MAIN);
		break;
	case 2:
		deltas_forked(&t, thread[i]);
		for (unsigned k = 0; k < THREADS; k++)
			thread[k] = k == i ? thread[k] : deltas_take(&t, THREAD_MAIN);
		break;
	}
	look_at_epoch();
}

static void run(uint64_t seed)
{
	run_seed = state = seed;
	begin(random_below(2));
	for (unsigned step = 0, growth = 5; step < STEPS; step++) {
		if (!random_below(200))
			growth = (unsigned)random_below(10);
		if (!random_below(20))
			disturb();
		operate(growth);
		if (!random_below(100)) {
			t.head->frozen = 0;
			compare();
		}
	}
	while (live)
		release(thread[random_below(THREADS)], live - 1, false);
	t.head->frozen = 0;
	compare();
	end();
}

/* ---- What was wrong once ---- */

static uint64_t notified;

static void notify(void)
{
	notified++;
}

/* Two threads allocate, and another one frees their blocks. While their allocations are pending, the heap's live size
 * in the table is negative. Then this thread allocates much. */

static void test_negative_heap(void)
{
	begin(false);
	allocate(thread[0], 0, 1000000);
	release(thread[0], 0, false);
	t.head->totals.peak_size = 33608;
	table_notify_peaks(&t, 1000000, notify);
	for (unsigned i = 1; i <= 2; i++)
		delta_alloc(&t, thread[i], number[i], 200);
	for (unsigned i = 1; i <= 2; i++)
		delta_free(&t, thread[0], number[i], 200, false);
	thread[0]->heap_limit = 0;
	delta_alloc(&t, thread[0], number[3], 10);
	ok(t.head->totals.peak_size < 40000, "a live size of the heap that is negative for a while is no peak");
	delta_alloc(&t, thread[0], number[3], 50000000);
	ok(t.head->totals.peak_size > 49000000 && t.head->totals.peak_size <= 50000010 && notified,
	   "and the next peak is seen, and notified");
	end();
}

static void test_negative_count(void)
{
	begin(false);
	for (unsigned i = 0; i < 5; i++)
		delta_alloc(&t, thread[1], number[0], 100000);
	t.rows[number[0]].live_count -= 8;
	row_alloc(&t, number[0], 10);
	ok(t.rows[number[0]].peak_count <= 5, "nor is a count of blocks that is negative for a while");
	end();
}

/* Many rows, of each of which the thread could keep 8,000 bytes. */
static void test_many_rows(void)
{
	int64_t real = 0;
	struct suffix suffixes[2];

	begin(false);
	for (uintptr_t i = 0; i < 200; i++) {
		uint32_t row = table_intern(&t, (uintptr_t[]){ 17, i + 1 }, 2, 0, suffixes, NULL);

		delta_alloc(&t, thread[0], row, 65536);
		delta_alloc(&t, thread[0], row, 8000);
		real += 65536 + 8000;
	}
	ok((int64_t)t.head->totals.peak_size >= real - DELTA_HEAP_BYTES && (int64_t)t.head->totals.peak_size <= real,
	   "a thread keeps a 128th of the heap's peak, 32 KB at most, however many rows it has slots for");
	end();
}

/* ---- A thread that is killed in a flush ---- */

struct state_of_flush {
	struct row row;
	struct row_info info;
	struct row_upper upper;
};

static void read_state(struct state_of_flush *s, uint32_t row)
{
	s->row = t.rows[row];
	s->info = t.infos[row];
	s->upper = *row_upper(&t, row);
}

/* Of the steps the first `done` are done, and the next has begun (begun), or its figure changed, too. */
static bool finishes(uint32_t row, struct deltas *d, unsigned done, bool wide, const struct delta *held,
		     const struct state_of_flush *before, const struct state_of_flush *after)
{
	struct delta *slot = &d->slots[row % DELTA_SLOTS];
	struct state_of_flush s = *before, end_state;

	if (done >= DELTA_LIVE_COUNT)
		s.row.live_count = after->row.live_count;
	if (done >= DELTA_LIVE_SIZE) {
		s.row.live_size = after->row.live_size;
		s.upper.live_size = after->upper.live_size;
	}
	if (done >= DELTA_TOTAL_COUNT)
		s.row.total_count = after->row.total_count;
	if (done >= DELTA_TOTAL_SIZE)
		s.row.total_size = after->row.total_size;
	if (done >= DELTA_TEMPORARY)
		s.info.temporary = after->info.temporary;
	t.rows[row] = s.row;
	t.infos[row] = s.info;
	*row_upper(&t, row) = s.upper;
	*slot = *held;
	d->upper = wide;
	d->flushed_slot = row % DELTA_SLOTS + 1;
	delta_finish_flush(&t, d);
	read_state(&end_state, row);
	return end_state.row.live_count == after->row.live_count && end_state.row.live_size == after->row.live_size &&
	       end_state.row.total_count == after->row.total_count && end_state.row.total_size == after->row.total_size &&
	       end_state.info.temporary == after->info.temporary &&
	       end_state.upper.live_size == after->upper.live_size && !slot->live_count && !slot->live_size &&
	       !slot->total_count && !slot->total_size && !slot->temporary && !d->flushed_slot;
}

static void test_killed(bool wide)
{
	struct deltas *d;
	uint32_t row;
	bool good = true;

	begin(false);
	d = thread[0];
	row = number[0];
	row_make_upper(&t, row);
	if (wide)
		row_widen(&t, row);
	for (unsigned n = 0; n < 500; n++) {
		struct delta held = { .row = row, .live_count = (int8_t)(random_below(21) - 10),
			.live_size = (int32_t)random_below(20001) - 10000, .total_count = 1 + (uint32_t)random_below(30),
			.total_size = (uint32_t)random_below(300000), .temporary = (uint32_t)random_below(3) };
		struct state_of_flush before, after;
		struct deltas noted;

		read_state(&before, row);
		d->slots[row % DELTA_SLOTS] = held;
		delta_flush(&t, d, &d->slots[row % DELTA_SLOTS]);
		read_state(&after, row);
		noted = *d;
		for (unsigned step = DELTA_NO_STEP; step <= DELTA_STEPS; step++) {
			for (unsigned done = step ? step - 1 : 0; done <= step; done++) {
				*d = noted;
				d->step = step;
				/* A figure that does not change has no step of its own. */
				d->before[DELTA_LIVE_COUNT] = before.row.live_count;
				d->before[DELTA_TOTAL_COUNT] = before.row.total_count;
				d->before[DELTA_TOTAL_SIZE] = before.row.total_size;
				d->before[DELTA_TEMPORARY] = before.info.temporary;
				d->before[DELTA_LIVE_SIZE] = wide ? (uint64_t)before.upper.live_size :
							     (uint32_t)before.row.live_size;
				if (step == DELTA_STEPS && done < step)
					continue;
				good = good && finishes(row, d, done, wide, &held, &before, &after);
			}
		}
		t.rows[row] = after.row;
		t.infos[row] = after.info;
		*row_upper(&t, row) = after.upper;
	}
	ok(good, wide ? "...and of a row that is wide" : "whatever a thread that was killed in a flush has left is finished");
	end();
}

/* ---- Threads that contend ---- */

enum { KEPT = 2000, KEPT_BYTES = 100, PAIRS = 150000, CONTENDERS = 4 };

static bool gone;

static void *contend(void *of)
{
	struct deltas *d = of;

	for (unsigned i = 0; i < PAIRS; i++) {
		unsigned row = i % 3;

		delta_alloc(&t, d, number[row], 1000);
		delta_free(&t, d, number[row], 1000, true);
	}
	deltas_flush(&t, d);
	return NULL;
}

static void *look(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&gone, __ATOMIC_RELAXED)) {
		struct arena arena = { 0 };
		struct view v;

		view_take(&v, &t, true, (uint8_t[]){ SORT_SIZE }, 1, &arena);
		arena_release(&arena);
	}
	return NULL;
}

/* Each thread has one block at a time besides those that it keeps. So a peak is at least the bytes that are kept, and
 * at most one block of each thread more. */
static void test_contention(bool with_views)
{
	pthread_t threads[CONTENDERS], looker;
	const char *name = with_views ? "...and while views collect" :
			   "threads that contend for three rows: sums and peaks are what they have to be";
	bool good = true;

	begin(false);
	for (unsigned row = 0; row < 3; row++) {
		for (unsigned i = 0; i < KEPT; i++)
			row_alloc(&t, number[row], KEPT_BYTES);
	}
	gone = false;
	for (unsigned i = 0; i < CONTENDERS; i++)
		pthread_create(&threads[i], NULL, contend, thread[i]);
	if (with_views)
		pthread_create(&looker, NULL, look, NULL);
	for (unsigned i = 0; i < CONTENDERS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&gone, true, __ATOMIC_RELAXED);
	if (with_views)
		pthread_join(looker, NULL);
	for (unsigned i = 0; i < CONTENDERS; i++)
		deltas_flush(&t, thread[i]);	/* what a view has kept there */
	for (unsigned row = 0; row < 3; row++) {
		const struct row *r = &t.rows[number[row]];
		int64_t bytes = CONTENDERS * DELTA_BYTES + CONTENDERS * 1000;

		good = good && r->live_count == KEPT && r->live_size == KEPT * KEPT_BYTES &&
		       r->total_count == KEPT + CONTENDERS * PAIRS / 3 &&
		       t.infos[number[row]].temporary == CONTENDERS * PAIRS / 3 &&
		       r->peak_count >= KEPT && r->peak_count <= KEPT + CONTENDERS + CONTENDERS * DELTA_BLOCKS &&
		       r->peak_size >= KEPT * KEPT_BYTES && (int64_t)r->peak_size <= KEPT * KEPT_BYTES + bytes;
	}
	good = good && t.head->totals.live_size == 3 * KEPT * KEPT_BYTES &&
	       t.head->totals.peak_size <= 3 * KEPT * KEPT_BYTES + CONTENDERS * (1000 + 4688);
	if (!good)
		printf("# counts %u, sizes %d, peaks %u and %u, heap %llu, its peak %llu\n", t.rows[number[0]].live_count,
		       t.rows[number[0]].live_size, t.rows[number[0]].peak_count, t.rows[number[0]].peak_size,
		       (unsigned long long)t.head->totals.live_size, (unsigned long long)t.head->totals.peak_size);
	ok(good, name);
	end();
}

int main(void)
{
	const char *runs = getenv("DELTAS_RUNS"), *seed = getenv("DELTAS_SEED");
	uint64_t first = seed ? strtoull(seed, NULL, 10) : (uint64_t)getpid() * 1000003;
	unsigned count = runs ? (unsigned)atoi(runs) : 2000;

	test_negative_heap();
	test_negative_count();
	test_many_rows();
	test_killed(false);
	test_killed(true);
	for (unsigned i = 0; i < count && !wrong[0]; i++)
		run(first + i);
	if (wrong[0])
		printf("# %s\n", wrong);
	ok(!wrong[0], "threads that free each other's blocks, end, fork: every figure is what the model has");
	for (unsigned i = 0; i < 5; i++) {
		test_contention(false);
		test_contention(true);
	}
	printf("1..%u\n", tests);
	return 0;
}
