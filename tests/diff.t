#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# --diff and --baseline: two runs of programs whose functions have moved, and of programs that nobody here wrote.
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-cc}
. "tests/lib.sh"
H=$PWD/heaptrace
build() { # NAME FLAG...
	local name=$1
	shift
	mkdir -p "$TMP/$name"
	$CC -w "$@" -o "$TMP/$name/prog" tests/subjects/diff.c && $H --quiet --depth=32 --record="$TMP/$name.rec" "$TMP/$name/prog"
}
build old -g -O0 || { ok 1 'the subject runs'; plan; }
diff_of() { # OLD NEW OPTION...
	$H --report="$TMP/$2.rec" --diff="$TMP/$1.rec" "${@:3}"
}
# What differs: "KIND CHANGE FUNCTION" of each backtrace, the function being the first one after get().
changes() {
	perl -ne '$what = $1 if /^=== backtrace #\d+ === \[([^\]]*)\]/;
		if ($what && /^ *\d+ \[[^\]]*\] (?!malloc|calloc|get )(\w+)/) { print "$what, $1\n"; $what = "" }'
}

$H --report="$TMP/old.rec" --diff="$TMP/old.rec" > "$TMP/out"
is "$? $(grep -c '^=== backtrace' "$TMP/out") $(grep -c '(no change)' "$TMP/out")" '0 0 5' 'a run and itself: nothing differs'
like "$(cat "$TMP/out")" 'unchanged +: 4 backtraces' 'and all are matched'

build moved -g -O2 -DREFACTORED
is "$(diff_of old moved --min-share=0 | changes)" '' 'refactored, other flags: nothing differs'
like "$(diff_of old moved)" 'not matched +: [01] of the older run \(0 bytes\), [01] of this one \(0 bytes\)' 'and all that is alive is matched'
for flags in '-g -O2' '-g -O1 -fno-inline' '-g -O3 -flto' '-O0'; do
	build planted $flags -DREFACTORED -DPLANTED
	is "$(diff_of old planted | changes)" 'new: 5.000 KB, extra
grown by 3.000 KB, load' "refactored, $flags: the two planted changes and nothing else"
	is "$(diff_of old planted --sort=count | changes)" 'grown by 30, load' "$flags: by count, of which one block is too small a share" ||
		diff_of old planted --sort=count --min-share=0 | sed 's/^/# /'
done
is "$(diff_of planted old | changes)" 'gone: 5.000 KB, extra
shrunk by 3.000 KB, load' 'the other way round: gone and shrunk'
diff_of old planted > "$TMP/out"
like "$(cat "$TMP/out")" 'live size +: 23\.000 KB -> 31\.000 KB, \+8\.000 KB \(\+34\.8 %\)' 'the totals of both'
like "$(cat "$TMP/out")" '\[size: 10\.000 KB -> 13\.000 KB\] \[count: 100 -> 130\]' 'both figures of a backtrace'
is "$(diff_of old planted --top=1 | grep -c '^=== backtrace')" 1 '--top'
like "$(diff_of old planted --top=1)" 'smaller changes +: 1 backtrace, \+3\.000 KB and -0 bytes' 'what is not listed is added up'
is "$(diff_of old planted --sort=size,total-count | grep -c 'sorted by')" 2 'several keys'
$H --report="$TMP/planted.rec" --pack="$TMP/packed.rec" --with-names > "$TMP/log" 2>&1
is "$(diff_of old packed | changes)" "$(diff_of old planted | changes)" 'with a packed record'

# Two runs of a program that nobody here wrote: what differs is noise.
if have perl; then
	for run in one two; do
		PERL_HASH_SEED=0 $H --quiet --depth=64 --record="$TMP/perl$run.rec" perl -e 'my %h; $h{$_} = [1 .. 5] for 1 .. 2000; print scalar keys %h' > /dev/null
	done
	is "$(diff_of perlone perltwo --sort=size,count,total-count | changes)" '' 'perl twice: nothing differs'
fi

# --baseline
gate() { # STATUS NAME OPTION... -- PROGRAM
	local status=$1 name=$2 options=()
	shift 2
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	$H --quiet --depth=32 "${options[@]}" "$@" > "$TMP/out" 2>&1
	is $? "$status" "$name" || sed 's/^/# /' "$TMP/out"
}
build planted -g -O2 -DREFACTORED -DPLANTED
gate 86 'without a baseline every block counts' --max-leak=0 -- "$TMP/planted/prog"
gate 0 'the same program: no growth' --max-leak=0 --max-calls=0 --max-peak=0 --baseline="$TMP/planted.rec" -- "$TMP/planted/prog"
is "$(cat "$TMP/out")" '' 'and no line'
gate 86 'an older version: growth' --max-leak=0 --baseline="$TMP/old.rec" -- "$TMP/planted/prog"
like "$(cat "$TMP/out")" '8\.000 KB \(8000 bytes\) leaked more than in the baseline, most by extra at' 'the line says so'
gate 0 'growth within the limit' --max-leak=8000 --baseline="$TMP/old.rec" -- "$TMP/planted/prog"
gate 86 'and above it' --max-leak=7999 --baseline="$TMP/old.rec" -- "$TMP/planted/prog"
gate 0 'growth within the tolerance' --max-leak=5000 --tolerance=30 --baseline="$TMP/old.rec" -- "$TMP/planted/prog"
gate 86 'and above it' --max-leak=5000 --tolerance=29 --baseline="$TMP/old.rec" -- "$TMP/planted/prog"
cp "$TMP/planted.rec" "$TMP/prog.rec"
gate 0 'a baseline for each program, found by its name' --max-leak=0 --baseline="$TMP/%c.rec" -- "$TMP/planted/prog"
$H --report="$TMP/planted.rec" --quiet --max-leak=0 --baseline="$TMP/old.rec" > "$TMP/out" 2>&1
is $? 86 '--report with a baseline'
is "$(grep -c . "$TMP/out")" 1 'with --quiet: nothing but the limit'

# The file of the older program has been replaced meanwhile, so that its functions have no names.
cp "$TMP/planted/prog" "$TMP/old/prog"
like "$(diff_of old planted)" 'older run lacks names.*prog \(the file was replaced' 'an older program that is not there any more: that is said'

refused() { # WORDS OPTION...
	local words=$1
	shift
	$H "$@" > "$TMP/out" 2>&1
	is $? 125 "refused: $*"
	like "$(cat "$TMP/out")" "$words" "refused: $*: why"
}
echo text > "$TMP/text"
refused 'give that option, too' --diff="$TMP/old.rec" true
refused 'text cannot be compared with' --report="$TMP/old.rec" --diff="$TMP/text"
refused 'baseline .*text cannot be read' --max-leak=0 --baseline="$TMP/text" true
refused 'give one, such as --max-leak=0' --baseline="$TMP/old.rec" true
refused 'is for --baseline, which is not given' --max-leak=0 --tolerance=3 true
plan
