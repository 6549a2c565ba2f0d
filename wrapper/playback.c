/* SPDX-License-Identifier: GPL-2.0-only */
/* See playback.h. */
#include "playback.h"

#include "analysis/cut.h"
#include "gate.h"
#include "older.h"
#include "options/outfile.h"
#include "packing.h"
#include "process/dump.h"
#include "quit.h"
#include "record_file.h"
#include "table/events.h"
#include "table/load.h"
#include "table/row.h"
#include "traced.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Whether the output is a graph, or made into one by its readers: one that needs whole stacks. */
static bool is_graph(enum output_format f)
{
	return f != OUTPUT_TEXT && f != OUTPUT_JSON && f != OUTPUT_CSV;
}

/* Says that a graph lacks outer functions. A record keeps few frames, if no --depth is given. */
static void say_cut(const struct options *o, const struct table *t)
{
	bool few = is_graph(options_format(o)) && t->head->depth < OPTIONS_DEPTH_GRAPH;
	unsigned frames = few ? cut_at(t) : 0;
	char text[128];
	struct out out = out_memory(text, sizeof(text));

	if (!frames)
		return;
	cut_write(&out, frames);
	say("%s", out_string(&out));
}

/* Whether there is the window that --window asks for. If not, says which there are. */
static bool has_window(const struct options *o, const struct table *t)
{
	char text[2048];
	struct out out = out_memory(text, sizeof(text));
	struct events_window w;
	uint32_t count = events_windows(t, 0, NULL), from, to;

	if (!o->window || events_chosen(t, o->window, &from, &to))
		return true;
	for (uint32_t i = 1; i <= count; i++) {
		events_windows(t, i, &w);
		out_text(&out, i > 1 ? ", " : "");
		out_u64(&out, i);
		out_text(&out, " from ");
		out_time(&out, w.begun_ns);
		if (w.ended_ns) {
			out_text(&out, " to ");
			out_time(&out, w.ended_ns);
		} else {
			out_text(&out, " on");
		}
	}
	if (count)
		say("there is no such window: there %s %s", count == 1 ? "is" : "are", out_string(&out));
	else
		say("there is no window: nothing has been recorded so far (--control=PID on)");
	return false;
}

/* Prints a dump. Returns NULL, or "" if there was an error, which has been reported. */
static const char *print_table(struct options *o, struct record_file *r)
{
	static enum gate_scope inside = GATE_INSIDE;
	static struct older before;
	static struct dumper d;
	const char *older = o->diff ? o->diff : o->baseline, *why;
	static char outfile_is[OUTFILE_TEXT_BYTES];
	struct rules rules = { .text = NULL };
	int error = o->ignore ? rules_read(&rules, o->ignore) : 0;
	bool failed;

	if (!has_window(o, &r->table))
		return "";
	history_select(&r->history, &r->table, events_rows(&r->table, o->window), &r->arena);
	if (error) {
		say("ignore file %s cannot be read: %s", o->ignore,
		    error == EFBIG ? "it is larger than 1 MB" : strerror(error));
		return "";
	}
	if (rules.doubt)
		say("%s", rules.doubt);
	if (o->outfile)
		outfile_resolve(o, outfile_is);
	else if (!o->quiet)
		o->outfile = "-";
	o->run = r->table.head->pid;
	dump_attach(&d, &r->table, o, &rules, true, r->moment_ns);
	d.runs_as = r->runs_as;
	d.seen = r->seen;
	d.store = o->sysroot ? NULL : r->names;
	d.history = &r->history;
	d.judge = options_has_limits(o) ? gate_judge : NULL;
	d.judge_context = &inside;
	why = older ? older_open(&before, o, older) : NULL;
	if (why) {
		say("%s cannot be compared with: %s", older, why);
		dump_detach(&d);
		return "";
	}
	d.older = older ? before.model : NULL;
	dump_write(&d, &(struct dump_request){
		.sort = o->sort, .sort_count = o->sort_count, .reason = REASON_ASKED, .final = o->quiet,
	});
	failed = d.output.failure;
	if (options_format(o) != OUTPUT_TEXT)
		dump_notice_unmatched(&d);
	if (!failed)
		say_cut(o, &r->table);
	dump_detach(&d);
	if (older)
		older_close(&before);
	return failed ? "" : NULL;
}

const char *playback(struct options *o)
{
	static struct record_file record;
	const char *why = record_file_open(&record, o->report);

	if (why)
		return why;
	if (record.end_unknown && !o->pack)
		say("nobody noted in %s when the process ended (there was no watcher, or it was killed, too): ages "
		    "count up to the last moment that left a trace in the file", o->report);
	why = o->pack ? packing_write(o, &record) : print_table(o, &record);
	record_file_close(&record);
	return why;
}

/* ---- --growth=TIME ---- */

#define LOOKS		12u	/* at a process of whose last TIME there are fewer than 4 snapshots */
#define SNAPSHOTS_LEAST	4u

/* Whether the history lacks snapshots of the time that --growth asks for. */
static bool lacks_snapshots(const struct options *o, const struct record_file *r)
{
	const struct history *h = &r->history;
	uint64_t since_ns = (uint64_t)o->growth_ms * 1000000, now = r->moment_ns - r->table.head->begun_ns;
	unsigned inside = 0;

	for (uint32_t i = 0; i < h->snapshot_count; i++)
		inside += h->snapshots[i].ns + since_ns >= now;
	return inside < SNAPSHOTS_LEAST;
}

/* Looks at the process LOOKS times in the time that --growth asks for, and makes snapshots of that. *r gets the table of
 * the last look, before which the process may have ended. */
static void look_on(const struct options *o, struct record_file *r)
{
	static struct history seen;
	uint64_t step_ns = (uint64_t)o->growth_ms * 1000000 / LOOKS;
	struct timespec pause = { (time_t)(step_ns / 1000000000), (long)(step_ns % 1000000000) };

	seen = (struct history){ .watched = true };
	for (unsigned i = 0; i < LOOKS; i++) {
		struct table now;

		if (!history_look(&seen, &r->table, r->moment_ns, &r->arena))
			break;
		nanosleep(&pause, NULL);
		if (traced_load(&now, o->dump) != LOAD_OK)
			break;
		load_release(&r->table);
		r->table = now;
		r->moment_ns = now_precise_ns();
	}
	record_file_load_history(r);
	memcpy(r->history.snapshots, seen.snapshots, sizeof(seen.snapshots));
	r->history.snapshot_count = seen.snapshot_count;
	r->history.watched = true;
}

const char *playback_process(struct options *o)
{
	struct record_file r = { .fd = -1, .runs_as = o->dump };
	enum load_status status = traced_load(&r.table, o->dump);
	const char *why;

	if (status != LOAD_OK)
		return traced_why_not(status, errno);
	r.moment_ns = now_precise_ns();
	if (r.table.head->watched)	/* the history lies behind the table in the file that the watcher has */
		r.fd = traced_open_file(o->dump);
	record_file_load_history(&r);
	if (o->growth_ms && o->growth_ms < OPTIONS_SINCE_DUMP && lacks_snapshots(o, &r))
		look_on(o, &r);
	why = o->pack ? packing_write(o, &r) : print_table(o, &r);
	record_file_close(&r);
	return why;
}
