/* SPDX-License-Identifier: GPL-2.0-only */
/* See modules.h. */
#include "modules.h"

#include "base/check.h"
#include "elf/headers.h"
#include "elf/loaded.h"
#include "elf/program.h"
#include "base/path.h"
#include "layout.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_PAGE	4096	/* bytes of a module that can be read wherever its headers lie there */

_Static_assert(TABLE_PATH_BYTES >= PATH_MAX, "a path fits");

/*
 * Reserves size_bytes of the table's text and returns their offset; 0, where "" stands, when the
 * text is full. The text grows in steps that are smaller than the longest path, so as many steps
 * are taken as the path needs.
 */
static uint32_t reserve_text(struct table *t, uint32_t size_bytes)
{
	struct table_header *h = t->head;
	uint32_t at = load_relaxed(&h->text_used);

	do {
		while ((uint64_t)at + size_bytes > load_acquire(&h->text_limit)) {
			if (!layout_grow(t, TABLE_TEXT))
				return 0;
		}
	} while (!cas_acq_rel(&h->text_used, &at, at + size_bytes));
	return at;
}

/* Gives back the end of a reservation, unless another thread has reserved what comes after it. */
static void give_back_text(struct table *t, uint32_t from, uint32_t to)
{
	if (from != to)
		cas_acq_rel(&t->head->text_used, &to, from);
}

/*
 * Writes an absolute form of path to `text`, which has room for PATH_MAX bytes more than the path. The loader's name is
 * what the program or dlopen() was given, so it may be relative to the current directory. (This uses the system call,
 * because glibc's getcwd() falls back to code that allocates.) Returns the number of bytes written, with the NUL.
 */
static size_t write_absolute(char *text, const char *path, size_t path_bytes)
{
	long cwd = syscall(SYS_getcwd, text, PATH_MAX);		/* its length with the NUL */
	size_t before = 0;

	if (cwd > 1 && text[0] == '/') {
		before = (size_t)cwd;
		text[before - 1] = '/';
	}
	memcpy(text + before, path, path_bytes);
	return before + path_bytes;
}

/* The offset of the same path in the text if a noted module has that path, else 0. So a plugin that is loaded again and
 * again, each time at another address, does not fill the text. */
static uint32_t find_text(const struct table *t, const char *path)
{
	for (uint32_t i = layout_count(t->head, TABLE_MODULES); i-- > 0; ) {
		const struct module *m = &t->modules[i];

		if (load_acquire(&m->end) && m->path && !strcmp(modules_path(t, m), path))
			return m->path;
	}
	return 0;
}

/* The vdso's name has no slash, and is not a path. */
static bool is_relative(const char *path)
{
	return path[0] != '/' && strchr(path, '/');
}

/* Returns the offset of the path, made absolute, in the table's text; 0 when it does not fit in. */
static uint32_t add_text(struct table *t, const char *path)
{
	size_t bytes = strlen(path) + 1;
	bool relative = is_relative(path);
	uint32_t at, reserved, known = relative ? 0 : find_text(t, path);

	if (known || bytes == 1 || bytes > PATH_MAX)
		return known;
	reserved = (uint32_t)bytes + (relative ? PATH_MAX : 0);
	at = reserve_text(t, reserved);
	if (!at)
		return 0;
	if (!relative) {
		memcpy(t->text + at, path, bytes);
		return at;
	}
	bytes = write_absolute(t->text + at, path, bytes);
	check_at_most(bytes, reserved, "a path fits into the text that was reserved for it");
	known = find_text(t, t->text + at);
	give_back_text(t, at + (known ? 0 : (uint32_t)bytes), at + reserved);
	return known ? known : at;
}

/* Takes the build id from the segments of notes in memory, which the loader has used already. */
static void read_notes(struct module *m, const ElfW(Phdr) *ph, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t start = m->bias + ph[i].p_vaddr, at;
		const uint8_t *id;
		uint32_t bytes;

		if (ph[i].p_type != PT_NOTE || start < m->start || ph[i].p_memsz > m->end - start)
			continue;
		id = headers_build_id(reader_over((const void *)(uintptr_t)start, ph[i].p_memsz), ph[i].p_align, &bytes);
		if (!id || bytes > MODULE_BUILD_ID_BYTES)
			continue;
		at = (uintptr_t)id - m->start;
		m->build_id_bytes = (uint8_t)bytes;
		memcpy(m->build_id, id, bytes);
		m->build_id_at = at <= FIRST_PAGE - MODULE_BUILD_ID_BYTES ? (uint16_t)at : 0;
		return;
	}
}

/* Returns the entry, or NULL when the list is full, which the header then says. */
static const struct module *add_module(struct table *t, struct module *m, const char *path)
{
	struct table_header *h = t->head;
	uint32_t i;

	if (load_relaxed(&h->module_count) >= load_acquire(&h->module_limit) && !layout_grow(t, TABLE_MODULES)) {
		store_relaxed(&h->modules_full, 1);
		return NULL;
	}
	m->path = add_text(t, path[0] ? path : t->local->program_path);
	check_below(m->start, m->end, "a module that is noted takes up addresses");
	i = add_relaxed(&h->module_count, 1);
	while (i >= load_acquire(&h->module_limit)) {
		if (!layout_grow(t, TABLE_MODULES)) {
			store_relaxed(&h->modules_full, 1);
			return NULL;
		}
	}
	t->modules[i].start = m->start;
	t->modules[i].bias = m->bias;
	t->modules[i].path = m->path;
	t->modules[i].build_id_bytes = m->build_id_bytes;
	t->modules[i].build_id_at = m->build_id_at;
	memcpy(t->modules[i].build_id, m->build_id, sizeof(m->build_id));
	store_release(&t->modules[i].end, m->end);
	return &t->modules[i];
}

static int note_loaded(struct dl_phdr_info *info, size_t size, void *table)
{
	struct module m = { .start = UINT64_MAX, .bias = info->dlpi_addr };

	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uint64_t start = m.bias + ph->p_vaddr;

		if (ph->p_type != PT_LOAD)
			continue;
		if (start < m.start)
			m.start = start;
		if (start + ph->p_memsz > m.end)
			m.end = start + ph->p_memsz;
	}
	if (m.end) {
		read_notes(&m, info->dlpi_phdr, info->dlpi_phnum);
		add_module(table, &m, info->dlpi_name ? info->dlpi_name : "");
	}
	return 0;
}

/*
 * Finds the program from the name that execve() was given, following the interpreters of scripts. The result is ""
 * if that is no ELF file. Where the loader was started with the program as its argument, the loader has put the
 * program's name there (glibc's rtld.c).
 */
static void read_given_path(char program_path[TABLE_PATH_BYTES])
{
	const char *given = (const char *)getauxval(AT_EXECFN);
	struct program_file file = { .kind = PROGRAM_UNKNOWN };

	for (int depth = 0; given && given[0] && depth <= PROGRAM_SCRIPT_DEPTH; depth++) {
		/* A name without a slash means a file in the current directory here. */
		bool bare = !strchr(given, '/');

		if (strlen(given) + 3 > TABLE_PATH_BYTES)
			break;
		strcpy(stpcpy(program_path, bare ? "./" : ""), given);
		program_examine(&file, program_path);
		if (file.kind != PROGRAM_SCRIPT)
			break;
		given = file.interpreter;
	}
	if (file.kind != PROGRAM_ELF)
		program_path[0] = '\0';
}

/* The kernel knows the program's path, unless there is no /proc, as behind chroot(), or the program
 * is the loader's argument, so that the kernel takes the loader, which then has no loader itself
 * (AT_BASE is 0), for the program. */
static void find_program_path(char program_path[TABLE_PATH_BYTES])
{
	ssize_t n;

	program_path[0] = '\0';
	if (!getauxval(AT_BASE))
		read_given_path(program_path);
	if (program_path[0])
		return;
	n = readlink("/proc/self/exe", program_path, TABLE_PATH_BYTES - 1);
	program_path[n > 0 ? n : 0] = '\0';
	if (n <= 0)
		read_given_path(program_path);
}

uint32_t modules_keep_text(struct table *t, const char *text, size_t size_bytes)
{
	uint32_t at = size_bytes < MODULES_TEXT_MAX ? reserve_text(t, (uint32_t)size_bytes + 1) : 0;

	if (at)
		memcpy(t->text + at, text, size_bytes);
	return at;
}

void modules_init(struct table *t)
{
	find_program_path(t->local->program_path);
	t->head->early = 0;
	loaded_init();	/* if it fails, modules that are loaded later are not noted */
	dl_iterate_phdr(note_loaded, t);
}

static uint32_t known_count(const struct table *t)
{
	return layout_count(t->head, TABLE_MODULES);
}

static bool holds(const struct module *m, uint64_t pc)
{
	return pc < load_acquire(&m->end) && pc >= m->start;
}

/* The newest entry that holds pc and is not marked as gone. */
static const struct module *newest(const struct table *t, uint64_t pc)
{
	for (uint32_t i = known_count(t); i-- > 0; ) {
		if (holds(&t->modules[i], pc) && !load_relaxed(&t->modules[i].gone))
			return &t->modules[i];
	}
	return NULL;
}

void modules_rename(struct table *t, uint64_t address, const char *path)
{
	struct module *m = (struct module *)(uintptr_t)newest(t, address);
	uint32_t at = m ? add_text(t, path) : 0;

	if (at)
		m->path = at;
}

static void mark_gone(struct table *t, struct module *m)
{
	store_release(&t->local->modules_have_gone, 1);
	store_relaxed(&m->gone, 1);
}

/* Marks the modules as gone that overlap with a new one, unless the new module lies in a gap between the other's
 * segments. */
static void mark_overlapped(struct table *t, const struct module *m)
{
	for (uint32_t i = known_count(t); i-- > 0; ) {
		struct module *other = &t->modules[i];
		struct loaded_module found;

		if (other == m || load_relaxed(&other->gone) || other->start >= m->end ||
		    m->start >= load_acquire(&other->end))
			continue;
		if (other->start != m->start && loaded_find((uintptr_t)other->start, &found) == LOADED_FOUND &&
		    found.bias == other->bias)
			continue;
		mark_gone(t, other);
	}
}

/*
 * Whether both are the same file at the same place. The build ids are compared if the notes of m were read (they cannot
 * be found from one segment of a module with gaps), or else the file names, without their directories, which may differ
 * by links. The loader's name for the program is "", which matches any name.
 */
static bool same_module(const struct table *t, const struct module *known, const struct module *m,
			const char *name, bool notes_read)
{
	if (known->start > m->start || known->end < m->end || known->bias != m->bias)
		return false;
	if (notes_read && (known->build_id_bytes != m->build_id_bytes ||
			   memcmp(known->build_id, m->build_id, sizeof(m->build_id))))
		return false;
	/* Who has brought a module may have renamed it. */
	if (notes_read && m->build_id_bytes == MODULE_BUILD_ID_BYTES)
		return true;
	return !name[0] || !strcmp(path_name(name), path_name(modules_path(t, known)));
}

/* Fills in *m. False when the program headers, and so the build id, cannot be found from what the loader knows. */
static bool describe(const struct loaded_module *found, struct module *m)
{
	unsigned count;
	const ElfW(Phdr) *ph = headers_at(found->start, &count);

	*m = (struct module){ .start = found->start, .end = found->end, .bias = found->bias };
	if (!ph)
		return false;
	read_notes(m, ph, count);
	return true;
}

/* The old entry of a module that has come back to its old place, which is no longer marked as gone; NULL: none. */
static struct module *revive(struct table *t, const struct module *m, const char *name, bool notes_read)
{
	for (uint32_t i = known_count(t); i-- > 0; ) {
		struct module *old = &t->modules[i];

		if (load_relaxed(&old->gone) && load_acquire(&old->end) &&
		    same_module(t, old, m, name, notes_read)) {
			store_relaxed(&old->gone, 0);
			return old;
		}
	}
	return NULL;
}

static uint32_t *module_hint(const struct table *t, const struct loaded_module *found)
{
	return &t->local->module_hints[(found->start >> 12 ^ found->start >> 20) % TABLE_MODULE_HINTS];
}

/* Whether a noted module is still the one that the loader has there: the same build id is at the same place. */
static bool is_still(const struct module *known, const struct loaded_module *found)
{
	return known->build_id_at && known->build_id_bytes == MODULE_BUILD_ID_BYTES && !load_relaxed(&known->gone) &&
	       known->start == found->start && load_acquire(&known->end) >= found->end && known->bias == found->bias &&
	       !memcmp((const char *)found->start + known->build_id_at, known->build_id, MODULE_BUILD_ID_BYTES);
}

/* Returns its number plus 1. The module cannot go away meanwhile: its code is on the stack. */
static uint32_t note(struct table *t, uint64_t pc, const struct loaded_module *found)
{
	uint32_t *hint = module_hint(t, found), number = load_relaxed(hint);
	const struct module *known;
	struct module m;
	bool notes_read;

	if (likely(number && number <= load_relaxed(&t->head->module_count) && is_still(&t->modules[number - 1], found)))
		return number;
	notes_read = describe(found, &m);
	known = newest(t, m.start);
	if (!known || !same_module(t, known, &m, found->name, notes_read)) {
		known = revive(t, &m, found->name, notes_read);
		if (!known)
			known = add_module(t, &m, is_relative(found->name) ? loaded_path((uintptr_t)pc, found) : found->name);
		if (!known)
			return CODE_NO_MODULE;
		mark_overlapped(t, known);
		add_relaxed(&t->head->module_changes, 1);
	}
	number = (uint32_t)(known - t->modules) + 1;
	store_relaxed(hint, number);
	return number;
}

uint32_t modules_note(struct table *t, uint64_t pc)
{
	struct loaded_module found;
	uint32_t number = CODE_NO_MODULE;
	int saved = errno;

	if (load_relaxed(&t->head->early))
		return CODE_EARLY;	/* modules_init() then notes all there is */
	if (loaded_find((uintptr_t)pc, &found) == LOADED_FOUND && found.name)
		number = note(t, pc, &found);
	errno = saved;
	return number;
}

/* Modules that have gone are marked when the last thread that unloads modules is through. Until then other modules may
 * lie at their addresses already. */
bool modules_settled(const struct table *t)
{
	return !load_acquire(&t->local->unloading);
}

bool modules_verify(const struct table *t, uint32_t number, uint64_t pc)
{
	struct loaded_module found;
	struct module m;
	int saved = errno;
	bool same = false;

	if (loaded_find((uintptr_t)pc, &found) == LOADED_FOUND && found.name) {
		bool notes_read = describe(&found, &m);

		same = same_module(t, &t->modules[number - 1], &m, found.name, notes_read);
	}
	errno = saved;
	return same;
}

void modules_unloading(struct table *t)
{
	store_release(&t->local->modules_have_gone, 1);
	add_relaxed(&t->local->unloading, 1);
}

static void mark_unloaded(struct table *t)
{
	for (uint32_t i = known_count(t); i-- > 0; ) {
		struct module *m = &t->modules[i];
		struct loaded_module found;
		enum loaded_status status;

		if (!load_acquire(&m->end) || load_relaxed(&m->gone))
			continue;
		status = loaded_find((uintptr_t)m->start, &found);
		if (status == LOADED_NONE || (status == LOADED_FOUND && found.bias != m->bias))
			mark_gone(t, m);
	}
}

void modules_unloaded(struct table *t)
{
	uint32_t n = load_acquire(&t->local->unloading);
	int saved = errno;

	do {
		if (n <= 1)	/* else another thread unloads, and the last one looks */
			mark_unloaded(t);
		/* 0: a destructor has forked inside dlclose(), and this is the child. */
	} while (n && !cas_acq_rel(&t->local->unloading, &n, n - 1));
	errno = saved;
}

void modules_forked(struct table *t)
{
	store_relaxed(&t->local->unloading, 0);
}

const struct module *modules_of_code(const struct table *t, uint32_t code)
{
	uint32_t number = (uint32_t)(t->codes[code] >> CODE_PC_BITS);

	if (number == CODE_EARLY) {
		/* The oldest entry that holds the address: that module was there from the start. */
		for (uint32_t i = 0; i < known_count(t); i++) {
			if (holds(&t->modules[i], table_code_pc(t, code)))
				return &t->modules[i];
		}
		return NULL;
	}
	if (number == CODE_SPECIAL)
		return NULL;
	return number && number <= known_count(t) ? &t->modules[number - 1] : NULL;
}
