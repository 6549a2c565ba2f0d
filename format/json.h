/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of a JSON report that have files of their own. Only format/json*.c include this header. */
#ifndef FORMAT_JSON_H
#define FORMAT_JSON_H

#include "format.h"

/* Writes the value of a member "histogram": of the process or, with a row, of that row (json_histogram.c). */
void json_write_histogram(const struct model *m, const struct model_row *row, struct arena *arena, struct out *out);

#endif
