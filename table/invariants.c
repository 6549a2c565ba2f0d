/* SPDX-License-Identifier: GPL-2.0-only */
/* See invariants.h. */
#include "invariants.h"

#include "base/arena.h"
#include "delta_change.h"
#include "events.h"
#include "index.h"
#include "layout.h"
#include "modules.h"
#include "sample.h"
#include "sizes.h"
#include "thread_list.h"
#include "view.h"

/* Notes that an invariant is broken, unless an earlier one is. */
#define expect(found, condition, first, second, what) do {				\
	if (unlikely(!(condition)) && !(found)->sentence)				\
		*(found) = (struct broken){ what, __FILE__, __LINE__, (int64_t)(first), (int64_t)(second) }; \
} while (0)

/* ---- Structure ---- */

/* One bit for each row or code. */
struct bits {
	uint8_t *bytes;
	size_t size;
};

static bool set_bit(struct bits *bits, uint32_t at)
{
	bool was = bits->bytes[at / 8] >> at % 8 & 1;

	bits->bytes[at / 8] |= (uint8_t)(1u << at % 8);
	return was;
}

static bool is_id(void *wanted, uint32_t id)
{
	return id == *(uint32_t *)wanted;
}

/* Each id in the index: in use (below the count), once, and found by its hash. Returns how many there are. */
static uint32_t check_index(const struct table *t, enum table_part part, struct broken *broken)
{
	bool rows = part == TABLE_ROW_INDEX;
	unsigned levels = layout_limit(t->head, part);
	uint32_t *slots = rows ? t->row_index : t->code_index, count = 0;
	struct bits seen = { .size = (size_t)1 << (INDEX_ID_BITS - 3) };

	seen.bytes = arena_map(seen.size);
	for (uint64_t i = 0; seen.bytes && i < index_slots(levels) && !broken->sentence; i++) {
		uint32_t slot = load_acquire(&slots[i]), id = index_id(slot), made;
		uint32_t end = rows ? table_row_end(t) : layout_count(t->head, TABLE_CODES);
		uint64_t hash;

		if (!slot)
			continue;
		count++;
		expect(broken, id >= (rows ? ROW_FIRST : 1) && id < end, id, end, "a number in the index is in use");
		expect(broken, !set_bit(&seen, id), id, i, "a number is in the index once");
		if (broken->sentence)
			break;
		hash = rows ? table_row_hash(t, id) : table_code_hash(t, id);
		expect(broken, index_tagged(slot, index_tag(hash)), id, i, "a slot of the index has its item's tag");
		expect(broken, index_intern(slots, levels, hash, is_id, NULL, &id, &made) == id, id, i,
		       "what is in the index is found by its hash");
	}
	arena_unmap(seen.bytes, seen.size);
	return count;
}

/* Checks the frames of a row from frame 0 to the outermost one, and those outward of the depth, too. */
static void check_chain(const struct table *t, uint32_t row, struct broken *broken)
{
	uint32_t used = layout_count(t->head, TABLE_FRAMES), codes = layout_count(t->head, TABLE_CODES);
	uint32_t node = load_relaxed(&t->infos[row].node), run = node;

	while (node && !broken->sentence) {
		uint32_t out, code;
		bool linked;

		expect(broken, node < used, row, node, "a row's frames lie in the part that is used");
		if (broken->sentence)
			return;
		code = table_node_code(t, node, &out, &linked);
		expect(broken, code && code < codes, row, code, "a frame is a code that is in use");
		expect(broken, linked ? out < run : out > node && out <= node + 2, row, out,
		       "a link leads to an older run of frames");
		run = linked ? out : run;
		node = out;
	}
}

static void check_codes(const struct table *t, struct broken *broken)
{
	uint32_t end = layout_count(t->head, TABLE_CODES);

	for (uint32_t code = 1; code < end; code++) {
		uint32_t module = (uint32_t)(load_relaxed(&t->codes[code]) >> CODE_PC_BITS);

		expect(broken, module >= CODE_SPECIAL || module <= layout_count(t->head, TABLE_MODULES), code, module,
		       "a code's module is in the list");
	}
}

static void check_modules(const struct table *t, struct broken *broken)
{
	for (uint32_t i = 0; i < layout_count(t->head, TABLE_MODULES); i++) {
		const struct module *m = &t->modules[i];

		if (!load_acquire(&m->end))
			continue;	/* a thread is just noting it */
		expect(broken, m->start < m->end, i, 0, "a module takes up addresses");
		expect(broken, m->path < layout_count(t->head, TABLE_TEXT), i, m->path, "a module's path is in the text");
		expect(broken, m->build_id_bytes <= MODULE_BUILD_ID_BYTES, i, m->build_id_bytes,
		       "a module's build id has at most 20 bytes");
	}
}

/* A set names each thread once, from its first field on, and threads that are in the list. */
static void check_set(const struct table *t, uint32_t row, struct broken *broken)
{
	uint64_t set = load_acquire(&t->thread_sets[row]);
	bool more = thread_set_has_more(set);

	for (unsigned n = 0; n < THREAD_SET_NAMES; n++) {
		uint32_t field = thread_set_field(set, n);

		expect(broken, field || more || !(set >> n * THREAD_SET_BITS), row, set, "a set has no gap");
		expect(broken, !field || field - 1 < load_acquire(&t->head->threads_used) ||
		       (field == THREAD_SET_MANY && n == THREAD_SET_NAMES - 1), row, field, "a thread in a set is in the list");
		for (unsigned other = 0; other < n; other++)
			expect(broken, !field || field != thread_set_field(set, other), row, field, "a set names a thread once");
	}
}

static void check_thread_sets(const struct table *t, struct broken *broken)
{
	for (uint32_t row = 0; row < layout_count(t->head, TABLE_SETS) && !broken->sentence; row++)
		check_set(t, row, broken);
	for (uint32_t i = 0; i < layout_count(t->head, TABLE_DELTAS); i++) {
		uint32_t thread = load_relaxed(&t->deltas[i].thread);

		expect(broken, thread < load_acquire(&t->head->threads_used) || thread == THREAD_UNLISTED, i, thread,
		       "the slots' thread is in the list");
	}
}

static void check_layout(const struct table *t, struct broken *broken)
{
	for (enum table_part part = 0; part < TABLE_PARTS; part++) {
		uint64_t bytes = layout_limit_bytes(t->head, part);
		unsigned window = layout_window_of(part);
		struct layout_window w = layout_window(t->head, window, TABLE_LOG2_LEAST);

		if (w.most_bytes)
			expect(broken, bytes <= load_acquire(&t->mapped[window]), part, bytes,
			       "what may be used of a part is mapped");
	}
	expect(broken, layout_limit(t->head, TABLE_ROWS) * sizeof(struct row_info) <= load_acquire(&t->mapped[LAYOUT_INFOS]),
	       LAYOUT_INFOS, 0, "what may be used of the infos is mapped");
	expect(broken, load_relaxed(&t->head->totals.epoch) % 2 == 0, load_relaxed(&t->head->totals.epoch), 0,
	       "epochs are even");
}

void invariants_check_structure(const struct table *t, struct broken *broken)
{
	check_layout(t, broken);
	check_modules(t, broken);
	check_codes(t, broken);
	check_thread_sets(t, broken);
	for (uint32_t row = ROW_FIRST; row < table_row_end(t); row++)
		check_chain(t, row, broken);
	check_index(t, TABLE_CODE_INDEX, broken);
	check_index(t, TABLE_ROW_INDEX, broken);
}

/* ---- Sums ---- */

struct sum {
	int64_t count, size;
};

struct sums {
	const struct table *table;
	struct sum *rows;		/* what the block map has of each row */
	uint32_t end;
	struct broken *broken;
};

static void add_block(void *context, uintptr_t address, struct block b)
{
	struct sums *s = context;

	expect(s->broken, b.row < s->end, b.row, address, "a block's row is in use");
	if (b.row < s->end) {
		uint32_t blocks = sample_blocks(b.size_bytes, events_sample_bytes(s->table, b.row));

		s->rows[b.row].count += blocks;
		s->rows[b.row].size += (int64_t)(blocks * b.size_bytes);
	}
}

struct rows_in_use {
	uint32_t end;
	struct broken *broken;
};

static void check_block(void *context, uintptr_t address, struct block b)
{
	struct rows_in_use *rows = context;

	expect(rows->broken, b.row < rows->end, b.row, address, "a block's row is in use");
}

void invariants_check_blocks(const struct table *t, const struct blocks *b, struct broken *broken)
{
	struct rows_in_use rows = { table_row_end(t), broken };

	for (; b; b = b->next)
		blocks_each(b, check_block, &rows);
}

/* One row of the view, which is taken from the sums: what then remains there is in no row. */
static void check_row(const struct table *t, struct sums *s, const struct view_row *r, bool one_thread)
{
	const struct counters *c = &r->counters;
	const struct row *row = &t->rows[r->row];
	struct sum *sum = &s->rows[r->row];
	bool wide = row->epoch & ROW_WIDE;

	expect(s->broken, sum->count == (int64_t)c->live_count, sum->count, c->live_count,
	       "a row has as many live blocks as the block map has of it");
	expect(s->broken, sum->size == (int64_t)c->live_size, sum->size, c->live_size,
	       "a row has as many live bytes as the block map has of it");
	expect(s->broken, c->live_count <= c->total_count, c->live_count, c->total_count,
	       "each live block was allocated");
	expect(s->broken, c->live_size <= c->total_size, c->live_size, c->total_size, "each live byte was allocated");
	expect(s->broken, c->temporary <= c->total_count, c->temporary, c->total_count,
	       "each block that was temporary was allocated");
	expect(s->broken, !one_thread || row->live_count <= row->peak_count, row->live_count, row->peak_count,
	       "a row's live blocks are at most their peak");
	expect(s->broken, !one_thread || wide || row->live_size <= (int64_t)row->peak_size, row->live_size, row->peak_size,
	       "a row's live bytes are at most their peak");
	expect(s->broken, r->threads, r->row, c->total_count, "a row with calls has a thread that has called");
	*sum = (struct sum){ 0, 0 };
}

static void check_slots(const struct table *t, struct broken *broken)
{
	uint32_t pending[DELTA_SLOTS] = { 0 };

	for (uint32_t i = 0; i < layout_count(t->head, TABLE_DELTAS); i++) {
		const struct deltas *d = &t->deltas[i];

		expect(broken, !d->flushed_slot, i, d->flushed_slot, "outside the guard no slot is being flushed");
		expect(broken, !delta_exceeds(d->heap_size, (uint64_t)d->heap_limit), d->heap_size, d->heap_limit,
		       "a thread holds no more of the heap's size than its limit");
		for (unsigned s = 0; s < DELTA_SLOTS; s++) {
			const struct delta *slot = &d->slots[s];

			if (!slot->row)
				continue;
			expect(broken, slot->row % DELTA_SLOTS == s, slot->row, s, "a slot is its row's");
			expect(broken, slot->row < table_row_end(t), slot->row, s, "a slot's row is in use");
			expect(broken, !delta_exceeds(slot->live_count, slot->count_limit), slot->live_count,
			       slot->count_limit, "a slot holds no more blocks than its limit");
			expect(broken, !delta_exceeds(slot->live_size, slot->size_limit), slot->live_size,
			       slot->size_limit, "a slot holds no more bytes than its limit");
			expect(broken, slot->live_count >= 0 || slot->epoch & DELTA_FREES_COUNTED, slot->row, slot->live_count,
			       "a slot with more frees than allocations is counted");
			if (slot->epoch & DELTA_FREES_COUNTED)
				pending[s] += slot->count_limit;
		}
	}
	for (unsigned s = 0; s < DELTA_SLOTS; s++)
		expect(broken, t->head->pending_frees[s] == pending[s], t->head->pending_frees[s], pending[s],
		       "pending frees are those of the slots that are counted");
}

static void check_totals(const struct table *t, const struct view *v, bool peaks, struct broken *broken)
{
	const struct table_totals *totals = &t->head->totals;
	int64_t live = 0, at_peak = 0, held = 0;

	for (uint32_t i = 0; i < v->count; i++) {
		if (v->rows[i].row < t->head->figures_row)
			continue;
		live += (int64_t)v->rows[i].counters.live_size;
		at_peak += (int64_t)v->rows[i].counters.heap_peak_size;
	}
	for (uint32_t i = 0; i < layout_count(t->head, TABLE_DELTAS); i++)
		held += t->deltas[i].heap_size;
	expect(broken, live == (int64_t)totals->live_size + held, live, totals->live_size + (uint64_t)held,
	       "the rows' live bytes add up to the heap's");
	expect(broken, !peaks || totals->live_size <= totals->peak_size, totals->live_size, totals->peak_size,
	       "the heap's size is at most its peak");
	expect(broken, !peaks || at_peak == (int64_t)totals->peak_size, at_peak, totals->peak_size,
	       "the rows' bytes at the heap's peak add up to it");
}

/* Of a table that counts sizes. The sums are zeroed, and are zero again afterwards. */
static void check_sizes(const struct table *t, struct sums *s, const struct view *v)
{
	for (uint32_t i = 0; i < layout_count(t->head, TABLE_SIZES); i++) {
		const struct size_entry *e = &t->sizes[i];
		uint32_t row = e->key >> SIZES_BUCKET_BITS;

		expect(s->broken, row < s->end, row, s->end, "sizes are counted for a row in use");
		if (row >= s->end)
			return;
		s->rows[row].count += (int32_t)e->live_count;
		s->rows[row].size += e->live_size;
	}
	for (uint32_t i = 0; i < v->count; i++) {
		const struct counters *c = &v->rows[i].counters;
		struct sum *sum = &s->rows[v->rows[i].row];

		expect(s->broken, sum->count == (int64_t)c->live_count, sum->count, c->live_count,
		       "a row's live blocks are in the counts by size");
		expect(s->broken, sum->size == (int64_t)c->live_size, sum->size, (int64_t)c->live_size,
		       "a row's live bytes are in the counts by size");
		*sum = (struct sum){ 0, 0 };
	}
}

void invariants_check_sums(struct table *t, const struct blocks *b, bool one_thread, bool peaks, struct broken *broken)
{
	struct arena arena = { 0 };
	struct sums s = { .table = t, .end = table_row_end(t), .broken = broken };
	struct view v;

	s.rows = arena_map(s.end * sizeof(*s.rows));
	if (s.rows && view_collect_range(&v, t, (struct row_range){ ROW_OVERFLOW, UINT32_MAX }, false, true, (uint8_t[]){ SORT_SIZE }, 1,
					 &arena) && !v.cut) {
		for (; b; b = b->next)
			blocks_each(b, add_block, &s);
		for (uint32_t i = 0; i < v.count; i++) {
			expect(broken, !i || v.rows[i - 1].row < v.rows[i].row, v.rows[i].row, i, "a view has each row once");
			check_row(t, &s, &v.rows[i], one_thread);
		}
		for (uint32_t row = 0; row < s.end; row++)
			expect(broken, !s.rows[row].count, row, s.rows[row].count, "a row with live blocks is in the view");
		check_slots(t, broken);
		check_totals(t, &v, one_thread && peaks, broken);
		if (t->head->sizes && !(t->head->sizes & SIZES_FULL))
			check_sizes(t, &s, &v);
	}
	if (one_thread)
		expect(broken, check_index(t, TABLE_ROW_INDEX, broken) == s.end - ROW_FIRST, s.end, 0,
		       "each row is in the index");
	arena_unmap(s.rows, s.end * sizeof(*s.rows));
	arena_release(&arena);
}
