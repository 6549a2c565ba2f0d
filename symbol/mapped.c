/* SPDX-License-Identifier: GPL-2.0-only */
/* See mapped.h. A line of /proc/self/maps begins with the two numbers that the name is made of:
 *
 *	7f52c6c00000-7f52c6c28000 r--p 00000000 fe:01 1310803	/usr/lib/libc.so.6
 */
#include "symbol/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "symbol/hex.h"

#define BUFFER_BYTES	16384

/* The second number of a line whose first one is `wanted`, with its minus: "7f...-"; or NULL. */
static const char *match_start(const char *line, const char *wanted)
{
	size_t len = strlen(wanted), zeros = strspn(line, "0");

	return strncmp(line + zeros, wanted, len) ? NULL : line + zeros + len;
}

bool mapped_path(const char *proc, uint64_t start, char path[MAPPED_PATH_BYTES],
		 struct arena *arena)
{
	char *buf = arena_alloc(arena, BUFFER_BYTES), *to = stpcpy(path, proc), *first;
	bool found = false;
	size_t have = 0;
	ssize_t got = 0;
	int fd;

	strcpy(to, "/maps");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	first = stpcpy(to, "/map_files/");
	to = put_hex(first, start);
	*to++ = '-';
	*to = '\0';
	while (fd >= 0 && buf && !found) {
		char *line = buf, *end;

		got = read(fd, buf + have, BUFFER_BYTES - 1 - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		have += (size_t)got;
		buf[have] = '\0';
		while (!found && (end = strchr(line, '\n'))) {
			const char *second = match_start(line, first);
			size_t len = 0;

			if (second) {
				second += strspn(second, "0");
				len = strspn(second, "0123456789abcdef");
			}
			if (len && len <= 16) {
				memcpy(to, second, len);
				to[len] = '\0';
				found = true;
			}
			line = end + 1;
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
		if (have == BUFFER_BYTES - 1)	/* no line of this file */
			break;
	}
	if (fd >= 0)
		close(fd);
	return found;
}
