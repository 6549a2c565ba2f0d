/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which loaded module an address lies in: by glibc's _dl_find_object() (2.35 and later),
 * which is looked up at run time so that the library loads on older ones too; there, by the
 * kernel's list of what is mapped (maps.h). Lock-free and async-signal-safe; keeps errno.
 */
#ifndef BASE_LOADED_H
#define BASE_LOADED_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

struct loaded_module {
	uintptr_t start, end;		/* where it has gaps, maybe of the segment with pc only */
	uintptr_t bias;			/* address in memory minus address in the file's terms */
	const uint8_t *eh_frame_header;	/* .eh_frame_hdr, or NULL */
	const char *name;		/* the file's; "" may stand for the program; NULL: not known */
};

enum loaded_status {
	LOADED_FOUND,
	LOADED_NONE,		/* pc is in no module */
	LOADED_UNKNOWN,		/* not to be had now; another time it may be */
};

/* Looks for the function (lookup.h), so at start only; again does no harm. False: all modules
 * are unknown. */
bool loaded_init(void);

/*
 * The module that holds pc. pc must be on the caller's stack, so that the module cannot be
 * unloaded meanwhile: *m points to it.
 */
enum loaded_status loaded_find(uintptr_t pc, struct loaded_module *m);

/*
 * The path by which the kernel knows the file of a module that loaded_find() has found for pc; if it is
 * not to be had, m->name. For a name that is relative to the directory that was the current one when
 * the module was loaded: that may be another one by now. Reads /proc/self/maps; the text stays.
 */
const char *loaded_path(uintptr_t pc, const struct loaded_module *m);

/* Whether an address in the module lies in a segment that can be executed, as its program headers in
 * memory say; false also when they cannot be read. Async-signal-safe, keeps errno. */
bool loaded_is_code(const struct loaded_module *m, uintptr_t address);

/* Whether libraries are loaded in other namespaces, where dlmopen(3) puts them: glibc 2.35 and later
 * tells, of older ones it is not known (false). */
bool loaded_apart(void);

/* A dlclose has returned: modules may have gone. Any thread, any time. */
void loaded_forget(void);

/* In a child of fork. */
void loaded_forked(void);

#endif
