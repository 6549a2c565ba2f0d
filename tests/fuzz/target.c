/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: the input is a process that --pid looks at from outside, as its mappings and the bytes in them. Modules are
 * recognized, functions are looked up by name and by address, and stacks are unwound by what the process claims to be its
 * unwind information. The process may have written all these bytes itself, to harm a tracer that has more rights than it has.
 *
 *	count		1 byte; of mappings, at most 16
 *	mapping		4 bytes each: pages; pages that are free in front of it; access (1 r, 2 w, 4 x, 8 s) and its file
 *			in the upper half of the byte, see `files`; the offset in the file, in pages
 *	memory		all other bytes, from the address 0x10000 on; also taken as the program's file
 */
#include "base/mappings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool open_list(struct mappings *list, uint32_t pid);
static ssize_t read_program(const char *path, char *to, size_t bytes);

/* What comes from the kernel is made of the input. */
#define mappings_open	open_list
#define readlink	read_program
#include "wrapper/target.c"
#undef readlink
#undef mappings_open
#include "wrapper/target_symbols.c"
#include "wrapper/target_unwind.c"
#include "wrapper/attach_allocator.c"
#include "capture/cfi.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAPPINGS_MAX	16
#define MEMORY		0x10000u
#define PAGE		4096u
#define STEPS		32
#define NO_PROCESS	0x7fffffff

static const char *const files[] = {
	"", "/program", "/lib/library.so", "[vdso]", "[stack]", "[heap]", "/lib/libc.so.6", "/lib/ld-linux-x86-64.so.2",
	"/a b/c (deleted)", "/lib/libdl.so.2", "/memfd:libheaptrace.so (deleted)",
};

static struct {
	const uint8_t *mappings;
	unsigned count;
} input;

/* ---- The other parts of the wrapper ---- */

_Noreturn void quit_saying(int status, const char *format, ...)
{
	(void)status;
	fputs(format, stderr);
	abort();
}

char *formatted(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		abort();
	va_end(arguments);
	return text;
}

enum { PC, SP, FP, LINK };

uint64_t registers_pc(const struct registers *r) { return r->general[PC]; }
uint64_t registers_sp(const struct registers *r) { return r->general[SP]; }
uint64_t registers_fp(const struct registers *r) { return r->general[FP]; }
uint64_t registers_link(const struct registers *r) { return r->general[LINK]; }

/* ---- The kernel ---- */

static ssize_t read_program(const char *path, char *to, size_t bytes)
{
	(void)path;
	return snprintf(to, bytes, "%s", files[1]);
}

static bool open_list(struct mappings *list, uint32_t pid)
{
	uint64_t at = MEMORY;

	(void)pid;
	*list = (struct mappings){ .fd = memfd_create("maps", MFD_CLOEXEC) };
	for (unsigned i = 0; i < input.count; i++) {
		const uint8_t *m = input.mappings + 4 * i;
		const char *file = files[(m[2] >> 4) % (sizeof(files) / sizeof(files[0]))];
		uint64_t start = at + m[1] * (uint64_t)PAGE;

		at = start + (m[0] + 1) * (uint64_t)PAGE;
		dprintf(list->fd, "%llx-%llx %c%c%c%c %08x fe:01 %u %s\n", (unsigned long long)start, (unsigned long long)at,
			m[2] & 1 ? 'r' : '-', m[2] & 2 ? 'w' : '-', m[2] & 4 ? 'x' : '-', m[2] & 8 ? 's' : 'p',
			m[3] * PAGE, *file == '/' ? 4711u : 0, file);
	}
	lseek(list->fd, 0, SEEK_SET);
	return list->fd >= 0;
}

/* ---- The questions ---- */

static void see_name(const char *name, void *context)
{
	*(size_t *)context += strlen(name);
}

static void unwind_from(const struct target *t, uint64_t pc, uint64_t sp)
{
	struct registers r = { .general = { [PC] = pc, [SP] = sp, [FP] = sp + 16, [LINK] = pc } };
	struct target_frame f;

	target_unwind_begin(&f, &r);
	for (int i = 0; i < STEPS; i++) {
		uint64_t before = f.sp;

		if (target_unwind_step(t, &f) != TARGET_OUTWARD)
			break;
		if (!f.interrupted && f.sp < before)
			abort();	/* stacks grow downward */
	}
}

static void examine(struct target *t)
{
	size_t length = 0;
	uint64_t address;

	for (struct target_module *m = t->modules; m; m = m->next) {
		if (m->end < m->start || !memchr(m->soname, 0, sizeof(m->soname)) || m->build_id_bytes > sizeof(m->build_id))
			abort();
		target_function(t, m, "heaptrace_attach");
		target_names_at(t, m, m->start + 0x1000, see_name, &length);
	}
	target_find(t, TARGET_LIBC, "dlopen", &address);
	for (size_t i = 0; i < t->areas; i++) {
		const struct target_area *a = &t->area[i];

		if (target_area_at(t, a->start) != a || target_area_at(t, a->end - 1) != a)
			abort();
		for (uint64_t at = a->start; a->executable && at < a->end && at < a->start + PAGE; at += 256)
			unwind_from(t, at, MEMORY + at % PAGE);
	}
}

static int memory_file(const uint8_t *data, size_t size, off_t at)
{
	int fd = memfd_create("memory", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, data, size, at) != (ssize_t)size)
		abort();
	return fd;
}

static void examine_file(const uint8_t *data, size_t size)
{
	bool found[PREFIXES] = { false };
	int fd = memory_file(data, size, 0);

	mark_file(fd, found);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target t = { .pid = NO_PROCESS, .memory = -1 };

	if (!size || data[0] > MAPPINGS_MAX || size < 1 + 4 * (size_t)data[0])
		return 0;
	input.count = data[0];
	input.mappings = data + 1;
	size -= 1 + 4 * (size_t)data[0];
	data = input.mappings + 4 * (size_t)input.count;
	examine_file(data, size);
	t.memory = memory_file(data, size, MEMORY);
	if (target_refresh(&t))
		examine(&t);
	target_close(&t);
	return 0;
}
