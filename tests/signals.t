#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# SIGUSR1 and SIGUSR2: dumps from whatever a program is doing, and nothing that the program
# could notice: waits go on, its own handlers are its own, and it is told of no handler but
# those it installed. Wherever that is possible a native run says what is right.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $waits = build('signal_waits', 'signal_waits');
my $handlers = build('signal_handlers', 'signal_handlers');
my $library = build('signal_handlers', 'libtakes.so', '-shared', '-fPIC', '-DLIBRARY');
my $linked = build('signal_handlers', 'signal_linked', '-DLINKED', $library, "-Wl,-rpath,$dir");
my $nap = build('signal_nap', 'signal_nap');
my $notice = qr/^\[heaptrace\] the program (?:handles|waits for|blocks)/m;

# Each wait: two dumps in their orders, the wait undisturbed.
my %result = (write => 4096, read => 1, recv => 1, waitpid => 5);
for my $state (qw(sleep pause poll compute read write recv sem_wait mutex cond waitpid)) {
	unlink glob "$dir/out*";
	my ($pid, $in) = start(undef, $heaptrace, "--outfile=$dir/out", $waits, $state);
	wait_word('ready');
	select undef, undef, undef, 0.02;
	for ([USR1 => 1], [USR2 => 2]) {
		my ($signal, $count) = @$_;
		kill $signal, $pid;
		ok(wait_for(sub { (() = slurp("$dir/out") =~ /statm info/g) >= $count }, 30),
		   "$state: SIG$signal gives a dump");
	}
	syswrite $in, "x\n";
	my $status = finish($pid, 60);
	is($status, 0, "$state: exit status");
	like(slurp("$dir/stdout"), qr/^result @{[$result{$state} || 0]} errno 0$/m, "$state: not interrupted");
	my ($bad, @keys) = text_dumps(slurp("$dir/out"));
	is("$bad@keys", 'size count size', "$state: by size, by count, and at the end");
	my @first = slurp("$dir/out") =~ /#1 ===.*\n 0 .*\n 1 \[[^]]+\] (\w+) /g;
	is("@first[0, 1]", 'large small', "$state: what comes first in the two") or diag(slurp("$dir/out"));
}

# What a program sees of its signals, as natively; and how often heaptrace says something.
my %notices = ('default with flags' => 0, errors => 0, sigwait => 1, siginterrupt => 1);
sub same_as_native {
	my ($program, @args) = @_;
	my $name = "$args[0]" . ($program eq $linked ? ' (linked)' : '');
	my ($native_status, $native) = run(undef, $program, @args);
	my ($status, $out, $err) = run(undef, $heaptrace, $program, @args);
	is($status, $native_status, "$name: exit status");
	is($out, $native, "$name: what the program sees");
	is(() = $err =~ /$notice/g, $notices{$args[0]} // 1, "$name: notices") or diag($err);
}
same_as_native($handlers, $_)
	for 'sigaction', 'siginfo', 'resethand', 'same struct', 'default with flags', 'errors',
	    'signal', 'bsd_signal', 'ssignal', 'sysv_signal', 'sigset', 'sigset hold', 'siginterrupt',
	    'sigwait', 'sigignore', '__sigaction';
same_as_native($handlers, 'dlopen', $library);
same_as_native($linked, 'linked');

# Which of the two is left is said.
{
	my (undef, undef, $err) = run(undef, $heaptrace, $handlers, 'siginfo');
	like($err, qr/$notice SIGUSR1 itself: SIGUSR2 still gives a dump/, 'the notice says how else');
}

# A blocked signal's dump comes when it is unblocked; asking for the default changes nothing.
{
	my ($status, undef, $err) = run(undef, $heaptrace, $handlers, 'block');
	is($status, 0, 'blocked: exit status');
	like($err, qr/\A[^=]*<blocked>\n={65}\n.*={65}\n<unblocked>/s, 'blocked: the dump comes at unblock');
	unlike($err, $notice, 'blocked: nothing is said');
	($status, undef, $err) = run(undef, $heaptrace, $handlers, 'default');
	is($status, 0, 'the default asked for: exit status');
	like($err, qr/<$_>\n={65}\n.*={65}\n<@{[$_ + 1]}>/s, "the default asked for: dump $_") for 1 .. 3;
	unlike($err, $notice, 'the default asked for: nothing is said');
}

# The masks that a process is started with, and hands on.
my @show = ('grep', '-E', '^(Sig|Shd)(Blk|Ign|Cgt|Pnd)', '/proc/self/status');
my $grep = (grep { -x } map { "$_/grep" } split /:/, $ENV{PATH})[0];
my $env = (grep { -x } map { "$_/env" } split /:/, $ENV{PATH})[0];
my $busybox = (grep { -x && `readelf -lW $_ 2>/dev/null` !~ /INTERP/ } map { "$_/busybox" } split /:/, $ENV{PATH})[0];
my $block = sub { POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(POSIX::SIGUSR1())) };
my $ignore = sub { $SIG{USR1} = 'IGNORE' };
# SIGUSR1, SIGUSR2, and what ends a process by default (terminated.t).
my $ours = 0;
$ours |= 1 << $_ - 1 for 1 .. 8, 10 .. 16, 24 .. 27, 29 .. 31;
for ([plain => undef], [blocked => $block], [ignored => $ignore]) {
	my ($name, $prepare) = @$_;
	my @grep = ($grep, @show[1 .. $#show]);
	SKIP: {
		skip 'no static busybox', 1 unless $busybox;
		my (undef, $static) = run($prepare, $env, $busybox, @show);
		my (undef, $child) = run($prepare, $heaptrace, "--outfile=$dir/out", $env, $busybox, @show);
		is($child, $static, "$name: masks of an exec'd program that is not traced");
	}
	my (undef, $native) = run($prepare, $env, '-u', 'LD_PRELOAD', @grep);
	my (undef, $traced) = run($prepare, $heaptrace, "--outfile=$dir/out", $env, @grep);
	s/SigCgt:\t(\w+)/sprintf "SigCgt:\t%x", hex($1) & ~$ours/e for $native, $traced;
	is($traced, $native, "$name: masks of a traced one, but for the handlers that are ours");
}
SKIP: {
	# With no room for the table there is no tracing; the signals must not stay blocked.
	my ($status, $out) = run(undef, '/bin/bash', '-c',
				 "ulimit -v 90000; exec $heaptrace $grep -E '^SigBlk' /proc/self/status");
	skip 'no 90 MB process here', 1 unless defined $out && length $out;
	like($out, qr/^SigBlk:\t0+$/, 'too little memory to trace: nothing stays blocked');
}
{
	unlink glob "$dir/out*";
	my ($pid, $in) = start($ignore, $heaptrace, "--outfile=$dir/out", $waits, 'read');
	wait_word('ready');
	kill 'USR1', $pid for 1 .. 3;
	syswrite $in, "x\n";
	is(finish($pid, 60), 0, 'an inherited SIG_IGN: not killed');
	my ($bad, @keys) = text_dumps(slurp("$dir/out"));
	is("$bad@keys", 'size', 'an inherited SIG_IGN: no dump but the last');
}

# Interpreters' own signal modules.
my $python = (grep { -x } '/usr/bin/python3', map { "$_/python3" } split /:/, $ENV{PATH})[0];
my @scripts = (
	['/usr/bin/perl', '-e', '$|=1; print defined $SIG{USR1} ? "set" : "unset", "\n";
		$SIG{USR1} = sub { print "got\n" }; kill USR1 => $$ for 1 .. 3;
		$SIG{USR1} = "IGNORE"; kill USR1 => $$; print "end\n"'],
	['/bin/bash', '-c', 'trap "echo got" USR1; kill -USR1 $$; kill -USR1 $$; trap -p; trap "" USR1;
		kill -USR1 $$; echo end'],
	[$python, '-c', 'import signal, os
print(signal.getsignal(signal.SIGUSR1), signal.getsignal(signal.SIGUSR2))
print(signal.signal(signal.SIGUSR1, lambda s, f: print("got", s)))
for i in range(3): os.kill(os.getpid(), signal.SIGUSR1)
print(signal.signal(signal.SIGUSR1, signal.SIG_IGN) is not None)
os.kill(os.getpid(), signal.SIGUSR1)'],
);
for (@scripts) {
	my ($program, @args) = @$_;
	SKIP: {
		skip 'an interpreter is missing here', 2 unless $program && -x $program;
		my ($native_status, $native) = run(undef, $program, @args);
		my ($status, $out) = run(undef, $heaptrace, "--outfile=$dir/out", $program, @args);
		is($out, $native, "$program: its signal module sees what it sees natively");
		is($status, $native_status, "$program: exit status");
	}
}

# Small stacks.
my $stacks = build('signal_stacks', 'signal_stacks');
for my $options (['--top=0'], ['--flame-graph']) {
	for (['tiny' => 0], ['tiny, TERM' => 15], ['tiny, overflow' => 11], ['deep' => 0]) {
		my ($how, $want) = @$_;
		unlink glob "$dir/out*";
		my ($status) = run(undef, $heaptrace, @$options, "--outfile=$dir/out", $stacks, $how);
		SKIP: {
			skip "@$options, $how: no such stack here", 2 if $status == 77 << 8;
			is($status & 127, $want, "@$options, $how: status");
			my $text = slurp("$dir/out") // '';
			my ($bad, @keys) = $options->[0] =~ /top/ ? text_dumps($text) : bad_folded($text);
			my $least = $how =~ /overflow/ ? 1 : 21;	# raised twenty times, and at the end
			ok($bad eq '' && length $text && (@keys >= $least || $options->[0] =~ /flame/),
			   "@$options, $how: all dumps") or diag("$bad@keys");
		}
	}
	for my $how ('alternate', 'thread') {
		my ($status, $out) = run(undef, $heaptrace, @$options, "--outfile=$dir/out", $stacks, $how);
		is($status, 0, "dumps on a small stack, @$options, $how: exit status");
		my ($used, $size) = $out =~ /used (\d+) of (\d+)/;
		cmp_ok($used // 1, '<', ($size // 0) * 3 / 4, "dumps on a small stack, @$options, $how: room is left");
	}
}

# Any moment from the wrapper's first instructions on.
{
	my $seed = $ENV{HEAPTRACE_SEED} || time;
	my $driver = build('signal_start', 'signal_start');
	my ($status, $out) = run(undef, $driver, 120, int $seed, "$dir/start", $heaptrace, $nap);
	is($status, 0, 'signals around the start: none lost, nothing killed, statuses kept');
	diag("seed $seed\n$out") if $status;
	note($out);
	like($out, qr/held back [1-9]/, 'some of them came before the library was ready');
}
done_testing;
