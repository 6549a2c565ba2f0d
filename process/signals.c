/* SPDX-License-Identifier: GPL-2.0-only */
/* See signals.h. */
#include "signals.h"

#include "base/atomics.h"
#include "session.h"

#include <errno.h>
#include <time.h>

static const int numbers[2] = { SIGUSR1, SIGUSR2 };
static signals_sigaction *real_sigaction;

static void on_signal(int sig)
{
	session_request(sig == SIGUSR1 ? SESSION_SIZE : SESSION_COUNT);
}

bool signals_ours(int sig)
{
	struct sigaction now;

	return (sig == SIGUSR1 || sig == SIGUSR2) && real_sigaction &&
	       !real_sigaction(sig, NULL, &now) && now.sa_handler == on_signal;
}

static void install(int sig)
{
	struct sigaction ours = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK };

	sigfillset(&ours.sa_mask);	/* nothing of the program's runs inside a dump */
	real_sigaction(sig, &ours, NULL);
}

static const char *notice(int sig)
{
	if (!signals_ours(sig == SIGUSR1 ? SIGUSR2 : SIGUSR1))
		return "the program handles SIGUSR1 and SIGUSR2 itself: there is a dump at exit";
	if (sig == SIGUSR1)
		return "the program handles SIGUSR1 itself: SIGUSR2 still gives a dump (by count), "
		       "and there is one at exit";
	return "the program handles SIGUSR2 itself: SIGUSR1 still gives a dump (by size), "
	       "and there is one at exit";
}

void signals_step_back(int sig)
{
	static uint32_t told;

	if (!exchange_relaxed(&told, 1) && !session_notice(notice(sig)))
		store_relaxed(&told, 0);
}

static void held_set(uint8_t held, sigset_t *set)
{
	sigemptyset(set);
	for (int i = 0; i < 2; i++) {
		if (held & 1u << i)
			sigaddset(set, numbers[i]);
	}
}

void signals_start(signals_sigaction *real, uint8_t held)
{
	bool taken[2] = { false, false };
	sigset_t set;

	real_sigaction = real;
	for (int i = 0; i < 2; i++) {
		struct sigaction now;

		if (real(numbers[i], NULL, &now))
			continue;
		taken[i] = now.sa_handler != SIG_DFL;
		if (!taken[i])
			install(numbers[i]);
	}
	for (int i = 0; i < 2; i++) {
		if (taken[i])
			signals_step_back(numbers[i]);
	}
	held_set(held, &set);
	if (held)
		sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void signals_drop(uint8_t held)
{
	struct timespec now = { 0, 0 };
	sigset_t set;

	held_set(held, &set);
	if (!held)
		return;
	while (sigtimedwait(&set, NULL, &now) > 0 || errno == EINTR)
		;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void signals_stop(void)
{
	struct sigaction fallback = { .sa_handler = SIG_DFL };

	for (int i = 0; i < 2; i++) {
		if (signals_ours(numbers[i]))
			real_sigaction(numbers[i], &fallback, NULL);
	}
}

void signals_hold(sigset_t *mask)
{
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGUSR1);
	sigaddset(&both, SIGUSR2);
	sigprocmask(SIG_BLOCK, &both, mask);
}

void signals_release(const sigset_t *mask)
{
	sigprocmask(SIG_SETMASK, mask, NULL);
}
