# SPDX-License-Identifier: GPL-2.0-only
#
# The tables of doc/costs.md from the last results, with what is worse than heaptrack in bold:
#
#	awk -f tests/bench/markdown.awk tests/bench/results/latest.csv

BEGIN {
	FS = ","
	columns = split("off sampled depth-8 depth-128 heaptrack execinfo jemalloc gperftools massif", tool, " ")
}

/^#/ || /^workload,/ {
	next
}

{
	if (!($1 in seen))
		workload[++workloads] = $1
	seen[$1] = 1
	if ($2 == "native" && $4 > 0)
		native[$1] = sprintf($3 == "ms" ? "%.0f ms" : "%.0f ns", $5)
	ratio[$1, $2] = $7
	middle[$1, $2] = $8
	mb[$1, $2] = $13 * 1.024 / 1000
}

# head(FIRST, MORE): the head of a table
function head(first, more,  i, line) {
	print "| " first " |" more " off | sampled | depth 8 | depth 128 | heaptrack | `backtrace()` | jemalloc |" \
		" gperftools | massif |"
	line = more == "" ? "| --- |" : "| --- | --- |"
	for (i = 1; i <= columns; i++)
		line = line " --- |"
	print line
}

# "" when it was not measured.
function number(of, name, tool) {
	return (name, tool) in of && ratio[name, tool] != "" ? of[name, tool] + 0 : ""
}

# A cell: its text in bold, where heaptrace records each block and its figure is above heaptrack's.
function marked(text, tool, ours, theirs) {
	return tool ~ /^depth-/ && ours != "" && theirs != "" && ours > theirs ? "**" text "**" : text
}

END {
	head("time, x native", " native |")
	for (i = 1; i <= workloads; i++) {
		line = "| " workload[i] " | " native[workload[i]] " |"
		theirs = number(ratio, workload[i], "heaptrack")
		for (j = 1; j <= columns; j++) {
			r = number(ratio, workload[i], tool[j])
			cell = r == "" ? "-" : sprintf(r < 10 ? "%.2f" : "%.0f", r)
			if (j <= 5 && r != "")
				cell = cell sprintf(r < 10 ? ", %.2f" : ", %.0f", middle[workload[i], tool[j]])
			line = line " " marked(cell, tool[j], r, theirs) " |"
		}
		print line
	}
	print ""
	head("memory, MB over native", "")
	for (i = 1; i <= workloads; i++) {
		line = "| " workload[i] " |"
		theirs = number(mb, workload[i], "heaptrack")
		for (j = 1; j <= columns; j++) {
			r = number(mb, workload[i], tool[j])
			cell = r == "" ? "-" : sprintf("%.1f", r)
			line = line " " marked(cell, tool[j], r, theirs) " |"
		}
		print line
	}
}
