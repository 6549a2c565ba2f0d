/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a model as a file of massif's, for ms_print and massif-visualizer: see massif.h. The moments of the run, in
 * their order, some with the tree of what was alive then:
 *
 *	desc: heaptrace 0.1, ...
 *	cmd: /usr/bin/node
 *	time_unit: ms
 *	#-----------
 *	snapshot=0
 *	#-----------
 *	time=0
 *	mem_heap_B=0
 *	mem_heap_extra_B=0
 *	mem_stacks_B=0
 *	heap_tree=empty
 */
#include "massif.h"

#include "analysis/history.h"
#include "base/version.h"

#define MALLOC_HEADER	sizeof(size_t)		/* of glibc's malloc: malloc.c, struct malloc_chunk... */
#define MALLOC_ALIGN	(2 * sizeof(size_t))	/* ...MALLOC_ALIGNMENT... */
#define MALLOC_LEAST	(4 * sizeof(size_t))	/* ...MINSIZE */

struct massif {
	const struct model *model;
	struct massif_moments moments;
	struct massif_tree *tree;	/* NULL: there is no memory for trees */
	struct massif_rows rows;	/* of the moment that is being written */
	struct out *out;
};

/* ---- Figures of one moment ---- */

/* Whether malloc is known to be glibc's. Of a process that has ended, what its last dump has noted is known. */
static bool is_glibc(const struct model *m)
{
	return m->allocator.parts_known || m->memory.allocator_known;
}

/* What glibc's malloc takes beyond `size` bytes in `count` blocks, if these are equally large. 0: malloc is another one,
 * or was not asked. */
static uint64_t rounding_of(const struct model *m, uint64_t size, uint64_t count)
{
	uint64_t mean, chunk;

	if (!is_glibc(m) || !count)
		return 0;
	mean = (size + count - 1) / count;
	chunk = (mean + MALLOC_HEADER + MALLOC_ALIGN - 1) / MALLOC_ALIGN * MALLOC_ALIGN;
	if (chunk < MALLOC_LEAST)
		chunk = MALLOC_LEAST;
	return chunk * count > size ? chunk * count - size : 0;
}

/* What a row had at a moment. At the peak only its bytes are known; its blocks then are taken to be as large as when it
 * had most. */
static void read_row(const struct massif *w, const struct massif_moment *t, const struct model_row *row, uint64_t *size,
		     uint64_t *count)
{
	const uint64_t *values = row->values;
	uint32_t blocks = 0;

	switch (t->kind) {
	case MASSIF_SNAPSHOT:
		history_find(&w->model->history->snapshots[t->snapshot], row->id, size, &blocks);
		*count = blocks;
		return;
	case MASSIF_PEAK:
		*size = values[SORT_HEAP_PEAK];
		*count = values[SORT_PEAK_SIZE] ? massif_whole((double)*size / (double)values[SORT_PEAK_SIZE] *
								(double)values[SORT_PEAK_COUNT] + 0.5) : 0;
		return;
	case MASSIF_LAST:
		*size = values[SORT_SIZE];
		*count = values[SORT_COUNT];
		return;
	case MASSIF_PLAIN:
		break;
	}
	*size = *count = 0;
}

/* Reads what all rows had at a moment into w->rows, and sets the extra bytes of the moment, and its size where the rows
 * have more. */
static void read_rows(struct massif *w, struct massif_moment *t)
{
	const struct model *m = w->model;
	uint64_t known;

	w->rows.sum = w->rows.rest_size = w->rows.rest_rows = 0;
	t->extra = 0;
	for (uint32_t n = 0; n < m->all.count; n++) {
		struct model_row row = model_row(m, &m->all, n);
		uint64_t size, count;

		read_row(w, t, &row, &size, &count);
		w->rows.sizes[n] = size;
		w->rows.sum += size;
		t->extra += rounding_of(m, size, count);
	}
	if (t->kind == MASSIF_SNAPSHOT) {
		const struct history_snapshot *s = &m->history->snapshots[t->snapshot];

		w->rows.rest_size = s->rest_size;
		w->rows.rest_rows = s->rest_rows;
		t->extra += rounding_of(m, s->rest_size, s->rest_count);
	}
	known = w->rows.sum + w->rows.rest_size;
	if (t->size < known)
		t->size = known;
}

/* The same share of a moment's bytes as that of the extra bytes at a moment where these are known. */
static uint64_t extra_like(const struct massif_moment *t, const struct massif_moment *known)
{
	return massif_whole((double)t->size * (double)known->extra / (double)known->size);
}

/* Sets the extra bytes of the moments. Where only the whole size is known, they are the same share of it as at the
 * moment with rows that was before, or else at the next one. */
static void estimate_extra(struct massif *w)
{
	const struct massif_moment *known = NULL;

	for (uint32_t i = 0; i < w->moments.count; i++) {
		struct massif_moment *t = &w->moments.list[i];

		if (t->kind != MASSIF_PLAIN) {
			read_rows(w, t);
			known = t;
		} else if (known && known->size) {
			t->extra = extra_like(t, known);
		}
	}
	known = NULL;
	for (uint32_t i = w->moments.count; i--; ) {
		struct massif_moment *t = &w->moments.list[i];

		if (t->kind != MASSIF_PLAIN)
			known = t;
		else if (!t->extra && known && known->size)
			t->extra = extra_like(t, known);
	}
}

/* ---- The file ---- */

static void write_number(struct out *out, const char *name, uint64_t value)
{
	out_text(out, name);
	out_char(out, '=');
	out_u64(out, value);
	out_char(out, '\n');
}

static void write_moment(struct massif *w, uint32_t number)
{
	struct massif_moment *t = &w->moments.list[number];
	bool tree = t->kind != MASSIF_PLAIN && w->tree;

	out_text(w->out, "#-----------\n");
	write_number(w->out, "snapshot", number);
	out_text(w->out, "#-----------\n");
	write_number(w->out, "time", t->time);
	write_number(w->out, "mem_heap_B", t->size);
	write_number(w->out, "mem_heap_extra_B", t->extra);
	write_number(w->out, "mem_stacks_B", 0);
	out_text(w->out, !tree ? "heap_tree=empty\n" : t->kind == MASSIF_PEAK ? "heap_tree=peak\n" : "heap_tree=detailed\n");
	if (!tree)
		return;
	read_rows(w, t);
	massif_tree_write(w->tree, &w->rows, t, w->out);
}

static void write_head(const struct massif *w)
{
	const struct model *m = w->model;
	struct out *out = w->out;

	out_text(out, "desc: heaptrace " HEAPTRACE_VERSION ", dump ");
	out_u64(out, m->moment.number);
	out_text(out, " of process ");
	out_u64(out, m->process.pid);
	if (is_glibc(m))
		out_text(out, "; extra-heap is an estimate");
	if (m->sample_bytes) {
		out_text(out, "; sampled, so all figures are estimates (~), from one block in about ");
		out_size(out, m->sample_bytes);
	}
	if (w->moments.in_bytes)
		out_text(out, "; time is bytes allocated and freed, estimated between the start and the end");
	out_text(out, "\ncmd: ");
	massif_write_name(out, m->program && *m->program ? m->program : m->process.command);
	out_text(out, w->moments.in_bytes ? "\ntime_unit: B\n" : "\ntime_unit: ms\n");
}

/* A file without memory for anything: the moment of the report alone. */
static void write_least(struct massif *w)
{
	struct massif_moment last = { .size = w->model->totals.size, .time = w->model->moment.runtime_ns / 1000000 };

	w->moments = (struct massif_moments){ .list = &last, .count = 1 };
	write_head(w);
	write_moment(w, 0);
}

static void write_massif(const struct model *m, struct arena *arena, struct out *out)
{
	struct massif w = { .model = m, .out = out };

	w.rows.sizes = arena_alloc(arena, (m->all.count + (size_t)1) * sizeof(*w.rows.sizes));
	if (!w.rows.sizes || !massif_moments_make(&w.moments, m, arena)) {
		write_least(&w);
		return;
	}
	w.tree = massif_tree_make(m, arena);
	estimate_extra(&w);
	write_head(&w);
	for (uint32_t i = 0; i < w.moments.count; i++)
		write_moment(&w, i);
}

const struct format massif_format = {
	.name = "massif", .replaces = true, .figures = true, .by_reporter = true, .all_rows = true, .all_names = true,
	.rows = MODEL_ROWS_OF_KEY, .sections_max = SORT_KEYS, .write = write_massif,
};
