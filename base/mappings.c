/* SPDX-License-Identifier: GPL-2.0-only */
/* See mappings.h. */
#include "mappings.h"

#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FIGURE_DIGITS	15	/* a figure in KB with so many digits is less than 2^64 bytes */

static uint64_t parse_number(const char **p, unsigned radix)
{
	uint64_t v = 0;

	for (;; (*p)++) {
		unsigned c = (unsigned char)**p;
		unsigned digit = c - '0' < 10 ? c - '0' : c - 'a' < 6 ? c - 'a' + 10 : radix;

		if (digit >= radix)
			return v;
		v = v * radix + digit;
	}
}

bool mapping_parse(const char *line, struct mapping *m)
{
	m->start = parse_number(&line, 16);
	if (*line++ != '-')
		return false;
	m->end = parse_number(&line, 16);
	if (*line != ' ' || strlen(line) < 7)
		return false;
	m->access = line + 1;
	line += 6;
	m->offset = parse_number(&line, 16);
	line += *line == ' ';
	m->device = line;
	m->device_bytes = strcspn(line, " ");
	line += m->device_bytes;
	line += *line == ' ';
	m->inode = parse_number(&line, 10);
	m->path = line + strspn(line, " ");
	return true;
}

bool mapping_figure(const char *line, const char *name, uint64_t *bytes)
{
	size_t len = strlen(name), digits;
	const char *number;
	uint64_t kb;

	if (strncmp(line, name, len))
		return false;
	number = line + len + strspn(line + len, " ");
	digits = strspn(number, "0123456789");
	if (!digits || digits > FIGURE_DIGITS || strcmp(number + digits, " kB"))
		return false;
	kb = parse_number(&number, 10);
	*bytes = kb * 1024;
	return true;
}

static bool begin(struct mappings *list, int fd)
{
	list->failed = false;
	list->at = list->bytes = 0;
	list->fd = fd;
	return fd >= 0;
}

bool mappings_open(struct mappings *list, uint32_t pid)
{
	char path[PROC_PATH_BYTES];

	proc_path(path, pid, "maps");
	return begin(list, open(path, O_RDONLY | O_CLOEXEC));
}

bool mappings_open_figures(struct mappings *list, uint32_t pid)
{
	return begin(list, proc_open(pid, "smaps"));
}

/* Reads the next part of the file if the last one is used up. Returns false at the file's end or on an error. */
static bool fill(struct mappings *list)
{
	ssize_t n;

	if (list->at < list->bytes)
		return true;
	while ((n = read(list->fd, list->part, sizeof(list->part))) < 0 && errno == EINTR)
		;
	list->failed = n < 0;
	list->at = 0;
	list->bytes = n > 0 ? (size_t)n : 0;
	return n > 0;
}

char *mappings_line(struct mappings *list)
{
	size_t len = 0;

	while (fill(list)) {
		const char *from = list->part + list->at;
		const char *end = memchr(from, '\n', list->bytes - list->at);
		size_t bytes = end ? (size_t)(end - from) : list->bytes - list->at, room = sizeof(list->line) - 1 - len;

		list->at += bytes + (end != NULL);
		bytes = bytes < room ? bytes : room;
		memcpy(list->line + len, from, bytes);
		len += bytes;
		if (end) {
			list->line[len] = '\0';
			return list->line;
		}
	}
	return NULL;
}

bool mappings_next(struct mappings *list, struct mapping *m)
{
	while (mappings_line(list)) {
		if (mapping_parse(list->line, m))
			return true;
	}
	return false;
}

void mappings_close(struct mappings *list)
{
	close(list->fd);
}
