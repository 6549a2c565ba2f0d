#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs that have less than usual: memory, descriptors, file size, /proc, a place to write,
# standard streams, system calls. They do what they do natively, and what heaptrace misses is
# said once.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

$heaptrace = POSIX::getcwd() . '/heaptrace';
my $limits = build('limits', 'limits');
my $out = "$dir/out";
my $formats = [['text'], ['folded', '--flame-graph']];

# Runs under a shell's `ulimit` natively and traced: the same status and output. Returns the
# traced run's standard error and outfile.
sub both {
	my ($name, $before, $options, @command) = @_;
	my $line = sub { ('/bin/bash', '-c', "$before exec \"\$@\"", 'bash', @_) };
	my ($native_status, $native) = run(undef, $line->(@command));
	SKIP: {
		skip "$name: not to be had here", 2 if $native_status == 77 << 8;
	}
	return if $native_status == 77 << 8;
	unlink glob "$out*";
	my ($status, $text, $err) = run(undef, $line->($heaptrace, "--outfile=$out", @$options, @command));
	is($status, $native_status, "$name: status");
	is($text, $native, "$name: output");
	return ($err, slurp($out));
}

# ---- seccomp ----

# Only the calls that doc/limits.md lists: whatever is asked for, whoever else watches. The dumps have
# names from a debug file. [name, how, what the dump has, status, options...]
my $keys = '--sort=size,count,peak-size,peak-count,heap-peak,total-size,total-count,temporary,age';
system("objcopy --only-keep-debug $limits $limits.debug && cp $limits $dir/apart && " .
       "objcopy --strip-all --add-gnu-debuglink=$limits.debug $dir/apart") == 0 or unlink "$dir/apart";
my $apart = -x "$dir/apart" ? "$dir/apart" : $limits;
mkdir "$apart.d";
open my $rules, '>', "$dir/rules" or die;
print $rules "no_such_function\n";
close $rules;
for (['text', 'filter', qr/keep_late/, 0],
     ['folded', 'filter', qr/keep_late/, 0, '--flame-graph'],
     ['work, text', 'filter, work', qr/go_right/, 0, $keys, '--top=0', '--depth=32'],
     ['work, folded', 'filter, work', qr/go_right/, 0, '--flame-graph', "--outfile=$dir/%c.d/out"],
     ['work, alone', 'filter, work', qr/go_right/, 0, '--no-watch', '--top=0', '--no-lines'],
     ['work, recorded', 'filter, work', qr/go_right/, 0, "--record=$dir/rec.%p", '--top=0', '--no-demangle'],
     ['work, above', 'filter, work', qr/go_right/, 0, '--above=8K', "--ignore=$dir/rules", '--top=0'],
     ['work, every', 'filter, work', qr/go_right/, 0, '--every=0.01', '--top=0'],
     ['work, execinfo', 'filter, work', qr/go_right/, 0, '--unwind=execinfo', '--top=0'],
     ['grow', 'filter, grow', qr/go_right/, 0, '--depth=32', '--top=0'],
     ['grow, alone', 'filter, grow', qr/go_right/, 0, '--depth=32', '--top=0', '--no-watch'],
     ['fork', 'filter, fork', qr/keep_late/, 0],
     ['fork, recorded', 'filter, fork', qr/keep_late/, 0, "--record=$dir/rec.%p"],
     ['fork, alone', 'filter, alone', qr/keep_late/, 0, '--no-watch'],
     ['fork, no children', 'filter, fork', qr/keep_late/, 0, '--children=no'],
     ['exec', 'filter, exec', qr/keep_late/, 0],
     ['json', 'filter, watcher', qr/keep_late/, 0, '--format=json'],
     ['TERM', 'filter, TERM', qr/keep_late/, 15],
     ['TERM, folded', 'filter, TERM', qr/keep_late/, 15, '--flame-graph']) {
	my ($name, $how, $has, $want, @options) = @$_;
	my ($native) = run(undef, $apart, $how);
	SKIP: {
		skip 'no seccomp here', 2 if $native == 77 << 8;
		unlink glob "$apart.d/* $out*";
		my ($status, $text, $err) = run(undef, $heaptrace, "--outfile=$out", @options, $apart, $how);
		is("$status $text$err", "$want done\n", "seccomp filter, $name: as natively, nothing to be said");
		is($native, $want, "seccomp filter, $name: natively");
		like(slurp("$apart.d/out") // slurp($out), $has, "seccomp filter, $name: the dump");
		next unless $how =~ /fork|alone/ && "@options" !~ /children=no/;
		my @child = glob "$out.*";
		like(slurp($child[0] // 'none'), $has, "seccomp filter, $name: the child's");
	}
}
for (@$formats) {
	my ($format, @options) = @$_;
	my ($err, $dump) = both("seccomp strict, $format", '', [@options], $limits, 'strict');
	like($dump, qr/keep_first/, "seccomp strict, $format: the dump comes before") if defined $err;
}
SKIP: {
	my ($status) = run(undef, $heaptrace, "--outfile=$out", $limits, 'filter, less');
	skip 'no seccomp here', 1 if $status == 77 << 8;
	is($status & 127, 31, 'a filter without getpid(2) kills: the filter of the test does work');
}

# ---- memory ----

# A table that is smaller, or none: the program is told of no failure but its own.
for my $kb (2000000, 400000, 120000, 60000, 20000) {
	my ($err, $dump) = both("ulimit -v $kb", "ulimit -v $kb;", [], $limits, 'full');
	like($err . ($dump // ''), qr/keep_first|no memory for (the table|a dump)|dump.*size/s,
	     "ulimit -v $kb: a dump, or a word on why there is none");
	my $said = () = $err =~ /no memory for the table/g;
	cmp_ok($said, '<=', 1, "ulimit -v $kb: said once");
}
for my $kb (200000, 20000) {
	my ($err, $dump) = both("ulimit -d $kb", "ulimit -d $kb;", [], $limits, 'full');
	like($err . ($dump // ''), qr/keep_first|no memory for (the table|a dump|that)/s,
	     "ulimit -d $kb: a dump, or a word on why there is none");
}

# What the program gets under a limit on its address space or its data: all that it gets natively, but for
# some fixed 36 MB and, of blocks below 128 KB, an eighth. Whoever sets the limit, and when.
my $space = build('space', 'space', '-fno-builtin', '-O1');
for (['none, -v 900000', 'ulimit -v 900000;', 'none', 0], ['none, -v 250000', 'ulimit -v 250000;', 'none', 0],
     ['none, -d 250000', 'ulimit -d 250000;', 'none', 0], ['setrlimit(), 400000', '', 'as', 400000],
     ['data, 250000', '', 'data', 250000], ['prlimit(2), 400000', '', 'other', 400000], ['a child, 300000', '', 'child', 300000]) {
	my ($name, $before, $how, $limit) = @$_;
	for my $blocks ([1000000, 10], [200000, 3000], [150, 100]) {
		my ($size, $places) = @$blocks;
		my @line = ('/bin/bash', '-c', "$before exec \"\$@\"", 'bash');
		my ($native_status, $native) = run(undef, @line, $space, $how, $limit, $size, $places);
		SKIP: {
			skip "$name: not to be had here", 3 if $native_status;
			my $least = $size < 128 << 10 ? ($native - 36) * 7 / 8 - 8 : $native - 36;
			for my $options ([], ['--no-watch'], ["--record=$dir/rec"]) {
				unlink glob "$out* $dir/rec*";
				my ($status, $mb, $err) = run(undef, @line, $heaptrace, "--outfile=$out", @$options, $space, $how, $limit, $size, $places);
				chomp(my $text = "$native MB natively, " . ($mb || 'nothing'));
				ok($status == 0 && $mb >= $least, "$name, blocks of $size bytes, @$options: $text") or diag($err);
			}
		}
	}
}

# No overcommitment: what is reserved must be there. A filter stands in for the kernel's.
for my $mb (2000, 700, 300, 100, 30, 8) {
	for my $options ([], ['--no-watch'], ["--record=$dir/rec"]) {
		my $name = "mmap() of more than $mb MB refused, @$options";
		my ($native_status, $native) = run(undef, $limits, 'refuse', $mb, $limits, 'none');
		SKIP: {
			skip 'no seccomp here', 3 if $native_status == 77 << 8;
			unlink glob "$out* $dir/rec*";
			my ($status, $text, $err) = run(undef, $limits, 'refuse', $mb, $heaptrace, "--outfile=$out",
							@$options, $limits, 'none');
			is("$status $text", "0 done\n", "$name: the program");
			like($err . (slurp($out) // ''), qr/keep_first|no memory for (the table|a dump|that)/,
			     "$name: a dump, or a word on why there is none");
			cmp_ok(scalar(() = $err =~ /no memory/g), '<=', 1, "$name: said once") or diag($err);
		}
	}
}
# And the kernel's own, where somebody says so: it is every process's. (HEAPTRACE_OVERCOMMIT=1)
SKIP: {
	my $file = '/proc/sys/vm/overcommit_memory';
	skip 'only with HEAPTRACE_OVERCOMMIT=1', 1 unless $ENV{HEAPTRACE_OVERCOMMIT};
	skip "$file cannot be written", 1 unless -w $file;
	my $before = slurp($file);
	my $set = sub { open my $to, '>', $file or return; print $to $_[0]; close $to };
	local $SIG{$_} = sub { $set->($before); exit 1 } for qw(INT TERM HUP);
	for my $options ([], ['--no-watch'], ["--record=$dir/rec"]) {
		unlink glob "$out* $dir/rec*";
		$set->(2);
		my ($status, $text, $err) = eval { run(undef, $heaptrace, "--outfile=$out", @$options, $limits, 'usr1') };
		$set->($before);
		is("$status $text", "0 done\n", "no overcommitment, @$options: the program");
		like($err . (slurp($out) // ''), qr/keep_first|no memory for (the table|a dump|that)/,
		     "no overcommitment, @$options: a dump, or a word on why there is none") or diag($err);
		note($err, slurp($out) // '');
	}
	is(slurp($file), $before, "$file is as it was");
}

# The OOM killer of a control group that the watcher is not in.
for my $options ([], ["--record=$dir/rec"]) {
	my $group;
	for ('/sys/fs/cgroup/memory', '/sys/fs/cgroup') {
		$group = "$_/heaptrace-limits-$$";
		last if -e "$_/cgroup.procs" && mkdir $group;
		undef $group;
	}
	my ($limit) = grep { defined $group && -e "$group/$_" } 'memory.limit_in_bytes', 'memory.max';
	SKIP: {
		skip 'no control groups with memory limits here', 2 unless defined $limit;
		unlink glob "$out* $dir/rec*";
		system("echo 40000000 >$group/$limit; test ! -e $group/memory.swap.max || echo 0 >$group/memory.swap.max");
		my ($status) = run(undef, $heaptrace, "--outfile=$out", @$options, $limits, 'oom', "$group/cgroup.procs");
		is($status, 9, "a control group, @$options: killed");
		if (@$options) {
			($status, my $text) = run(undef, $heaptrace, "--report=$dir/rec", '--top=0');
			like($text, qr/keep_first/, "a control group, @$options: the dump");
		} else {
			ok(wait_for(sub { (slurp($out) // '') =~ /which was killed[^\n]*\n.*keep_first.*statm/s }, 20),
			   'a control group: the dump');
		}
	}
	wait_for(sub { rmdir $group }, 5) if defined $group;
}

# ---- locked memory ----

# mlockall() gives what it gives natively, and neither locks nor touches what heaptrace maps for itself. Figures
# of the subject's are KB; those of the runs differ by the libraries that heaptrace brings, where these are
# locked too, and by what it has touched.
my $lock = build('lock', 'lock', '-fno-builtin', '-pthread');
my $mapped = do { my (undef, $text) = run(undef, $lock, 0, 'none'); $text =~ /begun: mapped (\d+)/ ? $1 : 0 };
for my $args (['1 none'], ['3 none fill large thread fork dump'], ['7 none fill thread large dump'], ['5 none fill fork'],
	      ['2 none fill dump'], ['6 none large again 3 fill'], ['3 none again 1 fill unlock fill'],
	      ['3 none unlock fill again 2 large'], ['0 none'], ['4 none'], ['8 none'], ['9 none'],
	      ['1', -32], ['1', 32], ['3', -32], ['3', 64, 'fill dump'], ['3', 2000, 'fill large thread dump'],
	      ['7', 2000, 'large fill dump again 1'], ['2', 2000, 'fill again 1 again 3 dump'], ['3 0'], ['2 0']) {
	my ($flags, $beyond, $steps) = @$args;
	my @args = split / /, defined $beyond ? "$flags " . ($mapped + $beyond) . ' ' . ($steps // '') : $flags;
	my ($native_status, $native) = run(undef, $lock, @args);
	for my $options ([], ['--no-watch']) {
		SKIP: {
			skip "lock @args: not to be had here", 3 if $native_status == 77 << 8;
			unlink glob "$out*";
			my ($status, $text, $err) = run(undef, $heaptrace, "--outfile=$out", @$options, $lock, @args);
			is("$status " . $text =~ s/^#.*\n//mgr, "$native_status " . $native =~ s/^#.*\n//mgr, "lock @args, @$options: as natively") or diag $err;
			my @far;
			my @native = $native =~ /^# (.*)/mg;
			for ($text =~ /^# (.*)/mg) {
				next if /^dumped/;
				my $line = shift @native // '';
				my @got = /(\d+)/g;
				my @want = $line =~ /(\d+)/g;
				if (/^filled: \d/) {
					push @far, "$_, natively $line" if abs($got[0] - $want[0]) > 1024;
				} else {	# mapped, locked, resident
					push @far, "$_, natively $line" if $got[1] - $want[1] > 1024 || $got[2] - $want[2] > 12000;
				}
			}
			is(join('; ', @far), '', "lock @args, @$options: what is locked, and what memory is taken");
			unlike(slurp($out) // '', qr/no memory/, "lock @args, @$options: all is recorded");
		}
	}
}

# In a program of 32 bits the libraries and the stack lie in the upper half of the addresses.
SKIP: {
	chomp(my $missing = `tests/tools/can_build_32`);
	skip $missing, 1 if $?;
	system('tests/tools/build_32') == 0 or die;
	my $lock32 = build('lock', 'lock32', '-m32', '-fno-builtin', '-pthread');
	my @locked = map { (run(undef, @$_, $lock32, '1', 'none'))[1] =~ /locked: mapped \d+ locked (\d+)/ ? $1 : 0 }
		[], [$heaptrace, "--outfile=$out"];
	cmp_ok($locked[1], '>', $locked[0] - 1024, "32 bits: what is natively locked is ($locked[0] KB)");
}

# ---- files ----

{
	my ($err, $dump) = both('RLIMIT_FSIZE', '', [], $limits, 'fsize');
	is(() = $err =~ /file size limit exceeded/g, 1, 'RLIMIT_FSIZE: said once');
	($err, $dump) = both('RLIMIT_NOFILE', '', [], $limits, 'nofile');
	like($dump, qr/finalized .*heap traced num of backtrace : 2\n.*names missing/s,
	     'no descriptors: the dump, and why there are no names');
	($err) = both('RLIMIT_NOFILE, folded', '', ['--flame-graph'], $limits, 'nofile');
	is(() = $err =~ /too many open files/g, 1, 'no descriptors: said once');
	for my $n (4, 5, 6, 10) {
		($err, $dump) = both("ulimit -n $n", "ulimit -n $n;", [], $limits, 'usr1') if $n > 4;
	}
	($err, $dump) = both('streams closed by the program', '', [], $limits, 'streams');
	like($dump, qr/keep_late/, 'streams closed by the program: the dump');
	for my $closed ('>&-', '2>&-', '0<&- >&- 2>&-') {
		($err, $dump) = both("started with $closed", "exec $closed;", [], $limits, 'usr1');
		my ($bad, @keys) = text_dumps($dump // '');
		is("$bad@keys", 'size size', "started with $closed: whole dumps");
	}
}

# Outputs that take nothing: the program goes on, and it is said where that is possible.
for (@$formats) {
	my ($format, @options) = @$_;
	my ($status, $text, $err) = run(undef, $heaptrace, '--outfile=/dev/full', @options, $limits, 'usr1');
	is("$status $text", "0 done\n", "/dev/full, $format: the program");
	is(() = $err =~ /cannot write the dump to \/dev\/full: no space left/g, 1, "/dev/full, $format: said once");
	# A pipe that nobody reads any more, with SIGPIPE at its default.
	for my $stream ('--outfile=-', '') {
		my @to = $stream ? ($stream) : ();
		my $redirect = $stream ? '' : '2>&1 >/dev/null';
		system('/bin/bash', '-c', "{ \"\$@\" $redirect; echo \$? >$dir/status; } | head -c 1 >/dev/null; :",
		       'bash', $heaptrace, @to, @options, '/bin/bash', '-c', 'sleep 0.1; trap "" PIPE; exit 5');
		is(slurp("$dir/status"), "5\n", "a broken pipe, $format, " . ($stream || 'stderr') . ': status');
	}
}

# ---- other roots ----

SKIP: {
	my $unshare = (grep { -x } map { "$_/unshare" } split /:/, $ENV{PATH})[0];
	skip 'no unshare here', 1 unless $unshare;
	my ($status) = run(undef, $unshare, '-m', '/bin/true');
	skip 'no namespaces here', 1 if $status;
	my $run = sub { my $script = shift; (run(undef, $unshare, '-m', '/bin/bash', '-c', $script, 'bash', @_)) };
	my ($text, $err);
	unlink glob "$out*";
	($status, $text, $err) = $run->('umount -l /proc || exit 77; exec "$@"', $heaptrace,
					 "--outfile=$out", $limits, 'usr1');
	SKIP: {
		skip '/proc cannot be unmounted here', 3 if $status == 77 << 8;
		is("$status $text", "0 done\n", 'no /proc: the program');
		is($err, '', 'no /proc: nothing on standard error');
		like(slurp($out), qr/finalized .*statm info[^\n]*: unknown/s, 'no /proc: what is not known is said');
	}
	mkdir "$dir/ro";
	($status, $text, $err) = $run->("mount -t tmpfs -o ro none $dir/ro || exit 77; exec \"\$@\"",
					 $heaptrace, "--outfile=$dir/ro/out", $limits, 'usr1');
	SKIP: {
		skip 'nothing can be mounted here', 1 if $status == 77 << 8;
		is($status, 125 << 8, 'a read-only outfile: an error before anything runs');
		like($err, qr/Read-only file system/, 'and it says why');
		($status, $text, $err) = $run->("mount -t tmpfs -o ro none $dir/ro || exit 77; exec \"\$@\"",
			'env', "LD_PRELOAD=" . ($heaptrace =~ s/heaptrace$/libheaptrace.so/r),
			"HEAPTRACE_OPTIONS=outfile=$dir/ro/out", $limits, 'usr1');
		is("$status $text", "0 done\n", 'a read-only outfile without the wrapper: the program');
		is(() = $err =~ /cannot write the dump .*: read-only file system/g, 1,
		   'and it is said once') or diag $err;
	}
}
done_testing;
