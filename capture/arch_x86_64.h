/* SPDX-License-Identifier: GPL-2.0-only */
/* x86_64 as the unwinders see it (arch.h). Register numbers: System V ABI, AMD64 supplement 1.0, figure 3.36. */
#ifndef CAPTURE_ARCH_X86_64_H
#define CAPTURE_ARCH_X86_64_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ARCH_DWARF_FP	6	/* rbp */
#define ARCH_DWARF_SP	7	/* rsp */
#define ARCH_REGISTERS	17	/* numbers below this are followed */
#define ARCH_DWARF_RA	16	/* the return address column */

#define ARCH_LINK_REGISTER	0	/* a call pushes its return address */

static inline uintptr_t arch_return_address(uintptr_t stored)
{
	return stored;
}

/*
 * The stack pointer in __restore_rt, the signal trampoline, is the address of the kernel's ucontext. Offsets of the
 * saved registers in it: uc_mcontext at 40, then gregs[REG_RBP = 10, REG_RSP = 15, REG_RIP = 16]
 * (linux/arch/x86/include/uapi/asm/{ucontext,sigcontext}.h).
 */
#define ARCH_SIGNAL_FP	(40 + 8 * 10)
#define ARCH_SIGNAL_LR	0	/* none */
#define ARCH_SIGNAL_SP	(40 + 8 * 15)
#define ARCH_SIGNAL_PC	(40 + 8 * 16)

/*
 * The CFA expression of lazy PLT stubs, which is the same from every linker: rsp + 8, and 8 more from the stub's 11th
 * byte on: breg7 8; breg16 0; lit15; and; lit11; ge; lit3; shl; plus. Some linkers write lit10 instead of lit11
 * (after an endbr64). Returns the CFA's offset from rsp at pc, or 0 for any other expression.
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

/* Reads the callee-saved registers and the stack pointer. They are those at the returned address, which lies in the
 * function into which this one is inlined. */
static inline __attribute__((always_inline)) uintptr_t arch_read_registers(uintptr_t r[ARCH_REGISTERS])
{
	uintptr_t pc;

	__asm__ volatile("lea 0(%%rip), %0\n\t"
			 "mov %%rbx, 24(%1)\n\tmov %%rbp, 48(%1)\n\tmov %%rsp, 56(%1)\n\t"
			 "mov %%r12, 96(%1)\n\tmov %%r13, 104(%1)\n\tmov %%r14, 112(%1)\n\tmov %%r15, 120(%1)"
			 : "=&r"(pc) : "r"(r) : "memory");
	return pc;
}
#define ARCH_READ_REGISTERS	(1u << 3 | 1u << 6 | 1u << 7 | 0xfu << 12)

/* ---- Code, for prologue.c ---- */

#define ARCH_CODE_STEP	1	/* instructions begin at multiples of this */

static inline int32_t arch_code_i32(const uint8_t *at)
{
	int32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* Whether the instruction at `at` sets the frame pointer to the frame record that the function has just stored:
 * mov %rsp,%rbp, in either of its encodings. */
static inline bool arch_sets_frame_pointer(const uint8_t *at)
{
	return at[0] == 0x48 && ((at[1] == 0x89 && at[2] == 0xe5) || (at[1] == 0x8b && at[2] == 0xec));
}
#define ARCH_SETS_BYTES	3

/*
 * Returns how many bytes before the instruction at `at`, which sets the frame pointer, the frame record was stored by
 * push %rbp, or 0 if there is no such push. Compilers put some other instructions in between. *cfa_offset gets the
 * distance from the record to the CFA. Returns 0 also for a realigned frame, whose record is not at the CFA: there
 * pushq -8(%r10) has stored a copy of the return address before.
 */
static inline unsigned arch_stores_record(const uint8_t *low, const uint8_t *at, int64_t *cfa_offset)
{
	for (unsigned back = 1; back <= 64 && (size_t)(at - low) >= back; back++) {
		const uint8_t *push = at - back;

		if (*push != 0x55 || (push > low && push[-1] == 0x41))	/* push %r13 */
			continue;
		if (push - low >= 4 && push[-4] == 0x41 && push[-3] == 0xff && push[-2] == 0x72 && push[-1] == 0xf8)
			return 0;
		*cfa_offset = 16;
		return back;
	}
	return 0;
}

/* If a function with a frame record may end with the instructions at `at`, returns their length, otherwise 0. They are
 * pop %rbp or leave, and then a return or a jump, perhaps with the prefix rep or bnd. */
static inline unsigned arch_ends_frame(const uint8_t *at)
{
	if (at[0] != 0x5d && at[0] != 0xc9)
		return 0;
	switch (at[1]) {
	case 0xc3:
	case 0xc2:
	case 0xe9:
	case 0xeb:
		return 2;
	case 0xf2:
	case 0xf3:
		return at[2] == 0xc3 || at[2] == 0xe9 ? 3 : 0;
	case 0xff:
		return (at[2] >> 3 & 7) == 4 ? 3 : 0;	/* jmp * */
	default:
		return 0;
	}
}
#define ARCH_ENDS_BYTES	3

/* Whether the instruction at `at` may jump within a function: jmp, jcc. */
static inline bool arch_jumps(const uint8_t *at, uintptr_t *target)
{
	if (at[0] == 0xeb || (at[0] & 0xf0) == 0x70) {
		*target = (uintptr_t)at + 2 + (uintptr_t)(intptr_t)(int8_t)at[1];
		return true;
	}
	if (at[0] == 0xe9) {
		*target = (uintptr_t)at + 5 + (uintptr_t)(intptr_t)arch_code_i32(at + 1);
		return true;
	}
	if (at[0] == 0x0f && (at[1] & 0xf0) == 0x80) {
		*target = (uintptr_t)at + 6 + (uintptr_t)(intptr_t)arch_code_i32(at + 2);
		return true;
	}
	return false;
}
#define ARCH_JUMPS_BYTES	6

/* Whether the instruction at `at` may call a function or take its address: call rel32, lea rel32(%rip). */
static inline bool arch_refers(const uint8_t *at, uintptr_t *target)
{
	if (at[0] == 0xe8) {
		*target = (uintptr_t)at + 5 + (uintptr_t)(intptr_t)arch_code_i32(at + 1);
		return true;
	}
	if (at[0] == 0x8d && (at[1] & 0xc7) == 0x05) {
		*target = (uintptr_t)at + 6 + (uintptr_t)(intptr_t)arch_code_i32(at + 2);
		return true;
	}
	return false;
}
#define ARCH_REFERS_BYTES	6

/* Whether the instruction before the return address ra may be a direct call; *target gets the function that it
 * calls. */
#define ARCH_CALL_BYTES	7	/* the longest call that is recognized */
static inline bool arch_direct_call(const uint8_t *ra, uintptr_t *target)
{
	if (ra[-5] != 0xe8)
		return false;
	*target = (uintptr_t)ra + (uintptr_t)(intptr_t)arch_code_i32(ra - 4);
	return true;
}

/* Whether it may be an indirect call: 0xff and then a byte (ModRM) with 2 in its middle bits. The upper two bits of
 * that byte say what follows: nothing for a register (3), or 0, 1 or 4 bytes of displacement. One more byte (SIB)
 * follows if its lower bits are 4. */
static inline bool arch_indirect_call(const uint8_t *ra)
{
	static const uint8_t mode_bytes[4] = { 2, 3, 6, 2 };

	for (unsigned bytes = 2; bytes <= ARCH_CALL_BYTES; bytes++) {
		unsigned second = ra[1 - (int)bytes], mode = second >> 6, expected = mode_bytes[mode];

		if (ra[-(int)bytes] != 0xff || (second >> 3 & 7) != 2)
			continue;
		if (mode == 0 && (second & 7) == 5)
			expected = 6;		/* rel32(%rip) */
		else if (mode != 3 && (second & 7) == 4)
			expected++;
		if (bytes == expected)
			return true;
	}
	return false;
}

/* Whether a stub of the procedure linkage table is at `at`: [endbr64] [bnd] jmp *slot(%rip). *slot gets the address of
 * the slot. */
#define ARCH_STUB_BYTES	11
static inline bool arch_stub_slot(const uint8_t *at, uintptr_t *slot)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };

	if (!memcmp(at, endbr, sizeof(endbr)))
		at += sizeof(endbr);
	at += *at == 0xf2;
	if (at[0] != 0xff || at[1] != 0x25)
		return false;
	*slot = (uintptr_t)at + 6 + (uintptr_t)(intptr_t)arch_code_i32(at + 2);
	return true;
}

#endif
