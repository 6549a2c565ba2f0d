/* SPDX-License-Identifier: GPL-2.0-only */
/* See record.h. */
#include "record.h"

#include "capture/paths.h"
#include "table/modules.h"

struct recorder recorder;

/*
 * The unwinder's first call loads a library, so it must not come from inside the loader;
 * from a constructor (libstdc++'s allocates long before ours runs) it may.
 */
static void ready_capture(uintptr_t caller)
{
	if (caller < recorder.loader_start || caller >= recorder.loader_end)
		capture_init(recorder.unwind);
}

static void count_notes(unsigned notes)
{
	struct table_totals *t = &recorder.table.head->totals;

	if (notes & CAPTURE_FELL_BACK)
		add_relaxed(&t->fallbacks, 1);
	if (notes & CAPTURE_SHORT)
		add_relaxed(&t->stacks_cut, 1);
	if (notes & CAPTURE_CHECKED)
		add_relaxed(&t->stacks_checked, 1);
	if (notes & CAPTURE_DISAGREED)
		add_relaxed(&t->stacks_disagreed, 1);
}

/* A stack that the thread's memory has recognized, taken the other way too. */
static void compare_known(const struct capture_point *from, uint32_t row)
{
	uint32_t codes[TABLE_FRAMES_MAX];
	uintptr_t frames[TABLE_FRAMES_MAX];
	unsigned count = table_frames(&recorder.table, row, codes), notes = 0;

	if (!count)
		return;		/* the table is full */
	for (unsigned i = 1; i < count; i++)
		frames[i - 1] = (uintptr_t)table_code_pc(&recorder.table, codes[i]);
	capture_compare(from, frames, count - 1, recorder.depth - 1u, &notes);
	count_notes(notes);
}

/*
 * The row of a stack that the thread's memory can walk; ROW_NONE when it gives up. A new code may
 * mean that modules have come that were not there before: what the unwinder remembered of their
 * addresses may be other modules', so the stack is taken again. The first row stays, unused.
 */
static uint32_t find_row_by_paths(struct paths *p, uintptr_t function, const struct capture_point *from)
{
	struct captured *c;
	uint32_t row;

	for (;;) {
		uint32_t modules = modules_changes(&recorder.table);

		row = paths_find(p, function, from, recorder.depth - 1u, &c);
		if (likely(row) || !c->count)
			break;
		row = table_intern(&recorder.table, c->frames, c->count, c->known, c->marks);
		if (likely(modules_changes(&recorder.table) == modules)) {
			if (row != ROW_OVERFLOW)
				paths_learn(p, row, load_relaxed(&recorder.table.rows[row].total_count));
			break;
		}
		capture_modules_changed();
	}
	if (unlikely(capture_checking) && row)
		compare_known(from, row);
	return row;
}

/*
 * The calling backtrace's row. Frame 0 is the function that the program called; the address
 * after its first byte stands for it, so that it reads like the return addresses that
 * follow.
 */
static uint32_t __attribute__((noinline)) find_row_slowly(uintptr_t function, const struct capture_point *from)
{
	uintptr_t frames[recorder.depth];
	struct mark marks[recorder.depth];
	uint32_t modules = modules_changes(&recorder.table), row;
	unsigned notes = 0;

	if (unlikely(!capture_ready()))
		ready_capture(from->pc);
	frames[0] = function;
	for (;;) {
		unsigned count = 1;

		if (recorder.depth > 1)
			count += capture_stack(from, frames + 1, recorder.depth - 1u, &notes);
		row = table_intern(&recorder.table, frames, count, 0, marks);
		if (likely(modules_changes(&recorder.table) == modules))
			break;
		modules = modules_changes(&recorder.table);
		capture_modules_changed();
	}
	if (unlikely(notes))
		count_notes(notes);
	return row;
}

static inline uint32_t find_row(const void *function, const struct capture_point *from)
{
	const struct thread *self = guard_self.thread;
	uint32_t row = ROW_NONE;

	if (likely(self && self->paths && recorder.depth > 1))
		row = find_row_by_paths(self->paths, (uintptr_t)function + 1, from);
	return likely(row) ? row : find_row_slowly((uintptr_t)function + 1, from);
}

static inline void count_alloc(uint32_t row, uint64_t size_bytes)
{
	struct thread *self = guard_self.thread;

	if (process_has_one_thread())
		row_alloc_single(&recorder.table, row, size_bytes);
	else if (likely(self && self->deltas))
		delta_alloc(&recorder.table, self->deltas, row, size_bytes);
	else
		row_alloc(&recorder.table, row, size_bytes);
}

static inline void count_resize(uint32_t row, uint64_t old_bytes, uint64_t new_bytes)
{
	struct thread *self = guard_self.thread;

	if (process_has_one_thread())
		row_resize_single(&recorder.table, row, old_bytes, new_bytes);
	else if (likely(self && self->deltas))
		delta_resize(&recorder.table, self->deltas, row, old_bytes, new_bytes);
	else
		row_resize(&recorder.table, row, old_bytes, new_bytes);
}

void record_alloc(void *p, size_t size, struct block old, const void *function,
		   const struct capture_point *from)
{
	struct block b = { .size_bytes = size };
	struct stale_blocks stale;

	blocks_prefetch(&recorder.blocks, p);
	b.row = find_row(function, from);
	guard_self.last_block = p;
	if (unlikely(!blocks_put(&recorder.blocks, p, b, &stale))) {
		record_uncount(old, false, false);
		add_relaxed(&recorder.table.head->totals.lost_blocks, 1);
		return;
	}
	if (old.row == b.row) {
		count_resize(b.row, old.size_bytes, size);
	} else {
		if (unlikely(old.row != ROW_NONE))
			record_uncount(old, false, false);
		count_alloc(b.row, size);
	}
	for (unsigned i = 0; unlikely(i < stale.count); i++) {
		record_uncount(stale.block[i], false, false);
		add_relaxed(&recorder.table.head->totals.stale_blocks, 1);
	}
}
