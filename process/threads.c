/* SPDX-License-Identifier: GPL-2.0-only */
/* See threads.h. */
#include "threads.h"

#include "base/arena.h"
#include "base/atomics.h"
#include "base/check.h"
#include "base/out.h"
#include "capture/capture.h"
#include "base/probe.h"
#include "capture/recall/recall.h"
#include "elf/lookup.h"
#include "guard.h"
#include "table/deltas.h"
#include "table/layout.h"
#include "table/thread_list.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define SPARES_MOST	8	/* states without an owner that keep what they know: to learn it again, and the page
				 * faults, would double the time that a short thread takes */

static struct thread *all;
static uint32_t spares;		/* such states */

static bool is_alive(const struct thread *t)
{
	int saved = errno;
	bool alive = !syscall(SYS_tgkill, getpid(), t->id, 0);

	errno = saved;
	return alive;
}

static bool is_leaving(const struct thread *t)
{
	return unlikely(load_relaxed(&t->leaving)) && is_alive(t);
}

/* spare: only one that keeps what it knows. */
static struct thread *find_free(bool spare)
{
	for (struct thread *t = load_acquire(&all); t; t = t->next) {
		uint32_t no = 0;

		if (load_relaxed(&t->taken) || load_relaxed(&t->spare) < spare || is_leaving(t) ||
		    !cas_acq_rel(&t->taken, &no, 1))
			continue;
		store_relaxed(&t->leaving, NULL);
		if (t->spare)
			sub_relaxed(&spares, 1);
		store_relaxed(&t->spare, 0);
		return t;
	}
	return NULL;
}

void threads_sleep(uint32_t microseconds)
{
	struct timespec time = { 0, (long)microseconds * 1000 };
	int saved = errno;

	nanosleep(&time, NULL);
	errno = saved;
}

uintptr_t threads_stack_top(void)
{
	/* The thread-local variables of the main thread do not lie beside its stack. */
	return threads_own_id() == (uint32_t)getpid() ? getauxval(AT_EXECFN) : (uintptr_t)&guard_self;
}

uint32_t threads_list(struct table *table)
{
	uint32_t id = threads_own_id();

	return id == (uint32_t)getpid() ? THREAD_MAIN : thread_list_add(table, id);
}

static uint32_t filtered;	/* 1: the kernel is not asked for names any more */

void threads_expect_filter(void)
{
	store_relaxed(&filtered, 1);
}

/* Another thread may name this one at any moment (threads_name_other()), and its note must not be replaced by an older
 * name. So the name is read again after it was noted. */
__attribute__((cold)) void threads_note_name(struct table *table, uint32_t number)
{
	char name[THREAD_NAME_BYTES] = "", noted[THREAD_NAME_BYTES] = "";

	if (load_relaxed(&filtered) || syscall(SYS_prctl, PR_GET_NAME, name, 0, 0, 0))
		return;
	while (memcmp(noted, name, sizeof(name))) {
		memcpy(noted, name, sizeof(name));
		thread_list_name(table, number, name);
		if (syscall(SYS_prctl, PR_GET_NAME, name, 0, 0, 0))
			return;
	}
}

void threads_name(struct table *table, uint32_t number, const char *name)
{
	char noted[THREAD_NAME_BYTES] = "";

	for (unsigned i = 0; i < sizeof(noted) - 1 && name[i]; i++)
		noted[i] = name[i];
	thread_list_name(table, number, noted);
}

void threads_name_other(struct table *table, pthread_t thread, const char *name)
{
	for (const struct thread *t = load_acquire(&all); t; t = t->next) {
		if (load_acquire(&t->inside) && pthread_equal(load_relaxed(&t->self), thread))
			threads_name(table, load_relaxed(&t->number), name);
	}
}

__attribute__((cold)) struct thread *threads_take(struct table *table, unsigned depth, uint32_t number)
{
	struct thread *t = find_free(true);

	if (!t)
		t = find_free(false);
	if (!t) {
		t = arena_map(sizeof(*t));
		if (!t)
			return NULL;
		t->taken = 1;
		t->next = load_relaxed(&all);
		while (!cas_acq_rel(&all, &t->next, t))
			;
	}
	if (t->deltas && !deltas_take_over(table, t->deltas, number))
		t->deltas = NULL;
	if (!t->deltas)
		t->deltas = deltas_take(table, number);
	store_relaxed(&t->self, pthread_self());
	store_relaxed(&t->id, threads_own_id());
	store_relaxed(&t->number, number);
	if (!t->recall && depth > 1)
		t->recall = capture_recall(!t->next, depth - 1);
	if (t->recall)
		recall_begin(t->recall, threads_stack_top());
	check(t->taken, "a state that a thread uses is taken");
	check(!t->inside, "a state has one owner");
	check(guard_seems_entered(), "a thread takes its state inside the guard");
	store_release(&t->inside, &guard_self.inside);
	return t;
}

/* Decides whether a state whose owner ends keeps what it knows. */
static void keep_or_empty(struct thread *t)
{
	if (add_relaxed(&spares, 1) < SPARES_MOST) {
		store_relaxed(&t->spare, 1);
		return;
	}
	sub_relaxed(&spares, 1);
	recall_release(t->recall);
}

void threads_give_back(struct table *table, struct thread *t)
{
	check(t->taken && t->inside == &guard_self.inside, "a thread gives back its own state");
	if (t->deltas)
		deltas_flush(table, t->deltas);
	if (t->recall)
		keep_or_empty(t);
	if (lookup_is_late())
		store_relaxed(&t->leaving, t->inside);
	store_relaxed(&t->inside, NULL);
	store_release(&t->taken, 0);
}

/* Whether a thread is inside the guard. It may end meanwhile. Then the kernel may have unmapped `inside`. */
static bool is_inside(const struct thread *t)
{
	const unsigned *inside = load_acquire(&t->inside);

	if (!inside && is_leaving(t))
		inside = load_relaxed(&t->leaving);
	return inside && probe_is_set(inside);
}

__attribute__((cold)) bool threads_wait_outside(const struct thread *own)
{
	unsigned tries = 0;

	for (const struct thread *t = load_acquire(&all); t; t = t->next) {
		while (t != own && is_inside(t)) {
			if (++tries > 300)
				return false;
			if (tries < 100)
				sched_yield();
			else
				threads_sleep(100);
		}
	}
	return true;
}

__attribute__((cold)) void threads_flush(struct table *table, const struct thread *own)
{
	for (const struct thread *t = load_acquire(&all); t; t = t->next) {
		if (t->deltas && (t == own || !is_inside(t)))
			deltas_flush(table, t->deltas);
	}
}

void threads_leave_table(void)
{
	for (struct thread *t = load_acquire(&all); t; t = t->next)
		t->deltas = NULL;
}

/* Notes the name of another thread. */
static void note_name_of(struct table *table, const struct thread *t)
{
	char path[48], name[THREAD_NAME_BYTES + 1];
	struct out out = out_memory(path, sizeof(path));
	ssize_t n;
	int fd;

	out_text(&out, "/proc/self/task/");
	out_u64(&out, t->id);
	out_text(&out, "/comm");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, name, sizeof(name) - 1);
	close(fd);
	if (n <= 0)
		return;
	name[n] = '\0';
	name[strcspn(name, "\n")] = '\0';
	threads_name(table, t->number, name);
}

__attribute__((cold)) void threads_join_table(struct table *table, unsigned depth)
{
	uint32_t pid = (uint32_t)getpid();

	for (struct thread *t = load_acquire(&all); t; t = t->next) {
		if (t->recall)
			recall_limit(t->recall, depth > 1 ? depth - 1 : 1);
		/* A thread may have ended without giving its state back, by a bare system call. */
		if (!load_acquire(&t->inside) || !is_alive(t))
			continue;
		t->number = t->id == pid ? THREAD_MAIN : thread_list_add(table, t->id);
		t->deltas = deltas_take(table, t->number);
		if (t->number)
			note_name_of(table, t);
	}
}

void threads_cut_short(struct thread *t)
{
	if (t->recall)
		recall_forget(t->recall);
	if (t->deltas)
		store_relaxed(&t->deltas->flushing, 0);
}

__attribute__((cold)) void threads_forked(struct table *table, struct thread *own, uint32_t number)
{
	deltas_forked(table, own ? own->deltas : NULL);
	thread_list_forked(table, number);
	/* Without a list the main thread has the name that the header has. */
	if (layout_count(table->head, TABLE_THREADS))
		threads_note_name(table, THREAD_MAIN);
	if (own) {
		own->number = THREAD_MAIN;
		own->id = threads_own_id();
	}
	spares = 0;
	if (own && own->deltas)
		own->deltas->thread = THREAD_MAIN;
	for (struct thread *t = all; t; t = t->next) {
		if (t == own)
			continue;
		t->deltas = NULL;
		store_relaxed(&t->inside, NULL);
		store_relaxed(&t->leaving, NULL);
		if (t->recall)
			recall_forget(t->recall);
		/* Pages that are shared with the parent are not given back. */
		t->spare = t->recall != NULL;
		spares += t->spare;
		store_relaxed(&t->taken, 0);
	}
}
