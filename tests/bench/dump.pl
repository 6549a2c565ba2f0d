#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: dump.pl ROUNDS HEAPTRACE [OPTION...] PROGRAM [ARG...]
#
# How long the dump at a program's end takes, and how much memory: of ROUNDS runs, the median
# and the largest number of milliseconds and the largest of KB, in one line. The time is that from the dump's first call of
# the kernel (it opens /proc/self/statm) to its last line, as strace sees it, which stops the
# program at no other call than those two and exec; the memory is the process's maximum over
# what the dump itself says of it before it looks for names.
use strict;
use warnings;
use File::Temp 'tempdir';

my ($rounds, $heaptrace, @rest) = @ARGV;
my $dir = tempdir(CLEANUP => 1);
my (@ms, @kb);

sub slurp {
	open my $in, '<', $_[0] or die "$_[0]: $!\n";
	local $/;
	return <$in>;
}

for (1 .. $rounds) {
	unlink "$dir/dump";
	system('strace', '-f', '--seccomp-bpf', '-ttt', '-e', 'trace=openat,write', '-o', "$dir/trace",
	       '/usr/bin/time', '-f', '%M', '-o', "$dir/most", $heaptrace, "--outfile=$dir/dump", @rest) == 0
		or die "the program fails, or strace\n";
	my ($start, $end);
	for (split /\n/, slurp("$dir/trace")) {
		$start = $1 if m{ (\d+\.\d+) openat\(.*"/proc/self/statm"};
		$end = $1 if $start && !/exited|"\d+\\n"/ && / (\d+\.\d+) write\(/;
	}
	my $unit = { KB => 1, MB => 1000, GB => 1e6 };
	my ($rss, $of) = slurp("$dir/dump") =~ m{statm info .*: .* / (\S+) (.B) / } or die "no dump\n";
	push @ms, 1000 * ($end - $start);
	push @kb, (split ' ', slurp("$dir/most"))[-1] * 1.024 - $rss * $unit->{$of};
}
@ms = sort { $a <=> $b } @ms;
@kb = sort { $a <=> $b } @kb;
printf "%.1f %.1f %.0f\n", $ms[$#ms / 2], $ms[-1], $kb[-1];
