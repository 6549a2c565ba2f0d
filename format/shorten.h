/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shorter forms of readable C++ and Rust names: the contents of brackets give way to "...",
 * the innermost first, and what stands outside them stays. Text to text, usable on its own.
 *
 *	std::map<int, std::pair<long, char>, std::less<int> >::operator[](int&&)
 *	std::map<int, std::pair<...>, std::less<int> >::operator[](int&&)
 *	std::map<int, ...>::operator[](int&&)
 *
 * Async-signal-safe; no memory of its own, about 700 bytes of stack.
 */
#ifndef FORMAT_SHORTEN_H
#define FORMAT_SHORTEN_H

#include <stddef.h>

/* Characters of UTF-8 text, each taken for one column. */
size_t shorten_columns(const char *text, size_t len);

/*
 * Shortens text in place until it takes no more than columns, or until nothing more can be
 * left out; returns its new length in bytes. Text that fits stays as it is. What stands
 * outside of all brackets (a function's scope and name) is never touched, nor is the inside of a
 * multibyte character. A second time changes nothing, unless the name is damaged. Time: at most
 * 500 passes over the text, 20 for usual names; 200 over one of more than 8 KB.
 */
size_t shorten(char *text, size_t columns);

#endif
