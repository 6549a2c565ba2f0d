#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds and runs tests/units/units.c, under the sanitizers where the compiler has them.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
build="${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I. -O1 -g -pthread -o $dir/units tests/units/units.c base/*.c table/*.c"
if $build 2>"$dir/log"; then
	"$dir/units" || exit 1
else
	echo 'not ok 1 - the unit tests build'
	sed 's/^/# /' "$dir/log"
	echo '1..1'
	exit 1
fi
