/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages of a process are in memory, by /proc/PID/pagemap: 8 bytes for each page, whose upper bit tells (the
 * kernel's Documentation/admin-guide/mm/pagemap.rst). Any process may read its own, and that of another one which it
 * may trace (ptrace(2)).
 *
 * Async-signal-safe; errno is not kept. A struct pagemap belongs to one user at a time. It takes 6 KB.
 */
#ifndef BASE_PAGEMAP_H
#define BASE_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>

#define PAGEMAP_ENTRIES	512u

#define PAGEMAP_REGIONS	64u

/* What the kernel says of neighbouring pages (struct page_region of <linux/fs.h>). */
struct pagemap_region {
	uint64_t start, end, categories;
};

struct pagemap {
	int fd;				/* -1: it may not be read */
	uint64_t page_bytes, first, entries_read;	/* entries[0] is of page `first` */
	uint64_t entries[PAGEMAP_ENTRIES];
	/* For pagemap_count(): what is in memory of [scan_start, scan_end). */
	uint64_t scan_start, scan_end;
	uint32_t regions_found, region;	/* region: the first one that does not end before the place last asked for */
	struct pagemap_region regions[PAGEMAP_REGIONS];
};

/* Opens that of the process pid, or of this process if pid is 0. Where that is refused, all pages count as present. */
void pagemap_open(struct pagemap *p, uint32_t pid);

/* Whether the page at an address is in memory. Unknown counts as yes. */
bool pagemap_is_present(struct pagemap *p, uint64_t at);

/* The bytes of the pages in [at, end) that are in memory. Both are multiples of page_bytes. */
uint64_t pagemap_present_bytes(struct pagemap *p, uint64_t at, uint64_t end);

/*
 * Counts the bytes of the mapping [at, end) that are in memory, as "Rss:" in /proc/PID/smaps does (mappings.h), in a
 * tenth of the time: by PAGEMAP_SCAN, Linux 6.7. of_file: the mapping is of a file. False: only smaps can tell, because
 * the kernel is older, because pages are swapped out, or because a file's pages are large ones, some of which
 * (hugetlbfs) are not counted there. Mappings are to be asked for in ascending order: the kernel is asked for many at
 * once.
 */
bool pagemap_count(struct pagemap *p, uint64_t at, uint64_t end, bool of_file, uint64_t *bytes);

void pagemap_close(struct pagemap *p);

#endif
