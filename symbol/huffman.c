/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See huffman.h. Codes of one length are consecutive numbers in the order of their symbols, and
 * the first one of a length follows, with a zero bit appended, the last one of the length before
 * (RFC 1951, section 3.2.2). The stream has a code's first bit lowest, so a table is indexed by
 * codes read backwards: counting up is adding at the top.
 *
 *	length  1 2 3 3		codes  0 10 110 111	backwards  0 01 011 111
 */
#include "symbol/huffman.h"

#include <string.h>

/* Bases and extra bits: RFC 1951, section 3.2.5. */
static const uint16_t length_base[29] = {
	3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115,
	131, 163, 195, 227, 258,
};
static const uint16_t distance_base[30] = {
	1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
	2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
};

static uint32_t entry_of(enum huffman_alphabet alphabet, unsigned symbol)
{
	if (alphabet == HUFFMAN_ORDER || (alphabet == HUFFMAN_LITERALS && symbol < 256))
		return HUFFMAN_LITERAL | symbol << 16;
	if (alphabet == HUFFMAN_DISTANCES) {
		unsigned extra = symbol < 4 ? 0 : symbol / 2 - 1;

		if (symbol >= 30)
			return HUFFMAN_INVALID;
		return HUFFMAN_BASE | extra << 8 | (uint32_t)distance_base[symbol] << 16;
	}
	if (symbol == 256)
		return HUFFMAN_END;
	symbol -= 257;
	if (symbol >= 29)
		return HUFFMAN_INVALID;
	return HUFFMAN_BASE | (symbol < 8 || symbol == 28 ? 0 : symbol / 4 - 1) << 8 |
	       (uint32_t)length_base[symbol] << 16;
}

static const struct {
	unsigned bits, room;
} shape[] = {
	[HUFFMAN_LITERALS] = { HUFFMAN_LITERAL_BITS, HUFFMAN_LITERAL_ROOM },
	[HUFFMAN_DISTANCES] = { HUFFMAN_DISTANCE_BITS, HUFFMAN_DISTANCE_ROOM },
	[HUFFMAN_ORDER] = { HUFFMAN_ORDER_BITS, HUFFMAN_ORDER_ROOM },
};

/* The next code of a length, read backwards: carries run from the highest bit down. */
static uint32_t next_code(uint32_t code, unsigned length)
{
	uint32_t bit = 1u << (length - 1);

	while (code & bit) {
		code ^= bit;
		bit >>= 1;
	}
	return code | bit;
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

/* Sorts the symbols by their codes; count[length] gets the number of codes. False: not a code. */
static bool sort_codes(const uint8_t *lengths, unsigned symbols, uint16_t *sorted, uint16_t *count)
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
			return false;
		at[length + 1] = at[length] + count[length];
	}
	/* A single code is of one bit and leaves the other half unused: the RFC allows it for
	 * distances, zlib for literals as well; no code at all is for blocks of literals. */
	if (left && at[HUFFMAN_LENGTH_MAX + 1] != count[1])
		return false;
	for (unsigned s = 0; s < symbols; s++) {
		if (lengths[s])
			sorted[at[lengths[s]]++] = (uint16_t)s;
	}
	return true;
}

bool huffman_build(uint32_t *table, enum huffman_alphabet alphabet, const uint8_t *lengths,
		   unsigned count)
{
	uint16_t sorted[HUFFMAN_SYMBOLS_MAX], left[HUFFMAN_LENGTH_MAX + 1];
	const unsigned first_bits = shape[alphabet].bits;
	const uint32_t first_mask = (1u << first_bits) - 1;
	uint32_t code = 0, prefix = UINT32_MAX, begin = 0, used = 1u << first_bits;
	unsigned bits = first_bits, next = 0;

	if (!sort_codes(lengths, count, sorted, left))
		return false;
	memset(table, 0, sizeof(*table) << first_bits);
	for (unsigned length = 1; length <= HUFFMAN_LENGTH_MAX; length++) {
		for (; left[length]; left[length]--, code = next_code(code, length)) {
			uint32_t entry = entry_of(alphabet, sorted[next++]);
			unsigned take = length;

			if (length > first_bits) {
				take -= first_bits;
				if ((code & first_mask) != prefix) {
					prefix = code & first_mask;
					bits = second_bits(left, length, first_bits);
					begin = used;
					used += 1u << bits;
					if (used > shape[alphabet].room)
						return false;
					memset(table + begin, 0, sizeof(*table) << bits);
					table[prefix] = HUFFMAN_SECOND | begin << 16 | bits << 8 |
							first_bits;
				}
			}
			/* Whatever follows the code. */
			for (uint32_t i = code >> (length - take); i < 1u << bits; i += 1u << take)
				table[begin + i] = entry | take;
		}
	}
	return true;
}
