/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Source lines and inlined calls for addresses, from a file's debug sections.
 *
 * Async-signal-safe, like symbol.h. Scratch memory is its own and gone on return: about
 * 200 KB of windows, 60 bytes per address, some 100 bytes per function around one, and the
 * abbreviations of two units (some 10 KB each); a zlib stream's state for each section that
 * is compressed. At most 2 KB of stack.
 */
#ifndef SYMBOL_LINES_H
#define SYMBOL_LINES_H

#include <stddef.h>

#include "base/arena.h"
#include "symbol/elf.h"
#include "symbol/symbol.h"

/*
 * Sets calls and call_count of syms[0..n), sorted by addr, from the debug sections of `debug`:
 * the file itself or its separate debug file, the one whose addresses are meant. Adds what it
 * could not read to file->unread. Names and starts that are known must be set before: a
 * function whose debug data has no linkage name gets the symbol's.
 *
 * Returns SYMBOL_OK, also when there is no debug data, or SYMBOL_NO_MEMORY; what was found is
 * set in either case, in arena.
 */
int lines_resolve(struct elf *debug, struct symbol_file *file, struct symbol *syms, size_t n,
		  struct arena *arena);

#endif
