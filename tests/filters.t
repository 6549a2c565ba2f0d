#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# What chooses the backtraces and frames of a report: --min-size, --min-count, --older-than, --focus, --hide. A run with known
# figures is recorded once, and reported in many ways.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

spit("$dir/filters.cc", <<'END');
#include <stdlib.h>
#include <time.h>
extern "C" {
static void *kept[4096];
static int count;
static inline __attribute__((always_inline)) void *inner(int bytes) { return malloc(bytes); }
#define HOLDER(name, blocks, bytes, frees) \
	__attribute__((noinline)) void name(void) \
	{ \
		for (volatile int i = 0; i < blocks; i++) \
			kept[count++] = inner(bytes); \
		for (int i = 0; i < frees; i++) \
			free(kept[--count]); \
	}
HOLDER(old_few, 2, 5000, 0)
HOLDER(young_many, 300, 10, 0)
HOLDER(young_large, 1, 200000, 0)
HOLDER(was_larger, 100, 1000, 99)
HOLDER(all_gone, 50, 2000, 50)
__attribute__((noinline)) void churn(void)
{
	for (int i = 0; i < 70; i++)
		free(malloc(100));
}
}
int main(void)
{
	const struct timespec wait = { 0, 300000000 };

	old_few();
	nanosleep(&wait, NULL);
	young_many();
	young_large();
	was_larger();
	all_gone();
	churn();
	return count == 0;
}
END
my $cxx = $ENV{CXX} || 'c++';
quiet($cxx, '-g', '-O1', '-fno-builtin', '-o', "$dir/filters", "$dir/filters.cc") or plan skip_all => 'no C++ compiler';
run(undef, $heaptrace, "--record=$dir/rec", "$dir/filters");

sub report_lines {
	my (undef, $out, $err) = run(undef, $heaptrace, "--report=$dir/rec", @_);
	diag($err) if $err ne '';
	return $out;
}
sub report { return report_lines('--no-lines', @_) }

# The functions that a report lists, in order: those that call malloc.
sub listed { return join ' ', $_[0] =~ /^ 1 \[[^]]*\] (\w+) /mg }

# The figures of a line, as the dump prints them.
sub figure { return $_[0] =~ /^\[heaptrace\] \Q$_[1]\E *: (.*)$/m ? $1 : '' }

my $all = report('--top=0');
is(listed($all), 'young_large old_few young_many was_larger', 'without filters');
is(figure($all, 'not listed'), '', 'nothing is left out');

# ---- Which rows are listed ----

for ([[qw(--min-size=3000)], 'young_large old_few young_many', '1 backtrace, 1.000 KB (--min-size)'],
     [[qw(--min-size=3k --min-count=2)], 'old_few young_many', '2 backtraces, 201.000 KB (--min-size, --min-count)'],
     [[qw(--min-count=301)], '', '4 backtraces, 214.000 KB (--min-count)'],
     [[qw(--older-than=250ms)], 'old_few', '3 backtraces, 204.000 KB (--older-than)'],
     [[qw(--sort=peak-size --min-size=50k)], 'young_large was_larger all_gone', '3 backtraces, 13.100 KB (--min-size)'],
     [[qw(--sort=peak-count --min-count=100)], 'young_many was_larger', '4 backtraces, 310.100 KB (--min-count)'],
     [[qw(--sort=total-size --min-size=100000)], 'young_large was_larger all_gone', '3 backtraces, 20.000 KB (--min-size)'],
     [[qw(--sort=total-count --min-count=70)], 'young_many was_larger churn', '3 backtraces, 310.000 KB (--min-count)'],
     [[qw(--sort=temporary --min-count=2)], 'churn', undef],
     [[qw(--sort=temporary --min-size=7001)], undef, undef],
     [[qw(--sort=peak-size --older-than=250ms)], 'old_few', undef]) {
	my ($options, $functions, $said) = @$_;
	my $out = report('--top=0', @$options);
	is(listed($out), $functions, "@$options") if defined $functions;
	is(figure($out, 'not listed'), $said, "@$options: says so") if defined $said;
	is(figure($out, $_), figure($all, $_), "@$options: $_ stays") for 'heap traced num of backtrace', 'heap traced allocation size';
}
unlike(report('--top=0', '--sort=temporary', '--min-size=7001'), qr/ churn /, 'temporary: the bytes of all calls count');
is(listed(report('--top=1', '--min-count=2')), 'old_few', '--top counts the rows that are left');

my $folded = report('--flame-graph', '--min-size=4k');
is(join(' ', $folded =~ /^.*;(\w+);malloc \d+$/mg), 'young_large old_few', 'folded stacks');
{
	my (undef, undef, $err) = run(undef, $heaptrace, '--min-size=4k', '--no-lines', "$dir/filters");
	is(listed($err), 'young_large old_few', 'a dump by the process itself');
	is(figure($err, 'not listed'), '2 backtraces, 4.000 KB (--min-size)', 'and it says so');
}
# ---- --focus: which rows there are ----

for ([[qw(--focus=young)], 'young_large young_many', '2 backtraces, 11.000 KB', '203.000 KB'],
     [[qw(--focus=old_few --focus=was_l)], 'old_few was_larger', '2 backtraces, 203.000 KB', '11.000 KB'],
     [[qw(--focus=main)], 'young_large old_few young_many was_larger', '', '214.000 KB'],
     [["--focus=$dir/fil"], 'young_large old_few young_many was_larger', '', '214.000 KB'],
     [[qw(--focus=all_gone --sort=total-size)], 'all_gone', '4 backtraces, 214.000 KB', '0 bytes'],
     [[qw(--focus=no_such)], '', '4 backtraces, 214.000 KB', '0 bytes'],
     [[qw(--focus=young --min-size=4k)], 'young_large', '2 backtraces, 11.000 KB', '203.000 KB']) {
	my ($options, $functions, $said, $total) = @$_;
	my $out = report('--top=0', @$options);
	is(listed($out), $functions, "@$options");
	is(figure($out, 'heap left out by --focus'), $said, "@$options: says so");
	is(figure($out, 'heap traced allocation size'), $total, "@$options: the total is that of the rows");
}
is(listed(report_lines('--focus=filters.cc')), 'inner inner inner inner', '--focus: a source file');
is(report('--focus=young_l', '--flame-graph') =~ s/.*;(\w+;malloc)/$1/r, "young_large;malloc 200000\n", '--focus: folded stacks');
{
	my (undef, undef, $err) = run(undef, $heaptrace, '--no-lines', '--focus=young', "$dir/filters");
	is(listed($err), 'young_large young_many', '--focus: at the end of the program');
	(undef, undef, $err) = run(undef, $heaptrace, '--focus=no_such', "$dir/filters");
	like($err, qr/^\[heaptrace\] no backtrace with live blocks has a frame that --focus matches$/m, '--focus: a text that nothing matches is told of');
}

# ---- --hide: which frames there are ----

sub functions { return join ' ', $_[0] =~ /^ ?\d+ \[[^]]*\] (\w+)/mg }
like(functions(report_lines('--top=1')), qr/^malloc inner young_large main /, 'with inlined calls');
like(functions(report_lines('--top=1', '--hide=inner')), qr/^malloc young_large main /, '--hide: an inlined call');
like(functions(report_lines('--top=1', '--hide=young_large')), qr/^malloc inner main /, '--hide: the function that it is inlined in');
my $calls = report_lines('--top=1', '--hide=young_large');
like($calls, qr/^ 1 \[[^]]*\] inner at \S+filters\.cc:\d+$/m, '--hide: the call that remains has its line');
# (Not `main`: the directory of the library, whose malloc() is frame 0, may have that in its name.)
like(functions(report_lines('--top=1', '--hide=inner', '--hide=young_large')), qr/^malloc main /, '--hide: twice');
unlike(report_lines('--hide=filters.cc'), qr/young_large|inner/, '--hide: a source file');
unlike(report('--hide=libc.so'), qr/libc_start/, '--hide: a module');
is(figure(report('--hide=malloc'), $_), figure($all, $_), "--hide: $_ stays") for 'heap traced num of backtrace', 'heap traced allocation size';
is(() = report('--top=0', '--hide=/') =~ /^\(all frames are hidden\)$/mg, 4, '--hide: everything');
like(report('--flame-graph', '--hide=/'), qr/^\(all frames are hidden\) 200000$/m, '--hide: everything, folded');
like(report('--flame-graph', '--no-lines', '--hide=libc', '--hide=_start'), qr/^main;young_large;malloc 200000$/m, '--hide: folded stacks');
like(report('--tree', '--hide=/'), qr/^100\.0 %.* \(all frames are hidden\)$/m, '--hide: everything, in a tree');
like(report('--group=function', '--hide=young'), qr/^.* 203\.000 KB .* main/m, '--hide: groups are those of the frames that are shown');
is(listed(report('--focus=young_large', '--hide=young_large')), 'main', '--focus sees the frames that --hide takes out');
SKIP: {
	skip 'no python3', 1 unless has('python3');
	spit("$dir/out.json", report_lines('--format=json', '--focus=young', '--hide=inner', '--hide=libc'));
	is(`python3 -c 'import json; d = json.load(open("$dir/out.json")); print(d["totals"]["unfocused-rows"], d["totals"]["unfocused-bytes"], d["totals"]["size"], [f["function"] for f in d["rows"][0]["frames"]][:3])'`,
	   "2 11000 203000 ['malloc', 'young_large', 'main']\n", 'JSON');
}
done_testing();
