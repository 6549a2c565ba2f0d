/* SPDX-License-Identifier: GPL-2.0-only */
/* See memo.h. This file adds to the memo. */
#include "arch.h"

#ifdef ARCH_DWARF_FP

#include "memo.h"

#include <string.h>

void memo_clear(struct memo *m)
{
	if (m->count > 1)	/* the pages of a new memo stay untouched until they are needed */
		memset(m->index, 0, sizeof(m->index));
	m->count = 1;
	m->load_count = 0;
	m->path_frames = 0;
}

/* An iteration of memo_holds() may also compare the entries before the outermost word. Each of these entries names
 * its own field `value`, which is 0, as its address. */
static void begin_path(struct memo *m)
{
	for (unsigned i = 0; i < MEMO_AT_ONCE; i++)
		m->path_loads[i] = (struct memo_load){ (uintptr_t)&m->path_loads[i].value, 0 };
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

/* Enters a position into the index. */
static void index_position(struct memo *m, const struct memo_position *f)
{
	uint16_t *slots = memo_slots(m, f->sp, f->pc);

	slots[1] = slots[0];
	slots[0] = (uint16_t)(f - m->positions);
}

static inline struct memo_load *add_word(struct memo_load *l, uintptr_t address, uintptr_t *high)
{
	*l = (struct memo_load){ address, walk_load(address) };
	if (address + sizeof(address) > *high)
		*high = address + sizeof(address);
	return l + 1;
}

/*
 * Adds the word because of which the frame pointer of the walk's last step leads nowhere: the return address in its
 * frame record. If the frame pointer cannot be the address of a record, the position alone decided that, and there
 * is no word to add.
 */
static inline struct memo_load *add_refused(struct memo_load *l, const struct step *s, uintptr_t *high)
{
	return walk_record_fits(s->sp, s->fp) ? add_word(l, s->fp + sizeof(s->fp), high) : l;
}

/* Adds the words that the step from s to the caller o reads, the last one first. Returns where the next word goes. */
static inline struct memo_load *add_words(struct memo_load *l, const struct step *s, const struct memo_position *o,
					  uintptr_t *high)
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

void __attribute__((noinline)) memo_follow(struct memo *m, uint32_t at)
{
	unsigned valid = m->path_frames;

	m->path_frames = m->positions[at].frames;
	while (at) {
		const struct memo_position *f = &m->positions[at];
		uint32_t first = f->first, known = at;
		unsigned frames = f->frames, count;

		/* Adds the positions of this segment that are not on the path yet. */
		while (known >= first && (frames > valid || m->path[frames] != known))
			m->path[frames--] = (uint16_t)known--;
		count = f->words - m->positions[known >= first ? known : f->outer].words;
		/* This is a loop because there are only a few words: a call of memcpy() would take longer. */
		for (struct memo_load *to = m->path_loads + MEMO_AT_ONCE + f->words, *from = m->loads + f->loads_end;
		     count; count--)
			*--to = *--from;
		at = known >= first ? 0 : f->outer;
	}
}

/* Forgets all positions but the one at `at`, which is on the path, and those outward of it, which become one
 * segment. Returns the new number of the position. */
static uint32_t keep_path(struct memo *m, uint32_t at)
{
	unsigned frames = m->positions[at].frames;

	memset(m->index, 0, sizeof(m->index));
	m->count = frames + 1;
	m->load_count = m->positions[at].words;
	memcpy(m->loads, m->path_loads + MEMO_AT_ONCE, m->load_count * sizeof(*m->loads));
	for (unsigned i = 1; i <= frames; i++) {	/* a position of i frames had a number of at least i */
		struct memo_position *f = &m->positions[i];

		*f = m->positions[m->path[i]];
		f->first = 1;
		f->outer = 0;
		f->loads_end = f->words;
		m->path[i] = (uint16_t)i;
		index_position(m, f);
	}
	m->path_frames = frames;
	return frames;
}

void memo_learn(struct memo *m, const struct step *steps, unsigned count, const struct suffix *suffixes, bool cut,
		unsigned valid_frames, uint32_t outer)
{
	const struct memo_position *o;
	struct memo_position *f;
	struct memo_load *l;
	unsigned valid;
	uint16_t first;

	if (outer && m->count + count > MEMO_USUAL && m->positions[outer].frames < MEMO_USUAL / 2)
		outer = keep_path(m, outer);
	if (m->count + count > MEMO_POSITIONS || m->load_count + 3 * count > MEMO_LOADS) {
		memo_clear(m);
		if (outer)
			return;		/* the position at which the walk goes on has been forgotten */
	}
	if (m->count == 1)
		begin_path(m);
	first = (uint16_t)m->count;
	m->count += count;	/* before the index changes, since memo_clear() clears it only if count > 1 */
	o = &m->positions[outer];
	f = &m->positions[first];
	l = m->loads + m->load_count;
	valid = outer ? o->valid_frames : cut ? 0 : MEMO_ALL;
	for (unsigned i = count; i-- > 0; o = f++) {
		const struct step *s = &steps[i];
		const struct memo_load *own = l;
		uintptr_t high = o->high;

		if (likely(o->frames))
			l = add_words(l, s, o, &high);
		else if (unlikely(has_record(s)))
			l = add_refused(l, s, &high);
		if (valid < MEMO_ALL)
			valid++;
		if (valid_frames < MEMO_ALL && valid > valid_frames - i)
			valid = valid_frames - i;
		*f = (struct memo_position){
			.sp = s->sp, .pc = s->pc, .fp = s->fp, .high = high, .suffix = suffixes[i],
			.loads_end = (uint16_t)(l - m->loads), .words = (uint16_t)(o->words + (l - own)),
			.first = first, .outer = (uint16_t)outer, .frames = (uint16_t)(o->frames + 1),
			.valid_frames = (uint16_t)valid,
			.fp_matters = o->frames ? uses_fp(s->rule) ||
						  (rule_fp_kind(s->rule) == FP_SAME && o->fp_matters) : has_record(s),
		};
		index_position(m, f);
	}
	m->load_count = (uint32_t)(l - m->loads);
}

#endif
