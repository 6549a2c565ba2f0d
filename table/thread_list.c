/* SPDX-License-Identifier: GPL-2.0-only */
/* See thread_list.h. */
#include "thread_list.h"

#include "base/check.h"
#include "layout.h"

#include <string.h>

uint64_t thread_set_add(uint64_t set, uint32_t number)
{
	uint64_t code = number + 1;

	if (thread_set_has(set, number))
		return set;
	for (unsigned n = 0; n < THREAD_SET_NAMES && code != THREAD_SET_MANY; n++) {
		if (!thread_set_field(set, n))
			return set | code << n * THREAD_SET_BITS;
	}
	return set | (uint64_t)THREAD_SET_MANY << (THREAD_SET_NAMES - 1) * THREAD_SET_BITS;
}

uint64_t thread_set_join(uint64_t set, uint64_t other)
{
	for (unsigned n = 0; n < THREAD_SET_NAMES; n++) {
		if (thread_set_field(other, n))
			set = thread_set_add(set, thread_set_field(other, n) - 1);
	}
	return set;
}

/* ---- The list ---- */

uint32_t thread_list_add(struct table *t, uint32_t id)
{
	struct table_header *h = t->head;
	uint32_t number = load_relaxed(&h->threads_used);

	/* Checked first so that the counter cannot creep up to a wrap. */
	if (number >= THREADS_MOST)
		return THREAD_UNLISTED;
	if (number >= load_acquire(&h->thread_limit) && !layout_grow(t, TABLE_THREADS))
		return THREAD_UNLISTED;
	number = add_relaxed(&h->threads_used, 1);
	while (number >= load_acquire(&h->thread_limit)) {
		if (!layout_grow(t, TABLE_THREADS))
			return THREAD_UNLISTED;
	}
	store_relaxed(&t->threads[number].id, id);
	return number;
}

void thread_list_name(struct table *t, uint32_t number, const char *name)
{
	struct listed_thread named;

	/* The main thread's place is there when it is needed first. */
	if (number == THREAD_UNLISTED || (!load_acquire(&t->head->thread_limit) && !layout_grow(t, TABLE_THREADS)))
		return;
	check_below(number, layout_count(t->head, TABLE_THREADS), "a thread that gets a name is listed");
	memcpy(named.name, name, sizeof(named.name));
	for (unsigned i = 0; i < sizeof(named.name_words) / sizeof(*named.name_words); i++)
		store_relaxed(&t->threads[number].name_words[i], named.name_words[i]);
}

void thread_list_forked(struct table *t, uint32_t number)
{
	if (number && number < layout_count(t->head, TABLE_THREADS))
		store_relaxed(&t->threads[number].id, t->head->pid);
}

bool thread_list_get(const struct table *t, uint32_t number, struct listed_thread *thread)
{
	uint32_t count = layout_count(t->head, TABLE_THREADS);

	*thread = (struct listed_thread){ .id = 0 };
	if (number < count && t->threads[number].id == t->head->pid)
		number = THREAD_MAIN;
	if (number < count)
		*thread = t->threads[number];
	thread->name[THREAD_NAME_BYTES - 1] = '\0';
	return number < count || number == THREAD_MAIN;
}

/* ---- The sets ---- */

void thread_list_note_slow(struct table *t, uint32_t row, uint32_t number)
{
	struct table_header *h = t->head;
	uint64_t *set, old, now;

	while (unlikely(row >= load_acquire(&h->set_limit))) {
		if (!layout_grow(t, TABLE_SETS)) {
			store_relaxed(&h->sets_full, 1);
			return;
		}
	}
	set = &t->thread_sets[row];
	old = load_acquire(set);
	do {
		now = old;
		/* If the calls are those of a thread that has just noted itself, the set is not empty any more, and the
		 * exchange fails. */
		if (unlikely(!old) && table_was_called(t, row)) {
			acquire_fence();
			now = thread_set_add(now, THREAD_MAIN);
		}
		now = thread_set_add(now, number);
		if (likely(now == old))
			return;
	} while (!cas_acq_rel(set, &old, now));
	release_fence();	/* who sees the call sees the note */
}

uint64_t thread_list_of_row(const struct table *t, uint32_t row, bool called)
{
	uint64_t set = 0;

	acquire_fence();
	if (row < layout_count(t->head, TABLE_SETS))
		set = load_relaxed(&t->thread_sets[row]);
	else if (load_relaxed(&t->head->sets_full))
		set = thread_set_add(0, THREAD_UNLISTED);
	return set || !called ? set : thread_set_add(0, THREAD_MAIN);
}
