/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text of names and lists, and steps that the printers of types and of expressions share.
 *
 * A type has two halves around the declared name, `int (*` and `) [3]`, which PRINT_LEFT and
 * PRINT_RIGHT write. All other nodes have a left half only. PRINT writes both halves.
 */
#include "demangle/cxx.h"

void cxx_print_text(struct cxx *c, unsigned text)
{
	sink_char(&c->out, (char)text);
	if (text >> 8)
		sink_char(&c->out, (char)(text >> 8));
}

void cxx_print_source(struct cxx *c, unsigned offset, unsigned len)
{
	sink_bytes(&c->out, c->name + offset, len);
}

void cxx_restore_scope(struct cxx *c, unsigned scope)
{
	c->scope = (uint16_t)scope;
}

void cxx_restore_nodes(struct cxx *c, unsigned count)
{
	c->node_count = (uint16_t)count;
}

void cxx_restore_pack(struct cxx *c, unsigned index)
{
	c->pack_index = (uint16_t)index;
}

void cxx_restore_lambdas(struct cxx *c, unsigned lambdas)
{
	c->lambdas = (uint16_t)lambdas;
}

/* --- lists and packs --- */

void cxx_print_list(struct cxx *c, unsigned list)
{
	if (list)
		PLAN(c, DO(PRINT, c->node[list].a), DO(PRINT_LIST_REST, c->node[list].b));
}

/* A pack without elements prints nothing, and at the end of a list, the comma before it goes, too.
 * */
void cxx_print_list_rest(struct cxx *c, unsigned list)
{
	if (list) {
		sink_comma(&c->out);
		cxx_print_list(c, list);
	} else if (sink_drop_commas(&c->out)) {
		c->comma_dropped = c->out.at;
	}
}

/* Prints the pattern once for each element of its pack, or `pattern...` if the pack is not known
 * here. */
static void print_expansion(struct cxx *c, unsigned pattern)
{
	unsigned length;

	if (!cxx_pack_length(c, pattern, &length)) {
		PLAN(c, DO(PRINT_OPERAND, pattern), TEXT(".."), TEXT("."));
		return;
	}
	PLAN(c, DO(RESTORE_PACK, c->pack_index));
	while (length--) {
		if (length)
			PLAN(c, TEXT(", "), DO(RESTORE_PACK, length), DO(PRINT, pattern));
		else
			PLAN(c, DO(RESTORE_PACK, 0), DO(PRINT, pattern));
	}
}

/* --- functions --- */

/* The qualifiers in a function's name, which are printed after the parameters; *core: the name
 * without scope and qualifiers. */
static unsigned member_qualifiers(const struct cxx *c, unsigned name, unsigned *core)
{
	unsigned qualifiers = 0;

	for (;;) {
		const struct cxx_node *n = &c->node[name];

		if (n->kind == CXX_MEMBER) {
			qualifiers |= n->flag;
			name = n->a;
		} else if (n->kind == CXX_LOCAL || n->kind == CXX_DEFAULT_ARGUMENT) {
			name = n->b;
		} else {
			*core = name;
			return qualifiers;
		}
	}
}

/* The scope that a default argument is, before the entity in it. */
static void print_default_argument(struct cxx *c, const struct cxx_node *n)
{
	sink_text(&c->out, "{default arg#");
	sink_number(&c->out, n->a);
	sink_text(&c->out, "}::");
}

void cxx_print_core(struct cxx *c, unsigned name)
{
	const struct cxx_node *n = &c->node[name];

	if (n->kind == CXX_MEMBER) {
		PLAN(c, DO(PRINT_CORE, n->a));
	} else if (n->kind == CXX_LOCAL) {
		PLAN(c, DO(PRINT, n->a), TEXT("::"), DO(PRINT_CORE, n->b));
	} else if (n->kind == CXX_DEFAULT_ARGUMENT) {
		print_default_argument(c, n);
		PLAN(c, DO(PRINT_CORE, n->b));
	} else {
		cxx_print_left(c, name);
	}
}

/* From here on, T_ is one of these arguments, until the tasks that are planned after this have run.
 * */
static void enter_scope(struct cxx *c, unsigned arguments)
{
	PLAN(c, DO(RESTORE_SCOPE, c->scope), DO(RESTORE_LAMBDAS, c->lambdas),
	     DO(RESTORE_NODES, c->node_count));
	c->lambdas = 0;		/* this name does not lie within the lambdas around */
	c->scope = (uint16_t)cxx_new(c, CXX_LIST, 0, arguments, c->scope, 0);
}

/* The parts of void (*A::foo<int>() const)(int) are: the return type's left half, name, parameters,
 * qualifiers, and the return type's right half. */
static void print_function(struct cxx *c, const struct cxx_node *n)
{
	const struct cxx_node *type = &c->node[n->b];
	unsigned core, qualifiers = member_qualifiers(c, n->a, &core);
	unsigned result = n->flag ? 0 : type->a;

	if (c->node[core].kind == CXX_TEMPLATE)
		enter_scope(c, c->node[core].b);
	if (n->c)
		PLAN(c, DO(PRINT, n->c));
	if (result)
		PLAN(c, DO(PRINT_RIGHT, result));
	if (qualifiers)
		PLAN(c, DO(PRINT_QUALIFIERS, qualifiers));
	PLAN(c, DO(PRINT_CORE, n->a), TEXT("("), DO(PRINT_LIST, type->b), TEXT(")"));
	if (result)
		PLAN(c, DO(PRINT_LEFT, result), DO(PRINT_AFTER_RETURN, result));
}

/* A list of the arguments of all templates in a name, those of the outermost template first. */
static unsigned template_levels(struct cxx *c, unsigned name)
{
	unsigned levels = 0, outer = 0;

	while (cxx_charge(c, 1)) {
		struct cxx_node n = c->node[name];

		if (n.kind == CXX_TEMPLATE)
			levels = cxx_new(c, CXX_LIST, 0, n.b, levels, 0);
		if (n.kind == CXX_LOCAL)
			outer = n.a;
		if (n.kind == CXX_LOCAL || n.kind == CXX_DEFAULT_ARGUMENT)
			name = n.b;
		else if (n.kind == CXX_TEMPLATE || n.kind == CXX_SCOPED || n.kind == CXX_MEMBER ||
			 n.kind == CXX_TAGGED || n.kind == CXX_IN_MODULE || n.kind == CXX_FRIEND ||
			 n.kind == CXX_FUNCTION_NAME)
			name = n.a;
		else if (outer)
			name = outer, outer = 0;
		else
			break;
	}
	return levels;
}

/*
 * Prints the conditions under which the function is chosen; they follow its type. In the type,
 * which is that of a member of the instantiated class, T_ is a parameter of the function template.
 * In conditions, T_ is a parameter of the outermost class template, and TL0__ one of the next.
 */
static void print_conditions(struct cxx *c, const struct cxx_node *n)
{
	PLAN(c, DO(RESTORE_SCOPE, c->scope), DO(RESTORE_NODES, c->node_count));
	unsigned levels = template_levels(c, n->c);

	c->scope = (uint16_t)cxx_new(c, CXX_LIST, 1, c->node[c->scope].a, c->scope, levels);
	if (n->b)
		PLAN(c, TEXT(" r"), TEXT("eq"), TEXT("ui"), TEXT("re"), TEXT("s "),
		     DO(PRINT, n->b));
	if (n->a) {
		sink_text(&c->out, " [enable_if:");
		PLAN(c, DO(PRINT_LIST, n->a), TEXT("]"));
	}
}

void cxx_print_qualifiers(struct cxx *c, unsigned qualifiers)
{
	static const char text[][18] = {
		" const", " volatile", " restrict", " &", " &&", " transaction_safe",
	};

	for (unsigned i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		if (qualifiers & 1u << i)
			sink_text(&c->out, text[i]);
}

/* --- names --- */

/*
 * operator< <int>, vector<vector<int> >: a space keeps two angle brackets apart, except where an
 * empty pack stood between them. That is how c++filt writes it.
 */
void cxx_print_open(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (sink_last(&c->out) == '<')
		sink_char(&c->out, ' ');
	sink_char(&c->out, '<');
}

void cxx_print_close(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (sink_last(&c->out) == '>' && c->out.at != c->comma_dropped)
		sink_char(&c->out, ' ');
	sink_char(&c->out, '>');
}

static void print_template(struct cxx *c, unsigned node)
{
	const struct cxx_node *n = &c->node[node];
	unsigned last = n->a;

	if (c->node[last].kind == CXX_SCOPED)
		last = c->node[last].b;
	if (c->node[last].kind == CXX_CONVERSION)	/* in operator T_<int>, T_ is the operator's own */
		enter_scope(c, n->b);
	PLAN(c, DO(PRINT, n->a), DO(PRINT_OPEN, 0), DO(PRINT_LIST, c->node[n->b].a),
	     DO(PRINT_CLOSE, 0));
}

static void print_operator(struct cxx *c, unsigned number)
{
	const char *text = cxx_operators[number].text;
	size_t len = strlen(text);

	sink_text(&c->out, "operator");
	if (text[0] >= 'a' && text[0] <= 'z')
		sink_char(&c->out, ' ');
	sink_bytes(&c->out, text, text[len - 1] == ' ' ? len - 1 : len);
}

static void print_lambda(struct cxx *c, unsigned node)
{
	const struct cxx_node *n = &c->node[node];

	sink_text(&c->out, "{lambda");
	PLAN(c, TEXT("("), DO(PRINT_LIST, n->a), DO(RESTORE_LAMBDAS, c->lambdas),
	     DO(RESTORE_NODES, c->node_count), TEXT(")#"), DO(PRINT_ORDINAL, n->b), TEXT("}"));
	c->lambdas = (uint16_t)cxx_new(c, CXX_LIST, 0, node, c->lambdas, 0);
	if (n->c)
		PLAN(c, DO(PRINT_HEAD, 0));
}

void cxx_print_ordinal(struct cxx *c, unsigned number)
{
	sink_number(&c->out, number + 1ul);
}

static void print_special(struct cxx *c, const struct cxx_node *n)
{
	sink_text(&c->out, cxx_special_text(n->a));
	if (n->flag == 1) {
		PLAN(c, DO(PRINT, n->b), TEXT("-i"), TEXT("n-"), DO(PRINT, n->c));
		return;
	}
	if (n->flag == 2) {
		sink_number(&c->out, n->c);
		sink_text(&c->out, " for ");
	}
	PLAN(c, DO(PRINT, n->b));
}

/* ABI tags: f[abi:cxx11] */
static void print_tagged(struct cxx *c, const struct cxx_node *n)
{
	PLAN(c, DO(PRINT, n->a), TEXT("[a"), TEXT("bi"), TEXT(":"), DO(PRINT, n->b), TEXT("]"));
}

/* A module's name, foo.bar or with a partition foo:bar. */
static void print_module(struct cxx *c, const struct cxx_node *n)
{
	if (n->a)
		PLAN(c, DO(PRINT, n->a), TEXT(n->flag ? ":" : "."), DO(PRINT, n->b));
	else
		PLAN(c, DO(PRINT, n->b));
}

/* A constructor or destructor has the name of its class. */
static void print_structor(struct cxx *c, const struct cxx_node *n)
{
	const struct cxx_node *class_name = &c->node[n->a];

	if (n->kind == CXX_DESTRUCTOR)
		sink_char(&c->out, '~');
	if (class_name->kind == CXX_ABBREVIATION)
		sink_text(&c->out, cxx_abbreviations[class_name->a].last);
	else
		PLAN(c, DO(PRINT, n->a));
}

static void print_unnamed(struct cxx *c, const struct cxx_node *n)
{
	sink_text(&c->out, n->flag == 't' ? "{unnamed type#" : "{block literal#");
	sink_number(&c->out, n->a + 1ul);
	sink_char(&c->out, '}');
}

/* The kinds of enum cxx_kind up to CXX_FRIEND. */
static void print_name(struct cxx *c, unsigned node)
{
	const struct cxx_node *n = &c->node[node];

	switch (n->kind) {
	case CXX_NAME:
		cxx_print_source(c, n->a, n->b);
		break;
	case CXX_ANONYMOUS:
		sink_text(&c->out, "(anonymous namespace)");
		break;
	case CXX_STD:
		sink_text(&c->out, "std");
		break;
	case CXX_ABBREVIATION:
		sink_text(&c->out, cxx_abbreviations[n->a].text);
		break;
	case CXX_SCOPED:
	case CXX_LOCAL:
		PLAN(c, DO(PRINT, n->a), TEXT("::"), DO(PRINT, n->b));
		break;
	case CXX_STRING:
		sink_text(&c->out, "string literal");
		break;
	case CXX_DEFAULT_ARGUMENT:
		print_default_argument(c, n);
		PLAN(c, DO(PRINT, n->b));
		break;
	case CXX_TEMPLATE:
		print_template(c, node);
		break;
	case CXX_TAGGED:
		print_tagged(c, n);
		break;
	case CXX_MODULE:
		print_module(c, n);
		break;
	case CXX_IN_MODULE:
		PLAN(c, DO(PRINT, n->a), TEXT("@"), DO(PRINT, n->b));
		break;
	case CXX_CONSTRUCTOR:
	case CXX_DESTRUCTOR:
		print_structor(c, n);
		break;
	case CXX_OPERATOR:
		print_operator(c, n->a);
		break;
	case CXX_CONVERSION:
	case CXX_VENDOR_OPERATOR:
		sink_text(&c->out, "operator ");
		PLAN(c, DO(PRINT, n->a));
		break;
	case CXX_LITERAL_OPERATOR:
		sink_text(&c->out, "operator\"\" ");
		PLAN(c, DO(PRINT, n->a));
		break;
	case CXX_UNNAMED:
		print_unnamed(c, n);
		break;
	case CXX_LAMBDA:
		print_lambda(c, node);
		break;
	case CXX_BINDING:
		PLAN(c, TEXT("["), DO(PRINT_LIST, n->a), TEXT("]"));
		break;
	case CXX_MEMBER:
		PLAN(c, DO(PRINT, n->a), DO(PRINT_QUALIFIERS, n->flag));
		break;
	case CXX_FRIEND:
		sink_text(&c->out, "friend ");
		PLAN(c, DO(PRINT, n->a));
		break;
	}
}

void cxx_print_left(struct cxx *c, unsigned node)
{
	const struct cxx_node *n = &c->node[node];

	switch (n->kind) {
	case CXX_FUNCTION_NAME:
		print_function(c, n);
		break;
	case CXX_CONDITIONS:
		print_conditions(c, n);
		break;
	case CXX_SPECIAL:
		print_special(c, n);
		break;
	case CXX_CLONE:
		PLAN(c, DO(PRINT, n->a), TEXT(" ["), TEXT("cl"), TEXT("on"), TEXT("e "),
		     DO(PRINT, n->b), TEXT("]"));
		break;
	case CXX_LIST:
		cxx_print_list(c, node);
		break;
	case CXX_ARGUMENTS:
		cxx_print_list(c, n->a);
		break;
	case CXX_EXPANSION:
		print_expansion(c, n->a);
		break;
	default:
		if (n->kind < CXX_FUNCTION_NAME)
			print_name(c, node);
		else if (n->kind < CXX_LITERAL)
			cxx_print_type_left(c, node);
		else
			cxx_print_expression(c, node);
	}
}

void cxx_print(struct cxx *c, unsigned node)
{
	unsigned kind = c->node[node].kind;

	if (kind >= CXX_SUFFIX && kind <= CXX_PARAMETER)
		PLAN(c, DO(PRINT_RIGHT, node));
	cxx_print_left(c, node);
}
