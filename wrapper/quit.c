/* SPDX-License-Identifier: GPL-2.0-only */
/* See quit.h. */
#include "quit.h"

#include "base/out.h"
#include "base/printable.h"
#include "held_signals.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void print_message(const char *format, va_list args)
{
	static char buf[2 * PATH_MAX + 1024];
	char *line = NULL, *shown = NULL;
	struct out out;

	if (vasprintf(&line, format, args) >= 0)
		shown = malloc(2 * strlen(line) + 1);
	else
		line = NULL;
	if (shown)
		show_plainly(shown, line);
	/* The line goes out in one write, because other processes may print to the same terminal. */
	out_init(&out, STDERR_FILENO, buf, sizeof(buf));
	out_fit_terminal(&out);
	out_text(&out, "heaptrace: ");
	out_text(&out, shown ? shown : "out of memory");
	out_char(&out, '\n');
	out_flush(&out);
	free(shown);
	free(line);
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_message(format, args);
	va_end(args);
}

_Noreturn void quit_saying(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_message(format, args);
	va_end(args);
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
