/* SPDX-License-Identifier: GPL-2.0-only */
/* See rules.h. */
#include "rules.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Packs the lines of size_bytes of text into rules, in place: never longer than they were. */
static void pack(struct rules *r, size_t size_bytes)
{
	char *from = r->text, *end = r->text + size_bytes, *to = r->text;

	while (from < end) {
		char *eol = memchr(from, '\n', (size_t)(end - from));
		char *next = eol ? eol + 1 : end, *stop = eol ? eol : end;

		while (from < stop && strchr(" \t\r", *from))
			from++;
		while (stop > from && strchr(" \t\r", stop[-1]))
			stop--;
		if (from < stop && *from != '#') {
			memmove(to, from, (size_t)(stop - from));
			to += stop - from;
			*to++ = '\0';
			r->count++;
		}
		from = next;
	}
	r->text_bytes = (size_t)(to - r->text);
}

int rules_read(struct rules *r, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), error = 0;
	size_t len = 0;

	*r = (struct rules){ 0 };
	if (fd < 0)
		return errno;
	r->text = arena_map(RULES_BYTES_MAX + 1);
	while (r->text && len <= RULES_BYTES_MAX) {
		ssize_t n = read(fd, r->text + len, RULES_BYTES_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			error = errno;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	if (!r->text)
		return ENOMEM;
	if (!error && len > RULES_BYTES_MAX)
		error = EFBIG;
	if (error) {
		arena_unmap(r->text, RULES_BYTES_MAX + 1);
		*r = (struct rules){ 0 };
		return error;
	}
	pack(r, len);
	return 0;
}

bool rules_match(const struct rules *r, const char *line)
{
	for (const char *rule = r->text; rule < r->text + r->text_bytes; rule += strlen(rule) + 1) {
		if (strstr(line, rule))
			return true;
	}
	return false;
}
