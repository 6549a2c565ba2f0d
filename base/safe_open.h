/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opening files: the one place that knows when the process has no descriptor left, and that
 * creates no file where another user may have put something first.
 *
 * Async-signal-safe, for any thread. errno says why nothing was opened.
 */
#ifndef BASE_SAFE_OPEN_H
#define BASE_SAFE_OPEN_H

#include <limits.h>
#include <stdbool.h>

/*
 * openat(2) without O_CREAT, always with O_CLOEXEC. Where it fails because the process has all
 * descriptors that it may have (EMFILE), safe_open_exhausted() is true from then on.
 */
int safe_open_read(int dir, const char *path, int flags);

/* Whether a file was not opened for want of a descriptor since safe_open_forget(). */
bool safe_open_exhausted(void);
void safe_open_forget(void);

/*
 * Opens a file for writing and creates it where there is none. flags: O_TRUNC, O_APPEND and the like.
 * Links are followed, as a shell's `>` does, with one exception: in a directory that everybody may
 * write to and whose files only their owners may remove (sticky, such as /tmp), nothing is opened that
 * belongs neither to this user nor to the directory's owner, because another user may have planted it
 * there: a link to a file of ours, or a file to read our dump from. This is what Linux itself does where
 * the sysctls fs.protected_symlinks, fs.protected_regular and fs.protected_fifos are set. Then errno is
 * EEXIST.
 */
int safe_open_write(int dir, const char *path, int flags);

/* Creates a file that was not there: no link is followed, no file is opened that exists. */
int safe_open_new(int dir, const char *path, int flags);

/*
 * Creates the file that takes the name `path` when it is complete, by a rename, and opens it for reading and writing.
 * Until then it is called PATH.PID.tmp, which `temporary` gets; what a killed process of this number
 * has left there is removed. -1, with errno: EISDIR or EINVAL when something else than a regular file is
 * at `path`, which is not to be replaced; ENAMETOOLONG; or what safe_open_new() gives.
 */
int safe_open_replacement(const char *path, char temporary[PATH_MAX]);

/*
 * The number of the open descriptor that a file name stands for, because it is one of /dev/stdin,
 * /dev/stdout, /dev/stderr, /dev/fd/N, /proc/self/fd/N, or a symbolic link to one of these; -1 for
 * any other name. Whether N is open is not asked.
 */
int safe_open_descriptor(const char *path);

#endif
