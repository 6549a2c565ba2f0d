/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether two texts are the same, where a text can be missing. */
#ifndef BASE_SAME_TEXT_H
#define BASE_SAME_TEXT_H

#include <stdbool.h>
#include <string.h>

/* NULL is the same as NULL only. Async-signal-safe. */
static inline bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

#endif
