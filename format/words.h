/* SPDX-License-Identifier: GPL-2.0-only */
/* Phrases that text dumps and the notices around dumps have in common. Async-signal-safe. */
#ifndef FORMAT_WORDS_H
#define FORMAT_WORDS_H

#include "analysis/rules.h"
#include "base/out.h"

/* How many elements of a list are named; of the others only the number is given. */
#define WORDS_NAMED	3u

/* Writes ", and 2 more" behind a list that names the first `named` of `count` elements, and nothing where it names
 * all. before: ", and " or " and ". */
void words_more(struct out *out, const char *before, unsigned named, uint64_t count);

/* Writes why something failed: the reason, or "error 121" where the reason is NULL. */
void words_reason(struct out *out, const char *reason, int error);

/* Writes a rule in quotes. If it has more bytes, 60 at most, it is cut and ends in "...". */
#define WORDS_RULE_BYTES	60u
void words_rule(struct out *out, const char *rule, unsigned bytes);

/* Writes which rules have matched nothing: `2 of 5: "foo", "bar"`. */
void words_unmatched_rules(const struct rules *r, struct out *out);

#endif
