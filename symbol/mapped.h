/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the file that is mapped at an address of a process, even if its path leads elsewhere by
 * now. */
#ifndef SYMBOL_MAPPED_H
#define SYMBOL_MAPPED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define MAPPED_PATH_BYTES	64

/*
 * Writes the name under which the kernel shows the file whose mapping starts at an address:
 * /proc/self/map_files/7f52c6c00000-7f52c6c28000 (proc(5)). Opening it takes CAP_SYS_ADMIN, or
 * since Linux 5.9 CAP_CHECKPOINT_RESTORE. proc: "/proc/self", or the directory of another process,
 * 16 bytes at most. False: no mapping starts there, or there is no /proc. Async-signal-safe; reads
 * PROC/maps and takes 16 KB from the arena.
 */
bool mapped_path(const char *proc, uint64_t start, char path[MAPPED_PATH_BYTES],
		 struct arena *arena);
/* The path of that file without symbolic links, as the kernel knows it, in the arena; or NULL.
 * Otherwise as mapped_path(). */
const char *mapped_name(const char *proc, uint64_t start, struct arena *arena);

#endif
