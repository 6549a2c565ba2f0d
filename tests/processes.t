#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Processes that come of processes: each has rows and an output of its own, and none writes into
# another's. tests/ends.t has the ways in which they end.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

$heaptrace = POSIX::getcwd() . '/heaptrace';
chmod 0755, $dir;
my $ways = build('process_ways', 'process_ways');
mkdir "$dir/run";
mkdir "$dir/empty";
my $out = "$dir/run/out";

# Natively and traced; process ids left out of the comparison. Returns the traced run's outputs,
# or nothing where the system does not have it.
sub both {
	my ($name, $options, @command) = @_;
	unlink glob "$dir/run/*";
	my ($native_status, $native) = run(undef, @command);
	return if $native_status == 77 << 8;
	my ($status, $text, $err) = run(undef, $heaptrace, @$options, @command);
	is($status, $native_status, "$name: status");
	my @sorted = map { join "\n", sort split /\n/, s/child \K\d+|\d{3,}/PID/gr } $text, $native;
	is($sorted[0], $sorted[1], "$name: output");
	return ($text, $err);
}

sub files { return join ' ', map { s{.*/}{}r } sort glob "$dir/run/*" }

# What is wrong with a process's file: its life lines name its process only.
sub wrong_file {
	my ($file, $pid, $dumps) = @_;
	my $text = slurp($file) // return "no $file";
	my ($bad, @keys) = text_dumps($text);
	return "$file: $bad" if $bad ne '';
	return "$file: @keys" if @keys != $dumps;
	my @others = grep { $_ != $pid } $text =~ /\/proc\/(\d+)\/maps/g;
	return @others ? "$file has @others" : '';
}

for (['many' => 333], ['raw' => 0], ['raw3' => 0], ['strict' => 0], ['daemon', "$dir/empty" => 333]) {
	my ($how, @rest) = @$_;
	my $child = pop @rest;
	SKIP: {
		skip "$how: needs root", 3 if $how eq 'daemon' && $>;
		my ($text) = both($how, ["--outfile=$out"], $ways, $how, @rest);
		skip "$how: not on this system", 1 unless defined $text;
		my @children = $text =~ /^child (\d+)/mg;
		is(join("\n", grep { $_ ne '' } map { wrong_file("$out.$_", $_, 1) } @children), '',
		   "$how: each child has its own dump") or diag($text);
		my @rows = map { (slurp("$out.$_") // '') =~ /333 bytes\/.*\n.*malloc.*\n 1 .*(?:keep_child |process_ways)|(?:333 bytes\/.*\n.*\n.*process_ways)/g } @children;
		is(scalar(@rows), $child ? scalar(@children) : 0, "$how: with its own rows");
		is(() = (slurp($out) // '') =~ / keep_child /g, 0, "$how: the first process has none of them");
		like(slurp($out), qr/finalized .* keep_first /s, "$how: the first process's dump");
	}
}

# Another library's handlers of fork run inside ours: what they do in the child, they do in a process of its
# own, which has one table, and a fork inside a fork leaves everything as it was.
{
	build('fork_handlers', 'libfork_handlers.so', '-shared', '-fPIC');
	my $program = build('fork_handlers', 'fork_handlers', '-DPROGRAM', "-L$dir", '-lfork_handlers', "-Wl,-rpath,$dir");
	my %keeps = (memory => 'keep_child keep_first keep_handler');
	for my $how ('plain', 'exec', 'action', 'memory', 'nested') {
		for my $signal (0, 9, 15) {
			my $name = "handlers of fork, $how" . ($signal ? ", signal $signal" : '');
			my ($text) = both($name, ["--outfile=$out"], $program, $how, $signal ? $signal : ());
			my ($child) = $text =~ /^child (\d+)/m;
			wait_for(sub { wrong_file("$out.$child", $child, 1) eq '' }, 20) if $signal == 9;	# the watcher's
			is(wrong_file("$out.$child", $child, 1), '', "$name: one dump of the child");
			is(join(' ', sort((slurp("$out.$child") // '') =~ / (keep_\w+)/g)), $keeps{$how} // 'keep_child keep_first keep_parent',
			   "$name: and what it keeps");
			is(() = slurp($out) =~ /finalized/g, 1, "$name: one dump of the parent");
		}
	}
}

# Where the kernel cannot clear a page in a child, a child that no handler saw goes untraced, and all others are
# traced as elsewhere: nobody holds the table, and nobody reports from one that the process has left.
SKIP: {
	my $limits = build('limits', 'limits');
	my $ends = build('end_ends', 'end_ends');
	skip 'no seccomp here', 1 if system("$limits not_wiped /bin/true") == 77 << 8;
	for (['exit' => ''], ['fork exit' => 1], ['clone exit' => ''], ['vfork exec' => 1]) {
		my ($how, $child) = @$_;
		unlink glob "$dir/run/*";
		my ($status, $text, $err) = run(undef, $limits, 'not_wiped', $heaptrace, "--outfile=$out", $ends, $how);
		like(slurp($out), qr/finalized .* keep_first /s, "without MADV_WIPEONFORK, $how: a dump");
		is(() = slurp($out) =~ /finalized/g, 1, "without MADV_WIPEONFORK, $how: and no other one");
		is(join('', map { slurp($_) =~ /( keep_child )/g } glob "$out.*"), $child ? ' keep_child ' : '', "without MADV_WIPEONFORK, $how: the child's");
		is($err, '', "without MADV_WIPEONFORK, $how: nothing to be said");
	}
}

# daemon() ends the first process inside of libc: it has its last dump, and nobody takes it for killed.
{
	unlink glob "$dir/run/*";
	my ($status) = run(undef, $heaptrace, '--no-watch', "--outfile=$out", $ways, 'function');
	is($status, 0, 'daemon(): status');
	like(slurp($out) // '', qr/finalized for \/proc\/\d+\/maps \(process_ways\)\n.* keep_first /s, 'daemon(): the first process\'s dump');
	my $child = sub { (grep { (slurp($_) // '') =~ /statm/ } glob "$out.*")[0] };
	ok(wait_for($child, 20), 'daemon(): a dump of the daemon');
	like(slurp($child->() // $out) // '', qr/ keep_child /, 'daemon(): which has gone on');
}

# A namespace of process ids: the child's id is 1.
SKIP: {
	my ($text) = both('newpid', ["--outfile=$out"], $ways, 'newpid');
	skip 'no namespaces of process ids here', 1 unless defined $text;
	is(files(), 'out out.1', 'newpid: a file of its own');
	is(() = slurp("$out.1") =~ /finalized for \/proc\/1\//g, 5, 'newpid: one dump of each child');
	my $unshare = (grep { -x } map { "$_/unshare" } split /:/, $ENV{PATH})[0];
	skip 'no unshare here', 2 unless $unshare;
	unlink glob "$dir/run/*";
	# The program is process 1, and so is a child of it in a namespace of its own.
	my ($status, $said) = run(undef, $unshare, '--pid', '--fork', $heaptrace, "--outfile=$out", $ways, 'newpid');
	is($status, 5 << 8, 'as process 1: status');
	is(wrong_file($out, 1, 1), '', 'as process 1: one dump in its file');
	is(() = slurp("$out.1") =~ /finalized/g, 5, 'as process 1: children that are process 1, too, elsewhere');
	# There is no watcher there, which is said, once, unless it was not to be or is not needed.
	my $no_watcher = qr/^\[heaptrace\] as process 1 this has no watcher: .*--init.*--record=FILE/m;
	for (['plain' => 1], ['--no-watch' => 0], ["--record=$dir/run/record" => 0]) {
		my ($option, $times) = @$_;
		unlink glob "$dir/run/*";
		run(undef, $unshare, '--pid', '--fork', $heaptrace, $option =~ /^-/ ? $option : (), "--outfile=$out", $ways, 'many');
		is(() = join('', map { slurp($_) } grep { !/record/ } glob "$dir/run/*") =~ /$no_watcher/g, $times, "as process 1, $option: the missing watcher");
	}
	($status, $said, my $err) = run(undef, $unshare, '--pid', '--fork', $heaptrace, "--outfile=$out", '--flame-graph', $ways, 'image');
	like($err, $no_watcher, 'as process 1, folded into a file: said on standard error');
	($status, $said, $err) = run(undef, $unshare, '--pid', '--fork', $heaptrace, '--every=1', $ways, 'image');
	is($status, 125 << 8, '--every as process 1: refused');
	like($err, qr/process 1.*(?:init|signal)/, 'and what to do is said');
}

# A reaper of children has no watcher either; anybody else has one, and nothing is said.
SKIP: {
	chomp(my $machine = `uname -m`);
	my %prctl = (x86_64 => 157, aarch64 => 167);
	skip 'prctl() by its number: not on this machine', 2 unless $prctl{$machine};
	for (['syscall($ARGV[0], 36, 1, 0, 0, 0);' => 1], ['' => 0]) {
		my ($before, $times) = @$_;
		unlink glob "$dir/run/*";
		my ($perl) = grep { -x } map { "$_/perl" } split /:/, $ENV{PATH};
		run(undef, $perl, '-e', "$before shift; exec { \$ARGV[0] } \@ARGV", $prctl{$machine}, $heaptrace, "--outfile=$out", $ways, 'image');
		is(() = slurp($out) =~ /there is no watcher here .*--record=FILE/g, $times, $times ? 'a reaper: no watcher, and that is said' : 'others: nothing to say');
	}
}

# Without the wrapper nobody expects a watcher, in what the program becomes either.
{
	(my $library = $heaptrace) =~ s/heaptrace$/libheaptrace.so/;
	local $ENV{LD_PRELOAD} = $library;
	my $said = `sh -c 'exec ls /' 2>&1 >$dir/listed`;
	like($said, qr/initialized.*\n(?s:.*)initialized/, 'without the wrapper, after an exec: both images are traced');
	unlike($said, qr/watcher/, 'and no word of a watcher');
}

# --children=no: as if they were not traced at all.
for my $how ('many', 'raw', 'user1') {
	my ($text, $err) = $how eq 'user1' ? () : both("$how, --children=no", ['--children=no', "--outfile=$out"], $ways, $how);
	if ($how eq 'user1') {
		unlink glob "$dir/run/*";
		my ($status, $native) = run(undef, $ways, $how);
		my ($traced_status, $traced) = run(undef, $heaptrace, '--children=no', "--outfile=$out", $ways, $how);
		s/child \K\d+/PID/ for $native, $traced;
		is("$traced_status $traced", "$status $native", 'user1, --children=no: the signal kills as natively');
	}
	is(files(), 'out', "$how, --children=no: no file but the first's");
	like(slurp($out), qr/finalized .* keep_first /s, "$how, --children=no: the first process's dump");
}
for my $exec ("exec $ways image", "$ways image") {
	unlink glob "$dir/run/*";
	my $name = $exec =~ /^exec/ ? 'an exec of the first process' : 'an exec of a child';
	my ($status, $text) = run(undef, $heaptrace, '--children=no', "--outfile=$out", '/bin/bash', '-c', "$exec; exit");
	is($status, 0, "--children=no, $name: status");
	is(files(), 'out', "--children=no, $name: one file");
	my $seen = () = slurp($out) =~ / keep_child /g;
	is($seen, $exec =~ /^exec/ ? 1 : 0, "--children=no, $name: traced or not");
}
{
	my ($status, undef, $err) = run(undef, $heaptrace, '--children=maybe', 'true');
	is($status, 125 << 8, '--children=maybe: refused');
	like($err, qr/children=maybe: neither yes nor no/, 'and why');
}

# A pipeline: one summary for each process.
for my $shell ('/bin/bash', '/bin/dash') {
	SKIP: {
		skip "no $shell", 2 unless -x $shell;
		unlink glob "$dir/run/*";
		my ($status, $text) = run(undef, $heaptrace, "--outfile=$out-%p", $shell, '-c',
					  'seq 2000 | grep -v 7 | sort -r | tail -n 1; exit 3');
		is("$status $text", 768 . " 1\n", "$shell: a pipeline");
		my %ends;
		my @bad;
		for my $file (glob "$dir/run/*") {
			my ($pid) = $file =~ /-(\d+)$/;
			my $dump = slurp($file);
			my @others = grep { $_ != $pid } $dump =~ /\/proc\/(\d+)\/maps/g;
			push @bad, "$file: @others" if @others;
			$ends{$_}++ for $dump =~ /finalized for .*\((\w+)\)/g;
		}
		is("@bad", '', "$shell: nobody writes into another's file");
		delete $ends{$shell =~ s{.*/}{}r};
		is(join(' ', map { "$_ $ends{$_}" } sort keys %ends), 'grep 1 seq 1 sort 1 tail 1',
		   "$shell: one summary per process");
	}
}

# Dump signals while processes start, become others and end: they give dumps or none, and kill
# nobody, from the wrapper's start to the last one's end.
for my $way ('exec', 'fork', 'vfork', 'spawn') {
	unlink glob "$dir/run/*";
	my ($pid, $in) = start(sub { setpgrp(0, 0) }, $heaptrace, '--no-lines', '--no-watch', '--top=1', "--outfile=$out", $ways, 'chain', $way, 8);
	wait_for(sub { (slurp($out) // '') =~ /initialized/ }, 30);
	my ($sent, $end) = (0, time + 30);
	my $status;
	until (defined $status || time > $end) {
		kill rand() < 0.5 ? 'USR1' : 'USR2', -$pid;
		$sent++;
		select undef, undef, undef, rand 0.002;
		$status = $? if waitpid($pid, 1) == $pid;
	}
	$status //= finish($pid, 60);	# on a busy machine it gets no further while signals come
	is($status, 7 << 8, "signals and $way: each process lives to its own end") or diag("$sent signals");
	my @texts = map { slurp($_) } glob "$dir/run/*";
	is(join('', map { (text_dumps($_))[0] } @texts), '', "signals and $way: whole dumps");
	my $final = () = join('', @texts) =~ /finalized/g;
	is($final, $way eq 'exec' ? 1 : 9, "signals and $way: of all processes");
	my $dumps = () = join('', @texts) =~ /dump allocation/g;
	cmp_ok($dumps, '>', $final, "signals and $way: $sent signals gave dumps, too");
}

# An exec that fails leaves the signal mask as it was.
SKIP: {
	my $perl = (grep { -x } map { "$_/perl" } split /:/, $ENV{PATH})[0];
	skip 'no perl in PATH', 2 unless $perl;
	system("cp $ways $dir/no_exec && chmod 644 $dir/no_exec");
	my $code = 'exec { $ARGV[0] } "x"; system { $ARGV[0] } "x"; open S, "/proc/self/status"; print grep /SigBlk/, <S>';
	both('an exec that fails', ["--outfile=$out"], $perl, '-e', $code, "$dir/no_exec");
}

# What cannot be traced is said, and does what it does natively.
SKIP: {
	open my $source, '>', "$dir/static.c" or die;
	print $source "int main(void) { return 3; }\n";
	close $source;
	my $cc = $ENV{CC} || 'cc';
	skip 'no static libc', 1 if system "$cc -static -o $dir/static $dir/static.c 2>/dev/null";
	for my $shell ('/bin/bash', '/bin/dash', '/usr/bin/perl') {
		my @run = $shell =~ /perl/ ? ('-e', 'system { $ARGV[0] } @ARGV; exit $? >> 8', "$dir/static")
			: ('-c', "$dir/static; exit \$?");
		unlink glob "$dir/run/*";
		my ($status) = run(undef, $heaptrace, "--outfile=$out", $shell, @run);
		is($status, 3 << 8, "$shell, a static child: status");
		my $said = () = join('', map { slurp($_) } glob "$dir/run/*") =~ /static is statically linked: it is not traced/g;
		is($said, 1, "$shell, a static child: said once");
	}
	# By a descriptor: the notice has the file's name, or the descriptor's link where the file has none any more.
	open $source, '>', "$dir/by_descriptor.c" or die;
	print $source <<'C';
#include <fcntl.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

	if (argc > 2)
		unlink(argv[1]);
	fexecve(fd, argv, environ);
	return 90;
}
C
	close $source;
	system("$cc -D_GNU_SOURCE -o $dir/by_descriptor $dir/by_descriptor.c && cp $dir/static $dir/gone") == 0 or die;
	for (['static', qr{\Q$dir/static is statically linked\E}], ['gone', qr{/proc/self/fd/\d+ is statically linked}, 'unlink']) {
		my ($file, $said, @unlink) = @$_;
		my ($status, undef, $err) = run(undef, $heaptrace, "$dir/by_descriptor", "$dir/$file", @unlink);
		is($status, 3 << 8, "fexecve() of a static program (@unlink): status");
		like($err, $said, "fexecve() of a static program (@unlink): named");
	}
	chmod 04755, "$dir/static";
	skip 'needs root', 1 if $>;
	# Owned by another, so that its rights change.
	my $set = build('process_ways', 'set_user');
	chown 65534, 65534, $set;
	chmod 04755, $set;
	my ($status, undef, $err) = run(undef, $heaptrace, '/bin/sh', '-c', "$set image; exit \$?");
	is($status, 0, 'a set-user-ID child: status');
	like($err, qr/set_user runs with another user's or group's rights: it is not traced/, 'a set-user-ID child: said');
}
SKIP: {
	my $cc = $ENV{CC} || 'cc';
	my $sane = "$dir/sanitized";
	skip 'no sanitizer here', 1 if system "$cc -D_GNU_SOURCE -fsanitize=address -o $sane tests/subjects/process_ways.c -pthread 2>/dev/null" ||
		system "ASAN_OPTIONS=detect_leaks=0 $sane image >/dev/null 2>&1";
	$ENV{ASAN_OPTIONS} = 'detect_leaks=0';
	my ($status, undef, $err) = run(undef, $heaptrace, $sane, 'image');
	is($status, 125 << 8, 'a sanitizer-built program: refused');
	like($err, qr/built with a sanitizer.*run it without heaptrace/, 'and why');
	($status, undef, $err) = run(undef, $heaptrace, '/bin/sh', '-c', "$sane image; exit \$?");
	is($status, 0, 'a sanitizer-built child: runs as natively');
	like($err, qr/sanitized is built with a sanitizer: it is not traced|malloc of its own/, 'and that is said');
}
SKIP: {
	# No library of that name: the run time is in the program, and its hash table has the names.
	my $sane = "$dir/sanitized_inside";
	skip 'no clang with a sanitizer', 1 if system "clang -D_GNU_SOURCE -fsanitize=address -o $sane tests/subjects/process_ways.c -pthread 2>/dev/null";
	my ($status, undef, $err) = run(undef, $heaptrace, $sane, 'image');
	like($err, qr/built with a sanitizer.*run it without heaptrace/, 'a program with the sanitizer in it: refused');
}
done_testing;
