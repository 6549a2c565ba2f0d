/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What template parameters and packs stand for while a name is printed.
 *
 * T_ is bound when it is printed: to the arguments of the template whose function is being printed
 * (`scope`), or, inside a lambda's parameters, to the lambda's own (auto:1). The level that the
 * parameter and the lambda have in the name tells which. In the type of a function template, T_ is
 * the template's, and TL0__ is that of a lambda there.
 */
#include "demangle/cxx.h"

/* The item with this number in a list, or 0. */
static unsigned list_item(struct cxx *c, unsigned list, unsigned number)
{
	while (list && number && cxx_charge(c, 1)) {
		list = c->node[list].b;
		number--;
	}
	return c->node[list].a;	/* of node 0, this is 0 */
}

/* The function template's argument for a parameter of level 0, or 0. A pack is one argument. */
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
	/* gcc 12 writes no levels. There, a parameter that the template does not have is the
	 * lambda's. */
	if (!c->lambdas || (!level && c->scope && template_argument(c, parameter, c->scope)))
		return 0;
	return c->node[c->lambdas].a;
}

/* The argument that a parameter stands for, or 0. A pack is one argument. */
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

/* Tells which of a, b, c of a node are nodes in which a pack is to be looked for. */
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
		/* Missing are kinds that expand their pack themselves: sizeof..., a fold, the pack
		 * of T...[n]. */
	};

	if (n->kind == CXX_EXCEPTION)
		return n->a ? A : 0;
	if (n->kind == CXX_LAMBDA)	/* at level 0, T_ is the lambda's own */
		return n->flag ? A | C : 0;
	return of_kind[n->kind];
}

/*
 * The pack (CXX_ARGUMENTS) that a pattern expands, or 0. It is the argument of the first T_ in the
 * pattern that stands for a pack. The search goes depth first and keeps its stack in the free part
 * of the task stack.
 */
static unsigned find_pack(struct cxx *c, unsigned pattern)
{
	struct plan_task *stack = c->task + c->task_count;
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
