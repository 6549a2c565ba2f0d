#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The completion for bash, which make builds from the table of options: bash itself is asked what it would
# complete. The command line is given as bash splits it, the last word being the one at the cursor.
. "${0%/*}/lib.sh"

[ -f "$TOP/build/heaptrace.bash" ]
ok $? 'make has built the completion' || { plan; exit 1; }
. "$TOP/build/heaptrace.bash" || { skip 'the completion' 'bash without programmable completion'; plan; exit; }

complete_words() { # WORD...: what bash would offer
	COMP_WORDS=(heaptrace "$@")
	COMP_CWORD=$#
	_heaptrace
	printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' '
}
completes() { # WANT WORD...
	is "$(complete_words "${@:2}")" "$1" "heaptrace ${*:2}"
}

cd "$TMP/in" && mkdir -p dir/below && touch file.one 'file two' || exit 1
like "$(complete -p heaptrace)" '-F _heaptrace heaptrace' 'bash knows the completion'

names=$("$HEAPTRACE" --help | sed -n 's/^  \(-.,\|   \) \(--[a-z-]*=\?\).*/\2/p' | sort | paste -sd' ')
like "$names" '--depth= .*--version' '--help has options'
completes "$names" --
completes '--signal-clear= --signal-count= --signal-size=' --sig
completes '--help --hide= --histogram' --h
completes '--unwind=' --un
completes '' --nonsense
completes '' --held
keys=$("$HEAPTRACE" --help | sed -n '/^Sort keys/,/^$/s/^  \([a-z-]*\) .*/\1/p' | sort | paste -sd' ')
completes "$keys" --sort ''
completes "$keys" --sort =
completes "$keys" -s ''
completes 'peak-count peak-size' --sort = peak
completes 'peak-count peak-size' --sort peak
completes 'size,temporary' --sort = size,te
completes 'size,count,peak-count size,count,peak-size' --sort = size,count,pe
completes 'size,count' --sort = size,count
completes '--sort=total-count --sort=total-size' --sort=total
completes 'check execinfo fast' --unwind =
completes 'csv folded html json massif perfetto pprof speedscope svg text' --format =
completes 'no yes' --children ''
completes 'bottom-up top-down' --tree =
completes 'off on' --start =
completes 'last' --window =
completes 'clear dump mark= off on sample= sample=all' --control = 4711 ''
completes 'off on' --control = 4711 clear o
completes 'off on' --control=4711 o
completes 'size' --tree --sort = si
like " $(complete_words --signal-size =) " ' SIGUSR1 .* USR2 .* none ' 'a signal with and without SIG, and none'
completes 'SIGUSR1 SIGUSR2' --signal-size = SIGUS
completes 'file two file.one' --outfile = fi
completes 'file two file.one' --ignore fi
completes 'file two file.one' --report = fi
completes 'dir' --debug-dir ''
completes 'dir/below' --sysroot = dir/
completes '' --top =
completes '' --above ''

sleep 60 &
untraced=$!
"$HEAPTRACE" --no-watch sleep 60 2> /dev/null &
traced=$!
for _ in $(seq 100); do grep -qs libheaptrace /proc/$traced/maps && break; sleep 0.1; done
like " $(complete_words --dump =) " " $traced " '--dump: the processes that are traced'
[[ " $(complete_words --dump '') " != *" $untraced "* ]]
ok $? 'and no others'
like " $(complete_words --watch =) " " $traced .*file two" '--watch: these processes, and files'
like " $(complete_words --pid =) " " $untraced " '--pid: processes that run without heaptrace'
[[ " $(complete_words --pid '') " != *" $traced "* ]]
ok $? 'and none that is traced'
kill $traced $untraced

completes 'sleep' --no-lines --top 3 sleep
completes './file two ./file.one' --top = 3 ./f
completes 'file two file.one' --sort = size -- cat fi
completes 'file two file.one' cat --sort fi
_comp_command_offset() { COMPREPLY=("arguments of ${COMP_WORDS[$1]}"); }
completes 'arguments of cat' --sort = size cat --sort ''
completes 'arguments of cat' -- cat ''
plan
