/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See findings.h. Each kind of finding has a function that may add a sentence, and weighs it. A weight is a share in
 * thousandths: about how much of the heap, of the calls or of RSS would be gone if what the sentence says were mended.
 */
#include "findings.h"

#include "base/out.h"
#include "base/path.h"
#include "base/same_text.h"
#include "base/share.h"
#include "base/utf8.h"
#include "diff.h"
#include "growth.h"
#include "memory.h"
#include "users.h"
#include "wrappers.h"
#include "windows.h"

#include <string.h>

#define CANDIDATES	8u
#define TEXT_BYTES	1024u
#define NAME_BYTES	120u		/* of a function's name in a sentence; a longer one is cut */
#define PATH_BYTES	48u		/* of a longer path the last directory and the name are written */

#define TEMPORARY_LEAST	100u		/* thousandths of the calls, from which temporary calls are worth a sentence */
#define TEMPORARY_CALLS	100000u		/* so many cost something like 10 ms; fewer weigh less */
#define RATE_LEAST	100000u		/* calls a second */
#define RATE_LEAST_MS	100u		/* of a shorter run the rate says little */
#define RSS_USUAL	50000000u	/* bytes; parts of a smaller RSS weigh less */
#define WEIGHT_LEAK	900u		/* outweighs all but the largest shares */
#define LONG_RUN_NS	600000000000u	/* 10 minutes */
#define WEIGHT_DIFF	2000u		/* who compares two runs asks for this */

struct candidate {
	const char *text;
	uint64_t weight;
};

struct maker {
	const struct model *m;
	bool sampled;			/* figures of the heap are estimates, those of the older run perhaps */
	struct arena *arena;
	struct candidate list[CANDIDATES];
	unsigned count;
	struct out text;		/* the sentence that is being written, in buf */
	char buf[TEXT_BYTES];
	struct users users;
	struct label growing;		/* the function whose memory goes on growing; all NULL: there is none */
	uint64_t growing_bytes;		/* what it has now */
	double growing_rate;		/* how many bytes more it has in a second */
};

/* ---- Sentences ---- */

/* A share in thousandths, at most all. */
static uint64_t weight_of(uint64_t part, uint64_t whole)
{
	return share_of(part < whole ? part : whole, whole, 1000);
}

static struct out *begin(struct maker *k)
{
	k->text = out_memory(k->buf, sizeof(k->buf));
	out_set_estimates(&k->text, k->sampled);
	return &k->text;
}

/* Adds the sentence. */
static void end(struct maker *k, uint64_t weight)
{
	const char *copy;

	out_char(&k->text, '.');
	copy = arena_copy(k->arena, out_string(&k->text), k->text.len);
	if (copy && k->count < CANDIDATES)
		k->list[k->count++] = (struct candidate){ copy, weight };
}

/* Writes a share in percent, rounded: "43 %", or "99.9 %" where one decimal tells it from all. */
static void write_percent(struct out *out, uint64_t part, uint64_t whole)
{
	uint64_t percent = share_of(part < whole ? part : whole, whole, 100);

	if (percent == 99) {
		out_share(out, part, whole);
		return;
	}
	out_u64(out, percent);
	out_text(out, " %");
}

/* Writes the beginning of a name, so that names of any length leave the sentence readable. */
static void write_name(struct out *out, const char *name, size_t most)
{
	char part[NAME_BYTES + 1];
	size_t bytes = utf8_cut(name, strnlen(name, most));

	memcpy(part, name, bytes);
	part[bytes] = '\0';
	out_name(out, part);
	if (name[bytes])
		out_text(out, "...");
}

/* Writes a path, or ".../parse/parse.cc" where it is long. */
static void write_path(struct out *out, const char *path)
{
	const char *name = path_name(path);

	if (strlen(path) > PATH_BYTES && name - path >= 2) {
		for (name--; name > path && name[-1] != '/'; )
			name--;
		out_text(out, name > path ? ".../" : "");
	} else {
		name = path;
	}
	write_name(out, name, NAME_BYTES);
}

/* Writes the function with its place: "parse(), at src/parse.cc:214". file: NULL: not known. */
static void write_user(struct out *out, const struct label *label, const char *file, uint32_t line)
{
	char bare[WRAPPERS_NAME_BYTES];

	if (label->function && label->function[0] == '(') {	/* what stands for frames that are not there */
		out_text(out, label->function);
	} else if (label->function && !strncmp(label->function, "pool \"", 6)) {	/* its name is no function's */
		write_name(out, label->function, NAME_BYTES);
	} else if (label->function) {
		wrappers_bare_name(label->function, bare);
		write_name(out, bare[0] ? bare : label->function, NAME_BYTES);
		out_text(out, bare[0] ? "()" : "");
	} else if (label->module) {
		out_text(out, "code without names in ");
		write_path(out, label->module);
	} else {
		out_text(out, "code in no file");
	}
	if (!file)
		return;
	out_text(out, ", at ");
	write_path(out, file);
	if (line) {
		out_char(out, ':');
		out_u64(out, line);
	}
}

/* ---- Where it comes from ---- */

/* Writes the function that uses the memory of a row, with the place in it. labels: of the row's model. */
static void write_row(struct out *out, struct labels *labels, uint32_t n, struct labels_row *r)
{
	struct frame_call place = { .file = NULL };
	const struct labels_call *call;

	if (!labels_read(labels, n, r))
		return;
	call = &r->calls[labels_user(labels, r)];
	if (r->stack.count) {
		struct frame f = model_frame(&r->stack, call->frame);

		place = frame_call(&f, call->call);
	}
	write_user(out, &labels->list[call->label], place.file, place.line);
}

/* Writes where a figure of the key comes from: "parse(), at src/parse.cc:214", or "libfoo.so, the largest part
 * (1.234 MB) from foo()". */
static void write_source(struct maker *k, struct out *out, const struct users_source *s, enum sort_key key)
{
	if (s->module) {
		write_name(out, path_name(s->module), NAME_BYTES);
		out_text(out, ", the largest part (");
		if (model_key_is_size(key)) {
			out_size(out, s->of_label);
		} else {
			out_mark(out);
			out_count(out, s->of_label, " call", " calls");
		}
		out_text(out, ") from ");
	}
	write_row(out, &k->users.labels, s->row, k->users.row);
}

static bool same_function(const struct label *a, const struct label *b)
{
	return same_text(a->function, b->function) && same_text(a->module, b->module);
}

/* ---- The findings ---- */

/* Finds the function that leaks most, if one does. */
static void find_growing(struct maker *k)
{
	struct growth *g = arena_alloc(k->arena, sizeof(*g));
	double most = 0;

	if (!g || !growth_make(g, k->m, SORT_SIZE, OPTIONS_ALL_THE_TIME, GROUP_FUNCTION, k->arena) ||
	    g->moments < TREND_LEAST)
		return;
	for (uint32_t i = 0; i < g->count; i++) {
		const struct growth_entry *e = &g->list[i];

		if (e->trend.kind != TREND_LEAKING || e->trend.rate <= most ||
		    e->trend.is < k->m->totals.peak_size / 100)
			continue;
		most = e->trend.rate;
		k->growing = g->labels.list[e->label];
		k->growing_bytes = e->trend.is;
		k->growing_rate = most;
	}
}

static void write_growing(const struct maker *k, struct out *out)
{
	bool is_long = k->m->moment.runtime_ns >= LONG_RUN_NS;

	out_text(out, " goes on growing, by ");
	out_size(out, (uint64_t)(is_long ? k->growing_rate * 3600 : k->growing_rate));
	out_text(out, is_long ? " an hour" : " a second");
}

/* What grows in a program that runs for long will fill the memory, however small it is now. A program that ends soon
 * may well keep what it makes. */
static uint64_t weight_of_growth(const struct maker *k)
{
	uint64_t share = 2 * weight_of(k->growing_bytes, k->m->totals.peak_size);

	return k->m->moment.runtime_ns >= LONG_RUN_NS || share > WEIGHT_LEAK ? WEIGHT_LEAK : share;
}

static void add_growing(struct maker *k)
{
	struct out *out = begin(k);

	if (!k->growing_bytes)
		return;
	out_text(out, "What comes from ");
	write_user(out, &k->growing, NULL, 0);
	write_growing(k, out);
	out_text(out, ", and has ");
	out_size(out, k->growing_bytes);
	end(k, weight_of_growth(k));
}

static void add_live(struct maker *k)
{
	const struct model_totals *t = &k->m->totals;
	struct out *out = begin(k);
	struct users_source most = users_largest(&k->users, SORT_SIZE, t->size - k->users.kept);
	uint64_t weight = weight_of(most.figure, t->peak_size);

	if (!most.figure)
		return;
	write_percent(out, most.figure, t->size - k->users.kept);
	out_text(out, k->m->moment.ended ? " of what is never freed, " : " of the live heap, ");
	out_size(out, most.figure);
	out_text(out, " of ");
	out_size(out, t->size - k->users.kept);
	out_text(out, ", comes from ");
	write_source(k, out, &most, SORT_SIZE);
	if (k->growing_bytes && !most.module && same_function(&k->users.labels.list[most.label], &k->growing)) {
		out_text(out, ", and");
		write_growing(k, out);
		weight = weight < weight_of_growth(k) ? weight_of_growth(k) : weight;
		k->growing_bytes = 0;
	}
	end(k, weight);
}

static void add_peak(struct maker *k)
{
	const struct model_totals *t = &k->m->totals;
	struct out *out = begin(k);
	struct users_source most = users_largest(&k->users, SORT_HEAP_PEAK, t->heap_peak);

	if (!most.figure)
		return;
	out_text(out, "At its peak");
	if (k->m->moment.peak_at_ns && k->m->moment.peak_at_ns < k->m->moment.runtime_ns) {
		out_text(out, ", ");
		out_time(out, k->m->moment.peak_at_ns);
		out_text(out, k->m->moment.attached ? " after the attach," : " after the start,");
	}
	out_text(out, " the heap had ");
	out_size(out, t->peak_size);
	out_text(out, "; ");
	write_percent(out, most.figure, t->heap_peak);
	out_text(out, " of that comes from ");
	write_source(k, out, &most, SORT_HEAP_PEAK);
	/* Where all of it is alive still, the sentence about the live heap says the same. */
	end(k, weight_of(most.figure, t->heap_peak) *
	       weight_of(t->peak_size > t->size ? t->peak_size - t->size : 0, t->peak_size) / 1000);
}

/* Calls that are temporary or, where few are, how often the program calls. */
static void add_calls(struct maker *k)
{
	const struct model_totals *t = &k->m->totals;
	struct windows ws = windows_of(k->m);
	uint64_t ms = (ws.ordinary ? k->m->moment.runtime_ns : ws.recorded_ns) / 1000000;
	uint64_t rate = ms < RATE_LEAST_MS ? 0 : t->total_count / ms * 1000;
	bool temporary = weight_of(t->temporary, t->total_count) >= TEMPORARY_LEAST;
	enum sort_key key = temporary ? SORT_TEMPORARY : SORT_TOTAL_COUNT;
	uint64_t all = temporary ? t->temporary : t->total_count;
	struct out *out = begin(k);
	struct users_source most = users_largest(&k->users, key, all);

	if (!most.figure || (!temporary && rate < RATE_LEAST))
		return;
	if (temporary) {
		write_percent(out, all, t->total_count);
		out_text(out, " of the calls, ");
		out_mark(out);
		out_u64(out, all);
		out_text(out, " of ");
		out_mark(out);
		out_u64(out, t->total_count);
		out_text(out, ", are temporary: freed before the same thread allocates again; ");
	} else {
		out_text(out, "Memory is allocated ");
		out_mark(out);
		out_u64(out, rate);
		out_text(out, " times a second; ");
	}
	write_percent(out, most.figure, all);
	out_text(out, temporary ? " of these come from " : " of the calls come from ");
	write_source(k, out, &most, key);
	end(k, (temporary ? weight_of(all, t->total_count) : weight_of(most.figure, all)) / 2 *
	       (t->total_count < TEMPORARY_CALLS ? t->total_count : TEMPORARY_CALLS) / TEMPORARY_CALLS);
}

/* The part of RSS that model_memory.mostly names. *meaning: what it is. */
static uint64_t largest_part(const struct model_memory *y, const char **meaning)
{
	switch (y->mostly) {
	case MEMORY_FREE:
		*meaning = " are free memory that malloc keeps for later";
		return y->free;
	case MEMORY_FRAGMENTED:
		*meaning = " are free, but lie between live blocks (fragmentation)";
		return y->free;
	case MEMORY_ROUNDING:
		*meaning = " are the headers and the rounding of many small blocks";
		return y->rounding;
	case MEMORY_ANONYMOUS:
		*meaning = y->allocator_known ? " are not from malloc: mmap() and static data" :
						" are free in the allocator, or from mmap()";
		return y->anonymous;
	case MEMORY_STACKS:
		*meaning = " are the stacks of its threads";
		return y->stacks;
	case MEMORY_FILES:
		*meaning = " are files: the program, its libraries and others";
		return y->files;
	case MEMORY_OWN:
		*meaning = " are heaptrace's own";
		return y->own;
	case MEMORY_LIVE:
		break;
	}
	return 0;
}

static void add_memory(struct maker *k)
{
	const struct model_memory *y = &k->m->memory;
	const char *meaning;
	uint64_t part = y->source == MEMORY_SMAPS ? largest_part(y, &meaning) : 0, weight;
	struct out *out = begin(k);

	if (!part)
		return;
	out_text(out, "Of ");
	out_set_estimates(out, false);
	out_size(out, y->rss);
	out_text(out, " of RSS, ");
	out_set_estimates(out, k->sampled && y->mostly == MEMORY_LIVE);
	out_size(out, part);
	out_set_estimates(out, false);
	out_text(out, meaning);
	if (y->mostly == MEMORY_FREE || y->mostly == MEMORY_FRAGMENTED) {
		out_text(out, "; malloc_trim(3) gives back ");
		out_text(out, y->trimmable ? "about " : "nothing");
		if (y->trimmable)
			out_size(out, y->trimmable);
	}
	weight = weight_of(part, y->rss) * (y->rss < RSS_USUAL ? y->rss : RSS_USUAL) / RSS_USUAL;
	/* Nobody can do much about these. */
	end(k, y->mostly == MEMORY_FILES || y->mostly == MEMORY_OWN ? weight / 10 : weight);
}

/* ---- Two runs ---- */

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static uint64_t change_of(const struct diff_entry *e, enum sort_key key)
{
	return difference(e->is[key], e->was[key]);
}

/* Writes the function that uses the memory of an entry's row. */
static void write_entry(struct maker *k, const struct diff *d, uint32_t entry, struct out *out)
{
	const struct diff_entry *e = &d->list[entry];
	const struct model *m = diff_model(d, e);
	struct labels labels;

	if (!labels_init(&labels, m, k->arena))
		return;
	for (uint32_t n = 0; n < m->all.count; n++) {
		if (model_row(m, &m->all, n).id == e->row.id) {
			write_row(out, &labels, n, k->users.row);
			return;
		}
	}
}

/* The entry whose figure has changed most in the direction of the whole. UINT32_MAX: there is none. */
static uint32_t find_change(const struct diff *d, enum sort_key key, bool grown)
{
	uint32_t most = UINT32_MAX;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct diff_entry *e = &d->list[i];
		bool same_way = grown ? e->is[key] > e->was[key] : e->is[key] < e->was[key];

		if (same_way && (most == UINT32_MAX || change_of(e, key) > change_of(&d->list[most], key)))
			most = i;
	}
	return most;
}

/* Says how the sum of a key differs between the runs. */
static void add_change(struct maker *k, const struct diff *d, enum sort_key key, uint64_t was, uint64_t is, uint64_t weight)
{
	uint32_t most = find_change(d, key, is >= was);
	struct out *out = begin(k);

	out_text(out, key == SORT_SIZE ? "The live heap " : "The peak of the heap ");
	if (is == was) {
		out_text(out, "is as large as in the older run, ");
		out_size(out, is);
	} else {
		out_text(out, is > was ? "has grown from " : "has shrunk from ");
		out_size(out, was);
		out_text(out, " in the older run to ");
		out_size(out, is);
	}
	if (most != UINT32_MAX) {
		out_text(out, "; what comes from ");
		write_entry(k, d, most, out);
		out_text(out, ", has ");
		out_size(out, change_of(&d->list[most], key));
		out_text(out, is < was ? " less" : " more");
	}
	end(k, weight);
}

/* A program that frees all at its end has its difference in the peak, so the peak comes first where it has changed much
 * more. A change of less than 1 % is not worth a sentence. */
static void add_diff(struct maker *k)
{
	const struct model_totals *is = &k->m->totals, *was = &k->m->older->totals;
	uint64_t peak = difference(is->peak_size, was->peak_size), size = difference(is->size, was->size);
	bool peak_first = peak / 2 > size, peak_changed = peak > was->peak_size / 100;
	struct diff d;

	if (!diff_make(&d, k->m->older, k->m, k->arena))
		return;
	add_change(k, &d, SORT_SIZE, was->size, is->size, WEIGHT_DIFF);
	if (peak_changed)
		add_change(k, &d, SORT_HEAP_PEAK, was->peak_size, is->peak_size, peak_first ? WEIGHT_DIFF + 1 : WEIGHT_DIFF - 1);
}

void findings_make(struct findings *f, const struct model *m, struct arena *arena)
{
	struct maker *k = arena_alloc(arena, sizeof(*k));

	f->count = 0;
	if (!k || m->totals.partial)
		return;
	k->m = m;
	k->sampled = m->sample_bytes || (m->older && m->older->sample_bytes);
	k->arena = arena;
	if (!users_add_up(&k->users, m, arena))
		return;
	if (m->options->diff && m->older)
		add_diff(k);
	find_growing(k);
	add_live(k);
	add_growing(k);
	add_peak(k);
	add_calls(k);
	add_memory(k);
	while (f->count < FINDINGS_MOST) {
		struct candidate *most = NULL;

		for (unsigned i = 0; i < k->count; i++) {
			if (k->list[i].text && (!most || k->list[i].weight > most->weight))
				most = &k->list[i];
		}
		if (!most)
			break;
		f->texts[f->count++] = most->text;
		most->text = NULL;
	}
}
