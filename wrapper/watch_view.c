/* SPDX-License-Identifier: GPL-2.0-only */
/* See watch_view.h. */
#include "watch_view.h"

#include "base/atomics.h"
#include "table/events.h"

uint64_t watch_view_runtime(const struct watch_view *v)
{
	uint64_t begun = v->source.record.table.head->begun_precise_ns, now = v->source.record.moment_ns;

	return now > begun ? now - begun : 0;
}

uint64_t watch_view_peak(const struct watch_view *v)
{
	uint64_t noted = v->source.record.table.head->totals.peak_size, live = v->rates.sums.size;

	return noted > live ? noted : live;	/* threads add what they have pending later */
}

void watch_view_write_process(const struct watch_view *v, struct out *out)
{
	out_name(out, v->source.process.command);
	out_text(out, " (");
	out_u64(out, v->source.process.pid);
	out_char(out, ')');
}

bool watch_view_is_estimated(const struct watch_view *v)
{
	return events_sampled(&v->source.record.table);
}

void watch_view_write_recording(const struct watch_view *v, bool in_short, struct out *out)
{
	const struct table *t = &v->source.record.table;

	if (watch_view_is_estimated(v))
		out_text(out, in_short ? "sampled, " : "sampled: estimates, ");
	if (v->source.fd >= 0 && control_mode(&t->head->control.mode) >= CONTROL_OFF)
		out_text(out, in_short ? "off, " : "recording off, ");
}
