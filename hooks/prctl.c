/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prctl() in front of libc's: it can take from the process what a dump at its end needs, and it can name the calling
 * thread.
 *
 * In the strict mode of seccomp(2) a process may only read, write and return from signals: a dump at
 * its end would kill it. So the final dump is taken before, and nothing is recorded afterwards. A
 * filter of seccomp may forbid the thread in which a dump gets descriptors of its own, and prctl() itself.
 *
 * An allocator of the program's own may call prctl() while it initializes itself (chromium's names its
 * mappings), so nothing here may allocate.
 */
#include "export.h"
#include "process/lifecycle.h"
#include "process/own_descriptors.h"
#include "process/record.h"

#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

EXPORT int prctl(int option, ...)
{
	unsigned long a[4];
	bool strict;
	int result;
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option == PR_SET_SECCOMP || option == PR_SET_NO_NEW_PRIVS) {
		own_descriptors_forbid();
		threads_expect_filter();
	}
	strict = option == PR_SET_SECCOMP && a[0] == SECCOMP_MODE_STRICT && lifecycle_is_own_process();
	if (strict) {
		lifecycle_end(true);
		lifecycle_suspend();
	}
	result = (int)syscall(SYS_prctl, option, a[0], a[1], a[2], a[3]);
	if (strict && result)
		lifecycle_resume();
	/* A thread that has not yet called malloc is not listed. Its name is read when it does. */
	lifecycle_visit();
	if (option == PR_SET_NAME && !result && (!guard_self.fresh || threads_own_id() == (uint32_t)getpid()) &&
	    lifecycle_is_own_process())
		threads_name(&recorder.table, threads_own_number(), (const char *)a[0]);
	lifecycle_leave();
	return result;
}
