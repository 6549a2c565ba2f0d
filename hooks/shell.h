/* SPDX-License-Identifier: GPL-2.0-only */
/* system(), popen() and wordexp() in front of libc's. See shell.c. */
#ifndef HOOKS_SHELL_H
#define HOOKS_SHELL_H

/* At start: finds the real functions. */
void shell_init(void);

/* In a child after fork: another thread may have been in the middle of one of these functions. */
void shell_forked(void);

#endif
