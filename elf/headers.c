/* SPDX-License-Identifier: GPL-2.0-only */
/* See headers.h. */
#include "headers.h"

#include "base/probe.h"

#include <stddef.h>
#include <string.h>

const ElfW(Phdr) *headers_at(uintptr_t base, unsigned *count)
{
	const ElfW(Ehdr) *eh = (const ElfW(Ehdr) *)base;

	*count = 0;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_phentsize != sizeof(ElfW(Phdr)) ||
	    eh->e_phoff >= PROBE_PAGE || eh->e_phnum > (PROBE_PAGE - eh->e_phoff) / sizeof(ElfW(Phdr)))
		return NULL;
	*count = eh->e_phnum;
	return (const ElfW(Phdr) *)(base + eh->e_phoff);
}
