/* SPDX-License-Identifier: GPL-2.0-only */
/* See traced.h. */
#include "traced.h"

#include "shared_mapping.h"
#include "watcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIBRARY		"/libheaptrace.so"

/* Whether the mapping is of the preloaded library. */
static bool is_library(const struct mapping *m)
{
	size_t bytes = strlen(m->path);

	return bytes >= strlen(LIBRARY) && !strcmp(m->path + bytes - strlen(LIBRARY), LIBRARY);
}

/*
 * Finds the address of a process's table. *loaded: whether the library is there. The table lies at the start of a writable mapping, which has a line like
 * "7f1c2a000000-7f1c52000000 rw-p ..." in /proc/PID/maps. memory: the open /proc/PID/mem.
 */
static enum load_status find_table(uint32_t pid, int memory, uint64_t *start, bool *loaded)
{
	enum load_status status = LOAD_NO_TABLE;
	struct mappings list;
	struct mapping m;

	*loaded = false;
	if (!mappings_open(&list, pid))
		return LOAD_CANNOT_READ;
	while (status == LOAD_NO_TABLE && mappings_next(&list, &m)) {
		struct table_header h;

		*loaded |= is_library(&m);
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

#define START_TRIES	100
#define START_PAUSE_NS	10000000

/* As find_table(). A process that has just been started, and has the library, makes its table as soon as it first
 * allocates: the wait for that is a second at most. */
static enum load_status await_table(uint32_t pid, int memory, uint64_t *start)
{
	struct timespec pause = { 0, START_PAUSE_NS };
	bool loaded;
	enum load_status status = find_table(pid, memory, start, &loaded);

	for (int i = 1; status == LOAD_NO_TABLE && loaded && i < START_TRIES; i++) {
		nanosleep(&pause, NULL);
		status = find_table(pid, memory, start, &loaded);
	}
	return status;
}

/* ---- A process whose memory may not be read ---- */

/*
 * Opens the mapped file by a descriptor of a process that has it open. That takes fewer rights than to read the
 * process's memory: yama (kernel.yama.ptrace_scope) does not restrict it (proc(5), ptrace(2): PTRACE_MODE_READ).
 * -1: the process has not opened the file, or the rights do not suffice.
 */
static int open_held(const char *process, const struct mapping *mapping, int flags)
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
			fd = open(path, flags | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* Opens the mapped memfd by a descriptor of the watcher that has it open. -1: no watcher has. */
static int open_watched(const struct mapping *mapping, int flags)
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
			fd = open_held(entry->d_name, mapping, flags);
		fclose(comm);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* flags: O_RDONLY or O_RDWR. */
static int open_file(uint32_t pid, int flags)
{
	uint64_t not_watched = 0;	/* the inode of a memfd that no watcher has. Each part of a table is a mapping. */
	struct mappings list;
	struct mapping mapping;
	int fd = -1;

	if (!mappings_open(&list, pid))
		return -1;
	while (fd < 0 && shared_mapping_next(&list, &mapping)) {
		bool is_memfd = !strncmp(mapping.path, "/memfd:", 7);
		struct table_header h;
		struct stat st;

		if (is_memfd && mapping.inode == not_watched)
			continue;
		if (is_memfd && (fd = open_watched(&mapping, flags)) < 0)
			not_watched = mapping.inode;
		if (!is_memfd)
			fd = open(mapping.path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd >= 0 && (fstat(fd, &st) || !shared_mapping_is_of(&mapping, &st) ||
				load_header(&h, fd, 0) != LOAD_OK)) {
			close(fd);
			fd = -1;
		}
	}
	mappings_close(&list);
	return fd;
}

int traced_open_file(uint32_t pid)
{
	return open_file(pid, O_RDONLY);
}

/* ---- Both ---- */

static int open_memory(uint32_t pid, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/mem", (unsigned)pid);
	return open(path, flags | O_CLOEXEC);
}

enum load_status traced_open_to_write(struct traced *place, uint32_t pid)
{
	enum load_status status = LOAD_CANNOT_READ;

	*place = (struct traced){ .fd = open_file(pid, O_RDWR) };
	if (place->fd >= 0)
		return LOAD_OK;
	place->fd = open_memory(pid, O_RDWR);
	if (place->fd >= 0)
		status = await_table(pid, place->fd, &place->start);
	if (status == LOAD_OK && place->start) {	/* what has just been made may be a table in a file */
		int fd = open_file(pid, O_RDWR);

		if (fd >= 0) {
			close(place->fd);
			*place = (struct traced){ .fd = fd };
		}
	}
	return status;
}

enum load_status traced_open(struct traced *place, uint32_t pid)
{
	int error;

	*place = (struct traced){ .fd = -1 };
	place->fd = open_memory(pid, O_RDONLY);
	error = errno;
	if (place->fd >= 0)
		return await_table(pid, place->fd, &place->start);
	if (error == EACCES || error == EPERM)
		place->fd = traced_open_file(pid);
	errno = error;
	return place->fd < 0 ? LOAD_CANNOT_READ : LOAD_OK;
}

#define LOAD_TRIES	3

enum load_status traced_load(struct table *t, uint32_t pid)
{
	enum load_status status;
	struct traced place;
	int tries = 0;

	do {
		int error;

		status = traced_open(&place, pid);
		if (status == LOAD_OK)
			status = load_table(t, place.fd, place.start);
		error = errno;
		if (place.fd >= 0)
			close(place.fd);
		errno = error;
	} while ((status == LOAD_TRUNCATED || status == LOAD_DAMAGED) && ++tries < LOAD_TRIES);
	return status;
}

/* Why a process cannot be read, in words. */
static const char *error_text(int error)
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

const char *traced_why_not(enum load_status status, int error)
{
	switch (status) {
	case LOAD_NO_TABLE:
		return "heaptrace does not trace it (start it as heaptrace PROGRAM, or let heaptrace --pid=PID begin "
		       "to trace it now)";
	case LOAD_CANNOT_READ:
		return error_text(error);
	case LOAD_VERSION:
		return "another version of heaptrace traces it: use that one";
	case LOAD_WORD_SIZE:
		return "it is a program of another word size: use a heaptrace of that size";
	default:
		return load_status_text(status);
	}
}
