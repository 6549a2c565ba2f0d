/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the loaded module that contains an address, by glibc's _dl_find_object() (2.35 and later). This function is
 * looked up at run time, because an older glibc, which does not have it, could otherwise not load the library. There
 * the kernel's list of mappings serves instead (maps.h).
 *
 * All functions are lock-free and async-signal-safe and keep errno, but for loaded_init().
 */
#ifndef ELF_LOADED_H
#define ELF_LOADED_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

struct loaded_module {
	uintptr_t start, end;		/* of a module with gaps perhaps only those of the segment that holds pc */
	uintptr_t bias;			/* an address in memory minus the same address as the file has it */
	const uint8_t *eh_frame_header;	/* .eh_frame_hdr, or NULL */
	const char *name;		/* the file's path; "" may be the program's; NULL: not known */
};

enum loaded_status {
	LOADED_FOUND,
	LOADED_NONE,		/* pc is in no module */
	LOADED_UNKNOWN,		/* it cannot be found out now, but perhaps later */
};

/* Looks _dl_find_object() up (lookup.h), so this function is for the start of the process only. A second call does
 * no harm. False: there is no such function and no memory, so loaded_find() always returns LOADED_UNKNOWN. */
bool loaded_init(void);

/*
 * Finds the module that holds pc. pc must be on the caller's stack, so that the module cannot be unloaded while *m,
 * which points into the loader's data, is in use. *m is valid only with LOADED_FOUND.
 */
enum loaded_status loaded_find(uintptr_t pc, struct loaded_module *m);

/*
 * Returns the path by which the kernel knows the file of the module *m, which loaded_find() has found for pc; m->name
 * if the kernel's list cannot be read. The caller needs it if m->name is relative: the directory to which it is
 * relative was current when the module was loaded, and another one may be current now. Reads /proc/self/maps. The text
 * is never freed.
 */
const char *loaded_path(uintptr_t pc, const struct loaded_module *m);

/* Whether an address in the module lies in a segment that can be executed, as its program headers in
 * memory say; false also when they cannot be read. Async-signal-safe, keeps errno. */
bool loaded_is_code(const struct loaded_module *m, uintptr_t address);

/* Whether libraries are loaded in other namespaces, where dlmopen(3) puts them. Only glibc 2.35 and later can tell;
 * with an older one the answer is false. Async-signal-safe. */
bool loaded_other_namespaces(void);

/* To be called when a dlclose() has returned, because modules may be gone. Any thread, any time. */
void loaded_forget(void);

/* To be called in a child of fork. */
void loaded_forked(void);

#endif
