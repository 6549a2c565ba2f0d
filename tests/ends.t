#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Every way a process can end, alone and as a child: the exit status and output are the
# native ones, each process that ends dumps once, under its own name, with its own figures,
# and a vfork child leaves its parent's alone.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $ends = build('end_ends', 'end_ends');
$heaptrace = POSIX::getcwd() . '/heaptrace';
my $prefix = "$dir/run/out";
mkdir "$dir/run" or die;
chmod 0755, $dir;		# for another user: the symbols are in the program

# Runs natively and traced. Statuses and outputs (without the ids of processes, and the statuses, which have
# many digits) must agree. Returns the traced run's output, and whether the
# system has what was asked for.
sub both {
	my ($name, $options, @command) = @_;
	unlink glob "$dir/run/*";
	my ($native_status, $native) = run(undef, @command);
	return if $native_status == 77 << 8;
	my ($status, $out, $err) = run(undef, $heaptrace, @$options, @command);
	(my $plain = $out) =~ s/child \K\d+|\d{3,}/PID/g;
	$native =~ s/child \K\d+|\d{3,}/PID/g;
	is($status, $native_status, "$name: exit status");
	is($plain, $native, "$name: output");
	return ($out, $err);
}

sub weights {
	my ($file) = @_;
	my $text = slurp($file);
	return 'no file' unless defined $text;
	my $bad = bad_folded($text);
	return $bad if $bad ne '';
	return join ' ', map { folded_weight($text, "keep_$_") } qw(first child handler);
}

# How the end is called => what the first process holds then, and its child: first, child,
# handler. undef: it writes no file of its own.
my @ends = (
	['return' => '1000 0 0'], ['exit' => '1000 0 0'], ['_exit' => '1000 0 0'],
	['_Exit' => '1000 0 0'], ['quick_exit' => '1000 0 77'], ['atexit' => '1000 0 77'],
	['thread' => '1000 0 0'], ['pthread_exit' => '1000 0 0'],
	['exec' => '0 333 0'],
	(map { ["fork $_" => '1000 0 0', '1000 333 0'] } 'return', 'exit', '_exit', '_Exit', 'thread',
	 'pthread_exit'),
	(map { ["fork $_" => '1000 0 0', '1000 333 77'] } 'quick_exit', 'atexit'),
	['fork exec' => '1000 0 0', '0 333 0'],
	['clone _exit' => '1000 0 0', '1000 333 0'], ['clone exit' => '1000 0 0', '1000 333 0'],
	['_Fork _exit' => '1000 0 0', '1000 333 0'], ['_Fork exit' => '1000 0 0', '1000 333 0'],
	['vfork _exit' => '1000 333 0'], ['vfork exec' => '1000 0 0', '0 333 0'],
	['posix_spawn' => '1000 0 0', '0 333 0'],
	['daemon' => '1000 0 0', '1000 333 0'],
	['system' => '1000 0 0'], ['popen' => '1000 0 0'],
	['close_range' => '1000 0 0'], ['close' => '1000 0 0'], ['chdir' => '1000 0 0'],
	['streams' => '1000 0 0'], ['alternate_stack' => '1000 0 0'],
);
for (@ends) {
	my ($how, $first, $child) = @$_;
	SKIP: {
		my ($out) = both($how, ['--flame-graph', '--outfile', $prefix], $ends, $how);
		skip "$how: not on this system", 1 unless defined $out;
		is(weights($prefix), $first, "$how: what the first process holds");
		my ($pid) = $out =~ /^child (\d+)/m;
		if ($child) {
			is(weights("$prefix.$pid"), $child, "$how: what the child holds");
		}
		my @files = grep { $_ ne $prefix && (!$child || $_ ne "$prefix.$pid") } glob "$dir/run/*";
		@files = () if $how =~ /^(system|popen)$/;	# the shell's
		@files = grep { !/\.\d+$/ } @files if $how eq 'daemon';	# the one in between
		is("@files", '', "$how: no other file");
	}
}

# Text dumps: the images of one process share a file, its children have their own; %p.
{
	my ($out) = both('exec, text', ["--outfile=$prefix"], $ends, 'exec');
	my $text = slurp($prefix);
	like($text, qr/initialized .*\n.*initialized .*\n.*finalized /s, 'exec, text: both images in one file');
	my ($bad) = text_dumps($text);
	is($bad, '', 'exec, text: whole dumps');
	($out) = both('fork, text', ["--outfile=$prefix"], $ends, 'fork exit');
	my ($pid) = $out =~ /^child (\d+)/m;
	for ($prefix, "$prefix.$pid") {
		my ($wrong, @keys) = text_dumps(slurp($_) // 'no file');
		is("$wrong@keys", 'size', "fork, text: one dump in $_");
	}
	like(slurp("$prefix.$pid") // '', qr/finalized for \/proc\/$pid\//, 'fork, text: the child under its own id');
	($out) = both('fork, %p', ["--outfile=$prefix-%p"], $ends, 'fork exit');
	($pid) = $out =~ /^child (\d+)/m;
	is(scalar(() = glob "$prefix-*"), 2, 'fork, %p: two files');
	ok(-s "$prefix-$pid", 'fork, %p: the child has its own');
}

# Two threads end the process at the same time: the dump that has begun is finished.
{
	my @bad;
	for (1 .. 60) {
		unlink glob "$dir/run/*";
		my ($status) = run(undef, $heaptrace, "--outfile=$prefix", $ends, 'both');
		my ($wrong, @keys) = text_dumps(slurp($prefix) // 'no file');
		push @bad, "$status $wrong@keys" if "$status$wrong@keys" ne (5 << 8) . 'size';
	}
	is(join("\n", @bad), '', 'exit and _exit at the same time: one whole dump');
}

# Streams that are closed before the end.
{
	my ($out, $err) = both('streams, stderr', [], $ends, 'streams');
	like($err, qr/finalized .*keep_first/s, 'streams closed: the dump on standard error');
	unlink glob "$dir/run/*";
	my ($status, $both) = run(undef, $heaptrace, '--outfile=-', $ends, 'streams');
	is($status, 0, 'streams closed, --outfile=-: exit status');
	like($both, qr/closing 0\n.*finalized .*keep_first/s, 'streams closed: the dump on standard output');
}

# Other roots and users.
SKIP: {
	mkdir "$dir/empty";
	skip 'needs root', 5 if $>;
	for my $options (['--outfile', $prefix], ['--flame-graph', '--outfile', $prefix]) {
		my ($out) = both("chroot @$options", $options, $ends, 'chroot', "$dir/empty");
		ok(-s $prefix, "chroot @$options: the dump is where it belongs");
		is(join(' ', glob "$dir/empty/*"), '', "chroot @$options: and not in the new root");
	}
	my ($out) = both('setuid', ['--outfile', $prefix], $ends, 'setuid');
	like(slurp($prefix), qr/finalized .*keep_first/s, 'setuid: the dump is in the file opened before');
}

# What libraries free in their destructors is not reported, and nothing is no section.
{
	my ($out, $err) = both('free all', [], $ends, 'free all');
	like($err, qr/finalized/, 'everything freed: the end is said');
	unlike($err, qr/backtrace|====/, 'everything freed: no dump section');
	my $library = build('end_library', 'libend.so', '-shared', '-fPIC');
	my $program = build('end_library', 'end_library', '-DPROGRAM', $library, "-Wl,-rpath,$dir");
	($out, $err) = both('destructors', [], $program);
	unlike($err, qr/begin|====/, 'destructors: what they free is not reported');
}
done_testing;
