#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Names of files, symbols and processes with control characters in them, which a terminal would obey:
# those of ASCII, and C1 (0x80 to 0x9f), as UTF-8 (C2 9B) and as single bytes, and characters that change the
# direction of text. None may come out, whoever prints: dumps of each kind, notices, the wrapper's messages.
# Other characters are kept, though they may consist of the same bytes.
. "${0%/*}/lib.sh"
: "${CC:=cc}"

# "x", CSI as UTF-8, CSI as a byte, ESC overlong, U+202E, U+00DB (C3 9B), U+4E9B (E4 BA 9B)
bad=$'x\xc2\x9b\x9b\xc0\x9b\xe2\x80\xae\xc3\x9b\xe4\xba\x9b'
shown=$'x\\?\\?.?\\?\\?\xc3\x9b\xe4\xba\x9b'

# plain FILE NAME: no control characters but newlines are in it
plain() {
	is "$(perl -0777 -pe 's/[\xc3-\xdf][\x80-\xbf]|\xc2[\xa0-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}//g; s/[^\x00-\x09\x0b-\x1f\x7f-\x9f]//g' \
		"$1" | od -An -tx1)" '' "$2: no control characters"
}

# shows FILE TEXT NAME: plain, and the name is there (C.UTF-8 would take a lone byte for no character)
shows() {
	plain "$1" "$3"
	LC_ALL=C like "$(cat "$1")" "$2" "$3: the name"
}

directory=$TMP/in/$bad
mkdir "$directory" && cd "$directory" || skip_all 'the file system takes no such names'
cat >"$bad.c" <<END
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
void *volatile kept;
__attribute__((noinline)) void utf8(void) __asm__("f_$bad");
void utf8(void) { kept = malloc(100); }
void from_library(void);
#ifdef LIBRARY
__attribute__((noinline, visibility("hidden"))) void hidden(void) { kept = malloc(300); }
void from_library(void) { hidden(); }
#else
int main(int argc, char **argv)
{
	utf8();
	from_library();
	if (argc > 2)
		return system(argv[2]);
	if (argc > 1) {
		puts("waits");
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	return 0;
}
#endif
END
$CC -D_GNU_SOURCE -g -O1 -shared -fPIC -s -DLIBRARY -o "$directory/lib$bad.so" "$bad.c" 2>/dev/null &&
	$CC -D_GNU_SOURCE -g -O1 -o "$bad" "$bad.c" "$directory/lib$bad.so" 2>/dev/null ||
	skip_all 'nothing of such a name can be built'

"$HEAPTRACE" --top=0 "./$bad" >"$TMP/out" 2>"$TMP/err"
shows "$TMP/err" "initialized for /proc/[0-9]+/maps \\($shown" 'a dump on standard error: the process'
shows "$TMP/err" "\\] f_$shown \\+0x" 'a dump on standard error: a symbol'
shows "$TMP/err" "lib$shown\\.so \\(\\+0x" 'a dump on standard error: a file'
shows "$TMP/err" " at [^
]*$shown\\.c:[0-9]" 'a dump on standard error: a source file'
shows "$TMP/err" "names missing  *: lib$shown\\.so \\(" 'names missing'
"$HEAPTRACE" --flame-graph --outfile="$TMP/out" "./$bad"
shows "$TMP/out" "main;f_$shown;malloc 100" 'a folded dump: a symbol'
shows "$TMP/out" "lib$shown\\.so \\(\\+0x" 'a folded dump: a file'
"$HEAPTRACE" --record="$TMP/in/record" --outfile=/dev/null "./$bad"
"$HEAPTRACE" --report="$TMP/in/record" --top=0 >"$TMP/out"
shows "$TMP/out" "\\($shown" '--report: the process'
shows "$TMP/out" "\\] f_$shown \\+0x" '--report: a symbol'
coproc exec "$HEAPTRACE" --outfile=/dev/null "./$bad" waits
read -r -u "${COPROC[0]}"
"$HEAPTRACE" --dump="$COPROC_PID" --top=0 >"$TMP/out"
eval "exec ${COPROC[1]}>&-"
wait "$COPROC_PID" 2>/dev/null
shows "$TMP/out" "\\] f_$shown \\+0x" '--dump: a symbol'
printf '%s\n' "$bad.*no" >"$TMP/in/rules"
"$HEAPTRACE" --ignore="$TMP/in/rules" "./$bad" 2>"$TMP/err"
plain "$TMP/err" 'a rule that matches nothing'

# Notices of the library.
echo 'int main(void) { return 0; }' >"$TMP/in/static.c"
if $CC -static -o "static$bad" "$TMP/in/static.c" 2>/dev/null; then
	"$HEAPTRACE" "./$bad" system "exec './static$bad'" 2>"$TMP/err"
	shows "$TMP/err" "static$shown[^
]*statically linked" 'a started program that is not traced'
else
	skip 'a started program that is not traced' 'no static C library'
fi
for options in "top=$bad" "$bad=1" "sort=$bad" "outfile=/nowhere/$bad" "record=/nowhere/$bad" "ignore=/nowhere/$bad"; do
	(LD_PRELOAD=$TOP/libheaptrace.so HEAPTRACE_OPTIONS=$options exec "./$bad") 2>"$TMP/err"
	plain "$TMP/err" "the library, HEAPTRACE_OPTIONS=${options%%=*}"
done
"$HEAPTRACE" --outfile="%c" "./$bad" 2>"$TMP/err"
plain "$TMP/err" 'an outfile of such a name'

# Messages of the wrapper.
for command in "./no$bad" "--top=$bad true" "--sort=$bad true" "--$bad true" "--ignore=$bad/none true" "--debug-dir=$bad/none true" \
	"--outfile=$bad/none true" "--record=$bad/none/x true" "--sysroot=$bad/none --dump=1" "--report=$bad" "--signal-size=$bad true" "./static$bad"; do
	"$HEAPTRACE" $command >"$TMP/out" 2>"$TMP/err"
	shows "$TMP/err" "^heaptrace: .*$shown" "the wrapper: ${command%%[!a-z.=-]*}"
done
HEAPTRACE_OPTIONS=top=$bad "$HEAPTRACE" true 2>"$TMP/err"
shows "$TMP/err" "$shown" 'the wrapper: HEAPTRACE_OPTIONS'
plan
