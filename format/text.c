/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text dump, for people. Its form is the contract of the command line:
 *
 *	=== backtrace #1 === [count/peak: 43/60] [size/peak: 22.704 KB/31.680 KB] [age: 6.236 ms]
 *	 0 [0x7fe72e46476c] malloc +0x1b
 *	 1 [      0xf27811] /usr/bin/node (+0xf27811)
 *	 2 [      0xf2e57d] next(char const*) (inlined) at src/next.h:12
 *	 3 [      0xf2e57d] parse(char const*) +0x1b at src/parse.cc:214
 */
#include "format.h"

#include "analysis/frame.h"
#include "base/errno_text.h"
#include "base/path.h"
#include "shorten.h"
#include "words.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define RULE_WIDTH	65
#define ADDRESS_WIDTH	14	/* 0x and a 47-bit address */
#define HEAD_WIDTH	(2 + 2 + ADDRESS_WIDTH + 2)	/* " 0 [0x7fe72e46476c] " */
#define TERMINAL_WIDTH	120u
#define TERMINAL_LEAST	60u	/* a narrower terminal breaks lines in any case */
#define NAME_COLUMNS	40u	/* a name gets at least so many, even if a long path follows */
#define OFFSET_COLUMNS	40u	/* an offset takes less */
#define PATH_BYTES	512	/* columns behind these bytes of a path are not counted */
#define NAME_BYTES	((size_t)64 << 10)	/* a longer name is not shortened */
#define WORK_BYTES	((size_t)4 << 10)	/* work space is allocated in multiples of this */

/* The dump that is being written. */
struct text {
	const struct model *model;
	struct out *out;
	struct arena *arena;
	size_t columns;			/* for a name and the rest of its line; 0: any number */
	char *work;			/* work space, in which names are shortened */
	size_t work_bytes;
};

/* ---- Backtraces ---- */

static void write_head(const struct text *t, enum sort_key key)
{
	out_repeat(t->out, '=', RULE_WIDTH);
	out_text(t->out, "\n[heaptrace] dump allocation status for /proc/");
	out_u64(t->out, t->model->process.pid);
	out_text(t->out, "/maps (");
	out_name(t->out, t->model->process.command);
	out_text(t->out, "), sorted by ");
	out_text(t->out, options_sort_name(key));
	out_char(t->out, '\n');
}

/* Keys whose value the fixed columns do not show get a column of their own. */
static void write_key_column(const struct model_row *row, enum sort_key key, struct out *out)
{
	if (key != SORT_HEAP_PEAK && key != SORT_TOTAL_SIZE && key != SORT_TOTAL_COUNT &&
	    key != SORT_TEMPORARY)
		return;
	out_text(out, " [");
	out_text(out, options_sort_name(key));
	out_text(out, ": ");
	if (key == SORT_HEAP_PEAK || key == SORT_TOTAL_SIZE)
		out_size(out, row->values[key]);
	else
		out_u64(out, row->values[key]);
	out_char(out, ']');
}

static void write_counters(const struct model_row *row, uint32_t number, enum sort_key key, struct out *out)
{
	out_text(out, "=== backtrace #");
	out_u64(out, number);
	out_text(out, " === [count/peak: ");
	out_u64(out, row->values[SORT_COUNT]);
	out_char(out, '/');
	out_u64(out, row->values[SORT_PEAK_COUNT]);
	out_text(out, "] [size/peak: ");
	out_size(out, row->values[SORT_SIZE]);
	out_char(out, '/');
	out_size(out, row->values[SORT_PEAK_SIZE]);
	out_text(out, "] [age: ");
	out_time(out, row->values[SORT_AGE]);
	out_char(out, ']');
	write_key_column(row, key, out);
	out_char(out, '\n');
}

/* The columns of the part of the line that follows the name. */
static size_t rest_columns(const struct frame_call *c)
{
	char buf[PATH_BYTES];
	struct out out;

	out = out_memory(buf, sizeof(buf));
	frame_write_rest(c, &out);
	return shorten_columns(out.buf, out.len);
}

/* Copies a name to the work space, where it may be changed. NULL: there is no memory. */
static char *copy_name(struct text *t, const char *name, size_t len)
{
	if (len >= t->work_bytes) {
		size_t bytes = (len + WORK_BYTES) & ~(WORK_BYTES - 1);
		char *work = arena_alloc(t->arena, bytes);

		if (!work)
			return NULL;
		t->work = work;
		t->work_bytes = bytes;
	}
	return memcpy(t->work, name, len + 1);
}

/* The function of a call. It is shortened where the line would else take more than its columns, as far as that is
 * possible. */
static const char *shortened(struct text *t, const struct frame_call *c)
{
	size_t len = strlen(c->function), columns = t->columns, rest;
	char *name;

	if (len + OFFSET_COLUMNS <= columns && !c->file)
		return c->function;
	rest = rest_columns(c);
	columns = columns > rest && columns - rest > NAME_COLUMNS ? columns - rest : NAME_COLUMNS;
	name = len > columns && len < NAME_BYTES ? copy_name(t, c->function, len) : NULL;
	if (!name)
		return c->function;
	shorten(name, columns);
	return name;
}

static void write_frames(struct text *t, const struct model_row *row)
{
	struct model_stack stack;
	unsigned number = 0;

	if (row->overflow)
		out_text(t->out, "(table full)\n");
	model_stack(t->model, row, &stack);
	for (unsigned i = 0; i < stack.count; i++) {
		struct frame f = model_frame(&stack, i);

		for (unsigned at = 0; at < f.call_count; at++) {
			struct frame_call c = frame_call(&f, at);

			out_u64_wide(t->out, number++, 2);
			out_text(t->out, " [");
			out_hex_wide(t->out, f.pc, ADDRESS_WIDTH);
			out_text(t->out, "] ");
			frame_write_place(&f, &c, c.function && t->columns ? shortened(t, &c) : c.function,
					  out_name, t->out);
			frame_write_rest(&c, t->out);
			out_char(t->out, '\n');
		}
	}
}

/* How many columns a line may take. 0: any number, because the dump goes to a file. For a terminal that reports no
 * width or a very small one, and for a stream that is no terminal, that is TERMINAL_WIDTH. */
static size_t line_columns(const struct model *m, const struct out *out)
{
	struct winsize size;
	int saved = errno;
	bool terminal = out->fd >= 0 && !ioctl(out->fd, TIOCGWINSZ, &size);

	errno = saved;
	if (terminal && size.ws_col >= TERMINAL_LEAST)
		return size.ws_col;
	return terminal || !m->options->outfile ? TERMINAL_WIDTH : 0;
}

/* ---- The summary ---- */

static void summary_line(struct out *out, const char *head)
{
	out_text(out, "[heaptrace] ");
	out_text(out, head);
	out_text(out, ": ");
}

static void summary_size(struct out *out, const char *head, uint64_t bytes)
{
	summary_line(out, head);
	out_size(out, bytes);
	out_char(out, '\n');
}

/* The command line's contract fixes the labels, and so calls the bytes that are handed out "resident". They are not
 * the RSS, which stands below, so the line says that. */
static void write_allocator(const struct model_allocator *a, struct out *out)
{
	summary_line(out, "allocator info (virtual)     ");
	if (a->virtual_known) {
		out_size(out, a->virtual_bytes);
		if (a->virtual_estimated)
			out_text(out, " (estimated)");
	} else {
		out_text(out, "unknown (");
		out_text(out, a->unknown);
		out_char(out, ')');
	}
	out_char(out, '\n');
	summary_line(out, "allocator info (resident)    ");
	out_size(out, a->handed_bytes);
	out_text(out, a->estimated ? " (estimated, not RSS)\n" : " (handed out, not RSS)\n");
}

static void write_statm(const struct model_process *p, struct out *out)
{
	summary_line(out, "statm info (VSS/RSS/shared)  ");
	if (p->statm_known) {
		out_size(out, p->vss);
		out_text(out, " / ");
		out_size(out, p->rss);
		out_text(out, " / ");
		out_size(out, p->shared);
	} else {
		out_text(out, "unknown");
	}
	out_char(out, '\n');
}

/* ---- Missing names ---- */

/* A list with a head, which is written before the first part, so that an empty list writes nothing. */
struct list {
	struct out *out;
	const char *head;		/* of a line of the summary, which begins with this list */
	const char *follow;		/* stands instead of the head where `follows` */
	bool follows;			/* the list stands behind another one in the same line */
	unsigned parts;			/* how many have been written */
};

static void begin_part(struct list *l)
{
	if (l->parts++)
		out_text(l->out, ", ");
	else if (l->follows)
		out_text(l->out, l->follow);
	else
		summary_line(l->out, l->head);
}

/* Writes "libfoo.so.1 (no symbols), bar (cannot be read: permission denied), and 2 more". */
static void write_lacks(struct list *l, const struct model_lack *lacks, unsigned count)
{
	for (unsigned i = 0; i < count && i < WORDS_NAMED; i++) {
		begin_part(l);
		out_name(l->out, path_name(lacks[i].module));
		out_text(l->out, " (");
		out_text(l->out, lacks[i].why);
		if (lacks[i].error) {
			out_text(l->out, ": ");
			words_reason(l->out, errno_text(lacks[i].error), lacks[i].error);
		}
		out_char(l->out, ')');
	}
	words_more(l->out, ", and ", WORDS_NAMED, count);
}

/*
 * Writes the modules that lack names and lines, if there are any, as one line:
 * [heaptrace] names missing                : libfoo.so.1 (no symbols), bar (the file was replaced:
 * its build id differs); lines missing: libx.so (compressed with zstd)
 */
static void write_missing(const struct model_lacks *lacks, struct out *out)
{
	struct list names = { .out = out, .head = "names missing                " };
	struct list lines = { .out = out, .head = "lines missing                ", .follow = "; lines missing: " };

	if (lacks->unknown_modules) {
		begin_part(&names);
		out_count(out, lacks->unknown_modules, " module (its path is not known)",
			  " modules (their paths are not known)");
	}
	if (lacks->modules_full) {
		begin_part(&names);
		out_text(out, "what was loaded last (more modules than there is room for)");
	}
	write_lacks(&names, lacks->names, lacks->name_count);
	lines.follows = names.parts;
	write_lacks(&lines, lacks->lines, lacks->line_count);
	if (names.parts || lines.parts)
		out_char(out, '\n');
}

/* ---- What the figures do not cover ---- */

/* Adds a part with a number, if that is not 0. */
static void write_part(struct list *l, uint64_t n, const char *one, const char *others)
{
	if (!n)
		return;
	begin_part(l);
	out_count(l->out, n, one, others);
}

/* Adds a part without a number. */
static void write_fact(struct list *l, bool is_true, const char *fact)
{
	if (!is_true)
		return;
	begin_part(l);
	out_text(l->out, fact);
}

/* Writes " (libfoo.so, bar, baz and 2 more)". */
static void write_truncated_modules(const struct model_not_seen *n, struct out *out)
{
	for (unsigned i = 0; i < n->truncated_module_count && i < WORDS_NAMED; i++) {
		out_text(out, i ? ", " : " (");
		out_name(out, path_name(n->truncated_modules[i]));
	}
	words_more(out, " and ", WORDS_NAMED, n->truncated_module_count);
	out_char(out, ')');
}

/* Adds "what libfoo.so allocates and frees (it was opened with RTLD_DEEPBIND, so ...)". */
static void write_deep_bound(struct list *l, const struct model_not_seen *n)
{
	bool several = n->deep_bound > 1;

	begin_part(l);
	out_text(l->out, "what ");
	out_name(l->out, n->deep_name);
	if (several) {
		out_text(l->out, " and ");
		out_count(l->out, n->deep_bound - 1, " other library", " other libraries");
	}
	out_text(l->out, several ? " allocate and free (they were" : " allocates and frees (it was");
	out_text(l->out, " opened with RTLD_DEEPBIND, so blocks that only look leaked may be listed)");
}

static void write_not_seen(const struct model_not_seen *n, uint32_t left_out, struct out *out)
{
	struct list l = { .out = out, .head = "not seen                     " };

	write_part(&l, left_out, " backtrace of these (no memory to list it)",
		   " backtraces of these (no memory to list them)");
	write_part(&l, n->lost_blocks, " allocation (no memory to record)", " allocations (no memory to record)");
	write_part(&l, n->overflow_calls, " allocation without a row of its own (table full)",
		   " allocations without a row of their own (table full)");
	write_part(&l, n->stacks_cut, " stack but for the caller", " stacks but for the caller");
	write_part(&l, n->stacks_broken, " stack beyond a frame whose caller was not to be found",
		   " stacks beyond a frame whose caller was not to be found");
	write_part(&l, n->truncated_no_file, " backtrace beyond code of no file (compiled at run time)",
		   " backtraces beyond code of no file (compiled at run time)");
	write_part(&l, n->truncated_in_modules, " backtrace beyond code without unwind information",
		   " backtraces beyond code without unwind information");
	if (n->truncated_in_modules)
		write_truncated_modules(n, out);
	write_part(&l, n->slow_stacks, " stack by the slow unwinder", " stacks by the slow unwinder");
	write_part(&l, n->unknown_frees, " free of an unknown block", " frees of unknown blocks");
	write_part(&l, n->known_frees, " free of a known block", " frees of known blocks");
	write_fact(&l, n->own_new, "C++ operator new (this allocator's does not call malloc)");
	write_fact(&l, n->other_malloc, "what the program's own malloc serves");
	write_fact(&l, n->valgrind, "what valgrind's own allocator serves (valgrind "
		   "--soname-synonyms=somalloc=nouserintercepts leaves it to heaptrace)");
	write_fact(&l, n->namespaces, "what dlmopen() has loaded in namespaces of their own");
	if (n->deep_bound)
		write_deep_bound(&l, n);
	write_part(&l, n->untraced, " started program (it was said which, and why)",
		   " started programs (it was said which, and why)");
	if (l.parts)
		out_char(out, '\n');
}

/* Writes the result of --unwind=check. */
static void write_check(const struct model_not_seen *n, struct out *out)
{
	if (!n->stacks_checked)
		return;
	summary_line(out, "unwinders compared           ");
	out_count(out, n->stacks_checked, " stack, ", " stacks, ");
	out_count(out, n->stacks_disagreed, " disagrees\n", " disagree\n");
}

static void write_summary(const struct model *m, const struct model_section *s, struct out *out)
{
	summary_line(out, "heap traced num of backtrace ");
	out_u64(out, m->totals.live_rows);
	out_char(out, '\n');
	summary_size(out, "heap traced allocation size  ", m->totals.size);
	if (m->totals.ignored_rows) {
		summary_line(out, "heap left out by --ignore    ");
		out_count(out, m->totals.ignored_rows, " backtrace, ", " backtraces, ");
		out_size(out, m->totals.ignored_size);
		out_char(out, '\n');
	}
	if (m->rules && rules_unmatched(m->rules)) {
		summary_line(out, "rules that matched nothing   ");
		words_unmatched_rules(m->rules, out);
		out_text(out, " (--ignore)\n");
	}
	write_allocator(&m->allocator, out);
	write_statm(&m->process, out);
	if (m->not_seen.no_space) {
		summary_line(out, "new backtraces               ");
		out_text(out, "no space to keep them apart: they are under (table full)\n");
	}
	write_missing(&s->lacks, out);
	write_check(&m->not_seen, out);
	write_not_seen(&m->not_seen, s->left_out, out);
	out_repeat(out, '=', RULE_WIDTH);
	out_char(out, '\n');
}

static void write_text(const struct model *m, struct arena *arena, struct out *out)
{
	size_t columns = line_columns(m, out);
	struct text t = { .model = m, .out = out, .arena = arena, .columns = columns ? columns - HEAD_WIDTH : 0 };

	for (unsigned i = 0; i < m->section_count; i++) {
		const struct model_section *s = &m->sections[i];

		write_head(&t, s->key);
		for (uint32_t n = 0; n < s->count; n++) {
			struct model_row row = model_row(m, s, n);

			write_counters(&row, n + 1, s->key, out);
			write_frames(&t, &row);
			out_char(out, '\n');
		}
		write_summary(m, s, out);
	}
}

const struct format text_format = {
	.name = "text", .figures = true, .rows = MODEL_ROWS_LIVE, .sections_max = SORT_KEYS, .write = write_text,
};
