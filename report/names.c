/* SPDX-License-Identifier: GPL-2.0-only */
/* See names.h. */
#include "names.h"

#include "base/sort.h"
#include "demangle/demangle.h"
#include "symbol/symbol.h"

#define READABLE_BYTES	((size_t)64 << 10)	/* what is longer stays mangled */
#define SLOTS_FIRST	1024u	/* a power of two */

bool names_init(struct names *n, const struct table *t, struct arena *arena)
{
	*n = (struct names){ .table = t, .arena = arena, .slot_count = SLOTS_FIRST };
	n->slots = arena_alloc(arena, n->slot_count * sizeof(*n->slots));
	n->codes = arena_alloc(arena, TABLE_FRAMES_MAX * sizeof(*n->codes));
	return n->slots && n->codes;
}

/* The slot of a code, or the free slot where it belongs. */
static struct name *slot_for(const struct names *n, uint32_t code)
{
	uint32_t i = code * 0x9e3779b1u >> 8;

	for (;; i++) {
		struct name *s = &n->slots[i & (n->slot_count - 1)];

		if (!s->code || s->code == code)
			return s;
	}
}

static bool grow(struct names *n)
{
	struct names bigger = *n;

	bigger.slot_count *= 2;
	bigger.slots = arena_alloc(n->arena, bigger.slot_count * sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < n->slot_count; i++) {
		if (n->slots[i].code)
			*slot_for(&bigger, n->slots[i].code) = n->slots[i];
	}
	*n = bigger;
	return true;
}

bool names_add_row(struct names *n, uint32_t row)
{
	uint32_t *codes = n->codes;
	unsigned count = table_frames(n->table, row, codes);

	for (unsigned i = 0; i < count; i++) {
		struct name *s;

		if (2 * n->used >= n->slot_count && !grow(n))
			return false;
		s = slot_for(n, codes[i]);
		if (s->code)
			continue;
		s->code = codes[i];
		s->pc = table_code_pc(n->table, codes[i]);
		s->module = modules_of_code(n->table, codes[i]);
		n->used++;
	}
	return true;
}

/* What a file is asked for: the address in its own terms, of the call, not of the return. */
static uint64_t file_address(const struct name *name)
{
	return name->pc - name->module->bias - 1;
}

/* C++ and Rust names as people write them; any other name as it is. */
static const char *readable(struct names *n, const char *name)
{
	size_t len = 0;

	if (!n->work)
		n->work = arena_alloc(n->arena, DEMANGLE_WORK_BYTES + READABLE_BYTES);
	if (n->work)
		len = demangle(name, n->work, n->work + DEMANGLE_WORK_BYTES, READABLE_BYTES);
	if (len) {
		const char *copy = arena_copy(n->arena, n->work + DEMANGLE_WORK_BYTES, len);

		if (copy)
			return copy;
	}
	return name;
}

/* The names of one module in one pass; entries: sorted by address, indexes of slots. */
static void resolve_module(struct names *n, const struct module *m,
			   const struct sort_entry *entries, size_t count)
{
	struct symbol_file file = {
		.path = modules_path(n->table, m),
		.build_id = m->build_id, .build_id_bytes = m->build_id_bytes,
	};
	struct symbol *symbols = arena_alloc(n->arena, count * sizeof(*symbols));

	if (!symbols)
		return;
	for (size_t i = 0; i < count; i++)
		symbols[i].addr = file_address(&n->slots[entries[i].index]);
	symbol_resolve(&file, symbols, count, n->arena);
	for (size_t i = 0; i < count; i++) {
		struct name *name = &n->slots[entries[i].index];

		if (i && symbols[i].name && symbols[i].name == symbols[i - 1].name)
			name->function = n->slots[entries[i - 1].index].function;
		else if (symbols[i].name)
			name->function = readable(n, symbols[i].name);
		name->offset = symbols[i].addr + 1 - symbols[i].start;
	}
}

void names_resolve(struct names *n)
{
	const struct table *t = n->table;
	struct sort_entry *entries = arena_alloc(n->arena, (n->used + 1) * sizeof(*entries));

	if (!entries)
		return;
	for (;;) {
		const struct module *m = NULL;
		size_t count = 0;

		for (size_t i = 0; i < n->slot_count; i++) {
			struct name *s = &n->slots[i];

			if (!s->code || s->resolved || (m && s->module != m))
				continue;
			s->resolved = true;
			if (!s->module)
				continue;
			m = s->module;
			/* Sorted largest first: the smallest address has the largest key. */
			entries[count++] = (struct sort_entry){ ~file_address(s), (uint32_t)i };
		}
		if (!m)
			return;
		sort_largest(entries, count, count);
		if (modules_path(t, m)[0])
			resolve_module(n, m, entries, count);
	}
}

struct name *names_find(const struct names *n, uint32_t code)
{
	struct name *s = slot_for(n, code);

	return s->code ? s : NULL;
}

void names_print(const struct names *n, const struct name *name, struct out *out)
{
	if (!name || !name->module) {
		out_char(out, '?');
	} else if (name->function) {
		out_name(out, name->function);
		out_text(out, " +");
		out_hex(out, name->offset);
	} else {
		out_name(out, modules_path(n->table, name->module));
		out_text(out, " (+");
		out_hex(out, name->pc - name->module->bias);
		out_char(out, ')');
	}
}
