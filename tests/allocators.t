#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Whatever allocator serves the program: every site's count and size are those that the
# subject (tests/subjects/allocators.c) computes, to the byte, and programs go on as without.
. "${0%/*}/lib.sh"
: "${CC:=cc}"
have "${CC%% *}" || skip_all "no $CC here"
$CC -std=gnu11 -Wall -Wextra -Wno-alloc-size-larger-than -g -O1 -fno-builtin -D_GNU_SOURCE \
	-fno-optimize-sibling-calls -o "$TMP/in/subject" "$TOP/tests/subjects/allocators.c" -pthread ||
	skip_all 'the subject cannot be built'

# The full name of a library, as the loader finds it.
find_library() {
	local dir
	for dir in /usr/lib/*-linux-gnu* /usr/lib64 /usr/lib /usr/local/lib; do
		[ -e "$dir/$1" ] && { echo "$dir/$1"; return; }
	done
	return 1
}

# figures NAME: one run per key, as the subject has it against what is in the folded dump
figures() {
	local name=$1 key column
	shift
	fresh_work
	# Where blocks lie may differ.
	(cd "$TMP/work" && limit "$@" "$TMP/in/subject") 2>&1 | grep -v apart >"$TMP/native"
	for key in count size; do
		[ $key = count ] && column=2 || column=3
		(cd "$TMP/work" && limit "$@" "$HEAPTRACE" --flame-graph --depth=12 --sort=$key \
			--outfile="$TMP/dumps/dump" "$TMP/in/subject") >"$TMP/out" 2>"$TMP/err"
		is "$?" 0 "$name: status"
		is "$(cat "$TMP/err")" '' "$name: nothing on standard error"
		is "$(grep -v apart "$TMP/out")" "$(cat "$TMP/native")" "$name: as without heaptrace"
		grep -v '^#' "$TMP/out" | awk -v c=$column '$c { print $1, $c }' | sort >"$TMP/want"
		awk 'NR == FNR { want[$1]; next }
		{
			weight = $NF; sub(/ [0-9]+$/, ""); n = split($0, f, ";"); site = ""
			for (i = n; i > 0 && site == ""; i--)
				if (f[i] in want) site = f[i]
			if (site != "") sum[site] += weight
		}
		END { for (s in sum) print s, sum[s] }' "$TMP/out" "$TMP/dumps/dump" | sort >"$TMP/got"
		is "$(cat "$TMP/got")" "$(cat "$TMP/want")" "$name: every $key"
		# Sites that freed everything are not in the dump.
		is "$(grep -cE '(^|;)(pairs|start_small|thread_allocates);' "$TMP/dumps/dump")" 0 \
			"$name: what was freed is gone"
	done
}

# Real programs, with $PRELOAD in both runs.
programs() {
	local name=$1 python
	python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null)
	if [ -n "$python" ]; then
		WANT_DUMP=1 PYTHONMALLOC=malloc same "$name: python3" -- "$python" -c '
import json, threading, sys
t = [threading.Thread(target=lambda: json.loads(json.dumps(list(range(5000))))) for i in range(4)]
for x in t: x.start()
for x in t: x.join()
print(len({str(i): [i] for i in range(30000)})); sys.exit(3)'
	else
		skip "$name: python3" 'no python3 here'
	fi
	if have perl; then
		WANT_DUMP=1 same "$name: perl" -- perl -e '
my %h = map { $_ => [$_ x 3] } 1 .. 20000; delete $h{$_} for 1 .. 10000; print scalar(keys %h); fork // die; wait; exit 4'
	else
		skip "$name: perl" 'no perl here'
	fi
}

# C++ over an allocator that brings an operator new of its own, which calls no malloc.
have "${CXX:=c++}" && printf '#include <cstdio>\nint main() { for (int i = 0; i < 100; i++) std::puts(new char[1000 + i]()); }' |
	$CXX -O0 -g -fno-builtin -x c++ - -o "$TMP/in/news"
news() {
	[ -x "$TMP/in/news" ] || return
	run_traced --flame-graph -- "$TMP/in/news"
	awk '{ sum += $NF } END { exit sum < 104950 }' "$TMP/dumps/dump"
}

figures glibc
news
ok $? 'glibc: operator new is traced'
for pair in libjemalloc.so.2:jemalloc libtcmalloc_minimal.so.4:tcmalloc libmimalloc.so.2:mimalloc; do
	name=${pair#*:}
	if ! library=$(find_library "${pair%:*}"); then
		skip "$name" "no ${pair%:*} here"
		continue
	fi
	figures "$name" env LD_PRELOAD="$library"
	grep -q '^# 8 bytes apart' "$TMP/out"
	ok $? "$name: blocks were as near as they get"
	PRELOAD=$library programs "$name"
	PRELOAD=$library news; status=$?
	if [ -x "$TMP/in/news" ] && [ "$(uname -m)" = x86_64 ]; then
		ok $status "$name: operator new is traced"
		LD_PRELOAD=$library $HEAPTRACE --outfile=- --top=1 "$TMP/in/news" >"$TMP/out"
		grep -q "^\[heaptrace\] allocators of its own  *: malloc's family of ${pair%.so*}.*functions" "$TMP/out"
		ok $? "$name: the dump says that it is hooked"
		LD_PRELOAD=$library $HEAPTRACE --allocator=no --outfile=- --top=1 "$TMP/in/news" |
			grep -q '^\[heaptrace\] not seen  *: .*C++ operator new'
		ok $? "$name: without that the dump says that operator new is not seen"
	fi
done

if library=$(find_library libc_malloc_debug.so.0); then
	figures 'malloc_debug, MALLOC_CHECK_=3' env LD_PRELOAD="$library" MALLOC_CHECK_=3
	PRELOAD=$library MALLOC_CHECK_=3 programs malloc_debug
	figures 'malloc_debug, MALLOC_PERTURB_' env LD_PRELOAD="$library" MALLOC_CHECK_=3 MALLOC_PERTURB_=85
else
	skip malloc_debug 'no libc_malloc_debug.so.0 here'
fi
for tunables in tcache_count=0 mmap_threshold=1 arena_max=1 perturb=85 \
		hugetlb=1 tcache_max=1032:trim_threshold=1; do
	figures "glibc with $tunables" env GLIBC_TUNABLES="glibc.malloc.${tunables//:/:glibc.malloc.}"
done
plan
