/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of --ignore: one on each line. `#` begins a comment line. Blanks around a rule, a carriage
 * return at its end, and a byte order mark before the first rule do not count. A rule matches a
 * frame when it occurs in the frame's printed line (frame.h), from the address on. A rule that matches
 * nothing may well be a mistake of its writer, so dumps name such rules. Async-signal-safe.
 */
#ifndef ANALYSIS_RULES_H
#define ANALYSIS_RULES_H

#include <stdbool.h>
#include <stddef.h>

#define RULES_BYTES_MAX	((size_t)1 << 20)

struct rules {
	char *text;		/* the rules, each NUL-terminated, one after the other */
	size_t text_bytes;
	size_t count;
	unsigned char *matched;	/* for each rule, whether it has matched; NULL: there are none, or no memory */
	const char *doubt;	/* a sentence for the user: the file seems to be written for another
				 * tool, or in another encoding; or NULL */
};

/*
 * Reads the file. Returns 0 or an errno (EFBIG: it has more than RULES_BYTES_MAX bytes). The memory is
 * never freed: rules live as long as the process.
 */
int rules_read(struct rules *r, const char *path);

/* To be called before each dump: forgets which rules have matched. */
void rules_begin(const struct rules *r);

/* Whether any rule matches the line. Notes which ones do, so only one thread at a time may call this. */
bool rules_match(const struct rules *r, const char *line);

/* How many rules have matched nothing since rules_begin(). */
size_t rules_unmatched(const struct rules *r);

/*
 * The next rule that has matched nothing; NULL: there are no more. *at is zeroed before the first call, and holds
 * the place from one call to the next.
 */
struct rules_place {
	size_t byte, number;
};
const char *rules_next_unmatched(const struct rules *r, struct rules_place *at);

#endif
