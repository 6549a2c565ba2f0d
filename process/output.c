/* SPDX-License-Identifier: GPL-2.0-only */
/* See output.h. */
#include "output.h"

#include "base/errno_text.h"
#include "base/out.h"
#include "base/path.h"
#include "base/safe_open.h"
#include "format/words.h"
#include "options/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* The limit for the numbers of our duplicates. The kernel's table takes 8 bytes for each number up to the highest in
 * use. */
#define HIGH_FD_MAX	65536u
/* Likewise, where the duplicates cannot lie above what programs scan. Each process gets such a table, and a fork copies
 * all of it: with 4096 numbers a process of a shell script takes 30 us longer, with 65536 a fork takes 100 us longer. */
#define HIGH_FD_BELOW	1024u
/* A child of the program may raise a lower soft limit up to this, and then scan the descriptors below it. */
#define HIGH_FD_LEAST	1024u
#define TEMPORARY_TRIES	10u	/* how many names for a temporary file are tried */

/* Notes which file a descriptor stands for. */
static struct output_fd identify(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return (struct output_fd){ .fd = -1 };
	return (struct output_fd){ .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
}

/* Whether fd is open, and the file that was noted. */
static bool is_still(const struct output_fd *f, int fd)
{
	struct stat st;

	return fd >= 0 && f->fd >= 0 && !fstat(fd, &st) && st.st_dev == f->dev &&
	       st.st_ino == f->ino;
}

/*
 * Makes a close-on-exec duplicate above the soft limit of descriptors, because programs scan up to that limit. For
 * that moment the soft limit is raised, and by root the hard limit, too. Where raising is forbidden, or the limit is
 * very large, the duplicate gets a high number below it that is free.
 */
static int high_duplicate(int fd)
{
	struct rlimit old, raised;
	int high;

	if (getrlimit(RLIMIT_NOFILE, &old))
		return fcntl(fd, F_DUPFD_CLOEXEC, 256);
	if (old.rlim_cur < HIGH_FD_MAX) {
		rlim_t from = old.rlim_cur < HIGH_FD_LEAST ? HIGH_FD_LEAST : old.rlim_cur;

		raised.rlim_cur = from + 16;
		raised.rlim_max = old.rlim_max < raised.rlim_cur ? raised.rlim_cur : old.rlim_max;
		if (!setrlimit(RLIMIT_NOFILE, &raised)) {
			high = fcntl(fd, F_DUPFD_CLOEXEC, (int)from);
			setrlimit(RLIMIT_NOFILE, &old);
			if (high >= 0)
				return high;
		}
	}
	for (rlim_t from = old.rlim_cur < HIGH_FD_BELOW ? old.rlim_cur : HIGH_FD_BELOW; from > 3; ) {
		from -= from / 8 + 1;
		high = fcntl(fd, F_DUPFD_CLOEXEC, (int)from);
		if (high >= 0)
			return high;
	}
	return -1;
}

/* Holds the file that is open as fd by a duplicate or, where no number is left for one, by fd itself. */
static struct output_fd hold_open(int fd)
{
	int high = high_duplicate(fd);
	struct output_fd held = identify(high < 0 ? fd : high);

	held.borrowed = high < 0;
	return held;
}

/* Moves a descriptor of ours to a high number, if that is possible. */
static struct output_fd move_high(int fd)
{
	int high = fd < 0 ? -1 : high_duplicate(fd);

	if (high < 0)
		return identify(fd);
	close(fd);
	return identify(high);
}

/* Forgets a descriptor, and closes it if it is still the one that was opened here. */
static void let_go(struct output_fd *f)
{
	if (!f->borrowed && is_still(f, f->fd))
		close(f->fd);
	f->fd = -1;
}

const char *output_reason(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:		return "no such directory";
	case ENXIO:		return "nobody reads from it";
	case EINVAL:		return NULL;
	default:		return errno_text(error);
	}
}

int output_error_fd(struct output *o)
{
	return is_still(&o->error, o->error.fd) ? o->error.fd :
	       is_still(&o->error, STDERR_FILENO) ? STDERR_FILENO : -1;
}

/* Reports that a dump could not be written to path, unless an error was reported before. */
static void report_error(struct output *o, const char *path, int error)
{
	int fd = output_error_fd(o);
	char buf[512];
	struct out out;

	o->failure = error ? error : EIO;
	if (o->error_reported || fd < 0 || (o->tries_again && safe_open_exhausted()))
		return;
	o->error_reported = true;
	out_init(&out, fd, buf, sizeof(buf));
	out_text(&out, "[heaptrace] cannot write the dump to ");
	out_name(&out, path);
	out_text(&out, ": ");
	words_reason(&out, output_reason(error), error);
	out_char(&out, '\n');
	out_flush(&out);
}

static bool to_stdout(const struct output *o)
{
	return !o->apart && o->options->outfile && !strcmp(o->options->outfile, "-");
}

static bool to_file(const struct output *o)
{
	return o->options->outfile && !to_stdout(o);
}

/* Whether all dumps go to the same file. Text dumps do, unless the file's name has the dump's number in it, and so do
 * all dumps if outfile is no regular file. */
static bool one_file(const struct output *o)
{
	return to_file(o) && (o->in_place || !o->replaces) && !outfile_is_numbered(o->options->outfile);
}

bool output_takes_lines(const struct output *o)
{
	return !o->replaces && (!to_file(o) || one_file(o));
}

/* Puts the name of the file of dump `number` into o->target. If that is no regular file, its name is the same in all
 * processes. False: the name is too long. */
static bool expand(struct output *o, uint32_t number)
{
	bool own = o->in_place || (o->pid == o->options->run && !o->forked);

	return o->apart || outfile_expand(o->options->outfile, o->pid, o->command, number, !own,
					 o->target, sizeof(o->target));
}

void output_set_apart(struct output *o, const struct options *options)
{
	o->options = options;
	o->apart = o->replaces = true;
	o->in_place = false;
	o->dir.fd = o->file.fd = -1;
	strcpy(o->target, options->outfile);
}

/*
 * Opens path in the directory that is held open or, where the program has closed that descriptor, by its whole name.
 * how: safe_open_write() or safe_open_new(). Returns a descriptor, or -1 with errno.
 */
static int open_file(struct output *o, const char *path, int how(int, const char *, int), int flags)
{
	int fd = -1;

	flags |= O_WRONLY | O_NOCTTY | O_NONBLOCK;
	if (is_still(&o->dir, o->dir.fd))
		fd = how(o->dir.fd, path_name(path), flags);
	if (fd < 0 && errno != EEXIST)
		fd = how(AT_FDCWD, path, flags);
	if (fd >= 0)	/* opening a FIFO without a reader must not wait, but writing may */
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

/* Holds the directory of the outfile open, unless the directory's name has a placeholder. */
static void hold_directory(struct output *o)
{
	const char *name = path_name(o->target);

	if (name == o->target || memchr(o->options->outfile, '%',
			(size_t)(path_name(o->options->outfile) - o->options->outfile)))
		return;
	memcpy(o->temporary, o->target, (size_t)(name - o->target));
	o->temporary[name - o->target] = '\0';
	o->dir = move_high(open(o->temporary, O_PATH | O_DIRECTORY | O_CLOEXEC));
	o->temporary[0] = '\0';
}

/* Opens the one file of all dumps. At the start two errors are not reported: a FIFO for folded stacks may
 * get its reader later, and where no descriptor is left, a dump gets some (process/own_descriptors.h). */
static void open_one_file(struct output *o, bool starts, bool truncate)
{
	int fd = -1;

	if (o->options->outfile_is) {
		o->file = hold_open(outfile_descriptor(o->options));
		errno = EBADF;
	} else {
		fd = open_file(o, o->target, safe_open_write, O_APPEND | (truncate ? O_TRUNC : 0));
		o->file = move_high(fd);
	}
	if (o->file.fd < 0 && !(starts && (errno == EMFILE || (o->replaces && errno == ENXIO))))
		report_error(o, o->target, errno);
}

/*
 * Whether dumps are written to the outfile instead of replacing it, because it is no regular file, but a
 * descriptor, a FIFO, a socket or a device. All processes of the run share such an outfile, as it would be of no
 * use to any of them under the name FILE.PID.
 */
static bool is_in_place(struct output *o)
{
	struct stat st;

	if (o->options->outfile_is)
		return true;
	o->in_place = true;	/* so that expand() adds no process number */
	return expand(o, 1) && !fstatat(AT_FDCWD, o->target, &st, 0) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

void output_init(struct output *o, const struct options *options, const char *command,
	       uint32_t pid, bool replaces, bool truncate)
{
	int saved = errno, source = STDERR_FILENO;

	o->options = options;
	o->command = command;
	o->pid = pid;
	o->replaces = replaces;
	o->dir.fd = o->file.fd = o->stream.fd = o->current = -1;
	o->error = hold_open(STDERR_FILENO);
	if (to_stdout(o))
		source = STDOUT_FILENO;
	if (to_file(o) && !outfile_is_numbered(options->outfile))
		o->in_place = is_in_place(o);
	if (!to_file(o))
		o->stream = source == STDERR_FILENO ? o->error : hold_open(source);
	else if (!expand(o, 1))
		report_error(o, o->options->outfile, ENAMETOOLONG);
	else
		hold_directory(o);
	if (one_file(o) && o->target[0])
		open_one_file(o, true, truncate);
	errno = saved;
}

void output_forked(struct output *o, uint32_t pid)
{
	o->pid = pid;
	o->forked = true;
	o->error_reported = false;
	o->current = -1;
	if (one_file(o) && !o->in_place)
		let_go(&o->file);
}

void output_failed(struct output *o, uint32_t number, int error)
{
	int saved = errno;

	if (to_file(o) && expand(o, number))
		report_error(o, o->target, error);
	else
		report_error(o, to_stdout(o) ? "standard output" : "standard error", error);
	errno = saved;
}

static int begin_stream(struct output *o)
{
	int original = to_stdout(o) ? STDOUT_FILENO : STDERR_FILENO;

	if (is_still(&o->stream, o->stream.fd))
		return o->stream.fd;
	return is_still(&o->stream, original) ? original : -1;
}

unsigned output_descriptors(struct output *o, int fds[OUTPUT_DESCRIPTORS])
{
	struct output_fd *const held[] = { &o->stream, &o->dir, &o->file };
	unsigned count = 0;
	int fd = output_error_fd(o);

	if (fd >= 0)
		fds[count++] = fd;
	for (unsigned i = 0; i < 3; i++) {
		if (is_still(held[i], held[i]->fd))
			fds[count++] = held[i]->fd;
	}
	if (!to_file(o)) {
		fd = begin_stream(o);
		if (fd >= 0)
			fds[count++] = fd;
	}
	fd = outfile_descriptor(o->options);
	if (fd >= 0)
		fds[count++] = fd;
	return count;
}

void output_close(struct output *o)
{
	if (o->stream.fd != o->error.fd)
		let_go(&o->stream);
	let_go(&o->error);
	let_go(&o->dir);
	let_go(&o->file);
}

void output_open_early(struct output *o)
{
	int saved = errno;

	if (one_file(o) && !is_still(&o->file, o->file.fd) && expand(o, 1))
		open_one_file(o, true, false);
	errno = saved;
}

/* The name of the temporary file of a process beside the target; try: 0 for the first one. */
static bool name_temporary(struct output *o, uint32_t pid, unsigned try)
{
	return safe_open_name_temporary(o->target, pid, try, o->temporary, sizeof(o->temporary));
}

/* Removes a file in the directory that is held open or, where the program has closed that descriptor, by its whole
 * name. */
static void remove_file(const struct output *o, const char *path)
{
	if (is_still(&o->dir, o->dir.fd))
		unlinkat(o->dir.fd, path_name(path), 0);
	else
		unlinkat(AT_FDCWD, path, 0);
}

/*
 * Creates the temporary file, which must not exist before: another user may have put a file under that name,
 * or a link to a file that must not be written to. A file that an earlier process of the same number has left there,
 * because it was killed, is removed.
 *
 * Another process than the traced one creates a file without a name, so that nothing is left when it is interrupted. In
 * the traced process that could fail at the end, because it may have no /proc, or a filter of system calls.
 */
static int create_temporary(struct output *o)
{
	/* The writer's own id, so that two processes that write the same report have two files. */
	uint32_t writer = o->foreign ? (uint32_t)getpid() : o->pid;
	int fd = o->foreign && name_temporary(o, writer, 0) ? safe_open_nameless(o->target) : -1;

	o->nameless = fd >= 0;
	for (unsigned try = 0; try < TEMPORARY_TRIES && fd < 0; try++) {
		if (!name_temporary(o, writer, try)) {
			errno = ENAMETOOLONG;
			break;
		}
		fd = open_file(o, o->temporary, safe_open_new, 0);
		if (fd < 0 && errno == EEXIST) {
			remove_file(o, o->temporary);
			fd = open_file(o, o->temporary, safe_open_new, 0);
		}
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0)
		o->temporary[0] = '\0';
	return fd;
}

/*
 * Opens the file of a document. It is a temporary file beside the target, which output_end() renames to the target.
 * So a reader finds either the old document or the new one, and each is whole. A link, a FIFO or a device is written
 * to directly.
 */
static int begin_document(struct output *o)
{
	struct stat st;
	bool direct = (is_still(&o->dir, o->dir.fd) ?
		       fstatat(o->dir.fd, path_name(o->target), &st, AT_SYMLINK_NOFOLLOW) :
		       lstat(o->target, &st)) == 0 && !S_ISREG(st.st_mode);

	o->close_it = true;
	return direct ? open_file(o, o->target, safe_open_write, O_TRUNC) : create_temporary(o);
}

int output_begin(struct output *o, uint32_t number)
{
	int saved = errno;

	o->temporary[0] = '\0';
	o->close_it = o->nameless = false;
	o->failure = 0;
	if (!to_file(o)) {
		o->current = begin_stream(o);
		if (o->current < 0)
			report_error(o, to_stdout(o) ? "standard output" : "standard error", EBADF);
	} else if (!expand(o, number)) {
		report_error(o, o->options->outfile, ENAMETOOLONG);
		o->current = -1;
	} else if (one_file(o)) {
		if (!is_still(&o->file, o->file.fd))
			open_one_file(o, false, false);
		o->current = o->file.fd;
	} else {
		if (o->replaces) {
			o->current = begin_document(o);
		} else {
			o->close_it = true;
			o->current = open_file(o, o->target, safe_open_write, O_TRUNC);
		}
		if (o->current < 0)
			report_error(o, o->target, errno);
	}
	errno = saved;
	return o->current;
}

/* Renames a file to another name in the same directory. Returns 0, or -1 with errno. */
static int rename_in(const struct output *o, const char *from, const char *to)
{
	if (is_still(&o->dir, o->dir.fd) &&
	    !renameat(o->dir.fd, path_name(from), o->dir.fd, path_name(to)))
		return 0;
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

void output_remove_left(struct output *o)
{
	int saved = errno;
	char left[sizeof(o->temporary)];

	if (o->temporary[0] && safe_open_name_temporary(o->target, o->pid, 0, left, sizeof(left)) && strcmp(left, o->temporary))
		remove_file(o, left);
	errno = saved;
}

void output_abandon(struct output *o)
{
	int saved = errno;

	if (o->current >= 0 && o->close_it)
		close(o->current);
	o->current = -1;
	if (o->temporary[0] && !o->nameless)
		remove_file(o, o->temporary);
	o->temporary[0] = '\0';
	errno = saved;
}

void output_end(struct output *o, int error)
{
	int saved = errno;

	if (o->nameless && !error && !safe_open_name(o->current, o->temporary))
		error = errno;
	if (o->current >= 0 && o->close_it)
		close(o->current);
	o->current = -1;
	if (o->temporary[0]) {
		if (!error && rename_in(o, o->temporary, o->target))
			error = errno;
		if (error)	/* a file without a name is gone already */
			remove_file(o, o->temporary);
		o->temporary[0] = '\0';
	}
	if (error)
		report_error(o, to_file(o) ? o->target : to_stdout(o) ? "standard output" :
		     "standard error", error);
	errno = saved;
}
