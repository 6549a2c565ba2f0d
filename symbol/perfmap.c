/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See perfmap.h. The file is read once, piece by piece. To find the last line for each address,
 * there is a segment tree over the addresses, as in match.c. The place of a line in the file is
 * written to the O(log n) nodes that stand for its addresses. Later places are greater, so no
 * comparison is needed. At the end, an address takes the greatest of its leaf's ancestors, and that
 * line is read again for its name.
 *
 * The last line may be half written, if the program is stopped there. A line without its end is
 * ignored.
 */
#define _FILE_OFFSET_BITS 64

#include "symbol/perfmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/safe_open.h"
#include "base/search.h"
#include "symbol/elf_file.h"

#define BUFFER_BYTES	(ELF_NAME_MAX + 64)	/* the longest line of interest */

struct perfmap {
	int fd;
	char *buffer;		/* BUFFER_BYTES */
	const struct symbol *syms;
	size_t n;
	uint64_t *tree;		/* 2n nodes: the offset of a line in the file plus 1, or 0 */
	bool any;		/* some line has the format */
};

/* The fields of a line. The name is not copied and ends at the end of the line. */
struct code {
	uint64_t start, end;
	const char *name;
	size_t name_bytes;
};

/* Reads a number that a blank follows, and moves *p behind both. */
static bool parse_hex(const char **p, const char *end, uint64_t *value)
{
	const char *at = *p;
	unsigned digits = 0;

	if (end - at >= 2 && at[0] == '0' && (at[1] | 32) == 'x')
		at += 2;
	for (*value = 0; at < end; at++, digits++) {
		unsigned c = (unsigned char)*at, letter = (c | 32) - 'a';

		if (c - '0' < 10)
			*value = *value << 4 | (c - '0');
		else if (letter < 6)
			*value = *value << 4 | (letter + 10);
		else
			break;
	}
	if (!digits || digits > 16 || at == end || *at != ' ')
		return false;
	*p = at + 1;
	return true;
}

static bool parse_line(const char *line, const char *end, struct code *code)
{
	uint64_t size_bytes;

	if (!parse_hex(&line, end, &code->start) || !parse_hex(&line, end, &size_bytes))
		return false;
	while (line < end && *line == ' ')
		line++;
	code->end = size_bytes < UINT64_MAX - code->start ? code->start + size_bytes : UINT64_MAX;
	code->name = line;
	code->name_bytes = (size_t)(end - line);
	return line < end && code->name_bytes <= ELF_NAME_MAX && !memchr(line, 0, code->name_bytes);
}

static size_t lower_bound(const struct perfmap *m, uint64_t addr)
{
	return search_first(m->n, i, m->syms[i].addr < addr);
}

static void take_line(struct perfmap *m, const char *line, const char *end, uint64_t offset)
{
	struct code code;
	size_t from, to;

	if (!parse_line(line, end, &code))
		return;
	m->any = true;
	from = lower_bound(m, code.start) + m->n;
	to = lower_bound(m, code.end) + m->n;
	for (; from < to; from /= 2, to /= 2) {
		if (from & 1)
			m->tree[from++] = offset + 1;
		if (to & 1)
			m->tree[--to] = offset + 1;
	}
}

/* Reads at most size_bytes bytes. 0: the file has ended, or cannot be read. */
static size_t read_some(int fd, uint64_t offset, char *buf, size_t size_bytes)
{
	ssize_t got;

	do {
		got = pread(fd, buf, size_bytes, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? 0 : (size_t)got;
}

/* Reads all lines from an offset on. Lines longer than the buffer are left out. */
static void read_lines(struct perfmap *m, uint64_t offset)
{
	bool skip = offset > 0;		/* the offset is somewhere within a line */
	uint64_t left = PERFMAP_BYTES_MAX;
	size_t have = 0, got;

	while (left && (got = read_some(m->fd, offset + have, m->buffer + have,
					BUFFER_BYTES - have))) {
		const char *line = m->buffer, *end;

		left -= got < left ? got : left;
		have += got;
		while ((end = memchr(line, '\n', have - (size_t)(line - m->buffer)))) {
			if (!skip)
				take_line(m, line, end, offset + (size_t)(line - m->buffer));
			skip = false;
			line = end + 1;
		}
		if (line == m->buffer && have == BUFFER_BYTES) {
			skip = true;
			line += have;
		}
		have -= (size_t)(line - m->buffer);
		memmove(m->buffer, line, have);
		offset += (size_t)(line - m->buffer);
	}
}

/* Sets the names. Neighbouring addresses that belong to one line share the copy of its name. */
static int fetch_names(struct perfmap *m, struct symbol *syms, struct arena *arena)
{
	uint64_t last = 0;
	struct code code = { .name = NULL };
	const char *name = NULL;

	for (size_t i = 0; i < m->n; i++) {
		uint64_t best = 0;

		for (size_t node = i + m->n; node; node /= 2) {
			if (m->tree[node] > best)
				best = m->tree[node];
		}
		if (!best)
			continue;
		if (best != last) {
			size_t got = read_some(m->fd, best - 1, m->buffer, BUFFER_BYTES);
			const char *end = memchr(m->buffer, '\n', got);

			last = best;
			name = NULL;
			if (end && parse_line(m->buffer, end, &code)) {
				name = arena_copy(arena, code.name, code.name_bytes);
				if (!name)
					return SYMBOL_NO_MEMORY;
			}
		}
		/* The program may have written another line there meanwhile. */
		if (name && syms[i].addr >= code.start && syms[i].addr < code.end) {
			syms[i].name = name;
			syms[i].start = code.start;
		}
	}
	return SYMBOL_OK;
}

/* Opens the file if it is safe to read. Returns the descriptor or -1. */
static int open_map(const char *path, uint64_t *size_bytes)
{
	int fd = safe_open_read(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < 0 ||
	    (st.st_uid != geteuid() && st.st_uid)) {
		close(fd);
		return -1;
	}
	*size_bytes = (uint64_t)st.st_size;
	return fd;
}

int perfmap_resolve(const char *path, struct symbol *syms, size_t n, struct arena *arena)
{
	struct arena scratch = { .chunk = NULL };
	struct perfmap m = { .syms = syms, .n = n };
	int saved = errno, error = SYMBOL_NO_MEMORY;
	uint64_t size_bytes;

	m.fd = open_map(path, &size_bytes);
	if (m.fd < 0) {
		errno = saved;
		return SYMBOL_NO_FILE;
	}
	m.buffer = arena_alloc(&scratch, BUFFER_BYTES);
	if (n <= SIZE_MAX / (2 * sizeof(m.tree[0])))
		m.tree = arena_alloc(&scratch, 2 * n * sizeof(m.tree[0]));
	if (m.buffer && m.tree) {
		read_lines(&m, size_bytes > PERFMAP_BYTES_MAX ? size_bytes - PERFMAP_BYTES_MAX : 0);
		error = m.any ? fetch_names(&m, syms, arena) : SYMBOL_NO_SYMBOLS;
	}
	close(m.fd);
	arena_release(&scratch);
	errno = saved;
	return error;
}
