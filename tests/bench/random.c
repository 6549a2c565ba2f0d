/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A random program that allocates, made of a seed and of parameters: tests/bench/search looks for those that cost most
 * to trace.
 *
 *	random [NAME=VALUE...]
 *	random --list		names, defaults, least and greatest values
 *
 * A step goes down some levels, at each into one of `functions` functions, and allocates a block at the innermost
 * level. Each function has a frame of its own size; those "with a frame pointer" choose theirs anew at each call, so
 * that equal return addresses can lie at different places. Which functions a step goes through is a hash of the stack's
 * number: one of `stacks` that come again, or one that never was. With `branches` it is a recursion instead: each call
 * allocates a block, and calls another function after the first with that probability.
 *
 * Prints seven numbers on one line:
 *
 *	NS FRAMES-8 NEW-8 FRAMES-128 NEW-128 BLOCKS ALL-BLOCKS
 *
 * NS: processor time (of all threads) for each block, with what is freed. FRAMES, NEW: how many frames the stack of a
 * block has on average, malloc()'s with them, up to 8 and up to 128, and how many of these were entered since the
 * thread's block before. BLOCKS: how many were allocated meanwhile. A tenth of the steps goes before, to warm up, and
 * is in ALL-BLOCKS, too.
 */
#include <alloca.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#define OUTER_FRAMES	5		/* about: run(), main() and those of libc that call it */
#define FUNCTIONS	64
#define LANES		4		/* threads at a time */
#define MAX_COROUTINES	64
#define STACK_BYTES	(512 << 10)	/* 100 levels with frames of 2,000 bytes fit twice */
#define MOST_IN_A_TREE	256		/* blocks, after which a recursion with `branches` goes no further */

/* name, default, least, greatest */
#define PARAMETERS(P)								\
	P(seed, 1, 1, 1000000)							\
	P(steps, 100000, 1, 100000000)	/* blocks, of all threads together */	\
	P(functions, 16, 1, FUNCTIONS)						\
	P(framed, 0, 0, 100)		/* percent that have frame pointers */	\
	P(frame, 300, 16, 2000)		/* bytes of the largest frame */	\
	P(levels, 20, 1, 100)							\
	P(spread, 0, 0, 99)		/* levels that a stack may have less */	\
	P(shared, 0, 0, 99)		/* outermost levels that all share */	\
	P(stacks, 256, 1, 200000)	/* those that come again */		\
	P(again, 100, 0, 100)		/* percent of steps that take these */	\
	P(cyclic, 0, 0, 1)		/* these in turn, not at random */	\
	P(branches, 0, 0, 90)		/* percent of calls with a second one */ \
	P(size, 256, 1, 512)		/* bytes of the largest block */	\
	P(live, 10000, 1, 100000)	/* blocks that are kept */		\
	P(freed, 100, 0, 100)		/* percent of them freed at last */	\
	P(coroutines, 0, 0, MAX_COROUTINES)					\
	P(yields, 0, 0, 100)		/* percent of blocks before another coroutine's turn */ \
	P(threads, 0, 0, 5000)		/* that share the steps, four at a time */

#define DECLARED(name, usual, least, most)	long name;
#define USUAL(name, usual, least, most)		.name = usual,
#define LISTED(name, usual, least, most)	{ #name, &chosen.name, usual, least, most },

static struct {
	PARAMETERS(DECLARED)
} chosen = { PARAMETERS(USUAL) };

static const struct {
	const char *name;
	long *value, usual, least, most;
} parameters[] = { PARAMETERS(LISTED) };
#define PARAMETER_COUNT	(sizeof(parameters) / sizeof(*parameters))

/* What allocates with a stack of its own: a coroutine, or the only one of its thread. */
struct walk {
	void **block;
	uint64_t random, stack;		/* the number of the step's stack, hashed */
	long done, steps, next_stack, never_seen;
	int start, join;		/* levels to go at the outermost one, and where the stacks part */
	int intact;			/* outermost levels that are as they were at the block before */
	int quota;
	long frames_8, new_8, frames_128, new_128;
	struct walk *turn;		/* the coroutine that is next, or NULL */
	ucontext_t context, *end;
};

typedef void call_fn(struct walk *w, int left, uint64_t node);
static call_fn *function[FUNCTIONS];

static uint64_t hash(uint64_t n)
{
	n = (n ^ n >> 31) * 0x7fb5d329728ea185u;
	n = (n ^ n >> 27) * 0x81dadef4bc2dd44du;
	return n ^ n >> 33;
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static bool happens(uint64_t random, long percent)
{
	return (long)(random >> 20) % 100 < percent;
}

static int at_most(int n, int most)
{
	return n < most ? n : most;
}

static void count_frames(struct walk *w, int left)
{
	int levels = w->start - left + 1;
	int entered = levels - w->intact + 1;		/* malloc() itself, too */

	w->frames_8 += at_most(levels + OUTER_FRAMES, 8);
	w->new_8 += at_most(entered, 8);
	w->frames_128 += at_most(levels + OUTER_FRAMES, 128);
	w->new_128 += at_most(entered, 128);
	w->intact = levels - 1;
	w->quota--;
	w->done++;
}

/* After the block. The next one's stack has nothing in common with this thread's last one. */
static __attribute__((noinline)) void yield(struct walk *w)
{
	swapcontext(&w->context, &w->turn->context);
	w->intact = 0;
}

/* In each function, so that malloc() is called from there. */
static inline __attribute__((always_inline)) void allocate(struct walk *w, int left)
{
	uint64_t random = next(&w->random);
	void **slot = &w->block[random % (uint64_t)chosen.live];

	count_frames(w, left);
	if (happens(random, chosen.freed))
		free(*slot);
	*slot = malloc(1 + (random >> 40) % (uint64_t)chosen.size);
	*(char *)*slot = 1;
	if (w->turn && happens(random >> 20, chosen.yields))
		yield(w);
}

/* What a node's call number n leads to: the choice of the function, and of all that it calls. */
static uint64_t child(const struct walk *w, int left, uint64_t node, unsigned n)
{
	return hash(node + n + 1 + (left == w->join ? w->stack : 0));
}

static void returned(struct walk *w, int left)
{
	w->intact = at_most(w->intact, w->start - left);
}

/* Whether a function calls another one after the first: w->quota bounds what a step does. */
static bool goes_on(const struct walk *w, uint64_t node)
{
	return w->quota > 0 && happens(node, chosen.branches);
}

/*
 * Two functions for each pair of octal digits: the frame of the first is of a fixed size, between 16 and 2,000
 * bytes, the second has a frame pointer.
 */
#define CALL(n)									\
	do {									\
		uint64_t to = child(w, left, node, n);				\
										\
		function[to % (uint64_t)chosen.functions](w, left - 1, to);	\
		returned(w, left);						\
	} while (0)
#define BODY()									\
	__asm__ volatile("" : : "r"(frame) : "memory");				\
	if (!left || chosen.branches)						\
		allocate(w, left);						\
	if (left) {								\
		CALL(0);							\
		if (goes_on(w, node))						\
			CALL(1);						\
	}									\
	/* no tail calls: each level is a frame */				\
	__asm__ volatile("" ::: "memory")
#define PLAIN_BYTES(a, b)	(16 + (8 * a + b) * 31)
#define DEFINE(a, b)								\
	__attribute__((noinline))					\
	static void plain_##a##b(struct walk *w, int left, uint64_t node)	\
	{									\
		char frame[PLAIN_BYTES(a, b)];					\
										\
		BODY();								\
	}									\
	__attribute__((noinline))					\
	static void framed_##a##b(struct walk *w, int left, uint64_t node)	\
	{									\
		char *frame = alloca(16 + (node >> 24) % (uint64_t)chosen.frame); \
										\
		BODY();								\
	}
#define EIGHT(M, a)	M(a, 0) M(a, 1) M(a, 2) M(a, 3) M(a, 4) M(a, 5) M(a, 6) M(a, 7)
#define ALL(M)	EIGHT(M, 0) EIGHT(M, 1) EIGHT(M, 2) EIGHT(M, 3) EIGHT(M, 4) EIGHT(M, 5) EIGHT(M, 6) EIGHT(M, 7)
#define POINTERS(a, b)	{ plain_##a##b, framed_##a##b },

ALL(DEFINE)
static call_fn *const defined[FUNCTIONS][2] = { ALL(POINTERS) };

/* Chooses the functions, of those whose frames are not too large: some twice, where these are few. */
static void choose_functions(void)
{
	uint64_t random = hash((uint64_t)chosen.seed) | 1;
	uint64_t fitting = 1 + (uint64_t)(chosen.frame - PLAIN_BYTES(0, 0)) / 31;

	for (int i = 0; i < FUNCTIONS; i++) {
		bool framed = happens(next(&random), chosen.framed);

		function[i] = defined[framed ? (uint64_t)i : next(&random) % (fitting < 64 ? fitting : 64)][framed];
	}
}

/* Steps until the walk has its blocks; the one place that calls the outermost functions. */
static __attribute__((noinline)) void run(struct walk *w)
{
	while (w->done < w->steps) {
		uint64_t node = hash((uint64_t)chosen.seed), random = next(&w->random);

		if (!happens(random, chosen.again))
			w->stack = hash((uint64_t)(++w->never_seen) ^ w->random);
		else if (chosen.cyclic)
			w->stack = hash((uint64_t)(w->next_stack++ % chosen.stacks));
		else
			w->stack = hash((random >> 32) % (uint64_t)chosen.stacks);
		w->start = (int)(chosen.levels - 1);
		if (w->start)
			w->start -= at_most((int)(w->stack % (uint64_t)(chosen.spread + 1)), w->start);
		w->join = w->start - at_most((int)chosen.shared, w->start);
		w->quota = MOST_IN_A_TREE;
		w->intact = 0;
		/* Where all levels are shared, the innermost functions are what differs. */
		if (!w->start)
			node += w->stack;
		function[node % (uint64_t)chosen.functions](w, w->start, node);
		__asm__ volatile("" ::: "memory");
	}
}

static void *thread(void *walk)
{
	run(walk);
	return NULL;
}

/* A coroutine that has done its share ends the thread's run: the others stay where they are. */
static void coroutine(unsigned high, unsigned low)
{
	struct walk *w = (struct walk *)((uintptr_t)high << 32 | low);

	run(w);
	setcontext(w->end);
}

static void run_coroutines(struct walk *walks)
{
	static char *stacks;
	ucontext_t end;

	if (!stacks)
		stacks = mmap(NULL, (size_t)chosen.coroutines * STACK_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stacks == MAP_FAILED)
		exit(1);
	for (long i = 0; i < chosen.coroutines; i++) {
		struct walk *w = &walks[i];

		getcontext(&w->context);
		w->context.uc_stack.ss_sp = stacks + i * STACK_BYTES;
		w->context.uc_stack.ss_size = STACK_BYTES;
		w->context.uc_link = NULL;
		w->turn = &walks[(i + 1) % chosen.coroutines];
		w->end = &end;
		makecontext(&w->context, (void (*)(void))coroutine, 2, (unsigned)((uintptr_t)w >> 32),
			    (unsigned)(uintptr_t)w);
	}
	swapcontext(&end, &walks[0].context);
}

/* So many steps more, shared by the walks or by threads. */
static void run_all(struct walk *walks, long steps, bool in_threads)
{
	pthread_t id[LANES];

	if (chosen.coroutines) {
		for (long i = 0; i < chosen.coroutines; i++)
			walks[i].steps = walks[i].done + (steps + chosen.coroutines - 1) / chosen.coroutines;
		run_coroutines(walks);
		return;
	}
	if (!in_threads) {
		walks[0].steps = walks[0].done + steps;
		run(&walks[0]);
		return;
	}
	/* A thread frees what the one before it in its lane has allocated. */
	for (long started = 0; started < chosen.threads; started += LANES) {
		int lanes = at_most((int)(chosen.threads - started), LANES);

		for (int i = 0; i < lanes; i++) {
			walks[i].steps = walks[i].done + (steps + chosen.threads - 1) / chosen.threads;
			if (pthread_create(&id[i], NULL, thread, &walks[i]))
				exit(1);
		}
		for (int i = 0; i < lanes; i++)
			pthread_join(id[i], NULL);
	}
}

static double cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int list(void)
{
	for (size_t i = 0; i < PARAMETER_COUNT; i++)
		printf("%s %ld %ld %ld\n", parameters[i].name, parameters[i].usual, parameters[i].least,
		       parameters[i].most);
	return 0;
}

static bool set(const char *word)
{
	const char *equals = strchr(word, '=');

	for (size_t i = 0; equals && i < PARAMETER_COUNT; i++) {
		size_t length = strlen(parameters[i].name);

		if (length != (size_t)(equals - word) || strncmp(word, parameters[i].name, length))
			continue;
		*parameters[i].value = atol(equals + 1);
		return *parameters[i].value >= parameters[i].least && *parameters[i].value <= parameters[i].most;
	}
	return false;
}

int main(int argc, char **argv)
{
	static struct walk walks[MAX_COROUTINES];
	struct walk sum = { 0 };
	double begin_ns, ns, blocks;
	long warm_up = 0;

	if (argc == 2 && !strcmp(argv[1], "--list"))
		return list();
	for (int i = 1; i < argc; i++) {
		if (!set(argv[i])) {
			fprintf(stderr, "random: not a parameter, or out of its range: %s\n", argv[i]);
			return 2;
		}
	}
	choose_functions();
	for (int i = 0; i < MAX_COROUTINES; i++) {
		walks[i].random = hash((uint64_t)(chosen.seed * MAX_COROUTINES + i)) | 1;
		if (i < LANES || i < chosen.coroutines)
			walks[i].block = calloc((size_t)chosen.live, sizeof(void *));
	}
	run_all(walks, chosen.steps / 10 + 1, false);
	for (int i = 0; i < MAX_COROUTINES; i++) {
		warm_up += walks[i].done;
		walks[i].done = walks[i].frames_8 = walks[i].new_8 = walks[i].frames_128 = walks[i].new_128 = 0;
	}
	begin_ns = cpu_ns();
	run_all(walks, chosen.steps, chosen.threads > 0);
	ns = cpu_ns() - begin_ns;
	for (int i = 0; i < MAX_COROUTINES; i++) {
		sum.done += walks[i].done;
		sum.frames_8 += walks[i].frames_8;
		sum.new_8 += walks[i].new_8;
		sum.frames_128 += walks[i].frames_128;
		sum.new_128 += walks[i].new_128;
	}
	blocks = (double)sum.done;
	printf("%.2f %.2f %.2f %.2f %.2f %ld %ld\n", ns / blocks, (double)sum.frames_8 / blocks,
	       (double)sum.new_8 / blocks, (double)sum.frames_128 / blocks, (double)sum.new_128 / blocks, sum.done,
	       sum.done + warm_up);
	return 0;
}
