/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See attach.h. The order of an attach:
 *
 *	the table, the unwinder, the modules, the output	start_attached()
 *	the real functions of all hooks
 *	forks, ends, signals, and the state of the process	lifecycle_wake(), signals_start()
 *	the program's calls lead to the hooks			interpose_begin()
 *
 * A detach goes the way back, and when no thread is in a hook any more, it takes the last dump. All of this happens while
 * the loader's lock is held, so that no library comes or goes meanwhile.
 */
#include "attach.h"

#include "base/atomics.h"
#include "elf/interpose.h"
#include "elf/lookup.h"
#include "exec.h"
#include "export.h"
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

static void detach(bool dumps)
{
	bool outside;

	guard_enter();
	interpose_end();
	signals_stop();
	outside = lifecycle_sleep();
	guard_drop();
	if (dumps)
		lifecycle_detach();
	guard_enter();
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
	detach(false);
	return ATTACH_CODE;
}

/* The loader calls this, and takes what it returns for the address of the function below. */
static int (*answer(void))(void)
{
	if (request.options)
		request.result = lifecycle_is_asleep() ? attach(request.options) : ATTACH_TWICE;
	else if (lifecycle_is_asleep())
		request.result = ATTACH_NOT;
	else
		detach(true), request.result = ATTACH_DONE;
	return heaptrace_detach;
}

#define RESOLVED	"heaptrace_with_loader"
EXPORT int heaptrace_with_loader(void) __attribute__((ifunc("answer")));

static int ask(const char *options)
{
	uint32_t free = 0;
	int result;

	if (!cas_acq_rel(&request.busy, &free, 1))
		return ATTACH_BUSY;
	request.options = options;
	request.result = ATTACH_LOADER;
	lookup_call_resolver(RESOLVED);
	result = request.result;
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
	return ask(options);
}

EXPORT int heaptrace_detach(void)
{
	return lookup_is_late() ? ask(NULL) : ATTACH_NOT;
}
