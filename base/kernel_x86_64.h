/* SPDX-License-Identifier: GPL-2.0-only */
/* How x86_64 enters the kernel (System V ABI, AMD64 supplement 1.0, A.2.1). See kernel.h. */
#ifndef BASE_KERNEL_X86_64_H
#define BASE_KERNEL_X86_64_H

/* Returns the result, or -errno. Unused arguments are 0. */
static inline long kernel_enter(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall" : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#endif
