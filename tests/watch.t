#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --watch: the screen under tmux at 80x24 and 200x50, with keys; how it leaves the terminal, however it ends; and the
# lines where there is no terminal.
use strict;
use warnings;
use Cwd;
use POSIX ':sys_wait_h';
use Test::More;
use Time::HiRes qw(sleep);
BEGIN { require './tests/process.pl' }	# so that its END removes the sockets of tmux after the END here
our ($dir, $heaptrace);

$heaptrace = getcwd() . '/heaptrace';
chdir $dir or die;
delete @ENV{qw(HEAPTRACE_OPTIONS LD_PRELOAD NO_COLOR TMUX)};
$ENV{LC_ALL} = 'C.UTF-8';
$ENV{TERM} = 'screen' if !$ENV{TERM} || $ENV{TERM} eq 'dumb';

# ---- The programs ----

# A leak, a cache, and in a thread what has a hostile name. The names have ESC [ 2 J, a C1 control character, a newline,
# a mark that turns the direction, invalid UTF-8, wide characters, and 64 KB. No assembler takes such names, so they are
# written into the program over others of the same length.
my %names = (
	escape => "evil_\e[2J\e[31mred", turned => "turn_\xe2\x80\xae_\xc2\x9b_\xff_end",
	wide => "wide_\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97", newline => "line\nfeed",
	lengthy => 'long' x 16000,
);
my %plain = map { $_ => $_ . '_' x (length($names{$_}) - length) } keys %names;
my $named = join '', map { "NAMED($plain{$_})\n" } sort keys %names;
my $called = join '', map { "p = $plain{$_}(); " } sort keys %names;
spit('grow.c', <<"EOF");
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#define NAMED(f) __attribute__((noinline, noclone)) void *f(void) { void *p = malloc(700); memset(p, 1, 700); return p; }
$named
static void *volatile kept[100000];
__attribute__((noinline, noclone)) void leak(void) { static int n; kept[n++ % 100000] = malloc(10000); }
__attribute__((noinline, noclone)) void cache(void) { static void *volatile c[8]; static int i; free(c[i % 8]); c[i++ % 8] = malloc(50000); }
static void *thread(void *unused) { void *volatile p; prctl(PR_SET_NAME, "t\\x1b[7m\\n"); $called (void)p; pause(); return unused; }
static volatile sig_atomic_t ends;
static void end(int unused) { (void)unused; ends = 1; }
int main(int argc, char **argv)
{
	struct timespec pause = { 0, 20000000 };
	pthread_t t;
	double seconds = atof(argv[1]);
	signal(SIGHUP, end);
	if (argc > 2) pthread_create(&t, 0, thread, 0);
	for (int i = 0; i < seconds * 50 && !ends; i++) { leak(); cache(); if (!i && write(1, "!", 1) != 1) return 1; nanosleep(&pause, 0); }
	return 0;
}
EOF
compile('grow', '-g', '-O1', '-pthread', 'grow.c') or die log_text();
my $program = slurp('grow');
$program =~ s/\Q$plain{$_}\E/$names{$_}/g for keys %names;
spit('grow', $program);
chomp(my $leak_line = `grep -n 'void leak' grow.c | cut -d: -f1`);

# A traced program, once it runs; ./grow and its copies, once they have blocks.
sub traced {
	my ($pid) = start(undef, $heaptrace, '--outfile=/dev/null', @_);
	wait_word('!') if grep { m{^\./} } @_;
	wait_for(sub { (slurp("/proc/$pid/maps") // '') =~ /libheaptrace/ && readlink("/proc/$pid/exe") !~ /heaptrace$/ }, 10);
	return $pid;
}
my $has_tmux = has('tmux') && quiet("tmux -S $dir/probe -f /dev/null new-session -d 'sleep 1'");
END {
	my $status = $?;
	system "tmux -S $dir/tmux kill-server >/dev/null 2>&1; tmux -S $dir/probe kill-server >/dev/null 2>&1" if $has_tmux;
	chdir '/';
	$? = $status;
}

# ---- Lines ----

my $grow = traced('./grow', 1000);		# longer than this test, on a busy machine, too
sleep 0.3;
{
	my $short = traced('./grow', 2);
	my $text = `$heaptrace --watch=$short --interval=0.5`;
	is($? >> 8, 0, 'lines, where standard output is no terminal');
	my @looks = $text =~ /^ +([\d.]+) s +[\d.]+ [KM]B .* (?:leak|cache) at /mg;
	cmp_ok(scalar @looks, '>=', 2, 'a line for each look') or diag $text;
	is("@looks", join(' ', sort { $a <=> $b } @looks), 'in the order of their times');
	like($text, qr/ \+[\d.]+ [KM]B +\d+ +\d\d+ /, 'with what has changed in a second');
	like($text, qr/\(\d+\) has ended\n\[heaptrace\] total runtime: \d+\.\d+ secs\n\[heaptrace\] calls to allocation functions: 20\d \(/,
	     'a summary when the program has ended');
	like($text, qr/total memory leaked: 1\.4\d+ MB in 10\d blocks of \d+ backtraces\n/, 'with what was live');
	like($text, qr/^ +1\.000 MB +100 .*leak at .*grow\.c:$leak_line$/m, 'and the largest rows');
	unlike($text, qr/[\e\r]/, 'without control characters');
	my $closed = `$heaptrace --watch=$grow --interval=0.1 | head -2 | wc -l`;
	is($closed + 0, 2, 'a reader that goes away ends it');
}

# On a busy machine the watcher of a program that has just begun may not be there yet: here the first looks do not find it.
SKIP: {
	skip 'no strace', 1 unless grep { -x "$_/strace" } split /:/, $ENV{PATH};
	my $short = traced('./grow', 2);
	my $text = `strace -qq -o blind -P /proc -e trace=openat -e inject=openat:error=EACCES:when=1..2 $heaptrace --watch=$short --interval=0.7`;
	like($text, qr/has ended.*calls to allocation functions: 20\d /s, 'where it is found later, the figures are those of the end') or diag $text;
}

# A program whose first thread ends before the others: /proc/PID/statm says from then on that it has no memory.
spit('first.c', <<'EOF');
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
static void *volatile kept;
static void nap(int ms) { struct timespec t = { ms / 1000, ms % 1000 * 1000000L }; nanosleep(&t, 0); }
static void *thread(void *unused) { for (int i = 0; i < 100; i++) { kept = malloc(1000); nap(20); } return unused; }
int main(void)
{
	pthread_t t;
	kept = malloc(10);
	if (pthread_create(&t, 0, thread, 0) || write(1, "!", 1) != 1) return 1;
	nap(1000);
	pthread_exit(0);
}
EOF
compile('first', '-O1', '-pthread', 'first.c') or die log_text();
{
	my $first = traced('./first');
	my $text = `$heaptrace --watch=$first --interval=0.3`;
	like($text, qr/^ +[\d.]+ s .* [KM]B .*\n(?:.*\n)*\[heaptrace\] first \($first\) has ended/m, 'a program whose first thread ends');
	unlike($text, qr/ 0 bytes /, 'has memory to its end') or diag $text;
}

# ---- What it refuses ----

sub refuses {
	my ($why, @arguments) = @_;
	my $text = `$heaptrace @arguments 2>&1 </dev/null`;
	ok($? >> 8 == 125 && $text =~ $why, "@arguments: refused") or diag $text;
}
refuses(qr/there is no such process/, '--watch=2147483646');
refuses(qr/heaptrace does not trace it \(start it as heaptrace PROGRAM, or let heaptrace --pid=PID begin/, "--watch=$$");
refuses(qr/nope cannot be watched: No such file/, '--watch=nope');
refuses(qr/not a file of --record/, '--watch=grow.c');
refuses(qr/not a regular file/, '--watch=.');
refuses(qr/takes no PROGRAM/, "--watch=$grow", 'ls');
refuses(qr/--interval says how often --watch=PID looks/, '--interval=2', 'ls');
refuses(qr/seconds from 0\.050 to/, "--watch=$grow", '--interval=0.001');
refuses(qr/two commands/, "--watch=$grow", "--dump=$grow");
refuses(qr/two commands/, "--watch=$grow", '--report=x');
refuses(qr/--every is for tracing a PROGRAM; --watch shows/, "--watch=$grow", '--every=1');
refuses(qr/limits of --max-\* are about a process that has ended, and --watch/, "--watch=$grow", '--max-leak=0');
refuses(qr/--pack is for --report and --dump/, "--watch=$grow", '--pack=x');

# ---- Records ----

{
	ok(quiet($heaptrace, '--record=finished', '--outfile=/dev/null', './grow', 0.5), 'a record');
	my $text = `$heaptrace --watch=finished`;
	is($? >> 8, 0, 'a finished record');
	like($text, qr/\A\[heaptrace\] grow \(\d+\) has ended\n.*calls to allocation functions: 5\d /s, 'is a summary');
	start(undef, $heaptrace, '--record=growing', '--outfile=/dev/null', './grow', 2);
	wait_for(sub { -s 'growing' });
	sleep 0.3;
	$text = `$heaptrace --watch=growing --interval=0.3`;
	cmp_ok(scalar(() = $text =~ / (?:leak|cache) at /g), '>=', 4, 'a growing record is watched to its end') or diag $text;
	like($text, qr/has ended.*calls to allocation functions: 20\d /s, 'and has the figures of that');
	SKIP: {
		# strace holds the program back just after its record got its name.
		skip('no strace', 2) unless grep { -x "$_/strace" } split /:/, $ENV{PATH};
		start(undef, 'strace', '-qq', '-f', '-o', 'held', '-e', 'trace=renameat',
		      '-e', 'inject=renameat:delay_exit=1000000', $heaptrace, '--record=held_back', '--outfile=/dev/null', './grow', 1);
		wait_for(sub { -s 'held_back' }, 20);
		$text = `$heaptrace --report=held_back --short`;
		like($text, qr/memory in use now/, 'a record is whole when it gets its name: its process runs');
		$text = `$heaptrace --watch=held_back --interval=0.3`;
		like($text, qr/live view of grow.*has ended.*calls to allocation functions: 10\d /s, 'and is watched to its end') or diag $text;
	}
	my $lives = traced('./grow', 20);
	ok(quiet($heaptrace, "--dump=$lives", '--pack=packed'), 'a packed record');
	$text = `$heaptrace --watch=packed`;
	like($text, qr/\A\[heaptrace\] grow \(\d+\) ran when its record was packed\n.*memory in use then: [\d.]+ [KM]B in/s,
	     'of a process that ran says so');
	kill 'KILL', $lives;
}
{
	# The shell does not fork for its last command, but becomes it.
	POSIX::mkfifo('go', 0600) or die;
	my $shell = traced('sh', '-c', 'read line <go; exec ./grow 2');
	open my $view, '-|', "$heaptrace --watch=$shell --interval=0.3" or die;
	my $text = <$view>;
	spit('go', "\n");
	$text .= join '', <$view>;
	close $view;
	like($text, qr/\A\[heaptrace\] live view of sh .*\[heaptrace\] grow \($shell\) has ended.*leak at/s,
	     'a process that becomes another program is followed') or diag $text;
	my $killed = traced('./grow', 20);
	open $view, '-|', "$heaptrace --watch=$killed --interval=0.2" or die;
	$text = '';
	while (<$view>) {
		$text .= $_;
		kill 'KILL', $killed if /leak at/;
	}
	close $view;
	like($text, qr/has ended.*leak at/s, 'a process that is killed, too');
}

{
	my $sampled = traced('--sample=64K', './grow', 20);
	my $head = `timeout -s INT 60 $heaptrace --watch=$sampled --interval=0.5 | head -1`;
	like($head, qr/live view of grow.*, sampled: estimates, every 0\.500 s$/, 'figures of a sampled run are called estimates') or diag $head;
	kill 'KILL', $sampled;
	my $lines = traced('--sample=64K', './grow', 3);
	my $text = `$heaptrace --watch=$lines --interval=0.4`;
	my @looks = $text =~ /^( +[\d.]+ s .*)$/mg;
	my $look = qr/^ +[\d.]+ s +~[\d.]+ \S+(?: +~[+-][\d.]+ \S+)? +~\d+ +~\d+(?: +[\d.]+ %)? +[\d.]+ [KM]B/;
	is(join("\n", grep { !/$look/ } @looks), '', 'a look marks its estimates, and not RSS') or diag $text;
	like($text, qr/ ~\+[\d.]+ [KM]B +~\d/, '... changes are among them');
	like($text, qr/functions: ~\d+ \(~\d+\/s\)\n.*temporary allocations: ~\d+ \([\d.]+ %, ~\d+\/s\)\n.*consumption: ~[\d.]+ [KM]B\n.*overhead\): \d/,
	     '... and so does the summary') or diag $text;
	like($text, qr/leaked: ~[\d.]+ [KM]B in ~\d+ blocks of \d+ backtraces\n(?:.*\n)* *~[\d.]+ [KM]B +~\d+ .*leak at/, '... with its rows');
	my $off = traced('--start=off', './grow', 20);
	$head = `timeout -s INT 60 $heaptrace --watch=$off --interval=0.5 | head -1`;
	like($head, qr/live view of grow.*, recording off, every 0\.500 s$/, 'the view says that nothing is recorded') or diag $head;
	kill 'KILL', $off;
}

{
	# The table grows in all its parts meanwhile.
	start(undef, $heaptrace, '--record=perl', '--depth=30', '--outfile=/dev/null', 'perl', '-e',
	      'for my $m (qw(POSIX File::Temp Test::More Data::Dumper Storable)) { eval "require $m"; push @h, map { [$_] } 1 .. 3000; select undef, undef, undef, 0.3 }');
	wait_for(sub { -s 'perl' });
	my $summary = `$heaptrace --watch=perl --interval=0.1 --group=function`;
	my $report = `$heaptrace --report=perl --short 2>/dev/null`;
	my @figures = (qr/calls to allocation functions: (\d+) /, qr/temporary allocations: (\d+) /, qr/peak heap memory consumption: ([\d.]+ MB)/,
		       qr/total memory leaked: ([\d.]+ MB in \d+ blocks of \d+ backtraces)/);
	is(join(', ', map { $summary =~ $_ ? $1 : '?' } @figures), join(', ', map { $report =~ $_ ? $1 : '!' } @figures),
	   'at the end the figures are those of a report') or diag $summary, $report;
	my ($alone, $seen) = (traced('--no-watch', './grow', 4), '');
	for (1 .. 20) {		# on a busy machine its tracing may not have begun yet
		$seen = `$heaptrace --watch=$alone --interval=0.3 2>/dev/null` and last;
		sleep 0.1;
	}
	like($seen, qr/^ +[\d.]+ s +[\d.]+ [KM]B +\+.* leak at.*has ended/ms, 'without a watcher it reads the memory of the process');
}

if (!$has_tmux) {
	SKIP: { skip 'tmux is not there, or cannot start', 1 }
	done_testing();
	exit;
}

# ---- tmux ----

sub tmux { return `tmux -S $dir/tmux @_ 2>&1` }
# A server of tmux ends with its last session, and the next session must not meet one that is about to end.
tmux("-f /dev/null new-session -d -s stays 'sleep 1000'");
sub screen {
	my $text = tmux('capture-pane -p -t view');
	utf8::decode($text);
	return $text;
}
# Waits until the screen matches. Returns it, and passes or not.
sub shows {
	my ($want, $name) = @_;
	my $text;
	for (1 .. 150) {
		$text = screen();
		last if $text =~ $want;
		sleep 0.1;
	}
	like($text, $want, $name);
	return $text;
}
sub press { tmux('send-keys -t view', map { "'$_'" } @_) }
# Starts a command in a terminal of this size.
sub open_view {
	my ($columns, $lines, $command) = @_;
	spit('command', "cd $dir\n$command\n");
	tmux("kill-session -t view");
	tmux("-f /dev/null new-session -d -s view -x $columns -y $lines", "'sh ./command'");
	tmux('set-option -t view status off');
	tmux("resize-window -t view -x $columns -y $lines");
}
# What the terminal is like: "alternate screen, cursor".
sub state { my $text = tmux(q(display-message -p -t view '#{alternate_on} #{cursor_flag} #{wrap_flag}')); chomp $text; return $text }

# The shell goes on after the signals that keys send to it, too.
my $before = "trap : INT QUIT; stty -g >before";
my $after = 'stty -g >after; printf "status %s\n" $status; exec sleep 100';
my $view = "$before; $heaptrace --watch=$grow --interval=0.3; status=\$?; $after";
sub same_terminal { return slurp('before') eq slurp('after') }

open_view(80, 24, $view);
my $text = shows(qr/grow \($grow\).*every 300 ms.*live .*\/s.* [KM]B +\+[^\n]* leak at/s, 'a screen of 80x24');
my @lines = split /\n/, $text;
like($lines[1], qr/^live  [\d.]+ MB  \+[\d.]+ KB\/s   in \d+ blocks  \+\d+\/s   peak [\d.]+ MB/, 'its second line: what is live');
like($lines[2], qr/^calls \d+  \d+\/s   temporary [\d.]+ %   RSS [\d.]+ MB   peak RSS/, 'its third line: calls and RSS');
{
	use utf8;
	like($lines[3], qr/^heap  .*[▁▂▃▄▅▆▇█]{5}.*  whole run, max [\d.]+ MB/, 'its fourth line: a graph');
}
like($lines[4], qr/^ +size v +growth\/s +count +more\/s  backtrace/, 'the head of the list');
like($text, qr/^ +[\d.]+ [KM]B +\+[\d.]+ KB +\d+ +\+\d+  leak at \S*grow\.c:$leak_line$/m, 'a row, with its place and its change');
like($text, qr/^400\.000 KB +8 +cache at/m, 'a row that does not change has no change');
like($lines[23], qr/^s sort .* q quit$/, 'the keys');
is(state(), '1 0 0', 'the second screen, without a cursor, and lines are not wrapped');
unlike(tmux('capture-pane -e -p -t view'), qr/\e\[[\d;]*[34][0-7]/, 'no colours');
press('s');
shows(qr/growth\/s +count v.*sorted by count/s, 's: by the next figure');
press('s');
shows(qr/growth\/s v/, 'by growth');
press(qw(s s));
shows(qr/peak-size v +size +growth/, 'by a figure that has its own column');
press(qw(S S S S));
shows(qr/ size v .*sorted by size/s, 'S: back again');
press('g');
shows(qr/  function.*leak at/s, 'g: by function');
press('g');
shows(qr/  file\b.*KB.*grow\.c/s, 'by file');
press('g');
shows(qr/  module\b.*KB.*\/grow$/ms, 'by module');
press('g');
shows(qr/  thread\b.*grow \d+/s, 'by thread');
press('g');
shows(qr/  backtrace/, 'and by backtrace again');
press('/', 'c', 'a', 'x', 'BSpace', 'c', 'h', 'Enter');
$text = shows(qr/backtrace with "cach".*cache at/s, '/: only what matches');
unlike($text, qr/leak at/, 'and nothing else');
press('/', 'C-u', 'Enter');
shows(qr/leak at/, 'an empty filter: everything');
press('/', 'z', 'z', 'z', 'Escape');
shows(qr/leak at.*q quit/s, 'Escape: the filter stays as it was');
press('j');
sleep 0.2;
press('Enter');
shows(qr/ 0 \[0x[0-9a-f]+\] malloc .*\n 1 \[0x[0-9a-f]+\] (?:leak|cache) .*\n 2 .* main .* at \S*grow\.c:\d+\n.*Enter, Esc: back/s, 'Enter: the whole stack');
press('Escape');
shows(qr/q quit/, 'Escape: the list');
press('b');
shows(qr/baseline marked/, 'b: a baseline');
$text = shows(qr/growth v +count +more  backtrace.*leak/s, 'changes count from there');
sleep 1;
# How many bytes the screen says that leak() has grown by.
sub growth { return $_[0] =~ /\+([\d.]+) ([KM])B[^\n]*leak at/ ? $1 * ($2 eq 'K' ? 1000 : 1000000) : 0 }
shows(qr/\+[\d.]+ KB.*leak at/, 'a row grows');
my $grown = 0;
for (1 .. 150) { last if ($grown = growth(screen())) > 1200000; sleep 0.1 }
cmp_ok($grown, '>', 1200000, 'and goes on growing: it is no change in a second, of which leak() has at most 500 KB');
press('B');
shows(qr/growth\/s v/, 'B: without the baseline');
press('p');
$text = shows(qr/PAUSED/, 'p: a pause');
sleep 1;
is((split /\n/, screen())[1], (split /\n/, $text)[1], 'in which nothing changes');
press('p');
shows(qr/every 300 ms/, 'and on it goes');
press('?');
$text = shows(qr/write a report; the ending/, '?: the keys, explained');
cmp_ok((sort { $b <=> $a } map { length } grep { /^  / } split /\n/, $text)[0], '<=', 79, 'in lines that fit');
press('x');
press('w', 'x', '.', 'f', 'o', 'l', 'd', 'e', 'd', 'Enter');
shows(qr/x\.folded is written/, 'w: a report');
like(slurp("$dir/x.folded"), qr/main;leak;malloc \d+/, 'in the format that the ending says');
press('w', 'C-u', '/', 'n', 'o', '/', 'x', 'Enter');
shows(qr/\/no\/x could not be written/, 'a report that cannot be written');
tmux('resize-window -t view -x 200 -y 50');
$text = shows(qr/size v? +growth\/s v? +count +more\/s +calls\/s +share +total calls  backtrace/, 'a larger terminal has more columns');
cmp_ok(scalar(split /\n/, $text), '>=', 49, 'and lines');
tmux('resize-window -t view -x 40 -y 8');
shows(qr/\Aheaptrace  grow.*\nlive .*\ncalls .*\n +size/, 'a small one fewer');
tmux('resize-window -t view -x 3 -y 1');
sleep 0.5;
tmux('resize-window -t view -x 80 -y 24');
shows(qr/heaptrace  grow.*live.*size.*leak at/s, 'and a tiny one none');
press('q');
shows(qr/^status 0$/m, 'q: the end');
unlike(screen(), qr/heaptrace  grow/, 'the screen is as it was');
is(state(), '0 1 1', 'so is the terminal');
ok(same_terminal(), 'and its settings');

# ---- A line that is too narrow: in 80 columns, the long form has room if the process id has four digits ----

{
	my $sampled = traced('--sample=64K', './grow', 1000);
	system "$heaptrace --control=$sampled off";
	for my $case ([120, qr/sampled: estimates, recording off, every 300 ms$/m, 'in full'], [72, qr/sampled, off, every 300 ms$/m, 'in short']) {
		my ($columns, $state, $how) = @$case;
		open_view($columns, 24, "$heaptrace --watch=$sampled --interval=0.3");
		shows($state, "the first line says how blocks are recorded, $how");
		press('q');
	}
	kill 'KILL', $sampled;
}

# ---- Other ends ----

for my $end (['C-c', 130, 'control-C'], ['C-\\', 131, 'control-\\']) {
	open_view(80, 24, $view);
	shows(qr/leak at/, "$end->[2]:");
	press($end->[0]);
	shows(qr/^status $end->[1]$/m, "$end->[2] ends it");
	is(state(), '0 1 1', 'with the terminal as it was');
	ok(same_terminal(), 'and its settings');
}
open_view(80, 24, "$before; sh -c 'echo \$\$ >pid; exec $heaptrace --watch=$grow --interval=0.3'; status=\$?; $after");
shows(qr/leak at/, 'a signal:');
kill 'TERM', 0 + slurp('pid');
shows(qr/^status 143$/m, 'SIGTERM ends it');
is(state(), '0 1 1', 'with the terminal as it was');
ok(same_terminal(), 'and its settings');

# In an interactive shell, with job control.
open_view(80, 24, q(PS1='ready> ' exec bash --norc --noprofile -i));
shows(qr/ready>/, 'a shell');
press("$heaptrace --watch=$grow --interval=0.3", 'Enter');
shows(qr/leak at/, 'a screen in it');
press('C-z');
shows(qr/Stopped.*\nready>/s, '^Z stops it');
is(state(), '0 1 1', 'with the terminal as it was');
press('fg', 'Enter');
shows(qr/\Aheaptrace  grow.*leak at.*q quit/s, 'fg: it goes on');
is(state(), '1 0 0', 'on its screen');
press('q');
shows(qr/ready>/, 'and ends');
press("TERM=dumb $heaptrace --watch=$grow --interval=0.3", 'Enter');
shows(qr/live view of grow.*\n +time +live.*RSS\n.* [MK]B\n.* [MK]B\n/, 'TERM=dumb: lines');
is(state(), '0 1 1', 'and no screen');
press('C-c');

# A terminal that dies: with the signal of that, and without it.
for my $ignored (0, 1) {
	open_view(80, 24, ($ignored ? "trap '' HUP; " : '') . "echo \$\$ >pid; exec $heaptrace --watch=$grow --interval=0.3");
	shows(qr/leak at/, 'a terminal:');
	my $pid = 0 + slurp('pid');
	tmux('kill-session -t view');
	ok(wait_for(sub { !kill 0, $pid }, 30), $ignored ? 'it ends when the terminal is gone' : 'it ends by SIGHUP');
}

# A terminal that takes nothing any more, because nobody reads what it gets.
SKIP: {
	my ($unlocked, $number, $master) = (pack('i', 0), pack('i', 0));
	skip 'no terminal can be made with /dev/ptmx', 2
		unless open($master, '+<', '/dev/ptmx') && ioctl($master, 0x40045431, $unlocked) && ioctl($master, 0x80045430, $number);
	my $name = '/dev/pts/' . unpack('i', $number);
	my ($pid) = start(sub {
		POSIX::setsid();
		open STDIN, '+<', $name or die;
		open STDOUT, '>&', \*STDIN or die;
	}, $heaptrace, "--watch=$grow", '--interval=0.05');
	for (1 .. 100) {	# each control-L has the screen drawn anew
		sleep 0.03;
		syswrite $master, "\cL";
	}
	is(waitpid($pid, WNOHANG), 0, 'a terminal that takes nothing');
	kill 'TERM', $pid;
	is(finish($pid, 30), POSIX::SIGTERM, 'does not keep it from ending');
}

# ---- The end of the program, and hostile names ----

{
	my $name = "e\e[7m\xe6\xbc\xa2\n";
	system('cp', 'grow', $name);
	my $evil = traced("./$name", 1000, 'thread');
	open_view(80, 24, "$before; $heaptrace --watch=$evil --interval=0.3; status=\$?; $after");
	$text = shows(qr/leak at.*evil/s, 'names with control characters');
	like($text, qr/\Aheaptrace  e\?\[7m.*\? \($evil\).*\nlive /, 'do not break the head');
	like($text, qr/evil_\?\[2J\?\[31mred/, 'nor the list');
	like($text, qr/turn_\?_\?_.*_end/, 'not by C1 control characters, directions, or invalid UTF-8');
	like($text, qr/line\?feed/, 'nor by newlines');
	{
		use utf8;
		like($text, qr/wide_漢字漢字 at/, 'wide characters are shown');
	}
	like($text, qr/longlong/, 'names of 64 KB, too');
	is(scalar(split /\n/, $text), 24, 'each row takes one line');
	like((split /\n/, $text)[23], qr/^s sort/, 'and the last line is where it belongs');
	press('g', 'g', 'g', 'g');
	shows(qr/  thread.*t\?\[7m\? \d+/s, 'names of threads');
	press('g', '/', 'e', 'v', 'i', 'l', 'Enter', 'Enter');
	shows(qr/malloc.*\n 1 .*evil_\?\[2J\?\[31mred/, 'in a stack');
	kill 'HUP', $evil;
	shows(qr/has ended.*total memory leaked.*status 0/s, 'when the program ends, a summary is left');
	is(state(), '0 1 1', 'and the terminal as it was');
}
done_testing();
