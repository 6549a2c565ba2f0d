#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# What is printed, and where to: the form of text and folded dumps, --top, --sort, --depth,
# --ignore, --outfile with its placeholders and its rule for children, the bare preload.
use strict;
use warnings;
use Cwd;
use POSIX "strftime";
use File::Temp 'tempdir';
use Test::More;
require './tests/common.pl';

my $top = getcwd();
my $dir = tempdir(CLEANUP => 1);
my $cc = $ENV{CC} || 'cc';
my $heaptrace = "$top/heaptrace";

# Three sites with known figures, below a chain of calls that is 20 deep. Waits for input
# when given an argument.
open my $c, '>', "$dir/subject.c" or die;
print $c <<'EOF';
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
void *volatile keep;
#define SITE __attribute__((noinline))
SITE void one_large(void) { keep = malloc(22704); }
SITE void many_small(void) { for (int i = 0; i < 43; i++) keep = malloc(10); }
SITE static void was_larger(void)
{
	void *volatile p = malloc(31680);
	free(p);
	keep = malloc(999);
}
SITE int deep(int n) { if (!n) { keep = malloc(7); return 0; } return deep(n - 1) + 1; }
int main(int argc, char **argv)
{
	char c;
	one_large();
	many_small();
	was_larger();
	deep(20);
	if (argc > 2 && fork() == 0)
		exit(0);
	while (argc > 2 && wait(NULL) > 0)
		;
	if (argc > 1 && write(3, "", 1) == 1)
		while (read(0, &c, 1) == 1)
			;
	return argc > 3;
}
EOF
close $c;
system($cc, '-O1', '-fno-builtin', '-fno-optimize-sibling-calls', '-o', "$dir/subject", "$dir/subject.c") == 0 or die;
chdir $dir or die;

sub trace { my $out = `$heaptrace --outfile=- @_`; return $out }

# --- the text form, line by line ---
my $address = qr/\[ *0x[0-9a-f]+\]/;
my $size = qr/(?:\d{1,3} bytes|\d{1,3}\.\d{3} KB|\d{1,3}\.\d{3} MB|\d+\.\d{3} GB)/;
my $time = qr/(?:\d{1,3} ns|\d{1,3}\.\d{3} (?:us|ms)|\d{1,2}\.\d{3} secs|\d+ mins? \d+ secs?|\d+ hours? \d+ mins?)/;
my $line = qr/(?: at \S.*:(?:\d+|\?))?/;	# libc's debug data may be installed
my $frame = qr/(?: \d|\d\d+) \[ *0x[0-9a-f]+\] (?:\S.* \+0x[0-9a-f]+$line|\S.* \(\+0x[0-9a-f]+\)$line|\S.* \(inlined\)$line|\?)\n/;
my $opening = qr/\[heaptrace\] (?!heap traced).*\n/;	# tests/check_dump.pl has their forms
my $dump = qr{
	={65}\n
	\[heaptrace\]\ dump\ allocation\ status\ for\ /proc/\d+/maps\ \(subject\),\ sorted\ by\ [\w-]+\n
	$opening*
	(?:===\ backtrace\ \#\d+\ ===\ \[count/peak:\ \d+/\d+\]\ \[size/peak:\ $size/$size\]\ \[age:\ $time\](?:\ \[[\w-]+:\ [^\]]+\])*\n
	   $frame+\n)*
	\[heaptrace\]\ heap\ traced\ num\ of\ backtrace\ :\ \d+\n
	\[heaptrace\]\ heap\ traced\ allocation\ size\ \ :\ $size\n
	(?:\[heaptrace\]\ heap\ left\ out\ by\ --ignore\ \ \ \ :\ \d+\ backtraces?,\ $size\n)?
	(?:\[heaptrace\]\ -\ \d+\ blocks?,\ $size:\ ".*"\n)*
	(?:\[heaptrace\]\ rules\ that\ matched\ nothing\ \ \ :\ .*\ \(--ignore\)\n)?
	\[heaptrace\]\ allocator\ info\ \(virtual\)\ \ \ \ \ :\ $size\n
	\[heaptrace\]\ allocator\ info\ \(resident\)\ \ \ \ :\ $size\ \((?:handed\ out|estimated),\ not\ RSS\)\n
	\[heaptrace\]\ statm\ info\ \(VSS/RSS/shared\)\ \ :\ $size\ /\ $size\ /\ $size\n
	(?:\[heaptrace\]\ where\ RSS\ goes\ +:\ +[\d.]+\ MB\n
	   (?:\[heaptrace\]\ -\ [^\n]+:\ +-?\d+\.\d{3}\ MB\ +\d+\ %\n)+)?	# in the first section
	(?:\[heaptrace\]\ Largest\ part\ of\ RSS:\ [^\n]+\n)?
	(?:\[heaptrace\]\ malloc_trim\(3\)\ would\ give\ back\ (?:about\ $size|nothing)\.\n)?
	={65}\n
}x;
my $out = trace('./subject');
like($out, qr{\A\[heaptrace\] initialized for /proc/(\d+)/maps \(subject\)\n\[heaptrace\] finalized for /proc/\1/maps \(subject\)\n$dump\z},
     'a text dump has the form of the contract');
like(trace('--histogram ./subject'), qr{^\[heaptrace\] finalized for /proc/\d+/maps \(subject\)$}m,
     'a dump by the watcher calls nothing killed that was not');
my @heads = $out =~ /^=== backtrace (#\d+) === (.*?) \[age/mg;
is_deeply([@heads[0 .. 5]],
	['#1', '[count/peak: 1/1] [size/peak: 22.704 KB/22.704 KB]',
	 '#2', '[count/peak: 1/1] [size/peak: 999 bytes/999 bytes]',
	 '#3', '[count/peak: 43/43] [size/peak: 430 bytes/430 bytes]'], 'sorted by size, with the figures');
like($out, qr/^ 0 $address malloc \+0x[0-9a-f]+\n 1 $address one_large \+0x/m, 'frame 0 is the function called');
like($out, qr/^ 1 $address was_larger \+0x/m, 'a static function has its name');
unlike($out, qr/libheaptrace/, "the tracer's own frames are not shown");

# --- top, sort, depth ---
is(scalar(() = trace('--top=1 ./subject') =~ /^=== back/mg), 1, '--top=1');
is(scalar(() = trace('--top=0 ./subject') =~ /^=== back/mg), 4, '--top=0: all');
like(trace('--sort=count --top 1 ./subject'), qr/sorted by count\n$opening*=== backtrace #1 === \[count\/peak: 43/, '--sort=count');
for my $key (qw(size count peak-size peak-count heap-peak total-size total-count temporary age)) {
	like(trace("-s $key ./subject"), qr/finalized.*\n$dump\z/, "-s $key");
}
like(trace('--sort=total-count --top=1 ./subject'), qr/\] \[total-count: 43\] \[share: \d+\.\d %\]\n/, 'a key without a column gets one');
like(trace('--sort=heap-peak --top=2 ./subject'), qr/\[heap-peak: 22\.704 KB\] \[share: \d+\.\d %, \d+\.\d % so far\]\n/, 'heap-peak too');
my @sections = trace('--sort=size,count,age ./subject') =~ /^$dump/mg;
is(scalar @sections, 3, 'one section per key');
like($sections[1], qr/sorted by count\n$opening*=== backtrace #1 === \[count\/peak: 43/, 'each sorted by its own');
sub depths { my %n; $n{$_}++ for $_[0] =~ /^ ?(\d+) \[/mg; return join ' ', sort { $a <=> $b } keys %n }
is(depths(trace('--depth=1 ./subject')), '0', '--depth=1: the allocation function');
is(depths(trace('--depth=3 ./subject')), '0 1 2', '--depth=3: three lines');
is(depths(trace('./subject')), '0 1 2 3 4 5 6 7', '8 lines by default');
cmp_ok((split / /, depths(trace('--depth=255 ./subject')))[-1], '>=', 22, '--depth=255: the whole stack');

# --- folded ---
$out = trace('--flame-graph ./subject');
my @bad = grep { !/^[^;]+(;[^;]+)* \d+$/ } split /\n/, $out;
is("@bad", '', 'folded: every line is a stack and a number, and there is no other line');
like($out, qr/^[^\n]*main;one_large;malloc 22704$/m, 'root first');
my $deep = join ';', 'main', ('deep') x 21, 'malloc';
like($out, qr/;\Q$deep\E 7$/m, 'at full depth');
like(trace('--flame-graph --depth=3 ./subject'), qr/^deep;deep;malloc 7$/m, 'or as --depth says');
like(trace('--flame-graph --sort=count ./subject'), qr/;many_small;malloc 43$/m, 'the weight is the first key');
like(trace('--flame-graph --sort=total-size ./subject'), qr/;was_larger;malloc 31680$/m, 'freed ones count in total-size');
unlike(trace('--flame-graph ./subject'), qr/;was_larger;malloc 31680$/m, 'and not in size');
like(`$heaptrace --flame-graph ./subject 2>&1`, qr/\A(?:[^;\n]+(?:;[^;\n]+)* \d+\n)+\z/, 'on standard error nothing else either');

# --- ignore ---
open my $rules, '>', 'rules' or die;
print $rules "# a comment\n\n  many_small  \nno such name\nwas_larger\n";
close $rules;
$out = trace('--ignore=rules ./subject');
unlike($out, qr/\] (?:many_small|was_larger)/, '--ignore leaves matching backtraces out');
like($out, qr/one_large/, 'and no others');
like($out, qr/left out by --ignore    : 2 backtraces, 1\.429 KB\n/, 'and says so');
like($out, qr/num of backtrace : 2\nHEAP|num of backtrace : 2\n/, 'the totals are of what is left');
unlike(trace('--flame-graph --ignore=rules ./subject'), qr/many_small|was_larger/, 'in folded output too');
open $rules, '>', 'rules' or die;
print $rules "#one_large\nsubject (+0x\n";
close $rules;
like(trace('--ignore=rules ./subject'), qr/one_large/, 'a comment is no rule');

# One of a kind is no plural.
open $rules, '>', 'rules' or die;
print $rules "many_small\n";
close $rules;
like(trace('--ignore=rules ./subject'), qr/left out by --ignore    : 1 backtrace, 430 bytes\n/, 'one backtrace');

# Rules that are mistaken: which of them matched nothing is told, and what the file seems to be.
sub ignore {
	my ($text, @options) = @_;
	open my $file, '>', 'rules' or die;
	print $file $text;
	close $file;
	return trace('--ignore=rules', @options, './subject 2>&1');
}
my $unmatched = qr/^\[heaptrace\] rules that matched nothing   : (.*) \(--ignore\)$/m;
for (['all match' => "many_small\nwas_larger\n", undef],
     ['all match, one twice' => "many_small\nmany_small\n", undef],
     ['a typo' => "many_smal\nmany_smll\n", '1 of 2: "many_smll"'],
     ['of two that match the same line, both do' => "many\nsmall\n", undef],
     ['many' => join('', map { "nothing_$_\n" } 1 .. 100), '100 of 100: "nothing_1", "nothing_2", "nothing_3", and 97 more'],
     ['four' => "n1\nmany_small\nn2\nn3\nn4\n", '4 of 5: "n1", "n2", "n3", and 1 more'],
     ['a long one' => 'x' x 500 . "\n", '1 of 1: "' . 'x' x 57 . '..."'],
     ['control characters' => "a\x1b[2Jb\n", '1 of 1: "a?[2Jb"'],
     ['no newline at the end' => "many_small\nnothing", '1 of 2: "nothing"'],
     ['a byte order mark' => "\xef\xbb\xbfmany_small\n", undef],
     ['a byte order mark before a comment' => "\xef\xbb\xbf# comment\nmany_small\n", undef],
     ['lines of DOS' => "\xef\xbb\xbf# comment\r\nmany_small\r\n\r\n", undef],
     ['nothing but comments' => "# one\n\n", undef]) {
	my ($name, $text, $want) = @$_;
	my $said = ignore($text);
	is(($said =~ $unmatched)[0], $want, "rules, $name");
	unlike($said, qr/the file of --ignore/, "rules, $name: no doubt about the file");
	unlike($said, qr/\] many_small/, "rules, $name: and those that match do") if $text =~ /many_small/ && !/many_smal\b/;
}
for (["valgrind's" => "{\n   a name\n   Memcheck:Leak\n   match-leak-kinds: all\n   fun:malloc\n   ...\n}\n", 'suppressions of valgrind'],
     ["valgrind's, indented with obj" => "{\n\tname\n\tMemcheck:Leak\n\tobj:*/libc.so\n}\n", 'suppressions of valgrind'],
     ["ThreadSanitizer's" => "race:many_small\n", 'suppressions of another sanitizer'],
     ['patterns' => "many.*\n", 'have patterns'], ['anchored' => "^many_small\$\n", 'have patterns'],
     ['UTF-16' => "\xff\xfem\0a\0n\0y\0\n\0", 'UTF-16'],
     ['UTF-16 of the other order, unmarked' => "\0m\0a\0n\0y\0\n", 'UTF-16']) {
	my ($name, $text, $want) = @$_;
	my $said = ignore($text);
	is(() = $said =~ /^\[heaptrace\] the file of --ignore .*\Q$want\E/mg, 1, "rules, $name: recognized, and said once") or diag($said);
	like($said, $unmatched, "rules, $name: they match nothing") unless $name =~ /UTF-16/;
	like($said, qr/many_small/, "rules, $name: and leave nothing out");
}
# A FIFO that nobody writes to holds up neither the program nor the watcher.
{
	my $said = `mkfifo fifo && timeout -s KILL 20 $heaptrace --no-lines --ignore=fifo ./subject 2>said; echo "status \$?"; cat said`;
	unlike($said, qr/^status 137$/m, 'rules, a FIFO without a writer: nobody waits for one');
	like($said, qr/^\[heaptrace\] the file of --ignore is a pipe in which there is nothing/m, 'rules, a FIFO without a writer: said');
	unlink 'fifo', 'said';
}
my $all = ignore("malloc\nnothing\n");
like($all, qr/^\[heaptrace\] rules of --ignore that matched nothing: 1 of 2: "nothing"$/m, 'rules: also when everything is left out');
my $folded = ignore("many_small\nnothing\n", '--flame-graph', '--outfile=folded');
is($folded, "[heaptrace] rules of --ignore that matched nothing: 1 of 2: \"nothing\"\n", 'rules: of a folded file on standard error');
like(ignore('x' x 2_000_000), qr/the file of --ignore cannot be read, so nothing is left out: it is larger than 1 MB/, 'rules: a file that is too large');
system "$heaptrace --record=record --outfile=/dev/null ./subject";
ignore("race:many_small\nnothing\n");
like(`$heaptrace --report=record --ignore=rules 2>&1`, qr/^heaptrace: the file of --ignore has suppressions of another sanitizer.*$unmatched/ms, 'rules: --report says the same');
like(`$heaptrace --report=record --ignore=rules --flame-graph 2>&1`, qr/matched nothing: 2 of 2/, 'rules: --report, folded');
ignore('x' x 2_000_000);
is(`$heaptrace --report=record --ignore=rules 2>&1`, "heaptrace: ignore file rules cannot be read: it is larger than 1 MB\n", 'rules: --report refuses what is too large');
unlink 'folded', 'record';

# --- lines and inlined calls ---
open my $src, '>', 'lines.cc' or die;
print $src <<'EOF';
#include <map>
#include <string>
#include <vector>

static std::map<std::string, std::vector<std::pair<int, std::string>>> *keep;
static inline __attribute__((always_inline)) void *inner(int n)
{
	return __builtin_malloc(n);			// line 8
}
static inline __attribute__((always_inline)) void *outer(int n)
{
	void *volatile p = inner(n);			// line 12
	return p;
}
__attribute__((noinline)) void *physical(int n)
{
	void *volatile p = outer(n);			// line 17
	return p;
}
int main()
{
	void *volatile p = physical(100000);		// line 22
	keep = new std::map<std::string, std::vector<std::pair<int, std::string>>>;
	(*keep)[std::string(3000, 'x')];
	return !p;
}
EOF
close $src;
SKIP: {
	my ($cxx) = grep { my $c = $_; grep { -x "$_/$c" } split /:/, $ENV{PATH} } 'g++', 'clang++';
	skip 'no C++ compiler', 14 if !$cxx || system($cxx, '-O1', '-g', '-fno-optimize-sibling-calls', '-o', 'lines', 'lines.cc');
	my $here = qr{\S*lines\.cc};
	my $chain = qr{\ 0\ $address\ malloc\ \+0x[0-9a-f]+\n
		\ 1\ ($address)\ inner(?:\(int\))?\ \(inlined\)\ at\ $here:8\n
		\ 2\ \1\ outer(?:\(int\))?\ \(inlined\)\ at\ $here:12\n
		\ 3\ \1\ physical\(int\)\ \+0x[0-9a-f]+\ at\ $here:17\n
		\ 4\ $address\ main\ \+0x[0-9a-f]+\ at\ $here:22\n}x;
	$out = trace('./lines');
	like($out, qr/^$chain/m, 'inlined calls are frames, and each has its line');
	unlike($out, qr/ 0 $address malloc .* at /, "the allocation function's line is none of the program's");
	# A library's start may keep a block, and the library be stripped.
	unlike($out =~ s/^.* names missing +: libstdc\S+ \(no symbols there\)$//mr, qr/missing/, 'no name is missing');
	like(trace('--depth=2 ./lines'), qr/^ 3 $address physical\(int\) .*\n\n/m, '--depth counts the frames that are on the stack');
	$out = trace('--no-lines ./lines');
	unlike($out, qr/ at |inlined/, '--no-lines');
	like($out, qr/^ 1 $address physical\(int\) \+0x[0-9a-f]+\n 2 $address main/m, 'has functions');
	like(trace('--no-demangle ./lines'), qr/ 3 $address _Z8physicali \+0x[0-9a-f]+ at $here:17$/m, '--no-demangle');
	like(trace('--flame-graph ./lines'), qr/main;physical\(int\);outer(?:\(int\))? \(inlined\);inner(?:\(int\))? \(inlined\);malloc 100000$/m,
	     'folded: inlined calls are frames');
	open $rules, '>', 'rules' or die;
	print $rules '(inlined) at ';
	close $rules;
	$out = trace('--ignore=rules ./lines');
	like($out, qr/left out by --ignore/, '--ignore takes inlined calls');
	unlike($out, qr/physical/, 'and leaves the backtrace out');

	# What a terminal shows is as wide as that, a file has it whole.
	my ($whole) = trace('--top=0 ./lines') =~ /\] (std::.*<.*)/;
	my ($short) = `$heaptrace --top=0 ./lines 2>&1` =~ /\] (std::.*<.*)/;
	SKIP: {
		skip 'the map allocates under other names', 2 if !$whole || !$short;
		like($short, qr/<\.\.\.>|, \.\.\.>/, 'standard error: long names are shortened');
		unlike($whole, qr/\.\.\./, 'files: they are whole');
	}

	# Debug data of its own, found by --debug-dir.
	SKIP: {
		my ($id) = `readelf -n lines 2>/dev/null` =~ /Build ID: ([0-9a-f]+)/;
		skip 'no build id or objcopy', 2 if !$id || system('objcopy --only-keep-debug lines lines.debug 2>/dev/null');
		my $place = 'dbg/.build-id/' . substr($id, 0, 2);
		system('mkdir', '-p', $place);
		rename('lines.debug', "$place/" . substr($id, 2) . '.debug') or die;
		system('strip', '-o', 'stripped', 'lines');
		unlike(trace('./stripped'), qr/physical/, 'a stripped program has no names');
		local $TODO = -e "$top/symbol/debugfile.h" ? undef : 'symbol/ reads no debug files yet';
		like(trace('--debug-dir=dbg ./stripped'), qr/^$chain/m, 'but --debug-dir has them');
		system('rm', '-r', 'dbg', 'stripped');
	}
	unlink 'lines', 'rules';
}

# --- what is missing, and why ---
open $src, '>', 'replaced.c' or die;
print $src <<'EOF';
#include <stdlib.h>
#include <unistd.h>
void *volatile keep;
__attribute__((noinline)) void allocates(void) { keep = malloc(5000); }
int main(void) { allocates(); return unlink("replaced") || link("subject", "replaced"); }
EOF
close $src;
system($cc, '-O1', '-fno-builtin', '-o', 'replaced', 'replaced.c') == 0 or die;
$out = trace('./replaced');
# It may still be had from memory, and else is told of.
like($out, qr/^ 1 $address allocates|^\[heaptrace\] names missing                : replaced \(.*\)\n={65}$/m,
     'a file that was replaced: its names, or why not');
unlike($out, qr/ 1 $address (?:was_larger|one_large|many_small|deep)/, 'but never those of the new file');
unlink 'replaced', 'replaced.c', 'lines.cc';
SKIP: {
	skip 'no split DWARF', 2 if system("$cc -g -gsplit-dwarf -O1 -fno-builtin -o split subject.c 2>/dev/null") || !glob('*.dwo');
	like(trace('./split'), qr/^\[heaptrace\] (?:names missing  .*; )?lines missing[ :]+split \(inlined calls, which are in split DWARF\)\n={65}$/m,
	     'debug data that is not read is told of');
	unlike(trace('--no-lines ./split'), qr/lines missing/, 'if it is wanted');
}
unlink 'split', glob('*.dwo');

# dwz moves the names of inlined functions into a file of its own, but neither lines nor what is
# inlined where.
SKIP: {
	open $src, '>', 'inlined.c' or die;
	print $src <<'EOF';
#include <stdlib.h>
static void *volatile keep;
#define INLINE static inline __attribute__((always_inline))
INLINE void inner(size_t n) { keep = malloc(n); }
INLINE void outer(size_t n) { inner(n); }
__attribute__((noinline)) void direct(void) { keep = malloc(7000); }
int main(int argc, char **argv) { (void)argv; if (argc > 1) outer(5000); direct(); return 0; }
EOF
	close $src;
	skip 'no dwz', 4 if system("$cc -g -O1 -fno-builtin -o one inlined.c && cp one two && " .
		'dwz -m common one two >dwz.log 2>&1') || `readelf -SW one` !~ /gnu_debugaltlink/;
	$out = trace('./one');
	like($out, qr/^ 1 $address direct .* at \S*inlined\.c:6$/m, 'after dwz a frame has its line');
	unlike($out, qr/missing/, '... and nothing lacks, so nothing is said');
	$out = trace('./one x');
	like($out, qr/^ 1 $address \? \(inlined\) at \S*inlined\.c:4\n 2 $address \? \(inlined\) at \S*inlined\.c:5\n 3 $address main .* at \S*inlined\.c:7$/m,
	     '... and an inlined call its lines, but no name');
	like($out, qr/^\[heaptrace\] names missing                : one \(those of inlined calls, which are in a debug file of dwz\)\n={65}$/m,
	     '... which is said');
}
unlink 'one', 'two', 'common', 'inlined.c', 'dwz.log';

SKIP: {
	chomp(my $machine = `uname -m`);
	skip "compiled code for $machine", 1 if $machine ne 'x86_64';
	open $src, '>', 'compiled.c' or die;
	print $src <<'EOF';
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
	/* sub $8,%rsp; mov $4321,%edi; movabs $malloc,%rax; call *%rax; add $8,%rsp; ret */
	unsigned char code[] = "\x48\x83\xec\x08\xbf\xe1\x10\0\0\x48\xb8........\xff\xd0\x48\x83\xc4\x08\xc3";
	unsigned char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *(*function)(size_t) = malloc;
	char name[64];
	FILE *map;
	if (at == MAP_FAILED)
		return 1;
	memcpy(code + 11, &function, 8);
	memcpy(at, code, sizeof(code));
	snprintf(name, sizeof(name), "/tmp/perf-%d.map", getpid());
	map = fopen(name, "w");
	fprintf(map, "%lx %zx LazyCompile:*fib fib.js:1\n", (unsigned long)at, sizeof(code));
	fclose(map);
	puts(name);
	return !((void *(*)(void))at)();
}
EOF
	close $src;
	skip 'no program of that kind', 1 if system("$cc -o compiled compiled.c");
	$out = trace('./compiled');
	like($out, qr/^ 1 $address LazyCompile:\*fib fib\.js:1 \+0x15$/m, 'code that the program compiled has names from its perf map');
	unlink $out =~ m{^(/tmp/perf-\d+\.map)$}mg;
	unlink 'compiled', 'compiled.c';
}

# --- outfile ---
sub files { my @f = grep { !/^(subject|subject\.c|rules)$/ } map { s{^\./}{}r } glob('*'); return "@f" }
sub run { system("$heaptrace @_ 3>/dev/null </dev/null") }
run('--outfile=one ./subject');
is(files(), 'one', '--outfile names the file');
like(slurp('one'), qr/\A\[heaptrace\] initialized.*\n.*finalized.*\n$dump\z/, 'with the whole dump in it');
run('--outfile=one ./subject');
is(scalar(() = slurp('one') =~ /initialized/g), 1, 'the next run starts with an empty file');
unlink 'one';
run('--outfile=a%%b.%c.%p.%n ./subject');
like(files(), qr/^a%b\.subject\.\d+\.1$/, 'the placeholders');
unlink glob('a*');
run('--outfile=out ./subject 1 2');
like(files(), qr/^out out\.\d+$/, 'a forked child has a file of its own');
my ($child) = files() =~ /(out\.\d+)/;
like(slurp($child), qr/\A\[heaptrace\] finalized.*\n$dump\z/, 'with the dump of what it inherited');
is(slurp($child) =~ s/\[age:.*//gr =~ s{/proc/\d+|^.*(?:info|initialized|RSS| - |\] dump \d|total runtime|calls to|temporary|peak \w+).*\n}{}mgr,
   slurp('out') =~ s/\[age:.*//gr =~ s{/proc/\d+|^.*(?:info|initialized|RSS| - |\] dump \d|total runtime|calls to|temporary|peak \w+).*\n}{}mgr, 'the same rows');
unlink glob('out*');
run('--outfile=out sh -c "./subject; ./subject"');
like(files(), qr/^out out\.\d+ out\.\d+$/, "exec'd children have files of their own");
unlink glob('out*');
mkdir 'sub';
run("--outfile=$dir/out sh -c 'cd sub; exec ../subject'");
like(files(), qr/^out sub$/, 'an exec keeps the file');
like(slurp('out'), qr/\(subject\)/, 'which has the dump');
unlink 'out';
run('--outfile=out sh -c "cd sub; ../subject"');
like(files(), qr/^out out\.\d+ sub$/, 'a relative name is relative to where the run started');
unlink glob('out*');
run('--flame-graph --outfile=out ./subject 1 2');
like(files(), qr/^out out\.\d+ sub$/, 'the same rule for other formats');
unlink glob('out*');

# Dumps by signal: text is appended, folded stacks are replaced.
sub with_signals {
	my (@options) = @_;
	unlink 'out';
	pipe(my $ready_r, my $ready_w) or die;
	pipe(my $in_r, my $in_w) or die;
	my $pid = fork() // die;
	if (!$pid) {
		open STDIN, '<&', $in_r or die;
		close $in_w;
		require POSIX;
		POSIX::dup2(fileno($ready_w), 3);
		exec $heaptrace, @options, './subject', 'wait';
	}
	close $in_r;
	close $ready_w;
	sysread $ready_r, my $byte, 1;
	my @seen;
	for my $sig (qw(USR1 USR2)) {
		kill $sig, $pid;
		for (1 .. 2000) {
			select undef, undef, undef, 0.01;
			my $now = slurp('out') // '';
			last if !@seen ? $now =~ /^(?:={65}\n.*={65}\n|.+ \d+\n)/ms : $now ne $seen[-1];
		}
		select undef, undef, undef, 0.05;
		push @seen, slurp('out');
	}
	close $in_w;
	waitpid $pid, 0;
	is($?, 0, "@options: signals do not disturb");
	return (@seen, slurp('out'));
}
my @text = with_signals('--outfile=out');
is(join(' ', $text[2] =~ /sorted by (\S+)/g), 'size count size', 'text dumps of one process are appended');
is(index($text[2], $text[1]), 0, 'each after the one before');
is(join(' ', $text[2] =~ /dump (\d (?:by|on) \w+), \d{4}-/g), '1 by SIGUSR1 2 by SIGUSR2 3 on exit', 'each says its number and why it was taken');
my $ended = trace(q(perl -e 'kill TERM => $$' 2>&1));
my ($date, $clock, $secs) = $ended =~ /dump 1 before the end by SIGTERM, (\S+) (\S+) UTC, ([\d.]+ (?:ns|us|ms|secs)) after the start/;
my @now = map { strftime('%F %T', gmtime(time - $_)) } 0 .. 60;
ok(scalar(grep { $_ eq "$date $clock" } @now), 'a dump before the end by a signal names it, and the moment') or diag $ended;
my @folded = with_signals('--flame-graph', '--outfile=out', '--sort=peak-size');
like($folded[0], qr/many_small;malloc 430\n/, 'SIGUSR1: weighed by size');
like($folded[1], qr/\A(?:[^\n]+\n)*[^\n]*many_small;malloc 43\n/, 'SIGUSR2: by count, in place of the older one');
is(files(), 'out sub', 'and no other file is left');
unlink 'out';

# --- without the wrapper ---
sub bare { my ($env, $command) = @_; return `HEAPTRACE_OPTIONS='$env' LD_PRELOAD=$top/libheaptrace.so $command` }
like(bare('top=1:sort=count:outfile=-', './subject'), qr/sorted by count\n$opening*=== backtrace #1 === \[count\/peak: 43/, 'a bare preload');
bare('outfile=out\:a', './subject 1 2 3>/dev/null </dev/null');
like(files(), qr/^out:a out:a\.\d+ sub$/, 'its children have their own files too');
unlink glob('out*');
like(`LD_PRELOAD=$top/libheaptrace.so ./subject 2>&1`, qr/\A\[heaptrace\] initialized.*\n.*finalized.*\n$dump\z/, 'and the defaults');
like(`HEAPTRACE_OPTIONS=top=x:sort=count LD_PRELOAD=$top/libheaptrace.so ./subject 2>&1`,
     qr/\A\[heaptrace\] initialized.*\n\[heaptrace\] HEAPTRACE_OPTIONS: top=x: not.*\n[^=]*$dump\z/, 'a bad option is told, the others count');

chdir $top;
done_testing();
