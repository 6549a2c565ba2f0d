#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
# symbol/: names for addresses, against an oracle of its own over readelf's symbol lists, on
# real libraries and on subjects in many object flavours; then damaged files.
# HEAPTRACE_BULK=1 adds 10,000 random addresses of each of ten binaries, against addr2line.
use strict;
use warnings;
no warnings 'qw';	# -Wl,--option is one word
use File::Temp qw(tempdir);
use Test::More;

require './tests/common.pl';

my $cc = $ENV{CC} || 'cc';
my $dir = tempdir('heaptrace-symbol.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my @warn = qw(-O2 -g -Wall -Wextra -Werror);
my @sources = symbol_sources();

plan skip_all => 'readelf is not installed' if system('readelf --version >/dev/null 2>&1');

# The oracle: readelf's lines -> symbols -> names.

sub sections {
	my ($file) = @_;
	my @s;
	open my $f, '-|', "readelf -SW '$file' 2>/dev/null" or die;
	while (<$f>) {
		my ($i, $start, $size, $flags) = /^\s*\[\s*(\d+)\]\s+\S*\s+[A-Z]\S*\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+[0-9a-f]+\s+([A-Za-z]*)\s/
			or next;
		$s[$i] = { start => hex $start, end => hex($start) + hex $size, code => $flags =~ /A.*X/ ? 1 : 0 };
	}
	return \@s;
}

# {'.symtab' => [[start, size, function?, rank, name, section end] ...], '.dynsym' => ...}
sub symbols {
	my ($file) = @_;
	my $sections = sections($file);
	my %rank = (GLOBAL => 0, UNIQUE => 0, WEAK => 1, LOCAL => 2);
	my (%tables, $table);
	open my $f, '-|', "readelf -sW '$file' 2>/dev/null" or die;
	while (<$f>) {
		$table = $1 if /^Symbol table '(.*?)'/;
		next unless /^\s*\d+:\s+([0-9a-f]+)\s+(\d+|0x[0-9a-f]+)\s+(FUNC|IFUNC|NOTYPE|OBJECT)\s+(\w+)\s+\w+\s+(?:\[.*?\]\s+)?(\d+)\s+(\S.*)$/;
		my ($start, $size, $type, $bind, $section, $name) = (hex $1, $2, $3, $4, $sections->[$5], $6);
		$size = oct $size if $size =~ /^0x/;
		$name =~ s/(?<=.)@.*//;
		my $function = $type ne 'OBJECT';
		# What may give a name, and what only ends the reach of a label.
		$function &&= $section && $section->{code} && $start >= $section->{start} && $start < $section->{end};
		next if !$function && !$size && $type ne 'OBJECT';
		if (!$size && $function) {
			next if $name =~ /^\.L/ || ($name =~ /^\$/ && $type eq 'NOTYPE' && $bind eq 'LOCAL');
		}
		push @{$tables{$table}}, [$start, $size, $function, $rank{$bind} // 0, $name, $function ? $section->{end} : 0];
	}
	return \%tables;
}

sub better {
	my ($a, $b) = @_;
	return ($b->[0] <=> $a->[0] || $a->[3] <=> $b->[3] || length $a->[4] <=> length $b->[4] ||
		$a->[4] cmp $b->[4]) < 0;
}

# A sweep over sorted symbols with the list of those still open: not symbol/'s algorithm.
sub answers {
	my ($table, $addrs) = @_;
	my @symbols = sort { $a->[0] <=> $b->[0] } @$table;
	my (@open, $label, %answer);
	my ($i, $end) = (0, 0);
	for my $addr (@$addrs) {
		for (; $i < @symbols && $symbols[$i][0] <= $addr; $i++) {
			my $s = $symbols[$i];
			if ($s->[1] || !$s->[2]) {
				my $s_end = $s->[0] + ($s->[1] || 1);
				$end = $s_end if $s_end > $end;
				push @open, $s if $s->[2] && $s->[4] !~ /^\.L/;
			} else {
				$label = $s if !$label || better($s, $label);
			}
		}
		@open = grep { $_->[0] + $_->[1] > $addr } @open;
		my $best;
		for my $s (@open) {
			$best = $s if !$best || better($s, $best);
		}
		$best = $label if !$best && $label && $end <= $label->[0] && $addr < $label->[5];
		$answer{$addr} = sprintf '%s+0x%x', $best->[4], $addr - $best->[0] if $best;
	}
	return \%answer;
}

sub expected {
	my ($tables, $addrs) = @_;
	my $static = answers($tables->{'.symtab'} || [], $addrs);
	# What .symtab says about gaps stands.
	my @ends = map { [@$_[0, 1], 0, @$_[3 .. 5]] } grep { $_->[1] || !$_->[2] } @{$tables->{'.symtab'} || []};
	my $dynamic = answers([@{$tables->{'.dynsym'} || []}, @ends], [grep { !$static->{$_} } @$addrs]);
	return [map { $static->{$_} // $dynamic->{$_} // '??' } @$addrs];
}

sub symbolize {
	my ($file, $addrs, @options) = @_;
	spit("$dir/addrs", join '', map { sprintf "%x\n", $_ } @$addrs);
	my @lines = split /\n/, qx(timeout 60 $dir/symbolize -o @options '$file' <$dir/addrs 2>$dir/err);
	my $status = $?;
	# Every second line is the place.
	my @names = map { $lines[2 * $_] } 0 .. $#lines / 2;
	my $places = grep { $lines[2 * $_ + 1] ne '??:0' } 0 .. $#lines / 2;
	diag("$file: $places lines are not ??:0") if $places;
	return wantarray ? (\@names, $status >> 8, slurp("$dir/err")) : \@names;
}

# Start, middle, last byte and one past it, of every (every step-th) function.
sub probes {
	my ($tables, $step) = @_;
	my (%addrs, $i);
	for my $s (map { @$_ } values %$tables) {
		next unless $s->[2] && $i++ % $step == 0;
		$addrs{$s->[0] + $_} = 1 for 0, int $s->[1] / 2, $s->[1] ? $s->[1] - 1 : 3, $s->[1];
	}
	return [sort { $a <=> $b } keys %addrs];
}

sub compare {
	my ($file, $step, $title) = @_;
	my $tables = symbols($file);
	# A separate debug file, where the distribution's package with it is installed.
	if (!$tables->{'.symtab'} && qx($dir/symbolize -B $file) =~ /^(..)(.+)$/ && -e "/usr/lib/debug/.build-id/$1/$2.debug") {
		$tables->{'.symtab'} = symbols("/usr/lib/debug/.build-id/$1/$2.debug")->{'.symtab'};
	}
	my $addrs = probes($tables, $step);
	my $want = expected($tables, $addrs);
	my ($got, $status, $error) = symbolize($file, $addrs);
	my $known = grep { $_ ne '??' } @$want;
	# Behind a function may be a stub of the PLT: tests/files.t looks at these.
	my @wrong = grep { ($got->[$_] // '(none)') ne $want->[$_] && !($want->[$_] eq '??' && ($got->[$_] // '') =~ /\@plt\+/) } 0 .. $#$want;
	diag(sprintf '%s: %x is %s, not %s', $file, $addrs->[$_], $got->[$_] // '(none)', $want->[$_])
		for @wrong[0 .. ($#wrong < 4 ? $#wrong : 4)];
	ok(!@wrong && $known && @$got == @$want && !$status,
	   sprintf '%s: %d addresses, %d with names', $title // $file, scalar @$want, $known) or diag($error);
}

my @objects = built_objects(@sources);
@objects && compile("$dir/symbolize", @warn, 'tests/tools/symbolize.c', @objects, built_objects(glob('demangle/*.c'))) or BAIL_OUT('symbolize does not build: ' . log_text());

# Every machine's libraries, then the big ones when they are there.
my @lib = glob('/lib/*-linux-gnu /usr/lib/*-linux-gnu /lib64 /usr/lib64 /usr/lib');
for my $name (qw(libc.so.6 libstdc++.so.6 /usr/bin/perl /usr/bin/git ./libheaptrace.so)) {
	my ($file) = grep { -e } $name =~ m{/} ? $name : map { "$_/$name" } @lib;
	SKIP: {
		skip "no $name here", 1 unless $file;
		skip "$name has no function symbols", 1 unless grep { $_->[2] } map { @$_ } values %{symbols($file)};
		compare($file, 1);
	}
}
for my $pattern (qw(libLLVM*.so* libclang-cpp.so* /usr/bin/node)) {
	my ($file) = grep { -e } $pattern =~ m{^/} ? $pattern : map { glob "$_/$pattern" } @lib;
	SKIP: {
		skip "no $pattern here", 1 unless $file;
		# The readelf list alone takes seconds where there are 100,000 symbols.
		compare($file, 10);
	}
}

# 10,000 random addresses in the code of ten files and more, against addr2line -f, which knows
# no sizes: a gap behind a function is that function for it, and a label inside a function ends
# it; among aliases it takes another one.
sub bulk {
	my ($file) = @_;
	my $tables = symbols($file);
	my $debug = $file;
	if (!$tables->{'.symtab'} && qx($dir/symbolize -B $file) =~ /^(..)(.+)$/ && -e "/usr/lib/debug/.build-id/$1/$2.debug") {
		$debug = "/usr/lib/debug/.build-id/$1/$2.debug";
		$tables->{'.symtab'} = symbols($debug)->{'.symtab'};
	}
	my (%by_name, %by_start);
	for my $s (map { @$_ } values %$tables) {
		push @{$by_name{$s->[4]}}, $s;
		$by_start{$s->[0]}{$s->[4]} = 1;
	}
	my @code = grep { $_ && $_->{code} && $_->{end} - $_->{start} > 10_000 } @{sections($file)};
	my $bytes = 0;
	$bytes += $_->{end} - $_->{start} for @code;
	my @addrs;
	while (@addrs < 10_000) {
		my $at = int rand $bytes;
		for (@code) {
			my $size = $_->{end} - $_->{start};
			push(@addrs, $_->{start} + $at), last if $at < $size;
			$at -= $size;
		}
	}
	my $got = symbolize($file, \@addrs);
	spit("$dir/addrs", join '', map { sprintf "%x\n", $_ } @addrs);
	# The symbols' names, not those of debug data, which addr2line also finds by build id:
	# tests/lines.t compares these.
	if ($tables->{'.symtab'}) {
		system("objcopy -g -R .note.gnu.build-id -R .gnu_debuglink '$debug' $dir/symbols-only 2>/dev/null");
		$debug = "$dir/symbols-only";
	}
	my @lines = qx(addr2line -f -e '$debug' <$dir/addrs 2>/dev/null);
	my %count = (equal => 0, alias => 0, gap => 0, label => 0, wrong => 0);
	for my $i (0 .. $#addrs) {
		my ($at, $ours, $theirs) = ($addrs[$i], $got->[$i], $lines[2 * $i]);
		chomp $theirs;
		my ($name, $offset) = $ours =~ /^(.*)\+0x([0-9a-f]+)$/ ? ($1, hex $2) : ($ours, 0);
		$theirs =~ s/(?<=.)@.*//;
		my @theirs = grep { $_->[0] <= $at } @{$by_name{$theirs} || []};
		my $class = $name eq $theirs || ($name =~ /\@plt$/ && $theirs eq '??') ? 'equal'
			: $name ne '??' && $by_start{$at - $offset}{$theirs} ? 'alias'
			: ($name eq '??' || $name =~ /\@plt$/) && !grep({ $at < $_->[0] + $_->[1] } @theirs) ? 'gap'
			: $name ne '??' && grep({ !$_->[1] } @theirs) ? 'label' : 'wrong';
		$count{$class}++;
		diag(sprintf '%s: %x is %s, addr2line says %s', $file, $at, $ours, $theirs) if $class eq 'wrong' && $count{wrong} < 4;
	}
	is($count{wrong}, 0, "$file: " . join ', ', map { "$count{$_} $_" } qw(equal alias gap label));
}
if ($ENV{HEAPTRACE_BULK}) {
	srand 5;
	my @files = grep { -e } qw(/usr/bin/node /usr/bin/git /usr/bin/perl /usr/bin/python3.11 /usr/bin/gdb
				   /usr/bin/cmake /usr/bin/cppcheck ./libheaptrace.so);
	for my $name (qw(libc.so.6 libstdc++.so.6 libLLVM-14.so.1 libclang-cpp.so.14 libcrypto.so.3 libm.so.6)) {
		push @files, (grep { -e } map { "$_/$name" } @lib)[0] // ();
	}
	for my $file (@files) {
		bulk($file);
	}
}

# Our own subjects.
my $subject = 'tests/symbol/subject.c';
my %flavour = (
	'PIE -O0' => [qw(-O0 -fPIE -pie)],
	'PIE -O2' => [qw(-O2 -fPIE -pie)],
	'non-PIE' => [qw(-O0 -fno-pie -no-pie)],
	'static' => [qw(-O0 -static)],
	'32-bit' => [qw(-O0 -m32)],
);
for my $title (sort keys %flavour) {
	SKIP: {
		skip "$cc cannot build $title", 1 unless quiet($cc, @{$flavour{$title}}, '-o', "$dir/subject", $subject);
		compare("$dir/subject", 1, "subject, $title");
	}
}
quiet($cc, qw(-O0 -fPIE -pie -rdynamic -Wl,--build-id=sha1 -o), "$dir/full", $subject) or BAIL_OUT('no subject');
my %address = map { $_->[4] => $_->[0] } grep { $_->[2] } @{symbols("$dir/full")->{'.symtab'}};
is_deeply(scalar symbolize("$dir/full", [map { $address{$_} + 1 } qw(hidden exported compare _start)]),
	  [qw(hidden+0x1 exported+0x1 compare+0x1 _start+0x1)], 'static functions and start code have names');
is(qx($dir/symbolize $dir/full ${\sprintf '%x 0x%x', $address{hidden}, $address{main}}), "hidden\n??:0\nmain\n??:0\n",
   'the output is what addr2line -f prints');

quiet($cc, qw(-O0 -fPIE -pie -rdynamic -s -Wl,--build-id=sha1 -o), "$dir/stripped", $subject);
my $stripped = symbols("$dir/stripped");
my %exported = map { $_->[4] => $_->[0] } grep { $_->[2] } @{$stripped->{'.dynsym'}};
my @stripped_at = map { $exported{$_} } qw(exported main);
is_deeply(scalar symbolize("$dir/stripped", \@stripped_at), [qw(exported+0x0 main+0x0)], 'stripped: exported names');
is_deeply(scalar symbolize("$dir/stripped", [$address{hidden}, $address{compare}]), [qw(?? ??)],
	  'stripped: a static function is not given the name of its neighbour');

# Section headers: none (what sstrip leaves), and counts kept in section 0 as in files with
# more than 65,279 sections or 65,534 segments.
sub header_fields {
	my ($data) = @_;
	my $wide = ord(substr $data, 4, 1) == 2;
	return $wide ? { shoff => [40, 'Q'], phnum => [56, 'S'], shnum => [60, 'S'], shstrndx => [62, 'S'], size => [32, 'Q'], link => [40, 'L'], info => [44, 'L'] }
		     : { shoff => [32, 'L'], phnum => [44, 'S'], shnum => [48, 'S'], shstrndx => [50, 'S'], size => [20, 'L'], link => [24, 'L'], info => [28, 'L'] };
}

sub peek { return unpack $_[1][1], substr $_[0], $_[1][0] + ($_[2] // 0), length pack $_[1][1], 0 }
sub poke { substr($_[0], $_[1][0] + ($_[3] // 0), length pack $_[1][1], 0) = pack $_[1][1], $_[2] }

sub without_sections {
	my ($data) = @_;
	my $f = header_fields($data);
	poke($data, $f->{$_}, 0) for qw(shoff shnum shstrndx);
	return $data;
}

spit("$dir/sstripped", without_sections(slurp("$dir/stripped")));
my ($names, $status) = symbolize("$dir/sstripped", \@stripped_at);
is_deeply($names, [qw(exported+0x0 main+0x0)], 'no section headers: names through PT_DYNAMIC and DT_GNU_HASH');
is($status, 0, 'no section headers: not an error');
SKIP: {
	skip 'no --hash-style=sysv', 1 unless quiet($cc, qw(-O0 -fPIE -pie -rdynamic -s -Wl,--hash-style=sysv -o), "$dir/sysv", $subject);
	my %at = map { $_->[4] => $_->[0] } grep { $_->[2] } @{symbols("$dir/sysv")->{'.dynsym'}};
	spit("$dir/sysv", without_sections(slurp("$dir/sysv")));
	is_deeply(scalar symbolize("$dir/sysv", [$at{exported}, $at{main}]), [qw(exported+0x0 main+0x0)],
		  'no section headers: names through DT_HASH');
}
my ($libc) = grep { -e } map { "$_/libc.so.6" } @lib;
SKIP: {
	skip 'no libc.so.6', 1 unless $libc;
	my $addrs = probes({ '.dynsym' => symbols($libc)->{'.dynsym'} }, 7);
	spit("$dir/libc", without_sections(slurp($libc)));
	my ($cut, $whole) = (scalar symbolize("$dir/libc", $addrs), expected({ '.dynsym' => symbols($libc)->{'.dynsym'} }, $addrs));
	my @wrong = grep { $cut->[$_] ne $whole->[$_] } 0 .. $#$addrs;
	ok(!@wrong, 'no section headers: all of libc as with them') or diag("$cut->[$wrong[0]] for $whole->[$wrong[0]]");
}
{
	my $data = slurp("$dir/full");
	my $f = header_fields($data);
	my $at = peek($data, $f->{shoff});
	my @addrs = map { $address{$_} } qw(hidden exported main compare);
	my $plain = symbolize("$dir/full", \@addrs);
	poke($data, $f->{size}, peek($data, $f->{shnum}), $at);
	poke($data, $f->{link}, peek($data, $f->{shstrndx}), $at);
	poke($data, $f->{info}, peek($data, $f->{phnum}), $at);
	poke($data, $f->{shnum}, 0);
	poke($data, $f->{shstrndx}, 0xffff);
	poke($data, $f->{phnum}, 0xffff);
	spit("$dir/extended", $data);
	($names, $status, my $error) = symbolize("$dir/extended", \@addrs, '-b', qx($dir/symbolize -B $dir/full) =~ /(\w+)/);
	is_deeply($names, $plain, 'counts in section 0') or diag($error);
}

# Every rule for choosing, 16 bytes each.
SKIP: {
	skip "$cc does not assemble tests/symbol/rules.s", 2
		unless quiet($cc, qw(-shared -nostdlib -Wa,-L -o), "$dir/rules", 'tests/symbol/rules.s');
	my $versioned = system("objcopy --redefine-sym versioned=versioned\@\@V1 $dir/rules 2>/dev/null") == 0;
	my ($start) = map { hex((split)[1]) } grep { /\brules_start$/ } qx(readelf -sW $dir/rules);
	my @want = qw(outer+0x8 inner+0x8 outer+0x28 ?? bare+0x8 bare+0x18 bare+0x28 second+0x8 ?? ?? alias_a+0x8
		      weak_too+0x8 sized+0x8 ?? versioned+0x8 last+0x8 ?? own+0x8);
	my @addrs = map { $start + 16 * $_ + 8 } 0 .. $#want;
	is_deeply(scalar symbolize("$dir/rules", \@addrs), \@want, 'the rules, one by one' . ($versioned ? '' : ' (no objcopy: without @@V1)'));
	compare("$dir/rules", 1, 'the rules, by the oracle');
}

# Build ids.
my ($id) = qx(readelf -nW $dir/full 2>/dev/null) =~ /Build ID: ([0-9a-f]+)/;
SKIP: {
	skip 'the linker writes no build id', 4 unless $id;
	my @addrs = ($address{hidden});
	is(qx($dir/symbolize -B $dir/full), "$id\n", 'build id as readelf shows it');
	is_deeply([symbolize("$dir/full", \@addrs, '-b', $id)], [['hidden+0x0'], 0, ''], 'right build id: names');
	(my $other = $id) =~ tr/0-9a-f/1-9a-f0/;
	for my $wrong ($other, substr($id, 0, -2)) {
		($names, $status, my $error) = symbolize("$dir/full", \@addrs, '-b', $wrong);
		ok($names->[0] eq '??' && $status == 1 && $error =~ /replaced/, 'another build id: no names, an error');
	}
}

# What is not an ELF file for us.
quiet($cc, '-c', '-o', "$dir/object.o", $subject);
system('mkfifo', "$dir/fifo");
my $foreign = slurp("$dir/full");
substr($foreign, 5, 1) = chr(3 - ord substr $foreign, 5, 1);
spit("$dir/foreign", $foreign);
spit("$dir/empty", '');
spit("$dir/short", substr slurp("$dir/full"), 0, 40);
for (["$dir/fifo", 'cannot be read'], [$dir, 'cannot be read'], ['/dev/zero', 'cannot be read'],
     ["$dir/missing", 'no longer there'], ["$dir/empty", 'not an ELF'], [$subject, 'not an ELF'],
     ["$dir/object.o", 'not a program'], ["$dir/foreign", 'byte order'], ["$dir/short", 'damaged']) {
	my ($file, $text) = @$_;
	my $output = qx(timeout 10 $dir/symbolize $file 1000 2>&1);
	ok($? >> 8 == 1 && $output =~ /$text/ && $output =~ /^\?\?$/m, "$text: " . $file =~ s{^\Q$dir\E/}{}r) or diag($output);
}

# A file made to waste time: all symbols cover all addresses, and only the ends of their long
# names differ.
{
	my $count = 50_000;
	my $data = slurp('tests/fuzz/corpus/elf/shared64');
	my @header = unpack 'Q', substr $data, 40, 8;
	my ($strings, $symbols) = ('', '');
	$strings .= "\0" . ('a' x 60_000) . chr(98 + $_ % 20) for 0 .. 63;
	$strings .= "\0";
	for (1 .. $count) {
		$symbols .= pack 'LCCSQQ', 1 + 60_002 * (($_ * 7) % 64), 0x12, 0, 1, 0, 1 << 40;
	}
	my $at = length $data;
	my $end = $at + length($strings) + length $symbols;
	# Sections: none, code, .symtab, .strtab.
	my $table = ("\0" x 64) . pack('LLQQQQLLQQ', 0, 1, 6, 0, 0, 1 << 40, 0, 0, 0, 0)
		. pack('LLQQQQLLQQ', 0, 2, 0, 0, $at + length $strings, length $symbols, 3, 0, 0, 24)
		. pack('LLQQQQLLQQ', 0, 3, 0, 0, $at, length $strings, 0, 0, 0, 0);
	substr($data, 40, 8) = pack 'Q', $end;
	substr($data, 60, 4) = pack 'SS', 4, 0;
	spit("$dir/slow", $data . $strings . $symbols . $table);
	SKIP: {
		skip 'made for little-endian files', 1 if unpack('S', "\1\0") != 1;
		my $begin = children_seconds();
		$names = symbolize("$dir/slow", [map { 16 * $_ } 1 .. 1000]);
		my $seconds = children_seconds() - $begin;
		ok($seconds < 10 && $names->[0] =~ /^aaa/, sprintf 'a file made to waste time: %.2f s', $seconds);
	}
}

# Damaged files: none may crash, hang, or make memory run out. In one process, under the
# sanitizers where the compiler has them; the address limit holds for the plain build.
my @target = ('tests/fuzz/elf.c', 'tests/fuzz/replay.c');
my @sanitize = qw(-O0 -g -fsanitize=address,undefined -fno-sanitize-recover=all);
my @sanitized = sanitized_objects(@sources);
my $sanitized = @sanitized && compile("$dir/replay-san", @warn, @sanitize, @target, @sanitized);
compile("$dir/replay", @warn, @target, @objects) or BAIL_OUT('replay does not build: ' . log_text());
my @corpus = glob 'tests/fuzz/corpus/elf/*';
ok(@corpus >= 5, 'there is a corpus');
srand 7;
mkdir "$dir/mutants";
my $mutants = 0;
sub mutant { spit(sprintf("$dir/mutants/%04d", $mutants++), $_[0]) }
my @interesting = (0, 1, 0x7f, 0x80, 0xff);
# Programs that end at once feel each system call: headers and names of sections are read once.
SKIP: {
	skip 'no strace', 1 if system('strace -o /dev/null true >/dev/null 2>&1');
	system("strace -o $dir/calls -e trace=pread64 $dir/symbolize $dir/full 1000 >$dir/out 2>&1");
	my $count = () = slurp("$dir/calls") =~ /^pread64\(/mg;
	cmp_ok($count, '<', 30, 'reads of a file of 30 sections');
}

for my $seed (map { slurp($_) } grep { -s $_ > 64 } @corpus) {
	last if $mutants >= 3000;
	my $tables = unpack(ord(substr $seed, 4, 1) == 2 ? 'Q' : 'L', substr $seed, ord(substr $seed, 4, 1) == 2 ? 40 : 32, 8);
	for (1 .. 300) {
		my $data = $seed;
		if ($_ % 5 == 0) {
			$data = substr $data, 0, int rand length $data;
		}
		for (0 .. int rand 6) {
			# Half of the hits in the headers, which are a small part of the file.
			my $at = rand() < 0.3 ? int rand 256 : rand() < 0.4 && $tables < length $data ? $tables + int rand(length($data) - $tables) : int rand length $data;
			next if $at >= length $data;
			my $run = rand() < 0.3 ? 1 + int rand 8 : 1;
			substr($data, $at, $run) = chr(rand() < 0.6 ? $interesting[rand @interesting] : int rand 256) x $run;
		}
		mutant($data);
	}
}
# The other kind: in a real program.
my $real = slurp("$dir/full");
while ($mutants < 3000) {
	my $data = $real;
	$data = substr $data, 0, int rand length $data if $mutants % 4 == 0;
	substr($data, int rand length $data, 1) = chr int rand 256 for 0 .. int rand 40;
	mutant($data);
}
sub replay {
	my ($title, $command, $files) = @_;
	my $status = system("ulimit -c 0; $command -v $files >$dir/log 2>&1");
	ok($status == 0, $title) or diag(qx(tail -n 40 $dir/log));
}
SKIP: {
	skip "$cc has no address and undefined-behaviour sanitizers", 2 unless $sanitized;
	replay('the corpus, under sanitizers', "timeout 60 $dir/replay-san", join ' ', @corpus);
	replay("$mutants damaged files, under sanitizers", "timeout 60 $dir/replay-san", "$dir/mutants/*");
}
replay("$mutants damaged files, in 24 MB of address space", "ulimit -v 24576; timeout 60 $dir/replay", "$dir/mutants/*");

done_testing();
