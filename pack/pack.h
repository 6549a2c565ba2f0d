/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packed records: what a report needs of a table and its file, in a small file without holes that can be sent. Each
 * option of --report reads it, because it is unpacked into memory again, as a file of --record.
 *
 *	pack_header	which record it is, and the moment of its figures
 *	pieces		pack_piece, and behind each its compressed bytes (compress.h)
 *	pack_piece	of the kind PACK_END
 *
 * A piece has the bytes of the record from its offset on: the used beginning of a part of the table (layout.h), or what
 * lies behind the table in the file. Parts that a report does not read (the indexes) and what is not used are left out,
 * and are zeros where the record is unpacked. So all numbers of rows, codes and modules stay what they are. Pieces of
 * the kind PACK_NAMES hold the names for the addresses (names.h) in the same way. Pieces of one kind come in ascending
 * order and do not overlap, so the work of unpacking is bounded by the two sizes in the header. One piece of the kind
 * PACK_SEEN is a struct pack_figures (figures.h), if the process ran.
 *
 * Numbers are in the byte order of the machine, as those of the record are.
 */
#ifndef PACK_PACK_H
#define PACK_PACK_H

#include "figures.h"
#include "table/table.h"

#define PACK_MAGIC	"heappck"	/* 8 bytes with its NUL */
#define PACK_VERSION	1u

enum pack_flag {
	PACK_END_UNKNOWN = 1,		/* nobody has noted when the process ended */
};

struct pack_header {
	char magic[8];
	uint32_t version;
	uint32_t flags;			/* enum pack_flag */
	uint64_t moment_ns;		/* of the figures, by the clock of the table: the process's end or, if it ran,
					 * when its record was packed */
	uint64_t record_bytes;		/* the apparent size of the record */
	uint64_t names_bytes;		/* of the names, unpacked; 0: none are here */
};

enum pack_kind { PACK_END, PACK_RECORD, PACK_NAMES, PACK_SEEN };

struct pack_piece {
	uint32_t kind;			/* enum pack_kind */
	uint32_t each;			/* bytes of an element, for compress.h */
	uint64_t offset;		/* of the first byte in the record, or in the names */
	uint32_t bytes;			/* unpacked, at most COMPRESS_PIECE_BYTES */
	uint32_t packed_bytes;		/* that follow */
	uint32_t check;			/* pack_check() of the unpacked bytes */
	uint32_t unused;
};

#define PACK_TAIL_MOST		((uint64_t)64 << 20)	/* bytes behind the table, at most */
#define PACK_NAMES_MOST		((uint64_t)512 << 20)

/* A number that tells whether the bytes are as they were. */
uint32_t pack_check(const uint8_t *bytes, size_t n);

/* ---- Packing ---- */

/* A stretch of the unpacked names. */
struct pack_array {
	const void *start;
	size_t bytes;
	unsigned each;			/* bytes of an element */
};

struct pack_source {
	const struct table *table;	/* a copy that nobody changes (load.h) */
	int fd;				/* the file that the table was read from, for what lies behind the table; or
					 * -1 */
	uint64_t moment_ns;		/* these two as in the header */
	uint32_t flags;
	const struct model_seen *seen;	/* NULL: the process has ended, or nothing is known of it */
	const struct pack_array *names;	/* the arrays that the names consist of, one behind the other */
	unsigned names_count;
};

/* Writes a packed record to fd, from its present position on. Returns 0 or an errno. For any thread. */
int pack_write(int fd, const struct pack_source *source);

/* ---- Unpacking ---- */

struct pack {
	int fd;				/* a file in memory with the record; the caller closes it */
	uint64_t moment_ns;		/* these two as in the header */
	uint32_t flags;
	bool has_seen;			/* the process ran when the record was packed: */
	struct pack_figures seen;
	void *names;			/* from malloc(); NULL: there are none */
	size_t names_bytes;
};

enum pack_status {
	PACK_OK,
	PACK_NONE,			/* not a packed record at all */
	PACK_OTHER_VERSION,		/* of another version of heaptrace, or byte order */
	PACK_TRUNCATED,
	PACK_DAMAGED,
	PACK_CANNOT,			/* errno says why */
};

/*
 * Reads a packed record from fd, from its beginning on. Nothing in the file is trusted. What it yields has to be loaded
 * as a record that nobody can vouch for (load.h), and so have the names (names.h). Unless the result is PACK_OK there
 * is nothing to give back.
 */
enum pack_status pack_read(int fd, struct pack *pack);

#endif
