/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System calls that nothing can come before.
 *
 * The library lives in programs that other libraries are preloaded into, too: libfaketime replaces
 * clock_gettime() and nanosleep(), torsocks replaces close() and syscall(), fakechroot replaces open(), fakeroot
 * replaces fstat() and getuid().
 * A program may also have a function of its own that happens to be called read() or write(). A call
 * from the library to a function of libc would reach all of these, and they would falsify the figures
 * (the age of a backtrace, the id of a process, the content of /proc/self/statm), wait for a lock that the
 * interrupted thread holds, or use what a destructor has already given back (libfaketime's fstat() does).
 *
 * So kernel.c defines the functions below once more, under the names and with the prototypes that libc's
 * headers declare, and hidden: within the library (and within the wrapper) each call by one of these
 * names reaches the definition in kernel.c, outside of them nothing changes. No other source file has to
 * do anything for it, and none can forget it.
 *
 *	access close fcntl fgetxattr fstat fstat64 fstatat ftruncate getegid geteuid getgid getpid
 *	getrlimit getuid ioctl kill lstat madvise memfd_create mincore mmap mprotect mremap munmap nanosleep
 *	open open64 openat poll pread pread64 pwrite read readlink renameat sched_yield sendmsg
 *	setrlimit setsockopt socket syscall unlinkat waitpid write
 *					on x86_64 and aarch64; elsewhere these are libc's
 *	clock_gettime			everywhere
 *
 * They behave as libc's do, with two differences: none is a cancellation point (pthreads(7)), and
 * each is async-signal-safe and takes no lock without exception.
 *
 * clock_gettime() calls the function that the kernel maps into each process for that (vdso(7)), as libc's
 * does, so a look at the clock is no system call. It is found in the first call; where there is none, as
 * in valgrind, each call is a system call.
 */
#ifndef BASE_KERNEL_H
#define BASE_KERNEL_H

#if defined(__x86_64__) && defined(__LP64__)
#include "kernel_x86_64.h"
#elif defined(__aarch64__)
#include "kernel_aarch64.h"
#else
#define KERNEL_BY_LIBC	1	/* kernel_enter() is not there: the calls stay libc's */
#endif

#endif
