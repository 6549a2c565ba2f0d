/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Examines a file that is about to be executed: what execve() will do with it, and whether the program in it can be
 * traced. The wrapper calls program_examine() before it runs a program, and the library before the traced program
 * executes another one (process/exec_target.h), so both get the same answer.
 *
 * The file is read by pread(2) through a small window, not by mmap(2): a file that becomes shorter meanwhile
 * cannot cause a SIGBUS, and a vfork child leaves no mapping behind in its parent. Damaged and truncated files
 * give PROGRAM_UNKNOWN. No malloc, no stdio; async-signal-safe; about 2 KB of stack with the struct.
 */
#ifndef ELF_PROGRAM_H
#define ELF_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

enum program_kind {
	PROGRAM_UNKNOWN,	/* unreadable, binary, or a damaged ELF file: the kernel decides */
	PROGRAM_TEXT,		/* neither ELF nor #!: execve() refuses such a file, and shells run it */
	PROGRAM_SCRIPT,		/* interpreter: the name after #! */
	PROGRAM_ELF,		/* interpreter: the loader that PT_INTERP names, or "" */
};

/*
 * Why a program cannot be traced. When several of these hold, the first one in this order is the answer, because
 * it says what has to be changed first. The wrapper has a library of its own for programs of the other word size,
 * so this obstacle comes last.
 */
enum program_obstacle {
	PROGRAM_TRACEABLE,
	PROGRAM_HAS_RIGHTS,	/* the loader ignores LD_PRELOAD, as the kernel tells it to (AT_SECURE) */
	PROGRAM_IS_FOREIGN,	/* for another machine */
	PROGRAM_IS_VALGRIND,	/* a static program that loads another one, and preloads what LD_PRELOAD names */
	PROGRAM_IS_STATIC,	/* there is no loader that could preload anything */
	PROGRAM_IS_SANITIZED,	/* it contains a sanitizer's allocator, or needs the library with it */
	PROGRAM_OTHER_LIBC,	/* its loader is not glibc's */
	PROGRAM_OTHER_WORD_SIZE,	/* the machine's, but 32 bits where this code has 64, or the reverse */
	PROGRAM_OBSTACLES,
};

/* At most so many scripts may follow each other, each of which is the interpreter of the one before (fs/exec.c,
 * exec_binprm(): depth > 5 gives ELOOP). */
#define PROGRAM_SCRIPT_DEPTH	5

/* A loader or a script's interpreter has a path of fewer bytes. The kernel looks for the latter in the first
 * 256 bytes of the file (BINPRM_BUF_SIZE, Linux 5.1; 128 before). */
#define PROGRAM_NAME_BYTES	256

struct program_file {
	enum program_kind kind;
	enum program_obstacle obstacle;		/* for PROGRAM_ELF; PROGRAM_HAS_RIGHTS also for PROGRAM_UNKNOWN */
	const char *rights;			/* PROGRAM_HAS_RIGHTS: which rights, as part of a sentence */
	uint8_t class, data;			/* PROGRAM_ELF: e_ident's ELFCLASS*, ELFDATA* */
	uint16_t machine;			/* PROGRAM_ELF: EM_* */
	char interpreter[PROGRAM_NAME_BYTES];
};

/* Fills *p for the file at path (symbolic links are followed, a FIFO does not block). Changes errno. Any
 * thread. */
void program_examine(struct program_file *p, const char *path);

/* Whether both are PROGRAM_ELF for the same machine, word size and byte order. */
bool program_is_same_machine(const struct program_file *a, const struct program_file *b);

/* The e_machine (EM_*) of this code. */
uint16_t program_own_machine(void);

#endif
