/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Template arguments (Itanium C++ ABI 5.1.5.9) and the template parameters that generic
 * lambdas declare (5.1.8).
 */
#include "demangle/cxx.h"

/* <template-args>: IiLi3EE, JiE for a pack, or IiQ..E with a constraint, which is not shown. */
void cxx_template_arguments(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (*c->at != 'I' && *c->at != 'J') {
		c->failed = true;
		return;
	}
	c->at++;
	PLAN(c, DO(ARGUMENTS_END, c->in_conversion));
	c->in_conversion = false;
	cxx_list_start(c);
	cxx_arguments_more(c, 0);
}

void cxx_arguments_more(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (cxx_take(c, 'E')) {
		cxx_list_finish(c);
	} else if (*c->at == 'Q') {
		cxx_list_finish(c);
		PLAN(c, DO(CONSTRAINT, 0), DO(EXPECT, 'E'));
	} else {
		PLAN(c, DO(TEMPLATE_ARGUMENT, 0), DO(ARGUMENTS_MORE, 0));
	}
}

/* Q <expression> or nothing: the constraint of a template head or of a lambda. It is not shown. */
void cxx_constraint(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (cxx_take(c, 'Q'))
		PLAN(c, DO(EXPRESSION, 0), DO(DROP, 0));
}

void cxx_arguments_end(struct cxx *c, unsigned in_conversion)
{
	c->in_conversion = in_conversion;
	cxx_make1(c, CXX_ARGUMENTS);
}

/*
 * Plans the I..E after a template's name, which is the top value. At the end of a conversion
 * operator's type, I..E can as well be the arguments of the operator itself:
 *
 *	cv6vectorIT_EIiE	operator vector<int>, with the arguments <int>
 *	cvT_ISaIS5_EE		operator T, with the arguments <std::allocator<...> >
 *
 * After a name, the arguments are the name's, unless that reading fails: read as the operator's,
 * they may use one substitution more, as S5_ does here. After T_, they are T_'s only if other
 * arguments follow for the operator, because a template as a parameter is rare there.
 */
void cxx_arguments_of(struct cxx *c, enum cxx_template_kind kind)
{
	if (c->in_conversion) {
		cxx_begin_attempt(c, (struct plan_task)DO(CONVERSION_OWN, kind));
		PLAN(c, DO(TEMPLATE_ARGUMENTS, 0), DO(CONVERSION_TRY, kind));
	} else {
		if (kind != CXX_TEMPLATE_NAME)
			PLAN(c, DO(CANDIDATE, 0));
		PLAN(c, DO(TEMPLATE_ARGUMENTS, 0), DO(MAKE2, CXX_TEMPLATE));
	}
}

/* After I..E that was read as the arguments of the name or parameter. */
void cxx_conversion_try(struct cxx *c, unsigned kind)
{
	if (kind == CXX_TEMPLATE_PARAMETER && *c->at != 'I') {
		cxx_give_up_attempt(c);
		return;
	}
	if (!cxx_keep_attempt(c))
		return;
	cxx_make2(c, CXX_TEMPLATE);
	if (kind != CXX_TEMPLATE_NAME)
		cxx_add_candidate(c);
}

/* The I..E belongs to the operator, so the type ends before it. It becomes a candidate as a type,
 * and must not be one as a name as well. */
void cxx_conversion_own(struct cxx *c, unsigned kind)
{
	if (kind == CXX_TEMPLATE_NAME)
		c->candidate_count--;
}

void cxx_template_argument(struct cxx *c, unsigned arg)
{
	(void)arg;
	switch (*c->at) {
	case 'X':	/* X <expression> E */
		c->at++;
		PLAN(c, DO(EXPRESSION, 0), DO(EXPECT, 'E'));
		break;
	case 'L':
		cxx_literal(c);
		break;
	case 'I':
	case 'J':
		cxx_template_arguments(c, 0);
		break;
	case 'T':
		if (strchr("yntpk", c->at[1]) && c->at[1]) {	/* Ty <template-arg> */
			PLAN(c, DO(DECLARATION, 0), DO(DROP, 0), DO(TEMPLATE_ARGUMENT, 0));
			break;
		}
		/* fall through */
	default:
		cxx_type(c, 0);
	}
}

/*
 * <template-param-decl>, a parameter that a generic lambda declares: Ty is a type, Tk <concept> a
 * constrained type, Tn <type> a value, Tt <declarations> E a template, Tp <declaration> a pack.
 */
void cxx_declaration(struct cxx *c, unsigned arg)
{
	char kind = c->at[0] == 'T' ? c->at[1] : '\0';

	(void)arg;
	if (!kind) {
		c->failed = true;
		return;
	}
	c->at += 2;
	switch (kind) {
	case 'y':
		cxx_push_new(c, CXX_DECLARATION, 'y', 0, 0, 0);
		break;
	case 'k':
		PLAN(c, DO(NAME, 0), DO(MAKE1, CXX_KIND(CXX_DECLARATION, 'k')));
		break;
	case 'n':
		PLAN(c, DO(TYPE, 0), DO(MAKE1, CXX_KIND(CXX_DECLARATION, 'n')));
		break;
	case 't':
		PLAN(c, DO(LIST, CXX_DO_DECLARATION | 'E' << 8),
		     DO(MAKE1, CXX_KIND(CXX_DECLARATION, 't')));
		break;
	case 'p':
		PLAN(c, DO(DECLARATION, 0), DO(MAKE1, CXX_KIND(CXX_DECLARATION, 'p')));
		break;
	default:
		c->failed = true;
	}
}

/* The declarations before a lambda's parameters, such as TyTnT_. They become one node, or 0. */
void cxx_head(struct cxx *c, unsigned arg)
{
	(void)arg;
	cxx_list_start(c);
	cxx_head_more(c, 0);
}

void cxx_head_more(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (*c->at == 'T' && c->at[1] && strchr("yntpk", c->at[1])) {
		PLAN(c, DO(DECLARATION, 0), DO(HEAD_MORE, 0));
		return;
	}
	cxx_list_finish(c);
	if (!cxx_top(c))
		return;
	cxx_make1(c, CXX_HEAD);
	if (c->in_lambda)
		c->level++;
	c->in_lambda = false;
}
