/* SPDX-License-Identifier: GPL-2.0-only */
/* The registers of aarch64, for ptrace_registers.h. */
#if defined(__aarch64__)
#include "ptrace_registers.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/uio.h>

#ifndef NT_ARM_SYSTEM_CALL
#define NT_ARM_SYSTEM_CALL	0x404
#endif

/* The order of struct user_regs_struct: x0 to x30, and then these. */
enum { X8 = 8, FP = 29, LINK = 30, SP = 31, PC = 32, PSTATE = 33, COUNT = 34 };

#define PSTATE_BTYPE	0xc00u		/* set by an indirect jump, which has to lead to a BTI instruction */
#define PSTATE_STEP	0x200000u
#define PSTATE_32_BIT	0x10u

const bool registers_supported = true;
const unsigned registers_instruction_bytes = 4;

bool registers_read(pid_t tid, struct registers *r)
{
	struct iovec part = { r->general, sizeof(r->general) };

	r->no_restart = false;
	if (ptrace(PTRACE_GETREGSET, tid, (void *)(intptr_t)NT_PRSTATUS, &part))
		return false;
	errno = 0;
	return part.iov_len == COUNT * sizeof(uint64_t) && !(r->general[PSTATE] & PSTATE_32_BIT);
}

static bool forget_system_call(pid_t tid)
{
	int none = -1;
	struct iovec part = { &none, sizeof(none) };

	return !ptrace(PTRACE_SETREGSET, tid, (void *)(intptr_t)NT_ARM_SYSTEM_CALL, &part);
}

bool registers_write(pid_t tid, const struct registers *r)
{
	struct iovec part = { (void *)(uintptr_t)r->general, COUNT * sizeof(uint64_t) };

	return !ptrace(PTRACE_SETREGSET, tid, (void *)(intptr_t)NT_PRSTATUS, &part) &&
	       (!r->no_restart || forget_system_call(tid));
}

uint64_t registers_pc(const struct registers *r) { return r->general[PC]; }
uint64_t registers_sp(const struct registers *r) { return r->general[SP]; }
uint64_t registers_fp(const struct registers *r) { return r->general[FP]; }
uint64_t registers_link(const struct registers *r) { return r->general[LINK]; }
uint64_t registers_result(const struct registers *r) { return r->general[0]; }
uint64_t registers_argument(const struct registers *r, unsigned i) { return r->general[i]; }

bool registers_is_instruction(const uint8_t *code)
{
	return code[0] == 0x01 && code[1] == 0 && code[2] == 0 && code[3] == 0xd4;	/* svc #0 */
}

/* bl, or blr and its variants with a signature. */
bool registers_is_call(const uint8_t *before)
{
	uint32_t code;

	memcpy(&code, before + REGISTERS_CALL_BYTES - sizeof(code), sizeof(code));
	return code >> 26 == 0x25 || (code & 0xfefff000) == 0xd63f0000;
}

/* A system call that the kernel is going to make again has its program counter back at the instruction already. */
long registers_system_call(const struct registers *r, const uint8_t *before, const uint8_t *at)
{
	return registers_is_instruction(before) || registers_is_instruction(at) ? (long)r->general[X8] :
									     REGISTERS_NO_CALL;
}

bool registers_are_interrupted(const struct registers *r)
{
	return (int64_t)r->general[0] == -EINTR;
}

void registers_name_call(struct registers *r, const uint8_t *before)
{
	static const uint32_t numbers[] = { SYS_nanosleep, SYS_clock_nanosleep, SYS_ppoll, SYS_futex };
	uint32_t code;

	if (r->general[X8] != SYS_restart_syscall)
		return;
	for (unsigned at = REGISTERS_NUMBER_BYTES; at > 0; at -= sizeof(code)) {
		memcpy(&code, before + at - sizeof(code), sizeof(code));
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			if (code == (0xd2800008 | numbers[i] << 5)) {
				r->general[X8] = numbers[i];
				return;
			}
		}
	}
}

bool registers_restart(struct registers *r, const struct registers_waiting *waiting)
{
	/* The result has taken the place of the first argument. */
	if (!waiting->known || waiting->pc != r->general[PC] || waiting->sp != r->general[SP] ||
	    waiting->number != (long)r->general[X8] || waiting->argument[1] != r->general[1])
		return false;
	r->general[0] = waiting->argument[0];
	r->general[PC] -= registers_instruction_bytes;
	r->no_restart = true;
	return true;
}

/* A system call does not return by the stack here. So there is no use for these. */
uint64_t registers_thread_pointer(const struct registers *r) { (void)r; return 0; }
void registers_set_sp(struct registers *r, uint64_t sp) { (void)r; (void)sp; }
bool registers_is_call_and_return(const uint8_t *code) { (void)code; return false; }
bool registers_is_signal_return(const uint8_t *code) { (void)code; return false; }
/* The kernel has put the program counter and the argument back already when it stops the thread. */
bool registers_are_to_restart(const struct registers *r) { (void)r; return false; }

bool registers_repeat_call(const struct registers *r, const uint8_t *at)
{
	(void)r;
	return registers_is_instruction(at);
}

void registers_set_system_call(struct registers *r, uint64_t instruction, long number, const uint64_t arguments[6])
{
	memcpy(r->general, arguments, 6 * sizeof(*arguments));
	r->general[X8] = (uint64_t)number;
	r->general[PC] = instruction;
	r->general[PSTATE] &= ~(uint64_t)(PSTATE_BTYPE | PSTATE_STEP);
	r->no_restart = true;
}

bool registers_skip_system_call(pid_t tid, struct registers *r)
{
	r->no_restart = true;
	return registers_write(tid, r);
}

void registers_set_call(struct registers *r, uint64_t function, const uint64_t arguments[3], uint64_t sp,
			uint64_t return_to)
{
	memcpy(r->general, arguments, 3 * sizeof(*arguments));
	r->general[FP] = 0;
	r->general[LINK] = return_to;
	r->general[SP] = sp;
	r->general[PC] = function;
	r->general[PSTATE] &= ~(uint64_t)(PSTATE_BTYPE | PSTATE_STEP);
	r->no_restart = true;
}

/* ---- The signal frame ---- */

/* mov wN, #low; movk wN, #high, lsl #16 */
static void move_number(uint32_t code[2], unsigned n, uint32_t number)
{
	code[0] = 0x52800000 | (number & 0xffff) << 5 | n;
	code[1] = 0x72a00000 | number >> 16 << 5 | n;
}

size_t registers_make_landing(uint8_t buf[REGISTERS_LANDING_MAX], pid_t pid, pid_t tid, int signal, size_t *stop)
{
	uint32_t code[11] = {
		[0] = 0xf81f03e0,	/* stur x0, [sp, #-16] */
		[7] = 0xd2801068,	/* mov x8, #131: tgkill */
		[8] = 0xd4000001,	/* svc #0 */
		[9] = 0xd2801168,	/* mov x8, #139: rt_sigreturn */
		[10] = 0xd4000001,	/* svc #0 */
	};

	move_number(code + 1, 0, (uint32_t)pid);
	move_number(code + 3, 1, (uint32_t)tid);
	move_number(code + 5, 2, (uint32_t)signal);
	memcpy(buf, code, sizeof(code));
	*stop = 9 * sizeof(code[0]);
	return sizeof(code);
}
const int registers_result_at = -16;

#define INFO_BYTES	128		/* the siginfo in front of the context */
#define FPSIMD		0x46508001u	/* FPSIMD_MAGIC */
#define INVALID_FLAGS	0x7fffffff

/* struct fpsimd_context. */
struct vector_context {
	uint32_t magic, bytes, fpsr, fpcr;
	uint8_t vector[512];
};

/* In a register set NT_PRFPREG the vector registers come first. The kernel refuses a frame without them. */
size_t registers_signal_frame(const struct registers *r, const struct registers_vector *v, uint64_t signals,
			      uint64_t at, uint8_t *buf, size_t size_bytes)
{
	size_t end = INFO_BYTES + sizeof(ucontext_t);
	ucontext_t u;

	(void)at;
	if (end > size_bytes)
		return 0;
	memset(buf, 0, INFO_BYTES);
	memset(&u, 0, sizeof(u));
	memcpy(u.uc_mcontext.regs, r->general, sizeof(u.uc_mcontext.regs));
	u.uc_mcontext.sp = r->general[SP];
	u.uc_mcontext.pc = r->general[PC];
	u.uc_mcontext.pstate = r->general[PSTATE];
	memcpy(&u.uc_sigmask, &signals, sizeof(signals));
	u.uc_stack.ss_flags = INVALID_FLAGS;	/* the kernel ignores it, so the thread keeps its alternate stack */
	if (v->note == NT_PRFPREG && v->bytes >= 520) {
		struct vector_context c = { .magic = FPSIMD, .bytes = sizeof(c) };

		memcpy(c.vector, v->state, 512);
		memcpy(&c.fpsr, v->state + 512, 4);
		memcpy(&c.fpcr, v->state + 516, 4);
		memcpy(u.uc_mcontext.__reserved, &c, sizeof(c));
	}
	memcpy(buf + INFO_BYTES, &u, sizeof(u));
	return end;
}

#else
typedef int ptrace_aarch64_is_not_for_this_machine;
#endif
