/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which threads have allocated in a row (table/thread_list.h), against a model: one thread of the test plays several
 * threads of a program, which begin, end, and free each other's blocks while views collect. In the last runs real
 * threads contend for the rows, and a view looks at them meanwhile.
 *
 *	SETS_RUNS=3000 SETS_SEED=1 prove tests/units.t
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

static unsigned tests;
static uint64_t state;

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
}

static unsigned random_below(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((state >> 33) % n);
}

/* Whether the set is that of these threads, one bit for each: all of them, or at least some of them and `many`. */
static bool is_set_of(uint64_t set, uint64_t threads)
{
	unsigned named = 0;

	for (unsigned n = 0; n < THREAD_SET_NAMES; n++) {
		uint32_t field = thread_set_field(set, n);

		if (!field || field == THREAD_SET_MANY)
			continue;
		if (field > 64 || !(threads >> (field - 1) & 1))
			return false;
		named++;
	}
	if (thread_set_has_more(set))
		return __builtin_popcountll(threads) > THREAD_SET_NAMES;
	return named == (unsigned)__builtin_popcountll(threads);
}

static void test_sets(void)
{
	bool good = true;

	for (unsigned run = 0; run < 20000; run++) {
		uint64_t set = 0, threads = 0;

		for (unsigned i = random_below(9); i; i--) {
			uint32_t number = random_below(8);

			set = thread_set_add(set, number);
			threads |= (uint64_t)1 << number;
			good = good && thread_set_has(set, number) && is_set_of(set, threads);
		}
	}
	ok(good, "a set names up to four threads, and says when there are more");
	ok(thread_set_has_more(thread_set_add(thread_set_add(0, 3), THREAD_UNLISTED)),
	   "a thread that is not listed is one that the set does not name");
	ok(!thread_set_has(thread_set_add(0, 255), 0) && !thread_set_has(0, 0x7fff) && !thread_set_has(0x0001000000000000, 7),
	   "and none is taken for another one");
}

/* ---- The model ---- */

enum { ROWS = 12, THREADS = 6, STEPS = 2000 };

static struct table t;
static struct deltas *slots[THREADS];
static uint32_t number[ROWS], next_number;
static uint64_t called_by[ROWS];	/* a bit for each thread number */
static unsigned live[ROWS];

static void make_rows(void)
{
	struct suffix suffixes[2];

	if (!table_create(&t))
		exit(1);
	/* Some rows share a slot. */
	for (uintptr_t i = 0, made = 0; made < ROWS; i++) {
		uint32_t row = table_intern(&t, (uintptr_t[]){ 16, i + 1 }, 2, 0, suffixes, NULL);

		if (i % DELTA_SLOTS < 4)
			number[made++] = row;
	}
}

/* A new thread with slots, which may not be those that another thread has left. */
static void begin_thread(unsigned i)
{
	next_number = next_number % 60 + 1;
	slots[i] = deltas_take(&t, next_number);
}

static void call(unsigned row, struct deltas *d)
{
	called_by[row] |= (uint64_t)1 << d->thread;
	delta_alloc(&t, d, number[row], random_below(4) ? 20 : 5000);
	live[row]++;
}

static bool view_is_right(void)
{
	struct arena arena = { 0 };
	struct view v;
	bool good = view_collect(&v, &t, true, (uint8_t[]){ SORT_SIZE }, 1, &arena);

	for (unsigned row = 0; row < ROWS && good; row++) {
		uint64_t set = 0;

		for (uint32_t i = 0; i < v.count; i++)
			set = v.rows[i].row == number[row] ? v.rows[i].threads : set;
		good = is_set_of(set, called_by[row]);
		if (!good)
			printf("# row %u: set %llx, called by %llx\n", row, (unsigned long long)set,
			       (unsigned long long)called_by[row]);
	}
	arena_release(&arena);
	return good;
}

static bool run(void)
{
	bool good = true;

	make_rows();
	memset(called_by, 0, sizeof(called_by));
	memset(live, 0, sizeof(live));
	next_number = 0;
	/* The main thread alone: nothing is noted. */
	for (unsigned i = random_below(20); i; i--) {
		unsigned row = random_below(ROWS);

		row_alloc(&t, number[row], 20);
		called_by[row] |= 1;
		live[row]++;
	}
	good = view_is_right() && !t.head->set_limit;
	slots[0] = deltas_take(&t, THREAD_MAIN);
	for (unsigned i = 1; i < THREADS; i++)
		begin_thread(i);
	for (unsigned step = 0; step < STEPS && good; step++) {
		unsigned row = random_below(1 + random_below(ROWS)), i = random_below(THREADS);

		if (random_below(3)) {
			call(row, slots[i]);
		} else if (live[row]) {
			delta_free(&t, slots[i], number[row], 0, false);
			live[row]--;
		}
		if (!random_below(40))
			t.head->frozen = !t.head->frozen;
		if (!random_below(100) && i) {
			deltas_flush(&t, slots[i]);
			if (!random_below(2) || !deltas_take_over(&t, slots[i], next_number = next_number % 60 + 1)) {
				slots[i]->taken = 0;
				begin_thread(i);
			}
			if (!slots[i]) {	/* a view collects: all slots that are free hold something */
				t.head->frozen = 0;
				begin_thread(i);
			}
		}
		if (!random_below(50))
			good = view_is_right();
	}
	t.head->frozen = 0;
	for (unsigned i = 0; i < THREADS; i++)
		deltas_flush(&t, slots[i]);
	good = good && view_is_right();
	table_unmap(&t);
	return good;
}

/* A thread ends while a view collects: its slots go to no other thread before they are flushed. */
static void test_kept(void)
{
	struct deltas *d, *other;

	make_rows();
	d = deltas_take(&t, 1);
	delta_alloc(&t, d, number[0], 20);
	deltas_flush(&t, d);
	for (unsigned i = 0; i < 100; i++)
		delta_alloc(&t, d, number[0], 5000);	/* from now on the slot keeps calls */
	t.head->frozen = 1;
	delta_alloc(&t, d, number[0], 20);
	deltas_flush(&t, d);
	ok(d->kept && !deltas_take_over(&t, d, 2) && !d->taken, "slots that could not be flushed are not taken over");
	other = deltas_take(&t, 2);
	ok(other && other != d, "nor taken");
	t.head->frozen = 0;
	other = deltas_take(&t, 3);
	ok(other == d && d->thread == 3 && t.thread_sets[number[0]] == thread_set_add(0, 1),
	   "when the view has ended they are taken, and what they held counts for the last owner");
	table_unmap(&t);
}

/* ---- The list ---- */

static void test_list(void)
{
	struct listed_thread thread;
	bool good = true;

	make_rows();
	t.head->pid = 1000000;
	ok(thread_list_get(&t, THREAD_MAIN, &thread) && !thread.id && !thread.name[0] && !thread_list_get(&t, 1, &thread),
	   "the list begins with the main thread");
	for (uint32_t i = 1; i < THREADS_MOST; i++)
		good = thread_list_add(&t, i + 7) == i && good;
	ok(good && thread_list_add(&t, 9) == THREAD_UNLISTED && thread_list_add(&t, 9) == THREAD_UNLISTED,
	   "65,000 threads are listed, and no more");
	thread_list_name(&t, 64999, "0123456789abcdefNOT THIS");
	thread_list_name(&t, THREAD_MAIN, "main\0..........");
	thread_list_name(&t, THREAD_UNLISTED, "nobody\0........");
	ok(thread_list_get(&t, 64999, &thread) && thread.id == 65006 && !strcmp(thread.name, "0123456789abcde"),
	   "a name has at most 15 bytes");
	t.head->pid = 1234567;
	thread_list_forked(&t, 5);
	ok(thread_list_get(&t, 5, &thread) && !thread.id && !strcmp(thread.name, "main") &&
	   !thread_list_get(&t, 65000, &thread) && !thread_list_get(&t, UINT32_MAX, &thread),
	   "the thread that has forked is the main thread of the child; other numbers are nobody's");
	table_unmap(&t);
}

/* ---- Threads that contend ---- */

enum { CONTENDERS = 6, CONTENDED = 400, CALLS = 40000 };

static uint32_t contended[CONTENDED];
static uint64_t allowed[CONTENDED], seen_by[CONTENDERS][CONTENDED];
static bool gone, main_was_seen;

/* The last contender has no slots. */
static void *contend(void *of)
{
	unsigned self = (unsigned)(uintptr_t)of;
	struct deltas *d = self + 1 < CONTENDERS ? deltas_take(&t, self + 1) : NULL;
	uint64_t random = self + 1;

	for (unsigned i = 0; i < CALLS; i++) {
		unsigned row;

		random = random * 6364136223846793005u + 1442695040888963407u;
		row = (unsigned)((random >> 33) % CONTENDED);
		if (!(allowed[row] >> self & 1))
			continue;
		seen_by[self][row] = (uint64_t)1 << (self + 1);
		if (d) {
			delta_alloc(&t, d, contended[row], 100);
			delta_free(&t, d, contended[row], 100, false);
		} else {
			thread_list_note_slow(&t, contended[row], self + 1);
			row_alloc(&t, contended[row], 100);
			row_free(&t, contended[row], 100, false);
		}
	}
	if (d)
		deltas_flush(&t, d);
	return NULL;
}

static void *look(void *unused)
{
	while (!__atomic_load_n(&gone, __ATOMIC_RELAXED)) {
		struct arena arena = { 0 };
		struct view v;

		view_take(&v, &t, true, (uint8_t[]){ SORT_SIZE }, 1, &arena);
		for (uint32_t i = 0; i < v.count; i++)
			main_was_seen |= !v.rows[i].threads || thread_set_field(v.rows[i].threads, 0) == 1 ||
					 thread_set_field(v.rows[i].threads, 1) == 1;
		arena_release(&arena);
	}
	return unused;
}

static bool contention(bool with_views)
{
	pthread_t threads[CONTENDERS], looker;
	struct suffix suffixes[2];
	bool good = true;

	if (!table_create(&t))
		exit(1);
	gone = main_was_seen = false;
	memset(seen_by, 0, sizeof(seen_by));
	for (uintptr_t i = 0; i < CONTENDED; i++) {
		contended[i] = table_intern(&t, (uintptr_t[]){ 16, i + 1 }, 2, 0, suffixes, NULL);
		allowed[i] = i % 3 ? random_below(1u << CONTENDERS) : 1u << i % CONTENDERS | 1u << i / 7 % CONTENDERS;
	}
	for (uintptr_t i = 0; i < CONTENDERS; i++)
		pthread_create(&threads[i], NULL, contend, (void *)i);
	if (with_views)
		pthread_create(&looker, NULL, look, NULL);
	for (unsigned i = 0; i < CONTENDERS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&gone, true, __ATOMIC_RELAXED);
	if (with_views)
		pthread_join(looker, NULL);
	for (unsigned i = 0; i < layout_count(t.head, TABLE_DELTAS); i++)
		deltas_flush(&t, &t.deltas[i]);
	for (unsigned row = 0; row < CONTENDED; row++) {
		uint64_t callers = 0;

		for (unsigned i = 0; i < CONTENDERS; i++)
			callers |= seen_by[i][row];
		good = good && is_set_of(thread_list_of_row(&t, contended[row], callers), callers);
	}
	table_unmap(&t);
	return good && !main_was_seen;
}

int main(void)
{
	const char *runs = getenv("SETS_RUNS"), *seed = getenv("SETS_SEED");
	uint64_t first = seed ? strtoull(seed, NULL, 10) : (uint64_t)getpid() * 1000003;
	unsigned count = runs ? (unsigned)atoi(runs) : 200, done = 0;
	bool plain = true, viewed = true;

	state = first;
	test_sets();
	test_kept();
	test_list();
	for (state = first; done < count && run(); state = first + done)
		done++;
	if (done < count)
		printf("# seed %llu\n", (unsigned long long)(first + done));
	ok(done == count, "threads that begin, end, and flush: each row has those that have called");
	for (unsigned i = 0; i < 10; i++) {
		plain = contention(false) && plain;
		viewed = contention(true) && viewed;
	}
	ok(plain, "threads that contend: each row has those that have called");
	ok(viewed, "...and while views collect, none of which sees another one");
	printf("1..%u\n", tests);
	return 0;
}
