# SPDX-License-Identifier: GPL-2.0-only
#
# What the bash tests share. TAP without a count up front (ok, is, like, skip, skip_all,
# plan at the end), programs under a time limit, and the comparison that most of them are
# about: a program does with heaptrace what it does without, and its dump has the form of
# the contract.
#
#	. "${0%/*}/lib.sh"
#	same 'ls: a directory' -- ls /
#	plan
#
# Everything is written below $TMP, which goes away at the end.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
HEAPTRACE=$TOP/heaptrace
LIMIT=60			# seconds a program may take: only a hang does, on a busy machine too
TMP=$(mktemp -d "${TMPDIR:-/tmp}/heaptrace-test.XXXXXX")
mkdir "$TMP/in" "$TMP/work" "$TMP/dumps"
trap 'rm -rf "$TMP"' EXIT
trap 'exit 1' INT TERM HUP
unset HEAPTRACE_OPTIONS LD_PRELOAD
export LC_ALL=C.UTF-8

tests_run=0
tests_failed=0

# diag TEXT...: shown by prove when something is wrong
diag() {
	printf '%s\n' "$*" | sed 's/^/# /' >&2
}

# ok STATUS NAME: passes when STATUS is 0
ok() {
	local not=
	tests_run=$((tests_run + 1))
	if [ "$1" != 0 ]; then
		not='not '
		tests_failed=$((tests_failed + 1))
	fi
	printf '%sok %d - %s\n' "$not" "$tests_run" "$2"
	[ "$1" = 0 ]
}

# is GOT WANT NAME
is() {
	[ "$1" = "$2" ]
	ok $? "$3" || diag "got:  ${1:0:2000}
want: ${2:0:2000}"
}

# like TEXT EXTENDED_REGEX NAME
like() {
	[[ $1 =~ $2 ]]
	ok $? "$3" || diag "got: ${1:0:2000}
does not match: $2"
}

# skip NAME [REASON]: without a reason, the name is the reason
skip() {
	tests_run=$((tests_run + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tests_run" "$1" "${2:-$1}"
}

# todo STATUS NAME REASON: like ok, but known to fail: prove says so, and when it no longer does
todo() {
	tests_run=$((tests_run + 1))
	[ "$1" = 0 ] || printf 'not '
	printf 'ok %d - %s # TODO %s\n' "$tests_run" "$2" "$3"
}

# built TEST COMMAND...: whether the command builds what the test needs. If not, the test fails, or is skipped where there
# is no compiler.
built() {
	local test=$1
	shift
	"$@" 2>"$TMP/log" && return
	if have "$1"; then
		ok 1 "$test: it builds" || diag "$(head -n 20 "$TMP/log")"
	else
		skip "$test" 'no C compiler'
	fi
	return 1
}

skip_all() {
	printf '1..0 # SKIP %s\n' "$*"
	exit 0
}

# in_browsers NAME ARGUMENT...: runs tests/browser/NAME.js (its README.md tells how to write one) with the arguments;
# its tests are this script's.
in_browsers() {
	local name=$1 line planned=
	shift
	if ! type -P node >/dev/null; then
		skip "$name in browsers" 'no node'
		return
	fi
	while IFS= read -r line; do
		case $line in
		'1..0 # SKIP '*)
			skip "$name in browsers" "${line#*SKIP }"
			planned=1;;
		1..*)
			planned=1;;
		'ok '*' # SKIP '*)
			line=${line#*- }
			skip "${line%% # SKIP *}" "${line#* # SKIP }";;
		ok\ *)
			ok 0 "${line#*- }";;
		'not ok '*)
			ok 1 "${line#*- }";;
		esac
	done < <(TMPDIR=$TMP node "$TOP/tests/browser/$name.js" "$@")
	[ "$planned" ] || ok 1 "tests/browser/$name.js came to its end"
}

# The last line of every test.
plan() {
	printf '1..%d\n' "$tests_run"
	exit "$((tests_failed > 0))"
}

have() {
	type -P "$1" >/dev/null
}

# limit COMMAND...: 124 when it took longer than LIMIT seconds
limit() {
	timeout -k 2 "$LIMIT" "$@"
}

# check_dumps TOP FILE...: prints what is wrong with text dumps; nothing when all is well
check_dumps() {
	perl "$TOP/tests/check_dump.pl" "$@"
}

# Empties the directory that programs run in; a test may define prepare() to fill it.
fresh_work() {
	chmod -R u+rwx "$TMP/work" 2>/dev/null
	rm -rf "$TMP/work"
	mkdir "$TMP/work"
	if declare -F prepare >/dev/null; then
		(cd "$TMP/work" && prepare) >/dev/null 2>&1
	fi
}

# run_in_work KIND COMMAND...: leaves $TMP/KIND.out, .err, .status, .files (names of what it
# made). With PRELOAD set, that library is preloaded.
run_in_work() {
	local kind=$1
	shift
	fresh_work
	(cd "$TMP/work" && limit env ${PRELOAD:+LD_PRELOAD="$PRELOAD"} "$@") <"$TMP/in/stdin" >"$TMP/$kind.out" 2>"$TMP/$kind.err"
	echo $? >"$TMP/$kind.status"
	(cd "$TMP/work" && find . | sort) >"$TMP/$kind.files"
}
: >"$TMP/in/stdin"

# run_traced [HEAPTRACE_OPTION...] -- COMMAND...: dumps to $TMP/dumps/dump (children: dump.PID)
run_traced() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	rm -f "$TMP/dumps"/*
	run_in_work traced "$HEAPTRACE" --outfile="$TMP/dumps/dump" --top="${SHOW:-0}" \
		"${options[@]}" "$@"
}

# explain KIND: how the traced run differs from the native one in KIND
explain() {
	printf '%s differs:\n' "$1"
	diff "$TMP/native.$1" "$TMP/traced.$1" | head -n 8 | cut -c 1-300
}

# A filter for outputs that cannot be the same twice (pids, times); a test may redefine it.
scrub() {
	cat
}

# compare_runs: prints how the two runs differ
compare_runs() {
	local kind
	for kind in out err; do
		scrub <"$TMP/native.$kind" >"$TMP/scrubbed" && mv "$TMP/scrubbed" "$TMP/native.$kind"
		scrub <"$TMP/traced.$kind" >"$TMP/scrubbed" && mv "$TMP/scrubbed" "$TMP/traced.$kind"
	done
	for kind in status out err files; do
		cmp -s "$TMP/native.$kind" "$TMP/traced.$kind" || explain "$kind"
	done
}

# A whole life in the main process's file: started and ended. exec starts another.
check_life() {
	local file=$TMP/dumps/dump
	if ! grep -q '^\[heaptrace\] initialized for ' "$file" 2>/dev/null; then
		echo "no 'initialized' line in the outfile"
	elif [ -z "$DIES" ] && ! grep -q '^\[heaptrace\] finalized for ' "$file"; then
		echo "no 'finalized' line in the outfile"
	elif [ -n "$WANT_DUMP" ] && ! grep -q '^=== backtrace #1 ===' "$file"; then
		echo "no dump in the outfile"
	fi
}

# same NAME [HEAPTRACE_OPTION...] -- COMMAND...
# One test: status, output, errors and files made are the same with and without heaptrace,
# and every dump is well formed. DIES=1: it is killed, so there is no end to be told;
# WANT_DUMP=1: it must have left blocks behind.
same() {
	local name=$1 problems args=()
	shift
	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	run_in_work native "$@"
	run_traced "${args[@]}" -- "$@"
	problems=$(compare_runs; check_life; check_dumps "${SHOW:-0}" "$TMP/dumps"/* 2>&1)
	[ -z "$problems" ]
	ok $? "$name" || diag "$problems"
}

# A redis-server in $TMP/work that is traced with --unwind=check: redis_start DEPTH TOP begins it, redis_load REQUESTS has
# redis-benchmark give it work and returns that one's status, redis_do COMMAND... sends it a command, and redis_stop ends it.
# Its output, status and dump are those that run_traced has of other programs.
redis_start() {
	fresh_work
	rm -f "$TMP/dumps"/*
	(cd "$TMP/work" && exec timeout -k 2 "$LIMIT" "$HEAPTRACE" --unwind=check --depth="$1" --top="$2" \
		--outfile="$TMP/dumps/dump" redis-server --port 0 --unixsocket "$TMP/work/socket" --save '' \
		--appendonly no --daemonize no) >"$TMP/traced.out" 2>"$TMP/traced.err" </dev/null &
	redis_server=$!
	for _ in {1..300}; do
		[ "$(redis_do ping 2>/dev/null)" = PONG ] && break
		sleep 0.1
	done
}

redis_load() {
	timeout "$LIMIT" redis-benchmark -s "$TMP/work/socket" -t set,get,incr,lpush,rpop,sadd,hset,spop,zadd,lrange_100,mset \
		-n "$1" -r 1000 -d 300 -c 20 -q >"$TMP/benchmark" 2>&1
}

redis_do() {
	redis-cli -s "$TMP/work/socket" "$@"
}

redis_stop() {
	redis_do shutdown nosave >/dev/null 2>&1
	wait "$redis_server"
	echo $? >"$TMP/traced.status"
}
