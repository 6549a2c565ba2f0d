/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names for the stubs of procedure linkage tables (PLT), which have no symbols: NAME@plt, as
 * objdump and gdb name them. Works for x86-64, i386 and aarch64; stubs of other machines stay
 * without a name.
 *
 * Where a file calls an indirect function of its own (as libc.so.6 calls strlen), the relocation
 * has no symbol but the address of the resolver, which objdump and gdb show as *ABS*+0x9f1c0@plt.
 * The symbol of the indirect function has that address, too, so here the name is strlen@plt, as in
 * perf since Linux 6.3. Without such a symbol, the name is the one that objdump shows.
 */
#ifndef SYMBOL_PLT_H
#define SYMBOL_PLT_H

#include <stddef.h>

#include "base/arena.h"
#include "symbol/elf_file.h"
#include "symbol/symbol.h"

/*
 * Sets name and start of each of n symbols that has no name and lies in a stub. debug: the file's
 * separate debug file, or NULL; its addresses are those of e plus shift. Names lie in the arena. 90
 * bytes of scratch are taken for each such address. Where a name cannot be found or memory is
 * short, symbols stay as they are. Async-signal-safe. Uses the streams of both files.
 */
void plt_resolve(struct elf *e, struct elf *debug, uint64_t shift, struct symbol *syms, size_t n,
		 struct arena *scratch, struct arena *arena);

#endif
