/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System calls that no other library and no function of the program can intercept.
 *
 * Other libraries may be preloaded into the same program: libfaketime replaces clock_gettime() and
 * nanosleep(), torsocks replaces close() and syscall(), fakechroot replaces open(), fakeroot replaces fstat()
 * and getuid(). A program may also have a function of its own that happens to be called read() or write(). A
 * call from our library to a function of libc would reach these replacements. They would falsify the
 * figures (the age of a backtrace, the id of a process, the content of /proc/self/statm), wait for a lock that
 * the interrupted thread holds, or use memory that a destructor has already freed (libfaketime's fstat()
 * does).
 *
 * Therefore kernel.c defines the functions below once more, with the names and prototypes of libc's headers, as
 * hidden symbols. Each call of such a function in the library or in the wrapper reaches the definition in
 * kernel.c, and nothing changes for the program. Other source files need not do anything for that.
 *
 *	access close fcntl fgetxattr fstat fstat64 fstatat ftruncate getegid geteuid getgid getpid
 *	getrlimit getuid ioctl kill lstat madvise memfd_create mincore mprotect nanosleep
 *	open open64 openat poll pread pread64 pwrite read readlink renameat sched_yield sendmsg
 *	setrlimit setsockopt socket syscall unlinkat waitpid write
 *					on x86_64 and aarch64; libc's functions serve elsewhere
 *	clock_gettime			on all machines
 *
 * kernel_map.h has mmap(), munmap() and mremap(), by other names.
 *
 * They behave as libc's functions do, with three differences: none is a cancellation point (pthreads(7)), every
 * one is async-signal-safe and takes no lock, and nanosleep() does not tell how much time is left.
 *
 * clock_gettime() calls the function of the vdso (vdso(7)), as libc's does, so that reading the clock takes no
 * system call. The first call looks the function up. Where there is none, as under valgrind, each
 * call is a system call.
 */
#ifndef BASE_KERNEL_H
#define BASE_KERNEL_H

#if defined(__x86_64__) && defined(__LP64__)
#include "kernel_x86_64.h"
#elif defined(__aarch64__)
#include "kernel_aarch64.h"
#else
#define KERNEL_BY_LIBC	1	/* there is no kernel_enter(), so libc's functions serve */
#endif

#endif
