# SPDX-License-Identifier: GPL-2.0-only
#
# Makes the completion for bash from the table of options, which completion.in lists. The completion needs
# bash 4 and nothing else. If the package bash-completion is installed, it completes the arguments of PROGRAM
# as it does for a command line without heaptrace.
BEGIN {
	RS = "@"
	SINGLE = "\047"
}
{
	gsub(/["\047]/, "")
}
$1 == "word" {
	words[$2] = words[$2] (words[$2] ? " " : "") $3
}
$1 == "option" && ($6 == "EVERYWHERE" || $6 == "COMMAND") {
	name = "--" $3
	valueless = $4 == "FLAG" || $4 == "PRESET" || $4 == "ACTION"
	optional = $7 ~ /^\[/
	names = names " " name (valueless || optional ? "" : "=")
	if (valueless)
		next
	pattern = $2 == "0" ? name : name "|-" $2
	kinds[++count] = pattern
	kind[count] = $4 (optional ? "+" : "")
	list[count] = $5
}
END {
	print "# bash completion for heaptrace. Generated from options/table.def."
	print ""
	print "# How the value of an option is completed: a kind, and the words that are valid."
	print "_heaptrace_kind() {"
	print "\tcase $1 in"
	for (i = 1; i <= count; i++)
		print "\t" kinds[i] ") echo " SINGLE kind[i] (list[i] == "-" ? "" : " " words[list[i]]) SINGLE ";;"
	print "\tesac"
	print "}"
	print ""
	print "_heaptrace_options=" SINGLE substr(names, 2) SINGLE
	print ""
	RS = "\n"
	while ((getline line < (directory "/completion.bash")) > 0) {
		if (line !~ /^# (SPDX|--)/)
			print line
	}
}
