/* SPDX-License-Identifier: GPL-2.0-only */
/* See target.h. */
#include "target.h"

#include "base/mappings.h"
#include "base/path.h"
#include "elf/headers.h"
#include "quit.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DYNAMIC_ENTRIES_MAX	1024	/* real modules have some 40 */
#define SEGMENTS_MAX		64

static void *grown(void *array, size_t count, size_t bytes)
{
	void *larger = (count & (count - 1)) ? array : realloc(array, (count ? 2 * count : 1) * bytes);

	if (!larger)
		quit_saying(EXIT_SETUP, "out of memory");
	return larger;
}

/* ---- Memory ---- */

bool target_read(const struct target *t, uint64_t address, void *to, size_t bytes)
{
	return pread(t->memory, to, bytes, (off_t)address) == (ssize_t)bytes;
}

bool target_write(const struct target *t, uint64_t address, const void *from, size_t bytes)
{
	return pwrite(t->memory, from, bytes, (off_t)address) == (ssize_t)bytes;
}

bool target_read_text(const struct target *t, uint64_t address, char *to, size_t bytes)
{
	size_t at = 0;

	/* One page after the other: behind the text there may be no memory. */
	while (at + 1 < bytes) {
		size_t part = 4096 - (address + at) % 4096;

		if (part > bytes - 1 - at)
			part = bytes - 1 - at;
		if (!target_read(t, address + at, to + at, part))
			break;
		if (memchr(to + at, 0, part))
			return true;
		at += part;
	}
	to[at] = 0;
	return at > 0;
}

/* ---- One module ---- */

/* What is read of the dynamic section. */
struct dynamic {
	uint64_t symbols, strings, strings_bytes, hash, gnu_hash, soname;
};

/* The address that a dynamic entry means. The loader adds the bias to the entries of the modules that it loads, but not
 * to those of the vdso. */
static uint64_t dynamic_address(const struct target_module *m, uint64_t value)
{
	return !value || (value >= m->start && value < m->end) ? value : value + m->bias;
}

static void read_dynamic(const struct target *t, struct target_module *m, uint64_t at, uint64_t bytes)
{
	uint8_t record[HEADERS_RECORD_BYTES];
	struct dynamic d = { 0 };
	uint32_t size = headers_dynamic_bytes(true);
	char text[sizeof(m->soname)];

	for (unsigned i = 0; i < DYNAMIC_ENTRIES_MAX && (i + 1) * (uint64_t)size <= bytes; i++) {
		uint64_t tag, value;

		if (!target_read(t, at + i * (uint64_t)size, record, size))
			break;
		headers_decode_dynamic(record, true, &tag, &value);
		if (tag == DT_NULL)
			break;
		switch (tag) {
		case DT_SYMTAB:		d.symbols = value; break;
		case DT_STRTAB:		d.strings = value; break;
		case DT_STRSZ:		d.strings_bytes = value; break;
		case DT_HASH:		d.hash = value; break;
		case DT_GNU_HASH:	d.gnu_hash = value; break;
		case DT_SONAME:		d.soname = value; break;
		}
	}
	if (!d.symbols || !d.strings || d.strings_bytes > (1u << 28))
		return;
	m->symbols_at = dynamic_address(m, d.symbols);
	m->strings_at = dynamic_address(m, d.strings);
	m->strings_bytes = d.strings_bytes;
	m->hash_at = dynamic_address(m, d.hash);
	m->gnu_hash_at = dynamic_address(m, d.gnu_hash);
	if (d.soname && d.soname < d.strings_bytes && target_read_text(t, m->strings_at + d.soname, text, sizeof(text)))
		memcpy(m->soname, text, sizeof(text));
}

static void read_build_id(const struct target *t, struct target_module *m, const struct elf_segment *notes)
{
	uint8_t buf[1024];
	const uint8_t *id;
	uint32_t bytes;

	if (notes->memory_bytes > sizeof(buf) || !target_read(t, notes->addr + m->bias, buf, notes->memory_bytes))
		return;
	id = headers_build_id(reader_over(buf, notes->memory_bytes), notes->align, &bytes);
	if (!id || bytes > sizeof(m->build_id))
		return;
	memcpy(m->build_id, id, bytes);
	m->build_id_bytes = bytes;
}

/* The functions of sanitizers' run-time libraries by which they are known, in the program or in a library. */
static const char *const sanitizers[] = { "__asan_init", "__tsan_init", "__lsan_init", "__msan_init", "__hwasan_init" };

static enum target_kind kind_of(const struct target *t, struct target_module *m, bool is_program)
{
	if (!strcmp(m->path, "[vdso]"))
		return TARGET_VDSO;
	if (!strncmp(m->soname, "ld-linux", 8))
		return TARGET_LOADER;
	if (!strcmp(m->soname, "libc.so.6") || !strcmp(m->soname, "libpthread.so.0"))
		return TARGET_LIBC;
	if (!strcmp(m->soname, "libdl.so.2"))
		return TARGET_LIBDL;
	if (!strcmp(m->soname, "libheaptrace.so"))
		return TARGET_TRACER;
	if (!strcmp(m->soname, "libgcc_s.so.1"))
		return TARGET_UNWINDER;
	for (size_t i = 0; i < sizeof(sanitizers) / sizeof(sanitizers[0]); i++) {
		if (target_function(t, m, sanitizers[i]))
			return TARGET_SANITIZER;
	}
	if (!target_function(t, m, "malloc"))
		return TARGET_OTHER;
	return is_program ? TARGET_OWN_ALLOCATOR : TARGET_ALLOCATOR;
}

/* Whether the memory at m->start is the beginning of a module. If so, *m is completed. */
static bool read_module(const struct target *t, struct target_module *m)
{
	uint8_t bytes[HEADERS_BYTES], record[HEADERS_RECORD_BYTES];
	struct elf_segment s, dynamic = { 0 }, notes[4] = { { 0 } };
	unsigned note_count = 0;
	struct elf_header h;
	bool first = true;

	if (!target_read(t, m->start, bytes, sizeof(bytes)) ||
	    headers_decode(bytes, sizeof(bytes), &h) != HEADERS_OK || !h.wide ||
	    h.segment_bytes != headers_segment_bytes(true) || h.segments > SEGMENTS_MAX)
		return false;
	m->end = m->start;
	for (unsigned i = 0; i < h.segments; i++) {
		if (!target_read(t, m->start + h.segment_offset + i * (uint64_t)h.segment_bytes, record,
				 h.segment_bytes))
			return false;
		headers_decode_segment(record, true, &s);
		if (s.type == PT_LOAD) {
			uint64_t end;

			if (first)
				m->bias = m->start - (s.addr - s.offset);
			first = false;
			end = (m->bias + s.addr + s.memory_bytes + 4095) & ~UINT64_C(4095);
			if (end > m->end)
				m->end = end;
		} else if (s.type == PT_DYNAMIC) {
			dynamic = s;
		} else if (s.type == PT_GNU_EH_FRAME) {
			m->unwind_at = s.addr;
		} else if (s.type == PT_NOTE && note_count < 4) {
			notes[note_count++] = s;
		}
	}
	if (first || m->end - m->start > (UINT64_C(1) << 40))
		return false;
	if (m->unwind_at)
		m->unwind_at += m->bias;
	if (dynamic.memory_bytes)
		read_dynamic(t, m, dynamic.addr + m->bias, dynamic.memory_bytes);
	for (unsigned i = 0; i < note_count && !m->build_id_bytes; i++)
		read_build_id(t, m, &notes[i]);
	return true;
}

/* ---- All modules ---- */

static void free_modules(struct target *t)
{
	for (struct target_module *m = t->modules, *next; m; m = next) {
		next = m->next;
		if (m->image)
			munmap(m->image, m->end - m->start);
		free(m->path);
		free(m->symbol);
		free(m->strings);
		free(m);
	}
	free(t->area);
	t->area = NULL;
	t->modules = NULL;
	t->areas = 0;
}

/* Makes a module of the mapping of a file's beginning. NULL: the file is none. */
static struct target_module *add_module(struct target *t, const struct mapping *map, const char *program)
{
	struct target_module *m = calloc(1, sizeof(*m)), **last = &t->modules;

	if (!m)
		quit_saying(EXIT_SETUP, "out of memory");
	m->path = formatted("%s", map->path);
	m->start = map->start;
	if (!read_module(t, m)) {
		free(m->path);
		free(m);
		return NULL;
	}
	m->kind = kind_of(t, m, !strcmp(m->path, program));
	while (*last)
		last = &(*last)->next;
	return *last = m;
}

bool target_refresh(struct target *t)
{
	struct target_module *m = NULL;
	char link[64], program[4096];
	struct mappings list;
	struct mapping map;
	ssize_t bytes;

	free_modules(t);
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)t->pid);
	bytes = readlink(link, program, sizeof(program) - 1);
	program[bytes > 0 ? bytes : 0] = 0;
	if (!mappings_open(&list, (uint32_t)t->pid))
		return false;
	while (mappings_next(&list, &map)) {
		struct target_area *a;
		bool named = map.path[0] && (map.path[0] != '[' || !strcmp(map.path, "[vdso]"));

		/* A module goes on through mappings of other files and of none, as far as its headers say. */
		if (m && map.start >= m->end)
			m = NULL;
		if (named && !map.offset && map.access[0] == 'r' && !(m && !strcmp(m->path, map.path)))
			m = add_module(t, &map, program);
		t->area = grown(t->area, t->areas, sizeof(*t->area));
		a = &t->area[t->areas++];
		*a = (struct target_area){
			.start = map.start, .end = map.end, .offset = map.offset, .inode = map.inode,
			.readable = map.access[0] == 'r', .writable = map.access[1] == 'w',
			.executable = map.access[2] == 'x', .shared = map.access[3] == 's', .module = m,
			.main_stack = !strcmp(map.path, "[stack]"),
		};
		if (sscanf(map.device, "%x:%x", &a->device_major, &a->device_minor) != 2)
			a->inode = 0;
	}
	mappings_close(&list);
	return t->areas > 0;
}

bool target_open(struct target *t, pid_t pid)
{
	char path[64];

	*t = (struct target){ .pid = pid, .memory = -1 };
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	t->memory = open(path, O_RDWR | O_CLOEXEC);
	return t->memory >= 0 && target_refresh(t);
}

void target_close(struct target *t)
{
	free_modules(t);
	if (t->memory >= 0)
		close(t->memory);
	t->memory = -1;
}

const struct target_area *target_area_at(const struct target *t, uint64_t address)
{
	size_t low = 0, high = t->areas;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (t->area[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->areas && t->area[low].start <= address ? &t->area[low] : NULL;
}

/* ---- The copy of a module ---- */

/* Opens the file of an area: by the link that the kernel has for the mapping, which takes the rights of root, or by its
 * path in the process's own root directory, if that still leads to this file. -1: it cannot be opened. */
static int open_file(const struct target *t, const struct target_area *a)
{
	char *path = formatted("/proc/%d/map_files/%llx-%llx", (int)t->pid, (unsigned long long)a->start,
			       (unsigned long long)a->end);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	free(path);
	if (fd >= 0)
		return fd;
	path = formatted("/proc/%d/root%s", (int)t->pid, a->module->path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	free(path);
	if (fd >= 0 && (fstat(fd, &st) || st.st_ino != a->inode)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Copies an area. The bytes that the file does not have stay 0. */
static bool copy_area(const struct target *t, const struct target_area *a, uint8_t *to)
{
	int fd = a->inode ? open_file(t, a) : -1;
	size_t bytes = a->end - a->start, done = 0;

	if (fd < 0)
		return target_read(t, a->start, to, bytes);
	while (done < bytes) {
		ssize_t n = pread(fd, to + done, bytes - done, (off_t)(a->offset + done));

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	return done > 0;
}

const uint8_t *target_image(const struct target *t, struct target_module *m)
{
	const struct target_area *a;

	if (m->image_tried)
		return m->image;
	m->image_tried = true;
	a = m->unwind_at ? target_area_at(t, m->unwind_at) : NULL;
	if (!a || a->module != m || !a->readable || a->end > m->end)
		return NULL;
	m->image = mmap(NULL, m->end - m->start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			-1, 0);
	if (m->image == MAP_FAILED)
		m->image = NULL;
	if (m->image && !copy_area(t, a, m->image + (a->start - m->start))) {
		munmap(m->image, m->end - m->start);
		m->image = NULL;
	}
	return m->image;
}
