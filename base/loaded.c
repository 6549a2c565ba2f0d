/* SPDX-License-Identifier: GPL-2.0-only */
/* See loaded.h. */
#include "loaded.h"

#include "maps.h"

#include <dlfcn.h>
#include <stddef.h>

/* glibc's struct dl_find_object (dlfcn.h), for builds on older systems. */
struct object {
	unsigned long long flags;
	void *map_start, *map_end;
	struct link_map *link_map;
	void *eh_frame;			/* .eh_frame_hdr, or NULL */
	unsigned long long reserved[7];
};

static int (*find_object)(void *pc, struct object *object);

bool loaded_init(void)
{
#ifndef LOADED_BY_MAPS	/* tests build with it: as with an older libc */
	*(void **)&find_object = dlsym(RTLD_DEFAULT, "_dl_find_object");
#endif
	return find_object || maps_init();
}

enum loaded_status loaded_find(uintptr_t pc, struct loaded_module *m)
{
	struct object o;

	if (!find_object)
		return maps_find(pc, m);
	if (find_object((void *)pc, &o))
		return LOADED_NONE;
	*m = (struct loaded_module){
		.start = (uintptr_t)o.map_start, .end = (uintptr_t)o.map_end,
		.bias = o.link_map ? o.link_map->l_addr : 0, .eh_frame_header = o.eh_frame,
		.name = o.link_map ? o.link_map->l_name : NULL,
	};
	return LOADED_FOUND;
}

void loaded_forget(void)
{
	maps_forget();
}

void loaded_forked(void)
{
	maps_forked();
}
