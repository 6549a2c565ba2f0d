/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dlopen(), dlmopen() and dlclose() in front of libc's.
 *
 * The first two note which libraries are opened with RTLD_DEEPBIND (elf/deepbind.h), and nothing else.
 * libc's functions find out by their return address which module calls them. On that module depend the RUNPATH
 * and the $ORIGIN that are searched, the namespace, and the symbols that the new library may bind to. So these
 * hooks may not call libc's functions: they jump there, with the caller's return address on the stack and the
 * arguments in their registers. C has no such jump, so it is written in assembly below. On other machines
 * dlopen() and dlmopen() are not interposed, and no dump mentions libraries with RTLD_DEEPBIND.
 *
 * dlclose() tells the recorder before and after a library is unloaded, because its addresses can be another
 * module's afterwards.
 */
#include "base/atomics.h"
#include "capture/capture.h"
#include "elf/deepbind.h"
#include "elf/loaded.h"
#include "elf/lookup.h"
#include "export.h"
#include "process/lifecycle.h"
#include "process/record.h"
#include "table/modules.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

/* dlclose comes last: when it has been found, all others have. */
#define REAL_FUNCTIONS(X)	X(dlmopen) X(dlopen) X(dlclose)

static struct {
	REAL_FUNCTIONS(LOOKUP_POINTER)
} real;

/* At start; or at the first call, where a constructor of another library, which ran before, makes one. */
__attribute__((constructor(LOOKUPS))) static void find_real(void)
{
	lookup_next(REAL_FUNCTIONS(LOOKUP_NAME), LOOKUP_COUNT(real), &real);
}

EXPORT int dlclose(void *handle)
{
	struct deepbind unused;
	bool tracing;
	int result;

	if (unlikely(!real.dlclose))
		find_real();
	deepbind_find(&unused);	/* now, because libraries that are unloaded cannot be found any more */
	capture_unloading();
	/* A child that no fork handler saw gets its table now, not in the middle. */
	lifecycle_is_own_process();
	lifecycle_visit();
	tracing = lifecycle_is_tracing();
	if (tracing)
		modules_unloading(&recorder.table);
	lifecycle_leave();
	result = real.dlclose(handle);
	loaded_forget();
	lifecycle_visit();
	if (tracing && lifecycle_is_tracing())
		modules_unloaded(&recorder.table);
	lifecycle_leave();
	capture_unloaded();
	return result;
}

#if defined(__x86_64__) || defined(__aarch64__)

/* With RTLD_NOLOAD nothing new is loaded. */
static void note(const char *file, int flags)
{
	if (unlikely(!real.dlclose))
		find_real();
	if (flags & RTLD_DEEPBIND && !(flags & RTLD_NOLOAD) && file && *file)
		deepbind_requested(file);
}

/* Called by the functions below with the caller's arguments: each returns where to jump. */
HIDDEN void *loader_note_dlopen(const char *file, int flags);
HIDDEN void *loader_note_dlmopen(Lmid_t namespace, const char *file, int flags);

__attribute__((used)) void *loader_note_dlopen(const char *file, int flags)
{
	note(file, flags);
	return (void *)real.dlopen;
}

/* For libraries in other namespaces a dump has a notice of another source: loaded_other_namespaces(). */
__attribute__((used)) void *loader_note_dlmopen(Lmid_t namespace, const char *file, int flags)
{
	note(namespace == LM_ID_BASE ? file : NULL, flags);
	return (void *)real.dlmopen;
}

#if defined(__x86_64__)
/* The System V ABI, AMD64 supplement, 3.2.3: arguments in rdi, rsi, rdx; the stack is aligned to 16
 * bytes before a call. */
#define JUMPING_HOOK(name)						\
	__asm__(".pushsection .text." #name ",\"ax\",@progbits\n"	\
		".globl " #name "\n"					\
		".type " #name ",@function\n"				\
		".p2align 4\n"						\
		#name ":\n"						\
		".cfi_startproc\n"					\
		"endbr64\n"						\
		"push %rdi\n"						\
		".cfi_adjust_cfa_offset 8\n"				\
		"push %rsi\n"						\
		".cfi_adjust_cfa_offset 8\n"				\
		"push %rdx\n"						\
		".cfi_adjust_cfa_offset 8\n"				\
		"call loader_note_" #name "\n"				\
		"pop %rdx\n"						\
		".cfi_adjust_cfa_offset -8\n"				\
		"pop %rsi\n"						\
		".cfi_adjust_cfa_offset -8\n"				\
		"pop %rdi\n"						\
		".cfi_adjust_cfa_offset -8\n"				\
		"jmp *%rax\n"						\
		".cfi_endproc\n"					\
		".size " #name ", .-" #name "\n"			\
		".popsection\n")
#else
/* The procedure call standard for the Arm 64-bit architecture, 6.4: arguments in x0 to x2; x16 may be
 * changed on the way to a function, and is what a jump to a function's `bti c` may be by. */
#define JUMPING_HOOK(name)						\
	__asm__(".pushsection .text." #name ",\"ax\",@progbits\n"	\
		".globl " #name "\n"					\
		".type " #name ",@function\n"				\
		".p2align 4\n"						\
		#name ":\n"						\
		".cfi_startproc\n"					\
		"hint #34\n"		/* bti c */			\
		"stp x29, x30, [sp, #-48]!\n"				\
		".cfi_def_cfa_offset 48\n"				\
		".cfi_offset 29, -48\n"					\
		".cfi_offset 30, -40\n"					\
		"mov x29, sp\n"						\
		"stp x0, x1, [sp, #16]\n"				\
		"str x2, [sp, #32]\n"					\
		"bl loader_note_" #name "\n"				\
		"mov x16, x0\n"						\
		"ldr x2, [sp, #32]\n"					\
		"ldp x0, x1, [sp, #16]\n"				\
		"ldp x29, x30, [sp], #48\n"				\
		".cfi_restore 29\n"					\
		".cfi_restore 30\n"					\
		".cfi_def_cfa_offset 0\n"				\
		"br x16\n"						\
		".cfi_endproc\n"					\
		".size " #name ", .-" #name "\n"			\
		".popsection\n")
#endif

JUMPING_HOOK(dlopen);
JUMPING_HOOK(dlmopen);

#endif
