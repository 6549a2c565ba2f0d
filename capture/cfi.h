/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Call frame information (CFI): how to get from a frame to its caller's. It is read from .eh_frame (LSB Core 5.0,
 * section 10.6, and DWARF 5, section 6.4), where each function has a frame description entry (FDE). The FDE is
 * a program that yields a row for each range of the function's addresses, as readelf -wF shows them:
 *
 *	LOC		CFA	rbp	ra
 *	1139		rsp+8	u	c-8	at the entry the return address is at CFA - 8
 *	113a		rsp+16	c-16	c-8	after push %rbp
 *	113d		rbp+16	c-16	c-8	after mov %rsp,%rbp
 *
 * The CFA (canonical frame address) is the stack pointer's value before the call. cfi_find() gives the row in the
 * form that a walk along return addresses nearly always needs: the CFA, the frame pointer and the return
 * address, in the usual forms. cfi_find_state() gives all registers and forms.
 *
 * Lock-free, allocates nothing, async-signal-safe. Reads the loaded modules' own memory, which elf/loaded.h finds.
 */
#ifndef CAPTURE_CFI_H
#define CAPTURE_CFI_H

#include "arch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cfi_status {
	CFI_FOUND,
	CFI_NONE,		/* the address is in no module, or the module has no information for it. This does
				 * not mean that the stack ends there: only CFI_UNDEFINED as the place of the
				 * return address does */
	CFI_UNSUPPORTED,	/* the information has a form that this reader does not support */
	CFI_UNKNOWN,		/* the module is not known now; it may be known later */
};

enum cfi_where {
	CFI_SAME,		/* not saved: the register still has the caller's value */
	CFI_UNDEFINED,		/* lost; of the return address: this is the outermost frame */
	CFI_AT_CFA,		/* saved at CFA + offset */
	CFI_AT_FP,		/* saved at frame pointer + offset (realigned frames) */
	CFI_REGISTER,		/* in the register with this number */
	CFI_EXPRESSION,		/* saved at the address that a DWARF expression gives; the offset is the address of
				 * the expression, which begins with its size */
	CFI_VALUE,		/* the value that a DWARF expression gives; the offset is as for CFI_EXPRESSION */
	CFI_OTHER,		/* in a form that is not supported */
};

struct cfi_saved {
	enum cfi_where where;
	int64_t offset;
};

/* The part of a row that a walk along return addresses needs. */
struct cfi_row {
	bool cfa_is_fp;		/* the CFA's base is the frame pointer, and not the stack pointer */
	bool cfa_deref;		/* the CFA is the word at base + offset (realigned frames) */
	bool signal_frame;	/* a signal trampoline's frame; no other field is filled in */
	int64_t cfa_offset;
	struct cfi_saved fp, ra;
	uintptr_t gap_start;	/* with CFI_NONE: there is no information from here to the address; 0 if no module
				 * holds the address */
};

#ifdef ARCH_DWARF_FP
/* A whole row, for the slow unwinder. */
struct cfi_state {
	uint64_t cfa_register;
	int64_t cfa_offset;
	const uint8_t *cfa_expression;	/* NULL: register + offset */
	uint64_t cfa_expression_size;
	bool signal_frame;		/* the caller made no call but was interrupted at its address */
	struct cfi_saved saved[ARCH_REGISTERS];	/* by DWARF's numbers of the registers */
};

/* As cfi_find(), for the whole row. */
enum cfi_status cfi_find_state(uintptr_t pc, struct cfi_state *state);
#endif

/* Is called at the start only (loaded_init()). Returns false if no module can be found. */
bool cfi_init(void);

/* Finds the row for the instruction at pc. For a return address the caller gives the address minus one. pc must be on
 * the calling thread's stack, so that its module stays loaded meanwhile. */
enum cfi_status cfi_find(uintptr_t pc, struct cfi_row *row);

/*
 * As cfi_find(), for the copy of a module of another process: image[0..bytes), whose parts have the same distances from
 * each other as there, with the header of unwind information (PT_GNU_EH_FRAME) at image + header_at. pc is an address
 * in the copy. The row is the same as in the other process, because it has no addresses, but for gap_start. The process
 * may have written anything there: nothing outside of the copy is read.
 */
enum cfi_status cfi_find_by(const uint8_t *image, size_t bytes, size_t header_at, uintptr_t pc, struct cfi_row *row);

#endif
