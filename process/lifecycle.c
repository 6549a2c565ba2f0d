/* SPDX-License-Identifier: GPL-2.0-only */
/* See lifecycle.h. */
#include "lifecycle.h"

#include "base/check.h"
#include "base/reserve.h"
#include "base/uninterrupted.h"
#include "capture/capture.h"
#include "control.h"
#include "elf/loaded.h"
#include "elf/lookup.h"
#include "fatal_signal.h"
#include "guard.h"
#include "inherit.h"
#include "own_stack.h"
#include "pages.h"
#include "pools.h"
#include "record.h"
#include "session.h"
#include "signals.h"
#include "storage.h"
#include "table/layout.h"
#include "table/modules.h"
#include "threads.h"
#include "verify.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libc's own function. at_quick_exit() would add the handle of this library: see lifecycle_start(). */
extern int __cxa_at_quick_exit(void (*fn)(void *), void *dso);

/* Its own page, or several, wherever the kernel's pages are not larger than LIFECYCLE_PAGE_BYTES. */
union lifecycle_page lifecycle __attribute__((aligned(LIFECYCLE_PAGE_BYTES)));

static bool page_is_cleared;		/* in a child: the kernel can do that */
static bool traced;			/* lifecycle_start() has been called, and --children=no excludes nobody */
static const struct options *options;	/* NULL until lifecycle_start() */
static void (*reset_hooks)(void);
static uint32_t asleep;			/* 1: see lifecycle_sleep() */
static uint32_t ending;			/* the id of the thread that ends the process, or 0 */
static uint32_t ended;			/* the list of ends has been walked */

bool lifecycle_begin(bool tracing)
{
	store_relaxed(&lifecycle.state, tracing ? LIFECYCLE_TRACING : LIFECYCLE_OFF);
	if (!tracing)
		return true;
	store_relaxed(&lifecycle.pid, (uint32_t)getpid());
	page_is_cleared = !madvise(&lifecycle, sizeof(lifecycle), MADV_WIPEONFORK);
	if (recorder.table.shared || lookup_is_late())	/* for stop_recording() and lifecycle_sleep() */
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	return page_is_cleared;
}

void lifecycle_suspend(void)
{
	store_relaxed(&lifecycle.state, LIFECYCLE_OFF);
}

void lifecycle_resume(void)
{
	store_relaxed(&lifecycle.state, LIFECYCLE_TRACING);
}

bool lifecycle_follows_children(void)
{
	/* What a process starts that was attached to gets no preload: the library may be nowhere that it can be reached. */
	return traced && options->children && !lookup_is_late();
}

/* ---- Part "recording": the other threads' hooks wait while a thread forks ---- */

#define FORK_TRIES	200		/* of 100 us */
#define HELD_TRIES	10000		/* the same, by a thread that lifecycle_hold_others() holds */
static uint32_t held;			/* 1: lifecycle_hold_others() holds the other threads */
static uint32_t forks;			/* how many threads fork, or hold the others */
static __thread bool fork_stopped;	/* this thread forks, and has stopped the others */
static uint32_t overtaken;		/* 1: during the forks under way some thread was not waited for, or went on */

void lifecycle_wait_for_fork(void)
{
	int saved = errno;

	for (unsigned tries = 0; load_acquire(&lifecycle.state) == LIFECYCLE_FORKING &&
	     (tries < (load_acquire(&held) ? HELD_TRIES : FORK_TRIES) || (CHECKING && verify_is_running())); tries++) {
		if (tries < 10)
			sched_yield();
		else
			threads_sleep(100);
	}
	if (load_acquire(&lifecycle.state) == LIFECYCLE_FORKING)
		store_release(&overtaken, 1);
	errno = saved;
}

/* After the barrier, this thread either sees another one inside its hook, and waits for it, or the other one sees that
 * it has to wait. False: some thread was never seen outside. */
static bool stop_others(void)
{
	bool ordered;

	if (!add_relaxed(&forks, 1))
		store_relaxed(&overtaken, 0);
	store_release(&lifecycle.state, LIFECYCLE_FORKING);
	ordered = !syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	fork_stopped = true;
	if (!ordered && load_relaxed(&held)) {
		threads_sleep(BARRIER_SLEEP_US);
		ordered = true;
	}
	return threads_wait_outside(guard_self.thread) && ordered;
}

static void stop_recording(void)
{
	bool outside = guard_self.inside == 1 && !guard_self.busy;	/* 1: guard_fork_prepare()'s */
	bool all_wait = process_has_one_thread();

	if (recorder.table.shared && !all_wait) {
		all_wait = stop_others();
		if (!all_wait)
			store_release(&overtaken, 1);
	}
	check_costly(verify_fork(outside, all_wait));
}

static void go_on_recording(void)
{
	if (fork_stopped && sub_relaxed(&forks, 1) == 1) {
		store_release(&lifecycle.state, LIFECYCLE_TRACING);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (load_relaxed(&forks))	/* a thread that has just begun to fork finds the others recording again */
			store_relaxed(&overtaken, 1);
	}
	fork_stopped = false;
}

enum lifecycle_held lifecycle_hold_others(void)
{
	if (process_has_one_thread())
		return LIFECYCLE_HELD_ALL;
	if (load_relaxed(&forks))	/* the thread that forks waits for this one */
		return LIFECYCLE_HELD_NONE;
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	store_release(&held, 1);
	return stop_others() ? LIFECYCLE_HELD_ALL : LIFECYCLE_HELD_SOME;
}

void lifecycle_release_others(void)
{
	store_relaxed(&held, 0);
	go_on_recording();
}

static void recording_forked(bool seen)
{
	control_forked();
	(void)seen;
	forks = overtaken = held = 0;
	fork_stopped = false;
	store_relaxed(&lifecycle.state,
		      options && !options->children ? LIFECYCLE_OFF : LIFECYCLE_TRACING);
}

/* ---- The other parts, as the list has them ---- */

/*
 * A thread may fork inside its own fork: a signal handler may call fork(), and so may another library's handler
 * of forks. The outer fork's preparations then serve the inner one, too, but for the copy of the table, of which
 * there is one.
 */
static __thread uint16_t fork_depth;	/* how many forks this thread is in */
static __thread bool prepared;		/* the list has been walked for the outermost of them */
static bool nested;			/* in a child: its fork was inside another one of the same thread */

static void storage_part_forked(bool seen)
{
	if (nested)
		storage_fork_parent();
	check_costly(verify_fork_copy(load_acquire(&overtaken)));
	storage_fork_child(seen && !nested, load_acquire(&overtaken));
}

/* A child that no handler saw may be in the middle of making a mapping longer itself: its thread may
 * have been interrupted there by the signal handler that forked. */
static void mappings_forked(bool seen)
{
	if (!seen)
		return;
	layout_forked(&recorder.table);
	blocks_forked(&recorder.blocks);
	pools_forked();
}

/* A child that no handler saw may be running on the reserve. */
static void reserve_part_forked(bool seen)
{
	if (seen)
		reserve_forked();
}

static void threads_part_forked(bool seen)
{
	if (seen)
		lifecycle_threads_forked();
	threads_forked(&recorder.table, guard_self.thread, threads_own_number());
	guard_self.number = 0;
	/* Some C library may say in the child that there has been one thread only. But then no row would get the main
	 * thread into its set, where others of the parent are. */
	if (layout_count(recorder.table.head, TABLE_THREADS))
		recorder.one_thread = "";
}

static void pages_part_forked(bool seen)
{
	(void)seen;
	pages_forked();
}

static void modules_part_forked(bool seen)
{
	(void)seen;
	loaded_forked();
	modules_forked(&recorder.table);
}

static void hooks_part_forked(bool seen)
{
	if (seen && reset_hooks)
		reset_hooks();
}

static void session_part_forked(bool seen)
{
	if (seen)
		guard_forget_requests();
	fatal_signal_forked();
	if (options)
		session_forked(!seen);
}

static void signals_part_forked(bool seen)
{
	if (options && !options->children)
		signals_stop();
	else
		signals_forked();
	if (seen)
		signals_fork_ends();
}

/* ---- A fork ---- */

static const struct part {
	void (*prepare)(void);
	void (*parent)(void);
	void (*child)(bool seen);	/* seen: the handlers ran, prepare() with them */
} parts[] = {
	{ guard_fork_prepare, guard_fork_ends, guard_forked },
	{ signals_fork_prepare, signals_fork_ends, signals_part_forked },
	{ NULL, NULL, session_part_forked },
	{ NULL, NULL, hooks_part_forked },
	{ NULL, NULL, modules_part_forked },
	{ NULL, NULL, threads_part_forked },
	{ NULL, NULL, pages_part_forked },
	{ NULL, NULL, reserve_part_forked },
	{ stop_recording, go_on_recording, recording_forked },
	{ storage_fork_prepare, storage_fork_parent, storage_part_forked },
	{ NULL, NULL, mappings_forked },
};
#define PARTS	(sizeof(parts) / sizeof(parts[0]))

static void before_fork(void)
{
	if (fork_depth++)
		return;
	for (unsigned i = 0; i < PARTS; i++) {
		if (parts[i].prepare)
			parts[i].prepare();
		/* Once the guard is entered, nobody lets this process fall asleep, or wakes it, before the fork is over. */
		if (!i && load_acquire(&asleep)) {
			guard_fork_ends();
			fork_depth = 0;
			return;
		}
	}
	prepared = true;
}

static void after_fork_in_parent(void)
{
	if (!fork_depth || --fork_depth)
		return;
	prepared = false;
	for (unsigned i = PARTS; i-- > 0; ) {
		if (parts[i].parent)
			parts[i].parent();
	}
}

static void become_process(bool seen)
{
	nested = seen && fork_depth > 1;
	if (seen) {
		fork_depth = 0;
		prepared = false;
	}
	if (!seen || nested)
		check_costly(verify_cut_off());
	/* Before the walk, so that a signal's handler does not come here again. */
	store_relaxed(&lifecycle.pid, (uint32_t)getpid());
	if (options && !options->children)
		traced = false;
	store_relaxed(&ending, 0);
	store_relaxed(&ended, 0);
	for (unsigned i = PARTS; i-- > 0; ) {
		if (parts[i].child)
			parts[i].child(seen);
	}
	if (seen)
		check_costly(verify_child());
}

/*
 * In a child after fork, the handlers run in the order in which they were registered. If a handler that was
 * registered before ours allocates, sets a signal's action or calls exec, it comes to lifecycle_adopt_child()
 * first, and then nothing is left to do here.
 */
static void after_fork_in_child(void)
{
	if (prepared)
		become_process(true);
	else if (fork_depth)
		fork_depth--;
}

bool lifecycle_adopt_child(void)
{
	become_process(prepared);
	return lifecycle_is_tracing();
}

bool lifecycle_is_own_process(void)
{
	uint32_t pid = load_relaxed(&lifecycle.pid);

	if (!traced)
		return false;
	if (pid)
		return pid == (uint32_t)getpid();
	if (load_relaxed(&asleep))
		return false;
	guard_enter();
	lifecycle_adopt_child();
	guard_drop();
	return traced;
}

bool lifecycle_is_vfork_child(void)
{
	uint32_t pid = load_relaxed(&lifecycle.pid);

	return traced && page_is_cleared && pid && pid != (uint32_t)getpid();
}

/* ---- The end of the process ---- */

#define END_WAIT_TRIES	1000		/* of 10 ms */

/* What is done at the end, in order, by one thread, with signals held back. */
struct end_state {
	bool heap_sound;	/* the allocator may be asked */
	bool detaches;		/* the process goes on */
	bool dumped;		/* the final dump is out */
};

static void dump(struct end_state *s)
{
	s->dumped = session_final(s->heap_sound, s->detaches);
}

static void note_in_table(struct end_state *s)
{
	storage_note_end(s->dumped);
}

static const struct end {
	const char *name;
	void (*run)(struct end_state *s);
} ends[] = {
	{ "final dump", dump },
	{ "note in the table", note_in_table },
};

bool lifecycle_is_ending(void)
{
	return load_acquire(&ending) != 0;
}

/* Another thread ends the process, which must not vanish before the dump is out. */
static void wait_for_end(uint32_t other)
{
	if (other == threads_own_id())
		return;
	for (int tries = 0; tries < END_WAIT_TRIES && !load_acquire(&ended); tries++)
		threads_sleep(10000);
}

struct end_call {
	bool heap_sound;
	unsigned blocked;	/* signals_blocked_dumps() */
	bool detaches;
};

static void end_process(void *end_call)
{
	const struct end_call *call = end_call;
	bool outside = !guard_is_held();
	struct uninterrupted span;
	struct end_state state = { call->heap_sound && outside, call->detaches, false };
	uint32_t nobody = 0;

	lifecycle_visit();
	if (!lifecycle_is_own_process()) {
		lifecycle_leave();
		return;
	}
	if (!lifecycle_is_ending() && !fatal_signal_came())
		signals_warn_of_blocked(call->blocked);
	guard_enter();
	uninterrupted_begin(&span);
	if (!cas_acq_rel(&ending, &nobody, threads_own_id())) {
		wait_for_end(nobody);
	} else {
		check_costly(verify_dump(outside));
		for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			ends[i].run(&state);
		store_release(&ended, 1);
	}
	guard_drop();		/* before a signal that was held back comes: it does not have to wait */
	lifecycle_leave();
	uninterrupted_end(&span);
}

void lifecycle_end(bool heap_sound)
{
	struct end_call call = { heap_sound, signals_blocked_dumps(), false };

	own_stack_call(end_process, &call);
}

int lifecycle_end_with(int status)
{
	lifecycle_end(true);
	return lifecycle_is_own_process() ? session_exit_status(status) : status;
}

/*
 * An exit handler that ends the process with another status calls exit() again. POSIX leaves that undefined; glibc goes
 * on with the handlers that are left, writes out stdio's buffers, and takes the new status (stdlib/exit.c). The program
 * may have a function of that name, which does something else.
 */
static __typeof__(exit) *real_exit;

static void at_exit(int status, void *unused)
{
	int changed = lifecycle_end_with(status);

	(void)unused;
	if (changed != status && real_exit)
		real_exit(changed);
}

/* quick_exit() does not tell its handlers the status, so that it stays. */
static void at_quick_end(void *unused)
{
	(void)unused;
	lifecycle_end(true);
}

/* ---- The start ---- */

/*
 * Exit handlers run in reverse order. The loader's handler, which runs all destructors, is registered
 * when constructors like ours are through. So ours runs after it, when the libraries have freed what
 * they free. (With the handle of this library it would run together with our own destructors.)
 */
void lifecycle_start(const struct options *o, void (*hooks_forked)(void))
{
	static bool registered;

	options = o;
	reset_hooks = hooks_forked;
	if (!registered) {
		registered = true;
		lookup_next("exit", 1, &real_exit);
		if (!lookup_is_late())
			on_exit(at_exit, NULL);
		__cxa_at_quick_exit(at_quick_end, NULL);
		pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
	}
	traced = true;
}

/*
 * An exit handler that is registered when the program runs already would be called before those of the program and
 * before all destructors. The loader calls those of libraries in the order in which they depend on each other, and of
 * two that do not, first that of the one which was loaded first: so this destructor comes late.
 */
__attribute__((destructor)) static void at_unload(void)
{
	if (lookup_is_late())
		lifecycle_end(true);
}

/* ---- Attach and detach ---- */

bool lifecycle_is_asleep(void)
{
	return load_acquire(&asleep);
}

/* A thread that was forking, or beginning a window of the recording, sets the state when it is through. So the state is
 * set again when all have been seen outside. */
bool lifecycle_sleep(void)
{
	bool outside = true;

	store_release(&asleep, 1);
	for (unsigned times = 0; times < 2; times++) {
		store_release(&lifecycle.state, LIFECYCLE_OFF);
		outside = lifecycle_settle();
	}
	return outside;
}

bool lifecycle_wake(const struct options *o, void (*hooks_forked)(void))
{
	bool cleared;

	store_relaxed(&ending, 0);
	store_relaxed(&ended, 0);
	lifecycle_watch_threads();
	lifecycle_start(o, hooks_forked);
	cleared = lifecycle_begin(true);
	store_release(&asleep, 0);
	return cleared;
}

bool lifecycle_detach(void)
{
	struct end_call call = { true, 0, true };

	own_stack_call(end_process, &call);
	traced = false;
	return lifecycle_settle();
}
