/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of mappings in a child after fork (table/regions.h): whatever another thread of the parent was about to do to
 * it while it was copied, regions_forked() makes a list of it in which all figures agree, and with which the child goes
 * on. Prints TAP; tests/units.t builds and runs it with the checks of `make CHECK=1`, which end it if a later change meets
 * a list that is not in order.
 */
#include "table/regions.h"

#include "table/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE		4096u
#define PAGES		64u		/* of the address space that is mapped and unmapped */
#define ROWS		4u
#define ROUNDS		2000u
#define STEPS		40u

static struct table t;
static unsigned tests;
static uint64_t memory;			/* an address at which so many pages are really there */

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
}

static unsigned any(unsigned below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static void change(void)
{
	uint64_t start = memory + any(PAGES) * PAGE, end = start + (1 + any(12)) * PAGE;

	if (any(3))
		regions_add(&t, start, end, ROW_FIRST + any(ROWS));
	else
		regions_gone(&t, regions_take(&t, start, end));
}

static uint32_t used(void)
{
	return layout_count(t.head, TABLE_REGIONS);
}

/* One word of what a thread that is in the middle of a change may have left, or worse. */
static void damage(void)
{
	uint32_t owners = layout_count(t.head, TABLE_PAGE_ROWS);
	struct region *r = &t.regions[1 + any(used() - 1)];

	switch (any(13)) {
	case 0:	r->end = any(2) ? 0 : r->end + PAGE; break;
	case 1:	r->start += PAGE; break;
	case 2:	r->next = any(used() + 3); break;
	case 3:	r->before = any(used() + 3); break;
	case 4:	r->owner = any(owners + 3); break;
	case 5:	r->chain = any(2) ? REGION_LAST : any(used()); break;
	case 6:	t.head->pages.live -= PAGE; break;
	case 7:	t.page_rows[1 + any(owners - 1)].live_size += PAGE; break;
	case 8:	t.page_rows[1 + any(owners - 1)].live_count--; break;
	case 9:	t.page_rows[1 + any(owners - 1)].peak_size = 0; break;
	case 10: t.page_rows[1 + any(owners - 1)].total_size = 0; break;
	case 11: t.head->pages.peak = 0; break;
	case 12: t.page_rows[1 + any(owners - 1)].peak_count = t.page_rows[1].total_count = 0; break;
	}
}

/* What of the list is wrong, or "". */
static const char *wrong(void)
{
	uint64_t sizes[ROWS + 1] = { 0 }, live = 0, last = 0;
	uint32_t regions[ROWS + 1] = { 0 };

	for (uint32_t at = 0; at < t.region_count; at++) {
		uint32_t id = t.region_order[at], most = used();
		const struct region *r = &t.regions[id];

		if (r->start < last || r->start >= r->end || r->chain || r->owner > ROWS)
			return "the order";
		last = r->end;
		live += r->end - r->start;
		sizes[r->owner] += r->end - r->start;
		regions[r->owner]++;
		for (uint32_t next = r->next; next != id; next = t.regions[next].next) {
			if (next >= used() || !t.regions[next].end || t.regions[next].owner != r->owner ||
			    t.regions[t.regions[next].next].before != next || !--most)
				return "a ring";
		}
	}
	for (uint32_t owner = 1; owner < layout_count(t.head, TABLE_PAGE_ROWS); owner++) {
		const struct page_row *p = &t.page_rows[owner];

		if (p->live_size != sizes[owner] || p->live_count > regions[owner] || !p->live_count != !regions[owner])
			return "what is live of a row";
		if (p->live_size > p->peak_size || p->peak_size > p->total_size || p->live_count > p->peak_count ||
		    p->peak_count > p->total_count)
			return "a maximum";
	}
	return t.head->pages.live != live || t.head->pages.peak < live ? "the bytes of all" : "";
}

/* A list that nobody was about to change stays what it is. */
static void test_whole(void)
{
	uint64_t live = t.head->pages.live;
	struct page_row before[ROWS + 1];
	bool same = true;

	for (uint32_t owner = 1; owner < layout_count(t.head, TABLE_PAGE_ROWS); owner++)
		before[owner] = t.page_rows[owner];
	regions_forked(&t);
	for (uint32_t owner = 1; owner < layout_count(t.head, TABLE_PAGE_ROWS); owner++)
		same &= t.page_rows[owner].live_size == before[owner].live_size &&
			t.page_rows[owner].live_count == before[owner].live_count &&
			t.page_rows[owner].peak_size == before[owner].peak_size &&
			t.page_rows[owner].total_count == before[owner].total_count;
	ok(!*wrong() && same && t.head->pages.live == live, "a fork while nothing changes leaves all figures as they are");
}

/* What another thread of the parent was about to unmap, when the child has it still, and when not. */
static void test_taken(void)
{
	char *gone = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t live, start = (uint64_t)(uintptr_t)gone;

	regions_gone(&t, regions_take(&t, memory, memory + 2 * PAGES * PAGE));
	regions_add(&t, memory, memory + 4 * PAGE, ROW_FIRST);
	regions_add(&t, start, start + 4 * PAGE, ROW_FIRST + 1);
	live = t.head->pages.live;
	regions_take(&t, memory, memory + 4 * PAGE);
	regions_take(&t, start, start + 4 * PAGE);
	munmap(gone, 4 * PAGE);
	regions_forked(&t);
	ok(!*wrong() && t.region_count == 1 && t.regions[t.region_order[0]].start == memory &&
	   t.head->pages.live == live - 4 * PAGE, "what was about to be unmapped is there if the child has it, and only then");

	/* The kernel has given the place to other mappings before the thread could say that its own is gone. */
	regions_take(&t, memory, memory + 4 * PAGE);
	regions_add(&t, memory, memory + PAGE, ROW_FIRST + 2);
	regions_add(&t, memory + 2 * PAGE, memory + 3 * PAGE, ROW_FIRST + 3);
	regions_forked(&t);
	ok(!*wrong() && t.region_count == 2 && t.regions[t.region_order[0]].start == memory &&
	   t.regions[t.region_order[0]].end == memory + PAGE && t.regions[t.region_order[1]].start == memory + 2 * PAGE &&
	   t.head->pages.live == live - 6 * PAGE, "later mappings at the same place have it");
}

int main(void)
{
	const char *bad = "";

	memory = (uint64_t)(uintptr_t)aligned_alloc(PAGE, PAGES * PAGE);
	ok(memory && table_create(&t) && regions_start(&t), "a list of mappings");
	for (unsigned i = 0; i < 1000; i++)
		change();
	test_whole();
	for (unsigned round = 0; round < ROUNDS && !*bad; round++) {
		for (unsigned i = any(4) + 1; i-- > 0; )
			damage();
		regions_forked(&t);
		bad = wrong();
		for (unsigned i = 0; i < STEPS && !*bad; i++)
			change();
		bad = *bad ? bad : wrong();
	}
	ok(!*bad, "whatever another thread was about to do, the child's figures agree");
	if (*bad)
		printf("# %s is wrong\n", bad);
	test_taken();
	printf("1..%u\n", tests);
	return 0;
}
