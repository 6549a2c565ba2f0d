/* SPDX-License-Identifier: GPL-2.0-only */
/* See pages.h. */
#include "pages.h"

#include "base/mappings.h"
#include "base/pagemap.h"
#include "base/proc.h"
#include "base/sort.h"
#include "elf/heap.h"
#include "table/layout.h"
#include "table/modules.h"
#include "table/regions.h"
#include "table/row.h"
#include "table/special.h"
#include "table/thread_list.h"

#include <string.h>
#include <unistd.h>

#define GUARD_MOST	((uint64_t)64 << 10)	/* below a stack lie no more bytes that nobody may touch */
#define PAGES_MOST	((uint64_t)1 << 26)	/* of which pagemap is read: at most a second */
#define PLACES_MOST	((uint64_t)1 << 18)	/* at which something of malloc's is looked for */

const char *pages_other_name(enum pages_other other)
{
	static const char names[PAGES_OTHERS][25] = {
		[PAGES_PROGRAM] = "program", [PAGES_LIBRARIES] = "libraries", [PAGES_FILES] = "other files",
		[PAGES_STACKS] = "thread stacks", [PAGES_BRK] = "malloc: main arena (brk)", [PAGES_ARENAS] = "malloc: arenas",
		[PAGES_LARGE] = "malloc: large blocks", [PAGES_TRACER] = "heaptrace", [PAGES_KERNEL] = "kernel (vdso)",
		[PAGES_UNKNOWN] = "unknown",
	};

	return names[other];
}

/* A line of smaps with its figures. */
struct piece {
	uint64_t start, end, rss;
	enum pages_other other;		/* whose it is where no region covers it */
	bool anonymous;			/* memory without a file: parts of it can be malloc's */
	uint64_t data_end;		/* up to here it is static data that a file has no bytes for: that of file_other */
};

struct scan {
	const struct model *model;
	const struct table_header *head;
	struct pages *to;
	uint32_t *row_of;		/* by the owner of a region: the index in to->rows plus 1; 0: none */
	const struct region *regions;
	uint32_t region_count, region;	/* the next region that can matter */
	struct mappings list;
	struct pagemap pagemap;
	struct heap_reader reader;
	bool can_read;			/* the process's memory, by the reader */
	uint64_t pages, places;		/* how much has been looked at */
	uint64_t mapped;		/* bytes of regions that are mapped */
	struct piece now;
	/* What came before: a guard page that may belong to the next mapping, if that is a stack; writable data of a file
	 * that may go on without the file; and the heap of an arena, whose unused rest follows. */
	uint64_t guard_end, guard_bytes, file_end, heap_end;
	enum pages_other file_other;
};

/* ---- Parts of a mapping ---- */

/* The bytes in memory of a part of the current mapping. */
static uint64_t resident_in(struct scan *s, uint64_t from, uint64_t to)
{
	uint64_t page = s->pagemap.page_bytes, pages;

	if (!s->now.rss || (from == s->now.start && to == s->now.end))
		return s->now.rss;
	from &= ~(page - 1);
	to = (to + page - 1) & ~(page - 1);
	pages = (to - from) / page;
	/* Where nobody tells, the pages in memory are taken to be spread evenly. */
	if (s->pagemap.fd < 0 || pages > PAGES_MOST - s->pages)
		return (uint64_t)((double)s->now.rss * (double)(to - from) / (double)(s->now.end - s->now.start));
	s->pages += pages;
	return pagemap_present_bytes(&s->pagemap, from, to);
}

static void add_other(struct scan *s, enum pages_other other, uint64_t from, uint64_t to)
{
	struct pages_sum *sum = &s->to->others[other];

	s->guard_bytes += other == PAGES_UNKNOWN ? to - from : 0;

	sum->size += to - from;
	sum->resident += resident_in(s, from, to);
	sum->count++;
}

/* What malloc has mapped begins with words that tell so. Several such stretches can lie side by side in one mapping. */
static void add_anonymous(struct scan *s, uint64_t from, uint64_t to)
{
	uint64_t page = s->pagemap.page_bytes, at = from, bytes, end;
	bool heap;

	while (at < to) {
		bytes = 0;
		if (s->can_read && s->now.rss && s->places++ < PLACES_MOST && !(at & (page - 1)) &&
		    pagemap_is_present(&s->pagemap, at))
			bytes = heap_mapped_at(&s->reader, at, &heap);
		if (!bytes) {
			at = s->places < PLACES_MOST && s->now.rss ? (at | (page - 1)) + 1 : to;
			continue;
		}
		if (at > from)
			add_other(s, PAGES_UNKNOWN, from, at);
		end = bytes < to - at ? at + bytes : to;
		add_other(s, heap ? PAGES_ARENAS : PAGES_LARGE, at, end);
		s->heap_end = heap ? end : 0;
		from = at = end;
	}
	if (from < to)
		add_other(s, PAGES_UNKNOWN, from, to);
}

/* Adds a part of the current mapping that no region covers. */
static void add_rest(struct scan *s, uint64_t from, uint64_t to)
{
	uint64_t data_end = s->now.data_end < to ? s->now.data_end : to;

	if (from < data_end) {
		add_other(s, s->file_other, from, data_end);
		from = data_end;
	}
	if (from == to)
		return;
	if (s->now.anonymous)
		add_anonymous(s, from, to);
	else
		add_other(s, s->now.other, from, to);
}

static void add_region(struct scan *s, const struct region *r, uint64_t from, uint64_t to)
{
	uint32_t index = s->row_of[r->owner];
	uint64_t resident = resident_in(s, from, to);

	s->mapped += to - from;
	if (!index)
		return;
	s->to->rows[index - 1].resident += resident;
	s->to->resident += resident;
}

/* Adds the current mapping, whose figures are complete. Both lists are sorted by address. */
static void add_mapping(struct scan *s)
{
	uint64_t at = s->now.start;

	while (s->region < s->region_count && s->regions[s->region].end <= at)
		s->region++;
	for (uint32_t i = s->region; i < s->region_count && s->regions[i].start < s->now.end; i++) {
		const struct region *r = &s->regions[i];
		uint64_t from = r->start > at ? r->start : at, to = r->end < s->now.end ? r->end : s->now.end;

		if (from > at)
			add_rest(s, at, from);
		add_region(s, r, from, to);
		at = to;
	}
	if (at < s->now.end)
		add_rest(s, at, s->now.end);
}

/* ---- Whose a mapping is ---- */

static bool touches(const struct mapping *m, uint64_t start, uint64_t end)
{
	return m->start < end && m->end > start;
}

static bool is_library(const char *path)
{
	const char *ending = strstr(path, ".so");

	return ending && (!ending[3] || ending[3] == '.' || ending[3] == ' ');
}

static enum pages_other owner_of_file(const struct scan *s, const struct mapping *m)
{
	if (s->model->program && !strcmp(m->path, s->model->program))
		return PAGES_PROGRAM;
	return is_library(m->path) ? PAGES_LIBRARIES : PAGES_FILES;
}

/* Where the static data of a module ends whose file is mapped just before this address. If the table does not know the
 * module, what follows is taken to be its data. */
static uint64_t end_of_data(const struct scan *s, uint64_t at)
{
	const struct table *t = model_table(s->model);
	uint64_t page = s->pagemap.page_bytes;

	for (uint32_t i = layout_count(t->head, TABLE_MODULES); i-- > 0; ) {
		const struct module *m = &t->modules[i];

		if (m->start < at && at <= m->end + page && !m->gone)
			return (m->end + page - 1) & ~(page - 1);
	}
	return UINT64_MAX;
}

/* Memory without a file or a name. A guard page is that of the stack above it, even if the program has mapped it. */
static void begin_anonymous(struct scan *s, const struct mapping *m)
{
	bool closed = !strncmp(m->access, "---", 3);

	s->now.other = PAGES_UNKNOWN;
	if (m->start == s->guard_end && !closed) {
		s->now.other = PAGES_STACKS;
		s->to->others[PAGES_STACKS].size += s->guard_bytes;
		s->to->others[PAGES_UNKNOWN].size -= s->guard_bytes;
		s->to->others[PAGES_UNKNOWN].count -= s->guard_bytes != 0;
	} else if (closed && m->start == s->heap_end) {
		s->now.other = PAGES_ARENAS;
	} else if (!closed) {
		s->now.anonymous = true;
		s->now.data_end = m->start == s->file_end ? end_of_data(s, m->start) : 0;
	}
}

static void begin_mapping(struct scan *s, const struct mapping *m)
{
	const struct table_header *h = s->head;
	bool guard = false, file = false;

	s->now = (struct piece){ .start = m->start, .end = m->end < m->start ? m->start : m->end };
	if (touches(m, h->own_area, h->own_area_end) || touches(m, h->own_library, h->own_library_end)) {
		s->now.other = PAGES_TRACER;
	} else if (!strcmp(m->path, "[heap]")) {
		s->now.other = PAGES_BRK;
	} else if (!strncmp(m->path, "[stack", 6)) {
		s->now.other = PAGES_STACKS;
	} else if (!strncmp(m->path, "[v", 2) || !strcmp(m->path, "[uprobes]")) {
		s->now.other = PAGES_KERNEL;
	} else if (m->inode || (m->path[0] && strncmp(m->path, "[anon", 5))) {
		s->now.other = owner_of_file(s, m);
		file = s->now.other != PAGES_FILES && m->access[1] == 'w' && m->access[3] == 'p';
	} else {
		begin_anonymous(s, m);
		guard = s->now.other == PAGES_UNKNOWN && !s->now.anonymous && m->end - m->start <= GUARD_MOST;
	}
	s->guard_end = guard ? m->end : 0;
	s->guard_bytes = 0;
	s->file_end = file ? m->end : 0;
	if (file)
		s->file_other = s->now.other;
}

/* ---- Reading ---- */

/* The page at the upper end of x86_64's addresses is the kernel's, and VmSize does not have it. */
static bool is_of_process(const struct mapping *m)
{
	return strcmp(m->path, "[vsyscall]") != 0;
}

static void look(struct scan *s, uint32_t pid)
{
	struct mapping m;
	char *line;
	int mem;

	if (!mappings_open_figures(&s->list, pid))
		return;
	mem = proc_open(pid, "mem");
	s->reader = heap_file_reader(mem);
	s->can_read = mem >= 0 && s->head->heap.arena && !s->head->heap.other_malloc;
	pagemap_open(&s->pagemap, pid);
	while ((line = mappings_line(&s->list)) != NULL) {
		if (mapping_figure(line, "Rss:", &s->now.rss) || !mapping_parse(line, &m))
			continue;
		add_mapping(s);
		if (is_of_process(&m))
			begin_mapping(s, &m);
		else
			s->now = (struct piece){ .start = 0 };
	}
	add_mapping(s);
	s->to->looked = !s->list.failed;
	mappings_close(&s->list);
	pagemap_close(&s->pagemap);
	if (mem >= 0)
		close(mem);
}

/* ---- Rows ---- */

/* Makes the rows, in no order. What nobody vouches for is made possible. */
static void read_rows(struct scan *s, const struct table *t, uint32_t owners)
{
	struct pages *to = s->to;

	for (uint32_t owner = 1; owner < owners; owner++) {
		const struct page_row *p = &t->page_rows[owner];
		struct pages_row *r = &to->rows[to->row_count];
		uint64_t *v = r->row.values;

		if (p->row < ROW_OVERFLOW || p->row >= table_row_end(t))
			continue;
		r->row = (struct model_row){ .id = p->row, .overflow = p->row == ROW_OVERFLOW };
		r->row.threads = thread_list_of_row(t, p->row, true);
		v[SORT_SIZE] = p->live_count ? p->live_size : 0;
		v[SORT_COUNT] = p->live_count;
		v[SORT_PEAK_SIZE] = p->peak_size > v[SORT_SIZE] ? p->peak_size : v[SORT_SIZE];
		v[SORT_PEAK_COUNT] = p->peak_count > p->live_count ? p->peak_count : p->live_count;
		v[SORT_TOTAL_SIZE] = p->total_size;
		v[SORT_TOTAL_COUNT] = p->total_count;
		if (p->live_count)
			v[SORT_AGE] = age_of_ticks(p->since, s->model->moment.now_ns, t->head->begun_precise_ns);
		to->size += v[SORT_SIZE];
		to->count += v[SORT_COUNT];
		to->live_rows += v[SORT_SIZE] != 0;
		s->row_of[owner] = ++to->row_count;
	}
}

/* Sorts the rows by size, and those without by their peak. */
static bool sort_rows(struct pages *to, struct arena *arena)
{
	struct sort_entry *entries = arena_alloc(arena, to->row_count * sizeof(*entries));
	struct pages_row *sorted = arena_alloc(arena, to->row_count * sizeof(*sorted));

	if (!entries || !sorted)
		return false;
	for (uint32_t i = 0; i < to->row_count; i++) {
		const uint64_t *v = to->rows[i].row.values;
		bool live = v[SORT_SIZE];

		entries[i] = (struct sort_entry){ (v[live ? SORT_SIZE : SORT_PEAK_SIZE] >> 1) | (uint64_t)live << 63, i };
	}
	sort_largest(entries, to->row_count, to->row_count);
	for (uint32_t i = 0; i < to->row_count; i++)
		sorted[i] = to->rows[entries[i].index];
	to->rows = sorted;
	return true;
}

static void name_rows(const struct model *m, const struct pages *to, struct arena *arena)
{
	uint32_t *ids = arena_alloc(arena, to->row_count * sizeof(*ids));

	for (uint32_t i = 0; ids && i < to->row_count; i++)
		ids[i] = to->rows[i].row.id;
	if (ids)
		model_name_rows(m, ids, to->row_count);
}

struct pages *pages_find(const struct model *m, struct arena *arena)
{
	const struct table *t = model_table(m);
	uint32_t owners = regions_kept(t) ? regions_owners(t) : 0, pid = model_runs_as(m);
	struct scan *s = owners ? arena_alloc(arena, sizeof(*s)) : NULL;
	struct pages *to = s ? arena_alloc(arena, sizeof(*to)) : NULL;

	if (!to)
		return NULL;
	s->model = m;
	s->head = t->head;
	s->to = to;
	s->row_of = arena_alloc(arena, owners * sizeof(*s->row_of));
	to->rows = arena_alloc(arena, owners * sizeof(*to->rows));
	if (!s->row_of || !to->rows)
		return NULL;
	read_rows(s, t, owners);
	to->missed = t->head->pages.missed;
	to->peak_size = t->head->pages.peak > to->size ? t->head->pages.peak : to->size;
	s->regions = regions_copy(t, &s->region_count, arena);
	if (pid) {
		look(s, pid);
		to->stale = to->size > s->mapped ? to->size - s->mapped : 0;
	}
	if (!sort_rows(to, arena))
		return NULL;
	name_rows(m, to, arena);
	return to;
}
