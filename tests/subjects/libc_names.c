/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A malloc() that calls __libc_malloc(), as a library that is preloaded, or as a part of a program.
 *
 *	-DNEXT		libc's functions are asked of dlsym(RTLD_NEXT), as somebody does who wants libc's own
 *	-DHEADER	each block has 32 bytes in front, so that the program's block is not the one that __libc_malloc() returns
 *	-DOWN		the functions with the prefix are defined here, too, and call the next library's malloc()
 *	-DMAIN		the program: allocates 10 blocks of 100 bytes in keep(), and frees 5 of them
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef HEADER
#define FRONT	32u
#else
#define FRONT	0u
#endif

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

#ifdef NEXT
#define ASK(type, name)	((type)dlsym(RTLD_NEXT, #name))
#define __libc_malloc(size)		ASK(void *(*)(size_t), __libc_malloc)(size)
#define __libc_calloc(count, size)	ASK(void *(*)(size_t, size_t), __libc_calloc)(count, size)
#define __libc_realloc(p, size)		ASK(void *(*)(void *, size_t), __libc_realloc)(p, size)
#define __libc_memalign(a, size)	ASK(void *(*)(size_t, size_t), __libc_memalign)(a, size)
#define __libc_free(p)			ASK(void (*)(void *), __libc_free)(p)
#endif

#ifdef OWN
unsigned own_calls;
static void *next(const char *name) { own_calls++; return dlsym(RTLD_NEXT, name); }
void *__libc_malloc(size_t size) { return ((void *(*)(size_t))next("malloc"))(size); }
void *__libc_calloc(size_t count, size_t size) { return ((void *(*)(size_t, size_t))next("calloc"))(count, size); }
void *__libc_realloc(void *p, size_t size) { return ((void *(*)(void *, size_t))next("realloc"))(p, size); }
void *__libc_memalign(size_t a, size_t size) { return ((void *(*)(size_t, size_t))next("memalign"))(a, size); }
void __libc_free(void *p) { ((void (*)(void *))next("free"))(p); }
#endif

static void *behind(char *p)
{
	return p && FRONT ? memset(p, 0x5a, FRONT) + FRONT : p;
}

static void *front(void *p)
{
	for (unsigned i = 0; p && i < FRONT; i++) {
		if (((char *)p)[(int)i - (int)FRONT] != 0x5a)
			abort();
	}
	return p ? (char *)p - FRONT : NULL;
}

static size_t more(size_t size)
{
	return size > SIZE_MAX - FRONT ? SIZE_MAX : size + FRONT;
}

void *malloc(size_t size)
{
	return behind(__libc_malloc(more(size)));
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;

	if (!FRONT)
		return __libc_calloc(count, size);
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return behind(__libc_calloc(1, more(bytes)));
}

void free(void *p)
{
	__libc_free(front(p));
}

void *realloc(void *p, size_t size)
{
	if (FRONT && p && !size) {
		free(p);
		return NULL;
	}
	return behind(__libc_realloc(front(p), more(size)));
}

/* What aligns blocks must not have fewer bytes in front than the alignment, so these blocks have none; they are freed only
 * in libraries without FRONT. */
void *memalign(size_t alignment, size_t size) { return __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return __libc_memalign(alignment, size); }

#ifdef MAIN
static void *volatile keep_it;
__attribute__((noinline)) static void *keep(void)
{
	return keep_it = malloc(100);
}

int main(void)
{
	for (int i = 0; i < 10; i++) {
		void *p = keep();

		if (i % 2)
			free(p);
	}
#ifdef OWN
	return own_calls < 15;
#else
	return 0;
#endif
}
#endif
