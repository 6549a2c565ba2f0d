#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# doc/questions.md: every command of the page runs, ends with the status that the page has, and prints the lines that
# the page shows, whatever the figures and addresses are now.
use strict;
use warnings;
use File::Temp 'tempdir';
use Test::More;
require './tests/common.pl';

my $top = `pwd` =~ s/\n//r;
my $dir = tempdir(CLEANUP => 1);
has($ENV{CC} || 'cc') or plan skip_all => 'no C compiler here';
$ENV{PATH} = "$top:$ENV{PATH}";
delete @ENV{qw(HEAPTRACE_OPTIONS LD_PRELOAD)};

# The blocks of commands: [command, what the page shows below it]. A line that begins with ">" continues a command.
my @commands;
my $in_block = 0;
for my $line (split /\n/, slurp('doc/questions.md')) {
	if ($line =~ /^    \$ (.*)/) {
		push @commands, [$1];
		$in_block = 1;
	} elsif ($in_block && $line =~ /^    > (.*)/) {
		$commands[-1][0] .= "\n$1";
	} elsif ($in_block && $line =~ /^    (.*)|^$/) {
		push @{$commands[-1]}, $1 // '';
	} else {
		$in_block = 0;
	}
}

# What stays of a line from run to run: the words before a figure, or a function with its place, or a row's function.
sub words_of {
	my ($line) = @_;
	return "\\b$1 .* at .*\Q$2\E" if $line =~ /^\s*\d+ \[0x\w+\] (\w+) \+0x\w+ at (\S+)$/;
	return "^ +[\\d.]+kB +\\S+ \\|   $1\$" if $line =~ /^ +[\d.]+kB +\S+ \|   (\w+)$/;	# go tool pprof -peek
	return quotemeta $1 if $line =~ /^\[heaptrace\] (?:- )?([^:\d]+?) *:/;
	return "=== backtrace #$1 === .$2" if $line =~ /^=== backtrace #(\d+) === \[(leaking|filling|steady|shrunk|grown|new|gone)/;
	return join ' +', split ' ', $line if $line =~ /^ *share /;
	return $1 =~ s{ at }{ at .*}r if $line =~ m{^ *[\d.]+ %.*?([a-z]\w*(?: at \S+)?)$};
	return undef;
}

# The page's data, and the program that it prints.
spit("$dir/data.json", '[' . join(',', map { "{\"name\":\"n$_\",\"list\":[1,2,3,$_]}" } 1 .. 20000) . ']');
my ($source) = grep { $_->[0] eq 'cat server.c' } @commands or BAIL_OUT('the page has no server.c');
spit("$dir/server.c", join '', map { "$_\n" } @$source[1 .. $#$source]);

my $status = 0;
for my $i (0 .. $#commands) {
	my ($command, @shown) = @{$commands[$i]};
	my ($needs) = $command =~ /^(?:\w+=\S+ )?heaptrace .*?\b(jq|xz)\b/;
	my ($missing) = grep { !has($_) } grep { defined } $needs, $command =~ /\bjq -r/ ? 'jq' : undef, $command =~ /^go tool/ ? 'go' : undef;
	SKIP: {
		skip "$command: no $missing here" if $missing;
		if ($command eq 'echo $?') {
			is($status, $shown[0], "status $shown[0]: $commands[$i - 1][0]");
			next;
		}
		$command = "cd $dir\n$command";
		open my $run, '-|', 'timeout', '180', 'bash', '-c', "{ $command\n} 2>&1" or die "bash: $!";
		my $got = do { local $/; <$run> } // '';
		close $run;
		$status = $? >> 8;
		my $name = (split /\n/, $commands[$i][0])[0];
		is($status, 0, "runs: $name") or diag($got) if ($commands[$i + 1] // [''])->[0] ne 'echo $?';
		my @words = grep { defined } map { words_of($_) } @shown;
		my @lost = grep { $got !~ /$_/m } @words;
		note("looks for: @words");
		if ($command =~ /^for lib in/m) {
			# libstdc++'s pool is one block, and there where the allocator is written in C++.
			my @figures = map { [split /\t/] } $got =~ /^(\d+\t\d+\t\d+\t\d+)$/mg;
			my @odd = grep { my $pools = $_->[0] - $figures[0][0]; $pools !~ /^[01]$/ || $_->[1] - $figures[0][1] != 72704 * $pools } @figures;
			is(scalar @figures . ' and ' . @odd, '4 and 0', 'the program asks each allocator for the same') or diag($got);
		}
		is("@lost", '', "prints what the page shows: $name") or diag(substr $got, 0, 4000);
	}
}
done_testing;
