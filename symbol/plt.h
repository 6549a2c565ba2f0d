/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for the stubs of procedure linkage tables, which have no symbols: NAME@plt, as objdump
 * and gdb name them. x86-64, i386 and aarch64; elsewhere they stay without a name.
 */
#ifndef SYMBOL_PLT_H
#define SYMBOL_PLT_H

#include <stddef.h>

#include "base/arena.h"
#include "symbol/elf.h"
#include "symbol/symbol.h"

/*
 * Sets name and start of those of n symbols that have no name and lie in a stub. Names come from
 * arena; scratch gets 56 bytes per such address. Does what it can; without memory nothing.
 * Async-signal-safe; uses the file's stream.
 */
void plt_resolve(struct elf *e, struct symbol *syms, size_t n, struct arena *scratch,
		 struct arena *arena);

#endif
