/* SPDX-License-Identifier: GPL-2.0-only */
/* See named_files.h. */
#include "named_files.h"

#include "base/safe_open.h"
#include "options/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Puts a message into why. Always returns false. */
static bool explain(char why[NAMED_FILES_WHY_BYTES], const char *what, const char *path, const char *cannot,
		    const char *reason)
{
	snprintf(why, NAMED_FILES_WHY_BYTES, "%s %s cannot be %s: %s", what, path, cannot, reason);
	return false;
}

/* Whether the file of --ignore can be read. It is not opened, because opening and closing a FIFO would cost its
 * writer a SIGPIPE. What a FIFO has can be read once, and a program that is traced reads it before the watcher. */
static bool check_ignore(const struct options *o, char why[NAMED_FILES_WHY_BYTES])
{
	const char *path = o->ignore;
	struct stat st;
	int error = 0;

	if (stat(path, &st) || faccessat(AT_FDCWD, path, R_OK, AT_EACCESS))
		error = errno;
	else if (S_ISDIR(st.st_mode))
		error = EISDIR;
	else if (S_ISFIFO(st.st_mode) && options_by_reporter(o) && !o->report && !o->dump)
		return explain(why, "ignore file", path, "read",
			       "it is a pipe, and in this format the watcher needs it, too: name a file");
	return !error || explain(why, "ignore file", path, "read", strerror(error));
}

static bool check_directory(const char *what, const char *path, char why[NAMED_FILES_WHY_BYTES])
{
	struct stat st;
	int error = 0;

	if (stat(path, &st))
		error = errno;
	else if (!S_ISDIR(st.st_mode))
		error = ENOTDIR;
	else if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS))
		error = errno;
	return !error || explain(why, what, path, "searched", strerror(error));
}

/* Tries to create the file of --junit. An old one is removed, so that nobody takes it for that of this run. */
static bool check_junit(const char *path, char why[NAMED_FILES_WHY_BYTES])
{
	char temporary[PATH_MAX];
	int fd = safe_open_replacement(path, temporary);

	if (fd < 0)
		return explain(why, "junit file", path, "made", errno == EINVAL ? "it is not a regular file" :
			       strerror(errno));
	close(fd);
	unlink(temporary);
	unlink(path);
	return true;
}

/* False: a picture or a binary format would go to a terminal, where it is of no use. */
static bool check_terminal(const struct options *o, char why[NAMED_FILES_WHY_BYTES])
{
	static const enum output_format not_for_terminals[] = { OUTPUT_SVG, OUTPUT_HTML, OUTPUT_PPROF };
	bool reads = o->report || o->dump, standard = !o->outfile || !strcmp(o->outfile, "-");
	enum output_format format = options_format(o);

	for (size_t i = 0; i < sizeof(not_for_terminals) / sizeof(not_for_terminals[0]); i++) {
		if (format != not_for_terminals[i] || !standard || o->pack || !isatty(reads || o->outfile ? STDOUT_FILENO :
											    STDERR_FILENO))
			continue;
		snprintf(why, NAMED_FILES_WHY_BYTES, "--format=%s is nothing that a terminal can show: name a file for it, as "
			 "--outfile=heap.%s", options_format_name(format), format == OUTPUT_PPROF ? "pb.gz" :
			 options_format_name(format));
		return false;
	}
	return true;
}

static bool is_same_file(const char *one, const char *other)
{
	struct stat a, b;

	return !stat(one, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* False: a report, or a dump, would overwrite a record that is read. */
static bool check_records(const struct options *o, char why[NAMED_FILES_WHY_BYTES])
{
	const char *records[] = { o->report, o->diff, o->baseline };

	for (size_t i = 0; o->outfile && strcmp(o->outfile, "-") && i < sizeof(records) / sizeof(records[0]); i++) {
		if (records[i] && is_same_file(o->outfile, records[i]))
			return explain(why, "outfile", o->outfile, "written", "it is a record that is to be read: name another file");
	}
	return true;
}

bool named_files_check(const struct options *o, char why[NAMED_FILES_WHY_BYTES])
{
	if (!check_terminal(o, why) || !check_records(o, why))
		return false;
	if (o->ignore && !check_ignore(o, why))
		return false;
	for (int i = 0; i < o->debug_dir_count; i++) {
		if (!check_directory("debug-dir", o->debug_dirs[i], why))
			return false;
	}
	if (o->junit && !check_junit(o->junit, why))
		return false;
	return !o->sysroot || check_directory("sysroot", o->sysroot, why);
}

/* Whether the dumps of this process go to that file, so that they and the record would overwrite each other. */
static bool is_outfile(const struct options *o, const char *command, const char *path)
{
	char outfile[PATH_MAX];

	if (!o->outfile || !strcmp(o->outfile, "-") ||
	    !outfile_expand(o->outfile, (uint32_t)getpid(), command, 1, false, outfile, sizeof(outfile)))
		return false;
	return !strcmp(outfile, path) || is_same_file(outfile, path);
}

/* Tries to create the record file. Returns NULL, or why that is not possible. path: gets the file's name, with the
 * placeholders filled in. */
static const char *try_record(const struct options *o, const char *command, char path[PATH_MAX])
{
	char temporary[PATH_MAX];
	int fd;

	if (!outfile_expand(o->record, (uint32_t)getpid(), command, 1, false, path, PATH_MAX)) {
		snprintf(path, PATH_MAX, "%s", o->record);
		return strerror(ENAMETOOLONG);
	}
	if (is_outfile(o, command, path))
		return "it is the outfile, too";
	fd = safe_open_replacement(path, temporary);
	if (fd < 0)
		return errno == EINVAL ? "it is not a regular file" : strerror(errno);
	close(fd);
	unlink(temporary);
	return NULL;
}

bool named_files_check_record(const struct options *o, const char *command, char why[NAMED_FILES_WHY_BYTES])
{
	char path[PATH_MAX];
	const char *reason = o->record ? try_record(o, command, path) : NULL;

	return !reason || explain(why, "record file", path, "made", reason);
}
