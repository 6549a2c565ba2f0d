/* SPDX-License-Identifier: GPL-2.0-only */
/* The options that the wrapper is given: on its command line and in HEAPTRACE_OPTIONS. */
#ifndef WRAPPER_COMMAND_LINE_H
#define WRAPPER_COMMAND_LINE_H

struct options;

/*
 * Reads the options of HEAPTRACE_OPTIONS and, on top of them, those of the command line into *o, which
 * refers to argv and to memory from malloc() from then on. Returns the index of PROGRAM in argv, or argc
 * where --report or --dump need none. --help and --version are answered here, and anything that is wrong
 * ends the wrapper with a message.
 */
int command_line_parse(int argc, char **argv, struct options *o);

#endif
