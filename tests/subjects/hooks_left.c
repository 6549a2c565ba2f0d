/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks that are left in the middle. As a library (-DLIBRARY), preloaded after heaptrace's: an
 * allocator's malloc() that raises SIGHUP for blocks of 4242 bytes, calls the malloc() that the
 * program sees for blocks of 4243, and raises SIGUSR1 for blocks of 4244. As a program, hooks_left HOW:
 *
 *	jump		SIGHUP's handler leaves by siglongjmp()
 *	jump, dump	and SIGUSR1 comes before any other allocation
 *	stack		the same from an alternate stack of MINSIGSTKSZ
 *	return		the handler allocates and returns
 *	switch		the handler switches to another context, which allocates and switches back: so the hook
 *			goes on when the guard has been freed, again and again
 *	cancel		the thread is cancelled by the handler (asynchronously), many times
 *	exit		the thread ends in the handler
 *	nested		2000 times a hook inside a hook, which is none to be left: keep_nested(). Prints its
 *			memory, in KB, instead of "done", if that is more than 64 MB
 *	pending		SIGUSR1 to threads that are to be cancelled at their next cancellation point,
 *			which a dump, though it writes, is not
 *	ending		SIGUSR1 in the last destructor of a thread's data: what libc does next it
 *			does with the allocator's locks, so from there on a dump does not ask for them
 *	tiny		SIGUSR1 inside hooks, on an alternate stack of MINSIGSTKSZ
 *
 * Then 1000 bytes are kept by keep_after(), in the same thread but for the last two.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef LIBRARY

void *volatile inner;

void *malloc(size_t size)
{
	static void *(*next)(size_t);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "malloc");
	if (size == 4242)
		raise(SIGHUP);
	if (size == 4244)
		raise(SIGUSR1);
	if (size == 4243) {
		void *(*volatile outer)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "malloc");
		inner = outer(55);	/* kept: an allocator's own, which is in no dump */
	}
	return next(size);
}

#else

static void *volatile kept[200];
static sigjmp_buf back;
static ucontext_t scheduler, task;
static const char *how;

__attribute__((noinline)) void keep_after(int i)
{
	kept[i] = malloc(1000);
}

__attribute__((noinline)) void keep_nested(void)
{
	kept[197] = malloc(4243);
}

__attribute__((noinline)) void keep_handler(void)
{
	kept[199] = malloc(77);
}

static void on_hup(int sig)
{
	(void)sig;
	if (!strcmp(how, "return"))
		keep_handler();
	else if (!strcmp(how, "switch"))
		swapcontext(&task, &scheduler);
	else if (!strcmp(how, "cancel"))
		pthread_cancel(pthread_self());
	else if (!strcmp(how, "exit"))
		pthread_exit(NULL);
	else
		siglongjmp(back, 1);
}

static void *end_inside(void *unused)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	kept[198] = malloc(4242);
	return unused;
}

static void *end_later(void *after)
{
	pthread_cancel(pthread_self());
	raise(SIGUSR1);
	++*(int *)after;
	pthread_testcancel();
	*(int *)after = -1000;
	return NULL;
}

static void run_task(void)
{
	for (;;)
		free(malloc(4242));
}

static void raise_late(void *unused)
{
	(void)unused;
	raise(SIGUSR1);
}

static void *end_with_data(void *key)
{
	free(malloc(10));
	pthread_setspecific(*(pthread_key_t *)key, key);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_hup };
	pthread_t t;
	static char task_stack[1 << 16];
	stack_t stack = { .ss_size = (size_t)MINSIGSTKSZ };
	struct rusage usage;
	volatile int i;

	how = argc > 1 ? argv[1] : "";
	if (!strcmp(how, "stack") || !strcmp(how, "tiny")) {
		/* What lies below cannot be touched. */
		stack.ss_sp = (char *)mmap(NULL, 1 << 17, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
					   -1, 0) + (1 << 16);
		mprotect((char *)stack.ss_sp - (1 << 16), 1 << 16, PROT_NONE);
		if (stack.ss_size < getauxval(51) + 256)	/* AT_MINSIGSTKSZ, Linux 5.14 */
			stack.ss_size = getauxval(51) + 256;
		if (stack.ss_size < 2048)
			stack.ss_size = 2048;
		if (sigaltstack(&stack, NULL))
			return 3;
		act.sa_flags = SA_ONSTACK;
	}
	sigaction(SIGHUP, &act, NULL);
	if (!strcmp(how, "ending")) {
		pthread_key_t key;

		if (pthread_key_create(&key, raise_late) || pthread_create(&t, NULL, end_with_data, &key) ||
		    pthread_join(t, NULL))
			return 8;
		keep_after(0);
	} else if (!strcmp(how, "pending")) {
		int after = 0;

		for (i = 0; i < 20; i++)
			if (pthread_create(&t, NULL, end_later, &after) || pthread_join(t, NULL))
				return 4;
		if (after != 20)
			return 7;
		keep_after(0);
	} else if (!strcmp(how, "tiny")) {
		for (i = 0; i < 50; i++)
			free(malloc(4244));
		keep_after(0);
	} else if (!strcmp(how, "nested")) {
		for (i = 0; i < 2000; i++)
			keep_nested();
		keep_after(0);
	} else if (!strcmp(how, "return")) {
		kept[197] = malloc(4242);
		keep_after(0);
	} else if (!strcmp(how, "switch")) {
		getcontext(&task);
		task.uc_stack.ss_sp = task_stack;
		task.uc_stack.ss_size = sizeof(task_stack);
		makecontext(&task, run_task, 0);
		for (i = 0; i < 50; i++) {
			swapcontext(&scheduler, &task);
			free(kept[0]);
			keep_after(0);
		}
	} else if (!strcmp(how, "cancel") || !strcmp(how, "exit")) {
		for (i = 0; i < 50; i++) {
			if (pthread_create(&t, NULL, end_inside, NULL) || pthread_join(t, NULL))
				return 4;
			free(kept[0]);
			keep_after(0);
		}
	} else {
		for (i = 0; i < 50; i++) {
			if (!sigsetjmp(back, 1)) {
				kept[198] = malloc(4242);
				return 5;
			}
			if (strcmp(how, "jump, dump")) {
				free(kept[0]);
				keep_after(0);
			}
		}
	}
	if (!strcmp(how, "jump, dump")) {
		raise(SIGUSR1);
		if (write(1, "raised\n", 7) < 0)
			return 6;
		_exit(0);
	}
	getrusage(RUSAGE_SELF, &usage);
	if (usage.ru_maxrss > 65536)
		printf("%ld KB\n", usage.ru_maxrss);
	else
		puts("done");
	return 0;
}
#endif
