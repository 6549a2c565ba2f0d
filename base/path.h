/* SPDX-License-Identifier: GPL-2.0-only */
/* A file's name without its directories. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <string.h>

/* Returns a pointer to what follows the last slash of the path, or to its beginning if it has none.
 * Async-signal-safe. */
static inline const char *path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

#endif
