#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --format=perfetto: the document keeps the rules of the Trace Event Format, has the figures of the JSON report and of the
# text dump, and a group of instants for each dump. Perfetto's own trace processor reads it, where it is installed.
use strict;
use utf8;
use warnings;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('moments', 'moments');
our $rec = "$dir/rec";
my $json = JSON::PP->new->utf8->allow_bignum(0);

sub report {
	my ($file, @options) = @_;
	my ($status, undef, $err) = run(undef, $heaptrace, "--report=$rec", "--outfile=$file", @options);
	return $status ? "status $status: $err" : slurp($file);
}

# What a document has that the Trace Event Format forbids. The rules are those of the format's description (Google, 2016),
# for the four phases that are used here, and that each reader can rely on: whole ids, numeric times, in their order.
sub complaints {
	my ($text) = @_;
	my $document = eval { $json->decode($text) } or return "no JSON: $@";
	return 'no traceEvents' if ref $document ne 'HASH' || ref $document->{traceEvents} ne 'ARRAY';
	my $number = qr/^-?\d+(?:\.\d+)?$/;
	my ($time, @bad) = (0);
	push @bad, 'displayTimeUnit' if ($document->{displayTimeUnit} // '') !~ /^(?:ms|ns)$/;
	for my $event (@{$document->{traceEvents}}) {
		my $what = encode_json($event);
		my $args = $event->{args};
		# Whether a value is a number in the document, and not a text
		my $numeric = sub { defined $_[0] && !ref $_[0] && JSON::PP->new->allow_nonref->encode($_[0]) =~ $number };
		push @bad, "name: $what" if !length($event->{name} // '');
		push @bad, "phase: $what" if ($event->{ph} // '') !~ /^[CiMX]$/;
		push @bad, "id: $what" if grep { !$numeric->($event->{$_}) || $event->{$_} !~ /^\d+$/ } 'pid', 'tid';
		push @bad, "args: $what" if ref $args ne 'HASH' || !%$args;
		if ($event->{ph} eq 'M') {
			push @bad, "metadata: $what" if $event->{name} !~ /^(?:process|thread)_name$/ || ref $args->{name} || !length $args->{name};
			next;
		}
		push @bad, "category: $what" if ($event->{cat} // '') ne 'heap';
		push @bad, "time: $what" if !$numeric->($event->{ts}) || $event->{ts} < $time;
		$time = $event->{ts};
		push @bad, "scope: $what" if $event->{ph} eq 'i' && ($event->{s} // '') !~ /^[gpt]$/;
		push @bad, "duration: $what" if $event->{ph} eq 'X' && (!$numeric->($event->{dur}) || $event->{dur} < 0);
		push @bad, "counter: $what" if $event->{ph} eq 'C' && grep { !$numeric->($_) || $_ < 0 } values %$args;
	}
	return join "\n", @bad;
}

sub events {
	my ($text, $name) = @_;
	my $document = eval { $json->decode($text) } or return ();
	return grep { $_->{name} eq $name } @{$document->{traceEvents}};
}

# The newest one. Under load, the dump at the end can be so long before the end that a report of the record is a dump more.
sub newest { return (events(@_))[-1] }

# The bytes and the allocations that a list of backtraces names, added up.
sub sums {
	my ($list, $name) = @_;
	my @sums = (0, 0, 0);
	while (defined(my $text = $list->{args}{"${name}_" . ($sums[2] + 1)})) {
		my ($bytes, $count) = $text =~ /\S \((\d+) bytes?, (\d+) allocations?\)$/ or return "$text";
		$sums[0] += $bytes;
		$sums[1] += $count;
		$sums[2]++;
	}
	return "@sums";
}

# ---- The figures ----

my $text;
{
	my ($pid, $in) = start(undef, $heaptrace, "--record=$rec", '--depth=20', "--outfile=$dir/text", $subject);
	take_steps($in, '+++s+-++ts', 0, 0.06);
	close $in;
	is(finish($pid, 30), 0, 'a run');
	$text = report("$dir/x.perfetto", '--top=0');
	my $d = decode_json(report("$dir/x.json", '--top=0', '--sort=total-size'));
	my $totals = $d->{totals};
	is(complaints($text), '', 'the document keeps the rules');

	my @live = events($text, 'heap_live_bytes');
	my %at = map { sprintf('%.3f', $_->{ts}) => $_->{args}{bytes} } @live;
	my $t = $d->{timeline};
	is(join(' ', grep { !exists $at{sprintf '%.3f', $t->{ns}[$_] / 1000} } 0 .. $#{$t->{ns}}), '', 'a counter for each point of the timeline');
	my ($peak) = sort { $b <=> $a } map { $_->{args}{bytes} } @live;
	is($peak, $totals->{'peak-size'}, 'with the peak');
	is($live[-1]{args}{bytes}, $totals->{size}, 'the last one has the live bytes of the report');
	is($live[0]{ts} + 0, 0, 'it begins with the process');
	my ($mark) = events($text, 'heap_peak');
	is($mark->{args}{live_bytes}, $totals->{'peak-size'}, 'the peak is marked');
	cmp_ok(abs($mark->{ts} - $d->{moment}{'peak-at-ns'} / 1000), '<', 0.01, 'at its time');

	my ($run) = grep { $_->{ph} eq 'X' } @{$json->decode($text)->{traceEvents}};
	is("$run->{name} $run->{args}{program}", "moments $subject", 'a slice for the run');
	cmp_ok(abs($run->{dur} - $live[-1]{ts}), '<', 0.01, 'to its end');

	my @rss = grep { defined } @{$t->{'rss-bytes'}};
	is(join(' ', map { $_->{args}{bytes} } events($text, 'process_rss_bytes')), "@rss", 'RSS');
	cmp_ok(scalar @rss, '>=', 5, 'is known');

	my @rate = events($text, 'heap_calls_per_second');
	my $calls = 0;
	for my $i (0 .. $#rate) {
		my $until = $i < $#rate ? $rate[$i + 1]{ts} : $t->{ns}[-1] / 1000;
		$calls += $rate[$i]{args}{calls} * ($until - $rate[$i]{ts}) / 1e6;
	}
	cmp_ok(abs($calls - $totals->{'total-count'}), '<', 2, 'the rates of calls add up to the calls');

	my $stats = newest($text, 'heap_report_stats');
	is($stats->{args}{live_alloc_count}, $totals->{count}, 'live_alloc_count');
	is($stats->{args}{site_count}, $totals->{rows}, 'site_count');
	is($stats->{args}{live_bytes}, $totals->{size}, 'live_bytes');
	is($stats->{args}{total_bytes}, $totals->{'total-size'}, 'total_bytes');
	is($stats->{args}{temporary_alloc_count}, $totals->{temporary}, 'temporary_alloc_count');
	my $said = sprintf '%d.%03d MB', $totals->{size} / 1000000, $totals->{size} % 1000000 / 1000;
	like(report("$dir/x.txt"), qr/^\[heaptrace\] heap traced allocation size  : \Q$said\E$/m, 'the text dump has the same total');

	my $leaks = newest($text, 'heap_leaks');
	my $sites = newest($text, 'heap_sites');
	is(sums($leaks, 'leak'), "$totals->{size} $totals->{count} $totals->{rows}", 'the leaks add up to what is alive');
	is(sums($sites, 'site'), "$totals->{'total-size'} $totals->{'total-count'} " . @{$d->{rows}}, 'the sites to all allocations');
	like($leaks->{args}{leak_1}, qr/^inner ← grow ← main(?: ← \S+)* \(5000000 bytes, 500 allocations\)$/, 'a compact stack');
	like($sites->{args}{site_1}, qr/^inner ← grow ← main(?: ← \S+)* \(6000000 bytes, 600 allocations\)$/, 'one of a site');
	like(join(' ', map { $_->{name} } grep { $_->{ph} eq 'i' && $_->{name} ne 'heap_peak' } @{$json->decode($text)->{traceEvents}}),
	     qr/^(?:heap_report_started heap_report_stats heap_leaks heap_sites heap_report_done *){1,2}$/, 'a dump is a group');

	my $two = newest(report("$dir/y.perfetto", '--top=1'), 'heap_leaks');
	is(join(' ', sort keys %{$two->{args}}), 'further leak_1', '--top');
	is($two->{args}{further}, $totals->{rows} - 1, 'says how many more there are');
	$two = newest(report("$dir/y.perfetto", '--skip=inner', '--skip=grow'), 'heap_leaks');
	like($two->{args}{leak_1}, qr/^main/, '--skip');
	my $focused = newest(report("$dir/y.perfetto", '--focus=small'), 'heap_report_stats');
	is($focused->{args}{unfocused_bytes}, 5000000, '--focus says what it leaves out');
	is($focused->{args}{live_bytes}, $totals->{size} - 5000000, 'of the figures');
}

# ---- Several dumps ----

{
	my ($pid, $in) = start(undef, $heaptrace, "--outfile=$dir/z.trace.json", $subject);
	my $done = sub { my ($n) = @_; wait_for(sub { scalar(() = (slurp("$dir/z.trace.json") // '') =~ /"heap_report_done"/g) == $n }) };
	take_steps($in, '++', 0, 0.13);
	kill 'USR1', $pid;
	ok($done->(1), 'a dump on a signal');
	sleep 0.6;	# in which the watcher takes a snapshot of what the dump has seen, on a busy machine, too
	take_steps($in, '+s', 2, 0.13);
	kill 'USR2', $pid;
	ok($done->(2), 'another one, whose document has both');
	sleep 0.6;
	take_steps($in, '+', 4, 0.13);
	close $in;
	is(finish($pid, 30), 0, 'and one at the end');
	my $text = slurp("$dir/z.trace.json");
	is(complaints($text), '', 'the document keeps the rules');
	my @started = events($text, 'heap_report_started');
	is(join(' ', map { $_->{args}{dump} } @started), '1 2 3', 'a group for each dump');
	is(join(' ', map { $_->{args}{dump} } events($text, 'heap_report_done')), '1 2 3', 'to its end');
	my @stats = map { $_->{args} } events($text, 'heap_report_stats');
	is(join(' ', map { $_->{live_bytes} } @stats), '2000000 3100000 4100000', 'with the totals of its moment');
	is(join(' ', map { $_->{live_alloc_count} // '?' } @stats), '200 1300 1400', 'and the blocks');
	like($stats[0]{taken}, qr/^(?:at the dump|\S+ (?:us|ms) (?:before|after) the dump)$/, 'it says when these were taken');
	ok(!exists $stats[2]{taken}, 'which is not needed for the newest dump');
	my @leaks = events($text, 'heap_leaks');
	like($leaks[1]{args}{leak_1}, qr/^inner ← grow ← main.* \(3000000 bytes, 300 allocations\)$/, 'leaks of an earlier dump, from a snapshot');
	like($leaks[1]{args}{taken}, qr/ the dump$/, 'which says when it was taken');
	my @sites = events($text, 'heap_sites');
	like($sites[0]{args}{info}, qr/newest dump only/, 'the sites of an earlier dump are not known');
	like($sites[2]{args}{site_1}, qr/\(4000000 bytes, 400 allocations\)$/, 'those of the newest are');
}

# ---- Where little is known ----

{
	local $rec = "$dir/alone";
	my ($pid, $in) = start(undef, $heaptrace, '--no-watch', "--record=$rec", "--outfile=$dir/text", $subject);
	take_steps($in, 's', 0, 0.05);
	kill 'USR1', $pid;
	take_steps($in, '+-', 1, 0.05);
	close $in;
	finish($pid, 30);
	my $text = report("$dir/y.perfetto");
	is(complaints($text), '', 'without a watcher');
	is(scalar(() = events($text, 'process_rss_bytes')), 0, 'there is no RSS');
	my ($first) = events($text, 'heap_leaks');
	is($first->{args}{info}, 'only the totals of this dump are known', 'nor are there leaks of earlier dumps');
}

# ---- Perfetto's own reader ----

SKIP: {
	skip('no trace_processor_shell in PATH', 2) unless has('trace_processor_shell');
	spit("$dir/query", q{SELECT 'rows', (SELECT count(*) FROM counter c JOIN counter_track t ON c.track_id = t.id WHERE t.name LIKE } .
		q{'heap_live_bytes%'), (SELECT min(6, count(*)) FROM slice WHERE category = 'heap' AND dur = 0), (SELECT CAST(max(value) AS INT) FROM } .
		q{counter c JOIN counter_track t ON c.track_id = t.id WHERE t.name LIKE 'heap_live_bytes%');});
	my ($status, $out) = run(undef, 'trace_processor_shell', '-q', "$dir/query", "$dir/x.perfetto");
	is($status, 0, 'trace_processor_shell reads it');
	my @live = events($text, 'heap_live_bytes');
	my ($peak) = events($text, 'heap_peak');
	like($out, qr/"rows",${\scalar @live},6,$peak->{args}{live_bytes}$/m, 'and counts as we do');
}

# ---- Hostile names ----

{
	my %names = (grow => "ev#il\"\\<b>\n</script>\x01\xff\xc2\x9b\xe2\x80\xae", small => 'x' x 65000);
	mkdir "$dir/odd";
	my $odd = "$dir/odd/\"a\\\n<\x80\xe2\x80\xae";
	my $renamed = quiet('objcopy', '--strip-debug', (map { ("--redefine-sym", "$_=$names{$_}") } sort keys %names), $subject, $odd);
	SKIP: {
		skip('no objcopy that renames symbols', 6) unless $renamed;
		local $rec = "$dir/odd.rec";
		my ($pid, $in) = start(undef, $heaptrace, "--record=$rec", "--outfile=$dir/text", $odd);
		take_steps($in, '+s', 0, 0);
		close $in;
		is(finish($pid, 30), 0, 'names of any bytes');
		my $text = report("$dir/odd.perfetto");
		is(complaints($text), '', 'the document keeps the rules');
		my $leaks = newest($text, 'heap_leaks');
		like($leaks->{args}{leak_1}, qr/^ev#il"\\<b>\n<\/script>\x01\x{fffd}\x{9b}\x{202e} ← /, 'a name has its bytes, or U+FFFD for what is no text');
		like($leaks->{args}{leak_2}, qr/^x{200,300}\.\.\. ← main/, 'a long one is cut');
		is(($json->decode($text)->{otherData}{program} // '') =~ s/^.*?\/odd\///r, "\"a\\\n<\x{fffd}\x{202e}", 'the name of the program');
		unlike($text, qr/[\x00-\x09\x0b-\x1f\x7f<]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]/, 'and all that must be escaped is');
	}
}

done_testing;
