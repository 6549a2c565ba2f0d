#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# heaptrack and heaptrace watch the same program, each in a run of its own, and must have seen the same: for each
# backtrace the blocks and bytes that are live at the end, those that were live at the peak of the heap, all calls
# and their bytes, and the temporary ones. What differs is known, and is held here, too:
#
# - heaptrack brings libraries of its own into the process (libstdc++, libunwind, liblzma, libgcc_s). So libstdc++'s
#   pool for exceptions is there in C programs, and ld.so loads other libraries than without heaptrack. In exchange,
#   heaptrack does not see what is allocated before its own start. These are the backtraces with ld.so in the
#   frames below; they are left out of the comparison and counted. All others have to be equal.
# - At the end heaptrack frees what libc and libstdc++ keep for good (__libc_freeres()).
# - heaptrack_print leaves out what its built-in suppressions know, and gives that as a sum of its own.
# - A block is temporary for heaptrack_print if the free is the very next event, and if the block has the same size
#   and backtrace as the newest one, even if it is another block. For heaptrace it is temporary if it is the
#   newest block of its thread, however many others were freed in between. And where realloc() gets the newest block,
#   heaptrack writes down a free (of a temporary block) and an allocation, while heaptrace counts no free.
#
# So the test plays heaptrack's raw events by both rules. By heaptrack's the sums must be those of heaptrack_print
# (so that the events are read as heaptrack does), and by heaptrace's each backtrace's figure must be heaptrace's.
use strict;
use warnings;
no warnings 'portable';			# addresses have more than 32 bits
use File::Temp 'tempdir';
use Test::More;
require './tests/common.pl';

has('heaptrack') && has('heaptrack_print') && has('zstd') or plan skip_all => 'no heaptrack here';
my ($interpret) = glob '/usr/lib/heaptrack/libexec/heaptrack_interpret /usr/lib*/*/heaptrack/libexec/heaptrack_interpret';
$interpret or plan skip_all => 'no heaptrack_interpret here';

use constant FRAMES => 6;		# that are compared of each backtrace
my $dir = tempdir(CLEANUP => 1);
my @keys = qw(size count heap-peak total-size total-count temporary);
$ENV{PYTHONMALLOC} = 'malloc';
$ENV{PYTHONHASHSEED} = 0;

# The name of a backtrace from the places of its frames, the innermost one first. libc keeps 32 exit handlers in a
# block of 1,040 bytes, which whoever comes next allocates. A tracer registers handlers, too, so these are others.
sub key_of {
	my ($size, @places) = @_;
	return 'atexit()' if $size == 1040 && @places > 1 && "$places[0] $places[1]" =~ /^libc\.so\S+ libc\.so\S+$/;
	return join ' ', @places[0 .. (@places < FRAMES ? @places : FRAMES) - 1];
}

# The rows of a JSON report, by the offsets of their frames, and the places from which realloc() was called. Each row
# is one line.
sub read_report {
	my ($file) = @_;
	my (%rows, %realloc, %totals);
	open my $in, '<', $file or die "$file: $!";
	while (<$in>) {
		%totals = /"([a-z-]+)":(\d+)/g if /^"totals"/;
		next if !/^\{"id":/;
		my %figure = (split /"frames"/)[0] =~ /"([a-z-]+)":(\d+)/g;
		my @frames = /"module":(?:"([^"]*)"|null),"module-offset":(?:"([^"]*)"|null)/g;
		my @names = map { ($frames[2 * $_] // '?') =~ s{.*/}{}r . '+' . ($frames[2 * $_ + 1] // '') } 0 .. @frames / 2 - 1;
		shift @names;							# the allocation function
		$realloc{$names[0]} = 1 if /"frames":\[\{[^}]*"function":"realloc(array)?"/;
		my $key = key_of($figure{'total-size'} / $figure{'total-count'}, @names);
		$rows{$key}{$_} += $figure{$_} for @keys;
	}
	return (\%rows, \%realloc, \%totals);
}

# heaptrack's events: "+ SIZE TRACE POINTER", "- POINTER", "t ADDRESS PARENT", "m LENGTH FILE BASE OFFSET SIZE ...".
# Gives a list of [key of the backtrace, place of the call, size, pointer] for allocations and [pointer] for frees.
sub read_events {
	my ($file) = @_;
	my ($program, @modules, %name, @traces, %key, @events);
	my $name = sub {
		my ($address) = @_;
		return $name{$address} //= do {
			my ($m) = grep { $address >= $_->[1] && $address < $_->[2] } @modules;
			$m ? sprintf '%s+0x%x', $m->[0], $address - $m->[3] : '?+';
		};
	};
	open my $in, '-|', "zstd -dcq $file" or die "zstd: $!";
	while (<$in>) {
		if (/^t (\w+) (\w+)/) {
			push @traces, [1 + hex $1, hex $2];			# heaptrack has the address before
		} elsif (/^\+ (\w+) (\w+) (\w+)/) {
			my ($size, $trace, $pointer) = (hex $1, hex $2, $3);
			$key{"$trace $size"} //= do {
				my @names;
				for (my $t = $trace; $t && @names < FRAMES; $t = $traces[$t - 1][1]) {
					push @names, $name->($traces[$t - 1][0]);
				}
				[key_of($size, @names), $names[0]];
			};
			push @events, [@{$key{"$trace $size"}}, $size, $pointer, $trace];
		} elsif (/^- (\w+)/) {
			push @events, [$1];
		} elsif (/^x \w+ (.*)/) {
			$program = $1;
		} elsif (/^m 1 -/) {
			(@modules, %name, %key) = ();
		} elsif (/^m \w+ (\S+) (\w+) (.*)/) {
			my ($file, $base, @parts) = ($1, hex $2, map { hex } split / /, $3);
			$file = $program if $file eq 'x';
			while (my ($offset, $size) = splice @parts, 0, 2) {
				push @modules, [$file =~ s{.*/}{}r, $base + $offset, $base + $offset + $size, $base];
			}
		}
	}
	return @events;
}

# The figures of the events: {backtrace}{key} by heaptrace's rules, where `maybe` counts the blocks that were freed
# directly before a realloc() call: realloc() of that block, or a free() and then realloc(NULL). And the sums by
# heaptrack's.
sub play {
	my ($realloc, @events) = @_;
	my (%rows, %live, %sum, $newest, $first, $before, $pending);
	my ($size, $peak, $peak_at) = (0, 0, -1);
	%sum = (calls => 0, temporary => 0);
	for my $i (0 .. $#events) {
		my $e = $events[$i];
		if (@$e > 1) {
			my ($key, $place, $bytes, $pointer, $trace) = @$e;
			my $row = $rows{$key} //= {};
			if ($pending && $realloc->{$place}) {
				$rows{$pending}{temporary}--;
				$rows{$pending}{maybe}++;
			}
			$pending = undef;
			$row->{'total-count'}++;
			$row->{'total-size'} += $bytes;
			$row->{count}++;
			$row->{size} += $bytes;
			$live{$pointer} = [$key, $bytes, "$bytes $trace"];
			$newest = $pointer;
			$before = "$bytes $trace";
			$first //= $before;
			$sum{calls}++;
			$size += $bytes;
			($peak, $peak_at) = ($size, $i) if $size > $peak;
		} else {
			my $block = delete $live{$e->[0]} or next;		# from before heaptrack's start
			my $row = $rows{$block->[0]};
			$pending = undef;
			if (defined $newest && $newest eq $e->[0]) {
				$row->{temporary}++;
				$pending = $block->[0];
				$newest = undef;
			}
			$sum{temporary}++ if $before eq $block->[2];
			$before = $first;				# heaptrack says "none" by 0, which is the first one, too
			$row->{count}--;
			$row->{size} -= $block->[1];
			$size -= $block->[1];
		}
	}
	my %at_peak;
	for my $e (@events[0 .. $peak_at]) {
		if (@$e > 1) {
			$rows{$e->[0]}{'heap-peak'} += $e->[2];
			$at_peak{$e->[3]} = $e;
		} elsif (my $a = delete $at_peak{$e->[0]}) {
			$rows{$a->[0]}{'heap-peak'} -= $a->[2];
		}
	}
	@sum{qw(size count peak)} = ($size, scalar keys %live, $peak);
	return (\%rows, \%sum);
}

# heaptrack_print's sums; sizes have a unit and two places.
sub read_print {
	my ($raw) = @_;
	quiet("zstd -dcq $raw | $interpret 2>/dev/null >$dir/interpreted; heaptrack_print -f $dir/interpreted -n 1") or return;
	my $text = log_text();
	my %got;
	my %unit = ('' => 1, B => 1, K => 1e3, M => 1e6, G => 1e9);
	$got{calls} = $1 if $text =~ /calls to allocation functions: (\d+)/;
	$got{temporary} = $1 if $text =~ /temporary memory allocations: (\d+)/;
	for (['peak', 'peak heap memory consumption'], ['leaked', 'total memory leaked'], ['suppressed', 'suppressed leaks']) {
		$got{$_->[0]} = $text =~ /\Q$_->[1]\E: ([\d.]+)([BKMG]?)/ ? $1 * $unit{$2} : 0;
	}
	return \%got;
}

# Whether a backtrace is one of those that heaptrack's own libraries change.
sub is_loader { return $_[0] =~ /^(libc\.so\S+ )?ld-linux|^libstdc\+\+\S+ ld-|^\?/ }

# The variables of the environment that a command shows to a program.
sub environment_of {
	my (@command) = @_;
	quiet(@command, '/usr/bin/env', '-0') or return {};
	return { map { /^([A-Z_a-z]\w*)=(.*)/ms ? ($1, $2) : () } split /\0/, log_text() =~ s/^.*\n(?=\w+=)//r };
}

# Both runs. python copies its environment into the heap, so each run gets variables in place of those that
# the other tracer sets, with values of the same length.
sub trace {
	my ($name, @command) = @_;
	my @heaptrack = ('heaptrack', '--raw', '-o', "$dir/$name");
	my @heaptrace = ('./heaptrace', "--outfile=$dir/$name.json", '--format=json', '--top=0', '--depth=' . (FRAMES + 1),
			 '--sort=total-count', '--no-lines', '--default-ignore=no');
	my (%only_heaptrack, %only_heaptrace);
	delete local $ENV{_};
	if ($name eq 'python3') {
		my ($theirs, $ours) = (environment_of(@heaptrack), environment_of(@heaptrace));
		%only_heaptrack = map { $_ => $theirs->{$_} } grep { !defined $ours->{$_} } keys %$theirs;
		%only_heaptrace = map { (s/.$/0/r) => $ours->{$_} } grep { !defined $theirs->{$_} } keys %$ours;
		note("set by one of them: ", join ' ', sort keys %only_heaptrack, keys %only_heaptrace);
	}
	{
		local @ENV{keys %only_heaptrace} = values %only_heaptrace;
		quiet(@heaptrack, @command) or return;
	}
	local @ENV{keys %only_heaptrack} = values %only_heaptrack;
	return quiet(@heaptrace, @command);
}

sub compare {
	my ($name, @command) = @_;
	my $raw = "$dir/$name";
	trace($name, @command) or return fail("$name runs under both") || diag(log_text());
	my ($rows, $realloc, $totals) = read_report("$dir/$name.json");
	my ($theirs, $sum) = play($realloc, read_events("$raw.raw.zst"));
	my $print = read_print("$raw.raw.zst");
	is("$print->{calls} $print->{temporary}", "$sum->{calls} $sum->{temporary}", "$name: heaptrack_print's calls and temporary ones");
	cmp_ok(abs($print->{peak} - $sum->{peak}), '<=', $sum->{peak} / 100, "$name: heaptrack_print's peak");
	cmp_ok(abs($print->{leaked} + $print->{suppressed} - $sum->{size}), '<=', 20 + $sum->{size} / 100,
	       "$name: heaptrack_print's leaks, with those that it suppresses");
	for my $key (@keys) {
		my (@differ, %sum);
		my $apart = 0;
		# heaptrack ends where ld.so runs the finalizers of its library, which can be before other libraries' static
		# objects are destroyed: what these free is leaked for heaptrack. LLVM has many of them.
		my $late = $name eq 'clang++' && $key =~ /^(size|count)$/;
		for my $trace (keys %{{ %$rows, %$theirs }}) {
			my ($ours, $they) = map { $_->{$trace}{$key} // 0 } $rows, $theirs;
			my $maybe = $key eq 'temporary' ? $theirs->{$trace}{maybe} // 0 : 0;
			my $differing = @differ;
			my $where = is_loader($trace) ? 'loader' : 'program';
			$sum{$where}[0] += $ours;
			$sum{$where}[1] += $they;
			push @differ, "$ours, heaptrack $they" . ($maybe ? " and perhaps $maybe" : '') . ": $trace"
				if $where eq 'program' && ($ours < $they && !$late || $ours > $they + $maybe);
			$apart += $ours < $they ? $they - $ours : $ours - $they - $maybe if @differ > $differing;
		}
		# Where python's objects lie decides in which order some are found and freed, and how long a few numbers are;
		# and that is another place in each run.
		my $by_address = $name eq 'python3' && $key !~ /^(size|count|total-count)$/;
		cmp_ok($apart, '<=', $by_address ? $sum{program}[0] / 500 : 0, "$name: $key of each backtrace") or diag(map { "$_\n" } @differ[0 .. ($#differ < 9 ? $#differ : 9)]);
		note("$name: $key: $sum{program}[0], heaptrack $sum{program}[1]; by ld.so " . join ' and ', @{$sum{loader} // [0, 0]});
	}
	return ($rows, $theirs, $sum, $print);
}

mkdir "$dir/in";			# apart from the results: python lists the directory of its program
spit("$dir/in/a.json", '[' . join(',', map { "{\"name\":\"n$_\",\"list\":[$_,2,3]}" } 1 .. 300) . ']');
spit("$dir/in/a.xml", '<a>' . join('', map { "<b id='$_'>text $_<c/></b>" } 1 .. 300) . '</a>');
spit("$dir/in/a.py", "import json\nd = {str(i): [i] * 3 for i in range(500)}\nprint(len(json.loads(json.dumps(d))))\n");
spit("$dir/in/a.cc", "template<int n> struct f { static const int v = f<n - 1>::v + n; };\n"
	. "template<> struct f<0> { static const int v = 0; };\nint x = f<100>::v;\n");
spit("$dir/in/a.sql", "create table t(a integer primary key, b text);\n"
	. join('', map { "insert into t values($_, 'text $_');\n" } 1 .. 300) . "select count(*) from t;\n");
compile("$dir/subject", '-x', 'c++', '-std=gnu++17', '-O0', '-g', 'tests/subjects/heaptrack.cc', '-lstdc++');
my ($python) = has('python3') ? `python3 -c 'import sys; print(sys.executable)'` =~ /(.+)/ : ();
my %programs = (
	subject => ["$dir/subject"],
	python3 => $python ? [$python, "$dir/in/a.py"] : [],
	# Not the one in PATH, which may be a program that only starts the compiler.
	'clang++' => ['/usr/bin/clang++', '-fsyntax-only', "$dir/in/a.cc"],
	sqlite3 => ['sqlite3', ':memory:', ".read $dir/in/a.sql"],
	jq => ['jq', '-c', '.[].list|add', "$dir/in/a.json"],
	xmllint => ['xmllint', '--format', "$dir/in/a.xml"],
);
for my $name (sort keys %programs) {
	next if $ENV{HEAPTRACK_ONLY} && $name ne $ENV{HEAPTRACK_ONLY};
	SKIP: {
		skip "no $name here" if !@{$programs{$name}} || !has($programs{$name}[0]);
		compare($name, @{$programs{$name}});
	}
}
done_testing;
