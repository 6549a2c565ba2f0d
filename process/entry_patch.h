/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts a hook in front of a function whose callers the loader does not bind, by a jump at the function's beginning:
 *
 *	before				after
 *	entry:	endbr64			entry:	endbr64
 *		push %rbp			jmp stub	------> stub:	push the function's number
 *		mov %rsp,%rbp							jmp *hook
 *		sub $32,%rsp		next:	...
 *	next:	...				^
 *						'------	trampoline:	push %rbp
 *									mov %rsp,%rbp
 *									sub $32,%rsp
 *									jmp next
 *
 * The stub and the trampoline, which does what the function did, lie in memory of their own, within 2 GB of the
 * function. Only a function is patched of which it is certain that nothing changes: all its instructions are known,
 * it does not jump into the bytes that the jump replaces, and what in these depends on their place can be adapted.
 * Everything is planned first, and then all functions are patched, or none.
 *
 * No memory is ever writable and executable at once. Whether the kernel lets changed code be executed (SELinux,
 * prctl(PR_SET_MDWE)) is tried with other memory first.
 *
 * For the start of the process: it must have one thread, and no other code may run meanwhile (signals are held back).
 * x86_64 only; elsewhere entry_patch_lacks() says so. errno is not kept.
 */
#ifndef PROCESS_ENTRY_PATCH_H
#define PROCESS_ENTRY_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTRY_PATCHES_MOST	96u	/* functions of one plan */
#define ENTRY_PATCH_PATH_BYTES	128u

struct entry_patch {
	uint8_t *at;			/* the first replaced byte */
	int32_t distance;		/* from the end of the jump to its target */
};

struct entry_plan {
	void (*hook)(void);
	uint32_t count;
	struct entry_patch patches[ENTRY_PATCHES_MOST];
	uintptr_t start, end;		/* the mapping that holds the functions; 0: none has been planned */
	char path[ENTRY_PATCH_PATH_BYTES];	/* of its file */
	uint8_t *near;			/* the memory for stubs and trampolines */
};

/* Why no function can be patched on this machine, as the end of a sentence; NULL: functions can be. */
const char *entry_patch_lacks(void);

/*
 * Begins a plan, to which entry_patch_add() adds functions of one module. hook: gets control as if it had been called
 * by the function's caller, all registers but the flags included, with `number` of the function pushed onto the stack.
 */
void entry_patch_begin(struct entry_plan *p, void (*hook)(void));

/*
 * Plans to patch a function of `bytes` bytes. Returns NULL, or why that is not possible, as the end of a sentence.
 * *real gets the address at which the function can be called past the hook; *calls_nothing whether it neither calls
 * nor jumps to another function. A plan of which something has been refused goes on, or is given up by
 * entry_patch_drop().
 */
const char *entry_patch_add(struct entry_plan *p, void *entry, size_t bytes, uint32_t number, void **real,
			    bool *calls_nothing);

/* Patches all functions of the plan. Returns NULL, or why none has been patched. */
const char *entry_patch_apply(struct entry_plan *p);

/* Gives the plan's memory back. Not after it has been applied. */
void entry_patch_drop(struct entry_plan *p);

/* Whether `real` came from this plan, which has not been dropped. */
bool entry_patch_made(const struct entry_plan *p, const void *real);

#endif
