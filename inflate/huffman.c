/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See huffman.h. Codes of one length are consecutive numbers in the order of their symbols, and
 * the first one of a length follows, with a zero bit appended, the last one of the length before
 * (RFC 1951, section 3.2.2). The stream has a code's first bit lowest, so a table is indexed by
 * codes read backwards: counting up is adding at the top.
 *
 *	length  1 2 3 3		codes  0 10 110 111	backwards  0 01 011 111
 */
#include "inflate/huffman.h"

#include <string.h>

#define KIND(kind)	(HUFFMAN_SPECIAL | (uint32_t)(kind) << 29)

/* The entry of a symbol, but for bits to take, and the number of its extra bits: RFC 1951, section
 * 3.2.5. */
static uint32_t entry_of(enum huffman_alphabet alphabet, unsigned symbol, unsigned *extra)
{
	*extra = 0;
	if (alphabet == HUFFMAN_DISTANCES) {
		if (symbol >= 4)
			*extra = symbol / 2 - 1;
		return symbol < 30 ? symbol << 24 : KIND(HUFFMAN_INVALID);
	}
	if (symbol < 256)
		return HUFFMAN_LITERAL | symbol << 16;
	if (symbol == 256)
		return KIND(HUFFMAN_END);
	symbol -= 257;
	if (symbol >= 28)
		return symbol == 28 ? 255 << 16 : KIND(HUFFMAN_INVALID);
	/* 3 to 10, then four lengths' bases for each power of two. */
	if (symbol >= 8) {
		*extra = symbol / 4 - 1;
		symbol = (4 | symbol % 4) << *extra;
	}
	return symbol << 16;
}

/* The next code of a length, read backwards: its highest zero becomes one, what is above zeros.
 * After the last one, whatever. */
static uint32_t next_code(uint32_t code, unsigned length)
{
	uint32_t zeros = ~code & ((1u << length) - 1);
	uint32_t bit = 1u << (31 - __builtin_clz(zeros | 1));

	return (code & (bit - 1)) | bit;
}

/* How many bits the codes of `length` bits and more take behind the first table's, that start
 * as the next one does: as many as until all of these codes are full. */
static unsigned second_bits(const uint16_t *count, unsigned length, unsigned first_bits)
{
	unsigned bits = length - first_bits;
	int32_t left = 1 << bits;

	while (length < HUFFMAN_LENGTH_MAX) {
		left -= count[length++];
		if (left <= 0)
			break;
		bits++;
		left <<= 1;
	}
	return bits;
}

/* Sorts the symbols by their codes; count[length] gets the number of codes. What is left of the
 * bit sequences of HUFFMAN_LENGTH_MAX bits, or -1: not a code. */
static int32_t sort_codes(const uint8_t *lengths, unsigned symbols, uint16_t *sorted, uint16_t *count)
{
	uint16_t at[HUFFMAN_LENGTH_MAX + 2];
	int32_t left = 1;

	memset(count, 0, (HUFFMAN_LENGTH_MAX + 1) * sizeof(*count));
	for (unsigned s = 0; s < symbols; s++)
		count[lengths[s]]++;
	count[0] = 0;
	at[0] = at[1] = 0;
	for (unsigned length = 1; length <= HUFFMAN_LENGTH_MAX; length++) {
		left = 2 * left - count[length];
		if (left < 0)
			return -1;
		at[length + 1] = at[length] + count[length];
	}
	/* A single code is of one bit and leaves the other half unused: the RFC allows it for
	 * distances, zlib for literals as well; no code at all is for blocks of literals. */
	if (left && at[HUFFMAN_LENGTH_MAX + 1] != count[1])
		return -1;
	for (unsigned s = 0; s < symbols; s++) {
		if (lengths[s])
			sorted[at[lengths[s]]++] = (uint16_t)s;
	}
	return left;
}

/* Whatever follows the code, in a table of `bits`. */
static void fill(uint32_t *table, unsigned bits, uint32_t code, unsigned length, uint32_t entry)
{
	for (uint32_t i = code; i < 1u << bits; i += 1u << length)
		table[i] = entry;
}

/* The same for a length of a match, whose distance is told where its code is in the index too. */
static void fill_match(uint32_t *table, uint32_t code, unsigned length, uint32_t entry,
		       const uint32_t *distances)
{
	const unsigned rest = HUFFMAN_LITERAL_BITS - length;

	for (uint32_t i = 0; i < 1u << rest; i++) {
		uint32_t distance = distances[i % (1u << HUFFMAN_DISTANCE_BITS)];

		distance = (distance & 255) <= rest ? distance & ~255u : HUFFMAN_APART;
		table[code | i << length] = entry + distance;
	}
}

bool huffman_build(uint32_t *table, enum huffman_alphabet alphabet, const uint8_t *lengths,
		   unsigned count, const uint32_t *distances)
{
	uint16_t sorted[HUFFMAN_SYMBOLS_MAX], left[HUFFMAN_LENGTH_MAX + 1];
	const unsigned first_bits = alphabet == HUFFMAN_LITERALS ? HUFFMAN_LITERAL_BITS :
				    alphabet == HUFFMAN_DISTANCES ? HUFFMAN_DISTANCE_BITS :
								    HUFFMAN_ORDER_BITS;
	const unsigned room = distances ? HUFFMAN_LITERAL_ROOM : HUFFMAN_DISTANCE_ROOM;
	const uint32_t first_mask = (1u << first_bits) - 1, any = distances ? 0 : 255;
	uint32_t code = 0, prefix = UINT32_MAX, begin = 0, used = 1u << first_bits;
	unsigned bits = first_bits, next = 0;
	int32_t unused = sort_codes(lengths, count, sorted, left);

	if (unused < 0)
		return false;
	if (unused)
		fill(table, first_bits, 0, 0, KIND(HUFFMAN_INVALID) | any);
	for (unsigned length = 1; length <= HUFFMAN_LENGTH_MAX; length++) {
		for (; left[length]; left[length]--, code = next_code(code, length)) {
			unsigned extra, take = length;
			uint32_t entry = entry_of(alphabet, sorted[next++], &extra);

			if (length > first_bits) {
				take -= first_bits;
				if ((code & first_mask) != prefix) {
					prefix = code & first_mask;
					bits = second_bits(left, length, first_bits);
					begin = used;
					used += 1u << bits;
					if (used > room)
						return false;
					table[prefix] = KIND(HUFFMAN_SECOND) | begin << 16 |
							bits << 8 | any;
				}
			}
			if (entry & HUFFMAN_LITERAL) {
				entry += take;
			} else if (alphabet == HUFFMAN_DISTANCES) {
				entry |= entry & HUFFMAN_SPECIAL ? 255 : length;
				entry += (take + extra) << 8;
			} else if (!(entry & HUFFMAN_SPECIAL) && length + extra <= first_bits) {
				entry += (length + extra) << 8;
				for (uint32_t i = 0; i < 1u << extra; i++)
					fill_match(table, code | i << length, length + extra,
						   entry + (i << 16), distances);
				continue;
			} else {
				if (!(entry & HUFFMAN_SPECIAL))
					entry |= HUFFMAN_SPECIAL | extra << 24;
				entry += take << 8;
			}
			fill(table + begin, bits, code >> (length - take), take, entry);
		}
	}
	return true;
}
