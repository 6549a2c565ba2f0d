/* SPDX-License-Identifier: GPL-2.0-only */
/* See quit.h. */
#include "quit.h"

#include "base/printable.h"
#include "held_signals.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void quit(int status)
{
	held_signals_release();
	exit(status);
}

/* Copies a message to `to`, which has twice the room, with control characters made visible. */
static void show_plainly(char *to, const char *message)
{
	size_t left = strlen(message), bytes;

	for (; left; message += bytes, left -= bytes) {
		bool plain;

		bytes = printable_character(message, left, &plain);
		if (plain) {
			memcpy(to, message, bytes);
			to += bytes;
		} else if (*message & 0x80) {
			*to++ = '?';
		} else {
			*to++ = '^';
			*to++ = (char)(*message ^ 0x40);
		}
	}
	*to = '\0';
}

_Noreturn void quit_saying(int status, const char *format, ...)
{
	va_list args;
	char *line = NULL, *shown = NULL;

	va_start(args, format);
	if (vasprintf(&line, format, args) >= 0)
		shown = malloc(2 * strlen(line) + 1);
	va_end(args);

	if (shown)
		show_plainly(shown, line);
	/* The line goes out in one write, because other processes may print to the same terminal. */
	fprintf(stderr, "heaptrace: %s\n", shown ? shown : "out of memory");
	quit(status);
}

char *formatted(const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		quit_saying(EXIT_SETUP, "out of memory");
	return text;
}

_Noreturn void quit_after_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		quit_saying(EXIT_SETUP, "standard output: %s", strerror(errno));
	quit(0);
}
