/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the module that contains an address, by the kernel's list of mappings, /proc/self/maps. It serves with a libc
 * that has no _dl_find_object() (glibc before 2.35).
 *
 * The loader's own list cannot be used. dl_iterate_phdr() takes a lock that another thread may hold while that
 * thread waits for a lock of the caller of malloc (callbacks are arbitrary code), and in a forked child perhaps
 * no thread ever releases it. The link map that debuggers walk has entries that can be freed during the walk. A
 * dlopen() hook would make this library the caller, whose RUNPATH and namespace count. The kernel's list takes no
 * lock of this process, cannot be stale, and needs no hook to notice a dlopen() or dlclose(), not even those of
 * libc itself (name services, iconv).
 *
 * Reading the list keeps a file open for some tens of microseconds. So the list is read again only when an unknown
 * code address appears (which is rare, because the unwinder keeps its rules and a row its modules), when it is more
 * than a second old, and after a dlclose(). Anonymous executable memory is in the list, too, so that
 * just-in-time compiled code is no reason to read again. All reading together takes at most BURST_NS plus a tenth of
 * the time since the first reading. When this time is used up, and where there is no /proc any more, new addresses
 * are LOADED_UNKNOWN, and a stack ends at the first such address.
 *
 *	55d0c0a02000-55d0c0b95000 r-xp 00002000 fe:01 1234567    /usr/bin/perl
 *	 code.start   code.end                  the mapping of the same file at offset 0,
 *	                                        before it, is code.base: the ELF header
 *
 * There are two lists, which are written in turn. A counter (`done`) tells which one is the newest. Another counter
 * (`begun`) tells a slow reader that a writer has begun to overwrite the list that the reader was searching. One
 * thread at a time reads the file; other threads and signal handlers do not wait for it but get LOADED_UNKNOWN.
 *
 * Limits: code that a program has moved to anonymous memory (some do, for huge pages) belongs to no module, and
 * at most CODES_MAX mappings of code are kept.
 */
#ifndef ELF_MAPS_H
#define ELF_MAPS_H

#include "loaded.h"

/* Reserves memory for the lists. A second call does no harm. Any thread, any time. False: there is no memory. */
bool maps_init(void);

/* See loaded_find(). A signal handler that has interrupted another call may call it, too. */
enum loaded_status maps_find(uintptr_t pc, struct loaded_module *m);

/* Makes the next maps_find() read the list again. Any thread, any time. */
void maps_forget(void);

/* To be called in a child of fork, where the thread that was reading the list may not exist. */
void maps_forked(void);

#endif
