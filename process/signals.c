/* SPDX-License-Identifier: GPL-2.0-only */
/* See signals.h. */
#include "signals.h"

#include "own_stack.h"
#include "base/atomics.h"
#include "base/out.h"
#include "base/probe.h"
#include "base/uninterrupted.h"
#include "fatal_signal.h"
#include "guard.h"
#include "lifecycle.h"
#include "session.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#define LIBC_FLAGS	0x04000000	/* SA_RESTORER: libc adds it to what it sets (its sigaction.c) */
#else
#define LIBC_FLAGS	0
#endif

#define BIT(sig)	((uint64_t)1 << ((sig) - 1))

/* The signals that a fault raises. They are never held back, because a fault would then kill the process (signal(7)). */
#define FAULTS		(BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGSYS))
/* The signals whose default action ends the process, but SIGKILL and the real-time signals. */
#ifdef SIGSTKFLT
#define STACK_FAULT	BIT(SIGSTKFLT)
#else
#define STACK_FAULT	0
#endif
#define FATALS		(FAULTS | BIT(SIGHUP) | BIT(SIGINT) | BIT(SIGQUIT) | BIT(SIGABRT) | BIT(SIGPIPE) | \
			 BIT(SIGALRM) | BIT(SIGTERM) | BIT(SIGXCPU) | BIT(SIGXFSZ) | BIT(SIGVTALRM) |	\
			 BIT(SIGPROF) | BIT(SIGIO) | BIT(SIGPWR) | BIT(SIGUSR1) | BIT(SIGUSR2) | STACK_FAULT)

static signals_sigaction *real_sigaction;
static bool active;			/* from signals_start() on, and not after signals_stop() */
static int dump_signals[OPTIONS_SIGNALS];	/* by size, by count, for a clear; 0: none */
static bool first_process;		/* this is process 1 */
#define ALL_SIGNALS	7u		/* a bit for each of them */
static uint32_t warned;			/* bits 0 to 2: the user has been warned that this dump signal is the program's */
static struct sigaction shown[_NSIG];	/* the action that the program sees while the signal is ours */

/* guard_recover() needs some stack to find out whether a hook was left for good. On a stack that is too small the
 * request waits for the end of the hook, or for the next hook, which calls guard_recover(). */
static void on_dump(int sig, siginfo_t *info, void *context)
{
	unsigned bits = (sig == dump_signals[0] ? SESSION_SIZE : 0u) |
			(sig == dump_signals[1] ? SESSION_COUNT : 0u) | (sig == dump_signals[2] ? SESSION_CLEAR : 0u);

	(void)info;
	if (guard_is_held() && own_stack_needed(context))
		or_acq_rel(&guard_self.requests, bits);
	else
		session_request(bits);
}

static bool is_dump(int sig)
{
	return sig == dump_signals[0] || sig == dump_signals[1] || sig == dump_signals[2];
}

static bool is_fatal(int sig)
{
	return sig > 0 && sig <= 64 && (FATALS >> (sig - 1) & 1) &&
	       (!first_process || FAULTS >> (sig - 1) & 1);
}

bool signals_shared(int sig)
{
	return load_relaxed(&active) && sig > 0 && (is_dump(sig) || is_fatal(sig));
}

static bool is_ours(const struct sigaction *a)
{
	return a->sa_sigaction == on_dump || a->sa_sigaction == fatal_signal_handler;
}

/* All signals are held back meanwhile, so no handler of the program's runs inside one of ours. */
static int install_dump(int sig, struct sigaction *old)
{
	struct sigaction a = { .sa_sigaction = on_dump, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };

	sigfillset(&a.sa_mask);
	return real_sigaction(sig, &a, old);
}

/* Faults are not held back: one that happens inside the handler comes to the handler again. */
static int install_fatal(int sig, struct sigaction *old)
{
	struct sigaction a = { .sa_sigaction = fatal_signal_handler,
			       .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };

	sigfillset(&a.sa_mask);
	for (int s = 1; s < 32; s++) {
		if (FAULTS & BIT(s))
			sigdelset(&a.sa_mask, s);
	}
	return real_sigaction(sig, &a, old);
}

void signals_reset(int sig)
{
	struct sigaction a = { .sa_handler = SIG_DFL };

	real_sigaction(sig, &a, NULL);
}

int signals_fault_but(int sig)
{
	for (int s = 1; s < 32; s++) {
		struct sigaction now;

		if (s != sig && (FAULTS & BIT(s)) && !real_sigaction(s, NULL, &now) && is_ours(&now))
			return s;
	}
	return 0;
}

/* ---- Warnings ---- */

static bool gives_dump(int sig)
{
	struct sigaction now;

	return sig && !real_sigaction(sig, NULL, &now) && now.sa_sigaction == on_dump;
}

static void name_signal(struct out *out, int sig)
{
	char name[OPTIONS_SIGNAL_BYTES];

	out_text(out, "SIG");
	out_text(out, options_signal_name(sig, name));
}

/* The same of the signal on which the figures begin anew: "the program handles SIGQUIT itself: ...". */
static void warn_of_clear(const char *what)
{
	char buf[160];
	struct out out = out_memory(buf, sizeof(buf));

	out_text(&out, "the program ");
	out_text(&out, what);
	out_char(&out, ' ');
	name_signal(&out, dump_signals[2]);
	out_text(&out, " itself: heaptrace --control=PID clear lets the figures begin anew");
	if (!session_notice(out_string(&out)))
		and_acq_rel(&warned, ~(uint32_t)4);
}

/* Writes "the program WHAT SIGUSR1 itself: SIGUSR2 still gives a dump (by count), ...", once for each of the two
 * signals: the second part is no longer true when the program takes the other one, too. */
static void warn(const char *what, unsigned taken)
{
	char buf[256];
	struct out out;
	unsigned fresh;
	int left = 0;

	fresh = taken & ~or_acq_rel(&warned, taken);
	if (fresh & 4)
		warn_of_clear(what);
	if (!(fresh & 3))
		return;
	out = out_memory(buf, sizeof(buf));
	out_text(&out, "the program ");
	out_text(&out, what);
	out_char(&out, ' ');
	for (int i = 0, said = 0; i < 2; i++) {
		if (taken >> i & 1) {
			out_text(&out, said++ ? " and " : "");
			name_signal(&out, dump_signals[i]);
		} else if (gives_dump(dump_signals[i])) {
			left = i + 1;
		}
	}
	out_text(&out, " itself: ");
	if (left) {
		name_signal(&out, dump_signals[left - 1]);
		out_text(&out, left == 1 ? " still gives a dump (by size), so does" :
			 " still gives a dump (by count), so does");
	}
	out_text(&out, left ? " heaptrace --dump=PID" : "heaptrace --dump=PID gives a dump");
	out_text(&out, ", and there is one at exit");
	if (!session_notice(out_string(&out)))
		and_acq_rel(&warned, ~(uint32_t)3);	/* the next call warns */
}

/* Warns of the dump signals that the program handles. */
static void warn_of_taken(void)
{
	unsigned taken = 0;

	for (int i = 0; i < OPTIONS_SIGNALS; i++)
		taken |= (dump_signals[i] && !gives_dump(dump_signals[i]) ? 1u : 0) << i;
	if (taken)
		warn("handles", taken);
}

static unsigned dumps_among(const sigset_t *set)
{
	unsigned among = 0;

	for (int i = 0; i < OPTIONS_SIGNALS; i++) {
		if (dump_signals[i] && sigismember(set, dump_signals[i]) == 1 && gives_dump(dump_signals[i]))
			among |= 1u << i;
	}
	return among;
}

void signals_warn_of_wait(const sigset_t *set)
{
	uintptr_t sure = 1;
	unsigned waited;

	/* For a set that cannot be read the kernel's answer is EFAULT. It reads the first 8 bytes only. */
	if (!real_sigaction || !set || load_relaxed(&warned) == ALL_SIGNALS || !probe_bytes(set, sizeof(uint64_t), &sure))
		return;
	waited = dumps_among(set);
	if (waited)
		warn("waits for", waited);
}

unsigned signals_blocked_dumps(void)
{
	sigset_t pending, blocked;

	/* A pending signal that this thread does not block may be about to reach another thread. */
	if (!real_sigaction || load_relaxed(&warned) == ALL_SIGNALS || sigpending(&pending) ||
	    sigprocmask(SIG_BLOCK, NULL, &blocked))
		return 0;
	return dumps_among(&pending) & dumps_among(&blocked);
}

void signals_warn_of_blocked(unsigned dumps)
{
	if (dumps)
		warn("blocks", dumps);
}

unsigned signals_pending_ends(void)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction now;
	unsigned bits = 0;
	sigset_t pending;

	if (!real_sigaction || sigpending(&pending))
		return 0;
	for (unsigned i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (sigismember(&pending, ends[i]) == 1 && !real_sigaction(ends[i], NULL, &now) &&
		    now.sa_handler != SIG_IGN)
			bits |= 1u << i;
	}
	return bits;
}

/* ---- Calls of the program ---- */

int signals_change(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction before = shown[sig], was, now;
	bool ours;
	int result = 0;

	if (real_sigaction(sig, NULL, &was))
		return -1;
	ours = is_ours(&was);
	if (act) {
		now = *act;	/* act and old may be the same */
		/* A vfork child has actions of its own, but `shown` is its parent's. */
		if (now.sa_handler == SIG_DFL && (ours || is_fatal(sig)) && lifecycle_is_own_process()) {
			if (!ours)
				result = install_fatal(sig, NULL);
			now.sa_flags |= LIBC_FLAGS;
			shown[sig] = now;
		} else {
			result = real_sigaction(sig, &now, NULL);
			if (was.sa_sigaction == on_dump)
				warn_of_taken();
		}
	}
	if (old && !result) {
		*old = was;
		if (ours) {
			before.sa_handler = SIG_DFL;
			before.sa_restorer = was.sa_restorer;
			*old = before;
		}
	}
	return result;
}

sighandler_t signals_default(int sig, int flags, bool masked)
{
	struct sigaction act = { .sa_handler = SIG_DFL, .sa_flags = flags }, old;

	if (masked)
		sigaddset(&act.sa_mask, sig);
	return signals_change(sig, &act, &old) ? SIG_ERR : old.sa_handler;
}

bool signals_take(int sig)
{
	return is_dump(sig) && gives_dump(sig);
}

sighandler_t signals_taken(int sig, bool was_dump, sighandler_t old)
{
	if (was_dump && !gives_dump(sig))
		warn_of_taken();
	return is_ours(&(struct sigaction){ .sa_handler = old }) ? SIG_DFL : old;
}

void signals_interrupt(int sig, int interrupt)
{
	struct sigaction now;

	if (real_sigaction(sig, NULL, &now) || !is_ours(&now))
		return;
	shown[sig].sa_flags &= ~SA_RESTART;
	shown[sig].sa_flags |= LIBC_FLAGS | (interrupt ? 0 : SA_RESTART);
}

/* ---- Start, fork ---- */

static void held_set(const struct options *o, sigset_t *set)
{
	sigemptyset(set);
	for (int i = 0; i < OPTIONS_SIGNALS; i++) {
		if (o->held >> i & 1 && o->signals[i])
			sigaddset(set, o->signals[i]);
	}
}

unsigned signals_add_dumps(sigset_t *mask)
{
	unsigned added = 0;

	for (int i = 0; i < OPTIONS_SIGNALS; i++) {
		if (!dump_signals[i] || sigismember(mask, dump_signals[i]))
			continue;
		sigaddset(mask, dump_signals[i]);
		added |= 1u << i;
	}
	return added;
}

unsigned signals_hold_dumps(void)
{
	unsigned held = 0;
	sigset_t mask;

	if (!sigprocmask(SIG_BLOCK, NULL, &mask))
		held = signals_add_dumps(&mask);
	if (held)
		sigprocmask(SIG_SETMASK, &mask, NULL);
	return held;
}

void signals_release_dumps(unsigned held)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < OPTIONS_SIGNALS; i++) {
		if (held >> i & 1)
			sigaddset(&set, dump_signals[i]);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Installs a handler where the action is the default. A thread of a process that runs already may set another action at
 * the same time: that one stays. */
static void install_at_default(int sig, int (*install)(int sig, struct sigaction *old))
{
	struct sigaction now;

	if (real_sigaction(sig, NULL, &now) || now.sa_handler != SIG_DFL)
		return;
	shown[sig] = now;
	if (!install(sig, &now) && now.sa_handler != SIG_DFL)
		real_sigaction(sig, &now, NULL);
}

static void install_fatals(void)
{
	for (int sig = 1; sig < 32; sig++) {
		if (is_fatal(sig))
			install_at_default(sig, install_fatal);
	}
}

void signals_start(signals_sigaction *real, const struct options *o)
{
	sigset_t set;

	first_process = getpid() == 1;
	real_sigaction = real;
	for (int i = 0; i < OPTIONS_SIGNALS; i++) {
		dump_signals[i] = o->signals[i];
		if (dump_signals[i])
			install_at_default(dump_signals[i], install_dump);
	}
	install_fatals();
	store_release(&active, true);
	warned = o->quiet ? ALL_SIGNALS : 0;	/* nobody reads dumps on standard error, nor how to get them */
	warn_of_taken();
	held_set(o, &set);
	if (o->held)
		sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void signals_discard_held(const struct options *o)
{
	sigset_t set;

	held_set(o, &set);
	if (!o->held)
		return;
	while (uninterrupted_discard(&set))
		;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void signals_stop(void)
{
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		struct sigaction now, before = shown[sig];

		if (!signals_shared(sig) || real_sigaction(sig, NULL, &now) || !is_ours(&now))
			continue;
		before.sa_handler = SIG_DFL;
		if (!real_sigaction(sig, &before, &now) && !is_ours(&now))
			real_sigaction(sig, &now, NULL);	/* which another thread has set meanwhile */
	}
	store_release(&active, false);
}

/* The thread's own mask, from signals_fork_prepare() on: of sigset_t the part that the kernel knows (64 signals), because
 * there is little room for thread-local storage. */
static __thread uint64_t fork_mask;

void signals_fork_prepare(void)
{
	sigset_t held, before;

	sigemptyset(&held);
	for (int sig = 1; sig < 32; sig++) {
		if ((FATALS & ~FAULTS) & BIT(sig))
			sigaddset(&held, sig);
	}
	for (int i = 0; i < OPTIONS_SIGNALS; i++) {
		if (dump_signals[i])
			sigaddset(&held, dump_signals[i]);
	}
	sigprocmask(SIG_BLOCK, &held, &before);
	memcpy(&fork_mask, &before, sizeof(fork_mask));
}

void signals_fork_ends(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	memcpy(&mask, &fork_mask, sizeof(fork_mask));
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

void signals_forked(void)
{
	if (!first_process || getpid() == 1)
		return;
	first_process = false;
	install_fatals();
}
