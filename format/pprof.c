/* SPDX-License-Identifier: GPL-2.0-only */
/* See pprof.h. */
#include "pprof.h"

#include "format.h"
#include "gzip.h"
#include "pprof_wire.h"

#include <string.h>

/* The fields of the messages ValueType, Sample, Label, Location, Line and Function. */
enum { VALUE_TYPE_TYPE = 1, VALUE_TYPE_UNIT };
enum { SAMPLE_LOCATION_ID = 1, SAMPLE_VALUE, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_STR };
enum { LOCATION_ID = 1, LOCATION_MAPPING_ID, LOCATION_ADDRESS, LOCATION_LINE };
enum { LINE_FUNCTION_ID = 1, LINE_LINE };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME, FUNCTION_FILENAME };

/* The keys whose figures the sample types have, in their order. */
static const uint8_t type_keys[PPROF_TYPES] = {
	SORT_TEMPORARY, SORT_TOTAL_COUNT, SORT_TOTAL_SIZE, SORT_HEAP_PEAK, SORT_COUNT, SORT_SIZE,
};

/* The sample type that shows a key, or what is nearest to it. */
static enum pprof_text type_of(enum sort_key key)
{
	if (key == SORT_PEAK_SIZE)
		key = SORT_HEAP_PEAK;
	if (key == SORT_PEAK_COUNT)
		key = SORT_COUNT;
	for (unsigned i = 0; i < PPROF_TYPES; i++) {
		if (type_keys[i] == key)
			return PPROF_FIRST_TYPE + i;
	}
	return PPROF_LAST_TYPE;
}

/* ---- Types of values ---- */

static void write_type(const void *context, uint32_t type, struct out *out)
{
	const struct pprof *p = context;
	enum pprof_text unit = model_key_is_size(type_keys[type]) ? PPROF_BYTES : PPROF_COUNT;

	pprof_wire_field(out, VALUE_TYPE_TYPE, p->texts_fixed + PPROF_FIRST_TYPE + type);
	pprof_wire_field(out, VALUE_TYPE_UNIT, p->texts_fixed + unit);
}

/* Each allocation is a sample, and the period is 1 byte, unless blocks were sampled. The values are those of all blocks
 * in any case. */
static void write_period_type(const void *context, uint32_t n, struct out *out)
{
	const struct pprof *p = context;

	(void)n;
	pprof_wire_field(out, VALUE_TYPE_TYPE, p->texts_fixed + PPROF_SPACE);
	pprof_wire_field(out, VALUE_TYPE_UNIT, p->texts_fixed + PPROF_BYTES);
}

/* ---- Samples ---- */

struct sample {
	const struct pprof *profile;
	const uint64_t *values;		/* by enum sort_key */
	enum stacks_special special;	/* STACKS_SPECIALS: the stack is ... */
	uint32_t node;			/* ... that of this node */
	uint32_t threads;		/* the text that names them; 0: there is none */
};

static uint32_t special_location(const struct pprof *p, enum stacks_special which)
{
	return (p->catalog ? p->catalog->address_count : 0) + 1 + which;
}

static void write_location_ids(const void *context, uint32_t n, struct out *out)
{
	const struct sample *s = context;
	const struct catalog *c = s->profile->catalog;

	(void)n;
	if (s->special != STACKS_SPECIALS) {
		pprof_wire_number(out, special_location(s->profile, s->special));
		return;
	}
	for (uint32_t i = s->node; i; i = c->nodes[i].outer)
		pprof_wire_number(out, (uint64_t)c->nodes[i].address + 1);
}

static void write_values(const void *context, uint32_t n, struct out *out)
{
	const struct sample *s = context;

	(void)n;
	for (unsigned i = 0; i < PPROF_TYPES; i++)
		pprof_wire_number(out, s->values[type_keys[i]]);
}

static void write_label(const void *context, uint32_t n, struct out *out)
{
	const struct sample *s = context;

	(void)n;
	pprof_wire_field(out, LABEL_KEY, s->profile->texts_fixed + PPROF_THREADS);
	pprof_wire_field(out, LABEL_STR, s->threads);
}

static void write_sample(const void *context, uint32_t n, struct out *out)
{
	const struct sample *s = context;

	pprof_wire_bytes(out, SAMPLE_LOCATION_ID, write_location_ids, s, n);
	pprof_wire_bytes(out, SAMPLE_VALUE, write_values, s, n);
	if (s->threads)
		pprof_wire_bytes(out, SAMPLE_LABEL, write_label, s, n);
}

static void write_samples(struct pprof *p, struct out *out)
{
	const struct model *m = p->model;
	struct sample s = { .profile = p };

	for (uint32_t n = 0; p->catalog && n < m->all.count; n++) {
		struct model_row row = model_row(m, &m->all, n);

		s.values = row.values;
		s.special = stacks_special_of(p->catalog, n, &row);
		s.node = p->catalog->rows[n];
		s.threads = p->threads ? p->threads[n] : 0;
		if (s.special != STACKS_SPECIALS)
			p->special[s.special] = true;
		pprof_wire_bytes(out, PROFILE_SAMPLE, write_sample, &s, n);
	}
	p->special[STACKS_NO_MEMORY] = stacks_rest(m, p->catalog, p->rest);
	if (p->special[STACKS_NO_MEMORY]) {
		s = (struct sample){ .profile = p, .values = p->rest, .special = STACKS_NO_MEMORY };
		pprof_wire_bytes(out, PROFILE_SAMPLE, write_sample, &s, 0);
	}
}

/* ---- Locations and functions ---- */

static void write_line(const void *context, uint32_t place, struct out *out)
{
	const struct pprof *p = context;

	pprof_wire_field(out, LINE_FUNCTION_ID, (uint64_t)p->functions.of_place[place] + 1);
	pprof_wire_field(out, LINE_LINE, p->catalog->places[place].line);
}

static void write_location(const void *context, uint32_t n, struct out *out)
{
	const struct pprof *p = context;
	const struct catalog_address *a = &p->catalog->addresses[n];

	pprof_wire_field(out, LOCATION_ID, (uint64_t)n + 1);
	pprof_wire_field(out, LOCATION_MAPPING_ID, p->mapping_ids[a->module]);
	pprof_wire_field(out, LOCATION_ADDRESS, a->instruction);
	for (uint32_t i = 0; i < a->place_count; i++)
		pprof_wire_bytes(out, LOCATION_LINE, write_line, p, a->first_place + i);
}

static void write_special_line(const void *context, uint32_t which, struct out *out)
{
	const struct pprof *p = context;

	pprof_wire_field(out, LINE_FUNCTION_ID, (uint64_t)p->functions.count + 1 + which);
}

static void write_special_location(const void *context, uint32_t which, struct out *out)
{
	pprof_wire_field(out, LOCATION_ID, special_location(context, (enum stacks_special)which));
	pprof_wire_bytes(out, LOCATION_LINE, write_special_line, context, which);
}

/* The number of the text that names a place's function. */
static uint32_t name_of(const struct pprof *p, uint32_t place)
{
	const struct catalog_function *f = &p->catalog->functions[p->catalog->places[place].function];

	return f->name != CATALOG_NO_TEXT ? f->name : pprof_unnamed(p, f->module);
}

/* Functions are one where their names and files are the same. Those without names are one for each module. */
static uint64_t function_key(const struct catalog *c, uint32_t address, uint32_t place)
{
	const struct catalog_function *f = &c->functions[c->places[place].function];
	uint32_t name = f->name != CATALOG_NO_TEXT ? f->name : c->text_count + f->module;

	(void)address;
	return (uint64_t)name << 32 | c->places[place].file;
}

static void write_function(const void *context, uint32_t n, struct out *out)
{
	const struct pprof *p = context;
	uint32_t place = p->functions.place[n];

	pprof_wire_field(out, FUNCTION_ID, (uint64_t)n + 1);
	pprof_wire_field(out, FUNCTION_NAME, name_of(p, place));
	pprof_wire_field(out, FUNCTION_SYSTEM_NAME, name_of(p, place));
	pprof_wire_field(out, FUNCTION_FILENAME, p->catalog->places[place].file);
}

static void write_special_function(const void *context, uint32_t which, struct out *out)
{
	const struct pprof *p = context;

	pprof_wire_field(out, FUNCTION_ID, (uint64_t)p->functions.count + 1 + which);
	pprof_wire_field(out, FUNCTION_NAME, p->texts_fixed + PPROF_FIRST_SPECIAL + which);
	pprof_wire_field(out, FUNCTION_SYSTEM_NAME, p->texts_fixed + PPROF_FIRST_SPECIAL + which);
}

static void write_frames(const struct pprof *p, struct out *out)
{
	for (uint32_t n = 0; p->catalog && n < p->catalog->address_count; n++)
		pprof_wire_bytes(out, PROFILE_LOCATION, write_location, p, n);
	for (uint32_t n = 0; n < p->functions.count; n++)
		pprof_wire_bytes(out, PROFILE_FUNCTION, write_function, p, n);
	for (uint32_t which = 0; which < STACKS_SPECIALS; which++) {
		if (!p->special[which])
			continue;
		pprof_wire_bytes(out, PROFILE_LOCATION, write_special_location, p, which);
		pprof_wire_bytes(out, PROFILE_FUNCTION, write_special_function, p, which);
	}
}

/* ---- Preparations ---- */

/* Numbers the modules. The first mapping has to be the program's. False: there is no memory. */
static bool number_mappings(struct pprof *p)
{
	const struct catalog *c = p->catalog;
	uint32_t next = 1;

	p->mapping_ids = arena_alloc(p->arena, c->module_count * sizeof(*p->mapping_ids));
	p->mappings = arena_alloc(p->arena, c->module_count * sizeof(*p->mappings));
	if (!p->mapping_ids || !p->mappings)
		return false;
	for (unsigned pass = 0; pass < 2; pass++) {
		for (uint32_t n = CATALOG_NO_MODULE + 1; n < c->module_count; n++) {
			bool program = p->model->program && !strcmp(c->texts[c->modules[n].path], p->model->program);

			if (program != !pass)
				continue;
			p->mappings[next] = n;
			p->mapping_ids[n] = next++;
		}
	}
	return true;
}

/* Finds the texts of the rows' threads, where one of the rows is of another thread than the main one. */
static void name_threads(struct pprof *p)
{
	const struct model *m = p->model;
	struct labels *labels = arena_alloc_plenty(p->arena, sizeof(*labels));
	uint32_t *texts = arena_alloc_plenty(p->arena, ((size_t)m->all.count + 1) * sizeof(*texts));
	bool others = false;

	if (!labels || !texts || !labels_init(labels, m, p->arena))
		return;
	for (uint32_t n = 0; n < m->all.count; n++) {
		uint64_t set = model_row(m, &m->all, n).threads;
		struct model_threads threads;
		uint32_t label;

		model_threads(m, set, &threads);
		others |= !threads.main_alone;
		if ((threads.count || threads.many) && labels_of_threads(labels, set, &label))
			texts[n] = p->texts_threads + label;
	}
	if (others) {
		p->labels = labels;
		p->threads = texts;
	}
}

static void prepare(struct pprof *p, const struct model *m, struct arena *arena)
{
	*p = (struct pprof){ .model = m, .arena = arena, .catalog = catalog_make(m, arena) };
	if (p->catalog && (!stacks_number(&p->functions, p->catalog, function_key, arena) || !number_mappings(p)))
		p->catalog = NULL;
	if (!p->catalog)
		p->functions.count = 0;
	p->texts_fixed = p->catalog ? p->catalog->text_count : CATALOG_NO_TEXT + 1;
	p->texts_modules = p->texts_fixed + PPROF_TEXTS;
	p->texts_threads = p->texts_modules + (p->catalog ? 2 * p->catalog->module_count : 0);
	if (p->catalog)
		name_threads(p);
}

/* ---- The profile ---- */

static void write_profile(struct pprof *p, struct out *out)
{
	const struct model *m = p->model;

	for (uint32_t type = 0; type < PPROF_TYPES; type++)
		pprof_wire_bytes(out, PROFILE_SAMPLE_TYPE, write_type, p, type);
	write_samples(p, out);
	if (p->catalog)
		pprof_mappings_write(p, out);
	write_frames(p, out);
	pprof_texts_write(p, out);
	pprof_wire_field(out, PROFILE_DROP_FRAMES, p->texts_fixed + PPROF_DROP_FRAMES);
	pprof_wire_field(out, PROFILE_TIME_NANOS, m->moment.begun_real_ns + m->moment.runtime_ns);
	pprof_wire_field(out, PROFILE_DURATION_NANOS, m->moment.runtime_ns);
	pprof_wire_bytes(out, PROFILE_PERIOD_TYPE, write_period_type, p, 0);
	pprof_wire_field(out, PROFILE_PERIOD, m->sample_bytes ? m->sample_bytes : 1);
	for (uint32_t n = PPROF_FIRST_COMMENT; n <= PPROF_LAST_COMMENT; n++)
		pprof_wire_field(out, PROFILE_COMMENT, p->texts_fixed + n);
	pprof_wire_field(out, PROFILE_DEFAULT_SAMPLE_TYPE, p->texts_fixed + type_of(m->sections[0].key));
}

static bool is_gz(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	return len > 3 && !strcmp(name + len - 3, ".gz");
}

/* Where the name of the file ends in .gz, what it holds is framed so. */
static void write_pprof(const struct model *m, struct arena *arena, struct out *out)
{
	struct gzip gzip;
	struct pprof p;

	prepare(&p, m, arena);
	if (is_gz(m->options->outfile)) {
		write_profile(&p, gzip_begin(&gzip, out));
		gzip_end(&gzip);
	} else {
		write_profile(&p, out);
	}
}

const struct format pprof_format = {
	.name = "pprof", .replaces = true, .by_reporter = true, .all_rows = true, .all_names = true,
	.rows = MODEL_ROWS_OF_KEY, .sections_max = SORT_KEYS, .write = write_pprof,
};
