/* SPDX-License-Identifier: GPL-2.0-only */
/* See attach_seccomp.h. */
#include "attach_seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER	0x420c
#endif
#define FILTERS_MAX	512
#if defined(__x86_64__)
#define MACHINE		AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE		AUDIT_ARCH_AARCH64
#else
#define MACHINE		0
#endif

/* ---- The machine ---- */

/* Combines the accumulator with an operand. False: it is a division by zero, or no operation. */
static bool combine(uint16_t code, uint32_t *a, uint32_t operand)
{
	switch (BPF_OP(code)) {
	case BPF_ADD:	*a += operand; return true;
	case BPF_SUB:	*a -= operand; return true;
	case BPF_MUL:	*a *= operand; return true;
	case BPF_DIV:	*a = operand ? *a / operand : 0; return operand != 0;
	case BPF_MOD:	*a = operand ? *a % operand : 0; return operand != 0;
	case BPF_AND:	*a &= operand; return true;
	case BPF_OR:	*a |= operand; return true;
	case BPF_XOR:	*a ^= operand; return true;
	case BPF_LSH:	*a = operand < 32 ? *a << operand : 0; return true;
	case BPF_RSH:	*a = operand < 32 ? *a >> operand : 0; return true;
	case BPF_NEG:	*a = -*a; return true;
	default:	return false;
	}
}

static bool compare(uint16_t code, uint32_t a, uint32_t operand)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:	return a == operand;
	case BPF_JGT:	return a > operand;
	case BPF_JGE:	return a >= operand;
	default:	return (a & operand) != 0;	/* BPF_JSET */
	}
}

/* Loads a value: a word of the data, of the memory, or a constant. False: there is no such word. */
static bool load(const struct sock_filter *i, const struct seccomp_data *data, const uint32_t memory[BPF_MEMWORDS],
		 uint32_t *to)
{
	switch (BPF_MODE(i->code)) {
	case BPF_IMM:
		*to = i->k;
		return true;
	case BPF_MEM:
		*to = i->k < BPF_MEMWORDS ? memory[i->k] : 0;
		return i->k < BPF_MEMWORDS;
	case BPF_LEN:
		*to = sizeof(*data);
		return true;
	case BPF_ABS:
		if (i->k % 4 || i->k > sizeof(*data) - sizeof(*to))
			return false;
		memcpy(to, (const char *)data + i->k, sizeof(*to));
		return true;
	default:
		return false;
	}
}

unsigned attach_seccomp_run(const struct sock_filter *program, size_t count, const struct seccomp_data *data)
{
	uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = { 0 };

	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *i = &program[at];
		uint32_t operand = BPF_SRC(i->code) == BPF_X ? x : i->k;
		bool good = true;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			good = load(i, data, memory, &a);
			break;
		case BPF_LDX:
			good = load(i, data, memory, &x);
			break;
		case BPF_ST:
		case BPF_STX:
			good = i->k < BPF_MEMWORDS;
			if (good)
				memory[i->k] = BPF_CLASS(i->code) == BPF_ST ? a : x;
			break;
		case BPF_ALU:
			good = combine(i->code, &a, operand);
			break;
		case BPF_JMP:
			at += BPF_OP(i->code) == BPF_JA ? i->k : compare(i->code, a, operand) ? i->jt : i->jf;
			break;
		case BPF_RET:
			return BPF_RVAL(i->code) == BPF_A ? a : i->k;
		case BPF_MISC:
			*(BPF_MISCOP(i->code) == BPF_TAX ? &x : &a) = BPF_MISCOP(i->code) == BPF_TAX ? a : x;
			break;
		}
		if (!good)
			break;
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* ---- The filters of a process ---- */

/* What attaching and tracing do in the process, with arguments where filters look at them. doc/limits.md has the list
 * of what the library does. */
static const struct {
	int number;
	const char *name;
	uint64_t argument[4];
} needed[] = {
#define NEEDED(name, ...)	{ SYS_##name, #name, { __VA_ARGS__ } }
	NEEDED(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE),
	NEEDED(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE),
	NEEDED(mprotect, 0, 4096, PROT_READ | PROT_EXEC), NEEDED(mprotect, 0, 4096, PROT_READ | PROT_WRITE),
	NEEDED(munmap, 0, 4096), NEEDED(memfd_create, 0, 1), NEEDED(openat, (uint64_t)-100), NEEDED(read, 3),
	NEEDED(pread64, 3), NEEDED(close, 3), NEEDED(ftruncate, 3), NEEDED(getpid, 0), NEEDED(tgkill, 1, 1, 23),
	NEEDED(rt_sigreturn, 0), NEEDED(rt_sigprocmask, 0), NEEDED(rt_sigaction, 10), NEEDED(futex, 0, 0x80),
	NEEDED(futex, 0, 0x81), NEEDED(write, 2), NEEDED(madvise, 0, 4096, 4), NEEDED(socket, 1, 2),
	NEEDED(sendmsg, 3), NEEDED(setsockopt, 3), NEEDED(fcntl, 3, 1),
#undef NEEDED
};

/* Reads filter `index` of a thread, the newest first. NULL: *error is an errno, ENOENT behind the last one. */
static struct sock_filter *read_filter(pid_t tid, unsigned index, size_t *count, int *error)
{
	long n = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, (void *)(uintptr_t)index, NULL);
	struct sock_filter *program = n > 0 ? malloc((size_t)n * sizeof(*program)) : NULL;

	*error = n > 0 ? 0 : errno;
	if (program && ptrace(PTRACE_SECCOMP_GET_FILTER, tid, (void *)(uintptr_t)index, program) != n) {
		*error = errno ? errno : EIO;
		free(program);
		return NULL;
	}
	*count = (size_t)n;
	return program;
}

/* Whether an answer would kill the process or send it a signal. */
static bool is_deadly(unsigned answer)
{
	answer &= SECCOMP_RET_ACTION_FULL;
	return answer == SECCOMP_RET_KILL_PROCESS || answer == SECCOMP_RET_KILL_THREAD || answer == SECCOMP_RET_TRAP;
}

/* The name of the first call that the filter does not survive; NULL: there is none. */
static const char *find_deadly(const struct sock_filter *program, size_t count)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		struct seccomp_data data = { .nr = needed[i].number, .arch = MACHINE };

		for (unsigned k = 0; k < 4; k++)
			data.args[k] = needed[i].argument[k];
		if (is_deadly(attach_seccomp_run(program, count, &data)))
			return needed[i].name;
	}
	return NULL;
}

/* The number of filters of a process, "Seccomp_filters:\t2" in its status (Linux 5.9). */
static unsigned filters_of(const char *status)
{
	char line[256];
	unsigned filters = 0;
	FILE *file = fopen(status, "re");

	while (file && fgets(line, sizeof(line), file) && sscanf(line, "Seccomp_filters: %u", &filters) != 1)
		;
	if (file)
		fclose(file);
	return filters;
}

const char *attach_seccomp_refusal(pid_t tid)
{
	static char text[160];
	char status[64];
	int error = 0;

	for (unsigned index = 0; index < FILTERS_MAX; index++) {
		size_t count;
		struct sock_filter *program = read_filter(tid, index, &count, &error);
		const char *name = program ? find_deadly(program, count) : NULL;

		free(program);
		if (!program)
			break;
		if (!name)
			continue;
		snprintf(text, sizeof(text), "its seccomp filter would kill it, or send it SIGSYS, at the system call "
					     "%s, which the tracer needs there", name);
		return text;
	}
	if (error == ENOENT)
		return NULL;
	/* In a container all processes have its filter, this one, too, which is alive. */
	snprintf(status, sizeof(status), "/proc/%d/status", (int)tid);
	if (filters_of(status) && filters_of(status) == filters_of("/proc/self/status"))
		return NULL;
	return "it has a seccomp filter, which could kill it because of what the tracer does there, and only root can "
	       "read the filter: run heaptrace as root, outside of containers";
}
