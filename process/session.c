/* SPDX-License-Identifier: GPL-2.0-only */
/* See session.h. */
#include "session.h"

#include "base/check.h"
#include "base/reserve.h"
#include "base/uninterrupted.h"
#include "control.h"
#include "dump.h"
#include "fatal_signal.h"
#include "guard.h"
#include "lifecycle.h"
#include "own_descriptors.h"
#include "own_stack.h"
#include "record.h"
#include "remote_dump.h"
#include "threads.h"
#include "verify.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define WAIT_TRIES	1000		/* of 10 ms */

static struct dumper dumper;
static struct dumper apart_dumper;	/* of a dump to a file of its own, for the length of it */
static uint32_t dumping;		/* id of the thread that dumps, or 0 */
static uint32_t requested;		/* dumps that no thread has begun yet: bits of enum session_request */
static bool locks_unknown;		/* see session_forked() */

/* As session_request(), but not in a signal's handler: if the guard is held, our callers hold it. */
static void request_outside_handler(unsigned bits)
{
	or_acq_rel(&guard_self.requests, bits);
	if (!guard_is_held())
		guard_take_requests();
}

static void heap_passed(void)
{
	request_outside_handler(SESSION_ABOVE);
}

/* In the process that the wrapper has become: warns when no watcher will print its dump after a kill. */
static void warn_of_missing_watcher(const struct options *o)
{
	if (o->watcher || o->no_watch || o->record || dumper.pid != o->run)
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

	own_descriptors_start();
	reserve_start();
	uninterrupted_begin(&span);
	dump_init(&dumper, t, o, first);
	if (error[0])
		dump_notice(&dumper, error);
	if (!first)
		warn_of_missing_watcher(o);
	uninterrupted_end(&span);
	if (o->above_bytes)
		table_notify_peaks(t, o->above_bytes, heap_passed);
}

void session_forked(bool unseen)
{
	store_relaxed(&dumping, 0);
	store_relaxed(&requested, 0);
	locks_unknown = locks_unknown || unseen;
	apart_dumper.output.error_reported = false;
	dump_forked(&dumper, (uint32_t)getpid());
}

/* Whether nobody changes the allocator's data during a dump in this thread, which is outside of all hooks. */
static bool heap_is_still(void)
{
	return !guard_self.ending && !locks_unknown && process_has_one_thread();
}

static bool begin_dumping(void)
{
	uint32_t nobody = 0;

	return cas_acq_rel(&dumping, &nobody, threads_own_id());
}

/* With the fence, a thread that has just left a request sees that nobody dumps, or this thread sees the
 * request. guard_take_requests() has the other half. */
static void end_dumping(void)
{
	store_release(&dumping, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* A dump that is being taken, by this process or by the watcher. */
struct taking {
	struct dumper *dumper;
	struct dump_request *request;
	enum remote_dump_result result;
};

static void try_take(void *taking)
{
	struct taking *t = taking;

	if (options_by_reporter(t->dumper->options))
		t->result = remote_dump(t->dumper, t->request);
	else
		t->result = dump_write(t->dumper, t->request) ? REMOTE_DUMP_DONE : REMOTE_DUMP_NO_DESCRIPTOR;
}

/* Takes a dump. Where the process has no descriptor left, or only those that the program's other threads
 * may need, it is taken in a thread that has descriptors of its own. False: another process has yet to write the final
 * dump. */
static bool take(struct dumper *d, struct dump_request *r)
{
	struct taking t = { d, r, REMOTE_DUMP_NO_DESCRIPTOR };
	int kept[OUTPUT_DESCRIPTORS];

	r->tries_again = true;
	if (!own_descriptors_needed())
		try_take(&t);
	r->tries_again = false;
	if (t.result == REMOTE_DUMP_NO_DESCRIPTOR &&
	    !own_descriptors_call(try_take, &t, kept, output_descriptors(&d->output, kept)))
		try_take(&t);
	return t.result == REMOTE_DUMP_DONE;
}

/* Takes a dump of the process as it goes on, sorted by one key. signal: the one that has asked for it. */
static void take_by(uint8_t key, uint8_t signal)
{
	take(&dumper, &(struct dump_request){
		.sort = &key, .sort_count = 1, .reason = REASON_SIGNAL, .signal = signal,
		.heap_still = heap_is_still(),
	});
}

/* The same, sorted as the options say. */
static void take_sorted(struct dumper *d, enum model_reason reason)
{
	take(d, &(struct dump_request){
		.sort = d->options->sort, .sort_count = d->options->sort_count, .reason = reason,
		.heap_still = heap_is_still(),
	});
}

/* Takes the dumps that are requested, until there is no request or another thread has taken over. */
static void serve(void *unused)
{
	(void)unused;
	while (load_acquire(&requested) && begin_dumping()) {
		uint32_t bits = exchange_acq_rel(&requested, 0);
		struct uninterrupted span;

		uninterrupted_begin(&span);
		check_costly(verify_dump(true));
		if (bits & SESSION_CLEAR)
			control_do(CONTROL_COMMAND_CLEAR, 0, NULL);
		if (bits & SESSION_SIZE)
			take_by(SORT_SIZE, dumper.options->signals[0]);
		if (bits & SESSION_COUNT)
			take_by(SORT_COUNT, dumper.options->signals[1]);
		if (bits & SESSION_ABOVE)
			take_sorted(&dumper, REASON_ABOVE);
		if (bits & SESSION_CONTROL)
			take_sorted(&dumper, REASON_ASKED);
		end_dumping();
		uninterrupted_end(&span);
	}
}

void guard_take_requests(void)
{
	int saved = errno;
	unsigned bits;

	lifecycle_visit();
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
		if (lifecycle_is_ending() || !lifecycle_is_own_process())
			continue;
		or_acq_rel(&requested, bits);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		own_stack_call(serve, NULL);
	}
	guard_drop();
	lifecycle_leave();
	errno = saved;
}

void session_request(unsigned bits)
{
	or_acq_rel(&guard_self.requests, bits);
	if (!guard_is_held() || guard_recover(GUARD_BY_SIGNAL))
		guard_take_requests();
}

/*
 * Begins the last dump when no other is under way. False: another thread's dump does not come to its end.
 * A dump that this thread has under way was left for good, by an exit from a signal handler: the last
 * one takes its place.
 */
static bool wait_for_dumping(void)
{
	for (int tries = 0; tries < WAIT_TRIES; tries++) {
		if (begin_dumping() || load_acquire(&dumping) == threads_own_id())
			return true;
		threads_sleep(10000);
	}
	return false;
}

/* Takes a dump to a file of its own: by the same dumper, but for the file and its format. */
static void take_apart(void *path)
{
	static struct options options;
	bool error_reported = apart_dumper.output.error_reported;
	struct uninterrupted span;

	uninterrupted_begin(&span);
	options = *dumper.options;
	options.outfile = path;
	options.format = OUTPUT_UNSET;
	options.outfile_is = NULL;
	apart_dumper = dumper;
	apart_dumper.options = &options;
	apart_dumper.format = format_of(&options);
	apart_dumper.apart = true;
	apart_dumper.output.error_reported = error_reported;
	output_set_apart(&apart_dumper.output, &options);
	take_sorted(&apart_dumper, REASON_ASKED);
	uninterrupted_end(&span);
}

int session_dump_to(const char *path)
{
	int error = ETIMEDOUT;

	if (lifecycle_is_ending())
		return error;	/* a thread that calls this again and again would leave no gap for the last dump */
	if (guard_self.busy || !wait_for_dumping())
		return EAGAIN;
	if (!lifecycle_is_ending()) {
		own_stack_call(take_apart, (void *)path);
		error = apart_dumper.output.failure;
	}
	end_dumping();
	request_outside_handler(exchange_acq_rel(&requested, 0));	/* those that came meanwhile */
	return error;
}

bool session_final(bool heap_sound, bool detaches)
{
	int signal = fatal_signal_number();
	bool dumped = !wait_for_dumping() || take(&dumper, &(struct dump_request){
		.sort = dumper.options->sort, .sort_count = dumper.options->sort_count,
		.reason = signal ? REASON_SIGNALLED : detaches ? REASON_DETACH : REASON_EXIT, .signal = (uint8_t)signal, .final = true,
		.heap_still = heap_sound && heap_is_still(),
	});

	end_dumping();
	return dumped;
}

void session_close(void)
{
	output_close(&dumper.output);
	memset(&dumper, 0, sizeof(dumper));
	store_relaxed(&dumping, 0);
	store_relaxed(&requested, 0);
}

int session_exit_status(int status)
{
	return status & 0xff ? status : dumper.exit_status;
}

void session_keep_output(void)
{
	struct uninterrupted span;

	lifecycle_visit();
	if (!lifecycle_is_own_process() || !begin_dumping()) {
		lifecycle_leave();
		return;
	}
	guard_enter();
	uninterrupted_begin(&span);
	output_open_early(&dumper.output);
	end_dumping();
	uninterrupted_end(&span);
	guard_drop();
	lifecycle_leave();
	request_outside_handler(exchange_acq_rel(&requested, 0));
}

/* A vfork child shares all memory with its parent, so the line is written as one of the parent's. */
bool session_notice(const char *text)
{
	struct uninterrupted span;
	bool own;

	lifecycle_visit();
	own = lifecycle_is_own_process();
	if ((!own && !lifecycle_is_vfork_child()) || !begin_dumping()) {
		lifecycle_leave();
		return false;
	}
	guard_enter();
	uninterrupted_begin(&span);
	dump_notice(&dumper, text);
	end_dumping();
	uninterrupted_end(&span);
	guard_drop();
	lifecycle_leave();
	if (own)
		request_outside_handler(exchange_acq_rel(&requested, 0));	/* those that came meanwhile */
	return true;
}
