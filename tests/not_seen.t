#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a dump says of what it did not see, each with the number that the subject
# (tests/subjects/not_seen.c) makes of it; and nothing of it where there is nothing to say.
# Programs with a malloc of their own and dlmopen() are in tests/loaders.t, operator new in
# tests/allocators.t, a table without space in tests/report.t, other debug data in tests/output.t.
. "${0%/*}/lib.sh"
: "${CC:=cc}"
have "${CC%% *}" || skip_all "no $CC here"
build() {
	$CC -std=gnu11 -Wall -Wextra -g -O1 -fno-builtin -fno-optimize-sibling-calls -D_GNU_SOURCE "$@" \
		-ldl -pthread
}
subject=$TMP/in/not_seen
build "$TOP/tests/subjects/not_seen.c" -o "$subject" || skip_all 'the subject cannot be built'

# unseen HOW [HEAPTRACE_OPTION...]: the dump's line
unseen() {
	local how=$1
	shift
	run_traced --depth=32 "$@" -- "$subject" $how
	sed -n 's/^\[heaptrace\] not seen  *: //p' "$TMP/dumps/dump"
}
# said TEXT: what the run says of itself, before its last dump; how often
said() {
	grep -c "^\[heaptrace\] .*$1" "$TMP/dumps/dump"
}

is "$(unseen plain)" '' 'nothing that was not seen: no line'
is "$(said 'no allocation was seen')" 0 'and no word'
is "$(unseen foreign)" '7 frees of unknown blocks' 'blocks that another malloc gave'
is "$(unseen stale)" '5 frees of known blocks' 'frees that another free took'
is "$(unseen nothing)" '' 'no allocation at all'
is "$(said "no allocation was seen: the program called none of malloc's functions")" 1 'and it is said why'
# A file that is for dumps alone has no room for such a line: standard error has it, once, not from each child.
for options in "--flame-graph --outfile=$TMP/alone" "--outfile=$TMP/alone.%n" "--flame-graph --outfile=$TMP/alone.%p"; do
	# shellcheck disable=SC2086
	"$HEAPTRACE" $options "$subject" nothing >/dev/null 2>"$TMP/alone.err"
	is "$(cat "$TMP/alone.err")" "[heaptrace] no allocation was seen: the program called none of malloc's functions, or got nothing from them" \
		"$options: it is said why, too"
	# shellcheck disable=SC2086
	"$HEAPTRACE" $options "$subject" plain >/dev/null 2>"$TMP/alone.err"
	is "$(cat "$TMP/alone.err")" '' "$options: no word where all was seen"
	# shellcheck disable=SC2086
	"$HEAPTRACE" $options bash -c '"$0" nothing; :' "$subject" >/dev/null 2>"$TMP/alone.err"
	is "$(cat "$TMP/alone.err")" '' "$options: no word of a child"
done

unseen jit >"$TMP/line"
if [ "$(cat "$TMP/traced.status")" = 77 ]; then
	skip 'code of no file' 'not on this machine'
else
	is "$(cat "$TMP/line")" '1 backtrace beyond code of no file (compiled at run time)' 'stacks that are cut: code of no file'
	is "$(unseen jit --depth=2)" '' 'where no more was asked for, none is cut'
	like "$(unseen jit --unwind=execinfo)" '^1 backtrace beyond code of no file|^9 stacks but for the caller' \
		'and with the other unwinder'
fi

unseen huge >"$TMP/line"
if [ "$(cat "$TMP/traced.status")" = 77 ]; then
	skip 'stacks by the slow unwinder' 'not on this machine'
else
	is "$(cat "$TMP/line")" '4 stacks by the slow unwinder' 'frames that are too large for the fast unwinder'
fi

lost=$(unseen lost)
is "$lost" '1 allocation (no memory to record)' 'a block for which there was no memory'
is "$(said '1 allocation was not recorded: no memory for that')" 1 'and at the end, once more'
is "$(cat "$TMP/traced.out")" 'a block' 'but the program has it'

# A table of 65,536 rows, as it is under such a limit on the address space.
if (ulimit -v 150000; "$subject" full); then
	for watch in '' --no-watch; do
		(cd "$TMP/work" && ulimit -v 150000 && "$HEAPTRACE" $watch --depth=32 --top=3 \
			--sort=count --outfile="$TMP/dumps/full" "$subject" full)
		is $? 0 "a full table, $watch: status"
		awk '/not seen .* allocations without a row of their own \(table full\)/ { sub(/.*: /, ""); beyond = $1 }
			/num of backtrace/ { rows = $NF }
			END { exit !(beyond > 0 && rows - 1 + beyond == 130001) }' "$TMP/dumps/full"
		ok $? "a full table, $watch: as many as have no row" || diag "$(tail -n 8 "$TMP/dumps/full")"
		is "$(grep -c '^(table full)$' "$TMP/dumps/full")" 1 "a full table, $watch: they are together"
		is "$(check_dumps 3 "$TMP/dumps/full" 2>&1)" '' "a full table, $watch: well formed"
		rm -f "$TMP/dumps/full"
	done
else
	skip 'a full table' 'no such limit here'
fi

# Modules without symbols; the other one has them.
cp "$subject" "$TMP/in/stripped"
if strip "$TMP/in/stripped" 2>/dev/null; then
	run_traced -- "$TMP/in/stripped" plain
	is "$(sed -n 's/^\[heaptrace\] names missing  *: //p' "$TMP/dumps/dump")" 'stripped (no symbols there)' \
		'a module without symbols'
	run_traced -- "$subject" plain
	is "$(grep -c 'names missing' "$TMP/dumps/dump")" 0 'one that has them'
else
	skip 'a module without symbols' 'no strip here'
fi

# Started programs that nothing can be preloaded into: each is said, and the dump has their number.
printf 'int main(void) { return 0; }\n' >"$TMP/in/none.c"
if $CC -static -o "$TMP/in/static" "$TMP/in/none.c" 2>/dev/null; then
	children="$TMP/in/static /bin/true $TMP/in/static"
	count=2
	if [ "$(id -u)" = 0 ] && $CC -o "$TMP/in/set_user" "$TMP/in/none.c" &&
			chown 65534 "$TMP/in/set_user" && chmod 4755 "$TMP/in/set_user"; then
		children="$children $TMP/in/set_user"
		count=3
	fi
	# Each child says it in its own file.
	unseen "children $children" >"$TMP/line"
	is "$(cat "$TMP/traced.status")" 0 'programs that cannot be traced: they run'
	is "$(cat "$TMP/dumps"/* | grep -c 'it is not traced')" $count 'programs that cannot be traced: said'
	is "$(unseen "spawn $TMP/in/static /bin/true $TMP/in/static")" \
		'2 started programs (it was said which, and why)' 'and counted, where the program itself starts them'
else
	skip 'programs that cannot be traced' 'no static libc'
fi
plan
