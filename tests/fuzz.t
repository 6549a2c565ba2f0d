#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Replays every fuzzer's corpus, the crashers of the past among it, under the address and
# undefined-behaviour sanitizers. `make fuzz` runs the fuzzers themselves.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cc=${CC:-cc}
sanitize='-fsanitize=address,undefined -fno-sanitize-recover=all'
echo 'int main(void) { return 0; }' >"$dir/probe.c"
if ! $cc $sanitize -o "$dir/probe" "$dir/probe.c" 2>/dev/null || ! "$dir/probe"; then
	echo '1..0 # SKIP the compiler has no sanitizers'
	exit 0
fi
flags="-std=gnu11 -D_GNU_SOURCE -I. -O0 -g $sanitize"
objects=$(tests/sanitized {base,elf,options,symbol,inflate,demangle,table,analysis,format,pack}/*.c) || exit 1
n=0
for target in tests/fuzz/*.c; do
	name=$(basename "$target" .c)
	[ "$name" = replay ] && continue
	n=$((n + 1))
	if $cc $flags -o "$dir/$name" "$target" tests/fuzz/replay.c $objects >"$dir/log" 2>&1 &&
		timeout 120 "$dir/$name" tests/fuzz/corpus/"$name"/* >"$dir/log" 2>&1; then
		echo "ok $n - $name: $(ls tests/fuzz/corpus/"$name" | wc -l) inputs"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' "$dir/log" | head -40
		failed=1
	fi
done
echo "1..$n"
exit "${failed:-0}"
