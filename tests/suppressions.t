#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Suppressions of LeakSanitizer as rules of --ignore: each leaves out what it suppresses in LeakSanitizer itself, in a
# program all of whose blocks have leaked.
use strict;
use warnings;
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

spit("$dir/lib.c", <<'END');
#include <stdlib.h>
void *lib_make(int bytes) { void *volatile p = malloc(bytes); return p; }
END
spit("$dir/leaks.cc", <<'END');
#include <stdlib.h>
#include <string.h>
#define OUTLINE __attribute__((noinline))
extern "C" void *lib_make(int bytes);
static void *volatile sink;
namespace shapes {
template <typename T> struct Tree { OUTLINE void grow(int n) { sink = calloc(n, sizeof(T)); sink = NULL; } };
}
extern "C" {
OUTLINE void small(void) { for (volatile int i = 0; i < 30; i++) sink = malloc(10); sink = NULL; }
OUTLINE void large(void) { sink = malloc(5000); sink = NULL; }
OUTLINE void parse_one(void) { sink = malloc(21); sink = NULL; }
OUTLINE void parse_two(void) { parse_one(); sink = malloc(100); sink = NULL; }
OUTLINE void two_parse(void) { parse_two(); sink = malloc(1000); sink = NULL; }
OUTLINE void by_lib(void) { sink = lib_make(333); sink = NULL; }
}
#line 1 "other_file.cc"
extern "C" OUTLINE void elsewhere(void) { sink = malloc(77); sink = NULL; }
#line 1 "main_file.cc"
extern "C" OUTLINE void remainder_of(void) { sink = malloc(3); sink = NULL; }
int main(void)
{
	volatile char junk[8192];

	small();
	large();
	two_parse();
	parse_two();
	by_lib();
	elsewhere();
	remainder_of();
	shapes::Tree<long>().grow(9);
	memset((char *)junk, 0, sizeof(junk));
	return junk[17];
}
END
my $built = quiet("cc -g -O1 -shared -fPIC -fno-builtin -o $dir/libtwo.so $dir/lib.c") &&
	quiet("cd $dir && c++ -g -O1 -fno-builtin -fno-optimize-sibling-calls -o leaks leaks.cc -L. -ltwo -Wl,-rpath,$dir");
plan skip_all => 'no C++ compiler' unless $built;
# The sanitizer has to take stacks by unwind tables, as heaptrace does, and some machines do not allow its tracing.
$ENV{LSAN_OPTIONS} = 'print_suppressions=1:fast_unwind_on_malloc=0:exitcode=0:symbolize=1';
my $sanitized = quiet("cd $dir && clang++ -g -O1 -fno-builtin -fno-optimize-sibling-calls -fsanitize=leak -o sanitized leaks.cc -L. -ltwo -Wl,-rpath,$dir && ./sanitized");
my $whole = log_text();
$sanitized = 0 unless $whole =~ /^SUMMARY: LeakSanitizer: 9?\d+ byte\(s\) leaked in \d+/m && $whole =~ /parse_one/;

# What each rule of the file left out: "blocks bytes". In LeakSanitizer's report, then in ours.
sub of_sanitizer {
	local $ENV{LSAN_OPTIONS} = "$ENV{LSAN_OPTIONS}:suppressions=$dir/rules";
	quiet("$dir/sanitized");
	my ($list) = log_text() =~ /^Suppressions used:\n.*\n((?:\s+\d.*\n)*)/m;
	return { map { /^\s*(\d+)\s+(\d+) (.*)/ ? ("leak:$3" => "$1 $2") : () } split /\n/, $list // '' };
}
my %unit = (bytes => 1, KB => 1000, MB => 1_000_000);
my $line = qr/^\[heaptrace\] - (\d+) blocks?, ([\d.]+) (bytes|KB|MB): "(.*)"$/m;
sub of_text {
	my %hits;
	while ($_[0] =~ /$line/g) {
		$hits{$4} = "$1 " . $2 * $unit{$3};
	}
	return \%hits;
}
sub dump_with {
	my (undef, undef, $err) = run(undef, $heaptrace, '--depth=30', "--ignore=$dir/rules", @_, "$dir/leaks");
	return $err;
}

for (['names', "leak:small\nleak:large\n", { 'leak:small' => '30 300', 'leak:large' => '1 5000' }],
     ['a rule matches at the innermost frame first', "leak:two_parse\nleak:parse_one\n",
      { 'leak:two_parse' => '2 1100', 'leak:parse_one' => '2 42' }],
     ['in the order of the file', "leak:parse\nleak:parse_one\n", { 'leak:parse' => '5 1242' }],
     ['the beginning and the end', "leak:^parse\nleak:_parse\$\nleak:^arge\$\nleak:^larg\$\n",
      { 'leak:^parse' => '4 242', 'leak:_parse$' => '1 1000' }],
     ['asterisks', "leak:^p*_*o\$\nleak:*arg*\nleak:sm*ll*x\n", { 'leak:^p*_*o$' => '4 242', 'leak:*arg*' => '1 5000' }],
     ['a namespace, in the readable name', "leak:shapes::Tree<long>::grow\n", { 'leak:shapes::Tree<long>::grow' => '1 72' }],
     ['a source file', "leak:other_file.cc\n", { 'leak:other_file.cc' => '1 77' }],
     ['a module', "leak:libtwo.so\$\n", { 'leak:libtwo.so$' => '1 333' }],
     ['blanks and comments', "# comment\n\n  leak:small  \n#leak:large\n", { 'leak:small' => '30 300' }],
     ['nothing', "leak:no_such_function\n", {}]) {
	my ($name, $rules, $want) = @$_;
	spit("$dir/rules", $rules);
	my $text = dump_with();
	my $got = of_text($text);
	is_deeply($got, $want, $name) or diag($text) if $want;
	SKIP: {
		skip 'no LeakSanitizer here', 1 unless $sanitized;
		is_deeply($got, of_sanitizer(), "$name: as LeakSanitizer has it") or diag(log_text());
	}
}

spit("$dir/rules", "leak:*\n");
unlike(dump_with(), qr/dump allocation status/, 'where everything is left out there is no dump at the end');

# What is left out agrees with the sum of the lines.
spit("$dir/rules", "leak:parse\nlarge +0x\nleak:gone\n");
my $text = dump_with();
like($text, qr/left out by --ignore    : \d+ backtraces, 6\.242 KB\n\[heaptrace\] - 1 block, 5\.000 KB: "large \+0x"\n\[heaptrace\] - 5 blocks, 1\.242 KB: "leak:parse"\n\[heaptrace\] rules that matched nothing   : 1 of 3: "leak:gone"/,
     'both kinds in one file, the largest sum first');
unlike($text, qr/the file of --ignore/, 'no doubt about the file');
unlike($text, qr/\] (?:parse|large)/, 'the rows are not listed');

# Many rules: ten are named.
my $many = join '', map { "HOLD($_)\n" } 1 .. 14;
spit("$dir/many.c", "#include <stdlib.h>\nvoid *volatile k[99];\n#define HOLD(n) __attribute__((noinline)) void hold_##n(void) { k[n] = malloc(n); }\n$many" .
     'int main(void) { k[0] = malloc(1); ' . join('', map { "hold_$_();" } 1 .. 14) . ' return 0; }');
quiet("cc -g -O1 -fno-builtin -fno-optimize-sibling-calls -o $dir/many $dir/many.c") or die log_text();
spit("$dir/rules", join '', map { "leak:^hold_$_\$\n" } 1 .. 14);
(undef, undef, $text) = run(undef, $heaptrace, "--ignore=$dir/rules", '--sort=total-count', "$dir/many");
like($text, qr/- 1 block, 5 bytes: "leak:\^hold_5\$"\n\[heaptrace\] - 4 more rules\n/, 'of more than ten rules the largest are named');
SKIP: {
	skip 'no python3', 1 unless has('python3');
	spit("$dir/rules", "leak:small\nleak:parse\nleak:gone\n");
	run(undef, $heaptrace, '--depth=30', "--ignore=$dir/rules", "--outfile=$dir/out.json", "$dir/leaks");
	is(`python3 -c 'import json; i = json.load(open("$dir/out.json"))["ignore"]; print(i["rules"], i["unmatched"], [(m["rule"], m["blocks"], m["bytes"]) for m in i["matched"]])'`,
	   "3 ['leak:gone'] [('leak:small', 30, 300), ('leak:parse', 5, 1242)]\n", 'JSON');
}

# ---- Suppressions that the program brings along, and those that are built in ----

spit("$dir/own.c", <<'END');
#include <dlfcn.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
static void *volatile sink;
#ifdef MANY
const char *__lsan_default_suppressions(void)
{
	static char text[20000];
	while (strlen(text) < 15000)
		strcat(text, "leak:^not_there$\n");
	return strcpy(text + strlen(text), "leak:^beyond$\n"), memcpy(text, "leak:known\n", 11), text[11] = '#', text;
}
#elif defined(NONE)
const char *__lsan_default_suppressions(void) { return NULL; }
#else
const char *__lsan_default_suppressions(void) { return "# of the program\nleak:^known$\nleak:not_there\n"; }
#endif
__attribute__((noinline)) void known(void) { for (volatile int i = 0; i < 3; i++) sink = malloc(10); sink = NULL; }
__attribute__((noinline)) void beyond(void) { sink = malloc(500); sink = NULL; }
int main(int argc, char **argv)
{
	volatile char junk[8192];

	(void)argv;
	setlocale(LC_ALL, "C.UTF-8");
	known();
	beyond();
	memset((char *)junk, 0, sizeof(junk));
	if (argc > 1)
		raise(SIGKILL);
	return 0;
}
END
sub own { my ($name, @flags) = @_; quiet("cc -g -O1 -fno-builtin -fno-optimize-sibling-calls -o $dir/$name $dir/own.c @flags") or die log_text() }
sub own_text { my (undef, undef, $err) = run(undef, $heaptrace, @_); return $err }
my $known = qr/^\[heaptrace\] - 3 blocks, 30 bytes: "leak:\^known\$" \(of the program\)$/m;
own('exported', '-rdynamic');
own('hidden');
own('fixed', '-no-pie');
for my $name (qw(exported hidden fixed)) {
	my $text = own_text("$dir/$name");
	like($text, $known, "$name: the program's own suppressions");
	unlike($text, qr/not_there|\] known/, "$name: those that match nothing are no mistake of the user's");
	like($text, qr/\] beyond/, "$name: what else there is");
}
run(undef, $heaptrace, "--outfile=$dir/killed.txt", "$dir/hidden", 'killed');
ok(wait_for(sub { (slurp("$dir/killed.txt") // '') =~ /^=+\n\z/m }, 20), 'the watcher writes the dump of a killed process');
like(slurp("$dir/killed.txt"), $known, 'and has them, too');
run(undef, $heaptrace, "--record=$dir/own.rec", "$dir/hidden");
like(`$heaptrace --report=$dir/own.rec`, $known, 'and --report');
unlike(`$heaptrace --report=$dir/own.rec --default-ignore=no`, qr/of the program|built in/, '--default-ignore=no: nobody asks the program');
unlike(own_text('--default-ignore=no', "$dir/hidden"), qr/of the program|built in/, 'nor when it is traced');
spit("$dir/rules", "leak:gone\n");
like(own_text("--ignore=$dir/rules", "$dir/hidden"), qr/$known.*matched nothing   : 1 of 1: "leak:gone" /ms, 'with a file of the user');
quiet('strip', "$dir/fixed") or die;
unlike(own_text("$dir/fixed"), qr/of the program/, 'a program without symbols has none');
own('none', '-DNONE');
unlike(own_text("$dir/none"), qr/left out/, 'a function that returns no text');
own('many', '-DMANY');
$text = own_text("$dir/many");
like($text, qr/- 3 blocks, 30 bytes: "leak:known" \(of/, 'of a long text the first part counts');
like($text, qr/\] beyond/, 'the rest does not');
SKIP: {
	skip 'no LeakSanitizer here', 1 unless $sanitized && quiet("clang -g -O1 -fno-builtin -fsanitize=leak -o $dir/own_sanitized $dir/own.c");
	quiet("$dir/own_sanitized");
	like(log_text(), qr/^\s+3\s+30 \^known\$$/m, 'as LeakSanitizer has it');
}
my $setlocale = qr/^\[heaptrace\] - \d+ blocks?, [\d.]+ \w+: "leak:\^setlocale\$" \(built in\)$/m;
like(own_text("$dir/hidden"), $setlocale, 'the built-in rules count beside the program\'s');
like(own_text('--default-ignore=yes', "$dir/none"), $setlocale, '--default-ignore=yes: always');
spit("$dir/rules", "leak:known\n");
{
	my ($status, undef, $err) = run(undef, $heaptrace, '--max-leak=530', "$dir/none");
	is($status, 0, 'and with a limit on leaks, which they are not');
	like($err, $setlocale, 'which the dump says');
	($status) = run(undef, $heaptrace, '--max-leak=530', '--default-ignore=no', "$dir/none");
	is($status, 86 << 8, 'unless they are switched off');
}
like(own_text("--ignore=$dir/rules", "$dir/none"), $setlocale, 'and beside a file');
SKIP: {
	skip 'no gio', 1 unless has('gio');
	like(own_text('--default-ignore=yes', '--depth=20', '--no-lines', 'gio', 'info', '/'), qr/"leak:\^g_type_register_" \(built in\)/, "GLib's types");
}
done_testing();
