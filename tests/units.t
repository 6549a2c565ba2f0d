#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds and runs the programs of tests/units/, under the sanitizers where
# the compiler has them. Programs that are built in the same way share the objects; those of `plain` are what make has
# built, those of `sanitized` other tests use, too.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
build="${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I. -O1 -g -pthread"
objects() { # KIND SOURCE...: compiles them with $flags to $dir/KIND/, as many at a time as there are processors
	local kind=$1 source
	shift
	mkdir -p "$dir/$kind"
	for source; do
		printf '%s -o %s -c %s\n' "$flags" "$dir/$kind/${source//\//_}.o" "$source"
	done | xargs -P "$(nproc)" -L 1 $build
}
object() { # KIND SOURCE: the name of its object
	case $1 in
	plain)		echo "build/${2%.c}.o" ;;
	sanitized)	echo "build/sanitized/${2//\//_}.o" ;;
	*)		echo "$dir/$1/${2//\//_}.o" ;;
	esac
}
run() { # KIND NAME SOURCE...: the program, with the objects of the sources
	local kind=$1 name=$2 objects=() source
	shift 2
	for source; do
		[ "${source:0:1}" != - ] || { objects+=("$source"); continue; }
		objects+=("$(object $kind "$source")")
	done
	if $build $flags -o "$dir/$name" "tests/units/$name.c" "${objects[@]}" 2>"$dir/log"; then
		"$dir/$name" $arguments || echo "not ok - $name ends well"
	else
		echo "not ok - tests/units/$name.c builds"
		sed 's/^/# /' "$dir/log"
	fi
}
arguments=
core=({base,elf,options,table}/*.c)
{
	flags=
	run plain units "${core[@]}"
	# With the checks of a build by `make CHECK=1`.
	flags=-DHEAPTRACE_CHECK
	objects checking "${core[@]}"
	for name in check deltas regions sizes thread_sets; do
		run checking $name "${core[@]}"
	done
	objects checking process/free_filter.c
	run checking free_filter process/free_filter.c "${core[@]}"
	run checking copy -Wl,--wrap=pwrite "${core[@]}"
	echo 'int main(void) { return 0; }' >"$dir/probe.c"
	flags='-O0 -fsanitize=address,undefined -fno-sanitize-recover=all'
	sources=("${core[@]}" {analysis,format,demangle}/*.c capture/recall/suffixes.c capture/{rules,cfi,prologue}.c wrapper/{history_writer,terminal}.c symbol/elf_file.c)
	sanitized=sanitized
	if { $build $flags -o "$dir/probe" "$dir/probe.c" && "$dir/probe"; } 2>"$dir/log"; then
		tests/sanitized "${sources[@]}" >/dev/null || echo 'not ok - the sources compile for the sanitizers'
	else
		flags=
		sanitized=unsanitized
		objects unsanitized "${sources[@]}"
	fi
	run $sanitized suffixes capture/recall/suffixes.c
	run $sanitized rules capture/{rules,cfi,prologue}.c {base,elf,options}/*.c
	run $sanitized mappings base/*.c
	run $sanitized shorten format/shorten.c
	run $sanitized patterns analysis/rules.c base/*.c
	run $sanitized wrappers analysis/wrappers.c
	run $sanitized trend analysis/trend.c -lm
	run $sanitized sampling table/sample.c -lm
	run $sanitized timeline wrapper/history_writer.c analysis/history.c "${core[@]}"
	run $sanitized again wrapper/terminal.c "${core[@]}"
	run $sanitized names {analysis,format,demangle}/*.c symbol/elf_file.c "${core[@]}"
	# A program with many stacks, each of which is looked at for each of many allocations that fail.
	program='perl -MPOSIX -MTest::More -e 1'
	if [ -x ./heaptrace ]; then
		eval "./heaptrace --depth=128 --record=$dir/record --outfile=/dev/null $program" >/dev/null
		arguments=$dir/record
		run $sanitized catalog -Wl,--wrap=arena_alloc -Wl,--wrap=arena_alloc_plenty \
			{analysis,format,demangle}/*.c symbol/elf_file.c "${core[@]}"
	else
		echo 'ok - catalog # SKIP ./heaptrace is not built'
	fi
} >"$dir/out"
# One plan for all.
awk '/^1\.\./ { next }
     match($0, /^(not )?ok/) { head = substr($0, 1, RLENGTH); rest = substr($0, RLENGTH + 1)
	sub(/^ [0-9]+/, "", rest); print head, ++n rest; bad += head ~ /^not/; next }
     { print }
     END { print "1.." n; exit bad > 0 }' "$dir/out"
