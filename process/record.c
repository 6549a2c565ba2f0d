/* SPDX-License-Identifier: GPL-2.0-only */
/* See record.h. */
#include "record.h"

#include "capture/paths.h"
#include "table/modules.h"

struct recorder recorder HOT_DATA __attribute__((aligned(64)));

extern char __libc_single_threaded __attribute__((weak));

const char *record_one_thread(void)
{
	return &__libc_single_threaded ? &__libc_single_threaded : "";
}

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
 * The row of a stack that the thread's memory has not recognized, but perhaps walked; ROW_NONE when
 * it gave up. A new code may mean that modules have come that were not there before (`modules`: how
 * many changes there had been): what the unwinder remembered of their addresses may be other
 * modules', so the stack is taken again. The first row stays, unused.
 */
static uint32_t find_row_of_captured(struct paths *p, uintptr_t function, const struct capture_point *from,
				     uint32_t modules)
{
	struct captured *c = paths_captured(p);
	uint32_t row;
	bool whole;

	while (c->count) {
		row = table_intern(&recorder.table, c->frames, c->count, c->known, c->marks, &whole);
		if (likely(modules_changes(&recorder.table) == modules)) {
			if (row != ROW_OVERFLOW)
				paths_learn(p, row, load_relaxed(&recorder.table.rows[row].total_count), whole);
			return row;
		}
		capture_modules_changed();
		modules = modules_changes(&recorder.table);
		row = paths_find(p, function, from->pc, from->sp, from->fp);
		if (row)
			return row;
	}
	return ROW_NONE;
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
		row = table_intern(&recorder.table, frames, count, 0, marks, NULL);
		if (likely(modules_changes(&recorder.table) == modules))
			break;
		modules = modules_changes(&recorder.table);
		capture_modules_changed();
	}
	if (unlikely(notes))
		count_notes(notes);
	return row;
}

/* The thread's memory has not recognized the stack that it was asked for last. */
static HOT_CODE uint32_t __attribute__((noinline)) find_row_missed(uint32_t modules)
{
	struct paths *p = guard_self.paths;
	uintptr_t function;
	struct capture_point from = paths_point(p, &function);
	uint32_t row = find_row_of_captured(p, function, &from, modules);

	if (!row)
		return find_row_slowly(function, &from);
	if (unlikely(capture_checking))
		compare_known(&from, row);
	return row;
}

/* Without such a memory, or to compare. */
static uint32_t __attribute__((noinline)) find_row_otherwise(struct paths *p, uintptr_t function, uintptr_t pc,
							     uintptr_t sp, uintptr_t fp, uint32_t modules)
{
	struct capture_point from = { pc, sp, fp };
	uint32_t row;

	if (!p)
		return find_row_slowly(function, &from);
	row = paths_find(p, function, pc, sp, fp);
	if (!row)
		return find_row_missed(modules);
	compare_known(&from, row);
	return row;
}

/* What is needed for a stack that is not recognized is asked for again then: here nothing has to be kept. */
static inline uint32_t find_row(const void *function, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	uint32_t modules = modules_changes(&recorder.table), row;
	struct paths *p = guard_self.paths;

	if (unlikely(!p || capture_checking))
		return find_row_otherwise(p, (uintptr_t)function + 1, pc, sp, fp, modules);
	row = paths_find(p, (uintptr_t)function + 1, pc, sp, fp);
	return likely(row) ? row : find_row_missed(modules);
}

static inline __attribute__((always_inline)) void count_alloc(uint32_t row, uint64_t size_bytes)
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

static HOT_CODE void __attribute__((noinline)) note_otherwise(uint32_t *slot, struct block b)
{
	struct block stale[SLOTS_MOST];
	unsigned count = slot_put_otherwise(slot, b, stale);

	while (unlikely(count)) {
		record_uncount(stale[--count], false, false);
		add_relaxed(&recorder.table.head->totals.stale_blocks, 1);
	}
}

static inline void note_block(uint32_t *slot, struct block b)
{
	if (likely(slot_is_simple(slot, b)))
		slot_put(slot, b);
	else
		note_otherwise(slot, b);
}

HOT_CODE void record_alloc(void *p, const void *function, uintptr_t pc, uintptr_t sp, uintptr_t fp, size_t size)
{
	uint32_t *slot = blocks_claim(&recorder.blocks, p), row;

	__builtin_prefetch(slot, 1);	/* seldom in the cache, and wanted soon */
	row = find_row(function, pc, sp, fp);
	guard_self.last_block = p;
	if (unlikely(!slot)) {
		add_relaxed(&recorder.table.head->totals.lost_blocks, 1);
		return;
	}
	note_block(slot, (struct block){ row, size });
	count_alloc(row, size);
}

HOT_CODE void record_realloc(void *p, size_t size, struct block old, const void *function,
		    const struct capture_point *from)
{
	uint32_t *slot = blocks_claim(&recorder.blocks, p);
	uint32_t row = find_row(function, from->pc, from->sp, from->fp);

	guard_self.last_block = p;
	if (unlikely(!slot))
		add_relaxed(&recorder.table.head->totals.lost_blocks, 1);
	else
		note_block(slot, (struct block){ row, size });
	if (likely(slot && old.row == row)) {
		count_resize(row, old.size_bytes, size);
		return;
	}
	if (old.row != ROW_NONE)
		record_uncount(old, false, false);
	if (likely(slot != NULL))
		count_alloc(row, size);
}

void record_again(void *p, struct block b)
{
	note_block(blocks_find(&recorder.blocks, p), b);
}
