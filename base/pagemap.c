/* SPDX-License-Identifier: GPL-2.0-only */
/* See pagemap.h. */
#include "pagemap.h"

#include "proc.h"

#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PRESENT	((uint64_t)1 << 63)

/* The argument of PAGEMAP_SCAN (<linux/fs.h>, Linux 6.7). */
struct scan_request {
	uint64_t size_bytes, flags;
	uint64_t start, end;
	uint64_t walk_end;		/* where the kernel stopped, because there was no room for more regions */
	uint64_t regions, regions_room, pages_most;
	uint64_t inverted, all_of, any_of, returned;	/* sets of categories */
};
#define SCAN		_IOWR('f', 16, struct scan_request)
#define IS_PRESENT	((uint64_t)1 << 3)
#define IS_SWAPPED	((uint64_t)1 << 4)
#define IS_ZERO_PAGE	((uint64_t)1 << 5)	/* the kernel's page of zeros, which is no memory of the process */
#define IS_HUGE		((uint64_t)1 << 6)
#define SCAN_AHEAD	((uint64_t)1 << 30)	/* so far behind a mapping others are likely to follow */

void pagemap_open(struct pagemap *p, uint32_t pid)
{
	p->fd = proc_open(pid, "pagemap");
	p->page_bytes = getauxval(AT_PAGESZ);
	p->first = p->entries_read = 0;
	p->scan_start = p->scan_end = 0;
}

bool pagemap_is_present(struct pagemap *p, uint64_t at)
{
	uint64_t page = at / p->page_bytes;

	if (page - p->first >= p->entries_read) {
		ssize_t n = p->fd < 0 ? -1 : pread64(p->fd, p->entries, sizeof(p->entries),
						     (off64_t)(page * sizeof(p->entries[0])));

		p->first = page;
		p->entries_read = n < 0 ? 0 : (uint64_t)n / sizeof(p->entries[0]);
		if (!p->entries_read)
			return true;
	}
	return p->entries[page - p->first] & PRESENT;
}

uint64_t pagemap_present_bytes(struct pagemap *p, uint64_t at, uint64_t end)
{
	uint64_t bytes = 0;

	for (; at < end; at += p->page_bytes)
		bytes += pagemap_is_present(p, at) ? p->page_bytes : 0;
	return bytes;
}

/* Asks the kernel what is in memory of [at, end), as far as there is room. */
static bool scan(struct pagemap *p, uint64_t at, uint64_t end)
{
	struct scan_request r = {
		.size_bytes = sizeof(r), .start = at, .end = end, .regions = (uintptr_t)p->regions,
		.regions_room = PAGEMAP_REGIONS, .any_of = IS_PRESENT | IS_SWAPPED,
		.returned = IS_PRESENT | IS_SWAPPED | IS_ZERO_PAGE | IS_HUGE,
	};
	int n = p->fd < 0 ? -1 : ioctl(p->fd, SCAN, &r);

	if (n < 0 || r.walk_end <= at)
		return false;
	p->scan_start = at;
	p->scan_end = r.walk_end;
	p->regions_found = (uint32_t)n;
	p->region = 0;
	return true;
}

bool pagemap_count(struct pagemap *p, uint64_t at, uint64_t end, bool of_file, uint64_t *bytes)
{
	uint64_t unclear = IS_SWAPPED | (of_file ? IS_HUGE : 0), stop;

	for (*bytes = 0; at < end; at = stop) {
		/* Beyond the last address of a process the kernel refuses. */
		if ((at < p->scan_start || at >= p->scan_end) && !scan(p, at, end + SCAN_AHEAD) && !scan(p, at, end))
			return false;
		stop = end < p->scan_end ? end : p->scan_end;
		for (; p->region < p->regions_found; p->region++) {
			const struct pagemap_region *r = &p->regions[p->region];
			uint64_t from = r->start > at ? r->start : at, to = r->end < stop ? r->end : stop;

			if (r->start >= stop)
				break;
			if (from < to && r->categories & unclear)
				return false;
			if (from < to && !(r->categories & IS_ZERO_PAGE))
				*bytes += to - from;
			if (r->end > stop)
				break;
		}
	}
	return true;
}

void pagemap_close(struct pagemap *p)
{
	if (p->fd >= 0)
		close(p->fd);
}
