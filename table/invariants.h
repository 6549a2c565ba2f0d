/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The invariants of a table and of the block map (table.h, index.h, deltas.h, blocks.h), as functions that
 * check whole structures. Builds by `make CHECK=1` run them at each dump and fork (process/verify.h); a normal
 * build does not contain them.
 *
 * Nothing here changes the table. Async-signal-safe; memory comes from the kernel and is given back.
 */
#ifndef TABLE_INVARIANTS_H
#define TABLE_INVARIANTS_H

#include "blocks.h"
#include "table.h"

/* The first invariant that was found broken. A zeroed one: none has been. */
struct broken {
	const char *sentence;		/* what should be true; NULL: nothing is broken */
	const char *file;
	int line;
	int64_t a, b;			/* the two figures that should agree, or a row and a figure */
};

/*
 * Checks the invariants that hold at any moment, whatever other threads do, because they only add rows, and each row is
 * complete before its number can be found:
 *
 *	each number in the index is that of a row (of a code) in use, and is there once
 *	each number in the index is found by the hash of its row (of its code)
 *	a row's frames are codes in use, and each link leads to an older run of frames: there is no cycle
 *	a code's module is in the list, and a module's path in the text
 *	what may be used of a part is mapped
 */
void invariants_check_structure(const struct table *t, struct broken *broken);

/* The row of each block in the map is in use. In a process of one thread, at any moment. */
void invariants_check_blocks(const struct table *t, const struct blocks *b, struct broken *broken);

/*
 * Checks the invariants that hold while no thread is inside the guard, so that no operation is half done. No operation
 * may ever have been cut off in the middle either, by longjmp() or by a fork that no handler saw. The sums are over all
 * rows, each with the changes that are pending in threads' slots, as a view has them:
 *
 *	a row's live blocks and bytes == those of the block map that name the row
 *	the sum of live bytes == totals.live_size + what threads hold of that (struct deltas: heap_size)
 *	the sums over the sizes of a row's blocks, if they are counted, are its live blocks and bytes
 *	temporary <= total_count, live_count <= total_count, live_size <= total_size
 *	a slot is its row's (row % DELTA_SLOTS), holds no more than its limits, and is not being flushed
 *	pending_frees of each slot's number == the count_limit of the slots that are counted there
 *
 * one_thread: the process has never had a second thread. Then also
 *	live_count <= peak_count, live_size <= peak_size, and no row is missing in the index
 *	the sum of the bytes at the heap's maximum == totals.peak_size (peaks: unless a signal handler has freed
 *	a block in the middle of a hook: then the maximum may have been noted on either side of that)
 */
void invariants_check_sums(struct table *t, const struct blocks *b, bool one_thread, bool peaks, struct broken *broken);

#endif
