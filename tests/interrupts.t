#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# What a dump does to calls that the program waits in: one that is asked for by a signal ends some of them,
# as doc/limits.md and heaptrace.1 say; --dump, --every and --report end none.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $waits = build('waits', 'waits');
my $never = 'poll ppoll select pselect epoll_wait epoll_pwait nanosleep clock_nanosleep usleep sleep sigtimedwait ' .
	    'sem_timedwait semtimedop semop msgrcv recv_timeout send_timeout';
my $all = "$never read futex";

# Runs it, and calls a sub when everything waits. Returns the names of what was whole, and of what not.
sub results {
	my ($options, $arguments, $meanwhile) = @_;
	my ($pid, $in) = start(undef, $heaptrace, "--outfile=$dir/out", @$options, $waits, @$arguments);
	close $in;
	my $said = wait_word('waiting');
	$meanwhile->($pid) if $said;
	my $status = finish($pid, 60);
	my $text = slurp("$dir/stdout");
	return ($status, join(' ', $text =~ /^(\w+) whole$/mg), join(' ', $text =~ /^(\w+) interrupted$/mg));
}

for (['--dump', [], sub {
		my ($pid) = @_;
		for (1 .. 5) {
			my $text = `$heaptrace --dump=$pid --top=0 2>&1`;
			is($?, 0, '--dump prints');
			like($text, qr/dump allocation status for \/proc\/$pid\/maps/, 'the dump of that process');
		}
	}],
     ['--dump, no watcher', ['--no-watch'], sub { is(system("$heaptrace --dump=$_[0] --flame-graph >$dir/folded"), 0, '--dump prints') for 1 .. 5 }],
     ['--report', ["--record=$dir/rec"], sub { is(system("$heaptrace --report=$dir/rec >$dir/report"), 0, '--report prints') for 1 .. 5 }],
     ['--every', ['--every=0.2'], sub { ok(wait_for(sub { (() = (slurp("$dir/out") // '') =~ /sorted by/g) >= 3 }), '--every prints') }]) {
	my ($how, $options, $meanwhile) = @$_;
	SKIP: {
		skip 'its memory may not be read here', 1 if $how eq '--dump, no watcher' && $>;
		my ($status, $whole, $interrupted) = results($options, [], $meanwhile);
		is($status, 0, "$how: the program's status");
		is("$interrupted", '', "$how: interrupts no call");
		is($whole, $all, "$how: all calls came to their end");
	}
}

# That the subject would have noticed; and that what the documents say of signals is so.
my ($status, $whole, $interrupted) = results([], ['signals'], sub { });
is($status, 0, 'signals: the status');
is($interrupted, $never, 'signals: interrupt what signal(7) says, in spite of SA_RESTART');
is($whole, 'read futex', 'signals: and nothing else');

for (['doc/limits.md', '`--dump=PID`'], ['heaptrace.1', '\.Fl \\\\-dump']) {
	my ($file, $dump) = @$_;
	my ($told) = slurp($file) =~ /(.{0,900}\bEINTR\b.{0,900})/s;
	ok($told, "$file speaks of EINTR");
	like($told // '', qr/signal.{0,3}7.*$dump/s, "$file: names signal(7), and what interrupts nothing");
}
like(scalar `$heaptrace --help`, qr/^ +--dump=PID(?:(?!--signal-size).)*interrupts\s+no\s+call/ms, '--help: likewise');
done_testing;
