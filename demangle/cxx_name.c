/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names: Itanium C++ ABI 5.1.2 (encodings, nested and unqualified names), 5.1.3 (operators),
 * 5.1.4.3 (constructors), 5.1.6 (local and unnamed entities), 5.1.10 (substitutions). The comment
 * above a function names its grammar rule and examples of what the function reads.
 */
#include "demangle/cxx.h"

/* <source-name>: 3foo */
unsigned cxx_source_name(struct cxx *c)
{
	unsigned len = cxx_decimal(c);
	const char *start = c->at;

	if (c->failed || !len || strnlen(start, len) < len) {
		c->failed = true;
		return 0;
	}
	c->at += len;
	/* _GLOBAL__N_1. Older versions of gcc wrote other bytes after _GLOBAL_. */
	if (len >= 10 && !memcmp(start, "_GLOBAL_", 8) && start[9] == 'N' &&
	    (start[8] == '_' || start[8] == '.' || start[8] == '$'))
		return cxx_new(c, CXX_ANONYMOUS, 0, 0, 0, 0);
	return cxx_new(c, CXX_NAME, 0, (unsigned)(start - c->name), len, 0);
}

void cxx_source_name_step(struct cxx *c, unsigned arg)
{
	(void)arg;
	cxx_push(c, cxx_source_name(c));
}

/* <abi-tags>, any number of them, for the top value: B5cxx11 */
void cxx_tags(struct cxx *c, unsigned arg)
{
	(void)arg;
	while (cxx_take(c, 'B')) {
		unsigned tag = cxx_source_name(c);

		cxx_push_new(c, CXX_TAGGED, 0, cxx_pop(c), tag, 0);
	}
}

/* The rest of a <substitution> after S: _ and 1Z_ of S_ and S1Z_. */
static unsigned candidate_number(struct cxx *c)
{
	unsigned value = 0;

	if (*c->at != '_')
		value = cxx_base36(c) + 1;
	cxx_expect(c, '_');
	return value;
}

unsigned cxx_substitution(struct cxx *c)
{
	c->at++;	/* S */
	if (cxx_take(c, 't'))
		return cxx_new(c, CXX_STD, 0, 0, 0, 0);
	for (unsigned i = 0; cxx_abbreviations[i].letter; i++) {
		if (!cxx_take(c, cxx_abbreviations[i].letter))
			continue;
		cxx_push_new(c, CXX_ABBREVIATION, 0, i, 0, 0);
		if (*c->at == 'B') {
			cxx_tags(c, 0);
			cxx_add_candidate(c);
		}
		return cxx_pop(c);
	}
	unsigned number = candidate_number(c);

	if (c->failed || number >= c->candidate_count) {
		c->failed = true;
		return 0;
	}
	return c->candidate[number];
}

/* The name of a class's constructors: the last part of the name, without arguments and tags. */
static unsigned constructor_name(const struct cxx *c, unsigned name)
{
	for (;;) {
		const struct cxx_node *n = &c->node[name];

		if (n->kind == CXX_SCOPED || n->kind == CXX_LOCAL)
			name = n->b;
		else if (n->kind == CXX_TEMPLATE || n->kind == CXX_TAGGED ||
			 n->kind == CXX_IN_MODULE || n->kind == CXX_MEMBER)
			name = n->a;
		else
			return name;
	}
}

/* <ctor-dtor-name>: C1 (complete), C2 (base), C3 (allocating), C4 and C5 (unified, comdat), D0,
 * ..., and CI1 <base> for an inherited constructor. */
static void constructor(struct cxx *c, unsigned class_name)
{
	bool destructor = *c->at++ == 'D';
	bool inherited = !destructor && cxx_take(c, 'I');
	unsigned name = constructor_name(c, class_name);

	if (!class_name || *c->at < '0' || *c->at > '9') {
		c->failed = true;
		return;
	}
	c->at++;
	if (inherited) {
		PLAN(c, DO(TYPE, 0), DO(INHERITED, c->in_conversion));
		c->in_conversion = true;	/* I..E is ambiguous here, too: CI12IbIcE */
	} else {
		cxx_push_new(c, destructor ? CXX_DESTRUCTOR : CXX_CONSTRUCTOR, 0, name, 0, 0);
	}
}

/* An inherited constructor has the name of the base class that it comes from. */
void cxx_inherited(struct cxx *c, unsigned outer)
{
	c->in_conversion = outer;
	cxx_push_new(c, CXX_CONSTRUCTOR, 0, constructor_name(c, cxx_pop(c)), 0, 0);
}

/* <operator-name>: pl, cvi, li3_km, v13foo */
static void operator_name(struct cxx *c)
{
	int number;

	if (c->at[0] == 'c' && c->at[1] == 'v') {
		c->at += 2;
		PLAN(c, DO(TYPE, 0), DO(CONVERSION_END, c->in_conversion));
		c->in_conversion = true;
	} else if (c->at[0] == 'l' && c->at[1] == 'i') {
		c->at += 2;
		cxx_push_new(c, CXX_LITERAL_OPERATOR, 0, cxx_source_name(c), 0, 0);
	} else if (c->at[0] == 'v' && c->at[1] >= '0' && c->at[1] <= '9') {
		c->at += 2;
		cxx_push_new(c, CXX_VENDOR_OPERATOR, 0, cxx_source_name(c), 0, 0);
	} else if ((number = cxx_operator_find(c->at)) >= 0) {
		c->at += 2;
		cxx_push_new(c, CXX_OPERATOR, 0, (unsigned)number, 0, 0);
	} else {
		c->failed = true;
	}
}

void cxx_restore_conversion(struct cxx *c, unsigned in_conversion)
{
	c->in_conversion = in_conversion;
}

void cxx_leave_conversion(struct cxx *c)
{
	if (!c->in_conversion)
		return;
	PLAN(c, DO(RESTORE_CONVERSION, true));
	c->in_conversion = false;
}

void cxx_restore_level(struct cxx *c, unsigned saved)
{
	c->level = (uint16_t)(saved >> 1);
	c->in_lambda = saved & 1;
}

void cxx_enter_level(struct cxx *c, unsigned level)
{
	PLAN(c, DO(RESTORE_LEVEL, c->level << 1 | c->in_lambda));
	c->level = (uint16_t)level;
	c->in_lambda = false;
}

void cxx_conversion_end(struct cxx *c, unsigned outer)
{
	c->in_conversion = outer;
	cxx_push_new(c, CXX_CONVERSION, 0, cxx_pop(c), 0, 0);
}

/* <unnamed-type-name>, <closure-type-name>: Ut_ Ut0_ UlvE_ UlTyT_E0_, and Ub_ for clang's blocks.
 * */
static void unnamed(struct cxx *c)
{
	if (c->at[1] == 't' || c->at[1] == 'b') {
		unsigned kind = (unsigned char)c->at[1];

		c->at += 2;
		cxx_push_new(c, CXX_UNNAMED, kind, cxx_number_bar(c), 0, 0);
	} else if (c->at[1] == 'l') {
		c->at += 2;
		cxx_leave_conversion(c);
		cxx_enter_level(c, c->level);
		c->in_lambda = true;
		PLAN(c, DO(HEAD, 0), DO(CONSTRAINT, 0), DO(PARAMETERS, 0), DO(CONSTRAINT, 0),
		     DO(EXPECT, 'E'), DO(LAMBDA_END, c->level));
	} else {
		c->failed = true;
	}
}

void cxx_lambda_end(struct cxx *c, unsigned level)
{
	unsigned parameters = cxx_pop(c);
	unsigned head = cxx_pop(c);

	cxx_push_new(c, CXX_LAMBDA, level, parameters, cxx_number_bar(c), head);
}

/*
 * <module-name>, which comes before an entity's name: W3foo W3fooWP4part S1_W3bar. Each part
 * becomes a candidate, and a substitution can stand for the first parts.
 */
unsigned cxx_module_name(struct cxx *c, unsigned module)
{
	while (cxx_take(c, 'W')) {
		bool partition = cxx_take(c, 'P');

		cxx_push_new(c, CXX_MODULE, partition, module, cxx_source_name(c), 0);
		cxx_add_candidate(c);
		module = cxx_pop(c);
	}
	return module;
}

/*
 * <discriminator>, which tells local entities of one name apart: _0, __12_. It is not shown. The
 * type of a parameter can follow the one digit (_01A), but old compilers wrote more digits at the
 * end of a name (_12).
 */
static void discriminator(struct cxx *c)
{
	if (*c->at != '_')
		return;
	if (c->at[1] >= '0' && c->at[1] <= '9') {
		size_t digits = strspn(c->at + 1, "0123456789");
		char next = c->at[1 + digits];

		c->at += !next || next == 'E' || next == '.' ? 1 + digits : 2;
	} else if (c->at[1] == '_') {
		c->at += 2;
		cxx_decimal(c);
		if (!cxx_take(c, '_'))
			c->failed = true;
	}
}

void cxx_unqualified(struct cxx *c, unsigned class_name, unsigned module)
{
	bool is_friend, is_local;

	module = cxx_module_name(c, module);
	is_friend = cxx_take(c, 'F');	/* a friend that is defined in its class, and shown like a member */
	is_local = cxx_take(c, 'L');	/* an entity with internal linkage: L3foo */
	if (module || is_friend)
		PLAN(c, DO(MODULE_END, module), DO(TAGS, 0), DO(FRIEND_END, is_friend));
	else if (*c->at < '0' || *c->at > '9' || is_local)
		PLAN(c, DO(TAGS, 0));

	if (*c->at >= '0' && *c->at <= '9') {
		cxx_push(c, cxx_source_name(c));
		if (is_local)
			discriminator(c);
		else if (!module && !is_friend)
			cxx_tags(c, 0);
	} else if (c->at[0] == 'D' && c->at[1] == 'C') {	/* DC1a1bE is auto [a, b] */
		c->at += 2;
		PLAN(c, DO(LIST, CXX_DO_SOURCE_NAME | 'E' << 8), DO(MAKE1, CXX_BINDING));
	} else if (*c->at == 'C' || *c->at == 'D') {
		constructor(c, class_name);
	} else if (*c->at == 'U') {
		unnamed(c);
	} else {
		operator_name(c);
	}
}

void cxx_module_end(struct cxx *c, unsigned module)
{
	if (module)
		cxx_push_new(c, CXX_IN_MODULE, 0, cxx_pop(c), module, 0);
}

void cxx_friend_end(struct cxx *c, unsigned is_friend)
{
	if (is_friend)
		cxx_make1(c, CXX_FRIEND);
}

/* <name>: N..E, Z..E.., St3foo, S_ I..E, 3foo, 3fooIiE */
void cxx_name(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (*c->at == 'N') {
		cxx_nested(c);
	} else if (*c->at == 'Z') {
		c->at++;
		cxx_leave_conversion(c);
		cxx_enter_level(c, 0);
		PLAN(c, DO(ENCODING, 1), DO(LOCAL, 0));
	} else if (c->at[0] == 'S' && c->at[1] != 't') {
		unsigned name = cxx_substitution(c);

		if (c->node[name].kind == CXX_MODULE) {
			PLAN(c, DO(NAME_ARGUMENTS, 0));
			cxx_unqualified(c, 0, name);
		} else {
			cxx_push(c, name);
			if (*c->at == 'I')
				PLAN(c, DO(TEMPLATE_ARGUMENTS, 0), DO(MAKE2, CXX_TEMPLATE));
		}
	} else {
		bool in_std = *c->at == 'S';

		if (in_std)
			cxx_push(c, cxx_substitution(c));
		PLAN(c, DO(NAME_ARGUMENTS, in_std));
		cxx_unqualified(c, 0, 0);
	}
}

void cxx_name_arguments(struct cxx *c, unsigned in_std)
{
	if (in_std)
		cxx_make2(c, CXX_SCOPED);
	if (*c->at != 'I')
		return;
	cxx_add_candidate(c);
	cxx_arguments_of(c, CXX_TEMPLATE_NAME);
}

/* <CV-qualifiers>: rVK. For a member function, R or O can follow. */
unsigned cxx_qualifier_letters(struct cxx *c)
{
	unsigned qualifiers = 0;

	for (;; c->at++) {
		if (*c->at == 'r')
			qualifiers |= CXX_RESTRICT;
		else if (*c->at == 'V')
			qualifiers |= CXX_VOLATILE;
		else if (*c->at == 'K')
			qualifiers |= CXX_CONST;
		else
			return qualifiers;
	}
}

/*
 * <nested-name>: NSt6vectorIiE9push_backE, NK3foo3barE. The prefix that has been read is the top
 * value, which is 0 at first. Each longer prefix becomes a candidate, but not the whole name.
 */
void cxx_nested(struct cxx *c)
{
	unsigned qualifiers;

	c->at++;	/* N */
	cxx_leave_conversion(c);
	if (*c->at == 'H') {	/* an explicit object member function, which is not shown */
		c->at++;
		qualifiers = 0;
	} else {
		qualifiers = cxx_qualifier_letters(c);
		if (cxx_take(c, 'R'))
			qualifiers |= CXX_LVALUE;
		else if (cxx_take(c, 'O'))
			qualifiers |= CXX_RVALUE;
	}
	if (qualifiers)
		PLAN(c, DO(MAKE1, CXX_KIND(CXX_MEMBER, qualifiers)));
	cxx_push(c, 0);
	cxx_prefix(c, 0);
}

/* <prefix>: reads the next part of a nested name, or the E at its end. */
void cxx_prefix(struct cxx *c, unsigned arg)
{
	unsigned prefix = cxx_top(c);

	(void)arg;
	switch (*c->at) {
	case 'E':
		c->at++;
		if (!prefix)
			c->failed = true;
		break;
	case 'S':
		if (!prefix) {
			cxx_pop(c);
			cxx_push(c, cxx_substitution(c));
			if (c->node[cxx_top(c)].kind == CXX_MODULE) {
				unsigned module = cxx_pop(c);

				PLAN(c, DO(PREFIX_JOIN, 0));
				cxx_push(c, 0);
				cxx_unqualified(c, 0, module);
			} else {
				PLAN(c, DO(PREFIX, 0));
			}
		} else {	/* only the name of a module may stand here */
			unsigned module = cxx_substitution(c);

			if (c->node[module].kind != CXX_MODULE)
				c->failed = true;
			PLAN(c, DO(PREFIX_JOIN, 0));
			cxx_unqualified(c, prefix, module);
		}
		break;
	case 'T':	/* T_ is the scope */
		if (cxx_pop(c))
			c->failed = true;
		cxx_push(c, cxx_template_parameter(c));
		cxx_add_candidate(c);
		PLAN(c, DO(PREFIX, 0));
		break;
	case 'I':
		if (!prefix)
			c->failed = true;
		PLAN(c, DO(TEMPLATE_ARGUMENTS, 0), DO(MAKE2, CXX_TEMPLATE), DO(PREFIX_END, 0));
		break;
	case 'M':	/* the prefix is a member, and the next part is a lambda in its initializer */
		c->at++;
		cxx_enter_level(c, 0);
		PLAN(c, DO(PREFIX, 0));
		break;
	case 'D':
		if (c->at[1] == 't' || c->at[1] == 'T') {	/* NDTfp_E4typeE */
			if (cxx_pop(c))
				c->failed = true;
			PLAN(c, DO(TYPE, 0), DO(PREFIX, 0));
			break;
		}
		/* fall through */
	default:
		PLAN(c, DO(PREFIX_JOIN, 0));
		cxx_unqualified(c, prefix, 0);
	}
}

/* Replaces the values prefix and part by prefix::part. */
void cxx_prefix_join(struct cxx *c, unsigned arg)
{
	unsigned part = cxx_pop(c);
	unsigned prefix = cxx_pop(c);

	(void)arg;
	cxx_push(c, prefix ? cxx_new(c, CXX_SCOPED, 0, prefix, part, 0) : part);
	cxx_prefix_end(c, 0);
}

void cxx_prefix_end(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (*c->at != 'E')
		cxx_add_candidate(c);
	cxx_prefix(c, 0);
}

/* <local-name> after Z <encoding>: E, then s, or d [<number>] _ <name>, or <name>; then
 * [<discriminator>]. */
void cxx_local(struct cxx *c, unsigned arg)
{
	(void)arg;
	cxx_expect(c, 'E');
	if (cxx_take(c, 's')) {
		cxx_push_new(c, CXX_STRING, 0, 0, 0, 0);
		cxx_local_end(c, 0);
	} else if (cxx_take(c, 'd')) {		/* numbers count from the last parameter */
		PLAN(c, DO(NAME, 0), DO(LOCAL_END, cxx_number_bar(c) + 1));
	} else {
		PLAN(c, DO(NAME, 0), DO(LOCAL_END, 0));
	}
}

void cxx_local_end(struct cxx *c, unsigned default_argument)
{
	unsigned entity = cxx_pop(c);

	discriminator(c);
	if (default_argument)
		entity = cxx_new(c, CXX_DEFAULT_ARGUMENT, 0, default_argument, entity, 0);
	cxx_push_new(c, CXX_LOCAL, 0, cxx_pop(c), entity, 0);
}

/* <encoding>: a special name, or a name, which is that of a function if a type follows. */
void cxx_encoding(struct cxx *c, unsigned local)
{
	cxx_leave_conversion(c);
	cxx_enter_level(c, 0);
	if (*c->at == 'G' || *c->at == 'T')
		cxx_special(c);
	else
		PLAN(c, DO(NAME, 0), DO(SIGNATURE, local));
}

/* The name of a function without its scope and qualifiers. */
static const struct cxx_node *bare_name(const struct cxx *c, unsigned name)
{
	const struct cxx_node *n = &c->node[name];

	while (n->kind == CXX_LOCAL || n->kind == CXX_DEFAULT_ARGUMENT || n->kind == CXX_MEMBER)
		n = &c->node[n->kind == CXX_MEMBER ? n->a : n->b];
	return n;
}

/* Whether the type of the function with this name begins with its return type (5.1.5.3). */
static bool has_return_type(const struct cxx *c, unsigned name)
{
	const struct cxx_node *n = bare_name(c, name);

	if (n->kind != CXX_TEMPLATE)
		return false;
	n = &c->node[n->a];
	while (n->kind == CXX_SCOPED || n->kind == CXX_TAGGED || n->kind == CXX_IN_MODULE)
		n = &c->node[n->kind == CXX_SCOPED ? n->b : n->a];
	return n->kind != CXX_CONSTRUCTOR && n->kind != CXX_DESTRUCTOR &&
	       n->kind != CXX_CONVERSION;
}

/* The attribute of clang that stands between name and type: Ua9enable_ifI <template arguments> E */
#define ENABLE_IF	"Ua9enable_ifI"

void cxx_signature(struct cxx *c, unsigned local)
{
	if (!*c->at || *c->at == 'E')
		return;		/* the name is that of data */
	c->level = bare_name(c, cxx_top(c))->kind == CXX_TEMPLATE;
	PLAN(c, DO(SIGNATURE_REST, local));
	if (!strncmp(c->at, ENABLE_IF, sizeof(ENABLE_IF) - 1)) {
		c->at += sizeof(ENABLE_IF) - 1;
		PLAN(c, DO(LIST, CXX_DO_TEMPLATE_ARGUMENT | 'E' << 8));
	} else {
		cxx_push(c, 0);
	}
}

/* Plans the type of a function after the values name and list of attributes. */
void cxx_signature_rest(struct cxx *c, unsigned local)
{
	bool returns = has_return_type(c, c->value[c->value_count - 2]);

	PLAN(c, DO(PARAMETERS, 0), DO(MAKE2, CXX_FUNCTION), DO(SIGNATURE_END, local));
	if (returns)
		PLAN(c, DO(TYPE, 0));
	else
		cxx_push(c, 0);
}

/* Makes an encoding of the values name, attributes and function. Q <requires expression> may
 * follow. */
void cxx_signature_end(struct cxx *c, unsigned local)
{
	if (cxx_take(c, 'Q')) {
		PLAN(c, DO(EXPRESSION, 0), DO(CONDITIONS_END, local));
	} else {
		cxx_push(c, 0);
		cxx_conditions_end(c, local);
	}
}

void cxx_conditions_end(struct cxx *c, unsigned local)
{
	unsigned requires = cxx_pop(c);
	unsigned function = cxx_pop(c);
	unsigned enabled = cxx_pop(c);
	unsigned name = cxx_pop(c);
	unsigned conditions = 0;

	if (requires || enabled)
		conditions = cxx_new(c, CXX_CONDITIONS, 0, enabled, requires, name);
	cxx_push_new(c, CXX_FUNCTION_NAME, local, name, function, conditions);
}
