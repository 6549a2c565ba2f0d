#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Other preloaded libraries, whose functions stand in front of libc's: heaptrace asks the kernel
# itself, so no age, no process id and no size in a dump follows them, and nothing waits for them.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

chomp(my $machine = `uname -m`);
my $work = build('preload_work', 'work');
my $here = `pwd` =~ s/\n//r;

my %unit = (ns => 1e-9, us => 1e-6, ms => 1e-3, secs => 1);

# What is wrong with a dump of the subject; '': nothing.
sub wrong {
	my ($text, $pid) = @_;
	my ($bad) = text_dumps($text);
	my ($age, $unit) = $text =~ /\[size\/peak: 3\.000 KB\/.*?\] \[age: ([\d.]+) (\w+)\].*\n.*\n.*\] keep \+/;
	return "no dump: $text" unless defined $age;
	return "form: $bad" if $bad;
	# The program keeps the block for 400 ms and a little; the machine may be busy.
	return "age: $age $unit" unless $unit{$unit} && $age * $unit{$unit} >= 0.39 && $age * $unit{$unit} < 60;
	return "pid: $text" if $text =~ m{/proc/(?!$pid/)\d+/maps};
	return "statm: $text" unless $text =~ m{^\[heaptrace\] statm info .*: [\d.]+ [MG]B / [\d.]+ [KM]B / }m;
	return '';
}

sub dump_with {
	my ($preload, %environment) = @_;
	unlink "$dir/out";
	local %ENV = (%ENV, %environment, LD_PRELOAD => "$preload:$here/libheaptrace.so",
		      HEAPTRACE_OPTIONS => "top=0:outfile=$dir/out");
	my ($status, $out, $err) = run(undef, $work);
	my ($pid) = $out =~ /^pid (\d+)$/m;
	return "the program: $status $out $err" unless $status eq '0' && defined $pid;
	return wrong(slurp("$dir/out") // '', $pid);
}

SKIP: {
	skip "the false library enters the kernel of x86_64", 1 unless $machine eq 'x86_64';
	my $false = build('preload_false', 'false.so', '-shared', '-fPIC');
	is(dump_with($false, FALSE_ONLY => 'none'), '', 'a library that stands in front, and does what libc does');
	for my $name (qw(clock_gettime getpid nanosleep sched_yield open open64 close read pread pread64 write
			 fcntl fstat lstat poll mmap munmap madvise syscall)) {
		is(dump_with($false, FALSE_ONLY => $name), '', "...and has another $name()");
	}
}

# The same with the wrapper, whose watcher prints: both are under it.
my ($faketime) = grep { -e } glob('/usr/lib/*/faketime/libfaketime.so.1'), '/usr/lib/faketime/libfaketime.so.1';
SKIP: {
	skip 'no libfaketime (Debian package faketime)', 5 unless $faketime;
	for (['x1000', '+0 x1000'], ['x0.001', '+0 x0.001'], ['standing still', '2020-02-02 02:02:02'],
	     ['of the past', '-3000d']) {
		my ($name, $time) = @$_;
		is(dump_with($faketime, FAKETIME => $time), '', "libfaketime, a clock $name");
	}
	local %ENV = (%ENV, LD_PRELOAD => $faketime, FAKETIME => '+0 x1000');
	unlink "$dir/out";
	my ($status, $out, $err) = run(undef, $heaptrace, '--top=0', "--outfile=$dir/out", $work);
	my ($pid) = $out =~ /^pid (\d+)$/m;
	is(defined $pid ? wrong(slurp("$dir/out") // '', $pid) : "$status $out $err", '', 'libfaketime, with the wrapper');
}

done_testing();
