/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether stacks lack their outer functions because --depth let no more frames be recorded. Pictures and trees that are
 * made of such stacks have no common root, so they say why.
 */
#ifndef ANALYSIS_CUT_H
#define ANALYSIS_CUT_H

#include "base/out.h"

struct table;

/* How many frames were recorded of each stack at most, frame 0 included, if at least one stack has as many; else 0.
 * Every row of the table counts, also those that options leave out. Async-signal-safe. */
unsigned cut_at(const struct table *t);

/* The --depth that shows more than `frames` frames: the default of graphs or, where that is no more, the largest one;
 * 0: there is none. */
unsigned cut_better_depth(unsigned frames);

/* Writes "stacks were cut at 8 frames: record with --depth=128 for longer ones". frames: what cut_at() has returned,
 * not 0. */
void cut_write(struct out *out, unsigned frames);

#endif
