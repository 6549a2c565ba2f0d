/* SPDX-License-Identifier: GPL-2.0-only */
/* See words.h. */
#include "words.h"

#include <string.h>

#define RULE_BYTES	60u	/* a rule with more bytes is cut, and ends in "..." */

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

static void write_rule(const char *rule, struct out *out)
{
	char part[RULE_BYTES + 1];
	size_t len = strlen(rule);

	if (len < sizeof(part)) {
		memcpy(part, rule, len + 1);
	} else {
		memcpy(part, rule, sizeof(part) - 4);
		memcpy(part + sizeof(part) - 4, "...", 4);
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
	out_u64(out, r->count);
	while (named < WORDS_NAMED && (rule = rules_next_unmatched(r, &at))) {
		out_text(out, named++ ? ", " : ": ");
		write_rule(rule, out);
	}
	words_more(out, ", and ", named, unmatched);
}
