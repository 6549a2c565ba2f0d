/* SPDX-License-Identifier: GPL-2.0-only */
/* What the user's options leave out of a text dump: see text.h. */
#include "text.h"

#include "analysis/rules.h"
#include "base/sort.h"
#include "words.h"

#define RULES_NAMED	10u	/* of those that have left something out */
#define FIGURES_COLUMNS	52u	/* mostly no more columns stand before and behind a rule */
#define RULE_LEAST	20u	/* a rule gets so many columns in any case */

/* Writes a line for each rule that has left blocks out, the largest sums first:
 * [heaptrace] - 53 blocks, 1.204 KB: "leak:^parse*$" */
static void write_counted_rules(const struct text *t, const struct rules *r)
{
	size_t columns = !t->columns ? WORDS_RULE_BYTES :
			 t->columns > FIGURES_COLUMNS + RULE_LEAST ? t->columns - FIGURES_COLUMNS : RULE_LEAST;
	struct sort_entry *entries = arena_alloc(t->arena, r->count * sizeof(*entries));
	const struct rules_hits *hits;
	uint32_t count = 0;

	for (size_t at = 0; entries && (hits = rules_next_counted(r, &at)); )
		entries[count++] = (struct sort_entry){ hits->bytes, (uint32_t)(hits - r->hits) };
	sort_largest(entries, count, RULES_NAMED);
	for (uint32_t i = 0; i < count && i < RULES_NAMED; i++) {
		hits = &r->hits[entries[i].index];
		out_text(t->out, "[heaptrace] - ");
		out_mark(t->out);
		out_count(t->out, hits->blocks, " block, ", " blocks, ");
		out_size(t->out, hits->bytes);
		out_text(t->out, ": ");
		words_rule(t->out, hits->rule, columns < WORDS_RULE_BYTES ? (unsigned)columns : WORDS_RULE_BYTES);
		out_text(t->out, entries[i].index < r->from_file ? "\n" :
				 entries[i].index < r->from_file + r->from_program ? " (of the program)\n" : " (built in)\n");
	}
	if (count > RULES_NAMED) {
		out_text(t->out, "[heaptrace] - ");
		out_count(t->out, count - RULES_NAMED, " more rule\n", " more rules\n");
	}
}

/* Writes how many backtraces the section does not list, and which options did that:
 * [heaptrace] not listed                   : 53 backtraces, 1.204 KB (--min-size, --older-than) */
static void write_filtered(const struct options *o, const struct model_section *s, struct out *out)
{
	const char *before = " (--";

	if (!s->filtered)
		return;
	text_line(out, "not listed                   ");
	out_count(out, s->filtered, " backtrace, ", " backtraces, ");
	out_size(out, s->filtered_size);
	for (unsigned id = OPTION_MIN_SIZE; id <= OPTION_OLDER_THAN; id++) {
		if (!(id == OPTION_MIN_SIZE ? o->min_size : id == OPTION_MIN_COUNT ? o->min_count : o->older_than_ms))
			continue;
		out_text(out, before);
		out_text(out, options_table[id].name);
		before = ", --";
	}
	out_text(out, ")\n");
}

/* Writes how much an option leaves out, if there is anything. */
static void write_left_out(struct out *out, const char *head, uint32_t rows, uint64_t bytes)
{
	if (!rows)
		return;
	text_line(out, head);
	out_count(out, rows, " backtrace, ", " backtraces, ");
	out_size(out, bytes);
	out_char(out, '\n');
}

void text_write_left_out(const struct text *t, const struct model_section *s)
{
	const struct model *m = t->model;
	struct out *out = t->out;

	write_left_out(out, "heap left out by --ignore    ", m->totals.ignored_rows, m->totals.ignored_size);
	if (m->totals.ignored_rows)
		write_counted_rules(t, m->rules);
	if (m->rules && rules_unmatched(m->rules)) {
		text_line(out, "rules that matched nothing   ");
		words_unmatched_rules(m->rules, out);
		out_text(out, " (--ignore)\n");
	}
	write_left_out(out, "heap left out by --focus     ", m->totals.unfocused_rows, m->totals.unfocused_size);
	if (!options_adds_up(m->options))
		write_filtered(m->options, s, out);
}
