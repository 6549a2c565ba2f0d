/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See huffman.h. Codes of one length are consecutive numbers in the order of their symbols. The
 * first code of a length is the successor of the last code of the length before, with a zero bit
 * appended (RFC 1951, section 3.2.2). The stream has a code's first bit lowest, so a table is
 * indexed by codes read backwards, and the next code is found by adding 1 at the top.
 *
 *	length  1 2 3 3		codes  0 10 110 111	backwards  0 01 011 111
 */
#include "inflate/huffman.h"

#include <string.h>

#define KIND(kind)	(HUFFMAN_SPECIAL | (uint32_t)(kind) << 29)

/* The entry of a symbol, except for the number of bits to take, and the number of its extra bits
 * (RFC 1951, section 3.2.5). */
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
	/* The lengths 3 to 10 have symbols of their own; above, four symbols share each power of
	 * two. */
	if (symbol >= 8) {
		*extra = symbol / 4 - 1;
		symbol = (4 | symbol % 4) << *extra;
	}
	return symbol << 16;
}

/* The next code of a length, read backwards: the highest zero becomes one, and the ones above it
 * become zeros. After the last code of all, the result means nothing. */
static uint32_t next_code(uint32_t code, unsigned length)
{
	uint32_t zeros = ~code & ((1u << length) - 1);
	uint32_t bit = 1u << (31 - __builtin_clz(zeros | 1));

	return (code & (bit - 1)) | bit;
}

/*
 * The number of bits that index the second table for the next code, which has `length` bits: enough
 * for the longest code that shares the first table's bits with it. Codes of growing length are
 * counted until they fill the second table.
 */
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

/*
 * Sorts the symbols by their codes; count[length] gets the number of codes. Returns how many of the
 * sequences of HUFFMAN_LENGTH_MAX bits begin with no code, or -1 if no code has these lengths.
 */
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
	/* A single code has one bit and leaves the other half unused. The RFC allows that for
	 * distances, zlib for literals as well. Blocks that have only literals have no code for
	 * distances at all. */
	if (left && at[HUFFMAN_LENGTH_MAX + 1] != count[1])
		return -1;
	for (unsigned s = 0; s < symbols; s++) {
		if (lengths[s])
			sorted[at[lengths[s]]++] = (uint16_t)s;
	}
	return left;
}

/* Sets the entries of a table of `bits` index bits that begin with a code, whatever follows it. */
static void fill(uint32_t *table, unsigned bits, uint32_t code, unsigned length, uint32_t entry)
{
	for (uint32_t i = code; i < 1u << bits; i += 1u << length)
		table[i] = entry;
}

/* As fill(), for the length of a match. Where the index holds the code of the distance as well, the
 * entry gets the distance, too. */
static void fill_match(uint32_t *table, uint32_t code, unsigned length, uint32_t entry,
		       const uint32_t *distances)
{
	const unsigned rest = HUFFMAN_LITERAL_BITS - length;

	for (uint32_t i = 0; i < 1u << rest; i++) {
		uint32_t distance = distances[i % (1u << HUFFMAN_DISTANCE_BITS)];

		distance = (distance & 255) <= rest ? distance & ~255u : HUFFMAN_LENGTH_ONLY;
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
