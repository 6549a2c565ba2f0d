/* SPDX-License-Identifier: GPL-2.0-only */
/* A table's mapping: made, copied, moved. See table.h and layout.h. */
#include "base/arena.h"
#include "layout.h"
#include "row.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000	/* Linux 4.17; before, the address is a hint */
#endif

#define FIRST_LOG2	14u	/* what is mapped at first is for so many rows: 3 MB */
#define FIRST_LEAST	10u
#define LIMIT_PART	4	/* all of a table takes at most this part of a limit */

/* Whether such limits are met that all of a table would be too large for them. */
static bool is_too_large(uint64_t bytes)
{
	static const int limits[] = { RLIMIT_AS, RLIMIT_DATA };
	struct rlimit limit;

	for (unsigned i = 0; i < 2; i++) {
		if (!getrlimit(limits[i], &limit) && limit.rlim_cur != RLIM_INFINITY &&
		    bytes > limit.rlim_cur / LIMIT_PART)
			return true;
	}
	return false;
}

/* The largest table there is to be. */
static unsigned most_log2(void)
{
	unsigned log2 = TABLE_LOG2_MOST;
	struct table_header h;

	for (; log2 > TABLE_LOG2_LEAST; log2 -= 2) {
		layout_header(&h, log2);
		if (!is_too_large(h.size_bytes))
			break;
	}
	return log2;
}

/* Maps a stretch of a table at this address and nowhere else; fd -1: in memory of this process alone.
 * flags: MAP_FIXED, or MAP_FIXED_NOREPLACE. Returns 0 or an errno. */
static int map_stretch(char *at, uint64_t bytes, int fd, uint64_t offset, int flags)
{
	void *got = mmap(at, (size_t)bytes, PROT_READ | PROT_WRITE,
			 MAP_NORESERVE | flags | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED), fd,
			 fd < 0 ? 0 : (off_t)offset);

	if (got == MAP_FAILED)
		return errno;
	if (got != at) {
		munmap(got, (size_t)bytes);
		return EEXIST;
	}
	madvise(at, (size_t)bytes, MADV_NOHUGEPAGE);	/* one touched byte must not cost 2 MB */
	madvise(at, (size_t)bytes, MADV_DONTDUMP);	/* nor a core of the program the holes */
	if (fd >= 0)
		madvise(at, (size_t)bytes, MADV_RANDOM);	/* a file: no reading ahead of what is a hole */
	return 0;
}

/* The process's own memory for a table. A failure to map its parts leaves this for the next attempt. */
static bool make_local(struct table *t)
{
	if (!t->local)
		t->local = arena_map(sizeof(*t->local));
	return t->local;
}

void table_unmap(struct table *t)
{
	if (t->head)
		munmap(t->head, (size_t)t->head->size_bytes);
	arena_unmap(t->local, sizeof(*t->local));
	t->head = NULL;
	t->local = NULL;
	t->shared = t->populates = false;
}

/* Maps the beginnings of all windows. Returns 0 or an errno; then nothing is mapped. */
static int map_windows(struct table *t, const struct table_header *h, char *base, int fd, unsigned first_log2)
{
	int error = 0;

	for (unsigned i = 0; i < LAYOUT_WINDOWS && !error; i++) {
		struct layout_window w = layout_window(h, i, first_log2);

		t->mapped[i] = w.first_bytes;
		if (w.first_bytes)
			error = map_stretch(base + w.offset, w.first_bytes, fd, w.offset, MAP_FIXED_NOREPLACE);
		if (!error)
			continue;
		while (i-- > 0) {
			w = layout_window(h, i, first_log2);
			if (w.first_bytes)
				munmap(base + w.offset, (size_t)w.first_bytes);
		}
		break;
	}
	return error;
}

/* Where no address is free for mappings that grow: all of it, wherever the kernel likes. A page that cannot be
 * touched lies below, so that the kernel does not join the table with what comes to lie there: --dump
 * looks for it at the start of a line of /proc/PID/maps. */
static char *map_whole(struct table *t, const struct table_header *h, int fd)
{
	size_t page = (size_t)getauxval(AT_PAGESZ);
	char *low = mmap(NULL, (size_t)h->size_bytes + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (low == MAP_FAILED)
		return NULL;
	if (map_stretch(low + page, h->size_bytes, fd, 0, MAP_FIXED)) {
		munmap(low, (size_t)h->size_bytes + page);
		return NULL;
	}
	for (unsigned i = 0; i < LAYOUT_WINDOWS; i++)
		t->mapped[i] = layout_window(h, i, FIRST_LOG2).most_bytes;
	return low + page;
}

/* Returns where the table is, or NULL, with an errno. */
static char *map_table(struct table *t, const struct table_header *h, int fd)
{
	int error = ENOMEM;

	for (unsigned log2 = FIRST_LOG2; log2 >= FIRST_LEAST && error == ENOMEM; log2 -= 2) {
		char *base = arena_place((size_t)h->size_bytes);

		error = base ? map_windows(t, h, base, fd, log2) : EEXIST;
		if (!error)
			return base;
	}
	errno = error;
	return error == ENOMEM ? NULL : map_whole(t, h, fd);
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
	struct table_header h;
	int saved = errno;
	void *base;

	layout_header(&h, most_log2());
	base = make_local(t) ? map_table(t, &h, -1) : NULL;
	errno = saved;
	if (!base)
		return false;
	note_begin(&h);
	memcpy(base, &h, sizeof(h));
	layout_locate(t, base);
	t->shared = t->populates = false;
	t->refused = 0;
	if (layout_begin(t))
		return true;
	table_unmap(t);
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

static int create_size(struct table *t, int fd, unsigned log2)
{
	struct table_header h;
	void *base;
	int error;

	layout_header(&h, log2);
	error = set_size(fd, h.size_bytes);
	if (error)
		return error;
	base = map_table(t, &h, fd);
	if (!base)
		return errno;
	note_begin(&h);
	/* Written, not touched: that is no signal when there is no space. */
	if (pwrite(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h)) {
		layout_locate(t, base);
		t->shared = t->populates = true;
		t->refused = 0;
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
	int saved = errno, error = make_local(t) ? 0 : ENOMEM;

	for (unsigned log2 = most_log2(); t->local && log2 >= TABLE_LOG2_LEAST; log2 -= 2) {
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

/* Copies what is in use of [offset, offset + bytes). */
static void copy_used(char *to, const struct table *t, uint64_t offset, uint64_t bytes)
{
	struct layout_range ranges[LAYOUT_RANGES];
	unsigned count = layout_used(t->head, true, ranges);

	for (unsigned i = 0; i < count; i++) {
		if (ranges[i].offset >= offset && ranges[i].offset < offset + bytes)
			memcpy(to + (ranges[i].offset - offset), (const char *)t->head + ranges[i].offset,
			       (size_t)ranges[i].bytes);
	}
}

/* The windows one after the other, the header's last: until then the header says what is in use. */
static int move_to_memory(struct table *t)
{
	for (unsigned i = LAYOUT_WINDOWS; i-- > 0; ) {
		uint64_t offset = layout_window(t->head, i, FIRST_LOG2).offset;
		size_t bytes = (size_t)t->mapped[i];
		char *at = (char *)t->head + offset, *copy = bytes ? arena_map(bytes) : NULL;

		if (!bytes)
			continue;
		if (!copy)
			return ENOMEM;
		copy_used(copy, t, offset, bytes);
		if (mremap(copy, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) == MAP_FAILED) {
			arena_unmap(copy, bytes);
			return ENOMEM;
		}
		madvise(at, bytes, MADV_NOHUGEPAGE);	/* arena_map() has done it if it is large */
		madvise(at, bytes, MADV_DONTDUMP);
	}
	t->shared = t->populates = false;
	t->head->no_space = 0;
	return 0;
}

static int move_to_file(struct table *t, int fd)
{
	int error = 0;

	for (unsigned i = 0; i < LAYOUT_WINDOWS && !error; i++) {
		uint64_t offset = layout_window(t->head, i, FIRST_LOG2).offset;

		if (t->mapped[i])
			error = map_stretch((char *)t->head + offset, t->mapped[i], fd, offset, MAP_FIXED);
	}
	return error;
}

int table_move(struct table *t, int fd)
{
	int saved = errno, error = fd < 0 ? move_to_memory(t) : move_to_file(t, fd);

	/* Without space for it: what was written is there; what was not, nobody has used. */
	if (fd >= 0 && !error && !layout_reserve(t))
		error = move_to_memory(t) ? ENOMEM : 0;
	errno = saved;
	return error;
}
