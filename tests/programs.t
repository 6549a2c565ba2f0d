#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs that nobody here wrote: with heaptrace each writes the same to both streams, ends
# with the same status and makes the same files as without, and every process of it leaves
# dumps of the right form.
. "${0%/*}/lib.sh"
export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP/in GIT_AUTHOR_DATE='2001-02-03T04:05:06Z' \
	GIT_COMMITTER_DATE='2001-02-03T04:05:06Z' PERL_HASH_SEED=0 PYTHONHASHSEED=0 \
	PYTHONDONTWRITEBYTECODE=1 PYENV_VERSION=${PYENV_VERSION-$(pyenv version-name 2>/dev/null)}

# try PROGRAM NAME [OPTION...] -- COMMAND...: like same, where PROGRAM is installed
try() {
	local program=$1
	shift
	if have "$program"; then
		WANT_DUMP=${WANT_DUMP-1} same "$program: $1" "${@:2}"
	else
		skip "$program: $1" "no $program here"
	fi
}

# Inputs.
cd "$TMP/in" || exit 1
seq 1 20000 >numbers
printf '%s\n' 'int twice(int x) { return 2 * x; }' 'int main(void) { return twice(21) - 42; }' >a.c
cat >a.cc <<'END'
#include <map>
#include <string>
int main() { std::map<std::string, int> m; m["a"] = 1; return m.size() == 1 ? 0 : 1; }
END
mkdir tree cm
cp a.c tree/one.c
cp numbers tree/two
cat >cm/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.10)
project(tiny C)
add_executable(tiny tiny.c)
END
cp a.c cm/tiny.c
printf 'all: one two\none:\n\t@echo $@ `echo inner`\ntwo: one\n\t@echo $@ >two; cat two\n' >Makefile
printf '{"a":[1,2,{"b":"c"}],"d":null}' >a.json

# ---- interpreters ----

python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null)
script='import json, re, sys, threading, http.server
t = [threading.Thread(target=lambda: json.loads(json.dumps(list(range(5000))))) for i in range(3)]
for x in t: x.start()
for x in t: x.join()
print(len([str(i) for i in range(20000)])); sys.stderr.write("error\n"); sys.exit(3)'
try python3 'as PATH finds it' -- python3 -c "$script"
PYTHONMALLOC=malloc try python3 'PYTHONMALLOC=malloc' -- python3 -c "$script"
if [ -n "$python" ]; then
	try python3 'the binary, five sections' --sort=size,count,age,total-count,heap-peak -- \
		"$python" -c "$script"
	PYTHONMALLOC=malloc try python3 'the binary, PYTHONMALLOC=malloc, depth 64' --depth=64 -- \
		"$python" -c "$script"
	try python3 'subprocess, fork, pipes' -- "$python" -c '
import os, subprocess, multiprocessing
print(subprocess.run(["echo", "a"], stdout=subprocess.PIPE).stdout)
print(subprocess.getoutput("echo b | cat; exit 3"))
p = os.fork()
if not p: os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]))
with multiprocessing.get_context("fork").Pool(2) as pool: print(pool.map(abs, [-1, -2, 3]))'
fi
try node 'timers, JSON, a child' -- node -e '
const x = []; for (let i = 0; i < 20000; i++) x.push({i: "" + i});
console.log(JSON.stringify(x).length, require("child_process").execSync("echo child") + "");
setTimeout(() => { console.error("late"); process.exit(5) }, 10)'
try node 'worker threads' -- node -e '
const { Worker } = require("worker_threads");
new Worker("require(\"worker_threads\").parentPort.postMessage(6 * 7)", { eval: true })
	.on("message", m => console.log(m))'
try perl 'hashes, a regex, a child' -- perl -e '
my %h = map { $_ => [$_] } 1 .. 20000; print scalar(keys %h), `echo child`;
my $s = "abc" x 1000; $s =~ s/(b)/<$1>/g; print length $s; warn "warned\n"; exit 4'
try perl 'fork, waitpid, die' -- perl -e '
for (1 .. 5) { my $p = fork // die; $p or do { print "child $_\n"; exit $_ }; waitpid $p, 0; print $? >> 8, "\n" }
die "dead\n"'
try tclsh 'a script on standard input' -- sh -c 'echo "puts [expr 6*7]; puts [lsort {c b a}]" | tclsh'
try awk 'arrays' -- awk '{ a[$1 % 97] += $1 } END { for (i = 0; i < 97; i++) print a[i] }' ../in/numbers
try bc 'pi' -- sh -c 'echo "scale=60; a(1)*4" | bc -l'

# ---- shells ----

shell_script='
echo $(echo a $(echo b)) | (read x; echo "[$x]"; exit 3); echo $?
for i in 1 2 3; do (echo $i; exit $i) || echo "status $?"; done | sort -r
trap "echo got USR1" USR1; kill -USR1 $$; trap "echo bye" EXIT
{ echo out; echo err >&2; } 2>&1 | cat
sleep 0.1 & wait $!; echo "waited $?"
(kill -TERM $(exec sh -c "echo \$PPID")) 2>/dev/null; echo "killed $?"
exec 3>f; echo into >&3; exec 3>&-; cat f; cat <<E
here $((6*7))
E
exit 9'
try bash 'subshells, pipes, traps, substitution' -- bash -c "$shell_script"
try dash 'subshells, pipes, traps, substitution' -- dash -c "$shell_script"
try bash 'arrays, process substitution, a coprocess' -- bash -c '
a=({1..2000}); echo ${#a[@]} ${a[@]:5:3}; diff <(echo 1) <(echo 2); coproc cat; echo x >&${COPROC[1]}
read -ru ${COPROC[0]} y; echo $y; mapfile -t l <../in/numbers; echo ${#l[@]}; printf "%s\n" *'
try bash 'closes its streams, counts its descriptors' -- bash -c '
for f in /proc/self/fd/*; do n=${f##*/}; [ "$n" -lt 256 ] && echo $n; done; ls /proc/self/fd | awk "\$1 < 256" | wc -l >&2; exec 0<&- 1>&- 2>&-; exit 6'
try bash 'a command that does not exist' -- bash -c 'no-such-command-here; echo $?; exit 127'

# ---- files and text ----

prepare() { cp -r "$TMP/in/tree" "$TMP/in/Makefile" .; }
try sed 'in place' -- sh -c 'sed -i "s/1/one/g" tree/two; sed -n "5,7p;\$=" tree/two'
try tar 'create, list, extract, through gzip' -- sh -c '
tar -cz --sort=name --mtime=@0 -f t.tgz tree; tar -tf t.tgz; mkdir x; tar -xf t.tgz -C x; cmp tree/two x/tree/two; echo $?'
try make 'a small Makefile' -- make --no-print-directory
try make 'a target that does not exist' -- make no-such-target
try find 'find and -exec' -- find . -name '*.c' -exec grep -c main {} + -o -type d -print
WANT_DUMP='' try xargs 'many children' -- sh -c 'seq 1 40 | xargs -n 10 echo; seq 3 | xargs -P 2 -I@ false; echo $?'
WANT_DUMP='' try grep 'a regular expression' -- grep -cE '(1|2)+3$' ../in/numbers
WANT_DUMP='' try diff 'files that differ' -- diff tree/one.c tree/two
try file 'magic' -- file tree/one.c /bin/sh
WANT_DUMP='' try gzip 'there and back' -- sh -c 'gzip -n tree/two; gzip -dc tree/two.gz | cksum'
WANT_DUMP='' try bzip2 'there and back' -- sh -c 'bzip2 tree/two; bzip2 -dc tree/two.bz2 | cksum'
WANT_DUMP='' try xz 'threads, there and back' -- sh -c 'xz -T2 tree/two; xz -dc tree/two.xz | cksum'
WANT_DUMP='' try zstd 'there and back' -- sh -c 'zstd -q tree/two; zstd -dcq tree/two.zst | cksum'
try openssl 'digest' -- openssl dgst -sha256 ../in/numbers
try openssl 'key and certificate' -- sh -c 'openssl genrsa 2>/dev/null | openssl rsa -noout -check'
WANT_DUMP='' try curl 'version' -- curl --version
WANT_DUMP='' try curl 'a file' -- curl -s "file://$TMP/in/a.json"
# (It says after how many milliseconds.)
WANT_DUMP='' try curl 'nobody there' -- sh -c 'curl -sS http://127.0.0.1:9/ 2>../curl.err; status=$?; sed "s/after [0-9]* ms/after some ms/" ../curl.err >&2; exit $status'
try ssh-keygen 'a key' -- sh -c 'ssh-keygen -q -t ed25519 -N "" -f k && ssh-keygen -l -f k | cut -c 1-4'
# (man shuts its children in with seccomp: they may open no file, so their dumps are told lost.)
try man 'where a page is' -- sh -c 'export MAN_DISABLE_SECCOMP=1; man -w ls; man -w no-such-page; echo $?'
try ps 'this process' -- ps -o comm= -p 1
WANT_DUMP='' try dpkg 'version comparison' -- dpkg --compare-versions 1.10 gt 1.9
try apt-get 'version' -- apt-get --version
try vim 'edit a file' -- vim -es -u NONE -c '%s/1/x/g' -c wq! tree/two
try nm 'symbols' -- nm -D /bin/bash
try readelf 'headers' -- readelf -hl /bin/bash
try objdump 'a section' -- objdump -s -j .interp /bin/bash

# ---- data ----

WANT_DUMP='' try jq 'a filter' -- jq -c '.a[2].b, keys, [range(3000)] | length' ../in/a.json
try jq 'not JSON' -- sh -c 'echo "{" | jq .'
try sqlite3 'a database file' -- sqlite3 t.db 'create table t(a integer primary key, b);
with recursive c(x) as (select 1 union all select x+1 from c where x<5000) insert into t select x, hex(x) from c;
create index i on t(b); select count(*), max(b) from t; select * from t where b like "%42" limit 3; no such thing;'

# ---- compilers ----

prepare() { cp "$TMP/in"/a.c* .; cp -r "$TMP/in/cm" .; }
SHOW=5 try gcc 'compile and link' -- gcc -O1 -pipe a.c -o a.out
SHOW=5 try gcc 'an error' -- gcc -c -x c - </dev/null
SHOW=5 try gcc 'not a program' -- gcc -Wall nothing.c
SHOW=5 try clang++ 'compile and link' -- sh -c 'clang++ a.cc -o a.out && ./a.out'
SHOW=2 try cmake 'configure and build' -- sh -c 'cmake -S cm -B b >log 2>&1; echo $?; cmake --build b >/dev/null; echo $?; b/tiny'
SHOW=5 try gdb 'a breakpoint and a backtrace' -- sh -c '
gcc -g -O0 a.c -o a.out; gdb -nx --batch -ex "break twice" -ex run -ex bt -ex "kill" a.out 2>/dev/null | grep "^#"'
SHOW=5 try gdb 'the version, by itself' -- gdb -nx --batch -ex 'print 6*7'
# memcheck would tell of whatever the library does that the program does not.
SHOW=2 try valgrind 'a program in memcheck' -- valgrind -q --error-exitcode=3 ls /

# ---- git ----

prepare() {
	git init -q -b main repo
	cd repo || return
	git config user.name A
	git config user.email a@example.com
	git config gc.auto 0
	for i in 1 2 3 4 5 6 7 8; do
		seq $((i * 300)) >"f$((i % 3))"
		git add .
		git commit -q -m "change $i"
	done
}
rm -rf "$TMP/prepared"
mkdir "$TMP/prepared"
if have git; then (cd "$TMP/prepared" && prepare); fi
prepare() { cp -r "$TMP/prepared/repo" .; }
try git 'log' --depth=20 -- git -C repo log --stat
try git 'init, add, commit' -- sh -c 'git init -q -b main n && cd n && echo x >x && git add x &&
git -c user.name=A -c user.email=a@example.com commit -q -m first && git rev-parse HEAD'
try git 'gc, fsck' -- sh -c 'git -C repo gc -q && git -C repo fsck --strict 2>&1 && git -C repo count-objects -v'
try git 'clone' -- sh -c 'git clone -q --no-hardlinks "file://$PWD/repo" copy && git -C copy log --oneline'
try git 'blame, diff, grep with threads' -- sh -c 'cd repo; git blame f1 | tail -n 3; git diff HEAD~3 --stat; git grep -c 99'
try git 'not a repository' -- git -C / log

# ---- ends ----

prepare() { :; }
WANT_DUMP=''
for status in 1 42 126 255; do
	same "status $status" -- sh -c "exit $status"
done

# A death by signal, seen by a parent: the status that wait() gives, not a shell's number.
wait_status() {
	perl -e 'open STDERR, ">", "/dev/null"; alarm 20; system { $ARGV[0] } @ARGV; print $?, "\n"' "$@"
}
for signal in TERM KILL HUP ALRM PIPE ABRT SEGV; do
	want=$(ulimit -c 0; wait_status sh -c "kill -$signal \$\$")
	got=$(ulimit -c 0; wait_status "$HEAPTRACE" --outfile="$TMP/dumps/dump" sh -c "kill -$signal \$\$")
	is "$got" "$want" "death by SIG$signal stays that"
done
want=$(ulimit -c 0; wait_status perl -e 'kill STOP => $$ if 0; kill 9 => $$')
is "$(wait_status "$HEAPTRACE" --outfile="$TMP/dumps/dump" perl -e 'kill 9 => $$')" "$want" \
	'perl kills itself'

# A reader that goes away: the writer dies of SIGPIPE or says so, as without heaptrace.
for command in 'seq 1 1000000' 'perl -e print+x($_)for+1..1e6' "${python:-true} -c print(list(range(999999)))"; do
	# shellcheck disable=SC2086
	want=$(bash -c 'limit=$1; shift; timeout $limit "$@" 2>&1 | head -c 10 | wc -c; echo ${PIPESTATUS[0]}' - "$LIMIT" $command)
	# shellcheck disable=SC2086
	got=$(bash -c 'limit=$1; shift; timeout $limit "$@" 2>&1 | head -c 10 | wc -c; echo ${PIPESTATUS[0]}' - "$LIMIT" \
		"$HEAPTRACE" --outfile="$TMP/dumps/dump" $command)
	is "$got" "$want" "a closed pipe: ${command%% *}"
done

# ---- sums, to the byte ----

# The weights of a folded run add up to the total of a text run. Only where the program does
# not allocate by what is in its environment (the two runs' options differ in length).
folded='^[^ ].* [0-9]+$'
for command in 'ls -l /usr' 'sort ../in/numbers' 'jq . ../in/a.json' 'sqlite3 :memory: select(1)' \
		'readelf -h /bin/bash' 'sed p ../in/a.c'; do
	program=${command%% *}
	have "$program" || { skip "$program: sums" "no $program here"; continue; }
	# shellcheck disable=SC2086
	run_traced -- $command
	total=$(sed -n 's/^\[heaptrace\] heap traced allocation size  : //p' "$TMP/dumps/dump")
	case $total in
	*KB)	total=${total% KB}; total=${total/./}; while [[ $total == 0?* ]]; do total=${total#0}; done ;;
	*bytes)	total=${total% bytes} ;;
	'')	total=0 ;;
	esac
	# shellcheck disable=SC2086
	run_traced --flame-graph -- $command
	is "$(awk '{ sum += $NF } END { print sum + 0 }' "$TMP/dumps/dump")" "$total" \
		"$program: folded weights add up to the total"
	is "$(grep -cvE "$folded" "$TMP/dumps/dump")" 0 "$program: every folded line is well formed"
done

# node, git and clang++ in the folded format: children write documents of their own.
prepare() { cp -r "$TMP/prepared/repo" . ; cp "$TMP/in/a.cc" .; }
for command in 'node -e console.log(1)' 'git -C repo gc -q' 'clang++ -c a.cc' "${python:-python3} -c print(1)"; do
	have "${command%% *}" || { skip "$command: folded" 'not here'; continue; }
	# shellcheck disable=SC2086
	run_traced --flame-graph -- $command
	is "$(cat "$TMP/dumps"/* | grep -cvE "$folded")" 0 "$command: every folded line is well formed"
	is "$(find "$TMP/dumps" -name '*.tmp' -o -empty | wc -l)" 0 "$command: documents are whole"
done

# top limits what is shown.
for top in 1 3 10; do
	run_traced --top=$top -- perl -e 'print 1'
	is "$(grep -c '^=== backtrace' "$TMP/dumps/dump")" $top "--top=$top"
	is "$(check_dumps $top "$TMP/dumps/dump")" '' "--top=$top: the form"
done
plan
