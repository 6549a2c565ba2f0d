/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of signals. libc's own functions for them take locks, depend on the locale, or are missing in older
 * versions. */
#include "options.h"

#include "base/out.h"

#include <signal.h>
#include <string.h>
#include <strings.h>

/* The names of signal(7), without SIG. */
static const char names[32][7] = {
	[SIGHUP] = "HUP", [SIGINT] = "INT", [SIGQUIT] = "QUIT", [SIGILL] = "ILL", [SIGTRAP] = "TRAP",
	[SIGABRT] = "ABRT", [SIGBUS] = "BUS", [SIGFPE] = "FPE", [SIGKILL] = "KILL",
	[SIGUSR1] = "USR1", [SIGSEGV] = "SEGV", [SIGUSR2] = "USR2", [SIGPIPE] = "PIPE",
	[SIGALRM] = "ALRM", [SIGTERM] = "TERM", [SIGCHLD] = "CHLD", [SIGCONT] = "CONT",
	[SIGSTOP] = "STOP", [SIGTSTP] = "TSTP", [SIGTTIN] = "TTIN", [SIGTTOU] = "TTOU",
	[SIGURG] = "URG", [SIGXCPU] = "XCPU", [SIGXFSZ] = "XFSZ", [SIGVTALRM] = "VTALRM",
	[SIGPROF] = "PROF", [SIGWINCH] = "WINCH", [SIGIO] = "IO", [SIGPWR] = "PWR", [SIGSYS] = "SYS",
#ifdef SIGSTKFLT
	[SIGSTKFLT] = "STKFLT",
#endif
};

const char *options_signal_name(int sig, char buf[OPTIONS_SIGNAL_BYTES])
{
	struct out t = out_memory(buf, OPTIONS_SIGNAL_BYTES);

	if (!sig)
		return "none";
	if (sig > 0 && sig < 32 && names[sig][0])
		return names[sig];
	if (sig >= SIGRTMIN && sig <= SIGRTMAX) {
		out_text(&t, "RTMIN+");
		sig -= SIGRTMIN;
	}
	out_u64(&t, (uint32_t)sig);
	return buf;
}

/* The number from 0 to 64 that the text is; -1: the text is anything else. */
static int read_small(const char *s)
{
	int v = 0;

	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || (v = v * 10 + (*s - '0')) > 64)
			return -1;
	}
	return v;
}

int options_signal(const char *text)
{
	int v;

	if (!strcasecmp(text, "none"))
		return 0;
	v = read_small(text);
	if (v > 0 && v <= SIGRTMAX)
		return v;
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	for (int sig = 1; sig < 32 && *text; sig++) {
		if (!strcasecmp(text, names[sig]))
			return sig;
	}
	if (!strcasecmp(text, "POLL"))
		return SIGIO;
	if (!strncasecmp(text, "RTMIN", 5))
		v = !text[5] ? 0 : text[5] == '+' ? read_small(text + 6) : -1;
	else if (!strncasecmp(text, "RTMAX", 5))
		v = !text[5] ? 0 : text[5] == '-' ? read_small(text + 6) : -1;
	else
		return -1;
	if (v < 0 || v > SIGRTMAX - SIGRTMIN)
		return -1;
	return text[4] == 'N' || text[4] == 'n' ? SIGRTMIN + v : SIGRTMAX - v;
}
