/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine of the C++ demangler: the loop that runs planned tasks, the building blocks of plans,
 * and the way from a whole symbol name to its text. cxx.h tells how the machine works. The grammar
 * (Itanium C++ ABI, section 5.1) is in cxx_name.c, cxx_special.c, cxx_type.c, cxx_argument.c,
 * cxx_expression.c and cxx_unresolved.c, the text in cxx_parameter.c and cxx_print*.c.
 *
 * Guarantees: struct cxx bounds the tasks, values, nodes and candidates, `budget` bounds the number
 * of steps, and the end of `out` bounds the text. So a hostile name costs a bounded time and fails.
 */
#include "demangle/cxx.h"
#include "demangle/demangle.h"

_Static_assert(sizeof(struct cxx) <= DEMANGLE_WORK_BYTES, "the caller lends too little");
_Static_assert(sizeof(struct cxx_node) == 8 && sizeof(struct plan_task) == 4, "packed tightly");

/* A value that is no node: it marks the start of a list on the value stack. */
#define LIST_START	0xffff

/* A switch, because a pointer in a library takes four times its room: the loader has to relocate it. */
static void take_step(struct cxx *c, struct plan_task task)
{
	switch (task.step) {
#define CXX_STEP_ENTRY(name, function)	case CXX_DO_##name: function(c, task.arg); break;
	CXX_STEPS(CXX_STEP_ENTRY)
#undef CXX_STEP_ENTRY
	}
}

/* Runs tasks until none is left, or one fails outside of an attempt. */
static void run(struct cxx *c)
{
	while (c->task_count && !c->out.full && cxx_charge(c, 1)) {
		struct plan_task task = c->task[--c->task_count];

		take_step(c, task);
		if (c->failed) {
			if (!c->attempt)
				break;
			cxx_give_up_attempt(c);
		}
	}
	if (c->task_count)
		c->failed = true;
}

/*
 * On both stacks, everything that an attempt plans and pushes lies above its record, and nothing
 * below changes. So cutting the stacks undoes the attempt. The record has these values, the last
 * one on top.
 */
#define RECORD_VALUES	8u

void cxx_begin_attempt(struct cxx *c, struct plan_task instead)
{
	const unsigned record[RECORD_VALUES] = {
		(unsigned)(c->at - c->name), c->candidate_count, c->task_count, c->in_conversion,
		(unsigned)c->level << 1 | c->in_lambda, instead.step, instead.arg, c->attempt,
	};

	if (c->value_count + RECORD_VALUES > CXX_VALUES) {
		c->failed = true;
		return;
	}
	for (unsigned i = 0; i < RECORD_VALUES; i++)
		cxx_push(c, record[i]);
	c->attempt = (uint16_t)c->value_count;
}

bool cxx_keep_attempt(struct cxx *c)
{
	unsigned result;

	if (++c->kept == c->doubted) {
		cxx_give_up_attempt(c);
		return false;
	}
	result = cxx_pop(c);
	if (c->value_count != c->attempt || c->attempt < RECORD_VALUES) {
		c->failed = true;
		return false;
	}
	c->attempt = (uint16_t)cxx_pop(c);
	c->value_count -= RECORD_VALUES - 1;
	cxx_push(c, result);
	return true;
}

void cxx_give_up_attempt(struct cxx *c)
{
	struct plan_task instead;

	if (c->value_count < c->attempt || c->attempt < RECORD_VALUES) {
		c->attempt = 0;		/* the record is gone, which cannot happen */
		c->failed = true;
		return;
	}
	c->failed = false;
	c->value_count = c->attempt;
	c->attempt = (uint16_t)cxx_pop(c);
	instead.arg = (uint16_t)cxx_pop(c);
	instead.step = (uint16_t)cxx_pop(c);
	cxx_restore_level(c, cxx_pop(c));
	c->in_conversion = cxx_pop(c);
	c->task_count = cxx_pop(c);
	c->candidate_count = cxx_pop(c);
	c->at = c->name + cxx_pop(c);
	cxx_plan(c, &instead, 1);
}

void cxx_expect(struct cxx *c, unsigned ch)
{
	if (!cxx_take(c, (char)ch))
		c->failed = true;
}

void cxx_make1(struct cxx *c, unsigned kind)
{
	unsigned a = cxx_pop(c);

	cxx_push_new(c, kind & 255, kind >> 8, a, 0, 0);
}

void cxx_make2(struct cxx *c, unsigned kind)
{
	unsigned b = cxx_pop(c);
	unsigned a = cxx_pop(c);

	cxx_push_new(c, kind & 255, kind >> 8, a, b, 0);
}

void cxx_make3(struct cxx *c, unsigned kind)
{
	unsigned third = cxx_pop(c);
	unsigned b = cxx_pop(c);
	unsigned a = cxx_pop(c);

	cxx_push_new(c, kind & 255, kind >> 8, a, b, third);
}

void cxx_drop(struct cxx *c, unsigned arg)
{
	(void)arg;
	cxx_pop(c);
}

void cxx_candidate(struct cxx *c, unsigned arg)
{
	(void)arg;
	cxx_add_candidate(c);
}

void cxx_list_start(struct cxx *c)
{
	cxx_push(c, LIST_START);
}

/* Makes a list of the values above its start, from the last one to the first. */
void cxx_list_finish(struct cxx *c)
{
	unsigned list = 0, item;

	while ((item = cxx_pop(c)) != LIST_START && !c->failed)
		list = cxx_new(c, CXX_LIST, 0, item, list, 0);
	cxx_push(c, list);
}

void cxx_list(struct cxx *c, unsigned what)
{
	cxx_list_start(c);
	cxx_list_more(c, what);
}

void cxx_list_more(struct cxx *c, unsigned what)
{
	if (cxx_take(c, (char)(what >> 8))) {
		cxx_list_finish(c);
		return;
	}
	PLAN(c, {(uint16_t)(what & 255), 0}, DO(LIST_MORE, what));
}

unsigned cxx_decimal(struct cxx *c)
{
	unsigned value = 0;

	if (*c->at < '0' || *c->at > '9')
		c->failed = true;
	for (; *c->at >= '0' && *c->at <= '9'; c->at++) {
		value = value * 10 + (unsigned)(*c->at - '0');
		if (value > DEMANGLE_NAME_MAX) {	/* no length or index is that large */
			c->failed = true;
			return 0;
		}
	}
	return value;
}

unsigned cxx_base36(struct cxx *c)
{
	unsigned value = 0;
	const char *start = c->at;

	for (;; c->at++) {
		if (*c->at >= '0' && *c->at <= '9')
			value = value * 36 + (unsigned)(*c->at - '0');
		else if (*c->at >= 'A' && *c->at <= 'Z')
			value = value * 36 + (unsigned)(*c->at - 'A') + 10;
		else
			break;
		if (value > DEMANGLE_NAME_MAX)
			c->failed = true;
		if (c->failed)
			return 0;
	}
	if (c->at == start)
		c->failed = true;
	return value;
}

void cxx_digits(struct cxx *c)
{
	if (*c->at < '0' || *c->at > '9')
		c->failed = true;
	while (*c->at >= '0' && *c->at <= '9')
		c->at++;
}

unsigned cxx_number_bar(struct cxx *c)
{
	unsigned value = 0;

	if (*c->at != '_')
		value = cxx_decimal(c) + 1;
	if (!cxx_take(c, '_'))
		c->failed = true;
	return value;
}

static bool clone_byte(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '_';
}

/*
 * Reads suffixes that compilers add and the ABI does not know: `.isra.0.cold` are two, .isra.0 and
 * .cold. Each makes a CXX_CLONE of the top value.
 */
static void clone_suffixes(struct cxx *c)
{
	while (*c->at == '.' && clone_byte(c->at[1])) {
		const char *start = c->at++;

		while (clone_byte(*c->at))
			c->at++;
		while (*c->at == '.' && c->at[1] >= '0' && c->at[1] <= '9')
			for (c->at++; *c->at >= '0' && *c->at <= '9'; c->at++)
				;
		unsigned suffix = cxx_new(c, CXX_NAME, 0, (unsigned)(start - c->name),
					  (unsigned)(c->at - start), 0);
		cxx_push_new(c, CXX_CLONE, 0, cxx_pop(c), suffix, 0);
	}
}

/* Skips the start of _GLOBAL__I_NAME and _GLOBAL__D_NAME, in which the second _ may be . or $, and
 * returns the text for it; else NULL. */
static const char *keyed_to(struct cxx *c)
{
	const char *at = c->at;

	if (strncmp(at, "_GLOBAL_", 8) || (at[8] != '_' && at[8] != '.' && at[8] != '$') ||
	    (at[9] != 'I' && at[9] != 'D') || at[10] != '_')
		return NULL;
	c->at += 11;
	return at[9] == 'I' ? "global constructors keyed to " : "global destructors keyed to ";
}

/* Reads a whole symbol name and pushes its node. */
static void parse(struct cxx *c)
{
	if (c->at[0] == '_' && c->at[1] == 'Z') {
		c->at += 2;
		PLAN(c, DO(ENCODING, 0));
		run(c);
		if (!c->failed)
			clone_suffixes(c);
		if (*c->at)
			c->failed = true;
		return;
	}
	cxx_push_new(c, CXX_NAME, 0, (unsigned)(c->at - c->name), (unsigned)strlen(c->at), 0);
}

/* Reads the name with the attempts as c->doubted says, and writes the text. */
static void read_and_print(struct cxx *c, const char *name, char *out, size_t out_bytes)
{
	const char *prefix;

	sink_init(&c->out, out, out_bytes);
	c->node[0] = (struct cxx_node){0};
	c->node_count = 1;
	c->name = c->at = name;
	prefix = keyed_to(c);
	if (prefix)
		sink_text(&c->out, prefix);
	else if (name[0] != '_' || name[1] != 'Z')
		c->failed = true;
	if (!c->failed)
		parse(c);
	if (!c->failed) {
		PLAN(c, DO(PRINT, cxx_pop(c)));
		run(c);
	}
}

/*
 * If a name cannot be read as a whole, one of the attempts that were kept may have been wrong, most
 * likely the last one. So the name is read again with one of them given up, from the last to the
 * first, for this many times at most.
 */
#define DOUBTS_MAX	16u

size_t cxx_demangle(const char *name, void *work, char *out, size_t out_bytes)
{
	struct cxx *c = work;
	size_t budget = 64 * strlen(name) + 4 * out_bytes;
	unsigned doubted = 0, doubts = 0;

	for (;;) {
		memset(c, 0, offsetof(struct cxx, node));
		c->budget = budget;
		c->doubted = (uint16_t)doubted;
		read_and_print(c, name, out, out_bytes);
		budget = c->budget;
		if (!c->failed || c->out.full || !budget || doubts++ == DOUBTS_MAX)
			break;
		doubted = doubted ? doubted - 1u : c->kept;
		if (!doubted)
			break;
	}
	if (c->failed)
		c->out.full = true;
	return sink_finish(&c->out);
}
