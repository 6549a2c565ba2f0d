/* SPDX-License-Identifier: GPL-2.0-only */
/* See gate.h. */
#include "gate.h"

#include "analysis/frame.h"
#include "analysis/windows.h"
#include "junit.h"
#include "options/types.h"

#include <stdlib.h>
#include <string.h>

#define STACK_BYTES	((size_t)16 << 10)	/* a longer text of a backtrace is cut */

static struct gate_case *first, **end = &first, *newest;
static unsigned judged, failed;		/* processes */
static struct gate_case *provisional;	/* those of PROGRAM, until gate_settle() */
static bool provisional_failed;
static char partly[160];		/* a line, if the newest process was not recorded all the time; else empty */

/* Whether the file lies in the directory or below. */
static bool is_below(const char *file, const char *directory)
{
	size_t len = strlen(directory);

	if (!len)
		return false;
	while (len && directory[len - 1] == '/')
		len--;
	return !strncmp(file, directory, len) && file[len] == '/';
}

enum gate_scope gate_scope_of(const struct options *o, const char *directory, const char *file, bool is_program)
{
	for (unsigned i = 0; i < o->judge_count; i++) {
		if (strstr(file, o->judge[i]))
			return GATE_INSIDE;
	}
	if (o->judge_count)
		return GATE_OUTSIDE;
	return is_below(file, directory) ? GATE_INSIDE : is_program ? GATE_PROGRAM : GATE_OUTSIDE;
}

/* A size that can be compared with a limit: with all of its digits. */
static void write_bytes(struct out *out, uint64_t bytes)
{
	out_size(out, bytes);
	if (bytes < 1000)
		return;
	out_text(out, " (");
	out_u64(out, bytes);
	out_text(out, " bytes)");
}

static void write_value(struct out *out, enum limit limit, uint64_t value)
{
	switch (limit) {
	case LIMIT_LEAK:
		write_bytes(out, value);
		out_text(out, " leaked");
		break;
	case LIMIT_LEAK_COUNT:
		out_count(out, value, " block leaked", " blocks leaked");
		break;
	case LIMIT_PEAK:
		out_text(out, "the heap had up to ");
		write_bytes(out, value);
		break;
	case LIMIT_CALLS:
		out_count(out, value, " call of an allocation function", " calls of allocation functions");
		break;
	case LIMIT_TEMPORARY:
		out_u64(out, value / 1000);
		out_char(out, '.');
		out_u64(out, value / 100 % 10);
		out_text(out, " % of the calls were temporary allocations");
		break;
	case LIMITS:
		break;
	}
}

/* What of the value the row is to blame for. */
static void write_part(struct out *out, enum limit limit, const struct model_row *row)
{
	uint64_t value = row->values[limit_key(limit)];

	switch (limit) {
	case LIMIT_LEAK:
		write_bytes(out, value);
		out_text(out, " in ");
		out_count(out, row->values[SORT_COUNT], " block", " blocks");
		break;
	case LIMIT_LEAK_COUNT:
		out_count(out, value, " block", " blocks");
		break;
	case LIMIT_PEAK:
		write_bytes(out, value);
		out_text(out, " then");
		break;
	case LIMIT_CALLS:
		out_count(out, value, " call", " calls");
		break;
	case LIMIT_TEMPORARY:
		out_u64(out, value);
		out_text(out, " of ");
		out_count(out, row->values[SORT_TOTAL_COUNT], " call", " calls");
		break;
	case LIMITS:
		break;
	}
}

/* Writes ", most by keep() at src/keep.c:12: 700 bytes in 7 blocks". */
static void write_blame(const struct model *m, enum limit limit, const struct model_row *row, struct out *out)
{
	struct model_stack stack;
	struct frame frame;
	struct frame_call call;

	out_text(out, ", most by ");
	if (row->overflow) {
		out_text(out, "backtrace " MODEL_TABLE_FULL);
	} else if (limits_blame(m, row, &stack, &frame, &call)) {
		frame_write_place(&frame, &call, call.function, out_name, out);
		frame_write_source(call.file, call.line, out);
	} else {
		out_text(out, "a backtrace without frames");
	}
	out_text(out, ": ");
	write_part(out, limit, row);
}

/* The row's backtrace, in lines as in a text dump. NULL: there is no memory. */
static char *stack_text(const struct model *m, const struct model_row *row)
{
	char *text = malloc(STACK_BYTES);
	struct model_stack stack;
	struct out out;

	if (!text)
		return NULL;
	out = out_memory(text, STACK_BYTES);
	model_stack(m, row, &stack);
	for (unsigned i = 0; i < stack.count; i++) {
		struct frame frame = model_frame(&stack, i);

		for (unsigned at = 0; at < frame.call_count; at++) {
			struct frame_call call = frame_call(&frame, at);

			frame_write_place(&frame, &call, call.function, out_name, &out);
			frame_write_rest(&call, &out);
			out_char(&out, '\n');
		}
	}
	return text;
}

static void describe(struct gate_case *c, const struct model *m, const struct limit_result *r)
{
	struct out out = out_memory(c->line, sizeof(c->line));

	out_text(&out, c->option);
	out_text(&out, " is broken by ");
	out_text(&out, c->process);
	out_text(&out, ": ");
	write_value(&out, c->limit, r->value);
	if (r->over_baseline)
		out_text(&out, " more than in the baseline");
	if (!r->has_row)
		return;
	write_blame(m, c->limit, &r->row, &out);
	c->stack = stack_text(m, &r->row);
}

/* Makes the result for a limit. NULL: there is no memory. */
static struct gate_case *make_case(const struct model *m, enum limit limit, const struct limit_result *r)
{
	struct gate_case *c = calloc(1, sizeof(*c));
	struct out out;

	if (!c)
		return NULL;
	*c = (struct gate_case){
		.broken = r->broken, .limit = limit, .runtime_ns = m->moment.runtime_ns,
	};
	out = out_memory(c->process, sizeof(c->process));
	out_name(&out, m->process.command);
	out_text(&out, " (pid ");
	out_u64(&out, m->process.pid);
	out_char(&out, ')');
	out = out_memory(c->option, sizeof(c->option));
	out_text(&out, "--");
	out = out_memory(c->option + out.len, sizeof(c->option) - out.len);
	types_print(&out, m->options, &options_table[limit_option(limit)], NULL);
	if (c->broken)
		describe(c, m, r);
	return c;
}

/* Figures that a part of the run is not in say little about a limit: notes a line that says so. */
static void note_windows(const struct model *m)
{
	struct out out = out_memory(partly, sizeof(partly));
	struct windows ws = windows_of(m);

	partly[0] = '\0';
	if (ws.ordinary)
		return;
	out_text(&out, "[heaptrace] the limits are about what was recorded of ");
	out_name(&out, m->process.command);
	out_text(&out, ": ");
	if (ws.recorded_ns) {
		out_time(&out, ws.recorded_ns);
		out_text(&out, " of ");
		out_time(&out, m->moment.runtime_ns);
	} else {
		out_text(&out, "nothing");
	}
	out_char(&out, '\n');
	out_string(&out);
}

/* Adds the newest results to all. */
static void keep_newest(bool is_broken)
{
	judged++;
	failed += is_broken;
	*end = newest;
	while (*end)
		end = &(*end)->next;
}

void gate_begin(void)
{
	newest = NULL;
}

void gate_judge(void *scope, const struct model *m)
{
	struct limit_result results[LIMITS];
	struct gate_case **last = &newest;
	enum gate_scope where = *(const enum gate_scope *)scope;
	struct arena arena = { 0 };
	bool is_broken;

	gate_begin();
	if (!options_has_limits(m->options) || !m->moment.ended || where == GATE_OUTSIDE)
		return;
	note_windows(m);
	is_broken = limits_check(m, &arena, results) != 0;
	arena_release(&arena);
	for (unsigned i = 0; i < LIMITS; i++) {
		if (!results[i].given)
			continue;
		*last = make_case(m, i, &results[i]);
		if (*last)
			last = &(*last)->next;
	}
	if (where == GATE_INSIDE) {
		keep_newest(is_broken);
		return;
	}
	provisional = newest;
	provisional_failed = is_broken;
	newest = NULL;
}

void gate_settle(void)
{
	if (provisional && !judged) {
		newest = provisional;
		keep_newest(provisional_failed);
	}
	provisional = NULL;
}

const struct gate_case *gate_newest(void)
{
	return newest;
}

const struct gate_case *gate_all(void)
{
	return first;
}

void gate_write_newest(struct out *text)
{
	if (newest)
		out_text(text, partly);
	for (const struct gate_case *c = newest; c; c = c->next) {
		if (!c->broken)
			continue;
		out_text(text, "[heaptrace] ");
		out_text(text, c->line);
		out_char(text, '\n');
	}
}

/* Writes the test report of --junit, and a line where that fails. */
static void write_report(const struct options *o, struct out *text)
{
	const char *path = o->junit;
	int error = path ? junit_write(path) : 0;

	if (!error)
		return;
	out_text(text, "[heaptrace] the file of --junit cannot be written: ");
	out_name(text, path);
	out_text(text, ": ");
	out_text(text, strerror(error));
	out_char(text, '\n');
}

void gate_write_verdict(const struct options *o, struct out *text)
{
	if (failed && judged > 1) {
		out_text(text, "[heaptrace] ");
		out_u64(text, failed);
		out_text(text, " of ");
		out_u64(text, judged);
		out_text(text, " processes broke a limit\n");
	}
	write_report(o, text);
}

int gate_status(const struct options *o)
{
	return failed ? o->error_exitcode : 0;
}
