/* SPDX-License-Identifier: GPL-2.0-only */
/* See loaded.h. */
#include "loaded.h"

#include "base/atomics.h"
#include "headers.h"
#include "lookup.h"
#include "maps.h"
#include "base/probe.h"

#include <stddef.h>

/* glibc's struct dl_find_object. It is declared here, because <dlfcn.h> of glibc before 2.35 does not have it. */
struct object {
	unsigned long long flags;
	void *map_start, *map_end;
	struct link_map *link_map;
	void *eh_frame;			/* .eh_frame_hdr, or NULL */
	unsigned long long reserved[7];
};

static int (*find_object)(void *pc, struct object *object);

/* The loader's list for debuggers has one element for each namespace; r_version says whether there is more than
 * one (<link.h> of glibc 2.35). A program with a copy relocation of the first element has an old copy of it. */
struct namespace {
	struct r_debug debug;
	const struct namespace *next;
};
static const struct namespace *namespaces;	/* NULL: the loader has no such list */

bool loaded_init(void)
{
#ifndef LOADED_BY_MAPS	/* tests define it, to run as with an older glibc */
	*(void **)&find_object = lookup_first("_dl_find_object");
#endif
	namespaces = lookup_first("_r_debug");
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

const char *loaded_path(uintptr_t pc, const struct loaded_module *m)
{
	struct loaded_module same;

	if (maps_init() && maps_find(pc, &same) == LOADED_FOUND && same.bias == m->bias &&
	    same.name && same.name[0] == '/')
		return same.name;
	return m->name;
}

bool loaded_is_code(const struct loaded_module *m, uintptr_t address)
{
	const ElfW(Phdr) *ph;
	unsigned count = 0;

	ph = probe_readable(m->start) ? headers_at(m->start, &count) : NULL;
	for (unsigned i = 0; i < count; i++) {
		if (ph[i].p_type == PT_LOAD && ph[i].p_flags & PF_X &&
		    address - (m->bias + ph[i].p_vaddr) < ph[i].p_memsz)
			return true;
	}
	return false;
}

void loaded_forget(void)
{
	maps_forget();
}

void loaded_forked(void)
{
	maps_forked();
}

bool loaded_other_namespaces(void)
{
	const struct namespace *n = namespaces;

	while (n && n->debug.r_version >= 2) {
		n = load_acquire(&n->next);
		if (n && n->debug.r_map)
			return true;
	}
	return false;
}
