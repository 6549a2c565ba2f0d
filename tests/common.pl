# SPDX-License-Identifier: GPL-2.0-only
#
# What the Perl tests share: files as bytes, commands without their output, and the sources of the
# small programs that run one part of heaptrace alone. `require './tests/common.pl'`.
use strict;
use warnings;
use File::Temp;

umask 022;	# other users have to be able to run what the tests build, whatever the caller's mask is

# The whole file as bytes; undef when it cannot be opened.
sub slurp {
	my ($file) = @_;
	open my $in, '<:raw', $file or return undef;
	local $/;
	my $text = <$in>;
	return $text // '';
}

# Writes the bytes to the file, whose name is returned.
sub spit {
	my ($file, $bytes) = @_;
	open my $out, '>:raw', $file or die "$file: $!";
	print $out $bytes;
	close $out or die "$file: $!";
	return $file;
}

# Whether there is such a program.
sub has { return system("command -v $_[0] >/dev/null 2>&1") == 0 }

# Whether a command succeeds: one argument is a line for the shell, several are the words of a
# command. What it prints is kept for log_text() until the next command.
my $log = File::Temp->new(TEMPLATE => 'heaptrace-log.XXXXXX', TMPDIR => 1);
sub quiet {
	my $line = @_ == 1 ? "{ $_[0]\n}" : join ' ', map { "'" . s/'/'\\''/gr . "'" } @_;
	return system("$line >$log 2>&1") == 0;
}
sub log_text { return slurp("$log") // '' }

# symbol/ and what it needs of other folders but for demangle/, for programs that are linked with it.
sub symbol_sources {
	return (glob('symbol/*.c inflate/*.c'), 'elf/headers.c', map { "base/$_.c" } qw(arena crc32 kernel_map mappings out printable probe proc reserve safe_open sort));
}

# The objects that make has built from these sources; an empty list when one of them is not there.
sub built_objects {
	my @objects = map { 'build/' . s/\.c$/.o/r } @_;
	return (grep { !-e } @objects) ? () : @objects;
}

my @compile = qw(-std=gnu11 -D_GNU_SOURCE -I.);

# Compiles and links; returns whether that succeeded. What the compiler says is log_text().
sub compile {
	my ($out, @arguments) = @_;
	return quiet($ENV{CC} || 'cc', @compile, '-o', $out, @arguments);
}

# The objects of the sources for the sanitizers, which tests share; an empty list when they do not compile.
sub sanitized_objects { return quiet('tests/sanitized', @_) ? split /\n/, log_text() : () }

# Compiles each source to an object in a new directory, as many at a time as there are processors. Returns the
# objects' names; an empty list when one does not compile, and what the compiler says is log_text().
sub compile_objects {
	my ($directory, $flags, @sources) = @_;
	my @objects = map { "$directory/" . tr{/}{_}r . '.o' } @sources;
	mkdir $directory or die "$directory: $!";
	spit("$directory/commands", join '', map { "-o $objects[$_] $sources[$_]\n" } 0 .. $#sources);
	return quiet("xargs -P \"\$(nproc)\" -L 1 ${\($ENV{CC} || 'cc')} @compile @$flags -c <$directory/commands") ? @objects : ();
}

# Processor seconds that the children have taken so far which have ended. What a run takes of these is much the same
# on a busy machine, where it takes any time.
sub children_seconds {
	my (undef, undef, $user, $system) = times;
	return $user + $system;
}

1;
