/* SPDX-License-Identifier: GPL-2.0-only */
/* The options that the wrapper is given: on its command line and in HEAPTRACE_OPTIONS. */
#ifndef WRAPPER_COMMAND_LINE_H
#define WRAPPER_COMMAND_LINE_H

struct options;

/*
 * Reads the options of HEAPTRACE_OPTIONS and then those of the command line, which override them, into *o. From then
 * on *o refers to argv and to memory from malloc(). Returns the index of PROGRAM in argv, or argc with --report and
 * --dump, which take none. With --control it is the index of the first command. --help and --version are answered
 * here. Wrong options end the wrapper with a message.
 */
int command_line_parse(int argc, char **argv, struct options *o);

#endif
