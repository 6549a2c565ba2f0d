#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# How much memory heaptrace keeps for each thread while the thread is idle, and that it gives it back when threads end
# (tests/subjects/thread_memory.c).
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $threads = 64;
my $kept = 8;			# SPARES_MOST in process/threads.c
plan skip_all => 'no fast unwinder on this machine' unless `uname -m` eq "x86_64\n";
my $subject = build('thread_memory', 'thread_memory');

# depth, calls of each thread, the most KB of an idle thread
for ([8, 0, 200], [128, 0, 200], [8, 20000, 200], [128, 20000, 200]) {
	my ($depth, $calls, $most) = @$_;
	my $name = "depth $depth, " . ($calls ? "$calls calls from recursion" : 'one call') . ' in each thread';
	my %kb = `$heaptrace --depth=$depth --outfile=/dev/null $subject $threads $calls` =~ /^(\w+) (\d+)$/mg;
	is("$? " . keys %kb, '0 3', "$name: the program") or next;
	my $each = ($kb{idle} - $kb{before}) / $threads;
	my $left = ($kb{ended} - $kb{before} - $kept * $each) / ($threads - $kept);
	diag(sprintf '%s: %d KB for each while idle, %d KB when ended', $name, $each, $left);
	cmp_ok($each, '<', $most, "$name: KB for each thread");
	cmp_ok($left, '<', 24, "$name: KB for each that has ended, but for $kept");
}
done_testing;
