/* SPDX-License-Identifier: GPL-2.0-only */
/* What happened to the recording, in a trace for Perfetto: see perfetto.h. */
#include "perfetto.h"

#include "analysis/windows.h"

/* Writes the slice of the window that begins with an event, if one does. */
static void write_window(struct perfetto *p, uint64_t begun_ns, enum event_kind kind)
{
	char name[40];
	struct out text;

	for (uint32_t i = windows_of(p->model).count; i; i--) {
		struct events_window w = windows_get(p->model, i);

		if (w.begun_ns != begun_ns || w.kind != kind)
			continue;
		text = out_memory(name, sizeof(name));
		out_text(&text, "recording, window ");
		out_u64(&text, i);
		p->slice_end_ns = w.ended_ns;
		perfetto_begin(p, out_string(&text), 'X', w.begun_ns);
		perfetto_number(p, "sample_bytes", w.sample_bytes);
		perfetto_end(p);
		p->slice_end_ns = 0;
		return;
	}
}

static void write_event(struct perfetto *p, const struct table_event *e)
{
	char name[40];
	struct out text = out_memory(name, sizeof(name));

	out_text(&text, "recording_");
	out_text(&text, windows_kind_name((enum event_kind)e->kind));
	perfetto_begin(p, e->kind == EVENT_MARK ? e->text : out_string(&text), 'i', e->ns);
	perfetto_text(p, "kind", windows_kind_name((enum event_kind)e->kind));
	perfetto_number(p, "live_bytes", e->live_size);
	perfetto_end(p);
	write_window(p, e->ns, (enum event_kind)e->kind);
}

void perfetto_write_events(struct perfetto *p, uint64_t until_ns)
{
	uint32_t count = windows_events(p->model);

	if (!p->first_window && count && !windows_of(p->model).ordinary)
		write_window(p, 0, EVENT_NONE);
	p->first_window = true;
	for (; p->next_event < count; p->next_event++) {
		const struct table_event *e = windows_event(p->model, p->next_event);

		if (e && e->ns >= until_ns)
			return;
		if (e && e->ns <= p->end_ns)
			write_event(p, e);
	}
}
