/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A terminal as a screen of lines, for --watch: without curses, and with the few control sequences that all terminals
 * in use understand (ECMA-48 and DEC's VT100: move the cursor, clear a line or the screen, bold, reverse,
 * hide the cursor, no line wrap; and xterm's second screen, which others ignore). Colours are not used, so there is
 * nothing for NO_COLOR to switch off.
 *
 *	terminal_open()	 enter()  [ line() ... show()  wait() -> key() ]  leave()  close()
 *
 * Texts can have any bytes. What a terminal would obey, or show in no column or in another direction, becomes `?`, and
 * what does not fit into a line is cut off. A line is sent only if it differs from what is shown there.
 *
 * Signals: from terminal_open() on, those that would end, stop or resume the process, and SIGWINCH, are taken only
 * while terminal_wait() waits or terminal_show() writes. The functions leave the terminal as they have found it before
 * the process is stopped or ends. A terminal that does not take what is sent (a stopped tmux, a broken connection)
 * delays neither.
 *
 * For one terminal and the only thread of a process.
 */
#ifndef WRAPPER_TERMINAL_H
#define WRAPPER_TERMINAL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#define TERMINAL_LINES_MAX	500u
#define TERMINAL_COLUMNS_MAX	1000u
#define TERMINAL_LINE_BYTES	(4 * TERMINAL_COLUMNS_MAX + 1)	/* of any line as terminal_fit() makes it */
#define TERMINAL_WATCHED	4u	/* descriptors for terminal_wait() */

enum terminal_style { TERMINAL_PLAIN, TERMINAL_BOLD, TERMINAL_REVERSE };

/* A key is the number of its character (Unicode), or one of these. */
enum terminal_key {
	TERMINAL_NO_KEY = 0,
	TERMINAL_REDRAW = 0x0c,		/* control-L */
	TERMINAL_ENTER = '\r', TERMINAL_ESCAPE = 0x1b, TERMINAL_BACKSPACE = 0x7f, TERMINAL_CLEAR = 0x15 /* control-U */,
	TERMINAL_UP = 0x110000, TERMINAL_DOWN, TERMINAL_LEFT, TERMINAL_RIGHT, TERMINAL_PAGE_UP, TERMINAL_PAGE_DOWN,
	TERMINAL_HOME, TERMINAL_END, TERMINAL_OTHER,
};

struct terminal {
	int in, out;			/* in: -1: there are no keys */
	unsigned columns, lines;	/* at least 1 each */
	bool utf8;			/* characters other than ASCII can be shown */
	bool resized;			/* set by terminal_wait(): the size is another one, or everything has to be sent
					 * again */
	bool dead;			/* there is no terminal any more, or a signal asks the process to end */
	int signal;			/* that signal; 0: none */
	struct termios saved;
	bool has_saved, entered;
	uint64_t shown[TERMINAL_LINES_MAX];	/* a hash of what each line shows; 0: unknown */
	char keys[64];			/* bytes that have been read */
	unsigned key_bytes;
	bool escape_over;		/* no more bytes have followed a lone ESC */
	char *text;			/* what is to be sent */
	size_t text_bytes, text_room;
};

/* Whether standard output is a terminal that knows control sequences: TERM is set, and is not "dumb". Then prepares *t.
 * False: nothing is changed. */
bool terminal_open(struct terminal *t);

/* Takes the screen and the keyboard over, and gives them back. */
void terminal_enter(struct terminal *t);
void terminal_leave(struct terminal *t);

/* Leaves the terminal, and the signals as they were. If a signal has asked for the end, it is raised again, so the
 * process ends by it. */
void terminal_close(struct terminal *t);

/* Sets line number `line`, counted from 0. Lines that the terminal does not have are ignored. */
void terminal_line(struct terminal *t, unsigned line, enum terminal_style style, const char *text);

/* Sends the lines. With cursor_line < t->lines the cursor is shown there. */
void terminal_show(struct terminal *t, unsigned cursor_line, unsigned cursor_column);

/* Lets the next terminal_show() send everything. */
void terminal_forget(struct terminal *t);

/*
 * Waits for a key, for an event on one of watched[0..count), count <= TERMINAL_WATCHED, or for a signal, at most so
 * long. A negative fd is no event. Stops the process itself where the user asks for that (^Z).
 */
void terminal_wait(struct terminal *t, struct pollfd *watched, unsigned count, uint64_t ns);

/* The next key that was typed; TERMINAL_NO_KEY: there is none. */
uint32_t terminal_key(struct terminal *t);

/*
 * Copies a text so that it takes at most so many columns, and none of its characters controls a terminal. utf8: others
 * than ASCII may be in it. Returns how many columns it takes. to: 4 bytes for each column, and 1 more.
 */
unsigned terminal_fit(char *to, const char *text, unsigned columns, bool utf8);

/* Whether the locale has UTF-8. To be called before terminal_fit() is, because it sets the locale for wcwidth(3). */
bool terminal_set_locale(void);

#endif
