/* SPDX-License-Identifier: GPL-2.0-only */
/* --junit: a test report of the gate's results, in the XML form of JUnit that CI systems show. */
#ifndef WRAPPER_JUNIT_H
#define WRAPPER_JUNIT_H

#include "gate.h"

/*
 * Writes the report of all results so far: one testcase for each limit and process. It replaces an older file by
 * rename(2), so that nobody reads half of it. Returns 0 or an errno.
 */
int junit_write(const char *path);

#endif
