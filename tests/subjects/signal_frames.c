/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocates in signal handlers, so that stacks lead through the frame that a handler returns to and
 * on through a function that was interrupted at its first instruction. Each allocation has a size
 * of its own, by which its backtrace is known:
 *
 *	100	by a call that is the last instruction of its function, so that the call returns to the
 *		address at which the function first_faults() begins
 *	200	in a handler that interrupts first_faults() at its first instruction: at the same address
 *	300	in a handler on an alternate stack
 *	400	in a handler that interrupts a handler that calls first_faults()
 *	500	in a handler that returns to code of the program's own (x86_64)
 *	600	in a handler that a call of raise() has brought about
 *
 * With an argument it prints its process id, and waits until its standard input ends.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define SET_UP		"sub $8, %rsp\n .cfi_adjust_cfa_offset 8\n"
#define CALL		"call "
#define FAULT		"ud2\n"
#elif defined(__i386__)
#define SET_UP		"sub $12, %esp\n .cfi_adjust_cfa_offset 12\n"
#define CALL		"call "
#define FAULT		"ud2\n"
#elif defined(__aarch64__)
#define SET_UP		"stp x29, x30, [sp, -16]!\n .cfi_def_cfa_offset 16\n .cfi_offset 29, -16\n .cfi_offset 30, -8\n"
#define CALL		"bl "
#define FAULT		".inst 0\n"
#else
#error "a machine that this subject has no instructions for"
#endif

/* Two functions, the second of which begins where the first ends. */
__asm__(".text\n .p2align 4\n .globl last_calls, first_faults\n"
	".type last_calls, %function\n .type first_faults, %function\n"
	"last_calls:\n .cfi_startproc\n" SET_UP CALL "allocates_and_leaves\n .cfi_endproc\n"
	".size last_calls, . - last_calls\n"
	"first_faults:\n .cfi_startproc\n" FAULT ".cfi_endproc\n"
	".size first_faults, . - first_faults\n");
void last_calls(void);
void first_faults(void);

static sigjmp_buf back;
static volatile size_t size;
void *volatile kept;

__attribute__((noinline)) static void allocates(void)
{
	kept = malloc(size);
}

__attribute__((noinline, noreturn, used, visibility("hidden"))) void allocates_and_leaves(void)
{
	allocates();
	siglongjmp(back, 1);
}

static void handles(int signal)
{
	(void)signal;
	allocates();
	siglongjmp(back, 1);
}

static void handles_and_faults(int signal)
{
	struct sigaction action = { .sa_handler = handles };

	sigaction(signal, &action, NULL);
	first_faults();
}

static void handles_and_returns(int signal)
{
	(void)signal;
	allocates();
}

static void handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(signal, &action, NULL);
}

static void fault(size_t bytes)
{
	size = bytes;
	if (!sigsetjmp(back, 1))
		first_faults();
}

#ifdef __x86_64__

__asm__(".text\n .byte 0x90\n .type own_restorer, %function\n"
	"own_restorer: mov $15, %rax\n syscall\n .size own_restorer, . - own_restorer\n");
extern const char own_restorer[];

/* As the kernel has it: sigaction() of libc sets its own restorer. */
static void handle_by_own_restorer(void)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		const void *restorer;
		unsigned long mask;
	} action = { handles, 0x04000000 | SA_NODEFER, own_restorer, 0 };

	syscall(SYS_rt_sigaction, SIGILL, &action, NULL, sizeof(action.mask));
	fault(500);
}

#else

static void handle_by_own_restorer(void)
{
}

#endif

int main(int argc, char **argv)
{
	static char other_stack[65536];
	stack_t stack = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) };

	(void)argv;
	size = 100;
	if (!sigsetjmp(back, 1))
		last_calls();
	handle(SIGILL, handles, 0);
	fault(200);
	sigaltstack(&stack, NULL);
	handle(SIGILL, handles, SA_ONSTACK);
	fault(300);
	handle(SIGILL, handles_and_faults, SA_NODEFER);
	fault(400);
	handle_by_own_restorer();
	handle(SIGURG, handles_and_returns, 0);
	size = 600;
	raise(SIGURG);
	if (argc > 1) {
		printf("waits %d\n", (int)getpid());
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	return 0;
}
