#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The data of a HTML report, as report/data.js reads them, without a browser: the same as those of --format=json and of the
# text dump, for programs that nobody here wrote, whatever bytes names have, with --diff and --histogram; and how large
# and how soon written the report of a large run is.
. "${0%/*}/lib.sh"

have node || skip_all 'no node'
data="node $TOP/tests/tools/report_data.js"
CC=${CC:-cc}

# report NAME FORMAT OPTION...: writes $TMP/NAME.FORMAT of $TMP/NAME.rec
report() {
	"$HEAPTRACE" --report="$TMP/$1.rec" --outfile="$TMP/$1.$2" "${@:3}" 2>>"$TMP/log"
}

# record NAME OPTION... -- PROGRAM...
record() {
	"$HEAPTRACE" --quiet --depth=255 --record="$TMP/$1.rec" "${@:2}" >/dev/null 2>&1
}

# The rows and frames of whole runs are those of a text dump at full depth; and a packed document says what a plain one does.
python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null)
echo 'int x;' >"$TMP/x.cc"
for run in "$python -c 1" "clang++ -fsyntax-only $TMP/x.cc" "sqlite3 :memory: select(1)"; do
	name=$(basename "${run%% *}")
	if [ "${run:0:1}" = ' ' ] || ! record "$name" $run; then
		skip "$name" "no ${name:-python3}"
		continue
	fi
	report "$name" html
	report "$name" json
	report "$name" txt --sort=total-count --top=0
	is "$($data stacks "$TMP/$name.html" "$TMP/$name.txt" 2>&1)" '' "$name: rows and frames are those of the text dump"
	is "$($data sums "$TMP/$name.html" 2>&1)" '' "$name: rows add up to the totals"
	is "$($data same "$TMP/$name.html" "$TMP/$name.json" 2>&1)" '' "$name: html and json say the same"
done

# Earlier moments: a run that grows for a second, with its snapshots.
if built 'a run that grows' $CC -O1 -o "$TMP/growth" tests/subjects/growth.c; then
	record growth "$TMP/growth" 1.2 leak cache steady
	report growth html
	report growth json
	is "$($data sums "$TMP/growth.html" 3 2>&1)" '' 'the rows of each snapshot add up to its total'
	is "$($data same "$TMP/growth.html" "$TMP/growth.json" 2>&1)" '' 'html and json say the same of them'
	"$HEAPTRACE" --quiet --record="$TMP/growth.rec" "$TMP/growth" 2 leak end
	report growth json --skip=get
	like "$(grep -A2 '"findings"' "$TMP/growth.json")" 'comes from leak\(\).*, and goes on growing, by [0-9.]+ ([KM]B|bytes) a second\.' \
		'what goes on growing is said first'
fi

# Two runs.
if built '--diff' $CC -g -O1 -w -o "$TMP/old" tests/subjects/diff.c &&
	built '--diff' $CC -g -O1 -w -DREFACTORED -DPLANTED -o "$TMP/new" tests/subjects/diff.c; then
	record old "$TMP/old"
	record new "$TMP/new"
	report new html --diff="$TMP/old.rec"
	report new json --diff="$TMP/old.rec"
	is "$($data diff "$TMP/new.html" 2>&1)" '' '--diff: both runs are whole, and the entries add them up'
	is "$($data same "$TMP/new.html" "$TMP/new.json" 2>&1)" '' '--diff: html and json say the same'
	is "$($data find "$TMP/new.html" load main extra | grep -v __libc | sort | tr '\n' ' ')" '"extra" "load" "main" ' \
		'--diff: a function of both runs is one, although the program has another name' ||
		diag "$($data find "$TMP/new.html" '')"
	like "$(grep '"findings"' "$TMP/new.json")" \
		'The live heap has grown from 23\.000 KB in the older run to 31\.000 KB; what comes from extra\(\), at .*/diff\.c:[0-9]+, has 5\.000 KB more\.' \
		'--diff: what has grown most is said first'
fi

# Two runs that free all at their ends: they differ in the peak.
cat >"$TMP/peak.c" <<'END'
#include <stdlib.h>
__attribute__((noinline)) static void *hold(int n) { return malloc(n * 1000000); }
int main(int argc, char **argv) { void *volatile p = hold(argc); free(p); return 0; }
END
if built 'two peaks' $CC -g -O1 -w -fno-builtin -o "$TMP/peak" "$TMP/peak.c"; then
	record small "$TMP/peak"
	record large "$TMP/peak" more
	report large json --diff="$TMP/small.rec"
	like "$(grep '"findings"' "$TMP/large.json")" \
		'"findings":\["The peak of the heap has grown from 1\.0.* MB in the older run to 2\.0.* MB; what comes from hold\(\), at .*/peak\.c:2, has 1\.000 MB more\.' \
		'--diff: a peak that has grown is said first where little is alive'
	report small json --diff="$TMP/small.rec"
	is "$(grep -c 'The peak of the heap has' "$TMP/small.json")" 0 '--diff: nothing is said of a peak that is the same'
fi

# Names of any bytes, in symbols, paths and threads.
cat >"$TMP/odd.c" <<'END'
#include <stdlib.h>
#include <sys/prctl.h>
static void *volatile kept;
#define F(name)	__attribute__((noinline)) void name(void) { kept = malloc(100); }
F(odd_a) F(odd_b) F(odd_c) F(odd_d)
int main(void)
{
	prctl(PR_SET_NAME, "</script>\"\xff\xe2\x80\xae");
	odd_a(); odd_b(); odd_c(); odd_d();
	return 0;
}
END
a=$'</script><script>alert("a")</script>&amp;\\' b=$'line\nbreak\x01\x7f\xc2\x85\xe2\x80\xa8' c=$'\xff\xfe\xed\xa0\x80\xc0\x80bad'
printf 'odd_d %s\n' "$(head -c 65536 /dev/zero | tr '\0' x)end" >"$TMP/symbols"
odd=$TMP/$'<b>"\n\xff<'
mkdir "$odd"
if $CC -O1 -c -o "$TMP/odd.o" "$TMP/odd.c" 2>"$TMP/log" && objcopy --redefine-sym odd_a="$a" --redefine-sym odd_b="$b" \
	--redefine-sym odd_c="$c" --redefine-syms="$TMP/symbols" "$TMP/odd.o" 2>"$TMP/log" && $CC -o "$odd/script>" "$TMP/odd.o"; then
	record odd "$odd/script>"
	report odd html
	report odd json
	is "$($data find "$TMP/odd.html" alert line bad)" '"</script><script>alert(\"a\")</script>&amp;\\"
"line\nbreak\u0001'$'\x7f\xc2\x85\xe2\x80\xa8''"
"'$'\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd''bad"' 'names of any bytes'
	is "$($data same "$TMP/odd.html" "$TMP/odd.json" 2>&1)" '' 'they do not end the document, and do not change it'
	is "$(grep -o '</script' "$TMP/odd.html" | wc -l)" "$(($(grep -c '^SCRIPT' format/html_files.def) + 1))" 'no name closes an element'
	is "$(LC_ALL=C sed -n '/id="report"/,/<\/script>/p' "$TMP/odd.html" | sed '1d;$d' |
		LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f<]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]')" 0 'and what must be escaped is'
	is "$(python3 -c 'import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
print(d["process"]["program"] == sys.argv[2], [ascii(t["threads"][0]["name"]) for t in d["catalog"]["thread-sets"]])' "$TMP/odd.json" \
		"$TMP/<b>\""$'\n\xef\xbf\xbd'"</script>" 2>&1)" "True ['\\'</script>\"\\\\ufffd\\\\u202e\\'']" 'a path and a thread of any bytes'
else
	skip 'names of any bytes' 'the symbols cannot be renamed'
fi

# What stands out: each function has its sentence.
cat >"$TMP/found.c" <<'END'
#include <stdlib.h>
#include <string.h>
static void *volatile kept;
__attribute__((noinline)) static void *get(size_t size) { void *block = malloc(size); return memset(block, 1, size); }
__attribute__((noinline)) static void load(void) { void *block = get(20000000); get(1); free(block); }
__attribute__((noinline)) static void churn(void) { for (int i = 0; i < 200000; i++) free(get(10)); }
__attribute__((noinline)) static void keep(void) { kept = get(1000000); }
int main(void) { keep(); churn(); load(); return 0; }
END
if built 'what is said of a run' $CC -g -O0 -o "$TMP/found" "$TMP/found.c"; then
	record found "$TMP/found"
	report found json --skip=get
	is "$(python3 -c 'import json, re, sys
for line in json.load(open(sys.argv[1]))["findings"]:
	print(re.sub(r"/\S*/", "", re.sub(r", [\d.]+ ([mu]s|secs) after the start,", "", line)))' "$TMP/found.json")" \
'At its peak the heap had 21.000 MB; 95 % of that comes from load(), at found.c:5.
99.9 % of the calls, 200000 of 200003, are temporary: freed before the same thread allocates again; 100 % of these come from churn(), at found.c:6.
99.9 % of what is never freed, 1.000 MB of 1.000 MB, comes from keep(), at found.c:7.' 'what is said of a run'
fi

# Figures.
cat >"$TMP/figures.c" <<'END'
#include "base/out.h"
#include <stdlib.h>
int main(void)
{
	static const uint64_t edges[] = { 0, 2, 999, 1000, 999999, 1000000, 59999999999, 60000000000, 61000000000, 3599999999999,
					  3600000000000, 3660000000000, 90061000000000 };
	char buf[4096];
	struct out out;
	out_init(&out, 1, buf, sizeof(buf));
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t whole = i % 2 ? 1 + random() % 3000 : 1 + random(), part = random() % (whole + 1);
		if (i < sizeof(edges) / sizeof(*edges))
			part = edges[i], whole = part + 1;
		if (i > 2990)
			part = whole - random() % 2;
		part += part == 1;		/* the script of a flame graph says "1 byte" */
		out_u64(&out, part);
		out_char(&out, '\t');
		out_u64(&out, whole < part ? part : whole);
		out_char(&out, '\t');
		out_share(&out, part, whole < part ? part : whole);
		out_char(&out, '\t');
		out_time(&out, part);
		out_char(&out, '\t');
		out_size(&out, part);
		out_char(&out, '\n');
	}
	return !out_flush(&out);
}
END
if built figures $CC -std=gnu11 -D_GNU_SOURCE -I. -w -o "$TMP/figures" "$TMP/figures.c" base/{out,printable}.c; then
	"$TMP/figures" >"$TMP/figures.txt"
	is "$(wc -l <"$TMP/figures.txt") $($data figures "$TMP/figures.txt" 2>&1)" '3000 ' 'figures are written as in a text dump'
fi

# Sizes of blocks.
record sizes --histogram sh -c 'ls -l /usr/bin >/dev/null'
report sizes html --histogram
report sizes json --histogram
is "$($data histograms "$TMP/sizes.html" "$TMP/sizes.json" 2>&1)" '' '--histogram: the rows have the same in html and json'
is "$($data same "$TMP/sizes.html" "$TMP/sizes.json" 2>&1)" '' '--histogram: and all else'

# 100,000 backtraces with 1 MB of names.
if built '100,000 backtraces' $CC -O0 -o "$TMP/many" tests/subjects/many_rows.c; then
	record many "$TMP/many"
	TIMEFORMAT=%U
	seconds=$( { time report many html; } 2>&1)
	bytes=$(stat -c %s "$TMP/many.html")
	read=$($data seconds "$TMP/many.html")
	diag "100,000 backtraces: $bytes bytes, written in $seconds s, read in $read s of processor time"
	ok $((bytes > 30000000)) '100,000 backtraces: less than 30 MB'
	awk "BEGIN { exit !($seconds < 40) }"
	ok $? 'written in less than 40 s, which is ten times as long as it takes'
	awk "BEGIN { exit !($read < 10) }"
	ok $? 'read in less than 10 s'
	is "$($data sums "$TMP/many.html" 2>&1)" '' 'the rows add up'
fi

plan
