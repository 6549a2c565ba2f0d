/* SPDX-License-Identifier: GPL-2.0-only */
/* The kinds of growth (analysis/trend.h) of series that are made up: each many times, with other random numbers. */
#include "analysis/trend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS	400
#define S	UINT64_C(1000000000)

static unsigned tests;
static uint32_t seed;

/* A number from 0 to 1. */
static double chance(void)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) / 16777216.0;
}

/* The figure at a part of the time, from 0 to 1. */
typedef double shape(double t);

static double base;	/* chosen for each series */

static double linear(double t) { return 1000 + 100000 * t; }
static double linear_noise(double t) { return 100000 + 100000 * t + 12000 * (chance() - 0.5); }
static double small_leak(double t) { return 10000000 + 10000 * t; }
static double root(double t) { return 100000 * sqrt(t); }
static double late_leak(double t) { return t < 0.3 ? 0 : 100000 * (t - 0.3); }
static double logarithm(double t) { return 100000 * log(1 + 60 * t); }
static double saturates(double t) { return 100000 * (1 - exp(-6 * t)); }
static double third(double t) { return 300000 * (t < 1 / 3.0 ? t : 1 / 3.0); }
static double three_quarters(double t) { return 300000 * (t < 0.75 ? t : 0.75); }
static double evicts(double t) { return third(t) * (1 - 0.04 * chance()); }
static double noise(double t) { (void)t; return 50000 + 30000 * chance(); }
static double requests(double t) { (void)t; return floor(8 * chance()) * 1000; }
static double sawtooth(double t) { return 20000 + 80000 * fmod(5 * t + base, 1); }
static double one_step(double t) { return t < 0.6 ? 1000 : 100000; }
static double steps(double t) { return t < 0.3 ? 1000 : t < 0.75 ? 100000 : 200000; }
static double doubles(double t) { return 1000 * exp2(floor(log2(1 + 60 * t))); }
static double shrinks(double t) { return 100000 - 80000 * t; }
static double constant(double t) { (void)t; return 4000; }
static double starts(double t) { return t < 0.01 ? 0 : 50000 + 3000 * chance(); }

/* Makes a series of `count` moments in a minute, more or less apart, and judges it. */
static struct trend judge(shape *f, unsigned count, bool churns, bool idle_end)
{
	uint64_t ns[TREND_MOMENTS], calls[TREND_MOMENTS], figures[TREND_MOMENTS];
	struct trend_series s = { count, ns, calls, figures, 1000, churns };
	unsigned moments = idle_end ? count - 4 : count;
	struct trend t;

	base = chance();
	for (unsigned i = 0; i < count; i++) {
		double at = i ? (i - 0.2 * chance()) / (moments - 1) : 0.002;

		if (i >= moments) {	/* nothing happens */
			ns[i] = ns[i - 1] + 6 * S;
			calls[i] = calls[i - 1];
			figures[i] = figures[i - 1];
			continue;
		}
		at = at > 1 ? 1 : at;
		ns[i] = (uint64_t)(60 * S * at);
		calls[i] = (uint64_t)(100000 * at);
		figures[i] = (uint64_t)f(at);
	}
	trend_judge(&s, &t);
	return t;
}

/* The kind is right in all runs but those that may be wrong. */
static void is_kind(const char *name, shape *f, bool churns, enum trend_kind kind, unsigned wrong_most)
{
	static const unsigned counts[] = { 25, 14, 19 };
	unsigned others[TREND_KINDS] = { 0 }, wrong = 0;

	seed = 1;
	for (unsigned i = 0; i < RUNS; i++) {
		enum trend_kind got = judge(f, counts[i % 3], churns, false).kind;

		wrong += got != kind;
		others[got]++;
	}
	printf("%sok %u - %s: %s\n", wrong > wrong_most ? "not " : "", ++tests, name, trend_name(kind));
	for (unsigned i = 0; i < TREND_KINDS && wrong > wrong_most; i++) {
		if (others[i])
			printf("# %s: %u\n", trend_name(i), others[i]);
	}
}

static void ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++tests, name);
}

/* How many of these moments, a second apart but for the last one, are before the end. */
static unsigned before_end(uint64_t last_ns, unsigned count, const uint64_t *figures)
{
	uint64_t ns[8];

	for (unsigned i = 0; i < count; i++)
		ns[i] = i + 1 < count ? i * 1000000000ull : ns[i - 1] + last_ns;
	return trend_before_end(&(struct trend_series){ .count = count, .ns = ns, .figures = figures });
}

static void ends(void)
{
	const uint64_t second = 1000000000;

	ok(before_end(second, 6, (uint64_t[]){ 1, 2, 3, 3, 3, 3 }) == 6, "a process that frees nothing at its end");
	ok(before_end(second, 6, (uint64_t[]){ 1, 2, 3, 3, 3, 0 }) == 5, "one that does");
	ok(before_end(second, 6, (uint64_t[]){ 1, 2, 3, 3, 2, 0 }) == 4, "it takes two moments");
	ok(before_end(second, 8, (uint64_t[]){ 9, 8, 7, 6, 5, 4, 3, 2 }) == 5, "of one that shrinks all the time three are left out");
	ok(before_end(second / 1000, 6, (uint64_t[]){ 1, 2, 3, 3, 0, 0 }) == 4, "the moment before the last one is at the end, too");
	ok(before_end(second, 6, (uint64_t[]){ 1, 2, 3, 3, 0, 0 }) == 6, "or a second before: it has shrunk");
	ok(before_end(second / 1000, 6, (uint64_t[]){ 1, 2, 3, 3, 3, 3 }) == 6, "nothing was freed between two moments");
	ok(before_end(second, 2, (uint64_t[]){ 2, 0 }) == 2, "two moments are too few");
}

int main(void)
{
	ends();
	is_kind("linear", linear, false, TREND_LEAKING, 0);
	is_kind("linear with noise", linear_noise, true, TREND_LEAKING, RUNS / 10);
	is_kind("linear, on top of much else", small_leak, true, TREND_LEAKING, 0);
	is_kind("with the root of the time", root, false, TREND_LEAKING, RUNS / 50);
	is_kind("from the end of the warm-up on", late_leak, false, TREND_LEAKING, 0);
	is_kind("logarithmic", logarithm, false, TREND_FILLING, RUNS / 50);
	is_kind("saturating", saturates, false, TREND_FILLING, 0);
	is_kind("a third of the time", third, false, TREND_FILLING, 0);
	is_kind("three quarters of the time", three_quarters, false, TREND_FILLING, RUNS / 10);
	is_kind("a cache that evicts", evicts, true, TREND_FILLING, RUNS / 50);
	is_kind("noise", noise, true, TREND_STEADY, RUNS / 50);
	is_kind("few blocks of requests", requests, true, TREND_STEADY, RUNS / 50);
	is_kind("a sawtooth of a garbage collector", sawtooth, true, TREND_STEADY, RUNS / 20);
	is_kind("a level that is there at once", starts, true, TREND_STEADY, RUNS / 100);
	is_kind("nothing at any moment, but calls", constant, true, TREND_STEADY, 0);
	is_kind("one step", one_step, false, TREND_STEPPED, 0);
	is_kind("two steps", steps, false, TREND_STEPPED, 0);
	is_kind("doubling", doubles, false, TREND_STEPPED, RUNS / 10);
	is_kind("linear to less", shrinks, false, TREND_SHRUNK, 0);
	is_kind("constant", constant, false, TREND_UNCHANGED, 0);
	ok(judge(linear, 20, false, true).kind == TREND_FILLING, "a leak in a process that then does nothing");
	ok(judge(linear, 20, false, true).until_idle, "and that is said");
	ok(!judge(third, 20, false, true).until_idle, "a cache that has stopped before that");
	ok(judge(linear, TREND_LEAST - 1, false, false).kind == TREND_GROWN, "too few moments");
	ok(judge(linear, 1, false, false).kind == TREND_UNCHANGED, "one moment");
	printf("1..%u\n", tests);
	return 0;
}
