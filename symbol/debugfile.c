/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See debugfile.h. Section .gnu_debuglink holds the debug file's name, zeros up to a multiple of 4,
 * and a CRC in the byte order of the ELF file:
 *
 *	30 66 62 30 31 39 2e 64 65 62 75 67 00 00 00 00  d3 c1 09 5e	0fb019.debug
 */
#include "symbol/debugfile.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32.h"
#include "symbol/mapped.h"

#define BUILD_ID_MAX	64
#define LINK_MAX	(NAME_MAX + 8)

struct search {
	struct elf *debug, *main;
	struct arena *arena;
	const char *dirs;		/* symbol_file.debug_dirs, or "" */
	uint8_t id[BUILD_ID_MAX];	/* the build id of the main file */
	size_t id_bytes;
	char link[LINK_MAX];		/* the name from .gnu_debuglink; "": none */
	uint32_t crc;			/* from .gnu_debuglink */
	bool mismatch;			/* a candidate belongs to another file */
	char *path;			/* of the next candidate; PATH_MAX bytes */
	size_t length;			/* of path; PATH_MAX: the path is too long */
};

/* Paths */

static void add(struct search *s, const char *text, size_t len)
{
	if (len >= PATH_MAX - s->length) {
		s->length = PATH_MAX;
		return;
	}
	memcpy(s->path + s->length, text, len);
	s->length += len;
	s->path[s->length] = '\0';
}

static void add_text(struct search *s, const char *text)
{
	if (s->length < PATH_MAX)
		add(s, text, strlen(text));
}

static void add_hex(struct search *s, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count && s->length < PATH_MAX; i++) {
		char digits[2] = {
			"0123456789abcdef"[bytes[i] >> 4], "0123456789abcdef"[bytes[i] & 15],
		};

		add(s, digits, 2);
	}
}

/* Starts a path with the next directory of debug_dirs, and last /usr/lib/debug. *at is where the
 * list goes on. False: there are no more directories. */
static bool next_dir(struct search *s, const char **at)
{
	static const char last[] = "/usr/lib/debug";

	s->length = 0;
	while (*at && **at) {
		const char *dir = *at;
		size_t len = strcspn(dir, ":");

		*at += len + (dir[len] == ':');
		if (len) {
			add(s, dir, len);
			return true;
		}
	}
	if (!*at)
		return false;
	*at = NULL;
	add_text(s, last);
	return true;
}

/* Candidates */

/* Computes the CRC-32 of a file, which is read in pieces. False: the file cannot be read. */
static bool crc_of(struct elf *e, uint32_t *crc)
{
	*crc = 0;
	for (uint64_t at = 0; at < e->size_bytes; at += ELF_CHUNK_BYTES) {
		uint64_t bytes = e->size_bytes - at;

		if (bytes > ELF_CHUNK_BYTES)
			bytes = ELF_CHUNK_BYTES;
		if (!elf_read(e, at, e->chunk, bytes))
			return false;
		*crc = crc32_add(*crc, e->chunk, bytes);
	}
	return true;
}

static bool is_same_file(const struct elf *a, const struct elf *b)
{
	struct stat x, y;

	return !fstat(a->fd, &x) && !fstat(b->fd, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Whether the candidate is the debug file: by build id, or if neither file has one, by the CRC. */
static bool belongs(struct search *s, bool by_link)
{
	uint8_t id[BUILD_ID_MAX];
	int id_bytes = elf_build_id(s->debug, id, sizeof(id));
	uint32_t crc;

	if (s->debug->machine != s->main->machine || s->debug->wide != s->main->wide)
		return false;
	if (s->id_bytes || id_bytes > 0)
		return (size_t)id_bytes == s->id_bytes &&
		       !memcmp(id, s->id, s->id_bytes < sizeof(id) ? s->id_bytes : sizeof(id));
	return by_link && crc_of(s->debug, &crc) && crc == s->crc;
}

/* Opens the file at s->path as s->debug if it is the debug file. */
static bool try(struct search *s, bool by_link)
{
	if (s->length >= PATH_MAX || elf_open(s->debug, s->path, s->arena))
		return false;
	if (!is_same_file(s->debug, s->main)) {
		if (belongs(s, by_link))
			return true;
		s->mismatch = true;
	}
	elf_close(s->debug);
	return false;
}

static bool by_build_id(struct search *s)
{
	const char *at = s->dirs;

	if (s->id_bytes < 2 || s->id_bytes > BUILD_ID_MAX)
		return false;
	while (next_dir(s, &at)) {
		add_text(s, "/.build-id/");
		add_hex(s, s->id, 1);
		add_text(s, "/");
		add_hex(s, s->id + 1, s->id_bytes - 1);
		add_text(s, ".debug");
		if (try(s, false))
			return true;
	}
	return false;
}

/* Reads the section. A name with a directory in it is refused, because it could lead anywhere. */
static bool read_link(struct search *s, const struct elf_section *section)
{
	size_t bytes = section->size_bytes < LINK_MAX ? section->size_bytes : 0, length;

	if (bytes < 8 || !elf_read(s->main, section->offset, s->link, bytes))
		return false;
	length = strnlen(s->link, bytes);
	if (!length || (length | 3) + 5 > bytes || memchr(s->link, '/', length))
		return false;
	memcpy(&s->crc, s->link + (length | 3) + 1, sizeof(s->crc));
	return true;
}

/* Tries the three paths for a directory place[0..len), which ends with a slash. The third kind of
 * path is for absolute directories only. */
static bool by_link_at(struct search *s, const char *place, size_t len)
{
	const char *at = s->dirs;

	s->length = 0;
	add(s, place, len);
	add_text(s, s->link);
	if (try(s, true))
		return true;
	s->length = 0;
	add(s, place, len);
	add_text(s, ".debug/");
	add_text(s, s->link);
	if (try(s, true))
		return true;
	while (len && place[0] == '/' && next_dir(s, &at)) {
		if (s->length < PATH_MAX)
			add(s, place, len);
		add_text(s, s->link);
		if (try(s, true))
			return true;
	}
	return false;
}

/* The length of a path up to its last slash and with it. */
static size_t directory_bytes(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash + 1 - path) : 0;
}

/* Writes a path such as /proc/self/fd/12. */
static void fd_path(int fd, char *to)
{
	char digits[12], *p = digits + sizeof(digits);

	memcpy(to, "/proc/self/fd/", 14);
	*--p = '\0';
	do {
		*--p = (char)('0' + fd % 10);
		fd /= 10;
	} while (fd);
	memcpy(to + 14, p, (size_t)(digits + sizeof(digits) - p));
}

/* The file's path without symbolic links, or NULL. In the traced process, whose seccomp filters may
 * forbid readlink(2), it comes from the kernel's list of mappings. */
static const char *real_path(struct search *s, const struct symbol_file *file)
{
	char *real, proc[32];
	ssize_t got;

	if (!file->outside)
		return file->mapped_at ? mapped_name("/proc/self", file->mapped_at, s->arena) : NULL;
	fd_path(s->main->fd, proc);
	real = arena_alloc(s->arena, PATH_MAX);
	got = real ? readlink(proc, real, PATH_MAX - 1) : -1;
	if (got <= 0)
		return NULL;
	real[got] = '\0';
	return real;
}

/* Looks beside the file, both under the path that the loader knows and under the path without
 * symbolic links: /lib is a link to /usr/lib on many systems, and packages use either name. */
static bool by_link(struct search *s, const struct symbol_file *file)
{
	const char *path = file->path, *real;

	if (path[0] && by_link_at(s, path, directory_bytes(path)))
		return true;
	real = real_path(s, file);
	if (!real)
		return false;
	if (directory_bytes(real) == directory_bytes(path) &&
	    !memcmp(real, path, directory_bytes(path)))
		return false;
	return by_link_at(s, real, directory_bytes(real));
}

bool debugfile_open(struct elf *debug, struct elf *main, struct symbol_file *file,
		    struct arena *arena)
{
	struct search *s = arena_alloc(arena, sizeof(*s));
	struct elf_section section;
	int id_bytes;

	if (!s)
		return false;
	s->debug = debug;
	s->main = main;
	s->arena = arena;
	s->dirs = file->debug_dirs ? file->debug_dirs : "";
	s->path = arena_alloc(arena, PATH_MAX);
	if (!s->path)
		return false;
	id_bytes = elf_build_id(main, s->id, sizeof(s->id));
	s->id_bytes = id_bytes > 0 ? (size_t)id_bytes : 0;
	if (by_build_id(s))
		return true;
	elf_sections_named(main, ".gnu_debuglink", 1, &section);
	if (section.type && read_link(s, &section) && by_link(s, file))
		return true;
	if (s->mismatch)
		file->unread |= SYMBOL_UNREAD_MISMATCH;
	return false;
}
