#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# glibc's other names for malloc's functions, __libc_malloc() and so on. Programs and libraries that call them are traced
# as if they had called malloc(), each block once, whoever calls whom. (tests/counts.t has a program that calls nothing else,
# and whose figures are computed by hand.)
use strict;
use warnings;
use Cwd 'abs_path';
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $here = abs_path('.');
my $traced = $ENV{HEAPTRACE_TESTED} ? abs_path($ENV{HEAPTRACE_TESTED}) : "$here/heaptrace";
my $library = $traced =~ s{[^/]*$}{libheaptrace.so}r;
chomp(my $machine = `uname -m`);
my @flags = qw(-Wall -Wextra -g -O1 -fno-builtin -fno-optimize-sibling-calls -pthread -w);

sub built {
	my ($name, @arguments) = @_;
	ok(compile("$dir/$name", @flags, @arguments, '-ldl'), "$name is built") or BAIL_OUT(log_text());
	return "$dir/$name";
}

# ---- Each function, by its name and from its caller ----

spit("$dir/each.c", <<'C');
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t), *__libc_valloc(size_t), *__libc_pvalloc(size_t);
void __libc_free(void *);
#define SITE(name, size, call) __attribute__((noinline)) static void *name(void) { \
	char *p = call; if (!p || malloc_usable_size(p) < size) abort(); memset(p, 1, size); return p; }
SITE(plain, 10, __libc_malloc(10))
SITE(cleared, 21, __libc_calloc(7, 3))
SITE(resized, 400, __libc_realloc(__libc_malloc(30), 400))
SITE(resized_other, 500, __libc_realloc(malloc(30), 500))
SITE(resized_back, 600, realloc(__libc_malloc(30), 600))
SITE(aligned, 50, __libc_memalign(64, 50))
SITE(paged, 60, __libc_valloc(60))
SITE(pages, 70, __libc_pvalloc(70))
static void *(*const all[])(void) = { plain, cleared, resized, resized_other, resized_back, aligned, paged, pages };
int main(void)
{
	__libc_free(NULL);
	for (int i = 0; i < 8; i++) {
		all[i]();
		__libc_free(all[i]());
		free(all[i]());
		if (__libc_realloc(all[i](), 0))
			return 1;
	}
	__libc_free(malloc(12));
	return __libc_malloc((size_t)-1 / 2) || __libc_calloc((size_t)-1 / 2, 8) || __libc_realloc(NULL, (size_t)-1 / 2) ||
	       __libc_memalign(64, (size_t)-1 / 2);
}
C
my $each = built('each', "$dir/each.c");
my @each = ('aligned;__libc_memalign 50', 'cleared;__libc_calloc 21', 'paged;__libc_valloc 60', 'pages;__libc_pvalloc 70',
	    'plain;__libc_malloc 10', 'resized;__libc_realloc 400', 'resized_back;realloc 600', 'resized_other;__libc_realloc 500');

# The stacks of a folded dump from main()'s callee on, with the sums of their weights.
sub lines_of {
	my ($folded) = @_;
	my %sum;
	/;main;(.*) (\d+)$/ and $2 and $sum{$1} += $2 for split /\n/, $folded // '';
	return join "\n", map { "$_ $sum{$_}" } sort keys %sum;
}

my ($status, $out, $err) = run(undef, $traced, '--flame-graph', '--outfile=-', $each);
is("$status$err", '0', 'a program that calls each of them');
is(lines_of($out), join("\n", @each), 'the blocks are those that are left, by the functions that were called');
($status, $out) = run(undef, $traced, '--flame-graph', '--sort=total-count', '--outfile=-', $each);
is(lines_of($out), join("\n", sort 'aligned;__libc_memalign 4', 'cleared;__libc_calloc 4', 'malloc 1',
   'paged;__libc_valloc 4', 'pages;__libc_pvalloc 4', 'plain;__libc_malloc 4', 'resized;__libc_malloc 4', 'resized;__libc_realloc 4',
   'resized_back;__libc_malloc 4', 'resized_back;realloc 4', 'resized_other;__libc_realloc 4', 'resized_other;malloc 4'),
   'each call is counted once');
($status, $out) = run(undef, $traced, '--outfile=-', '--summary', $each);
unlike($out, qr/not seen/, 'and nothing is missing');
($status, $out) = run(undef, $traced, '--start=off', '--outfile=-', $each);
is($status, 0, 'where nothing is recorded, the program goes on as well');
($status, $out) = run(undef, $traced, '--sample=100', '--outfile=-', $each);
is($status, 0, 'and where some blocks are');
SKIP: {
	my ($jemalloc) = glob('/usr/lib/*/libjemalloc.so.2');
	skip 'no libjemalloc.so.2', 2 unless $jemalloc;
	# Two allocators: no block of one may get to the other's functions.
	spit("$dir/both.c", <<'C');
#include <stdlib.h>
void *__libc_malloc(size_t), *__libc_realloc(void *, size_t);
void __libc_free(void *);
static void *volatile keep[1000];
int main(void)
{
	for (int i = 0; i < 1000; i++) {
		keep[i] = malloc(i);
		keep[i] = __libc_malloc(i);
		if (i % 3 == 0)
			keep[i] = __libc_realloc(keep[i], 2 * i + 1);
		if (i % 2)
			__libc_free(keep[i]);
	}
	return 0;
}
C
	my $both = built('both', "$dir/both.c");
	local $ENV{LD_PRELOAD} = $jemalloc;
	($status, $out, $err) = run(undef, $traced, '--histogram', '--outfile=-', $both);
	is("$status$err", '0', 'libc\'s blocks beside those of a preloaded allocator, with --histogram');
	($status, $out, $err) = run(undef, $traced, '--flame-graph', '--sort=count', '--outfile=-', $both);
	is($status . lines_of($out), "0__libc_malloc 333\n__libc_realloc 167\nmalloc 1000", 'all of them are counted');
}

# ---- Libraries whose malloc() calls __libc_malloc() ----

my $counts = built('counts', 'tests/subjects/counts.c');
my %site = map { $_ => 1 } slurp('tests/subjects/counts.c') =~ /^SITE static .*?(\w+)\(/mg;

# What each site has, in all keys.
sub figures {
	my (@command) = @_;
	my $text = '';
	for my $key (qw(count size peak-size total-count total-size temporary)) {
		my %sum;
		unlink "$dir/dump";
		my ($status, $out, $err) = run(undef, '/usr/bin/env', map({ s/KEY/$key/r } @command), $counts);
		$err =~ s{^\[heaptrace\] between\S* has a malloc of its own, .*\n}{}m;
		return "status $status, $out$err" if "$status$out$err" ne '0';
		for (split /\n/, slurp("$dir/dump") // '') {
			my ($stack, $weight) = /^(.*) (\d+)$/ or next;
			my ($name) = grep { $site{$_} } reverse split /;/, $stack;
			$sum{$name // 'elsewhere'} += $weight;
		}
		$text .= "$key: " . join(' ', map { "$_ $sum{$_}" } sort keys %sum) . "\n";
	}
	return $text;
}

my @wrapper = ($traced, '--flame-graph', '--sort=KEY', "--outfile=$dir/dump", '--depth=16');
my $want = figures(@wrapper);
like($want, qr/total-count: .*pairs 100000/, 'the figures of a program with libc\'s malloc');
for ([], ['-DNEXT']) {
	my $name = "@$_" || 'by their names';
	my $between = built('between' . join('', @$_), '-shared', '-fPIC', @$_, 'tests/subjects/libc_names.c');
	is(figures("LD_PRELOAD=$between", @wrapper), $want, "a library behind heaptrace calls them, $name: each block once");
	is(figures("LD_PRELOAD=$between:$library", "HEAPTRACE_OPTIONS=flame-graph:sort=KEY:outfile=$dir/dump:depth=16"), $want,
	   "the same with one before heaptrace");
	is(figures("LD_PRELOAD=$between:$library", "HEAPTRACE_OPTIONS=allocator=no:flame-graph:sort=KEY:outfile=$dir/dump:depth=16"),
	   $want, "and where that one is not hooked");
}

# A block that is sampled has one chance, whoever calls whom.
spit("$dir/many.c", "#include <stdlib.h>\nstatic void *volatile p;\n__attribute__((noinline)) static void many(void) " .
     "{ for (int i = 0; i < 200000; i++) p = malloc(500); }\nint main(void) { many(); return 0; }\n");
my $many = built('many', "$dir/many.c");
for (["LD_PRELOAD=$dir/between", 'behind heaptrace'], ["LD_PRELOAD=$dir/between:$library", 'before heaptrace', 'outfile=-:']) {
	my ($preload, $name, $form) = @$_;
	($status, $out, $err) = run(undef, '/usr/bin/env', $preload, $form ?
				    ("HEAPTRACE_OPTIONS=${form}allocator=no:sample=64Ki:flame-graph", $many) :
				    ($traced, '--outfile=-', '--sample=64Ki', '--flame-graph', $many));
	my $bytes = 0;
	$bytes += $_ for $out =~ /;many;\S+ (\d+)$/mg;
	# 1526 samples of 100 MB: a deviation of 2.6 percent.
	ok($bytes > 80e6 && $bytes < 120e6, "a sampled program with such a library $name: its blocks count once")
		or diag("status $status, $bytes bytes, $err");
}
my $apart = built('apart.so', '-shared', '-fPIC', '-DHEADER', 'tests/subjects/libc_names.c');
spit("$dir/keep.c", "#include <stdlib.h>\nstatic void *volatile p;\n__attribute__((noinline)) static void keep(void) { p = malloc(100); }\n" .
     "int main(void) { for (int i = 0; i < 10; i++) { keep(); if (i % 2) free(p); } return 0; }\n");
my $keep = built('keep', "$dir/keep.c");
for (["LD_PRELOAD=$apart", $traced, '--flame-graph', '--outfile=-'],
     ["LD_PRELOAD=$apart:$library", 'HEAPTRACE_OPTIONS=flame-graph:outfile=/dev/stdout']) {
	($status, $out, $err) = run(undef, '/usr/bin/env', @$_, $keep);
	is("$status$err" . lines_of($out), '0keep;malloc 500', 'a library that has bytes of its own in front of each block: ' .
	   (@$_ > 2 ? 'behind' : 'before'));
}

# ---- Programs that define them, and a libc that does not ----

my $own = built('own', '-fno-inline', '-DMAIN', '-DOWN', 'tests/subjects/libc_names.c');
for (['hooked'], ['not hooked', '--allocator=no']) {
	my ($name, @options) = @$_;
	($status, $out, $err) = run(undef, $traced, '--flame-graph', '--outfile=-', @options, $own);
	is($status . ($out =~ /;keep;(?:malloc;__libc_malloc;)?malloc 500$/m ? '' : $out), '0', "a program that defines them, $name");
}

# A copy of libc whose table of symbols does not define some of the names.
my ($libc) = map { m{=> (/\S+/libc\.so\.6)} ? $1 : () } split /\n/, `ldd $each`;
sub without {
	my ($names) = @_;
	my ($offset, $each) = `readelf -SW $libc` =~ /\.dynsym\s+DYNSYM\s+\S+\s+(\S+)\s+\S+\s+(\S+)/ or return 0;
	my @numbers = map { /^\s*(\d+): .* (?:$names)@/ ? $1 : () } split /\n/, `readelf -W --dyn-syms $libc`;
	my $bytes = slurp($libc);
	for my $number (@numbers) {
		substr($bytes, hex($offset) + $number * hex($each) + 6, 2) = "\0\0";	# st_shndx: undefined
	}
	mkdir "$dir/without";
	spit("$dir/without/libc.so.6", $bytes);
	return scalar @numbers;
}
SKIP: {
	skip 'for 64-bit libraries, and with readelf', 2 unless $libc && $machine =~ /64$/ && has('readelf');
	my $names = without('__libc_(?:malloc|calloc|realloc|free|memalign|valloc|pvalloc)');
	skip "$names symbols found", 2 unless $names == 7;
	($status, $out, $err) = run(undef, '/usr/bin/env', "LD_LIBRARY_PATH=$dir/without", "LD_PRELOAD=$library",
				       'HEAPTRACE_OPTIONS=flame-graph:outfile=/dev/stdout', $each);
	is("$status$err", '0', 'a libc that lacks these names: a program that calls heaptrace\'s functions goes on');
	is(lines_of($out), join("\n", @each), 'and the others serve it');
}

# ---- A process that is attached to ----

spit("$dir/late.c", <<'C');
#include <dlfcn.h>
#include <stdlib.h>
void *__libc_malloc(size_t), *__libc_realloc(void *, size_t);
void __libc_free(void *);
static void *volatile p;
__attribute__((noinline)) static void before(void) { p = __libc_malloc(10); }
__attribute__((noinline)) static void during(void) { p = __libc_malloc(100); }
__attribute__((noinline)) static void resized(void) { p = __libc_realloc(__libc_malloc(20), 30); }
int main(int argc, char **argv)
{
	void *library, *first;

	before();
	first = p;
	library = dlopen(argv[1], RTLD_NOW);
	if (!library || ((int (*)(const char *))dlsym(library, "heaptrace_attach"))(argv[2]))
		return 1;
	__libc_free(first);
	for (int i = 0; i < 10; i++) {
		during();
		if (i % 2)
			__libc_free(p);
	}
	resized();
	if (((int (*)(void))dlsym(library, "heaptrace_detach"))())
		return 2;
	during();
	return 0;
}
C
my $late = built('late', "$dir/late.c");
($status, $out, $err) = run(undef, $late, $library, 'flame-graph:outfile=/dev/stdout');
is("$status$err" . lines_of($out), "0during;__libc_malloc 500\nresized;__libc_realloc 30", 'a process that is attached to');

done_testing();
