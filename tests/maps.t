#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The library as it is on glibc before 2.35, where there is no _dl_find_object() and modules
# are found by /proc/self/maps (elf/maps.h): a second build that does not look for it. Both
# unwinders agree over programs that load libraries all the time, hardly a stack is left to
# the slow one, and what came by dlopen has its names.
. "${0%/*}/lib.sh"
cd "$TOP"
LIMIT=100
# A copy of the build, so that only the file that is changed is compiled, if make is called as for the build.
mkdir "$TMP/tree"
cp -rp Makefile ./*.c report build $(ls ./*/*.[ch] ./*/*.def | cut -d/ -f2 | sort -u) "$TMP/tree" 2>"$TMP/log"
by_maps=$(grep -l 'LOADED_BY_MAPS' ./*/*.c)
for file in $by_maps; do
	{ echo '#define LOADED_BY_MAPS'; echo '#line 1'; cat "$file"; } >"$TMP/tree/$file"
done
make -s -j2 -C "$TMP/tree" WERROR=1 >"$TMP/log" 2>&1 && [ "$by_maps" ] && [ "$TMP/tree/libheaptrace.so" -nt libheaptrace.so ]
ok $? 'it builds' || {
	diag "$(head -20 "$TMP/log")"
	plan
}

# summed FILE...: stacks compared, disagreements, stacks by the slow unwinder
summed() {
	cat "$@" | awk '/unwinders compared/ { n += $5; bad += $7 } / stacks? by the slow unwinder/ { sub(/.*: /, ""); slow += $1 }
		END { print n + 0, bad + 0, slow + 0 }'
}

# compared LEAST COMMAND...: no stack differs, and at most one in a thousand was slow, and five. Maps are read for a share of
# the time only (elf/maps.c). Where the machine is so busy that a reader is interrupted for longer than that, stacks are not
# compared, and the program runs again.
compared() {
	local least=$1 n bad slow status
	shift
	if ! have "$1"; then
		skip "$1" "no $1 here"
		return
	fi
	for _ in {1..20}; do
		rm -f "$TMP/dumps"/*
		limit "$TMP/tree/heaptrace" --unwind=check --depth=128 --top=1 --outfile="$TMP/dumps/%p" "$@" \
			<"$TMP/in/stdin" >/dev/null 2>"$TMP/err"
		status=$?
		read -r n bad slow < <(summed "$TMP/dumps"/*)
		[ $status = 0 ] && [ "$bad" = 0 ] && [ "$n" -lt "$least" ] || break
	done
	is $status 0 "${1##*/} runs"
	[ "$n" -ge "$least" ] && [ "$bad" = 0 ] && [ $((slow * 1000)) -le $((n + 5000)) ]
	ok $? "${1##*/}: $n stacks, $bad disagree, $slow not by the fast unwinder" ||
		diag "$(grep -A2 'unwinders disagree' "$TMP/err" | head -6)"
}
export PYTHONMALLOC=malloc
compared 50000 python3 -c 'import json, http.server, sqlite3, ssl, decimal, ctypes; json.loads(json.dumps(list(range(9999))))'
unset PYTHONMALLOC
compared 20000 perl -MPOSIX -MSocket -MList::Util -MData::Dumper -e 'my %h; $h{$_} = [1 .. 3] for 1 .. 9999'
compared 20000 node -e 'let a = []; for (let i = 0; i < 9999; i++) a.push({x: i}); for (let i = 0; i < 20; i++) a.sort((x, y) => y.x - x.x)'

# A library that comes and goes, each time with another one in between at its place.
cat >"$TMP/library.c" <<'END'
#include <stdlib.h>
char pad[PAD];
__attribute__((noinline)) void *NAME(size_t n)
{
	char *volatile p = malloc(n);

	p[0] = 1;
	return p;
}
void *(*entry)(size_t) = NAME;
END
cat >"$TMP/opens.c" <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	int rounds = atoi(argv[1]);

	for (int i = 0; i < rounds; i++) {
		void *library = dlopen(argv[2 + i % (argc - 2)], RTLD_NOW), *p;
		void *(**entry)(size_t) = library ? dlsym(library, "entry") : NULL;

		if (!entry)
			return 1;
		p = (*entry)(100);
		if (i + argc - 2 < rounds)
			free(p);
		dlclose(library);
	}
	return 0;
}
END
cc=${CC:-cc}
$cc -O1 -g -shared -fPIC -DNAME=first_library -DPAD=100 -o "$TMP/first.so" "$TMP/library.c" &&
	$cc -O0 -g -shared -fPIC -DNAME=second_library -DPAD=5000 -o "$TMP/second.so" "$TMP/library.c" &&
	$cc -O1 -w -o "$TMP/opens" "$TMP/opens.c" -ldl
ok $? 'libraries to open'
compared 500 "$TMP/opens" 100 "$TMP/first.so" "$TMP/second.so"
for _ in {1..20}; do		# for the same reason
	limit "$TMP/tree/heaptrace" --top=0 --outfile="$TMP/names" "$TMP/opens" 100 "$TMP/first.so" "$TMP/second.so"
	status=$?
	[ $status = 0 ] && [ "$(grep -c ' 1 \[[^]]*\] [a-z]*_library +0x' "$TMP/names")" -lt 2 ] || break
done
is $status 0 'libraries come and go'
like "$(cat "$TMP/names")" ' 1 \[[^]]*\] first_library \+0x' 'the first has its name, though it has gone'
like "$(cat "$TMP/names")" ' 1 \[[^]]*\] second_library \+0x' 'and the second'
is "$(check_dumps 0 "$TMP/names" 2>&1)" '' 'the dump has the form of the contract'
plan
