/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opening files safely: these functions record when the process has no descriptor left, and they do not
 * write to a file that another user may have planted.
 *
 * Async-signal-safe, for any thread. Functions that open a file return -1 with errno set on failure.
 */
#ifndef BASE_SAFE_OPEN_H
#define BASE_SAFE_OPEN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * openat(2) without O_CREAT, always with O_CLOEXEC. When it fails because the process has as many descriptors
 * as it may have (EMFILE), safe_open_exhausted() returns true from then on.
 */
int safe_open_read(int dir, const char *path, int flags);

/* Whether a file could not be opened for want of a descriptor since the last safe_open_forget(). */
bool safe_open_exhausted(void);
void safe_open_forget(void);

/*
 * Opens a file for writing, and creates it if it does not exist. flags: the access mode, O_TRUNC, O_APPEND and
 * the like.
 *
 * Links are followed, as they are by a shell's `>`, with one exception. In a directory that everybody may
 * write to and whose files only their owners may remove (a sticky directory, such as /tmp), no file or link is
 * opened that belongs neither to this user nor to the directory's owner: another user may have planted a
 * link that leads to a file of ours, or a file from which to read our dump. Then errno is EEXIST. Linux does
 * the same where the sysctls fs.protected_symlinks, fs.protected_regular and fs.protected_fifos are set.
 */
int safe_open_write(int dir, const char *path, int flags);

/* Creates a file. Neither an existing file nor a link is opened: then errno is EEXIST. */
int safe_open_new(int dir, const char *path, int flags);

/*
 * Puts the name of a temporary file beside the one at `path` into to[size_bytes]: PATH.PID.tmp or, for try > 0,
 * PATH.PID.TRY.tmp. A name is cut where the whole one would have more than NAME_MAX bytes.
 * False: the whole path has no room.
 */
bool safe_open_name_temporary(const char *path, uint32_t pid, unsigned try, char *to, size_t size_bytes);

/*
 * Creates a temporary file, and opens it for reading and writing. The caller renames it to `path` when it is
 * complete. `temporary` gets its name, PATH.PID.tmp; a file of that name, which a killed process with this
 * id has left behind, is removed. errno is EISDIR or EINVAL if `path` exists and is not a regular file (then
 * it must not be replaced), ENAMETOOLONG, or an error of safe_open_new().
 */
int safe_open_replacement(const char *path, char temporary[PATH_MAX]);

/*
 * Creates a file that has no name (open(2), O_TMPFILE), for reading and writing, in the directory of `path`. Nothing is
 * left of it when the process is killed. safe_open_name() gives it a temporary name in that directory, and the caller
 * renames it to `path`. -1: the file system has no such files, or there is no /proc, which safe_open_name() needs, or
 * `path` is no regular file. The caller then uses a file that has a name.
 */
int safe_open_nameless(const char *path);

/* Gives a file of safe_open_nameless() the name `path`. A file that has this name already is removed. False: errno
 * says why not. */
bool safe_open_name(int fd, const char *path);

/*
 * Returns the number of the descriptor that a file name stands for, or -1. Such names are /dev/stdin,
 * /dev/stdout, /dev/stderr, /dev/fd/N, /proc/self/fd/N, /proc/thread-self/fd/N and symbolic links to one of
 * them. The descriptor need not be open.
 */
int safe_open_descriptor(const char *path);

#endif
