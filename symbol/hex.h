/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes hexadecimal numbers as the kernel and objdump do: lower case, no 0x, no leading zeros. */
#ifndef SYMBOL_HEX_H
#define SYMBOL_HEX_H

#include <stdint.h>

/* Writes 1 to 16 digits without a NUL, and returns the place behind them. */
static inline char *hex_put(char *to, uint64_t value)
{
	unsigned shift = 60;

	while (shift && !(value >> shift))
		shift -= 4;
	for (;; shift -= 4) {
		*to++ = "0123456789abcdef"[value >> shift & 15];
		if (!shift)
			return to;
	}
}

#endif
