/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands out in a run, in words, for the reader who opens a report: at most three sentences, the weightiest first.
 *
 *	43 % of the live heap, 12.345 MB of 28.111 MB, comes from parse(), at src/parse.cc:214.
 *	At its peak, 3.201 secs after the start, the heap had 80.000 MB; 70 % of that comes from load(), at load.cc:12.
 *	61 % of the calls, 1234567 of 2023888, are temporary: freed before the same thread allocates again.
 *	Of 120.000 MB of RSS, 60.000 MB are free memory that malloc keeps for later; malloc_trim(3) gives back
 *	about 55.000 MB.
 *
 * A function is named as the user of the memory: allocation functions and their wrappers are passed (wrappers.h). With
 * --diff the first sentences say how the live heap and its peak differ.
 *
 * The memory is the caller's arena; where it is short there are fewer sentences. For the wrapper and the watcher.
 */
#ifndef ANALYSIS_FINDINGS_H
#define ANALYSIS_FINDINGS_H

#include "model.h"

#define FINDINGS_MOST	3u

struct findings {
	/* Plain text in one line. Names in it are cut, and without control characters. */
	const char *texts[FINDINGS_MOST];
	unsigned count;
};

/* Finds what there is to say of a model that has model.all with names. */
void findings_make(struct findings *f, const struct model *m, struct arena *arena);

#endif
