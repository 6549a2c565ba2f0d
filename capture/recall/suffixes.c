/* SPDX-License-Identifier: GPL-2.0-only */
/* See suffixes.h. */
#include "capture/arch.h"

#ifdef ARCH_DWARF_FP

#include "suffixes.h"

#include <string.h>

/*
 * An iteration of suffix_unchanged() may also compare the entries before the outermost word. Each of these entries
 * names its own field `value`, which is 0, as its address.
 */
static void begin_words(struct suffix_stack *s)
{
	for (unsigned i = 0; i < SUFFIX_AT_ONCE; i++)
		s->words[i] = (struct suffix_word){ (uintptr_t)&s->words[i].value, 0 };
}

HOT_CODE unsigned suffix_unchanged(const struct suffix_stack *s, unsigned at, unsigned frames, uintptr_t high)
{
	const struct suffix_position *p = s->positions;
	const struct suffix_word *words = s->words + SUFFIX_AT_ONCE, *l, *end = words + p[at].words_end;
	unsigned first = frames < at ? at - frames : 0;

	if (unlikely(high < p[at].high))
		return 0;	/* some of the words may not be readable now */
	/* From the outermost on: what lies inward of a word that has changed is of no use. */
	l = words + p[first].words_end;
	while (l + SUFFIX_AT_ONCE <= end && suffix_eight_same(l + SUFFIX_AT_ONCE))
		l += SUFFIX_AT_ONCE;
	for (; l < end; l++) {
		if (*(const uintptr_t *)l->address != l->value) {
			unsigned changed = (unsigned)(l - words);

			while (at > first && p[at - 1].words_end > changed)
				at--;
			return at - 1;
		}
	}
	return at;
}

static bool uses_fp(uint64_t rule)
{
	return rule_kind(rule) != KIND_SP || rule_fp_kind(rule) == FP_AT_FP;
}

/* Whether this last step of a walk has a frame record that led nowhere. */
static bool has_record(const struct step *s)
{
	return rule_kind(s->rule) == KIND_END && rule_has_record(s->rule);
}

static inline struct suffix_word *add_word(struct suffix_word *l, uintptr_t address, uintptr_t *high)
{
	*l = (struct suffix_word){ address, walk_load(address) };
	if (address + sizeof(address) > *high)
		*high = address + sizeof(address);
	return l + 1;
}

/*
 * Adds the word because of which the frame pointer of the walk's last step leads nowhere: the return address in its
 * frame record. If the frame pointer cannot be the address of a record, the position alone decided that, and there
 * is no word to add.
 */
static inline struct suffix_word *add_refused(struct suffix_word *l, const struct step *s, uintptr_t *high)
{
	return walk_record_fits(s->sp, s->fp) ? add_word(l, s->fp + sizeof(s->fp), high) : l;
}

/* Adds the words that the step from s to the caller o reads, the last one first. Returns where the next word goes. */
static inline struct suffix_word *add_words(struct suffix_word *l, const struct step *s,
					    const struct suffix_position *o, uintptr_t *high)
{
	unsigned fp_kind = rule_fp_kind(s->rule);

	l = add_word(l, o->sp + (uintptr_t)rule_field(s->rule, OFFSET_BITS, RA_SHIFT), high);
	if (fp_kind != FP_SAME && o->fp_matters)
		l = add_word(l, (fp_kind == FP_AT_CFA ? o->sp : s->fp) +
			     (uintptr_t)rule_field(s->rule, OFFSET_BITS, FP_SHIFT), high);
	if (unlikely(rule_kind(s->rule) == KIND_DEREF))
		l = add_word(l, s->fp + (uintptr_t)rule_field(s->rule, CFA_BITS, CFA_SHIFT), high);
	return l;
}

/* Makes room by forgetting the outer half of the positions. Returns the new number of position `at`. */
static unsigned forget_outer(struct suffix_stack *s, unsigned at)
{
	unsigned gone = at / 2, words_gone = s->positions[gone].words_end;

	memmove(s->positions + 1, s->positions + 1 + gone, (at - gone) * sizeof(*s->positions));
	memmove(s->words + SUFFIX_AT_ONCE, s->words + SUFFIX_AT_ONCE + words_gone,
		(s->positions[at - gone].words_end - words_gone) * sizeof(*s->words));
	at -= gone;
	s->cut = true;
	for (unsigned i = 1; i <= at; i++) {
		struct suffix_position *f = &s->positions[i];

		f->words_end = (uint16_t)(f->words_end - words_gone);
		if (f->valid_frames >= i)
			f->valid_frames = (uint16_t)(i - 1);
	}
	return at;
}

void __attribute__((noinline)) suffix_learn(struct suffix_stack *s, unsigned at, const struct step *steps,
					    unsigned count, const struct suffix *suffixes, bool cut,
					    unsigned first_frame, unsigned valid_frames)
{
	struct suffix_position *f;
	struct suffix_word *l;
	unsigned valid;

	if (at && (at + count > SUFFIX_POSITIONS || s->positions[at].words_end + 3 * count > SUFFIX_WORDS))
		at = forget_outer(s, at);
	if (at + count > SUFFIX_POSITIONS || s->positions[at].words_end + 3 * count > SUFFIX_WORDS) {
		s->count = 0;
		return;
	}
	if (!at) {
		begin_words(s);
		s->cut = cut;
	}
	s->count = (uint16_t)(at + count);
	s->inner = (uint16_t)first_frame;
	f = &s->positions[at];
	l = s->words + SUFFIX_AT_ONCE + f->words_end;
	valid = at ? f->valid_frames : cut ? 0 : SUFFIX_ALL;
	for (unsigned i = count; i-- > 0; ) {
		const struct suffix_position *o = f++;
		const struct step *step = &steps[i];
		uintptr_t high = o->high;
		bool outermost = !at && i + 1 == count;

		if (likely(!outermost))
			l = add_words(l, step, o, &high);
		else if (unlikely(has_record(step)))
			l = add_refused(l, step, &high);
		if (valid < SUFFIX_ALL)
			valid++;
		if (valid_frames < SUFFIX_ALL && valid > valid_frames - i)
			valid = valid_frames - i;
		*f = (struct suffix_position){
			.sp = step->sp, .pc = step->pc, .fp = step->fp, .high = high, .suffix = suffixes[i],
			.words_end = (uint16_t)(l - s->words - SUFFIX_AT_ONCE), .valid_frames = (uint16_t)valid,
			.fp_matters = outermost ? has_record(step) :
				      uses_fp(step->rule) || (rule_fp_kind(step->rule) == FP_SAME && o->fp_matters),
		};
	}
}

#endif
