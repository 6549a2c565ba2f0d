/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of a JSON report share: how members of objects are written, and the parts that have files of their
 * own. doc/json.md describes the document. Only format/json*.c include this header. Errors of writing are in the struct
 * out.
 */
#ifndef FORMAT_JSON_H
#define FORMAT_JSON_H

#include "format.h"

struct catalog;
struct histograms;
struct numbers_packing;
struct window_rows;

/* ---- Members of an object ---- */

/* Opens an object or a list by its bracket. With a name it is the first member of an object, else an element of a
 * list. */
void json_begin(struct out *out, const char *name, char bracket);

/* Writes "NAME": and, unless it is the first member of its object, a comma before it. */
void json_write_name(struct out *out, bool first, const char *name);

/* Writes a number, or null for the value that stands for what is not known. */
void json_write_known(struct out *out, uint64_t value, uint64_t unknown);

/* Writes the first member of an object. */
void json_first_number(struct out *out, const char *name, uint64_t value);

/* These write a member that is not the first one of its object. unknown: as for json_write_known(). text: NULL becomes
 * null. Addresses become texts, because many readers of JSON keep only 53 bits of a number. */
void json_add_number(struct out *out, const char *name, uint64_t value);
void json_add_known(struct out *out, const char *name, uint64_t value, uint64_t unknown);
void json_add_text(struct out *out, const char *name, const char *text);
void json_add_bool(struct out *out, const char *name, bool value);
void json_add_address(struct out *out, const char *name, uint64_t address);

/* ---- Parts of the document. packing: NULL, or the long lists of numbers are packed (json_numbers.h) ---- */

/* Writes the document (json.c). page: the one that stands in a page. Its long lists of numbers are packed
 * (json_numbers.h), and there are no rows with their frames, because the catalog has them, too. */
void json_write_document(const struct model *m, struct arena *arena, bool page, struct out *out);

/* Writes the members "process" to "memory", each followed by a comma and a newline (json_process.c). */
void json_write_process(const struct model *m, struct out *out);

/* Writes the members "windows" and "events", each followed by a comma and a newline (json_windows.c). */
void json_write_windows(const struct model *m, struct out *out);

/* Write the members "not-seen" and "ignore", each followed by a comma and a newline (json_unseen.c). */
void json_write_not_seen(const struct model_not_seen *n, struct out *out);
void json_write_rules(const struct rules *rules, struct out *out);

/* Writes a member that is a list of modules, and why they lack something (json_unseen.c). */
void json_write_lacks(const char *name, const struct model_lack *lacks, unsigned count, struct out *out);

/* Writes the first members of an object: "threads", and whether there are others, under the name `many` (json.c). */
void json_write_threads(const struct model_threads *threads, const char *many, struct out *out);

/* Why names of functions, or lines, are missing in the module with this path (json_unseen.c). NULL: none are, or there
 * is nothing that a user could do about it. */
const char *json_module_lacks(const struct model *m, const char *path, bool names);

/* Writes the value of the member "catalog": all rows, or null where there is no memory (json_catalog.c). all: of
 * histograms_find(), may be NULL. */
void json_write_catalog(const struct model *m, struct histograms *all, struct numbers_packing *packing,
			struct arena *arena, struct out *out);

/* Writes the member "address" of a catalog's nodes and, packed, "fresh" (json_nodes.c). */
void json_write_nodes(const struct catalog *c, struct numbers_packing *packing, struct arena *arena, struct out *out);

/* Writes the member "windows" of a catalog, which is not the first one: what the rows have of each window, or null
 * where the document is about one (json_window_rows.c). sets: the number of the set of threads of each of w->rows. */
void json_write_window_rows(const struct window_rows *w, const uint32_t *sets, struct numbers_packing *packing,
			    struct arena *arena, struct out *out);

/* Writes the member "text", followed by a comma and a newline: what a text dump says, or null where there is no memory
 * (json_dump.c). */
void json_write_dump(const struct model *m, struct arena *arena, struct out *out);

/* Writes the value of a member "histogram": of a row or, with 0, of the process (json_histogram.c). all: of
 * histograms_find(), may be NULL. */
void json_write_histogram(struct histograms *all, uint32_t row, struct out *out);

/* Writes the value of the member "histogram" of a packed catalog's rows (json_row_histograms.c). */
void json_write_row_histograms(const struct model *m, struct histograms *all, struct numbers_packing *packing,
				struct out *out);

/* Writes the member "groups", followed by a comma and a newline: null without --group, or where there is no memory
 * (json_groups.c). */
void json_write_groups(const struct model *m, struct arena *arena, struct out *out);

/* Writes the member "frames" of a row, which is not the first one of its object (json.c). */
void json_write_frames(const struct model *m, const struct model_row *row, struct out *out);

/* Writes the member "pages", followed by a comma and a newline: null where the table was made without --pages, or there
 * is no memory (json_pages.c). */
void json_write_pages(const struct model *m, struct arena *arena, struct out *out);

/* Writes the member "pools", followed by a comma and a newline (json_pools.c). */
void json_write_pools(const struct model *m, struct arena *arena, struct out *out);

/* Writes the member "growth", followed by a comma and a newline: null without --growth, or where there is no memory, or
 * no earlier moment (json_growth.c). */
void json_write_growth(const struct model *m, struct arena *arena, struct out *out);

/* Write the members "timeline" and "snapshots", each followed by a comma and a newline. Where the model has no history,
 * they are null (json_history.c). */
void json_write_timeline(const struct model *m, struct out *out);
void json_write_snapshots(const struct model *m, struct numbers_packing *packing, struct out *out);

/* Writes the members "older" and "diff", each followed by a comma and a newline: null without --diff, or where there is
 * no memory (json_diff.c). */
void json_write_diff(const struct model *m, struct numbers_packing *packing, struct arena *arena, struct out *out);

#endif
