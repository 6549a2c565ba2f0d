/* SPDX-License-Identifier: GPL-2.0-only */
/* See shared_mapping.h. */
#include "shared_mapping.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

bool shared_mapping_next(struct mappings *list, struct mapping *m)
{
	while (mappings_next(list, m)) {
		if (!strncmp(m->access, "rw-s", 4) && m->path[0])
			return true;
	}
	return false;
}

bool shared_mapping_is_of(const struct mapping *m, const struct stat *file)
{
	unsigned device_major, device_minor;
	struct stat named;

	if (m->inode != file->st_ino || sscanf(m->device, "%x:%x", &device_major, &device_minor) != 2)
		return false;
	if (device_major == major(file->st_dev) && device_minor == minor(file->st_dev))
		return true;
	return !device_major && !major(file->st_dev) && !stat(m->path, &named) &&
	       named.st_dev == file->st_dev && named.st_ino == file->st_ino;
}
