#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# --format=pprof: `go tool pprof` reads the profile, and finds in it what the text dump and the folded stacks of the same
# record say; so does npm's pprof-format. What pprof looks up in files itself is right, too, so the mappings are.
. "${0%/*}/lib.sh"

have go || skip_all 'no go'
go tool pprof -h >/dev/null 2>&1
[ $? -le 2 ] || skip_all 'go has no pprof'
export HOME=$TMP PPROF_TMPDIR=$TMP PPROF_BINARY_PATH=$TMP/none
CC=${CC:-cc}

# pprof ARGUMENT...: without the lines of messages
pprof() {
	limit go tool pprof "$@" 2>"$TMP/err"
}

cat >"$TMP/pprof.cc" <<'END'
#include <cstdlib>
#include <new>
#include <thread>
#include <pthread.h>
static inline __attribute__((always_inline)) void *inner(size_t n) { return malloc(n); }
namespace shapes {
template <typename T> struct Tree { T *cells; __attribute__((noinline)) void grow(int n) { cells = (T *)inner(n * sizeof(T)); } };
}
static shapes::Tree<long> trees[5];
void *volatile kept;
extern "C" __attribute__((noinline)) void churn(int n) { for (int i = 0; i < n; i++) free(malloc(1000)); }
extern "C" __attribute__((noinline)) void objects(void) { kept = operator new(700); kept = operator new[](77); }
extern "C" __attribute__((noinline)) void recurse(int n) { if (n) recurse(n - 1); else kept = malloc(3333); kept = kept; }
extern "C" __attribute__((noinline)) void worker(void) { pthread_setname_np(pthread_self(), "worker"); trees[4].grow(500); churn(3); }
int main(void)
{
	for (int i = 0; i < 4; i++)
		trees[i].grow(100 * (i + 1));
	churn(50);
	objects();
	recurse(5);
	std::thread(worker).join();
}
END
${CXX:-c++} -g -O1 -fno-builtin -fno-optimize-sibling-calls -pthread -o "$TMP/pprof" "$TMP/pprof.cc" 2>"$TMP/log" || skip_all 'no C++ compiler'
"$HEAPTRACE" --record="$TMP/record" --outfile="$TMP/run.pb.gz" "$TMP/pprof"
report() {
	"$HEAPTRACE" --report="$TMP/record" "$@"
}
report --outfile="$TMP/heap.pb"
report --outfile="$TMP/heap.pb.gz"
report --top=0 >"$TMP/heap.txt"

ok "$(gzip -t "$TMP/heap.pb.gz" 2>&1 | wc -c)" 'gzip finds the file sound'
ok "$(zcat "$TMP/heap.pb.gz" | cmp - "$TMP/heap.pb" 2>&1 | wc -c)" 'and in it the same profile'
pprof -top "$TMP/run.pb.gz" >"$TMP/out"
like "$(cat "$TMP/out")" 'Type: inuse_space' 'a profile that a run writes at its end'

# The raw form: values, numbers of locations.
pprof -raw "$TMP/heap.pb" >"$TMP/raw"
is "$(sed -n '/^Samples:/{n;p;}' "$TMP/raw")" \
	'temporary_objects/count alloc_objects/count alloc_space/bytes peak_space/bytes inuse_objects/count inuse_space/bytes[dflt]' \
	'the sample types'
like "$(cat "$TMP/raw")" 'PeriodType: space bytes
Period: 1
' 'the period'
is "$(sed -n '/^Mappings/{n;s/^1: \S* //;s/ .*//;p;}' "$TMP/raw")" "$TMP/pprof" 'the first mapping is the program'
is "$(sed -n '/^Mappings/{n;p;}' "$TMP/raw" | grep -o '[0-9a-f]\{40\}')" "$(readelf -n "$TMP/pprof" | sed -n 's/.*Build ID: //p')" 'with its build id'
is "$(sed -n '/^Mappings/{n;s/^1: [^/]*.[^/]*.\(0x[0-9a-f]*\) .*/\1/;p;}' "$TMP/raw")" \
	"$(printf '0x%x' "$(readelf -lW "$TMP/pprof" | awk '$1 == "LOAD" && /R E/ { print $2; exit }')")" 'and the place of its code in the file'

# folded KEY: the folded stacks as lines of pprof's stacks, without the functions that drop_frames leaves out
folded() {
	report --sort="$1" --outfile="$TMP/heap.folded"
	sed -E 's/ \(inlined\)//g; s/(;(malloc|calloc|realloc|operator new(\[\])?\([^;]*\)))+( [0-9]+)$/\4/' "$TMP/heap.folded"
}
# traces TYPE: pprof's stacks as folded ones
traces() {
	pprof -traces -sample_index="$1" -unit=B -symbolize=none "$TMP/heap.pb" |
		awk '/^-----------\+/ { if (n) print stack " " value; n = 0; next }
		     /^ *threads:/ || !started && !/^ *-?[0-9.]+(B)? / { next }
		     { started = 1; line = $0
		       if (!n) { value = $1; sub(/B$/, "", value); sub(/^ *[^ ]+ +/, "", line) } else sub(/^ +/, "", line)
		       sub(/ \(inline\)$/, "", line); stack = n++ ? line ";" stack : line }'
}
for pair in inuse_space:size inuse_objects:count alloc_space:total-size alloc_objects:total-count peak_space:heap-peak temporary_objects:temporary; do
	type=${pair%:*} key=${pair#*:}
	folded "$key" | grep -v '(+0x[0-9a-f]*)' | LC_ALL=C sort >"$TMP/want"
	traces "$type" | grep -v -e '? in /' -e ' 0$' | LC_ALL=C sort >"$TMP/got"
	is "$(cat "$TMP/got")" "$(cat "$TMP/want")" "-traces, $type: the stacks and figures of --sort=$key"
	sum=$(awk '{ sum += $NF } END { print sum + 0 }' "$TMP/heap.folded")
	pprof -top -sample_index="$type" -unit=B "$TMP/heap.pb" >"$TMP/top"
	is "$(sed -n 's/^Showing nodes accounting for [^,]*, [^ ]* of \([0-9]*\)B\? total/\1/p' "$TMP/top")" "$sum" "-top, $type: the total"
	report --sort="$key" --format=pprof --outfile="$TMP/other.pb"
	like "$(pprof -top "$TMP/other.pb")" "Type: $type" "$type is first with --sort=$key"
done
is "$(sed -n 's/.*allocation size *: //p' "$TMP/heap.txt")" \
	"$(pprof -top -unit=B "$TMP/heap.pb" | sed -n 's/^Showing.* of \([0-9]*\)\([0-9][0-9][0-9]\)B total/\1.\2 KB/p')" 'the total of the text dump'

pprof -peek='^recurse$' -unit=B "$TMP/heap.pb" >"$TMP/peek"
like "$(cat "$TMP/peek")" '3333B [^|]*\| recurse' '-peek: a function'
like "$(cat "$TMP/peek")" '3333B +[0-9]+%( +)?\|   main' '-peek: who calls it'
pprof -top -lines -unit=B -symbolize=none -sample_index=alloc_space "$TMP/heap.pb" >"$TMP/top"
like "$(cat "$TMP/top")" ' inner [^ ]*/pprof\.cc:5 \(inline\)' 'an inlined function with its line'
like "$(cat "$TMP/top")" ' shapes::Tree<long>::grow\(int\) [^ ]*/pprof\.cc:7' 'the function that it is inlined in'
like "$(cat "$TMP/top")" ' 777B [^
]* objects [^ ]*/pprof\.cc:12' 'who has called operator new'
is "$(pprof -tags -unit=B "$TMP/heap.pb" | grep -o 'worker [0-9]*$' | wc -l)" 1 'a label for the threads'
like "$(pprof -top -tagfocus=worker -unit=B "$TMP/heap.pb")" ' of [0-9]*B total' '-tagfocus=THREAD'
like "$(pprof -comments "$TMP/heap.pb")" 'process [0-9]+ \(pprof\), dump' 'the comments'
like "$(cat "$TMP/raw")" "Time: $(date +%Y)-" 'the time'

# Names that pprof finds itself, in a program that had none: so the mapping is right, and each address is within the call.
cat >"$TMP/stripped.c" <<'END'
#include <stdlib.h>
static int depth;
void *volatile kept[10];
__attribute__((noinline)) static void innermost(int n) { kept[n] = malloc(1000 * (n + 1)); depth++; }
__attribute__((noinline, noreturn)) static void last(int n) { kept[n] = malloc(77); exit(0); }
__attribute__((noinline)) static void middle(int n) { innermost(n); depth++; if (n == 4) last(n); }
int main(void) { for (int i = 0; i < 5; i++) middle(i); return depth; }
END
stripped() { # NAME FLAG...
	local name=$1
	shift
	if ! $CC -g -O1 -fno-builtin "$@" -o "$TMP/full" "$TMP/stripped.c" 2>"$TMP/log"; then
		skip "$name: names by pprof itself" 'it cannot be built'
		return
	fi
	strip -o "$TMP/stripped" "$TMP/full"
	"$HEAPTRACE" --outfile="$TMP/stripped.pb" "$TMP/stripped"
	pprof -top "$TMP/stripped.pb" >"$TMP/out"
	like "$(cat "$TMP/out")" "[?] in $TMP/stripped" "$name: code without names"
	mv "$TMP/full" "$TMP/stripped"
	pprof -top -unit=B "$TMP/stripped.pb" >"$TMP/out"
	like "$(cat "$TMP/out")" ' 15000B [^
]* innermost' "$name: names by pprof itself"
	pprof -traces -unit=B "$TMP/stripped.pb" >"$TMP/out"
	like "$(tr -s ' \n' ' ' <"$TMP/out")" ' 77B last middle main ' "$name: a call behind which its function ends"
}
if have addr2line && have nm; then
	stripped 'a program at any address' -pie -fPIE
	stripped 'a program at a fixed address' -no-pie
	stripped 'segments at other addresses than offsets' -fuse-ld=lld
else
	skip 'names by pprof itself' 'no binutils'
fi

# What another reader says.
sums=()
for pair in temporary_objects:temporary alloc_objects:total-count alloc_space:total-size peak_space:heap-peak inuse_objects:count inuse_space:size; do
	folded "${pair#*:}" >"$TMP/out"
	sums+=("${pair%:*}=$(awk '{ sum += $NF } END { print sum + 0 }' "$TMP/heap.folded")")
done
in_browsers pprof "$TMP/heap.pb.gz" "${sums[@]}"

# Stacks that are none.
report --hide=. --outfile="$TMP/hidden.pb"
like "$(pprof -top -unit=B "$TMP/hidden.pb")" "$(awk '/allocation size/ { print 1 }' "$TMP/heap.txt" | head -n 1)?[0-9]+B +100% +100% .*\(all frames are hidden\)" '--hide'
plan
