/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The output formats: one const struct and one file for each. A format reads a model and nothing else, and writes
 * it to a struct out.
 *
 * The traced process itself writes the formats that are not by_reporter, perhaps in a signal handler. So their code
 * is async-signal-safe, and takes memory from the arena only. The formats that are by_reporter are written by the
 * watcher, --report and --dump: these are formats that the traced process never writes, and text as it is with certain
 * options (options_by_reporter()). They are not linked into the library, because nothing there refers to them.
 */
#ifndef FORMAT_FORMAT_H
#define FORMAT_FORMAT_H

#include "analysis/model.h"
#include "base/out.h"

struct format {
	const char *name;
	bool replaces;		/* a dump is one document, and the newest one replaces the one before it */
	bool figures;		/* it shows the parts of a model that model_request.figures requests */
	bool by_reporter;	/* the traced process never writes it: see options_by_reporter() */
	enum model_rows rows;	/* what a section lists */
	bool runtime_apart;	/* see model_request */
	bool all_rows;		/* see model_request. There is a document then of the program that was started, and of
				 * each other process that has called malloc(), even where nothing is live at its end */
	bool all_names;		/* see model_request */
	uint8_t sections_max;	/* how many sections, one for each sort key, it can show */
	/* Writes a model, which has at least one section. The arena is for work space. Where it has no memory, the
	 * format still writes as much as it can. Errors of writing are in *out. */
	void (*write)(const struct model *m, struct arena *arena, struct out *out);
};

extern const struct format text_format, folded_format, svg_format, html_format, pprof_format, perfetto_format,
	massif_format, json_format, speedscope_format, csv_format;
/* The text dump with what options of the purpose REPORTER ask for: its name is "text", too. */
extern const struct format text_report_format;

/* The format of dumps that the options choose. Async-signal-safe. */
const struct format *format_of(const struct options *o);

/*
 * Makes format_of() know the formats that are by_reporter. formats: an array of static lifetime that ends with
 * NULL. The wrapper calls this before anything else. The library does not call it, so that none of their code is
 * linked into it; there format_of() returns the text format for them.
 */
void format_offer(const struct format *const *formats);

#endif
