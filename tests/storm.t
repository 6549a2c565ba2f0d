#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Storms: thousands of SIGUSR1 and SIGUSR2 at random moments to programs that allocate,
# fork, load libraries or end threads all the time. Nothing hangs, nothing crashes, every
# check of the program's own holds, and every dump is whole.
#
# HEAPTRACE_STRESS_SECONDS=N spends N seconds on each storm; HEAPTRACE_SEED repeats one. HEAPTRACE_STORM_PART=N
# sends the Nth part of the signals (2), and expects as many dumps.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time usleep);
require './tests/process.pl';
our ($dir, $heaptrace);

my $seed = $ENV{HEAPTRACE_SEED} || int time;
my $part = $ENV{HEAPTRACE_STORM_PART} || 2;
my $stress = $ENV{HEAPTRACE_STRESS_SECONDS};
srand $seed;
diag("HEAPTRACE_SEED=$seed");

my $work = build('storm_work', 'storm_work');
my $library = build('storm_work', 'libstorm.so', '-shared', '-fPIC', '-DLIBRARY');

# Sends signals at random, on average one in a third of pause_us; returns how many. Stops when
# the process does.
sub storm {
	my ($pid, $count, $group, $pause_us) = @_;
	my $end = time + ($stress || 20);
	my $sent = 0;
	while (time < $end && ($stress || $sent < $count)) {
		last if kill(0, $pid) == 0 || (slurp("/proc/$pid/stat") // '') =~ /^\d+ \(.*\) Z/;
		for (1 .. 20) {
			kill rand() < 0.5 ? 'USR1' : 'USR2', $group ? -$pid : $pid;
			$sent++;
			usleep(int rand $pause_us) if rand() < 0.7;
		}
	}
	return $sent;
}

# Every file of the run is whole. Returns how many dumps there were.
sub check_output {
	my ($name, $folded, $least) = @_;
	my ($dumps, @bad) = (0);
	for my $file (glob "$dir/out*") {
		my $text = slurp($file);
		if ($folded) {
			my $bad = bad_folded($text);
			push @bad, "$file: $bad" if $bad ne '';
			$dumps++;
		} else {
			my ($bad, @keys) = text_dumps($text);
			push @bad, "$file: $bad" if $bad ne '';
			$dumps += @keys;
		}
	}
	is(join("\n", @bad[0 .. ($#bad < 5 ? $#bad : 5)]), '', "$name: every dump is whole");
	is(join(' ', glob "$dir/*.tmp"), '', "$name: no temporary file is left");
	cmp_ok($dumps, '>=', $least, "$name: enough dumps");
	return $dumps;
}

sub one_storm {
	my ($name, $count, $pause_us, $least, $options, @args) = @_;
	$count = int $count / $part;
	$least = int(1 + ($least - 1) / $part);
	my $group = $args[0] eq 'forks';
	my $prepare = $group ? sub { setpgrp(0, 0) } : undef;
	unlink glob "$dir/out*";
	my ($pid, $in) = start($prepare, $heaptrace, "--outfile=$dir/out", @$options, $work, @args);
	wait_word('ready');
	my $sent = $args[0] eq 'inside' ? 0 : storm($pid, $count, $group, $pause_us);
	close $in if $args[0] ne 'inside';
	my $status = finish($pid, 180 + ($stress || 0));	# a busy machine takes its time for each dump
	is($status, 0, "$name: exit status");
	# The children that exec block both signals before: they are told of what they held back.
	is(slurp("$dir/stderr") =~ s/^\[heaptrace\] the program blocks .*\n//mgr, '', "$name: nothing on standard error");
	like(slurp("$dir/stdout"), qr/^done [1-9]/m, "$name: its own checks");
	my $dumps = check_output($name, scalar(grep { /flame/ } @$options), $least);
	note("$name: $sent signals, $dumps dumps, ", (slurp("$dir/stdout") =~ /done (\d+)/)[0] // '?', ' rounds');
}

# The pauses leave the program some time of its own between the dumps; the least is what a busy
# machine gets done, too.
one_storm('threads, text', 10000, 300, 10, ['--top=3'], 'threads');
one_storm('threads, folded', 10000, 300, 1, ['--flame-graph', '--no-lines'], 'threads');
one_storm('forks, text', 10000, 1200, 20, ['--top=3', '--no-lines'], 'forks');
one_storm('forks, folded', 10000, 1200, 1, ['--flame-graph', '--no-lines'], 'forks');
one_storm('dlopen', 3000, 600, 10, ['--top=0', '--no-lines'], 'dlopen', $library);
one_storm('inside', 0, 0, 10, ['--top=1', '--no-lines'], 'inside', int 10000 / $part);
one_storm('heap inquiries', 2000, 1000, 10, ['--top=1'], 'heap');
one_storm('threads that end', 1000, 2000, 10, ['--top=1'], 'churn');
done_testing;
