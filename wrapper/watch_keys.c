/* SPDX-License-Identifier: GPL-2.0-only */
/* See watch_keys.h. */
#include "watch_keys.h"

#include "base/utf8.h"
#include "watch_report.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* In which order s goes through the figures. */
static const uint8_t sorts[WATCH_SORTS] = {
	SORT_SIZE, SORT_COUNT, WATCH_BY_GROWTH, WATCH_BY_CALLS, SORT_PEAK_SIZE, SORT_PEAK_COUNT, SORT_HEAP_PEAK,
	SORT_TOTAL_SIZE, SORT_TOTAL_COUNT, SORT_TEMPORARY, SORT_AGE,
};

/* The list becomes another one, which is shown from its top. */
static void list_anew(struct watch_view *v)
{
	v->selected = v->first = 0;
	v->follows = false;
	v->changed = true;
}

/* ---- Prompts ---- */

static void ask(struct watch_view *v, enum watch_prompt prompt, const char *text)
{
	v->prompt = prompt;
	snprintf(v->input, sizeof(v->input), "%s", text);
}

static void answer(struct watch_view *v)
{
	enum watch_prompt asked = v->prompt;

	v->prompt = WATCH_NO_PROMPT;
	if (asked == WATCH_ASK_FILTER) {
		v->input[WATCH_FILTER_BYTES - 1] = '\0';
		watch_names_choose(&v->names, v->names.group, v->input);
		list_anew(v);
	} else if (v->input[0]) {
		watch_report_begin(v, v->input);
	}
}

/* Takes the last character away. */
static void erase(char *text)
{
	size_t len = strlen(text);

	if (len)
		text[utf8_cut(text, len - 1)] = '\0';
}

/* A key while something is typed. */
static void type(struct watch_view *v, uint32_t key)
{
	char bytes[MB_LEN_MAX + 1] = "";
	mbstate_t state;
	size_t n;

	switch (key) {
	case TERMINAL_ENTER:
		answer(v);
		return;
	case TERMINAL_ESCAPE:
		v->prompt = WATCH_NO_PROMPT;
		return;
	case TERMINAL_BACKSPACE:
		erase(v->input);
		return;
	case TERMINAL_CLEAR:
		v->input[0] = '\0';
		return;
	}
	if (key < 0x20 || key >= TERMINAL_UP)
		return;
	memset(&state, 0, sizeof(state));
	n = key < 0x80 ? 1 : wcrtomb(bytes, (wchar_t)key, &state);
	if (key < 0x80)
		bytes[0] = (char)key;
	if (n <= MB_LEN_MAX && strlen(v->input) + n < sizeof(v->input))
		strcat(v->input, bytes);
}

/* ---- Moving ---- */

/* A place so far away, within 0 to count - 1. */
static uint32_t moved(uint32_t at, int64_t by, uint32_t count)
{
	int64_t to = (int64_t)at + by;

	return to < 0 || !count ? 0 : to >= count ? count - 1 : (uint32_t)to;
}

/* How far a key moves. 0: it does not. */
static int64_t step_of(const struct watch_view *v, uint32_t key)
{
	unsigned page = v->page_lines > 1 ? v->page_lines - 1 : 1;

	switch (key) {
	case 'j':
	case TERMINAL_DOWN:	return 1;
	case 'k':
	case TERMINAL_UP:	return -1;
	case TERMINAL_PAGE_DOWN: return page;
	case TERMINAL_PAGE_UP:	return -(int64_t)page;
	case TERMINAL_HOME:	return INT32_MIN;
	case TERMINAL_END:	return INT32_MAX;
	}
	return 0;
}

/* Moves in the page that is shown. At the top of the list the cursor stays there, and follows no item. */
static void move(struct watch_view *v, int64_t step)
{
	unsigned last = v->stack_count > v->page_lines ? v->stack_count - v->page_lines : 0;

	if (v->page == WATCH_STACK) {
		v->stack_first = moved(v->stack_first, step, last + 1);
	} else if (v->page == WATCH_LIST) {
		v->selected = moved(v->selected, step, v->rates.sorted);
		v->follows = v->selected;
		if (v->selected < v->rates.sorted)
			v->selected_id = watch_rates_id(&v->rates, &v->names, v->selected);
		v->changed = v->selected + TERMINAL_LINES_MAX > v->rates.sorted && v->rates.sorted < v->rates.count;
	}
}

/* ---- Choosing ---- */

static void resort(struct watch_view *v, unsigned sort)
{
	v->rates.sort = sort;
	list_anew(v);
	snprintf(v->message, sizeof(v->message), "sorted by %s", watch_sort_name(sort));
}

static void next_sort(struct watch_view *v, unsigned by)
{
	unsigned at = 0;

	while (sorts[at] != v->rates.sort)
		at++;
	resort(v, sorts[(at + by) % WATCH_SORTS]);
}

static void next_group(struct watch_view *v, unsigned by)
{
	unsigned group = v->names.group - GROUP_BACKTRACE, count = GROUPS - GROUP_BACKTRACE;

	watch_names_choose(&v->names, (enum group_by)(GROUP_BACKTRACE + (group + by) % count), v->names.filter);
	list_anew(v);
	snprintf(v->message, sizeof(v->message), "by %s", options_group_names[v->names.group]);
}

static void mark(struct watch_view *v)
{
	if (!watch_rates_mark(&v->rates)) {
		snprintf(v->message, sizeof(v->message), "there is no memory for a baseline");
		return;
	}
	resort(v, WATCH_BY_GROWTH);
	snprintf(v->message, sizeof(v->message), "baseline marked: changes count from here on (b: mark again, B: drop)");
}

static void drop_mark(struct watch_view *v)
{
	if (!v->rates.sums_baseline.ns)
		return;
	watch_rates_drop(&v->rates);
	v->changed = true;
	snprintf(v->message, sizeof(v->message), "baseline dropped: changes are those of a second again");
}

static void open_stack(struct watch_view *v)
{
	if (v->selected >= v->rates.sorted)
		return;
	v->stack_row = watch_rates_item(&v->rates, &v->source.record.table, &v->names, v->selected).row;
	v->stack_first = 0;
	v->page = WATCH_STACK;
}

/* Keys that mean the same in the list and in a stack. False: the key is another one. */
static bool press_common(struct watch_view *v, struct terminal *t, uint32_t key)
{
	switch (key) {
	case 'q':
		v->quits = true;
		return true;
	case 'p':
	case ' ':
		v->paused = !v->paused;
		v->looks_now = true;
		return true;
	case 'b':
		mark(v);
		return true;
	case 'B':
		drop_mark(v);
		return true;
	case 't':
		v->recent = !v->recent;
		return true;
	case 'w':
		ask(v, WATCH_ASK_FILE, v->options->outfile ? v->options->outfile : "");
		return true;
	case 'r':
		v->looks_now = true;
		return true;
	case '?':
	case 'h':
		v->page = WATCH_HELP;
		return true;
	case TERMINAL_REDRAW:
		terminal_forget(t);
		return true;
	}
	return false;
}

void watch_keys_press(struct watch_view *v, struct terminal *t, uint32_t key)
{
	v->message[0] = '\0';
	v->message_end_ns = 0;
	v->names.due_ns = 0;
	if (v->prompt != WATCH_NO_PROMPT) {
		type(v, key);
		return;
	}
	if (v->page == WATCH_HELP) {
		v->page = WATCH_LIST;
		v->quits = key == 'q';
		return;
	}
	if (step_of(v, key)) {
		move(v, step_of(v, key));
		return;
	}
	if (press_common(v, t, key))
		return;
	if (v->page == WATCH_STACK) {
		if (key == TERMINAL_ENTER || key == TERMINAL_ESCAPE || key == TERMINAL_BACKSPACE || key == TERMINAL_LEFT)
			v->page = WATCH_LIST;
		return;
	}
	switch (key) {
	case 's': next_sort(v, 1); break;
	case 'S': next_sort(v, WATCH_SORTS - 1); break;
	case 'g': next_group(v, 1); break;
	case 'G': next_group(v, GROUPS - GROUP_BACKTRACE - 1); break;
	case '/': ask(v, WATCH_ASK_FILTER, v->names.filter); break;
	case TERMINAL_ENTER:
	case TERMINAL_RIGHT: open_stack(v); break;
	}
}
