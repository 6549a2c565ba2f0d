/* SPDX-License-Identifier: GPL-2.0-only */
/* Types (Itanium C++ ABI 5.1.5) and template parameters (5.1.5.8). */
#include "demangle/cxx.h"

/* <template-param>: T_ T0_ TL0__ TL0_1_ */
unsigned cxx_template_parameter(struct cxx *c)
{
	unsigned level = 0, number;

	c->at++;	/* T */
	if (cxx_take(c, 'L')) {		/* <level - 1> _ */
		level = cxx_decimal(c) + 1;
		cxx_expect(c, '_');
	}
	number = cxx_number_bar(c);
	if (c->in_lambda && level == c->level) {	/* `auto` makes the lambda a template */
		c->level++;
		c->in_lambda = false;
	}
	return cxx_new(c, CXX_PARAMETER, 0, number, level, 0);
}

static bool starts_function(const char *at)
{
	return *at == 'F' || (*at == 'D' && (at[1] == 'x' || at[1] == 'o' || at[1] == 'O' ||
					     at[1] == 'w'));
}

/* <qualified-type>: Ki. KFvvE is the type of a member function. */
static void qualified(struct cxx *c)
{
	unsigned qualifiers = cxx_qualifier_letters(c);

	if (starts_function(c->at))
		cxx_function_type(c, qualifiers);
	else
		PLAN(c, DO(TYPE, 0), DO(MAKE1, CXX_KIND(CXX_QUALIFIED, qualifiers)),
		     DO(CANDIDATE, 0));
}

/* A bit besides those of enum cxx_qualifier: the exception specification has been read. */
#define HAS_EXCEPTION	64

/*
 * <function-type>: FivE, DoFvvE, DOL_Z..EEFvvE, DwiEFvvE, FvvRE. Its parts become three values: the
 * exception specification or 0, the return type, and the list of parameters.
 */
void cxx_function_type(struct cxx *c, unsigned qualifiers)
{
	if (!starts_function(c->at)) {
		c->failed = true;
		return;
	}
	cxx_leave_conversion(c);
	if (*c->at == 'D') {
		char kind = c->at[1];

		c->at += 2;
		if (kind == 'x') {
			PLAN(c, DO(FUNCTION_TYPE, qualifiers | CXX_TRANSACTION_SAFE));
			return;
		}
		if (qualifiers & HAS_EXCEPTION)
			c->failed = true;
		PLAN(c, DO(FUNCTION_TYPE, qualifiers | HAS_EXCEPTION));
		if (kind == 'o')
			cxx_push_new(c, CXX_EXCEPTION, 'o', 0, 0, 0);
		else if (kind == 'O')
			PLAN(c, DO(EXPRESSION, 0), DO(EXPECT, 'E'),
			     DO(MAKE1, CXX_KIND(CXX_EXCEPTION, 'O')));
		else if (kind == 'w')
			PLAN(c, DO(LIST, CXX_DO_TYPE | 'E' << 8),
			     DO(MAKE1, CXX_KIND(CXX_EXCEPTION, 'w')));
		return;
	}
	c->at++;	/* F */
	if (!(qualifiers & HAS_EXCEPTION))
		cxx_push(c, 0);
	qualifiers &= ~HAS_EXCEPTION;
	cxx_take(c, 'Y');	/* extern "C", which is not shown */
	PLAN(c, DO(TYPE, 0), DO(PARAMETERS, 0), DO(FUNCTION_END, qualifiers), DO(CANDIDATE, 0));
}

/* Makes a function of the values exception specification, return type and parameters. */
void cxx_function_end(struct cxx *c, unsigned qualifiers)
{
	unsigned parameters = cxx_pop(c);
	unsigned result = cxx_pop(c);
	unsigned exception = cxx_pop(c);

	if (cxx_take(c, 'R'))
		qualifiers |= CXX_LVALUE;
	else if (cxx_take(c, 'O'))
		qualifiers |= CXX_RVALUE;
	cxx_expect(c, 'E');
	cxx_push_new(c, CXX_FUNCTION, qualifiers, result, parameters, exception);
}

/* <bare-function-type>: types up to E, RE, OE, Q, a clone suffix or the end. None of these begins a
 * type. */
void cxx_parameters(struct cxx *c, unsigned arg)
{
	(void)arg;
	cxx_list_start(c);
	if (c->at[0] == 'v') {
		c->at++;
		cxx_list_finish(c);
		return;
	}
	PLAN(c, DO(TYPE, 0), DO(PARAMETERS_MORE, 0));
}

void cxx_parameters_more(struct cxx *c, unsigned arg)
{
	char ch = *c->at;

	(void)arg;
	if (!ch || ch == 'E' || ch == '.' || ch == 'Q' ||
	    ((ch == 'R' || ch == 'O') && c->at[1] == 'E'))
		cxx_list_finish(c);
	else
		PLAN(c, DO(TYPE, 0), DO(PARAMETERS_MORE, 0));
}

/* <array-type>: A3_i A_i AT__i. The bound is a number, an expression or nothing. */
static void array(struct cxx *c)
{
	c->at++;	/* A */
	PLAN(c, DO(EXPECT, '_'), DO(TYPE, 0), DO(MAKE_OF_SECOND, CXX_ARRAY), DO(CANDIDATE, 0));
	cxx_bound(c);
}

/* A vector type: Dv4_f Dv_T__f */
static void vector(struct cxx *c)
{
	PLAN(c, DO(EXPECT, '_'), DO(TYPE, 0), DO(MAKE_OF_SECOND, CXX_VECTOR), DO(CANDIDATE, 0));
	if (cxx_take(c, '_'))
		PLAN(c, DO(EXPRESSION, 0));
	else
		cxx_bound(c);
}

/* Pushes a bound of digits or 0, or plans its expression. */
void cxx_bound(struct cxx *c)
{
	const char *start = c->at;

	if (*start == '_') {
		cxx_push(c, 0);
	} else if (*start >= '0' && *start <= '9') {
		cxx_digits(c);
		cxx_push_new(c, CXX_BOUND, 0, (unsigned)(start - c->name),
			     (unsigned)(c->at - start), 0);
	} else {
		PLAN(c, DO(EXPRESSION, 0));
	}
}

/* Makes an array of the values bound and element, or a member pointer of class and member. */
void cxx_make_of_second(struct cxx *c, unsigned kind)
{
	unsigned element = cxx_pop(c);

	cxx_push_new(c, kind, 0, element, cxx_pop(c), 0);
}

/* DF16_ DF16b DF32x */
static void float_type(struct cxx *c)
{
	const char *start = c->at;

	cxx_digits(c);
	if (*c->at != '_' && *c->at != 'b' && *c->at != 'x')
		c->failed = true;
	cxx_push_new(c, CXX_FLOAT, (unsigned)*c->at, (unsigned)(start - c->name),
		     (unsigned)(c->at - start), 0);
	if (!c->failed)
		c->at++;
}

/* The fixed-point types of ISO/IEC TR 18037, after ABI 5.1.5.2: DAi DRl DSDAs */
static void fixed_point_type(struct cxx *c, char kind)
{
	bool saturating = kind == 'S';

	if (saturating) {
		cxx_expect(c, 'D');
		kind = *c->at;
		if (kind != 'A' && kind != 'R') {
			c->failed = true;
			return;
		}
		c->at++;
	}
	if (!*c->at || !strchr("stijlm", *c->at)) {
		c->failed = true;
		return;
	}
	cxx_push_new(c, CXX_FIXED, (unsigned char)*c->at, (unsigned char)kind, saturating, 0);
	c->at++;
}

/* A type that begins with D. */
static void d_type(struct cxx *c)
{
	char letter = c->at[1];

	if (starts_function(c->at)) {
		cxx_function_type(c, 0);
		return;
	}
	if (letter == 'C') {
		cxx_name(c, 0);
		return;
	}
	if (letter)
		c->at += 2;
	switch (letter) {
	case 't':
	case 'T':
		PLAN(c, DO(EXPRESSION, 0), DO(EXPECT, 'E'), DO(MAKE1, CXX_DECLTYPE),
		     DO(CANDIDATE, 0));
		break;
	case 'p':
		PLAN(c, DO(TYPE, 0), DO(MAKE1, CXX_EXPANSION), DO(CANDIDATE, 0));
		break;
	case 'v':
		vector(c);
		break;
	case 'F':
		float_type(c);
		break;
	case 'B':	/* _BitInt(N) */
	case 'U':
		PLAN(c, DO(EXPECT, '_'), DO(MAKE1, CXX_KIND(CXX_BIT_INT, letter)));
		cxx_bound(c);
		break;
	case 'A':
	case 'R':
	case 'S':
		fixed_point_type(c, letter);
		break;
	case 'y':	/* DyT_Li0E is an element of a pack */
		cxx_leave_conversion(c);
		PLAN(c, DO(TYPE, 0), DO(EXPRESSION, 0), DO(MAKE2, CXX_INDEXED), DO(CANDIDATE, 0));
		break;
	case 'k':	/* Dk1C is C auto, DK1C is C decltype(auto) */
	case 'K':
		PLAN(c, DO(NAME, 0), DO(MAKE1, CXX_KIND(CXX_CONSTRAINED_AUTO, letter)),
		     DO(CANDIDATE, 0));
		break;
	default:
		if (!cxx_builtin(letter, true))
			c->failed = true;
		cxx_push_new(c, CXX_BUILTIN, 1, (unsigned char)letter, 0, 0);
	}
}

/* <extended-qualifier>: U3barIiEi. (Ut and Ul begin unnamed types.) */
static void vendor_qualified(struct cxx *c)
{
	c->at++;
	cxx_push(c, cxx_source_name(c));
	PLAN(c, DO(TYPE, 0), DO(MAKE_OF_SECOND, CXX_VENDOR_QUALIFIED), DO(CANDIDATE, 0));
	if (*c->at == 'I')
		PLAN(c, DO(TEMPLATE_ARGUMENTS, 0), DO(MAKE2, CXX_TEMPLATE));
}

/* T_, or T_IiE if the parameter is a template. */
static void parameter_type(struct cxx *c)
{
	cxx_push(c, cxx_template_parameter(c));
	cxx_add_candidate(c);
	if (*c->at == 'I')
		cxx_arguments_of(c, CXX_TEMPLATE_PARAMETER);
}

/* Whether template arguments can follow a substitution of this node. False: the node is a complete
 * type. */
static bool may_be_template(const struct cxx *c, unsigned node)
{
	switch (c->node[node].kind) {
	case CXX_NAME:
	case CXX_SCOPED:
	case CXX_LOCAL:
	case CXX_TAGGED:
	case CXX_IN_MODULE:
	case CXX_PARAMETER:
		return true;
	case CXX_ABBREVIATION:
		return !strchr(cxx_abbreviations[c->node[node].a].text, '<');
	default:
		return false;
	}
}

/* A type that begins with a substitution. S_ alone is no new candidate, but S_IiE and St3foo are.
 * */
static void substituted_type(struct cxx *c)
{
	unsigned type;

	if (c->at[1] == 't') {
		PLAN(c, DO(NAME, 0), DO(CANDIDATE, 0));
		return;
	}
	type = cxx_substitution(c);
	if (c->node[type].kind == CXX_MODULE) {
		PLAN(c, DO(NAME_ARGUMENTS, 0), DO(CANDIDATE, 0));
		cxx_unqualified(c, 0, type);
		return;
	}
	cxx_push(c, type);
	if (*c->at == 'I' && (!c->in_conversion || may_be_template(c, type)))
		cxx_arguments_of(c, c->node[type].kind == CXX_PARAMETER ? CXX_TEMPLATE_PARAMETER :
				 CXX_TEMPLATE_SUBSTITUTION);
}

void cxx_type(struct cxx *c, unsigned arg)
{
	char letter = *c->at;

	(void)arg;
	if (cxx_builtin(letter, false)) {
		c->at++;
		cxx_push_new(c, CXX_BUILTIN, 0, (unsigned char)letter, 0, 0);
		return;
	}
	switch (letter) {
	case 'r':
	case 'V':
	case 'K':
		qualified(c);
		break;
	case 'P':
	case 'R':
	case 'O':
	case 'C':	/* _Complex */
	case 'G':	/* _Imaginary */
		c->at++;
		PLAN(c, DO(TYPE, 0), DO(MAKE1, CXX_KIND(CXX_SUFFIX, letter)), DO(CANDIDATE, 0));
		break;
	case 'M':	/* M <class> <member> */
		c->at++;
		PLAN(c, DO(TYPE, 0), DO(MAKE_OF_SECOND, CXX_MEMBER_POINTER), DO(CANDIDATE, 0));
		cxx_leave_conversion(c);
		PLAN(c, DO(TYPE, 0));
		break;
	case 'F':
		cxx_function_type(c, 0);
		break;
	case 'A':
		array(c);
		break;
	case 'D':
		d_type(c);
		break;
	case 'S':
		substituted_type(c);
		break;
	case 'T':
		if (c->at[1] == 's' || c->at[1] == 'u' || c->at[1] == 'e') {
			c->at += 2;	/* struct, union or enum, before a dependent name */
			PLAN(c, DO(NAME, 0), DO(CANDIDATE, 0));
		} else {
			parameter_type(c);
		}
		break;
	case 'U':
		if (c->at[1] >= '0' && c->at[1] <= '9')
			vendor_qualified(c);
		else
			PLAN(c, DO(NAME, 0), DO(CANDIDATE, 0));
		break;
	case 'u':	/* u3foo and u3fooIiE are builtin types of a vendor */
		c->at++;
		cxx_push(c, cxx_source_name(c));
		if (*c->at == 'I')
			PLAN(c, DO(TEMPLATE_ARGUMENTS, 0), DO(MAKE2, CXX_TEMPLATE),
			     DO(CANDIDATE, 0));
		else
			cxx_add_candidate(c);
		break;
	default:
		PLAN(c, DO(NAME, 0), DO(CANDIDATE, 0));
	}
}
