#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs that have no descriptor left: their dumps have names, lines and figures all the same, and
# are written to files that have to be opened first; and the program notices nothing of it.
use strict;
use warnings;
use Cwd 'abs_path';
use POSIX ();
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

$heaptrace = abs_path('heaptrace');
my $full = build('descriptors', 'descriptors');
my $out = "$dir/run/out";
mkdir "$dir/run";
open my $lock, '>', "$dir/lock" or die;
close $lock;

# Dumps with the name and the line, and the figures of the process; folded ones by size or by count.
sub whole {
	my ($text) = @_;
	return scalar(() = ($text // '') =~ m{^ 1 \[ *0x[0-9a-f]+\] keep \+0x[0-9a-f]+ at \S+/descriptors\.c:\d+$}mg)
		if ($text // '') =~ /statm info \(VSS/;
	return scalar(() = ($text // '') =~ /;main;keep;malloc (?:54321|1)$/mg);
}

my @options = ([], ["--outfile=$out"], ['--flame-graph', "--outfile=$out"], ["--record=$dir/run/rec", "--outfile=$out"],
	       ['--no-watch', "--outfile=$out"], ['--flame-graph', "--outfile=$out.%n"]);
# [what it does, dumps in one appended file; the last is the final one]
my @does = ([[], 1], [['usr1', 'locks', 'usr2', 'locks', 'pipe'], 3], [['low', 'usr1', 'usr2'], 3], [['closed', 'usr1', 'locks'], 2],
	    [['thread', 'usr1', 'usr2', 'usr1', 'usr2'], 5]);
# The hard limit is the soft one, or not; the names in between have hardly room for anything.
for my $limit ('ulimit -Sn 64', 'ulimit -n 64', 'ulimit -Sn 1024', 'ulimit -n 1024', 'ulimit -n 16') {
	for my $options (@options) {
		for (@does) {
			my ($does, $dumps) = @$_;
			my $name = "$limit, @$options, @$does";
			# Its dumps have nowhere to go; or its children's are there, too.
			next if "@$does" =~ /closed|locks/ && "@$options" !~ /out$/;
			my ($status, $text, $err) = limited($limit, $heaptrace, @$options, '--top=3', $full, "$dir/lock", @$does);
			is("$status $text", "0 done\n", "$name: the program") or diag $err;
			my @files = glob "$out*";
			if (!@$options) {
				is(whole($err), $dumps, "$name: whole dumps") or diag $err;
			} elsif ("@$options" =~ /%n/) {
				is(scalar(grep { whole(slurp($_)) == 1 } @files), $dumps, "$name: whole dumps");
			} else {
				is(whole(slurp($out)), "@$options" =~ /flame/ ? 1 : $dumps, "$name: whole dumps") or diag(slurp($out), $err);
			}
			next if !@$options;
			is($err, '', "$name: nothing is said");
			is(join(' ', grep { /\.tmp$/ } glob "$dir/run/*"), '', "$name: nothing is left");
		}
	}
	# Children are followed: their dumps, the watcher's of one that is killed, and the file of --record.
	for my $options (["--outfile=$out"], ['--flame-graph', "--outfile=$out"]) {
		my ($status, $text, $err) = limited($limit, $heaptrace, @$options, $full, "$dir/lock", 'fork');
		is("$status $text$err", "0 done\n", "$limit, @$options, fork: the program");
		is(scalar(grep { whole(slurp($_)) } glob "$out.*"), 1, "$limit, @$options, fork: the child's dump");
		($status, $text, $err) = limited($limit, $heaptrace, @$options, $full, "$dir/lock", 'fork, kill');
		is("$status $text$err", "0 done\n", "$limit, @$options, a child that is killed: the program");
		ok(wait_for(sub { grep { whole(slurp($_)) } glob "$out.*" }, 20), "$limit, @$options, a child that is killed: its dump");
		($status, $text, $err) = limited($limit, $heaptrace, @$options, $full, "$dir/lock", 'kill');
		ok(wait_for(sub { whole(slurp($out)) }, 20), "$limit, @$options, killed: its dump");
	}
	my ($status, $text, $err) = limited($limit, $heaptrace, "--record=$dir/run/rec", "--outfile=$out", $full, "$dir/lock", 'fork, kill');
	my ($child) = glob "$dir/run/rec.*";
	(undef, $text) = run(undef, $heaptrace, "--report=" . ($child // 'none'));
	is(whole($text), 2, "$limit, --record, a child that is killed: the report") or diag($text, $err, `ls $dir/run`);
}

# Started with one descriptor left, which the loader needs: by a parent that has left the others open.
my $fill = 'my @fds; $^F = 1000; while (open my $f, "<", "/dev/null") { push @fds, $f } pop @fds; exec @ARGV';
for my $limit ('ulimit -Sn 64', 'ulimit -n 64') {
	for my $options (["--outfile=$out"], ['--flame-graph', "--outfile=$out"], ["--record=$dir/run/rec", "--outfile=$out"]) {
		my ($status, $text, $err) = limited($limit, $^X, '-e', $fill, $heaptrace, @$options, $full, "$dir/lock", 'few');
		$err =~ s/^\[heaptrace\] there is no watcher here \(.*started without a free descriptor.*\n//;
		is("$status $text$err", "0 done\n", "$limit, @$options, filled by a parent: the program");
		is(whole(slurp($out)), 1, "$limit, @$options, filled by a parent: the dump");
		next unless "@$options" =~ /record/;
		(undef, $text) = run(undef, $heaptrace, "--report=$dir/run/rec");
		is(whole($text), 1, "$limit, @$options, filled by a parent: the report");
	}
}

# The limit leaves no room for duplicates of the descriptors that dumps go to: the program's own serve.
for my $limit ('ulimit -n 4', 'ulimit -n 5', 'ulimit -n 6') {
	for my $options ([], ['--outfile=-'], ['--outfile=/dev/stdout'], ['--outfile=/dev/fd/1'], ['--outfile=/dev/stderr'],
			 ["--record=$dir/run/rec", '--outfile=-'], ['--no-watch', '--outfile=-'], ['--flame-graph', '--outfile=-']) {
		my ($status, $text, $err) = limited($limit, $heaptrace, @$options, $full, "$dir/lock", 'few');
		is($status, 0, "$limit, @$options: exit status");
		like($text, qr/^done$/m, "$limit, @$options: the program's output");
		is(whole("@$options" =~ /-$|1$|out$/ ? $text =~ s/^done$//mr : $err), 1, "$limit, @$options: the dump") or diag($text, $err);
	}
}
# A stream that was closed from the start takes no dump: that is said where anything can be.
{
	my ($status, $text, $err) = run(sub { POSIX::close(1) }, $heaptrace, '--outfile=-', $full, "$dir/lock", 'few');
	is(() = $err =~ /^\[heaptrace\] cannot write the dump to standard output: the descriptor is closed$/mg, 1,
	   'standard output is closed: said once') or diag $err;
}

# Why names are missing is said: the limit is 0, and nothing can be opened at all.
{
	my $limits = build('limits', 'limits');
	my (undef, undef, $err) = run(undef, $heaptrace, $limits, 'nofile');
	like($err, qr/names missing +: .*\(cannot be read: too many open files in this process: RLIMIT_NOFILE\)/,
	     'where nothing can be done, the reason is said') or diag $err;
	unlink glob "$dir/run/*";
	(undef, undef, $err) = run(undef, $heaptrace, '--flame-graph', "--outfile=$out", $limits, 'nofile');
	is($err, "[heaptrace] cannot write the dump to $out: too many open files in this process: RLIMIT_NOFILE\n", 'of a file, too');
	SKIP: {
		skip 'root may read everything', 1 unless system("setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null") == 0 && !$>;
		system('cp', $full, "$dir/unreadable");
		chmod 0711, "$dir/unreadable", $dir;
		(undef, undef, $err) = run(sub { POSIX::setgid(65534); POSIX::setuid(65534) }, '/bin/sh', '-c',
			'LD_PRELOAD=$0 exec "$@"', $heaptrace =~ s/heaptrace$/libheaptrace.so/r, "$dir/unreadable", "$dir/lock");
		like($err, qr/unreadable \(cannot be read: permission denied\)|initialized/, 'a file that may not be read');
	}
}
# A child whose table can be put nowhere until it has descriptors apart leaves its parent's as it is.
{
	my $fork = build('fork_full', 'fork_full');
	unlink glob "$dir/run/*";
	run(undef, $heaptrace, '--no-lines', "--outfile=$out", $fork);
	my ($parent) = (slurp($out) // '') =~ m{initialized for /proc/(\d+)/};
	wait_for(sub { (slurp($out) // '') =~ /killed/ }, 10);
	like(slurp($out), qr{finalized for /proc/$parent/.* which was killed}, 'killed after a fork without descriptors and memory: its own dump');
	is(join('', map { slurp($_) } glob "$out.*") =~ /killed/, '', 'and nothing of it in the child\'s');
}

done_testing;
