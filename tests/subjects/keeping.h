/* SPDX-License-Identifier: GPL-2.0-only */
/* Blocks that are never freed, each from a function whose name a dump shows, and lines on standard output. */
#ifndef TESTS_SUBJECTS_KEEPING_H
#define TESTS_SUBJECTS_KEEPING_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *volatile kept[16];

__attribute__((noinline)) void keep_first(void)
{
	kept[0] = malloc(1000);
}

__attribute__((noinline)) void keep_child(void)
{
	kept[1] = malloc(333);
}

/* Writes "WHAT NUMBER", without stdio's buffers, which a child process would write again. */
static void say(const char *what, long number)
{
	char line[100];
	int n = snprintf(line, sizeof(line), "%s %ld\n", what, number);

	if (write(1, line, (size_t)n) < 0)
		_exit(98);
}

#endif
