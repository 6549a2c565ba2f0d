/* SPDX-License-Identifier: GPL-2.0-only */
/* See words.h. */
#include "words.h"

#include <string.h>

void words_more(struct out *out, const char *before, unsigned named, uint64_t count)
{
	if (count <= named)
		return;
	out_text(out, before);
	out_u64(out, count - named);
	out_text(out, " more");
}

void words_reason(struct out *out, const char *reason, int error)
{
	out_text(out, reason ? reason : "error ");
	if (!reason)
		out_u64(out, (uint64_t)error);
}

void words_rule(struct out *out, const char *rule, unsigned bytes)
{
	char part[WORDS_RULE_BYTES + 1];
	size_t len = strlen(rule);

	if (len <= bytes) {
		memcpy(part, rule, len + 1);
	} else {
		memcpy(part, rule, bytes - 3);
		memcpy(part + bytes - 3, "...", 4);
	}
	out_char(out, '"');
	out_name(out, part);
	out_char(out, '"');
}

void words_unmatched_rules(const struct rules *r, struct out *out)
{
	size_t unmatched = rules_unmatched(r);
	struct rules_place at = { .byte = 0 };
	unsigned named = 0;
	const char *rule;

	out_u64(out, unmatched);
	out_text(out, " of ");
	out_u64(out, r->from_file);
	while (named < WORDS_NAMED && (rule = rules_next_unmatched(r, &at))) {
		out_text(out, named++ ? ", " : ": ");
		words_rule(out, rule, WORDS_RULE_BYTES);
	}
	words_more(out, ", and ", named, unmatched);
}
