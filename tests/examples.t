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

done_testing;
