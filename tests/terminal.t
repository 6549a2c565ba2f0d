#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Dumps on a terminal: no line is longer than it is wide, and what is shortened is what matters least. Runs of
# frames are one line on a terminal and on standard error, and whole in a file.
use strict;
use warnings;
use Cwd;
use File::Temp 'tempdir';
use Test::More;
require './tests/common.pl';

my $heaptrace = getcwd() . '/heaptrace';
my $dir = tempdir(CLEANUP => 1);
my $cc = $ENV{CC} || 'cc';
chdir $dir or die;
plan skip_all => 'script(1) of util-linux is not there' if system('script -qec true /dev/null </dev/null >/dev/null 2>&1');

# What a command prints on a terminal with so many columns.
sub on_terminal {
	my ($columns, $command) = @_;
	open my $script, '>', 'command' or die;
	print $script "stty cols $columns rows 30\n$command\n";
	close $script;
	my $text = `script -qec 'sh ./command' /dev/null </dev/null`;
	$text =~ s/\r//g;
	return $text;
}

sub longest {
	my $most = 0;
	for (split /\n/, $_[0]) {
		utf8::decode($_);
		$most = length if length > $most;
	}
	return $most;
}

# A C++ program with long names, whose library passes through many functions of its own.
open my $source, '>', 'library.c' or die;
print $source "#include <stdlib.h>\nvoid *volatile kept;\n";
print $source "__attribute__((noinline, noclone)) void step0(int n) { kept = malloc(n); }\n";
print $source "__attribute__((noinline, noclone)) void step$_(int n) { step", $_ - 1, "(n); kept = kept; }\n" for 1 .. 5;
close $source;
open $source, '>', 'long.cc' or die;
print $source <<'EOF';
#include <map>
#include <string>
#include <vector>
extern "C" void step5(int);
using table = std::map<std::string, std::vector<std::pair<int, std::string>>>;
static table *kept;
template<class F> __attribute__((noinline)) void apply(F f, table &t, std::map<std::string, std::vector<int>> *) { f(t); }
int main()
{
	kept = new table;
	step5(77777);
	apply([&](auto &t) { t["a key that is too long to be stored in the string itself"].emplace_back(1, std::string(99, 'x')); },
	      *kept, nullptr);
}
EOF
close $source;
system("$cc -g -O1 -fno-optimize-sibling-calls -shared -fPIC -o libsteps.so library.c && " .
       "g++ -std=c++17 -g -O1 -o long long.cc ./libsteps.so") == 0 or die;

for my $columns (80, 120, 200) {
	my $text = on_terminal($columns, "$heaptrace --sort=size,temporary --top=0 --depth=20 ./long");
	cmp_ok(longest($text), '<=', $columns, "C++, $columns columns: no line is longer");
	cmp_ok(longest($text), '>', $columns - 20, "C++, $columns columns: they are used");
	like($text, qr/^    \.\.\. 4 frames in libsteps\.so\n 6 \[.*\] step5 \+0x/m, "$columns columns: a run of frames is folded");
	like($text, qr/^    \.\.\. \d+ frames of allocation wrappers\n/m, "$columns columns: wrappers, too");
}
my $text = on_terminal(80, "$heaptrace --top=1 ./long");
like($text, qr/^=== backtrace #1 === .*\]\n    \[age: [^\n]*\n 0 /m, 'a head line is broken before a bracket');
like($text, qr/^\[heaptrace\] dump 1 on exit, .* after the start$/m, 'the line with the moment fits');
$text = on_terminal(80, "$heaptrace --top=0 ./long");
like($text, qr/<\.\.\.>.* at\s+\.\.\.\/\S+:\d+$/m, 'template arguments are left out, then directories');
$text = on_terminal(80, "$heaptrace --all-frames --top=0 ./long");
like($text, qr/ step1 .*\n.* step2 .*\n.* step3 .*\n.* step4 /, '--all-frames');
unlike($text, qr/^    \.\.\./m, 'and nothing is folded');

# A stream, and a file.
$text = `$heaptrace --top=0 ./long 2>&1`;
like($text, qr/^=== backtrace #1 === .*\[age: .*\[share: /m, 'a stream: head lines are whole');
like($text, qr/\.\.\. 4 frames in libsteps\.so/, 'a stream: a run of frames is folded');
system("$heaptrace --outfile=out --top=0 ./long");
open my $out, '<', 'out' or die;
$text = join '', <$out>;
like($text, qr/ step1 .*\n.* step2 .*\n.* step3 .*\n.* step4 /, 'a file: all frames');
unlike($text, qr/\.\.\./, 'and nothing is shortened');
like(on_terminal(100, "$heaptrace --outfile=out2 --top=0 ./long; cat out2"), qr/^.{101}/m, 'also when a terminal is there');

# Other programs. A name with characters of several bytes is as wide as it looks.
$ENV{PYTHONMALLOC} = 'malloc';
for (['/usr/bin/python3', q(-c 'import json')], ['/usr/bin/perl', q(-e 'use POSIX; kill USR1 => $$; kill TERM => $$')],
     ['/usr/bin/node', '-e 1'], ['/usr/bin/clang++', '-std=c++17 -fsyntax-only long.cc']) {
	my ($program, $arguments) = @$_;
	SKIP: {
		skip "$program is not there", 1 unless -x $program;
		cmp_ok(longest(on_terminal(80, "$heaptrace --top=20 --sort=size,total-count $program $arguments")), '<=', 80, "$program: 80 columns");
	}
}
my $wide = "\xc3\xa9" x 30;
system("ln -sf /bin/ls $wide") == 0 or die;
like(on_terminal(80, "$heaptrace --top=1 ./$wide $dir"), qr/backtrace #1/, 'a program with a name of many bytes');

# A narrow terminal and one that does not know its width.
cmp_ok(longest(on_terminal(60, "$heaptrace --top=3 ./long")), '<=', 60, 'at 60 columns lines are broken, too');
cmp_ok(longest(on_terminal(0, "$heaptrace --top=3 ./long")), '<=', 80, 'a terminal of unknown width has 80 columns');
# What the wrapper says itself, and which limits are broken, by the library and by --report.
for my $command ('--sort=peak', '--report=/etc/passwd', '--diff=x ls', '--quiet --max-leak=0 ./long', '--record=rec --quiet ./long; HT --quiet --max-leak=0 --report=rec') {
	my $said = on_terminal(80, "$heaptrace " . $command =~ s/HT/$heaptrace/r);
	cmp_ok(longest($said), '<=', 80, "$command: 80 columns") or diag($said);
	unlike($said, qr/^(?!heaptrace: |\[heaptrace\] |    \S)./m, "$command: lines are broken at blanks");
	like($said, qr/\n    \S/, "$command: one is") if $command !~ /passwd/;
}
# Pictures and binary formats are nothing for a terminal, and nothing is run then.
for my $format (qw(svg html pprof)) {
	my $said = on_terminal(80, "$heaptrace --format=$format touch made; $heaptrace --format=$format --report=rec >into.$format; ls");
	like($said, qr/\Aheaptrace: --format=$format is nothing that a terminal can show: [^<]*--outfile=heap/, "$format: a terminal is refused");
	unlike($said, qr/^made$/m, "$format: before anything runs");
	cmp_ok(-s "into.$format", '>', 0, "$format: standard output that is no terminal gets it");
}
# Folded stacks are no text for people: their lines stay whole.
like(on_terminal(80, "$heaptrace --flame-graph ./long"), qr/^_start;[^\n]{200}/m, 'folded stacks are not broken');

done_testing();
