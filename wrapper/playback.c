/* SPDX-License-Identifier: GPL-2.0-only */
/* See playback.h. */
#include "playback.h"

#include "report/dump.h"
#include "table/load.h"
#include "table/row.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the process that the header names has the file mapped: then it runs, here. A line of
 * /proc/PID/maps: "7f1c2a000000-7f1c52000000 rw-s 00000000 08:01 1234567   /var/tmp/heap". */
static bool is_mapped(uint32_t pid, int fd)
{
	char path[64], *line = NULL;
	unsigned long inode;
	size_t room = 0;
	bool found = false;
	struct stat st;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%u/maps", (unsigned)pid);
	maps = fstat(fd, &st) ? NULL : fopen(path, "re");
	while (maps && !found && getline(&line, &room, maps) > 0)
		found = sscanf(line, "%*s rw-s %*s %*s %lu", &inode) == 1 && inode == st.st_ino;
	free(line);
	if (maps)
		fclose(maps);
	return found;
}

/* The newest moment that a table knows of. */
static uint64_t last_moment(const struct table *t)
{
	uint64_t last = 0;

	for (uint32_t i = ROW_OVERFLOW; i < table_row_end(t); i++) {
		if (t->rows[i].since_ns > last)
			last = t->rows[i].since_ns;
	}
	return last ? last : 1;
}

/* NULL, or "" when what is wrong has been said. statm: the pid of the process that runs, or 0. */
static const char *print_table(struct options *o, struct table *t, uint64_t moment, uint32_t statm)
{
	static struct dumper d;
	struct rules rules = { .text = NULL };
	bool told;

	if (o->ignore)
		rules_read(&rules, o->ignore);
	if (!o->outfile)
		o->outfile = "-";
	o->run = t->head->pid;
	dump_attach(&d, t, o, &rules, true, moment);
	d.statm_pid = statm;
	dump_write(&d, o->sort, o->sort_count, false, false);
	told = d.sink.told;
	dump_detach(&d);
	load_release(t);
	return told ? "" : NULL;
}

const char *playback(struct options *o)
{
	int fd = open(o->report, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	enum load_status status;
	struct table t;
	struct stat st;
	bool runs;

	if (fd < 0 || fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return "it is not a regular file";
	}
	status = load_table(&t, fd, 0);
	if (status != LOAD_OK) {
		const char *why = status == LOAD_CANNOT_READ ? strerror(errno) : load_status_text(status);

		close(fd);
		return why;
	}
	runs = is_mapped(t.head->pid, fd);
	close(fd);
	return print_table(o, &t, runs ? now_ns() : last_moment(&t), 0);
}

/* ---- A process that runs ---- */

/*
 * Where its table begins: its memory at the start of a mapping that can be written, for which a
 * line of /proc/PID/maps reads "7f1c2a000000-7f1c52000000 rw-p ...".
 */
static enum load_status find_table(uint32_t pid, int memory, uint64_t *start)
{
	enum load_status status = LOAD_NO_TABLE;
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%u/maps", (unsigned)pid);
	maps = fopen(path, "re");
	while (maps && status == LOAD_NO_TABLE && getline(&line, &room, maps) > 0) {
		unsigned long long from, to;
		struct table_header h;

		if (sscanf(line, "%llx-%llx rw", &from, &to) != 2 || !strstr(line, " rw") ||
		    to - from < sizeof(h))
			continue;
		status = load_header(&h, memory, from);
		if (status == LOAD_CANNOT_READ)		/* a device's, or gone meanwhile */
			status = LOAD_NO_TABLE;
		*start = from;
	}
	free(line);
	if (!maps)
		return LOAD_CANNOT_READ;
	fclose(maps);
	return status;
}

static const char *why_not(int error)
{
	switch (error) {
	case ENOENT:
	case ESRCH:
		return "there is no such process";
	case EACCES:
	case EPERM:
		return "its memory may not be read: it is another user's, or it has more rights than "
		       "this process has, or kernel.yama.ptrace_scope is set (see proc(5)): try as root";
	default:
		return strerror(error);
	}
}

const char *playback_process(struct options *o)
{
	enum load_status status;
	struct table t;
	uint64_t start = 0;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/mem", (unsigned)o->dump);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return why_not(errno);
	status = find_table(o->dump, fd, &start);
	if (status == LOAD_OK)
		status = load_table(&t, fd, start);
	close(fd);
	switch (status) {
	case LOAD_OK:
		return print_table(o, &t, now_ns(), o->dump);
	case LOAD_NO_TABLE:
		return "heaptrace does not trace it";
	case LOAD_CANNOT_READ:
		return why_not(errno);
	case LOAD_VERSION:
		return "another version of heaptrace traces it";
	case LOAD_WORD_SIZE:
		return "it is a program of another word size: use a heaptrace of that size";
	default:
		return load_status_text(status);
	}
}
