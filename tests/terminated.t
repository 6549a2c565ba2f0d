#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Death by a signal: the final dump comes before it, and nothing else is different from a native
# run, neither the status, the core, nor what the program sees of its signals. Whoever handles,
# ignores or blocks a signal, or restores its default, has what it has natively.
# Without the watcher, which would make good what fails here.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('terminated', 'terminated');
my $library = build('terminated', 'libwrong.so', '-shared', '-fPIC', '-DLIBRARY');
$heaptrace = POSIX::getcwd() . '/heaptrace';
mkdir "$dir/run" or die;
chdir "$dir/run" or die;	# where the cores go
my $prepare;

# Runs natively and traced. The lines about the children, their pids taken out, must agree.
# Returns [line, dump] of each traced child.
sub both {
	my ($name, @args) = @_;
	unlink glob "$dir/run/*";
	my (undef, $native, $native_err) = run($prepare, $subject, @args);
	unlink glob "$dir/run/*";
	my ($status, $out, $err) = run($prepare, $heaptrace, '--no-lines', '--no-watch', "--outfile=$dir/run/out", $subject, @args);
	is($status, 0, "$name: exit status");
	my @children = map { [$_, slurp("$dir/run/out." . (/pid (\d+)/ ? $1 : 0))] } split /\n/, $out;
	s/pid \d+/pid/g for $native, $out;
	is($out, $native, "$name: statuses, cores, and what the program sees");
	is($err, $native_err, "$name: standard error");
	return @children;
}

# What is wrong with the dumps of a process that has ended: none, or not just one, or not its
# blocks. A dump signal by itself does not end it; then it has dumps of its own.
sub bad_dump {
	my ($line, $text) = @_;
	return "$line: no output" unless defined $text;
	my $dumped = $text =~ s/^\[heaptrace\] the program .*\n//mgr;
	my @final = $dumped =~ /^\[heaptrace\] finalized /mg;
	return "$line: " . @final . ' final dumps' if @final != 1;
	my ($bad) = text_dumps($text);
	return "$line: $bad" if $bad ne '';
	my ($last) = $dumped =~ /finalized (.*)\z/s;
	return "$line: its block is missing\n$text" unless $last =~ /keep_block/;
	return;
}

# SIGUSR1 and SIGUSR2 are not natively what they are here, so they have a run of their own.
{
	unlink glob "$dir/run/*";
	my @options = ("--outfile=$dir/run/out", '--no-lines', '--no-watch', '--signal-size=none', '--signal-count=none');
	my (undef, $native) = run(undef, $subject, 'all', 'cores');
	unlink glob "$dir/run/*";
	my ($status, $out, $err) = run(undef, $heaptrace, @options, $subject, 'all', 'cores');
	is($status, 0, 'each signal: exit status');
	my @native = split /\n/, $native =~ s/pid \d+/pid/gr;
	my @traced = split /\n/, $out;
	is(scalar @traced, scalar @native, 'each signal: so many cases') or diag($err);
	my (@different, @bad);
	for my $i (0 .. $#native) {
		my $line = $traced[$i] // '';
		my ($pid) = $line =~ /pid (\d+)/;
		$line =~ s/pid \d+/pid/;
		push @different, "natively $native[$i]\n  traced $line" if $line ne $native[$i];
		push @bad, bad_dump($line, slurp("$dir/run/out." . ($pid // 0)));
	}
	is(join("\n", @different), '', 'each signal: statuses, cores, and what the program sees');
	is(join("\n", @bad), '', 'each signal: one final dump each');
	my @cores = grep { /status 0x\w*[89a-f]\w(?: |$)/ } @native;
	note(scalar(@cores) . ' of them dumped core');
}

# Real faults: the core is of the instruction that failed.
for my $kind ('segv', 'bus', 'fpe', 'trap', 'ill', 'free', 'overflow') {
	my ($child) = both($kind, $kind);
	next if $kind eq 'overflow';	# no stack is left for a dump
	is(bad_dump(@$child), undef, "$kind: one final dump");
	like($child->[1], qr/info \(virtual\) +: \d.*\n.*info \(resident\) +: \d.*\(estimated,/, "$kind: free chunks are not looked at");
}
SKIP: {
	my ($gdb) = grep { -x } map { "$_/gdb" } split /:/, $ENV{PATH};
	skip 'needs gdb', 2 unless $gdb;
	unlink glob "$dir/run/*";
	run(undef, $heaptrace, '--no-watch', "--outfile=$dir/run/out", $subject, 'segv', 'cores');
	my ($core) = glob "$dir/run/core*";
	skip 'no core file is to be had here', 2 unless $core;
	my (undef, $text) = run(undef, $gdb, '-q', '-batch', '-ex', 'bt 1', '-ex',
				'p $_siginfo._sifields._sigfault.si_addr', $subject, $core);
	like($text, qr/^#0 .* (?:in )?fault \(kind=/m, 'the core is of the failing instruction');
	like($text, qr/^\$1 = .*\(?0x0/m, 'and has the address that failed');
}

# In the middle of the allocator: at the end of the hook, or soon, but in any case.
{
	my @children = both('allocating without a pause', 'churn');
	is(join("\n", map { bad_dump(@$_) } @children), '', 'allocating: a final dump each time');
	is(scalar(grep { $_->[1] =~ /\(resident\) +: \d.* \(handed out, not/ } @children), @children / 2,
	   'allocating: after the hook, when the free chunks can be looked at (half of them have another thread)');
	$prepare = sub { $ENV{LD_PRELOAD} = $library };
	my $start = time;
	my ($child) = both('hung in the allocator', 'hang');
	is(bad_dump(@$child), undef, 'hung in the allocator: a final dump');
	cmp_ok(time - $start, '<', 60, 'hung in the allocator: soon');
	for my $kind ('inside', 'abort inside') {
		($child) = both($kind, $kind);
		is(bad_dump(@$child), undef, "a fault in the allocator ($kind): a final dump");
	}
	$prepare = undef;
}

# A signal that is let through by sigsuspend() alone, and two threads at a time.
for my $what ('suspend', 'two') {
	my @children = both($what, $what);
	is(join("\n", map { bad_dump(@$_) } @children), '', "$what: a final dump each time");
}

# Process 1 of a pid namespace has no default actions but for its faults (pid_namespaces(7)).
SKIP: {
	my @new = ('unshare', '--pid', '--fork', '--kill-child');
	skip 'no pid namespace is to be had here', 5 if system("@new true 2>/dev/null");
	($new[0]) = grep { -x } map { "$_/unshare" } split /:/, $ENV{PATH};
	for my $what ('first', 'first segv') {
		my ($native_status, $native) = run(undef, @new, $subject, $what);
		unlink glob "$dir/run/*";
		my ($status, $out) = run(undef, @new, $heaptrace, '--no-lines', '--no-watch', "--outfile=$dir/run/out", $subject, $what);
		is("$status $out", "$native_status $native", "process 1, $what: as natively");
		is(bad_dump($what, slurp("$dir/run/out")), undef, "process 1, $what: one final dump");
	}
	like(slurp("$dir/run/out"), qr/\(estimated,/, 'process 1: of the fault');
}

# A vfork child's death is not its parent's.
{
	my ($child) = both('vfork', 'vfork');
	is(bad_dump(@$child), undef, 'vfork: the parent dumps once, at its own end');
}

# Nothing is to be seen of our handlers.
for ([plain => sub {}], [nohup => sub { $SIG{HUP} = 'IGNORE' }]) {
	(my $name, $prepare) = @$_;
	my (undef, $native) = run($prepare, $subject, 'shown');
	my (undef, $traced) = run($prepare, $heaptrace, '--no-watch', "--outfile=$dir/run/out", $subject, 'shown');
	is($traced, $native, "$name: the actions that a program is shown");
}
chdir '/';
done_testing;
