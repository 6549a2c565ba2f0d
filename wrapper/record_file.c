/* SPDX-License-Identifier: GPL-2.0-only */
/* See record_file.h. */
#include "record_file.h"

#include "pack/names.h"
#include "pack/pack.h"
#include "shared_mapping.h"
#include "table/load.h"
#include "table/row.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Whether the process that the header names has the file mapped: then the process runs on this machine. */
static bool is_mapped(uint32_t pid, int fd)
{
	struct mappings list;
	struct mapping mapping;
	bool found = false;
	struct stat st;

	if (fstat(fd, &st) || !mappings_open(&list, pid))
		return false;
	while (!found && shared_mapping_next(&list, &mapping))
		found = shared_mapping_is_of(&mapping, &st);
	mappings_close(&list);
	return found;
}

/* The newest moment in a table: when the live count of a row last left 0. In nanoseconds of the table's clock. */
static uint64_t last_moment(const struct table *t)
{
	uint64_t begun = ticks_of(t->head->begun_ns);
	uint32_t last = 0;

	for (uint32_t i = ROW_OVERFLOW; i < table_row_end(t); i++) {
		uint32_t since = t->infos[i].since - (uint32_t)begun;

		if (t->rows[i].peak_count && since > last)
			last = since;
	}
	return (begun + last) << TICK_LOG2;
}

/*
 * The time of the file's last change, by the clock of the table. A store to the mapped file changes that time only
 * if the page was clean before. Pages are written back, and so clean again, about every half minute, so when the
 * process ends that time is mostly less than half a minute old. 0: the file is a copy, whose time means nothing.
 */
static uint64_t moment_of_file(const struct table *t, const struct stat *st)
{
	const struct table_header *h = t->head;
	uint64_t written = (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;

	if (!h->inode || h->inode != st->st_ino || written < h->begun_real_ns)
		return 0;
	return h->begun_ns + (written - h->begun_real_ns);
}

/*
 * When the process ended. The watcher or the process itself has noted that in the table. Otherwise the newest moment
 * that left a trace in the file is taken. All of these are by the clock of the machine and the boot that the process
 * ran in, so the result does not depend on where and when the file is read.
 */
static uint64_t moment_of_end(const struct table *t, const struct stat *st)
{
	uint64_t noted = t->head->ended_ns, last = last_moment(t), written = moment_of_file(t, st);

	if (noted)
		return noted > last ? noted : last;
	return written > last ? written : last;
}

#define NOTE_TRIES	100
#define NOTE_PAUSE_NS	10000000

/*
 * Waits for the watcher's note of the end of the process. The watcher writes it after the process has ended, and a
 * user who kills the program and runs --report at once can be faster. The wait is a second at most, because the
 * watcher may have been killed, too.
 */
static void await_note(struct table_header *h, int fd, const struct stat *st)
{
	struct timespec pause = { 0, NOTE_PAUSE_NS };
	struct table_header now;

	if (!h->watched || h->inode != st->st_ino)
		return;
	for (int i = 0; i < NOTE_TRIES && !h->ended_ns; i++) {
		nanosleep(&pause, NULL);
		if (load_header(&now, fd, 0) == LOAD_OK)
			h->ended_ns = now.ended_ns;
	}
}

/* Loads the table from r->fd. Returns NULL, or why that is not possible. */
static const char *load(struct record_file *r)
{
	enum load_status status = load_table(&r->table, r->fd, 0);

	return status == LOAD_CANNOT_READ ? strerror(errno) : load_status_text(status);
}

/* Loads a file of --record, and finds the moment of its figures. */
static const char *load_record(struct record_file *r, const struct stat *st)
{
	const char *why = load(r);
	const struct table_header *h = r->table.head;

	if (why)
		return why;
	if (is_mapped(h->pid, r->fd)) {
		r->runs_as = h->pid;
		r->moment_ns = now_precise_ns();
		return NULL;
	}
	await_note(r->table.head, r->fd, st);
	r->end_unknown = !h->ended_ns;
	r->moment_ns = moment_of_end(&r->table, st);
	return NULL;
}

/* Loads what a packed record has held. */
static const char *load_packed(struct record_file *r, const struct pack *pack)
{
	const char *why;

	close(r->fd);
	r->fd = pack->fd;
	r->moment_ns = pack->moment_ns;
	r->end_unknown = pack->flags & PACK_END_UNKNOWN;
	if (pack->has_seen) {
		r->figures = pack->seen;
		pack_figures_get(&r->seen_then, &r->figures);
		r->seen = &r->seen_then;
	}
	why = load(r);
	if (why)
		free(pack->names);
	else if (pack->names)
		r->names = pack_names_open(&r->table, pack->names, pack->names_bytes);
	return why || !pack->names || r->names ? why : "the file is damaged";
}

static const char *load_any(struct record_file *r, const struct stat *st)
{
	struct pack pack;

	if (!S_ISREG(st->st_mode))
		return "it is not a regular file";
	switch (pack_read(r->fd, &pack)) {
	case PACK_OK:
		return load_packed(r, &pack);
	case PACK_NONE:
		return load_record(r, st);
	case PACK_OTHER_VERSION:
		return "packed by another version of heaptrace, or on a machine with another byte order: use that "
		       "one's --report";
	case PACK_TRUNCATED:
		return "the file is truncated";
	case PACK_DAMAGED:
		return "the file is damaged";
	case PACK_CANNOT:
		break;
	}
	return strerror(errno);
}

void record_file_load_history(struct record_file *r)
{
	history_load(&r->history, &r->table, r->fd, r->moment_ns, &r->arena);
}

const char *record_file_open(struct record_file *r, const char *path)
{
	const char *why;
	struct stat st;

	*r = (struct record_file){ .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) };
	why = r->fd < 0 || fstat(r->fd, &st) ? strerror(errno) : load_any(r, &st);
	if (why)
		record_file_close(r);
	else
		record_file_load_history(r);
	return why;
}

void record_file_close(struct record_file *r)
{
	pack_names_close(r->names);
	r->names = NULL;
	load_release(&r->table);
	arena_release(&r->arena);
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}
