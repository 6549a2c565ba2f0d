#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The limits of --max-*: which figures break them, the exit status, lines, the test report, and which processes of
# a run are judged.
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-cc}
. "tests/lib.sh"
H=$PWD/heaptrace
S=$TMP/summary
$CC -O0 -g -w -o "$S" tests/subjects/summary.c || { ok 1 'the subject builds'; plan; }

# gate STATUS LINES NAME OPTION... -- PROGRAM...: the exit status, and which options are in the lines about limits
gate() {
	local status=$1 lines=$2 name=$3 options=()
	shift 3
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	$H --quiet "${options[@]}" "$@" > "$TMP/out" 2> "$TMP/err"
	local got=$?
	is "$got $(sed -n 's/^\[heaptrace\] --\(.*\) is broken by.*/\1/p' "$TMP/err" | paste -sd, )" "$status $lines" "$name" || diag "$(cat "$TMP/err")"
}

line=$(grep -n 'malloc(100)' tests/subjects/summary.c | cut -d: -f1)
# The subject leaks 700 bytes in 7 blocks of 1,000 calls, 301 of them temporary, and has up to 5,050,000 bytes.
gate 0 '' 'a clean program prints nothing' --max-leak=0 --max-leak-count=0 -- "$S" free
is "$(cat "$TMP/out" "$TMP/err")" '' 'nothing at all'
gate 86 max-leak=0 'a leak' --max-leak=0 -- "$S" keep
is "$(sed 's/pid [0-9]*/pid N/' "$TMP/err")" "[heaptrace] --max-leak=0 is broken by summary (pid N): 700 bytes leaked, most by main at $PWD/tests/subjects/summary.c:$line: 700 bytes in 7 blocks" 'who, how much, where'
for limit in leak=700/leak=699 leak-count=7/leak-count=6 peak=5050000/peak=5049999 calls=1000/calls=999 temporary=30.1/temporary=30.099; do
	gate 0 '' "at the limit: ${limit%/*}" "--max-${limit%/*}" -- "$S" keep
	gate 86 "max-${limit#*/}" "above it: ${limit#*/}" "--max-${limit#*/}" -- "$S" keep
done
gate 86 max-leak=0,max-leak-count=1,max-calls=10 'several limits: a line for each' --max-leak=0 --max-leak-count=1 --max-peak=1G --max-calls=10 -- "$S" keep
gate 5 max-leak=0 '--error-exitcode' --max-leak=0 --error-exitcode=5 -- "$S" keep
gate 143 max-leak=0 'a death by a signal stays one' --max-leak=0 -- "$S" keep 15 2> "$TMP/log"
gate 3 max-leak=0 "the program's own failure stays" --max-leak=0 --judge=sh -- sh -c 'exit 3'
cat > "$TMP/ends.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void last(void) { puts("the handler of the program"); }
int main(int argc, char **argv)
{
	void *volatile p = malloc(10);
	atexit(last);
	printf("not flushed");
	switch (argv[1][0]) {
	case 'e': exit(0);
	case '_': fflush(stdout); _exit(0);
	case '2': exit(256);
	case 'r': getchar(); exit(0);
	case 'x': execl("/bin/sh", "sh", "-c", argv[2], NULL);
	}
	return 0;
}
END
$CC -g -o "$TMP/ends" "$TMP/ends.c"
for way in exit return; do
	gate 86 max-leak=0 "the end by $way" --max-leak=0 -- "$TMP/ends" $way
	is "$(cat "$TMP/out")" 'not flushedthe handler of the program' "$way: handlers run once, and what is buffered is written"
done
gate 86 max-leak=0 'the end by exit(256), which is a 0' --max-leak=0 -- "$TMP/ends" 256
gate 86 max-leak=0 'the end by _exit()' --max-leak=0 -- "$TMP/ends" _exit
cat > "$TMP/own.c" <<'END'
#include <stdlib.h>
#include <unistd.h>
void exit(int status) { (void)!write(1, "not called", 10); _exit(status + 1); }
int main(void) { return !malloc(10); }
END
$CC -g -w -o "$TMP/own" "$TMP/own.c"
gate 86 max-leak=0 'a program with an exit() of its own' --max-leak=0 -- "$TMP/own"
is "$(cat "$TMP/out")" '' 'a program with an exit() of its own: it is not called'
gate 86 max-leak=0 'killed in a child' --max-leak=0 --judge=ends --judge=summary -- sh -c "$S keep 9; true" 2> "$TMP/log"

# Of a run with many processes those are judged whose programs lie below the directory of the start.
mkdir "$TMP/project"
cat > "$TMP/project/Makefile" <<END
check:
	cp $S good; ./good free
	cp $S leaking; ./leaking keep
clean:
	cp $S good; ./good free; ./good free
END
cd "$TMP/project"
gate 86 max-leak=0 'make check: the test that leaks' --max-leak=0 --junit=report.xml -- make -s check
like "$(cat "$TMP/err")" "is broken by leaking .*summary.c:$line" 'make check: by its name, with file and line'
like "$(cat "$TMP/err")" '1 of 2 processes broke a limit' 'make check: one summary'
is "$(grep -c '<testcase' report.xml) $(grep -c '<failure' report.xml) $(grep -o 'tests="[0-9]*" failures="[0-9]*"' report.xml | sort -u)" '2 1 tests="2" failures="1"' '--junit: every process and limit'
like "$(cat report.xml)" "classname=.leaking [^<]*--max-leak=0[^<]*<failure[^<]*summary.c:$line" '--junit: the failure, with file and line'
if have xmllint; then
	xmllint --noout report.xml; ok $? '--junit: well-formed'
else
	skip '--junit: well-formed' 'no xmllint'
fi
gate 0 '' 'make clean: a clean run prints nothing' --max-leak=0 -- make -s clean
is "$(cat "$TMP/out" "$TMP/err")" '' 'make clean: nothing at all'
for record in good leaking; do
	$H --quiet --record="$record.rec" "./$record" $([ $record = good ] && echo free || echo keep)
done
gate 0 '' 'make check with --baseline: what leaked before does not count' --max-leak=0 --baseline=%c.rec -- make -s check
is "$(cat "$TMP/out" "$TMP/err")" '' 'make check with --baseline: nothing is printed'
gate 86 max-leak=0 '--judge: other programs' --max-leak=0 --judge=/make -- make -s clean
gate 86 max-leak=0 'no program below the directory: the one that was started' --max-leak=0 -- sh -c 'true'
cp "$S" $'lea<k&\x01"ing'
gate 86 max-leak=0 'a name with special characters' --max-leak=0 --junit=report.xml -- ./$'lea<k&\x01"ing' keep
like "$(cat report.xml)" 'classname="lea&lt;k&amp;.&quot;ing' '--junit: is escaped'
cd "$OLDPWD"

# The same from a record, and with a dump that is printed.
gate 0 '' '--record' --record="$TMP/record" -- "$S" keep
$H --report="$TMP/record" --max-leak=0 --junit="$TMP/report.xml" > "$TMP/out" 2> "$TMP/err"
is $? 86 '--report: the exit status'
like "$(cat "$TMP/err")" 'max-leak=0 is broken by summary' '--report: the line'
like "$(cat "$TMP/out")" 'total memory leaked: 700 bytes' '--report: the dump'
is "$(grep -c '<failure' "$TMP/report.xml")" 1 '--report: --junit'
$H --max-leak=0 "$S" keep 2> "$TMP/err"
is "$? $(grep -c '=== backtrace' "$TMP/err") $(sed -n '$p' "$TMP/err" | grep -c 'is broken by')" '86 1 1' 'without --quiet: the dump, then the line'
$H --max-leak=0 --quiet --outfile="$TMP/file" "$S" keep 2> "$TMP/err"
is "$? $(grep -c '=== backtrace' "$TMP/file") $(grep -c 'is broken by' "$TMP/err")" '86 1 1' '--quiet --outfile: the dump in the file, the line on standard error'
$H --max-leak=0 --format=json --outfile="$TMP/json" "$S" keep 2> "$TMP/err"
is "$? $(grep -c '"schema"' "$TMP/json") $(grep -c 'is broken by' "$TMP/err")" '86 1 1' 'with another format'

until_there() { for _ in {1..300}; do [ "$(grep -cs "$1" "$2")" -ge "$3" ] && return; sleep 0.1; done; }

# The watcher may see the end of a child and the end of the program at once. Then it still judges what outlives both.
for _ in {1..8}; do
	# shellcheck disable=SC2016
	$H --quiet --max-leak=0 --judge=/ends sh -c '(sleep 0.2; exec "$1" _exit) > "$1.out" & /bin/true; exit 0' sh "$TMP/ends" 2>> "$TMP/outlived"
done
until_there 'max-leak=0 is broken by ends' "$TMP/outlived" 8
is "$(grep -c 'max-leak=0 is broken by ends' "$TMP/outlived")" 8 'processes that outlive the program are judged'

watcher() { # the watcher of a run with MARK in its environment
	for _ in {1..100}; do
		for p in $(pgrep -x heaptrace-watch); do
			grep -qs "GATE_MARK=$MARK" "/proc/$p/environ" && { echo "$p"; return; }
		done
		sleep 0.1
	done
}
if have pgrep; then
	mkfifo "$TMP/go"
	MARK=late$$
	GATE_MARK=$MARK $H --quiet --max-leak=0 "$TMP/ends" read < "$TMP/go" > "$TMP/out" 2> "$TMP/err" &
	run=$!
	exec 9> "$TMP/go"
	watcher=$(watcher)
	reading() { [ "$(cut -d ' ' -f 1,2 "/proc/$run/syscall" 2> "$TMP/log")" = '0 0x0' ]; }	# x86_64's read(2) of descriptor 0
	for _ in {1..50}; do reading && break; sleep 0.1; done	# it has registered
	kill -STOP "$watcher"
	echo >&9
	for _ in {1..50}; do reading || break; sleep 0.1; done
	sleep 0.3	# it waits for the answer
	kill -KILL $run
	wait $run 2> "$TMP/log"
	kill -CONT "$watcher"
	exec 9>&-
	until_there broken "$TMP/err" 1
	is "$(grep -c 'max-leak=0 is broken by ends' "$TMP/err")" 1 'a program that does not wait for the answer: the watcher writes the line'
fi

refused() { # WORDS OPTION...
	local words=$1
	shift
	$H "$@" true > "$TMP/out" 2>&1
	is $? 125 "refused: $*"
	like "$(cat "$TMP/out")" "$words" "refused: $*: why"
}
refused 'give one, such as --max-leak=0' --junit=x
refused 'give one, such as --max-leak=0' --error-exitcode=3
refused 'there is not with --no-watch' --max-peak=3 --no-watch
refused 'from 1 to 255' --max-leak=0 --error-exitcode=256
refused 'not a percentage' --max-temporary=101
plan
