/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A server that keeps its sessions in a pool, and reports them to heaptrace. It serves three phases: in the morning 1,000
 * sessions of 48 bytes begin, at noon 900 of them end, and in the evening 200 begin of which 50 are forgotten.
 *
 * Each chunk of the pool is one block of malloc's, of 32 KB. To a tool that sees malloc alone, all sessions are two blocks that
 * never change. With the calls below heaptrace counts sessions, and names the function that has begun each. With an argument, the
 * name of a file, it writes a report of the evening there. examples/README.md has the output.
 */
#include <heaptrace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES	32768
#define MORNING		1000
#define EVENING		200

/* ---- The pool: blocks of one size, cut from chunks, with a list of free ones ---- */

struct free_block {
	struct free_block *next;
};

struct chunk {
	struct chunk *next;
	size_t used_bytes;		/* with this header */
};

struct pool {
	size_t block_bytes;		/* a multiple of 8, because heaptrace cannot tell nearer blocks apart */
	struct chunk *chunks;
	struct free_block *free;
	heaptrace_pool_t number;	/* by which heaptrace knows it; 0 without heaptrace, which does no harm */
};

static void pool_create(struct pool *pool, const char *name, size_t block_bytes)
{
	pool->block_bytes = (block_bytes + 7) / 8 * 8;
	pool->chunks = NULL;
	pool->free = NULL;
	pool->number = heaptrace_pool(name);
}

/* The chunk is not counted as a block of the heap, because the blocks that are made of it are. Between the two calls that
 * ignore it, malloc() is not recorded, so that the chunk is not in the heap's peak, either. */
static int pool_grow(struct pool *pool)
{
	struct chunk *chunk;

	heaptrace_ignore_begin();
	chunk = malloc(CHUNK_BYTES);
	heaptrace_ignore_end();
	if (!chunk)
		return 0;
	heaptrace_pool_backing(pool->number, chunk, CHUNK_BYTES);
	chunk->next = pool->chunks;
	chunk->used_bytes = sizeof(*chunk);
	pool->chunks = chunk;
	return 1;
}

static void *pool_alloc(struct pool *pool)
{
	void *p = pool->free;

	if (p) {
		pool->free = pool->free->next;
	} else {
		if (!pool->chunks || pool->chunks->used_bytes + pool->block_bytes > CHUNK_BYTES)
			if (!pool_grow(pool))
				return NULL;
		p = (char *)pool->chunks + pool->chunks->used_bytes;
		pool->chunks->used_bytes += pool->block_bytes;
	}
	heaptrace_pool_alloc(pool->number, p, pool->block_bytes);
	return p;
}

/* heaptrace has to know first: as soon as the block is in the list, somebody can get it. */
static void pool_free(struct pool *pool, void *p)
{
	struct free_block *f = p;

	heaptrace_pool_free(pool->number, p);
	f->next = pool->free;
	pool->free = f;
}

/* No call tells heaptrace of the blocks that are left: with its chunk, each of them is gone. */
static void pool_destroy(struct pool *pool)
{
	while (pool->chunks) {
		struct chunk *next = pool->chunks->next;

		free(pool->chunks);
		pool->chunks = next;
	}
	pool->free = NULL;
}

/* ---- The server ---- */

struct session {
	long id;
	char user[40];
};

static struct pool sessions;
static struct session *running[MORNING + EVENING];

static struct session *session_begin(long id)
{
	struct session *s = pool_alloc(&sessions);

	if (!s)
		exit(1);
	s->id = id;
	sprintf(s->user, "user %ld", id);
	return s;
}

static void morning(void)
{
	long i;

	heaptrace_mark("morning");
	for (i = 0; i < MORNING; i++)
		running[i] = session_begin(i);
}

static void noon(void)
{
	long i;

	heaptrace_mark("noon");
	for (i = 0; i < MORNING - 100; i++)
		pool_free(&sessions, running[i]);
}

/* Of every four sessions, one is never ended. What begins here is a window of its own in reports (--window=2). */
static void evening(void)
{
	long i;

	heaptrace_mark("evening");
	heaptrace_on();
	for (i = MORNING; i < MORNING + EVENING; i++)
		running[i] = session_begin(i);
	for (i = MORNING; i < MORNING + EVENING; i++)
		if (i % 4)
			pool_free(&sessions, running[i]);
	heaptrace_off();
}

static void say(const char *when)
{
	struct heaptrace_totals t;

	t.size = sizeof(t);
	if (heaptrace_get_totals(&t))
		printf("%s: no heaptrace\n", when);
	else
		printf("%s: %lu bytes in %lu blocks, at most %lu bytes\n", when, (unsigned long)t.bytes, (unsigned long)t.blocks,
		       (unsigned long)t.peak_bytes);
}

/* The ending of the name chooses the format. Without heaptrace, there is no file, and nothing to complain of. */
static void report(const char *file)
{
	int error = heaptrace_dump_to(file);

	if (error > 0)
		fprintf(stderr, "cannot write %s: %s\n", file, strerror(error));
}

int main(int argc, char **argv)
{
	/* No buffer of stdio's, so that each figure is the pool's alone. */
	setvbuf(stdout, NULL, _IONBF, 0);
	pool_create(&sessions, "sessions", sizeof(struct session));

	morning();
	say("morning");
	noon();
	say("noon");
	heaptrace_off();	/* the first window ends */
	evening();
	say("evening");
	heaptrace_dump();	/* who holds sessions now */
	if (argc > 1)
		report(argv[1]);

	pool_destroy(&sessions);
	say("closed");
	return 0;
}
