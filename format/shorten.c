/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See shorten.h. A name is read as lists in brackets, nested in one another:
 *
 *	std::map<int, std::pair<long, char> >::at(int const&)
 *	        1---2           3---------1-1    1--------1	depth of each list
 *
 * These parts are left out, in this order, until the name fits:
 *	1. template argument lists inside of others, the deepest first; of one depth the longest
 *	   first if not all are needed;
 *	2. the same with parameter lists (function types, lambdas);
 *	3. the last arguments of the outermost template lists, then the last parameters: the
 *	   first ones say most;
 *	4. the outermost lists whole.
 *
 * `<` and `>` are also operators. In an operator's name (operator<, operator->) they are
 * skipped. In an expression the demanglers put round brackets around a comparison. So a `<` that
 * is still open where a round bracket closes is an operator, and so is a `>` for which no list is
 * open. Whatever the text is, only text between two brackets that belong together is ever left out.
 */
#include "shorten.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DEPTH_MAX	40	/* lists nested deeper are text of those around them */
#define GAIN_MIN	3	/* columns that leaving out a list must save, to be worth the "..." */
#define LONG_BYTES	8192	/* in a longer text the lists at depth 3 are dropped at once */
#define ROUNDS		3	/* in a well-formed name the last round changes nothing */
#define QUOTED_MAX	32	/* bytes of a constant in quotes */
#define SINGLE_LISTS	16	/* so many are left out one by one, then all others of that depth at once */

struct list {
	char kind;		/* '<': template arguments, '(': parameters, 0: kept */
	unsigned depth;		/* 1: the outermost */
	size_t from, to;	/* the text between the brackets: text[from..to) */
	size_t columns;
};

/* The place that a reader of the text has reached. */
struct scan {
	const char *text;
	size_t at, columns;	/* columns: of text[0..at) */
	unsigned depth;		/* how many lists are open */
	unsigned too_deep;	/* brackets that are open within DEPTH_MAX lists, and are read as text */
	char opened[DEPTH_MAX];	/* of each open list: its bracket */
	bool kept_whole[DEPTH_MAX];	/* never left out: {...}, [...], (anonymous ...), <lambda...> */
	uint32_t from[DEPTH_MAX], from_columns[DEPTH_MAX];	/* `at` and `columns` where it begins */
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

size_t shorten_columns(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += !utf8_continues(text[i]);
	return n;
}

/* How many bytes behind the word `operator` are the name of an operator that looks like brackets. */
static size_t operator_bytes(const char *text)
{
	static const char names[][4] = {	/* the longer of two first */
		"<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "()", "[]", "<", ">",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t len = strnlen(names[i], sizeof(names[i]));

		if (!strncmp(text, names[i], len))
			return len;
	}
	return 0;
}

/* The bytes of a constant in quotes, as Rust has them in const arguments ('<', "a\"b"). 0: there is
 * none ('a is a lifetime), or it has more than QUOTED_MAX bytes, because looking for the ends of long
 * ones again and again would take long. */
static size_t quoted_bytes(const char *text)
{
	char quote = text[0];
	size_t i = 1;

	if (quote == '\'') {
		if (!text[1] || text[1] == '\'')
			return 0;
		if (text[1] != '\\') {
			do
				i++;
			while (utf8_continues(text[i]));
			return text[i] == '\'' ? i + 1 : 0;
		}
	}
	for (; i < QUOTED_MAX && text[i] && text[i] != quote; i++) {
		if (text[i] == '\\' && text[i + 1])
			i++;
	}
	return text[i] == quote ? i + 1 : 0;
}

/* How many bytes at the scan's place are not brackets, though they look like some; 0: none. */
static size_t skipped_bytes(const struct scan *s)
{
	const char *text = s->text + s->at;

	if (*text == '-' && text[1] == '>')
		return 2;
	if (*text == '"' || *text == '\'')
		return quoted_bytes(text);
	if (*text == 'o' && starts(text, "operator") && !(s->at && is_word(text[-1]))) {
		size_t len = operator_bytes(text + 8);

		return len ? 8 + len : 0;
	}
	return 0;
}

static void advance(struct scan *s, size_t bytes)
{
	s->columns += shorten_columns(s->text + s->at, bytes);
	s->at += bytes;
}

static void open_list(struct scan *s, char bracket)
{
	const char *inside = s->text + s->at;

	if (s->depth == DEPTH_MAX) {
		s->too_deep++;
		return;
	}
	s->opened[s->depth] = bracket;
	s->kept_whole[s->depth] = bracket == '{' || bracket == '[' || starts(inside, "anonymous ") ||
			    (bracket == '<' && (starts(inside, "lambda") || starts(inside, "unnamed")));
	s->from[s->depth] = (uint32_t)s->at;
	s->from_columns[s->depth] = (uint32_t)s->columns;
	s->depth++;
}

/* Finds the list that the bracket before the scan's place closes. False: it closes none. */
static bool close_list(struct scan *s, char bracket, struct list *list)
{
	unsigned d = s->depth;

	if (s->too_deep) {
		s->too_deep--;
		return false;
	}
	while (d && s->opened[d - 1] != bracket && s->opened[d - 1] == '<')
		d--;
	if (!d || s->opened[d - 1] != bracket)
		return false;
	s->depth = --d;
	*list = (struct list){
		.kind = s->kept_whole[d] ? 0 : bracket, .depth = d + 1,
		.from = s->from[d], .to = s->at - 1,
		.columns = s->columns - 1 - s->from_columns[d],
	};
	return true;
}

/* Finds the next list, in the order in which lists end. False: the text has ended. */
static bool next_list(struct scan *s, struct list *list)
{
	for (char c; (c = s->text[s->at]) != '\0'; ) {
		size_t skip = skipped_bytes(s);
		const char *pair;

		advance(s, skip ? skip : 1);
		if (skip)
			continue;
		pair = strchr("<>(){}[]", c);
		if (!pair)
			continue;
		if (strchr("<({[", c))
			open_list(s, c);
		else if (close_list(s, pair[-1], list))
			return true;
	}
	return false;
}

/* Whether the list has this kind and depth, and leaving it out makes the text shorter. */
static bool gives(const struct list *l, char kind, unsigned depth)
{
	return l->kind == kind && l->depth == depth && l->columns >= 3 + GAIN_MIN;
}

/* Replaces text[from..to) by `with`, which is no longer. */
static void replace(char *text, size_t from, size_t to, const char *with)
{
	size_t len = strlen(with);

	memcpy(text + from, with, len);
	memmove(text + from + len, text + to, strlen(text + to) + 1);
}

/* Finds the longest list of this kind and depth. *all: the columns that leaving out all of them would save. */
static bool find_longest(const char *text, char kind, unsigned depth, struct list *longest,
			 size_t *all)
{
	struct scan s = { .text = text };
	struct list l;

	longest->columns = 0;
	*all = 0;
	while (next_list(&s, &l)) {
		if (!gives(&l, kind, depth))
			continue;
		*all += l.columns - 3;
		if (l.columns > longest->columns)
			*longest = l;
	}
	return longest->columns;
}

/* Leaves out all lists of this kind and depth, in one pass. */
static void drop_all(char *text, char kind, unsigned depth)
{
	struct scan s = { .text = text };
	struct list l;
	size_t taken = 0, put = 0;	/* text[0..put) is the result of text[0..taken) */

	while (next_list(&s, &l)) {
		if (!gives(&l, kind, depth))
			continue;
		/* The scan has passed l.to, so the text that it has still to read does not change. */
		memmove(text + put, text + taken, l.from - taken);
		put += l.from - taken;
		memcpy(text + put, "...", 3);
		put += 3;
		taken = l.to;
	}
	memmove(text + put, text + taken, strlen(text + taken) + 1);
}

/* Leaves out lists of this kind and depth, until the text has lost `over` columns. Returns how many columns it
 * still has to lose. */
static size_t drop_lists(char *text, char kind, unsigned depth, size_t over)
{
	struct list l;
	size_t all;

	for (unsigned i = 0; over && find_longest(text, kind, depth, &l, &all); i++) {
		if (all <= over || i == SINGLE_LISTS) {
			drop_all(text, kind, depth);
			return all < over ? over - all : 0;
		}
		replace(text, l.from, l.to, "...");
		over -= l.columns - 3 < over ? l.columns - 3 : over;
	}
	return over;
}

/*
 * Finds the place where a list can be cut, so that it loses at least `over` columns or, where that is not
 * possible, as many as it can while it keeps its first argument. *cut: the place of a ", " or " as " between two
 * arguments. *with: the text that replaces the rest of the list. False: the list has one argument, or would lose
 * no column.
 */
static bool find_cut(const char *text, const struct list *l, size_t over, size_t *cut,
		     const char **with)
{
	struct scan s = { .text = text, .at = l->from };
	bool found = false;

	while (s.at < l->to) {
		char c = text[s.at];
		bool comma = c == ',' && text[s.at + 1] == ' ', as = starts(text + s.at, " as ");
		size_t gain = l->columns - s.columns, skip = skipped_bytes(&s);
		const char *end = comma ? ", ..." : " as ...";
		struct list inner;

		if ((comma || as) && !s.depth && !s.too_deep && gain > strlen(end) &&
		    (!found || gain - strlen(end) >= over)) {
			*cut = s.at;
			*with = end;
			found = true;
		}
		advance(&s, skip ? skip : 1);
		if (skip || !c)
			continue;
		if (strchr("<({[", c))
			open_list(&s, c);
		else if (strchr(">)}]", c))
			close_list(&s, strchr("<>(){}[]", c)[-1], &inner);
	}
	return found;
}

/* Leaves out the last arguments of the outermost lists of this kind. Returns how many columns the text still has to
 * lose. */
static size_t drop_arguments(char *text, char kind, size_t over)
{
	for (unsigned i = 0; over && i < SINGLE_LISTS; i++) {
		struct scan s = { .text = text };
		struct list l, longest = { .columns = 0 };
		size_t cut, gain;
		const char *with;

		while (next_list(&s, &l)) {
			if (gives(&l, kind, 1) && l.columns > longest.columns &&
			    find_cut(text, &l, over, &cut, &with))
				longest = l;
		}
		if (!longest.columns || !find_cut(text, &longest, over, &cut, &with))
			break;
		gain = shorten_columns(text + cut, longest.to - cut) - strlen(with);
		replace(text, cut, longest.to, with);
		over -= gain < over ? gain : over;
	}
	return over;
}

static unsigned deepest(const char *text)
{
	struct scan s = { .text = text };
	unsigned depth = 0;
	struct list l;

	while (next_list(&s, &l)) {
		if (l.depth > depth)
			depth = l.depth;
	}
	return depth;
}

/* Leaves out parts in the order of the head comment, until the text has lost `over` columns. */
static void shorten_once(char *text, size_t len, size_t over)
{
	for (const char *kind = "<("; over && *kind; kind++) {
		for (unsigned d = len > LONG_BYTES ? 2 : deepest(text); over && d > 1; d--)
			over = drop_lists(text, *kind, d, over);
	}
	for (const char *kind = "<("; over && *kind; kind++)
		over = drop_arguments(text, *kind, over);
	for (const char *kind = "<("; over && *kind; kind++)
		over = drop_lists(text, *kind, 1, over);
}

size_t shorten(char *text, size_t columns)
{
	size_t len = strlen(text), have = shorten_columns(text, len), before = len + 1;

	if (have <= columns || len > UINT32_MAX)
		return len;
	if (len > LONG_BYTES) {		/* so that fewer passes over the long text are needed */
		drop_all(text, '<', 3);
		drop_all(text, '(', 3);
	}
	/* The rest of a damaged name may be read differently than before, because quotes have come closer together. */
	for (int round = 0; round < ROUNDS; round++) {
		len = strlen(text);
		have = shorten_columns(text, len);
		if (have <= columns || len == before)
			break;
		before = len;
		shorten_once(text, len, have - columns);
	}
	return strlen(text);
}
