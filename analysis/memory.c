/* SPDX-License-Identifier: GPL-2.0-only */
/* See memory.h. */
#include "memory.h"

#include "base/mappings.h"
#include "base/pagemap.h"
#include "base/probe.h"
#include "base/proc.h"
#include "elf/heap.h"
#include "table/table.h"

#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define GUARD_MOST	((uint64_t)64 << 10)	/* below a stack lie no more bytes that nobody may touch */
#define KERNEL_SIDE	(UINT64_MAX / 2)	/* x86_64's [vsyscall] lies above, and is no memory of the process */
#define CHUNKS_SLOW	4096u		/* free chunks of which each takes two system calls */

/* Whose a mapping is. */
enum owner { OWNER_TRACER, OWNER_HEAP, OWNER_STACK, OWNER_FILE, OWNER_ANONYMOUS };

/* How much is looked at, at most. A process can have address space without bounds, and nobody vouches for what is in its
 * memory. */
struct budget {
	unsigned mappings;
	unsigned places;		/* at which a heap or a block of malloc's is looked for */
	unsigned chunks;		/* free ones */
	uint64_t pages;			/* of which pagemap is read */
};

/* In a dump on a signal the program waits: all this takes some 50 ms. Otherwise it takes at most a second or two. */
static const struct budget in_passing = { MEMORY_MAPPINGS_MOST, 1u << 14, CHUNKS_SLOW, 1u << 21 };
static const struct budget at_leisure = { UINT32_MAX, 1u << 18, HEAP_CHUNKS_MAX, 1u << 26 };

struct scan {
	struct heap_visitor visitor;		/* the first member: see add_free() */
	const struct model_request *q;
	const struct model_allocator *allocator;
	struct model_memory *to;
	struct heap_reader reader;
	bool can_read;				/* the process's memory, by the reader */
	struct mappings list;
	const struct budget *budget;
	unsigned mappings, places;		/* how much of the budget is used */
	uint64_t pages;
	/* The mapping whose figures are being read. */
	uint64_t start, end, rss;
	enum owner owner;
	uint64_t guard_end;			/* where the last mapping ended, if it may be the guard of a stack */
	/* Parts of malloc's memory. */
	uint64_t heaps_rss, mapped_rss;
	uint64_t mapped_bytes, mapped_count;	/* blocks with a mapping each that were found */
	uint64_t free_absent;			/* bytes in free chunks that are not in memory */
	struct pagemap pagemap;
};

/* ---- Pages ---- */

/* The bytes of the pages in [at, end) that are in memory; 0 beyond the budget. */
static uint64_t present_bytes(struct scan *s, uint64_t at, uint64_t end)
{
	uint64_t pages = (end - at) / s->pagemap.page_bytes;

	if (pages > s->budget->pages - s->pages)
		return 0;
	s->pages += pages;
	return pagemap_present_bytes(&s->pagemap, at, end);
}

/* The visitor of malloc's free chunks. */
static void add_free(struct heap_visitor *self, uint64_t start, uint64_t end, bool trimmed)
{
	struct scan *s = (struct scan *)self;
	uint64_t in, mask = s->pagemap.page_bytes - 1;

	start = (start + mask) & ~mask;
	end &= ~mask;
	if (start >= end)
		return;
	in = present_bytes(s, start, end);
	s->free_absent += end - start - in;
	s->to->trimmable += trimmed ? in : 0;
}

/* ---- Mappings ---- */

const char *memory_allocator_name(enum memory_allocator allocator)
{
	static const char names[][9] = { "malloc", "jemalloc", "tcmalloc", "mimalloc" };

	return names[allocator <= ALLOCATOR_MIMALLOC ? allocator : ALLOCATOR_UNNAMED];
}

/* Adds malloc's parts of the current mapping, which has no file, and returns how many of its bytes in memory remain. */
static uint64_t split(struct scan *s)
{
	uint64_t at = s->start, rest = s->rss, bytes, in;
	bool heap;

	while (at < s->end && s->can_read && rest && s->places++ < s->budget->places) {
		bytes = pagemap_is_present(&s->pagemap, at) ? heap_mapped_at(&s->reader, at, &heap) : 0;
		if (!bytes || bytes > s->end - at) {
			if (s->mapped_count < s->allocator->mapped_count)
				at += s->pagemap.page_bytes;
			else
				at = (at | (HEAP_ALIGN_BYTES - 1)) + 1;
			continue;
		}
		in = bytes == s->end - s->start ? s->rss : present_bytes(s, at, at + bytes);
		in = in < rest ? in : rest;
		rest -= in;
		*(heap ? &s->heaps_rss : &s->mapped_rss) += in;
		s->mapped_bytes += heap ? 0 : bytes;
		s->mapped_count += !heap;
		at += bytes;
	}
	return rest;
}

/* Adds the current mapping, whose figures are complete. */
static void add_mapping(struct scan *s)
{
	struct model_memory *to = s->to;

	to->rss += s->rss;
	switch (s->owner) {
	case OWNER_TRACER:
		to->own += s->rss;
		break;
	case OWNER_HEAP:
		s->heaps_rss += s->rss;
		break;
	case OWNER_STACK:
		to->stacks += s->rss;
		break;
	case OWNER_FILE:
		to->files += s->rss;
		break;
	case OWNER_ANONYMOUS:
		to->anonymous += s->allocator->parts_known ? split(s) : s->rss;
		break;
	}
	s->rss = 0;
}

static bool touches(const struct mapping *m, uint64_t start, uint64_t end)
{
	return m->start < end && m->end > start;
}

static enum owner owner_of(const struct scan *s, const struct mapping *m)
{
	const struct table_header *h = s->q->table->head;

	if (touches(m, h->own_area, h->own_area_end) || touches(m, h->own_library, h->own_library_end))
		return OWNER_TRACER;
	if (!strcmp(m->path, "[heap]"))
		return s->allocator->parts_known ? OWNER_HEAP : OWNER_ANONYMOUS;
	if (!strncmp(m->path, "[stack", 6) || m->start == s->guard_end)
		return OWNER_STACK;
	return m->inode || (m->path[0] && strncmp(m->path, "[anon:", 6)) ? OWNER_FILE : OWNER_ANONYMOUS;
}

/* Notes the name of an allocator whose library the mapping is of. */
static void note_allocator(struct model_memory *to, const char *path)
{
	for (enum memory_allocator i = ALLOCATOR_JEMALLOC; i <= ALLOCATOR_MIMALLOC; i++) {
		if (strstr(path, memory_allocator_name(i)))
			to->allocator = i;
	}
}

static void begin_mapping(struct scan *s, const struct mapping *m)
{
	bool is_guard = !strncmp(m->access, "---", 3) && !m->inode && m->end - m->start <= GUARD_MOST;

	s->start = m->start;
	s->end = m->end < m->start ? m->start : m->end;
	s->owner = owner_of(s, m);
	s->guard_end = is_guard ? m->end : 0;
	if (s->owner == OWNER_FILE)
		note_allocator(s->to, m->path);
}

/* Whether no swap space is in use at all. What is swapped out of shared memory, only smaps tells of a mapping. */
static bool is_nothing_swapped(void)
{
	struct sysinfo i;

	return !sysinfo(&i) && i.totalswap == i.freeswap;
}

/*
 * Reads the list of mappings, and asks pagemap what of them is in memory. For smaps the kernel takes ten times as long,
 * while the program waits. Returns false where smaps has to be read; what was counted until then means nothing.
 */
static bool read_list(struct scan *s, uint32_t pid)
{
	bool counted = true;
	struct mapping m;

	/* valgrind may not know the system calls, and a filter of the program's may not let them pass. */
	if (probe_is_checked() || (!s->q->foreign && !s->q->process.unfiltered) || !is_nothing_swapped() ||
	    !mappings_open(&s->list, pid))
		return false;
	while (counted && s->mappings < s->budget->mappings && mappings_next(&s->list, &m)) {
		begin_mapping(s, &m);
		counted = m.start > KERNEL_SIDE || pagemap_count(&s->pagemap, s->start, s->end, m.inode, &s->rss);
		add_mapping(s);
		s->mappings++;
	}
	mappings_close(&s->list);
	return counted;
}

/* Forgets what read_list() has counted. */
static void forget(struct scan *s)
{
	*s->to = (struct model_memory){ .source = MEMORY_UNKNOWN };
	s->heaps_rss = s->mapped_rss = s->mapped_bytes = s->mapped_count = s->guard_end = 0;
	s->mappings = s->places = 0;
	s->pages = 0;
}

static bool read_smaps(struct scan *s, uint32_t pid)
{
	struct mapping m;
	uint64_t swap;
	char *line;

	if (!mappings_open_figures(&s->list, pid))
		return false;
	s->rss = s->start = s->end = 0;
	s->owner = OWNER_FILE;
	while (s->mappings < s->budget->mappings && (line = mappings_line(&s->list)) != NULL) {
		/* Most lines are other figures. */
		if (line[0] == 'R' && mapping_figure(line, "Rss:", &s->rss))
			continue;
		if (line[0] == 'S' && mapping_figure(line, "Swap:", &swap)) {
			s->to->swapped += swap;
		} else if (mapping_parse(line, &m)) {
			add_mapping(s);
			begin_mapping(s, &m);
			s->mappings++;
		}
	}
	add_mapping(s);
	mappings_close(&s->list);
	return true;
}

/* Adds all mappings. Returns false if that is not possible. */
static bool read_mappings(struct scan *s, uint32_t pid)
{
	if (!read_list(s, pid)) {
		forget(s);
		if (!read_smaps(s, pid))
			return false;
	}
	return s->mappings < s->budget->mappings && !s->list.failed && s->to->rss;
}

/* ---- The parts of malloc's memory ---- */

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Malloc_trim(3) first joins the small free chunks (of fastbins), which are not looked at. Between two live blocks it
 * leaves less than a page, on the average, so that is how much each of them may keep. */
static void count_joined(struct model_memory *to, uint64_t heap_blocks, uint64_t page_bytes)
{
	uint64_t kept = heap_blocks < to->free / page_bytes ? (heap_blocks + 1) * page_bytes : to->free;

	kept = smaller(kept, to->free);
	if (to->free - kept > to->trimmable)
		to->trimmable = to->free - kept;
}

/* Glibc's malloc: divides what is in memory of its heaps and mapped blocks. */
static void divide(struct scan *s, const struct allocator_blocks *b)
{
	const struct model_allocator *a = s->allocator;
	struct model_memory *to = s->to;
	uint64_t spare = a->arenas_bytes - smaller(a->arenas_bytes, a->chunks_bytes);
	uint64_t absent, missed, in, sum, live = b->live_bytes;

	/* Blocks that were not found are in `anonymous`. They are assumed to be in memory as far as there is room. */
	missed = smaller(a->mapped_bytes - smaller(a->mapped_bytes, s->mapped_bytes), to->anonymous);
	to->anonymous -= missed;
	s->mapped_rss += missed;

	absent = a->arenas_bytes - smaller(a->arenas_bytes, s->heaps_rss);
	if (s->pagemap.fd < 0)
		s->free_absent = absent;
	s->free_absent = smaller(s->free_absent, smaller(absent, spare));
	in = s->heaps_rss + s->mapped_rss;
	to->free = smaller(spare - s->free_absent, in);
	to->trimmable = smaller(to->trimmable, to->free);
	count_joined(to, b->live_count - smaller(b->live_count, a->mapped_count), s->pagemap.page_bytes);
	to->unwritten = absent - s->free_absent + (a->mapped_bytes - smaller(a->mapped_bytes, s->mapped_rss));

	/* What is left is rounding. Where the estimates contradict each other, less of the live blocks is in memory. */
	sum = in - to->free + to->unwritten;
	to->rounding = sum - smaller(sum, live);
	to->unwritten += live - smaller(live, sum);
	to->live = live;

	/* What is more than headers and the rounding of sizes is space before and behind blocks with a mapping each, for
	 * their alignment, say. That is hardly ever written, and is of no interest where it is not in memory. */
	sum = b->chunks_bytes - live;
	absent = to->rounding - smaller(to->rounding, sum);
	absent = smaller(absent, to->unwritten);
	to->rounding -= absent;
	to->unwritten -= absent;
}

/* Another malloc, whose memory is that of mappings without a file. */
static void divide_unknown(struct scan *s, uint64_t live)
{
	struct model_memory *to = s->to;
	uint64_t in = smaller(live, to->anonymous);

	to->live = live;
	to->unwritten = live - in;
	to->anonymous -= in;
}

/* ---- The result ---- */

/* What the largest part is. */
static enum memory_mostly judge(const struct model_memory *m)
{
	uint64_t most = m->live - smaller(m->live, m->unwritten);
	enum memory_mostly mostly = MEMORY_LIVE;
	const struct { uint64_t bytes; enum memory_mostly mostly; } parts[] = {
		{ m->free, m->trimmable >= m->free / 2 ? MEMORY_FREE : MEMORY_FRAGMENTED },
		{ m->rounding, MEMORY_ROUNDING }, { m->anonymous, MEMORY_ANONYMOUS }, { m->files, MEMORY_FILES },
		{ m->stacks, MEMORY_STACKS }, { m->own, MEMORY_OWN },
	};

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].bytes > most) {
			most = parts[i].bytes;
			mostly = parts[i].mostly;
		}
	}
	return mostly;
}

/* The figures where smaps is not read. */
static void from_statm(struct model_memory *to, const struct model_process *p, enum memory_source source)
{
	*to = (struct model_memory){ .source = p->statm_known ? source : MEMORY_UNKNOWN };
	to->rss = p->rss;
	to->files = smaller(p->shared, p->rss);
	to->anonymous = to->rss - to->files;
}

/* A kill in the middle leaves the table without figures. */
void memory_note(struct table_header *h, const struct model_memory *m, uint64_t now_ns)
{
	if (m->source != MEMORY_SMAPS)
		return;
	store_relaxed(&h->memory_ns, 0);
	signal_fence();
	memcpy(h->memory, m, sizeof(*m));
	signal_fence();
	store_relaxed(&h->memory_ns, now_ns);
}
_Static_assert(sizeof(struct model_memory) <= sizeof(((struct table_header *)0)->memory), "the table has room for it");

void memory_recall(struct model_memory *to, const struct table_header *h, uint64_t now_ns)
{
	if (!h->memory_ns)
		return;
	memcpy(to, h->memory, sizeof(*to));
	/* Nobody vouches for the table. */
	if (to->source != MEMORY_SMAPS || to->mostly > MEMORY_OWN || to->allocator > ALLOCATOR_MIMALLOC || !to->rss ||
	    ((const unsigned char *)h->memory)[offsetof(struct model_memory, allocator_known)] > 1)
		*to = (struct model_memory){ .source = MEMORY_UNKNOWN };
	to->before_ns = now_ns > h->memory_ns ? now_ns - h->memory_ns : 1;
}

static void read_all(struct scan *s, uint32_t pid, const struct allocator_blocks *b)
{
	struct model_memory *to = s->to;

	if (!read_mappings(s, pid)) {
		from_statm(to, &s->q->process, s->mappings < s->budget->mappings ? MEMORY_STATM : MEMORY_STATM_LARGE);
		return;
	}
	to->source = MEMORY_SMAPS;
	to->allocator_known = s->allocator->parts_known;
	if (to->allocator_known) {
		if (s->can_read && s->pagemap.fd >= 0)
			heap_visit_free(&s->q->table->head->heap, &s->reader, s->budget->chunks, &s->visitor);
		divide(s, b);
	} else {
		divide_unknown(s, b->live_bytes);
	}
	to->mostly = judge(to);
}

void memory_read(struct model_memory *to, const struct model_request *q, const struct model_allocator *a,
		 const struct allocator_blocks *b, struct arena *arena)
{
	bool waits = !q->foreign && (q->reason == REASON_SIGNAL || q->reason == REASON_ABOVE);
	bool still = q->heap_still && !q->foreign && !probe_is_checked();
	struct scan *s;
	int mem;

	s = waits && q->process.rss > MEMORY_RSS_MOST ? NULL : arena_alloc(arena, sizeof(*s));
	if (!s) {
		from_statm(to, &q->process, MEMORY_STATM_LARGE);
		return;
	}
	s->visitor.part = add_free;
	s->budget = waits ? &in_passing : &at_leisure;
	s->q = q;
	s->allocator = a;
	s->to = to;
	/* The process's only thread may simply look. Else another one may unmap what is being looked at, or valgrind
	 * reports the reading of what the program has not written. */
	mem = still ? -1 : proc_open(q->runs_as, "mem");
	s->reader = still ? heap_own_reader() : heap_file_reader(mem);
	s->can_read = still || mem >= 0;
	pagemap_open(&s->pagemap, q->runs_as);
	read_all(s, q->runs_as, b);
	if (mem >= 0)
		close(mem);
	pagemap_close(&s->pagemap);
}
