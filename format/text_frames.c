/* SPDX-License-Identifier: GPL-2.0-only */
/* The frames of a row in a text dump: see text.h. */
#include "text.h"

#include "analysis/frame.h"
#include "analysis/wrappers.h"
#include "base/path.h"
#include "shorten.h"

#include <limits.h>
#include <string.h>

#define ADDRESS_WIDTH	14	/* 0x and a 47-bit address */
#define HEAD_WIDTH	(2 + 2 + ADDRESS_WIDTH + 2)	/* " 0 [0x7fe72e46476c] " */
#define NAME_COLUMNS	40u	/* in a stream a name gets at least so many, even if a long path follows */
#define FOLDED_LEAST	2u	/* a line that stands for fewer frames than this saves nothing */
#define MODULE_OFFSET_COLUMNS	18u	/* " (+0x123456789abc)" */
#define PATH_BYTES	512	/* columns behind these bytes of a path are not counted */
#define NAME_BYTES	((size_t)64 << 10)	/* a longer name is not shortened */
#define WORK_BYTES	((size_t)4 << 10)	/* work space is allocated in multiples of this */

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

/* ---- Shortening ---- */

/* A path that takes no more than the given columns: ".../", the last directories and the file's name. The file's name
 * is never cut. */
static const char *shortened_path(const char *path, size_t columns, char buf[PATH_BYTES])
{
	const char *from = path;
	struct out out;

	if (shorten_columns(path, strlen(path)) <= columns)
		return path;
	for (const char *next; (next = strchr(from + 1, '/')); ) {
		from = next;
		if (3 + shorten_columns(from, strlen(from)) <= columns)
			break;
	}
	if (*from != '/' || from == path)
		return path;
	out = out_memory(buf, PATH_BYTES);
	out_text(&out, "...");
	out_text(&out, from);
	return out.lost ? path : out_string(&out);
}

/* Shortens the function's name to so many columns, as far as that is possible. Returns how many it takes. */
static size_t shorten_function(struct text *t, struct frame_call *c, size_t columns)
{
	size_t len = strlen(c->function), have = shorten_columns(c->function, len);
	char *name = have > columns && len < NAME_BYTES ? copy_name(t, c->function, len) : NULL;

	if (!name)
		return have;
	len = shorten(name, columns);
	c->function = name;
	return shorten_columns(name, len);
}

/*
 * Shortens the line of a call until it fits: first the function's name, then the path of the source file or of the
 * module, and at last the offset in the function is left out. What then is still too long, the terminal's lines are
 * broken for. In a stream only the name is shortened, because scripts may read the rest.
 */
static void fit(struct text *t, struct frame *f, struct frame_call *c, char buf[PATH_BYTES])
{
	size_t columns = t->columns - HEAD_WIDTH, rest = rest_columns(c), room = columns > rest ? columns - rest : 0;
	size_t name;

	if (!c->function) {
		if (t->out->columns && f->module && !c->inlined)
			f->module = shortened_path(f->module, columns - MODULE_OFFSET_COLUMNS, buf);
		return;
	}
	if (!t->out->columns) {
		shorten_function(t, c, room > NAME_COLUMNS ? room : NAME_COLUMNS);
		return;
	}
	name = shorten_function(t, c, room);
	if (name <= room)
		return;
	if (c->file) {
		size_t file = strlen(c->file);
		size_t others = name + rest - shorten_columns(c->file, file < PATH_BYTES ? file : PATH_BYTES);

		c->file = shortened_path(c->file, columns > others ? columns - others : 0, buf);
	}
	if (name + rest_columns(c) > columns && !c->inlined)
		c->offset = FRAME_NO_OFFSET;
}

/* ---- Lines ---- */

/* A line of a row: a call of a frame. */
struct line {
	const struct model_stack *stack;
	unsigned at, call;		/* frame `at` of the stack, call `call` of the frame */
	struct frame frame;
};

/* Goes on to the next line, or from call UINT_MAX of frame 0 to the first one. False: there is none. */
static bool next_line(struct line *l)
{
	if (l->call != UINT_MAX && ++l->call < l->frame.call_count)
		return true;
	l->at += l->call != UINT_MAX;
	l->call = 0;
	if (l->at >= l->stack->count)
		return false;
	l->frame = model_frame(l->stack, l->at);
	return true;
}

static bool is_wrapper(const struct line *l)
{
	return wrappers_is(frame_call(&l->frame, l->call).function);
}

/*
 * How many lines from this one on lie in the same library, or are all wrappers of allocation functions, whichever are
 * more. *library: its path; NULL: they are wrappers.
 */
static unsigned run_length(const struct text *t, struct line l, const char **library)
{
	const char *path = l.frame.module, *program = t->model->program;
	bool wraps = is_wrapper(&l), inside = path && program && path[0] == '/' && strcmp(path, program);
	unsigned wrappers = 0, insiders = 0;

	do {
		inside = inside && l.frame.module && (l.frame.module == path || !strcmp(l.frame.module, path));
		wraps = wraps && is_wrapper(&l);
		insiders += inside;
		wrappers += wraps;
	} while ((inside || wraps) && next_line(&l));
	*library = insiders >= wrappers ? path : NULL;
	return insiders >= wrappers ? insiders : wrappers;
}

static void write_line(struct text *t, const struct line *l, unsigned number)
{
	struct frame_call c = frame_call(&l->frame, l->call);
	struct frame f = l->frame;
	char buf[PATH_BYTES];

	out_u64_wide(t->out, number, 2);
	out_text(t->out, " [");
	out_hex_wide(t->out, f.pc, ADDRESS_WIDTH);
	out_text(t->out, "] ");
	if (t->columns)
		fit(t, &f, &c, buf);
	frame_write_place(&f, &c, c.function, out_name, t->out);
	frame_write_rest(&c, t->out);
	out_char(t->out, '\n');
}

/* Writes the line that stands for others: "    ... 9 frames in libpython3.11.so". */
static void write_folded(struct out *out, unsigned count, const char *library)
{
	out_text(out, "    ... ");
	out_u64(out, count);
	out_text(out, library ? " frames in " : " frames of allocation wrappers");
	if (library)
		out_name(out, path_name(library));
	out_char(out, '\n');
}

/* Of a run of lines that is folded, the first and the last one are written: they show how it is entered and left. */
void text_write_frames(struct text *t, const struct model_row *row)
{
	struct model_stack stack;
	struct line l = { .stack = &stack, .call = UINT_MAX };
	bool folds = t->columns && !t->model->options->all_frames;

	if (row->overflow)
		out_text(t->out, MODEL_TABLE_FULL "\n");
	model_stack(t->model, row, &stack);
	if (!stack.count && !row->overflow)
		out_text(t->out, MODEL_ALL_HIDDEN "\n");
	for (unsigned number = 0; next_line(&l); number++) {
		const char *library;
		unsigned folded = folds ? run_length(t, l, &library) : 0;

		write_line(t, &l, number);
		if (folded < FOLDED_LEAST + 2)
			continue;
		folded -= 2;
		write_folded(t->out, folded, library);
		number += folded;
		while (folded--)
			next_line(&l);
		next_line(&l);
		write_line(t, &l, ++number);
	}
}
