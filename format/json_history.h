/* SPDX-License-Identifier: GPL-2.0-only */
/* The members `timeline` and `snapshots` of a JSON document (doc/json.md). */
#ifndef FORMAT_JSON_HISTORY_H
#define FORMAT_JSON_HISTORY_H

#include "analysis/model.h"
#include "base/out.h"

/* Writes both, each followed by a comma and a newline. Where the model has no history, they are null. */
void json_history_write(const struct model *m, struct out *out);

#endif
