/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See slow.h. The walk begins with the registers of slow_stack() itself and passes the frames of this library, as
 * backtrace() does, because only the unwind information of these frames tells which register values the hook's
 * caller had.
 */
#include "slow.h"

#include "arch.h"

#ifdef ARCH_DWARF_FP

#include "base/reader.h"
#include "cfi.h"
#include "walk.h"

#include <string.h>

#define OWN_FRAMES_MAX	16	/* frames of this library, from slow_stack() to the hook */
#define NO_PAGE		1	/* is the address of no page */
#define EXPRESSION_DEPTH 16	/* values on the stack of a DWARF expression */
#define EXPRESSION_STEPS 64	/* operations of a DWARF expression */

/* A walk's position. */
struct cursor {
	uintptr_t pc, registers[ARCH_REGISTERS];
	uint64_t known;			/* a bit for each register whose value is known */
	bool interrupted;		/* pc is an instruction, and not a return address */
	uintptr_t page;			/* the page that was last found to be readable, or NO_PAGE */
};

static bool is_known(const struct cursor *p, uint64_t reg)
{
	return reg < ARCH_REGISTERS && p->known >> reg & 1;
}

/* Reads size_bytes (at most 8) at any address. Returns false if they cannot be read. */
static bool load(struct cursor *p, uintptr_t address, size_t size_bytes, uintptr_t *value)
{
	uintptr_t first = address & ~(PROBE_PAGE - 1), last = (address + size_bytes - 1) & ~(PROBE_PAGE - 1);

	if (last < first || (first != p->page && !probe_readable(first)) ||
	    (last != first && !probe_readable(last)))
		return false;
	p->page = first;
	*value = 0;
	memcpy(value, (const void *)address, size_bytes);
	return true;
}

/* DWARF 5, section 7.7.1. */
enum {
	OP_DEREF = 0x06, OP_CONST1U = 0x08, OP_CONST1S, OP_CONST2U, OP_CONST2S, OP_CONST4U, OP_CONST4S,
	OP_CONST8U, OP_CONST8S, OP_CONSTU, OP_CONSTS, OP_DUP, OP_DROP, OP_OVER, OP_SWAP = 0x16,
	OP_AND = 0x1a, OP_MINUS = 0x1c, OP_MUL = 0x1e, OP_NEG, OP_NOT, OP_OR, OP_PLUS, OP_PLUS_UCONST, OP_SHL,
	OP_SHR, OP_SHRA, OP_XOR, OP_EQ = 0x29, OP_GE, OP_GT, OP_LE, OP_LT, OP_NE, OP_LIT0 = 0x30, OP_BREG0 = 0x70,
	OP_BREG31 = 0x8f, OP_NOP = 0x96,
};

/* Reads the constant of an operation that pushes one. Returns false for other operations. */
static bool read_constant(uint8_t op, struct reader *r, uintptr_t *v)
{
	switch (op) {
	case OP_CONST1U:	*v = reader_u8(r); return true;
	case OP_CONST1S:	*v = (uintptr_t)(intptr_t)(int8_t)reader_u8(r); return true;
	case OP_CONST2U:	*v = reader_u16(r); return true;
	case OP_CONST2S:	*v = (uintptr_t)(intptr_t)(int16_t)reader_u16(r); return true;
	case OP_CONST4U:	*v = reader_u32(r); return true;
	case OP_CONST4S:	*v = (uintptr_t)(intptr_t)(int32_t)reader_u32(r); return true;
	case OP_CONST8U:
	case OP_CONST8S:	*v = (uintptr_t)reader_u64(r); return true;
	case OP_CONSTU:		*v = (uintptr_t)reader_uleb(r); return true;
	case OP_CONSTS:		*v = (uintptr_t)reader_sleb(r); return true;
	default:		return false;
	}
}

/* Applies an operation on the two uppermost values of the stack, of which a is the upper one. Returns false for
 * other operations. */
static bool combine(uint8_t op, uintptr_t b, uintptr_t a, uintptr_t *v)
{
	intptr_t x = (intptr_t)b, y = (intptr_t)a;

	switch (op) {
	case OP_AND:	*v = b & a; return true;
	case OP_OR:	*v = b | a; return true;
	case OP_XOR:	*v = b ^ a; return true;
	case OP_PLUS:	*v = b + a; return true;
	case OP_MINUS:	*v = b - a; return true;
	case OP_MUL:	*v = b * a; return true;
	case OP_SHL:	*v = a < 8 * sizeof(a) ? b << a : 0; return true;
	case OP_SHR:	*v = a < 8 * sizeof(a) ? b >> a : 0; return true;
	case OP_SHRA:	*v = (uintptr_t)(x >> (a < 8 * sizeof(a) ? a : 8 * sizeof(a) - 1)); return true;
	case OP_EQ:	*v = x == y; return true;
	case OP_GE:	*v = x >= y; return true;
	case OP_GT:	*v = x > y; return true;
	case OP_LE:	*v = x <= y; return true;
	case OP_LT:	*v = x < y; return true;
	case OP_NE:	*v = x != y; return true;
	default:	return false;
	}
}

/* Applies an operation on the uppermost value of the stack. Returns false for other operations, and if a load
 * fails. */
static bool change(struct cursor *p, uint8_t op, struct reader *r, uintptr_t *top)
{
	switch (op) {
	case OP_DEREF:		return load(p, *top, sizeof(*top), top);
	case OP_NEG:		*top = -*top; return true;
	case OP_NOT:		*top = ~*top; return true;
	case OP_PLUS_UCONST:	*top += (uintptr_t)reader_uleb(r); return true;
	default:		return false;
	}
}

/* Evaluates a DWARF expression on a stack that already has `count` values (0 or 1). Returns false if the expression
 * uses something that is not known or not supported. */
static bool evaluate(struct cursor *p, struct reader r, uintptr_t stack[EXPRESSION_DEPTH], unsigned count,
		     uintptr_t *result)
{
	for (unsigned steps = 0; r.p < r.end; steps++) {
		uint8_t op = reader_u8(&r);
		uintptr_t v;

		if (steps == EXPRESSION_STEPS || count > EXPRESSION_DEPTH - 1)
			return false;
		if (op >= OP_LIT0 && op < OP_LIT0 + 32) {
			stack[count++] = op - OP_LIT0;
		} else if (op >= OP_BREG0 && op <= OP_BREG31) {
			/* In the expressions of linkers' PLT stubs the return address's column means pc. */
			bool here = op - OP_BREG0 == ARCH_DWARF_RA && !ARCH_LINK_REGISTER;

			if (!here && !is_known(p, op - OP_BREG0))
				return false;
			stack[count++] = (here ? p->pc : p->registers[op - OP_BREG0]) + (uintptr_t)reader_sleb(&r);
		} else if (read_constant(op, &r, &v)) {
			stack[count++] = v;
		} else if (op == OP_NOP) {
			;
		} else if (op == OP_DUP && count) {
			stack[count] = stack[count - 1];
			count++;
		} else if (op == OP_DROP && count) {
			count--;
		} else if (op == OP_OVER && count > 1) {
			stack[count] = stack[count - 2];
			count++;
		} else if (op == OP_SWAP && count > 1) {
			v = stack[count - 1];
			stack[count - 1] = stack[count - 2];
			stack[count - 2] = v;
		} else if (count > 1 && combine(op, stack[count - 2], stack[count - 1], &v)) {
			stack[--count - 1] = v;
		} else if (!count || !change(p, op, &r, &stack[count - 1])) {
			return false;
		}
		if (r.bad)
			return false;
	}
	*result = count ? stack[count - 1] : 0;
	return count;
}

static bool find_cfa(struct cursor *p, const struct cfi_state *state, uintptr_t *cfa)
{
	uintptr_t stack[EXPRESSION_DEPTH];

	if (state->cfa_expression)
		return evaluate(p, reader_over(state->cfa_expression, state->cfa_expression_size), stack, 0, cfa);
	if (!is_known(p, state->cfa_register))
		return false;
	*cfa = p->registers[state->cfa_register] + (uintptr_t)state->cfa_offset;
	return true;
}

/* Finds the value that a register had in the caller. Returns false if it is not known. */
static bool find_register(struct cursor *p, const struct cfi_state *state, unsigned reg, uintptr_t cfa,
			  uintptr_t *value)
{
	const struct cfi_saved *s = &state->saved[reg];
	uintptr_t stack[EXPRESSION_DEPTH] = { cfa }, address;
	struct reader r;

	switch (s->where) {
	case CFI_SAME:
		*value = p->registers[reg];
		return is_known(p, reg);
	case CFI_AT_CFA:
		return load(p, cfa + (uintptr_t)s->offset, sizeof(*value), value);
	case CFI_AT_FP:
		return is_known(p, ARCH_DWARF_FP) &&
		       load(p, p->registers[ARCH_DWARF_FP] + (uintptr_t)s->offset, sizeof(*value), value);
	case CFI_REGISTER:
		if (!is_known(p, (uint64_t)s->offset))
			return false;
		*value = p->registers[s->offset];
		return true;
	case CFI_EXPRESSION:
	case CFI_VALUE:
		r = reader_over((const void *)(uintptr_t)s->offset, 16);	/* begins with the expression's size */
		address = (uintptr_t)reader_uleb(&r);
		if (!evaluate(p, reader_over(r.p, address), stack, 1, &address))
			return false;
		*value = address;
		return s->where == CFI_VALUE || load(p, address, sizeof(*value), value);
	default:
		return false;
	}
}

/* From a signal trampoline without unwind information to the frame that the signal interrupted. Only the registers
 * that are read here are known then. */
static bool step_signal(struct cursor *p)
{
	uintptr_t at = p->registers[ARCH_DWARF_SP], fp, sp, pc, lr = 0;

	if (!load(p, at + ARCH_SIGNAL_FP, sizeof(fp), &fp) || !load(p, at + ARCH_SIGNAL_SP, sizeof(sp), &sp) ||
	    !load(p, at + ARCH_SIGNAL_PC, sizeof(pc), &pc) ||
	    (ARCH_LINK_REGISTER && !load(p, at + ARCH_SIGNAL_LR, sizeof(lr), &lr)))
		return false;
	p->known = (uint64_t)1 << ARCH_DWARF_FP | (uint64_t)1 << ARCH_DWARF_SP |
		   (uint64_t)ARCH_LINK_REGISTER << ARCH_DWARF_RA;
	p->registers[ARCH_DWARF_RA] = lr;
	p->registers[ARCH_DWARF_FP] = fp;
	p->registers[ARCH_DWARF_SP] = sp;
	p->pc = pc;
	p->interrupted = true;
	return true;
}

/* From code without unwind information, by the frame record. Of the other registers nothing is known afterwards,
 * because nobody knows where the function has saved those that it changes. */
static enum unwind_how step_record(struct cursor *p)
{
	struct walk w = { .pc = p->pc, .sp = p->registers[ARCH_DWARF_SP], .fp = p->registers[ARCH_DWARF_FP] };
	uint64_t rule = rules_find(p->pc, load_relaxed(&rules_stamp));

	if (p->interrupted || !is_known(p, ARCH_DWARF_FP) || !rule_has_record(rule) || !stack_enter(&w.range, w.sp) ||
	    walk_record(&w, rule) != RECORD_LEADS)
		return UNWIND_NO_CFI;
	p->pc = w.pc;
	p->known = (uint64_t)1 << ARCH_DWARF_FP | (uint64_t)1 << ARCH_DWARF_SP;
	p->registers[ARCH_DWARF_SP] = w.sp;
	p->registers[ARCH_DWARF_FP] = w.fp;
	return UNWIND_GOES_ON;
}

/* One frame outward by the unwind information. */
static enum unwind_how step_frame(struct cursor *p, const struct cfi_state *state)
{
	struct cursor caller = { .page = p->page, .interrupted = state->signal_frame };
	uintptr_t cfa, sp = p->registers[ARCH_DWARF_SP], ra;

	if (state->saved[ARCH_DWARF_RA].where == CFI_UNDEFINED)
		return UNWIND_ENDS;
	/* The link register holds the function's return address only while the function has made no call. */
	if (state->saved[ARCH_DWARF_RA].where == CFI_SAME && !(ARCH_LINK_REGISTER && p->interrupted))
		return UNWIND_CUT;
	if (!find_cfa(p, state, &cfa) || !find_register(p, state, ARCH_DWARF_RA, cfa, &ra))
		return UNWIND_CUT;
	/* Only a signal frame leads to another stack, and only an interrupted function can have a frame of size 0. */
	if (!state->signal_frame && (cfa < sp || (cfa == sp && !p->interrupted)))
		return UNWIND_CUT;
	for (unsigned reg = 0; reg < ARCH_REGISTERS; reg++) {
		if (find_register(p, state, reg, cfa, &caller.registers[reg]))
			caller.known |= (uint64_t)1 << reg;
	}
	if (state->saved[ARCH_DWARF_SP].where == CFI_SAME)
		caller.registers[ARCH_DWARF_SP] = cfa;
	else if (!is_known(&caller, ARCH_DWARF_SP))
		return UNWIND_CUT;
	caller.known |= (uint64_t)1 << ARCH_DWARF_SP;
	caller.pc = state->signal_frame ? ra : arch_return_address(ra);
	*p = caller;
	return caller.pc ? UNWIND_GOES_ON : UNWIND_ENDS;
}

/* One frame outward. *by_record: the code has no unwind information, so that its frame record was used. */
static enum unwind_how step(struct cursor *p, bool *by_record)
{
	uint64_t key = p->pc | (p->interrupted ? INTERRUPTED : 0);
	struct cfi_state state;

	*by_record = false;
	switch (cfi_find_state(p->interrupted ? p->pc : p->pc - 1, &state)) {
	case CFI_FOUND:
		return step_frame(p, &state);
	case CFI_NONE:
		if (rule_kind(rules_find(key, load_relaxed(&rules_stamp))) == KIND_SIGNAL)
			return step_signal(p) ? UNWIND_GOES_ON : UNWIND_CUT;
		*by_record = true;
		return step_record(p);
	default:
		return UNWIND_CUT;
	}
}

unsigned __attribute__((noinline)) slow_stack(const struct capture_point *at, uintptr_t *frames, unsigned max,
					      struct unwind_end *end)
{
	struct cursor p = { .interrupted = true, .page = NO_PAGE };
	enum unwind_how how;
	unsigned own = 0, n = 0;
	bool by_record;

	p.pc = arch_read_registers(p.registers);
	p.known = ARCH_READ_REGISTERS;
	while (p.pc != at->pc || p.registers[ARCH_DWARF_SP] != at->sp) {
		if (++own > OWN_FRAMES_MAX || step(&p, &by_record) != UNWIND_GOES_ON)
			return 0;
	}
	*end = (struct unwind_end){ .how = UNWIND_FULL, .first_record = UINT_MAX };
	for (;;) {
		frames[n++] = p.pc;
		if (n == max)
			return n;
		how = step(&p, &by_record);
		if (how != UNWIND_GOES_ON)
			break;
		if (by_record && end->first_record == UINT_MAX)
			end->first_record = n - 1;
	}
	end->how = how;
	return n;
}

#else

unsigned slow_stack(const struct capture_point *at, uintptr_t *frames, unsigned max, struct unwind_end *end)
{
	(void)at;
	(void)frames;
	(void)max;
	(void)end;
	return 0;
}

#endif
