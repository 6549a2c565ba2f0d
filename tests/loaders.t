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

# glibc tells of namespaces since 2.35.
run_traced -- "$TMP/in/loaders" dlmopen "$TMP/in/libplug.so"
version=$(getconf GNU_LIBC_VERSION 2>/dev/null)
version=${version##*.}
if [ "$(cat "$TMP/traced.status")" != 77 ] && [ "${version:-0}" -ge 35 ]; then
	grep -q '^\[heaptrace\] not seen .*what dlmopen() has loaded' "$TMP/dumps/dump"
	ok $? 'dlmopen: the dump says that it is not seen'
	run_traced -- "$TMP/in/loaders" dlmopen "$TMP/in/libplug.so" closed
	is "$(grep -c 'dlmopen() has' "$TMP/dumps/dump")" 0 'dlmopen, closed: nothing more to be said'
else
	skip 'dlmopen: the dump says that it is not seen' 'this glibc does not tell'
fi

# ---- RTLD_DEEPBIND: what such a library frees looks leaked, which the dump says ----

deep=$TOP/tests/subjects/deepbind.c
case $(uname -m) in
x86_64|aarch64) ;;
*) deep=;;
esac
mkdir -p one/sub two
if [ -n "$deep" ] && build -shared -fPIC -DLIBRARY "$deep" -o two/libfirst.so && cp two/libfirst.so two/libsecond.so.1.2 &&
	cp two/libfirst.so two/libthird.so && cp two/libfirst.so one/sub/libinner.so && ln -sf libsecond.so.1.2 two/libsecond.so.1 &&
	ln -sf libthird.so two/libalias.so && echo text >two/libbad.so &&
	build -shared -fPIC -DOPENS='"libinner.so"' "$deep" -o one/libouter.so -Wl,--enable-new-dtags,-rpath,'$ORIGIN/sub' -ldl &&
	build "$deep" -o deep -Wl,--enable-new-dtags,-rpath,"$TMP/in/two" -ldl; then
	# deep HOW FILE...: what the dump says of it
	deep() {
		run_in_work native "$TMP/in/deep" "$@"
		run_traced -- "$TMP/in/deep" "$@"
		is "$(compare_runs)" '' "deepbind, $*: as without heaptrace"
		deep_said=$(sed -n 's/^\[heaptrace\] not seen .*what \(.* opened with RTLD_DEEPBIND\).*/\1/p' "$TMP/dumps/dump")
	}
	deep deep "$TMP/in/two/libfirst.so"
	is "$deep_said" 'libfirst.so allocates and frees (it was opened with RTLD_DEEPBIND' 'deepbind: the dump says it'
	grep -q 'make_block' "$TMP/dumps/dump"
	ok $? 'where the block that it freed looks leaked'
	deep deep libfirst.so
	is "$deep_said" 'libfirst.so allocates and frees (it was opened with RTLD_DEEPBIND' 'deepbind: found in the RUNPATH'
	deep deep libsecond.so.1
	is "$deep_said" 'libsecond.so.1 allocates and frees (it was opened with RTLD_DEEPBIND' 'deepbind: by a link'
	deep deep "$TMP/in/two/libalias.so"
	is "$deep_said" 'libalias.so allocates and frees (it was opened with RTLD_DEEPBIND' 'deepbind: by a link of another name'
	deep closed "$TMP/in/two/libfirst.so"
	is "$deep_said" 'libfirst.so allocates and frees (it was opened with RTLD_DEEPBIND' 'deepbind: one that has been closed again'
	deep deep libfirst.so "$TMP/in/two/libsecond.so.1" libfirst.so libthird.so
	is "$deep_said" 'libfirst.so and 2 other libraries allocate and free (they were opened with RTLD_DEEPBIND' 'deepbind: several, each once'
	deep base libfirst.so
	is "$deep_said" 'libfirst.so allocates and frees (it was opened with RTLD_DEEPBIND' 'deepbind: by dlmopen() in the base namespace'
	deep new "$TMP/in/two/libfirst.so"
	is "$deep_said" '' 'deepbind: in a namespace of its own, which is told of by itself'
	deep again libfirst.so "$TMP/in/two/libsecond.so.1"
	is "$deep_said" '' 'deepbind: one that was there before is bound as it was'
	grep -q 'make_block' "$TMP/dumps/dump"
	is $? 1 'and what it frees is seen'
	deep deep libc.so.6
	is "$deep_said" '' 'deepbind: libc itself, which the program needs'
	for how in plain noload null; do
		deep $how libfirst.so
		is "$deep_said" '' "deepbind, $how: nothing to be said"
	done
	deep error "$TMP/in/two/libnone.so" libnone.so "$TMP/in/two/libbad.so" libbad.so
	is "$deep_said" '' 'deepbind: what cannot be loaded is not told of'
	# The library's own RUNPATH is found by the address that dlopen() returns to.
	deep plain "$TMP/in/one/libouter.so"
	like "$(cat "$TMP/native.out")" 'the other: 1 1' 'a library that opens another by its RUNPATH: does so'
	is "$deep_said" 'libinner.so allocates and frees (it was opened with RTLD_DEEPBIND' 'and that is told of'
	run_traced --record="$TMP/in/deep.rec" -- "$TMP/in/deep" deep libfirst.so
	like "$("$HEAPTRACE" --report="$TMP/in/deep.rec" 2>&1)" 'what libfirst.so allocates and frees' 'deepbind: --report says it, too'
else
	skip 'deepbind' 'the subject cannot be built, or dlopen() is not interposed on this machine'
fi

# ---- an allocator inside the program ----

run_traced -- "$TMP/in/loaders" none
build -DALLOCATOR "$TOP/tests/subjects/loaders.c" -o own -ldl -pthread -rdynamic
run_in_work native "$TMP/in/own" none
run_traced -- "$TMP/in/own" none
is "$(compare_runs)" '' 'a malloc of its own: as without heaptrace'
is "$(grep -c 'own has a malloc of its own, before heaptrace' "$TMP/dumps/dump")" 1 'a malloc of its own: said'
is "$(grep -c "no allocation was seen: malloc's family of own is not traced (.*)$" "$TMP/dumps/dump")" 1 'and why nothing was seen'
run_traced --allocator=no -- "$TMP/in/own" none
is "$(grep -c "no allocation was seen: the program's malloc is its own" "$TMP/dumps/dump")" 1 'also where no function of its is to be hooked'
run_traced -- "$TMP/in/own" none
run_traced -- "$TMP/in/own" usr1
grep -q "not seen .*what the program's own allocator serves" "$TMP/dumps/dump"
ok $? 'and each dump says so, too'
# Not position-independent, with malloc's address taken: the symbol has a value in the program.
printf '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { printf("%%d\\n", (void *)malloc != (void *)free); free(malloc(9)); malloc(5); return 0; }\n' >fixed.c
if build -fno-pie -no-pie -Wno-unused-result fixed.c -o fixed 2>/dev/null && readelf --dyn-syms -W fixed | grep -q ' 0*[1-9a-f][0-9a-f]* .* UND malloc'; then
	run_traced -- "$TMP/in/fixed"
	is "$(grep -c 'of its own\|own malloc' "$TMP/dumps/dump")" 0 "a program that takes malloc's address: nothing is said"
else
	skip "a program that takes malloc's address" 'it cannot be built'
fi
for archive in libjemalloc.a libtcmalloc_minimal.a libmimalloc.a; do
	path=$(ls /usr/lib/*-linux-gnu/"$archive" 2>/dev/null | head -n 1)
	[ -n "$path" ] || { skip "$archive, inside" 'not here'; continue; }
	build "$TOP/tests/subjects/loaders.c" -o linked -Wl,--whole-archive "$path" -Wl,--no-whole-archive \
		-ldl -pthread -lm -lstdc++ 2>/dev/null || { skip "$archive, inside" 'it cannot be linked'; continue; }
	run_in_work native "$TMP/in/linked" none
	run_traced -- "$TMP/in/linked" none
	is "$(compare_runs)" '' "$archive, inside: as without heaptrace"
	grep -Eq 'linked has a malloc of its own|allocators of its own .* of linked ' "$TMP/dumps/dump"
	ok $? "$archive, inside: said"
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

# Preloaded before heaptrace it is asked first, and so its functions are hooked (hooks/own_allocator.h);
# after heaptrace it is called by the hooks (tests/allocators.t).
for pair in libjemalloc.so.2:jemalloc libtcmalloc_minimal.so.4:tcmalloc libmimalloc.so.2:mimalloc; do
	name=${pair#*:}
	library=$(ls /usr/lib/*-linux-gnu/"${pair%:*}" 2>/dev/null | head -n 1)
	[ -n "$library" ] || { skip "$name, before" 'not here'; continue; }
	PRELOAD=$library run_in_work native "$TMP/in/loaders" none
	rm -f "$TMP/dumps"/*
	HEAPTRACE_OPTIONS="outfile=$TMP/dumps/dump" PRELOAD="$library $TOP/libheaptrace.so" \
		run_in_work traced "$TMP/in/loaders" none
	cp "$TMP/native.files" "$TMP/traced.files"
	is "$(compare_runs)" '' "$name, before: as without heaptrace"
	like "$(cat "$TMP/dumps/dump")" "allocators of its own .*$name" "$name, before: traced, which is said"
done

# ---- valgrind: its tools with an allocator of their own take the hooks, which is said ----

if have valgrind && valgrind -q --tool=none /bin/true 2>/dev/null; then
	cd "$TMP/work" || exit 1
	cp "$TMP/in/loaders" v
	takes='valgrind.s own allocator takes the calls of malloc and free before heaptrace sees them: run valgrind --soname-synonyms=somalloc=nouserintercepts'
	# valgrind_run TOOL [OPTION...]: what the run says, and the dump's line
	valgrind_run() {
		rm -f "$TMP/dumps"/*
		"$HEAPTRACE" --no-lines --sort=size --outfile="$TMP/dumps/dump" valgrind -q --log-file=/dev/null --tool="$@" ./v none \
			>out 2>err </dev/null
		is "$? $(cat out err)" '0 done' "valgrind, $*: the program's own output"
		valgrind_said=$(grep -c "$takes" "$TMP/dumps/dump")
		valgrind_unseen=$(grep -c "not seen .*what valgrind.s own allocator serves" "$TMP/dumps/dump")
		valgrind_kept=$(grep -c ' keep_main ' "$TMP/dumps/dump")
	}
	for tool in memcheck massif dhat helgrind drd; do
		valgrind_run $tool
		is "$valgrind_said" 1 "$tool: said at the start"
		grep -q "no allocation was seen: valgrind's own allocator served the program" "$TMP/dumps/dump"
		is "$?" 0 "$tool: and at the end"
	done
	"$HEAPTRACE" --outfile="$TMP/dumps/dump" valgrind -q ./v usr1 >out 2>err </dev/null
	is "$(grep -c "not seen .*what valgrind.s own allocator serves" "$TMP/dumps/dump")" 1 'and in each dump'
	is "$(grep -c 'statically linked' "$TMP/dumps/dump")" 0 'nobody takes valgrind itself for the program'
	for tool in none cachegrind 'memcheck --soname-synonyms=somalloc=nouserintercepts' \
			'massif --soname-synonyms=somalloc=nouserintercepts'; do
		valgrind_run $tool
		is "$valgrind_said$valgrind_unseen" 00 "$tool: nothing is taken, and nothing said"
		is "$valgrind_kept" 1 "$tool: the program is traced"
	done
	# ls begins a call of strdup() above words of its frame that it has not written.
	for tool in memcheck 'memcheck --soname-synonyms=somalloc=nouserintercepts'; do
		"$HEAPTRACE" --outfile="$TMP/dumps/dump" valgrind -q --error-exitcode=3 --tool=$tool ls -l / >out 2>err </dev/null
		is "$? $(cat err)" '0 ' "$tool: finds no fault with the library"
		is "$(grep -c 'allocator info (virtual).*: unknown (malloc is not glibc.s)' "$TMP/dumps/dump")" 1 \
			"$tool: libc's malloc serves nothing, and is not said to have 0 bytes"
	done
	run_traced -- "$TMP/in/loaders" none
	is "$(grep -c valgrind "$TMP/dumps/dump")" 0 'without valgrind: no word of it'
	cd "$TMP/in" || exit 1
else
	skip 'valgrind' 'no valgrind that works here'
fi

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
# With C inside it is a dynamic one. It ends by the bare system call, so the watcher has the last word.
printf 'package main\n// #include <stdlib.h>\n// static void *get(int n) { return malloc(n); }\nimport "C"\nimport "fmt"\nfunc main() { for i := 0; i < 50; i++ { C.free(C.get(10)); C.get(100) }; fmt.Println("done") }\n' >c.go
if have go && HOME=$TMP GOCACHE=$TMP/go GO111MODULE=off CGO_ENABLED=1 go build -o c c.go 2>/dev/null; then
	rm -f "$TMP/dumps"/*
	"$HEAPTRACE" --outfile="$TMP/dumps/dump" ./c >out 2>err
	is "$?$(cat out err)" 0done 'Go with C: as without heaptrace'
	for ((tries = 0; tries < 100; tries++)); do
		grep -q 'heap traced allocation size' "$TMP/dumps/dump" 2>/dev/null && break
		sleep 0.1
	done
	like "$(cat "$TMP/dumps/dump")" 'count/peak: 50/50. .size/peak: 5.000 KB' 'and its C allocations are seen'
else
	skip 'Go with C' 'no go and C compiler that work here'
	skip 'Go with C' 'no go and C compiler that work here'
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
