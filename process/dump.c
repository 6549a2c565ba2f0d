/* SPDX-License-Identifier: GPL-2.0-only */
/* See dump.h. */
#include "dump.h"

#include "analysis/history.h"
#include "analysis/memory.h"
#include "analysis/selection.h"
#include "elf/deepbind.h"
#include "elf/loaded.h"
#include "base/safe_open.h"
#include "format/words.h"
#include "process_figures.h"
#include "table/events.h"
#include "table/layout.h"
#include "table/row.h"
#include "table/timeline.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OUT_BYTES	((size_t)256 << 10)	/* of the buffer: a usual dump takes one write */
#define OUT_BYTES_LEAST	((size_t)8 << 10)	/* of the buffer where memory is short */
#define UNSEEN_BYTES	640u		/* of a line that says why nothing was seen, with the text of own_allocators */

/* Writes "[heaptrace] initialized for /proc/5879/maps (node)". */
static void write_life_line(const struct dumper *d, const char *what, bool killed, struct out *out)
{
	out_text(out, "[heaptrace] ");
	out_text(out, what);
	out_text(out, " for /proc/");
	out_u64(out, d->pid);
	out_text(out, "/maps (");
	out_name(out, d->command);
	out_text(out, killed ? "), which was killed, or ended past exit()\n" : ")\n");
}

/* Writes why the heap of a process looks empty or incomplete at its end, so that nobody takes it for
 * empty or complete. False: there is no such reason. */
static bool describe_unseen(const struct dumper *d, struct out *out)
{
	const struct table *t = d->table;
	const struct table_totals *totals = &t->head->totals;
	const char *own = t->head->own_allocators ? t->text + t->head->own_allocators : NULL;
	uint64_t lost = load_relaxed(&totals->lost_blocks);

	if (lost) {
		out_count(out, lost, " allocation was", " allocations were");
		out_text(out, " not recorded: no memory for that (a limit? see ulimit -v)");
	} else if (table_row_end(t) == ROW_FIRST && !events_windows(t, 0, NULL)) {
		out_text(out, "nothing was recorded: ");
		out_text(out, t->head->start_ns ? "the program ended before the time of --start-after" :
			 "--start=off, and no --control=PID on");
	} else if (table_row_end(t) == ROW_FIRST && events_count(t)) {
		out_text(out, events_attached(t) ?
			 "nothing was recorded: since the attach the program has called none of malloc's functions, or only those of an "
			 "allocator of its own" :
			 "nothing was recorded: the program has not allocated while the recording was on");
	} else if (table_row_end(t) == ROW_FIRST && !t->rows[ROW_OVERFLOW].total_count) {
		out_text(out, "no allocation was seen: ");
		/* own_allocator.c writes that of each allocator that was found and could not be hooked, with the reason. */
		if (own && strstr(own, " is not traced") && !totals->redirected)
			out_name(out, own);
		else
			out_text(out, totals->other_malloc ?
				 "the program's malloc is its own, which comes before heaptrace's" :
				 totals->redirected ? "valgrind's own allocator served the program" :
				 "the program called none of malloc's functions, or got nothing from them");
	} else {
		return false;
	}
	return true;
}

/* Writes this reason as a notice, for formats that are documents. Child processes without a single allocation are
 * frequent, so for that reason only the program that was started writes a notice. */
static void notice_unseen(struct dumper *d)
{
	char line[UNSEEN_BYTES];
	struct out out;

	out = out_memory(line, sizeof(line));
	if (describe_unseen(d, &out) && (d->table->head->totals.lost_blocks || d->pid == d->options->run))
		dump_notice(d, out_string(&out));
}

/* Writes this reason into a text dump. */
static void write_unseen(struct dumper *d, struct out *out)
{
	char line[UNSEEN_BYTES];
	struct out text;

	text = out_memory(line, sizeof(line));
	if (!describe_unseen(d, &text))
		return;
	out_text(out, "[heaptrace] ");
	out_text(out, out_string(&text));
	out_char(out, '\n');
}

/* Reads the file of --ignore. Doubts about its rules are reported by the process that began the run, and by no other,
 * so that the user reads them once. */
static void read_rules(struct dumper *d, struct rules *file)
{
	char line[200];
	struct out out;
	int error = rules_read(file, d->options->ignore);

	if (!error) {
		if (file->doubt && d->pid == d->options->run)
			dump_notice(d, file->doubt);
		return;
	}
	out = out_memory(line, sizeof(line));
	out_text(&out, "the file of --ignore cannot be read, so nothing is left out: ");
	words_reason(&out, error == EFBIG ? "it is larger than 1 MB" : output_reason(error), error);
	dump_notice(d, out_string(&out));
}

/* Adds the rules that --default-ignore lets in to those of the file. */
static void join_rules(struct dumper *d, const struct rules *file)
{
	uint32_t place = d->table->head->suppressions;
	unsigned when = d->options->default_ignore;
	const char *program = place && when != DEFAULT_IGNORE_NO ? d->table->text + place : NULL;
	/* Who asks whether a program leaks does not mean what libc and GLib keep. */
	bool leaks = d->options->max_leak != UINT64_MAX || d->options->max_leak_count != UINT64_MAX;
	bool others = program || file->count || leaks;

	rules_join(&d->rules, file, program,
		   when == DEFAULT_IGNORE_YES || (when == DEFAULT_IGNORE_AUTO && others) ? rules_builtin : NULL);
}

void dump_notice_unmatched(struct dumper *d)
{
	char line[400];
	struct out out;

	if (!rules_unmatched(&d->rules))
		return;
	out = out_memory(line, sizeof(line));
	out_text(&out, "rules of --ignore that matched nothing: ");
	words_unmatched_rules(&d->rules, &out);
	dump_notice(d, out_string(&out));
}

/* Whether --quiet leaves out the lines about the life of the process, and its last dump. */
static bool is_quiet(const struct dumper *d)
{
	return d->options->quiet && !d->options->outfile;
}

void dump_init(struct dumper *d, struct table *t, const struct options *o, bool truncate)
{
	/* The format of this process is text where the watcher writes the dumps. These are documents, too, so no line of
	 * this process may stand in the output. */
	struct rules file = { .text = NULL };
	bool replaces;
	char buf[128];
	struct out out;

	d->table = t;
	d->options = o;
	d->format = format_of(o);
	d->pid = (uint32_t)getpid();
	syscall(SYS_prctl, PR_GET_NAME, d->command);
	t->head->pid = d->pid;
	memcpy(t->head->command, d->command, sizeof(d->command));
	d->output.tries_again = true;	/* the first dump opens the file again if it cannot be opened now */
	replaces = options_format(o) >= OUTPUT_BY_REPORTER || d->format->replaces;
	output_init(&d->output, o, d->command, d->pid, replaces, truncate);
	if (o->ignore)
		read_rules(d, &file);
	join_rules(d, &file);
	if (!output_takes_lines(&d->output) || is_quiet(d))
		return;
	out_init(&out, output_begin(&d->output, 1), buf, sizeof(buf));
	out_fit_terminal(&out);
	write_life_line(d, "initialized", false, &out);
	out_flush(&out);
	output_end(&d->output, out.error);
}

void dump_forked(struct dumper *d, uint32_t pid)
{
	d->pid = pid;
	d->table->head->dumps = 0;
	d->table->head->memory_ns = 0;
	d->table->head->pid = pid;
	output_forked(&d->output, pid);
}

void dump_attach(struct dumper *d, struct table *t, const struct options *o,
		 const struct rules *rules, bool truncate, uint64_t now_ns)
{
	d->table = t;
	d->options = o;
	d->format = format_of(o);
	d->file_rules = rules;
	join_rules(d, rules);
	d->select = o->focus_count || o->hide_count ? selection_apply : NULL;
	d->pid = t->head->pid;
	d->number = t->head->dumps;
	d->foreign = true;
	d->now_ns = now_ns;
	memcpy(d->command, t->head->command, sizeof(d->command));
	d->output.foreign = true;
	output_init(&d->output, o, d->command, d->pid, d->format->replaces, truncate);
}

void dump_detach(struct dumper *d)
{
	rules_release(&d->rules, d->file_rules);
	output_close(&d->output);
}

void dump_note_loaded(struct dumper *d)
{
	struct table_totals *totals = &d->table->head->totals;
	struct deepbind found;

	totals->namespaces = loaded_other_namespaces();
	deepbind_find(&found);
	totals->deep_bound = found.count;
	memcpy(totals->deep_name, found.name, sizeof(totals->deep_name));
}

/* Whether no dump is written where nothing is live: at the end of a process, unless there is more to say of it. A document
 * of all rows is written of the program that was started in any case (struct format). */
static bool is_skipped_if_empty(const struct dumper *d, const struct dump_request *r)
{
	const struct options *o = d->options;
	bool shows_growth = o->growth_ms && d->history && d->history->snapshot_count;

	if (!r->final || o->summary || o->brief || d->judge || shows_growth)
		return false;
	return !(d->format->all_rows && d->format->replaces && d->pid == o->run);
}

/* Whether it is certain before a model is made that it will be empty, so that nobody asks for the process's figures: of the
 * many processes of a shell script most allocate nothing. */
static bool has_no_rows(const struct model_request *q)
{
	return q->skip_if_empty && q->rows == MODEL_ROWS_OF_KEY && !q->options->pages &&
	       layout_count(q->table->head, TABLE_ROWS) <= ROW_FIRST;
}

/* Makes the request for the model, with the figures of the process that are not in its table. */
static void fill_request(struct dumper *d, const struct dump_request *r, struct model_request *q)
{
	const struct format *format = d->format;

	if (!d->foreign)
		dump_note_loaded(d);
	*q = (struct model_request){
		.table = d->table, .history = d->history, .options = d->options, .rules = &d->rules,
		.select = d->select, .older = d->older,
		.rows = format->rows, .runtime_apart = format->runtime_apart, .reason = r->reason, .signal = r->signal,
		.all_rows = format->all_rows || d->judge ||
			    (format->by_reporter && (d->options->group || d->options->growth_ms)),
		.all_names = format->all_names || options_adds_up(d->options) || d->options->growth_ms || d->older,
		.figures = format->figures, .whole = format->all_rows,
		.skip_if_empty = is_skipped_if_empty(d, r),
		.foreign = d->foreign, .runs_as = d->runs_as,
		.now_ns = d->now_ns, .store = d->store, .seen = d->seen,
		.tries_again = r->tries_again, .heap_still = r->heap_still, .apart = d->apart,
		.sort_count = r->sort_count < format->sections_max ? r->sort_count : format->sections_max,
		.process = { .pid = d->pid, .command = d->command },
	};
	memcpy(q->sort, r->sort, q->sort_count);
	if ((!d->foreign || d->runs_as) && !has_no_rows(q))
		process_figures_read(&q->process, d->runs_as);
}

/* The buffer for the text of a dump. NULL: there is no memory. */
static char *take_buffer(struct arena *arena, size_t *bytes)
{
	char *buf = arena_alloc_plenty(arena, OUT_BYTES);

	*bytes = buf ? OUT_BYTES : OUT_BYTES_LEAST;
	return buf ? buf : arena_alloc(arena, OUT_BYTES_LEAST);
}

/* Makes the model and writes it. *m is NULL if there was no memory to begin with. */
static enum model_result write_model(struct dumper *d, const struct dump_request *r, struct arena *arena,
				     struct model **m, struct out *out)
{
	struct model_request *q = arena_alloc(arena, sizeof(*q));
	enum model_result result;

	*m = NULL;
	if (!q)
		return MODEL_NO_MEMORY;
	fill_request(d, r, q);
	result = model_make(m, q, arena);
	if (result != MODEL_DONE)
		return result;
	if (!d->foreign || d->runs_as)
		memory_note(d->table->head, &(*m)->memory, (*m)->moment.now_ns);
	if (d->judge)
		d->judge(d->judge_context, *m);
	if (out->fd >= 0)
		d->format->write(*m, arena, out);
	return result;
}

/* Reports that there was no memory for a dump. The document before it stays in its place. */
static void report_no_memory(struct dumper *d)
{
	if (d->output.replaces) {
		output_failed(&d->output, d->table->head->dumps + 1, ENOMEM);
		return;
	}
	d->output.failure = ENOMEM;
	dump_notice(d, "no memory for a dump");
}

/* Writes the notices about a dump that could not be written into it. cut: there was not enough memory. Text says in itself
 * what it lacks. */
static void notice_after(struct dumper *d, const struct dump_request *r, enum model_result result,
		       bool all_ignored, bool cut)
{
	bool lines = output_takes_lines(&d->output);

	if (r->final && !lines)
		notice_unseen(d);
	if (result != MODEL_NO_MEMORY && r->final && (all_ignored || !lines))
		dump_notice_unmatched(d);
	if (result == MODEL_DONE && cut && d->format->by_reporter)
		dump_notice(d, "there was not enough memory for all of the report (a limit? see ulimit -v), so parts of it "
			    "are missing");
}

bool dump_write(struct dumper *d, const struct dump_request *r)
{
	bool quiet = r->final && is_quiet(d);
	struct arena arena = { 0 };
	enum model_result result;
	size_t buf_bytes;
	char *buf = take_buffer(&arena, &buf_bytes);
	struct model *m;
	bool all_ignored, unfocused;
	struct out out;

	if (!buf) {
		arena_release(&arena);
		report_no_memory(d);
		return true;
	}
	safe_open_forget();
	d->output.tries_again = r->tries_again;
	d->number = d->apart ? 0 : d->table->head->dumps + 1;	/* the watcher counts the dumps of --every there, too */
	if (!d->foreign && !d->apart)
		timeline_note_dump(d->table, d->number, now_ns());
	out_init(&out, quiet ? -1 : output_begin(&d->output, d->number), buf, buf_bytes);
	if (out.fd < 0 && !d->judge) {
		arena_release(&arena);
		d->table->head->dumps += quiet;
		return quiet || !(r->tries_again && safe_open_exhausted());
	}
	if (r->reason == REASON_KILLED)
		output_remove_left(&d->output);
	if (!d->format->replaces)
		out_fit_terminal(&out);
	if (r->final && !quiet && output_takes_lines(&d->output)) {
		write_life_line(d, "finalized", r->reason == REASON_KILLED, &out);
		write_unseen(d, &out);
	}
	result = write_model(d, r, &arena, &m, &out);
	if (result == MODEL_NO_DESCRIPTOR) {
		if (out.fd >= 0)
			output_end(&d->output, EMFILE);
		arena_release(&arena);
		return false;
	}
	all_ignored = result == MODEL_EMPTY && m->totals.ignored_rows;
	unfocused = result == MODEL_EMPTY && m->totals.unfocused_rows;
	if (out.fd >= 0 && result == MODEL_EMPTY && d->format->all_rows && d->format->replaces) {
		output_abandon(&d->output);	/* nothing at all would be no document */
	} else if (out.fd >= 0) {
		out_flush(&out);
		output_end(&d->output, result == MODEL_NO_MEMORY && d->output.replaces ? ENOMEM : out.error);
	}
	arena_release(&arena);
	if (result == MODEL_NO_MEMORY)
		report_no_memory(d);
	if (!d->apart)
		d->table->head->dumps = d->number;
	if (quiet)
		return true;
	notice_after(d, r, result, all_ignored, arena.refused);
	if (unfocused && d->pid == d->options->run)
		dump_notice(d, "no backtrace with live blocks has a frame that --focus matches");
	return true;
}

void dump_notice(struct dumper *d, const char *text)
{
	bool in_output = output_takes_lines(&d->output);
	char buf[512];
	struct out out;

	if (!in_output && !d->options->outfile)
		return;		/* documents go to standard error, and no line may stand between them */
	out_init(&out, in_output ? output_begin(&d->output, 1) : -1, buf, sizeof(buf));
	if (out.fd < 0) {
		in_output = false;
		out.fd = output_error_fd(&d->output);
	}
	if (out.fd < 0)
		return;
	out_fit_terminal(&out);
	out_text(&out, "[heaptrace] ");
	out_name(&out, text);
	out_char(&out, '\n');
	out_flush(&out);
	if (in_output)
		output_end(&d->output, out.error);
}
