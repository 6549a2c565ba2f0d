/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file format of the viewer speedscope (https://www.speedscope.app/file-format-schema.json, version 0.0.1): the
 * frames once, and for each sort key a profile of all stacks, outermost frame first, with a weight for each. The keys of
 * --sort come first.
 *
 *	{"$schema":"https://www.speedscope.app/file-format-schema.json",
 *	"shared":{"frames":[
 *	{"name":"malloc"},
 *	{"name":"main","file":"src/main.c","line":12}]},
 *	"profiles":[
 *	{"type":"sampled","name":"size: bytes alive now","unit":"bytes","startValue":0,"endValue":22704,
 *	"samples":[
 *	[1,0]],
 *	"weights":[22704]}]}
 *
 * A profile has the 20,000 rows with the largest weights, as far as these are not 0; the others are one stack. A frame
 * has a line where all stacks have it at the same one.
 */
#include "format.h"
#include "json_text.h"
#include "stacks.h"

#include "base/sort.h"
#include "base/version.h"

static const char *const descriptions[SORT_KEYS] = {
#define SORT_KEY(id, name, help)	[SORT_##id] = help,
#include "options/table.def"
};

/* So many stacks of 60 frames for each key are 50 MB, which the viewer opens in half a minute. With 130,000 it took
 * more than two minutes. */
#define STACKS_MOST	20000u

/* The frame that stands for smaller rows: the one behind those of enum stacks_special. */
#define SMALLER		STACKS_SPECIALS

#define BARE	(UINT64_C(1) << 63)	/* no function has a number that reaches this bit */

struct writing {
	const struct model *model;
	const struct catalog *catalog;	/* NULL: there was no memory */
	struct stacks_things frames;
	uint32_t *lines;		/* of each frame; 0: it has none */
	uint64_t rest[SORT_KEYS];	/* the weights of the stack for what memory was too short for */
	struct sort_entry *rows;	/* the numbers of the rows of the profile that is written, the largest first */
	uint32_t listed;		/* how many these are */
	uint64_t smaller;		/* the sum of those that are left out */
	uint32_t path[OPTIONS_DEPTH_MAX + 1];	/* work space: a row's addresses, innermost first */
	struct out *out;
};

/* ---- Frames ---- */

/* Whether the place has no name but the module and the offset in it. */
static bool is_bare(const struct catalog *c, uint32_t place)
{
	return !c->functions[c->places[place].function].name && !c->places[place].inlined;
}

/* A function is one frame, whichever lines of it are in the stacks: a view that merges equal stacks would otherwise show
 * it many times. */
static uint64_t frame_key(const struct catalog *c, uint32_t address, uint32_t place)
{
	if (is_bare(c, place))
		return BARE | address;
	return (uint64_t)c->places[place].function << 32 | c->places[place].file;
}

/* Finds the line of each frame, where all of its places have the same one. False: there is no memory. */
static bool find_lines(struct writing *w, struct arena *arena)
{
	const struct catalog *c = w->catalog;

	w->lines = arena_alloc_plenty(arena, ((size_t)w->frames.count + 1) * sizeof(*w->lines));
	for (uint32_t i = 0; w->lines && i < w->frames.count; i++)
		w->lines[i] = c->places[w->frames.place[i]].line;
	for (uint32_t place = 0; w->lines && place < c->place_count; place++) {
		uint32_t frame = w->frames.of_place[place];

		if (w->lines[frame] != c->places[place].line)
			w->lines[frame] = 0;
	}
	return w->lines;
}

/* Writes the function or, where that is not known, the module with the offset in it: "/usr/bin/node (+0xf27811)". */
static void write_name(const struct writing *w, uint32_t address, uint32_t place)
{
	const struct catalog *c = w->catalog;
	const struct catalog_address *a = &c->addresses[address];
	uint32_t function = c->functions[c->places[place].function].name;
	struct out *out = w->out;

	out_char(out, '"');
	if (function) {
		json_text_part(c->texts[function], out);
	} else if (a->module == CATALOG_NO_MODULE || c->places[place].inlined) {
		out_char(out, '?');
	} else {
		json_text_part(c->texts[c->modules[a->module].path], out);
		out_text(out, " (+");
		out_hex(out, a->module_offset);
		out_char(out, ')');
	}
	out_char(out, '"');
}

static void write_frame(const struct writing *w, uint32_t frame)
{
	uint32_t place = w->frames.place[frame];
	const struct catalog_place *p = &w->catalog->places[place];

	out_text(w->out, "{\"name\":");
	write_name(w, w->frames.address[frame], place);
	if (p->file) {
		out_text(w->out, ",\"file\":");
		json_text_write(w->catalog->texts[p->file], w->out);
	}
	if (w->lines[frame]) {
		out_text(w->out, ",\"line\":");
		out_u64(w->out, w->lines[frame]);
	}
	out_text(w->out, "},\n");
}

/* Writes the list of frames. Those that stand for something else come last, and have the numbers frames.count +
 * enum stacks_special. */
static void write_frames(const struct writing *w)
{
	out_text(w->out, "\"shared\":{\"frames\":[\n");
	for (uint32_t i = 0; i < w->frames.count; i++)
		write_frame(w, i);
	for (enum stacks_special i = 0; i < STACKS_SPECIALS; i++) {
		out_text(w->out, "{\"name\":");
		json_text_write(stacks_special_text(i), w->out);
		out_text(w->out, "},\n");
	}
	out_text(w->out, "{\"name\":\"(smaller backtraces)\"}]},\n");
}

/* ---- Profiles ---- */

/* Writes a row's stack as the numbers of its frames, the outermost first. */
static void write_stack(struct writing *w, uint32_t n, const struct model_row *row)
{
	const struct catalog *c = w->catalog;
	enum stacks_special special = stacks_special_of(c, n, row);
	const char *before = "[";
	unsigned count = 0;

	if (special != STACKS_SPECIALS) {
		out_char(w->out, '[');
		out_u64(w->out, w->frames.count + special);
	}
	for (uint32_t i = c->rows[n]; i && special == STACKS_SPECIALS; i = c->nodes[i].outer)
		w->path[count++] = c->nodes[i].address;
	while (count) {
		const struct catalog_address *a = &c->addresses[w->path[--count]];

		for (uint32_t i = a->place_count; i--; before = ",") {
			out_text(w->out, before);
			out_u64(w->out, w->frames.of_place[a->first_place + i]);
		}
	}
	out_char(w->out, ']');
}

/* Chooses the rows of a key's profile: the largest ones whose weight is not 0. Returns the sum over all rows. */
static uint64_t choose_rows(struct writing *w, enum sort_key key)
{
	uint64_t sum = w->rest[key];
	uint32_t count = 0;

	for (uint32_t n = 0; w->catalog && n < w->model->all.count; n++) {
		uint64_t weight = model_row(w->model, &w->model->all, n).values[key];

		sum += weight;
		if (weight)
			w->rows[count++] = (struct sort_entry){ weight, n };
	}
	w->listed = count < STACKS_MOST ? count : STACKS_MOST;
	w->smaller = 0;
	if (w->catalog)
		sort_largest(w->rows, count, w->listed);
	for (uint32_t i = w->listed; i < count; i++)
		w->smaller += w->rows[i].key;
	return sum;
}

/* Writes the stacks of the chosen rows, and those that stand for others. */
static void write_samples(struct writing *w, enum sort_key key)
{
	const char *before = "\n";

	for (uint32_t i = 0; i < w->listed; i++) {
		uint32_t n = w->rows[i].index;
		struct model_row row = model_row(w->model, &w->model->all, n);

		out_text(w->out, before);
		write_stack(w, n, &row);
		before = ",\n";
	}
	for (unsigned i = 0; i < 2; i++) {
		if (!(i ? w->rest[key] : w->smaller))
			continue;
		out_text(w->out, before);
		out_char(w->out, '[');
		out_u64(w->out, w->frames.count + (i ? STACKS_NO_MEMORY : SMALLER));
		out_char(w->out, ']');
		before = ",\n";
	}
}

static void write_weight(struct writing *w, uint64_t weight, bool *first)
{
	if (!*first)
		out_char(w->out, ',');
	*first = false;
	out_u64(w->out, weight);
}

/* Writes the weights of these stacks. */
static void write_weights(struct writing *w, enum sort_key key)
{
	bool first = true;

	for (uint32_t i = 0; i < w->listed; i++)
		write_weight(w, w->rows[i].key, &first);
	if (w->smaller)
		write_weight(w, w->smaller, &first);
	if (w->rest[key])
		write_weight(w, w->rest[key], &first);
}

static const char *unit_of(enum sort_key key)
{
	return model_key_is_size(key) ? "bytes" : key == SORT_AGE ? "nanoseconds" : "none";
}

static void write_profile(struct writing *w, enum sort_key key, bool first)
{
	struct out *out = w->out;

	out_text(out, first ? "{\"type\":\"sampled\",\"name\":\"" : ",\n{\"type\":\"sampled\",\"name\":\"");
	json_text_part(options_sort_name(key), out);
	out_text(out, ": ");
	json_text_part(descriptions[key], out);
	if (w->model->sample_bytes) {
		out_text(out, " (~ estimates, from one block in about ");
		out_size(out, w->model->sample_bytes);
		out_char(out, ')');
	}
	out_text(out, "\",\"unit\":\"");
	out_text(out, unit_of(key));
	out_text(out, "\",\"startValue\":0,\"endValue\":");
	out_u64(out, choose_rows(w, key));
	out_text(out, ",\n\"samples\":[");
	write_samples(w, key);
	out_text(out, "],\n\"weights\":[");
	write_weights(w, key);
	out_text(out, "]}");
}

/* Whether --sort names the key. */
static bool has_section(const struct model *m, enum sort_key key)
{
	for (unsigned i = 0; i < m->section_count; i++) {
		if (m->sections[i].key == key)
			return true;
	}
	return false;
}

/* Writes what the document is of: "node 4711, dump 1". */
static void write_title(const struct model *m, struct out *out)
{
	out_text(out, "\"name\":\"");
	json_text_part(m->process.command, out);
	out_char(out, ' ');
	out_u64(out, m->process.pid);
	out_text(out, ", dump ");
	out_u64(out, m->moment.number);
	out_text(out, "\",\n");
}

static void write_speedscope(const struct model *m, struct arena *arena, struct out *out)
{
	struct writing w = { .model = m, .catalog = catalog_make(m, arena), .out = out };

	w.rows = arena_alloc_plenty(arena, ((size_t)m->all.count + 1) * sizeof(*w.rows));
	if (w.catalog && (!w.rows || !stacks_number(&w.frames, w.catalog, frame_key, arena) || !find_lines(&w, arena)))
		w.catalog = NULL;
	if (!w.catalog)
		w.frames.count = 0;
	stacks_rest(m, w.catalog, w.rest);
	out_text(out, "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
		      "\"exporter\":\"heaptrace@" HEAPTRACE_VERSION "\",\n");
	write_title(m, out);
	out_text(out, "\"activeProfileIndex\":0,\n");
	write_frames(&w);
	out_text(out, "\"profiles\":[\n");
	for (unsigned i = 0; i < m->section_count; i++)
		write_profile(&w, m->sections[i].key, !i);
	for (enum sort_key key = 0; key < SORT_KEYS; key++) {
		if (!has_section(m, key))
			write_profile(&w, key, false);
	}
	out_text(out, "]}\n");
}

const struct format speedscope_format = {
	.name = "speedscope", .replaces = true, .by_reporter = true, .all_rows = true, .all_names = true,
	.rows = MODEL_ROWS_OF_KEY, .sections_max = SORT_KEYS, .write = write_speedscope,
};
