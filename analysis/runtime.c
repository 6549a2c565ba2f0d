/* SPDX-License-Identifier: GPL-2.0-only */
/* See runtime.h. */
#include "runtime.h"

#include "base/path.h"
#include "base/sort.h"
#include "table/modules.h"

#include <string.h>

#define STREAMS		3u	/* stdin, stdout, stderr */
#define POOL_BYTES	72704u	/* libstdc++'s, unless it was set otherwise */
#define BUFFER_BYTES	512u	/* of a stream: at least, and a power of two */

static bool begins(const char *text, const char *with)
{
	return text && !strncmp(text, with, strlen(with));
}

/* The name of the file that the frame's code lies in. */
static const char *file_of(const struct frame *f)
{
	return f->module ? path_name(f->module) : "";
}

static bool is_loader(const char *file)
{
	return begins(file, "ld-") || begins(file, "ld.so") || begins(file, "ld64.so");
}

static bool in_loader(const struct frame *f)
{
	return is_loader(file_of(f));
}

/* The function that the frame's code belongs to, not one that is inlined there. */
static const char *function_of(const struct frame *f)
{
	return frame_call(f, f->call_count - 1).function;
}

/* Whether a thread is being started: what that allocates is kept as long as the thread. */
static bool starts_thread(const struct model_stack *stack)
{
	for (unsigned i = 1; i < stack->count; i++) {
		struct frame f = model_frame(stack, i);

		if (begins(function_of(&f), "pthread_create"))
			return true;
	}
	return false;
}

/* Which part of the runtime keeps the row's blocks; MODEL_KEPT_PARTS: none. */
static enum model_kept_part part_of(const struct model *m, const struct model_row *row)
{
	struct model_stack stack;
	struct frame caller, outer;
	const char *function;

	model_stack(m, row, &stack);
	if (stack.count < 3)
		return MODEL_KEPT_PARTS;
	caller = model_frame(&stack, 1);
	outer = model_frame(&stack, 2);
	function = function_of(&caller);
	if (row->values[SORT_COUNT] == 1 && begins(function, "_IO_file_doallocate"))
		return MODEL_KEPT_STREAMS;
	/* A constructor: the library's only one that allocates. Where libstdc++ is linked into the program, it has a name. */
	if ((begins(file_of(&caller), "libstdc++.so") && in_loader(&outer)) ||
	    (function && (strstr(function, "__freeres") || strstr(function, "(anonymous namespace)::pool"))))
		return MODEL_KEPT_POOL;
	return in_loader(&caller) && !starts_thread(&stack) ? MODEL_KEPT_LOADER : MODEL_KEPT_PARTS;
}

bool runtime_keeps(const struct model *m, const struct model_row *row)
{
	return part_of(m, row) != MODEL_KEPT_PARTS;
}

/* The name of the file of frame i, whose name has not been looked up. "": unknown. */
static const char *code_file(const struct model *m, const struct model_stack *stack, unsigned i)
{
	const struct table *t = model_table(m);
	const struct module *module = stack->count < 3 ? NULL : modules_of_code(t, stack->codes[stack->shown[i]]);

	return module ? path_name(modules_path(t, module)) : "";
}

bool runtime_needs_functions(const struct model *m, const struct model_row *row)
{
	struct model_stack stack;

	model_stack(m, row, &stack);
	return is_loader(code_file(m, &stack, 1)) ||
	       (begins(code_file(m, &stack, 1), "libstdc++.so") && is_loader(code_file(m, &stack, 2)));
}

/* Whether the row may be the runtime's, as far as its size and the caller's file tell. */
static bool looks_kept(const struct model *m, const struct model_row *row)
{
	uint64_t size = row->values[SORT_SIZE];
	struct model_stack stack;
	const char *file;

	model_stack(m, row, &stack);
	file = code_file(m, &stack, 1);
	return is_loader(file) || begins(file, "libstdc++.so") ||
	       (file[0] && row->values[SORT_COUNT] == 1 &&
		(size == POOL_BYTES || (size >= BUFFER_BYTES && !(size & (size - 1)))));
}

/* The function that buffers come from is libc's. They are as large as the kernel says that a file's blocks are: those
 * of a terminal have 1024 bytes, those of other files hardly ever less than a page. */
bool runtime_may_keep(const struct model *m, const struct model_row *row)
{
	uint64_t size = row->values[SORT_SIZE];
	bool as_buffer = size == 1024 || size >= 4096;
	struct model_stack stack;
	const char *file;

	if (!looks_kept(m, row))
		return false;
	model_stack(m, row, &stack);
	file = code_file(m, &stack, 1);
	return size == POOL_BYTES || (as_buffer && (begins(file, "libc.so") || begins(file, "libc-")));
}

bool runtime_is_apart(const struct model *m)
{
	return m->moment.ended && m->moment.reason != REASON_ASKED && m->options->top && !m->options->all_frames;
}

uint32_t runtime_rows(const struct model *m, const struct model_section *s, uint32_t top)
{
	uint32_t rows = 0;

	for (uint32_t others = 0; rows < s->count && others < top; rows++) {
		struct model_row row = model_row(m, s, rows);

		others += !looks_kept(m, &row);
	}
	return rows;
}

void runtime_set_apart(const struct model *m, struct model_section *s, uint32_t top)
{
	uint32_t listed = 0;

	for (uint32_t n = 0; n < s->count && listed < top; n++) {
		struct model_row row = model_row(m, s, n);
		enum model_kept_part part = part_of(m, &row);

		if (part == MODEL_KEPT_PARTS || (part == MODEL_KEPT_STREAMS && s->kept[part].count == STREAMS)) {
			s->rows[listed++] = s->rows[n];
		} else {
			s->kept[part].size += row.values[SORT_SIZE];
			s->kept[part].count += row.values[SORT_COUNT];
		}
	}
	s->count = listed;
}
