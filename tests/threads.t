#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# 8 threads, 1,000,000 random operations each, blocks handed between them: afterwards every
# site's live count and size are what the program itself kept count of.
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $cc = $ENV{CC} || 'cc';
my $seed = $ENV{SEED} || time % 100000;

system($cc, '-O1', '-fno-optimize-sibling-calls', '-o', "$dir/threads", 'tests/subjects/threads.c',
       '-pthread') == 0 or die 'cannot build the subject';
diag("seed $seed");

sub run {
	my ($key, $column, $threads, $steps) = @_;
	my $file = "$dir/$key";
	my $own = `./heaptrace --flame-graph --sort=$key --outfile=$file $dir/threads $threads $steps $seed`;
	is($?, 0, "$threads threads x $steps, by $key: the program ends as it should");
	my %want;
	for (split /\n/, $own) {
		my @f = split / /;
		$want{$f[0]} = $f[$column] if $f[$column];
	}
	is(keys %want, 8, 'all sites have live blocks');
	my %got;
	open my $in, '<', $file or die "$file: $!";
	while (<$in>) {
		my ($site) = /;(site\d);/ or next;
		my ($weight) = / (\d+)$/;
		$got{$site} += $weight;
	}
	is_deeply(\%got, \%want, 'the figures are the program\'s own');
}

run('count', 1, 8, 1000000);
run('size', 2, 8, 1000000);
run('size', 2, 1, 300000);
run('count', 1, 33, 30000);

done_testing();
