/* SPDX-License-Identifier: GPL-2.0-only */
/* The older run that another one is compared with: the record of --diff or --baseline as a model. */
#ifndef WRAPPER_OLDER_H
#define WRAPPER_OLDER_H

#include "analysis/model.h"
#include "record_file.h"

struct older {
	const struct model *model;	/* with model.all */
	struct record_file record;
	struct arena arena;
};

/*
 * Makes a model of a file of --record or --pack. The options and the rules of --ignore are those of the newer run.
 * Returns NULL, or in words why that is not possible; then *r needs no older_close(). For the only thread of a process.
 */
const char *older_open(struct older *r, const struct options *o, const char *path);

/* Gives back what older_open() has taken. */
void older_close(struct older *r);

#endif
