/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which nodes a flame graph has, and those that are drawn without scripts: see svg.h.
 *
 * Places and widths are percent of the picture's width, so it needs no script to fit any window. A frame that can be wide
 * enough for its name is an element svg of its own, which cuts off what does not fit; a narrow one is a rectangle. Both have
 * their figures as <title>, which browsers show as a tooltip.
 */
#include "svg.h"

#include "text.h"
#include "text_report.h"

#include <string.h>

#define WIDEST		3000.0		/* pixels of the widest window that is thought of */
#define USUAL		1200.0		/* of a window in which names should fit */
#define DATA_SHARE	(0.05 / WIDEST)	/* narrower nodes are left out: nobody has zoomed in so far that they matter */
#define DATA_BYTES	2200000.0	/* of the nodes and functions in the data, about; if there are more, wider nodes are
					 * left out, too */
#define DRAWN_SHARE	(1 / WIDEST)
#define DRAWN_BYTES	600000.0	/* likewise, of the frames that are drawn without scripts */
#define NAMED_SHARE	(40 / WIDEST)	/* a narrower frame has no room for a name */
#define STEP		1.2		/* by which a share grows until there are few enough nodes */
#define CHARACTER	6.0		/* pixels of the narrowest characters' width in the font of the frames */
#define USUAL_CHARACTER	7.3
#define TITLE_CHARACTERS	400u
#define LABEL_BYTES	256u

/* ---- Choosing ---- */

/* The weight of a node in a view, as a share of the root's; with --diff the larger one of both runs'. */
static double share_of(const struct svg *s, const struct svg_view *v, uint32_t node)
{
	const uint64_t *figures = merged_figures(&s->tree, node), *all = merged_figures(&s->tree, MERGED_ROOT);
	double share = all[v->weight] ? (double)figures[v->weight] / (double)all[v->weight] : 0, was;

	if (!s->diff || !all[v->weight_was])
		return share;
	was = (double)figures[v->weight_was] / (double)all[v->weight_was];
	return was > share ? was : share;
}

/* About how many bytes the first characters of a name take in the file, at most so many. */
static size_t bytes_of(const struct merged_function *f, size_t characters)
{
	const char *text = f->name ? f->name : f->module ? f->module : "";
	size_t bytes = 0;

	for (; *text && characters; text++, characters--)
		bytes += *text == '<' || *text == '>' ? 4 : *text == '&' ? 5 : (unsigned char)*text < 0x80 ? 1 : 2;
	return bytes;
}

static unsigned digits_of(uint64_t n)
{
	unsigned digits = 1;

	for (; n > 9; n /= 10)
		digits++;
	return digits;
}

/* Keeps the nodes with at least this share in a view. Returns about how many bytes of data that makes. */
static double keep(struct svg *s, double share)
{
	const struct merged *t = &s->tree;
	double bytes = 0;

	memset(s->numbers, 0, t->function_count * sizeof(*s->numbers));
	for (uint32_t n = 0; n < t->node_count; n++) {
		uint32_t function = t->nodes[n].function;

		t->nodes[n].mark = n == MERGED_ROOT ? SVG_KEPT : 0;
		for (unsigned v = 0; v < s->view_count && !t->nodes[n].mark; v++) {
			double own = share_of(s, &s->views[v], n);

			t->nodes[n].mark = own > 0 && own >= share ? SVG_KEPT : 0;
		}
		if (!t->nodes[n].mark)
			continue;
		bytes += 7;
		for (unsigned c = 0; c < t->columns; c++)
			bytes += 1 + digits_of(merged_figures(t, n)[c]);
		if (!s->numbers[function]++)
			bytes += 8 + (double)bytes_of(&t->functions[function], SVG_NAME_CHARACTERS);
	}
	return bytes;
}

/* Has the nodes with at least this share drawn. Returns about how many bytes that makes. */
static double draw(struct svg *s, double least)
{
	const struct merged *t = &s->tree;
	double bytes = 0;

	for (uint32_t n = 0; n < t->node_count; n++) {
		const struct merged_function *f = &t->functions[t->nodes[n].function];
		double share = s->total ? (double)*merged_figures(t, n) / (double)s->total : 0;

		t->nodes[n].mark &= SVG_KEPT;
		if (n != MERGED_ROOT && (share < least || share <= 0))
			continue;
		t->nodes[n].mark |= SVG_DRAWN;
		bytes += 180 + (double)bytes_of(f, TITLE_CHARACTERS);
		if (share >= NAMED_SHARE)
			bytes += 80 + (double)bytes_of(f, (size_t)(share * WIDEST / CHARACTER));
	}
	return bytes;
}

/* Finds the places of all nodes, and what is not in the data. */
static void place(struct svg *s)
{
	const struct merged *t = &s->tree;

	for (uint32_t n = 0; n < t->node_count; n++) {
		uint64_t start = t->nodes[n].start;

		for (uint32_t i = t->nodes[n].first; i; i = t->nodes[i].next) {
			t->nodes[i].start = start;
			start += *merged_figures(t, i);
			if (!t->nodes[i].mark && t->nodes[n].mark)
				s->left_weight += *merged_figures(t, i);
		}
		s->left_out += !t->nodes[n].mark && *merged_figures(t, n);
		if (t->nodes[n].mark & SVG_DRAWN && t->nodes[n].level >= s->level_count)
			s->level_count = t->nodes[n].level + 1;
	}
}

bool svg_choose(struct svg *s)
{
	const struct merged *t = &s->tree;
	double share = DATA_SHARE, drawn = DRAWN_SHARE;

	s->numbers = arena_alloc(s->arena, t->function_count * sizeof(*s->numbers));
	if (!s->numbers)
		return false;
	while (keep(s, share) > DATA_BYTES && share < 1)
		share *= STEP;
	while (draw(s, drawn > share ? drawn : share) > DRAWN_BYTES && drawn < 1)
		drawn *= STEP;
	place(s);
	return true;
}

uint32_t svg_next(const struct svg *s, uint32_t node, uint32_t bits)
{
	const struct merged_node *nodes = s->tree.nodes;
	uint32_t next = nodes[node].first;

	for (;;) {
		while (next && !(nodes[next].mark & bits))
			next = nodes[next].next;
		if (next || node == MERGED_ROOT)
			return next;
		next = nodes[node].next;
		node = nodes[node].outer;
	}
}

/* ---- Frames ---- */

/* Writes the figures of a node: "22.704 KB (43.2 %), 43 blocks". */
static void write_figures(const struct svg *s, const uint64_t *figures)
{
	const struct svg_view *v = s->views;

	if (s->diff) {
		text_write_change(v->key, figures[v->weight_was], figures[v->weight], s->out);
		out_char(s->out, '\n');
		text_write_change(v->other, figures[v->second_was], figures[v->second], s->out);
		out_text(s->out, model_key_is_size(v->other) ? "" : svg_counts_blocks(v->other) ? " blocks" : " calls");
		return;
	}
	svg_write_value(s->out, v->key, figures[v->weight]);
	out_text(s->out, " (");
	out_share(s->out, figures[v->weight], s->total);
	if (v->other == v->key) {
		out_char(s->out, ')');
		return;
	}
	out_text(s->out, "), ");
	svg_write_value(s->out, v->other, figures[v->second]);
}

static void write_title(const struct svg *s, uint32_t node)
{
	const struct merged_function *f = &s->tree.functions[s->tree.nodes[node].function];

	out_text(s->out, "<title>");
	svg_write_name(s->out, f, TITLE_CHARACTERS);
	out_char(s->out, '\n');
	if (f->name && f->module) {
		svg_write_text(s->out, f->module, TITLE_CHARACTERS);
		out_char(s->out, '\n');
	}
	write_figures(s, merged_figures(&s->tree, node));
	out_text(s->out, "</title>");
}

static void write_attribute(struct out *out, const char *name, uint64_t thousandths)
{
	out_char(out, ' ');
	out_text(out, name);
	out_text(out, "=\"");
	out_thousandths(out, thousandths);
	out_text(out, "%\"");
}

static void write_class(const struct svg *s, uint32_t node)
{
	const struct merged_function *f = &s->tree.functions[s->tree.nodes[node].function];
	const uint64_t *figures = merged_figures(&s->tree, node);

	out_text(s->out, " class=\"");
	if (s->diff) {
		out_text(s->out, svg_change_class(figures[s->views[0].weight_was], figures[s->views[0].weight]));
	} else {
		out_char(s->out, 'c');
		out_u64(s->out, svg_colour(f->module));
	}
	out_char(s->out, '"');
}

/* The place in thousandths of a percent. */
static uint64_t thousandths(const struct svg *s, uint64_t weight)
{
	return s->total ? (uint64_t)((double)weight * 100000 / (double)s->total + 0.5) : 0;
}

/* Writes the name into a frame that has so many pixels in the widest window. A name that does not fit a usual window has
 * its short form. */
static void write_label(const struct svg *s, const struct merged_function *f, double pixels)
{
	struct merged_function label = *f;
	char short_name[LABEL_BYTES];

	if (f->name && strlen(f->name) > (size_t)(pixels / WIDEST * USUAL / USUAL_CHARACTER)) {
		svg_shorten(f->name, short_name, sizeof(short_name));
		label.name = short_name;
	}
	svg_write_name(s->out, &label, (size_t)(pixels / CHARACTER));
}

static void write_frame(const struct svg *s, uint32_t node)
{
	const struct merged_function *f = &s->tree.functions[s->tree.nodes[node].function];
	uint64_t figure = *merged_figures(&s->tree, node);
	const struct merged_node *n = &s->tree.nodes[node];
	uint64_t start = thousandths(s, n->start), end = thousandths(s, n->start + figure);
	double pixels = s->total ? (double)figure / (double)s->total * WIDEST : 0;
	bool named = pixels >= NAMED_SHARE * WIDEST || node == MERGED_ROOT;

	if (node == MERGED_ROOT) {
		end = 100000;
		pixels = WIDEST;
	}
	out_text(s->out, named ? "<svg" : "<rect");
	write_attribute(s->out, "x", start);
	out_text(s->out, " y=\"");
	out_u64(s->out, n->level * SVG_LEVEL);
	out_char(s->out, '"');
	write_attribute(s->out, "width", end - start);
	out_text(s->out, " height=\"16\"");
	if (!named)
		write_class(s, node);
	out_char(s->out, '>');
	write_title(s, node);
	if (named) {
		out_text(s->out, "<rect width=\"100%\" height=\"16\"");
		write_class(s, node);
		out_text(s->out, "/><text x=\"3\" y=\"12\">");
		write_label(s, f, pixels);
		out_text(s->out, "</text>");
	}
	out_text(s->out, named ? "</svg>\n" : "</rect>\n");
}

void svg_write_frames(const struct svg *s)
{
	uint32_t node = MERGED_ROOT;

	do {
		write_frame(s, node);
		node = svg_next(s, node, SVG_DRAWN);
	} while (node);
}
