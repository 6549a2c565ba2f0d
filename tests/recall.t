#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Stacks that a memory of stacks must not take for others, and memory that it must not read (tests/subjects/recall_odd.c).
# --unwind=check compares each stack that was recalled with one that is walked anew.
. "${0%/*}/lib.sh"
[ "$(uname -m)" = x86_64 ] || skip_all 'the subject has assembly of another machine'

gcc -std=gnu11 -D_GNU_SOURCE -w -O1 -fno-optimize-sibling-calls -fomit-frame-pointer -pthread \
	-o "$TMP/in/recall_odd" "$TOP/tests/subjects/recall_odd.c" ||
	exit 1

for what in remapped near probes over null; do
	for depth in 3 7 8 9 12 20 64; do
		run_traced --depth=$depth -- "$TMP/in/recall_odd" $what
		is "$(cat "$TMP/traced.status")" 0 "$what, depth $depth: the program ends as without heaptrace"
		run_traced --summary --unwind=check --depth=$depth -- "$TMP/in/recall_odd" $what
		is "$(sed -n 's/^.*unwinders compared .*, \([0-9]*\) disagree/\1/p' "$TMP/dumps/dump")" 0 "$what, depth $depth: no stack differs"
	done
done
plan
