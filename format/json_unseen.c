/* SPDX-License-Identifier: GPL-2.0-only */
/* What the figures of a JSON report do not cover, and which names are missing: see json.h. */
#include "json.h"

#include "analysis/rules.h"
#include "json_text.h"

#include <string.h>

void json_write_not_seen(const struct model_not_seen *n, struct out *out)
{
	json_begin(out, "not-seen", '{');
	json_first_number(out, "lost-allocations", n->lost_blocks);
	json_add_number(out, "allocations-without-row", n->overflow_calls);
	json_add_bool(out, "no-space", n->no_space);
	json_add_number(out, "stacks-cut-after-caller", n->stacks_cut);
	json_add_number(out, "stacks-broken", n->stacks_broken);
	json_add_number(out, "stacks-by-slow-unwinder", n->slow_stacks);
	json_add_number(out, "truncated-in-no-file", n->truncated_no_file);
	json_add_number(out, "truncated-in-modules", n->truncated_in_modules);
	json_write_name(out, false, "truncated-modules");
	out_char(out, '[');
	for (unsigned i = 0; i < n->truncated_module_count; i++) {
		if (i)
			out_char(out, ',');
		json_text_write(n->truncated_modules[i], out);
	}
	out_char(out, ']');
	json_add_number(out, "frees-of-unknown-blocks", n->unknown_frees);
	json_add_number(out, "frees-of-untracked-blocks", n->untracked_frees);
	json_add_bool(out, "attached", n->before_attach);
	json_add_number(out, "frees-of-known-blocks", n->known_frees);
	json_add_number(out, "untraced-programs", n->untraced);
	json_add_bool(out, "own-operator-new", n->own_new);
	json_add_bool(out, "own-malloc", n->other_malloc);
	json_add_text(out, "own-allocators", n->own_allocators);
	json_add_bool(out, "valgrind", n->valgrind);
	json_add_bool(out, "namespaces", n->namespaces);
	json_add_number(out, "deep-bound-libraries", n->deep_bound);
	json_add_text(out, "deep-bound-library", n->deep_bound ? n->deep_name : NULL);
	json_add_number(out, "stacks-checked", n->stacks_checked);
	json_add_number(out, "stacks-disagreed", n->stacks_disagreed);
	out_text(out, "},\n");
}

void json_write_rules(const struct rules *rules, struct out *out)
{
	struct rules_place at = { .byte = 0 };
	const struct rules_hits *hits;
	size_t number = 0;
	const char *rule;
	bool first = true;

	json_text_write("ignore", out);
	if (!rules) {
		out_text(out, ":null,\n");
		return;
	}
	out_text(out, ":{");
	json_first_number(out, "rules", rules->from_file);
	json_write_name(out, false, "unmatched");
	out_char(out, '[');
	while ((rule = rules_next_unmatched(rules, &at))) {
		if (!first)
			out_char(out, ',');
		first = false;
		json_text_write(rule, out);
	}
	out_char(out, ']');
	json_write_name(out, false, "matched");
	out_char(out, '[');
	for (first = true; (hits = rules_next_counted(rules, &number)); first = false) {
		out_text(out, first ? "{" : ",{");
		json_write_name(out, true, "rule");
		json_text_write(hits->rule, out);
		json_add_text(out, "from", number <= rules->from_file ? "file" :
					number <= rules->from_file + rules->from_program ? "program" : "built-in");
		json_add_number(out, "blocks", hits->blocks);
		json_add_number(out, "bytes", hits->bytes);
		out_char(out, '}');
	}
	out_text(out, "]},\n");
}

void json_write_lacks(const char *name, const struct model_lack *lacks, unsigned count, struct out *out)
{
	json_write_name(out, false, name);
	out_char(out, '[');
	for (unsigned i = 0; i < count; i++) {
		out_text(out, i ? ",{" : "{");
		json_write_name(out, true, "module");
		json_text_write(lacks[i].module, out);
		json_add_text(out, "why", lacks[i].why);
		json_add_number(out, "errno", (uint64_t)lacks[i].error);
		out_char(out, '}');
	}
	out_char(out, ']');
}

const char *json_module_lacks(const struct model *m, const char *path, bool names)
{
	const struct model_lacks *l = &m->all.lacks;
	const struct model_lack *list = names ? l->names : l->lines;

	for (unsigned i = 0; i < (names ? l->name_count : l->line_count); i++) {
		if (!strcmp(list[i].module, path))
			return list[i].why;
	}
	return NULL;
}
