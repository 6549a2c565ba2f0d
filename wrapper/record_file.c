/* SPDX-License-Identifier: GPL-2.0-only */
/* See record_file.h. */
#include "record_file.h"

#include "base/opened.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the text dumps of this process go to that file: they and the record would overwrite each
 * other. */
static bool is_outfile(const struct options *o, const char *command, const char *path)
{
	char outfile[PATH_MAX];
	struct stat a, b;

	if (!o->outfile || !strcmp(o->outfile, "-") ||
	    !options_outfile(o->outfile, (uint32_t)getpid(), command, 1, false, outfile, sizeof(outfile)))
		return false;
	return !strcmp(outfile, path) || (!stat(outfile, &a) && !stat(path, &b) &&
					  a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

const char *record_file_check(const struct options *o, const char *command, char path[PATH_MAX])
{
	char temporary[PATH_MAX];
	struct stat st;
	int fd, bytes;

	if (!options_outfile(o->record, (uint32_t)getpid(), command, 1, false, path, PATH_MAX))
		return strerror(ENAMETOOLONG);
	if (is_outfile(o, command, path))
		return "it is the outfile, too";
	if (!lstat(path, &st) && !S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? strerror(EISDIR) : "it is not a regular file";
	bytes = snprintf(temporary, sizeof(temporary), "%s.%u.tmp", path, (unsigned)getpid());
	if (bytes >= (int)sizeof(temporary))
		return strerror(ENAMETOOLONG);
	unlink(temporary);
	fd = opened_new(AT_FDCWD, temporary, O_RDWR);
	if (fd < 0)
		return strerror(errno);
	close(fd);
	unlink(temporary);
	return NULL;
}
