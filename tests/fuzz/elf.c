/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: the input is an ELF file. It goes through a memfd and /proc/self/fd, so the
 * whole path is taken, open to names. Addresses are spread over where small files have code.
 * No file of a fuzzer's size may make memory run out.
 *
 * An input "ELF2", a length of 4 bytes, and two files: the second one is descriptor 100, which
 * a .gnu_debuglink in the first names as "100", being in one directory with it. An input "ELFM"
 * and a file: that lies in memory, as if the loader had put it there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/symbol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EACH	64
#define DEBUG_FD	100

static int memory_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	return fd;
}

static void resolve(struct symbol_file *file)
{
	static const uint64_t base[] = { 0, 0x400, 0x1000, 0x400000, 0x401000, ~0ULL - 0x3ff };
	struct symbol syms[EACH * 6] = { { 0 } };
	struct arena arena = { .chunk = NULL };
	size_t n = 0;

	for (size_t i = 0; i < 6; i++) {
		for (size_t j = 0; j < EACH; j++)
			syms[n++].addr = base[i] + j * 16;
	}
	if (symbol_resolve(file, syms, n, &arena) == SYMBOL_NO_MEMORY)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (!syms[i].name)
			continue;
		/* A name is a whole one, and its function does not begin after the address. */
		if (!strlen(syms[i].name) || syms[i].start > syms[i].addr)
			abort();
	}
	arena_release(&arena);
}

static void in_memory(const uint8_t *data, size_t size)
{
	struct symbol_file file = { .path = "/proc/self/fd/fuzz" };
	/* Behind it nothing is mapped; below, whatever there is. */
	size_t room = (size + 8191) & ~(size_t)4095;
	uint8_t *image = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (image == MAP_FAILED || mprotect(image + room - 4096, 4096, PROT_NONE))
		abort();
	memcpy(image, data, size);
	file.mapped_at = (uintptr_t)image;
	resolve(&file);
	munmap(image, room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbol_file file;
	uint8_t id[64];
	char path[64];
	int fd, second = -1, length;

	if (size >= 4 && !memcmp(data, "ELFM", 4)) {
		in_memory(data + 4, size - 4);
		return 0;
	}
	if (size >= 8 && !memcmp(data, "ELF2", 4)) {
		uint32_t first;

		memcpy(&first, data + 4, 4);
		data += 8;
		size -= 8;
		if (first > size)
			first = (uint32_t)size;
		second = memory_file(data + first, size - first);
		if (dup2(second, DEBUG_FD) < 0)
			abort();
		size = first;
	}
	fd = memory_file(data, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = symbol_build_id(path, id, sizeof(id));
	if (length < 0 || length > (int)sizeof(id))
		length = 0;
	file = (struct symbol_file){
		.path = path, .build_id = id, .build_id_bytes = (size_t)length, .lines = true,
	};
	resolve(&file);
	close(fd);
	if (second >= 0) {
		close(second);
		close(DEBUG_FD);
	}
	return 0;
}
