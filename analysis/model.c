/* SPDX-License-Identifier: GPL-2.0-only */
/* See model.h. */
#include "model.h"

#include "allocator.h"
#include "base/check.h"
#include "base/out.h"
#include "base/safe_open.h"
#include "base/sort.h"
#include "filter.h"
#include "history.h"
#include "memory.h"
#include "missing.h"
#include "names.h"
#include "not_seen.h"
#include "rules.h"
#include "runtime.h"
#include "table/layout.h"
#include "table/special.h"
#include "table/thread_list.h"
#include "table/view.h"

#include <string.h>

struct model_parts {
	const struct table *table;
	struct view view;
	struct names names;
};

_Static_assert(sizeof(((struct model_stack *)0)->codes) == TABLE_FRAMES_MAX * sizeof(uint32_t),
	       "a stack has room for all frames of a row");

/* ---- Rows and frames ---- */

struct model_row model_row(const struct model *m, const struct model_section *s, uint32_t n)
{
	const struct view *v = &m->parts->view;
	const struct view_row *r = &v->rows[s->rows[n].index];
	struct model_row row = { .id = r->row, .overflow = r->row == ROW_OVERFLOW, .threads = r->threads };

	for (unsigned key = 0; key < SORT_KEYS; key++)
		row.values[key] = view_value(v, r, (enum sort_key)key);
	return row;
}

_Static_assert(MODEL_THREADS == THREAD_SET_NAMES && sizeof(((struct model_thread *)0)->name) == THREAD_NAME_BYTES,
	       "there is room for all threads of a set, and for their names");

/* Puts a thread where it belongs. The main thread has the id 0 in the table. */
static void insert_thread(struct model_threads *threads, const struct listed_thread *l,
			  const struct model_process *process)
{
	struct model_thread thread = { .id = l->id, .main = !l->id };
	struct out name = out_memory(thread.name, sizeof(thread.name));
	unsigned at = threads->count;

	if (thread.main && threads->count && threads->list[0].main)
		return;		/* since a fork several numbers can stand for it */
	out_text(&name, thread.main && !l->name[0] ? process->command : l->name);
	if (thread.main)
		thread.id = process->pid;
	for (; at && (thread.main || (!threads->list[at - 1].main && threads->list[at - 1].id > thread.id)); at--)
		threads->list[at] = threads->list[at - 1];
	threads->list[at] = thread;
	threads->count++;
}

void model_threads(const struct model *m, uint64_t set, struct model_threads *threads)
{
	struct listed_thread listed;

	*threads = (struct model_threads){ .many = thread_set_has_more(set) };
	for (unsigned n = 0; n < THREAD_SET_NAMES; n++) {
		uint32_t field = thread_set_field(set, n);

		if (!field || field == THREAD_SET_MANY)
			continue;
		if (thread_list_get(m->parts->table, field - 1, &listed))
			insert_thread(threads, &listed, &m->process);
		else
			threads->many = true;	/* the list lacks it: the table is damaged, or a fork has overtaken it */
	}
	threads->main_alone = !threads->many && threads->count == 1 && threads->list[0].main;
}

void model_stack(const struct model *m, const struct model_row *row, struct model_stack *stack)
{
	unsigned count = table_frames(m->parts->table, row->id, stack->codes);

	stack->parts = m->parts;
	stack->count = 0;
	for (unsigned i = 0; i < count; i++) {
		const struct name *name = names_find(&m->parts->names, stack->codes, i);

		if (!name || !name->hidden)
			stack->shown[stack->count++] = (uint8_t)i;
	}
}

struct frame model_frame(const struct model_stack *stack, unsigned i)
{
	const struct names *n = &stack->parts->names;
	unsigned at = stack->shown[i];

	return names_frame(n, table_code_pc(n->table, stack->codes[at]), names_find(n, stack->codes, at));
}

void model_name_row(const struct model *m, const struct model_row *row)
{
	if (names_add_row(&m->parts->names, row->id))
		names_resolve(&m->parts->names);
}

void model_name_rows(const struct model *m, const uint32_t *ids, uint32_t count)
{
	struct names *n = &m->parts->names;

	for (uint32_t i = 0; i < count; i++)
		names_add_row(n, ids[i]);
	names_resolve(n);
}

uint32_t model_row_of(const struct model *m, uint32_t row)
{
	const struct view *v = &m->parts->view;

	if (row < v->range.first || row >= v->range.end)
		return ROW_NONE;
	return v->joined ? v->joined[row] : row;
}

const struct table *model_table(const struct model *m)
{
	return m->parts->table;
}

uint32_t model_runs_as(const struct model *m)
{
	return m->parts->names.runs_as;
}

uint32_t model_pools(const struct model *m, struct model_pool **pools, struct arena *arena)
{
	const struct table *t = m->parts->table;
	const struct view *v = &m->parts->view;
	bool any = t->head->special_count && !m->totals.partial;
	struct model_pool *list = *pools = any ? arena_alloc(arena, SPECIAL_NAMES * sizeof(*list)) : NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; list && i < view_end(v, 0); i++) {
		uint64_t frame = special_of_row(t, v->rows[i].row);

		if (special_kind(frame) == SPECIAL_POOL && special_number(frame) < SPECIAL_NAMES) {
			list[special_number(frame)].size += v->rows[i].counters.live_size;
			list[special_number(frame)].count += v->rows[i].counters.live_count;
		}
	}
	for (uint32_t n = 0; list && n < SPECIAL_NAMES; n++) {
		struct model_pool pool = list[n];

		pool.name = special_name(t, n);
		pool.backing_size = load_relaxed(&t->head->backings[n].bytes);
		pool.backing_count = load_relaxed(&t->head->backings[n].count);
		if (pool.count || pool.backing_count)
			list[count++] = pool;
	}
	return count;
}

/* ---- Making a model ---- */

static void add_up(struct model_totals *t, const struct view *v)
{
	t->partial = v->cut;
	t->left_weight = v->left_value;
	t->outside_rows = v->outside.rows;
	t->outside_size = v->outside.size;
	t->outside_count = v->outside.count;
	t->heap_peak = v->rest.heap_peak_size;
	t->total_size = v->rest.total_size;
	t->total_count = v->rest.total_count;
	t->temporary = v->rest.temporary;
	for (uint32_t i = 0; i < view_end(v, 0); i++) {
		const struct counters *c = &v->rows[i].counters;

		t->live_rows += c->live_count != 0;
		t->size += c->live_size;
		t->count += c->live_count;
		t->heap_peak += c->heap_peak_size;
		t->total_size += c->total_size;
		t->total_count += c->total_count;
		t->temporary += c->temporary;
	}
	if (v->cut) {
		t->live_rows = v->live_rows - t->ignored_rows;
		t->size = v->live_size - t->ignored_size;
	}
}

enum sort_key model_size_key(enum sort_key key)
{
	static const uint8_t sizes[SORT_KEYS] = {
		[SORT_SIZE] = SORT_SIZE, [SORT_COUNT] = SORT_SIZE, [SORT_AGE] = SORT_SIZE,
		[SORT_PEAK_SIZE] = SORT_PEAK_SIZE, [SORT_PEAK_COUNT] = SORT_PEAK_SIZE,
		[SORT_HEAP_PEAK] = SORT_HEAP_PEAK, [SORT_TOTAL_SIZE] = SORT_TOTAL_SIZE,
		[SORT_TOTAL_COUNT] = SORT_TOTAL_SIZE, [SORT_TEMPORARY] = SORT_TOTAL_SIZE,
	};

	return (enum sort_key)sizes[key];
}

enum sort_key model_count_key(enum sort_key key)
{
	static const uint8_t counts[SORT_KEYS] = {
		[SORT_SIZE] = SORT_COUNT, [SORT_COUNT] = SORT_COUNT, [SORT_AGE] = SORT_COUNT,
		[SORT_PEAK_SIZE] = SORT_PEAK_COUNT, [SORT_PEAK_COUNT] = SORT_PEAK_COUNT,
		[SORT_HEAP_PEAK] = SORT_PEAK_COUNT, [SORT_TOTAL_SIZE] = SORT_TOTAL_COUNT,
		[SORT_TOTAL_COUNT] = SORT_TOTAL_COUNT, [SORT_TEMPORARY] = SORT_TEMPORARY,
	};

	return (enum sort_key)counts[key];
}

bool model_is_large(const struct options *o, uint64_t size, uint64_t count, uint64_t age_ns)
{
	return size >= o->min_size && count >= o->min_count && age_ns >= o->older_than_ms * UINT64_C(1000000);
}

void model_add_values(uint64_t sums[SORT_KEYS], const uint64_t values[SORT_KEYS])
{
	for (unsigned key = 0; key < SORT_KEYS; key++) {
		if (key != SORT_AGE)
			sums[key] += values[key];
		else if (values[key] > sums[key])
			sums[key] = values[key];
	}
}

/* Whether a row is listed in a section with this key; value: its figure for the key. */
static bool is_listed(enum model_rows rows, enum sort_key key, uint64_t value, const struct counters *c)
{
	return rows == MODEL_ROWS_OF_KEY && model_key_is_live(key) ? c->live_count != 0 : value != 0;
}

/* How many rows the section would list if there were memory for all. Of a key of the past these are at most the rows
 * that have counted a call. */
static uint32_t rows_to_list(const struct model *m, const struct model_section *s, uint32_t top)
{
	const struct view *v = &m->parts->view;
	uint32_t rows = !v->cut ? s->count + s->filtered : model_key_is_live(s->key) ? m->totals.live_rows : v->called_rows;

	rows -= s->filtered < rows ? s->filtered : rows;
	return top && top < rows ? top : rows;
}

/* Whether the runtime's rows are not listed. */
static bool sets_runtime_apart(const struct model *m, const struct model_section *s, const struct model_request *q)
{
	return q->runtime_apart && runtime_is_apart(m) && model_key_is_live(s->key);
}

static bool list_rows(struct model *m, unsigned section, const struct model_request *q, struct arena *arena)
{
	const struct view *v = &m->parts->view;
	struct model_section *s = &m->sections[section];
	uint32_t first = view_first(v, section), end = view_end(v, section), wanted;
	uint32_t top = q->rows == MODEL_ROWS_WEIGHTS ? 0 : q->options->top;
	bool apart;
	struct sort_entry *rows = arena_alloc(arena, (end - first) * sizeof(*rows));

	if (!rows)
		return false;
	for (uint32_t i = first; i < end; i++) {
		const struct view_row *r = &v->rows[i];
		uint64_t value = view_value(v, r, s->key), size = view_value(v, r, model_size_key(s->key));

		if (!is_listed(q->rows, s->key, value, &r->counters))
			continue;
		if (model_is_large(q->options, size, view_value(v, r, model_count_key(s->key)), view_value(v, r, SORT_AGE))) {
			rows[s->count++] = (struct sort_entry){ value, i };
		} else {
			s->filtered++;
			s->filtered_size += size;
		}
	}
	wanted = rows_to_list(m, s, top);
	s->left_out = wanted > s->count ? wanted - s->count : 0;
	apart = top < s->count && sets_runtime_apart(m, s, q);
	if (apart)
		top += RUNTIME_ROWS_MOST;	/* as many may not be listed after all */
	if (!top || top > s->count)
		top = s->count;
	sort_largest(rows, s->count, top);
	s->rows = rows;
	s->count = top;
	if (apart)
		s->count = runtime_rows(m, s, q->options->top);
	return true;
}

/* Lists every row. Where memory is short, these are the rows that the view has for the first key. */
static bool list_all(struct model *m, struct arena *arena)
{
	const struct view *v = &m->parts->view;
	struct model_section *s = &m->all;
	uint32_t end = view_end(v, 0);
	struct sort_entry *rows = arena_alloc(arena, end * sizeof(*rows));

	if (!rows)
		return false;
	s->key = m->sections[0].key;
	for (uint32_t i = 0; i < end; i++)
		rows[i] = (struct sort_entry){ view_value(v, &v->rows[i], s->key), i };
	sort_largest(rows, end, end);
	s->rows = rows;
	s->count = end;
	return true;
}

/* Whether no section would list a row. The histogram of sizes is of all calls, whether their blocks live or not, the
 * timeline is of the past, and what the program has mapped itself is in no section. */
static bool is_empty(const struct model *m, const struct model_request *q)
{
	if (q->options->pages && q->table->head->pages.live)
		return false;
	for (unsigned i = 0; i < q->sort_count; i++) {
		if (q->whole || q->options->histogram || q->options->timeline || !model_key_is_live(q->sort[i]))
			return !m->totals.total_count;
	}
	return !m->totals.live_rows;
}

/* Adds what is to be known of the section's rows. apart: those of the runtime will be set apart (runtime.h), for which
 * the names of functions suffice. They also do for rows that will not be listed, as far as one can tell by now: source
 * lines are what takes long to look up. */
static void add_section_names(const struct model *m, const struct model_section *s, struct names *n, bool apart)
{
	uint32_t left = apart ? m->options->top : UINT32_MAX;	/* how many more rows will be listed */

	for (uint32_t i = 0; i < s->count; i++) {
		struct model_row row = model_row(m, s, i);

		if (apart && (!left || runtime_needs_functions(m, &row))) {
			names_add_functions(n, row.id);
			continue;
		}
		names_add_row(n, row.id);
		left -= !apart || !runtime_may_keep(m, &row);
	}
}

/* Fills the parts of the model that are neither rows nor names. */
static void find_figures(struct model *m, struct model_parts *p, const struct model_request *q)
{
	not_seen_find(&m->not_seen, q->table, &p->view, p->names.codes);
	for (unsigned i = 0; i < m->section_count; i++)
		missing_find(&m->sections[i], &p->view, &p->names);
	if (q->all_rows && q->all_names)
		missing_find(&m->all, &p->view, &p->names);
}

/* Checks the invariants of model.h against the view that the model was made of. */
static void check_model(const struct model *m)
{
	for (unsigned i = 0; i < m->section_count; i++) {
		const struct model_section *s = &m->sections[i];
		uint64_t size = 0, last = UINT64_MAX;
		uint32_t live = 0;

		for (uint32_t n = 0; n < s->count; n++) {
			struct model_row row = model_row(m, s, n);
			const uint64_t *v = row.values;

			check_at_most(v[SORT_SIZE], v[SORT_PEAK_SIZE], "a row's live size is not above its peak");
			check_at_most(v[SORT_COUNT], v[SORT_PEAK_COUNT], "a row's live count is not above its peak");
			check_at_most(v[SORT_TEMPORARY], v[SORT_TOTAL_COUNT], "temporary calls are calls");
			check_at_most(v[s->key], last, "the rows of a section are in order");
			check(v[SORT_COUNT] || !model_key_is_live(s->key), "a row that is listed has live blocks");
			last = v[s->key];
			size += v[SORT_SIZE];
			live += v[SORT_COUNT] != 0;
		}
		check_at_most(live, m->totals.live_rows, "no more live rows are listed than there are");
		check_at_most(size, m->totals.size, "the listed rows have no more bytes than the heap");
		if (live == m->totals.live_rows)
			check_equal(size, m->totals.size, "all live rows have the heap's bytes");
	}
}

/* When the heap was as large as it has ever been, since the table was begun. The watcher may have seen that before the
 * process read its clock. */
static uint64_t peak_moment(const struct model_request *q, uint64_t now_ns)
{
	const struct history *h = q->history;
	uint64_t ns = timeline_peak_ns(q->table, now_ns);

	return h && h->peak_size == q->table->head->totals.peak_size && h->peak_ns < ns ? h->peak_ns : ns;
}

/* How long the process has run. A moment that the caller gives may be by the coarse clock. */
static uint64_t runtime(const struct model_request *q)
{
	uint64_t begun = q->table->head->begun_precise_ns, now = q->now_ns ? q->now_ns : now_precise_ns();

	return now > begun ? now - begun : 0;
}

static void begin(struct model *m, const struct model_request *q, struct model_parts *p)
{
	const struct table_header *h = q->table->head;

	m->options = q->options;
	m->sample_bytes = events_rate(q->table);
	m->older = q->older;
	m->history = q->history;
	m->rules = q->rules && q->rules->count ? q->rules : NULL;
	m->process = q->process;
	if (q->history && q->history->rss_peak > m->process.peak_rss) {
		m->process.peak_rss_is_least = !m->process.peak_rss;
		m->process.peak_rss = q->history->rss_peak;
	}
	m->program = layout_count(h, TABLE_MODULES) ? modules_path(q->table, q->table->modules) : NULL;
	m->moment = (struct model_moment){
		.now_ns = p->view.now_ns, .begun_ns = h->begun_ns, .begun_real_ns = h->begun_real_ns,
		.peak_at_ns = peak_moment(q, p->view.now_ns),
		.runtime_ns = runtime(q), .number = q->apart ? 0 : h->dumps + 1, .reason = q->reason, .signal = q->signal,
		.ended = q->reason == REASON_EXIT || q->reason == REASON_SIGNALLED || q->reason == REASON_KILLED ||
			 (q->foreign && !q->runs_as && !q->seen),
		.attached = events_attached(q->table),
	};
	m->totals.peak_size = p->view.peak_size;
	m->section_count = q->sort_count;
	m->parts = p;
}

static void take_seen(struct model *m, const struct model_seen *s)
{
	m->process.statm_known = s->statm_known;
	m->process.vss = s->vss;
	m->process.rss = s->rss;
	m->process.shared = s->shared;
	if (s->peak_rss > m->process.peak_rss) {
		m->process.peak_rss = s->peak_rss;
		m->process.peak_rss_is_least = false;
	}
	m->allocator = s->allocator;
	m->memory = s->memory;
}

/* Whether rows without live blocks are needed one by one, and not only their sums. */
static bool needs_all_rows(const struct model_request *q)
{
	bool all = q->all_rows || q->select || (q->rules && q->rules->count);

	for (unsigned i = 0; i < q->sort_count; i++)
		all |= !model_key_is_live(q->sort[i]);
	return all;
}

/* The heap's maximum is that since the last clear. Of windows before it, this much is left now. */
static void settle_peak(struct model *m)
{
	if (m->totals.size <= m->totals.peak_size)
		return;
	m->totals.peak_size = m->totals.size;
	m->moment.peak_at_ns = model_moment_ns(&m->moment);
}

enum model_result model_make(struct model **made, const struct model_request *q, struct arena *arena)
{
	struct model *m = *made = arena_alloc(arena, sizeof(*m));
	struct model_parts *p = arena_alloc(arena, sizeof(*p));
	struct allocator_blocks blocks;

	if (!m || !p)
		return MODEL_NO_MEMORY;
	if (!view_take_range(&p->view, q->table, events_rows(q->table, q->options->window), true, needs_all_rows(q), q->sort,
			     q->sort_count, arena) ||
	    !names_init(&p->names, q, arena))
		return MODEL_NO_MEMORY;
	p->table = q->table;
	if (q->now_ns)
		p->view.now_ns = q->now_ns;
	begin(m, q, p);
	blocks = allocator_blocks(&p->view);
	if (m->rules)
		filter_apply(&p->view, &p->names, m->rules, m->section_count, &m->totals);
	if (q->select)
		q->select(&p->view, &p->names, q->options, m->section_count, &m->totals);
	add_up(&m->totals, &p->view);
	settle_peak(m);
	if (q->skip_if_empty && q->rows == MODEL_ROWS_OF_KEY && is_empty(m, q))
		return MODEL_EMPTY;
	if (q->seen) {
		take_seen(m, q->seen);
	} else if (q->figures) {	/* before the names, for which this process maps memory */
		m->allocator = allocator_read(q, &blocks);
		if (q->foreign && !q->runs_as)
			memory_recall(&m->memory, q->table->head, p->view.now_ns);
		else
			memory_read(&m->memory, q, &m->allocator, &blocks, arena);
	}
	for (unsigned i = 0; i < m->section_count; i++) {
		m->sections[i].key = q->sort[i];
		if (!list_rows(m, i, q, arena))
			return MODEL_NO_MEMORY;
		add_section_names(m, &m->sections[i], &p->names, sets_runtime_apart(m, &m->sections[i], q));
	}
	if (q->all_rows) {
		if (!list_all(m, arena))
			return MODEL_NO_MEMORY;
		if (q->all_names)
			add_section_names(m, &m->all, &p->names, false);
	}
	names_resolve(&p->names);
	for (unsigned i = 0; i < m->section_count; i++) {
		if (!sets_runtime_apart(m, &m->sections[i], q))
			continue;
		runtime_set_apart(m, &m->sections[i], q->options->top);
		add_section_names(m, &m->sections[i], &p->names, false);
	}
	names_resolve(&p->names);	/* of rows that are listed against all appearances: hardly ever any */
	if (q->tries_again && safe_open_exhausted())
		return MODEL_NO_DESCRIPTOR;
	if (q->figures)
		find_figures(m, p, q);
	check_costly(check_model(m));
	return MODEL_DONE;
}

struct model *model_for_names(const struct model_request *q, struct arena *arena)
{
	struct model *m = arena_alloc(arena, sizeof(*m));
	struct model_parts *p = arena_alloc(arena, sizeof(*p));

	if (!m || !p || !names_init(&p->names, q, arena))
		return NULL;
	p->table = q->table;
	begin(m, q, p);
	m->section_count = 0;
	return m;
}
