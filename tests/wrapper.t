#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The wrapper: options, messages, exit statuses, PROGRAM lookup, what cannot be traced, the
# library's places, the environment. It is tested beside a library that does nothing, so that
# only the wrapper speaks; the signal test takes the real one.
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-cc}
REAL=${HEAPTRACE:-$PWD/heaptrace}
. tests/lib.sh
T=$TMP
chmod 755 "$T"
umask 022
[ -x "$REAL" ] || { ok 1 "$REAL is built"; plan; }

mkdir "$T/bin" "$T/d"
cp "$REAL" "$T/bin/heaptrace"
echo 'int heaptrace_dummy;' > "$T/dummy.c"
$CC -shared -fPIC -o "$T/bin/libheaptrace.so" "$T/dummy.c" || skip_all 'no C compiler'
H=$T/bin/heaptrace
LIB=$(realpath "$T")/bin/libheaptrace.so
cd "$T/d" || exit 1

# run ARG...: out, err, status of the wrapper
run() { out=$(PATH=${P:-$PATH} "$H" "$@" 2> "$T/err" < /dev/null); status=$?; err=$(cat "$T/err"); }
# fails STATUS WORDS NAME ARG...: nothing on stdout, one line on stderr with the words
fails() {
	local want=$1 words=$2 name=$3
	shift 3
	run "$@"
	case $status:$out:$(wc -l < "$T/err"):$err in
	"$want::1:heaptrace: "*"$words"*) ok 0 "$name";;
	*) ok 1 "$name"; printf '%s\n' "want: $want, $words" "got: $status, $err" "stdout: $out" | sed 's/^/# /';;
	esac
}
# env_of ARG...: HEAPTRACE_OPTIONS in PROGRAM, without what differs in every run
env_of() { "$H" "$@" sh -c 'printf "%s\n" "$HEAPTRACE_OPTIONS"' 2>&1 | sed -E 's/watcher=[^:]*://;s/(:|^)run=[0-9]+(:|$)/\1run=PID\2/'; }

# --- help and version
run --help
is "$status:$err" "0:" "--help succeeds"
is "$(awk 'length > 80' <<< "$out")" "" "--help fits 80 columns"
for w in --top=NUM '-s, --sort=KEY' --depth=NUM --flame-graph --outfile=FILE --ignore=FILE --no-lines --no-demangle --debug-dir=DIR '-h, --help' '-V, --version' heap-peak; do
	grep -qF -e "$w" <<< "$out"; ok $? "--help has $w"
done
! grep -qE -e '--(run|held)' <<< "$out"; ok $? "--help has nothing internal"
is "$("$H" -h)" "$out" "-h is --help"
run --version; is "$status:$err:${out%% *}" "0::heaptrace" "--version"
is "$("$H" -V)" "$out" "-V is --version"
if [ -c /dev/full ]; then
	for o in --help --version; do
		"$H" $o > /dev/full 2> "$T/err"
		is "$?:$(wc -l < "$T/err")" "125:1" "$o on a full device"
	done
else
	skip "no /dev/full"; skip "no /dev/full"
fi
HEAPTRACE_OPTIONS=bogus run --help; is "$status" 0 "--help in spite of a bad HEAPTRACE_OPTIONS"

# --- options
is "$(env_of)" "run=PID:held=3" "no option, nothing but the run"
for o in "--top=3" "--top 3" "--top=1 --top=3"; do is "$(env_of $o)" "top=3:run=PID:held=3" "$o"; done
for o in "-s count" "-scount" "--sort count" "--sort=count" "-s age -s count"; do
	is "$(env_of $o)" "sort=count:run=PID:held=3" "$o"
done
is "$(env_of --flame-graph --depth 5 -- )" "flame-graph:depth=5:run=PID:held=3" "-- ends the options"
is "$(env_of --outfile=x.%p --ignore "$T/err")" "ignore=$T/err:outfile=$(pwd -P)/x.%p:run=PID:held=3" "names become absolute"
mkdir dbg
is "$(env_of --no-lines --debug-dir=dbg --no-demangle --debug-dir /)" "no-lines:no-demangle:debug-dir=$(pwd -P)/dbg:debug-dir=/:run=PID:held=3" "debug-dirs too"
is "$(HEAPTRACE_OPTIONS=debug-dir=/ env_of --debug-dir=dbg)" "debug-dir=/:debug-dir=$(pwd -P)/dbg:run=PID:held=3" "and they add up"
is "$(env_of --outfile -)" "outfile=-:run=PID:held=3" "but for -"
mkdir 'p:%p\'
is "$(cd 'p:%p\' && env_of --outfile=x --flame-graph)" "outfile=$(pwd -P)/p\\:%%p\\\\/x:flame-graph:run=PID:held=3" "from a directory with :, % and \\"
is "$(HEAPTRACE_OPTIONS=top=5:sort=age:run=1:held=2 env_of --top=6)" "top=6:sort=age:run=PID:held=3" "HEAPTRACE_OPTIONS is the base"
HEAPTRACE_OPTIONS=top=x fails 125 "HEAPTRACE_OPTIONS: top=x: not a whole number" "an error in HEAPTRACE_OPTIONS" true
is "$("$H" sh -c 'echo $$ $HEAPTRACE_OPTIONS' | sed -E 's/^([0-9]+) .*run=\1:.*/same/')" same "run is PROGRAM's own pid"
is "$("$H" echo --top=x -s)" "--top=x -s" "what follows PROGRAM is PROGRAM's"
is "$("$H" sh -c 'printf "%s|" "$@"' x '' 'a b' '*')" '|a b|*|' "arguments arrive unharmed"

fails 125 "PROGRAM is missing" "no arguments"
fails 125 "PROGRAM is missing: heaptrace [OPTION" "options only" --top=3
fails 125 "PROGRAM is missing (true is taken as the value of --record): heaptrace" "an option that takes PROGRAM for its value" --record true
fails 125 "PROGRAM is missing: heaptrace [OPTION" "a value, and an option behind it" --top 3 --no-lines
fails 125 "PROGRAM is missing" "-- only" --
fails 125 "--top=x: not a whole number" "--top=x" --top=x true
fails 125 "--top=-1: not a whole number" "--top -1" --top -1 true
fails 125 "--top=4294967296: not a whole" "a number too large" --top=4294967296 true
fails 125 "--flame-graph is --format=folded" "two formats" --flame-graph --format=json true
fails 125 "--flame-graph is --format=folded" "two formats, the other way" --format=text --flame-graph true
fails 125 "--depth=0: not a whole number from 1 to 255" "--depth=0" --depth=0 true
fails 125 "1 to 255" "--depth=256" --depth=256 true
for k in size count peak-size peak-count heap-peak total-size total-count temporary age; do
	fails 125 "$k" "--sort=sise names $k" --sort=sise true
done
fails 125 "did you mean size?" "--sort=sise suggests size" --sort=sise true
fails 125 "twice" "a key twice" --sort=size,size true
fails 125 "takes no value" "a value for a flag" --flame-graph=1 true
fails 125 "takes no value" "a value for --help" --help=1
fails 125 "needs a value" "a missing value" --top
fails 125 "needs a value" "a missing value of a letter" -s
fails 125 "cannot be searched: No such" "a debug-dir that is not there" --debug-dir=nope true
fails 125 "cannot be searched: Not a dir" "a debug-dir that is none" --debug-dir="$T/err" true
fails 125 "no ':' in the name" "a debug-dir with a colon" --debug-dir=a:b true
fails 125 "a file name is missing" "an empty file name" --outfile= true
for o in --to=3 --he --flame --nope -x -top=3 --held=1 --run=1; do
	fails 125 "${o%%=*}" "$o is no option" $o true
done
fails 125 "did you mean --flame-graph?" "a near miss" --flamegraph true
for pair in --out=x:--outfile --output=x:--outfile -o:--outfile --log-file=x:--outfile -outfile=x:--outfile \
		--top-=3:--top --flame:--flame-graph --graph:--flame-graph --depht=3:--depth --n=3:--top \
		--suppressions=x:--ignore --follow-forks:--children --watc=1:--watch --interva=1:--interval; do
	fails 125 "${pair%%[:=]*}: no such option (did you mean ${pair##*:}?)" "${pair%:*} suggests ${pair##*:}" "${pair%:*}" true
done
fails 125 "did you mean --signal-size, --signal-count or --signal-clear?" "--sig suggests all three" --sig=USR1 true
fails 125 "did you mean --no-watch, --no-lines or --no-demangle?" "--no suggests all three" --no true
for k in peak:peak-size:peak-count total:total-size:total-count; do
	s=${k#*:}
	fails 125 "did you mean ${s%:*} or ${s#*:}?" "--sort=${k%%:*} suggests both" --sort="${k%%:*}" true
done
fails 125 "did you mean heap-peak?" "--sort=size,heap" --sort=size,heap true
for o in --pid=1 --detach=1; do
	fails 125 "${o%=1} takes no PROGRAM" "$o with a PROGRAM" $o true
done
for o in -p -p1 --attach=1 --attach; do
	fails 125 "for a process that runs already give heaptrace --pid=PID; --dump=PID" "$o: what there is instead" $o true
done
fails 125 "(--help lists them)" "an option that is like none" --zzzz true
fails 125 "(--help lists them)" "dashes only" --- true
fails 125 "the key count is given twice" "which key is given twice" --sort=count,size,count true
fails 125 "cannot be kept on standard output: give a file's name" "--record=-" --record=- true
for pair in --tpo=3:--top --sotr=age:--sort --dmup=1:--dump; do
	fails 125 "did you mean ${pair##*:}?" "${pair%:*}: two letters swapped" "${pair%:*}" true
done
fails 125 "--sort: needs a value: KEY[,KEY...]" "what value is missing" --sort
fails 125 "there is no such signal: give a name like USR1" "a signal that is none" --signal-size=USR3 true
fails 125 "two commands: give one of them" "--report and --dump" --report=x --dump=1
for w in '--dump=PID' '--report=FILE' '--watch=PID|FILE \[--interval=TIME\]'; do
	is "$("$H" --help | grep -c "^       heaptrace .*$w\$")" 1 "--help: how $w is called"
done
fails 125 "^J" "a line break in an option stays one line" $'--top=\n' true

# --- PROGRAM and exit statuses
run true; is "$status:$out:$err" "0::" "a status of 0"
run sh -c 'exit 77'; is "$status" 77 "a status of 77"
is "$( ("$H" sh -c 'kill -SEGV $$') 2> /dev/null; echo $?)" 139 "a death by SIGSEGV"
perl -e 'system @ARGV; exit(($? & 127) == 9 ? 0 : 1)' "$H" sh -c 'kill -9 $$'; ok $? "a death by signal stays one"
fails 127 "nope-nope: command not found" "not in PATH" nope-nope
fails 127 "./nope" "no such file" ./nope
fails 127 ": command not found" "an empty name" ''
fails 126 "irectory" "a directory" /
echo 'echo plain "$0" "$@"' > plain; cp plain noexec; chmod 755 plain; : > empty; chmod 755 empty
fails 126 "ermission denied" "not executable" ./noexec
mkdir p1 p2 p2/prog; cp plain p1/tool; cp plain p2/tool; chmod 644 p1/tool
is "$(PATH=$PWD/p1:$PWD/p2:$PATH "$H" tool x)" "plain $PWD/p2/tool x" "PATH: what is not executable is passed over"
P=$PWD/p1 fails 126 "ermission denied" "PATH: unless there is nothing else" tool
P=$PWD/p2 fails 127 "not found" "PATH: a directory is no program" prog
is "$(PATH=/nope: "$H" plain)" "plain ./plain" "PATH: an empty element is the current directory"
is "$(env -u PATH "$H" sh -c 'echo found')" found "no PATH at all"
is "$(perl -e 'exec { $ARGV[0] } "heaptrace", @ARGV[1..$#ARGV]' "$H" bash -c 'echo $BASH_ARGV0')" bash "argv[0] is the name as given"

# --- scripts
script() { printf '%s\n' "$2" 'echo script "$@"' > "$1"; chmod 755 "$1"; }
script s1 '#!/bin/sh';                 is "$("$H" ./s1 a)" "script a" "#!/bin/sh"
script s2 '#!/usr/bin/env -S sh -e';   is "$("$H" ./s2 a)" "script a" "#!/usr/bin/env"
script s3 '#! /bin/sh -e';             is "$("$H" ./s3 a)" "script a" "blanks in the #! line"
script s4 "#!$PWD/s1";                 is "$("$H" ./s4 a)" "script ./s4 a" "a script as interpreter"
is "$("$H" ./plain a)" "plain ./plain a" "a file without #! is the shell's"
is "$("$H" ./empty; echo $?)" 0 "an empty file too"
script s5 '#!/nope/sh';  fails 126 "bad interpreter: /nope/sh" "a missing interpreter" ./s5
script s6 $'#!/bin/sh\r'; fails 126 "/bin/sh^M" "a carriage return in the #! line" ./s6
script s7 "#!$PWD/s7";   fails 126 "too many" "a script that is its own interpreter" ./s7
script s8 "#!$PWD/p1";   fails 126 "irectory" "a directory as interpreter" ./s8
script s9 "#!$PWD/p1/tool"; fails 126 "ermission" "an interpreter without the bit" ./s9
chmod u+s s1; is "$("$H" ./s1 a)" "script a" "a set-user-ID bit on a script means nothing"

# --- what cannot be traced
echo 'int main(void) { return 0; }' > main.c
if $CC -static -o static main.c 2> /dev/null; then
	fails 125 "statically linked" "a static program" ./static
	script s10 "#!$PWD/static"; fails 125 "statically linked" "a static interpreter" ./s10
else
	skip "no static libc"; skip "no static libc"
fi
$CC -o dynamic main.c; run ./dynamic; is "$status:$err" "0:" "a dynamic program"
loader=$(perl -0777 -ne 'print $1 if m{(/lib[^\0]*/ld[^\0/]*\.so[^\0]*)\0}' dynamic)
if [ -n "$loader" ]; then
	is "$("$H" "$loader" /bin/echo hi)" hi "the loader as a program"
	perl -0777 -pe 's{\Q'"$loader"'\E}{"/N" . substr($&, 2)}e' dynamic > lost; chmod 755 lost
	fails 126 "does not exist" "a program without its loader" ./lost
	perl -0777 -pe 's{\Q'"$loader"'\E\0}{substr("/lib/ld-musl-x.so.1" . "\0" x 40, 0, length $&)}e' dynamic > musl; chmod 755 musl
	fails 125 "glibc" "a program of another C library" ./musl
else
	skip "no loader found"; skip "no loader found"; skip "no loader found"
fi
# poke FILE OFFSET BYTES...: a copy of ./dynamic with other bytes
poke() {
	perl -e 'my ($f, $at, @b) = @ARGV; open F, "<", "dynamic"; binmode F; local $/; my $d = <F>;
		substr($d, $at, @b) = pack "C*", @b; open O, ">", $f; binmode O; print O $d; chmod 0755, $f' "$@"
}
poke other 18 0xfe 0xca; fails 125 "another machine" "another machine" ./other
if [ "$(uname -m)" = x86_64 ]; then
	perl -e 'open O, ">", "elf32"; print O "\x7fELF\1\1\1", "\0" x 9, pack("v2V5v6", 2, 3, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0),
		pack("V8", 3, 84, 0, 0, 19, 19, 4, 1), "/lib/ld-linux.so.2\0"; chmod 0755, "elf32"'
	fails 125 "M32=1" "a 32-bit program without a library for it" ./elf32
	poke x32 4 1; run ./x32; is "$status" 125 "an x32 header"
else
	skip "not x86-64"; skip "not x86-64"
fi
perl -e 'my $len = -s "dynamic"; open F, "<", "dynamic"; binmode F; local $/; my $d = <F>; srand 1;
	for my $i (0 .. 119) {
		my $c = $d;
		if ($i < 40) { $c = substr $d, 0, $i < 20 ? $i * 4 : int rand 1200 }
		else { substr($c, 16 + int rand 800, 1) = chr int rand 256 for 1 .. 1 + $i % 12 }
		open O, ">", "g$i"; binmode O; print O $c; close O; chmod 0755, "g$i";
	}'
crashed=
for i in $(seq 0 119); do
	# the damaged program itself may crash; the wrapper may not, so look at who died
	perl -e 'my $pid = fork; if (!$pid) { open STDERR, ">", "/dev/null"; open STDOUT, ">", "/dev/null"; $ENV{LD_PRELOAD} = ""; setpgrp; exec @ARGV }
		waitpid $pid, 0; exit($? & 127 ? 9 : 0)' timeout 5 "$H" ./g$i
	st=$?
	if [ $st = 9 ]; then timeout 5 ./g$i > /dev/null 2>&1; [ $? -gt 125 ] || crashed="$crashed $i"; fi
done 2> /dev/null
is "$crashed" "" "120 truncated and damaged ELF files do not crash the wrapper"
for len in 4 5 15 17 20 40 63; do head -c $len dynamic > cut; chmod 755 cut; fails 126 "xec format" "an ELF file of $len bytes" ./cut; done 2> /dev/null

if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null && ! findmnt -no OPTIONS -T . 2> /dev/null | grep -q nosuid; then
	as() { setpriv --reuid=65534 --regid=65534 --clear-groups "$H" "$@" 2>&1 < /dev/null; }
	cp dynamic suid; chmod 4755 suid; cp dynamic sgid; chmod 2755 sgid
	case $(as ./suid; echo $?) in heaptrace:*set-user-ID*125) ok 0 "a set-user-ID program";; *) ok 1 "a set-user-ID program";; esac
	case $(as ./sgid; echo $?) in heaptrace:*set-group-ID*125) ok 0 "a set-group-ID program";; *) ok 1 "a set-group-ID program";; esac
	run ./suid; is "$status:$err" "0:" "a set-user-ID program of one's own"
	is "$(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "$H" ./suid 2>&1; echo $?)" 0 "no_new_privs makes it harmless"
	script s11 "#!$PWD/suid"
	case $(as ./s11; echo $?) in *set-user-ID*125) ok 0 "a set-user-ID interpreter";; *) ok 1 "a set-user-ID interpreter";; esac
	cp dynamic caps
	if setcap cap_net_raw+ep caps 2> /dev/null; then
		case $(as ./caps; echo $?) in *capabilities*125) ok 0 "file capabilities";; *) ok 1 "file capabilities";; esac
	else
		skip "setcap does not work here"
	fi
else
	for i in 1 2 3 4 5 6; do skip "needs root, setpriv and a mount without nosuid"; done
fi

# --- outfile and ignore
echo old > o1; run --outfile=o1 true; is "$status:$(cat o1)" "0:" "a run starts with an empty file"
run --outfile=%c.txt true; [ -f true.txt ]; ok $? "the name is expanded"
run --outfile=o2 --flame-graph true; [ ! -e o2 ]; ok $? "a graph's file is not made beforehand"
run --outfile=o3.%n true; [ ! -e o3.1 ]; ok $? "nor a numbered one"
fails 125 "cannot be written" "a missing directory" --outfile=nodir/x true
fails 125 "cannot be written" "a missing directory, graph" --flame-graph --outfile=nodir/x true
fails 125 "cannot be written" "a directory" --outfile=p1 true
fails 125 "cannot be written" "a directory, graph" --flame-graph --outfile=p1 true
fails 125 "cannot be written" "a file as directory, graph" --flame-graph --outfile=o1/x true
mkfifo fifo; is "$(timeout 5 "$H" --outfile=fifo true; echo $?)" 0 "a FIFO does not block"
(echo kept; "$H" --outfile=/dev/stdout true) > o4; is "$(cat o4)" kept "/dev/stdout is not emptied"
fails 125 "cannot be read" "no ignore file" --ignore=nope true
fails 125 "cannot be read" "a directory as ignore file" --ignore=p1 true
fails 125 "name a file" "a pipe as ignore file of reports that the watcher writes" --format=json --ignore=<(echo x) true
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
	for o in --outfile=x "--flame-graph --outfile=x"; do
		is "$(setpriv --reuid=65534 --regid=65534 --clear-groups "$H" $o true 2>&1 | grep -c 'cannot be written')" 1 "no right to write: $o"
	done
else
	skip "needs root and setpriv"; skip "needs root and setpriv"
fi

# --- the library and the environment
is "$("$H" sh -c 'echo $LD_PRELOAD')" "$LIB" "LD_PRELOAD is the absolute path"
cp "$LIB" other.so
is "$(LD_PRELOAD=$PWD/other.so "$H" sh -c 'echo $LD_PRELOAD')" "$LIB:$PWD/other.so" "what was preloaded stays, behind ours"
is "$(cd "$T/bin" && PATH=.:$PATH heaptrace sh -c 'echo $LD_PRELOAD')" "$LIB" "called through PATH"
ln -s "$H" link; is "$(./link sh -c 'echo $LD_PRELOAD')" "$LIB" "called through a link"
is "$(A=1 B='x y' "$H" env | grep -E '^[AB]=' | sort | paste -sd,)" "A=1,B=x y" "the rest of the environment is kept"
mkdir -p pre/bin pre/lib/heaptrace 'sp ace' 'co:lon' 'dol$lar'
cp "$H" pre/bin
H=pre/bin/heaptrace fails 125 "libheaptrace.so is neither beside heaptrace" "no library" true
cp "$LIB" pre/lib/heaptrace
is "$(pre/bin/heaptrace sh -c 'echo $LD_PRELOAD')" "$(pwd -P)/pre/lib/heaptrace/libheaptrace.so" "../lib/heaptrace"
cp "$LIB" pre/lib
is "$(pre/bin/heaptrace sh -c 'echo $LD_PRELOAD')" "$(pwd -P)/pre/lib/libheaptrace.so" "../lib"
echo text > pre/lib/libheaptrace.so
H=pre/bin/heaptrace fails 125 "is not a library" "a library that is none" true
for d in 'sp ace' 'co:lon' 'dol$lar'; do
	cp "$T/bin"/* "$d"; H="$d/heaptrace" fails 125 "the loader cannot take" "a library in '$d'" true
done

# --- signals
is "$("$H" grep SigBlk /proc/self/status | perl -ne 'print hex((split)[1]) & 0xa00 ? 1 : 0')" 1 "the signals are held for the library"
is "$(perl -MPOSIX -e 'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGUSR1)); exec @ARGV' "$H" sh -c 'echo $HEAPTRACE_OPTIONS' | sed 's/.*held=//')" 2 "one that was blocked before stays the program's"
for sig in USR1 USR2; do
	# Signals from the moment they are held on: through exec, until the program ends.
	if [ -e "${REAL%/*}/libheaptrace.so" ]; then
		perl -e '
			my ($sig, @cmd) = @ARGV;
			my $bit = $sig eq "USR1" ? 0x200 : 0x800;
			my $sent = 0;
			my $pid = fork;
			if (!$pid) { open STDERR, ">", "/dev/null"; exec @cmd }
			while (1) {
				open my $f, "<", "/proc/$pid/status" or last; my $s = join "", <$f>; close $f;
				last if $s =~ /^State:\s+Z/m;
				my ($b) = $s =~ /^SigBlk:\s+(\S+)/m; my ($c) = $s =~ /^SigCgt:\s+(\S+)/m;
				$sent += kill $sig, $pid if $s =~ /^Name:\s+(heaptrace|sleep)/m &&
					(hex(substr $b, -8) | hex(substr $c, -8)) & $bit;
				# After the start, leave the program time for its own end.
				select undef, undef, undef, 0.005 if $sent > 2000;
			}
			waitpid $pid, 0;
			print "# $sent signals, status $?\n";
			exit($? & 127 || !$sent ? 1 : 0)' $sig "$REAL" --no-lines --outfile=/dev/null sleep 0.3
		ok $? "SIG$sig right from the start kills nothing"
	else
		skip "libheaptrace.so is not built"
	fi
done
plan
