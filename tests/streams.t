#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Outfiles that are no regular files: names of open descriptors (/dev/stdout, bash's `>(command)`),
# FIFOs, sockets, terminals. What is written arrives, of each process of the run, whatever the program
# has closed; and what is a regular file is replaced as a whole.
use strict;
use warnings;
use Cwd 'abs_path';
use Fcntl;
use Socket;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

$heaptrace = abs_path('heaptrace');
my $library = abs_path('libheaptrace.so');
my $streams = build('streams', 'streams');
my %format = (text => [], folded => ['--flame-graph']);

# How many dumps with what keep() keeps there are.
sub dumps {
	my ($text) = @_;
	return scalar(() = ($text // '') =~ /^ 1 \[ *0x[0-9a-f]+\] keep \+|;keep;malloc 54321$/mg);
}

# The program that the outfile's name reaches: ways from a name to what has been written there.
# Each: [name of the way, sub that is given a sub to run with (prepare, outfile) and returns the text]
my @ways;
sub way { push @ways, [@_] }

# Reads a handle to its end while a process runs that has the other end.
sub drain {
	my ($read) = @_;
	my $text = '';
	while (sysread $read, my $some, 65536) {
		$text .= $some;
	}
	return $text;
}

# Makes an open file the descriptor with that number, which stays open in the program that this process becomes.
my @handed_over;
sub hand_over {
	my ($handle, $number) = @_;
	push @handed_over, $handle;	# open until then
	fileno $handle == $number ? fcntl $handle, F_SETFD, 0 : POSIX::dup2(fileno $handle, $number);
}

sub through_pipe {
	my ($run, $number, $name) = @_;
	pipe my $read, my $write or die;
	my $reader = fork // die;
	if (!$reader) {
		close $write;
		open my $to, '>', "$dir/read" or die;
		print $to drain($read);
		close $to;
		POSIX::_exit(0);
	}
	close $read;
	$run->(sub { hand_over($write, $number); $^F = 1000 }, $name);
	close $write;
	waitpid $reader, 0;
	return slurp("$dir/read");
}

for (['/dev/stdout', 1], ['/dev/stderr', 2], ['/dev/fd/1', 1], ['/dev/fd/9', 9], ['/proc/self/fd/9', 9],
     ["$dir/link", 1], ["$dir/links", 9]) {
	my ($name, $number) = @$_;
	way("$name, a pipe", sub { through_pipe($_[0], $number, $name) });
}
symlink '/dev/stdout', "$dir/link";
symlink '/dev/fd/9', "$dir/link9";
symlink 'link9', "$dir/links";

way('/dev/fd/9, a socket', sub {
	my ($run) = @_;
	socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die;
	my $reader = fork // die;
	if (!$reader) {
		close $theirs;
		open my $to, '>', "$dir/read" or die;
		print $to drain($ours);
		close $to;
		POSIX::_exit(0);
	}
	close $ours;
	$run->(sub { hand_over($theirs, 9) }, '/dev/fd/9');
	close $theirs;
	waitpid $reader, 0;
	return slurp("$dir/read");
});
way('/dev/stdout, a file', sub {
	my ($run) = @_;
	unlink "$dir/file";
	$run->(sub { open STDOUT, '>', "$dir/file" or die }, '/dev/stdout');
	like(slurp("$dir/file"), qr/^own$/m, '/dev/stdout, a file: what the program has written is there, too');
	return slurp("$dir/file");
});
way('/dev/fd/9, a file', sub {
	my ($run) = @_;
	unlink "$dir/file";
	$run->(sub { open my $to, '>', "$dir/file" or die; hand_over($to, 9) }, '/dev/fd/9');
	return slurp("$dir/file");
});
way('a FIFO', sub {
	my ($run) = @_;
	unlink glob("$dir/fifo*"), "$dir/read";
	POSIX::mkfifo("$dir/fifo", 0600) or die;
	# Both ends are open, so that neither the reader nor the program has to wait for the other one.
	open my $both, '+<', "$dir/fifo" or die;
	my $reader = fork // die;
	if (!$reader) {
		open my $read, '<', "$dir/fifo" or die;
		close $both;
		open my $to, '>', "$dir/read" or die;
		print $to drain($read);
		close $to;
		POSIX::_exit(0);
	}
	wait_for(sub { -e "$dir/read" }, 60) or die 'no reader';
	$run->(sub { }, "$dir/fifo");
	close $both;
	waitpid $reader, 0;
	is(join(' ', glob "$dir/fifo*"), "$dir/fifo", 'a FIFO: it stays, and no file is made beside it');
	return slurp("$dir/read");
});

# What the program does: [arguments, dumps in all, status]
my @does = ([[], 1, 0], [['close'], 1, 0], [['usr1', 'usr1', 'close'], 3, 0], [['fork'], 2, 0]);
for my $format (sort keys %format) {
	for (@ways) {
		my ($name, $way) = @$_;
		for (@does) {
			my ($arguments, $want, $status) = @$_;
			my $got_status;
			my $text = $way->(sub {
				my ($prepare, $outfile) = @_;
				($got_status) = run($prepare, $heaptrace, @{$format{$format}}, "--outfile=$outfile", '--top=0',
						    $streams, @$arguments);
			});
			is($got_status, $status, "$format, $name, @$arguments: status");
			is(dumps($text), $want, "$format, $name, @$arguments: each dump arrives") or diag($text // 'nothing');
		}
	}
	# The watcher's.
	for (grep { $_->[0] !~ /FIFO/ } @ways) {
		my ($name, $way) = @$_;
		my $text = $way->(sub {
			my ($prepare, $outfile) = @_;
			run($prepare, $heaptrace, @{$format{$format}}, "--outfile=$outfile", $streams, 'kill');
		});
		wait_for(sub { dumps($text = slurp("$dir/file") // '') }, 20) if $name =~ /a file/;
		is(dumps($text), 1, "$format, $name: the dump of what was killed");
	}

	# By name alone, with the library's options.
	my $options = join ':', 'top=0', map { s/^--//r } @{$format{$format}};
	my $text = through_pipe(sub {
		my ($prepare, $outfile) = @_;
		run($prepare, '/usr/bin/env', "LD_PRELOAD=$library", "HEAPTRACE_OPTIONS=$options:outfile=$outfile", $streams, 'close');
	}, 9, '/dev/fd/9');
	is(dumps($text), 1, "$format, without the wrapper");

	# The number is another file's in the next program: nothing is written to that.
	unlink "$dir/mine";
	$text = through_pipe(sub {
		my ($prepare, $outfile) = @_;
		my ($status, undef, $err) = run($prepare, $heaptrace, @{$format{$format}}, "--outfile=$outfile", $streams, 'exec', 9, "$dir/mine");
		like($err, qr/cannot write the dump to \/dev\/fd\/9: the descriptor is closed/, "$format: that the descriptor is gone is said");
	}, 9, '/dev/fd/9');
	is(slurp("$dir/mine"), '', "$format: what has got the number is not written to");

	# bash's own form.
	SKIP: {
		skip 'no bash here', 1 unless -x '/bin/bash';
		unlink "$dir/sub";
		run(undef, '/bin/bash', '-c', "\"\$0\" \"\$@\" --outfile=>(cat >$dir/sub) $streams close", $heaptrace, '--top=0', @{$format{$format}});
		ok(wait_for(sub { dumps(slurp("$dir/sub")) == 1 }, 20), "$format, --outfile=>(command)");
	}

	# Regular files: text is appended to, a document is replaced as a whole.
	unlink glob "$dir/plain*";
	run(undef, $heaptrace, @{$format{$format}}, "--outfile=$dir/plain", $streams);
	is(dumps(slurp("$dir/plain")), 1, "$format, a file that is not there yet");
	my $before = (stat "$dir/plain")[1];
	open my $held, '<', "$dir/plain";
	run(undef, $heaptrace, @{$format{$format}}, "--outfile=$dir/plain", $streams, 'usr1');
	is((stat "$dir/plain")[1] != $before, $format eq 'folded', "$format, a file that is there: " .
	   ($format eq 'folded' ? 'replaced' : 'the same one'));
	is(dumps(slurp("$dir/plain")), $format eq 'folded' ? 1 : 2, "$format: with the newest dump, or all of the run");
	close $held;
	is(join(' ', glob "$dir/plain*"), "$dir/plain", "$format: and nothing beside it");
}

# What cannot be written to is said before anything runs.
for (['a descriptor that is open for reading', sub { open my $in, '<', '/dev/null'; hand_over($in, 9) }, '/dev/fd/9',
      qr/outfile \/dev\/fd\/9 cannot be written: the descriptor is open for reading only$/],
     ['a descriptor that is closed', sub { POSIX::close(9) }, '/dev/fd/9', qr/outfile \/dev\/fd\/9 cannot be written: Bad file descriptor$/],
     ['a socket by its name', sub { socket my $s, AF_UNIX, SOCK_STREAM, 0; bind $s, pack_sockaddr_un("$dir/socket") }, "$dir/socket",
      qr/outfile \S+ cannot be written: it is a socket.*\/dev\/fd\/NUMBER$/]) {
	my ($name, $prepare, $outfile, $says) = @$_;
	for my $format (sort keys %format) {
		unlink "$dir/socket";
		my ($status, $out, $err) = run($prepare, $heaptrace, @{$format{$format}}, "--outfile=$outfile", $streams);
		is("$status$out", 125 << 8, "$format, $name: nothing runs");
		like($err, $says, "$format, $name: why");
	}
}

# --report and --dump print there, too.
run(undef, $heaptrace, "--record=$dir/rec", "--outfile=$dir/plain", $streams);
for my $format (sort keys %format) {
	for (['/dev/stdout', 1], ['/dev/stderr', 2], ['/dev/fd/9', 9]) {
		my ($name, $number) = @$_;
		my $text = through_pipe(sub { run($_[0], $heaptrace, @{$format{$format}}, "--report=$dir/rec", "--outfile=$_[1]") }, $number, $name);
		is(dumps($text), 1, "$format, --report, $name");
	}
}
done_testing;
