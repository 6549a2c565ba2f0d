#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
# symbol/: where names come from besides the file's own symbol table: separate debug files, PLT
# stubs, the vdso, files that were deleted or replaced under the running program, perf maps.
#
# HEAPTRACE_BULK=1 compares the PLT of every library and program of the system with objdump's.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

require './tests/common.pl';

my $cc = $ENV{CC} || 'cc';
my $dir = abs_path(tempdir('heaptrace-files.XXXXXX', TMPDIR => 1, CLEANUP => 1));
my $subject = 'tests/symbol/subject.c';
my %bit = (MINIDEBUG => 8, MISMATCH => 16);

for my $tool (qw(readelf objcopy objdump strip nm)) {
	plan skip_all => "$tool is not installed" if system("$tool --version >/dev/null 2>&1");
}
compile("$dir/names", qw(-O1 -g -Wall -Wextra -Werror), 'tests/tools/names.c', built_objects(symbol_sources(), glob('demangle/*.c')), '-ldl')
	or BAIL_OUT('names does not build: ' . log_text());

sub must { quiet(@_) or BAIL_OUT("cannot: @_") }

sub append { spit($_[0], slurp($_[0]) . $_[1]) }

sub names { return join ' ', split /\n/, qx(timeout 60 $dir/names @_ 2>&1) }

sub build_id { return qx(readelf -nW $_[0] 2>/dev/null) =~ /Build ID: ([0-9a-f]+)/ ? $1 : '' }

# Separate debug files. Each flavour: main file in $dir/FLAVOUR/bin, debug file beside, unplaced.
sub build {
	my ($flavour, @flags) = @_;
	my $d = "$dir/$flavour";
	make_path("$d/bin");
	quiet($cc, qw(-O0 -g), @flags, '-o', "$d/full", $subject) or return;
	must("objcopy --only-keep-debug $d/full $d/full.debug");
	must("objcopy -S $d/full $d/bin/subject");
	my %at = map { (split)[2, 0] } grep { / [tT] / } qx(nm $d/full);
	return { dir => $d, file => "$d/bin/subject", debug => "$d/full.debug", hidden => $at{hidden}, compare => $at{compare},
		 id => build_id("$d/full") };
}

sub link_to { must("objcopy --remove-section=.gnu_debuglink --add-gnu-debuglink=$_[1] $_[0]{file}") }
sub ask { my $b = shift; return names(@_, $b->{file}, $b->{hidden}, $b->{compare}) }

my $indirect = 0;	# stubs of indirect functions that have their names
my $found = 'hidden+0x0 compare+0x0';
my $lost = '?? ??';
my @subject = split /\n/, slurp($subject);
my $at_lines = join ' ', map {
	my $name = $_;
	my ($i) = grep { $subject[$_] =~ /^static .*\b$name\(/ } 0 .. $#subject;
	# The line of its opening brace.
	"$name+0x0 at subject.c:" . ($i + 2)
} qw(hidden compare);

for (['none' => '-Wl,--build-id=none'], ['none-static' => '-Wl,--build-id=none -no-pie -fno-pie'], ['none-32' => '-Wl,--build-id=none -m32']) {
	my ($flavour, $flags) = @$_;
	SKIP: {
		my $b = build($flavour, $flags) or skip "$cc cannot build $flags", 12;
		is(ask($b), $lost, "$flavour: stripped");
		link_to($b, $b->{debug});
		is(ask($b), $lost, "$flavour: a debug link that leads nowhere");

		must("cp $b->{debug} $b->{dir}/bin/");
		is(ask($b), $found, "$flavour: debug link, beside the file");
		my $relative = "cd $b->{dir}/bin && $dir/names subject $b->{hidden} $b->{compare}";
		is(join(' ', split /\n/, qx($relative)), $found, "$flavour: debug link, beside a file without a directory");
		my $other = "$b->{dir}/other";
		make_path($other);
		must("ln -sf $b->{file} $other/subject");
		is(names("$other/subject", $b->{hidden}, $b->{compare}), $found, "$flavour: debug link, through a symbolic link to the file");

		append("$b->{dir}/bin/full.debug", 'x');
		is(ask($b), "$lost unread: $bit{MISMATCH}", "$flavour: debug link, wrong CRC");
		make_path("$b->{dir}/bin/.debug");
		must("cp $b->{debug} $b->{dir}/bin/.debug/");
		is(ask($b), $found, "$flavour: debug link, in .debug, after a wrong one");
		must("rm $b->{dir}/bin/full.debug $b->{dir}/bin/.debug/full.debug");
		is(ask($b), $lost, "$flavour: debug link, gone again");

		make_path("$b->{dir}/dirs$b->{dir}/bin");
		must("cp $b->{debug} $b->{dir}/dirs$b->{dir}/bin/");
		is(ask($b), $lost, "$flavour: debug link, not in /usr/lib/debug");
		is(ask($b, '-d', "/nonexistent::$b->{dir}/dirs"), $found, "$flavour: debug link, in a --debug-dir");
		is(ask($b, '-b', '00112233'), "$lost error: the file was replaced", "$flavour: no build id, one expected");
		# The link to the very file is no debug file.
		must("objcopy --remove-section=.gnu_debuglink $b->{file}");
		must("cp $b->{debug} $b->{dir}/subject && objcopy --add-gnu-debuglink=$b->{dir}/subject $b->{file}");
		is(ask($b), $lost, "$flavour: a debug link to the file itself");
	}
}

SKIP: {
	my $b = build('id', '-Wl,--build-id=sha1');
	skip 'the linker writes no build ids', 15 unless $b && $b->{id};
	my $other = build('other', '-Wl,--build-id=0x' . ('5a' x 20));
	my ($head, $rest) = $b->{id} =~ /^(..)(.*)$/;
	my $place = ".build-id/$head/$rest.debug";
	my ($first, $second) = map { "$b->{dir}/$_" } qw(first second);
	make_path("$_/.build-id/$head") for $first, $second;

	is(ask($b, '-d', "$first:$second"), $lost, 'build id: no debug file');
	must("cp $b->{debug} $second/$place");
	is(ask($b, '-d', "$first:$second"), $found, 'build id: in the second of two --debug-dirs');
	must("cp $other->{debug} $first/$place");
	is(ask($b, '-d', "$first:$second"), $found, 'build id: in the second, one of another build in the first');
	is(ask($b, '-d', "$first"), "$lost unread: $bit{MISMATCH}", 'build id: only one of another build');
	is(ask($b, '-l', '-d', "$second"), $at_lines, 'build id: lines, too');
	is(ask($b, '-l'), $lost, 'lines: no debug file');
	must("objcopy -S --change-addresses 0x10000 $b->{dir}/full $b->{dir}/bin/moved");
	is(names('-l', '-d', $second, "$b->{dir}/bin/moved", map { sprintf '%x', 0x10000 + hex } $b->{hidden}, $b->{compare}), $at_lines,
	   'prelink has moved the program, not its debug file: names and lines');
	must("rm $second/$place && ln -s $b->{debug} $second/$place");
	is(ask($b, '-d', "$second"), $found, 'build id: a symbolic link, as the packages have it');

	# A debug link needs the build id, not the CRC.
	link_to($b, $b->{debug});
	must("cp $b->{debug} $b->{dir}/bin/");
	append("$b->{dir}/bin/full.debug", 'x');
	is(ask($b), $found, 'debug link, the same build id, another CRC (the file was compressed since)');
	must("cp $other->{debug} $b->{dir}/bin/full.debug");
	is(ask($b), "$lost unread: $bit{MISMATCH}", 'debug link, another build id');
	is(ask($b, '-b', $b->{id}, '-d', $second), $found, 'the debug file of a file with the expected build id');
	is(ask($b, '-b', $other->{id}, '-d', $second), "$lost error: the file was replaced",
	   'a file with another build id than expected has no debug file either');

	# As they are made by other tools and options.
	must("rm $b->{dir}/bin/full.debug");
	my $file = "$b->{dir}/made.debug";
	for (['objcopy --compress-debug-sections' => "objcopy --compress-debug-sections $b->{debug} $file"],
	     ['strip --only-keep-debug' => "strip --only-keep-debug -o $file $b->{dir}/full"],
	     ['eu-strip -f' => "eu-strip -f $file -o /dev/null $b->{dir}/full"],
	     ['llvm-objcopy --only-keep-debug' => "llvm-objcopy --only-keep-debug $b->{dir}/full $file || llvm-objcopy-14 --only-keep-debug $b->{dir}/full $file"],
	     ['all of the program' => "cp $b->{dir}/full $file"],
	     ['prelink has moved the program' => "objcopy --change-addresses 0x10000 $b->{debug} $file"]) {
		my ($title, $command) = @$_;
		SKIP: {
			skip "no $title here", 1 unless quiet("sh -c '$command'");
			must("cp $file $first/$place");
			is(ask($b, '-d', "$first"), $found, "made by $title");
		}
	}
	# With .symtab, no debug file is asked for names.
	must("objcopy -g $b->{dir}/full $b->{file}");
	must("cp $other->{debug} $first/$place");
	is(ask($b, '-d', "$first"), $found, 'strip -g: .symtab is still there');
	is(ask($b, '-l', '-d', "$second"), $at_lines, 'strip -g: lines from the debug file');
	must("cp $b->{dir}/full $b->{file}");
	is(ask($b, '-l', '-d', "$first"), $at_lines, 'not stripped: no debug file is looked for');
	must("objcopy -g $b->{dir}/full $b->{file}");

	# What is not read is said.
	must("cp $b->{dir}/full $b->{file} && strip $b->{file}");
	spit("$b->{dir}/xz", "\xfd7zXZ\0" . 'x' x 100);
	must("objcopy --add-section .gnu_debugdata=$b->{dir}/xz $b->{file}");
	is(ask($b), "$lost unread: $bit{MINIDEBUG}", '.gnu_debugdata is named as unread');
	is(ask($b, '-d', $second), $found, '.gnu_debugdata, and a debug file');
	must("objcopy --add-section .gnu_debugdata=$b->{dir}/xz $b->{dir}/full $b->{file}");
	is(ask($b), $found, '.gnu_debugdata, and .symtab');
}

# Damaged debug links: the name ends nowhere, is empty, long, leads elsewhere.
{
	my $b = build('damaged', '-Wl,--build-id=none');
	my @link = ('', "\0" x 8, 'x' x 12, 'x' x 300 . "\0" x 4, "../full.debug\0\0\0abcd", "full.debug\0", "full.debug\0\0abc", "\0" x 7);
	must("cp $b->{debug} $b->{dir}/bin/");
	my @wrong;
	for my $link (@link) {
		spit("$b->{dir}/link", $link);
		must("objcopy --remove-section=.gnu_debuglink --add-section .gnu_debuglink=$b->{dir}/link $b->{file}");
		my $said = ask($b);
		push @wrong, $said if $said ne $lost;
	}
	ok(!@wrong, 'damaged debug links') or diag(@wrong);
}

# In the process, without readlink(2), which filters may forbid: beside the file behind a symbolic link.
{
	my $b = build('inside', '-shared', '-fPIC', '-Wl,--build-id=none');
	my $plus = hex($b->{hidden}) - hex((qx(nm $b->{dir}/full) =~ /^(\w+) T exported$/m)[0]);
	link_to($b, $b->{debug});
	must("cp $b->{debug} $b->{dir}/bin/ && mkdir $b->{dir}/other && ln -s $b->{file} $b->{dir}/other/subject");
	like(names('-m', 'true', "$b->{dir}/other/subject", sprintf('exported+%s%x', $plus < 0 ? '-' : '', abs $plus)), qr/^hidden\+0x0 /,
	     'debug link, of a loaded file through a symbolic link');
	SKIP: {
		skip 'heaptrace is not built', 1 unless -x 'heaptrace' && -e 'libheaptrace.so';
		must("$cc -O1 -D_GNU_SOURCE -w -pthread -o $dir/limits tests/subjects/limits.c");
		must("objcopy -S --add-gnu-debuglink=$b->{debug} $dir/limits");
		my $native = system("$dir/limits filter >/dev/null 2>&1");
		skip 'no seccomp here', 1 if $native;
		is(system("./heaptrace --outfile=$dir/dump $dir/limits filter >/dev/null 2>&1"), 0,
		   'a debug link that leads nowhere, under a system call filter');
	}
}

# Indirect functions: the symbol is the resolver's code.
SKIP: {
	skip 'no indirect functions here', 1 unless quiet("$cc -shared -fPIC -O0 -o $dir/indirect.so tests/symbol/indirect.c");
	my ($at) = map { (split)[0] } grep { / i chosen/ } qx(nm $dir/indirect.so);
	is(names("$dir/indirect.so", $at), 'chosen+0x0', 'an indirect function');
}

# PLT stubs, every instruction of each, as objdump names them: name, PLT's own head, alignment. Where
# that is *ABS*+0xADDRESS, a symbol at the address of an indirect function's resolver has to be told.
sub functions_at {
	my ($file) = @_;
	my $id = build_id($file);
	my %at;
	for ($file, $id =~ /^(..)(.+)/ ? grep({ -e } "/usr/lib/debug/.build-id/$1/$2.debug") : ()) {
		for (qx(readelf -sW '$_' 2>/dev/null)) {
			push @{$at{hex $1}}, $3 if /^\s*\d+:\s+(\w+)\s+\S+\s+(I?FUNC)\s+\S+\s+\S+\s+\d+\s+([^\s\@]+)/;
		}
	}
	return \%at;
}

sub same_stub {
	my ($got, $want, $at) = @_;
	return 1 if $got eq $want;
	my ($address, $offset) = $want =~ /^\*ABS\*(?:\+0x(\w+))?\@plt(\+0x\w+)$/ or return 0;
	my ($name) = $got =~ /^(.*)\@plt\Q$offset\E$/ or return 0;
	# i386 has no addresses here: any function of the file.
	my @known = $address ? @{$at->{hex $address} // []} : map { @$_ } values %$at;
	$indirect++, return 1 if grep { $_ eq $name } @known;
	return !$address && !@known && $name =~ /^\*ABS\*\+0x\w+$/;
}

sub objdump_of { return qx(readelf -hW $_[0] 2>/dev/null) =~ /AArch64/ ? 'aarch64-linux-gnu-objdump' : 'objdump' }

sub plt {
	my ($file) = @_;
	my ($of, $start, %want);
	open my $f, '-|', objdump_of($file) . " -d -j .plt -j .plt.sec -j .plt.got -j .iplt '$file' 2>/dev/null" or return;
	while (<$f>) {
		if (/^([0-9a-f]+) <(.*)>:$/) {
			($start, $of) = (hex $1, $2);
		} elsif (/^\s*([0-9a-f]+):\s/ && defined $of) {
			my $at = hex $1;
			$want{$at} = $of =~ /\@plt$/ ? sprintf('%s+0x%x', $of =~ s/(?<=.)\@\@?\w[\w.]*(?=\@plt)//r, $at - $start) : '';
		}
	}
	my @at = sort { $a <=> $b } keys %want;
	return (0, 0) unless @at;
	spit("$dir/at", join '', map { sprintf "%x\n", $_ } @at);
	my @got = split /\n/, qx(timeout 60 $dir/names '$file' <$dir/at 2>&1);
	# Ours alone: entries of .plt behind .plt.sec. objdump's alone: it takes the code for TLS
	# descriptors behind the last stub for one more (aarch64) or for the stub's end (x86).
	my $aarch64 = objdump_of($file) ne 'objdump';
	my $functions = grep({ /\*ABS\*/ } values %want) ? functions_at($file) : {};
	my @wrong = grep {
		$want{$at[$_]} && !same_stub($got[$_], $want{$at[$_]}, $functions) &&
			!($got[$_] eq '??' && ($aarch64 ? $at[$_] >= $at[-1] - 32 : $want{$at[$_]} =~ /\+0x1.$/))
	} 0 .. $#at;
	diag(sprintf '%s: %x is %s, not %s', $file, $at[$_], $got[$_], $want{$at[$_]}) for @wrong[0 .. ($#wrong < 3 ? $#wrong : 3)];
	return (scalar @wrong, scalar grep { $_ } values %want);
}

my @flags = ('', '-fcf-protection -Wl,-z,ibtplt', '-Wl,-z,lazy', '-Wl,-z,now', '-no-pie -fno-pie', '-fuse-ld=lld', '-fuse-ld=gold',
	     '-fuse-ld=lld -Wl,-z,force-ibt', '-m32', '-m32 -no-pie -fno-pie', '-m32 -fcf-protection -Wl,-z,ibtplt');
my ($wrong, $stubs) = (0, 0);
for my $flags (@flags) {
	next unless quiet("$cc -O0 $flags -o $dir/plt $subject");
	my ($bad, $seen) = plt("$dir/plt");
	$wrong += $bad;
	$stubs += $seen;
	diag("with $flags") if $bad;
}
is($wrong, 0, "PLT stubs as gcc or clang and three linkers make them ($stubs instructions)");
SKIP: {
	skip 'objdump shows no PLT here', 1 unless $stubs;
	must("$cc -O0 -o $dir/plt $subject");
	my @at = map { (split)[0] } grep { /<qsort\@plt>:$/ } qx(objdump -d $dir/plt);
	is(names("$dir/plt", @at), 'qsort@plt+0x0', 'a stub by name');
}
# Indirect functions that a file calls itself: no symbol in the relocation.
for (['x86-64', '-shared -fPIC', qr/^chosen\@plt\+0x0$/], ['i386', '-m32 -shared -fPIC', qr/^chosen\@plt\+0x0$/],
     ['stripped', '-shared -fPIC -s -fvisibility=hidden', qr/^\*ABS\*\+0x[0-9a-f]+\@plt\+0x0$/]) {
	my ($title, $flags, $want) = @$_;
	SKIP: {
		my @at = quiet("$cc -O0 $flags -o $dir/indirect tests/symbol/indirect.c") ?
			map { /^([0-9a-f]+) <\*ABS\*\S*\@plt>:$/ ? $1 : () } qx(objdump -d $dir/indirect) : ();
		skip "no stubs of indirect functions here: $title", 1 unless @at;
		my @wrong = grep { !/$want/ } split / /, names("$dir/indirect", @at);
		ok(!@wrong, "indirect functions, $title") or diag("@wrong");
	}
}
SKIP: {
	# objdump shows none here, the stubs are there nevertheless.
	my ($start, $bytes) = quiet("$cc -O0 -static-pie -DPROGRAM -o $dir/indirect tests/symbol/indirect.c") ?
		map { hex } qx(readelf -SW $dir/indirect) =~ /\s\.plt\s+PROGBITS\s+(\w+)\s+\w+\s+(\w+)/ : ();
	skip 'no stubs in static-pie programs here', 1 unless $bytes && qx(readelf -rW $dir/indirect) =~ /IRELATIV/;
	my $at = functions_at("$dir/indirect");
	my %known = map { $_ => 1 } map { @$_ } values %$at;
	my @said = grep { $_ ne '??' } split / /, names("$dir/indirect", map { sprintf '%x', $start + 16 * $_ } 0 .. $bytes / 16 - 1);
	my @wrong = grep { !/^(\w+)\@plt\+0x0$/ || !$known{$1} } @said;
	ok(@said > 5 && !@wrong, 'indirect functions, static-pie: ' . @said . ' stubs') or diag("@wrong");
}
my @system = $ENV{HEAPTRACE_BULK} ? glob('/usr/bin/* /usr/sbin/* /lib/*-linux-gnu/*.so* /lib32/*.so* /usr/*-linux-gnu/lib/*.so*')
	: ((grep { -f } map { ("/usr/bin/$_", glob "/lib/*-linux-gnu/$_.so*") } qw(git perl python3.11 gdb node jq sqlite3 bash ls openssl
	   curl cmake clang-14 libc libm libstdc++ libssl libcrypto libz libgcc_s libprotobuf libcurl libsqlite3 libpython3.11 libgnutls libglib-2.0
	   libjq libonig libzstd liblzma libncursesw)), (glob '/usr/aarch64-linux-gnu/lib/*.so.*'), (glob '/lib32/*.so.*'));
my %seen;
my $files = 0;
($wrong, $stubs) = (0, 0);
for my $file (grep { -f && -s > 64 } @system) {
	next if $seen{join ':', (stat $file)[0, 1]}++;
	last if $files >= 40 && !$ENV{HEAPTRACE_BULK};
	open my $f, '<:raw', $file or next;
	read $f, my $magic, 20;
	next unless $magic =~ /^\x7fELF/ && unpack('x18 S', $magic) =~ /^(?:3|62|183)$/;
	my ($bad, $some) = plt($file);
	$wrong += $bad;
	$stubs += $some;
	$files += $some > 0;
}
is($wrong, 0, "PLT stubs of $files of the system's programs and libraries ($stubs instructions, $indirect of indirect functions)");

# The vdso.
{
	my $said = names('-v');
	SKIP: {
		skip 'this process has no vdso', 1 if $? >> 8 == 3 || $? >> 8 == 1;
		my @lines = split ' ', $said;
		ok(@lines > 1 && !grep({ !/^__(?:vdso|kernel)_\w+\+0x1$/ } @lines), 'the functions of the vdso') or diag($said);
	}
}

# Files that have changed under the program that has loaded them.
sub loaded {
	my ($how, $command) = @_;
	must("$cc -O0 -g -shared -fPIC -Wl,--build-id=sha1 -o $dir/plugin.so $subject");
	my $said = names($how, "'$command'", "$dir/plugin.so", 'exported+3', 'main');
	unlink "$dir/plugin.so";
	return $said;
}
my $exported = 'exported+0x3 main+0x0';
my $unloaded = 'unloaded: the file is no longer there';
my $rebuild = "$cc -w -O0 -shared -fPIC -Wl,--build-id=0x" . '11' x 20 . " -DCHANGED -o $dir/new.so $subject && mv $dir/new.so $dir/plugin.so";
is(loaded('-m', 'true'), "$exported $unloaded", 'a loaded file');
is(loaded('-M', "rm $dir/plugin.so"), "?? ?? error: the file is no longer there $unloaded", 'a deleted file');
is(loaded('-M', $rebuild), "?? ?? error: the file was replaced $unloaded", 'a replaced file');
is(loaded('-M', "rm $dir/plugin.so; mkdir $dir/plugin.so && rmdir $dir/plugin.so && mkfifo $dir/plugin.so"),
   "?? ?? error: cannot be read $unloaded", 'a file that became a FIFO');
# As root the kernel still has the very file; others read their memory, and say what is wrong.
my $gone = loaded('-m', "rm $dir/plugin.so");
like($gone, qr/^\Q$exported\E (?:error: the file is no longer there )?\Q$unloaded\E$/, 'a deleted file, from where it is mapped');
like(loaded('-m', $rebuild), qr/^\Q$exported\E (?:error: the file was replaced )?\Q$unloaded\E$/,
     'a replaced file, from where it is mapped');
{
	# Without a build id the segments tell.
	must("$cc -w -O0 -shared -fPIC -Wl,--build-id=none -o $dir/plugin.so $subject");
	is(names('-m', 'true', "$dir/plugin.so", 'exported+3', 'main'), "$exported $unloaded", 'no build id: a loaded file');
	like(names('-m', "'$cc -w -O2 -shared -fPIC -Wl,--build-id=none -o $dir/new.so $subject && mv $dir/new.so $dir/plugin.so'", "$dir/plugin.so",
		   'exported+3', 'main'), qr/^\Q$exported\E (?:error: the file was replaced )?\Q$unloaded\E$/, 'no build id: a replaced file');
	unlink "$dir/plugin.so";
}
SKIP: {
	skip 'setpriv cannot take capabilities away here', 2
		unless quiet('setpriv --bounding-set=-all --inh-caps=-all --reuid=65534 --regid=65534 --clear-groups true');
	chmod 0777, $dir;
	my $names = "$dir/names";
	rename $names, "$names.real";
	spit($names, "#!/bin/sh\nexec setpriv --bounding-set=-all --inh-caps=-all --reuid=65534 --regid=65534 --clear-groups $names.real \"\$@\"\n");
	chmod 0755, $names;
	is(loaded('-m', "rm -f $dir/plugin.so"), "$exported error: the file is no longer there $unloaded", 'a deleted file, from memory');
	is(loaded('-m', "mv $dir/plugin.so $dir/old.so; cp $dir/names $dir/plugin.so"), "$exported error: not an ELF file $unloaded", 'not even an ELF file any more');
	rename "$names.real", $names;
}

# Perf maps.
sub perf { return names('-p', @_) }
my $map = "$dir/perf-1.map";
spit($map, "1000 100 first\n0x1100 0x80 with 0x, and blanks \n1200 10 LazyCompile:*f /x.js:1\n1000 10 newer\n2000 0 empty\nfffffffffffff000 ffff end\n");
is(perf($map, qw(fff 1000 100f 1010 10ff 1100 117f 1180 1200 120f 1210 2000 fffffffffffff001 ffffffffffffffff)),
   '?? newer+0x0 newer+0xf first+0x10 first+0xff with 0x, and blanks +0x0 with 0x, and blanks +0x7f ?? LazyCompile:*f /x.js:1+0x0 ' .
   'LazyCompile:*f /x.js:1+0xf ?? ?? end+0x1 ??', 'a perf map; the last line counts');
is(perf("$dir/none.map", 1), '?? error: cannot be read', 'no perf map');
spit($map, "1000 100 half a line");
is(perf($map, 1000), '?? error: no symbols', 'a line without its end');
spit($map, join '', "\n", " \n", "x\n", "1000\n", "1000 \n", "1000 10\n", "1000 10 \n", "1000  10 a\n", "g 10 a\n", "-1 10 a\n", "0x 10 a\n",
     "11111111111111111 10 a\n", "1000 10 a\0b\n", "1000 10 " . 'a' x 70_000 . "\n", 'y' x 200_000, "\n1100 10 good\n");
is(perf($map, qw(1000 1100)), '?? good+0x0', 'lines that are none, and long ones');
spit($map, '');
is(perf($map, 1000), '?? error: no symbols', 'an empty perf map');
spit($map, "1000 10 good\n");
symlink $map, "$dir/link.map";
is(perf("$dir/link.map", 1000), '?? error: cannot be read', 'a symbolic link is not followed');
system('mkfifo', "$dir/fifo.map");
is(perf("$dir/fifo.map", 1000), '?? error: cannot be read', 'a FIFO');
SKIP: {
	skip 'not root', 1 if $>;
	chmod 0777, $dir;
	chmod 0644, $map;
	chown 65534, 65534, $map;
	is(perf($map, 1000), '?? error: cannot be read', "another user's perf map");
}
{
	# Many lines over each other, in any order, against a plain search.
	srand 11;
	my @lines = map { [int rand 5000, 1 + int rand(rand() < 0.1 ? 3000 : 40), "f$_"] } 1 .. 3000;
	unlink $map;
	spit($map, join '', map { sprintf "%x %x %s\n", @$_ } @lines);
	my @at = map { int rand 6000 } 1 .. 2000;
	@at = sort { $a <=> $b } @at;
	my @want = map {
		my $at = $_;
		my ($line) = grep { $at >= $_->[0] && $at < $_->[0] + $_->[1] } reverse @lines;
		$line ? sprintf('%s+0x%x', $line->[2], $at - $line->[0]) : '??';
	} @at;
	is(perf($map, map { sprintf '%x', $_ } @at), join(' ', @want), '2000 addresses in 3000 lines over each other');
}
SKIP: {
	skip 'no node', 1 unless quiet('node --version');
	system("cd $dir && node --perf-basic-prof -e 'function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) } fib(27)'");
	my ($real) = glob("/tmp/perf-*.map $dir/perf-*.map") ? grep { -s && $_ ne $map && slurp($_) =~ /\bfib\b/ } glob("/tmp/perf-*.map $dir/perf-*.map") : ();
	skip 'node wrote no perf map', 1 unless $real;
	my ($at, $name) = slurp($real) =~ /.*\n([0-9a-f]+) [0-9a-f]+ (\S*fib\b[^\n]*)\n/s;
	is(perf($real, $at), "$name+0x0", "node's own: $name");
	unlink grep { slurp($_) =~ /\bfib\b/ } glob '/tmp/perf-*.map';
}

# Programs that have lost sight of their files: another root, other files mounted over theirs. Names
# come from where they can still be had, and never from another build's files.
sub rooted {
	my ($to, $id, @flags) = @_;
	make_path($to);
	my @how = ($cc, qw(-D_GNU_SOURCE -O1 -g -fno-optimize-sibling-calls), $id ? '-Wl,--build-id=sha1' : '-Wl,--build-id=none', @flags);
	must("@how -DLIBRARY -shared -fPIC -o $to/libkeep.so tests/symbol/rooted.c");
	must("@how -rdynamic -o $to/rooted tests/symbol/rooted.c $to/libkeep.so -Wl,-rpath,$dir/seen");
}

# What a dump names in the chain of each block, and why not all: "program_hidden library_hidden why".
sub named {
	my ($text) = @_;
	my %names = map { $_ => 1 } $text =~ /^ *\d+ \[[^]]*\] (malloc|(?:wrong_)?(?:program|library)_\w+)(?: \+0x\w+)?/mg;
	my %why = map { $_ => 1 } map { /\w \(([^)]*)\)/g } $text =~ /names missing *: (.*)/g;
	return join ' ', (sort keys %names), map { "($_)" } sort keys %why;
}

my $all = 'library_hidden library_keep malloc program_exported program_hidden';
my $some = 'malloc program_exported';		# .dynsym of what is never unloaded
my $unseen = '(the file was replaced)';
my $heaptrace = abs_path('heaptrace');
SKIP: {
	skip 'not root', 16 if $>;
	skip 'heaptrace is not built', 16 unless $heaptrace && -x $heaptrace && -e 'libheaptrace.so';
	skip 'nothing can be mounted here', 16 unless quiet("unshare -m /bin/sh -c 'mount --bind /proc /mnt'");
	chmod 0777, $dir;
	my $program = "$dir/seen/rooted";
	my $dump = sub {
		unlink "$dir/dump";
		system("$heaptrace --outfile=$dir/dump --top=0 --depth=3 @_ >/dev/null 2>&1");
		return named(slurp("$dir/dump"));
	};
	for my $id (1, 0) {
		my $of = $id ? 'build ids' : 'no build ids';
		system("rm -rf $dir/seen $dir/other $dir/root $dir/empty");
		rooted("$dir/seen", $id);
		rooted("$dir/other", $id, '-DOTHER');
		make_path("$dir/empty", "$dir/root$dir", "$dir/root/proc");
		must("cp -r $dir/other $dir/root$dir/seen");
		is($dump->($program, 'chroot', "$dir/empty"), "$some (not in this root, nor is /proc)", "$of: an empty root");
		is($dump->($program, 'mount', "$dir/other:$dir/seen"), $all, "$of: another build's files mounted over its own");
		is($dump->($program, 'mount', "/proc:$dir/root/proc", 'chroot', "$dir/root"), $all, "$of: a root with another build's files, and /proc");
		$dump->("--record=$dir/record", $program, 'chroot', "$dir/empty");
		is(named(scalar qx($heaptrace --report=$dir/record --top=0)), $all, "$of: --report, from where the files are");
		is(named(scalar qx(unshare -m /bin/sh -c 'mount --bind $dir/other $dir/seen && $heaptrace --report=$dir/record --top=0')),
		   "malloc $unseen", "$of: --report, where another build's files are");
		# Without rights: the program itself by PROC/exe.
		is($dump->($program, 'mount', "$dir/other:$dir/seen", 'nobody', '-'), "$some program_hidden $unseen",
		   "$of: another build's files mounted over its own, and no rights");
	}
	is($dump->($program, 'chroot', "$dir/root"), "$some $unseen", 'a root with another build\'s files, without /proc');

	# The watcher is where the files are.
	unlink "$dir/dump";
	system("$heaptrace --outfile=$dir/dump --top=0 $program mount $dir/other:$dir/seen chroot $dir/empty kill - >/dev/null 2>&1");
	for (1 .. 300) {
		last if (slurp("$dir/dump") // '') =~ /which was killed[^\n]*\n.*\n=+\n/s;
		select undef, undef, undef, 0.1;
	}
	is(named(slurp("$dir/dump") =~ s/.*(?=which was killed)//sr), $all, 'the dump after a kill');

	# Who asks the process itself, from where other files are; without the capability for map_files, too.
	my $pid = open my $said, '-|', $heaptrace, '--no-watch', "--outfile=$dir/dump", $program, 'wait', '-' or die;
	is(scalar <$said>, "waits\n", 'a process to ask');
	my $ask = sub { named(scalar qx(unshare -m /bin/sh -c 'mount --bind $dir/other $dir/seen && exec @_ $heaptrace --dump=$pid --top=0')) };
	is($ask->(''), $all, '--dump, where another build\'s files are');
	is($ask->('setpriv --bounding-set=-sys_admin,-checkpoint_restore'), $all, '--dump, without the right to see its mappings\' files');
	kill 9, $pid;
	close $said;
}

done_testing();
