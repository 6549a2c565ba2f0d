#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --control: each command on a program whose figures are known, through each way to the table; commands that wait, that
# are refused, that come in fast succession and from several controllers, and controllers that are killed.
use strict;
use warnings;
use Cwd;
use Test::More;
use Time::HiRes qw(sleep time);
require './tests/process.pl';
our ($dir, $heaptrace);

build('windows', 'windows');
$heaptrace = getcwd() . '/heaptrace' if $heaptrace eq './heaptrace';
my $library = ($heaptrace =~ s{[^/]*\z}{}r) . 'libheaptrace.so';
delete @ENV{qw(HEAPTRACE_OPTIONS LD_PRELOAD)};
$ENV{LC_ALL} = 'C.UTF-8';

my $steps;	# that the subject has taken
sub begin {
	my (@command) = @_;
	my ($pid, $in) = start(undef, @command);
	$steps = 0;
	wait_for(sub { (slurp("/proc/$pid/cmdline") // '') =~ m{^\Q$dir\E/windows} }, 20);
	return ($pid, $in);
}
sub steps {
	my ($in, $what) = @_;
	take_steps($in, $what, $steps, 0);
	$steps += length $what;
}

# Runs heaptrace: its exit status, and what it printed.
sub heaptrace {
	my $text = `$heaptrace @{[map { "'" . s/'/'\\''/gr . "'" } @_]} 2>&1`;
	return ($? >> 8, $text);
}
sub control { return heaptrace("--control=$_[0]", @_[1 .. $#_]) }

# The calls and the live blocks of a function in a dump of all backtraces.
sub figures {
	my ($text, $function) = @_;
	for my $row (split /^(?==== backtrace)/m, $text) {
		next unless $row =~ /^ 1 \[[^]]*\] $function /m;
		my ($count) = $row =~ /\[count\/peak: (\d+)\//;
		my ($calls) = $row =~ /\[total-count: (\d+)\]/;
		return "$count of $calls";
	}
	return 'none';
}
# What has happened to the recording of a process, as its table has it: "off on mark".
sub events_of { return join ' ', (heaptrace("--dump=$_[0]", '--format=json'))[1] =~ /"kind":"(\w+)"/g }
sub dump_of { return (heaptrace("--dump=$_[0]", '--top=0', '--sort=total-count', '--no-lines'))[1] }

# ---- Through each way to the table ----

for my $way (['the memfd of the watcher', $heaptrace, "--outfile=$dir/out"],
	     ['the file of --record', $heaptrace, "--outfile=$dir/out", "--record=$dir/rec"],
	     ['the memory of the process', 'env', "LD_PRELOAD=$library", "HEAPTRACE_OPTIONS=outfile=$dir/out"]) {
	my ($name, @command) = @$way;
	unlink "$dir/out", "$dir/rec";
	my ($pid, $in) = begin(@command, "$dir/windows");
	steps($in, 'ab');
	my ($status, $text) = control($pid, 'off');
	is("$status$text", '0', "$name: off, without a word");
	steps($in, 'abbx');
	my $dump = dump_of($pid);
	is(figures($dump, 'site_a'), '6 of 10', "$name: what is allocated then is not recorded, and frees are");
	is(figures($dump, 'site_b'), '3 of 3', "$name: the other backtrace stays as it was");
	is(join('', control($pid, 'mark=after b', 'on')), '0', "$name: two commands");
	steps($in, 'b');
	is(join('', control($pid, 'dump')), '0', "$name: dump");
	ok(wait_for(sub { (slurp("$dir/out") // '') =~ /dump 1 on request.*^=+$/ms }, 10), "$name: the program has written it");
	is(join('', control($pid, 'clear')), '0', "$name: clear");
	is(join('', control($pid, 'sample=64K', 'sample=all')), '0', "$name: rates");
	close $in;
	is(finish($pid, 20), 0, "$name: the program ends as it would");
}

# ---- What is refused ----

for my $case (['no command', qr/needs a command: on, off/], ['a word that is none', qr/'of' is no command for --control, which takes on, off/, 'of'],
	      ['an empty mark', qr/mark= needs a text/, 'mark='], ['a mark too long', qr/has 48 bytes.*room for 47/, 'mark=' . 'x' x 48],
	      ['a control character', qr/not plain UTF-8/, "mark=a\x1bb"], ['broken UTF-8', qr/not plain UTF-8/, "mark=\xc3("],
	      ['a rate that is none', qr/sample=-1: not a number/, 'sample=-1'],
	      ['the second of two', qr/'nope' is no command/, 'on', 'nope']) {
	my ($name, $message, @commands) = @$case;
	my ($status, $text) = control($$, @commands);
	is($status, 125, "$name: refused");
	like($text, $message, "$name: the message");
}
{
	my ($status, $text) = control($$, 'on');
	is($status, 125, 'a process that is not traced');
	like($text, qr/^heaptrace: process $$ cannot be controlled: heaptrace does not trace it/, 'the message says why');
	($status, $text) = control(4194304 + 5, 'on');
	like($text, qr/there is no such process/, 'a process that is none');
	($status, $text) = heaptrace('--top=3', "--control=$$", 'on');
	like($text, qr/--control takes no other option .*: leave --top out/, 'no option beside it');
}

# ---- A program that does not allocate ----

{
	my ($pid, $in) = begin($heaptrace, "--record=$dir/idle", "--outfile=$dir/out", "$dir/windows", 'idle');
	steps($in, 'a');
	my ($status, $text) = control($pid, 'off');
	is($status, 0, 'a program that is idle: the command is left to it');
	like($text, qr/^heaptrace: process $pid allocates nothing at present: 'off' takes effect at its next allocation\n\z/, 'which is said');
	($status, $text) = control($pid, 'on');
	is($status, 125, 'a second command finds no place');
	like($text, qr/^heaptrace: process $pid allocates nothing at present: 'off', given \S+ \S+ ago, waits for its next allocation, so 'on' was not given: give it again then /,
	     'which is said, and which one is in the way since when');
	($status, $text) = control($pid, 'off');
	is("$status $text", "0 heaptrace: process $pid allocates nothing at present: 'off' takes effect at its next allocation\n", 'but the same once more is taken');
	steps($in, 'ab');
	is(figures(dump_of($pid), 'site_a'), '10 of 10', 'the command took effect with the next allocation');
	close $in;
	is(finish($pid, 20), 0, 'the program ends as it would');
	my $windows = join '', grep { /windows of the recording/ } split /^/, (heaptrace("--report=$dir/idle"))[1];
	like($windows, qr/: 1 from 0 ns to \d/, 'and the record has that window');
}

# What takes the place of a command that waits: an end to what would begin, and another rate.
for my $way (['a mapped table', $heaptrace, "--record=$dir/idle", "--outfile=$dir/out", '--start=off'],
	     ['the memory of the process', 'env', "LD_PRELOAD=$library", "HEAPTRACE_OPTIONS=outfile=$dir/out:start=off"]) {
	my ($name, @command) = @$way;
	my ($pid, $in) = begin(@command, "$dir/windows", 'idle');
	wait_for(sub { !(heaptrace("--dump=$pid"))[0] }, 20);	# the program may not yet have begun to trace
	is((control($pid, 'on'))[0], 0, "$name: on waits");
	is((control($pid, 'off'))[0], 0, "$name: off takes its place");
	steps($in, 'a');
	like(dump_of($pid), qr/windows of the recording: none so far/, "$name: nothing was recorded");
	is((control($pid, 'sample=1G'))[0], 0, "$name: a rate waits");
	is((control($pid, 'sample=all'))[0], 0, "$name: another one takes its place");
	like((control($pid, 'mark=x'))[1], qr/'sample=all', given .* ago, waits .* so 'mark=x' was not given/, "$name: a mark does not");
	steps($in, 'a');
	is(join('', control($pid, 'on')) =~ /takes effect/ ? 1 : 0, 1, "$name: then there is room for on");
	steps($in, 'aa');
	is(figures(dump_of($pid), 'site_a'), '20 of 20', "$name: which records each block");
	close $in;
	is(finish($pid, 20), 0, "$name: the program ends as it would");
}

# ---- More windows than there is room for ----

{
	my ($pid, $in) = begin($heaptrace, "--record=$dir/many", "--outfile=$dir/out", "$dir/windows");
	steps($in, 'a');
	my ($status, $text) = control($pid, ('off', 'on') x 70);
	is($status, 0, '140 commands');
	like($text, qr/as many windows as its table has room for: 'on' takes effect, but reports have what follows in the last window of their list/,
	     'of which reports will not list all');
	($status, $text) = control($pid, 'mark=x');
	like($text, qr/'mark=x' is not noted/, 'and no mark finds room');
	($status, $text) = control($pid, 'sample=4K');
	like($text, qr/'sample=4K' has no effect/, 'nor does a rate');
	($status, $text) = heaptrace("--dump=$pid", '--timeline', '--short');
	my @listed = $text =~ /^ {12}[\[\]] after /mg;
	like($text, qr/^ {12}\.\.\. (\d+) earlier\n {12}[\[\]] after /m, 'the timeline lists the newest, and says how many there were');
	is($text =~ /\.\.\. (\d+) earlier/ ? @listed + $1 : 0, scalar(split / /, events_of($pid)), '... all together');
	steps($in, 'ax');
	is(figures(dump_of($pid), 'site_a'), '16 of 20', 'blocks are recorded all the same');
	steps($in, 'a');
	control($pid, 'off', 'on');
	steps($in, 'a');
	my $dump = dump_of($pid);
	is(scalar(() = $dump =~ /^ 1 \[[^]]*\] site_a /mg), 1, 'a backtrace is one row, although the window that it came in is not in the list');
	is(figures($dump, 'site_a'), '36 of 40', 'with all blocks');
	like($dump, qr/ 64 from \S+ \S+ on$/m, 'the last window goes on');
	is((heaptrace("--dump=$pid", '--window=last', '--top=0', '--no-lines', '--sort=total-count'))[1] =~ /site_a/ ? 1 : 0, 1, 'and has what is in no other one');
	control($pid, 'clear');
	steps($in, 'a');
	is(figures(dump_of($pid), 'site_a'), '10 of 10', 'and cleared');
	control($pid, 'off');
	steps($in, 'a');
	like(dump_of($pid), qr/ 64 from \S+ \S+ to \S+ \S+$/m, 'and ends with the recording');
	control($pid, 'on');
	like(dump_of($pid), qr/ 64 from \S+ \S+ on$/m, 'goes on');
	control($pid, 'off');
	close $in;
	is(finish($pid, 20), 0, 'the program ends as it would');
	like((heaptrace("--report=$dir/many"))[1], qr/ 64 from \S+ \S+ to \S+ \S+$/m, 'and has ended in the record');
}

# ---- A signal for the clear ----

{
	my ($pid, $in) = begin($heaptrace, '--signal-clear=QUIT', "--record=$dir/quit", "--outfile=$dir/out", "$dir/windows");
	steps($in, 'ab');
	kill 'QUIT', $pid;
	ok(wait_for(sub { dump_of($pid) =~ /figures since the clear/ }, 10), '--signal-clear: the figures begin anew');
	steps($in, 'ax');
	is(figures(dump_of($pid), 'site_a'), '10 of 10', 'and have what came since');
	close $in;
	is(finish($pid, 20), 0, 'the program ends as it would');
}

# ---- Under load, many commands, many controllers, and kills in between ----

spit("$dir/load.c", <<'EOF2');
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
static atomic_int ends;
static atomic_long mallocs;
static __attribute__((noinline)) void *work(void *n)
{
	unsigned seed = (unsigned)(long)n;
	void *volatile kept[64] = { 0 };
	for (long i = 0; !ends; i++) {
		int k = rand_r(&seed) % 64;
		free(kept[k]);
		kept[k] = malloc(1 + rand_r(&seed) % 3000);
		if (i % 64 == 63)
			usleep(200);
	}
	for (int k = 0; k < 64; k++)
		free(kept[k]);
	return 0;
}
int main(void)
{
	pthread_t t[8];
	char c;
	for (long i = 0; i < 8; i++) pthread_create(&t[i], 0, work, (void *)i);
	while (read(0, &c, 1) == 1)
		;
	ends = 1;
	for (int i = 0; i < 8; i++) pthread_join(t[i], 0);
	return 0;
}
EOF2
compile("$dir/windows-load", '-O1', '-g', '-pthread', "$dir/load.c") or die log_text();
for my $way (['through the memfd', $heaptrace, "--outfile=$dir/out"],
	     ['through the memory', 'env', "LD_PRELOAD=$library", "HEAPTRACE_OPTIONS=outfile=$dir/out"]) {
	my ($name, @command) = @$way;
	my ($pid, $in) = begin(@command, "$dir/windows-load");
	wait_for(sub { !(heaptrace("--dump=$pid"))[0] }, 20);	# the program may not yet have begun to trace
	my @bad;
	for my $round (1 .. 5) {
		for my $commands (['off'], ['on'], ['mark=x', 'sample=4K'], ['clear'], ['sample=all', 'off', 'on']) {
			my ($status, $text) = control($pid, @$commands);
			# On a busy machine all threads may wait for a processor for that long. The last command takes effect then.
			push @bad, "$status $text" if $status || $text !~ /^(?:|heaptrace: process $pid allocates nothing at present: .*\n)$/;
		}
	}
	is("@bad", '', "8 threads, $name: 40 commands in fast succession are accepted");
	my $events = join ' ', ('off on mark sample clear sample off on') x 5;
	wait_for(sub { events_of($pid) eq $events }, 30);
	is(events_of($pid), $events, "$name: and each of them is carried out once, in their order");
	my @controllers;
	for my $n (1 .. 8) {
		my $child = fork // die;
		if (!$child) {
			open STDOUT, '>', "$dir/controller.$n";
			open STDERR, '>&', \*STDOUT;
			exec $heaptrace, "--control=$pid", ('off', 'on') x 2, 'mark=end';
		}
		push @controllers, $child;
	}
	kill 'KILL', @controllers[0, 3];
	my $failed = 0;
	for my $n (1 .. 8) {
		waitpid $controllers[$n - 1], 0;
		$failed++ if $? && $n != 1 && $n != 4;
	}
	is($failed, 0, "$name: several controllers take turns, and some are killed");
	my ($status, $text) = control($pid, 'clear', 'mark=last');
	is("$status$text", '0', "$name: commands are still carried out");
	($status, $text) = heaptrace("--dump=$pid", '--short');
	is($status, 0, "$name: a dump");
	like($text, qr/figures since the clear/, "$name: which tells of the clear");
	close $in;
	is(finish($pid, 20), 0, "$name: the program ends as it would");
	my ($leaked) = (slurp("$dir/out") // '') =~ /.*total memory leaked: (\S+ \S+)/s;
	like($leaked // '0', qr/^(?:0|[\d.]+ (?:bytes|KB))/, "$name: what it has freed is not live");
	unlike(slurp("$dir/out") // '', qr/unknown block/, "$name: and no free is of an unknown block");
}

# ---- Programs that people run ----

SKIP: {
	my ($python) = grep { -x } map { "$_/python3" } split /:/, $ENV{PATH};
	skip 'there is no python3', 3 unless $python;
	my ($pid, $in) = start(undef, $heaptrace, '--start=off', "--outfile=$dir/out", 'env', 'PYTHONMALLOC=malloc', $python, '-c',
		"import sys, time\nkept = []\nfor i in range(9000):\n\tkept.append(bytearray(5000))\n\ttime.sleep(0.01)");
	wait_for(sub { (readlink("/proc/$pid/exe") // '') =~ /python/ && (slurp("/proc/$pid/maps") // '') =~ /libheaptrace/ }, 30);
	sleep 0.5;
	my ($status, $text) = control($pid, 'on');
	is("$status$text", '0', 'python3: on');
	# On a busy machine it may still be starting.
	ok(wait_for(sub { $text = (heaptrace("--dump=$pid", '--sort=total-count', '--no-lines'))[1]; $text =~ /PyByteArray/ }, 60),
	   'its allocations are seen') or diag($text);
	like($text, qr/windows of the recording: 1 from/, 'in the first window');
	kill 'KILL', $pid;
	finish($pid, 10);
}
SKIP: {
	skip 'there is no redis-server', 4 unless has('redis-server') && has('redis-cli');
	my $port = 20000 + $$ % 20000;
	my ($pid, $in) = start(undef, $heaptrace, '--start=off', "--outfile=$dir/out", 'redis-server', '--port', $port, '--save', '', '--dir', $dir);
	my $ready = wait_for(sub { `redis-cli -p $port ping 2>/dev/null` =~ /PONG/ }, 30);
	skip 'redis-server does not start', 4 unless $ready;
	my ($status, $text) = control($pid, 'on', 'mark=filling');
	is("$status$text", '0', 'redis-server: on');
	system("redis-cli -p $port debug populate 2000 key 100 >/dev/null 2>&1; redis-cli -p $port set a b >/dev/null");
	($status, $text) = control($pid, 'off');
	is("$status$text", '0', 'off');
	($status, $text) = heaptrace("--dump=$pid", '--summary', '--window=1', '--short');
	like($text, qr/figures of: window 1, from/, 'the window is there');
	system("redis-cli -p $port shutdown nosave >/dev/null 2>&1");
	is(finish($pid, 20), 0, 'it ends as it would');
}

# A command that is given while the program starts, when others see its table already: it is carried out as any other.
SKIP: {
	skip 'no gdb', 1 if system('gdb --version >/dev/null 2>&1 </dev/null');
	pipe(my $from, my $to) or die;
	my $gdb = fork // die;
	if (!$gdb) {
		open STDIN, '<&', $from;
		open STDOUT, '>', "$dir/gdb";
		open STDERR, '>&', \*STDOUT;
		close $to;
		my @do = ('set breakpoint pending on', 'set startup-with-shell off',
			"set environment LD_PRELOAD=$library", "set environment HEAPTRACE_OPTIONS=start=off:record=$dir/early:outfile=$dir/out", 'break control_start', 'run',
			"python import os; p = gdb.selected_inferior().pid; print('process', p, flush=True); " .
				"os.system('$heaptrace --control=%d on >$dir/early.said 2>&1 & sleep 0.3' % p)", 'detach');
		exec 'gdb', '-batch', '-nx', (map { ('-ex', $_) } @do), '--args', "$dir/windows";
	}
	waitpid $gdb, 0;
	my ($pid) = slurp("$dir/gdb") =~ /^process (\d+)/m;
	skip 'gdb cannot run a program here', 1 unless $pid;
	ok(wait_for(sub { events_of($pid) eq 'on' }, 10), 'a command given while the program starts is carried out') or diag(slurp("$dir/early.said"), slurp("$dir/gdb"));
	kill 'KILL', $pid;
}

done_testing();
