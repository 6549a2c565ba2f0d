#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The views of the HTML report that add up memory, in both browsers: flame graph, trees, callers, backtraces. What they
# show for each key is what the text report's groups say; they zoom, sort, filter, open, copy and compare two moments,
# by mouse and by keyboard, and what they show is in the address. How long large reports take is printed.
. "${0%/*}/lib.sh"
have python3 || skip_all 'no python3'

cat >"$TMP/shop.cc" <<'END'
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <unistd.h>
#define NOINLINE __attribute__((noinline))
static void *volatile sink;
static void *early[100];
static char *cart[40];
static NOINLINE void *item(size_t n) { void *p = std::malloc(n); sink = p; return p; }
static NOINLINE void first() { for (int i = 0; i < 60; i++) early[i] = item(1000); sink = early; }
static NOINLINE void second() { for (int i = 60; i < 100; i++) early[i] = item(1000); sink = early; }
static NOINLINE void fill() { for (char *&c : cart) { c = new char[700]; sink = c; } }
static NOINLINE void empty() { for (char *&c : cart) { delete[] c; sink = &c; } for (int i = 80; i < 100; i++) free(early[i]); }
static NOINLINE void odd(int n);
static NOINLINE void even(int n) { if (n) odd(n - 1); else sink = malloc(5000); asm volatile(""); }
static NOINLINE void odd(int n) { if (n) even(n - 1); asm volatile(""); }
static NOINLINE void churn() { for (int i = 0; i < 3000; i++) { sink = malloc(64); free(sink); } }
static void *clerk(void *) { pthread_setname_np(pthread_self(), "clerk"); for (int i = 0; i < 5; i++) sink = strdup("receipt"); return nullptr; }
#ifdef OLDER
template <int N> static NOINLINE void old_stock() { if constexpr (N > 0) old_stock<N - 1>(); else sink = malloc(30000); asm volatile(""); }
static NOINLINE void shelf() { sink = malloc(900); }
static NOINLINE void late() { for (int i = 0; i < 50; i++) sink = malloc(500); old_stock<9>(); shelf(); }
#else
template <int N> static NOINLINE void new_stock() { if constexpr (N > 0) new_stock<N - 1>(); else sink = malloc(7000); asm volatile(""); }
static NOINLINE void rack() { sink = malloc(800); }
static NOINLINE void late() { for (int i = 0; i < 200; i++) sink = malloc(500); new_stock<9>(); rack(); }
#endif
int main()
{
	pthread_t thread;
	first();
	second();
	fill();
	even(6);
	pthread_create(&thread, nullptr, clerk, nullptr);
	pthread_join(thread, nullptr);
	usleep(900000);
	empty();
	late();
	churn();
	usleep(900000);
	return 0;
}
END
${CXX:-c++} -std=c++17 -g -O1 -fno-optimize-sibling-calls -fno-builtin -pthread -o "$TMP/shop" "$TMP/shop.cc" 2>"$TMP/log" || skip_all 'no C++ compiler'
"$HEAPTRACE" --depth=64 --record="$TMP/shop.record" "$TMP/shop" >"$TMP/log" 2>&1
"$HEAPTRACE" --report="$TMP/shop.record" --outfile="$TMP/shop.html" 2>"$TMP/log"
"$HEAPTRACE" --report="$TMP/shop.record" --format=json --group=function --top=0 --outfile="$TMP/shop.json" 2>"$TMP/log"
ok $? 'the report is written'

# Another build of it, to compare with.
${CXX:-c++} -std=c++17 -DOLDER -g -O1 -fno-optimize-sibling-calls -fno-builtin -pthread -o "$TMP/older" "$TMP/shop.cc" 2>"$TMP/log"
"$HEAPTRACE" --depth=64 --record="$TMP/older.record" "$TMP/older" >"$TMP/log" 2>&1
"$HEAPTRACE" --report="$TMP/shop.record" --diff="$TMP/older.record" --outfile="$TMP/diff.html" 2>"$TMP/log"
ok $? 'the report of two runs is written'

# A real program, with code that has no names and inlined functions.
"$HEAPTRACE" --depth=64 --record="$TMP/real.record" "$(command -v perl)" -MPOSIX -e 'my %h = map { $_ => [1 .. 20] } 1 .. 2000; 0' >"$TMP/log" 2>&1
"$HEAPTRACE" --report="$TMP/real.record" --outfile="$TMP/real.html" 2>"$TMP/log"
"$HEAPTRACE" --report="$TMP/real.record" --format=json --group=function --top=0 --outfile="$TMP/real.json" 2>"$TMP/log"
in_browsers html_views "$TMP"
plan
