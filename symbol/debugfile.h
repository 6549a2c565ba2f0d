/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The separate file that has a file's .symtab and debug data, as distributions ship them
 * (objcopy --only-keep-debug). Searched in this order, the one of two names first that tells the
 * build rather than the file; DIR is each of file->debug_dirs, then /usr/lib/debug:
 *
 *	DIR/.build-id/d6/0fb0...debug		the build id (note NT_GNU_BUILD_ID), as the
 *						Fedora wiki's Releases/FeatureBuildId has it
 *	PLACE/NAME  PLACE/.debug/NAME  DIR/PLACE/NAME
 *						NAME from section .gnu_debuglink, PLACE the
 *						file's directory (GDB manual, "Debugging
 *						Information in Separate Files")
 */
#ifndef SYMBOL_DEBUGFILE_H
#define SYMBOL_DEBUGFILE_H

#include <stdbool.h>

#include "base/arena.h"
#include "symbol/elf.h"
#include "symbol/symbol.h"

/*
 * Opens the debug file of `main`, an open file. It has to have the same build id; only if both
 * have none, the CRC-32 of .gnu_debuglink, for which the whole of it is read (3 s per GB).
 * A candidate that fails this is not used and, if no other is found, sets
 * SYMBOL_UNREAD_MISMATCH in file->unread. False: no debug file. True: elf_close() it.
 * Async-signal-safe; memory from arena, 10 KB and what elf_open() takes.
 */
bool debugfile_open(struct elf *debug, struct elf *main, struct symbol_file *file,
		    struct arena *arena);

#endif
