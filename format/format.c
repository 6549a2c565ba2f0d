/* SPDX-License-Identifier: GPL-2.0-only */
/* See format.h. */
#include "format.h"

#include <string.h>

static const struct format *const *offered;

void format_offer(const struct format *const *formats)
{
	offered = formats;
}

const struct format *format_of(const struct options *o)
{
	enum output_format wanted = options_format(o);

	for (unsigned i = 0; offered && offered[i]; i++) {
		if (options_by_reporter(o) && !strcmp(offered[i]->name, options_format_name(wanted)))
			return offered[i];
	}
	return wanted == OUTPUT_FOLDED ? &folded_format : &text_format;
}
