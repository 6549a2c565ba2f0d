/* SPDX-License-Identifier: GPL-2.0-only */
/* See verify.h. */
#include "verify.h"

#include "base/check.h"
#include "guard.h"
#include "own_stack.h"
#include "record.h"
#include "table/invariants.h"
#include "threads.h"

#include <errno.h>
#include <unistd.h>

#define TRIES		100	/* pauses of 2 ms: a thread that flushes its slots may be preempted for long */
#define COMPARE_EACH	61	/* recognized stacks; a prime, so that no loop of a program hides a call site */

static uint32_t running;
static uint32_t comparing;		/* 1: a thread uses the arrays of compare_with_walk() */
static uint32_t cut_off, nested_frees;
static uint32_t cut_off_below;		/* the pid of a process whose children have copied operations half done */

bool verify_is_running(void)
{
	return load_acquire(&running);
}

void verify_cut_off(void)
{
	store_relaxed(&cut_off, 1);
}

void verify_fork_copy(bool overtaken)
{
	if (overtaken)
		verify_cut_off();
}

void verify_nested_free(void)
{
	store_relaxed(&nested_frees, 1);
}

static void fail_if(const struct broken *broken)
{
	if (broken->sentence)
		check_failed_with(broken->file, broken->line, broken->sentence, broken->a, broken->b);
}

static bool sums_are_exact(void)
{
	const struct table_header *h = recorder.table.head;

	return !load_relaxed(&cut_off) && (!cut_off_below || cut_off_below == (uint32_t)getpid()) && h &&
	       !load_relaxed(&h->no_space) && recorder.blocks.regions;
}

/* Whether there has never been a second thread: then the first has used none of its slots. */
static bool had_one_thread(const struct table *t)
{
	for (unsigned i = 0; load_relaxed(&t->head->deltas_used) && i < DELTA_SLOTS; i++) {
		if (t->deltas[0].slots[i].row)
			return false;
	}
	return process_has_one_thread() && load_relaxed(&t->head->deltas_used) <= 1;
}

static void check_sums(void *unused)
{
	struct table *t = &recorder.table;
	bool one_thread = had_one_thread(t);
	struct broken broken;

	(void)unused;
	for (unsigned tries = 0; tries < TRIES; tries++) {
		broken = (struct broken){ .sentence = NULL };
		invariants_check_sums(t, &recorder.blocks, one_thread, !load_relaxed(&nested_frees), &broken);
		if (!broken.sentence || !sums_are_exact())
			return;
		threads_sleep(2000);
	}
	fail_if(&broken);
}

void verify_dump(bool was_outside)
{
	struct broken broken = { .sentence = NULL };
	int saved = errno;

	check(guard_seems_entered(), "a dump runs inside the guard");
	invariants_check_structure(&recorder.table, &broken);
	fail_if(&broken);
	if (was_outside && process_has_one_thread() && sums_are_exact())
		check_sums(NULL);
	errno = saved;
}

static void check_child(void *unused)
{
	struct broken broken = { .sentence = NULL };

	(void)unused;
	if (recorder.table.head)
		invariants_check_structure(&recorder.table, &broken);
	if (recorder.table.head && recorder.blocks.regions)
		invariants_check_blocks(&recorder.table, &recorder.blocks, &broken);
	fail_if(&broken);
	if (sums_are_exact())
		check_sums(NULL);
}

void verify_child(void)
{
	int saved = errno;

	store_relaxed(&comparing, 0);	/* another thread of the parent may have been comparing */
	own_stack_call(check_child, NULL);
	errno = saved;
}

void verify_fork(bool was_outside, bool all_wait)
{
	int saved = errno;

	check(guard_seems_entered(), "a fork is prepared inside the guard");
	store_release(&running, 1);
	if (was_outside && all_wait && sums_are_exact())
		own_stack_call(check_sums, NULL);
	if (!sums_are_exact())
		verify_cut_off();
	else if (!was_outside || !all_wait)
		cut_off_below = (uint32_t)getpid();
	store_release(&running, 0);
	errno = saved;
}

/* The arrays are static, because the program may have called malloc() at the end of its stack. A thread that finds them
 * in use does not compare. */
static void compare_with_walk(const struct capture_point *from, uint32_t row)
{
	static uint32_t codes[TABLE_FRAMES_MAX];
	static uintptr_t frames[TABLE_FRAMES_MAX];
	unsigned count, walked, notes = 0;

	if (exchange_acq_rel(&comparing, 1))
		return;
	count = table_frames(&recorder.table, row, codes);
	walked = capture_stack(from, frames, recorder.depth - 1u, &notes);
	check_equal(walked, count - 1, "a recognized stack has as many frames as a walk finds");
	for (unsigned i = 0; i < walked; i++)
		check_equal(frames[i], (uintptr_t)table_code_pc(&recorder.table, codes[i + 1]),
			    "a recognized stack has the frames that a walk finds");
	store_release(&comparing, 0);
}

void verify_recognized(const struct capture_point *from, uint32_t row)
{
	static uint32_t calls;

	check_below(row, table_row_end(&recorder.table), "a recognized row is in use");
	if (row != ROW_OVERFLOW && recorder.depth > 1 && add_relaxed(&calls, 1) % COMPARE_EACH == 0)
		compare_with_walk(from, row);
}
