/* SPDX-License-Identifier: GPL-2.0-only */
/* See session.h. */
#include "session.h"

#include "own_descriptors.h"
#include "own_stack.h"
#include "elf/loaded.h"
#include "base/check.h"
#include "base/reserve.h"
#include "base/uninterrupted.h"
#include "fatal_signal.h"
#include "guard.h"
#include "storage.h"
#include "record.h"
#include "remote_dump.h"
#include "dump.h"
#include "signals.h"
#include "table/modules.h"
#include "threads.h"
#include "verify.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WAIT_TRIES	1000		/* of 10 ms */

__thread struct guard guard_self = { .fresh = 1 };

static struct dumper dumper;
static bool started;
static uint32_t dumping;		/* id of the thread that dumps, or 0 */
static uint32_t wanted;			/* enum session_request bits */
static uint32_t ending;			/* id of the thread that ends the process, or 0 */
static uint32_t finished;		/* the final dump has been taken */
static bool locks_lost;			/* no fork handler ran: another thread may have held malloc's locks */

/*
 * A page that the kernel clears in a child with memory of its own (MADV_WIPEONFORK, Linux
 * 4.14), so that a child that no fork handler saw is known from one that shares its
 * parent's memory. NULL on older kernels: then such a child is taken for a vfork child.
 */
static volatile char *same_memory;

static void map_same_memory(void)
{
	void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || madvise(page, 1, MADV_WIPEONFORK))
		return;
	same_memory = page;
	*same_memory = 1;
}

/* Of this thread itself, not of a signal's handler: if the guard is held, it is by our callers. */
static void ask(unsigned bits)
{
	or_acq_rel(&guard_self.requests, bits);
	if (!guard_is_held())
		guard_take_requests();
}

static void heap_passed(void)
{
	ask(SESSION_ABOVE);
}

/* Said by the program that the wrapper has become: nobody will print its dump when it is killed. */
static void tell_unwatched(const struct options *o)
{
	if (o->watch || o->no_watch || o->record || dumper.pid != o->run)
		return;
	dump_notice(&dumper, dumper.pid == 1 ?
		    "as process 1 this has no watcher: if it is killed, as by a container's stop, there is no last "
		    "dump (start the container with an init, as docker run --init, or use --record=FILE)" :
		    "there is no watcher here (this process is a reaper of children, it was started without a free "
		    "descriptor, or the system has no pidfd_open()): if it is killed, there is no last dump (use --record=FILE)");
}

void session_init(struct table *t, const struct options *o, bool first, const char *error)
{
	struct uninterrupted span;

	map_same_memory();
	own_descriptors_start();
	reserve_start();
	uninterrupted_begin(&span);
	dump_init(&dumper, t, o, first);
	if (error[0])
		dump_notice(&dumper, error);
	if (!first)
		tell_unwatched(o);
	uninterrupted_end(&span);
	started = true;
	if (o->above_bytes)
		table_notify_peaks(t, o->above_bytes, heap_passed);
}

void session_forked(void)
{
	store_relaxed(&dumping, 0);
	store_relaxed(&wanted, 0);
	store_relaxed(&ending, 0);
	store_relaxed(&finished, 0);
	fatal_signal_forked();
	if (same_memory)
		*same_memory = 1;
	if (!dumper.options->children)
		started = false;
	dump_forked(&dumper, (uint32_t)getpid());
}

bool session_own_process(void)
{
	if (!started)
		return false;
	if (!same_memory || *same_memory)
		return (uint32_t)getpid() == dumper.pid;
	storage_leave_parent();
	check_costly(verify_cut_off());
	locks_lost = true;
	threads_forked(dumper.table, guard_self.thread);
	loaded_forked();
	modules_forked(dumper.table);
	session_forked();	/* its id may be the parent's: in a namespace of ids of its own */
	return started;
}

bool session_follows_children(void)
{
	return started && dumper.options->children;
}

static uint32_t thread_id(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

/* Whether the allocator's data do not change during a dump in this thread, as far as can be seen out of a hook. */
static bool heap_is_still(void)
{
	return !guard_self.ending && !locks_lost && process_has_one_thread();
}

static bool begin_dumping(void)
{
	uint32_t nobody = 0;

	return cas_acq_rel(&dumping, &nobody, thread_id());
}

/* The fence: either who asked meanwhile sees that nobody dumps, or we see what was asked. */
static void end_dumping(void)
{
	store_release(&dumping, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void take_apart(void *request)
{
	dump_write(&dumper, request);
}

/* A dump that the watcher writes. */
struct remote_request {
	struct dump_request request;
	enum remote_dump_result result;
};

static void ask_apart(void *remote_request)
{
	struct remote_request *r = remote_request;

	r->result = remote_dump(&dumper, &r->request);
}

/* False: the watcher has yet to write the final dump. */
static bool ask_reporter(struct dump_request request)
{
	struct remote_request r = { request, REMOTE_DUMP_NO_DESCRIPTOR };
	int kept[OUTPUT_DESCRIPTORS];

	r.request.tries_again = true;
	if (!own_descriptors_needed())
		ask_apart(&r);
	r.request.tries_again = false;
	if (r.result == REMOTE_DUMP_NO_DESCRIPTOR &&
	    !own_descriptors_call(ask_apart, &r, kept, output_descriptors(&dumper.output, kept)))
		ask_apart(&r);
	return r.result == REMOTE_DUMP_DONE;
}

/* Takes a dump; where the process has no descriptor left, or only those that the program's other threads
 * may need, with a table of descriptors of its own. False: another process has yet to write the final dump. */
static bool take(struct dump_request request)
{
	int kept[OUTPUT_DESCRIPTORS];

	if (options_by_reporter(dumper.options))
		return ask_reporter(request);
	request.tries_again = true;
	if (!own_descriptors_needed() && dump_write(&dumper, &request))
		return true;
	request.tries_again = false;
	if (!own_descriptors_call(take_apart, &request, kept, output_descriptors(&dumper.output, kept)))
		take_apart(&request);
	return true;
}

/* Takes a dump of the process as it goes on, sorted by one key. */
static void take_by(uint8_t key)
{
	take((struct dump_request){
		.sort = &key, .sort_count = 1, .reason = REASON_SIGNAL, .heap_still = heap_is_still(),
	});
}

/* Takes what is wanted, until nothing is or another thread has taken over. */
static void serve(void *unused)
{
	(void)unused;
	while (load_acquire(&wanted) && begin_dumping()) {
		uint32_t bits = exchange_acq_rel(&wanted, 0);
		struct uninterrupted span;

		uninterrupted_begin(&span);
		check_costly(verify_dump(true));
		if (bits & SESSION_SIZE)
			take_by(SORT_SIZE);
		if (bits & SESSION_COUNT)
			take_by(SORT_COUNT);
		if (bits & SESSION_ABOVE)
			take((struct dump_request){
				.sort = dumper.options->sort, .sort_count = dumper.options->sort_count,
				.reason = REASON_ABOVE, .heap_still = heap_is_still(),
			});
		end_dumping();
		uninterrupted_end(&span);
	}
}

void guard_take_requests(void)
{
	int saved = errno;
	unsigned bits;

	guard_enter();
	while ((bits = exchange_relaxed(&guard_self.requests, 0)) != 0) {
		if (bits & SESSION_FATAL_SIGNAL) {
			guard_drop();
			fatal_signal_finish();
			guard_enter();
		}
		bits &= ~(unsigned)SESSION_FATAL_SIGNAL;
		if (!bits)
			continue;
		if (load_acquire(&ending) || !session_own_process())
			continue;
		or_acq_rel(&wanted, bits);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		own_stack_call(serve, NULL);
	}
	guard_drop();
	errno = saved;
}

void session_request(unsigned bits)
{
	or_acq_rel(&guard_self.requests, bits);
	if (!guard_is_held() || guard_recover(GUARD_BY_SIGNAL))
		guard_take_requests();
}

static void sleep_10_ms(void)
{
	struct timespec ms10 = { 0, 10000000 };

	nanosleep(&ms10, NULL);
}

/*
 * False: another thread's dump does not come to its end. In this thread a dump under way is
 * one that a handler has left for good (exit from a signal handler): then it is ours.
 */
static bool wait_for_dumping(void)
{
	for (int tries = 0; tries < WAIT_TRIES; tries++) {
		if (begin_dumping() || load_acquire(&dumping) == thread_id())
			return true;
		sleep_10_ms();
	}
	return false;
}

/* Another thread ends the process: it must not vanish before the dump is out. */
static void wait_for_end(uint32_t other)
{
	if (other == thread_id())
		return;
	for (int tries = 0; tries < WAIT_TRIES && !load_acquire(&finished); tries++)
		sleep_10_ms();
}

static void take_final(void *heap_sound)
{
	bool outside = !guard_is_held();
	uint32_t nobody = 0;
	struct uninterrupted span;

	if (!session_own_process())
		return;
	if (!load_acquire(&ending) && !fatal_signal_came())
		signals_end();
	guard_enter();
	uninterrupted_begin(&span);
	if (!cas_acq_rel(&ending, &nobody, thread_id())) {
		wait_for_end(nobody);
	} else {
		check_costly(verify_dump(outside));
		if (!wait_for_dumping() ||
		    take((struct dump_request){
			.sort = dumper.options->sort, .sort_count = dumper.options->sort_count,
			.reason = REASON_EXIT, .final = true,
			.heap_still = *(bool *)heap_sound && outside && heap_is_still(),
		    }))
			storage_note_dumped();
		else
			storage_note_end();
		store_release(&finished, 1);
		end_dumping();
	}
	guard_drop();		/* a signal that was held back is not to wait for us */
	uninterrupted_end(&span);
}

void session_final(bool heap_sound)
{
	own_stack_call(take_final, &heap_sound);
}

void session_keep_output(void)
{
	struct uninterrupted span;

	if (!session_own_process() || !begin_dumping())
		return;
	guard_enter();
	uninterrupted_begin(&span);
	output_keep(&dumper.output);
	end_dumping();
	uninterrupted_end(&span);
	guard_drop();
	ask(exchange_acq_rel(&wanted, 0));
}

/* In a vfork child the line is the parent's: where it stands it shares all of it. */
bool session_notice(const char *text)
{
	struct uninterrupted span;
	bool own = session_own_process();

	if ((!own && (!started || !same_memory)) || !begin_dumping())
		return false;
	guard_enter();
	uninterrupted_begin(&span);
	dump_notice(&dumper, text);
	end_dumping();
	uninterrupted_end(&span);
	guard_drop();
	if (own)
		ask(exchange_acq_rel(&wanted, 0));	/* what came meanwhile */
	return true;
}
