#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --sample: the mean of 60 runs is within 5 % of an exact run, for each figure of each backtrace that matters, and for the
# totals. Every format says that figures are estimates. The rate can change while the program runs.
use strict;
use warnings;
use JSON::PP;
use Test::More;
require './tests/common.pl';

# With 60 runs, 5 % are five and a half standard deviations of the figure that varies most: 20 runs, three of them, failed
# by chance once in a hundred times.
use constant RUNS => 60;

my $dir = File::Temp->newdir;
my $heaptrace = $ENV{HEAPTRACE} || './heaptrace';
$ENV{LC_ALL} = 'C.UTF-8';
delete @ENV{qw(HEAPTRACE_OPTIONS LD_PRELOAD)};
compile("$dir/sampling", qw(-O1 -g -fno-optimize-sibling-calls -pthread), 'tests/subjects/sampling.c') or BAIL_OUT('no subject: ' . log_text());

my @figures = qw(size count peak-size peak-count heap-peak total-size total-count temporary);
my %sites = map { $_ => 1 } qw(small medium large aligned grown regrown threaded temporary between);

# A run's figures by function, with those of the whole process as "all".
sub run {
	my (@options) = @_;
	quiet($heaptrace, @options, "--outfile=$dir/json", '--format=json', '--sort=total-size', '--top=0', "$dir/sampling") or return;
	return read_json("$dir/json");
}
sub read_json {
	my $json = decode_json(slurp($_[0]));
	my %sum = (all => { map { $_ => $json->{totals}{$_} } @figures });
	for my $row (@{$json->{rows}}) {
		my ($site) = grep { $_ && $sites{$_} } map { $_->{function} } @{$row->{frames}};
		next if !$site;
		$sum{$site}{$_} += $row->{$_} for @figures;
	}
	return (\%sum, $json);
}

my ($exact, $exact_json) = run();
ok($exact, 'an exact run') or BAIL_OUT(log_text());
is($exact_json->{sampling}, undef, 'its report says that nothing was sampled');
is($exact->{small}{count}, 100000, 'the blocks of small() that are left');
is($exact->{temporary}{temporary}, 400000, 'the temporary blocks of temporary()');
is($exact->{between}{temporary}, 0, 'between() has none');

my (%mean, %differ, $json);
for (1 .. RUNS) {
	(my $run, $json) = run('--sample=16384');
	if (!$run) {
		fail("a sampled run: " . log_text());
		last;
	}
	for my $site (keys %$exact) {
		$mean{$site}{$_} += ($run->{$site}{$_} // 0) / RUNS for @figures;
	}
	$differ{$run->{small}{count} // 0}++;
}
is_deeply($json->{sampling}, { 'bytes-mean' => 16384, estimated => JSON::PP::true }, 'a sampled run says its rate');
# 70 figures or so are possible, of which 60 runs have 36 on average, and seldom 30.
cmp_ok(keys %differ, '>', RUNS / 4, 'runs have different chances');
# The peak of a backtrace with hardly a live block at a time is a single sampled block, which stands for several; and the
# peak of several threads is another one in each run.
my %no_peak = map { $_ => 1 } qw(between grown temporary threaded);
for my $site (sort keys %$exact) {
	my @wrong;
	for my $figure (grep { !/^peak/ || !$no_peak{$site} } @figures) {
		my ($is, $should) = ($mean{$site}{$figure}, $exact->{$site}{$figure} // next);
		# What is nothing next to the run's figure may be off by as little.
		my $least = $exact->{all}{$figure} // $exact->{all}{count};
		next if abs($is - $should) <= 0.05 * ($should > 0.01 * $least ? $should : 0.01 * $least);
		push @wrong, sprintf('%s: %.0f, exactly %.0f', $figure, $is, $should);
	}
	is("@wrong", '', "the mean of " . RUNS . " runs is within 5 %: $site");
}
is($mean{large}{$_}, $exact->{large}{$_}, "blocks of the rate or more are all recorded: $_") for qw(size count total-count);

# A rate so small that each block is recorded, and one that is too large.
quiet($heaptrace, '--sample=5G', 'true');
like(log_text(), qr/--sample=5G: at most 1\.073 GB$/m, 'a rate above the largest names that one');
my ($all) = run('--sample=1');
delete @{$_->{threaded}}{qw(peak-size peak-count heap-peak)} for $all, $exact;
is_deeply($all, $exact, '--sample=1 records each block');

# ---- The marks ----

sub text { return `$heaptrace @{[join ' ', @_]} $dir/sampling 2>&1` }
my $text = text('--sample=64Ki');
like($text, qr/^\[heaptrace\] sampled: one block in about 65\.536 KB: figures with ~ are estimates$/m, 'text: the rate');
like($text, qr{\[count/peak: ~\d+/~\d+\] \[size/peak: ~[\d.]+ MB/~}, '... a row');
like($text, qr/calls to allocation functions: ~\d+ \(~\d+\/s\)\n.*temporary allocations: ~\d+.*\n.*consumption: ~[\d.]+ MB/, '... the summary');
like($text, qr/(?:leaked): ~[\d.]+ MB in ~\d+ blocks of \d+ backtraces$/m, '... what is live');
like($text, qr/allocation size  : ~/, '... and the total');
like($text, qr/$_ *: [\d-]/, "... but not: $_") for 'peak RSS \(including heaptrace overhead\)', 'allocator info \(virtual\)', 'statm info \(VSS/RSS/shared\)';
unlike(text(), qr/~|sampled/, 'an exact run has no mark');
like(text('--sample=64Ki', '--group=function'), qr/ ~[\d.]+ MB +~\d+  small/, 'groups');
like(text('--sample=64Ki', '--tree'), qr/~[\d.]+ MB +~\d+ .*small/, 'trees');
like(text('--sample=64Ki', '--histogram'), qr/^ +all +~\d+ +100\.0 +~\d+/m, 'the histogram');
like(text('--sample=64Ki', '--timeline'), qr/live heap over time, at most ~/, 'the timeline');
like(text('--sample=64Ki', '--growth'), qr/~/, 'growth');

my %mark = (
	'svg' => qr/sampled: one block in about 65\.536 KB.*~\d/s, 'html' => qr/"sampling":\{"bytes-mean":65536/,
	'pb' => qr/all values are estimates \(~\)/, 'trace.json' => qr/"estimated_from_one_in_bytes":65536/,
	'massif' => qr/^desc:.*estimates \(~\), from one block in about 65\.536 KB/, 'speedscope.json' => qr/"name":"size: [^"]*\(~ estimates/,
	'json' => qr/"estimated":true/, 'csv' => qr/,estimated_from_one_in_bytes\r\n.*,65536\r\n/s,
);
for my $ending (sort keys %mark) {
	quiet($heaptrace, '--sample=64Ki', "--outfile=$dir/o.$ending", "$dir/sampling");
	like(slurp("$dir/o.$ending"), $mark{$ending}, "$ending says that its figures are estimates");
	quiet($heaptrace, "--outfile=$dir/o.$ending", "$dir/sampling");
	unlike(slurp("$dir/o.$ending"), qr/~ ?\d|estimate[sd][ _]/, "... and an exact one does not") if $ending !~ /massif|html|svg/;
}

quiet($heaptrace, '--sample=64Ki', "--outfile=$dir/findings.json", "$dir/sampling");
my @findings = @{(decode_json(slurp("$dir/findings.json")))->{findings}};
ok(scalar(grep(/comes from|times a second|are temporary/, @findings)), 'a sampled run has findings about its heap');
is(join("\n", grep { /comes? from|times a second|are temporary/ && (!/~\d/ || / (of|had|by|has|calls,) \d[\d.]* ([KM]?B|bytes)/) } @findings), '', 'which mark estimates');

# ---- No free of a recorded block is missed when what is recorded changes ----

# The first steps are without an exact mode: as long as there is none, frees ask the filter (process/free_filter.h).
compile("$dir/modes", qw(-O1 -g -fno-optimize-sibling-calls -pthread), 'tests/subjects/modes.c') or BAIL_OUT('no subject: ' . log_text());
for my $run (['--sample=64', '5f1n6f5n', 12], ['--sample=64', '6f1nx5x2fxn', 8], ['--start=off', '5n1f6nf', 12], ['--start=off', '4nfxnf5nx', 8],
	     ['--sample=4096', 'f6n', 16], ['', 'f5nx6fxn', 8]) {
	my ($option, $steps, $rounds) = @$run;
	my $name = join ' ', "$option:", $steps, "$rounds times";
	ok(quiet($heaptrace, $option || '--depth=8', "--outfile=$dir/modes.json", '--format=json', '--top=0', "$dir/modes", $steps, $rounds), "$name: the program ends well")
		or diag log_text();
	my $modes = decode_json(slurp("$dir/modes.json"));
	my @live = map { my $row = $_; map { "$_->{function}: $row->{count}" } grep { ($_->{function} // '') =~ /^site_/ } @{$row->{frames}} } grep { $_->{count} } @{$modes->{rows}};
	is("@live", '', '... none of its blocks is left');
	is($modes->{'not-seen'}{'frees-of-known-blocks'} // 0, 0, '... and each free was seen');
	cmp_ok($modes->{totals}{'total-count'}, '>', 100, '... of those that were recorded');
}

# ---- Records, and other options ----

quiet($heaptrace, '--sample=64Ki', "--record=$dir/sampled", '--outfile=/dev/null', "$dir/sampling");
quiet($heaptrace, "--record=$dir/exact", '--outfile=/dev/null', "$dir/sampling");
like(`$heaptrace --report=$dir/sampled`, qr/sampled: one block.*allocation size  : ~/s, 'a record is known as sampled');
like(`$heaptrace --report=$dir/sampled --diff=$dir/exact`, qr/sampled: one block in.*live size +: ~/s, 'a comparison with an exact run');
like(`$heaptrace --report=$dir/exact --diff=$dir/sampled`, qr/sampled: the older run.*live size +: ~/s, '... and the other way round');
for my $limit (qw(max-leak max-leak-count max-peak max-calls max-temporary)) {
	my $value = $limit eq 'max-temporary' ? '1%' : 1;
	my $said = `$heaptrace --sample=64Ki --$limit=$value true 2>&1`;
	is($? >> 8, 125, "--$limit is refused");
	like($said, qr/--$limit is compared with exact figures/, '... with the reason');
}
quiet($heaptrace, '--sample=64Ki', '--histogram', "--outfile=$dir/h.json", "$dir/sampling");
my $h = decode_json(slurp("$dir/h.json"));
my ($calls, $live) = (0, 0);
$calls += $_->{calls}, $live += $_->{size} for @{$h->{histogram}{powers}};
is($calls, $h->{totals}{'total-count'}, 'the histogram has the calls of all rows');
is($live, $h->{totals}{size}, '... and their live bytes');
done_testing();
