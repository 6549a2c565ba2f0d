/* SPDX-License-Identifier: GPL-2.0-only */
/* See table.h. */
#include "table.h"

#include "base/check.h"
#include "base/probe.h"
#include "base/sigreturn.h"
#include "frames.h"
#include "hints.h"
#include "index.h"
#include "layout.h"
#include "modules.h"
#include "special.h"

#include <string.h>

/* ---- Codes ---- */

#define PC_MASK	(((uint64_t)1 << CODE_PC_BITS) - 1)

struct code_query {
	struct table *t;
	uint64_t pc;
	bool full;		/* no code was made, and more levels of the index would not help */
};

/* Whether the code stands for the address pc in the module that lies there now. intact: the result of
 * modules_intact(). */
static inline bool code_is_at(const struct table *t, uint32_t code, uint64_t pc, bool intact)
{
	uint64_t c = load_relaxed(&t->codes[code]);
	uint64_t module = c >> CODE_PC_BITS;

	if ((c ^ pc) & PC_MASK)
		return false;
	if (likely(intact) || module == CODE_NO_MODULE || module >= CODE_SPECIAL)
		return true;
	return !load_relaxed(&t->modules[module - 1].gone) &&
	       (likely(modules_settled(t)) || modules_verify(t, (uint32_t)module, pc));
}

static inline bool code_is(const struct table *t, uint32_t code, uint64_t pc)
{
	return code_is_at(t, code, pc, modules_intact(t));
}

/* Whether an index has more than `levels` levels, after an attempt to add one. */
static bool more_levels(struct table *t, enum table_part part, uint32_t levels)
{
	return layout_limit(t->head, part) > levels || layout_grow(t, part);
}

static bool same_code(void *context, uint32_t code)
{
	struct code_query *q = context;

	return code_is(q->t, code, q->pc);
}

/* Whether the address can be read. A page of a module's code that could be read once is taken to stay so until some
 * module is unloaded; about all others the kernel is asked. */
static __attribute__((cold)) bool is_readable(const struct table *t, uint64_t pc, uint64_t module)
{
	uint64_t page = pc / PROBE_PAGE, *known = &t->local->pages_read[page % TABLE_PAGES_READ];
	bool stays = module != CODE_NO_MODULE && module < CODE_SPECIAL;

	if (stays && load_relaxed(known) == page && modules_intact(t))
		return true;
	if (!probe_readable((uintptr_t)pc))
		return false;
	if (stays)
		store_relaxed(known, page);
	return true;
}

/* Notes a code that signal handlers return to. */
static void note_signal_return(const struct table *t, uint32_t code, uint64_t pc, uint64_t module)
{
	struct table_header *h = t->head;
	uint32_t at;

	if (!is_readable(t, pc, module) || !is_readable(t, pc + SIGRETURN_BYTES - 1, module) ||
	    !sigreturn_is_at((uintptr_t)pc))
		return;
	at = add_relaxed(&h->signal_return_count, 1);
	if (at < SIGNAL_RETURNS_MAX)
		store_relaxed(&h->signal_returns[at], code);
}

static __attribute__((cold)) uint32_t make_code(void *context)
{
	struct code_query *q = context;
	struct table_header *h = q->t->head;
	uint64_t module;
	uint32_t code;

	q->full = true;
	if (load_relaxed(&h->code_count) >= load_acquire(&h->code_limit) && !layout_grow(q->t, TABLE_CODES))
		return 0;
	module = special_is(q->pc) ? CODE_SPECIAL : modules_note(q->t, q->pc);
	code = add_relaxed(&h->code_count, 1);
	while (code >= load_acquire(&h->code_limit)) {
		if (!layout_grow(q->t, TABLE_CODES))
			return 0;
	}
	check(module == CODE_NO_MODULE || module >= CODE_SPECIAL || modules_holds(q->t, (uint32_t)module, q->pc & PC_MASK),
	      "a code's module holds its address");
	store_relaxed(&q->t->codes[code], (q->pc & PC_MASK) | module << CODE_PC_BITS);
	if (module != CODE_SPECIAL)
		note_signal_return(q->t, code, q->pc, module);
	q->full = false;
	return code;
}

static uint32_t intern_code(struct table *t, uint64_t pc)
{
	uint64_t hash = (pc & PC_MASK) * SUFFIX_FACTOR;
	uint32_t *hint = &t->local->code_hints[hash >> 20 & (TABLE_CODE_HINTS - 1)];
	struct code_query q = { t, pc, false };
	uint32_t made, levels;
	uint32_t code = index_recall(load_acquire(hint), hash, load_relaxed(&t->head->code_count), same_code, &q);

	if (likely(code))
		return code;
	do {
		levels = load_acquire(&t->head->code_levels);
		code = index_intern(t->code_index, levels, hash, same_code, make_code, &q, &made);
	} while (unlikely(!code) && !q.full && more_levels(t, TABLE_CODE_INDEX, levels));
	store_release(hint, index_hint(hash, code));
	return code;
}

/* ---- Rows ---- */

void table_set_depth(struct table *t, unsigned depth)
{
	t->head->depth = depth;
	t->local->depth_power = 1;
	while (depth-- > 0)
		t->local->depth_power *= SUFFIX_STEP;
}

struct row_query {
	struct table *t;
	const uintptr_t *frames;
	unsigned count, known, depth;
	struct suffix *suffixes;
	bool whole;		/* the suffixes' nodes are right outward of the depth, too */
	bool again;		/* no row was made, because a module was noted: the row may be in the index after all */
	bool full;		/* no row was made, and more levels of the index would not help */
};

/* How many units a code takes. */
static inline uint32_t frame_units(uint32_t code)
{
	return code < FRAME_SHORT ? 1 : 2;
}

/* Returns where the next word goes. */
static uint32_t put_word(uint16_t *frames, uint32_t node, uint32_t word)
{
	if (word < FRAME_SHORT) {
		frames[node] = (uint16_t)word;
		return node + 1;
	}
	frames[node] = (uint16_t)(FRAME_SHORT | word >> 16);
	frames[node + 1] = (uint16_t)word;
	return node + 2;
}

/* Whether these frames begin at the node, as far as the depth. Also notes the nodes on the way. */
static bool are_at(struct row_query *q, uint32_t node)
{
	const struct table *t = q->t;
	const uint16_t *frames = t->frames;
	const uintptr_t *wanted = q->frames;
	struct suffix *suffixes = q->suffixes;
	uint32_t outer, next;
	unsigned fresh = q->count - q->known, at;
	bool intact = modules_intact(t);

	q->whole = false;
	for (at = 0; at < fresh; at++, node = next) {
		if (!node || !code_is_at(t, frame_code(frames, node, &next), wanted[at], intact))
			return at >= q->depth;
		suffixes[at].node = node;
	}
	outer = q->known ? suffixes[fresh].node : 0;
	for (; node != outer && at < q->depth; at++) {
		if (!node || !outer || frame_code(frames, node, &node) != frame_code(frames, outer, &outer))
			return false;
	}
	q->whole = node == outer;
	return true;
}

static bool same_frames(void *context, uint32_t row)
{
	struct row_query *q = context;

	return row >= load_relaxed(&q->t->head->window_row) && are_at(q, q->t->infos[row].node);
}

/* Notes the modules of the frames. False: one of them was not in the list yet, or was marked as gone. */
static bool note_modules(const struct row_query *q)
{
	uint32_t before = modules_changes(q->t), noted = 0;

	/* The function that was called, frame 0, lies in this library, which stays. */
	for (unsigned i = 1; i < q->count - q->known; i++) {
		if (noted == CODE_NO_MODULE || noted == CODE_EARLY ||
		    !modules_holds(q->t, noted, q->frames[i]))
			noted = modules_note(q->t, q->frames[i]);
	}
	return modules_changes(q->t) == before;
}

/* How many slots of the shares are used, minus one. A table with few rows uses few of them, and touches few pages. */
static uint32_t shares_mask(struct table *t)
{
	uint32_t rows = load_relaxed(&t->head->row_count);
	unsigned log2 = 32u - (unsigned)__builtin_clz(rows) + 2;

	uint32_t most = load_acquire(&t->head->shares_log2);

	if (log2 > TABLE_SHARES_LOG2)
		log2 = TABLE_SHARES_LOG2;
	while (unlikely(log2 > most) && layout_grow(t, TABLE_SHARES))
		most = load_acquire(&t->head->shares_log2);
	if (log2 > most)
		log2 = most;
	if (log2 < TABLE_SHARES_LEAST)
		log2 = TABLE_SHARES_LEAST;
	return (1u << log2) - 1;
}

static inline uint32_t *share_slot(const struct table *t, uint64_t hash, uint32_t mask)
{
	return &t->shares[hash >> 40 & mask];
}

/*
 * Returns how many of the frames have to be written. The frames outward of these are in the table already, and their
 * node is stored in *outer (0: there are none).
 */
static unsigned find_shared(struct row_query *q, uint32_t mask, uint32_t *outer)
{
	unsigned fresh = q->count - q->known;

	*outer = q->known ? q->suffixes[fresh].node : 0;
	for (; fresh; fresh--) {
		struct suffix *m = &q->suffixes[fresh - 1];
		uint32_t node = load_acquire(share_slot(q->t, m->hash, mask)), next, code;

		if (!node)
			break;
		code = frame_code(q->t->frames, node, &next);
		if (next != *outer || !code_is(q->t, code, q->frames[fresh - 1]))
			break;
		m->node = *outer = node;
	}
	return fresh;
}

/* Whether units [at, at + count) of the frames may be used. */
static bool frames_fit(struct table *t, uint32_t at, uint32_t count)
{
	while ((uint64_t)at + count > load_acquire(&t->head->frame_limit)) {
		if (!layout_grow(t, TABLE_FRAMES))
			return false;
	}
	return true;
}

/* Fills in the nodes of the frames, and writes the frames that the table does not have yet. False: that was not
 * possible, and row_query says why. */
static __attribute__((cold)) bool make_nodes(struct row_query *q)
{
	struct table *t = q->t;
	struct table_header *h = t->head;
	uint32_t node, outer, units = 2, mask;
	unsigned fresh;

	q->full = true;
	if (!note_modules(q)) {
		q->again = true;
		return false;
	}
	mask = shares_mask(t);
	fresh = find_shared(q, mask, &outer);
	/* Checked first so that the counter cannot creep up to a wrap. */
	if (!frames_fit(t, load_relaxed(&h->frames_used), 2 * fresh + 2))
		return false;
	for (unsigned i = 0; i < fresh; i++) {
		uint32_t code = intern_code(t, q->frames[i]);

		if (!code)
			return false;
		q->suffixes[i].node = code;	/* until its node is known */
		units += frame_units(code);
	}
	if (fresh) {
		node = add_relaxed(&h->frames_used, units);
		if (!frames_fit(t, node, units))
			return false;
		check_below(outer, node, "a link leads to an older run of frames");
		for (unsigned i = 0; i < fresh; i++) {
			uint32_t code = q->suffixes[i].node;

			q->suffixes[i].node = node;
			node = put_word(t->frames, node, code);
		}
		put_word(t->frames, node, FRAME_LINK | outer);
	}
	for (unsigned i = 0; i < fresh; i++)
		store_release(share_slot(t, q->suffixes[i].hash, mask), q->suffixes[i].node);
	q->whole = true;
	return true;
}

static uint32_t make_row(void *context)
{
	struct row_query *q = context;
	struct table *t = q->t;
	struct table_header *h = t->head;
	uint32_t row;

	q->full = true;
	/* Checked first so that the counter cannot creep up to a wrap. */
	if ((load_relaxed(&h->row_count) >= load_acquire(&h->row_limit) && !layout_grow(t, TABLE_ROWS)) ||
	    !make_nodes(q))
		return 0;
	row = add_relaxed(&h->row_count, 1);
	while (row >= load_acquire(&h->row_limit)) {
		if (!layout_grow(t, TABLE_ROWS))
			return 0;
	}
	check(!t->infos[row].node && !t->rows[row].total_count, "a new row has no frames and no calls");
	t->infos[row].node = q->suffixes[0].node;
	q->full = false;
	return row;
}

/* Finds or makes the row by the index. 0: there is no room. */
static uint32_t intern_row(struct row_query *q, uint64_t hash)
{
	struct table *t = q->t;
	uint32_t made, row;

	/* Each new attempt follows one that has noted a module. The bound is for a module that cannot be noted. */
	for (unsigned tries = 0; tries < 8; ) {
		uint32_t levels = load_acquire(&t->head->row_levels);

		q->again = q->full = false;
		row = index_intern(t->row_index, levels, hash, same_frames, make_row, q, &made);
		if (likely(row)) {
			if (made && made != row)
				add_relaxed(&t->head->rows_wasted, 1);
			return row;
		}
		if (q->again)
			tries++;
		else if (q->full || !more_levels(t, TABLE_ROW_INDEX, levels))
			break;
	}
	return 0;
}

uint32_t table_intern(struct table *t, const uintptr_t *frames, unsigned count, unsigned known,
		      struct suffix *suffixes, bool *whole)
{
	struct row_query q = { .t = t, .frames = frames, .count = count, .known = known,
			       .depth = t->head->depth, .suffixes = suffixes };
	uint64_t hash = known ? suffixes[count - known].hash : 0;
	uint32_t row;

	for (unsigned i = count - known; i-- > 0; ) {
		hash = suffix_mix(hash, frames[i]);
		suffixes[i].hash = hash;
	}
	if (count > q.depth)
		hash -= suffixes[q.depth].hash * t->local->depth_power;
	hash = hint_spread(hash);
	row = intern_row(&q, hash);
	if (!row)
		return ROW_OVERFLOW;
	hint_put(t, hash, row);
	/* The caller needs the nodes of these very frames outward of the depth, too. */
	if (unlikely(!q.whole && count - known > q.depth))
		make_nodes(&q);
	if (whole)
		*whole = q.whole;
	return row;
}

__attribute__((cold)) unsigned table_frames(const struct table *t, uint32_t row, uint32_t *codes)
{
	uint32_t used = load_relaxed(&t->head->frames_used), node = t->infos[row].node;
	unsigned count = 0, most = t->head->depth;

	if (most > TABLE_FRAMES_MAX)
		most = TABLE_FRAMES_MAX;
	if (used > load_relaxed(&t->head->frame_limit))
		used = t->head->frame_limit;
	/* In a damaged table the last words may reach beyond `used`, to what follows in the mapping. */
	while (node && node < used && count < most) {
		uint32_t code = frame_code(t->frames, node, &node);

		if (code >= t->head->code_limit)
			break;
		codes[count++] = code;
	}
	return count;
}

__attribute__((cold)) uint32_t table_first_code(const struct table *t, uint32_t row)
{
	uint32_t used = load_relaxed(&t->head->frames_used), node = t->infos[row].node, code;

	if (!node || node >= used || node >= load_relaxed(&t->head->frame_limit))
		return 0;
	code = frame_code(t->frames, node, &node);
	return code < t->head->code_limit ? code : 0;
}

uint32_t table_code_at(const struct table *t, uint32_t node)
{
	uint32_t next;

	return frame_word(t->frames, node, &next);
}

/* ---- For checks ---- */

uint64_t table_code_hash(const struct table *t, uint32_t code)
{
	return table_code_pc(t, code) * SUFFIX_FACTOR;
}

uint64_t table_row_hash(const struct table *t, uint32_t row)
{
	uint32_t codes[TABLE_FRAMES_MAX];
	unsigned count = table_frames(t, row, codes);
	uint64_t hash = 0;

	while (count-- > 0)
		hash = suffix_mix(hash, table_code_pc(t, codes[count]));
	return hint_spread(hash);
}

uint32_t table_node_code(const struct table *t, uint32_t node, uint32_t *out, bool *linked)
{
	uint32_t next;

	frame_word(t->frames, node, &next);
	*linked = t->frames[next] >= (FRAME_SHORT | FRAME_LINK >> 16);
	return frame_code(t->frames, node, out);
}

/* ---- The heap's size ---- */

void table_notify_peaks(struct table *t, uint64_t step_bytes, void (*passed)(void))
{
	uint64_t peak = load_relaxed(&t->head->totals.peak_size);

	t->local->peak_step_bytes = step_bytes;
	t->local->notify_peak = passed;
	if (peak < UINT64_MAX - step_bytes)
		store_relaxed(&t->head->totals.above, peak - peak % step_bytes + step_bytes);
}

__attribute__((cold)) void table_peak_passed(struct table *t, uint64_t live)
{
	uint64_t above = load_relaxed(&t->head->totals.above), step = t->local->peak_step_bytes;

	/* The thread that raises `above` notifies. While allocations are pending in other threads, the size can be
	 * negative, which looks enormous here. */
	if (!t->local->notify_peak || live < above || live > INT64_MAX)
		return;
	if (cas_relaxed(&t->head->totals.above, &above, live - live % step + step))
		t->local->notify_peak();
}
