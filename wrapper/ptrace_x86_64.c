/* SPDX-License-Identifier: GPL-2.0-only */
/* The registers of x86_64, for ptrace_registers.h. */
#if defined(__x86_64__)
#include "ptrace_registers.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/uio.h>

/* The order of struct user_regs_struct. */
enum {
	R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, ORIG_RAX, RIP, CS, EFLAGS, RSP, SS,
	FS_BASE, GS_BASE, DS, ES, FS, GS, COUNT,
};

#define FLAG_DIRECTION	0x400u
#define FLAG_TRAP	0x100u

const bool registers_supported = true;
const unsigned registers_instruction_bytes = 2;

bool registers_read(pid_t tid, struct registers *r)
{
	struct iovec part = { r->general, sizeof(r->general) };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)(intptr_t)NT_PRSTATUS, &part))
		return false;
	errno = 0;
	return part.iov_len == COUNT * sizeof(uint64_t) && r->general[CS] == 0x33;	/* 0x23: 32-bit code */
}

bool registers_write(pid_t tid, const struct registers *r)
{
	struct iovec part = { (void *)(uintptr_t)r->general, COUNT * sizeof(uint64_t) };

	return !ptrace(PTRACE_SETREGSET, tid, (void *)(intptr_t)NT_PRSTATUS, &part);
}

uint64_t registers_pc(const struct registers *r) { return r->general[RIP]; }
uint64_t registers_sp(const struct registers *r) { return r->general[RSP]; }
uint64_t registers_fp(const struct registers *r) { return r->general[RBP]; }
uint64_t registers_link(const struct registers *r) { (void)r; return 0; }
uint64_t registers_result(const struct registers *r) { return r->general[RAX]; }

uint64_t registers_argument(const struct registers *r, unsigned i)
{
	static const uint8_t at[] = { RDI, RSI, RDX, R10, R8, R9 };

	return r->general[at[i]];
}

bool registers_is_instruction(const uint8_t *code)
{
	return code[0] == 0x0f && code[1] == 0x05;
}

uint64_t registers_thread_pointer(const struct registers *r) { return r->general[FS_BASE]; }
void registers_set_sp(struct registers *r, uint64_t sp) { r->general[RSP] = sp; }

bool registers_is_call_and_return(const uint8_t *code)
{
	return registers_is_instruction(code) && code[2] == 0xc3;
}

/* mov $15,%rax; syscall. Unwinders know it by these bytes, so no C library has others. */
bool registers_is_signal_return(const uint8_t *code)
{
	static const uint8_t bytes[REGISTERS_CODE_BYTES] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };

	return !memcmp(code, bytes, sizeof(bytes));
}

/* call rel32, or call through a register or memory: ff /2 with up to 5 bytes of address. */
bool registers_is_call(const uint8_t *before)
{
	const uint8_t *end = before + REGISTERS_CALL_BYTES;

	if (end[-5] == 0xe8)
		return true;
	for (unsigned bytes = 2; bytes <= 7; bytes++) {
		if (end[-(int)bytes] == 0xff && (end[1 - (int)bytes] >> 3 & 7) == 2)
			return true;
	}
	return false;
}

long registers_system_call(const struct registers *r, const uint8_t *before, const uint8_t *at)
{
	(void)at;
	return (int64_t)r->general[ORIG_RAX] >= 0 && registers_is_instruction(before) ? (long)r->general[ORIG_RAX]
										     : REGISTERS_NO_CALL;
}

bool registers_are_interrupted(const struct registers *r)
{
	return (int64_t)r->general[ORIG_RAX] >= 0 && (int64_t)r->general[RAX] == -EINTR;
}

bool registers_are_to_restart(const struct registers *r)
{
	int64_t result = (int64_t)r->general[RAX];

	return (int64_t)r->general[ORIG_RAX] >= 0 && result <= -512 && result >= -516 && result != -515;
}

bool registers_repeat_call(const struct registers *r, const uint8_t *at)
{
	(void)at;
	return registers_are_to_restart(r);
}

/* glibc puts at most an instruction of 4 bytes between the number and the call, as xor $0x80,%sil. */
void registers_name_call(struct registers *r, const uint8_t *before)
{
	static const uint32_t numbers[] = { SYS_nanosleep, SYS_clock_nanosleep, SYS_poll, SYS_futex };
	uint32_t number;

	if (r->general[ORIG_RAX] != SYS_restart_syscall)
		return;
	for (unsigned at = REGISTERS_NUMBER_BYTES - 5; at >= REGISTERS_NUMBER_BYTES - 9; at--) {
		memcpy(&number, before + at + 1, sizeof(number));
		for (size_t i = 0; before[at] == 0xb8 && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			if (number == numbers[i]) {
				r->general[ORIG_RAX] = number;
				return;
			}
		}
	}
}

bool registers_restart(struct registers *r, const struct registers_waiting *waiting)
{
	(void)waiting;
	r->general[RAX] = r->general[ORIG_RAX];
	r->general[RIP] -= registers_instruction_bytes;
	r->general[ORIG_RAX] = (uint64_t)-1;
	return true;
}

/* With orig_rax -1 the kernel takes the thread for one that is in no system call, so it repeats none. */
void registers_set_system_call(struct registers *r, uint64_t instruction, long number, const uint64_t arguments[6])
{
	static const uint8_t at[] = { RDI, RSI, RDX, R10, R8, R9 };

	for (unsigned i = 0; i < 6; i++)
		r->general[at[i]] = arguments[i];
	r->general[RAX] = (uint64_t)number;
	r->general[ORIG_RAX] = (uint64_t)-1;
	r->general[RIP] = instruction;
	r->general[EFLAGS] &= ~(uint64_t)FLAG_TRAP;
}

bool registers_skip_system_call(pid_t tid, struct registers *r)
{
	r->general[ORIG_RAX] = (uint64_t)-1;
	return registers_write(tid, r);
}

void registers_set_call(struct registers *r, uint64_t function, const uint64_t arguments[3], uint64_t sp,
			uint64_t return_to)
{
	(void)return_to;
	r->general[RDI] = arguments[0];
	r->general[RSI] = arguments[1];
	r->general[RDX] = arguments[2];
	r->general[RAX] = 0;
	r->general[RSP] = sp - 8;
	r->general[RBP] = 0;
	r->general[RIP] = function;
	r->general[ORIG_RAX] = (uint64_t)-1;
	r->general[EFLAGS] &= ~(uint64_t)(FLAG_DIRECTION | FLAG_TRAP);
}

/* ---- The signal frame ---- */

size_t registers_make_landing(uint8_t buf[REGISTERS_LANDING_MAX], pid_t pid, pid_t tid, int signal, size_t *stop)
{
	static const uint8_t code[] = {
		0x48, 0x89, 0x44, 0x24, 0xf8,			/*  0: mov %rax,-8(%rsp) */
		0xbf, 0, 0, 0, 0,				/*  5: mov $pid,%edi */
		0xbe, 0, 0, 0, 0,				/* 10: mov $tid,%esi */
		0xba, 0, 0, 0, 0,				/* 15: mov $signal,%edx */
		0xb8, 0xea, 0x00, 0x00, 0x00,			/* 20: mov $234,%eax: tgkill */
		0x0f, 0x05,					/* 25: syscall */
		0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00,	/* 27: mov $15,%rax: rt_sigreturn */
		0x0f, 0x05,					/* 34: syscall */
	};
	const int32_t numbers[3] = { pid, tid, signal };

	memcpy(buf, code, sizeof(code));
	for (size_t i = 0; i < 3; i++)
		memcpy(buf + 6 + 5 * i, &numbers[i], sizeof(numbers[i]));
	*stop = 27;
	return sizeof(code);
}
const int registers_result_at = -8;

/* Behind the legacy part of a saved vector state: struct _fpx_sw_bytes, by which the kernel knows what the frame
 * has. */
struct software_bytes {
	uint32_t magic, extended_bytes;
	uint64_t features;
	uint32_t state_bytes, padding[7];
};

#define SOFTWARE_AT		464
#define MAGIC_FIRST		0x46505853u
#define MAGIC_LAST		0x46505845u
#define HAS_EXTENDED_STATE	1u	/* UC_FP_XSTATE */
#define HAS_SS			6u	/* UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS */
#define INVALID_FLAGS		0x7fffffff

size_t registers_signal_frame(const struct registers *r, const struct registers_vector *v, uint64_t signals,
			      uint64_t at, uint8_t *buf, size_t size_bytes)
{
	size_t state_at = (sizeof(ucontext_t) + 63) & ~(size_t)63, end = state_at + v->bytes + sizeof(uint32_t);
	static const uint8_t order[] = {
		R8, R9, R10, R11, R12, R13, R14, R15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP, EFLAGS,
	};
	const uint64_t *g = r->general;
	uint32_t last = MAGIC_LAST;
	ucontext_t u = { .uc_flags = HAS_SS };

	if (end > size_bytes)
		return 0;
	memset(buf, 0, end);
	for (size_t i = 0; i < sizeof(order); i++)
		u.uc_mcontext.gregs[i] = (long long)g[order[i]];
	u.uc_mcontext.gregs[REG_CSGSFS] = (long long)(g[CS] | g[GS] << 16 | g[FS] << 32 | g[SS] << 48);
	u.uc_mcontext.fpregs = (fpregset_t)(uintptr_t)(at + state_at);
	memcpy(&u.uc_sigmask, &signals, sizeof(signals));
	/* The kernel ignores a description of the alternate stack that is invalid, so the thread keeps its own. */
	u.uc_stack.ss_flags = INVALID_FLAGS;
	memcpy(buf + state_at, v->state, v->bytes);
	if (v->note == NT_X86_XSTATE) {
		struct software_bytes s = { .magic = MAGIC_FIRST, .extended_bytes = (uint32_t)(v->bytes + sizeof(last)),
					    .state_bytes = (uint32_t)v->bytes };

		u.uc_flags |= HAS_EXTENDED_STATE;
		/* The register set has XCR0 there. */
		memcpy(&s.features, v->state + SOFTWARE_AT, sizeof(s.features));
		memcpy(buf + state_at + SOFTWARE_AT, &s, sizeof(s));
		memcpy(buf + state_at + v->bytes, &last, sizeof(last));
	}
	memcpy(buf, &u, sizeof(u));
	return end;
}

#else
typedef int ptrace_x86_64_is_not_for_this_machine;
#endif
