/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compares the suffix cache with a model: a stack of words on which functions are called and return at random, each with
 * its own form of frame. Walks go along this stack, plainly and with the cache, which is used as in
 * capture/recall/walk.c. The program is built with the sanitizers, so that accesses outside of the cache's arrays are
 * found, too. Prints TAP; tests/units.t builds and runs it.
 */
#include "capture/arch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef ARCH_DWARF_FP

#include "capture/recall/suffixes.h"

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

/* Some functions end the walk when the return address in their frame record does not pass the checks; this cannot be kept. */
static bool has_record(unsigned f)
{
	return functions[f].by_fp && f % 8 == 5;
}

static bool is_believed(uintptr_t at_pc, uintptr_t caller)
{
	return (at_pc / 0x10 + caller / 0x10) % 61;
}

static uint64_t step_of(uintptr_t at)
{
	unsigned f = function_of(at);

	if (!f)
		return (uint64_t)STEP_END << STEP_KIND_SHIFT;
	return (uint64_t)(functions[f].by_fp ? STEP_FP : STEP_SP) << STEP_KIND_SHIFT |
	       (functions[f].saves_fp ? STEP_SAVES_FP : 0) |
	       (uint64_t)(ARCH_LINK_REGISTER ? 1 : 2) << STEP_PLACE_SHIFT |
	       (uint64_t)(functions[f].by_fp ? 2 : functions[f].words) << STEP_CFA_SHIFT;
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
	uint64_t how = step_of(*at_pc);
	uintptr_t cfa;

	if (step_kind(how) == STEP_END)
		return false;
	if (has_record(function_of(*at_pc)) && !returns && !is_believed(*at_pc, ((const uintptr_t *)*at_fp)[1]))
		return false;
	cfa = (step_kind(how) == STEP_FP ? *at_fp : *at_sp) + step_cfa(how);
	if (how & STEP_SAVES_FP)
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
	unsigned hits, longest, wrong, refused, forgot, limited;
} seen;

/* The hash of `count` frames from the position on, without what lies outward of them. */
static uint64_t plain_hash(uintptr_t at_pc, uintptr_t at_sp, uintptr_t at_fp, unsigned count)
{
	uintptr_t here = at_pc;

	if (!count)
		return 0;
	return suffix_mix(step(&at_pc, &at_sp, &at_fp, false) ? plain_hash(at_pc, at_sp, at_fp, count - 1) : 0, here);
}

static uint64_t power(unsigned n)
{
	uint64_t p = 1;

	while (n-- > 0)
		p *= SUFFIX_STEP;
	return p;
}

/* The suffix of position `at` has to be the one that a plain walk finds: as far as `needed` frames, or the stack's end. */
static void compare(const struct suffix_stack *s, unsigned at, uintptr_t at_pc, uintptr_t at_sp, uintptr_t at_fp,
		    unsigned needed)
{
	const struct suffix_position *p = s->positions;
	unsigned all = needed < at ? needed : at;
	uint64_t outer = needed < at ? p[at - needed].suffix.hash : 0;

	seen.wrong += p[at].suffix.hash - outer * power(all) != plain_hash(at_pc, at_sp, at_fp, all);
	for (unsigned k = 0; k < all; k++) {
		seen.wrong += p[at - k].pc != at_pc || p[at - k].sp != at_sp || p[at - k].suffix.node != (uint32_t)at_pc;
		if (!step(&at_pc, &at_sp, &at_fp, false)) {
			seen.wrong += k + 1 != at && k + 1 != needed;	/* the stack ends where the cache says */
			break;
		}
		seen.wrong += k + 1 == at && at < needed;
	}
}

/*
 * Walks until it meets a known position that has as many frames as are asked for, at most `asked` with those that were
 * walked, and teaches the cache what it has walked. A node is the address.
 */
static void look(struct suffix_stack *s, unsigned asked)
{
	static struct walked w[DEEPEST];
	static uint32_t nodes[DEEPEST];
	uintptr_t at_pc = pc, at_sp = sp, at_fp = fp, high = (uintptr_t)&words[WORDS];
	const struct suffix_position *p = s->positions;
	unsigned meets = suffix_unchanged(s, suffix_outward(s, sp), asked, high), n = 1, at = 0, before = s->count;
	unsigned valid = random_below(8) ? SUFFIX_ALL : asked;
	bool cut = false, refused = false;

	while (n < asked + EXTRA) {
		unsigned needed = n < asked ? asked - n : 0;

		for (; meets && p[meets].sp <= at_sp; meets--) {
			if (suffix_is(&p[meets], at_pc, at_sp, needed) && (!p[meets].fp_matters || p[meets].fp == at_fp)) {
				at = meets;
				break;
			}
		}
		if (at)
			break;
		w[n] = (struct walked){ .pc = at_pc, .sp = at_sp, .step = step_of(at_pc) };
		nodes[n] = (uint32_t)at_pc;
		n++;
		refused = step_kind(w[n - 1].step) != STEP_END;
		if (!step(&at_pc, &at_sp, &at_fp, false))
			break;
		refused = false;
		cut = n >= asked + EXTRA;
	}
	if (at) {
		seen.hits++;
		seen.longest = at > seen.longest ? at : seen.longest;
		seen.limited += p[at].valid_frames != SUFFIX_ALL;
		compare(s, at, at_pc, at_sp, at_fp, n < asked ? asked - n : 0);
	}
	seen.refused += refused;
	if (!refused && n > 1 && n <= valid) {
		suffix_learn(s, at, w, n, cut, fp, nodes, valid);
		seen.forgot += s->count < at + n - 1 || (!s->count && before);
	}
}

int main(void)
{
	struct suffix_stack *s = aligned_alloc(64, sizeof(*s));

	if (!s)
		return 1;
	memset(s, 0, sizeof(*s));
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
		look(s, i % 7 ? 20 : 100);
	}
	ok(!seen.wrong, "what the cache knows of a stack is what is there");
	ok(seen.hits > 100000, "it is asked, and knows");
	ok(seen.refused > 1000, "also where a walk ends because of a word that it does not keep");
	ok(seen.limited > 1000, "also where the nodes stand for some of the frames only");
	ok(seen.longest > SUFFIX_POSITIONS / 2 && seen.forgot, "and forgets the outer part of a stack that is too long");
	printf("# known %u, longest %u, limited %u, refused %u, forgotten %u, wrong %u\n", seen.hits, seen.longest, seen.limited,
	       seen.refused, seen.forgot, seen.wrong);
	printf("1..%u\n", tests);
	free(s);
	return 0;
}

#else

int main(void)
{
	printf("ok 1 - the suffix cache # SKIP this machine has no fast unwinder\n1..1\n");
	return 0;
}

#endif
