/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * demangle()'s limits, for tests/demangle.t: names on standard input (the golden list); TAP
 * lines without numbers on standard output, `ok ...` or `not ok ...`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "demangle/demangle.h"

#define PAGE	4096

static _Alignas(16) char work[DEMANGLE_WORK_BYTES];
static char *edge;		/* the first byte that must not be touched */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void result(int ok, const char *what)
{
	printf("%s - %s\n", ok ? "ok" : "not ok", what);
}

/* Every size of out up to what the name needs: the whole text or none, never a byte more. */
static int every_size(const char *name)
{
	static char whole[1 << 16];
	size_t len = demangle(name, work, whole, sizeof(whole));

	for (size_t room = 0; room <= len + 1; room++) {
		char *out = edge - room;
		size_t got;

		if (room)
			out[0] = 'x';
		got = demangle(name, work, out, room);
		if (got != (room > len ? len : 0) || (room && strlen(out) != got) ||
		    memcmp(out, whole, got))
			return 0;
	}
	return 1;
}

/* A name: head, then `piece` again and again up to len bytes, then `tail` as often. */
static char *repeat(const char *head, const char *piece, const char *tail, size_t count)
{
	char *name = malloc(strlen(head) + count * (strlen(piece) + strlen(tail)) + 1);
	char *at = stpcpy(name, head);

	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, piece);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, tail);
	return name;
}

/* Each substitution doubles what the one before it stands for. */
static char *doubling(unsigned levels)
{
	char *name = malloc(levels * 24 + 64), *at = stpcpy(name, "_Z1f1AI1BS0_E");

	for (unsigned i = 1; i < levels; i++) {
		char id[8] = "", *digit = id + 7;
		unsigned value = i;	/* the candidate that the last argument made */

		do
			*--digit = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % 36];
		while (value /= 36);
		at += sprintf(at, "S_IS%s_S%s_E", digit, digit);
	}
	return name;
}

static void hostile(void)
{
	static char out[1 << 16];
	static const struct {
		const char *what, *head, *piece, *tail;
	} cases[] = {
		{"pointers", "_Z1f", "P", ""}, {"pointers to functions", "_Z1f", "PFv", "E"},
		{"nested templates", "_Z1f", "1AI", "E"}, {"packs", "_Z1fI", "J", "E"},
		{"nested names", "_Z1f", "N1A", "E"}, {"local names", "_Z", "Z1f", "vE"},
		{"expressions", "_Z1fIX", "pl", "Li1E"}, {"calls", "_Z1fIX", "cl", "E"},
		{"decltypes", "_Z1f", "DT", "E"}, {"lambdas", "_Z1f", "Ul", "E_"},
		{"unresolved names", "_Z1fIX", "sr1AIX", "E"},
		{"conversions", "_ZN1A", "cvT_I", "E"}, {"expansions", "_Z1fIJEEv", "Dp", "T_"},
		{"arrays", "_Z1f", "A1_", "i"}, {"qualifiers", "_Z1f", "U1aKPV", "i"},
		{"names read twice", "_Z1fIX", "plsr1A1AE1x", ""},
		{"calls of names read twice", "_Z1fIXcl", "sr1A1AE1x", "E"},
		{"inherited constructors", "_ZN1A", "CI11BIiE", "E"},
		{"conversions to templates", "_ZN1A", "cv1BI", "E"},
		{"lambdas of lambdas", "_Z1fIiEvDTtl", "UlTL0__", "E_"},
		{"folds", "_Z1fIJilEE1AIX", "flpl", "T_E"},
		{"requires clauses", "_ZN1AIiE1BIcE1fEvQ", "pl", "TL0__"},
		{"modules", "_Z", "W1A", "1f"}, {"references", "_Z1fIRiEv", "O", "T_"},
		{"qualified arrays", "_Z1fIKiEv", "VKA1_", "T_"},
		{"digits", "_Z", "9", ""}, {"Rust references", "_RINvC1a1b", "R", "E"},
		{"Rust functions", "_RINvC1a1b", "F", "E"}, {"Rust paths", "_R", "Nv", ""},
		{"Rust tuples", "_RINvC1a1b", "T", "E"}, {"Rust impls", "_R", "MC1aT", "E"},
		{"Rust back references", "_RINvC1a1bTpE", "TB9_B9_E", ""},
		{"Rust binders", "_RINvC1a1b", "FGZ_", "E"},
		{"Rust bindings", "_RINvC1a1bDC1a", "p1nKj0_", "EL_E"},
		{"Rust constants", "_RINvC1a1bK", "A", "E"}, {"Rust braces", "_RINvC1a1bKR", "R", "E"},
	};
	double start, worst = 0;
	const char *slowest = "";

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t count = 10; count <= 100000; count *= 10) {
			char *name = repeat(cases[i].head, cases[i].piece, cases[i].tail, count);

			start = now();
			demangle(name, work, out, sizeof(out));
			if (now() - start > worst) {
				worst = now() - start;
				slowest = cases[i].what;
			}
			free(name);
		}
	}
	printf("# slowest: %s, %.1f ms\n", slowest, worst * 1e3);
	result(worst < 0.5, "deep nesting ends soon");

	start = now();
	for (unsigned levels = 2; levels < 200; levels += 7) {
		char *name = doubling(levels);

		demangle(name, work, out, sizeof(out));
		free(name);
	}
	printf("# %.1f ms\n", (now() - start) * 1e3);
	result(now() - start < 5, "substitutions that double each other end soon");
}

int main(void)
{
	char *name = NULL, *map = mmap(NULL, 32 * PAGE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t room = 0;
	ssize_t got;
	int ok = 1;

	if (map == MAP_FAILED || mprotect(map + 31 * PAGE, PAGE, PROT_NONE))
		return 1;
	edge = map + 31 * PAGE;
	memset(work, 0xa5, sizeof(work));
	while ((got = getline(&name, &room, stdin)) > 0) {
		name[strcspn(name, "\t\n")] = '\0';
		if (!every_size(name)) {
			printf("# %s\n", name);
			ok = 0;
		}
	}
	result(ok, "every size of out gives the whole text or none");
	free(name);

	name = repeat("_Z", "1A", "", DEMANGLE_NAME_MAX);
	ok = !demangle(name, work, edge - 1, 1) && !edge[-1] && !demangle(name, work, NULL, 0);
	result(ok, "a name that is too long, and no room at all");
	free(name);
	hostile();
	return 0;
}
