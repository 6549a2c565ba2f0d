/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: the input is an ELF file. It goes through a memfd and /proc/self/fd, so the
 * whole path is taken, open to names. Addresses are spread over where small files have code.
 * No file of a fuzzer's size may make memory run out.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/symbol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EACH	64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t base[] = { 0, 0x400, 0x1000, 0x400000, 0x401000, ~0ULL - 0x3ff };
	struct symbol syms[EACH * 6];
	struct symbol_file file;
	struct arena arena = { .chunk = NULL };
	size_t n = 0;
	uint8_t id[64];
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	int length, error;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < 6; i++) {
		for (size_t j = 0; j < EACH; j++)
			syms[n++].addr = base[i] + j * 16;
	}
	length = symbol_build_id(path, id, sizeof(id));
	if (length < 0 || length > (int)sizeof(id))
		length = 0;
	file = (struct symbol_file){
		.path = path, .build_id = id, .build_id_bytes = (size_t)length, .lines = true,
	};
	error = symbol_resolve(&file, syms, n, &arena);
	if (error == SYMBOL_NO_MEMORY)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (!syms[i].name)
			continue;
		/* A name is a whole one, and its function does not begin after the address. */
		if (!strlen(syms[i].name) || syms[i].start > syms[i].addr)
			abort();
	}
	arena_release(&arena);
	close(fd);
	return 0;
}
