/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a process that runs cannot be traced, in words, with what can be done. For the wrapper's only thread. */
#ifndef WRAPPER_ATTACH_REFUSAL_H
#define WRAPPER_ATTACH_REFUSAL_H

#include "elf/program.h"
#include "target.h"

/* What /proc says of a process. */
struct attach_facts {
	pid_t pid, group, tracer;	/* group: the process that it is a thread of; tracer: 0 if there is none */
	pid_t inner_pid;		/* its id in its own namespace */
	char state;			/* R, S, D, T, t, Z... */
	unsigned uid[4];		/* real, effective, saved, of the file system */
	unsigned gid;
	unsigned seccomp;		/* SECCOMP_MODE_* */
	bool is_kernel_thread;
	char command[64];		/* its name, as /proc/PID/comm has it */
	struct program_file program;	/* what is known of its file */
};

/* Reads the facts. Returns NULL, or why the process cannot be traced, as the end of a sentence. The text stays until
 * the next call. */
const char *attach_refusal_of_process(struct attach_facts *facts, pid_t pid);

/* Why the kernel does not let this process be its tracer. error: the errno of ptrace() or of opening /proc/PID/mem. */
const char *attach_refusal_of_kernel(const struct attach_facts *facts, int error);

/* Returns NULL, or why what the process has loaded cannot be traced. */
const char *attach_refusal_of_modules(const struct attach_facts *facts, struct target *target);

#endif
