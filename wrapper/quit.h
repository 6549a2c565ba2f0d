/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways in which the wrapper ends without becoming PROGRAM. For the wrapper's only thread. */
#ifndef WRAPPER_QUIT_H
#define WRAPPER_QUIT_H

/* The wrapper's own exit statuses, as env(1) and nohup(1) use them. */
enum { EXIT_SETUP = 125, EXIT_EXEC = 126, EXIT_MISSING = 127 };

/* Ends the wrapper with this exit status. Signals that it has blocked are delivered first. */
_Noreturn void quit(int status);

/* Prints "heaptrace: MESSAGE" as one line on standard error, which is broken at blanks where a terminal is narrower.
 * Control characters in the message, which may have names from outside in it, are made visible. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, and ends the wrapper. */
_Noreturn void quit_saying(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Flushes standard output and ends the wrapper: with 0, or with EXIT_SETUP and a message if the output could not be
 * written. */
_Noreturn void quit_after_output(void);

/* Formats a text, as asprintf() does, in memory from malloc(). Never returns NULL: without memory the wrapper ends. */
char *formatted(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
