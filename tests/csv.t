#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# --format=csv: Python's reader of comma-separated values finds the same rows and totals as the text dump and the
# folded stacks of the same record, whatever is in the names, and no cell can be taken for a formula.
. "${0%/*}/lib.sh"

have python3 || skip_all 'no python3'

# ask FILE EXPRESSION: of the rows r, with figures as numbers
ask() {
	python3 -c 'import csv, sys
csv.field_size_limit(1 << 30)
data = open(sys.argv[1], "rb").read()
text = data.decode("utf-8")
r = list(csv.DictReader(text.splitlines(keepends=True), strict=True))
for row in r:
	for key in row:
		if key.split("_")[-1] in ("bytes", "blocks", "calls", "ns"):
			row[key] = int(row[key])
total = lambda key: sum(row[key] for row in r)
print(eval(sys.argv[2]))' "$1" "$2" 2>&1
}

cat >"$TMP/csv.cc" <<'END'
#include <cstdlib>
#include <thread>
static inline __attribute__((always_inline)) void *inner(size_t n) { return malloc(n); }
namespace shapes {
template <typename T> struct Tree { T *cells; __attribute__((noinline)) void grow(int n) { cells = (T *)inner(n * sizeof(T)); } };
}
static shapes::Tree<long> trees[5];
extern "C" __attribute__((noinline)) void churn(int n) { for (int i = 0; i < n; i++) free(malloc(1000)); }
extern "C" __attribute__((noinline)) void worker(void) { trees[4].grow(500); churn(3); }
int main(void)
{
	for (int i = 0; i < 4; i++)
		trees[i].grow(100 * (i + 1));
	churn(50);
	std::thread(worker).join();
}
END
if ${CXX:-c++} -g -O1 -fno-builtin -pthread -o "$TMP/csv" "$TMP/csv.cc" 2>"$TMP/log"; then
	"$HEAPTRACE" --record="$TMP/record" --outfile=/dev/null "$TMP/csv"
	"$HEAPTRACE" --report="$TMP/record" --outfile="$TMP/all.csv"
	"$HEAPTRACE" --report="$TMP/record" --top=0 --sort=size >"$TMP/all.txt"
	is "$(ask "$TMP/all.csv" 'data.count(b"\n") == data.count(b"\r\n") == len(r) + 1')" True 'lines end as RFC 4180 has them'
	is "$(ask "$TMP/all.csv" '",".join(r[0])')" \
		"id,size_bytes,count_blocks,peak_size_bytes,peak_count_blocks,heap_peak_bytes,total_size_bytes,total_count_calls,temporary_calls,age_ns,threads,user_function,file,line,module,stack" \
		'the columns, with their units'
	is "$(ask "$TMP/all.csv" 'len([x for x in r if x["count_blocks"]])')" "$(grep -c '^=== backtrace' "$TMP/all.txt")" 'a row for each backtrace'
	is "$(ask "$TMP/all.csv" "format(total('size_bytes') / 1000, '.3f')") KB" "$(sed -n 's/.*heap traced allocation size *: //p' "$TMP/all.txt")" \
		'the total size is that of the text dump'
	for key in size:size_bytes count:count_blocks total-size:total_size_bytes total-count:total_count_calls temporary:temporary_calls \
		heap-peak:heap_peak_bytes peak-size:peak_size_bytes peak-count:peak_count_blocks; do
		"$HEAPTRACE" --report="$TMP/record" --sort="${key%:*}" --outfile="$TMP/all.folded"
		is "$(ask "$TMP/all.csv" "total('${key#*:}')")" "$(awk '{ s += $NF } END { print s + 0 }' "$TMP/all.folded")" "${key%:*}: the sum is that of the folded stacks"
	done
	"$HEAPTRACE" --report="$TMP/record" --sort=size --outfile="$TMP/all.folded"
	ask "$TMP/all.csv" '"\n".join(sorted(";".join(x["stack"].split(" < ")[::-1]) + " " + str(x["size_bytes"]) for x in r if x["size_bytes"]))' >"$TMP/stacks"
	is "$(cat "$TMP/stacks")" "$(sed 's/ (inlined)//g' "$TMP/all.folded" | LC_ALL=C sort)" 'the stacks are those of the folded dump'
	is "$(ask "$TMP/all.csv" '[(x["size_bytes"], x["user_function"], x["file"].split("/")[-1], x["line"], x["module"].split("/")[-1], " ".join(y.split()[0] for y in x["threads"].split(", "))) for x in r if "worker" in x["stack"] and x["size_bytes"]]')" \
		"[(4000, 'inner', 'csv.cc', '3', 'csv', 'csv')]" 'who uses the memory, and where that is'
	is "$(ask "$TMP/all.csv" 'sorted((x["total_count_calls"], x["temporary_calls"], x["age_ns"], x["user_function"]) for x in r if "churn" in x["stack"])')" \
		"[(3, 3, 0, 'churn'), (50, 50, 0, 'churn')]" 'rows of which nothing is live'
	is "$(ask "$TMP/all.csv" '[x["size_bytes"] for x in r] == sorted((x["size_bytes"] for x in r), reverse=True)')" True 'they are sorted by the first key'
	"$HEAPTRACE" --report="$TMP/record" --sort=total-count --outfile="$TMP/calls.csv"
	is "$(ask "$TMP/calls.csv" '[x["total_count_calls"] for x in r] == sorted((x["total_count_calls"] for x in r), reverse=True)')" True '--sort'
	"$HEAPTRACE" --report="$TMP/record" --hide=. --outfile="$TMP/hidden.csv"
	is "$(ask "$TMP/hidden.csv" '{x["stack"] for x in r}')" "{'(all frames are hidden)'}" '--hide'
else
	skip 'a program in C++' 'no C++ compiler'
fi

# A spreadsheet takes no longer cell than Excel's 32,767 characters.
cat >"$TMP/deep.c" <<'END'
#include <stdlib.h>
void *volatile kept;
__attribute__((noinline)) void PLACE(int n) { if (n) PLACE(n - 1); else kept = malloc(123); kept = kept; }
int main(void) { PLACE(200); }
END
if ${CC:-cc} -DPLACE="f$(printf 'x%.0s' {1..500})" -O0 -o "$TMP/deep" "$TMP/deep.c" 2>"$TMP/log"; then
	"$HEAPTRACE" --depth=255 --outfile="$TMP/deep.csv" "$TMP/deep"
	is "$(ask "$TMP/deep.csv" '[(x["size_bytes"], 31000 < len(x["stack"]) <= 32767, x["stack"][:10], x["stack"][-10:]) for x in r]')" \
		"[(123, True, 'malloc < f', 'xxxx < ...')]" 'a long stack is cut'
else
	skip 'a long stack is cut' 'no C compiler'
fi
plan
