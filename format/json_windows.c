/* SPDX-License-Identifier: GPL-2.0-only */
/* The windows and the events of the recording in a JSON report: see json.h. */
#include "json.h"

#include "analysis/windows.h"

#define NOT_KNOWN	UINT64_MAX

static void write_window(const struct events_window *w, struct out *out)
{
	json_begin(out, NULL, '{');
	json_first_number(out, "number", w->number);
	json_add_text(out, "begun-by", windows_kind_name(w->kind));
	json_add_number(out, "begun-ns", w->begun_ns);
	json_add_known(out, "ended-ns", w->ended_ns ? w->ended_ns : NOT_KNOWN, NOT_KNOWN);
	json_add_number(out, "sample-bytes", w->sample_bytes);
	json_add_number(out, "first-row", w->first);
	out_char(out, '}');
}

static void write_event(const struct table_event *e, struct out *out)
{
	json_begin(out, NULL, '{');
	json_first_number(out, "ns", e->ns);
	json_add_text(out, "kind", windows_kind_name((enum event_kind)e->kind));
	json_add_text(out, "text", e->kind == EVENT_MARK ? e->text : NULL);
	json_add_number(out, "sample-bytes", e->sample_bytes);
	json_add_number(out, "size", e->live_size);
	json_add_known(out, "first-row", e->first ? e->first : NOT_KNOWN, NOT_KNOWN);
	out_char(out, '}');
}

void json_write_windows(const struct model *m, struct out *out)
{
	struct windows ws = windows_of(m);
	bool any = false;

	json_begin(out, "windows", '{');
	json_write_name(out, true, "chosen");
	out_text(out, ws.chosen ? "true" : "false");
	json_add_number(out, "from", ws.from);
	json_add_number(out, "to", ws.to);
	json_add_bool(out, "recording", ws.recording);
	json_add_number(out, "recorded-ns", ws.recorded_ns);
	json_add_known(out, "cleared-ns", ws.cleared_ns ? ws.cleared_ns : NOT_KNOWN, NOT_KNOWN);
	json_add_number(out, "outside-rows", m->totals.outside_rows);
	json_add_number(out, "outside-count", m->totals.outside_count);
	json_add_number(out, "outside-size", m->totals.outside_size);
	json_write_name(out, false, "list");
	out_char(out, '[');
	for (uint32_t i = 1; i <= ws.count; i++) {
		struct events_window w = windows_get(m, i);

		out_text(out, i > 1 ? "," : "");
		write_window(&w, out);
	}
	out_text(out, "]},\n");
	json_begin(out, "events", '[');
	for (uint32_t i = 0; i < windows_events(m); i++) {
		const struct table_event *e = windows_event(m, i);

		if (!e)
			continue;
		out_text(out, any ? "," : "");
		any = true;
		write_event(e, out);
	}
	out_text(out, "],\n");
}
