# SPDX-License-Identifier: GPL-2.0-only
#
# The results as text: the table of table.awk, what worse.awk and figures.awk made of it.
#
#	awk -f text.awk TABLE.CSV WORSE.CSV FIGURES.CSV

function mb(kb) {
	return kb == "" ? "-" : sprintf("%.1f", kb * 1.024 / 1000)
}

function x(ratio) {
	return ratio == "" ? "-" : sprintf("%.2f", ratio)
}

BEGIN {
	FS = ","
}

FILENAME == ARGV[1] && FNR == 1 {
	print ""
	print "min, median: nanoseconds per pair (churn, levels) or block (worst-*), or milliseconds per run,"
	print "of the program alone."
	print "x: over native in the same rounds. extra MB: peak memory over native's. later s: what has"
	print "to run before the peer's report can be read, once; and its peak memory in MB. native-fifth:"
	print "a fifth of the work, with which the slow tools below it are compared."
	print ""
	print "workload     tool         rounds       min    median    x min x median extra MB  median  later s       MB"
	next
}

FILENAME == ARGV[1] {
	if ($1 != workload)
		print ""
	workload = $1
	if ($4 == 0) {
		printf "%-12s %-12s %6s  %s\n", $1, $2, "-", $17
		next
	}
	printf "%-12s %-12s %6d %9.1f %9.1f %8s %8s %8s %7s %8s %8s%s\n", $1, $2, $4, $5, $6, x($7), x($8),
		$2 ~ /^native/ ? "(" mb($11) ")" : mb($13), $2 ~ /^native/ ? "" : mb($14),
		$15 == "" ? "-" : sprintf("%.2f", $15 / 1000), mb($16), $17 == "" ? "" : "  " $17
	next
}

FILENAME == ARGV[2] && FNR == 1 {
	print "\n"
	print "worse than heaptrack, which only records: in time, or in memory of the process."
	print ""
	printf "%-12s %-12s %-18s %9s %9s\n\n", "workload", "tool", "what", "ours", "heaptrack"
	next
}

FILENAME == ARGV[2] {
	printf "%-12s %-12s %-18s %9s %9s\n", $1, $2, $3, $4, $5
	next
}

FNR == 1 {
	print "\n"
	print "x native: by minima, and the median of each round's ratio; reached: by the one and by the other."
	print ""
	printf "%-70s %9s %7s %7s %7s  %-7s %s\n", "to be reached", "measured", "median", "must", "aim", "reached", "median"
	print ""
	next
}

{
	printf "%-70s %9s %7s %7s %7s  %-7s %s\n", $1, $2 == "" ? "-" : $2, $3, $4, $5, $6, $7
	missed += $6 == "no"
	missed_median += $7 == "no"
}

END {
	printf "\nnot reached: %d by minima, %d by medians\n", missed, missed_median
}
