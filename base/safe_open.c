/* SPDX-License-Identifier: GPL-2.0-only */
/* See safe_open.h. */
#include "safe_open.h"

#include "atomics.h"
#include "out.h"
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINKS_MAX	8	/* symbolic links that are followed to a descriptor's name */
#define SUFFIX_MAX	26	/* bytes that a temporary file's name can have more than the other one: two numbers */
#define RACES_MAX	4	/* how often a file may appear or vanish while it is opened */

static bool exhausted;

/* Takes the result of an open, and records whether it failed for want of a descriptor. */
static int checked(int fd)
{
	if (fd < 0 && errno == EMFILE)
		store_relaxed(&exhausted, true);
	return fd;
}

bool safe_open_exhausted(void)
{
	return load_relaxed(&exhausted);
}

void safe_open_forget(void)
{
	store_relaxed(&exhausted, false);
}

int safe_open_read(int dir, const char *path, int flags)
{
	return checked(openat(dir, path, flags | O_CLOEXEC));
}

/* ---- Creating files ---- */

/* Gets the status of the directory that holds the file at a path. */
static bool stat_directory(int dir, const char *path, struct stat *st)
{
	const char *slash = strrchr(path, '/');
	size_t bytes = slash ? (size_t)(slash - path) + 1 : 0;
	char name[PATH_MAX];

	if (!bytes)
		return dir == AT_FDCWD ? !fstatat(dir, ".", st, 0) : !fstat(dir, st);
	if (bytes >= sizeof(name))
		return false;
	memcpy(name, path, bytes);
	name[bytes] = '\0';
	return !fstatat(dir, name, st, 0);
}

/* Whether the file at the path may have been planted by another user so that we write to it. The user's own
 * id comes last, because for files in most directories this system call is not needed. */
static bool is_planted(int dir, const char *path, const struct stat *file)
{
	struct stat directory;

	return stat_directory(dir, path, &directory) && directory.st_mode & S_ISVTX &&
	       directory.st_mode & (S_IWGRP | S_IWOTH) && file->st_uid != directory.st_uid &&
	       file->st_uid != geteuid();
}

int safe_open_new(int dir, const char *path, int flags)
{
	return checked(openat(dir, path, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
}

bool safe_open_name_temporary(const char *path, uint32_t pid, unsigned try, char *to, size_t size_bytes)
{
	size_t directory = (size_t)(path_name(path) - path), name = strlen(path) - directory;
	struct out text = out_memory(to, size_bytes);

	out_bytes(&text, path, directory + (name < NAME_MAX - SUFFIX_MAX ? name : NAME_MAX - SUFFIX_MAX));
	out_char(&text, '.');
	out_u64(&text, pid);
	if (try) {
		out_char(&text, '.');
		out_u64(&text, try);
	}
	out_text(&text, ".tmp");
	out_string(&text);
	return !text.lost;
}

int safe_open_replacement(const char *path, char temporary[PATH_MAX])
{
	struct stat st;

	if (!safe_open_name_temporary(path, (uint32_t)getpid(), 0, temporary, PATH_MAX)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (lstat(path, &st)) {
		if (errno == ENAMETOOLONG)
			return -1;
	} else if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	unlinkat(AT_FDCWD, temporary, 0);
	return safe_open_new(AT_FDCWD, temporary, O_RDWR);
}

/* The name that the kernel has for a descriptor, by which a file without a name is reached (open(2), O_TMPFILE). */
static void name_descriptor(int fd, char *link, size_t bytes)
{
	struct out text = out_memory(link, bytes);

	out_text(&text, "/proc/self/fd/");
	out_u64(&text, (uint64_t)fd);
	out_string(&text);
}

int safe_open_nameless(const char *path)
{
	char directory[PATH_MAX], link[32];
	struct out text = out_memory(directory, sizeof(directory));
	struct stat st;
	int fd;

	out_bytes(&text, path, (size_t)(path_name(path) - path));
	out_text(&text, ".");
	if (text.lost || (!lstat(path, &st) && !S_ISREG(st.st_mode)))
		return -1;
	fd = checked(open(out_string(&text), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666));
	name_descriptor(fd, link, sizeof(link));
	if (fd < 0 || !lstat(link, &st))
		return fd;
	close(fd);
	return -1;
}

bool safe_open_name(int fd, const char *path)
{
	char link[32];

	name_descriptor(fd, link, sizeof(link));
	if (!syscall(SYS_linkat, AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW))
		return true;
	return errno == EEXIST && !unlinkat(AT_FDCWD, path, 0) &&
	       !syscall(SYS_linkat, AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/*
 * An existing file is checked before it is opened, because O_TRUNC would empty it. In a sticky directory
 * nobody else can replace a file of this user or of the directory's owner between the check and the open. In any
 * other directory that other users may write to, they can do what they like anyway.
 */
int safe_open_write(int dir, const char *path, int flags)
{
	struct stat st;

	for (int races = 0; races < RACES_MAX; races++) {
		int fd;

		if (!fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW)) {
			if (!is_planted(dir, path, &st))
				return checked(openat(dir, path, flags | O_CREAT | O_CLOEXEC, 0666));
			errno = EEXIST;
			return -1;
		}
		if (errno != ENOENT)
			return -1;
		fd = safe_open_new(dir, path, flags);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

/* ---- Names of descriptors ---- */

/* Returns the number that a text consists of, or -1 if the text is not a number. */
static int whole_number(const char *text)
{
	int number = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || number > INT_MAX / 10 - 1)
			return -1;
		number = 10 * number + (*text - '0');
	}
	return number;
}

/* Returns the descriptor that a path names by itself, without following links, or -1. */
static int number_in(const char *path)
{
	static const char *const streams[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	static const char *const directories[] = {
		"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/",
	};

	for (int i = 0; i < 3; i++) {
		if (!strcmp(path, streams[i]))
			return i;
		if (!strncmp(path, directories[i], strlen(directories[i])))
			return whole_number(path + strlen(directories[i]));
	}
	return -1;
}

/* Replaces a path by the target of the symbolic link there. Returns false if there is no symbolic link. */
static bool follow(char path[PATH_MAX])
{
	char target[PATH_MAX], *slash = strrchr(path, '/');
	ssize_t bytes = readlink(path, target, sizeof(target) - 1);
	size_t kept = 0;

	if (bytes <= 0)
		return false;
	target[bytes] = '\0';
	if (target[0] != '/' && slash)
		kept = (size_t)(slash - path) + 1;
	if (kept + (size_t)bytes >= PATH_MAX)
		return false;
	strcpy(path + kept, target);
	return true;
}

int safe_open_descriptor(const char *name)
{
	int saved = errno, number = -1;
	char path[PATH_MAX];

	if (strlen(name) >= sizeof(path))
		return -1;
	strcpy(path, name);
	for (int links = 0; links < LINKS_MAX; links++) {
		number = number_in(path);
		if (number >= 0 || !follow(path))
			break;
	}
	errno = saved;
	return number;
}
