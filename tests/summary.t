#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The summary of text dumps: its fixed words, figures that are computed by hand, when it is printed, --short.
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-cc}
. "tests/lib.sh"
S=$TMP/summary
$CC -O0 -g -w -o "$S" tests/subjects/summary.c || { ok 1 'the subject builds'; plan; }

figure() { # FILE WORDS: what the line with these words says
	sed -n "s/^\[heaptrace\] $2: //p" "$1"
}
run() { # FILE OPTION... -- ARGUMENT...: a run with its dump in FILE
	local file=$1 options=()
	shift
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	./heaptrace --outfile="$file" "${options[@]}" "$S" "$@" 2> /dev/null
}
ms() { # "405.355 ms" or "1.200 secs" in milliseconds
	echo "$1" | awk '{ print int($1 * ($2 ~ /^sec/ ? 1000 : 1)) }'
}
between() { [ "$(echo "$1" | sed 's/\..*//')" -ge "$2" ] && [ "$(echo "$1" | sed 's/\..*//')" -le "$3" ]; ok $? "$4" || diag "got $1"; }

run "$TMP/keep" -- keep
is "$(grep -c '^\[heaptrace\] total runtime' "$TMP/keep")" 1 'the summary is printed once'
is "$(grep -n 'total runtime\|backtrace #1' "$TMP/keep" | head -1 | grep -c runtime)" 1 'it opens the dump'
runtime=$(figure "$TMP/keep" 'total runtime')
between "$(ms "$runtime")" 400 30000 'total runtime'
calls=$(figure "$TMP/keep" 'calls to allocation functions')
is "${calls%% (*}" 1000 'calls'
rate=${calls##*(}
between "${rate%/s)}" 33 2500 'calls per second'
# Also of a run of a few milliseconds, such as perl's, the rate is that of its runtime.
"$HEAPTRACE" --outfile="$TMP/perl" perl -e 1
awk '/total runtime/ { runtime = $(NF - 1) / ($NF == "us" ? 1e6 : $NF == "ms" ? 1e3 : 1) }
	/calls to allocation functions/ { calls = $(NF - 1); rate = substr($NF, 2) + 0 }
	END { exit !(rate == 0 ? runtime < 0.001 : rate > 0.99 * calls / runtime && rate < 1.01 * calls / runtime) }' "$TMP/perl"
ok $? "a short run's calls per second" || diag "$(head -12 "$TMP/perl")"
temporary=$(figure "$TMP/keep" 'temporary allocations')
is "${temporary%%,*}" '301 (30.1 %' 'temporary allocations and their share'
peak=$(figure "$TMP/keep" 'peak heap memory consumption')
is "${peak%% after*}" '5.050 MB' 'the peak'
peak=${peak##*after }
between "$(ms "$peak")" 190 20000 'the moment of the peak'
rss=$(figure "$TMP/keep" 'peak RSS (including heaptrace overhead)')
between "${rss% MB}" 1 40 'peak RSS'
is "$(figure "$TMP/keep" 'total memory leaked')" '700 bytes in 7 blocks of 1 backtrace' 'what is leaked'

run "$TMP/free" -- free
is "$(grep -c 'total runtime' "$TMP/free")" 0 'a program that frees everything gets none'
for option in --summary --short; do
	run "$TMP/free" $option -- free
	is "$(figure "$TMP/free" 'total memory leaked')" '0 bytes in 0 blocks of 0 backtraces' "$option: it does"
	is "$(grep -c '^=== backtrace' "$TMP/free")" 0 "$option: and no backtrace"
done
run "$TMP/free" --sort=temporary -- free
is "$(grep -c '^=== backtrace' "$TMP/free")" 2 'sorted by a key of the past, it gets its backtraces'
is "$(sed -n 's/.*\[temporary: \([0-9]*\).*/\1/p' "$TMP/free" | head -1)" 300 'the most temporary one first'
run "$TMP/short" --short --sort=size,count -- keep
is "$(grep -vc '^\[heaptrace\] \|^====' "$TMP/short")" 0 '--short: nothing but the summary'
is "$(grep -c 'dump allocation status' "$TMP/short")" 1 '--short: once, whatever the keys'
is "$(perl tests/check_dump.pl 10 "$TMP/keep")" '' 'the whole dump is of the contract'

run "$TMP/record.txt" --record="$TMP/record" -- keep
./heaptrace --report="$TMP/record" --short > "$TMP/report"
is "$(figure "$TMP/report" 'total memory leaked')" '700 bytes in 7 blocks of 1 backtrace' '--report: what is leaked'
runtime=$(figure "$TMP/report" 'total runtime')
between "$(ms "$runtime")" 400 30000 '--report: total runtime'
(run "$TMP/killed" -- keep 9) 2> /dev/null
# The watcher writes this dump, which ends with its second rule.
for i in $(seq 300); do [ "$(grep -c '^====' "$TMP/killed")" -ge 2 ] && break; sleep 0.1; done
is "$(figure "$TMP/killed" 'total memory leaked')" '700 bytes in 7 blocks of 1 backtrace' 'killed: what is leaked'
like "$(figure "$TMP/killed" 'peak RSS (including heaptrace overhead)')" '^at least [1-9][0-9]*\.[0-9]+ MB$' 'killed: the peak of RSS that the watcher has seen'
run "$TMP/live" -- keep 10
is "$(figure "$TMP/live" 'memory in use now')" '700 bytes in 7 blocks of 1 backtrace' 'a dump of a program that goes on does not call that a leak'
plan
