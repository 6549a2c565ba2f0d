/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: a file of --record. Its parts lie far apart, so the input has them one after the
 * other: the header, then what that says is in use of each part, then the history. An even first byte of the input
 * (which the magic number replaces) means that the header's fixed fields are made right, so that
 * more than the first check is reached. What is loaded is reported in each format, without
 * files for its modules: those have fuzzers of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/format.h"
#include "analysis/history.h"
#include "table/layout.h"
#include "table/load.h"
#include "table/modules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOG2	12u

#define END_NS	(UINT64_MAX / 2)	/* the moment of the report: behind whatever the input says */

static struct options options;

static void make_right(struct table_header *h)
{
	struct table_header most;

	layout_header(&most, LOG2);
	memcpy(h->magic, most.magic, sizeof(h->magic));
	h->version = most.version;
	h->word_bits = most.word_bits;
	h->size_bytes = most.size_bytes;
	memcpy(&h->rows_offset, &most.rows_offset,
	       offsetof(struct table_header, rows_log2) - offsetof(struct table_header, rows_offset));
	h->rows_log2 = LOG2;
	if (h->row_limit > most.row_limit)
		h->row_limit = most.row_limit;
	if (h->upper_limit > most.upper_limit)
		h->upper_limit = most.upper_limit;
	if (h->code_limit > most.code_limit)
		h->code_limit = most.code_limit;
	if (h->frame_limit > most.frame_limit)
		h->frame_limit = most.frame_limit;
	if (h->deltas_limit > 2)
		h->deltas_limit = 2;
	if (h->module_limit > most.module_limit)
		h->module_limit = most.module_limit;
	if (h->text_limit > most.text_limit)
		h->text_limit = most.text_limit;
	if (h->timeline_limit > most.timeline_limit)
		h->timeline_limit = most.timeline_limit;
	if (h->size_limit > most.size_limit)
		h->size_limit = most.size_limit;
	if (h->region_limit > most.region_limit)
		h->region_limit = most.region_limit;
	if (h->page_row_limit > most.page_row_limit)
		h->page_row_limit = most.page_row_limit;
	h->size_heads_log2 %= most.size_heads_log2 + 1;
	h->row_levels %= most.row_levels + 1;
	h->code_levels %= most.code_levels + 1;
	h->shares_log2 %= most.shares_log2 + 1;
}

/* No module's file is read: a path that leads nowhere stands for each. */
static void hide_modules(struct table *t)
{
	for (uint32_t i = 0; i < layout_count(t->head, TABLE_MODULES); i++) {
		if (t->text[t->modules[i].path] == '/')
			t->text[t->modules[i].path] = '\1';
	}
}

static void report(struct table *t, const struct history *history, const struct format *format)
{
	struct arena arena = { .chunk = NULL };
	static char buf[65536];
	struct model_request q = {
		.table = t, .history = history, .options = &options, .sort = { SORT_SIZE, SORT_TEMPORARY, SORT_AGE },
		.sort_count = format->sections_max < 3 ? format->sections_max : 3, .rows = format->rows,
		.figures = format->figures, .all_rows = format->all_rows, .all_names = format->all_names, .foreign = true,
		.now_ns = END_NS,
		.process = { .pid = t->head->pid, .command = t->head->command },
	};
	struct model *m;
	struct out out;

	options.top = 20;
	out_init(&out, -1, buf, sizeof(buf));
	if (model_make(&m, &q, &arena) == MODEL_DONE)
		format->write(m, &arena, &out);
	arena_release(&arena);
}

/* Writes the rest of the input as a history: the head, the points, and the place that the first snapshot names. */
static void write_history(int file, const struct table_header *h, const uint8_t *data, size_t size)
{
	struct history_head head;
	size_t at = size < sizeof(head) ? size : sizeof(head), points;
	uint32_t place;

	memset(&head, 0, sizeof(head));
	memcpy(&head, data, at);
	memcpy(head.magic, HISTORY_MAGIC, sizeof(head.magic));
	head.version = HISTORY_VERSION;
	points = size - at < head.point_count % 8 * sizeof(struct timeline_point) ? size - at :
		 head.point_count % 8 * sizeof(struct timeline_point);
	place = head.snapshots[0].place % HISTORY_SNAPSHOTS;
	if (pwrite(file, &head, sizeof(head), (off_t)h->size_bytes) < 0 ||
	    pwrite(file, data + at, points, (off_t)(h->size_bytes + HISTORY_POINTS_OFFSET)) < 0 ||
	    pwrite(file, &head.snapshots[0].ns, sizeof(uint64_t),
		   (off_t)(h->size_bytes + HISTORY_PLACES_OFFSET + place * HISTORY_PLACE_STEP)) < 0 ||
	    pwrite(file, data + at + points, size - at - points,
		   (off_t)(h->size_bytes + HISTORY_PLACES_OFFSET + place * HISTORY_PLACE_STEP + sizeof(uint64_t))) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	struct layout_range ranges[LAYOUT_RANGES];
	struct table_header h;
	struct table t;
	size_t at = size < sizeof(h) ? size : sizeof(h);

	if (file < 0) {
		options_init(&options);
		options.no_lines = true;
		options.histogram = options.timeline = options.pages = true;
		file = memfd_create("fuzz", MFD_CLOEXEC);
		if (file < 0)
			abort();
	}
	if (!size || ftruncate(file, 0))
		return 0;
	memset(&h, 0, sizeof(h));
	memcpy(&h, data, at);
	if (!(data[0] & 1))
		make_right(&h);
	if (ftruncate(file, h.size_bytes < (8u << 20) ? (off_t)h.size_bytes : 4096))
		return 0;
	if (pwrite(file, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		abort();
	if (!(data[0] & 1)) {
		unsigned count = layout_used(&h, false, ranges);

		for (unsigned i = 1; i < count && at < size; i++) {
			size_t n = ranges[i].bytes < size - at ? (size_t)ranges[i].bytes : size - at;

			if (pwrite(file, data + at, n, (off_t)ranges[i].offset) != (ssize_t)n)
				abort();
			at += n;
		}
		write_history(file, &h, data + at, size - at);
	}
	if (load_table(&t, file, 0) == LOAD_OK) {
		struct arena arena = { .chunk = NULL };
		struct history history;

		history_load(&history, &t, file, END_NS, &arena);
		options.window = size < 2 || !(data[1] & 3) ? 0 : data[1] & 1 ? OPTIONS_WINDOW_LAST : (uint64_t)1 << 32 | 2;
		history_select(&history, &t, events_rows(&t, options.window), &arena);
		hide_modules(&t);
		report(&t, &history, &text_format);
		report(&t, &history, &text_report_format);
		report(&t, &history, &folded_format);
		report(&t, &history, &json_format);
		report(&t, &history, &html_format);
		report(&t, &history, &svg_format);
		report(&t, &history, &perfetto_format);
		report(&t, &history, &massif_format);
		report(&t, &history, &csv_format);
		report(&t, &history, &speedscope_format);
		report(&t, &history, &pprof_format);
		arena_release(&arena);
		load_release(&t);
	}
	return 0;
}
