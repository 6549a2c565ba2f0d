#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The permanent oracle of the fast unwinder: --unwind=check takes each stack both ways. Not
# one may differ, over a subject with stacks of every shape in several builds, and over
# programs that nobody here wrote.
. "${0%/*}/lib.sh"
dir=$TMP
if [ "$(uname -m)" != x86_64 ]; then
	echo '1..0 # SKIP no fast unwinder on this machine: backtrace() serves'
	exit 0
fi

# compared NAME LEAST DEPTH COMMAND...: no stack differs, at least LEAST were compared. What is
# given up is not compared, so it could hide anything: it is summed up (of the shapes quiet.t
# counts it, because there it depends on how many signals come).
compared() {
	local name=$1 least=$2 depth=$3 n=0 bad=0 given_up file
	shift 3
	rm -rf "$dir/dumps"
	mkdir "$dir/dumps"
	timeout 200 ./heaptrace --unwind=check --depth="$depth" --top=1 --outfile="$dir/dumps/%p" "$@" \
		</dev/null >/dev/null 2>"$dir/err"
	for file in "$dir"/dumps/*; do
		set -- $(sed -n 's/.*unwinders compared  *: \([0-9]*\) stacks, \([0-9]*\) disagree/\1 \2/p' "$file")
		n=$((n + ${1:-0}))
		bad=$((bad + ${2:-0}))
	done
	given_up=$(sed -n 's/.*[:,] \([0-9]*\) stacks\{0,1\} by the slow unwinder.*/\1/p' "$dir"/dumps/* | awk '{ n += $1 } END { print n + 0 }')
	[ "$bad" = 0 ] && [ "$n" -ge "$least" ]
	ok $? "$name, depth $depth: $n stacks, $bad disagree, $given_up given up"
	[ "$bad" = 0 ] || diag "$(grep -A2 'unwinders disagree' "$dir/err" | head -6)"
	total=$((total + n))
	total_given_up=$((total_given_up + given_up))
}

total=0
total_given_up=0
for cc in gcc clang; do
	command -v $cc >/dev/null || continue
	for flags in -O0 -O2 '-O3 -march=native' '-O2 -fno-omit-frame-pointer'; do
		if $cc $flags -w -pthread -o "$dir/shapes" tests/subjects/unwind_shapes.c; then
			# Whole stacks, and stacks cut short in one of two places. Many threads once: each has the same shapes.
			threads=16 least=15000
			[ "$flags" != -O2 ] || threads=160 least=50000
			for depth in $(case $flags in -O0 | *pointer) echo 8 ;; *) echo 20 ;; esac) 128; do
				compared "shapes, $cc $flags" $least $depth "$dir/shapes" $threads
			done
		fi
	done
done

[ "$total_given_up" -le 48 ]	# a signal takes 12, and may hit the loader's resolver
ok $? "the fast unwinder gave up hardly any of these: $total_given_up"
total_given_up=0

cat >"$dir/throws.cc" <<'END'
#include <map>
#include <stdexcept>
#include <string>
#include <vector>
static std::vector<std::string> kept;
struct Cleanup { std::string s = std::string(100, 'c'); ~Cleanup() { kept.push_back(s); kept.clear(); } };
__attribute__((noinline)) int thrower(int n)
{
	Cleanup c;
	std::map<int, std::string> m;
	m[n] = std::string(50, 'm');
	if (!n)
		throw std::runtime_error(std::string(80, 'e'));
	return thrower(n - 1) + (int)m.size();
}
int main()
{
	int caught = 0;
	for (int i = 0; i < 500; i++)
		try { thrower(i % 20); } catch (const std::exception &e) { caught += std::string(e.what()).size() > 3; }
	return caught != 500;
}
END
command -v g++ >/dev/null && g++ -O2 -o "$dir/throws" "$dir/throws.cc" &&
	compared 'exceptions through allocating frames' 10000 128 "$dir/throws"

# program LEAST COMMAND...: when it is installed; whole stacks, and at first stacks cut short, too.
depths='8 128'
program() {
	local least=$1 depth
	shift
	if command -v "$1" >/dev/null; then
		for depth in $depths; do
			compared "${1##*/}" "$least" "$depth" "$@"
		done
	fi
}
export PYTHONMALLOC=malloc
program 50000 python3 -c 'import json, http.server; json.loads(json.dumps(list(range(9999))))'
unset PYTHONMALLOC
program 20000 node -e 'let a = []; for (let i = 0; i < 9999; i++) a.push({x: i}); for (let i = 0; i < 50; i++) a.sort((x, y) => y.x - x.x)'
program 20000 perl -e 'my %h; $h{$_} = [1 .. 3] for 1 .. 20000'
program 100 git log -p -3
program 10000 sqlite3 :memory: 'create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 from c where x < 9999) insert into t select x, x * 2 from c; select sum(a) from t'
depths=128
program 1000 gcc -O2 -c -o "$dir/x.o" "$dir/throws.cc"
program 10000 clang++ -O1 -c -o "$dir/x.o" "$dir/throws.cc"
program 1000 cmake --help-full
program 5000 gdb --batch -ex 'info functions main' /usr/bin/perl
[ $((total_given_up * 1000)) -le "$total" ]
ok $? "at most one in a thousand is given up: $total_given_up"
[ "$total" -ge 1000000 ]
ok $? "at least 1,000,000 stacks in all: $total"
plan
