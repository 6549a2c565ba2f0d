#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds and runs tests/units/quiet.c: nothing mallocs, locks, blocks signals or calls the kernel
# while a stack is taken. It counts.
. "${0%/*}/lib.sh"
cd "$TOP" || exit 1
[ "$(uname -m)" = x86_64 ] || skip_all 'no fast unwinder on this machine: backtrace() serves'
# Without base/kernel.c: there the library's mmap() and the like bypass those that the test counts in.
# No built-ins: an allocation that is not used is an allocation all the same.
if ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I. -O1 -g -w -fno-builtin -pthread -o "$TMP/quiet" \
	tests/units/quiet.c $(ls base/*.c elf/*.c options/*.c | grep -v kernel) capture/*.c capture/recall/*.c -ldl 2>"$TMP/log"; then
	limit "$TMP/quiet"
else
	ok 1 'the test builds' || diag "$(cat "$TMP/log")"
	plan
fi
