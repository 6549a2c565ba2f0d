# SPDX-License-Identifier: GPL-2.0-only
#
# What is to be reached, beside what was measured: figure, measured, median, must, aim, reached, by
# median ("aim", "must", "no", or "-" where nothing was measured). Ratios of times are measured twice:
# by minima, and as the median of each round's ratio. Most are at most their bound; those whose
# bound starts with ">=" at least.
#
#	awk -f figures.awk -v size=PERCENT RECORDS TABLE.CSV

# figure(NAME, MEASURED, MUST, AIM, MEDIAN): "" when there is none
function figure(name, measured, must, aim, median,  by_median) {
	by_median = median == "" ? reached(measured, must, aim) : reached(median, must, aim)
	printf "%s,%s,%s,%s,%s,%s,%s\n", name, shown(measured), shown(median), must, aim,
		reached(measured, must, aim), by_median
}

function shown(n) {
	return n == "" ? "" : sprintf("%.4g", n)
}

function reached(measured, must, aim) {
	if (measured == "")
		return "-"
	if (within(measured, aim == "" ? must : aim))
		return "aim"
	return within(measured, must) ? "must" : "no"
}

function within(measured, bound) {
	if (bound ~ /^>=/)
		return measured + 0 >= substr(bound, 3) + 0
	return measured + 0 <= bound + 0
}

# Nothing when either is missing; added time that cannot be told from none is 0.001.
function quotient(above, below) {
	if (above == "" || below == "")
		return ""
	return above / (below > 0 ? below : 0.001)
}

function churn(threads, depth, must, aim, times_must, times_aim,  name, tool) {
	name = "churn " threads " thread" (threads > 1 ? "s" : "") " depth " depth
	tool = "depth-" depth
	figure(name ": x native", ratio["churn-" threads, tool], must, aim, median["churn-" threads, tool])
	figure(name ": heaptrack's added time / ours",
		quotient(added["churn-" threads, "heaptrack"], added["churn-" threads, tool]),
		">=" times_must, times_aim == "" ? "" : ">=" times_aim)
}

# Tracing that is switched off, or samples: --start=off, --sample=512K.
function light(threads, tool, must,  workload) {
	workload = "churn-" threads
	figure("churn " threads " thread" (threads > 1 ? "s" : "") " " tool ": x native", ratio[workload, tool], must, "",
		median[workload, tool])
}

# How many times as much heaptrack adds.
function times_heaptrack(name, workload, depth) {
	figure(name ": heaptrack's added time / ours",
		quotient(added[workload, "heaptrack"], added[workload, "depth-" depth]),
		depth == 8 ? ">=5" : ">=3", depth == 8 ? ">=10" : ">=6")
}

function program_at(name, depth, must, aim, below_heaptrack,  ours) {
	ours = ratio[name, "depth-" depth]
	figure(name " depth " depth ": x native", ours, must, aim, median[name, "depth-" depth])
	if (below_heaptrack)
		figure(name " depth " depth ": ours / heaptrack's", quotient(ours, ratio[name, "heaptrack"]), 1, "",
			quotient(median[name, "depth-" depth], median[name, "heaptrack"]))
	times_heaptrack(name " depth " depth, name, depth)
}

# With 8 and with 128 frames.
function program(name, must_8, aim_8, must_128, aim_128, below_heaptrack) {
	program_at(name, 8, must_8, aim_8, below_heaptrack)
	program_at(name, 128, must_128, aim_128, below_heaptrack)
}

# The cases that tests/bench/search has found: what a block adds, as a multiple of 60 ns and 12 for each new frame,
# which holds where a native pair of churn takes 74 ns, and elsewhere in proportion.
function worst_at(name, depth, new_frames,  bound) {
	bound = new_frames == "" ? "" : (60 + 12 * new_frames) * (pair_ns ? pair_ns : 74) / 74
	figure(name " depth " depth ": added ns / (60 + 12 per new frame)",
		bound == "" || added[name, "depth-" depth] == "" ? "" : added[name, "depth-" depth] / bound, 1, "")
	times_heaptrack(name " depth " depth, name, depth)
}

# What a tracer adds to a peak, in KB; "" when not measured.
function grown(what, tool) {
	if ((what, tool) in peak_kb && (what, "native") in peak_kb)
		return peak_kb[what, tool] - peak_kb[what, "native"]
	return ""
}

function scaled(number, factor) {
	return number == "" ? "" : number * factor
}

FILENAME == ARGV[1] {
	split($0, f, "\t")
	if (f[1] == "memory" && (!((f[2], f[3]) in peak_kb) || f[4] + 0 < peak_kb[f[2], f[3]]))
		peak_kb[f[2], f[3]] = f[4] + 0
	if (f[1] == "dump")
		dump_ms[f[2]] = f[4]
	if (f[1] == "dump" && f[2] == "clang++")
		dump_kb = f[5]
	if (f[1] == "frames") {
		random_program[++random_programs] = f[2]
		new_frames[f[2], 8] = f[4]
		new_frames[f[2], 128] = f[6]
	}
	if (f[1] == "library") {
		library_kb = f[2] / 1024
		strangers = f[3] == "libc.so.6" ? 0 : split(f[3], unused, " ")
		have_library = 1
	}
	next
}

{
	split($0, f, ",")
	if (f[7] != "") {
		ratio[f[1], f[2]] = f[7]
		median[f[1], f[2]] = f[8]
		added[f[1], f[2]] = f[9]
		extra_kb[f[1], f[2]] = f[13]
	}
	if (f[1] == "churn-1" && f[2] == "native")
		pair_ns = f[5]
}

END {
	print "figure,measured,median,must,aim,reached,by_median"
	churn(1, 8, 1.3, 1.2, 12, 20)
	churn(1, 128, 1.6, 1.4, 8, 12)
	churn(2, 8, 1.5, 1.3, 20, "")
	churn(2, 128, 1.8, 1.5, 15, "")
	for (i = 1; i <= 2; i++) {
		light(i, "sampled", 1.03)
		light(i, "off", 1.03)
	}
	program("levels-1", 1.8, 1.5, 2.8, 2.0)
	program("levels-2", 1.9, 1.5, 3.0, 2.0)
	program("trees-10", 2.8, 2.0, 5, 3.5)
	program("trees-14", 2.8, 2.0, 5, 3.5)
	program("trees-18", 2.2, 1.6, 8, 4)
	program("parser", 1.9, 1.5, 4.5, 3)
	count = split("jq clang++ sqlite3 perl node", name, " ")
	for (i = 1; i <= count; i++)
		program(name[i], 1.2, 1.1, 1.3, 1.15, "below heaptrack")
	program("python3", 1.35, 1.25, 1.6, 1.4)
	for (depth = 8; depth <= 128; depth += 120) {
		times_heaptrack("git depth " depth, "git", depth)
		times_heaptrack("churn 4 threads depth " depth, "churn-4", depth)
		times_heaptrack("numbers depth " depth, "numbers", depth)
	}
	program("php", 1.6, 1.3, 1.8, 1.5)
	program("bash", 1.6, 1.3, 1.8, 1.5)
	count = split("xmllint ruby lua5.4 gawk z3", name, " ")
	for (i = 1; i <= count; i++)
		program(name[i], 1.3, 1.15, 1.4, 1.2)
	for (i = 1; i <= random_programs; i++) {
		worst_at(random_program[i], 8, new_frames[random_program[i], 8])
		worst_at(random_program[i], 128, new_frames[random_program[i], 128])
	}
	blocks = 1000000 * size / 100
	figure("1M blocks of malloc(24) (32 bytes each): extra bytes per block",
		scaled(grown("blocks-24", "depth-8"), 1024 / blocks), 8, 6)
	figure("1M blocks of malloc(32) (48 bytes each): extra bytes per block",
		scaled(grown("blocks-32", "depth-8"), 1024 / blocks), 8, 6)
	figure("python3 depth 128 with 368000 stacks: extra MB",
		scaled(grown("stacks", "depth-128"), 1.024 / 1000), 36, 20)
	times_heaptrack("ls depth 8", "ls", 8)
	times_heaptrack("ls depth 128", "ls", 128)
	times_heaptrack("ls /usr", "short-ls", 8)
	times_heaptrack("python3 -c 0", "short-python", 8)
	figure("ls /usr with the names and lines of its dump: ms over native", added["short-ls", "depth-8"], 2, "")
	figure("python3 -c 0 with these: ms over native", added["short-python", "depth-8"], 5, "")
	figure("a script of 1000 processes: x native", ratio["short-script", "depth-8"], 1.6, "",
		median["short-script", "depth-8"])
	figure("ls depth 8: extra MB", scaled(extra_kb["ls", "depth-8"], 1.024 / 1000), 2.5, 1)
	figure("libheaptrace.so stripped: KB", have_library ? library_kb : "", 384, 256)
	figure("libheaptrace.so: needed beside libc.so.6", have_library ? strangers : "", 0, "")
	figure("depth 8 dump of 10 rows of 100000 on a signal: ms; slowest of 5", dump_ms[8], 20, 5)
	figure("depth 128 dump of 10 rows of 100000 on a signal: ms; slowest of 5", dump_ms[128], 20, 5)
	figure("clang++ dump of 10 rows at the end: ms; slowest of 5", dump_ms["clang++"], 50, 10)
	figure("clang++ dump of 10 rows at the end: extra MB", scaled(dump_kb, 1 / 1000), 8, 1)
}
