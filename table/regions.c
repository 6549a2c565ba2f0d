/* SPDX-License-Identifier: GPL-2.0-only */
/* See regions.h. */
#include "regions.h"

#include "base/check.h"
#include "base/search.h"
#include "base/sort.h"
#include "layout.h"
#include "row.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOCK_YIELDS	100u
#define LOCK_TRIES	10000u		/* of 100 us, after the yields */
#define LOCK_NAP_NS	100000

/* ---- The lock ---- */

/* The kernel's set of signals, one bit for each. libc's sigprocmask() would leave out signals of its own. */
struct span {
	uint64_t mask;
	int saved_errno;
};

static void leave_span(const struct span *s)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &s->mask, NULL, sizeof(s->mask));
	errno = s->saved_errno;
}

static bool lock(struct table *t, struct span *s)
{
	static const struct timespec nap = { 0, LOCK_NAP_NS };
	/* A fault of ours must end the process at once. */
	uint64_t all = ~((uint64_t)1 << (SIGSEGV - 1) | (uint64_t)1 << (SIGBUS - 1));

	s->saved_errno = errno;
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &s->mask, sizeof(s->mask));
	for (unsigned tries = 0; exchange_acq_rel(&t->regions_locked, 1); tries++) {
		if (tries < LOCK_YIELDS) {
			sched_yield();
		} else if (tries < LOCK_YIELDS + LOCK_TRIES) {
			nanosleep(&nap, NULL);
		} else {
			leave_span(s);
			return false;
		}
	}
	return true;
}

#define CHECKED_MOST	256u	/* a list with more regions is not looked at after each change */

/* The invariants of regions.h, as far as they hold while other threads have taken regions out. */
static void check_order(const struct table *t)
{
	uint64_t last = 0, bytes = 0;

	for (uint32_t at = 0; at < t->region_count && t->region_count < CHECKED_MOST; at++) {
		const struct region *r = &t->regions[t->region_order[at]];

		check_at_most(last, r->start, "regions do not overlap, and are in order");
		check_below(r->start, r->end, "a region has bytes");
		check(t->regions[r->next].before == t->region_order[at] && t->regions[r->next].owner == r->owner,
		      "the regions of a mapping are a ring");
		last = r->end;
		bytes += r->end - r->start;
	}
	(void)last;
	check_at_most(bytes, t->head->pages.live, "the bytes in the order are among those that are counted");
}

static void unlock(struct table *t, const struct span *s)
{
	check_costly(check_order(t));
	store_release(&t->regions_locked, 0);
	leave_span(s);
}

/* ---- The order ---- */

static struct region *in_order(const struct table *t, uint32_t at)
{
	return &t->regions[t->region_order[at]];
}

/* The place in the order of the first region that ends behind an address. */
static uint32_t find(const struct table *t, uint64_t address)
{
	return (uint32_t)search_first(t->region_count, i, in_order(t, (uint32_t)i)->end <= address);
}

static void insert(struct table *t, uint32_t at, uint32_t id)
{
	uint32_t *order = t->region_order;

	memmove(&order[at + 1], &order[at], (t->region_count - at) * sizeof(*order));
	order[at] = id;
	t->region_count++;
	t->regions[id].chain = 0;
}

static void cut_out(struct table *t, uint32_t from, uint32_t to)
{
	uint32_t *order = t->region_order;

	memmove(&order[from], &order[to], (t->region_count - to) * sizeof(*order));
	t->region_count -= to - from;
}

/* ---- Entries ---- */

static uint32_t take_free(struct table *t)
{
	struct table_header *h = t->head;
	uint32_t id = t->region_free;

	if (id) {
		t->region_free = t->regions[id].next;
		return id;
	}
	if (h->regions_used >= h->region_limit && !layout_grow(t, TABLE_REGIONS))
		return 0;
	id = h->regions_used;
	store_release(&h->regions_used, id + 1);
	return id;
}

static void put_free(struct table *t, uint32_t id)
{
	struct region *r = &t->regions[id];

	store_release(&r->end, 0);
	r->next = t->region_free;
	t->region_free = id;
}

static void count_bytes(struct table *t, uint64_t change)
{
	struct table_pages *p = &t->head->pages;
	uint64_t live = load_relaxed(&p->live) + change;

	store_relaxed(&p->live, live);
	if ((int64_t)change > 0 && live > load_relaxed(&p->peak))
		store_relaxed(&p->peak, live);
}

static void miss(struct table *t, uint64_t bytes)
{
	add_relaxed(&t->head->pages.missed, bytes);
}

/* ---- The figures of rows ---- */

/* The number of the row's page_row, which is made if there is none. 0: there is no room. */
static uint32_t owner_of(struct table *t, uint32_t row)
{
	struct table_header *h = t->head;
	uint32_t owner = load_relaxed(&t->infos[row].since);

	if (owner && owner < h->page_rows_used && t->page_rows[owner].row == row)
		return owner;
	if (h->page_rows_used >= h->page_row_limit && !layout_grow(t, TABLE_PAGE_ROWS))
		return 0;
	owner = h->page_rows_used;
	store_relaxed(&t->page_rows[owner].row, row);
	store_release(&h->page_rows_used, owner + 1);
	store_relaxed(&t->infos[row].since, owner);
	return owner;
}

static void count_mapping(struct page_row *p, uint64_t bytes)
{
	if (!p->live_count)
		store_relaxed(&p->since, (uint32_t)ticks_of(now_ns()));
	store_relaxed(&p->total_count, p->total_count + 1);
	store_relaxed(&p->total_size, p->total_size + bytes);
	raise_u64(&p->peak_size, p->live_size + bytes);
	raise_u32(&p->peak_count, p->live_count + 1);
	store_relaxed(&p->live_size, p->live_size + bytes);
	store_relaxed(&p->live_count, p->live_count + 1);
}

/* Gives up a region that is not in the order any more. */
static void give_up(struct table *t, uint32_t id)
{
	struct region *r = &t->regions[id];
	struct page_row *p = &t->page_rows[r->owner];
	uint64_t bytes = r->end - r->start;

	store_relaxed(&p->live_size, p->live_size - bytes);
	if (r->next == id)
		store_relaxed(&p->live_count, p->live_count - 1);
	count_bytes(t, -bytes);
	t->regions[r->next].before = r->before;
	t->regions[r->before].next = r->next;
	put_free(t, id);
}

/* ---- Changes of the order ---- */

/* Divides the region at a place in the order. What lies behind the address becomes a region of its own, at the next
 * place. False: there is no room for that. */
static bool split(struct table *t, uint32_t at, uint64_t address)
{
	uint32_t id = t->region_order[at], behind = take_free(t);
	struct region *r = &t->regions[id], *b = &t->regions[behind];

	if (!behind)
		return false;
	b->start = address;
	b->owner = r->owner;
	b->next = r->next;
	b->before = id;
	t->regions[r->next].before = behind;
	r->next = behind;
	store_release(&b->end, r->end);
	store_release(&r->end, address);
	insert(t, at + 1, behind);
	return true;
}

/* The places in the order, *from to *to, of what lies between two addresses, after the regions at both ends have been
 * split. A region for whose rest there is no room is among them as a whole. */
static void isolate(struct table *t, uint64_t start, uint64_t end, uint32_t *from, uint32_t *to)
{
	uint32_t at = find(t, start);

	if (at < t->region_count && in_order(t, at)->start < start && in_order(t, at)->end > start) {
		if (split(t, at, start))
			at++;
		else
			miss(t, start - in_order(t, at)->start);
	}
	*from = at;
	while (at < t->region_count && in_order(t, at)->start < end)
		at++;
	if (at > *from && in_order(t, at - 1)->end > end && !split(t, at - 1, end))
		miss(t, in_order(t, at - 1)->end - end);
	*to = at;
}

/* ---- Changes ---- */

bool regions_start(struct table *t)
{
	t->region_count = t->region_free = t->regions_locked = 0;
	t->region_order = arena_map(REGIONS_MOST * sizeof(*t->region_order));
	return t->region_order && layout_grow(t, TABLE_REGIONS) && layout_grow(t, TABLE_PAGE_ROWS);
}

bool regions_add(struct table *t, uint64_t start, uint64_t end, uint32_t row)
{
	uint32_t from, to, id, owner;
	struct span span;

	if (start >= end)
		return false;
	if (!lock(t, &span)) {
		miss(t, end - start);
		return false;
	}
	isolate(t, start, end, &from, &to);
	for (uint32_t at = from; at < to; at++)
		give_up(t, t->region_order[at]);
	cut_out(t, from, to);
	owner = owner_of(t, row);
	id = owner ? take_free(t) : 0;
	if (id) {
		struct region *r = &t->regions[id];

		r->start = start;
		r->owner = owner;
		r->next = r->before = id;
		insert(t, from, id);
		count_mapping(&t->page_rows[owner], end - start);
		count_bytes(t, end - start);
		store_release(&r->end, end);
	} else {
		miss(t, end - start);
	}
	unlock(t, &span);
	return id;
}

uint32_t regions_take(struct table *t, uint64_t start, uint64_t end)
{
	uint32_t from, to, taken = REGION_LAST;
	struct span span;

	if (start >= end || !lock(t, &span))
		return 0;
	isolate(t, start, end, &from, &to);
	for (uint32_t at = to; at-- > from; ) {
		in_order(t, at)->chain = taken;
		taken = t->region_order[at];
	}
	cut_out(t, from, to);
	unlock(t, &span);
	return taken == REGION_LAST ? 0 : taken;
}

/* If the lock cannot be had, the regions stay counted, but in no order. */
static void finish(struct table *t, uint32_t taken, bool back)
{
	struct span span;

	if (!taken || !lock(t, &span))
		return;
	while (taken != REGION_LAST) {
		uint32_t id = taken;

		taken = t->regions[id].chain;
		if (back)
			insert(t, find(t, t->regions[id].start), id);
		else
			give_up(t, id);
	}
	unlock(t, &span);
}

void regions_gone(struct table *t, uint32_t taken)
{
	finish(t, taken, false);
}

void regions_put_back(struct table *t, uint32_t taken)
{
	finish(t, taken, true);
}

uint64_t regions_end_of_mapping(struct table *t, uint64_t start)
{
	uint64_t end = 0;
	struct span span;
	uint32_t at;

	if (!lock(t, &span))
		return 0;
	at = find(t, start);
	if (at < t->region_count && in_order(t, at)->start == start) {
		uint32_t id = t->region_order[at], next;

		end = t->regions[id].end;
		while (++at < t->region_count && (next = t->region_order[at]) == t->regions[id].next &&
		       t->regions[next].start == end) {
			id = next;
			end = t->regions[id].end;
		}
	}
	unlock(t, &span);
	return end;
}

/* ---- Fork ---- */

/* Whether a region that another thread of the parent was about to unmap is there in the child. */
static bool is_mapped(const struct region *r)
{
	uintptr_t page = (uintptr_t)getauxval(AT_PAGESZ);
	unsigned char resident;

	return !mincore((void *)((uintptr_t)r->start & ~(page - 1)), page, &resident);
}

/* Whether an entry is in use and names a region. An entry that another thread was just writing can have its end from before
 * that and its start from after it, or numbers of entries that have not been copied. */
static bool is_possible(const struct table *t, const struct region *r)
{
	uint32_t used = layout_count(t->head, TABLE_REGIONS);

	return r->start < r->end && r->owner && r->owner < regions_owners(t) && r->next && r->next < used && r->before &&
	       r->before < used;
}

/*
 * Puts the regions into the order, and makes the others free: impossible ones, and what another thread of the parent was
 * about to unmap, if it is not mapped in the child, or if its place has been given to a later mapping. Of two others that
 * overlap, which only a copy in the middle of a change has, one is kept.
 */
static void sort_anew(struct table *t, struct sort_entry *entries)
{
	uint32_t n = 0;

	t->region_free = 0;
	for (uint32_t id = layout_count(t->head, TABLE_REGIONS); id-- > 1; ) {
		if (is_possible(t, &t->regions[id]))
			entries[n++] = (struct sort_entry){ ~t->regions[id].start, id };
		else
			put_free(t, id);
	}
	sort_largest(entries, n, n);
	t->region_count = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = entries[i].index, *end = &t->region_order[t->region_count];
		const struct region *r = &t->regions[id], *last = t->region_count ? &t->regions[end[-1]] : NULL;
		bool overlaps = last && last->end > r->start;

		if (r->chain && !is_mapped(r)) {
			put_free(t, id);
		} else if (overlaps && last->chain && !r->chain) {	/* the last one was about to be unmapped, and was */
			put_free(t, end[-1]);
			end[-1] = id;
		} else if (overlaps) {
			put_free(t, id);
		} else {
			*end = id;
			t->region_count++;
		}
	}
	for (uint32_t at = 0; at < t->region_count; at++)
		in_order(t, at)->chain = 0;
}

/* Whether a region and its neighbours in the ring name each other. */
static bool is_linked(const struct table *t, uint32_t id)
{
	const struct region *r = &t->regions[id], *next = &t->regions[r->next], *before = &t->regions[r->before];

	return next->end && next->before == id && next->owner == r->owner &&
	       before->end && before->next == id && before->owner == r->owner;
}

/* Makes a region, and each one that its ring still leads to, a mapping of its own: another thread of the parent was about
 * to change that ring. */
static void divide_ring(struct table *t, uint32_t id)
{
	struct region *r = t->regions;
	uint32_t at, from, next = r[id].next, before = r[id].before;

	r[id].next = r[id].before = id;
	for (from = id, at = next; r[at].end && r[at].before == from && r[at].next != at; from = at, at = next) {
		next = r[at].next;
		r[at].next = r[at].before = at;
	}
	for (from = id, at = before; r[at].end && r[at].next == from && r[at].before != at; from = at, at = before) {
		before = r[at].before;
		r[at].next = r[at].before = at;
	}
}

/* Counts anew what is live, by the regions that are in the order: the counters that were copied may be those of a moment
 * before or after that of the regions. */
static void count_anew(struct table *t)
{
	struct table_pages *pages = &t->head->pages;
	uint64_t live = 0;

	for (uint32_t owner = layout_count(t->head, TABLE_PAGE_ROWS); owner-- > 1; )
		t->page_rows[owner].live_size = t->page_rows[owner].live_count = 0;
	for (uint32_t at = 0; at < t->region_count; at++) {
		uint32_t id = t->region_order[at];

		if (!is_linked(t, id))
			divide_ring(t, id);
	}
	for (uint32_t at = 0; at < t->region_count; at++) {
		uint32_t first = t->region_order[at], id = first;
		struct page_row *p = &t->page_rows[t->regions[first].owner];

		p->live_size += t->regions[first].end - t->regions[first].start;
		live += t->regions[first].end - t->regions[first].start;
		for (p->live_count += !t->regions[first].chain; !t->regions[id].chain; id = t->regions[id].next)
			t->regions[id].chain = REGION_LAST;	/* its mapping has been counted */
	}
	for (uint32_t at = 0; at < t->region_count; at++)
		in_order(t, at)->chain = 0;
	for (uint32_t owner = layout_count(t->head, TABLE_PAGE_ROWS); owner-- > 1; ) {
		struct page_row *p = &t->page_rows[owner];

		raise_u64(&p->peak_size, p->live_size);
		raise_u32(&p->peak_count, p->live_count);
		raise_u64(&p->total_size, p->peak_size);
		raise_u32(&p->total_count, p->peak_count);
	}
	store_relaxed(&pages->live, live);
	raise_u64(&pages->peak, live);
}

void regions_forked(struct table *t)
{
	size_t bytes = layout_count(t->head, TABLE_REGIONS) * sizeof(struct sort_entry);
	struct sort_entry *entries = bytes && t->region_order ? arena_map(bytes) : NULL;

	t->regions_locked = 0;
	if (entries) {
		sort_anew(t, entries);
		count_anew(t);
	} else {	/* there is no memory: what was mapped before the fork stays counted, but in no order */
		t->region_count = t->region_free = 0;
	}
	arena_unmap(entries, bytes);
}

/* ---- Readers ---- */

uint32_t regions_owners(const struct table *t)
{
	return layout_count(t->head, TABLE_PAGE_ROWS);
}

struct region *regions_copy(const struct table *t, uint32_t *count, struct arena *arena)
{
	uint32_t used = layout_count(t->head, TABLE_REGIONS), owners = regions_owners(t), n = 0, kept = 0;
	struct sort_entry *entries = used > 1 ? arena_alloc(arena, used * sizeof(*entries)) : NULL;
	struct region *sorted = entries ? arena_alloc(arena, used * sizeof(*sorted)) : NULL;
	uint64_t last = 0;

	*count = 0;
	if (!sorted)
		return NULL;
	for (uint32_t id = 1; id < used; id++) {
		const struct region *r = &t->regions[id];

		if (load_acquire(&r->end) > load_relaxed(&r->start) && load_relaxed(&r->owner) < owners)
			entries[n++] = (struct sort_entry){ ~load_relaxed(&r->start), id };
	}
	sort_largest(entries, n, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct region *r = &t->regions[entries[i].index];
		uint64_t start = ~entries[i].key, end = load_acquire(&r->end);

		start = start > last ? start : last;
		if (start >= end)
			continue;
		sorted[kept++] = (struct region){ .start = start, .end = end, .owner = load_relaxed(&r->owner) };
		last = end;
	}
	*count = kept;
	return kept ? sorted : NULL;
}
