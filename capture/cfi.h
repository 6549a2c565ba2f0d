/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Call frame information: how to get from a frame to its caller's, read from .eh_frame (LSB
 * Core 5.0, section 10.6, and DWARF 5, section 6.4). cfi_find() gives what a walk along return
 * addresses needs nearly always: the CFA, the frame pointer, the return address, in the usual forms.
 * cfi_find_state() gives everything.
 *
 * Lock-free, no allocation, async-signal-safe. Reads the loaded modules' own memory, found
 * by elf/loaded.h.
 */
#ifndef CAPTURE_CFI_H
#define CAPTURE_CFI_H

#include "arch.h"

#include <stdbool.h>
#include <stdint.h>

enum cfi_status {
	CFI_FOUND,
	CFI_NONE,		/* no module, or no information for this address. That is not the end of
				 * the stack: only CFI_UNDEFINED is, for a return address */
	CFI_UNSUPPORTED,	/* something this reader does not follow */
	CFI_UNKNOWN,		/* the module is not known now; another time it may be */
};

enum cfi_where {
	CFI_SAME,		/* not saved: still in its register */
	CFI_UNDEFINED,		/* gone; as return address: the outermost frame */
	CFI_AT_CFA,		/* saved at CFA + offset */
	CFI_AT_FP,		/* saved at frame pointer + offset (realigned frames) */
	CFI_REGISTER,		/* in the register of this number */
	CFI_EXPRESSION,		/* saved at the address that a DWARF expression gives, or (VALUE) that
				 * address itself; the offset is the expression's own address: its size, then
				 * its bytes */
	CFI_VALUE,
	CFI_OTHER,
};

struct cfi_saved {
	enum cfi_where where;
	int64_t offset;
};

/* What a walk along return addresses needs. */
struct cfi_row {
	bool cfa_is_fp;		/* based on the frame pointer, else on the stack pointer */
	bool cfa_deref;		/* the CFA is what lies at base + offset (DRAP) */
	bool signal_frame;	/* the frame a signal handler returns to; nothing else is filled in */
	int64_t cfa_offset;
	struct cfi_saved fp, ra;
	uintptr_t gap_start;	/* with CFI_NONE: there is no information from here on to the address; 0: no
				 * module holds it */
};

#ifdef ARCH_DWARF_FP
/* All of it, for the slow unwinder. */
struct cfi_state {
	uint64_t cfa_register;
	int64_t cfa_offset;
	const uint8_t *cfa_expression;	/* NULL: register + offset */
	uint64_t cfa_expression_size;
	bool signal_frame;		/* the caller was interrupted at its address, it made no call */
	struct cfi_saved saved[ARCH_REGISTERS];	/* by their numbers in DWARF */
};

/* As cfi_find(), but nothing that the information says is left out. */
enum cfi_status cfi_find_state(uintptr_t pc, struct cfi_state *state);
#endif

/* At start only (loaded_init()). False: no module can be found. */
bool cfi_init(void);

/* The row for the instruction at pc (for a return address: give the address minus one), which
 * must be on the caller's stack. */
enum cfi_status cfi_find(uintptr_t pc, struct cfi_row *row);

#endif
