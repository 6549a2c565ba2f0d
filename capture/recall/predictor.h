/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The predictor: inner parts of stacks that were seen before. A root is a function that was called, and the address
 * that the call returns to: frames 0 and 1. It names a few places of the stack, the probes, where some earlier
 * stack from this root had its first return addresses. A hash of the words there selects a prediction: the return
 * addresses of an earlier stack from frame 2 on, with their places. Comparing them proves or refutes the
 * prediction.
 *
 * So the addresses select what to expect without a branch for each, which the processor could not predict; and
 * where all frames are of the same size, recursion for example, each stack has a prediction of its own.
 */
#ifndef CAPTURE_RECALL_PREDICTOR_H
#define CAPTURE_RECALL_PREDICTOR_H

#include "capture/walk.h"
#include "steps.h"

#include "base/suffix.h"

#include <string.h>

#define RUN_MAX		6		/* the most return addresses of a prediction */
#define PREDICTED_LEVELS (RUN_MAX + 1u)	/* the index of the frame that the last of them belongs to */
#define ROOTS_LOG2	10
#define ROOT_TRIES	2u		/* a root is at the place that its hash says, or at the next one */
#define PROBES		RUN_MAX

/* The parts of prediction.kind: the number of return addresses, and two bits. */
#define RUN_COUNT	7u
#define RUN_GOES_ON	8u		/* the stack goes on from the last frame: the suffix cache has to be asked */
#define RUN_BY_FP	16u		/* see prediction.lead */

#define RUN_PC_BITS	48		/* of a return address in prediction.run */
#define RUN_FP_SAME	0xffffu		/* prediction.fp of steps that do not save the frame pointer */

/*
 * A prediction: one cache line. All steps are by rules of KIND_SP; or (RUN_BY_FP) some, the lead, come first, which do
 * not change the frame pointer, and those that follow are of KIND_FP, each with a usual frame record of two words, or
 * by the frame record of code without unwind information, which was proven to lead to these very return addresses.
 * Offsets are in units of 8 bytes from the stack pointer where the stack begins.
 */
struct prediction {
	uint16_t root;			/* the root's number; 0: there is no prediction */
	uint8_t kind;			/* RUN_COUNT and the bits above it */
	uint8_t lead;			/* steps of the lead */
	uint16_t cfa;			/* the stack pointer of the last frame, or of the lead's last */
	uint16_t fp;			/* where the last frame's frame pointer is saved, or RUN_FP_SAME */
	uint32_t value;			/* of the stack that goes on with the suffix `outer`; 0: of none */
	uint32_t outer;			/* the suffix's node in the table */
	uint64_t run[RUN_MAX];		/* each step's return address, and in the upper 16 bits its offset; steps by the
					 * frame pointer have no offset */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct prediction) == 64, "a prediction is one cache line");

struct root {
	uintptr_t pc, function;
	uint16_t probe[PROBES];	/* offsets from sp in bytes; the last is the largest; 0: nothing is predicted */
	uint16_t number;	/* of the root, counted from 1 since all predictions were cleared */
	uint16_t successes;	/* predictions that were right since the last that was wrong, roughly */
	uint32_t right, wrong;	/* predictions by these probes, up to the last that was wrong */
	int16_t balance;	/* wrong predictions count -1, right ones 2; at most 0 */
	uint16_t rests;		/* stacks that were not predicted because predictions were so often wrong */
	uint8_t attempts;	/* how often the probes were set */
	uint8_t best_wrong;	/* of 256 predictions by the best probes so far */
	uint16_t best[PROBES];	/* these probes */
};

/* Where a prediction's last frame is. */
struct run_end {
	uintptr_t pc, sp, fp;
};

static inline unsigned run_count(const struct prediction *p)
{
	return p->kind & RUN_COUNT;
}

static inline uintptr_t run_pc(uint64_t step)
{
	return (uintptr_t)(step & (((uint64_t)1 << RUN_PC_BITS) - 1));
}

/*
 * The offset of the return address of step i, in bytes. A separate load of the upper 16 bits is cheaper than a
 * shift.
 */
static inline uintptr_t run_offset(const struct prediction *p, unsigned i)
{
	uint16_t offset;

	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the offset is in the last bytes");
	memcpy(&offset, (const char *)&p->run[i] + RUN_PC_BITS / 8, sizeof(offset));
	return (uintptr_t)offset * 8;
}

/* A hash of the words at the probes, whose upper bits are good, and of the root's number. */
static inline uint64_t probe_hash(const uint16_t probe[PROBES], uintptr_t sp, uint64_t root)
{
	_Static_assert(PROBES == 6, "there is a word for each probe");
#define WORD(i)			walk_load(sp + probe[i])
#define ROTATED(word, by)	((word) << (by) | (word) >> (64 - (by)))
	uint64_t a = WORD(0), b = WORD(1), c = WORD(2), d = WORD(3), e = WORD(4), f = WORD(5);

	/* Return addresses differ in their lower bits. */
	a ^= ROTATED(b, 24) ^ ROTATED(c, 48) ^ ROTATED(d, 11) ^ ROTATED(e, 33) ^ ROTATED(f, 55);
	return (a + root * 0xd6e8feb86659fd93u) * 0x9e3779b97f4a7c15u;
#undef WORD
#undef ROTATED
}

/* Whether the stack has the six return addresses of the longest run, which goes by the stack pointer only. */
static inline __attribute__((always_inline)) bool six_hold(uintptr_t sp, const struct prediction *p)
{
	_Static_assert(RUN_MAX == 6, "as many steps");
#define HOLDS(i)	(arch_return_address(walk_load(sp + run_offset(p, i))) == run_pc(p->run[i]))
	return likely(HOLDS(0) && HOLDS(1) && HOLDS(2) && HOLDS(3) && HOLDS(4) && HOLDS(5));
#undef HOLDS
}

/* Whether the stack, which can be read from sp up to `high`, has the return addresses of a prediction of any kind. If
 * so, *end gets the prediction's last frame. */
bool prediction_holds(const struct prediction *p, uintptr_t sp, uintptr_t fp, uintptr_t high, struct run_end *end);

/* The last frame of a prediction that six_hold() is true of. */
static inline struct run_end six_end(const struct prediction *p, uintptr_t sp, uintptr_t fp)
{
	return (struct run_end){ run_pc(p->run[RUN_MAX - 1]), sp + p->cfa * 8u,
				 p->fp == RUN_FP_SAME ? fp : walk_load(sp + p->fp * 8u) };
}

/*
 * Makes a prediction of the frames up to frame `last` (2 to PREDICTED_LEVELS) of a walk: all of it but root, value and
 * outer. goes_on: the stack goes on from there. Returns false if the stack is not of the kind.
 */
bool prediction_make(struct prediction *p, const struct walked *w, unsigned last, bool goes_on);

/*
 * Sets a root's probes to the places of a prediction's first `count` return addresses. Where there are fewer of
 * them than probes, the last one is repeated. False: a place is too far away. Where frames are of different sizes,
 * the place of one stack's sixth return address may have anything in another stack, a counter for example; the
 * first few are better then.
 */
bool probes_set(uint16_t probe[PROBES], unsigned count, const struct prediction *p, uintptr_t sp, uintptr_t fp);

#endif
