/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions by which a program sets a signal's action, and those by which it waits for signals, in
 * front of libc's. process/signals.h explains what they return for the signals that heaptrace handles, too.
 *
 * Async-signal-safe. The real functions are looked up at start; a call before that, which looks them up
 * itself, is not async-signal-safe.
 */
#include "signal_hooks.h"

#include "base/atomics.h"
#include "elf/lookup.h"
#include "export.h"

#include <sys/signalfd.h>

/* Functions that only older or only newer headers of libc declare. */
int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);
sighandler_t bsd_signal(int sig, sighandler_t handler);
sighandler_t __sysv_signal(int sig, sighandler_t handler);

/* signalfd comes last: when it has been found, all others have. */
#define REAL_FUNCTIONS(X)							\
	X(sigaction) X(signal) X(bsd_signal) X(ssignal) X(sysv_signal) X(__sysv_signal)	\
	X(sigset) X(sigignore) X(siginterrupt) X(sigwait) X(sigwaitinfo)	\
	X(sigtimedwait) X(signalfd)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static struct {
	REAL_FUNCTIONS(LOOKUP_POINTER)
} real;
#pragma GCC diagnostic pop

static void find_real(void)
{
	lookup_next(REAL_FUNCTIONS(LOOKUP_NAME), LOOKUP_COUNT(real), &real);
}

signals_sigaction *signal_hooks_init(void)
{
	if (!real.signalfd)
		find_real();
	return real.sigaction;
}

EXPORT int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	if (unlikely(!real.signalfd))
		find_real();
	return signals_shared(sig) ? signals_change(sig, act, old) : real.sigaction(sig, act, old);
}

EXPORT int __sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	return sigaction(sig, act, old);
}

/* signal() and its relatives. Only the default action is answered here; for all else the real function is
 * called. */
#define SIGNAL_HOOK(name, flags, masked)				\
	EXPORT sighandler_t name(int sig, sighandler_t handler)		\
	{								\
		bool dump;						\
									\
		if (unlikely(!real.signalfd))				\
			find_real();					\
		if (!signals_shared(sig))				\
			return real.name(sig, handler);			\
		if (handler == SIG_DFL)					\
			return signals_default(sig, flags, masked);	\
		dump = signals_take(sig);				\
		return signals_taken(sig, dump, real.name(sig, handler));	\
	}
SIGNAL_HOOK(signal, SA_RESTART, true)
SIGNAL_HOOK(bsd_signal, SA_RESTART, true)
SIGNAL_HOOK(ssignal, SA_RESTART, true)
SIGNAL_HOOK(sysv_signal, SA_RESETHAND | SA_NODEFER, false)
SIGNAL_HOOK(__sysv_signal, SA_RESETHAND | SA_NODEFER, false)

/* sigset() also blocks (SIG_HOLD) or unblocks the signal, and returns SIG_HOLD when the signal was blocked. */
EXPORT sighandler_t sigset(int sig, sighandler_t handler)
{
	sigset_t set, before;
	sighandler_t old;
	bool dump;

	if (unlikely(!real.signalfd))
		find_real();
	if (!signals_shared(sig))
		return real.sigset(sig, handler);
	if (handler != SIG_DFL) {
		dump = signals_take(sig);
		return signals_taken(sig, dump, real.sigset(sig, handler));
	}
	old = signals_default(sig, 0, false);
	sigemptyset(&set);
	sigaddset(&set, sig);
	if (old == SIG_ERR || sigprocmask(SIG_UNBLOCK, &set, &before))
		return SIG_ERR;
	return sigismember(&before, sig) ? SIG_HOLD : old;
}

EXPORT int sigignore(int sig)
{
	bool dump;
	int result;

	if (unlikely(!real.signalfd))
		find_real();
	dump = signals_shared(sig) && signals_take(sig);
	result = real.sigignore(sig);
	if (dump)
		signals_taken(sig, dump, SIG_DFL);
	return result;
}

EXPORT int siginterrupt(int sig, int interrupt)
{
	int result;

	if (unlikely(!real.signalfd))
		find_real();
	result = real.siginterrupt(sig, interrupt);
	if (!result && signals_shared(sig))
		signals_interrupt(sig, interrupt);
	return result;
}

/* A program that takes a dump signal off the queue itself gets no dump. A warning names another way to get one. */
EXPORT int sigwait(const sigset_t *set, int *sig)
{
	if (unlikely(!real.signalfd))
		find_real();
	signals_warn_of_wait(set);
	return real.sigwait(set, sig);
}

EXPORT int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
	if (unlikely(!real.signalfd))
		find_real();
	signals_warn_of_wait(set);
	return real.sigwaitinfo(set, info);
}

EXPORT int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	if (unlikely(!real.signalfd))
		find_real();
	signals_warn_of_wait(set);
	return real.sigtimedwait(set, info, timeout);
}

EXPORT int signalfd(int fd, const sigset_t *set, int flags)
{
	if (unlikely(!real.signalfd))
		find_real();
	signals_warn_of_wait(set);
	return real.signalfd(fd, set, flags);
}
