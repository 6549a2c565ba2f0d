#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Backtraces with more than 4 GB, live or in all: every figure to the byte, at exit, on a signal, after
# SIGKILL, after a fork, and from --record (tests/subjects/large.c; the memory is not touched).
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

# site => [count, size, peak-count, peak-size, total-count, total-size, temporary, heap-peak]; sizes in
# units of the subject's. The heap is largest while `once` has its block.
my %want = (
	rise	=> [3, 3, 5, 5, 5, 5, 0, 5],
	sink	=> [0, 0, 5, 5, 5, 5, 1, 0],	# the last one
	once	=> [0, 0, 1, 6, 1, 6, 1, 6],
	churned	=> [0, 0, 1, 1 / 8, 200, 25, 200, 0],
	cleared	=> [0, 0, 1, 3, 1, 3, 1, 0],
	resized	=> [1, 2, 1, 5, 3, 8, 0, 0],
	shared	=> [3, 3, 4, 4, 4, 4, 0, 0],
);
my @keys = qw(count size peak-count peak-size total-count total-size temporary heap-peak);

# A folded dump's weights by site, against the table; `change`: what is different there.
sub figures {
	my ($text, $key, $unit, $what, %change) = @_;
	my ($k) = grep { $keys[$_] eq $key } 0 .. $#keys;
	my %got;
	for (split /\n/, $text // '') {
		next unless /^(.*) (\d+)$/;
		my ($name) = grep { exists $want{$_} } reverse split /;/, $1;
		$got{$name} += $2 if $name;
	}
	my %expected = map { $_ => ($change{$_} || $want{$_})->[$k] } keys %want;
	$_ *= $key =~ /size|heap/ ? $unit : 1 for values %expected;
	delete $expected{$_} for grep { !$expected{$_} } keys %expected;
	is_deeply(\%got, \%expected, "$what: $key") or diag explain \%got;
}

sub recorded {
	my ($file, $unit, $what, %change) = @_;
	for my $key (@keys) {
		my ($status, $text) = run(undef, $heaptrace, "--report=$file", '--flame-graph', "--sort=$key");
		figures($text, $key, $unit, $what, %change);
	}
}

my %child = (rise => [2, 2, 5, 5, 5, 5, 0, 5]);		# one block less

sub flavour {
	my ($name, $unit, @flags) = @_;
	my $program = build('large', "large$name", @flags);
	my ($status) = run(undef, $program, 'exit');
	return diag("$name: no such memory here, or no such programs: $status") if $status;
	for my $key (@keys) {
		run(undef, $heaptrace, '--flame-graph', "--sort=$key", "--outfile=$dir/out", $program, 'exit');
		figures(slurp("$dir/out"), $key, $unit, "$name, exit");
	}
	unlink glob "$dir/out*";
	run(undef, $heaptrace, '--flame-graph', "--outfile=$dir/out.%n", $program, 'signal');
	figures(slurp("$dir/out.1"), 'size', $unit, "$name, signal");
	figures(slurp("$dir/out.2"), 'count', $unit, "$name, signal");
	return if $name eq 'm32';	# whose tables the wrapper and the watcher cannot read
	for my $key ('size', 'peak-size', 'total-size') {
		unlink "$dir/out";
		run(undef, $heaptrace, '--flame-graph', "--sort=$key", "--outfile=$dir/out", $program, 'kill');
		wait_for(sub { -s "$dir/out" }, 10);
		figures(slurp("$dir/out"), $key, $unit, "$name, killed");
	}
	for my $how ('exit', 'kill', 'fork') {
		unlink glob "$dir/rec*";
		run(undef, $heaptrace, "--record=$dir/rec", "--outfile=$dir/out", $program, $how);
		recorded("$dir/rec", $unit, "$name, $how, recorded");
		my ($file) = glob "$dir/rec.*";
		recorded($file, $unit, "$name, the child, recorded", %child) if $how eq 'fork';
	}
}

flavour('native', 1 << 30);
SKIP: {
	skip 'no 32-bit compiler: make M32=1 fails', 1
		if system('tests/tools/build_32 2>/dev/null');
	flavour('m32', 220 << 20, '-m32');
}
done_testing();
