/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See prologue.h. Instructions are recognized by their bytes at any address. As the code is not decoded from its
 * beginning, bytes within one instruction may look like another one. Such a mistake costs a frame, or
 * weakens one of several conditions, but cannot lead to a load that faults.
 */
#include "prologue.h"

#include "arch.h"

#ifdef ARCH_DWARF_FP

#include "elf/loaded.h"
#include "base/probe.h"

#define ENTRY_REACH	((uintptr_t)4096)	/* bytes from a function's start to its prologue, at most */
#define ENDS_MAX	16			/* epilogues that are checked at most */

/* Returns the lowest address, but not below `least`, from which code up to `high` can be read. */
static const uint8_t *readable_from(uintptr_t high, uintptr_t least)
{
	uintptr_t page = (high - 1) & ~(PROBE_PAGE - 1);

	if (!probe_readable(page))
		return (const uint8_t *)high;
	while (page > least && probe_readable(page - 1))
		page -= PROBE_PAGE;
	return (const uint8_t *)(page > least ? page : least);
}

/* Whether code before `end` jumps to a place between `end` and pc. If so, the function goes on behind `end`. */
static bool is_jumped_over(const uint8_t *start, const uint8_t *end, uintptr_t pc)
{
	uintptr_t target;

	for (const uint8_t *at = start; at + ARCH_JUMPS_BYTES <= end; at += ARCH_CODE_STEP) {
		if (arch_jumps(at, &target) && target >= (uintptr_t)end && target < pc)
			return true;
	}
	return false;
}

/* Whether there is no sign that a function ends, or another one begins, between the prologue and pc. */
static bool is_one_function(const uint8_t *start, uintptr_t pc)
{
	const uint8_t *high = (const uint8_t *)pc;
	unsigned ends = 0;
	uintptr_t target;

	for (const uint8_t *at = start; at < high; at += ARCH_CODE_STEP) {
		unsigned bytes = at + ARCH_ENDS_BYTES <= high ? arch_ends_frame(at) : 0;

		if (bytes && (++ends > ENDS_MAX || !is_jumped_over(start, at + bytes, pc)))
			return false;
		if (at + ARCH_REFERS_BYTES <= high && arch_refers(at, &target) &&
		    target > (uintptr_t)start && target < pc)
			return false;
	}
	return true;
}

bool prologue_find(uintptr_t pc, uintptr_t gap_start, struct prologue *p)
{
	uintptr_t least = pc - gap_start > PROLOGUE_REACH ? pc - PROLOGUE_REACH : gap_start;
	const uint8_t *low, *at;
	unsigned back;

	if (gap_start >= pc || pc % ARCH_CODE_STEP)
		return false;
	low = readable_from(pc, least);
	if ((uintptr_t)low % ARCH_CODE_STEP)
		return false;
	for (at = (const uint8_t *)pc - ARCH_SETS_BYTES; at >= low; at -= ARCH_CODE_STEP) {
		if (arch_sets_frame_pointer(at))
			break;
	}
	if (at < low)
		return false;
	back = arch_stores_record(low, at, &p->cfa_offset);
	p->sets = (uintptr_t)at;
	p->stores = (uintptr_t)(at - back);
	return back && is_one_function(at, pc);
}

/* Whether the address lies in an executable segment of a module. */
static bool is_in_code(uintptr_t address)
{
	struct loaded_module m;

	return loaded_find(address, &m) == LOADED_FOUND && loaded_is_code(&m, address);
}

/* If there is a stub of the procedure linkage table (PLT) at *target, replaces *target by the function to which the
 * stub jumps. */
static void follow_stub(uintptr_t *target)
{
	uintptr_t at = *target, slot;

	if (is_in_code(at) && probe_readable(at) && probe_readable(at + ARCH_STUB_BYTES - 1) &&
	    arch_stub_slot((const uint8_t *)at, &slot) && slot % sizeof(slot) == 0 && probe_readable(slot))
		*target = *(const uintptr_t *)slot;
}

/* Whether the function at `target` is the one with this prologue. */
static bool begins(const struct prologue *p, uintptr_t gap_start, uintptr_t target)
{
	const uint8_t *at = (const uint8_t *)target, *low;

	if (target < gap_start || target > p->stores || p->stores - target > ENTRY_REACH ||
	    target % ARCH_CODE_STEP)
		return false;
	low = readable_from(p->sets, target);
	if (low > at)
		return false;
	for (; (uintptr_t)at < p->sets; at += ARCH_CODE_STEP) {
		if (arch_sets_frame_pointer(at))
			return false;	/* another function begins in between */
	}
	return true;
}

bool prologue_called(const struct prologue *p, uintptr_t gap_start, uintptr_t ra, bool known)
{
	const uint8_t *code = (const uint8_t *)ra;
	uintptr_t target;

	if (ra < PROBE_PAGE || ra % ARCH_CODE_STEP || (!known && !is_in_code(ra - 1)) ||
	    !probe_readable(ra - ARCH_CALL_BYTES) || !probe_readable(ra - 1))
		return false;
	if (arch_direct_call(code, &target)) {
		if (begins(p, gap_start, target))
			return true;
		follow_stub(&target);
		if (begins(p, gap_start, target))
			return true;
	}
	return arch_indirect_call(code);
}

#endif
