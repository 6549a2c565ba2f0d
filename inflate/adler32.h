/* SPDX-License-Identifier: GPL-2.0-only */
/* Computes the checksum of zlib streams, Adler-32 (RFC 1950, section 8.2). Pure computation, without state. */
#ifndef INFLATE_ADLER32_H
#define INFLATE_ADLER32_H

#include <stdint.h>

/* Before the first byte, low is 1 and high is 0. Between two calls both sums are less than 65521. */
struct adler32 {
	uint32_t low;		/* the sum of the bytes */
	uint32_t high;		/* the sum of `low` after each byte */
};

/* Adds the bytes of [p, end). */
void adler32_add(struct adler32 *sums, const uint8_t *p, const uint8_t *end);

/* The checksum as the stream has it in its last four bytes, big endian. */
static inline uint32_t adler32_value(const struct adler32 *sums)
{
	return sums->high << 16 | sums->low;
}

#endif
