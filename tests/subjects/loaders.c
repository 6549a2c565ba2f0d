/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loaders HOW [LIBRARY]: 1000 bytes are kept by keep_main(), 100 by the library's keep_plug().
 *
 *	loop		opens and closes the library 200 times; what it allocated is freed then
 *	deepbind	opened with RTLD_DEEPBIND
 *	local		with RTLD_LOCAL
 *	dlmopen		in a namespace of its own, with a libc of its own; with another argument it is
 *			closed again
 *	none, usr1	no library; SIGUSR1 to itself
 *
 * Where malloc is, is the same however it is asked: 7 if not. With -fno-pie that is in the program's
 * own PLT. With -DALLOCATOR the program has a malloc of its own, which calls prctl() at its start.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#ifdef LIBRARY

static void *volatile kept;

void *keep_plug(void);
__attribute__((noinline)) void *keep_plug(void)
{
	kept = malloc(100);
	memset(kept, 1, 100);
	return kept;
}

void free_plug(void *p);
void free_plug(void *p)
{
	free(p);
}

#else

#ifdef ALLOCATOR
static char pool[1 << 20] __attribute__((aligned(16)));
static size_t used;

/* As chromium's: it is asked for memory in the middle of its own start only by mistake. */
static void begin(void)
{
	static int state;
	char name[16];

	if (state == 1)
		abort();
	if (state == 2)
		return;
	state = 1;
	prctl(PR_GET_NAME, name);
	state = 2;
}

void *malloc(size_t size)
{
	size_t at = __atomic_fetch_add(&used, (size + 31) & ~(size_t)15, __ATOMIC_RELAXED);

	begin();
	if (at + size > sizeof(pool) - 16)
		return NULL;
	*(size_t *)(pool + at) = size;
	return pool + at + 16;
}

void free(void *p)
{
	(void)p;
}

void *calloc(size_t n, size_t size)
{
	return malloc(n * size);
}

void *realloc(void *old, size_t size)
{
	void *p = malloc(size);

	if (old && p) {
		size_t had = *(size_t *)((char *)old - 16);

		memcpy(p, old, had < size ? had : size);
	}
	return p;
}
#endif

static void *volatile kept;

__attribute__((noinline)) void keep_main(void)
{
	kept = malloc(1000);
}

static int use(void *library, int give_back)
{
	void *(*keep)(void) = library ? (void *(*)(void))dlsym(library, "keep_plug") : NULL;
	void (*drop)(void *) = library ? (void (*)(void *))dlsym(library, "free_plug") : NULL;
	void *p;

	if (!keep || !drop)
		return 1;
	p = keep();
	if (give_back)
		drop(p);
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	void *library;

	keep_main();
	if ((void *)malloc != dlsym(RTLD_DEFAULT, "malloc"))
		return 7;
	if (!strcmp(how, "loop")) {
		for (int i = 0; i < 200; i++) {
			library = dlopen(argv[2], RTLD_NOW);
			if (use(library, 1) || dlclose(library))
				return 3;
		}
	} else if (!strcmp(how, "deepbind")) {
		if (use(dlopen(argv[2], RTLD_NOW | RTLD_DEEPBIND), 0))
			return 4;
	} else if (!strcmp(how, "local")) {
		if (use(dlopen(argv[2], RTLD_NOW | RTLD_LOCAL), 0))
			return 5;
	} else if (!strcmp(how, "dlmopen")) {
		library = dlmopen(LM_ID_NEWLM, argv[2], RTLD_NOW);
		if (!library)
			return 77;
		if (use(library, 0))
			return 6;
		if (argc > 3 && dlclose(library))
			return 7;
	} else if (!strcmp(how, "usr1") && getenv("LD_PRELOAD")) {
		raise(SIGUSR1);
	}
	puts("done");
	return 0;
}
#endif
