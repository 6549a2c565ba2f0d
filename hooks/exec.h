/* SPDX-License-Identifier: GPL-2.0-only */
/* The exec functions in front of libc's. See exec.c. */
#ifndef HOOKS_EXEC_H
#define HOOKS_EXEC_H

/* At start: finds the real functions. */
void exec_init(void);

#endif
