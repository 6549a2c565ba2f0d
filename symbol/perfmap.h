/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of code that a program has compiled at run time, from the file that it writes for perf.
 * Such files are written by node --perf-basic-prof, java -XX:+DumpPerfMapAtExit, jcmd PID
 * Compiler.perfmap, .NET and LuaJIT. The format is that of
 * linux/tools/perf/Documentation/jit-interface.txt: a line for each piece of code, with hexadecimal
 * numbers (before which the JVM writes 0x):
 *
 *	START SIZE NAME
 *	3ef414c0 398 LazyCompile:*fib /home/me/fib.js:1
 */
#ifndef SYMBOL_PERFMAP_H
#define SYMBOL_PERFMAP_H

#include <stddef.h>

#include "base/arena.h"
#include "symbol/symbol.h"

#define PERFMAP_BYTES_MAX	((uint64_t)256 << 20)	/* a larger file is read from its end */

/*
 * Sets name and start of each of n symbols that lies in the code of some line. The symbols are
 * sorted by addr, which is an absolute address here. Of several lines the last one counts, because
 * memory is used again. The other symbols stay as they are. path is the file's, which has to be a
 * regular file that belongs to this process's user or to root, and no symbolic link, because anyone
 * may write to /tmp.
 *
 * Returns SYMBOL_OK, SYMBOL_NO_FILE, SYMBOL_NO_SYMBOLS (no line has the format) or
 * SYMBOL_NO_MEMORY. Async-signal-safe; keeps errno. Takes 16 bytes for each address and 70 KB of
 * scratch memory, and the time to read the file once, with O(log n) for each line.
 */
int perfmap_resolve(const char *path, struct symbol *syms, size_t n, struct arena *arena);

#endif
