#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --pid and --detach: processes that run already. Which are refused, with which reason; that the figures are those of what
# the process does from then on; and that programs under load notice nothing of many rounds of attaching and detaching:
# HEAPTRACE_ATTACH_ROUNDS of them (10, if that is not set).
use strict;
use warnings;
use Cwd;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep);
require './tests/process.pl';
our ($dir, $heaptrace);

my $rounds = $ENV{HEAPTRACE_ATTACH_ROUNDS} || 10;
$heaptrace = getcwd() . "/$heaptrace" if $heaptrace !~ m{^/};
delete @ENV{qw(HEAPTRACE_OPTIONS LD_PRELOAD)};

sub build_cxx {
	my ($source, $name) = @_;
	return quiet($ENV{CXX} || 'c++', '-O2', '-g', '-pthread', '-o', "$dir/$name", "tests/subjects/$source.cc");
}

# Runs heaptrace while a subject runs: exit status, both outputs as one text.
sub attach {
	my $text = `timeout 60 @{[map { "'$_'" } $heaptrace, @_]} 2>&1 </dev/null`;
	return ($? >> 8, $text =~ s/\s+/ /gr);
}

# Starts a subject and waits until it is ready. Returns its pid and the end of its input.
sub subject {
	my @command = @_;
	my ($pid, $in) = start(undef, @command);
	wait_word('ready') or BAIL_OUT("@command is not ready");
	return ($pid, $in);
}

sub stop {
	my ($pid) = @_;
	kill 'KILL', $pid;
	return finish($pid, 10);
}

build('attach_target', 'target');
my $target = "$dir/target";

# ---- What is refused ----

# Expects that a subject is refused with these words, and that it goes on.
sub refused {
	my ($words, $name, @command) = @_;
	my ($pid, $in) = subject(@command);
	my ($status, $text) = attach("--pid=$pid");
	is($status, 125, "$name: refused");
	like($text, qr/^heaptrace: process $pid \([^)]*\) cannot be traced: .*$words/, "$name: $words");
	ok(kill(0, $pid), "$name: the process goes on");
	stop($pid);
}

my ($status, $text) = attach('--pid=999999999');
is($status, 125, 'no process');
like($text, qr/process 999999999 cannot be traced: there is no such process/, 'says so');
like((attach("--detach=$$"))[1], qr/process $$ \(\S+\) cannot be detached: (?:it is not traced|heaptrace is not attached)/,
	'--detach of a process that is not traced');
like((attach("--pid=$$", "--max-leak=0"))[1], qr/limits of --max-\* are about a process from its first allocation/, 'limits');
like((attach("--pid=$$", 'ls'))[1], qr/--pid takes no PROGRAM/, 'a program besides');
like((attach("--detach=$$", '--top=3'))[1], qr/--detach takes no other option .*leave --top out/, '--detach with an option');
{
	my $pid = fork // die;
	POSIX::_exit(0) if !$pid;
	wait_for(sub { (slurp("/proc/$pid/stat") // '') =~ /\) Z/ });
	like((attach("--pid=$pid"))[1], qr/has ended already/, 'a zombie');
	waitpid $pid, 0;
}
SKIP: {
	skip 'no thread of the kernel is seen here', 1 if (slurp('/proc/2/comm') // '') !~ /^kthreadd/;
	like((attach('--pid=2'))[1], qr/thread of the kernel/, 'a thread of the kernel');
}
refused('strict mode of seccomp', 'strict seccomp', $target, 'strict');
{
	my ($pid) = subject($target, 'thread');
	my ($tid) = slurp("$dir/stdout") =~ /ready (\d+)\./;
	like((attach("--pid=$tid"))[1], qr/it is a thread of process $pid: name that/, 'a thread');
	stop($pid);
}
SKIP: {
	skip 'static programs cannot be linked here', 3
		if !compile("$dir/static", '-static', '-pthread', 'tests/subjects/attach_target.c');
	refused('statically linked', 'static', "$dir/static", 'wait');
}
SKIP: {
	skip 'no sanitizer here', 3 if !compile("$dir/asan", '-fsanitize=address', 'tests/subjects/attach_target.c');
	refused('sanitizer', 'sanitizer', "$dir/asan", 'wait');
}
SKIP: {
	skip '32-bit programs cannot be built here', 3 if !compile("$dir/narrow", '-m32', 'tests/subjects/attach_target.c');
	refused('32-bit program', '32 bits', "$dir/narrow", 'wait');
}
SKIP: {
	skip 'no strace here', 2 if !has('strace');
	my ($pid) = subject($target, 'wait');
	my $strace = fork // die;
	if (!$strace) {
		open STDERR, '>', '/dev/null';
		exec 'strace', '-o', '/dev/null', '-p', $pid or POSIX::_exit(99);
	}
	wait_for(sub { slurp("/proc/$pid/status") =~ /^TracerPid:\t$strace$/m });
	my ($code, $said) = attach("--pid=$pid");
	is($code, 125, 'another tracer');
	like($said, qr/process $strace \(strace\) is its tracer already/, 'says which');
	kill 'TERM', $strace;
	waitpid $strace, 0;
	stop($pid);
}
SKIP: {
	skip 'only root can become another user', 2 if $> || !has('setpriv');
	my ($pid) = subject($target, 'wait');
	chmod 0755, $dir;
	my $said = `setpriv --reuid=65534 --regid=65534 --clear-groups $heaptrace --pid=$pid 2>&1` =~ s/\s+/ /gr;
	like($said, qr/cannot be traced: .*(?:belongs to root: run heaptrace as this user, or as root|ptrace_scope)|Permission denied/,
		'a process of another user');
	ok(kill(0, $pid), 'goes on');
	stop($pid);
}
{
	my ($pid) = subject($heaptrace, '--outfile=/dev/null', $target, 'wait');
	like((attach("--pid=$pid"))[1], qr/traced since its start/, 'a process that was started with heaptrace');
	stop($pid);
}
refused('seccomp filter would kill it, or send it SIGSYS, at the system call mmap', 'a filter that kills', $target, 'filter', 'mmap!');
refused('its mmap\(\) fails', 'a filter that forbids', $target, 'filter', 'mmap');
refused('it is in malloc\(\)', 'malloc interrupted', $target, 'locked');

# ---- Figures ----

my $out = "$dir/heap.txt";
{
	my ($pid, $in) = subject($target, 'counted');
	my ($code, $said) = attach("--pid=$pid", "--outfile=$out.%c.%p");
	$out .= ".target.$pid";
	is($code, 0, 'attached');
	like($said, qr/^heaptrace: process $pid \(target\) is traced from now on; a dump goes to \Q$out\E at its end; heaptrace --dump=$pid shows it now, heaptrace --detach=$pid ends it $/,
		'says so in one line');
	my ($before) = length slurp("$dir/stdout");
	take_steps($in, 'xxxx', $before);
	(undef, $said) = attach("--dump=$pid");
	like($said, qr/heap traced allocation size : 2\.000 KB/, 'what is live is what was allocated since');
	like($said, qr/calls to allocation functions: 40 /, 'as often as that');
	($code, $said) = attach("--pid=$pid");
	is($code, 125, 'attached twice');
	like($said, qr/traced already/, 'is refused');
	($code, $said) = attach("--detach=$pid");
	is("$code $said", "0 heaptrace: process $pid (target) is traced no longer; its last dump is written ", 'detached, with one line');
	my $dumps = slurp($out);
	like($dumps, qr/dump 1 on detach, .* after the attach$/m, 'the last dump is there');
	like($dumps, qr/count\/peak: 20\/25\] \[size\/peak: 2\.000 KB\/2\.500 KB\]/, 'with the figures');
	take_steps($in, 'xxxx', $before + 4);
	is(slurp($out), $dumps, 'then nothing is written any more');
	is((attach("--detach=$pid"))[0], 125, 'a second --detach is refused');

	# Again, with other options, and a format that the watcher writes.
	is((attach("--pid=$pid", "--outfile=$dir/again.%p.json", '--depth=3'))[0], 0, 'attached again');
	take_steps($in, 'xx', $before + 8);
	close $in;
	is(finish($pid, 20), 0, 'the program ends as it would');
	ok(wait_for(sub { -s "$dir/again.$pid.json" }), 'the dump at its end, by the watcher');
	like(slurp("$dir/again.$pid.json"), qr/"calls": *20\b|"total_count": *20\b|"total-count": *20\b/, 'has the new calls only');
}
{
	my ($pid, $in) = subject($target, 'counted');
	is((attach("--pid=$pid", "--record=$dir/heap.rec"))[0], 0, '--record');
	take_steps($in, 'xxx', length slurp("$dir/stdout"));
	stop($pid);
	like((attach("--report=$dir/heap.rec"))[1], qr/heap traced allocation size : 1\.500 KB/, 'is a record, after a kill, too');
}
{
	my ($pid, $in) = subject($target, 'counted');
	is((attach("--pid=$pid", "--record=$dir/left.rec"))[0], 0, '--record');
	take_steps($in, 'x', length slurp("$dir/stdout"));
	is((attach("--detach=$pid"))[0], 0, 'is detached');
	close $in;
	is(finish($pid, 20), 0, 'and ends as it would');
	like((attach("--report=$dir/left.rec"))[1], qr/windows of the recording: 1 from \S+ \S+ to \S+ \S+, then detached /, 'its record says so');
	like((attach("--report=$dir/left.rec", '--timeline'))[1], qr/ \] after \S+ \S+: detach /, 'in the timeline');
	like((attach("--report=$dir/left.rec", '--format=json'))[1], qr/"recording":false.*"kind":"detach"/s, 'in JSON');
	like((attach("--report=$dir/left.rec", '--format=html'))[1], qr/"kind":"detach"/, 'in a page');
}
{
	my ($pid, $in) = subject($target, 'counted');
	my $before = length slurp("$dir/stdout");
	kill 'STOP', $pid;
	wait_for(sub { slurp("/proc/$pid/stat") =~ /\) T/ });
	is((attach("--pid=$pid", "--outfile=$dir/stopped"))[0], 0, 'a process that is stopped');
	# The kernel lets a thread that is detached run for as long as it takes to stop again.
	ok(wait_for(sub { slurp("/proc/$pid/stat") =~ /\) T/ }, 10), 'stays so');
	kill 'CONT', $pid;
	take_steps($in, 'xx', $before);
	close $in;
	is(finish($pid, 20), 0, 'and goes on when it is continued');
	like(slurp("$dir/stopped"), qr/heap traced allocation size  : 1\.000 KB/, 'traced');
}

{
	my ($pid, $in) = subject($target, 'counted');
	is((attach("--pid=$pid", '--sample=64K', "--outfile=$dir/nothing"))[0], 0, 'a process that allocates nothing');
	like((attach('--pages', "--dump=$pid"))[1], qr/after the attach .*mapped pages: not recorded; --pages has to be given with --pid /,
		'what a dump lacks is said for an attach');
	is((attach("--detach=$pid"))[0], 0, 'is detached');
	like(slurp("$dir/nothing"), qr/nothing was recorded: since the attach the program has called none of malloc's functions, or only those of an allocator/,
		'and the last dump says why it is empty');
	stop($pid);
}

# ---- An allocator of its own ----

for (['pool_', qr/an allocator of its own: pool_\* of pools; what it calls there is not seen/, '--allocator=pool_'],
     ['pool_', qr/^heaptrace: process \d+ \(pools\) is traced [^\n]* ends it $/], ['je_', qr/its own: je_\* of pools;/],
     ['je_', qr/^(?!.*allocator)/, '--allocator=no'], ['', qr/its own: malloc\(\) of pools;/]) {
	my ($prefix, $words, @options) = @$_;
	spit("$dir/pools.c", <<"EOF");
#include <stdio.h>
#include <unistd.h>
static char room[1 << 20];
static size_t used;
void *${prefix}malloc(size_t n) { used += (n + 15) / 16 * 16; return room + used; }
void ${prefix}free(void *p) { (void)p; }
int main(void) { setvbuf(stdout, NULL, _IOLBF, 0); puts("ready"); ${prefix}free(${prefix}malloc(9)); for (;;) pause(); }
EOF
	compile("$dir/pools", '-O0', "$dir/pools.c") or die log_text();
	my ($pid) = subject("$dir/pools");
	my ($code, $said) = attach("--pid=$pid", "--outfile=$dir/own", @options);
	is($code, 0, "an allocator with the prefix '$prefix', @options: attached");
	like($said, $words, 'what is not seen is said') or diag($said);
	stop($pid);
}

# ---- Another thread that loads a library ----

{
	spit("$dir/slow_start.c", <<'EOF');
#include <unistd.h>
__attribute__((constructor)) static void begin(void)
{
	char byte;
	write(1, "ready\n", 6);
	read(0, &byte, 1);
	write(1, "loaded\n", 7);
}
EOF
	compile("$dir/slow_start.so", '-shared', '-fPIC', '-w', "$dir/slow_start.c") or die log_text();
	my ($pid, $in) = subject($target, 'loading', "$dir/slow_start.so");
	# The arguments and the place of the clock_nanosleep() that the first thread is in, or of its restart_syscall(): a
	# process that was let go of may run for a moment, in which the kernel restarts the call.
	my $asleep = sub {
		my $call;
		wait_for(sub { ($call = slurp("/proc/$pid/syscall")) =~ /^(?:230|115|219|128) / });
		return $call =~ s/^\d+ //r;
	};
	my $call = $asleep->();
	for my $option ("--pid=$pid", "--detach=$pid") {
		my ($code, $said) = attach($option);
		is($code, 125, "$option while another thread loads a library: refused");
		like($said, qr/another thread of it has been loading or unloading a library for \d+ seconds, and holds the lock of its dynamic loader: try again/,
			'says so');
	}
	is($asleep->(), $call, 'the first thread sleeps as before');
	unlike(slurp("/proc/$pid/maps"), qr/libheaptrace/, 'and nothing was loaded');
	print $in 'x';
	$in->flush;
	ok(wait_for(sub { slurp("$dir/stdout") =~ /loaded/ }), 'the other thread goes on');
	is((attach("--pid=$pid", '--quiet', "--outfile=$dir/loading"))[0], 0, 'then it can be attached to');
	is((attach("--detach=$pid"))[0], 0, 'and let go of');
	is(slurp("$dir/stdout"), "ready\nloaded\n", 'the first thread was not woken');
	stop($pid);
}

# ---- A detach that has to wait ----

{
	compile("$dir/stuck", '-O1', '-fno-builtin', '-pthread', 'tests/subjects/attach_stuck.c') or die log_text();
	my ($pid, $in) = subject("$dir/stuck");
	is((attach('--quiet', '--no-watch', "--outfile=$dir/stuck.txt", "--pid=$pid"))[0], 0, 'a program with a malloc() of its own');
	syswrite $in, 'x';
	wait_word('inside') or die;
	my $wrapper = fork // die;
	if (!$wrapper) {
		open STDERR, '>', '/dev/null';
		exec $heaptrace, "--detach=$pid" or POSIX::_exit(99);
	}
	wait_for(sub { slurp("/proc/$pid/status") =~ /^TracerPid:\t$wrapper$/m && slurp("/proc/$pid/syscall") =~ /^(?:running|202|98) ?/ });
	sleep 0.2;
	syswrite $in, 'x';
	waitpid $wrapper, 0;
	is($?, 0, '--detach waits until no thread is inside a hook');
	is(slurp("$dir/stdout"), "ready\ninside\n", 'and the sleep of the thread that waits for that has not ended');
	stop($pid);
}

# ---- A thread that does not stop at once ----

{
	my ($pid) = subject($target, 'vfork');
	my ($code, $said) = attach('--quiet', "--outfile=$dir/vfork", "--pid=$pid");
	is("$code $said", '0 ', 'a process that waits in vfork() is attached to as soon as it comes out');
	is((attach("--detach=$pid"))[0], 0, 'and let go of');
	stop($pid);
}

# ---- Where the process cannot open the library ----

# A copy of heaptrace in a directory that only its owner can enter.
sub private_copy {
	mkdir "$dir/private";
	system('cp', $heaptrace, $heaptrace =~ s/[^\/]*$/libheaptrace.so/r, "$dir/private") == 0 or die;
	chmod 0700, "$dir/private";
	return "$dir/private/heaptrace";
}

SKIP: {
	skip 'only root can start a process of another user', 5 if $> || !has('setpriv');
	local $heaptrace = private_copy();
	chmod 0755, $dir;
	my ($pid, $in) = subject('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', $target, 'counted');
	my ($code, $said) = attach("--pid=$pid", "--outfile=$dir/theirs");
	is($code, 0, 'the process may not read the library') or diag($said);
	like(slurp("/proc/$pid/maps"), qr{/memfd:libheaptrace\.so}, 'it gets it as a memfd');
	unlike(join(' ', map { readlink // '' } glob "/proc/$pid/fd/*"), qr/memfd/, 'and has no descriptor of it afterwards');
	take_steps($in, 'xx', length slurp("$dir/stdout"));
	my $text = (attach("--dump=$pid"))[1];
	like($text, qr/\] malloc \+.*\] grow \+/, 'stacks begin with malloc()');
	attach("--detach=$pid");
	like(slurp("$dir/theirs"), qr/dump 1 on detach/, 'the outfile that heaptrace has made is one that the process can write');
	close $in;
	finish($pid, 20);
}
SKIP: {
	my @inside = qw(unshare --mount --net --pid --fork --mount-proc);
	skip 'no namespaces can be made here', 3 if !quiet("@inside true");
	my $root = "$dir/root";
	mkdir $root;
	my ($outer, $in) = start(undef, @inside, 'sh', '-c', 'mount -t tmpfs none "$0" && mkdir "$0"/proc && mount -t proc proc "$0"/proc &&
		for f in "$1" $(ldd "$1" | grep -o "/[^ ]*"); do mkdir -p "$0/${f%/*}" && cp "$f" "$0/$f"; done &&
		exec chroot "$0" "$1" counted', $root, $target);
	skip 'no root directory can be made here', 3 if !wait_for(sub { (slurp("$dir/stdout") // '') =~ /ready/ }, 10);
	my ($own) = $root =~ m{([^/]+/root)$};	# another run of this test may have such a process, too
	my ($pid) = grep { (readlink("/proc/$_/root") // '/') =~ /\Q$own\E$/ && (slurp("/proc/$_/comm") // '') eq "target\n" }
		map { m{(\d+)} } glob '/proc/[0-9]*';
	my ($code, $said) = attach("--pid=$pid", "--outfile=$dir/inside.json");
	is($code, 0, 'a process with other namespaces and another root directory') or diag($said);
	take_steps($in, 'xx', length slurp("$dir/stdout"));
	is((attach("--detach=$pid"))[0], 0, 'is let go of');
	ok(-s "$dir/inside.json", 'and its watcher has written the dump');
	close $in;
	finish($outer, 20);
}

# ---- A wrapper that is killed ----

# A library whose heaptrace_attach() takes some seconds, so that the wrapper can be killed meanwhile, on a busy machine, too.
mkdir "$dir/slow";
spit("$dir/slow/library.c", <<'EOF');
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int heaptrace_attach(const char *options)
{
	volatile double numbers[64];
	sleep(3);
	for (int i = 0; i < 64; i++) numbers[i] = i * 1.5;
	free(malloc(strlen(options) + (size_t)numbers[9]));
	return 0;
}
int heaptrace_detach(void) { return 0; }
EOF
compile("$dir/slow/libheaptrace.so", '-shared', '-fPIC', '-O2', '-Wl,-soname,libheaptrace.so', "$dir/slow/library.c") or die log_text();
system('cp', $heaptrace, "$dir/slow/heaptrace");

# One whose heaptrace_attach() makes a fault.
mkdir "$dir/crash";
spit("$dir/crash/library.c", 'int heaptrace_attach(const char *o) { *(volatile char *)16 = *o; return 0; } int heaptrace_detach(void) { return 0; }');
compile("$dir/crash/libheaptrace.so", '-shared', '-fPIC', '-Wl,-soname,libheaptrace.so', "$dir/crash/library.c") or die log_text();
system('cp', $heaptrace, "$dir/crash/heaptrace");
{
	local $heaptrace = "$dir/crash/heaptrace";
	my ($pid, $in) = subject($target, 'counted');
	my ($code, $said) = attach("--pid=$pid");
	is($code, 125, 'the call crashes');
	like($said, qr/the call that begins or ends it has crashed \(signal 11\)/, 'says so');
	take_steps($in, 'xx', length slurp("$dir/stdout"));
	close $in;
	is(finish($pid, 20), 0, 'the process goes on');
}
SKIP: {
	skip 'no C++ compiler here', 5 if !build_cxx('attach_server', 'server');
	my ($pid) = subject("$dir/server");
	for my $signal ('KILL', 'TERM', 'INT') {
		my $wrapper = fork // die;
		if (!$wrapper) {
			open STDERR, '>', '/dev/null';
			exec "$dir/slow/heaptrace", '--no-watch', "--pid=$pid" or POSIX::_exit(99);
		}
		wait_for(sub { slurp("/proc/$pid/maps") =~ m{/slow/libheaptrace} && slurp("/proc/$pid/syscall") =~ /^(?:230|35|115|101) / });
		sleep 0.1;
		kill $signal, $wrapper;
		waitpid $wrapper, 0;
		is($? & 127, { KILL => 9, TERM => 15, INT => 2 }->{$signal}, "the wrapper is killed in the middle by SIG$signal");
		sleep 3.5;
	}
	kill 'TERM', $pid;
	is(finish($pid, 30), 0, 'the process goes on as if nothing had been');
	like(slurp("$dir/stdout"), qr/^good: /m, 'says so itself') or diag(slurp("$dir/stdout"));
}

# A thread that sleeps, and that the kernel lets go on by restart_syscall(2) after the first time.
{
	mkdir "$dir/slow_again";
	spit("$dir/slow_again/library.c", <<'EOF');
#include <poll.h>
int heaptrace_attach(const char *options) { (void)options; poll(0, 0, 1000); return 0; }
int heaptrace_detach(void) { poll(0, 0, 3000); return 0; }
EOF
	compile("$dir/slow_again/libheaptrace.so", '-shared', '-fPIC', '-Wl,-soname,libheaptrace.so', "$dir/slow_again/library.c") or die log_text();
	system('cp', $heaptrace, "$dir/slow_again/heaptrace");
	local $heaptrace = "$dir/slow_again/heaptrace";
	my ($pid) = subject($target, 'sleeping');
	is((attach('--quiet', '--no-watch', "--pid=$pid"))[0], 0, 'a thread that sleeps');
	my $wrapper = fork // die;
	if (!$wrapper) {
		open STDERR, '>', '/dev/null';
		exec $heaptrace, "--detach=$pid" or POSIX::_exit(99);
	}
	wait_for(sub { slurp("/proc/$pid/syscall") =~ /^(?:7|73) / });	# poll or ppoll
	sleep 0.1;
	kill 'KILL', $wrapper;
	waitpid $wrapper, 0;
	is($? & 127, 9, 'the wrapper is killed in the middle of the second call');
	ok(wait_for(sub { slurp("/proc/$pid/syscall") =~ /^(?:35|101|115|219|128|230) / }), 'the thread sleeps again');
	is(slurp("$dir/stdout"), "ready\n", 'and its sleep has not ended');
	stop($pid);
}

SKIP: {
	skip 'only on x86_64 a kill at any moment is survived', 2 if `uname -m` !~ /x86_64/;
	my ($pid) = subject($target, 'wait');
	my ($blocked) = slurp("/proc/$pid/status") =~ /^(SigBlk:.*)/m;
	my $kills;
	for (1 .. 30) {
		my $wrapper = fork // die;
		if (!$wrapper) {
			open STDERR, '>', '/dev/null';
			exec $heaptrace, '--no-watch', '--outfile=/dev/null', "--pid=$pid" or POSIX::_exit(99);
		}
		# It is killed within the first system calls, in which the process maps memory for it.
		my $seized = time + 10;
		Time::HiRes::usleep(50) while time < $seized && (slurp("/proc/$pid/status") // '') =~ /^TracerPid:\t0$/m;
		Time::HiRes::usleep(rand 4000);
		kill 'KILL', $wrapper;
		waitpid $wrapper, 0;
		$kills++ if $?;
		last if (slurp("/proc/$pid/status") // '') !~ /^State:\t[^Z]/m;
		attach("--detach=$pid");
	}
	diag("$kills of 30 were killed in time") if $ENV{TEST_VERBOSE};
	like(slurp("/proc/$pid/status"), qr/^State:\t[^Z]/m, 'the process survives kills of the wrapper at any moment');
	ok(wait_for(sub { slurp("/proc/$pid/status") =~ /^$blocked$/m }, 10), 'with the signal mask that it had');
	stop($pid);
}

# ---- Rounds ----

# Attaches to the process and detaches, again and again. Returns what went wrong.
sub rounds {
	my ($pid) = @_;
	my @wrong;
	for my $n (1 .. $rounds) {
		for my $option ("--pid=$pid", "--detach=$pid") {
			my ($code, $said) = attach($option eq "--pid=$pid" ? ('--quiet', "--outfile=$dir/rounds") : (), $option);
			push @wrong, "round $n, $option: $code $said" if $code || $said !~ /^(?:heaptrace: process \d+ \S+ is traced no longer; its last dump is written )?$/;
		}
		last if @wrong > 3;
	}
	return join "\n", @wrong;
}

SKIP: {
	skip 'no C++ compiler here', 3 if !-x "$dir/server";
	my ($pid) = subject("$dir/server");
	is(rounds($pid), '', "a server of many threads: $rounds rounds");
	kill 'TERM', $pid;
	is(finish($pid, 30), 0, 'it has seen nothing');
	like(slurp("$dir/stdout"), qr/^good: [1-9]\d* requests, [1-9]\d* signals, [1-9]\d* kicks, [1-9]\d* waits, [1-9]/m, 'and has lost nothing')
		or diag(slurp("$dir/stdout"));
}

done_testing();
