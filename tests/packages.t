#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tests/packages, with an apt-get of our own that writes down what it is asked for: what would
# remove an installed package is left out, whatever else is installed, and that is said; so is what
# cannot be had. The tests of the 32-bit library skip where it cannot be built.
. "${0%/*}/lib.sh"
mkdir "$TMP/fake"
cat >"$TMP/fake/apt-get" <<'END'
#!/bin/sh
# Knows the packages in $KNOWN; those in $EXCLUDING each remove gcc-cross, and its cpp-cross with it.
echo "apt-get $*" >>"$LOG"
[ "$1" = update ] && exit "${UPDATE:-0}"
simulate=
careful=
status=0
for a; do
	case $a in
	-s) simulate=1;;
	--no-remove) careful=1;;
	esac
done
for a; do
	case $a in
	-*|install) continue;;
	esac
	case " $KNOWN " in
	*" $a "*) ;;
	*) exit 100;;
	esac
	case " $EXCLUDING " in
	*" $a "*)
		if [ "$simulate" ]; then
			printf 'Remv cpp-cross [1.0] [gcc-cross]\nRemv gcc-cross [1.0]\n'
		elif [ "$careful" ]; then
			exit 100
		else
			echo 'REMOVED gcc-cross' >>"$LOG"
		fi;;
	esac
	all="$all $a"
done
[ "$simulate" ] || for a in $all; do
	echo "INSTALLED $a" >>"$LOG"
done
END
cat >"$TMP/fake/dpkg-query" <<'END'
#!/bin/sh
for a; do last=$a; done
case " $PRESENT " in
*" $last "*) echo 'install ok installed';;
*) exit 1;;
esac
END
printf '#!/bin/sh\necho libpython3.0-testsuite - tests\n' >"$TMP/fake/apt-cache"
printf '#!/bin/sh\necho 0\n' >"$TMP/fake/id"
chmod +x "$TMP"/fake/*
export LOG=$TMP/log KNOWN PRESENT EXCLUDING UPDATE
PATH=$TMP/fake:$PATH

# packages NAME...: what it says; what happened is in $LOG
packages() {
	: >"$LOG"
	"$TOP/tests/packages" "$@" 2>&1
	echo "status $?"
}
installed() { sed -n 's/^INSTALLED //p' "$LOG" | sort | xargs; }
removed() { grep -c REMOVED "$LOG"; }

KNOWN='a b c multilib other libpython3.0-testsuite' PRESENT='a b libpython3.0-testsuite'
is "$(packages a b)" 'status 0' 'all are there: nothing is said'
is "$(cat "$LOG")" '' 'and nothing is done'
is "$(packages a b c)" 'status 0' 'one is missing: nothing is said'
is "$(installed)" c 'and it is installed'
PRESENT='a b'
packages a c >/dev/null
is "$(installed)" 'c libpython3.0-testsuite' 'with it the tests of Python that the release has'
PRESENT='a libpython3.0-testsuite' EXCLUDING='multilib other'
is "$(packages a b c multilib nowhere other)" 'tests/run: multilib is not installed, because cpp-cross gcc-cross would be removed for it: its tests are skipped
tests/run: nowhere is not to be had: its tests are skipped
tests/run: other is not installed, because cpp-cross gcc-cross would be removed for it: its tests are skipped
status 0' 'what would remove others, or is not to be had: said'
is "$(installed)" 'b c' 'and the rest is installed'
is "$(removed)" 0 'and nothing is removed'
is "$(packages multilib)" 'tests/run: multilib is not installed, because cpp-cross gcc-cross would be removed for it: its tests are skipped
status 0' 'such a one alone'
is "$(installed)$(removed)" 0 'nothing is done'
UPDATE=1
like "$(packages multilib c)" 'packages cannot be installed here' 'no right to install: said'
is "$(installed)$(removed)" 0 'and nothing is done'
is "$(grep -c '^tests/packages ' "$TOP/tests/run")" 1 'tests/run takes its packages from there'
is "$(grep -c 'apt-get [^u]*install' "$TOP/tests/run")" 0 'and installs nothing itself'

# The 32-bit build: with a compiler that cannot do it, for want of a linker or of headers.
printf '#!/bin/sh\ncase " $* " in *" -m32 "*) exit 1;; esac\nexec cc "$@"\n' >"$TMP/fake/cc_no_link"
printf '#!/bin/sh\ncase " $* " in *" -m32 "*-fsyntax-only*) echo "x.c:1:10: fatal error: asm/errno.h: No such file or directory" >&2; exit 1;; *" -m32 "*) exit 0;; esac\nexec cc "$@"\n' >"$TMP/fake/cc_no_headers"
printf '#!/bin/sh\nexit 0\n' >"$TMP/fake/cc_all"
chmod +x "$TMP"/fake/cc_*
is "$("$TOP/tests/tools/can_build_32" cc_no_link)" 'cc_no_link links no 32-bit program (gcc-multilib)' 'no 32-bit linker'
is "$("$TOP/tests/tools/can_build_32" cc_no_headers)" 'no asm/errno.h for 32-bit programs (gcc-multilib)' 'no 32-bit headers'
"$TOP/tests/tools/can_build_32" cc_no_headers >/dev/null
is $? 1 'which the status says, too'
is "$("$TOP/tests/tools/can_build_32" cc_all)$?" 0 'a compiler that has all'
plan
