/* SPDX-License-Identifier: GPL-2.0-only */
/* See memo.h: what is added. */
#include "arch.h"

#ifdef ARCH_DWARF_FP

#include "memo.h"

#include <string.h>

void memo_clear(struct memo *m)
{
	if (m->count > 1)
		memset(m->index, 0, sizeof(m->index));
	m->count = 1;
	m->load_count = 0;
}

static bool uses_fp(uint64_t rule)
{
	return rule_kind(rule) != KIND_SP || rule_fp_kind(rule) == FP_AT_FP;
}

/* The word at this address belongs to the position. */
static void add_load(struct memo *m, struct memo_position *f, uintptr_t address)
{
	m->loads[m->load_count++] = (struct memo_load){ address, walk_load(address) };
	if (address + sizeof(address) > f->high)
		f->high = address + sizeof(address);
}

/* Adds the position s, whose caller is `outer` (0: it is the outermost) and whose strand begins at `first`. */
static void push(struct memo *m, const struct step *s, uint32_t outer, uint32_t first)
{
	uint32_t at = m->count++;
	const struct memo_position *o = &m->positions[outer];
	struct memo_position *f = &m->positions[at];
	uint16_t *slots = memo_slots(m, s->sp, s->pc);

	*f = (struct memo_position){ .sp = s->sp, .pc = s->pc, .fp = s->fp, .first = (uint16_t)first,
				     .high = o->high, .frames = (uint16_t)(o->frames + 1) };
	f->outer = at == first ? (uint16_t)outer : o->outer;
	f->loads_first = at == first ? (uint16_t)m->load_count : o->loads_first;
	if (outer) {
		unsigned fp_kind = rule_fp_kind(s->rule);

		/* The last in this list is read first. */
		add_load(m, f, o->sp + (uintptr_t)rule_field(s->rule, OFFSET_BITS, RA_SHIFT));
		if (fp_kind != FP_SAME && o->fp_matters)
			add_load(m, f, (fp_kind == FP_AT_CFA ? o->sp : s->fp) +
				       (uintptr_t)rule_field(s->rule, OFFSET_BITS, FP_SHIFT));
		if (rule_kind(s->rule) == KIND_DEREF)
			add_load(m, f, s->fp + (uintptr_t)rule_field(s->rule, CFA_BITS, CFA_SHIFT));
		f->fp_matters = uses_fp(s->rule) || (fp_kind == FP_SAME && o->fp_matters);
	}
	f->loads_end = (uint16_t)m->load_count;
	if (m->positions[slots[0]].sp != s->sp || m->positions[slots[0]].pc != s->pc)
		slots[1] = slots[0];
	slots[0] = (uint16_t)at;
}

void memo_learn(struct memo *m, const struct step *steps, unsigned count, const struct mark *marks, bool cut,
		unsigned right, uint32_t outer)
{
	uint32_t first;

	if (m->count + count > MEMO_POSITIONS || m->load_count + 3 * count > MEMO_LOADS) {
		memo_clear(m);
		if (outer)
			return;		/* what was known is no longer */
	}
	first = m->count;
	for (unsigned i = count; i-- > 0; outer = m->count - 1) {
		unsigned most = outer ? m->positions[outer].right : cut ? 0 : MEMO_ALL;
		struct memo_position *f;

		push(m, &steps[i], outer, first);
		f = &m->positions[m->count - 1];
		f->mark = marks[i];
		if (most < MEMO_ALL)
			most++;
		if (right < MEMO_ALL && most > right - i)
			most = right - i;
		f->right = (uint16_t)most;
	}
}

#endif
