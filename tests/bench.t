#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make bench` in small: the form of what it writes, and the definition of its subjects; and the search for what
# costs most. No time is asserted.
. "${0%/*}/lib.sh"
LIMIT=60

# Not by make: it would rebuild the library when the tests have built it with other flags.
bench() {
	"$TOP/tests/bench/run" >"$TMP/out" 2>"$TMP/err"
}

# the number of fields of every line but the comments', as a list without repetition
widths() {
	awk -F, '!/^#/ { n[NF] } END { for (w in n) printf "%s ", w }' "$1"
}

# csv WORKLOAD TOOL COLUMN: a field by its name
csv() {
	awk -F, -v w="$1" -v t="$2" -v name="$3" '/^#/ { next }
		/^workload,/ { for (i = 1; i <= NF; i++) if ($i == name) column = i; next }
		$1 == w && $2 == t { print $column }' "$TMP/results/latest.csv"
}

like "$(make -n -C "$TOP" bench 2>&1)" 'tests/bench/run' 'make bench runs it'
programs=("$TOP"/tests/bench/*.c)
programs=("${programs[@]##*/}")
programs=("${programs[@]%.c}")
make -s -C "$TOP" WERROR=1 "${programs[@]/#/build/bench/}" 2>"$TMP/err" ||
	diag "$(cat "$TMP/err")"
export TMPDIR=$TMP/work BENCH_RESULTS=$TMP/results BENCH_ROUNDS=2 BENCH_SIZE=1
BENCH_ONLY='churn-1 churn-2 jq bash worst-1 ls dump library native depth-8 depth-128' bench
ok $? 'a small run' || diag "$(cat "$TMP/err")"
cmp -s "$TMP/out" "$TMP/results/latest.txt"
ok $? 'prints what it writes to latest.txt'
is "$(ls "$TMP/work")" '' 'leaves no temporary file behind'

text=$(cat "$TMP/results/latest.txt" 2>/dev/null)
for line in 'machine: .*cores' 'system: .*glibc' 'date: 20[0-9]{2}-' 'peers: heaptrace [0-9]' 'rounds: 2'; do
	like "$text" "# $line" "the text's head: $line"
done
like "$text" $'\nchurn-1      depth-8 +2 +[0-9.]+ +[0-9.]+ +[0-9]+\\.[0-9]{2} ' "the text's table"
like "$text" $'\nchurn 1 thread depth 128: x native +[0-9.]+ +[0-9.]+ +1\\.6 +1\\.4  (aim|must|no) +(aim|must|no)' \
	'what is to be reached, and whether it was'
like "$text" $'\nnode depth 8: x native +- ' 'what was not measured is marked'

is "$(widths "$TMP/results/latest.csv")" '17 ' 'as many fields in every row of the CSV'
is "$(widths "$TMP/results/figures.csv")" '7 ' 'and in the figures'
is "$(csv churn-2 native ratio_min)" 1.000 'native over native is 1'
is "$(csv churn-1 depth-8 rounds)" 2 'the count of rounds'
is "$(csv churn-1 depth-8 unit)/$(csv ls depth-8 unit)/$(csv worst-1 depth-8 unit)" ns/pair/ms/ns/block 'units'
is "$(csv bash depth-128 rounds)" 2 'a program that runs under few tools'
is "$(awk -F, '/^worst-1 depth (8|128): added/ { n += $2 != "" } END { print n }' "$TMP/results/figures.csv")" 2 \
	'what the worst case adds, beside the bound'
like "$(csv churn-2 depth-128 ratio_median)" '^[0-9]+\.[0-9]{3}$' 'a ratio'
is "$(csv churn-1 depth-8 ratio_min)" "$(awk -v a="$(csv churn-1 depth-8 min)" \
	-v b="$(csv churn-1 native min)" 'BEGIN { printf "%.3f", a / b }')" 'of the two minima'
if have jq; then
	like "$(csv jq depth-128 extra_kb_min)" '^[0-9]+$' 'jq: extra memory'
else
	like "$(csv jq native note)" 'not installed' 'jq: said not to be there'
fi
is "$(awk -F, '/stripped/ { print $2 != "" }' "$TMP/results/figures.csv")" 1 "the library's size"
is "$(awk -F, '/100000/ { n += $2 != "" } END { print n }' "$TMP/results/figures.csv")" 2 'dumps on a signal'

round() { # round TOOL NUMBER NS
	printf 'run\tchurn-1\t%s\tnative\t%s\tns/pair\t%s\t1\t1\t1000\n' "$@"
}
for values in 'native 1 1' 'native 2 2' 'native 3 4' 'depth-8 1 3' 'depth-8 2 2' 'depth-8 3 8'; do
	round $values
done >"$TMP/records"
is "$(awk -f tests/bench/table.awk -v order=churn-1 -v tools=depth-8 "$TMP/records" | awk -F, 'NR == 2 { print $7, $8 }')" \
	'2.000 2.000' "minimum over minimum, and the median of the rounds' ratios, not of the runs"

# What is worse than heaptrack: a workload where time is, and another where memory is.
awk -f tests/bench/worse.awk - >"$TMP/worse" <<'END'
workload,tool,unit,rounds,min,median,ratio_min,ratio_median,added_min,cpu_ms_min,peak_kb_min,peak_kb_median,extra_kb_min
ls,depth-8,ms,3,10,10,8.000,1.500,9,1,1,1,2000
ls,heaptrack,ms,3,2,2,2.000,2.000,1,1,1,1,3000
jq,depth-8,ms,3,10,10,1.100,1.100,9,1,1,1,2000
jq,depth-128,ms,3,10,10,1.100,1.100,9,1,1,1,4000
jq,heaptrack,ms,3,2,2,2.000,2.000,1,1,1,1,3000
bash,depth-8,ms,3,10,10,1.100,1.100,9,1,1,1,2000
END
is "$(cat "$TMP/worse")" 'workload,tool,what,ours,heaptrack
ls,depth-8,x native (minima),8.00,2.00
jq,depth-128,extra MB,4.10,3.07' 'what is worse than heaptrack, by the one figure or by the other'
awk -f tests/bench/markdown.awk "$TMP/results/latest.csv" >"$TMP/markdown"
is "$(grep -c '^| bash | [0-9]* ms | - | - | [0-9.]*, [0-9.]* | [0-9.]*, [0-9.]* | - |' "$TMP/markdown")" 1 \
	'a line of the table of the documentation'

BENCH_ONLY='churn-1 nonsense' bench
ok $((! $?)) 'an unknown name is refused'
like "$(cat "$TMP/err")" 'nonsense' 'and named'

# A peer that is not there: all of them, by a PATH without.
mkdir "$TMP/bin"
for tool in bash sh awk mawk gawk sed grep cat ls sort tail rm mkdir mktemp dirname basename \
	realpath date uname nproc getconf paste gcc git dpkg dpkg-query xargs stat strip readelf; do
	path=$(type -P "$tool") && ln -s "$path" "$TMP/bin/$tool"
done
PATH=$TMP/bin BENCH_ROUNDS=1 BENCH_ONLY='ls php heaptrack massif' bench
ok $? 'without any peer' || diag "$(cat "$TMP/err")"
like "$(cat "$TMP/err")" 'heaptrack: not installed \(apt-get install heaptrack' 'what to install is said'
like "$(cat "$TMP/err")" 'php: not installed \(apt-get install php-cli\)' 'of a program, too'
like "$(cat "$TMP/results/latest.txt")" 'massif not installed' 'and noted in the results'
is "$(csv php native note)" 'not installed (apt-get install php-cli)' 'both'

# The definition of churn: 256 stacks within 8 frames and in all, 20 calls below the loop.
for depth in 8 128; do
	"$HEAPTRACE" --depth=$depth --top=0 --outfile="$TMP/dump.$depth" "$TOP/build/bench/churn" 1 200000 >/dev/null
	is "$(awk '/^=== backtrace/ { split($6, count, "/") } / 1 \[.* f[0-3] \+/ { stacks++; blocks += count[1] }
		END { print stacks " stacks, " blocks " blocks" }' FS='[ :]+' "$TMP/dump.$depth")" \
		'256 stacks, 10000 blocks' "churn: stacks and live blocks at depth $depth"
done
is "$(awk '/^=== backtrace #2/ { exit } / (malloc|f[0-3]) \+/ { n++ } END { print n }' "$TMP/dump.128")" 20 \
	'churn: 20 calls deep'

# The search: each kind of program once, with both depths, and the file that it keeps the worst in.
BENCH_SIZE=2 "$TOP/tests/bench/search" 0 "$TMP/worst" >"$TMP/out" 2>"$TMP/err"
ok $? 'a short search' || diag "$(cat "$TMP/err")"
is "$(cat "$TMP/err")" '' 'no warning'
for kind in calls coroutines threads; do
	for depth in 8 128; do
		like "$(cat "$TMP/out")" "$kind +depth $depth +-?[0-9.]+ ns a block, +-?[0-9.]+ a frame.*of the bound \\(worst\\): seed=" \
			"$kind, depth $depth: what a block and a frame cost"
	done
done
is "$(sort -u "$TMP/worst" | grep -c '^random seed=')" 3 'one program of each kind is kept'
is "$(grep -c '^# .*of the bound$' "$TMP/worst")" 6 'with what it cost'
BENCH_SIZE=2 "$TOP/tests/bench/search" 0 "$TMP/worst" >"$TMP/out" 2>&1
is "$(grep -c '(kept)' "$TMP/out")" 6 'what the file has is measured again'
# The programs themselves: the same stacks each time, whose figures add up.
is "$("$TOP/build/bench/random" steps=1000 levels=3 stacks=9 | cut -d ' ' -f 2-)" '8.00 4.00 8.00 4.00 1000 1101' \
	'a random program: the frames of its stacks, and the new ones'
"$HEAPTRACE" --unwind=check --outfile="$TMP/dump" "$TOP/build/bench/random" steps=5000 framed=50 again=50 levels=60 \
	spread=40 branches=40 coroutines=8 yields=20 >/dev/null
like "$(cat "$TMP/dump")" 'unwinders compared +: [0-9]+ stacks, 0 disagree' 'its stacks are those of backtrace()'
"$TOP/build/bench/random" levels=0 >"$TMP/out" 2>&1
is "$?/$(cat "$TMP/out")" '2/random: not a parameter, or out of its range: levels=0' 'what is out of range is refused'

plan
