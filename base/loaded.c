/* SPDX-License-Identifier: GPL-2.0-only */
/* See loaded.h. */
#include "loaded.h"

#include <dlfcn.h>
#include <stddef.h>

static int (*find_object)(void *pc, struct loaded_object *object);

bool loaded_init(void)
{
	*(void **)&find_object = dlsym(RTLD_DEFAULT, "_dl_find_object");
	return find_object != NULL;
}

bool loaded_find(const void *pc, struct loaded_object *object)
{
	return find_object && !find_object((void *)pc, object);
}
