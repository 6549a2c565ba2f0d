/* SPDX-License-Identifier: GPL-2.0-only */
/* Shares of a whole, as reports have them. */
#ifndef BASE_SHARE_H
#define BASE_SHARE_H

#include <stdint.h>

/*
 * How many parts of a whole that has `of` parts a figure is, to the nearest: 432 for 4321 of 10000, where `of` is 1000.
 * Only what is the whole has all of its parts, so that "100.0 %" means all; what is more has more parts. 0 where the
 * whole is 0. `of` is at most 2^31. Any thread, async-signal-safe.
 */
static inline uint64_t share_of(uint64_t figure, uint64_t whole, uint32_t of)
{
	uint64_t times = whole ? figure / whole : 0, rest = whole ? figure % whole : 0, parts;

	if (!whole)
		return 0;
	if (times > UINT64_MAX / of - 1)
		return UINT64_MAX;
	while (whole > UINT64_MAX / 2 / of) {
		whole >>= 1;
		rest >>= 1;
	}
	parts = (rest * of + whole / 2) / whole;
	if (parts >= of && !times)
		parts = of - 1;
	return times * of + parts;
}

#endif
