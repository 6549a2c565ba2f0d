/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two functions by which a process that runs already is traced, and is let go of. The library has been opened by
 * dlopen(3) before, and its constructors have done nothing (libheaptrace.c). The wrapper calls these in a thread of the
 * process that it has stopped outside of malloc and of the loader (wrapper/attach.h); a program can also call them
 * itself.
 *
 * They return enum attach_result (process/attach.h). The other threads of the process go on. Both take the loader's
 * lock, so they wait while another thread loads or unloads a library.
 */
#ifndef HOOKS_ATTACH_H
#define HOOKS_ATTACH_H

/*
 * Begins to trace, with a new and empty table. options: as in HEAPTRACE_OPTIONS. A process that was let go of can be
 * attached to again, with other options.
 *
 * Blocks that were allocated before are not known. When they are freed, they are counted as such. The programs that the
 * process starts are not traced; its children are.
 */
int heaptrace_attach(const char *options);

/* Writes the last dump, and gives everything back: functions, signals, descriptors. The library stays where it is, as
 * some pointer of the program may lead to its functions, which pass all calls on from then on. */
int heaptrace_detach(void);

#endif
