#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# A stack is not taken for an earlier one because return addresses of the earlier one lie unchanged in a large frame, and
# because frames further outward, which have changed, are beyond the earlier one's depth (tests/subjects/stale_frames.c).
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('stale_frames', 'stale_frames');
for my $depth (16, 24) {
	for my $levels (0, 4 .. 20) {
		my $dump = `$heaptrace --depth=$depth --outfile=/dev/stdout $subject $levels`;
		my ($large) = grep { / large_frame / } split /^===/m, $dump;
		my @places = ($large // '') =~ /\b(first|second)_place\b/g;
		my $seen = $levels + 4 <= $depth ? 'second' : '';
		is("@places", $seen, "depth $depth, recursion of $levels: the place that has called it");
	}
}
done_testing;
