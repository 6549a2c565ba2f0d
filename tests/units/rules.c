/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit test of capture/rules.c, speaking TAP; tests/units.t builds and runs it. A rule that has been
 * cached is void from the next unwind_forget_rules() on, and stays so however often that is called:
 * a program that loads and unloads plugins calls it twice for each.
 */
#include "capture/rules.h"
#include "capture/unwind.h"

#include <stdio.h>

#define ROUNDS	300000

static unsigned tests, failures;

static void ok(bool good, const char *what)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
}

int main(void)
{
	uint64_t key = (uintptr_t)main + 1, first;
	unsigned again = 0, exact_again = 0, stamp_again = 0, near_again = 0;
	struct rule_slot *slot;

	if (!rules_init()) {
		printf("ok 1 # SKIP no unwind rules on this machine\n1..1\n");
		return 0;
	}
	slot = &rules_cache[key & (((uint64_t)1 << RULES_CACHE_LOG2) - 1)];
	first = rules_stamp;
	rules_miss(key);
	ok((slot->check ^ slot->rule) == (key ^ rules_stamp), "a rule is found in the cache again");
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t found;

		unwind_forget_rules();
		found = slot->check ^ slot->rule ^ rules_stamp;
		again += found == key;
		exact_again += found == (key | INTERRUPTED);
		/* Any address that shares the slot and whose upper half is that of code. */
		near_again += (found & ((uint64_t)1 << RULES_CACHE_LOG2) - 1) == (key & ((uint64_t)1 << RULES_CACHE_LOG2) - 1) &&
			      (found & ~INTERRUPTED) >> 32 == key >> 32;
		stamp_again += rules_stamp == first;
	}
	ok(!again, "and never after the modules have changed");
	ok(!exact_again, "nor as that of an interrupted instruction");
	ok(!near_again, "nor as that of another address");
	ok(!stamp_again, "a thread that slept meanwhile sees that they have changed");
	printf("1..%u\n", tests);
	return failures > 0;
}
