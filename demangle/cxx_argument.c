/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Template arguments (Itanium C++ ABI 5.1.5.9) and the template parameters that generic
 * lambdas declare (5.1.8).
 */
#include "demangle/cxx.h"

/* IiLi3EE, or JiE for a pack, or a concept's IiQ..E: the constraint is not shown */
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

/* Nothing, or Q <expression>: the constraint of a template head or a lambda; not shown */
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
 * Ty (a type), Tk <concept> (constrained), Tn <type> (a value), Tt <declarations> E (a
 * template), Tp <declaration> (a pack): what a generic lambda declares.
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

/* The declarations before a lambda's parameters, as one node, or 0: TyTnT_ */
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
	if (cxx_top(c))
		cxx_make1(c, CXX_HEAD);
}
