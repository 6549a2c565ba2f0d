/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads an ELF file in bounded pieces: the headers are checked once, tables are read through one
 * buffer, and strings through a small window. Every build reads both classes (ELFCLASS32,
 * ELFCLASS64), in the machine's own byte order. Numbers are those of the ELF specification (gABI
 * 4.1 and its extensions), by the names in <elf.h>.
 *
 * Everything here is async-signal-safe. Memory comes only from the arenas that elf_open() and
 * elf_strings_open() are given. Parts that the headers name and the file does not have are left
 * out, and `damaged` is set. A struct elf belongs to one user at a time.
 */
#ifndef SYMBOL_ELF_FILE_H
#define SYMBOL_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "elf/headers.h"

/* Bounds on the work that a file can cause. Real files stay far below (libLLVM has 60,000 symbols, a
 * debug build of it 1,000,000; 60 sections; 13 segments). */
#define ELF_SYMBOLS_MAX		((uint64_t)1 << 24)
#define ELF_CODE_MAX		4096	/* executable sections */
#define ELF_SEGMENTS_MAX	256
#define ELF_NAME_MAX		65536	/* bytes in a symbol's name */
#define ELF_CHUNK_BYTES		65536u	/* read at once */
/* Reads of 4 KB from a string table. Each takes about 1 us, so all of them take seconds at worst. A
 * real file needs about two for each address that is resolved. */
#define ELF_FILLS_MAX		((uint32_t)1 << 20)

/* What is kept in memory: the file's first bytes, the section headers, and the sections' names, if they are not larger
 * than this. Debug files have 75 sections (5 KB of headers, 1 KB of names). */
#define ELF_KEPT		3
#define ELF_KEPT_BYTES		32768u
#define ELF_START_BYTES		1024u	/* with the headers of all segments and, as a rule, the build id */

/* A range of addresses with code: an executable section, or in a file without section headers an
 * executable segment. */
struct elf_code {
	uint64_t start, end;		/* start < end */
	uint32_t section;		/* the section's index; 0: it is a segment */
};

/* Bytes of the file that are read again and again, and so were copied: bytes[0..size_bytes) from `offset` on. */
struct elf_kept {
	uint64_t offset;
	size_t size_bytes;		/* 0: none */
	const uint8_t *bytes;
};

/*
 * An open file. Invariants: the headers of all `sections` sections lie inside the file, one behind
 * the other from section_offset on; code[0..codes) is sorted by start.
 */
struct elf {
	int fd;
	struct elf_kept kept[ELF_KEPT];
	uint64_t size_bytes;
	bool wide;			/* ELFCLASS64 */
	bool damaged;
	uint16_t machine;
	uint64_t entry;			/* e_entry */
	uint32_t sections;		/* 0: no section headers */
	uint32_t name_section;		/* index of .shstrtab; 0: there is none */
	uint64_t segment_offset, section_offset;
	struct elf_segment *segment;	/* PT_LOAD, PT_DYNAMIC and PT_NOTE; others are left out */
	uint32_t segments;
	uint32_t segments_promised;	/* the number of segments of all types, as the header says */
	struct elf_code *code;
	uint32_t codes, code_room;
	uint8_t *chunk;			/* the stream's buffer; ELF_CHUNK_BYTES */
	uint64_t mapped_at;		/* an image in memory: the address of offset 0; 0: a file */
	uint64_t bias;			/* an image in memory: its addresses minus those in its headers */
	bool direct;			/* an image in this process, which is read without a descriptor */
	bool no_proc;			/* elf_open_mapped() found no PROC/mem */
};

/*
 * Opens a regular file and reads its headers. Returns SYMBOL_OK, or a negative enum symbol_error,
 * and then nothing is open. The arena has to live until elf_close(). Does not keep errno, which with
 * SYMBOL_NO_FILE is the reason.
 */
int elf_open(struct elf *e, const char *path, struct arena *arena);
/*
 * Opens the image of a file in memory, as the loader has made it. The image has segments, but no
 * section headers, no .symtab and no debug data. proc: the directory of the process, such as
 * "/proc/self", 16 bytes at most; address: the address of the ELF header there.
 *
 * The image is read through PROC/mem, so memory that is no longer mapped gives an error and no
 * SIGSEGV. If PROC/mem cannot be opened, because the kernel does not permit it (a process that must
 * not be dumped) or because there is no /proc (after chroot(), which sets no_proc), the result is
 * SYMBOL_NO_FILE. But with `stays`, which says that the image is in this process and will not be
 * unmapped, the memory is then read directly, and the kernel is asked before each page whether it
 * is readable. Otherwise as elf_open().
 */
int elf_open_mapped(struct elf *e, const char *proc, uint64_t address, bool stays,
		    struct arena *arena);
void elf_close(struct elf *e);

/* Reads exactly size_bytes bytes at an offset of the file. False: the file does not have them, and
 * `damaged` is set. */
bool elf_read(struct elf *e, uint64_t offset, void *buf, size_t size_bytes);

/*
 * Reads a table record by record. The file is read in large pieces into elf.chunk, which all streams
 * of a file share, so only one stream can be in use at a time.
 */
struct elf_stream {
	struct elf *elf;
	uint64_t offset;		/* of the first record that is not in the buffer yet */
	uint64_t left;			/* the number of records from there on */
	uint32_t record_bytes;		/* 1 to 64 */
	uint32_t at, have;		/* the bytes of the buffer that are used, and that are valid */
};

/* Begins with the first of so many records. A table that reaches past the file's end is cut there,
 * and `damaged` is set. */
void elf_stream_open(struct elf_stream *s, struct elf *e, uint64_t offset, uint64_t records,
		     uint32_t record_bytes);
/* Reads the next piece of the file, after all of the buffer was used. False: there are no more records, or the file
 * cannot be read. */
bool elf_stream_fill(struct elf_stream *s);

/* Returns the next record, which is valid until the next call. NULL: as elf_stream_fill(). */
static inline const uint8_t *elf_stream_next(struct elf_stream *s)
{
	const uint8_t *record = s->elf->chunk + s->at;

	if (s->at == s->have) {
		if (!elf_stream_fill(s))
			return NULL;
		record = s->elf->chunk;
	}
	s->at += s->record_bytes;
	return record;
}

/* Reads the header of section i. False: there is no such section. */
bool elf_section(struct elf *e, uint32_t i, struct elf_section *section);
/* Finds the first section of a type (SHT_*), by the stream. False: there is none. */
bool elf_section_of_type(struct elf *e, uint32_t type, struct elf_section *section);
/* Finds the first section of each of `count` names, of 30 bytes at most, by the stream. Each name has a
 * NUL behind it. found[i].type is SHT_NULL if there is none. */
void elf_sections_named(struct elf *e, const char *names, unsigned count,
			struct elf_section *found);
/* Finds the offset in the file of a virtual address, and the number of bytes from there to the end of
 * its segment in the file. False: no segment has the address in the file. */
bool elf_offset(const struct elf *e, uint64_t addr, uint64_t *offset, uint64_t *bytes);
/* Returns the code range that contains addr; NULL: there is none. Valid until elf_close(). */
const struct elf_code *elf_code_at(const struct elf *e, uint64_t addr);
/* Copies the build id, as symbol_build_id() does. Returns its length; 0: there is none. Overwrites the
 * stream's buffer. */
int elf_build_id(struct elf *e, uint8_t *buf, size_t size_bytes);

/*
 * A string table, which is read through a window of 4 KB. `fills_left` bounds the work that a file
 * can cause: when it is used up, no more strings can be read.
 */
struct elf_strings {
	struct elf *elf;
	uint64_t offset, size_bytes;	/* of the table in the file */
	uint8_t *window;
	uint64_t window_at;		/* offset of the window in the table */
	uint32_t window_bytes;		/* the number of valid bytes in the window */
	uint32_t fills_left;		/* how often the window may still be filled */
};

/* Opens the table at an offset of the file. A table that reaches past the file's end is cut there. False:
 * the arena gives no memory. */
bool elf_strings_open(struct elf_strings *s, struct elf *e, uint64_t offset, uint64_t size_bytes,
		      struct arena *arena);
/*
 * Returns the length of the symbol name at an offset in the table, without the NUL and without a
 * version (older GNU ld writes "memcpy@@GLIBC_2.14" into .symtab). 0: the name cannot be used,
 * because it is empty, longer than ELF_NAME_MAX, or not terminated inside the table. head gets the
 * name's first two bytes, or zeros.
 */
uint32_t elf_string_length(struct elf_strings *s, uint32_t at, char head[2]);
/* Compares the len bytes at the offsets a and b, like memcmp(). 0: they are equal, or cannot be
 * read. */
int elf_string_compare(struct elf_strings *s, uint32_t a, uint32_t b, uint32_t len);
/* Copies len bytes and a NUL into `to`. False: they cannot be read. */
bool elf_string_copy(struct elf_strings *s, uint64_t at, uint32_t len, char *to);

#endif
