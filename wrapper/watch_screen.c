/* SPDX-License-Identifier: GPL-2.0-only */
/* See watch_screen.h. */
#include "watch_screen.h"

#include "base/utf8.h"
#include "table/row.h"
#include "watch_table.h"

#include <string.h>

#define LINE_BYTES	((size_t)4 * TERMINAL_COLUMNS_MAX + 512)
#define HEAD_LINES	3u	/* above the graph */
#define SORTED_LEAST	1000u	/* so many items are sorted, so that the cursor can move without delay */
#define MESSAGE_NS	UINT64_C(5000000000)
#define GRAPH_LINES	5u	/* at most */
#define GRAPH_LABELS	37u	/* columns of what stands before and behind the graph */

static char line_text[LINE_BYTES];

static struct out begin_line(void)
{
	return out_memory(line_text, sizeof(line_text));
}

static void put_line(struct terminal *t, unsigned line, enum terminal_style style)
{
	terminal_line(t, line, style, line_text);
}

/* ---- The head ---- */

static void write_runtime(uint64_t seconds, struct out *out)
{
	if (seconds < 60)
		out_count(out, seconds, " sec", " secs");
	else
		out_time(out, seconds * 1000000000);
}

static void write_state(const struct watch_view *v, bool in_short, struct out *out)
{
	watch_view_write_recording(v, in_short, out);
	if (watch_source_ended(&v->source)) {
		out_text(out, watch_source_is_past(&v->source) ? "as packed" : "ended");
	} else if (v->paused) {
		out_text(out, "PAUSED");
	} else {
		out_text(out, "every ");
		out_u64(out, v->options->interval_ms % 1000 ? v->options->interval_ms : v->options->interval_ms / 1000);
		out_text(out, v->options->interval_ms % 1000 ? " ms" : " s");
	}
}

static void draw_title(const struct watch_view *v, struct terminal *t)
{
	char text[64];
	struct out out = begin_line(), state = out_memory(text, sizeof(text));
	size_t have;

	out_text(&out, "heaptrace  ");
	watch_view_write_process(v, &out);
	out_text(&out, "  ");
	write_runtime(watch_view_runtime(v) / 1000000000, &out);
	have = out_length(&out);		/* in bytes: a name with others than ASCII is followed by a smaller gap */
	write_state(v, false, &state);
	if (have + out_length(&state) + 2 > t->columns) {	/* its end, which says whether the view is paused, is to be seen */
		state = out_memory(text, sizeof(text));
		write_state(v, true, &state);
	}
	if (have + out_length(&state) + 2 < t->columns)
		out_repeat(&out, ' ', t->columns - have - out_length(&state));
	else
		out_text(&out, "  ");
	out_text(&out, text);
	put_line(t, 0, TERMINAL_BOLD);
}

/* Writes a change with its unit of time, or nothing where there is none. */
static void write_change(const struct watch_view *v, int64_t change, bool is_size, struct out *out)
{
	change = watch_table_rate(v, change);
	if (!change)
		return;
	out_text(out, "  ");
	watch_table_write_change(change, is_size, 0, out);
	out_text(out, v->rates.sums_baseline.ns ? "" : "/s");
}

static void draw_sums(const struct watch_view *v, struct terminal *t)
{
	const struct watch_sums *now = &v->rates.sums, *earlier = watch_rates_earlier(&v->rates);
	const struct model_process *p = &v->source.process;
	struct out out = begin_line();
	int64_t calls;

	out.estimates = watch_view_is_estimated(v);
	out_text(&out, "live  ");
	out_size(&out, now->size);
	write_change(v, (int64_t)(now->size - earlier->size), true, &out);
	out_text(&out, "   in ");
	out_mark(&out);
	out_count(&out, now->count, " block", " blocks");
	write_change(v, (int64_t)(now->count - earlier->count), false, &out);
	out_text(&out, "   peak ");
	out_size(&out, watch_view_peak(v));
	put_line(t, 1, TERMINAL_PLAIN);

	out = begin_line();
	out.estimates = watch_view_is_estimated(v);
	out_text(&out, "calls ");
	out_figure(&out, now->calls);
	calls = watch_table_rate(v, (int64_t)(now->calls - earlier->calls));
	out_text(&out, "  ");
	out_mark(&out);
	out_text(&out, v->rates.sums_baseline.ns ? "+" : "");
	out_u64(&out, calls > 0 ? (uint64_t)calls : 0);
	out_text(&out, v->rates.sums_baseline.ns ? "" : "/s");
	out_text(&out, "   temporary ");
	out_share(&out, now->temporary, now->calls);
	out.estimates = false;		/* what the kernel says is not */
	if (p->rss) {
		out_text(&out, "   RSS ");
		out_size(&out, p->rss);
	}
	if (p->peak_rss) {
		out_text(&out, "   peak RSS ");
		out_size(&out, p->peak_rss);
	}
	put_line(t, 2, TERMINAL_PLAIN);
}

/* How many lines the graph takes. */
static unsigned graph_lines(const struct terminal *t)
{
	return t->lines < 12 ? 0 : t->lines < 30 ? 1 : t->lines < 44 ? 3 : GRAPH_LINES;
}

static void draw_graph(const struct watch_view *v, struct terminal *t, unsigned lines)
{
	static char texts[GRAPH_LINES][TERMINAL_LINE_BYTES];
	char *text[GRAPH_LINES], label[80];
	struct out says = out_memory(label, sizeof(label));
	unsigned columns = t->columns > 60 ? t->columns - GRAPH_LABELS : t->columns > 20 ? t->columns - 6 : 10;
	uint64_t most;

	for (unsigned i = 0; i < lines; i++)
		text[i] = texts[i];
	watch_graph_draw(&v->graph, v->recent, columns, lines, t->utf8, text, &most);
	says.estimates = watch_view_is_estimated(v);
	out_text(&says, v->recent ? "  last minutes, max " : "  whole run, max ");
	out_size(&says, most);
	for (unsigned i = 0; i < lines; i++) {
		struct out out = begin_line();

		out_text(&out, i ? "      " : "heap  ");
		out_text(&out, texts[i]);
		out_text(&out, i ? "" : label);
		put_line(t, HEAD_LINES + i, TERMINAL_PLAIN);
	}
}

/* ---- The last line ---- */

/* The end of what has been typed, as much of it as there is room for. */
static const char *input_end(const struct watch_view *v, unsigned columns)
{
	char fits[TERMINAL_LINE_BYTES];
	const char *text = v->input;

	while (*text && terminal_fit(fits, text, TERMINAL_COLUMNS_MAX, true) > columns)
		text = utf8_next(text);
	return text;
}

static void draw_last(struct watch_view *v, struct terminal *t)
{
	struct out out = begin_line();
	unsigned used;

	if (v->message[0] && !v->message_end_ns)
		v->message_end_ns = now_precise_ns() + MESSAGE_NS;
	else if (v->message[0] && now_precise_ns() > v->message_end_ns)
		v->message[0] = '\0';
	if (v->prompt != WATCH_NO_PROMPT) {
		out_text(&out, v->prompt == WATCH_ASK_FILTER ? "filter: " : "report to (.html .svg .txt .json .pb ...): ");
		used = (unsigned)out_length(&out) + 1;		/* with the cursor behind it */
		out_name(&out, input_end(v, t->columns > used ? t->columns - used : 1));
	} else if (v->message[0]) {
		out_name(&out, v->message);
	} else if (v->page == WATCH_LIST) {
		out_text(&out, "s sort  g group  / filter  Enter stack  p pause  b mark  w write  ? help  q quit");
	} else {
		out_text(&out, v->page == WATCH_STACK ? "Enter, Esc: back to the list   arrows, j, k: move   w write   q quit" :
			 "q quit  any other key: back to the list");
	}
	put_line(t, t->lines - 1, v->message[0] && v->prompt == WATCH_NO_PROMPT ? TERMINAL_BOLD : TERMINAL_PLAIN);
}

void watch_screen_say(struct terminal *t, const char *text)
{
	terminal_line(t, t->lines - 1, TERMINAL_BOLD, text);
	terminal_show(t, t->lines, 0);
}

/* ---- The list ---- */

static void make_list(struct watch_view *v)
{
	uint32_t wanted = v->first + 2 * TERMINAL_LINES_MAX;

	if (wanted < v->selected + TERMINAL_LINES_MAX)
		wanted = v->selected + TERMINAL_LINES_MAX;
	v->changed = false;
	watch_rates_list(&v->rates, &v->source.record.table, &v->names, wanted > SORTED_LEAST ? wanted : SORTED_LEAST);
	for (uint32_t i = 0; i < v->rates.sorted && v->follows; i++) {
		if (watch_rates_id(&v->rates, &v->names, i) == v->selected_id) {
			v->selected = i;
			break;
		}
	}
}

/* Keeps the cursor within the list, and on the screen. */
static void place_cursor(struct watch_view *v, unsigned lines)
{
	if (v->selected >= v->rates.sorted)
		v->selected = v->rates.sorted ? v->rates.sorted - 1 : 0;
	if (v->first > v->selected)
		v->first = v->selected;
	if (lines && v->selected >= v->first + lines)
		v->first = v->selected - lines + 1;
	if (v->rates.sorted)
		v->selected_id = watch_rates_id(&v->rates, &v->names, v->selected);
}

/* Looks up the names of the backtraces on the screen. */
static void name_shown(struct watch_view *v, unsigned lines)
{
	uint32_t rows[TERMINAL_LINES_MAX], count = 0;

	for (uint32_t i = v->first; i < v->rates.sorted && count < lines && count < TERMINAL_LINES_MAX; i++)
		rows[count++] = watch_rates_item(&v->rates, &v->source.record.table, &v->names, i).row;
	watch_names_of(&v->names, rows, count);
}

static void write_rest(const struct watch_view *v, uint32_t shown, struct out *out)
{
	uint32_t rest = v->rates.count - shown;

	out_text(out, "  ... ");
	out_count(out, rest, " more", " more");
}

static void draw_list(struct watch_view *v, struct terminal *t, unsigned top)
{
	struct watch_table table = watch_table_choose(v, t->columns, true);
	unsigned lines = t->lines > top + 2 ? t->lines - top - 2 : 0;
	struct out out = begin_line();

	v->page_lines = lines;
	if (v->changed)
		make_list(v);
	place_cursor(v, lines);
	name_shown(v, lines);
	watch_table_write_head(&table, v, &out);
	if (v->rates.count > v->first + lines)
		write_rest(v, v->first + lines, &out);
	put_line(t, top, TERMINAL_REVERSE);
	for (unsigned i = 0; i < lines; i++) {
		uint32_t n = v->first + i;

		out = begin_line();
		if (n < v->rates.sorted) {
			struct watch_item item = watch_rates_item(&v->rates, &v->source.record.table, &v->names, n);

			watch_table_write_item(&table, v, &item, &out);
		} else if (!i) {
			out_text(&out, v->names.filter[0] ? "  nothing matches" : "  nothing is live");
		}
		put_line(t, top + 1 + i, n == v->selected && v->rates.sorted ? TERMINAL_REVERSE : TERMINAL_PLAIN);
	}
}

/* ---- A stack ---- */

struct stack_lines {
	struct watch_view *view;
	struct terminal *terminal;
	unsigned top, lines, count;
};

static void draw_frame(void *context, const char *text)
{
	struct stack_lines *s = context;
	unsigned at = s->count++;

	if (at >= s->view->stack_first && at < s->view->stack_first + s->lines)
		terminal_line(s->terminal, s->top + at - s->view->stack_first, TERMINAL_PLAIN, text);
}

static void draw_stack(struct watch_view *v, struct terminal *t, unsigned top)
{
	struct stack_lines s = { v, t, top + 3, t->lines > top + 4 ? t->lines - top - 4 : 0, 0 };
	struct watch_item item = watch_rates_row(&v->rates, &v->source.record.table, v->stack_row);
	enum group_by group = v->names.group;
	struct watch_table table;
	struct out out = begin_line();

	v->page_lines = s.lines;
	v->names.group = GROUP_BACKTRACE;	/* the table shows the backtrace alone */
	table = watch_table_choose(v, t->columns, true);
	watch_names_of(&v->names, &v->stack_row, 1);
	watch_table_write_head(&table, v, &out);
	put_line(t, top, TERMINAL_REVERSE);
	out = begin_line();
	watch_table_write_item(&table, v, &item, &out);
	put_line(t, top + 1, TERMINAL_PLAIN);
	v->names.group = group;
	terminal_line(t, top + 2, TERMINAL_PLAIN, "");
	watch_names_stack(&v->names, v->stack_row, t->columns, draw_frame, &s);
	v->stack_count = s.count;
	for (unsigned i = s.count > v->stack_first ? s.count - v->stack_first : 0; i < s.lines; i++)
		terminal_line(t, s.top + i, TERMINAL_PLAIN, "");
}

/* ---- Help ---- */

static const char *const help[] = {
	"  s S         sort by the next, the previous figure: size, count, growth ...",
	"  g G         add up by backtrace, function, file, module or thread",
	"  /           only what has a text in a function, file or module; empty: all",
	"  j k arrows  move, also Page Up and Down, Home, End. The cursor keeps its row",
	"  Enter       the whole stack of a row (of a group: of its largest backtrace)",
	"  p, space    pause, and go on; nothing is looked at meanwhile",
	"  b B         mark a baseline: changes count from there; B drops it",
	"  t           the graph: of the whole run, or of the last minutes",
	"  w           write a report; the ending of the file chooses the format",
	"  r ^L        look now; draw everything anew",
	"  q ^C        quit. The program goes on, and does not notice",
	"",
	"  size, count: live bytes and blocks. growth/s, more/s, calls/s: what has",
	"  changed in a second, since the look before. With a baseline: since it.",
};

static void draw_help(struct watch_view *v, struct terminal *t, unsigned top)
{
	unsigned lines = sizeof(help) / sizeof(help[0]);

	terminal_line(t, top, TERMINAL_REVERSE, "  Keys");
	for (unsigned i = 0; top + 1 + i + 1 < t->lines; i++)
		terminal_line(t, top + 1 + i, TERMINAL_PLAIN, i < lines ? help[i] : "");
	v->page_lines = 0;
}

/* ---- All ---- */

void watch_screen_draw(struct watch_view *v, struct terminal *t)
{
	unsigned graph = graph_lines(t), top = HEAD_LINES + graph, cursor = t->lines;
	char fits[TERMINAL_LINE_BYTES];

	draw_title(v, t);
	draw_sums(v, t);
	draw_graph(v, t, graph);
	if (v->page == WATCH_STACK)
		draw_stack(v, t, top);
	else if (v->page == WATCH_HELP)
		draw_help(v, t, top);
	else
		draw_list(v, t, top);
	draw_last(v, t);
	if (v->prompt != WATCH_NO_PROMPT)
		cursor = t->lines - 1;
	terminal_show(t, cursor, cursor < t->lines ? terminal_fit(fits, line_text, TERMINAL_COLUMNS_MAX, t->utf8) : 0);
}
