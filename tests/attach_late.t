#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# The library in a process that runs already: heaptrace_attach() and heaptrace_detach(), called by the process itself.
# tests/subjects/attach_late.c does a known number of allocations in between, in functions whose names are looked for
# in the dump.
use strict;
use warnings;
use Cwd;
use File::Temp 'tempdir';
use Test::More;
require './tests/common.pl';

my $top = getcwd();
my $library = "$top/libheaptrace.so";
my $dir = tempdir('heaptrace-attach.XXXXXX', TMPDIR => 1, CLEANUP => 1);
delete @ENV{qw(HEAPTRACE_OPTIONS LD_PRELOAD)};
$ENV{LC_ALL} = 'C.UTF-8';

my @flags = qw(-g -O1 -pthread);
compile("$dir/late", @flags, 'tests/subjects/attach_late.c', '-ldl') or do {
	plan skip_all => 'no C compiler' unless has($ENV{CC} || 'cc');
	BAIL_OUT(log_text());
};
compile("$dir/$_.so", '-g', '-shared', '-fPIC', 'tests/subjects/attach_library.c') or BAIL_OUT(log_text()) for qw(first second);
END { chdir '/' }
chdir $dir or die;

# Runs the subject. Returns what it prints; its status is in $status, and its dump's text in $dump.
my ($status, $dump);
sub run {
	my ($program, $options, @mode) = @_;
	unlink glob 'dump*';
	my $printed = join '', `timeout 60 ./$program $library '$options' @mode 2>errors`;
	$status = $?;
	$dump = slurp('dump') // '';
	return $printed;
}

# The blocks and bytes of the rows whose frame 1 is in the function, together: "10 blocks 1000 bytes". Frame 0 must be the
# function of malloc's family that was called.
sub rows {
	my ($text, $function, $called) = @_;
	my ($blocks, $bytes) = (0, 0);
	while ($text =~ /=== \[count\/peak: (\d+)\/\d+\] \[size\/peak: ([\d.]+) (bytes|KB|MB)\/.*\n 0 \[0x\w+\] (\w+) \+0x1\n((?: +[1-3] .*\n)+)/g) {
		my ($count, $size, $unit, $first, $frames) = ($1, $2, $3, $4, $5);
		next unless $frames =~ /\] \Q$function\E[ (+]/ && $first eq $called;
		$blocks += $count;
		$bytes += $size * ($unit eq 'bytes' ? 1 : $unit eq 'KB' ? 1000 : 1000000);
	}
	return "$blocks blocks $bytes bytes";
}
sub calls { return $_[0] =~ /calls to allocation functions: (\d+)/ ? $1 : 'none' }

# ---- Counts, with each way in which calls are bound ----

my $counted = <<'EOF2';
actions before
usr1 own 1 0
usr2 default 0 0
term default 1 1
segv default 0 0
pipe ignored 1 0
attach 0
actions attached
usr1 own 1 0
usr2 default 0 0
term default 1 1
segv default 0 0
pipe ignored 1 0
detach 0
actions after
usr1 own 1 0
usr2 default 0 0
term default 1 1
segv default 0 0
pipe ignored 1 0
pointer restored
dlsym restored
EOF2
my @expected = (
	[ by_malloc => malloc => 10, 1000 ], [ by_calloc => calloc => 5, 600 ], [ by_realloc => realloc => 4, 800 ],
	[ by_strdup => malloc => 3, 33 ], [ by_memalign => posix_memalign => 2, 1280 ], [ by_pointer => malloc => 7, 490 ],
	[ by_dlsym => malloc => 6, 360 ], [ by_resize => realloc => 2, 6000 ], [ by_thread => malloc => 27, 27000 ],
	[ library_alloc => malloc => 10, 130 ], [ library_begins => malloc => 1, 4321 ],
);
my %ways = (
	'bound at the first call' => ['-Wl,-z,lazy'], 'bound at the start, RELRO' => ['-Wl,-z,now', '-Wl,-z,relro'],
	'at a fixed address' => ['-no-pie', '-fno-pie', '-Wl,-z,lazy'], 'calls without a PLT' => ['-fno-plt'],
);
for my $way (sort keys %ways) {
	chdir $top;
	compile("$dir/counts", @flags, @{$ways{$way}}, 'tests/subjects/attach_late.c', '-ldl') or BAIL_OUT(log_text());
	chdir $dir;
	is(run('counts', 'outfile=dump:top=0', 'counts', './first.so', './second.so'), $counted, "$way: all is as before");
	is($status, 0, "$way: it comes to its end");
	is(rows($dump, $_->[0], $_->[1]), "$_->[2] blocks $_->[3] bytes", "$way: $_->[0]") for @expected;
	unlike($dump, qr/\] (?:record_|recall_|enter|heaptrace)/, "$way: no frame is the tracer's");
	like($dump, qr/^\[heaptrace\] dump 1 on detach/m, "$way: the dump says what ended it");
	unlike($dump, qr/frees? of (?:a )?known block/, "$way: no free was missed");
	like($dump, qr/^\[heaptrace\] not seen +: 6 frees of blocks that were allocated before heaptrace$/m,
	     "$way: what was there before is known as such when it is freed");
}

# ---- Again ----

is(run('late', 'outfile=dump:top=0', 'again'), "attach 0\ndetach 0\nattach 0\ndetach 0\n", 'a second time');
is(calls($dump), 4, 'the second table is new');
is(rows($dump =~ s/.*\n(?=.*dump 2 )//sr, 'by_malloc', 'malloc'), '4 blocks 400 bytes', 'and has the second time only');
like($dump, qr/dump 1 by SIGUSR2/, 'a signal asks for a dump');
unlike($dump, qr/by_calloc/, 'nothing is left of the first time');

# ---- Ends ----

for (['exit', 768, '1 blocks 100 bytes', 0], ['_exit', 768, '2 blocks 200 bytes', 1], ['quick_exit', 768, '2 blocks 200 bytes', 1],
     ['signal', 15, '2 blocks 200 bytes', 1], ['detached', 15, '2 blocks 200 bytes', 1]) {
	my ($how, $want, $rows, $more) = @$_;
	run('late', 'outfile=dump:top=0', 'ends', $how);
	is($status & 127 ? $status & 127 : $status >= 128 << 8 ? ($status >> 8) - 128 : $status, $want, "end by $how: the status");
	is(rows($dump, 'by_malloc', 'malloc'), $rows, "end by $how: what is live");
	is(rows($dump, 'ends', 'calloc'), $more ? '1 blocks 5000 bytes' : '0 blocks 0 bytes', "end by $how: after the program's exit handlers");
	my @dumps = $dump =~ /^\[heaptrace\] dump \d+ (.*?),/mg;
	is("@dumps", $how eq 'detached' ? 'on detach' : $how eq 'signal' ? 'before the end by SIGTERM' : 'on exit', "end by $how: one dump");
}

# ---- Children, and other programs ----

is(run('late', 'outfile=dump.%p:top=0', 'starts'), <<'EOF2', 'children and programs do what they do');
attach 0
forked 4
system 5
spawned 0
0
executed 6
detach 0
attach 0
child attached 7
EOF2
my %dumps = map { $_ => slurp($_) } glob 'dump.*';
my @parent = grep { $dumps{$_} =~ / on detach/ } keys %dumps;
is(scalar @parent, 1, 'one process was let go of');
is(rows($dumps{$parent[0]}, 'by_malloc', 'malloc'), '2 blocks 200 bytes', 'the parent');
my @forked = grep { rows($dumps{$_}, 'by_calloc', 'calloc') eq '3 blocks 360 bytes' } keys %dumps;
is(scalar @forked, 1, 'a child has what it allocates');
is(rows($dumps{$forked[0]}, 'by_malloc', 'malloc'), '1 blocks 100 bytes', 'and what its parent had, but for what a destructor frees');
my @own = grep { rows($dumps{$_}, 'by_calloc', 'calloc') eq '4 blocks 480 bytes' } keys %dumps;
is(scalar @own, 1, 'a child of a process that sleeps can be attached to');
is(rows($dumps{$own[0]}, 'by_malloc', 'malloc'), '0 blocks 0 bytes', 'and has nothing of its parent');
is(slurp('errors'), '', 'no line about shells or programs');

# ---- Under load ----

my $rounds = $ENV{ATTACH_ROUNDS} || 50;
is(run('late', 'outfile=dump:top=0', 'load', $rounds, './first.so'), "failed 0\n", "$rounds rounds under load");
is($status, 0, 'nothing crashes');
for my $file (glob 'dump*') {
	my $text = slurp($file);
	fail("$file: no free was missed") if $text =~ /frees? of (?:a )?known block/;
}

# ---- A copy of the library that has no name ----

run('late', 'outfile=dump:top=0', 'again', 'copied');
is(rows($dump =~ s/.*\n(?=.*dump 2 )//sr, 'by_malloc', 'malloc'), '4 blocks 400 bytes', 'frame 0 has its name though the library has no file');
unlink 'record';
run('late', "record=record:library=$library:outfile=dump", 'again', 'copied');
my $report = `$top/heaptrace --report=record --top=0 2>&1`;
is(rows($report, 'by_malloc', 'malloc'), '4 blocks 400 bytes', 'also in a report of the record');

# ---- Pools ----

is(run('late', 'outfile=dump:top=0', 'pools'), "attach 0\ndetach 0\nattach 0\nunknown 2\nknown 0\ndetach 0\n",
   "the blocks of pools of an earlier attach are forgotten");
like($dump =~ s/.*(?=dump 2 )//sr, qr/heaptrack/, 'and names belong to the new table');

# ---- Refusals ----

is(run('late', 'outfile=dump', 'refusals'), <<'EOF2', 'what it cannot do it refuses, and the program goes on');
detach 9
attach 5
attach 6
attach 0
attach 2
detach 0
detach 9
copy 3
EOF2
is(`LD_PRELOAD=$library HEAPTRACE_OPTIONS=outfile=dump ./late $library '' again 2>&1`, "attach 1\ndetach 9\nattach 1\ndetach 9\n",
   'a process that was traced from its start');

done_testing();
