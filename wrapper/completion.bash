# SPDX-License-Identifier: GPL-2.0-only
# The part of the completion that does not depend on the options. completion.awk adds it to the part that does.
#
# In COMP_WORDS --sort=size is three words, because `=` separates words, or one word where the user has removed
# `=` from COMP_WORDBREAKS.

# Prints the ids of the processes that heaptrace traces, as far as this user may read their maps.
_heaptrace_traced() {
	local maps
	for maps in $(grep -ls '/libheaptrace[^/]*\.so' /proc/[0-9]*/maps 2> /dev/null); do
		maps=${maps#/proc/}
		echo "${maps%/maps}"
	done
}

# Prints the ids of the processes that it can begin to trace: dynamic programs whose maps this user may read.
_heaptrace_untraced() {
	local maps
	for maps in $(grep -ls '/ld-[^/]*\.so' /proc/[0-9]*/maps 2> /dev/null); do
		grep -qs '/libheaptrace[^/]*\.so' "$maps" && continue
		maps=${maps#/proc/}
		echo "${maps%/maps}"
	done
}

# Completes a value. Arguments: the beginning of the value, its kind, and the valid words. A kind that ends in `+` is
# that of an option that may stand without its value.
_heaptrace_value() {
	local cur=$1 kind=${2%+} words=${*:3} given='' key signals
	case $kind in
	YES_NO) words='yes no';;
	WINDOW) words='last';;
	PROCESS) words=$(_heaptrace_traced);;
	RUNNING) words=$(_heaptrace_untraced);;
	SIGNAL)
		signals=$(compgen -A signal SIG)
		words="none ${signals//SIG/} $signals"
		;;
	KEYS)
		[[ $cur == *,* ]] && given=${cur%,*},
		cur=${cur##*,}
		for key in ${given//,/ }; do
			words=" $words "
			words=${words/ $key / }
		done
		compopt -o nospace 2> /dev/null
		;;
	WATCHED)
		compopt -o filenames 2> /dev/null
		mapfile -t COMPREPLY < <(compgen -W "$(_heaptrace_traced)" -- "$cur"; compgen -f -- "$cur")
		return
		;;
	FILE | OUTPUT | RECORD)
		compopt -o filenames 2> /dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	DIRECTORY | DIRECTORIES)
		compopt -o filenames 2> /dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -P "$given" -W "$words" -- "$cur")
}

# Completes a command of --control=PID, of which there can be several where else PROGRAM stands.
_heaptrace_command() {
	mapfile -t COMPREPLY < <(compgen -W 'on off clear sample= sample=all dump mark=' -- "${COMP_WORDS[COMP_CWORD]}")
	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2> /dev/null
}

# Completes PROGRAM or its arguments. Argument: the index of PROGRAM in COMP_WORDS.
_heaptrace_program() {
	local cur=${COMP_WORDS[COMP_CWORD]}
	if (($1 < COMP_CWORD)); then
		if declare -F _comp_command_offset > /dev/null; then
			_comp_command_offset "$1"
		elif declare -F _command_offset > /dev/null; then
			_command_offset "$1"
		else
			compopt -o filenames 2> /dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		return
	fi
	compopt -o filenames 2> /dev/null
	if [[ $cur == */* ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -c -- "$cur" | sort -u; compgen -d -- "$cur")
	fi
}

_heaptrace() {
	local i=1 word option kind program=_heaptrace_program
	COMPREPLY=()
	while ((i < COMP_CWORD)); do
		word=${COMP_WORDS[i]}
		if [[ $word == -- ]]; then
			$program $((i + 1))
			return
		elif [[ $word != -?* ]]; then
			$program "$i"
			return
		fi
		[[ ${word%%=*} == --control ]] && program=_heaptrace_command
		kind=$(_heaptrace_kind "$word")
		i=$((i + 1))
		[[ $kind ]] || continue
		[[ ${kind%% *} == *+ && ${COMP_WORDS[i]} != = ]] && continue
		[[ ${COMP_WORDS[i]} == = && $word == --* ]] && i=$((i + 1))
		# The cursor is in the value, or directly behind the = before it.
		if ((i > COMP_CWORD)); then
			_heaptrace_value '' $kind
			return
		elif ((i == COMP_CWORD)); then
			_heaptrace_value "${COMP_WORDS[i]}" $kind
			return
		fi
		i=$((i + 1))
	done
	word=${COMP_WORDS[COMP_CWORD]}
	if [[ $word == --*=* ]]; then
		option=${word%%=*}
		kind=$(_heaptrace_kind "$option")
		[[ $kind ]] || return
		_heaptrace_value "${word#*=}" $kind
		COMPREPLY=("${COMPREPLY[@]/#/$option=}")
	elif [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$_heaptrace_options" -- "$word")
		[[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace 2> /dev/null
	else
		$program "$COMP_CWORD"
	fi
}
complete -F _heaptrace heaptrace
