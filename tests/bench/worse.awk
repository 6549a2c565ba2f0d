# SPDX-License-Identifier: GPL-2.0-only
#
# Where heaptrace, with 8 or with 128 frames, takes more time or more memory in the process than heaptrack's recording:
# workload, tool, what, ours, heaptrack's. A ratio of times is worse when either of its two forms is.
#
#	awk -f worse.awk TABLE.CSV

# One line of the result, if it is one. All columns of numbers are larger where they are worse.
function compare(workload, tool, column, what, scale,  ours, theirs) {
	ours = value[workload, tool, column]
	theirs = value[workload, "heaptrack", column]
	if (ours != "" && theirs != "" && ours + 0 > theirs + 0)
		printf "%s,%s,%s,%.2f,%.2f\n", workload, tool, what, ours * scale, theirs * scale
}

BEGIN {
	FS = ","
	print "workload,tool,what,ours,heaptrack"
}

/^#/ || $1 == "workload" {
	next
}

{
	if (!($1 in seen))
		name[++count] = $1
	seen[$1] = 1
	for (i = 1; i <= NF; i++)
		value[$1, $2, i] = $i
}

END {
	tools = split("depth-8 depth-128", tool, " ")
	for (i = 1; i <= count; i++) {
		for (j = 1; j <= tools; j++) {
			compare(name[i], tool[j], 7, "x native (minima)", 1)
			compare(name[i], tool[j], 8, "x native (median)", 1)
			compare(name[i], tool[j], 13, "extra MB", 1.024 / 1000)
		}
	}
}
