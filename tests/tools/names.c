/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * symbol_resolve() and perfmap_resolve() with everything they take, one line for each address:
 * NAME+0xOFFSET or ??, with -l and " at FILE:LINE" for each call, FILE without its directory; then "error: TEXT" and "unread: NUMBER", unless there is nothing to say.
 * Addresses are hexadecimal.
 *
 *	names [-d DIRS] [-b HEX] [-l] FILE ADDR...
 *	names -p MAP ADDR...			a perf map; absolute addresses
 *	names -m COMMAND FILE NAME...		loads FILE, runs COMMAND in a shell, then asks
 *						for the exported functions NAME
 *	names -M COMMAND FILE NAME...		the same, without saying where it is mapped
 *	names -v				the vdso's functions, each where it starts
 */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbol/perfmap.h"
#include "symbol/symbol.h"
#include "tests/tools/hex.h"

static struct arena arena;

static int by_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static void print(const struct symbol *syms, size_t n, int error, uint32_t unread)
{
	for (size_t i = 0; i < n; i++) {
		if (syms[i].name)
			printf("%s+0x%llx", syms[i].name,
			       (unsigned long long)(syms[i].addr - syms[i].start));
		else
			printf("??");
		for (uint32_t j = 0; j < syms[i].call_count; j++) {
			const char *file = syms[i].calls[j].file;
			const char *slash = file ? strrchr(file, '/') : NULL;

			printf(" at %s:%u", slash ? slash + 1 : file ? file : "??",
			       (unsigned)syms[i].calls[j].line);
		}
		putchar('\n');
	}
	if (error)
		printf("error: %s\n", symbol_error_text(error));
	if (unread)
		printf("unread: %u\n", unread);
}

/* What modules.c notes of a loaded file. */
static struct symbol_file describe(const char *path, void *handle, uint64_t *bias, bool say_where)
{
	static uint8_t id[64];
	struct symbol_file file = { .path = path, .build_id = id };
	struct link_map *map;
	int length = symbol_build_id(path, id, sizeof(id));

	if (dlinfo(handle, RTLD_DI_LINKMAP, &map))
		exit(2);
	file.build_id_bytes = length > 0 ? (size_t)length : 0;
	*bias = map->l_addr;
	if (say_where)
		file.mapped_at = map->l_addr;
	return file;
}

static int loaded(const char *command, const char *path, char **names, size_t n, bool say_where)
{
	void *handle = dlopen(path, RTLD_NOW);
	struct symbol *syms = calloc(n + 1, sizeof(*syms));
	struct symbol_file file;
	uint64_t bias;
	int error;

	if (!handle || !syms) {
		fprintf(stderr, "names: %s\n", dlerror());
		return 2;
	}
	file = describe(path, handle, &bias, say_where);
	for (size_t i = 0; i < n; i++) {
		char *name = names[i], *more = strchr(name, '+');
		uint64_t offset = more ? strtoull(more + 1, NULL, 16) : 0;

		if (more)
			*more = '\0';
		syms[i].addr = (uint64_t)(uintptr_t)dlsym(handle, name) - bias + offset;
	}
	if (system(command))
		return 2;
	qsort(syms, n, sizeof(*syms), by_addr);
	error = symbol_resolve(&file, syms, n, &arena);
	print(syms, n, error, file.unread);
	/* What is no longer there is an error and no crash. */
	dlclose(handle);
	file.path = "/nonexistent";
	error = symbol_resolve(&file, syms, n, &arena);
	printf("unloaded: %s\n", symbol_error_text(error));
	return 0;
}

static int vdso(void)
{
	const uint8_t *image = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	const ElfW(Ehdr) *eh = (const ElfW(Ehdr) *)image;
	struct symbol_file file = { .path = "linux-vdso.so.1" };
	struct symbol syms[256] = { { 0 } };
	size_t n = 0;
	int error;

	if (!image)
		return 3;
	/* The oracle: its section headers, which symbol/ does not use. */
	for (unsigned i = 0; i < eh->e_shnum; i++) {
		const ElfW(Shdr) *sh = (const ElfW(Shdr) *)(image + eh->e_shoff) + i;
		const ElfW(Sym) *sym = (const ElfW(Sym) *)(image + sh->sh_offset);

		for (size_t j = 0; sh->sh_type == SHT_DYNSYM && j < sh->sh_size / sizeof(*sym); j++)
			if (ELF64_ST_TYPE(sym[j].st_info) == STT_FUNC && sym[j].st_shndx && n < 256)
				syms[n++].addr = sym[j].st_value + 1;
	}
	qsort(syms, n, sizeof(*syms), by_addr);
	error = symbol_resolve(&file, syms, n, &arena);
	print(syms, n, error, file.unread);
	return !n;
}

int main(int argc, char **argv)
{
	struct symbol_file file = { .path = NULL, .outside = true };
	struct symbol *syms = calloc((size_t)argc + 1, sizeof(*syms));
	const char *command = NULL;
	uint8_t id[64];
	bool map = false, say_where = false;
	size_t n = 0;
	int option, error;

	if (!syms)
		return 2;
	while ((option = getopt(argc, argv, "+d:b:lpvm:M:")) != -1) {
		switch (option) {
		case 'd':
			file.debug_dirs = optarg;
			break;
		case 'b':
			file.build_id = id;
			file.build_id_bytes = parse_hex(optarg, id, sizeof(id));
			break;
		case 'l':
			file.lines = true;
			break;
		case 'p':
			map = true;
			break;
		case 'v':
			return vdso();
		case 'm':
		case 'M':
			say_where = option == 'm';
			command = optarg;
			break;
		default:
			return 2;
		}
	}
	if (optind >= argc)
		return 2;
	file.path = argv[optind++];
	if (command)
		return loaded(command, file.path, argv + optind, (size_t)(argc - optind), say_where);
	while (optind < argc)
		syms[n++].addr = strtoull(argv[optind++], NULL, 16);
	if (!n) {
		char line[64];

		for (size_t room = (size_t)argc; fgets(line, sizeof(line), stdin); n++) {
			if (n == room) {
				room *= 2;
				syms = realloc(syms, (room + 1) * sizeof(*syms));
				if (!syms)
					return 2;
			}
			syms[n] = (struct symbol){ .addr = strtoull(line, NULL, 16) };
		}
	}
	qsort(syms, n, sizeof(*syms), by_addr);
	error = map ? perfmap_resolve(file.path, syms, n, &arena)
		    : symbol_resolve(&file, syms, n, &arena);
	print(syms, n, error, file.unread);
	arena_release(&arena);
	free(syms);
	return 0;
}
