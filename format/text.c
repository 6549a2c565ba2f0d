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
#include "analysis/model.h"

#include "base/path.h"
#include "analysis/missing.h"
#include "table/truncated.h"
#include "table/layout.h"
#include "table/modules.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define RULE_WIDTH	65
#define ADDRESS_WIDTH	14	/* 0x and a 47-bit address */
#define HEAD_WIDTH	(2 + 2 + ADDRESS_WIDTH + 2)	/* " 0 [0x7fe72e46476c] " */
#define TERMINAL_WIDTH	120u
#define TERMINAL_LEAST	60u	/* narrower ones break lines anyway */

static void write_head(const struct report *r, enum sort_key key, struct out *out)
{
	out_repeat(out, '=', RULE_WIDTH);
	out_text(out, "\n[heaptrace] dump allocation status for /proc/");
	out_u64(out, r->request->process.pid);
	out_text(out, "/maps (");
	out_name(out, r->request->process.command);
	out_text(out, "), sorted by ");
	out_text(out, options_sort_name(key));
	out_char(out, '\n');
}

/* Keys whose value the fixed columns do not show get a column of their own. */
static void write_key_column(const struct report *r, const struct view_row *row,
			     enum sort_key key, struct out *out)
{
	uint64_t value = view_value(&r->view, row, key);

	if (key != SORT_HEAP_PEAK && key != SORT_TOTAL_SIZE && key != SORT_TOTAL_COUNT &&
	    key != SORT_TEMPORARY)
		return;
	out_text(out, " [");
	out_text(out, options_sort_name(key));
	out_text(out, ": ");
	if (key == SORT_HEAP_PEAK || key == SORT_TOTAL_SIZE)
		out_size(out, value);
	else
		out_u64(out, value);
	out_char(out, ']');
}

static void write_counters(const struct report *r, const struct view_row *row, uint32_t number,
			   enum sort_key key, struct out *out)
{
	const struct counters *c = &row->counters;

	out_text(out, "=== backtrace #");
	out_u64(out, number);
	out_text(out, " === [count/peak: ");
	out_u64(out, c->live_count);
	out_char(out, '/');
	out_u64(out, c->peak_count);
	out_text(out, "] [size/peak: ");
	out_size(out, c->live_size);
	out_char(out, '/');
	out_size(out, c->peak_size);
	out_text(out, "] [age: ");
	out_time(out, view_value(&r->view, row, SORT_AGE));
	out_char(out, ']');
	write_key_column(r, row, key, out);
	out_char(out, '\n');
}

/* columns: 0, or what a line may take. */
static void write_frames(struct report *r, uint32_t row, size_t columns, struct out *out)
{
	const struct table *t = r->request->table;
	uint32_t *codes = r->names.codes;
	unsigned count = table_frames(t, row, codes), number = 0;

	if (row == ROW_OVERFLOW)
		out_text(out, "(table full)\n");
	for (unsigned i = 0; i < count; i++) {
		const struct name *name = names_find(&r->names, codes, i);

		for (unsigned line = 0; line < names_lines(name); line++) {
			out_u64_wide(out, number++, 2);
			out_text(out, " [");
			out_hex_wide(out, table_code_pc(t, codes[i]), ADDRESS_WIDTH);
			out_text(out, "] ");
			names_print(&r->names, name, line, columns ? columns - HEAD_WIDTH : 0, out);
			out_char(out, '\n');
		}
	}
}

/* What a line may take, or 0: a file has room. A terminal that says nothing of its width, or
 * something odd, and a log have TERMINAL_WIDTH. */
static size_t line_columns(const struct report *r, const struct out *out)
{
	struct winsize size;
	int saved = errno;
	bool terminal = out->fd >= 0 && !ioctl(out->fd, TIOCGWINSZ, &size);

	errno = saved;
	if (terminal && size.ws_col >= TERMINAL_LEAST)
		return size.ws_col;
	return terminal || !r->request->options->outfile ? TERMINAL_WIDTH : 0;
}

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

/* The labels are the contract's. The second figure has nothing to do with memory in the sense of RSS, which
 * stands below: so that is said. */
static void write_allocator(const struct allocator_figures *a, struct out *out)
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

static void write_statm(const struct report_process *p, struct out *out)
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

static void begin_part(struct out *out, bool *first)
{
	if (*first)
		summary_line(out, "not seen                     ");
	else
		out_text(out, ", ");
	*first = false;
}

static void write_part(struct out *out, bool *first, uint64_t n, const char *one, const char *others)
{
	if (!n)
		return;
	begin_part(out, first);
	out_count(out, n, one, others);
}

#define BLIND_MODULES	16u	/* that are told apart */
#define BLIND_NAMED	3u	/* and named; the others are only counted */

/* The backtraces with live blocks that go no further than code without unwind information. */
struct cut {
	uint32_t no_file;		/* code of no file: what was compiled at run time */
	uint32_t in_modules;
	const struct module *modules[BLIND_MODULES];
	unsigned module_count;
};

/* Whether there is code at which a stack can end like that, so that the backtraces have to be looked at. */
static bool has_cutting_code(const struct table *t)
{
	for (uint32_t i = 0; i < TABLE_TRUNCATED; i++) {
		if (load_relaxed(&t->head->truncated[i]))
			return true;
	}
	for (uint32_t code = 1, end = layout_count(t->head, TABLE_CODES); code < end; code++) {
		if (t->codes[code] && t->codes[code] >> CODE_PC_BITS == CODE_NO_MODULE)
			return true;
	}
	return false;
}

/* One module may stand in the list of modules twice. */
static void add_cut_in(const struct table *t, const struct module *m, struct cut *cut)
{
	cut->in_modules++;
	for (unsigned i = 0; i < cut->module_count; i++) {
		if (m == cut->modules[i] || !strcmp(modules_path(t, m), modules_path(t, cut->modules[i])))
			return;
	}
	if (cut->module_count < BLIND_MODULES)
		cut->modules[cut->module_count++] = m;
}

static void count_cut(struct report *r, struct cut *cut)
{
	const struct table *t = r->request->table;
	uint32_t *codes = r->names.codes, rows = has_cutting_code(t) ? view_end(&r->view, 0) : 0;
	unsigned depth = t->head->depth;

	*cut = (struct cut){ 0 };
	for (uint32_t i = 0; i < rows; i++) {
		unsigned count = r->view.rows[i].counters.live_count ?
				 table_frames(t, r->view.rows[i].row, codes) : 0;
		const struct module *m = count ? modules_of_code(t, codes[count - 1]) : NULL;

		if (!count || count >= depth)
			continue;
		if (!m)
			cut->no_file++;
		else if (truncated_holds(t, table_code_pc(t, codes[count - 1])))
			add_cut_in(t, m, cut);
	}
}

/* " (libfoo.so, bar, baz and 2 more)" */
static void write_cut_modules(const struct table *t, const struct cut *cut, struct out *out)
{
	for (unsigned i = 0; i < cut->module_count && i < BLIND_NAMED; i++) {
		out_text(out, i ? ", " : " (");
		out_name(out, path_name(modules_path(t, cut->modules[i])));
	}
	if (cut->module_count > BLIND_NAMED) {
		out_text(out, " and ");
		out_u64(out, cut->module_count - BLIND_NAMED);
		out_text(out, " more");
	}
	out_char(out, ')');
}

/* "what libfoo.so allocates and frees (it was opened with RTLD_DEEPBIND, so ...)". The name may come from the
 * memory of another process. */
static void write_deep_bound(const struct table_totals *t, struct out *out, bool *first)
{
	char name[sizeof(t->deep_name)];

	memcpy(name, t->deep_name, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	begin_part(out, first);
	out_text(out, "what ");
	out_name(out, name);
	if (t->deep_bound > 1) {
		out_text(out, " and ");
		out_count(out, t->deep_bound - 1, " other library", " other libraries");
	}
	out_text(out, t->deep_bound > 1 ? " allocate and free (they were" : " allocates and frees (it was");
	out_text(out, " opened with RTLD_DEEPBIND, so blocks that only look leaked may be listed)");
}

/* What the figures do not cover, said in words. */
static void write_not_seen(struct report *r, const struct report_section *s, struct out *out)
{
	const struct table *table = r->request->table;
	const struct table_totals *t = &table->head->totals;
	struct cut cut;
	bool first = true;

	write_part(out, &first, s->left_out, " backtrace of these (no memory to list it)",
		   " backtraces of these (no memory to list them)");
	write_part(out, &first, load_relaxed(&t->lost_blocks), " allocation (no memory to record)",
		   " allocations (no memory to record)");
	write_part(out, &first, row_total_count(table, ROW_OVERFLOW),
		   " allocation without a row of its own (table full)",
		   " allocations without a row of their own (table full)");
	write_part(out, &first, load_relaxed(&t->stacks_cut), " stack but for the caller",
		   " stacks but for the caller");
	write_part(out, &first, load_relaxed(&t->stacks_broken), " stack beyond a frame whose caller was not to be found",
		   " stacks beyond a frame whose caller was not to be found");
	count_cut(r, &cut);
	write_part(out, &first, cut.no_file, " backtrace beyond code of no file (compiled at run time)",
		   " backtraces beyond code of no file (compiled at run time)");
	write_part(out, &first, cut.in_modules, " backtrace beyond code without unwind information",
		   " backtraces beyond code without unwind information");
	if (cut.in_modules)
		write_cut_modules(table, &cut, out);
	write_part(out, &first, load_relaxed(&t->fallbacks), " stack by the slow unwinder",
		   " stacks by the slow unwinder");
	write_part(out, &first, load_relaxed(&t->unknown_frees), " free of an unknown block",
		   " frees of unknown blocks");
	write_part(out, &first, load_relaxed(&t->stale_blocks), " free of a known block",
		   " frees of known blocks");
	if (t->own_new) {
		begin_part(out, &first);
		out_text(out, "C++ operator new (this allocator's does not call malloc)");
	}
	if (t->other_malloc) {
		begin_part(out, &first);
		out_text(out, "what the program's own malloc serves");
	}
	if (t->redirected) {
		begin_part(out, &first);
		out_text(out, "what valgrind's own allocator serves (valgrind "
			      "--soname-synonyms=somalloc=nouserintercepts leaves it to heaptrace)");
	}
	if (t->namespaces) {
		begin_part(out, &first);
		out_text(out, "what dlmopen() has loaded in namespaces of their own");
	}
	if (t->deep_bound)
		write_deep_bound(t, out, &first);
	write_part(out, &first, load_relaxed(&t->untraced),
		   " started program (it was said which, and why)",
		   " started programs (it was said which, and why)");
	if (!first)
		out_char(out, '\n');
}

/* --unwind=check */
static void write_check(const struct table_totals *t, struct out *out)
{
	uint64_t checked = load_relaxed(&t->stacks_checked);

	if (!checked)
		return;
	summary_line(out, "unwinders compared           ");
	out_count(out, checked, " stack, ", " stacks, ");
	out_count(out, load_relaxed(&t->stacks_disagreed), " disagrees\n", " disagree\n");
}

static void write_summary(struct report *r, const struct report_section *s, struct out *out)
{
	const struct report_process *p = &r->request->process;

	summary_line(out, "heap traced num of backtrace ");
	out_u64(out, r->live_rows);
	out_char(out, '\n');
	summary_size(out, "heap traced allocation size  ", r->live_size);
	if (r->ignored_rows) {
		summary_line(out, "heap left out by --ignore    ");
		out_count(out, r->ignored_rows, " backtrace, ", " backtraces, ");
		out_size(out, r->ignored_size);
		out_char(out, '\n');
	}
	if (r->request->rules && rules_unmatched(r->request->rules)) {
		summary_line(out, "rules that matched nothing   ");
		rules_write_unmatched(r->request->rules, out);
		out_text(out, " (--ignore)\n");
	}
	write_allocator(&r->allocator, out);
	write_statm(p, out);
	if (r->request->table->head->no_space) {
		summary_line(out, "new backtraces               ");
		out_text(out, "no space to keep them apart: they are under (table full)\n");
	}
	missing_write(r, s, out);
	write_check(&r->request->table->head->totals, out);
	write_not_seen(r, s, out);
	out_repeat(out, '=', RULE_WIDTH);
	out_char(out, '\n');
}

static void write_text(struct report *r, struct out *out)
{
	size_t columns = line_columns(r, out);

	r->allocator = allocator_read(r);	/* once: the sections are of one moment */
	for (unsigned i = 0; i < r->request->sort_count; i++) {
		const struct report_section *s = &r->sections[i];

		write_head(r, s->key, out);
		for (uint32_t n = 0; n < s->count; n++) {
			const struct view_row *row = &r->view.rows[s->rows[n].index];

			write_counters(r, row, n + 1, s->key, out);
			write_frames(r, row->row, columns, out);
			out_char(out, '\n');
		}
		write_summary(r, s, out);
	}
}

const struct report_writer report_text = {
	.name = "text", .sections_max = SORT_KEYS, .write = write_text,
};
