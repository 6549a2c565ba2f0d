/* SPDX-License-Identifier: GPL-2.0-only */
/* The library that a subject loads and unloads: the subject itself, built with -DLIBRARY. */
#ifndef TESTS_SUBJECTS_LIBRARY_WORK_H
#define TESTS_SUBJECTS_LIBRARY_WORK_H

#include <stdlib.h>
#include <string.h>

char *library_work(size_t size);
char *library_work(size_t size)
{
	char *p = malloc(size);

	memset(p, 'l', size);
	return p;
}

#endif
