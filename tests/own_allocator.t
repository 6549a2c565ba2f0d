#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Allocators that are linked into the program: their blocks are seen, to the byte, as the subject
# (tests/subjects/own_allocator.c) computes them by hand, and the program does what it does without heaptrace. And the
# decoder of instructions, without which no function is hooked, agrees with a disassembler.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

chomp(my $machine = `uname -m`);
plan skip_all => "functions are hooked on x86_64 only, not on $machine" unless $machine eq 'x86_64';
my $cc = $ENV{CC} || 'cc';

sub built {
	my ($name, @flags) = @_;
	return compile("$dir/$name", qw(-O2 -g -fno-builtin -fno-optimize-sibling-calls), 'tests/subjects/own_allocator.c', @flags,
		       qw(-pthread -ldl -lm)) ? "$dir/$name" : undef;
}

sub library {
	my ($name) = @_;
	return (grep { -e } "/usr/lib/$machine-linux-gnu/$name", "/usr/lib64/$name", "/usr/lib/$name", "/usr/local/lib/$name")[0];
}

# The sums of a folded dump by the sites that the program has printed.
sub sums {
	my ($folded, $sites) = @_;
	my %sum;
	for (split /\n/, $folded) {
		my ($stack, $weight) = /^(.*) (\d+)$/ or next;
		for my $frame (reverse split /;/, $stack) {
			next unless $sites->{$frame};
			$sum{$frame} += $weight;
			last;
		}
	}
	return join ' ', map { "$_ $sum{$_}" } sort keys %sum;
}

# Runs the program without heaptrace and with it, and compares. Returns the text dump.
sub figures {
	my ($name, $program, @options) = @_;
	my ($status, $out, $err) = run(undef, $program);
	my %sites = map { /^(\w+) (\d+) (\d+)$/ ? ($1 => [$2, $3]) : () } split /\n/, $out;
	is("$status $err", '0 ', "$name: the program itself") or diag $out;
	for (['count', 0], ['size', 1]) {
		my ($key, $column) = @$_;
		unlink "$dir/dump";
		my @traced = run(undef, $heaptrace, @options, '--flame-graph', "--sort=$key", "--outfile=$dir/dump", $program);
		is(join('|', @traced), "0|$out|", "$name: it does the same with heaptrace");
		is(sums(slurp("$dir/dump") // '', \%sites), join(' ', map { "$_ $sites{$_}[$column]" } sort keys %sites),
		   "$name: every $key");
	}
	my ($text) = (run(undef, $heaptrace, @options, '--outfile=-', '--summary', '--top=0', $program))[1];
	return $text;
}

sub figures_of {
	my ($name, $program, $line, @options) = @_;
	SKIP: {
		skip "$name: its subject cannot be built: " . log_text(), 6 unless $program;
		my $text = figures($name, $program, @options);
		like($text, $line, "$name: the dump says what is hooked");
		unlike($text, qr/not seen .*(?:malloc|known block)/, "$name: and that nothing is missing");
	}
}

# ---- Allocators of Debian's, linked statically ----

my $jemalloc = library('libjemalloc.a');
my $tcmalloc = library('libtcmalloc_minimal.a');
my $mimalloc = library('libmimalloc.so') || library('libmimalloc.so.2');
my @je = ('-DHAVE_MEMALIGN', '-DHAVE_X');

# jemalloc with a prefix, as Redis and Rust have it: its symbols are renamed, and those that it takes of libc are not.
sub prefixed {
	my ($prefix) = @_;
	my $object = "$dir/${prefix}jemalloc.o";
	my @names = map { /^\S+ T ((?:posix_)?(?:malloc|calloc|realloc|free|memalign|aligned_alloc|valloc|pvalloc)|[a-z]*llocx|malloc\w*|mallctl\w*)$/ ? $1 : () }
		split /\n/, `nm --defined-only $jemalloc 2>/dev/null`;
	my %seen;
	my @redefine = map { ('--redefine-sym', "$_=$prefix$_") } grep { !$seen{$_}++ } @names;
	return quiet('ld', '-r', '-o', "$object.all", '--whole-archive', $jemalloc) &&
		quiet('objcopy', @redefine, "$object.all", $object) ? $object : undef;
}

SKIP: {
	skip 'no libjemalloc.a (Debian package libjemalloc-dev)', 1 unless $jemalloc;
	figures_of('jemalloc', built('jemalloc', '-DPREFIX=', @je, $jemalloc, '-lstdc++'),
		   qr/^\[heaptrace\] allocators of its own  *: malloc's family of jemalloc \(\d\d functions\)$/m);
	for my $prefix ('je_', '_rjem_') {
		my $object = prefixed($prefix);
		my $program = $object && built("renamed$prefix", "-DPREFIX=$prefix", '-DBESIDE', @je, $object, '-lstdc++');
		figures_of("jemalloc as ${prefix}malloc, beside libc's malloc", $program,
			   qr/^\[heaptrace\] allocators of its own  *: \Q$prefix\E\* of renamed\Q$prefix\E \(\d+ functions\)$/m);
	}
}
SKIP: {
	skip 'no libtcmalloc_minimal.a (Debian package libgoogle-perftools-dev)', 1 unless $tcmalloc;
	figures_of('tcmalloc', built('tcmalloc', '-DPREFIX=', '-DHAVE_MEMALIGN', '-DHAVE_TC', $tcmalloc, '-lstdc++'),
		   qr/^\[heaptrace\] allocators of its own  *: malloc's family of tcmalloc \(\d+ functions\)(?:; tc_\* of tcmalloc \(\d+ functions?\))?$/m);
}
SKIP: {
	skip 'no libmimalloc.so (Debian package libmimalloc-dev)', 1 unless $mimalloc && -e '/usr/include/mimalloc.h';
	figures_of('mimalloc', built('mimalloc', '-DPREFIX=mi_', '-DHAVE_MI', '-DHAVE_MEMALIGN', '-DBESIDE', $mimalloc),
		   qr/^\[heaptrace\] allocators of its own  *: .*mi_\* of libmimalloc\S* \(\d\d functions\)$/m);
}

# ---- One of the program's own ----

my $none = qr/\A(?!.*allocators of its own)/s;
for (['exported', "'-DLINKAGE=__attribute__((noinline))'"], ['hidden', "'-DLINKAGE=__attribute__((noinline,visibility(\"hidden\")))'"],
     ['static', "'-DLINKAGE=static __attribute__((noinline))'"]) {
	my ($kind, $linkage) = @$_;
	$linkage =~ tr/'//d;
	figures_of("my_malloc, $kind", built("my_$kind", '-DPREFIX=my_', '-DBESIDE', '-DINCLUDE_OWN', $linkage),
		   qr/^\[heaptrace\] allocators of its own  *: my_\* of my_\w+ \([34] functions(?:, without my_calloc\.constprop\.\d)?\)$/m, '--allocator=my_');
	next if $kind eq 'static';
	figures_of("malloc, $kind", built("malloc_$kind", '-DPREFIX=', '-DINCLUDE_OWN', $linkage),
		   qr/^\[heaptrace\] allocators of its own  *: malloc's family of malloc_\w+ \(4 functions\)$/m);
}

# ---- What is said where nothing is hooked ----

my $program = "$dir/my_hidden";
my ($status, $out, $err) = run(undef, $heaptrace, '--allocator=your_', '--outfile=-', $program);
like($out, qr/--allocator: no function your_malloc is in the program's symbols/, 'a prefix that nothing has');
($status, $out, $err) = run(undef, $heaptrace, '--allocator=no', '--outfile=-', '--summary', "$dir/malloc_exported");
like($out, qr/malloc_exported has a malloc of its own, before heaptrace's/, '--allocator=no: its own malloc is not seen, which is said');
like($out, qr/not seen .*the program's own allocator/, 'and in the dump');
spit("$dir/odd.c", <<'C');
#include <stdlib.h>
static char memory[1 << 16];
static size_t used;
void *odd_malloc(size_t size) { used += size + 15 & ~(size_t)15; return memory + used - (size + 15 & ~(size_t)15); }
__asm__(".globl odd_free\n.type odd_free, @function\nodd_free:\n\tdec %rax\n\tjne odd_free\n\tret\n.size odd_free, . - odd_free\n");
void odd_free(void *);
int main(void) { void *p = odd_malloc(100); return (p != memory) + 0 * (size_t)&odd_free; }
C
ok(compile("$dir/odd", '-O1', "$dir/odd.c"), 'a program with a function that cannot be hooked') or diag log_text();
($status, $out, $err) = run(undef, $heaptrace, '--allocator=odd_', '--outfile=-', '--summary', "$dir/odd");
is($status, 0, 'it runs as without heaptrace');
like($out, qr/not traced: odd_\* of odd \(odd_free: it jumps back to its beginning\)/, 'one function is not hooked, so none is');
like($out, qr/^\[heaptrace\] no allocation was seen: odd_\* of odd is not traced \(odd_free: it jumps back to its beginning\)$/m,
     'and the end says so, too');
spit("$dir/short.c", <<'C');
#include <stdlib.h>
static char memory[4096];
static void *volatile kept;
void *pool_malloc(size_t size) { return memory + size % 2048 * 2; }
void pool_free(void *);
__asm__(".globl pool_free, next\n.type pool_free, @function\npool_free:\n\tret\n.size pool_free, 1\nnext:\n\tdec %rax\n\tret\n");
int main(void)
{
	if (getenv("KEEP"))
		kept = malloc(1234);
	pool_free(pool_malloc(100));
	return 0;
}
C
ok(compile("$dir/short", '-O1', "$dir/short.c"), 'a program with a function that is too short') or diag log_text();
my $short = qr/pool_\* of short is not traced \(pool_free: it is too short\)/;
for (['at the end', '--outfile=-'], ['for folded stacks', '--flame-graph', "--outfile=$dir/folded"]) {
	my ($name, @options) = @$_;
	($status, $out, $err) = run(undef, $heaptrace, '--allocator=pool_', @options, "$dir/short");
	like("$out$err", qr/no allocation was seen: $short/, "$name the reason is said");
	unlike("$out$err", qr/malloc is its own/, '...and nothing of a malloc that the program does not have');
}
{
	local $ENV{KEEP} = 1;
	($status, $out, $err) = run(undef, $heaptrace, '--allocator=pool_', '--outfile=-', '--summary', "$dir/short");
	like($out, qr/^\[heaptrace\] allocators of its own  *: $short$/m, 'beside blocks that are seen, the dump says it');
	like($out, qr/^\[heaptrace\] not seen  *: what the program's own allocator serves$/m, '...and that its blocks are missing');
}

# ---- The decoder ----

ok(compile("$dir/decoder", '-O1', '-g', 'tests/units/x86_instruction.c', 'base/x86_instruction.c'), 'the decoder builds') or diag log_text();
for (['libc', (split ' ', `ldd /bin/true | grep libc.so`)[2] // ''], ['libjemalloc', library('libjemalloc.so.2') // ''],
     ['perl', $^X], ['libtcmalloc', library('libtcmalloc_minimal.so.4') // '']) {
	my ($name, $file) = @$_;
	SKIP: {
		skip "no objdump, or no $name here", 1 unless has('objdump') && -e $file;
		my $tap = `objdump -dw --insn-width=15 $file | head -n 400000 | $dir/decoder 30`;
		my @bad = grep { !/^(?:ok|1\.\.)/ } split /\n/, $tap;
		is(scalar(() = $tap =~ /^ok/mg), 3, "instructions of $name: lengths and targets are objdump's") or diag $tap;
	}
}
done_testing();
