#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds and runs the programs of tests/units/, under the sanitizers where
# the compiler has them.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
build="${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I. -O1 -g -pthread"
run() { # NAME SOURCE...
	local name=$1
	shift
	if $build $sanitize -o "$dir/$name" "tests/units/$name.c" "$@" 2>"$dir/log"; then
		"$dir/$name" || echo "not ok - $name ends well"
	else
		echo "not ok - tests/units/$name.c builds"
		sed 's/^/# /' "$dir/log"
	fi
}
sanitize=
run units base/*.c elf/*.c options/*.c table/*.c >"$dir/out"
# With the checks of a build by `make CHECK=1`: four programs share the objects.
top=$PWD
mkdir "$dir/checking" && (cd "$dir/checking" && $build -I"$top" -DHEAPTRACE_CHECK -c "$top"/{base,elf,options,table}/*.c) 2>"$dir/log"
run check -DHEAPTRACE_CHECK "$dir"/checking/*.o >>"$dir/out"
run copy -DHEAPTRACE_CHECK -Wl,--wrap=pwrite "$dir"/checking/*.o >>"$dir/out"
run deltas -DHEAPTRACE_CHECK "$dir"/checking/*.o >>"$dir/out"
run sizes -DHEAPTRACE_CHECK "$dir"/checking/*.o >>"$dir/out"
run thread_sets -DHEAPTRACE_CHECK "$dir"/checking/*.o >>"$dir/out"
echo 'int main(void) { return 0; }' >"$dir/probe.c"
# Without optimization: optimizing code for the sanitizers takes far longer than running that code.
sanitize='-O0 -fsanitize=address,undefined -fno-sanitize-recover=all'
{ $build $sanitize -o "$dir/probe" "$dir/probe.c" && "$dir/probe"; } 2>"$dir/log" || sanitize=
run memo capture/memo.c >>"$dir/out"
run rules capture/rules.c capture/cfi.c capture/prologue.c base/*.c elf/*.c options/*.c >>"$dir/out"
run mappings base/*.c >>"$dir/out"
run shorten format/shorten.c >>"$dir/out"
run patterns analysis/rules.c base/*.c >>"$dir/out"
run wrappers analysis/wrappers.c >>"$dir/out"
run trend analysis/trend.c -lm >>"$dir/out"
run timeline wrapper/history_writer.c analysis/history.c base/*.c elf/*.c options/*.c table/*.c >>"$dir/out"
run names analysis/*.c format/*.c base/*.c elf/*.c options/*.c table/*.c demangle/*.c >>"$dir/out"
# One plan for all.
awk '/^1\.\./ { next }
     match($0, /^(not )?ok/) { head = substr($0, 1, RLENGTH); rest = substr($0, RLENGTH + 1)
	sub(/^ [0-9]+/, "", rest); print head, ++n rest; bad += head ~ /^not/; next }
     { print }
     END { print "1.." n; exit bad > 0 }' "$dir/out"
