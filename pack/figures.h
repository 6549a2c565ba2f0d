/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The figures of a process that ran when its record was packed: what the kernel and malloc said of it, which nobody can
 * ask afterwards. In a packed record they are a list of numbers and a text. Pure computation, for any thread.
 */
#ifndef PACK_FIGURES_H
#define PACK_FIGURES_H

#include "analysis/model.h"

#define PACK_FIGURES	31u

struct pack_figures {
	char unknown[200];		/* allocator.unknown; "": NULL */
	uint64_t values[PACK_FIGURES];	/* an older file has fewer: the rest is 0 */
};

void pack_figures_put(struct pack_figures *to, const struct model_seen *from);

/* Sets *to, whose text lies in *from. Nothing in *from is trusted: a number that its field cannot have becomes 0. */
void pack_figures_get(struct model_seen *to, struct pack_figures *from);

#endif
