/* SPDX-License-Identifier: GPL-2.0-only */
/* The two manglings of Rust, and functions that both use. Contracts are those of demangle(). */
#ifndef DEMANGLE_RUST_H
#define DEMANGLE_RUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "demangle/sink.h"

/* As demangle(), for names that start with _R (RFC 2603). */
size_t rust_v0_demangle(const char *name, void *work, char *out, size_t out_bytes);

/* As demangle(), for _ZN...17h<16 hexadecimal digits>E. Returns 0 for all other names. */
size_t rust_legacy_demangle(const char *name, char *out, size_t out_bytes);

/* Whether a mangled name can end here. A suffix such as .llvm.1234, which LLVM and the linker add,
 * is not shown. */
static inline bool rust_is_suffix(const char *at)
{
	return *at == '\0' || *at == '.';
}

static inline bool rust_is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

/* The value of a lower-case hexadecimal digit, or -1. */
static inline int rust_hex_value(char ch)
{
	return rust_is_digit(ch) ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* Whether ch is a Unicode scalar value and no control character. */
static inline bool rust_is_printable(uint32_t ch)
{
	return ch >= 0x20 && ch != 0x7f && (ch < 0x80 || ch >= 0xa0) && ch < 0x110000 &&
	       (ch < 0xd800 || ch > 0xdfff);
}

/* Writes a Unicode scalar value as UTF-8. */
static inline void rust_print_char(struct sink *out, uint32_t ch)
{
	if (ch < 0x80) {
		sink_char(out, (char)ch);
		return;
	}
	if (ch < 0x800) {
		sink_char(out, (char)(0xc0 | ch >> 6));
	} else {
		if (ch < 0x10000) {
			sink_char(out, (char)(0xe0 | ch >> 12));
		} else {
			sink_char(out, (char)(0xf0 | ch >> 18));
			sink_char(out, (char)(0x80 | (ch >> 12 & 63)));
		}
		sink_char(out, (char)(0x80 | (ch >> 6 & 63)));
	}
	sink_char(out, (char)(0x80 | (ch & 63)));
}

#define PUNYCODE_MAX	128	/* characters of an identifier */

/*
 * Decodes punycode (RFC 3492) as Rust writes it: the ASCII characters, `_`, and the rest; only the
 * last `_` separates. Returns the number of characters in ch, or 0 when the text is damaged or has
 * more than PUNYCODE_MAX characters.
 */
unsigned punycode_decode(const char *text, size_t len, uint32_t ch[PUNYCODE_MAX]);

#endif
