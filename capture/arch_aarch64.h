/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aarch64 as the unwinder sees it. Register numbers: DWARF for the Arm 64-bit Architecture
 * (aadwarf64, 2023Q3), section 4.1. A frame record, {caller's x29, return address}, lies
 * somewhere in the frame, not at its upper end: only the unwind tables tell where the CFA is.
 */
#ifndef CAPTURE_ARCH_AARCH64_H
#define CAPTURE_ARCH_AARCH64_H

#include <stdbool.h>
#include <stdint.h>

#define ARCH_DWARF_FP	29	/* x29 */
#define ARCH_DWARF_SP	31	/* sp */
#define ARCH_DWARF_RA	30	/* x30, the link register */

/* A call stores nothing: a leaf function's return address never leaves x30. */
#define ARCH_LINK_REGISTER	1

/*
 * Without its signature, which code built with -mbranch-protection puts into the address's
 * upper bits (pointer authentication, Armv8.3). How many those are depends on the size of
 * the kernel's address space (39, 48, 52 bits), so it is left to the machine: xpaclri strips
 * x30, and is hint #7, which does nothing, where there are no signatures (Arm Architecture
 * Reference Manual, C6.2, XPACLRI). Nothing is authenticated: the address is only shown.
 */
static inline uintptr_t arch_return_address(uintptr_t stored)
{
	uintptr_t address;

	__asm__("mov x30, %1\n\thint #7\n\tmov %0, x30" : "=r"(address) : "r"(stored) : "x30");
	return address;
}

/*
 * The code that a signal handler returns to is in the vdso, and has no unwind information
 * (linux/arch/arm64/kernel/vdso/sigreturn.S, since 5.8). There the stack pointer is at the kernel's
 * rt_sigframe: a siginfo_t of 128 bytes, then the ucontext with uc_mcontext at 176, and in that
 * fault_address, regs[31], sp, pc (linux/arch/arm64/kernel/signal.c,
 * include/uapi/asm/{ucontext,sigcontext}.h).
 */
#define ARCH_SIGNAL_REGS	(128 + 176 + 8)
#define ARCH_SIGNAL_FP		(ARCH_SIGNAL_REGS + 8 * 29)
#define ARCH_SIGNAL_LR		(ARCH_SIGNAL_REGS + 8 * 30)
#define ARCH_SIGNAL_SP		(ARCH_SIGNAL_REGS + 8 * 31)
#define ARCH_SIGNAL_PC		(ARCH_SIGNAL_REGS + 8 * 32)

/* Linkers write no unwind information for PLT stubs here. */
static inline int64_t arch_plt_cfa(const uint8_t *expression, uint64_t size, uintptr_t pc)
{
	(void)expression;
	(void)size;
	(void)pc;
	return 0;
}

#endif
