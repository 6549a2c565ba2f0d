/* SPDX-License-Identifier: GPL-2.0-only */
/* See enter.h. */
#include "hooks/enter.h"

#include "hooks/real.h"
#include "process/start.h"

bool enter_start(void)
{
	if (!real.malloc)
		real_find();
	return start_recording();
}

__attribute__((cold)) bool enter_slow(void)
{
	for (unsigned times = 0; ; times++) {
		if (load_relaxed(&lifecycle.state) == LIFECYCLE_FORKING && times < 2) {
			guard_leave();
			lifecycle_wait_for_fork();
			guard_enter();
		} else if (lifecycle_is_tracing() || enter_start()) {
			return true;
		} else {
			guard_leave();
			return false;
		}
	}
}

__attribute__((cold)) bool enter_first(unsigned calls)
{
	if (unlikely(!real.malloc)) {
		if (guard_self.inside)
			return false;
		real_find();
	}
	/* In a child after fork, in another library's handler that runs before ours. */
	if (guard_self.forking && load_relaxed(&lifecycle.state) == LIFECYCLE_IDLE)
		lifecycle_adopt_child();
	if (guard_self.inside && !guard_recover(calls + 1))
		return false;
	if (guard_self.fresh && lifecycle_watches_threads()) {
		guard_enter();
		lifecycle_thread_begins();
		guard_drop();
	}
	return true;
}
