/* SPDX-License-Identifier: GPL-2.0-only */
/* The chance by which blocks are sampled (table/sample.h). Each thread has its own (guard.h: sample_in). */
#ifndef PROCESS_SAMPLING_H
#define PROCESS_SAMPLING_H

#include "table/sample.h"

#include <stddef.h>

/* Inside the guard, when the block has been allocated and its bytes have been subtracted from guard_self.sample_in: whether
 * it is recorded. */
bool sampling_takes(size_t size);

#endif
