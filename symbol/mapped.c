/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See mapped.h. The lines of PROC/maps (base/mappings.h) are read through a buffer in the arena that
 * is large enough for the longest path. The name of a mapping in PROC/map_files consists of its two
 * addresses.
 */
#include "symbol/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mappings.h"
#include "base/safe_open.h"
#include "symbol/hex.h"

#define BUFFER_BYTES	16384

/* Finds the mapping that starts at an address. *m points into memory of the arena. */
static bool find_mapping(const char *proc, uint64_t start, struct mapping *m, struct arena *arena)
{
	char path[32], *buf = arena_alloc_buffer(arena, BUFFER_BYTES);
	bool found = false;
	size_t have = 0;
	ssize_t got;
	int fd;

	strcpy(stpcpy(path, proc), "/maps");
	fd = safe_open_read(AT_FDCWD, path, O_RDONLY);
	while (fd >= 0 && buf && !found && have < BUFFER_BYTES - 1) {
		char *line = buf, *end;

		got = read(fd, buf + have, BUFFER_BYTES - 1 - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		have += (size_t)got;
		buf[have] = '\0';
		for (; !found && (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			found = mapping_parse(line, m) && m->start == start;
		}
		if (found)
			break;
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
	}
	if (fd >= 0)
		close(fd);
	return found;
}

bool mapped_path(const char *proc, uint64_t start, char path[MAPPED_PATH_BYTES],
		 struct arena *arena)
{
	struct mapping m;
	char *to;

	if (!find_mapping(proc, start, &m, arena))
		return false;
	to = hex_put(stpcpy(stpcpy(path, proc), "/map_files/"), m.start);
	*to++ = '-';
	*hex_put(to, m.end) = '\0';
	return true;
}

const char *mapped_name(const char *proc, uint64_t start, struct arena *arena)
{
	struct mapping m;

	return find_mapping(proc, start, &m, arena) && m.path[0] == '/' ? m.path : NULL;
}
