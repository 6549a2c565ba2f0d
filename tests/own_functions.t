#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# heaptrace looks for functions that a C library may not have. That must leave nothing behind that a
# program sees: an error text of dlsym() is memory from the program's malloc(), freed later by its free(),
# and an error text of the program's own must stay until the program asks for it.
. "${0%/*}/lib.sh"
: "${CC:=cc}"
build() { $CC -std=gnu11 -D_GNU_SOURCE -Wall -g -O1 -fno-builtin -pthread "$@"; }
subject=$TOP/tests/subjects/own_functions.c
build -o "$TMP/in/none" "$subject" -ldl || skip_all 'the subject cannot be built'

same 'no functions of its own' -- "$TMP/in/none"
for own in FREE MALLOC REALLOC 'FREE MALLOC' 'FREE MALLOC REALLOC CALLOC'; do
	for flags in '' '-no-pie -fno-pie' -rdynamic; do
		# shellcheck disable=SC2086
		build $flags ${own//[A-Z]*/$(printf -- '-DOWN_%s ' $own)} -o "$TMP/in/own" "$subject" -ldl
		same "its own $own, ${flags:-PIE}" -- "$TMP/in/own"
		same "its own $own, ${flags:-PIE}, alone" --no-watch --unwind=execinfo -- "$TMP/in/own"
	done
done
if build -DBY_VERSION -DOWN_FREE -o "$TMP/in/version" "$subject" -ldl && [ "$("$TMP/in/version" 2>&1 | tail -n 1)" = 'done' ]; then
	run_traced -- "$TMP/in/version"	# which finds libc's, so its frees are not seen
	is "$(cat "$TMP/traced.out" "$TMP/traced.err")" "$("$TMP/in/version")" 'its own free, by dlvsym()'
fi

# A failure before heaptrace's constructor has run: in a library that the program needs.
echo '#include <dlfcn.h>
void needed(void) { }
__attribute__((constructor)) static void early(void) { dlsym(RTLD_DEFAULT, "not_there_either"); }' |
	build -D_GNU_SOURCE -shared -fPIC -o "$TMP/in/libearly.so" -x c -
build -o "$TMP/in/early" "$subject" -Wl,--no-as-needed -L"$TMP/in" -learly "-Wl,-rpath,$TMP/in" -ldl
same "a failure in a library's constructor" -- "$TMP/in/early"
like "$(cat "$TMP/traced.out")" 'at first: .*not_there_either' 'the program is told of that'

# A program at a fixed address has an address for malloc() that is a jump in the program, but no malloc().
echo '#include <stdlib.h>
void *(*volatile call)(size_t) = malloc; int main(void) { return !call(77); }' |
	build -no-pie -fno-pie -o "$TMP/in/refers" -x c -
WANT_DUMP=1 same 'a program that only refers to malloc' -- "$TMP/in/refers"
grep -q 'malloc of its own' "$TMP/dumps/dump"
is $? 1 'it has none of its own'
WANT_DUMP= run_traced -- "$TMP/in/own"
like "$(cat "$TMP/dumps/dump")" 'own has a malloc of its own|allocators of its own .* of own ' 'a program that has one is told of'
plan
