/* SPDX-License-Identifier: GPL-2.0-only */
/* See playback.h. */
#include "playback.h"

#include "base/safe_open.h"
#include "gate.h"
#include "older.h"
#include "options/outfile.h"
#include "packing.h"
#include "process/dump.h"
#include "quit.h"
#include "record_file.h"
#include "shared_mapping.h"
#include "table/load.h"
#include "table/row.h"
#include "watcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Prints a dump. Returns NULL, or "" if there was an error, which has been reported. */
static const char *print_table(struct options *o, struct record_file *r)
{
	static enum gate_scope inside = GATE_INSIDE;
	static struct older before;
	static struct dumper d;
	const char *older = o->diff ? o->diff : o->baseline, *why;
	static char outfile_is[OUTFILE_TEXT_BYTES];
	struct rules rules = { .text = NULL };
	int error = o->ignore ? rules_read(&rules, o->ignore) : 0;
	bool failed;

	if (error) {
		say("ignore file %s cannot be read: %s", o->ignore,
		    error == EFBIG ? "it is larger than 1 MB" : strerror(error));
		return "";
	}
	if (rules.doubt)
		say("%s", rules.doubt);
	if (o->outfile)
		outfile_resolve(o, outfile_is);
	else if (!o->quiet)
		o->outfile = "-";
	o->run = r->table.head->pid;
	dump_attach(&d, &r->table, o, &rules, true, r->moment_ns);
	d.runs_as = r->runs_as;
	d.seen = r->seen;
	d.store = o->sysroot ? NULL : r->names;
	d.history = &r->history;
	d.judge = options_has_limits(o) ? gate_judge : NULL;
	d.judge_context = &inside;
	why = older ? older_open(&before, o, older) : NULL;
	if (why) {
		say("%s cannot be compared with: %s", older, why);
		dump_detach(&d);
		return "";
	}
	d.older = older ? before.model : NULL;
	dump_write(&d, &(struct dump_request){
		.sort = o->sort, .sort_count = o->sort_count, .reason = REASON_ASKED, .final = o->quiet,
	});
	failed = d.output.failure;
	if (options_format(o) != OUTPUT_TEXT)
		dump_notice_unmatched(&d);
	dump_detach(&d);
	if (older)
		older_close(&before);
	return failed ? "" : NULL;
}

const char *playback(struct options *o)
{
	static struct record_file record;
	const char *why = record_file_open(&record, o->report);

	if (why)
		return why;
	if (record.end_unknown && !o->pack)
		say("nobody noted in %s when the process ended (there was no watcher, or it was killed, too): ages "
		    "count up to the last moment that left a trace in the file", o->report);
	why = o->pack ? packing_write(o, &record) : print_table(o, &record);
	record_file_close(&record);
	return why;
}

/* ---- A process that runs ---- */

#define LOAD_TRIES	3

/*
 * Finds the address of a process's table. The table lies at the start of a writable mapping, which has a line like
 * "7f1c2a000000-7f1c52000000 rw-p ..." in /proc/PID/maps. memory: the open /proc/PID/mem.
 */
static enum load_status find_table(uint32_t pid, int memory, uint64_t *start)
{
	enum load_status status = LOAD_NO_TABLE;
	struct mappings list;
	struct mapping m;

	if (!mappings_open(&list, pid))
		return LOAD_CANNOT_READ;
	while (status == LOAD_NO_TABLE && mappings_next(&list, &m)) {
		struct table_header h;

		if (strncmp(m.access, "rw", 2) || m.end - m.start < sizeof(h))
			continue;
		status = load_header(&h, memory, m.start);
		if (status == LOAD_CANNOT_READ)		/* the mapping is a device's, or was unmapped meanwhile */
			status = LOAD_NO_TABLE;
		*start = m.start;
	}
	mappings_close(&list);
	return status;
}

/* ---- A process whose memory may not be read ---- */

/*
 * Opens the mapped file by a descriptor of a process that has it open. That takes fewer rights than to read the
 * process's memory: yama (kernel.yama.ptrace_scope) does not restrict it (proc(5), ptrace(2): PTRACE_MODE_READ).
 * -1: the process has not opened the file, or the rights do not suffice.
 */
static int open_held(const char *process, const struct mapping *mapping)
{
	char path[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	DIR *dir;
	int fd = -1;

	snprintf(path, sizeof(path), "/proc/%s/fd", process);
	dir = opendir(path);
	while (dir && fd < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", process, entry->d_name);
		if (!stat(path, &st) && S_ISREG(st.st_mode) && shared_mapping_is_of(mapping, &st))
			fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* Opens the mapped memfd by a descriptor of the watcher that has it open. -1: no watcher has. */
static int open_watched(const struct mapping *mapping)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir))) {
		char path[PATH_MAX], name[20] = "";
		FILE *comm;

		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		comm = fopen(path, "re");
		if (!comm)
			continue;
		if (fgets(name, sizeof(name), comm) && !strcmp(name, WATCHER_COMMAND "\n"))
			fd = open_held(entry->d_name, mapping);
		fclose(comm);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/*
 * Opens the file or memfd that holds the table of a process. /proc/PID/maps has a line for it like
 * "7f1c2a000000-7f1c52000000 rw-s 00000000 00:01 1234567   /memfd:heaptrace (deleted)".
 * -1: the table is in neither of them, or they cannot be opened.
 */
static int open_table(uint32_t pid)
{
	struct mappings list;
	struct mapping mapping;
	int fd = -1;

	if (!mappings_open(&list, pid))
		return -1;
	while (fd < 0 && shared_mapping_next(&list, &mapping)) {
		struct table_header h;
		struct stat st;

		if (!strncmp(mapping.path, "/memfd:", 7))
			fd = open_watched(&mapping);
		else
			fd = open(mapping.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd >= 0 && (fstat(fd, &st) || !shared_mapping_is_of(&mapping, &st) ||
				load_header(&h, fd, 0) != LOAD_OK)) {
			close(fd);
			fd = -1;
		}
	}
	mappings_close(&list);
	return fd;
}

/* Why a process cannot be dumped, in words. */
static const char *process_error_text(int error)
{
	switch (error) {
	case ENOENT:
	case ESRCH:
		return "there is no such process";
	case EACCES:
	case EPERM:
		return "its memory may not be read: it is another user's, or it has more rights than "
		       "this process has, or kernel.yama.ptrace_scope is set and no watcher has its table: "
		       "try as root, outside of any container";
	default:
		return strerror(error);
	}
}

/* Copies the table of a process that runs. If the result is LOAD_CANNOT_READ, errno says why. */
static enum load_status load_process(struct table *t, uint32_t pid)
{
	enum load_status status = LOAD_OK;
	uint64_t start = 0;
	char path[64];
	int fd, error;

	snprintf(path, sizeof(path), "/proc/%u/mem", (unsigned)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	error = errno;
	if (fd >= 0)
		status = find_table(pid, fd, &start);
	else if (error == EACCES || error == EPERM)
		fd = open_table(pid);
	if (fd < 0) {
		errno = error;
		return LOAD_CANNOT_READ;
	}
	if (status == LOAD_OK)
		status = load_table(t, fd, start);
	error = errno;
	close(fd);
	errno = error;
	return status;
}

/* ---- --growth=TIME ---- */

#define LOOKS		12u	/* at a process of whose last TIME there are fewer than 4 snapshots */
#define SNAPSHOTS_LEAST	4u

/* Whether the history lacks snapshots of the time that --growth asks for. */
static bool lacks_snapshots(const struct options *o, const struct record_file *r)
{
	const struct history *h = &r->history;
	uint64_t since_ns = (uint64_t)o->growth_ms * 1000000, now = r->moment_ns - r->table.head->begun_ns;
	unsigned inside = 0;

	for (uint32_t i = 0; i < h->snapshot_count; i++)
		inside += h->snapshots[i].ns + since_ns >= now;
	return inside < SNAPSHOTS_LEAST;
}

/* Looks at the process LOOKS times in the time that --growth asks for, and makes snapshots of that. *r gets the table of
 * the last look, before which the process may have ended. */
static void look_on(const struct options *o, struct record_file *r)
{
	static struct history seen;
	uint64_t step_ns = (uint64_t)o->growth_ms * 1000000 / LOOKS;
	struct timespec pause = { (time_t)(step_ns / 1000000000), (long)(step_ns % 1000000000) };

	seen = (struct history){ .watched = true };
	for (unsigned i = 0; i < LOOKS; i++) {
		struct table now;

		if (!history_look(&seen, &r->table, r->moment_ns, &r->arena))
			break;
		nanosleep(&pause, NULL);
		if (load_process(&now, o->dump) != LOAD_OK)
			break;
		load_release(&r->table);
		r->table = now;
		r->moment_ns = now_precise_ns();
	}
	record_file_load_history(r);
	memcpy(r->history.snapshots, seen.snapshots, sizeof(seen.snapshots));
	r->history.snapshot_count = seen.snapshot_count;
	r->history.watched = true;
}

const char *playback_process(struct options *o)
{
	enum load_status status;
	struct record_file r = { .fd = -1, .runs_as = o->dump };
	const char *why;
	int tries = 0;

	/* The process may have ended during the copy, or become another program. */
	do {
		status = load_process(&r.table, o->dump);
	} while ((status == LOAD_TRUNCATED || status == LOAD_DAMAGED) && ++tries < LOAD_TRIES);
	switch (status) {
	case LOAD_OK:
		r.moment_ns = now_precise_ns();
		if (r.table.head->watched)	/* the history lies behind the table in the file that the watcher has */
			r.fd = open_table(o->dump);
		record_file_load_history(&r);
		if (o->growth_ms && o->growth_ms < OPTIONS_SINCE_DUMP && lacks_snapshots(o, &r))
			look_on(o, &r);
		why = o->pack ? packing_write(o, &r) : print_table(o, &r);
		record_file_close(&r);
		return why;
	case LOAD_NO_TABLE:
		return "heaptrace does not trace it (a process is traced from its start: start it as "
		       "heaptrace PROGRAM, or with LD_PRELOAD)";
	case LOAD_CANNOT_READ:
		return process_error_text(errno);
	case LOAD_VERSION:
		return "another version of heaptrace traces it: use that one's --dump";
	case LOAD_WORD_SIZE:
		return "it is a program of another word size: use a heaptrace of that size";
	default:
		return load_status_text(status);
	}
}
