/* SPDX-License-Identifier: GPL-2.0-only */
/* A library that attach_late.c opens: its constructor allocates, and so does its function. */
#include <stdlib.h>
#include <string.h>

static void *kept;

__attribute__((constructor)) static void library_begins(void) { kept = malloc(4321); }
__attribute__((destructor)) static void library_ends(void) { free(kept); }

void *library_alloc(void);
void *library_alloc(void) { return strdup("of a library"); }
