/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * symbolize [-o] [-b HEX] FILE [ADDR...]: symbol/ alone, in the output format of
 * addr2line -f -e FILE. Addresses are hexadecimal, in the file's own terms; without any they
 * are read from standard input, one a line. Two lines each: the function, or ??, and
 * FILE:LINE, or ??:0.
 *
 *	-o	the function with its offset: NAME+0xOFFSET
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

#include "symbol/symbol.h"

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

static size_t parse_hex(const char *text, uint8_t *buf, size_t size_bytes)
{
	size_t n = 0;
	unsigned byte;

	for (; n < size_bytes && sscanf(text, "%2x", &byte) == 1 && text[1]; text += 2)
		buf[n++] = (uint8_t)byte;
	return n;
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

static void print(const struct symbol *s, bool with_offset)
{
	if (!s->name)
		puts("??");
	else if (with_offset)
		printf("%s+0x%llx\n", s->name, (unsigned long long)(s->addr - s->start));
	else
		puts(s->name);
	puts("??:0");
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
static int resolve(const char *path, const uint8_t *id, size_t id_bytes, bool with_offset)
{
	struct symbol_file file = { .path = path, .build_id = id, .build_id_bytes = id_bytes };
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
		print(&syms[i], with_offset);
	arena_release(&arena);
	free(sorted);
	free(order);
	return error ? fail(path, error) : 0;
}

int main(int argc, char **argv)
{
	bool with_offset = false, build_id_only = false;
	uint8_t id[64];
	size_t id_bytes = 0;
	char line[256];
	int option, status;

	while ((option = getopt(argc, argv, "+oBb:")) != -1) {
		if (option == 'o')
			with_offset = true;
		else if (option == 'B')
			build_id_only = true;
		else if (option == 'b')
			id_bytes = parse_hex(optarg, id, sizeof(id));
		else
			return 2;
	}
	if (optind == argc) {
		fputs("usage: symbolize [-o] [-B] [-b HEX] FILE [ADDR...]\n", stderr);
		return 2;
	}
	if (build_id_only)
		return print_build_id(argv[optind]);
	for (int i = optind + 1; i < argc; i++)
		add(argv[i]);
	while (optind + 1 == argc && fgets(line, sizeof(line), stdin))
		add(line);
	status = resolve(argv[optind], id, id_bytes, with_offset);
	free(syms);
	return status;
}
