/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for the stubs of procedure linkage tables, which have no symbols: NAME@plt, as objdump
 * and gdb name them. x86-64, i386 and aarch64; elsewhere they stay without a name.
 *
 * Where a file calls an indirect function of its own (libc.so.6 strlen), the relocation has no
 * symbol but the address of the resolver, which objdump and gdb show as *ABS*+0x9f1c0@plt. The
 * indirect function's symbol has that address too, so here it is strlen@plt, as in perf since
 * Linux 6.3; without such a symbol it is what objdump says.
 */
#ifndef SYMBOL_PLT_H
#define SYMBOL_PLT_H

#include <stddef.h>

#include "base/arena.h"
#include "symbol/elf.h"
#include "symbol/symbol.h"

/*
 * Sets name and start of those of n symbols that have no name and lie in a stub. debug: the file's
 * separate debug file, or NULL; its addresses are e's plus shift. Names come from arena; scratch
 * gets 90 bytes per such address. Does what it can; without memory nothing. Async-signal-safe;
 * uses the files' streams.
 */
void plt_resolve(struct elf *e, struct elf *debug, uint64_t shift, struct symbol *syms, size_t n,
		 struct arena *scratch, struct arena *arena);

#endif
