#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --pack and --with-names: a small file says what the record says, in each format, also where the
# program's files are gone; a file that is damaged is told of; and plain copies of a record are as good as it.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my ($rec, $packed, $named) = map { "$dir/$_" } qw(rec packed named);
my @ways = (['--top=0'], ['--top=0', '--sort=age,total-size,temporary'], ['--format=json'], ['--flame-graph', '--sort=total-count'],
	['--top=0', '--no-lines'], ['--top=0', '--no-demangle']);

sub report {
	my ($file, @options) = @_;
	my ($status, $out, $err) = run(undef, $heaptrace, "--report=$file", @options);
	return "$status $out$err" =~ s/\Q$file\E/FILE/gr;
}
sub pack_record {
	my ($to, @options) = @_;
	my ($status, $out, $err) = run(undef, $heaptrace, "--pack=$to", @options);
	return ($status >> 8, $out, $err);
}

# A program in C++ with inlined calls.
mkdir "$dir/bin";
spit("$dir/work.cc", <<'CODE');
#include <cstdlib>
#include <map>
#include <string>
#include <vector>
#include <unistd.h>
template <class T> static inline __attribute__((always_inline)) void keep(std::vector<T> &v, T x) { v.push_back(x); }
struct table { std::map<std::string, std::vector<int>> rows; };
int main(int argc, char **argv)
{
	table *t = new table;
	char c;
	for (int i = 0; i < 500; i++)
		keep(t->rows["a key that is not short " + std::to_string(i)], i);
	if (argc > 1 && write(1, "ready", 5))
		read(0, &c, 1);
	_Exit(argv[0] == nullptr);
}
CODE
SKIP: {
	skip 'there is no C++ compiler', 25 unless compile("$dir/bin/work", '-xc++', '-std=c++17', '-g', '-O1', "$dir/work.cc", '-lstdc++');
	run(undef, $heaptrace, "--record=$rec", '--depth=20', '--outfile=/dev/null', "$dir/bin/work");
	my ($status, $out, $err) = pack_record($packed, "--report=$rec");
	like("$status $err$out", qr/^0 \Q$packed\E: \d\S* (?:KB|bytes), without names \(\Q$rec\E: \S+ KB on the disk\)\n\z/, 'one line says how large it is');
	($status, $out, $err) = pack_record($named, "--report=$rec", '--with-names');
	like("$status $err$out", qr/^0 \Q$named\E: \d\S* KB, with names /, '--with-names');
	cmp_ok(-s $named, '<', 20000, 'it is small');
	my %before = map { ("@$_" => report($rec, @$_)) } @ways;
	like($before{'--top=0'}, qr/ keep<.*\(inlined\) at \S*work\.cc:6\n/, 'the program has inlined calls');
	for my $way (@ways) {
		is(report($packed, @$way), $before{"@$way"}, "without names: @$way");
		is(report($named, @$way), $before{"@$way"}, "with names: @$way");
	}
	pack_record("$dir/again", "--report=$named", '--with-names');
	rename "$dir/bin", "$dir/gone";
	is(report($named, @$_), $before{"@$_"}, "where the program is not: @$_") for @ways;
	is(report("$dir/again", '--top=0'), $before{'--top=0'}, 'a packed record packed once more');
	unlike(report($packed, '--top=0'), qr/keep</, 'without names there are none');
	mkdir "$dir/root";
	like(report($named, '--top=0', "--sysroot=$dir/root"), qr/work \(it is not below --sysroot\)/, '--sysroot has files read');
	rename "$dir/gone", "$dir/bin";
}

# A program without its files: all of them are outside of the root directory.
SKIP: {
	skip 'there is no python3 here, or nobody may call chroot()', 5 if $> || !-x '/usr/bin/python3';
	my $root = "$dir/jail";
	for my $file ($heaptrace, `ldd $heaptrace` =~ m{(/\S+)}g) {
		quiet("mkdir -p $root/\$(dirname $file) && cp -L $file $root/$file");
	}
	local $ENV{PYTHONMALLOC} = 'malloc';
	run(undef, $heaptrace, "--record=$rec", '--depth=40', '--outfile=/dev/null', '/usr/bin/python3', '-c', 'import json, re, time; time.sleep(0.3); x = list(range(100000)); time.sleep(0.3)');
	pack_record("$root/named", "--report=$rec", '--with-names');
	for my $way (@ways[0, 1, 2]) {
		my ($status, $out, $err) = run(undef, 'chroot', $root, "/$heaptrace", '--report=/named', @$way);
		is("$status $out$err", report($rec, @$way), "python3, behind chroot(): @$way");
	}
	like(report($rec, '--format=json'), qr/"snapshots":\s*\[\s*\{/, 'what the watcher has noted is compared, too');
	my ($status, $out) = run(undef, 'chroot', $root, "/$heaptrace", '--report=/named', '--top=1');
	unlike($out, qr/no longer there/, 'no file is missed');
}

# Plain copies.
SKIP: {
	skip 'there is no record', 3 unless -s $rec;
	my $all = report($rec, '--top=0');
	ok(quiet("cp --sparse=always $rec $dir/copy"), 'cp');
	is(report("$dir/copy", '--top=0'), $all, 'a copy of the record');
	skip 'there is no tar', 1 unless has('tar');
	quiet("mkdir $dir/tar && tar -C $dir -cSf $dir/rec.tar rec && tar -C $dir/tar -xSf $dir/rec.tar");
	is(report("$dir/tar/rec", '--top=0'), $all, 'one by tar');
}

# Many backtraces; a process that runs, and one whose end nobody has noted.
{
	my $work = build('killed_work', 'killed_work');
	my ($pid, $in) = start(undef, $heaptrace, '--no-watch', "--record=$rec", '--outfile=/dev/null', '--depth=20', $work, "$dir/cells", 'stacks');
	wait_word('ready');
	rename "$dir/stdout", "$dir/stdout.work";
	my ($status, $out) = pack_record("$dir/%c.%p.%%", "--dump=$pid");
	like("$status $out", qr/^0 \Q$dir\E\/killed_work\.$pid\.%: \S+ [KM]B, without names\n\z/, 'of a process that runs, with its name and id');
	pack_record("$dir/live", "--report=$rec");
	sleep 1;
	my ($first, $second) = (report("$dir/live", '--top=3'), report("$dir/live", '--top=3'));
	is($second, $first, 'the moment of its figures is that of packing');
	my $all = report("$dir/killed_work.$pid.%", '--top=0');
	like($all, qr/num of backtrace : 16385\n/, 'it has all backtraces');
	my $at_that_moment = qr/^(?:===|\[heaptrace\] (?:dump \d|total runtime|calls to|temporary allocations)).*\n/m;
	my $now = report($rec, '--top=0') =~ s/$at_that_moment//gr;
	is($all =~ s/$at_that_moment//gr, $now, 'and the figures that the kernel and malloc have of the process') if $now =~ /statm .*: \d/;
	kill 'KILL', $pid;
	finish($pid, 5);
	$all = report($rec, '--top=0');
	like($all, qr/nobody noted in FILE when the process ended/, 'killed, without a watcher');
	pack_record($packed, "--report=$rec", '--with-names');
	is(report($packed, '--top=0'), $all, 'the packed record says the same');
	my (undef, undef, undef, undef, undef, undef, undef, undef, undef, undef, undef, $blocks) = stat $rec;
	cmp_ok(-s $packed, '<', $blocks * 512 / 2, "it has less than half of the record's bytes");
	note(-s $packed, ' of ', $blocks * 512, ' bytes');
	run(undef, '/bin/sh', '-c', "$heaptrace --report=$rec --pack=- --with-names > $dir/piped");
	is(slurp("$dir/piped"), slurp($packed), 'to standard output');
	is((run(undef, '/bin/bash', '-c', "ulimit -f 1000; $heaptrace --report=$packed"))[2], "heaptrace: $packed cannot be reported: File too large\n", 'under a limit on files it is said');
}

# Where it cannot be made, what was there stays.
{
	spit("$dir/old", 'old');
	symlink "$dir/old", "$dir/link";
	link $rec, "$dir/same";
	mkdir "$dir/sub";
	for (["$dir/sub", 'Is a directory'], ["$dir/none/x", 'no such directory'], ['/dev/null', 'it is not a regular file'],
	     ["$dir/link", 'it is not a regular file'], ["$dir/same", 'it is the record itself: give the small file a name of its own'],
	     ["$dir/" . 'n' x 300, 'File name too long']) {
		my ($status, $out, $err) = pack_record($_->[0], "--report=$rec");
		is("$status $out", '125 ', "$_->[1]: 125");
		like($err, qr/^heaptrace: .* cannot be made: \Q$_->[1]\E\n\z/, "$_->[1]: in words");
	}
	is(slurp("$dir/old"), 'old', 'a link is not followed');
	is((run(undef, '/bin/bash', '-c', "ulimit -f 20; $heaptrace --report=$rec --pack=$dir/old"))[2],
	   "heaptrace: $dir/old cannot be made: it would be too large\n", 'a limit');
	is(slurp("$dir/old"), 'old', 'the older file is still there');
	is(join(' ', glob "$dir/*.tmp"), '', 'and no temporary file');
	for (['--with-names', qr/--with-names says what goes into the file of --pack/, "--report=$rec"],
	     ["--pack=x", qr/--pack is for --report and --dump/, '/bin/true'], ["--with-names", qr/--with-names is for --report and --dump/, '/bin/true']) {
		my ($status, $out, $err) = run(undef, $heaptrace, $_->[0], $_->[2]);
		is("$status $out", (125 << 8) . ' ', "$_->[0] $_->[2]");
		like($err, qr/^heaptrace: (?:$_->[1]).*\n\z/, 'in words');
	}
}

# Damaged files.
{
	my $good = slurp($packed);
	my $wrong = sub {
		my ($name, $text, $says) = @_;
		spit("$dir/bad", $text);
		is(report("$dir/bad"), (125 << 8) . " heaptrace: FILE cannot be reported: $says\n", $name);
	};
	$wrong->('part of the header', substr($good, 0, 20), 'the file is truncated');
	$wrong->('part of the pieces', substr($good, 0, length($good) / 2), 'the file is truncated');
	$wrong->('without its end', substr($good, 0, length($good) - 32), 'the file is truncated');
	substr(my $version = $good, 8, 1) = chr(77);
	$wrong->('another version', $version, 'packed by another version of heaptrace, or on a machine with another byte order: use that one\'s --report');
	my @odd;
	srand 1;
	for my $n (1 .. 60) {
		my $bad = $good;
		substr($bad, int(rand 2) ? rand(300) : rand(length $bad), 1) ^= chr(1 + int rand 255);
		next if substr($bad, 0, 24) ne substr($good, 0, 24);	# the moment may be any
		spit("$dir/bad", $bad);
		my $said = report("$dir/bad", '--top=1');
		push @odd, "$n: $said" if $said !~ /^32000 heaptrace: FILE cannot be reported: / && substr($said, 0, 300) ne substr(report($packed, '--top=1'), 0, 300);
	}
	is("@odd", '', 'a byte that changed anywhere is noticed, or does not matter');
}

done_testing();
