#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Descriptors and files: the program finds none of ours where it looks, ours are never
# written to once they are another's, and an output that cannot be written harms nobody.
use strict;
use warnings;
use Fcntl ':mode';
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

my $set = build('fd_set', 'fd_set');
my $prefix = "$dir/run/out";
mkdir "$dir/run" or die;
my @outputs = ([], ['--outfile=-', '--top=1'], ["--outfile=$prefix"],
	       ['--flame-graph', "--outfile=$prefix"]);

# What the program prints, without the dumps that may stand between.
sub own_lines {
	my ($text) = @_;
	return join '', grep { /^(?:limits|open|fd|line|written)\b/ } split /^/, $text;
}

for my $limit ('ulimit -Sn 16', 'ulimit -Sn 64', 'ulimit -Sn 1024') {
	for my $options (@outputs) {
		for my $what ('show', 'dumps', 'exec') {
			my (undef, $native) = limited($limit, $set, $what eq 'dumps' ? 'show' : $what);
			my ($status, $out) = limited($limit, $heaptrace, @$options, $set, $what);
			is(own_lines($out), $native, "$limit, @$options, $what: the descriptors are the native ones");
			is($status, 0, "$limit, @$options, $what: exit status");
		}
	}
}

# Where the limit leaves no room above (and we may not raise it), ours are as high as can be.
for my $limit ('ulimit -n 64', 'ulimit -n 1024') {
	for my $options (@outputs) {
		my (undef, $native) = limited($limit, $set, 'low');
		my ($status, $out) = limited($limit, $heaptrace, @$options, $set, 'low');
		is(own_lines($out), $native, "$limit, @$options: nothing of ours in the lower half");
		(undef, $native) = limited($limit, $set, 'show');
		($status, $out) = limited($limit, $heaptrace, @$options, $set, 'show');
		my %native = map { $_ => 1 } split /\n/, $native;
		my @ours = grep { !$native{$_} && !/ flags 1$/ } split /\n/, own_lines($out);
		is("@ours", '', "$limit, @$options: ours are closed on exec");
	}
}
# A fork copies the kernel's table of descriptors up to the highest, so ours are not far up where programs scan.
for my $options (@outputs) {
	my (undef, $out) = limited('ulimit -n 20000 2>/dev/null || ulimit -n $(ulimit -Hn)', $heaptrace, @$options, 'bash', '-c',
				   'for fd in /proc/$$/fd/*; do echo open ${fd##*/} $(ulimit -n); done');
	my @far = grep { /^open (\d+) (\d+)/ && $1 >= 1024 && $1 < $2 } split /\n/, $out;
	is("@far", '', "@$options: a high limit that cannot be raised: no descriptor of ours beyond 1024");
}
{
	my ($status, $out) = limited('ulimit -n 4', $heaptrace, "--outfile=$prefix", $set, 'lines');
	is($status, 4 << 8, 'room for one descriptor: exit status');
	is(own_lines($out), "limits 4 4\nline\n", 'room for one descriptor: output');
}

# The program puts its own files where ours were.
for my $options (@outputs) {
	mkdir "$dir/own";
	unlink glob "$dir/own/*";
	my ($status, $out) = limited(':', $heaptrace, @$options, $set, 'replace', "$dir/own");
	is($status, 0, "replace, @$options: exit status");
	unlike($out, qr/written to/, "replace, @$options: nothing is written to the program's files");
	is(join(' ', grep { -s } glob "$dir/own/*"), '', "replace, @$options: at the end either");
	my @found = grep { -s } $prefix;
	is(scalar @found, 1, "replace, @$options: the dump is found nevertheless") if "@$options" =~ /run\/out/;
}

# A pipe whose reader is gone.
for my $options ([], ['--flame-graph']) {
	pipe my $read, my $write or die;
	close $read;
	my $prepare = sub { open STDERR, '>&', $write; $SIG{PIPE} = 'DEFAULT' };
	my ($status, $out) = run($prepare, $heaptrace, @$options, $set, 'lines');
	is($status, 4 << 8, "standard error without reader, @$options: exit status");
	like($out, qr/^line$/m, "standard error without reader, @$options: output");
}
{
	# Standard output has no reader and the program does not write to it.
	pipe my $read, my $write or die;
	close $read;
	my $prepare = sub { open STDOUT, '>&', $write; $SIG{PIPE} = 'DEFAULT' };
	my ($status) = run($prepare, $heaptrace, '--outfile=-', '/bin/sh', '-c', 'exit 3');
	is($status, 3 << 8, '--outfile=- without reader: exit status');
}
for my $stream (1, 2) {
	my $prepare = sub { POSIX::close($stream) };
	my ($status) = run($prepare, $heaptrace, '/bin/sh', '-c', 'exit 3');
	is($status, 3 << 8, "descriptor $stream closed from the start: exit status");
}

# Outputs that fail: said once, and no more than said. (Nodes of our own, not those in /dev.)
for my $options (["--outfile=$dir/full"], ['--flame-graph', "--outfile=$dir/full"]) {
	SKIP: {
		unlink "$dir/full";
		system("mknod '$dir/full' c 1 7 2>/dev/null") == 0 && open my $try, '>', "$dir/full"
			or skip 'cannot make device nodes', 3;
		my ($status, $out, $err) = run(undef, $heaptrace, @$options, $set, 'lines');
		is($status, 4 << 8, "@$options: exit status");
		is(own_lines($out) =~ s/^limits.*\n//r, "line\n", "@$options: output");
		is($err, "[heaptrace] cannot write the dump to $dir/full: no space left on the device\n",
		   "@$options: said once");
	}
}
for my $options (["--outfile=$prefix"], ['--flame-graph', "--outfile=$prefix"]) {
	# Through pipes, because the limit is for the outputs too.
	unlink glob "$dir/run/*";
	my ($status, $out) = run(undef, '/bin/bash', '-c',
		'(ulimit -f 0; exec "$@") 2>&1 | cat; exit ${PIPESTATUS[0]}', 'bash', $heaptrace,
		@$options, $set, 'lines');
	is($status, 4 << 8, "no file may grow, @$options: exit status");
	like($out, qr/^line$/m, "no file may grow, @$options: output");
	is(() = $out =~ /cannot write the dump/g, 1, "no file may grow, @$options: said once") or diag($out);
	is(join(' ', glob "$dir/run/*.tmp"), '', "no file may grow, @$options: no temporary file");
}
for my $options (["--outfile=$dir/fifo"], ['--flame-graph', "--outfile=$dir/fifo"]) {
	POSIX::mkfifo("$dir/fifo", 0600);
	my ($status, $out, $err) = run(undef, $heaptrace, @$options, $set, 'lines');
	is($status, 4 << 8, "a FIFO without reader, @$options: exit status, no hang");
	is(() = $err =~ /nobody reads from it/g, 1, "a FIFO without reader, @$options: said once") or diag($err);
	ok(-p "$dir/fifo", "a FIFO without reader, @$options: it stays");
}

# Devices and links are written through, never replaced. (A node of our own, not /dev/null.)
for my $options (["--outfile=$dir/null"], ['--flame-graph', "--outfile=$dir/null"]) {
	SKIP: {
		unlink "$dir/null";
		system("mknod '$dir/null' c 1 3 2>/dev/null") == 0 && open my $try, '>', "$dir/null"
			or skip 'cannot make device nodes', 2;
		my ($status, undef, $err) = run(undef, $heaptrace, @$options, $set, 'lines');
		is($status . $err, 4 << 8, "@$options: exit status");
		my @st = stat "$dir/null";
		ok(S_ISCHR($st[2]) && $st[6] == (1 << 8 | 3), "@$options: still the device");
	}
	unlink "$dir/null", "$dir/target";
	symlink "$dir/target", "$dir/null" or die;
	my ($status) = run(undef, $heaptrace, @$options, $set, 'lines');
	is($status, 4 << 8, "a symlink, @$options: exit status");
	ok(-l "$dir/null", "a symlink, @$options: still one");
	ok(-s "$dir/target", "a symlink, @$options: written through");
}

# A reader at any moment finds a whole document.
{
	my $storm = build('storm_work', 'storm_work');
	unlink glob "$dir/run/*";
	my ($pid) = start(undef, $heaptrace, '--flame-graph', "--outfile=$prefix", $storm, 'inside', 10000);
	my ($reads, @bad) = (0);
	wait_for(sub { -e $prefix });
	while ((slurp("/proc/$pid/stat") // ') Z') !~ /\) Z/ && $reads < 200000) {
		my $text = slurp($prefix);
		my $bad = !defined $text ? 'no file' : $text eq '' ? 'empty' : bad_folded($text);
		push @bad, $bad if $bad ne '';
		$reads++;
	}
	is(finish($pid, 60), 0, 'a reader all the time: exit status');
	is("@bad[0 .. ($#bad < 3 ? $#bad : 3)]", '', 'a reader all the time: always a whole document');
	cmp_ok($reads, '>', 100, 'a reader all the time: many reads');
	is(join(' ', glob "$dir/run/*"), $prefix, 'a reader all the time: no other file is left');
}
done_testing;
