/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads modules in turn, each of which comes to lie where another one lay, allocates through
 * each and unloads it. Arguments: rounds, threads, and the modules (module_plugin.c).
 *
 * Prints "same N": how often a module lay where a different one had lain before; and for each
 * module "NUMBER COUNT": how many blocks it allocated that are still alive.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODULES_MAX	32
#define PLACES_MAX	4096

static int rounds, module_count;
static char **paths;
static unsigned kept[MODULES_MAX];
static unsigned same;

/* Which module lay last at an address; races of two threads lose a count only. */
static struct place {
	void *address;
	int module;
} places[PLACES_MAX];

static void note_place(void *address, int module)
{
	for (int i = 0; i < PLACES_MAX; i++) {
		if (!places[i].address)
			places[i] = (struct place){ address, module };
		if (places[i].address != address)
			continue;
		if (places[i].module != module)
			__atomic_fetch_add(&same, 1, __ATOMIC_RELAXED);
		places[i].module = module;
		return;
	}
}

__attribute__((noinline)) static void *callback(size_t size)
{
	void *p = malloc(size), *q = realloc(p, size * 2);

	return q;
}

static void use(int module, int keep)
{
	void *handle = dlopen(paths[module], RTLD_NOW | RTLD_LOCAL), *p;
	void *(*enter)(size_t, void *(*)(size_t));

	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	*(void **)&enter = dlsym(handle, "enter");
	note_place((void *)((uintptr_t)*(void **)&enter & ~(uintptr_t)4095), module);
	p = enter((size_t)(100 + module), callback);
	if (keep) {
		__atomic_fetch_add(&kept[module], 1, __ATOMIC_RELAXED);
		p = NULL;
	}
	free(p);
	dlclose(handle);
}

static void *work(void *arg)
{
	unsigned random = (unsigned)(uintptr_t)arg * 7919u + 1;

	for (int i = 0; i < rounds; i++) {
		random = random * 1103515245u + 12345u;
		use(arg ? (int)(random >> 16) % module_count : i % module_count, i % 3 == 0);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	int count;

	if (argc < 4)
		return 2;
	rounds = atoi(argv[1]);
	count = atoi(argv[2]);
	paths = argv + 3;
	module_count = argc - 3;
	if (count == 1) {
		work(NULL);
	} else {
		for (int i = 0; i < count; i++)
			if (pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(i + 1)))
				return 3;
		for (int i = 0; i < count; i++)
			pthread_join(threads[i], NULL);
	}
	printf("same %u\n", same);
	for (int i = 0; i < module_count; i++)
		printf("%d %u\n", i, kept[i]);
	return 0;
}
