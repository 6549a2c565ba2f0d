#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# --format=json: each document is valid JSON, and says what the text dump of the same moment says. Both are
# made of one --record file, whose figures do not change any more.
. "${0%/*}/lib.sh"

have python3 || skip_all 'no python3'

cat >"$TMP/json.cc" <<'END'
#include <cstdlib>
#include <vector>
static inline __attribute__((always_inline)) void *inner(size_t n) { return malloc(n); }
namespace shapes {
template <typename T> struct Tree { T *cells; __attribute__((noinline)) void grow(int n) { cells = (T *)inner(n * sizeof(T)); } };
}
extern "C" __attribute__((noinline)) void *churn(int n) { for (int i = 0; i < n; i++) free(malloc(1000)); return malloc(0); }
int main(void)
{
	static shapes::Tree<long> trees[5];
	static std::vector<void *> kept;
	for (int i = 0; i < 5; i++)
		trees[i].grow(100 * (i + 1));
	for (int i = 0; i < 3; i++)
		kept.push_back(calloc(i + 1, 77));
	kept.push_back(churn(50));
}
END
${CXX:-c++} -g -O1 -fno-builtin -o "$TMP/json" "$TMP/json.cc" 2>"$TMP/log" || skip_all 'no C++ compiler'

# compare.py TEXT JSON KEY...: prints what differs between the text dump with these sections and the document
cat >"$TMP/compare.py" <<'END'
import json, re, sys

text = open(sys.argv[1], encoding="utf-8").read()
document = json.load(open(sys.argv[2], encoding="utf-8"))
rows = {row["id"]: row for row in document["rows"]}
keys = sys.argv[3:]

def differ(what, got, want):
	if got != want:
		print(f"{what}: json {got!r}, text {want!r}")

def size(n):
	if n < 1000:
		return f"{n} bytes"
	for unit, bytes in ("KB", 1000), ("MB", 1000000), ("GB", 1000000000):
		if n < bytes * 1000 or unit == "GB":
			return f"{n // bytes}.{n % bytes * 1000 // bytes:03d} {unit}"

def line(number, f):
	text = f"{number:2d} [{f['address']:>14}] "
	if f["function"] is not None:
		text += f["function"]
	elif f["module"] is None or f["inlined"]:
		text += "?"
	else:
		text += f"{f['module']} (+{f['module-offset']})"
	if f["inlined"]:
		text += " (inlined)"
	elif f["function"] is not None and f["function-offset-bytes"] is not None:
		text += f" +{hex(f['function-offset-bytes'])}"
	if f["file"] is not None:
		text += f" at {f['file']}:{'?' if f['line'] is None else f['line']}"
	return text

def row_text(number, row, key):
	head = f"=== backtrace #{number} === [count/peak: {row['count']}/{row['peak-count']}] "
	head += f"[size/peak: {size(row['size'])}/{size(row['peak-size'])}]"
	return [head] + [line(n, f) for n, f in enumerate(row["frames"])]

differ("keys", [s["key"] for s in document["sections"]], keys)
for section, dump in zip(document["sections"], re.split(r"^\[heaptrace\] dump allocation status", text, flags=re.M)[1:]):
	key = section["key"]
	listed = [rows[id] for id in section["rows"]]
	differ(f"{key}: order", [r[key] for r in listed], sorted((r[key] for r in listed), reverse=True))
	got = [l for n, r in enumerate(listed, 1) for l in row_text(n, r, key)]
	want = [re.sub(r" \[age: .*", "", l) for l in dump.split("\n") if re.match(r"=== |[ \d]\d \[", l)]
	for g, w in zip(got, want):
		differ(key, g, w)
	differ(f"{key}: lines", len(got), len(want))
	for head, value in ("num of backtrace ", str(document["totals"]["rows"])), ("allocation size  ", size(document["totals"]["size"])):
		differ(f"{key}: {head}", value, re.search(rf"{head}: (.*)", dump).group(1))
if sum(1 for r in rows.values() if r["count"]) == document["totals"]["rows"]:
	for key in "size", "count":
		differ(f"sum of {key}", sum(r[key] for r in rows.values()), document["totals"][key])
for row in rows.values():
	for low, high in ("size", "peak-size"), ("count", "peak-count"), ("count", "total-count"), ("temporary", "total-count"):
		if row[low] > row[high]:
			print(f"row {row['id']}: {low} is above {high}")
END

"$HEAPTRACE" --depth=20 --record="$TMP/record" --outfile="$TMP/exit.txt" "$TMP/json"
report() {
	"$HEAPTRACE" --report="$TMP/record" "$@"
}

for sort in size count,age total-size,size,temporary,heap-peak; do
	report --top=0 --sort=$sort --outfile="$TMP/all.txt"
	report --top=0 --sort=$sort --format=json --outfile="$TMP/all.json"
	case $sort in
	total*) keys=(total-size size temporary heap-peak) ;;
	count*) keys=(count age) ;;
	*) keys=(size) ;;
	esac
	is "$(python3 "$TMP/compare.py" "$TMP/all.txt" "$TMP/all.json" "${keys[@]}" 2>&1)" '' "--sort=$sort: what the text says"
done
report --top=2 --outfile="$TMP/two.txt"
report --top=2 --format=json --outfile="$TMP/two.json"
is "$(python3 "$TMP/compare.py" "$TMP/two.txt" "$TMP/two.json" size 2>&1)" '' '--top'
is "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["text"], end="")' "$TMP/two.json" | diff - "$TMP/two.txt" | head)" '' \
	'it contains the text dump'

# ask EXPRESSION: of the document d, whose rows are r
ask() {
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
r = d["rows"]
print(eval(sys.argv[2]))' "$TMP/all.json" "$1" 2>&1
}
is "$(ask 'd["schema"], d["version"]')" "('heaptrace-report', 2)" 'it names its schema'
is "$(ask 'd["pools"]')" '[]' 'a program without pools has an empty list of them'
is "$(ask '[(x["temporary"], x["total-size"], x["count"]) for x in r if any(f["function"] == "churn" for f in x["frames"]) and x["temporary"]]')" \
	'[(50, 50000, 0)]' 'a row that was freed is there, for keys of the past'
is "$(ask 'sum(x["total-count"] for x in r) == d["totals"]["total-count"] and sum(x["heap-peak"] for x in r) == d["totals"]["heap-peak"]')" True \
	'sums over all rows are the totals'
is "$(ask '[[f["function"][:5], f["inlined"], f["line"], f["file"][-7:]] for x in r for f in x["frames"] if f["function"] and f["function"].startswith("inner")][0]')" \
	"['inner', True, 3, 'json.cc']" 'an inlined call has its file and line'
is "$(ask 'd["moment"]["reason"], d["process"]["command"], d["process"]["statm"], d["ignore"]')" "('asked', 'json', None, None)" 'the process and the moment'
is "$(ask 'all(isinstance(v, (int, str, bool, list, dict, type(None))) for x in r for v in x.values())')" True 'numbers are whole'

printf 'churn\nno such name\n' >"$TMP/rules"
report --ignore="$TMP/rules" --format=json --outfile="$TMP/all.json" 2>/dev/null
is "$(ask 'd["ignore"]["unmatched"], d["totals"]["ignored-rows"], [x for x in r if any(f["function"] == "churn" for f in x["frames"])]')" \
	"(['no such name'], 1, [])" '--ignore'

# Names of any bytes: what is no UTF-8 is replaced. Control characters, <, ends of lines and characters that change
# the direction of text are escaped.
odd=$'q"\\\n\x01<\xff\xc3\xa9\xc2\x85\xd8\x9c\xe2\x80\xae\xe2\x80\xa8\xe2\x81\xa6\xf0\x9f\x98\x80'
mkdir "$TMP/odd"
strip -o "$TMP/odd/$odd" "$TMP/json"
"$HEAPTRACE" --record="$TMP/odd.record" --outfile=/dev/null "$TMP/odd/$odd"
"$HEAPTRACE" --report="$TMP/odd.record" --format=json --outfile="$TMP/all.json"
is "$(ask '{f["module"].split("/odd/")[1] for x in r for f in x["frames"] if "/odd/" in (f["module"] or "")} == {"q\"\\\n\x01<\ufffd\xe9\x85\u061c\u202e\u2028\u2066\U0001f600"}')" \
	True 'a name of any bytes'
is "$(LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f<]|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$TMP/all.json")" 0 \
	'and all that must be escaped is'

# The ending of a link to a standard stream chooses the format as any other does.
for stream in stdout stderr; do
	ln -s /dev/$stream "$TMP/$stream.json"
	report --outfile="$TMP/$stream.json" >"$TMP/all.json" 2>&1
	is "$(ask 'd["schema"]')" 'heaptrace-report' "--report to a link to $stream"
	"$HEAPTRACE" --outfile="$TMP/$stream.json" "$TMP/json" >"$TMP/all.json" 2>&1
	is "$(ask 'd["schema"]')" 'heaptrace-report' "a program's dump to a link to $stream"
done

# Fields and doc/json.md are the same.
report --format=json --outfile="$TMP/diff.json" --diff="$TMP/odd.record"
"$HEAPTRACE" --histogram --record="$TMP/histogram.record" --outfile=/dev/null "$TMP/json"
"$HEAPTRACE" --report="$TMP/histogram.record" --histogram --group=function --ignore="$TMP/rules" --format=json >"$TMP/histogram.json" 2>/dev/null
"$HEAPTRACE" --outfile="$TMP/exit.json" sh -c 'echo; :' >/dev/null
${CC:-cc} -O1 -o "$TMP/growth" "$TOP/tests/subjects/growth.c" 2>/dev/null &&
	"$HEAPTRACE" --quiet --record="$TMP/growth.record" "$TMP/growth" 1 leak &&
	"$HEAPTRACE" --report="$TMP/growth.record" --growth --format=json >"$TMP/growth.json"
python3 - "$TOP/doc/json.md" "$TMP"/{diff,histogram,growth,exit}.json >"$TMP/fields" 2>&1 <<'END'
import json, re, sys
names = set()
def walk(v):
	if isinstance(v, dict):
		for k, w in v.items():
			names.add(k)
			walk(w)
	elif isinstance(v, list):
		for w in v:
			walk(w)
for file in sys.argv[2:]:
	walk(json.load(open(file)))
doc = open(sys.argv[1]).read()
if len(names) < 150:
	print("only", len(names), "fields")
for name in sorted(names):
	if not re.search(rf"[`.]{re.escape(name)}[`.]", doc):
		print(name)
END
is "$(cat "$TMP/fields")" '' 'doc/json.md names each field'

plan
