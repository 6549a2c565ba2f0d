#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The build that checks its invariants (`make CHECK=1`, base/check.h) under the tests that do most at once:
# what a check prints, and that it ends the process, fails them. Shorter than they are by themselves.
cd "${0%/*}/.."
. tests/lib.sh

make -s -j2 WERROR=1 CHECK=1 CFLAGS=-O1 >"$TMP/make" 2>&1
ok $? 'make CHECK=1' || { diag "$(tail "$TMP/make")"; plan; }
export HEAPTRACE_TESTED=$PWD/build/check/heaptrace STRESS_SECONDS=4 HEAPTRACE_STORM_PART=10

for name in counts histogram hooks_left pages stress storm; do
	perl tests/$name.t >"$TMP/$name" 2>&1
	ok $? "tests/$name.t with the checks" || diag "$(grep -v '^ok' "$TMP/$name")"
done
plan
