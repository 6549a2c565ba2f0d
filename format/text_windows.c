/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lines of a text dump about the windows of the recording (analysis/windows.h). There are none where nobody has ever
 * controlled it.
 *
 *	[heaptrace] windows of the recording: 1 from 0 ns to 2.001 secs, 2 from 3.220 secs on
 *	[heaptrace] figures since the clear: 1.100 secs ago
 *	[heaptrace] not counted any more, from before that: 120 blocks, 12.000 KB, are still alive
 */
#include "text.h"

#include "analysis/windows.h"

#define LISTED	4u	/* windows, the newest ones */

/* Writes "from 3.220 secs to 4.000 secs", or "from 3.220 secs on". */
static void write_times(uint64_t begun_ns, uint64_t ended_ns, struct out *out)
{
	out_text(out, "from ");
	out_time(out, begun_ns);
	if (ended_ns) {
		out_text(out, " to ");
		out_time(out, ended_ns);
	} else {
		out_text(out, " on");
	}
}

static void write_list(const struct model *m, const struct windows *ws, struct out *out)
{
	uint32_t first = ws->count > LISTED ? ws->count - LISTED + 1 : 1;

	text_line(out, "windows of the recording");
	if (!ws->count)
		out_text(out, "none so far");
	if (first > 1) {
		out_u64(out, first - 1);
		out_text(out, " earlier");
	}
	for (uint32_t i = first; i <= ws->count; i++) {
		struct events_window w = windows_get(m, i);

		out_text(out, i > 1 ? ", " : "");
		out_u64(out, i);
		out_char(out, ' ');
		write_times(w.begun_ns, w.ended_ns, out);
	}
	out_text(out, ws->detached ? ", then detached\n" : "\n");
}

static void write_chosen(const struct windows *ws, struct out *out)
{
	text_line(out, ws->missing ? "there is no such --window, so the figures are of" : "figures of");
	if (ws->missing)
		out_text(out, "all windows");
	if (ws->chosen) {
		out_text(out, ws->from == ws->to ? "window " : "windows ");
		out_u64(out, ws->from);
		if (ws->from != ws->to) {
			out_text(out, " to ");
			out_u64(out, ws->to);
		}
		out_text(out, ", ");
		write_times(ws->begun_ns, ws->ended_ns, out);
		out_text(out, ws->cleared_ns ? " (peaks of the heap, since the clear, and of RSS are the process's)" :
					       " (peaks of the heap and of RSS are the process's)");
	}
	out_char(out, '\n');
}

void text_write_windows(const struct text *t)
{
	const struct model *m = t->model;
	struct windows ws = windows_of(m);
	struct out *out = t->out;

	if (ws.ordinary)
		return;
	write_list(m, &ws, out);
	if (m->options->window) {
		write_chosen(&ws, out);
	} else if (ws.cleared_ns) {
		text_line(out, "figures since the clear");
		out_time(out, m->moment.runtime_ns > ws.cleared_ns ? m->moment.runtime_ns - ws.cleared_ns : 0);
		out_text(out, " ago\n");
	}
	if (!m->totals.outside_count)
		return;
	text_line(out, m->options->window ? "not counted here, of other windows" : "not counted any more, from before that");
	out_mark(out);
	out_count(out, m->totals.outside_count, " block, ", " blocks, ");
	out_size(out, m->totals.outside_size);
	out_text(out, m->totals.outside_count == 1 ? ", is still alive\n" : ", are still alive\n");
}
