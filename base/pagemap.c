/* SPDX-License-Identifier: GPL-2.0-only */
/* See pagemap.h. */
#include "pagemap.h"

#include "proc.h"

#include <sys/auxv.h>
#include <unistd.h>

#define PRESENT	((uint64_t)1 << 63)

void pagemap_open(struct pagemap *p, uint32_t pid)
{
	p->fd = proc_open(pid, "pagemap");
	p->page_bytes = getauxval(AT_PAGESZ);
	p->first = p->entries_read = 0;
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

void pagemap_close(struct pagemap *p)
{
	if (p->fd >= 0)
		close(p->fd);
}
