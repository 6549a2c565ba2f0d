#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# --format=speedscope: the document has the form that its schema asks for, and the stacks of the folded dump with the same
# weights, for each key. npm's speedscope imports it, and also the folded dump, the profile for pprof and the trace for Perfetto.
. "${0%/*}/lib.sh"

have python3 || skip_all 'no python3'

cat >"$TMP/scope.c" <<'END'
#include <stdlib.h>
void *volatile kept;
static inline __attribute__((always_inline)) void *wrap(int n) { return malloc(n); }
__attribute__((noinline)) void leaf(int n) { kept = wrap(n); kept = kept; }
__attribute__((noinline)) void left(void) { leaf(100); leaf(200); kept = kept; }
__attribute__((noinline)) void right(int n) { if (n) right(n - 1); else leaf(300); kept = kept; }
__attribute__((noinline)) void churn(void) { for (int i = 0; i < 3; i++) free(malloc(50)); }
int main(void) { churn(); left(); right(3); }
END
${CC:-cc} -g -O1 -fno-builtin -fno-inline-functions-called-once -o "$TMP/scope" "$TMP/scope.c" 2>"$TMP/log" || skip_all 'no C compiler'
"$HEAPTRACE" --record="$TMP/record" --outfile="$TMP/run.speedscope.json" "$TMP/scope"
report() {
	"$HEAPTRACE" --report="$TMP/record" "$@"
}
report --outfile="$TMP/x.speedscope.json"
for key in size count peak-size peak-count heap-peak total-size total-count temporary age; do
	report --sort=$key --outfile="$TMP/$key.folded"
done

cat >"$TMP/check.py" <<'END'
# check.py FILE: prints what is wrong with a document, and how its stacks differ from those of the folded dumps beside it
import json, os, sys
file = sys.argv[1]
d = json.load(open(file, encoding="utf-8"))
def need(good, what):
	if not good:
		print(what)
need(d["$schema"] == "https://www.speedscope.app/file-format-schema.json", "$schema")
need(set(d) <= {"$schema", "shared", "profiles", "name", "activeProfileIndex", "exporter"}, f"members {set(d)}")
frames = d["shared"]["frames"]
for f in frames:
	need(set(f) <= {"name", "file", "line"} and isinstance(f["name"], str), f"frame {f}")
	need(isinstance(f.get("file", ""), str) and f.get("line", 1) > 0, f"frame {f}")
need(len({json.dumps(f) for f in frames}) == len(frames), "a frame is there twice")
need(d["activeProfileIndex"] == 0, "activeProfileIndex")
for p in d["profiles"]:
	need(set(p) == {"type", "name", "unit", "startValue", "endValue", "samples", "weights"}, f"members {set(p)}")
	key = p["name"].split(":")[0]
	need(p["type"] == "sampled" and p["startValue"] == 0 and p["endValue"] == sum(p["weights"]), f"{key}: type, values")
	need(p["unit"] == ("bytes" if "size" in key or key == "heap-peak" else "nanoseconds" if key == "age" else "none"), f"{key}: unit")
	need(len(p["samples"]) == len(p["weights"]), f"{key}: as many samples as weights")
	got = sorted(";".join(frames[i]["name"] for i in s) + f" {w}" for s, w in zip(p["samples"], p["weights"]))
	want = sorted(open(os.path.dirname(file) + f"/{key}.folded").read().replace(" (inlined)", "").splitlines())
	need(got == want, f"{key}: {got}\nfolded: {want}")
print([p["name"].split(":")[0] for p in d["profiles"]])
END
is "$(python3 "$TMP/check.py" "$TMP/x.speedscope.json" 2>&1)" \
	"['size', 'count', 'peak-size', 'peak-count', 'heap-peak', 'total-size', 'total-count', 'temporary', 'age']" 'a document as the schema wants it'
report --sort=total-count,age --format=speedscope --outfile="$TMP/sorted"
is "$(python3 "$TMP/check.py" "$TMP/sorted" 2>&1)" \
	"['total-count', 'age', 'size', 'count', 'peak-size', 'peak-count', 'heap-peak', 'total-size', 'temporary']" '--sort: these keys come first'

# ask EXPRESSION: of the document d
ask() {
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
f = {f["name"]: (f.get("file", "").split("/")[-1], f.get("line")) for f in d["shared"]["frames"]}
print(eval(sys.argv[2]))' "${2:-$TMP/x.speedscope.json}" "$1" 2>&1
}
is "$(ask 'f["wrap"], f["churn"], f["left"]')" "(('scope.c', 3), ('scope.c', 7), ('scope.c', 5))" 'functions with files and lines'
is "$(ask 'f["main"]')" "('scope.c', 8)" 'one frame for all calls in a function'
like "$(ask 'd["name"], d["exporter"]')" "^\('scope [0-9]+, dump [0-9]+', 'heaptrace@[^']+'\)" 'what it is of'
is "$(ask 'd["profiles"][0]["endValue"]' "$TMP/run.speedscope.json")" 600 'a document that a run writes at its end'
report --hide=. --format=speedscope --outfile="$TMP/hidden"
is "$(ask '{d["shared"]["frames"][s[0]]["name"] for s in d["profiles"][0]["samples"]}' "$TMP/hidden")" "{'(all frames are hidden)'}" '--hide'

# More backtraces than a profile has: two calls of each function, 15 times.
cat >"$TMP/many.c" <<'END'
#include <stdlib.h>
void *volatile kept;
static int size;
__attribute__((noinline)) void walk(int n) { if (!n) { kept = malloc(++size); return; } walk(n - 1); kept = kept; walk(n - 1); kept = kept; }
int main(void) { walk(15); }
END
if ${CC:-cc} -O1 -fno-builtin -o "$TMP/many" "$TMP/many.c" 2>"$TMP/log"; then
	"$HEAPTRACE" --depth=20 --sort=size --outfile="$TMP/many.speedscope.json" "$TMP/many"
	is "$(ask 'len(d["profiles"][0]["samples"]), sum(d["profiles"][0]["weights"]), d["profiles"][0]["weights"][-2:], d["shared"]["frames"][d["profiles"][0]["samples"][-1][0]]["name"]' "$TMP/many.speedscope.json")" \
		"(20001, $((32768 * 32769 / 2)), [12769, $((12768 * 12769 / 2))], '(smaller backtraces)')" 'the smallest of very many backtraces are one'
else
	skip 'the smallest of very many backtraces are one' 'it cannot be built'
fi

report --outfile="$TMP/x.trace.json"
report --outfile="$TMP/x.folded"
report --outfile="$TMP/x.pb.gz"
in_browsers speedscope "$TMP/x.speedscope.json" "$(python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
weights = {"size": "600 B", "count": "3", "peak-size": "650 B", "peak-count": "4", "heap-peak": "600 B", "total-size": "750 B",
	   "total-count": "6", "temporary": "3"}
print(json.dumps({"title": d["name"], "profiles": [[p["name"], weights[p["name"].split(":")[0]]] for p in d["profiles"][:-1]],
	"functions": [["600 B", "600 B", "malloc"], ["600 B", "0 B", "leaf"], ["300 B", "0 B", "left"], ["300 B", "0 B", "right"], ["600 B", "0 B", "main"]]}))
' "$TMP/x.speedscope.json")" \
	"$TMP/x.folded" '{"title": "x.folded", "functions": [["600", "600", "malloc"], ["600", "0", "leaf"], ["300", "0", "left"], ["600", "0", "main"]]}' \
	"$TMP/x.trace.json" '{"title": "x.trace.json", "functions": []}'
plan
