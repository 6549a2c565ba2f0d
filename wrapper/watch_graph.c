/* SPDX-License-Identifier: GPL-2.0-only */
/* See watch_graph.h. */
#include "watch_graph.h"

#include "terminal.h"

#include <string.h>

void watch_graph_begin(struct watch_graph *g, const struct history *h)
{
	uint32_t count = h->points ? h->point_count : 0;

	memset(g, 0, sizeof(*g));
	for (uint32_t i = 0; i < count; i++) {
		const struct timeline_point *p = &h->points[i];

		if (g->all_count == TIMELINE_POINTS)
			g->all_count = timeline_thin(g->all, g->all_count);
		g->all[g->all_count++] = *p;
	}
	g->recent_count = count < WATCH_RECENT ? count : WATCH_RECENT;
	if (g->recent_count)
		memcpy(g->recent, h->points + count - g->recent_count, g->recent_count * sizeof(*g->recent));
}

void watch_graph_add(struct watch_graph *g, uint64_t ns, uint64_t live_size)
{
	struct timeline_point p = { .ns = ns, .live_size = live_size };

	if (g->recent_count && g->recent[g->recent_count - 1].ns >= ns)
		return;
	if (g->recent_count == WATCH_RECENT)
		memmove(g->recent, g->recent + 1, --g->recent_count * sizeof(*g->recent));
	g->recent[g->recent_count++] = p;
	if (g->looks++ & (((uint64_t)1 << g->drops) - 1))
		return;
	if (g->all_count == TIMELINE_POINTS) {
		g->all_count = timeline_thin(g->all, g->all_count);
		g->drops++;
	}
	g->all[g->all_count++] = p;
}

/* The largest value in each column. A value holds until the next point. */
static void fill(uint64_t *values, unsigned columns, const struct timeline_point *points, uint32_t count, uint64_t first_ns,
		 uint64_t end_ns)
{
	double span = end_ns > first_ns ? (double)(end_ns - first_ns) : 1;
	uint64_t held = 0;
	unsigned last = 0;

	memset(values, 0, columns * sizeof(*values));
	for (uint32_t i = 0; i < count; i++) {
		uint64_t value = points[i].live_size;
		unsigned at;

		if (points[i].ns < first_ns) {
			held = value;
			values[0] = value;
			continue;
		}
		at = (unsigned)((double)(points[i].ns - first_ns) / span * columns);
		at = at < columns ? at : columns - 1;
		for (unsigned c = last + 1; c <= at; c++)
			values[c] = held;
		if (value > values[at])
			values[at] = value;
		held = value;
		last = at;
	}
	for (unsigned c = last + 1; c < columns; c++)
		values[c] = held;
}

void watch_graph_draw(const struct watch_graph *g, bool recent, unsigned columns, unsigned lines, bool utf8,
		      char *const *text, uint64_t *most)
{
	static const char *const ascii[] = { " ", ".", ":", "#" };
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	const char *const *fills = utf8 ? blocks : ascii;
	unsigned levels = utf8 ? 8 : 3;
	uint64_t values[TERMINAL_COLUMNS_MAX], end_ns = g->recent_count ? g->recent[g->recent_count - 1].ns : 0;
	uint64_t first_ns = recent && end_ns > WATCH_RECENT_NS ? end_ns - WATCH_RECENT_NS : 0;

	columns = columns < TERMINAL_COLUMNS_MAX ? columns : TERMINAL_COLUMNS_MAX;
	if (recent && first_ns < g->recent[0].ns)
		first_ns = g->recent[0].ns;
	fill(values, columns, recent ? g->recent : g->all, recent ? g->recent_count : g->all_count, first_ns, end_ns);
	*most = 0;
	for (unsigned c = 0; c < columns; c++)
		*most = values[c] > *most ? values[c] : *most;
	for (unsigned line = 0; line < lines; line++) {
		unsigned below = (lines - 1 - line) * levels;	/* parts that the lines below show */
		char *at = text[line];

		for (unsigned c = 0; c < columns; c++) {
			unsigned parts = *most ? (unsigned)((double)values[c] / (double)*most * (lines * levels) + 0.5) : 0;

			if (values[c] && !parts)
				parts = 1;
			parts = parts > below ? parts - below : 0;
			at = stpcpy(at, fills[parts < levels ? parts : levels]);
		}
		*at = '\0';
	}
}
