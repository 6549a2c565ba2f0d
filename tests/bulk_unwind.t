#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Stacks of sixteen programs at work, each taken by heaptrace and by backtrace() (--unwind=check): none may differ.
#
# HEAPTRACE_BULK=1 compares five million of them, each program with 8, 20 and 128 frames (some minutes); without that, each
# program does a little with one of these depths. BULK_ONLY='NAME ...' chooses programs.
. "${0%/*}/lib.sh"
[ "$(uname -m)" = x86_64 ] || skip_all 'no fast unwinder on this machine: backtrace() serves'
bulk=${HEAPTRACE_BULK:+1}
LIMIT=${bulk:+1200}
LIMIT=${LIMIT:-120}
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

# What the programs do is what they do for `make bench`; its inputs come to $TMP.
HERE=$TOP/tests/bench
. "$HERE/workloads"
share=1 SIZE=100 program=	# which it uses

# does NAME LITTLE MUCH: percents of the work in `make bench`, for the short and the long form
names=()
declare -A percent
does() {
	names+=("$1")
	percent[$1]=${bulk:+$3}
	percent[$1]=${percent[$1]:-$2}
}
does python3 1 4
does node 1 3
does perl 1 4
does jq 1 6
does sqlite3 1 6
does clang++ 1 100
does cmake 1 3
does git 1 20
does bash 1 5
does php 1 3
does ruby 1 5
does lua5.4 1 6
does gawk 1 6
does xmllint 1 12
does z3 1 25
does redis-server 1 5

# Functions that call themselves, and lists, texts and files.
cat >"$TMP/in/work.cmake" <<'END'
function(descend levels)
	if(levels GREATER 0)
		math(EXPR less "${levels} - 1")
		descend(${less})
		return()
	endif()
	foreach(i RANGE 20)
		string(REGEX REPLACE "([a-z]+)([0-9]*)" "\\2\\1" text "some ${i} words2 and3 ${levels}")
		list(APPEND all "${text}" "item${i}")
		string(TOUPPER "${all}" upper)
	endforeach()
	list(SORT all)
	list(REMOVE_DUPLICATES all)
	set_property(GLOBAL APPEND PROPERTY found "${all}")
endfunction()
foreach(round RANGE ${ROUNDS})
	math(EXPR levels "${round} % 12")
	descend(${levels})
endforeach()
END

# compared: how many stacks the dumps of the last run's processes tell of, and how many disagree
compared() {
	cat "$TMP/dumps"/* | awk '/unwinders compared/ { n += $5; bad += $7 } END { print n + 0, bad + 0 }'
}

# run NAME DEPTH
run() {
	local word environment=()
	SIZE=${percent[$1]}
	own=()
	case $1 in
	redis-server)
		redis_start "$2" 0
		redis_load "$(sized 10000)"
		redis_stop
		return ;;
	cmake)
		command=(cmake -DROUNDS="$(sized 1000)" -P "$TMP/in/work.cmake") ;;
	*)
		program=$(type -P "$1")
		set_program "$1" ;;
	esac
	for word in "${own[@]}"; do
		[ "$word" = -e ] || environment+=("$word")
	done
	run_traced --unwind=check --depth="$2" -- env "${environment[@]}" "${command[@]}"
}

# is_there NAME: whether the programs that it takes are
is_there() {
	have "$1" && { [ "$1" != redis-server ] || { have redis-benchmark && have redis-cli; }; }
}

sum=0 disagreeing=0 programs=0 turn=0
depths=(8 20 128)
for name in "${names[@]}"; do
	[[ " ${BULK_ONLY:-$name} " = *" $name "* ]] || continue
	if ! is_there "$name"; then
		skip "$name" 'not installed'
		continue
	fi
	programs=$((programs + 1))
	turn=$((turn + 1))
	for depth in "${depths[@]:bulk ? 0 : turn % 3:bulk ? 3 : 1}"; do
		run "$name" "$depth"
		read -r stacks bad < <(compared)
		sum=$((sum + stacks))
		disagreeing=$((disagreeing + bad))
		is "$(cat "$TMP/traced.status")" 0 "$name, depth $depth: status" || diag "$(head -c 2000 "$TMP/traced.err")"
		[ "$bad" = 0 ] && [ "$stacks" -gt 1000 ]
		ok $? "$name, depth $depth: $stacks stacks, $bad disagree" ||
			diag "$(grep -A2 'unwinders disagree' "$TMP/traced.err" | head -6)"
	done
done
echo "# $programs programs, $sum stacks compared, $disagreeing disagree"
if [ "$bulk" ] && [ -z "${BULK_ONLY-}" ] && [ "$programs" -ge 15 ]; then
	[ "$sum" -ge 5000000 ]
	ok $? "$sum stacks are five million"
fi
plan
