#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --growth: servers that leak, cache, churn and step, all by the same allocation function, are called what they are: at
# their end, while they run, and after a kill. tests/units/trend.c has the rules with made-up figures.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('growth', 'growth');

# "KIND FUNCTION" of each backtrace of a dump, the function being the one that has called get().
sub kinds {
	my ($text) = @_;
	my ($kind, @kinds);
	for (split /\n/, $text // '') {
		$kind = $1 if /^=== backtrace #\d+ === \[(\w+):/;
		if ($kind && /^ *\d+ \[[^\]]*\] (?!malloc|get )(\w+)/) {
			push @kinds, "$kind $1";
			undef $kind;
		}
	}
	return join ', ', @kinds;
}

sub report {
	my ($status, $out, $err) = run(undef, $heaptrace, @_);
	return $status ? "status $status: $err" : $out;
}

local @ENV{qw(LC_ALL LANG)} = ('C', 'C');
my @all = qw(leak steady cache step);
my $all = 'leaking leak, stepped step, filling cache, steady steady';

# One program that does all of it, in text at its end, and in what a killed one has left.
{
	my ($pid, $in) = start(undef, $heaptrace, "--record=$dir/rec", $subject, 3, @all, 'hold');
	is(kinds(report('--growth', "--outfile=$dir/out", $subject, 3, @all, 'end') && slurp("$dir/out")), $all, 'each is called what it is, at the end');
	my $text = slurp("$dir/out");
	like($text, qr/^\[heaptrace\] leaking: grows on {4}: 1 backtrace, \+\d+\.\d+ KB, (?:[789]|1[0-3])\.\d+ KB\/s$/m, 'the rate of the leak');
	like($text, qr/^=== backtrace #1 === \[leaking: .*\n    \|[_.:# ]{24}\| \d.* to \d.*; 1 GB more in (?:2\d|3\d|40) hours/m, 'its graph, and how it goes on');
	like($text, qr/^=== backtrace #3 === .*\n    \|[_.:]+#{8,}\|/m, 'the graph of a cache');
	like($text, qr/^=== backtrace #3 === \[filling.*\[freed at the end\]$/m, 'which was freed at the end');
	is(join("\n", grep { length > 120 } split /\n/, $text), '', 'no line is too long');
	wait_word('over');
	is(kinds(report("--dump=$pid", '--growth')), $all, 'by --dump while it runs');
	kill 'KILL', $pid;
	finish($pid, 5);
	$text = report("--report=$dir/rec", '--growth');
	is(kinds($text), $all, 'after a kill');
	is(kinds(report("--report=$dir/rec", '--growth', '--sort=count')), $all, 'by blocks');
	is(kinds(report("--report=$dir/rec", '--growth', '--top=1')), 'leaking leak', '--top');
	like(report("--report=$dir/rec", '--growth', '--top=1'), qr/^\[heaptrace\] not listed {11}: 3 backtraces /m, 'what is not listed is counted');
	ok(report("--report=$dir/rec", '--growth', "--pack=$dir/packed") !~ /status/, 'a packed record');
	is(kinds(report("--report=$dir/packed", '--growth')), $all, 'has the growth, too');
}
done_testing;
