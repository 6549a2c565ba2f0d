/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of code that a program has compiled at run time, from the file that it writes for perf:
 * node --perf-basic-prof, java -XX:+DumpPerfMapAtExit, jcmd PID Compiler.perfmap, .NET, LuaJIT.
 * The format is that of linux/tools/perf/Documentation/jit-interface.txt, one line for each
 * piece of code, in hexadecimal (the JVM writes 0x before it):
 *
 *	START SIZE NAME
 *	3ef414c0 398 LazyCompile:*fib /home/me/fib.js:1
 */
#ifndef SYMBOL_PERFMAP_H
#define SYMBOL_PERFMAP_H

#include <stddef.h>

#include "base/arena.h"
#include "symbol/symbol.h"

#define PERFMAP_BYTES_MAX	((uint64_t)256 << 20)	/* read of a file: the last ones, as the newest */

/*
 * Sets name and start of those of n symbols (sorted ascending by addr: absolute addresses, here)
 * that lie in a line's code; of several the last counts, since memory is used again. Others keep
 * what they have. path is that of the file, which has to be a regular one that belongs to this
 * process's user or root, and no symbolic link: anyone may write to /tmp.
 *
 * Returns SYMBOL_OK, SYMBOL_NO_FILE, SYMBOL_NO_SYMBOLS (nothing in it is of that format) or
 * SYMBOL_NO_MEMORY. Async-signal-safe; keeps errno; 16 bytes per address and 70 KB of scratch
 * memory; the time is that of reading the file once, and log n for each line.
 */
int perfmap_resolve(const char *path, struct symbol *syms, size_t n, struct arena *arena);

#endif
