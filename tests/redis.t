#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A server under load: redis-server with redis-benchmark, dumped by both signals meanwhile.
# It answers as without heaptrace, both dumps are whole, its own count of used memory and
# ours agree, and SHUTDOWN ends it with status 0 and a last dump.
. "${0%/*}/lib.sh"
for program in redis-server redis-cli redis-benchmark; do
	have $program || skip_all "no $program here"
done

port=$(perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1) or die; print $s->sockport')
server=0
cli() { timeout 30 redis-cli -h 127.0.0.1 -p "$port" "$@"; }

# start [ENV=...] [heaptrace ...]: the server in the background, bounded in time
start() {
	(cd "$TMP/work" && exec timeout -k 2 600 env "$@" redis-server --bind 127.0.0.1 --port "$port" \
		--save '' --appendonly no --daemonize no --maxmemory 200mb) \
		>"$TMP/server.out" 2>"$TMP/server.err" </dev/null &
	job=$!
	for _ in {1..300}; do
		server=$(cli info server 2>/dev/null | tr -d '\r' | sed -n 's/^process_id://p')
		[ -n "$server" ] && return 0
		sleep 0.1
	done
	server=0
	return 1
}

stop() {
	cli shutdown nosave >/dev/null 2>&1
	wait "$job"
	status=$?
}
# Nothing is left behind, whatever happens.
trap '[ "$server" = 0 ] || kill -KILL "$server" 2>/dev/null; rm -rf "$TMP"' EXIT

used() { cli info memory | tr -d '\r' | sed -n 's/^used_memory://p'; }

# The bytes of the last total in the outfile.
total_bytes() {
	sed -n 's/^\[heaptrace\] heap traced allocation size  : //p' "$TMP/dumps/dump" | tail -n 1 |
		awk '{ print int($1 * ($2 == "GB" ? 1e9 : $2 == "MB" ? 1e6 : $2 == "KB" ? 1e3 : 1) + 0.5) }'
}

# dumps: how many the outfile has, whole
dumps() { grep -c '^\[heaptrace\] statm info' "$TMP/dumps/dump"; }

wait_for_dumps() {
	for _ in {1..300}; do
		[ "$(dumps)" -ge "$1" ] && return 0
		sleep 0.1
	done
	return 1
}

run_one() {
	local name=$1 fill
	shift
	rm -f "$TMP/dumps"/*
	start "$@" "$HEAPTRACE" --top=0 --depth=16 --outfile="$TMP/dumps/dump"
	ok $? "$name: it starts" || { diag "$(cat "$TMP/server.err")"; return; }
	timeout 300 redis-benchmark -h 127.0.0.1 -p "$port" -t set,get,lpush,sadd,hset -n 20000 -r 2000 -d 200 \
		-c 20 --csv >"$TMP/benchmark" 2>&1 &
	fill=$!
	sleep 0.3
	kill -USR1 "$server"
	wait_for_dumps 1
	kill -USR2 "$server"
	wait_for_dumps 2
	ok $? "$name: a dump for each signal under load"
	wait "$fill"
	is "$?" 0 "$name: the benchmark's status" || diag "$(tail -n 5 "$TMP/benchmark")"
	is "$(grep -c '^"SET"' "$TMP/benchmark")" 1 "$name: the benchmark's result"
	# Its threads allocate while a dump is taken, which shows one row at a time: only after
	# the load do sums have to be the total, so forms are checked for the rest.
	is "$(grep -c ', sorted by size$' "$TMP/dumps/dump") $(grep -c ', sorted by count$' "$TMP/dumps/dump")" '1 1' \
		"$name: sorted by size, then by count"

	cli set heaptrace works >/dev/null
	is "$(cli get heaptrace)" works "$name: it answers"
	local before after traced
	before=$(used)
	kill -USR1 "$server"
	wait_for_dumps 3
	after=$(used)
	traced=$(total_bytes)
	# Redis counts usable sizes, which are rounded up to the allocator's classes (jemalloc:
	# by a quarter at most); we count what was asked for, by libraries too.
	[ $((traced * 100)) -ge $((before * 70)) ] && [ $((traced * 100)) -le $((after * 105 + 30000000)) ]
	ok $? "$name: $traced bytes traced, redis counts $after"
	diag_sizes="$traced $after"

	# What goes away there goes away here.
	cli flushall sync >/dev/null
	cli memory purge >/dev/null
	kill -USR1 "$server"
	wait_for_dumps 4
	[ "$(total_bytes)" -lt $((traced - traced / 10)) ]
	ok $? "$name: less after FLUSHALL: $(total_bytes)" || diag "$diag_sizes"
	stop
	is "$status" 0 "$name: the status after SHUTDOWN"
	is "$(cat "$TMP/server.err")" '' "$name: nothing on standard error"
	is "$(grep -c '^\[heaptrace\] finalized for ' "$TMP/dumps/dump")" 1 "$name: its end"
	is "$(dumps)" 5 "$name: and the last dump"
	is "$(check_dumps 0 "$TMP/dumps/dump")" '' "$name: every dump's form and sums"
	like "$(cat "$TMP/dumps/dump")" "$want_name" "$name: names in it"
	server=0
}

# Debian links it with jemalloc: the server's malloc is the one hooked all the same.
want_name=' (main|zmalloc|aeCreateEventLoop|ztrymalloc_usable|sdsnewlen|initServer) |redis-(server|check-rdb) \(\+0x'
run_one 'redis'

# Another allocator in front of its own.
for dir in /usr/lib/*-linux-gnu; do
	if [ -e "$dir/libmimalloc.so.2" ]; then
		run_one 'redis over mimalloc' LD_PRELOAD="$dir/libmimalloc.so.2"
		break
	fi
done
plan
