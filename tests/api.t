#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# include/heaptrace.h: it compiles as every C and C++; a program built with it runs without heaptrace, however it is linked;
# and each function does what it says, on programs whose figures are known.
use strict;
use warnings;
use Cwd;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $library = getcwd() . '/libheaptrace.so';
delete @ENV{qw(HEAPTRACE_OPTIONS LD_PRELOAD)};
$ENV{LC_ALL} = 'C.UTF-8';

# ---- Compilers ----

my $all = <<'END';
#include "include/heaptrace.h"
int use(void)
{
	struct heaptrace_totals t;
	char b[16];
	heaptrace_pool_t p = heaptrace_pool("x");

	t.size = sizeof(t);
	return heaptrace_dump() + heaptrace_on() + heaptrace_off() + heaptrace_clear() +
	       heaptrace_sample(1) + heaptrace_mark("x") + heaptrace_ignore_begin() + heaptrace_ignore_end() +
	       heaptrace_get_totals(&t) + heaptrace_state() + heaptrace_is_present() + heaptrace_pool_alloc(p, b, 1) +
	       heaptrace_pool_realloc(p, b, b, 2) + heaptrace_pool_free(p, b) + heaptrace_pool_clear(p) +
	       heaptrace_pool_clear_range(p, b, 3) + heaptrace_pool_backing(p, b, 4) + heaptrace_pool_backing_end(p, b);
}
END
spit("$dir/all.$_", $all) for qw(c cc);
spit("$dir/none.$_", "#include \"include/heaptrace.h\"\nint nothing;\n") for qw(c cc);
my @strict = qw(-pedantic-errors -Wall -Wextra -Wshadow -Wundef -Werror -I. -c -o /dev/null);
for my $compiler (['gcc', 'c', qw(c89 gnu89 c99 c11 gnu17)], ['clang', 'c', qw(c89 c99 c11 gnu17)],
		  ['g++', 'cc', qw(c++98 c++11 c++17 c++20)], ['clang++', 'cc', qw(c++98 c++11 c++17 c++20)]) {
	my ($cc, $ending, @standards) = @$compiler;
	SKIP: {
		skip "$cc is not installed", scalar @standards unless has($cc);
		for my $standard (@standards) {
			ok(quiet($cc, "-std=$standard", @strict, "$dir/all.$ending") &&
			   quiet($cc, "-std=$standard", @strict, "$dir/none.$ending") &&
			   quiet($cc, "-std=$standard", '-O2', '-DHEAPTRACE_NONE', @strict, "$dir/all.$ending"),
			   "$cc -std=$standard compiles the header without a warning") or diag log_text();
		}
	}
}

# ---- How programs are linked ----

my @links = (
	['-O2', '-fPIE', '-pie'], ['-O0', '-fPIE', '-pie'], ['-O2', '-fno-pie', '-no-pie'], ['-O0', '-fno-pie', '-no-pie'],
	['-O2', '-fPIE', '-pie', '-Wl,-z,now'], ['-O2', '-fno-pie', '-no-pie', '-Wl,-z,now'], ['-O2', '-static'],
	['-O2', '-fPIE', '-static-pie'], ['-O2', '-flto', '-no-pie'], ['-O2', '-fno-pie', '-no-pie', '-fuse-ld=gold'],
	['-O2', '-fno-pie', '-no-pie', '-fuse-ld=lld'], ['-O2', '-fPIE', '-pie', '-fuse-ld=lld'],
);
for my $cc ('gcc', 'clang') {
	for my $flags (@links) {
		my $how = "$cc @$flags";
		my $static = $how =~ /static/;
		SKIP: {
			skip "$how cannot link here", 2
				unless has($cc) && quiet($cc, '-std=gnu11', '-I.', @$flags, '-pthread', '-o', "$dir/linked", 'tests/subjects/api.c');
			is(`$dir/linked absent 2>&1`, "absent\n", "$how: without heaptrace each function says so");
			is(`LD_PRELOAD=$library HEAPTRACE_OPTIONS=quiet $dir/linked present 2>/dev/null`,
			   $static ? "absent\n" : "present\n", $static ? "$how: static, so nothing is traced" : "$how: with heaptrace it is found");
		}
	}
}
SKIP: {
	spit("$dir/part.c", "#include \"include/heaptrace.h\"\nint part(void) { return heaptrace_is_present(); }\n");
	spit("$dir/whole.c", "int part(void);\nint puts(const char *);\nint main(void) { return puts(part() ? \"present\" : \"absent\") < 0; }\n");
	skip 'no shared library can be made', 2
		unless quiet("cc -I. -O2 -shared -fPIC -o $dir/libpart.so $dir/part.c && cc -o $dir/whole $dir/whole.c $dir/libpart.so");
	is(`$dir/whole 2>&1`, "absent\n", 'in a shared library: without heaptrace');
	is(`LD_PRELOAD=$library HEAPTRACE_OPTIONS=quiet $dir/whole 2>/dev/null`, "present\n", 'in a shared library: with heaptrace');
}

# ---- Figures ----

my $subject = build('api', 'api', '-I.');

# What the subject says, and its dumps.
sub traced {
	my ($what, @options) = @_;
	unlink "$dir/out";
	my ($status, $out, $err) = run(undef, $heaptrace, "--outfile=$dir/out", @options, $subject, $what);
	return ($status ? "status $status: $err" : $err, slurp("$dir/out") // '');
}

my ($said, $dumps) = traced('pools', '--top=0');
is($said, <<'END', 'pools: each figure of the heap');
numbers differ: 1, same again: 1
before: 0 bytes 0 peak 0 blocks 0 calls 0 sample 0
chunk: 0 bytes 10000 peak 10000 blocks 1 calls 1 sample 0
backing 0
backing: 0 bytes 0 peak 10000 blocks 0 calls 1 sample 0
alloc 0 0 0
alloc: 0 bytes 600 peak 10000 blocks 3 calls 4 sample 0
free 0, again 2, of another pool 2
free: 0 bytes 400 peak 10000 blocks 2 calls 4 sample 0
realloc 0
realloc: 0 bytes 450 peak 10000 blocks 2 calls 5 sample 0
free 0
inner 0
inner: 0 bytes 478 peak 10000 blocks 3 calls 8 sample 0
cleared: 0 bytes 350 peak 10000 blocks 1 calls 8 sample 0
more inner: 0 bytes 355 peak 10000 blocks 2 calls 9 sample 0
inner back 0
inner back: 0 bytes 350 peak 10000 blocks 1 calls 9 sample 0
range: 0 bytes 350 peak 10000 blocks 1 calls 9 sample 0
end 0
chunk freed: 0 bytes 0 peak 10000 blocks 0 calls 10 sample 0
END
like($dumps, qr/^=== backtrace #1 === \[count\/peak: 1\/1\] \[size\/peak: 350 bytes\/350 bytes\].*\n 0 \[ *0x1001\] pool "alpha"\n(?: 1 .*inlined.*\n)? \d \[.*\] pools (?:\+|\(inlined)/m,
     'a row of a pool has its name in place of a function of malloc\'s');
unlike($dumps, qr/not seen/, 'no free is unknown');
is(join('', $dumps =~ /^(\[heaptrace\] pool .*\n)/mg), "[heaptrace] pool \"alpha\": 350 bytes in 1 block, 10.000 KB in 1 backing block\n",
   'the summary has the pool\'s sums');

my $lines = <<'END';
[heaptrace] pool "a "?[1mb": 500 bytes in 2 blocks
[heaptrace] pool "backings": 0 bytes in 0 blocks, 16.000 KB in 2 backing blocks
END
for my $option ('--top=5', '--tree', "--record=$dir/recorded") {
	unlink "$dir/recorded";
	($said, $dumps) = traced('reported', $option);
	$dumps = `$heaptrace --report=$dir/recorded` if $option =~ /record/;
	is(join('', $dumps =~ /^(\[heaptrace\] pool .*\n)/mg), $lines, "$option: a line for each pool that has something");
}
my ($pools) = `$heaptrace --report=$dir/recorded --format=json` =~ /^"pools":(.*),$/m;
is($pools, '[{"name":"a \"\u001b[1mb","live-bytes":500,"live-blocks":2,"backing-bytes":0,"backing-blocks":0},' .
	'{"name":"backings","live-bytes":0,"live-blocks":0,"backing-bytes":16000,"backing-blocks":2}]', 'and a JSON report has the same');
($said, $dumps) = traced('reported', '--sample=1');
like($dumps, qr/^\[heaptrace\] pool "a "\?\[1mb": ~500 bytes in ~2 blocks\n\[heaptrace\] pool "backings": ~0 bytes in ~0 blocks, 16.000 KB in 2 backing blocks$/m,
     'figures of sampled blocks are estimates, those of backings are not');

($said, $dumps) = traced('ignore');
is($said, <<'END', 'what a thread ignores is not counted, and what it frees is');
begin: 0 bytes 300 peak 300 blocks 1 calls 1 sample 0
end 0
end 0
once too often 22
ignored: 0 bytes 0 peak 300 blocks 0 calls 1 sample 0
heeded: 0 bytes 7 peak 300 blocks 1 calls 2 sample 0
freed: 0 bytes 0 peak 300 blocks 0 calls 2 sample 0
all freed: 0 bytes 0 peak 300 blocks 0 calls 2 sample 0
END
unlike($dumps, qr/not seen/, 'and frees of ignored blocks are not called unknown');

# A thread may have a block of 48 bytes while all others have ended: then the peak is 8 bytes more.
($said) = traced('threads');
is($said =~ s/peak 160008/peak 160000/gr, <<'END', 'threads: exact when they have ended');
threads: 0 bytes 160000 peak 160000 blocks 4000 calls 12000 sample 0
cleared: 0 bytes 0 peak 160000 blocks 0 calls 12000 sample 0
END

($said) = traced('fork');
is($said, <<'END', 'a child after fork has the pools of its parent, and its own figures');
parent: 0 bytes 200 peak 200 blocks 2 calls 2 sample 0
child: 0 bytes 300 peak 300 blocks 2 calls 3 sample 0
after: 0 bytes 200 peak 200 blocks 2 calls 2 sample 0
END

($said) = traced('heaptrack');
is($said, <<'END', "heaptrack's functions");
alloc: 0 bytes 110 peak 110 blocks 2 calls 2 sample 0
realloc: 0 bytes 310 peak 310 blocks 2 calls 3 sample 0
free: 0 bytes 300 peak 310 blocks 1 calls 3 sample 0
END

$ENV{EARLY} = 1;
($said) = traced('early');
delete $ENV{EARLY};
is($said, <<'END', 'in a constructor, before anything has been allocated; and in the handler of a signal');
constructor: 0
signal: mark 0, dump 0, state 2
END

($said) = traced('errors');
is($said, <<'END', 'what cannot be right is refused');
pool 22 22 22, totals 22, control 22, ENOENT 2 2
names 511, the rest 0
END
done_testing;
