/* SPDX-License-Identifier: GPL-2.0-only */
/* The program headers of a module as they are in memory. */
#ifndef BASE_HEADERS_H
#define BASE_HEADERS_H

#include <link.h>
#include <stdint.h>

/*
 * The program headers, and in *count how many, of the module whose ELF header is at base. NULL, and 0: there is no ELF
 * header of this machine's word size, or its program headers do not end in the first page (PROBE_PAGE bytes),
 * as they do in nearly every file. That page must be readable. Async-signal-safe.
 */
const ElfW(Phdr) *headers_at(uintptr_t base, unsigned *count);

#endif
