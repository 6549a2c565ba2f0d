#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Killed at any moment: the watcher, or --report of what --record has kept, gives a dump whose
# totals are within one operation per thread of the program's own count. KILLED_ROUNDS (100)
# sets how often; KILLED_SEED repeats a run.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $rounds = $ENV{KILLED_ROUNDS} || 100;
my $seed = srand($ENV{KILLED_SEED} || time ^ $$);
note "KILLED_SEED=$seed";
my $work = build('killed_work', 'killed_work');
my $threads = 4;
my $most = 500;			# bytes of a block
mkdir "$dir/run" or die;

# Our watchers, of all that run on this machine: they have our environment.
$ENV{KILLED_TEST} = $dir;
sub watchers {
	return grep { (slurp("/proc/$_/stat") // '') =~ /^\d+ \(heaptrace-watch\) [^Z]/ &&
		      (slurp("/proc/$_/environ") // '') =~ /KILLED_TEST=\Q$dir\E/ } map { /(\d+)/ } glob '/proc/[0-9]*';
}

my %unit = (bytes => 1, KB => 1000, MB => 1000000);

# Live count and size of the rows whose frames have work_alloc, in the last dump of a text; undef
# when it is not whole.
sub totals {
	my ($text) = @_;
	return unless defined $text && $text =~ /={65}\n\z/;
	my ($count, $size) = (0, 0);
	$text =~ s/.*\n(?=={65}\n\[heaptrace\] dump)//s;
	for my $row (split /\n\n/, $text) {
		next unless $row =~ /\] work_alloc/;
		my ($c, $s, $u) = $row =~ /\[count\/peak: (\d+)\/\d+\] \[size\/peak: ([\d.]+) (\w+)\//;
		$count += $c;
		$size += int($s * $unit{$u} + 0.5);
	}
	return ($count, $size);
}

# The program's own: the sums of its cells from `first` on.
sub counted {
	my ($first) = @_;
	my @words = unpack 'q*', slurp("$dir/cells");
	my ($count, $size) = (0, 0);
	for (0 .. $threads) {
		$count += $words[8 * ($first + $_)];
		$size += $words[8 * ($first + $_) + 1];
	}
	return ($count, $size);
}

# What is wrong with a dump; '': nothing.
sub compare {
	my ($text, $first) = @_;
	my ($count, $size) = totals($text);
	return 'no whole dump: ' . ($text // 'none') unless defined $count;
	my ($own_count, $own_size) = counted($first);
	return '' if abs($count - $own_count) <= $threads && abs($size - $own_size) <= $threads * $most;
	return "dump $count blocks, $size bytes; program $own_count, $own_size\n";
}

# Whether a file has a whole dump of a process that was killed.
sub wait_dump {
	my ($file) = @_;
	wait_for(sub { (slurp($file) // '') =~ /which was killed[^\n]*\n.*={65}\n\z/s }, 60);
	return slurp($file);
}

sub kill_after {
	my ($how, $options) = @_;
	unlink glob("$dir/run/*"), "$dir/cells";
	my ($pid, $in) = start(undef, $heaptrace, @$options, '--top=0', '--no-lines', $work, "$dir/cells", $how);
	wait_word('ready') or return ($pid);
	my ($child) = slurp("$dir/stdout") =~ /child (\d+)/;
	if ($how ne 'threads') {
		wait_word('child');
		($child) = slurp("$dir/stdout") =~ /child (\d+)/;
	}
	select undef, undef, undef, rand 0.02;
	kill 'KILL', $child if $child && int rand 2;
	kill 'KILL', $pid;
	my $status = finish($pid, 10);
	kill 'KILL', $child if $child;
	return ($pid, $child, $status);
}

# With the watcher.
my (@bad, @statuses);
for (1 .. $rounds) {
	my ($pid, undef, $status) = kill_after('threads', ["--outfile=$dir/run/out"]);
	my $wrong = compare(wait_dump("$dir/run/out"), 0);
	push @bad, $wrong if $wrong;
	push @statuses, $status if $status ne 9;
}
is(join('', @bad[0 .. ($#bad > 4 ? 4 : $#bad)]), '', "$rounds kills, watched: the totals");
is("@statuses", '', 'the status is that of the signal');

# The same with forked children.
for my $how ('fork', 'busy', 'clone') {
	my @wrong;
	for (1 .. $rounds / 5) {
		my ($pid, $child) = kill_after($how, ["--outfile=$dir/run/out"]);
		my $wrong = compare(wait_dump("$dir/run/out"), 0);
		push @wrong, "parent: $wrong" if $wrong;
		$wrong = compare(wait_dump("$dir/run/out.$child"), 8);
		push @wrong, "child: $wrong" if $wrong;
	}
	is(join('', @wrong[0 .. ($#wrong > 4 ? 4 : $#wrong)]), '', "$how: parent and child killed, watched: the totals");
}

# A child whose parent is dead before it can say that it is there: the watcher waits for it.
{
	my @wrong;
	for (1 .. 5) {
		unlink glob("$dir/run/*"), "$dir/cells";
		my ($pid, $in) = start(undef, $heaptrace, "--outfile=$dir/run/out", '--top=0', '--no-lines', $work, "$dir/cells", 'orphan');
		push @wrong, "status $_\n" for grep { $_ ne 9 } finish($pid, 10);
		wait_word('child');
		my ($child) = slurp("$dir/stdout") =~ /child (\d+)/;
		kill 'KILL', $child;
		my $wrong = compare(wait_dump("$dir/run/out"), 0) || compare(wait_dump("$dir/run/out.$child"), 8);
		push @wrong, $wrong if $wrong;
	}
	is(join('', @wrong), '', 'orphan: parent and child killed, watched: the totals');
}

# With --record, each time also while it runs.
@bad = ();
for (1 .. $rounds / 4) {
	my ($pid, $child) = kill_after('fork', ["--record=$dir/run/rec", "--outfile=$dir/run/out"]);
	for (["$dir/run/rec", 0], ["$dir/run/rec.$child", 8]) {
		my ($file, $first) = @$_;
		my ($status, $text) = run(undef, $heaptrace, "--report=$file", '--top=0', '--no-lines');
		my $wrong = $status ? "status $status" : compare($text, $first);
		push @bad, "$file: $wrong" if $wrong;
	}
}
is(join('', @bad), '', 'killed, recorded: the totals of parent and child');

# Who ends by itself is not told of again; who becomes another program is not dead.
{
	my ($status, $out, $err) = run(undef, $heaptrace, "--outfile=$dir/run/out", $work, "$dir/cells", 'exit');
	is($status, 7 << 8, 'the bare system call: the status');
	like(wait_dump("$dir/run/out"), qr/which was killed.*work_alloc_0/s, 'the bare system call: a dump');
	SKIP: {
		skip 'no busybox', 1 unless -x '/bin/busybox';
		unlink glob("$dir/run/*");
		run(undef, $heaptrace, "--outfile=$dir/run/out", $work, "$dir/cells", 'shell');
		select undef, undef, undef, 0.3;
		unlike(join('', map { slurp($_) } glob "$dir/run/out.*"), qr/dump allocation status|finalized/,
		       'a child that becomes a static program leaves no dump');
		unlike(slurp("$dir/run/out"), qr/which was killed/, 'nor does its parent leave another');
	}
	ok(wait_for(sub { !watchers() }, 30), 'watchers end by themselves');
}

# The watcher is not in the way.
{
	my ($pid, $in) = start(undef, $heaptrace, "--outfile=$dir/run/out", 'sleep', '100');
	my $watcher;
	wait_for(sub { ($watcher) = grep { (slurp("/proc/$_/stat") // '') =~ /\(heaptrace-watch\) S \d+ $_ $_ / } watchers() }, 10);
	ok($watcher, 'it is alone in a session and sleeps');
	is((slurp("/proc/$pid/task/$pid/children") // ''), '', 'the program has no child');
	my @open = map { readlink $_ } glob "/proc/$watcher/fd/*";
	is(scalar(grep { $_ && /pipe|\Q$dir\E/ } @open), 0, 'it holds none of the streams') or diag "@open";
	my $begin = Time::HiRes::time();
	my ($switches) = slurp("/proc/$watcher/status") =~ /voluntary_ctxt_switches:\s+(\d+)/;
	select undef, undef, undef, 0.5;
	my ($later) = slurp("/proc/$watcher/status") =~ /voluntary_ctxt_switches:\s+(\d+)/;
	my $seconds = Time::HiRes::time() - $begin;	# on a busy machine it is more than what was asked for
	cmp_ok($later - $switches, '<=', 140 * $seconds, 'it wakes up to look at the heap, and for nothing else');
	kill 'KILL', $pid;
	finish($pid, 5);
	my $text = `$heaptrace $work $dir/cells exit 2>&1 | cat`;
	like($text, qr/which was killed[^\n]*\n.*={65}\n\z/s, 'a pipe has all of the dump at its end');
	my ($status, $out, $err) = run(undef, $heaptrace, '--no-watch', $work, "$dir/cells", 'exit');
	select undef, undef, undef, 0.1;
	unlike(slurp("$dir/stderr"), qr/finalized/, '--no-watch: no dump');
}

# The watcher itself is killed: nothing is different for the program, its children or their dumps.
{
	wait_for(sub { !watchers() }, 30);	# of the programs before
	unlink glob("$dir/run/*");
	my $native = join '', map { slurp($_) } 'tests/killed.t';
	my ($pid, $in) = start(undef, $heaptrace, "--outfile=$dir/run/out", '/bin/sh', '-c', 'read line; (cat tests/killed.t); echo $line; exit 3');
	my $watcher;
	wait_for(sub { ($watcher) = watchers() }, 30) or die 'no watcher';
	wait_for(sub { (slurp("$dir/run/out") // '') =~ /initialized/ }, 10);
	kill 'KILL', $watcher;
	wait_for(sub { !watchers() }, 10);
	syswrite $in, "line\n";
	is(finish($pid, 20), 3 << 8, 'the watcher killed: the status');
	is(slurp("$dir/stdout") . slurp("$dir/stderr"), $native . "line\n", 'the watcher killed: the output');
	my @files = glob("$dir/run/*");
	is(scalar @files, 2, 'the watcher killed: a file for each process');
	is(join('', map { slurp($_) =~ /finalized.*={65}\n\z/s ? '' : $_ } @files), '', 'the watcher killed: final dumps');
}

# A daemon that has nothing left of where it came from: no descriptor, root, or right. Its dump
# comes where its others do, and with the names that it could not reach itself.
SKIP: {
	skip 'needs root', 8 if $>;
	my $ways = build('process_ways', 'process_ways');
	mkdir "$dir/empty";
	for my $how ('loop', 'range') {
		unlink glob("$dir/run/*");
		my ($status, $text) = run(undef, $heaptrace, "--outfile=$dir/run/out", $ways, 'daemon', "$dir/empty", $how);
		my ($child) = $text =~ /child (\d+)/;
		is($status, 5 << 8, "a daemon, $how: its parent's status");
		skip "a daemon, $how: no close_range here", 3 if $text !~ /stays 1/;
		kill 'USR1', $child;
		ok(wait_for(sub { (slurp("$dir/run/out.$child") // '') =~ /={65}\n.*\[size\/peak: 333 bytes.*={65}\n\z/s }, 30), "a daemon, $how: a dump by a signal");
		kill 'KILL', $child;
		like(wait_dump("$dir/run/out.$child"), qr/={65}\n.*which was killed.*\n.* keep_child .*={65}\n\z/s, "a daemon, $how, killed: the final dump in the same file");
		is(join(' ', glob "$dir/empty/*"), '', "a daemon, $how: and none in its root");
	}
}

# The OOM killer of a control group that the watcher is in, too.
SKIP: {
	my ($group) = grep { mkdir "$_/heaptrace-$$" } '/sys/fs/cgroup/memory', '/sys/fs/cgroup';
	my ($limit) = grep { defined $group && -e "$group/heaptrace-$$/$_" } 'memory.limit_in_bytes', 'memory.max';
	rmdir "$group/heaptrace-$$" if defined $group && !defined $limit;
	skip 'no control groups with memory limits here', 4 unless defined $limit;
	$group .= "/heaptrace-$$";
	system("echo 40000000 >$group/$limit; test ! -e $group/memory.swap.max || echo 0 >$group/memory.swap.max");
	unlink glob("$dir/run/*");
	my ($status) = run(undef, '/bin/sh', '-c', 'echo $$ >"$0"; exec "$@"', "$group/cgroup.procs", $heaptrace, "--outfile=$dir/run/out", $work, "$dir/cells", 'oom');
	is($status, 9, 'the OOM killer: the status');
	like(wait_dump("$dir/run/out"), qr/which was killed.*work_alloc_0/s, 'the OOM killer: a dump');
	($status) = run(undef, '/bin/sh', '-c', 'echo $$ >"$0"; exec "$@"', "$group/cgroup.procs", $heaptrace, "--record=$dir/run/rec", "--outfile=$dir/run/out", $work, "$dir/cells", 'oom');
	is($status, 9, 'the OOM killer, recorded: the status');
	like((run(undef, $heaptrace, "--report=$dir/run/rec"))[1], qr/work_alloc_0.*={65}\n\z/s, 'the OOM killer, recorded: a report');
	wait_for(sub { rmdir $group }, 5);
}

# How old things were when a process was killed, as --report has it, later and elsewhere.
{
	my $idle = build('allocator_info', 'idle');
	my %seconds = (ns => 1e-9, us => 1e-6, ms => 1e-3, secs => 1);
	my $report_ages = sub {
		my ($file, $meanwhile) = @_;
		my ($report) = start(undef, $heaptrace, "--report=$file", '--top=0', '--no-lines');
		$meanwhile->($report) if $meanwhile;
		my ($status, $text, $err) = (finish($report, 60), slurp("$dir/stdout"), slurp("$dir/stderr"));
		my @ages = map { /\[age: (\d+) mins? (\d+)/ ? 60 * $1 + $2 : /\[age: ([\d.]+) (\w+)/ ? $1 * ($seconds{$2} // 0) : () } split /\n/, $text;
		return (\@ages, "$status$err");
	};
	my $kill_idle = sub {
		my @options = @_;
		unlink glob("$dir/run/*");
		my ($pid, $in) = start(undef, $heaptrace, @options, "--record=$dir/run/rec", "--outfile=$dir/run/out", $idle, 'wait');
		wait_word('ready');
		select undef, undef, undef, 0.7;
		kill 'KILL', $pid;
		finish($pid, 10);
	};
	$kill_idle->();
	wait_for(sub { !watchers() }, 10);
	select undef, undef, undef, 0.5;	# the report comes later
	my ($ages, $said) = $report_ages->("$dir/run/rec");
	is($said, 0, 'recorded and killed: a report');
	is(join(' ', grep { $_ < 0.68 || $_ > 30 } @$ages), '', 'recorded and killed: as old as things were then');
	is(scalar @$ages, 2, 'recorded and killed: the rows');
	is(slurp("$dir/run/out") =~ /dump allocation/ ? 1 : 0, 0, 'recorded and killed: the watcher prints nothing');
	system('cp', "$dir/run/rec", "$dir/run/copy");
	my ($later) = $report_ages->("$dir/run/copy");
	is("@$later", "@$ages", 'recorded and killed: the same in a copy');

	# A report that comes before the watcher has noted the end: it waits for that.
	for my $continues (1, 0) {
		wait_for(sub { !watchers() }, 30);
		unlink glob("$dir/run/*");
		my ($pid, $in) = start(undef, $heaptrace, "--record=$dir/run/rec", "--outfile=$dir/run/out", $idle, 'wait');
		wait_word('ready');
		my @stopped;
		wait_for(sub { @stopped = watchers() });	# the process may be ready before its watcher has its name
		kill 'STOP', @stopped;
		select undef, undef, undef, 0.7;
		kill 'KILL', $pid;
		finish($pid, 10);
		($ages, $said) = $report_ages->("$dir/run/rec", sub {
			my ($report) = @_;
			wait_for(sub { (slurp("/proc/$report/syscall") // '') =~ /^(?:202|98) / }, 10);	# it sleeps, by futex()
			kill $continues ? 'CONT' : 'KILL', @stopped;
		});
		is(scalar @stopped, 1, "recorded, killed, a watcher that is late: there is one, $continues");
		if ($continues) {
			is($said, 0, 'recorded, killed, a watcher that is late: a report');
			is(join(' ', grep { $_ < 0.68 || $_ > 30 } @$ages), '', 'recorded, killed, a watcher that is late: ages');
		} else {
			like($said, qr/^0heaptrace: nobody noted in /, 'recorded, killed, the watcher killed: that is said');
		}
	}

	# Without a watcher the file's own time says something, but not that of a copy.
	$kill_idle->('--no-watch');
	utime time + 100, time + 100, "$dir/run/rec";
	($ages, $said) = $report_ages->("$dir/run/rec");
	is(join(' ', grep { $_ < 90 || $_ > 200 } @$ages), '', 'recorded, without a watcher: ages by the time of the file');
	like($said, qr/^0heaptrace: nobody noted in \S+ when the process ended/, 'recorded, without a watcher: that is said');
	system('cp', "$dir/run/rec", "$dir/run/copy");
	utime time + 100, time + 100, "$dir/run/copy";
	($ages) = $report_ages->("$dir/run/copy");
	is(join(' ', grep { $_ > 30 } @$ages), '', 'recorded, without a watcher: not by the time of a copy');

	# One that ended by itself, long before the report.
	unlink glob("$dir/run/*");
	my ($status) = run(undef, $heaptrace, "--record=$dir/run/rec", "--outfile=$dir/run/out", '/bin/sh', '-c', 'sleep 0.5; :');
	select undef, undef, undef, 1;
	($ages, $said) = $report_ages->("$dir/run/rec");
	my ($own) = slurp("$dir/run/out") =~ /\[age: ([\d.]+ \w+)\]/;
	ok(@$ages && $said eq '0' && !(grep { $_ > 0.5 * 20 } @$ages) && (grep { $_ >= 0.48 } @$ages), 'recorded, ended: as old as at the end');
}

# A server under its benchmark.
SKIP: {
	my $server = `sh -c 'command -v redis-server'`;
	my $client = `sh -c 'command -v redis-benchmark'`;
	chomp($server, $client);
	skip 'no redis', 3 unless $server && $client;
	for my $how ('watch', 'record') {
		unlink glob("$dir/run/*");
		my ($pid, $in) = start(undef, $heaptrace, "--outfile=$dir/run/out", ($how eq 'record' ? "--record=$dir/run/rec" : ()),
				       $server, '--port', 0, '--unixsocket', "$dir/run/sock", '--save', '', '--dir', $dir);
		wait_for(sub { -S "$dir/run/sock" }, 10);
		my $bench = fork // die;
		if (!$bench) {
			open STDOUT, '>', '/dev/null';
			open STDERR, '>', '/dev/null';
			exec $client, '-s', "$dir/run/sock", '-q', '-n', 10000000, '-t', 'set,lpush,sadd', '-r', 10000;
		}
		select undef, undef, undef, 0.7;
		kill 'KILL', $pid;
		finish($pid, 10);
		kill 'KILL', $bench;
		waitpid $bench, 0;
		my $text = $how eq 'record' ? (run(undef, $heaptrace, "--report=$dir/run/rec"))[1] : wait_dump("$dir/run/out");
		like($text, qr/ processCommand| call |createObject|sdsnewlen|zmalloc|redis-server \(\+0x/, "redis-server, $how: a dump");
		my $named = () = $text =~ /^ *\d+ \[ *0x[0-9a-f]+\] [a-zA-Z_]\S* \+0x/mg;
		cmp_ok($named, '>=', 5, "redis-server, $how: with names");
	}
}

# While it writes a document: the watcher removes the unfinished file.
{
	my ($left, $tries) = ('', 0);
	while (!$left && $tries++ < 20) {
		unlink glob "$dir/run/*";
		my ($pid, $in) = start(undef, $heaptrace, '--flame-graph', '--depth=20', "--outfile=$dir/run/out", $work, "$dir/cells", 'stacks');
		wait_word('ready');
		kill 'USR1', $pid;
		my $end = time + 10;
		until ($left || -e "$dir/run/out" || time > $end) {
			($left) = glob "$dir/run/*.tmp";
		}
		kill 'KILL', $pid;
		finish($pid, 10);
		$left = '' if !-e ($left || "$dir/none");	# it was complete already
	}
	SKIP: {
		skip 'no document was being written', 2 if !$left;
		ok(wait_for(sub { bad_folded(slurp("$dir/run/out") // '-') eq '' }, 20), 'killed while it writes a document: there is a whole one');
		ok(wait_for(sub { !-e $left }, 30), 'and no unfinished one');
	}
}
done_testing;
