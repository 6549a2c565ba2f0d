#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Everything at once, by chance (tests/subjects/stress.c): threads, forks, dlopen, signals from
# inside and outside, and kills. No hang, no crash, no lost dump, nothing on standard error,
# and every file is whole (of a process that is killed, up to where it was killed).
#
# STRESS_SECONDS=N goes on for N seconds (6), and for three runs at least. STRESS_SEED=N repeats one run, natively first.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time usleep);
require './tests/process.pl';
our ($dir, $heaptrace);

my $seconds = $ENV{STRESS_SECONDS} // 6;
my $work = build('stress', 'stress');
my $library = build('stress', 'libstress.so', '-shared', '-fPIC', '-DLIBRARY');
my @formats = ([], ['--top=2'], ['--top=0', '--depth=32'], ['--flame-graph'], ['--children=no'],
	       ['--no-lines', '--sort=count,age'], ['--sample=2K', '--sort=count'], ["--record=$dir/rec"]);

# What is wrong with the files of a run; killed: the first process's may end anywhere.
sub check_files {
	my ($folded, $killed) = @_;
	my (@bad, $dumps);
	for my $file (glob "$dir/out*") {
		my $text = slurp($file);
		next if $killed && ($file eq "$dir/out" || $file =~ /\.tmp$/);
		# A child that was killed in the middle of a dump leaves the beginning of one.
		my ($bad, @keys) = $folded ? (bad_folded($text), 1) : text_dumps($text);
		push @bad, "$file: $bad" if $bad ne '' && $bad !~ /^ends in state|cut$/;
		$dumps += @keys;
	}
	return join "\n", @bad[0 .. ($#bad < 4 ? $#bad : 4)];
}

# What is wrong with what can be printed from the record of the process that was killed.
sub check_record {
	my ($status, $text, $errors) = run(undef, $heaptrace, "--report=$dir/rec", '--top=3');
	my ($bad, @keys) = text_dumps($text);
	return '' if $status eq 0 && $bad eq '' && @keys == 1;
	return "the record: status $status, $bad, " . @keys . " dumps, $errors";
}

# One run. Returns what is wrong with it.
sub one_run {
	my ($seed) = @_;
	srand $seed;
	my $options = $formats[rand @formats];
	my $ms = 300 + int rand 1200;
	my $kill_at = rand() < 0.25 ? time + rand($ms / 1000) : undef;
	my $folded = grep { /flame/ } @$options;
	my $record = grep { /record/ } @$options;
	unlink glob("$dir/out*"), glob "$dir/rec*";
	# The files are looked at as the killed process left them: killed.t has the watcher.
	my ($pid, $in) = start(sub { setpgrp(0, 0) }, $heaptrace, "--outfile=$dir/out",
			       $kill_at ? '--no-watch' : (), @$options, $work,
			       $seed, $ms, $library);
	wait_word('ready') or return 'it does not start';
	my $end = time + $ms / 1000;
	while (time < $end && !($kill_at && time > $kill_at)) {
		kill rand() < 0.5 ? 'USR1' : 'USR2', $pid for 1 .. 1 + rand 5;
		usleep(int rand 8000);
	}
	kill 'KILL', $pid if $kill_at;
	my $status = finish($pid, 60);
	if ($kill_at) {
		return "killed: status $status" if $status ne 9 && $status ne 0;
		kill 'KILL', -$pid;
		usleep(2000);
		my $wrong = check_files($folded, 1);
		return $record && $wrong eq '' ? check_record() : $wrong;
	}
	my $errors = slurp("$dir/stderr");
	return "status $status, $errors" if $status ne 0 || $errors ne '';
	return 'its own checks' if slurp("$dir/stdout") !~ /^done \d/m;
	my $text = slurp("$dir/out") // '';
	return 'the last dump is missing' if $folded ? $text eq '' :
		$text !~ /finalized for/;
	return check_files($folded, 0);
}

if (my $seed = $ENV{STRESS_SEED}) {
	is(one_run($seed), '', "seed $seed");
	done_testing;
	exit;
}
my ($runs, $end, $first, @bad) = (0, time + $seconds, int(time * 1000) % 1000000000);
diag("seeds from $first on");
while ((time < $end || $runs < 3) && @bad < 5) {
	my $seed = $first + $runs++;
	my $wrong = one_run($seed);
	push @bad, "STRESS_SEED=$seed: $wrong" if $wrong ne '';
	diag("seed $seed: $wrong") if $wrong ne '';
}
note("$runs runs");
cmp_ok($runs, '>=', 3, 'there were some runs');
is(join("\n", @bad), '', "$runs runs: no hang, no crash, no lost dump, nothing but whole files");
done_testing;
