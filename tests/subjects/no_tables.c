/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocations below code that has no unwind information. Built with -DCODE it is that code: calls
 * through it, recursion, callbacks; with -fno-asynchronous-unwind-tables and whatever else. Built without,
 * it is the program, which has information: no_tables HOW. Each leaves 100 blocks or a multiple of that,
 * allocated by keep().
 *
 *	straight	main, straight, pass, called, keep: pass() is in CODE
 *	two_callers	the same from two functions, in turn, with their frames at the same place
 *	recursion	down(5) is in CODE
 *	callback	compare() is in CODE, called by libc's qsort(), 3 times for each block
 *	library		all of straight, where CODE is a library
 *	framed		assembly with a frame record, called directly, and through a pointer
 *	frameless	assembly without one
 *	neighbour	assembly without one, behind a function that has one, and is on the stack
 *	misled		assembly that has one, but calls with a frame pointer that leads to another's, to
 *			no record at all, or nowhere
 *	thread		straight, in a thread
 *	varied		256 stacks of 12 functions in CODE each, twice in each round
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP __attribute__((noinline, noclone))

void pass(void (*call)(void));
int down(int n);
int left_or_right(unsigned path, int n);
int compare(const void *a, const void *b);
void keep(void);

#ifdef CODE

static volatile int entered;

KEEP void pass(void (*call)(void))
{
	entered++;
	call();
	entered--;
}

KEEP int down(int n)
{
	volatile char fill[60];

	fill[n] = (char)n;
	if (n == 77)		/* a second way out, before the call */
		return 1;
	if (!n) {
		keep();
		return fill[0];
	}
	return down(n - 1) + fill[n];
}

KEEP int left_or_right(unsigned path, int n)
{
	entered++;
	if (!n)
		keep();
	else if (path & 1)
		left_or_right(path >> 1, n - 1);
	else
		left_or_right(path >> 1, n - 1);
	return entered--;
}

KEEP int compare(const void *a, const void *b)
{
	entered++;
	keep();
	return *(const int *)a - *(const int *)b;
}

#else

static void *volatile kept;

KEEP void keep(void)
{
	kept = malloc(10);
}

KEEP static void called(void)
{
	keep();
	__asm__ volatile("");
}

KEEP static void straight(void)
{
	pass(called);
	__asm__ volatile("");
}

KEEP static void crooked(void)
{
	pass(called);
	__asm__ volatile("");
}

KEEP static void sort(void)
{
	int numbers[] = { 3, 1, 2 };

	qsort(numbers, 3, sizeof(numbers[0]), compare);
}

static void *in_thread(void *unused)
{
	straight();
	return unused;
}

#ifdef __x86_64__
void framed(void (*call)(void)), frameless(void (*call)(void)), misled(void (*call)(void), uintptr_t frame);
void has_frame(void (*call)(void)), behind(void (*call)(void));

__asm__(".text\n"
	".globl framed\n.type framed, @function\nframed:\n"
	"	push %rbp\n	mov %rsp, %rbp\n	sub $32, %rsp\n"
	"	call *%rdi\n"
	"	leave\n	ret\n.size framed, . - framed\n"
	".p2align 4\n"
	".globl frameless\n.type frameless, @function\nframeless:\n"
	"	sub $8, %rsp\n"
	"	call *%rdi\n"
	"	add $8, %rsp\n	ret\n.size frameless, . - frameless\n"
	".p2align 4\n"
	".globl misled\n.type misled, @function\nmisled:\n"
	"	push %rbp\n	mov %rsp, %rbp\n	sub $16, %rsp\n	mov %rbp, (%rsp)\n"
	"	test %rsi, %rsi\n	cmovne %rsi, %rbp\n"
	"	call *%rdi\n"
	"	mov (%rsp), %rbp\n	leave\n	ret\n.size misled, . - misled\n"
	".p2align 4\n"
	".globl has_frame\n.type has_frame, @function\nhas_frame:\n"
	"	push %rbp\n	mov %rsp, %rbp\n"
	"	call behind\n"
	"	pop %rbp\n	ret\n.size has_frame, . - has_frame\n"
	".globl behind\n.type behind, @function\nbehind:\n"
	"	sub $8, %rsp\n"
	"	call *%rdi\n"
	"	add $8, %rsp\n	ret\n.size behind, . - behind\n");

KEEP static void in_assembly(void (*function)(void (*call)(void)), int direct)
{
	if (direct)
		framed(called);
	else
		function(called);
	__asm__ volatile("");
}

KEEP static void mislead(int how)
{
	static uintptr_t nothing[2];
	/* Something that looks like a record, of a function that has called this one. */
	volatile uintptr_t record[2] = { 0, (uintptr_t)__builtin_return_address(0) };

	misled(called, how == 0 ? 0 : how == 1 ? (uintptr_t)record : how == 2 ? (uintptr_t)__builtin_frame_address(0) :
	       how == 3 ? (uintptr_t)nothing : 3);
}
#endif

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	pthread_t t;

	for (int i = 0; i < 100; i++) {
		if (!strcmp(how, "straight")) {
			straight();
		} else if (!strcmp(how, "two_callers")) {
			straight();
			crooked();
		} else if (!strcmp(how, "recursion")) {
			down(5);
		} else if (!strcmp(how, "callback")) {
			sort();
		} else if (!strcmp(how, "thread")) {
			if (pthread_create(&t, NULL, in_thread, NULL) || pthread_join(t, NULL))
				return 1;
		} else if (!strcmp(how, "varied")) {
			for (unsigned k = 0; k < 512; k++)
				left_or_right(k, 11);
#ifdef __x86_64__
		} else if (!strcmp(how, "framed")) {
			in_assembly(framed, 1);
			in_assembly(framed, 0);
		} else if (!strcmp(how, "frameless")) {
			in_assembly(frameless, 0);
		} else if (!strcmp(how, "neighbour")) {
			in_assembly(has_frame, 0);
		} else if (!strcmp(how, "misled")) {
			for (int k = 0; k < 5; k++)
				mislead(k);
#endif
		} else {
			return 2;
		}
	}
	puts("done");
	return 0;
}
#endif
