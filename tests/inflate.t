#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
# inflate/inflate against zlib (perl's, which is part of perl): every level and strategy, every
# kind of block, reads in any order, damaged streams under the sanitizers, speed.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

BEGIN {
	eval 'use Compress::Raw::Zlib; 1' or plan skip_all => 'perl has no Compress::Raw::Zlib';
}

require './tests/common.pl';

my $cc = $ENV{CC} || 'cc';
my $dir = tempdir('heaptrace-inflate.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my @build = (qw(-std=gnu11 -D_GNU_SOURCE -I. -Wall -Wextra -Werror), 'tests/tools/inflate.c', glob('inflate/*.c'),
	     'base/arena.c', 'base/kernel_map.c', 'base/reserve.c');
my $sanitize = '-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all';

system($cc, '-O2', '-o', "$dir/inflate", @build) == 0 or BAIL_OUT('inflate does not build');
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';
my $sanitized = system("$cc $sanitize -o $dir/inflate-san @build 2>/dev/null") == 0 ? "$dir/inflate-san" : '';

sub packed {
	my ($data, %options) = @_;
	my ($z) = Compress::Raw::Zlib::Deflate->new(
		-Level => $options{level} // 6, -WindowBits => $options{window} // 15,
		-MemLevel => $options{memory} // 8, -Strategy => $options{strategy} // Z_DEFAULT_STRATEGY,
		-AppendOutput => 0);
	my ($out, $part) = ('', '');
	# The same object in pieces, each flushed, has an empty stored block between them.
	for my $piece ($options{flush} ? unpack "(a$options{flush})*", $data : $data) {
		$z->deflate($piece, $part) == Z_OK or die;
		$out .= $part;
		$part = '';
		if ($options{flush}) {
			$z->flush($part, Z_FULL_FLUSH) == Z_OK or die;
			$out .= $part;
			$part = '';
		}
	}
	$z->flush($part) == Z_OK or die;
	return $out . $part;
}

srand 7;
my $program = slurp("$dir/inflate-san") if $sanitized;
$program //= slurp("$dir/inflate");
my %data = (
	empty => '',
	byte => 'x',
	text => slurp($0),
	program => substr($program, 0, 700_000),
	zeros => "\0" x 1_500_000,
	noise => join('', map { chr int rand 256 } 1 .. 200_000),
	few => join('', map { chr 97 + int rand 3 } 1 .. 300_000),
	# Far matches, long and short ones, of each small distance.
	mixed => join('', map { my $s = substr($program, rand 60_000, 1 + rand 40); $s x (rand() < 0.1 ? rand 300 : 1) } 1 .. 20_000),
	skewed => join('', map { chr int(255 * rand() ** 12) } 1 .. 400_000),	# long codes
);
my %how = (
	(map { ("level $_" => { level => $_ }) } 0 .. 9),
	'fixed codes' => { strategy => Z_FIXED },
	'codes only' => { strategy => Z_HUFFMAN_ONLY },
	'run lengths' => { strategy => Z_RLE },
	'filtered' => { strategy => Z_FILTERED },
	'small window' => { window => 9, memory => 1 },
	'large blocks' => { memory => 9 },
	'many blocks' => { flush => 777 },
);
my %seen;
for my $how (sort keys %how) {
	my @wrong;
	for my $name (sort keys %data) {
		my $stream = packed($data{$name}, %{$how{$how}});
		$seen{(unpack('C', substr $stream, 2) >> 1) & 3}++;
		spit("$dir/z", $stream);
		spit("$dir/raw", $data{$name});
		my $said = qx(timeout 60 $dir/inflate -r 60 $dir/z $dir/raw);
		$? and push @wrong, "$name: $said";
		system("$dir/inflate $dir/z " . length($data{$name}) . " | cmp -s - $dir/raw") and push @wrong, "$name: whole";
		# A size that is not the stream's is damage.
		next if $how ne 'level 6';
		for my $size (length($data{$name}) + 1, $data{$name} eq '' ? () : length($data{$name}) - 1) {
			system("$dir/inflate $dir/z $size >/dev/null") or $size == 0 or push @wrong, "$name: $size bytes too";
		}
	}
	ok(!@wrong, $how) or diag(@wrong);
}
is_deeply([sort keys %seen], [0, 1, 2], 'stored, fixed and dynamic blocks were among them');

# Blocks that zlib does not write: bits, lowest first.
sub stream { my $bits = join '', @_; return "\x78\x9c" . pack 'b*', $bits }
sub adler {
	my ($low, $high) = (1, 0);
	for (unpack 'C*', $_[0]) { $low = ($low + $_) % 65521; $high = ($high + $low) % 65521 }
	return pack 'nn', $high, $low;
}
my $tool = $sanitized || "$dir/inflate";
sub unpacked {
	my ($stream, $size) = @_;
	spit("$dir/z", $stream);
	my $out = qx(timeout 10 $tool $dir/z $size 2>&1);
	return $? ? "status $?: " . substr $out, 0, 300 : $out;
}
my $end = '0000000';
my $literal_a = join '', '1', '0010001';	# 0x30 + 97, highest first: 10010001
is(unpacked(stream('1', '10', $literal_a, $end) . adler('a'), 1), 'a', 'one fixed block');
is(unpacked(stream(('0' . '10' . $end) x 500, '1', '10', $literal_a, $end) . adler('a'), 1), 'a', 'empty blocks');
is(unpacked(stream('1', '10', $literal_a, '0000001', '00000', $end) . adler('aaaa'), 4), 'aaaa', 'a match over itself');
like(unpacked(stream('1', '10', $literal_a, '0000001', '00001', $end) . adler('aaaa'), 4), qr/^status 256/, 'a match from before the beginning');
like(unpacked(stream('1', '10', $literal_a, '11000110', $end) . adler('a'), 1), qr/^status 256/, 'a reserved length');
like(unpacked(stream('1', '10', $literal_a, '0000001', '11110', $end) . adler('aaaa'), 4), qr/^status 256/, 'a reserved distance');
like(unpacked(stream('1', '11', $literal_a, $end) . adler('a'), 1), qr/^status 256/, 'a reserved kind of block');
like(unpacked(stream('1', '10', $literal_a, $end) . adler('b'), 1), qr/^status 256/, 'a wrong Adler-32');
like(unpacked(stream('1', '10', $literal_a, $end) . 'ab', 1), qr/^status 256/, 'half an Adler-32');
is(unpacked(stream('1', '00', '00000', unpack 'b*', pack 'vva*', 2, 0xfffd, 'hi') . adler('hi'), 2), 'hi', 'a stored block');
like(unpacked(stream('1', '00', '00000', unpack 'b*', pack 'vva*', 2, 0xfffc, 'hi') . adler('hi'), 2), qr/^status 256/, 'a stored block whose length is not sure');
like(unpacked("\x78\x9d" . substr(packed('a'), 2), 1), qr/^status 256/, 'a wrong header');
like(unpacked("\x78\xbb" . substr(packed('a'), 2), 1), qr/^status 256/, 'a dictionary');
like(unpacked(packed('a'), '0x7fffffffff'), qr/^status/, 'a size that no such stream can have');

# The most bits between two stops: two literals of 11 bits, then a length and a distance whose codes have
# 15 bits and their extra bits 5 and 13. Both codes have the lengths 1, 2, .. 14, 15, 15.
{
	my $extra = sub { my ($v, $bits) = @_; join '', map { $v >> $_ & 1 } 0 .. $bits - 1 };
	my @length = (0) x 315;
	$length[97 + $_] = $length[285 + $_] = $_ for 1 .. 14;
	$length[$_] = 15 for 256, 284, 285 + 28, 285 + 29;
	my $header = join '', $extra->(285 - 257, 5), $extra->(29, 5), $extra->(15, 4),
		map { $extra->($_ == 18 ? 1 : $_ > 15 ? 0 : 5, 3) } 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15;
	my $lengths = join '', map { sprintf '1%04b', $_ } @length;
	my $out = substr $data{noise}, 0, 33_000;
	my $before = '0' . '00' . '00000' . unpack 'b*', pack('vv', 33_000, 65535 - 33_000) . $out;
	my $bits = '';
	for (1 .. 200) {
		my ($more, $far) = (int rand 31, int rand 8192);
		$out .= 'll' . substr $out, 2 + length($out) - 24577 - $far, 227 + $more;
		$bits .= ('1' x 10 . '0') x 2 . '1' x 15 . $extra->($more, 5) . '1' x 15 . $extra->($far, 13);
	}
	ok(unpacked(stream($before, '1', '01', $header, $lengths, $bits, '1' x 14 . '0') . adler($out), length $out) eq $out,
		'the longest codes');
}

# Every byte of small streams changed, every length.
for (['level 9' => 9, substr($data{text}, 0, 900)], ['stored' => 0, 'stored bytes' x 10], ['mixed' => 6, substr($data{mixed}, 0, 1500)]) {
	my ($name, $level, $data) = @$_;
	spit("$dir/z", packed($data, level => $level));
	spit("$dir/raw", $data);
	my $said = qx(timeout 60 $tool -d $dir/z $dir/raw 2>&1);
	is($said, "0 wrong\n", "every byte of a stream changed: $name" . ($sanitized ? ', under sanitizers' : ''));
}
SKIP: {
	skip 'no sanitizers', 1 unless $sanitized;
	spit("$dir/z", packed($data{program}));
	spit("$dir/raw", $data{program});
	my $said = qx(timeout 60 $sanitized -r 150 $dir/z $dir/raw 2>&1);
	is($?, 0, '150 reads anywhere, under sanitizers') or diag($said);
}

# Speed, by processor time: a bound that only a mistake breaks; doc/costs.md has figures.
{
	my $raw = $data{program} x 5;
	spit("$dir/z", packed($raw, level => 1));
	spit("$dir/raw", $raw);
	my ($rate) = qx($dir/inflate -r 0 $dir/z $dir/raw) =~ /([\d.]+)/;
	cmp_ok($rate, '>', 20, "unpacks $rate MB/s");
}

done_testing();
