#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# symbol/: lines and inlined calls, against addr2line -f -i, for every byte of code of small
# subjects in many object flavours, and for random addresses of this project's own programs.
# What the two say differently goes to llvm-symbolizer: binutils 2.40 is known to be wrong about
#	- the file, where a sequence of a DWARF 5 line table begins with file 1: it takes file 0;
#	- inlined calls with DW_FORM_rnglistx ranges (clang, DWARF 5): it leaves them out;
#	- inlined functions without a linkage name: it prints the symbol around them.
# Such a difference is counted, and is an error if llvm-symbolizer does not agree with us.
#
# LINES_BULK="FILE..." compares 10,000 random addresses of each of these files too.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

require './tests/common.pl';

my $dir = tempdir('heaptrace-lines.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $machine = qx(uname -m);
my $here = qx(pwd);
chomp($machine, $here);

plan skip_all => 'addr2line and readelf are not installed' unless has('addr2line') && has('readelf');
my $has_judge = has('llvm-symbolizer');

my $cc = $ENV{CC} || 'cc';
my @objects = built_objects(symbol_sources(), glob('demangle/*.c'));
@objects && compile("$dir/symbolize", '-O1', 'tests/tools/symbolize.c', @objects) or BAIL_OUT('symbolize does not build: ' . log_text());

# Addresses

sub code {
	my @code;
	for (qx(readelf -SW '$_[0]' 2>/dev/null)) {
		my ($name, $start, $size) = /\]\s+(\S+)\s+\S+\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\S+\s+\S*X\S*\s/ or next;
		push @code, [hex $start, hex $size] unless $name =~ /^\.plt/;
	}
	return @code;
}

# All of them, or some.
sub addresses {
	my ($file, $most) = @_;
	my @code = code($file);
	my $total = 0;
	$total += $_->[1] for @code;
	my %addrs;
	if ($total <= $most) {
		for my $c (@code) {
			$addrs{$c->[0] + $_} = 1 for 0 .. $c->[1] - 1;
		}
	} else {
		srand 11;
		while (keys %addrs < $most) {
			my $at = int rand $total;
			for my $c (@code) {
				$addrs{$c->[0] + $at} = 1, last if $at < $c->[1];
				$at -= $c->[1];
			}
		}
	}
	return sort { $a <=> $b } keys %addrs;
}

# Answers: {address => [function, place, function, place ...]}, innermost first

sub ask {
	my ($command, $file, @addrs) = @_;
	my (%answer, $lines);
	spit("$dir/addrs", join '', map { sprintf "0x%x\n", $_ } @addrs);
	open my $f, '-|', "timeout 300 $command '$file' <$dir/addrs 2>>$dir/err" or die;
	while (my $text = <$f>) {
		chomp $text;
		if ($text =~ /^0x([0-9a-f]+)$/) {
			no warnings 'portable';
			$lines = $answer{hex $1} = [];
			next;
		}
		$text =~ s/ \(discriminator \d+\)$//;
		$text =~ s/:0$/:?/;
		$text =~ s/^\?\?:\?$/??:0/;
		1 while $text =~ s{/\./}{/};
		push @$lines, $text;
	}
	close $f;
	return \%answer;
}

# llvm-symbolizer takes a file's name from the unit where nothing is known of a line.
sub places { my ($l) = @_; return join ' ', map { $l->[2 * $_ + 1] =~ s{^[^/]*:\?$}{??:0}r } 0 .. $#$l / 2 }
sub inner_functions { my ($l) = @_; return join ' ', map { $l->[2 * $_] } 0 .. @$l / 2 - 2 }

# Without a line, and between functions, names are those of symbols: tests/symbol.t compares
# them. addr2line takes names of files from symbols too.
sub same {
	my ($ours, $theirs) = @_;
	return 1 if "@$ours" eq "@$theirs";
	return 0 if @$ours != 2 || @$theirs != 2;
	return 1 if $ours->[1] eq '??:0' && ($theirs->[1] eq '??:0' || $theirs->[1] =~ m{^[^/]*:\?$});
	return $ours->[0] eq '??' && $ours->[1] eq $theirs->[1];
}

# $least: so many addresses must have a line, and be inlined. Returns our answers.
sub compare {
	my ($title, $file, %o) = @_;
	my @addrs = addresses($file, $o{most} // 1500);
	my $ours = ask("$dir/symbolize -a", $file, @addrs);
	my $theirs = ask(($o{addr2line} // 'addr2line') . ' -a -f -i -e', $file, @addrs);
	my @differ = grep { !$ours->{$_} || !$theirs->{$_} || !same($ours->{$_}, $theirs->{$_}) } @addrs;
	my $lines = grep { $ours->{$_} && $ours->{$_}[1] !~ /^\?\?/ } @addrs;
	my $inlined = grep { $ours->{$_} && @{$ours->{$_}} > 2 } @addrs;
	SKIP: {
		skip "$title: addr2line is wrong about it, and there is no llvm-symbolizer to judge", 1
			if @differ && !$has_judge;
		my $judge = @differ ? ask('llvm-symbolizer --output-style=GNU --no-demangle -a -i -f=linkage -e', $file, @differ) : {};
		my @wrong = grep {
			my ($o, $j) = ($ours->{$_}, $judge->{$_});
			!$o || !$j || places($o) ne places($j) || inner_functions($o) ne inner_functions($j);
		} @differ;
		diag(sprintf "%s: %x is\n  %s, not\n  %s (llvm: %s)", $title, $_, join(' ', @{$ours->{$_} // []}),
		     join(' ', @{$theirs->{$_} // []}), join(' ', @{$judge->{$_} // []})) for @wrong[0 .. ($#wrong < 3 ? $#wrong : 3)];
		ok(!@wrong && $lines >= ($o{lines} // 0.7) * @addrs && $inlined >= ($o{inlined} // 0),
		   sprintf '%s: %d addresses, %d with lines, %d inlined%s', $title, scalar @addrs, $lines, $inlined,
			   @differ ? sprintf(', %d where addr2line is wrong', scalar @differ) : '')
			or diag(sprintf '%d of %d are wrong', scalar @wrong, scalar @addrs);
	}
	return $ours;
}

# The subjects: [compiler, extra sources, flags]. Built in the subjects' directory, by relative
# and absolute names.

sub build {
	my ($out, $cc, @flags) = @_;
	my $cxx = $cc =~ /clang/ ? 'clang++' : $cc =~ /^(.*)gcc$/ ? "$1g++" : 'c++';
	my @objects;
	for my $source ('main.c', "$here/tests/lines/sub/part.c", 'other.cc') {
		my $object = "$dir/" . ($source =~ s{.*/}{}r) . '.o';
		my $compiler = $source =~ /cc$/ ? $cxx : $cc;
		return 0 unless system("cd tests/lines && $compiler @flags -DOTHER -fno-exceptions -c -o $object $source >$dir/log 2>&1") == 0;
		push @objects, $object;
	}
	return quiet($cxx, @flags, '-o', $out, @objects);
}

# C alone, for the flavours that matter for each unit by itself: one command.
sub build_c {
	my ($out, $cc, @flags) = @_;
	return system("cd tests/lines && $cc @flags -o $out main.c $here/tests/lines/sub/part.c >$dir/log 2>&1") == 0;
}

sub flavour {
	my ($title, $builder, $cc, $flags, %o) = @_;
	SKIP: {
		skip "$cc cannot build $title", 1 unless has($cc) && $builder->("$dir/subject", $cc, split ' ', $flags);
		return compare("$cc $title", "$dir/subject", %o);
	}
	return {};
}

for my $cc ('gcc', 'clang') {
	flavour($_, \&build_c, $cc, $_) for '-O2 -gdwarf-2', '-O1 -gdwarf-3', '-O0 -gdwarf-4', '-O3 -gdwarf-4',
		'-O0 -gdwarf-5', '-O3 -gdwarf-5';
	flavour("C and C++, -O2 -gdwarf-$_", \&build, $cc, "-O2 -gdwarf-$_", inlined => 100) for 4, 5;
	flavour($_, \&build, $cc, $_) for '-O0 -g', '-O3 -gdwarf-4 -fdebug-types-section -ffunction-sections -Wl,--gc-sections',
		'-O1 -gdwarf-5 -fdebug-types-section', '-O2 -g -flto';
	flavour($_, \&build_c, $cc, $_) for '-O2 -g1', '-O2 -gdwarf-5 -gdwarf64', '-O2 -gdwarf-4 -gdwarf64', '-O2 -g -gz',
		'-O2 -g -gz=zlib-gnu', '-O2 -gdwarf-4 -gz -fuse-ld=gold', '-O2 -g -fno-pie -no-pie', '-O2 -m32 -gdwarf-4',
		'-O2 -m32 -gdwarf-5', '-O2 -g -fuse-ld=lld', '-O1 -g -ffunction-sections -Wl,--gc-sections -fuse-ld=gold',
		'-O2 -gdwarf-2 -gstrict-dwarf';
}

SKIP: {
	skip 'no compiler for aarch64', 1
		unless has('aarch64-linux-gnu-addr2line') &&
			build_c("$dir/aarch64", 'clang', qw(--target=aarch64-linux-gnu -O2 -gdwarf-4 -shared -fPIC -nostdlib -fuse-ld=lld));
	compare('aarch64', "$dir/aarch64", addr2line => 'aarch64-linux-gnu-addr2line');
}

# Type units: they have the classes, but no function's name. What describes a method for the code is
# in the unit that has the code, so that DW_FORM_ref_sig8 need not be followed: every byte of code of
# a subject full of classes, and the same answers when .debug_types is away.
for my $cc ('g++', 'clang++') {
	for my $version (4, 5) {
		SKIP: {
			skip "$cc cannot build types.cc", 2
				unless has($cc) && quiet($cc, qw(-O2 -fdebug-types-section), "-gdwarf-$version", '-o', "$dir/types", "$here/tests/lines/types.cc");
			my $with = compare("$cc -O2 -gdwarf-$version -fdebug-types-section", "$dir/types", most => $version == 4 ? 50_000 : 1000, inlined => 500);
			skip 'type units are in .debug_info', 1 if $version == 5;
			skip "$cc writes no type units", 1 unless qx(readelf -SW $dir/types) =~ /\.debug_types /;
			quiet('objcopy', '--remove-section=.debug_types', "$dir/types");
			my $without = ask("$dir/symbolize -a", "$dir/types", sort { $a <=> $b } keys %$with);
			my @differ = grep { "@{$with->{$_}}" ne "@{$without->{$_}}" } keys %$with;
			ok(!@differ, "... and the same without .debug_types") or diag(sprintf '%x', $differ[0]);
		}
	}
}

# Assembler, and objects of both compilers in one file: one with .debug_aranges, one without.
SKIP: {
	skip 'the assembler file is for x86-64', 1 unless $machine eq 'x86_64';
	skip 'cannot build the mixture', 1
		unless system("cd tests/lines && clang -O2 -g -DASSEMBLED -c -o $dir/m.o main.c && gcc -O2 -g -c -o $dir/p.o sub/part.c &&
			       gcc -g -c -o $dir/a.o assembled.s && gcc -o $dir/mixed $dir/m.o $dir/p.o $dir/a.o >$dir/log 2>&1") == 0;
	my $answers = compare('gcc, clang and assembler', "$dir/mixed");
	my %files = map { $_ => 1 } map { $_->[1] =~ m{([\w.]+):\d} ? $1 : () } values %$answers;
	ok((3 == grep { $files{$_} } qw(main.c part.c assembled.s)), '... and each has its lines') or diag(join ' ', sort keys %files);
}

# Each address alone: a search for one may end earlier, and pass over more, than one for all. Functions within others are
# the ones to be passed over wrongly.
for my $flags ('-O0', '-O2 -gdwarf-4', '-O1 -gdwarf-5') {
	SKIP: {
		skip 'gcc cannot build functions within functions', 2 unless has('gcc') && quiet('gcc', '-g', split(' ', $flags), '-o', "$dir/nested", 'tests/lines/nested.c');
		my $all = compare("functions within functions, $flags", "$dir/nested", lines => 0.3);
		my @differ = grep { "@{$all->{$_}}" ne "@{ask(qq($dir/symbolize -a), qq($dir/nested), $_)->{$_} // []}" } sort { $a <=> $b } keys %$all;
		my $within = grep { $_->[0] =~ /^(?:within|innermost)\b/ } values %$all;
		ok(!@differ && $within >= 10, "... and $within addresses within them, each alone") or diag(sprintf '%x', $differ[0] // 0);
	}
}

# A unit whose functions are found at once, and whose types are too much work: an address that has no function has all of
# them looked through, but takes nothing from the other addresses.
SKIP: {
	spit("$dir/types.c", "struct large {\n" . join('', map { "\tint m$_;\n" } 1 .. 20_000) . "};\n" . <<'END');
asm(".text\n.globl bare\nbare:\n.skip 16, 0x90\n");
static inline __attribute__((always_inline)) int inner(struct large *l, int a) { return l->m1++ * a; }
int outer(struct large *l, int a) { return inner(l, a) + 1; }
struct large large;
int main(int argc, char **argv) { return outer(&large, argc) + !argv; }
END
	skip 'gcc cannot build it', 2 unless has('gcc') && quiet('gcc', '-g', '-O1', '-o', "$dir/types", "$dir/types.c");
	my @few = grep { !/dwarf_unit\.o$/ } @objects;
	compile("$dir/few", '-O1', '-DDWARF_STEPS=10000', '-DDWARF_BUDGET_BYTES=4194304', 'tests/tools/symbolize.c', 'symbol/dwarf_unit.c', @few) or BAIL_OUT('symbolize does not build: ' . log_text());
	my %address = map { /^([0-9a-f]+) \w (\w+)$/ ? ($2 => hex $1) : () } qx(nm $dir/types);
	my @outer = map { $address{outer} + $_ } 0 .. 3;
	my $alone = ask("$dir/few -a", "$dir/types", @outer);
	ok(2 <= (grep { @$_ > 2 } values %$alone), 'little work: inlined calls are found');
	my $together = ask("$dir/few -a", "$dir/types", sort { $a <=> $b } $address{bare} + 4, @outer);
	is_deeply({ map { $_ => $together->{$_} } @outer }, $alone, '... and so they are where another address has no function');
}

# Rust, with the standard library's own debug data.
my ($rustc) = grep { has($_) } 'rustc', "$ENV{HOME}/.cargo/bin/rustc";
for my $flags ('-g', '-g -O') {
	SKIP: {
		skip 'no rustc', 1 unless $rustc && quiet($rustc, '--edition=2021', split(' ', $flags), '-o', "$dir/rust", 'tests/lines/rust.rs');
		compare("rustc $flags", "$dir/rust", most => 1500, lines => 0.5, inlined => 400);
	}
}

# This project's own.
compare($_, $_, most => 2000, inlined => 300) for grep { -e && code($_) } './libheaptrace.so', './heaptrace';

# Abbreviations in an order that no compiler writes: each table backwards.
sub leb { my ($data, $at) = @_; my $start = $$at; $$at++ while ord(substr $$data, $$at, 1) & 0x80; return substr $$data, $start, ++$$at - $start }

sub backwards {
	my ($abbrev) = @_;
	my ($at, $out) = (0, '');
	while ($at < length $abbrev) {
		my @entries;
		while ((my $entry = leb(\$abbrev, \$at)) ne "\0") {
			$entry .= leb(\$abbrev, \$at) . substr $abbrev, $at++, 1;
			while (1) {
				my ($name, $form) = (leb(\$abbrev, \$at), leb(\$abbrev, \$at));
				$entry .= "$name$form" . ($form eq "\x21" ? leb(\$abbrev, \$at) : '');
				last if "$name$form" eq "\0\0";
			}
			push @entries, $entry;
		}
		$out .= join('', reverse @entries) . "\0";
	}
	return $out;
}

SKIP: {
	skip 'no gcc', 1 unless build_c("$dir/backwards", 'gcc', qw(-O2 -gdwarf-5));
	my ($offset, $size) = map { hex } qx(readelf -SW $dir/backwards) =~ /\.debug_abbrev\s+\S+\s+\S+\s+(\S+)\s+(\S+)/;
	my $data = slurp("$dir/backwards");
	substr($data, $offset, $size) = backwards(substr $data, $offset, $size);
	spit("$dir/backwards", $data);
	compare('abbreviations backwards', "$dir/backwards", inlined => 300);
}

# Stripped, with the debug data in a file beside it.
SKIP: {
	skip 'no gcc or objcopy', 1 unless build_c("$dir/linked", 'gcc', qw(-O2 -g)) &&
		quiet('objcopy', '--only-keep-debug', "$dir/linked", "$dir/linked.debug") &&
		quiet('strip', "$dir/linked") && quiet('objcopy', "--add-gnu-debuglink=$dir/linked.debug", "$dir/linked");
	compare('stripped, with a debug link', "$dir/linked", inlined => 300);
}

# What cannot be read is said: symbol.h's bits.
SKIP: {
	skip 'no gcc', 1 unless build_c("$dir/plain", 'gcc', qw(-O2 -g));
	my ($main) = qx(nm $dir/plain) =~ /^(\w+) T main$/m;
	my $bits = sub { return qx($dir/symbolize -u $_[0] $main 2>/dev/null) =~ /^unread (\w+)/m ? hex $1 : -1 };
	my $place = sub { return (split /\n/, qx($dir/symbolize $_[0] $main 2>/dev/null))[1] // '' };
	is($bits->("$dir/plain"), 0, 'everything is read of a plain file');
	SKIP: {
		skip 'objcopy knows no zstd', 2
			unless quiet('objcopy', '--compress-debug-sections=zstd', "$dir/plain", "$dir/zstd") && qx(readelf -tW $dir/zstd) =~ /ZSTD/;
		is($bits->("$dir/zstd"), 1, 'zstd is named');
		is($place->("$dir/zstd"), '??:0', '... and gives no lines');
	}
	SKIP: {
		skip 'no split DWARF', 2 unless build_c("$dir/split", 'clang', qw(-O2 -g -gsplit-dwarf));
		($main) = qx(nm $dir/split) =~ /^(\w+) T main$/m;
		is($bits->("$dir/split"), 2, 'split DWARF is named');
		like($place->("$dir/split"), qr{/main\.c:\d}, '... and its lines are read');
		unlink glob 'tests/lines/*.dwo tests/lines/*-*.dwo';
	}
	SKIP: {
		skip 'no dwz', 3 unless has('dwz');
		build("$dir/one", 'gcc', qw(-O2 -g));
		system("cp $dir/one $dir/two; cp $dir/one $dir/three; dwz -m $dir/common $dir/one $dir/two >$dir/log 2>&1; dwz $dir/three >>$dir/log 2>&1");
		skip 'dwz does not work', 3 unless -s "$dir/common" && qx(readelf -SW $dir/one) =~ /gnu_debugaltlink/;
		compare('units that dwz has shared', "$dir/three");
		my @addrs = addresses("$dir/one", 1500);
		spit("$dir/addrs", join '', map { sprintf "%x\n", $_ } @addrs);
		my $out = qx($dir/symbolize -u $dir/one <$dir/addrs 2>/dev/null);
		like($out, qr/^unread 0x4$/m, 'what dwz has put into another file is named');
		like($out, qr{/main\.c:\d}, '... and the lines are read');
	}
}

# A file whose debug data is made to waste time: every unit says that it has all code, with a
# long list of ranges, again and again.
SKIP: {
	skip 'made for little-endian files', 1 if unpack('S', "\1\0") != 1;
	my $ranges = pack('QQ', 0x1000, 0x1001) x 60_000 . pack 'QQ', 0, 0;
	my $abbrev = "\1\x11\1\x55\x17\0\0" . "\2\x1d\1\x55\x17\0\0" . "\0";
	my $body = pack('vVC', 4, 0, 8) . "\1" . pack('V', 0) . ("\2" . pack('V', 0)) x 2000 . "\0" x 2001;
	my $info = (pack('V', length $body) . $body) x 100;
	my $names = "\0.debug_info\0.debug_abbrev\0.debug_ranges\0.shstrtab\0";
	my @content = ($info, $abbrev, $ranges, $names);
	my $at = 64;
	my $headers = "\0" x 64 . pack('LLQQQQLLQQ', 0, 8, 6, 0x1000, 0, 0x2000, 0, 0, 0, 0);
	for my $i (0 .. 3) {
		$headers .= pack 'LLQQQQLLQQ', index($names, (qw(.debug_info .debug_abbrev .debug_ranges .shstrtab))[$i]),
			$i == 3 ? 3 : 1, 0, 0, $at, length $content[$i], 0, 0, 0, 0;
		$at += length $content[$i];
	}
	spit("$dir/slow", "\x7fELF\2\1\1" . "\0" x 9 . pack('SSLQQQLSSSSSS', 3, 62, 1, 0, 0, $at, 0, 64, 56, 0, 64, 6, 5) .
		join('', @content) . $headers);
	my $begin = children_seconds();
	my $out = qx($dir/symbolize $dir/slow 1000 1001 1800 2>&1);
	my $seconds = children_seconds() - $begin;
	ok($seconds < 20, sprintf 'a file made to waste time: %.2f s', $seconds) or diag($out);
}

# Memory: in 8 MB of it, whatever the size of the file.
SKIP: {
	my ($big) = sort { -s $b <=> -s $a } grep { -e } './libheaptrace.so', "$dir/rust";
	skip 'no file', 1 unless $big;
	my @addrs = map { sprintf '%x', $_ } addresses($big, 50);
	skip 'no static program', 1 unless compile("$dir/static", qw(-static -O1), 'tests/tools/symbolize.c', @objects);
	my $lines = grep { m{:\d+$} } split /\n/, qx(ulimit -v 8192; $dir/static $big @addrs);
	ok($lines > 20, "50 addresses of $big in 8 MB of address space");
}

compare($_, $_, most => 10_000, lines => 0) for split ' ', $ENV{LINES_BULK} // '';

done_testing();
