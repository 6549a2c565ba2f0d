/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stacks of every shape, each with an allocation at its inner end: alloca and variable
 * arrays, realigned frames, frames of megabytes, signal handlers on the thread's and on an
 * alternate stack, callbacks from libc, coroutines, many threads, tail calls, recursion, mazes.
 * For --unwind=check: the figures do not matter, every stack is taken both ways.
 *
 *	unwind_shapes [THREADS]
 */
#include <alloca.h>
#include <pthread.h>
#include <search.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define KEEP __attribute__((noinline, noclone))

static void *volatile sink;
static volatile int one = 1;

KEEP static void allocate(void)
{
	void *p = malloc(24), *q;

	sink = p;
	p = realloc(p, 100);
	q = calloc(1, 10);
	sink = q;
	free(q);
	free(p);
}

KEEP static int with_alloca(int n)
{
	char *p = alloca((size_t)n * 16 + 1);

	memset(p, n, (size_t)n);
	sink = p;
	allocate();
	return p[0];
}

KEEP static int with_array(int n)
{
	int a[n + 1];

	a[n] = n;
	sink = a;
	allocate();
	return n > 0 ? with_array(n - 1) + a[n] : 0;
}

/* The alignment makes the compiler realign the frame; with alloca, by way of a saved CFA. */
KEEP static int realigned(int n)
{
	int v __attribute__((aligned(64))) = n;

	sink = &v;
	allocate();
	return n > 0 ? realigned(n - 1) + v : v;
}

KEEP static int realigned_alloca(int n)
{
	int v __attribute__((aligned(128))) = n;
	char *p = alloca((size_t)n + 40);

	p[n] = 1;
	sink = &v;
	sink = p;
	allocate();
	return n > 0 ? realigned_alloca(n - 1) + v : v;
}

KEEP static int many_arguments(int a, int b, int c, int d, int e, int f, int g, int h, int i)
{
	int v __attribute__((aligned(32))) = a + b + c + d + e + f + g + h + i;

	sink = &v;
	allocate();
	return v;
}

KEEP static int huge_frame(int n)
{
	char big[3 << 20];

	big[n] = (char)n;
	big[sizeof(big) - 1 - (size_t)n] = 1;
	sink = big;
	allocate();
	return n > 0 ? huge_frame(n - 1) + big[n] : 0;
}

KEEP static int tail(int n)
{
	allocate();
	return n > 0 ? tail(n - 1) : 0;
}

/* A call that is the last instruction of its function: what it returns to is another one. */
static _Thread_local jmp_buf out;
KEEP __attribute__((noreturn)) static void never_returns(void)
{
	allocate();
	longjmp(out, 1);
}

KEEP __attribute__((noreturn)) static void ends_in_call(int n)
{
	char a[n + 30];

	a[n] = 1;
	sink = a;
	never_returns();
}

KEEP static void calls_that_end(void)
{
	for (volatile int i = 0; i < 20; i++)
		if (!setjmp(out))
			ends_in_call(i);
}

KEEP static int deep(int n)
{
	if (n % 37 == 0)
		allocate();
	return n > 0 ? deep(n - 1) + one : 0;
}

/* Asked for on the way back more often than before: then the outer frames come after fewer others. Some are
 * others each time, so that stacks are alike as far as one of these and no further. */
KEEP static int climb(unsigned n, unsigned time)
{
	int done;

	if (n % 9 == 0)
		allocate();
	if (!n)
		return one;
	if ((n % 11 ? n * 7 : time >> n / 11 % 8) & 1) {
		__asm__ volatile("/* left, as in maze() */");
		done = climb(n - 1, time) + one;
	} else {
		done = climb(n - 1, time) - one;
	}
	allocate();
	return done;
}

/* The same frames at the same places, each called from one of two sites: of a stack that was like this one, one
 * word is another, anywhere. */
KEEP static int maze(unsigned n, unsigned way)
{
	if ((way ^ n) % 4 == 0)
		allocate();
	if (!n)
		return one;
	if (way & 1) {
		__asm__ volatile("/* left: the compiler is not to make the two calls one */");
		return maze(n - 1, way >> 1) + one;
	}
	__asm__ volatile("/* right */");
	return maze(n - 1, way >> 1) ^ one;
}

static void mazes(unsigned times)
{
	unsigned random = 1;

	while (times--) {
		random = random * 1664525 + 1013904223;
		maze(5 + (random >> 27), random >> 7);
	}
}

static int compare(const void *a, const void *b)
{
	allocate();
	return *(const int *)a - *(const int *)b;
}

KEEP static void callbacks(void)
{
	int v[40];
	void *root = NULL;

	for (int i = 0; i < 40; i++)
		v[i] = i * 7919 % 41;
	qsort(v, 40, sizeof(*v), compare);
	sink = bsearch(&v[3], v, 40, sizeof(*v), compare);
	for (int i = 0; i < 40; i++)
		tsearch(&v[i], &root, compare);
}

/* The handler allocates, at whatever place the signal hit: outside of malloc here, because
 * the interrupted code only computes (or raises it itself). */
static volatile sig_atomic_t hits;
static void on_signal(int sig)
{
	(void)sig;
	hits++;
	with_alloca(5);
	realigned(2);
}

KEEP static long spin(long n)
{
	long s = 0;

	for (long i = 0; i < n; i++) {
		s += i ^ (s >> 3);
		__asm__ volatile("" : "+r"(s));
	}
	return s;
}

KEEP static int spin_realigned(int n)
{
	int v __attribute__((aligned(64))) = n;

	sink = &v;
	return (int)spin(20000) + v;
}

static void signals(int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags | SA_RESTART };
	static _Thread_local char alternate[65536] __attribute__((aligned(16)));
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	timer_t timer;
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF };
	struct itimerspec soon = { { 0, 0 }, { 0, 30000 } };	/* once: it never outruns us */

	sigaltstack(&stack, NULL);
	sigaction(SIGPROF, &sa, NULL);
	raise(SIGPROF);
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer))
		return;
	for (int i = 0; i < 100; i++) {
		timer_settime(timer, 0, &soon, NULL);
		spin(20000);
		spin_realigned(i);
	}
	timer_delete(timer);
}

static ucontext_t from, to;
static void coroutine(void)
{
	for (int i = 0; i < 10; i++) {
		with_alloca(i);
		realigned(i);
		swapcontext(&to, &from);
	}
}

KEEP static void coroutines(int on_heap)
{
	size_t size = 128 << 10;
	char *stack = on_heap ? malloc(size) :
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	getcontext(&to);
	to.uc_stack.ss_sp = stack;
	to.uc_stack.ss_size = size;
	to.uc_link = NULL;
	makecontext(&to, coroutine, 0);
	for (int i = 0; i < 10; i++)
		swapcontext(&from, &to);
	on_heap ? free(stack) : munmap(stack, size);
}

static void all(int small)
{
	with_alloca(30);
	with_array(10);
	realigned(10);
	realigned_alloca(10);
	many_arguments(1, 2, 3, 4, 5, 6, 7, 8, 9);
	if (!small)
		huge_frame(1);
	tail(5);
	calls_that_end();
	deep(small ? 40 : 400);
	for (unsigned i = 0; i < (small ? 2 : 16); i++)
		climb(small ? 30 : 300, i * 37);
	callbacks();
	mazes(small ? 20 : 2000);
}

static void *thread(void *arg)
{
	all(1);
	return arg;
}

#define THREADS_MAX	160

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : THREADS_MAX;
	pthread_t t[THREADS_MAX];
	pthread_attr_t attr;

	if (threads < 0 || threads > THREADS_MAX)
		return 2;
	all(0);
	signals(0);
	signals(SA_ONSTACK);
	coroutines(0);
	coroutines(1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&t[i], &attr, thread, NULL))
			return 1;
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	all(0);
	printf("done %d\n", hits > 2);
	return 0;
}
