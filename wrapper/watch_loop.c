/* SPDX-License-Identifier: GPL-2.0-only */
/* See watch_loop.h. */
#include "watch_loop.h"

#include "table/row.h"
#include "watch_keys.h"
#include "watch_lines.h"
#include "watch_report.h"
#include "watch_screen.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#define COST_PARTS	20u			/* looks take at most such a part of the time */
#define NAMES_NS	UINT64_C(100000000)	/* names are worked on for so long, until keys are looked at again */
#define SLOW_NS		UINT64_C(100000000)	/* what takes longer is announced */
#define FOLLOW_TRIES	20u			/* a program that was just started needs a moment until its table is there */
#define FOLLOW_NS	UINT64_C(50000000)

static struct watch_view view;

/* ---- Looking ---- */

/* Prepares what depends on the table. False: there is no memory. */
static bool begin(struct watch_view *v, enum group_by group)
{
	if (!watch_names_open(&v->names, &v->source, v->options))
		return false;
	watch_names_choose(&v->names, group, "");
	watch_graph_begin(&v->graph, &v->source.record.history);
	v->page = WATCH_LIST;
	return true;
}

/* The process has become another program. Takes that one's table, if it is there already. */
static void follow(struct watch_view *v)
{
	static struct watch_source next;
	enum group_by group = v->names.group;
	unsigned sort = v->rates.sort;

	if (watch_source_open(&next, v->options->watch)) {
		v->follow_tries++;
		return;
	}
	watch_names_close(&v->names);
	watch_rates_close(&v->rates);
	watch_source_close(&v->source);
	v->source = next;
	v->rates.sort = sort;
	v->follow_tries = begin(v, group) ? 0 : FOLLOW_TRIES;
}

/* Whether the process has become a program of which there may be a table soon. */
static bool awaits_table(const struct watch_view *v)
{
	return v->source.replaced && watch_source_pid(v->options->watch) && v->follow_tries < FOLLOW_TRIES;
}

static bool goes_on(const struct watch_view *v)
{
	return !watch_source_ended(&v->source) || awaits_table(v);
}

/* The processor's time that this process has taken, in nanoseconds. */
static uint64_t used_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Looks at the process. Returns how much of the processor's time that took. */
static uint64_t look(struct watch_view *v)
{
	const struct table *t = &v->source.record.table;
	uint64_t begun = used_ns();

	if (v->source.replaced)
		follow(v);
	else
		watch_source_read(&v->source, v->names.group == GROUP_THREAD);
	watch_rates_take(&v->rates, t, v->source.record.moment_ns);
	watch_graph_add(&v->graph, watch_view_runtime(v), v->rates.sums.size);
	v->changed = v->names.stale = true;
	v->looks_now = false;
	return used_ns() - begun;
}

/* The moment of the look after this one. cost_ns: how long the last one took. */
static uint64_t next_look(const struct watch_view *v, uint64_t due_ns, uint64_t cost_ns)
{
	uint64_t now = now_precise_ns(), step = v->options->interval_ms * UINT64_C(1000000);

	if (awaits_table(v))
		return now + FOLLOW_NS;
	if (step < cost_ns * COST_PARTS)
		step = cost_ns * COST_PARTS;
	return due_ns + step > now ? due_ns + step : now + step;
}

/* ---- On a screen ---- */

/* Looks names up, as far as all rows need them. */
static void work_on_names(struct watch_view *v, struct terminal *t)
{
	uint64_t now = now_precise_ns();

	if (watch_names_needs_all(&v->names) && now >= v->names.due_ns && (!v->names.cost_ns || v->names.cost_ns > SLOW_NS))
		watch_screen_say(t, "reading symbols ...");
	watch_names_work(&v->names, now + NAMES_NS);
	v->changed = true;
}

static void wait_for(struct watch_view *v, struct terminal *t, uint64_t ns)
{
	struct pollfd watched[] = {
		{ .fd = watch_source_ended(&v->source) ? -1 : v->source.pidfd, .events = POLLIN },
		{ .fd = v->writer ? v->writer_fd : -1, .events = POLLIN },
	};
	uint32_t key;

	key = terminal_key(t);
	if (!key) {
		terminal_wait(t, watched, 2, ns);
		key = terminal_key(t);
	}
	/* Where a key has changed the list, that is made anew before the next key chooses from it. */
	for (; key; key = v->changed ? TERMINAL_NO_KEY : terminal_key(t))
		watch_keys_press(v, t, key);
	if (watched[1].revents)
		watch_report_work(v);
	v->looks_now |= watched[0].revents != 0;
}

/* How long to wait at most. look_ns: when the next look is due. */
static uint64_t time_left(const struct watch_view *v, uint64_t look_ns)
{
	uint64_t now = now_precise_ns(), then = now + UINT64_C(3600000000000);

	if (look_ns < then)
		then = look_ns;
	if (v->names.waits && v->names.due_ns < then)
		then = v->names.due_ns;
	if (v->message[0] && v->message_end_ns && v->message_end_ns < then)
		then = v->message_end_ns;
	return then > now ? then - now : 0;
}

static void run_screen(struct watch_view *v, struct terminal *t)
{
	bool lives = goes_on(v);
	uint64_t due_ns = now_precise_ns(), cost_ns;

	terminal_enter(t);
	cost_ns = look(v);
	while (!t->dead && !v->quits) {
		uint64_t now = now_precise_ns();

		if (lives && (v->looks_now || (!v->paused && now >= due_ns))) {
			cost_ns = look(v);
			due_ns = next_look(v, v->looks_now ? now : due_ns, cost_ns);
		}
		if (lives && !goes_on(v))
			break;
		if (v->names.stale)
			work_on_names(v, t);
		watch_screen_draw(v, t);
		wait_for(v, t, v->names.stale ? 0 : time_left(v, lives && !v->paused ? due_ns : UINT64_MAX));
	}
	terminal_leave(t);
	if (lives && !goes_on(v) && !t->dead)
		watch_lines_summary(v);
	terminal_close(t);
}

/* ---- As lines ---- */

static void run_lines(struct watch_view *v)
{
	uint64_t due_ns = now_precise_ns(), cost_ns = look(v);
	bool good;

	watch_names_work(&v->names, UINT64_MAX);
	good = !goes_on(v) || (watch_lines_head(v) && watch_lines_look(v));
	while (good && goes_on(v)) {
		struct pollfd end = { .fd = watch_source_ended(&v->source) ? -1 : v->source.pidfd, .events = POLLIN };
		uint64_t now = now_precise_ns();

		due_ns = next_look(v, due_ns, cost_ns);
		if (poll(&end, 1, due_ns > now ? (int)((due_ns - now) / 1000000) + 1 : 0) < 0 && errno != EINTR)
			return;
		cost_ns = look(v);
		if (!goes_on(v))
			break;
		watch_names_work(&v->names, UINT64_MAX);
		good = watch_lines_look(v);
	}
	if (good)
		watch_lines_summary(v);
}

const char *watch_loop(const struct options *o)
{
	static struct terminal terminal;
	struct watch_view *v = &view;
	const char *why = watch_source_open(&v->source, o->watch);

	if (why)
		return why;
	v->options = o;
	v->writer_fd = -1;
	v->rates.sort = o->sort[0];
	if (!begin(v, o->group ? (enum group_by)o->group : GROUP_BACKTRACE))
		return "there is no memory";
	if (terminal_open(&terminal)) {
		run_screen(v, &terminal);
	} else {
		terminal_set_locale();
		run_lines(v);
	}
	watch_names_close(&v->names);
	watch_rates_close(&v->rates);
	watch_source_close(&v->source);
	return NULL;
}
