/* SPDX-License-Identifier: GPL-2.0-only */
/* See held_signals.h. */
#include "held_signals.h"

#include <signal.h>
#include <string.h>

static uint8_t dump_signals[OPTIONS_SIGNALS] = { SIGUSR1, SIGUSR2 };	/* as options.signals */

/* A bit for each of dump_signals that the wrapper has blocked, and that was not blocked before. */
static uint8_t held;

void held_signals_hold(void)
{
	sigset_t block, before;

	sigemptyset(&block);
	for (int i = 0; i < OPTIONS_SIGNALS; i++)
		if (dump_signals[i])
			sigaddset(&block, dump_signals[i]);
	sigprocmask(SIG_BLOCK, &block, &before);
	for (int i = 0; i < OPTIONS_SIGNALS; i++)
		if (dump_signals[i] && !sigismember(&before, dump_signals[i]))
			held |= (uint8_t)(1 << i);
}

/* The loader calls this before any constructor of the wrapper or of its libraries. */
__attribute__((section(".preinit_array"), used))
static void (*hold_first)(void) = held_signals_hold;

void held_signals_release(void)
{
	sigset_t release;

	sigemptyset(&release);
	for (int i = 0; i < OPTIONS_SIGNALS; i++)
		if (held & 1 << i)
			sigaddset(&release, dump_signals[i]);
	sigprocmask(SIG_UNBLOCK, &release, NULL);
	held = 0;
}

void held_signals_choose(const uint8_t signals[OPTIONS_SIGNALS])
{
	sigset_t all, before;

	if (!memcmp(signals, dump_signals, sizeof(dump_signals)))
		return;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	for (int i = 0; i < OPTIONS_SIGNALS; i++)
		if (held & 1 << i)
			sigdelset(&before, dump_signals[i]);
	held = 0;
	memcpy(dump_signals, signals, sizeof(dump_signals));
	for (int i = 0; i < OPTIONS_SIGNALS; i++) {
		if (dump_signals[i] && !sigismember(&before, dump_signals[i])) {
			held |= (uint8_t)(1 << i);
			sigaddset(&before, dump_signals[i]);
		}
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

uint8_t held_signals_mask(void)
{
	return held;
}
