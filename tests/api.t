#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# include/heaptrace.h: it compiles as every C and C++; a program built with it runs without heaptrace, however it is linked;
# and each function does what it says, on programs whose figures are known.
use strict;
use warnings;
use Cwd;
use JSON::PP;
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
	return heaptrace_dump() + heaptrace_dump_to("x") + heaptrace_on() + heaptrace_off() + heaptrace_clear() +
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

($said, $dumps) = traced('clear');
is($said, <<'END', 'a pool that is cleared takes the backings along that are made of its blocks');
nested: 0 bytes 117 peak 10000 blocks 3 calls 7 sample 0
range: 0 bytes 7 peak 10000 blocks 1 calls 7 sample 0
known 2 2, of another 2
another: 0 bytes 7 peak 10000 blocks 1 calls 7 sample 0
all: 0 bytes 0 peak 10000 blocks 0 calls 7 sample 0
again: 0 bytes 55 peak 10000 blocks 2 calls 9 sample 0
nested: 0 bytes 117 peak 10000 blocks 3 calls 16 sample 0
inner: 0 bytes 7 peak 10000 blocks 1 calls 16 sample 0
END
is(join('', $dumps =~ /^(\[heaptrace\] pool .*\n)/mg), "[heaptrace] pool \"a\": 0 bytes in 0 blocks, 20.000 KB in 2 backing blocks\n" x 2,
   'no backing is left but those that have not been freed');

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
signal: mark 0, dump 0, state 2, file 0
END

# ---- Files of the program's choice ----

my $files = "$dir/files";
mkdir $files;
$said = (run(undef, $subject, 'files', "$files/absent.txt"))[2];
is($said, "$files/absent.txt: absent\nNULL: -1, empty: -1\n", 'without heaptrace no file is written');
is(join(' ', glob "$files/*"), '', 'and there is none');

# Writes the files of these names: what the program says, without the directory, and the run's own dumps. The size of the block
# in question is 12345.
sub traced_files {
	my ($mode, $names, @options) = @_;
	unlink "$dir/out";
	my ($status, $out, $err) = run(undef, $heaptrace, "--outfile=$dir/out", @options, $subject, $mode, map { "$files/$_" } @$names);
	return (($status ? "status $status: " : '') . $err =~ s/\Q$files\E\///gr, slurp("$dir/out") // '');
}

# The watchers of this test's runs.
sub watchers {
	return grep { (slurp("/proc/$_/stat") // '') =~ /^\d+ \(heaptrace-watch\) [^Z]/ &&
		      (slurp("/proc/$_/environ") // '') =~ /API_TEST=\Q$dir\E/ } map { /(\d+)/ } glob '/proc/[0-9]*';
}

# The names of temporary files.
sub left { return join ' ', map { s/.*\///r } glob "$files/*.tmp" }

spit("$files/old.txt", "old\n" x 10000);
symlink 'target.txt', "$files/link.txt";
my @own = ('plain', 'a.txt', 'old.txt', 'a.folded', '%n.%p.txt', 'link.txt', '-');
($said, $dumps) = traced_files('files', \@own);
is($said, join('', map { "$_: written\n" } @own) . "NULL: 22, empty: 22\n", 'text and folded stacks');
for my $name (grep { !/folded/ } @own) {
	my ($bad, @keys) = text_dumps(slurp("$files/$name") // '');
	is($bad . ' ' . "@keys", ' size', "$name is one dump, and nothing else");
	like(slurp("$files/$name") // '', qr/^\[heaptrace\] dump on request, .*\n(?:.*\n)*=== backtrace #1 === \[count\/peak: 1\/1\] \[size\/peak: 12\.345 KB/m,
	     "$name has the block, and no number");
}
is(bad_folded(slurp("$files/a.folded")), '', 'the folded stacks are well-formed');
is(folded_weight(slurp("$files/a.folded"), 'write_files'), 12345, 'and have the block');
ok(-l "$files/link.txt" && -s "$files/target.txt", 'a link is followed');
is(left(), '', 'no temporary file is left');
like($dumps, qr/\A\[heaptrace\] initialized .*\n\[heaptrace\] finalized .*\n=+\n.*\n\[heaptrace\] dump 1 on exit,/, 'the run\'s dumps know nothing of them');

my @watched = qw(a.json a.html a.svg a.pb a.pb.gz a.csv a.trace.json a.massif a.speedscope.json %-n.json);
($said, $dumps) = traced_files('files', \@watched);
is($said, join('', map { "$_: written\n" } @watched) . "NULL: 22, empty: 22\n", 'all else is written by the watcher');
for my $name ('a.json', '%-n.json') {
	my $json = decode_json(slurp("$files/$name") // '{}');
	is("@{$json->{moment}}{qw(dump reason)}", '0 asked', "$name is a whole document, with no number");
	like(slurp("$files/$name"), qr/\b12345\b/, "$name has the block");
}
like(slurp("$files/a.html") // '', qr/<\/html>\s*\z/, 'a.html is whole');
is(substr(slurp("$files/a.pb.gz") // '', 0, 2), "\x1f\x8b", 'a.pb.gz is compressed');
isnt(substr(slurp("$files/a.pb") // '', 0, 2), "\x1f\x8b", 'a.pb is not');
is(left(), '', 'no temporary file is left');
like($dumps, qr/\A\[heaptrace\] initialized .*\n\[heaptrace\] finalized .*\n=+\n.*\n\[heaptrace\] dump 1 on exit,/, 'and the run\'s dumps are as they would be');

# The run's own dumps are in another format, numbered, and a limit is given.
for my $options (['--format=json', "--outfile=$dir/run.%n"], ['--group=function', "--outfile=$dir/run.%n"], ['--format=folded', "--outfile=$dir/run.%n"]) {
	unlink glob "$dir/run.*";
	($said) = traced_files('files', ['b.txt', 'b.json'], @$options, '--max-leak=0');
	my $group = "@$options" =~ /group/;
	like($said, qr/\Astatus 22016: b\.txt: written\nb\.json: written\nNULL: 22, empty: 22\n\[heaptrace\] [^\n]*--max-leak/, "@$options: both are written, and the limit is judged once, at the end");
	is(scalar(() = $said =~ /max-leak/g), 1, "@$options: one line tells of it");
	is(join(' ', map { s/.*\///r } glob "$dir/run.*"), 'run.1', "@$options: the numbers of the run's dumps go on");
	like(slurp("$files/b.txt") // '', $group ? qr/^100\.0 % .* write_files at /m : qr/^=== backtrace #1 ===/m, "@$options: the text has what the options say");
}

($said) = traced_files('files', ['nowhere/a.txt', 'nowhere/a.json', 'a.txt/x', '.', 'x' x 250, 'y' x 300, 'full'], '--quiet');
is($said, <<"END", 'what cannot be written has its errno, and the first error is reported');
[heaptrace] cannot write the dump to nowhere/a.txt: no such directory
nowhere/a.txt: No such file or directory
nowhere/a.json: No such file or directory
a.txt/x: Not a directory
.: Is a directory
${\('x' x 250)}: written
${\('y' x 300)}: File name too long
full: written
NULL: 22, empty: 22
END
SKIP: {
	skip 'there is no /dev/full', 2 unless -c '/dev/full';
	symlink '/dev/full', "$files/no-room.$_" for qw(txt json);
	for my $ending ('txt', 'json') {
		($said) = traced_files('files', ["no-room.$ending"]);
		is($said, "[heaptrace] cannot write the dump to no-room.$ending: no space left on the device\n" .
			"no-room.$ending: No space left on device\nNULL: 22, empty: 22\n", "no-room.$ending: no room");
	}
}
($said) = traced_files('files', ['/' . 'x/' x 2100 . 'x.txt']);
like($said, qr/: File name too long\nNULL/, 'a name that is too long');
my $absolute = $heaptrace =~ s/^(?!\/)/getcwd() . '\/'/er;
$said = (run(sub { chdir $files }, $absolute, '--quiet', $subject, 'files', 'relative.txt', 'relative.json'))[2];
is($said, "relative.txt: written\nrelative.json: written\nNULL: 22, empty: 22\n", 'relative names');
ok(-s "$files/relative.$_", "relative.$_ is in the working directory") for qw(txt json);

# Nobody is there to write a document.
unlink glob "$files/*";
for my $how (['--no-watch'], ['--no-watch', "--record=$dir/rec"], undef) {
	my $text = $how ? (traced_files('files', ['a.json', 'b.html', 'a.txt'], @$how))[0] :
		(run(sub { @ENV{qw(LD_PRELOAD HEAPTRACE_OPTIONS)} = ($library, 'quiet') }, $subject, 'files', map { "$files/$_" } qw(a.json b.html a.txt)))[2] =~
			s/\Q$files\E\///gr;
	my $name = $how ? "@$how" : 'LD_PRELOAD';
	my $command = $how && @$how == 2 ? qr/; this command makes it: heaptrace --outfile=a\.json --report=\Q$dir\E\/rec/ :
		qr/: start the program as heaptrace --outfile=a\.json PROGRAM/;
	like($text, qr/\A\[heaptrace\] no watcher is there to write the report$command.*\na\.json: Connection refused\nb\.html: Connection refused\na\.txt: written\nNULL: 22, empty: 22\n\z/,
	     "$name: one line names the command");
	is(join(' ', map { s/.*\///r } glob "$files/*"), 'a.txt', "$name: nothing is left of the documents");
}

# The watcher goes away, goes away with the request, or does not answer: a signal that is to end the program is not held
# up by it.
for my $how ('killed', 'killed when asked', 'stopped') {
	unlink glob "$files/*";
	my ($pid, $in) = start(sub { $ENV{API_TEST} = $dir }, $heaptrace, "--outfile=$dir/out", $subject, 'file later', "$files/a.json");
	my $watcher;
	wait_for(sub { ($watcher) = watchers() }) && wait_word('ready') or BAIL_OUT('no watcher');
	kill $how eq 'killed' ? 'KILL' : 'STOP', $watcher;
	wait_for(sub { (slurp("/proc/$watcher/stat") // '') !~ /^\d+ \(.*\) [^TZ] / });
	syswrite $in, 'x';
	if ($how ne 'killed') {
		wait_for(sub { glob "$files/*.tmp" });
		select undef, undef, undef, 1;	# the request comes after the file, and signals at the wait's beginning do not end it
	}
	kill 'KILL', $watcher if $how eq 'killed when asked';
	if ($how ne 'stopped') {
		is(finish($pid, 60), 0, "the watcher was $how: the program goes on");
		like(slurp("$dir/stderr"), qr/^\[heaptrace\] the watcher cannot be reached .*--record=FILE.*\n\Q$files\E\/a\.json: Connection refused\n/m, 'and is told so');
	} else {
		kill 'TERM', $pid;
		wait_for(sub { !glob "$files/*.tmp" }, 10) or kill 'INT', $pid;	# the first one may have come too early
		like(finish($pid, 50), qr/^(?:15|2)$/, 'the watcher does not answer: the program is ended by a signal');
		kill 'CONT', $watcher;
		wait_for(sub { !watchers() });
	}
	is(join(' ', glob "$files/*"), '', 'and no file is left');
}

# Several threads, and dumps on signals in between.
unlink glob "$files/*";
$ENV{FILES} = "$files/t";
($said, $dumps) = traced('files in threads', '--sort=count');
is($said, "failed 0\n", 'from four threads at once');
is(scalar(my @all = glob "$files/*"), 48, 'each file is there, and no other');
is(join(' ', grep { my $text = slurp($_); !length $text || (/txt$/ ? (text_dumps($text))[0] : /folded$/ ? bad_folded($text) : !eval { decode_json($text) }) } @all),
   '', 'each one is whole');
my ($bad, @keys) = text_dumps($dumps);
is($bad, '', 'the dumps of the run are whole, too');
my @numbers = $dumps =~ /^\[heaptrace\] dump (\S+) (?:by|on)/mg;
is("@numbers", join(' ', 1 .. @numbers), 'and numbered as if there were no others');
cmp_ok(scalar(grep { $_ eq 'size' } @keys), '>', 0, 'signals have made dumps by size');

for my $name ('end.txt', 'end.json') {
	unlink glob "$files/*";
	($said, $dumps) = traced_files('files to the end', [$name]);
	is($said, '', "the process ends while a thread writes $name again and again");
	like($dumps, qr/^\[heaptrace\] finalized (?:.*\n)*=== backtrace #1 === .*12\.345 KB/m, 'the last dump is taken');
	is(join(' ', map { s/.*\///r } glob "$files/*"), $name, 'and nothing else is left');
}

$ENV{FILES} = "$files/signal.txt";
$ENV{EARLY} = 1;
($said) = traced('early');
delete $ENV{EARLY};
is((text_dumps(slurp("$files/signal.txt") // ''))[0], '', 'in the handler of a signal');

($said, $dumps) = traced_files('files in a child', ['child.txt', 'child.json', 'nowhere/x']);
like($said, qr/^child\.txt: written\nchild\.json: written\n(?:.*\n)?nowhere\/x: No such file or directory\n/m, 'a child after fork writes files, too');
like(slurp("$files/child.txt"), qr/size\/peak: 222 bytes/, 'which have its heap');
unlike($dumps, qr/ 222 bytes/, 'of which its parent knows nothing');

($said) = traced_files('files', ['off.txt'], '--start=off');
is($said, "off.txt: written\nNULL: 22, empty: 22\n", 'while nothing is recorded');
($said) = traced_files('files', ['sampled.txt'], '--sample=1');
like(slurp("$files/sampled.txt"), qr/~/, 'sampled blocks are estimates there, too');

($said) = traced('errors');
is($said, <<'END', 'what cannot be right is refused');
pool 22 22 22, totals 22, control 22, ENOENT 2 2
names 511, the rest 0
END
done_testing;
