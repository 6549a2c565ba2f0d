/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * demangle: mangled names on standard input, one a line; the readable names on standard
 * output, one a line, and what cannot be demangled as it is. Lines of any length.
 *
 *	cc -O2 -I. -o demangle tests/tools/demangle.c demangle/[a-z]*.c
 *	nm -D --format=just-symbols libfoo.so | ./demangle
 */
#include <stdio.h>
#include <stdlib.h>

#include "demangle/demangle.h"

static _Alignas(16) char work[DEMANGLE_WORK_BYTES];
static char text[1 << 20];

int main(void)
{
	char *line = NULL;
	size_t room = 0, len;
	ssize_t got;

	while ((got = getline(&line, &room, stdin)) > 0) {
		if (line[got - 1] == '\n')
			line[--got] = '\0';
		len = demangle(line, work, text, sizeof(text));
		if (len)
			fwrite(text, 1, len, stdout);
		else
			fwrite(line, 1, (size_t)got, stdout);
		putchar('\n');
	}
	free(line);
	return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
