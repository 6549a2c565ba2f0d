#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --growth: servers that leak, cache, churn and step, all by the same allocation function, are called what they are: at
# their end, while they run, and after a kill. tests/units/trend.c has the rules with made-up figures.
use strict;
use warnings;
use JSON::PP;
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
	is(kinds(report("--report=$dir/rec", '--growth', '--sort=count', '--min-share=0')), $all, 'by blocks');
	is(kinds(report("--report=$dir/rec", '--growth', '--top=1')), 'leaking leak', '--top');
	like(report("--report=$dir/rec", '--growth', '--top=1'), qr/^\[heaptrace\] not listed {11}: 3 backtraces /m, 'what is not listed is counted');
	ok(report("--report=$dir/rec", '--growth', "--pack=$dir/packed") !~ /status/, 'a packed record');
	is(kinds(report("--report=$dir/packed", '--growth')), $all, 'has the growth, too');
}
# JSON; a process without a watcher; the last part of the time; without enough snapshots; what does not go together.
{
	report('--growth', '--format=json', "--outfile=$dir/json", $subject, 1.5, 'leak', 'steady', 'end');
	my $d = decode_json(slurp("$dir/json"));
	my %kinds = map { $_->{kind} => $_ } @{$d->{growth}{list}};
	my $leak = $kinds{leaking} // {};
	is(join(' ', sort keys %kinds), 'leaking steady', 'JSON has the kinds');
	is(scalar @{$leak->{size}}, scalar @{$d->{growth}{ns}}, 'and the figures of each moment');
	is_deeply([map { $_ * 1000 } @{$leak->{count}}], $leak->{size}, 'bytes and blocks');
	cmp_ok(abs($leak->{'per-hour'} / 36e6 - 1), '<', 0.3, 'the rate');
	my ($row) = grep { $_->{id} == $leak->{id} } @{$d->{rows}};
	is($row->{frames}[2]{function}, 'leak', 'the row');

	my ($pid, $in) = start(sub { $ENV{LD_PRELOAD} = "$ENV{PWD}/libheaptrace.so"; $ENV{HEAPTRACE_OPTIONS} = "outfile=$dir/out" },
			       $subject, 0, qw(leak steady));
	wait_for(sub { report("--dump=$pid") =~ / main / });
	like(report("--dump=$pid", '--growth'), qr/what has grown is not known: no watcher/, 'without a watcher nothing is known');
	is(kinds(report("--dump=$pid", '--growth=1')), 'leaking leak, steady steady', '--dump with a time looks on by itself');
	kill 'KILL', $pid;
	finish($pid, 5);

	report("--record=$dir/late", "--outfile=$dir/out", $subject, 2, @all);
	unlike(kinds(report("--report=$dir/late", '--growth=0.8')), qr/cache|step\b/, 'the last part of the time has the leak and what is steady');
	like(report("--report=$dir/late", '--growth=200ms'), qr/too few snapshots to tell leaks from caches: it takes 4/, 'too short a time');
	for (['--growth', '--no-watch', 'true'], ['--growth', '--tree', 'true'], ['--growth', '--format=folded', 'true'],
	     ['--growth=0', 'true'], ['--growth=x', 'true']) {
		like(report(@$_), qr/^status 32000: heaptrace: .*growth/, "@$_");
	}
}
done_testing;
