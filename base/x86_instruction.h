/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The length of x86_64 instructions, and what in them depends on where they stand: an operand at an offset from the
 * instruction pointer, and the target of a jump. Whoever copies instructions to another place, or wants to know which
 * places are jumped to, needs no more of them.
 *
 * The encodings are those of the Intel SDM, volume 2, chapter 2 and appendix A (opcode maps), with VEX and EVEX. XOP,
 * 3DNow!, APX and what is not valid in 64-bit mode are refused.
 *
 * Async-signal-safe; nothing is read but the bytes.
 */
#ifndef BASE_X86_INSTRUCTION_H
#define BASE_X86_INSTRUCTION_H

#include <stdint.h>
#include <stddef.h>

#define X86_INSTRUCTION_MOST	15u	/* bytes that an instruction can have */

/* Where the processor goes on. */
enum x86_flow {
	X86_NEXT,		/* at the next instruction */
	X86_CALL,		/* at `target`, and later at the next instruction */
	X86_JUMP,		/* at `target` */
	X86_BRANCH,		/* at `target` or at the next instruction */
	X86_ELSEWHERE,		/* at a place that is not in the instruction: an indirect jump, a return, a trap */
	X86_CALL_ELSEWHERE,	/* the same of a call, or a system call */
};

struct x86_instruction {
	uint8_t length;		/* bytes */
	uint8_t flow;		/* enum x86_flow */
	uint8_t offset_at;	/* where in the instruction the offset of an operand or a target stands; 0: there is
				 * none */
	uint8_t offset_bytes;	/* 1 or 4 */
	int32_t offset;		/* counted from the end of the instruction */
};

/* Decodes the instruction at `code`, of which `bytes` bytes may be read. The length is 0 if the bytes are none that is
 * known, or if the instruction is longer than that. */
struct x86_instruction x86_decode(const uint8_t *code, size_t bytes);

#endif
