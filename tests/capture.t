#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Stacks where they are hard to take: a server under load, code that a just-in-time compiler
# writes and moves, children that share their parent's memory, coroutines, handlers on other
# stacks. --unwind=check takes each both ways, and none may differ. (unwind.t has the shapes that
# compilers make, modules.t modules that come and go.)
. "${0%/*}/lib.sh"
[ "$(uname -m)" = x86_64 ] || skip_all 'no fast unwinder on this machine: backtrace() serves'
: "${CC:=cc}"
LIMIT=120

# none_differs NAME LEAST ERRORS: the dumps of all processes, at least LEAST stacks in them
none_differs() {
	local n bad
	read -r n bad < <(cat "$TMP/dumps"/* | awk '/unwinders compared/ { n += $5; bad += $7 } END { print n + 0, bad + 0 }')
	[ "$bad" = 0 ] && [ "$n" -ge "$2" ]
	ok $? "$1: $n stacks, $bad disagree" || diag "$(grep -A2 'unwinders disagree' "$3" | head -6)"
}

# fallbacks: the stacks that the last run's fast unwinder gave up
fallbacks() {
	cat "$TMP/dumps"/* | sed -n 's/.*[:,] \([0-9]*\) stacks\{0,1\} by the slow unwinder.*/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}

# ---- a server under load ----

redis() {
	local name="redis-server, depth $1"
	redis_start "$1" 1
	redis_load 3000
	is $? 0 "$name: the benchmark's status"
	redis_do eval 'local t = {} for i = 1, 3000 do t[i] = tostring(i) end return #table.concat(t)' 0 >/dev/null 2>&1
	redis_stop
	is "$(cat "$TMP/traced.status")" 0 "$name: the server's status"
	none_differs "$name" 50000 "$TMP/traced.err"
}
if have redis-server && have redis-benchmark && have redis-cli; then
	redis 8
	redis 128
else
	skip 'redis-server' 'no redis here'
fi

# ---- a just-in-time compiler ----

# New code all the time, at addresses where other code was, and native memory allocated below
# it. Prints its rounds and the most memory it had, in KB.
cat >"$TMP/in/jit.js" <<'END'
const end = Date.now() + 1000 * process.argv[2];
const zlib = require('zlib'), crypto = require('crypto');
let kept = [], rounds = 0;
function native(n) {
	const b = Buffer.allocUnsafeSlow(64 + n % 977);
	b.fill(n & 255);
	if (n % 16 === 0) crypto.createHash('sha256').update(b).digest();
	if (n % 512 === 0) zlib.deflateSync(b);
	return b;
}
function down(depth, n) { return depth === 0 ? native(n) : down(depth - 1, n); }
do {
	const f = new Function('down', 'n', `let s = 0;
		for (let i = 0; i < 2000; i++) s += down(i % 24, n + i).length;
		return s + ${rounds}`);
	f(down, rounds * 2000);
	kept.push(Buffer.allocUnsafeSlow(1000));
	if (kept.length > 100) kept = [];
} while (++rounds < 10 || Date.now() < end);
console.log(rounds, process.resourceUsage().maxRSS);
END

jit() {
	local depth=$1 name="node, depth $1" traced_kb sums n rows beyond all
	run_traced --unwind=check --depth="$depth" -- node ../in/jit.js 0.3
	is "$(cat "$TMP/traced.status")" 0 "$name: status"
	none_differs "$name" 50000 "$TMP/traced.err"
	is "$(fallbacks)" 0 "$name: stacks that were given up"

	# In a long run what is kept must not grow with the stacks: code moves, rows stay few.
	run_traced --flame-graph --depth="$depth" --sort=total-count -- node ../in/jit.js 1.5
	# It happened once, on a busy machine, that there was no dump; this says more if it happens again.
	if [ ! -s "$TMP/dumps/dump" ]; then
		echo "# $name: no dump, status $(cat "$TMP/traced.status")"
		sed 's/^/# /' "$TMP/traced.err"
		ls -l "$TMP/dumps" | sed 's/^/# /'
		run_traced --flame-graph --depth="$depth" --sort=total-count -- node ../in/jit.js 1.5
	fi
	read -r _ traced_kb <"$TMP/traced.out"
	[ "${traced_kb:-999999999}" -le $((native_kb + 65536)) ]
	ok $? "$name: at most $traced_kb KB, and $native_kb KB without heaptrace"
	# Stacks that have passed such code, the rows they take, and those that go on beyond it.
	sums=$(awk '/\?/ { n += $NF; rows++ } /;\?;/ { beyond++ } END { print n + 0, rows + 0, beyond + 0, NR }' "$TMP/dumps/dump")
	read -r n rows beyond all <<<"$sums"
	[ "$n" -ge 10000 ] && [ "$rows" -le 5000 ] && [ "$all" -le 50000 ]
	ok $? "$name: $n stacks end in compiled code, in $rows rows of $all"
	is "$beyond" 0 "$name: none goes on beyond it"
}
if have node; then
	run_in_work native node ../in/jit.js 1.5
	read -r _ native_kb <"$TMP/native.out"
	jit 8
	jit 128
else
	skip 'node' 'no node here'
fi

# ---- stacks that are not what they usually are ----

odd() {
	local what=$1 least=$2 depth
	for depth in 8 128; do
		rm -f "$TMP/dumps"/*
		run_in_work traced "$HEAPTRACE" --unwind=check --top=1 --depth=$depth --outfile="$TMP/dumps/%p" "$TMP/in/odd" "$what"
		is "$(cat "$TMP/traced.status" "$TMP/traced.out" | tr '\n' ' ')" '0 done ' "$what, depth $depth: as it should"
		none_differs "$what, depth $depth" "$least" "$TMP/traced.err"
		# What is given up is not compared. (Handlers: an overflowed stack is.)
		[ "$what" = handlers ] || is "$(fallbacks)" 0 "$what, depth $depth: none is given up"
	done
	run_in_work traced "$HEAPTRACE" --top=1 --outfile="$TMP/dumps/%p" "$TMP/in/odd" "$what"
	is "$(cat "$TMP/traced.status" "$TMP/traced.out" | tr '\n' ' ')" '0 done ' "$what, unchecked: as it should"
}
# Stacks whose first frame has some old word as its return address, above which nothing can be read: the
# program lives with every unwinder, and the frames that are right are there. 11 words, 7 values of the
# frame pointer, 6 rounds. And stacks of nothing but words that look as if they were right.
broken() {
	local how depth bad
	for how in fast check execinfo; do
		for depth in 8 128; do
			run_traced --unwind=$how --depth=$depth --flame-graph --sort=total-count -- "$TMP/in/odd" broken
			is "$(cat "$TMP/traced.status" "$TMP/traced.out" | tr '\n' ' ')" '0 done ' \
				"broken stacks, $1, $how, depth $depth: as it should"
			is "$(awk '/;keep_on_broken_stack;malloc / { n += $NF } END { print n + 0 }' "$TMP/dumps/dump")" 462 \
				"broken stacks, $1, $how, depth $depth: all are there"
			bad=$(grep ';keep_on_broken_stack;malloc ' "$TMP/dumps/dump" |
				grep -vc 'first_on_broken_stack;in_the_middle;keep_on_broken_stack')
			is "$bad" 0 "broken stacks, $1, $how, depth $depth: with the frames that are right"
		done
	done
	for how in fast check execinfo; do
		run_traced --unwind=$how --depth=128 -- "$TMP/in/odd" scrambled
		is "$(cat "$TMP/traced.status" "$TMP/traced.out" | tr '\n' ' ')" '0 done ' "scrambled stacks, $1, $how: as it should"
	done
	run_traced --unwind=check -- "$TMP/in/odd" broken
	none_differs "broken stacks, $1" 1 "$TMP/traced.err"
	like "$(cat "$TMP/dumps/dump")" 'not seen .*[0-9]+ stacks beyond a frame whose caller was not to be found' \
		"broken stacks, $1: the dump tells"
}

# A frame outside of the fast unwinder's domain: its CFA is in a register that no other has it
# in. The whole stack comes from the slow unwinder then, and the dump says how many did.
cat >"$TMP/in/given_up.c" <<'END'
#include <stdlib.h>
void *volatile sink;
void outside(void);
__attribute__((noinline)) void beyond(void) { sink = malloc(77); }
__asm__(".text\n.type outside, @function\noutside:\n.cfi_startproc\n"
	"push %rbx\n.cfi_adjust_cfa_offset 8\n.cfi_offset %rbx, -16\n"
	"mov %rsp, %rbx\n.cfi_def_cfa_register %rbx\n"
	"sub $1024, %rsp\ncall beyond\nmov %rbx, %rsp\n"
	"pop %rbx\n.cfi_def_cfa %rsp, 8\nret\n.cfi_endproc\n.size outside, . - outside\n");
__attribute__((noinline)) void before(void) { outside(); __asm__ volatile(""); }
int main(void) { for (int i = 0; i < 1000; i++) before(); return 0; }
END
if $CC -O1 -w -fno-builtin -fno-optimize-sibling-calls -o "$TMP/in/given_up" "$TMP/in/given_up.c"; then
	run_traced --flame-graph --sort=count -- "$TMP/in/given_up"
	like "$(cat "$TMP/dumps/dump")" ';main;before;outside;beyond;malloc 1000' 'given up: the whole stack is there'
	run_traced -- "$TMP/in/given_up"
	is "$(fallbacks)" 1000 'given up: the dump says how often'
fi

for flags in -O0 '-O2 -fcf-protection=full'; do
	# shellcheck disable=SC2086
	$CC -std=gnu11 -D_GNU_SOURCE $flags -w -fno-builtin -pthread -o "$TMP/in/odd" "$TOP/tests/subjects/unwind_odd.c" || {
		skip "$flags" 'the subject cannot be built'
		continue
	}
	odd children 5000
	odd coroutines 20000
	odd handlers 1000
	odd ends 10000
	# A handler that allocates, after a call to an address that cannot even be read: backtrace() would read
	# the code there, to see whether it is a signal's frame, and die of it.
	for how in fast check execinfo; do
		run_in_work traced "$HEAPTRACE" --unwind=$how --top=1 --outfile="$TMP/dumps/%p" "$TMP/in/odd" wild 2>/dev/null
		[ "$(cat "$TMP/traced.status" "$TMP/traced.out" | tr '\n' ' ')" = '0 done ' ]
		ok $? "a call to nowhere, $flags, $how: the handler survives"
		# glibc's malloc does not notice that a stack is no multiple of 16.
		run_in_work traced "$HEAPTRACE" --unwind=$how --sort=size --top=1 --outfile="$TMP/dumps/%p" "$TMP/in/odd" misaligned 2>/dev/null
		[ "$(cat "$TMP/traced.status" "$TMP/traced.out" | tr '\n' ' ')" = '0 done ' ]
		ok $? "a stack that is no multiple of 16, $flags, $how: the program goes on"
	done
	broken "$flags"
done

# A 32-bit coroutine that begins with a frame pointer that cannot be followed: backtrace() would follow it, and die.
cat >"$TMP/in/begun.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
static ucontext_t resumer, coroutine;
static void run(void) { puts(malloc(10) ? "done" : "no memory"); }
int main(void)
{
	char *memory = mmap(NULL, 1 << 17, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(memory + (1 << 16), 1 << 16, PROT_NONE);
	getcontext(&coroutine);
	coroutine.uc_stack.ss_sp = memory;
	coroutine.uc_stack.ss_size = 1 << 16;
	coroutine.uc_link = &resumer;
	coroutine.uc_mcontext.gregs[REG_EBP] = (int)(memory + (1 << 16));
	makecontext(&coroutine, run, 0);
	return swapcontext(&resumer, &coroutine);
}
END
if missing=$("$TOP/tests/tools/can_build_32" "$CC"); then
	"$TOP/tests/tools/build_32" &&
		$CC -m32 -D_GNU_SOURCE -w -O2 -o "$TMP/in/begun" "$TMP/in/begun.c"
	run_in_work traced "$HEAPTRACE" --outfile="$TMP/begun" "$TMP/in/begun"
	is "$(cat "$TMP/traced.status" "$TMP/traced.out" | tr '\n' ' ')" '0 done ' 'a 32-bit coroutine goes on'
	like "$(cat "$TMP/begun")" "\\] malloc .*\\] run " '... and has its function'
	printf '#include <stdlib.h>\nvoid *volatile p;\n%s void inner(void) { p = malloc(9); p = 0; }\n%s void outer(void) { inner(); p = 0; }\nint main(void) { outer(); p = 0; return 0; }\n' \
		'__attribute__((noinline))' '__attribute__((noinline))' >"$TMP/in/bare.c"
	$CC -m32 -w -O1 -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -o "$TMP/in/bare" "$TMP/in/bare.c"
	run_in_work traced "$HEAPTRACE" --outfile="$TMP/bare" "$TMP/in/bare"
	like "$(cat "$TMP/bare")" "\\] malloc .*\\] inner .*\\] outer .*\\] main " 'a 32-bit program with frame pointers only: all frames'
else
	skip 'a 32-bit coroutine' "$missing"
fi
plan
