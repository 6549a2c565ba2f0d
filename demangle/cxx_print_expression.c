/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text of expressions. Operands stand in parentheses unless they are plain names, lists in
 * braces or function parameters: {parm#1}+(2).
 */
#include "demangle/cxx.h"

void cxx_print_operand(struct cxx *c, unsigned node)
{
	unsigned kind = c->node[node].kind;

	while (kind == CXX_LITERAL_NAME) {
		node = c->node[node].a;
		kind = c->node[node].kind;
	}
	if (kind == CXX_NAME || kind == CXX_SCOPED || kind == CXX_BRACED ||
	    kind == CXX_FUNCTION_PARAMETER)
		PLAN(c, DO(PRINT, node));
	else
		PLAN(c, TEXT("("), DO(PRINT, node), TEXT(")"));
}

/* 5, 5u, 5ul, true, (char)65, (float)[3f800000]. The value is missing for nullptr. */
static void print_literal(struct cxx *c, const struct cxx_node *n)
{
	static const struct {
		char letter, suffix[4];
	} plain[] = {
		{'i', ""}, {'j', "u"}, {'l', "l"}, {'m', "ul"}, {'x', "ll"}, {'y', "ull"},
	};
	const struct cxx_node *type = &c->node[n->a];
	char letter = type->kind == CXX_BUILTIN && !type->flag ? (char)type->a : '\0';

	if (!n->c) {
		PLAN(c, DO(PRINT, n->a));
		return;
	}
	for (unsigned i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (plain[i].letter != letter)
			continue;
		if (n->flag)
			sink_char(&c->out, '-');
		cxx_print_source(c, n->b, n->c);
		sink_text(&c->out, plain[i].suffix);
		return;
	}
	if (letter == 'b' && n->c == 1 && !n->flag &&
	    (c->name[n->b] == '0' || c->name[n->b] == '1')) {
		sink_text(&c->out, c->name[n->b] == '1' ? "true" : "false");
		return;
	}
	sink_char(&c->out, '(');
	bool is_float = letter == 'f' || letter == 'd' || letter == 'e' || letter == 'g';

	if (is_float)
		PLAN(c, TEXT("["), DO(PRINT_LITERAL_VALUE, n - c->node), TEXT("]"));
	else
		PLAN(c, DO(PRINT_LITERAL_VALUE, n - c->node));
	if (n->flag)
		PLAN(c, TEXT("-"));
	PLAN(c, DO(PRINT, n->a), TEXT(")"));
}

void cxx_print_literal_value(struct cxx *c, unsigned node)
{
	cxx_print_source(c, c->node[node].b, c->node[node].c);
}

/* &x, -x. The address of a member function has only the function's name: &A::f. */
static void print_unary(struct cxx *c, const struct cxx_node *n)
{
	const struct cxx_operator *operator = &cxx_operators[n->a];
	unsigned operand = n->b;

	sink_text(&c->out, operator->text);
	if (operator->code[0] == 'a' && operator->code[1] == 'd') {
		const struct cxx_node *name = &c->node[operand];

		if (name->kind == CXX_LITERAL_NAME)
			name = &c->node[name->a];
		if (name->kind == CXX_FUNCTION_NAME && c->node[name->a].kind == CXX_SCOPED)
			operand = name->a;
	}
	cxx_print_operand(c, operand);
}

static void print_binary(struct cxx *c, const struct cxx_node *n)
{
	const struct cxx_operator *operator = &cxx_operators[n->a];
	bool angle = !strcmp(operator->text, ">");	/* without parentheses, > would end the arguments */

	if (operator->style == CXX_INDEX) {
		PLAN(c, DO(PRINT_OPERAND, n->b), TEXT("["), DO(PRINT, n->c), TEXT("]"));
		return;
	}
	if (angle)
		PLAN(c, TEXT(")"));
	PLAN(c, DO(PRINT_OPERAND, n->b), DO(PRINT_OPERATOR, n->a), DO(PRINT_OPERAND, n->c));
	if (angle)
		sink_char(&c->out, '(');
}

void cxx_print_operator(struct cxx *c, unsigned number)
{
	sink_text(&c->out, cxx_operators[number].text);
}

/* Of the callee, only the name is printed: its parameter types would repeat the arguments. */
static void print_call(struct cxx *c, const struct cxx_node *n)
{
	unsigned callee = n->a;

	if (c->node[callee].kind == CXX_LITERAL_NAME)
		callee = c->node[callee].a;
	if (c->node[callee].kind == CXX_FUNCTION_NAME)
		callee = c->node[callee].a;
	PLAN(c, DO(PRINT_OPERAND, callee), TEXT("("), DO(PRINT_LIST, n->b), TEXT(")"));
}

/* (...+(1, 2, 3)). Only in a fold, a pack stands for all its elements. */
static void print_fold(struct cxx *c, const struct cxx_node *n)
{
	PLAN(c, DO(RESTORE_PACK, c->pack_index));
	c->pack_index = CXX_WHOLE_PACK;
	switch (n->flag) {
	case 'l':
		PLAN(c, TEXT("(."), TEXT(".."), DO(PRINT_OPERATOR, n->a),
		     DO(PRINT_OPERAND, n->b), TEXT(")"));
		break;
	case 'r':
		PLAN(c, TEXT("("), DO(PRINT_OPERAND, n->b), DO(PRINT_OPERATOR, n->a),
		     TEXT(".."), TEXT(".)"));
		break;
	default:
		PLAN(c, TEXT("("), DO(PRINT_OPERAND, n->b), DO(PRINT_OPERATOR, n->a),
		     TEXT(".."), TEXT("."), DO(PRINT_OPERATOR, n->a), DO(PRINT_OPERAND, n->c),
		     TEXT(")"));
	}
}

/* new (1) int(2) */
static void print_new(struct cxx *c, const struct cxx_node *n)
{
	sink_text(&c->out, "new ");	/* for new[] as well, because its type is an array */
	PLAN(c, DO(PRINT, n->b), DO(PRINT, n->c));
	if (n->a)
		PLAN(c, TEXT("("), DO(PRINT_LIST, n->a), TEXT(") "));
}

/* {.x=(1), [0]=(1), [0 ... 3]=(1)}. No = stands before a value that is designated itself: .x.y=(1).
 * */
static void print_designated(struct cxx *c, const struct cxx_node *n)
{
	unsigned value = n->flag == 'X' ? n->c : n->b;

	if (c->node[value].kind == CXX_DESIGNATED)
		PLAN(c, DO(PRINT, value));
	else
		PLAN(c, TEXT("="), DO(PRINT_OPERAND, value));
	if (n->flag == 'i')
		PLAN(c, TEXT("."), DO(PRINT, n->a));
	else if (n->flag == 'x')
		PLAN(c, TEXT("["), DO(PRINT, n->a), TEXT("]"));
	else
		PLAN(c, TEXT("["), DO(PRINT, n->a), TEXT(" ."), TEXT(".."), TEXT(" "),
		     DO(PRINT, n->b), TEXT("]"));
}

/* sizeof...(T) is a number where the pack is known. */
static void print_count(struct cxx *c, const struct cxx_node *n)
{
	unsigned length;

	if (cxx_pack_length(c, n->a, &length)) {
		sink_number(&c->out, length);
		return;
	}
	sink_text(&c->out, "sizeof...(");
	PLAN(c, DO(PRINT, n->a), TEXT(")"));
}

static void print_count_list(struct cxx *c, const struct cxx_node *n)
{
	unsigned count = 0;

	for (unsigned list = n->a; list && cxx_charge(c, 1); list = c->node[list].b) {
		unsigned item = c->node[list].a, length = 1;

		if (c->node[item].kind == CXX_EXPANSION &&
		    !cxx_pack_length(c, c->node[item].a, &length)) {
			sink_text(&c->out, "sizeof...(");
			PLAN(c, DO(PRINT_LIST, n->a), TEXT(")"));
			return;
		}
		count += length;
	}
	sink_number(&c->out, count);
}

/* requires (int) { {parm#1}; typename T; requires C<T>; } */
static void print_requires(struct cxx *c, const struct cxx_node *n)
{
	sink_text(&c->out, "requires ");
	PLAN(c, TEXT("{"), DO(PRINT_REQUIREMENTS, n->b), TEXT(" }"));
	if (n->a)
		PLAN(c, TEXT("("), DO(PRINT_LIST, n->a), TEXT(") "));
}

void cxx_print_requirements(struct cxx *c, unsigned list)
{
	if (list)
		PLAN(c, TEXT(" "), DO(PRINT, c->node[list].a), TEXT(";"),
		     DO(PRINT_REQUIREMENTS, c->node[list].b));
}

static void print_requirement(struct cxx *c, const struct cxx_node *n)
{
	if (n->flag == 'X') {
		if (!n->b && !n->c) {
			PLAN(c, DO(PRINT, n->a));
			return;
		}
		if (n->c)
			PLAN(c, TEXT(" -"), TEXT("> "), DO(PRINT, n->c));
		if (n->b)
			PLAN(c, TEXT(" n"), TEXT("oe"), TEXT("xc"), TEXT("ep"), TEXT("t"));
		PLAN(c, TEXT("{"), DO(PRINT, n->a), TEXT("}"));
		return;
	}
	sink_text(&c->out, n->flag == 'T' ? "typename " : "requires ");
	PLAN(c, DO(PRINT, n->a));
}

/* Prints the element if the pack is known and the index is a number, else both. */
static void print_indexed(struct cxx *c, const struct cxx_node *n)
{
	const struct cxx_node *index = &c->node[n->b];
	unsigned length, at = 0;

	if (index->kind == CXX_LITERAL && !index->flag && index->c && index->c <= 4 &&
	    cxx_pack_length(c, n->a, &length)) {
		for (unsigned i = 0; i < index->c; i++)
			at = 10 * at + (unsigned)(c->name[index->b + i] - '0');
		if (at < length) {
			PLAN(c, DO(PRINT, n->a), DO(RESTORE_PACK, c->pack_index));
			c->pack_index = (uint16_t)at;
			return;
		}
	}
	PLAN(c, DO(PRINT, n->a), TEXT(".."), TEXT(".["), DO(PRINT, n->b), TEXT("]"));
}

/* x.<int at offset 4>: a part of the object x, as a template argument. */
static void print_subobject(struct cxx *c, const struct cxx_node *n)
{
	if (n->c)
		PLAN(c, DO(PRINT, n->c), TEXT(">"));
	else
		PLAN(c, TEXT("0"), TEXT(">"));
	if (n->flag)
		PLAN(c, TEXT("-"));
	PLAN(c, DO(PRINT_OPERAND, n->b), TEXT(".<"), DO(PRINT, n->a), TEXT(" a"), TEXT("t "),
	     TEXT("of"), TEXT("fs"), TEXT("et"), TEXT(" "));
}

static void print_function_parameter(struct cxx *c, unsigned number)
{
	if (!number) {
		sink_text(&c->out, "this");
		return;
	}
	sink_text(&c->out, "{parm#");
	sink_number(&c->out, number);
	sink_char(&c->out, '}');
}

/* (int)(x), (A)(x, y) */
static void print_cast(struct cxx *c, const struct cxx_node *n)
{
	sink_char(&c->out, '(');
	if (n->flag)
		PLAN(c, DO(PRINT, n->a), TEXT(")("), DO(PRINT_LIST, n->b), TEXT(")"));
	else
		PLAN(c, DO(PRINT, n->a), TEXT(")"), DO(PRINT_OPERAND, n->b));
}

/* The kinds of expressions that have an operator with operands of its own. */
static void print_operation(struct cxx *c, const struct cxx_node *n)
{
	switch (n->kind) {
	case CXX_UNARY:
		print_unary(c, n);
		break;
	case CXX_POSTFIX:
		PLAN(c, DO(PRINT_OPERAND, n->b), DO(PRINT_OPERATOR, n->a));
		break;
	case CXX_BINARY:
		print_binary(c, n);
		break;
	case CXX_TERNARY:
		PLAN(c, DO(PRINT_OPERAND, n->a), TEXT("?"), DO(PRINT_OPERAND, n->b),
		     TEXT(" :"), TEXT(" "), DO(PRINT_OPERAND, n->c));
		break;
	case CXX_CALL:
		print_call(c, n);
		break;
	case CXX_CAST:
		print_cast(c, n);
		break;
	case CXX_NAMED_CAST:
		cxx_print_operator(c, n->a);
		PLAN(c, TEXT("<"), DO(PRINT, n->b), TEXT(">("), DO(PRINT, n->c), TEXT(")"));
		break;
	case CXX_OF:
		cxx_print_operator(c, n->a);
		if (n->flag || cxx_operators[n->a].style == CXX_OF_PARENTHESES)
			PLAN(c, TEXT("("), DO(PRINT, n->b), TEXT(")"));
		else
			cxx_print_operand(c, n->b);
		break;
	case CXX_NEW:
		print_new(c, n);
		break;
	case CXX_DELETE:
		cxx_print_operator(c, n->a);
		cxx_print_operand(c, n->b);
		break;
	case CXX_GLOBAL:
		PLAN(c, TEXT("::"), DO(PRINT, n->a));
		break;
	case CXX_FOLD:
		print_fold(c, n);
		break;
	}
}

void cxx_print_expression(struct cxx *c, unsigned node)
{
	const struct cxx_node *n = &c->node[node];

	switch (n->kind) {
	case CXX_LITERAL:
		print_literal(c, n);
		break;
	case CXX_LITERAL_NAME:
		PLAN(c, DO(PRINT, n->a));
		break;
	case CXX_FUNCTION_PARAMETER:
		print_function_parameter(c, n->a);
		break;
	case CXX_BOUND:
		cxx_print_source(c, n->a, n->b);
		break;
	case CXX_BRACED:
		PLAN(c, DO(PRINT, n->a), TEXT("{"), DO(PRINT_LIST, n->b), TEXT("}"));
		break;
	case CXX_COUNT:
		print_count(c, n);
		break;
	case CXX_COUNT_LIST:
		print_count_list(c, n);
		break;
	case CXX_SUBOBJECT:
		print_subobject(c, n);
		break;
	case CXX_INDEXED:
		print_indexed(c, n);
		break;
	case CXX_THROW:
		sink_text(&c->out, "throw");
		break;
	case CXX_DESIGNATED:
		print_designated(c, n);
		break;
	case CXX_LIST_OF:
		PLAN(c, TEXT("("), DO(PRINT_LIST, n->a), TEXT(")"));
		break;
	case CXX_VENDOR_EXPRESSION:
		PLAN(c, DO(PRINT, n->a), TEXT("("), DO(PRINT_LIST, n->b), TEXT(")"));
		break;
	case CXX_REQUIRES:
		print_requires(c, n);
		break;
	case CXX_REQUIREMENT:
		print_requirement(c, n);
		break;
	default:
		print_operation(c, n);
	}
}
