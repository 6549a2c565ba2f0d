#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# 8 threads, 1,000,000 random operations each, blocks handed between them: afterwards every
# site's live count and size are what the program itself kept count of. And threads that hand
# blocks over in a fixed order, whose figures are known by hand (tests/subjects/handover.c).
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

# ---- Blocks that are handed over ----

system($cc, '-O1', '-fno-optimize-sibling-calls', '-o', "$dir/handover", 'tests/subjects/handover.c',
       '-pthread') == 0 or die 'cannot build the subject';

# By site, whatever thread has called it: the folded weights, of one key.
sub weights {
	my ($key, @case) = @_;
	my %weight;
	unlink "$dir/folded";
	is(system('./heaptrace', '--flame-graph', '--depth=2', "--sort=$key", "--outfile=$dir/folded", "$dir/handover",
		  @case), 0, "@case, by $key: the program ends as it should");
	open my $in, '<', "$dir/folded" or return {};
	while (<$in>) {
		$weight{$1} += $2 if /^(\w*site);\w+ (\d+)$/;
	}
	return \%weight;
}

# The age of the site's row at the end, and how long the program has run by then, in seconds.
sub age {
	my $text = `./heaptrace --depth=2 --top=0 --no-lines --outfile=- $dir/handover $_[0]`;
	my @times = ($text =~ /\[age: ([\d.]+) (\w+)\].*\n 0 .*\n 1 \[\w+\] site /, $text =~ /total runtime: ([\d.]+) (\w+)/);
	my %unit = (ms => 0.001, secs => 1);
	return map { ($times[$_] // 0) * ($unit{$times[$_ + 1] // ''} // 0) } 0, 2;
}

is_deeply(weights('heap-peak', 'peak'), { small_site => 33000, large_site => 50000000 },
	  'the peak of the heap is seen when another thread has blocks to tell of that were freed');
my $above = `./heaptrace --above=10M --depth=2 --outfile=- $dir/handover peak`;
is(() = $above =~ /^\[heaptrace\] dump allocation/mg, 2, 'and --above has its dump');
for my $bytes (16, 200, 1000) {
	is_deeply(weights('temporary', 'temporary', $bytes), {},
		  "$bytes bytes: a block is not temporary because another thread's had its address");
}
is_deeply(weights('temporary', 'reused'), { site => 1 }, 'and one that is temporary is, after that, too');
is_deeply(weights('temporary', 'realloc'), { site => 1 }, 'what realloc(p, 0) frees is temporary as what free() does');
cmp_ok((age('kept-age'))[0], '>', 1.1, 'an age goes on while another thread has blocks, told or not');
# It begins 0.9 seconds after the start at the earliest.
my ($new, $runtime) = age('new-age');
ok($new > 0.2 && $new < $runtime - 0.85, 'and begins when the last is gone by what two threads know') or diag("age $new s of $runtime s");

done_testing();
