/* SPDX-License-Identifier: GPL-2.0-only */
/* The very file that lies at an address of a process, whatever its path leads to by now. */
#ifndef SYMBOL_MAPPED_H
#define SYMBOL_MAPPED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define MAPPED_PATH_BYTES	64

/*
 * Writes the name under which the kernel shows the file whose mapping starts at an address:
 * /proc/self/map_files/7f52c6c00000-7f52c6c28000 (proc(5); to open it takes CAP_SYS_ADMIN, since
 * Linux 5.9 also CAP_CHECKPOINT_RESTORE). proc: "/proc/self", or another process's directory,
 * of 16 bytes at most. False: nothing starts there, or no /proc. Async-signal-safe; 16 KB of
 * memory from the arena; reads PROC/maps.
 */
bool mapped_path(const char *proc, uint64_t start, char path[MAPPED_PATH_BYTES],
		 struct arena *arena);
/* The path of that file, behind all symbolic links, as far as the kernel knows it; or NULL. As
 * above; in the arena. */
const char *mapped_name(const char *proc, uint64_t start, struct arena *arena);

#endif
