/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * where_rss HOW: brings its memory into a state, asks for a dump by SIGUSR1, and prints, in bytes,
 *
 *	RSS as /proc/self/status has it; free bytes as mallinfo2() has them; by how much malloc_trim() makes RSS less
 *
 * all for the same state, and the id of the process. Then it waits for the end of its input.
 *
 *	freed		40 MB in small blocks, all but the last one freed: at the end of the heap is a block
 *	holes		50 MB in small blocks of which every 16th is kept
 *	fragmented	50 MB in small blocks of which every 4th is kept: hardly any page is free
 *	quick		30 MB in blocks so small that malloc does not join them when they are freed, all but the last one freed
 *	small		1,000,000 blocks of one byte
 *	mapped		5 blocks of 10 MB, written, of which each has a mapping; the kernel joins them
 *	unwritten	100 MB by calloc(), of which 1 MB is written; and 30 MB in blocks of 100 KB, of which a page is
 *	own		a mapping of 60 MB that does not come from malloc, written, beside 5 MB that do
 *	static		40 MB of static data, written
 *	file		a mapping of a file of 30 MB, read
 *	shared		30 MB of memory that can be shared with children
 *	threads		200 threads, each with some blocks and 100 KB of stack
 *	arenas		8 threads that have allocated 20 MB each and freed every second block
 *	child		a forked child of one that has 20 MB
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MB ((size_t)1 << 20)
#define BLOCKS_MOST 1000000

static void *blocks[BLOCKS_MOST];
static size_t block_count;
static char data[40 * MB];
static pthread_barrier_t before, after;

static long rss(void)
{
	static char text[8192];
	FILE *f = fopen("/proc/self/status", "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return atol(strstr(text, "VmRSS:") + 6) * 1024;
}

static void tell(void)
{
	struct mallinfo2 m;
	long held, trimmed;

	rss();				/* the memory that this takes is there before the dump */
	raise(SIGUSR1);
	held = rss();
	m = mallinfo2();
	malloc_trim(0);
	trimmed = held - rss();
	printf("%ld %zu %ld %d\n", held, m.fordblks, trimmed, (int)getpid());
	fflush(stdout);
	getchar();
}

static void *keep(size_t bytes, size_t written)
{
	void *block = malloc(bytes);

	memset(block, 1, written);
	blocks[block_count++] = block;
	return block;
}

/* Makes so many MB of blocks, and frees all but every `kept`th, and the last one. */
static void make_holes(size_t mb, size_t kept)
{
	for (size_t i = 0; i < mb * 1000; i++)
		keep(1000, 1000);
	for (size_t i = 0; i + 1 < block_count; i++) {
		if (i % kept != kept - 1)
			free(blocks[i]);
	}
}

static void *map(size_t bytes, int flags, int fd)
{
	return mmap(NULL, bytes, fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ, flags, fd, 0);
}

static void *thread(void *how)
{
	char stack[100 * 1024], *mine[20 * 256];

	memset(stack, 1, sizeof(stack));
	__asm__ volatile("" : : "r"(stack) : "memory");
	for (int i = 0; i < 20 * 256 && how; i++) {
		mine[i] = malloc(4000);
		memset(mine[i], 1, 4000);
	}
	for (int i = 0; i < 20 * 256 && how; i += 2)
		free(mine[i]);
	if (!how)
		mine[0] = malloc(5000);
	pthread_barrier_wait(&before);
	pthread_barrier_wait(&after);
	return mine[0];
}

static void threads(unsigned count, void *how)
{
	pthread_t id;

	pthread_barrier_init(&before, NULL, count + 1);
	pthread_barrier_init(&after, NULL, count + 1);
	for (unsigned i = 0; i < count; i++)
		pthread_create(&id, NULL, thread, how);
	pthread_barrier_wait(&before);
	tell();
	pthread_barrier_wait(&after);
}

static void use_file(void)
{
	FILE *f = tmpfile();
	volatile char sum = 0;
	char *m;

	for (int i = 0; i < 30; i++)
		fwrite(data, 1, MB, f);
	fflush(f);
	m = map(30 * MB, MAP_PRIVATE, fileno(f));
	for (size_t i = 0; i < 30 * MB; i += 4096)
		sum += m[i];
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (!strcmp(how, "freed")) {
		make_holes(40, BLOCKS_MOST);
	} else if (!strcmp(how, "holes")) {
		make_holes(50, 16);
	} else if (!strcmp(how, "fragmented")) {
		make_holes(50, 4);
	} else if (!strcmp(how, "quick")) {
		for (size_t i = 0; i < BLOCKS_MOST; i++)
			keep(24, 24);
		for (size_t i = 0; i + 1 < block_count; i++)
			free(blocks[i]);
	} else if (!strcmp(how, "small")) {
		while (block_count < BLOCKS_MOST)
			keep(1, 1);
	} else if (!strcmp(how, "mapped")) {
		for (int i = 0; i < 5; i++)
			keep(10 * MB, 10 * MB);
	} else if (!strcmp(how, "unwritten")) {
		memset(blocks[block_count++] = calloc(1, 100 * MB), 1, MB);
		for (int i = 0; i < 300; i++)
			keep(100000, 4096);
	} else if (!strcmp(how, "own")) {
		memset(map(60 * MB, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, 60 * MB);
		keep(5 * MB, 5 * MB);
	} else if (!strcmp(how, "static")) {
		memset(data, 1, sizeof(data));
	} else if (!strcmp(how, "file")) {
		use_file();
	} else if (!strcmp(how, "shared")) {
		memset(map(30 * MB, MAP_SHARED | MAP_ANONYMOUS, -1), 1, 30 * MB);
	} else if (!strcmp(how, "threads")) {
		threads(200, NULL);
		return 0;
	} else if (!strcmp(how, "arenas")) {
		threads(8, data);
		return 0;
	} else if (!strcmp(how, "child")) {
		for (int i = 0; i < 20000; i++)
			keep(1000, 1000);
		if (fork()) {
			wait(NULL);
			return 0;
		}
	} else {
		return 77;
	}
	tell();
	return 0;
}
