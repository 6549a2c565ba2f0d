/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the C++ demangler: the machine that both its parser and its printer run on.
 *
 *	name --parser--> tree of nodes --printer--> text
 *
 * There is no recursion. The remaining work of a grammar rule is written down as a plan: a list of
 * tasks, which are put on a stack so that the first of them runs next. A rule such as
 *
 *	<pointer-to-member-type> ::= M <class type> <member type>
 *
 * is a function that plans {type} {type} {make a node of the two}, and returns. Parsed nodes wait
 * on a second stack, the values. Printing works in the same way: a node writes its first text and
 * plans the rest. Both stacks, the nodes and the substitutions lie in the caller's work memory.
 * When any of them is full, `failed` is set and the loop ends after the current task, so no rule
 * has to check for that. Nodes are shared, because a substitution makes the tree a directed acyclic
 * graph. So the text could be exponentially longer than the name, which the end of `out` and
 * `budget` bound.
 *
 * Indices have 16 bits, and node 0 stands for "none". Names of rules and section numbers are those
 * of the Itanium C++ ABI (itanium-cxx-abi.github.io/cxx-abi/abi.html).
 */
#ifndef DEMANGLE_CXX_H
#define DEMANGLE_CXX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "demangle/plan.h"
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
	CXX_SPECIAL,		/* a: index in the table of cxx_special.c, b: operand, c: second one;
				 * flag: 0, 1: c is a type, 2: c is a number */
	CXX_CLONE,		/* a: encoding, b: CXX_NAME of the suffix */
	/* types */
	CXX_BUILTIN,		/* a: letter; flag: 1 when D stands before the letter */
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
	CXX_PARAMETER,		/* a: number, b: level, which is 0 for T_ and 1 for TL0__ */
	CXX_EXPANSION,		/* a: pattern */
	CXX_DECLTYPE,		/* a: expression */
	/* lists */
	CXX_LIST,		/* a: item, b: rest or 0 */
	CXX_ARGUMENTS,		/* a: list or 0: of a template, or of a pack as one argument */
	CXX_HEAD,		/* a: list of declarations <...> of a generic lambda */
	CXX_DECLARATION,	/* flag: 'y'; 'n' type a; 't' list a; 'p' declaration a; 'k' concept */
	/* expressions: see cxx_expression.c */
	CXX_LITERAL,		/* a: type, b: offset, c: length; flag: 1 negative */
	CXX_LITERAL_NAME,	/* a: encoding */
	CXX_FUNCTION_PARAMETER,	/* a: number; 0 is `this` */
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

/* How the work memory is shared. A name of n bytes makes at most about 2n nodes. */
#define CXX_NODES	20000
#define CXX_TASKS	12000
#define CXX_VALUES	8000
#define CXX_CANDIDATES	8000

/* The value of pack_index in a fold expression, where a pack stands for all its elements. */
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
	size_t budget;			/* how many tasks and steps along lists may still be made */
	bool failed;

	/* parsing */
	bool in_conversion;		/* in the type of a conversion operator, after which I is
					 * ambiguous: see cxx_arguments_of() */
	bool in_lambda;			/* in a lambda that is no template as far as it was read */
	uint16_t level;			/* number of templates around, whose parameters are T_, TL0__ */
	uint16_t attempt;		/* value_count just above the record of the innermost attempt; 0:
					 * there is none */
	uint16_t kept;			/* how many attempts have been kept so far */
	uint16_t doubted;		/* the number of the attempt that is given up although it could
					 * be kept, or 0: see cxx_demangle() */

	/* printing */
	uint16_t scope;			/* CXX_LIST of (CXX_ARGUMENTS, outer scope), or 0. If its flag is
					 * set, c is a list of the CXX_ARGUMENTS of all levels */
	const char *comma_dropped;	/* in out: where a list's comma was last taken back */
	const char *array_end;		/* in out: the place behind the last array's ] */
	uint16_t pack_index;		/* element of the pack that is being expanded, or CXX_WHOLE_PACK */
	uint16_t lambdas;		/* CXX_LIST of the lambdas around, innermost first, or 0 */

	/* Not of 16 bits, because loads of such counters stall. */
	unsigned node_count, task_count, value_count, candidate_count;
	struct cxx_node node[CXX_NODES];
	struct plan_task task[CXX_TASKS];	/* steps: enum cxx_step */
	uint16_t value[CXX_VALUES];
	uint16_t candidate[CXX_CANDIDATES];	/* for substitutions: S_ S0_ S1_ ... */
};

/* All steps of both machines: the name in a plan, and the function. */
#define CXX_STEPS(X) \
	/* building blocks (cxx.c) */ \
	X(EXPECT, cxx_expect)			/* takes the byte arg */ \
	X(MAKE1, cxx_make1)			/* makes a node CXX_KIND(kind, flag) of one value */ \
	X(MAKE2, cxx_make2)			/* ... of two values: a is the lower one */ \
	X(MAKE3, cxx_make3) \
	X(DROP, cxx_drop)			/* drops the top value */ \
	X(CANDIDATE, cxx_candidate)		/* lets substitutions refer to the top value */ \
	X(LIST, cxx_list)			/* runs step arg & 255 until byte arg >> 8 */ \
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
	X(PRINT, cxx_print)			/* both halves of node arg */ \
	X(PRINT_LEFT, cxx_print_left)		/* the half before a declarator: int (* */ \
	X(PRINT_RIGHT, cxx_print_right)		/* the half after it: ) [3] */ \
	X(PRINT_CORE, cxx_print_core)		/* a name without the qualifiers of a member */ \
	X(PRINT_TEXT, cxx_print_text)		/* one or two bytes: see TEXT */ \
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
	X(PRINT_OPERAND, cxx_print_operand)	/* an expression, in parentheses if needed */ \
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
	CXX_STEP_COUNT
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

/* Puts tasks in front of all that are waiting, so that the first of them runs next. */
static inline void cxx_plan(struct cxx *c, const struct plan_task *tasks, unsigned count)
{
	if (!plan_tasks(c->task, &c->task_count, CXX_TASKS, tasks, count))
		c->failed = true;
}

#define PLAN(c, ...) do { \
	const struct plan_task plan_[] = {__VA_ARGS__}; \
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

/* Lets substitutions refer to the top value from here on. */
static inline void cxx_add_candidate(struct cxx *c)
{
	if (c->candidate_count < CXX_CANDIDATES)
		c->candidate[c->candidate_count++] = (uint16_t)cxx_top(c);
	else
		c->failed = true;
}

/* Charges n steps. False, and failed: the budget is used up. */
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
 * Parts of the grammar that other files call. Functions that return a value have read that part;
 * the others plan the rest. All set failed when the name is damaged.
 */

/*
 * cxx.c: Where two readings of a part begin alike, the first one is an attempt. When the attempt
 * has made one value, cxx_keep_attempt() ends it. cxx_give_up_attempt() ends it when a rule finds
 * it wrong or anything in it fails. Then `instead` reads the name again from where the attempt
 * began. If an attempt was kept and the rest of the name fails, the whole name is read again, and
 * that attempt is given up.
 */
void cxx_begin_attempt(struct cxx *c, struct plan_task instead);
bool cxx_keep_attempt(struct cxx *c);		/* false: it was given up after all */
void cxx_give_up_attempt(struct cxx *c);	/* there must be an attempt */

unsigned cxx_decimal(struct cxx *c);		/* 12 */
unsigned cxx_base36(struct cxx *c);		/* 1Z */
unsigned cxx_number_bar(struct cxx *c);		/* _ is 0, 0_ is 1, 12_ is 13 */
void cxx_digits(struct cxx *c);			/* skips one digit or more */
void cxx_list_start(struct cxx *c);		/* values from here on ... */
void cxx_list_finish(struct cxx *c);		/* ... become one CXX_LIST, or 0 */

/* cxx_name.c, cxx_special.c */
unsigned cxx_source_name(struct cxx *c);	/* 3foo: CXX_NAME */
unsigned cxx_substitution(struct cxx *c);	/* S_ Sa St, with tags: any node */
unsigned cxx_qualifier_letters(struct cxx *c);	/* rVK: enum cxx_qualifier, or 0 */

/* W3foo within the outer module, or 0: CXX_MODULE. Returns outer when there is no W. */
unsigned cxx_module_name(struct cxx *c, unsigned outer);

/* Plans an <unqualified-name> in a class, or 0. module: the one that a substitution before the name
 * refers to, or 0. */
void cxx_unqualified(struct cxx *c, unsigned class_name, unsigned module);
void cxx_nested(struct cxx *c);
void cxx_special(struct cxx *c);
const char *cxx_special_text(unsigned special);

/* What stands before the arguments of a template. */
enum cxx_template_kind {
	CXX_TEMPLATE_NAME,		/* a name, which has just become a candidate */
	CXX_TEMPLATE_SUBSTITUTION,	/* S_; the name with its arguments becomes a candidate */
	CXX_TEMPLATE_PARAMETER,		/* T_; likewise */
};

/* cxx_type.c, cxx_argument.c */
void cxx_bound(struct cxx *c);			/* of an array: digits, expression or nothing */
unsigned cxx_template_parameter(struct cxx *c);	/* T_ T0_ TL0__: CXX_PARAMETER */
void cxx_arguments_of(struct cxx *c, enum cxx_template_kind kind);	/* of the top value */

/* These change the state until all tasks that are planned after them have run. */
void cxx_leave_conversion(struct cxx *c);	/* I is not ambiguous within brackets */
void cxx_enter_level(struct cxx *c, unsigned level);

/* cxx_expression.c, cxx_unresolved.c */
void cxx_literal(struct cxx *c);
void cxx_unresolved(struct cxx *c);		/* after sr */
void cxx_requires(struct cxx *c);

/* cxx_print.c */

/* Writes len bytes of the mangled name. */
void cxx_print_source(struct cxx *c, unsigned offset, unsigned len);

/* The CXX_LAMBDA that a CXX_PARAMETER belongs to, or 0 if it is a parameter of a function template.
 * */
unsigned cxx_lambda_of(struct cxx *c, unsigned parameter);

/*
 * Returns the node that a CXX_PARAMETER stands for, and sets the scope in which that node is to be
 * printed. Any other node, and a parameter without a known argument, is returned as it is.
 */
unsigned cxx_resolve(struct cxx *c, unsigned node, unsigned *scope);

/* Sets the number of elements of the pack in a pattern. False: there is no pack in it. */
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
	CXX_CALLING,		/* x(list) */
	CXX_OF_TYPE, CXX_OF_VALUE,	/* sizeof (type), sizeof x */
	CXX_OF_PARENTHESES,	/* typeid (x) */
	CXX_CONVERT_NAMED,	/* static_cast<type>(x) */
	CXX_ALLOCATE, CXX_RELEASE,	/* new, delete */
};

struct cxx_operator {
	char code[3];
	uint8_t style;		/* enum cxx_style */
	char text[17];		/* as in "operator" text */
};

extern const struct cxx_operator cxx_operators[];

/* The index of the operator with this two-letter code, or -1. */
int cxx_operator_find(const char *code);

/* The name of a builtin type (i, or Dn with after_d), or NULL. Names are static. */
const char *cxx_builtin(char letter, bool after_d);

struct cxx_abbreviation {
	char letter;
	const char *text;	/* the whole name */
	const char *last;	/* the name of its constructors */
};

extern const struct cxx_abbreviation cxx_abbreviations[];

/* --- */

/* As demangle(), for names that start with _Z or _GLOBAL_. */
size_t cxx_demangle(const char *name, void *work, char *out, size_t out_bytes);

#endif
