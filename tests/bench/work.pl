# SPDX-License-Identifier: GPL-2.0-only
# Perl at work: strings, hashes of arrays, regular expressions, closures, sorting; argument: rounds.
use strict;
use warnings;

my ($rounds, $seed, $sum) = ($ARGV[0], 42, 0);

sub make {
	my ($id, $name) = @_;
	my @log;
	return { id => $id, name => $name, add => sub { push @log, "$name:" . shift; scalar @log } };
}

for my $round (1 .. $rounds) {
	my (%by_name, @objects);
	for my $i (1 .. 2000) {
		$seed = ($seed * 16807) % 2147483647;
		my $name = join '', map { chr(97 + ($seed >> $_) % 26) } 0 .. 3 + $i % 5;
		push @{ $by_name{ substr $name, 0, 2 } }, { name => $name, at => [$i, $round] };
		push @objects, make($i, $name);
	}
	$sum += $_->{add}->($round) for @objects;
	my $text = join "\n", map {
		my $key = $_;
		"$key=" . join ',', map { $_->{name} } @{ $by_name{$key} }
	} sort keys %by_name;
	while ($text =~ /^(\w+)=(.*)$/mg) {
		my ($key, @names) = ($1, split /,/, $2);
		$sum += length join '', sort { $b cmp $a } @names;
		(my $other = $key) =~ tr/a-m/n-z/;
		$sum += sprintf '%d', length($other) * @names;
	}
}
print "$sum\n";
