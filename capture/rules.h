/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unwind rules. A rule is a row of the unwind information (cfi.h) packed into one word: it says how to get from a
 * frame to its caller's frame. Rules are kept in a cache.
 *
 *	bits	0-2	3-4		5-25		26-44			45-63
 *		kind	FP's kind	CFA's offset	FP's offset		return address's offset
 *	e.g.	SP	AT_CFA		4 (32 bytes)	-2 (-16 bytes)		-1 (-8 bytes)
 *		cfa = sp + 32; fp = *(cfa - 16); pc = *(cfa - 8); sp = cfa
 *
 * The cache is an array of {check, rule} pairs, indexed by the address's low bits, so that the call sites of one
 * piece of code lie side by side. check is address ^ rule ^ stamp, and the stamp changes whenever a
 * module comes or goes. A pair that two threads have written at the same time, or that is read while it is
 * being written, fails the check and counts as a miss. So the cache needs no lock and no atomic pair.
 *
 * Async-signal-safe, any number of threads.
 */
#ifndef CAPTURE_RULES_H
#define CAPTURE_RULES_H

#include "base/atomics.h"

#include <stdbool.h>
#include <stdint.h>

/* The fields of a rule, lowest bits first. Offsets are signed and in units of 8 bytes. */
#define KIND_BITS	3
#define FP_BITS		2
#define CFA_SHIFT	5
#define CFA_BITS	21
#define FP_SHIFT	26
#define OFFSET_BITS	19
#define RA_SHIFT	45

enum rule_kind {
	KIND_UNKNOWN,	/* the module is not known now */
	KIND_SP,	/* the CFA is the stack pointer plus the offset */
	KIND_FP,	/* the CFA is the frame pointer plus the offset */
	KIND_DEREF,	/* the CFA is the word at the frame pointer plus the offset (realigned frames) */
	KIND_SIGNAL,	/* the signal trampoline */
	KIND_END,	/* the stack ends, or there is no unwind information: see END_NO_CFI */
	KIND_GIVE_UP,	/* a form that the fast unwinder does not follow */
	KIND_LEAF,	/* as KIND_SP, but the return address is still in the link register */
};
enum fp_kind {
	FP_SAME,	/* the function has not changed the frame pointer */
	FP_AT_CFA,	/* the function has saved it at the CFA plus the offset */
	FP_AT_FP,	/* the function has saved it at the frame pointer plus the offset */
};

/*
 * A rule of KIND_END leads nowhere by itself. Without END_NO_CFI the unwind information says that the stack ends
 * there. With END_NO_CFI there is no unwind information, and the stack may go on. If the field of the CFA is then not
 * 0, the function has stored a frame record: the field is the CFA's offset from the record, to which the frame
 * pointer should point. The fields at FP_SHIFT and RA_SHIFT are the distances in bytes from the instructions
 * of the prologue to the address (prologue.h).
 */
#define END_NO_CFI	(1u << KIND_BITS)

#define RULES_CACHE_LOG2 12
#define INTERRUPTED	((uint64_t)1 << 63)	/* part of the key of an address that is no return address */

struct rule_slot {
	uint64_t check, rule;
};

extern struct rule_slot *rules_cache HIDDEN;
extern uint64_t rules_stamp HIDDEN;	/* changes when all rules become void */

/* Is called at the start. Returns false if this machine or libc has no unwind rules. */
bool rules_init(void);

/* Not 0 while this thread unloads modules. The code that it meets may vanish at any moment, so its rules are not
 * put into the cache. */
extern __thread unsigned rules_unloading HIDDEN;

/* Finds a rule in the modules' unwind information and puts it into the cache. */
uint64_t rules_miss(uint64_t key);

/* Whether the frame record of the function that holds pc can have ra as its return address. rule_has_record() is
 * true of pc's rule. The answer stays the same as long as the rules are valid. */
bool rules_record_leads(uintptr_t pc, uint64_t rule, uintptr_t ra);

/* Returns the offset in a field, in bytes. */
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

/* Whether a rule of KIND_END comes with a frame record. */
static inline bool rule_has_record(uint64_t rule)
{
	return rule_field(rule, CFA_BITS, CFA_SHIFT);
}

/* Returns one of the distances, in bytes of code, of a rule with a frame record. */
static inline uintptr_t rule_distance(uint64_t rule, unsigned shift)
{
	return rule >> shift & (((uint64_t)1 << OFFSET_BITS) - 1);
}

/* Returns the rule of KIND_FP that is equivalent to following the frame record. */
static inline uint64_t rule_of_record(uint64_t rule)
{
	uint64_t cfa = rule >> CFA_SHIFT & (((uint64_t)1 << CFA_BITS) - 1), mask = ((uint64_t)1 << OFFSET_BITS) - 1;

	return KIND_FP | FP_AT_CFA << KIND_BITS | cfa << CFA_SHIFT | (-cfa & mask) << FP_SHIFT |
	       ((1 - cfa) & mask) << RA_SHIFT;
}

/* Returns the rule for a key: an address, or'ed with INTERRUPTED if it is no return address. */
static inline uint64_t rules_find(uint64_t key, uint64_t stamp)
{
	struct rule_slot *s = &rules_cache[key & (((uint64_t)1 << RULES_CACHE_LOG2) - 1)];
	uint64_t rule = load_relaxed(&s->rule);

	if (likely((load_relaxed(&s->check) ^ rule) == (key ^ stamp)))
		return rule;
	return rules_miss(key);
}

#endif
