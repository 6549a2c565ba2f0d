/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rust's legacy mangling (rustc's symbol_names::legacy). It has the form of a nested name of C++
 * whose last part is a hash. Characters that C++ names cannot have are written as $escapes$:
 *
 *	_ZN4core3ptr13drop_in_place17h0123456789abcdefE      core::ptr::drop_in_place
 *	_ZN43_$LT$T$u20$as$u20$core..any..Any$GT$7type_id17h...E  <T as core::any::Any>::type_id
 */
#include <stdint.h>

#include "demangle/rust.h"
#include "demangle/sink.h"

#define HASH_BYTES	17	/* h and 16 hexadecimal digits */

/*
 * Whether the last part is a hash. A C++ name could end in such a part, too, but a hash has many
 * different digits: only one in some ten million has fewer than 5 different ones among its 16.
 */
static bool is_hash(const char *part)
{
	unsigned seen = 0;

	if (part[0] != 'h')
		return false;
	for (int i = 1; i < HASH_BYTES; i++) {
		if (rust_hex_value(part[i]) < 0)
			return false;
		seen |= 1u << rust_hex_value(part[i]);
	}
	return __builtin_popcount(seen) >= 5;
}

/* Reads the length before a part and moves *at to the part. Returns the length, or 0 if the part
 * would not lie inside the name. */
static size_t part_length(const char **at)
{
	size_t len = 0;

	while (rust_is_digit(**at) && len < 100000)
		len = len * 10 + (size_t)(*(*at)++ - '0');
	return strnlen(*at, len) == len ? len : 0;
}

/* Reads an escape such as $LT$ or $u20$. Returns its length and sets *ch, or returns 0: it is none.
 * */
static size_t escape(const char *at, size_t len, uint32_t *ch)
{
	static const struct {
		char text[5], ch;
	} names[] = {
		{"$SP$", '@'}, {"$BP$", '*'}, {"$RF$", '&'}, {"$LT$", '<'}, {"$GT$", '>'},
		{"$LP$", '('}, {"$RP$", ')'}, {"$C$", ','},
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size = strlen(names[i].text);

		if (size <= len && !memcmp(at, names[i].text, size)) {
			*ch = (unsigned char)names[i].ch;
			return size;
		}
	}
	if (len < 4 || at[1] != 'u')
		return 0;
	*ch = 0;
	for (i = 2; i < len && i < 8 && rust_hex_value(at[i]) >= 0; i++)
		*ch = *ch << 4 | (uint32_t)rust_hex_value(at[i]);
	if (i == 2 || i == len || at[i] != '$' || !rust_is_printable(*ch))
		return 0;
	return i + 1;
}

static void print_part(struct sink *out, const char *at, size_t len)
{
	const char *end = at + len;
	bool plain = false;	/* a $ that begins no escape has been seen */

	if (len >= 2 && at[0] == '_' && at[1] == '$')
		at++;	/* because a part may not begin with $, rustc writes _ before it */
	while (at < end) {
		uint32_t ch;
		size_t size;

		if (*at == '$' && !plain) {
			size = escape(at, (size_t)(end - at), &ch);
			plain = !size;
			if (size)
				rust_print_char(out, ch);
			else
				sink_char(out, *at++);
			at += size;
		} else if (*at == '.' && end - at > 1 && at[1] == '.') {
			sink_bytes(out, "::", 2);
			at += 2;
		} else {
			sink_char(out, *at++);
		}
	}
}

size_t rust_legacy_demangle(const char *name, char *out, size_t out_bytes)
{
	const char *at = name + 3, *hash = NULL;
	struct sink sink;
	size_t len;

	if (strncmp(name, "_ZN", 3))
		return 0;
	while (rust_is_digit(*at)) {	/* goes to the last part */
		len = part_length(&at);
		if (!len)
			return 0;
		hash = len == HASH_BYTES ? at : NULL;
		at += len;
	}
	if (*at != 'E' || !hash || !is_hash(hash) || !rust_is_suffix(at + 1))
		return 0;

	sink_init(&sink, out, out_bytes);
	for (at = name + 3;; at += len) {
		len = part_length(&at);
		if (at == hash)
			break;
		if (sink.at != sink.start)
			sink_bytes(&sink, "::", 2);
		print_part(&sink, at, len);
	}
	return sink_finish(&sink);
}
