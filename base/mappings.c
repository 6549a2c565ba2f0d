/* SPDX-License-Identifier: GPL-2.0-only */
/* See mappings.h. */
#include "mappings.h"

#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

bool mappings_open(struct mappings *list, uint32_t pid)
{
	char path[32];
	struct out text = out_memory(path, sizeof(path));

	out_text(&text, "/proc/");
	if (pid)
		out_u64(&text, pid);
	else
		out_text(&text, "self");
	out_text(&text, "/maps");
	list->failed = false;
	list->at = list->bytes = 0;
	list->fd = open(path, O_RDONLY | O_CLOEXEC);
	return list->fd >= 0;
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

bool mappings_next(struct mappings *list, struct mapping *m)
{
	size_t len = 0;

	while (fill(list)) {
		char c = list->part[list->at++];

		if (c != '\n') {
			if (len + 1 < sizeof(list->line))
				list->line[len++] = c;
			continue;
		}
		list->line[len] = '\0';
		len = 0;
		if (mapping_parse(list->line, m))
			return true;
	}
	return false;
}

void mappings_close(struct mappings *list)
{
	close(list->fd);
}
