/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kind of program a file is, as execve() sees it: the wrapper asks before it runs
 * something that cannot be traced. No malloc, no stdio.
 */
#ifndef BASE_IMAGE_H
#define BASE_IMAGE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum image_kind {
	IMAGE_UNKNOWN,	/* cannot be read, binary, or a damaged ELF file: the kernel decides */
	IMAGE_TEXT,	/* neither ELF nor #!: what execve() refuses and shells run */
	IMAGE_SCRIPT,	/* interpreter: after #! */
	IMAGE_ELF,	/* interpreter: PT_INTERP, or "" */
};

/* The kernel follows so many interpreters that are scripts themselves (fs/exec.c,
 * exec_binprm(): depth > 5 gives ELOOP). */
#define IMAGE_SCRIPT_DEPTH	5

struct image {
	enum image_kind kind;
	bool loads_itself;		/* no interpreter, but it is the loader */
	bool is_64;			/* ELFCLASS64 */
	uint8_t class, data;		/* e_ident's ELFCLASS*, ELFDATA* */
	uint16_t machine;		/* EM_* */
	bool sanitized;			/* it brings a sanitizer's allocator, or needs its library */
	char interpreter[PATH_MAX];
};

/* Fills *image for the file at path (symbolic links are followed, a FIFO does not block);
 * what cannot be read is IMAGE_UNKNOWN. Changes errno. Any thread. */
void image_read(const char *path, struct image *image);

/* Whether both are ELF files for the same machine, word size and byte order. */
bool image_is_same_machine(const struct image *a, const struct image *b);

/* Whether the two differ in word size only, as i386 and x86-64 do: a processor that runs the
 * one usually runs the other. x32 is not the other word size of x86-64, but a third thing. */
bool image_is_other_word_size(const struct image *a, const struct image *b);

#endif
