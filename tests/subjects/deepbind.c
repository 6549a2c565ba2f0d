/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * deepbind HOW FILE...: each FILE is opened with RTLD_DEEPBIND, and frees a block of this program by its
 * free_block(), if it has one. Prints which could be opened.
 *
 *	deep		no more than that
 *	closed		and is closed again
 *	plain		without RTLD_DEEPBIND
 *	noload		with RTLD_NOLOAD, too, after it has been opened without either
 *	again		after it has been opened without that flag, which so does nothing
 *	null		NULL instead of a file
 *	base, new	by dlmopen(): in the base namespace, in a new one
 *	error		and dlerror() is printed, from its first colon on
 *
 * With -DLIBRARY a library; with -DOPENS="NAME" one that has open_other(), which opens NAME itself:
 * by its own RUNPATH, which libc finds by the address that dlopen() returns to.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef LIBRARY

void free_block(void *p);
void free_block(void *p)
{
	free(p);
}

#elif defined(OPENS)

void *open_other(void);
void *open_other(void)
{
	return dlopen(OPENS, RTLD_NOW | RTLD_DEEPBIND);
}

void *open_other_base(void);
void *open_other_base(void)
{
	return dlmopen(LM_ID_BASE, OPENS, RTLD_NOW | RTLD_DEEPBIND);
}

#else

static void *volatile kept;

__attribute__((noinline)) void *make_block(void)
{
	return malloc(777);
}

static void *open_file(const char *how, const char *file)
{
	int flags = RTLD_NOW | RTLD_DEEPBIND;

	if (!strcmp(how, "plain"))
		flags = RTLD_NOW;
	if (!strcmp(how, "base") || !strcmp(how, "new"))
		return dlmopen(*how == 'b' ? LM_ID_BASE : LM_ID_NEWLM, file, flags);
	if (!strcmp(how, "noload") || !strcmp(how, "again"))
		dlopen(file, RTLD_NOW);
	if (!strcmp(how, "noload"))
		flags |= RTLD_NOLOAD;
	return dlopen(strcmp(how, "null") ? file : NULL, flags);
}

static int use(const char *how, const char *file)
{
	void *library = open_file(how, file);
	const char *error = library ? NULL : dlerror();
	void *(*other)(void) = library ? (void *(*)(void))dlsym(library, "open_other") : NULL;
	void *(*other_base)(void) = library ? (void *(*)(void))dlsym(library, "open_other_base") : NULL;
	void (*drop)(void *);

	printf("%s: %s\n", strrchr(file, '/') ? strrchr(file, '/') + 1 : file, library ? "opened" : "failed");
	if (error && !strcmp(how, "error"))
		puts(strchr(error, ':') ? strchr(error, ':') : error);
	if (other)
		printf("the other: %d %d\n", other() != NULL, other_base() != NULL);
	drop = library ? (void (*)(void *))dlsym(library, "free_block") : NULL;
	if (drop)
		drop(make_block());
	return library && !strcmp(how, "closed") ? dlclose(library) : 0;
}

int main(int argc, char **argv)
{
	kept = malloc(1000);
	for (int i = 2; i < argc; i++) {
		if (use(argv[1], argv[i]))
			return 1;
	}
	return 0;
}
#endif
