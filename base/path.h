/* SPDX-License-Identifier: GPL-2.0-only */
/* A file's name without its directories. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <string.h>

/* What follows the last slash of a path, in the path itself; all of it when there is none. Async-signal-safe. */
static inline const char *path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

#endif
