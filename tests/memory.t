#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Where RSS goes: the parts add up to RSS, which is that of /proc/PID/status within 2 %; and each is what the subject
# knows of it, what mallinfo2() says, and what malloc_trim() gives back.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('where_rss', 'subject');
my $file = "$dir/out";
my %label = (
	live => 'live blocks, as asked for', unwritten => 'of these not in memory', rounding => 'rounding and headers',
	free => 'free in \w+(?:, mmap\(\))?', anonymous => 'other anonymous mappings', files => 'files and shared memory',
	stacks => 'stacks', own => "heaptrace's own",
);

# The figures of the first dump in a text, in MB; `said` is the line about the largest part, `trim` that about malloc_trim().
sub figures {
	my ($text) = @_;
	my ($dump) = ($text // '') =~ /(={65}\n\[heaptrace\] dump.*?\n={65}\n)/s;
	my %got = (text => $dump // 'no dump');
	return \%got unless $dump;
	my $right = sub { return ($dump =~ /^\[heaptrace\] $_[0]\s*: +(-?[\d.]+) MB/m)[0] };
	$got{rss} = $right->('where RSS goes') // 0;
	$got{$_} = $right->("- $label{$_}") // 0 for keys %label;
	$got{percent} = 0;
	$got{percent} += $_ for $dump =~ /^\[heaptrace\] - .* MB +(-?\d+) %$/mg;
	$got{sum} = 0;
	$got{sum} += $got{$_} for keys %label;
	$got{said} = $dump =~ /^\[heaptrace\] Largest part of RSS: (.*)\.$/m ? $1 : '';
	my ($n, $unit) = $dump =~ /^\[heaptrace\] malloc_trim\(3\) would give back (?:nothing|about ([\d.]+) (\w+))\.$/m;
	$got{trim} = ($n // 0) * { MB => 1, KB => 1e-3, bytes => 1e-6 }->{$unit // 'MB'};
	$got{wide} = join '|', grep { length > 80 } split /\n/, $dump =~ s/^(?!\[heaptrace\] (?:where|- |Larg|malloc_t)).*\n//gmr;
	return \%got;
}

# within(\%figures, NAME, PART => [LEAST, MOST], ...) in MB
sub within {
	my ($got, $name, %want) = @_;
	for my $part (sort keys %want) {
		my ($least, $most) = @{$want{$part}};
		ok($got->{$part} >= $least && $got->{$part} <= $most, "$name: $part is in $least .. $most")
			or diag("$got->{$part}\n$got->{text}");
	}
}

# That the parts add up, and to what the kernel says: vmrss in MB.
sub adds_up {
	my ($got, $name, $vmrss) = @_;
	cmp_ok(abs($got->{sum} - $got->{rss}), '<', 0.01, "$name: the parts add up") or diag($got->{text});
	cmp_ok(abs($got->{rss} - $vmrss), '<=', 0.02 * $vmrss + 0.3, "$name: to $vmrss MB") or diag($got->{text});
	cmp_ok(abs($got->{percent} - 100), '<=', 4, "$name: their shares add up") or diag($got->{text});
	is($got->{wide}, '', "$name: in 80 columns");
}

# Of the subject: its RSS, free bytes by mallinfo2(), what malloc_trim() gave back, all in MB; and its id.
sub told { return map { $_ > 1e5 || /^-/ ? $_ / 1e6 : $_ } (slurp("$dir/stdout") // '') =~ /^(\d+) (\d+) (-?\d+) (\d+)$/m }

sub begin {
	my ($how, $preload) = @_;
	unlink glob "$file*";
	my ($pid, $in) = start(sub { $ENV{LD_PRELOAD} = $preload if $preload }, $heaptrace, '--no-lines',
			       "--outfile=$file", $subject, $how);
	ok(wait_for(sub { (slurp("$dir/stdout") // '') =~ /\n/ }, 60), "$how: it is ready");
	return ($pid, $in);
}

# What the parts are, in MB.
my %want = (
	freed		=> { live => [0, 0.1], free => [40.2, 40.5], anonymous => [0, 0.6], said => qr/^free memory that malloc/ },
	holes		=> { live => [3, 3.3], free => [46.5, 48], said => qr/^free memory that malloc/ },
	fragmented	=> { live => [12.4, 12.7], free => [37, 38.5], said => qr/^free, but between/ },
	quick		=> { live => [0, 0.1], free => [31.9, 32.2], said => qr/^free memory that malloc/ },
	small		=> { live => [1, 1.01], rounding => [30.9, 31.1], free => [0, 0.2], said => qr/^headers and/ },
	mapped		=> { live => [52.4, 52.5], rounding => [0, 0.1], unwritten => [0, 0], free => [0, 0.2], said => qr/^$/ },
	unwritten	=> { live => [134.8, 134.9], unwritten => [-132, -131], free => [0, 0.5], said => qr// },
	own		=> { live => [5.2, 5.3], anonymous => [62.9, 63.1], said => qr/^not from malloc/ },
	static		=> { anonymous => [41.9, 42.1], live => [0, 0.1], said => qr/^not from malloc/ },
	file		=> { files => [32, 35], anonymous => [0, 0.3], said => qr/^files/ },
	shared		=> { files => [32, 35], anonymous => [0, 0.3], said => qr/^files/ },
	threads		=> { stacks => [21, 28], live => [1, 1.2], anonymous => [0, 0.5], said => qr/^the stacks/ },
	arenas		=> { live => [81.9, 82], free => [80, 85], anonymous => [0, 0.5], stacks => [0.9, 2], said => qr/^(?:free, but.*)?$/ },
	child		=> { live => [20, 20.1], rounding => [0.1, 0.3], anonymous => [0, 0.4], said => qr/^$/ },
);
for my $how (sort keys %want) {
	my ($pid, $in) = begin($how);
	my ($vmrss, $free, $trimmed, $runs) = told();
	my ($text) = map { slurp($_) } $how eq 'child' ? glob "$file.*" : $file;
	my $got = figures($text);
	my %parts = %{$want{$how}};
	adds_up($got, $how, $vmrss);
	like($got->{said}, delete $parts{said}, "$how: the largest part");
	within($got, $how, %parts);
	# Of the heaps that mallinfo2() adds up, some free memory is not in memory, and the caches of threads are not free.
	cmp_ok($got->{free}, '<=', $free + 0.02 * $got->{rss} + 0.3, "$how: no more is free than mallinfo2() says") or diag("$free\n$got->{text}");
	cmp_ok(abs($got->{trim} - ($trimmed > 0 ? $trimmed : 0)), '<', 0.5, "$how: malloc_trim() gave back what was said") or diag("$trimmed\n$got->{text}")
		if $got->{text} =~ /malloc_trim/;

	# From outside, in figures that are not cut off.
	my $json = `$heaptrace --dump=$runs --format=json`;
	my ($memory) = $json =~ /^"memory":(\{.*\}),$/m;
	my %m = ($memory // '') =~ /"([\w-]+?)(?:-bytes)?":(\d+)/g;
	ok($memory && $m{rss}, "$how: --dump has figures") or diag(substr $json, 0, 1000);
	is($m{live} - $m{'not-in-memory'} + $m{rounding} + $m{free} + $m{anonymous} + $m{files} + $m{stacks} + $m{own},
	   $m{rss}, "$how: --dump: which add up");
	my ($now) = (slurp("/proc/$runs/status") // '') =~ /^VmRSS:\s+(\d+)/m;
	cmp_ok(abs($m{rss} - $now * 1024), '<=', 0.02 * $m{rss} + 3e5, "$how: --dump: to RSS");
	cmp_ok($m{trimmable}, '<', 1e6, "$how: --dump: after malloc_trim() there is nothing to trim");
	close $in;
	is(finish($pid, 30), 0, "$how: exit status");
}

# What heaptrace has is what the program needs less without it.
{
	my ($pid, $in) = start(sub { $SIG{USR1} = 'IGNORE' }, $subject, 'small');
	wait_for(sub { (slurp("$dir/stdout") // '') =~ /\n/ }, 60);
	my ($native) = told();
	close $in;
	finish($pid, 30);
	($pid, $in) = begin('small');
	my $got = figures(slurp($file));
	within({ %$got, more => $got->{rss} - $native - $got->{own} }, "heaptrace's own", more => [-0.3, 0.6]);
	close $in;
	finish($pid, 30);
}

# Other allocators: their free memory is told from live blocks and files, not from mmap(). Some give it back after a while,
# which on a busy machine is before the dump: they are told to keep it.
local @ENV{qw(MALLOC_CONF MIMALLOC_ALLOW_DECOMMIT MIMALLOC_PAGE_RESET MIMALLOC_PURGE_DELAY)} =
	('dirty_decay_ms:-1,muzzy_decay_ms:-1', 0, 0, -1);
for my $name ('jemalloc', 'tcmalloc', 'mimalloc') {
	my ($library) = grep { -f } map { glob "/usr/lib/*-linux-gnu/lib$name.so.{2,4}" } 1;
	next unless $library;
	for my $how ('freed', 'mapped', 'threads') {
		my ($pid, $in) = begin($how, $library);
		my ($vmrss) = told();
		my $got = figures(slurp($file));
		adds_up($got, "$name, $how", $vmrss);
		like($got->{text}, qr/- free in $name, mmap\(\) +:/, "$name, $how: the allocator's name");
		within($got, "$name, $how", $how eq 'freed' ? (live => [0, 0.2], free => [39, 50]) :
		       $how eq 'mapped' ? (live => [52.4, 52.6], free => [0, 8]) : (stacks => [21, 28], live => [1, 1.3]));
		close $in;
		finish($pid, 30);
	}
}

# Real programs.
for ([python3 => 'import os; a = [str(i) * 9 for i in range(99999)]; del a[::2]; os.kill(os.getpid(), 10); print(open("/proc/self/status").read())'],
     [perl => 'my %h; $h{$_} = [1 .. 9] for 1 .. 30000; delete $h{$_} for 1 .. 9999; kill "USR1", $$; open my $f, "<", "/proc/self/status"; print <$f>']) {
	my ($name, $script) = @$_;
	my $program = $name eq 'perl' ? $^X : `python3 -c 'import sys; print(sys.executable)' 2>/dev/null` =~ s/\n//r;
	next unless $program;
	unlink $file;
	local $ENV{PYTHONMALLOC} = 'malloc';
	my ($status, $out) = run(undef, $heaptrace, '--no-lines', "--outfile=$file", $program, $name eq 'perl' ? '-e' : '-c', $script);
	my ($vmrss) = $out =~ /VmRSS:\s+(\d+)/;
	is($status, 0, "$name: exit status");
	adds_up(figures(slurp($file)), $name, $vmrss * 1024 / 1e6);
}
if (has('sqlite3')) {
	unlink $file;
	run(undef, $heaptrace, '--no-lines', "--outfile=$file", 'sqlite3', ':memory:',
	    'create table t(a); insert into t select hex(randomblob(50)) from generate_series(1, 99999)');
	my $got = figures(slurp($file));
	adds_up($got, 'sqlite3', ($got->{text} =~ m{statm info.*: .* / ([\d.]+) MB /})[0]);
	within($got, 'sqlite3', files => [3, 8]);
}

# The newest dump leaves the figures in the table, for reports after the end.
for my $end ('exit', 'kill', 'format=json') {
	my $rec = "$dir/rec";
	unlink $rec, glob "$file*";
	my ($pid, $in) = start(undef, $heaptrace, '--no-lines', "--record=$rec", "--outfile=$file",
			       $end =~ /json/ ? "--$end" : (), $subject, 'mapped');
	ok(wait_for(sub { (slurp("$dir/stdout") // '') =~ /\n/ }, 60), "$end: it is ready");
	kill 'KILL', $pid if $end eq 'kill';
	close $in;
	finish($pid, 30);
	my $got;
	ok(wait_for(sub { $got = figures(scalar `$heaptrace --report=$rec --top=1`); $got->{rss} }, 10), "$end: the report has figures");
	like($got->{text}, qr/where RSS goes +: +[\d.]+ MB, [\d.]+ \w+ before\n/, "$end: and says from when they are");
	adds_up($got, "$end: in the report", $got->{rss});
	within($got, "$end: in the report", live => [52.4, 52.5]);
	like(scalar `$heaptrace --report=$rec --format=json`, qr/"memory":\{.*"before-ns":[1-9]/, "$end: in JSON, too");
}

# Where smaps is not there, the dump says so.
SKIP: {
	skip 'no user namespaces here', 1 unless quiet('unshare -rm true');
	my $out = `unshare -rm sh -c 'mount -t tmpfs none /proc && exec $heaptrace --no-watch $subject none' 2>&1`;
	unlike($out, qr/where RSS goes +: +\d/, 'without /proc nothing is claimed');
}

done_testing;
