/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One table of options, and everything that is driven by it: setting an option from text
 * (the wrapper's command line and the environment form share this), the environment form in
 * both directions, suggestions for misspelt names, and the outfile template.
 *
 *	HEAPTRACE_OPTIONS="top=3:sort=size,count:flame-graph:outfile=/tmp/a\:b.%p:run=4711:held=3"
 *
 * The library reads this before the program's constructors and must not disturb it, so there
 * is no malloc, stdio or locale here: numbers are read and written by hand, strings go to
 * the caller's store, and texts that do not fit are cut, never overrun.
 */
#include "options.h"

#include <assert.h>
#include <string.h>

static_assert(HEAPTRACE_DEPTH >= 1 && HEAPTRACE_DEPTH <= OPTIONS_DEPTH_MAX,
	      "make DEPTH=NUM takes 1 to 255");

#define TOP_DEFAULT	10
#define HELD_MAX	3	/* both bits of options.held */

#define TEXT_(x)	#x
#define TEXT(x)		TEXT_(x)

const struct option_entry options_table[] = {
	{ "top", 0, "NUM", TEXT(TOP_DEFAULT),
	  "how many backtraces a text dump shows, 0 for all", OPTION_TOP, OPTION_EVERYWHERE },
	{ "sort", 's', "KEY[,KEY...]", "size",
	  "order of the backtraces; several keys give one section each",
	  OPTION_SORT, OPTION_EVERYWHERE },
	{ "depth", 0, "NUM", TEXT(HEAPTRACE_DEPTH) ", with --flame-graph " TEXT(OPTIONS_DEPTH_GRAPH),
	  "frames kept per backtrace, 1 to " TEXT(OPTIONS_DEPTH_MAX),
	  OPTION_DEPTH, OPTION_EVERYWHERE },
	{ "flame-graph", 0, NULL, NULL,
	  "folded stacks, weighted by the first sort key, instead of text",
	  OPTION_FLAME_GRAPH, OPTION_EVERYWHERE },
	{ "outfile", 0, "FILE", "standard error",
	  "where dumps go; %p: pid, %c: command, %n: dump number, %%: a %; - is standard output",
	  OPTION_OUTFILE, OPTION_EVERYWHERE },
	{ "ignore", 0, "FILE", NULL,
	  "leave out backtraces that match a rule in FILE", OPTION_IGNORE, OPTION_EVERYWHERE },
	{ "unwind", 0, "HOW", "fast",
	  "how stacks are taken: fast, execinfo (by glibc's backtrace()), or check (both, compared)",
	  OPTION_UNWIND, OPTION_EVERYWHERE },
	{ "help", 'h', NULL, NULL, "print this and exit", OPTION_HELP, OPTION_COMMAND },
	{ "version", 'V', NULL, NULL, "print the version and exit",
	  OPTION_VERSION, OPTION_COMMAND },
	{ "run", 0, "PID", NULL, "the process that the wrapper became",
	  OPTION_RUN, OPTION_INTERNAL },
	{ "held", 0, "MASK", NULL, "signals that the wrapper blocked",
	  OPTION_HELD, OPTION_INTERNAL },
	{ .name = NULL }
};

static const char *const unwind_names[UNWIND_MODES] = {
	[UNWIND_FAST] = "fast", [UNWIND_EXECINFO] = "execinfo", [UNWIND_CHECK] = "check",
};

static const struct {
	const char *name, *meaning;
} sort_keys[SORT_KEYS] = {
	[SORT_SIZE] = { "size", "bytes alive now" },
	[SORT_COUNT] = { "count", "blocks alive now" },
	[SORT_PEAK_SIZE] = { "peak-size", "each backtrace's own maximum of size" },
	[SORT_PEAK_COUNT] = { "peak-count", "each backtrace's own maximum of count" },
	[SORT_HEAP_PEAK] = { "heap-peak", "bytes alive when the whole heap was largest" },
	[SORT_TOTAL_SIZE] = { "total-size", "bytes since the start" },
	[SORT_TOTAL_COUNT] = { "total-count", "calls since the start" },
	[SORT_TEMPORARY] = { "temporary", "blocks freed before their thread's next allocation" },
	[SORT_AGE] = { "age", "time since the live count last left zero" },
};

const char *options_sort_name(enum sort_key key)
{
	return (unsigned int)key < SORT_KEYS ? sort_keys[key].name : "?";
}

const char *options_sort_meaning(enum sort_key key)
{
	return (unsigned int)key < SORT_KEYS ? sort_keys[key].meaning : "?";
}

void options_init(struct options *o)
{
	*o = (struct options){
		.top = TOP_DEFAULT, .sort = { SORT_SIZE }, .sort_count = 1,
		.depth = HEAPTRACE_DEPTH,
	};
}

static uint8_t default_depth(const struct options *o)
{
	return o->flame_graph ? OPTIONS_DEPTH_GRAPH : HEAPTRACE_DEPTH;
}

/*
 * Text that is cut where its buffer ends. len counts on, so that the caller learns what
 * would have been needed. Invariant: size == 0, or buf[min(len, size - 1)] == 0.
 */
struct text {
	char *buf;
	size_t size, len;
};

static struct text text_into(char *buf, size_t size_bytes)
{
	if (size_bytes)
		buf[0] = 0;
	return (struct text){ .buf = buf, .size = size_bytes };
}

static void add_char(struct text *t, char c)
{
	if (t->len + 1 < t->size) {
		t->buf[t->len] = c;
		t->buf[t->len + 1] = 0;
	}
	t->len++;
}

static void add(struct text *t, const char *s)
{
	while (*s)
		add_char(t, *s++);
}

static void add_number(struct text *t, uint32_t v)
{
	char digits[11];
	char *p = digits + sizeof(digits) - 1;

	*p = 0;
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	add(t, p);
}

/* Foreign text in a message: one line, whatever it holds, and not so long that it hides
 * what the message has to say (60 leaves room for the rest on a usual line). */
static void add_foreign(struct text *t, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i == 60) {
			add(t, "...");
			return;
		}
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
			add_char(t, '^');
			add_char(t, s[i] ^ 0x40);
		} else {
			add_char(t, s[i]);
		}
	}
}

/* A value of the environment form. */
static void add_escaped(struct text *t, const char *s, bool percent_doubled)
{
	for (; *s; s++) {
		if (*s == ':' || *s == '\\')
			add_char(t, '\\');
		if (*s == '%' && percent_doubled)
			add_char(t, '%');
		add_char(t, *s);
	}
}

#define WORD_MAX	24	/* longer than any name in the tables */

/* How many letters have to be inserted, removed or changed (Levenshtein) to get from a to b. */
static unsigned int distance(const char *a, size_t a_len, const char *b)
{
	unsigned int row[WORD_MAX + 1];
	size_t b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return WORD_MAX;
	for (unsigned int j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b_len];
}

/* Keeps the candidate when it is the nearest so far. Half of it may be wrong, but no more
 * than three letters: size for szie (a swap is two changes), and not top for foo. */
static void consider(const char *name, size_t len, const char *candidate,
		     unsigned int *nearest, const char **answer)
{
	unsigned int d = distance(name, len, candidate);

	if (d < *nearest && d <= 3 && d <= strlen(candidate) / 2 && d < len) {
		*nearest = d;
		*answer = candidate;
	}
}

const char *options_suggest(const char *name, size_t len, enum option_place place)
{
	const char *answer = NULL;
	unsigned int nearest = WORD_MAX;

	for (const struct option_entry *e = options_table; e->name; e++)
		if (e->place == OPTION_EVERYWHERE || e->place == place)
			consider(name, len, e->name, &nearest, &answer);
	return answer;
}

/* Decimal digits only: no sign, no space, no overflow. */
static bool read_number(const char *s, uint32_t max, uint32_t *number)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > max)
			return false;
	}
	*number = (uint32_t)v;
	return true;
}

/* "name=value: ", the start of every complaint about a value */
static void add_culprit(struct text *t, const struct option_entry *e, const char *value)
{
	add(t, e->name);
	if (value) {
		add_char(t, '=');
		add_foreign(t, value, strlen(value));
	}
	add(t, ": ");
}

static bool set_number(const struct option_entry *e, const char *value, uint32_t min,
		       uint32_t max, uint32_t *number, struct text *error)
{
	uint32_t v;

	if (read_number(value, max, &v) && v >= min) {
		*number = v;
		return true;
	}
	add_culprit(error, e, value);
	add(error, "not a whole number from ");
	add_number(error, min);
	add(error, " to ");
	add_number(error, max);
	if (e->id == OPTION_TOP)
		add(error, " (0: all)");
	return false;
}

static void complain_key(const char *key, size_t len, struct text *error)
{
	unsigned int nearest = WORD_MAX;
	const char *near = NULL;

	for (int k = 0; k < SORT_KEYS; k++)
		consider(key, len, sort_keys[k].name, &nearest, &near);
	add(error, "no sort key '");
	add_foreign(error, key, len);
	add_char(error, '\'');
	if (near) {
		add(error, " (did you mean ");
		add(error, near);
		add(error, "?)");
	}
	add(error, "; valid are");
	for (int k = 0; k < SORT_KEYS; k++) {
		add(error, k ? ", " : " ");
		add(error, sort_keys[k].name);
	}
}

static bool set_sort(struct options *o, const struct option_entry *e, const char *value,
		     struct text *error)
{
	uint8_t keys[SORT_KEYS];
	uint8_t count = 0;
	unsigned int seen = 0;

	for (const char *key = value;;) {
		size_t len = strcspn(key, ",");
		unsigned int k = 0;

		while (k < SORT_KEYS && (strncmp(key, sort_keys[k].name, len) ||
					 sort_keys[k].name[len]))
			k++;
		if (k == SORT_KEYS || (seen & 1u << k)) {
			add_culprit(error, e, value);
			if (k == SORT_KEYS) {
				complain_key(key, len, error);
			} else {
				add(error, "the key ");
				add(error, sort_keys[k].name);
				add(error, " stands there twice");
			}
			return false;
		}
		seen |= 1u << k;
		keys[count++] = (uint8_t)k;
		if (!key[len])
			break;
		key += len + 1;
	}
	memcpy(o->sort, keys, count);
	o->sort_count = count;
	return true;
}

static bool set_unwind(struct options *o, const struct option_entry *e, const char *value,
		       struct text *error)
{
	for (uint8_t i = 0; i < UNWIND_MODES; i++) {
		if (!strcmp(value, unwind_names[i])) {
			o->unwind = i;
			return true;
		}
	}
	add_culprit(error, e, value);
	add(error, "not one of fast, execinfo, check");
	return false;
}

static bool set_value(struct options *o, const struct option_entry *e, const char *value,
		      struct text *error)
{
	uint32_t number = 0;

	switch (e->id) {
	case OPTION_TOP:
		return set_number(e, value, 0, UINT32_MAX, &o->top, error);
	case OPTION_SORT:
		return set_sort(o, e, value, error);
	case OPTION_DEPTH:
		if (!set_number(e, value, 1, OPTIONS_DEPTH_MAX, &number, error))
			return false;
		o->depth = (uint8_t)number;
		o->depth_given = true;
		return true;
	case OPTION_FLAME_GRAPH:
		o->flame_graph = true;
		if (!o->depth_given)
			o->depth = default_depth(o);
		return true;
	case OPTION_OUTFILE:
	case OPTION_IGNORE:
		if (!*value) {
			add_culprit(error, e, value);
			add(error, "a file name is missing");
			return false;
		}
		*(e->id == OPTION_OUTFILE ? &o->outfile : &o->ignore) = value;
		return true;
	case OPTION_UNWIND:
		return set_unwind(o, e, value, error);
	case OPTION_RUN:
		return set_number(e, value, 0, UINT32_MAX, &o->run, error);
	case OPTION_HELD:
		if (!set_number(e, value, 0, HELD_MAX, &number, error))
			return false;
		o->held = (uint8_t)number;
		return true;
	case OPTION_HELP:
	case OPTION_VERSION:
		return true;
	}
	return false;
}

bool options_set(struct options *o, const struct option_entry *e, const char *value,
		 char *error, size_t error_bytes)
{
	struct text t = text_into(error, error_bytes);

	if (!e->argument != !value) {
		add_culprit(&t, e, value);
		add(&t, value ? "takes no value" : "needs a value, ");
		if (!value)
			add(&t, e->argument);
		return false;
	}
	return set_value(o, e, value, &t);
}

/* name[0..len) as a row of the table that may stand in the environment, or NULL. */
static const struct option_entry *find_env(const char *name, size_t len)
{
	for (const struct option_entry *e = options_table; e->name; e++)
		if (e->place != OPTION_COMMAND && strlen(e->name) == len &&
		    !memcmp(e->name, name, len))
			return e;
	return NULL;
}

/* One part of the environment form, text[0..len), which is not empty. Its value goes to
 * store + *used; *used moves on only if *o refers to it afterwards. */
static bool parse_part(const char *text, size_t len, struct options *o, char *store,
		       size_t store_bytes, size_t *used, char *error, size_t error_bytes)
{
	struct text t = text_into(error, error_bytes);
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	const struct option_entry *e = find_env(text, name_len);
	struct text value;

	if (!e) {
		const char *near = options_suggest(text, name_len, OPTION_EVERYWHERE);

		add_foreign(&t, text, name_len);
		add(&t, ": no such option");
		if (near) {
			add(&t, " (did you mean ");
			add(&t, near);
			add(&t, "?)");
		}
		return false;
	}
	if (!equals)
		return options_set(o, e, NULL, error, error_bytes);

	value = text_into(store + *used, store_bytes - *used);
	for (const char *p = equals + 1; p < text + len; p++) {
		if (*p == '\\' && p + 1 < text + len && (p[1] == ':' || p[1] == '\\'))
			p++;
		add_char(&value, *p);
	}
	if (value.len >= value.size) {
		add(&t, e->name);
		add(&t, ": the value is too long");
		return false;
	}
	if (!options_set(o, e, value.buf, error, error_bytes))
		return false;
	if (e->id == OPTION_OUTFILE || e->id == OPTION_IGNORE)
		*used += value.len + 1;
	return true;
}

bool options_parse_env(const char *text, struct options *o, char *store, size_t store_bytes,
		       char *error, size_t error_bytes)
{
	bool good = true;
	size_t used = 0;

	text_into(error, error_bytes);
	while (*text) {
		size_t len = 0;

		while (text[len] && text[len] != ':')
			len += text[len] == '\\' && (text[len + 1] == ':' || text[len + 1] == '\\')
				? 2 : 1;
		/* The first problem is kept: later ones are written to nowhere. */
		if (len && !parse_part(text, len, o, store, store_bytes, &used, error,
				       good ? error_bytes : 0))
			good = false;
		text += len + (text[len] == ':');
	}
	return good;
}

static void add_name(struct text *t, const struct option_entry *e)
{
	if (t->len)
		add_char(t, ':');
	add(t, e->name);
	if (e->argument)
		add_char(t, '=');
}

static void add_path(struct text *t, const char *path, const char *cwd, bool is_template)
{
	if (path[0] != '/' && cwd && !(is_template && !strcmp(path, "-"))) {
		add_escaped(t, cwd, is_template);
		if (!*cwd || cwd[strlen(cwd) - 1] != '/')
			add_char(t, '/');
	}
	add_escaped(t, path, false);
}

static void print_option(struct text *t, const struct options *o, const struct option_entry *e,
			 const char *cwd)
{
	uint32_t number = 0;

	switch (e->id) {
	case OPTION_TOP:
		if (o->top == TOP_DEFAULT)
			return;
		number = o->top;
		break;
	case OPTION_SORT:
		if (o->sort_count == 1 && o->sort[0] == SORT_SIZE)
			return;
		add_name(t, e);
		for (int i = 0; i < o->sort_count && i < SORT_KEYS; i++) {
			if (i)
				add_char(t, ',');
			add(t, options_sort_name(o->sort[i]));
		}
		return;
	case OPTION_DEPTH:
		if (!o->depth_given && o->depth == default_depth(o))
			return;
		number = o->depth;
		break;
	case OPTION_FLAME_GRAPH:
		if (o->flame_graph)
			add_name(t, e);
		return;
	case OPTION_OUTFILE:
	case OPTION_IGNORE:
		if (e->id == OPTION_OUTFILE ? !o->outfile : !o->ignore)
			return;
		add_name(t, e);
		add_path(t, e->id == OPTION_OUTFILE ? o->outfile : o->ignore, cwd,
			 e->id == OPTION_OUTFILE);
		return;
	case OPTION_UNWIND:
		if (o->unwind != UNWIND_FAST) {
			add_name(t, e);
			add(t, unwind_names[o->unwind]);
		}
		return;
	case OPTION_RUN:
		if (!(number = o->run))
			return;
		break;
	case OPTION_HELD:
		if (!(number = o->held))
			return;
		break;
	case OPTION_HELP:
	case OPTION_VERSION:
		return;
	}
	add_name(t, e);
	add_number(t, number);
}

size_t options_print_env(const struct options *o, const char *cwd, char *buf, size_t size_bytes)
{
	struct text t = text_into(buf, size_bytes);

	for (const struct option_entry *e = options_table; e->name; e++)
		print_option(&t, o, e, cwd);
	return t.len;
}

bool options_outfile(const char *template, uint32_t pid, const char *command, uint32_t number,
		     bool add_pid, char *buf, size_t size_bytes)
{
	struct text t = text_into(buf, size_bytes);

	if (!strcmp(template, "-"))
		add_pid = false;
	for (const char *p = template; *p; p++) {
		if (*p != '%' || !p[1] || !strchr("pcn%", p[1])) {
			add_char(&t, *p);
			continue;
		}
		switch (*++p) {
		case 'p':
			add_number(&t, pid);
			add_pid = false;
			break;
		case 'n':
			add_number(&t, number);
			break;
		case 'c':
			for (const char *c = command; *c; c++)
				add_char(&t, *c == '/' ? '_' : *c);
			break;
		default:
			add_char(&t, '%');
		}
	}
	if (add_pid) {
		add_char(&t, '.');
		add_number(&t, pid);
	}
	return t.len < t.size;
}
