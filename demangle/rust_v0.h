/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the demangler of Rust's v0 names: the machine (rust_v0.c), and what its grammar's
 * three parts, paths (rust_v0.c), types (rust_type.c) and constants (rust_const.c), share.
 */
#ifndef DEMANGLE_RUST_V0_H
#define DEMANGLE_RUST_V0_H

#include "demangle/rust.h"

#define RUST_TASKS	16000

struct rust_task {
	uint16_t step, arg;
};

struct rust {
	const char *name;	/* after _R: what back references count from */
	const char *at, *end;
	struct sink out;
	size_t budget;
	bool failed;
	bool open;		/* a dyn trait's <...> has not been closed yet */
	uint16_t silent;	/* depth */
	uint16_t lifetimes;	/* bound by the binders around */
	uint16_t task_count;
	struct rust_task task[RUST_TASKS];
	uint32_t character[PUNYCODE_MAX];
};

struct rust_identifier {
	const char *text;
	size_t len;
	bool is_punycode;
};

#define RUST_STEPS(X) \
	X(PATH, rust_path)		/* arg: 1 in an expression, with ::<> */ \
	X(NAMED, rust_named)			/* the rest of N: arg is the namespace's letter */ \
	X(IMPL_TYPE, rust_impl_type) \
	X(GENERIC_ARGS, rust_generic_args)	/* up to E; arg 1: not the first */ \
	X(OPEN_PATH, rust_open_path) \
	X(SET_OPEN, rust_set_open) \
	X(TYPE, rust_type) \
	X(TYPES, rust_types)			/* up to E; arg: how many were written */ \
	X(RETURN_TYPE, rust_return_type) \
	X(DYN_TRAITS, rust_dyn_traits) \
	X(DYN_BINDINGS, rust_dyn_bindings) \
	X(DYN_LIFETIME, rust_dyn_lifetime) \
	X(CONST, rust_constant)		/* arg: 1 inside another constant */ \
	X(CONSTS, rust_constants)		/* up to E; arg: how many were written */ \
	X(PATTERN, rust_pattern) \
	X(PATTERNS, rust_patterns)		/* up to E */ \
	X(TUPLE_END, rust_tuple_end)		/* the comma of a 1-tuple */ \
	X(CONST_TUPLE_END, rust_constant_tuple_end) \
	X(VARIANT, rust_variant) \
	X(FIELDS, rust_fields) \
	X(TEXT, rust_text)			/* one or two bytes */ \
	X(RETURN_TO, rust_return_to)		/* offset of the reader, after a back reference */ \
	X(UNBIND, rust_unbind)		/* arg: number of bound lifetimes again */ \
	X(SPEAK, rust_speak)

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

static inline void rust_plan(struct rust *r, const struct rust_task *tasks, unsigned count)
{
	if (count > (unsigned)(RUST_TASKS - r->task_count)) {
		r->failed = true;
		return;
	}
	while (count)
		r->task[r->task_count++] = tasks[--count];
}

/* Puts the tasks in front of all that are waiting, the first of them first. */
#define PLAN(r, ...) do { \
	const struct rust_task plan_[] = {__VA_ARGS__}; \
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

static inline bool rust_take(struct rust *r, char ch)
{
	if (*r->at != ch || r->at == r->end)
		return false;
	r->at++;
	return true;
}

static inline char rust_peek(const struct rust *r)
{
	return r->at < r->end ? *r->at : '\0';
}

static inline char rust_next(struct rust *r)
{
	if (r->at < r->end)
		return *r->at++;
	r->failed = true;
	return '\0';
}

static inline bool rust_is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

/* Read and written at once; all set failed when the name is damaged. */
uint64_t rust_base62(struct rust *r);			/* _ is 0, 0_ is 1, Z_ is 62 */
uint64_t rust_optional_base62(struct rust *r, char tag);	/* 0 when the tag is missing */
struct rust_identifier rust_identifier(struct rust *r);
void rust_print_identifier(struct rust *r, const struct rust_identifier *id);
void rust_print_lifetime(struct rust *r, uint64_t index);	/* 0: '_ */

/* Binds the lifetimes of G0_ and writes for<'a, 'b>; plan UNBIND before. */
void rust_binder(struct rust *r);

/* B5_, after the B: what was read at offset 5 is read again, by `again`, in place of this. */
void rust_back_reference(struct rust *r, struct rust_task again);

#endif
