/* SPDX-License-Identifier: GPL-2.0-only */
/* See load.h. */
#include "load.h"

#include "base/arena.h"
#include "base/read_at.h"
#include "deltas.h"
#include "layout.h"
#include "modules.h"

#include <string.h>
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
	if (h->suppressions >= layout_count(h, TABLE_TEXT))
		h->suppressions = 0;
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
	void *shared = mmap(NULL, (size_t)size_bytes, PROT_READ | PROT_WRITE,
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
