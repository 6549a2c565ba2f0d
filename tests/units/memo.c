/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compares the memo with a model: a stack of words on which functions are called and return at random, each with
 * its own form of frame. Walks go along this stack, plainly and with the memo, which is used as in
 * capture/paths.c. The program is built with the sanitizers, so that accesses outside of the memo's arrays are
 * found, too. Prints TAP; tests/units.t builds and runs it.
 */
#include "capture/arch.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef ARCH_DWARF_FP

#include "capture/memo.h"

#define WORDS		8192
#define FUNCTIONS	8
#define SITES		2		/* calls in each */
#define DEEPEST		700
#define EXTRA		128

static unsigned tests;

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
}

static uint64_t state = 1;

static unsigned random_below(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

/* The form of each function's frame. */
static struct {
	unsigned words;		/* of the frame, with the return address and the saved frame pointer */
	bool saves_fp, by_fp;
} functions[FUNCTIONS];

static uintptr_t words[WORDS];
static uintptr_t pc, sp, fp;
static unsigned depth;

/* The calls that have led here. */
static struct call {
	uint8_t function, from, to;	/* the caller's site, and the function's own */
	uint8_t more;			/* pairs of words, in a frame that may have any size */
} calls[DEEPEST];

static uintptr_t site_of(unsigned function, unsigned site)
{
	return 0x1000 + (uintptr_t)function * 0x100 + site * 0x10;
}

static unsigned function_of(uintptr_t at)
{
	return (unsigned)((at - 0x1000) / 0x100);
}

static uint64_t field(int64_t offset, unsigned bits, unsigned shift)
{
	return ((uint64_t)(offset / 8) & (((uint64_t)1 << bits) - 1)) << shift;
}

/* Some functions have no unwind information but a frame record. */
static bool has_record(unsigned f)
{
	return functions[f].by_fp && f % 8 == 5;
}

/* Whether the return address in such a record passes the checks. */
static bool is_believed(uintptr_t at_pc, uintptr_t caller)
{
	return (at_pc / 0x10 + caller / 0x10) % 61;
}

static uint64_t rule_of(uintptr_t at)
{
	unsigned f = function_of(at);
	uint64_t rule = functions[f].by_fp ? KIND_FP : KIND_SP;

	if (!f)
		return KIND_END;
	if (has_record(f))
		return KIND_END | END_NO_CFI | field(16, CFA_BITS, CFA_SHIFT);
	if (functions[f].saves_fp)
		rule |= FP_AT_CFA << KIND_BITS;
	return rule | field(functions[f].by_fp ? 16 : functions[f].words * 8, CFA_BITS, CFA_SHIFT) |
	       field(functions[f].saves_fp ? -16 : 0, OFFSET_BITS, FP_SHIFT) | field(-8, OFFSET_BITS, RA_SHIFT);
}

static void make_functions(void)
{
	for (unsigned f = 1; f < FUNCTIONS; f++) {
		functions[f].saves_fp = f % 2;
		functions[f].by_fp = f % 4 == 1;
		functions[f].words = 3 + random_below(6);
	}
}

static void begin(void)
{
	sp = (uintptr_t)&words[WORDS - 8];
	pc = site_of(0, 0);
	fp = 0;
	depth = 1;
}

static void call(struct call c)
{
	uintptr_t cfa = sp;

	pc = site_of(function_of(pc), c.from);
	*(uintptr_t *)(cfa - 8) = pc;
	sp = cfa - functions[c.function].words * 8;
	if (functions[c.function].saves_fp)
		*(uintptr_t *)(cfa - 16) = fp;
	if (functions[c.function].by_fp) {
		fp = cfa - 16;
		sp -= c.more * 16;	/* where what was there before stays */
	} else if (functions[c.function].saves_fp) {
		fp = random_below(1000);	/* a register like any other */
	}
	pc = site_of(c.function, c.to);
	calls[depth++] = c;
}

static struct call any_call(void)
{
	return (struct call){ (uint8_t)(1 + random_below(FUNCTIONS - 1)), (uint8_t)random_below(SITES),
			      (uint8_t)random_below(SITES), (uint8_t)random_below(2) };
}

/* returns: the function itself returns to its caller, whatever a walk can find out. */
static bool step(uintptr_t *at_pc, uintptr_t *at_sp, uintptr_t *at_fp, bool returns)
{
	uint64_t rule = rule_of(*at_pc);
	uintptr_t cfa;

	if (rule == KIND_END)
		return false;
	if (rule_has_no_cfi(rule)) {
		if (!returns && (!walk_record_fits(*at_sp, *at_fp) ||
				 !is_believed(*at_pc, ((const uintptr_t *)*at_fp)[1])))
			return false;
		rule = rule_of_record(rule);
	}
	cfa = (rule_kind(rule) == KIND_FP ? *at_fp : *at_sp) + (uintptr_t)rule_field(rule, CFA_BITS, CFA_SHIFT);
	if (rule_fp_kind(rule) == FP_AT_CFA)
		*at_fp = *(uintptr_t *)(cfa - 16);
	*at_pc = *(uintptr_t *)(cfa - 8);
	*at_sp = cfa;
	return true;
}

static void leave(void)
{
	step(&pc, &sp, &fp, true);
	depth--;
}

/* Some calls return, and the same calls are made again, sometimes with one difference in the outermost of them, or
 * with two differences in the size of frames that cancel each other. */
static void again(unsigned count)
{
	struct call old[DEEPEST];
	unsigned change = random_below(6);

	for (unsigned i = 0; i < count; i++) {
		old[i] = calls[depth - 1];
		leave();
	}
	if (change == 1)
		old[count - 1].from ^= 1;
	if (change == 2 && count > 2) {
		old[count - 1].more ^= 1;
		old[count - 2].more ^= 1;
	}
	while (count-- > 0)
		call(old[count]);
}

static struct {
	unsigned hits, kept, forgot, longest, wrong, no_cfi;
} seen;

/*
 * Walks as many frames as are asked for. The suffix that the memo knows has to be the one that a plain walk finds. Here
 * a suffix's hash is its first address, and its node is the number of frames for which it is valid.
 */
static void look(struct memo *m, unsigned asked)
{
	static struct step steps[DEEPEST];
	static struct suffix suffixes[DEEPEST];
	uintptr_t at_pc = pc, at_sp = sp, at_fp = fp, from = 0, high = (uintptr_t)&words[WORDS];
	unsigned count = 0, before = m->count, valid = random_below(8) ? MEMO_ALL : asked + EXTRA + 1 + random_below(20);
	uint32_t memo_hit = 0;
	bool cut = false;

	for (;;) {
		unsigned more = count < asked ? asked - count : 0;
		uint32_t found = at_sp < from ? 0 : memo_find(m, at_pc, at_sp, at_fp);

		if (found && memo_reaches(m, found, more) && memo_holds(m, found, more, high, &from)) {
			unsigned known = m->positions[found].frames;

			memo_hit = found;
			seen.hits++;
			if (known > seen.longest)
				seen.longest = known;
			for (unsigned k = 0; k <= more; k++) {
				uint32_t position = memo_outward(m, found, k);

				const struct memo_position *f = &m->positions[position];

				seen.wrong += f->pc != at_pc || f->sp != at_sp || f->suffix.hash != at_pc ||
					      (!k && f->suffix.node <= more);
				/* The frames outward of the last one are not asked for. */
				if (!step(&at_pc, &at_sp, &at_fp, k == more)) {
					seen.wrong += known != k + 1;
					break;
				}
			}
			break;
		}
		steps[count] = (struct step){ at_sp, at_fp, at_pc, rule_of(at_pc) };
		suffixes[count] = (struct suffix){ .hash = at_pc, .node = valid == MEMO_ALL ? valid : valid - count };
		cut = count++ >= asked + EXTRA;
		if (cut)
			break;
		if (!step(&at_pc, &at_sp, &at_fp, false)) {
			seen.no_cfi += rule_has_no_cfi(steps[count - 1].rule);
			break;
		}
		if (rule_has_no_cfi(steps[count - 1].rule))
			steps[count - 1].rule = rule_of_record(steps[count - 1].rule);
	}
	if (!count)
		return;
	if (cut)
		steps[count - 1].rule = KIND_END;
	memo_learn(m, steps, count, suffixes, cut, valid, memo_hit);
	if (m->count < before)
		*(m->count > count + 1 ? &seen.kept : &seen.forgot) += 1;
}

int main(void)
{
	struct memo *m = calloc(1, sizeof(*m));

	if (!m)
		return 1;
	memo_clear(m);
	make_functions();
	begin();
	for (unsigned i = 0; i < 300000; i++) {
		/* Most of the time around some depth, which changes. */
		unsigned around = i / 3000 % 5 == 4 ? 600 : 10 + i / 3000 % 5 * 40;

		for (unsigned k = random_below(8); k-- > 0; ) {
			if (depth < DEEPEST && (depth < around ? random_below(5) : !random_below(5)))
				call(any_call());
			else if (depth > 1)
				leave();
		}
		if (depth > 1)
			again(1 + random_below(depth - 1 < 60 ? depth - 1 : 60));
		look(m, i % 7 ? 20 : 100);
	}
	ok(!seen.wrong, "what the memo knows of a stack is what is there");
	ok(seen.hits > 100000, "it is asked, and knows");
	ok(seen.no_cfi > 1000, "also of code without unwind information, whose frame record is not believed");
	ok(seen.kept > 100, "when it has more than usual it keeps the path");
	ok(seen.longest > MEMO_USUAL / 2 && seen.forgot, "and forgets all when that is long");
	printf("# known %u, kept %u, forgotten %u, longest %u, wrong %u\n", seen.hits, seen.kept, seen.forgot,
	       seen.longest, seen.wrong);
	printf("1..%u\n", tests);
	free(m);
	return 0;
}

#else

int main(void)
{
	printf("ok 1 - the memo # SKIP this machine has no fast unwinder\n1..1\n");
	return 0;
}

#endif
