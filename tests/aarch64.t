#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# heaptrace for aarch64, cross-compiled with Debian's libraries and run under qemu-user: what
# it counts, the names it finds, and --unwind=check over stacks of every shape, with frame
# pointers and without, with signed return addresses and without.
#
# By clang, which compiles for every machine, and by GCC where it is: Debian's cross compilers,
# versioned or not, cannot be installed beside gcc-multilib, which the 32-bit tests need, so
# tests/run does not ask for one.
. "${0%/*}/lib.sh"
cd "$TOP"
LIMIT=300		# a run takes seconds where the machine is free, and minutes where others want it, too

compilers=()
for name in aarch64-linux-gnu-gcc aarch64-linux-gnu-gcc-{16..9}; do
	have "$name" && compilers+=("$name") && break
done
echo 'int main(void) { return 0; }' >"$TMP/empty.c"
clang='clang --target=aarch64-linux-gnu'
have clang && $clang -o "$TMP/empty" "$TMP/empty.c" 2>/dev/null && compilers+=("$clang")
root=/usr/aarch64-linux-gnu		# Debian's place for what cross-compiled programs load
[ "$(uname -m)" = x86_64 ] || skip_all 'for x86_64 machines: elsewhere the other tests tell'
[ ${#compilers[@]} -gt 0 ] || skip_all 'nothing compiles for aarch64 here (clang, libgcc-12-dev-arm64-cross, binutils-aarch64-linux-gnu)'
have qemu-aarch64 || skip_all 'no qemu-aarch64 here (qemu-user)'
[ -e $root/lib/ld-linux-aarch64.so.1 ] || skip_all "no C library for aarch64 below $root"

# build_library TO COMPILER GOAL CFLAG...: leaves TO/libheaptrace.so; GOAL is that of make
build_library() {
	local to=$1 cc=$2 goal=$3
	shift 3
	mkdir "$to" && cp -r Makefile ./*.c report $(ls ./*/*.[ch] | cut -d/ -f2 | sort -u) "$to" &&
		make -s -j2 -C "$to" $goal WERROR=1 CC="$cc" CFLAGS="$*" >"$TMP/log" 2>&1
	ok $? "the library builds with $cc $*" || {
		diag "$(head -20 "$TMP/log")"
		plan
	}
}
# As users build it: with -O2, what is seldom executed is compiled for size.
build_library "$TMP/plain" "${compilers[0]}" all -O2

# build SUBJECT COMPILER [FLAG...]: leaves $TMP/SUBJECT
build() {
	local subject=$1 cc=$2
	shift 2
	$cc -D_GNU_SOURCE -w -g -pthread "$@" -o "$TMP/$subject" "tests/subjects/$subject.c"
}

# traced LIBRARY OPTIONS COMMAND...: the wrapper is this machine's, so by environment. A
# machine with all that the architecture has, signatures of a quick kind.
traced() {
	local library=$1 options=$2
	shift 2
	limit qemu-aarch64 -cpu max,pauth-impdef=on -L $root -E LD_PRELOAD="$TMP/$library/libheaptrace.so" \
		-E HEAPTRACE_OPTIONS="outfile=$TMP/dumps/dump:$options" "$@" <"$TMP/in/stdin"
}

# The same figures as here: the sites are functions that main calls.
sites() {
	sed -n 's/.*;main;\([a-z_]*\);[^ ]* \([0-9]*\)$/\1 \2/p' "$1" | grep -v '^thread ' | sort
}
build counts "${compilers[0]}" -O0 -fno-builtin
"${CC:-cc}" -O0 -fno-builtin -g -w -pthread -o "$TMP/native_counts" tests/subjects/counts.c
for key in size total-count peak-size; do
	traced plain "flame-graph:sort=$key" "$TMP/counts" >/dev/null 2>"$TMP/err"
	is $? 0 "counts, $key: the program's own checks hold" || diag "$(cat "$TMP/err")"
	"$HEAPTRACE" --flame-graph --sort=$key --outfile="$TMP/native.folded" "$TMP/native_counts" >/dev/null
	is "$(sites "$TMP/dumps/dump")" "$(sites "$TMP/native.folded")" "counts, $key: the figures are those of x86_64"
	rm -f "$TMP/dumps/dump"
done

# The same by glibc's other names for malloc's functions.
build counts "${compilers[0]}" -O1 -fno-builtin -fno-optimize-sibling-calls -D{malloc=__libc_malloc,calloc=__libc_calloc} \
	-D{realloc=__libc_realloc,free=__libc_free,memalign=__libc_memalign,valloc=__libc_valloc,pvalloc=__libc_pvalloc}
traced plain flame-graph:sort=total-count "$TMP/counts" >/dev/null 2>"$TMP/err"
is $? 0 'counts, by __libc_malloc and its like' || diag "$(cat "$TMP/err")"
"$HEAPTRACE" --flame-graph --sort=total-count --outfile="$TMP/native.folded" "$TMP/native_counts" >/dev/null
is "$(sites "$TMP/dumps/dump")" "$(sites "$TMP/native.folded")" 'the figures are the same'
like "$(cat "$TMP/dumps/dump")" ';main;plain;__libc_malloc 10' 'by the names that were called'
rm -f "$TMP/dumps/dump"
build counts "${compilers[0]}" -O0 -fno-builtin

# An allocator of the program's own is found, but nothing hooks it.
cat >"$TMP/pool.c" <<'END'
#include <stddef.h>
static char memory[4096];
__attribute__((noinline)) void *pool_malloc(size_t size) { __asm__ volatile(""); return memory + size % 2048; }
__attribute__((noinline)) void pool_free(void *p) { __asm__ volatile("" : : "r"(p)); }
int main(void) { pool_free(pool_malloc(100)); return 0; }
END
${compilers[0]} -O1 -o "$TMP/pool" "$TMP/pool.c"
reason="(heaptrace can hook a program's own functions on x86_64 only)"
traced plain allocator=pool_ "$TMP/pool" >/dev/null 2>&1
is "$(grep 'pool_\|malloc' "$TMP/dumps/dump")" "[heaptrace] not traced: pool_* of the program $reason
[heaptrace] no allocation was seen: pool_* of the program is not traced $reason" "an allocator of the program's own: what is said"
rm -f "$TMP/dumps/dump"

traced plain top=0 "$TMP/counts" >/dev/null 2>&1
is "$(check_dumps 0 "$TMP/dumps/dump" 2>&1)" '' 'a dump has the form of the contract'
like "$(cat "$TMP/dumps/dump")" ' 1 \[[^]]*\] plain \+0x' 'with names from aarch64 files'

# The vdso's trampoline is a mark, and the interrupted function is named by its first instruction.
build signal_frames "${compilers[0]}" -O1
traced plain top=0:depth=20:no-lines "$TMP/signal_frames" >/dev/null 2>&1
like "$(cat "$TMP/dumps/dump")" 'handles \+0x[0-9a-f]+
 3 \[[^]]*\] <signal handler called>
 4 \[[^]]*\] first_faults \+0x0
 5 \[[^]]*\] fault \+0x' 'stacks through signal handlers'
like "$(cat "$TMP/dumps/dump")" ' 3 \[[^]]*\] last_calls \+0x8
' 'and a call that returns to the interrupted address'
rm -f "$TMP/dumps/dump"

# compared NAME LIBRARY DEPTH: no stack differs, and all but the frames of 3 MB, whose
# return address lies beyond a rule's reach, are the fast unwinder's.
compared() {
	local n bad slow
	rm -f "$TMP/dumps/dump"
	traced "$2" "unwind=check:depth=$3:top=1" "$TMP/unwind_shapes" 16 >"$TMP/out" 2>"$TMP/err"
	is $? 0 "$1, depth $3: it runs" || diag "$(tail -5 "$TMP/err")"
	read -r n bad < <(sed -n 's/.*unwinders compared  *: \([0-9]*\) stacks, \([0-9]*\) disagree/\1 \2/p' "$TMP/dumps/dump")
	slow=$(sed -n 's/.* \([0-9]*\) stacks\{0,1\} by the slow unwinder.*/\1/p' "$TMP/dumps/dump")
	[ "${bad:-1}" = 0 ] && [ "$n" -ge 15000 ] && [ "${slow:-0}" -le 12 ]
	ok $? "$1, depth $3: $n stacks, $bad disagree, ${slow:-0} not by the fast unwinder" ||
		diag "$(grep -A2 'unwinders disagree' "$TMP/err" | head -6)"
}

# Whole stacks of signed code are below, with a library that is signed, too.
while IFS=- read -r depth flags; do
	flags=-$flags
	build unwind_shapes "${compilers[0]}" $flags && compared "shapes, $flags" plain $depth
done <<'END'
8     -O0
8     -O2 -fomit-frame-pointer
128   -O2 -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer
8     -O2 -mbranch-protection=standard
8     -O2 -mbranch-protection=pac-ret+leaf+b-key
END

# Code without unwind information: whole where there are frame pointers, and told where there are none.
for flags in '-O0' '-O2 -fno-omit-frame-pointer -mbranch-protection=standard' '-O2 -fomit-frame-pointer'; do
	${compilers[0]} -D_GNU_SOURCE -w -fno-builtin -fno-optimize-sibling-calls $flags -fno-asynchronous-unwind-tables \
		-fno-unwind-tables -fno-exceptions -DCODE -c -o "$TMP/code.o" tests/subjects/no_tables.c &&
		build no_tables "${compilers[0]}" -O1 -fno-builtin -fno-optimize-sibling-calls "$TMP/code.o" || continue
	for how in two_callers recursion; do
		traced plain "flame-graph:sort=count:depth=32:unwind=check" "$TMP/no_tables" $how >/dev/null 2>&1
		got=$(sed -n 's/^.*;main;/main;/; s/;keep;malloc / /p' "$TMP/dumps/dump" | LC_ALL=C sort)
		case $flags/$how in
		*-fomit*/two*)	want='pass;called 200' ;;
		*-fomit*)	want='down 100' ;;
		*/two*)		want=$'main;crooked;pass;called 100\nmain;straight;pass;called 100' ;;
		*)		want='main;down;down;down;down;down;down 100' ;;
		esac
		is "$got" "$want" "no unwind information, $flags: $how"
		rm -f "$TMP/dumps/dump"
		traced plain 'top=1:depth=32:unwind=check' "$TMP/no_tables" $how >/dev/null 2>&1
		case $flags in
		*-fomit*) like "$(cat "$TMP/dumps/dump")" 'not seen .*beyond code without unwind information \(no_tables\)' \
				"no unwind information, $flags: the dump tells" ;;
		*)	is "$(grep -E 'not seen|, [1-9][0-9]* disagree' "$TMP/dumps/dump")" '' \
				"no unwind information, $flags: nothing is left to tell" ;;
		esac
		rm -f "$TMP/dumps/dump"
	done
done

build_library "$TMP/signed" "${compilers[-1]}" libheaptrace.so -O1 -mbranch-protection=standard
build unwind_shapes "${compilers[-1]}" -O2 -mbranch-protection=standard
compared "shapes and the library signed, ${compilers[-1]}" signed 128
plan
