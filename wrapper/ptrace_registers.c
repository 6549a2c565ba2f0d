/* SPDX-License-Identifier: GPL-2.0-only */
/* See ptrace_registers.h: what is the same on each machine, and the answer of those that are not supported. */
#include "ptrace_registers.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#define VECTOR_BYTES_MAX	(256u * 1024)

#ifndef NT_X86_XSTATE
#define NT_X86_XSTATE	0x202
#endif
#ifndef NT_ARM_SVE
#define NT_ARM_SVE	0x405
#endif

#if defined(__x86_64__)
#define NOTES		{ NT_X86_XSTATE, NT_PRFPREG }
#define FIRST_OF_FRAME	0
#else
#define NOTES		{ NT_ARM_SVE, NT_PRFPREG }
#define FIRST_OF_FRAME	1
#endif

bool registers_read_vector(pid_t tid, struct registers_vector *v, bool for_frame)
{
	static const int notes[] = NOTES;

	v->state = malloc(VECTOR_BYTES_MAX);
	for (size_t i = for_frame ? FIRST_OF_FRAME : 0; v->state && i < sizeof(notes) / sizeof(notes[0]); i++) {
		struct iovec part = { v->state, VECTOR_BYTES_MAX };

		v->note = notes[i];
		if (ptrace(PTRACE_GETREGSET, tid, (void *)(intptr_t)v->note, &part) || !part.iov_len)
			continue;
		v->bytes = part.iov_len;
		return true;
	}
	return false;
}

bool registers_write_vector(pid_t tid, const struct registers_vector *v)
{
	struct iovec part = { v->state, v->bytes };

	return !ptrace(PTRACE_SETREGSET, tid, (void *)(intptr_t)v->note, &part);
}

#if !defined(__x86_64__) && !defined(__aarch64__)

const bool registers_supported;
const unsigned registers_instruction_bytes = 4;
const int registers_result_at;

bool registers_read(pid_t tid, struct registers *r) { (void)tid; (void)r; return false; }
bool registers_write(pid_t tid, const struct registers *r) { (void)tid; (void)r; return false; }
uint64_t registers_pc(const struct registers *r) { (void)r; return 0; }
uint64_t registers_sp(const struct registers *r) { (void)r; return 0; }
uint64_t registers_fp(const struct registers *r) { (void)r; return 0; }
uint64_t registers_link(const struct registers *r) { (void)r; return 0; }
uint64_t registers_result(const struct registers *r) { (void)r; return 0; }
uint64_t registers_argument(const struct registers *r, unsigned i) { (void)r; (void)i; return 0; }
bool registers_is_instruction(const uint8_t *code) { (void)code; return false; }
bool registers_is_call(const uint8_t *before) { (void)before; return true; }
bool registers_are_interrupted(const struct registers *r) { (void)r; return false; }
bool registers_are_to_restart(const struct registers *r) { (void)r; return false; }
void registers_name_call(struct registers *r, const uint8_t *before) { (void)r; (void)before; }
bool registers_repeat_call(const struct registers *r, const uint8_t *at) { (void)r; (void)at; return false; }
uint64_t registers_thread_pointer(const struct registers *r) { (void)r; return 0; }
void registers_set_sp(struct registers *r, uint64_t sp) { (void)r; (void)sp; }
bool registers_is_call_and_return(const uint8_t *code) { (void)code; return false; }
bool registers_is_signal_return(const uint8_t *code) { (void)code; return false; }

long registers_system_call(const struct registers *r, const uint8_t *before, const uint8_t *at)
{
	(void)r;
	(void)before;
	(void)at;
	return REGISTERS_NO_CALL;
}

bool registers_restart(struct registers *r, const struct registers_waiting *waiting)
{
	(void)r;
	(void)waiting;
	return false;
}

void registers_set_system_call(struct registers *r, uint64_t instruction, long number, const uint64_t arguments[6])
{
	(void)r;
	(void)instruction;
	(void)number;
	(void)arguments;
}

bool registers_skip_system_call(pid_t tid, struct registers *r)
{
	(void)tid;
	(void)r;
	return false;
}

void registers_set_call(struct registers *r, uint64_t function, const uint64_t arguments[3], uint64_t sp,
			uint64_t return_to)
{
	(void)r;
	(void)function;
	(void)arguments;
	(void)sp;
	(void)return_to;
}

size_t registers_make_landing(uint8_t buf[REGISTERS_LANDING_MAX], pid_t pid, pid_t tid, int signal, size_t *stop)
{
	(void)buf;
	(void)pid;
	(void)tid;
	(void)signal;
	return *stop = 0;
}

size_t registers_signal_frame(const struct registers *r, const struct registers_vector *v, uint64_t signals,
			      uint64_t at, uint8_t *buf, size_t size_bytes)
{
	(void)r;
	(void)v;
	(void)signals;
	(void)at;
	(void)buf;
	(void)size_bytes;
	return 0;
}

#endif
