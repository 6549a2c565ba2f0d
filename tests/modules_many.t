#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The paths of modules: every frame has its name, or its file, however many modules there are and
# however long their paths, wherever the table is kept and whoever prints it; and the paths of
# modules that were named relative to the current directory.
. "${0%/*}/lib.sh"
: "${CC:=cc}"

many=$TMP/in/many
$CC -std=gnu11 -D_GNU_SOURCE -O1 -fno-builtin -o "$many" "$TOP/tests/subjects/modules_many.c" -ldl &&
	$CC -std=gnu11 -O1 -fno-builtin -shared -fPIC -DLIBRARY -o "$TMP/in/library.so" \
		"$TOP/tests/subjects/modules_many.c" || skip_all 'the subjects cannot be built'

# libraries COUNT DIRECTORY: sets $libraries
libraries() {
	local i
	libraries=()
	mkdir -p "$2"
	for ((i = 0; i < $1; i++)); do
		cp "$TMP/in/library.so" "$2/library$i.so"
		libraries+=("$2/library$i.so")
	done
}

# all_named COUNT NAME FILE...: the dumps have as many backtraces of libraries, each with its name,
# no frame without a file, and tell of no name that is missing.
all_named() {
	local count=$1 name=$2
	shift 2
	is "$(cat "$@" | grep -c '^ 1 .*\] many_allocates +0x')" "$count" "$name: each library has its names"
	is "$(cat "$@" | grep -E '\] +(\? )?\(\+0x|names missing')" '' "$name: no file is unknown"
}

# in_all_ways COUNT NAME: $libraries in a process of each kind
in_all_ways() {
	local count=$1 name=$2 options pid dump=$TMP/dumps/dump
	for options in '' --no-watch "--record=$TMP/in/record"; do
		run_traced $options -- "$many" end "${libraries[@]}"
		all_named "$count" "$name${options:+, ${options%%=*}}" "$dump"
	done
	"$HEAPTRACE" --report="$TMP/in/record" --top=0 >"$TMP/dumps/report"
	all_named "$count" "$name, --report" "$TMP/dumps/report"
	run_traced -- "$many" fork "${libraries[@]}"
	rm -f "$dump"
	all_named "$count" "$name, in a forked child" "$dump".*
	run_traced -- "$many" kill "${libraries[@]}"
	for ((i = 0; i < 100; i++)); do
		grep -q '^\[heaptrace\] statm' "$dump" && break
		sleep 0.1
	done
	all_named "$count" "$name, after a kill" "$dump"
	coproc limit "$HEAPTRACE" --no-watch --outfile="$dump" "$many" wait "${libraries[@]}"
	read -r -u "${COPROC[0]}" _ pid
	"$HEAPTRACE" --dump="$pid" --top=0 >"$TMP/dumps/process"
	eval "exec ${COPROC[1]}>&-"
	wait "$COPROC_PID" 2>/dev/null
	all_named "$count" "$name, --dump" "$TMP/dumps/process"
}

path=$TMP/in/$(printf 'directory-%.0s' {1..10})
libraries 100 "$path"
in_all_ways 100 '100 libraries, a long path'

# As long as the kernel takes them, the NUL included.
path=$TMP/in
while ((${#path} + 200 < 4096 - 20)); do
	path+=/$(printf '%0199d' 0)
done
libraries 40 "$path"
in_all_ways 40 "40 libraries, paths of ${#libraries[0]} bytes"

# The loader knows a needed library by the path that the linker was given, or by that in
# LD_LIBRARY_PATH. libc comes after it.
mkdir "$TMP/in/needs"
cd "$TMP/in/needs" || exit 1
cp ../library.so libneeded.so
needing=(-std=gnu11 -D_GNU_SOURCE -O1 -fno-builtin -DNEEDED "$TOP/tests/subjects/modules_many.c" -ldl)
$CC "${needing[@]}" -o by_path ./libneeded.so &&
	$CC "${needing[@]}" -o by_name -L. -lneeded || skip_all 'the programs cannot be built'
cp ../library.so late.so
for options in '' --no-watch "--record=$TMP/in/record"; do
	"$HEAPTRACE" $options --top=0 --outfile="$TMP/dumps/dump" ./by_path end ./late.so >"$TMP/traced.out"
	all_named 2 "relative libraries${options:+, ${options%%=*}}" "$TMP/dumps/dump"
	LD_LIBRARY_PATH=. "$HEAPTRACE" $options --top=0 --outfile="$TMP/dumps/dump" ./by_name >"$TMP/traced.out"
	all_named 1 "a relative LD_LIBRARY_PATH${options:+, ${options%%=*}}" "$TMP/dumps/dump"
done
"$HEAPTRACE" --report="$TMP/in/record" --top=0 >"$TMP/dumps/report"
all_named 1 'a relative library, --report' "$TMP/dumps/report"
# When the library allocates first, the current directory is another one.
for options in '' "--record=$TMP/in/record2"; do
	LD_LIBRARY_PATH=. "$HEAPTRACE" $options --top=0 --outfile="$TMP/dumps/dump" ./by_name chdir ./late.so >"$TMP/traced.out"
	like "$(cat "$TMP/dumps/dump")" ' 1 [^
]*many_allocates ' "a relative dlopen and then chdir${options:+, ${options%%=*}}"
done
mv late.so later.so
"$HEAPTRACE" --report="$TMP/in/record2" --top=0 >"$TMP/dumps/report"
like "$(cat "$TMP/dumps/report")" "\] $TMP/in/needs/late.so \\(" 'a relative dlopen and then chdir: its path'
cd / || exit 1
"$HEAPTRACE" --report="$TMP/in/record" --top=0 >"$TMP/dumps/report"
all_named 1 'a relative library, --report from another directory' "$TMP/dumps/report"
plan
