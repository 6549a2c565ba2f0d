/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: the input is a perf map, asked for the addresses from 0x1000 on and some at the
 * ends. It has to be a file: links are not followed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol/perfmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COUNT	300

static char path[64];
static int file = -1;

static void remove_file(void)
{
	unlink(path);
}

static void open_file(void)
{
	snprintf(path, sizeof(path), "%s/heaptrace-fuzz-%d.map",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (int)getpid());
	file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0)
		abort();
	atexit(remove_file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .chunk = NULL };
	struct symbol syms[COUNT + 3];
	int error;

	if (file < 0)
		open_file();
	if (ftruncate(file, 0) || pwrite(file, data, size, 0) != (ssize_t)size)
		abort();
	memset(syms, 0, sizeof(syms));
	for (size_t i = 0; i < COUNT; i++)
		syms[i + 1].addr = 0x1000 + i;
	syms[COUNT + 1].addr = UINT64_MAX - 1;
	syms[COUNT + 2].addr = UINT64_MAX;
	error = perfmap_resolve(path, syms, COUNT + 3, &arena);
	if (error != SYMBOL_OK && error != SYMBOL_NO_SYMBOLS)
		abort();
	for (size_t i = 0; i < COUNT + 3; i++) {
		if (syms[i].name && (!strlen(syms[i].name) || syms[i].start > syms[i].addr))
			abort();
	}
	arena_release(&arena);
	return 0;
}
