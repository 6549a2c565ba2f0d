/* SPDX-License-Identifier: GPL-2.0-only */
/* See attach.h. */
#include "attach.h"

#include <stddef.h>

static const char *const reasons[ATTACH_RESULTS] = {
	[ATTACH_DONE] = "it is traced",
	[ATTACH_PRELOADED] = "it has been traced since its start (heaptrace --control=PID changes what is recorded)",
	[ATTACH_TWICE] = "it is traced already (heaptrace --control=PID changes what is recorded, --detach=PID ends "
			 "it)",
	[ATTACH_OTHER_COPY] = "another copy of heaptrace's library is loaded there (was another heaptrace attached to "
			      "it?)",
	[ATTACH_RIGHTS] = "its program has the rights of another user or group, or file capabilities",
	[ATTACH_OPTIONS] = "its library does not understand the options (is it of another version of heaptrace?)",
	[ATTACH_MEMORY] = "there is no memory for the table there (a limit on address space? see ulimit -v)",
	[ATTACH_BUSY] = "a thread has not come out of an allocation for some seconds (try again)",
	[ATTACH_CODE] = "its calls of malloc() cannot be redirected (no /proc there, or a security policy forbids to "
			"change code)",
	[ATTACH_NOT] = "heaptrace is not attached to it",
	[ATTACH_LOADER] = "its dynamic loader is not glibc's, or not one that heaptrace knows",
};

const char *attach_reason(int result)
{
	if (result < 0 || result >= ATTACH_RESULTS || !reasons[result])
		return "for a reason that is not known here";
	return reasons[result];
}
