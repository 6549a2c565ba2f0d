/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See unwind.h. The cache is an array of {check, rule} pairs, indexed by the address's low
 * bits, so that the call sites of one piece of code lie side by side. check is
 * address ^ rule (and the generation): a pair that two threads wrote at the same time, or
 * that is read while it is written, fails the test and is a miss. So the cache needs no lock
 * and no atomic pair.
 */
#include "unwind.h"

#include "arch.h"
#include "base/arena.h"
#include "base/atomics.h"
#include "base/probe.h"
#include "cfi.h"
#include "stack.h"

#ifdef ARCH_DWARF_FP

/* Fields of a rule, lowest bits first. Offsets are signed and count 8 bytes. */
#define KIND_BITS	3
#define FP_BITS		2
#define CFA_SHIFT	5
#define CFA_BITS	21
#define FP_SHIFT	26
#define OFFSET_BITS	19
#define RA_SHIFT	45

enum kind { KIND_UNKNOWN, KIND_SP, KIND_FP, KIND_DEREF, KIND_SIGNAL,
	    KIND_END, KIND_GIVE_UP, KIND_LEAF };
enum fp_kind { FP_SAME, FP_AT_CFA, FP_AT_FP };

#define CACHE_LOG2	15
#define EXACT		((uint64_t)1 << 63)	/* key of an address that no call returns to */

struct slot {
	uint64_t check, rule;
};

static struct slot *cache;
static uint64_t generation;		/* in the upper bits: generation << 48 */
static __thread struct stack_range known_stack;

bool unwind_init(void)
{
	if (!cfi_init())
		return false;
	cache = arena_map(sizeof(*cache) << CACHE_LOG2);
	return cache != NULL;
}

void unwind_forget_rules(void)
{
	add_relaxed(&generation, (uint64_t)1 << 48);
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

static inline int64_t get_field(uint64_t rule, unsigned bits, unsigned shift)
{
	return (int64_t)(rule << (64 - bits - shift)) >> (64 - bits) << 3;
}

/* exact: of an interrupted instruction, where the link register still is what it was. */
static uint64_t pack(const struct cfi_row *row, bool exact)
{
	uint64_t rule = row->cfa_deref ? KIND_DEREF : row->cfa_is_fp ? KIND_FP : KIND_SP;

	if (row->ra.where == CFI_UNDEFINED)
		return KIND_END;
	if (ARCH_LINK_REGISTER && exact && rule == KIND_SP && row->ra.where == CFI_SAME)
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

/* Whether a signal handler returns to pc; code of unknown origin may not even be readable. */
static bool is_sigreturn(uintptr_t pc)
{
	return probe_readable(pc) && probe_readable(pc + ARCH_SIGRETURN_BYTES - 1) &&
	       arch_is_sigreturn(pc);
}

/* The rule from the tables. A call is the instruction before the one it returns to. */
static uint64_t find_rule(uintptr_t pc, bool exact)
{
	struct cfi_row row;

	switch (cfi_find(exact ? pc : pc - 1, &row)) {
	case CFI_FOUND:
		if (row.signal_frame)
			return is_sigreturn(pc) ? KIND_SIGNAL : KIND_GIVE_UP;
		return pack(&row, exact);
	case CFI_NONE:
		return is_sigreturn(pc) ? KIND_SIGNAL : KIND_END;
	case CFI_UNSUPPORTED:
		break;
	case CFI_UNKNOWN:
		return KIND_UNKNOWN;
	}
	return KIND_GIVE_UP;
}

/* key: the address, or'ed with EXACT when it is no return address. */
static uint64_t __attribute__((noinline)) miss(uint64_t key)
{
	uint64_t stamp = load_acquire(&generation), rule;
	struct slot *s = &cache[key & (((uint64_t)1 << CACHE_LOG2) - 1)];

	rule = find_rule((uintptr_t)(key & ~EXACT), key & EXACT);
	if (rule == KIND_UNKNOWN)	/* given up this time: not to be remembered */
		return rule;
	store_relaxed(&s->rule, rule);
	store_relaxed(&s->check, key ^ stamp ^ rule);
	return rule;
}

static inline uint64_t lookup(uint64_t key, uint64_t stamp)
{
	struct slot *s = &cache[key & (((uint64_t)1 << CACHE_LOG2) - 1)];
	uint64_t rule = load_relaxed(&s->rule);

	if (likely((load_relaxed(&s->check) ^ rule) == (key ^ stamp)))
		return rule;
	return miss(key);
}

static inline uintptr_t load(uintptr_t address)
{
	return *(const uintptr_t *)address;
}

/* A walk's position; range is what may be read of the stack it is on. */
struct walk {
	uintptr_t pc, sp, fp;
	struct stack_range range;
	bool exact;			/* pc was interrupted, not returned to */
	uintptr_t lr;			/* if exact: the link register, where there is one */
};

/* The frame that a signal interrupted; it can be on another stack. */
static bool step_signal(struct walk *w)
{
	uintptr_t context = w->sp;

	if (!stack_reaches(&w->range, context + ARCH_SIGNAL_PC + sizeof(uintptr_t)))
		return false;
	w->fp = load(context + ARCH_SIGNAL_FP);
	w->pc = load(context + ARCH_SIGNAL_PC);
	w->sp = load(context + ARCH_SIGNAL_SP);
	if (ARCH_LINK_REGISTER)
		w->lr = load(context + ARCH_SIGNAL_LR);
	w->exact = true;
	return stack_enter(&w->range, w->sp);
}

/* The caller's frame pointer. False: it is not saved within the frame. */
static inline bool restore_fp(struct walk *w, uint64_t rule, uintptr_t cfa)
{
	unsigned fp_kind = rule >> KIND_BITS & ((1u << FP_BITS) - 1);
	uintptr_t at;

	if (fp_kind == FP_SAME)
		return true;
	at = (fp_kind == FP_AT_CFA ? cfa : w->fp) +
	     (uintptr_t)get_field(rule, OFFSET_BITS, FP_SHIFT);
	if (unlikely(at < w->sp || at >= cfa || at % sizeof(at)))
		return false;
	w->fp = load(at);
	return true;
}

/*
 * From a function that a signal interrupted while its return address was in the link
 * register, with a frame (a leaf's, a prologue's) or without one, whose CFA is sp.
 */
static bool step_leaf(struct walk *w, uint64_t rule)
{
	uintptr_t cfa = w->sp + (uintptr_t)get_field(rule, CFA_BITS, CFA_SHIFT);

	if (cfa < w->sp || cfa % sizeof(cfa) || !stack_reaches(&w->range, cfa) ||
	    !restore_fp(w, rule, cfa))
		return false;
	w->pc = arch_return_address(w->lr);
	w->sp = cfa;
	w->exact = false;
	return true;
}

/* One frame outward by a rule of the kinds SP, FP and DEREF. */
static inline bool step(struct walk *w, uint64_t rule)
{
	unsigned kind = rule & ((1u << KIND_BITS) - 1);
	uintptr_t cfa = (kind == KIND_SP ? w->sp : w->fp) +
			(uintptr_t)get_field(rule, CFA_BITS, CFA_SHIFT);
	uintptr_t at;

	if (unlikely(kind == KIND_DEREF)) {
		if (cfa < w->sp || cfa % sizeof(cfa) || !stack_reaches(&w->range, cfa + sizeof(cfa)))
			return false;
		cfa = load(cfa);
	}
	if (unlikely(cfa <= w->sp || cfa % sizeof(cfa) || !stack_reaches(&w->range, cfa)))
		return false;
	if (!restore_fp(w, rule, cfa))
		return false;
	at = cfa + (uintptr_t)get_field(rule, OFFSET_BITS, RA_SHIFT);
	if (unlikely(at < w->sp || at >= cfa))
		return false;
	w->pc = arch_return_address(load(at));
	w->sp = cfa;
	w->exact = false;
	return true;
}

unsigned unwind_stack(const struct capture_point *point, uintptr_t *frames, unsigned max)
{
	uint64_t stamp = load_relaxed(&generation);
	struct walk w = { .pc = point->pc, .sp = point->sp, .fp = point->fp, .range = known_stack };
	unsigned n = 0;

	if (unlikely(!stack_enter(&w.range, w.sp)))
		return 0;
	for (;;) {
		uint64_t rule;

		frames[n++] = w.pc;
		if (n == max)
			break;
		rule = lookup(w.pc | (w.exact ? EXACT : 0), stamp);
		switch (rule & ((1u << KIND_BITS) - 1)) {
		case KIND_SP:
		case KIND_FP:
		case KIND_DEREF:
			if (unlikely(!step(&w, rule)))
				return 0;
			break;
		case KIND_SIGNAL:
			known_stack = w.range;	/* what follows may be another stack */
			if (!step_signal(&w))
				return 0;
			break;
		case KIND_LEAF:
			if (!ARCH_LINK_REGISTER || !step_leaf(&w, rule))
				return 0;
			break;
		case KIND_END:
			goto done;
		default:
			return 0;
		}
		if (!w.pc)
			break;
	}
done:
	known_stack = w.range;
	return n;
}

#else

bool unwind_init(void)
{
	return false;
}

void unwind_forget_rules(void)
{
}

unsigned unwind_stack(const struct capture_point *point, uintptr_t *frames, unsigned max)
{
	(void)point;
	(void)frames;
	(void)max;
	return 0;
}

#endif
