/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of a JSON report that have files of their own. Only format/json*.c include this header. */
#ifndef FORMAT_JSON_H
#define FORMAT_JSON_H

#include "format.h"

struct histograms;

/* Writes the value of a member "histogram": of a row or, with 0, of the process (json_histogram.c). all: of
 * histograms_find(), may be NULL. */
void json_write_histogram(struct histograms *all, uint32_t row, struct out *out);

#endif
