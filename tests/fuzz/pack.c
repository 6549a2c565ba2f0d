/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: a packed record. The checks of its pieces are made right first, because hardly an input would get past
 * them otherwise. What is unpacked is loaded and reported with the names that it has, which are looked up nowhere else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/format.h"
#include "pack/compress.h"
#include "pack/names.h"
#include "pack/pack.h"
#include "table/layout.h"
#include "table/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct options options;
static struct compress_work work;
static uint8_t raw[COMPRESS_PIECE_BYTES];

static void make_right(uint8_t *data, size_t size)
{
	struct pack_piece piece;

	for (size_t at = sizeof(struct pack_header); size - at > sizeof(piece); at += sizeof(piece) + piece.packed_bytes) {
		memcpy(&piece, data + at, sizeof(piece));
		if (piece.bytes > sizeof(raw) || piece.packed_bytes >= size - at - sizeof(piece) ||
		    !compress_expand(data + at + sizeof(piece), piece.packed_bytes, raw, piece.bytes, piece.each, &work))
			break;
		piece.check = pack_check(raw, piece.bytes);
		memcpy(data + at, &piece, sizeof(piece));
	}
}

/* No module's file is read, nor the map of a process: what has no names in the store has none. */
static bool find_nothing(struct names_store *store, const struct module *m, struct names_file *file,
			 struct symbol *symbols, size_t n)
{
	(void)store, (void)m, (void)file;
	for (size_t i = 0; i < n; i++)
		symbols[i] = (struct symbol){ .addr = symbols[i].addr };
	return true;
}

static struct names_store *inner;

static bool find_stored(struct names_store *store, const struct module *m, struct names_file *file,
			struct symbol *symbols, size_t n)
{
	return (inner && inner->find(inner, m, file, symbols, n)) || find_nothing(store, m, file, symbols, n);
}

static void report(struct table *t, const struct model_seen *seen, const struct format *format)
{
	struct names_store store = { .find = find_stored };
	struct arena arena = { .chunk = NULL };
	static char buf[65536];
	struct model_request q = {
		.table = t, .options = &options, .sort = { SORT_SIZE }, .sort_count = 1, .rows = format->rows,
		.figures = format->figures, .foreign = true, .now_ns = 1, .store = &store, .seen = seen,
		.process = { .pid = t->head->pid, .command = t->head->command },
	};
	struct model *m;
	struct out out;

	out_init(&out, -1, buf, sizeof(buf));
	if (model_make(&m, &q, &arena) == MODEL_DONE)
		format->write(m, &arena, &out);
	arena_release(&arena);
}

/* Makes the fixed fields of the table's header those of this version, so that the corpus outlives a new version. */
static void adapt(int fd)
{
	struct table_header h, most;

	if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) || memcmp(h.magic, TABLE_MAGIC, sizeof(h.magic)) ||
	    h.rows_log2 < TABLE_LOG2_LEAST || h.rows_log2 > TABLE_LOG2_MOST)
		return;
	layout_header(&most, h.rows_log2);
	h.version = most.version;
	h.word_bits = most.word_bits;
	h.size_bytes = most.size_bytes;
	memcpy(&h.rows_offset, &most.rows_offset,
	       offsetof(struct table_header, rows_log2) - offsetof(struct table_header, rows_offset));
	if (ftruncate(fd, (off_t)h.size_bytes) || pwrite(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		abort();
}

static void examine(struct pack *pack)
{
	struct model_seen seen;
	struct table t;

	pack_figures_get(&seen, &pack->seen);
	adapt(pack->fd);
	if (load_table(&t, pack->fd, 0) == LOAD_OK) {
		inner = pack->names ? pack_names_open(&t, pack->names, pack->names_bytes) : NULL;
		pack->names = NULL;
		report(&t, pack->has_seen ? &seen : NULL, &text_format);
		report(&t, pack->has_seen ? &seen : NULL, &text_report_format);
		report(&t, pack->has_seen ? &seen : NULL, &json_format);
		report(&t, pack->has_seen ? &seen : NULL, &svg_format);
		pack_names_close(inner);
		load_release(&t);
	}
	free(pack->names);
	close(pack->fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	struct pack pack;
	uint8_t *copy;

	if (file < 0) {
		options_init(&options);
		options.top = 20;
		file = memfd_create("fuzz", MFD_CLOEXEC);
		if (file < 0)
			abort();
	}
	if (size < sizeof(struct pack_header))
		return 0;
	copy = malloc(size);
	memcpy(copy, data, size);
	make_right(copy, size);
	if (ftruncate(file, 0) || pwrite(file, copy, size, 0) != (ssize_t)size || lseek(file, 0, SEEK_SET))
		abort();
	free(copy);
	if (pack_read(file, &pack) == PACK_OK)
		examine(&pack);
	return 0;
}
