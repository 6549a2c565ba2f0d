/* SPDX-License-Identifier: GPL-2.0-only */
/* See playback.h. */
#include "playback.h"

#include "base/mappings.h"
#include "base/safe_open.h"
#include "options/outfile.h"
#include "process/dump.h"
#include "table/load.h"
#include "table/row.h"
#include "watcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

/*
 * Cuts the newline off a line of /proc/PID/maps and parses the line. False: it does not describe a writable shared
 * mapping of a file, as this one does:
 *	7f1c2a000000-7f1c52000000 rw-s 00000000 08:01 1234567   /var/tmp/heap
 */
static bool parse_shared(char *line, struct mapping *m)
{
	line[strcspn(line, "\n")] = '\0';
	return mapping_parse(line, m) && !strncmp(m->access, "rw-s", 4) && m->path[0];
}

/*
 * Whether the mapping is one of the file. An inode's number alone names no file, because each file system
 * counts its own. On some file systems (btrfs, overlayfs) stat() and /proc/PID/maps have different device
 * numbers, both with the major number 0. There the path has to lead to the same file.
 */
static bool is_mapping_of(const struct mapping *m, const struct stat *file)
{
	unsigned device_major, device_minor;
	struct stat named;

	if (m->inode != file->st_ino || sscanf(m->device, "%x:%x", &device_major, &device_minor) != 2)
		return false;
	if (device_major == major(file->st_dev) && device_minor == minor(file->st_dev))
		return true;
	return !device_major && !major(file->st_dev) && !stat(m->path, &named) &&
	       named.st_dev == file->st_dev && named.st_ino == file->st_ino;
}

/* Whether the process that the header names has the file mapped: then the process runs on this machine. */
static bool is_mapped(uint32_t pid, int fd)
{
	char path[64], *line = NULL;
	struct mapping mapping;
	size_t room = 0;
	bool found = false;
	struct stat st;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%u/maps", (unsigned)pid);
	maps = fstat(fd, &st) ? NULL : fopen(path, "re");
	while (maps && !found && getline(&line, &room, maps) > 0)
		found = parse_shared(line, &mapping) && is_mapping_of(&mapping, &st);
	free(line);
	if (maps)
		fclose(maps);
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

/* Reports why the file of --ignore cannot be read. That takes one write, because other processes may write to the same
 * terminal. */
static void print_ignore_error(const char *path, const char *why)
{
	char buf[PATH_MAX + 256];
	struct out out;

	out_init(&out, STDERR_FILENO, buf, sizeof(buf));
	out_text(&out, "heaptrace: ignore file ");
	out_name(&out, path);
	out_text(&out, " cannot be read: ");
	out_text(&out, why);
	out_char(&out, '\n');
	out_flush(&out);
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

/* Prints the table and releases it. Returns NULL, or "" if there was an error, which has been reported. moment: that of
 * the table, in nanoseconds of its clock. runs_as: the pid whose directory in /proc has figures of the process, or 0. */
static const char *print_table(struct options *o, struct table *t, uint64_t moment, uint32_t runs_as)
{
	static struct dumper d;
	static char outfile_is[OUTFILE_TEXT_BYTES];
	struct rules rules = { .text = NULL };
	int error = o->ignore ? rules_read(&rules, o->ignore) : 0;
	bool failed;

	if (error) {
		print_ignore_error(o->ignore, error == EFBIG ? "it is larger than 1 MB" : strerror(error));
		return "";
	}
	if (rules.doubt)
		fprintf(stderr, "heaptrace: %s\n", rules.doubt);
	if (!o->outfile)
		o->outfile = "-";
	else
		outfile_resolve(o, outfile_is);
	o->run = t->head->pid;
	dump_attach(&d, t, o, &rules, true, moment);
	d.runs_as = runs_as;
	dump_write(&d, &(struct dump_request){
		.sort = o->sort, .sort_count = o->sort_count, .reason = REASON_ASKED,
	});
	failed = d.output.failure;
	if (options_format(o) != OUTPUT_TEXT)
		dump_notice_unmatched(&d);
	dump_detach(&d);
	load_release(t);
	return failed ? "" : NULL;
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
	if (!runs)
		await_note(t.head, fd, &st);
	if (!runs && !t.head->ended_ns)
		fprintf(stderr, "heaptrace: nobody noted in %s when the process ended (there was no watcher, or it was "
			"killed, too): ages count up to the last moment that left a trace in the file\n", o->report);
	close(fd);
	return print_table(o, &t, runs ? now_ns() : moment_of_end(&t, &st), runs ? t.head->pid : 0);
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
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%u/maps", (unsigned)pid);
	maps = fopen(path, "re");
	while (maps && status == LOAD_NO_TABLE && getline(&line, &room, maps) > 0) {
		struct table_header h;
		struct mapping m;

		if (!mapping_parse(line, &m) || strncmp(m.access, "rw", 2) || m.end - m.start < sizeof(h))
			continue;
		status = load_header(&h, memory, m.start);
		if (status == LOAD_CANNOT_READ)		/* the mapping is a device's, or was unmapped meanwhile */
			status = LOAD_NO_TABLE;
		*start = m.start;
	}
	free(line);
	if (!maps)
		return LOAD_CANNOT_READ;
	fclose(maps);
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
		if (!stat(path, &st) && S_ISREG(st.st_mode) && is_mapping_of(mapping, &st))
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
	char path[64], *line = NULL;
	size_t room = 0;
	int fd = -1;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%u/maps", (unsigned)pid);
	maps = fopen(path, "re");
	while (maps && fd < 0 && getline(&line, &room, maps) > 0) {
		struct table_header h;
		struct mapping mapping;
		struct stat st;

		if (!parse_shared(line, &mapping))
			continue;
		if (!strncmp(mapping.path, "/memfd:", 7))
			fd = open_watched(&mapping);
		else
			fd = open(mapping.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd >= 0 && (fstat(fd, &st) || !is_mapping_of(&mapping, &st) ||
				load_header(&h, fd, 0) != LOAD_OK)) {
			close(fd);
			fd = -1;
		}
	}
	free(line);
	if (maps)
		fclose(maps);
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

const char *playback_process(struct options *o)
{
	enum load_status status;
	struct table t;
	int tries = 0;

	/* The process may have ended during the copy, or become another program. */
	do {
		status = load_process(&t, o->dump);
	} while ((status == LOAD_TRUNCATED || status == LOAD_DAMAGED) && ++tries < LOAD_TRIES);
	switch (status) {
	case LOAD_OK:
		return print_table(o, &t, now_ns(), o->dump);
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
