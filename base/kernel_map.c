/* SPDX-License-Identifier: GPL-2.0-only */
/* See kernel_map.h. syscall() is that of kernel.c. */
#include "kernel_map.h"

#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_mmap2
#define SYSTEM_MMAP(offset)	SYS_mmap2, (long)((offset) / 4096)	/* whatever the size of a page is */
#else
#define SYSTEM_MMAP(offset)	SYS_mmap, (long)(offset)
#endif

static void *map(long number, long offset, void *at, size_t size_bytes, long protection, long flags, long fd)
{
	return (void *)syscall(number, at, size_bytes, protection, flags, fd, offset);
}

void *kernel_mmap(void *at, size_t size_bytes, int protection, int flags, int fd, uint64_t offset)
{
	return map(SYSTEM_MMAP(offset), at, size_bytes, protection, flags, fd);
}

int kernel_munmap(void *at, size_t size_bytes)
{
	return (int)syscall(SYS_munmap, at, size_bytes);
}

void *kernel_mremap(void *old, size_t old_bytes, size_t new_bytes, int flags, void *to)
{
	return (void *)syscall(SYS_mremap, old, old_bytes, new_bytes, (long)flags, to);
}
