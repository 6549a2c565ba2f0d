/* SPDX-License-Identifier: GPL-2.0-only */
/* See terminal.h. */
#include "terminal.h"

#include "base/hash.h"
#include "base/printable.h"
#include "format/columns.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

/* ---- Control sequences: ECMA-48, 5th edition; DEC VT100 User Guide, appendix A (modes 7, 25); xterm, ctlseqs (1049) ---- */

#define ENTER_SCREEN	"\033[?1049h\033[?7l\033[?25l\033[H\033[2J"	/* the second screen, no wrap, no cursor, clear */
#define LEAVE_SCREEN	"\033[0m\033[?25h\033[?7h\033[?1049l"
#define HIDE_CURSOR	"\033[?25l"
#define SHOW_CURSOR	"\033[?25h"
#define CLEAR_SCREEN	"\033[2J"
#define CLEAR_LINE	"\033[K"
#define STYLE_PLAIN	"\033[0m"

#define ESCAPE_NS	UINT64_C(50000000)	/* an ESC that nothing follows for so long is the key itself */
#define LEAVE_MS	200			/* a terminal that takes nothing for so long is left without a word */
#define SEND_BYTES	512u			/* at a time */

/* ---- Signals ---- */

static volatile sig_atomic_t asked_to_end, asked_to_stop, continued, size_changed;
static const int handled[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH };
#define HANDLED	(sizeof(handled) / sizeof(handled[0]))
static struct sigaction old_actions[HANDLED];
static sigset_t old_mask, blocked_mask;

static void note_signal(int sig)
{
	if (sig == SIGTSTP)
		asked_to_stop = 1;
	else if (sig == SIGWINCH)
		size_changed = 1;
	else if (sig == SIGCONT)
		continued = 1;
	else
		asked_to_end = sig;
}

static void take_signals(void)
{
	struct sigaction action = { .sa_handler = note_signal };

	sigprocmask(SIG_BLOCK, NULL, &old_mask);
	blocked_mask = old_mask;
	for (unsigned i = 0; i < HANDLED; i++)
		sigaddset(&blocked_mask, handled[i]);
	sigprocmask(SIG_SETMASK, &blocked_mask, NULL);
	for (unsigned i = 0; i < HANDLED; i++) {
		sigaction(handled[i], NULL, &old_actions[i]);
		if (old_actions[i].sa_handler != SIG_IGN)	/* nohup(1) */
			sigaction(handled[i], &action, NULL);
	}
}

static void give_signals_back(void)
{
	for (unsigned i = 0; i < HANDLED; i++)
		sigaction(handled[i], &old_actions[i], NULL);
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
}

/* ---- The terminal's state ---- */

static void measure(struct terminal *t)
{
	struct winsize size = { .ws_col = 80, .ws_row = 24 };

	if (ioctl(t->out, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
		size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	t->columns = size.ws_col < TERMINAL_COLUMNS_MAX ? size.ws_col : TERMINAL_COLUMNS_MAX;
	t->lines = size.ws_row < TERMINAL_LINES_MAX ? size.ws_row : TERMINAL_LINES_MAX;
}

bool terminal_set_locale(void)
{
	if (!columns_have_utf8())
		return false;
	if (setlocale(LC_CTYPE, "") && MB_CUR_MAX > 1)
		return true;
	return setlocale(LC_CTYPE, "C.UTF-8");		/* the user's locale is not installed */
}

bool terminal_open(struct terminal *t)
{
	const char *kind = getenv("TERM");

	memset(t, 0, sizeof(*t));
	if (!kind || !*kind || !strcmp(kind, "dumb") || !isatty(STDOUT_FILENO))
		return false;
	t->out = STDOUT_FILENO;
	t->in = isatty(STDIN_FILENO) ? STDIN_FILENO : open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	t->utf8 = terminal_set_locale();
	take_signals();
	return true;
}

/* Sends a few bytes for which the terminal must not be waited for. */
static void send_at_once(struct terminal *t, const char *text)
{
	struct pollfd p = { .fd = t->out, .events = POLLOUT };

	if (poll(&p, 1, LEAVE_MS) > 0 && !(p.revents & (POLLERR | POLLHUP)) && write(t->out, text, strlen(text)) < 0)
		t->dead = true;
}

/* Takes the keyboard and the screen. */
static void take(struct terminal *t)
{
	struct termios raw = t->saved;

	if (t->has_saved) {
		raw.c_lflag &= (tcflag_t)~(ICANON | ECHO | IEXTEN);
		raw.c_iflag &= (tcflag_t)~(IXON | ICRNL | INLCR);	/* ^S stops nothing */
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		tcsetattr(t->in, TCSANOW, &raw);
	}
	send_at_once(t, ENTER_SCREEN);
	t->entered = true;
	terminal_forget(t);
	measure(t);
}

void terminal_enter(struct terminal *t)
{
	t->has_saved = t->in >= 0 && !tcgetattr(t->in, &t->saved);
	take(t);
}

void terminal_leave(struct terminal *t)
{
	if (!t->entered)
		return;
	t->entered = false;
	if (t->has_saved)
		tcsetattr(t->in, TCSANOW, &t->saved);
	send_at_once(t, LEAVE_SCREEN);
}

void terminal_close(struct terminal *t)
{
	terminal_leave(t);
	free(t->text);
	t->text = NULL;
	give_signals_back();
	if (t->signal) {
		signal(t->signal, SIG_DFL);
		raise(t->signal);
	}
}

/* Stops the process, as ^Z does without a handler, and takes the terminal again when it goes on. */
static void stop(struct terminal *t)
{
	struct sigaction now, by_default = { .sa_handler = SIG_DFL };
	sigset_t one;

	terminal_leave(t);
	sigaction(SIGTSTP, &by_default, &now);
	sigemptyset(&one);
	sigaddset(&one, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &one, NULL);	/* here the process stops, and goes on */
	sigprocmask(SIG_BLOCK, &one, NULL);
	sigaction(SIGTSTP, &now, NULL);
	terminal_enter(t);
	t->resized = true;
}

/* Does what the signals ask for that have come. */
static void obey_signals(struct terminal *t)
{
	if (asked_to_end) {
		t->signal = asked_to_end;
		t->dead = true;
	} else if (asked_to_stop) {
		asked_to_stop = 0;
		stop(t);
	} else if (continued) {
		continued = 0;
		take(t);	/* while the process was stopped, the shell has set the terminal as it likes it */
		t->resized = true;
	} else if (size_changed) {
		size_changed = 0;
		measure(t);
		terminal_forget(t);
		t->resized = true;
	}
}

/* ---- Output ---- */

static void add_bytes(struct terminal *t, const char *text, size_t bytes)
{
	if (t->text_bytes + bytes > t->text_room) {
		size_t room = 2 * (t->text_bytes + bytes) + 4096;
		char *more = realloc(t->text, room);

		if (!more)
			return;
		t->text = more;
		t->text_room = room;
	}
	memcpy(t->text + t->text_bytes, text, bytes);
	t->text_bytes += bytes;
}

static void add(struct terminal *t, const char *text)
{
	add_bytes(t, text, strlen(text));
}

/* Moves the cursor. The sequence counts lines and columns from 1. */
static void move_to(struct terminal *t, unsigned line, unsigned column)
{
	char text[32];
	struct out out = out_memory(text, sizeof(text));

	out_text(&out, "\033[");
	out_u64(&out, line + 1);
	out_char(&out, ';');
	out_u64(&out, column + 1);
	out_char(&out, 'H');
	add(t, text);
}

unsigned terminal_fit(char *to, const char *text, unsigned columns, bool utf8)
{
	size_t left = strlen(text), bytes;
	unsigned used = 0;

	for (; left && used < columns; text += bytes, left -= bytes) {
		int width = 1;
		bool plain;
		wchar_t wide;
		mbstate_t state;

		bytes = printable_character(text, left, &plain);
		if (plain && !(*text & 0x80)) {
			*to++ = *text;
			used++;
			continue;
		}
		memset(&state, 0, sizeof(state));
		plain = plain && utf8 && bytes > 1 && mbrtowc(&wide, text, bytes, &state) == bytes;
		width = plain ? wcwidth(wide) : 0;
		if (used + (unsigned)(width > 0 ? width : 1) > columns)
			break;
		if (width > 0) {
			memcpy(to, text, bytes);
			to += bytes;
			used += (unsigned)width;
		} else {
			*to++ = '?';
			used++;
		}
	}
	*to = '\0';
	return used;
}

void terminal_line(struct terminal *t, unsigned line, enum terminal_style style, const char *text)
{
	static const char *const styles[] = { "", "\033[1m", "\033[7m" };
	static char fitting[TERMINAL_LINE_BYTES];
	unsigned used;
	uint64_t hash;

	if (line >= t->lines)
		return;
	used = terminal_fit(fitting, text, t->columns, t->utf8);
	hash = hash_add(hash_text(fitting), style + 1) | 1;
	if (t->shown[line] == hash)
		return;
	t->shown[line] = hash;
	move_to(t, line, 0);
	add(t, styles[style]);
	add(t, fitting);
	for (; style == TERMINAL_REVERSE && used < t->columns; used++)
		add(t, " ");
	if (style != TERMINAL_PLAIN)
		add(t, STYLE_PLAIN);
	if (used < t->columns)
		add(t, CLEAR_LINE);
}

void terminal_forget(struct terminal *t)
{
	memset(t->shown, 0, sizeof(t->shown));
	add(t, CLEAR_SCREEN);
}

/* Sends all that has been added. Signals are taken meanwhile, so a terminal that takes nothing cannot keep the process
 * from ending. */
static void send_text(struct terminal *t)
{
	size_t done = 0;

	while (done < t->text_bytes && !t->dead && !asked_to_end) {
		struct pollfd p = { .fd = t->out, .events = POLLOUT };
		size_t left = t->text_bytes - done;
		ssize_t n = -1;

		if (ppoll(&p, 1, NULL, &old_mask) >= 0) {
			if (p.revents & (POLLERR | POLLHUP | POLLNVAL)) {
				t->dead = true;
				break;
			}
			sigprocmask(SIG_SETMASK, &old_mask, NULL);
			n = write(t->out, t->text + done, left < SEND_BYTES ? left : SEND_BYTES);
			sigprocmask(SIG_SETMASK, &blocked_mask, NULL);
		}
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR && errno != EAGAIN)
			t->dead = true;
	}
	t->text_bytes = 0;
}

void terminal_show(struct terminal *t, unsigned cursor_line, unsigned cursor_column)
{
	if (cursor_line < t->lines) {
		move_to(t, cursor_line, cursor_column < t->columns ? cursor_column : t->columns - 1);
		add(t, SHOW_CURSOR);
	} else {
		add(t, HIDE_CURSOR);
	}
	send_text(t);
	obey_signals(t);
}

/* ---- Waiting, and keys ---- */

static void read_keys(struct terminal *t)
{
	ssize_t n = read(t->in, t->keys + t->key_bytes, sizeof(t->keys) - t->key_bytes);

	if (n > 0)
		t->key_bytes += (unsigned)n;
	else if (!n || (errno != EINTR && errno != EAGAIN))
		t->dead = true;		/* the terminal has hung up: EIO, or the end of the file */
}

void terminal_wait(struct terminal *t, struct pollfd *watched, unsigned count, uint64_t ns)
{
	bool lone_escape = t->key_bytes == 1 && t->keys[0] == TERMINAL_ESCAPE;
	struct pollfd polled[1 + TERMINAL_WATCHED];
	struct timespec timeout;
	int ready;

	if (t->dead)
		return;
	if (lone_escape && ns > ESCAPE_NS)
		ns = ESCAPE_NS;
	timeout = (struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
	polled[0] = (struct pollfd){ .fd = t->key_bytes < sizeof(t->keys) ? t->in : -1, .events = POLLIN };
	memcpy(polled + 1, watched, count * sizeof(*watched));
	ready = ppoll(polled, 1 + count, &timeout, &old_mask);
	for (unsigned i = 0; i < count; i++)
		watched[i].revents = ready > 0 ? polled[1 + i].revents : 0;
	t->escape_over = lone_escape && !ready;
	if (ready > 0 && polled[0].revents & POLLIN)
		read_keys(t);
	else if (ready > 0 && polled[0].revents)
		t->dead = true;
	obey_signals(t);
}

static uint32_t take_bytes(struct terminal *t, unsigned bytes, uint32_t key)
{
	t->key_bytes -= bytes;
	memmove(t->keys, t->keys + bytes, t->key_bytes);
	return key;
}

/* What an escape sequence means that ends in this byte. number: the one before a `~`. */
static uint32_t key_of_sequence(char last, unsigned number)
{
	static const uint32_t numbered[] = { 0, TERMINAL_HOME, 0, 0, TERMINAL_END, TERMINAL_PAGE_UP, TERMINAL_PAGE_DOWN,
					     TERMINAL_HOME, TERMINAL_END };

	switch (last) {
	case 'A': return TERMINAL_UP;
	case 'B': return TERMINAL_DOWN;
	case 'C': return TERMINAL_RIGHT;
	case 'D': return TERMINAL_LEFT;
	case 'H': return TERMINAL_HOME;
	case 'F': return TERMINAL_END;
	case 'P': return '?';		/* F1 */
	case '~': return number == 11 ? '?' : number < 9 && numbered[number] ? numbered[number] : TERMINAL_OTHER;
	}
	return TERMINAL_OTHER;
}

/* A key that sends ESC [ ... or ESC O and a letter. Returns TERMINAL_NO_KEY until it is whole. */
static uint32_t take_sequence(struct terminal *t)
{
	unsigned at = 2, number = 0;

	if (t->key_bytes == 1)
		return t->escape_over ? take_bytes(t, 1, TERMINAL_ESCAPE) : TERMINAL_NO_KEY;
	if (t->keys[1] != '[' && t->keys[1] != 'O')
		return take_bytes(t, 1, TERMINAL_ESCAPE);
	while (at < t->key_bytes && t->keys[at] >= 0x20 && t->keys[at] < 0x40) {
		if (t->keys[at] >= '0' && t->keys[at] <= '9' && number < 1000)
			number = 10 * number + (unsigned)(t->keys[at] - '0');
		at++;
	}
	if (at == t->key_bytes)		/* with a full buffer it is none */
		return at == sizeof(t->keys) ? take_bytes(t, at, TERMINAL_OTHER) : TERMINAL_NO_KEY;
	return take_bytes(t, at + 1, key_of_sequence(t->keys[at], number));
}

uint32_t terminal_key(struct terminal *t)
{
	uint8_t first = (uint8_t)t->keys[0];
	unsigned bytes = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	wchar_t wide;
	mbstate_t state;
	size_t read;

	if (!t->key_bytes)
		return TERMINAL_NO_KEY;
	if (first == TERMINAL_ESCAPE)
		return take_sequence(t);
	if (first < 0x80)
		return take_bytes(t, 1, first == '\b' ? TERMINAL_BACKSPACE : first == '\n' ? TERMINAL_ENTER : first);
	if (bytes > t->key_bytes)
		return TERMINAL_NO_KEY;
	memset(&state, 0, sizeof(state));
	read = mbrtowc(&wide, t->keys, bytes, &state);
	if (read != bytes)
		return take_bytes(t, 1, TERMINAL_OTHER);
	return take_bytes(t, bytes, (uint32_t)wide);
}
