/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit test of base/mappings.c and pagemap.c, speaking TAP; tests/units.t builds and runs it. A file that pretends to be
 * the kernel's list of mappings cannot make the reader go beyond its buffers, and no line is taken for what it is not. Of
 * each kind of mapping pagemap counts as much as smaps.
 */
#include "base/mappings.h"
#include "base/pagemap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned tests, failures;

static void ok(bool good, const char *what)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
}

/* A list whose file has these bytes. */
static void list_of(struct mappings *list, const char *bytes, size_t count)
{
	memset(list, 0, sizeof(*list));
	list->fd = memfd_create("mappings", 0);
	ok(write(list->fd, bytes, count) == (ssize_t)count && !lseek(list->fd, 0, SEEK_SET), "a file is made");
}

static bool figure(const char *line, uint64_t *to)
{
	return mapping_figure(line, "Rss:", to);
}

static void test_figures(void)
{
	static const char *const bad[] = {
		"", "Rss", "Rss:", "Rss: kB", "Rss:   kB", "Rss:  -1 kB", "Rss:  1", "Rss:  1 k", "Rss:  1 kBs", "Rss:  1 MB",
		"Rss:  1a kB", "Rss:  12345678901234567890 kB", "Rss:  1\tkB", "rss:  1 kB", "SwapRss:  1 kB", " Rss:  1 kB",
	};
	uint64_t bytes = 77;

	ok(figure("Rss:                 132 kB", &bytes) && bytes == 132 * 1024, "a figure is read, in bytes");
	ok(figure("Rss:0 kB", &bytes) && !bytes, "also 0, without a space");
	ok(figure("Rss: 999999999999999 kB", &bytes) && bytes == 999999999999999 * 1024, "and the largest");
	bytes = 77;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!figure(bad[i], &bytes) && bytes == 77, bad[i]);
}

static void test_lines(void)
{
	static const char text[] = "7f1c2a000000-7f1c2a021000 rw-p 00000000 00:00 0 \nRss:  4 kB\n\nno end";
	struct mappings list;
	struct mapping m;
	char *line;

	list_of(&list, text, sizeof(text) - 1);
	line = mappings_line(&list);
	ok(line && mapping_parse(line, &m) && m.start == 0x7f1c2a000000 && m.end == 0x7f1c2a021000 && !m.path[0],
	   "a line of a mapping");
	line = mappings_line(&list);
	ok(line && !strcmp(line, "Rss:  4 kB") && !mapping_parse(line, &m), "a line of a figure is no mapping");
	line = mappings_line(&list);
	ok(line && !*line && !mapping_parse(line, &m), "an empty line");
	ok(!mappings_line(&list) && !list.failed, "the last line has no end, and is left out");
	mappings_close(&list);
}

/* Lines of all lengths around those of the buffers; each is cut off where its buffer ends. */
static void test_long(void)
{
	size_t most = 3 * MAPPINGS_LINE_BYTES, bytes = 0, lines = 0, bad = 0;
	char *text = malloc(most * 8), *line;
	struct mappings list;

	for (size_t len = 0; len < most; len += len % 1000 > 10 ? 331 : 1) {
		if (bytes + len + 1 > most * 8)
			break;
		memset(text + bytes, 'x', len);
		text[bytes + len] = '\n';
		bytes += len + 1;
		lines++;
	}
	list_of(&list, text, bytes);
	while ((line = mappings_line(&list)) != NULL) {
		bad += strspn(line, "x") != strlen(line) || strlen(line) >= MAPPINGS_LINE_BYTES;
		lines--;
	}
	ok(!lines && !bad, "each line once, none longer than its buffer");
	mappings_close(&list);
	memset(text, 'y', most * 8);
	list_of(&list, text, most * 8);
	ok(!mappings_line(&list), "a file that is one line without an end");
	mappings_close(&list);
	for (size_t i = 0; i < most * 8; i++)
		text[i] = (char)(i * 7919 >> 3);
	list_of(&list, text, most * 8);
	while ((line = mappings_line(&list)) != NULL) {
		struct mapping m;
		uint64_t value;

		if (!mapping_parse(line, &m))
			figure(line, &value);
	}
	ok(true, "a file of noise");
	mappings_close(&list);
	free(text);
}

/* ---- What of a mapping is in memory ---- */

/* What smaps says of the mapping that begins at an address. */
static uint64_t rss_of(uint64_t start)
{
	struct mappings list;
	uint64_t bytes = 0;
	bool here = false;
	struct mapping m;
	char *line;

	ok(mappings_open_figures(&list, 0), "smaps is read");
	while ((line = mappings_line(&list)) != NULL) {
		if (mapping_parse(line, &m))
			here = m.start == start;
		else if (here && mapping_figure(line, "Rss:", &bytes))
			break;
	}
	mappings_close(&list);
	return bytes;
}

#define PAGES	400u

/* Maps pages between two that nobody may touch, so that no neighbour is joined to them. */
static char *map(int flags, int fd, size_t page)
{
	char *low = mmap(NULL, (PAGES + 2) * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	low = mmap(low + page, PAGES * page, PROT_READ | PROT_WRITE, MAP_FIXED | flags, fd, 0);
	madvise(low, PAGES * page, MADV_NOHUGEPAGE);
	return low;
}

/* Every third page is written, and between them every fourth is read: more stretches than are asked for at once. */
static void touch(char *at, size_t page)
{
	for (unsigned i = 0; i < PAGES; i++) {
		if (i % 3 == 0)
			at[i * page] = 1;
		else if (i % 4 == 0)
			(void)*(volatile char *)&at[i * page];
	}
}

static void compare(char *at, bool of_file, const char *what)
{
	uint64_t start = (uintptr_t)at, bytes = 1, wanted = rss_of(start);
	struct pagemap p;
	bool counted;

	pagemap_open(&p, 0);
	ok(p.fd >= 0, "pagemap is open");
	counted = pagemap_count(&p, start, start + PAGES * p.page_bytes, of_file, &bytes);
	pagemap_close(&p);
	ok(!counted || bytes == wanted, what);
	if (!counted)
		printf("# the kernel cannot tell\n");
	else if (bytes != wanted)
		printf("# %llu instead of %llu\n", (unsigned long long)bytes, (unsigned long long)wanted);
}

static void test_counting(void)
{
	struct pagemap none = { .fd = -1 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t bytes;
	int fd = memfd_create("pages", 0);
	char *at;

	ok(!ftruncate(fd, (off_t)(PAGES * page)), "a file is made");
	at = map(MAP_PRIVATE | MAP_ANONYMOUS, -1, page);
	compare(at, false, "nothing is touched");
	touch(at, page);
	compare(at, false, "memory without a file, of which some pages have only been read");
	at = map(MAP_SHARED, fd, page);
	touch(at, page);
	compare(at, true, "shared memory");
	at = map(MAP_PRIVATE, fd, page);
	touch(at, page);
	compare(at, true, "a file, of which some pages are the process's own");
	ok(!pagemap_count(&none, 0, 4096, false, &bytes), "without pagemap only smaps can tell");
}

int main(void)
{
	test_counting();
	test_figures();
	test_lines();
	test_long();
	printf("1..%u\n", tests);
	return failures != 0;
}
