/* SPDX-License-Identifier: GPL-2.0-only */
/* program FILE...: what elf/program.h says of each file: "FILE KIND OBSTACLE [INTERPRETER]", a line each. */
#include <stdio.h>

#include "elf/program.h"

int main(int argc, char **argv)
{
	static const char *const kinds[] = { "unknown", "text", "script", "elf" };
	static const char *const obstacles[PROGRAM_OBSTACLES] = {
		"traceable", "rights", "foreign", "valgrind", "static", "sanitized", "other-libc", "other-word-size",
	};

	for (int i = 1; i < argc; i++) {
		struct program_file p;

		program_examine(&p, argv[i]);
		printf("%s %s %s %s\n", argv[i], kinds[p.kind], obstacles[p.obstacle], p.interpreter);
	}
	return 0;
}
