/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls the functions of include/heaptrace.h, for tests/api.t. Prints what they return. */
#include "include/heaptrace.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef API_STATIC
#include <pthread.h>
#include <sys/wait.h>
#endif
#include <unistd.h>

/* The compiler must not leave out a pair of malloc() and free(). */
static void *volatile kept[100];

static void print_totals(const char *when)
{
	struct heaptrace_totals t = { sizeof(t), 0, 0, 0, 0, 0 };
	int error = heaptrace_get_totals(&t);

	fprintf(stderr, "%s: %d bytes %lu peak %lu blocks %lu calls %lu sample %lu\n", when, error, (unsigned long)t.bytes,
		(unsigned long)t.peak_bytes, (unsigned long)t.blocks, (unsigned long)t.calls, (unsigned long)t.sample_bytes);
}

static int absent(void)
{
	char block[8];

	return heaptrace_state() == HEAPTRACE_ABSENT && !heaptrace_is_present() && heaptrace_dump() == HEAPTRACE_ABSENT &&
	       heaptrace_dump_to("absent.txt") == HEAPTRACE_ABSENT && heaptrace_dump_to(NULL) == HEAPTRACE_ABSENT && heaptrace_on() == HEAPTRACE_ABSENT && heaptrace_off() == HEAPTRACE_ABSENT &&
	       heaptrace_clear() == HEAPTRACE_ABSENT && heaptrace_sample(1) == HEAPTRACE_ABSENT &&
	       heaptrace_mark("x") == HEAPTRACE_ABSENT && heaptrace_ignore_begin() == HEAPTRACE_ABSENT &&
	       heaptrace_ignore_end() == HEAPTRACE_ABSENT &&
	       heaptrace_pool("x") == 0 && heaptrace_pool_alloc(0, block, 8) == HEAPTRACE_ABSENT &&
	       heaptrace_pool_realloc(0, block, block, 4) == HEAPTRACE_ABSENT &&
	       heaptrace_pool_free(0, block) == HEAPTRACE_ABSENT && heaptrace_pool_clear(0) == HEAPTRACE_ABSENT &&
	       heaptrace_pool_clear_range(0, block, 8) == HEAPTRACE_ABSENT &&
	       heaptrace_pool_backing(0, block, 8) == HEAPTRACE_ABSENT &&
	       heaptrace_pool_backing_end(0, block) == HEAPTRACE_ABSENT;
}

/* A pool of one chunk: backing 10,000 bytes, blocks of 100, 200 and 300, the first at the chunk's own address. */
static void pools(void)
{
	heaptrace_pool_t a = heaptrace_pool("alpha"), b = heaptrace_pool("beta");
	char *chunk, *inner;

	fprintf(stderr, "numbers differ: %d, same again: %d\n", a != b, a == heaptrace_pool("alpha"));
	print_totals("before");
	chunk = malloc(10000);
	print_totals("chunk");
	fprintf(stderr, "backing %d\n", heaptrace_pool_backing(a, chunk, 0));
	print_totals("backing");
	fprintf(stderr, "alloc %d %d %d\n", heaptrace_pool_alloc(a, chunk, 100), heaptrace_pool_alloc(a, chunk + 104, 200),
		heaptrace_pool_alloc(a, chunk + 304, 300));
	print_totals("alloc");
	fprintf(stderr, "free %d", heaptrace_pool_free(a, chunk + 104));
	fprintf(stderr, ", again %d", heaptrace_pool_free(a, chunk + 104));
	fprintf(stderr, ", of another pool %d\n", heaptrace_pool_free(b, chunk));
	print_totals("free");
	fprintf(stderr, "realloc %d\n", heaptrace_pool_realloc(a, chunk + 304, chunk + 304, 350));
	print_totals("realloc");
	/* A pool in a block of the other pool. */
	fprintf(stderr, "free %d\n", heaptrace_pool_free(a, chunk));
	inner = chunk;
	heaptrace_pool_alloc(a, inner, 300);
	fprintf(stderr, "inner %d\n", heaptrace_pool_backing(b, inner, 0));
	heaptrace_pool_alloc(b, inner, 64);
	heaptrace_pool_alloc(b, inner + 64, 64);
	print_totals("inner");
	heaptrace_pool_clear(b);
	print_totals("cleared");
	heaptrace_pool_alloc(b, inner + 8, 5);
	print_totals("more inner");
	fprintf(stderr, "inner back %d\n", heaptrace_pool_free(a, inner));
	print_totals("inner back");
	heaptrace_pool_clear_range(a, chunk, 100);
	print_totals("range");
	kept[0] = malloc(50);
	heaptrace_dump();
	free(kept[0]);
	fprintf(stderr, "end %d\n", heaptrace_pool_backing_end(a, chunk));
	heaptrace_ignore_begin();	/* the chunk is known to nobody any more */
	kept[1] = malloc(1);
	heaptrace_ignore_end();
	free(chunk);
	print_totals("chunk freed");
}

/* A chunk of pool a, with two of its blocks: one is a backing of b, a block of which is a backing of c; one is a backing of c. */
static char *nested(heaptrace_pool_t a, heaptrace_pool_t b, heaptrace_pool_t c)
{
	char *chunk = malloc(10000);

	heaptrace_pool_backing(a, chunk, 0);
	heaptrace_pool_alloc(a, chunk, 1000);
	heaptrace_pool_backing(b, chunk, 0);
	heaptrace_pool_alloc(b, chunk, 100);
	heaptrace_pool_alloc(b, chunk + 104, 200);
	heaptrace_pool_backing(c, chunk + 104, 0);
	heaptrace_pool_alloc(c, chunk + 112, 10);
	heaptrace_pool_alloc(a, chunk + 2000, 500);
	heaptrace_pool_backing(c, chunk + 2000, 0);
	heaptrace_pool_alloc(c, chunk + 2000, 7);
	print_totals("nested");
	return chunk;
}

static void clear(void)
{
	heaptrace_pool_t a = heaptrace_pool("a"), b = heaptrace_pool("b"), c = heaptrace_pool("c");
	char *chunk = nested(a, b, c);

	heaptrace_pool_clear_range(a, chunk, 1000);
	print_totals("range");
	fprintf(stderr, "known %d %d, of another %d\n", heaptrace_pool_free(b, chunk), heaptrace_pool_free(b, chunk + 104),
		heaptrace_pool_free(a, chunk));
	heaptrace_pool_clear(b);
	print_totals("another");
	heaptrace_pool_clear(a);
	print_totals("all");
	heaptrace_pool_alloc(a, chunk, 50);	/* the addresses are free again */
	heaptrace_pool_alloc(b, chunk + 104, 5);
	print_totals("again");
	heaptrace_pool_clear(a);
	heaptrace_pool_clear(b);
	kept[0] = chunk;
	kept[1] = nested(a, b, c);
	heaptrace_pool_clear(b);
	print_totals("inner");
	heaptrace_pool_clear(a);
	kept[2] = malloc(3);
	heaptrace_dump();
}

/* Writes dumps to the files of these names, and says what came of it. errno has to stay. */
static void write_files(char **names)
{
	kept[0] = malloc(12345);
	for (; *names; names++) {
		int error;

		errno = ERANGE;
		error = heaptrace_dump_to(*names);
		fprintf(stderr, "%s: %s%s\n", *names, error < 0 ? "absent" : error ? strerror(error) : "written",
			errno == ERANGE ? "" : ", errno has changed");
	}
	fprintf(stderr, "NULL: %d, empty: %d\n", heaptrace_dump_to(NULL), heaptrace_dump_to(""));
}

/* One pool has two blocks, in one that it has not declared, and one pool nothing but two backings of 8,000 bytes. */
static void reported(void)
{
	heaptrace_pool_t blocks = heaptrace_pool("a \"\033[1mb"), backings = heaptrace_pool("backings"), none = heaptrace_pool("none");

	kept[0] = malloc(1000);
	heaptrace_pool_alloc(blocks, kept[0], 200);
	heaptrace_pool_alloc(blocks, (char *)kept[0] + 200, 300);
	for (int i = 1; i < 3; i++) {
		kept[i] = malloc(8000);
		heaptrace_pool_backing(backings, kept[i], 0);
	}
	heaptrace_pool_alloc(none, (char *)kept[0] + 600, 1);
	heaptrace_pool_free(none, (char *)kept[0] + 600);
}

static void ignore(void)
{
	char *p, *q;

	p = malloc(300);
	print_totals("begin");
	heaptrace_ignore_begin();
	heaptrace_ignore_begin();
	kept[0] = malloc(1000);
	kept[1] = calloc(10, 100);
	kept[2] = realloc(NULL, 1000);
	kept[3] = aligned_alloc(64, 1024);
	fprintf(stderr, "end %d\n", heaptrace_ignore_end());
	q = realloc(p, 5000);
	fprintf(stderr, "end %d\n", heaptrace_ignore_end());
	fprintf(stderr, "once too often %d\n", heaptrace_ignore_end());
	print_totals("ignored");
	kept[4] = malloc(7);
	print_totals("heeded");
	heaptrace_ignore_begin();
	free(kept[4]);
	heaptrace_ignore_end();
	print_totals("freed");
	for (int i = 0; i < 4; i++)
		free(kept[i]);
	free(q);
	print_totals("all freed");
}

#ifndef API_STATIC
static char blocks[4][1000][48];
static heaptrace_pool_t shared;

static void *churn(void *mine)
{
	char (*block)[48] = (char (*)[48])mine;

	for (int i = 0; i < 1000; i++) {
		heaptrace_pool_alloc(shared, block[i], 48);
		heaptrace_pool_free(shared, block[i]);
		heaptrace_pool_alloc(shared, block[i], 24);
		heaptrace_pool_realloc(shared, block[i], block[i], 40);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t threads[4];

	heaptrace_ignore_begin();	/* what pthread_create() allocates */
	shared = heaptrace_pool("shared");
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churn, blocks[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	heaptrace_ignore_end();
	print_totals("threads");
	heaptrace_pool_clear(shared);
	print_totals("cleared");
}

static const char *const endings[] = { "txt", "folded", "json" };
static int failed[4];

/* Writes files of its own, and asks for dumps by signals in between. */
static void *write_many(void *mine)
{
	unsigned me = (unsigned)((char (*)[1000][48])mine - blocks);
	char name[64];

	for (unsigned i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "%s.%u.%u.%s", getenv("FILES"), me, i, endings[i % 3]);
		failed[me] += heaptrace_dump_to(name) != 0;
		raise(i % 2 ? SIGUSR1 : SIGUSR2);
	}
	return NULL;
}

static void write_in_threads(void)
{
	pthread_t threads[4];

	kept[0] = malloc(12345);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, write_many, blocks[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	fprintf(stderr, "failed %d\n", failed[0] + failed[1] + failed[2] + failed[3]);
}

static void *write_forever(void *name)
{
	for (;;)
		heaptrace_dump_to(name);
	return NULL;
}

/* The process ends while another thread writes one file after the other. */
static void write_to_the_end(char *name)
{
	pthread_t thread;

	kept[0] = malloc(12345);
	pthread_create(&thread, NULL, write_forever, name);
	do	/* at least until the first one is there */
		usleep(200000);
	while (access(name, F_OK));
}

static void write_in_child(char **names)
{
	kept[1] = malloc(7777);
	if (!fork()) {
		kept[2] = malloc(222);
		write_files(names);
		_exit(0);
	}
	wait(NULL);
}

static void forks(void)
{
	heaptrace_pool_t pool = heaptrace_pool("forks");

	heaptrace_pool_alloc(pool, blocks[0][0], 100);
	kept[0] = malloc(100);
	print_totals("parent");
	if (!fork()) {
		heaptrace_pool_free(pool, blocks[0][0]);
		heaptrace_pool_alloc(pool, blocks[0][1], 200);
		print_totals("child");
		_exit(0);
	}
	wait(NULL);
	print_totals("after");
}
#endif

void heaptrack_report_alloc(void *p, size_t size) __attribute__((weak));
void heaptrack_report_realloc(void *old, size_t size, void *p) __attribute__((weak));
void heaptrack_report_free(void *p) __attribute__((weak));

static void heaptrack(void)
{
	static char b[1000];

	kept[0] = malloc(10);
	heaptrack_report_alloc(b, 100);
	print_totals("alloc");
	heaptrack_report_realloc(b, 300, b + 500);
	print_totals("realloc");
	free(kept[0]);
	print_totals("free");
}

static int in_constructor;

__attribute__((constructor)) static void construct(void)
{
	char b[8];
	heaptrace_pool_t pool;

	/* What comes first must not be an allocation. */
	if (!getenv("EARLY"))
		return;
	pool = heaptrace_pool("early");
	in_constructor = heaptrace_pool_alloc(pool, b, 8);
	if (!in_constructor)
		in_constructor = heaptrace_pool_free(pool, b);
}

static int handled[4];

static void handle(int signal)
{
	(void)signal;
	handled[0] = heaptrace_mark("signal");
	handled[1] = heaptrace_dump();
	handled[2] = heaptrace_state();
	if (getenv("FILES"))
		handled[3] = heaptrace_dump_to(getenv("FILES"));
}

static void early(void)
{
	signal(SIGUSR2, handle);
	raise(SIGUSR2);
	fprintf(stderr, "constructor: %d\nsignal: mark %d, dump %d, state %d, file %d\n", in_constructor, handled[0], handled[1],
		handled[2], handled[3]);
}

static void errors(void)
{
	struct heaptrace_totals t = { 8, 0, 0, 0, 0, 0 };
	char b[8], name[16];
	int made = 0, rest = 0;

	fprintf(stderr, "pool %d %d %d, totals %d, control %d, ENOENT %d %d\n", heaptrace_pool_alloc(512, b, 8),
		heaptrace_pool_clear(~0u), heaptrace_pool_backing(1, NULL, 8), heaptrace_get_totals(&t),
		heaptrace_control_(7, 0, NULL), heaptrace_pool_free(1, b), heaptrace_pool_backing(1, b, 0));
	if (heaptrace_pool(NULL))
		fprintf(stderr, "a pool without a name\n");
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "pool %d", i);
		if (heaptrace_pool(name))
			made++;
		else
			rest += heaptrace_pool_alloc(0, b, 8) + heaptrace_pool_free(0, b);
	}
	fprintf(stderr, "names %d, the rest %d\n", made, rest);
}

static void windows(void)
{
	fprintf(stderr, "state %d\n", heaptrace_state());
	kept[0] = malloc(100);
	heaptrace_mark("begin");
	heaptrace_off();
	fprintf(stderr, "state %d\n", heaptrace_state());
	kept[1] = malloc(1000);
	print_totals("off");
	heaptrace_on();
	fprintf(stderr, "state %d\n", heaptrace_state());
	kept[2] = malloc(10);
	print_totals("on");
	heaptrace_sample(4096);
	fprintf(stderr, "state %d\n", heaptrace_state());
	heaptrace_sample(0);
	heaptrace_clear();
	kept[3] = malloc(3);
	print_totals("cleared");
	for (int i = 0; i < 4; i++)
		free(kept[i]);
	print_totals("freed");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "absent";

	if (!strcmp(what, "absent"))
		puts(absent() ? "absent" : "something is there");
	else if (!strcmp(what, "present"))
		puts(heaptrace_is_present() ? "present" : "absent");
	else if (!strcmp(what, "pools"))
		pools();
	else if (!strcmp(what, "clear"))
		clear();
	else if (!strcmp(what, "files"))
		write_files(argv + 2);
	else if (!strcmp(what, "file later")) {
		if (write(1, "ready", 5) == 5 && read(0, &(char){ 0 }, 1) == 1)
			write_files(argv + 2);
	} else if (!strcmp(what, "reported"))
		reported();
	else if (!strcmp(what, "ignore"))
		ignore();
	else if (!strcmp(what, "heaptrack"))
		heaptrack();
	else if (!strcmp(what, "early"))
		early();
	else if (!strcmp(what, "errors"))
		errors();
#ifndef API_STATIC
	else if (!strcmp(what, "threads"))
		threads();
	else if (!strcmp(what, "fork"))
		forks();
	else if (!strcmp(what, "files in threads"))
		write_in_threads();
	else if (!strcmp(what, "files to the end"))
		write_to_the_end(argv[2]);
	else if (!strcmp(what, "files in a child"))
		write_in_child(argv + 2);
#endif
	else if (!strcmp(what, "windows"))
		windows();
	return 0;
}
