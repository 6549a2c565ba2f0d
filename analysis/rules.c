/* SPDX-License-Identifier: GPL-2.0-only */
/* See rules.h. */
#include "rules.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How rules begin that are written for another tool. */
static const struct {
	const char *begin;
	bool whole;		/* the rule consists of these characters only */
	const char *doubt;
} foreign[] = {
#define VALGRIND "the file of --ignore looks like suppressions of valgrind: here each line is a rule of its " \
		 "own, a text that stands in the printed line of a frame, so `fun:main` is just `main`"
	{ "fun:", false, VALGRIND }, { "obj:", false, VALGRIND }, { "src:", false, VALGRIND },
	{ "Memcheck:", false, VALGRIND }, { "Memcheck,", false, VALGRIND },
	{ "match-leak-kinds:", false, VALGRIND }, { "{", true, VALGRIND }, { "...", true, VALGRIND },
#define SANITIZER "the file of --ignore looks like suppressions of a sanitizer: here a rule is a text that " \
		  "stands in the printed line of a frame, so `leak:main` is just `main`"
	{ "leak:", false, SANITIZER }, { "interceptor_via_fun:", false, SANITIZER },
	{ "interceptor_via_lib:", false, SANITIZER }, { "interceptor_name:", false, SANITIZER },
	{ "race:", false, SANITIZER }, { "race_top:", false, SANITIZER },
	{ "called_from_lib:", false, SANITIZER },
};

/* Why the writer of a rule seems to mean something other than plain text, or NULL. */
static const char *doubt_rule(const char *rule)
{
	size_t len = strlen(rule);

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (foreign[i].whole ? !strcmp(rule, foreign[i].begin) :
		    !strncmp(rule, foreign[i].begin, strlen(foreign[i].begin)))
			return foreign[i].doubt;
	}
	if (*rule == '^' || strstr(rule, ".*") || (len > 2 && rule[len - 1] == '$'))
		return "the file of --ignore seems to have patterns in it: here a rule is plain text, which "
		       "matches when it occurs anywhere in the printed line of a frame";
	return NULL;
}

/* The length of a byte order mark at the beginning. */
static size_t mark_bytes(const char *text, size_t size_bytes)
{
	return size_bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
}

/* Makes rules of the lines of r->text[0..size_bytes), in place, since a rule is never longer than its line. */
static void pack(struct rules *r, size_t size_bytes)
{
	char *from = r->text + mark_bytes(r->text, size_bytes), *end = r->text + size_bytes, *to = r->text;

	while (from < end) {
		char *eol = memchr(from, '\n', (size_t)(end - from));
		char *next = eol ? eol + 1 : end, *stop = eol ? eol : end;

		while (from < stop && strchr(" \t\r", *from))
			from++;
		while (stop > from && strchr(" \t\r", stop[-1]))
			stop--;
		if (from < stop && *from != '#') {
			memmove(to, from, (size_t)(stop - from));
			to += stop - from;
			*to++ = '\0';
			if (!r->doubt)
				r->doubt = doubt_rule(to - 1 - (stop - from));
			r->count++;
		}
		from = next;
	}
	r->text_bytes = (size_t)(to - r->text);
}

int rules_read(struct rules *r, const char *path)
{
	/* Each process of the run and the watcher read the file. None of them may hang at a FIFO that nobody writes to. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error = 0;
	struct stat st = { 0 };
	size_t len = 0;

	*r = (struct rules){ 0 };
	if (fd < 0)
		return errno;
	fcntl(fd, F_SETFL, O_RDONLY);	/* if somebody has opened the FIFO for writing, wait for the text */
	if (fstat(fd, &st))
		st.st_mode = 0;
	r->text = arena_map(RULES_BYTES_MAX + 1);
	while (r->text && len <= RULES_BYTES_MAX) {
		ssize_t n = read(fd, r->text + len, RULES_BYTES_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			error = errno;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	if (!r->text)
		return ENOMEM;
	if (!error && len > RULES_BYTES_MAX)
		error = EFBIG;
	if (error) {
		arena_unmap(r->text, RULES_BYTES_MAX + 1);
		*r = (struct rules){ 0 };
		return error;
	}
	if (!len && S_ISFIFO(st.st_mode)) {
		r->doubt = "the file of --ignore is a pipe in which there is nothing (any more), so nothing is left "
			   "out: each process reads it, so name a file";
		return 0;
	}
	if (memchr(r->text, '\0', len)) {	/* in UTF-16 every second byte of English text is 0 */
		r->doubt = "the file of --ignore is no plain text (UTF-16?), so nothing is left out: save it "
			   "as UTF-8";
		return 0;
	}
	pack(r, len);
	r->matched = r->count ? arena_map(r->count) : NULL;
	return 0;
}

void rules_begin(const struct rules *r)
{
	if (r->matched)
		memset(r->matched, 0, r->count);
}

bool rules_match(const struct rules *r, const char *line)
{
	size_t number = 0;
	bool any = false;

	for (const char *rule = r->text; rule < r->text + r->text_bytes; rule += strlen(rule) + 1) {
		bool known = any && (!r->matched || r->matched[number]);

		if (!known && strstr(line, rule)) {
			any = true;
			if (r->matched)
				r->matched[number] = 1;
		}
		number++;
	}
	return any;
}

size_t rules_unmatched(const struct rules *r)
{
	size_t count = 0;

	for (size_t i = 0; r->matched && i < r->count; i++)
		count += !r->matched[i];
	return count;
}

const char *rules_next_unmatched(const struct rules *r, struct rules_place *at)
{
	while (r->matched && at->number < r->count) {
		const char *rule = r->text + at->byte;

		at->byte += strlen(rule) + 1;
		if (!r->matched[at->number++])
			return rule;
	}
	return NULL;
}
