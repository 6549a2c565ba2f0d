/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of --ignore: one a line, `#` begins a comment line, blanks around a rule do not
 * count. A rule matches a frame when it occurs in the frame's printed line, from the
 * address on. Async-signal-safe.
 */
#ifndef REPORT_RULES_H
#define REPORT_RULES_H

#include <stdbool.h>
#include <stddef.h>

#define RULES_BYTES_MAX	((size_t)1 << 20)

struct rules {
	char *text;		/* the rules, each NUL-terminated, one after the other */
	size_t text_bytes;
	size_t count;
};

/*
 * Reads the file. Returns 0 or an errno (EFBIG: more than RULES_BYTES_MAX). The memory is
 * never given back: rules live as long as the process.
 */
int rules_read(struct rules *r, const char *path);

bool rules_match(const struct rules *r, const char *line);

#endif
