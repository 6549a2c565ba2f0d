#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The HTML report in browsers: the head says what the text dump says, moments are chosen and compared by mouse, keyboard
# and choosers, everything follows, the address holds the view, and the search finds. tests/browser/html.js does it.
. "${0%/*}/lib.sh"

cat >"$TMP/phases.c" <<'END_OF_C'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char *cache[4096];
static int cached;
__attribute__((noinline)) static char *cache_grow(size_t size) { return memset(malloc(size), 1, size); }
__attribute__((noinline)) static void load(int count)
{
	for (int i = 0; i < count; i++)
		cache[cached++] = cache_grow(500 + i * 37 % 4000);
}
__attribute__((noinline)) static void drop(int count)
{
	while (count--)
		free(cache[--cached]);
}
__attribute__((noinline)) static void churn(int count)
{
	for (int i = 0; i < count; i++)
		free(strdup("temporary"));
}
static void *work(void *name)
{
	pthread_setname_np(pthread_self(), name);
	for (int i = 0; i < 10; i++) {
		memset(malloc(30000), 1, 30000);
		usleep(50000);
	}
	return NULL;
}
int main(int argc, char **argv)
{
	pthread_t threads[2];

	cache[cached++] = malloc(0);
	cache[cached++] = malloc(1);
	pthread_create(&threads[0], NULL, work, "worker-one");
	pthread_create(&threads[1], NULL, work, "worker-two");
	for (int i = 0; i < 5; i++) {
		load(argc > 1 ? 400 : 200);
		churn(1000);
		usleep(200000);
	}
	drop(600);
	usleep(150000);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return argv[0] == NULL;
}
END_OF_C
cat >"$TMP/freed.c" <<'END_OF_C'
#include <stdlib.h>
void *volatile block;
int main(void) { block = malloc(5000); free(block); return 0; }
END_OF_C
${CC:-cc} -g -O1 -fno-builtin -pthread -o "$TMP/phases" "$TMP/phases.c" 2>"$TMP/log" || skip_all 'no compiler'
${CC:-cc} -g -O1 -fno-builtin -o "$TMP/freed" "$TMP/freed.c"

"$HEAPTRACE" --record="$TMP/older" "$TMP/phases" 2>/dev/null &
"$HEAPTRACE" --record="$TMP/newer" --histogram "$TMP/phases" more 2>/dev/null
wait
"$HEAPTRACE" --outfile="$TMP/freed.html" "$TMP/freed"
"$HEAPTRACE" --report="$TMP/newer" --histogram --outfile="$TMP/phases.html"
"$HEAPTRACE" --report="$TMP/newer" --histogram --summary --outfile="$TMP/phases.txt"
"$HEAPTRACE" --report="$TMP/newer" --diff="$TMP/older" --outfile="$TMP/diff.html"
"$HEAPTRACE" --report="$TMP/older" --outfile="$TMP/plain.html"
in_browsers html "$TMP/phases.html" "$TMP/phases.txt" "$TMP/diff.html" "$TMP/plain.html" "$TMP/freed.html"
plan
