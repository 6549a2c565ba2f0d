#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Loaders and allocators: libraries opened in every way, programs that bring an allocator of their
# own, and other languages' programs. Everything is counted, or it is said what is not.
. "${0%/*}/lib.sh"
: "${CC:=cc}"
have "${CC%% *}" || skip_all "no $CC here"
cd "$TMP/in" || exit 1
build() {
	$CC -std=gnu11 -Wall -Wextra -g -O1 -fno-builtin -fno-optimize-sibling-calls -D_GNU_SOURCE "$@"
}
build -shared -fPIC -DLIBRARY "$TOP/tests/subjects/loaders.c" -o libplug.so &&
	build "$TOP/tests/subjects/loaders.c" -o loaders -ldl -pthread || skip_all 'the subject cannot be built'

# weight FUNCTION: of all stacks through it in the folded dump
weight() {
	awk -v f="$1" 'index(";" $0, ";" f ";") { sum += $NF } END { print sum + 0 }' "$TMP/dumps/dump"
}
for how in loop deepbind local dlmopen; do
	run_in_work native "$TMP/in/loaders" $how "$TMP/in/libplug.so"
	run_traced --flame-graph -- "$TMP/in/loaders" $how "$TMP/in/libplug.so"
	[ "$(cat "$TMP/native.status")" = 77 ] && { skip "$how" 'not on this system'; continue; }
	is "$(compare_runs)" '' "$how: as without heaptrace"
	is "$(weight keep_main)" 1000 "$how: the program's block"
	case $how in
	loop) want=0;;		# freed
	deepbind) want=0;;	# it asks libc before us: not to be seen
	dlmopen) want=0;;	# it has a libc of its own
	*) want=100;;
	esac
	is "$(weight keep_plug)" $want "$how: the library's block"
done

# ---- an allocator inside the program ----

run_traced -- "$TMP/in/loaders" none
build -DALLOCATOR "$TOP/tests/subjects/loaders.c" -o own -ldl -pthread -rdynamic
run_in_work native "$TMP/in/own" none
run_traced -- "$TMP/in/own" none
is "$(compare_runs)" '' 'a malloc of its own: as without heaptrace'
is "$(grep -c 'own has a malloc of its own, before heaptrace' "$TMP/dumps/dump")" 1 'a malloc of its own: said'
is "$(grep -c "no allocation was seen: the program's malloc is its own" "$TMP/dumps/dump")" 1 'and why nothing was seen'
run_traced -- "$TMP/in/own" usr1
grep -q "not seen .*what the program's own malloc serves" "$TMP/dumps/dump"
ok $? 'and each dump says so, too'
# Where a program that is not position independent has malloc()'s address in its own PLT (node).
if build -fno-pie -no-pie "$TOP/tests/subjects/loaders.c" -o plt -ldl 2>/dev/null; then
	run_in_work native "$TMP/in/plt" none
	run_traced --flame-graph -- "$TMP/in/plt" none
	is "$(compare_runs)$(weight keep_main)" 1000 'malloc in the PLT of the program: seen'
	run_traced -- "$TMP/in/plt" none
	is "$(grep -cE 'malloc of its own|own malloc' "$TMP/dumps/dump")" 0 'and not taken for one of its own'
else
	skip 'malloc in the PLT of the program' 'not to be built here'
fi
for archive in /usr/lib/*-linux-gnu/libjemalloc.a /usr/lib/*-linux-gnu/libmimalloc.a; do
	[ -e "$archive" ] || continue
	name=${archive##*/}
	build "$TOP/tests/subjects/loaders.c" -o linked -Wl,--whole-archive "$archive" -Wl,--no-whole-archive \
		-ldl -pthread -lm -lstdc++ 2>/dev/null || { skip "$name, inside" 'it cannot be linked'; continue; }
	run_in_work native "$TMP/in/linked" none
	run_traced -- "$TMP/in/linked" none
	is "$(compare_runs)" '' "$name, inside: as without heaptrace"
	grep -q 'linked has a malloc of its own' "$TMP/dumps/dump"
	ok $? "$name, inside: said"
done
# Linked as a library: it stands behind heaptrace, and is seen.
for pair in libjemalloc.so.2:jemalloc libtcmalloc_minimal.so.4:tcmalloc libmimalloc.so.2:mimalloc; do
	library=$(ls /usr/lib/*-linux-gnu/"${pair%:*}" 2>/dev/null | head -n 1)
	[ -n "$library" ] || { skip "${pair#*:}, linked" 'not here'; continue; }
	build "$TOP/tests/subjects/loaders.c" -o linked -Wl,--no-as-needed "$library" -ldl -pthread
	run_in_work native "$TMP/in/linked" none
	run_traced --flame-graph -- "$TMP/in/linked" none
	is "$(compare_runs)" '' "${pair#*:}, linked: as without heaptrace"
	is "$(weight keep_main)" 1000 "${pair#*:}, linked: seen"
done

# ---- other languages ----

if have go; then
	printf 'package main\nimport "fmt"\nfunc main() { m := map[int]int{}; for i := 0; i < 1000; i++ { m[i] = i }; fmt.Println(len(m)) }\n' >m.go
	HOME=$TMP GOCACHE=$TMP/go GO111MODULE=off CGO_ENABLED=0 go build -o m m.go 2>/dev/null
fi
if [ ! -x m ]; then	# a Go program is a static one
	printf '#include <stdio.h>\nint main(void) { puts("1000"); return 0; }\n' >m.c
	$CC -static -o m m.c 2>/dev/null
fi
if [ -x m ]; then
	"$HEAPTRACE" ./m >out 2>err
	is "$?" 125 'a static (Go) program: refused'
	like "$(cat err)" 'statically linked, so nothing can be preloaded' 'and why'
else
	skip 'a static program' 'it cannot be built'
fi
rustc=$(type -P rustc || ls ~root/.cargo/bin/rustc 2>/dev/null)
if [ -n "$rustc" ] && printf 'fn main() { let v: Vec<String> = (0..1000).map(|i| i.to_string()).collect(); println!("{}", v.len()); std::mem::forget(v); }' >r.rs &&
	"$rustc" -g -o r r.rs 2>/dev/null; then
	WANT_DUMP=1 same 'Rust' -- "$TMP/in/r"
	grep -q 'alloc::' "$TMP/dumps/dump"
	ok $? 'Rust: with names'
else
	skip Rust 'no rustc that works here'
fi
if have java && have javac; then
	printf 'public class J { public static void main(String[] a) throws Exception { Thread t = new Thread(() -> System.out.println("thread")); t.start(); t.join(); StringBuilder s = new StringBuilder(); for (int i = 0; i < 20000; i++) s.append(i); System.out.println(s.length()); System.exit(4); } }' >J.java
	if javac -d "$TMP/in" J.java 2>/dev/null; then
		WANT_DUMP=1 same 'Java' -- java -Xmx64m -XX:+UseSerialGC -Xshare:auto -cp "$TMP/in" J
	else
		skip Java 'javac does not work here'
	fi
else
	skip Java 'no java here'
fi
plan
