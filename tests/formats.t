#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One run, all formats: each gives the totals that the text dump has. Of programs with many names in which something is
# alive at the end (python3), in which hardly anything is (sqlite3), and that end by exit() in the midst of work (git).
. "${0%/*}/lib.sh"
have python3 || skip_all 'no python3'

cat >"$TMP/totals.py" <<'END_OF_PYTHON'
# totals.py FORMAT FILE: prints the totals that the file has, by key. The text dump's are what others are compared with,
# so its sizes are added up as folded stacks have them, and checked against the line that people read.
import collections, csv, itertools, json, re, sys

def html(text):
	return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script', text, re.S).group(1))

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&'()*+,-./:;=>?@[]^_`{|}~ "

def numbers(packed):		# as format/json_numbers.h describes it
	if isinstance(packed, list):
		return packed
	digits = iter([DIGITS.index(c) for c in packed[1:]])
	def number(digit):
		high = 0
		while digit >= 60:
			high = high * 31 + digit - 60
			digit = next(digits)
		return high * 60 + digit
	count, coded = number(next(digits)), []
	for digit in digits:
		if digit == 91:
			times, back = number(next(digits)), number(next(digits)) + 1
			for i in range(times):
				coded.append(coded[-back])
		else:
			coded.append(number(digit))
	if packed[0] == "+":
		coded = itertools.accumulate(-(n + 1) // 2 if n % 2 else n // 2 for n in coded)
	result = list(coded)
	if len(result) != count:
		print("a packed list of", len(result), "numbers says that it has", count)
	return result

def catalog(document):
	rows = document["catalog"]["rows"]
	totals = {key: sum(numbers(rows[key])) for key in KEYS}
	for key in KEYS:
		if document["totals"].get(key, totals[key]) != totals[key]:
			print(f"totals.{key} is {document['totals'][key]}, and the rows have {totals[key]}")
	return totals

def svg(text):
	# The tooltip of the frame of all has the sums, in bytes as people read them.
	size, count = re.search(r"<title>all\n(\S+ \w+) \(100\.0 %\), (\d+) blocks?<", text).groups()
	return {"size": want["size"] if size == human(want["size"]) else size, "count": int(count)}

def pprof(text):		# what go tool pprof -raw prints
	samples = text[text.index("Samples:"):text.index("Locations")].split("\n")
	names = [name.split("/")[0] for name in re.sub(r"\[dflt\]", "", samples[1]).split()]
	sums = collections.Counter()
	for line in samples[2:]:
		if re.match(r"\s*\d+(\s+\d+)*:", line):
			for name, n in zip(names, line.split(":")[0].split()):
				sums[name] += int(n)
	keys = {"inuse_space": "size", "inuse_objects": "count", "alloc_space": "total-size", "alloc_objects": "total-count", "peak_space": "heap-peak",
		"temporary_objects": "temporary"}
	return {key: sums[name] for name, key in keys.items()}

def perfetto(text):
	totals = {}
	for event in json.loads(text)["traceEvents"]:
		if event["name"] == "heap_live_bytes":
			totals["size"] = next(iter(event["args"].values()))
		elif event["name"] == "heap_report_stats":
			totals["count"] = event["args"]["live_alloc_count"]
	return totals

def massif(text):
	sizes = [int(n) for n in re.findall(r"^mem_heap_B=(\d+)$", text, re.M)]
	peak = re.search(r"^mem_heap_B=(\d+)\n(?:.*\n){2}heap_tree=peak$", text, re.M)
	return {"size": sizes[-1], "heap-peak": int(peak.group(1)) if peak else sizes[-1]}

def speedscope(text):
	profiles = {p["name"]: sum(p["weights"]) for p in json.loads(text)["profiles"]}
	return {key: n for key in KEYS for name, n in profiles.items() if re.match(re.escape(key) + r"\b(?!-)", name)}

def csv_(text):
	rows = list(csv.DictReader(text.splitlines(keepends=True), strict=True))
	head = rows[0].keys()
	return {key: sum(int(row[name]) for row in rows) for key in KEYS for name in head if re.fullmatch(key.replace("-", "_") + "_(bytes|blocks|calls)", name)}

def human(n):
	for unit, name in (1000000000, "GB"), (1000000, "MB"), (1000, "KB"):
		if n >= unit:
			return f"{n // unit}.{n % unit * 1000 // unit:03d} {name}"
	return f"{n} bytes"

KEYS = ["size", "count", "heap-peak", "total-size", "total-count", "temporary"]
if sys.argv[1] == "human":
	print(human(int(sys.argv[2])))
	sys.exit()
form, file, want = sys.argv[1:4]
text = open(file, encoding="utf-8", newline="").read()
want = json.loads(want)
got = {"json": lambda t: catalog(json.loads(t)), "html": lambda t: catalog(html(t)), "csv": csv_}.get(form, globals().get(form))(text)
for key, total in got.items():
	if total != want[key]:
		print(f"{key}: {form} has {total}, text has {want[key]}")
least = {"svg": 2, "pprof": 6, "perfetto": 2, "massif": 2}.get(form, len(KEYS))
if len(got) < least:
	print("totals of", list(got), "only")
END_OF_PYTHON

human() { # BYTES: as text has it
	python3 "$TMP/totals.py" human "$1"
}

# totals_of RECORD: the text dump's and the folded stacks', as JSON
totals_of() {
	local key sum all=
	for key in size count heap-peak total-size total-count temporary; do
		sum=$("$HEAPTRACE" --no-lines --report="$1" --sort=$key --format=folded --outfile=- | awk '{ sum += $NF } END { printf "%.0f", sum }')
		all="$all${all:+, }\"$key\": $sum"
	done
	echo "{$all}"
}

compare() { # NAME COMMAND...
	local name=$1 record=$TMP/$1.rec totals format file text lines=
	shift
	have "$1" || { skip "$name" "no $1"; return; }
	PYTHONMALLOC=malloc limit "$HEAPTRACE" --depth=128 --record="$record" "$@" </dev/null >/dev/null 2>&1
	ok $? "$name: it runs" || return
	totals=$(totals_of "$record")
	text=$("$HEAPTRACE" --report="$record" --summary --top=0)
	# The moment of it, which follows, is left out where the run was too short to tell.
	like "$text" "heap memory consumption: $(human "$(sed 's/.*"heap-peak": \([0-9]*\).*/\1/' <<<"$totals")")( after |"$'\n)' "$name: text, heap-peak"
	like "$text" "calls to allocation functions: $(sed 's/.*"total-count": \([0-9]*\).*/\1/' <<<"$totals") " "$name: text, total-count"
	like "$text" "temporary allocations: $(sed 's/.*"temporary": \([0-9]*\).*/\1/' <<<"$totals") " "$name: text, temporary"
	like "$text" "leaked: $(human "$(sed 's/.*"size": \([0-9]*\), "count.*/\1/' <<<"$totals")") in $(sed 's/.*"count": \([0-9]*\), "heap.*/\1/' <<<"$totals") " \
		"$name: text, size and count"
	# Sums do not depend on the lines of frames, which take most of the time: one program has them.
	[ "$name" = sqlite3 ] || lines=--no-lines
	for format in svg html pprof perfetto massif json speedscope csv; do
		file=$TMP/$name.$format
		"$HEAPTRACE" --report="$record" $lines --sort=size,count,heap-peak,total-size,total-count,temporary --top=0 --format=$format --outfile="$file" 2>"$TMP/err"
		is "$? $(cat "$TMP/err")" '0 ' "$name, $format: is written"
		if [ $format = pprof ]; then
			have go || { skip "$name, pprof" 'no go'; continue; }
			limit go tool pprof -raw "$file" >"$file.raw" 2>"$TMP/err" || diag "$(cat "$TMP/err")"
			file=$file.raw
		fi
		is "$(python3 "$TMP/totals.py" $format "$file" "$totals" 2>&1)" '' "$name, $format: the totals"
	done
}

compare python3 python3 -c 'import json, email.message, http.client; kept = [json.loads("[1, {\"a\": [2, 3]}]") for i in range(2000)]'
compare sqlite3 sqlite3 :memory: 'create table t(a, b); insert into t select value, hex(randomblob(50)) from generate_series(1, 5000); select count(*) from t;'
git -C "$TMP" init -q repository 2>/dev/null && cp -r "$TOP"/format "$TMP/repository" && git -C "$TMP/repository" add -A 2>/dev/null
compare git git -C "$TMP/repository" diff --cached --stat --patch --no-color

# ---- stacks that were cut by --depth ----

cat >"$TMP/deep.c" <<'END'
#include <stdlib.h>
void *keep[3];
__attribute__((noinline)) int down(int n) { if (!n) keep[0] = malloc(1000); else if (down(n - 1)) keep[1] = keep[0]; return n; }
int main(void) { keep[2] = malloc(10); return down(30) == 31; }
END
if ${CC:-cc} -O0 -fno-builtin -o "$TMP/deep" "$TMP/deep.c" 2>/dev/null; then
	"$HEAPTRACE" --record="$TMP/cut" "$TMP/deep" >/dev/null 2>&1
	"$HEAPTRACE" --record="$TMP/whole" --depth=128 "$TMP/deep" >/dev/null 2>&1
	words='stacks were cut at 8 frames: record with --depth=128 for longer ones'
	for format in svg html pprof perfetto massif speedscope folded; do
		is "$("$HEAPTRACE" --report="$TMP/cut" --format=$format --outfile="$TMP/cut.$format" 2>&1)" "heaptrace: $words" "$format: says that stacks were cut"
		is "$("$HEAPTRACE" --report="$TMP/whole" --format=$format --outfile="$TMP/whole.$format" 2>&1)" '' "$format: not if they were not"
	done
	is "$("$HEAPTRACE" --report="$TMP/cut" --format=json 2>&1 | grep -c "$words")" 0 'json: no line'
	like "$("$HEAPTRACE" --report="$TMP/cut" --format=json)" '"stacks-cut-at-frames":8' 'json: a figure'
	like "$("$HEAPTRACE" --report="$TMP/whole" --format=json)" '"stacks-cut-at-frames":0' 'json: and 0 where none was cut'
	grep -q "$words" "$TMP/cut.svg"
	ok $? 'svg: the picture says it, too'
	! grep -q 'stacks were cut' "$TMP/whole.svg"
	ok $? 'svg: or not'

	# A run that was traced with a build of the library that is gone: malloc() has no name then.
	mkdir "$TMP/copy" && cp "$HEAPTRACE" "${HEAPTRACE%/*}/libheaptrace.so" "$TMP/copy"
	"$TMP/copy/heaptrace" --record="$TMP/moved" --depth=128 "$TMP/deep" >/dev/null 2>&1
	rm "$TMP/copy/libheaptrace.so"
	svg=$("$HEAPTRACE" --report="$TMP/moved" --format=svg)
	like "$svg" '>\[malloc\.\.\.\]<' 'svg: malloc without its name is not shown as heaptrace'
else
	skip 'stacks that were cut' 'no C compiler'
fi
plan
