/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * many_rows [NUMBER]: allocates with NUMBER (100,000) different backtraces, by 4,096 functions whose names have 256 bytes
 * each, 1 MB in all. The way to a function leads through 17 calls of left() or right(), by the bits of the backtrace's
 * number. Each third block is freed. For reports of large runs; to be built without optimization.
 */
#include <stdlib.h>

#define WAYS	17

static void *kept[200000];

/* Defines 4,096 functions as the assembler's names would be in a program of templates: a macro makes a name of its three
 * digits and of 253 other bytes. */
#define NAME(x, y, z) a_function_of_a_program_that_is_made_of_templates_whose_arguments_are_templates_of_other_templates_and_\
so_on_until_nobody_can_read_their_names_any_more_although_they_stand_in_each_line_of_each_report_and_of_each_message_of_the_\
compiler_and_of_the_linker_##x##y##z
#define FUNCTION(x, y, z)	static void NAME(x, y, z)(int n) { kept[n] = malloc((size_t)(n % 50 + 1)); }
#define POINTER(x, y, z)	NAME(x, y, z),

#define THIRD(what, x, y) \
	what(x, y, 0) what(x, y, 1) what(x, y, 2) what(x, y, 3) what(x, y, 4) what(x, y, 5) what(x, y, 6) what(x, y, 7) \
	what(x, y, 8) what(x, y, 9) what(x, y, a) what(x, y, b) what(x, y, c) what(x, y, d) what(x, y, e) what(x, y, f)
#define SECOND(what, x) \
	THIRD(what, x, 0) THIRD(what, x, 1) THIRD(what, x, 2) THIRD(what, x, 3) THIRD(what, x, 4) THIRD(what, x, 5) \
	THIRD(what, x, 6) THIRD(what, x, 7) THIRD(what, x, 8) THIRD(what, x, 9) THIRD(what, x, a) THIRD(what, x, b) \
	THIRD(what, x, c) THIRD(what, x, d) THIRD(what, x, e) THIRD(what, x, f)
#define FIRST(what) \
	SECOND(what, 0) SECOND(what, 1) SECOND(what, 2) SECOND(what, 3) SECOND(what, 4) SECOND(what, 5) SECOND(what, 6) \
	SECOND(what, 7) SECOND(what, 8) SECOND(what, 9) SECOND(what, a) SECOND(what, b) SECOND(what, c) SECOND(what, d) \
	SECOND(what, e) SECOND(what, f)

FIRST(FUNCTION)

static void (*const functions[])(int n) = { FIRST(POINTER) };

static void go(int n, int way);

static void left(int n, int way)
{
	go(n, way);
}

static void right(int n, int way)
{
	go(n, way);
}

static void go(int n, int way)
{
	if (way == WAYS)
		functions[n % 4096](n);
	else if (n >> way & 1)
		left(n, way + 1);
	else
		right(n, way + 1);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 100000;

	for (int n = 0; n < count; n++)
		go(n, 0);
	for (int n = 0; n < count; n += 3)
		free(kept[n]);
	return 0;
}
