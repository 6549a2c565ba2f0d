/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checks of `make CHECK=1` (base/check.h) can fail: each case below breaks an invariant on purpose, in a
 * process of its own, which has to print the sentence and to die by SIGABRT.
 *
 * Built with -DHEAPTRACE_CHECK, as the sources that are linked to this program are.
 */
#include "base/check.h"
#include "table/delta_change.h"
#include "table/index.h"
#include "table/invariants.h"
#include "table/layout.h"
#include "table/sizes.h"
#include "table/thread_list.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned tests;

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
	fflush(stdout);
}

/* Runs `break_it` in a child. want: what the child has to print in its one line, or NULL: it ends well. */
static void expect(void (*break_it)(void), const char *want, const char *name)
{
	char text[1024];
	size_t used = 0;
	ssize_t n;
	int ends[2], status = 0;
	pid_t pid;

	if (pipe(ends))
		exit(1);
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		break_it();
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	close(ends[0]);
	text[used] = '\0';
	waitpid(pid, &status, 0);
	if (want ? WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(text, want) &&
		   strchr(text, '\n') == text + used - 1 :
		   !status && !used) {
		ok(true, name);
		return;
	}
	ok(false, name);
	printf("# status %d, printed: %s\n", status, text);
}

static void plain_fails(void)
{
	check(tests > 1000, "there are many tests");
}

static void numbers_fail(void)
{
	check_at_most((int64_t)7, (int64_t)-5, "seven is small");
}

static void ignored_signal_fails(void)
{
	signal(SIGABRT, SIG_IGN);
	check_equal(1u, 2u, "one is two");
}

static void all_holds(void)
{
	check(true, "");
	check_equal(3, 3, "");
	check_below(-1, 1, "");
	check_costly(check_at_most(1, 1, ""));
}

/* ---- The invariants of a table, each broken in turn ---- */

enum { ROWS = 6, EACH = 5 };

static struct table t;
static struct blocks map;
static struct deltas *slots;
static uint32_t rows[ROWS];
static _Alignas(64) char memory[ROWS * EACH * 64];

/* A few rows with blocks, of which some are counted in slots, as a thread's are. */
static void make_table(bool with_slots)
{
	if (!table_create(&t) || (!map.regions && !blocks_create(&map, true)))
		exit(1);
	t.head->early = 1;
	sizes_start(&t, true);
	slots = with_slots ? deltas_take(&t, THREAD_MAIN) : NULL;
	for (uintptr_t i = 0; i < ROWS; i++) {
		struct suffix suffixes[3];

		rows[i] = table_intern(&t, (uintptr_t[]){ 16, 4096 + i, 32 }, 3, 0, suffixes, NULL);
		for (unsigned k = 0; k < EACH; k++) {
			uint32_t *slot = blocks_claim(&map, &memory[(i * EACH + k) * 64]);
			struct block stale[SLOTS_MOST], block = { .row = rows[i], .size_bytes = k ? 48 : 5000 };

			slot_put_slow(slot, block, stale);
			sizes_change(&t, rows[i], block.size_bytes, 5008, SIZES_CALL, 1, true);
			if (slots)
				delta_alloc(&t, slots, rows[i], block.size_bytes);
			else
				row_alloc(&t, rows[i], block.size_bytes);
		}
	}
}

/* The first invariant that is broken, or "". */
static const char *broken_one(void)
{
	struct broken broken = { .sentence = NULL };

	invariants_check_structure(&t, &broken);
	if (!broken.sentence)
		invariants_check_sums(&t, &map, !slots, !slots, &broken);
	return broken.sentence ? broken.sentence : "";
}

static void broken_is(const char *want)
{
	const char *got = broken_one();

	ok(!strcmp(got, want), want[0] ? want : "an unbroken table has no broken invariant");
	if (strcmp(got, want))
		printf("# got: %s\n", got);
}

/* Changes a number, and expects that the checks then report this sentence. */
#define BREAK(number, value, sentence) do {			\
	__typeof__(number) good = (number);			\
								\
	(number) = (__typeof__(number))(value);			\
	broken_is(sentence);					\
	(number) = good;					\
} while (0)

static uint32_t *index_slot(uint32_t *index, uint32_t id)
{
	while (index_id(*index) != id)
		index++;
	return index;
}

static void break_structure(void)
{
	uint32_t *slot = index_slot(t.row_index, rows[0]), *free_slot = index_slot(slot, 0);
	uint16_t *frames = &t.frames[t.infos[rows[1]].node];

	BREAK(*slot, *slot + 1000, "a number in the index is in use");
	BREAK(*free_slot, *slot, "a number is in the index once");
	BREAK(*slot, *slot ^ 1u << INDEX_ID_BITS, "a slot of the index has its item's tag");
	BREAK(*slot, 0, "each row is in the index");
	BREAK(t.infos[rows[0]].node, t.head->frames_used + 9, "a row's frames lie in the part that is used");
	/* Two codes and a link to the frames that the rows share. To the row itself it would make a cycle. */
	BREAK(frames[3], t.infos[rows[1]].node, "a link leads to an older run of frames");
	BREAK(frames[0], 500, "a frame is a code that is in use");
	BREAK(t.codes[1], 7, "a slot of the index has its item's tag");
	BREAK(t.codes[1], (uint64_t)900 << CODE_PC_BITS | table_code_pc(&t, 1), "a code's module is in the list");
	BREAK(t.mapped[layout_window_of(TABLE_ROWS)], 0, "what may be used of a part is mapped");
	BREAK(t.head->totals.epoch, t.head->totals.epoch + 1, "epochs are even");
}

static void break_sums(void)
{
	struct row *r = &t.rows[rows[2]];
	struct table_totals *totals = &t.head->totals;

	BREAK(r->live_count, r->live_count + 1, "a row has as many live blocks as the block map has of it");
	BREAK(r->live_size, r->live_size - 8, "a row has as many live bytes as the block map has of it");
	BREAK(r->total_count, r->live_count - 1, "each live block was allocated");
	BREAK(r->total_size, r->live_size - 1, "each live byte was allocated");
	BREAK(r->peak_count, r->live_count - 1, "a row's live blocks are at most their peak");
	BREAK(r->peak_size, r->live_size - 1, "a row's live bytes are at most their peak");
	BREAK(t.infos[rows[2]].temporary, r->total_count + 1, "each block that was temporary was allocated");
	BREAK(t.sizes[t.head->sizes_used - 1].live_count, 7, "a row's live blocks are in the counts by size");
	BREAK(t.sizes[t.head->sizes_used - 1].live_size, 7, "a row's live bytes are in the counts by size");
	BREAK(t.sizes[3].key, UINT32_MAX, "sizes are counted for a row in use");
	BREAK(totals->live_size, totals->live_size - 1, "the rows' live bytes add up to the heap's");
	BREAK(totals->peak_size, totals->live_size - 1, "the heap's size is at most its peak");
	BREAK(totals->peak_size, totals->peak_size + 1, "the rows' bytes at the heap's peak add up to it");
}

static void break_slots(void)
{
	struct delta *slot = &slots->slots[rows[3] % DELTA_SLOTS];

	BREAK(slot->row, rows[4], "a row has as many live blocks as the block map has of it");
	BREAK(slot->count_limit, 0, "a slot holds no more blocks than its limit");
	BREAK(slots->flushed_slot, 1, "outside the guard no slot is being flushed");
	BREAK(slots->heap_limit, -1, "a thread holds no more of the heap's size than its limit");
	BREAK(t.head->pending_frees[0], 3, "pending frees are those of the slots that are counted");
	BREAK(t.thread_sets[rows[3]], 7, "a thread in a set is in the list");
	BREAK(t.thread_sets[rows[3]], 0x10001, "a set names a thread once");
	BREAK(t.thread_sets[rows[3]], 0x10000, "a set has no gap");
	BREAK(slots->thread, 3, "the slots' thread is in the list");
}

static void test_table(void)
{
	make_table(false);
	broken_is("");
	break_structure();
	break_sums();
	broken_is("");
	table_unmap(&t);
	make_table(true);
	broken_is("");
	break_slots();
	broken_is("");
}

int main(void)
{
	expect(plain_fails, "[heaptrace] check failed: tests/units/check.c:", "a check that fails says where");
	expect(plain_fails, ": there are many tests\n", "...and what should be true");
	expect(numbers_fail, ": seven is small (7, -5)\n", "...and with which numbers");
	expect(ignored_signal_fails, ": one is two (1, 2)\n", "...though the program ignores SIGABRT");
	expect(all_holds, NULL, "checks that hold do nothing");
	test_table();
	printf("1..%u\n", tests);
	return 0;
}
