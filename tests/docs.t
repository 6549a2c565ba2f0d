#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# The documents: their links and the files that they name exist, and the README can be read in a few
# minutes.
use strict;
use warnings;
use Test::More;
require './tests/common.pl';

my @pages = ('README.md', 'CONTRIBUTING.md', glob 'doc/*.md');
cmp_ok(scalar(() = slurp('README.md') =~ /\n/g), '<=', 150, 'the README has at most 150 lines');

my %linked;
for my $page (@pages) {
	my $text = slurp($page);
	my ($folder) = $page =~ m{^(.*/)?};
	my @links = grep { !m{^https?:} } $text =~ /\]\(([^)#]+)/g;
	$linked{$_}++ for map { s{^\.\./}{}r } map { ($folder // '') . $_ } @links;
	my @broken = grep { !-e ($folder // '') . $_ } @links;
	is("@broken", '', "$page: its links lead to files");

	# Files of the tree, written as folder/name.c or folder/name.h.
	my @named = $text =~ m{(?<![\w/.-])((?:[a-z0-9_]+/)+[a-zA-Z0-9_]+\.(?:c|h|t|def|md|pl|sh|awk))\b}g;
	my @gone = grep { !-e && !/NAME|^src\/|^usr\// } @named;
	is("@gone", '', "$page: the files that it names exist");
}
my @lost = grep { !$linked{$_} } glob 'doc/*.md';
is("@lost", '', 'each page of doc/ is linked from another page');
done_testing;
