/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * written_lines RECORDER LIST: two threads that take turns, so that a tool which records stores (valgrind's lackey)
 * sees what the hooks of each write. A store to `mark` begins a turn, and another one ends it: in each part first that
 * of thread 0, then that of thread 1. Everything else, the first operations of each part among it, is in no turn.
 *
 * RECORDER: the offset of this variable in the library. To the file LIST go names of addresses, and rows.
 */
#include "process/record.h"

#include <link.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 2, WARM = 150, MEASURED = 50, BLOCKS = 120, HELD = 100, FEW = 4, SIZE = 100, LEVELS = 4, LARGE = 8 << 20,
       SPACERS = 3 /* rows between those of the threads: so many that no two share a line */ };

volatile char mark;

static sem_t go[THREADS], done;
static void *own[THREADS][BLOCKS], *common[THREADS][BLOCKS], *handed[THREADS][WARM + MEASURED], *few[THREADS][FEW];
static uint64_t stack_start[THREADS], stack_end[THREADS];

typedef void *make(size_t size);

/* Functions that allocate, by which the threads have rows of their own, or common ones. */
#define SITE(name)								\
	static __attribute__((noinline)) void *name(size_t size)		\
	{									\
		void *p = malloc(size);						\
										\
		__asm__ volatile("" : "+r"(p));					\
		return p;							\
	}
SITE(own_0) SITE(own_1) SITE(both) SITE(temporary_0) SITE(temporary_1) SITE(few_0) SITE(few_1) SITE(handed_0) SITE(handed_1)
static make *const own_site[] = { own_0, own_1 }, *const temporary_site[] = { temporary_0, temporary_1 },
	*const few_site[] = { few_0, few_1 }, *const handed_site[] = { handed_0, handed_1 };

static __attribute__((noinline)) void *at_level(unsigned levels, make *site, size_t size)
{
	void *p = levels ? at_level(levels - 1, site, size) : site(size);

	__asm__ volatile("" : "+r"(p));
	return p;
}

/* 128 backtraces, even of 8 frames: one for each number. */
static __attribute__((noinline)) void *space(unsigned number, unsigned levels)
{
	void *p;

	if (!levels) {
		p = malloc(8);
	} else if (number % 2) {
		p = space(number / 2, levels - 1);
		__asm__ volatile("# odd" : "+r"(p));
	} else {
		p = space(number / 2, levels - 1);
		__asm__ volatile("# even" : "+r"(p));
	}
	return p;
}

static void *get(make *site)
{
	return at_level(LEVELS, site, SIZE);
}

static __attribute__((noinline)) void *resize(void *p, size_t size)
{
	p = realloc(p, size);
	__asm__ volatile("" : "+r"(p));
	return p;
}

/* ---- The parts. Operation i of a thread, from 0 on; the measured ones come last. ---- */

static void replace(void **block, make *site)
{
	free(*block);
	*block = get(site);
}

static void own_blocks(int me, unsigned i)
{
	replace(&own[me][i % BLOCKS], own_site[me]);
}

static void common_row(int me, unsigned i)
{
	replace(&common[me][i % BLOCKS], both);
}

static void temporary_blocks(int me, unsigned i)
{
	(void)i;
	free(get(temporary_site[me]));
}

static void few_blocks(int me, unsigned i)
{
	replace(&few[me][i % FEW], few_site[me]);
}

static void resized_blocks(int me, unsigned i)
{
	void **block = &own[me][i % BLOCKS];

	*block = resize(*block, SIZE + i % 5);
}

/* Each thread frees what the other one has allocated, after some time, as both have many blocks. */
static void handed_blocks(int me, unsigned i)
{
	void **block = &handed[!me][i < HELD ? 0 : i - HELD];

	if (i >= HELD) {
		free(*block);
		*block = NULL;
	}
	handed[me][i] = get(handed_site[me]);
}

static const struct part {
	const char *name;
	void (*operation)(int me, unsigned i);
	unsigned warm;		/* operations before those that are measured */
} parts[] = {
	{ "blocks and rows of its own", own_blocks, WARM },
	{ "realloc", resized_blocks, WARM },
	{ "temporary blocks", temporary_blocks, 20 },
	{ "rows of few blocks", few_blocks, 20 },
	{ "a row that both use", common_row, WARM },
	{ "blocks that the other thread frees", handed_blocks, WARM },
};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

/* ---- The threads ---- */

static void *work(void *number)
{
	int me = (int)(intptr_t)number;
	pthread_attr_t attr;
	void *start;
	size_t size;

	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstack(&attr, &start, &size);
	pthread_attr_destroy(&attr);
	stack_start[me] = (uintptr_t)start;
	stack_end[me] = (uintptr_t)start + size;
	for (unsigned p = 0; p < PARTS; p++) {
		unsigned i = 0;

		for (bool measured = false; i < parts[p].warm + MEASURED; measured = true) {
			unsigned end = parts[p].warm + (measured ? MEASURED : 0);

			sem_wait(&go[me]);
			if (measured)
				mark = 1;
			while (i < end)
				parts[p].operation(me, i++);
			if (measured)
				mark = 0;
			sem_post(&done);
		}
	}
	sem_wait(&go[me]);
	return NULL;
}

static void run(int thread)
{
	sem_post(&go[thread]);
	sem_wait(&done);
}

/* ---- Names ---- */

static int note_base(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	if (strstr(info->dlpi_name, "libheaptrace.so"))
		*(uintptr_t *)base = info->dlpi_addr;
	return 0;
}

static void name(FILE *list, const char *what, const void *start, size_t each, size_t count)
{
	fprintf(list, "place\t%s\t%#llx\t%zu\t%zu\n", what, (unsigned long long)(uintptr_t)start, each, count);
}

static void name_row(FILE *list, const struct recorder *r, const char *what, void *p)
{
	fprintf(list, "row\t%s\t%u\n", what, slot_row(*blocks_find(&r->blocks, p)));
}

static void write_list(const char *file, uintptr_t base, const struct recorder *r)
{
	FILE *list = fopen(file, "w");
	const struct table *t = &r->table;
	struct table_header *h = t->head;
	struct table_local *l = t->local;

	if (!list)
		exit(2);
	fprintf(list, "library\t%#llx\narea\t%#llx\t%#llx\n", (unsigned long long)base, (unsigned long long)h->own_area,
		(unsigned long long)h->own_area_end);
	for (unsigned p = 0; p < PARTS; p++)
		fprintf(list, "part\t%u\t%s\n", p, parts[p].name);
	name(list, "row", t->rows, sizeof(*t->rows), h->row_limit);
	name(list, "what else a row has", t->infos, sizeof(*t->infos), h->row_limit);
	name(list, "the table's counts", &h->row_count, 1, (size_t)((char *)&h->totals - (char *)&h->row_count));
	name(list, "totals", &h->totals, sizeof(h->totals), 1);
	name(list, "timeline", &h->timeline, sizeof(h->timeline), 1);
	name(list, "slot number: pending_frees", h->pending_frees, sizeof(*h->pending_frees), TABLE_SLOTS);
	name(list, "row_hints", l->row_hints, sizeof(l->row_hints), 1);
	name(list, "code_hints", l->code_hints, sizeof(l->code_hints), 1);
	name(list, "slot number: row_locks", l->row_locks, sizeof(*l->row_locks), TABLE_SLOTS);
	name(list, "slots of thread", t->deltas, sizeof(*t->deltas), h->deltas_limit);
	name(list, "sets of threads", t->thread_sets, sizeof(*t->thread_sets), h->row_limit);
	for (int me = 0; me < THREADS; me++) {
		uintptr_t at = blocks_address(common[me][0]);

		name(list, "block map", r->blocks.regions[at >> BLOCKS_REGION_BITS], sizeof(uint32_t),
		     (size_t)1 << (BLOCKS_REGION_BITS - r->blocks.granule_log2));
		name(list, me ? "stack and own variables of thread 1" : "stack and own variables of thread 0",
		     (void *)stack_start[me], stack_end[me] - stack_start[me], 1);
	}
	name_row(list, r, "realloc", own[0][0]);
	name_row(list, r, "a row that both use", common[0][0]);
	name_row(list, r, "blocks that the other thread frees", handed[0][WARM]);
	name_row(list, r, "blocks that the other thread frees", handed[1][WARM]);
	fclose(list);
}

int main(int argc, char **argv)
{
	void *volatile kept = malloc(LARGE);	/* of a large heap a thread may keep a large part to itself */
	unsigned number = 0;
	pthread_t t[THREADS];
	uintptr_t base = 0;

	if (argc < 3 || !kept)
		return 1;
	sem_init(&done, 0, 0);
	for (int i = 0; i < THREADS; i++) {
		sem_init(&go[i], 0, 0);
		pthread_create(&t[i], NULL, work, (void *)(intptr_t)i);
	}
	for (unsigned p = 0; p < 2 * PARTS; p++) {
		for (int i = 0; i < THREADS; i++) {
			run(i);
			for (unsigned k = 0; k < SPACERS; k++)
				kept = space(number++, 7);
		}
	}
	dl_iterate_phdr(note_base, &base);
	write_list(argv[2], base, (struct recorder *)(base + strtoull(argv[1], NULL, 16)));
	syscall(SYS_exit_group, 0);	/* without a last dump, whose stores would take most of the time */
	return 1;
}
