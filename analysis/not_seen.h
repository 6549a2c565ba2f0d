/* SPDX-License-Identifier: GPL-2.0-only */
/* What the figures of a report do not cover (struct model_not_seen). Async-signal-safe. */
#ifndef ANALYSIS_NOT_SEEN_H
#define ANALYSIS_NOT_SEEN_H

#include "model.h"
#include "table/view.h"

/* codes: work space of TABLE_FRAMES_MAX. The paths in *n are the table's. */
void not_seen_find(struct model_not_seen *n, const struct table *t, const struct view *v, uint32_t *codes);

#endif
