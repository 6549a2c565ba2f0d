/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See adler32.h. Sixteen bytes (eight on 32-bit machines) are added at a time: the even and the odd
 * bytes of two words become sums of 16 bits that lie side by side in one word each. The second sum
 * counts a byte once for each step after it. For that, `evens` and `odds` add up what `even` and
 * `odd` were before each step.
 *
 * STEPS is the largest number of steps without an overflow of 16 bits: 255 * (22 + 21 + ... + 1) is
 * 64515, and one step more would give 70380. Multiplying a word by weights of 16 bits adds up the
 * weighted sums in the product's highest 16 bits.
 */
#include "inflate/adler32.h"

#include <endian.h>
#include <string.h>

#define STEPS		23
#define BYTES_MAX	5552	/* the most that cannot make the second sum overflow 32 bits */
#define MODULUS		65521u	/* the largest prime below 2^16 */

typedef unsigned long word;
typedef word pair __attribute__((vector_size(2 * sizeof(word))));

/* A word whose first byte in memory is its lowest. */
static word load_word(const uint8_t *p)
{
	word v;

	memcpy(&v, p, sizeof(v));
	return sizeof(v) == 8 ? (word)le64toh(v) : (word)le32toh((uint32_t)v);
}

/* Adds STEPS pairs of words at p to both sums. */
static void add_steps(uint32_t *low, uint32_t *high, const uint8_t *p)
{
	const word bytes = (word)0x00ff00ff00ff00ff, halves = (word)0x0000ffff0000ffff;
	const word once = (word)0x0001000100010001, falling = (word)0x0004000300020001;
	const unsigned size = sizeof(word), top = 8 * size - 16;
	pair even = { 0 }, odd = { 0 }, evens = { 0 }, odds = { 0 };

	*high += STEPS * 2 * size * *low;
	for (int i = 0; i < STEPS; i++, p += 2 * size) {
		pair v = { load_word(p), load_word(p + size) };

		evens += even;
		odds += odd;
		even += v & bytes;
		odd += v >> 8 & bytes;
	}
	for (int i = 0; i < 2; i++) {
		uint64_t steps = (evens[i] & halves) + (evens[i] >> 16 & halves) +
				 (odds[i] & halves) + (odds[i] >> 16 & halves);
		uint32_t sum = (uint32_t)((even[i] + odd[i]) * once >> top);

		/* Within a word of 8 bytes, these count 8, 7, 6, ... times; of 4 bytes, 4, 3, ... */
		*high += 2 * size * (uint32_t)(steps + (steps >> 32)) +
			 2 * (uint32_t)((even[i] * falling >> top) + (odd[i] * falling >> top)) -
			 (uint32_t)(odd[i] * once >> top) + (i ? 0 : size * sum);
		*low += sum;
	}
}

void adler32_add(struct adler32 *sums, const uint8_t *p, const uint8_t *end)
{
	const int step_bytes = 2 * (int)sizeof(word);
	uint32_t low = sums->low, high = sums->high;

	while (p < end) {
		const uint8_t *stop = end - p < BYTES_MAX ? end : p + BYTES_MAX;

		for (; stop - p >= STEPS * step_bytes; p += STEPS * step_bytes)
			add_steps(&low, &high, p);
		while (p < stop)
			high += low += *p++;
		low %= MODULUS;
		high %= MODULUS;
	}
	sums->low = low;
	sums->high = high;
}
