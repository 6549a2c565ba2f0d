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

# One program that does all of it, in text at its end, and in what a killed one has left. On a machine that is so busy that
# programs stand still for a while their figures do, too, so there are three tries.
{
	my ($text, $pid, $in, $live);
	my $cache_graph = qr/^=== backtrace #3 === .*\n    \|[_.:]+#{8,}\|/m;
	for (1 .. 3) {
		unlink "$dir/rec", "$dir/out";
		($pid, $in) = start(undef, $heaptrace, "--record=$dir/rec", $subject, 3, @all, 'hold');
		report('--growth', "--outfile=$dir/out", $subject, 3, @all, 'end');
		$text = slurp("$dir/out") // '';
		wait_word('over');
		$live = kinds(report("--dump=$pid", '--growth'));
		kill 'KILL', $pid;
		finish($pid, 5);
		last if kinds($text) eq $all && kinds(report("--report=$dir/rec", '--growth')) eq $all && $live eq $all && $text =~ $cache_graph;
	}
	is(kinds($text), $all, 'each is called what it is, at the end');
	like($text, qr/^\[heaptrace\] leaking: grows on {4}: 1 backtrace, \+\d+\.\d+ KB, \d+\.\d+ KB\/s$/m, 'the rate of the leak');
	# How much leak() leaks in a second depends on how busy the machine is, but the figures have to agree.
	my ($secs, $grown, $rate) = $text =~ /\] in ([\d.]+) secs .*?1 backtrace, \+([\d.]+) KB, ([\d.]+) KB\/s/s;
	cmp_ok(abs(log($rate * $secs / $grown)), '<', log 2, "$rate KB/s are about $grown KB in $secs seconds");
	like($text, qr/^=== backtrace #1 === \[leaking: .*\n    \|[_.:# ]{24}\| \d.* to \d.*; 1 GB more in \d+ (?:day|hour)/m, 'its graph, and how it goes on');
	my %hours = ((map { $_ => 24 } qw(day days)), map { $_ => 1 } qw(hour hours));
	my ($said, $left) = ($text =~ /; 1 GB more in (.*)/, 0);
	$left += $1 * $hours{$2} while $said =~ /(\d+) (days?|hours?)/g;
	cmp_ok(abs($left - 1e6 / $rate / 3600), '<=', 1, "1 GB at $rate KB/s: $said");
	like($text, $cache_graph, 'the graph of a cache');
	like($text, qr/^=== backtrace #3 === \[filling.*\[freed at the end\]$/m, 'which was freed at the end');
	is(join("\n", grep { length > 120 } split /\n/, $text), '', 'no line is too long');
	is($live, $all, 'by --dump while it runs');
	$text = report("--report=$dir/rec", '--growth');
	is(kinds($text), $all, 'after a kill');
	is(kinds(report("--report=$dir/rec", '--growth', '--sort=count', '--min-share=0')), $all, 'by blocks');
	is(kinds(report("--report=$dir/rec", '--growth', '--top=1')), 'leaking leak', '--top');
	my $functions = report("--report=$dir/rec", '--growth', '--group=function', '--skip=get');
	is(join(', ', $functions =~ /^=== function #\d === \[(\w+):.*\n.*\n    (\w+)$/mg), $all =~ s/ (?=\w+,|\w+$)/, /gr, 'by function');
	like(report("--report=$dir/rec", '--growth', '--group=module'), qr/^=== module #1 .*\n.*\n    \S+growth\n/m, 'by module');
	like(report("--report=$dir/rec", '--growth', '--top=1'), qr/^\[heaptrace\] not listed {11}: 3 backtraces /m, 'what is not listed is counted');
	unlike(report("--report=$dir/rec", '--growth', "--pack=$dir/packed"), qr/status/, 'a packed record');
	is(kinds(report("--report=$dir/packed", '--growth')), $all, 'has the growth, too');
}

# JSON.
{
	report('--growth', '--format=json', "--outfile=$dir/json", $subject, 1.5, 'leak', 'steady', 'end');
	my $d = decode_json(slurp("$dir/json"));
	my ($leak) = grep { $_->{size}[-1] > 0 && $_->{size}[-1] == 1000 * $_->{count}[-1] } @{$d->{growth}{list}};
	ok($leak, 'JSON has a leak') or BAIL_OUT('no leak');
	like($leak->{kind}, qr/^(?:leaking|grown)$/, 'with its kind');
	is(scalar @{$leak->{size}}, scalar @{$d->{growth}{ns}}, 'and the figures of each moment');
	# The watcher reads without a lock, so it can have the bytes of the newest block without the block, or the other way round.
	is(join(' ', grep { abs($leak->{count}[$_] * 1000 - $leak->{size}[$_]) > 1000 } 0 .. $#{$leak->{size}}), '', 'bytes and blocks');
	cmp_ok($leak->{'bytes-per-hour'}, '>', 1e6, 'the rate');
	my ($row) = grep { $_->{id} == $leak->{id} } @{$d->{rows}};
	is($row->{frames}[2]{function}, 'leak', 'the row');
}

# A process without a watcher.
{
	my ($pid, $in) = start(sub { $ENV{LD_PRELOAD} = "$ENV{PWD}/libheaptrace.so"; $ENV{HEAPTRACE_OPTIONS} = "outfile=$dir/out" },
			       $subject, 0, qw(leak steady));
	wait_for(sub { report("--dump=$pid") =~ / main / });
	like(report("--dump=$pid", '--growth'), qr/what has grown is not known: no watcher/, 'without a watcher nothing is known');
	my $kinds = '';
	for (1 .. 3) {
		$kinds = kinds(report("--dump=$pid", '--growth=1'));
		last if $kinds eq 'leaking leak, steady steady';
	}
	is($kinds, 'leaking leak, steady steady', '--dump with a time looks on by itself');
	kill 'KILL', $pid;
	finish($pid, 5);
}

# A program that ends before there is a snapshot, which on a busy machine it does not always.
for (1 .. 20) {
	report('--growth', "--outfile=$dir/short", $subject, 0.02, 'leak');
	last if slurp("$dir/short") =~ /there was no snapshot yet/;
}
like(slurp("$dir/short"), qr/has grown is not known: there was no snapshot yet .*\n=== backtrace #1 === \[count/, 'a short run has its backtraces by size');

# The time since the dump before: what had stopped growing by then is not in it.
{
	my ($pid) = start(undef, './heaptrace', '--growth=dump', "--outfile=$dir/dumps", $subject, 0, qw(step leak));
	my $dumps = sub { scalar(() = (slurp("$dir/dumps") // '') =~ /by SIGUSR1/g) };
	wait_for(sub { report("--dump=$pid") =~ / main / });
	for my $n (1, 2) {
		select undef, undef, undef, 0.7;
		kill 'USR1', $pid;
		ok(wait_for(sub { $dumps->() == $n && slurp("$dir/dumps") =~ /={65}\n\z/ }), "dump $n");
	}
	my (undef, $first, $second) = split /dump allocation status/, slurp("$dir/dumps");
	my ($time, $unit) = $second =~ /^\[heaptrace\] in ([\d.]+) (ms|secs)/m;
	$time *= $unit eq 'ms' ? 0.001 : 1;
	cmp_ok($time, '>=', 0.7, '--growth=dump: from the dump before');
	cmp_ok($time, '<', 20, 'and not longer') and like($second, qr/^\[heaptrace\] in [\d.]+ \w+ +: (?!0 bytes)/m, 'which had blocks');
	kill 'KILL', $pid;
	finish($pid, 5);
}

# A part of the time, and what does not go together.
{
	unlike(kinds(report("--report=$dir/rec", '--growth=0.8')), qr/cache|step\b/, 'the last part of the time has nothing of what has stopped');
	like(report("--report=$dir/rec", '--growth=1ms'), qr/too few snapshots to tell leaks from caches: it takes 4/, 'too short a time');
	for (['--growth', '--no-watch', 'true'], ['--growth', '--tree', 'true'], ['--growth', '--format=folded', 'true'],
	     ['--growth=0', 'true'], ['--growth=x', 'true']) {
		like(report(@$_), qr/^status 32000: heaptrace: .*growth/, "@$_");
	}
}
done_testing;
