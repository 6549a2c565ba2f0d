/* SPDX-License-Identifier: GPL-2.0-only */
/* See trend.h. */
#include "trend.h"

#define END_MOMENTS	3u		/* the end of a process takes so many moments at most, with that of the report */
#define END_NS		20000000u	/* moments that are closer than that, */
#define END_PARTS	100u		/* or than this part of the whole time, are both at the end */
#define WARM_UP		(1.0 / 3)	/* of the time; leaks are sought behind it */
#define IDLE		0.001		/* of the mean rate of calls: a process with fewer does nothing */
#define RISING		0.6		/* Kendall's rank correlation with the time from which on figures rise: with 16
					 * figures in random order, 1 of 1,000 series has that */
#define FALLS_MOST	0.5		/* all falls of a leak, as a share of its rises */
#define JUMP_MOST	0.6		/* one rise of a leak, as a share of its growth */
#define RISES_LEAST	4u		/* a leak rises in each 4th interval at least, and three times */
#define SLOWER		0.67		/* the later half grows by so much of the earlier one, or less: it slows down */
#define CHANCE		2.0		/* standard deviations by which it has to be slower */
#define LEVEL		0.05		/* of the range: so near to the last figure a series has stopped growing */
#define STOPPED_LEAST	0.2		/* of the time, since when it has stopped */
#define AT_ONCE		0.1		/* of the time, in which what comes and goes reaches its level */
#define NEAR		0.9		/* of a level: it is reached */
#define JUMPS_PARTS	4u		/* so few jumps are steps: a 4th of the intervals */
#define JUMPS_SHARE	0.9		/* the part of all rises that steps make up */
#define STAYS		3u		/* moments that what comes and goes stays after a step */
#define STEPS_FALLS	0.25		/* all falls between steps, as a share of the rises */
#define NOISE_MOST	0.25		/* of the level: a cache's figures vary less */

/* A series, and what is computed from it. */
struct judged {
	const struct trend_series *s;
	unsigned count, warm;		/* moments, and the first one behind the warm-up */
	double begin, span;		/* the time */
	double least, most;		/* of all figures... */
	double warm_least, warm_most;	/* ...and of those behind the warm-up */
	double ups, downs, largest;	/* behind the warm-up: sums of rises and falls, and the largest rise */
	unsigned rises;
};

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static double smaller(double a, double b)
{
	return a < b ? a : b;
}

static double at(const struct judged *j, unsigned i)
{
	return (double)j->s->figures[i];
}

static double when(const struct judged *j, unsigned i)
{
	return (double)j->s->ns[i];
}

/* How many moments are left when those are cut off at the end in which the process did nothing, nor the figure changed. */
static unsigned without_idle(const struct trend_series *s)
{
	unsigned n = s->count;
	double calls = (double)(s->calls[n - 1] - s->calls[0]), span = (double)(s->ns[n - 1] - s->ns[0]);

	while (n > TREND_LEAST && s->figures[n - 1] == s->figures[n - 2] &&
	       (double)(s->calls[n - 1] - s->calls[n - 2]) * span <= IDLE * calls * (double)(s->ns[n - 1] - s->ns[n - 2]))
		n--;
	return n;
}

static void measure(struct judged *j)
{
	j->begin = when(j, 0);
	j->span = when(j, j->count - 1) - j->begin;
	j->least = j->most = at(j, 0);
	while (j->warm + 3 < j->count && when(j, j->warm) < j->begin + j->span * WARM_UP)
		j->warm++;
	j->warm_least = j->warm_most = at(j, j->warm);
	for (unsigned i = 1; i < j->count; i++) {
		double step = at(j, i) - at(j, i - 1);

		j->least = smaller(j->least, at(j, i));
		j->most = larger(j->most, at(j, i));
		if (i <= j->warm)
			continue;
		j->warm_least = smaller(j->warm_least, at(j, i));
		j->warm_most = larger(j->warm_most, at(j, i));
		j->ups += larger(step, 0);
		j->downs += larger(-step, 0);
		j->largest = larger(j->largest, step);
		j->rises += step > 0;
	}
}

/* Kendall's rank correlation of the figures behind the warm-up with the time: 1 where each is more than the one before,
 * -1 where each is less, about 0 where they follow no order. */
static double correlation(const struct judged *j)
{
	int sum = 0, pairs = 0;

	for (unsigned a = j->warm; a < j->count; a++) {
		for (unsigned b = a + 1; b < j->count; b++) {
			sum += (at(j, b) > at(j, a)) - (at(j, b) < at(j, a));
			pairs++;
		}
	}
	return pairs ? (double)sum / pairs : 0;
}

/* The value of a line through points, such as the calls at a time. */
static double between(const struct judged *j, const uint64_t *values, double ns)
{
	for (unsigned i = 1; i < j->count; i++) {
		double step = when(j, i) - when(j, i - 1);

		if (ns <= when(j, i) && step > 0)
			return (double)values[i - 1] + ((double)values[i] - (double)values[i - 1]) * (ns - when(j, i - 1)) / step;
	}
	return (double)values[j->count - 1];
}

/* Whether the later half of the time behind the warm-up has seen less growth than the earlier one: also for each call of
 * the process, which may only have had less to do, and not by chance alone, if single blocks come at random. */
static bool slows_down(const struct judged *j)
{
	double from = when(j, j->warm), to = when(j, j->count - 1), middle = (from + to) / 2;
	double early = between(j, j->s->figures, middle) - at(j, j->warm), late = at(j, j->count - 1) - at(j, j->warm) - early;
	double early_calls = between(j, j->s->calls, middle) - (double)j->s->calls[j->warm];
	double late_calls = (double)j->s->calls[j->count - 1] - (double)j->s->calls[j->warm] - early_calls;
	double unit = (double)j->s->unit;

	if (late >= SLOWER * early)
		return false;
	if (early_calls > 0 && late_calls > 0 && late / late_calls >= SLOWER * early / early_calls)
		return false;
	return (early - late) * (early - late) > CHANCE * CHANCE * (early + larger(late, 0)) * unit;
}

static bool is_leaking(const struct judged *j, double rank)
{
	unsigned intervals = j->count - 1 - j->warm, least = intervals / RISES_LEAST;
	double net = at(j, j->count - 1) - at(j, j->warm), last = j->begin + j->span * 7 / 9;

	return rank >= RISING && net > 0 && j->downs <= FALLS_MOST * j->ups && j->largest <= JUMP_MOST * net &&
	       j->rises >= (least > 3 ? least : 3) && at(j, j->count - 1) > between(j, j->s->figures, last) &&
	       !slows_down(j);
}

/* The first moment from which on the figure has stayed near to the last one. */
static unsigned settled_at(const struct judged *j)
{
	double last = at(j, j->count - 1), near = (j->most - j->least) * LEVEL;
	unsigned i = j->count - 1;

	while (i && at(j, i - 1) - last <= near && last - at(j, i - 1) <= near)
		i--;
	return i;
}

/* Whether few jumps make up most of the growth, and nothing else happened. One jump, or several with pauses between
 * them: several in successive intervals are one growth that took that long. */
static bool is_stepped(const struct judged *j)
{
	double rises[TREND_MOMENTS] = { 0 }, ups = 0, downs = 0, sum = 0, unit = (double)j->s->unit;
	bool single = true;		/* each jump is one block of the usual size: too little to tell a leak from steps */
	unsigned jumps = 0, first = j->count, last = 0, most = (j->count - 1) / JUMPS_PARTS;

	for (unsigned i = 1; i < j->count; i++) {
		rises[i] = larger(at(j, i) - at(j, i - 1), 0);
		ups += rises[i];
		downs += larger(at(j, i - 1) - at(j, i), 0);
	}
	if (ups <= 0 || downs > ups * STEPS_FALLS)
		return false;
	for (; sum < JUMPS_SHARE * ups; jumps++) {
		unsigned place = 1;

		for (unsigned i = 2; i < j->count; i++)
			place = rises[i] > rises[place] ? i : place;
		sum += rises[place];
		single &= rises[place] >= unit / 2 && rises[place] <= unit * 3 / 2;
		rises[place] = 0;
		first = place < first ? place : first;
		last = place > last ? place : last;
	}
	if (jumps > (most ? most : 1) || (single && jumps > 1))
		return false;
	/* What comes and goes is there at the last moment by chance. */
	if (j->s->churns && last + STAYS > j->count)
		return false;
	return jumps > 1 ? last - first >= jumps : when(j, last) > j->begin + j->span * WARM_UP;
}

/* The share of the time after which the series has first come near to the level that it has behind the warm-up. */
static double reached_at(const struct judged *j)
{
	unsigned i = 0;

	while (at(j, i) < NEAR * j->warm_least)
		i++;
	return (when(j, i) - j->begin) / j->span;
}

/* Whether the figures behind the warm-up are about the same. */
static bool is_level(const struct judged *j)
{
	return j->warm_most - j->warm_least <= NOISE_MOST * (j->warm_least + j->warm_most) / 2;
}

/* What goes up and down: a cache whose blocks are replaced if its level has been reached slowly. */
static enum trend_kind level_kind(const struct judged *j)
{
	return is_level(j) && at(j, 0) < j->warm_least / 2 && reached_at(j) > AT_ONCE ? TREND_FILLING : TREND_STEADY;
}

static enum trend_kind kind_of(const struct judged *j)
{
	double rank = correlation(j), net = at(j, j->count - 1) - at(j, 0);
	double stopped = when(j, j->count - 1) - when(j, settled_at(j));

	if (is_leaking(j, rank))
		return TREND_LEAKING;
	if (j->s->churns && is_level(j) && reached_at(j) <= AT_ONCE)
		return TREND_STEADY;
	if (is_stepped(j))
		return TREND_STEPPED;
	if (net > 0 && stopped >= STOPPED_LEAST * j->span)
		return TREND_FILLING;
	if (net > 0 && rank >= RISING)
		return j->downs <= FALLS_MOST * j->ups && slows_down(j) ? TREND_FILLING : TREND_GROWN;
	if (net < 0 && (rank <= -RISING) + (j->ups <= FALLS_MOST * j->downs) >= (j->s->churns ? 2 : 1))
		return TREND_SHRUNK;
	return j->downs > 0 || j->s->churns ? level_kind(j) : net > 0 ? TREND_GROWN : TREND_STEADY;
}

/* The slope of the line that fits the figures of the second half of the time best, per second. */
static double rate_of(const struct judged *j)
{
	double middle = j->begin + j->span / 2, x = 0, y = 0, xx = 0, xy = 0, n = 0;
	unsigned from = 0;

	while (from + 3 < j->count && when(j, from) < middle)
		from++;
	for (unsigned i = from; i < j->count; i++) {
		x += (when(j, i) - j->begin) / 1e9;
		y += at(j, i);
		n++;
	}
	for (unsigned i = from; i < j->count; i++) {
		double dx = (when(j, i) - j->begin) / 1e9 - x / n;

		xx += dx * dx;
		xy += dx * (at(j, i) - y / n);
	}
	return xx > 0 ? xy / xx : 0;
}

/* Whether the moment before the last one was at the end of the process, too: it had no time for more. */
static bool ends_twice(const struct trend_series *s)
{
	uint64_t between = s->ns[s->count - 1] - s->ns[s->count - 2], whole = s->ns[s->count - 1] - s->ns[0];

	return between < END_NS || between < whole / END_PARTS;
}

unsigned trend_before_end(const struct trend_series *s)
{
	unsigned least = s->count > END_MOMENTS + 2 ? s->count - END_MOMENTS : 2, n = s->count;

	if (n > 2 && s->figures[n - 1] == s->figures[n - 2] && s->figures[n - 2] < s->figures[n - 3] && ends_twice(s))
		n--;
	while (n > least && s->figures[n - 1] < s->figures[n - 2])
		n--;
	return n;
}

void trend_judge(const struct trend_series *s, struct trend *t)
{
	struct judged j = { .s = s, .count = s->count };
	struct judged busy = { .s = s, .count = without_idle(s) };

	measure(&j);
	*t = (struct trend){ .was = s->figures[0], .is = s->figures[j.count - 1], .rate = rate_of(&j) };
	if (j.least == j.most)
		t->kind = s->churns ? TREND_STEADY : TREND_UNCHANGED;
	else if (j.count < TREND_LEAST)
		t->kind = t->is > t->was ? TREND_GROWN : t->is < t->was ? TREND_SHRUNK : TREND_STEADY;
	else
		t->kind = kind_of(&j);
	if (t->kind == TREND_FILLING && busy.count < j.count) {
		measure(&busy);
		t->until_idle = is_leaking(&busy, correlation(&busy));
	}
}

const char *trend_name(enum trend_kind kind)
{
	static const char *const names[TREND_KINDS] = {
		"leaking", "stepped", "grown", "filling", "steady", "shrunk", "unchanged",
	};

	return names[kind];
}
