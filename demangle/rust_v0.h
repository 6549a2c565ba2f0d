/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the demangler of Rust's v0 names: the machine, and functions that the three parts of the
 * grammar share, which are paths (rust_v0.c), types (rust_type.c) and constants (rust_const.c).
 * Names of rules are those of RFC 2603.
 *
 * Invariants: name <= at <= end; task_count <= RUST_TASKS.
 */
#ifndef DEMANGLE_RUST_V0_H
#define DEMANGLE_RUST_V0_H

#include "demangle/plan.h"
#include "demangle/rust.h"

#define RUST_TASKS	16000

struct rust {
	const char *name;	/* the place after _R, from which back references count */
	const char *at;		/* the next byte to read */
	const char *end;
	struct sink out;
	size_t budget;		/* how many tasks may still be run */
	bool failed;
	bool open;		/* the <...> of a dyn trait has not been closed */
	uint16_t silent;	/* how many parts around are not shown; 0: text is written */
	uint16_t lifetimes;	/* how many lifetimes the binders around have bound */
	unsigned task_count;
	struct plan_task task[RUST_TASKS];	/* steps: enum rust_step */
	uint32_t character[PUNYCODE_MAX];
};

struct rust_identifier {
	const char *text;
	size_t len;
	bool is_punycode;
};

#define RUST_STEPS(X) \
	X(PATH, rust_path)			/* arg 1: in an expression, which has ::<> */ \
	X(NAMED, rust_named)			/* the rest of N; arg: letter of the namespace */ \
	X(IMPL_TYPE, rust_impl_type)		/* arg: letter of the path */ \
	X(GENERIC_ARGS, rust_generic_args)	/* up to E; arg 1: some were read before */ \
	X(OPEN_PATH, rust_open_path) \
	X(SET_OPEN, rust_set_open) \
	X(TYPE, rust_type) \
	X(TYPES, rust_types)			/* up to E; arg 1: some were read before */ \
	X(RETURN_TYPE, rust_return_type) \
	X(DYN_TRAITS, rust_dyn_traits) \
	X(DYN_BINDINGS, rust_dyn_bindings) \
	X(DYN_LIFETIME, rust_dyn_lifetime) \
	X(CONST, rust_constant)			/* arg 1: inside another constant */ \
	X(CONSTS, rust_constants)		/* up to E; arg 1: some were read before */ \
	X(PATTERN, rust_pattern) \
	X(PATTERNS, rust_patterns)		/* up to E */ \
	X(TUPLE_COMMA, rust_tuple_comma) \
	X(VARIANT, rust_variant) \
	X(FIELDS, rust_fields) \
	X(TEXT, rust_text)			/* one or two bytes */ \
	X(RETURN_TO, rust_return_to)		/* after a back reference; arg: offset of the reader */ \
	X(UNBIND, rust_unbind)			/* arg: number of bound lifetimes before the binder */ \
	X(SPEAK, rust_speak)			/* ends a silent part */

enum rust_step {
#define STEP_NAME(name, function)	DO_##name,
	RUST_STEPS(STEP_NAME)
#undef STEP_NAME
};

typedef void rust_step_function(struct rust *r, unsigned arg);
#define STEP_PROTOTYPE(name, function)	rust_step_function function;
RUST_STEPS(STEP_PROTOTYPE)
#undef STEP_PROTOTYPE

#define DO(name, value)	{DO_##name, (uint16_t)(value)}
#define T(bytes)	DO(TEXT, (unsigned char)(bytes)[0] | (bytes)[1] << 8)

static inline void rust_plan(struct rust *r, const struct plan_task *tasks, unsigned count)
{
	if (!plan_tasks(r->task, &r->task_count, RUST_TASKS, tasks, count))
		r->failed = true;
}

/* Puts the tasks in front of all that are waiting, the first of them first. */
#define PLAN(r, ...) do { \
	const struct plan_task plan_[] = {__VA_ARGS__}; \
	rust_plan(r, plan_, sizeof(plan_) / sizeof(plan_[0])); \
} while (0)

static inline void rust_print(struct rust *r, const char *bytes)
{
	if (!r->silent)
		sink_text(&r->out, bytes);
}

static inline void rust_print_number(struct rust *r, uint64_t value)
{
	if (!r->silent)
		sink_number(&r->out, value);
}

/* Takes the next byte if it is ch. */
static inline bool rust_take(struct rust *r, char ch)
{
	if (*r->at != ch || r->at == r->end)
		return false;
	r->at++;
	return true;
}

/* The next byte, or NUL at the end. */
static inline char rust_peek(const struct rust *r)
{
	return r->at < r->end ? *r->at : '\0';
}

/* Takes the next byte; at the end, failed is set and NUL returned. */
static inline char rust_next(struct rust *r)
{
	if (r->at < r->end)
		return *r->at++;
	r->failed = true;
	return '\0';
}

/* Takes the E at the end of a list. If the list goes on instead, writes the separator between two
 * items (more: there is one before) and returns false. */
static inline bool rust_list_ends(struct rust *r, bool more, const char *separator)
{
	if (rust_take(r, 'E'))
		return true;
	if (more)
		rust_print(r, separator);
	return false;
}

/* These read or write at once, and set failed when the name is damaged. */

/* <base-62-number>: _ is 0, 0_ is 1, Z_ is 62. */
uint64_t rust_base62(struct rust *r);
/* [<tag> <base-62-number>]: 0 when the tag is missing, else the number plus 1. */
uint64_t rust_optional_base62(struct rust *r, char tag);
/* The text lies in the name. */
struct rust_identifier rust_identifier(struct rust *r);
void rust_print_identifier(struct rust *r, const struct rust_identifier *id);
/* index: 1 is the innermost lifetime, and 0 an erased one, '_. The outermost is written as 'a, the
 * next ones as 'b to 'z, '_26 and so on. */
void rust_print_lifetime(struct rust *r, uint64_t index);

/* [<binder>]: binds the lifetimes of G0_ and writes for<'a, 'b>. The caller plans UNBIND before. */
void rust_binder(struct rust *r);

/* These plan. */

/* B5_, after the B: the task `again` reads the part at offset 5 in place of this. */
void rust_back_reference(struct rust *r, struct plan_task again);
/* A tuple up to E: `item` reads the first element, `more` the others and the E. */
void rust_tuple(struct rust *r, struct plan_task item, struct plan_task more);

#endif
