/* SPDX-License-Identifier: GPL-2.0-only */
/* See record.h. */
#include "record.h"

#include "capture/recall/recall.h"
#include "elf/lookup.h"
#include "free_filter.h"
#include "record_odd.h"
#include "table/events.h"
#include "table/modules.h"
#include "table/sizes.h"
#include "table/thread_list.h"
#include "table/truncated.h"

static const uint32_t no_mode = CONTROL_EXACT;
struct recorder recorder HOT_DATA __attribute__((aligned(64))) = { .mode = &no_mode, .first_plain = ROW_OVERFLOW };

extern char __libc_single_threaded __attribute__((weak));

const char *record_one_thread(void)
{
	return &__libc_single_threaded ? &__libc_single_threaded : "";
}

__attribute__((cold)) void record_sizes(void)
{
	/* An allocator without this function must not get to libc's, which knows other blocks. */
	if (lookup_next_together("malloc", "malloc_usable_size"))
		lookup_next("malloc_usable_size", 1, &recorder.block_bytes);
	if (sizes_start(&recorder.table, recorder.block_bytes))
		record_choose_paths(false);
}

void record_forget(void)
{
	recorder.mode = &no_mode;
	free_filter_stop();
	recorder.first_plain = ROW_OVERFLOW;
	recorder.block_bytes = NULL;
}

void record_choose_paths(bool by_row)
{
	bool special = by_row || record_counts_sizes();

	store_release(&recorder.simple, special ? "" : recorder.one_thread);
	store_release(&recorder.careful, special ? "\1" : recorder.one_thread);
}

static void __attribute__((noinline)) count_size(void *p, const struct block *b, enum sizes_change change)
{
	size_t (*ask)(void *) = load_relaxed(&recorder.block_bytes);	/* which another thread may take away */
	uint64_t block_bytes = ask && p ? ask(p) : 0;
	uint32_t blocks = b->row < recorder.first_plain ?
			  sample_blocks(b->size_bytes, events_sample_bytes(&recorder.table, b->row)) : 1;

	sizes_change(&recorder.table, b->row, b->size_bytes, block_bytes, change, blocks, process_has_one_thread());
}

struct block record_take_old(void *p)
{
	struct block b = record_take(p);

	if (unlikely(record_counts_sizes()) && b.row != ROW_NONE)
		count_size(p, &b, SIZES_GONE);	/* before realloc(), as the allocator still knows the block */
	return b;
}

/*
 * Makes the unwinder ready, unless the loader has called the hook: the unwinder's first call loads a library, which is
 * not possible from inside the loader. A call from a constructor is fine; that of libstdc++ allocates long before the
 * library's own constructor runs.
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
	if (notes & CAPTURE_CUT)
		add_relaxed(&t->stacks_broken, 1);
}

/* Compares a stack that the thread's memory has recognized with backtrace() (--unwind=check). */
static __attribute__((cold)) void compare_known(const struct capture_point *from, uint32_t row)
{
	uint32_t codes[TABLE_FRAMES_MAX];
	uintptr_t frames[TABLE_FRAMES_MAX];
	unsigned count = table_frames(&recorder.table, row, codes), notes = 0;

	if (!count)
		return;		/* the table is full: the row has no frames */
	for (unsigned i = 1; i < count; i++)
		frames[i - 1] = (uintptr_t)table_code_pc(&recorder.table, codes[i]);
	capture_compare(from, frames, count - 1, recorder.depth - 1u, &notes);
	count_notes(notes);
}

/* The value of modules_changes() when the unwinder was last notified. The unwinder has one memory of rules for the
 * whole process, so this belongs to the process, not to the table. */
static uint32_t changes_seen;

/*
 * Notifies the unwinder if modules have been loaded since the last call, because the rules that it remembers for their
 * addresses may be those of modules that were there before. True: it was notified.
 */
static bool notify_module_changes(void)
{
	uint32_t changes = modules_changes(&recorder.table);

	if (likely(changes == load_relaxed(&changes_seen)))
		return false;
	capture_modules_changed();
	store_relaxed(&changes_seen, changes);
	return true;
}

/* Notes that a stack ended at pc for want of unwind information. In the dynamic loader this is the entry point from
 * which it calls constructors. Nothing lies outward of that, so the stack is complete, and nothing is noted. */
static void note_truncated(uintptr_t pc)
{
	if (pc < recorder.loader_start || pc >= recorder.loader_end)
		truncated_note(&recorder.table, pc);
}

/*
 * The row of the calling backtrace, by a walk. Frame 0 is the function that the program called. The address after its
 * first byte stands for it, so that a reader may treat it like the return addresses that follow.
 */
static __attribute__((cold)) uint32_t __attribute__((noinline)) find_row_slow(uintptr_t function, const struct capture_point *from)
{
	uintptr_t frames[recorder.depth];
	struct suffix suffixes[recorder.depth];
	uint32_t seen, row;
	unsigned notes = 0;

	if (unlikely(!capture_ready()))
		ready_capture(from->pc);
	frames[0] = function;
	do {
		unsigned count = 1;

		seen = load_relaxed(&changes_seen);
		if (recorder.depth > 1)
			count += capture_stack(from, frames + 1, recorder.depth - 1u, &notes);
		if (unlikely(notes & CAPTURE_NO_CFI))
			note_truncated(frames[count - 1]);
		row = table_intern(&recorder.table, frames, count, 0, suffixes, NULL);
	} while (unlikely(notify_module_changes() || seen != load_relaxed(&changes_seen)));
	if (unlikely(notes))
		count_notes(notes);
	return row;
}

/* Notes the nodes that table_intern() has found, for recall_learn(), and gives the frames' addresses their numbers. */
static void note_nodes(struct recall *r, struct captured *c, bool whole)
{
	unsigned fresh = c->count - c->known;

	for (unsigned i = 0; i < fresh; i++)
		c->nodes[i] = c->suffixes[i].node;
	if (c->numbered)
		return;
	for (unsigned i = 0; i < fresh && (whole || i < recorder.depth); i++)
		recall_number(r, c->walked[i].pc, table_code_at(&recorder.table, c->nodes[i]));
}

/* Whether the row has counted an allocation: the stack was seen before. */
static inline bool was_called(uint32_t row)
{
	return load_relaxed(&recorder.table.rows[row].total_count);
}

/* The row of a stack that was captured, and that table_find() has not found. */
static uint32_t intern_captured(struct captured *c, bool *whole)
{
	if (unlikely(c->no_cfi_pc))
		note_truncated(c->no_cfi_pc);
	for (unsigned i = 0; i < c->count - c->known; i++)
		c->frames[i] = c->walked[i].pc;
	return table_intern(&recorder.table, c->frames, c->count, c->known, c->suffixes, whole);
}

/*
 * The row of a stack that the thread's memory of stacks has not recalled, but has walked; ROW_NONE when the walk
 * was given up. When this stack's modules turn out to be new, the stack is walked again, and the row that was found
 * first stays in the table, unused.
 */
static __attribute__((noinline)) uint32_t intern_walked(struct recall *r)
{
	struct captured *c = recall_captured(r);
	uintptr_t function = c->walked[0].pc;
	struct capture_point from = { c->walked[1].pc, c->walked[1].sp, c->fp };
	uint32_t row;
	bool whole;

	while (c->count) {
		row = intern_captured(c, &whole);
		if (likely(!notify_module_changes()) && likely(!recall_is_void(r))) {
			if (likely(row != ROW_OVERFLOW)) {
				note_nodes(r, c, whole);
				recall_learn(r, row, was_called(row), whole);
			}
			return row;
		}
		row = recall_find(r, function, from.pc, from.sp, from.fp);
		if (row)
			return row;
	}
	return find_row_slow(function, &from);
}

HOT_CODE uint32_t record_row_missed(struct recall *r)
{
	struct captured *c = recall_captured(r);
	unsigned fresh = c->count - c->known;
	uint32_t row = ROW_NONE;
	bool whole;

	if (likely(c->numbered) && likely(c->count))
		row = table_find(&recorder.table, c->walked, fresh, c->known ? &c->suffixes[fresh] : NULL, c->hash,
				 c->nodes, &whole);
	if (unlikely(!row))
		return intern_walked(r);
	recall_learn(r, row, true, whole);
	if (CHECKING)
		verify_recognized(&(struct capture_point){ c->walked[1].pc, c->walked[1].sp, c->fp }, row);
	return row;
}

uint32_t record_row_slow(const struct thread *self, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
	struct capture_point from = { pc, sp, fp };
	struct recall *r = self ? self->recall : NULL;
	uint32_t row;
	bool recalled;

	if (!r)
		return find_row_slow(function, &from);
	row = recall_find(r, function, pc, sp, fp);
	recalled = row;
	if (!recalled)
		row = record_row_missed(r);
	if (recalled || recall_captured(r)->count)	/* find_row_slow() has compared what the walk has given up */
		compare_known(&from, row);
	return row;
}

static inline void count_resize(uint32_t row, uint64_t old_bytes, uint64_t new_bytes)
{
	struct thread *self = guard_self.thread;
	bool one = process_has_one_thread();

	if (unlikely(row < recorder.first_plain)) {
		record_odd_resize(row, old_bytes, new_bytes);
		return;
	}
	if (one && likely(row_resize_single(&recorder.table, row, old_bytes, new_bytes)))
		return;
	if (!one && likely(self && self->deltas)) {
		delta_resize(&recorder.table, self->deltas, row, old_bytes, new_bytes);
		return;
	}
	if (!one)	/* a thread without slots */
		thread_list_note_slow(&recorder.table, row, threads_own_number());
	row_resize(&recorder.table, row, old_bytes, new_bytes);
}

static inline __attribute__((always_inline)) void uncount_in_one_thread(struct block b, bool temporary)
{
	if (temporary)
		row_free_temporary_single(&recorder.table, b.row, b.size_bytes);
	else if (unlikely(!row_free_single(&recorder.table, b.row, b.size_bytes)))
		row_free(&recorder.table, b.row, b.size_bytes, false);
}

/* Inline: in node and other programs with several threads most frees come here. */
static inline __attribute__((always_inline)) void uncount_in_threads(struct block b, bool temporary, bool nested)
{
	struct thread *self = guard_self.thread;

	if (likely(self && self->deltas && !nested)) {
		delta_free(&recorder.table, self->deltas, b.row, b.size_bytes, temporary);
	} else {
		row_free(&recorder.table, b.row, b.size_bytes, temporary);
	}
}

HOT_CODE void record_uncount(struct block b, bool temporary, bool nested)
{
	if (CHECKING && nested)
		verify_nested_free();
	if (unlikely(b.row < recorder.first_plain))
		record_odd_free(b, temporary);
	else if (process_has_one_thread())
		uncount_in_one_thread(b, temporary);
	else
		uncount_in_threads(b, temporary, nested);
}

/* record_freed_slow() where sizes are counted, or where the block's row decides how it is counted. */
static void __attribute__((noinline)) uncount_sized(void *p, const struct block *b, bool temporary, bool nested)
{
	if (record_counts_sizes())
		count_size(p, b, SIZES_GONE);
	record_uncount(*b, temporary, nested);
	free_filter_remove(p);
}

HOT_CODE void record_freed_slow(void *p, struct block b, bool nested)
{
	bool newest = record_is_newest(p, b.slot);

	if (CHECKING && nested)
		verify_nested_free();
	if (newest)
		guard_self.last_block = NULL;
	if (unlikely(b.row < recorder.first_plain))
		uncount_sized(p, &b, newest, nested);
	else if (likely(!*recorder.careful))
		uncount_in_threads(b, newest, nested);
	else if (likely(!record_counts_sizes()))
		uncount_in_one_thread(b, newest);
	else
		uncount_sized(p, &b, newest, nested);
}

void record_freed_in_pool(void *p, struct block b, bool nested)
{
	bool newest = p && record_is_newest(p, b.slot);

	if (newest)
		guard_self.last_block = NULL;
	uncount_sized(NULL, &b, newest, nested);
}

HOT_CODE bool record_free(void *p, bool nested)
{
	struct block b = record_take(p);

	if (unlikely(b.row == ROW_NONE))
		return false;
	record_freed_slow(p, b, nested);
	return true;
}

static inline void count_alloc(uint32_t row, uint64_t size_bytes)
{
	struct thread *self = guard_self.thread;

	if (unlikely(row < recorder.first_plain)) {
		record_odd_alloc(row, size_bytes);
	} else if (process_has_one_thread()) {
		if (unlikely(!row_alloc_single(&recorder.table, row, size_bytes)))
			row_alloc(&recorder.table, row, size_bytes);
	} else if (likely(self && self->deltas)) {
		delta_alloc(&recorder.table, self->deltas, row, size_bytes);
	} else {
		thread_list_note_slow(&recorder.table, row, threads_own_number());
		row_alloc(&recorder.table, row, size_bytes);
	}
}

/* Counts a block as gone whose free was not seen. Another block has got its address. */
static void __attribute__((cold, noinline)) uncount_stale(struct block b)
{
	if (record_counts_sizes())
		count_size(NULL, &b, SIZES_GONE);
	record_uncount(b, false, false);
	add_relaxed(&recorder.table.head->totals.stale_blocks, 1);
}

static HOT_CODE void __attribute__((noinline)) note_block_slow(uint32_t *slot, struct block b)
{
	struct block stale[SLOTS_MOST];
	unsigned count = slot_put_slow(slot, b, stale);

	while (unlikely(count))
		uncount_stale(stale[--count]);
}

static inline void note_block(uint32_t *slot, struct block b)
{
	if (likely(b.size_bytes < SLOT_MORE && slot_is_free(slot)))
		slot_put(slot, b.row, b.size_bytes);
	else
		note_block_slow(slot, b);
}

static void __attribute__((noinline)) note_and_count(uint32_t *slot, uint32_t row, uint64_t size_bytes)
{
	note_block(slot, (struct block){ .row = row, .size_bytes = size_bytes });
	guard_self.last_slot = load_relaxed(slot);
	if (unlikely(record_counts_sizes()))
		count_size(guard_self.last_block, &(struct block){ .row = row, .size_bytes = size_bytes }, SIZES_CALL);
	count_alloc(row, size_bytes);
}

HOT_CODE void record_new_slow(uint32_t *slot, uint32_t row, uint64_t size_bytes)
{
	struct thread *self = guard_self.thread;

	if (unlikely(size_bytes >= SLOT_MORE || !self || !self->deltas || *recorder.careful || row < recorder.first_plain) ||
	    unlikely(!slot_is_free(slot))) {
		note_and_count(slot, row, size_bytes);
		return;
	}
	guard_self.last_slot = slot_put(slot, row, size_bytes);
	delta_alloc(&recorder.table, self->deltas, row, size_bytes);
}

/* Records a large block whose region has no slots. Returns a number that stands for the block as a slot's value would,
 * or 0 when the region needs slots. */
static __attribute__((cold)) uint32_t note_large(struct blocks *map, const void *p, struct block b)
{
	struct block stale = NO_BLOCK;
	uint32_t number = b.size_bytes < LARGE_BYTES ? 0 : blocks_put_large(map, p, b, &stale);

	if (unlikely(stale.row != ROW_NONE))
		uncount_stale(stale);
	return number;
}

/* Records a block in its slot or, where its region has none, as a large block, and in the counts of sizes. Returns the
 * slot's value or the number from note_large(); 0 when there is no memory for either. */
static uint32_t note_anywhere(struct blocks *map, void *p, struct block b, enum sizes_change change)
{
	uint32_t *slot = blocks_find(map, p), number = 0;

	if (unlikely(!slot)) {
		number = note_large(map, p, b);
		if (!number)
			slot = blocks_claim(map, p);
	}
	if (likely(slot != NULL)) {
		note_block(slot, b);
		number = load_relaxed(slot);
	} else if (!number) {
		add_relaxed(&recorder.table.head->totals.lost_blocks, 1);
		return 0;
	}
	if (unlikely(record_counts_sizes()))
		count_size(map == &recorder.blocks ? p : NULL, &b, change);
	return number;
}

void record_alloc_in(struct blocks *map, void *p, uintptr_t frame, const struct capture_point *from, size_t size)
{
	uint32_t row = record_find_row(frame, from->pc, from->sp, from->fp);

	guard_self.last_block = p;
	guard_self.last_slot = note_anywhere(map, p, (struct block){ .row = row, .size_bytes = size }, SIZES_CALL);
	if (likely(guard_self.last_slot))
		count_alloc(row, size);
}

void record_alloc(void *p, uintptr_t function, uintptr_t pc, uintptr_t sp, uintptr_t fp, size_t size)
{
	record_alloc_in(&recorder.blocks, p, function, &(struct capture_point){ pc, sp, fp }, size);
}

HOT_CODE void record_realloc(void *p, size_t size, struct block old, uintptr_t function,
		    const struct capture_point *from)
{
	uint32_t row = record_find_row(function, from->pc, from->sp, from->fp);
	uint32_t noted = note_anywhere(&recorder.blocks, p, (struct block){ .row = row, .size_bytes = size }, SIZES_CALL);

	guard_self.last_block = p;
	guard_self.last_slot = noted;
	if (likely(noted && old.row == row)) {
		count_resize(row, old.size_bytes, size);
		return;
	}
	if (old.row != ROW_NONE)
		record_uncount(old, false, false);
	if (likely(noted))
		count_alloc(row, size);
}

void record_put_back(void *p, struct block b)
{
	bool newest = record_is_newest(p, b.slot);
	uint32_t noted = note_anywhere(&recorder.blocks, p, b, SIZES_BACK);

	if (newest)
		guard_self.last_slot = noted;
}
