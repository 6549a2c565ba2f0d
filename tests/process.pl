# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests of a process's life share: building subjects, running programs with a time
# limit, sending signals, and reading what was dumped. `require './tests/process.pl'`.
use strict;
use warnings;
use File::Temp 'tempdir';
use POSIX ':sys_wait_h';
use Time::HiRes qw(time sleep);
require './tests/common.pl';

our $dir = tempdir(CLEANUP => 1);
our $heaptrace = $ENV{HEAPTRACE_TESTED} || './heaptrace';	# tests/checked.t has another one tested
my $cc = $ENV{CC} || 'cc';
my %running;

# A run that the test gives up must not outlive it.
END {
	my $status = $?;
	kill 'KILL', keys %running;
	$? = $status;
}

# Builds tests/subjects/SOURCE.c as $dir/NAME.
sub build {
	my ($source, $name, @flags) = @_;
	my @command = ($cc, '-std=gnu11', '-Wall', '-Wextra', '-g', '-O1', '-fno-builtin',
		       '-fno-optimize-sibling-calls', '-D_GNU_SOURCE',
		       '-o', "$dir/$name", "tests/subjects/$source.c", @flags, '-pthread', '-ldl');
	system(@command) == 0 or die "@command";
	return "$dir/$name";
}

# Starts a command in the background: its standard input is the write end that comes back,
# its outputs are the files $dir/stdout and $dir/stderr, unless `prepare` (a sub that runs in
# the child before exec) says otherwise.
sub start {
	my ($prepare, @command) = @_;
	pipe my $read, my $write or die "pipe: $!";
	unlink "$dir/stdout", "$dir/stderr";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		%running = ();
		close $write;
		open STDIN, '<&', $read;
		close $read;
		open STDOUT, '>', "$dir/stdout";
		open STDERR, '>>', "$dir/stderr";
		$prepare->() if $prepare;
		exec { $command[0] } @command or POSIX::_exit(99);
	}
	close $read;
	$running{$pid} = 1;
	return ($pid, $write);
}

# Waits for a process; its wait status, or 'timeout' (and then it is killed).
sub finish {
	my ($pid, $seconds) = @_;
	my $end = time + $seconds;
	my $pause = 0.001;
	while (1) {
		my $done = waitpid $pid, WNOHANG;
		if ($done == $pid) {
			delete $running{$pid};
			return $?;
		}
		if (time > $end) {
			kill 'KILL', $pid;
			waitpid $pid, 0;
			delete $running{$pid};
			return 'timeout';
		}
		sleep $pause;
		$pause *= 1.5 if $pause < 0.02;
	}
}

# Runs a command to its end: wait status, standard output, standard error.
sub run {
	my ($prepare, @command) = @_;
	my ($pid, $in) = start($prepare, @command);
	close $in;
	my $status = finish($pid, 60);
	return ($status, slurp("$dir/stdout"), slurp("$dir/stderr"));
}

# The same in a shell that has set limits: `ulimit` commands.
sub limited {
	my ($limits, @command) = @_;
	unlink glob "$dir/run/*";
	return run(undef, '/bin/bash', '-c', "$limits\nexec \"\$@\"", 'bash', @command);
}

# Whether something becomes true within some seconds.
sub wait_for {
	my ($true, $seconds) = @_;
	my $end = time + ($seconds || 30);
	until ($true->()) {
		return 0 if time > $end;
		sleep 0.002;
	}
	return 1;
}

# Waits until the process says a word on its standard output.
sub wait_word {
	my ($word) = @_;
	return wait_for(sub { (slurp("$dir/stdout") // '') =~ /\Q$word\E/ });
}

# Lets a subject take steps, each followed by a pause: it reads a byte for each step, and answers by a byte when the step
# is done. `before` is how many steps it has taken so far.
sub take_steps {
	my ($in, $steps, $before, $pause) = @_;
	for my $n (1 .. length $steps) {
		syswrite $in, substr $steps, $n - 1, 1;
		wait_for(sub { length(slurp("$dir/stdout") // '') >= $before + $n }) or BAIL_OUT('no answer');
		sleep $pause if $pause;
	}
}

my $rule = '=' x 65;
my $size = qr/\d+ bytes|\d+\.\d{3} [KMG]B/;
my $age = qr/\d+ ns|\d+\.\d{3} (?:us|ms|secs)|\d+ mins? \d+ secs?|\d+ hours? \d+ mins?/;
my $key = qr/[a-z]+(?:-[a-z]+)?/;
my $summary = qr/^\[heaptrace\]\ (?:
	heap\ traced\ num\ of\ backtrace\ :\ \d+ |
	heap\ traced\ allocation\ size\ \ :\ $size |
	allocator\ info\ \(virtual\)\ {5}:\ (?:$size(?:\ \(estimated\))?|unknown\ \(.+\)) |
	allocator\ info\ \(resident\)\ {4}:\ $size\ \((?:handed\ out|estimated),\ not\ RSS\) |
	dump\ \d+\ .*\ after\ the\ start |
	statm\ info\ \(VSS\/RSS\/shared\)\ \ :\ (?:$size\ \/\ $size\ \/\ $size|unknown) |
	where\ RSS\ goes\ +:\ .+ | -\ .+:\ +-?\d+\.\d{3}\ MB\ +\d+\ % |
	Largest\ part\ of\ RSS:\ .+ | malloc_trim\(3\)\ would\ give\ back\ (?:about\ (?:$size)|nothing)\. |
	kept\ by\ the\ runtime\ for\ good\ :\ .+\ counted\ above |
	heap\ left\ out\ by\ --ignore\ {4}:\ \d+\ backtraces?,\ $size |
	rules\ that\ matched\ nothing\ {3}:\ .+\ \(--ignore\) |
	(?:names|lines)\ missing\ +:\ .+ |
	not\ seen\ +:\ .+)$/x;

# Checks that a text is dumps and nothing else: each from its rule to its closing rule, with
# as many backtraces as it says, none inside another. Returns the sort keys of the dumps in
# their order, or, in a scalar, a complaint in the first element.
sub text_dumps {
	my ($text) = @_;
	my ($state, $listed, $said, $line_number, @keys) = ('out', 0, undef, 0);
	return ('the last line is cut') if length $text && $text !~ /\n\z/;
	for (split /\n/, $text) {
		$line_number++;
		s/~(?=\d)//g;	# of estimates
		my $bad = "line $line_number, $state: $_";
		if ($state eq 'out') {
			next if /^\[heaptrace\] (?!dump|heap|allocator|statm)/;
			return $bad if $_ ne $rule;
			($state, $listed, $said) = ('head', 0, undef);
		} elsif ($state eq 'head') {
			/^\[heaptrace\] dump allocation status for \/proc\/\d+\/maps \(.*\), sorted by ($key)$/
				or return $bad;
			push @keys, $1;
			$state = 'opening';
		} elsif ($state eq 'opening' && /^\[heaptrace\] (?!heap traced)/) {
			next;	# tests/check_dump.pl has the forms of these lines
		} elsif ($state eq 'frames') {
			next if /^[ \d]\d \[ *0x[0-9a-f]+\] \S/ || $_ eq '(table full)' || /^    \.\.\. \d+ frames /;
			$_ eq '' or return $bad;
			$state = 'row';
		} elsif ($_ eq $rule) {
			return "$bad: says " . ($said // 'nothing') . ", lists $listed"
				if !defined $said || $said < $listed;
			$state = 'out';
		} elsif (/^=== backtrace #(\d+) === \[count\/peak: \d+\/\d+\] \[size\/peak: $size\/$size\] \[age: $age\](?: \[[\w-]+: [^\]]+\])*$/) {
			return $bad if $1 != ++$listed || defined $said;
			$state = 'frames';
		} else {
			next if $_ =~ /^\[heaptrace\] (?:allocators of its own        |pool ".*" *): \S/;
			$_ =~ $summary or return $bad;
			$said = $1 if /num of backtrace : (\d+)/;
		}
	}
	return "ends in state $state" if $state ne 'out';
	return ('', @keys);
}

# Checks a folded text line by line: the first line that is not well-formed, or ''.
sub bad_folded {
	my ($text) = @_;
	return 'the last line is cut' if length $text && $text !~ /\n\z/;
	for (split /\n/, $text) {
		return $_ unless /^[^;\x00-\x1f]+(?:;[^;\x00-\x1f]+)* [1-9][0-9]*$/;
	}
	return '';
}

# The folded weight of all stacks that pass through a function.
sub folded_weight {
	my ($text, $function) = @_;
	my $sum = 0;
	for (split /\n/, $text // '') {
		$sum += $1 if /(?:^|;)\Q$function\E(?:;.*)? (\d+)$/;
	}
	return $sum;
}

1;
