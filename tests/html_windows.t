#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Windows of the recording in a HTML report: without a browser, that what the rows have of each window adds up to what they
# have, and is what a report of that window alone has; in browsers, that one is chosen by the chooser, the table and the
# keyboard, that everything below follows, and that the address holds the choice.
. "${0%/*}/lib.sh"

have node || skip_all 'no node'
data="node $TOP/tests/tools/report_data.js"
cat >"$TMP/phases.c" <<'END'
#include "include/heaptrace.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static char *kept[4096];
static int count;
__attribute__((noinline)) static char *shared(int n) { return malloc(n); }
__attribute__((noinline)) static char *second_only(void) { return malloc(7000); }
__attribute__((noinline)) static char *third_only(void) { return malloc(500); }
__attribute__((noinline)) static void load(int blocks, int size)
{
	while (blocks--)
		kept[count++] = shared(size);
}
static void drop(int blocks)
{
	while (blocks--)
		free(kept[--count]);
}
static void *helper(void *name)
{
	pthread_setname_np(pthread_self(), name);
	load(10, 900);
	return NULL;
}
int main(int argc, char **argv)
{
	pthread_t thread;

	load(100, 1000);
	heaptrace_mark("warm");
	usleep(250000);
	heaptrace_off();
	load(50, 1000);			/* nothing records these */
	usleep(100000);
	heaptrace_on();
	load(20, 2000);
	kept[count++] = second_only();
	usleep(250000);
	if (argc > 1) {
		heaptrace_clear();
		load(1, 10);
		heaptrace_off();
		heaptrace_on();
	} else {
		heaptrace_sample(1);	/* begins a window... */
		heaptrace_sample(0);	/* ...in which nothing is allocated */
	}
	pthread_create(&thread, NULL, helper, "third-helper");
	pthread_join(thread, NULL);
	heaptrace_mark("<script>alert(1)</script>");
	load(30, 3000);
	kept[count++] = third_only();
	usleep(250000);
	drop(5);
	heaptrace_off();
	usleep(100000);
	return argv[0] == NULL;
}
END
${CC:-cc} -D_GNU_SOURCE -I"$TOP" -g -O1 -fno-builtin -pthread -o "$TMP/phases" "$TMP/phases.c" 2>"$TMP/log" || skip_all 'no compiler'

"$HEAPTRACE" --quiet --histogram --record="$TMP/rec" "$TMP/phases" 2>"$TMP/log"
"$HEAPTRACE" --quiet --record="$TMP/cleared" "$TMP/phases" clear 2>"$TMP/log"
"$HEAPTRACE" --report="$TMP/rec" --histogram --outfile="$TMP/all.html" 2>"$TMP/log"
"$HEAPTRACE" --report="$TMP/rec" --outfile="$TMP/all.json" 2>"$TMP/log"
"$HEAPTRACE" --report="$TMP/rec" --window=2-3 --outfile="$TMP/some.html" 2>"$TMP/log"
"$HEAPTRACE" --report="$TMP/cleared" --outfile="$TMP/cleared.html" 2>"$TMP/log"
windows=$("$HEAPTRACE" --report="$TMP/rec" --format=json 2>/dev/null | grep -o '"number":[0-9]*,"begun-by"' | wc -l)
each=
for n in $(seq "$windows"); do
	"$HEAPTRACE" --report="$TMP/rec" --window="$n" --outfile="$TMP/$n.html" 2>"$TMP/log"
	each="$each $TMP/$n.html"
done
ok "$((windows < 3))" 'the run has several windows'
is "$($data windows "$TMP/all.html" $each 2>&1)" '' 'the windows add up to all, and each is what a report of it says'
is "$($data windows "$TMP/all.json" $each 2>&1)" '' 'in JSON, too'
is "$($data windows "$TMP/some.html" "$TMP/2.html" "$TMP/3.html" 2>&1)" '' 'the same of some of them'
is "$(grep -c '"windows":null' "$TMP/2.html")" 1 'a page of one window has none to choose from'
in_browsers html_windows "$TMP/all.html" "$TMP/cleared.html" "$TMP/2.html" $each
plan
