/* SPDX-License-Identifier: GPL-2.0-only */
/* Suggestions for a misspelt option or word: see options.h. No malloc, no stdio. */
#include "options.h"

#include "base/out.h"

#include <string.h>

#define WORD_MAX	24	/* longer than any name in the tables */
#define SUGGESTED_MAX	4u	/* names in one message; if more of them match, the word says too little */

/* How many letters have to be inserted, removed, changed or swapped with the next one to get from a to b. */
static unsigned int distance(const char *a, size_t a_len, const char *b)
{
	unsigned int rows[3][WORD_MAX + 1];	/* the rows for the last three letters of a, in turn */
	size_t b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return WORD_MAX;
	for (unsigned int j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned int *row = rows[i % 3], *above = rows[(i - 1) % 3], *second = rows[(i + 1) % 3];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned int best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && second[j - 2] + 1 < best)
				best = second[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a_len % 3][b_len];
}

/* The names that begin with a word, those that contain it, and the one that is spelt most like it. */
struct found {
	const char *begin[SUGGESTED_MAX], *within[SUGGESTED_MAX], *near;
	unsigned begin_count, within_count, near_distance;
};

/* Adds a name to a list, which has room for the first SUGGESTED_MAX, and counts it. */
static void add_candidate(const char *list[SUGGESTED_MAX], unsigned *count, const char *name)
{
	if (*count < SUGGESTED_MAX)
		list[*count] = name;
	++*count;
}

/* Adds a candidate to the lists that it belongs to. It is spelt like the word if at most half of its letters are
 * wrong, and at most three: szie can mean size, but foo cannot mean top. */
static void consider(struct found *f, const char *word, size_t len, const char *candidate)
{
	unsigned int d = distance(word, len, candidate);

	if (len >= 2 && !strncmp(candidate, word, len))
		add_candidate(f->begin, &f->begin_count, candidate);
	else if (len >= 4 && memmem(candidate, strlen(candidate), word, len))
		add_candidate(f->within, &f->within_count, candidate);
	if (d < f->near_distance && d <= 3 && d <= strlen(candidate) / 2 && d < len) {
		f->near_distance = d;
		f->near = candidate;
	}
}

static bool add_names(struct out *t, const char *const *names, unsigned count, const char *dashes)
{
	if (!count || count > SUGGESTED_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		out_text(t, !i ? " (did you mean " : i + 1 < count ? ", " : " or ");
		out_text(t, dashes);
		out_text(t, names[i]);
	}
	out_text(t, "?)");
	return true;
}

/* Adds the most likely names. One that differs by one letter is more likely meant than one that contains the word. */
static bool add_found(struct out *t, const struct found *f, const char *dashes)
{
	return add_names(t, f->begin, f->begin_count, dashes) ||
	       (f->near_distance <= 1 && add_names(t, &f->near, 1, dashes)) ||
	       add_names(t, f->within, f->within_count, dashes) ||
	       add_names(t, &f->near, f->near != NULL, dashes);
}

/* Where -p stands for a process, it is one that runs, which only the command line can name. */
#define ATTACH	": for a process that runs already give heaptrace --pid=PID; --dump=PID prints a dump of one that is " \
		"traced, --watch=PID shows it live"

/* The names that other programs have for an option (gdb, strace, perf, heaptrack, valgrind, ltrace). Without an option:
 * what ATTACH says. */
static const struct {
	char name[15], option[9];
} others[] = {
	{ "p", "" }, { "attach", "" }, { "o", "outfile" }, { "output", "outfile" }, { "log-file", "outfile" },
	{ "suppressions", "ignore" }, { "suppress", "ignore" }, { "num-callers", "depth" }, { "max-depth", "depth" },
	{ "follow-forks", "children" }, { "follow-fork", "children" }, { "trace-children", "children" },
	{ "limit", "top" }, { "number", "top" }, { "n", "top" },
};

bool options_suggest(const char *name, size_t len, bool on_command_line, struct out *text)
{
	const char *dashes = on_command_line ? "--" : "";
	struct found found = { .near_distance = WORD_MAX };

	/* In the environment form an option has no dashes: top=3, and --top=3 is an easy mistake. */
	while (!on_command_line && len && *name == '-') {
		name++;
		len--;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strlen(others[i].name) != len || memcmp(others[i].name, name, len))
			continue;
		if (others[i].option[0])
			return add_names(text, (const char *[]){ others[i].option }, 1, dashes);
		out_text(text, ATTACH);
		return true;
	}
	for (const struct option_entry *e = options_table; e->name[0]; e++)
		if (e->place == OPTION_PLACE_EVERYWHERE ||
		    (e->place == OPTION_PLACE_COMMAND && on_command_line))
			consider(&found, name, len, e->name);
	return add_found(text, &found, dashes);
}

bool options_suggest_word(const char *word, size_t len, const char *const *words, size_t count,
			  struct out *text)
{
	struct found found = { .near_distance = WORD_MAX };

	for (size_t i = 0; i < count; i++)
		consider(&found, word, len, words[i]);
	return add_found(text, &found, "");
}
