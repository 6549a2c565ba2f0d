/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mmap(2), munmap(2) and mremap(2) for the tracer's own memory. Unlike the functions in kernel.h they have names of
 * their own, because the library exports functions called mmap(), munmap() and mremap(), which stand in front of libc's
 * (hooks/pages.c). A call of these from inside the library would be recorded as if the program had made it.
 *
 * They behave as the functions of libc do, set errno, are async-signal-safe and take no lock.
 */
#ifndef BASE_KERNEL_MAP_H
#define BASE_KERNEL_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/* offset: in bytes, a multiple of the page size. */
void *kernel_mmap(void *at, size_t size_bytes, int protection, int flags, int fd, uint64_t offset);

int kernel_munmap(void *at, size_t size_bytes);

/* to: the new address, if flags has MREMAP_FIXED; else NULL. */
void *kernel_mremap(void *old, size_t old_bytes, size_t new_bytes, int flags, void *to);

#endif
