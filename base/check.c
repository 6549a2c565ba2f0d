/* SPDX-License-Identifier: GPL-2.0-only */
/* See check.h. */
#include "check.h"

#include "kernel.h"
#include "out.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KERNEL_SIGSET_BYTES	(_NSIG / 8)	/* the kernel's sigset_t, which is smaller than libc's */

/* abort() would run the program's handler of SIGABRT, and the hook that dumps before a death by a signal. */
static _Noreturn void stop(void)
{
	/* All zeros: SIG_DFL without flags in the kernel's struct sigaction of any machine, and an empty set. */
	unsigned long none[16];

	memset(none, 0, sizeof(none));
	syscall(SYS_rt_sigaction, SIGABRT, none, NULL, KERNEL_SIGSET_BYTES);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, NULL, KERNEL_SIGSET_BYTES);
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGABRT);
	__builtin_trap();
}

static void print_number(struct out *o, int64_t v)
{
	if (v < 0)
		out_char(o, '-');
	out_u64(o, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

static void begin_line(struct out *o, char *buf, size_t size, const char *file, int line, const char *sentence)
{
	out_init(o, STDERR_FILENO, buf, size);
	out_text(o, "[heaptrace] check failed: ");
	out_text(o, file);
	out_char(o, ':');
	out_u64(o, (uint64_t)line);
	out_text(o, ": ");
	out_text(o, sentence);
}

void check_failed(const char *file, int line, const char *sentence)
{
	char buf[256];
	struct out o;

	begin_line(&o, buf, sizeof(buf), file, line, sentence);
	out_char(&o, '\n');
	out_flush(&o);
	stop();
}

void check_failed_with(const char *file, int line, const char *sentence, int64_t a, int64_t b)
{
	char buf[256];
	struct out o;

	begin_line(&o, buf, sizeof(buf), file, line, sentence);
	out_text(&o, " (");
	print_number(&o, a);
	out_text(&o, ", ");
	print_number(&o, b);
	out_text(&o, ")\n");
	out_flush(&o);
	stop();
}
