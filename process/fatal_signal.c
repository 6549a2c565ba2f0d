/* SPDX-License-Identifier: GPL-2.0-only */
/* See fatal_signal.h. */
#include "fatal_signal.h"

#include "own_stack.h"
#include "base/atomics.h"
#include "guard.h"
#include "lifecycle.h"
#include "session.h"
#include "signals.h"
#include "threads.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define WAIT_TRIES	((FATAL_SIGNAL_HOOK_SECONDS + FATAL_SIGNAL_DUMP_SECONDS) * 100 + 100)	/* of 10 ms */

/* The signal that ends the process: the first one. */
static struct {
	uint32_t thread;	/* that it struck; 0: none */
	int sig;
	bool dumping;		/* the final dump has begun */
	siginfo_t info;
} fatal;

void fatal_signal_forked(void)
{
	if (!load_acquire(&fatal.thread))
		return;
	guard_self.requests &= ~(unsigned)SESSION_FATAL_SIGNAL;
	fatal.dumping = false;
	store_release(&fatal.thread, 0);
}

bool fatal_signal_came(void)
{
	return load_acquire(&fatal.thread) != 0;
}

int fatal_signal_number(void)
{
	return fatal.dumping ? fatal.sig : 0;
}

static bool is_fault(int sig, const siginfo_t *info)
{
	return info->si_code > 0 && (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL ||
				     sig == SIGTRAP || sig == SIGSYS);
}

/* Whether the signal may have come because the heap is broken. */
static bool doubts_heap(int sig, const siginfo_t *info)
{
	return is_fault(sig, info) || sig == SIGABRT;
}

/* Has sig sent to this thread, once, after some seconds. By the system call timer_create(2), as libc's function
 * allocates. */
static bool arm(int sig, long seconds)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = sig };
	long value[4] = { 0, 0, seconds, 0 };	/* struct itimerspec of the kernel's long */
	int timer;

	event._sigev_un._tid = (pid_t)threads_own_id();
	return !syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) &&
	       !syscall(SYS_timer_settime, timer, 0, value, NULL);
}

/* Sends sig to this thread. The information of a fault is sent along, for the core. */
static void send(int sig, siginfo_t *info)
{
	long pid = getpid(), thread = threads_own_id();

	if (is_fault(sig, info) && !syscall(SYS_rt_tgsigqueueinfo, pid, thread, sig, info))
		return;
	if (syscall(SYS_tgkill, pid, thread, sig))
		kill((pid_t)pid, sig);
}

/* Has the return from the handler end the process. */
static void die_on_return(int sig, siginfo_t *info, ucontext_t *context)
{
	signals_reset(sig);
	memset(&context->uc_sigmask, 0xff, _NSIG / 8);	/* the kernel's size, not sigset_t's */
	sigdelset(&context->uc_sigmask, sig);
	send(sig, info);
}

static void die_now(int sig, siginfo_t *info)
{
	sigset_t others;

	signals_reset(sig);
	sigfillset(&others);
	sigdelset(&others, sig);
	sigprocmask(SIG_SETMASK, &others, NULL);
	send(sig, info);
}

/* From now on a fault can only come from the dump: fatal_signal_handler() is called again, and ends the process.
 * When the dump takes too long, the signal of a fault is sent. */
static void take_final(void)
{
	int fault = signals_fault_but(fatal.sig);

	fatal.dumping = true;
	if (fault)
		arm(fault, FATAL_SIGNAL_DUMP_SECONDS);
	lifecycle_end(!doubts_heap(fatal.sig, &fatal.info));
}

/* Another thread's signal came first and ends the process. This thread must not go on before that: it could, for
 * example, return from an interrupted pause(). */
static void wait_for_end(void)
{
	for (int tries = 0; tries < WAIT_TRIES; tries++)
		threads_sleep(10000);
}

/* Whether this thread's signal is the one that ends the process. *again: it is, and the thread has been here before. */
static bool is_first(int sig, const siginfo_t *info, bool *again)
{
	uint32_t self = threads_own_id(), first = 0;

	*again = false;
	if (!cas_acq_rel(&fatal.thread, &first, self)) {
		*again = first == self;
		return *again;
	}
	fatal.sig = sig;
	fatal.info = *info;
	return true;
}

struct arrival {
	int sig;
	siginfo_t *info;
	ucontext_t *context;
};

static void handle(void *arrival)
{
	struct arrival *s = arrival;
	int sig = s->sig, saved = errno;
	siginfo_t *info = s->info;
	ucontext_t *context = s->context;
	bool first, waits, again;

	/* The kernel ignores such a signal when process 1 leaves it at its default action: see signals.h. */
	if (getpid() == 1 && !is_fault(sig, info))
		goto out;
	if (!lifecycle_is_own_process()) {
		die_on_return(sig, info, context);
		goto out;
	}
	first = is_first(sig, info, &again);
	waits = guard_is_held() && !doubts_heap(sig, info) && !again;
	if (waits && (!first || arm(sig, FATAL_SIGNAL_HOOK_SECONDS))) {
		or_acq_rel(&guard_self.requests, SESSION_FATAL_SIGNAL);
		goto out;
	}
	if (!first) {
		wait_for_end();
		die_on_return(sig, info, context);
		goto out;
	}
	if (!fatal.dumping)
		take_final();
	die_on_return(fatal.sig, &fatal.info, context);
out:
	errno = saved;
}

void fatal_signal_handler(int sig, siginfo_t *info, void *context)
{
	struct arrival s = { sig, info, context };

	if (own_stack_needed(context))
		own_stack_call(handle, &s);
	else
		handle(&s);
}

void fatal_signal_finish(void)
{
	sigset_t all;

	sigfillset(&all);
	for (int sig = 1; sig < 32; sig++) {
		if (is_fault(sig, &(siginfo_t){ .si_code = 1 }))
			sigdelset(&all, sig);
	}
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (load_acquire(&fatal.thread) != threads_own_id())
		wait_for_end();
	if (!fatal.dumping)
		take_final();
	die_now(fatal.sig, &fatal.info);
}
