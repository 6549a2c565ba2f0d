#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs that have used up all memory that they may have: what their dumps need is set aside at the
# start. They have names, lines and all sums; of very many backtraces they have the largest.
use strict;
use warnings;
use Cwd 'abs_path';
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

$heaptrace = abs_path('heaptrace');
my $memory = build('memory', 'memory');
my $out = "$dir/run/out";
my $record = "$dir/run/rec";
mkdir "$dir/run";

# Dumps with the name and the line.
sub whole {
	my ($text) = @_;
	return scalar(() = ($text // '') =~ m{^ 1 \[ *0x[0-9a-f]+\] keep \+0x[0-9a-f]+ at \S+/memory\.c:\d+$|;main;keep;malloc 54321$}mg);
}

# The figures of each row of a text dump, in its order, and its sums.
sub rows { return join "\n", map { s/ \[age.*//r } ($_[0] // '') =~ /^=== (backtrace #.*)$/mg }
sub sums { return join "\n", ($_[0] // '') =~ /^\[heaptrace\] (heap traced .*)$/mg }

my %status = (abort => 6, kill => 9);
my @limits = ('ulimit -v 2500000;', 'ulimit -d 900000;', '');
my @options = (["--outfile=$out"], ['--flame-graph', "--outfile=$out"], ["--record=$record", "--outfile=$out"],
	       ['--no-watch', "--outfile=$out"], []);
for my $limit (@limits) {
	my @refused = $limit ? () : ('refused');
	my $what = $limit || 'every mmap() refused';
	for my $options (@options) {
		next if "@$options" eq "--no-watch --outfile=$out" && $limit =~ /-d/;	# then there is no table of that size
		for my $does ([], ['usr1', 'usr1'], ['abort'], ['kill']) {
			next if "@$does" eq 'kill' && "@$options" =~ /no-watch|record/;
			my $name = "$what, @$options, @$does";
			my ($status, $text, $err) = limited($limit, $heaptrace, @$options, '--top=3', $memory, 10, @refused, @$does);
			SKIP: {
				skip 'no seccomp here', 2 if $status == 77 << 8;
				is($status & 127, $status{"@$does"} // 0, "$name: the program");
				my $want = @$does == 2 && "@$options" !~ /flame/ ? 3 : 1;
				my $got;
				wait_for(sub { $got = @$options ? slurp($out) : slurp("$dir/stderr"); whole($got) >= $want }, "@$does" eq 'kill' ? 20 : 0.01);
				is(whole($got), $want, "$name: whole dumps") or diag($err, $got // 'nothing');
			}
		}
	}
	SKIP: {
		my ($status, $text, $err) = limited($limit, $heaptrace, "--outfile=$out", $memory, 10, @refused, 'fork');
		skip 'no seccomp here', 2 if $status == 77 << 8;
		is("$status$text", "0done\n", "$what, fork: the program") or diag $err;
		is(scalar(grep { whole(slurp($_)) } glob "$out.*"), 1, "$what, fork: the child's dump");
		next if !$limit;
		limited($limit, $heaptrace, "--record=$record", "--outfile=$out", $memory, 10, 'kill');
		($status, $text, $err) = run(undef, '/bin/bash', '-c', "$limit exec \"\$@\"", 'bash', $heaptrace, "--report=$record", '--top=3');
		is(whole($text), 1, "$what, --report below the same limit") or diag $err;
	}
}

# Of more backtraces than there is memory for: the largest, and all sums. As it would be with memory.
my $count = 20000;
for my $sort ('size', 'count', 'size,age,total-size') {
	my @common = ("--sort=$sort", '--depth=24', "--outfile=$out");
	my ($status) = limited('', $heaptrace, @common, '--top=40', $memory, $count, 'refused', 'none');
	SKIP: {
		skip 'no seccomp here', 4 if $status == 77 << 8;
		my $short = slurp($out);
		like($short, qr/keep \+/, "$sort: the names are there") if $sort eq 'size';
		# An independent count: each way has one block of 24 + i % 1000 bytes.
		my $sum = 54321;
		$sum += 24 + $_ % 1000 for 0 .. $count - 1;
		my $number = sprintf '%d.%03d MB', int($sum / 1e6), int($sum / 1e3) % 1000;
		my $sections = () = $sort =~ /,/g;
		is(sums($short), join("\n", ("heap traced num of backtrace : " . ($count + 1), "heap traced allocation size  : $number") x ($sections + 1)),
		   "$sort: the sums are those of all backtraces");
		is(scalar(() = $short =~ /^=== backtrace/mg), 40 * ($sections + 1), "$sort: as many are listed as are asked for");
		unlike($short, qr/no memory to list/, "$sort: and nothing lacks");
		if ($sort eq 'size') {
			my @sizes = sort { $b <=> $a } 54321, map { 24 + $_ % 1000 } 0 .. $count - 1;
			my @want = map { $_ >= 1000 ? sprintf '%d.%03d KB', int($_ / 1000), $_ % 1000 : "$_ bytes" } @sizes[0 .. 39];
			is(join(',', $short =~ /\[size\/peak: ([^\/]+)\//g), join(',', @want), 'they are the largest, in their order');
		}
	}
	limited('', $heaptrace, @common, '--top=0', $memory, $count, 'refused', 'none');
	my $long = slurp($out);
	my ($listed) = $long =~ /^not ok/ ? 0 : scalar(() = $long =~ /^=== backtrace/mg);
	my @left = $long =~ /not seen +: (\d+) backtraces? of these \(no memory to list (?:it|them)\)/g;
	my $total = 0;
	$total += $_ for @left;
	is($listed + $total, ($count + 1) * (1 + (() = $sort =~ /,/g)), "$sort, all: what cannot be listed is counted");
}
for my $key ('size', 'count') {
	limited('', $heaptrace, '--flame-graph', "--sort=$key", "--outfile=$out", $memory, $count, 'refused', 'none');
	my ($text, $sum, $want) = (slurp($out), 0, $key eq 'size' ? 54321 : 1);
	$want += $key eq 'size' ? 24 + $_ % 1000 : 1 for 0 .. $count - 1;
	$sum += $_ for $text =~ / (\d+)$/mg;
	is($sum, $want, "folded, $key: the weights add up");
	is(scalar(() = $text =~ /^\(no memory for more backtraces\) \d+$/mg), 1, "folded, $key: the rest is one line");
	is(bad_folded($text), '', "folded, $key: each line is well-formed");
}

# --report below limits that are too low for it: either there is a whole new document, or the older one stays, and
# the exit status says so.
run(undef, $heaptrace, "--record=$dir/ended", "--outfile=$out", $memory, 1000);
for my $format ('json', 'folded') {
	my ($wrong, @lacking) = ('');
	for (my $kb = 2000; $kb <= 12000; $kb += 250) {
		open my $old, '>', "$dir/document.$format" or die;
		print $old "older\n";
		close $old;
		my ($status, undef, $err) = limited("ulimit -v $kb;", $heaptrace, "--report=$dir/ended", '--top=0', "--outfile=$dir/document.$format");
		my $text = slurp("$dir/document.$format");
		my $whole = $format eq 'json' ? $text =~ /^\{"schema".*\}\n\z/s : bad_folded($text) eq '' && $text =~ m{ 54321$}m;
		push @lacking, $kb if $err =~ /no memory/;
		$wrong .= "$kb KB: status $status, $text$err\n" if $status == 0 ? !$whole : $text ne "older\n";
	}
	is($wrong, '', "--report --format=$format without memory: the older document stays, and the status tells");
	note("no memory for the report with @lacking KB");
}
# A document that lacks parts is not taken for a whole one.
run(undef, $heaptrace, "--record=$dir/ended", "--depth=64", "--outfile=$out", $memory, 20000);
for my $format ('json', 'pprof') {
	my ($kb, $said, $wrong, $whole) = (16000, 0, '');
	run(undef, $heaptrace, "--report=$dir/ended", "--outfile=$dir/document.$format", "--format=$format");
	$whole = -s "$dir/document.$format";
	for (; $kb <= 24000; $kb += 500) {
		unlink "$dir/document.$format";
		my ($status, undef, $err) = limited("ulimit -v $kb;", $heaptrace, "--report=$dir/ended", "--format=$format", "--outfile=$dir/document.$format");
		$said++ if $err =~ /not enough memory for all of the report/;
		$wrong .= "$kb KB: $status, ${\(-s _)} bytes\n" if !$status && !$err && -s "$dir/document.$format" < $whole / 2;
	}
	is($wrong, '', "--report --format=$format: what is missing is said");
	cmp_ok($said, '>', 0, 'with some limits something is');
}
done_testing;
