/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Readable text for mangled symbol names: C++ (Itanium C++ ABI, section 5.1) and Rust
 * (legacy, and v0 of RFC 2603). Text to text: nothing is read but the name, nothing is
 * written but the two pieces of memory that the caller lends. Usable on its own.
 */
#ifndef DEMANGLE_DEMANGLE_H
#define DEMANGLE_DEMANGLE_H

#include <stddef.h>

/*
 * Working memory the caller lends: 16-aligned, any content, nothing kept from call to call.
 * Only what a name needs is touched: two to four pages for the usual ones.
 */
#define DEMANGLE_WORK_BYTES	(256 * 1024)

/* Longer names are left alone. (The longest of libLLVM and libclang-cpp has 1042 bytes.) */
#define DEMANGLE_NAME_MAX	32767

/*
 * Writes the readable form of name (NUL-terminated) to out, NUL-terminated, and returns its
 * length. Returns 0, and leaves "" in out (if out_bytes is not 0), when the name is not
 * mangled, is damaged, is too long, or when its readable form does not fit out_bytes or the
 * work memory: the caller then prints the name as it is.
 *
 *	_ZNSt6vectorIiE4backEv                          std::vector<int>::back()
 *	_ZN4core3fmt5Write9write_fmt17h<16 digits>E     core::fmt::Write::write_fmt
 *	_RNvCs1234_7mycrate3foo                         mycrate::foo
 *
 * The text is that of binutils' c++filt, but for Rust it is that of `c++filt -i`: without
 * the hashes that tell equal names apart. tests/demangle/differences has the exceptions.
 *
 * Async-signal-safe and thread-safe: no malloc, no stdio, no locale, no globals, no
 * recursion; about 500 bytes of stack (gcc -O2), 1100 unoptimised. Time is bounded by the
 * name's length and out_bytes, on hostile names too.
 */
size_t demangle(const char *name, void *work, char *out, size_t out_bytes);

#endif
