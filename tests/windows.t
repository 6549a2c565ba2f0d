#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Windows of the recording: what each one has, what all have together, what a clear leaves, in each format; and what of it
# belongs to a child. The figures are computed by hand from the steps of tests/subjects/windows.c.
use strict;
use warnings;
use Cwd;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);
require './tests/process.pl';
our ($dir, $heaptrace);

build('windows', 'windows');
$heaptrace = getcwd() . '/heaptrace' if $heaptrace eq './heaptrace';
delete @ENV{qw(HEAPTRACE_OPTIONS LD_PRELOAD)};
$ENV{LC_ALL} = 'C.UTF-8';

my ($pid, $in, $taken);
sub begin {
	my (@options) = @_;
	unlink glob("$dir/rec* $dir/out*");
	($pid, $in) = start(undef, $heaptrace, "--record=$dir/rec", "--outfile=$dir/out", @options, "$dir/windows");
	$taken = 0;
	wait_for(sub { (slurp("/proc/$pid/cmdline") // '') =~ m{^\Q$dir\E/windows} }, 20);
}
sub steps {
	my ($steps) = @_;
	take_steps($in, $steps, $taken, 0);
	$taken += length $steps;
}
sub control {
	my $text = `$heaptrace --control=$pid @{[map { "'$_'" } @_]} 2>&1`;
	is($text . ($? >> 8), '0', "--control @_");
}
sub ended {
	close $in;
	is(finish($pid, 20), 0, 'the program ends as it would');
}
sub report {
	my $text = `$heaptrace @{[map { "'$_'" } @_]} 2>$dir/err`;
	return $text;
}
sub text { return report("--report=$dir/rec", '--top=0', '--sort=total-count', '--no-lines', @_) }

# Of a function: "live blocks, live bytes, calls", or "none" without a row.
sub figures_in {
	my ($text, $function) = @_;
	my @found;
	for my $row (split /^(?==== backtrace)/m, $text) {
		next unless $row =~ /^ 1 \[[^]]*\] $function /m;
		my ($count) = $row =~ /\[count\/peak: (\d+)\//;
		my ($size, $unit) = $row =~ /\[size\/peak: ([\d.]+) (bytes|KB)/;
		my ($calls) = $row =~ /\[total-count: (\d+)\]/;
		push @found, join ' ', $count, $size * ($unit eq 'KB' ? 1000 : 1), $calls;
	}
	return @found ? join('; ', @found) : 'none';
}
sub figures {
	my ($text) = @_;
	return join ', ', map { substr($_, -1) . ' ' . figures_in($text, $_) } qw(site_a site_b site_t);
}

# ---- Three windows ----

begin();
steps('aab');			# window 1
control('off');
steps('abt');			# nothing records that
control('on');
steps('axbt');			# window 2: 4 blocks `a` of window 1 are freed
control('mark=the third', 'off', 'on');
steps('byy');			# window 3: 4 blocks `b` are freed: 3 of window 1, 1 that is not known
ended();
is(figures(text('--window=1')), 'a 16 1600 20, b 0 0 3, t none', 'window 1: what was allocated there, and is alive at the end');
is(figures(text('--window=2')), 'a 10 1000 10, b 3 3000 3, t 0 0 5', 'window 2');
is(figures(text('--window=3')), 'a none, b 3 3000 3, t none', 'window 3');
is(figures(text('--window=last')), 'a none, b 3 3000 3, t none', 'the last one is that');
is(figures(text('--window=1-2')), 'a 26 2600 30, b 3 3000 6, t 0 0 5', 'two of them: a backtrace is one row');
is(figures(text('--window=2-3')), 'a 10 1000 10, b 6 6000 6, t 0 0 5', 'the other two');
is(figures(text()), 'a 26 2600 30, b 6 6000 9, t 0 0 5', 'all of them');
my $all = text();
like($all, qr/^\[heaptrace\] windows of the recording: 1 from 0 ns to \S+ \S+, 2 from \S+ \S+ to \S+ \S+, 3 from \S+ \S+ on$/m, 'the summary lists them');
like($all, qr/^\[heaptrace\] not seen +: 1 free of a block that was allocated while nothing was recorded$/m, 'the free of the unknown block is known as such');
is(slurp("$dir/out") =~ /heap traced allocation size  : (\S+ \S+)/ ? $1 : '', '8.600 KB', 'the process itself adds up the windows, too');
is(scalar(() = slurp("$dir/out") =~ /^ 1 \[[^]]*\] site_b /mg), 1, 'and has a row for each backtrace');
like(text('--window=2'), qr/^\[heaptrace\] figures of: window 2, from \S+ \S+ to \S+ \S+ .*\n\[heaptrace\] not counted here, of other windows: 19 blocks, 4\.600 KB, are still alive$/m,
     'a report of one window says which, and what else is alive');
for my $bad (4, '2-4') {
	is(text("--window=$bad"), '', "--window=$bad: nothing is printed");
	like(slurp("$dir/err"), qr/^heaptrace: there is no such window: there are 1 from .*, 3 from/, 'but which there are');
}
report("--report=$dir/rec", '--window=3-2');
like(slurp("$dir/err"), qr/--window=3-2: not the number of a window/, 'a range that is none');

# ---- Formats ----

{
	my $d = JSON::PP->new->decode(report("--report=$dir/rec", '--format=json'));
	is(join(' ', map { $_->{kind} } @{$d->{events}}), 'off on mark off on', 'JSON: the events');
	is($d->{events}[2]{text}, 'the third', 'with the text of the mark');
	is(join(' ', map { $_->{number} . $_->{'begun-by'} } @{$d->{windows}{list}}), '1start 2on 3on', 'and the windows');
	ok(!$d->{windows}{chosen} && $d->{windows}{from} == 1 && $d->{windows}{to} == 3 && $d->{windows}{recording}, 'all are shown');
	is($d->{'not-seen'}{'frees-of-untracked-blocks'}, 1, 'and the free');
	is($d->{totals}{size}, 8600, 'the live bytes of all windows');
	is($d->{totals}{'total-count'} >= 44, 1, 'and their calls');
	$d = JSON::PP->new->decode(report("--report=$dir/rec", '--format=json', '--window=2'));
	ok($d->{windows}{chosen} && $d->{windows}{from} == 2 && $d->{windows}{to} == 2, 'JSON of one window says which');
	is("$d->{totals}{size} $d->{totals}{count} $d->{windows}{'outside-size'}", '4000 13 4600', 'and has its figures');
	my $csv = report("--report=$dir/rec", '--format=csv', '--window=1');
	like($csv, qr/^\d+,1600,16,/m, 'CSV has the rows of a window');
	like(report("--report=$dir/rec", '--flame-graph', '--window=3'), qr/;site_b;malloc 3000$/m, 'and so have folded stacks');
	like(report("--report=$dir/rec", '--format=svg', '--window=2'), qr/of what was allocated from .* to .* \(windows 2 to 2 of the recording\)/, 'a flame graph says so');
	my $trace = JSON::PP->new->decode(report("--report=$dir/rec", '--format=perfetto'));
	is(join(', ', map { $_->{name} } grep { $_->{ph} eq 'X' && $_->{name} =~ /, window/ } @{$trace->{traceEvents}}),
	   'recording, window 1, recording, window 2, recording, window 3', 'a trace has the windows as slices');
	is(join(', ', map { $_->{name} } grep { $_->{ph} eq 'i' && $_->{args}{kind} } @{$trace->{traceEvents}}),
	   'recording_off, recording_on, the third, recording_off, recording_on', 'and the events as instants');
	like(text('--timeline'), qr/^ {12}[ \[\]']*\]\s*\[?.*\n {12}\] after .*: off\n {12}\[ after .*: on\n {12}' after .*: mark the third\n/m, 'the timeline shows them');
	my $html = report("--report=$dir/rec", '--format=html');
	like($html, qr/"kind":"mark","text":"the third"/, 'a page has them, too');
	like(report("--report=$dir/rec", '--group=function', '--window=1'), qr/site_a/, 'groups are of a window');
	unlike(report("--report=$dir/rec", '--group=function', '--window=3'), qr/site_a/, 'and of no other');
	like(report("--report=$dir/rec", '--tree', '--window=2'), qr/site_b/, 'and so are trees');
}

# ---- A clear ----

begin('--histogram');
steps('aab');
control('clear');
steps('axy');			# 4 of the first 20 blocks `a`, and 2 of the 3 `b`
sleep 0.3;
ended();
$all = text();
is(figures($all), 'a 10 1000 10, b none, t none', 'after a clear there is what came since');
like($all, qr/^\[heaptrace\] figures since the clear: \S+ \S+ ago\n\[heaptrace\] not counted any more, from before that: 17 blocks, 2\.600 KB, are still alive$/m,
     'and what is left from before it');
like($all, qr/^\[heaptrace\] peak heap memory consumption: 1\.(?:000|024) KB/m, 'the peak begins anew');
like($all, qr/^\[heaptrace\] total memory leaked: 1\.000 KB in 10 blocks of 1 backtrace$/m, 'the sums, too');
my $before = text('--window=1');
is(figures($before), 'a 16 1600 20, b 1 1000 3, t none', 'the window before it can still be chosen');
like($before, qr/peaks of the heap, since the clear, and of RSS are/, 'with what its peaks are');
like($before, qr/^\[heaptrace\] peak heap memory consumption: 2\.600 KB/m, 'and that of the heap is no less than what is alive');
unlike($all, qr/unknown block/, 'a free of a block from before is no unknown one');
like(slurp("$dir/out"), qr/heap traced allocation size  : 1\.000 KB/, 'the dump of the process says the same');
like(text('--histogram'), qr/^=== backtrace #\d+ === \[count\/peak: 10\/10\]/m, 'with --histogram');

# ---- The start ----

begin('--start=off');
steps('ab');
ended();
like(slurp("$dir/out"), qr/^\[heaptrace\] nothing was recorded: --start=off, and no --control=PID on$/m, '--start=off: the dump says why it is empty');
text('--window=1');
like(slurp("$dir/err"), qr/there is no window: nothing has been recorded so far/, 'and there is no window');
begin('--start-after=1h');
steps('a');
ended();
like(slurp("$dir/out"), qr/nothing was recorded: the program ended before the time of --start-after$/m, '--start-after: the same');
# Again with more time where the machine is so busy that the first step came too late.
for my $seconds (0.5, 4, 30) {
	my $begun = Time::HiRes::time;
	begin("--start-after=${\(1000 * $seconds)}ms");
	steps('a');
	if (Time::HiRes::time() - $begun < 0.9 * $seconds) {
		sleep $seconds + 0.2;
		last;
	}
	ended();
}
steps('b' x 40);		# a thread looks at the clock after some KB
steps('a');
ended();
is(figures(text()) =~ /^(a.*?),/ ? $1 : '', 'a 10 1000 10', 'from that moment on blocks are recorded');
like(text(), qr/windows of the recording: 1 from \S+ \S+ on$/m, 'which begins the first window');

# ---- Limits ----

begin('--max-leak=0', '--quiet');
steps('a');
control('off', 'on');
close $in;
is(finish($pid, 20) >> 8, 86, '--max-leak is broken');
like(slurp("$dir/stderr"), qr/^\[heaptrace\] the limits are about what was recorded of windows: \S+ \S+ of \S+ \S+\n\[heaptrace\] --max-leak=0 is broken/m, 'a limit is about what was recorded, which is said');

# ---- Fork and exec ----

begin();
steps('a');
control('off');
steps('k');
steps('a');
ended();
my ($child) = grep { $_ ne "$dir/rec" } glob "$dir/rec*";
SKIP: {
	skip 'the child has no record', 1 unless $child;
	is(figures_in(report("--report=$child", '--top=0', '--sort=total-count', '--no-lines'), 'site_a'), '10 1000 10', 'a child begins with the mode of its parent');
}
begin('--start=off');
steps('x');			# it has begun
control('on');
steps('a');
syswrite $in, 'e';
wait_for(sub { (slurp("$dir/stdout") // '') =~ /e/ }, 10);
$taken++;
steps('b');
ended();
like(slurp("$dir/out"), qr/nothing was recorded: --start=off/, 'a program that the process becomes begins anew');

done_testing();
