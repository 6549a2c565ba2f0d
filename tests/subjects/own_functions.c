/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program with allocation functions of its own that look the real ones up when they are first called,
 * with LOOK_UP(name). OWN_FREE, OWN_MALLOC, OWN_CALLOC, OWN_REALLOC: which ones it has. Prints what
 * dlerror() says, which is about the program's own calls only, and "done".
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef BY_VERSION
#define LOOK_UP(name)	dlvsym(RTLD_NEXT, name, "GLIBC_2.2.5")
#else
#define LOOK_UP(name)	dlsym(RTLD_NEXT, name)
#endif

/* As such wrappers do it: a function that is called again while it looks the real one up never ends. */
#define REAL(type, name, parameters)				\
	static type (*real) parameters;				\
								\
	if (!real)						\
		*(void **)&real = LOOK_UP(#name)

#ifdef OWN_FREE
void free(void *p)
{
	REAL(void, free, (void *));
	real(p);
}
#endif
#ifdef OWN_MALLOC
void *malloc(size_t size)
{
	REAL(void *, malloc, (size_t));
	return real(size);
}
#endif
#ifdef OWN_CALLOC
void *calloc(size_t count, size_t size)
{
	REAL(void *, calloc, (size_t, size_t));
	return real(count, size);
}
#endif
#ifdef OWN_REALLOC
void *realloc(void *p, size_t size)
{
	REAL(void *, realloc, (void *, size_t));
	return real(p, size);
}
#endif

static void *volatile kept[8];

static void *work(void *unused)
{
	kept[3] = malloc(100);
	free(kept[3]);
	return unused;
}

int main(void)
{
	const char *error = dlerror();
	pthread_t t;

	printf("at first: %s\n", error ? error : "nothing");
	kept[0] = malloc(10);
	kept[1] = calloc(2, 10);
	kept[2] = realloc(malloc(5), 5000);
	for (int i = 0; i < 3; i++)
		free(kept[i]);
	if (pthread_create(&t, NULL, work, NULL) || pthread_join(t, NULL))
		return 2;
	error = dlerror();
	printf("then: %s\n", error ? error : "nothing");
	dlsym(RTLD_DEFAULT, "no_such_function");
	free(malloc(20));
	error = dlerror();
	printf("own: %s\n", error && strstr(error, "no_such_function") ? "no_such_function" : error ? error : "nothing");
	fputs("done\n", stdout);
	return 0;
}
