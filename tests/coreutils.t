#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every program of coreutils, each in a harmless way: with heaptrace the same output, errors,
# status and files as without. They close their standard streams before they exit (to notice
# a full disk) and must still get their end, and their dump where they hold blocks, both in
# an outfile and on standard error.
. "${0%/*}/lib.sh"
have dpkg && dpkg -s coreutils >/dev/null 2>&1 || skip_all 'no coreutils of Debian here'

printf '%s\n' 'pear 3' 'apple 1' 'fig 2' 'apple 1' >"$TMP/in/stdin"
cd "$TMP/in" || exit 1
seq 1 3000 >numbers
printf 'a 1\nb 2\n' >left
printf 'a x\nb y\n' >right
printf 'a b\nb c\n' >pairs
mkdir -p tree/sub
ln -s left link
printf 'x' >tree/sub/x
touch -d @1000000000 old tree tree/sub tree/sub/x
sha256sum left right >sums
prepare() { cp -a "$TMP/in/." .; }

declare -A seen
# c PROGRAM ARG...: SAY names the test when one program has several
c() {
	local path
	seen[$1]=1
	path=$(type -P "$1") || { skip "$1" "no $1 here"; return; }
	[ -x "$path" ] || { skip "$1" 'not executable'; return; }
	same "${SAY:-$*}" -- "$@"
}

c [ 1 -lt 2 ]
c arch
c b2sum numbers
c b2sum -l 128 left
c base32 numbers
c base64 -d nothing-there
c basename /a/b/c.d .d
c basenc --base16 left
c cat numbers -
c cat -A left no-such-file
c chcon -t nothing_t left
c chgrp "$(id -g)" left
c chmod u=rwx,go= left
c chown "$(id -u)" left
c chroot /nowhere true
c cksum numbers
c cksum -a sha256 left right
c comm left pairs
c cp -av tree copied
c csplit numbers 100 200
c cut -d ' ' -f 2
c date -u -d @1000000000
c dd if=numbers of=out bs=512 count=3 status=none
c df --output=target /
c dir
c dircolors -b
c dirname /a/b/c
c du -ab tree
c echo -e 'a\tb'
SAY='env -i' c env -i A=b env
c expand -t 4
c expr 6 '*' 7
c expr 1 - 1
c factor 1234567890123456789 340282366920938463463374607431768211297
c false
c fmt -w 10
c fold -w 3
c groups
c head -n 3
c head -c -5 numbers
c hostid
c id
c install -m 700 left installed
c join left right
c link left linked
c ln -sv left soft
c logname
c ls -lAR --time-style=+%s .
c ls --color=always no-such-file left
c md5sum left right
c mkdir -pv a/b/c
c mkfifo fifo
c mknod pipe p
SAY='mktemp' c mktemp -u /dev/nul
c mv -v left moved
c nice -n 5 nice
c nl
c nohup echo a
c nproc --all
c numfmt --to=iec 1000000
c od -An -c left
c paste left right
c pathchk -p /a/b 'a?'
c pinky -s root
c pr -h title -D fixed numbers
SAY='printenv' c printenv HOME
c printf '%5.2f|%s\n' 3.14159 x
c ptx -G left
c pwd -P
c readlink -f link
c realpath .
c rm -rv tree
c rmdir tree/sub
c runcon nothing_t true
c seq -w 8 11
c seq 1 0.25 1e3
c sha1sum left
c sha224sum left
c sha256sum -c sums
c sha384sum left
c sha512sum left
c shred -n 1 -u left
c shuf --random-source=numbers -n 5 numbers
c sleep 0.01
c sort
c sort -R --random-source=numbers -k 2 numbers
SAY='sort by several threads' c sort --parallel=4 -rn numbers numbers
SAY='sort with temporary files' c sort -S 16K numbers numbers numbers numbers
c split -l 1000 numbers part-
SAY='split to a filter' c split -n r/3 --filter='cat >$FILE.f' numbers
c stat -c '%n %s %F' left tree
c stdbuf -oL cat left
c stty -a
c sum numbers
c sync left
c tac
c tail -n 2 numbers
c tee copy
c test -d tree
c timeout 5 sh -c 'exit 3'
c timeout 0.1 sleep 5
# Kills itself with it; the shell's message has a pid.
DIES=1 SAY='timeout -s KILL' c sh -c 'timeout -s KILL 0.1 sleep 5 2>/dev/null; echo $?' 2>/dev/null
c touch -d @1 new
c tr a-z A-Z
c true
c truncate -s 10000 left
c tsort pairs
c tty
c uname -s
c unexpand -a
c uniq -c
c unlink link
c users
c vdir --time-style=+%s left
c wc left numbers
c who -b
SAY='whoami' c whoami
SAY='yes into a pipe that closes' c sh -c 'timeout 20 yes | head -n 20000 | cksum'

# What the environment tells differs by our two variables only.
for program in env printenv; do
	run_in_work native "$program"
	run_traced -- "$program"
	problems=$(diff <(sort "$TMP/native.out") <(sort "$TMP/traced.out") |
		grep '^[<>]' | grep -vE '^> (LD_PRELOAD=.*/libheaptrace\.so|HEAPTRACE_OPTIONS=.*)$')
	is "$problems" '' "$program without arguments"
	is "$(grep -cE '^(LD_PRELOAD|HEAPTRACE_OPTIONS)=' "$TMP/traced.out")" 2 "$program: two variables more"
done
seen[yes]=1

# Nothing was forgotten.
missing=''
for program in $(dpkg -L coreutils | sed -n 's:^\(/usr\)\{0,1\}/s\{0,1\}bin/::p'); do
	[ -n "${seen[$program]}" ] || [ "$program" = md5sum.textutils ] || missing+=" $program"
done
is "$missing" '' 'every program of the package was run'
[ "${#seen[@]}" -ge 90 ]
ok $? "at least 90 programs (${#seen[@]})"

# On standard error too, though they close it: what is left when the program's own lines are
# taken out is a life of the right form.
on_stderr() {
	local status
	fresh_work
	(cd "$TMP/work" && limit "$HEAPTRACE" --top=3 "$@") <"$TMP/in/stdin" >"$TMP/out" 2>"$TMP/err"
	status=$?
	like "$(cat "$TMP/err")" "finalized for /proc/[0-9]+/maps \\(${1:0:15}\\)" "$1: its end on standard error"
	grep -E '^(\[heaptrace\]|=====|=== backtrace|[ 1-9][0-9] \[ *0x|    \.\.\. [0-9]+ frames |$)' "$TMP/err" >"$TMP/dumps/err"
	is "$(check_dumps 3 "$TMP/dumps/err")" '' "$1: the form of it"
	run_in_work native "$@"
	is "$status $(cat "$TMP/out")" "$(cat "$TMP/native.status") $(cat "$TMP/native.out")" \
		"$1: status and output"
}
on_stderr ls -l /usr
on_stderr cat numbers
on_stderr sort numbers
on_stderr date -u -d @0
on_stderr du -s tree
on_stderr tail -n 3 numbers
on_stderr touch new
on_stderr stat -c '%n %s' left

# Standard streams that are closed from the start, and a full disk.
for closing in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
	for program in 'cat left' 'ls' 'sort numbers' '/bin/echo x'; do
		want=$(cd "$TMP/in" && eval "( $program $closing ) 2>&1; echo \$?")
		got=$(cd "$TMP/in" && eval "( limit $HEAPTRACE --outfile=$TMP/dumps/closed $program $closing ) 2>&1; echo \$?")
		is "$got" "$want" "$program $closing"
	done
done
if [ -w /dev/full ]; then
	for program in 'cat left' 'ls' '/bin/echo x' 'sort numbers'; do
		want=$(cd "$TMP/in" && $program 2>&1 >/dev/full; echo $?)
		# shellcheck disable=SC2086
		got=$(cd "$TMP/in" && limit "$HEAPTRACE" --outfile="$TMP/dumps/full" $program 2>&1 >/dev/full; echo $?)
		is "$got" "$want" "$program on a full disk"
	done
fi
plan
