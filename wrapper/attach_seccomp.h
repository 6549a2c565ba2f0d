/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a seccomp filter of a process (seccomp(2)) would kill it, or send it SIGSYS, because of a system call that
 * attaching or tracing makes in it. The filters are read from the kernel, and executed here for each of these calls:
 * they are programs for the classic BPF machine (Documentation/networking/filter.rst of Linux).
 *
 * For the wrapper's only thread.
 */
#ifndef WRAPPER_ATTACH_SECCOMP_H
#define WRAPPER_ATTACH_SECCOMP_H

#include <stddef.h>
#include <sys/types.h>

/* tid: a stopped thread, of a process that has filters. Returns NULL, or why it cannot be attached to, as the end of a
 * sentence. The text stays until the next call. */
const char *attach_seccomp_refusal(pid_t tid);

struct sock_filter;
struct seccomp_data;

/* Executes a filter. Returns its answer, SECCOMP_RET_*; SECCOMP_RET_KILL_PROCESS for a program that is none. */
unsigned attach_seccomp_run(const struct sock_filter *program, size_t count, const struct seccomp_data *data);

#endif
