#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Which cache lines the hooks of two threads write, by a list of all their stores (tests/subjects/written_lines.c): none
# that both write in the common path but those of rows that both use. What comes with the time and not with the calls,
# the points of the timeline, does not count, nor does what fewer than one of ten operations writes. A line has two rows,
# so the subject makes other rows between those of the two threads.
use strict;
use warnings;
no warnings 'portable';		# addresses of 64 bits
use Test::More;
require './tests/process.pl';
our $dir;

my $library = "$dir/libheaptrace.so";	# without debug data: valgrind ends over those of some compilers
my $line_bytes = 64;
my $least = 5;			# stores in a turn of 50 operations
plan skip_all => 'no fast unwinder on this machine' unless `uname -m` eq "x86_64\n";
plan skip_all => 'no valgrind' unless has('valgrind') && quiet('valgrind', '-q', '--tool=lackey', '/bin/true');

quiet('strip', '-g', '-o', $library, './libheaptrace.so') or die log_text();
my $subject = build('written_lines', 'written_lines', '-I.', '-no-pie');
my @symbols = sort { $a->[0] <=> $b->[0] } map { /^(\w+) \w (\S+)$/ ? [hex $1, $2] : () } `nm $library`;
my %symbol = map { $_->[1] => $_->[0] } @symbols;
my ($mark) = map { /^(\w+) \w mark$/ ? hex $1 : () } `nm $subject`;

# What the last run's subject has written to its list.
my ($library_at, $area, $area_end, @parts, @places, %rows);

# Runs the subject; its turns as lackey prints them, two for each of its parts.
sub run_subject {
	my ($depth) = @_;
	my $command = sprintf 'valgrind --tool=lackey --trace-mem=yes --log-fd=9 %s %x %s', $subject,
			      $symbol{recorder}, "$dir/list";
	my @turns;
	unlink "$dir/list";
	{
		local $/ = sprintf " S %08x,1\n", $mark;
		open my $in, '-|', "LD_PRELOAD=$library HEAPTRACE_OPTIONS=depth=$depth exec $command 9>&1 >$dir/log 2>&1"
			or die "valgrind: $!";
		while (<$in>) {
			push @turns, $_ if $. % 2 == 0;
		}
		close $in;
	}
	@parts = @places = %rows = ();
	for (split /\n/, slurp("$dir/list") // '') {
		my ($kind, @f) = split /\t/;
		$library_at = hex $f[0] if $kind eq 'library';
		($area, $area_end) = map { hex } @f if $kind eq 'area';
		push @parts, $f[1] if $kind eq 'part';
		push @places, { what => $f[0], start => hex $f[1], each => $f[2], count => $f[3] } if $kind eq 'place';
		push @{$rows{$f[0]}}, $f[1] if $kind eq 'row';
	}
	return @turns;
}

# The symbol of the library to which this offset belongs.
sub symbol_at {
	my ($offset) = @_;
	my ($low, $high) = (0, scalar @symbols);
	while ($high - $low > 1) {
		my $middle = int(($low + $high) / 2);
		($symbols[$middle][0] <= $offset ? $low : $high) = $middle;
	}
	return $symbols[$low][1];
}

sub in_library { return $_[0] >= $library_at && $_[0] < $library_at + $symbols[-1][0] }

# The cache lines that a turn writes, {line => {function => stores}}. Stores of the program and of libc count only where
# they are to the tracer's memory.
sub lines_of_turn {
	my ($turn) = @_;
	my (%stores, %lines, $code);
	while ($turn =~ /^(?:I  (\w+)| [SM] (\w+)),/mg) {
		if (defined $1) {
			$code = $1;
		} else {
			$stores{"$code $2"}++;
		}
	}
	for my $store (keys %stores) {
		my ($code, $address) = map { hex } split / /, $store;
		my $function = in_library($code) ? symbol_at($code - $library_at) : 'others';
		next if $function eq 'others' && !in_library($address) && ($address < $area || $address >= $area_end);
		$lines{int($address / $line_bytes)}{$function} += $stores{$store} unless $function =~ /^timeline_/;
	}
	return \%lines;
}

# What lies in a line: a list of [what, first, last], where something is one of several; [what] else.
sub in_line {
	my ($line) = @_;
	my ($from, $to) = ($line * $line_bytes, ($line + 1) * $line_bytes - 1);
	my @found;
	for my $p (@places) {
		next if $to < $p->{start} || $from >= $p->{start} + $p->{each} * $p->{count};
		my ($first, $last) = map { int(($_ - $p->{start}) / $p->{each}) } $from, $to;
		$first = 0 if $from < $p->{start};
		$last = $p->{count} - 1 if $last >= $p->{count};
		push @found, $p->{count} > 1 ? [$p->{what}, $first, $last] : [$p->{what}];
	}
	return @found if @found;
	return [in_library($from) ? symbol_at($from - $library_at) : sprintf 'other memory of heaptrace, at %#x', $from];
}
sub name_of { return join ', ', map { "$_->[0]" . (@$_ > 1 ? " $_->[1] to $_->[2]" : '') } in_line($_[0]) }

sub sum { my $n = 0; $n += $_ for @_; return $n }

# Whether all that lies in the line belongs to rows that both threads use in this part.
sub is_common {
	my ($line, $part) = @_;
	for my $p (in_line($line)) {
		my ($what, $first, $last) = @$p;
		return 1 if $what eq 'block map' && $part =~ /other thread frees/;
		next unless defined $last;
		for my $row (@{$rows{$part} // []}) {
			my $n = $what =~ /^slot number/ ? $row % 256 : $row;
			return 1 if $first <= $n && $n <= $last;
		}
	}
	return 0;
}

for my $depth (8, 128) {
	my @turns = run_subject($depth);
	ok(@parts && @turns == 2 * @parts, "depth $depth: all turns are seen") or diag(slurp("$dir/log"));
	for my $part (@parts) {
		my @lines = map { lines_of_turn($_) } splice @turns, 0, 2;
		my (@wrong, %seen);
		note("depth $depth, $part: stores by thread 0, by thread 1, the line, and who writes it");
		for my $line (sort { $a <=> $b } keys %{{%{$lines[0]}, %{$lines[1]}}}) {
			my @count = map { sum(values %{$_->{$line} // {}}) } @lines;
			my %functions = map { %{$_->{$line} // {}} } @lines;
			my $text = sprintf '%6d %6d  %s: %s', @count, name_of($line), join ' ', sort keys %functions;
			note($count[0] && $count[1] ? 'both ' : '     ', $text);
			push @wrong, $text if $count[0] >= $least && $count[1] >= $least && !is_common($line, $part);
			$seen{$_->[0]}++ for in_line($line);
		}
		is(join("\n", @wrong), '', "depth $depth, $part: no line that both threads write, but of common rows");
		ok($seen{'slots of thread'} && $seen{'block map'}, "depth $depth, $part: what is written is seen")
			or diag(join ', ', sort keys %seen);
	}
}
done_testing;
