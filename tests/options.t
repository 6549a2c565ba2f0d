#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# options/ alone: the environment form in both directions, every bad value, buffers
# that are too small, the outfile template, and garbage under the sanitizers.
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-cc}
. "tests/lib.sh"
T=$TMP
# has TEXT PART NAME
has() { [[ $1 == *"$2"* ]]; ok $? "$3" || diag "got: $1
without: $2"; }
D=$T/driver
san="-fsanitize=address,undefined -fno-sanitize-recover=all"
echo 'int main(void) { return 0; }' > "$T/t.c"
{ $CC $san -o "$T/t" "$T/t.c" && "$T/t"; } > "$T/log" 2>&1 || { san=; echo "# no sanitizers"; }
$CC -std=gnu11 -D_GNU_SOURCE -g -I. $san -o "$D" tests/wrapper/options_driver.c options/*.c base/safe_open.c base/out.c base/printable.c 2> "$T/log"
ok $? "the driver builds" || cat "$T/log"
[ -x "$D" ] || { sed 's/^/# /' "$T/log"; plan; }

is "$("$D" table)" '' "the rows of the table are consistent"
def='top=10 depth=8 graph=0 sort=size out=[] ignore=[] run=0 held=0'
depth=$(sed -n 's/^#define HEAPTRACE_DEPTH[[:space:]]*\([0-9]*\).*/\1/p' options/options.h)
is "$depth" 8 "the default depth is 8"
is "$("$D" env '')" "1 $def error=[]" "nothing gives the defaults"
is "$("$D" env ':::')" "1 $def error=[]" "empty parts are skipped"
is "$("$D" env 'top=3:sort=count:outfile=heap.%p')" \
	"1 top=3 depth=8 graph=0 sort=count out=[heap.%p] ignore=[] run=0 held=0 error=[]" "the contract's example"
all='top=0:sort=age,size,heap-peak:all-frames:ignore=/x:outfile=/a\:b\\c:flame-graph:record=/r:depth=255:no-watch:no-lines:no-demangle:debug-dir=/d\\d:debug-dir=/e:sysroot=/s:watcher=w:run=99:held=3'
is "$("$D" env "$all")" \
	'1 top=0 depth=255 graph=1 sort=age,size,heap-peak out=[/a:b\c] ignore=[/x] run=99 held=3 no-lines no-demangle all-frames debug-dir=[/d\d] debug-dir=[/e] record=[/r] sysroot=[/s] no-watch watcher=[w] error=[]' "every option"
is "$("$D" print /w "$all")" "$all" "every option round-trips, also into cut buffers"
is "$("$D" env 'flame-graph')" "1 top=10 depth=128 graph=1 sort=size out=[] ignore=[] run=0 held=0 error=[]" "a graph is 128 deep"
is "$("$D" env 'depth=8:flame-graph')" "1 top=10 depth=8 graph=1 sort=size out=[] ignore=[] run=0 held=0 error=[]" "unless a depth is given"
is "$("$D" print /w 'format=folded')" 'flame-graph' "a flame graph is the format folded"
is "$("$D" print /w 'flame-graph:format=json')" 'format=json' "of two formats the last one counts"
is "$("$D" env 'outfile=/a.b/heap.%p.folded')" "1 top=10 depth=128 graph=1 sort=size out=[/a.b/heap.%p.folded] ignore=[] run=0 held=0 error=[]" "the ending of the outfile names the format"
for v in heap.json.old .folded folded /a.folded/heap heap.txt; do
	is "$("$D" env "outfile=$v")" "1 top=10 depth=8 graph=0 sort=size out=[$v] ignore=[] run=0 held=0 error=[]" "outfile $v is text"
done
is "$("$D" env 'outfile=heap.folded:format=text')" "1 top=10 depth=8 graph=0 sort=size out=[heap.folded] ignore=[] run=0 held=0 error=[]" "unless a format is given"
is "$("$D" print /w 'depth=8:flame-graph')" 'flame-graph:depth=8' "and that survives printing"
is "$("$D" print /w "$def")" "" "only differences are printed"
is "$("$D" print / 'outfile=a:ignore=b')" 'ignore=/b:outfile=/a' "relative names in /"
is "$("$D" print '/a:b\c%p' 'outfile=x.%p:ignore=y')" 'ignore=/a\:b\\c%p/y:outfile=/a\:b\\c%%p/x.%p' "a directory with : \\ and %"
is "$("$D" print /w 'debug-dir=a:top=3:debug-dir=/b')" 'top=3:debug-dir=/w/a:debug-dir=/b' "debug-dirs add up"
for v in RTMIN+3=37 sigrtmin=34 RTMAX-1=63 RTMAX=64 SIGTERM=15 winch=28 44=44 POLL=29 none=none; do
	is "$("$D" print /w "signal-size=${v%=*}")" "signal-size=${v#*=}" "signal-size=${v%=*}"
done
is "$("$D" print /w 'signal-size=USR2:signal-count=SIGUSR1')" 'signal-size=12:signal-count=10' "the two change places"
is "$("$D" print /w 'signal-size=USR1:signal-count=12')" '' "their defaults are not printed"
is "$("$D" print /w:x 'debug-dir=a:outfile=b')" 'outfile=/w\:x/b:debug-dir=a' "and stay relative below a directory with a colon"
is "$("$D" print /w 'outfile=-:ignore=-')" 'ignore=/w/-:outfile=-' "- is no file for outfile"
has "$("$D" env 'outfile=a\b\')" 'out=[a\b\]' "other backslashes stand for themselves"
is "$("$D" print /w 'group=file:tree=bottom-up:callers=a b\:c:callees=d:min-share=2.5%:skip=x:skip=y/z')" \
	'group=file:skip=x:skip=y/z:tree=bottom-up:callers=a b\:c:callees=d:min-share=2.500' "groups and trees"
is "$("$D" print /w 'tree:min-share=1')" 'tree=top-down' "a value that may be left out"
has "$("$D" env 'group=file')" 'depth=128 ' "groups are 128 deep"
has "$("$D" env 'top=1:top=2')" 'top=2 ' "the last of two counts"
has "$("$D" env 'top=7:top=x')" 'top=7 ' "the last good one, that is"
keys=$("$D" keys | head -n -1 | paste -sd,)
has "$("$D" env "sort=$keys")" "1 top=10 depth=8 graph=0 sort=$keys " "every sort key at once"
is "$keys" size,count,peak-size,peak-count,heap-peak,total-size,total-count,temporary,age "the contract's keys"

bad() { # text, words in the error
	local out
	out=$("$D" env "$1:held=1")
	case $out in
	"0 top=10 depth=8 graph=0 sort=size out=[] ignore=[] run=0 held=1 error=["*"$2"*"]") ok 0 "bad: $1";;
	*) ok 1 "bad: $1"; echo "# $out";;
	esac
}
for v in x '' -1 +1 ' 1' '1 ' 1k 0x10 4294967296 99999999999999999999999 '1\:'; do
	bad "top=$v" 'not a whole number from 0 to 4294967295'
done
for v in 0 256 -5 8.0 '' 00256; do bad "depth=$v" 'not a whole number from 1 to 255'; done
for v in sise '' size, ,size 'size,,age' siz sizes SIZE; do bad "sort=$v" 'valid are size, count, peak-size'; done
bad sort=sise 'did you mean size?'
bad sort=peaksize 'did you mean peak-size?'
bad sort=size,size 'the key size is given twice: give each key once'
bad outfile= 'a file name is missing'
bad ignore= 'a file name is missing'
bad record=- "give a file's name"
bad no-lines=1 'takes no value'
bad no-demangle=yes 'takes no value'
bad flame-graph=1 'takes no value'
bad format=xml 'not one of text, folded, svg, html, pprof, perfetto, massif, json, speedscope, csv'
bad format 'needs a value: FORMAT'
bad 'debug-dir=a\:b' "there can be no ':'"
bad debug-dir= 'the name of a directory is missing'
has "$("$D" env "$(for i in $(seq 17); do printf 'debug-dir=/%s:' $i; done)")" 'debug-dir=[/16] error=[debug-dir=/17: the option is given more than 16 times]' "there is room for 16 debug-dirs"
bad top 'needs a value: NUM'
bad sort 'needs a value'
bad topp=1 'did you mean top?'
bad --top=3 '--top: no such option (did you mean top?)'
bad out=x 'no such option (did you mean outfile?)'
bad sig=USR1 'no such option (did you mean signal-size, signal-count or signal-clear?)'
bad no 'no such option (did you mean no-watch, no-lines or no-demangle?)'
bad sort=peak '(did you mean peak-size or peak-count?)'
bad sort=total '(did you mean total-size or total-count?)'
bad sort=heap '(did you mean heap-peak?)'
bad sort=temp '(did you mean temporary?)'
bad sort=zzz "no sort key 'zzz'; valid"
bad output=x '(did you mean outfile?)'
bad graph '(did you mean flame-graph?)'
bad attach=1 'for a process that runs already give heaptrace --pid=PID'
bad help 'no such option'
bad version 'no such option'
bad = 'no such option'
bad run=x 'not a whole number'
for v in '' 0 65 -1 SIG USR3 RTMIN+31 RTMIN- RTMAX+1 RTMIN+x 'USR1 '; do bad "signal-size=$v" "there is no such signal: give a name like USR1, a number, RTMIN+NUM, or none"; done
for v in KILL STOP SEGV 6 32 33 SIGSYS; do bad "signal-count=$v" "this signal cannot ask for a dump"; done
for v in 1=1 1s=1 500ms=0.500 5m=300 1.5H=5400 0.5=0.500 60=60 .25=0.250 1.5=1.500 2147483=2147483; do is "$("$D" print /w "every=${v%=*}")" "every=${v#*=}" "every=${v%=*}"; done
for v in 500=500 20M=20000000 1.5g=1500000000 3k=3000 2KB=2000 0.001k=1 7T=7000000000000 1KiB=1024 2Mi=2097152 1.5gi=1610612736; do
	is "$("$D" print /w "above=${v%=*}")" "above=${v#*=}" "above=${v%=*}"
done
is "$("$D" print /w growth)" growth=all 'a time whose value is left out'
for v in all=all dump=dump 90s=90 1.5m=90; do is "$("$D" print /w "growth=${v%=*}")" "growth=${v#*=}" "growth=${v%=*}"; done
bad growth=dumps 'nor dump'
for v in '' 0 -1 x 0ms 1.5ms ms 1d 0.0001 1.2.3 2147484 600h 99999999999999999999; do bad "every=$v" "not a number of seconds"; done
for v in '' 0 -1 M x 0.5 1KiBi 0.0001k 10000000000000T 99999999999999999999 5X; do bad "above=$v" "not a number of bytes"; done
bad held=8 'from 0 to 7'
bad $'top=\n' 'top=^J: not'
has "$("$D" env 'top=x:depth=0')" 'error=[top=x' "the first problem is the one that is told"

has "$("$D" env 'outfile=abcdef:top=3' 6)" '0 top=3 ' "a store that is too small loses the value only"
has "$("$D" env 'outfile=abcdef' 6)" 'out=[] ' "and not a part of it"
has "$("$D" env 'outfile=abcdef' 7)" 'out=[abcdef]' "a store that just fits"
has "$("$D" env 'outfile=a:ignore=b:outfile=c' 22)" 'out=[c] ignore=[b]' "both names in the store"
has "$("$D" env 'top=x' 21 5)" 'error=[top=]' "the error is cut to its buffer"
has "$("$D" env 'top=x' 21 1)" 'error=[]' "also to one byte"

o() { is "$("$D" outfile "${@:2}")" "$1" "outfile ${*:2}"; }
o 'heap.12' heap.%p 12 cmd 3 0
o 'heap.12' heap.%p 12 cmd 3 1
o 'heap.12' heap 12 cmd 3 1
o 'heap' heap 12 cmd 3 0
o 'a_b.3.%' %c.%n.%% 12 a/b 3 0
o '%p.12' %%p 12 cmd 3 1
o '%x%' %x% 12 cmd 3 0
o '-' - 12 cmd 3 1
o '4294967295' %p -1 cmd 3 0
o 'hea (cut)' heap 12 cmd 3 0 4
o 'heap' heap 12 cmd 3 0 5

# 150 texts of random bytes: nothing may crash, and the answer is always one line.
wrong=0
for i in $(seq 150); do
	g=$(head -c $((i % 70 + 1)) /dev/urandom | tr -d '\0\n')
	case $((i % 3)) in 1) g="top=$g:sort=$g";; 2) g="outfile=$g:ignore=$g\\";; esac
	lines=$("$D" env "$g" 40 24 2> "$T/log" | wc -l)
	[ "$lines" = 1 ] && ! [ -s "$T/log" ] || { wrong=$((wrong + 1)); printf '# %q\n' "$g"; }
done
is $wrong 0 "random garbage${san:+ under the sanitizers}"

# The fuzz target's corpus, without a fuzzer.
if $CC -std=gnu11 -D_GNU_SOURCE -g -I. $san -o "$T/replay" tests/fuzz/options.c tests/fuzz/replay.c options/*.c base/safe_open.c base/out.c base/printable.c > "$T/log" 2>&1; then
	"$T/replay" tests/fuzz/corpus/options/* > "$T/log" 2>&1
	ok $? "the fuzz target on its corpus"
else
	skip 'garbage' 'tests/fuzz/replay.c does not build here'
fi
plan
