/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text of names and lists, and what the printer of types and of expressions share:
 * template arguments that stand for a parameter, packs, and the order of halves.
 *
 * A type has two halves around what it declares, `int (*` and `) [3]`: PRINT_LEFT and
 * PRINT_RIGHT. Everything else has a left half only. PRINT writes both.
 *
 * T_ is bound when it is printed: to the arguments of the template whose function is being
 * printed (`scope`), or, inside a lambda's parameters, to the lambda's own (auto:1). The level that
 * the parameter and the lambda have in the name tells which: in the type of a function template
 * T_ is the template's, and TL0__ that of a lambda there.
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

/* Item number of a list, or 0 */
static unsigned list_item(struct cxx *c, unsigned list, unsigned number)
{
	while (list && number && cxx_charge(c, 1)) {
		list = c->node[list].b;
		number--;
	}
	return c->node[list].a;	/* node 0 has none */
}

/* The function template's argument for a parameter of level 0, a pack as a whole, or 0 */
static unsigned template_argument(struct cxx *c, unsigned parameter, unsigned scope)
{
	return list_item(c, c->node[c->node[scope].a].a, c->node[parameter].a);
}

unsigned cxx_lambda_of(struct cxx *c, unsigned parameter)
{
	unsigned level = c->node[parameter].b;

	for (unsigned list = c->lambdas; list && cxx_charge(c, 1); list = c->node[list].b)
		if (c->node[c->node[list].a].flag == level)
			return c->node[list].a;
	/* gcc 12 writes no levels: what the template does not have is the lambda's. */
	if (!c->lambdas || (!level && c->scope && template_argument(c, parameter, c->scope)))
		return 0;
	return c->node[c->lambdas].a;
}

/* What a parameter stands for, a pack as a whole, or 0 */
static unsigned argument_of(struct cxx *c, unsigned parameter, unsigned scope)
{
	unsigned level = c->node[parameter].b;

	if (!scope || cxx_lambda_of(c, parameter))
		return 0;
	if (c->node[scope].flag) {
		unsigned arguments = list_item(c, c->node[scope].c, level);

		return list_item(c, c->node[arguments].a, c->node[parameter].a);
	}
	return level ? 0 : template_argument(c, parameter, scope);
}

unsigned cxx_resolve(struct cxx *c, unsigned node, unsigned *scope)
{
	while (c->node[node].kind == CXX_PARAMETER && cxx_charge(c, 1)) {
		unsigned argument = argument_of(c, node, *scope);

		if (c->node[argument].kind == CXX_ARGUMENTS && c->pack_index != CXX_WHOLE_PACK)
			argument = list_item(c, c->node[argument].a, c->pack_index);
		if (!argument)
			return node;
		*scope = c->node[*scope].b;
		node = argument;
	}
	return node;
}

/* --- lists and packs --- */

void cxx_print_list(struct cxx *c, unsigned list)
{
	if (list)
		PLAN(c, DO(PRINT, c->node[list].a), DO(PRINT_LIST_REST, c->node[list].b));
}

/* A pack without elements prints nothing: at the end of a list, no comma either. */
void cxx_print_list_rest(struct cxx *c, unsigned list)
{
	if (list) {
		sink_comma(&c->out);
		cxx_print_list(c, list);
	} else if (sink_drop_commas(&c->out)) {
		c->comma_dropped = c->out.at;
	}
}

/* Which of a, b, c of a node are nodes that a pack may be found in. */
static unsigned children(const struct cxx_node *n)
{
	enum { A = 1, B = 2, C = 4 };
	static const uint8_t of_kind[CXX_KINDS] = {
		[CXX_SCOPED] = A | B, [CXX_LOCAL] = A | B, [CXX_TEMPLATE] = A | B,
		[CXX_CONVERSION] = A, [CXX_DESTRUCTOR] = A, [CXX_MEMBER] = A,
		[CXX_FUNCTION_NAME] = A | B, [CXX_SUFFIX] = A, [CXX_QUALIFIED] = A,
		[CXX_VENDOR_QUALIFIED] = A | B, [CXX_FUNCTION] = A | B | C,
		[CXX_ARRAY] = A | B, [CXX_MEMBER_POINTER] = A | B, [CXX_VECTOR] = A | B,
		[CXX_DECLTYPE] = A, [CXX_LIST] = A | B, [CXX_ARGUMENTS] = A,
		[CXX_LITERAL] = A, [CXX_LITERAL_NAME] = A, [CXX_UNARY] = B,
		[CXX_POSTFIX] = B, [CXX_BINARY] = B | C, [CXX_TERNARY] = A | B | C,
		[CXX_CALL] = A | B, [CXX_CAST] = A | B, [CXX_NAMED_CAST] = B | C,
		[CXX_OF] = B, [CXX_BRACED] = A | B, [CXX_NEW] = A | B | C, [CXX_DELETE] = B,
		[CXX_GLOBAL] = A, [CXX_LIST_OF] = A, [CXX_DESIGNATED] = A | B | C,
		[CXX_VENDOR_EXPRESSION] = A | B, [CXX_SUBOBJECT] = A | B,
		[CXX_INDEXED] = B, [CXX_TAGGED] = A, [CXX_IN_MODULE] = A,
		[CXX_VENDOR_OPERATOR] = A, [CXX_BIT_INT] = A, [CXX_CONSTRAINED_AUTO] = A,
		[CXX_HEAD] = A, [CXX_DECLARATION] = A, [CXX_REQUIRES] = A | B,
		[CXX_REQUIREMENT] = A | C,
		/* not in what is an expansion itself: sizeof..., a fold, the pack of T...[n] */
	};

	if (n->kind == CXX_EXCEPTION)
		return n->a ? A : 0;
	if (n->kind == CXX_LAMBDA)	/* at level 0, T_ is its own */
		return n->flag ? A | C : 0;
	return of_kind[n->kind];
}

/*
 * The pack (CXX_ARGUMENTS) that a pattern expands, or 0: the first T_ in it that stands for
 * one. Depth first, with the free part of the task stack to remember what is left.
 */
static unsigned find_pack(struct cxx *c, unsigned pattern)
{
	struct cxx_task *stack = c->task + c->task_count;
	unsigned room = CXX_TASKS - c->task_count;
	unsigned depth = 0;

	if (!c->scope || room < 4)
		return 0;
	stack[depth++].arg = (uint16_t)pattern;
	while (depth && cxx_charge(c, 1)) {
		unsigned node = stack[--depth].arg;
		const struct cxx_node *n = &c->node[node];
		unsigned which = children(n);

		if (n->kind == CXX_PARAMETER) {
			unsigned argument = argument_of(c, node, c->scope);

			if (c->node[argument].kind == CXX_ARGUMENTS)
				return argument;
		}
		if (depth + 3 > room) {
			c->failed = true;
			return 0;
		}
		if (which & 4)
			stack[depth++].arg = n->c;
		if (which & 2)
			stack[depth++].arg = n->b;
		if (which & 1)
			stack[depth++].arg = n->a;
	}
	return 0;
}

static unsigned list_length(struct cxx *c, unsigned list)
{
	unsigned length = 0;

	for (; list && cxx_charge(c, 1); list = c->node[list].b)
		length++;
	return length;
}

bool cxx_pack_length(struct cxx *c, unsigned pattern, unsigned *length)
{
	unsigned pack = find_pack(c, pattern);

	*length = pack ? list_length(c, c->node[pack].a) : 0;
	return pack != 0;
}

/* The pattern once for each element, or as `pattern...` when it has no pack here. */
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

/* Inside a function's name, the qualifiers come later, after the parameters. */
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

void cxx_print_core(struct cxx *c, unsigned name)
{
	const struct cxx_node *n = &c->node[name];

	if (n->kind == CXX_MEMBER) {
		PLAN(c, DO(PRINT_CORE, n->a));
	} else if (n->kind == CXX_LOCAL) {
		PLAN(c, DO(PRINT, n->a), TEXT("::"), DO(PRINT_CORE, n->b));
	} else if (n->kind == CXX_DEFAULT_ARGUMENT) {
		sink_text(&c->out, "{default arg#");
		sink_number(&c->out, n->a);
		sink_text(&c->out, "}::");
		PLAN(c, DO(PRINT_CORE, n->b));
	} else {
		cxx_print_left(c, name);
	}
}

/* From here on T_ is one of these arguments. Plan RESTORE_SCOPE, RESTORE_NODES. */
static void enter_scope(struct cxx *c, unsigned arguments)
{
	PLAN(c, DO(RESTORE_SCOPE, c->scope), DO(RESTORE_LAMBDAS, c->lambdas),
	     DO(RESTORE_NODES, c->node_count));
	c->lambdas = 0;		/* those around are not around this name */
	c->scope = (uint16_t)cxx_new(c, CXX_LIST, 0, arguments, c->scope, 0);
}

/* void (*A::foo<int>() const)(int): return type, name, parameters, qualifiers, its rest */
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

/* The arguments of all templates in a name, those of the outermost first */
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
 * What must be true for this function to be chosen, after its type. Other than in the type, which
 * is that of the instantiated class's member, T_ is a parameter of the outermost class template
 * here, and TL0__ one of the next.
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
	static const char *const text[] = {
		" const", " volatile", " restrict", " &", " &&", " transaction_safe",
	};

	for (unsigned i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		if (qualifiers & 1u << i)
			sink_text(&c->out, text[i]);
}

/* --- names --- */

/*
 * operator< <int>, vector<vector<int> >: no two angles that touch, except, in c++filt's text
 * and so here, where an empty pack stood between them.
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
	if (c->node[last].kind == CXX_CONVERSION)	/* operator T_<int>: T_ is its own */
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

void cxx_print_left(struct cxx *c, unsigned node)
{
	const struct cxx_node *n = &c->node[node];

	switch (n->kind) {
	case CXX_NONE:
		break;
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
		PLAN(c, DO(PRINT, n->a), TEXT("::"), DO(PRINT, n->b));
		break;
	case CXX_LOCAL:
		PLAN(c, DO(PRINT, n->a), TEXT("::"), DO(PRINT, n->b));
		break;
	case CXX_STRING:
		sink_text(&c->out, "string literal");
		break;
	case CXX_DEFAULT_ARGUMENT:
		sink_text(&c->out, "{default arg#");
		sink_number(&c->out, n->a);
		sink_text(&c->out, "}::");
		PLAN(c, DO(PRINT, n->b));
		break;
	case CXX_TEMPLATE:
		print_template(c, node);
		break;
	case CXX_TAGGED:
		PLAN(c, DO(PRINT, n->a), TEXT("[a"), TEXT("bi"), TEXT(":"), DO(PRINT, n->b),
		     TEXT("]"));
		break;
	case CXX_MODULE:
		if (n->a)
			PLAN(c, DO(PRINT, n->a), TEXT(n->flag ? ":" : "."), DO(PRINT, n->b));
		else
			PLAN(c, DO(PRINT, n->b));
		break;
	case CXX_IN_MODULE:
		PLAN(c, DO(PRINT, n->a), TEXT("@"), DO(PRINT, n->b));
		break;
	case CXX_CONSTRUCTOR:
	case CXX_DESTRUCTOR:
		if (n->kind == CXX_DESTRUCTOR)
			sink_char(&c->out, '~');
		if (c->node[n->a].kind == CXX_ABBREVIATION)
			sink_text(&c->out, cxx_abbreviations[c->node[n->a].a].last);
		else
			PLAN(c, DO(PRINT, n->a));
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
		sink_text(&c->out, n->flag == 't' ? "{unnamed type#" : "{block literal#");
		sink_number(&c->out, n->a + 1ul);
		sink_char(&c->out, '}');
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
		if (n->kind < CXX_LITERAL)
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
