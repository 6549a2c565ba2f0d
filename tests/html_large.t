#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# HTML reports of large runs in both browsers: 100,000 backtraces with 1 MB of names, and a compiler at full depth. Their
# sizes, how long they take to open, and how long a click takes. The times are printed; since a busy machine takes any
# time, they are wrong only when they are sixty times as long as they should be on an idle one.
. "${0%/*}/lib.sh"

${CC:-cc} -O0 -w -o "$TMP/many" "$TOP/tests/subjects/many_rows.c" 2>"$TMP/log" || skip_all 'no C compiler'
"$HEAPTRACE" --record="$TMP/many.record" "$TMP/many" >"$TMP/log" 2>&1
"$HEAPTRACE" --report="$TMP/many.record" --outfile="$TMP/many.html" 2>"$TMP/log"
ok $? '100,000 backtraces: the report is written'
rm -f "$TMP/many.record"

compiler=
if have clang++; then
	cat >"$TMP/compiled.cc" <<'END'
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>
int main() { std::map<std::string, std::vector<std::string>> m; std::regex r("a+b"); for (auto &k : m) std::sort(k.second.begin(), k.second.end()); std::cout << m.size(); }
END
	"$HEAPTRACE" --depth=128 --record="$TMP/compiler.record" clang++ -c "$TMP/compiled.cc" -o "$TMP/compiled.o" >"$TMP/log" 2>&1
	"$HEAPTRACE" --report="$TMP/compiler.record" --outfile="$TMP/compiler.html" 2>"$TMP/log"
	ok $? 'clang++: the report is written'
	rm -f "$TMP"/compiler.record*
	compiler=$TMP/compiler.html
else
	skip 'clang++: the report is written' 'no clang++'
fi
in_browsers html_large "$TMP/many.html" $compiler
plan
