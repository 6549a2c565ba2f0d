/* SPDX-License-Identifier: GPL-2.0-only */
/* See prepare_outfile.h. */
#include "prepare_outfile.h"

#include "base/safe_open.h"
#include "options/options.h"
#include "options/outfile.h"
#include "process/output.h"
#include "quit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether path is the file that standard output or standard error goes to. Emptying that file would lose the text that
 * is in it already. */
static bool is_standard_stream(const char *path)
{
	struct stat st, stream;

	if (stat(path, &st))
		return false;
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (!fstat(fd, &stream) && st.st_dev == stream.st_dev && st.st_ino == stream.st_ino)
			return true;
	return false;
}

static void die_outfile(const char *path, int error)
{
	const char *why = error == EEXIST ? output_reason(error) : strerror(error);

	quit_saying(EXIT_SETUP, "outfile %s cannot be written: %s", path, why);
}

/* Checks an outfile that is a descriptor, a FIFO, a socket or a device, to which dumps are written directly. The check
 * opens nothing: to open a FIFO and close it again would tell its reader that everything has been written. */
static void check_in_place(const struct options *o, const char *path, const struct stat *st)
{
	int fd = outfile_descriptor(o);

	if (fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		quit_saying(EXIT_SETUP, "outfile %s cannot be written: the descriptor is open for reading only", path);
	if (fd < 0 && S_ISSOCK(st->st_mode))
		quit_saying(EXIT_SETUP, "outfile %s cannot be written: it is a socket, which is no file to open; "
		    "connect to it and name the descriptor, /dev/fd/NUMBER", path);
	if (fd < 0 && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
		die_outfile(path, errno);
}

void prepare_outfile(const struct options *o, uint32_t pid, const char *command)
{
	char path[PATH_MAX];
	struct stat st;
	char *slash;
	int fd;

	if (!o->outfile || !strcmp(o->outfile, "-"))
		return;
	if (!outfile_expand(o->outfile, pid, command, 1, false, path, sizeof(path)))
		die_outfile(o->outfile, ENAMETOOLONG);
	if (!stat(path, &st)) {
		if (S_ISDIR(st.st_mode))
			die_outfile(path, EISDIR);
		if (!S_ISREG(st.st_mode)) {
			check_in_place(o, path, &st);
			return;
		}
	} else if (errno == ENAMETOOLONG) {
		die_outfile(path, errno);
	}
	if (o->outfile_is)
		return;
	if (!strchr(o->outfile, '%') && safe_open_descriptor(path) >= 0)
		die_outfile(path, EBADF);
	if (options_format(o) == OUTPUT_TEXT && !outfile_is_numbered(o->outfile)) {
		fd = safe_open_write(AT_FDCWD, path, O_WRONLY | O_APPEND | O_NOCTTY |
				  (is_standard_stream(path) ? 0 : O_TRUNC));
		if (fd < 0)
			die_outfile(path, errno);
		close(fd);
		return;
	}
	slash = strrchr(path, '/');
	if (slash)
		*(slash == path ? slash + 1 : slash) = 0;
	if (stat(slash ? path : ".", &st) ||
	    faccessat(AT_FDCWD, slash ? path : ".", W_OK | X_OK, AT_EACCESS))
		die_outfile(o->outfile, errno);
	if (!S_ISDIR(st.st_mode))
		die_outfile(o->outfile, ENOTDIR);
}
