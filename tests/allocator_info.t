#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# The two figures of the allocator in a dump, against mallinfo2() in the same moment: exact where that is
# cheap, else estimated, within bounds and said to be; never at the cost of a look at each free chunk, and never by
# waiting for a lock of malloc's.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('allocator_info', 'subject');
my $here = `pwd` =~ s/\n//r;
my $outfile = "$dir/out";
my %unit = (bytes => 1, KB => 1000, MB => 1000000, GB => 1000000000);

# The figures of a dump's text: virtual, how far it may be off by being cut to three places, resident, the same,
# whether that is estimated. What is not known is -1.
sub figures {
	my ($text) = @_;
	my @got;
	for my $which ('virtual', 'resident') {
		my ($n, $u) = ($text // '') =~ /^\[heaptrace\] allocator info \($which\) +: ([\d.]+) (\w+)/m;
		push @got, defined $n ? ($n * $unit{$u}, $unit{$u} / 1000 + 1) : (-1, 0);
	}
	return (@got, ($text // '') =~ /\(estimated, not RSS/ ? 1 : 0);
}

# Holds a dump against what the program says. slack: how far an estimate may be off; 0: it has to be exact.
sub compare {
	my ($name, $text, $virtual, $resident, $slack) = @_;
	my ($v, $v_cut, $r, $r_cut, $estimated) = figures($text);
	my ($bad) = text_dumps($text // '');
	is($bad, '', "$name: the form");
	cmp_ok(abs($v - $virtual), '<=', $v_cut, "$name: virtual");
	is($estimated, $slack ? 1 : 0, "$name: whether it is said to be estimated");
	cmp_ok(abs($r - $resident), '<=', $r_cut + $slack, "$name: resident, $r of $resident");
}

sub first_dump {
	my ($text) = @_;
	my ($dump) = ($text // '') =~ /(={65}\n\[heaptrace\] dump.*?\n={65}\n)/s;
	return $dump;
}

for (['few', 0], ['mapped', 0], ['many', 600_000], ['mixed', 4_000_000], ['threads', 1_200_000],
     ['was-threads', 1_200_000], ['rounded', 300_000], ['rounded-half', 300_000], ['aligned', 300_000]) {
	my ($how, $slack) = @$_;
	unlink $outfile;
	my ($status, $out, $err) = run(undef, $heaptrace, "--outfile=$outfile", '--no-lines', $subject, $how);
	is("$status$err", '0', "$how: the program");
	my ($virtual, $resident, $ms) = $out =~ /^(\d+) (\d+) ([\d.]+)$/;
	# Of a process whose other threads have ended, some versions of libc know that it has but one again.
	$slack = 0 if $how eq 'was-threads' && !(figures(first_dump(slurp($outfile))))[4];
	compare($how, first_dump(slurp($outfile)), $virtual, $resident, $slack);
	# Processor time of the thread, the least of some runs: a busy machine's caches and processors are shared. A look
	# at each free chunk takes ten times as long.
	for (2 .. 5) {
		last if $how !~ /^m/ || $ms < 20;
		(undef, $out) = run(undef, $heaptrace, "--outfile=$outfile", '--no-lines', $subject, $how);
		$ms = $1 if $out =~ / ([\d.]+)$/ && $1 < $ms;
	}
	cmp_ok($ms, '<', 20, "$how: the dump takes less than 20 ms") if $how =~ /^m/;
}

# A child's heap is its own.
unlink glob "$outfile*";
my ($status, $out, $err) = run(undef, $heaptrace, "--outfile=$outfile", '--no-lines', $subject, 'fork');
my ($virtual, $resident) = $out =~ /^(\d+) (\d+) [\d.]+$/;
my ($childs) = glob "$outfile.*";
my $exact = (figures(first_dump(slurp($childs))))[4] ? 1_200_000 : 0;	# whether libc says that it has one thread
compare('fork', first_dump(slurp($childs)), $virtual, $resident, $exact);

# Locks that others hold.
unlink $outfile;
($status, $out, $err) = run(undef, $heaptrace, "--outfile=$outfile", '--no-lines', '--top=1', $subject, 'stuck');
is("$status$err", '0', 'a thread that stands still in malloc: the program comes to its end');
my ($bad, @keys) = text_dumps((slurp($outfile) // '') =~ s/^\[heaptrace\] finalized.*//rms);
is("$bad " . @keys, ' 100', 'a thread that stands still in malloc: each dump is there');

# Free chunks that the program has damaged: who adds them up must neither fault nor go round for ever.
for my $how ('loop', 'far', 'size') {
	unlink $outfile;
	my ($status, $out, $err) = run(undef, $heaptrace, "--outfile=$outfile", '--no-lines', $subject, $how);
	is("$status$err", '0', "damaged, $how: the program");
	my $dump = first_dump(slurp($outfile));
	is((text_dumps($dump // 'none'))[0], '', "damaged, $how: a dump");
	is((figures($dump))[4], 1, "damaged, $how: with an estimate");
}

# mallinfo2() is asked at the start, when it is cheap, and never again: neither for the last dump of a program that
# leaves nothing behind, which prints nothing, nor for another.
SKIP: {
	skip 'no gdb', 2 if system('gdb --version >/dev/null 2>&1 </dev/null');
	for my $how ('none', 'end') {
		my @do = ('set startup-with-shell off', 'set debuginfod enabled off',
			  "set environment LD_PRELOAD $here/libheaptrace.so", 'break main', 'run', 'break mallinfo2', 'continue');
		open my $gdb, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', 'gdb', '-batch', '-nx', (map { ('-ex', $_) } @do), '--args', $subject, $how;
		my $text = join '', <$gdb>;
		skip 'gdb cannot run a program here', 1 unless $text =~ /\bBreakpoint 1, .*\bmain\b/;
		unlike($text, qr/\bBreakpoint 2[.,].*mallinfo2 \(/, "mallinfo2() is not asked at the end, $how");
	}
}

# To find the places costs a short-lived program nothing that it would feel.
SKIP: {
	skip 'no strace', 1 if system('strace -o /dev/null true >/dev/null 2>&1');
	my (undef, undef, $calls) = run(sub { $ENV{LD_PRELOAD} = '' }, 'strace', '-e', 'trace=futex', '-E', "LD_PRELOAD=$here/libheaptrace.so",
					'-E', 'HEAPTRACE_OPTIONS=outfile=/dev/null', '/bin/true');
	my $count = () = $calls =~ /^futex\(/mg;
	cmp_ok($count, '<', 100, 'questions to the kernel whether memory can be read, at the start');
}

# From outside.
{
	unlink $outfile;
	my ($pid, $in) = start(undef, $heaptrace, "--outfile=$outfile", $subject, 'wait');
	wait_word('ready');
	($virtual, $resident) = slurp("$dir/stdout") =~ /^(\d+) (\d+) ready$/m;
	my $text = `$heaptrace --dump=$pid --no-lines`;
	if ((figures($text))[0] < 0 && $text =~ /\(virtual\) +: unknown \(its memory may not be read\)/) {
		SKIP: { skip '--dump: the memory of another process may not be read here', 4 }
	} else {
		compare('--dump', $text, $virtual, $resident, 300_000);
	}
	# Where its memory may not be read (kernel.yama.ptrace_scope) the kernel's list of mappings helps.
	open my $source, '>', "$dir/refuse.c" or die;
	print $source "long process_vm_readv(int pid) { return -(pid == pid); }\n";
	close $source;
	system(($ENV{CC} || 'cc') . " -shared -fPIC -o $dir/refuse.so $dir/refuse.c") == 0 or die;
	$text = `LD_PRELOAD=$dir/refuse.so $heaptrace --dump=$pid --no-lines`;
	is((text_dumps($text))[0], '', '--dump, not to be read: the form');
	like($text, qr/\(virtual\) +: [\d.]+ MB \(estimated\)$/m, '--dump, not to be read: it is said to be estimated');
	cmp_ok(abs((figures($text))[0] - $virtual), '<', 50_000, '--dump, not to be read: virtual');
	kill 'KILL', $pid;
	finish($pid, 10);
	wait_for(sub { (slurp($outfile) // '') =~ /which was killed.*={65}\n\z/s }, 10);
	$text = first_dump(slurp($outfile));
	like($text, qr/\(virtual\) +: unknown \(the process has ended\)$/m, 'killed: what cannot be known');
	my ($r, $cut, $estimated) = (figures($text))[2 .. 4];
	is($estimated, 1, 'killed: resident is estimated');
	cmp_ok(abs($r - $resident), '<=', $cut + 300_000, "killed: resident, $r of $resident");
}

# Another allocator's figures are not libc's, which are 0 then.
my ($other) = grep { -e } glob '/usr/lib/*/libjemalloc.so.2';
SKIP: {
	skip 'no libjemalloc.so.2 (Debian package libjemalloc2)', 3 unless $other;
	unlink $outfile;
	my ($status) = run(sub { $ENV{LD_PRELOAD} = $other }, $heaptrace, "--outfile=$outfile", '--no-lines', $subject, 'few');
	my $text = first_dump(slurp($outfile));
	is((text_dumps($text))[0], '', 'jemalloc: the form');
	like($text, qr/\(virtual\) +: unknown \(malloc is not glibc's\)$/m, 'jemalloc: what cannot be known');
	# 2000 blocks of 1000 bytes on average, and the program's own 32 MB.
	cmp_ok(abs((figures($text))[2] - 34_000_000), '<', 1_500_000, 'jemalloc: an estimate');
}

# Places that were tuned before the start, and a heap that is not the program's first.
for my $tunables ('glibc.malloc.mmap_max=77:glibc.malloc.mmap_threshold=1000001', 'glibc.malloc.tcache_count=0',
		  'glibc.malloc.arena_max=1:glibc.malloc.mmap_max=0', 'glibc.malloc.top_pad=1:glibc.malloc.trim_threshold=7') {
	unlink $outfile;
	my ($status, $out) = run(sub { $ENV{GLIBC_TUNABLES} = $tunables }, $heaptrace, "--outfile=$outfile", '--no-lines',
				 $subject, 'mapped');
	my ($virtual, $resident) = $out =~ /^(\d+) (\d+) [\d.]+$/;
	compare($tunables, first_dump(slurp($outfile)), $virtual, $resident, 0);
}

done_testing();
