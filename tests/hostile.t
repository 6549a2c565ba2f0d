#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Names that are made to break out of where they are written: functions, source files, a library, threads and the
# program with quotes, tags, ends of scripts and comments, line ends, invalid UTF-8, control characters, marks that
# change the direction of text, formulas of spreadsheets, names that every JavaScript object has, and 64 KB. Each format
# is read by a strict parser or by its consumer, in which the names arrive; text is safe to print; in browsers the names
# are text, and nothing of them runs. tests/control_characters.t has the messages.
. "${0%/*}/lib.sh"
have python3 || skip_all 'no python3'

cat >"$TMP/make.py" <<'END_OF_PYTHON'
# make.py DIRECTORY: writes main.c and library.c with names of letters, and names.json: which bytes take their places.
# Each place is as long as the name, so that the built files can be changed without moving anything.
import base64, json, sys
evil = b"window.hostile=1"
names = [
	b"n00\"'<>&\"'&lt;&amp",
	b"n01</script><script>" + evil + b"</script>",
	b"n02\"><img data-hostile src=x onerror=\"" + evil + b"\">",
	b"n03' onmouseover='" + evil + b"' data-hostile='",
	b"n04]]></text></title></style><script>" + evil + b"</script><!--",
	b"n05 a\nb\r\nc\td\x0b\x0c",
	b"n06 \xff\xfe\xc0\xaf\x80\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80 end",
	b"n07 \x1b[31m\x9b31m\xc2\x9b31m\x1b]0;title\x07\x7f\x08",
	b"n08 \xe2\x80\xaeabc\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c\xe2\x80\xa8\xef\xbb\xbf",
	(b"n09 <\"&'\n\xff\xe2\x80\xae</script>;" * 3000)[:65536],
	b"=n10+cmd|' /C calc'!A0,\"x\",\n",
	b"n11;{}[]:\\ \\u0022 \\n ${" + evil + b"} `" + evil + b"` %s %n {{x}}",
	b"n12 <!-- <script> -->",
	b"__proto__", b"constructor", b"@n15\t\r+x",
	b"javascript:" + evil + b"//n16",
]
def place(prefix, i, name):
	return (b"%s%02d_" % (prefix, i)).ljust(len(name), b"x")[:len(name)]
directory = sys.argv[1]
places = {}
with open(directory + "/main.c", "wb") as c:
	c.write(b"#define _GNU_SOURCE\n#include <pthread.h>\n#include <stdlib.h>\n#include <sys/prctl.h>\nvoid *volatile kept;\nvoid from_library(void);\n")
	for i, name in enumerate(names):
		function, file = place(b"fn", i, name), place(b"src", i, name)
		places[function.decode()], places[file.decode()] = name, name
		c.write(b"#line %d \"%s\"\n__attribute__((noinline)) static void %s(void) { kept = malloc(%d); }\n" % (i + 1, file, function, 1000 + i))
	c.write(b"#line 1 \"main.c\"\nstatic void *thread(void *name) { prctl(PR_SET_NAME, name); kept = malloc(77); return kept; }\nint main(void)\n{\n")
	for i, name in enumerate(names):
		c.write(b"\t%s();\n" % place(b"fn", i, name))
	c.write(b"\tfrom_library();\n")
	for name in [b"t1</script>\"'&<", b"t2\n\xff\x9b\x1b[31m", b"t3\xe2\x80\xaeabc", b"__proto__"]:
		c.write(b"\t{ pthread_t t; pthread_create(&t, 0, thread, (char[]){%s,0}); pthread_join(t, 0); }\n" % b",".join(b"(char)%d" % b for b in name[:15]))
	c.write(b"\treturn 0;\n}\n")
with open(directory + "/library.c", "wb") as c:
	c.write(b"#include <stdlib.h>\nvoid *volatile kept_here;\nvoid from_library(void) { kept_here = malloc(500); }\n")
json.dump({key: base64.b64encode(name).decode() for key, name in places.items()}, open(directory + "/names.json", "w"))
END_OF_PYTHON

cat >"$TMP/put.py" <<'END_OF_PYTHON'
# put.py NAMES.json FILE: puts the names into the built file
import base64, json, sys
data = open(sys.argv[2], "rb").read()
for key, name in json.load(open(sys.argv[1])).items():
	name = base64.b64decode(name)
	# With the string's end, so that no place is taken for the beginning of another one.
	data = data.replace(key.encode() + b"\0", name + b"\0")
	assert name + b"\0" in data, key
open(sys.argv[2], "wb").write(data)
END_OF_PYTHON

# The path has the end of a script in it, whose "/" separates two of its names.
hostile=$TMP/work/x$'<'
program=$hostile/$'script><img data-hostile src=x onerror="window.hostile=1">\'\n\xff\x9b\x1b[31m\xe2\x80\xae&'
library=$hostile/$'script>"\'\n\xc2\x9b<b data-hostile>.so'
{ mkdir -p "$hostile" && python3 "$TMP/make.py" "$TMP" && ${CC:-cc} -g -shared -fPIC -s -o "$library" "$TMP/library.c" &&
	${CC:-cc} -g -O0 -w -pthread -o "$program" "$TMP/main.c" "$library" && python3 "$TMP/put.py" "$TMP/names.json" "$program"
} >"$TMP/log" 2>&1 || skip_all "no program with such names can be built: $(tail -n 1 "$TMP/log")"
"$HEAPTRACE" --depth=20 --record="$TMP/rec" "$program" >"$TMP/log" 2>&1
ok $? 'the program runs' || diag "$(tail "$TMP/log")"

cat >"$TMP/check.py" <<'END_OF_PYTHON'
# check.py FORMAT FILE: prints what is wrong
import codecs, csv, io, json, re, sys
form, file = sys.argv[1:]
data = open(file, "rb").read()
# Strict, so that no reader has to cope with less. But text keeps bytes above 0x9f of other encodings, such as Latin-1.
codecs.register_error("latin", lambda e: ("".join(map(chr, e.object[e.start:e.end])), e.end))
text = data.decode("utf-8", "latin" if form in ("text", "folded", "massif") else "strict")
def strings(x):
	if isinstance(x, str):
		yield x
	elif isinstance(x, dict):
		for key, value in x.items():
			yield key
			yield from strings(value)
	elif isinstance(x, list):
		for value in x:
			yield from strings(value)
def unique(pairs):
	keys = [key for key, value in pairs]
	for key in keys:
		if keys.count(key) > 1:
			print("two members of the same name:", key)
	return dict(pairs)
if form in ("json", "perfetto", "speedscope"):
	found = list(strings(json.loads(text, object_pairs_hook=unique, parse_constant=lambda c: print("no JSON:", c))))
elif form == "html":
	# As the browser has it: the first end of the element ends it.
	document = re.search(r'<script type="application/json"[^>]*>(.*?)</script', text, re.S).group(1)
	found = list(strings(json.loads(document)))
	for bad in "<!--", "<script":
		if bad in document:
			print("unescaped in the document:", bad)
elif form == "svg":
	import xml.etree.ElementTree
	root = xml.etree.ElementTree.fromstring(data)
	found = [s for e in root.iter() for s in [e.text or "", e.tail or "", *e.attrib.values()]]
	for e in root.iter():
		if "data-hostile" in e.attrib or e.tag.endswith("}img"):
			print("an element of a name:", e.tag)
elif form == "csv":
	rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
	found = [cell for row in rows for cell in row]
	if len({len(row) for row in rows}) != 1 or len(rows) < 15:
		print("rows of", {len(row) for row in rows}, "cells")
	for cell in found:
		if cell[:1] in list("=+-@\t\r") and not re.fullmatch(r"[+-]?\d+(\.\d+)?", cell):
			print("a formula:", cell[:60])
	if re.search(r"(?<!\r)\n", re.sub(r'"[^"]*"', "", text)):
		print("a line that does not end with CR LF")
else:
	found = text.split("\n")
bad = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufffe\\uffff]")
if form in ("text", "folded", "massif", "pprof-text"):
	for line in found:
		if bad.search(line):
			print("a character that a terminal obeys:", ascii(line)[:200])
if form == "folded":
	for line in found[:-1]:
		if not re.fullmatch(r".*[^ ] \d+", line):
			print("no folded stack:", ascii(line)[:200])
markers = ["n%02d" % i for i in range(13)] + ["__proto__", "constructor", "@n15", "//n16"]
whole = {"n01": "n01</script><script>window.hostile=1</script>", "n02": "n02\"><img data-hostile src=x onerror=\"window.hostile=1\">",
	 "n03": "n03' onmouseover='window.hostile=1' data-hostile='", "n12": "n12 <!-- <script> -->"}
everything = "\n".join(found)
for marker in markers:
	want = whole.get(marker, marker) if form in ("json", "html", "csv", "perfetto", "speedscope", "pprof-text", "text") else marker
	if want not in everything:
		print("the name is not there:", want)
END_OF_PYTHON

# check FORMAT FILE
check() {
	local wrong
	wrong=$(python3 "$TMP/check.py" "$1" "$2" 2>&1)
	is "$wrong" '' "$1: well-formed, with the names"
}

for format in text folded svg html pprof perfetto massif json speedscope csv; do
	file=$TMP/heap.$format
	"$HEAPTRACE" --report="$TMP/rec" --top=0 --format=$format --outfile="$file" 2>"$TMP/err"
	is "$? $(cat "$TMP/err")" '0 ' "$format: is written"
	case $format in
	pprof)
		if have go; then
			limit go tool pprof -symbolize=none -raw "$file" >"$TMP/raw" 2>"$TMP/err"
			ok $? 'pprof: go tool pprof reads it' || diag "$(cat "$TMP/err")"
			check pprof-text "$TMP/raw"
		else
			skip 'pprof: read' 'no go'
		fi
		;;
	massif)
		check $format "$file"
		if have ms_print; then
			limit ms_print "$file" >"$TMP/printed" 2>"$TMP/err"
			is "$? $(head -c 1000 "$TMP/err")" '0 ' 'massif: ms_print reads it'
			like "$(cat "$TMP/printed")" 'n01' 'massif: with the names'
		else
			skip 'massif: read' 'no ms_print'
		fi
		;;
	*)	check $format "$file" ;;
	esac
done

# Several sections, and sums: what else prints names.
for options in '--group=function' '--group=file' '--group=module' '--group=thread' --tree '--tree=bottom-up' --growth --histogram; do
	"$HEAPTRACE" --report="$TMP/rec" $options --top=0 >"$TMP/heap.text"
	is "$? $(python3 "$TMP/check.py" text "$TMP/heap.text" | grep -v '^the name is not there')" '0 ' "text $options: no character that a terminal obeys"
done
in_browsers hostile "$TMP/heap.svg" "$TMP/heap.html"
plan
