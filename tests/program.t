#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# elf/program.h: whether a program can be traced. Its answer for every program of this system is compared with
# what readelf says, and for odd files the wrapper, which asks before it starts a program, is compared with the
# library, which asks when the traced program executes another one.
use strict;
use warnings;
use Cwd 'abs_path';
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

$heaptrace = abs_path('heaptrace');
my $cc = $ENV{CC} || 'cc';
system("$cc -std=gnu11 -D_GNU_SOURCE -I. -O1 -g -o $dir/program tests/tools/program.c elf/program.c elf/headers.c") == 0
	or BAIL_OUT('program does not build');

# The answers for files: path => [kind, obstacle, interpreter].
sub examine {
	my %answer;
	open my $out, '-|', "$dir/program", @_ or die;
	while (<$out>) {
		my ($path, $kind, $obstacle, $interpreter) = /^(\S+) (\S+) (\S+) (.*)$/ or die "program says $_";
		$answer{$path} = [$kind, $obstacle, $interpreter];
	}
	return \%answer;
}

# ---- The programs of this system ----

my @programs = grep { -f && -r && !/\s/ } glob '/usr/bin/* /usr/sbin/* /usr/libexec/*';
@programs = grep { my $target = $_; !-l || -e $target } @programs;
my $answers = examine(@programs);
my ($elf, @wrong) = (0);
my ($own) = `readelf -hW $heaptrace` =~ /^\s*Machine:\s*(.*)$/m;
for my $path (@programs) {
	my ($kind, $obstacle, $interpreter) = @{$answers->{$path}};
	open my $in, '<', $path or next;
	my $head = '';
	read $in, $head, 256;
	if ($head !~ /^\x7fELF/) {
		my ($script) = $head =~ /^#![ \t]*([^ \t\n\0]+)/;
		push @wrong, "$path: $kind $interpreter" if $script && "$kind $interpreter" ne "script $script";
		push @wrong, "$path: $kind" if !$script && $kind !~ /text|unknown/;
		next;
	}
	my $text = `readelf -hlW $path 2>/dev/null`;
	my ($machine) = $text =~ /^\s*Machine:\s*(.*)$/m;
	my ($loader) = $text =~ /program interpreter: (.*)\]/;
	my ($mode, $user, $group) = (stat $path)[2, 4, 5];
	my $expected = (($mode & 04000 && $user != $<) || (($mode & 02010) == 02010 && $group != $( + 0)) ? 'rights|traceable'
		: ($machine // '') ne $own ? 'foreign|other-word-size|static'
		: $loader && $loader =~ /musl|uClibc/ ? 'other-libc'
		: $loader ? 'traceable'
		: $text =~ /DYNAMIC/ && abs_path($path) =~ m{/ld[-\w]*\.so[-\w.]*$} ? 'traceable' : 'static|valgrind';
	push @wrong, "$path: $kind $obstacle, not $expected" if $kind ne 'elf' || $obstacle !~ /^(?:$expected)$/;
	push @wrong, "$path: interpreter $interpreter" if $interpreter ne ($loader // '');
	$elf++;
}
cmp_ok($elf, '>', 50, "$elf programs of " . @programs . ' files');
is(join("\n", @wrong), '', 'they are what readelf says');

# ---- Odd files: the wrapper and the library say the same ----

sub make {
	my ($name, $content) = @_;
	open my $to, '>', "$dir/$name" or die;
	print $to $content;
	close $to;
	chmod 0755, "$dir/$name";
	return "$dir/$name";
}

sub compile_file {
	my ($name, $text, @flags) = @_;
	make("$name.c", $text);
	system($cc, '-o', "$dir/$name", "$dir/$name.c", @flags) == 0 or die;
	return "$dir/$name";
}

my $plain = slurp(compile_file('dynamic', 'int main(void) { return 0; }'));
my ($loader) = $plain =~ m{(/lib[^\0]*/ld[^\0/]*\.so[^\0]*)\0};
my $sanitizer = 'void __asan_init(void); void __asan_init(void) { } ';
compile_file('sanitized', "$sanitizer int main(void) { return 0; }", '-rdynamic');
compile_file('sanitized_sysv', "$sanitizer int main(void) { return 0; }", '-rdynamic', '-Wl,--hash-style=sysv');
compile_file('artisan', 'int san; int main(void) { return 0; }', '-rdynamic');
make('foreign', substr($plain, 0, 18) . "\xfe\xca" . substr($plain, 20));
make('musl', $plain =~ s{\Q$loader\E\0}{substr("/lib/ld-musl-x.so.1" . "\0" x 40, 0, length $&)}er);
# Without its PT_INTERP (type 3; the header has the offset, entry size and count of the table).
my $static = $plain;
if (length pack('P', 0) == 8) {
	my ($table, $bytes, $count) = (unpack('Q', substr $plain, 32, 8), unpack('SS', substr $plain, 54, 4));
	for (map { $table + $_ * $bytes } 0 .. $count - 1) {
		substr($static, $_, 4) = pack 'L', 0 if unpack('L', substr $plain, $_, 4) == 3;
	}
	make('static', $static);
	make('static_script', "#!$dir/static\n");
	make('static_script_of_script', "#!$dir/static_script\n");
}
make('script', "#!$dir/dynamic\n");
make('other_word_size', "\x7fELF\1\1\1" . "\0" x 9 . pack('v2V5v6', 2, 3, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0) .
	pack('V8', 3, 84, 0, 0, 19, 19, 4, 1) . "/lib/ld-linux.so.2\0") if $own =~ /X86-64/;
make('text', "exit 0\n");
make('truncated', substr $plain, 0, 300);

sub verdict {
	my ($said) = @_;
	return $said =~ /statically linked/ ? 'static' : $said =~ /sanitizer/ ? 'sanitized'
		: $said =~ /C library/ ? 'other-libc' : $said =~ /word size|another machine|-bit program/ ? 'foreign'
		: $said =~ /rights|bit is on|capabilities/ ? 'rights' : 'traceable';
}

my %expected = (dynamic => 'traceable', artisan => 'traceable', sanitized => 'sanitized', sanitized_sysv => 'sanitized',
		foreign => 'foreign', musl => 'other-libc', static => 'static', static_script => 'static',
		static_script_of_script => 'static', script => 'traceable', other_word_size => 'foreign',
		text => 'traceable', truncated => 'traceable');
# The wrapper preloads the library for 32-bit programs where `make M32=1` has put that beside the other one.
my %by_wrapper = (%expected, -e 'libheaptrace32.so' ? (other_word_size => 'traceable') : ());
for my $name (sort keys %expected) {
	SKIP: {
		skip "$name is for other machines", 2 unless -e "$dir/$name";
		my (undef, undef, $wrapper) = run(undef, $heaptrace, '--no-lines', "$dir/$name");
		my (undef, undef, $library) = run(undef, $heaptrace, '--no-lines', '/bin/sh', '-c', 'exec "$0"', "$dir/$name");
		is(verdict($wrapper), $by_wrapper{$name}, "$name: the wrapper");
		is(verdict($library), $expected{$name}, "$name: the library");
	}
}

# What is not readable can still have other rights.
SKIP: {
	skip 'to become another user takes root', 2 if $>;
	my $other = 65534;
	system('cp', "$dir/dynamic", "$dir/hidden") == 0 or die;
	chmod 0755, $dir;
	chmod 04711, "$dir/hidden";
	my $become = sub { $) = "$other $other"; POSIX::setgid($other); POSIX::setuid($other) };
	skip 'another user cannot get at the library here', 2 if run($become, $heaptrace, '/bin/true');
	my (undef, undef, $wrapper) = run($become, $heaptrace, "$dir/hidden");
	my (undef, undef, $library) = run($become, $heaptrace, '/bin/sh', '-c', 'exec "$0"', "$dir/hidden");
	skip 'set-user-ID bits have no effect here', 2 if $wrapper eq '';
	is(verdict($wrapper), 'rights', 'a set-user-ID program that cannot be read: the wrapper');
	is(verdict($library), 'rights', 'a set-user-ID program that cannot be read: the library');
}

done_testing();
