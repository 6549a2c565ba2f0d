#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# examples/: what is there builds as its README says, and does it, with heaptrace and without; the figures are those that
# follow from the sizes in the sources.
use strict;
use warnings;
use Cwd;
use JSON::PP;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

delete @ENV{qw(HEAPTRACE_OPTIONS LD_PRELOAD)};
$ENV{LC_ALL} = 'C.UTF-8';

# ---- Valgrind's client requests ----

my $requests = 'tests/subjects/valgrind_requests.c';
my @strict = qw(-pedantic-errors -Wall -Wextra -Wshadow -Wundef -Werror -Iinclude -Iexamples);
for my $compiler (['gcc', 'c', qw(c89 gnu17)], ['clang', 'c', qw(c89 gnu17)],
		  ['g++', 'c++', qw(c++98 c++20)], ['clang++', 'c++', qw(c++98 c++20)]) {
	my ($cc, $language, @standards) = @$compiler;
	SKIP: {
		skip "$cc is not installed", scalar @standards unless has($cc);
		my $cast = $language eq 'c' ? $requests : spit("$dir/requests.cc", slurp($requests) =~ s/= malloc/= (char *)malloc/r =~
						     s/char \*chunk = kept = (.*);/char *chunk = $1; kept = chunk;/r);
		for my $standard (@standards) {
			ok(quiet($cc, "-std=$standard", '-O2', @strict, '-c', '-o', "$dir/requests.o", '-x', $language, $cast) &&
			   quiet($cc, "-std=$standard", '-DHEAPTRACE_NONE', @strict, '-c', '-o', "$dir/none.o", '-x', $language, $cast),
			   "$cc -std=$standard compiles the requests without a warning") or diag log_text();
		}
	}
}

my $subject = build('valgrind_requests', 'requests', '-Iinclude', '-Iexamples');
my ($status, undef, $said) = run(undef, $subject);
is($status, 0, 'requests without heaptrace');
is(join('', grep { !/: absent$/ } split /^/, $said), <<'OUT', 'pools exist without it, too');
exist 1 1 0
exist 0 1 1
exist 0 0 0
the last one exists: 0
OUT
($status, undef, $said) = run(undef, $heaptrace, "--outfile=$dir/out", $subject);
is($status, 0, 'requests with heaptrace');
is($said, <<'OUT', 'each request changes the figures as it says');
malloclike: 150 bytes 2 blocks 2 calls
resized: 170 bytes 2 blocks 3 calls
freed: 50 bytes 1 blocks 3 calls
exist 1 1 0
pools: 1060 bytes 4 blocks 7 calls
freed: 1050 bytes 3 blocks 7 calls
changed: 1055 bytes 3 blocks 8 calls
exist 0 1 1
moved: 1062 bytes 4 blocks 9 calls
trimmed: 1030 bytes 2 blocks 9 calls
destroyed: 1000 bytes 1 blocks 9 calls
exist 0 0 0
both destroyed: 0 bytes 0 blocks 9 calls
metapool: 100 bytes 2 blocks 12 calls
its chunk is free: 0 bytes 0 blocks 12 calls
the last one exists: 0
many: 400 bytes 400 blocks 412 calls
the last one destroyed: 400 bytes 400 blocks 412 calls
again: 476 bytes 400 blocks 413 calls
all but one destroyed: 1 bytes 1 blocks 413 calls
OUT
like(slurp("$dir/out"), qr/^=== backtrace #1 ===.*\n 0 \[ *0x[0-9a-f]+\] pool "mempool 5"\n(?: \d .*inlined.*\n)* \d \[.*\] (?:many|main) /m,
     'a row has the number of its pool, and the function that made the request');

# ---- A pool, marks and windows ----

my $readme = slurp('examples/README.md');
my $pool = "$dir/pool";
for my $standard ('c89', 'gnu17') {
	ok(quiet($ENV{CC} || 'cc', "-std=$standard", @strict, '-g', '-O1', '-o', $pool, 'examples/pool.c'),
	   "the pool compiles as $standard") or diag log_text();
}
my ($native, $traced) = map { join '', map { "$_\n" } @$_ } [map { "$_: no heaptrace" } qw(morning noon evening closed)],
	['morning: 48000 bytes in 1000 blocks, at most 48000 bytes', 'noon: 4800 bytes in 100 blocks, at most 48000 bytes',
	 'evening: 7200 bytes in 150 blocks, at most 48000 bytes', 'closed: 0 bytes in 0 blocks, at most 48000 bytes'];
($status, my $out) = run(undef, $pool);
is("$status $out", "0 $native", 'the pool without heaptrace');
ok(index($readme, $_ =~ s/^/    /gmr) >= 0, 'the README has this output') for $native, $traced;
unlink "$dir/out";
($status, $out) = run(undef, $heaptrace, "--outfile=$dir/out", "--record=$dir/rec", $pool);
is("$status $out", "0 $traced", 'the pool with heaptrace: it counts sessions, not chunks, and none is left when the chunks are freed');
my ($asked) = slurp("$dir/out") =~ /^(\[heaptrace\] dump 1 on request.*?)^=====/ms;
like($asked // '', qr/^\[heaptrace\] pool "sessions": 7\.200 KB in 150 blocks, 65\.536 KB in 2 backing blocks$/m, 'the dump has the pool\'s sums');
my @rows = map { [/^=== backtrace #\d+ === \[count\/peak: (\S+)\] \[size\/peak: ([^\]]+)\]/, / 0 \[ *0x[0-9a-f]+\] (.*)\n/, / (morning|evening) /] }
	($asked // '') =~ /(^=== backtrace #.*?\n\n)/msg;
is_deeply(\@rows, [['100/1000', '4.800 KB/48.000 KB', 'pool "sessions"', 'morning'],
		   ['50/200', '2.400 KB/9.600 KB', 'pool "sessions"', 'evening']], 'the dump that it asks for has who holds sessions');
my $report = `$heaptrace --report=$dir/rec --window=2 --sort=total-count`;
like($report, qr/^\[heaptrace\] calls to allocation functions: 200\b/m, 'its second window has the evening alone');
is(join(' ', `$heaptrace --report=$dir/rec --timeline` =~ /: mark (\S+)/g), 'morning noon evening', '--timeline has its marks');
my $events = decode_json(scalar `$heaptrace --report=$dir/rec --format=json`)->{events};
is(join(', ', map { "$_->{kind} " . (defined $_->{text} ? "$_->{text} " : '') . $_->{size} } @$events),
   'mark morning 0, mark noon 48000, off 4800, mark evening 4800, on 4800, off 7200', 'JSON has them with the heap then');

for my $ending ('txt', 'json') {
	($status, $out, my $err) = run(undef, $heaptrace, "--outfile=$dir/out", $pool, "$dir/evening.$ending");
	is("$status $out$err", "0 $traced", "it writes evening.$ending itself");
	like(slurp("$dir/evening.$ending") // '', $ending eq 'txt' ? qr/^\[heaptrace\] pool "sessions": 7\.200 KB in 150 blocks/m :
	     qr/"name":"sessions","live-bytes":7200,"live-blocks":150,/, 'which has the evening');
	like(slurp("$dir/evening.json") // '', qr/of the live heap, [^"]* comes from pool \\"sessions\\"[,.]/, 'with the pool in its findings') if $ending eq 'json';
}
for my $case ([[], 'pool "sessions"'], [['--skip=pool "', '--skip=heaptrace_pool'], 'pool_alloc at ']) {
	my ($skip, $who) = @$case;
	run(undef, $heaptrace, "--outfile=$dir/out", '--group=function', @$skip, $pool, "$dir/evening.txt");
	like(slurp("$dir/evening.txt") // '', qr/^100\.0 % .* 7\.200 KB +150  \Q$who\E/m, join ' ', '--group=function', @$skip);
}
(undef, undef, my $complaint) = run(undef, $heaptrace, "--outfile=$dir/out", $pool, "$dir/nowhere/evening.txt");
is($complaint, "[heaptrace] cannot write the dump to $dir/nowhere/evening.txt: no such directory\n" .
	"cannot write $dir/nowhere/evening.txt: No such file or directory\n", 'and says why it cannot');
is((run(undef, $pool, "$dir/nowhere/evening.txt"))[2], '', 'without heaptrace it does not complain');

# Figures are estimates then, but for that all blocks are gone with their chunks.
(undef, $out) = run(undef, $heaptrace, "--outfile=$dir/out", '--sample=1K', $pool);
like($out, qr/^closed: 0 bytes in 0 blocks/m, 'a sampled pool is empty when its chunks have been freed');

done_testing;
