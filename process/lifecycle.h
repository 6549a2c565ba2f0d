/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of the process: whether it is traced, whose memory it runs in, what happens around a
 * fork, at its end, and at the end of one of its threads.
 *
 * A fork
 *
 * lifecycle.c has one ordered list of parts, each with up to three functions. The list is walked as
 * pthread_atfork(3) walks its own: downward before the fork, upward afterwards, in the parent and in
 * the child: when a part's function runs afterwards, the parts above it in the list are still prepared.
 *
 *	part		before			in the parent	in the child
 *	guard		dumps wait		dumps go on	dumps go on
 *	signals		held back		let through	let through
 *	session						no dump is under way or asked for
 *	hooks						what the hooks have under way is reset
 *	modules						nobody is reading the list of modules
 *	threads						only this thread is left
 *	pages						nobody is changing the list of mappings
 *	reserve						is free again
 *	recording	other threads wait	go on		goes on, or ends with --children=no
 *	storage		copies the table	drops the copy	puts the copy in the table's place
 *	mappings					can grow, whoever was about to make them longer
 *
 * So the table is copied when nobody writes to it, and the child's parts find the child's own table. A thread
 * that has waited for 20 ms goes on nevertheless, as the fork may need what the thread holds. Then the child completes
 * the copy (table_copy_complete()).
 *
 * A child that no handler saw
 *
 * clone(2), _Fork(3) and a fork by a bare system call run no handlers. Such a child is known by a page
 * that the kernel clears in it (MADV_WIPEONFORK, Linux 4.14). The page also tells it from a vfork child,
 * which shares its parent's memory. When such a child first allocates, starts a program or takes a dump, the
 * same list is walked for it, with seen == false.
 *
 * In a child after fork, handlers of other libraries that were registered before ours run first. When one of
 * them allocates or calls exec, the list is walked at that moment, with seen == true, and not once more.
 *
 * The end
 *
 * One thread ends the process. It first warns of dump signals that came and are blocked, while dumps can
 * still be taken. Then it walks the list of ends: the final dump, and the note in the table that the dump is
 * out. Other threads that end the process meanwhile wait for it.
 */
#ifndef PROCESS_LIFECYCLE_H
#define PROCESS_LIFECYCLE_H

#include "base/atomics.h"
#include "options/options.h"

#include <stdbool.h>
#include <stdint.h>

enum lifecycle_state {
	LIFECYCLE_IDLE,		/* not started yet, or a child that no fork handler saw */
	LIFECYCLE_OFF,		/* nothing is recorded */
	LIFECYCLE_TRACING,
	LIFECYCLE_FORKING,	/* tracing, but threads wait before they record: another one forks */
};

/* The size of the largest page that the kernel may use on this machine. */
#if defined(__x86_64__) || defined(__i386__)
#define LIFECYCLE_PAGE_BYTES	4096
#else
#define LIFECYCLE_PAGE_BYTES	65536
#endif

/* The page that is cleared in a child. lifecycle.c owns it; hooks read the state. */
union lifecycle_page {
	struct {
		enum lifecycle_state state;
		uint32_t pid;		/* of the process that has this memory; 0: as LIFECYCLE_IDLE */
	};
	char bytes[LIFECYCLE_PAGE_BYTES];
};
extern union lifecycle_page lifecycle HIDDEN;

static inline bool lifecycle_is_tracing(void)
{
	return load_relaxed(&lifecycle.state) >= LIFECYCLE_TRACING;
}

/*
 * At the first allocation, when the table has been made or could not be: this process records, or
 * never will. False: the kernel does not clear the page in a child, so a child that no fork handler
 * sees would go on in its parent's memory.
 */
bool lifecycle_begin(bool tracing);

/*
 * At the start, by the only thread, inside the guard, when dumps can be taken: registers the handlers
 * of forks, of the process's end and of threads' ends. options: kept. hooks_forked: what a child
 * after fork resets in hooks/.
 */
void lifecycle_start(const struct options *options, void (*hooks_forked)(void));

/*
 * Whether this process has memory of its own and is traced: false in a vfork child, before
 * lifecycle_start(), in a child that --children=no leaves untraced and in a process that sleeps. A child that no fork
 * handler saw becomes a process of its own here. Async-signal-safe.
 */
bool lifecycle_is_own_process(void);

/*
 * Around what uses the table or the output outside of an allocation's hook, by a thread that may have no state: a
 * detach waits until the thread is through. Whether there is a table is to be asked in between. Any thread, nestable,
 * async-signal-safe. lifecycle_threads_forked(): in a child after fork nobody is under way.
 */
void lifecycle_visit(void);
void lifecycle_leave(void);
void lifecycle_threads_forked(void);

/* Whether this process shares its traced parent's memory: a vfork child, for certain. Where the kernel
 * does not clear the page, false. Async-signal-safe. */
bool lifecycle_is_vfork_child(void);

/* Inside the guard, in a child in which the kernel has cleared the page: makes the child a process of its own. True:
 * it records. Async-signal-safe. */
bool lifecycle_adopt_child(void);

/* Whether what this process starts is to be traced; false before lifecycle_start(). */
bool lifecycle_follows_children(void);

/* Outside the guard: waits until another thread's fork is over. The fork may itself be waiting for what the calling
 * thread holds (stdio's lock), so after 20 ms this returns all the same. Where a thread holds the others without a fork
 * (lifecycle_hold_others()), which waits for nothing that they have, it is a second. Keeps errno. */
void lifecycle_wait_for_fork(void);

/*
 * Between the two, no other thread enters a hook: where it would, it waits for lifecycle_release_others(), which has to
 * come soon: after a second a thread goes on all the same. lifecycle_hold_others() itself waits 20 ms at most until the
 * others have left the hooks that they are in. By one thread at a time, inside the guard (once), async-signal-safe.
 * lifecycle_release_others() follows in any case.
 */
enum lifecycle_held {
	LIFECYCLE_HELD_NONE,		/* nobody is held, because some thread forks */
	LIFECYCLE_HELD_SOME,		/* some thread was not seen outside of its hook, and may still be there */
	LIFECYCLE_HELD_ALL,		/* all are outside */
};
enum lifecycle_held lifecycle_hold_others(void);
void lifecycle_release_others(void);

/* From lifecycle_suspend() to lifecycle_resume() the hooks record nothing. No other thread may be about to fork. */
void lifecycle_suspend(void);
void lifecycle_resume(void);

/*
 * The end of the process, once: the final dump, and what comes with it. In a vfork child nothing
 * happens. Waits for a dump under way in another thread, at most 10 seconds. heap_sound: false when the
 * allocator's own data may be damaged, so that it must not be asked. Any thread, async-signal-safe.
 */
void lifecycle_end(bool heap_sound);

/* The same for a process that ends with an exit status. Returns the status to end with: see session_exit_status(). */
int lifecycle_end_with(int status);

/* Whether the end has begun: no other dump than the final one is taken any more. */
bool lifecycle_is_ending(void);

/*
 * A process that this library is loaded into while it runs (elf/lookup.h) sleeps until it is attached to
 * (process/attach.h), and again from a detach on: the hooks pass all calls on, and a fork or an end are nobody's
 * concern here. These functions are for one thread at a time.
 *
 * lifecycle_sleep() returns when every other thread has been seen outside the guard since. False: some thread was not,
 * for some seconds, so the table has to stay. lifecycle_settle() waits in the same way, once more. Inside the guard, or
 * at the start.
 */
bool lifecycle_is_asleep(void);
bool lifecycle_sleep(void);
bool lifecycle_settle(void);

/* Begins to trace a process that sleeps, when the table is there and dumps can be taken. As lifecycle_start() and
 * lifecycle_begin(). Inside the guard. */
bool lifecycle_wake(const struct options *o, void (*hooks_forked)(void));

/* When the process has fallen asleep, outside the guard: the last dump, and the note in the table. Returns as
 * lifecycle_sleep(). */
bool lifecycle_detach(void);

/* At the start, by the only thread: from now on the end of each thread runs a destructor of thread-specific data. */
void lifecycle_watch_threads(void);

/* At the first hook of a thread, inside the guard: gives the thread its struct thread, which is taken back when the
 * thread ends. */
void lifecycle_thread_begins(void);

/* Whether lifecycle_thread_begins() can be called: this process records, and will notice the thread's end. */
bool lifecycle_watches_threads(void);

#endif
