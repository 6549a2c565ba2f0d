/* SPDX-License-Identifier: GPL-2.0-only */
/* See control.h. */
#include "control.h"

#include "session.h"
#include "table/events.h"
#include "table/layout.h"

#include <errno.h>

#define BUSY_TRIES	1000		/* of 1 ms */
#define HOLD_TRIES	10		/* of 20 ms */

static uint32_t busy;			/* 1: a thread carries out a command */

static uint32_t samplings;		/* how often blocks have begun to be sampled */

/* The mode for recording, at the rate that is in force. */
static uint32_t recording_mode(void)
{
	if (!recorder.table.head->sample_bytes)
		return CONTROL_EXACT;
	return CONTROL_SAMPLED + samplings++ % (CONTROL_OFF - CONTROL_SAMPLED);
}

/* Sets the mode, and leaves the bit by which another process says, at any time, that it has left a command. */
static void replace_mode(uint32_t mode)
{
	struct table_header *h = recorder.table.head;
	uint32_t old = load_relaxed(&h->control.mode);

	while (!cas_acq_rel(&h->control.mode, &old, mode | (old & CONTROL_PENDING)))
		;
}

static void set_mode(uint32_t mode)
{
	if (mode == CONTROL_EXACT)
		free_filter_stop();
	replace_mode(mode);
}

/* Which rows' blocks are counted one by one (record.h). */
static void choose_paths(void)
{
	const struct table *t = &recorder.table;
	uint32_t first = ROW_OVERFLOW;

	if (t->head->sample_bytes)
		first = UINT32_MAX;
	else if (events_sampled(t) || t->head->figures_row > ROW_OVERFLOW)
		first = t->head->window_row;
	store_release(&recorder.first_plain, first);
	record_choose_paths(t->head->sample_bytes);
}

/* The figures begin anew: no row counts any more that there has been so far. */
static void clear(struct table_header *h)
{
	struct table_totals *totals = &h->totals;

	store_relaxed(&h->figures_row, h->window_row);
	store_relaxed(&totals->live_size, 0);
	store_relaxed(&totals->peak_size, 0);
	add_relaxed(&totals->epoch, 2);
	store_relaxed(&totals->unknown_frees, 0);
	store_relaxed(&totals->untracked_frees, 0);
	store_relaxed(&totals->stale_blocks, 0);
	store_relaxed(&totals->lost_blocks, 0);
	store_relaxed(&h->timeline.peak_size, 0);
	store_relaxed(&h->timeline.peak_ns, 0);
}

/*
 * Holds the other threads. False: the command is to be tried again, since a thread forks, or has not run for long and
 * so was not seen outside of its hook. After a few tries such a thread is taken for one that has left its hook by a
 * longjmp() and may never come back. threads_flush() leaves its slots alone: they are counted when the thread flushes
 * them, or ends.
 */
static bool hold_others(void)
{
	static unsigned failed;
	enum lifecycle_held held = lifecycle_hold_others();

	if (held == LIFECYCLE_HELD_ALL || (held == LIFECYCLE_HELD_SOME && ++failed == HOLD_TRIES)) {
		failed = 0;
		return true;
	}
	lifecycle_release_others();
	return false;
}

/* Begins a window. What other threads have under way is finished before, and their memories of stacks become void.
 * False: see hold_others(). */
static bool begin_window(enum event_kind kind, uint64_t sample_bytes)
{
	struct table_header *h = recorder.table.head;

	if (kind == EVENT_SAMPLE && events_count(&recorder.table) >= EVENTS_BEGIN_MOST)
		return true;	/* nobody would know the rate of the new rows */
	if (!hold_others())
		return false;
	threads_flush(&recorder.table, guard_self.thread);
	store_relaxed(&h->sample_bytes, sample_bytes);
	store_relaxed(&h->window_row, table_row_end(&recorder.table));
	if (kind == EVENT_CLEAR)
		clear(h);
	events_add(&recorder.table, kind, now_precise_ns(), h->window_row, NULL);
	choose_paths();
	capture_modules_changed();
	if (kind == EVENT_ON || control_mode(&h->control.mode) < CONTROL_OFF)
		set_mode(recording_mode());
	lifecycle_release_others();
	return true;
}

/* False: the command is to be tried again. */
static bool carry_out(enum control_command command, uint64_t value, const char *text)
{
	struct table_header *h = recorder.table.head;
	bool off = control_mode(&h->control.mode) >= CONTROL_OFF;

	switch (command) {
	case CONTROL_COMMAND_ON:
		return !off || begin_window(EVENT_ON, h->sample_bytes);
	case CONTROL_COMMAND_OFF:
		if (off && control_mode(&h->control.mode) != CONTROL_WAITING)
			break;
		set_mode(CONTROL_OFF);
		if (!off)
			events_add(&recorder.table, EVENT_OFF, now_precise_ns(), 0, NULL);
		break;
	case CONTROL_COMMAND_CLEAR:
		return begin_window(EVENT_CLEAR, h->sample_bytes);
	case CONTROL_COMMAND_SAMPLE:
		return value == h->sample_bytes || begin_window(EVENT_SAMPLE, value);
	case CONTROL_COMMAND_DUMP:
		session_request(SESSION_CONTROL);
		break;
	case CONTROL_COMMAND_MARK:
		events_add(&recorder.table, EVENT_MARK, now_precise_ns(), 0, text);
		break;
	case CONTROL_COMMAND_NONE:
		break;
	}
	return true;
}

int control_do(enum control_command command, uint64_t value, const char *text)
{
	uint32_t free = 0;

	if (command == CONTROL_COMMAND_SAMPLE && value > SAMPLE_BYTES_MOST)
		return EINVAL;
	for (unsigned tries = 0; tries < BUSY_TRIES; tries++) {
		bool done = false;

		if (cas_acq_rel(&busy, &free, 1)) {
			done = carry_out(command, value, text);
			store_release(&busy, 0);
		}
		if (done)
			return 0;
		guard_drop();	/* who is carrying out a command, or forks, may wait for this thread */
		threads_sleep(1000);
		guard_enter();
		free = 0;
	}
	return EBUSY;
}

/* Carries out the command that another process has left in the table, unless another thread is about to. */
static void obey(void)
{
	struct table_control *c = &recorder.table.head->control;
	uint32_t free = 0, asked;
	char text[EVENT_TEXT_BYTES];
	bool done = true;

	if (!cas_acq_rel(&busy, &free, 1))
		return;
	and_acq_rel(&c->mode, ~CONTROL_PENDING);
	asked = load_acquire(&c->asked);
	if (asked != load_relaxed(&c->done)) {
		for (unsigned i = 0; i < sizeof(text); i++)
			text[i] = c->text[i];
		text[sizeof(text) - 1] = '\0';
		if (c->command != CONTROL_COMMAND_SAMPLE || c->value <= SAMPLE_BYTES_MOST)
			done = carry_out((enum control_command)load_relaxed(&c->command), c->value, text);
		if (done)
			store_release(&c->done, asked);
		else
			or_acq_rel(&c->mode, CONTROL_PENDING);
	}
	store_release(&busy, 0);
}

#define WAITING_BYTES	4096u		/* so many bytes of allocations pass before the clock is read again */

/* The words for which the calling thread's sampler lets blocks pass that are not to be recorded. */
static void pass_until(uint32_t mode, size_t bytes)
{
	guard_self.sampler.mode = mode;
	sample_set_left(&guard_self.sampler, bytes);
}

static void seed(struct sampler *s)
{
	s->seed = now_precise_ns() * 0x9e3779b97f4a7c15u ^ (uintptr_t)s;
	s->seed |= !s->seed;
}

/* Whether chance takes this block. The distance of a new rate begins with it. */
static bool takes(struct sampler *s, uint32_t mode, size_t size)
{
	uint64_t sample_bytes = load_relaxed(&recorder.table.head->sample_bytes);

	if (unlikely(!sample_bytes))	/* another thread changes the mode just now */
		return false;
	if (s->mode != mode) {
		if (!s->seed)
			seed(s);
		sample_begin(s, sample_bytes);
		s->mode = mode;
	}
	return !sample_passes(s, size) && sample_takes(s, size, sample_bytes);
}

bool control_passes_free_slow(const void *p)
{
	return blocks_lack(&recorder.blocks, p) && !pools_have_backing(p);
}

bool control_records_slow(const void *p, const void *old, size_t size)
{
	struct table_header *h = recorder.table.head;
	uint32_t mode = load_relaxed(&h->control.mode);
	bool records = true;

	if (mode & CONTROL_PENDING) {
		obey();
		mode = control_mode(&h->control.mode);
	}
	if (mode == CONTROL_WAITING && now_ns() >= h->start_ns) {
		control_do(CONTROL_COMMAND_ON, 0, NULL);
		mode = control_mode(&h->control.mode);
	}
	if (mode >= CONTROL_OFF) {
		pass_until(mode, mode == CONTROL_WAITING ? WAITING_BYTES : SIZE_MAX);
		records = false;
	} else if (mode != CONTROL_EXACT) {
		records = takes(&guard_self.sampler, mode, size);
	}
	if (records) {
		free_filter_add(p);
		free_filter_remove(old);
	} else {
		guard_self.last_block = NULL;
	}
	return records;
}

void control_start(const struct options *o)
{
	struct table_header *h = recorder.table.head;

	h->sample_bytes = o->sample_bytes;
	if (o->start_after_ms) {
		h->start_ns = now_ns() + (uint64_t)o->start_after_ms * 1000000;
		replace_mode(CONTROL_WAITING);
	} else if (o->start == START_OFF) {
		replace_mode(CONTROL_OFF);
	} else {
		replace_mode(recording_mode());
		if (o->sample_bytes)
			events_add(&recorder.table, EVENT_SAMPLE, now_precise_ns(), ROW_FIRST, NULL);
	}
	if (control_mode(&h->control.mode) != CONTROL_EXACT)
		free_filter_start();
	store_release(&recorder.mode, &h->control.mode);
	choose_paths();
}

void control_forked(void)
{
	struct table_control *c = &recorder.table.head->control;

	store_relaxed(&busy, 0);
	guard_self.sampler = (struct sampler){ .seed = 0 };	/* other chances than the parent's */
	store_relaxed(&c->asked, c->done);
	store_relaxed(&c->mode, c->mode & ~CONTROL_PENDING);
}

void control_detached(void)
{
	events_add(&recorder.table, EVENT_DETACH, now_precise_ns(), 0, NULL);
}
