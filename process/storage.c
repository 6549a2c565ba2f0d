/* SPDX-License-Identifier: GPL-2.0-only */
/* See storage.h. */
#include "storage.h"

#include "own_descriptors.h"
#include "base/out.h"
#include "base/safe_open.h"
#include "base/uninterrupted.h"
#include "options/outfile.h"
#include "output.h"
#include "table/row.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct table *table;
static const struct options *options;
static bool watched;		/* there is a watcher, which is told of this process's table */
static __thread int fork_fd = -1;	/* while this thread forks: the copy of the table for the child */

/* ---- A file ---- */

/* Expands the name that --record gives for this process. False: the name is too long. */
static bool name_file(char path[PATH_MAX])
{
	bool own = !options->run || (uint32_t)getpid() == options->run;
	char command[16] = "";

	syscall(SYS_prctl, PR_GET_NAME, command);
	return outfile_expand(options->record, (uint32_t)getpid(), command, 1, !own, path, PATH_MAX);
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

/* Moves the table into the file of --record. make() fills a new file, maps it in the table's place and notes whose table
 * that is. Only then the file gets its name: whoever finds the file must not take the process for one that has ended.
 * The watcher, which notes there when the process ends, is told at last. Returns 0 or an errno. */
static int move_into_file_directly(int (*make)(struct table *, int))
{
	static char path[PATH_MAX], temporary[PATH_MAX];	/* static: only one thread moves the table */
	int fd, error = 0;

	if (!name_file(path))
		return ENAMETOOLONG;
	fd = safe_open_replacement(path, temporary);
	if (fd < 0)
		return errno;
	error = make(table, fd);
	if (!error)
		table->head->inode = inode_of(fd);
	/* Unlinked first: a rename that replaces a file makes ext4 write the new one to the disk. */
	if (!error)
		unlinkat(AT_FDCWD, path, 0);
	if (!error && renameat(AT_FDCWD, temporary, AT_FDCWD, path))
		error = errno;
	if (error)
		unlinkat(AT_FDCWD, temporary, 0);
	else
		table->head->watched = watched && watch_register(options->watcher, fd, table->head->parent);
	close(fd);
	return error;
}

struct file_move {
	int (*make)(struct table *, int);
	int error;
};

static void move_into_file_with_own_descriptors(void *file_move)
{
	struct file_move *m = file_move;

	m->error = move_into_file_directly(m->make);
}

/* As move_into_file_directly(), and with descriptors of its own where the process has no descriptor left. Signals are
 * held back. */
static int move_into_file(int (*make)(struct table *, int))
{
	struct file_move m = { make, move_into_file_directly(make) };

	if (m.error == EMFILE)
		own_descriptors_call(move_into_file_with_own_descriptors, &m, NULL, 0);
	return m.error;
}

/* Notes in the table's header whose table this is. parent: the process that has forked this one, or 0. */
static void name_table(uint32_t parent)
{
	struct table_header *h = table->head;

	h->pid = (uint32_t)getpid();
	h->parent = parent;
	h->dumps = h->forks = 0;
	h->ended_ns = 0;
	h->life = TABLE_LIVES;
	syscall(SYS_prctl, PR_GET_NAME, h->command);
}

static int create_in_file(struct table *t, int fd)
{
	int error = table_create_in(t, fd);

	if (!error)
		name_table(0);
	return error;
}

/* ---- A memfd ---- */

static bool no_descriptor;	/* the last memfd could not be made, because no descriptor was left */

static int open_memory(void)
{
	int fd = memfd_create("heaptrace", MFD_CLOEXEC);

	no_descriptor = fd < 0 && errno == EMFILE;
	return fd;
}

void storage_make_private(void)
{
	if (!table->shared)
		return;
	table->head->life = TABLE_DUMPED;	/* so that nobody makes a report of what stays in the file or memfd */
	table_move(table, -1);
	table->head->life = TABLE_LIVES;
}

/* ---- Start ---- */

#define SHOWN_BYTES	100	/* of the file's name, so that there is room for the reason */

static void complain(int error, char *text, size_t bytes)
{
	const char *name = options->record;
	size_t length = strlen(name);
	struct out out;

	out = out_memory(text, bytes);
	out_text(&out, "cannot record in ");
	if (length > SHOWN_BYTES) {
		out_text(&out, "...");
		name += length - SHOWN_BYTES;
	}
	out_name(&out, name);
	out_text(&out, ": ");
	if (error == EINVAL) {
		out_text(&out, "it is not a regular file");
	} else if (output_reason(error)) {
		out_text(&out, output_reason(error));
	} else {
		out_text(&out, error == ENOMEM ? "no address space for it" : "error ");
		if (error != ENOMEM)
			out_u64(&out, (uint64_t)error);
	}
	out_text(&out, "; the program is traced, but nothing is left if it is killed");
	out_string(&out);
}

static bool start_watched_directly(void)
{
	int fd = open_memory();
	bool done = false;

	if (fd < 0)
		return false;
	if (!table_create_in(table, fd)) {
		name_table(0);
		table->head->watched = watch_register(options->watcher, fd, 0);
		if (!table->head->watched)
			storage_make_private();
		done = true;
	}
	close(fd);
	return done;
}

static void start_watched_with_own_descriptors(void *done)
{
	*(bool *)done = start_watched_directly();
}

static bool start_watched(void)
{
	bool done = start_watched_directly();

	if (!done && no_descriptor)
		own_descriptors_call(start_watched_with_own_descriptors, &done, NULL, 0);
	return done;
}

bool storage_start(struct table *t, const struct options *o, bool may_watch, char *error,
		size_t error_bytes)
{
	bool done = false;
	struct uninterrupted span;

	table = t;
	options = o;
	watched = o->watcher && may_watch;
	if (o->record) {
		int code;

		uninterrupted_begin(&span);
		code = move_into_file(create_in_file);
		uninterrupted_end(&span);
		done = !code;
		if (code && t->shared)		/* the table is in a file that could not be given its name */
			table_move(t, -1), done = true;
		if (code)
			complain(code, error, error_bytes);
	} else if (watched) {
		uninterrupted_begin(&span);
		done = start_watched();
		uninterrupted_end(&span);
	}
	if (!done && !table_create(t))
		return false;
	name_table(0);
	return true;
}

/* ---- fork ---- */

void storage_fork_prepare(void)
{
	fork_fd = -1;
	if (!table->shared)
		return;
	fork_fd = open_memory();
	if (fork_fd >= 0 && table_copy(table, fork_fd)) {
		close(fork_fd);
		fork_fd = -1;
	}
	add_relaxed(&table->head->forks, 1);
}

void storage_fork_parent(void)
{
	if (fork_fd >= 0)
		close(fork_fd);
	fork_fd = -1;
}

static uint32_t forked_from;	/* in a child after fork: the parent's number */

/* Until the copy is in place the table may be the parent's own, so the header is written afterwards. */
static int copy_and_move(struct table *t, int fd)
{
	int error = table_copy(t, fd);

	if (!error)
		error = table_move(t, fd);
	if (!error)
		name_table(forked_from);
	return error;
}

/* Copies the table into a memfd or a file that the watcher or --report can read. So far it is in private memory, or it
 * is still the parent's. */
static void adopt_late(void *unused)
{
	int fd;

	(void)unused;
	if (options->record) {
		move_into_file_directly(copy_and_move);
		return;
	}
	fd = open_memory();
	if (fd >= 0 && !copy_and_move(table, fd))
		table->head->watched = watch_register(options->watcher, fd, forked_from);
	if (fd >= 0)
		close(fd);
}

/* In a child: maps the copy in fd in the table's place, and tells the watcher of it. fd -1: the parent had no
 * descriptor for a copy. The child makes one now, though the parent may have gone on meanwhile. */
static void adopt(int fd)
{
	forked_from = table->head->pid;
	if (fd < 0 || table_move(table, fd)) {
		if (!table_move(table, -1))
			name_table(forked_from);
		if (no_descriptor && options->children && (options->record || options->watcher))
			own_descriptors_call(adopt_late, NULL, NULL, 0);
		if (table->head->pid == forked_from)
			name_table(forked_from);
		return;
	}
	name_table(forked_from);
	table->head->watched = 0;
	if (!options->children)
		return;		/* the child goes on untraced, so the watcher is not told of its table */
	if (options->record)
		move_into_file(copy_and_move);
	else if (options->watcher)
		table->head->watched = watch_register(options->watcher, fd, forked_from);
}

/* Returns a descriptor of the child's copy of the table, or -1. A child that no fork handler saw makes the copy here. */
static int take_copy(bool seen, bool overtaken)
{
	int fd = seen ? fork_fd : open_memory();
	int error = 0;

	fork_fd = -1;
	if (fd >= 0 && !seen)
		error = table_copy(table, fd);
	else if (fd >= 0 && overtaken)
		error = table_copy_complete(table, fd);
	if (error) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void storage_fork_child(bool seen, bool overtaken)
{
	struct uninterrupted span;
	int fd;

	if (!table->shared) {
		table->head->life = TABLE_LIVES;
		return;
	}
	uninterrupted_begin(&span);
	fd = take_copy(seen, overtaken);
	adopt(fd);
	if (fd >= 0)
		close(fd);
	uninterrupted_end(&span);
}

/* ---- Who can read the table ---- */

const char *storage_watcher(void)
{
	return table->shared && table->head->watched ? options->watcher : NULL;
}

bool storage_file(char path[PATH_MAX])
{
	return table->shared && options->record && table->head->inode && name_file(path);
}

/* ---- The end ---- */

void storage_note_end(bool dumped)
{
	store_relaxed(&table->head->ended_ns, now_precise_ns());
	if (dumped)
		store_release(&table->head->life, (uint32_t)TABLE_DUMPED);
}

void storage_note_exec(bool begins)
{
	uint32_t from = begins ? TABLE_LIVES : TABLE_EXECS;

	if (!table || !table->head)
		return;
	store_relaxed(&table->head->ended_ns, begins ? now_precise_ns() : 0);
	cas_acq_rel(&table->head->life, &from, begins ? TABLE_EXECS : TABLE_LIVES);
}
