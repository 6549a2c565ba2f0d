/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a model as a trace for Perfetto: see perfetto.h. The heap over time becomes counters, each dump a group of
 * instants. Each event is on a line of its own.
 *
 *	{"traceEvents":[
 *	{"name":"process_name","ph":"M","pid":4711,"tid":4711,"args":{"name":"node"}},
 *	{"name":"node","cat":"heap","ph":"X","ts":0.000,"dur":12045.100,"pid":4711,"tid":4711,"args":{...}},
 *	{"name":"heap_live_bytes","cat":"heap","ph":"C","ts":8388.608,"pid":4711,"tid":4711,"args":{"bytes":22704}},
 *	{"name":"heap_report_done","cat":"heap","ph":"i","ts":12045.100,"pid":4711,"tid":4711,"s":"p","args":{...}}
 *	],"displayTimeUnit":"ns","otherData":{"tool":"heaptrace 0.1",...}}
 */
#include "perfetto.h"

#include "analysis/history.h"
#include "base/version.h"
#include "json_text.h"

/* ---- Events ---- */

void perfetto_begin(struct perfetto *p, const char *name, char phase, uint64_t ns)
{
	struct out *out = p->out;

	if (p->any)
		out_text(out, ",\n");
	out_text(out, "{\"name\":");
	json_text_write(name, out);
	if (phase != 'M')
		out_text(out, ",\"cat\":\"heap\"");
	out_text(out, ",\"ph\":\"");
	out_char(out, phase);
	if (phase != 'M') {
		p->last_ns = ns > p->last_ns ? ns : p->last_ns;
		out_text(out, "\",\"ts\":");
		out_thousandths(out, p->last_ns);
	} else {
		out_char(out, '"');
	}
	if (phase == 'X') {
		uint64_t end = p->slice_end_ns ? p->slice_end_ns : p->end_ns;

		out_text(out, ",\"dur\":");
		out_thousandths(out, end > p->last_ns ? end - p->last_ns : 0);
	}
	out_text(out, ",\"pid\":");
	out_u64(out, p->model->process.pid);
	out_text(out, ",\"tid\":");
	out_u64(out, p->model->process.pid);
	if (phase == 'i')
		out_text(out, ",\"s\":\"p\"");	/* a mark for the whole process, not for one thread */
	out_text(out, ",\"args\":{");
	p->any = true;
	p->any_argument = false;
}

void perfetto_name(struct perfetto *p, const char *name, uint32_t number)
{
	out_text(p->out, p->any_argument ? ",\"" : "\"");
	out_text(p->out, name);
	if (number) {
		out_char(p->out, '_');
		out_u64(p->out, number);
	}
	out_text(p->out, "\":");
	p->any_argument = true;
}

void perfetto_number(struct perfetto *p, const char *name, uint64_t value)
{
	perfetto_name(p, name, 0);
	out_u64(p->out, value);
}

void perfetto_text(struct perfetto *p, const char *name, const char *text)
{
	perfetto_name(p, name, 0);
	json_text_write(text, p->out);
}

void perfetto_end(struct perfetto *p)
{
	out_text(p->out, "}}");
}

/* ---- Counters ---- */

static void write_counter(struct perfetto *p, const char *name, const char *unit, uint64_t ns, uint64_t value)
{
	perfetto_begin(p, name, 'C', ns);
	perfetto_number(p, unit, value);
	perfetto_end(p);
}

static void write_live(struct perfetto *p, uint64_t ns, uint64_t bytes)
{
	write_counter(p, "heap_live_bytes", "bytes", ns, bytes);
}

/* The calls since the start that were counted at a point, or TIMELINE_UNKNOWN. */
static uint64_t calls_at(const struct history *h, uint32_t i)
{
	return h->points[i].total_count;
}

/* Writes how many calls there were per second, from a moment with `calls` of them to the next point, from `next` on, at
 * which they were counted. A counter keeps its value until its next event, so the event is at the earlier moment. */
static void write_rate(struct perfetto *p, uint64_t ns, uint64_t calls, uint32_t next)
{
	const struct history *h = p->model->history;

	while (next < h->point_count && calls_at(h, next) == TIMELINE_UNKNOWN)
		next++;
	if (next < h->point_count && h->points[next].ns > ns) {
		uint64_t more = calls_at(h, next) > calls ? calls_at(h, next) - calls : 0;
		double rate = (double)more * 1e9 / (double)(h->points[next].ns - ns);

		/* In a damaged record, it can be any number. */
		write_counter(p, "heap_calls_per_second", "calls", ns, rate < 1e18 ? (uint64_t)rate : UINT64_MAX);
	}
}

/* Writes the counters of a point of the timeline. */
static void write_point(struct perfetto *p, uint32_t i)
{
	const struct history *h = p->model->history;
	const struct timeline_point *point = &h->points[i];

	write_live(p, point->ns, point->live_size);
	if (point->rss)
		write_counter(p, "process_rss_bytes", "bytes", point->ns, point->rss);
	if (calls_at(h, i) != TIMELINE_UNKNOWN)
		write_rate(p, point->ns, calls_at(h, i), i + 1);
}

/* Writes the peak of the heap, which is hardly ever at one of the points. */
static void write_peak(struct perfetto *p)
{
	const struct model *m = p->model;

	write_live(p, m->moment.peak_at_ns, m->totals.peak_size);
	perfetto_begin(p, "heap_peak", 'i', m->moment.peak_at_ns);
	perfetto_number(p, "live_bytes", m->totals.peak_size);
	perfetto_end(p);
}

static void write_timeline(struct perfetto *p)
{
	const struct model *m = p->model;
	const struct history *h = m->history;
	bool peak = m->totals.peak_size != 0 && m->moment.peak_at_ns <= p->end_ns;
	uint32_t next_dump = 0;

	if (!h || !h->point_count || h->points[0].ns) {
		write_live(p, 0, 0);
		if (h)
			write_rate(p, 0, 0, 0);
	}
	for (uint32_t i = 0; h && i < h->point_count && h->points[i].ns <= p->end_ns; i++) {
		uint64_t ns = h->points[i].ns;

		if (peak && m->moment.peak_at_ns <= ns) {
			perfetto_write_earlier(p, &next_dump, m->moment.peak_at_ns);
			write_peak(p);
			peak = false;
		}
		perfetto_write_earlier(p, &next_dump, ns);
		perfetto_write_events(p, ns);
		write_point(p, i);
	}
	perfetto_write_earlier(p, &next_dump, p->end_ns);
	perfetto_write_events(p, UINT64_MAX);
	if (peak)
		write_peak(p);
}

/* ---- The document ---- */

static void write_metadata(struct perfetto *p)
{
	static const char *const names[] = { "process_name", "thread_name" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		perfetto_begin(p, names[i], 'M', 0);
		perfetto_text(p, "name", p->model->process.command);
		perfetto_end(p);
	}
}

/* Writes a slice for the whole run. Readers that show slices only, as speedscope does, would find nothing without it. */
static void write_run(struct perfetto *p)
{
	const struct model *m = p->model;

	perfetto_begin(p, *m->process.command ? m->process.command : "process", 'X', 0);
	perfetto_text(p, "program", m->program ? m->program : "");
	perfetto_end(p);
}

static void write_end(const struct model *m, struct out *out)
{
	out_text(out, "\n],\"displayTimeUnit\":\"ns\",\"otherData\":{\"tool\":\"heaptrace " HEAPTRACE_VERSION "\","
		      "\"program\":");
	json_text_write(m->program, out);
	out_text(out, ",\"started_unix_ns\":");
	out_u64(out, m->moment.begun_real_ns);
	if (m->sample_bytes) {
		out_text(out, ",\"estimates\":\"~ all figures of the heap are estimates, from one block in about ");
		out_size(out, m->sample_bytes);
		out_text(out, "\",\"estimated_from_one_in_bytes\":");
		out_u64(out, m->sample_bytes);
	}
	out_text(out, "}}\n");
}

static void write_perfetto(const struct model *m, struct arena *arena, struct out *out)
{
	struct perfetto p = { .model = m, .arena = arena, .out = out, .end_ns = model_moment_ns(&m->moment) };

	out_text(out, "{\"traceEvents\":[\n");
	write_metadata(&p);
	write_run(&p);
	write_timeline(&p);
	perfetto_write_dump(&p);
	write_end(m, out);
}

const struct format perfetto_format = {
	.name = "perfetto", .replaces = true, .figures = true, .by_reporter = true, .all_rows = true, .all_names = true,
	.rows = MODEL_ROWS_OF_KEY, .sections_max = SORT_KEYS, .write = write_perfetto,
};
