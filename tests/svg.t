#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# --format=svg: flame graphs are well-formed, their figures are those of the text dump and of the folded stacks, and both
# browsers draw, zoom and search them.
. "${0%/*}/lib.sh"

have python3 || skip_all 'no python3'
cd "$TOP" || exit 1
CC=${CC:-cc}

# record NAME COMMAND...: leaves $TMP/NAME.rec
record() {
	"$HEAPTRACE" --quiet --depth=128 --record="$TMP/$1.rec" "${@:2}" >/dev/null 2>&1
}

# report NAME ENDING OPTION...: leaves $TMP/NAME.ENDING
report() {
	limit "$HEAPTRACE" --report="$TMP/$1.rec" --outfile="$TMP/$1.$2" "${@:3}" 2>"$TMP/log"
}

# check.py SVG [FOLDED]: prints what is wrong with a flame graph
cat >"$TMP/check.py" <<'END'
import json, os, re, sys
import xml.etree.ElementTree as xml

SVG = "{http://www.w3.org/2000/svg}"
root = xml.parse(sys.argv[1]).getroot()
data = json.loads(root.find(f"{SVG}script[@id='data']").text)
stride = 2 + data["columns"]
nodes = [data["nodes"][i:i + stride] for i in range(0, len(data["nodes"]), stride)]
names = data["functions"][::2]
modules = [data["modules"][m][0] if m >= 0 else "" for m in data["functions"][1::2]]

def name(n):
    return names[n[1]] or f"[{modules[n[1]] or 'no module'}]"

def wrong(text):
    print(text)

# The tree: levels, and no node has less than those inside of it.
paths, inside = [], []
sums = {}
for i, n in enumerate(nodes):
    if n[0] > len(inside) or (not n[0]) != (not i):
        wrong(f"node {i} has level {n[0]} behind level {len(inside) - 1}")
        break
    del inside[n[0]:]
    for c in range(data["columns"]) if n[0] else []:
        sums[inside[-1], c] = sums.get((inside[-1], c), 0) + n[2 + c]
    inside.append(i)
    paths.append([name(nodes[p]) for p in inside[1:]])
for (i, c), sum_inside in sums.items():
    if sum_inside > nodes[i][2 + c]:
        wrong(f"{paths[i]}: column {c} has {nodes[i][2 + c]}, and {sum_inside} inside")

# What is drawn without scripts: widths are shares, and lie within those of the level above.
frames = root.find(f"{SVG}svg[@id='frames']")
total = nodes[0][2]
levels = {}
for f in frames:
    x, width, y = float(f.get("x")[:-1]), float(f.get("width")[:-1]), int(f.get("y"))
    levels.setdefault(y, []).append((x, x + width))
    if f.find(f"{SVG}title") is None:
        wrong("a frame without a title")
shown = {(n[0], " ".join(paths[i][-1:])): 0 for i, n in enumerate(nodes)}
for i, n in enumerate(nodes):
    shown[n[0], " ".join(paths[i][-1:])] += n[2] if total else 0
drawn = {}
for f in frames:
    key = int(f.get("y")) // 17, f.find(f"{SVG}title").text.split("\n")[0]
    drawn[key] = drawn.get(key, 0) + float(f.get("width")[:-1])
for (level, text), percent in drawn.items():
    want = shown.get((level, text if level else ""), 0) * 100 / total if total else 100
    if len(text) < 400 and percent > want + 0.05 or len(frames) == len(nodes) and abs(percent - want) > 0.05:
        wrong(f"{text} on level {level} is {percent} % wide, and has {want} % of the weight")
for y, spans in levels.items():
    above = sorted(levels.get(y - 17, [(0, 100)]))
    for a, b in zip(sorted(spans), sorted(spans)[1:]):
        if a[1] > b[0] + 0.0021:
            wrong(f"frames overlap at {y}: {a} {b}")
    for a in spans:
        if not any(o[0] <= a[0] + 0.0011 and a[1] <= o[1] + 0.0011 for o in above):
            wrong(f"a frame at {y} has no frame above it: {a}")

# Folded stacks, in which the backtraces stand one by one.
if len(sys.argv) > 2:
    want = {}
    for line in open(sys.argv[2], encoding="utf-8", errors="replace"):
        stack, value = line.rstrip("\n").rsplit(" ", 1)
        path = []
        for frame in stack.split(";"):
            frame = re.sub(r" \(inlined\)$", "", frame)
            place = re.fullmatch(r"(/.*|\?) \(\+0x[0-9a-f]+\)", frame)
            frame = f"[{os.path.basename(place[1])}]" if place else "[no module]" if frame == "?" else frame
            if not (path and path[-1] == frame and frame[0] == "["):
                path.append(frame)
        for end in range(len(path) + 1):
            key = ";".join(path[:end])
            want[key] = want.get(key, 0) + int(value)
    got = {}
    for i, n in enumerate(nodes):
        key = ";".join(text.replace(";", ":") for text in paths[i])
        got[key] = got.get(key, 0) + n[2]
    for key in got:
        if got[key] != want.get(key):
            wrong(f"{key}: svg {got[key]}, folded {want.get(key)}")
    for key in want:
        if key not in got and want[key] * 50000 > want[""]:
            wrong(f"{key}: {want[key]} is not in the picture")
END
check() { # NAME TEST [OPTION...]
	local problems
	report "$1" folded "${@:3}" && report "$1" svg "${@:3}"
	problems=$(python3 "$TMP/check.py" "$TMP/$1.svg" "$TMP/$1.folded" 2>&1 | head -n 8)
	[ -z "$problems" ]
	ok $? "$2" || diag "$problems"
}

# The parts of a picture: what is said above it, and the frames.
head_of() {
	sed -n '/<g id="head">/,/^<\/g>/p' "$TMP/$1.svg"
}
frames_of() {
	sed -n '/<svg id="frames"/,/^<\/svg>/p' "$TMP/$1.svg"
}

# ---- Figures ----

build() { # NAME FLAG...
	$CC -g -O1 -w -o "$TMP/$1" "${@:2}" tests/subjects/svg.c && record "$1" "$TMP/$1"
}
build known
ok $? 'the subject runs' || plan
check known 'known stacks: well-formed, and the same figures as the folded stacks'
is "$(grep -c 'size, 32.000 KB in all, 15 blocks;' "$TMP/known.svg")" 1 'the head has the total'
report known txt --top=0
like "$(cat "$TMP/known.txt")" 'heap traced allocation size  : 32.000 KB' 'which is that of the text dump'
like "$(frames_of known)" '<title>load
known
10.000 KB \(31.3 %\), 10 blocks</title>' 'a tooltip has size, count and share'
like "$(head_of known)" "Bytes alive: known \(pid [0-9]+\)</text>
.*
<text [^>]*>dump [0-9]+ on request, .* after the start</text>" 'the head says what this is, of whom, why and when'
check known 'by another key' --sort=total-size
like "$(frames_of known)" '<title>load
known
30.000 KB \(57.7 %\), 11 calls' 'which shows what was freed, too'
check known 'by a number' --sort=total-count,size
is "$(grep -o '"name":"[a-z-]*"' "$TMP/known.svg" | tr '\n' ' ')" '"name":"total-count" "name":"size" ' 'with several keys it has the figures of each'
report known svg --min-size=6500
is "$(grep -c '"load"\|"hostile"' "$TMP/known.svg") $(grep -c '"keep"' "$TMP/known.svg")" '1 0' '--min-size leaves frames out'
like "$(head_of known)" 'left out by --min-size, [a-z -]*: 4 backtraces, 15.000 KB' 'and is mentioned'
report known svg --focus=keep
like "$(head_of known)" 'size, 6.000 KB in all, 1 block;' '--focus'
record empty /bin/true
report empty svg && python3 "$TMP/check.py" "$TMP/empty.svg" >"$TMP/problems" 2>&1
is "$? $(cat "$TMP/problems")" '0 ' 'a program that keeps nothing has a picture, too'

# Programs that nobody here wrote.
record perl perl -MData::Dumper -e '%h = map { $_ => [1 .. 3] } 1 .. 300; print length Dumper(\%h)'
check perl 'perl'
record python python3 -c 'import json, re; x = json.dumps(list(range(1000)))'
check python 'python3, at its peak' --sort=heap-peak

# ---- Two runs ----

build grown -DGROWN
ok $? 'the second subject runs'
report grown svg --diff="$TMP/known.rec" && python3 "$TMP/check.py" "$TMP/grown.svg" >"$TMP/problems" 2>&1
is "$? $(cat "$TMP/problems")" '0 ' '--diff: well-formed'
like "$(head_of grown)" '32.000 KB -> 42.000 KB, \+10.000 KB \(\+31.3 %\)' '--diff: both totals'
like "$(frames_of grown)" '<title>load
[a-z]*
10.000 KB -> 25.000 KB, \+15.000 KB \(\+150.0 %\)
10 -> 25, \+15 \(\+150.0 %\) blocks</title><rect [^>]*class="g4"' '--diff: a frame has both figures, and a colour of growth'
like "$(frames_of grown)" '<title>keep
[a-z]*
6.000 KB -> 6.000 KB \(no change\)
.*</title><rect [^>]*class="s0"' '--diff: what has not changed has none'
like "$(head_of grown)" 'gone: 5.000 KB in dropped' '--diff: what is gone is named'

# ---- Names ----

# Symbols with any bytes but NUL. The long one has 64 KB.
cp "$TMP/known" "$TMP/evil"
hostile=$'a"b\'c<script>alert(1)</script>]]></title><b>&amp;\n\t\e[31m\x9b\xff\xfe\xc2\x9b\xe2\x80\xae\xef\xbf\xbe\\u0041\\'
if have objcopy && objcopy --redefine-sym hostile="$hostile" --redefine-sym keep="$(head -c 65000 /dev/zero | tr '\0' L)" \
	"$TMP/evil" 2>"$TMP/log"; then
	mkdir "$TMP/<&\"dir"
	mv "$TMP/evil" "$TMP/<&\"dir/<i>&\"x"
	record evil "$TMP/<&\"dir/<i>&\"x"
	report evil svg
	python3 - "$TMP/evil.svg" >"$TMP/problems" 2>&1 <<'END'
import json, sys, unicodedata
import xml.etree.ElementTree as xml
SVG = "{http://www.w3.org/2000/svg}"
root = xml.parse(sys.argv[1]).getroot()
if root.findall(".//{*}b") or len(root.findall(".//{*}script")) != 2:
    print("a name became markup")
names = json.loads(root.find(f"{SVG}script[@id='data']").text)["functions"][::2]
want = "a\"b'c<script>alert(1)</script>]]></title><b>&amp;???[31m?\ufffd\ufffd???\ufffd\\u0041\\"
if not any(n.replace("?", "") == want.replace("?", "") for n in names):
    print("not as it should be:", [n for n in names if "script" in n])
texts = [t for e in root.iter() if not e.tag.endswith(("script", "style")) for t in (e.text or "", e.tail or "")]
for c in set("".join(texts + names)):
    if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\n":
        print("a control character:", hex(ord(c)))
if max(map(len, texts + names)) > 2100:
    print("a text is not cut")
END
	is "$(cat "$TMP/problems")" '' 'hostile names are text'
else
	skip 'hostile names are text' 'no objcopy that takes them'
fi

# Short forms of names, in C for the picture without scripts, and in the script: a name, a tab, its short form.
cat >"$TMP/names" <<'END'
main	main
parse(char const*)	parse
std::vector<int>& app::Cache<char>::find(char const*) const	app::Cache::find
void std::vector<std::pair<int, long>, std::allocator<int> >::emplace_back<int&>(int&)	std::vector::emplace_back
operator new(unsigned long)	operator new
std::map<int, int>::operator[](int const&)	std::map::operator[]
app::(anonymous namespace)::run(int) [clone .cold]	app::(anonymous namespace)::run
bool app::operator< <int>(app::Box<int> const&, app::Box<int> const&)	app::operator<
app::Pointer<int>::operator->() const	app::Pointer::operator->
app::Call<void (int)>::operator()(int)	app::Call::operator()
<broken	<broken
()	()
a->b	a->b
END
cat >"$TMP/shorten.c" <<'END'
#include "format/svg.h"
#include <stdio.h>
#include <string.h>
int main(void)
{
	char line[512], name[256];
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\t\n")] = 0;
		svg_shorten(line, name, sizeof(name));
		printf("%s\t%s\n", line, name);
	}
	svg_shorten("a_name_without_room", name, 8);
	return strcmp(name, "a_name_") != 0;
}
END
if built 'short forms of names' $CC -std=gnu11 -D_GNU_SOURCE -I. -w -ffunction-sections -Wl,--gc-sections -o "$TMP/shorten" \
	"$TMP/shorten.c" format/svg_text.c base/{out,printable}.c; then
	"$TMP/shorten" <"$TMP/names" >"$TMP/short"
	is "$? $(diff "$TMP/names" "$TMP/short")" '0 ' 'short forms of names'
fi
if have node; then
	node -e 'const fs = require("fs");
		(0, eval)(fs.readFileSync("report/names.js", "utf8"));
		for (const line of fs.readFileSync(process.argv[1], "utf8").trim().split("\n"))
			console.log(line.split("\t")[0] + "\t" + heaptraceShortName(line.split("\t")[0]));' "$TMP/names" >"$TMP/short" 2>&1
	is "$(diff "$TMP/names" "$TMP/short")" '' 'and by the script'
else
	skip 'and by the script' 'no node'
fi

# ---- Size ----

if built '100,000 backtraces' $CC -O1 -fno-optimize-sibling-calls -w -o "$TMP/many" tests/subjects/svg_many.c; then
	record many "$TMP/many"
	report many svg
	python3 "$TMP/check.py" "$TMP/many.svg" >"$TMP/problems" 2>&1
	is "$? $(head -c 500 "$TMP/problems")" '0 ' '100,000 backtraces'
	bytes=$(stat -c %s "$TMP/many.svg")
	[ "$bytes" -gt 400000 ] && [ "$bytes" -lt 3000000 ]
	ok $? "less than 3 MB ($bytes bytes)"
	like "$(grep -a 'not shown' "$TMP/many.svg")" 'not shown: [0-9]+ frames that are too narrow, [0-9.]+ MB' 'what is not shown is said'
	like "$(head_of many)" "size, [0-9.]+ MB in all, 100000 blocks;" 'and counted'
	# How much is left for the graph depends on how many snapshots the run has, more on a busy machine.
	for kb in 68000 74000 86000 92000; do
		(ulimit -v $kb; report many short.svg) && grep -qa 'because there was no memory' "$TMP/many.short.svg" && break
	done
	ok $? 'with little memory, a report'
	[ -s "$TMP/many.short.svg" ] && python3 -c 'import sys, xml.etree.ElementTree as xml; xml.parse(sys.argv[1])' \
		"$TMP/many.short.svg" 2>"$TMP/problems"
	is "$? $(cat "$TMP/problems")" '0 ' 'which is a document, too'
	like "$(grep -a '<text' "$TMP/many.short.svg" | head -n 9)" \
		'all, 100000 blocks;.*[0-9]+ backtraces end at an outer function, because there was no memory' 'with the same total, which says so'
fi

# What is embedded stands in a CDATA section.
ok "$(! grep -l ']]>' report/svg.css report/svg.js >/dev/null; echo $?)" 'the script and the style sheet have no end of a CDATA section'

# ---- In browsers ----

report known svg --sort=size,total-size
printf '<!DOCTYPE html><title>image</title><body style="margin:0"><img src="known.svg" style="width:100%%">' >"$TMP/image.html"
in_browsers svg "$TMP/known.svg" "$TMP/grown.svg" "$TMP/image.html" "$TMP/python.svg" "$TMP/evil.svg" "$TMP/many.svg"
plan
