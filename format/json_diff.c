/* SPDX-License-Identifier: GPL-2.0-only */
/* The older run in a JSON report, and what differs between the two (--diff): see json.h. */
#include "json_numbers.h"

#include "analysis/diff.h"

/* Of an entry: the places of its rows in the two runs' model.all; of several, those with the most calls. */
struct places {
	uint32_t new, old;
};

#define NO_ROW	UINT32_MAX

/* Finds the rows of one run with the most calls. */
static void find_places(const struct model *m, const uint32_t *entry_of_row, struct places *places, bool is_new)
{
	for (uint32_t n = 0; n < m->all.count; n++) {
		struct places *p = &places[entry_of_row[n]];
		uint32_t *place = is_new ? &p->new : &p->old;

		if (*place == NO_ROW || model_row(m, &m->all, n).values[SORT_TOTAL_COUNT] >
					model_row(m, &m->all, *place).values[SORT_TOTAL_COUNT])
			*place = n;
	}
}

static struct places *make_places(const struct diff *d, struct arena *arena)
{
	struct places *places = arena_alloc(arena, (d->count + (size_t)1) * sizeof(*places));

	if (!places)
		return NULL;
	for (uint32_t i = 0; i < d->count; i++)
		places[i] = (struct places){ NO_ROW, NO_ROW };
	find_places(d->newer, d->entry_of_new, places, true);
	find_places(d->older, d->entry_of_old, places, false);
	return places;
}

static void write_places(const struct diff *d, const struct places *places, bool is_new, struct out *out)
{
	json_write_name(out, !is_new, is_new ? "new" : "old");
	out_char(out, '[');
	for (uint32_t i = 0; i < d->count; i++) {
		uint32_t place = is_new ? places[i].new : places[i].old;

		if (i)
			out_char(out, ',');
		if (place == NO_ROW)
			out_text(out, "-1");
		else
			out_u64(out, place);
	}
	out_char(out, ']');
}

static void write_values(const struct diff *d, bool is, struct numbers_packing *packing, struct out *out)
{
	enum numbers_form list = numbers_form(packing, NUMBERS_PACKED);

	json_write_name(out, false, is ? "is" : "was");
	out_char(out, '{');
	for (unsigned key = 0; key < SORT_KEYS; key++) {
		const char *name = options_sort_name((enum sort_key)key);

		NUMBERS_WRITE(out, packing, !key, name, list, d->count, v,
			      v = is ? d->list[i].is[key] : d->list[i].was[key]);
	}
	out_char(out, '}');
}

static void write_diff(const struct diff *d, const struct places *places, struct numbers_packing *packing,
		       struct out *out)
{
	enum numbers_form list = numbers_form(packing, NUMBERS_PACKED);
	enum numbers_form steps = numbers_form(packing, NUMBERS_DIFFERENCES);

	json_begin(out, "diff", '{');
	write_places(d, places, false, out);
	write_places(d, places, true, out);
	NUMBERS_WRITE(out, packing, false, "by-likeness", list, d->count, v, v = d->list[i].by_likeness);
	write_values(d, false, packing, out);
	write_values(d, true, packing, out);
	NUMBERS_WRITE(out, packing, false, "entry-of-old", steps, d->older->all.count, v, v = d->entry_of_old[i]);
	NUMBERS_WRITE(out, packing, false, "entry-of-new", steps, d->newer->all.count, v, v = d->entry_of_new[i]);
	out_text(out, "},\n");
}

void json_write_diff(const struct model *m, struct numbers_packing *packing, struct arena *arena, struct out *out)
{
	const struct model *older = m->options->diff ? m->older : NULL;
	struct places *places;
	struct diff d;

	if (!older) {
		out_text(out, "\"older\":null,\n\"diff\":null,\n");
		return;
	}
	json_begin(out, "older", '{');
	json_write_process(older, out);
	json_write_timeline(older, out);
	json_write_name(out, true, "catalog");
	json_write_catalog(older, NULL, packing, arena, out);
	out_text(out, "},\n");
	if (diff_make(&d, older, m, arena) && (places = make_places(&d, arena)))
		write_diff(&d, places, packing, out);
	else
		out_text(out, "\"diff\":null,\n");
}
