/* SPDX-License-Identifier: GPL-2.0-only */
/* See names.h. */
#include "names.h"

#include "base/out.h"
#include "base/sort.h"
#include "demangle/demangle.h"
#include "symbol/perfmap.h"
#include "table/special.h"

#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

#define READABLE_BYTES	((size_t)64 << 10)	/* a longer name stays mangled */
#define SLOTS_FIRST	1024u	/* a power of two */

/* The directories of --debug-dir as one text, joined by colons. NULL: there are none. */
static char *join_dirs(const struct options *o, struct arena *arena)
{
	size_t bytes = 0;
	char *text, *at;

	for (int i = 0; i < o->debug_dir_count; i++)
		bytes += strlen(o->debug_dirs[i]) + 1;
	text = bytes ? arena_alloc(arena, bytes) : NULL;
	if (!text)
		return NULL;
	at = text;
	for (int i = 0; i < o->debug_dir_count; i++) {
		size_t len = strlen(o->debug_dirs[i]);

		memcpy(at, o->debug_dirs[i], len);
		at += len;
		*at++ = ':';
	}
	at[-1] = '\0';
	return text;
}

bool names_init(struct names *n, const struct model_request *q, struct arena *arena)
{
	*n = (struct names){
		.table = q->table, .options = q->options, .pid = q->process.pid, .foreign = q->foreign,
		.runs_as = q->runs_as, .arena = arena, .store = q->store, .slot_count = SLOTS_FIRST,
		.debug_dirs = join_dirs(q->options, arena),
	};
	n->slots = arena_alloc(arena, n->slot_count * sizeof(*n->slots));
	n->room = n->slot_count / 2;
	n->list = arena_alloc(arena, n->room * sizeof(*n->list));
	n->codes = arena_alloc(arena, TABLE_FRAMES_MAX * sizeof(*n->codes));
	return n->slots && n->list && n->codes;
}

/* The slot of a key, or the free slot where it belongs. */
static uint32_t *slot_for(const struct names *n, uint32_t key)
{
	uint32_t i = key * 0x9e3779b1u >> 8;

	for (;; i++) {
		uint32_t *slot = &n->slots[i & (n->slot_count - 1)];

		if (!*slot || n->list[*slot - 1].key == key)
			return slot;
	}
}

static bool grow(struct names *n)
{
	struct names bigger = *n;

	bigger.slot_count *= 2;
	bigger.room *= 2;
	bigger.slots = arena_alloc(n->arena, bigger.slot_count * sizeof(*bigger.slots));
	bigger.list = arena_alloc(n->arena, bigger.room * sizeof(*bigger.list));
	if (!bigger.slots || !bigger.list)
		return false;
	memcpy(bigger.list, n->list, n->used * sizeof(*n->list));
	for (size_t i = 0; i < n->slot_count; i++) {
		if (n->slots[i])
			*slot_for(&bigger, n->list[n->slots[i] - 1].key) = n->slots[i];
	}
	*n = bigger;
	return true;
}

/* Whether frame i was interrupted by a signal, so that its address is the interrupted instruction itself and no return
 * address. The frame inward of it is then the signal trampoline. */
static bool is_exact(const struct names *n, const uint32_t *codes, unsigned i)
{
	return i && table_is_signal_return(n->table, codes[i - 1]);
}

static uint32_t key_of(const struct names *n, const uint32_t *codes, unsigned i)
{
	return codes[i] << 1 | is_exact(n, codes, i);
}

/* Names the signal trampoline, the frame between a signal handler and the interrupted code, as debuggers do: the name
 * of its function, which is libc's or the kernel's, says nothing to users. */
static void name_signal_return(struct name *s)
{
	s->function = "<signal handler called>";
	s->offset = FRAME_NO_OFFSET;
	s->resolved = true;
}

/* Names what is no address: a pool, or mapped pages. The text of the name is printed as it is. */
static void name_special(const struct names *n, struct name *s)
{
	const char *name = special_name_of(n->table, s->pc);
	char text[SPECIAL_NAME_BYTES + 8];
	struct out out = out_memory(text, sizeof(text));

	if (special_kind(s->pc) == SPECIAL_POOL) {
		out_text(&out, "pool \"");
		out_text(&out, name);
		out_text(&out, "\"");
		out_string(&out);
		name = arena_copy(n->arena, text, strlen(text));
	}
	s->function = name ? name : "pool";
	s->offset = FRAME_NO_OFFSET;
	s->resolved = true;
}

/* Adds frame i of a row. */
static struct name *add_frame(struct names *n, const uint32_t *codes, unsigned i)
{
	struct name *s = &n->list[n->used++];

	s->key = key_of(n, codes, i);
	s->exact = is_exact(n, codes, i);
	s->pc = table_code_pc(n->table, codes[i]);
	s->module = modules_of_code(n->table, codes[i]);
	if (table_is_signal_return(n->table, codes[i]))
		name_signal_return(s);
	else if (n->table->codes[codes[i]] >> CODE_PC_BITS == CODE_SPECIAL)
		name_special(n, s);
	s->lines = s->resolved;		/* such a name has no lines to look up */
	return s;
}

static bool add_row(struct names *n, uint32_t row, bool lines)
{
	uint32_t *codes = n->codes;
	unsigned count = table_frames(n->table, row, codes);

	for (unsigned i = 0; i < count; i++) {
		uint32_t *slot;
		struct name *s;

		if (n->used >= n->room && !grow(n))
			return false;
		slot = slot_for(n, key_of(n, codes, i));
		s = *slot ? &n->list[*slot - 1] : add_frame(n, codes, i);
		*slot = (uint32_t)(s - n->list) + 1;
		s->entry |= !i;		/* frame 0 is malloc() itself: record.c puts its first byte there */
		if (lines && !s->lines) {
			s->lines = true;
			s->resolved = false;
		}
	}
	return true;
}

bool names_add_row(struct names *n, uint32_t row)
{
	return add_row(n, row, true);
}

bool names_add_functions(struct names *n, uint32_t row)
{
	return add_row(n, row, false);
}

/* The address to look up, as the module's file counts it. For a return address that is the byte before, which
 * belongs to the call. Code in no module has no file, so there it is the address in the process. */
static uint64_t file_address(const struct name *name)
{
	return name->pc - (name->module ? name->module->bias : 0) - !name->exact;
}

static char *work_space(struct names *n)
{
	if (!n->work)
		n->work = arena_alloc(n->arena, DEMANGLE_WORK_BYTES + READABLE_BYTES);
	return n->work;
}

/* A C++ or Rust name demangled; any other name as it is. */
static const char *readable(struct names *n, const char *name)
{
	size_t len = 0;

	if (!n->options->no_demangle && work_space(n))
		len = demangle(name, n->work, n->work + DEMANGLE_WORK_BYTES, READABLE_BYTES);
	if (len) {
		const char *copy = arena_copy(n->arena, n->work + DEMANGLE_WORK_BYTES, len);

		if (copy)
			return copy;
	}
	return name;
}

/* Copies the calls, with demangled names. Without memory the name has no lines. */
static void take_calls(struct names *n, struct name *name, const struct symbol *s)
{
	struct symbol_call *calls;

	if (!s->call_count)
		return;
	calls = arena_alloc(n->arena, s->call_count * sizeof(*calls));
	if (!calls)
		return;
	memcpy(calls, s->calls, s->call_count * sizeof(*calls));
	for (uint32_t i = 0; i < s->call_count; i++) {
		bool last = i == s->call_count - 1;

		/* The last call's function is the symbol itself, if that has a name. */
		if (calls[i].function && !(last && name->function))
			calls[i].function = readable(n, calls[i].function);
	}
	name->calls = calls;
	name->call_count = s->call_count;
}

/* Copies the symbol that was found into the name. before: the name of the next lower address in the same file, or
 * NULL. It often has the same function and calls, which are then shared with it. */
static void take_symbol(struct names *n, struct name *name, const struct symbol *s,
			const struct name *before, const struct symbol *s_before)
{
	if (s->name) {
		name->function = before && s_before->name == s->name ? before->function
								     : readable(n, s->name);
		name->offset = s->addr + !name->exact - s->start;
	}
	if (name->entry)
		return;
	if (before && s->calls && s_before->calls == s->calls && before->call_count == s->call_count) {
		name->calls = before->calls;
		name->call_count = before->call_count;
	} else {
		take_calls(n, name, s);
	}
	if (!name->function && name->call_count) {
		name->function = name->calls[name->call_count - 1].function;
		name->offset = FRAME_NO_OFFSET;
	}
}

/* Names code in no module, from /tmp/perf-PID.map, where programs name the code that they compile at run time. */
static void resolve_compiled(struct names *n, struct symbol *symbols, size_t count)
{
	char path[64];
	struct out out;

	out = out_memory(path, sizeof(path));
	out_text(&out, "/tmp/perf-");
	out_u64(&out, n->pid);
	out_text(&out, ".map");
	perfmap_resolve(out_string(&out), symbols, count, n->arena);
}

/* The path of a module's file. It is below --sysroot if that is given and the module is another process's. */
static const char *file_path(struct names *n, const struct module *m)
{
	const char *path = modules_path(n->table, m), *root = n->options->sysroot;
	size_t root_bytes = root ? strlen(root) : 0, bytes = strlen(path) + 1;
	char *joined;

	if (!n->foreign || !root || path[0] != '/')
		return path;
	joined = arena_alloc(n->arena, root_bytes + bytes);
	if (!joined)
		return path;
	memcpy(joined, root, root_bytes);
	memcpy(joined + root_bytes, path, bytes);
	return joined;
}

/* The directory in /proc of another process that runs. NULL: the table is this process's, or the other has ended. */
static const char *process_directory(struct names *n)
{
	struct out out;

	if (!n->foreign || !n->runs_as)
		return NULL;
	out = out_memory(n->proc, sizeof(n->proc));
	out_text(&out, "/proc/");
	out_u64(&out, n->runs_as);
	return out_string(&out);
}

/* Whether a module of this process is never unloaded: the program, the loader, libc, or heaptrace itself. */
static bool stays(const struct module *m)
{
	const uint64_t inside[] = {
		getauxval(AT_ENTRY), getauxval(AT_BASE), (uintptr_t)&getauxval, (uintptr_t)&stays,
	};
	bool found = false;

	for (unsigned i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		found |= inside[i] >= m->start && inside[i] < m->end;
	return found;
}

/* Whether the error means that this file is not the one that ran, or that nobody knows. */
static bool is_other(int error)
{
	return error == SYMBOL_GONE || error == SYMBOL_REPLACED || error == SYMBOL_NO_FILE;
}

/*
 * Looks up the symbols in file->path, which may be below --sysroot. Where the file is not there, its path without
 * --sysroot is tried: a process that has called chroot() has files of both kinds. That second file is used only
 * where its build id proves that it is the module's.
 */
static int resolve_below(struct names *n, const struct module *m, struct symbol_file *file,
			 struct symbol *symbols, size_t count)
{
	const char *path = modules_path(n->table, m);
	int error = symbol_resolve(file, symbols, count, n->arena), other;

	if (!is_other(error) || file->path == path || !m->build_id_bytes)
		return error;
	file->path = path;
	other = symbol_resolve(file, symbols, count, n->arena);
	return is_other(other) ? error : other;
}

static struct names_file *resolve_file(struct names *n, const struct module *m, bool lines,
				       struct symbol *symbols, size_t count)
{
	const char *proc = process_directory(n);
	bool mapped = (!n->foreign || proc) && !load_relaxed(&m->gone);
	struct symbol_file file = {
		.path = file_path(n, m),
		.build_id = m->build_id, .build_id_bytes = m->build_id_bytes,
		.end = m->end - m->bias,
		.mapped_at = mapped ? m->start : 0, .proc = proc,
		.stays = mapped && !proc && stays(m), .outside = n->foreign,
		.debug_dirs = n->debug_dirs, .lines = lines, .spares = &n->spares,
	};
	struct names_file *result = arena_alloc(n->arena, sizeof(*result));

	if (!result)
		return NULL;
	result->module = m;
	result->error = resolve_below(n, m, &file, symbols, count);
	result->unread = file.unread;
	result->why = file.why;
	result->next = n->files;
	n->files = result;
	return result;
}

/* Takes the names of one module, as resolve_files() does, from the store. False: it does not have them. */
static bool resolve_stored(struct names *n, const struct module *m, bool lines, struct symbol *symbols, size_t count,
			   struct names_file **file)
{
	struct names_file *result = NULL;

	if (!n->store || !n->store->find)
		return false;
	if (m) {
		result = arena_alloc(n->arena, sizeof(*result));
		if (!result)
			return false;
		result->module = m;
	}
	if (!n->store->find(n->store, m, result, symbols, count))
		return false;
	for (size_t i = 0; i < count && !lines; i++)
		symbols[i].call_count = 0;
	if (m) {
		result->next = n->files;
		n->files = result;
		*file = result;
	}
	return true;
}

/* Looks up the names of one module in its file. Returns what came of that; NULL: it is code in no module, or there is
 * no memory. */
static struct names_file *resolve_files(struct names *n, const struct module *m, bool lines,
					struct symbol *symbols, size_t count)
{
	struct names_file *result = NULL;

	if (!m)
		resolve_compiled(n, symbols, count);
	else
		result = resolve_file(n, m, lines, symbols, count);
	if (n->store && n->store->note && !m == !result)
		n->store->note(n->store, m, result, symbols, count);
	return result;
}

/* Resolves the names of one module (NULL: of code in no module) in one pass. entries: indexes of slots, sorted by
 * address. */
static void resolve_module(struct names *n, const struct module *m,
			   const struct sort_entry *entries, size_t count)
{
	struct symbol *symbols = arena_alloc(n->arena, count * sizeof(*symbols));
	struct names_file *result = NULL;
	bool lines = false;

	if (!symbols)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct name *name = &n->list[entries[i].index];

		symbols[i].addr = file_address(name);
		symbols[i].no_lines = !n->store && (name->entry || !name->lines);
		lines |= !symbols[i].no_lines && !n->options->no_lines;
	}
	if (!resolve_stored(n, m, lines, symbols, count, &result))
		result = resolve_files(n, m, lines, symbols, count);
	for (size_t i = 0; i < count; i++) {
		struct name *name = &n->list[entries[i].index];

		name->file = result;
		take_symbol(n, name, &symbols[i], i ? &n->list[entries[i - 1].index] : NULL,
			    i ? &symbols[i - 1] : NULL);
	}
}

void names_resolve(struct names *n)
{
	struct sort_entry *entries = NULL;

	for (;;) {
		const struct module *m = NULL;	/* of the first name that is not yet resolved */
		size_t count = 0;

		for (size_t i = 0; i < n->slot_count; i++) {
			struct name *s = n->slots[i] ? &n->list[n->slots[i] - 1] : NULL;

			if (!s || s->resolved || (count && s->module != m))
				continue;
			if (!entries)
				entries = arena_alloc(n->arena, n->used * sizeof(*entries));
			if (!entries)
				return;
			s->resolved = true;
			m = s->module;
			/* Sorted largest first: the smallest address has the largest key. */
			entries[count++] = (struct sort_entry){ ~file_address(s), n->slots[i] - 1 };
		}
		if (!count)
			break;
		sort_largest(entries, count, count);
		resolve_module(n, m, entries, count);
	}
	arena_spares_release(&n->spares);
}

struct name *names_find(const struct names *n, const uint32_t *codes, unsigned i)
{
	uint32_t place = *slot_for(n, key_of(n, codes, i));

	return place ? &n->list[place - 1] : NULL;
}

struct frame names_frame(const struct names *n, uint64_t pc, const struct name *name)
{
	struct frame f = { .pc = pc, .call_count = name && name->call_count ? name->call_count : 1, .name = name };

	if (name && name->module) {
		const char *path = modules_path(n->table, name->module);

		f.module = path[0] ? path : "?";
		f.module_offset = pc - name->module->bias;
	}
	return f;
}

struct frame_call frame_call(const struct frame *f, unsigned i)
{
	const struct name *name = f->name;
	const struct symbol_call *call = name && name->call_count ? &name->calls[i] : NULL;
	struct frame_call c = { .offset = FRAME_NO_OFFSET, .inlined = i + 1 < f->call_count };

	if (c.inlined) {
		c.function = call->function;
	} else if (name && name->function) {
		c.function = name->function;
		c.offset = name->offset;
	}
	if (call) {
		c.file = call->file;
		c.line = call->line;
	}
	return c;
}
