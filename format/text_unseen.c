/* SPDX-License-Identifier: GPL-2.0-only */
/* What a dump cannot show: names and lines that are missing, and what the figures do not cover. See text.h. */
#include "text.h"

#include "base/errno_text.h"
#include "base/path.h"
#include "words.h"

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
		text_line(l->out, l->head);
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
void text_write_missing(const struct model_lacks *lacks, struct out *out)
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

void text_write_not_seen(const struct model_not_seen *n, uint32_t left_out, struct out *out)
{
	struct list l = { .out = out, .head = "not seen                     " };

	if (n->own_allocators) {
		text_line(out, "allocators of its own        ");
		out_name(out, n->own_allocators);
		out_char(out, '\n');
	}
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
	write_part(&l, n->untracked_frees, " free of a block that was allocated ", " frees of blocks that were allocated ");
	if (n->untracked_frees) {
		out_text(out, n->before_attach ? "before heaptrace" : "");
		out_text(out, n->before_attach && n->in_pause ? " or " : "");
		out_text(out, n->in_pause || !n->before_attach ? "while nothing was recorded" : "");
	}
	write_part(&l, n->known_frees, " free of a known block", " frees of known blocks");
	write_fact(&l, n->own_new, "C++ operator new (this allocator's does not call malloc)");
	write_fact(&l, n->other_malloc, "what the program's own allocator serves");
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
