/* SPDX-License-Identifier: GPL-2.0-only */
/* See windows.h. */
#include "windows.h"

struct events_window windows_get(const struct model *m, uint32_t number)
{
	struct events_window w = { .number = 0 };

	events_windows(model_table(m), number, &w);
	return w;
}

static uint64_t length(const struct model *m, const struct events_window *w)
{
	uint64_t end = w->ended_ns ? w->ended_ns : m->moment.runtime_ns;

	return end > w->begun_ns ? end - w->begun_ns : 0;
}

/* The moment of the last clear, and the first window after it. */
static void find_clear(const struct table *t, struct windows *ws)
{
	struct events_window w = { .number = 0 };

	for (uint32_t i = events_count(t); i-- > 0 && !ws->cleared_ns; ) {
		if (load_acquire(&t->head->events[i].kind) == EVENT_CLEAR)
			ws->cleared_ns = t->head->events[i].ns;
	}
	if (!ws->cleared_ns)
		return;
	for (ws->from = ws->count; ws->from > 1; ws->from--) {
		events_windows(t, ws->from, &w);
		if (w.begun_ns <= ws->cleared_ns)
			break;
	}
	if (ws->from)
		events_windows(t, ws->from, &w);
	if (ws->from && w.ended_ns && w.ended_ns <= ws->cleared_ns)	/* nothing has been recorded since */
		ws->from = ws->to = 0;
}

struct windows windows_of(const struct model *m)
{
	const struct table *t = model_table(m);
	struct windows ws = { .count = events_windows(t, 0, NULL) };
	struct events_window w = { .number = 0 };

	ws.from = ws.count ? 1 : 0;
	ws.to = ws.count;
	find_clear(t, &ws);
	if (m->options->window) {
		ws.chosen = events_chosen(t, m->options->window, &ws.from, &ws.to);
		ws.missing = !ws.chosen;
		if (ws.missing)
			ws.from = ws.count ? 1 : 0, ws.to = ws.count;
	}
	for (uint32_t i = ws.from; i && i <= ws.to; i++) {
		w = windows_get(m, i);
		if (i == ws.from)
			ws.begun_ns = w.begun_ns;
		ws.recorded_ns += length(m, &w);
		ws.ended_ns = w.begun_ns + length(m, &w);
	}
	w = ws.count ? windows_get(m, ws.count) : w;
	ws.recording = ws.count && !w.ended_ns;
	ws.detached = events_detached(t);
	/* The rate of the start, and an attach that has made the table, are events, too. */
	ws.ordinary = ws.count == 1 && w.kind != EVENT_ON && w.first == ROW_FIRST && ws.recording && !ws.chosen &&
		      !ws.missing && !ws.cleared_ns;
	return ws;
}

uint32_t windows_events(const struct model *m)
{
	return events_count(model_table(m));
}

const struct table_event *windows_event(const struct model *m, uint32_t i)
{
	const struct table_event *e = &model_table(m)->head->events[i];

	return load_acquire(&e->kind) ? e : NULL;
}

const char *windows_kind_name(enum event_kind kind)
{
	static const char names[EVENT_KINDS][8] = {
		"start", "on", "off", "clear", "sample", "mark", "attach", "detach",
	};

	return kind < EVENT_KINDS ? names[kind] : "?";
}
