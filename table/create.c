/* SPDX-License-Identifier: GPL-2.0-only */
/* A table's mapping: made, copied, moved. See table.h and layout.h. */
#include "base/arena.h"
#include "base/kernel_map.h"
#include "hints.h"
#include "layout.h"
#include "regions.h"
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

#define FIRST_LOG2	14u	/* the first mappings are for 2^14 rows, and take 3 MB */
#define FIRST_LEAST	10u
#define LIMIT_PART	4	/* all of a table takes at most this part of a limit */

/* Whether a whole table of so many bytes would take too large a part of a limit on the address space. */
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

/* The rows of the largest table that the limits allow, as a logarithm. */
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
	void *got = kernel_mmap(at, (size_t)bytes, PROT_READ | PROT_WRITE,
			 MAP_NORESERVE | flags | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED), fd,
			 fd < 0 ? 0 : (off_t)offset);

	if (got == MAP_FAILED)
		return errno;
	if (got != at) {
		kernel_munmap(got, (size_t)bytes);
		return EEXIST;
	}
	return 0;
}

/*
 * Gives advice for all mappings of a table at once, because a call for each of its windows takes a process that ends
 * soon longer than all its allocations. Addresses between the windows at which nothing is mapped are passed over
 * (madvise(2): the call fails with ENOMEM then, but the rest of the stretch gets the advice).
 */
static void advise(char *at, uint64_t bytes, int fd)
{
	int saved = errno;

	madvise(at, (size_t)bytes, MADV_NOHUGEPAGE);	/* one touched byte must not cost 2 MB */
	madvise(at, (size_t)bytes, MADV_DONTDUMP);	/* a core of the program must not have the holes */
	if (fd >= 0)
		madvise(at, (size_t)bytes, MADV_RANDOM);	/* a file: no reading ahead of what is a hole */
	errno = saved;
}

/* The process's own memory for a table. A failure to map its parts leaves this for the next attempt. */
static bool make_local(struct table *t)
{
	if (!t->local)
		t->local = arena_map(sizeof(*t->local));
	return t->local && hints_make(t->local);
}

void table_unmap(struct table *t)
{
	if (t->head)
		kernel_munmap(t->head, (size_t)t->head->size_bytes);
	hints_unmake(t->local);
	arena_unmap(t->local, sizeof(*t->local));
	arena_unmap(t->region_order, REGIONS_MOST * sizeof(*t->region_order));
	t->region_order = NULL;
	t->head = NULL;
	t->local = NULL;
	t->shared = t->populates = false;
}

void table_retire(struct table *t)
{
	size_t page_bytes = (size_t)getauxval(AT_PAGESZ);
	char *page = (char *)((uintptr_t)&t->head->control.mode & ~(uintptr_t)(page_bytes - 1));
	char *start = (char *)t->head, *end = start + t->head->size_bytes;

	kernel_mmap(page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	if (page > start)
		kernel_munmap(start, (size_t)(page - start));
	kernel_munmap(page + page_bytes, (size_t)(end - page) - page_bytes);
	t->head = NULL;
	table_unmap(t);
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
				kernel_munmap(base + w.offset, (size_t)w.first_bytes);
		}
		break;
	}
	if (!error)
		advise(base, h->size_bytes, fd);
	return error;
}

/* Where no address is free for mappings that grow: maps the whole table, wherever the kernel likes. A page that cannot
 * be touched lies below it, so that the kernel does not join the table with a mapping there: --dump looks for the table
 * at the start of a line of /proc/PID/maps. */
static char *map_whole(struct table *t, const struct table_header *h, int fd)
{
	size_t page = (size_t)getauxval(AT_PAGESZ);
	char *low = kernel_mmap(NULL, (size_t)h->size_bytes + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (low == MAP_FAILED)
		return NULL;
	if (map_stretch(low + page, h->size_bytes, fd, 0, MAP_FIXED)) {
		kernel_munmap(low, (size_t)h->size_bytes + page);
		return NULL;
	}
	advise(low + page, h->size_bytes, fd);
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
	h->begun_precise_ns = now_precise_ns();
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
	memcpy(base, &h, LAYOUT_BEGINNING);
	layout_locate(t, base);
	t->shared = t->populates = false;
	t->refused = 0;
	if (layout_begin(t))
		return true;
	table_unmap(t);
	return false;
}

/* Gives the file its size, with holes. Beyond the limit on file sizes ftruncate() would raise SIGXFSZ. */
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
	/* By a system call, because a store to the mapping raises SIGBUS when there is no space. */
	if (pwrite(fd, &h, LAYOUT_BEGINNING, 0) == (ssize_t)LAYOUT_BEGINNING) {
		layout_locate(t, base);
		t->shared = t->populates = true;
		t->refused = 0;
		errno = ENOSPC;
		if (layout_begin(t))
			return 0;
	}
	error = errno;
	kernel_munmap(base, (size_t)h.size_bytes);
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

/* ---- A copy ----
 *
 * Other threads, or the parent of a child that makes the copy, may add rows meanwhile. So the parts are copied in an
 * order in which each number is copied before what it stands for, and the header with its counts comes last. What
 * the index of the copy names is then in the copy, whole. Rows and codes that are in the copy but not in its index do
 * no harm.
 *
 *	row index -> infos -> frames -> codes -> modules -> text;  code index -> codes;  shares -> frames
 *	size heads -> sizes;  regions -> page rows -> rows
 *	row -> its upper parts (which may be missing: the copy then has zeros)
 *	set of threads -> threads (which may be missing)
 */
static const uint8_t copy_order[] = {
	1 + TABLE_ROW_INDEX, 1 + TABLE_CODE_INDEX, 1 + TABLE_SHARES, 1 + TABLE_SIZE_HEADS, 1 + TABLE_SIZES, 1 + TABLE_REGIONS,
	1 + TABLE_PAGE_ROWS,
	1 + TABLE_UPPERS, LAYOUT_INFOS, 1 + TABLE_ROWS, 1 + TABLE_FRAMES, 1 + TABLE_CODES, 1 + TABLE_MODULES,
	1 + TABLE_TEXT, 1 + TABLE_DELTAS, 1 + TABLE_SETS, 1 + TABLE_THREADS, 1 + TABLE_TIMELINE,
};
#define COPY_STEPS	(sizeof(copy_order) / sizeof(copy_order[0]))

/* Where a stretch of the table at `offset` is written: in a file, or (fd -1) in memory, at `memory`. */
struct target {
	int fd;
	char *memory;
	uint64_t offset;	/* the table's offset that `memory` stands for */
};

/* Returns 0 or an errno. */
static int put(const struct target *to, const void *from, uint64_t offset, uint64_t bytes)
{
	if (to->fd < 0) {
		memcpy(to->memory + (offset - to->offset), from, (size_t)bytes);
		return 0;
	}
	while (bytes) {
		ssize_t n = pwrite(to->fd, from, (size_t)bytes, (off_t)offset);

		if (n == 0 || (n < 0 && errno != EINTR))
			return n ? errno : ENOSPC;
		if (n > 0) {
			from = (const char *)from + n;
			offset += (uint64_t)n;
			bytes -= (uint64_t)n;
		}
	}
	return 0;
}

#define CHUNK_SLOTS	512u	/* of an index: whole buckets, and all buckets of an item in one chunk */
#define CHUNK_TRIES	100u

/*
 * An index is copied from its end on, because an item is in a later slot only if those before it in the search's order
 * are taken. The same holds in a chunk: it is read until it is the same twice. Since slots are only ever filled, the
 * chunk was like that at one moment.
 */
static int put_index(const struct target *to, const uint32_t *slots, const struct layout_range *r)
{
	uint32_t chunk[CHUNK_SLOTS];
	uint64_t left = r->bytes / sizeof(*slots);
	int error = 0;

	while (left && !error) {
		uint64_t count = left < CHUNK_SLOTS ? left : CHUNK_SLOTS;
		bool changed = true;

		left -= count;
		for (uint64_t i = 0; i < count; i++)
			chunk[i] = load_acquire(&slots[left + i]);
		for (unsigned tries = 0; changed && tries < CHUNK_TRIES; tries++) {
			changed = false;
			for (uint64_t i = 0; i < count; i++) {
				uint32_t seen = load_acquire(&slots[left + i]);

				changed |= seen != chunk[i];
				chunk[i] = seen;
			}
		}
		error = put(to, chunk, r->offset + left * sizeof(*slots), count * sizeof(*slots));
	}
	return error;
}

static int put_stretch(const struct table *t, const struct target *to, unsigned window, const struct layout_range *r)
{
	const char *from = (const char *)t->head + r->offset;

	if (window == 1 + TABLE_ROW_INDEX || window == 1 + TABLE_CODE_INDEX)
		return put_index(to, (const uint32_t *)(const void *)from, r);
	return put(to, from, r->offset, r->bytes);
}

/* Copies what is in use of the part with this window, but for the first bytes. */
static int copy_part(struct table *t, const struct target *to, unsigned window, uint64_t but)
{
	struct layout_range r;

	if (!layout_take(t, window, &r))
		return ENOMEM;
	if (r.bytes < but)
		return 0;
	r.offset += but;
	r.bytes -= but;
	return put_stretch(t, to, window, &r);
}

/* Copies so much of the header, from `offset` on. Afterwards everything within its limits is mapped. */
static int copy_header(struct table *t, const struct target *to, uint64_t offset, uint64_t bytes)
{
	int error = put(to, (const char *)t->head + offset, offset, bytes);

	return error ? error : layout_follow(t) ? 0 : ENOMEM;
}

int table_copy(struct table *t, int fd)
{
	struct target to = { .fd = fd };
	int saved = errno, error = set_size(fd, t->head->size_bytes);

	for (unsigned i = 0; i < COPY_STEPS && !error; i++)
		error = copy_part(t, &to, copy_order[i], 0);
	if (!error)
		error = copy_header(t, &to, 0, sizeof(*t->head));
	errno = saved;
	return error;
}

/* ---- The completion of a copy ---- */

/* Maps a stretch of a copy, which has been written, so that touching it raises no SIGBUS. NULL: the kernel refuses. */
static void *map_copy(int fd, uint64_t offset, uint64_t bytes)
{
	void *copy = kernel_mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	return copy == MAP_FAILED ? NULL : copy;
}

/* Notes the frames of rows that had their numbers when they were copied, but not yet their frames. */
static int complete_infos(const struct table *t, int fd, uint32_t end)
{
	size_t bytes = end * sizeof(struct row_info);
	struct row_info *copy = map_copy(fd, t->head->infos_offset, bytes);

	if (!copy)
		return ENOMEM;
	for (uint32_t row = 0; row < end; row++) {
		uint32_t node = load_relaxed(&t->infos[row].node);

		if (node != copy[row].node)
			copy[row].node = node;
	}
	kernel_munmap(copy, bytes);
	return 0;
}

/* The header's fields that say how much is in use. */
#define COUNTS_OFFSET	offsetof(struct table_header, row_limit)
#define COUNTS_BYTES	(offsetof(struct table_header, totals) - COUNTS_OFFSET)

/* How many rows the copy in fd has; 0: it cannot be mapped. */
static uint32_t count_copied(int fd)
{
	struct table_header *copy = map_copy(fd, 0, sizeof(*copy));
	uint32_t rows = copy ? layout_count(copy, TABLE_ROWS) : 0;

	if (copy)
		kernel_munmap(copy, sizeof(*copy));
	return rows;
}

/*
 * The frames, codes, modules and texts are copied once more, because a thread may have been writing any of them. They
 * never change afterwards. Of the rows only those are copied whose numbers had not been given out before.
 */
int table_copy_complete(struct table *t, int fd)
{
	struct target to = { .fd = fd };
	uint32_t rows = count_copied(fd);
	int saved = errno, error = rows ? complete_infos(t, fd, rows) : ENOMEM;

	for (unsigned i = 0; i < COPY_STEPS && !error; i++) {
		unsigned window = copy_order[i];

		if (window == LAYOUT_INFOS)
			error = copy_part(t, &to, window, rows * sizeof(struct row_info));
		else if (window == 1 + TABLE_ROWS)
			error = copy_part(t, &to, window, rows * sizeof(struct row));
		else if (window == 1 + TABLE_SETS)
			error = copy_part(t, &to, window, rows * sizeof(*t->thread_sets));
		else if (window >= 1 + TABLE_CODES && window <= 1 + TABLE_THREADS)
			error = copy_part(t, &to, window, 0);
	}
	if (!error)
		error = copy_header(t, &to, COUNTS_OFFSET, COUNTS_BYTES);
	errno = saved;
	return error;
}

/* ---- A move ---- */

/* Puts copied memory in the place of a window. */
static int replace(struct table *t, unsigned window, char *copy, size_t bytes)
{
	char *at = (char *)t->head + layout_window(t->head, window, FIRST_LOG2).offset;

	if (kernel_mremap(copy, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) == MAP_FAILED)
		return ENOMEM;
	madvise(at, bytes, MADV_NOHUGEPAGE);	/* arena_map() has done it if it is large */
	madvise(at, bytes, MADV_DONTDUMP);
	return 0;
}

/* Moves a part with a window of its own. */
static int move_window(struct table *t, unsigned window)
{
	struct target to = { -1, NULL, layout_window(t->head, window, FIRST_LOG2).offset };
	struct layout_range r;
	size_t bytes;
	int error;

	if (!layout_take(t, window, &r))
		return ENOMEM;
	bytes = (size_t)t->mapped[window];
	to.memory = arena_map(bytes);
	error = to.memory ? put_stretch(t, &to, window, &r) : ENOMEM;
	if (!error)
		error = replace(t, window, to.memory, bytes);
	if (error)
		arena_unmap(to.memory, bytes);
	return error;
}

/*
 * The windows one after the other, in the order of a copy. The first window, with the header, is replaced last: until
 * then the header says what is in use.
 */
static int move_to_memory(struct table *t)
{
	size_t bytes = (size_t)t->mapped[0];
	struct target first = { -1, arena_map(bytes), 0 };
	int error = first.memory ? 0 : ENOMEM;

	for (unsigned i = 0; i < COPY_STEPS && !error; i++) {
		bool beside_header = !layout_window(t->head, copy_order[i], FIRST_LOG2).most_bytes;

		error = beside_header ? copy_part(t, &first, copy_order[i], 0) : move_window(t, copy_order[i]);
	}
	if (!error)
		error = copy_header(t, &first, 0, sizeof(*t->head));
	if (!error)
		error = replace(t, 0, first.memory, bytes);
	if (error) {
		arena_unmap(first.memory, bytes);
		return error;
	}
	t->shared = t->populates = false;
	t->head->no_space = 0;
	return 0;
}

/* The first window, which has the header, comes last: should a mapping fail, the counts are not less than what the
 * other windows have. */
static int move_to_file(struct table *t, int fd)
{
	int error = 0;

	for (unsigned i = 0; i <= COPY_STEPS && !error; i++) {
		unsigned window = i < COPY_STEPS ? copy_order[i] : 0;
		uint64_t offset = layout_window(t->head, window, FIRST_LOG2).offset;

		if (t->mapped[window])
			error = map_stretch((char *)t->head + offset, t->mapped[window], fd, offset, MAP_FIXED);
	}
	advise((char *)t->head, t->head->size_bytes, fd);
	return error;
}

int table_move(struct table *t, int fd)
{
	int saved = errno, error = fd < 0 ? move_to_memory(t) : move_to_file(t, fd);

	/* There is no space to reserve up to the limits. All that is in use was written, so it can be moved to memory. */
	if (fd >= 0 && !error && !layout_reserve(t))
		error = move_to_memory(t) ? ENOMEM : 0;
	errno = saved;
	return error;
}
