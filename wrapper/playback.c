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

const char *playback(struct options *o)
{
	int fd = open(o->report, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	static struct dumper d;
	struct rules rules = { .text = NULL };
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
	status = load_table(&t, fd);
	if (status != LOAD_OK) {
		const char *why = status == LOAD_CANNOT_READ ? strerror(errno) : load_status_text(status);

		close(fd);
		return why;
	}
	runs = is_mapped(t.head->pid, fd);
	close(fd);
	if (o->ignore)
		rules_read(&rules, o->ignore);
	if (!o->outfile)
		o->outfile = "-";
	o->run = t.head->pid;
	dump_attach(&d, &t, o, &rules, true, runs ? now_ns() : last_moment(&t));
	dump_write(&d, o->sort, o->sort_count, false, false);
	status = d.sink.told ? LOAD_CANNOT_READ : LOAD_OK;
	dump_detach(&d);
	load_release(&t);
	return status == LOAD_OK ? NULL : "";
}
