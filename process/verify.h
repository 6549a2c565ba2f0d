/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the invariants of the table and the block map are checked, in builds by `make CHECK=1`: each call of
 * these functions stands in check_costly() (base/check.h). A broken invariant ends the process.
 *
 * The structure (table/invariants.h) is checked at every dump, the sums where no operation can be half done:
 *	at a dump of a process of one thread that was outside the guard
 *	before a fork, when all other threads were seen outside the guard and wait there
 *	in the child of such a fork
 * A signal handler that frees may still change the table in the second case. So when an invariant looks broken, it is
 * looked at again after pauses, when such a handler is through.
 *
 * Checks of whole structures take some KB of stack, so those at a fork run on a stack of their own (own_stack.h), as
 * dumps do.
 *
 * Sums are not checked any more once something was cut off in the middle (verify_cut_off()), or once a part of
 * the table could not grow, for which table.h allows wrong sizes.
 */
#ifndef PROCESS_VERIFY_H
#define PROCESS_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

/* At a dump, inside the guard. was_outside: the thread was outside the guard before the dump. Async-signal-safe. */
void verify_dump(bool was_outside);

/* Before a fork, inside the guard. was_outside: the thread was outside the guard before the fork. all_wait: every other
 * thread waits outside the guard; if not, the parts of the child's table are of different moments. */
void verify_fork(bool was_outside, bool all_wait);

/* While this is true, threads that wait for a fork do not lose their patience. */
bool verify_is_running(void);

/* An operation on the table has been left in the middle, here or in another thread: by longjmp(), or because a
 * fork has copied it. */
void verify_cut_off(void);

/* In a child, when its copy of the table is about to take the table's place: whether threads went on while it was
 * made. Then the sums are not checked any more, because the table and the block map are of different moments. */
void verify_fork_copy(bool overtaken);

/* In a child, whose only thread this is, when its table is ready: checks the structure, that the rows of all blocks are
 * in the child's table, and the sums, unless threads went on while the table was copied. */
void verify_child(void);

/* A signal handler has freed a block while its thread was in the middle of another operation. */
void verify_nested_free(void);

/* A row that the thread's memory of stacks has recognized is compared, one call of a few dozen, with a walk. */
struct capture_point;
void verify_recognized(const struct capture_point *from, uint32_t row);

#endif
