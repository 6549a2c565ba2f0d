#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Stacks that lead through signal handlers: what a handler returns to is a mark, and outward of it
# the interrupted instruction is looked up, even where it is the first one of its function; the same
# address stands for another function where a call returns to it.
. "${0%/*}/lib.sh"
: "${CC:=cc}"

subject=$TMP/in/signal_frames
$CC -std=gnu11 -D_GNU_SOURCE -g -O1 -fno-optimize-sibling-calls -o "$subject" "$TOP/tests/subjects/signal_frames.c" ||
	skip_all 'the subject cannot be built'
mark='<signal handler called>'

# What lies between the handler's allocation and main, for each size: innermost first.
wanted="100 allocates allocates_and_leaves last_calls main
200 allocates handles $mark first_faults+0x0 fault main
300 allocates handles $mark first_faults+0x0 fault main
400 allocates handles $mark first_faults+0x0 handles_and_faults $mark first_faults+0x0 fault main"
[ "$(uname -m)" != x86_64 ] || wanted+="
500 allocates handles $mark first_faults+0x0 fault main"

# frames FILE: the same of a text dump. 600 is apart: its frames within libc differ by version.
frames() {
	perl -e 'local $/; my %row;
		for (split /^=== backtrace/m, <>) {
			my ($size) = m{\[size/peak: (\d+) bytes} or next;
			my @names = map { s/ at \S+:\d+$//r } grep { !/\(inlined\)/ } /^ *\d+ \[[^]]*\] (.*)/mg;
			shift @names;
			s/^(?!first_faults)(\S+) \+0x\w+$/$1/, s/ \+/+/ for @names;
			my ($main) = grep { $names[$_] eq "main" } 0 .. $#names;
			$row{$size} = join " ", $size, @names[0 .. $main] if defined $main;
		}
		print map { "$row{$_}\n" } grep { $_ < 600 } sort { $a <=> $b } keys %row' "$1"
}

# stacks FILE NAME
stacks() {
	is "$(frames "$1")" "$wanted" "$2"
	like "$(cat "$1")" "handles_and_returns[^
]*
 3 [^
]*\] $mark
 4 [^
]* \+0x" "$2: a call that was interrupted"
	is "$(grep -E '^ *[0-9]+ .*(libc\.so\S*|vdso\S*|signal_frames) \(\+0x' "$1" | grep -A1 handles)" '' "$2: no frame without a name"
}

dump=$TMP/dumps/dump
for options in '' --no-watch --no-lines --unwind=execinfo "--record=$TMP/in/record"; do
	run_traced --depth=20 $options -- "$subject"
	stacks "$dump" "a dump at the end${options:+, ${options%%=/*}}"
done
"$HEAPTRACE" --report="$TMP/in/record" --top=0 >"$TMP/dumps/report"
stacks "$TMP/dumps/report" '--report'
mv "$subject" "$subject.away"
is "$("$HEAPTRACE" --report="$TMP/in/record" --top=0 | grep -c "$mark")" "$(grep -c "$mark" "$TMP/dumps/report")" \
	'--report where the files are gone: the mark needs none'
mv "$subject.away" "$subject"

coproc limit "$HEAPTRACE" --depth=20 --outfile="$dump" "$subject" wait
read -r -u "${COPROC[0]}" _ pid
"$HEAPTRACE" --dump="$pid" --top=0 >"$TMP/dumps/process"
eval "exec ${COPROC[1]}>&-"
wait "$COPROC_PID" 2>/dev/null
stacks "$TMP/dumps/process" '--dump'

run_traced --depth=20 --flame-graph --no-lines -- "$subject"
like "$(cat "$dump")" ";main;.*first_faults;$mark;handles;allocates;malloc 200" 'a folded dump: a handler'
like "$(cat "$dump")" ";main;last_calls;allocates_and_leaves;allocates;malloc 100" 'a folded dump: a call at the end'

echo first_faults >"$TMP/in/rules"
run_traced --depth=20 --ignore="$TMP/in/rules" --no-lines -- "$subject"
is "$(frames "$dump")" "100 allocates allocates_and_leaves last_calls main" 'a rule matches the interrupted function only'

# Against the debugger, in each handler's allocation: the names of all frames as far as main. (Without
# 500: it does not know a trampoline of the program's own. And 600: it calls raise() __GI_raise().)
names='local $/; my %row; my $text = <>;
	for (split /^=== backtrace|^(?=#0)/m, $text) {
		my ($size) = /\[size\/peak: (\d+) bytes|^ size=(\d+)/m or next;
		$size //= $2;
		$row{$size} = [/^(?:#\d+ +(?:0x\w+ in )?| *\d+ \[[^]]*\] )(<signal handler called>|\w+)/mg];
		shift @{$row{$size}} if $row{$size}[0] eq "malloc";
	}
	for my $size (grep { /^[1234]00$/ } sort keys %row) {
		print "$size ";
		for (@{$row{$size}}) { print " $_"; last if $_ eq "main" }
		print "\n";
	}'
if have gdb; then
	commands=(-ex 'set width 0' -ex 'handle SIGILL SIGURG nostop noprint pass' -ex 'break allocates' -ex run)
	for i in 1 2 3 4 5 6; do
		commands+=(-ex bt -ex 'printf " size=%d\n", (int)size' -ex continue)
	done
	gdb -nx -batch "${commands[@]}" "$subject" </dev/null >"$TMP/in/gdb" 2>/dev/null
	perl -e "$names" "$TMP/in/gdb" >"$TMP/in/gdb.names"
fi
if [ "$(grep -c ' main$' "$TMP/in/gdb.names" 2>/dev/null)" = 4 ]; then
	run_traced --depth=20 -- "$subject"
	is "$(perl -e "$names" "$dump")" "$(cat "$TMP/in/gdb.names")" 'the same names as in gdb'
else
	skip 'the same names as in gdb' 'there is no gdb, or it cannot run programs here'
fi
plan
