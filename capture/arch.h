/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine as the unwinders see it: one header for each machine that has a fast unwinder. On other machines
 * ARCH_DWARF_FP is not defined, and backtrace() serves. Each header defines:
 *
 *	ARCH_DWARF_FP, ARCH_DWARF_SP	DWARF's numbers of the frame and stack pointer
 *	ARCH_DWARF_RA			the column of the return address
 *	ARCH_REGISTERS			how many of DWARF's numbers the slow unwinder follows
 *	ARCH_LINK_REGISTER		1: a call leaves its return address in that column's register, where the
 *					function may keep it; 0: a call pushes it onto the stack
 *	arch_return_address()		the address that a stored return address means, without its signature
 *	ARCH_SIGNAL_FP, _LR, _SP, _PC	where, from the stack pointer in the code that a signal
 *					handler returns to (base/sigreturn.h), the kernel saved the registers; _PC
 *					is the last of them
 *	arch_plt_cfa()			the CFA expression that linkers write for lazy PLT stubs
 *	arch_read_registers()		reads the registers with which the slow unwinder begins;
 *					ARCH_READ_REGISTERS has a bit for each that is read
 *	arch_sets_frame_pointer() and the functions behind it recognize single instructions, for prologue.c;
 *					ARCH_..._BYTES is how many bytes of code each function reads
 */
#ifndef CAPTURE_ARCH_H
#define CAPTURE_ARCH_H

#if defined(__x86_64__)
#include "arch_x86_64.h"
#elif defined(__aarch64__) && defined(__LP64__)
#include "arch_aarch64.h"
#endif

#endif
