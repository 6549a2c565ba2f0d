#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs that are started with an environment in which the preload is not: they are traced all
# the same, by whatever function they are started, and neither they nor who starts them find
# anything in their environment that they would not find natively.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

$heaptrace = POSIX::getcwd() . '/heaptrace';
chmod 0755, $dir;
my $subject = build('environment', 'environment');
mkdir "$dir/run";
my $out = "$dir/run/out";
my $other = "$dir/other.so";
system(($ENV{CC} || 'cc') . " -shared -fPIC -o $other -x c /dev/null") == 0 or die;
delete $ENV{$_} for 'LD_PRELOAD', 'HEAPTRACE_OPTIONS';

# Natively and traced. What the tracer's own two variables add where nothing is taken away is what
# heaptrace always adds, so it is left out of the comparison. Returns the native and the traced
# run's output and all that was dumped.
sub both {
	my ($options, @command) = @_;
	unlink glob "$dir/run/*";
	my ($native_status, $native) = run(undef, @command);
	my ($status, $text, $err) = run(undef, $heaptrace, '--no-lines', "--outfile=$out", @$options, @command);
	my $library = $heaptrace =~ s{[^/]*$}{libheaptrace.so}r;
	return ("$native_status $native", "$status $text", join('', map { slurp($_) } glob "$dir/run/*"), $err);
}

sub dumps_of_child { return scalar(() = $_[0] =~ /333 bytes\/333 bytes\].*\n.* malloc .*\n.* keep_child /g) }

my @own = qw(execve execv execvp execvpe execl execle execlp fexecve execveat execveat_fd execveat_dir
	posix_spawn posix_spawnp system popen vfork_execve vfork_execvpe vfork_execle vfork_execv);
for my $way ('clear', 'empty', 'null', 'both', 'put', 'replace') {
	for my $form (@own) {
		my ($native, $traced, $dumps) = both([], $subject, $way, $form, $other);
		# unsetenv("HEAPTRACE_OPTIONS") was not called in `replace`: it is there as it always is.
		s/options: \d/options/ for $way eq 'replace' ? ($native, $traced) : ();
		is($traced, $native, "$way, $form: the programs see what they see natively");
		# Where libc refuses (fexecve() without an environment) there is none.
		my $children = () = $native =~ /^\d* ?environ:/mg;
		is(dumps_of_child($dumps), $children, "$way, $form: the child is traced") or diag($dumps);
	}
}
# One variable of the two is missing, or there are more than fit on a small stack.
for my $way ('unset', 'options', 'many') {
	for my $form ('execve', 'posix_spawn', 'system', 'popen', 'vfork_execve', 'execv') {
		my ($native, $traced, $dumps) = both([], $subject, $way, $form);
		s/options: \d/options/, s/ LD_PRELOAD=\S+//, s/LD_PRELOAD: \S+/LD_PRELOAD/
			for $way eq 'many' ? () : ($native, $traced);
		is($traced, $native, "$way, $form: the programs see what they see natively");
		is(dumps_of_child($dumps), 1, "$way, $form: the child is traced");
	}
}

# Dump signals that are held back meanwhile reach the new program, which says when it ends.
{
	unlink glob "$dir/run/*";
	my ($status) = run(undef, $heaptrace, '--no-lines', "--outfile=$out", '/bin/sh', '-c',
			   "env -i $subject child; kill -USR1 \$\$; exec env -i $subject child");
	is($status, 7 << 8, 'env -i, with signals on the way: status');
	is(dumps_of_child(join '', map { slurp($_) } glob "$dir/run/*"), 2, 'env -i: both are traced');
	unlink glob "$dir/run/*";
	($status, my $text) = run(undef, $heaptrace, '--no-lines', "--outfile=$out", 'env', '-i', 'env', '-i', 'A=b', 'env');
	is($text, "A=b\n", 'env -i, twice: nothing is seen there');
	is(() = (slurp($out) // '') =~ /initialized/g, 3, 'and all three are traced');
}

# A thread that is cancelled in system(): as in glibc.
for my $way ('clear', 'same') {
	my ($native, $traced) = both([], $subject, $way, 'cancel');
	is($traced, $native, "system(), $way, cancelled: the same");
}

# With --children=no nothing is added, and nothing said.
for my $form ('execve', 'posix_spawn', 'system', 'popen', 'vfork_execve') {
	my ($native, $traced, $dumps, $err) = both(['--children=no'], $subject, 'clear', $form);
	is($traced, $native, "--children=no, $form: the same");
	is(dumps_of_child($dumps) . $err, '0', "--children=no, $form: nobody else is traced");
}

# But what the program becomes is the same process, and is traced.
for my $command ("env -i $subject child", "env -u LD_PRELOAD $subject child", "env -i env -i $subject child") {
	my ($native, $traced, $dumps) = both(['--children=no'], split ' ', $command);
	s/options: \d// for $command =~ /-u/ ? ($native, $traced) : ();
	is($traced, $native, "--children=no, $command: the same");
	is(dumps_of_child($dumps), 1, "--children=no, $command: traced");
}

# A new environment costs the parent no memory, however many children it has.
for my $way ('clear', 'many') {
	my (undef, $text) = run(undef, $heaptrace, '--no-lines', "--outfile=$out", $subject, $way, 'maps');
	like($text, qr/^more maps: (?:-\d+|[0-2])$/m, "300 children, $way: nothing is left behind");
}

# Where popen() must leave an environment behind each time, it does so for a bounded number of calls, and
# then says that it leaves the preload out.
{
	my (undef, $text, $err) = run(undef, $heaptrace, '--no-lines', $subject, 'clear', 'popen_many');
	like($text, qr/^more maps: (?:-\d+|[0-2])$/m, '120 environments for popen() beside a thread: no more memory after 90');
	like($err, qr/popen\(\) starts a shell without LD_PRELOAD/, '120 environments for popen() beside a thread: said');
}

# What cannot be done is said.
{
	my ($native, $traced, $dumps) = both([], $subject, 'clear', 'wordexp');
	is($traced, $native, 'wordexp(): the same');
	like($dumps, qr/wordexp\(\) starts a shell without LD_PRELOAD/, 'wordexp(): that its shell is not traced is said');
	like($dumps, qr/not seen .* 1 started program/, 'and counted');
	($native, $traced, $dumps) = both([], $subject, 'same', 'wordexp');
	unlike($dumps, qr/wordexp\(\) starts/, 'wordexp() in an environment that has it: nothing to say');
}
SKIP: {
	skip 'chroot: needs root', 4 if $>;
	my $root = "$dir/root";
	mkdir $root;
	for my $library (`ldd $subject` =~ m{(/\S+)}g) {
		system "mkdir -p $root" . ($library =~ s{/[^/]*$}{}r) . " && cp -L $library $root$library";
	}
	system "cp $subject $root/subject";
	my ($native, $traced, $dumps, $err);
	for my $way ('clear', 'same') {
		($native, $traced, $dumps, $err) = both([], $subject, $way, 'chroot', $root);
		s/ LD_PRELOAD=\S*//, s/LD_PRELOAD: \S*/LD_PRELOAD/, s/options: \d// for $native, $traced;
		is($traced, $native, "chroot, $way: the same");
		is($err, '', "chroot, $way: the loader finds nothing to complain of");
		like($dumps, qr/subject cannot reach heaptrace's library from its root directory/, "chroot, $way: that is said");
	}
}
done_testing;
