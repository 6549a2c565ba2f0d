/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pthread_setname_np() in front of libc's: a report shows the newest name of a thread, and the watcher may have to print
 * it when the thread has been killed. (prctl() can name a thread, too: hooks/prctl.c.)
 */
#include "elf/lookup.h"
#include "export.h"
#include "process/lifecycle.h"
#include "process/record.h"

#include <errno.h>
#include <pthread.h>

static __typeof__(pthread_setname_np) *real_setname;

__attribute__((constructor(LOOKUPS))) static void find_real(void)
{
	lookup_next("pthread_setname_np", 1, &real_setname);
}

EXPORT int pthread_setname_np(pthread_t thread, const char *name)
{
	int result;

	if (!real_setname)
		find_real();
	/* Before glibc 2.34 the function is libpthread's, which a program without threads need not have loaded. */
	result = real_setname ? real_setname(thread, name) : ENOSYS;
	lifecycle_visit();
	if (!result && lifecycle_is_own_process())
		threads_name_other(&recorder.table, thread, name);
	lifecycle_leave();
	return result;
}
