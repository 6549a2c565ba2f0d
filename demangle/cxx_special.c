/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Special names (Itanium C++ ABI 5.1.4), which are those of objects and functions that the compiler
 * makes by itself:
 *
 *	_ZTV3Foo            vtable for Foo
 *	_ZThn8_N3Foo3barEv  non-virtual thunk to Foo::bar()
 */
#include "demangle/cxx.h"

/* What follows the code: the operand that one step parses, or one of these. */
enum operand {
	OF_TYPE = CXX_DO_TYPE, OF_NAME = CXX_DO_NAME, OF_ENCODING = CXX_DO_ENCODING,
	OF_ARGUMENT = CXX_DO_TEMPLATE_ARGUMENT,
	OF_MODULE = CXX_STEP_COUNT,
	OF_OFFSET,		/* one call offset, then an encoding */
	OF_TWO_OFFSETS,		/* call offsets of `this` and of the result, then an encoding */
	OF_PAIR,		/* TC <type> <number> _ <type> */
	OF_REFERENCE,		/* GR <name> <number> */
};

static const struct special {
	char code[4];
	char text[31];
	uint8_t operand;
} specials[] = {
	{"TV", "vtable for ", OF_TYPE},
	{"TT", "VTT for ", OF_TYPE},
	{"TI", "typeinfo for ", OF_TYPE},
	{"TS", "typeinfo name for ", OF_TYPE},
	{"TF", "typeinfo fn for ", OF_TYPE},
	{"TJ", "java Class for ", OF_TYPE},
	{"TC", "construction vtable for ", OF_PAIR},
	{"Th", "non-virtual thunk to ", OF_OFFSET},
	{"Tv", "virtual thunk to ", OF_OFFSET},
	{"Tc", "covariant return thunk to ", OF_TWO_OFFSETS},
	{"TH", "TLS init function for ", OF_NAME},
	{"TW", "TLS wrapper function for ", OF_NAME},
	{"TA", "template parameter object for ", OF_ARGUMENT},
	{"GV", "guard variable for ", OF_NAME},
	{"GR", "reference temporary #", OF_REFERENCE},
	{"GA", "hidden alias for ", OF_ENCODING},
	{"GI", "initializer for module ", OF_MODULE},
	{"GTt", "transaction clone for ", OF_ENCODING},
	{"GTn", "non-transaction clone for ", OF_ENCODING},
};

const char *cxx_special_text(unsigned index)
{
	return specials[index].text;
}

/* <call-offset>: h <offset> _, or v <offset> _ <virtual offset> _, where n is a minus. It is not
 * shown. */
static void call_offset(struct cxx *c)
{
	unsigned numbers = cxx_take(c, 'h') ? 1 : cxx_take(c, 'v') ? 2 : 0;

	if (!numbers)
		c->failed = true;
	while (numbers-- && !c->failed) {
		cxx_take(c, 'n');
		cxx_digits(c);
		cxx_expect(c, '_');
	}
}

static void offsets(struct cxx *c, unsigned operand)
{
	if (operand == OF_OFFSET)
		c->at--;	/* the last letter of the code is the first one of the offset */
	else
		call_offset(c);
	call_offset(c);
}

void cxx_special(struct cxx *c)
{
	unsigned i = 0, len, operand;

	for (;; i++) {
		if (i == sizeof(specials) / sizeof(specials[0])) {
			c->failed = true;
			return;
		}
		len = (unsigned)strlen(specials[i].code);
		if (!strncmp(c->at, specials[i].code, len))
			break;
	}
	c->at += len;
	operand = specials[i].operand;
	switch (operand) {
	case OF_PAIR:
		PLAN(c, DO(TYPE, 0), DO(VTABLE_OFFSET, 0), DO(TYPE, 0), DO(SPECIAL_PAIR, i));
		return;
	case OF_REFERENCE:
		PLAN(c, DO(NAME, 0), DO(REFERENCE_END, i));
		return;
	case OF_MODULE:
		cxx_push(c, cxx_module_name(c, 0));
		if (!cxx_top(c))
			c->failed = true;
		cxx_special_end(c, i);
		return;
	case OF_OFFSET:
	case OF_TWO_OFFSETS:
		offsets(c, operand);
		operand = OF_ENCODING;
	}
	PLAN(c, {(uint16_t)operand, 0}, DO(SPECIAL_END, i));
}

void cxx_special_end(struct cxx *c, unsigned special)
{
	cxx_push_new(c, CXX_SPECIAL, 0, special, cxx_pop(c), 0);
}

/* Skips the offset of the base in TC3Foo8_3Bar. */
void cxx_vtable_offset(struct cxx *c, unsigned arg)
{
	(void)arg;
	cxx_digits(c);
	cxx_expect(c, '_');
}

/* TC <derived> <offset> _ <base> is "construction vtable for base-in-derived". */
void cxx_special_pair(struct cxx *c, unsigned special)
{
	unsigned base = cxx_pop(c);

	cxx_push_new(c, CXX_SPECIAL, 1, special, base, cxx_pop(c));
}

/*
 * In the ABI, GR <name> _ is the first temporary, and GR <name> <seq-id> _ is one of the next.
 * Older compilers wrote a plain number.
 */
void cxx_reference_end(struct cxx *c, unsigned special)
{
	unsigned number = 0;

	if (*c->at != '_') {
		number = cxx_base36(c);
		if (*c->at == '_')
			number++;
	}
	cxx_take(c, '_');
	cxx_push_new(c, CXX_SPECIAL, 2, special, cxx_pop(c), number);
}
