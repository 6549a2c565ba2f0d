#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
# dwarf.pl FILE >INPUT: an input for tests/fuzz/dwarf.c of the debug sections of FILE, whose
# code has to be at 0x1000 to 0x3000:
#	cc -g -nostdlib -shared -Wl,-z,separate-code -o FILE ...
use strict;
use warnings;
my ($file) = @ARGV;
open my $in, '<:raw', $file or die "$file: $!";
my $elf = do { local $/; <$in> };
my %section;
for (qx(readelf -SW '$file')) {
	$section{$1} = substr $elf, hex $2, hex $3
		if /\]\s+\.debug_(\w+)\s+\w+\s+\w+\s+(\w+)\s+(\w+)/;
}
my @all = map { substr $section{$_} // '', 0, 65535 }
	qw(info abbrev line str line_str str_offsets addr ranges rnglists aranges);
binmode STDOUT;
print pack('Cv10', ord(substr $elf, 4, 1) == 1 ? 1 : 0, map { length } @all), @all;
