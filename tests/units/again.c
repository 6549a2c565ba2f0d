/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * load_again(): a table that is read again while the process fills it has the same rows, stacks and modules as one that is
 * read anew, wherever the parts had to grow; and a file that is damaged or replaced meanwhile ends nothing. With it
 * terminal_fit(), by which any text takes as many columns as it says, and none that a terminal obeys.
 */
#include "table/load.h"
#include "table/row.h"
#include "wrapper/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROWS	60000u	/* enough for each part to grow several times */
#define STEPS	12u

static unsigned tests;
static struct table t;

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
}

/* In place of the one in format/columns.c, which is not linked here. */
bool columns_have_utf8(void)
{
	return true;
}

static uint32_t intern(unsigned number)
{
	uintptr_t frames[5] = { 0x1000, 0x10000 + number * 8ul, 0x900000 + number % 977 * 16ul, 0x2000 + number % 7, 0x3000 };
	struct suffix suffixes[5];

	return table_intern(&t, frames, 5, 0, suffixes, NULL);
}

static int make_table(void)
{
	int fd = memfd_create("again", MFD_CLOEXEC);

	t = (struct table){ .head = NULL };
	return fd < 0 || table_create_in(&t, fd) ? -1 : fd;
}

/* Whether two tables have the same rows with the same figures, and stacks of the same addresses. */
static bool same(const struct table *a, const struct table *b)
{
	uint32_t codes[2][TABLE_FRAMES_MAX];

	if (table_row_end(a) != table_row_end(b))
		return false;
	for (uint32_t row = ROW_OVERFLOW; row < table_row_end(a); row++) {
		unsigned count = table_frames(a, row, codes[0]);

		if (memcmp(&a->rows[row], &b->rows[row], sizeof(*a->rows)) ||
		    memcmp(&a->infos[row], &b->infos[row], sizeof(*a->infos)) ||
		    count != table_frames(b, row, codes[1]) || (row >= ROW_FIRST && count != 5))
			return false;
		for (unsigned i = 0; i < count; i++) {
			if (table_code_pc(a, codes[0][i]) != table_code_pc(b, codes[1][i]))
				return false;
		}
	}
	return true;
}

static void test_growth(void)
{
	int fd = make_table();
	struct table again, anew;
	bool good = true, stays = true;
	const struct row *place;

	ok(fd >= 0, "a table in a memfd");
	for (unsigned i = 0; i < 10; i++)
		row_alloc(&t, intern(i), 100);
	ok(load_table(&again, fd, 0) == LOAD_OK, "it is read");
	place = again.rows;
	for (unsigned step = 1; step <= STEPS && good; step++) {
		for (unsigned i = ROWS * (step - 1) / STEPS; i < ROWS * step / STEPS; i++)
			row_alloc(&t, intern(i), i % 100 + 1);
		row_alloc(&t, intern(step), UINT64_C(3) << 30);		/* with upper parts */
		good = load_again(&again, fd, 0, step & 1) == LOAD_OK && load_table(&anew, fd, 0) == LOAD_OK;
		stays &= again.rows == place;
		if (!good)
			break;
		good = same(&again, &anew) && again.head->totals.live_size == anew.head->totals.live_size;
		load_release(&anew);
	}
	ok(good, "read again and again while it grows, it is as if read anew");
	ok(stays, "and stays where it is");
	load_release(&again);
	table_unmap(&t);
	close(fd);
}

static void test_damage(void)
{
	int fd = make_table(), other;
	struct table again;
	struct table_header h;
	bool survives = true;
	uint32_t seed = 1;

	for (unsigned i = 0; i < 3000; i++)
		row_alloc(&t, intern(i), 100);
	load_table(&again, fd, 0);
	pread(fd, &h, sizeof(h), 0);
	for (unsigned i = 0; i < 2000; i++) {		/* words of the header with other values */
		struct table_header bad = h;
		uint32_t *word = (uint32_t *)&bad + (seed = seed * 1103515245 + 12345) / 65536 % (offsetof(struct table_header, totals) / 4);

		*word = i % 3 ? seed : UINT32_MAX;
		if (pwrite(fd, &bad, sizeof(bad), 0) != sizeof(bad))
			break;
		load_again(&again, fd, 0, true);
		for (uint32_t row = 0; row < table_row_end(&again); row += 97) {
			uint32_t codes[TABLE_FRAMES_MAX];

			survives &= table_frames(&again, row, codes) <= TABLE_FRAMES_MAX;
		}
	}
	ok(survives, "a header that is damaged meanwhile does no harm");
	if (pwrite(fd, &h, sizeof(h), 0) != sizeof(h) || load_again(&again, fd, 0, true) != LOAD_OK)
		survives = false;
	ok(survives, "and is read when it is whole again");
	table_unmap(&t);
	other = make_table();
	ok(load_again(&again, other, 0, false) == LOAD_NO_TABLE, "another process's table is not taken for this one");
	ok(!ftruncate(other, 100) && load_again(&again, other, 0, false) != LOAD_OK, "nor is a file that has been cut off");
	load_release(&again);
	table_unmap(&t);
}

static void test_fit(void)
{
	static const struct {
		const char *text, *fits;
		unsigned columns, used;
	} cases[] = {
		{ "abc", "abc", 10, 3 }, { "abcdef", "abc", 3, 3 }, { "", "", 3, 0 }, { "abc", "", 0, 0 },
		{ "a\033[2Jb\n\t\177", "a?[2Jb???", 20, 9 }, { "\302\233" "0m", "?0m", 9, 3 }, { "\233" "0m", "?0m", 9, 3 },
		{ "\303\274ber", "\303\274ber", 9, 4 }, { "\377\376x", "??x", 9, 3 }, { "\303", "?", 9, 1 },
		{ "\346\274\242\345\255\227", "\346\274\242\345\255\227", 4, 4 }, { "\346\274\242\345\255\227", "\346\274\242", 3, 2 },
		{ "x\342\200\256y", "x?y", 9, 3 }, { "x\342\200\217y\342\201\246", "x?y?", 9, 4 }, { "a\314\201", "a?", 9, 2 },
	};
	char to[64];
	bool good = true;

	if (!terminal_set_locale()) {
		printf("ok %u - terminal_fit() # SKIP there is no locale with UTF-8\n", ++tests);
		return;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned used = terminal_fit(to, cases[i].text, cases[i].columns, true);

		if (used == cases[i].used && !strcmp(to, cases[i].fits))
			continue;
		printf("# case %zu: %u columns: %s\n", i, used, to);
		good = false;
	}
	ok(good, "terminal_fit(): columns, control characters, wide characters");
	ok(terminal_fit(to, "\303\274\346\274\242", 9, false) == 2 && !strcmp(to, "??"), "without UTF-8, ASCII only");
}

int main(void)
{
	setenv("LC_ALL", "C.UTF-8", 1);
	test_growth();
	test_damage();
	test_fit();
	printf("1..%u\n", tests);
	return 0;
}
