/* SPDX-License-Identifier: GPL-2.0-only */
/* See json_numbers.h. */
#include "json_numbers.h"

#include "base/hash.h"

#include <string.h>

#define LAST_DIGITS	60u
#define EARLIER_DIGITS	31u
#define AGAIN		(LAST_DIGITS + EARLIER_DIGITS)
#define LOOKED_UP	6u	/* as many numbers in a row are looked up. Fewer are hardly longer than what says
				 * that they come again */

static const char digits[] = NUMBERS_DIGITS;

_Static_assert(sizeof(digits) == AGAIN + 2, "each digit has a character");

static void write_number(struct out *out, uint64_t value)
{
	char text[16];		/* 2^64 / 60 has 12 digits in a system of 31 */
	unsigned at = sizeof(text);

	text[--at] = digits[value % LAST_DIGITS];
	for (value /= LAST_DIGITS; value; value /= EARLIER_DIGITS)
		text[--at] = digits[LAST_DIGITS + value % EARLIER_DIGITS];
	out_bytes(out, text + at, sizeof(text) - at);
}

static unsigned length_of(uint64_t value)
{
	unsigned length = 1;

	for (value /= LAST_DIGITS; value; value /= EARLIER_DIGITS)
		length++;
	return length;
}

/* Makes room for so many numbers, and forgets those before. False: there is no memory. */
static bool prepare(struct numbers_packing *p, uint32_t count)
{
	if (!p->newest)
		p->newest = arena_alloc_plenty(p->arena, NUMBERS_HASHES * sizeof(*p->newest));
	if (count > p->room) {
		p->list = arena_alloc_plenty(p->arena, count * sizeof(*p->list));
		p->room = p->list ? count : 0;
	}
	if (!p->newest || !p->list)
		return false;
	memset(p->newest, 0, NUMBERS_HASHES * sizeof(*p->newest));
	return true;
}

void numbers_begin(struct numbers *n, struct out *out, struct numbers_packing *packing, bool first, const char *name,
		   enum numbers_form form, uint32_t count)
{
	static const char letters[] = { [NUMBERS_PACKED] = '=', [NUMBERS_DIFFERENCES] = '+', [NUMBERS_NODES] = '@' };

	*n = (struct numbers){ .out = out, .packing = packing, .form = form };
	json_write_name(out, first, name);
	if (form == NUMBERS_PLAIN) {
		out_char(out, '[');
		return;
	}
	n->kept = prepare(packing, count);
	out_char(out, '"');
	out_char(out, letters[form]);
	write_number(out, count);
}

void numbers_add(struct numbers *n, uint64_t value)
{
	uint64_t number = value;

	if (n->form == NUMBERS_PLAIN) {
		if (n->count++)
			out_char(n->out, ',');
		out_u64(n->out, value);
		return;
	}
	if (n->form == NUMBERS_DIFFERENCES) {
		number = value >= n->last ? 2 * (value - n->last) : 2 * (n->last - value) - 1;
		n->last = value;
	}
	if (n->kept)
		n->packing->list[n->count++] = number;
	else
		write_number(n->out, number);
}

/* Finds where the numbers from `at` on came last, and remembers `at` instead: that place plus 1, or 0. */
static uint32_t look_up(struct numbers_packing *p, uint32_t at)
{
	uint64_t hash = 0;
	uint32_t *slot, before;

	for (unsigned i = 0; i < LOOKED_UP; i++)
		hash = hash_add(hash, p->list[at + i]);
	slot = &p->newest[(hash ^ hash >> 16) & (NUMBERS_HASHES - 1)];
	before = *slot;
	*slot = at + 1;
	return before;
}

/* How many of the numbers from `at` on are the same as those from `from` on, if it takes less space to say so than to
 * write them; else 0. */
static uint32_t count_same(const struct numbers *n, uint32_t from, uint32_t at)
{
	const uint64_t *list = n->packing->list;
	uint32_t same = 0, length = 0, needed;

	for (; at + same < n->count && list[from + same] == list[at + same]; same++)
		length += length_of(list[at + same]);
	needed = 1 + length_of(same) + length_of(at - from - 1);
	return needed < length ? same : 0;
}

void numbers_end(struct numbers *n)
{
	uint32_t looked_up = 0;

	if (n->form == NUMBERS_PLAIN) {
		out_char(n->out, ']');
		return;
	}
	for (uint32_t at = 0; n->kept && at < n->count; ) {
		uint32_t before = 0, same;

		for (; looked_up <= at && looked_up + LOOKED_UP <= n->count; looked_up++)
			before = look_up(n->packing, looked_up);
		same = before && looked_up == at + 1 ? count_same(n, before - 1, at) : 0;
		if (same) {
			out_char(n->out, digits[AGAIN]);
			write_number(n->out, same);
			write_number(n->out, at - before);
			at += same;
		} else {
			write_number(n->out, n->packing->list[at++]);
		}
	}
	out_char(n->out, '"');
}
