#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs in a root directory without /proc: the program's path is found all the same, however it
# was started, so that every frame has its name or its file, inside and from outside.
. "${0%/*}/lib.sh"
: "${CC:=cc}"

jail=$TMP/in/jail
mkdir -p "$jail/bin" "$jail/tmp" "$jail/home"
$CC -std=gnu11 -D_GNU_SOURCE -O1 -fno-builtin -o "$jail/bin/many" "$TOP/tests/subjects/modules_many.c" -ldl &&
	$CC -std=gnu11 -O1 -fno-builtin -shared -fPIC -DLIBRARY -o "$jail/home/library.so" \
		"$TOP/tests/subjects/modules_many.c" || skip_all 'the subjects cannot be built'

# ours DUMP: each name that the library's backtrace has within the library and the program
ours() {
	perl -e 'local $/; my ($row) = grep { / many_allocates/ || m{/library\.so \(} || / \? \(/ } split /^=== backtrace/m, <>;
		print join " ", map { s/ \+0x.*//r } grep { !/libc|^_start/ } ($row // "") =~ /^ *\d+ \[[^]]*\] (.*)/mg' "$1"
}
all='malloc many_allocates main'

# The kernel takes the loader for the program here: its path would be wrong, and not "".
loader=$(readelf -l "$jail/bin/many" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')
if [ -n "$loader" ]; then
	(cd "$jail/bin" && "$HEAPTRACE" --record="$TMP/in/record" --outfile=/dev/null "$loader" ./many end ../home/library.so)
	"$HEAPTRACE" --report="$TMP/in/record" --top=0 >"$TMP/dumps/report"
	is "$(ours "$TMP/dumps/report")" "$all" 'a program that is the argument of the loader'
else
	skip 'a program that is the argument of the loader' 'no readelf'
fi

for file in "$HEAPTRACE" "$TOP/libheaptrace.so"; do
	cp "$file" "$jail/bin/"
done
for file in $(ldd "$HEAPTRACE" "$jail/bin/many" | grep -o '/[^ ]*' | grep -v ':$' | sort -u); do
	mkdir -p "$jail${file%/*}" && cp "$file" "$jail$file"
done
mkdir -p "$jail/dev"
cp -a /dev/null "$jail/dev/null" 2>/dev/null

# jailed DIRECTORY COMMAND...: in that directory of the jail, traced
jailed() {
	local directory=$1
	shift
	(cd "$jail$directory" && limit perl -e 'chroot shift or die; exec @ARGV or die' "$jail" /bin/heaptrace "$@")
}

if ! jailed / /bin/many >/dev/null 2>&1; then
	skip 'programs behind chroot()' 'nobody may call chroot() here, or the program does not run there'
	plan
fi

dump=$jail/tmp/dump
record=$jail/tmp/record
report() {
	"$HEAPTRACE" --report="$record" --top=0 "$@" >"$TMP/dumps/report"
	ours "$TMP/dumps/report"
}

for options in '' --no-watch --record=/tmp/record; do
	rm -f "$dump"
	jailed / $options --top=0 --outfile=/tmp/dump /bin/many end /home/library.so
	is "$(ours "$dump")" "$all" "a dump inside${options:+, ${options%%=*}}"
done
is "$(report --sysroot="$jail")" "$all" '--report --sysroot'
is "$(grep -c 'names missing' "$TMP/dumps/report")" 0 'no name is missing'
report >/dev/null
like "$(cat "$TMP/dumps/report")" '\] /bin/many \(\+0x' '--report without it: the path as it is in there'
like "$(grep 'names missing' "$TMP/dumps/report")" 'many \(the file is no longer there\)' 'and the reason'

jailed / --record=/tmp/record /bin/many kill /home/library.so >/dev/null 2>&1
is "$(report --sysroot="$jail")" "$all" '--report --sysroot after a kill'
rm -f "$dump"
jailed / --top=0 --outfile=/tmp/dump /bin/many kill /home/library.so >/dev/null 2>&1
for ((i = 0; i < 100; i++)); do
	grep -q '^\[heaptrace\] statm' "$dump" && break
	sleep 0.1
done
is "$(ours "$dump")" "$all" 'the dump after a kill'

coproc jailed / --no-watch --outfile=/tmp/dump /bin/many wait /home/library.so
read -r -u "${COPROC[0]}" _ pid
"$HEAPTRACE" --dump="$pid" --top=0 >"$TMP/dumps/process"
eval "exec ${COPROC[1]}>&-"
wait "$COPROC_PID" 2>/dev/null
is "$(ours "$TMP/dumps/process")" "$all" '--dump from outside'

# started NAME DIRECTORY COMMAND...: in that directory of the jail
started() {
	local name=$1 directory=$2
	shift 2
	rm -f "$record"
	jailed "$directory" --record=/tmp/record --outfile=/tmp/dump "$@"
	is "$(report --sysroot="$jail")" "$all" "--report --sysroot: $name"
}
started 'a relative path' /home ../bin/many end ./library.so
PATH=$PATH: started 'a name in PATH, which has the current directory' /bin many end /home/library.so
printf '#!/bin/many end\n' >"$jail/home/script"
printf '#! script\n' >"$jail/home/second"
chmod +x "$jail/home/script" "$jail/home/second"
started 'a script' /home /home/script ./library.so
started 'a script of a script' /home ./second ./library.so

# The program is outside, its library inside.
"$HEAPTRACE" --record="$TMP/in/record" --outfile=/dev/null "$jail/bin/many" chroot "$jail" /home/library.so
record=$TMP/in/record
is "$(report --sysroot="$jail")" "$all" '--report --sysroot: a program that calls chroot() itself'
plan
