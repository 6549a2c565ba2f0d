/* SPDX-License-Identifier: GPL-2.0-only */
/* See history_writer.h. */
#include "history_writer.h"

#include "base/arena.h"
#include "base/leb128.h"
#include "base/read_at.h"
#include "table/deltas.h"
#include "table/layout.h"
#include "table/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define POINT_NS	UINT64_C(10000000)	/* from point to point, at first */
#define SNAPSHOT_NS	UINT64_C(100000000)	/* from snapshot to snapshot, at first */
#define SLACK_NS	UINT64_C(5000000)	/* what is due within this time is done now: the clock ticks every 1 to 10 ms */
#define COST_MOST_NS	UINT64_C(200000)	/* more than this was not the cost of a point, but of a report */
#define POINTS_AT_ONCE	100u			/* so many points at first are taken whatever they cost */
#define POINT_PARTS	700u			/* points take at most such a part of the time... */
#define SUMS_PARTS	2000u			/* ...sums over all rows, such a part... */
#define SNAPSHOT_PARTS	400u			/* ...and snapshots, at first; later there are fewer, because there is room
						 * for HISTORY_SNAPSHOTS only */
#define IDLE_PARTS	32u			/* while nothing changes, the next look comes after such a part of that time... */
#define IDLE_MOST_NS	UINT64_C(10000000000)	/* ...and at the latest after so long */
#define BUFFER_BYTES	((size_t)1 << 20)	/* a larger buffer is given back after use */

struct history_writing {
	struct history_head head;
	struct timeline_point points[TIMELINE_POINTS];
	uint64_t point_ns, snapshot_ns;		/* from one to the next */
	uint64_t sums_due_ns, snapshot_due_ns;
	int statm_fd;				/* /proc/PID/statm; -1: not open */
	uint64_t changed_ns;			/* of the first point with the figures of the newest one */
	bool same;				/* the two newest points have the same figures */
	uint64_t size_bytes;			/* where the history begins in the file */
	uint32_t places;			/* a bit for each place that is taken */
};

/* The processor's time that the watcher has taken. */
static uint64_t used_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- Files ---- */

/* Writes to the history, at this offset in it. False: there is no space, or a limit on file sizes. */
static bool write_whole(const struct history_writer *w, const void *from, size_t bytes, uint64_t offset)
{
	const char *at = from;

	offset += w->own->size_bytes;
	while (bytes) {
		ssize_t n = pwrite(w->table_fd, at, bytes, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		offset += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return true;
}

/* The process's RSS in bytes; 0: not known. */
static uint64_t read_rss(const struct history_writer *w)
{
	unsigned long long pages = 0;
	char text[128];
	ssize_t n;

	if (w->own->statm_fd < 0 && w->pid) {
		snprintf(text, sizeof(text), "/proc/%d/statm", (int)w->pid);
		w->own->statm_fd = open(text, O_RDONLY | O_CLOEXEC);
	}
	n = w->own->statm_fd < 0 ? 0 : pread(w->own->statm_fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "%*s %llu", &pages) == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* ---- The table's counters ---- */

/* The rows of a table with all that has to be added to them, read into a buffer that all processes share. */
static char *buffer;
static size_t buffer_bytes;

static bool take_buffer(size_t bytes)
{
	if (bytes <= buffer_bytes)
		return true;
	arena_unmap(buffer, buffer_bytes);
	buffer = arena_map(bytes);	/* malloc() would keep a large one */
	buffer_bytes = buffer ? bytes : 0;
	return buffer;
}

static void give_back_buffer(void)
{
	if (buffer_bytes <= BUFFER_BYTES)
		return;
	arena_unmap(buffer, buffer_bytes);
	buffer = NULL;
	buffer_bytes = 0;
}

/* Reads the counters of a table whose header is *h. Only they are set in *t. */
static bool read_counters(struct table *t, struct table_header *h, int fd)
{
	uint32_t row_end = layout_count(h, TABLE_ROWS);
	const uint64_t bytes[] = {
		layout_count(h, TABLE_DELTAS) * sizeof(struct deltas), row_end * sizeof(struct row),
		row_end * sizeof(struct row_info), layout_count(h, TABLE_UPPERS) * sizeof(struct row_upper),
	};
	const uint64_t offsets[] = { h->deltas_offset, h->rows_offset, h->infos_offset, h->uppers_offset };
	uint64_t at = 0;
	void *parts[4];

	if (!take_buffer((size_t)(bytes[0] + bytes[1] + bytes[2] + bytes[3] + 4 * 64)))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		parts[i] = buffer + at;
		if (!read_whole(fd, parts[i], bytes[i], offsets[i]))
			return false;
		at += (bytes[i] + 63) & ~(uint64_t)63;
	}
	*t = (struct table){ .head = h, .deltas = parts[0], .rows = parts[1], .infos = parts[2], .uppers = parts[3] };
	return true;
}

/* The live bytes by the header, with what is pending in threads. */
static uint64_t read_live(int fd, const struct table_header *h)
{
	uint64_t live = h->totals.live_size, pending;

	for (uint32_t i = 0; i < layout_count(h, TABLE_DELTAS); i++) {
		uint64_t at = h->deltas_offset + i * sizeof(struct deltas) + offsetof(struct deltas, heap_size);

		if (read_whole(fd, &pending, sizeof(pending), at))
			live += pending;
	}
	return (int64_t)live > 0 ? live : 0;
}

/* Adds the changes that are pending in threads' slots to the rows. */
static void add_deltas(struct table *t)
{
	uint32_t end = layout_count(t->head, TABLE_ROWS);

	for (uint32_t i = 0; i < layout_count(t->head, TABLE_DELTAS); i++) {
		for (unsigned s = 0; s < DELTA_SLOTS; s++) {
			const struct delta *d = &t->deltas[i].slots[s];

			if (!d->row || d->row >= end)
				continue;
			t->rows[d->row].live_size = (int32_t)((uint32_t)t->rows[d->row].live_size + (uint32_t)d->live_size);
			t->rows[d->row].live_count += (uint32_t)d->live_count;
		}
	}
}

/* ---- Points ---- */

/* Whether nothing has changed in between. The table's own bytes change by the history itself. */
static bool is_same(const struct timeline_point *a, const struct timeline_point *b)
{
	bool counted = a->total_count != TIMELINE_UNKNOWN && b->total_count != TIMELINE_UNKNOWN;

	return a->live_size == b->live_size && a->rss == b->rss &&
	       (!counted || a->total_count == b->total_count);
}

/* Adds a point in memory. Returns the first point that has to be written. */
static uint32_t add_point(struct history_writing *own, const struct timeline_point *p)
{
	uint32_t *count = &own->head.point_count;
	struct timeline_point *last = &own->points[*count ? *count - 1 : 0];

	if (*count && is_same(p, last)) {
		if (own->same) {	/* the line goes on: its last point moves */
			*last = *p;
			return *count - 1;
		}
		own->same = true;
	} else {
		own->same = false;
		own->changed_ns = p->ns;
	}
	if (*count < TIMELINE_POINTS) {
		own->points[*count] = *p;
		return (*count)++;
	}
	*count = timeline_thin(own->points, *count);
	own->point_ns *= 2;
	own->points[(*count)++] = *p;
	return 0;
}

static void note_peaks(struct history_head *head, const struct table_header *h, const struct timeline_point *p)
{
	if (head->peak_size != h->totals.peak_size) {
		head->peak_size = h->totals.peak_size;
		head->peak_ns = p->ns;
	}
	if (head->rss_peak < p->rss) {
		head->rss_peak = p->rss;
		head->rss_peak_ns = p->ns;
	}
}

/* ---- Snapshots ---- */

struct live {
	uint64_t size;
	uint32_t count;
};

static struct live live_of(const struct table *t, uint32_t row)
{
	const struct row_upper *u = row_upper(t, row);
	int64_t count = row_count(t->rows[row].live_count);
	int64_t size = (int64_t)((uint64_t)t->rows[row].live_size + (uint64_t)(u ? u->live_size : 0));

	if (count <= 0)
		return (struct live){ 0, 0 };
	return (struct live){ size > 0 ? (uint64_t)size : 0, (uint32_t)count };
}

/* Rows are sorted by size into classes, 16 for each power of two, to find the largest ones without sorting. */
#define CLASSES	1024u

static unsigned class_of(uint64_t size)
{
	unsigned log2 = 63 - (unsigned)__builtin_clzll(size | 1);

	return log2 < 4 ? (unsigned)size : 16 * (log2 - 3) + (unsigned)(size >> (log2 - 4) & 15);
}

/* Which rows a snapshot has: all of a larger class than `least`, and the first `some` of that class. */
struct selection {
	unsigned least;
	uint32_t some;
};

/* The first row that the figures are about. */
static uint32_t figures_row(const struct table *t)
{
	return t->head->figures_row > ROW_OVERFLOW ? t->head->figures_row : ROW_OVERFLOW;
}

static struct selection select_rows(const struct table *t, uint32_t end)
{
	static uint32_t classes[CLASSES];
	struct selection s = { CLASSES - 1, 0 };
	uint32_t room = HISTORY_ROWS;

	memset(classes, 0, sizeof(classes));
	for (uint32_t row = figures_row(t); row < end; row++) {
		struct live live = live_of(t, row);

		if (live.count)
			classes[class_of(live.size)]++;
	}
	while (s.least && classes[s.least] <= room)
		room -= classes[s.least--];
	s.some = room;
	return s;
}

/* Makes the snapshot in `place`, and fills in its entry. */
static void make_snapshot(const struct table *t, struct history_entry *e, uint8_t *place)
{
	uint32_t end = layout_count(t->head, TABLE_ROWS), last = 0;
	struct selection s = select_rows(t, end);
	uint8_t *at = place + sizeof(e->ns);

	memcpy(place, &e->ns, sizeof(e->ns));
	for (uint32_t row = figures_row(t); row < end; row++) {
		struct live live = live_of(t, row);
		unsigned class = class_of(live.size);

		if (!live.count)
			continue;
		if (class < s.least || (class == s.least && !s.some)) {
			e->rest_rows++;
			e->rest_size += live.size;
			e->rest_count += live.count;
			continue;
		}
		s.some -= class == s.least;
		at = leb128_put(leb128_put(leb128_put(at, row - last), live.size), live.count);
		last = row;
		e->rows++;
	}
	e->bytes = (uint32_t)(at - place - sizeof(e->ns));
}

/* Frees the place of a snapshot, also on the disk. */
static void drop_place(struct history_writer *w, uint32_t place)
{
	w->own->places &= ~((uint32_t)1 << place);
	if (fallocate(w->table_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      (off_t)(w->own->size_bytes + HISTORY_PLACES_OFFSET + place * HISTORY_PLACE_STEP), HISTORY_PLACE_STEP))
		errno = 0;	/* a file system without holes: the next snapshot there overwrites this one */
}

/* Drops about every second snapshot, so that those that are left are twice as far apart; never the first. */
static void thin_snapshots(struct history_writer *w)
{
	struct history_head *head = &w->own->head;
	uint32_t kept = 1;

	w->own->snapshot_ns *= 2;
	for (uint32_t i = 1; i < head->snapshot_count; i++) {
		/* Snapshots come a little late, and not all by the same. */
		if (head->snapshots[i].ns - head->snapshots[kept - 1].ns >= w->own->snapshot_ns - w->own->snapshot_ns / 4)
			head->snapshots[kept++] = head->snapshots[i];
		else
			drop_place(w, head->snapshots[i].place);
	}
	head->snapshot_count = kept;
}

static void take_snapshot(struct history_writer *w, const struct table *t, const struct timeline_point *p)
{
	static uint8_t place[HISTORY_PLACE_BYTES];
	struct history_writing *own = w->own;
	uint32_t count = own->head.snapshot_count;
	const struct history_entry *last = &own->head.snapshots[count ? count - 1 : 0];
	struct history_entry e = {
		.ns = p->ns, .live_size = p->live_size, .live_count = p->live_count, .total_count = p->total_count,
		.rss = p->rss,
	};

	/* A process that does nothing for hours keeps the snapshots of the time when it did something. */
	if (count && last->total_count == p->total_count && last->live_size == p->live_size &&
	    last->live_count == p->live_count)
		return;
	while (own->head.snapshot_count == HISTORY_SNAPSHOTS)
		thin_snapshots(w);
	while (own->places >> e.place & 1)
		e.place++;
	make_snapshot(t, &e, place);
	if (!write_whole(w, place, sizeof(e.ns) + e.bytes, HISTORY_PLACES_OFFSET + e.place * HISTORY_PLACE_STEP))
		return;
	own->places |= (uint32_t)1 << e.place;
	own->head.snapshots[own->head.snapshot_count++] = e;
}

/* ---- Both ---- */

/* What one look at the table takes. */
struct look {
	bool sums, snapshot;
	uint64_t rows_ns;	/* how long it took to read the rows, and to take the snapshot; 0: that was not done */
};

/* Takes a point, and a snapshot. False: the table cannot be read, or the history cannot be written. */
static bool take(struct history_writer *w, uint64_t now_ns, struct look *look)
{
	static struct table_header h;
	struct history_writing *own = w->own;
	struct timeline_point p = { .live_count = TIMELINE_UNKNOWN, .total_count = TIMELINE_UNKNOWN };
	uint32_t first, count;
	struct table t;
	struct stat st;

	if (load_header(&h, w->table_fd, 0) != LOAD_OK || !load_header_is_sane(&h))
		return false;
	own->size_bytes = h.size_bytes;
	p.ns = now_ns > h.begun_ns ? now_ns - h.begun_ns : 0;
	p.live_size = read_live(w->table_fd, &h);
	p.rss = read_rss(w);
	p.own = fstat(w->table_fd, &st) ? 0 : (uint64_t)st.st_blocks * 512;
	if (look->sums || look->snapshot) {
		uint64_t begun = used_ns();

		if (!read_counters(&t, &h, w->table_fd))
			return false;
		timeline_sum(&t, &p);
		if (look->snapshot) {
			add_deltas(&t);
			take_snapshot(w, &t, &p);
		}
		give_back_buffer();
		look->rows_ns = used_ns() - begun;
	}
	first = add_point(own, &p);
	note_peaks(&own->head, &h, &p);
	count = own->head.point_count;
	return write_whole(w, &own->points[first], (count - first) * sizeof(p), HISTORY_POINTS_OFFSET + first * sizeof(p)) &&
	       write_whole(w, &own->head, look->snapshot ? sizeof(own->head) :
			   offsetof(struct history_head, snapshots), 0);
}

void history_writer_begin(struct history_writer *w, int table_fd, pid_t pid, uint64_t now_ns)
{
	*w = (struct history_writer){ .table_fd = table_fd, .pid = pid, .due_ns = now_ns + POINT_NS };
}

/* The first point is due. */
static bool start(struct history_writer *w, uint64_t now_ns)
{
	w->own = calloc(1, sizeof(*w->own));
	if (!w->own)
		return false;
	memcpy(w->own->head.magic, HISTORY_MAGIC, sizeof(w->own->head.magic));
	w->own->head.version = HISTORY_VERSION;
	w->own->statm_fd = -1;
	w->own->point_ns = POINT_NS;
	w->own->snapshot_ns = SNAPSHOT_NS;
	w->own->snapshot_due_ns = now_ns + SNAPSHOT_NS - POINT_NS;
	return true;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void history_writer_work(struct history_writer *w, uint64_t now_ns, unsigned shares)
{
	struct look look = { false, false, 0 };
	static uint64_t last_used_ns;	/* with the waking up, when the last look had been taken */
	uint64_t used, cost, idle;

	if (!w->due_ns || w->due_ns > now_ns + SLACK_NS)
		return;
	if (!w->own && !start(w, now_ns)) {
		w->due_ns = 0;
		return;
	}
	look.snapshot = w->own->snapshot_due_ns <= now_ns + SLACK_NS;
	look.sums = w->own->sums_due_ns <= now_ns + SLACK_NS;
	if (!take(w, now_ns, &look)) {
		w->due_ns = 0;
		return;
	}
	used = used_ns();
	cost = used - last_used_ns - look.rows_ns;
	last_used_ns = used;
	if (w->own->head.point_count < POINTS_AT_ONCE && w->own->point_ns == POINT_NS)
		cost = 0;
	else if (cost > COST_MOST_NS)
		cost = COST_MOST_NS;
	if (look.snapshot) {
		while (w->own->snapshot_ns < look.rows_ns * SNAPSHOT_PARTS * shares)
			w->own->snapshot_ns *= 2;
		w->own->snapshot_due_ns = now_ns + w->own->snapshot_ns;
	}
	if (look.rows_ns)
		w->own->sums_due_ns = now_ns + look.rows_ns * SUMS_PARTS * shares;
	idle = w->own->points[w->own->head.point_count - 1].ns - w->own->changed_ns;
	idle = idle / IDLE_PARTS < IDLE_MOST_NS ? idle / IDLE_PARTS : IDLE_MOST_NS;
	w->due_ns = now_ns + larger(larger(w->own->point_ns, idle), cost * POINT_PARTS * shares);
}

void history_writer_snapshot(struct history_writer *w, uint64_t now_ns)
{
	struct look look = { .snapshot = true };

	if (w->due_ns && (w->own || start(w, now_ns)) && !take(w, now_ns, &look))
		w->due_ns = 0;
}

void history_writer_end(struct history_writer *w, bool killed)
{
	struct look look = { true, false, 0 };

	w->pid = 0;	/* another process may have this id by now */
	if (killed && w->own && w->due_ns)
		take(w, now_ns(), &look);
	if (w->own && w->own->statm_fd >= 0)
		close(w->own->statm_fd);
	free(w->own);
	*w = (struct history_writer){ .table_fd = -1 };
}
