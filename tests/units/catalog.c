/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit tests of analysis/catalog.c, and of documents that are written when memory is short, speaking TAP. The
 * argument is a file of --record, of a program with many stacks. symbol/ is played by functions below, so that there are
 * inlined calls, unknown names and so on among these stacks; tests/units.t builds and runs it.
 *
 *	catalog RECORD
 */
#include "analysis/catalog.h"
#include "analysis/names.h"
#include "analysis/rules.h"
#include "analysis/selection.h"
#include "format/format.h"
#include "symbol/perfmap.h"
#include "symbol/symbol.h"
#include "table/load.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int tests, failures;

static bool ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
	return good;
}

/* ---- symbol/ ---- */

static const char *const functions[] = { "alpha", "beta", "_ZN5gamma5deltaEv", "eps,\"ilon\"", "=zeta", "eta\n" };
static const char *const files[] = { "src/a.c", "src/b \"c\".c", NULL };

/* Everything about an address follows from its bits. */
int symbol_resolve(struct symbol_file *file, struct symbol *syms, size_t n, struct arena *arena)
{
	(void)file;
	for (size_t i = 0; i < n; i++) {
		uint64_t bits = syms[i].addr >> 3;
		struct symbol_call *calls = arena_alloc(arena, 4 * sizeof(*calls));

		syms[i].start = syms[i].addr & ~UINT64_C(0xff);
		syms[i].name = bits % 11 ? functions[bits % 6] : NULL;
		if (bits % 5 == 0 || !calls)
			continue;
		syms[i].call_count = (uint32_t)(1 + bits % 4);
		for (uint32_t call = 0; call < syms[i].call_count; call++) {
			calls[call].function = (bits + call) % 7 ? functions[(bits + call) % 6] : NULL;
			calls[call].file = files[(bits + call) % 3];
			calls[call].line = (uint32_t)(bits + call) % 4;
		}
		syms[i].calls = calls;
	}
	return SYMBOL_OK;
}

int perfmap_resolve(const char *path, struct symbol *syms, size_t n, struct arena *arena)
{
	(void)path; (void)syms; (void)n; (void)arena;
	return SYMBOL_OK;
}

const char *symbol_error_text(int error)
{
	(void)error;
	return "cannot be read";
}

/* ---- Memory that becomes short ---- */

static unsigned long allocations, allowed = -1ul;

void *__real_arena_alloc(struct arena *a, size_t size_bytes);
void *__real_arena_alloc_plenty(struct arena *a, size_t size_bytes);
void *__wrap_arena_alloc(struct arena *a, size_t size_bytes);
void *__wrap_arena_alloc_plenty(struct arena *a, size_t size_bytes);

void *__wrap_arena_alloc(struct arena *a, size_t size_bytes)
{
	return ++allocations > allowed ? NULL : __real_arena_alloc(a, size_bytes);
}

void *__wrap_arena_alloc_plenty(struct arena *a, size_t size_bytes)
{
	return ++allocations > allowed ? NULL : __real_arena_alloc_plenty(a, size_bytes);
}

/* ---- The catalog ---- */

static bool same_text(const struct catalog *c, uint32_t number, const char *text)
{
	return text ? number && !strcmp(c->texts[number], text) : number == CATALOG_NO_TEXT;
}

static bool same_place(const struct catalog *c, const struct catalog_address *a, unsigned i, const struct frame *f)
{
	const struct catalog_place *p = &c->places[a->first_place + i];
	struct frame_call call = frame_call(f, i);

	return same_text(c, c->functions[p->function].name, call.function) && c->functions[p->function].module == a->module &&
	       same_text(c, p->file, call.file) && p->line == call.line && p->offset == call.offset && p->inlined == call.inlined;
}

static bool same_frame(const struct catalog *c, const struct catalog_address *a, const struct frame *f)
{
	const struct module *m = f->name ? f->name->module : NULL;
	const struct catalog_module *module = &c->modules[a->module];

	if (a->pc != f->pc || a->module_offset != f->module_offset || !same_text(c, module->path, f->module) ||
	    !f->module != (a->module == CATALOG_NO_MODULE) || a->place_count != f->call_count ||
	    a->instruction != f->pc - !(f->name && f->name->exact))
		return false;
	if (m && (module->start != m->start || module->end != m->end || module->bias != m->bias ||
		  module->build_id_bytes != m->build_id_bytes || memcmp(module->build_id, m->build_id, m->build_id_bytes)))
		return false;
	for (unsigned i = 0; i < a->place_count; i++) {
		if (!same_place(c, a, i, f))
			return false;
	}
	return true;
}

/* Compares each row's stack with what the model says of it. *frames: how many there are. */
static bool same_rows(const struct model *m, const struct catalog *c, unsigned long *frames)
{
	static struct model_stack stack;

	*frames = 0;
	for (uint32_t n = 0; n < m->all.count; n++) {
		struct model_row row = model_row(m, &m->all, n);
		uint32_t node = c->rows[n];

		model_stack(m, &row, &stack);
		for (unsigned i = 0; i < stack.count; i++, node = c->nodes[node].outer) {
			struct frame f = model_frame(&stack, i);

			++*frames;
			if (!node || c->nodes[node].outer >= node || !same_frame(c, &c->addresses[c->nodes[node].address], &f)) {
				printf("# row %u, frame %u\n", n, i);
				return false;
			}
		}
		if (node)
			return false;
	}
	return true;
}

static int compare_texts(const void *a, const void *b)
{
	const char *x, *y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return strcmp(x, y);
}

static int compare_pairs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint64_t));
}

/* Whether no two of these pairs are the same. The array is sorted. */
static bool distinct(uint64_t *pairs, size_t n)
{
	qsort(pairs, n, sizeof(*pairs), compare_pairs);
	for (size_t i = 1; i < n; i++) {
		if (pairs[i] == pairs[i - 1])
			return false;
	}
	return true;
}

/* Whether each thing has one number only. */
static bool all_distinct(const struct catalog *c)
{
	const char **texts = malloc(c->text_count * sizeof(*texts));
	uint64_t *pairs = malloc((c->function_count + c->node_count) * sizeof(*pairs));
	bool good = true;

	memcpy(texts, c->texts, c->text_count * sizeof(*texts));
	qsort(texts, c->text_count, sizeof(*texts), compare_texts);
	for (uint32_t i = 1; i < c->text_count; i++)
		good &= strcmp(texts[i - 1], texts[i]) != 0;
	for (uint32_t i = 0; i < c->function_count; i++)
		pairs[i] = (uint64_t)c->functions[i].name << 32 | c->functions[i].module;
	good &= distinct(pairs, c->function_count);
	for (uint32_t i = 1; i < c->node_count; i++)
		pairs[i - 1] = (uint64_t)c->nodes[i].outer << 32 | c->nodes[i].address;
	good &= distinct(pairs, c->node_count - 1);
	free(texts);
	free(pairs);
	return good;
}

static void test_catalog(const struct model *m, struct arena *arena, bool hides)
{
	struct catalog *c = catalog_make(m, arena);
	unsigned long frames;

	if (!ok(c != NULL, "a catalog"))
		return;
	ok(same_rows(m, c, &frames), "the stacks of all rows are those of the model");
	ok(hides || (frames > 5 * m->all.count && c->node_count < frames), "which are many, and have parts in common");
	ok(all_distinct(c), "each text, function and stack has one number");
	ok(!c->texts[0][0] && !c->modules[0].path, "number 0 is what is not known");
	printf("# %u rows, %lu frames, %u nodes, %u addresses, %u places, %u functions, %u modules\n", m->all.count, frames,
	       c->node_count, c->address_count, c->place_count, c->function_count, c->module_count);
}

/* ---- Formats, where memory is short ---- */

static char text[64 << 20];

/* The sum of a column in rows of comma-separated values, the first of which names the columns; -1: a row has another
 * number of cells than the first one. */
static int64_t csv_sum(unsigned wanted)
{
	unsigned cells = 0, cell = 0;
	bool quoted = false, head = true;
	int64_t sum = 0;

	for (const char *at = text, *begun = text; *at; at++) {
		quoted ^= *at == '"';
		if (quoted || (*at != ',' && *at != '\n'))
			continue;
		if (!head && cell == wanted)
			sum += strtoll(begun, NULL, 10);
		begun = at + 1;
		cell++;
		if (*at == ',')
			continue;
		if (!head && cell != cells)
			return -1;
		cells = cell;
		cell = 0;
		head = false;
	}
	return quoted ? -1 : sum;
}

/* The weight of the first profile; -1: the brackets do not match. */
static int64_t speedscope_sum(void)
{
	static const char end[] = "\"endValue\":";
	const char *value = strstr(text, end);
	bool quoted = false;
	int depth = 0;

	for (const char *at = text; *at; at++) {
		if (quoted && *at == '\\')
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (!quoted)
			depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
	}
	return quoted || depth || !value ? -1 : strtoll(value + strlen(end), NULL, 10);
}

static uint64_t wire_number(const char **at, const char *end)
{
	uint64_t value = 0;

	for (unsigned shift = 0; *at < end; shift += 7) {
		unsigned char byte = (unsigned char)*(*at)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			break;
	}
	return value;
}

/* The sum of the last values of the samples in a message; -1: a field's length goes beyond the message. */
static int64_t pprof_sum(const char *at, const char *end, bool sample)
{
	int64_t sum = 0;

	while (at < end) {
		uint64_t field = wire_number(&at, end), length = field & 7 ? wire_number(&at, end) : 0;
		const char *next = at + length;

		if (!(field & 7)) {
			wire_number(&at, end);
			continue;
		}
		if ((field & 7) != 2 || length > (uint64_t)(end - at))
			return -1;
		if (!sample && field >> 3 == 2) {
			int64_t one = pprof_sum(at, next, true);

			if (one < 0)
				return -1;
			sum += one;
		}
		while (sample && field >> 3 == 2 && at < next)
			sum = (int64_t)wire_number(&at, next);
		at = next;
	}
	return sum;
}

/* Writes the model, and returns the sum of all live sizes in the document. */
static int64_t write_sum(const struct format *format, const struct model *m)
{
	struct out out = out_memory(text, sizeof(text));
	struct arena arena = { 0 };
	int64_t sum;

	allocations = 0;
	format->write(m, &arena, &out);
	sum = out.error ? (int64_t)m->totals.size :	/* then no document is put in its place */
	      out.lost ? -2 : format == &csv_format ? csv_sum(1) : format == &speedscope_format ? speedscope_sum() :
	      pprof_sum(text, text + out.len, false);
	arena_release(&arena);
	return sum;
}

/* Writes the model with less and less memory. */
static void test_format(const struct format *format, const struct model *m)
{
	int64_t sum = write_sum(format, m);
	unsigned long needed = allocations;

	if (!ok(sum == (int64_t)m->totals.size, format->name))
		printf("# %lld of %llu\n", (long long)sum, (unsigned long long)m->totals.size);
	for (allowed = needed; allowed-- > 0 && sum == (int64_t)m->totals.size; )
		sum = write_sum(format, m);
	if (!ok(sum == (int64_t)m->totals.size, "the same sum where memory is short"))
		printf("# after %lu of %lu allocations: %lld of %llu\n", allowed + 1, needed, (long long)sum,
		       (unsigned long long)m->totals.size);
	allowed = -1ul;
}

/* ---- Documents that are complete, however short memory is ---- */

/* Reads a value of JSON (RFC 8259). Returns where it ends, or NULL. */
static const char *read_json(const char *at, unsigned depth)
{
	char close = *at == '[' ? ']' : '}';
	bool object = *at == '{';

	if (depth > 40)
		return NULL;
	if (*at == '"') {
		for (at++; *at != '"'; at++) {
			if ((unsigned char)*at < 0x20 || (*at == '\\' && !*++at))
				return NULL;
		}
		return at + 1;
	}
	if (!strncmp(at, "null", 4) || !strncmp(at, "true", 4))
		return at + 4;
	if (!strncmp(at, "false", 5))
		return at + 5;
	if (*at != '[' && *at != '{') {
		size_t bytes = strspn(at, "-.0123456789");

		return bytes ? at + bytes : NULL;
	}
	for (at++; ; at++) {
		at += strspn(at, "\n");
		if (*at == close && (at[-1] == '[' || at[-1] == '{' || at[-1] == '\n'))
			return at + 1;
		if (object) {
			if (*at != '"' || !(at = read_json(at, depth + 1)) || *at++ != ':')
				return NULL;
		}
		if (!(at = read_json(at, depth + 1)))
			return NULL;
		at += strspn(at, "\n");
		if (*at == close)
			return at + 1;
		if (*at != ',')
			return NULL;
	}
}

/* The JSON that an element of the document holds ends where the element does. */
static bool has_json(const char *element, const char *end)
{
	const char *at = strstr(text, element);

	at = at ? read_json(at + strlen(element), 0) : NULL;
	return at && !strncmp(at, end, strlen(end));
}

/* Each node of a tree of massif's has as many children as it says. */
static bool has_whole_trees(void)
{
	unsigned long left[260] = { 0 };
	unsigned level = 0;

	for (const char *at = text; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
		unsigned blanks = (unsigned)strspn(at, " ");

		if (at[blanks] != 'n' || at[blanks + 1] < '0' || at[blanks + 1] > '9') {
			while (level && !left[level])
				level--;
			if (left[level])
				return false;
			continue;
		}
		for (; level > blanks; level--) {
			if (left[level])
				return false;
		}
		if (blanks > level || (blanks && !left[blanks]--) || blanks > 257)
			return false;
		left[level = blanks + 1] = strtoul(at + blanks + 1, NULL, 10);
	}
	return true;
}

static bool is_whole(const struct format *format, const char *end)
{
	size_t len = strlen(text), bytes = strlen(end);

	if (len < bytes || strcmp(text + len - bytes, end))
		return false;
	if (format == &html_format)
		return has_json("id=\"report\">\n", "\n</script>");
	if (format == &svg_format)
		return !strstr(text, "id=\"data\"") || has_json("id=\"data\">", "</script>");
	if (format == &massif_format)
		return has_whole_trees();
	return has_json("", "\n");
}

/* Writes the model with less and less memory. */
static void test_document(const struct format *format, const char *end, const struct model *m)
{
	unsigned long needed, step;
	bool whole = true;

	allowed = -1ul;
	for (bool first = true; first || (whole && allowed); first = false) {
		struct out out = out_memory(text, sizeof(text));
		struct arena arena = { 0 };

		if (!first)
			allowed = allowed > 8 ? allowed - step : allowed - 1;
		allocations = 0;
		format->write(m, &arena, &out);
		whole = !out.error && !out.lost && is_whole(format, end);
		arena_release(&arena);
		if (first) {
			needed = allowed = allocations;
			step = needed / 40 + 1;
			step = step < needed ? step : needed;
		}
		if (allowed > 8 && allowed - 8 < step)
			step = allowed - 8;
	}
	if (!ok(whole, format->name))
		printf("# after %lu of %lu allocations it is no whole document\n", allowed, needed);
	allowed = -1ul;
}

static void test_record(struct table *t, const char *text_options)
{
	static char store[256], error[256];
	struct arena arena = { 0 };
	struct rules rules = { 0 };
	struct options o;
	struct model_request q = {
		.table = t, .options = &o, .rules = &rules, .rows = MODEL_ROWS_OF_KEY, .reason = REASON_ASKED, .figures = true, .all_rows = true,
		.all_names = true, .foreign = true, .process = { .pid = 321, .command = "test" },
	};
	struct model *m;

	options_init(&o);
	if (!ok(options_parse_env(text_options, &o, store, sizeof(store), error, sizeof(error)), text_options))
		return;
	q.sort[0] = SORT_SIZE;
	q.sort_count = 1;
	q.select = o.hide_count ? selection_apply : NULL;
	if (ok(model_make(&m, &q, &arena) == MODEL_DONE, "a model")) {
		test_catalog(m, &arena, o.hide_count);
		for (unsigned i = 0; i < 3 && !o.hide_count; i++)
			test_format((const struct format *const []){ &csv_format, &speedscope_format, &pprof_format }[i], m);
		for (unsigned i = 0; i < 5 && !o.hide_count; i++)
			test_document((const struct format *const []){ &json_format, &html_format, &svg_format, &perfetto_format,
					&massif_format }[i],
				      (const char *const []){ "}\n", "</html>\n", "</svg>\n", "}\n", "\n" }[i], m);
	}
	arena_release(&arena);
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	struct table t;

	if (ok(fd >= 0 && load_table(&t, fd, 0) == LOAD_OK, "a record")) {
		test_record(&t, "top=10");
		test_record(&t, "hide=alpha");
		load_release(&t);
	}
	printf("1..%d\n", tests);
	return failures > 0;
}
