/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The output formats: one const struct and one file for each. A format reads a model and nothing else, and writes
 * it to a struct out.
 *
 * Formats that are not by_reporter can be written by the traced process in a signal handler: their code is
 * async-signal-safe, and they take memory from the arena only. The others belong to the process that holds the table
 * (the watcher, --report, --dump). They are not linked into the library, because nothing there refers to them.
 */
#ifndef FORMAT_FORMAT_H
#define FORMAT_FORMAT_H

#include "analysis/model.h"
#include "base/out.h"

struct format {
	const char *name;
	bool replaces;		/* the newest dump replaces the older one: it is one document */
	bool figures;		/* shows what model_request.figures asks for */
	bool by_reporter;	/* the traced process never writes it: options_by_reporter() */
	enum model_rows rows;	/* what a section lists */
	uint8_t sections_max;	/* sort keys it has a place for */
	/* m has at least one section. The arena is for work space; where that is short, the output has to
	 * do without. */
	void (*write)(const struct model *m, struct arena *arena, struct out *out);
};

extern const struct format text_format, folded_format, json_format;

/* The format that the options name. */
const struct format *format_of(const struct options *o);

/*
 * Adds the formats that are by_reporter, an array with NULL at its end. The wrapper calls this first thing. The
 * library does not, so that none of their code is linked into it: there format_of() gives text for them.
 */
void format_offer(const struct format *const *formats);

#endif
