#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --format=massif: the file is well-formed, has the figures of the other formats, is what massif itself says of the same
# program, and ms_print and massif-visualizer read it. A screenshot of the latter is left in build/screenshots.
use strict;
use warnings;
use Compress::Zlib ();
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);
require './tests/process.pl';
our ($dir, $heaptrace);

my $subject = build('moments', 'moments');
our $rec = "$dir/rec";

# Runs the subject with these steps, each followed by a pause.
sub steps {
	my ($steps, $pause, @command) = @_;
	my ($pid, $in) = start(undef, @command);
	take_steps($in, $steps, 0, $pause);
	close $in;
	return finish($pid, 60);
}

sub report {
	my ($file, @options) = @_;
	my ($status, undef, $err) = run(undef, $heaptrace, "--report=$rec", "--outfile=$file", @options);
	return $status ? "status $status: $err" : slurp($file);
}

# Reads a node of a tree and its children from the lines. Returns a node, or dies with a complaint.
sub read_node {
	my ($lines, $level) = @_;
	my $line = shift @$lines // die "the tree ends too early\n";
	$line =~ /^ {$level}n(\d+): (\d+) (\S.*)$/ or die "not a line of a tree: $line\n";
	my %node = (size => $2, label => $3, children => []);
	my ($children, $sum) = ($1, 0);
	for (1 .. $children) {
		push @{$node{children}}, read_node($lines, $level + 1);
		$sum += $node{children}[-1]{size};
	}
	die "children have more than their node: $line\n" if $sum > $node{size};
	return \%node;
}

# Reads a file as strictly as massif writes it. Returns the moments; a complaint is {bad}.
sub read_massif {
	my ($text) = @_;
	my @lines = split /\n/, $text, -1;
	my ($before, %file) = (-1, bad => '', moments => []);
	eval {
		die "the last line is not ended\n" if pop @lines ne '';
		for my $field ('desc', 'cmd', 'time_unit') {
			shift(@lines) =~ /^$field: (.+)$/ or die "no $field\n";
			$file{$field} = $1;
		}
		while (@lines) {
			my %moment = (number => scalar @{$file{moments}});
			for my $want ('#-----------', "snapshot=$moment{number}", '#-----------') {
				my $line = shift @lines;
				die "$line instead of $want\n" if $line ne $want;
			}
			for my $field (qw(time mem_heap_B mem_heap_extra_B mem_stacks_B)) {
				shift(@lines) =~ /^$field=(\d+)$/ or die "no $field in $moment{number}\n";
				$moment{$field} = $1;
			}
			die "time goes back in $moment{number}\n" if $moment{time} < $before;
			$before = $moment{time};
			shift(@lines) =~ /^heap_tree=(empty|detailed|peak)$/ or die "no heap_tree in $moment{number}\n";
			$moment{kind} = $1;
			$moment{tree} = read_node(\@lines, 0) if $1 ne 'empty';
			die "the tree has not the size of $moment{number}\n" if $moment{tree} && $moment{tree}{size} != $moment{mem_heap_B};
			push @{$file{moments}}, \%moment;
		}
		1;
	} or $file{bad} = $@;
	return \%file;
}

# The nodes of a tree whose function this is.
sub nodes_of {
	my ($node, $function) = @_;
	return ($node->{label} =~ /^0x[0-9a-fA-F]+: \Q$function\E \(/ ? $node : (), map { nodes_of($_, $function) } @{$node->{children}});
}

# A tree as text without addresses, up to main().
sub outline {
	my ($node, $level) = @_;
	my $label = $node->{label} =~ s/^0x[0-9a-fA-F]+: //r;
	my $text = ' ' x $level . "$node->{size} $label\n";
	return $label =~ /^in \d+ places?, / && !$node->{size} ? '' : $text if $label =~ /^(?:main|in) /;
	return $text . join '', map { outline($_, $level + 1) } @{$node->{children}};
}

# ---- The figures ----

my $file;
{
	is(steps('+++s+-++ts+-', 0.15, $heaptrace, "--record=$rec", "--outfile=$dir/exit", $subject), 0, 'a run');
	$file = read_massif(report("$dir/x.massif"));
	my $d = decode_json(report("$dir/x.json", '--top=0'));
	my @moments = @{$file->{moments}};
	my ($peak) = grep { $_->{kind} eq 'peak' } @moments;
	my ($last, @detailed) = ($moments[-1], grep { $_->{kind} eq 'detailed' } @moments);
	is($file->{bad}, '', 'the file is well-formed');
	is($file->{time_unit}, 'ms', 'milliseconds');
	is($file->{cmd}, $subject, 'it names the program');
	is($last->{mem_heap_B}, $d->{totals}{size}, 'the last moment has the live bytes of the report');
	is($last->{time}, int($d->{timeline}{ns}[-1] / 1e6), 'at its time');
	is($peak->{mem_heap_B}, $d->{totals}{'peak-size'}, 'the peak has those of the peak');
	is((sort { $b <=> $a } map { $_->{mem_heap_B} } @moments)[0], $peak->{mem_heap_B}, 'and nothing is larger');
	is(scalar(grep { $_->{kind} eq 'peak' } @moments), 1, 'there is one peak');
	cmp_ok(abs($peak->{time} - $d->{moment}{'peak-at-ns'} / 1e6), '<=', 1, 'its time');
	# For a snapshot the watcher reads the size of the heap, and then, without a lock, the rows. A step of the program can come
	# in between, seldom, and hardly twice.
	my $alike = sub {
		my @differences = grep { $_ } map { abs } @_;
		return @differences == 0 || @differences == 1 && $differences[0] <= 1e6;
	};
	my @sizes = ((map { $_->{size} } @{$d->{snapshots}}), $last->{mem_heap_B});
	is(scalar @detailed, scalar @sizes, 'each snapshot has a tree');
	ok($alike->(map { $detailed[$_]{mem_heap_B} - $sizes[$_] } 0 .. $#detailed), 'with its size')
		or diag(join(' ', map { $_->{mem_heap_B} } @detailed), "\n@sizes");
	cmp_ok(scalar @detailed, '>=', 6, 'and there are some');
	my %sizes;
	for my $row (@{$d->{rows}}) {
		my ($function) = grep { ($_->{function} // '') =~ /^(?:grow|small)$/ } @{$row->{frames}};
		$sizes{$function->{function}}[0] += $row->{size};
		$sizes{$function->{function}}[1] += $row->{'heap-peak'};
	}
	for my $function ('grow', 'small') {
		is((nodes_of($last->{tree}, $function))[0]{size}, $sizes{$function}[0], "$function() at the end");
		is((nodes_of($peak->{tree}, $function))[0]{size}, $sizes{$function}[1], "$function() at the peak");
		for my $n (@detailed) {
			my ($node) = nodes_of($n->{tree}, $function);
			my $unit = $function eq 'grow' ? 10000 : 100;
			$n->{sum} += $node->{size} if $node;
			$n->{odd} = 1 if $node && $node->{size} % $unit;
		}
	}
	is(join(' ', map { $_->{number} } grep { $_->{odd} } @detailed), '', 'functions have whole blocks in each snapshot');
	ok($alike->(map { ($_->{sum} // 0) - $_->{mem_heap_B} } @detailed), 'and add up')
		or diag(join ' ', map { ($_->{sum} // 0) . "/$_->{mem_heap_B}" } @detailed);
	my $line = (nodes_of($peak->{tree}, 'inner'))[0];
	like($line->{label}, qr/^0x[0-9a-f]+: inner \(moments\.c:\d+\)$/, 'a line has address, function, file and line');
	is($line->{children}[0]{label} =~ /: grow \(moments\.c:/ ? $line->{children}[0]{size} : '', $line->{size}, 'an inlined call is in its caller');
	is(join(' ', grep { $_->{label} =~ /: (?:malloc|calloc) / } map { @{$_->{tree}{children}} } @detailed, $peak), '', 'allocation functions are left out');

	# glibc: 10,016 bytes for a block of 10,000, and 112 for one of 100.
	my $glibc = $sizes{grow}[1] / 10000 * 16 + $sizes{small}[1] / 100 * 12;
	is($peak->{mem_heap_extra_B}, $glibc, 'what malloc takes beyond it');
	cmp_ok($moments[3]{mem_heap_extra_B}, '<=', $moments[3]{mem_heap_B} / 8, 'it is estimated where rows are not known');

	my $text = report("$dir/x.txt", '--top=0');
	my $total = $last->{mem_heap_B};
	my $said = sprintf '%d.%03d MB', $total / 1000000, $total % 1000000 / 1000;
	like($text, qr/^\[heaptrace\] heap traced allocation size  : \Q$said\E$/m, 'the text dump has the same total');
}

# ---- Options ----

{
	my $f = read_massif(report("$dir/y.massif", '--focus=small'));
	my $last = $f->{moments}[-1];
	is($f->{bad}, '', 'with --focus');
	is($last->{mem_heap_B}, $file->{moments}[-1]{mem_heap_B}, 'the size is that of the heap');
	my ($out) = grep { $_->{label} =~ /left out by rules or by --focus/ } @{$last->{tree}{children}};
	my ($grow) = nodes_of($file->{moments}[-1]{tree}, 'grow');
	is($out->{size}, $grow->{size}, 'what is left out is a line of its own');

	my ($small) = nodes_of($file->{moments}[-1]{tree}, 'small');
	$f = read_massif(report("$dir/y.massif", '--min-share=20'));
	$last = $f->{moments}[-1];
	is(join('|', map { "$_->{size} $_->{label}" } grep { $_->{label} !~ /^0x/ } @{$last->{tree}{children}}),
	   "$small->{size} in 1 place, below massif's threshold (20.00%)", '--min-share is the threshold');

	$f = read_massif(report("$dir/y.massif", map { "--hide=$_" } qw(alloc inner grow small main _start)));
	is($f->{moments}[-1]{tree}{children}[0]{label}, '(all frames are hidden)', 'with --hide of everything');

	is(steps('+s-', 0.1, $heaptrace, '--no-watch', "--record=$rec.alone", "--outfile=$dir/exit", $subject), 0, 'without a watcher');
	local $rec = "$rec.alone";
	$f = read_massif(report("$dir/y.massif"));
	is($f->{bad}, '', 'there is a file');
	is(join(' ', map { $_->{kind} } grep { $_->{tree} } @{$f->{moments}}), 'peak detailed', 'with the peak and the end');
}

# ---- A short run has bytes for time ----

{
	local $rec = "$dir/short";
	is(steps('+s-t', 0, $heaptrace, "--record=$rec", "--outfile=$dir/exit", $subject), 0, 'a short run');
	my $f = read_massif(report("$dir/y.massif"));
	my $d = decode_json(report("$dir/y.json", '--top=0'));
	SKIP: {
		skip('the machine is too busy for a short run', 2) if $d->{timeline}{ns}[-1] >= 100e6;
		is($f->{time_unit}, 'B', 'its time is in bytes');
		is($f->{moments}[-1]{time}, 2 * $d->{totals}{'total-size'} - $d->{totals}{size}, 'that were allocated and freed');
	}
}

# ---- massif itself ----

SKIP: {
	skip('no valgrind', 2) unless has('valgrind');
	my $out = "$dir/valgrind";
	my $status = steps('+++s+-++ts+-', 0, 'valgrind', '-q', '--tool=massif', '--read-inline-info=yes', '--peak-inaccuracy=0.0',
			   "--massif-out-file=$out", $subject);
	skip('valgrind does not run here', 2) if $status || !-s $out;
	my $theirs = read_massif(slurp($out));
	my ($their_peak) = grep { $_->{kind} eq 'peak' } @{$theirs->{moments}};
	is($theirs->{bad}, '', 'the reader of this test reads a file of massif');
	my ($peak) = grep { $_->{kind} eq 'peak' } @{$file->{moments}};
	is(outline($peak->{tree}, 0), outline($their_peak->{tree}, 0), 'the tree of the peak is that of massif');
}

# ---- Readers ----

# What ms_print says of a file: its output, or a complaint.
sub ms_print {
	my ($status, $out, $err) = run(undef, 'ms_print', @_);
	return $status || $err ne '' ? "ms_print: $status $err" : $out;
}

sub commas { return scalar reverse((reverse $_[0]) =~ s/(\d{3})(?=\d)/$1,/gr) }

SKIP: {
	skip('no ms_print', 7) unless has('ms_print');
	my $out = ms_print("$dir/x.massif");
	my @moments = @{$file->{moments}};
	my ($peak) = grep { $_->{kind} eq 'peak' } @moments;
	my ($last, $total) = ($moments[-1], $peak->{mem_heap_B} + $peak->{mem_heap_extra_B});
	like($out, qr/^Number of snapshots: ${\scalar @moments}$/m, 'ms_print: all moments');
	like($out, qr/^ Detailed snapshots: \[.*\b$peak->{number} \(peak\)/m, 'which one is the peak');
	for my $m ($peak, $last) {
		my $row = join ' +', map { commas($_) } $m->{number}, $m->{time}, $m->{mem_heap_B} + $m->{mem_heap_extra_B},
			$m->{mem_heap_B}, $m->{mem_heap_extra_B}, 0;
		like($out, qr/^ +$row$/m, "the figures of moment $m->{number}");
	}
	my ($grow) = nodes_of($peak->{tree}, 'inner');
	my $line = sprintf '->%05.2f%% (%sB) %s', 100 * $grow->{size} / $total, commas($grow->{size}), $grow->{label};
	like($out, qr/^\Q$line\E$/m, 'the largest line of its tree');
	like($out, qr/^ {4}MB\n\S+\^[ :@#]*#[ :@]*$/m, 'the graph has the peak in its highest line');
	like($out, qr/^   0 \+-+>m?s\n/m, 'and the time below it');
}

# Writes a PNG of the framebuffer of an Xvfb, which is in the format of xwd (X11/XWDFile.h, version 7). Returns how many
# colours there are.
sub screenshot {
	my ($from, $to) = @_;
	my $xwd = slurp($from) // return 0;
	my ($header, undef, undef, undef, $width, $height) = unpack 'N6', $xwd;
	my ($order, $bits, $stride, $colors) = (unpack 'N20', $xwd)[7, 11, 12, 19];
	return 0 if $bits != 32;
	my ($raw, %seen) = ('');
	for my $y (0 .. $height - 1) {
		my $row = substr $xwd, $header + 12 * $colors + $y * $stride, 4 * $width;
		my @pixels = unpack $order ? 'N*' : 'V*', $row;
		@seen{@pixels} = ();
		$raw .= "\0" . join '', map { substr pack('N', $_), 1 } @pixels;
	}
	my $chunk = sub { pack('N', length $_[1]) . $_[0] . $_[1] . pack 'N', Compress::Zlib::crc32($_[0] . $_[1]) };
	spit($to, "\x89PNG\r\n\x1a\n" . $chunk->('IHDR', pack 'NNC5', $width, $height, 8, 2, 0, 0, 0) .
		  $chunk->('IDAT', Compress::Zlib::compress($raw)) . $chunk->('IEND', ''));
	return scalar keys %seen;
}

# Opens a file in massif-visualizer on the display. Returns what it says of it.
sub visualize {
	my ($display, $path, $shot) = @_;
	my ($pid) = start(sub {
		%ENV = (%ENV, DISPLAY => $display, HOME => "$dir/home", XDG_RUNTIME_DIR => "$dir/home", QT_QPA_PLATFORM => 'xcb',
			LC_ALL => 'C.UTF-8');
		delete $ENV{DBUS_SESSION_BUS_ADDRESS};
	}, 'massif-visualizer', $path);
	wait_for(sub { (slurp("$dir/stderr") // '') =~ /peak cost|invalid line/ }, 30);
	my ($colors, $before) = (0, '');
	# The picture is complete when it does not change any more.
	wait_for(sub {
		sleep 0.7;
		$colors = screenshot("$dir/home/Xvfb_screen0", $shot);
		my $same = $before eq slurp($shot);
		$before = slurp($shot);
		return $colors > 50 && $same;
	}, 15) if $shot;
	kill 'KILL', $pid;
	finish($pid, 10);
	return (slurp("$dir/stderr"), $colors);
}

SKIP: {
	skip('no massif-visualizer', 7) unless has('massif-visualizer');
	skip('no Xvfb', 7) unless has('Xvfb');
	mkdir "$dir/home", 0700;
	mkdir "$dir/home/.config";
	spit("$dir/home/.config/massif-visualizerrc", "[MainWindow]\n1200x800 screen: Height=780\n1200x800 screen: Width=1180\n");
	mkdir $_ for 'build', 'build/screenshots';
	my ($pid) = start(undef, 'Xvfb', '-displayfd', '1', '-screen', '0', '1200x800x24', '-fbdir', "$dir/home", '-nolisten', 'tcp');
	wait_for(sub { (slurp("$dir/stdout") // '') =~ /\n/ }, 20);
	my ($number) = (slurp("$dir/stdout") // '') =~ /(\d+)/;
	skip('Xvfb does not start here', 7) unless defined $number;
	my ($said, $colors) = visualize(":$number", "$dir/x.massif", 'build/screenshots/massif-visualizer.png');
	my ($peak) = grep { $_->{kind} eq 'peak' } @{$file->{moments}};
	unlike($said, qr/invalid line/, 'massif-visualizer: no complaint');
	like($said, qr/^snapshots: ${\scalar @{$file->{moments}}}$/m, 'all moments');
	like($said, qr/^peak: snapshot # $peak->{number} after $peak->{time} "ms"$/m, 'the peak');
	my $size = sprintf '%.1f MiB', $peak->{mem_heap_B} / 2 ** 20;
	like($said, qr/^peak cost: "\Q$size\E" heap /m, 'its size');
	like($said, qr/^command: "\Q$subject\E"$/m, 'the program');
	cmp_ok($colors, '>', 50, 'it draws a picture');
	spit("$dir/bad.massif", slurp("$dir/x.massif") =~ s/^ n1: /  n1: /mr);
	like((visualize(":$number", "$dir/bad.massif"))[0], qr/invalid line/, 'and it would complain of a damaged file');
	kill 'TERM', $pid;
	finish($pid, 10);
}

# ---- Hostile names ----

{
	my %names = (grow => "ev#il \"<b>\n</script>\x01\xff\xc2\x9b\xe2\x80\xae (x.c:1)", small => 'n1: 5 ' . 'x' x 65000);
	mkdir "$dir/odd";
	my $odd = "$dir/odd/a#b\nn0: 1 \"<\x80\xe2\x80\xae";
	my $renamed = quiet('objcopy', '--strip-debug', (map { ("--redefine-sym", "$_=$names{$_}") } sort keys %names), $subject, $odd);
	SKIP: {
		skip('no objcopy that renames symbols', 6) unless $renamed;
		local $rec = "$dir/odd.rec";
		is(steps('+s', 0.06, $heaptrace, "--record=$rec", "--outfile=$dir/exit", $odd), 0, 'names of any bytes');
		my $text = report("$dir/odd.massif");
		my $f = read_massif($text);
		is($f->{bad}, '', 'the file is well-formed');
		my @labels = map { $_->{label} } @{$f->{moments}[-1]{tree}{children}};
		is(scalar(grep { /^0x[0-9a-f]+: ev:il "<b>\?<\/script>\?.* \(in .*\)$/ } @labels), 1, 'control characters are replaced');
		is(scalar(grep { /^0x[0-9a-f]+: n1: 5 x{65000} \(in .*\/a:b\?n0: 1/ } @labels), 1, 'a long name is whole');
		unlike($text =~ s/^#-----------$//mgr, qr/#|[^\n\x20-\x7e\x80-\xff]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]/, 'nothing is a comment, or a control character');
		skip('no ms_print', 1) unless has('ms_print');
		like(ms_print("$dir/odd.massif"), qr/^(?!ms_print:)[^\0]*Number of snapshots: /, 'ms_print reads it');
	}
}

done_testing;
