/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aarch64 as the unwinders see it (arch.h). Register numbers: DWARF for the Arm 64-bit Architecture (aadwarf64,
 * 2023Q3), section 4.1. A frame record, {caller's x29, return address}, can lie anywhere in the frame, so that only
 * the unwind tables tell where the CFA is.
 */
#ifndef CAPTURE_ARCH_AARCH64_H
#define CAPTURE_ARCH_AARCH64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCH_DWARF_FP	29	/* x29 */
#define ARCH_DWARF_SP	31	/* sp */
#define ARCH_REGISTERS	32	/* numbers below this are followed */
#define ARCH_DWARF_RA	30	/* x30, the link register */

/* A call stores nothing on the stack, so a leaf function's return address stays in x30. */
#define ARCH_LINK_REGISTER	1

/*
 * Strips the signature that code built with -mbranch-protection puts into the upper bits of the address (pointer
 * authentication, Armv8.3). The number of these bits depends on the size of the kernel's address space (39, 48, 52
 * bits), so the machine does it: xpaclri strips x30. Its encoding is hint #7, which does nothing on machines
 * without signatures (Arm Architecture Reference Manual, C6.2, XPACLRI). The address is not authenticated,
 * because it is only shown.
 */
static inline uintptr_t arch_return_address(uintptr_t stored)
{
	uintptr_t address;

	__asm__("mov x30, %1\n\thint #7\n\tmov %0, x30" : "=r"(address) : "r"(stored) : "x30");
	return address;
}

/*
 * The signal trampoline is in the vdso and has no unwind information (linux/arch/arm64/kernel/vdso/sigreturn.S, since
 * 5.8). The stack pointer in the trampoline is the address of the kernel's rt_sigframe: a siginfo_t of 128 bytes, then
 * the ucontext with uc_mcontext at 176, which holds fault_address, regs[31], sp, pc
 * (linux/arch/arm64/kernel/signal.c, include/uapi/asm/{ucontext,sigcontext}.h).
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

/*
 * Reads the callee-saved registers (AAPCS64, "General-purpose Registers") and the stack pointer. They are those at the
 * returned address, which lies in the function into which this one is inlined.
 */
static inline __attribute__((always_inline)) uintptr_t arch_read_registers(uintptr_t r[ARCH_REGISTERS])
{
	uintptr_t pc, sp;

	__asm__ volatile("adr %0, .\n\tmov %1, sp\n\tstr %1, [%2, #248]\n\t"
			 "stp x19, x20, [%2, #152]\n\tstp x21, x22, [%2, #168]\n\tstp x23, x24, [%2, #184]\n\t"
			 "stp x25, x26, [%2, #200]\n\tstp x27, x28, [%2, #216]\n\tstp x29, x30, [%2, #232]"
			 : "=&r"(pc), "=&r"(sp) : "r"(r) : "memory");
	return pc;
}
#define ARCH_READ_REGISTERS	(0x1fffu << 19)

/* ---- Code, for prologue.c ---- */

#define ARCH_CODE_STEP	4	/* instructions begin at multiples of this */

static inline uint32_t arch_code_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The target of an instruction at `at`, whose offset has `bits` bits from bit `shift` on, in units of 4 bytes. */
static inline uintptr_t arch_code_target(const uint8_t *at, unsigned bits, unsigned shift)
{
	int64_t offset = (int64_t)((uint64_t)arch_code_u32(at) << (64 - bits - shift)) >> (64 - bits);

	return (uintptr_t)at + (uintptr_t)(offset * 4);
}

/* Whether the instruction at `at` sets the frame pointer to the frame record that the function has just stored:
 * mov x29, sp, or add x29, sp, #offset. */
static inline bool arch_sets_frame_pointer(const uint8_t *at)
{
	return (arch_code_u32(at) & 0xffc003ff) == 0x910003fd;
}
#define ARCH_SETS_BYTES	4

/*
 * Returns how many bytes before the instruction at `at`, which sets the frame pointer, the frame record was
 * stored, or 0 if that was not done in a known way. The known ways are stp x29, x30, [sp, #-size]! and, after
 * sub sp, sp, #size, stp x29, x30, [sp, #offset]. Compilers put a few other instructions in between. *cfa_offset
 * gets the distance from the record to the CFA.
 */
static inline unsigned arch_stores_record(const uint8_t *low, const uint8_t *at, int64_t *cfa_offset)
{
	int64_t above = arch_code_u32(at) >> 10 & 0xfff, offset = -1;
	unsigned stored = 0;

	for (unsigned back = 4; back <= 48 && (size_t)(at - low) >= back; back += 4) {
		uint32_t code = arch_code_u32(at - back);
		int64_t imm7 = ((int64_t)((uint64_t)code << 42) >> 57) * 8;

		if (offset < 0 && !above && (code & 0xffc07fff) == 0xa9807bfd && imm7 < 0) {
			*cfa_offset = -imm7;
			return back;
		}
		if (offset < 0 && (code & 0xffc07fff) == 0xa9007bfd) {
			offset = imm7;
			stored = back;
			if (offset != above)
				return 0;
		} else if (offset >= 0 && (code & 0xffc003ff) == 0xd10003ff) {
			*cfa_offset = (int64_t)(code >> 10 & 0xfff) - offset;
			return *cfa_offset >= 16 ? stored : 0;
		}
	}
	return 0;
}

/* If a function may end with the instruction at `at` (ret, retaa, retab), returns its length, otherwise 0. */
static inline unsigned arch_ends_frame(const uint8_t *at)
{
	uint32_t code = arch_code_u32(at);

	return code == 0xd65f03c0 || code == 0xd65f0bff || code == 0xd65f0fff ? 4 : 0;
}
#define ARCH_ENDS_BYTES	4

/* Whether the instruction at `at` may jump within a function: b; b.cond, cbz, cbnz; tbz, tbnz. */
static inline bool arch_jumps(const uint8_t *at, uintptr_t *target)
{
	uint32_t code = arch_code_u32(at);

	if ((code & 0xfc000000) == 0x14000000)
		*target = arch_code_target(at, 26, 0);
	else if ((code & 0xff000010) == 0x54000000 || (code & 0x7e000000) == 0x34000000)
		*target = arch_code_target(at, 19, 5);
	else if ((code & 0x7e000000) == 0x36000000)
		*target = arch_code_target(at, 14, 5);
	else
		return false;
	return true;
}
#define ARCH_JUMPS_BYTES	4

/* Whether the instruction at `at` may call a function or take its address: bl, adr. */
static inline bool arch_refers(const uint8_t *at, uintptr_t *target)
{
	uint32_t code = arch_code_u32(at);

	if ((code & 0xfc000000) == 0x94000000) {
		*target = arch_code_target(at, 26, 0);
		return true;
	}
	if ((code & 0x9f000000) == 0x10000000) {
		int64_t high = (int64_t)((uint64_t)code << 40) >> 45;

		*target = (uintptr_t)at + (uintptr_t)(high * 4 + (code >> 29 & 3));
		return true;
	}
	return false;
}
#define ARCH_REFERS_BYTES	4

/* Whether the instruction before the return address ra is a direct call; *target gets the function that it calls. */
#define ARCH_CALL_BYTES	4
static inline bool arch_direct_call(const uint8_t *ra, uintptr_t *target)
{
	if ((arch_code_u32(ra - 4) & 0xfc000000) != 0x94000000)
		return false;
	*target = arch_code_target(ra - 4, 26, 0);
	return true;
}

/* Whether it is an indirect call: blr; blraa and the like, with pointer authentication. */
static inline bool arch_indirect_call(const uint8_t *ra)
{
	uint32_t code = arch_code_u32(ra - 4);

	return (code & 0xfffffc1f) == 0xd63f0000 || (code & 0xfefff800) == 0xd63f0800;
}

/* Whether a stub of the procedure linkage table is at `at`: [bti c] adrp x16, page; ldr x17, [x16, #offset]. *slot gets
 * the address from which the stub loads its target. */
#define ARCH_STUB_BYTES	12
static inline bool arch_stub_slot(const uint8_t *at, uintptr_t *slot)
{
	uint32_t adrp, load;
	int64_t pages;

	if (arch_code_u32(at) == 0xd503245f)
		at += 4;
	adrp = arch_code_u32(at);
	load = arch_code_u32(at + 4);
	if ((adrp & 0x9f00001f) != 0x90000010 || (load & 0xffc003ff) != 0xf9400211)
		return false;
	pages = ((int64_t)((uint64_t)adrp << 40) >> 45) * 4 + (adrp >> 29 & 3);
	*slot = ((uintptr_t)at & ~(uintptr_t)4095) + (uintptr_t)(pages * 4096) + (load >> 10 & 0xfff) * 8;
	return true;
}

#endif
