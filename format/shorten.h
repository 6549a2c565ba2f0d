/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shortens demangled C++ and Rust names. The contents of brackets are replaced by "...", the innermost
 * first; the text outside of all brackets stays.
 *
 *	std::map<int, std::pair<long, char>, std::less<int> >::operator[](int&&)
 *	std::map<int, std::pair<...>, std::less<int> >::operator[](int&&)
 *	std::map<int, ...>::operator[](int&&)
 *
 * Async-signal-safe. Allocates nothing, and takes about 700 bytes of stack.
 */
#ifndef FORMAT_SHORTEN_H
#define FORMAT_SHORTEN_H

#include <stddef.h>

/* How many columns text[0..len) takes: one for each character of UTF-8. */
size_t shorten_columns(const char *text, size_t len);

/*
 * Shortens text in place until it takes no more than columns, or until nothing more can be
 * left out; returns its new length in bytes. Text that fits stays as it is. What stands
 * outside of all brackets (a function's scope and name) is never touched, nor is the inside of a
 * multibyte character. Shortening a name a second time changes nothing, unless the name is damaged.
 * Time: usually 20 passes over the text, at most 500, and at most 200 where it has more than 8 KB.
 */
size_t shorten(char *text, size_t columns);

#endif
