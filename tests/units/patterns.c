/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit test of the patterns of suppressions in analysis/rules.c, speaking TAP; tests/units.t builds and runs it.
 * Each pattern of few characters is compared, on each text of few characters, with a model that tries every way in
 * which the pattern could match.
 */
#include "analysis/rules.h"

#include <stdio.h>
#include <string.h>

#define PATTERN_LONGEST	5u
#define TEXT_LONGEST	5u

/* Whether the pattern matches from the beginning of the text on. */
static bool matches_here(const char *pattern, const char *end, const char *text, bool ends)
{
	if (pattern == end)
		return !ends || !*text;
	if (*pattern != '*')
		return *text == *pattern && matches_here(pattern + 1, end, text + 1, ends);
	for (;; text++) {
		if (matches_here(pattern + 1, end, text, ends))
			return true;
		if (!*text)
			return false;
	}
}

static bool model(const char *pattern, const char *text)
{
	bool begins = *pattern == '^', ends;
	const char *end = pattern + strlen(pattern);

	pattern += begins;
	ends = end > pattern && end[-1] == '$';
	end -= ends;
	for (;; text++) {
		if (matches_here(pattern, end, text, ends))
			return true;
		if (begins || !*text)
			return false;
	}
}

/* Makes the next text over the alphabet, shorter ones first. False: all of this length have been made. */
static bool next(char *text, const char *alphabet, size_t longest)
{
	size_t i = 0;

	for (; text[i]; i++) {
		const char *at = strchr(alphabet, text[i]);

		if (at[1]) {
			text[i] = at[1];
			return true;
		}
		text[i] = alphabet[0];
	}
	if (i == longest)
		return false;
	text[i] = alphabet[0];
	text[i + 1] = '\0';
	return true;
}

int main(void)
{
	char pattern[PATTERN_LONGEST + 2] = "", text[TEXT_LONGEST + 2];
	unsigned long compared = 0, wrong = 0, matched = 0;

	do {
		text[0] = '\0';
		do {
			bool got = rules_pattern_occurs(pattern, text);

			compared++;
			matched += got;
			if (got == model(pattern, text))
				continue;
			if (!wrong++)
				printf("# \"%s\" and \"%s\": %d\n", pattern, text, got);
		} while (next(text, "ab$", TEXT_LONGEST));
	} while (next(pattern, "ab*^$", PATTERN_LONGEST));
	printf("%s 1 - patterns match as the model says\n", wrong ? "not ok" : "ok");
	printf("%s 2 - some match, and some do not\n", matched && matched < compared ? "ok" : "not ok");
	printf("1..2\n");
	return 0;
}
