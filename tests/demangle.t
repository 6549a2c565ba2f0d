#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
# demangle/: the golden list, every name of the C++ and Rust libraries that are installed
# against c++filt, features that libraries rarely use, limits, and the stack.
# `GOLDEN=update tests/demangle.t` writes the golden list anew; DEMANGLE_BULK=1 takes every name
# of every library and Rust toolchain here (over 500,000, a minute), else a part of them.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

my $tmp = tempdir(CLEANUP => 1);
my $cc = $ENV{CC} || 'cc';
my $compile = "$cc -std=gnu11 -O2 -Wall -Wextra -Werror -I.";
my @sources = glob('demangle/*.c');
my $golden = 'tests/demangle/golden';

sub have { system("command -v $_[0] >/dev/null 2>&1") == 0 }

sub lines {
	open(my $in, '<', $_[0]) or die "$_[0]: $!";
	chomp(my @lines = <$in>);
	return @lines;
}

# The lines that a command prints for these lines on its standard input.
sub through {
	my ($command, @input) = @_;

	open(my $out, '>', "$tmp/in") or die;
	print $out "$_\n" for @input;
	close($out) or die;
	my @output = `$command < $tmp/in`;
	chomp(@output);
	return @output;
}

my @kept = map { [split(/\t/, $_, 3)] } grep { !/^#/ } lines('tests/demangle/differences');
my %kept_seen;
my $bulk = $ENV{DEMANGLE_BULK};

# Whether a difference is on the list of those that we keep.
sub is_kept {
	my ($name, $theirs) = @_;
	my $kind = $theirs eq $name ? 'refused' : 'text';

	for my $row (@kept) {
		next if $row->[0] ne $kind || $name !~ /$row->[1]/;
		$kept_seen{$row->[1]}++;
		return 1;
	}
	return 0;
}

# One test: all these names, against c++filt.
sub compare {
	my ($what, @names) = @_;
	my (%seen, $same, $kept, @wrong);

	@names = grep { !$seen{$_}++ } @names;
	# Rust without hashes is c++filt -i; that option would shorten std::string in C++.
	my @rust = grep { /^_R|17h[0-9a-f]{16}E/ } @names;
	my @cxx = grep { !/^_R|17h[0-9a-f]{16}E/ } @names;
	for my $part (['c++filt', @cxx], ['c++filt -i', @rust]) {
		my ($filter, @part) = @$part;
		my @theirs = through($filter, @part);
		my @ours = through("$tmp/demangle", @part);

		for my $i (0 .. $#part) {
			if ($ours[$i] eq $theirs[$i]) {
				$same++;
			} elsif (is_kept($part[$i], $theirs[$i])) {
				$kept++;
			} else {
				push(@wrong, substr("$part[$i]\n  c++filt $theirs[$i]\n" .
						    "  ours    $ours[$i]", 0, 2000));
			}
		}
	}
	$kept ||= 0;
	ok(@names && !@wrong, "$what: " . @names . " names, $kept differences kept");
	diag(join("\n", splice(@wrong, 0, 10))) if @wrong;
}

sub symbols {
	my %seen;

	for my $file (@_) {
		$seen{$_} = 1 for grep { /^_[ZR]/ } map { /(\S+)$/ ? $1 =~ s/\@.*//r : () }
			`nm -D '$file' 2>/dev/null; nm '$file' 2>/dev/null`;
	}
	return sort keys %seen;
}

# Compiled once: gcc also writes who calls whom with how much stack, for a test below.
my $callgraph = '-fcallgraph-info=su';
$callgraph = '' if system("cd $tmp && echo 'int x;' > x.c && $cc $callgraph -c x.c 2>/dev/null");
unlink("$tmp/x.ci", "$tmp/x.o");
my $failed = 0;
for my $source (@sources) {
	my $object = "$tmp/" . $source =~ s/.*\///r . '.o';
	$failed ||= system("$compile $callgraph -c -o $object $source");
}
is($failed || system("$compile -o $tmp/demangle tests/tools/demangle.c $tmp/*.o"),
   0, 'the tool builds without a warning') or BAIL_OUT('no demangle tool');

# --- golden list ---

my @rows = map { [split(/\t/)] } grep { !/^#/ } lines($golden);
my @ours = through("$tmp/demangle", map { $_->[0] } @rows);
if (($ENV{GOLDEN} || '') eq 'update') {
	my @head = grep { /^#/ } lines($golden);
	open(my $out, '>', $golden) or die;
	print $out "$_\n" for @head, map { "$rows[$_][0]\t$ours[$_]" } 0 .. $#rows;
	close($out) or die;
	$rows[$_][1] = $ours[$_] for 0 .. $#rows;
}
my @wrong = grep { $ours[$_] ne $rows[$_][1] } 0 .. $#rows;
ok(@rows > 300 && !@wrong, 'golden list: ' . @rows . ' names');
diag("$rows[$_][0]\n  want $rows[$_][1]\n  have $ours[$_]") for @wrong;

my @plain = ('main', '', '_', '_Z', '_R', '_ZN', 'foo bar', '_Z3fo', '_Z3foov.', '_Z3foov@',
	     '__Z3foov', "\x80\xff", '_ZSt', '_ZS_', '_Z1fS_', '_Z1fT_', '_RC', '_RNvC1a',
	     '_ZN3foo17h0123456789abcdefEX');
is_deeply([through("$tmp/demangle", @plain)], \@plain, 'other lines come out as they are');

# --- limits ---

is(system("$compile -o $tmp/limits tests/demangle/limits.c $tmp/*.o"),
   0, 'the test of limits builds');
for my $line (through("$tmp/limits", lines($golden))) {
	if ($line =~ /^(not )?ok - (.*)/) { ok(!$1, $2) } else { note($line) }
}
is($?, 0, 'the test of limits ends well');

# --- stack: steps are called by the two loops ---

SKIP: {
	my (%bytes, %calls, %depth, %busy, @cycles);

	skip('the compiler has no -fcallgraph-info', 2) if !$callgraph;
	for my $file (glob("$tmp/*.ci")) {
		for (lines($file)) {
			$bytes{$1} = $2 if /^node: .* ?title: "([^"]+)" label: "[^"]*?(\d+) bytes/;
			$calls{$1}{$2} = 1 if /sourcename: "([^"]+)" targetname: "([^"]+)"/;
		}
	}
	my @steps = grep { /(^|:)(cxx|rust)_/ && !/(cxx|rust\w*)_demangle$/ } keys %bytes;
	my $measure;
	$measure = sub {
		my $from = shift;
		my $most = 0;

		return $depth{$from} if defined($depth{$from});
		push(@cycles, $from) if $busy{$from};
		return 0 if $busy{$from};
		$busy{$from} = 1;
		my @callees = keys(%{$calls{$from} || {}});
		for my $to (map { $_ eq '__indirect_call' ? @steps : $_ } @callees) {
			my $deep = $measure->($to);
			$most = $deep if $deep > $most;
		}
		$busy{$from} = 0;
		return $depth{$from} = ($bytes{$from} || 0) + $most;
	};
	my $stack = $measure->('demangle');
	is("@cycles", '', 'no function calls itself');
	ok($stack > 100 && $stack < 1024, "$stack bytes of stack with gcc -O2");
}

# --- against c++filt ---

SKIP: {
	skip('no c++filt and nm', 4) if !have('c++filt') || !have('nm');
	my ($version) = `c++filt --version` =~ /(\d+\.\d+)/;
	skip("c++filt $version: the list of differences is for 2.40", 4) if $version ne '2.40';

	compare('golden list', map { $_->[0] } @rows);

	my $lib = '/usr/lib/x86_64-linux-gnu';
	my @files = grep { -f $_ } glob("$lib/libLLVM-14.so.1 $lib/libclang-cpp.so.14 " .
		"$lib/libstdc++.so.6 $lib/libproto*.so.32 $lib/libgrpc*.so.[0-9]* " .
		'/usr/bin/node /usr/bin/cppcheck /usr/lib/gcc/*/*/libstdc++.a');
	# With the same names in them, or nearly: LLVM's next versions, every C++ library there is.
	push(@files, grep { -f $_ } glob("$lib/libLLVM*.so* $lib/libclang*.so* $lib/lib[a-z]*.so.[0-9]* " .
		"/usr/lib/llvm-*/lib/*.a /root/.rustup/toolchains/*/lib/libLLVM*")) if $bulk;
	SKIP: {
		skip('no large C++ library here', 1) if !@files;
		# Neighbours are much alike.
		my ($n, @some) = (0, symbols(@files));
		compare('C++ libraries', $bulk ? @some : grep { $n++ % 4 == 0 } @some);
	}

	my @rustc = sort(glob('/root/.rustup/toolchains/*/lib/librustc_driver*.so ' .
			      '/usr/lib/x86_64-linux-gnu/librustc_driver*.so'));
	@rustc = (@rustc, glob('/root/.rustup/toolchains/*/lib/*.so ' .
			       '/root/.rustup/toolchains/*/lib/rustlib/*/lib/*.so')) if $bulk;
	@rustc = $rustc[0] if @rustc && !$bulk;
	SKIP: {
		skip('no librustc_driver here', 1) if !@rustc;
		compare('rustc', symbols(@rustc));
	}

	my @features;
	for my $cxx (grep { have($_) } 'g++', 'clang++') {
		push(@features, symbols("$tmp/features.obj"))
			if !system("$cxx -w -std=c++20 -c -o $tmp/features.obj " .
				   "tests/demangle/features.cc 2>/dev/null");
	}
	SKIP: {
		skip('no C++20 compiler', 1) if !@features;
		compare('features', @features);
	}
	note("kept $kept_seen{$_} of /$_/") for sort keys %kept_seen;
}

done_testing();
