/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Punycode: RFC 3492, section 6.2, with the parameters of section 5. After the ASCII characters
 * come numbers of variable length, lowest digit (a to z, 0 to 9) first. All pairs of a code point
 * and a place to insert it are counted, and each number says how many pairs to go on from the last
 * insertion. Example: `gdel_5qa` is `gödel`.
 */
#include <string.h>

#include "demangle/rust.h"

/* Section 5 */
#define BASE		36
#define T_MIN		1
#define T_MAX		26
#define SKEW		38
#define DAMP		700
#define FIRST_BIAS	72
#define FIRST_POINT	0x80

/* The new bias (section 6.1). It assumes that the next number has about as many digits as this one.
 * */
static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta /= first ? DAMP : 2;
	delta += delta / points;
	for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static int digit_value(char ch)
{
	if (ch >= 'a' && ch <= 'z')
		return ch - 'a';
	return ch >= '0' && ch <= '9' ? ch - '0' + 26 : -1;
}

/* Adds the next number to *i. False: it is damaged or too large. */
static bool take_delta(const char **at, const char *end, uint32_t bias, uint32_t *i)
{
	uint64_t sum = *i, weight = 1;

	for (uint32_t k = BASE;; k += BASE) {
		uint32_t threshold = k <= bias ? T_MIN : k - bias > T_MAX ? T_MAX : k - bias;
		int digit;

		if (*at == end || (digit = digit_value(*(*at)++)) < 0)
			return false;
		sum += (uint64_t)digit * weight;
		if (sum > UINT32_MAX)
			return false;
		if ((uint32_t)digit < threshold)
			break;
		weight *= BASE - threshold;
		if (weight > UINT32_MAX)
			return false;
	}
	*i = (uint32_t)sum;
	return true;
}

unsigned punycode_decode(const char *text, size_t len, uint32_t ch[PUNYCODE_MAX])
{
	const char *end = text + len, *at = end;
	uint32_t point = FIRST_POINT, bias = FIRST_BIAS, i = 0;
	unsigned count = 0;

	while (at > text && at[-1] != '_')
		at--;
	if (at-- > text) {	/* now at the last _ */
		if (at - text > PUNYCODE_MAX)
			return 0;
		for (const char *ascii = text; ascii < at; ascii++)
			ch[count++] = (unsigned char)*ascii;
		at++;
	} else {
		at = text;
	}
	while (at < end) {
		uint32_t before = i;

		if (count == PUNYCODE_MAX || !take_delta(&at, end, bias, &i))
			return 0;
		count++;
		bias = adapt(i - before, count, before == 0 && point == FIRST_POINT);
		point += i / count;
		i %= count;
		if (!rust_is_printable(point))
			return 0;
		memmove(ch + i + 1, ch + i, (count - 1 - i) * sizeof(ch[0]));
		ch[i++] = point;
	}
	return count;
}
