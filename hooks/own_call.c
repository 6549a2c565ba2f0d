/* SPDX-License-Identifier: GPL-2.0-only */
/* See own_call.h. */
#include "hooks/own_call.h"

struct own_function own_functions[OWN_FUNCTIONS_MOST];

#if defined(__x86_64__) && defined(__LP64__)

#include "hooks/enter.h"

#include <string.h>

/* ---- In and out ---- */

/* What own_call_entry() has on the stack: the caller's registers, then what the call itself has put there. */
struct own_call {
	uint64_t argument[6];		/* rdi, rsi, rdx, rcx, r8, r9 */
	uint64_t rax, r10, r11;
	uint64_t fp;			/* rbp */
	uint64_t number;		/* of the function */
	uint64_t pc;			/* the return address */
	char sp[];			/* the caller's stack pointer once the function has returned */
};

uint64_t own_call(struct own_call *c);
uint64_t own_call_real(struct own_call *c, void *real);

/* System V ABI, AMD64 supplement, 3.2.3: which registers a call may change. The program's stack may not be aligned. */
__asm__(
	".pushsection .text\n"
	".globl own_call_entry\n"
	".hidden own_call_entry\n"
	".type own_call_entry, @function\n"
	"own_call_entry:\n"
	".cfi_startproc\n"
	".cfi_def_cfa_offset 16\n"
	"	push %rbp\n"
	".cfi_def_cfa_offset 24\n"
	".cfi_offset %rbp, -24\n"
	"	push %r11\n"
	"	push %r10\n"
	"	push %rax\n"
	"	push %r9\n"
	"	push %r8\n"
	"	push %rcx\n"
	"	push %rdx\n"
	"	push %rsi\n"
	"	push %rdi\n"
	".cfi_def_cfa_offset 96\n"
	"	mov %rsp, %rbp\n"
	".cfi_def_cfa_register %rbp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call own_call\n"
	"	mov %rbp, %rsp\n"
	".cfi_def_cfa_register %rsp\n"
	"	pop %rdi\n"
	"	pop %rsi\n"
	"	pop %rdx\n"
	"	pop %rcx\n"
	"	pop %r8\n"
	"	pop %r9\n"
	"	lea 8(%rsp), %rsp\n"
	"	pop %r10\n"
	"	pop %r11\n"
	".cfi_def_cfa_offset 24\n"
	"	pop %rbp\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_restore %rbp\n"
	"	lea 8(%rsp), %rsp\n"
	".cfi_def_cfa_offset 8\n"
	"	ret\n"
	".cfi_endproc\n"
	".size own_call_entry, . - own_call_entry\n"
	/* Calls the function with the registers as its caller has set them, and keeps rdx, which may be a second result. */
	".type own_call_real, @function\n"
	"own_call_real:\n"
	".cfi_startproc\n"
	"	push %rbx\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %rbx, -16\n"
	"	mov %rdi, %rbx\n"
	"	push %rsi\n"
	"	push %rsi\n"
	".cfi_def_cfa_offset 32\n"
	"	mov (%rbx), %rdi\n"
	"	mov 8(%rbx), %rsi\n"
	"	mov 16(%rbx), %rdx\n"
	"	mov 24(%rbx), %rcx\n"
	"	mov 32(%rbx), %r8\n"
	"	mov 40(%rbx), %r9\n"
	"	mov 48(%rbx), %rax\n"
	"	mov 56(%rbx), %r10\n"
	"	mov 64(%rbx), %r11\n"
	"	call *(%rsp)\n"
	"	mov %rdx, 16(%rbx)\n"
	"	add $16, %rsp\n"
	".cfi_def_cfa_offset 16\n"
	"	pop %rbx\n"
	".cfi_def_cfa_offset 8\n"
	"	ret\n"
	".cfi_endproc\n"
	".size own_call_real, . - own_call_real\n"
	".popsection\n");

/* ---- A call inside another one ---- */

/* The call that holds the guard, and the return address that it had. */
static __thread struct {
	const struct own_call *call;
	uint64_t pc;
	unsigned nested;	/* calls inside it so far */
} outer;

#define NESTED_BYTES	((uintptr_t)1 << 20)	/* of stack between the two calls, at most */
#define NESTED_MOST	64u

/* The linker's names for the library's beginning and end in memory. */
extern const char __ehdr_start[] HIDDEN, _end[] HIDDEN;

/*
 * Whether this call comes from the function that the call which holds the guard has called: then the allocator's code
 * calls, or what it was to return to is this library's. Where both the allocator and its callers are the program's, it
 * is a call with the outer one's frame above it. Asked first, because enter() would walk the stack to find that out. Where
 * a handler or an exception has left the outer call, its frame may still be on the stack between newer frames, until
 * something overwrites it; so enter() is asked after some calls.
 */
static bool is_nested(const struct own_call *c, const struct own_function *f)
{
	if (likely(!guard_self.inside))
		return false;
	if (c->pc - f->inside < f->inside_end - f->inside ||
	    c->pc - (uintptr_t)__ehdr_start < (uintptr_t)_end - (uintptr_t)__ehdr_start)
		return true;
	return outer.call && (uintptr_t)outer.call - (uintptr_t)c - 1 < NESTED_BYTES && outer.call->pc == outer.pc &&
	       outer.nested++ < NESTED_MOST;
}

static void note_outer(const struct own_call *c)
{
	outer.call = c;
	outer.pc = c->pc;
	outer.nested = 0;
}

/* How many functions of this library are on the stack, for enter(): at most own_call_entry(), own_call(),
 * own_call_keeping(), serve() and one that serve() calls. What has called the first one is none of this library's. */
#define CALLS	5u

static bool begin(const struct own_call *c, const struct own_function *f)
{
	if (is_nested(c, f) || !enter(CALLS))
		return false;
	note_outer(c);
	return true;
}

static void end(void)
{
	outer.call = NULL;
	guard_leave();
}

/* ---- The kinds ---- */

static struct capture_point caller(const struct own_call *c)
{
	return (struct capture_point){ (uintptr_t)c->pc, (uintptr_t)c->sp, (uintptr_t)c->fp };
}

static size_t size_asked(const struct own_call *c, const struct own_function *f)
{
	uint64_t size = f->size < OWN_NO_ARGUMENT ? c->argument[f->size] : 0;

	return f->count < OWN_NO_ARGUMENT ? size * c->argument[f->count] : size;
}

static uint64_t allocate(struct own_call *c, const struct own_function *f)
{
	size_t size = size_asked(c, f);
	void **place = (void **)(uintptr_t)c->argument[0];
	struct capture_point from = caller(c);
	uint64_t result;
	void *p;

	if ((!record_is_exact() && control_passes(size)) || !begin(c, f))
		return own_call_real(c, f->real);
	result = own_call_real(c, f->real);
	p = f->kind != OWN_POSIX ? (void *)(uintptr_t)result : (uint32_t)result ? NULL : *place;
	if (p && f->kind == OWN_TEXT)
		size = strlen(p) + 1;
	if (p && control_records(p, NULL, size))
		record_alloc(p, f->entry + 1, from.pc, from.sp, from.fp, size);
	end();
	return result;
}

static uint64_t renew(struct own_call *c, const struct own_function *f)
{
	void *old = (void *)(uintptr_t)c->argument[f->block], *p;
	size_t size = size_asked(c, f), most = size + c->argument[2];
	bool nested = is_nested(c, f);
	struct capture_point from = caller(c);
	struct renewal r;
	uint64_t result;

	if (nested) {
		if (old && f->kind != OWN_EXPAND && lifecycle_is_tracing())
			record_free(old, true);
		return own_call_real(c, f->real);
	}
	r = renewal_begin(old, CALLS);
	if (r.recording)
		note_outer(c);
	result = own_call_real(c, f->real);
	p = (void *)(uintptr_t)result;
	if (f->kind == OWN_EXPAND) {
		/* The result is how many bytes the block has now: between the size and `most`, if it has grown. */
		p = result >= size ? old : NULL;
		size = most < size || result < most ? (size_t)result : most;
	}
	if (r.recording)
		outer.call = NULL;
	renewal_end(&r, old, p, f->kind == OWN_RENEW_OR_FREE || (f->kind == OWN_RENEW && !size && old), size, f->entry + 1,
		    &from);
	return result;
}

static uint64_t release(struct own_call *c, const struct own_function *f)
{
	void *p = (void *)(uintptr_t)c->argument[f->block];
	uint64_t result;

	if (!p || (!record_is_exact() && control_passes_free(p)))
		return own_call_real(c, f->real);
	if (!begin(c, f)) {
		/* A block that was recorded must leave the map all the same. */
		if (lifecycle_is_tracing())
			record_free(p, true);
		return own_call_real(c, f->real);
	}
	if (!record_free(p, false))
		record_odd_unknown_free();
	result = own_call_real(c, f->real);
	end();
	return result;
}

static uint64_t __attribute__((noinline)) serve(struct own_call *c, const struct own_function *f)
{
	if (f->kind == OWN_FREE)
		return release(c, f);
	return f->kind < OWN_RENEW ? allocate(c, f) : renew(c, f);
}

/* The same for a function that may leave the vector registers alone. Only libc's functions change them in the hook
 * (fxsave64: Intel SDM, volume 1, 10.5). */
static uint64_t __attribute__((noinline)) own_call_keeping(struct own_call *c, const struct own_function *f)
{
	char area[512] __attribute__((aligned(16)));
	uint64_t result;

	__asm__ volatile("fxsave64 %0" : "=m"(area));
	result = serve(c, f);
	__asm__ volatile("fxrstor64 %0" : : "m"(area));
	return result;
}

uint64_t own_call(struct own_call *c)
{
	const struct own_function *f = &own_functions[c->number];

	return f->calls_nothing ? own_call_keeping(c, f) : serve(c, f);
}

#else

void own_call_entry(void)
{
}

#endif
