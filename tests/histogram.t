#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --histogram: both tables, of the rows and of the process, are what the subject (tests/subjects/histogram.c) counts
# itself, to the byte, with one thread and with several, in a forked child, after a kill, and with other allocators.
use strict;
use warnings;
use JSON::PP;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('histogram', 'histogram', '-fno-tree-vectorize');
my @figures = qw(calls count size waste-bytes);

sub document { return decode_json(slurp($_[0]) // 'null') }

# The sums of a list of bins by `to` or, up to 1 KB, by `block-to`, added to %$sum.
sub add_bins {
	my ($sum, $kind, $name, $bins) = @_;
	for my $bin (@{$bins || []}) {
		next if $kind eq 'class' && $bin->{'to-bytes'} > 1024 || !$bin->{calls} && !$bin->{count};
		$sum->{"$kind $bin->{$name}"}{$_} += $bin->{$_} for @figures;
	}
}

sub lines {
	my ($sum) = @_;
	return join '', sort map { my $of = $sum->{$_}; join(' ', $_, map { $of->{$_} } @figures) . "\n" } keys %$sum;
}

# The sums over the rows that the subject's functions take...() have.
sub of_rows {
	my ($document) = @_;
	my %sum;
	for my $row (@{$document->{rows}}) {
		next unless grep { ($_->{function} // '') =~ /^take/ } @{$row->{frames}};
		add_bins(\%sum, 'power', 'to-bytes', $row->{histogram}{powers});
		add_bins(\%sum, 'class', 'block-to-bytes', $row->{histogram}{classes});
	}
	return lines(\%sum);
}

# What the process's histogram and the sums over all rows' disagree on.
sub disagreements {
	my ($document) = @_;
	my (%process, %rows, @wrong);
	add_bins(\%process, 'power', 'to-bytes', $document->{histogram}{powers});
	add_bins(\%rows, 'power', 'to-bytes', $_->{histogram}{powers}) for @{$document->{rows}};
	push @wrong, 'process and rows' if lines(\%process) ne lines(\%rows);
	for (['calls', 'total-count'], ['count', 'count'], ['size', 'size']) {
		my ($figure, $total) = @$_;
		for my $kind (qw(powers classes)) {
			my $sum = 0;
			$sum += $_->{$figure} for @{$document->{histogram}{$kind}};
			push @wrong, "$kind: $figure $sum, $document->{totals}{$total}" if $sum != $document->{totals}{$total};
		}
	}
	return join '; ', @wrong;
}

my @options = ('--histogram', '--format=json', '--top=0', '--sort=total-count', '--no-lines', "--outfile=$dir/dump.json");

sub same_figures {
	my ($name, $file) = @_;
	my $document = document($file);
	my $want = join '', sort split /^/, slurp("$dir/want") // '';
	cmp_ok(length $want, '>', 500, "$name: the subject has counted");
	is(of_rows($document), $want, "$name: the rows' histograms");
	is(disagreements($document), '', "$name: the process's histogram is the sum of the rows', and has the totals");
}

for my $how (qw(plain threads)) {
	unlink "$dir/dump.json";
	is(system($heaptrace, @options, $subject, "$dir/want", $how), 0, "$how: status");
	same_figures($how, "$dir/dump.json");
}

unlink "$dir/dump.json";
is(system($heaptrace, @options, $subject, "$dir/want", 'fork'), 0, 'fork: status');
my ($child) = grep { $_ ne "$dir/dump.json" } glob "$dir/dump.json*";
same_figures('a forked child', $child // "$dir/none");
unlink $child if $child;

# After a kill, from the file of --record.
system($heaptrace, "--histogram", "--record=$dir/record", "--outfile=$dir/text", $subject, "$dir/want", "killed");
is(system($heaptrace, "--report=$dir/record", @options), 0, 'killed: --report');
same_figures('killed', "$dir/dump.json");

# Other allocators say how large their blocks are.
for my $library (qw(libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2)) {
	my ($path) = grep { -e } map { "$_/$library" } glob '/usr/lib/*-linux-gnu /usr/lib64 /usr/lib';
	SKIP: {
		skip "$library is not here", 3 unless $path;
		unlink "$dir/dump.json";
		local $ENV{LD_PRELOAD} = $path;
		system($heaptrace, @options, $subject, "$dir/want", 'plain', 0);
		delete $ENV{LD_PRELOAD};
		same_figures($library, "$dir/dump.json");
	}
}

# The text dump has both tables, of 80 columns at most, with the figures of the document, and each row's sizes.
sub text_of { return slurp($_[0]) // '' }
system($heaptrace, "--report=$dir/record", '--histogram', '--top=0', '--sort=total-count', "--outfile=$dir/text");
my $text = text_of("$dir/text");
system($heaptrace, "--report=$dir/record", @options);
my $document = document("$dir/dump.json");
my ($powers) = $text =~ /^(\[heaptrace\] requested sizes by power of two.*?)^ +all /ms;
my ($classes) = $text =~ /^(\[heaptrace\] size classes of the allocator.*?^ +all .*?)\n\n/ms;
is(scalar(grep { length > 80 } split /\n/, ($powers // '') . ($classes // '')), 0, 'no line has more than 80 columns');
sub line_of { my ($to, $bin) = @_; return join ' ', $to, $bin->{calls}, $bin->{count}, map { sprintf '%.3f', $bin->{$_} / 1000 } qw(size waste-bytes) }
my @shown = map { my @word = split; join ' ', @word[0, 1, 3, 4, 5] } ($powers // '') =~ /^( +\d.*)$/mg;
is(join("\n", @shown), join("\n", map { line_of($_->{'to-bytes'}, $_) } @{$document->{histogram}{powers}}), 'the table by power of two');
my %class = map { line_of($_->{'block-to-bytes'}, $_) => 1 } @{$document->{histogram}{classes}};
@shown = map { my @word = split; join ' ', @word[0, 1, 3, 4, 5] } ($classes // '') =~ /^( +\d.*)$/mg;
is(scalar(@shown), 16, 'sixteen classes are shown');
is(join("\n", grep { !$class{$_} } @shown), '', 'the table by class');
like($classes // '', qr/^ +others +\d+ .*\n +all +\d+ +100\.0 /m, 'with the sum of the others');
like($text, qr/take .*\n(?: *\d+ \[.*\n)+    bytes requested: 2817-3072 100\.0 %\n\n/, 'a row has its sizes');
like($text, qr/take .*\n(?: *\d+ \[.*\n)+    bytes requested: [\d.%, -]+ %, others [\d.]+ %\n    bytes wasted   : [\d.]+ (?:bytes|KB), \d+\.\d % of what its live blocks take\n\n/,
	'and its waste');

# A program that frees all it has allocated has its histogram at the end all the same.
is(system($heaptrace, '--histogram', "--outfile=$dir/freed", 'sh', '-c', 'exec true'), 0, 'nothing alive: status');
system($heaptrace, '--histogram', "--outfile=$dir/freed", 'perl', '-e', '1');
like(text_of("$dir/freed"), qr/requested sizes by power of two/, 'a histogram at the end');

# Without the option nothing is counted, and the reports say so.
is(system($heaptrace, "--record=$dir/record", "--outfile=$dir/text", $subject, "$dir/want", "plain"), 0, 'without --histogram: status');
is(system($heaptrace, "--report=$dir/record", @options), 0, 'without --histogram: --report');
my $without = document("$dir/dump.json");
system($heaptrace, "--report=$dir/record", '--histogram', "--outfile=$dir/text");
like(text_of("$dir/text"), qr/^\[heaptrace\] sizes were not counted: start the program with --histogram$/m, 'the text says how');
unlike(text_of("$dir/text"), qr/bytes requested/, 'no row has a line');
ok(exists $without->{histogram} && !defined $without->{histogram}, 'the document has none');
is(scalar(grep { defined $_->{histogram} } @{$without->{rows}}), 0, 'nor has a row');

done_testing();
