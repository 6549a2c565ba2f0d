/* SPDX-License-Identifier: GPL-2.0-only */
/* Phrases that dumps and the notices around them have in common. Async-signal-safe. */
#ifndef FORMAT_WORDS_H
#define FORMAT_WORDS_H

#include "analysis/rules.h"
#include "base/out.h"

/* A list in which only the first few of many are named. */
#define WORDS_NAMED	3u

/* ", and 2 more" after the first `named` of `count`; nothing where all are named. before: ", and " or " and ". */
void words_more(struct out *out, const char *before, unsigned named, uint64_t count);

/* Why something failed: the reason, or "error 121" where it is NULL. */
void words_reason(struct out *out, const char *reason, int error);

/* The rules that matched nothing: `2 of 5: "foo", "bar"`. */
void words_unmatched_rules(const struct rules *r, struct out *out);

#endif
