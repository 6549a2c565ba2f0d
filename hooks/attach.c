/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See attach.h. The order of an attach:
 *
 *	the table, the unwinder, the modules, the output	start_attached()
 *	the real functions of all hooks
 *	forks, ends, signals, and the state of the process	lifecycle_wake(), signals_start()
 *	the program's calls lead to the hooks			interpose_begin()
 *
 * A detach first waits until no thread is in a hook. All that happened up to that moment is recorded, and nothing that
 * happens later: that is what the last dump shows. Then it goes the way back. What looks at modules is done while the
 * loader's lock is held, so that none comes or goes meanwhile.
 */
#include "attach.h"

#include "base/atomics.h"
#include "elf/interpose.h"
#include "elf/lookup.h"
#include "exec.h"
#include "export.h"
#include "process/control.h"
#include "process/guard.h"
#include "process/lifecycle.h"
#include "process/rights.h"
#include "process/signals.h"
#include "process/start.h"
#include "process/storage.h"
#include "real.h"
#include "shell.h"
#include "signal_hooks.h"

#include <stddef.h>

/* What is asked for, while the loader calls answer(). */
static struct {
	uint32_t busy;
	const char *options;		/* NULL: a detach */
	int result;
} request;

/* From now on nothing is recorded. */
static bool fall_asleep(void)
{
	bool outside;

	guard_enter();
	outside = lifecycle_sleep();
	guard_drop();
	return outside;
}

/* When nothing leads to the hooks any more. */
static void end_tracing(bool outside)
{
	guard_enter();
	signals_stop();
	start_detached(outside);
	guard_drop();
}

static int attach(const char *text)
{
	const struct options *options;
	enum attach_result result;

	guard_enter();
	if (!real.malloc)
		real_find();
	exec_init();
	shell_init();
	result = start_attached(text, &options);
	if (result == ATTACH_DONE) {
		if (!lifecycle_wake(options, shell_forked))
			storage_make_private();
		signals_start(signal_hooks_init(), options);
	}
	guard_drop();
	if (result != ATTACH_DONE)
		return result;
	if (interpose_begin())
		return ATTACH_DONE;
	interpose_end();
	end_tracing(fall_asleep());
	return ATTACH_CODE;
}

/* The loader calls this, and takes what it returns for the address of the function below. */
static __attribute__((used)) int (*answer(void))(void)
{
	if (request.options)
		request.result = attach(request.options);
	else
		interpose_end();
	return heaptrace_detach;
}

#define RESOLVED	"heaptrace_with_loader"
EXPORT int heaptrace_with_loader(void) __attribute__((ifunc("answer")));

/* Only one thread at a time. */
static bool begin_request(const char *options)
{
	uint32_t free = 0;

	if (!cas_acq_rel(&request.busy, &free, 1))
		return false;
	request.options = options;
	request.result = ATTACH_LOADER;
	return true;
}

static int end_request(int result)
{
	store_release(&request.busy, 0);
	return result;
}

EXPORT int heaptrace_attach(const char *options)
{
	if (!lookup_is_late())
		return ATTACH_PRELOADED;
	if (rights_are_elevated())
		return ATTACH_RIGHTS;
	if (lookup_first("heaptrace_attach") != (void *)(uintptr_t)heaptrace_attach)
		return ATTACH_OTHER_COPY;
	if (!begin_request(options))
		return ATTACH_BUSY;
	if (!lifecycle_is_asleep())
		return end_request(ATTACH_TWICE);
	lookup_call_resolver(RESOLVED);
	return end_request(request.result);
}

EXPORT int heaptrace_detach(void)
{
	bool outside;

	if (!lookup_is_late())
		return ATTACH_NOT;
	if (!begin_request(NULL))
		return ATTACH_BUSY;
	if (lifecycle_is_asleep())
		return end_request(ATTACH_NOT);
	fall_asleep();
	lookup_call_resolver(RESOLVED);
	control_detached();
	outside = lifecycle_detach();
	end_tracing(outside);
	return end_request(ATTACH_DONE);
}
