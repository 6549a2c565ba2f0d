/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Long lists of whole numbers in a JSON report: a list of JSON or, in the page, a text of a tenth to a half of its
 * size, which report/data.js reads (heaptrace.unpack()). So the report of a large run stays small enough to be mailed
 * and to be opened at once.
 *
 *	[7,7,7,7,7,7,7,9,100000]	"=97 609z[]e"
 *
 * A packed list is a text of digits, the characters of NUMBERS_DIGITS, each of which stands for its place there. Digits
 * 0 to 59 end a number. Digits 60 to 90 stand before them, and count 0 to 30 in a system of 31: the number is 60 times
 * what they say, plus the last digit. Digit 91 says that elements come again, as in LZ77 (Ziv and Lempel, 1977): how
 * many follows as a number, and then how far back the first of them is, less 1. They may reach into themselves. The
 * text begins with a letter, and with the number of elements:
 *
 *	=	numbers
 *	+	differences: of each element and the one before it, which for the first one is 0. An even number 2 d
 *		stands for d, an odd number 2 d - 1 for -d
 *	@	of catalog.nodes.address: see json_nodes.c
 *
 * The digits are such that the text needs no escapes in JSON nor in an element of a page. Errors of writing are in the
 * struct out.
 */
#ifndef FORMAT_JSON_NUMBERS_H
#define FORMAT_JSON_NUMBERS_H

#include "json.h"

#define NUMBERS_DIGITS	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&'()*+,-./:;=>?@[]^_`{|}~ "

#define NUMBERS_HASHES	65536u		/* a power of two */

/* Work space for packing one list after another. All 0 but for the arena at first. */
struct numbers_packing {
	struct arena *arena;
	uint64_t *list;			/* what is packed */
	uint32_t room;
	uint32_t *newest;		/* by the hash of some numbers in a row: where they came last, plus 1 */
};

enum numbers_form { NUMBERS_PLAIN, NUMBERS_PACKED, NUMBERS_DIFFERENCES, NUMBERS_NODES };

/* The form of a list: `form` in a packed document. packing: NULL in a plain one. */
static inline enum numbers_form numbers_form(const struct numbers_packing *packing, enum numbers_form form)
{
	return packing ? form : NUMBERS_PLAIN;
}

/* A list that is being written. */
struct numbers {
	struct out *out;
	struct numbers_packing *packing;
	enum numbers_form form;
	uint32_t count;			/* elements so far */
	uint64_t last;			/* the element before */
	bool kept;			/* the numbers are kept in packing.list, for which there is room */
};

/* Begins the member `name` of an object. count: how many elements follow. packing: may be NULL with NUMBERS_PLAIN. */
void numbers_begin(struct numbers *n, struct out *out, struct numbers_packing *packing, bool first, const char *name,
		   enum numbers_form form, uint32_t count);

void numbers_add(struct numbers *n, uint64_t value);

void numbers_end(struct numbers *n);

/* Writes a whole list: of each thing i the figure that the statement puts into `v`. */
#define NUMBERS_WRITE(out, packing, first, name, form, count, v, statement) do { \
	struct numbers list_; \
	numbers_begin(&list_, out, packing, first, name, form, count); \
	for (uint32_t i = 0; i < (count); i++) { \
		uint64_t v; \
		statement; \
		numbers_add(&list_, v); \
	} \
	numbers_end(&list_); \
} while (0)

#endif
