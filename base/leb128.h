/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes numbers in unsigned LEB128 form (DWARF 5, section 7.6): seven bits in each byte, the lowest first. The highest
 * bit of a byte says that another one follows. Protocol Buffers call it varint. reader_uleb() (reader.h) reads it.
 *
 *	96 01		150
 */
#ifndef BASE_LEB128_H
#define BASE_LEB128_H

#include <stdint.h>

#define LEB128_BYTES_MAX	10u	/* of a number of 64 bits */

/* Writes a number to at[0..LEB128_BYTES_MAX). Returns where it ends. Any thread, async-signal-safe. */
static inline uint8_t *leb128_put(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)value | 0x80;
	*at++ = (uint8_t)value;
	return at;
}

#endif
