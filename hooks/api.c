/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program can call by itself: the functions behind include/heaptrace.h, and those of heaptrack's heaptrack_api.h
 * (https://invent.kde.org/sdk/heaptrack), which mean the same here. What that header says of each function is not repeated.
 */
#include "hooks/enter.h"
#include "hooks/export.h"
#include "include/heaptrace.h"
#include "process/pools.h"
#include "process/session.h"
#include "table/events.h"
#include "table/special.h"
#include "table/timeline.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define IGNORED_MOST	60000

_Static_assert(CONTROL_COMMAND_ON == 1 && CONTROL_COMMAND_OFF == 2 && CONTROL_COMMAND_CLEAR == 3 &&
	       CONTROL_COMMAND_SAMPLE == 4 && CONTROL_COMMAND_DUMP == 5 && CONTROL_COMMAND_MARK == 6,
	       "the header has the commands as numbers");

/*
 * Enters the guard. 0: the caller leaves it again. HEAPTRACE_ABSENT: this process is not traced. EAGAIN: the guard is held,
 * because the calling signal handler has interrupted a hook.
 */
static int __attribute__((noinline)) begin(void)
{
	if (enter(2))
		return 0;
	return guard_self.inside && lifecycle_is_tracing() ? EAGAIN : HEAPTRACE_ABSENT;
}

static void __attribute__((noinline)) end(void)
{
	guard_leave();
}

static int mark(const char *text)
{
	return events_add(&recorder.table, EVENT_MARK, now_precise_ns(), 0, text ? text : "") ? 0 : ENOSPC;
}

EXPORT int heaptrace_api_control(int command, heaptrace_u64 value, const char *text)
{
	int saved = errno, error = begin();
	bool entered = !error;

	if (command < CONTROL_COMMAND_ON || command > CONTROL_COMMAND_MARK)
		error = EINVAL;
	else if (error >= 0 && command == CONTROL_COMMAND_MARK)
		error = mark(text);
	else if (!error && command != CONTROL_COMMAND_DUMP)
		error = control_do((enum control_command)command, value, NULL);
	if (entered)
		end();
	if (error >= 0 && command == CONTROL_COMMAND_DUMP) {
		session_request(SESSION_CONTROL);	/* outside the guard it is taken at once */
		error = 0;
	}
	errno = saved;
	return error == EBUSY ? EAGAIN : error;
}

EXPORT int heaptrace_api_dump_to(const char *path)
{
	int saved = errno, error;

	if (!path || !*path)
		return EINVAL;
	if (strlen(path) >= PATH_MAX)
		return ENAMETOOLONG;
	lifecycle_visit();
	error = begin();
	if (!error) {
		error = lifecycle_is_own_process() ? session_dump_to(path) : HEAPTRACE_ABSENT;
		end();
	}
	lifecycle_leave();
	errno = saved;
	return error;
}

EXPORT int heaptrace_api_state(void)
{
	int error = begin();
	uint32_t mode = control_mode(recorder.mode);

	if (!error)
		end();
	if (error < 0)
		return HEAPTRACE_ABSENT;
	return mode == CONTROL_EXACT ? HEAPTRACE_EXACT : mode < CONTROL_OFF ? HEAPTRACE_SAMPLED : HEAPTRACE_OFF;
}

EXPORT int heaptrace_api_totals(struct heaptrace_totals *totals)
{
	int error = totals->size < HEAPTRACE_TOTALS_BYTES ? EINVAL : begin();
	const struct table_header *h = recorder.table.head;
	struct timeline_point sums;

	if (error && error != EAGAIN)
		return error;
	totals->bytes = timeline_live_size(&recorder.table);
	if (totals->size >= sizeof(*totals)) {
		timeline_sum(&recorder.table, &sums);
		totals->bytes = sums.live_size;
		totals->blocks = sums.live_count;
		totals->calls = sums.total_count;
	}
	totals->peak_bytes = load_relaxed(&h->totals.peak_size);
	if (totals->peak_bytes < totals->bytes)
		totals->peak_bytes = totals->bytes;
	totals->sample_bytes = load_relaxed(&h->sample_bytes);
	if (!error)
		end();
	return 0;
}

/* Needs no guard: the counter is the thread's own. */
EXPORT int heaptrace_api_ignore(int more)
{
	if (more && guard_self.ignoring >= IGNORED_MOST)
		return EOVERFLOW;
	if (!more && !guard_self.ignoring)
		return EINVAL;
	guard_self.ignoring = (uint16_t)(guard_self.ignoring + (more ? 1 : -1));
	return 0;
}

/* ---- Pools ---- */

EXPORT heaptrace_pool_t heaptrace_api_pool(const char *name)
{
	uint32_t number = 0;

	if (name && !begin()) {
		number = special_name_number(&recorder.table, name);
		end();
	}
	return number;
}

#define HEAPTRACK	UINT32_MAX

/* The pool of blocks that are reported by heaptrack's functions. They may lie at addresses where malloc has blocks, too. */
static uint32_t heaptrack_pool(void)
{
	static const char name[] = "heaptrack";
	static uint32_t number;		/* in the table that there was when it was made */

	if (unlikely(strcmp(special_name(&recorder.table, load_relaxed(&number)), name)))
		store_relaxed(&number, special_name_number(&recorder.table, name));
	return load_relaxed(&number);
}

/* Common to the functions of heaptrace and of heaptrack. A block of a pool becomes another one; NULL: there is no old one, or
 * no new one. pool: HEAPTRACK, or the program's, which can be anything. */
static int __attribute__((noinline)) enter_and_change(uint32_t pool, void *old, void *p, size_t size,
						       const struct capture_point *from)
{
	bool passes = p && !record_is_exact() && control_passes(size), known;
	int error;

	if (passes && !old)
		return 0;
	error = pool < SPECIAL_NAMES || pool == HEAPTRACK ? begin() : EINVAL;
	if (error)
		return error;
	if (pool == HEAPTRACK)
		pool = heaptrack_pool();
	known = !old || pools_free(pool, old);
	if (p && !passes && control_records(NULL, NULL, size))
		pools_alloc(pool, p, size, from);
	end();
	return known ? 0 : ENOENT;
}

EXPORT int heaptrace_api_pool_change(heaptrace_pool_t pool, void *old, void *p, size_t size)
{
	struct capture_point from = CAPTURE_POINT();
	int result = enter_and_change(pool, old, p, size, &from);

	signal_fence();		/* no jump in place of the call: this function's frame is needed */
	return result;
}

EXPORT int heaptrace_api_pool_clear(heaptrace_pool_t pool, void *start, size_t size)
{
	int error = pool < SPECIAL_NAMES ? begin() : EINVAL;

	if (!error) {
		pools_clear(pool, start, size);
		end();
	}
	return error;
}

EXPORT int heaptrace_api_pool_backing(heaptrace_pool_t pool, void *p, size_t size, int more)
{
	int error = pool < SPECIAL_NAMES && p ? begin() : EINVAL;

	if (!error) {
		if (!(more ? pools_back(pool, p, size) : pools_backing_ended(pool, p)))
			error = ENOENT;
		end();
	}
	return error;
}

/* ---- heaptrack's ---- */

#define HEAPTRACK_HOOK(name, parameters, old, p, size)						\
	EXPORT void name parameters;								\
	EXPORT void name parameters								\
	{											\
		struct capture_point from = CAPTURE_POINT();					\
												\
		enter_and_change(HEAPTRACK, old, p, size, &from);				\
		signal_fence();									\
	}

HEAPTRACK_HOOK(heaptrack_report_alloc, (void *p, size_t size), NULL, p, size)
HEAPTRACK_HOOK(heaptrack_report_realloc, (void *old, size_t size, void *p), old, p, size)
HEAPTRACK_HOOK(heaptrack_report_free, (void *p), p, NULL, 0)
