/* SPDX-License-Identifier: GPL-2.0-only */
/* A table's mapping: made, copied, moved. See table.h and layout.h. */
#include "base/arena.h"
#include "layout.h"
#include "row.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* At the start of a line of /proc/PID/maps, where --dump looks for it: the kernel joins a mapping
 * with one that comes to lie below it. */
static void *map_apart(uint64_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *base = arena_map((size_t)bytes + page);

	if (!base)
		return NULL;
	mprotect(base, page, PROT_NONE);
	return base + page;
}

static void note_begin(struct table_header *h)
{
	struct timespec real;

	h->begun_ns = now_ns();
	clock_gettime(CLOCK_REALTIME, &real);
	h->begun_real_ns = (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec;
}

bool table_create(struct table *t)
{
	for (unsigned log2 = TABLE_LOG2_MOST; log2 >= TABLE_LOG2_LEAST; log2 -= 2) {
		struct table_header h;
		void *base;

		layout_header(&h, log2);
		base = map_apart(h.size_bytes);
		if (!base)
			continue;
		note_begin(&h);
		memcpy(base, &h, sizeof(h));
		layout_locate(t, base);
		t->shared = t->populates = false;
		return true;
	}
	return false;
}

/* Makes the file so large, with holes. Beyond the limit of file sizes that would be a signal. */
static int set_size(int fd, uint64_t bytes)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur < bytes)
		return EFBIG;
	return ftruncate(fd, (off_t)bytes) ? errno : 0;
}

static void *map_file(void *at, int fd, uint64_t bytes)
{
	void *base = mmap(at, (size_t)bytes, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_NORESERVE | (at ? MAP_FIXED : 0), fd, 0);

	if (base == MAP_FAILED)
		return NULL;
	madvise(base, (size_t)bytes, MADV_NOHUGEPAGE);	/* a memfd: one touched byte must not cost 2 MB */
	madvise(base, (size_t)bytes, MADV_RANDOM);	/* a file: no reading ahead of what is a hole */
	madvise(base, (size_t)bytes, MADV_DONTDUMP);
	return base;
}

static int create_size(struct table *t, int fd, unsigned log2)
{
	struct table_header h;
	void *base;
	int error;

	layout_header(&h, log2);
	error = set_size(fd, h.size_bytes);
	if (error)
		return error;
	base = map_file(NULL, fd, h.size_bytes);
	if (!base)
		return errno;
	note_begin(&h);
	/* Written, not touched: that is no signal when there is no space. */
	if (pwrite(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h)) {
		layout_locate(t, base);
		t->shared = t->populates = true;
		errno = ENOSPC;
		if (layout_begin(t))
			return 0;
	}
	error = errno;
	munmap(base, (size_t)h.size_bytes);
	t->head = NULL;
	t->shared = t->populates = false;
	return error;
}

int table_create_in(struct table *t, int fd)
{
	int saved = errno, error = 0;

	for (unsigned log2 = TABLE_LOG2_MOST; log2 >= TABLE_LOG2_LEAST; log2 -= 2) {
		error = create_size(t, fd, log2);
		if (error != EFBIG && error != ENOMEM)
			break;
	}
	errno = saved;
	return error;
}

int table_copy(const struct table *t, int fd)
{
	struct layout_range ranges[LAYOUT_RANGES];
	unsigned count = layout_used(t->head, true, ranges);
	int saved = errno, error = set_size(fd, t->head->size_bytes);

	for (unsigned i = 0; i < count && !error; i++) {
		struct layout_range *r = &ranges[i];

		while (r->bytes && !error) {
			ssize_t n = pwrite(fd, (const char *)t->head + r->offset, (size_t)r->bytes,
					   (off_t)r->offset);

			if (n > 0) {
				r->offset += (uint64_t)n;
				r->bytes -= (uint64_t)n;
			} else if (n == 0 || errno != EINTR) {
				error = n ? errno : ENOSPC;
			}
		}
	}
	errno = saved;
	return error;
}

static int move_to_memory(struct table *t)
{
	struct layout_range ranges[LAYOUT_RANGES];
	unsigned count = layout_used(t->head, true, ranges);
	size_t bytes = (size_t)t->head->size_bytes;
	char *copy = arena_map(bytes);

	if (!copy)
		return ENOMEM;
	for (unsigned i = 0; i < count; i++)
		memcpy(copy + ranges[i].offset, (const char *)t->head + ranges[i].offset, ranges[i].bytes);
	if (mremap(copy, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, t->head) == MAP_FAILED) {
		arena_unmap(copy, bytes);
		return ENOMEM;
	}
	t->shared = t->populates = false;
	layout_lift(t->head);
	return 0;
}

int table_move(struct table *t, int fd)
{
	int saved = errno, error = 0;

	if (fd < 0) {
		error = move_to_memory(t);
	} else if (!map_file(t->head, fd, t->head->size_bytes)) {
		error = errno;
	} else if (!layout_reserve(t)) {
		/* What was written is there; what was not, nobody has used. */
		error = move_to_memory(t) ? ENOMEM : 0;
	}
	errno = saved;
	return error;
}
