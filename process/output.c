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

/* The kernel's table has 8 bytes for each descriptor number up to the highest in use, so none is higher than this. */
#define HIGH_FD_MAX	65536u
/* Where the soft limit is lower, a child of the program may raise it again, and scan up to it. */
#define HIGH_FD_LEAST	1024u
#define TEMPORARY_TRIES	10u	/* names for a temporary file */

static struct output_fd remember(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return (struct output_fd){ .fd = -1 };
	return (struct output_fd){ .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
}

static bool is_still(const struct output_fd *f, int fd)
{
	struct stat st;

	return fd >= 0 && f->fd >= 0 && !fstat(fd, &st) && st.st_dev == f->dev &&
	       st.st_ino == f->ino;
}

/*
 * Makes a close-on-exec duplicate above the soft limit of descriptors, since programs scan up to that limit. The
 * limit is raised for the moment (by root the hard limit, too). Where raising is forbidden, or the limit is
 * very large, the duplicate is as high as is reasonable.
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
	for (rlim_t from = old.rlim_cur < HIGH_FD_MAX ? old.rlim_cur : HIGH_FD_MAX; from > 3; ) {
		from -= from / 8 + 1;
		high = fcntl(fd, F_DUPFD_CLOEXEC, (int)from);
		if (high >= 0)
			return high;
	}
	return -1;
}

/* Holds what is open as fd by a duplicate, or, where there is no number left for one, by fd itself. */
static struct output_fd hold(int fd)
{
	int high = high_duplicate(fd);
	struct output_fd held = remember(high < 0 ? fd : high);

	held.borrowed = high < 0;
	return held;
}

static struct output_fd move_high(int fd)
{
	int high = fd < 0 ? -1 : high_duplicate(fd);

	if (high < 0)
		return remember(fd);
	close(fd);
	return remember(high);
}

/* Forgets a descriptor, and closes it if it is still the one that was opened here. */
static void drop(struct output_fd *f)
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

int output_error_fd(struct output *s)
{
	return is_still(&s->error, s->error.fd) ? s->error.fd :
	       is_still(&s->error, STDERR_FILENO) ? STDERR_FILENO : -1;
}

static void tell(struct output *s, const char *path, int error)
{
	int fd = output_error_fd(s);
	char buf[512];
	struct out out;

	s->failure = error ? error : EIO;
	if (s->told || fd < 0 || (s->tries_again && safe_open_exhausted()))
		return;
	s->told = true;
	out_init(&out, fd, buf, sizeof(buf));
	out_text(&out, "[heaptrace] cannot write the dump to ");
	out_name(&out, path);
	out_text(&out, ": ");
	words_reason(&out, output_reason(error), error);
	out_char(&out, '\n');
	out_flush(&out);
}

static bool to_stdout(const struct output *s)
{
	return s->options->outfile && !strcmp(s->options->outfile, "-");
}

static bool to_file(const struct output *s)
{
	return s->options->outfile && !to_stdout(s);
}

/* Whether all dumps go to the same file. Text dumps do, unless the file's name has the dump's number in it, and so do
 * all dumps if outfile is no regular file. */
static bool one_file(const struct output *s)
{
	return to_file(s) && (s->in_place || !s->replaces) && !outfile_is_numbered(s->options->outfile);
}

bool output_takes_lines(const struct output *s)
{
	return !s->replaces && (!to_file(s) || one_file(s));
}

/* Puts the name of the file of dump `number` into s->target. If it is no regular file, it has the same name in
 * all processes. */
static bool expand(struct output *s, uint32_t number)
{
	bool own = s->in_place || (s->pid == s->options->run && !s->forked);

	return outfile_expand(s->options->outfile, s->pid, s->command, number, !own,
			       s->target, sizeof(s->target));
}

/*
 * Opens path in the held directory or, where that is gone or is another one now, by its whole name. how:
 * safe_open_write or safe_open_new.
 */
static int open_file(struct output *s, const char *path, int how(int, const char *, int), int flags)
{
	int fd = -1;

	flags |= O_WRONLY | O_NOCTTY | O_NONBLOCK;
	if (is_still(&s->dir, s->dir.fd))
		fd = how(s->dir.fd, path_name(path), flags);
	if (fd < 0 && errno != EEXIST)
		fd = how(AT_FDCWD, path, flags);
	if (fd >= 0)	/* only opening a FIFO without a reader must not wait; writing may */
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

/* Holds the directory of the outfile open, unless its name has a placeholder. */
static void hold_directory(struct output *s)
{
	const char *name = path_name(s->target);

	if (name == s->target || memchr(s->options->outfile, '%',
			(size_t)(path_name(s->options->outfile) - s->options->outfile)))
		return;
	memcpy(s->temporary, s->target, (size_t)(name - s->target));
	s->temporary[name - s->target] = '\0';
	s->dir = move_high(open(s->temporary, O_PATH | O_DIRECTORY | O_CLOEXEC));
	s->temporary[0] = '\0';
}

/* Opens the one file of all dumps. At the start folded stacks that go to a FIFO may still wait for
 * its reader, and where no descriptor is left, a dump will have some (process/own_descriptors.h). */
static void open_one_file(struct output *s, bool starts, bool truncate)
{
	int fd = -1;

	if (s->options->outfile_is) {
		s->file = hold(outfile_descriptor(s->options));
		errno = EBADF;
	} else {
		fd = open_file(s, s->target, safe_open_write, O_APPEND | (truncate ? O_TRUNC : 0));
		s->file = move_high(fd);
	}
	if (s->file.fd < 0 && !(starts && (errno == EMFILE || (s->replaces && errno == ENXIO))))
		tell(s, s->target, errno);
}

/*
 * Whether dumps are written to the outfile instead of replacing it, because it is no regular file, but a
 * descriptor, a FIFO, a socket or a device. All processes of the run share such an outfile, as it would be of no
 * use to any of them under the name FILE.PID.
 */
static bool is_in_place(struct output *s)
{
	struct stat st;

	if (s->options->outfile_is)
		return true;
	s->in_place = true;	/* so that expand() adds no process number */
	return expand(s, 1) && !fstatat(AT_FDCWD, s->target, &st, 0) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

void output_init(struct output *s, const struct options *options, const char *command,
	       uint32_t pid, bool replaces, bool truncate)
{
	int saved = errno, source = STDERR_FILENO;

	s->options = options;
	s->command = command;
	s->pid = pid;
	s->replaces = replaces;
	s->dir.fd = s->file.fd = s->stream.fd = s->current = -1;
	s->error = hold(STDERR_FILENO);
	if (to_stdout(s))
		source = STDOUT_FILENO;
	if (to_file(s) && !outfile_is_numbered(options->outfile))
		s->in_place = is_in_place(s);
	if (!to_file(s))
		s->stream = source == STDERR_FILENO ? s->error : hold(source);
	else if (!expand(s, 1))
		tell(s, s->options->outfile, ENAMETOOLONG);
	else
		hold_directory(s);
	if (one_file(s) && s->target[0])
		open_one_file(s, true, truncate);
	errno = saved;
}

void output_forked(struct output *s, uint32_t pid)
{
	s->pid = pid;
	s->forked = true;
	s->told = false;
	s->current = -1;
	if (one_file(s) && !s->in_place)
		drop(&s->file);
}

void output_failed(struct output *s, uint32_t number, int error)
{
	int saved = errno;

	if (to_file(s) && expand(s, number))
		tell(s, s->target, error);
	else
		tell(s, to_stdout(s) ? "standard output" : "standard error", error);
	errno = saved;
}

static int begin_stream(struct output *s)
{
	int original = to_stdout(s) ? STDOUT_FILENO : STDERR_FILENO;

	if (is_still(&s->stream, s->stream.fd))
		return s->stream.fd;
	return is_still(&s->stream, original) ? original : -1;
}

unsigned output_descriptors(struct output *s, int fds[OUTPUT_DESCRIPTORS])
{
	struct output_fd *const held[] = { &s->stream, &s->dir, &s->file };
	unsigned count = 0;
	int fd = output_error_fd(s);

	if (fd >= 0)
		fds[count++] = fd;
	for (unsigned i = 0; i < 3; i++) {
		if (is_still(held[i], held[i]->fd))
			fds[count++] = held[i]->fd;
	}
	if (!to_file(s)) {
		fd = begin_stream(s);
		if (fd >= 0)
			fds[count++] = fd;
	}
	fd = outfile_descriptor(s->options);
	if (fd >= 0)
		fds[count++] = fd;
	return count;
}

void output_close(struct output *s)
{
	if (s->stream.fd != s->error.fd)
		drop(&s->stream);
	drop(&s->error);
	drop(&s->dir);
	drop(&s->file);
}

void output_keep(struct output *s)
{
	int saved = errno;

	if (one_file(s) && !is_still(&s->file, s->file.fd) && expand(s, 1))
		open_one_file(s, true, false);
	errno = saved;
}

/* The name of the temporary file beside the target; try: 0 for the first one. */
static bool name_temporary(struct output *s, unsigned try)
{
	struct out name;

	out_init(&name, -1, s->temporary, sizeof(s->temporary));
	out_text(&name, s->target);
	out_char(&name, '.');
	out_u64(&name, s->pid);
	if (try) {
		out_char(&name, '.');
		out_u64(&name, try);
	}
	out_text(&name, ".tmp");
	out_string(&name);
	return !name.lost;
}

/* Removes a file in the held directory or, where that is gone or is another one now, by its whole name. */
static void remove_file(const struct output *s, const char *path)
{
	if (is_still(&s->dir, s->dir.fd))
		unlinkat(s->dir.fd, path_name(path), 0);
	else
		unlinkat(AT_FDCWD, path, 0);
}

/*
 * Creates the temporary file, which must not exist before: another user may have put a file under that name,
 * or a link to a file that must not be written to. A file that an earlier process of the same number has left there,
 * because it was killed, is removed.
 */
static int create_temporary(struct output *s)
{
	int fd = -1;

	for (unsigned try = 0; try < TEMPORARY_TRIES && fd < 0; try++) {
		if (!name_temporary(s, try)) {
			errno = ENAMETOOLONG;
			break;
		}
		fd = open_file(s, s->temporary, safe_open_new, 0);
		if (fd < 0 && errno == EEXIST) {
			remove_file(s, s->temporary);
			fd = open_file(s, s->temporary, safe_open_new, 0);
		}
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0)
		s->temporary[0] = '\0';
	return fd;
}

/*
 * A document is written to a temporary file beside its place, which is then renamed. So a reader finds either the
 * old document or the new one, and each is whole. A link, a FIFO or a device is written to directly.
 */
static int begin_document(struct output *s)
{
	struct stat st;
	bool direct = (is_still(&s->dir, s->dir.fd) ?
		       fstatat(s->dir.fd, path_name(s->target), &st, AT_SYMLINK_NOFOLLOW) :
		       lstat(s->target, &st)) == 0 && !S_ISREG(st.st_mode);

	s->close_it = true;
	return direct ? open_file(s, s->target, safe_open_write, O_TRUNC) : create_temporary(s);
}

int output_begin(struct output *s, uint32_t number)
{
	int saved = errno;

	s->temporary[0] = '\0';
	s->close_it = false;
	if (!to_file(s)) {
		s->current = begin_stream(s);
		if (s->current < 0)
			tell(s, to_stdout(s) ? "standard output" : "standard error", EBADF);
	} else if (!expand(s, number)) {
		tell(s, s->options->outfile, ENAMETOOLONG);
		s->current = -1;
	} else if (one_file(s)) {
		if (!is_still(&s->file, s->file.fd))
			open_one_file(s, false, false);
		s->current = s->file.fd;
	} else {
		if (s->replaces) {
			s->current = begin_document(s);
		} else {
			s->close_it = true;
			s->current = open_file(s, s->target, safe_open_write, O_TRUNC);
		}
		if (s->current < 0)
			tell(s, s->target, errno);
	}
	errno = saved;
	return s->current;
}

/* Renames a file within the directory of both names. */
static int rename_in(const struct output *s, const char *from, const char *to)
{
	if (is_still(&s->dir, s->dir.fd) &&
	    !renameat(s->dir.fd, path_name(from), s->dir.fd, path_name(to)))
		return 0;
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

void output_end(struct output *s, int error)
{
	int saved = errno;

	if (s->current >= 0 && s->close_it)
		close(s->current);
	s->current = -1;
	if (s->temporary[0]) {
		if (!error && rename_in(s, s->temporary, s->target))
			error = errno;
		if (error)
			remove_file(s, s->temporary);
		s->temporary[0] = '\0';
	}
	if (error)
		tell(s, to_file(s) ? s->target : to_stdout(s) ? "standard output" :
		     "standard error", error);
	errno = saved;
}
