/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registers of a thread that its tracer has stopped, and what system calls, calls and signal frames make of them.
 * All that depends on the machine is in ptrace_x86_64.c and ptrace_aarch64.c; elsewhere registers_supported is false.
 *
 * Sources: ptrace(2); System V ABI, AMD64 supplement 1.0, and Procedure Call Standard for the Arm 64-bit Architecture,
 * for calls; arch/x86/include/uapi/asm/sigcontext.h and arch/arm64/include/uapi/asm/sigcontext.h of Linux for signal
 * frames; syscall(2) for the registers of system calls.
 *
 * The thread has to be in a ptrace-stop for everything that reads or writes its state.
 */
#ifndef WRAPPER_PTRACE_REGISTERS_H
#define WRAPPER_PTRACE_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define REGISTERS_GENERAL	34	/* words; x86_64 has 27 */
#define REGISTERS_NO_CALL	(-1L)	/* of a system call: there is none */

struct registers {
	uint64_t general[REGISTERS_GENERAL];	/* NT_PRSTATUS, in the order of struct user_regs_struct */
	bool no_restart;	/* aarch64: the kernel is told that the thread is in no system call */
};

/* The floating point and vector registers, as the kernel hands them out. */
struct registers_vector {
	int note;		/* NT_X86_XSTATE, NT_ARM_SVE or NT_PRFPREG */
	size_t bytes;
	uint8_t *state;		/* from malloc() */
};

/* A system call as /proc/PID/task/TID/syscall had it while the thread waited in it (proc(5)). */
struct registers_waiting {
	bool known;
	long number;
	uint64_t argument[6], sp, pc;
};

extern const bool registers_supported;

/* Reads and writes the general registers. registers_read() returns false with errno 0 for a thread of another word
 * size. */
bool registers_read(pid_t tid, struct registers *r);
bool registers_write(pid_t tid, const struct registers *r);

/* Reads the vector registers into memory that the caller frees, and writes them. for_frame: in the form that
 * registers_signal_frame() takes, which on aarch64 lacks the upper parts of SVE's registers. */
bool registers_read_vector(pid_t tid, struct registers_vector *v, bool for_frame);
bool registers_write_vector(pid_t tid, const struct registers_vector *v);

uint64_t registers_pc(const struct registers *r);
uint64_t registers_sp(const struct registers *r);
uint64_t registers_fp(const struct registers *r);
/* The link register; 0 where the machine has none. */
uint64_t registers_link(const struct registers *r);
/* What the last call or system call has returned. */
uint64_t registers_result(const struct registers *r);
/* The arguments of a system call that the thread is in. */
uint64_t registers_argument(const struct registers *r, unsigned i);

/* The address that the thread pointer has: glibc's thread descriptor, which lies at the upper end of the stack of each
 * thread but the first. 0: not known. */
uint64_t registers_thread_pointer(const struct registers *r);

/* The bytes of the instruction that makes a system call, and whether `code` is one. */
extern const unsigned registers_instruction_bytes;
bool registers_is_instruction(const uint8_t *code);

/*
 * Whether `code` makes a system call and returns behind it to the address that the stack pointer leads to, and whether
 * it makes the system call rt_sigreturn(2), as a handler of signals does that ends. Where functions do not return so:
 * false. `code` has REGISTERS_CODE_BYTES bytes.
 */
#define REGISTERS_CODE_BYTES	9
bool registers_is_call_and_return(const uint8_t *code);
bool registers_is_signal_return(const uint8_t *code);

/* Whether the instruction in front of a return address is a call. before: the REGISTERS_CALL_BYTES bytes in front of
 * it. */
#define REGISTERS_CALL_BYTES	8
bool registers_is_call(const uint8_t *before);

/*
 * The number of the system call that the thread has been stopped in, or that it is about to make again;
 * REGISTERS_NO_CALL: none. before, at: the instructions in front of its program counter, and at it.
 */
long registers_system_call(const struct registers *r, const uint8_t *before, const uint8_t *at);

/* Whether a system call has ended with EINTR. */
bool registers_are_interrupted(const struct registers *r);
/* Whether the kernel is about to repeat a system call, or to end it with EINTR if a handler runs: the result is one of
 * those that no program sees, ERESTARTSYS and its like (include/linux/errno.h of Linux). */
bool registers_are_to_restart(const struct registers *r);
/* Whether the kernel repeats a system call when the thread goes on. at: the instructions at the program counter, to
 * which some machines have put it back by then. */
bool registers_repeat_call(const struct registers *r, const uint8_t *at);
/*
 * A system call that the kernel repeats by restart_syscall(2), because it has been interrupted before: what it was at
 * first is known to the kernel only, which forgets it when a signal frame is resumed. The instructions in front of it
 * tell:
 *
 *	mov $230,%eax; syscall		mov x8, #115; svc #0
 *
 * before: the REGISTERS_NUMBER_BYTES bytes in front of the instruction that makes the call. Puts the number back if it
 * is that of a call that is repeated so: nanosleep(2), clock_nanosleep(2), poll(2) and futex(2).
 */
#define REGISTERS_NUMBER_BYTES	12
void registers_name_call(struct registers *r, const uint8_t *before);
/* Makes the thread execute the same system call again. waiting: what was known of it before. False: its first argument
 * is not known any more. */
bool registers_restart(struct registers *r, const struct registers_waiting *waiting);

void registers_set_sp(struct registers *r, uint64_t sp);
/* Makes the thread execute the system call instruction at `instruction`. */
void registers_set_system_call(struct registers *r, uint64_t instruction, long number, const uint64_t arguments[6]);
/* At the stop at the entry of a system call: it is not to be made. */
bool registers_skip_system_call(pid_t tid, struct registers *r);
/*
 * Makes the thread call a function. sp: a multiple of 16, at which the stack pointer will be when the function has
 * returned to return_to; where a call pushes its return address, the caller has stored it at sp - 8. The kernel is told
 * that the thread is in no system call.
 */
void registers_set_call(struct registers *r, uint64_t function, const uint64_t arguments[3], uint64_t sp,
			uint64_t return_to);

/*
 * Makes code to which such a function can return. It stores the result at sp + registers_result_at, sends `signal` to
 * its own thread, whose ids in the process's namespace are pid and tid, so that its tracer stops it, and asks the
 * kernel to resume the thread with the registers of the signal frame at sp, by rt_sigreturn(2). A thread without a
 * tracer goes on there, if the signal has no effect. buf gets the bytes. Returns how many there are; *stop: how many of
 * them have been executed when the signal comes.
 */
#define REGISTERS_LANDING_MAX	64u
size_t registers_make_landing(uint8_t buf[REGISTERS_LANDING_MAX], pid_t pid, pid_t tid, int signal, size_t *stop);
extern const int registers_result_at;
/*
 * Makes the signal frame that rt_sigreturn(2) reads at `at`, a multiple of 64. buf[0..size_bytes) gets its bytes.
 * signals: the mask of blocked signals (a bit for each from 1 on). Returns the number of bytes; 0: there is no room.
 */
size_t registers_signal_frame(const struct registers *r, const struct registers_vector *v, uint64_t signals,
			      uint64_t at, uint8_t *buf, size_t size_bytes);

#endif
