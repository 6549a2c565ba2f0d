/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The copy of a table for a child after fork (table_copy()), while a thread that the fork did not wait for goes on.
 * Linked with --wrap=pwrite: whenever a piece of the copy has been written, that thread interns backtraces. So it does
 * between any two parts, and between the pieces of an index.
 */
#include "table/deltas.h"
#include "table/invariants.h"
#include "table/layout.h"
#include "table/modules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { FRAMES = 4, ROWS_MOST = 200000 };

static unsigned tests;
static struct table t;
static struct blocks blocks;
static uint32_t rows[ROWS_MOST], interned;	/* of each backtrace, by its number */
static unsigned burst;				/* backtraces that are interned after each write */
static uint64_t heap[1 << 17];			/* each backtrace has a block here */

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
}

/* The frames share their outer part with those of some other backtraces. */
static void frames_of(uint32_t backtrace, uintptr_t frames[FRAMES])
{
	frames[0] = 0x1000;
	frames[1] = 0x10000 + backtrace * 8ul;
	frames[2] = 0x20000000 + backtrace / 7 * 8;
	frames[3] = 0x30000000 + backtrace / 70 * 8;
}

static uint32_t intern(uint32_t backtrace)
{
	uintptr_t frames[FRAMES];
	struct suffix suffixes[FRAMES];

	frames_of(backtrace, frames);
	return table_intern(&t, frames, FRAMES, 0, suffixes, NULL);
}

/* Another backtrace calls malloc. */
static void record_next(void)
{
	uint32_t row = rows[interned] = intern(interned);
	struct block block = { .row = row, .size_bytes = 8 };

	slot_put(blocks_claim(&blocks, &heap[interned++]), block.row, block.size_bytes);
	row_alloc(&t, row, 8);
}

ssize_t __real_pwrite(int fd, const void *from, size_t bytes, off_t at);
ssize_t __wrap_pwrite(int fd, const void *from, size_t bytes, off_t at);

ssize_t __wrap_pwrite(int fd, const void *from, size_t bytes, off_t at)
{
	ssize_t n = __real_pwrite(fd, from, bytes, at);

	for (unsigned i = 0; i < burst; i++)
		record_next();
	return n;
}

static bool has_frames(uint32_t row, uint32_t backtrace)
{
	uint32_t codes[TABLE_FRAMES_MAX];
	uintptr_t frames[FRAMES];
	bool same = table_frames(&t, row, codes) == FRAMES;

	frames_of(backtrace, frames);
	for (unsigned i = 0; i < FRAMES && same; i++)
		same = table_code_pc(&t, codes[i]) == frames[i];
	return same;
}

static void say(const struct broken *broken)
{
	if (broken->sentence)
		printf("# %s:%d: %s (%lld, %lld)\n", broken->file, broken->line, broken->sentence,
		       (long long)broken->a, (long long)broken->b);
}

/* What a child relies on, in the table t that was copied. */
static void expect_sound(const char *how)
{
	struct broken broken = { .sentence = NULL };
	uint32_t known = interned, last = known ? rows[known - 1] : ROW_NONE;	/* the highest row of a block */
	bool right = true, news = true;
	char name[200];

	deltas_forked(&t, NULL);
	invariants_check_structure(&t, &broken);
	invariants_check_blocks(&t, &blocks, &broken);
	say(&broken);
	snprintf(name, sizeof(name), "%s: the copy's invariants hold, and it has the rows of all blocks", how);
	ok(!broken.sentence, name);
	for (uint32_t i = 0; i < known; i++)
		right = right && has_frames(rows[i], i);
	snprintf(name, sizeof(name), "%s: each row has its backtrace's frames", how);
	ok(right, name);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t row = intern(known + i);

		news = news && row > last && has_frames(row, known + i);
	}
	invariants_check_structure(&t, &broken);
	say(&broken);
	snprintf(name, sizeof(name), "%s: no new backtrace gets the row of a block that is there", how);
	ok(news && !broken.sentence, name);
}

static bool begin(unsigned some)
{
	int fd = memfd_create("units", MFD_CLOEXEC);
	bool made;

	t = (struct table){ .head = NULL };
	interned = burst = 0;
	memset(&blocks, 0, sizeof(blocks));
	made = fd >= 0 && !table_create_in(&t, fd) && blocks_create(&blocks, false);
	close(fd);
	if (made)
		table_set_depth(&t, FRAMES);
	while (made && some-- > 0)
		record_next();
	return made;
}

/* The copy is made before the fork, and completed in the child. */
static void test_copy(unsigned some, unsigned more, const char *how)
{
	int fd = memfd_create("units", MFD_CLOEXEC), error;
	uint32_t before;

	if (!begin(some)) {
		ok(true, "a table in a memfd # SKIP there is none");
		return;
	}
	before = interned;
	burst = more;
	error = table_copy(&t, fd);
	for (unsigned i = 0; i < burst; i++)
		record_next();
	burst = 0;
	ok(!error && (!more || interned > before + 10 * more), how);
	ok(!table_copy_complete(&t, fd) && !table_move(&t, fd), "it is completed, and takes the table's place");
	expect_sound(how);
	table_unmap(&t);
	close(fd);
}

/* A child that no handler saw makes the copy itself, while its parent goes on. */
static void test_copy_of_parent(void)
{
	int fd = memfd_create("units", MFD_CLOEXEC);
	uint32_t blocks_end;

	if (!begin(500))
		return;
	blocks_end = interned;
	burst = 300;
	ok(!table_copy(&t, fd) && interned > blocks_end, "a copy of a table that another process goes on filling");
	burst = 0;
	interned = blocks_end;
	memset(&blocks, 0, sizeof(blocks));
	blocks_create(&blocks, false);
	for (uint32_t i = 0; i < blocks_end; i++)
		slot_put(blocks_claim(&blocks, &heap[i]), rows[i], 8);
	ok(!table_move(&t, fd), "it takes the table's place");
	expect_sound("a copy of a table that another process goes on filling");
	table_unmap(&t);
	close(fd);
}

/* While the table is copied, a thread has the number of a row and has not yet noted its frames. */
static void test_half_made(void)
{
	int fd = memfd_create("units", MFD_CLOEXEC);
	struct row_info *info;
	uint32_t node;
	bool good;

	if (!begin(500))
		return;
	record_next();
	info = &t.infos[rows[interned - 1]];
	node = info->node;
	info->node = 0;
	good = !table_copy(&t, fd);
	info->node = node;
	ok(good && !table_copy_complete(&t, fd) && !table_move(&t, fd) && has_frames(rows[interned - 1], interned - 1),
	   "a row that was half made when it was copied gets its frames");
	table_unmap(&t);
	close(fd);
}

/* No descriptor is left: the child takes the table out of the memory that it shares with its parent. */
static void test_private(void)
{
	if (!begin(5000))
		return;
	ok(!table_move(&t, -1) && !t.shared, "a table moves to private memory");
	expect_sound("private memory");
	table_unmap(&t);
}

/* A destructor forks inside dlclose(), and the child returns from there. */
static void test_unloading(void)
{
	if (!begin(1))
		return;
	modules_unloading(&t);
	modules_forked(&t);
	modules_unloaded(&t);
	ok(modules_settled(&t), "a child that returns from its parent's dlclose() has unloaded its modules");
	table_unmap(&t);
}

int main(void)
{
	test_copy(0, 0, "a copy of an empty table");
	test_copy(1000, 0, "a copy of a table that nobody changes");
	test_copy(100, 1, "a copy while some backtraces come");
	test_copy(3000, 50, "a copy while the index fills");
	test_copy(20, 2000, "a copy while all parts grow");
	test_copy_of_parent();
	test_half_made();
	test_private();
	test_unloading();
	printf("1..%u\n", tests);
	return 0;
}
