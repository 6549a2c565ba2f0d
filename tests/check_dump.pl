# SPDX-License-Identifier: GPL-2.0-only
#
# usage: perl check_dump.pl TOP FILE...
#
# Holds text dumps against the contract: every line matches some form, in an order that
# makes sense; numbers count up; at most TOP backtraces are shown; with TOP 0 the sizes of
# all of them add up to the total. Prints what is wrong, or nothing.
use strict;
use warnings;

my $size = qr/\d{1,3} bytes|\d{1,3}\.\d{3} [KM]B|\d+\.\d{3} GB/;
my $time = qr/\d{1,3} ns|\d{1,3}\.\d{3} [um]s|\d{1,2}\.\d{3} secs|\d+ mins? \d{1,2} secs?|\d+ hours? \d{1,2} mins?/;
my $key = qr/size|count|peak-size|peak-count|heap-peak|total-size|total-count|temporary|age/;
my $percent = qr/\d{1,3}\.\d %/;
my $moment = qr/^\[heaptrace\] dump \d+ (?:on request|by SIG\S+|by --above|by --every|on exit|before the end by SIG\S+|after a kill), \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, $time after the start$/;
my $live_key = qr/^(?:size|count|age)$/;	# other sections list backtraces whose blocks were freed, too
my $life = qr/^\[heaptrace\] (initialized|finalized) for \/proc\/\d+\/maps \(.*\)(?:, which was killed, or ended past exit\(\))?$/;
my $notice = qr/^\[heaptrace\] (?:the program (?:handles|waits for|blocks) SIGUSR[12]|no allocation was seen: |nothing was recorded: |valgrind's own allocator takes the calls of malloc and free before heaptrace sees them: |\S.* (?:is statically linked|is built with a sanitizer|runs with another user's or group's rights): it is not traced|\S.* has a malloc of its own)/;
my $head = qr/^\[heaptrace\] dump allocation status for \/proc\/\d+\/maps \(.*\), sorted by ($key)$/;
my $row = qr/^=== backtrace #(\d+) === \[count\/peak: (\d+)\/(\d+)\] \[size\/peak: ($size)\/($size)\] \[age: $time\](?: \[threads?: [^\]]+\])?(?: \[$key: (?:$size|\d+(?: of \d+ calls?, $percent)?)\])?(?: \[share: ($percent)(?:, ($percent) so far)?\])?$/;
my $place = qr/\S.*:(?:\d+|\?)/;
my $frame = qr/^([ 1-9]\d|\d{3}) \[( *0x[0-9a-f]+)\] (?:\?|<signal handler called>|\S.* \+0x[0-9a-f]+(?: at $place)?|\S.* \(\+0x[0-9a-f]+\)(?: at $place)?|\S.* \(inlined\)(?: at $place)?|\S.* at $place)$/;
my @summary = (
	qr/^\[heaptrace\] heap traced num of backtrace : (\d+)$/,
	qr/^\[heaptrace\] heap traced allocation size  : ($size)$/,
	qr/^\[heaptrace\] allocator info \(virtual\)     : (?:$size(?: \(estimated\))?|unknown \(.+\))$/,
	qr/^\[heaptrace\] allocator info \(resident\)    : $size \((?:handed out|estimated), not RSS\)$/,
	qr/^\[heaptrace\] statm info \(VSS\/RSS\/shared\)  : (?:$size \/ $size \/ $size|unknown)$/,
);
my $kept = qr/^\[heaptrace\] kept by the runtime for good : (?:$size in \d+ blocks? of (?:libstdc\+\+ \(emergency pool\)|libc \(stdio\)|ld\.so)(?:, (?=\d)|; counted above$))+$/;
my $extra = qr/^\[heaptrace\] (?:new backtraces               : no space|heap left out by --ignore    : \d|- \d+ blocks?, $size: "|not listed                   : \d|rules that matched nothing   : \d+ of \d|allocators of its own        : \S.* of \S|not seen                     : (?:\d|C\+\+ operator new|what the program's own allocator|what valgrind's own allocator|what dlmopen|what \S+ (?:and \d+ other librar(?:y|ies) )?allocates? and frees?)|(?:names|lines) missing                : \S.* \(.*\)(?:, and \d+ more)?$)/;
my $allocators = qr/^ 0 \[.*\] (?:(?:__libc_)?(?:malloc|calloc|realloc|memalign|valloc|pvalloc)|reallocarray|posix_memalign|aligned_alloc)(?: |$)/;
my $opening = qr/^\[heaptrace\] (?:where RSS goes +: .*|- [^:]+: +-?\d+\.\d{3} MB +-?\d+ %|Largest part of RSS: .*|malloc_trim\(3\) would give back (?:about (?:$size)|nothing)\..*|total runtime: $time|windows of the recording: (?:none so far|\d.*)|figures (?:of|since the clear): .*|not counted (?:here|any more), .*: \d+ blocks?, $size, (?:is|are) still alive|calls to allocation functions: \d+(?: \(\d+\/s\))?|temporary allocations: \d+ \(\d+\.\d %(?:, \d+\/s)?\)|peak heap memory consumption: (?:$size)(?: after $time)?|peak RSS \(including heaptrace overhead\): (?:(?:at least )?(?:$size)|unknown .*)|(?:total memory leaked|memory in use now): (?:$size)(?: in \d+ blocks? of \d+ backtraces?)?)$/;
my %unit = (bytes => 1, KB => 1000, MB => 1000000, GB => 1000000000);
# Three places of MB are whole KB: that much is cut off.
my %cut = (bytes => 0, KB => 0, MB => 999, GB => 999999);

sub bytes {
	my ($n, $u) = split ' ', $_[0];
	return (sprintf("%.0f", $n * $unit{$u}), $cut{$u});
}

sub tenths { return $_[0] =~ s/[. %]//gr }

my $top = shift;
for my $file (@ARGV) {
	my ($state, $sum, $slack, $shown, $total_rows, $next, $frames, $last, $sorted, $total, $heap_peak) = ('life');
	open my $in, '<', $file or die "$file: $!\n";
	my $wrong = sub { print "$file:$.: $_[0]: ", defined $_ ? $_ : '', "\n"; no warnings; last };
	while (<$in>) {
		$wrong->('a line without an end') unless chomp;
		if ($state eq 'life') {
			next if /$life/ || /$notice/;
			$wrong->('not a line of the contract') unless $_ eq '=' x 65;
			$state = 'head';
		} elsif ($state eq 'head') {
			$wrong->('not the head of a dump') unless /$head/;
			($state, $sorted) = ('rows', $1);
			($sum, $slack, $shown, $frames, $next) = (0, 0, 0, 0, 0);
			undef $last;
		} elsif ($state eq 'rows' && !$shown && (/$moment/ || /$opening/)) {
			$heap_peak = (bytes($1))[0] if /heap memory consumption: ($size)/;
			$wrong->('more bytes than at the peak') if /(?:leaked|in use now): ($size)/ && (bytes($1))[0] > $heap_peak;
			next;
		} elsif ($state eq 'rows' && /$row/) {
			my ($number, $count, $peak, $live, $most, $share, $so_far) = ($1, $2, $3, $4, $5, $6, $7);
			$wrong->('no share') if !defined $share && $sorted =~ /^(?:size|count)$/;
			$wrong->('a share above the sum so far') if defined $so_far && tenths($share) > tenths($so_far);
			my ($b, $c) = bytes($live);
			$wrong->('number') if $number != ++$shown;
			$wrong->('count above its peak') if $count > $peak;
			$wrong->('no live block') if !$count && $sorted =~ /$live_key/;
			$wrong->('size above its peak') if $b > (bytes($most))[0];
			my $k = $sorted eq 'size' ? $b : $sorted eq 'count' ? $count : undef;
			$wrong->('not in order') if defined $k && defined $last && $k > $last;
			$last = $k;
			$sum += $b;
			$slack += $c;
			($state, $frames) = ('frames', 0);
		} elsif ($state eq 'frames') {
			if ($_ eq '') {
				$wrong->('a backtrace without frames') unless $frames;
				$state = 'rows';
				next;
			}
			next if !$frames && $_ eq '(table full)' && ++$frames;
			if (/^    \.\.\. (\d+) frames (?:in \S.*|of allocation wrappers)$/) {
				$wrong->('a fold that saves nothing, or stands first') if $1 < 2 || !$frames;
				$frames += $1;
				next;
			}
			$wrong->('not a frame') unless /$frame/;
			$wrong->('frames out of order') if $1 != $frames;
			$wrong->('frame 0 is no allocation function') if !$frames && !/$allocators/;
			$wrong->('a frame of the tracer') if $frames && /libheaptrace/;
			$frames++;
		} elsif ($state eq 'rows') {
			$wrong->('neither a backtrace nor the summary') unless /$summary[0]/;
			$total_rows = $1;
			($state, $next) = ('summary', 1);
		} elsif ($state eq 'summary' && $next < @summary) {
			if ($total) {		# the line before was the size: rows of the runtime may be missing
				my ($all, $cut) = @$total;
				my $live = $sorted =~ /$live_key/;
				my $blocks = 0;
				if (/$kept/) {
					while (/($size) in (\d+) blocks? of/g) {
						my ($b, $c) = bytes($1);
						$sum += $b;
						$slack += $c;
						$blocks += $2;
					}
				}
				my $want = $top && $top < $total_rows ? $top : $total_rows;
				$wrong->("$shown backtraces shown, not $want")
					if $live && ($shown > $want || $shown + $blocks < $want);
				$wrong->("sizes add up to $sum") if $live && $want == $total_rows && $shown < ($top || $shown + 1) &&
					($sum > $all + $cut || $sum + $slack < $all);
				undef $total;
				next if $blocks;
			}
			next if $next == 2 && /$extra/;
			$wrong->('not the summary') unless /$summary[$next]/;
			if ($next == 1) {
				$total = [bytes($1)];
			}
			$next++;
		} else {
			$wrong->('records were lost') if /frees of known blocks|no memory to record/;
			next if /$extra/;
			$wrong->('not the end of the summary') unless $_ eq '=' x 65;
			$state = 'life';
		}
	}
	print "$file: ends inside a dump\n" if eof($in) && $state ne 'life';
}
