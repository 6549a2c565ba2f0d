/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stack of tasks that takes the place of recursion in both demanglers. A rule of the grammar does
 * what it can at once, and plans the rest as tasks.
 */
#ifndef DEMANGLE_PLAN_H
#define DEMANGLE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct plan_task {
	uint16_t step;		/* which function is to be called */
	uint16_t arg;		/* its argument */
};

/*
 * Puts tasks in front of the *waiting ones on a stack that has room for `room`, so that the first of
 * them runs next. False: the stack is full, and nothing has changed.
 */
static inline bool plan_tasks(struct plan_task *stack, unsigned *waiting, unsigned room,
			      const struct plan_task *tasks, unsigned count)
{
	if (count > room - *waiting)
		return false;
	while (count)
		stack[(*waiting)++] = tasks[--count];
	return true;
}

#endif
