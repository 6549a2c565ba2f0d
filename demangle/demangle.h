/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Readable text for mangled symbol names of C++ (Itanium C++ ABI, section 5.1) and Rust (the legacy
 * mangling, and v0 of RFC 2603). Only the name is read, and only the two pieces of memory are
 * written that the caller lends. This folder can be used on its own.
 */
#ifndef DEMANGLE_DEMANGLE_H
#define DEMANGLE_DEMANGLE_H

#include <stddef.h>

/*
 * The size of the work memory. It has to be aligned to 16 bytes, may have any content, and nothing
 * in it is kept from call to call. A call touches only what the name needs, mostly two to four
 * pages.
 */
#define DEMANGLE_WORK_BYTES	(256 * 1024)

/* Longer names are left alone. (The longest of libLLVM and libclang-cpp has 1042 bytes.) */
#define DEMANGLE_NAME_MAX	32767

/*
 * Writes the readable form of a name to out and returns its length. Both are NUL-terminated.
 * Returns 0 and leaves "" in out (if out_bytes is not 0) when the name is not mangled, is damaged
 * or too long, or when its readable form does not fit out_bytes or the work memory. Then the caller
 * prints the name as it is.
 *
 *	_ZNSt6vectorIiE4backEv                          std::vector<int>::back()
 *	_ZN4core3fmt5Write9write_fmt17h<16 digits>E     core::fmt::Write::write_fmt
 *	_RNvCs1234_7mycrate3foo                         mycrate::foo
 *
 * The text is that of binutils' c++filt, and for Rust that of `c++filt -i`, which leaves out the
 * hashes that tell equal names apart. tests/demangle/differences has the exceptions.
 *
 * Async-signal-safe and thread-safe: uses no malloc, stdio, locale, global variables or recursion,
 * and about 500 bytes of stack (gcc -O2) or 1100 unoptimized. The name's length and out_bytes bound
 * the time, also for hostile names.
 */
size_t demangle(const char *name, void *work, char *out, size_t out_bytes);

#endif
