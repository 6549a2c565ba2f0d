#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Code without unwind information (tests/subjects/no_tables.c): C compiled without tables, assembly. Where a
# frame pointer proves that it leads on, the whole stack is there. Where none does, the stack ends there, no
# frame is invented or left out, and the dump tells how many backtraces end like that, and in which modules.
# --unwind=check also compares each stack that was recognized with one that is walked anew.
. "${0%/*}/lib.sh"
[ "$(uname -m)" = x86_64 ] || skip_all 'no such code on this machine, or backtrace() serves'
NO_TABLES='-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-exceptions'
subject=$TOP/tests/subjects/no_tables.c

# build CC CODE_FLAGS [PROGRAM_FLAGS]
build() {
	# shellcheck disable=SC2086
	$1 -std=gnu11 -D_GNU_SOURCE -w -fno-builtin -fno-optimize-sibling-calls $2 -DCODE -c -o "$TMP/code.o" "$subject" &&
	$1 -std=gnu11 -D_GNU_SOURCE -w -O1 -fno-builtin -fno-optimize-sibling-calls $3 -pthread \
		-o "$TMP/in/no_tables" "$subject" "$TMP/code.o" -Wl,-z,noexecstack
}

# stacks HOW DEPTH: the stacks that end in keep(), as often as each, without what lies outward of main()
stacks() {
	run_traced --unwind=check --depth="$2" --flame-graph --sort=count -- "$TMP/in/no_tables" "$1"
	# libc's names depend on its version.
	sed -n 's/^.*;\(main;\)/\1/; s/;msort[^;]*//g; s/;qsort_r;/;qsort;/; s/\(;qsort\)\{2,\}/;qsort/; s/;keep;malloc / /p' "$TMP/dumps/dump" |
		awk '{ n[$1] += $2 } END { for (s in n) print s, n[s] }' | LC_ALL=C sort
}

# unseen HOW: the dump's line; and no unwinders disagree
unseen() {
	run_traced --unwind=check --depth=32 -- "$TMP/in/no_tables" "$1"
	sed -n 's/^\[heaptrace\] not seen  *: //p; s/^.*unwinders compared .*, \([1-9][0-9]* disagree\)/\1/p' "$TMP/dumps/dump"
}

# whole NAME: all of them are there, and nothing has to be told
whole() {
	is "$(stacks straight 32)" 'main;straight;pass;called 100' "$1: one call"
	is "$(stacks straight 8)" 'main;straight;pass;called 100' "$1: one call, depth 8"
	is "$(stacks straight 128)" 'main;straight;pass;called 100' "$1: one call, depth 128"
	is "$(stacks two_callers 32)" 'main;crooked;pass;called 100
main;straight;pass;called 100' "$1: two callers"
	is "$(stacks two_callers 8)" 'main;crooked;pass;called 100
main;straight;pass;called 100' "$1: two callers, depth 8"
	is "$(stacks recursion 32)" 'main;down;down;down;down;down;down 100' "$1: recursion"
	is "$(stacks callback 32)" 'main;sort;qsort;compare 300' "$1: a callback"
	is "$(stacks thread 32 | sed 's/.*;in_thread/in_thread/')" 'in_thread;straight;pass;called 100' "$1: in a thread"
	is "$(unseen two_callers)$(unseen recursion)$(unseen callback)" '' "$1: nothing is left to tell"
}

for cc in gcc clang; do
	have $cc || {
		skip "$cc" "no $cc here"
		continue
	}
	for flags in -O0 '-O1 -fno-omit-frame-pointer' '-O2 -fno-omit-frame-pointer -fcf-protection=full' '-O0 -fcf-protection=none'; do
		build $cc "$flags $NO_TABLES" && whole "$cc, $flags"
	done
	build $cc "-O1 -fno-omit-frame-pointer -fno-pie $NO_TABLES" '-no-pie' && whole "$cc, not position-independent"

	# Without frame pointers nobody can tell, with whatever the program itself is compiled.
	for flags in '' -fno-omit-frame-pointer; do
		build $cc "-O2 -fomit-frame-pointer $NO_TABLES" "$flags" || continue
		for depth in 8 128; do
			is "$(stacks straight $depth)" 'pass;called 100' "$cc, none, program $flags, depth $depth: the stack ends there"
		done
		is "$(unseen straight)" '1 backtrace beyond code without unwind information (no_tables)' \
			"$cc, none, program $flags: and the dump tells"
		is "$(stacks recursion 32)" 'down 100' "$cc, none, program $flags: recursion"
		is "$(stacks callback 32)" 'compare 300' "$cc, none, program $flags: a callback"
	done
done

have gcc || plan
# Code that is a library, called through its procedure linkage table.
for flags in '-O1 -fno-omit-frame-pointer' '-O2 -fomit-frame-pointer'; do
	# shellcheck disable=SC2086
	gcc -std=gnu11 -D_GNU_SOURCE -w -fno-builtin -fno-optimize-sibling-calls $flags $NO_TABLES -DCODE -fPIC -shared \
		-o "$TMP/in/libcode.so" "$subject" -Wl,-z,lazy
	gcc -std=gnu11 -D_GNU_SOURCE -w -O1 -fno-builtin -fno-optimize-sibling-calls -pthread -Wl,-z,lazy \
		-o "$TMP/in/no_tables" "$subject" "$TMP/in/libcode.so"
	case $flags in
	*-fomit*)
		is "$(stacks recursion 32)" 'down 100' 'a library without frame pointers'
		is "$(unseen recursion)" '1 backtrace beyond code without unwind information (libcode.so)' \
			'a library without frame pointers: the dump names it'
		# Who reads the table later tells it too.
		run_in_work traced "$HEAPTRACE" --record="$TMP/work/record" --outfile=/dev/null "$TMP/in/no_tables" recursion
		limit "$HEAPTRACE" --report="$TMP/work/record" >"$TMP/report" 2>&1
		like "$(cat "$TMP/report")" 'not seen  *: 1 backtrace beyond code without unwind information \(libcode.so\)' \
			'a library without frame pointers: --report names it'
		;;
	*)
		whole 'a library'
		;;
	esac
done

build gcc "-O0 $NO_TABLES" || plan
# Such stacks are recognized: what is read to prove them is tried once, by a system call, and not each time.
# asked HOW DEPTH: how often the kernel was asked what can be read; also for a dump
asked() {
	HEAPTRACE_OPTIONS=depth=$2:top=1:outfile=/dev/null limit strace -f -c -o "$TMP/calls" \
		-E LD_PRELOAD="$TOP/libheaptrace.so" "$TMP/in/no_tables" "$1" >/dev/null
	awk '$NF == "futex" { n = $4 } END { print n + 0 }' "$TMP/calls"
}
if have strace; then
	for depth in 8 32; do
		calls=$(($(asked varied $depth) - $(asked straight $depth)))
		[ "$calls" -le 1000 ]
		ok $? "51,200 allocations on 256 stacks, depth $depth: $calls times the kernel was asked what can be read"
	done
else
	skip 'how often the kernel is asked what can be read' 'no strace here'
fi
for depth in 8 32; do
	is "$(stacks framed $depth)" 'main;in_assembly;framed;called 200' "assembly with a frame record, depth $depth"
	is "$(stacks frameless $depth)" 'frameless;called 100' "without one, depth $depth"
done
for flags in -fomit-frame-pointer -fno-omit-frame-pointer; do
	# With its callers' frame pointers in the register: no frame may be left out.
	build gcc "-O0 $NO_TABLES" "$flags" || continue
	is "$(stacks frameless 32)" 'frameless;called 100' "without one, called from code with $flags: nothing is left out"
	is "$(stacks neighbour 32)" 'behind;called 100' "without one, behind a function with one, $flags: nothing is left out"
	is "$(stacks misled 32)" 'main;mislead;misled;called 100
misled;called 400' "a frame pointer that leads elsewhere, $flags"
	is "$(unseen misled)" '1 backtrace beyond code without unwind information (no_tables)' \
		"a frame pointer that leads elsewhere, $flags: the dump tells"
done
plan
