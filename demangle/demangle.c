/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tells which of three manglings a name has. _R begins names of Rust's v0 mangling. _ZN..17h<hash>E
 * is Rust's legacy mangling, which looks like C++ and so is tried first. All others are C++.
 */
#include "demangle/demangle.h"

#include "demangle/cxx.h"
#include "demangle/rust.h"

size_t demangle(const char *name, void *work, char *out, size_t out_bytes)
{
	size_t len;

	if (!out_bytes)
		return 0;
	out[0] = '\0';
	if (name[0] != '_' || strnlen(name, DEMANGLE_NAME_MAX + 1) > DEMANGLE_NAME_MAX)
		return 0;
	if (name[1] == 'R')
		return rust_v0_demangle(name, work, out, out_bytes);
	len = rust_legacy_demangle(name, out, out_bytes);
	return len ? len : cxx_demangle(name, work, out, out_bytes);
}
