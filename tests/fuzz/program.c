/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: the input is a file that somebody wants to execute. It goes through a memfd and /proc/self/fd, so
 * the whole path is taken, from open() to the answer; then its headers and notes go through the decoder alone,
 * in a block of exactly their size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/headers.h"
#include "elf/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void examine(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct program_file p;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	program_examine(&p, path);
	close(fd);
	if (p.kind > PROGRAM_ELF || p.obstacle >= PROGRAM_OBSTACLES || !memchr(p.interpreter, 0, sizeof(p.interpreter)))
		abort();
	/* A script names its interpreter, a text none, and only rights stand in the way of what is no program. */
	if ((p.kind == PROGRAM_SCRIPT) > (p.interpreter[0] != '\0') || (p.kind == PROGRAM_TEXT && p.interpreter[0]))
		abort();
	if (p.kind != PROGRAM_ELF && p.obstacle != PROGRAM_TRACEABLE && p.obstacle != PROGRAM_HAS_RIGHTS)
		abort();
	if ((p.obstacle == PROGRAM_HAS_RIGHTS) != (p.rights != NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_header header;
	const uint8_t *id;
	uint32_t bytes;

	examine(data, size);
	if (headers_decode(data, size, &header) == HEADERS_OK && size < HEADERS_BYTES && header.wide)
		abort();
	for (uint64_t align = 4; align <= 8; align += 4) {
		id = headers_build_id(reader_over(data, size), align, &bytes);
		if (id && (!bytes || id < data || bytes > (size_t)(data + size - id)))
			abort();
	}
	return 0;
}
