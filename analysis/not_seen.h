/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds out what the figures of a report do not cover (struct model_not_seen). Async-signal-safe. */
#ifndef ANALYSIS_NOT_SEEN_H
#define ANALYSIS_NOT_SEEN_H

#include "model.h"
#include "table/view.h"

/* Sets *n. codes: work space for TABLE_FRAMES_MAX codes. The paths in *n lie in the table, and live as long as it. */
void not_seen_find(struct model_not_seen *n, const struct table *t, const struct view *v, uint32_t *codes);

#endif
