/* SPDX-License-Identifier: GPL-2.0-only */
/* See load.h. */
#include "load.h"

#include "base/arena.h"
#include "base/kernel_map.h"
#include "base/read_at.h"
#include "deltas.h"
#include "layout.h"
#include "modules.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads so many bytes. Returns LOAD_OK, LOAD_TRUNCATED or LOAD_CANNOT_READ. */
static enum load_status read_all(int fd, void *to, uint64_t bytes, uint64_t offset)
{
	ssize_t n = read_at(fd, to, (size_t)bytes, offset);

	return n < 0 ? LOAD_CANNOT_READ : (uint64_t)n < bytes ? LOAD_TRUNCATED : LOAD_OK;
}

enum load_status load_header(struct table_header *h, int fd, uint64_t start)
{
	enum load_status status;

	memset(h, 0, sizeof(*h));
	status = read_all(fd, h, sizeof(*h), start);
	if (status == LOAD_CANNOT_READ)
		return status;
	if (memcmp(h->magic, TABLE_MAGIC, sizeof(h->magic)))
		return LOAD_NO_TABLE;
	if (status != LOAD_OK)
		return status;
	if (h->version != TABLE_VERSION)
		return LOAD_VERSION;
	if (h->word_bits != 8 * sizeof(void *))
		return LOAD_WORD_SIZE;
	h->command[sizeof(h->command) - 1] = '\0';
	return LOAD_OK;
}

bool load_header_is_sane(const struct table_header *h)
{
	struct table_header most;

	if (h->rows_log2 < TABLE_LOG2_LEAST || h->rows_log2 > TABLE_LOG2_MOST || !h->depth ||
	    h->depth > TABLE_FRAMES_MAX)
		return false;
	layout_header(&most, h->rows_log2);
	if (h->size_bytes != most.size_bytes ||
	    memcmp(&h->rows_offset, &most.rows_offset,
		   offsetof(struct table_header, rows_log2) - offsetof(struct table_header, rows_offset)))
		return false;
	for (enum table_part part = 0; part < TABLE_PARTS; part++) {
		if (layout_limit(h, part) > layout_limit(&most, part))
			return false;
	}
	return true;
}

/* Makes sure that events have known kinds, texts that end, and rows that are there, in their order. */
static void repair_events(struct table *t)
{
	struct table_header *h = t->head;
	uint32_t end = table_row_end(t), first = ROW_FIRST;

	if (h->event_count > EVENTS_MOST)
		h->event_count = EVENTS_MOST;
	for (uint32_t i = 0; i < h->event_count; i++) {
		struct table_event *e = &h->events[i];

		if (e->kind >= EVENT_KINDS)
			e->kind = EVENT_NONE;
		if (e->first && e->first < first)
			e->first = first;
		if (e->first > end)
			e->first = end > first ? end : first;
		if (e->first)
			first = e->first;
		e->text[EVENT_TEXT_BYTES - 1] = '\0';
	}
	if (h->figures_row < ROW_OVERFLOW)
		h->figures_row = ROW_OVERFLOW;
	if (h->figures_row > end)
		h->figures_row = end > ROW_OVERFLOW ? end : ROW_OVERFLOW;
	if (h->window_row < ROW_OVERFLOW || h->window_row > end)
		h->window_row = end;
	h->control.text[EVENT_TEXT_BYTES - 1] = '\0';
}

/* Finishes the flushes that the process has left in the middle, and makes the offsets and texts safe for readers. */
static void repair(struct table *t)
{
	struct table_header *h = t->head;

	h->frozen = 0;
	for (uint32_t i = layout_count(h, TABLE_DELTAS); i-- > 0; ) {
		delta_finish_flush(t, &t->deltas[i]);
		t->deltas[i].flushing = 0;	/* a view does not wait for a thread that is gone */
	}
	for (uint32_t i = layout_count(h, TABLE_MODULES); i-- > 0; ) {
		struct module *m = &t->modules[i];

		if (m->path >= layout_count(h, TABLE_TEXT))
			m->path = 0;
		if (m->build_id_bytes > MODULE_BUILD_ID_BYTES)
			m->build_id_bytes = 0;
	}
	repair_events(t);
	if (h->suppressions >= layout_count(h, TABLE_TEXT))
		h->suppressions = 0;
	if (h->own_allocators >= layout_count(h, TABLE_TEXT))
		h->own_allocators = 0;
	/* Every path is terminated. Before a path is noted, the text has none. */
	t->text[0] = '\0';
	if (layout_count(h, TABLE_TEXT))
		t->text[layout_count(h, TABLE_TEXT) - 1] = '\0';
}

/*
 * Maps room for all of a table, of which little is used. The memory is shared, because private memory counts for
 * RLIMIT_DATA whether it is used or not, and the watcher and --report may inherit such a limit from a shell.
 */
static char *map_whole(uint64_t size_bytes)
{
	void *shared = kernel_mmap(NULL, (size_t)size_bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return shared == MAP_FAILED ? NULL : shared;
}

/* A reader may look at this many bytes behind the end of a part where the last frames of a table are damaged. */
#define SLACK_BYTES	((uint64_t)64 << 10)

/* How much of a window is mapped: up to the limits. */
static uint64_t window_bytes(const struct table_header *h, unsigned window, uint64_t most_bytes)
{
	uint64_t bytes = most_bytes;

	if (window == LAYOUT_INFOS)
		bytes = layout_limit(h, TABLE_ROWS) * sizeof(struct row_info);
	else if (window)
		bytes = layout_limit_bytes(h, window - 1);
	return bytes + SLACK_BYTES < most_bytes ? bytes + SLACK_BYTES : most_bytes;
}

/* Maps the windows, at the places that they have in the layout. */
static char *map_parts(const struct table_header *h)
{
	char *base = arena_place((size_t)h->size_bytes);
	struct layout_window w;

	for (unsigned i = 0; i < LAYOUT_WINDOWS && base; i++) {
		w = layout_window(h, i, TABLE_LOG2_LEAST);
		if (!w.most_bytes ||
		    arena_map_at(base + w.offset, (size_t)window_bytes(h, i, w.most_bytes)))
			continue;
		while (i-- > 0) {
			w = layout_window(h, i, TABLE_LOG2_LEAST);
			if (w.most_bytes)
				arena_unmap(base + w.offset, (size_t)window_bytes(h, i, w.most_bytes));
		}
		base = NULL;
	}
	return base ? base : map_whole(h->size_bytes);
}

enum load_status load_table(struct table *t, int fd, uint64_t start)
{
	struct layout_range ranges[LAYOUT_RANGES];
	struct table_header h;
	enum load_status status = load_header(&h, fd, start);
	struct stat st;
	unsigned count;
	char *base;

	*t = (struct table){ .head = NULL };
	if (status != LOAD_OK)
		return status;
	if (!load_header_is_sane(&h))
		return LOAD_DAMAGED;
	if (!start && fstat(fd, &st))
		return LOAD_CANNOT_READ;
	if (!start && (uint64_t)st.st_size < h.size_bytes)
		return LOAD_TRUNCATED;
	base = map_parts(&h);
	if (!base)
		return LOAD_NO_MEMORY;
	count = layout_used(&h, false, ranges);
	for (unsigned i = 1; i < count && status == LOAD_OK; i++)
		status = read_all(fd, base + ranges[i].offset, ranges[i].bytes,
				  start + ranges[i].offset);
	if (status != LOAD_OK) {
		arena_unmap(base, (size_t)h.size_bytes);
		return status;
	}
	memcpy(base, &h, sizeof(h));
	layout_locate(t, base);
	repair(t);
	return LOAD_OK;
}

/* ---- Again ---- */

/* So many bytes at the end of what has been read of a part are read once more: they may have been counted a moment before
 * they were written. */
#define ALL_OF_IT	UINT64_MAX
#define CODES_AGAIN	((uint64_t)32 << 10)
#define FRAMES_AGAIN	((uint64_t)128 << 10)
#define TEXT_AGAIN	((uint64_t)16 << 10)

/* Maps what the limits in *h allow now, where less has been mapped. Nothing is to be done where all is mapped. */
static bool map_further(const struct table *t, const struct table_header *h)
{
	const uint64_t page = getauxval(AT_PAGESZ);
	char *base = (char *)t->head;

	if (!arena_is_place((uintptr_t)base))
		return true;
	for (unsigned i = 0; i < LAYOUT_WINDOWS; i++) {
		struct layout_window w = layout_window(h, i, TABLE_LOG2_LEAST);
		uint64_t have, want;

		if (!w.most_bytes)
			continue;
		have = (window_bytes(t->head, i, w.most_bytes) + page - 1) & ~(page - 1);
		want = (window_bytes(h, i, w.most_bytes) + page - 1) & ~(page - 1);
		if (want > have && !arena_map_at(base + w.offset + have, (size_t)(want - have)))
			return false;
	}
	return true;
}

/* Reads a stretch, but for what was read before of its first `old_bytes`: of these the last `again` bytes only. */
static enum load_status read_range(const struct table *t, int fd, uint64_t start, struct layout_range r, uint64_t old_bytes,
				   uint64_t again)
{
	uint64_t skipped = old_bytes > again ? old_bytes - again : 0;

	if (skipped >= r.bytes)
		return LOAD_OK;
	return read_all(fd, (char *)t->head + r.offset + skipped, r.bytes - skipped, start + r.offset + skipped);
}

/* Takes over a new header, which allows more than the old one. */
static enum load_status take_header(struct table *t, const struct table_header *h)
{
	struct table_header old = *t->head;

	if (!load_header_is_sane(h))
		return LOAD_DAMAGED;
	if (h->rows_log2 != old.rows_log2 || h->begun_precise_ns != old.begun_precise_ns || h->pid != old.pid)
		return LOAD_NO_TABLE;
	if (!map_further(t, h))
		return LOAD_NO_MEMORY;
	*t->head = *h;
	t->head->timeline_count = old.timeline_count;
	t->head->timeline_limit = old.timeline_limit;
	t->head->sizes_used = old.sizes_used;
	t->head->size_limit = old.size_limit;
	t->head->regions_used = old.regions_used;
	t->head->region_limit = old.region_limit;
	t->head->page_rows_used = old.page_rows_used;
	t->head->page_row_limit = old.page_row_limit;
	return LOAD_OK;
}

enum load_status load_again(struct table *t, int fd, uint64_t start, bool threads)
{
	static const uint8_t counters[] = { TABLE_UPPERS, TABLE_ROWS, TABLE_DELTAS };
	static const struct {
		uint8_t part;
		uint64_t again;
	} others[] = {
		{ TABLE_CODES, CODES_AGAIN }, { TABLE_FRAMES, FRAMES_AGAIN }, { TABLE_TEXT, TEXT_AGAIN },
		{ TABLE_MODULES, ALL_OF_IT }, { TABLE_THREADS, ALL_OF_IT }, { TABLE_SETS, ALL_OF_IT },
	};
	struct layout_range ranges[LAYOUT_RANGES], old[LAYOUT_RANGES];
	unsigned count = layout_used(t->head, false, old);
	struct table_header h;
	enum load_status status;

	status = load_header(&h, fd, start);
	if (status == LOAD_OK)
		status = take_header(t, &h);
	if (status != LOAD_OK)
		return status;
	layout_used(&h, false, ranges);
	for (unsigned i = 0; i < sizeof(counters) && status == LOAD_OK; i++)
		status = read_range(t, fd, start, ranges[1 + counters[i]], 0, 0);
	if (status == LOAD_OK)
		status = read_range(t, fd, start, ranges[count - 1], 0, 0);	/* the infos of the rows */
	/* The rows that have calls in what has been read are complete behind the counts that the header has now. */
	if (status == LOAD_OK)
		status = load_header(&h, fd, start);
	h.row_count = t->head->row_count;
	h.row_limit = t->head->row_limit;
	h.deltas_used = t->head->deltas_used;
	h.deltas_limit = t->head->deltas_limit;
	h.uppers_used = t->head->uppers_used;
	h.upper_limit = t->head->upper_limit;
	if (status == LOAD_OK)
		status = take_header(t, &h);
	layout_used(t->head, false, ranges);
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]) && status == LOAD_OK; i++) {
		bool of_threads = others[i].part == TABLE_THREADS || others[i].part == TABLE_SETS;

		if (threads || !of_threads)
			status = read_range(t, fd, start, ranges[1 + others[i].part], old[1 + others[i].part].bytes,
					    others[i].again);
	}
	if (status == LOAD_OK)
		repair(t);
	return status;
}

void load_release(struct table *t)
{
	if (t->head)
		arena_unmap(t->head, (size_t)t->head->size_bytes);
	t->head = NULL;
}

const char *load_status_text(enum load_status status)
{
	switch (status) {
	case LOAD_OK:		return NULL;
	case LOAD_NO_TABLE:	return "not a file of --record";
	case LOAD_VERSION:	return "recorded by another version of heaptrace, or on a machine with "
				       "another byte order: use that one's --report";
	case LOAD_WORD_SIZE:	return "recorded in a program of another word size: use a "
				       "heaptrace of that size";
	case LOAD_TRUNCATED:	return "the file is truncated";
	case LOAD_DAMAGED:	return "the file is damaged";
	case LOAD_NO_MEMORY:	return "out of memory";
	case LOAD_CANNOT_READ:	break;
	}
	return "it cannot be read";
}
