/* SPDX-License-Identifier: GPL-2.0-only */
/* See names.h. */
#include "names.h"

#include "base/hash.h"
#include "base/search.h"

#include <stdlib.h>
#include <string.h>

struct names_head {
	uint64_t text_bytes;
	uint32_t modules, symbols, calls, unused;
};

struct stored_module {
	uint32_t number;		/* of the module in the table, plus 1; 0: code in no module */
	int32_t error;			/* these three as in struct names_file */
	uint32_t unread;
	int32_t why;
	uint32_t first, count;		/* its symbols, in ascending order of their addresses */
};

struct stored_symbol {
	uint64_t addr, start;		/* as in struct symbol */
	uint32_t name;			/* places in the text here and below */
	uint32_t calls, call_count;
	uint32_t unused;
};

struct stored_call {
	uint32_t function, file, line;
};

#define CALLS_MOST	257u	/* of one address: as many as symbol/ finds (DWARF_DEPTH_MAX), and the function itself */

/* ---- Looking up all names ---- */

struct array {
	char *start;
	size_t bytes, room;
};

struct pack_collector {
	struct names_store store;
	struct names_store *older;	/* the record comes with names already: these are kept; NULL: it does not */
	const struct table *table;
	struct names_head head;
	struct array modules, symbols, calls, text;
	uint32_t *places;		/* of the text's strings by their hashes; 0: free */
	size_t place_count, used;	/* place_count is a power of two, and at most half are used */
	bool failed;			/* there was no memory */
};

/* Makes room at the end of an array. NULL: there is no memory, or the text gets too long for its places. */
static void *extend(struct pack_collector *c, struct array *a, size_t bytes)
{
	if (!c->failed && a->room - a->bytes < bytes) {
		size_t room = 2 * a->room + bytes + 4096;
		char *start = room < UINT32_MAX ? realloc(a->start, room) : NULL;

		if (start) {
			a->start = start;
			a->room = room;
		}
		c->failed = !start;
	}
	if (c->failed)
		return NULL;
	a->bytes += bytes;
	return a->start + a->bytes - bytes;
}

/* The place of a text in the hash table: its own or a free one. */
static uint32_t *place_for(struct pack_collector *c, const char *text, size_t hash)
{
	for (size_t i = hash; ; i++) {
		uint32_t *place = &c->places[i & (c->place_count - 1)];

		if (!*place || !strcmp(c->text.start + *place, text))
			return place;
	}
}

static bool grow_places(struct pack_collector *c)
{
	struct pack_collector bigger = *c;

	bigger.place_count = c->place_count ? 2 * c->place_count : 4096;
	bigger.places = calloc(bigger.place_count, sizeof(*bigger.places));
	if (!bigger.places)
		return false;
	for (size_t i = 0; i < c->place_count; i++) {
		const char *text = c->text.start + c->places[i];

		if (c->places[i])
			*place_for(&bigger, text, (size_t)hash_text(text)) = c->places[i];
	}
	free(c->places);
	*c = bigger;
	return true;
}

/* The place of a text, which is added if it is new. */
static uint32_t keep_text(struct pack_collector *c, const char *text)
{
	uint32_t *place;
	size_t bytes;
	char *copy;

	if (!text)
		return 0;
	if (2 * c->used >= c->place_count && !grow_places(c)) {
		c->failed = true;
		return 0;
	}
	place = place_for(c, text, (size_t)hash_text(text));
	if (*place)
		return *place;
	bytes = strlen(text) + 1;
	copy = extend(c, &c->text, bytes);
	if (!copy)
		return 0;
	memcpy(copy, text, bytes);
	*place = (uint32_t)(copy - c->text.start);
	c->used++;
	return *place;
}

/* Keeps the calls of an address. Returns the number of the first. */
static uint32_t keep_calls(struct pack_collector *c, const struct symbol *s)
{
	uint32_t first = c->head.calls;

	for (uint32_t i = 0; i < s->call_count; i++) {
		struct stored_call call = {
			.function = keep_text(c, s->calls[i].function), .file = keep_text(c, s->calls[i].file),
			.line = s->calls[i].line,
		};
		void *to = extend(c, &c->calls, sizeof(call));

		if (!to)
			return 0;
		memcpy(to, &call, sizeof(call));
		c->head.calls++;
	}
	return first;
}

/* Keeps what is known of the addresses of a file: what has no name and no line needs no room. Addresses with the same
 * calls share them. */
static void note(struct names_store *store, const struct module *m, const struct names_file *file,
		 const struct symbol *symbols, size_t n)
{
	struct pack_collector *c = (struct pack_collector *)store;
	struct stored_module module = { .number = m ? (uint32_t)(m - c->table->modules) + 1 : 0, .first = c->head.symbols };
	const struct symbol *before = NULL;
	struct stored_symbol kept = { .addr = 0 };
	void *to;

	for (size_t i = 0; i < n; i++) {
		const struct symbol *s = &symbols[i];

		if (!s->name && !s->call_count)
			continue;
		if (!before || before->calls != s->calls || before->call_count != s->call_count)
			kept.calls = keep_calls(c, s);
		kept.call_count = s->call_count;
		kept.addr = s->addr;
		kept.start = s->name ? s->start : 0;
		kept.name = keep_text(c, s->name);
		before = s;
		to = extend(c, &c->symbols, sizeof(kept));
		if (!to)
			return;
		memcpy(to, &kept, sizeof(kept));
		c->head.symbols++;
	}
	module.count = c->head.symbols - module.first;
	if (file) {
		module.error = file->error;
		module.unread = file->unread;
		module.why = file->why;
	}
	to = extend(c, &c->modules, sizeof(module));
	if (to)
		memcpy(to, &module, sizeof(module));
	c->head.modules++;
}

static bool find_older(struct names_store *store, const struct module *m, struct names_file *file,
		       struct symbol *symbols, size_t n)
{
	struct names_store *older = ((struct pack_collector *)store)->older;

	if (!older->find(older, m, file, symbols, n))
		return false;
	note(store, m, file, symbols, n);
	return true;
}

static void list_arrays(struct pack_collector *c, struct pack_array arrays[PACK_NAMES_ARRAYS])
{
	c->head.text_bytes = c->text.bytes;
	arrays[0] = (struct pack_array){ &c->head, sizeof(c->head), 8 };
	arrays[1] = (struct pack_array){ c->symbols.start, c->symbols.bytes, sizeof(struct stored_symbol) };
	arrays[2] = (struct pack_array){ c->modules.start, c->modules.bytes, sizeof(struct stored_module) };
	arrays[3] = (struct pack_array){ c->calls.start, c->calls.bytes, sizeof(struct stored_call) };
	arrays[4] = (struct pack_array){ c->text.start, c->text.bytes, 1 };
}

struct pack_collector *pack_names_collect(const struct model_request *request,
					  struct pack_array arrays[PACK_NAMES_ARRAYS])
{
	struct pack_collector *c = calloc(1, sizeof(*c));
	struct model_request q = *request;
	struct options options = *request->options;
	struct arena arena = { .chunk = NULL };
	struct names names;
	char *nothing;

	if (!c)
		return NULL;
	c->store.note = note;
	c->older = request->store;
	if (c->older)
		c->store.find = find_older;
	c->table = request->table;
	options.no_demangle = true;	/* that is done when a report is made */
	q.options = &options;
	q.store = &c->store;
	nothing = extend(c, &c->text, 1);
	if (nothing)
		*nothing = '\0';	/* place 0 is no text */
	if (!names_init(&names, &q, &arena))
		c->failed = true;
	for (uint32_t row = ROW_FIRST; !c->failed && row < table_row_end(q.table); row++)
		c->failed = !names_add_row(&names, row);
	if (!c->failed)
		names_resolve(&names);
	arena_release(&arena);
	if (c->failed) {
		pack_names_free(c);
		return NULL;
	}
	list_arrays(c, arrays);
	return c;
}

void pack_names_free(struct pack_collector *c)
{
	if (!c)
		return;
	free(c->modules.start);
	free(c->symbols.start);
	free(c->calls.start);
	free(c->text.start);
	free(c->places);
	free(c);
}

/* ---- Names of a record that was unpacked ---- */

struct stored_names {
	struct names_store store;
	const struct table *table;
	struct names_head head;
	void *memory;
	const struct stored_module *modules;
	const struct stored_symbol *symbols;
	struct symbol_call *calls;
	const char *text;		/* its last byte is NUL */
};

/* The text at a place; NULL: there is none. */
static const char *text_at(const struct stored_names *s, uint32_t place)
{
	return place && place < s->head.text_bytes ? s->text + place : NULL;
}

/* The symbol of this address in a module; NULL: nothing is known. */
static const struct stored_symbol *find_symbol(const struct stored_names *s, const struct stored_module *m,
					       uint64_t addr)
{
	const struct stored_symbol *symbols = s->symbols + m->first;
	size_t at = search_first(m->count, i, symbols[i].addr < addr);

	return at < m->count && symbols[at].addr == addr ? &symbols[at] : NULL;
}

static bool find(struct names_store *store, const struct module *module, struct names_file *file,
		 struct symbol *symbols, size_t n)
{
	const struct stored_names *s = (const struct stored_names *)store;
	uint32_t number = module ? (uint32_t)(module - s->table->modules) + 1 : 0, i = 0;
	const struct stored_module *m;

	while (i < s->head.modules && s->modules[i].number != number)
		i++;
	if (i == s->head.modules)
		return false;
	m = &s->modules[i];
	if (file) {
		file->error = m->error;
		file->unread = m->unread;
		file->why = m->why;
	}
	for (size_t k = 0; k < n; k++) {
		const struct stored_symbol *found = find_symbol(s, m, symbols[k].addr);

		symbols[k] = (struct symbol){ .addr = symbols[k].addr };
		if (!found)
			continue;
		symbols[k].start = found->start;
		symbols[k].name = text_at(s, found->name);
		symbols[k].calls = found->call_count ? s->calls + found->calls : NULL;
		symbols[k].call_count = found->call_count;
	}
	return true;
}

/* Whether the arrays are as long as the head says, and there is a text. */
static bool is_sane(const struct stored_names *s, size_t bytes)
{
	const struct names_head *h = &s->head;
	uint64_t all = sizeof(*h) + (uint64_t)h->modules * sizeof(struct stored_module) +
		       (uint64_t)h->symbols * sizeof(struct stored_symbol) + (uint64_t)h->calls * sizeof(struct stored_call);

	return all < bytes && h->text_bytes == bytes - all;
}

/* Whether the numbers in the arrays are below those lengths. Places in the text are checked when they are used. */
static bool are_numbers_sane(const struct stored_names *s)
{
	const struct names_head *h = &s->head;

	for (uint32_t i = 0; i < h->modules; i++) {
		if (s->modules[i].first > h->symbols || s->modules[i].count > h->symbols - s->modules[i].first)
			return false;
	}
	for (uint32_t i = 0; i < h->symbols; i++) {
		const struct stored_symbol *symbol = &s->symbols[i];

		if (symbol->calls > h->calls || symbol->call_count > h->calls - symbol->calls ||
		    symbol->call_count > CALLS_MOST)
			return false;
	}
	return !s->text[h->text_bytes - 1];
}

static bool open_arrays(struct stored_names *s, size_t bytes)
{
	const char *at = s->memory;
	const struct stored_call *calls;

	if (bytes < sizeof(s->head))
		return false;
	memcpy(&s->head, at, sizeof(s->head));
	if (!is_sane(s, bytes))
		return false;
	at += sizeof(s->head);
	s->symbols = (const void *)at;
	at += s->head.symbols * sizeof(struct stored_symbol);
	s->modules = (const void *)at;
	at += s->head.modules * sizeof(struct stored_module);
	calls = (const void *)at;
	at += s->head.calls * sizeof(struct stored_call);
	s->text = at;
	if (!are_numbers_sane(s))
		return false;
	s->calls = malloc((s->head.calls + 1) * sizeof(*s->calls));
	for (uint32_t i = 0; s->calls && i < s->head.calls; i++)
		s->calls[i] = (struct symbol_call){
			text_at(s, calls[i].function), text_at(s, calls[i].file), calls[i].line
		};
	return s->calls != NULL;
}

struct names_store *pack_names_open(const struct table *table, void *names, size_t bytes)
{
	struct stored_names *s = calloc(1, sizeof(*s));

	if (s) {
		s->store.find = find;
		s->table = table;
		s->memory = names;
		if (open_arrays(s, bytes))
			return &s->store;
	} else {
		free(names);
	}
	pack_names_close(s ? &s->store : NULL);
	return NULL;
}

void pack_names_close(struct names_store *store)
{
	struct stored_names *s = (struct stored_names *)store;

	if (!s)
		return;
	free(s->memory);
	free(s->calls);
	free(s);
}
