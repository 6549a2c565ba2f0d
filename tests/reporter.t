#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Reports that the watcher writes (--format=json): the file is complete when the program is reaped,
# however it ended; the wait for it is bounded; and without a watcher a line says what makes it.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
require './tests/process.pl';
our ($dir, $heaptrace);

plan skip_all => 'no python3' unless has('python3');
my $program = build('reporter', 'reporter');
my $out = "$dir/run/out.json";
mkdir "$dir/run" or die;
$ENV{REPORTER_TEST} = $dir;

# The watcher of this test's run: it has our environment.
sub watcher {
	return grep { (slurp("/proc/$_/stat") // '') =~ /^\d+ \(heaptrace-watch\) [^Z]/ &&
		      (slurp("/proc/$_/environ") // '') =~ /REPORTER_TEST=\Q$dir\E/ } map { /(\d+)/ } glob '/proc/[0-9]*';
}

sub complete { return -s $_[0] && quiet('python3', '-m', 'json.tool', $_[0]) }
sub has_block { return (slurp($_[0]) // '') =~ /hold_block/ }

# Starts the program that waits, stops or kills its watcher, and ends its input.
sub without_watcher {
	my ($signal, @options) = @_;
	unlink glob "$dir/run/*";
	my ($pid, $in) = start(undef, $heaptrace, @options, $program, 'wait');
	ok(wait_word('ready'), 'the program runs');
	my $watcher;
	wait_for(sub { ($watcher) = watcher() }) or die 'there is no watcher';
	kill $signal, $watcher;
	my $begun = time;
	close $in;
	my $status = finish($pid, 60);
	return ($status, time - $begun, slurp("$dir/stderr"), $watcher);
}

# ---- A program that allocates nothing ----

# There is a document of the program that was started, and none of its children. The old one of another run is replaced.
{
	my $source = spit("$dir/nothing.c", "int main(void) { return 0; }\n");
	compile("$dir/nothing", $source) or die log_text();
	for my $ending (qw(json svg html pb.gz trace.json massif speedscope.json csv)) {
		spit("$dir/run/none.$ending", '');
		run(undef, $heaptrace, "--outfile=$dir/run/none.$ending", "$dir/nothing");
		cmp_ok(-s "$dir/run/none.$ending", '>', 100, "$ending: a program that allocates nothing has a document");
	}
	unlink glob "$dir/run/*";
	run(undef, $heaptrace, "--outfile=$out", 'sh', '-c', "$dir/nothing; $dir/nothing; exit 0");
	ok(complete($out), 'of a shell there is a document');
	is(join(' ', glob "$dir/run/*"), $out, 'and none of its children that allocate nothing');
	unlink $out;
}

# ---- The file is complete ----

for (['return', 5 << 8], ['exit', 5 << 8], ['_exit', 5 << 8], ['abort', 6], ['fault', 11], ['SIGTERM', 15],
     ['exec', 5 << 8], ['requests', 5 << 8], ['descriptors full', 5 << 8, 'ulimit -n 64'],
     ['descriptors closed', 5 << 8], $> ? () : ['root changed', 5 << 8]) {
	my ($how, $want, $limit) = @$_;
	unlink glob "$dir/run/*";
	my ($status, undef, $err) = limited($limit // '', $heaptrace, "--outfile=$out", $program, $how);
	is($status & ~128, $want, "$how: the status");
	ok(complete($out), "$how: the report is complete");
	ok(has_block($out), "$how: and has the blocks");
	is($err, '', "$how: nothing is said");
	is_deeply([glob "$dir/run/*"], [$out], "$how: there is no other file");
}
{
	unlink glob "$dir/run/*";
	my ($status) = run(undef, $heaptrace, "--outfile=$out", $program, 'SIGKILL');
	is($status, 9, 'SIGKILL: the status');
	ok(wait_for(sub { complete($out) }, 10), 'SIGKILL: the watcher writes the report after the end');
	for my $how (['fork', 3], ['many', 200]) {
		unlink glob "$dir/run/*";
		run(undef, $heaptrace, '--no-lines', "--outfile=$out", $program, $how->[0]);
		my @files = glob "$dir/run/*";
		is(scalar @files, 1 + $how->[1], "$how->[0]: each process has a report");
		is(scalar(grep { slurp($_) !~ /\}\n\z/ } @files), 0, "$how->[0]: all are complete");
		ok(complete($files[1]), "$how->[0]: that of a child is JSON");
	}
	unlink glob "$dir/run/*";
	run(undef, $heaptrace, '--format=json', "--outfile=$dir/run/out.%n", $program, 'requests');
	is_deeply([map { s/.*\///r } glob "$dir/run/*"], [map { "out.$_" } 1 .. 3], '%n: each dump has its number');
	my (undef, $text, $err) = run(undef, $heaptrace, '--format=json', '--outfile=-', $program, 'return');
	ok(complete(spit("$dir/run/stdout", $text)), 'on standard output');
	(undef, undef, $err) = run(undef, $heaptrace, '--format=json', $program, 'return');
	ok(complete(spit("$dir/run/stderr", $err)), 'on standard error, with nothing else');
}

# A signal asks a program that runs, and --dump and --report write by themselves.
{
	unlink glob "$dir/run/*";
	my ($pid, $in) = start(undef, $heaptrace, "--outfile=$out", "--record=$dir/run/record", $program, 'wait');
	wait_word('ready');
	kill 'USR1', $pid;
	ok(wait_for(sub { complete($out) }, 10), 'SIGUSR1: a report while the program runs');
	ok(quiet($heaptrace, "--dump=$pid", "--outfile=$dir/run/dump.json") && complete("$dir/run/dump.json"), '--dump=PID');
	unlink $out;
	close $in;
	finish($pid, 60);
	ok(complete($out), '--record: the watcher writes the report, too');
	ok(quiet($heaptrace, "--report=$dir/run/record", '--format=json', "--outfile=$dir/run/report") &&
	   complete("$dir/run/report") && has_block("$dir/run/report"), '--report=FILE');
}

# ---- Outputs that are no files ----

# A FIFO that is full keeps the watcher busy for seconds. What other processes send meanwhile is not lost.
{
	my ($fifo, $got, $buf) = ("$dir/fifo", '');
	POSIX::mkfifo($fifo, 0600);
	sysopen my $in, $fifo, POSIX::O_RDWR() | POSIX::O_NONBLOCK() or die;
	1 while syswrite $in, ' ' x 4096;
	my ($pid) = start(undef, $heaptrace, '--format=json', '--top=1', '--no-lines', "--outfile=$fifo", $program, 'many');
	sleep 4;
	my $end = time + 60;
	my $count = 0;
	while ($count < 201 && time < $end) {
		sysread($in, $buf, 65536) ? ($got .= $buf) : sleep 0.01;
		$count = () = $got =~ /"schema"/g;
	}
	is(finish($pid, 60), 5 << 8, 'a watcher that is busy: the status');
	is($count, 201, 'and each process has its report');
	unlike(slurp("$dir/stderr"), qr/cannot be reached/, 'since all could reach it');
}

# A process id that is given to another process while the watcher is busy.
SKIP: {
	skip 'an id cannot be given again here', 1 unless open my $last_id, '+<', '/proc/sys/kernel/ns_last_pid';
	my ($fifo, $got, $buf) = ("$dir/fifo", '');
	sysopen my $in, $fifo, POSIX::O_RDWR() | POSIX::O_NONBLOCK() or die;
	1 while syswrite $in, ' ' x 4096;
	my ($pid) = start(undef, $heaptrace, '--format=json', '--top=1', '--no-lines', "--outfile=$fifo", $program, 'id again');
	sleep 3;
	my $end = time + 30;
	while (time < $end && (() = $got =~ /"schema"/g) < 4) {
		sysread($in, $buf, 65536) ? ($got .= $buf) : sleep 0.01;
	}
	my $status = finish($pid, 60);
	skip 'an id cannot be given again here', 1 if $status == 77 << 8;
	is_deeply([sort $got =~ /"reason":"(\w+)"/g], ['exit', 'exit', 'killed', 'signal'], 'each process that had the id has its report');
}

# The reader of a FIFO gets the report of a process that was killed, and then the end.
for my $format ('text', 'json') {
	my $pid = fork;
	if (!$pid) {
		open my $in, '<', "$dir/fifo";
		open my $copy, '>', "$dir/read";
		print $copy $_ while <$in>;
		close $copy;
		POSIX::_exit(0);
	}
	sysopen my $hold, "$dir/fifo", POSIX::O_WRONLY();	# waits for the reader
	my ($program_pid, $in) = start(sub { close $hold }, $heaptrace, "--format=$format", "--outfile=$dir/fifo", $program, 'wait');
	wait_word('ready');
	close $hold;
	kill 'KILL', $program_pid;
	is(finish($program_pid, 60), 9, "a FIFO, $format: the status of a program that was killed");
	ok(wait_for(sub { waitpid $pid, POSIX::WNOHANG() }, 20), 'the reader gets to an end');
	ok(has_block("$dir/read"), 'and has the report');
}

# /dev/tty is the terminal of a session that the watcher has left.
SKIP: {
	skip 'no script(1)', 1 unless has('script');
	my (undef, $text) = run(undef, 'script', '-qc', "$heaptrace --format=json --outfile=/dev/tty $program return", '/dev/null');
	like($text, qr/"schema".*\}\s*\z/s, '/dev/tty: the report');
}

{
	my (undef, undef, $err) = limited('exec 1>&-', $heaptrace, '--format=json', '--outfile=-', $program, 'return');
	is($err, "[heaptrace] cannot write the dump to standard output: the descriptor is closed\n", 'a standard output that is closed');
}

# ---- The wait is bounded ----

{
	my ($status, $seconds, $err, $watcher) = without_watcher('STOP', "--outfile=$out");
	is($status, 5 << 8, 'a watcher that is stopped: the program ends as it does natively');
	cmp_ok($seconds, '<', 60, 'after a bounded time');
	like($err, qr/\A\[heaptrace\] the report is still being written.*\n\[heaptrace\] the report is not complete after 10 seconds.*\n\z/,
	     'and two lines say why');
	kill 'CONT', $watcher;
	ok(wait_for(sub { complete($out) }, 10), 'the watcher writes the report when it goes on');
}
# A signal ends the wait, but not one that comes twice at its beginning, which is the first half of a second. The wait
# begins some time after the end of the input: where it took longer than that until the signal was sent, on a busy machine,
# nobody knows what it was, and there is another try.
for my $late (1, 0) {
	for my $try (1 .. 20) {
		unlink glob "$dir/run/*";
		my ($pid, $in) = start(undef, $heaptrace, "--outfile=$out", $program, 'wait');
		wait_word('ready');
		my $watcher;
		wait_for(sub { ($watcher) = watcher() }) or die 'there is no watcher';
		kill 'STOP', $watcher;
		my $begun = Time::HiRes::time();
		close $in;
		wait_for(sub { (slurp("/proc/$pid/status") // '') =~ /^SigBlk:\s*f/m }, 5);	# as while it waits
		sleep($late ? 2.5 : 0.1);
		kill 'TERM', $pid;
		my $early = Time::HiRes::time() - $begun < 0.5;
		if ($late) {
			is(finish($pid, 20), 15, 'SIGTERM long after the beginning of the wait ends the program');
		} elsif ($early) {
			sleep 1.5;
			is(waitpid($pid, POSIX::WNOHANG()), 0, 'at the beginning it does not');
		}
		kill 'CONT', $watcher;
		finish($pid, 20) if !$late;
		ok(wait_for(sub { complete($out) }, 10), 'the watcher writes the report');
		last if $late || $early;
		fail('a signal at the beginning: the machine is too busy') if $try == 20;
	}
}
{
	my ($status, $seconds, $err) = without_watcher('KILL', "--outfile=$out");
	is($status, 5 << 8, 'a watcher that was killed: the program ends as it does natively');
	cmp_ok($seconds, '<', 60, 'without a hang');
	like($err, qr/\A\[heaptrace\] the watcher cannot be reached to write the report .*: start the program with --record=FILE.*\n\z/, 'and one line says what to do');
	(undef, undef, $err) = without_watcher('KILL', "--outfile=$out", "--record=$dir/run/record");
	like($err, qr/\A\[heaptrace\] the watcher cannot be reached .*: heaptrace (--outfile=\Q$out\E --report=\Q$dir\E\/run\/record)\n\z/, 'or which command makes it');
	my ($command) = $err =~ /makes it: heaptrace (.*)/;
	ok(quiet("$heaptrace $command") && -s $out, 'which does');
}

# In another network namespace a process does not reach the watcher's socket. The watcher has its table.
SKIP: {
	unlink glob "$dir/run/*";
	my ($status, undef, $err) = run(undef, $heaptrace, "--outfile=$out", $program, 'network changed');
	skip 'no network namespaces here', 3 if $status == 77 << 8;
	is($status, 5 << 8, 'another network namespace: the status');
	like($err, qr/\A\[heaptrace\] the watcher cannot be reached .*network namespace.*\n\z/, 'one line says so');
	ok(wait_for(sub { complete($out) }, 10) && slurp($out) =~ /"reason":"exit"/, 'and the report is of an exit');
}

# ---- No watcher ----

for my $options ([], ["--outfile=$out"]) {
	unlink glob "$dir/run/*";
	my ($status, undef, $err) = run(undef, $heaptrace, '--no-watch', '--format=json', @$options, $program, 'fork');
	is($status, 5 << 8, '--no-watch: the status');
	like($err, qr/\A\[heaptrace\] no watcher is there .*\n\z/, 'one line');
	is(scalar(my @files = glob "$dir/run/*"), 0, 'and no file');
}
{
	local $ENV{LD_PRELOAD} = './libheaptrace.so';
	local $ENV{HEAPTRACE_OPTIONS} = "format=json:outfile=$out";
	my (undef, undef, $err) = run(undef, $program, 'return');
	like($err, qr/\A\[heaptrace\] no watcher is there .* heaptrace (?:--format=json )?--outfile=\S+ PROGRAM/, 'LD_PRELOAD alone: one line');
	$ENV{HEAPTRACE_OPTIONS} = 'focus=a b:focus=c\\:\\:d:focus=it\'s:max-leak=0';
	(undef, undef, $err) = run(undef, $program, 'return');
	like($err, qr/ start the program as heaptrace '--focus=a b' --focus=c::d "--focus=it's" --max-leak=0 PROGRAM/, 'the command is quoted as a shell takes it');
}

# ---- Errors ----

{
	my (undef, undef, $err) = run(undef, $heaptrace, '--format=json', '--outfile=/dev/full', $program, 'return');
	like($err, qr/\A\[heaptrace\] cannot write the dump to \/dev\/full: no space left on the device\n\z/, 'what the watcher cannot write is said');
}

done_testing();
