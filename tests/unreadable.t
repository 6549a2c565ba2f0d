#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Arguments that natively the kernel alone reads, and refuses with EFAULT where they cannot be read:
# the functions in front of libc's must not fault there, nor read past the end of what there is.
. "${0%/*}/lib.sh"

subject=$TMP/in/unreadable
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -o "$subject" "$TOP/tests/subjects/unreadable.c"

same 'addresses that cannot be read' -- "$subject"
like "$(cat "$TMP/native.out")" 'execve, no environment: -1, Bad address' 'the kernel refuses them'
like "$(cat "$TMP/native.out")" 'child: 2 variables' 'and takes what ends where memory ends'
same 'addresses that cannot be read, children not followed' --children=no -- "$subject"
plan
