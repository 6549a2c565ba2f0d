# SPDX-License-Identifier: GPL-2.0-only
#
# Awk at work: strings, arrays, regular expressions.
#
#	gawk -v rounds=NUMBER -f work.awk
BEGIN {
	seed = 42
	for (round = 1; round <= rounds; round++) {
		delete names
		for (i = 1; i <= 2000; i++) {
			seed = (seed * 16807) % 2147483647
			name = "object " (seed % 500) " of round " round
			names[name] = names[name] "," i
			kept[i, round % 4] = name
		}
		text = ""
		for (name in names) {
			count = split(names[name], list, ",")
			sum += count
			text = text name "=" toupper(names[name]) "\n"
		}
		count = split(text, lines, "\n")
		for (i = 1; i <= count; i++) {
			gsub(/[0-9]+/, "<&>", lines[i])
			sum += length(lines[i])
		}
	}
	print sum
}
