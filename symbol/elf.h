/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An ELF file as bounded pieces: the header is checked once, tables are streamed through
 * one buffer, strings through a small window. Both classes are read by every build; only
 * the machine's own byte order. Numbers are those of the ELF specification (gABI 4.1 and
 * its extensions), by the names in <elf.h>.
 *
 * Everything is async-signal-safe and takes no memory but what elf_open() gets from the
 * arena. What a file promises and does not hold is left out and sets `damaged`.
 */
#ifndef SYMBOL_ELF_H
#define SYMBOL_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "elf/headers.h"

/* Bounds on what a file can make us do; real files stay far below (libLLVM: 60,000 symbols,
 * a debug build of it 1,000,000; 60 sections; 13 segments). */
#define ELF_SYMBOLS_MAX		((uint64_t)1 << 24)
#define ELF_CODE_MAX		4096	/* executable sections */
#define ELF_SEGMENTS_MAX	256
#define ELF_NAME_MAX		65536	/* bytes in a symbol's name */
#define ELF_CHUNK_BYTES		65536u	/* read at once */
/* Reads of 4 KB from a string table, about 1 us each: seconds at the worst. A real file needs
 * about two per resolved address. */
#define ELF_FILLS_MAX		((uint32_t)1 << 20)

/* A range of addresses with code. Sorted by start. */
struct elf_code {
	uint64_t start, end;		/* start < end */
	uint32_t section;		/* its index; 0: a segment, of a file without sections */
};

/*
 * An open file. Invariants: section i lies at section_offset + i * the class's header size,
 * for i < sections, inside the file; segment[0..segments) and code[0..codes) are in the
 * arena given to elf_open().
 */
struct elf {
	int fd;
	uint64_t size_bytes;
	bool wide;			/* ELFCLASS64 */
	bool damaged;
	uint16_t machine;
	uint64_t entry;			/* e_entry */
	uint32_t sections;		/* 0: no section headers */
	uint32_t name_section;		/* index of .shstrtab, 0: none */
	uint64_t segment_offset, section_offset;
	struct elf_segment *segment;	/* those of PT_LOAD, PT_DYNAMIC and PT_NOTE; others are not kept */
	uint32_t segments;
	uint32_t segments_promised;	/* how many of all kinds the header says that there are */
	struct elf_code *code;
	uint32_t codes;
	uint8_t *chunk;			/* the one stream's buffer; ELF_CHUNK_BYTES */
	uint64_t mapped_at;		/* the address in memory that is offset 0; 0: a file */
	uint64_t bias;			/* of one in memory: its addresses minus its own terms */
	bool direct;			/* it is read as memory, without a file descriptor */
	bool no_proc;			/* elf_open_mapped() found no PROC/mem */
};

/*
 * Opens a regular file and reads its headers. Returns 0, or a negative enum symbol_error
 * with nothing left open. The arena has to live until elf_close().
 */
int elf_open(struct elf *e, const char *path, struct arena *arena);
/*
 * The same of a file's image in memory, as the loader has made it: its segments, so no section
 * headers, no .symtab, no debug data. address is that of its ELF header in the process whose
 * directory proc is ("/proc/self"). Read through PROC/mem: what is no longer mapped there is an
 * error and no SIGSEGV. Where the kernel does not let us read that (a process that must not be
 * dumped) or there is none (another root, which sets no_proc): SYMBOL_NO_FILE; unless `stays`,
 * which says that it is this process's and will not be unmapped: then it is read as memory, each
 * page after the kernel has said that it can be.
 */
int elf_open_mapped(struct elf *e, const char *proc, uint64_t address, bool stays,
		    struct arena *arena);
void elf_close(struct elf *e);

/* Reads exactly size_bytes bytes at an offset of the file; else false and damaged. */
bool elf_read(struct elf *e, uint64_t offset, void *buf, size_t size_bytes);

/*
 * A table in the file, record by record, in large reads. All streams of a file share its
 * buffer: only one is in use at a time, and a record is valid until the next call.
 */
struct elf_stream {
	struct elf *elf;
	uint64_t offset;		/* of what is not in the buffer yet */
	uint64_t left;			/* records from there on */
	uint32_t record_bytes;		/* 1 to 64 */
	uint32_t at, have;		/* bytes in the buffer: used, valid */
};

/* A table that reaches past the file's end is cut (and the file damaged). */
void elf_stream_open(struct elf_stream *s, struct elf *e, uint64_t offset, uint64_t records,
		     uint32_t record_bytes);
/* The next record, or NULL after the last one. */
const uint8_t *elf_stream_next(struct elf_stream *s);

/* Section i, or false. */
bool elf_section(struct elf *e, uint32_t i, struct elf_section *section);
/* The first section of this type (SHT_*), or false. */
bool elf_section_of_type(struct elf *e, uint32_t type, struct elf_section *section);
/* The first section of each of these names (30 bytes at most); type SHT_NULL where there is
 * none. Uses the file's stream. */
void elf_sections_named(struct elf *e, const char *const *names, unsigned count,
			struct elf_section *found);
/* Where a virtual address lies in the file and how many bytes of its segment follow, or
 * false. */
bool elf_offset(const struct elf *e, uint64_t addr, uint64_t *offset, uint64_t *bytes);
/* The code range around addr, or NULL. */
const struct elf_code *elf_code_at(const struct elf *e, uint64_t addr);
/* The build id: as symbol_build_id(). */
int elf_build_id(struct elf *e, uint8_t *buf, size_t size_bytes);

/*
 * A string table, seen through a window of its bytes. `fills_left` bounds the work that a
 * file can cause: when it is used up, every string is unusable.
 */
struct elf_strings {
	struct elf *elf;
	uint64_t offset, size_bytes;	/* of the table in the file */
	uint8_t *window;
	uint64_t window_at;		/* in the table */
	uint32_t window_bytes;		/* valid ones */
	uint32_t fills_left;
};

/* Returns false when the arena gives no memory. */
bool elf_strings_open(struct elf_strings *s, struct elf *e, uint64_t offset, uint64_t size_bytes,
		      struct arena *arena);
/*
 * The length of the symbol name at an offset in the table, without NUL and without a
 * version (older GNU ld writes "memcpy@@GLIBC_2.14" into .symtab). 0: unusable, being
 * empty, longer than ELF_NAME_MAX, or not terminated inside the table. head gets the first
 * two bytes.
 */
uint32_t elf_string_length(struct elf_strings *s, uint32_t at, char head[2]);
/* Compares len bytes at a and b, like memcmp; 0 also when they cannot be read. */
int elf_string_compare(struct elf_strings *s, uint32_t a, uint32_t b, uint32_t len);
/* Copies len bytes and a NUL into `to`; false when they cannot be read. */
bool elf_string_copy(struct elf_strings *s, uint64_t at, uint32_t len, char *to);

#endif
