/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes the client requests of examples/valgrind.h, for tests/examples.t. Prints the live bytes, blocks and calls of heaptrace
 * after each step: what each figure has to be follows from the sizes here.
 */
#include "memcheck.h"

#include <stdio.h>
#include <stdlib.h>

static char heap[4096];
static int anchors[VALGRIND_MEMPOOLS + 1];
static void *volatile kept;

static void say(const char *when)
{
	struct heaptrace_totals t;

	t.size = sizeof(t);
	if (heaptrace_get_totals(&t))
		fprintf(stderr, "%s: absent\n", when);
	else
		fprintf(stderr, "%s: %lu bytes %lu blocks %lu calls\n", when, (unsigned long)t.bytes, (unsigned long)t.blocks,
			(unsigned long)t.calls);
}

static void malloclike(void)
{
	VALGRIND_MALLOCLIKE_BLOCK(heap, 100, 16, 0);
	VALGRIND_MALLOCLIKE_BLOCK((unsigned long)heap + 128, 50, 16, 1);
	say("malloclike");
	VALGRIND_RESIZEINPLACE_BLOCK(heap, 100, 120, 16);
	say("resized");
	VALGRIND_FREELIKE_BLOCK(heap, 16);
	VALGRIND_FREELIKE_BLOCK(heap, 16);
	say("freed");
	VALGRIND_FREELIKE_BLOCK(heap + 128, 16);
}

static void mempools(void)
{
	int one, two, moved;

	VALGRIND_CREATE_MEMPOOL(&one, 0, 0);
	VALGRIND_CREATE_MEMPOOL(&two, 0, 0);
	VALGRIND_CREATE_MEMPOOL(&two, 0, 0);
	fprintf(stderr, "exist %d %d %d\n", VALGRIND_MEMPOOL_EXISTS(&one), VALGRIND_MEMPOOL_EXISTS(&two),
		VALGRIND_MEMPOOL_EXISTS(&moved));
	VALGRIND_MEMPOOL_ALLOC(&one, heap, 10);
	VALGRIND_MEMPOOL_ALLOC(&one, heap + 16, 20);
	VALGRIND_MEMPOOL_ALLOC(&one, heap + 64, 30);
	VALGRIND_MEMPOOL_ALLOC(&two, heap + 1024, 1000);
	VALGRIND_MEMPOOL_ALLOC(&moved, heap + 3000, 1);
	say("pools");
	VALGRIND_MEMPOOL_FREE(&two, heap);
	VALGRIND_MEMPOOL_FREE(&one, heap);
	say("freed");
	VALGRIND_MEMPOOL_CHANGE(&one, heap + 16, heap + 32, 25);
	say("changed");
	VALGRIND_MOVE_MEMPOOL(&one, &moved);
	fprintf(stderr, "exist %d %d %d\n", VALGRIND_MEMPOOL_EXISTS(&one), VALGRIND_MEMPOOL_EXISTS(&two),
		VALGRIND_MEMPOOL_EXISTS(&moved));
	VALGRIND_MEMPOOL_ALLOC(&moved, heap + 512, 7);
	say("moved");
	VALGRIND_MEMPOOL_TRIM(&moved, heap + 64, 448);
	say("trimmed");
	VALGRIND_DESTROY_MEMPOOL(&moved);
	say("destroyed");
	VALGRIND_DESTROY_MEMPOOL(&two);
	fprintf(stderr, "exist %d %d %d\n", VALGRIND_MEMPOOL_EXISTS(&one), VALGRIND_MEMPOOL_EXISTS(&two),
		VALGRIND_MEMPOOL_EXISTS(&moved));
	say("both destroyed");
}

static void metapool(void)
{
	char *chunk = kept = malloc(500);
	int pool;

	VALGRIND_CREATE_MEMPOOL_EXT(&pool, 0, 0, VALGRIND_MEMPOOL_METAPOOL | VALGRIND_MEMPOOL_AUTO_FREE);
	VALGRIND_MEMPOOL_ALLOC(&pool, chunk, 500);
	VALGRIND_MALLOCLIKE_BLOCK(chunk, 40, 0, 0);
	VALGRIND_MALLOCLIKE_BLOCK(chunk + 40, 60, 0, 0);
	say("metapool");
	VALGRIND_MEMPOOL_FREE(&pool, chunk);
	say("its chunk is free");
	VALGRIND_DESTROY_MEMPOOL(&pool);
	free(chunk);
}

/* One pool more than there can be is ignored, and leaves the others alone; destroyed ones leave their places. */
static void many(void)
{
	int i;

	for (i = 0; i <= VALGRIND_MEMPOOLS; i++) {
		VALGRIND_CREATE_MEMPOOL(&anchors[i], 0, 0);
		VALGRIND_MEMPOOL_ALLOC(&anchors[i], heap + 8 * i, 1);
	}
	fprintf(stderr, "the last one exists: %d\n", VALGRIND_MEMPOOL_EXISTS(&anchors[VALGRIND_MEMPOOLS]));
	say("many");
	VALGRIND_DESTROY_MEMPOOL(&anchors[VALGRIND_MEMPOOLS]);
	say("the last one destroyed");
	VALGRIND_DESTROY_MEMPOOL(&anchors[3]);
	VALGRIND_CREATE_MEMPOOL(&anchors[VALGRIND_MEMPOOLS], 0, 0);
	VALGRIND_MEMPOOL_ALLOC(&anchors[VALGRIND_MEMPOOLS], heap + 4000, 77);
	say("again");
	for (i = 0; i <= VALGRIND_MEMPOOLS; i++)
		if (i != 4)
			VALGRIND_DESTROY_MEMPOOL(&anchors[i]);
	say("all but one destroyed");
}

int main(void)
{
	if (RUNNING_ON_VALGRIND || VALGRIND_MAKE_MEM_NOACCESS(heap, sizeof(heap)) || VALGRIND_CHECK_MEM_IS_DEFINED(heap, 1))
		return 1;
	malloclike();
	mempools();
	metapool();
	many();
	return 0;
}
