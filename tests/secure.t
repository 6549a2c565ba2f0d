#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# What other users could influence: files that they have put in the place of ours, and programs that
# have more rights than who starts them.
use strict;
use warnings;
use Cwd 'abs_path';
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

$heaptrace = abs_path('heaptrace');
my $library = abs_path('libheaptrace.so');
my $secure = build('secure', 'secure');
chmod 0755, $dir;
my ($me, $other) = (65534, 65533);	# two users that are nobody
my $stack = qr/^main;malloc 123456$|;main;malloc 123456$/m;

sub become {
	my ($user) = @_;
	$) = "$user $user";
	POSIX::setgid($user);
	POSIX::setuid($user);
}

# ---- The temporary file of a folded dump: OUT.PID.tmp, whose name others can guess ----

# What stands there already: [what, how it is made, given its name and the victim's].
my @planted = (
	['a link to a file', sub { symlink $_[1], $_[0] }],
	['a link to no file', sub { symlink "$_[1].new", $_[0] }],
	['a link to a directory', sub { symlink $dir, $_[0] }],
	['another name of a file', sub { link $_[1], $_[0] }],
	['a file', sub { spit($_[0], 'old') }],
	['a FIFO', sub { POSIX::mkfifo($_[0], 0600) }],
	['a directory', sub { mkdir $_[0] }],
);
for (@planted) {
	my ($what, $plant) = @$_;
	my ($out, $victim) = ("$dir/run/out", "$dir/victim");
	system('rm', '-rf', "$dir/run", $victim, "$victim.new");
	mkdir "$dir/run";
	spit($victim, 'precious');
	# The wrapper becomes the program: its number is known before it starts.
	my ($status, undef, $err) = run(sub { $plant->("$out.$$.tmp", $victim) }, $heaptrace, '--flame-graph',
					 "--outfile=$out", '--depth=2', '--children=no', $secure);
	is("$status$err", 0, "planted, $what: the program's status");
	is(slurp($victim), 'precious', "planted, $what: nothing is written to it");
	ok(!-e "$victim.new", "planted, $what: nothing is created through it");
	like(slurp($out), $stack, "planted, $what: the stacks are there");
}

SKIP: {
	skip 'to become other users takes root', 32 if $>;
	skip 'other users cannot get at the library here', 32
		if run(sub { become($me) }, '/bin/sh', '-c', 'test -r "$0" && test -x "$1"', $library, $heaptrace);

	# In a directory like /tmp what another user has planted can be neither used nor removed.
	my $shared = "$dir/shared";
	my $fresh = sub {
		my ($mode, $owner) = @_;
		system('rm', '-rf', $shared, "$dir/victim", "$dir/victim.new");
		mkdir $shared;
		chown $owner, $owner, $shared;
		chmod $mode, $shared;
		spit("$dir/victim", 'precious');
		chmod 0666, "$dir/victim";	# what the kernel lets a user write to, root's files for root
	};
	my $give = sub {
		my ($name, $owner) = @_;
		system('chown', '-h', "$owner:$owner", $name) == 0 or die;
	};
	for (@planted[0, 4]) {
		my ($what, $plant) = @$_;
		$fresh->(01777, 0);
		my ($status, undef, $err) = run(sub {
			$plant->("$shared/out.$$.tmp", "$dir/victim");
			$give->("$shared/out.$$.tmp", $other);
			become($me);
		}, $heaptrace, '--flame-graph', "--outfile=$shared/out", '--depth=2', '--children=no', $secure);
		is("$status$err", 0, "another user's, $what: the program's status");
		is(slurp("$dir/victim"), 'precious', "another user's, $what: nothing is written to it");
		like(slurp("$shared/out"), $stack, "another user's, $what: the stacks are there, by another name");
	}

	# The outfile itself. [what, the directory's mode and owner, the planter, whether it is used]
	for (['a link', 0, 01777, 0, $other, 0], ['a file', 4, 01777, 0, $other, 0],
	     ["the user's own link", 0, 01777, 0, $me, 1], ["the user's own file", 4, 01777, 0, $me, 1],
	     ["a link of the directory's owner", 0, 01777, $other, $other, 1],
	     ['a link in a directory of the group', 0, 01770, $me, $other, 0],
	     ['a link where everybody may do everything', 0, 0777, 0, $other, 1]) {
		my ($what, $which, $mode, $owner, $planter, $used) = @$_;
		for my $child (0, 1) {
			# The file of a child, FILE.PID, has a name that the user has not even given.
			my $name = "outfile, $what" . ($child ? ', a child' : '');
			$fresh->($mode, $owner);
			my $plant = sub {
				my $file = "$shared/out" . ($child ? ".$$" : '');
				$planted[$which][1]->($file, "$dir/victim");
				$give->($file, $planter);
				chmod 0666, $file if $which == 4;
				$ENV{LD_PRELOAD} = $library, $ENV{HEAPTRACE_OPTIONS} = "outfile=$shared/out:run=1" if $child;
				become($me);
			};
			my @command = $child ? ($secure) : ($heaptrace, "--outfile=$shared/out", '--children=no', $secure);
			my ($status, undef, $err) = run($plant, @command);
			my ($file) = glob "$shared/out*";
			if ($used) {
				is("$status$err", 0, "$name: the program's status");
				like(slurp($which ? $file : "$dir/victim"), qr/123\.456 KB/, "$name: it is used");
			} else {
				is($status, $child ? 0 : 125 << 8, "$name: status");
				like($err, qr/another user's file is in its place$/m, "$name: refused, with the reason");
				is(slurp($which ? $file : "$dir/victim"), $which ? 'old' : 'precious', "$name: nothing is written to it");
			}
		}
	}
}

# ---- Programs with more rights than their caller, and a library that the loader preloads for all ----

my $unshare = (grep { -x } map { "$_/unshare" } split /:/, $ENV{PATH})[0];
SKIP: {
	skip 'to make set-user-ID programs takes root', 1 if $>;
	skip 'no unshare here', 1 if !$unshare;
	# /etc/ld.so.preload of a mount namespace of its own, with a copy of /etc.
	my $inside = 'mount --bind "$0/etc" /etc && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"';
	system('cp', '-a', '/etc', "$dir/etc");
	system('cp', $library, "$dir/preloaded.so");
	chmod 0755, "$dir/preloaded.so";
	spit("$dir/etc/ld.so.preload", "$dir/preloaded.so\n");
	# What leads to the program is told not to trace, so that it hands on what it is given as it is.
	my $untraced = 'HEAPTRACE_OPTIONS=children=no:run=1';
	my $preloaded = sub { run(undef, '/usr/bin/env', $untraced, $unshare, '-m', '/bin/sh', '-c', $inside, $dir, @_) };
	my ($status) = $preloaded->('/bin/true');
	skip 'no mount namespaces, or no setpriv, here', 1 if $status;
	mkdir "$dir/open";
	chmod 0777, "$dir/open";
	(undef, undef, my $err) = $preloaded->('/usr/bin/env', 'HEAPTRACE_OPTIONS=top=1', $secure);
	like($err, qr/\[heaptrace\] initialized/, 'a program without more rights is traced by way of /etc/ld.so.preload');

	for (['set-user-ID', 04755, '0:0'], ['set-group-ID', 02755, '0:0'], ['a file capability', 0755, '65534:65534']) {
		my ($kind, $mode, $owner) = @$_;
		my $program = "$dir/with-rights";
		unlink $program;
		system('cp', $secure, $program);
		system('chown', $owner, $program);
		chmod $mode, $program;
		SKIP: {
			skip 'no setcap here', 1 if $kind =~ /cap/ && system("setcap cap_net_raw+ep $program 2>/dev/null");
			my (undef, $native) = run(undef, '/bin/sh', '-c', 'exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"',
						  'sh', '/usr/bin/env', 'HEAPTRACE_OPTIONS=none', $program);
			skip "$kind gives no rights here", 1 unless $native =~ /^secure 1 /m;
			for my $options ('', "outfile=$dir/open/out", "flame-graph:outfile=$dir/open/out", "record=$dir/open/rec",
					 "ignore=/etc/shadow:outfile=$dir/open/out", 'held=3:run=1:every=1:above=1', 'no-such-option=1') {
				unlink glob "$dir/open/*";
				my ($traced_status, $out, $traced_err) = $preloaded->('/usr/bin/env', "HEAPTRACE_OPTIONS=$options",
					"LD_PRELOAD=$library", $program);
				is($traced_status, 0, "$kind, $options: status");
				is($out =~ s/options \K.*//r, $native =~ s/options \K.*//r, "$kind, $options: as natively");
				is(join(' ', glob "$dir/open/*"), '', "$kind, $options: no file is made");
				is($traced_err, '', "$kind, $options: nothing is said");
			}
			# The program after it has the rights for good, and its environment.
			if ($kind !~ /cap/) {
				unlink glob "$dir/open/*";
				my ($became, $out) = $preloaded->('/usr/bin/env', "HEAPTRACE_OPTIONS=outfile=$dir/open/out", $program, 'become');
				is($became, 0, "$kind, what it becomes: status");
				like($out, qr/^secure 1 .*options none$/m, "$kind: the caller's options are gone");
				is(join(' ', glob "$dir/open/*"), '', "$kind, what it becomes: no file is made");
			}
			for my $signal (POSIX::SIGUSR1(), POSIX::SIGTERM()) {
				unlink glob "$dir/open/*";
				my ($killed, undef, $killed_err) = $preloaded->($program, $signal);
				is($killed, $signal, "$kind: signal $signal ends it as natively");
				is($killed_err, '', "$kind: and no dump comes of it");
			}
		}
	}
}
done_testing;
