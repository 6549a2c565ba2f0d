/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Source lines and inlined calls for addresses, from a file's debug sections.
 *
 * Async-signal-safe, like symbol.h, and needs at most 2 KB of stack. Scratch memory is released
 * before the return. It takes about 200 KB for windows, 60 bytes for each address, some 100 bytes
 * for each function around an address, the abbreviations of two units (some 10 KB each), and the
 * state of a zlib stream for each compressed section.
 */
#ifndef SYMBOL_LINES_H
#define SYMBOL_LINES_H

#include <stddef.h>

#include "base/arena.h"
#include "symbol/elf_file.h"
#include "symbol/symbol.h"

/*
 * Sets calls and call_count of syms[0..n), which are sorted by addr, from the debug sections of
 * `debug`. That is the file itself or its separate debug file, and addr is in the terms of that
 * one. Kinds of debug data that cannot be read are added to file->unread. Known names and starts
 * must be set before, because a function whose debug data has no linkage name gets the name of its
 * symbol.
 *
 * Returns SYMBOL_OK, also when there is no debug data, or SYMBOL_NO_MEMORY. In either case,
 * everything that was found is set. Its memory is in the arena.
 */
int lines_resolve(struct elf *debug, struct symbol_file *file, struct symbol *syms, size_t n,
		  struct arena *arena);

#endif
