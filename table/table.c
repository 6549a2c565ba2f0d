/* SPDX-License-Identifier: GPL-2.0-only */
/* See table.h. */
#include "table.h"

#include "base/arena.h"
#include "deltas.h"
#include "index.h"
#include "modules.h"

#include <string.h>

#define HASH_FACTOR	0x9e3779b97f4a7c15u

/* Sizes of a full table: 4 million rows that add 12 words of frames on average. Address space
 * is scarce on a 32-bit machine: a sixteenth there. */
#if UINTPTR_MAX > 0xffffffff
#define ROWS_LOG2	22
#else
#define ROWS_LOG2	18
#endif
#define ROWS_LOG2_LEAST	12
#define WORDS_PER_ROW	12
#define SHARES_LOG2	14
#define SHARES_LEAST	10
#define MODULES		4096u
#define TEXT_BYTES	(1u << 20)

static uint64_t take(uint64_t *at, uint64_t size_bytes)
{
	uint64_t offset = (*at + 63) & ~(uint64_t)63;

	*at = offset + size_bytes;
	return offset;
}

/* Where each part lies in a table of 2^rows_log2 rows and as many codes. */
static void lay_out(struct table_header *h, unsigned rows_log2)
{
	uint64_t rows = (uint64_t)1 << rows_log2, slots, at = sizeof(*h);

	memset(h, 0, sizeof(*h));
	memcpy(h->magic, TABLE_MAGIC, sizeof(h->magic));
	h->version = TABLE_VERSION;
	h->word_bits = 8 * sizeof(void *);
	h->row_limit = h->code_limit = (uint32_t)rows;
	h->frame_limit = (uint32_t)rows * WORDS_PER_ROW;
	h->module_limit = MODULES;
	h->text_limit = TEXT_BYTES;
	h->deltas_limit = DELTAS_THREADS;
	h->row_levels = h->code_levels = index_levels_for(rows_log2, &slots);
	h->rows_offset = take(&at, rows * sizeof(struct row));
	h->infos_offset = take(&at, rows * sizeof(struct row_info));
	h->codes_offset = take(&at, rows * sizeof(uint64_t));
	h->frames_offset = take(&at, h->frame_limit * sizeof(uint32_t));
	h->row_index_offset = take(&at, slots * sizeof(uint32_t));
	h->code_index_offset = take(&at, slots * sizeof(uint32_t));
	h->shares_offset = take(&at, (sizeof(uint32_t) << SHARES_LOG2));
	h->deltas_offset = take(&at, DELTAS_THREADS * sizeof(struct deltas));
	h->modules_offset = take(&at, MODULES * sizeof(struct module));
	h->text_offset = take(&at, TEXT_BYTES);
	h->size_bytes = at;
	h->row_count = ROW_FIRST;
	h->code_count = 1;
	h->frames_used = 1;
	h->early = 1;
	h->totals.epoch = 1;
}

static void locate(struct table *t, void *base)
{
	char *at = base;

	t->head = base;
	t->rows = (struct row *)(at + t->head->rows_offset);
	t->infos = (struct row_info *)(at + t->head->infos_offset);
	t->codes = (uint64_t *)(at + t->head->codes_offset);
	t->frames = (uint32_t *)(at + t->head->frames_offset);
	t->row_index = (uint32_t *)(at + t->head->row_index_offset);
	t->code_index = (uint32_t *)(at + t->head->code_index_offset);
	t->shares = (uint32_t *)(at + t->head->shares_offset);
	t->deltas = (struct deltas *)(at + t->head->deltas_offset);
	t->modules = (struct module *)(at + t->head->modules_offset);
	t->text = at + t->head->text_offset;
}

bool table_create(struct table *t)
{
	for (unsigned log2 = ROWS_LOG2; log2 >= ROWS_LOG2_LEAST; log2 -= 2) {
		struct table_header h;
		void *base;

		lay_out(&h, log2);
		base = arena_map(h.size_bytes);
		if (!base)
			continue;
		memcpy(base, &h, sizeof(h));
		locate(t, base);
		return true;
	}
	return false;
}

/* ---- Codes ---- */

#define PC_MASK	(((uint64_t)1 << CODE_PC_BITS) - 1)

struct code_query {
	struct table *t;
	uint64_t pc;
};

/* Whether the code means what lies at this address now. */
static inline bool code_is(const struct table *t, uint32_t code, uint64_t pc)
{
	uint64_t c = load_relaxed(&t->codes[code]);
	uint64_t module = c >> CODE_PC_BITS;

	if ((c & PC_MASK) != (pc & PC_MASK))
		return false;
	if (module == CODE_NO_MODULE || module == CODE_EARLY)
		return true;
	return !load_relaxed(&t->modules[module - 1].gone) &&
	       (likely(modules_settled()) || modules_verify(t, (uint32_t)module, pc));
}

static bool same_code(void *context, uint32_t code)
{
	struct code_query *q = context;

	return code_is(q->t, code, q->pc);
}

static uint32_t make_code(void *context)
{
	struct code_query *q = context;
	struct table_header *h = q->t->head;
	uint64_t module;
	uint32_t code;

	if (load_relaxed(&h->code_count) >= h->code_limit)
		return 0;
	module = modules_note(q->t, q->pc);
	code = add_relaxed(&h->code_count, 1);
	if (code >= h->code_limit)
		return 0;
	store_relaxed(&q->t->codes[code], (q->pc & PC_MASK) | module << CODE_PC_BITS);
	return code;
}

static uint32_t intern_code(struct table *t, uint64_t pc)
{
	struct code_query q = { t, pc };
	uint32_t made;

	return index_intern(t->code_index, t->head->code_levels, (pc & PC_MASK) * HASH_FACTOR,
			    same_code, make_code, &q, &made);
}

/* ---- Rows ---- */

/* One more frame, inward: a multiply and a shift, with the odd constant 2^64 / golden ratio.
 * Any mix with good upper bits will do. */
static inline uint64_t mix(uint64_t hash, uint64_t frame)
{
	hash = (hash ^ frame) * HASH_FACTOR;
	return hash ^ hash >> 29;
}

struct row_query {
	struct table *t;
	const uintptr_t *frames;
	unsigned count, known;
	struct mark *marks;
	bool again;		/* a module has come back: the row may be there after all */
};

/* The node outward of this one; 0: none. */
static inline uint32_t outward(const struct table *t, uint32_t node)
{
	uint32_t next = t->frames[node + 1];

	return next & FRAME_LINK ? next & ~FRAME_LINK : node + 1;
}

/* Also notes the nodes on the way. */
static bool same_frames(void *context, uint32_t row)
{
	struct row_query *q = context;
	uint32_t node = q->t->infos[row].node;

	for (unsigned i = 0; i < q->count; i++, node = outward(q->t, node)) {
		if (q->known && i == q->count - q->known && node == q->marks[i].node)
			return true;
		if (!node || !code_is(q->t, q->t->frames[node], q->frames[i]))
			return false;
		if (!q->known || i < q->count - q->known)
			q->marks[i].node = node;
	}
	return !node;
}

/* Makes the modules of the frames known. False: one was not, or was taken to be gone. */
static bool note_modules(const struct row_query *q)
{
	uint32_t before = modules_changes(q->t), noted = 0;

	for (unsigned i = 0; i < q->count - q->known; i++) {
		if (noted == CODE_NO_MODULE || noted == CODE_EARLY ||
		    !modules_holds(q->t, noted, q->frames[i]))
			noted = modules_note(q->t, q->frames[i]);
	}
	return modules_changes(q->t) == before;
}

/* A table with few rows uses few of the slots, and so few pages. */
static inline uint32_t *share_slot(struct table *t, uint64_t hash)
{
	uint32_t rows = load_relaxed(&t->head->row_count);
	unsigned log2 = 32u - (unsigned)__builtin_clz(rows) + 2;

	if (log2 < SHARES_LEAST)
		log2 = SHARES_LEAST;
	if (log2 > SHARES_LOG2)
		log2 = SHARES_LOG2;
	return &t->shares[hash >> 40 & ((1u << log2) - 1)];
}

/*
 * How many frames have to be written: what lies outward of them is in the table already, with
 * the node in *outer (0: nothing is).
 */
static unsigned find_shared(struct row_query *q, uint32_t *outer)
{
	unsigned fresh = q->count - q->known;

	*outer = q->known ? q->marks[fresh].node : 0;
	for (; fresh; fresh--) {
		struct mark *m = &q->marks[fresh - 1];
		uint32_t node = load_acquire(share_slot(q->t, m->hash));

		if (!node || outward(q->t, node) != *outer ||
		    !code_is(q->t, q->t->frames[node], q->frames[fresh - 1]))
			break;
		m->node = *outer = node;
	}
	return fresh;
}

static uint32_t make_row(void *context)
{
	struct row_query *q = context;
	struct table *t = q->t;
	struct table_header *h = t->head;
	uint32_t row, at, outer;
	unsigned fresh;

	if (!note_modules(q)) {
		q->again = true;
		return 0;
	}
	fresh = find_shared(q, &outer);
	/* Checked first so that the counters cannot creep up to a wrap. */
	if (load_relaxed(&h->row_count) >= h->row_limit ||
	    load_relaxed(&h->frames_used) > h->frame_limit - (fresh + 1))
		return 0;
	at = add_relaxed(&h->frames_used, fresh + 1);
	if (at > h->frame_limit - (fresh + 1))
		return 0;
	for (unsigned i = 0; i < fresh; i++) {
		uint32_t code = intern_code(t, q->frames[i]);

		if (!code)
			return 0;
		t->frames[at + i] = code;
		q->marks[i].node = at + i;
	}
	t->frames[at + fresh] = FRAME_LINK | outer;
	row = add_relaxed(&h->row_count, 1);
	if (row >= h->row_limit)
		return 0;
	t->infos[row].node = fresh ? at : outer;
	for (unsigned i = 0; i < fresh; i++)
		store_release(share_slot(t, q->marks[i].hash), at + i);
	return row;
}

uint32_t table_intern(struct table *t, const uintptr_t *frames, unsigned count, unsigned known,
		      struct mark *marks)
{
	struct row_query q = { t, frames, count, known, marks, false };
	uint64_t hash = known ? marks[count - known].hash : 0;
	uint32_t made = 0, row = 0;

	for (unsigned i = count - known; i-- > 0; ) {
		hash = mix(hash, frames[i] & PC_MASK);
		marks[i].hash = hash;
	}
	/* Each time round has made a module known; the bound is for what cannot be. */
	for (unsigned tries = 0; tries < 8; tries++) {
		q.again = false;
		row = index_intern(t->row_index, t->head->row_levels, hash * HASH_FACTOR, same_frames,
				   make_row, &q, &made);
		if (likely(!q.again))
			break;
	}
	if (!row)
		return ROW_OVERFLOW;
	if (made && made != row)
		add_relaxed(&t->head->rows_wasted, 1);
	return row;
}

unsigned table_frames(const struct table *t, uint32_t row, uint32_t *codes)
{
	uint32_t used = load_relaxed(&t->head->frames_used), node = t->infos[row].node;
	unsigned count = 0;

	if (used > t->head->frame_limit)
		used = t->head->frame_limit;
	while (node && node < used - 1 && count < TABLE_FRAMES_MAX) {
		uint32_t code = t->frames[node], next = t->frames[node + 1];

		if (code >= t->head->code_limit)
			break;
		codes[count++] = code;
		node = next & FRAME_LINK ? next & ~FRAME_LINK : node + 1;
	}
	return count;
}

void table_count_wrap(struct table *t, uint32_t row)
{
	for (unsigned i = 0; i < TABLE_WRAPS; i++) {
		struct row_wraps *w = &t->head->wraps[i];
		uint32_t of = load_relaxed(&w->row);

		if (of == row || (!of && (cas_relaxed(&w->row, &of, row) || of == row))) {
			add_relaxed(&w->wraps, 1);
			return;
		}
	}
}

uint32_t table_wraps(const struct table *t, uint32_t row)
{
	for (unsigned i = 0; i < TABLE_WRAPS && load_relaxed(&t->head->wraps[i].row); i++) {
		if (t->head->wraps[i].row == row)
			return load_relaxed(&t->head->wraps[i].wraps);
	}
	return 0;
}
