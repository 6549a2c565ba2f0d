/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86_64 as the unwinder sees it. Register numbers: System V ABI, AMD64 supplement 1.0,
 * figure 3.36.
 */
#ifndef CAPTURE_ARCH_X86_64_H
#define CAPTURE_ARCH_X86_64_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ARCH_DWARF_FP	6	/* rbp */
#define ARCH_DWARF_SP	7	/* rsp */
#define ARCH_DWARF_RA	16	/* the return address column */

#define ARCH_LINK_REGISTER	0	/* a call pushes it */

static inline uintptr_t arch_return_address(uintptr_t stored)
{
	return stored;
}

/*
 * In __restore_rt the stack pointer is at the kernel's ucontext. Offsets of the saved registers in it:
 * uc_mcontext at 40, then gregs[REG_RBP = 10, REG_RSP = 15, REG_RIP = 16]
 * (linux/arch/x86/include/uapi/asm/{ucontext,sigcontext}.h).
 */
#define ARCH_SIGNAL_FP	(40 + 8 * 10)
#define ARCH_SIGNAL_LR	0	/* none */
#define ARCH_SIGNAL_SP	(40 + 8 * 15)
#define ARCH_SIGNAL_PC	(40 + 8 * 16)

/*
 * The CFA expression of lazy PLT stubs, the same in every linker: rsp + 8, and 8 more from
 * the stub's 11th byte on: breg7 8; breg16 0; lit15; and; lit11; ge; lit3; shl; plus. Some
 * linkers write lit10 (after an endbr64). Returns the offset from rsp at pc, or 0.
 */
static inline int64_t arch_plt_cfa(const uint8_t *expression, uint64_t size, uintptr_t pc)
{
	static const uint8_t head[] = { 0x77, 8, 0x80, 0, 0x3f, 0x1a }, tail[] = { 0x2a, 0x33, 0x24, 0x22 };
	unsigned from;

	if (size != 11 || memcmp(expression, head, 6) || memcmp(expression + 7, tail, 4))
		return 0;
	from = expression[6] - 0x30u;	/* DW_OP_lit0 is 0x30 */
	return 8 + ((pc & 15) >= from ? 8 : 0);
}

#endif
