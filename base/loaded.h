/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which loaded module an address lies in, by glibc's _dl_find_object() (2.35 and later):
 * lock-free and async-signal-safe. It is looked up at run time, so that the library loads on
 * older ones, where nothing is ever found.
 */
#ifndef BASE_LOADED_H
#define BASE_LOADED_H

#include <link.h>
#include <stdbool.h>

/* glibc's struct dl_find_object (dlfcn.h), for builds on older systems. */
struct loaded_object {
	unsigned long long flags;
	void *map_start, *map_end;	/* where a module has gaps: of the segment that holds pc */
	struct link_map *link_map;
	void *eh_frame;			/* .eh_frame_hdr, or NULL */
	unsigned long long reserved[7];
};

/* Looks the function up with dlsym, so at start only; again does no harm. False: none here. */
bool loaded_init(void);

/* False: pc is in no module, or loaded_init() found nothing. */
bool loaded_find(const void *pc, struct loaded_object *object);

#endif
