/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timeline that a process keeps in its table, the history that the watcher writes behind it, and what a report
 * reads of both. The clock is the test's own, so that a run of hours takes no time.
 */
#include "analysis/history.h"
#include "table/deltas.h"
#include "table/layout.h"
#include "table/load.h"
#include "table/row.h"
#include "wrapper/history_writer.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MS	UINT64_C(1000000)
#define ROWS	20000u

static unsigned tests;
static struct table t;
static uint64_t begun;

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
}

static uint32_t intern(unsigned number)
{
	uintptr_t frames[2] = { 0x1000, 0x10000 + number * 8ul };
	struct suffix suffixes[2];

	return table_intern(&t, frames, 2, 0, suffixes, NULL);
}

/* A table in a new memfd, which is returned. */
static int make_table(void)
{
	int fd = memfd_create("timeline", MFD_CLOEXEC);

	t = (struct table){ .head = NULL };
	if (fd < 0 || table_create_in(&t, fd))
		return -1;
	begun = t.head->begun_ns;
	t.timeline_due = (uint32_t)ticks_of(begun) + (1u << 30);	/* the process itself adds no points */
	return fd;
}

static bool in_order(const struct timeline_point *p, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		if (p[i].ns <= p[i - 1].ns)
			return false;
	}
	return true;
}

/* ---- The process's own points ---- */

/* 30,000 ticks, each with one more block of 10 bytes. */
static void test_ticks(void)
{
	uint64_t tick_ns = (uint64_t)1 << TICK_LOG2;
	uint32_t row = intern(0), count, least = UINT32_MAX;
	bool right = true, even = true;

	for (uint32_t i = 0; i < 30000; i++) {
		uint64_t now = begun + i * tick_ns;

		row_alloc(&t, row, 10);		/* reads the real clock once, when the row begins */
		if (!i)
			t.timeline_due = (uint32_t)ticks_of(begun);
		timeline_look(&t, now, (uint32_t)ticks_of(now));
		count = t.head->timeline_count;
		if (i >= TIMELINE_POINTS && count < least)
			least = count;
	}
	ok(count <= TIMELINE_POINTS && least == TIMELINE_POINTS / 2 + 1, "there are 500 to 1,000 points");
	ok(t.timeline[0].ns == 0 && t.timeline[0].live_size == 10, "the first point stays");
	ok(30000 * tick_ns - t.timeline[count - 1].ns <= t.head->timeline.spacing * tick_ns, "the last one is new");
	ok(in_order(t.timeline, count), "they are in order");
	for (uint32_t i = 0; i < count; i++) {
		const struct timeline_point *p = &t.timeline[i];
		uint64_t blocks = p->ns / tick_ns + 1;

		right = right && p->live_size == 10 * blocks && p->live_count == blocks && p->total_count == blocks;
		even = even && p->ns == i * t.head->timeline.spacing * tick_ns;
	}
	ok(right, "each has the bytes, blocks and calls of its moment");
	ok(even, "they are equally far apart");
	timeline_tick(&t, begun + 30000 * tick_ns);
	ok(timeline_peak_ns(&t, UINT64_MAX) == 30000 * tick_ns, "the peak's moment is known");
	for (uint32_t i = 0; i < 100; i++)
		row_free(&t, row, 10, false);
	timeline_tick(&t, begun + 30001 * tick_ns);
	ok(timeline_peak_ns(&t, UINT64_MAX) == 30000 * tick_ns, "and stays when the heap gets smaller");
	t.local->adds_point = 1;
	count = t.head->timeline_count;
	timeline_tick(&t, begun + 30002 * tick_ns);
	ok(t.head->timeline_count == count, "while a thread adds a point another one adds none");
	deltas_forked(&t, NULL);
	timeline_tick(&t, begun + 30003 * tick_ns);
	ok(t.head->timeline_count == count + 1, "a forked child does");
}

/* A kill in the middle of dropping points: as many as `done` have been moved. */
static void test_kill(unsigned done)
{
	struct timeline_point saved[TIMELINE_POINTS];
	uint32_t count = t.head->timeline_count;
	struct arena arena = { .chunk = NULL };
	struct history h;

	memcpy(saved, t.timeline, count * sizeof(*saved));
	timeline_thin(t.timeline, 2 * done);
	t.timeline[done].live_size = 1;		/* half of a point */
	history_load(&h, &t, -1, UINT64_MAX, &arena);
	ok(h.point_count > count / 2 && in_order(h.points, h.point_count), "a kill while points are dropped");
	ok(!h.watched && !h.snapshot_count, "without a file there are the process's points only");
	arena_release(&arena);
	memcpy(t.timeline, saved, count * sizeof(*saved));
}

/* ---- The history ---- */

/* Lets the watcher look whenever it wants to, until this moment. Returns how often it did. */
static unsigned watch(struct history_writer *w, uint64_t until)
{
	unsigned looks = 0;

	for (; w->due_ns && w->due_ns <= until; looks++)
		history_writer_work(w, w->due_ns, 1);
	return looks;
}

static void load(struct history *h, struct table *copy, int fd, uint64_t now, struct arena *arena)
{
	memset(h, 0, sizeof(*h));
	if (load_table(copy, fd, 0) == LOAD_OK)
		history_load(h, copy, fd, now, arena);
}

/* An hour in which each second adds a block to one of ten rows in turn. */
static void test_snapshots(int fd)
{
	struct arena arena = { .chunk = NULL };
	struct history_writer w;
	uint64_t bytes[HISTORY_SNAPSHOTS], least = UINT64_MAX, most = 0;
	uint32_t rows[10], blocks[HISTORY_SNAPSHOTS];
	bool right = true;
	struct table copy;
	struct history h;

	for (unsigned i = 0; i < 10; i++)
		rows[i] = intern(i);
	history_writer_begin(&w, fd, getpid(), begun);
	for (unsigned second = 0; second < 3600; second++) {
		row_alloc(&t, rows[second % 10], 1000);
		watch(&w, begun + (second + 1) * 1000 * MS - 1);
	}
	history_writer_end(&w, true);
	load(&h, &copy, fd, begun + 3600 * 1000 * MS, &arena);
	ok(h.watched && h.point_count > TIMELINE_POINTS / 2 && h.point_count <= TIMELINE_POINTS + 1, "an hour has 500 to 1,001 points");
	ok(in_order(h.points, h.point_count), "they are in order");
	for (uint32_t i = 0; i + 1 < h.point_count; i++)
		right = right && h.points[i].live_size == (h.points[i].ns / (1000 * MS) + 1) * 1000;
	ok(right, "each has the bytes of its moment");
	ok(h.points[h.point_count - 1].live_count == 3600 && h.points[h.point_count - 1].ns == 3600 * 1000 * MS,
	   "the last point is that of the report");
	ok(h.snapshot_count >= HISTORY_SNAPSHOTS / 2 && h.snapshot_count <= HISTORY_SNAPSHOTS, "12 to 24 snapshots");
	ok(h.snapshots[0].ns < 1000 * MS, "the first one stays");
	for (uint32_t i = 1; i < h.snapshot_count; i++) {
		uint64_t gap = h.snapshots[i].ns - h.snapshots[i - 1].ns;

		least = gap < least ? gap : least;
		most = gap > most ? gap : most;
	}
	ok(most < 2 * least, "they are about equally far apart");
	right = history_series(&h, rows[3], bytes, blocks) == h.snapshot_count;
	for (uint32_t i = 0; i < h.snapshot_count; i++) {
		uint64_t seconds = h.snapshots[i].ns / (1000 * MS) + 1, expected = (seconds + 6) / 10;

		right = right && blocks[i] == expected && bytes[i] == expected * 1000 &&
			h.snapshots[i].live_count == seconds && h.snapshots[i].total_count == seconds;
	}
	ok(right, "the series of a row is what it had at these moments");
	ok(h.rss_peak > 0 && h.peak_size == 3600000 && h.peak_ns >= 3599 * 1000 * MS, "the peaks");
	arena_release(&arena);
	load_release(&copy);
}

/* More rows than a snapshot has room for: each has a block of its number in bytes, but the last one, which is wide. */
static void test_many_rows(int fd)
{
	struct arena arena = { .chunk = NULL };
	struct history_writer w;
	uint64_t size = 0, total;
	uint32_t count = 0, last, kept = 0;
	struct table copy;
	struct history h;

	for (unsigned i = 1; i <= ROWS; i++)
		row_alloc(&t, last = intern(i), i);
	row_alloc(&t, last, (uint64_t)5 << 30);
	history_writer_begin(&w, fd, 0, begun);
	watch(&w, begun + 150 * MS);
	history_writer_end(&w, false);
	load(&h, &copy, fd, begun + 1000 * MS, &arena);
	ok(h.snapshot_count == 1 && h.snapshots[0].row_count == HISTORY_ROWS, "a snapshot of many rows is full");
	ok(h.snapshots[0].row_count + h.snapshots[0].rest_rows == ROWS, "the others are counted");
	total = h.snapshots[0].rest_size;
	for (uint32_t i = 0; i < h.snapshots[0].row_count; i++) {
		total += h.snapshots[0].rows[i].size;
		kept += h.snapshots[0].rows[i].size > ROWS - HISTORY_ROWS + 200;
	}
	ok(total == h.snapshots[0].live_size && total == (uint64_t)ROWS * (ROWS + 1) / 2 + ((uint64_t)5 << 30), "no byte is missing");
	ok(kept == HISTORY_ROWS - 200, "the largest rows are there");
	ok(history_find(&h.snapshots[0], last, &size, &count) && count == 2 && size == ((uint64_t)5 << 30) + ROWS, "a wide row");
	ok(!history_find(&h.snapshots[0], last - ROWS + 1, &size, &count) && !size, "a small row is among the rest");
	ok(!h.rss_peak, "no RSS without a process");
	arena_release(&arena);
	load_release(&copy);
}

/* What is pending in a thread's slots is in the sums and in the snapshots. */
static void test_deltas(int fd)
{
	struct arena arena = { .chunk = NULL };
	struct deltas *d = deltas_take(&t, 1);
	struct history_writer w;
	uint32_t row = intern(ROWS + 1), count = 0;
	uint64_t size = 0;
	struct table copy;
	struct history h;

	for (unsigned i = 0; i < 3; i++)
		row_alloc(&t, row, 100);
	d->slots[row % DELTA_SLOTS] = (struct delta){ .row = row, .live_count = 2, .live_size = 50, .total_count = 4, .total_size = 90 };
	d->heap_size = 50;
	history_writer_begin(&w, fd, 0, begun);
	watch(&w, begun + 120 * MS);
	load(&h, &copy, fd, begun + 1000 * MS, &arena);
	ok(h.snapshot_count && history_find(&h.snapshots[0], row, &size, &count) && count == 5 && size == 350,
	   "a snapshot has what is pending in threads");
	ok(h.snapshot_count && h.snapshots[0].live_size == 350 && h.snapshots[0].total_count == 7, "and so have its sums");
	load_release(&copy);
	arena_release(&arena);
	/* The program does nothing: looks become rare, and the line of points needs two only. */
	ok(watch(&w, begun + 100000 * MS) < 400, "while nothing changes the watcher seldom looks");
	load(&h, &copy, fd, begun + 100000 * MS, &arena);
	ok(h.point_count < 10 && h.points[h.point_count - 2].ns > 90000 * MS, "and the points get no more");
	load_release(&copy);
	arena_release(&arena);
	history_writer_end(&w, false);
}

/* A history with anything in it. Each byte of the head, and what lies in the places, is changed in turn. */
static void test_damaged(int fd)
{
	uint64_t at = t.head->size_bytes;
	unsigned good = 0, all = 0;

	for (unsigned i = 0; i < sizeof(struct history_head) + 400; i += 3, all++) {
		off_t offset = (off_t)(i < sizeof(struct history_head) ? at + i :
				       at + HISTORY_PLACES_OFFSET + i - sizeof(struct history_head));
		struct arena arena = { .chunk = NULL };
		struct table copy;
		struct history h;
		uint8_t old, bad = 0xff;

		if (pread(fd, &old, 1, offset) != 1 || pwrite(fd, &bad, 1, offset) != 1)
			continue;
		load(&h, &copy, fd, begun + 3600 * 1000 * MS, &arena);
		good += h.point_count <= TIMELINE_POINTS + 1 && in_order(h.points, h.point_count) &&
			h.snapshot_count <= HISTORY_SNAPSHOTS;
		arena_release(&arena);
		load_release(&copy);
		if (pwrite(fd, &old, 1, offset) != 1)
			break;
	}
	ok(good == all, "a damaged history does no harm");
}

/* Runs a test with a table of its own. */
static void with_table(void (*test)(int fd))
{
	int fd = make_table();

	if (fd < 0) {
		ok(false, "a table can be made");
		return;
	}
	test(fd);
	table_unmap(&t);
	close(fd);
}

static void test_own(int fd)
{
	(void)fd;
	test_ticks();
	test_kill(1);
	test_kill(200);
}

static void test_hour(int fd)
{
	test_snapshots(fd);
	test_damaged(fd);
}

int main(void)
{
	with_table(test_own);
	with_table(test_hour);
	with_table(test_many_rows);
	with_table(test_deltas);
	printf("1..%u\n", tests);
	return 0;
}
