/* SPDX-License-Identifier: GPL-2.0-only */
/* Unit tests of base/ and table/, speaking TAP; tests/units.t builds and runs it. */
#include "base/arena.h"
#include "base/bootstrap.h"
#include "elf/loaded.h"
#include "elf/lookup.h"
#include "elf/maps.h"
#include "base/hash_index.h"
#include "base/leb128.h"
#include "base/out.h"
#include "base/reader.h"
#include "base/room.h"
#include "base/same_text.h"
#include "base/search.h"
#include "base/share.h"
#include "base/sort.h"
#include "base/utf8.h"
#include "table/blocks.h"
#include "table/delta_change.h"
#include "table/layout.h"
#include "table/thread_list.h"
#include "table/row.h"
#include "table/view.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static int tests, failures;

static void ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
}

static void is_text(struct out *o, const char *want, const char *what)
{
	bool good = !strcmp(out_string(o), want);

	ok(good, what);
	if (!good)
		printf("# got  '%s'\n# want '%s'\n", o->buf, want);
}

/* Lines for a terminal of 20 columns. */
static void test_out_terminal(void)
{
	static const struct {
		const char *text, *lines;
	} cases[] = {
		{ "twenty columns fit it\n", "twenty columns fit\n    it\n" },
		{ "exactly twenty fits.\n", "exactly twenty fits.\n" },
		{ "=== a === [b c: d/e] [f g: h]\n", "=== a ===\n    [b c: d/e]\n    [f g: h]\n" },
		{ "one two three four five six seven eight\n", "one two three four\n    five six seven\n    eight\n" },
		{ "function (inlined) at file.c:1\n", "function (inlined)\n    at file.c:1\n" },
		{ "abcdefghijklmnopqrstuvwxyz\n", "abcdefghijklmnopqrst\n    uvwxyz\n" },
		{ "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4 \xc3\xa4\xc3\xb6\xc3\xbc 456 89\n",
		  "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4 \xc3\xa4\xc3\xb6\xc3\xbc 456\n    89\n" },
		{ "short\nlines\n", "short\nlines\n" },
	};
	char got[256], buf[64];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int ends[2];
		struct out o;
		ssize_t n;

		if (pipe(ends))
			abort();
		out_init(&o, ends[1], buf, sizeof(buf));
		out_fit_terminal(&o);
		ok(!o.columns, "a pipe is no terminal");
		o.columns = 20;
		out_text(&o, cases[i].text);
		out_flush(&o);
		n = read(ends[0], got, sizeof(got) - 1);
		got[n > 0 ? n : 0] = '\0';
		ok(!strcmp(got, cases[i].lines), "lines of a terminal");
		if (strcmp(got, cases[i].lines))
			printf("# %s", got);
		close(ends[0]);
		close(ends[1]);
	}
}

static void test_share(void)
{
	ok(share_of(25, 10, 1000) == 2500 && share_of(20004, 10000, 1000) == 2000 && share_of(20006, 10000, 1000) == 2001,
	   "what is more than the whole has more parts");
	ok(share_of(UINT64_MAX, 1, 1000) == UINT64_MAX && share_of(UINT64_MAX, UINT64_MAX - 1, 1000) == 1000,
	   "shares of any size");
	ok(share_of(999, 1000, 100) == 99 && share_of(994, 1000, 100) == 99 && share_of(985, 1000, 100) == 99 &&
	   share_of(984, 1000, 100) == 98, "to the nearest, but only all is all");
}

static void test_utf8(void)
{
	static const struct { const char *text; size_t at, cut; } cases[] = {
		{ "abc", 2, 2 }, { "abc", 3, 3 }, { "a\xc3\xa9z", 2, 1 }, { "a\xc3\xa9z", 3, 3 }, { "\xf0\x9f\x98\x80", 3, 0 },
		{ "\xf0\x9f\x98\x80", 4, 4 }, { "\x80\x80", 1, 0 }, { "", 0, 0 },
	};
	const char *wide = "\xe6\xbc\xa2z";

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ok(utf8_cut(cases[i].text, cases[i].at) == cases[i].cut, "no character of UTF-8 is parted");
	ok(utf8_next(wide) == wide + 3 && utf8_next(wide + 3) == wide + 4, "from character to character");
}

static bool is_twice(const void *context, uint32_t number, const void *wanted)
{
	(void)context;
	return 2 * number == *(const uint32_t *)wanted;
}

/* Thing n is the number 2 n. Few hashes differ, so that slots are taken by others. */
static void test_hash_index(void)
{
	struct arena arena = { 0 };
	struct hash_index x = { .size = 0 };
	bool right = true, is_new;
	uint32_t number;

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t wanted = 2 * (i % 10000);

		right &= hash_index_find(&x, &arena, wanted / 8, is_twice, NULL, &wanted, i, &number, &is_new) &&
			 number == i % 10000 && is_new == (i < 10000);
	}
	ok(right && x.used == 10000, "an index has each thing once, and finds it again");
	number = 30000;
	ok(hash_index_find(&x, &arena, 1, is_twice, NULL, &number, HASH_INDEX_NONE, &number, &is_new) && is_new &&
	   number == HASH_INDEX_NONE && x.used == 10000, "what is only looked for gets no number");
	arena_release(&arena);
}

static void test_leb128(void)
{
	static const struct { uint64_t value; const char *bytes; size_t count; } cases[] = {
		{ 0, "\0", 1 }, { 127, "\x7f", 1 }, { 128, "\x80\x01", 2 }, { 150, "\x96\x01", 2 }, { 300, "\xac\x02", 2 },
		{ UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", LEB128_BYTES_MAX },
	};
	uint8_t bytes[LEB128_BYTES_MAX];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t count = (size_t)(leb128_put(bytes, cases[i].value) - bytes);

		ok(count == cases[i].count && !memcmp(bytes, cases[i].bytes, count), "a number in LEB128 form");
	}
}

static void test_room(void)
{
	struct arena arena = { 0 };
	uint32_t *list = NULL, *before, room = 0, huge = UINT32_MAX / 2 + 2;
	bool kept = true;

	ok(room_make(&arena, &list, sizeof(*list), &room, 1) && list && room >= 1, "room for the first element");
	for (uint32_t i = 0; i < 100000; i++) {
		if (!room_make(&arena, &list, sizeof(*list), &room, i + 1))
			abort();
		kept &= !list[i];
		list[i] = i + 1;
	}
	for (uint32_t i = 0; i < 100000; i++)
		kept &= list[i] == i + 1;
	ok(kept, "an array that grows keeps its elements, and its new ones are 0");
	before = list;
	ok(!room_make(&arena, &list, SIZE_MAX / 4, &room, room + 1) && !room_make(&arena, &list, sizeof(*list), &huge, UINT32_MAX),
	   "more than there can be is refused");
	ok(list == before && huge == UINT32_MAX / 2 + 2, "and nothing is changed then");
	ok(same_text(NULL, NULL) && same_text("a", "a") && !same_text("a", NULL) && !same_text("a", "b"), "same texts");
	arena_release(&arena);
}

static void test_out(void)
{
	static const struct { uint64_t v; const char *size, *time; } cases[] = {
		{ 0, "0 bytes", "0 ns" },
		{ 999, "999 bytes", "999 ns" },
		{ 1000, "1.000 KB", "1.000 us" },
		{ 22704, "22.704 KB", "22.704 us" },
		{ 999999, "999.999 KB", "999.999 us" },
		{ 1000000, "1.000 MB", "1.000 ms" },
		{ 2121999, "2.121 MB", "2.121 ms" },
		{ 999999999, "999.999 MB", "999.999 ms" },
		{ 1500000000, "1.500 GB", "1.500 secs" },
		{ 59999999999, "59.999 GB", "59.999 secs" },
		{ 60000000000, "60.000 GB", "1 min 0 secs" },
		{ 61000000000, "61.000 GB", "1 min 1 sec" },
		{ 125000000000, "125.000 GB", "2 mins 5 secs" },
		{ 3599999999999, "3599.999 GB", "59 mins 59 secs" },
		{ 10920000000000, "10920.000 GB", "3 hours 2 mins" },
		{ 3660000000000, "3660.000 GB", "1 hour 1 min" },
	};
	static const struct {
		const char *name, *printed;
	} names[] = {
		{ "\xc2\x80 \xc2\x9b[31m \xc2\x9f \xc2\xa0", "? ?[31m ? \xc2\xa0" },
		{ "\x80 \x9b[31m \x9f \xa0", "? ?[31m ? \xa0" },
		{ "\xc3\x9b \xdf\x9f \xe0\xa0\x80 \xe2\x80\x93 \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf",
		  "\xc3\x9b \xdf\x9f \xe0\xa0\x80 \xe2\x80\x93 \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf" },
		/* Longer forms of 1b and 9b than need be, surrogates, beyond U+10FFFF. */
		{ "\xc0\x9b \xe0\x80\x9b \xe0\x82\x9b \xf0\x80\x82\x9b", "\xc0? \xe0?? \xe0?? \xf0???" },
		{ "\xed\xa0\x9b \xf4\x90\x80\x9b \xf8\x88\x80\x80\x9b", "\xed\xa0? \xf4??? \xf8????" },
		/* Cut off. */
		{ "\xe2\x80", "\xe2?" }, { "\xe2\x80x", "\xe2?x" }, { "\xf0\x9f\x98", "\xf0??" }, { "\xc2", "\xc2" },
		{ "\xc2\xc2\x9b", "\xc2?" }, { "\xe4\xba\xc2\x9b", "\xe4\xba?" },
	};
	static const struct {
		uint64_t part, whole;
		const char *printed;
	} shares[] = {
		{ 432, 1000, "43.2 %" }, { 2, 3, "66.7 %" }, { 1, 3, "33.3 %" }, { 0, 7, "0.0 %" }, { 7, 7, "100.0 %" },
		{ 8, 7, "100.0 %" }, { 0, 0, "0.0 %" }, { 7, 0, "0.0 %" }, { 1, 2000, "0.1 %" }, { 1, 2001, "0.0 %" },
		{ 9999, 10000, "99.9 %" }, { UINT64_MAX - 1, UINT64_MAX, "99.9 %" },	/* not all */
		{ UINT64_MAX / 2, UINT64_MAX, "50.0 %" }, { UINT64_MAX, UINT64_MAX, "100.0 %" },
	};
	char buf[128], small[8];
	struct out o;

	for (unsigned i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		out_init(&o, -1, buf, sizeof(buf));
		out_share(&o, shares[i].part, shares[i].whole);
		is_text(&o, shares[i].printed, "a share");
	}
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		out_init(&o, -1, buf, sizeof(buf));
		out_size(&o, cases[i].v);
		is_text(&o, cases[i].size, "a size");
		out_init(&o, -1, buf, sizeof(buf));
		out_time(&o, cases[i].v);
		is_text(&o, cases[i].time, "a time");
	}
	out_init(&o, -1, buf, sizeof(buf));
	out_u64(&o, UINT64_MAX);
	out_char(&o, ' ');
	out_hex(&o, UINT64_MAX);
	out_hex_wide(&o, 0xf27811, 14);
	out_u64_wide(&o, 7, 2);
	is_text(&o, "18446744073709551615 0xffffffffffffffff      0xf27811 7", "numbers");
	out_init(&o, -1, buf, sizeof(buf));
	out_name(&o, "a\nb\033c\177d\xc3\xa9");
	is_text(&o, "a?b?c?d\xc3\xa9", "control characters of a name are not printed");
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		out_init(&o, -1, buf, sizeof(buf));
		out_name(&o, names[i].name);
		is_text(&o, names[i].printed, "control characters above ASCII");
	}
	out_init(&o, -1, buf, sizeof(buf));
	out_name_with(&o, "a;\xc2\x9b;\xe4\xba\x9b;", ';', ':');
	is_text(&o, "a:?:\xe4\xba\x9b:", "a character replaced");
	out_init(&o, -1, small, sizeof(small));
	out_text(&o, "123456789");
	is_text(&o, "1234567", "memory that is too small cuts");
	ok(o.lost == 2, "and says how much");
}

static void test_sort(void)
{
	enum { N = 5000 };
	static struct sort_entry e[N];
	uint64_t seed = 1;
	bool good = true;

	for (size_t n = 0; n <= N; n = n * 3 / 2 + 1) {
		for (size_t top = 0; top <= n; top = top * 4 + 1) {
			uint64_t sum = 0, sum_after = 0, smallest;

			for (size_t i = 0; i < n; i++) {
				seed = seed * 6364136223846793005u + 1442695040888963407u;
				e[i] = (struct sort_entry){ seed >> 33 & 255, (uint32_t)i };
				sum += e[i].key * N + e[i].index;
			}
			sort_largest(e, n, top);
			for (size_t i = 0; i < n; i++)
				sum_after += e[i].key * N + e[i].index;
			good = good && sum == sum_after;
			for (size_t i = 1; i < top; i++)
				good = good && (e[i - 1].key > e[i].key ||
						(e[i - 1].key == e[i].key && e[i - 1].index < e[i].index));
			smallest = top ? e[top - 1].key : UINT64_MAX;
			for (size_t i = top; i < n; i++)
				good = good && e[i].key <= smallest;
		}
	}
	ok(good, "the largest are in front, in order, and nothing is lost");
}

/* The pool, and what lies behind it in memory. */
static struct {
	struct bootstrap_pool pool;
	char behind[64];
} boot;

/* Whether a block of so many bytes, when the pool has none or a few, is right or refused, and what lies
 * behind the pool stays as it is. */
static bool boot_is_right(size_t size, unsigned before)
{
	size_t room = BOOTSTRAP_BYTES - before * (BOOTSTRAP_ALIGN + 16);
	char *p;

	memset(&boot, 0, sizeof(boot));
	for (unsigned i = 0; i < before; i++) {
		if (!bootstrap_alloc(&boot.pool, 16 - i % 16))
			return false;
	}
	p = bootstrap_alloc(&boot.pool, size);
	if (!p)
		return size > room - BOOTSTRAP_ALIGN && bootstrap_alloc(&boot.pool, room - BOOTSTRAP_ALIGN);
	if ((uintptr_t)p % BOOTSTRAP_ALIGN || bootstrap_size(p) != size || p < boot.pool.bytes ||
	    p + size > boot.pool.bytes + BOOTSTRAP_BYTES || !bootstrap_owns(&boot.pool, p))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (p[i])
			return false;
	}
	memset(p, 1, size);
	for (unsigned i = 0; i < 64; i++) {	/* whatever still fits does not end past it either */
		p = bootstrap_alloc(&boot.pool, i);
		if (p && p + i > boot.pool.bytes + BOOTSTRAP_BYTES)
			return false;
		if (p)
			memset(p, 1, i);
	}
	for (unsigned i = 0; i < sizeof(boot.behind); i++) {
		if (boot.behind[i])
			return false;
	}
	return boot.pool.used <= BOOTSTRAP_BYTES;
}

/* Arrays of each size, with gaps and equal elements, against a search from the start. */
static void test_search(void)
{
	static const int elements[] = { 1, 3, 3, 3, 4, 8, 9, 9, 12 };
	bool good = true;

	for (size_t n = 0; n <= sizeof(elements) / sizeof(elements[0]); n++) {
		for (int wanted = 0; wanted < 14; wanted++) {
			size_t want = 0;

			while (want < n && elements[want] < wanted)
				want++;
			good &= search_first(n, i, elements[i] < wanted) == want;
		}
	}
	ok(good, "search_first(): the first element that is not before");
}

static void test_boot(void)
{
	bool good = true;

	for (unsigned before = 0; before < 4; before++) {
		for (size_t size = 0; size < BOOTSTRAP_BYTES + 64; size += size > 64 && size < BOOTSTRAP_BYTES - 256 ? 61 : 1)
			good = good && boot_is_right(size, before);
		for (size_t size = 0; size < 64; size++)
			good = good && boot_is_right(SIZE_MAX - size, before) && boot_is_right(SIZE_MAX / 2 - size, before);
	}
	ok(good, "blocks of any size lie within the boot pool, or there is none");
	ok(!bootstrap_owns(&boot.pool, boot.pool.bytes - 1) && bootstrap_owns(&boot.pool, boot.pool.bytes) &&
	   bootstrap_owns(&boot.pool, boot.pool.bytes + BOOTSTRAP_BYTES - 1) &&
	   !bootstrap_owns(&boot.pool, boot.pool.bytes + BOOTSTRAP_BYTES), "and the pool knows its own");
}

static void *found[4];

/* As dlsym() does it; but no error text is left, and none is taken away. */
static void test_lookup(void)
{
	static const char names[] = "heaptrace_no_such_function\0" "getenv\0" "cfree\0" "posix_spawn";
	const char *name = names;
	bool good = true;

	dlerror();
	found[0] = found;
	lookup_next(names, 4, found);
	for (unsigned i = 0; i < 4; i++, name += strlen(name) + 1)
		good = good && found[i] == dlsym(RTLD_NEXT, name);
	ok(good && found[1], "functions are found as dlsym() finds them");
	while (dlerror())
		;
	good = !lookup_first("heaptrace_no_such_function") && !dlerror() &&
	       lookup_first("environ") == dlsym(RTLD_DEFAULT, "environ") && !lookup_first("") &&
	       lookup_first("_r_debug") == dlsym(RTLD_DEFAULT, "_r_debug");
	ok(good && !dlerror(), "variables too, and what is not found leaves no error text");
	dlsym(RTLD_DEFAULT, "heaptrace_no_such_function");
	lookup_next(names, 4, found);
	lookup_first("getenv");
	ok(dlerror() != NULL, "an error text that was there before is still there");
	ok(lookup_next_together("malloc", "gnu_get_libc_version") &&
	   !lookup_next_together("malloc", "_r_debug") &&
	   !lookup_next_together("malloc", "heaptrace_no_such_function"), "what lies in one module is known");
}

static void test_reader(void)
{
	struct reader r = reader_over("\1\2\0ab", 5);

	ok(reader_u8(&r) == 1 && reader_u8(&r) == 2 && !r.bad, "a reader reads");
	reader_u64(&r);
	ok(r.bad && reader_u8(&r) == 0, "past the end it is bad and stays so");
	r = reader_over("ab", 2);
	ok(!reader_string(&r) && r.bad, "a string without an end is none");
	r = reader_over("ab", 2);
	reader_seek(&r, 3);
	ok(r.bad, "seeking past the end is an error");
	r = reader_over("ab", 2);
	reader_skip(&r, UINT64_MAX);
	ok(r.bad && r.p == r.start, "a length that would wrap is an error");
}

static void test_arena(void)
{
	struct arena a = { 0 };
	struct rlimit old, none;
	bool good = true;

	for (size_t n = 1; n < 3000000; n = n * 5 + 1) {
		char *p = arena_alloc(&a, n);

		good = good && p && (uintptr_t)p % 16 == 0 && !p[0] && !p[n - 1];
		if (p)
			memset(p, 1, n);
	}
	ok(good, "an arena gives zeroed, aligned memory of any size");
	ok(!arena_alloc(&a, SIZE_MAX) && !arena_alloc(&a, SIZE_MAX / 2), "or NULL");
	arena_release(&a);
	ok(!a.chunk && arena_alloc(&a, 1), "and works after its release");
	arena_release(&a);
	getrlimit(RLIMIT_AS, &old);
	none = old;
	none.rlim_cur = 1;
	setrlimit(RLIMIT_AS, &none);
	good = !arena_alloc(&a, 1);
	setrlimit(RLIMIT_AS, &old);
	ok(good, "without address space: NULL");
}

static struct {
	unsigned count;
	struct block block[SLOTS_MOST];
} stale;

static bool put(struct blocks *b, uintptr_t p, uint32_t row, uint64_t size)
{
	uint32_t *slot = blocks_claim(b, (void *)p);
	struct block block = { .row = row, .size_bytes = size };

	stale.count = 0;
	if (!slot)
		return false;
	if (!(size & 1 && slot_put_simple(slot, row, size)))
		stale.count = slot_put_slow(slot, block, stale.block);
	return true;
}

static bool take(struct blocks *b, uintptr_t p, uint32_t row, uint64_t size)
{
	uint32_t *slot = blocks_find(b, (void *)p);
	struct block got = slot ? slot_take(slot) : NO_BLOCK;

	return got.row == row && (row == ROW_NONE || got.size_bytes == size);
}

/* The i-th of blocks that lie as near to each other as they can. */
static uint64_t near_size(uintptr_t i)
{
	return i % 1000 == 0 ? ((uint64_t)1 << 24) - 1 + i % 3 : i * 7 % 600;
}

static uintptr_t near_end(uintptr_t at, uintptr_t i, uintptr_t step)
{
	uintptr_t size = (uintptr_t)near_size(i);

	return at + (size > step ? (size + step - 1) & ~(step - 1) : step);
}

static void test_blocks(bool glibc)
{
	uintptr_t step = glibc ? 4 * sizeof(void *) : 8, base = (uintptr_t)1 << BLOCKS_REGION_BITS, at;
	uintptr_t last = 5 * base - step;	/* what follows lies in another region */
	const uint32_t row = (1u << ROW_ID_BITS) - 1;
	const uint64_t sizes[] = { 0, SLOT_MORE - 1, SLOT_MORE, SLOT_OUTSIDE, SLOT_UPPER - 1, SLOT_UPPER,
		SLOT_UPPER + 1, UINT32_MAX, (uint64_t)(SIZE_MAX >> 16) };
	struct blocks b;
	bool good = true;

	ok(blocks_create(&b, glibc), "a block map");
	ok(take(&b, base, ROW_NONE, 0), "knows no block at first");
	at = base;
	for (uintptr_t i = 0; i < 10000; at = near_end(at, i, step), i++)
		good = good && put(&b, at, (uint32_t)i + 1, near_size(i)) && !stale.count;
	at = base;
	for (uintptr_t i = 0; i < 10000; at = near_end(at, i, step), i++) {
		good = good && take(&b, at, (uint32_t)i + 1, near_size(i)) && take(&b, at, ROW_NONE, 0);
		for (uintptr_t k = 1; good && i % 1000 && at + k * step < near_end(at, i, step); k++)
			good = take(&b, at + k * step, ROW_NONE, 0);
	}
	ok(good, "blocks that lie as near as they can are distinguished, and taken once");
	good = true;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		good = good && put(&b, last, row, sizes[i]) && !stale.count && put(&b, last + step, 7, 8) &&
		       (sizes[i] >= SLOT_MORE || !stale.count) && take(&b, last, row, sizes[i]) &&
		       take(&b, last + step, 7, 8) && put(&b, last, 1, 1) && !stale.count &&
		       take(&b, last, 1, 1);
	}
	ok(good, "any size is kept whole, and leaves nothing behind, at a region's end too");

	put(&b, base, 3, 5);
	put(&b, base, 4, 6);
	ok(stale.count == 1 && stale.block[0].row == 3 && stale.block[0].size_bytes == 5 && take(&b, base, 4, 6),
	   "a block whose free was not seen is handed out when its address comes again");
	good = true;
	for (unsigned i = 3; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (unsigned k = 0; k < SLOTS_MOST; k++) {
			bool meets = k <= (sizes[i] < SLOT_UPPER ? 1 : 3);

			good = good && put(&b, base, 3, sizes[i]) && !stale.count &&
			       put(&b, base + k * step, 4, 6) && stale.count == meets &&
			       (!meets || (stale.block[0].row == 3 && stale.block[0].size_bytes == sizes[i])) &&
			       take(&b, base + k * step, 4, 6) &&
			       (k == 0 || take(&b, base, meets ? ROW_NONE : 3, sizes[i]));
		}
	}
	ok(good, "or when another comes to lie where its size was noted");
	for (unsigned k = 0; k < SLOTS_MOST; k++)
		put(&b, base + k * step, 10 + k, k);
	put(&b, base, 3, SLOT_UPPER);
	good = stale.count == SLOTS_MOST;
	for (unsigned k = 0; k < SLOTS_MOST; k++)
		good = good && stale.block[k].row == 10 + k && stale.block[k].size_bytes == k;
	ok(good && take(&b, base, 3, SLOT_UPPER), "and all of them when its own size is noted over them");
}

static void test_rows(void)
{
	struct table t = { .head = NULL };
	struct arena a = { 0 };
	struct view v;
	uintptr_t f1[] = { 1, 2, 3 }, f2[] = { 1, 2 };
	uint32_t r1, r2;
	static struct suffix suffixes[TABLE_FRAMES_MAX], again[TABLE_FRAMES_MAX];	/* zeroed: compared whole */
	uint32_t codes[TABLE_FRAMES_MAX];

	ok(table_create(&t), "a table");
	r1 = table_intern(&t, f1, 3, 0, suffixes, NULL);
	ok(r1 >= ROW_FIRST, "a new backtrace gets a row");
	ok(table_intern(&t, f1, 3, 0, again, NULL) == r1, "which it keeps");
	ok(!memcmp(suffixes, again, 3 * sizeof(*suffixes)), "and its suffixes too");
	r2 = table_intern(&t, f2, 2, 0, again, NULL);
	ok(r2 != r1, "a prefix is another backtrace");
	ok(table_frames(&t, r1, codes) == 3 && table_code_pc(&t, codes[0]) == 1 &&
	   table_code_pc(&t, codes[2]) == 3, "the frames are there");
	ok(table_intern(&t, (uintptr_t[]){ 1, 9, 9 }, 3, 2, suffixes, NULL) == r1,
	   "outer frames that a suffix stands for are not looked at");

	row_alloc(&t, r1, 100);
	row_alloc(&t, r2, 50);		/* the heap's peak: 150 */
	row_free(&t, r1, 100, true);
	row_alloc(&t, r1, 60);
	row_resize(&t, r1, 60, 70);
	view_take(&v, &t, true, (uint8_t[]){ SORT_SIZE }, 1, &a);
	ok(v.count == 2, "two rows have been used");
	ok(view_value(&v, &v.rows[0], SORT_SIZE) == 70 && view_value(&v, &v.rows[0], SORT_COUNT) == 1 &&
	   view_value(&v, &v.rows[0], SORT_PEAK_SIZE) == 100 && view_value(&v, &v.rows[0], SORT_PEAK_COUNT) == 1 &&
	   view_value(&v, &v.rows[0], SORT_TOTAL_SIZE) == 230 && view_value(&v, &v.rows[0], SORT_TOTAL_COUNT) == 3 &&
	   view_value(&v, &v.rows[0], SORT_TEMPORARY) == 1, "with the right figures");
	ok(view_value(&v, &v.rows[0], SORT_HEAP_PEAK) == 100 && view_value(&v, &v.rows[1], SORT_HEAP_PEAK) == 50 &&
	   t.head->totals.peak_size == 150, "at the heap's peak");
	row_free(&t, r1, 70, true);
	arena_release(&a);
	view_take(&v, &t, true, (uint8_t[]){ SORT_SIZE }, 1, &a);
	ok(view_value(&v, &v.rows[0], SORT_AGE) == 0, "no live block, no age");
	arena_release(&a);
}

static void test_age(void)
{
	const uint64_t second = 1000000000, tick = (uint64_t)1 << TICK_LOG2, begun = 1000 * second;
	uint32_t since = (uint32_t)ticks_of(begun + second);
	uint64_t age = age_of_ticks(since, begun + 11 * second, begun);

	ok(age + tick / 2 >= 10 * second && age <= 10 * second + tick / 2, "an age, to within half a tick");
	ok(age_of_ticks(since, begun + second - tick, begun) == 0, "what began later has none");
	ok(age_of_ticks(0, ((uint64_t)5 << (32 + TICK_LOG2)) + second, 0) == second, "ticks are modulo 2^32");
	ok(age_of_ticks((uint32_t)ticks_of(begun), begun + 1000, begun) <= 1000, "no age is longer than the run of a microsecond");
	ok(age_of_ticks((uint32_t)ticks_of(begun) - 1, begun + 1000, begun) == 1000, "even if the tick began before the process");
}

/* Two frames changed by these have the same hash, as table.c has it: HASH_STEP * STEPS + ONES is 0
 * modulo 2^64. Found as a short vector of a lattice, by Gauss's reduction. */
#define STEPS	3166815962u
#define ONES	1106696278u

static void test_collision(void)
{
	uintptr_t a[] = { 1, 2, 3, 4 }, b[] = { 1, 2 + ONES, 3 + STEPS, 4 };
	struct suffix am[5], bm[5];
	struct table t = { .head = NULL };
	uint32_t row;

	table_create(&t);
	row = table_intern(&t, a, 4, 0, am, NULL);
	ok(row != table_intern(&t, b, 4, 0, bm, NULL) && am[0].hash == bm[0].hash, "two stacks of one hash have two rows");
	am[2] = am[1];
	bm[2] = bm[1];
	row = table_intern(&t, (uintptr_t[]){ 8, 9 }, 5, 3, am, NULL);
	ok(row != table_intern(&t, (uintptr_t[]){ 8, 9 }, 5, 3, bm, NULL) && am[0].hash == bm[0].hash,
	   "and so if they differ where suffixes stand for them");
}

/* Pending changes: they are exact in every view, and complete when they are flushed. */
static void test_deltas(void)
{
	struct table t = { .head = NULL };
	struct arena a = { 0 };
	struct view v;
	struct suffix suffixes[2];
	struct deltas *d, *other;
	uint32_t rows[2 * DELTA_SLOTS];
	uint64_t sum = 0, in_row;
	bool good = true;

	table_create(&t);
	d = deltas_take(&t, THREAD_MAIN);
	other = deltas_take(&t, THREAD_MAIN);
	ok(d && other && d != other, "each thread gets slots of its own");
	for (uintptr_t i = 0; i < 2 * DELTA_SLOTS; i++) {
		rows[i] = table_intern(&t, (uintptr_t[]){ 16, i + 1 }, 2, 0, suffixes, NULL);
		for (int n = 0; n < 100; n++)
			delta_alloc(&t, d, rows[i], 1000);
		for (int n = 0; n < 40; n++)
			delta_free(&t, other, rows[i], 1000, n == 0);
	}
	in_row = 0;
	for (uintptr_t i = 0; i < 2 * DELTA_SLOTS; i++)
		in_row += t.rows[rows[i]].live_count;
	ok(in_row != 60 * 2 * DELTA_SLOTS, "some changes are not flushed at once");
	view_take(&v, &t, true, (uint8_t[]){ SORT_SIZE }, 1, &a);
	for (uint32_t i = 0; i < v.count; i++) {
		const struct counters *c = &v.rows[i].counters;

		good = good && c->live_count == 60 && c->live_size == 60000 && c->total_count == 100 &&
		       c->total_size == 100000 && c->temporary == 1 &&
		       c->peak_count <= 100 && c->peak_count >= 100 - 2 * DELTA_BLOCKS;
		sum += c->live_size;
	}
	ok(good && v.count == 2 * DELTA_SLOTS, "a view has all of it");
	ok(!t.head->frozen, "and lets go of it");
	arena_release(&a);

	t.head->frozen = 1;	/* a dump collects */
	in_row = t.rows[rows[0]].live_count;
	for (int n = 0; n < 1000; n++)
		delta_alloc(&t, d, rows[DELTA_SLOTS], 10);	/* in its slot, as much as that may hold */
	for (int n = 0; n < 5; n++)
		delta_alloc(&t, d, rows[0], 10);		/* the slot is another row's */
	ok(t.rows[rows[0]].live_count == in_row + 5 && d->slots[rows[DELTA_SLOTS] % DELTA_SLOTS].row == rows[DELTA_SLOTS] &&
	   d->slots[rows[DELTA_SLOTS] % DELTA_SLOTS].live_count == d->slots[rows[DELTA_SLOTS] % DELTA_SLOTS].count_limit,
	   "while a view is taken nothing moves from a slot to a row, and a slot takes no more than its limits");
	t.head->frozen = 0;
	deltas_flush(&t, d);
	deltas_flush(&t, other);
	ok(t.rows[rows[0]].live_count == 65 && t.rows[rows[DELTA_SLOTS]].live_count == 1060 &&
	   t.head->totals.live_size == sum + 10050, "what a thread leaves behind is in rows and totals");

	delta_alloc(&t, d, rows[1], 4);
	deltas_forked(&t, other);
	ok(deltas_take(&t, THREAD_MAIN) == d, "in a child the slots of threads that are not there are free");
	deltas_flush(&t, d);
	ok(t.rows[rows[1]].live_size == 60004, "with what they hold");
}

/* ---- Rows with more than fits into 32 bits ---- */

enum { LARGE_ROWS = 3, LARGE_BLOCKS = 64 };

/* What the figures have to be. */
static struct model {
	uint64_t live, peak, heap_peak, total_size, total_count, temporary;
	uint32_t count, peak_count;
} model[LARGE_ROWS];
static uint64_t heap_live, heap_peak;

static void model_change(unsigned row, int64_t change, int blocks)
{
	struct model *m = &model[row];

	m->live += (uint64_t)change;
	m->count += (uint32_t)blocks;
	heap_live += (uint64_t)change;
	if (m->live > m->peak)
		m->peak = m->live;
	if (m->count > m->peak_count)
		m->peak_count = m->count;
	for (unsigned i = 0; i < LARGE_ROWS && heap_live > heap_peak; i++)
		model[i].heap_peak = model[i].live;
	if (heap_live > heap_peak)
		heap_peak = heap_live;
}

static uint64_t large_seed = 7;
static uint32_t any(uint32_t below)
{
	large_seed = large_seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(large_seed >> 33) % below;
}

static uint64_t large_size(void)
{
	static const uint64_t near[] = { 0, 1, 1u << 29, ROW_QUARTER, (uint64_t)1 << 31, (uint64_t)1 << 32, (uint64_t)5 << 31 };

	switch (any(4)) {
	case 0:		return any(300);
	case 1:		return any(ROW_QUARTER);
	case 2:		return near[any(7)] + any(2);
	default:	return ROW_QUARTER - 1 - any(2);
	}
}

/* How the operations are done: as in a process of one thread, as in any, batched in slots. */
enum way { SINGLE, ANY, BATCHED, MIXED };

static bool large_right(struct table *t, const uint32_t *rows, bool peaks)
{
	struct arena a = { 0 };
	struct view v;
	bool good;

	view_take(&v, t, true, (uint8_t[]){ SORT_SIZE }, 1, &a);
	good = t->head->totals.live_size == heap_live || !peaks;
	for (unsigned i = 0; i < v.count; i++) {
		const struct counters *c = &v.rows[i].counters;
		const struct model *m;

		for (unsigned k = 0; k < LARGE_ROWS; k++) {
			if (v.rows[i].row != rows[k])
				continue;
			m = &model[k];
			good = good && c->live_size == m->live && c->live_count == m->count &&
			       c->total_size == m->total_size && c->total_count == m->total_count &&
			       c->temporary == m->temporary;
			if (peaks)
				good = good && c->peak_size == m->peak && c->peak_count == m->peak_count &&
				       c->heap_peak_size == m->heap_peak;
		}
	}
	arena_release(&a);
	return good;
}

static void large_alloc(struct table *t, struct deltas *d, enum way way, uint32_t row, uint64_t size)
{
	if (way == SINGLE && row_alloc_single(t, row, size))
		return;
	if (way >= BATCHED)
		delta_alloc(t, d, row, size);
	else
		row_alloc(t, row, size);
}

static void large_free(struct table *t, struct deltas *d, enum way way, uint32_t row, uint64_t size, bool temporary)
{
	if (way == SINGLE && temporary)
		row_free_temporary_single(t, row, size);
	else if (way == SINGLE && row_free_single(t, row, size))
		return;
	else if (way >= BATCHED)
		delta_free(t, d, row, size, temporary);
	else
		row_free(t, row, size, temporary);
}

static void large_resize(struct table *t, struct deltas *d, enum way way, uint32_t row, uint64_t old, uint64_t size)
{
	if (way == SINGLE && row_resize_single(t, row, old, size))
		return;
	if (way >= BATCHED)
		delta_resize(t, d, row, old, size);
	else
		row_resize(t, row, old, size);
}

#define DEPTH		4
#define DEEPEST		10
#define DEEP_STACKS	3000

struct deep {
	uintptr_t frames[DEEPEST];
	struct suffix suffixes[DEEPEST + 1];
	unsigned count;
	uint32_t row;
	bool whole;
};

/* Interns a stack of random frames; or random frames before the suffix of an earlier stack, whose own frames are then
 * not handed to table_intern(). */
static void make_deep(struct table *t, struct deep *s, const struct deep *earlier)
{
	uintptr_t given[DEEPEST] = { 0 };
	unsigned known = 0, fresh = 1 + any(DEEPEST), from = 0;

	if (earlier) {
		from = any(earlier->count);
		known = earlier->count - from;
		/* Suffixes that are right only as far as the depth are used only so far. */
		fresh = (earlier->whole ? 1 : from ? from : 1) + any(DEEPEST);
		if (fresh > DEEPEST - known)
			fresh = DEEPEST - known;
		if (!fresh || (!earlier->whole && fresh < from)) {
			earlier = NULL;
			known = 0;
			fresh = 1;
		}
	}
	s->count = fresh + known;
	for (unsigned i = 0; i < s->count; i++) {
		s->frames[i] = i < fresh ? 0x1000 + any(3) : earlier->frames[from + i - fresh];
		if (i < fresh)
			given[i] = s->frames[i];
	}
	memset(s->suffixes, 0xff, sizeof(s->suffixes));
	if (known) {
		s->suffixes[fresh] = earlier->suffixes[from];
		if (s->count > DEPTH && DEPTH > fresh)
			s->suffixes[DEPTH].hash = earlier->suffixes[from + DEPTH - fresh].hash;
	}
	s->row = table_intern(t, given, s->count, known, s->suffixes, &s->whole);
	/* The model needs all suffixes of those that may be used as earlier ones. */
	for (unsigned i = fresh + 1; i < s->count; i++)
		s->suffixes[i] = earlier->suffixes[from + i - fresh];
	if (earlier && !earlier->whole)
		s->whole = false;
}

/* The frames as far as the depth decide which row a stack has, whatever frames lie outward, however they were given. */
static void test_depth(void)
{
	static struct deep stacks[DEEP_STACKS];
	struct table t = { .head = NULL };
	uint32_t codes[TABLE_FRAMES_MAX];
	unsigned others = 0, twice = 0, short_ones = 0, partly = 0;

	table_create(&t);
	table_set_depth(&t, DEPTH);
	for (unsigned i = 0; i < DEEP_STACKS; i++) {
		struct deep *s = &stacks[i];
		unsigned count;

		make_deep(&t, s, i && any(3) ? &stacks[any(i)] : NULL);
		count = table_frames(&t, s->row, codes);
		others += count != (s->count < DEPTH ? s->count : DEPTH);
		for (unsigned k = 0; k < count; k++)
			others += table_code_pc(&t, codes[k]) != s->frames[k];
		for (unsigned k = 0; k < i && stacks[k].row != s->row; k++) {
			unsigned other = stacks[k].count < DEPTH ? stacks[k].count : DEPTH;

			twice += other == count && !memcmp(stacks[k].frames, s->frames, count * sizeof(*s->frames));
		}
		short_ones += s->count < DEPTH;
		partly += !s->whole;
	}
	printf("# %u rows, %u stacks less deep, %u with suffixes of another chain\n", t.head->row_count, short_ones, partly);
	ok(!others && short_ones > 100 && partly > 100, "a row has the frames as far as the depth");
	ok(!twice, "stacks that differ outward of the depth only have one row");
}

/* Blocks of all sizes come and go at random; every figure beside a model of 64 bits. */
static void test_large(enum way way, const char *what)
{
	struct table t = { .head = NULL };
	struct suffix suffixes[2];
	struct deltas *d;
	struct { uint32_t row; uint64_t size; } block[LARGE_BLOCKS] = { { 0, 0 } };
	uint32_t rows[LARGE_ROWS];
	bool good = true;

	memset(model, 0, sizeof(model));
	heap_live = heap_peak = 0;
	table_create(&t);
	d = deltas_take(&t, THREAD_MAIN);
	for (uintptr_t i = 0; i < LARGE_ROWS; i++)
		rows[i] = table_intern(&t, (uintptr_t[]){ 16, i + 1 }, 2, 0, suffixes, NULL);
	for (int n = 0; n < 20000 && good; n++) {
		enum way now = way == MIXED ? (enum way)any(2) : way;
		unsigned b = any(LARGE_BLOCKS), k = block[b].row ? block[b].row - 1 : any(LARGE_ROWS);
		uint64_t size = large_size(), old = block[b].size;
		bool temporary = any(2);

		if (block[b].row && any(3)) {
			large_free(&t, d, now, rows[k], old, temporary);
			model_change(k, -(int64_t)old, -1);
			model[k].temporary += temporary;
			block[b].row = 0;
		} else {
			if (block[b].row)
				large_resize(&t, d, now, rows[k], old, size);
			else
				large_alloc(&t, d, now, rows[k], size);
			model_change(k, (int64_t)(size - (block[b].row ? old : 0)), !block[b].row);
			model[k].total_count++;
			model[k].total_size += size;
			block[b].row = k + 1;
			block[b].size = size;
		}
		if (n % 16 == 0)
			good = large_right(&t, rows, way != BATCHED);
	}
	ok(good && heap_peak >> 35, what);
	good = model[0].total_size >> 40 != 0;
	for (unsigned b = 0; b < LARGE_BLOCKS; b++) {
		if (!block[b].row)
			continue;
		large_free(&t, d, way == MIXED ? SINGLE : way, rows[block[b].row - 1], block[b].size, false);
		model_change(block[b].row - 1, -(int64_t)block[b].size, -1);
	}
	deltas_flush(&t, d);
	ok(good && large_right(&t, rows, way != BATCHED) && !heap_live && !t.head->totals.live_size, "down to nothing, too");
	table_unmap(&t);
}

static uint64_t value_of(struct table *t, uint32_t row, enum sort_key key);

/* Blocks of which each fits: in a process of one thread the row is wide in time. */
static void test_large_single(void)
{
	struct table t = { .head = NULL };
	struct suffix suffixes[2];
	uint32_t row;
	bool good = true;

	table_create(&t);
	row = table_intern(&t, (uintptr_t[]){ 16, 1 }, 2, 0, suffixes, NULL);
	/* The sum of sizes is ahead: it reaches its quarters when the row has as much as it can. */
	large_alloc(&t, NULL, SINGLE, row, ROW_QUARTER / 16);
	large_free(&t, NULL, SINGLE, row, ROW_QUARTER / 16, false);
	for (uint64_t n = 1; n <= 20; n++) {
		if (n % 2)
			large_alloc(&t, NULL, SINGLE, row, ROW_QUARTER / 4 + 1);
		else
			large_resize(&t, NULL, SINGLE, row, ROW_QUARTER / 4 + 1, ROW_QUARTER / 2 + 2);
		good = good && value_of(&t, row, SORT_SIZE) == n * (ROW_QUARTER / 4 + 1) &&
		       value_of(&t, row, SORT_PEAK_SIZE) == n * (ROW_QUARTER / 4 + 1);
	}
	ok(good && t.rows[row].epoch & ROW_WIDE,
	   "a row that grows gets wide");
	table_unmap(&t);
}

static uint64_t value_of(struct table *t, uint32_t row, enum sort_key key)
{
	struct arena a = { 0 };
	struct view v;
	uint64_t value = UINT64_MAX;

	view_take(&v, t, true, (uint8_t[]){ SORT_SIZE }, 1, &a);
	for (uint32_t i = 0; i < v.count; i++) {
		if (v.rows[i].row == row)
			value = view_value(&v, &v.rows[i], key);
	}
	arena_release(&a);
	return value;
}

/* Sums go past each quarter of 32 bits, from a state a little before; and as a kill leaves them. */
static void test_large_sums(void)
{
	struct table t = { .head = NULL };
	struct suffix suffixes[2];
	struct row_upper *u;
	struct deltas *d;
	uint32_t row, n = 0;
	bool calls[3] = { true, true, true }, temporaries[3] = { true, true, true }, nothing = true, late = true;

	table_create(&t);
	d = deltas_take(&t, THREAD_MAIN);
	row = table_intern(&t, (uintptr_t[]){ 16, 1 }, 2, 0, suffixes, NULL);
	ok(!row_upper(&t, row), "a row has no upper parts at first");
	u = row_make_upper(&t, row);
	ok(u && u == row_upper(&t, row) && u == row_make_upper(&t, row) && !u->total_size, "then its own, empty");
	for (uint64_t quarter = 1; quarter < 10; quarter++) {
		for (enum way way = SINGLE; way <= BATCHED; way++) {
			/* Calls of a byte: in a process of one thread they are noted when the bytes are. */
			*u = (struct row_upper){ .total_count = (uint32_t)quarter - 1, .total_size = (uint32_t)quarter - 1,
				.temporary = (uint32_t)quarter - 1 };
			t.rows[row].total_count = t.rows[row].total_size = t.infos[row].temporary =
				(uint32_t)(quarter * ROW_QUARTER - 2);
			for (n = 0; n < 4; n++) {
				large_alloc(&t, d, way, row, 1);
				large_free(&t, d, way, row, 1, true);
			}
			deltas_flush(&t, d);
			n = u->total_count == quarter && u->total_size == quarter &&
			    value_of(&t, row, SORT_TOTAL_SIZE) == quarter * ROW_QUARTER + 2;
			calls[way] = calls[way] && n && value_of(&t, row, SORT_TOTAL_COUNT) == quarter * ROW_QUARTER + 2;
			temporaries[way] = temporaries[way] && u->temporary == quarter &&
					   value_of(&t, row, SORT_TEMPORARY) == quarter * ROW_QUARTER + 2;
		}
		/* Where there may be calls for no bytes among them, it is noted by itself. */
		for (enum way way = ANY; way <= BATCHED; way++) {
			*u = (struct row_upper){ .total_count = (uint32_t)quarter - 1 };
			t.rows[row].total_count = (uint32_t)(quarter * ROW_QUARTER - 1);
			t.rows[row].total_size = 5;
			large_alloc(&t, d, way, row, 1);
			large_free(&t, d, way, row, 1, false);
			deltas_flush(&t, d);
			calls[way] = calls[way] && u->total_count == quarter;
		}
		/* Of no bytes: each call looks. */
		*u = (struct row_upper){ .total_count = (uint32_t)quarter - 1 };
		t.rows[row].total_count = (uint32_t)(quarter * ROW_QUARTER + 77);
		large_alloc(&t, d, SINGLE, row, 0);
		large_free(&t, d, SINGLE, row, 0, false);
		nothing = nothing && (u->total_count == quarter || !(quarter & 3));
		t.rows[row].total_count = (uint32_t)(quarter * ROW_QUARTER - 1);
		large_alloc(&t, d, SINGLE, row, 0);
		large_free(&t, d, SINGLE, row, 0, false);
		nothing = nothing && u->total_count == quarter;
		/* Killed after the sum was stored: the quarter may lag. */
		for (uint64_t lag = 0; lag < 4; lag++) {
			t.rows[row].total_count = t.rows[row].total_size = t.infos[row].temporary =
				(uint32_t)(quarter * ROW_QUARTER + 5);
			u->total_count = u->total_size = u->temporary = (uint32_t)(quarter > lag ? quarter - lag : 0);
			if (quarter - u->total_count < 4)
				late = late && value_of(&t, row, SORT_TOTAL_COUNT) == quarter * ROW_QUARTER + 5 &&
				       value_of(&t, row, SORT_TOTAL_SIZE) == quarter * ROW_QUARTER + 5 &&
				       value_of(&t, row, SORT_TEMPORARY) == quarter * ROW_QUARTER + 5 &&
				       row_total_count(&t, row) == quarter * ROW_QUARTER + 5;
		}
	}
	ok(calls[SINGLE] && calls[ANY] && calls[BATCHED], "calls and bytes go past 2^30, 2^31, 2^32 and 2^33");
	ok(temporaries[SINGLE] && temporaries[ANY] && temporaries[BATCHED], "and so do temporaries");
	ok(nothing, "and calls for no bytes");
	ok(late, "and are right when what they have reached has not been noted");
	t.infos[row].upper = t.head->uppers_used;
	ok(!row_upper(&t, row), "a number beyond the upper parts is none");
	t.infos[row].upper = UINT32_MAX;
	ok(!row_upper(&t, row) && value_of(&t, row, SORT_TOTAL_SIZE) != UINT64_MAX, "however far");
	table_unmap(&t);
}

/* Without space for upper parts, and back below. */
static void test_large_full(void)
{
	const uint64_t sizes[] = { 100, ROW_QUARTER - 1, (uint64_t)1 << 31, (uint64_t)5 << 30, 7 };
	struct table t = { .head = NULL };
	struct suffix suffixes[2];
	struct deltas *d;
	uint32_t row;
	bool good = true;

	table_create(&t);
	d = deltas_take(&t, THREAD_MAIN);
	t.head->upper_limit = 1;
	t.head->no_space = TABLE_NO_SPACE;
	row = table_intern(&t, (uintptr_t[]){ 16, 1 }, 2, 0, suffixes, NULL);
	for (enum way way = SINGLE; way <= BATCHED; way++) {
		uint64_t sum = 0;

		large_alloc(&t, d, way, row, 50);
		for (unsigned i = 0; i < 5; i++) {
			large_alloc(&t, d, way, row, sizes[i]);
			sum += sizes[i];
		}
		deltas_flush(&t, d);
		good = good && t.head->totals.live_size == sum + 50 && value_of(&t, row, SORT_COUNT) == 6;
		for (unsigned i = 0; i < 5; i++)
			large_free(&t, d, way, row, sizes[i], false);
		deltas_flush(&t, d);
		good = good && value_of(&t, row, SORT_SIZE) == 50;
		large_free(&t, d, way, row, 50, false);
		deltas_flush(&t, d);
	}
	ok(good && t.head->uppers_used == 1, "without space for upper parts the heap's size is right, and later the row's");
	table_unmap(&t);
}

enum { LARGE_THREADS = 4, LARGE_STEPS = 3000 };
static struct {
	struct table t;
	uint32_t row;
} large;

/* A thread's own blocks; a part of the operations is batched, as when a dump is under way. */
static void *large_work(void *batched)
{
	uint64_t seed = (uintptr_t)&seed, size[8] = { 0 };
	struct deltas *d = deltas_take(&large.t, THREAD_MAIN);

	for (unsigned n = 0; n < LARGE_STEPS + 8; n++) {
		bool slots = batched && n % 3;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		if (size[n % 8] && slots)
			delta_free(&large.t, d, large.row, size[n % 8], false);
		else if (size[n % 8])
			row_free(&large.t, large.row, size[n % 8], false);
		size[n % 8] = n < LARGE_STEPS ? (seed >> 40 << (seed >> 36 & 15)) + 1 : 0;
		if (size[n % 8] && slots)
			delta_alloc(&large.t, d, large.row, size[n % 8]);
		else if (size[n % 8])
			row_alloc(&large.t, large.row, size[n % 8]);
	}
	row_alloc(&large.t, large.row, (uint64_t)3 << 31);
	deltas_flush(&large.t, d);
	return NULL;
}

static void test_large_threads(void)
{
	struct suffix suffixes[2];
	pthread_t threads[LARGE_THREADS];
	const uint64_t want = LARGE_THREADS * ((uint64_t)3 << 31);

	table_create(&large.t);
	large.row = table_intern(&large.t, (uintptr_t[]){ 16, 1 }, 2, 0, suffixes, NULL);
	for (int batched = 0; batched < 2; batched++) {
		for (int i = 0; i < LARGE_THREADS; i++)
			pthread_create(&threads[i], NULL, large_work, batched ? &large : NULL);
		for (int i = 0; i < LARGE_THREADS; i++)
			pthread_join(threads[i], NULL);
		ok(value_of(&large.t, large.row, SORT_SIZE) == want &&
		   (batched || large.t.head->totals.live_size == want) &&
		   value_of(&large.t, large.row, SORT_COUNT) == LARGE_THREADS &&
		   value_of(&large.t, large.row, SORT_TOTAL_COUNT) ==
			(unsigned)(batched + 1) * LARGE_THREADS * (LARGE_STEPS + 1u) &&
		   value_of(&large.t, large.row, SORT_PEAK_SIZE) >= want,
		   "threads that share a large row leave it right");
		for (int i = 0; i < LARGE_THREADS; i++)
			row_free(&large.t, large.row, (uint64_t)3 << 31, false);
	}
	ok(!value_of(&large.t, large.row, SORT_SIZE) && !value_of(&large.t, large.row, SORT_COUNT), "and empty");
	munmap(large.t.head, (size_t)large.t.head->size_bytes);
}

static struct table shared;
enum { THREADS = 8, STACKS = 20000 };
static uint32_t seen[THREADS][STACKS];

static void *intern_all(void *number)
{
	uint32_t *mine = number;
	struct suffix suffixes[3];

	for (uintptr_t i = 0; i < STACKS; i++) {
		uintptr_t f[] = { i * 16, i % 7, i };

		mine[i] = table_intern(&shared, f, 3, 0, suffixes, NULL);
	}
	return NULL;
}

static void test_intern_threads(void)
{
	pthread_t th[THREADS];
	bool same = true, distinct = true;
	static bool taken[1 << 20];

	table_create(&shared);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&th[i], NULL, intern_all, seen[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(th[i], NULL);
	for (int s = 0; s < STACKS; s++) {
		for (int i = 1; i < THREADS; i++)
			same = same && seen[i][s] == seen[0][s];
		distinct = distinct && !taken[seen[0][s]];
		taken[seen[0][s]] = true;
	}
	ok(same, "threads that intern the same backtrace at once get the same row");
	ok(distinct, "and each backtrace a row of its own");
}

static void test_full(void)
{
	struct table t = { .head = NULL };
	struct rlimit old, small;
	struct suffix suffixes[2];
	bool good = true;
	uint32_t rows = 0, overflow = 0;

	/* The kernel refuses all but a small table. */
	getrlimit(RLIMIT_AS, &old);
	small = old;
	small.rlim_cur = (rlim_t)48 << 20;
	setrlimit(RLIMIT_AS, &small);
	good = table_create(&t);
	setrlimit(RLIMIT_AS, &old);
	ok(good, "little address space: a smaller table");
	if (!good)
		return;
	for (uintptr_t i = 1; i <= (uintptr_t)2 * t.head->row_limit; i++) {
		uintptr_t f[] = { i % 64 << 4, i };
		uint32_t row = table_intern(&t, f, 2, 0, suffixes, NULL);

		rows += row != ROW_OVERFLOW;
		overflow += row == ROW_OVERFLOW;
		good = good && row < t.head->row_limit;
	}
	ok(good && overflow, "when it is full, what is new goes to the overflow row");
	ok(rows > t.head->row_limit / 2, "which is not before it is well filled");
	good = true;
	for (uintptr_t i = 1; i <= 100; i++) {
		uintptr_t f[] = { i % 64 << 4, i };

		good = good && table_intern(&t, f, 2, 0, suffixes, NULL) != ROW_OVERFLOW;
	}
	ok(good, "and the known ones keep their rows");
}

/* Bytes of address space that the process has. */
static size_t mapped_bytes(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%zu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static bool intern_some(struct table *t, uintptr_t from, uintptr_t to)
{
	struct suffix suffixes[2];
	bool all = true;

	for (uintptr_t i = from; i < to; i++)
		all = all && table_intern(t, (uintptr_t[]){ i % 64 << 4, i << 4 }, 2, 0, suffixes, NULL) != ROW_OVERFLOW;
	return all;
}

/* A table takes no more address space than it has use for, stays where it is when it grows, and grows on when
 * a limit on that is lifted. */
static void test_growth(bool in_file)
{
	int fd = in_file ? memfd_create("units", MFD_CLOEXEC) : -1;
	size_t before = mapped_bytes(), small, large, used = 0;
	struct layout_range ranges[LAYOUT_RANGES];
	struct table t = { .head = NULL };
	struct rlimit old, limit;
	const struct row *rows;
	bool good;

	if (in_file && (fd < 0 || table_create_in(&t, fd))) {
		ok(true, "a table in a memfd # SKIP there is none");
		return;
	}
	ok(in_file || table_create(&t), "a table");
	rows = t.rows;
	small = mapped_bytes() - before;
	good = intern_some(&t, 1, 200000);
	large = mapped_bytes() - before;
	for (unsigned i = layout_used(t.head, true, ranges); i-- > 0; )
		used += ranges[i].bytes;
	ok(small < (size_t)6 << 20, "it takes some megabytes of address space at first");
	ok(good && t.rows == rows && large > small && large < used + used / 3 + ((size_t)4 << 20),
	   "and not much more than it has use for when it has grown");
	getrlimit(RLIMIT_AS, &old);
	limit = old;
	limit.rlim_cur = mapped_bytes() + ((size_t)2 << 20);
	setrlimit(RLIMIT_AS, &limit);
	good = !intern_some(&t, 200000, 400000) && t.head->no_space == TABLE_NO_ADDRESSES && intern_some(&t, 1, 200000);
	setrlimit(RLIMIT_AS, &old);
	ok(good, "at a limit new rows are refused, the known ones stay");
	intern_some(&t, 200000, 600000);	/* tries again now and then */
	ok(intern_some(&t, 600000, 610000) && t.head->row_count > 400000, "beyond it, it grows again");
	table_unmap(&t);
	ok(mapped_bytes() < before + ((size_t)1 << 20), "and it gives all back");
	if (fd >= 0)
		close(fd);
}

/* In a child after fork a mapping can be longer than the table knows, because another thread of the parent was
 * making it longer: the table grows there all the same. */
static void test_growth_forked(bool in_file)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = in_file ? memfd_create("units", MFD_CLOEXEC) : -1;
	struct table t = { .head = NULL };
	bool longer = true;

	if (in_file ? fd < 0 || table_create_in(&t, fd) : !table_create(&t)) {
		ok(!in_file, "a table in a memfd # SKIP there is none");
		return;
	}
	for (unsigned i = 0; i < LAYOUT_WINDOWS; i++) {
		struct layout_window w = layout_window(t.head, i, TABLE_LOG2_LEAST);
		char *last = (char *)t.head + w.offset + t.mapped[i] - page;

		if (t.mapped[i] && t.mapped[i] < w.most_bytes)
			longer = longer && mremap(last, page, 2 * page, 0) == last;
	}
	layout_forked(&t);
	ok(longer && intern_some(&t, 1, 60000) && !t.refused, in_file ?
	   "a forked child's table in a file grows where another thread was making it longer" :
	   "a forked child's table grows where another thread was making it longer");
	table_unmap(&t);
	if (fd >= 0)
		close(fd);
}

/* Threads that make a table grow at the same time. */
static struct table growing;

static void *grow_it(void *number)
{
	return (void *)(uintptr_t)intern_some(&growing, 1 + (uintptr_t)number * 1000000, 60000 + (uintptr_t)number * 1000000);
}

static void test_growth_threads(void)
{
	pthread_t threads[4];
	bool good = true;

	ok(table_create(&growing), "a table");
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, grow_it, (void *)i);
	for (int i = 0; i < 4; i++) {
		void *all = NULL;

		pthread_join(threads[i], &all);
		good = good && all;
	}
	ok(good && growing.head->row_count >= 4 * 59999 + ROW_FIRST && !growing.head->no_space && !growing.refused,
	   "threads that make it grow at the same time lose nothing");
	table_unmap(&growing);
}

/* Blocks that are kept without slots for their region. */
static void test_large_blocks(void)
{
	enum { STEP_LOG2 = 20, COUNT = 3000 };
	char *large = (char *)((uintptr_t)1 << 27) + 5 * 4096 + 16;	/* no other block of the test is in such a page */
	struct block was;
	struct blocks b;
	unsigned kept = 0, left = 0;
	bool good = true;

	ok(blocks_create(&b, true), "a block map");
	for (uintptr_t i = 1; i <= COUNT; i++)
		good = good && blocks_put_large(&b, (void *)((i << STEP_LOG2) + 16), (struct block){ .row = (uint32_t)i, .size_bytes = i << 17 }, &was) && !was.row;
	ok(good && blocks_put_large(&b, (void *)(((uintptr_t)7 << STEP_LOG2) + 16), (struct block){ .row = 9, .size_bytes = 99 }, &was) &&
	   was.row == 7 && was.size_bytes == (uint64_t)7 << 17, "large blocks are kept, and one whose free was not seen is handed out");
	for (uintptr_t i = 1; i <= COUNT; i++) {
		was = blocks_take_large(&b, (void *)((i << STEP_LOG2) + 16));
		good = good && was.row == (i == 7 ? 9 : i) && was.size_bytes == (i == 7 ? 99 : i << 17);
		was = blocks_take_large(&b, (void *)((i << STEP_LOG2) + 16));
		good = good && !was.row && !blocks_take_large(&b, (void *)((i << STEP_LOG2) + 32)).row;
	}
	ok(good, "each is taken once, and nothing else");
	for (uintptr_t i = 1; i <= 30000; i++)
		kept += blocks_put_large(&b, (void *)((i << STEP_LOG2) + 16), (struct block){ .row = 3, .size_bytes = i }, &was) != 0;
	for (uintptr_t i = 1; i <= 30000; i++) {
		was = blocks_take_large(&b, (void *)((i << STEP_LOG2) + 16));
		left += was.row == 3 && was.size_bytes == i;
	}
	ok(kept == left && kept > 12000 && kept < 30000, "when there is no room that is said, and those that had some are there");
	blocks_put_large(&b, large, (struct block){ .row = 5, .size_bytes = LARGE_BYTES }, &was);
	good = !blocks_lack_fast(&b, large) && !blocks_lack(&b, large) && blocks_lack(&b, large + 4096) && blocks_lack_fast(&b, large + 4096);
	ok(good && blocks_claim(&b, large + 4096) && blocks_find(&b, large) && !blocks_lack_fast(&b, large) && !blocks_lack(&b, large),
	   "a large block is not missed once its region has slots");
	ok(blocks_take_large(&b, large).row == 5 && blocks_lack_fast(&b, large) && blocks_lack(&b, large), "... until it has left");
}

/* In a file or memfd space is reserved ahead: not much more than there is use for. */
static void test_ahead(void)
{
	enum { ROWS = 375000 };
	struct table t = { .head = NULL };
	struct suffix suffixes[2];
	int fd = memfd_create("units", MFD_CLOEXEC);
	bool good = true;
	const struct table_header *h;

	if (fd < 0 || table_create_in(&t, fd)) {
		ok(true, "a table in a memfd # SKIP there is none");
		return;
	}
	h = t.head;
	for (uintptr_t i = 1; i <= ROWS; i++)
		good = good && table_intern(&t, (uintptr_t[]){ i % 64 << 4, i << 4 }, 2, 0, suffixes, NULL) != ROW_OVERFLOW;
	ok(good && h->row_count == ROWS + ROW_FIRST, "a table in a memfd grows");
	ok(h->row_limit - h->row_count <= ROWS / 60 && h->frame_limit - h->frames_used <= h->frames_used / 60,
	   "by a sixtieth at a time");
	ok(h->row_levels == 6, "and an index's level is well filled when the next one comes");
	munmap(t.head, (size_t)h->size_bytes);
	close(fd);
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), want = strlen(end);

	return length >= want && !strcmp(text + length - want, end);
}

/* Looks one module up again and again while other threads invalidate the lists. */
static volatile bool maps_wrong;
static void *find_maps(void *unused)
{
	for (int i = 0; i < 20000; i++) {
		struct loaded_module m;
		enum loaded_status status = maps_find((uintptr_t)find_maps, &m);

		if (status == LOADED_NONE || (status == LOADED_FOUND && !ends_with(m.name, "/units")))
			maps_wrong = true;
		if (i % 64 == 0)
			maps_forget();
	}
	return unused;
}

/* What stands in for _dl_find_object() on an older libc, beside it where it is there. */
static void test_maps(void)
{
	char *anonymous = mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t libc = (uintptr_t)dlsym(RTLD_DEFAULT, "qsort"), code;
	struct loaded_module m, other = { 0 };
	pthread_t threads[4];
	int unknown = 0;
	void *library;

	ok(maps_init() && loaded_init(), "the lists have memory");
	ok(maps_find((uintptr_t)test_maps, &m) == LOADED_FOUND && ends_with(m.name, "/units"),
	   "the program is a module");
	ok(maps_find(libc, &m) == LOADED_FOUND && m.start < libc && libc < m.end && m.eh_frame_header,
	   "libc is one, with unwind tables");
	if (dlsym(RTLD_DEFAULT, "_dl_find_object"))
		ok(loaded_find(libc, &other) == LOADED_FOUND && m.bias == other.bias && m.start <= other.start &&
		   m.end >= other.end && m.eh_frame_header == other.eh_frame_header,
		   "as _dl_find_object() says");
	ok(maps_find((uintptr_t)&unknown, &m) == LOADED_NONE, "the stack is none");
	ok(maps_find((uintptr_t)anonymous + 8000, &m) == LOADED_NONE, "nor is anonymous code");
	library = dlopen("libgcc_s.so.1", RTLD_NOW);
	code = library ? (uintptr_t)dlsym(library, "_Unwind_Backtrace") : 0;
	if (code) {
		ok(maps_find(code, &m) == LOADED_FOUND && ends_with(m.name, "/libgcc_s.so.1"),
		   "a library that has come is found");
		dlclose(library);
		maps_forget();
		ok(maps_find(code, &m) == LOADED_NONE, "and is not when it has gone");
	}
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, find_maps, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ok(!maps_wrong, "threads never get a wrong answer");
	for (int i = 0; i < 100000 && !unknown; i++) {
		maps_forget();
		unknown = maps_find(libc, &m) == LOADED_UNKNOWN;
	}
	ok(unknown, "the time spent with reading has an end");
}

#define TAKERS	2

static struct table taken_from;
static struct deltas *taken_by[TAKERS];
static unsigned arrived, round_now;

/* All takers leave together. */
static void meet(void)
{
	unsigned now = __atomic_load_n(&round_now, __ATOMIC_ACQUIRE);

	if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) % TAKERS == 0)
		__atomic_store_n(&round_now, now + 1, __ATOMIC_RELEASE);
	for (unsigned tries = 1; __atomic_load_n(&round_now, __ATOMIC_ACQUIRE) == now; tries++) {
		if (tries % 1024 == 0)
			sched_yield();
	}
}

/* Each round begins with a table that no thread has been in: new entries are made. */
static void *take_deltas(void *number)
{
	static bool twice;

	for (int round = 0; round < 60000; round++) {
		meet();
		taken_by[(uintptr_t)number] = deltas_take(&taken_from, THREAD_MAIN);
		meet();
		for (unsigned i = 0; i < TAKERS; i++) {
			if (!taken_by[i] || (i != (uintptr_t)number && taken_by[i] == taken_by[(uintptr_t)number]))
				__atomic_store_n(&twice, true, __ATOMIC_RELAXED);
		}
		meet();
		if (!number) {
			deltas_forked(&taken_from, NULL);
			taken_from.head->deltas_used = 0;
		}
	}
	return &twice;
}

static void test_deltas_take(void)
{
	pthread_t threads[TAKERS];
	void *twice = NULL;

	ok(table_create(&taken_from), "a table");
	for (uintptr_t i = 0; i < TAKERS; i++)
		pthread_create(&threads[i], NULL, take_deltas, (void *)i);
	for (int i = 0; i < TAKERS; i++)
		pthread_join(threads[i], &twice);
	ok(twice && !*(bool *)twice, "threads that start together never share their differences");
}

int main(void)
{
	test_full();	/* first: it limits the address space, which the others fill */
	test_out();
	test_hash_index();
	test_leb128();
	test_utf8();
	test_share();
	test_room();
	test_out_terminal();
	test_sort();
	test_search();
	test_boot();
	test_lookup();
	test_reader();
	test_arena();
	test_blocks(true);
	test_blocks(false);
	test_rows();
	test_age();
	test_collision();
	test_depth();
	test_deltas();
	test_deltas_take();
	test_large(SINGLE, "large blocks, one thread: every figure is exact");
	test_large(ANY, "large blocks, as with any threads: every figure is exact");
	test_large(MIXED, "one after the other: every figure is exact");
	test_large(BATCHED, "batched: live and total figures are exact");
	test_large_single();
	test_large_sums();
	test_large_full();
	test_large_threads();
	test_intern_threads();
	test_ahead();
	test_growth(false);
	test_growth(true);
	test_growth_forked(false);
	test_growth_forked(true);
	test_growth_threads();
	test_large_blocks();
	test_maps();
	printf("1..%d\n", tests);
	return failures != 0;
}
