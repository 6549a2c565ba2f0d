#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# The timeline, the snapshots and the graph of --timeline are what a program does that grows in steps: while it idles,
# after a kill, in a forked child, and without a watcher. tests/units/timeline.c has runs of hours.
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('timeline', 'timeline');
my $rec = "$dir/rec";
my $step = 1000000;	# bytes, in 100 blocks

# Starts the subject, and lets it take some steps, each followed by a pause.
sub steps {
	my ($steps, @options) = @_;
	my ($pid, $in) = start(undef, @options, $subject);
	more($in, $steps, 0);
	return ($pid, $in);
}

# The pause is several looks of the watcher long.
sub more { take_steps(@_, 0.25) }

sub report {
	my ($status, $out, $err) = run(undef, $heaptrace, @_);
	return $status ? undef : "$out$err";
}

sub document { return decode_json(report(@_, '--format=json') // 'null') }

# The sizes of all points in their order, in steps, each once as long as it stays the same. Points in the middle of a
# step, and before the first one, can be there or not.
sub course {
	my ($document) = @_;
	my (@course, $last);
	for my $size (@{$document->{timeline}{size}}) {
		push @course, $last = $size / $step if $size % $step == 0 && (!defined $last || $last != $size / $step);
	}
	shift @course if @course && !$course[0];
	return join ' ', @course;
}

# Whether blocks and bytes do not belong together. The watcher reads the bytes, and then, without a lock, the blocks of all
# rows; the program goes on meanwhile, by a step at most.
sub differ {
	my ($count, $size) = @_;
	return abs($count * 10000 - $size) > $step;
}

# Points that cannot be right.
sub bad_points {
	my ($document) = @_;
	my ($t, @bad) = ($document->{timeline});
	for my $i (0 .. $#{$t->{ns}}) {
		push @bad, "order $i" if $i && $t->{ns}[$i] <= $t->{ns}[$i - 1];
		push @bad, "count $i" if defined $t->{count}[$i] && differ($t->{count}[$i], $t->{size}[$i]);
		push @bad, "rss $i" if defined $t->{'rss-bytes'}[$i] && $t->{'rss-bytes'}[$i] < 100000;
	}
	push @bad, 'the last count' if defined $t->{count}[-1] && $t->{count}[-1] * 10000 != $t->{size}[-1];
	push @bad, 'the last' if abs($t->{ns}[-1] - $document->{moment}{'since-start-ns'}) > 2e9 || $t->{size}[-1] != $document->{totals}{size};
	return "@bad";
}

# A program that grows and shrinks, with a record, looked at in the middle and after a kill.
{
	my ($pid, $in) = steps('+++-', $heaptrace, "--record=$rec", "--outfile=$dir/out");
	my $d = document("--report=$rec");
	is(course($d), '1 2 3 2', 'the points of a program that runs');
	is(bad_points($d), '', 'their figures');
	cmp_ok(scalar(grep { defined } @{$d->{timeline}{'rss-bytes'}}), '>=', 8, 'the watcher has looked');
	is(course(document("--dump=$pid")), '1 2 3 2', 'the same by --dump');
	cmp_ok(scalar @{document("--dump=$pid")->{snapshots}}, '>=', 3, 'and its snapshots');
	kill 'USR1', $pid;
	wait_for(sub { (slurp("$dir/out") // '') =~ /dump allocation status/ });
	my $points = @{document("--report=$rec")->{timeline}{ns}};
	sleep 1;	# nothing happens in the program
	$d = document("--report=$rec");
	cmp_ok(@{$d->{timeline}{ns}} - $points, '<=', 4, 'while the program idles the line of points goes on');
	more($in, '++', 4);
	wait_for(sub { document("--report=$rec")->{snapshots}[-1]{size} == 4 * $step }, 10);
	kill 'KILL', $pid;
	finish($pid, 5);
	$d = document("--report=$rec");
	is(course($d), '1 2 3 2 3 4', 'after a kill');
	is(bad_points($d), '', 'its figures');
	my @snapshots = @{$d->{snapshots}};
	cmp_ok(scalar @snapshots, '>=', 5, 'there are snapshots');
	is(join(' ', grep { differ($_->{count}, $_->{size}) || $_->{'row-count'} != ($_->{size} > 0) } @snapshots), '', 'their figures');
	is($snapshots[-1]{size}, 4 * $step, 'the last one');
	cmp_ok($snapshots[-1]{'total-count'}, '==', 500, 'and its calls');
	is(scalar @{$d->{timeline}{'dumps-ns'}}, 1, 'the dump is noted');
	my ($t, $at) = ($d->{timeline}, $d->{moment}{'peak-at-ns'});
	my ($first) = grep { $t->{size}[$_] == 4 * $step } 0 .. $#{$t->{ns}};
	cmp_ok(abs($t->{ns}[$first] - $at), '<', 2e9, 'the moment of the peak is that of the first point with it');
	cmp_ok($at, '>', $t->{ns}[$first - 1], 'and comes after the point before that one');
}

# The graph of that record.
{
	local @ENV{qw(LC_ALL LANG)} = ('C', 'C');
	my $text = report("--report=$rec", '--timeline') // '';
	like($text, qr/^\[heaptrace\] live heap over time, at most 4\.000 MB, after /m, 'its head line');
	my ($heap) = $text =~ /live heap over time.*\n((?:.*\|.*\n)+)/;
	my @lines = map { s/.*?\|//r } split /\n/, $heap // '';
	is(scalar @lines, 10, 'its lines');
	like($lines[0], qr/^ {40,}[.:#]+$/, 'the peak is at the end of the time');
	like($lines[-1], qr/^ {0,6}[.:#]{60,}$/, 'there was always something');
	# Three lines for each million, less a half: two at 1, five at 2, seven and a half at 3.
	like($lines[5], qr/^ +#+$/, 'two steps reach the middle');
	like($text, qr/^         0 \+-+\^-+(?:\^-*)?\n {12}0 +\S+ \S+\n {12}\^ a dump was taken$/m, 'the axis, with a mark for the dump');
	like($text, qr/^\[heaptrace\] RSS over time, at most \d+\.\d{3} MB, after /m, 'RSS has a graph, too');
	is(join("\n", grep { length > 80 && !/^(?: *\d+ \[|=== )/ } split /\n/, $text =~ s/^.*?(?=^\[heaptrace\] live heap over)//msr), '', 'no line is too long');
	unlike($text, qr/[^\x00-\x7f]/, 'ASCII in the locale C');
	local $ENV{LC_ALL} = 'C.UTF-8';
	like(report("--report=$rec", '--timeline'), qr/\xe2\x96\x88/, 'block characters in one with UTF-8');
	my $short = report("--report=$rec", '--timeline', '--short', '--sort=size,count');
	is(scalar(() = $short =~ / over time, |backtrace #/g), 2, '--short leaves the two graphs, and nothing else');
	is(report("--report=$rec"), report("--report=$rec", '--timeline') =~ s/^\[heaptrace\] live heap over time.*?\n\n//msr, 'the rest of the dump is the same');
}

# Whoever damages a record gets a report all the same.
{
	my $size = decode_json(report("--report=$rec", '--format=json'))->{totals}{size};
	open my $out, '+<', $rec or die;
	read $out, my $header, 24;
	my $at = unpack 'Q', substr $header, 16;	# size_bytes of struct table_header
	seek $out, $at, 0;
	read $out, my $magic, 8;
	is($magic, "heaphis\0", 'the history lies behind the table');
	for my $offset (8, 12, 16, 20, 64, 120, 200) {
		seek $out, $at + $offset, 0;
		print $out "\xff" x 8;
	}
	close $out;
	my $d = document("--report=$rec");
	is($d->{totals}{size}, $size, 'a damaged history leaves the figures alone');
}

# Without a watcher; a forked child; the watcher's own dump.
{
	unlink $rec;
	my ($pid, $in) = steps('+-+', $heaptrace, '--no-watch', "--record=$rec", "--outfile=$dir/out");
	close $in;
	is(finish($pid, 5), 0, 'without a watcher');
	my $d = document("--report=$rec");
	is(bad_points($d), '', 'the points of the process itself');
	is($d->{snapshots}, undef, 'no snapshots');
	ok(!$d->{timeline}{watched}, 'and it says so');
	like(report("--report=$rec", '--timeline'), qr/RSS over time is not known: no watcher looked at the process/, 'in words');

	unlink glob "$dir/out*";
	($pid, $in) = steps('++f+', $heaptrace, '--format=json', "--outfile=$dir/out");
	close $in;
	finish($pid, 5);
	my ($child) = grep { /out\.\d+$/ } glob "$dir/out*";
	$d = decode_json(slurp($child // '') // 'null');
	like(course($d), qr/^(?:1 )?2 3$/, 'a forked child begins with the blocks of its parent');
	is(bad_points($d), '', 'its figures');

	unlink glob "$dir/out*";
	($pid, $in) = steps('+', $heaptrace, '--timeline', "--outfile=$dir/out");
	close $in;
	is(finish($pid, 5), 0, 'a dump with a graph at the end');
	like(slurp("$dir/out"), qr/live heap over time, at most 1\.000 MB/, 'from the watcher');
	unlink glob "$dir/out*";
	($pid, $in) = steps('+-', $heaptrace, '--timeline', "--outfile=$dir/out");
	close $in;
	finish($pid, 5);
	like(slurp("$dir/out"), qr/live heap over time, at most 1\.000 MB/, 'also where everything was freed');
}

done_testing;
