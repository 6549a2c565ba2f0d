/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * symbolize [-aCp] [-o] [-n] [-u] [-b HEX] FILE [ADDR...]: symbol/ alone, in the output format
 * of addr2line -f -i -e FILE. Addresses are hexadecimal, in the file's own terms; without any
 * they are read from standard input, one a line. Two lines for each and two more for each call
 * that it is inlined in: the function, or ??, and FILE:LINE, FILE:? or ??:0.
 *
 *	-a	the address before that, in a line of its own
 *	-C	names of C++ and Rust as people write them
 *	-p	one line for each: FUNCTION at FILE:LINE
 *	-o	symbols only: NAME+0xOFFSET, and ??:0
 *	-n	symbols only, no lines
 *	-u	print what there is in the file but is not read, at the end
 *	-b HEX	the build id that the file has to have
 *	-B	print the file's build id only
 *
 * Exit status: 0; 1 when symbol/ reported an error (on standard error, names that were found
 * are printed all the same); 2 for a usage error.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demangle/demangle.h"
#include "symbol/symbol.h"
#include "tests/tools/hex.h"

static bool with_address, demangled, pretty, with_offset, no_lines, with_unread;
static struct symbol *syms;
static size_t count, room;

static void add(const char *text)
{
	if (count == room) {
		room = room ? 2 * room : 64;
		syms = realloc(syms, room * sizeof(syms[0]));
		if (!syms)
			abort();
	}
	syms[count++] = (struct symbol){ .addr = strtoull(text, NULL, 16) };
}

static int by_addr(const void *a, const void *b)
{
	const struct symbol *const *x = a, *const *y = b;

	return ((*x)->addr > (*y)->addr) - ((*x)->addr < (*y)->addr);
}

static int fail(const char *path, int error)
{
	fprintf(stderr, "symbolize: %s: %s\n", path, symbol_error_text(error));
	return 1;
}

static int print_build_id(const char *path)
{
	uint8_t id[64];
	int length = symbol_build_id(path, id, sizeof(id));

	if (length < 0)
		return fail(path, length);
	for (int i = 0; i < length && i < (int)sizeof(id); i++)
		printf("%02x", id[i]);
	putchar('\n');
	return 0;
}

static const char *readable(const char *name)
{
	static _Alignas(16) char work[DEMANGLE_WORK_BYTES];
	static char buf[1 << 20];

	if (!name)
		return "??";
	return demangled && demangle(name, work, buf, sizeof(buf)) ? buf : name;
}

static void print_place(const char *function, const char *file, uint32_t line, bool inlined)
{
	if (pretty && inlined)
		fputs(" (inlined by) ", stdout);
	fputs(readable(function), stdout);
	fputs(pretty ? " at " : "\n", stdout);
	if (file && line)
		printf("%s:%u\n", file, line);
	else if (file)
		printf("%s:?\n", file);
	else
		puts("??:0");
}

static void print(const struct symbol *s)
{
	if (with_address)
		printf("0x%016llx%s", (unsigned long long)s->addr, pretty ? ": " : "\n");
	if (with_offset) {
		printf("%s", readable(s->name));
		if (s->name)
			printf("+0x%llx", (unsigned long long)(s->addr - s->start));
		puts("\n??:0");
		return;
	}
	if (!s->call_count)
		print_place(s->name, NULL, 0, false);
	for (uint32_t i = 0; i < s->call_count; i++) {
		const char *function = s->calls[i].function;

		if (!function && i == s->call_count - 1)
			function = s->name;
		print_place(function, s->calls[i].file, s->calls[i].line, i > 0);
	}
}

/* The lowest free descriptor; keeps errno. */
static int next_fd(void)
{
	int saved = errno, fd = dup(STDOUT_FILENO);

	close(fd);
	errno = saved;
	return fd;
}

/* symbol_resolve() wants the addresses sorted, the reader of our output as they came. */
static int resolve(const char *path, const uint8_t *id, size_t id_bytes)
{
	struct symbol_file file = {
		.path = path, .build_id = id, .build_id_bytes = id_bytes,
		.lines = !with_offset && !no_lines,
	};
	struct symbol **order = calloc(count + 1, sizeof(order[0]));
	struct symbol *sorted = calloc(count + 1, sizeof(sorted[0]));
	struct arena arena = { .chunk = NULL };
	int error, free_fd;

	if (!order || !sorted)
		abort();
	for (size_t i = 0; i < count; i++)
		order[i] = &syms[i];
	qsort(order, count, sizeof(order[0]), by_addr);
	for (size_t i = 0; i < count; i++)
		sorted[i].addr = order[i]->addr;
	errno = EXDEV;
	free_fd = next_fd();
	error = symbol_resolve(&file, sorted, count, &arena);
	if (errno != EXDEV || next_fd() != free_fd) {
		fputs("symbolize: errno changed or a descriptor leaked\n", stderr);
		abort();
	}
	for (size_t i = 0; i < count; i++)
		*order[i] = sorted[i];
	for (size_t i = 0; i < count; i++)
		print(&syms[i]);
	if (with_unread)
		printf("unread %#x\n", file.unread);
	arena_release(&arena);
	free(sorted);
	free(order);
	return error ? fail(path, error) : 0;
}

int main(int argc, char **argv)
{
	bool build_id_only = false;
	uint8_t id[64];
	size_t id_bytes = 0;
	char line[256];
	int option, status;

	while ((option = getopt(argc, argv, "+aCponuBb:")) != -1) {
		switch (option) {
		case 'a': with_address = true; break;
		case 'C': demangled = true; break;
		case 'p': pretty = true; break;
		case 'o': with_offset = true; break;
		case 'n': no_lines = true; break;
		case 'u': with_unread = true; break;
		case 'B': build_id_only = true; break;
		case 'b': id_bytes = parse_hex(optarg, id, sizeof(id)); break;
		default: return 2;
		}
	}
	if (optind == argc) {
		fputs("usage: symbolize [-aCponuB] [-b HEX] FILE [ADDR...]\n", stderr);
		return 2;
	}
	if (build_id_only)
		return print_build_id(argv[optind]);
	for (int i = optind + 1; i < argc; i++)
		add(argv[i]);
	while (optind + 1 == argc && fgets(line, sizeof(line), stdin))
		add(line);
	status = resolve(argv[optind], id, id_bytes);
	free(syms);
	return status;
}
