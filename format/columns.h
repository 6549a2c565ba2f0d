/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The columns of tables for people: shares, figures in one unit for each column, and names that are shortened to the
 * room that is left. Only what the reporter writes uses them (text_report_format). Errors of writing are in the
 * struct out.
 */
#ifndef FORMAT_COLUMNS_H
#define FORMAT_COLUMNS_H

#include "analysis/labels.h"
#include "base/out.h"

#define COLUMNS_SHARE	7u	/* columns of a share: "100.0 %" */

/* The line that explains the bounds in a column. */
#define COLUMNS_BOUND_MEANS	"<=: at most, because its backtraces had their peaks at different moments\n"

/* A column with the figures of one sort key. */
struct column {
	enum sort_key key;
	uint64_t unit;			/* the figures are divided by it */
	const char *unit_name;		/* " MB", or "" */
	unsigned width;
	bool estimated;			/* figures are marked: "~12.345 MB" */
	bool bounds;			/* figures can be bounds: "<= 12.345 MB" */
};

/* Prepares the column for figures that are not above `largest`. estimates: the figures are, but for ages. */
struct column column_make(enum sort_key key, uint64_t largest, bool estimates);

/* Writes the name of the column's key, and a figure, each right-aligned. is_bound: the true figure can be smaller. */
void column_write_head(const struct column *c, struct out *out);
void column_write(const struct column *c, uint64_t figure, bool is_bound, struct out *out);

/* Writes a text right-aligned. */
void columns_right(const char *text, size_t columns, struct out *out);

/* Writes what share of the whole a part is, in COLUMNS_SHARE columns: " 43.2 %". Blanks where the whole is 0. */
void columns_share(uint64_t part, uint64_t whole, struct out *out);

/* How many columns a table may take that is written to *out: those of the terminal, for which out_fit_terminal() was
 * called; any number (0) in a file; and else 80. Keeps errno. */
size_t columns_of_table(const struct out *out);

/* Whether the user's locale has UTF-8, so that lines and blocks can be drawn. By the environment, so not for the traced
 * process. */
bool columns_have_utf8(void);

/* The key of a second column of figures beside that of the sort key: what else people ask about its rows. */
enum sort_key columns_second_key(enum sort_key key);

/* Work space in which names are shortened. */
struct columns_names {
	struct arena *arena;
	char *work;
	size_t work_bytes;
};

/*
 * Writes a function and the place in its source: "parse(char const*) at src/parse.cc:214". Unknown functions are
 * named by their module: "? in /usr/bin/perl". columns: how many the text may take, 0: any number. Where it would take
 * more, first the directories are left out, then template arguments and parameters, then the place, and then the
 * beginning of the name. file: NULL, where the place is not known.
 */
void columns_place(struct columns_names *n, const char *function, const char *module, const char *file, uint32_t line,
		   size_t columns, struct out *out);

/* Writes a path, or its end behind "..." where it takes more columns. */
void columns_path(const char *path, size_t columns, struct out *out);

#endif
