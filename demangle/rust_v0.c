/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rust's v0 mangling: RFC 2603, "Rust Symbol Mangling (v0)", with the structural constants that
 * were added later (rustc book, "v0 Symbol Format").
 *
 *	_RNvNtCs1234_7mycrate3foo3bar            mycrate::foo::bar
 *	_RINvMC1aNtB3_3Vec3newlE                 <a::Vec>::new::<i32>
 *	_RNCNvC1a4main0                          a::main::{closure#0}
 *
 * The text is written in the order of the name, while the name is read. As in the C++ demangler,
 * there is no recursion: a rule plans tasks on a stack in the caller's work memory. A back
 * reference moves the reader back and plans its return. Parts that are not shown (the path of an
 * impl, the instantiating crate) are read with `silent` set.
 *
 * Guarantees: a budget of steps, which back references could otherwise multiply without end, bounds
 * the time, and the end of the output bounds the text.
 */
#include <string.h>

#include "demangle/demangle.h"
#include "demangle/rust_v0.h"

_Static_assert(sizeof(struct rust) <= DEMANGLE_WORK_BYTES, "the caller lends too little");

void rust_text(struct rust *r, unsigned bytes)
{
	char string[3] = {(char)bytes, (char)(bytes >> 8), '\0'};

	rust_print(r, string);
}

uint64_t rust_base62(struct rust *r)
{
	uint64_t value = 0;

	if (rust_take(r, '_'))
		return 0;
	while (!r->failed && !rust_take(r, '_')) {
		char ch = rust_next(r);
		unsigned digit = rust_is_digit(ch) ? (unsigned)(ch - '0') :
				 ch >= 'a' && ch <= 'z' ? (unsigned)(ch - 'a') + 10 :
				 ch >= 'A' && ch <= 'Z' ? (unsigned)(ch - 'A') + 36 : 62;

		if (digit == 62 || __builtin_mul_overflow(value, 62, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			r->failed = true;
	}
	if (value == UINT64_MAX)
		r->failed = true;
	return value + 1;
}

uint64_t rust_optional_base62(struct rust *r, char tag)
{
	return rust_take(r, tag) ? rust_base62(r) + 1 : 0;
}

/* <undisambiguated-identifier>: [u] <decimal> [_] <bytes> */
struct rust_identifier rust_identifier(struct rust *r)
{
	struct rust_identifier id = {.is_punycode = rust_take(r, 'u')};

	if (!rust_is_digit(rust_peek(r))) {
		r->failed = true;
		return id;
	}
	if (!rust_take(r, '0'))
		while (rust_is_digit(rust_peek(r)) && id.len < DEMANGLE_NAME_MAX)
			id.len = id.len * 10 + (size_t)(rust_next(r) - '0');
	rust_take(r, '_');
	id.text = r->at;
	if (id.len > (size_t)(r->end - r->at)) {
		r->failed = true;
		id.len = 0;
	}
	r->at += id.len;
	return id;
}

void rust_print_identifier(struct rust *r, const struct rust_identifier *id)
{
	unsigned count;

	if (r->silent || r->failed)
		return;
	if (!id->is_punycode) {
		sink_bytes(&r->out, id->text, id->len);
		return;
	}
	count = punycode_decode(id->text, id->len, r->character);
	if (!count) {	/* damaged; the text as it is may help to recognize the name */
		sink_text(&r->out, "punycode{");
		sink_bytes(&r->out, id->text, id->len);
		sink_char(&r->out, '}');
	}
	for (unsigned i = 0; i < count; i++)
		rust_print_char(&r->out, r->character[i]);
}

void rust_print_lifetime(struct rust *r, uint64_t index)
{
	uint64_t depth;

	if (index > r->lifetimes) {
		r->failed = true;
		return;
	}
	rust_print(r, "'");
	if (!index) {
		rust_print(r, "_");
		return;
	}
	depth = r->lifetimes - index;
	if (depth < 26) {
		rust_text(r, 'a' + (unsigned)depth);
	} else {
		rust_print(r, "_");
		rust_print_number(r, depth);
	}
}

void rust_binder(struct rust *r)
{
	uint64_t count = rust_optional_base62(r, 'G');

	if (count > 1000) {
		r->failed = true;
		return;
	}
	if (!count)
		return;
	rust_print(r, "for<");
	for (uint64_t i = 0; i < count; i++) {
		if (i)
			rust_print(r, ", ");
		r->lifetimes++;
		rust_print_lifetime(r, 1);
	}
	rust_print(r, "> ");
}

void rust_back_reference(struct rust *r, struct plan_task again)
{
	const char *start = r->at - 1;	/* at the B */
	uint64_t offset = rust_base62(r);

	if (r->failed || offset >= (uint64_t)(start - r->name)) {
		r->failed = true;	/* references lead only backward, so they come to an end */
		return;
	}
	if (r->silent)
		return;
	PLAN(r, again, DO(RETURN_TO, r->at - r->name));
	r->at = r->name + offset;
}

void rust_return_to(struct rust *r, unsigned offset)
{
	r->at = r->name + offset;
}

void rust_unbind(struct rust *r, unsigned lifetimes)
{
	r->lifetimes = (uint16_t)lifetimes;
}

void rust_speak(struct rust *r, unsigned arg)
{
	(void)arg;
	r->silent--;
}

void rust_path(struct rust *r, unsigned in_value)
{
	struct rust_identifier id;
	char tag = rust_next(r);

	switch (tag) {
	case 'C':	/* the crate: Cs1234_7mycrate */
		rust_optional_base62(r, 's');
		id = rust_identifier(r);
		rust_print_identifier(r, &id);
		break;
	case 'M':	/* an item of an inherent impl: <T> */
	case 'X':	/* an item of a trait impl: <T as Trait> */
		rust_optional_base62(r, 's');
		rust_print(r, "<");
		PLAN(r, DO(PATH, 0), DO(SPEAK, 0), DO(IMPL_TYPE, tag));
		r->silent++;
		break;
	case 'Y':	/* an item of the trait itself: <T as Trait> */
		rust_print(r, "<");
		rust_impl_type(r, tag);
		break;
	case 'N':	/* Nt <path> <identifier> */
		tag = rust_next(r);
		if (!((tag >= 'a' && tag <= 'z') || (tag >= 'A' && tag <= 'Z')))
			r->failed = true;
		PLAN(r, DO(PATH, in_value), DO(NAMED, tag));
		break;
	case 'I':	/* I <path> <generic-args> E */
		PLAN(r, T("<"), DO(GENERIC_ARGS, 0), T(">"));
		if (in_value)
			PLAN(r, T("::"));
		PLAN(r, DO(PATH, in_value));
		break;
	case 'B':
		rust_back_reference(r, (struct plan_task)DO(PATH, in_value));
		break;
	default:
		r->failed = true;
	}
}

/* The type of an impl, and its trait, after the path, which is not shown. */
void rust_impl_type(struct rust *r, unsigned tag)
{
	if (tag == 'M')
		PLAN(r, DO(TYPE, 0), T(">"));
	else
		PLAN(r, DO(TYPE, 0), T(" a"), T("s "), DO(PATH, 0), T(">"));
}

void rust_named(struct rust *r, unsigned namespace)
{
	uint64_t number = rust_optional_base62(r, 's');
	struct rust_identifier id = rust_identifier(r);

	if (namespace >= 'a') {		/* the text does not tell t, v, ... apart */
		if (id.len) {
			rust_print(r, "::");
			rust_print_identifier(r, &id);
		}
		return;
	}
	rust_print(r, "::{");
	if (namespace == 'C')
		rust_print(r, "closure");
	else if (namespace == 'S')
		rust_print(r, "shim");
	else
		rust_text(r, namespace);
	if (id.len) {
		rust_print(r, ":");
		rust_print_identifier(r, &id);
	}
	rust_print(r, "#");
	rust_print_number(r, number);
	rust_print(r, "}");
}

void rust_generic_args(struct rust *r, unsigned more)
{
	if (rust_list_ends(r, more, ", "))
		return;
	if (rust_take(r, 'L')) {
		rust_print_lifetime(r, rust_base62(r));
		PLAN(r, DO(GENERIC_ARGS, 1));
	} else if (rust_take(r, 'K')) {
		PLAN(r, DO(CONST, 0), DO(GENERIC_ARGS, 1));
	} else {
		PLAN(r, DO(TYPE, 0), DO(GENERIC_ARGS, 1));
	}
}

/* The number that a tuple's elements have makes the difference: (), (1,), (1, 2). */
void rust_tuple(struct rust *r, struct plan_task item, struct plan_task more)
{
	rust_print(r, "(");
	if (rust_take(r, 'E'))
		rust_print(r, ")");
	else
		PLAN(r, item, DO(TUPLE_COMMA, 0), more, T(")"));
}

/* A tuple of one element has a comma behind it. */
void rust_tuple_comma(struct rust *r, unsigned arg)
{
	(void)arg;
	if (rust_peek(r) == 'E')
		rust_print(r, ",");
}

/* No table of functions, because pointers of a library take four times their room. */
static void do_step(struct rust *r, struct plan_task task)
{
	switch (task.step) {
#define STEP_CASE(name, function)	case DO_##name: function(r, task.arg); break;
	RUST_STEPS(STEP_CASE)
#undef STEP_CASE
	}
}

static void run(struct rust *r)
{
	while (r->task_count && !r->failed && !r->out.full) {
		struct plan_task task = r->task[--r->task_count];

		if (!r->budget--)
			r->failed = true;
		else
			do_step(r, task);
	}
}

size_t rust_v0_demangle(const char *name, void *work, char *out, size_t out_bytes)
{
	struct rust *r = work;
	size_t len = strcspn(name, ".");	/* .llvm.1234 and the like are not shown */

	memset(r, 0, offsetof(struct rust, task));
	sink_init(&r->out, out, out_bytes);
	r->name = r->at = name + 2;
	r->end = name + len;
	r->budget = 64 * len + 4 * out_bytes;
	if (rust_is_digit(rust_peek(r)))		/* a version of the encoding; there are none yet */
		r->failed = true;
	PLAN(r, DO(PATH, 1));
	run(r);
	if (!r->failed && r->at < r->end) {	/* the instantiating crate */
		r->silent++;
		PLAN(r, DO(PATH, 0));
		run(r);
	}
	if (r->failed || r->at != r->end)
		r->out.full = true;
	return sink_finish(&r->out);
}
