/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unwind rules: how to get from one address's frame to the next outward, in one word, kept in
 * a cache.
 *
 * The cache is an array of {check, rule} pairs, indexed by the address's low bits, so that
 * the call sites of one piece of code lie side by side. check is address ^ rule ^ stamp; the
 * stamp changes whenever a module comes or goes. A pair that two threads wrote at the same time,
 * or that is read while it is written, fails the test and is a miss. So the cache needs no lock
 * and no atomic pair.
 *
 * Async-signal-safe, any number of threads.
 */
#ifndef CAPTURE_RULES_H
#define CAPTURE_RULES_H

#include "base/atomics.h"

#include <stdbool.h>
#include <stdint.h>

/* Fields of a rule, lowest bits first. Offsets are signed and count 8 bytes. */
#define KIND_BITS	3
#define FP_BITS		2
#define CFA_SHIFT	5
#define CFA_BITS	21
#define FP_SHIFT	26
#define OFFSET_BITS	19
#define RA_SHIFT	45

enum rule_kind { KIND_UNKNOWN, KIND_SP, KIND_FP, KIND_DEREF, KIND_SIGNAL, KIND_END, KIND_GIVE_UP, KIND_LEAF };
enum fp_kind { FP_SAME, FP_AT_CFA, FP_AT_FP };

/*
 * A rule of KIND_END leads nowhere. Without more, the stack ends there: the unwind information says
 * so. END_NO_CFI: there is no information; the stack may go on. Then the field of the CFA, if it is not 0,
 * is how far that is from the frame pointer if this is a frame record's address, and FP_SHIFT and RA_SHIFT have
 * how many bytes of code lie between the address and the instructions that make that so (prologue.h).
 */
#define END_NO_CFI	(1u << KIND_BITS)

#define RULES_CACHE_LOG2 15
#define INTERRUPTED		((uint64_t)1 << 63)	/* key of an address that no call returns to */

struct rule_slot {
	uint64_t check, rule;
};

extern struct rule_slot *rules_cache HIDDEN;
extern uint64_t rules_stamp HIDDEN;	/* changes when all rules become void */

/* At start. False: this machine or libc has no unwind rules. */
bool rules_init(void);

/* Set while this thread unloads modules: what it meets may be gone at any moment, and is not
 * kept. */
extern __thread unsigned rules_unloading HIDDEN;

/* Reads the tables, and keeps what it found. */
uint64_t rules_miss(uint64_t key);

/* Whether the record of the function that holds pc can have ra as its return address: pc's rule has
 * such a record. True or false for as long as the rules are valid. */
bool rules_record_leads(uintptr_t pc, uint64_t rule, uintptr_t ra);

static inline int64_t rule_field(uint64_t rule, unsigned bits, unsigned shift)
{
	return ((int64_t)(rule << (64 - bits - shift)) >> (64 - bits)) * 8;
}

static inline unsigned rule_kind(uint64_t rule)
{
	return rule & ((1u << KIND_BITS) - 1);
}

static inline unsigned rule_fp_kind(uint64_t rule)
{
	return rule >> KIND_BITS & ((1u << FP_BITS) - 1);
}

static inline bool rule_has_no_cfi(uint64_t rule)
{
	return (rule & (END_NO_CFI | ((1u << KIND_BITS) - 1))) == (KIND_END | END_NO_CFI);
}

/* Of a rule of KIND_END. */
static inline bool rule_has_record(uint64_t rule)
{
	return rule_field(rule, CFA_BITS, CFA_SHIFT);
}

/* The bytes of code that such a rule counts. */
static inline uintptr_t rule_distance(uint64_t rule, unsigned shift)
{
	return rule >> shift & (((uint64_t)1 << OFFSET_BITS) - 1);
}

/* The rule by which the walk goes on from a record that has proven itself. */
static inline uint64_t rule_of_record(uint64_t rule)
{
	uint64_t cfa = rule >> CFA_SHIFT & (((uint64_t)1 << CFA_BITS) - 1), mask = ((uint64_t)1 << OFFSET_BITS) - 1;

	return KIND_FP | FP_AT_CFA << KIND_BITS | cfa << CFA_SHIFT | (-cfa & mask) << FP_SHIFT |
	       ((1 - cfa) & mask) << RA_SHIFT;
}

/* key: the address, or'ed with INTERRUPTED when it is no return address. */
static inline uint64_t rules_find(uint64_t key, uint64_t stamp)
{
	struct rule_slot *s = &rules_cache[key & (((uint64_t)1 << RULES_CACHE_LOG2) - 1)];
	uint64_t rule = load_relaxed(&s->rule);

	if (likely((load_relaxed(&s->check) ^ rule) == (key ^ stamp)))
		return rule;
	return rules_miss(key);
}

#endif
