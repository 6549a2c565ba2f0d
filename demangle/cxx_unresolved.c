/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names in expressions that the compiler could not look up before mangling them, because they
 * depend on template parameters, and requires expressions (Itanium C++ ABI 5.1.6).
 */
#include "demangle/cxx.h"

/* <simple-id>: 3foo 3fooIiE */
void cxx_simple_id(struct cxx *c, unsigned arg)
{
	(void)arg;
	cxx_push(c, cxx_source_name(c));
	cxx_tags(c, 0);
	if (*c->at == 'I')
		PLAN(c, DO(TEMPLATE_ARGUMENTS, 0), DO(MAKE2, CXX_TEMPLATE));
}

static bool starts_base_name(const char *at)
{
	return (*at >= '0' && *at <= '9') || (*at == 'o' && at[1] == 'n') ||
	       (*at == 'd' && at[1] == 'n');
}

/* <base-unresolved-name>, the last part: 1x, 1xIiE, onpl, onplIiE, dnT_, dn3foo */
void cxx_base_name(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (*c->at >= '0' && *c->at <= '9') {
		cxx_simple_id(c, 0);
	} else if (c->at[0] == 'd' && c->at[1] == 'n') {
		c->at += 2;
		PLAN(c, DO(MAKE1, CXX_DESTRUCTOR));
		if (*c->at >= '0' && *c->at <= '9')
			cxx_simple_id(c, 0);
		else
			cxx_type(c, 0);
	} else {
		if (c->at[0] == 'o' && c->at[1] == 'n')
			c->at += 2;
		PLAN(c, DO(OPTIONAL_ARGUMENTS, 0));
		cxx_unqualified(c, 0, 0);
	}
}

void cxx_optional_arguments(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (*c->at == 'I')
		PLAN(c, DO(TEMPLATE_ARGUMENTS, 0), DO(MAKE2, CXX_TEMPLATE));
}

/* Replaces the values prefix (or 0) and name by prefix::name. If the name is a template with
 * arguments, the template becomes prefix::name. */
void cxx_scope_join(struct cxx *c, unsigned arg)
{
	unsigned name = cxx_pop(c);
	unsigned prefix = cxx_pop(c);
	const struct cxx_node *n = &c->node[name];

	(void)arg;
	if (prefix && n->kind == CXX_TEMPLATE)
		name = cxx_new(c, CXX_TEMPLATE, 0, cxx_new(c, CXX_SCOPED, 0, prefix, n->a, 0),
			       n->b, 0);
	else if (prefix)
		name = cxx_new(c, CXX_SCOPED, 0, prefix, name, 0);
	cxx_push(c, name);
}

/*
 * <unresolved-name> after sr: a type and the name (T_1x, N3foo3barE1x, or 1AIiE1x as gcc writes
 * it), or levels and the name (3std3fooIiEE1x). These can begin alike, but levels are no
 * candidates. So the levels are an attempt, which is given up if they cannot be read or no E and
 * name follow them.
 */
void cxx_unresolved(struct cxx *c)
{
	if (*c->at < '0' || *c->at > '9') {
		cxx_type_and_name(c, 0);
		return;
	}
	cxx_begin_attempt(c, (struct plan_task)DO(TYPE_AND_NAME, 0));
	cxx_push(c, 0);		/* the prefix */
	cxx_levels(c, 0);
}

void cxx_levels(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (*c->at >= '0' && *c->at <= '9') {
		PLAN(c, DO(SIMPLE_ID, 0), DO(SCOPE_JOIN, 0), DO(LEVELS, 0));
		return;
	}
	if (c->at[0] != 'E' || !starts_base_name(c->at + 1)) {
		cxx_give_up_attempt(c);
		return;
	}
	c->at++;
	if (cxx_keep_attempt(c))
		PLAN(c, DO(BASE_NAME, 0), DO(SCOPE_JOIN, 0));
}

void cxx_type_and_name(struct cxx *c, unsigned arg)
{
	(void)arg;
	PLAN(c, DO(TYPE, 0), DO(BASE_NAME, 0), DO(SCOPE_JOIN, 0));
}

/* The operand after dt and pt. Where a name and an expression look alike, it is a name. L_Z..E is a
 * member that the compiler could look up. */
void cxx_member_name(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (!strncmp(c->at, "sr", 2) || !strncmp(c->at, "gs", 2) || !strncmp(c->at, "L_Z", 3))
		cxx_expression(c, 0);
	else
		cxx_base_name(c, 0);
}

/* --- constraints --- */

/* rqXfp_ET1AQ1CE has requirements up to E, and rQT__Xfp_E has parameters before them. */
void cxx_requires(struct cxx *c)
{
	bool parameters = c->at[1] == 'Q';

	c->at += 2;
	PLAN(c, DO(LIST, CXX_DO_REQUIREMENT | 'E' << 8), DO(MAKE2, CXX_REQUIRES));
	if (parameters) {
		cxx_list_start(c);
		PLAN(c, DO(REQUIRES_PARAMETERS, 0));
	} else {
		cxx_push(c, 0);
	}
}

void cxx_requires_parameters(struct cxx *c, unsigned arg)
{
	(void)arg;
	if (cxx_take(c, '_'))
		cxx_list_finish(c);
	else
		PLAN(c, DO(TYPE, 0), DO(REQUIRES_PARAMETERS, 0));
}

/* <requirement>: X <expression> [N] [R <concept>], T <type>, Q <expression> */
void cxx_requirement(struct cxx *c, unsigned arg)
{
	char kind = *c->at;

	(void)arg;
	if (kind)
		c->at++;
	if (kind == 'X')
		PLAN(c, DO(EXPRESSION, 0), DO(REQUIREMENT_MORE, 0));
	else if (kind == 'T')
		PLAN(c, DO(TYPE, 0), DO(MAKE1, CXX_KIND(CXX_REQUIREMENT, 'T')));
	else if (kind == 'Q')
		PLAN(c, DO(EXPRESSION, 0), DO(MAKE1, CXX_KIND(CXX_REQUIREMENT, 'Q')));
	else
		c->failed = true;
}

void cxx_requirement_more(struct cxx *c, unsigned arg)
{
	(void)arg;
	cxx_push(c, cxx_take(c, 'N'));
	PLAN(c, DO(MAKE3, CXX_KIND(CXX_REQUIREMENT, 'X')));
	if (cxx_take(c, 'R'))
		PLAN(c, DO(NAME, 0));
	else
		cxx_push(c, 0);
}
