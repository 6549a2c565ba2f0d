/* SPDX-License-Identifier: GPL-2.0-only */
/* See rules.h. */
#include "rules.h"
#include "unwind.h"

#include "arch.h"
#include "base/arena.h"
#include "base/probe.h"
#include "base/sigreturn.h"
#include "cfi.h"
#include "prologue.h"

#ifdef ARCH_DWARF_FP

struct rule_slot *rules_cache;
__thread unsigned rules_unloading;

/*
 * Each new stamp is the last one plus this odd number (2^64 divided by the golden ratio). So no stamp comes again
 * before 2^64 steps, and two stamps that are not far apart differ in bits all over the word, which no two
 * addresses do. An earlier version counted in the 16 bits above all addresses. That count came round
 * after 32,768 calls of dlclose(), and rules of a module that was long gone were valid again.
 *
 * The first one is not 0: an empty slot of a cache would have the check of the address 0, which a null return address is.
 */
#define STAMP_STEP	0x9e3779b97f4a7c15u
uint64_t rules_stamp HOT_DATA = STAMP_STEP;

/*
 * A second cache, for the answers of rules_record_leads(), by the two addresses. It has the same kind of check against
 * words that do not belong together. Its pages are touched only in programs that have code without unwind
 * information.
 */
#define CALLERS_LOG2	12
#define CALLER_LEADS	((uint64_t)1 << 63)

struct caller_slot {
	uint64_t check, caller;
};
static struct caller_slot *callers;

static uint64_t caller_check(uintptr_t pc, uint64_t caller, uint64_t stamp)
{
	return pc ^ stamp ^ caller * STAMP_STEP;
}

bool rules_init(void)
{
	struct cfi_row row;

	/* If modules cannot be found (an old libc, and no /proc), each stack would end with its first frame. */
	if (!cfi_init() || cfi_find((uintptr_t)rules_init, &row) == CFI_UNKNOWN)
		return false;
	if (!rules_cache)	/* a process can be attached to more than once */
		rules_cache = arena_map(sizeof(*rules_cache) << RULES_CACHE_LOG2);
	if (!callers && rules_cache)
		callers = arena_map(sizeof(*callers) << CALLERS_LOG2);
	return callers != NULL;
}

void unwind_forget_rules(void)
{
	add_relaxed(&rules_stamp, STAMP_STEP);
}

static bool fits(int64_t offset, unsigned bits)
{
	return offset % 8 == 0 && offset / 8 >= -((int64_t)1 << (bits - 1)) &&
	       offset / 8 < (int64_t)1 << (bits - 1);
}

static uint64_t field(int64_t offset, unsigned bits, unsigned shift)
{
	return ((uint64_t)(offset / 8) & (((uint64_t)1 << bits) - 1)) << shift;
}

/* Packs a row into a rule. interrupted: the row is of an interrupted instruction, so that the link register still has
 * the value that the function's row refers to. */
static uint64_t pack(const struct cfi_row *row, bool interrupted)
{
	uint64_t rule = row->cfa_deref ? KIND_DEREF : row->cfa_is_fp ? KIND_FP : KIND_SP;

	if (row->ra.where == CFI_UNDEFINED)
		return KIND_END;
	if (ARCH_LINK_REGISTER && interrupted && rule == KIND_SP && row->ra.where == CFI_SAME)
		rule = KIND_LEAF;
	else if (row->ra.where != CFI_AT_CFA)
		return KIND_GIVE_UP;
	if (!fits(row->cfa_offset, CFA_BITS) || !fits(row->fp.offset, OFFSET_BITS) ||
	    !fits(row->ra.offset, OFFSET_BITS))
		return KIND_GIVE_UP;
	if (row->fp.where == CFI_AT_CFA)
		rule |= FP_AT_CFA << KIND_BITS;
	else if (row->fp.where == CFI_AT_FP)
		rule |= FP_AT_FP << KIND_BITS;
	else if (row->fp.where != CFI_SAME && row->fp.where != CFI_UNDEFINED)
		return KIND_GIVE_UP;
	return rule | field(row->cfa_offset, CFA_BITS, CFA_SHIFT) |
	       field(row->fp.offset, OFFSET_BITS, FP_SHIFT) |
	       field(row->ra.offset, OFFSET_BITS, RA_SHIFT);
}

/* Whether pc is in the signal trampoline. Code of unknown origin may not even be readable, so it is probed. */
static bool is_sigreturn(uintptr_t pc)
{
	return probe_readable(pc) && probe_readable(pc + SIGRETURN_BYTES - 1) &&
	       sigreturn_is_at(pc);
}

_Static_assert(PROLOGUE_REACH < (uintptr_t)1 << OFFSET_BITS, "distances fit");

/*
 * The rule of code without unwind information. If the code has a prologue that stores a frame record, the rule says
 * where. The prologue is not looked for in code of no module, which can change, nor for an interrupted
 * instruction, whose frame may be incomplete.
 */
static uint64_t no_cfi_rule(uintptr_t pc, bool interrupted, uintptr_t gap_start)
{
	struct prologue p;

	if (interrupted || !gap_start || !prologue_find(pc, gap_start, &p) || !fits(p.cfa_offset, CFA_BITS))
		return KIND_END | END_NO_CFI;
	return KIND_END | END_NO_CFI | field(p.cfa_offset, CFA_BITS, CFA_SHIFT) |
	       (uint64_t)(pc - p.sets) << FP_SHIFT | (uint64_t)(pc - p.stores) << RA_SHIFT;
}

/* As rules_record_leads(), without the cache. */
static bool record_leads(uintptr_t pc, uint64_t rule, uintptr_t ra)
{
	struct prologue p = {
		.sets = pc - rule_distance(rule, FP_SHIFT),
		.stores = pc - rule_distance(rule, RA_SHIFT),
	};
	struct cfi_row row, caller;
	bool known = cfi_find(ra - 1, &caller) == CFI_FOUND;

	return cfi_find(pc - 1, &row) == CFI_NONE && row.gap_start && prologue_called(&p, row.gap_start, ra, known);
}

bool rules_record_leads(uintptr_t pc, uint64_t rule, uintptr_t ra)
{
	uint64_t stamp = load_acquire(&rules_stamp), seen;
	struct caller_slot *s = &callers[(pc + ra * 31) & (((uint64_t)1 << CALLERS_LOG2) - 1)];
	bool leads;

	if (ra & CALLER_LEADS)
		return false;		/* programs have no such addresses */
	seen = load_relaxed(&s->caller);
	if (likely((seen & ~CALLER_LEADS) == ra && load_relaxed(&s->check) == caller_check(pc, seen, stamp)))
		return seen & CALLER_LEADS;
	leads = record_leads(pc, rule, ra);
	if (!rules_unloading) {
		seen = ra | (leads ? CALLER_LEADS : 0);
		store_relaxed(&s->caller, seen);
		store_relaxed(&s->check, caller_check(pc, seen, stamp));
	}
	return leads;
}

/* Finds a rule in the unwind information. For a return address the call instruction counts, which is the one before
 * it: the return address itself can belong to the next function. */
static uint64_t find_rule(uintptr_t pc, bool interrupted)
{
	struct cfi_row row;

	switch (cfi_find(interrupted ? pc : pc - 1, &row)) {
	case CFI_FOUND:
		if (row.signal_frame)
			return is_sigreturn(pc) ? KIND_SIGNAL : KIND_GIVE_UP;
		return pack(&row, interrupted);
	case CFI_NONE:
		return is_sigreturn(pc) ? KIND_SIGNAL : no_cfi_rule(pc, interrupted, row.gap_start);
	case CFI_UNSUPPORTED:
		break;
	case CFI_UNKNOWN:
		return KIND_UNKNOWN;
	}
	return KIND_GIVE_UP;
}

uint64_t __attribute__((noinline)) rules_miss(uint64_t key)
{
	uint64_t stamp = load_acquire(&rules_stamp), rule;
	struct rule_slot *s = &rules_cache[key & (((uint64_t)1 << RULES_CACHE_LOG2) - 1)];

	rule = find_rule((uintptr_t)(key & ~INTERRUPTED), key & INTERRUPTED);
	if (rule == KIND_UNKNOWN || rules_unloading)
		return rule;
	store_relaxed(&s->rule, rule);
	store_relaxed(&s->check, key ^ stamp ^ rule);
	return rule;
}

void unwind_remember(bool yes)
{
	rules_unloading += yes ? -1u : 1u;
}

#else

void unwind_remember(bool yes)
{
	(void)yes;
}

bool rules_init(void)
{
	return false;
}

void unwind_forget_rules(void)
{
}

#endif
