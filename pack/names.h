/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names in a packed record, for a report where the program's files are not: for each address of the table's rows
 * what its file says. A report makes of them what it makes of the files: it demangles, leaves out lines and so on, as
 * its options say.
 *
 *	head	symbols		       modules  calls			      text
 *		addresses with names   files    lines and inlined functions   NUL-terminated names and paths
 *
 * A place in the text is an offset from its beginning; 0 is no text. For any thread, each object for one at a time.
 * Memory comes from malloc().
 */
#ifndef PACK_NAMES_H
#define PACK_NAMES_H

#include "analysis/names.h"
#include "pack.h"

/* ---- Looking up all names, to pack them ---- */

struct pack_collector;

#define PACK_NAMES_ARRAYS	5u

/*
 * Looks up the names for all rows of a table, as a report by this request would. The request may have a store of names
 * already: then the names of its modules come from there. arrays[0..PACK_NAMES_ARRAYS) become what pack_write() takes,
 * until pack_names_free(). NULL: there is no memory.
 */
struct pack_collector *pack_names_collect(const struct model_request *request,
					  struct pack_array arrays[PACK_NAMES_ARRAYS]);
void pack_names_free(struct pack_collector *collector);

/* ---- Names of a record that was unpacked ---- */

/* The store that a request takes names from (analysis/names.h). names: those of struct pack, from malloc(); they become
 * the store's. NULL: they are damaged, or there is no memory; then they have been freed. */
struct names_store *pack_names_open(const struct table *table, void *names, size_t bytes);
void pack_names_close(struct names_store *store);

#endif
