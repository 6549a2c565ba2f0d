/* SPDX-License-Identifier: GPL-2.0-only */
/* The option --pack, which makes a small file of a record (pack/pack.h). */
#ifndef WRAPPER_PACKING_H
#define WRAPPER_PACKING_H

#include "options/options.h"
#include "record_file.h"

/*
 * Writes the packed record o->pack, with names if o->with_names is set, and prints one line about it. The file takes
 * its name when it is complete, and an older one of that name is replaced. Returns NULL, or "" if there was an error,
 * which has been reported. For the only thread of a process.
 */
const char *packing_write(const struct options *o, struct record_file *record);

#endif
