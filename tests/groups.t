#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Groups and trees (--group, --tree, --callers, --callees): figures that are known, sums that agree with the totals,
# trees that agree with the backtraces of the JSON report, and that text dumps by the watcher come in order.
use strict;
use warnings;
use Test::More;
use JSON::PP;
require './tests/process.pl';
our ($dir, $heaptrace);

$ENV{LC_ALL} = 'C';
delete $ENV{PYTHONMALLOC};
my $subject = "$dir/groups";
quiet($ENV{CXX} || 'c++', qw(-g -O1 -fno-builtin -fno-optimize-sibling-calls), '-o', $subject, 'tests/subjects/groups.cc')
	or plan skip_all => 'no C++ compiler';
mkdir "$dir/run" or die;

# Runs heaptrace with an --outfile, and returns what that has.
my $runs = 0;
sub dumped {
	my $file = "$dir/run/out" . ++$runs;
	my ($status, undef, $err) = run(undef, $heaptrace, "--outfile=$file", @_);
	is($err, '', "@_: nothing is said") if $status;
	return slurp($file) // '';
}

sub report { return dumped("--report=$dir/record", @_) }
sub json { return decode_json(dumped('--format=json', '--top=1', "--report=$dir/record", @_)) }

# The sections of a text dump: each a list of the tables and trees in it, each a list of lines.
sub sections {
	my @sections;
	for my $section (split /^=+\n\[heaptrace\] dump allocation status.*\n/m, $_[0]) {
		$section =~ s/^\[heaptrace\].*\n//mg;
		$section =~ s/^=+\n//mg;
		push @sections, [map { [split /\n/] } grep { /\S/ } split /\n\n+/, $section];
	}
	shift @sections;
	return @sections;
}

# ---- Figures that are known ----

{
	my ($section) = sections(dumped('--group=function', '--top=0', $subject));
	my ($head, @lines) = @{$section->[0]};
	like($head, qr/^ +share cumulated +size +count  function$/, 'the head of a table');
	my %line = map { /^ *(\d+\.\d) % +\d+\.\d % +(\S+ \S+) +(\d+)  (\S+?\))? ?(.*)$/ ? (($4 // '') => "$2, $3, $5") : () } @lines;
	s{at /.*/}{at } for values %line;
	is($line{'make_node()'}, '4.000 KB, 40, at groups.cc:25', 'a function that calls operator new');
	is($line{'copy_text()'}, '0.500 KB, 10, at groups.cc:30', 'one that calls a wrapper: the wrapper is looked through');
	is($line{'recurse(int)'}, '0.750 KB, 2, at groups.cc:57', 'one that calls itself; its place is that of the most bytes');
	is($line{'store()'}, '0.700 KB, 1, at groups.cc:49', 'one with blocks of its own and of others');
	ok(!exists $line{$_}, "$_ has nothing alive") for 'churn()', 'peaks()', 'fill(int)', 'xmalloc(unsigned long)';
	($section) = sections(dumped('--group=function', '--skip=make_node', '--skip=copy_', $subject));
	like(join("\n", @{$section->[0]}), qr/ 4\.000 KB +40  fill\(int\) at .*\n(?:.*\n)* .* 0\.500 KB +10  load\(\)/, '--skip: its callers have it');
	($section) = sections(dumped('--group=file', $subject));
	like(join("\n", @{$section->[0]}), qr/ 5\.950 KB +53  \/.*\/tests\/subjects\/groups\.cc$/m, 'by file');
	($section) = sections(dumped('--group=module', $subject));
	like(join("\n", @{$section->[0]}), qr/ 5\.950 KB +53  \Q$subject\E$/m, 'by module');
	($section) = sections(dumped('--group=backtrace', '--top=3', $subject));
	is(scalar(grep { /make_node/ } @{$section->[0]}), 2, 'by backtrace: make_node() has two');
	like(join("\n", @{$section->[0]}), qr/\.\.\. \d+ more backtraces$/m, '--top: the others are counted');
	($section) = sections(dumped('--group=function', '--min-size=700', $subject));
	is(scalar(grep { /make_node|recurse|store/ } @{$section->[0]}), 3, '--min-size: the sums count');
	like(join("\n", @{$section->[0]}), qr/ 0\.500 KB +10  \.\.\. 1 more function$/m, 'and those that are too small are counted');
	($section) = sections(dumped('--group=thread', $subject));
	like(join("\n", @{$section->[0]}), qr/ 5\.950 KB +53  groups \d+$/m, 'by thread: there is one');
	like($section->[0][-1], qr/100\.0 % +72\.704 KB +1  \(kept by the runtime for good\)$/, 'what libstdc++ keeps comes last') if "@lines" =~ /72\.704/;

	my @sections = sections(dumped('--group=function', '--sort=total-count,temporary,peak-size,age', '--top=0', $subject));
	is(scalar @sections, 4, 'a table for each key');
	like(join("\n", @{$sections[0][0]}), qr/ 20 +20\.000 KB  churn\(\)/, 'total-count: calls, and their bytes');
	like(join("\n", @{$sections[1][0]}), qr/^ *\S+ % +\S+ % +20 +20  churn\(\) .*$/m, 'temporary: calls, and all calls');
	like(join("\n", @{$sections[2][0]}), qr/ <= 5\.000 KB +0\.000 KB  peaks\(\)/, 'peak-size: at most, where two peaks were not at once');
	like(join("\n", @{$sections[2][0]}), qr/   4\.000 KB +4\.000 KB  make_node\(\)/, 'and exact where they were');
	like($sections[2][0][-1], qr/^<=: at most/, 'which is explained');
	like(join("\n", @{$sections[3][0]}), qr/^ +age +size  function\n *\d+(?:\.\d{3})? \S+ +\S+ \S+  /, 'age: no shares');
}

# ---- A record of a library that is not there any more: its functions have no names ----

{
	my $copy = "$dir/copy";
	mkdir $copy or die;
	quiet('cp', $heaptrace, $heaptrace =~ s/heaptrace$/libheaptrace.so/r, $copy) or die;
	run(undef, "$copy/heaptrace", "--record=$dir/moved", "--outfile=$dir/run/moved", $subject);
	unlink "$copy/libheaptrace.so" or die;
	my $text = dumped("--report=$dir/moved", '--group=function', '--top=0');
	like($text, qr/ make_node\(\)/, 'the library is gone: the functions that use the memory are named');
	unlike($text, qr/% .* [^ ]*libheaptrace\.so/, 'and the library uses none');
	my $functions = decode_json(dumped("--report=$dir/moved", '--format=json'))->{catalog};
	my @unnamed = grep { $functions->{texts}[$functions->{modules}{path}[$functions->{functions}{module}[$_]]] =~ m{/libheaptrace\.so$} }
		0 .. $#{$functions->{functions}{name}};
	ok(@unnamed && !grep({ !$functions->{functions}{wrapper}[$_] } @unnamed), 'in the JSON report its functions are allocation functions');
}

# ---- Sums ----

my @programs = (['C++', $subject], ['perl', 'perl', '-e', 'my %h; $h{$_} = [1..3] for 1..300; undef %h']);
push @programs, ['python3', '/usr/bin/python3', '-S', '-c', 'a = [[i] for i in range(300)]'] if -x '/usr/bin/python3';
my @keys = qw(size count peak-size peak-count heap-peak total-size total-count temporary);

# The backtraces of a folded dump, by calls: [calls, functions from the outermost one on]. Frames without names are
# named as trees have them, and successive ones in the same module are one.
sub folded {
	my @paths;
	for (split /\n/, report('--flame-graph', '--sort=total-count')) {
		my ($names, $calls) = /^(.*) (\d+)$/ or die $_;
		my @names = map { s/ \(inlined\)$//r =~ s/^(\/.*) \(\+0x[0-9a-f]+\)$/? in $1/r } split /;/, $names;
		push @paths, [$calls, map { $names[$_] } grep { !$_ || $names[$_] !~ /^\?/ || $names[$_] ne $names[$_ - 1] } 0 .. $#names];
	}
	return @paths;
}

# The sums of a printed tree: "main;parse" => figure. Children have to add up to their node, unless they are left out.
sub tree_sums {
	my ($lines, $what) = @_;
	my ($head, @lines) = @$lines;
	my $column = index $head, 'function';
	my (%sum, %children, @path, @levels, $last_figure);
	for (@lines) {
		my ($figures, $rest) = (substr($_, 0, $column), substr $_, $column);
		my ($level, $sibling) = (0, 0);
		while ($rest =~ s/^(\| |  |\+ |` )//) {
			$sibling = $1 =~ /[+`]/;
			$level++;
		}
		my $figure = $figures =~ /% +(\d+)/ ? $1 : $last_figure;
		$last_figure = $figure;
		# A sibling hangs below the node that opened its level; another line goes on with the newest node there.
		my $parent;
		if ($sibling) {
			$parent = $level ? $levels[$level - 1] // '' : '';
		} else {
			$parent = $levels[$level] // '';
		}
		$children{$parent} += $figure;
		next if $rest =~ /^\.\.\. \d+ more$|^\((?:itself|stacks that begin here)\)$/;
		my $path = $parent eq '' ? $rest : "$parent;$rest";
		$sum{$path} += $figure;
		$levels[$level] = $path;
		$#levels = $level;
	}
	my @wrong = grep { $_ ne '' && $children{$_} != $sum{$_} } keys %children;
	is("@wrong", '', "$what: children add up to their node");
	return (\%sum, $children{''} // 0);
}

# The sums of all beginnings of paths.
sub path_sums {
	my %sum;
	for (@_) {
		my ($figure, @names) = @$_;
		my $path = '';
		for my $name (@names) {
			$path .= ($path eq '' ? '' : ';') . $name;
			$sum{$path} += $figure;
		}
	}
	return \%sum;
}

for (@programs) {
	my ($what, @command) = @$_;
	local $ENV{PYTHONMALLOC} = 'malloc';
	unlink "$dir/record";
	run(undef, $heaptrace, "--record=$dir/record", '--depth=255', '--children=no', '--outfile=/dev/null', @command);
	my $all = json('--group=backtrace');
	for my $by (qw(backtrace function file module thread)) {
		my $groups = $by eq 'backtrace' ? $all->{groups}{list} : json("--group=$by")->{groups}{list};
		my @wrong;
		for my $key (@keys) {
			my ($sum, $want) = (0, 0);
			$sum += $_->{$key} for @$groups;
			$want += $_->{$key} for @{$all->{groups}{list}};
			push @wrong, "$key: $sum, not $want" if $sum != $want;
			push @wrong, "$key: $sum, totals $all->{totals}{$key}" if $key !~ /^peak/ && $sum != $all->{totals}{$key};
		}
		is("@wrong", '', "$what by $by: the groups add up to the totals");
		next if $by ne 'function';
		my ($section) = sections(report("--group=$by", '--sort=total-count', '--top=0'));
		my $calls = 0;
		$calls += /^ *\S+ % +\S+ % +(\d+) / ? $1 : 0 for @{$section->[0]};
		is($calls, $all->{totals}{'total-count'}, "$what by $by: so do the lines of the table");
		($section) = sections(report("--group=$by", '--sort=total-count', '--top=2'));
		$calls = 0;
		$calls += /^ *\S+ % +\S+ % +(\d+) / ? $1 : 0 for @{$section->[0]};
		is($calls, $all->{totals}{'total-count'}, "$what by $by: and those with the others counted");
	}

	my @paths = folded();
	my ($section) = sections(report('--tree', '--sort=total-count', '--min-share=0'));
	my ($sums, $all_calls) = tree_sums($section->[0], "$what: a tree");
	is($all_calls, $all->{totals}{'total-count'}, "$what: the roots of a tree add up to all");
	my $want = path_sums(@paths);
	is_deeply([grep { ($want->{$_} // 0) != $sums->{$_} } grep { !/\? in [^;]*$/ } sort keys %$sums], [],
		  "$what: and each node has what the backtraces have (but code without a name, which can count as its caller)");
	for my $share ('1', '12.5') {
		($section) = sections(report('--tree', '--sort=total-count', "--min-share=$share"));
		my ($pruned) = $section->[0];
		my @small = grep { / (\d+\.\d) %.*(?:\+|`) [^.(]/ && $1 + 0.06 < $share } @$pruned;
		is("@small", '', "$what, --min-share=$share: no small branches");
	}
	($section) = sections(report('--tree=bottom-up', '--sort=total-count', '--min-share=0'));
	(undef, $all_calls) = tree_sums($section->[0], "$what: bottom-up");
	is($all_calls, $all->{totals}{'total-count'}, "$what: bottom-up: the roots add up to all");

	my $text = $what eq 'C++' ? 'recurse' : $what eq 'perl' ? 'Perl_av' : 'PyList';
	my (@outward, @inward);
	for (@paths) {
		my ($figure, @names) = @$_;
		my ($outermost) = grep { $names[$_] =~ /\Q$text\E/ && $names[$_] !~ /^\? in/ } 0 .. $#names;
		next unless defined $outermost;
		push @outward, [$figure, reverse @names[0 .. $outermost]];
		push @inward, [$figure, @names[$outermost .. $#names]];
	}
	cmp_ok(scalar @outward, '>', 1, "$what: backtraces pass through $text");
	($section) = sections(report("--callers=$text", "--callees=$text", '--sort=total-count', '--min-share=0'));
	shift @$_ for @$section;	# "callers of 1 function ...:"
	is(scalar @$section, 2, "$what: two trees");
	($sums) = tree_sums($section->[0], "$what: callers");
	is_deeply($sums, path_sums(@outward), "$what: --callers has what the backtraces have, each counted once");
	($sums) = tree_sums($section->[1], "$what: callees");
	is_deeply($sums, path_sums(@inward), "$what: --callees, too");
}

# ---- What a tree looks like ----

{
	my $text = dumped('--tree', '--sort=count', '--callers=make_node', $subject);
	like($text, qr/ 40  .*\+ load.*\n.*fill|/, 'a tree');
	like($text, qr/^ *\S+ % +53 +5\.950 KB  .*_start\n(?: {20,}.*\n)*.* main\n/m, 'a chain of single calls is not indented, and has no figures of its own');
	like($text, qr/ 40 +4\.000 KB  .*load|30 +3\.000 KB  .*\+ fill\(int\)\n/, 'branches are');
	like($text, qr/^callers of 1 function with "make_node" in the name:\n.*\n.* 40 +4\.000 KB  make_node\(\)\n {20,}fill\(int\)\n.* 30 +3\.000 KB  \+ load\(\)\n {20,}\| main\n/m, 'callers');
	like(dumped('--callers=make_node', '--sort=peak-size', $subject), qr/ <= 4\.000 KB .*make_node\(\)\n(?:.*\n)*<=: at most/, 'own peaks in trees are bounds');
	like(dumped('--callees=recurse', '--sort=count', $subject), qr/^ {20,}recurse\(int\)\n(?:.*\n)*.*\+ |` /m, 'callees');
	like(dumped('--tree', '--sort=size', '--min-share=0', $subject), qr/ 0\.500 KB .*\+ recurse\(int\)\n(?: {20,}.*recurse\(int\)\n)*.* 0\.250 KB .*` \(itself\)\n/m,
	     'what a function allocates itself stands beside what its only callee does');
	my $deep = dumped('--callers=make_nod', '--callees=nothing_of_this_name', $subject);
	like($deep, qr/^callees of "nothing_of_this_name": no function, module or file in any backtrace has this in its name$/m, 'no such function');
	like(dumped('--callers=make_noed', $subject), qr/\(did you mean make_node\?\)$/m, 'a similar one is named');
	like(dumped('--callers=groups.cc', $subject), qr/^callers of what is in modules or files with "groups\.cc" in the name:$/m, 'a file');
	like(dumped('--tree', '--depth=5', $subject), qr/^\(stacks were cut at 5 frames: record with --depth=128 for longer ones\)$/m, 'where stacks were cut, that is said');
	unlike(dumped('--tree', $subject), qr/were cut/, 'and not where they were not');
	# A pipe gets 80 columns, as a terminal of that width does; a file gets whole names.
	my $long = "$dir/" . 'a_directory_with_a_long_name_' x 3;
	mkdir $long;
	system('cp', $subject, "$long/groups");
	for my $option ('--group=module', '--group=backtrace', '--tree', '--callers=groups') {
		my ($table) = `LC_ALL=C $heaptrace $option --outfile=- $long/groups | cat` =~ /^( *share .*?)\n\n/ms;
		is(join("\n", grep { length > 80 } split /\n/, $table // 'none' x 30), '', "$option: 80 columns in a pipe");
	}
	like(dumped('--group=module', "$long/groups"), qr/\Q$long\E\/groups$/m, 'whole names in a file');
	local $ENV{LC_ALL} = 'C.UTF-8';
	like(dumped('--tree', $subject), qr/\xe2\x94\x9c /, 'in UTF-8 the lines are drawn');
}

# ---- Options ----

for (['--flame-graph --group=file', qr/--group is for text dumps and --format=json/], ['--tree --format=json', qr/--tree is for text dumps/],
     ['--callers=x --sort=age', qr/ages have no sum/], ['--skip=x', qr/--skip is for --group/], ['--min-share=2 --group=file', qr/--min-share is for --tree/],
     ['--group=x', qr/--group=x: not one of backtrace, function, file, module, thread/],
     ['--short --group=file', qr/--short leaves them out/], ['--tree --min-size=3', qr/branches of a tree are left out by --min-share/], ['--tree=x', qr/--tree=x: not one of top-down, bottom-up/],
     ['--tree bottom-up', qr/bottom-up: command not found/]) {
	my ($options, $why) = @$_;
	my ($status, undef, $err) = run(undef, $heaptrace, split(' ', $options), 'true');
	ok($status, "$options: refused");
	like($err, $why, "$options: and why");
}

# ---- The watcher writes the dump ----

{
	my $out = "$dir/run/order";
	my ($pid, $in) = start(undef, $heaptrace, "--outfile=$out", '--group=function', $subject, 'wait');
	ok(wait_for(sub { (slurp($out) // '') =~ /initialized/ && (slurp("/proc/$pid/stat") // '') =~ /groups\) S/ }), 'the program waits');
	kill 'USR2', $pid;
	ok(wait_for(sub { (slurp($out) // '') =~ /sorted by count\n(?:.*\n)* +40 +4\.000 KB  make_node/ || (slurp($out) // '') =~ / 40 +4\.000 KB  make_node/ }), 'SIGUSR2: a table by count');
	kill 'TERM', $pid;
	is(finish($pid, 30), 15, 'the end by a signal');
	my $text = slurp($out);
	like($text, qr/\A\[heaptrace\] initialized for .*\n=+\n(?:.*\n)*?=+\n\[heaptrace\] finalized for \S+ \(groups\)\n=+\n(?:.*\n)*=+\n\z/, 'the lines and the dumps are in order');
	my ($killed) = start(undef, $heaptrace, "--outfile=$out", '--tree', $subject, 'wait');
	ok(wait_for(sub { (slurp($out) // '') =~ /initialized/ && (slurp("/proc/$killed/stat") // '') =~ /groups\) S/ }), 'it waits again');
	kill 'KILL', $killed;
	finish($killed, 30);
	ok(wait_for(sub { (slurp($out) // '') =~ /finalized for .*, which was killed.*\n(?:.*\n)*.*make_node(?:.*\n)*=+\n\z/ }), 'SIGKILL: the tree comes, too');
	my (undef, $stdout) = run(undef, $heaptrace, '--outfile=-', '--group=function', $subject);
	like($stdout, qr/ 40  make_node/, 'on standard output');
	like(dumped('--group=function', '--above=3k', $subject), qr/ by --above.*\n(?:.*\n)*.* 40  make_node/, '--above');
	run(undef, $heaptrace, "--outfile=$out", '--group=function', 'sh', '-c', "$subject; exit 3");
	my @children = grep { (slurp($_) // '') =~ / 40  make_node/ } glob "$out.*";
	is(scalar @children, 1, 'a child has its file');
	my (undef, undef, $err) = run(undef, $heaptrace, '--no-watch', '--group=function', '--callers=a b', $subject);
	like($err, qr/no watcher is there to write the report: start the program as heaptrace --group=function '--callers=a b' PROGRAM/, '--no-watch: a line says what makes the report');
}
done_testing();
