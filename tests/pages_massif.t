#!/usr/bin/env perl
# SPDX-License-Identifier: GPL-2.0-only
#
# --pages beside valgrind's massif --pages-as-heap=yes, on a program of ours and on python3, redis-server and perl. Both see
# the same calls of mmap() and brk() by program, malloc, thread library and locale, so these figures are equal to the byte.
# The two differ in what they say of libraries, because massif counts a mapping twice that the loader maps over another
# one, and in what each tracer maps itself.
use strict;
use warnings;
use JSON::PP;
use POSIX ();
use Test::More;
require './tests/process.pl';
our ($dir, $heaptrace);

plan skip_all => 'valgrind is not installed' unless has('valgrind');

my $subject = build('pages', 'pages');
my $page = POSIX::sysconf(POSIX::_SC_PAGESIZE());
spit("$dir/file", "\0" x (16 * $page));

# What massif's tree says of a node, by the function: who maps it.
my @kinds = (
	[qr/^(?:_dl_|dl_|__minimal_malloc|_dlerror|rtld)/ => 'loader'],
	[qr/^(?:allocate_stack|pthread_create)/ => 'thread stacks'],
	[qr/^sysmalloc_mmap/ => 'malloc: large blocks'],
	[qr/^__glibc_morecore/ => 'malloc: main arena (brk)'],
	[qr/^(?:alloc_)?new_heap|^grow_heap|^heap_grow/ => 'malloc: arenas'],
	[qr/^(?:_nl_|__gconv_)/ => 'other files'],
	[qr/^(?:__)?(?:mmap|mmap64|mremap|brk|sbrk)$|^sysmalloc$/ => ''],
);

sub kind_of {
	my ($function) = @_;
	for (@kinds) {
		return $_->[1] if $function =~ $_->[0];
	}
	return 'recorded';
}

# The bytes of each kind in the peak of a massif file. NULL is for what was mapped before the start.
sub massif_sums {
	my ($file) = @_;
	my $text = slurp($file) // '';
	my ($tree) = $text =~ /^heap_tree=peak\n(.*?)(?:^#|\z)/ms or return {};
	my (%sums, $depth_done, %by);
	for (split /\n/, $tree) {
		my ($indent, $children, $bytes, $rest) = /^( *)n(\d+): (\d+) (.*)/ or next;
		my $depth = length $indent;

		next if !$depth || (defined $depth_done && $depth > $depth_done);
		undef $depth_done;
		my ($function) = $rest =~ /^0x[0-9A-F]+: (\S+)/;
		my $kind = !$children && $rest =~ /^0x0: / ? 'start' : kind_of($function // '?');
		next if $kind eq '';
		$depth_done = $depth;
		$sums{$kind} += $bytes;
		$by{$function} += $bytes if $kind eq 'recorded';
	}
	return (\%sums, \%by, $text =~ /_dl_map_segment/);
}

sub sums_of {
	my ($document) = @_;
	my $pages = $document->{pages} // {};
	my %sums = map { $_->{of} => $_->{size} } @{$pages->{others} // []};
	my %by;
	$sums{recorded} = $pages->{size};
	$by{$_->{frames}[1]{function} // '?'} += $_->{size} for @{$pages->{rows}};
	return (\%sums, \%by);
}

# Runs a shell's line twice, in which $TRACER stands before the program. Returns the sums of both.
sub both {
	my ($line) = @_;
	my @massif = ('timeout', 200, 'valgrind', '--tool=massif', '--pages-as-heap=yes', '--peak-inaccuracy=0.0', '--threshold=0.0',
		      '--depth=12', "--massif-out-file=$dir/massif");
	unlink "$dir/massif", "$dir/out.json";
	quiet("TRACER='@massif'; $line") or diag(log_text());
	quiet("TRACER='$heaptrace --pages --format=json --no-lines --outfile=$dir/out.json'; $line") or diag(log_text());
	my ($massif, $massif_by, $named) = massif_sums("$dir/massif");
	my ($ours, $ours_by) = sums_of(eval { decode_json(slurp("$dir/out.json")) } // {});
	return ($massif, $ours, $massif_by, $ours_by, $named);
}

my @exact = ('recorded', 'malloc: large blocks', 'malloc: arenas', 'other files');

# When a thread first allocates, beside others, decides how many heaps there are; and on a busy machine the list of mappings
# may not be read to its end, which leaves out the main arena. So there are three tries.
sub compare {
	my ($name, $line) = @_;
	my $brk = 'malloc: main arena (brk)';
	SKIP: {
		my ($massif, $ours, $named);
		for (1 .. 3) {
			($massif, $ours, undef, undef, $named) = both($line);
			last if !$named || ($ours->{$brk} && !grep { ($ours->{$_} // 0) != ($massif->{$_} // 0) } @exact);
		}
		skip "$name: massif wrote no peak", 1 unless $massif->{loader} || $massif->{recorded};
		skip "$name: valgrind has no symbols of libc", 1 unless $named;
		is($ours->{$_} // 0, $massif->{$_} // 0, "$name: $_") for @exact;
		# Blocks with paths, the environment, and tables by hashes of addresses differ a little; a heap grows by 132 KB.
		cmp_ok(abs(($ours->{$brk} // 0) - ($massif->{$brk} // 0)), '<', 135169, "$name: $brk");
		my $stack = ($ours->{'thread stacks'} // 0) - ($massif->{'thread stacks'} // 0);
		ok($stack > 0 && $stack < 2e6, "$name: thread stacks, but for the main thread's") or diag($stack);
		# The loader's mappings are there once and, all but the first segment of each library, a second time.
		my $libraries = $ours->{libraries} // 0;
		ok($libraries > $massif->{loader} / 2 - 2e6 && $libraries < $massif->{loader} + 2e6, "$name: libraries") or diag("$libraries, $massif->{loader}");
	}
}

SKIP: {
	my ($massif, $ours, $massif_by, $ours_by, $named) = both("\$TRACER $subject massif $dir/file");
	skip 'massif does not run', 1 unless $massif->{recorded};
	for my $function (qw(hole odd_size file file_64 memory_file shared shrunk)) {
		is($ours_by->{$function}, $massif_by->{$function}, "$function(): the same bytes") if $massif_by->{$function};
	}
	is($ours_by->{data_segment}, $massif_by->{data_segment}, 'sbrk() and brk()');
	is($ours->{recorded} + $page, $massif->{recorded}, 'and in all');
}

chomp(my $python = `python3 -c 'import sys; print(sys.executable)' 2>/dev/null` // '');
spit("$dir/maps.py", <<'PY');
import mmap, os, threading
mapped = [mmap.mmap(-1, 1 << 20) for i in range(10)]
blocks = [bytearray(1 << 20) for i in range(5)]
stop = threading.Event()
threads = [threading.Thread(target=stop.wait, daemon=True) for i in range(3)]
for t in threads:
    t.start()
os._exit(0)
PY
SKIP: {
	skip 'python3 is not installed', 1 unless $python;
	compare('python3', "\$TRACER $python -S -E $dir/maps.py");
}
compare('perl', "\$TRACER $^X -MPOSIX=_exit -e 'my \@list = map { \"x\" x 300000 } 1 .. 20; my %small = map { \$_ => [1, 2] } 1 .. 5000; _exit(0)'");
SKIP: {
	skip 'redis-server is not installed', 1 unless has('redis-server') && has('redis-cli');
	compare('redis-server', <<"SH");
rm -f $dir/socket
\$TRACER redis-server --port 0 --unixsocket $dir/socket --save "" --appendonly no --dir $dir &
for i in \$(seq 300); do [ -S $dir/socket ] && redis-cli -s $dir/socket ping && break; sleep 0.2; done
redis-cli -s $dir/socket debug populate 20000 key 100
redis-cli -s $dir/socket shutdown nosave
wait
SH
}

done_testing();
