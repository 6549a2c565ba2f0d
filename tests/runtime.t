#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# What the runtime keeps for good is one line at the exit, and no row: libstdc++'s emergency pool, the buffers of
# stdin, stdout and stderr, what ld.so notes of libraries. What only looks like it is listed.
use strict;
use warnings;
use Cwd;
use File::Temp 'tempdir';
use Test::More;
require './tests/common.pl';

my $top = getcwd();
my $heaptrace = "$top/heaptrace";
my $dir = tempdir(CLEANUP => 1);
my $cc = $ENV{CC} || 'cc';
chdir $dir or die;

sub make_program {
	my ($file, $text, $command) = @_;
	open my $out, '>', $file or die;
	print $out $text;
	close $out;
	system($command) == 0 or die $command;
}

sub rows { return scalar(() = $_[0] =~ /^=== backtrace/mg) }
sub kept { return $_[0] =~ /^\[heaptrace\] kept by the runtime for good : (.*)$/m ? $1 : '' }

# Runs a program with options; checks the form of its dump, and returns it.
sub dump_of {
	my ($top_rows, @command) = @_;
	system("$heaptrace --outfile=out --top=$top_rows @command >/dev/null") == 0 or diag "@command: status $?";
	is(`perl $top/tests/check_dump.pl $top_rows out`, '', "@command: the form, and sizes add up");
	open my $in, '<', 'out' or die;
	return join '', <$in>;
}

make_program('leak.cc', <<'EOF', 'g++ -o leak leak.cc');
#include <cstdlib>
#include <iostream>
#define SITE(n) __attribute__((noinline)) void site##n() { static void *volatile kept[8]; for (int i = 0; i < n; i++) kept[i] = malloc(100); }
SITE(1) SITE(2) SITE(3)
int main() { site1(); site2(); site3(); std::cout << "done\n" << std::flush; }
EOF
my $text = dump_of(10, './leak');
is(rows($text), 3, 'C++: the program\'s own rows');
like($text, qr/backtrace #1 === \[count\/peak: 3\/3\]/, 'the largest of them is the first');
like(kept($text), qr/^7[23]\.\d{3} KB in 1 block of libstdc\+\+ \(emergency pool\)/, 'the pool has its line');
like($text, qr/num of backtrace : [45]\n/, 'and is part of the totals');
is(rows(dump_of(3, './leak')), 3, 'as many rows as --top says are listed, not fewer');
for (['--all-frames', 10], ['', 0]) {
	my ($option, $rows) = @$_;
	$text = dump_of($rows, $option, './leak');
	like($text, qr/backtrace #1 === \[count\/peak: 1\/1\] \[size\/peak: 7[23]\.\d{3} KB/, "top=$rows $option: the pool is a row");
	is(kept($text), '', "top=$rows $option: and has no line");
}
unlike(dump_of(10, '--sort=heap-peak', './leak'), qr/kept by the runtime/, 'keys of the past list what was there');

# No more names are looked up than those of the rows that are listed: they cost most of a dump's time.
SKIP: {
	skip 'no strace', 3 unless grep { -x "$_/strace" } split /:/, $ENV{PATH};
	make_program('libsmall.c', "#include <stdlib.h>\nvoid *small(void) { void *volatile p = malloc(50); return p; }\n", "$cc -O1 -shared -fPIC -Wl,--build-id=0x5a11234567 -o libsmall.so libsmall.c");
	make_program('large.c', "#include <stdlib.h>\nvoid *small(void);\nint main(int argc, char **argv) { void *volatile p = malloc(argc > 1 ? 2048 : 100); return !small() || !p; }\n", "$cc -O1 -o large large.c -L. -lsmall -Wl,-rpath,$dir");
	system("strace -f -o trace -e trace=openat $heaptrace --top=1 --outfile=out ./large");
	is(scalar(() = slurp('trace') =~ /libsmall\.so.*= \d/g), 1, 'a library without a row that is listed is opened by the loader only');
	# A row that may turn out to be the runtime's: of the next one the functions are looked up, but not the lines.
	system("strace -f -o trace -e trace=openat $heaptrace --top=1 --outfile=out ./large 2048");
	unlike(slurp('trace'), qr{5a/11234567\.debug}, 'and the debug file of one that will hardly be listed is not looked for');
	system("strace -f -o trace -e trace=openat $heaptrace --top=2 --outfile=out ./large 2048");
	like(slurp('trace'), qr{5a/11234567\.debug}, 'but of one that is listed it is');
}

make_program('stdio.c', <<'EOF', "$cc -O1 -o stdio stdio.c");
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	puts("x");
	for (int i = 1; i < argc; i++) {
		FILE *never_closed = fopen("/etc/passwd", "r");

		if (!never_closed || getc(never_closed) == EOF)
			return 1;
	}
	return !argv;
}
EOF
$text = dump_of(10, './stdio');
is(rows($text), 0, 'hello, world: no row');
like(kept($text), qr/^\d\.\d{3} KB in 1 block of libc \(stdio\); counted above$/, 'but the line');
$text = dump_of(10, './stdio a b c');
like($text, qr/^=== backtrace #\d+ === \[count\/peak: 3\/3\].*\n 0 .*\n 1 .* _IO_file_doallocate/m, 'buffers of files that were never closed are a row');
like($text, qr/fopen/, 'and the files themselves');

make_program('load.c', <<'EOF', "$cc -O1 -pthread -o load load.c -ldl");
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>
static void *nothing(void *unused) { return unused; }
int main(int argc, char **argv)
{
	pthread_t t;

	if (argc > 1)
		return pthread_create(&t, NULL, nothing, NULL) || usleep(20000);
	return !dlopen("libm.so.6", RTLD_NOW);
}
EOF
like(kept(dump_of(10, './load')), qr/ blocks? of ld\.so; counted above$/, 'a library that stays loaded');
unlike(kept(dump_of(10, './load thread')), qr/ld\.so/, 'a thread that was never joined is not the runtime\'s');

# A dump of a program that runs lists them as before: nobody knows yet what stays.
make_program('signal.cc', <<'EOF', 'g++ -O1 -o signal signal.cc');
#include <iostream>
#include <signal.h>
int main() { std::cout << "x" << std::endl; raise(SIGUSR1); }
EOF
like(dump_of(10, './signal'), qr/by SIGUSR1, .*(?:\n.*){1,25}?\n=== backtrace #1 === \[count\/peak: 1\/1\] \[size\/peak: 7[23]\./, 'a dump on a signal has the row');

done_testing();
