/* SPDX-License-Identifier: GPL-2.0-only */
/* See maps.h. */
#include "maps.h"

#include "base/arena.h"
#include "base/atomics.h"
#include "base/mappings.h"
#include "base/probe.h"
#include "base/search.h"
#include "base/uninterrupted.h"
#include "headers.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CODES_MAX	4096
#define NAMES_BYTES	((size_t)4 << 20)	/* of all paths; only the pages that are used need memory */
#define BUFFER_BYTES	((size_t)16 << 10)	/* a line has at most PATH_MAX bytes and some more */

#define SECOND_NS	((uint64_t)1000000000)
#define VALID_NS	SECOND_NS		/* how long a list is used */
#define BURST_NS	(SECOND_NS / 10)	/* reading may take so long at once, ... */
#define SHARE		10			/* ... and one part in so many of the time since the first reading */

/* One mapping of code, or several side by side that belong to no module. */
struct code {
	uintptr_t start, end;
	uintptr_t base;			/* where its file's start is mapped; 0: it belongs to no module */
	const char *name;		/* the file's path; NULL: it belongs to no module */
};

struct list {
	uint64_t read_ns;		/* when the list was read */
	uint32_t forget_count;		/* the value of `forget_count` at that time */
	uint32_t count;
	uintptr_t end;			/* below this address every mapping of code is in the list */
	struct code codes[CODES_MAX];	/* by address */
};

static struct state {
	struct list lists[2];		/* the newest is lists[done % 2] */
	char names[NAMES_BYTES];	/* each path once, one after another, with "" at the end */
	char buffer[BUFFER_BYTES];
} *state;

static uint32_t begun, done;		/* the number of lists that were begun, and of those that were written */
static uint32_t forget_count;		/* calls of maps_forget() */
static uint32_t reading;		/* 1 while a thread reads the file; that thread owns the next line */
static uint64_t first_ns, spent_ns;	/* the time of the first reading; the time that all reading took */

bool maps_init(void)
{
	struct state *mine, *none = NULL;

	if (load_acquire(&state))
		return true;
	mine = arena_map(sizeof(*state));
	if (mine && !cas_acq_rel(&state, &none, mine))
		arena_unmap(mine, sizeof(*mine));	/* another thread was faster */
	return load_acquire(&state) != NULL;
}

void maps_forget(void)
{
	add_relaxed(&forget_count, 1);
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

/* ---- Searching ---- */

enum answer {
	IN_MODULE,
	IN_NO_MODULE,			/* in code that belongs to no module */
	NOT_CODE,			/* in no mapping of code */
	LIST_IS_STALE,			/* the list cannot answer */
};

/* Returns the index of the last entry that starts at or before pc; count: there is none. */
static uint32_t search(const struct list *list, uint32_t count, uintptr_t pc)
{
	uint32_t after = (uint32_t)search_first(count, i, load_relaxed(&list->codes[i].start) <= pc);

	return after ? after - 1 : count;
}

/* Searches pc in the newest list. IN_MODULE: *found is the mapping. A writer may overwrite the list meanwhile, because
 * the next list but one has the same place. Then `begun` is greater than n + 1 at the end, and the answer is void. */
static enum answer search_newest(uintptr_t pc, struct code *found)
{
	uint32_t n = load_acquire(&done), count, i;
	const struct list *list = &state->lists[n % 2];
	enum answer answer = NOT_CODE;

	if (!n)
		return LIST_IS_STALE;
	count = load_relaxed(&list->count);
	if (count > CODES_MAX)
		return LIST_IS_STALE;
	i = search(list, count, pc);
	if (i < count && pc < load_relaxed(&list->codes[i].end)) {
		found->start = load_relaxed(&list->codes[i].start);
		found->end = load_relaxed(&list->codes[i].end);
		found->base = load_relaxed(&list->codes[i].base);
		found->name = load_relaxed(&list->codes[i].name);
		answer = found->base ? IN_MODULE : IN_NO_MODULE;
	} else if (pc >= load_relaxed(&list->end)) {
		answer = LIST_IS_STALE;
	}
	if (load_relaxed(&list->forget_count) != load_relaxed(&forget_count) ||
	    clock_ns() - load_relaxed(&list->read_ns) > VALID_NS)
		answer = LIST_IS_STALE;
	acquire_fence();
	return load_relaxed(&begun) - n > 1 ? LIST_IS_STALE : answer;
}

/* ---- Reading ---- */

/* A list that is being made, and what the next line's meaning depends on. */
struct parser {
	struct list *list;
	const struct list *older;	/* the list before this one */
	uintptr_t base;			/* the last mapping of a file's start; 0: it cannot be read */
	uint64_t base_inode;		/* this file's inode and device */
	char base_device[16];
};

/* Returns the only copy of a path, without the " (deleted)" that the kernel appends when the file has been removed;
 * "": there is no room for more paths. Copies are never removed, so entries of both lists can point to them. */
static const char *intern_path(const struct parser *p, const char *path, uintptr_t start)
{
	static const char deleted[] = " (deleted)";
	size_t length = strlen(path), cut = sizeof(deleted) - 1;
	uint32_t i = search(p->older, p->older->count, start);
	char *at = state->names, *end = at + NAMES_BYTES;

	if (length > cut && !strcmp(path + length - cut, deleted))
		length -= cut;
	if (i < p->older->count && p->older->codes[i].start == start && p->older->codes[i].name) {
		const char *known = p->older->codes[i].name;

		if (!strncmp(known, path, length) && !known[length])
			return known;	/* the usual case: the mapping was in the older list, too */
	}
	while (*at) {
		if (!strncmp(at, path, length) && !at[length])
			return at;
		at += strlen(at) + 1;
	}
	if ((size_t)(end - at) < length + 2)
		return "";
	memcpy(at, path, length);
	at[length] = '\0';
	return at;
}

/* Adds a mapping of code. Where the list is full, list->end becomes the address of the first one that has no place. */
static void add_code(struct list *list, uintptr_t start, uintptr_t end, uintptr_t base,
		     const char *name)
{
	uint32_t n = list->count;
	struct code *last = n ? &list->codes[n - 1] : NULL;

	if (last && !base && !last->base && last->end == start) {
		store_relaxed(&last->end, end);
	} else if (n < CODES_MAX) {
		store_relaxed(&list->codes[n].start, start);
		store_relaxed(&list->codes[n].end, end);
		store_relaxed(&list->codes[n].base, base);
		store_relaxed(&list->codes[n].name, name);
		store_relaxed(&list->count, n + 1);
	} else if (list->end == UINTPTR_MAX) {
		store_relaxed(&list->end, start);
	}
}

static void parse_line(struct parser *p, const char *line)
{
	struct mapping m;
	bool vdso, module;

	if (!mapping_parse(line, &m) || m.device_bytes >= sizeof(p->base_device))
		return;
	vdso = !strcmp(m.path, "[vdso]");
	module = m.inode || vdso;
	if (!m.offset && module) {
		p->base = m.access[0] == 'r' ? (uintptr_t)m.start : 0;
		p->base_inode = m.inode;
		memcpy(p->base_device, m.device, m.device_bytes);
		p->base_device[m.device_bytes] = '\0';
	} else if (m.inode != p->base_inode || strncmp(p->base_device, m.device, m.device_bytes) ||
		   p->base_device[m.device_bytes]) {
		p->base = 0;
		p->base_inode = 0;
	}
	if (m.access[2] == 'x')
		add_code(p->list, (uintptr_t)m.start, (uintptr_t)m.end, module ? p->base : 0,
			 module && p->base ? intern_path(p, m.path, (uintptr_t)m.start) : NULL);
}

/* Reads the whole file into p->list. False: reading failed, or a line does not fit into the buffer. */
static bool parse_file(struct parser *p, int fd)
{
	char *buffer = state->buffer;
	size_t kept = 0;

	for (;;) {
		long n = syscall(SYS_read, fd, buffer + kept, BUFFER_BYTES - 1 - kept);
		char *line = buffer, *end;

		if (n < 0)
			return false;
		if (!n)
			return true;
		kept += (size_t)n;
		buffer[kept] = '\0';
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			parse_line(p, line);
			line = end + 1;
		}
		kept -= (size_t)(line - buffer);
		if (kept == BUFFER_BYTES - 1)
			return false;
		memmove(buffer, line, kept);
	}
}

/* Makes the list that follows the newest one. False: /proc/self/maps cannot be read. */
static bool write_list(uint64_t now)
{
	uint32_t n = done + 1;
	struct parser p = { .list = &state->lists[n % 2], .older = &state->lists[done % 2] };
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
	bool whole;

	if (fd < 0)
		return false;
	store_relaxed(&begun, n);
	release_fence();
	store_relaxed(&p.list->count, 0);
	store_relaxed(&p.list->read_ns, now);
	store_relaxed(&p.list->forget_count, load_relaxed(&forget_count));
	store_relaxed(&p.list->end, UINTPTR_MAX);
	whole = parse_file(&p, fd);
	syscall(SYS_close, fd);
	if (whole)
		store_release(&done, n);
	return whole;
}

/*
 * Makes a new list. False: there is none, because another thread is reading, because reading has used up its share of
 * the time, or because the file cannot be read. No signal handler may run meanwhile, because it could leave by
 * longjmp(), or fork while the file is open.
 */
static bool read_again(void)
{
	struct uninterrupted span;
	bool read = false;

	if (load_relaxed(&reading))
		return false;
	uninterrupted_begin(&span);
	if (!exchange_acq_rel(&reading, 1)) {
		uint64_t now = clock_ns();	/* not earlier than first_ns, which the last reader may just have set */

		if (!first_ns)
			first_ns = now;
		if (spent_ns <= BURST_NS + (now - first_ns) / SHARE) {
			read = write_list(now);
			spent_ns += clock_ns() - now;
		}
		store_release(&reading, 0);
	}
	uninterrupted_end(&span);
	return read;
}

void maps_forked(void)
{
	store_release(&reading, 0);
}

/* ---- Modules ---- */

/*
 * Fills in the module of a mapping, from the ELF header and the program headers in memory. They are probed first,
 * because a list can be a second old, and the module may be gone. False: pc is in no executable segment of a module.
 */
static bool read_module(const struct code *code, uintptr_t pc, struct loaded_module *m)
{
	bool first = true, holds = false;
	const ElfW(Phdr) *ph;
	unsigned count = 0;

	ph = probe_readable(code->base) ? headers_at(code->base, &count) : NULL;
	*m = (struct loaded_module){ .start = UINTPTR_MAX, .name = code->name };
	for (unsigned i = 0; i < count; i++) {
		uintptr_t start;

		if (ph[i].p_type != PT_LOAD)
			continue;
		if (first)	/* the file's offset 0 is mapped at base */
			m->bias = code->base - (ph[i].p_vaddr - ph[i].p_offset);
		first = false;
		start = m->bias + ph[i].p_vaddr;
		if (start < m->start)
			m->start = start;
		if (start + ph[i].p_memsz > m->end)
			m->end = start + ph[i].p_memsz;
		holds = holds || (ph[i].p_flags & PF_X && pc - start < ph[i].p_memsz);
	}
	for (unsigned i = 0; i < count; i++) {
		uintptr_t start = m->bias + ph[i].p_vaddr;

		if (ph[i].p_type == PT_GNU_EH_FRAME && start >= m->start && start < m->end)
			m->eh_frame_header = (const uint8_t *)start;
	}
	return holds;
}

enum loaded_status maps_find(uintptr_t pc, struct loaded_module *m)
{
	struct code code;
	enum answer answer;

	if (!state)
		return LOADED_UNKNOWN;
	answer = search_newest(pc, &code);
	if (answer == LIST_IS_STALE || answer == NOT_CODE) {
		if (!read_again())
			return LOADED_UNKNOWN;
		answer = search_newest(pc, &code);
	}
	if (answer == LIST_IS_STALE)
		return LOADED_UNKNOWN;
	return answer == IN_MODULE && read_module(&code, pc, m) ? LOADED_FOUND : LOADED_NONE;
}
