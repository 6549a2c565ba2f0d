/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of --ignore: one on each line. `#` begins a comment line. Blanks around a rule, a carriage
 * return at its end, and a byte order mark before the first rule do not count. There are two kinds:
 *
 *	parse.cc:12	plain text, which matches a frame when it occurs in the frame's printed line (frame.h), from
 *			the address on
 *	leak:^foo*bar$	a suppression of LeakSanitizer: a pattern that matches when it occurs in the name of the
 *			frame's function, its source file or its module; `*` stands for any text, `^` for the
 *			beginning of the name and `$` for its end
 *
 * Rules come from three places, in this order: the user's file, the program, which can bring suppressions along
 * (__lsan_default_suppressions()), and a list that is built in.
 *
 * Each rule counts what it leaves out. One that matches nothing may well be a mistake of its writer, so dumps name such
 * rules of the file. Async-signal-safe.
 */
#ifndef ANALYSIS_RULES_H
#define ANALYSIS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULES_BYTES_MAX	((size_t)1 << 20)

/* What a rule has done in a dump. */
struct rules_hits {
	const char *rule;
	uint64_t blocks, bytes;		/* alive, of the rows that it has left out */
	bool matched;			/* some frame; its row may have been left out by another rule */
};

struct rules {
	char *text;		/* the rules, each NUL-terminated, one after the other */
	size_t text_bytes;
	size_t count;
	size_t from_file, from_program;	/* the first rules are those of the file, the next ones those of the program */
	size_t room_bytes;	/* that text has */
	struct rules_hits *hits; /* for each rule; NULL: there are none, or no memory */
	const char *doubt;	/* a sentence for the user: the file seems to be written for another
				 * tool, or in another encoding; or NULL */
};

/*
 * Reads the file. Returns 0 or an errno (EFBIG: it has more than RULES_BYTES_MAX bytes). The memory is
 * never freed: rules live as long as the process.
 */
int rules_read(struct rules *r, const char *path);

/* Suppressions for what libc and GLib allocate once and keep for good. */
extern const char rules_builtin[];

/*
 * Makes *r the rules of `file`, and behind them those of two texts, which have lines as a file has: the program's and
 * the built-in ones. NULL: there are none. *r has memory of its own, which rules_release() gives back. Without memory
 * there are the rules of the file alone, in the memory of `file`.
 */
void rules_join(struct rules *r, const struct rules *file, const char *program, const char *builtin);
void rules_release(struct rules *r, const struct rules *file);

/* What rules see of a frame or of a call that is inlined in it. */
struct rules_subject {
	const char *line;		/* as it is printed, from the address on */
	const char *function, *file, *module;	/* whole names; NULL: not known */
};

/* To be called before each dump: forgets what the rules have done. */
void rules_begin(const struct rules *r);

/* The number of the first rule that matches, from 1 on; 0: none does. Notes all that do, so only one thread at a time
 * may call this. */
uint32_t rules_match(const struct rules *r, const struct rules_subject *subject);

/* Counts a row with so many live blocks that the rule with this number, from 1 on, has left out. */
void rules_count(const struct rules *r, uint32_t number, uint64_t blocks, uint64_t bytes);

/* Whether the pattern of a suppression, which is what follows "leak:", occurs in the text. */
bool rules_pattern_occurs(const char *pattern, const char *text);

/* How many rules of the file have matched nothing since rules_begin(). */
size_t rules_unmatched(const struct rules *r);

/*
 * The next rule of the file that has matched nothing; NULL: there are no more. *at is zeroed before the first call, and
 * holds the place from one call to the next.
 */
struct rules_place {
	size_t byte, number;
};
const char *rules_next_unmatched(const struct rules *r, struct rules_place *at);

/* The next rule that has left out live blocks; NULL: there are no more. *at is 0 before the first call, and then the
 * rule's number. */
const struct rules_hits *rules_next_counted(const struct rules *r, size_t *at);

#endif
