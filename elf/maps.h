/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which module an address lies in, for a libc without _dl_find_object() (glibc before 2.35):
 * by the kernel's list of what is mapped, /proc/self/maps.
 *
 * The loader's own list is out of reach. dl_iterate_phdr() takes a lock that another thread
 * may hold while it waits for one that the caller of malloc has (its callbacks are anybody's
 * code), and in a forked child nobody may ever release it; the link map that debuggers walk
 * has its entries freed under whoever reads it; and a dlopen() of ours in front of libc's
 * would make us the caller, whose RUNPATH and namespace count. The kernel's list takes no
 * lock of this process, cannot be stale and needs no hook to notice a dlopen or a dlclose,
 * libc's own (name services, iconv) included.
 *
 * It costs a file that is open for some tens of microseconds, so it is read only where an
 * address of code is met that nothing is known of (the unwinder keeps its rules, a row its
 * modules: that is rare), where what was read is more than a second old, and after a
 * dlclose. Anonymous executable memory is known for what it is, so that compiled code (JIT)
 * is no reason to read again. And never for more than BURST plus a tenth of the time in all;
 * past that, and where there is no /proc any more, addresses are UNKNOWN, and a stack is cut where it
 * comes to one that nothing was known of before.
 *
 *	55d0c0a02000-55d0c0b95000 r-xp 00002000 fe:01 1234567    /usr/bin/perl
 *	 code.start   code.end                  the mapping of the same file at offset 0,
 *	                                        before it, is code.base: the ELF header
 *
 * What is read becomes a list that never changes: two of them take turns, the newest is told
 * by a counter, and a reader who was so slow that the writer has come around to its list
 * notices by another counter. One thread reads the file; who comes meanwhile, in a thread or
 * a signal handler, does not wait: UNKNOWN.
 *
 * Limits: code that a program has moved to anonymous memory (some do, for huge pages) is
 * taken for no module's; at most CODES_MAX mappings of code are looked through.
 */
#ifndef ELF_MAPS_H
#define ELF_MAPS_H

#include "loaded.h"

/* Reserves memory for the lists. Again does no harm. Any thread, any time. False: none was to be had. */
bool maps_init(void);

/* See loaded_find(). Also when a signal has interrupted another call. */
enum loaded_status maps_find(uintptr_t pc, struct loaded_module *m);

/* What was read is void. Any thread, any time. */
void maps_forget(void);

/* In a child of fork, which may have lost the thread that was reading. */
void maps_forked(void);

#endif
