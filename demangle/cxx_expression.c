/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Expressions (Itanium C++ ABI 5.1.6). They occur in template arguments, array bounds, decltype,
 * noexcept and constraints. Example: clfp_Li1EE is {parm#1}(1).
 */
#include "demangle/cxx.h"

/* <expr-primary>: Li5E Lb1E Lin3E Lf3f800000E LDnE L_Z3foovE */
void cxx_literal(struct cxx *c)
{
	cxx_expect(c, 'L');
	if ((c->at[0] == '_' && c->at[1] == 'Z') || c->at[0] == 'Z') {
		c->at += *c->at == '_' ? 2 : 1;	/* gcc before 4.5 wrote no _ */
		PLAN(c, DO(ENCODING, 0), DO(EXPECT, 'E'), DO(MAKE1, CXX_LITERAL_NAME));
	} else {
		PLAN(c, DO(TYPE, 0), DO(LITERAL_END, 0));
	}
}

void cxx_literal_end(struct cxx *c, unsigned arg)
{
	bool negative = cxx_take(c, 'n');
	const char *start = c->at;

	(void)arg;
	while ((*c->at >= '0' && *c->at <= '9') || (*c->at >= 'a' && *c->at <= 'f') ||
	       *c->at == '_')
		c->at++;
	cxx_push_new(c, CXX_LITERAL, negative, cxx_pop(c), (unsigned)(start - c->name),
		     (unsigned)(c->at - start));
	cxx_expect(c, 'E');
}

/* <function-param>: fp_ fp0_ fpK_ are parameters of the function, fL0p_ is one of a function around
 * it, and fpT is `this`. */
static void function_parameter(struct cxx *c)
{
	unsigned number = 0;

	c->at++;	/* f */
	if (cxx_take(c, 'L'))
		cxx_decimal(c);
	cxx_expect(c, 'p');
	if (!cxx_take(c, 'T')) {
		cxx_qualifier_letters(c);
		number = cxx_number_bar(c) + 1;
	}
	cxx_push_new(c, CXX_FUNCTION_PARAMETER, 0, number, 0, 0);
}

/* <fold-expression>: flplfp_ frplfp_ fLplLi0Efp_ fRplfp_Li0E */
static void fold(struct cxx *c)
{
	char kind = c->at[1];
	int number = c->at[2] ? cxx_operator_find(c->at + 2) : -1;

	if (number < 0) {
		c->failed = true;
		return;
	}
	c->at += 4;
	cxx_push(c, (unsigned)number);
	if (kind == 'l' || kind == 'r')
		PLAN(c, DO(EXPRESSION, 0), DO(MAKE2, CXX_KIND(CXX_FOLD, kind)));
	else
		PLAN(c, DO(EXPRESSION, 0), DO(EXPRESSION, 0),
		     DO(MAKE3, CXX_KIND(CXX_FOLD, kind)));
}

/* The operands of a cast: cvT_fp_ has one, cvT__fp_E can have any number. */
void cxx_cast_operand(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (cxx_take(c, '_'))
		PLAN(c, DO(LIST, CXX_DO_EXPRESSION | 'E' << 8),
		     DO(MAKE2, CXX_KIND(CXX_CAST, 1)));
	else
		PLAN(c, DO(EXPRESSION, 0), DO(MAKE2, CXX_CAST));
}

/* The end of a new-expression, after placement and type: E, or an initializer. The whole expression
 * is nwLi1E_T_E, nwLi1E_T_piLi1EE or nwLi1E_T_ilLi1EE. */
void cxx_new_initializer(struct cxx *c, unsigned arg)
{
	(void)arg;
	PLAN(c, DO(MAKE3, CXX_NEW));
	if (cxx_take(c, 'E')) {
		cxx_push(c, 0);
	} else if (c->at[0] == 'p' && c->at[1] == 'i') {
		c->at += 2;
		PLAN(c, DO(LIST, CXX_DO_EXPRESSION | 'E' << 8), DO(MAKE1, CXX_LIST_OF));
	} else if (c->at[0] == 'i' && c->at[1] == 'l') {
		PLAN(c, DO(EXPRESSION, 0));
	} else {
		c->failed = true;
	}
}

/* <braced-expression>: di1xLi1E is .x=1, dxLi0ELi1E is [0]=1, dXLi0ELi3ELi1E is [0 ... 3]=1. */
void cxx_braced_item(struct cxx *c, unsigned arg)
{
	char kind = c->at[0] == 'd' ? c->at[1] : '\0';

	(void)arg;
	if (kind != 'i' && kind != 'x' && kind != 'X') {
		cxx_expression(c, 0);
		return;
	}
	c->at += 2;
	if (kind == 'i') {
		cxx_push(c, cxx_source_name(c));
		PLAN(c, DO(BRACED_ITEM, 0), DO(MAKE2, CXX_KIND(CXX_DESIGNATED, 'i')));
	} else if (kind == 'x') {
		PLAN(c, DO(EXPRESSION, 0), DO(BRACED_ITEM, 0),
		     DO(MAKE2, CXX_KIND(CXX_DESIGNATED, 'x')));
	} else {
		PLAN(c, DO(EXPRESSION, 0), DO(EXPRESSION, 0), DO(BRACED_ITEM, 0),
		     DO(MAKE3, CXX_KIND(CXX_DESIGNATED, 'X')));
	}
}

/*
 * The end of two expressions, after their operands:
 *
 *	so <type> <whole> [<offset>] (_ [<number>])* [p] E	a part of an object, as an argument
 *	mc <type> <member pointer> [<offset>] E			a converted pointer to member
 */
void cxx_offset_end(struct cxx *c, unsigned of_member_pointer)
{
	bool negative = cxx_take(c, 'n');
	const char *start = c->at;
	unsigned whole = cxx_pop(c), type = cxx_pop(c), offset = 0;

	while (*c->at >= '0' && *c->at <= '9')
		c->at++;
	if (c->at > start)
		offset = cxx_new(c, CXX_BOUND, 0, (unsigned)(start - c->name),
				 (unsigned)(c->at - start), 0);
	else if (negative)
		c->failed = true;
	if (of_member_pointer) {
		cxx_push_new(c, CXX_CAST, 0, type, whole, 0);
	} else {
		while (cxx_take(c, '_')) {	/* members of unions on the way are not shown */
			while (*c->at >= '0' && *c->at <= '9')
				c->at++;
		}
		cxx_take(c, 'p');		/* the part is one past the end */
		cxx_push_new(c, CXX_SUBOBJECT, negative, type, whole, offset);
	}
	cxx_expect(c, 'E');
}

/* Plans the operands of an operator, whose number is the value below them. */
static void operation(struct cxx *c)
{
	int number = c->at[0] ? cxx_operator_find(c->at) : -1;

	if (number < 0) {
		c->failed = true;
		return;
	}
	c->at += 2;
	if (cxx_operators[number].style != CXX_CALLING)
		cxx_push(c, (unsigned)number);
	switch (cxx_operators[number].style) {
	case CXX_PREFIX:
		PLAN(c, DO(EXPRESSION, 0), DO(MAKE2, CXX_UNARY));
		break;
	case CXX_INFIX:
	case CXX_INDEX:
		PLAN(c, DO(EXPRESSION, 0), DO(EXPRESSION, 0), DO(MAKE3, CXX_BINARY));
		break;
	case CXX_PLUSPLUS:
		PLAN(c, DO(MAKE2, cxx_take(c, '_') ? CXX_UNARY : CXX_POSTFIX));
		PLAN(c, DO(EXPRESSION, 0));
		break;
	case CXX_SELECT:
		PLAN(c, DO(EXPRESSION, 0), DO(MEMBER_NAME, 0), DO(MAKE3, CXX_BINARY));
		break;
	case CXX_CONDITIONAL:
		cxx_pop(c);
		PLAN(c, DO(EXPRESSION, 0), DO(EXPRESSION, 0), DO(EXPRESSION, 0),
		     DO(MAKE3, CXX_TERNARY));
		break;
	case CXX_CALLING:
		PLAN(c, DO(EXPRESSION, 0), DO(LIST, CXX_DO_EXPRESSION | 'E' << 8),
		     DO(MAKE2, CXX_CALL));
		break;
	case CXX_OF_TYPE:
		PLAN(c, DO(TYPE, 0), DO(MAKE2, CXX_KIND(CXX_OF, 1)));
		break;
	case CXX_OF_VALUE:
	case CXX_OF_PARENTHESES:
		PLAN(c, DO(EXPRESSION, 0), DO(MAKE2, CXX_OF));
		break;
	case CXX_CONVERT_NAMED:
		PLAN(c, DO(TYPE, 0), DO(EXPRESSION, 0), DO(MAKE3, CXX_NAMED_CAST));
		break;
	case CXX_ALLOCATE:
		cxx_pop(c);
		PLAN(c, DO(LIST, CXX_DO_EXPRESSION | '_' << 8), DO(TYPE, 0),
		     DO(NEW_INITIALIZER, 0));
		break;
	case CXX_RELEASE:
		PLAN(c, DO(EXPRESSION, 0), DO(MAKE2, CXX_DELETE));
		break;
	default:
		c->failed = true;
	}
}

/* Reads an expression that begins with s and a letter that together are no operator. */
static bool s_expression(struct cxx *c)
{
	switch (c->at[1]) {
	case 'r':	/* srT_1x */
		c->at += 2;
		cxx_unresolved(c);
		return true;
	case 'p':	/* spT_ is the pattern T_... */
		c->at += 2;
		PLAN(c, DO(EXPRESSION, 0), DO(MAKE1, CXX_EXPANSION));
		return true;
	case 'Z':	/* sZT_, sZfp_ */
		c->at += 2;
		PLAN(c, DO(EXPRESSION, 0), DO(MAKE1, CXX_COUNT));
		return true;
	case 'y':	/* syT_Li0E is an element of a pack */
		c->at += 2;
		PLAN(c, DO(EXPRESSION, 0), DO(EXPRESSION, 0), DO(MAKE2, CXX_INDEXED));
		return true;
	case 'o':
		c->at += 2;
		PLAN(c, DO(TYPE, 0), DO(EXPRESSION, 0), DO(OFFSET_END, 0));
		return true;
	case 'P':	/* sPDpT_E is sizeof... of the types that an alias expands to */
		c->at += 2;
		PLAN(c, DO(LIST, CXX_DO_TEMPLATE_ARGUMENT | 'E' << 8),
		     DO(MAKE1, CXX_COUNT_LIST));
		return true;
	}
	return false;
}

/* Reads an expression that begins with two letters that are no operator. False: these are not the
 * first letters of one. */
static bool other_expression(struct cxx *c)
{
	char second = c->at[0] ? c->at[1] : '\0';

	switch (c->at[0]) {
	case 's':
		return s_expression(c);
	case 'f':
		if (second == 'p' || (second == 'L' && c->at[2] >= '0' && c->at[2] <= '9'))
			function_parameter(c);
		else if (second == 'l' || second == 'r' || second == 'L' || second == 'R')
			fold(c);
		else
			return false;
		return true;
	case 'g':
		if (second != 's')
			return false;
		c->at += 2;	/* gs means the global scope */
		PLAN(c, DO(EXPRESSION, 0), DO(MAKE1, CXX_GLOBAL));
		return true;
	case 'c':
		if (second != 'v')
			return false;
		c->at += 2;
		PLAN(c, DO(TYPE, 0), DO(CAST_OPERAND, 0));
		return true;
	case 'm':
		if (second != 'c')
			return false;
		c->at += 2;
		PLAN(c, DO(TYPE, 0), DO(EXPRESSION, 0), DO(OFFSET_END, 1));
		return true;
	case 't':
		if (second == 'r') {
			c->at += 2;
			cxx_push_new(c, CXX_THROW, 0, 0, 0, 0);
		} else if (second == 'l') {	/* tlT_Li1EE is T{1} */
			c->at += 2;
			PLAN(c, DO(TYPE, 0), DO(LIST, CXX_DO_BRACED_ITEM | 'E' << 8),
			     DO(MAKE2, CXX_BRACED));
		} else {
			return false;
		}
		return true;
	case 'i':
		if (second != 'l')
			return false;
		c->at += 2;
		cxx_push(c, 0);
		PLAN(c, DO(LIST, CXX_DO_BRACED_ITEM | 'E' << 8), DO(MAKE2, CXX_BRACED));
		return true;
	case 'o':
	case 'd':
		if (second != 'n')
			return false;
		cxx_base_name(c, 0);
		return true;
	case 'r':
		if (second != 'q' && second != 'Q')
			return false;
		cxx_requires(c);
		return true;
	case 'u':	/* u3fooT_E is an expression of a vendor */
		c->at++;
		cxx_push(c, cxx_source_name(c));
		PLAN(c, DO(LIST, CXX_DO_TEMPLATE_ARGUMENT | 'E' << 8),
		     DO(MAKE2, CXX_VENDOR_EXPRESSION));
		return true;
	}
	return false;
}

void cxx_expression(struct cxx *c, unsigned arg)
{
	(void)arg;
	cxx_leave_conversion(c);
	if (*c->at == 'L')
		cxx_literal(c);
	else if (*c->at == 'T')
		cxx_push(c, cxx_template_parameter(c));	/* in expressions, it is no candidate */
	else if (*c->at >= '0' && *c->at <= '9')
		cxx_simple_id(c, 0);
	else if (!other_expression(c))
		operation(c);
}
