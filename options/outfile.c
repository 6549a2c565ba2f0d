/* SPDX-License-Identifier: GPL-2.0-only */
/* See outfile.h. */
#include "outfile.h"

#include "base/out.h"
#include "base/safe_open.h"
#include "options.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool outfile_is_numbered(const char *template)
{
	for (const char *p = template; (p = strchr(p, '%')) && p[1]; p += 2) {
		if (p[1] == 'n')
			return true;
	}
	return false;
}

bool outfile_expand(const char *template, uint32_t pid, const char *command, uint32_t number,
		     bool add_pid, char *buf, size_t size_bytes)
{
	struct out t = out_memory(buf, size_bytes);

	if (!strcmp(template, "-"))
		add_pid = false;
	for (const char *p = template; *p; p++) {
		if (*p != '%' || !p[1] || !strchr("pcn%", p[1])) {
			out_char(&t, *p);
			continue;
		}
		switch (*++p) {
		case 'p':
			out_u64(&t, pid);
			add_pid = false;
			break;
		case 'n':
			out_u64(&t, number);
			break;
		case 'c':
			for (const char *c = command; *c; c++)
				out_char(&t, *c == '/' ? '_' : *c);
			break;
		default:
			out_char(&t, '%');
		}
	}
	if (add_pid) {
		out_char(&t, '.');
		out_u64(&t, pid);
	}
	return !t.lost;
}

bool outfile_set_descriptor(struct options *o, int fd, char text[OUTFILE_TEXT_BYTES])
{
	struct out t = out_memory(text, OUTFILE_TEXT_BYTES);
	struct stat st;

	if (fstat(fd, &st))
		return false;
	out_u64(&t, (uint64_t)fd);
	out_char(&t, '.');
	out_u64(&t, st.st_dev);
	out_char(&t, '.');
	out_u64(&t, st.st_ino);
	o->outfile_is = text;
	return true;
}

void outfile_resolve(struct options *o, char text[OUTFILE_TEXT_BYTES])
{
	int saved = errno, number;
	struct stat st;

	o->outfile_is = NULL;
	if (!o->outfile || strchr(o->outfile, '%'))
		return;
	number = safe_open_descriptor(o->outfile);
	/* The ending of a name that is replaced here may choose the format: that of a link heap.json to /dev/stdout. */
	if (number >= 0 && options_format(o) != OUTPUT_TEXT)
		o->format = options_format(o);
	if (number < 0 || fstat(number, &st))
		errno = saved;
	else if (number == STDOUT_FILENO)
		o->outfile = "-";
	else if (number == STDERR_FILENO)
		o->outfile = NULL;
	else
		outfile_set_descriptor(o, number, text);
}

/* Reads one of the numbers of "NUMBER.DEVICE.INODE" and moves *text behind it. */
static uint64_t next_number(const char **text)
{
	uint64_t number = 0;

	for (; **text >= '0' && **text <= '9'; (*text)++)
		number = 10 * number + (uint64_t)(**text - '0');
	if (**text == '.')
		(*text)++;
	return number;
}

int outfile_descriptor(const struct options *o)
{
	const char *at = o->outfile_is;
	int saved = errno, fd;
	struct stat st;
	uint64_t device;

	if (!at)
		return -1;
	fd = (int)next_number(&at);
	device = next_number(&at);
	if (fstat(fd, &st) || st.st_dev != device || st.st_ino != next_number(&at))
		fd = -1;
	errno = saved;
	return fd;
}
