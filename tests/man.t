#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
# heaptrace.1 against --help: the same options, sort keys and defaults on both sides, and a
# page that the formatters have nothing to say about.
use strict;
use warnings;
use File::Basename;
use Test::More;

chdir dirname($0) . '/..' or die;
my $program = $ENV{HEAPTRACE} // './heaptrace';
my $help = `$program --help`;
is($?, 0, '--help') or BAIL_OUT("$program does not run");
open my $f, '<', 'heaptrace.1' or die "heaptrace.1: $!";
my $page = join '', <$f>;
close $f;

# "      --top=NUM   text (default: 10)", the text on several lines
my (%help, %help_letter, %help_default);
my ($options) = $help =~ /\n\n(.*?)\n\nSort keys:/s;
my @help_headings = $options =~ /^(\S.*):$/mg;
$options =~ s/^(?:\S.*:)?\n//mg;
my @help_order;
for my $item (split /\n(?=  (?:-| {4}--))/, $options) {
	my ($letter, $name, $argument, $text) =
		$item =~ /^\s*(?:-(\w), )?--([\w-]+)(\[?=\S+)?\s+(.*)/s or next;
	$text =~ s/\s+/ /g;
	$help{$name} = $argument ? 1 : 0;
	push @help_order, $name;
	$help_letter{$name} = $letter // '';
	$help_default{$name} = $1 if $text =~ /\(default: (.*)\)/;
}
cmp_ok(scalar keys %help, '>=', 8, 'options in --help');

my (%page, %page_letter, %page_default, @page_order);
for my $item ($page =~ /^(\.It .*?Fl .*?)(?=^\.It |^\.El)/msg) {
	my ($head, $text) = split /\n/, $item, 2;
	$head =~ s/\\-/-/g;
	my ($name) = $head =~ /Fl -([\w-]+)/ or next;
	push @page_order, $name;
	$page{$name} = $head =~ /Fl -[\w-]+ Ns (?:Op )?= Ns Ar/ ? 1 : 0;
	$page_letter{$name} = $head =~ /^\.It Fl (\w)\b/ ? $1 : '';
	$text =~ s/^\.Fl (.*)/-$1/mg;
	$text =~ s/\\-/-/g;
	$text =~ s/\s+/ /g;
	$page_default{$name} = $1 if $text =~ /Default: ([^.]*)\./;
}
is_deeply(\%page, \%help, 'the same options, with and without a value');
is_deeply(\@page_order, \@help_order, 'in the same order');
my ($page_options) = $page =~ /^(\.Ss \Q$help_headings[0]\E\n.*?)^\.Ss Sort keys$/ms;
is_deeply([($page_options // '') =~ /^\.Ss (.*)$/mg], \@help_headings, 'under the same headings');
is(scalar(grep { length > 79 } split /\n/, $help), 0, 'no line of --help wraps on a terminal');
is(scalar(grep { /^ {6}--\S+ \S/ } split /\n/, $help), 0, 'and no value runs into its description');
is_deeply(\%page_letter, \%help_letter, 'the same letters');
{
	# Another default depth may have been built in; the page has the one of the header.
	my ($depth) = `cat options/options.h` =~ /define HEAPTRACE_DEPTH\s+(\d+)/;
	$help_default{depth} =~ s/^\d+/$depth/;
	is_deeply(\%page_default, \%help_default, 'the same defaults');
}

# The ways to call it.
my @usage = $help =~ /^(?:Usage:|      ) heaptrace (.*)$/mg;
my ($synopsis) = $page =~ /^\.Sh SYNOPSIS\n(.*?)^\.Sh/ms;
my @synopsis = map { s/\n\.(?:Op )?(?:Ar )?/ /gr } split /^\.Nm heaptrace\n|^\.Nm\n/m, $synopsis;
is(scalar(grep { /\S/ } @synopsis), scalar(@usage), 'the page knows as many ways to call it as --help');
is(scalar(@usage), 7, 'which are seven');
like($synopsis, qr/^\.Fl \\-$_ Ns = Ns Ar/m, "SYNOPSIS: --$_") for 'pid', 'detach', 'control', 'dump', 'report', 'watch';

my ($help_keys) = $help =~ /\nSort keys:\n(.*?)\n\n/s;
my @help_keys = $help_keys =~ /^  (\S+)/mg;
my ($page_keys) = $page =~ /^\.Ss Sort keys\n(.*?)^\.El/ms;
my @page_keys = $page_keys =~ /^\.It Cm (\S+)/mg;
is(scalar @help_keys, 9, 'sort keys in --help');
is_deeply(\@page_keys, \@help_keys, 'the same sort keys in the same order');
like($page, qr/^\.It $_$/m, "exit status $_") for 125, 126, 127;
like($page, qr/^\.It Ev HEAPTRACE_OPTIONS$/m, 'HEAPTRACE_OPTIONS');
like($page, qr/^\.It Dv $_$/m, $_) for qw(SIGUSR1 SIGUSR2);
like($page, qr/%$_/, "%$_") for qw(p c n %);
unlike($page, qr/[ \t]$/m, 'no blanks at line ends');

sub have { my $tool = shift; return grep { -x "$_/$tool" } split /:/, $ENV{PATH} }
SKIP: {
	skip 'no mandoc', 1 if !have('mandoc');
	# What the machine's index of other pages lacks is no fault of this one.
	my $out = join '', grep { !/mandoc\.db/ } `mandoc -T lint -W warning heaptrace.1 2>&1`;
	is($out, '', 'mandoc -T lint');
}
# man(1) shows the page by groff, which also warns of text that does not fit into 80 columns.
SKIP: {
	if (have('groff')) {
		my $out = `groff -mdoc -Tascii -ww -z heaptrace.1 2>&1`;
		skip 'groff has no mdoc macros here', 1 if $out =~ /(?:macro|can't|cannot).*(?:mdoc|doc\.tmac|ascii)/;
		is($out, '', 'groff -ww');
	} elsif (have('man')) {
		is(`man --warnings -l heaptrace.1 2>&1 >/dev/null`, '', 'man --warnings');
	} else {
		skip 'no groff or man', 1;
	}
}
done_testing();
