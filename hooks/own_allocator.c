/* SPDX-License-Identifier: GPL-2.0-only */
/* See own_allocator.h. */
#include "hooks/own_allocator.h"

#include "base/arena.h"
#include "base/out.h"
#include "base/path.h"
#include "base/uninterrupted.h"
#include "elf/lookup.h"
#include "elf/program_symbol.h"
#include "hooks/own_call.h"
#include "hooks/real.h"
#include "process/allocator.h"
#include "process/entry_patch.h"
#include "process/record.h"
#include "process/session.h"
#include "process/start.h"
#include "table/modules.h"

#include <limits.h>
#include <link.h>
#include <string.h>

#define FULL_NAME_BYTES	128u
#define TEXT_BYTES	512u

/* ---- The names ---- */

/*
 * The functions of a family, without the prefix. Before each name stand four characters:
 *
 *	who has it	0: any allocator; 1: any with a prefix; 2: mimalloc and tcmalloc
 *	the kind	as in `kinds`
 *	arguments	the numbers of the block, the size and the count, for `-` none
 *
 * jemalloc(3), mimalloc.h, gperftools/tcmalloc.h; malloc(3), and C23 for free_sized().
 */
static const char names[] =
	"0a-0-malloc\0" "0a-10calloc\0" "0r01-realloc\0" "0f0--free\0" "0f0--cfree\0" "0p-2-posix_memalign\0"
	"0a-1-aligned_alloc\0" "0a-1-memalign\0" "0a-0-valloc\0" "0a-0-pvalloc\0" "0r021reallocarray\0" "0R01-reallocf\0"
	"0f0--free_sized\0" "0f0--free_aligned_sized\0" "0f0--vfree\0"
	"0a-0-mallocx\0" "0r01-rallocx\0" "0x01-xallocx\0" "0f0--dallocx\0" "0f0--sdallocx\0"
	"1a-0-zalloc\0" "1t---strdup\0" "1t---strndup\0"
	"2a-10mallocn\0" "2r021reallocn\0" "2r01-rezalloc\0" "2r021recalloc\0" "2r01-expand\0" "2t---realpath\0" "2t---mbsdup\0"
	"2f0--free_size\0" "2a-0-new\0" "2a-10new_n\0" "2r01-new_realloc\0" "2r021new_reallocn\0" "2a-0-newarray\0"
	"2a-0-malloc_skip_new_handler\0" "2f0--delete\0" "2f0--deletearray\0";
#define NAME_AT	5

/* Behind the names of group 2's allocators one of these may stand, and then another one. The arguments that are needed are
 * where they are without it. */
static const char suffixes[][10] = { "_at", "_aligned", "_nothrow", "_sized", "_small" };
static const char exported_suffixes[][18] = { "", "_aligned", "_aligned_at", "_nothrow", "_aligned_nothrow", "_sized",
						 "_sized_aligned", "_small" };

static const char kinds[] = "atprRxf";	/* in the order of enum own_kind */

/* The same functions with a heap as their first argument: mi_heap_malloc. mi_heap_new and mi_heap_delete are about heaps,
 * and what frees blocks needs none. */
#define HEAP	"heap_"

static bool has_heap_form(char group, const char *name)
{
	return group == '2' && name[0] != 'n' && name[0] != 'd' && name[0] != 'f';
}

/* C++'s operators new and delete by their mangled names, all of which begin with one of these (Itanium C++ ABI, 5.1.5). */
static const char operators[][8] = { "_Znwm", "_Znam", "_ZdlPv", "_ZdaPv" };
#define OPERATORS_NEW	2u
static const char operator_ends[][30] = { "", "m", "RKSt9nothrow_t", "St11align_val_t", "mSt11align_val_t",
					     "St11align_val_tRKSt9nothrow_t" };

static const char known_prefixes[][8] = { "", PROGRAM_FAMILIES };
#define KNOWN		((unsigned)(sizeof(known_prefixes) / sizeof(known_prefixes[0])))
#define FAMILIES_MOST	(KNOWN + 1)	/* and the user's */
#define KNOWN_MANY	3u	/* from this one on, mimalloc's, group 2 of the names belongs to it */

static uint8_t argument(char digit, unsigned skipped)
{
	return digit == '-' ? OWN_NO_ARGUMENT : (uint8_t)((unsigned)(digit - '0') + skipped);
}

/* The length of a name without its suffixes. */
static size_t length_without_suffixes(const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < 5; i++) {
		size_t bytes = strlen(suffixes[i]);

		if (len > bytes && !memcmp(name + len - bytes, suffixes[i], bytes)) {
			len -= bytes;
			i = UINT_MAX;	/* from the first one again */
		}
	}
	return len;
}

/* Describes the function with this name, without the prefix. group: which names the family can have. False: it is not
 * known to be one of an allocator. */
static bool describe(const char *name, char group, struct own_function *f)
{
	unsigned skipped = 0;
	size_t len;

	for (unsigned i = 0; group == '0' && i < 4; i++) {
		if (strncmp(name, operators[i], strlen(operators[i])))
			continue;
		*f = (struct own_function){ .kind = i < OPERATORS_NEW ? OWN_ALLOCATE : OWN_FREE, .count = OWN_NO_ARGUMENT };
		return true;
	}
	if (!strncmp(name, HEAP, strlen(HEAP)) && has_heap_form(group, name + strlen(HEAP))) {
		name += strlen(HEAP);
		skipped = 1;
	}
	len = group == '2' ? length_without_suffixes(name) : strlen(name);
	for (const char *n = names; *n; n += strlen(n) + 1) {
		if (n[0] > group || strlen(n + NAME_AT) != len || memcmp(n + NAME_AT, name, len))
			continue;
		*f = (struct own_function){
			.kind = (uint8_t)(strchr(kinds, n[1]) - kinds), .block = argument(n[2], skipped),
			.size = argument(n[3], skipped), .count = argument(n[4], skipped),
		};
		return true;
	}
	return false;
}

/* ---- A family ---- */

struct family {
	const char *prefix;
	char group;
	bool asked_for;			/* by the user, by its prefix */
	const struct link_map *module;	/* that exports its malloc, or NULL */
	struct entry_plan plan;
	const char *why;		/* the plan was refused; NULL: it was not */
	char refused[FULL_NAME_BYTES];	/* the function for which it was, or "" */
	bool has_malloc, has_free;
	struct out left_out;		/* functions that are not hooked, in words */
	char left_out_text[TEXT_BYTES / 2];
};

/* Whether the module is the program, which is the first one in the loader's list; true also where no module exports it. */
static bool is_program(const struct link_map *module)
{
	return !module || !module->l_prev;
}

static unsigned functions;		/* the elements of own_functions that are in use */

static bool is_known(const void *entry)
{
	for (unsigned i = 0; i < functions; i++) {
		if (own_functions[i].entry == (uintptr_t)entry)
			return true;
	}
	return false;
}

static void leave_out(struct family *f, const char *name, const char *why)
{
	if (out_length(&f->left_out))
		out_text(&f->left_out, ", ");
	out_name(&f->left_out, name);
	if (why) {
		out_text(&f->left_out, " (");
		out_text(&f->left_out, why);
		out_char(&f->left_out, ')');
	}
}

/* Adds a function to the family's plan, if it is one of an allocator. name: with the prefix. */
static void add(struct family *f, const char *name, void *address, size_t bytes)
{
	const char *rest = name + strlen(f->prefix), *why = NULL;
	struct own_function *to = &own_functions[functions];
	struct own_function about;
	bool is_malloc = !strcmp(rest, "malloc");

	if (functions == OWN_FUNCTIONS_MOST || strlen(name) >= FULL_NAME_BYTES)
		return;
	if (!describe(rest, f->group, &about)) {
		if (f->asked_for && (strstr(rest, "alloc") || strstr(rest, "free")) && out_length(&f->left_out) < TEXT_BYTES / 4)
			leave_out(f, name, NULL);
		return;
	}
	f->has_malloc |= is_malloc;
	f->has_free |= about.kind == OWN_FREE;
	if (f->why || is_known(address))
		return;
	about.entry = (uintptr_t)address;
	why = entry_patch_add(&f->plan, address, bytes, functions, &about.real, &about.calls_nothing);
	if (!is_program(f->module)) {
		about.inside = f->plan.start;
		about.inside_end = f->plan.end;
	}
	if (!why) {
		*to = about;
		functions++;
	} else if (is_malloc || about.kind > OWN_POSIX) {
		f->why = why;
		strcpy(f->refused, name);
	} else {
		leave_out(f, name, why);
	}
}

/* ---- Finding it ---- */

/* The definition in the modules behind this one. */
static struct lookup_definition next_definition(const char *name)
{
	struct lookup_definition found;

	lookup_definitions(&name, &found, 1);
	return found;
}

/* Adds what the family's module exports under this name, if no other module comes before it. */
static void add_exported(struct family *f, const char *first, const char *second, const char *third)
{
	char name[FULL_NAME_BYTES];
	struct out o = out_memory(name, sizeof(name));
	struct lookup_definition found;

	out_text(&o, f->prefix);
	out_text(&o, first);
	out_text(&o, second);
	out_text(&o, third);
	found = lookup_first_definition(out_string(&o));
	if (found.address && found.module == f->module)
		add(f, name, found.address, ELF32_ST_TYPE(found.symbol->st_info) == STT_FUNC ? found.symbol->st_size : 0);
}

/*
 * The functions of a family that a module exports. For the prefix "" this is the program's malloc, if it comes before
 * ours, or else that of another library: its malloc and what we have, too, is ours by interposition.
 */
static void find_exported(struct family *f, const void *own_malloc)
{
	char name[FULL_NAME_BYTES];
	struct out o = out_memory(name, sizeof(name));
	struct lookup_definition base;

	out_text(&o, f->prefix);
	out_text(&o, "malloc");
	base = lookup_first_definition(out_string(&o));
	if (base.address == own_malloc) {
		if (allocator_is_libc())
			return;
		base = next_definition(name);
	}
	/* What libc and this library export under such a name needs no hook. */
	if (!base.module || base.module == lookup_own_module() || base.module == next_definition("gnu_get_libc_version").module)
		return;
	f->module = base.module;
	for (const char *n = names; *n; n += strlen(n) + 1) {
		if (n[0] > f->group)
			continue;
		for (unsigned i = 0; i < (f->group == '2' ? 8 : 1); i++) {
			add_exported(f, "", n + NAME_AT, exported_suffixes[i]);
			if (has_heap_form(f->group, n + NAME_AT))
				add_exported(f, HEAP, n + NAME_AT, exported_suffixes[i]);
		}
	}
	for (unsigned i = 0; f->group == '0' && i < 24; i++)
		add_exported(f, operators[i / 6], operator_ends[i % 6], "");	/* the prefix is "" */
}

/* A function of the program's that it need not export. Where a library exports the family, the program's functions of
 * such names are others. */
static void take_hidden(void *context, unsigned number, const char *name, void *address, size_t bytes)
{
	struct family *f = &((struct family *)context)[number];

	if (is_program(f->module))
		add(f, name, address, bytes);
}

/* ---- What is said ---- */

static void write_family(struct out *o, const struct family *f)
{
	const char *path = f->plan.path[0] ? f->plan.path : f->module && f->module->l_name[0] ? f->module->l_name : "the program";

	if (f->prefix[0]) {
		out_name(o, f->prefix);
		out_text(o, "*");
	} else {
		out_text(o, "malloc's family");
	}
	out_text(o, " of ");
	out_name(o, path_name(path));
}

static void write_reason(struct out *o, const struct family *f)
{
	out_text(o, " (");
	if (f->refused[0]) {
		out_name(o, f->refused);
		out_text(o, ": ");
	}
	out_text(o, f->why);
	out_char(o, ')');
}

/* Says that functions of the program are not traced. */
static void say_refused(const struct family *f)
{
	char line[TEXT_BYTES];
	struct out o = out_memory(line, sizeof(line));

	out_text(&o, "not traced: ");
	write_family(&o, f);
	write_reason(&o, f);
	session_notice(line);
}

static void say_not_found(const struct family *f)
{
	char line[TEXT_BYTES];
	struct out o = out_memory(line, sizeof(line));

	out_text(&o, "--allocator: no function ");
	out_name(&o, f->prefix);
	out_text(&o, f->has_malloc ? "free" : "malloc");
	out_text(&o, " is in the program's symbols (nm shows them; a program that was stripped has none), nor does a library "
		 "export it: only malloc's family is traced");
	session_notice(line);
}

/* ---- The start ---- */

/* Makes the hooks of libheaptrace.c call the functions past the hooks in them. */
static void bypass(void)
{
	void **pointers = (void **)(void *)&real;

	for (unsigned i = 0; i < sizeof(real) / sizeof(*pointers); i++) {
		for (unsigned k = 0; k < functions; k++) {
			if (pointers[i] && own_functions[k].entry == (uintptr_t)pointers[i])
				pointers[i] = own_functions[k].real;
		}
	}
}

/* Whether the calls of malloc go past this library to the family's module. */
static bool takes_malloc(const struct family *f, const void *own_malloc)
{
	return !f->prefix[0] && f->module && lookup_first("malloc") != own_malloc;
}

static void give_up(struct family *f)
{
	for (unsigned i = 0; i < functions; i++) {
		if (entry_patch_made(&f->plan, own_functions[i].real))
			own_functions[i].entry = 0;
	}
	entry_patch_drop(&f->plan);
}

/* Describes a family for dumps, if it is there. */
static void describe_family(const struct family *f, struct out *o)
{
	if (f->why ? !f->has_malloc : !f->plan.count)
		return;
	if (out_length(o))
		out_text(o, "; ");
	write_family(o, f);
	if (f->why) {
		out_text(o, " is not traced");
		write_reason(o, f);
		return;
	}
	out_text(o, " (");
	out_count(o, f->plan.count, " function", " functions");
	if (out_length(&f->left_out)) {
		out_text(o, ", without ");
		out_text(o, f->left_out_text);
	}
	out_char(o, ')');
}

/* Says what there is to say at once of a family that is not hooked. Of one that belongs to a library, and may not be
 * used, the dump tells. */
static void say_unhooked(const struct family *f, const void *own_malloc)
{
	if (takes_malloc(f, own_malloc)) {
		start_warn_of_other_malloc(own_malloc, f->refused, f->why);
	} else if (f->why && f->has_malloc && (is_program(f->module) || f->asked_for)) {
		recorder.table.head->totals.other_malloc = 1;
		say_refused(f);
	} else if (f->asked_for && !(f->has_malloc && f->has_free)) {
		say_not_found(f);
	}
}

/* Blocks of this allocator may be nearer to each other than those of libc's. */
static bool refine_map(void)
{
	struct uninterrupted span;
	bool refined;

	uninterrupted_begin(&span);
	refined = blocks_refine(&recorder.blocks);
	guard_self.last_block = NULL;
	uninterrupted_end(&span);
	return refined;
}

/* Hooks a family of which all functions have been added. */
static void hook(struct family *f, const void *own_malloc)
{
	bool preloaded = !f->prefix[0] && f->module && !takes_malloc(f, own_malloc);
	bool ready = !f->why && f->plan.count && (f->has_free || preloaded);

	if (ready)
		f->why = refine_map() ? entry_patch_apply(&f->plan) : "there is no memory for a finer map of blocks";
	if (!ready || f->why) {
		say_unhooked(f, own_malloc);
		give_up(f);
		return;
	}
	if (preloaded)
		recorder.table.head->totals.own_new = 0;
	else if (!f->module || f->module != next_definition("malloc").module)
		recorder.block_bytes = NULL;	/* malloc_usable_size() of another allocator must not see its blocks */
}

static void prepare(struct family *f, const char *prefix, char group, bool asked_for)
{
	f->prefix = prefix;
	f->group = group;
	f->asked_for |= asked_for;
	f->left_out = out_memory(f->left_out_text, sizeof(f->left_out_text));
	f->why = start_is_under_valgrind() ? "valgrind runs the program" : entry_patch_lacks();
	entry_patch_begin(&f->plan, own_call_entry);
}

/* Prepares the families. prefix: the user's, or NULL. Returns how many there are. */
static unsigned prepare_all(struct family *families, const char *prefix, const char **prefixes)
{
	unsigned count = 0;
	bool known = !prefix;

	for (; count < KNOWN; count++) {
		bool same = prefix && !strcmp(prefix, known_prefixes[count]);

		prefixes[count] = known_prefixes[count];
		prepare(&families[count], prefixes[count], !count ? '0' : count < KNOWN_MANY ? '1' : '2', same);
		known |= same;
	}
	if (!known) {
		prefixes[count] = prefix;
		prepare(&families[count++], prefix, '1', true);
	}
	return count;
}

void own_allocator_start(const char *allocator, const void *own_malloc)
{
	const size_t bytes = FAMILIES_MOST * sizeof(struct family);
	struct family *families = allocator && !strcmp(allocator, "no") ? NULL : arena_map(bytes);
	const char *prefixes[FAMILIES_MOST];
	char text[TEXT_BYTES];
	struct out o = out_memory(text, sizeof(text));
	unsigned count;

	if (!families) {
		start_warn_of_other_malloc(own_malloc, "", NULL);
		return;
	}
	count = prepare_all(families, allocator && strcmp(allocator, "auto") ? allocator : NULL, prefixes);
	for (unsigned i = 0; i < count; i++)
		find_exported(&families[i], own_malloc);
	program_families(prefixes, count, take_hidden, families);
	for (unsigned i = 0; i < count; i++) {
		hook(&families[i], own_malloc);
		describe_family(&families[i], &o);
	}
	bypass();
	if (out_length(&o))
		recorder.table.head->own_allocators = modules_keep_text(&recorder.table, text, strlen(text));
	arena_unmap(families, bytes);
}
