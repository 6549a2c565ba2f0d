/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See match.h. Which symbol names an address follows from these rules, the strongest first:
 *
 *  1. Of the sized symbols [start, end) that contain the address, the one with the greatest start, which
 *     is the innermost.
 *  2. If there is none, the nearest symbol without a size before the address, which is a label in
 *     hand-written assembly (_start, __restore_rt). Both must lie in one section, and no sized symbol
 *     may end after the label. So a label inside a sized function names nothing behind that function.
 *  3. If there is none either, the address has no name: a gap behind a function does not belong to it.
 *
 * Among symbols with the same start, global ones come before weak and weak before local ones, then
 * shorter names before longer, then the name that sorts first. This is a total order which does not
 * depend on the address. So the symbols can come in any order, and only the best one so far is kept:
 *
 *  - For rule 1, there is a segment tree over the sorted addresses. A symbol is offered to the O(log n)
 *    nodes that together stand for exactly the addresses it contains. At the end, an address takes the
 *    best of its leaf's ancestors.
 *
 *	addresses    a0   a1   a2   a3		n = 4: leaves are tree[4..8)
 *	symbol S        [----------)		contains a1, a2: offered to tree[5], tree[6]
 *	symbol T   [----------)			contains a0, a1: offered to tree[2]
 *	results      T    S    S    -		a1: S starts later
 *
 *  - For rule 2, the first address at or behind a start keeps the best label, and the greatest end of a
 *    sized symbol. At the end, both are carried on to higher addresses.
 *
 * Reading names is what takes time, so a name is read only when its symbol is about to become the
 * best of some node.
 */
#include "symbol/match.h"

#include <elf.h>
#include <string.h>

bool match_open(struct match *m, struct elf *e, struct elf_strings *names, const uint64_t *addrs,
		size_t n, struct arena *arena)
{
	*m = (struct match){ .addrs = addrs, .n = n, .elf = e, .names = names };
	m->tree = arena_alloc(arena, 2 * n * sizeof(m->tree[0]));
	m->labels = arena_alloc(arena, n * sizeof(m->labels[0]));
	m->ends = arena_alloc(arena, n * sizeof(m->ends[0]));
	m->buckets = arena_alloc_buffer(arena, (MATCH_BUCKETS + 1) * sizeof(m->buckets[0]));
	return m->tree && m->labels && m->ends && m->buckets;
}

void match_begin(struct match *m)
{
	uint64_t span = m->addrs[m->n - 1] - m->addrs[0];
	size_t i = 0;

	m->bucket_log2 = 0;
	while (span >> m->bucket_log2 >= MATCH_BUCKETS)
		m->bucket_log2++;
	for (uint32_t b = 0; b <= MATCH_BUCKETS; b++) {
		while (i < m->n && (m->addrs[i] - m->addrs[0]) >> m->bucket_log2 < b)
			i++;
		m->buckets[b] = (uint32_t)i;
	}
}

void match_reset(struct match *m, const uint32_t *keep, size_t n)
{
	for (size_t i = 0; i < n; i++)
		m->ends[i] = m->ends[keep[i]];
	memset(m->tree, 0, 2 * n * sizeof(m->tree[0]));
	memset(m->labels, 0, n * sizeof(m->labels[0]));
	m->n = n;
}

/* The index of the first address that is not less than value; n when there is none. */
static size_t lower_bound(const struct match *m, uint64_t value)
{
	const uint64_t *at = m->addrs;
	size_t n = m->n, bucket;

	/* This runs for each symbol, most of which are far from all addresses. */
	if (value <= at[0])
		return 0;
	if (value > at[n - 1])
		return n;
	bucket = (size_t)((value - at[0]) >> m->bucket_log2);
	n = m->buckets[bucket + 1] - m->buckets[bucket];
	at += m->buckets[bucket];
	/* Without branches, which the processor could not predict. */
	while (n > 1) {
		size_t half = n / 2;

		at += half & -(size_t)(at[half - 1] < value);
		n -= half;
	}
	return (size_t)(at - m->addrs) + (n && *at < value);
}

/* A symbol that is offered to nodes. Its name is read when it is first needed. */
struct offer {
	struct match_candidate candidate;
	bool looked_up;
	bool may_be_mapping;
};

/*
 * Reads the name if that has not been done, and says whether it can be used. Assembler labels (.L*)
 * are no names of functions, nor are the mapping symbols of ARM and RISC-V ($x, $d, $a.12,
 * $xrv64...), which mark where code and data begin (ELF for the Arm 64-bit Architecture, section
 * "Mapping symbols").
 */
static bool has_name(struct match *m, struct offer *o)
{
	char head[2];

	if (o->looked_up)
		return o->candidate.length_bytes != 0;
	o->looked_up = true;
	o->candidate.length_bytes = elf_string_length(m->names, o->candidate.name, head);
	if ((head[0] == '.' && head[1] == 'L') || (head[0] == '$' && o->may_be_mapping))
		o->candidate.length_bytes = 0;
	return o->candidate.length_bytes != 0;
}

/* Whether a is better than b. Both have names. */
static bool beats(struct match *m, const struct match_candidate *a, const struct match_candidate *b)
{
	if (a->start != b->start)
		return a->start > b->start;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->length_bytes != b->length_bytes)
		return a->length_bytes < b->length_bytes;
	if (a->name == b->name)
		return false;
	return elf_string_compare(m->names, a->name, b->name, a->length_bytes) < 0;
}

static void offer_to(struct match *m, struct offer *o, struct match_candidate *best)
{
	const struct match_candidate *c = &o->candidate;

	if (best->length_bytes) {
		if (c->start < best->start || (c->start == best->start && c->rank > best->rank))
			return;
		if (!has_name(m, o) || !beats(m, c, best))
			return;
	} else if (!has_name(m, o)) {
		return;
	}
	*best = *c;
}

/* Offers a symbol to the addresses [from, to): bottom up, to the nodes at the edges of each level. */
static void offer_range(struct match *m, struct offer *o, size_t from, size_t to)
{
	for (from += m->n, to += m->n; from < to; from /= 2, to /= 2) {
		if (from & 1)
			offer_to(m, o, &m->tree[from++]);
		if (to & 1)
			offer_to(m, o, &m->tree[--to]);
	}
}

/* Whether a symbol lies in code, and in the section that it says. */
static bool in_code(const struct match *m, const struct symtab_entry *sym, uint64_t start)
{
	const struct elf_code *code = elf_code_at(m->elf, start);

	/* Labels such as etext stand at the end of their section, where another section begins. */
	return code && (!code->section || code->section == sym->section ||
			sym->section == SHN_XINDEX);
}

static uint8_t rank_of(uint8_t bind)
{
	return bind == STB_LOCAL ? 2 : bind == STB_WEAK ? 1 : 0;
}

void match_symbol(struct match *m, const struct symtab_entry *sym)
{
	bool function = sym->type == STT_FUNC || sym->type == STT_GNU_IFUNC ||
			sym->type == STT_NOTYPE;
	uint64_t start = sym->value, end;
	struct offer o;
	size_t i;

	if ((!function && sym->type != STT_OBJECT) || !sym->name ||
	    sym->section == SHN_UNDEF || sym->section == SHN_ABS || sym->section == SHN_COMMON)
		return;
	/* Bit 0 marks functions in Thumb code (ELF for the Arm Architecture, "Symbol Values"). */
	if (m->elf->machine == EM_ARM && sym->type == STT_FUNC)
		start &= ~(uint64_t)1;
	i = lower_bound(m, start);
	if (i == m->n)
		return;
	end = sym->size_bytes < UINT64_MAX - start ? start + sym->size_bytes : UINT64_MAX;
	o = (struct offer){
		.candidate = { .start = start, .name = sym->name, .rank = rank_of(sym->bind) },
		.may_be_mapping = sym->type == STT_NOTYPE && sym->bind == STB_LOCAL,
	};
	if (!function) {
		/* Data within code ends the range of a label before the data. */
		end = end > start ? end : start + 1;
	} else if (end == start) {
		if (in_code(m, sym, start))
			offer_to(m, &o, &m->labels[i]);
		return;
	} else if (m->addrs[i] < end && in_code(m, sym, start)) {
		offer_range(m, &o, i, lower_bound(m, end));
	}
	if (end > m->ends[i])
		m->ends[i] = end;
}

/* An address gets the best of the nodes above its leaf, or if these have none, the label before it. */
const struct match_candidate *match_results(struct match *m)
{
	struct match_candidate label = { .length_bytes = 0 };
	const struct elf_code *code = NULL;
	uint64_t end = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct match_candidate best = { .length_bytes = 0 };

		for (size_t node = i + m->n; node; node /= 2) {
			const struct match_candidate *c = &m->tree[node];

			if (c->length_bytes && (!best.length_bytes || beats(m, c, &best)))
				best = *c;
		}
		if (m->ends[i] > end)
			end = m->ends[i];
		m->ends[i] = end;
		/* From here on this label is nearer than all before, so those can name nothing any
		 * more, not even behind the end of this label's section. */
		if (m->labels[i].length_bytes) {
			label = m->labels[i];
			code = elf_code_at(m->elf, label.start);
		}
		if (!best.length_bytes && label.length_bytes && end <= label.start &&
		    code && m->addrs[i] < code->end)
			best = label;
		m->labels[i] = best;
	}
	return m->labels;
}
