/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The summary that opens a text dump. Scripts look for its words, which the command line's contract fixes:
 *
 *	[heaptrace] total runtime: 12.345 secs
 *	[heaptrace] calls to allocation functions: 1234567 (100005/s)
 *	[heaptrace] temporary allocations: 12345 (1.0 %, 1000/s)
 *	[heaptrace] peak heap memory consumption: 12.345 MB after 3.201 secs
 *	[heaptrace] peak RSS (including heaptrace overhead): 23.456 MB
 *	[heaptrace] total memory leaked: 12.345 KB in 43 blocks of 12 backtraces
 *	[heaptrace] pool "connections": 1.200 MB in 300 blocks, 4.000 MB in 2 backing blocks
 *
 * The last line stands there for each pool that the program reports (doc/pools.md).
 */
#include "text.h"

#include "analysis/windows.h"

#define RATE_LEAST_NS	1000000u	/* of a shorter run no rate is printed */

/* Writes "1000/s" for a number of calls in a time. */
static void write_rate(struct out *out, uint64_t calls, uint64_t ns)
{
	uint64_t us = ns / 1000;

	out_figure(out, calls > UINT64_MAX / 1000000 ? calls / us * 1000000 : calls * 1000000 / us);
	out_text(out, "/s");
}

static void write_calls(const struct model_totals *totals, uint64_t ns, struct out *out)
{
	bool rates = ns >= RATE_LEAST_NS;

	text_line(out, "calls to allocation functions");
	out_figure(out, totals->total_count);
	if (rates) {
		out_text(out, " (");
		write_rate(out, totals->total_count, ns);
		out_char(out, ')');
	}
	out_char(out, '\n');
	text_line(out, "temporary allocations");
	out_figure(out, totals->temporary);
	out_text(out, " (");
	out_share(out, totals->temporary, totals->total_count);
	if (rates) {
		out_text(out, ", ");
		write_rate(out, totals->temporary, ns);
	}
	out_text(out, ")\n");
}

static void write_peaks(const struct model *m, struct out *out)
{
	bool estimates;

	text_line(out, "peak heap memory consumption");
	out_size(out, m->totals.peak_size);
	/* The moment is known to a tick of the coarse clock only. */
	if (m->moment.peak_at_ns && m->moment.peak_at_ns < m->moment.runtime_ns) {
		out_text(out, " after ");
		out_time(out, m->moment.peak_at_ns);
	}
	out_char(out, '\n');
	estimates = out_set_estimates(out, false);
	text_line(out, "peak RSS (including heaptrace overhead)");
	if (m->process.peak_rss_is_least)
		out_text(out, "at least ");
	if (m->process.peak_rss)
		out_size(out, m->process.peak_rss);
	else
		out_text(out, "unknown (the process was gone)");
	out_char(out, '\n');
	out_set_estimates(out, estimates);
}

/* What is live when the process ends is not freed any more. */
static void write_live(const struct model *m, struct out *out)
{
	text_line(out, m->moment.ended ? "total memory leaked" : "memory in use now");
	out_size(out, m->totals.size);
	if (!m->totals.partial) {
		out_text(out, " in ");
		out_mark(out);
		out_count(out, m->totals.count, " block", " blocks");
		out_text(out, " of ");
		out_count(out, m->totals.live_rows, " backtrace", " backtraces");
	}
	out_char(out, '\n');
}

static void write_pools(const struct text *t)
{
	struct model_pool *pools;
	uint32_t count = model_pools(t->model, &pools, t->arena);
	struct out *out = t->out;

	for (const struct model_pool *p = pools; count--; p++) {
		bool estimates;

		out_text(out, "[heaptrace] pool \"");
		out_name(out, p->name);
		out_text(out, "\": ");
		out_size(out, p->size);
		out_text(out, " in ");
		out_mark(out);
		out_count(out, p->count, " block", " blocks");
		estimates = out_set_estimates(out, false);
		if (p->backing_count) {
			out_text(out, ", ");
			out_size(out, p->backing_size);
			out_text(out, " in ");
			out_count(out, p->backing_count, " backing block", " backing blocks");
		}
		out_char(out, '\n');
		out_set_estimates(out, estimates);
	}
}

void text_write_summary(const struct text *t)
{
	const struct model *m = t->model;
	uint64_t ns = m->moment.runtime_ns;
	struct windows ws = windows_of(m);
	struct out *out = t->out;

	text_line(out, "total runtime");
	out_time(out, ns);
	out_char(out, '\n');
	text_write_windows(t);
	write_calls(&m->totals, ws.ordinary ? ns : ws.recorded_ns, out);
	write_peaks(m, out);
	write_live(m, out);
	write_pools(t);
}
