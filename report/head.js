/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The head of the page, which answers first: what process this is, its main figures, what makes them in words, where
 * its resident memory goes, and what the figures do not cover. With an older run, the figures of both stand side by
 * side.
 */
(function () {
	"use strict";

	const dom = heaptrace.dom;
	const format = heaptrace.format;

	/* moment.reason, as a sentence goes on after the process's name */
	const REASONS = {
		exit: "has ended", "end-by-signal": "was ended by a signal", killed: "was killed, or ended past exit()",
		signal: "asked by a signal", above: "at a limit of --above", every: "at a time of --every",
		asked: "asked for",
	};

	/* "2026-11-30 04:08:16 UTC" */
	function date(unixNs) {
		return new Date(unixNs / 1e6).toISOString().replace("T", " ").replace(/\..*/, " UTC");
	}

	function plural(n, one, many) {
		return format.count(n) + " " + (n === 1 ? one : many);
	}

	/* "2818/s, ", as the summary of a text dump has it: of a very short run there is no rate. */
	function rate(calls, ns) {
		return ns >= 1e6 ? format.value(Math.floor(calls * 1e9 / ns), "calls") + "/s, " : "";
	}

	function subject(d) {
		const m = d.moment, attached = d.events.some((event) => event.kind === "attach");
		const parts = ["process " + d.process.pid];

		if (m.ended && m.reason !== "exit" && REASONS[m.reason] && m.reason !== "asked")
			parts.push(REASONS[m.reason] + (m.signal ? " (SIG" + m.signal + ")" : ""));
		parts.push((attached ? "traced for " : m.ended ? "ran " : "running for ") + format.ns(m["since-start-ns"]));
		if (!m.ended && REASONS[m.reason])
			parts.push("report " + REASONS[m.reason] + (m.signal ? " (SIG" + m.signal + ")" : ""));
		parts.push((attached ? "attached at " : "started ") + date(m["started-unix-ns"]));
		if (d.sampling)
			parts.push("sampled: one block in about " + format.exactBytes(d.sampling["bytes-mean"]) +
				", so figures with ~ are estimates");
		return parts.join(" \u00b7 ");
	}

	/* How long before the end RSS was read, which is not known any more once the process has ended. */
	function before(d) {
		return d.memory && d.memory["before-ns"] > 0 ? format.ns(d.memory["before-ns"]) + " before the end" : "";
	}

	/* The last RSS of the timeline, and when that was: {rss, ns}. null: the watcher has seen none. */
	function lastSeen(d) {
		const list = d.timeline["rss-bytes"] || [];
		let i = list.length - 1;

		while (i >= 0 && typeof list[i] !== "number")
			i--;
		return {rss: i < 0 ? null : list[i], ns: i < 0 ? 0 : d.timeline.ns[i]};
	}

	/*
	 * The figures that the head begins with: {title, value, unit, note}, in an order of its own. A value that is
	 * null is not known.
	 */
	function figures(d) {
		const t = d.totals, m = d.moment, ns = m["since-start-ns"];
		const seen = lastSeen(d);
		const rss = d.process.statm ? d.process.statm["rss-bytes"] : d.memory ? d.memory["rss-bytes"] : seen.rss;
		/* Rates are of the time in which blocks were recorded, as in a text dump. */
		const w = d.windows;
		const wholeRun = !w || (w.list.length === 1 && w.recording && !w.chosen && w["cleared-ns"] === null &&
			w.list[0]["begun-by"] !== "on");
		const calledNs = wholeRun ? ns : w["recorded-ns"];
		const inBlocks = t.partial ? "" : format.value(t.count, "blocks") + (t.count === 1 ? " block of " : " blocks of ") +
			plural(t.rows, "backtrace", "backtraces");

		return [
			{title: "Peak of the heap", value: t["peak-size"], unit: "bytes",
				note: m["peak-at-ns"] > 0 && m["peak-at-ns"] < ns ? "after " + format.ns(m["peak-at-ns"]) : ""},
			{title: m.ended ? "Leaked: live at the end" : "Live now", value: t.size, unit: "bytes",
				note: inBlocks},
			{title: "Allocation calls", value: t["total-count"], unit: "calls",
				note: rate(t["total-count"], calledNs) + format.bytes(t["total-size"]) + " in total"},
			{title: "Temporary calls", value: t.temporary, unit: "calls",
				note: t["total-count"] > 0 ?
					format.share(t.temporary / t["total-count"]) + " of all calls" : ""},
			{title: m.ended ? "RSS, last seen" : "RSS", value: rss, unit: "exact bytes",
				note: before(d) || (rss !== null && rss === seen.rss && seen.ns < ns ? "after " + format.ns(seen.ns) : "")},
			{title: "Peak RSS", value: d.process["peak-rss-bytes"], unit: "exact bytes",
				note: d.process["peak-rss-bytes"] === null ? "" : "with heaptrace's own"},
		];
	}

	function figureText(figure) {
		return typeof figure.value === "number" ? format.value(figure.value, figure.unit) : "unknown";
	}

	function tiles(d) {
		return dom("dl", {class: "tiles"}, figures(d).map((figure) => dom("div", {class: "tile"},
			dom("dt", null, figure.title), dom("dd", {class: "figure"}, figureText(figure)),
			figure.note ? dom("dd", {class: "note"}, figure.note) : null)));
	}

	/* Both runs side by side, with the difference. */
	function comparison(d) {
		const older = figures(d.older), newer = figures(d);

		function line(is, i) {
			const was = older[i];
			const known = typeof is.value === "number" && typeof was.value === "number";
			const kind = known ? heaptrace.changeClass(is.value - was.value) : "";

			return dom("tr", null, dom("th", {scope: "row"}, is.title),
				dom("td", {class: "number"}, figureText(was)), dom("td", {class: "number"}, figureText(is)),
				dom("td", {class: "number " + kind},
					known ? heaptrace.change(is.value, was.value, is.unit) : "unknown"));
		}
		function name(run) {
			return [run.process.command, dom("span", {class: "which"}, " (process " + run.process.pid + ", " +
				format.ns(run.moment["since-start-ns"]) + ")")];
		}
		return dom("div", {class: "table-scroll runs"}, dom("table", {class: "data two"},
			dom("caption", {class: "hidden"}, "Figures of both runs"),
			dom("thead", null, dom("tr", null, dom("th", {scope: "col"}, "Figure"),
				dom("th", {scope: "col", class: "number"}, "Older run: ", name(d.older)),
				dom("th", {scope: "col", class: "number"}, "This run: ", name(d)),
				dom("th", {scope: "col", class: "number"}, "Change"))),
			dom("tbody", null, newer.map(line))));
	}

	/* ---- Where RSS goes ---- */

	/* The parts of RSS, in the order of the text dump: [class, name, bytes]. Together they are RSS. */
	function memoryParts(memory) {
		const anonymous = memory["allocator-known"] ? "other anonymous" : "free, and mmap()";

		return [
			["live", "live blocks", memory["live-bytes"] - memory["not-in-memory-bytes"]],
			["rounding", "rounding, headers", memory["rounding-bytes"]],
			["free", "free in malloc", memory["free-bytes"]],
			["anonymous", anonymous, memory["anonymous-bytes"]],
			["files", "files, shared", memory["files-bytes"]],
			["stacks", "stacks", memory["stacks-bytes"]],
			["own", "heaptrace's own", memory["own-bytes"]],
		].filter((part) => part[2] > 0);
	}

	/* memory.mostly, in words */
	function mostly(memory) {
		const known = memory["allocator-known"];

		return {
			live: "live blocks.",
			free: "free memory that malloc keeps for later.",
			fragmented: "free, but between live blocks (fragmentation).",
			rounding: "headers and rounding of many small blocks.",
			anonymous: known ? "not from malloc: mmap(), static data." : "free in the allocator, or mmap().",
			files: "files (the program, its libraries and others).",
			stacks: "the stacks of its threads.",
			own: "heaptrace's own.",
		}[memory.mostly] || "";
	}

	function swatch(part) {
		const box = dom("span", {class: "swatch"});

		box.style.background = "var(--part-" + part[0] + ")";
		return box;
	}

	/* What there is to say about RSS beyond its parts. */
	function memoryWords(memory) {
		const rss = memory["rss-bytes"], trimmable = memory["trimmable-bytes"];
		const list = ["The largest part of RSS: " + mostly(memory)];

		if (trimmable >= rss / 10 || memory.mostly === "free" || memory.mostly === "fragmented")
			list.push("malloc_trim(3) would give back " +
				(trimmable > 0 ? "about " + format.exactBytes(trimmable) : "nothing") + ".");
		if (memory["not-in-memory-bytes"] > 0)
			list.push("Of the live blocks, " + format.bytes(memory["not-in-memory-bytes"]) + " are not in memory.");
		if (memory["swapped-bytes"] > 0)
			list.push(format.exactBytes(memory["swapped-bytes"]) + " are swapped out.");
		return list.join(" ");
	}

	/* Live blocks alone may be an estimate. */
	const partBytes = (part) => part[0] === "live" ? format.bytes(part[2]) : format.exactBytes(part[2]);

	/* most: the largest RSS of the bars that are compared, which has the full width. */
	function memoryBar(title, memory, most) {
		const parts = memoryParts(memory), rss = memory["rss-bytes"];
		const words = parts.map((part) => part[1] + " " + partBytes(part) + ", " + format.share(part[2] / rss));
		const percent = (bytes) => Math.round(bytes / rss * 100) + "\u00a0%";
		const bar = dom("div", {class: "stack", role: "img",
			"aria-label": "RSS of " + format.exactBytes(rss) + " consists of: " + words.join("; ")});

		parts.forEach(function (part, i) {
			const piece = dom("span", {title: words[i]});

			piece.style.flex = part[2] + " 0 0";
			piece.style.background = "var(--part-" + part[0] + ")";
			bar.append(piece);
		});
		bar.style.width = Math.max(1, rss / most * 100) + "%";
		return dom("div", {class: "memory"}, title ? dom("h3", null, title) : null, bar,
			dom("ul", {class: "legend"}, parts.map((part) => dom("li", null, swatch(part), part[1] + " ",
				dom("b", null, partBytes(part)), " " + percent(part[2])))),
			dom("p", null, memoryWords(memory)));
	}

	function memorySection(d) {
		const runs = [[d.older ? "This run" : "", d.memory]];

		if (d.older)
			runs.unshift(["Older run", d.older.memory]);
		const most = Math.max(...runs.map((run) => run[1] ? run[1]["rss-bytes"] : 0));
		const title = d.memory && !d.older ?
			": " + format.exactBytes(d.memory["rss-bytes"]) + (before(d) ? ", " + before(d) : "") : "";
		const unknown = "not known: while the process ran, no dump was taken that could read " +
			"/proc/PID/smaps.";

		return dom("section", {class: "memories" + (d.older ? " two" : ""), "aria-label": "Where RSS goes"},
			dom("h2", null, "Where RSS goes" + title),
			dom("div", null, runs.map((run) => run[1] ? memoryBar(run[0], run[1], most) :
				dom("p", {class: "muted"}, (run[0] ? run[0] + ": " : "") + unknown))));
	}

	/* ---- What the figures do not cover ---- */

	/* That outer functions are missing because --depth let no more frames be recorded; "" where none is. */
	heaptrace.cutText = function () {
		const d = heaptrace.document;
		const frames = Math.max(...[d, d.older].map((run) => run ? run.process["stacks-cut-at-frames"] || 0 : 0));
		const better = [128, 255].find((depth) => depth > frames);

		return !(frames > 0) ? "" : "Some stacks were cut at " + plural(frames, "frame", "frames") + ": their outer functions are missing." +
			(better ? " Record with --depth=" + better + " for longer ones." : "");
	};

	function notCovered(d) {
		const n = d["not-seen"] || {}, t = d.totals;
		const list = [];

		function add(count, one, many) {
			if (count > 0)
				list.push(plural(count, one, many));
		}
		if (heaptrace.withoutCatalog)
			list.push("There was no memory for the backtraces when the report was made.");
		if (t.partial)
			list.push("Memory was short when the report was made: some sums lack backtraces.");
		add(n["lost-allocations"], "allocation was not recorded for want of memory.",
			"allocations were not recorded for want of memory.");
		add(n["allocations-without-row"], "allocation has no backtrace of its own: the table was full.",
			"allocations have no backtraces of their own: the table was full.");
		if (heaptrace.cutText())
			list.push(heaptrace.cutText());
		add(n["stacks-cut-after-caller"], "stack was cut after the caller.", "stacks were cut after the caller.");
		add(n["stacks-broken"], "stack ends early.", "stacks end early.");
		add(n["truncated-in-no-file"] + n["truncated-in-modules"],
			"live backtrace ends at code without unwind information.",
			"live backtraces end at code without unwind information.");
		add(n["frees-of-unknown-blocks"], "block was freed whose allocation was not seen.",
			"blocks were freed whose allocations were not seen.");
		add(n["frees-of-known-blocks"], "free was not seen: the address came again.",
			"frees were not seen: the addresses came again.");
		add(n["untraced-programs"], "program that it started could not be traced.",
			"programs that it started could not be traced.");
		add(n["deep-bound-libraries"], "library was opened with RTLD_DEEPBIND, whose calls are not seen.",
			"libraries were opened with RTLD_DEEPBIND, whose calls are not seen.");
		if (n["own-operator-new"])
			list.push("Blocks of C++ operator new: the allocator has its own, which does not call malloc.");
		if (n["own-malloc"])
			list.push("The program has an allocator of its own, whose blocks are not seen.");
		if (n.valgrind)
			list.push("The program ran under valgrind, whose allocator takes the calls.");
		if (n.namespaces)
			list.push("dlmopen() has loaded libraries in namespaces of their own, which are not seen.");
		if (t["ignored-bytes"] > 0)
			list.push("--ignore left out " + format.bytes(t["ignored-bytes"]) + " of " +
				plural(t["ignored-rows"], "backtrace.", "backtraces."));
		if (t["unfocused-bytes"] > 0)
			list.push("--focus left out " + format.bytes(t["unfocused-bytes"]) + " of " +
				plural(t["unfocused-rows"], "backtrace.", "backtraces."));
		return list;
	}

	function notCoveredSection(d) {
		const list = notCovered(d);

		return list.length === 0 ? null : dom("details", {class: "not-covered", open: list.length <= 2},
			dom("summary", null, "What the figures do not cover (" + list.length + ")"),
			dom("ul", {class: "findings"}, list.map((line) => dom("li", null, line))));
	}

	/* At the end of a process: of what is live, the part that no program can free, or need free. */
	function runtimeWords(d) {
		const names = {"libstdc++": "libstdc++ (its emergency pool)", stdio: "libc (buffers of streams)", "ld.so": "ld.so"};
		const section = (d.sections || []).find((one) => one.key === "size" || one.key === "count");
		const parts = section && section.runtime ? section.runtime.filter((part) => part.size > 0) : [];

		return parts.length === 0 ? null : dom("p", {class: "muted"}, "Of what is live, the runtime keeps for good: " +
			parts.map((part) => format.bytes(part.size) + " " + (names[part.of] || part.of)).join(", ") + ".");
	}

	function findingsSection(d) {
		const list = d.findings || [];

		return dom("section", {class: "found", "aria-label": "Findings"}, dom("h2", null, "Findings"),
			list.length > 0 ? dom("ol", {class: "findings"}, list.map((line) => dom("li", null, line.replace(/ %/g, "\u00a0%")))) :
				dom("p", {class: "muted"}, "Nothing stands out."), runtimeWords(d), notCoveredSection(d));
	}

	heaptrace.startHead = function () {
		const d = heaptrace.document;

		document.title = d.process.command + (d.older ? ": two runs" : "") + " \u2013 heaptrace";
		document.getElementById("command").textContent = d.process.command;
		document.getElementById("subject").textContent = subject(d);
		document.getElementById("overview").classList.toggle("two-runs", Boolean(d.older));
		document.getElementById("head").append(d.older ? comparison(d) : tiles(d),
			dom("div", {class: d.older ? "columns one" : "columns"}, findingsSection(d), memorySection(d)));
	};
})();
