/* SPDX-License-Identifier: GPL-2.0-only */
/* See suffixes.h. */
#include "capture/arch.h"

#ifdef ARCH_DWARF_FP

#include "suffixes.h"

#include <string.h>

/*
 * An iteration of the comparison may also look at the entries before the outermost word. Each of these entries names
 * its own field `value`, which is 0, as its address.
 */
static void begin_words(struct suffix_stack *s)
{
	for (unsigned i = 0; i < SUFFIX_AT_ONCE; i++)
		s->words[i] = (struct suffix_word){ (uintptr_t)&s->words[i].value, 0 };
}

/* Whether the eight words from l on are unchanged. */
static inline __attribute__((always_inline)) bool eight_same(const struct suffix_word *l)
{
	_Static_assert(SUFFIX_AT_ONCE == 8, "there is a comparison for each word");
#define SAME(i)	(*(const uintptr_t *)l[i].address == l[i].value)
	return likely(SAME(0) && SAME(1) && SAME(2) && SAME(3) && SAME(4) && SAME(5) && SAME(6) && SAME(7));
#undef SAME
}

/*
 * The innermost position, from `at` outward, none of whose words is one that has changed, which is one of the eight
 * from l on.
 */
static unsigned before_change(const struct suffix_stack *s, unsigned at, const struct suffix_word *l)
{
	unsigned changed;

	while (*(const uintptr_t *)l->address == l->value)
		l++;
	changed = (unsigned)(l - s->words) - SUFFIX_AT_ONCE;
	while (at && s->positions[at].words_end > changed)
		at--;
	return at;
}

HOT_CODE unsigned suffix_outward(struct suffix_stack *s, uintptr_t sp)
{
	const struct suffix_position *p = s->positions;
	unsigned at = s->last;

	while (at && p[at].sp < sp)
		at--;
	while (at < s->count && p[at + 1].sp >= sp)
		at++;
	s->last = (uint16_t)at;
	return at;
}

HOT_CODE unsigned suffix_unchanged(const struct suffix_stack *s, unsigned at, unsigned frames, uintptr_t high)
{
	const struct suffix_position *p = s->positions;
	const struct suffix_word *words = s->words + SUFFIX_AT_ONCE, *l, *end;
	unsigned first;

	if (!at || unlikely(high < p[1].sp))
		return 0;	/* some of the words may not be readable now */
	first = frames < at ? at - frames : 0;
	end = words + p[at].words_end;
	l = words + p[first].words_end;
	l = end - (end - l + SUFFIX_AT_ONCE - 1) / SUFFIX_AT_ONCE * SUFFIX_AT_ONCE;
	/* From the outermost on: what lies inward of a word that has changed is of no use. */
	for (; l < end; l += SUFFIX_AT_ONCE) {
		if (unlikely(!eight_same(l)))
			return before_change(s, at, l);
	}
	return at;
}

unsigned suffix_same(const struct suffix_stack *s, unsigned at, unsigned frames)
{
	const struct suffix_word *words = s->words + SUFFIX_AT_ONCE;
	unsigned first = frames < at ? s->positions[at - frames].words_end : 0, changed = s->positions[at].words_end;

	while (changed-- > first) {
		if (*(const uintptr_t *)words[changed].address != words[changed].value) {
			while (s->positions[at].words_end > changed)
				at--;
			break;
		}
	}
	return at;
}

void suffix_copy(struct suffix_stack *to, const struct suffix_stack *from, unsigned at)
{
	if (!to->words[0].address)
		begin_words(to);
	memcpy(to->positions + 1, from->positions + 1, at * sizeof(*to->positions));
	memcpy(to->words + SUFFIX_AT_ONCE, from->words + SUFFIX_AT_ONCE,
	       from->positions[at].words_end * sizeof(*to->words));
	to->count = to->last = (uint16_t)at;
}

/* Makes room by forgetting the outer half of the positions. Returns the new number of position `at`. */
static unsigned forget_outer(struct suffix_stack *s, unsigned at)
{
	unsigned gone = at / 2, words_gone = s->positions[gone + 1].words_end;	/* those that lie outward of what stays */

	memmove(s->positions + 1, s->positions + 1 + gone, (at - gone) * sizeof(*s->positions));
	memmove(s->words + SUFFIX_AT_ONCE, s->words + SUFFIX_AT_ONCE + words_gone,
		(s->positions[at - gone].words_end - words_gone) * sizeof(*s->words));
	at -= gone;
	for (unsigned i = 1; i <= at; i++) {
		struct suffix_position *f = &s->positions[i];

		f->words_end = (uint16_t)(f->words_end - words_gone);
		if (f->valid_frames >= i)
			f->valid_frames = (uint16_t)(i - 1);	/* the hash has the forgotten frames, too */
	}
	return at;
}

static bool has_room(const struct suffix_stack *s, unsigned at, unsigned count)
{
	return at + count <= SUFFIX_POSITIONS && s->positions[at].words_end + 2 * count <= SUFFIX_WORDS;
}

/* Notes the frame pointer of each position that suffix_learn() has added. The parameters are those of suffix_learn(). */
static __attribute__((noinline)) void note_frame_pointers(struct suffix_stack *s, unsigned at, const struct walked *w,
							  unsigned end, uintptr_t fp)
{
	struct suffix_position *p = &s->positions[at + end];

	for (unsigned i = 1; i < end; i++) {
		uint64_t step = w[i].step;

		(--p)->fp = fp;
		if (step & STEP_SAVES_FP && (at || i + 1 < end))
			fp = *(const uintptr_t *)(p[-1].sp - step_fp(step));
	}
}

void __attribute__((noinline)) suffix_learn(struct suffix_stack *s, unsigned at, const struct walked *w, unsigned end,
					    bool cut, uintptr_t fp, const uint32_t *nodes, unsigned valid_frames)
{
	struct suffix_position *p;
	struct suffix_word *l;
	unsigned valid;
	uint64_t hash;
	bool matters, any;

	if (at && !has_room(s, at, end - 1))
		at = forget_outer(s, at);
	if (!has_room(s, at, end - 1)) {
		s->count = s->last = 0;
		return;
	}
	if (!s->words[0].address)
		begin_words(s);
	p = &s->positions[at];
	l = s->words + SUFFIX_AT_ONCE + p->words_end;
	valid = at ? p->valid_frames : cut ? 0 : SUFFIX_ALL;
	hash = p->suffix.hash;
	any = matters = at && p->fp_matters;
	for (unsigned i = end; --i > 0; ) {
		const struct suffix_position *o = p++;
		uint64_t step = w[i].step;

		if (likely(at || i + 1 < end)) {
			uintptr_t ra_at = o->sp - step_ra(step);

			*l++ = (struct suffix_word){ ra_at, *(const uintptr_t *)ra_at };
			if (unlikely(matters) && step & STEP_SAVES_FP) {
				uintptr_t fp_at = o->sp - step_fp(step);

				*l++ = (struct suffix_word){ fp_at, *(const uintptr_t *)fp_at };
				matters = false;
			}
			if (unlikely(step_kind(step) == STEP_FP))
				any = matters = true;
		}
		hash = suffix_mix(hash, w[i].pc);
		if (valid < SUFFIX_ALL)
			valid++;
		if (unlikely(valid > valid_frames - i) && valid_frames < SUFFIX_ALL)
			valid = valid_frames - i;
		p->sp = w[i].sp;
		p->pc = w[i].pc;
		p->suffix = (struct suffix){ hash, nodes[i] };
		p->words_end = (uint16_t)(l - s->words - SUFFIX_AT_ONCE);
		p->valid_frames = (uint16_t)valid;
		p->fp_matters = matters;
	}
	s->count = s->last = (uint16_t)(at + end - 1);
	if (any)
		note_frame_pointers(s, at, w, end, fp);
}

#endif
