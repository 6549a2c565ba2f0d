# SPDX-License-Identifier: GPL-2.0-only
#
# The harness's records to one CSV row per workload and tool. A ratio's two sides are of the
# same rounds: minimum over minimum, and the median of each round's ratio, which one lucky run does
# not spoil. What a tool adds is its minimum less native's. Native is the native run of the same work (native-fifth for slow tools).
#
#	awk -f table.awk -v order='WORKLOADS' -v tools='TOOLS' RECORDS

function sort(list, n,  i, j, v) {
	for (i = 2; i <= n; i++) {
		v = list[i]
		for (j = i - 1; j && list[j] > v; j--)
			list[j + 1] = list[j]
		list[j + 1] = v
	}
}

# Takes field NAME of a workload under a tool, over the rounds in which `other` ran too.
# Leaves n, low and middle.
function take(name, workload, tool, other,  round, list, key) {
	n = 0
	for (round = 1; round <= rounds; round++) {
		key = workload SUBSEP tool SUBSEP round
		if ((name SUBSEP key) in got && ("value" SUBSEP workload SUBSEP other SUBSEP round) in got)
			list[++n] = got[name, key]
	}
	sort(list, n)
	low = list[1]
	middle = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# The median of each round's ratio to a run of `other`.
function paired(workload, tool, other,  round, list, count) {
	for (round = 1; round <= rounds; round++) {
		if (("value", workload, tool, round) in got && got["value", workload, other, round] > 0)
			list[++count] = got["value", workload, tool, round] / got["value", workload, other, round]
	}
	sort(list, count)
	return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

function row(workload, tool,  line, count, kb, kb_middle, cpu) {
	take("value", workload, tool, tool)
	count = n
	if (!count) {
		if ((workload, tool) in note)
			printf "%s,%s,,0,,,,,,,,,,,,,%s\n", workload, tool, note[workload, tool]
		return
	}
	line = sprintf("%s,%s,%s,%d,%.3f,%.3f", workload, tool, unit[workload], count, low, middle)
	value = low
	take("cpu", workload, tool, tool)
	cpu = low * 1000
	take("peak", workload, tool, tool)
	kb = low
	kb_middle = middle
	take("value", workload, base[workload, tool], tool)
	if (n && low > 0 && middle > 0)
		line = line sprintf(",%.3f,%.3f,%.3f", value / low, paired(workload, tool, base[workload, tool]), value - low)
	else
		line = line ",,,"
	line = line sprintf(",%.1f,%d,%d", cpu, kb, kb_middle)
	take("peak", workload, base[workload, tool], tool)
	line = line (n ? sprintf(",%d,%d", kb - low, kb_middle - middle) : ",,")
	print line "," later_ms[workload, tool] "," later_kb[workload, tool] "," note[workload, tool]
}

BEGIN {
	FS = "\t"
}

$1 == "run" {
	base[$2, $3] = $4
	got["value", $2, $3, $5] = $7 + 0
	got["cpu", $2, $3, $5] = $9 + 0
	got["peak", $2, $3, $5] = $10 + 0
	unit[$2] = $6
	if ($5 + 0 > rounds)
		rounds = $5 + 0
}

$1 == "note" {
	note[$2, $3] = $4
}

$1 == "later" && NF == 4 {
	note[$2, $3] = "later processing: " $4
}

$1 == "later" && NF > 4 {
	later_ms[$2, $3] = sprintf("%.0f", $4 * 1000)
	later_kb[$2, $3] = $6
}

END {
	print "workload,tool,unit,rounds,min,median,ratio_min,ratio_median,added_min,cpu_ms_min," \
		"peak_kb_min,peak_kb_median,extra_kb_min,extra_kb_median,later_ms,later_kb,note"
	count = split(order, workload, " ")
	tool_count = split(tools, tool, " ")
	for (i = 1; i <= count; i++)
		for (j = 1; j <= tool_count; j++)
			row(workload[i], tool[j])
}
