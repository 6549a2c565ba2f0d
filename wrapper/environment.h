/* SPDX-License-Identifier: GPL-2.0-only */
/* The environment in which PROGRAM starts: the library in LD_PRELOAD, the options in HEAPTRACE_OPTIONS. For
 * the wrapper's only thread; without memory the wrapper ends with a message. */
#ifndef WRAPPER_ENVIRONMENT_H
#define WRAPPER_ENVIRONMENT_H

struct options;

/* The environment form of the options, in memory from malloc(). Paths in it are absolute. Ends the wrapper if a path
 * is relative to a current directory that has no path itself. */
char *environment_options(const struct options *o);

/* A copy of the environment with the two variables. In LD_PRELOAD the library stands before those that were there, so
 * that it gets the calls first and passes them on to, say, jemalloc. The array and the two variables are from
 * malloc(); the other variables are those of environ. */
char **environment_make(const char *library, const char *options);

#endif
