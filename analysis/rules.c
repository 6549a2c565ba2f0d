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
enum other_tool { VALGRIND, SANITIZER };
static const struct {
	char begin[24];
	uint8_t tool;		/* enum other_tool */
	bool whole;		/* the rule consists of these characters only */
} foreign[] = {
	{ "fun:", VALGRIND, false }, { "obj:", VALGRIND, false }, { "src:", VALGRIND, false },
	{ "Memcheck:", VALGRIND, false }, { "Memcheck,", VALGRIND, false },
	{ "match-leak-kinds:", VALGRIND, false }, { "{", VALGRIND, true }, { "...", VALGRIND, true },
	{ "interceptor_via_fun:", SANITIZER, false }, { "interceptor_via_lib:", SANITIZER, false },
	{ "interceptor_name:", SANITIZER, false }, { "alloc_dealloc_mismatch:", SANITIZER, false },
	{ "odr_violation:", SANITIZER, false }, { "race:", SANITIZER, false }, { "race_top:", SANITIZER, false },
	{ "thread:", SANITIZER, false }, { "mutex:", SANITIZER, false }, { "signal:", SANITIZER, false },
	{ "deadlock:", SANITIZER, false }, { "called_from_lib:", SANITIZER, false },
};

static const char *doubt_text(enum other_tool tool)
{
	if (tool == VALGRIND)
		return "the file of --ignore looks like suppressions of valgrind: here each line is a rule of its "
		       "own, a text that stands in the printed line of a frame, so `fun:main` is just `main`";
	return "the file of --ignore has suppressions of another sanitizer than LeakSanitizer, which say nothing "
	       "about the heap: of suppressions only `leak:PATTERN` counts here";
}

/* How a suppression of LeakSanitizer begins. */
#define LEAK		"leak:"
#define LEAK_BYTES	(sizeof(LEAK) - 1)

static bool is_suppression(const char *rule)
{
	return !strncmp(rule, LEAK, LEAK_BYTES);
}

/* Why the writer of a rule seems to mean something other than plain text, or NULL. */
static const char *doubt_rule(const char *rule)
{
	size_t len = strlen(rule);

	if (is_suppression(rule))
		return NULL;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (foreign[i].whole ? !strcmp(rule, foreign[i].begin) :
		    !strncmp(rule, foreign[i].begin, strlen(foreign[i].begin)))
			return doubt_text((enum other_tool)foreign[i].tool);
	}
	if (*rule == '^' || strstr(rule, ".*") || (len > 2 && rule[len - 1] == '$'))
		return "the file of --ignore seems to have patterns in it: here a rule is plain text, which "
		       "matches when it occurs anywhere in the printed line of a frame; `leak:PATTERN` takes *, ^ and $";
	return NULL;
}

/* The length of a byte order mark at the beginning. */
static size_t mark_bytes(const char *text, size_t size_bytes)
{
	return size_bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
}

/* Makes rules of the lines of text[0..size_bytes), which are put behind those that are there. The text may lie at that
 * place itself, since a rule is never longer than its line. Returns the first doubt about one of them, or NULL. */
static const char *pack(struct rules *r, const char *text, size_t size_bytes)
{
	const char *from = text + mark_bytes(text, size_bytes), *end = text + size_bytes, *doubt = NULL;
	char *to = r->text + r->text_bytes;

	while (from < end) {
		const char *eol = memchr(from, '\n', (size_t)(end - from));
		const char *next = eol ? eol + 1 : end, *stop = eol ? eol : end;

		while (from < stop && strchr(" \t\r", *from))
			from++;
		while (stop > from && strchr(" \t\r", stop[-1]))
			stop--;
		if (from < stop && *from != '#') {
			memmove(to, from, (size_t)(stop - from));
			to += stop - from;
			*to++ = '\0';
			if (!doubt)
				doubt = doubt_rule(to - 1 - (stop - from));
			r->count++;
		}
		from = next;
	}
	r->text_bytes = (size_t)(to - r->text);
	return doubt;
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
	r->room_bytes = RULES_BYTES_MAX + 1;
	r->text = arena_map(r->room_bytes);
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
	r->doubt = pack(r, r->text, len);
	r->from_file = r->count;
	r->hits = r->count ? arena_map(r->count * sizeof(*r->hits)) : NULL;
	return 0;
}

void rules_join(struct rules *r, const struct rules *file, const char *program, const char *builtin)
{
	size_t program_bytes = program ? strlen(program) : 0, builtin_bytes = builtin ? strlen(builtin) : 0;

	*r = *file;
	if (!program_bytes && !builtin_bytes)
		return;
	r->room_bytes = r->text_bytes + program_bytes + builtin_bytes + 2;
	r->text = arena_map(r->room_bytes);
	if (!r->text) {
		*r = *file;
		return;
	}
	if (file->text_bytes)
		memcpy(r->text, file->text, file->text_bytes);
	if (program_bytes)
		pack(r, program, program_bytes);
	r->from_program = r->count - r->from_file;
	if (builtin_bytes)
		pack(r, builtin, builtin_bytes);
	r->hits = r->count ? arena_map(r->count * sizeof(*r->hits)) : NULL;
}

void rules_release(struct rules *r, const struct rules *file)
{
	if (r->text == file->text)
		return;
	arena_unmap(r->text, r->room_bytes);
	if (r->hits)
		arena_unmap(r->hits, r->count * sizeof(*r->hits));
}

void rules_begin(const struct rules *r)
{
	const char *rule = r->text;

	for (size_t i = 0; r->hits && i < r->count; i++, rule += strlen(rule) + 1)
		r->hits[i] = (struct rules_hits){ .rule = rule };
}

/* Each part between asterisks is looked for behind the one before it, as far to the left as possible: whatever follows
 * is then found if it can be found at all. Only a part that must end the text has its place. */
bool rules_pattern_occurs(const char *pattern, const char *text)
{
	bool begins = *pattern == '^', ends;
	const char *end, *text_end = text + strlen(text);

	pattern += begins;
	end = pattern + strlen(pattern);
	ends = end > pattern && end[-1] == '$';
	end -= ends;
	for (;;) {
		const char *star = memchr(pattern, '*', (size_t)(end - pattern));
		size_t len = (size_t)((star ? star : end) - pattern), left = (size_t)(text_end - text);
		const char *found = text;

		if (len > left)
			return false;
		if (ends && !star)
			found = text_end - len;
		else if (!begins)
			found = memmem(text, left, pattern, len);
		if (!found || (begins && found != text) || memcmp(found, pattern, len))
			return false;
		if (!star)
			return true;
		begins = false;
		text = found + len;
		pattern = star + 1;
	}
}

/* As LeakSanitizer does, a suppression never matches a name that is not known or empty. */
static bool matches(const char *rule, const struct rules_subject *s)
{
	const char *names[] = { s->function, s->file, s->module };

	if (!is_suppression(rule))
		return strstr(s->line, rule);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i] && *names[i] && rules_pattern_occurs(rule + LEAK_BYTES, names[i]))
			return true;
	}
	return false;
}

uint32_t rules_match(const struct rules *r, const struct rules_subject *subject)
{
	uint32_t number = 0, first = 0;

	for (const char *rule = r->text; rule < r->text + r->text_bytes; rule += strlen(rule) + 1) {
		bool known = first && (!r->hits || r->hits[number].matched);

		number++;
		if (known || !matches(rule, subject))
			continue;
		if (!first)
			first = number;
		if (r->hits)
			r->hits[number - 1].matched = true;
	}
	return first;
}

void rules_count(const struct rules *r, uint32_t number, uint64_t blocks, uint64_t bytes)
{
	if (!r->hits)
		return;
	r->hits[number - 1].blocks += blocks;
	r->hits[number - 1].bytes += bytes;
}

size_t rules_unmatched(const struct rules *r)
{
	size_t count = 0;

	for (size_t i = 0; r->hits && i < r->from_file; i++)
		count += !r->hits[i].matched;
	return count;
}

const char *rules_next_unmatched(const struct rules *r, struct rules_place *at)
{
	while (r->hits && at->number < r->from_file) {
		const char *rule = r->text + at->byte;

		at->byte += strlen(rule) + 1;
		if (!r->hits[at->number++].matched)
			return rule;
	}
	return NULL;
}

const struct rules_hits *rules_next_counted(const struct rules *r, size_t *at)
{
	while (r->hits && *at < r->count) {
		if (r->hits[(*at)++].blocks)
			return &r->hits[*at - 1];
	}
	return NULL;
}
