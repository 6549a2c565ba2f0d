#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# Properties of the tree and of the library that no run shows: which folder may include
# which, what the library exports and needs, how much stack and thread-local storage it takes.
use strict;
use warnings;
use Test::More;

my @sources = grep { !m{^tests/} } split /\n/, `git ls-files '*.c' '*.h' 2>/dev/null || true`;
@sources = glob('*.c include/*.h base/*.[ch] elf/*.[ch] options/*.[ch] capture/*.[ch] capture/recall/*.[ch] table/*.[ch] symbol/*.[ch] inflate/*.[ch] demangle/*.[ch] analysis/*.[ch] format/*.[ch] process/*.[ch] pack/*.[ch] hooks/*.[ch] wrapper/*.[ch]')
	unless @sources;

sub text {
	open my $in, '<', $_[0] or die "$_[0]: $!";
	local $/;
	return <$in>;
}

# Which folders a folder may include, beside itself.
my %may = (
	base => [], elf => ['base'], options => ['base'],
	capture => ['base', 'elf', 'options'], table => ['base', 'elf', 'options'], demangle => ['base'],
	inflate => ['base'], symbol => ['base', 'elf', 'inflate'],
	analysis => ['base', 'elf', 'options', 'table', 'symbol', 'demangle'],
	format => ['base', 'options', 'analysis'],
	process => ['base', 'elf', 'options', 'capture', 'table', 'analysis', 'format'],
	include => [], examples => ['include'],
	hooks => ['base', 'elf', 'options', 'capture', 'table', 'process', 'include'],
	pack => ['base', 'options', 'table', 'symbol', 'analysis'],
	wrapper => ['base', 'elf', 'options', 'capture', 'symbol', 'table', 'analysis', 'format', 'process', 'pack'],
);
my @upward;
for my $file (@sources) {
	my ($folder) = $file =~ m{^(\w+)/} or next;
	for my $to (text($file) =~ m{^#include "([^"]+)"}mg) {
		my $target = $to =~ m{^(\w+)/} ? $1 : $folder;
		push @upward, "$file: $to" unless $target eq $folder || grep { $_ eq $target } @{$may{$folder}};
	}
}
is("@upward", '', 'no folder includes upward');

# The same of symbols, which need no include: what a folder takes from another one is defined in a folder
# that it may include. The wrapper, with pack/, is linked without the hooks, so it takes libc's functions of those names.
my (%taken, %defined);
for my $file (grep { m{\.c$} } @sources) {
	my $object = 'build/' . $file =~ s/c$/o/r;
	my $folder = $file =~ m{^(\w+)/} ? $1 : '';
	next unless -f $object;
	for (split /\n/, `nm $object`) {
		$taken{$folder}{$1} = $file if / U (\S+)/;
		$defined{$1}{$folder} = 1 if / [TDBRVWC] (\S+)/;
	}
}
my @higher;
for my $folder (sort keys %may) {
	for my $symbol (sort keys %{$taken{$folder}}) {
		my @in = keys %{$defined{$symbol} // {}};
		@in = grep { $_ ne '' && $_ ne 'hooks' } @in if $folder =~ /^(?:wrapper|pack)$/;
		next if !@in || grep { my $in = $_; grep { $in eq $_ } $folder, @{$may{$folder}} } @in;
		push @higher, "$taken{$folder}{$symbol}: $symbol";
	}
}
cmp_ok(scalar keys %defined, '>', 300, 'the objects name their symbols');
is("@higher", '', 'no folder takes a symbol from a higher one');

# elf/lookup.h says why.
my @asking = grep { !m{^tests/} && !m{^elf/lookup\.} && text($_) =~ /\bdlv?sym\(\w/ } @sources;
is("@asking", '', 'functions of other modules are found by elf/lookup.c, not by dlsym()');

my @all = grep { !m{/corpus/} } split /\n/, `git ls-files -co --exclude-standard`;
my @bare = grep { -f && -T && !/^LICENSE$|\.golden$|package-lock\.json$|^tests\/.*\.txt$/ && text($_) !~ /SPDX-License-Identifier: GPL-2.0-only/ } @all;
is("@bare", '', 'every file names its licence');
# Files with more lines that wait for their own clean-up. Nothing is to be added.
my %larger = ();
my @long = grep { my $lines = () = text($_) =~ /\n/g; $lines > ($larger{$_} // 600) } @sources;
is("@long", '', 'no source file has more than 600 lines');

my @wide;
for my $file (grep { m{\.h$} } @sources) {
	my $number = 0;
	for my $line (split /\n/, text($file)) {
		$number++;
		1 while $line =~ s/^([^\t]*)\t/$1 . ' ' x (8 - length($1) % 8)/e;
		push @wide, "$file:$number" if length $line > 120;
	}
}
is("@wide", '', 'no line of a header has more than 120 columns');

# The names of a table have a width. C lets one fill it, without the NUL at its end, so that the next one follows it in the output.
my @unended;
for my $file (@sources) {
	my $source = text($file);
	while ($source =~ /\bchar \w+\[\w*\]\[(\d+)\] = \{(.*?)\};/gs) {
		my ($width, $names) = ($1, $2);
		push @unended, map { "$file: $_" } grep { length(s/\\./?/gr) >= $width } $names =~ /"((?:\\.|[^"\\])*)"/g;
	}
}
is(join(', ', @unended), '', 'each name of a table has room for its end');

# A script that calls another one's functions at once comes behind it.
my $page = text('format/html_files.def');
my @unlisted = grep { index($page, "\"$_\"") < 0 } grep { !m{/svg\.} } glob('report/*.js report/*.css');
is("@unlisted", '', 'format/html_files.def lists each script and style sheet of report/, in the order in which a browser runs them');
my @closing = grep { text($_) =~ m{</(?:script|style)}i } glob('report/*.js report/*.css');
is("@closing", '', 'none of them closes the element that it stands in');

# From the brace that opens a function in the first column to the one that closes it.
my @endless;
for my $file (@sources) {
	my $text = text($file);
	while ($text =~ /^([^\n]*)\n\{\n(.*?)^\}/gms) {
		my ($head, $lines) = ($1, 2 + ($2 =~ tr/\n//));
		push @endless, "$file: $head ($lines)" if $lines > 80;
	}
}
is(join("\n", @endless), '', 'no function has more than 80 lines');

unlike(text('libheaptrace.so'), qr/check failed/, 'a normal build has no checks of `make CHECK=1`');

my @exports = sort map { (split)[2] } split /\n/, `nm -D --defined-only libheaptrace.so`;
is("@exports", join(' ', sort qw(malloc calloc realloc reallocarray free cfree free_sized
	free_aligned_sized posix_memalign aligned_alloc memalign valloc pvalloc _exit _Exit
	__libc_malloc __libc_calloc __libc_realloc __libc_free __libc_memalign __libc_valloc __libc_pvalloc
	malloc_trim mallopt malloc_info malloc_stats mallinfo mallinfo2 __sigaction sigignore siginterrupt dlclose
	sigaction signal bsd_signal ssignal sysv_signal __sysv_signal sigset
	execve execv execvpe execvp fexecve execveat execl execle execlp
	prctl chroot setuid seteuid setreuid setresuid posix_spawn posix_spawnp daemon system popen wordexp dlopen dlmopen
	sigwait sigwaitinfo sigtimedwait signalfd mlockall pthread_setname_np
	mmap mmap64 munmap mremap brk sbrk shmat shmdt
	heaptrace_attach heaptrace_detach heaptrace_with_loader
	heaptrace_api_control heaptrace_api_dump_to heaptrace_api_state heaptrace_api_totals heaptrace_api_ignore
	heaptrace_api_pool heaptrace_api_pool_change heaptrace_api_pool_clear heaptrace_api_pool_backing
	heaptrack_report_alloc heaptrack_report_realloc heaptrack_report_free)),
   'the library exports what it interposes, what attach.h and include/heaptrace.h have, and nothing else');

my @exporting = grep { $_ ne 'hooks/export.h' && !m{^tests/} &&
	text($_) =~ /visibility\("default"\)/ || !m{^(?:hooks/|libheaptrace\.c)} && text($_) =~ /\bEXPORT\b|hooks\/export\.h/ } @sources;
is("@exporting", '', 'only hooks/ and libheaptrace.c export, by hooks/export.h');

my $dynamic = `readelf -dW libheaptrace.so`;
is(join(' ', $dynamic =~ /NEEDED.*\[(.*)\]/g), 'libc.so.6', 'it needs libc.so.6 only');
unlike(`readelf -rW libheaptrace.so`, qr/DTPMOD|DTPOFF|TLSDESC/, 'its TLS is initial-exec');
my ($tls) = `readelf -lW libheaptrace.so` =~ /TLS\s+\S+\s+\S+\s+\S+\s+\S+\s+0x(\w+)/;
cmp_ok(hex($tls), '<=', 256, 'thread-local storage: at most 256 bytes');

# What the record and dump paths must not call. (Looked up at start, or the wrapper's: fine.)
my %imported = map { s/@.*//r => 1 } map { (split)[-1] } split /\n/, `nm -D --undefined-only libheaptrace.so`;
my @forbidden = grep { $imported{$_} } qw(printf fprintf vfprintf snprintf vsnprintf fopen fwrite
	puts qsort strerror pthread_getattr_np pthread_mutex_lock getenv setenv strdup
	opendir getcwd realpath localtime syslog __snprintf_chk __fprintf_chk);
is("@forbidden", '', 'no stdio, no lock, nothing that allocates is linked in');

# Of libc's functions that stand for a system call, those of kernel.h are the library's own: what another
# preloaded library makes of them must not reach a figure. Here are those and more of their kind. (chdir, dup2,
# fork, setsid belong to the program's own daemon(); libc's sigprocmask() knows of signals of its own.)
SKIP: {
	chomp(my $machine = `uname -m`);
	skip "the calls are libc's on $machine", 1 unless $machine =~ /^(?:x86_64|aarch64)$/;
	my @own = split ' ', join ' ', text('base/kernel.h') =~ /^ \*\t([a-z0-9_ ]+?)(?:\t.*)?$/mg;
	cmp_ok(scalar @own, '>', 40, 'kernel.h lists its functions');
	my @others = grep { $imported{$_} } @own, qw(time gettimeofday sleep usleep clock_nanosleep pause select pselect
		ppoll epoll_wait stat stat64 lstat64 fstatat64 statx creat openat64 dup dup3 pipe pipe2 unlink rename
		mkdir readv writev pwrite64 ftruncate64 mmap64 fsync send sendto recv recvfrom recvmsg connect
		getppid getegid raise tgkill gettid futex wait wait4 waitpid prctl getrandom);
	is("@others", '', 'each system call is made by the library itself (base/kernel.h)');
}

my $stripped = `cp libheaptrace.so build/stripped.so && strip build/stripped.so && stat -c %s build/stripped.so`;
cmp_ok($stripped, '<=', 384 * 1024, 'stripped, it has at most 384 KB');

done_testing();
