/* SPDX-License-Identifier: GPL-2.0-only */
/* The member `groups` of a JSON document (doc/json.md). */
#ifndef FORMAT_JSON_GROUPS_H
#define FORMAT_JSON_GROUPS_H

#include "analysis/model.h"
#include "base/out.h"

/* Writes it, followed by a comma and a newline: null without --group, or where there is no memory. */
void json_groups_write(const struct model *m, struct arena *arena, struct out *out);

#endif
