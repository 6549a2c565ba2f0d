/* SPDX-License-Identifier: GPL-2.0-only */
/* See json_numbers.h. */
#include "json_numbers.h"

#define LAST_DIGITS	60u
#define EARLIER_DIGITS	31u
#define REPEAT		(LAST_DIGITS + EARLIER_DIGITS)

static const char digits[] = NUMBERS_DIGITS;

_Static_assert(sizeof(digits) == REPEAT + 2, "each digit has a character");

static void write_number(struct out *out, uint64_t value)
{
	char text[16];		/* 2^64 / 60 has 12 digits in a system of 31 */
	unsigned at = sizeof(text);

	text[--at] = digits[value % LAST_DIGITS];
	for (value /= LAST_DIGITS; value; value /= EARLIER_DIGITS)
		text[--at] = digits[LAST_DIGITS + value % EARLIER_DIGITS];
	out_bytes(out, text + at, sizeof(text) - at);
}

void numbers_begin(struct numbers *n, struct out *out, bool first, const char *name, enum numbers_form form, uint32_t count)
{
	static const char letters[] = { [NUMBERS_PACKED] = '=', [NUMBERS_DIFFERENCES] = '+', [NUMBERS_NODES] = '@' };

	*n = (struct numbers){ .out = out, .form = form };
	json_write_name(out, first, name);
	if (form == NUMBERS_PLAIN) {
		out_char(out, '[');
	} else {
		out_char(out, '"');
		out_char(out, letters[form]);
		write_number(out, count);
	}
}

/* Writes the repeats. Two digits say that a number comes again: where that is longer than the number, it stands there
 * again. */
static void write_repeats(struct numbers *n)
{
	if (n->repeats < 3 && n->coded < LAST_DIGITS) {
		for (; n->repeats; n->repeats--)
			write_number(n->out, n->coded);
	} else if (n->repeats) {
		out_char(n->out, digits[REPEAT]);
		write_number(n->out, n->repeats);
		n->repeats = 0;
	}
}

void numbers_add(struct numbers *n, uint64_t value)
{
	uint64_t coded = value;

	if (n->form == NUMBERS_PLAIN) {
		if (n->written++)
			out_char(n->out, ',');
		out_u64(n->out, value);
		return;
	}
	if (n->form == NUMBERS_DIFFERENCES) {
		coded = value >= n->last ? 2 * (value - n->last) : 2 * (n->last - value) - 1;
		n->last = value;
	}
	if (n->any && coded == n->coded) {
		n->repeats++;
		return;
	}
	write_repeats(n);
	write_number(n->out, coded);
	n->coded = coded;
	n->any = true;
}

void numbers_end(struct numbers *n)
{
	if (n->form == NUMBERS_PLAIN) {
		out_char(n->out, ']');
		return;
	}
	write_repeats(n);
	out_char(n->out, '"');
}
