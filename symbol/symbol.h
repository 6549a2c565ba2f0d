/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names and source lines for addresses, from the ELF files themselves.
 *
 * All functions here are async-signal-safe: memory comes from arenas, files are read with open,
 * fstat, pread and close, errno is kept, and at most 2 KB of stack are needed. They keep no state,
 * so several threads may call them at once, each with an arena of its own.
 *
 * Files are never mapped, so a file that is truncated or replaced while it is read gives wrong
 * names or none, but no SIGBUS. Everything in a file is checked before it is used, and the time and
 * the memory that a hostile file can cost are bounded (see match.h and elf_file.h).
 */
#ifndef SYMBOL_SYMBOL_H
#define SYMBOL_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* Why names are missing. symbol_error_text() says it in words. */
enum symbol_error {
	SYMBOL_OK = 0,
	SYMBOL_NO_FILE = -1,		/* cannot be opened or read, or is not a regular file */
	SYMBOL_NOT_ELF = -2,
	SYMBOL_FOREIGN = -3,		/* of another byte order, or neither program nor library */
	SYMBOL_REPLACED = -4,		/* the build id is not the expected one; or none is known, and the
					 * segments are not those at mapped_at */
	SYMBOL_DAMAGED = -5,		/* parts that the headers name are missing */
	SYMBOL_NO_SYMBOLS = -6,		/* neither .symtab nor .dynsym */
	SYMBOL_NO_MEMORY = -7,		/* the kernel gave an arena no memory */
	SYMBOL_GONE = -8,		/* there is no such file, or no longer */
	SYMBOL_NO_PROC = -9,		/* as SYMBOL_GONE, and there is no /proc either, as after chroot() */
	SYMBOL_NO_PATH = -10,		/* symbol_file.path is "" */
};

/* One level of a chain of inlined calls. Strings are in the arena. NULL or 0: unknown. */
struct symbol_call {
	const char *function;	/* as in the file: mangled, if there is a linkage name */
	const char *file;	/* with the directories that the debug data names */
	uint32_t line;
};

struct symbol {
	uint64_t addr;		/* in: in the file's own terms (pc minus load bias). For a return
				 * address, the caller has subtracted one */
	uint64_t start;		/* out: where the function starts, in the same terms; valid with name */
	const char *name;	/* out: as in the file (mangled), complete, with any bytes but NUL,
				 * without version (`@VER`), in the arena; NULL: unknown */
	const struct symbol_call *calls; /* out: the source lines of addr. calls[0] is the line of
				 * addr itself, in the innermost inlined function. Each next one
				 * is the call of the one before. calls[call_count - 1] lies in
				 * the function that `name` names */
	uint32_t call_count;	/* 0: no line information; 1: nothing inlined there */
	bool no_lines;		/* in: `calls` is not wanted */
};

/* Data that a file has, but that is not read here: bits of symbol_file.unread. */
enum symbol_unread {
	SYMBOL_UNREAD_ZSTD = 1,		/* sections compressed with zstd */
	SYMBOL_UNREAD_SPLIT = 2,	/* split DWARF: .dwo and .dwp files */
	SYMBOL_UNREAD_ALTERNATE = 4,	/* .gnu_debugaltlink, as dwz makes them */
	SYMBOL_UNREAD_MINIDEBUG = 8,	/* .gnu_debugdata, a compressed symbol table */
	SYMBOL_UNREAD_MISMATCH = 16,	/* a debug file with another build id or CRC */
};

/* A file, and how to read it. */
struct symbol_file {
	const char *path;		/* "": unknown; then names come from mapped_at */
	const uint8_t *build_id;	/* the build id in the memory of the running program. A file
					 * with another one or none gives SYMBOL_REPLACED and is not
					 * used. NULL or 0 bytes: unknown, nothing is compared */
	size_t build_id_bytes;
	uint64_t end;			/* where the last segment ends, in the file's own terms. If no
					 * build id is known and memory cannot be read, a file with
					 * another end is SYMBOL_REPLACED. 0: unknown */
	uint64_t mapped_at;		/* where the process has the file's ELF header in memory. Names
					 * come from there if the path does not lead to the file. 0:
					 * the file is not mapped, or no longer */
	const char *proc;		/* the directory of that process, such as "/proc/4711", if it
					 * is not this one */
	bool stays;			/* the mapping is in this process and will never be unmapped */
	bool outside;			/* the caller is not in the traced process, so that any system
					 * call may be used */
	const char *debug_dirs;		/* searched before /usr/lib/debug, separated by ':'; or NULL */
	bool lines;			/* symbol.calls is to be set */
	struct arena_spares *spares;	/* where scratch memory comes from and goes to; NULL: the kernel */
	uint32_t unread;		/* out: SYMBOL_UNREAD_* */
	int why;			/* out, with SYMBOL_NO_FILE: the errno of opening path; else 0 */
};

/*
 * Resolves n addresses of one file, which are sorted by addr. One pass goes over its .symtab, or
 * that of its separate debug file, and one over its .dynsym for addresses that have no name after
 * that. Stubs of the PLT become NAME@plt. The vdso, by the name that the loader has for it, is read
 * in memory.
 *
 * Returns SYMBOL_OK or a negative enum symbol_error. In either case, the names that could be found
 * are set, and all others are NULL. If the file cannot be had, these are the names that the running
 * program has in memory (mapped_at). Names live as long as the arena. Scratch memory, 130 bytes for
 * each address and about 500 KB, is released before the return.
 */
int symbol_resolve(struct symbol_file *file, struct symbol *syms, size_t n, struct arena *arena);

/*
 * Copies at most size_bytes of the file's build id (note NT_GNU_BUILD_ID of a PT_NOTE segment; GNU
 * ld makes 20 bytes, others 8 to 32). Returns its length in the file, 0 when there is none, or a
 * negative enum symbol_error.
 */
int symbol_build_id(const char *path, uint8_t *buf, size_t size_bytes);

/* A few words in English, without a full stop: "not an ELF file". Never NULL. */
const char *symbol_error_text(int error);

#endif
