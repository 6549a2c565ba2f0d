/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes packed records: see pack.h. */
#include "pack.h"

#include "compress.h"
#include "table/deltas.h"
#include "table/layout.h"
#include "table/modules.h"
#include "table/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct writer {
	int fd;
	int error;			/* the first errno; then nothing more is written */
	struct compress_work work;
	struct pack_figures seen;
	uint8_t raw[COMPRESS_PIECE_BYTES];	/* what lies behind the table */
	uint8_t packed[COMPRESS_ROOM_BYTES];
};

uint32_t pack_check(const uint8_t *bytes, size_t n)
{
	uint32_t check = 2166136261u;	/* FNV-1a */

	for (size_t i = 0; i < n; i++)
		check = (check ^ bytes[i]) * 16777619u;
	return check;
}

static void put(struct writer *w, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n && !w->error) {
		ssize_t written = write(w->fd, at, n);

		if (written < 0 && errno != EINTR)
			w->error = errno;
		if (written < 0)
			continue;
		at += written;
		n -= (size_t)written;
	}
}

/* Writes an array of elements of `each` bytes as pieces. offset: where it begins in the record or the names. */
static void put_array(struct writer *w, enum pack_kind kind, uint64_t offset, const void *array, uint64_t bytes,
		      unsigned each)
{
	size_t most = COMPRESS_PIECE_BYTES / each * each;
	const uint8_t *at = array;

	while (bytes) {
		size_t n = bytes < most ? (size_t)bytes : most;
		size_t packed = compress_piece(at, n, each, w->packed, &w->work);

		put(w, &(struct pack_piece){
			.kind = kind, .each = each, .offset = offset, .bytes = (uint32_t)n,
			.packed_bytes = (uint32_t)packed, .check = pack_check(at, n),
		}, sizeof(struct pack_piece));
		put(w, w->packed, packed);
		at += n;
		offset += n;
		bytes -= n;
	}
}

/* The size of the elements of the part that begins at this offset. */
static unsigned element_bytes(const struct table_header *h, uint64_t offset)
{
	return offset == h->rows_offset ? sizeof(struct row) :
	       offset == h->infos_offset ? sizeof(struct row_info) :
	       offset == h->uppers_offset ? sizeof(struct row_upper) :
	       offset == h->modules_offset ? sizeof(struct module) :
	       offset == h->frames_offset ? sizeof(uint16_t) :
	       offset == h->timeline_offset ? sizeof(struct timeline_point) :
	       offset == h->text_offset ? 1 : sizeof(uint64_t);
}

static void put_table(struct writer *w, const struct table *t)
{
	struct layout_range ranges[LAYOUT_RANGES];
	unsigned count = layout_used(t->head, false, ranges);

	for (unsigned i = 1; i < count; i++) {	/* into the order of the offsets */
		struct layout_range range = ranges[i];
		unsigned at = i;

		for (; at && ranges[at - 1].offset > range.offset; at--)
			ranges[at] = ranges[at - 1];
		ranges[at] = range;
	}
	for (unsigned i = 0; i < count; i++)
		put_array(w, PACK_RECORD, ranges[i].offset, (const char *)t->head + ranges[i].offset, ranges[i].bytes,
			  element_bytes(t->head, ranges[i].offset));
}

/* How many bytes lie behind the table in its file. */
static uint64_t tail_bytes(const struct pack_source *s)
{
	uint64_t table_bytes = s->table->head->size_bytes;
	struct stat st;

	if (s->fd < 0 || fstat(s->fd, &st) || (uint64_t)st.st_size <= table_bytes)
		return 0;
	return (uint64_t)st.st_size - table_bytes < PACK_TAIL_MOST ? (uint64_t)st.st_size - table_bytes :
								     PACK_TAIL_MOST;
}

/* Writes what lies behind the table. A file that becomes shorter meanwhile ends in zeros. */
static void put_tail(struct writer *w, const struct pack_source *s, uint64_t bytes)
{
	uint64_t offset = s->table->head->size_bytes;

	while (bytes && !w->error) {
		size_t n = bytes < sizeof(w->raw) ? (size_t)bytes : sizeof(w->raw);
		ssize_t got = pread(s->fd, w->raw, n, (off_t)offset);

		if (got < 0)
			w->error = errno;
		if (got <= 0)
			break;
		put_array(w, PACK_RECORD, offset, w->raw, (uint64_t)got, 1);
		offset += (uint64_t)got;
		bytes -= (uint64_t)got;
	}
}

int pack_write(int fd, const struct pack_source *s)
{
	struct writer *w = malloc(sizeof(*w));
	uint64_t tail = tail_bytes(s), offset = 0;
	struct pack_header h = {
		.magic = PACK_MAGIC, .version = PACK_VERSION, .flags = s->flags, .moment_ns = s->moment_ns,
		.record_bytes = s->table->head->size_bytes + tail,
	};
	int error;

	for (unsigned i = 0; i < s->names_count; i++)
		h.names_bytes += s->names[i].bytes;
	if (h.names_bytes > PACK_NAMES_MOST)
		error = EFBIG;
	else
		error = w ? 0 : ENOMEM;
	if (error) {
		free(w);
		return error;
	}
	w->fd = fd;
	w->error = 0;
	put(w, &h, sizeof(h));
	put_table(w, s->table);
	put_tail(w, s, tail);
	if (s->seen) {
		pack_figures_put(&w->seen, s->seen);
		put_array(w, PACK_SEEN, 0, &w->seen, sizeof(w->seen), 8);
	}
	for (unsigned i = 0; i < s->names_count; offset += s->names[i++].bytes)
		put_array(w, PACK_NAMES, offset, s->names[i].start, s->names[i].bytes, s->names[i].each);
	put(w, &(struct pack_piece){ .kind = PACK_END, .each = 1 }, sizeof(struct pack_piece));
	error = w->error;
	free(w);
	return error;
}
