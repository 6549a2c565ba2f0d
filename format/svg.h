/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the flame graph share. Only format/svg*.c include this header. doc/formats.md describes the
 * picture.
 *
 *	model, or two with --diff -> struct merged -> svg_choose() -> svg_write_frames(): what is seen without scripts
 *	                                                           -> svg_write_data(): what report/svg.js draws anew
 *
 * Errors of writing are in the struct out.
 */
#ifndef FORMAT_SVG_H
#define FORMAT_SVG_H

#include "analysis/merged.h"
#include "format.h"

#define SVG_NAME_CHARACTERS	2000u	/* of a name in the data; a longer one is cut off */
#define SVG_LEVEL	17u	/* pixels from a level of frames to the next one */

/* Figures of the tree that belong together: those of one sort key. With --diff each has one of the older run, too. */
struct svg_view {
	enum sort_key key, other;	/* the weight; and the count or the bytes that belong to it */
	uint8_t weight, second;		/* their columns in the tree */
	uint8_t weight_was, second_was;	/* with --diff: the columns of the older run */
};

struct svg {
	const struct model *model;
	struct arena *arena;
	struct out *out;
	bool diff;
	struct svg_view views[SORT_KEYS];	/* the first one is shown first */
	unsigned view_count;
	struct merged tree;
	uint64_t total;			/* the root's weight in the first view */

	/* The mark of a node of the tree has the bits SVG_KEPT and SVG_DRAWN. Its start is the weight left of it, in
	 * the first view. */
	uint32_t *numbers;		/* of each function: its number in the data, + 1; 0: it is not there */
	uint32_t level_count;		/* levels that are drawn */
	uint32_t left_out;		/* nodes that are not in the data... */
	uint64_t left_weight;		/* ...and their weight; an inner one is a part of its outer one's */
};

#define SVG_KEPT	1u	/* the node is in the data */
#define SVG_DRAWN	2u	/* it is drawn where no script runs, too */

/* ---- Texts and colours (svg_text.c) ---- */

/* Writes foreign text as the content of an element: at most so many characters, then "...". Characters that XML does
 * not know and bytes that are not UTF-8 become U+FFFD; control characters and those that change the direction of text
 * become `?`. Markup is escaped. */
void svg_write_text(struct out *out, const char *text, size_t characters);

/* Writes a JSON text in quotes as content of an element, likewise. */
void svg_write_json(struct out *out, const char *text, size_t characters);

/* The module that the program's calls of malloc() and others lead to, and what it is for a reader, who should not think
 * that heaptrace uses the memory. Its names are missing where another build of it was used for the run. */
#define SVG_TRACER	"libheaptrace.so"
#define SVG_TRACER_IS	"malloc..."

/* Writes what a frame shows: the function's name or, where that is not known, the module in brackets. */
void svg_write_name(struct out *out, const struct merged_function *f, size_t characters);

/*
 * Makes a short form of a C++ or Rust name, without its parameters, template arguments and return type:
 *
 *	std::vector<int>& app::Cache<char>::find(char const*) const		app::Cache::find
 *
 * Other names stay as they are. What has no room in the buffer is cut off.
 */
void svg_shorten(const char *name, char *buf, size_t size_bytes);

/* Whether the key counts blocks. Other counts are of calls. */
static inline bool svg_counts_blocks(enum sort_key key)
{
	return key == SORT_COUNT || key == SORT_PEAK_COUNT;
}

/* Writes a figure of the key with its unit: "22.704 KB", "43 blocks", "1 call". */
void svg_write_value(struct out *out, enum sort_key key, uint64_t value);

#define SVG_COLOURS	108u	/* colours of modules, as classes c0, c1 ...; then comes the one of code in no module */

/* The colour of a module, by its name alone, so that it is the same in all pictures. */
unsigned svg_colour(const char *module);

/* Writes the rules of the colours with used[c] set, c <= SVG_COLOURS. */
void svg_write_colours(struct out *out, const bool used[SVG_COLOURS + 1]);

/* With --diff: the class of a frame by its weights in the older and the newer run. */
const char *svg_change_class(uint64_t was, uint64_t is);

/* ---- Frames (svg_frames.c) ---- */

/* Chooses the nodes that are written. False: there is no memory. */
bool svg_choose(struct svg *s);

/* Writes the frames that are drawn without scripts, from this height on. */
void svg_write_frames(const struct svg *s);

/* Writes the data of the script (svg_data.c). */
void svg_write_data(const struct svg *s);

/* The place of a name among the names of modules so far; count: it is none of them (svg_data.c). */
uint32_t svg_find_module(const char **modules, uint32_t count, const char *name);

/* The node after this one, the outer ones first, or 0 behind the last one. Only nodes with one of these bits in their
 * marks, whose outer nodes have it, too. */
uint32_t svg_next(const struct svg *s, uint32_t node, uint32_t bits);

#endif
