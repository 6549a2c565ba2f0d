#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --pages: what the program maps itself is recorded, call by call, as tests/subjects/pages.c does it; what is resident is
# what was touched; and everything that is mapped adds up to what the kernel says of the process.
use strict;
use warnings;
use JSON::PP;
use POSIX ();
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('pages', 'pages');
my $page = POSIX::sysconf(POSIX::_SC_PAGESIZE());
my @json = ('--pages', '--format=json', '--no-lines');
spit("$dir/file", "\0" x (16 * $page));

sub document { return eval { decode_json(slurp($_[0])) } // {} }

# Runs the subject. Returns the member "pages" of its document.
sub pages_of {
	my ($options, @arguments) = @_;
	unlink "$dir/out.json";
	system($heaptrace, @json, @$options, "--outfile=$dir/out.json", $subject, @arguments);
	my $d = document("$dir/out.json");
	return ($d->{pages} // {}, $d);
}

# Of each row: who has called what -> "mappings pages / peaks".
sub rows_of {
	my ($pages) = @_;
	my %rows;
	for my $row (@{$pages->{rows}}) {
		my ($what, $who) = map { $_->{function} // '?' } @{$row->{frames}};
		push @{$rows{"$who: $what"}}, join ' ', $row->{count}, $row->{size} / $page, '/', $row->{'peak-count'}, $row->{'peak-size'} / $page;
	}
	return { map { $_ => join ', ', sort @{$rows{$_}} } keys %rows };
}

# ---- One call of each kind ----

my %calls = (
	'hole: mmap (anonymous)' => '1 8 / 1 10',
	'gone: mmap (anonymous)' => '0 0 / 1 5',
	'odd_size: mmap (anonymous)' => '1 2 / 1 2',
	'reserve: mmap (no access)' => '1 12 / 1 16',
	'commit: mmap (anonymous)' => '1 4 / 1 4',
	'covered: mmap (anonymous)' => '0 0 / 1 3',
	'cover: mmap (anonymous)' => '1 3 / 1 3',
	"file: mmap $dir/file" => '1 2 / 1 2',
	"file_64: mmap $dir/file" => '1 1 / 1 1',
	'memory_file: mmap memfd:of pages' => '1 7 / 1 7',
	'shared: mmap (shared)' => '1 6 / 1 6',
	'twice: mremap' => '1 6 / 1 6',
	'grown: mmap (anonymous)' => '0 0 / 1 4',
	'grown: mremap' => '1 64 / 1 64',
	'shrunk: mmap (anonymous)' => '0 0 / 1 8',
	'shrunk: mremap' => '1 3 / 1 3',
	'moved: mmap (anonymous)' => '1 4 / 1 6, 1 7 / 1 9',
	'moved: mremap' => '1 2 / 1 2',
	'refused: mmap (anonymous)' => '1 5 / 1 5',
	'across: mmap (no access)' => '0 0 / 1 9',
	'across: mmap (anonymous)' => '1 1 / 1 3, 1 1 / 1 3',
	'calls: mmap (no access)' => '0 0 / 1 20',
	'left_half: mmap (anonymous)' => '1 10 / 1 10',
	'right_half: mmap (anonymous)' => '1 10 / 1 10',
	'data_segment: sbrk' => '1 5 / 1 ' . (5 * $page + 100) / $page,
	'data_segment: brk' => '1 2 / 1 4',
	'segment: shmat' => '0 0 / 1 3, 1 3 / 1 3',
);
my ($pages, $document) = pages_of([], 'calls', "$dir/file");
is_deeply(rows_of($pages), \%calls, 'each kind of call');
my $sum = 0;
$sum += $_->{size} for @{$pages->{rows}};
is($pages->{size}, $sum, 'the size is the sum over the backtraces');
is($sum, (8 + 2 + 12 + 4 + 3 + 2 + 1 + 7 + 6 + 6 + 64 + 3 + 7 + 4 + 2 + 5 + 1 + 1 + 10 + 10 + 5 + 2 + 3) * $page, 'it is what the calls leave');
cmp_ok($pages->{'peak-size'}, '>=', $pages->{size}, 'the peak is not less');
is($pages->{'missed-bytes'}, 0, 'nothing is missed');
is($pages->{'unmapped-unseen-bytes'}, 0, 'all of it is mapped');
my %resident = map { $_->{frames}[1]{function} => $_->{resident} / $page } grep { $_->{size} } @{$pages->{rows}};
is(join(' ', map { $resident{$_} } qw(hole left_half right_half cover)), '3 3 5 0', 'what was touched is resident');

# What is mapped is all that the kernel counts.
my %other = map { $_->{of} => $_ } @{$pages->{others}};
my ($size, $resident) = ($pages->{size}, $pages->{resident});
$size += $_->{size}, $resident += $_->{resident} for values %other;
is($size, $document->{process}{statm}{'vss-bytes'}, 'everything that is mapped adds up to the VSS');
cmp_ok(abs($resident - $document->{process}{statm}{'rss-bytes'}), '<', 1e6, 'and everything that is resident to the RSS');
cmp_ok($other{$_}{size}, '>', 0, "there are mappings of: $_") for 'program', 'libraries', 'thread stacks', 'heaptrace';

# The figures of the heap are those of a run without --pages.
sub heap_of { return join ' ', map { "$_->{size} $_->{count} $_->{'total-count'}" } @{$_[0]{rows}} }
system($heaptrace, '--format=json', '--no-lines', "--outfile=$dir/heap.json", $subject, 'calls', "$dir/file");
is(heap_of($document), heap_of(document("$dir/heap.json")), 'the rows of the heap are the same without --pages');
ok(exists document("$dir/heap.json")->{pages} && !defined document("$dir/heap.json")->{pages}, 'without --pages there is no such record');

# ---- Text, records, kills ----

sub text_of { return slurp($_[0]) // '' }
unlink "$dir/text";
system($heaptrace, '--pages', '--top=3', "--record=$dir/record", "--outfile=$dir/text", $subject, 'calls', "$dir/file");
my $text = text_of("$dir/text");
like($text, qr/^\[heaptrace\] mapped pages +: 688\.128 KB in 23 mappings by 23 backtraces, peak 704\.512 KB$/m, 'the text has the sums') if $page == 4096;
is(() = $text =~ /^=== mapping #\d+ === \[count\/peak: 1\/1\] \[size\/peak: .*\] \[resident: .*\] \[age: .*\] \[share: /mg, 3, 'and as many mappings as --top says');
like($text, qr/^\[heaptrace\] - libraries +: .*\n(?:.*\n)*\[heaptrace\] - together /m, 'and what others have mapped');
my $report = `$heaptrace --report=$dir/record --pages --top=0 2>&1`;
is(() = $report =~ /^=== mapping #/mg, 23, '--report has the mappings of a process that is gone');
unlike($report, qr/resident: /, 'but not what was resident');
is(`$heaptrace --report=$dir/record --top=0 2>&1` =~ /mapping #/, '', 'without --pages a report is about the heap');
system($heaptrace, "--record=$dir/plain", "--outfile=$dir/text", $subject, 'calls', "$dir/file");
like(`$heaptrace --report=$dir/plain --pages 2>&1`, qr/mapped pages: not recorded; --pages has to be given when the program is started/,
     'a record without them says what to do');

# ---- Other formats ----

system($heaptrace, '--pages', "--outfile=$dir/page.html", $subject, 'calls', "$dir/file");
like(text_of("$dir/page.html"), qr/mapped pages +: /, 'a page has the text of the mappings');
system($heaptrace, '--pages', "--outfile=$dir/rows.csv", $subject, 'calls', "$dir/file");
my ($head, @lines) = split /\r\n/, text_of("$dir/rows.csv");
like($head, qr/,stack,kind,resident_bytes$/, 'CSV: two columns more');
my $mapped = 0;
/^\d+,(\d+),.*,mapped,\d+$/ and $mapped += $1 for @lines;
is($mapped, $sum, 'CSV: the rows of the kind "mapped" have the sum');
is(scalar(grep { !/,(?:heap,|mapped,\d+)$/ } @lines), 0, 'CSV: each row has a kind');
system($heaptrace, "--outfile=$dir/rows.csv", $subject, 'calls', "$dir/file");
like(text_of("$dir/rows.csv"), qr/\A[^\r]*,stack\r\n/, 'CSV: without --pages there are no such columns');

# ---- Threads, signals, forks, many ----

($pages) = pages_of([], 'threads', 8, 300);
is_deeply(rows_of($pages), { 'work: mmap (anonymous)' => "56 112 / $pages->{rows}[0]{'peak-count'} " . $pages->{rows}[0]{'peak-size'} / $page }, 'threads: what each has kept');
is($pages->{rows}[0]{'total-count'}, 8 * 300, 'threads: each call is counted');
is($pages->{rows}[0]{'threads-many'}, JSON::PP::true, 'threads: the row names several');

($pages) = pages_of([], 'handlers', 5000);
my %sum;
for (@{$pages->{rows}}) {
	$sum{$_->{frames}[1]{function}} += $_->{size} / $page;
}
is($sum{work}, 28, 'a signal handler that maps, too: what the threads have kept');
is($sum{handler} // 0, 0, 'and nothing of the handler');
is($pages->{'unmapped-unseen-bytes'}, 0, 'all of it is mapped');

unlink glob("$dir/fork.*");
system($heaptrace, @json, "--outfile=$dir/fork.%p", $subject, 'fork');
my @both = sort { $a->{size} <=> $b->{size} } map { document($_)->{pages} } glob("$dir/fork.*");
is(scalar @both, 2, 'a fork: two documents');
is_deeply(rows_of($both[0]), { 'of_parent: mmap (anonymous)' => '1 4 / 1 4', 'after_fork: mmap (anonymous)' => '1 2 / 1 2' }, 'the parent has its own');
is_deeply(rows_of($both[1]), { 'of_parent: mmap (anonymous)' => '1 1 / 1 4', 'of_child: mmap (anonymous)' => '1 9 / 1 9' }, 'the child has what it left of that, and its own');
is($_->{'unmapped-unseen-bytes'}, 0, 'all of it is mapped') for @both;

# While the main thread forks, others map, unmap and move. Where a fork cannot wait for them, the child's list can have what
# they were just unmapping, which the report says; what the child did itself is right in any case.
unlink glob("$dir/storm.*");
is(system($heaptrace, @json, "--outfile=$dir/storm.%p", $subject, 'storm', 15) >> 8, 0, 'threads and forks: status');
my @storms = map { document($_)->{pages} } glob("$dir/storm.*");
is(scalar @storms, 16, 'a document of each process');
is(join(' ', grep { my $sum = 0; $sum += $_->{size} for @{$_->{rows}}; $sum != $_->{size} || $_->{'missed-bytes'} } @storms), '', 'each is the sum of its rows');
is(scalar(grep { (rows_of($_)->{'of_child: mmap (anonymous)'} // '') eq '1 9 / 1 9' } @storms), 15, 'each child has its own');
is((map { $_->{'unmapped-unseen-bytes'} } grep { !rows_of($_)->{'of_child: mmap (anonymous)'} } @storms)[0], 0, 'the parent has only what is mapped');

($pages) = pages_of([], 'many', 20000);
is_deeply(rows_of($pages), { 'one_of_many: mmap (anonymous)' => '18000 18000 / 20000 20000', 'many: mmap (no access)' => '0 0 / 1 40000' }, '20,000 mappings with holes');
is($pages->{'unmapped-unseen-bytes'}, 0, 'all of it is mapped');

# ---- The library alone, and children that are not traced ----

system("LD_PRELOAD=$ENV{PWD}/libheaptrace.so HEAPTRACE_OPTIONS=pages:record=$dir/alone:outfile=$dir/text $subject calls $dir/file 2>/dev/null");
is(() = `$heaptrace --report=$dir/alone --pages --top=0 2>&1` =~ /^=== mapping #/mg, 23, 'a record by the library alone');
is(system($heaptrace, '--pages', '--children=no', "--outfile=$dir/text", 'sh', '-c', "$subject calls $dir/file; $subject threads 3 10; exit 7") >> 8, 7, 'children that are not traced: status');

done_testing();
