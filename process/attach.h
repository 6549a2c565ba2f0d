/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What heaptrace_attach() and heaptrace_detach() answer (hooks/attach.h), for the library and for the wrapper, which
 * calls the two in another process.
 */
#ifndef PROCESS_ATTACH_H
#define PROCESS_ATTACH_H

/* Parts of the answer's agreement between the two programs: numbers never change. */
enum attach_result {
	ATTACH_DONE = 0,
	ATTACH_PRELOADED = 1,		/* the process has been traced from its start */
	ATTACH_TWICE = 2,		/* it has been attached to already */
	ATTACH_OTHER_COPY = 3,		/* another copy of the library is in the process */
	ATTACH_RIGHTS = 4,		/* the program has more rights than its caller (process/rights.h) */
	ATTACH_OPTIONS = 5,		/* the options cannot be read */
	ATTACH_MEMORY = 6,		/* no memory for the table */
	ATTACH_BUSY = 7,		/* a thread is inside a hook, or another attach or detach is under way */
	ATTACH_CODE = 8,		/* the calls of malloc cannot be led to the library */
	ATTACH_NOT = 9,			/* detach: the process is not attached to */
	ATTACH_LOADER = 10,		/* the dynamic loader does not call the library */
	ATTACH_RESULTS
};

/* What an answer means, as a clause for the user: "the process is ...". Any number. */
const char *attach_reason(int result);

#endif
