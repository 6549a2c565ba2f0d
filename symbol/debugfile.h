/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the separate file that has the .symtab and the debug data of another file, as distributions
 * ship them (objcopy --only-keep-debug). The paths are tried in this order, where DIR is each of
 * file->debug_dirs and then /usr/lib/debug:
 *
 *	DIR/.build-id/d6/0fb0...debug		by the build id (note NT_GNU_BUILD_ID): Fedora wiki,
 *						Releases/FeatureBuildId
 *	PLACE/NAME  PLACE/.debug/NAME  DIR/PLACE/NAME
 *						NAME is in section .gnu_debuglink, PLACE is the file's
 *						directory: GDB manual, "Debugging Information in
 *						Separate Files"
 *
 * The build id comes first because it names the build exactly, and the other paths only the file.
 */
#ifndef SYMBOL_DEBUGFILE_H
#define SYMBOL_DEBUGFILE_H

#include <stdbool.h>

#include "base/arena.h"
#include "symbol/elf_file.h"
#include "symbol/symbol.h"

/*
 * Opens the debug file of `main`, which is an open file. It must have the same build id. If neither
 * file has one, its CRC-32 must be that of .gnu_debuglink; all of the file is read for that (3 s
 * per GB). A candidate that fails this test is not used and, if no other is found, sets
 * SYMBOL_UNREAD_MISMATCH in file->unread. True: the caller has to elf_close() `debug`. False: there
 * is no debug file. Async-signal-safe. Takes 10 KB from the arena, and what elf_open() takes.
 */
bool debugfile_open(struct elf *debug, struct elf *main, struct symbol_file *file,
		    struct arena *arena);

#endif
