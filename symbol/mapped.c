/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See mapped.h. A line of /proc/self/maps begins with the two numbers of which the name in
 * map_files consists:
 *
 *	7f52c6c00000-7f52c6c28000 r--p 00000000 fe:01 1310803	/usr/lib/libc.so.6
 */
#include "symbol/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/safe_open.h"
#include "symbol/hex.h"

#define BUFFER_BYTES	16384

/* If a line begins with `wanted`, the first number with its minus ("7f52c6c00000-"), the place
 * behind; else NULL. */
static const char *match_start(const char *line, const char *wanted)
{
	size_t len = strlen(wanted), zeros = strspn(line, "0");

	return strncmp(line + zeros, wanted, len) ? NULL : line + zeros + len;
}

/* The last field of a line, after the two numbers, the flags, the offset, the device and the inode.
 * */
static char *file_name(char *line)
{
	for (int field = 0; field < 5; field++) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return line;
}

struct mapping {
	const char *end;	/* its end address in hexadecimal digits */
	size_t end_digits;
	const char *name;
};

/* Finds the mapping that starts at an address, given as hexadecimal digits and a minus, in the list
 * of mappings at a path. *m points into memory of the arena. */
static bool find_mapping(const char *path, const char *wanted, struct mapping *m, struct arena *arena)
{
	char *buf = arena_alloc(arena, BUFFER_BYTES);
	int fd = safe_open_read(AT_FDCWD, path, O_RDONLY);
	bool found = false;
	size_t have = 0;
	ssize_t got = 0;

	while (fd >= 0 && buf && !found) {
		char *line = buf, *end;

		got = read(fd, buf + have, BUFFER_BYTES - 1 - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		have += (size_t)got;
		buf[have] = '\0';
		for (; !found && (end = strchr(line, '\n')); line = end + 1) {
			const char *second = match_start(line, wanted);

			if (!second)
				continue;
			*end = '\0';
			m->end = second + strspn(second, "0");
			m->end_digits = strspn(m->end, "0123456789abcdef");
			m->name = file_name(line);
			found = m->end_digits && m->end_digits <= 16;
		}
		if (found)
			break;
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
		if (have == BUFFER_BYTES - 1)	/* the kernel writes no such lines */
			break;
	}
	if (fd >= 0)
		close(fd);
	return found;
}

/* As find_mapping(), by number. wanted: 18 bytes, which get the number's digits and a minus. */
static bool find_start(const char *proc, uint64_t start, char *wanted, struct mapping *m,
		       struct arena *arena)
{
	char path[32], *to = put_hex(wanted, start);

	strcpy(to, "-");
	strcpy(stpcpy(path, proc), "/maps");
	return find_mapping(path, wanted, m, arena);
}

bool mapped_path(const char *proc, uint64_t start, char path[MAPPED_PATH_BYTES],
		 struct arena *arena)
{
	char *to = stpcpy(stpcpy(path, proc), "/map_files/");
	struct mapping m;

	if (!find_start(proc, start, to, &m, arena))
		return false;
	to += strlen(to);
	memcpy(to, m.end, m.end_digits);
	to[m.end_digits] = '\0';
	return true;
}

const char *mapped_name(const char *proc, uint64_t start, struct arena *arena)
{
	char wanted[18];
	struct mapping m;

	return find_start(proc, start, wanted, &m, arena) && m.name[0] == '/' ? m.name : NULL;
}
