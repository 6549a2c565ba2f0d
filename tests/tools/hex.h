/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_TOOLS_HEX_H
#define TESTS_TOOLS_HEX_H

#include <stdint.h>
#include <stdio.h>

/* Reads pairs of hexadecimal digits into at most size_bytes bytes. Returns their number. */
static inline size_t parse_hex(const char *text, uint8_t *buf, size_t size_bytes)
{
	size_t n = 0;
	unsigned byte;

	for (; n < size_bytes && sscanf(text, "%2x", &byte) == 1 && text[1]; text += 2)
		buf[n++] = (uint8_t)byte;
	return n;
}

#endif
