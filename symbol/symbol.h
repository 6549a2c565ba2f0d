/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for addresses, from the ELF files themselves.
 *
 * All functions here are async-signal-safe: memory comes from arenas, files are read with
 * open/fstat/pread/close, errno is kept, and the stack they need stays under 2 KB. They
 * hold no state, so several threads may call them at once (each with its own arena).
 *
 * Files are never mapped: one that is truncated or replaced while it is read gives wrong or
 * no names, but no SIGBUS. Nothing in a file is believed without a check, and the time and
 * the memory that a hostile file can cost are bounded (see match.h and elf.h).
 */
#ifndef SYMBOL_SYMBOL_H
#define SYMBOL_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* Why names are missing; symbol_error_text() says it in words. */
enum symbol_error {
	SYMBOL_OK = 0,
	SYMBOL_NO_FILE = -1,		/* cannot be opened or read, or is not a regular file */
	SYMBOL_NOT_ELF = -2,
	SYMBOL_FOREIGN = -3,		/* other byte order, or neither program nor library */
	SYMBOL_REPLACED = -4,		/* the build id is not the expected one, or without any, the
					 * segments are not those at mapped_at */
	SYMBOL_DAMAGED = -5,		/* parts that the headers promise are not there */
	SYMBOL_NO_SYMBOLS = -6,		/* neither .symtab nor .dynsym */
	SYMBOL_NO_MEMORY = -7,		/* an arena was refused memory */
	SYMBOL_GONE = -8,		/* there is no such file (any more) */
	SYMBOL_NO_PROC = -9,		/* nor is there /proc, to have it from there: as behind chroot() */
	SYMBOL_NO_PATH = -10,		/* symbol_file.path is "" */
};

/* One level of a chain of inlined calls. Texts are in the arena; NULL or 0: unknown. */
struct symbol_call {
	const char *function;	/* as in the file: mangled, if it has a linkage name */
	const char *file;	/* joined with the directories that the debug data names */
	uint32_t line;
};

struct symbol {
	uint64_t addr;		/* in: in the file's own terms (pc - load bias), already minus one
				 * for return addresses */
	uint64_t start;		/* out: where the function starts, same terms; valid with name */
	const char *name;	/* out: as in the file (mangled), whole, any bytes but NUL, without
				 * version (`@VER`), in the arena; NULL: unknown */
	const struct symbol_call *calls; /* out: the source lines of addr. calls[0] is the line
				 * itself, in the innermost inlined function; each next one is
				 * the call of the one before; calls[call_count - 1] lies in the
				 * function that `name` names */
	uint32_t call_count;	/* 0: no line information; 1: nothing inlined there */
};

/* What there is, but we do not read: bits of symbol_file.unread. */
enum symbol_unread {
	SYMBOL_UNREAD_ZSTD = 1,		/* sections compressed with zstd */
	SYMBOL_UNREAD_SPLIT = 2,	/* split DWARF: .dwo and .dwp files */
	SYMBOL_UNREAD_ALTERNATE = 4,	/* .gnu_debugaltlink, as dwz makes them */
	SYMBOL_UNREAD_MINIDEBUG = 8,	/* .gnu_debugdata, a compressed symbol table */
	SYMBOL_UNREAD_MISMATCH = 16,	/* a debug file whose build id or CRC differs */
};

/* A file, and what is wanted of it. */
struct symbol_file {
	const char *path;		/* "": not known; names come from where it is mapped */
	const uint8_t *build_id;	/* what the running program has in memory: a file with
					 * another one (or none) gives SYMBOL_REPLACED and is
					 * not used. NULL or 0 bytes: not known, not compared */
	size_t build_id_bytes;
	uint64_t end;			/* of its last segment, in the file's own terms: where neither
					 * a build id is known nor memory can be read, a file with
					 * another one is SYMBOL_REPLACED. 0: not known */
	uint64_t mapped_at;		/* where the process has it in memory, its ELF header that is;
					 * 0: not, or not any more. If the path does not lead to
					 * it, names come from there */
	const char *proc;		/* the directory of that process, if it is not this one:
					 * "/proc/4711" */
	bool stays;			/* it is this one's and will never be unmapped */
	bool outside;			/* we are not in the process: any system call may be used */
	const char *debug_dirs;		/* searched before /usr/lib/debug, separated by ':'; or NULL */
	bool lines;			/* set symbol.calls */
	uint32_t unread;		/* out: SYMBOL_UNREAD_* */
	int why;			/* out, with SYMBOL_NO_FILE: the errno of opening path, or 0 */
};

/*
 * Resolves n addresses of one file, sorted ascending by addr, in one pass over its .symtab, or
 * that of its separate debug file, and for those still without a name, one over its .dynsym.
 * Stubs of the PLT become NAME@plt. The vdso, by the loader's name for it, is read in memory.
 *
 * Returns SYMBOL_OK or a negative enum symbol_error; names that could be found are set in
 * either case, and all others are NULL: if the file is not to be had, these are such as the
 * running program has in memory (mapped_at). Names live as long as the arena. Scratch
 * memory is its own, 130 bytes per address and about 500 KB, and gone on return.
 */
int symbol_resolve(struct symbol_file *file, struct symbol *syms, size_t n, struct arena *arena);

/*
 * Copies the file's build id (note NT_GNU_BUILD_ID of a PT_NOTE segment; 20 bytes as GNU ld
 * makes them, 8 to 32 with others), at most size_bytes of it. Returns its length in the
 * file, 0 when it has none, or a negative enum symbol_error.
 */
int symbol_build_id(const char *path, uint8_t *buf, size_t size_bytes);

/* A few words in English, without a full stop: "not an ELF file". Never NULL. */
const char *symbol_error_text(int error);

#endif
