#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Hooks that are left in the middle (tests/subjects/hooks_left.c): by siglongjmp() out of a handler,
# by another context, by cancellation, by the end of the thread. What comes afterwards is recorded as ever, and a
# signal gives its dump. And threads: 10,000 short ones, and such with stacks of 16 KB.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my ($program, $library);
$heaptrace = POSIX::getcwd() . '/heaptrace' unless $ENV{HEAPTRACE_TESTED};
sub traced {
	my ($options, $how) = @_;
	local $ENV{LD_PRELOAD} = $library;
	unlink "$dir/out";
	return run(undef, $heaptrace, "--outfile=$dir/out", @$options, $program, $how);
}

# Also where neither the program nor the allocator has unwind information, with frame pointers and
# without: the end of what can be unwound is not the end of the stack, so it does not say that a hook has been
# left; nor may a hook that has been left hold the guard for ever because nobody can unwind.
my @no_tables = ('-fno-asynchronous-unwind-tables', '-fno-unwind-tables', '-fno-exceptions');
for my $flavour (['without information, with frame pointers', @no_tables, '-O1', '-fno-omit-frame-pointer'],
		 ['without information', @no_tables, '-O2', '-fomit-frame-pointer'], ['']) {
	my ($flags, @flags) = @$flavour;
	$program = build('hooks_left', 'hooks_left', @flags);
	$library = build('hooks_left', 'libleft.so', '-shared', '-fPIC', '-DLIBRARY', @flags);
	for my $how ('jump', 'stack', 'return', 'switch', 'cancel', 'exit', 'nested') {
		my ($status, $text, $err);
		# Where a stack cannot be unwound, its words tell whether a hook is still on it (capture/capture.h:
		# capture_meets()). A word that a former call has left there can be an address in the library by chance: in 1 of
		# 200 runs of a build with checks the hook that was left passes for one that goes on.
		for (1 .. ($flags ? 4 : 1)) {
			($status, $text, $err) = traced(['--flame-graph'], $how);
			last if folded_weight(slurp("$dir/out"), 'keep_after') == 1000;
		}
		my $name = $flags ? "$how, $flags" : $how;
		is("$status $text$err", "0 done\n", "$name: the program");
		is(folded_weight(slurp("$dir/out"), 'keep_after'), 1000, "$name: what comes afterwards is recorded");
		unlike(slurp("$dir/out"), qr/ (?:55|110000)$/m, "$name: a hook inside a hook is not");
		is(folded_weight(slurp("$dir/out"), 'keep_nested'), 2000 * 4243, "$name: but the outer one is")
			if $how eq 'nested';
	}
}
{
	my ($status, $text, $err) = traced([], 'jump, dump');
	is("$status $text$err", "0 raised\n", 'jump, dump: the program');
	my ($bad, @keys) = text_dumps((slurp("$dir/out") // '') =~ s/^\[heaptrace\] finalized.*//rms);
	is("$bad@keys", 'size', 'jump, dump: the dump comes at once');
}

for ([tiny => 51], [pending => 21], [ending => 2]) {
	my ($how, $dumps) = @$_;
	my ($status, $text, $err) = traced([], $how);
	is("$status $text$err", "0 done\n", "$how: the program");
	my ($bad, @keys) = text_dumps(slurp("$dir/out") // '');
	is($bad . @keys, $dumps, "$how: a dump for each signal, and the last one");
	is(() = slurp("$dir/out") =~ /^\[heaptrace\] allocator info \(virtual\) +: \d/mg, $dumps,
	   "$how: what the allocator has is known, whoever is inside");
}

my $threads = build('short_threads', 'short_threads');
for (['short', 10000, 0], ['small', 500, 16384]) {
	my ($name, $count, $stack) = @$_;
	for my $options ([], ['--flame-graph']) {
		# Each is a matter of being scheduled: on a busy machine that takes its time.
		my ($pid, $in) = start(undef, $heaptrace, "--outfile=$dir/out", @$options, '--depth=32',
				       $threads, $count, $stack);
		my $status = finish($pid, 300);
		my ($text, $err) = (slurp("$dir/stdout"), slurp("$dir/stderr"));
		is("$status $text$err", "0 done\n", "$count $name threads, @$options: the program");
		next unless @$options;
		is(folded_weight(slurp("$dir/out"), 'keep_in_thread'), $count * 8, "$count $name threads: what they kept");
	}
}
done_testing;
