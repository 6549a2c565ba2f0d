/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stacks for tests/recall.t that lead a memory of stacks astray if it takes for granted what need not be so:
 *
 *	remapped	a coroutine's stack is unmapped and mapped again, smaller, while nothing is allocated
 *	near		the same on a thread whose own stack lies just above that stack
 *	probes		a call site with very large frames, and then a call near the upper end of the thread's stack
 *	over		a large frame whose bytes are those of many frames that were there before; other outer frames
 *	null		a null return address
 */
#include <alloca.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define NOINLINE	__attribute__((noinline))
#define PAGE		4096
#define STACK		(16 * PAGE)

static void *volatile block;
static volatile long after;	/* what is done after a call, so that it is no jump */

static NOINLINE void allocate(int count)
{
	while (count-- > 0) {
		block = malloc(8);
		free(block);
	}
	after++;
}

/* Defines a function that calls itself n times, in frames of so many bytes each, and allocates then. */
#define DEFINE_RECURSION(name, bytes, count)	\
static NOINLINE void name(int n)		\
{						\
	volatile char frame[bytes];		\
						\
	frame[0] = 0;				\
	if (n > 0)				\
		name(n - 1);			\
	else					\
		allocate(count);		\
	after += frame[0];			\
}

DEFINE_RECURSION(descend, 6000, 20)
DEFINE_RECURSION(large, 60000, 1)

static char *memory;		/* of the coroutine's stack */
static ucontext_t resumer, coroutine;
static int levels;

static void begin(void)
{
	descend(levels);
	allocate(20);
}

static void run_coroutine(size_t bytes, int deep)
{
	mmap(memory, STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap(memory, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	levels = deep;
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = memory;
	coroutine.uc_stack.ss_size = bytes;
	coroutine.uc_link = &resumer;
	makecontext(&coroutine, begin, 0);
	swapcontext(&resumer, &coroutine);
}

static void *remap(void *unused)
{
	run_coroutine(STACK, 8);
	run_coroutine(7 * PAGE, 0);
	return unused;
}

/* Calls `function` in a thread on a stack of so many bytes, with a page that cannot be read before and behind. */
static void in_thread(void *(*function)(void *), size_t bytes)
{
	char *all = mmap(NULL, STACK + bytes + 17 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attributes;
	pthread_t thread;

	memory = all;
	mprotect(all + STACK + PAGE, bytes, PROT_READ | PROT_WRITE);
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, all + STACK + PAGE, bytes);
	pthread_create(&thread, &attributes, function, NULL);
	pthread_join(thread, NULL);
}

static NOINLINE void one(unsigned way, int n);
static NOINLINE void other(unsigned way, int n);

/* Calls n more functions, of which the bits of `way` say which ones, and allocates in the last. */
static inline __attribute__((always_inline)) void go_on(unsigned way, int n)
{
	if (!n)
		allocate(1);
	else if (way % 2)
		one(way / 2, n - 1);
	else
		other(way / 2, n - 1);
}

static NOINLINE void other(unsigned way, int n)
{
	volatile char frame[72];

	frame[0] = 0;
	go_on(way, n);
	after += frame[0];
}

static NOINLINE void one(unsigned way, int n)
{
	go_on(way, n);
	after++;
}

static void *probe(void *unused)
{
	for (unsigned i = 0; i < 100; i++) {
		for (unsigned way = 0; way < 40; way++)
			other(i * 40 + way, 11);
		large(2);
		allocate(1);
	}
	return unused;
}

static NOINLINE void small(int n)
{
	if (n > 0)
		small(n - 1);
	else
		allocate(1);
	after++;
}

static NOINLINE void over(void)
{
	volatile char *frame = alloca(400);

	after += frame != NULL;
	allocate(1);
	after++;
}

static NOINLINE void recur(int n, int inner)
{
	if (n > 0)
		recur(n - 1, inner);
	else if (inner > 0)
		small(inner);
	else
		over();
	after++;
}

static NOINLINE void outer_a(int n, int inner)
{
	recur(n, inner);
	after++;
}

static NOINLINE void outer_b(int n, int inner)
{
	recur(n, inner);
	after += 2;
}

static void lie_over(void)
{
	for (int n = 1; n < 40; n++) {
		for (int inner = 1; inner < 40; inner++) {
			outer_a(n, inner);
			outer_a(n, 0);
			outer_a(n, inner);
			outer_b(n, 0);
			outer_b(n, inner);
			outer_a(n, 0);
		}
	}
}

/* Calls function(n); a walk finds a null return address in this function's frame. */
void call_with_null(void (*function)(int), int n);
__asm__(".text\n.type call_with_null, @function\n.globl call_with_null\ncall_with_null:\n"
	".cfi_startproc\npush %rbx\n.cfi_def_cfa_offset 16\nsub $16, %rsp\n.cfi_def_cfa_offset 32\n"
	"movq $0, 8(%rsp)\nmov %rdi, %rax\nmov %esi, %edi\n.cfi_def_cfa_offset 16\ncall *%rax\n"
	".cfi_def_cfa_offset 32\nadd $16, %rsp\n.cfi_def_cfa_offset 16\npop %rbx\n.cfi_def_cfa_offset 8\nret\n"
	".cfi_endproc\n.size call_with_null, .-call_with_null\n");

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "remapped")) {
		memory = mmap(NULL, STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		remap(NULL);
	} else if (!strcmp(what, "near")) {
		in_thread(remap, STACK);
	} else if (!strcmp(what, "probes")) {
		in_thread(probe, 64 * STACK);
	} else if (!strcmp(what, "over")) {
		lie_over();
	} else if (!strcmp(what, "null")) {
		for (int i = 0; i < 2000; i++)
			call_with_null(small, i % 40);
	} else {
		return 2;
	}
	return 0;
}
