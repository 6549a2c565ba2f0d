/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text of types, in C's declarator syntax, in which the target of a pointer stands on both
 * sides:
 *
 *	PFvPA3_iE	void (*)(int (*) [3])
 *	M1AKFivE	int (A::*)() const
 *
 * The left half of a pointer is the left half of its target and a `*`, and the right half is the
 * target's right half. If the target is a function or an array, a parenthesis comes in between.
 */
#include "demangle/cxx.h"

/* The operand of a suffix such as & or const. T_ is replaced by its argument where the text depends
 * on that. */
struct target {
	unsigned node, scope;
	char letter;		/* of a reference: R or O after collapsing */
};

/*
 * T_ or a substitution may stand for a reference or a qualified type. A reference to a reference is
 * one reference, which is & unless both are && (C++ [dcl.ref]). Qualifiers of a qualified type are
 * put together.
 */
static struct target target_of(struct cxx *c, const struct cxx_node *n)
{
	struct target t = {n->a, c->scope, (char)n->flag};
	bool reference = n->kind == CXX_SUFFIX && (n->flag == 'R' || n->flag == 'O');

	while ((reference || n->kind == CXX_QUALIFIED) && cxx_charge(c, 1)) {
		unsigned scope = t.scope;
		const struct cxx_node *inner = &c->node[cxx_resolve(c, t.node, &scope)];

		if (inner->kind != n->kind ||
		    (reference && inner->flag != 'R' && inner->flag != 'O'))
			break;
		if (inner->flag == 'R')
			t.letter = 'R';
		t.node = inner->a;
		t.scope = scope;
	}
	return t;
}

/*
 * CXX_FUNCTION or CXX_ARRAY if the operand is one, because then a suffix needs parentheses; else 0.
 * An array with qualifiers needs them as well, since its qualifiers are those of its elements.
 */
static unsigned enclosed_kind(struct cxx *c, unsigned node, unsigned scope)
{
	bool qualified = false;

	while (cxx_charge(c, 1)) {
		node = cxx_resolve(c, node, &scope);
		switch (c->node[node].kind) {
		case CXX_QUALIFIED:
			qualified = true;
			node = c->node[node].a;
			continue;
		case CXX_FUNCTION:
			return qualified ? 0 : CXX_FUNCTION;
		case CXX_ARRAY:
			return CXX_ARRAY;
		default:
			return 0;
		}
	}
	return 0;
}

/* The kind of the operand if this suffix needs parentheses, else 0. */
static unsigned parenthesis(struct cxx *c, const struct cxx_node *n, const struct target *t)
{
	unsigned kind = enclosed_kind(c, t->node, t->scope);

	return kind == CXX_ARRAY && n->kind == CXX_QUALIFIED ? 0 : kind;
}

/* Whether a type has anything in its right half. */
static bool has_right(struct cxx *c, unsigned node)
{
	unsigned scope = c->scope;

	while (cxx_charge(c, 1)) {
		node = cxx_resolve(c, node, &scope);
		switch (c->node[node].kind) {
		case CXX_FUNCTION:
		case CXX_ARRAY:
			return true;
		case CXX_SUFFIX:
		case CXX_QUALIFIED:
		case CXX_VENDOR_QUALIFIED:
		case CXX_MEMBER_POINTER:
			node = c->node[node].a;
			continue;
		default:
			return false;
		}
	}
	return false;
}

/* A type without its qualifiers, and the qualifiers in the order of the text, each once. */
struct unqualified {
	unsigned node, scope;
	uint8_t bit[3];
	unsigned count;
};

/*
 * If T_ is const already, const T_ has one const. The same holds if T_ is an array of const
 * elements, because an array has the qualifiers of its elements (C++ [basic.type.qualifier]). The
 * innermost qualifier comes first, but an array turns the order of those outside. That is how
 * c++filt writes it.
 */
static struct unqualified unqualified(struct cxx *c, unsigned node)
{
	static const uint8_t bits[] = { CXX_RESTRICT, CXX_VOLATILE, CXX_CONST };
	struct unqualified q = { .scope = c->scope };
	unsigned known = 0;

	for (; cxx_charge(c, 1); node = c->node[q.node].a) {
		q.node = cxx_resolve(c, node, &q.scope);
		if (c->node[q.node].kind == CXX_QUALIFIED) {
			for (unsigned i = 0; i < sizeof(bits); i++) {
				if (!(c->node[q.node].flag & ~known & bits[i]))
					continue;
				q.bit[2] = q.bit[1];
				q.bit[1] = q.bit[0];
				q.bit[0] = bits[i];
				q.count++;
				known |= bits[i];
			}
		} else if (c->node[q.node].kind == CXX_ARRAY) {
			uint8_t first = q.bit[0];

			if (q.count) {
				q.bit[0] = q.bit[q.count - 1];
				q.bit[q.count - 1] = first;
			}
		} else {
			break;
		}
	}
	return q;
}

/* Plans a task that runs in a scope. */
static void plan_in_scope(struct cxx *c, struct plan_task task, unsigned scope)
{
	if (scope == c->scope) {
		cxx_plan(c, &task, 1);
	} else {
		PLAN(c, task, DO(RESTORE_SCOPE, c->scope));
		c->scope = (uint16_t)scope;
	}
}

static void suffix_left(struct cxx *c, unsigned node)
{
	struct target t = target_of(c, &c->node[node]);

	if (c->node[node].kind == CXX_QUALIFIED) {
		struct unqualified q = unqualified(c, node);

		t.node = q.node;
		t.scope = q.scope;
	}
	PLAN(c, DO(PRINT_SUFFIX, node));
	plan_in_scope(c, (struct plan_task)DO(PRINT_LEFT, t.node), t.scope);
}

static void print_qualifiers(struct cxx *c, unsigned node)
{
	struct unqualified q = unqualified(c, node);

	for (unsigned i = 0; i < q.count; i++)
		cxx_print_qualifiers(c, q.bit[i]);
}

/* Prints a suffix, after the left half of its operand: `*`, ` const`, ` (&`, ` (A::*`. */
void cxx_print_suffix(struct cxx *c, unsigned node)
{
	const struct cxx_node *n = &c->node[node];
	struct target t = target_of(c, n);
	unsigned kind = parenthesis(c, n, &t);
	char last = sink_last(&c->out);

	if (kind && last != ' ' &&
	    (kind == CXX_ARRAY || n->kind != CXX_SUFFIX || (last != '(' && last != '*')))
		sink_char(&c->out, ' ');
	if (kind)
		sink_char(&c->out, '(');
	switch (n->kind) {
	case CXX_SUFFIX:
		sink_text(&c->out, t.letter == 'P' ? "*" : t.letter == 'R' ? "&" :
			  t.letter == 'O' ? "&&" : t.letter == 'C' ? " _Complex" : " _Imaginary");
		break;
	case CXX_QUALIFIED:
		print_qualifiers(c, node);
		break;
	case CXX_VENDOR_QUALIFIED:
		sink_char(&c->out, ' ');
		PLAN(c, DO(PRINT, n->b));
		break;
	case CXX_MEMBER_POINTER:
		if (sink_last(&c->out) != '(')
			sink_char(&c->out, ' ');
		PLAN(c, DO(PRINT, n->b), TEXT("::"), TEXT("*"));
		break;
	}
}

static void suffix_right(struct cxx *c, unsigned node)
{
	struct target t = target_of(c, &c->node[node]);

	if (parenthesis(c, &c->node[node], &t))
		sink_char(&c->out, ')');
	plan_in_scope(c, (struct plan_task)DO(PRINT_RIGHT, t.node), t.scope);
}

/* Prints the space after a return type, which is missing where the type has a right half: void
 * (*f())() */
void cxx_print_after_return(struct cxx *c, unsigned result)
{
	if (!has_right(c, result))
		sink_char(&c->out, ' ');
}

static void function_right(struct cxx *c, const struct cxx_node *n)
{
	sink_char(&c->out, '(');
	if (n->a)
		PLAN(c, DO(PRINT_RIGHT, n->a));
	if (n->c)
		PLAN(c, DO(PRINT, n->c));
	PLAN(c, DO(PRINT_LIST, n->b), TEXT(")"), DO(PRINT_QUALIFIERS, n->flag));
}

static void print_exception(struct cxx *c, const struct cxx_node *n)
{
	sink_text(&c->out, n->flag == 'w' ? " throw" : " noexcept");
	if (n->flag == 'O')
		PLAN(c, TEXT("("), DO(PRINT, n->a), TEXT(")"));
	else if (n->flag == 'w')
		PLAN(c, TEXT("("), DO(PRINT_LIST, n->a), TEXT(")"));
}

static void array_right(struct cxx *c, const struct cxx_node *n)
{
	if (c->out.at != c->array_end)
		sink_char(&c->out, ' ');
	PLAN(c, TEXT("["), DO(PRINT, n->b), DO(PRINT_ARRAY_END, 0), DO(PRINT_RIGHT, n->a));
}

void cxx_print_array_end(struct cxx *c, unsigned arg)
{
	(void)arg;
	sink_char(&c->out, ']');
	c->array_end = c->out.at;
}

/* --- template parameters --- */

/* $T0 (a type), $N1 (a value), $TT2 (a template): a parameter that a generic lambda's head
 * declares. */
static void print_declared(struct cxx *c, unsigned declaration, unsigned number)
{
	const struct cxx_node *n = &c->node[declaration];

	if (n->flag == 'p')
		n = &c->node[n->a];
	sink_text(&c->out, n->flag == 'n' ? "$N" : n->flag == 't' ? "$TT" : "$T");
	sink_number(&c->out, number);
}

/* Prints a parameter of a template that is not in the name, as it is in the mangled name: T TL0_1
 * */
static void print_unknown(struct cxx *c, const struct cxx_node *n)
{
	sink_char(&c->out, 'T');
	if (n->b) {
		sink_char(&c->out, 'L');
		sink_number(&c->out, n->b - 1ul);
		sink_char(&c->out, '_');
	}
	if (n->a)
		sink_number(&c->out, n->a - 1ul);
}

static void print_parameter(struct cxx *c, unsigned node)
{
	const struct cxx_node *n = &c->node[node];
	unsigned scope = c->scope, argument;

	unsigned lambda = cxx_lambda_of(c, node);

	if (lambda) {
		unsigned list = c->node[c->node[lambda].c].a, number = n->a;

		while (list && number && cxx_charge(c, 1)) {
			list = c->node[list].b;
			number--;
		}
		if (list) {
			print_declared(c, c->node[list].a, n->a);
		} else {
			sink_text(&c->out, "auto:");
			sink_number(&c->out, n->a + 1ul);
		}
		return;
	}
	argument = cxx_resolve(c, node, &scope);
	if (argument == node && c->node[c->scope].flag) {
		print_unknown(c, n);
		return;
	}
	if (argument == node)
		c->failed = true;
	plan_in_scope(c, (struct plan_task)DO(PRINT_LEFT, argument), scope);
}

static void parameter_right(struct cxx *c, unsigned node)
{
	unsigned scope = c->scope;
	unsigned argument = cxx_resolve(c, node, &scope);

	if (argument != node)
		plan_in_scope(c, (struct plan_task)DO(PRINT_RIGHT, argument), scope);
}

/* `typename`, `int`, `template<typename> class`; `...` follows for a pack. */
static void print_declaration(struct cxx *c, const struct cxx_node *n)
{
	switch (n->flag) {
	case 'y':
		sink_text(&c->out, "typename");
		break;
	case 'p':
		PLAN(c, DO(PRINT, n->a), TEXT(".."), TEXT("."));
		break;
	case 't':
		sink_text(&c->out, "template<");
		PLAN(c, DO(PRINT_LIST, n->a), DO(PRINT_CLOSE, 0), TEXT(" c"), TEXT("la"),
		     TEXT("ss"));
		break;
	default:
		PLAN(c, DO(PRINT, n->a));
	}
}

/* The list of declarations of the lambda whose head is being printed. */
static unsigned innermost_head(const struct cxx *c)
{
	const struct cxx_node *lambda = &c->node[c->node[c->lambdas].a];

	return c->node[lambda->c].a;
}

/* Prints the head of a lambda from declaration `number` on: <typename $T0, int $N1>. */
void cxx_print_head(struct cxx *c, unsigned number)
{
	unsigned list = innermost_head(c);

	for (unsigned i = 0; i < number && list && cxx_charge(c, 1); i++)
		list = c->node[list].b;
	if (!list) {
		sink_char(&c->out, '>');
		return;
	}
	sink_text(&c->out, number ? ", " : "<");
	PLAN(c, DO(PRINT, c->node[list].a), TEXT(" "), DO(PRINT_DECLARED, number),
	     DO(PRINT_HEAD, number + 1));
}

void cxx_print_declared(struct cxx *c, unsigned number)
{
	unsigned list = innermost_head(c);

	for (unsigned i = 0; i < number && cxx_charge(c, 1); i++)
		list = c->node[list].b;
	print_declared(c, c->node[list].a, number);
}

/* --- */

static void print_float(struct cxx *c, const struct cxx_node *n)
{
	if (n->flag == 'b') {
		sink_text(&c->out, "std::bfloat");
		cxx_print_source(c, n->a, n->b);
		sink_text(&c->out, "_t");
		return;
	}
	sink_text(&c->out, "_Float");
	cxx_print_source(c, n->a, n->b);
	if (n->flag == 'x')
		sink_char(&c->out, 'x');
}

static void print_fixed(struct cxx *c, const struct cxx_node *n)
{
	if (n->b)
		sink_text(&c->out, "_Sat ");
	if (n->flag != 'i' && n->flag != 'j') {	/* the letter of a size is that of a builtin type */
		sink_text(&c->out, cxx_builtin((char)n->flag, false));
		sink_char(&c->out, ' ');
	} else if (n->flag == 'j') {
		sink_text(&c->out, "unsigned ");
	}
	sink_text(&c->out, n->a == 'A' ? "_Accum" : "_Fract");
}

void cxx_print_type_left(struct cxx *c, unsigned node)
{
	const struct cxx_node *n = &c->node[node];

	switch (n->kind) {
	case CXX_BUILTIN:
		sink_text(&c->out, cxx_builtin((char)n->a, n->flag));
		break;
	case CXX_FLOAT:
		print_float(c, n);
		break;
	case CXX_BIT_INT:
		sink_text(&c->out, n->flag == 'U' ? "unsigned _BitInt(" : "_BitInt(");
		PLAN(c, DO(PRINT, n->a), TEXT(")"));
		break;
	case CXX_FIXED:
		print_fixed(c, n);
		break;
	case CXX_CONSTRAINED_AUTO:
		if (n->flag == 'K')
			PLAN(c, DO(PRINT, n->a), TEXT(" d"), TEXT("ec"), TEXT("lt"), TEXT("yp"),
			     TEXT("e("), TEXT("au"), TEXT("to"), TEXT(")"));
		else
			PLAN(c, DO(PRINT, n->a), TEXT(" a"), TEXT("ut"), TEXT("o"));
		break;
	case CXX_SUFFIX:
	case CXX_QUALIFIED:
	case CXX_VENDOR_QUALIFIED:
	case CXX_MEMBER_POINTER:
		suffix_left(c, node);
		break;
	case CXX_FUNCTION:
		if (n->a)
			PLAN(c, DO(PRINT_LEFT, n->a), DO(PRINT_AFTER_RETURN, n->a));
		break;
	case CXX_EXCEPTION:
		print_exception(c, n);
		break;
	case CXX_ARRAY:
		PLAN(c, DO(PRINT_LEFT, n->a));
		break;
	case CXX_VECTOR:
		PLAN(c, DO(PRINT, n->a), TEXT(" _"), TEXT("_v"), TEXT("ec"), TEXT("to"),
		     TEXT("r("), DO(PRINT, n->b), TEXT(")"));
		break;
	case CXX_PARAMETER:
		print_parameter(c, node);
		break;
	case CXX_DECLTYPE:
		sink_text(&c->out, "decltype (");
		PLAN(c, DO(PRINT, n->a), TEXT(")"));
		break;
	case CXX_DECLARATION:
		print_declaration(c, n);
		break;
	}
}

void cxx_print_right(struct cxx *c, unsigned node)
{
	const struct cxx_node *n = &c->node[node];

	switch (n->kind) {
	case CXX_SUFFIX:
	case CXX_QUALIFIED:
	case CXX_VENDOR_QUALIFIED:
	case CXX_MEMBER_POINTER:
		suffix_right(c, node);
		break;
	case CXX_FUNCTION:
		function_right(c, n);
		break;
	case CXX_ARRAY:
		array_right(c, n);
		break;
	case CXX_PARAMETER:
		parameter_right(c, node);
		break;
	}
}
