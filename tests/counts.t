#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# A program whose figures are computed by hand (tests/subjects/counts.c): every site, every
# sort key, to the byte, from the folded output, whose weights are not rounded. Built in
# several flavours, because optimization changes the frames but must not change a figure.
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $cc = $ENV{CC} || 'cc';
my $heaptrace = $ENV{HEAPTRACE_TESTED} || './heaptrace';	# tests/checked.t has another one tested

# site => [count, size, peak-count, peak-size, total-count, total-size, temporary, heap-peak]
my %want = (
	plain		=> [10, 1000, 10, 1000, 10, 1000, 0, 1000],
	zero		=> [3, 0, 3, 0, 3, 0, 0, 0],
	cleared		=> [2, 182, 2, 182, 2, 182, 0, 182],
	to_grow		=> [0, 0, 1, 10, 1, 10, 0, 0],
	grown		=> [1, 5000, 1, 5000, 1, 5000, 0, 5000],
	from_null	=> [1, 77, 1, 77, 1, 77, 0, 77],
	# freed by realloc(p, 0), before its thread allocated again
	to_zero		=> [0, 0, 1, 33, 1, 33, 1, 0],
	# 100 calls of 1000 to 100000 bytes, and one of 10 from another line
	'resized'	=> [1, 10, 2, 100010, 101, 5050010, 0, 10],
	to_fail		=> [1, 40, 1, 40, 1, 40, 0, 40],
	arrays		=> [1, 42, 1, 42, 1, 42, 0, 42],
	memaligned	=> [1, 1000, 1, 1000, 1, 1000, 0, 1000],
	aligned		=> [1, 640, 1, 640, 1, 640, 0, 640],
	old_aligned	=> [1, 300, 1, 300, 1, 300, 0, 300],
	paged		=> [1, 123, 1, 123, 1, 123, 0, 123],
	whole_pages	=> [1, 456, 1, 456, 1, 456, 0, 456],
	pairs		=> [0, 0, 1, 24, 100000, 2400000, 100000, 0],
	# two lines, each its own backtrace: the sum of their peaks. p is freed first, after q was
	# allocated; then q, after which nothing was: half of them are temporary.
	kept_longer	=> [0, 0, 2, 48, 2000, 48000, 1000, 0],
	duplicated	=> [1, 13, 1, 13, 1, 13, 0, 13],
	give		=> [30, 240, 50, 400, 50, 400, 0, 240],
	taker		=> [1, 9, 1, 9, 1, 9, 0, 9],
	usable		=> [1, 20, 2, 21, 2, 21, 1, 20],
	peak_a		=> [0, 0, 1, 10000000, 1, 10000000, 0, 10000000],
	peak_b		=> [0, 0, 1, 5000000, 1, 5000000, 0, 5000000],
	# no allocation of this thread's came before its free
	peak_c		=> [0, 0, 1, 8000000, 1, 8000000, 1, 0],
);
my @keys = qw(count size peak-count peak-size total-count total-size temporary heap-peak);

# The folded weights of one run: site => sum, and the sum of everything.
sub folded {
	my ($program, @options) = @_;
	my (%site, $total);
	my $status = system($heaptrace, '--flame-graph', "--outfile=$dir/out", @options, $program);
	is($status, 0, "@options: the program's own checks hold") or diag('check number ', $status >> 8);
	open my $in, '<', "$dir/out" or die "$dir/out: $!";
	while (<$in>) {
		chomp;
		/^(.*) (\d+)$/ or do { fail("a folded line: $_"); next };
		my ($stack, $weight) = ($1, $2);
		my ($name) = grep { exists $want{$_} } reverse split /;/, $stack;
		$site{$name} += $weight if $name;
		$total += $weight;
	}
	return (\%site, $total);
}

sub check_flavour {
	my ($flavour, @flags) = @_;
	my $program = "$dir/counts$flavour";
	system($cc, '-g', @flags, '-fno-optimize-sibling-calls', '-fno-builtin', '-o', $program,
	       'tests/subjects/counts.c', '-pthread') == 0 or die 'cannot build the subject';
	is(system($program), 0, "$flavour: the checks hold without heaptrace");
	for my $k (0 .. $#keys) {
		my ($site, $total) = folded($program, "--sort=$keys[$k]");
		my %expected = map { $_ => $want{$_}[$k] } grep { $want{$_}[$k] } keys %want;
		is_deeply($site, \%expected, "$flavour: $keys[$k] of every site");
	}
}

# The totals of a text dump are the sums of its rows, and agree with the folded weights.
sub check_totals {
	my $program = shift;
	my $text = `$heaptrace --top=0 --outfile=- $program`;
	my ($site, $total) = folded($program, '--sort=size');
	my ($rows) = $text =~ /heap traced num of backtrace : (\d+)\n/;
	my ($size) = $text =~ /heap traced allocation size  : ([\d.]+ \w+)\n/;
	my $heads = () = $text =~ /^=== backtrace #\d+ === /mg;
	is($heads, $rows, 'as many backtraces are shown as are counted');
	is($size, sprintf('%d.%03d KB', $total / 1000, $total % 1000), 'the total is the sum');
	my $sum = 0;
	while ($text =~ m{^=== .*\[size/peak: ([\d.]+) (bytes|KB)/}mg) {
		$sum += $2 eq 'KB' ? $1 * 1000 : $1;
	}
	is($sum, $total, 'the rows add up to it');
}

check_flavour('-O0', '-O0');
check_flavour('-O2', '-O2');
check_flavour('-nopie', '-O1', '-no-pie');
# The same by glibc's other names.
my @other_names = map { "-D$_=__libc_$_" } qw(malloc calloc realloc free memalign valloc pvalloc);
check_flavour('-libc', '-O2', @other_names);
SKIP: {
	skip 'the build that is tested has no library for 32-bit programs', 1 if $ENV{HEAPTRACE_TESTED};
	chomp(my $missing = `tests/tools/can_build_32 $cc`);
	if ($?) {
		my ($header) = $missing =~ /^no (\S+) for/;
		ok(!defined $header || !-e "include/$header", 'what is missing is not of this project');
		skip $missing, 1;
	}
	is(system('tests/tools/build_32'), 0, 'make M32=1 builds a 32-bit library beside the other');
	like(`readelf -h libheaptrace32.so`, qr/ELF32/, 'which is one');
	check_flavour('-m32', '-O2', '-m32');
	check_flavour('-m32-libc', '-O2', '-m32', @other_names);
}
check_totals("$dir/counts-O2");

# Nothing live at exit: no dump section, though everything was traced.
open my $c, '>', "$dir/clean.c" or die;
print $c "#include <stdlib.h>\nint main(void){void *volatile p=malloc(5);free(p);return 0;}\n";
close $c;
system($cc, '-o', "$dir/clean", "$dir/clean.c") == 0 or die;
my $text = `$heaptrace --outfile=- $dir/clean`;
like($text, qr/^\[heaptrace\] initialized .*\n\[heaptrace\] finalized .*\n\z/,
     'a program that freed everything gets no dump section');

done_testing();
