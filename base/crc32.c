/* SPDX-License-Identifier: GPL-2.0-only */
/* See crc32.h. Four bits at a time need a table of only 64 bytes. */
#include "crc32.h"

#define POLYNOMIAL	0xedb88320u	/* IEEE 802.3, lowest bit first */

uint32_t crc32_add(uint32_t crc, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;
	uint32_t table[16];

	for (uint32_t i = 0; i < 16; i++) {
		table[i] = i;
		for (int bit = 0; bit < 4; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? POLYNOMIAL : 0);
	}
	crc = ~crc;
	for (size_t i = 0; i < count; i++) {
		crc ^= at[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}
