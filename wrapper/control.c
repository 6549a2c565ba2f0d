/* SPDX-License-Identifier: GPL-2.0-only */
/* See control.h. */
#include "control.h"

#include "base/atomics.h"
#include "base/out.h"
#include "base/read_at.h"
#include "options/options.h"
#include "quit.h"
#include "table/events.h"
#include "table/row.h"
#include "traced.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define WAIT_TRIES	2000u		/* of WAIT_NS: two seconds for the process, and for another controller */
#define WAIT_NS		1000000

struct command {
	enum control_command kind;
	uint64_t value;
	char text[EVENT_TEXT_BYTES];
};

/* ---- The commands as texts ---- */

#define COMMANDS	"on, off, clear, sample=BYTES, dump or mark=TEXT"

/* The length of a character of UTF-8 (RFC 3629), or 0 if there is none. Control characters are none here. */
static size_t character_bytes(const unsigned char *s)
{
	static const struct {
		unsigned char mask, lead;
		size_t bytes;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0, 1, 0x20 }, { 0xe0, 0xc0, 2, 0xa0 }, { 0xf0, 0xe0, 3, 0x800 }, { 0xf8, 0xf0, 4, 0x10000 },
	};

	for (unsigned form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
		uint32_t code = *s & (unsigned char)~forms[form].mask;

		if ((*s & forms[form].mask) != forms[form].lead)
			continue;
		for (size_t i = 1; i < forms[form].bytes; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (s[i] & 0x3fu);
		}
		if (code < forms[form].least || code == 0x7f || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return 0;
		return forms[form].bytes;
	}
	return 0;
}

static void parse_mark(struct command *c, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t bytes = strlen(text);

	if (!bytes)
		quit_saying(EXIT_SETUP, "mark= needs a text, such as mark=\"after the first request\"");
	if (bytes >= EVENT_TEXT_BYTES)
		quit_saying(EXIT_SETUP, "the text of the mark has %zu bytes, and there is room for %u: shorten it",
			    bytes, EVENT_TEXT_BYTES - 1);
	while (*at) {
		size_t n = character_bytes(at);

		if (!n)
			quit_saying(EXIT_SETUP, "the text of the mark is not plain UTF-8 (it has a control character, "
				    "or bytes that are no character): write another one");
		at += n;
	}
	strcpy(c->text, text);
}

static void parse_sample(struct command *c, const char *value)
{
	struct options o;
	char error[512];

	if (!strcmp(value, "all"))
		return;
	options_init(&o);
	if (!options_set(&o, &options_table[OPTION_SAMPLE], value, error, sizeof(error)))
		quit_saying(EXIT_SETUP, "%s (sample=all records each block)", error);
	c->value = o.sample_bytes;
}

/* By enum control_command. Behind those that end in = a value follows. */
static const char *const names[] = { "?", "on", "off", "clear", "sample=", "dump", "mark=" };
#define NAMES	(sizeof(names) / sizeof(names[0]))

/* Ends the wrapper if the text is no command. */
static struct command parse(const char *text)
{
	struct command c = { .kind = CONTROL_COMMAND_NONE };
	size_t bytes = strcspn(text, "=");

	bytes += text[bytes] == '=';
	for (unsigned kind = CONTROL_COMMAND_ON; kind < NAMES; kind++) {
		if (strlen(names[kind]) == bytes && !strncmp(text, names[kind], bytes))
			c.kind = kind;
	}
	if (!c.kind)
		quit_saying(EXIT_SETUP, "'%s' is no command for --control, which takes " COMMANDS, text);
	if (c.kind == CONTROL_COMMAND_SAMPLE)
		parse_sample(&c, text + bytes);
	if (c.kind == CONTROL_COMMAND_MARK)
		parse_mark(&c, text + bytes);
	return c;
}

/* ---- The table of the process ---- */

/* The table that is written: its header is mapped, or there is only the memory of the process, which is read and
 * written by offsets. */
struct mailbox {
	struct traced place;
	struct table_header *mapped;	/* NULL: by offsets */
	uint32_t pid;
};

#define IN_CONTROL(field)	(offsetof(struct table_header, control) + offsetof(struct table_control, field))

/* These read a word of the table's header, at an offset, or some bytes of it, and write bytes. False: the process is
 * gone. */
static bool read_word(const struct mailbox *m, size_t offset, uint32_t *word)
{
	if (m->mapped) {
		*word = load_acquire((uint32_t *)(void *)((char *)m->mapped + offset));
		return true;
	}
	return read_whole(m->place.fd, word, sizeof(*word), m->place.start + offset);
}

static bool read_bytes(const struct mailbox *m, size_t offset, void *to, size_t bytes)
{
	if (m->mapped) {
		memcpy(to, (const char *)m->mapped + offset, bytes);
		return true;
	}
	return read_whole(m->place.fd, to, bytes, m->place.start + offset);
}

static bool write_bytes(const struct mailbox *m, size_t offset, const void *from, size_t bytes)
{
	if (m->mapped) {
		memcpy((char *)m->mapped + offset, from, bytes);
		return true;
	}
	return pwrite(m->place.fd, from, bytes, (off_t)(m->place.start + offset)) == (ssize_t)bytes;
}

/*
 * The process may change its mode at the same time. In the memory of the process there is no atomic operation for
 * another one, so only that byte of the word is written in which CONTROL_PENDING is, and no mode.
 */
static bool set_pending(const struct mailbox *m)
{
	static const uint8_t byte = CONTROL_PENDING >> 24;
	const size_t at = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 3 : 0;

	if (m->mapped) {
		or_acq_rel(&m->mapped->control.mode, CONTROL_PENDING);
		return true;
	}
	return write_bytes(m, IN_CONTROL(mode) + at, &byte, 1);
}

/* Waits for its turn. Another controller may wait for the process as long as this one would. */
static void lock(const struct mailbox *m)
{
	const struct timespec pause = { 0, WAIT_NS };

	for (unsigned i = 0; flock(m->place.fd, LOCK_EX | LOCK_NB); i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return;		/* a file system without locks */
		if (i == 2 * WAIT_TRIES)
			quit_saying(EXIT_SETUP, "another heaptrace --control is about to give commands to process %u, "
				    "and does not come to an end: try again", (unsigned)m->pid);
		nanosleep(&pause, NULL);
	}
}

/* Whether the process was detached: what is written to its table has no effect. */
static bool is_detached(const struct table_header *h)
{
	for (uint32_t i = h->event_count < EVENTS_MOST ? h->event_count : EVENTS_MOST; i-- > 0; ) {
		if (h->events[i].kind == EVENT_ATTACH || h->events[i].kind == EVENT_DETACH)
			return h->events[i].kind == EVENT_DETACH;
	}
	return false;
}

static void open_mailbox(struct mailbox *m, uint32_t pid)
{
	static struct table_header h;
	enum load_status status;
	void *mapped;

	*m = (struct mailbox){ .pid = pid };
	if (kill((pid_t)pid, 0) && errno == ESRCH)
		quit_saying(EXIT_SETUP, "process %u cannot be controlled: %s", (unsigned)pid,
			    traced_why_not(LOAD_CANNOT_READ, ESRCH));
	status = traced_open_to_write(&m->place, pid);
	if (status == LOAD_OK)
		status = load_header(&h, m->place.fd, m->place.start);
	if (status != LOAD_OK)
		quit_saying(EXIT_SETUP, "process %u cannot be controlled: %s", (unsigned)pid,
			    traced_why_not(status, errno));
	if (is_detached(&h))
		quit_saying(EXIT_SETUP, "process %u cannot be controlled: it was detached (heaptrace --pid=%u traces "
			    "it again)", (unsigned)pid, (unsigned)pid);
	lock(m);
	if (m->place.start)
		return;
	mapped = mmap(NULL, sizeof(h), PROT_READ | PROT_WRITE, MAP_SHARED, m->place.fd, 0);
	m->mapped = mapped == MAP_FAILED ? NULL : mapped;
}

/* ---- Giving a command ---- */

enum answer {
	DONE,
	WAITS,			/* the process has not looked yet */
	GONE,
};

static enum answer await(const struct mailbox *m)
{
	const struct timespec pause = { 0, WAIT_NS };
	uint32_t asked, done;

	for (unsigned i = 0; i < WAIT_TRIES; i++) {
		if (!read_word(m, IN_CONTROL(asked), &asked) || !read_word(m, IN_CONTROL(done), &done))
			return GONE;
		if (asked == done)
			return DONE;
		if (!i && !set_pending(m))	/* who left the command may have been killed before that */
			return GONE;
		if (i % 64 == 63 && kill((pid_t)m->pid, 0) && errno == ESRCH)
			return GONE;
		nanosleep(&pause, NULL);
	}
	return WAITS;
}

/* Leaves a command in the table, in an order in which a controller that is killed leaves none, or a whole one. */
static bool leave(const struct mailbox *m, const struct command *c)
{
	uint32_t asked, kind = c->kind;
	uint64_t now = now_precise_ns();

	if (!read_word(m, IN_CONTROL(asked), &asked))
		return false;
	asked++;
	if (!write_bytes(m, IN_CONTROL(command), &kind, sizeof(kind)) ||
	    !write_bytes(m, IN_CONTROL(value), &c->value, sizeof(c->value)) ||
	    !write_bytes(m, IN_CONTROL(asked_ns), &now, sizeof(now)) ||
	    !write_bytes(m, IN_CONTROL(text), c->text, sizeof(c->text)))
		return false;
	if (m->mapped)
		store_release(&m->mapped->control.asked, asked);
	else if (!write_bytes(m, IN_CONTROL(asked), &asked, sizeof(asked)))
		return false;
	return set_pending(m);
}

/*
 * Whether a command can take the place of the one that waits, since what comes of it is the same as if both were
 * carried out: the same once more, another rate, or an end to what would begin. (An `on` after an `off` begins a
 * window, so the `off` must not be lost.) The process may carry out the older one at the same time: it then gets the
 * newer one afterwards, as leave() gives it a number of its own. A command is one word, and a rate is one, too, so it
 * never gets a half of each.
 */
static bool replaces(enum control_command newer, enum control_command waiting)
{
	if (newer == CONTROL_COMMAND_OFF && waiting == CONTROL_COMMAND_ON)
		return true;
	return newer == waiting && newer != CONTROL_COMMAND_MARK;
}

/* Says which command of an earlier controller is in the way, and since when. */
static _Noreturn void quit_busy(const struct mailbox *m, const struct table_control *waiting, const char *command)
{
	uint32_t kind = waiting->command < NAMES ? waiting->command : CONTROL_COMMAND_NONE;
	uint64_t now = now_precise_ns(), ago = now > waiting->asked_ns ? now - waiting->asked_ns : 0;
	char text[512];
	struct out out = out_memory(text, sizeof(text));

	out_char(&out, '\'');
	out_text(&out, names[kind]);
	if (kind == CONTROL_COMMAND_SAMPLE) {
		if (waiting->value)
			out_u64(&out, waiting->value);
		else
			out_text(&out, "all");
	}
	if (kind == CONTROL_COMMAND_MARK)
		out_foreign(&out, waiting->text, strnlen(waiting->text, sizeof(waiting->text)));
	out_text(&out, "', given ");
	out_time(&out, ago);
	out_text(&out, " ago,");
	quit_saying(EXIT_SETUP, "process %u allocates nothing at present: %s waits for its next allocation, so '%s' was "
		    "not given: give it again then (heaptrace --dump=%u needs no allocation)", (unsigned)m->pid,
		    out_string(&out), command, (unsigned)m->pid);
}

/* Says what a full list of events means for a command. The process itself does without the event. */
static void warn_of_full_list(const struct mailbox *m, const struct command *c, const char *command)
{
	unsigned pid = m->pid;
	uint32_t count;

	if (!read_word(m, offsetof(struct table_header, event_count), &count))
		return;
	if (c->kind == CONTROL_COMMAND_MARK && count >= EVENTS_MARKS_MOST)
		say("'%s' is not noted: process %u has had as many events as its table has room for", command, pid);
	if (count < EVENTS_BEGIN_MOST)
		return;
	if (c->kind == CONTROL_COMMAND_SAMPLE)
		say("'%s' has no effect: process %u has had as many windows as its table has room for", command, pid);
	else if (c->kind == CONTROL_COMMAND_ON || c->kind == CONTROL_COMMAND_CLEAR)
		say("process %u has had as many windows as its table has room for: '%s' takes effect, but reports have "
		    "what follows in the last window of their list", pid, command);
}

static _Noreturn void quit_gone(const struct mailbox *m, const char *command)
{
	quit_saying(EXIT_SETUP, "process %u has ended before it carried out '%s'", (unsigned)m->pid, command);
}

/* Gives command i of the list, when those before it have been carried out. */
static void give(const struct mailbox *m, const struct command *list, int i, char **commands)
{
	struct table_control waiting = { .command = CONTROL_COMMAND_NONE };
	enum answer before = await(m);

	if (before == WAITS && i)
		quit_saying(EXIT_SETUP, "process %u allocates nothing at present: '%s' is left to it, and takes effect at "
			    "its next allocation, but '%s' was not given: give it again then", (unsigned)m->pid,
			    commands[i - 1], commands[i]);
	if (before == WAITS && !read_bytes(m, offsetof(struct table_header, control), &waiting, sizeof(waiting)))
		before = GONE;
	if (before == WAITS && !replaces(list[i].kind, waiting.command))
		quit_busy(m, &waiting, commands[i]);
	warn_of_full_list(m, &list[i], commands[i]);
	if (before == GONE || !leave(m, &list[i]))
		quit_gone(m, commands[i]);
}

void control_process(uint32_t pid, int count, char **commands)
{
	struct command *list = calloc((size_t)count, sizeof(*list));
	struct mailbox m;

	if (!list)
		quit_saying(EXIT_SETUP, "out of memory");
	for (int i = 0; i < count; i++)
		list[i] = parse(commands[i]);
	open_mailbox(&m, pid);
	for (int i = 0; i < count; i++)
		give(&m, list, i, commands);
	switch (await(&m)) {
	case DONE:
		break;
	case GONE:
		quit_gone(&m, commands[count - 1]);
	case WAITS:
		say("process %u allocates nothing at present: '%s' takes effect at its next allocation", (unsigned)pid,
		    commands[count - 1]);
	}
	quit(0);
}
