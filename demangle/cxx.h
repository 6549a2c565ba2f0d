/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the C++ demangler: the machine that its parser and its printer both run on.
 *
 *	name --parser--> tree of nodes --printer--> text
 *
 * There is no recursion. What a grammar rule still has to do is written down as a plan: a
 * list of tasks, put on a stack so that the first of them runs next. A rule such as
 *
 *	<pointer-to-member-type> ::= M <class type> <member type>
 *
 * is a function that plans {type} {type} {make a node of the two}, and returns. Parsed nodes
 * wait on a second stack, the values. Printing works the same way: a node writes its first
 * text and plans the rest. Both stacks, the nodes and the substitutions lie in the caller's
 * work memory; when any of them is full, `failed` is set, the loop ends, and so does every
 * rule: nobody has to check. Nodes are shared (a substitution makes the tree a DAG), so the
 * text can be exponentially longer than the name: out's end and `budget` bound that.
 *
 * Indices are 16 bits wide; node 0 stands for "none".
 */
#ifndef DEMANGLE_CXX_H
#define DEMANGLE_CXX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "demangle/sink.h"

enum cxx_kind {
	CXX_NONE,
	/* names */
	CXX_NAME,		/* a: offset, b: length in the mangled name */
	CXX_ANONYMOUS,		/* (anonymous namespace) */
	CXX_STD,		/* std */
	CXX_ABBREVIATION,	/* a: cxx_abbreviations[] */
	CXX_SCOPED,		/* a::b */
	CXX_LOCAL,		/* a: encoding, b: the entity in it */
	CXX_STRING,		/* string literal (of a CXX_LOCAL) */
	CXX_DEFAULT_ARGUMENT,	/* a: number, b: the entity in it */
	CXX_TEMPLATE,		/* a: name, b: CXX_ARGUMENTS */
	CXX_TAGGED,		/* a: name, b: CXX_NAME */
	CXX_MODULE,		/* a: parent or 0, b: CXX_NAME, flag: partition */
	CXX_IN_MODULE,		/* a: name, b: CXX_MODULE */
	CXX_CONSTRUCTOR,	/* a: name of the class */
	CXX_DESTRUCTOR,		/* a: name of the class, or a type */
	CXX_OPERATOR,		/* a: cxx_operators[] */
	CXX_CONVERSION,		/* a: type */
	CXX_LITERAL_OPERATOR,	/* a: name */
	CXX_VENDOR_OPERATOR,	/* a: name */
	CXX_UNNAMED,		/* a: number; flag: 't' a type, 'b' a block (clang -fblocks) */
	CXX_LAMBDA,		/* a: parameters, b: number, c: CXX_HEAD or 0, flag: its level */
	CXX_BINDING,		/* a: list of names */
	CXX_MEMBER,		/* a: name, flag: enum cxx_qualifier of the member function */
	CXX_FRIEND,		/* a: name */
	/* encodings */
	CXX_FUNCTION_NAME,	/* a: name, b: CXX_FUNCTION, c: CXX_CONDITIONS, 0; flag: no return type */
	CXX_CONDITIONS,		/* a: list of enable_if attributes, b: requires, c: function's name */
	CXX_SPECIAL,		/* a: which, b: what it is for, c: second operand; cxx_special.c */
	CXX_CLONE,		/* a: encoding, b: CXX_NAME of the suffix */
	/* types */
	CXX_BUILTIN,		/* a: letter; flag: 1 when D stood before it */
	CXX_FLOAT,		/* _FloatN: a: offset, b: length of N, flag: 'x', 'b' or 0 */
	CXX_BIT_INT,		/* a: size expression or number, flag: 'B' or 'U' */
	CXX_FIXED,		/* _Accum, _Fract: a: 'A' or 'R', b: 1 saturating, flag: size */
	CXX_CONSTRAINED_AUTO,	/* a: concept, flag: decltype(auto) */
	CXX_SUFFIX,		/* a: type, flag: the letter P R O C G */
	CXX_QUALIFIED,		/* a: type, flag: enum cxx_qualifier */
	CXX_VENDOR_QUALIFIED,	/* a: type, b: qualifier's name */
	CXX_FUNCTION,		/* a: return type or 0, b: list, c: CXX_EXCEPTION or 0; flag */
	CXX_EXCEPTION,		/* flag: 'o' noexcept, 'O' noexcept(a), 'w' throw(list a) */
	CXX_ARRAY,		/* a: element type, b: bound or 0 */
	CXX_MEMBER_POINTER,	/* a: member type, b: class */
	CXX_VECTOR,		/* a: element type, b: bound */
	CXX_PARAMETER,		/* T_: a: number, b: level: 0, of TL0__ 1 */
	CXX_EXPANSION,		/* a: pattern */
	CXX_DECLTYPE,		/* a: expression */
	/* lists */
	CXX_LIST,		/* a: item, b: rest or 0 */
	CXX_ARGUMENTS,		/* a: list or 0; of a template, or one pack as an argument */
	CXX_HEAD,		/* a: list of declarations <...> of a generic lambda */
	CXX_DECLARATION,	/* flag: 'y'; 'n' type a; 't' list a; 'p' declaration a; 'k' concept */
	/* expressions: see cxx_expression.c */
	CXX_LITERAL,		/* a: type, b: offset, c: length; flag: 1 negative */
	CXX_LITERAL_NAME,	/* a: encoding */
	CXX_FUNCTION_PARAMETER,	/* a: number, 0 is this */
	CXX_BOUND,		/* a: offset, b: length of the digits */
	CXX_UNARY,		/* a: operator, b: operand */
	CXX_POSTFIX,		/* a: operator, b: operand */
	CXX_BINARY,		/* a: operator, b, c: operands */
	CXX_TERNARY,		/* a: condition, b: then, c: else */
	CXX_CALL,		/* a: callee, b: list */
	CXX_CAST,		/* (type)(list): a: type, b: list; flag: 1 when _ ... E */
	CXX_NAMED_CAST,		/* a: operator, b: type, c: operand */
	CXX_OF,			/* sizeof, alignof, noexcept, typeid: a: operator, b: operand */
	CXX_BRACED,		/* a: type or 0, b: list */
	CXX_NEW,		/* a: placement list, b: type, c: CXX_BRACED, CXX_LIST_OF, 0 */
	CXX_DELETE,		/* a: operator, b: operand */
	CXX_GLOBAL,		/* ::a */
	CXX_FOLD,		/* a: operator, b: pack or left, c: right; flag: 'l' 'r' 'L' 'R' */
	CXX_COUNT,		/* sizeof...(a) */
	CXX_COUNT_LIST,		/* sizeof...(captured list a) */
	CXX_INDEXED,		/* element b of pack a */
	CXX_SUBOBJECT,		/* a: type, b: whole, c: CXX_BOUND of the offset or 0; flag: 1 negative */
	CXX_THROW,		/* throw */
	CXX_DESIGNATED,		/* flag: 'i' .a=b, 'x' [a]=b, 'X' [a ... b]=c */
	CXX_LIST_OF,		/* (list a) */
	CXX_VENDOR_EXPRESSION,	/* a: name, b: arguments */
	CXX_REQUIRES,		/* a: list of parameters, b: of requirements */
	CXX_REQUIREMENT,	/* flag: 'X': {a} noexcept if b, -> c; 'T' type a; 'Q' nested a */
	CXX_KINDS
};

enum cxx_qualifier {
	CXX_CONST = 1, CXX_VOLATILE = 2, CXX_RESTRICT = 4,
	CXX_LVALUE = 8, CXX_RVALUE = 16,	/* & and && of a member function */
	CXX_TRANSACTION_SAFE = 32,
};

struct cxx_node {
	uint8_t kind, flag;
	uint16_t a, b, c;
};

struct cxx_task {
	uint16_t step;		/* enum cxx_step */
	uint16_t arg;
};

/* Shares of the work memory. A name of n bytes makes at most about 2n nodes. */
#define CXX_NODES	20000
#define CXX_TASKS	12000
#define CXX_VALUES	8000
#define CXX_CANDIDATES	8000

/* The value of pack_index inside a fold expression, where a pack stands for all its elements. */
#define CXX_WHOLE_PACK	0xffff

/*
 * Invariants: name <= at <= name + strlen(name); 1 <= node_count <= CXX_NODES, and the other
 * counts likewise; every index in node[0 .. node_count) is below node_count, so that the tree
 * has no cycle (a node is made after its children).
 */
struct cxx {
	const char *name;		/* the whole mangled name, NUL-terminated */
	const char *at;			/* next byte to parse */
	struct sink out;
	size_t budget;			/* tasks and walks left */
	bool failed;

	/* parsing */
	bool in_conversion;		/* at the end of an operator's type: I is ambiguous */
	bool in_lambda;			/* in a lambda that is no template so far */
	uint16_t level;			/* templates around, whose parameters are T_, TL0__ */
	uint16_t attempt;		/* height of `value` above the record of the latest, or 0 */
	uint16_t kept;			/* number of attempts that came to be kept so far */
	uint16_t doubted;		/* number of the one that is given up all the same, or 0 */

	/* printing */
	uint16_t scope;			/* CXX_LIST of (CXX_ARGUMENTS, outer scope), or 0; where flag is
					 * set, c has the CXX_ARGUMENTS of all levels, a list */
	const char *comma_dropped;	/* in out: the last place where a list's comma was */
	const char *array_end;		/* in out: the end of the last array's ] */
	uint16_t pack_index;		/* element of the pack being expanded, or CXX_WHOLE_PACK */
	uint16_t lambdas;		/* CXX_LIST of the lambdas around, innermost first, or 0 */

	unsigned node_count, task_count, value_count, candidate_count;	/* 16 bits stall the loads */
	struct cxx_node node[CXX_NODES];
	struct cxx_task task[CXX_TASKS];
	uint16_t value[CXX_VALUES];
	uint16_t candidate[CXX_CANDIDATES];	/* for substitutions: S_ S0_ S1_ ... */
};

/* Every step of the two machines: its name in a plan, and its function. */
#define CXX_STEPS(X) \
	/* building blocks (cxx.c) */ \
	X(EXPECT, cxx_expect)			/* byte arg */ \
	X(MAKE1, cxx_make1)			/* a node CXX_KIND(kind, flag) of one value */ \
	X(MAKE2, cxx_make2)			/* ... of two: a is the lower one */ \
	X(MAKE3, cxx_make3) \
	X(DROP, cxx_drop)			/* the top value */ \
	X(CANDIDATE, cxx_candidate)		/* the top value, for substitutions */ \
	X(LIST, cxx_list)			/* of steps arg & 255, to byte arg >> 8 */ \
	X(LIST_MORE, cxx_list_more) \
	/* names (cxx_name.c, cxx_special.c) */ \
	X(ENCODING, cxx_encoding)		/* arg 1: in a local name */ \
	X(SIGNATURE, cxx_signature) \
	X(SIGNATURE_REST, cxx_signature_rest) \
	X(SIGNATURE_END, cxx_signature_end) \
	X(CONDITIONS_END, cxx_conditions_end) \
	X(NAME, cxx_name) \
	X(NAME_ARGUMENTS, cxx_name_arguments) \
	X(PREFIX, cxx_prefix) \
	X(PREFIX_JOIN, cxx_prefix_join) \
	X(PREFIX_END, cxx_prefix_end) \
	X(SOURCE_NAME, cxx_source_name_step) \
	X(TAGS, cxx_tags) \
	X(MODULE_END, cxx_module_end)		/* arg: the name's module, or 0 */ \
	X(FRIEND_END, cxx_friend_end)		/* arg 1: a friend's name */ \
	X(INHERITED, cxx_inherited) \
	X(CONVERSION_END, cxx_conversion_end) \
	X(RESTORE_CONVERSION, cxx_restore_conversion) \
	X(RESTORE_LEVEL, cxx_restore_level) \
	X(LAMBDA_END, cxx_lambda_end)		/* arg: its level */ \
	X(LOCAL, cxx_local) \
	X(LOCAL_END, cxx_local_end) \
	X(SPECIAL_END, cxx_special_end)		/* arg: which special name */ \
	X(SPECIAL_PAIR, cxx_special_pair) \
	X(REFERENCE_END, cxx_reference_end) \
	X(VTABLE_OFFSET, cxx_vtable_offset) \
	/* types (cxx_type.c, cxx_argument.c) */ \
	X(TYPE, cxx_type) \
	X(PARAMETERS, cxx_parameters) \
	X(PARAMETERS_MORE, cxx_parameters_more) \
	X(FUNCTION_TYPE, cxx_function_type)	/* arg: enum cxx_qualifier */ \
	X(FUNCTION_END, cxx_function_end) \
	X(MAKE_OF_SECOND, cxx_make_of_second)	/* like MAKE2, but a is the upper value */ \
	X(CONVERSION_TRY, cxx_conversion_try)	/* arg: enum cxx_template_kind */ \
	X(CONVERSION_OWN, cxx_conversion_own)	/* likewise */ \
	X(TEMPLATE_ARGUMENTS, cxx_template_arguments) \
	X(TEMPLATE_ARGUMENT, cxx_template_argument) \
	X(ARGUMENTS_MORE, cxx_arguments_more) \
	X(ARGUMENTS_END, cxx_arguments_end) \
	X(CONSTRAINT, cxx_constraint) \
	X(DECLARATION, cxx_declaration) \
	X(HEAD, cxx_head) \
	X(HEAD_MORE, cxx_head_more) \
	/* expressions (cxx_expression.c, cxx_unresolved.c) */ \
	X(EXPRESSION, cxx_expression) \
	X(LITERAL_END, cxx_literal_end) \
	X(CAST_OPERAND, cxx_cast_operand) \
	X(OFFSET_END, cxx_offset_end)		/* arg 1: of a member pointer */ \
	X(NEW_INITIALIZER, cxx_new_initializer) \
	X(BRACED_ITEM, cxx_braced_item) \
	X(MEMBER_NAME, cxx_member_name) \
	X(SIMPLE_ID, cxx_simple_id) \
	X(BASE_NAME, cxx_base_name) \
	X(OPTIONAL_ARGUMENTS, cxx_optional_arguments) \
	X(LEVELS, cxx_levels) \
	X(SCOPE_JOIN, cxx_scope_join) \
	X(TYPE_AND_NAME, cxx_type_and_name) \
	X(REQUIRES_PARAMETERS, cxx_requires_parameters) \
	X(REQUIREMENT, cxx_requirement) \
	X(REQUIREMENT_MORE, cxx_requirement_more) \
	/* printing (cxx_print.c, cxx_print_type.c, cxx_print_expression.c) */ \
	X(PRINT, cxx_print)			/* node arg, both halves of it */ \
	X(PRINT_LEFT, cxx_print_left)		/* what stands before a declarator: int (* */ \
	X(PRINT_RIGHT, cxx_print_right)		/* and after it: ) [3] */ \
	X(PRINT_CORE, cxx_print_core)		/* a name without a member's qualifiers */ \
	X(PRINT_TEXT, cxx_print_text)		/* one or two bytes, see TEXT */ \
	X(PRINT_LIST, cxx_print_list) \
	X(PRINT_LIST_REST, cxx_print_list_rest) \
	X(PRINT_OPEN, cxx_print_open)		/* < of template arguments */ \
	X(PRINT_CLOSE, cxx_print_close)		/* > */ \
	X(PRINT_ORDINAL, cxx_print_ordinal)	/* arg + 1 */ \
	X(PRINT_QUALIFIERS, cxx_print_qualifiers) \
	X(PRINT_SUFFIX, cxx_print_suffix) \
	X(PRINT_ARRAY_END, cxx_print_array_end) \
	X(PRINT_AFTER_RETURN, cxx_print_after_return) \
	X(PRINT_HEAD, cxx_print_head) \
	X(PRINT_DECLARED, cxx_print_declared) \
	X(PRINT_OPERAND, cxx_print_operand)	/* an expression, parenthesised if need be */ \
	X(PRINT_OPERATOR, cxx_print_operator) \
	X(PRINT_LITERAL_VALUE, cxx_print_literal_value) \
	X(PRINT_REQUIREMENTS, cxx_print_requirements) \
	X(RESTORE_SCOPE, cxx_restore_scope) \
	X(RESTORE_NODES, cxx_restore_nodes) \
	X(RESTORE_PACK, cxx_restore_pack) \
	X(RESTORE_LAMBDAS, cxx_restore_lambdas)

enum cxx_step {
#define CXX_STEP_NAME(name, function)	CXX_DO_##name,
	CXX_STEPS(CXX_STEP_NAME)
#undef CXX_STEP_NAME
};

typedef void cxx_step_function(struct cxx *c, unsigned arg);
#define CXX_STEP_PROTOTYPE(name, function)	cxx_step_function function;
CXX_STEPS(CXX_STEP_PROTOTYPE)
#undef CXX_STEP_PROTOTYPE

#define DO(name, value)		{CXX_DO_##name, (uint16_t)(value)}

/* The node kind (and flag) that DO(MAKE1, ...) makes of values. */
#define CXX_KIND(kind, flag)	((kind) | (flag) << 8)

/* One or two bytes of text as a task. */
#define TEXT(text)		DO(PRINT_TEXT, (unsigned char)(text)[0] | (text)[1] << 8)

/* Puts the tasks in front of all that are waiting, the first of them first. */
static inline void cxx_plan(struct cxx *c, const struct cxx_task *tasks, unsigned count)
{
	if (count > (unsigned)(CXX_TASKS - c->task_count)) {
		c->failed = true;
		return;
	}
	while (count)
		c->task[c->task_count++] = tasks[--count];
}

#define PLAN(c, ...) do { \
	const struct cxx_task plan_[] = {__VA_ARGS__}; \
	cxx_plan(c, plan_, sizeof(plan_) / sizeof(plan_[0])); \
} while (0)

static inline void cxx_push(struct cxx *c, unsigned value)
{
	if (c->value_count < CXX_VALUES)
		c->value[c->value_count++] = (uint16_t)value;
	else
		c->failed = true;
}

static inline unsigned cxx_pop(struct cxx *c)
{
	if (c->value_count)
		return c->value[--c->value_count];
	c->failed = true;
	return 0;
}

static inline unsigned cxx_top(const struct cxx *c)
{
	return c->value_count ? c->value[c->value_count - 1] : 0;
}

/* A new node; 0 (and failed) when there is no room. */
static inline unsigned cxx_new(struct cxx *c, enum cxx_kind kind, unsigned flag, unsigned a,
			       unsigned b, unsigned d)
{
	if (c->node_count >= CXX_NODES) {
		c->failed = true;
		return 0;
	}
	c->node[c->node_count] = (struct cxx_node){(uint8_t)kind, (uint8_t)flag, (uint16_t)a,
						   (uint16_t)b, (uint16_t)d};
	return c->node_count++;
}

static inline void cxx_push_new(struct cxx *c, enum cxx_kind kind, unsigned flag, unsigned a,
				unsigned b, unsigned d)
{
	cxx_push(c, cxx_new(c, kind, flag, a, b, d));
}

/* Takes the next byte if it is ch. */
static inline bool cxx_take(struct cxx *c, char ch)
{
	if (*c->at != ch)
		return false;
	c->at++;
	return true;
}

/* The top value can be named by a substitution from here on. */
static inline void cxx_add_candidate(struct cxx *c)
{
	if (c->candidate_count < CXX_CANDIDATES)
		c->candidate[c->candidate_count++] = (uint16_t)cxx_top(c);
	else
		c->failed = true;
}

/* Charges n steps; false (and failed) when the budget is used up. */
static inline bool cxx_charge(struct cxx *c, unsigned n)
{
	if (c->budget < n) {
		c->failed = true;
		return false;
	}
	c->budget -= n;
	return true;
}

/*
 * Parts of the grammar that other files call. Those that return a value are read at once;
 * the others plan. All set failed when the name is damaged.
 */

/*
 * cxx.c: where two readings begin alike, the first is an attempt. It ends with cxx_keep_attempt()
 * when it has made one value, or with cxx_give_up_attempt(): by the rule that finds it wrong, or
 * because something in it failed. Then the name is read again from where it began, by `instead`.
 * When the rest of the name does not go with an attempt that was kept, the whole name is read again
 * with that one given up.
 */
void cxx_begin_attempt(struct cxx *c, struct cxx_task instead);
bool cxx_keep_attempt(struct cxx *c);		/* false: it was given up */
void cxx_give_up_attempt(struct cxx *c);	/* c->attempt is not 0 */

unsigned cxx_decimal(struct cxx *c);		/* 12 */
unsigned cxx_base36(struct cxx *c);		/* 1Z */
unsigned cxx_number_bar(struct cxx *c);		/* _ is 0, 0_ is 1, 12_ is 13 */
void cxx_digits(struct cxx *c);			/* any number of digits, at least one; skipped */
void cxx_list_start(struct cxx *c);		/* values from here on ... */
void cxx_list_finish(struct cxx *c);		/* ... become one CXX_LIST, or 0 */

/* cxx_name.c, cxx_special.c */
unsigned cxx_source_name(struct cxx *c);	/* 3foo: CXX_NAME */
unsigned cxx_substitution(struct cxx *c);	/* S_ Sa St, with tags: any node */
unsigned cxx_qualifier_letters(struct cxx *c);	/* rVK: enum cxx_qualifier, maybe none */

/* W3foo, after the outer module or 0: CXX_MODULE, or outer when there is none. */
unsigned cxx_module_name(struct cxx *c, unsigned outer);

/* A name in a class or 0. `module` is the module, or 0, that a substitution before it named. */
void cxx_unqualified(struct cxx *c, unsigned class_name, unsigned module);
void cxx_nested(struct cxx *c);
void cxx_special(struct cxx *c);
const char *cxx_special_text(unsigned special);

/* What the arguments of a template follow, and which of the two are candidates. */
enum cxx_template_kind {
	CXX_TEMPLATE_NAME,		/* a name that was made a candidate just now */
	CXX_TEMPLATE_SUBSTITUTION,	/* S_: the whole becomes a candidate */
	CXX_TEMPLATE_PARAMETER,		/* T_: likewise */
};

/* cxx_type.c, cxx_argument.c */
void cxx_bound(struct cxx *c);			/* of an array: digits, expression or nothing */
unsigned cxx_template_parameter(struct cxx *c);	/* T_ T0_ TL0__: CXX_PARAMETER */
void cxx_arguments_of(struct cxx *c, enum cxx_template_kind kind);	/* of the top value */

/* These last until the tasks that are planned from here on have run. */
void cxx_leave_conversion(struct cxx *c);	/* brackets end the ambiguity of I */
void cxx_enter_level(struct cxx *c, unsigned level);

/* cxx_expression.c, cxx_unresolved.c */
void cxx_literal(struct cxx *c);
void cxx_unresolved(struct cxx *c);		/* after sr */
void cxx_requires(struct cxx *c);

/* cxx_print.c */

/* Writes bytes of the mangled name. */
void cxx_print_source(struct cxx *c, unsigned offset, unsigned len);

/* The CXX_LAMBDA around that a CXX_PARAMETER is of, or 0: then it is a function template's. */
unsigned cxx_lambda_of(struct cxx *c, unsigned parameter);

/*
 * What a CXX_PARAMETER stands for, and the scope that it is to be printed in; any other node,
 * or a parameter that stands for nothing known here, comes back as it is.
 */
unsigned cxx_resolve(struct cxx *c, unsigned node, unsigned *scope);

/* The number of elements of the pack in this pattern; false when there is none. */
bool cxx_pack_length(struct cxx *c, unsigned pattern, unsigned *length);

/* cxx_print_type.c, cxx_print_expression.c */
void cxx_print_type_left(struct cxx *c, unsigned node);
void cxx_print_expression(struct cxx *c, unsigned node);

/* --- tables (cxx_table.c) --- */

enum cxx_style {
	CXX_PREFIX = 1,		/* -x */
	CXX_INFIX,		/* x+y */
	CXX_PLUSPLUS,		/* x++, or ++x when an underscore follows the code */
	CXX_SELECT,		/* x.name */
	CXX_INDEX,		/* x[y] */
	CXX_CONDITIONAL,	/* x?y : z */
	CXX_CALLING,	/* x(list) */
	CXX_OF_TYPE, CXX_OF_VALUE,	/* sizeof (type), sizeof x */
	CXX_OF_PARENTHESES,	/* typeid (x) */
	CXX_CONVERT_NAMED,	/* static_cast<type>(x) */
	CXX_ALLOCATE, CXX_RELEASE,	/* new, delete */
};

struct cxx_operator {
	char code[3];
	uint8_t style;		/* enum cxx_style */
	const char *text;	/* as in "operator" text */
};

extern const struct cxx_operator cxx_operators[];

/* The index of the operator with this two-letter code, or -1. */
int cxx_operator_find(const char *code);

/* The name of a builtin type (i, or Dn with after_d), or NULL. */
const char *cxx_builtin(char letter, bool after_d);

struct cxx_abbreviation {
	char letter;
	const char *text;	/* the whole name */
	const char *last;	/* the name of its constructors */
};

extern const struct cxx_abbreviation cxx_abbreviations[];

/* --- */

/* demangle() for names that start with _Z or _GLOBAL_. */
size_t cxx_demangle(const char *name, void *work, char *out, size_t out_bytes);

#endif
