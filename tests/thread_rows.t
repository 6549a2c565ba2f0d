#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# The threads of a row: which have allocated with the backtrace, under their newest names, in the final dump, after a
# kill -9, from --record, in a forked child, and as JSON.
use strict;
use warnings;
use JSON::PP;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('thread_rows', 'thread_rows', '-pthread');
my $out = "$dir/out";

# Runs a case. Returns the dump of the program, and the ids of the threads by the names under which it says them.
sub trace {
	my ($case, @options) = @_;
	unlink glob "$dir/out* $dir/rec*";
	my (undef, $said) = run(undef, $heaptrace, "--outfile=$out", '--top=0', '--sort=total-count', '--no-lines', @options, $subject, $case);
	# The watcher writes the dump of a program that was killed when that has ended.
	wait_for(sub { (slurp($out) // '') =~ /={65}\n.*={65}\n\z/s }, 60) if $case eq 'killed' && "@options" !~ /record/;
	return (slurp($out) // '', { map { split / / } split /\n/, $said });
}

# By function: the threads of its row, as the head line has them, ids replaced by the names that were said.
sub threads_of {
	my ($text, $ids) = @_;
	my %name = reverse %$ids;
	my %threads;
	while ($text =~ /^=== backtrace #\d+ === (.*)\n 0 .*\n 1 \[ *\w+\] (\w+_site) /mg) {
		my ($head, $site) = ($1, $2);
		my ($list) = $head =~ /\[(threads?: [^\]]*(?:\[31m[^\]]*)?)\]/;
		$list =~ s/\b(\d+)\b/$name{$1} ? "<$name{$1}>" : $1/ge if $list;
		push @{$threads{$site}}, $list // 'none';
	}
	return { map { $_ => join '; ', sort @{$threads{$_}} } keys %threads };
}

my %named = (
	own_site => 'thread: alpha <alpha>', other_site => 'thread: gamma <gamma>', main_site => 'none',
	both_site => 'none; thread: alpha <alpha>',	# called from two functions, so these are two rows
	shared_site => 'thread: alpha <alpha>; thread: beta <beta>; thread: gamma <gamma>',
);
my ($text, $ids) = trace('named');
is_deeply(threads_of($text, $ids), \%named, 'three threads, named by themselves, by prctl(), and by another thread');
($text, $ids) = trace('killed');
is_deeply(threads_of($text, $ids), \%named, 'the same from the watcher, after kill -9');
($text, $ids) = trace('killed', "--record=$dir/rec");
(undef, $text) = run(undef, $heaptrace, "--report=$dir/rec", '--top=0', '--sort=total-count', '--no-lines', "--outfile=$out");
is_deeply(threads_of(slurp($out), $ids), \%named, 'and from --record');

# With two frames a row is all calls of a function.
my $main = 'thread_rows <main>';
($text, $ids) = trace('named', '--depth=2');
is_deeply(threads_of($text, $ids), {
	own_site => 'thread: alpha <alpha>', other_site => 'thread: gamma <gamma>', main_site => 'none',
	both_site => "threads: $main, alpha <alpha>",
	shared_site => 'threads: ' . join(', ', map { "$_ <$_>" } sort { $ids->{$a} <=> $ids->{$b} } qw(alpha beta gamma)),
}, 'a row of several threads has them all, the main thread first, though it called before there were others');

($text, $ids) = trace('ended', '--depth=2');
is_deeply(threads_of($text, $ids), {
	own_site => "threads: renamed <renamed>, alpha <alpha>", other_site => 'thread: kernel name <kernel>', main_site => 'none',
	both_site => 'threads: the main one <main>, alpha <alpha>', shared_site => 'thread: alpha <alpha>',
	resize_site => 'thread: odd?[31m "name" <odd>',
}, 'threads that are gone, under their last names');

($text, $ids) = trace('many', '--depth=2');
my %many = %{threads_of($text, $ids)};
is($many{shared_site}, 'threads: many', '200 threads are many');
is($many{own_site}, 'thread: seventh <seventh>', 'of which one alone has called something else');
like($many{other_site}, qr/^threads: (?:thread_rows \d+(?:, |$)){4}$/, 'four are not yet many');

($text, $ids) = trace('crowd', '--depth=2');
%many = %{threads_of($text, $ids)};
is("$many{own_site}; $many{other_site}; $many{shared_site}", 'thread: last <last>; thread: last <last>; threads: many',
   'a thread that has no slots because there are more than 256');

# A fork by a thread: it is the child's main thread, now and before.
($text, $ids) = trace('forked', '--depth=2');
is_deeply(threads_of($text, $ids), {
	own_site => 'thread: forks <forks>', main_site => 'none', shared_site => 'thread: another <another>',
	other_site => 'thread: another <another>', both_site => "threads: $main, forks <forks>", later_site => 'thread: forks <forks>',
}, 'a thread forks: the parent') if ($ids->{forks} //= ($text =~ /forks (\d+)/)[0]);
my ($child) = glob "$out.*";
my ($pid) = ($child // '') =~ /\.(\d+)$/;
is_deeply(threads_of(slurp($child // '') // '', { %$ids, child => $pid // 0 }), {
	own_site => 'none', main_site => 'none', child_site => 'none', both_site => 'none', later_site => 'none',
	shared_site => 'threads: child <child>, another <another>', other_site => 'threads: another <another>, kernel name <kernel>',
}, 'and the child, with what the other thread had allocated before');

# As JSON: the same.
SKIP: {
	trace('named', '--depth=2', '--format=json');
	my $json = eval { decode_json(slurp($out) // '') } or skip "no JSON: $@", 2;
	my %json;
	for my $row (@{$json->{rows}}) {
		$json{$row->{frames}[1]{function} // '?'} = join ' ', $row->{'threads-many'} ? 1 : 0, map { $_->{name} } @{$row->{threads}};
	}
	is($json{own_site}, '0 alpha', 'as JSON: a thread');
	is($json{both_site}, '0 thread_rows alpha', 'and two');
	is($json{main_site}, '0 thread_rows', 'the main thread is in the list, too');
}
done_testing();
