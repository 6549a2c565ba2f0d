#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Modules that come and go: in thousands of rounds each is loaded where another one lay, is
# allocated through, and is unloaded. No stack may be taken by the rules of the module that
# lay there before, and each module's blocks stand in the dump under its own names.
. "${0%/*}/lib.sh"
: "${CC:=cc}"
LIMIT=100

$CC -std=gnu11 -D_GNU_SOURCE -g -O1 -fno-builtin -pthread -o "$TMP/in/modules" \
	"$TOP/tests/subjects/modules.c" -ldl || skip_all 'the subject cannot be built'

# module FILE NUMBER FRAME [FLAG...]
module() {
	local file=$1 number=$2 frame=$3
	shift 3
	$CC -std=gnu11 -g -O1 -fno-builtin -fno-optimize-sibling-calls -shared -fPIC -w -DNUMBER="$number" \
		-DFRAME="$frame" "$@" -o "$file" "$TOP/tests/subjects/module_plugin.c"
}

# checked NAME ROUNDS THREADS MODULE...: no stack differs, and modules did lie at one place.
checked() {
	local name=$1 rounds=$2 threads=$3 same counts
	shift 3
	run_traced --unwind=check --depth="$depth" --sort=total-count -- "$TMP/in/modules" "$rounds" "$threads" "$@"
	is "$(cat "$TMP/traced.status")" 0 "$name: status"
	counts=$(sed -n 's/.*unwinders compared  *: \([0-9]*\) stacks, \([0-9]*\) disagree/\1 \2/p' "$TMP/dumps/dump")
	[ "${counts% *}" -ge $((rounds * threads * 4)) ]
	ok $? "$name: ${counts% *} stacks"
	[ "${counts#* }" = 0 ]
	ok $? "$name: ${counts#* } disagree" || diag "$(grep -A2 'unwinders disagree' "$TMP/traced.err" | head -6)"
	same=$(sed -n 's/^same //p' "$TMP/traced.out")
	[ "${same:-0}" -ge $((rounds / 10)) ]
	ok $? "$name: $same times a module lay where another one had"
}

# named: "MODULE COUNT" of every module in the folded dump, by its leaf's name
named() {
	run_traced --flame-graph --sort=count -- "$TMP/in/modules" "$@"
	grep -v same "$TMP/traced.out" | awk '$2' | sort -n >"$TMP/want"
	sed -n 's/.*;leaf_\([0-9]*\);malloc \([0-9]*\)$/\1 \2/p' "$TMP/dumps/dump" |
		awk '{ sum[$1] += $2 } END { for (m in sum) print m, sum[m] }' | sort -n >"$TMP/got"
}

cd "$TMP/in" || exit 1
apart=()	# the same addresses for the modules, others for their call sites
alike=()	# return addresses too are the same; only the frames differ
leaving=()	# and they allocate while they are unloaded
for i in 0 1 2 3 4 5; do
	module "apart$i.so" $i $((64 + i * 400)) -DSHIFT="\"$((i * 48))\"" &&
		module "alike$i.so" $i $((1024 + i * 512)) &&
		module "leaving$i.so" $i $((1024 + i * 512)) -DLEAVES || skip_all 'the modules cannot be built'
	apart+=("$TMP/in/apart$i.so")
	alike+=("$TMP/in/alike$i.so")
	leaving+=("$TMP/in/leaving$i.so")
done
module frame.so 6 2000 -fno-omit-frame-pointer -O0
module tables.so 7 3000 -O2 -fno-asynchronous-unwind-tables -fno-unwind-tables
mixed=("${apart[@]}" "${alike[@]:0:3}" "$TMP/in/frame.so")

# That they are what they are meant to be: the same call sites, other frames.
sites() { objdump -d --no-show-raw-insn "$1" | sed -n '/<leaf_/,/^$/s/^ *\([0-9a-f]*\):.*call.*/\1/p'; }
if have objdump; then
	is "$(sites alike0.so)" "$(sites alike5.so)" 'modules with the same return addresses'
	[ "$(sites apart0.so)" != "$(sites apart5.so)" ]
	ok $? 'and modules with others'
fi

if [ "$(uname -m)" = x86_64 ]; then
	for depth in 8 128; do
		checked "one thread, depth $depth" 3000 1 "${mixed[@]}"
		checked "one thread, the same return addresses, depth $depth" 3000 1 "${alike[@]}"
		checked "4 threads, depth $depth" 1000 4 "${mixed[@]}"
		checked "4 threads, the same return addresses, depth $depth" 1000 4 "${alike[@]}"
		checked "one thread, destructors, depth $depth" 3000 1 "${leaving[@]}"
		checked "4 threads, destructors, depth $depth" 1000 4 "${leaving[@]}"
	done
	checked 'one without unwind tables among them' 3000 1 "${alike[@]}" "$TMP/in/tables.so"
fi

named 300 1 "${apart[@]}"
is "$(cat "$TMP/got")" "$(cat "$TMP/want")" 'each module has its own names'
named 200 4 "${apart[@]}"
is "$(cat "$TMP/got")" "$(cat "$TMP/want")" 'each module has its own names, 4 threads'
named 300 1 "${alike[@]}"
cmp -s "$TMP/got" "$TMP/want"
ok $? 'each module has its own names, the same return addresses'

# A newer build of a module has the older one's name, in another directory or in its place.
mkdir v1 v2
for i in 1 2; do
	module v$i/plugin.so $i $((64 + i * 400)) -DSHIFT="\"$((i * 48))\""
done
named 300 1 "$TMP/in/v1/plugin.so" "$TMP/in/v2/plugin.so"
awk '{ print $1 + 1, $2 }' "$TMP/want" >"$TMP/want.1"
cmp -s "$TMP/got" "$TMP/want.1"
ok $? 'two modules of one file name have their own names'

# A module that comes or goes makes all threads forget what they know of stacks. What they never used they
# must not touch then: it is 400 KB a thread.
$CC -std=gnu11 -D_GNU_SOURCE -g -O1 -fno-builtin -pthread -o dlopen_threads "$TOP/tests/subjects/dlopen_threads.c" -ldl
libraries=()
for i in 1 2 3; do
	echo "#include <stdlib.h>
	void *volatile kept; void leaf(void) { free(kept = malloc($i)); }" |
		$CC -O1 -fno-builtin -shared -fPIC -x c -o "leaf$i.so" -
	libraries+=("$TMP/in/leaf$i.so")
done
for depth in 2 8 32 128; do
	for count in 1 3; do
		run_traced --depth=$depth -- "$TMP/in/dlopen_threads" 100 "${libraries[@]:0:count}"
		grown=$(sed -n 's/^KB per thread and library: //p' "$TMP/traced.out")
		[ "${grown:-1000}" -le 24 ]
		ok $? "$count libraries opened, 100 threads, depth $depth: each thread's memory grows by ${grown:-?} KB"
	done
done
plan
