/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads a stretch of a file, whatever interrupts that. */
#ifndef BASE_READ_AT_H
#define BASE_READ_AT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads so many bytes from an offset on. Returns how many there are: fewer at the end of the file. -1: they cannot be
 * read, and errno says why. Any thread, async-signal-safe. */
ssize_t read_at(int fd, void *to, size_t size_bytes, uint64_t offset);

/* The same where fewer bytes are of no use. False: there are fewer, or they cannot be read. */
static inline bool read_whole(int fd, void *to, size_t size_bytes, uint64_t offset)
{
	return read_at(fd, to, size_bytes, offset) == (ssize_t)size_bytes;
}

#endif
