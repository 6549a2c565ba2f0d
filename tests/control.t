#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --control: each command on a program whose figures are known, through each way to the table; commands that wait, that
# are refused, that come in fast succession and from several controllers, and controllers that are killed.
use strict;
use warnings;
use Cwd;
use Test::More;
use Time::HiRes qw(sleep time);
require './tests/process.pl';
our ($dir, $heaptrace);

build('windows', 'windows');
$heaptrace = getcwd() . '/heaptrace' if $heaptrace eq './heaptrace';
my $library = getcwd() . '/libheaptrace.so';
delete @ENV{qw(HEAPTRACE_OPTIONS LD_PRELOAD)};
$ENV{LC_ALL} = 'C.UTF-8';

my $steps;	# that the subject has taken
sub begin {
	my (@command) = @_;
	my ($pid, $in) = start(undef, @command);
	$steps = 0;
	wait_for(sub { (slurp("/proc/$pid/cmdline") // '') =~ m{^\Q$dir\E/windows} }, 20);
	return ($pid, $in);
}
sub steps {
	my ($in, $what) = @_;
	take_steps($in, $what, $steps, 0);
	$steps += length $what;
}

# Runs heaptrace: its exit status, and what it printed.
sub heaptrace {
	my $text = `$heaptrace @{[map { "'" . s/'/'\\''/gr . "'" } @_]} 2>&1`;
	return ($? >> 8, $text);
}
sub control { return heaptrace("--control=$_[0]", @_[1 .. $#_]) }

# The calls and the live blocks of a function in a dump of all backtraces.
sub figures {
	my ($text, $function) = @_;
	for my $row (split /^(?==== backtrace)/m, $text) {
		next unless $row =~ /^ 1 \[[^]]*\] $function /m;
		my ($count) = $row =~ /\[count\/peak: (\d+)\//;
		my ($calls) = $row =~ /\[total-count: (\d+)\]/;
		return "$count of $calls";
	}
	return 'none';
}
sub dump_of { return (heaptrace("--dump=$_[0]", '--top=0', '--sort=total-count', '--no-lines'))[1] }

# ---- Through each way to the table ----

for my $way (['the memfd of the watcher', $heaptrace, "--outfile=$dir/out"],
	     ['the file of --record', $heaptrace, "--outfile=$dir/out", "--record=$dir/rec"],
	     ['the memory of the process', 'env', "LD_PRELOAD=$library", "HEAPTRACE_OPTIONS=outfile=$dir/out"]) {
	my ($name, @command) = @$way;
	unlink "$dir/out", "$dir/rec";
	my ($pid, $in) = begin(@command, "$dir/windows");
	steps($in, 'ab');
	my ($status, $text) = control($pid, 'off');
	is("$status$text", '0', "$name: off, without a word");
	steps($in, 'abbx');
	my $dump = dump_of($pid);
	is(figures($dump, 'site_a'), '6 of 10', "$name: what is allocated then is not recorded, and frees are");
	is(figures($dump, 'site_b'), '3 of 3', "$name: the other backtrace stays as it was");
	is(join('', control($pid, 'mark=after b', 'on')), '0', "$name: two commands");
	steps($in, 'b');
	is(join('', control($pid, 'dump')), '0', "$name: dump");
	ok(wait_for(sub { (slurp("$dir/out") // '') =~ /dump 1 on request.*^=+$/ms }, 10), "$name: the program has written it");
	is(join('', control($pid, 'clear')), '0', "$name: clear");
	is(join('', control($pid, 'sample=64K', 'sample=all')), '0', "$name: rates");
	close $in;
	is(finish($pid, 20), 0, "$name: the program ends as it would");
}

# ---- What is refused ----

for my $case (['no command', qr/needs a command: on, off/], ['a word that is none', qr/'of' is no command.*there are on, off/, 'of'],
	      ['an empty mark', qr/mark= needs a text/, 'mark='], ['a mark too long', qr/has 48 bytes.*room for 47/, 'mark=' . 'x' x 48],
	      ['a control character', qr/not plain UTF-8/, "mark=a\x1bb"], ['broken UTF-8', qr/not plain UTF-8/, "mark=\xc3("],
	      ['a rate that is none', qr/sample=-1: not a number/, 'sample=-1'],
	      ['the second of two', qr/'nope' is no command/, 'on', 'nope']) {
	my ($name, $message, @commands) = @$case;
	my ($status, $text) = control($$, @commands);
	is($status, 125, "$name: refused");
	like($text, $message, "$name: the message");
}
{
	my ($status, $text) = control($$, 'on');
	is($status, 125, 'a process that is not traced');
	like($text, qr/^heaptrace: process $$ cannot be controlled: heaptrace does not trace it/, 'the message says why');
	($status, $text) = control(4194304 + 5, 'on');
	like($text, qr/there is no such process/, 'a process that is none');
	($status, $text) = heaptrace('--top=3', "--control=$$", 'on');
	like($text, qr/--control takes no other option .*: leave --top out/, 'no option beside it');
}

done_testing();
