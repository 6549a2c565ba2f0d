#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Dumps without a signal (--every, --above, --dump), and by other signals (--signal-size,
# --signal-count). None of the former does anything that the program could notice: it has no
# thread, timer or wake-up of heaptrace's.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('triggers', 'triggers');
my $file = "$dir/out";

sub begin {
	my ($options, @args) = @_;
	unlink glob "$file*";
	my ($pid, $in) = start(undef, $heaptrace, '--no-lines', "--outfile=$file", @$options, $subject, @args);
	wait_word('ready') or diag("no start: @$options @args");
	return ($pid, $in);
}

sub dumps {
	my @found = (slurp($file) // '') =~ /sorted by ([\w-]+)/g;
	return @found;
}

# A field of /proc/PID/status.
sub status_of {
	my ($pid, $field) = @_;
	return (slurp("/proc/$pid/status") // '') =~ /^$field:\s+(\S+)/m ? $1 : 'none';
}

# Waits until the program sleeps: it says that it is ready before it does. A thread is called asleep just before the switch
# to another one is counted, so the count has to stand still, too.
sub sleeps {
	my ($pid) = @_;
	my $before = '';
	wait_for(sub {
		my $now = join ' ', map { status_of($pid, $_) } 'State', 'voluntary_ctxt_switches', 'nonvoluntary_ctxt_switches';
		my $same = $now eq $before;
		$before = $now;
		sleep 0.05;
		return $same && $now =~ /^S/;
	}, 30);
}

# --every: on time, of a program that sleeps on.
for my $options (['--every=0.1'], ['--every=0.1', '--sort=count,age']) {
	my ($pid, $in) = begin($options, 'idle');
	my $early = dumps() + 1;	# on a busy machine: before it was ready
	ok(wait_for(sub { dumps() >= $early + 3 }, 30), "@$options: dumps come");
	sleeps($pid);
	my @before = map { status_of($pid, $_) } 'voluntary_ctxt_switches', 'nonvoluntary_ctxt_switches';
	my $so_far = dumps();
	ok(wait_for(sub { dumps() >= $so_far + 4 }, 30), "@$options: and go on coming");
	my @after = map { status_of($pid, $_) } 'voluntary_ctxt_switches', 'nonvoluntary_ctxt_switches';
	is("@after", "@before", "@$options: the program is not woken up");
	is(status_of($pid, 'Threads'), 1, "@$options: it has no thread more");
	close $in;
	is(finish($pid, 30), 0, "@$options: exit status");
	my ($bad, @keys) = text_dumps(slurp($file));
	is($bad, '', "@$options: whole dumps");
	my $right = () = slurp($file) =~ /size\/peak: 5\.000 KB\/5\.000 KB/g;
	cmp_ok($right, '>=', @keys - $early * (split /,/, $options->[1] // '1'), "@$options: right figures");
}
{
	my ($pid, $in) = begin(['--every=0.1', '--flame-graph'], 'fork');
	my ($child) = slurp("$dir/stdout") =~ /child (\d+)/;
	ok(wait_for(sub { folded_weight(slurp("$file.$child"), 'keep_blocks') == 5700 }, 30), '--every: of a forked child, too');
	ok(wait_for(sub { folded_weight(slurp($file), 'keep_blocks') == 5000 }, 30), '--every: and of its parent');
	close $in;
	finish($pid, 30);
}
{
	# A dump takes longer than the time here, so one is always due: the processes take turns.
	my $sleep = 'perl -e "select undef, undef, undef, 1.5"';
	run(undef, $heaptrace, '--every=0.001', "--outfile=$dir/turn.%p", '/bin/sh', '-c', "$sleep & $sleep & $sleep & wait");
	my @counts = sort { $b <=> $a } map { scalar(() = slurp($_) =~ /sorted by/g) } glob "$dir/turn.*";
	cmp_ok($counts[2] // 0, '>=', ($counts[0] // 1) / 4, '--every: slow dumps of several processes take turns')
		or diag("dumps of each process: @counts");
}
for my $options (['--no-watch'], ["--record=$dir/record"]) {
	my ($status, undef, $err) = run(undef, $heaptrace, '--every=1', @$options, '/bin/true');
	is($status, 125 << 8, "--every @$options: refused");
	like($err, qr/^heaptrace: --every needs the watcher.*\n\z/, "--every @$options: why");
}

{
	my $without = sub { $ENV{LD_PRELOAD} = POSIX::getcwd() . '/libheaptrace.so'; $ENV{HEAPTRACE_OPTIONS} = 'every=1' };
	my (undef, undef, $err) = run($without, $subject, 'idle');
	like($err, qr/^\[heaptrace\] every: needs the watcher, so no dump comes by itself: start the program as heaptrace --every=SECONDS PROGRAM/m, '--every without the wrapper: it is said');
}

# An idle program, and one that only computes: nothing of ours runs in them.
SKIP: {
	my ($strace) = grep { -x } map { "$_/strace" } split /:/, $ENV{PATH};
	for my $what ('idle', 'compute') {
		my ($pid, $in) = begin(['--every=0.05'], $what);
		ok(wait_for(sub { dumps() >= 2 }, 30), "$what: there are dumps");
		sleeps($pid) if $what eq 'idle';
		my $before = status_of($pid, 'voluntary_ctxt_switches');
		select undef, undef, undef, 0.3;
		is(status_of($pid, 'voluntary_ctxt_switches'), $before, "$what: no wake-ups");
		is(scalar(() = glob "/proc/$pid/task/*"), 1, "$what: one thread");
		is(slurp("/proc/$pid/timers") // '', '', "$what: no timer");
		SKIP: {
			skip 'needs strace', 1 unless $strace;
			system("timeout -s INT 0.5 $strace -qq -o $dir/strace -p $pid >/dev/null 2>&1");
			my @calls = grep { !/^(?:read\(0, ?|restart_syscall|strace|.*<detached)/ } split /\n/, slurp("$dir/strace") // '';
			is("@calls", '', "$what: no system calls");
		}
		kill 'KILL', $pid;
		finish($pid, 30);
		ok(wait_for(sub { slurp($file) =~ /finalized.*={65}\n.*={65}\n/s }, 30), "$what: killed, the watcher dumps");
	}
}

# --above: at each multiple that the heap passes for the first time.
for my $what ('grow', 'grow threads') {
	my ($pid, $in) = begin(['--above=500k', '--sort=count'], $what);
	close $in;
	is(finish($pid, 30), 0, "--above, $what: exit status");
	my ($bad, @keys) = text_dumps(slurp($file));
	is("$bad@keys", 'count count count count count', "--above, $what: four dumps, and the last");
	my @sizes = slurp($file) =~ /allocation size  : (\S+ \S+)/g;
	my @near = map { my ($n, $unit) = split / /; $n * ($unit eq 'MB' ? 1000 : 1) } @sizes;
	is(join(' ', map { int($_ / 500) } @near), '1 2 3 4 4', "--above, $what: at the right sizes") or diag("@sizes");
}

# --dump: of a program that owns both signals, or has any other use for them.
for my $options ([], ['--no-watch'], ["--record=$dir/record"]) {
	my ($pid, $in) = begin($options, 'own');
	sleeps($pid);
	my @before = map { status_of($pid, $_) } 'voluntary_ctxt_switches', 'nonvoluntary_ctxt_switches';
	my ($fd_count) = scalar(() = glob "/proc/$pid/fd/*");
	my $stdout = slurp("$dir/stdout");
	my $text = `$heaptrace --dump=$pid --sort=peak-size 2>&1`;
	is($?, 0, "--dump @$options: exit status");
	my ($bad, @keys) = text_dumps($text);
	is("$bad@keys", 'peak-size', "--dump @$options: one dump") or diag($text);
	like($text, qr/size\/peak: 5\.000 KB.*\n 0 .*malloc.*\n 1 .*keep_blocks/, "--dump @$options: with figures and names");
	like($text, qr/statm info .* : [1-9]/, "--dump @$options: and the process's size");
	my $folded = `$heaptrace --dump $pid --flame-graph --outfile=$dir/folded && cat $dir/folded`;
	is(folded_weight($folded, 'keep_blocks'), 5000, "--dump @$options: in another format, to a file");
	my @after = map { status_of($pid, $_) } 'voluntary_ctxt_switches', 'nonvoluntary_ctxt_switches';
	is("@after", "@before", "--dump @$options: the program has not noticed");
	is(slurp("$dir/stdout"), $stdout, "--dump @$options: nor had a signal");
	close $in;
	is(finish($pid, 30), 0, "--dump @$options: its exit status");
	my @said = slurp($file) =~ /^\[heaptrace\] the program (.*)$/mg;
	is(scalar @said, 2, "--dump @$options: told when it takes the one, and the other");
	like($said[0], qr/^handles SIGUSR1 itself: SIGUSR2 still gives a dump \(by count\), so does heaptrace --dump=PID,/, "--dump @$options: how");
	like($said[1], qr/^handles SIGUSR1 and SIGUSR2 itself: heaptrace --dump=PID gives a dump,/, "--dump @$options: how when it has both");
}
{
	my ($pid, $in) = begin([], 'fork');
	my ($child) = slurp("$dir/stdout") =~ /child (\d+)/;
	ok(wait_for(sub { folded_weight(scalar `$heaptrace --dump=$child --flame-graph`, 'keep_blocks') == 5700 }, 30),
	   '--dump: of a forked child');
	my $user = sub { POSIX::setgid(65534); POSIX::setuid(65534) };
	SKIP: {
		skip 'needs root', 2 if $>;
		chmod 0755, $dir;
		my ($status, undef, $err) = run($user, POSIX::getcwd() . '/heaptrace', "--dump=$pid");
		is($status, 125 << 8, "--dump: another user's is refused");
		like($err, qr/^heaptrace: process $pid cannot be dumped: its memory may not be read: .*\n\z/, '--dump: and it is said why');
	}
	close $in;
	finish($pid, 30);
	for ([$$ => 'does not trace it'], [$pid => 'no such process'], [0 => 'not a whole number'], [x => 'not a whole number']) {
		my $text = `$heaptrace --dump=$_->[0] 2>&1`;
		is($? >> 8, 125, "--dump=$_->[0]: refused");
		like($text, qr/\Aheaptrace: .*$_->[1].*\n\z/, "--dump=$_->[0]: $_->[1]");
	}
	my $text = `$heaptrace --dump=$$ /bin/true 2>&1`;
	like($text, qr/^heaptrace: --dump takes no PROGRAM/, '--dump with a program: refused');
}

# --dump where the process's memory may not be read, as with kernel.yama.ptrace_scope: from what
# the watcher holds, or from the file.
SKIP: {
	# Where /proc/PID/mem was there is a device, on a file system without devices: nobody may open it.
	my $hide = 'mkdir -p $1/nodev && mount -t tmpfs -o nodev none $1/nodev && mknod $1/nodev/null c 1 3 &&
		mount --bind $1/nodev/null /proc/$2/mem || exit 77; shift; p=$1; shift; exec "$@" --dump=$p --flame-graph 2>&1';
	my $no_memory = sub {
		my ($pid) = @_;
		my ($status, $text) = run(undef, 'unshare', '-m', '/bin/sh', '-c', $hide, 'sh', $dir, $pid, $heaptrace);
		$? = $status;
		return $text;
	};
	skip 'memory not to be read: needs root and mounts', 6 if $> || system('unshare -m true 2>/dev/null') ||
		do { $no_memory->($$); $? == 77 << 8 };
	for my $options ([], ["--record=$dir/record"], ['--no-watch']) {
		my ($pid, $in) = begin($options, 'fork');
		my ($child) = slurp("$dir/stdout") =~ /child (\d+)/;
		wait_for(sub { folded_weight(scalar `$heaptrace --dump=$child --flame-graph`, 'keep_blocks') == 5700 }, 30);
		for ([$pid => 5000], [$child => 5700]) {
			my ($which, $size) = @$_;
			my $text;
			my $dump = sub { $text = $no_memory->($which) };

			if ("@$options" ne '--no-watch') {
				# On a busy machine the watcher hears of a child late.
				wait_for(sub { $dump->(); folded_weight($text, 'keep_blocks') == $size }, 30);
				is("$? " . folded_weight($text, 'keep_blocks'), "0 $size", "--dump @$options, memory not to be read: $size");
			} else {
				$dump->();
				like("$? $text", qr/^32000 heaptrace: process $which cannot be dumped: its memory may not be read: /, "--dump @$options, memory not to be read: why not");
			}
		}
		close $in;
		finish($pid, 30);
	}
}

# --dump: of a program that forks all the time, and of its children, who have their parent's table
# until they have their own.
for my $options ([], ["--record=$dir/record"]) {
	my ($pid, $in) = begin($options, 'forks');
	my (%parent, %child);
	for (1 .. 12) {
		$parent{"$?: " . folded_weight($_, 'keep_blocks')}++ for scalar `$heaptrace --dump=$pid --flame-graph --no-lines 2>&1`;
		my ($last) = slurp("$dir/stdout") =~ /(\d+)\n\z/;
		next unless $last && -e "/proc/$last";
		my $text = `$heaptrace --dump=$last --flame-graph --no-lines 2>&1`;
		$child{$? ? $text =~ s/\d+/N/gr : folded_weight($text, 'keep_blocks')}++;
	}
	is(join(' ', keys %parent), '0: 5000', "--dump @$options: of a program that forks");
	delete @child{5000, 5700, "heaptrace: process N cannot be dumped: there is no such process\n",
		      "heaptrace: process N cannot be dumped: heaptrace does not trace it (start it as heaptrace PROGRAM, or let heaptrace --pid=PID begin to trace it now)\n"};
	is(join("\n", %child), '', "--dump @$options: of its children");
	close $in;
	finish($pid, 30);
}

# Other signals.
sub by_signals {
	my ($name, $options, $signals, $keys, $status) = @_;
	my ($pid, $in) = begin($options, 'idle');
	for my $signal (@$signals) {
		my $so_far = dumps();
		kill $signal, $pid;
		wait_for(sub { dumps() > $so_far }, 30);
	}
	close $in;
	is(finish($pid, 30), $status, "$name: status");
	my ($bad, @found) = text_dumps(slurp($file));
	is("$bad@found", $keys, "$name: the dumps");
}
my $rtmin = POSIX::SIGRTMIN();
by_signals('RTMIN+2 and TERM', ['--signal-size=RTMIN+2', '--signal-count=SIGTERM'], [$rtmin + 2, 'TERM'], 'size count size', 0);
by_signals('change places', ['--signal-size=USR2', '--signal-count=USR1'], ['USR1', 'USR2'], 'count size size', 0);
by_signals('one', ['--signal-count=none'], ['USR1'], 'size size', 0);
by_signals('none', ['--signal-count=none', '--signal-size=none'], ['USR1'], 'size', POSIX::SIGUSR1());
{
	my ($status, undef, $err) = run(undef, $heaptrace, '--signal-count=USR1', '/bin/true');
	is($status, 125 << 8, 'one signal for both: refused');
	like($err, qr/^heaptrace: --signal-size and --signal-count are the same signal: choose two, or none for one of them\n\z/, 'one signal for both: why');
}

# Who has a dump signal in another way is told.
for ([blocked => 'blocks'], [sigwait => 'waits for'], [signalfd => 'waits for']) {
	my ($what, $verb) = @$_;
	my ($pid, $in) = begin([], $what);
	close $in;
	is(finish($pid, 30), 0, "$what: exit status");
	my @said = slurp($file) =~ /^\[heaptrace\] the program (.*)$/mg;
	is(scalar @said, 1, "$what: told once");
	like($said[0] // '', qr/^$verb SIGUSR1 itself: SIGUSR2 still gives a dump.*--dump=PID/, "$what: what is told");
}
done_testing;
