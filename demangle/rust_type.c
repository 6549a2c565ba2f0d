/* SPDX-License-Identifier: GPL-2.0-only */
/* The types of Rust's v0 names: RFC 2603, "Types". Examples: RSh is &[u8], TReE is (&str,). */
#include "demangle/rust_v0.h"

/* The name of a <basic-type>, or NULL. */
static const char *basic_type(char letter)
{
	static const char names[26][6] = {
		['a' - 'a'] = "i8", ['b' - 'a'] = "bool", ['c' - 'a'] = "char",
		['d' - 'a'] = "f64", ['e' - 'a'] = "str", ['f' - 'a'] = "f32",
		['h' - 'a'] = "u8", ['i' - 'a'] = "isize", ['j' - 'a'] = "usize",
		['l' - 'a'] = "i32", ['m' - 'a'] = "u32", ['n' - 'a'] = "i128",
		['o' - 'a'] = "u128", ['p' - 'a'] = "_", ['s' - 'a'] = "i16",
		['t' - 'a'] = "u16", ['u' - 'a'] = "()", ['v' - 'a'] = "...",
		['x' - 'a'] = "i64", ['y' - 'a'] = "u64", ['z' - 'a'] = "!",
	};

	return letter >= 'a' && letter <= 'z' && *names[letter - 'a'] ? names[letter - 'a'] : NULL;
}

/* <fn-sig>, after F: [<binder>] [U] [K <abi>] <types> E <return type>. The abi is C or an
 * <identifier>, in which _ stands for -. */
static void function_type(struct rust *r)
{
	struct rust_identifier abi = {.text = "C", .len = 1};
	bool is_unsafe, is_extern;

	PLAN(r, DO(UNBIND, r->lifetimes));
	rust_binder(r);
	is_unsafe = rust_take(r, 'U');
	is_extern = rust_take(r, 'K');
	if (is_extern && !rust_take(r, 'C')) {
		abi = rust_identifier(r);
		if (abi.is_punycode || !abi.len)
			r->failed = true;
	}
	if (is_unsafe)
		rust_print(r, "unsafe ");
	if (is_extern) {
		rust_print(r, "extern \"");
		for (size_t i = 0; i < abi.len; i++)
			rust_text(r, (unsigned char)(abi.text[i] == '_' ? '-' : abi.text[i]));
		rust_print(r, "\" ");
	}
	rust_print(r, "fn(");
	PLAN(r, DO(TYPES, 0), T(")"), DO(RETURN_TYPE, 0));
}

void rust_types(struct rust *r, unsigned more)
{
	if (!rust_list_ends(r, more, ", "))
		PLAN(r, DO(TYPE, 0), DO(TYPES, 1));
}

void rust_return_type(struct rust *r, unsigned arg)
{
	(void)arg;
	if (rust_take(r, 'u'))	/* -> () is not shown */
		return;
	rust_print(r, " -> ");
	PLAN(r, DO(TYPE, 0));
}

/* After R and Q: [L <lifetime>] <type>. */
static void reference(struct rust *r, bool is_mutable)
{
	rust_print(r, "&");
	if (rust_take(r, 'L')) {
		uint64_t lifetime = rust_base62(r);

		if (lifetime) {
			rust_print_lifetime(r, lifetime);
			rust_print(r, " ");
		}
	}
	if (is_mutable)
		rust_print(r, "mut ");
	PLAN(r, DO(TYPE, 0));
}

void rust_type(struct rust *r, unsigned arg)
{
	char tag = rust_next(r);

	(void)arg;
	if (basic_type(tag)) {
		rust_print(r, basic_type(tag));
		return;
	}
	switch (tag) {
	case 'R':
	case 'Q':
		reference(r, tag == 'Q');
		break;
	case 'P':
		rust_print(r, "*const ");
		PLAN(r, DO(TYPE, 0));
		break;
	case 'O':
		rust_print(r, "*mut ");
		PLAN(r, DO(TYPE, 0));
		break;
	case 'A':
		PLAN(r, T("["), DO(TYPE, 0), T("; "), DO(CONST, 1), T("]"));
		break;
	case 'S':
		PLAN(r, T("["), DO(TYPE, 0), T("]"));
		break;
	case 'T':
		rust_tuple(r, (struct plan_task)DO(TYPE, 0), (struct plan_task)DO(TYPES, 1));
		break;
	case 'F':
		function_type(r);
		break;
	case 'D':	/* [binder] <dyn-traits> E L <lifetime> */
		rust_print(r, "dyn ");
		PLAN(r, DO(UNBIND, r->lifetimes), DO(DYN_LIFETIME, 0));
		rust_binder(r);
		PLAN(r, DO(DYN_TRAITS, 0));
		break;
	case 'W':
		PLAN(r, DO(TYPE, 0), T(" i"), T("s "), DO(PATTERN, 0));
		break;
	case 'B':
		rust_back_reference(r, (struct plan_task)DO(TYPE, 0));
		break;
	default:
		if (tag)
			r->at--;
		PLAN(r, DO(PATH, 0));
	}
}

/*
 * The values of a pattern type: R <const> <const> (a range), or O <patterns> E. rustc 1.97 also
 * writes u for a pointer that is not null, which the description of the format lacks.
 */
void rust_pattern(struct rust *r, unsigned arg)
{
	(void)arg;
	switch (rust_next(r)) {
	case 'R':
		PLAN(r, DO(CONST, 1), T(".."), T("="), DO(CONST, 1));
		break;
	case 'O':
		PLAN(r, DO(PATTERN, 0), DO(PATTERNS, 0));
		break;
	case 'u':
		rust_print(r, "!null");
		break;
	default:
		r->failed = true;
	}
}

void rust_patterns(struct rust *r, unsigned arg)
{
	(void)arg;
	if (!rust_list_ends(r, true, " | "))
		PLAN(r, DO(PATTERN, 0), DO(PATTERNS, 0));
}

void rust_dyn_traits(struct rust *r, unsigned more)
{
	if (!rust_list_ends(r, more, " + "))
		PLAN(r, DO(OPEN_PATH, 0), DO(DYN_BINDINGS, 0), DO(DYN_TRAITS, 1));
}

/* The path of a trait. Its generic arguments, if there are any, are not closed, so that the
 * bindings can follow in the same brackets. */
void rust_open_path(struct rust *r, unsigned arg)
{
	(void)arg;
	if (rust_take(r, 'B'))
		rust_back_reference(r, (struct plan_task)DO(OPEN_PATH, 0));
	else if (rust_take(r, 'I'))
		PLAN(r, DO(PATH, 0), T("<"), DO(GENERIC_ARGS, 0), DO(SET_OPEN, 1));
	else
		PLAN(r, DO(PATH, 0), DO(SET_OPEN, 0));
}

void rust_set_open(struct rust *r, unsigned open)
{
	r->open = open;
}

/* <dyn-trait-assoc-binding>, any number of them: p <identifier> <type> is Item = T, and p
 * <identifier> K <const> is N = 0. */
void rust_dyn_bindings(struct rust *r, unsigned arg)
{
	struct rust_identifier id;

	(void)arg;
	if (!rust_take(r, 'p')) {
		if (r->open)
			rust_print(r, ">");
		return;
	}
	rust_print(r, r->open ? ", " : "<");
	id = rust_identifier(r);
	rust_print_identifier(r, &id);
	rust_print(r, " = ");
	PLAN(r, DO(SET_OPEN, 1), DO(DYN_BINDINGS, 0));
	if (rust_take(r, 'K'))
		PLAN(r, DO(CONST, 0));
	else
		PLAN(r, DO(TYPE, 0));
}

void rust_dyn_lifetime(struct rust *r, unsigned lifetimes)
{
	uint64_t lifetime;

	(void)lifetimes;
	if (rust_next(r) != 'L')
		r->failed = true;
	lifetime = rust_base62(r);
	if (lifetime && !r->failed) {
		rust_print(r, " + ");
		rust_print_lifetime(r, lifetime);
	}
}
