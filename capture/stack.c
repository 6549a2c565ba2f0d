/* SPDX-License-Identifier: GPL-2.0-only */
/* See stack.h. */
#include "stack.h"

#include "arch.h"
#include "base/probe.h"

#define NEAR_BYTES	((uintptr_t)1 << 20)	/* a stack pointer further below the range is on another stack */
#define GROW_MAX	((uintptr_t)256 << 20)	/* bytes that are probed at most: larger frames cannot be followed */

bool stack_grow_up(struct stack_range *r, uintptr_t end)
{
	if (end <= r->high)
		return true;
	if (end - r->high > GROW_MAX)
		return false;
	while (r->high < end && probe_readable(r->high))
		r->high += STACK_PAGE;
	return r->high >= end;
}

bool stack_grow_down(struct stack_range *r, uintptr_t start)
{
	start &= ~(STACK_PAGE - 1);
	if (start >= r->high || r->low - start > NEAR_BYTES) {
		r->low = r->high = start;
		return stack_grow_up(r, start + STACK_PAGE);
	}
	while (r->low > start && probe_readable(r->low - STACK_PAGE))
		r->low -= STACK_PAGE;
	if (r->low > start)	/* there is a gap, so this is another stack */
		r->low = r->high = start;
	return stack_grow_up(r, start + STACK_PAGE);
}

bool stack_lacks(uintptr_t sp, uintptr_t top, uintptr_t start, uintptr_t end)
{
	uintptr_t at = (sp + sizeof(at) - 1) & ~(sizeof(at) - 1), page = 0;

	if (top <= at || top - at > GROW_MAX)
		return false;
	for (; at + sizeof(at) <= top; at += sizeof(at)) {
		uintptr_t word;

		if ((at & ~(STACK_PAGE - 1)) != page) {
			page = at & ~(STACK_PAGE - 1);
			if (!probe_readable(page))
				return false;
		}
		word = *(const uintptr_t *)at;
#ifdef ARCH_DWARF_FP
		word = arch_return_address(word);
#endif
		if (word - start < end - start)
			return false;
	}
	return true;
}
