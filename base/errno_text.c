/* SPDX-License-Identifier: GPL-2.0-only */
/* See errno_text.h. */
#include "errno_text.h"

#include <errno.h>
#include <stddef.h>

const char *errno_text(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:		return "permission denied";
	case ENOENT:		return "no such file or directory";
	case ENOTDIR:		return "not a directory";
	case EISDIR:		return "it is a directory";
	case EINVAL:		return "not a regular file";
	case ENOSPC:		return "no space left on the device";
	case EDQUOT:		return "disk quota exceeded";
	case EFBIG:		return "file size limit exceeded";
	case EROFS:		return "read-only file system";
	case EMFILE:		return "too many open files in this process: RLIMIT_NOFILE";
	case ENFILE:		return "too many open files in the whole system: fs.file-max";
	case ENOMEM:		return "no memory";
	case EIO:		return "input/output error";
	case ELOOP:		return "too many symbolic links";
	case ESTALE:		return "stale file handle";
	case ETIMEDOUT:		return "timed out";
	case ENAMETOOLONG:	return "the name is too long";
	case EBADF:		return "the descriptor is closed";
	case EEXIST:		return "another user's file is in its place";
	case EPIPE:		return "nobody reads from it any more";
	default:		return NULL;
	}
}
