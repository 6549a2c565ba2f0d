#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --record and --report: what is kept is what a dump would say, in each format, while the
# program runs and afterwards; a file that is none, or a part of one, is told of; and where
# nothing can be recorded the program runs as it does without.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $work = build('killed_work', 'killed_work');
my $rec = "$dir/run/rec";
mkdir "$dir/run" or die;

sub report {
	my ($file, @options) = @_;
	my ($status, $out, $err) = run(undef, $heaptrace, "--report=$file", @options);
	return ($status >> 8, $out, $err);
}

# Starts the subject, recorded, and waits until it is ready.
sub record {
	my ($how, @options) = @_;
	unlink glob "$dir/run/*";
	my ($pid, $in) = start(undef, $heaptrace, "--record=$rec", "--outfile=$dir/run/out", '--depth=20', @options, $work, "$dir/cells", $how);
	wait_word('ready');
	return ($pid, $in);
}

# One program, while it runs and afterwards.
{
	my ($pid, $in) = record('stacks');
	my ($status, $text, $err) = report($rec, '--top=3');
	my ($bad, @keys) = text_dumps($text);
	is("$status $bad@keys $err", '0 size ', 'a program that runs: one dump');
	like($text, qr/dump allocation status for \/proc\/$pid\/maps \(killed_work\)/, 'under its name');
	like($text, qr/num of backtrace : 16385\n/, 'with all its backtraces');
	is(scalar(() = $text =~ /^=== /mg), 3, '--top');
	like($text, qr/statm info \(VSS\/RSS\/shared\)  : [\d.]+ MB /, 'with the sizes that the process has now');
	unlike($text, qr/the process has ended/, 'and not told to have ended');
	my ($age) = $text =~ /age: ([\d.]+ \w+)/;
	like($age, qr/ms|secs/, 'an age that goes on') or diag $age;
	is((report($rec, '--flame-graph'))[1] =~ tr/\n//, 16385, '--flame-graph');
	(my $folded) = (report($rec, '--flame-graph'))[1];
	is(bad_folded($folded), '', 'well formed');
	is(folded_weight($folded, 'work_alloc_0'), 16384 * 10 + 1000, 'and complete');
	like((report($rec, '--sort=count,total-size'))[1], qr/sorted by count.*sorted by total-size/s, '--sort');
	open my $rules, '>', "$dir/rules";
	print $rules "work_tree\n";
	close $rules;
	like((report($rec, "--ignore=$dir/rules"))[1], qr/num of backtrace : 1\n.*left out by --ignore    : 16384 /s, '--ignore');
	($status, $text) = report($rec, "--outfile=$dir/run/report");
	is("$status$text", '0', '--outfile: nothing elsewhere');
	is((text_dumps(slurp("$dir/run/report")))[1], 'size', '--outfile: exactly that file');
	# Another run of the same name: this one's file is its own.
	my ($other) = run(undef, $heaptrace, "--record=$rec", '--outfile=/dev/null', '/bin/true');
	is($other, 0, 'another run takes the name');
	close $in;
	is(finish($pid, 20), 0, 'and harms nobody');
	like((report($rec))[1], qr/\(true\)/, 'the name is the newer one\'s');

	($pid, $in) = record('stacks');
	kill 'KILL', $pid;
	finish($pid, 5);
	is(folded_weight((report($rec, '--flame-graph'))[1], 'work_alloc_0'), 16384 * 10 + 1000, 'killed: complete');
	like((report($rec, '--top=1'))[1], qr/\(virtual\) +: unknown \(the process has ended\)\n.*statm info .*: unknown\n/s, 'and told to have ended');
	ok(-s $rec > 100e6 && (stat $rec)[12] * 512 < 8e6, 'the file is sparse') or diag((stat $rec)[12] * 512);
	($status, undef, $err) = report($rec, "--outfile=$dir/none/x");
	is($status, 125, 'an outfile that cannot be written: 125');
}

# While the program makes it grow: each report is whole, and of no fewer backtraces than the one
# before.
{
	my ($reports, $grown, @wrong) = (0, 0);
	for (1 .. 20) {
		unlink glob "$dir/run/*";
		my ($pid, $in) = start(undef, $heaptrace, "--record=$rec", "--outfile=$dir/run/out", '--depth=20', $work, "$dir/cells", 'stacks');
		wait_for(sub { -e $rec }, 10);
		my ($last, $ready) = (0, 0);
		until ($ready) {
			$ready = slurp("$dir/stdout") =~ /ready/;
			my $text = `$heaptrace --report=$rec --no-lines 2>&1`;
			my ($count) = $text =~ /num of backtrace : (\d+)\n/;
			my ($bad) = text_dumps($text);
			push @wrong, "$last: $? $bad " . ($count // 'none') if $? || $bad || !defined $count || $count < $last;
			$last = $count // 0;
			$reports++;
			$grown++ if $last > 0 && $last < 16385;
		}
		push @wrong, "the last has $last" if $last != 16385;
		close $in;
		finish($pid, 20);
		last if $grown >= 8 || @wrong;
	}
	is(join("\n", @wrong), '', "while it grows: $reports reports, $grown of a part");
	cmp_ok($grown, '>', 0, 'while it grows: some of them in the middle');
}

# Damaged files.
{
	my $head = do { open my $in, '<', $rec; read $in, my $text, 131072; $text };
	my $wrong = sub {
		my ($name, $text, $says) = @_;
		open my $out, '>', "$dir/bad";
		print $out $text;
		close $out;
		my ($status, $printed, $err) = report("$dir/bad");
		is("$status $printed", '125 ', "$name: 125, and no dump");
		like($err, qr/^heaptrace: \Q$dir\E\/bad cannot be reported: [^\n]*$says[^\n]*\n\z/, "$name: in words");
	};
	$wrong->('an empty file', '', 'not a file of --record');
	$wrong->('a text', "hello\n" x 1000, 'not a file of --record');
	$wrong->('part of the header', substr($head, 0, 100), 'truncated');
	$wrong->('the header alone', $head, 'truncated');
	substr(my $version = $head, 8, 1) = chr(200);
	$wrong->('another version', $version, 'another version');
	substr(my $words = $head, 12, 1) = chr(16);
	$wrong->('another word size', $words, 'word size');
	substr(my $offsets = $head, 30, 1) ^= "\x55";
	$wrong->('a damaged header', $offsets, 'damaged');
	for (["$dir/none", 'No such file'], [$dir, 'not a regular file'], ['/dev/null', 'not a regular file']) {
		my ($status, $printed, $err) = report($_->[0]);
		is("$status $printed", '125 ', "$_->[0]: 125");
		like($err, qr/$_->[1]/, "$_->[0]: in words");
	}
	my ($status, undef, $err) = report($rec, 'true');
	like("$status $err", qr/125 .*takes no PROGRAM/s, 'a PROGRAM, too');
	# Every part of a whole file damaged in turn: a dump or an error, no crash.
	my @crashes;
	for my $seed (1 .. 40) {
		system("cp --sparse=always $rec $dir/bad");
		srand $seed;
		open my $file, '+<', "$dir/bad";
		for (1 .. 50) {
			seek $file, int(rand 2) ? rand(2000) : rand(-s $rec), 0;
			print $file chr(rand 256) x (1 + rand 8);
		}
		close $file;
		my ($code) = run(undef, $heaptrace, "--report=$dir/bad", '--top=0', '--no-lines');
		push @crashes, "seed $seed: $code" if $code && $code != 125 << 8;
	}
	is("@crashes", '', 'damage at random places: no crash');
}

# A report that is interrupted leaves nothing, and two at a time write two files.
SKIP: {
	sysopen(my $nameless, "$dir/run", 020200002) or skip "no files without names here (O_TMPFILE): $!", 16;
	my ($pid, $in) = record('stacks');
	close $in;
	finish($pid, 60);
	# Starts a report, and stops it when it has opened its file.
	my $writing = sub {
		my @command = ($heaptrace, "--report=$rec", @_);
		for my $try (1 .. 10) {
			my ($writer) = start(undef, @command);
			my $end = time + 10;
			while (time < $end && readlink "/proc/$writer/exe") {
				next if !grep { /^\Q$dir\E\/run\/(?!rec$)/ } map { readlink($_) // '' } glob "/proc/$writer/fd/*";
				kill 'STOP', $writer;
				wait_for(sub { (slurp("/proc/$writer/stat") // '') =~ /\) [TZ]/ }, 10);
				my @made = glob "$dir/run/x*";
				return $writer if !@made || $made[0] =~ /\.tmp$/;
				kill 'CONT', $writer;	# the file is complete already
				last;
			}
			finish($writer, 60);	# it has ended before it was looked at
			unlink glob "$dir/run/x*";
		}
		die 'no report is being written';
	};
	unlink "$dir/run/out";
	for my $signal ('INT', 'KILL') {
		for my $how ("--outfile=$dir/run/x.folded", "--outfile=$dir/run/x.html", "--pack=$dir/run/x.pack") {
			my $writer = $writing->($how);
			kill $signal, $writer;
			kill 'CONT', $writer;
			isnt(finish($writer, 60), 0, "SIG$signal: $how is interrupted");
			is(join(' ', map { s/.*\///r } glob "$dir/run/*"), 'rec', 'and nothing is left');
		}
	}
	my $first = $writing->("--outfile=$dir/run/x.json");
	is((report($rec, "--outfile=$dir/run/x.json"))[0], 0, 'two reports of the same name: the second one');
	kill 'CONT', $first;
	is(finish($first, 60), 0, 'and the first one');
	like(slurp("$dir/run/x.json"), qr/\}\n\z/, 'the file is whole');
	is(join(' ', map { s/.*\///r } glob "$dir/run/*"), 'rec x.json', 'and nothing else is left');
}

# A name as long as a file's name may be, beside which there is no longer one.
{
	unlink glob "$dir/run/*";
	my $name = "$dir/run/" . 'n' x 250;
	run(undef, $heaptrace, "--record=$name.reco", "--outfile=$name.fold", '--flame-graph', $work, "$dir/cells", 'stacks');
	my @status = map { (report("$name.reco", $_))[0] } "--outfile=$name.json", "--pack=$name.pack";
	is(join('', @status), '00', 'the longest name: reports');
	like((run(undef, $heaptrace, "--outfile=${name}6.json", '/bin/true'))[2], qr/cannot be written: File name too long/, 'a longer one is refused before the run');
	is(join(' ', map { s/.*\///r } glob "$dir/run/*"), join(' ', map { 'n' x 250 . $_ } qw(.fold .json .pack .reco)), 'and each has its name');
}

# Where it cannot be recorded.
{
	my $cannot = sub {
		my ($name, $file, $why, $limit) = @_;
		my ($status, $out, $err) = run(undef, '/bin/bash', '-c', ($limit || ':') . '; exec "$@"', 'bash', $heaptrace, "--record=$file", '--depth=20', '--top=1', $work, "$dir/cells", 'stacks');
		like("$status $out", qr/^0 ready \d+\n$/, "$name: the program runs");
		like($err, qr/cannot record in \Q$file\E: $why/, "$name: it is said why");
		like($err, qr/num of backtrace : 16385/, "$name: and traced");
		is(join(' ', glob "$dir/run/*.tmp"), '', "$name: no temporary file");
	};
	unlink glob "$dir/run/*";
	# The wrapper refuses what cannot be, as it does with --outfile; without it, the library says so.
	my $impossible = sub {
		my ($name, $file, $why, $said) = @_;
		my ($status, $out, $err) = run(undef, $heaptrace, "--record=$file", "--outfile=$dir/run/kept", '/bin/echo', 'runs');
		is("$status $out$err", (125 << 8) . " heaptrace: record file $file cannot be made: $why\n", "$name: refused");
		local $ENV{HEAPTRACE_OPTIONS} = "top=1:no-lines:record=$file";
		($status, $out, $err) = run(undef, '/bin/bash', '-c', 'LD_PRELOAD=$PWD/libheaptrace.so exec /bin/echo runs');
		like("$status $out", qr/^0 runs\n$/, "$name, without the wrapper: the program runs");
		my $shown = length $file > 100 ? '...' . substr $file, -100 : $file;
		like($err, qr/cannot record in \Q$shown\E: $said/, "$name, without the wrapper: it is said why");
	};
	system("echo before >$dir/run/kept; ln -s kept $dir/run/link; ln $dir/run/kept $dir/run/same");
	$impossible->('no directory', "$dir/none/rec", 'No such file or directory', 'no such directory');
	$impossible->('a directory', "$dir/run", 'Is a directory', 'it is a directory');
	$impossible->('/dev/full', '/dev/full', 'it is not a regular file', 'it is not a regular file');
	$impossible->('a link', "$dir/run/link", 'it is the outfile, too', 'it is not a regular file');
	$impossible->('a name that is too long', "$dir/run/" . 'n' x 300, 'File name too long', '.*; the program is traced');
	is((run(undef, $heaptrace, "--record=$dir/run/$_", "--outfile=$dir/run/kept", '/bin/true'))[2],
		"heaptrace: record file $dir/run/$_ cannot be made: it is the outfile, too\n", "the outfile: $_") for qw(kept same);
	is(`cat $dir/run/kept`, "before\n", 'what was refused has not emptied the outfile');
	ok(-c '/dev/full', '/dev/full is still what it was');
	$cannot->('RLIMIT_FSIZE', $rec, 'file size limit', 'ulimit -f 100');
	my ($status, $out, $err) = run(undef, '/bin/bash', '-c', 'ulimit -f 20000; exec "$@"', 'bash', $heaptrace, "--record=$rec", $work, "$dir/cells", 'stacks');
	like("$status $err", qr/^0 .*num of backtrace/s, 'a smaller limit: a smaller table');
	is((report($rec))[0], 0, 'a smaller table can be reported');
	system("cp --sparse=always $rec $dir/run/old; ln -sf old $dir/run/old.html");
	for my $case ([$rec, "--outfile=$rec"], ["$dir/run/old", "--outfile=$dir/run/old.html"], [$rec, "--diff=$dir/run/old", "--outfile=$dir/run/old"],
		      [$rec, '--max-leak=0', "--baseline=$dir/run/old", "--outfile=$dir/run/old"]) {
		my ($file, @options) = @$case;
		my ($code, $text, $said) = report($file, @options);
		like("$code $text$said", qr/^125 heaptrace: outfile \S+ cannot be written: it is a record that is to be read: name another file\n\z/,
			"a record is not overwritten: @options");
	}
	is((report($_))[0], 0, 'and can still be reported') for $rec, "$dir/run/old";
	($status, $out, $err) = run(undef, '/bin/bash', '-c', 'ulimit -v 200000; exec "$@"', 'bash', $heaptrace, "--record=$rec", '/bin/true');
	is($status, 0, 'RLIMIT_AS: the program runs');
	my ($watched, undef, $text) = run(undef, '/bin/bash', '-c', 'ulimit -f 100; exec "$@"', 'bash', $heaptrace, '--depth=20', '--top=1', $work, "$dir/cells", 'stacks');
	like("$watched $text", qr/^0 .*num of backtrace : 16385/s, 'RLIMIT_FSIZE, watched: as if there were none');
}

# A full disk.
SKIP: {
	mkdir "$dir/disk";
	skip 'cannot mount a tmpfs here', 5 if $> || system("mount -t tmpfs -o size=600k none $dir/disk 2>/dev/null");
	my ($pid, $in) = start(undef, $heaptrace, "--record=$dir/disk/rec", "--outfile=$dir/run/out", '--depth=20', $work, "$dir/cells", 'stacks');
	ok(wait_word('ready'), 'a full disk: the program runs');
	kill 'USR1', $pid;
	close $in;
	is(finish($pid, 20), 0, 'a full disk: to its end');
	my ($status, $text) = report("$dir/disk/rec", '--top=0');
	is($status, 0, 'a full disk: a report');
	like($text, qr/\(table full\).*no space to keep them apart/s, 'which says so');
	my $sum = 0;
	$sum += $_ for $text =~ /^=== .*\[count\/peak: (\d+)\//mg;
	cmp_ok($sum, '>=', 16384 + 10, 'and has everything');
	system("umount $dir/disk");
}

# Another machine: the program's debug data are elsewhere, and so are its files.
SKIP: {
	my ($id) = `readelf -n $work 2>/dev/null` =~ /Build ID: ([0-9a-f]+)/;
	skip 'no build id, or no binutils', 3 if !$id || system("objcopy --version >/dev/null 2>&1");
	my $file = "$dir/debug/.build-id/" . substr($id, 0, 2) . '/' . substr($id, 2) . '.debug';
	system("cp $work $dir/whole && mkdir -p $dir/debug/.build-id/" . substr($id, 0, 2) .
	       " && objcopy --only-keep-debug $work $file && strip $work") == 0 or die;
	my ($pid, $in) = record('stacks');
	kill 'KILL', $pid;
	finish($pid, 5);
	unlike((report($rec, '--top=1'))[1], qr/work_alloc/, 'a stripped program has no names');
	like((report($rec, '--top=1', "--debug-dir=$dir/debug"))[1], qr/ work_alloc_0 \+0x\S+ at \S*killed_work\.c:\d+\n/, '--debug-dir');
	like((report($rec, '--top=1', "--debug-dir=$dir/none", "--debug-dir=$dir/debug", '--no-lines'))[1], qr/ work_alloc_0 \+0x\w+\n/, '--debug-dir, a second one') if mkdir "$dir/none";
	rmdir "$dir/none";
	rename "$dir/whole", $work;
}
{
	my ($pid, $in) = record('stacks');
	kill 'KILL', $pid;
	finish($pid, 5);
	system("mkdir -p $dir/root$dir && mv $work $dir/root$work");
	unlike((report($rec, '--top=1'))[1], qr/work_alloc/, 'without the program\'s file there are no names');
	like((report($rec, '--top=1', "--sysroot=$dir/root"))[1], qr/ work_alloc_0 \+0x.*main \+0x/s, '--sysroot');
	mkdir "$dir/wrong";
	my ($base) = $work =~ m{([^/]+)$};
	like((report($rec, '--top=1', "--sysroot=$dir/wrong"))[1], qr/names missing +: .*\Q$base\E \(it is not below --sysroot\)/, 'a wrong --sysroot');
	system("mkdir -p $dir/wrong$dir && cp /bin/true $dir/wrong$work");
	like((report($rec, '--top=1', "--sysroot=$dir/wrong"))[1], qr/names missing +: .*\Q$base\E \(below --sysroot is another version of it\)/, 'one with another program');
	# Options that would say nothing.
	is((run(undef, $heaptrace, "--sysroot=$_", "--report=$rec"))[2], "heaptrace: sysroot $_ cannot be searched: No such file or directory\n", "--sysroot=$_")
		for "$dir/nowhere";
	is((run(undef, $heaptrace, '--sysroot=', "--report=$rec"))[0], 125 << 8, 'an empty --sysroot');
	is((run(undef, $heaptrace, "--sysroot=$0", "--dump=1"))[2], "heaptrace: sysroot $0 cannot be searched: Not a directory\n", '--sysroot, a file');
	my ($status, $out, $err) = run(undef, $heaptrace, "--sysroot=$dir", '/bin/echo', 'runs');
	is("$status $out", (125 << 8) . ' ', '--sysroot with a program');
	like($err, qr/^heaptrace: --sysroot is for --report and --dump: .*\n$/, 'is refused');
	for (qw(--depth=3 --record=x --every=1 --above=1M --no-watch --children=no --signal-size=HUP --signal-count=HUP --unwind=check)) {
		my ($name) = /^([^=]*)/;
		is((run(undef, $heaptrace, $_, "--report=$rec"))[2], "heaptrace: $name is for tracing a PROGRAM; --report prints what has been traced: leave $name out\n", "$_ with --report");
		is((run(undef, $heaptrace, "--dump=1", $_))[2], "heaptrace: $name is for tracing a PROGRAM; --dump prints what has been traced: leave $name out\n", "$_ with --dump");
	}
	local $ENV{HEAPTRACE_OPTIONS} = "record=$dir/run/other:every=9:sysroot=$dir/root";
	like((report($rec, '--top=1'))[1], qr/ work_alloc_0 \+0x/, 'in the environment they are left aside');
	$ENV{HEAPTRACE_OPTIONS} = "sysroot=$dir/nowhere";
	is((run(undef, $heaptrace, '/bin/echo', 'runs'))[1], "runs\n", 'and --sysroot too');
	system("mv $dir/root$work $work");
}

# Each process has its own.
{
	my ($pid, $in) = record('fork');
	wait_word('child');
	my ($child) = slurp("$dir/stdout") =~ /child (\d+)/;
	kill 'KILL', $child, $pid;
	finish($pid, 5);
	like((report("$rec.$child"))[1], qr/\/proc\/$child\/maps/, 'a forked child: FILE.PID');
	unlink glob "$dir/run/*";
	run(undef, $heaptrace, "--record=$rec-%c-%p", '--outfile=/dev/null', 'sh', '-c', 'ls / >/dev/null; exit 0');
	like(join(' ', glob "$dir/run/*"), qr/rec-ls-\d+.*rec-sh-\d+/s, 'placeholders');
	unlink glob "$dir/run/*";
	run(undef, $heaptrace, "--record=$rec", '--outfile=/dev/null', 'sh', '-c', 'exec ls /');
	is(join(' ', map { s/.*\///r } glob "$dir/run/*"), 'rec', 'exec: one file');
	like((report($rec))[1], qr/\(ls\)/, 'which is the newer program\'s');
}
# A copy on another file system that has the same inode number there is not what the process that
# runs has mapped: its ages stand still. The original's go on.
SKIP: {
	my $script = <<'END';
mkdir $1/one $1/two && mount -t tmpfs one $1/one && mount -t tmpfs two $1/two || exit 77
"$2" --no-watch --record=$1/one/rec --outfile=/dev/null "$3" $1/cells stacks <$1/fifo >$1/word &
exec 9>$1/fifo
until grep -q ready $1/word; do sleep 0.01; done
inode=$(stat -c %i $1/one/rec)
n=0
until [ -e $1/two/$n ] && [ "$(stat -c %i $1/two/$n)" = $inode ]; do
	n=$((n + 1))
	[ $n -lt 200 ] || exit 77
	: >$1/two/$n
done
cp --sparse=always $1/one/rec $1/two/$n
for file in one/rec two/$n one/rec two/$n; do
	"$2" --report=$1/$file --no-lines | sed -n 's/.*\(age: .*\)/\1/p' | sort | tr '\n' ' '
	echo
	sleep 0.5
done
exec 9>&-
wait
END
	skip 'two file systems: needs root and unshare', 2 if $> || system 'unshare -m true 2>/dev/null';
	mkdir "$dir/mount";
	POSIX::mkfifo("$dir/mount/fifo", 0600);
	my ($status, $text, $err) = run(undef, 'unshare', '-m', '/bin/sh', '-c', $script, 'sh', "$dir/mount", $heaptrace, $work);
	skip 'two file systems: cannot be mounted here', 2 if $status == 77 << 8;
	my @ages = split /\n/, $text;
	is($ages[1], $ages[3], 'a copy with the same inode number elsewhere: of no process that runs') or diag($err);
	isnt($ages[0], $ages[2], 'the file that the process has mapped: its ages go on');
}
done_testing;
