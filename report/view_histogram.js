/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many blocks there are of which sizes. With --histogram the run has counted them, in all and for each backtrace,
 * so the search narrows the picture; these counts are of the moment of the report. At other moments, and without
 * them, all blocks of a backtrace count with their mean size, which the view says.
 */
(function () {
	"use strict";

	const dom = heaptrace.dom, format = heaptrace.format;

	const MEASURES = [
		{id: "size", title: "live bytes", unit: "bytes"},
		{id: "count", title: "live blocks", unit: "blocks"},
		{id: "calls", title: "calls", unit: "calls", counted: true},
		{id: "waste-bytes", title: "wasted bytes", unit: "bytes", counted: true},
	];

	/* What the bars show when nothing else is chosen, by the key. */
	const BY_KEY = {count: "count", "peak-count": "count", "total-count": "calls", temporary: "calls"};

	const isCounted = () => Boolean(heaptrace.document.histogram);

	/* ---- Bins ---- */

	/* Adds up the histograms of rows, each a list of bins in ascending order without empty ones. */
	function addBins(lists) {
		const bins = new Map();

		for (const list of lists) {
			for (const bin of list) {
				const key = bin["from-bytes"];
				const sum = bins.get(key);

				if (!sum) {
					bins.set(key, Object.assign({}, bin));
					continue;
				}
				for (const name of ["calls", "count", "size"])
					sum[name] += bin[name];
				sum["waste-bytes"] = sum["waste-bytes"] === null || bin["waste-bytes"] === null ? null :
					sum["waste-bytes"] + bin["waste-bytes"];
			}
		}
		return Array.from(bins.values()).sort((a, b) => a["from-bytes"] - b["from-bytes"]);
	}

	function emptyBin(to) {
		return {"from-bytes": to <= 1 ? to : to / 2 + 1, "to-bytes": to, calls: 0, count: 0, size: 0,
			"waste-bytes": 0, rows: 0, "count-before": 0, "size-before": 0};
	}

	/* Blocks of 0 bytes are a bin of their own. */
	const nextPower = (to) => to === 0 ? 1 : to * 2;

	/* Powers of two between the smallest and the largest, the empty ones, too, so that gaps are seen. */
	function fillGaps(bins) {
		const list = [];

		for (const bin of bins) {
			const last = list[list.length - 1];

			for (let to = last ? nextPower(last["to-bytes"]) : bin["to-bytes"]; to < bin["to-bytes"]; to = nextPower(to))
				list.push(emptyBin(to));
			list.push(bin);
		}
		return list;
	}

	function countedBins(selection, kind) {
		const d = heaptrace.document;

		if (!selection.search)
			return d.histogram[kind] || [];
		const found = selection.search.rows();
		const lists = (d.catalog.rows.histogram || [])
			.filter((histogram, r) => histogram && histogram[kind] && found[r])
			.map((histogram) => histogram[kind]);
		return kind === "powers" ? fillGaps(addBins(lists)) : addBins(lists);
	}

	const sizeOf = (bytes) => bytes <= 1 ? Math.ceil(bytes) : Math.pow(2, Math.ceil(Math.log2(bytes)));

	/*
	 * Bins by the mean size of each row's blocks. now, before: {size, count}, the figures of all rows, of a
	 * moment or of all calls; before can be null.
	 */
	function meanBins(now, before, searched) {
		const bins = new Map();

		function add(figures, r, suffix) {
			const count = figures.count[r], size = figures.size[r];
			const to = sizeOf(size / count);

			if (count === 0)
				return;
			if (!bins.has(to))
				bins.set(to, emptyBin(to));
			bins.get(to)["count" + suffix] += count;
			bins.get(to)["size" + suffix] += size;
			bins.get(to).rows += suffix === "" ? 1 : 0;
		}
		for (let r = 0; r < now.size.length; r++) {
			if (searched && !searched[r])
				continue;
			add(now, r, "");
			if (before)
				add(before, r, "-before");
		}
		return Array.from(bins.values()).sort((a, b) => a["to-bytes"] - b["to-bytes"]);
	}

	/* ---- The table ---- */

	function bar(bin, measure, most) {
		const value = bin[measure.id];
		const element = dom("div", {class: "bar", "aria-hidden": "true"});

		if (!value)
			return "";
		element.style.width = Math.max(0.3, 100 * value / most) + "%";
		return element;
	}

	const range = (from, to) => from >= to ? String(to) : from + " \u2013 " + to;

	/* columns: [[title, text(bin)]...] */
	function table(bins, measure, columns, caption) {
		const most = bins.reduce((all, bin) => Math.max(all, bin[measure.id] || 0), 0) || 1;
		const sum = bins.reduce((all, bin) => all + (bin[measure.id] || 0), 0) || 1;
		const number = (text) => dom("td", {class: "number"}, text);
		const heads = [["Bytes requested", "number"], [heaptrace.capital(measure.title), "wide"], ["Share", "number"],
			...columns.map((column) => [column[0], "number"])];

		return dom("div", {class: "table-scroll", tabindex: "0", role: "region", "aria-label": caption},
			dom("table", {class: "data histogram"}, dom("caption", {class: "hidden"}, caption),
				dom("thead", null, dom("tr", null, heads.map(([title, kind]) =>
					dom("th", {scope: "col", class: kind}, title)))),
				dom("tbody", null, bins.map((bin) => dom("tr", null,
					dom("th", {scope: "row", class: "number"}, range(bin["from-bytes"], bin["to-bytes"])),
					dom("td", null, bar(bin, measure, most)),
					number(format.share((bin[measure.id] || 0) / sum)),
					columns.map((column) => number(column[1](bin))))))));
	}

	function counted(selection, measure, kind) {
		const h = heaptrace.document.histogram, header = h["block-header-bytes"];
		const bins = countedBins(selection, kind);
		const columns = [
			["Calls", (bin) => format.count(bin.calls)],
			["Live blocks", (bin) => format.count(bin.count)],
			["Live bytes", (bin) => format.bytes(bin.size)],
			["Wasted", (bin) => bin["waste-bytes"] === null ? "unknown" : format.bytes(bin["waste-bytes"])],
		];
		const notes = ["Wasted is what the live blocks take beyond the bytes requested: rounding" +
			(header > 0 ? ", and " + header + " bytes of the allocator's in each block." : ".")];

		if (kind === "classes")
			columns.unshift(["Block", (bin) => range(bin["block-from-bytes"], bin["block-to-bytes"])]);
		if (selection.at !== "end")
			notes.unshift("The sizes at that moment are not known; these are of the moment of the report.");
		if (h.partial)
			notes.push("For want of space some sizes were counted for the process only, not for each backtrace.");
		return [bins.length > 0 ? table(bins, measure, columns, "Blocks by size") :
			dom("p", {class: "muted"}, "There are none."), dom("p", {class: "muted"}, notes.join(" "))];
	}

	/* The figures of which the means are taken: those of all calls, or of the live blocks at the moments. */
	function meanFigures(selection) {
		const model = heaptrace.model;
		const calls = selection.key.startsWith("total-") || selection.key === "temporary";
		const at = calls || model.values("count", selection.at) === null ? "end" : selection.at;
		const figures = (values, moment) => ({size: values(calls ? "total-size" : "size", moment),
			count: values(calls ? "total-count" : "count", moment)});
		const from = selection.from === "older" ? figures(model.diff.values, "end") :
			selection.comparing ? figures(model.values, selection.from) : null;

		return {calls: calls, at: at, now: figures(model.values, at),
			before: from !== null && from.size !== null && from.count !== null ? from : null};
	}

	function estimated(selection, measure) {
		const figures = meanFigures(selection), name = figures.calls ? "Calls" : "Live blocks";
		const found = selection.search ? selection.search.rows() : null;
		const bins = fillGaps(meanBins(figures.now, figures.before, found));
		const shown = measure.unit === "bytes" ?
			{id: "size", title: figures.calls ? "bytes of all calls" : "live bytes"} : {id: "count", title: name};
		const columns = [
			["Backtraces", (bin) => format.count(bin.rows)],
			[name, (bin) => format.count(bin.count)],
			["Bytes", (bin) => format.bytes(bin.size)],
		];
		const why = isCounted() && selection.window ? "The sizes of blocks were counted for all windows together." :
			isCounted() ? "The sizes of blocks were counted for the moment of the report alone." :
			"The run has not counted the sizes of blocks: heaptrace --histogram does.";
		const when = figures.calls ? "of all calls since the start" : heaptrace.momentLabel(figures.at);

		if (figures.before)
			columns.push(["Bytes before", (bin) => format.bytes(bin["size-before"])],
				["Change", (bin) => heaptrace.change(bin.size, bin["size-before"], "bytes")]);
		return [dom("p", {class: "notice"},
			why + " Here all blocks of a backtrace count with their mean size, " + when + "."),
		bins.length > 0 ? table(bins, shown, columns, "Blocks by the mean size of those of their backtrace") :
			dom("p", {class: "muted"}, "There are no blocks.")];
	}

	/* ---- The view ---- */

	/* The measure that is chosen here, or else, with "", the one that belongs to the key. */
	function chosenMeasure(measures, chosen, key) {
		const id = chosen || BY_KEY[key] || "size";

		return measures.find((measure) => measure.id === id) || measures[0];
	}

	heaptrace.addView({
		id: "histogram", title: "Sizes", order: 40,
		create(element) {
			const box = dom("div");
			const hasClasses = isCounted() && Boolean(heaptrace.document.histogram.classes);
			const measures = MEASURES.filter((measure) => isCounted() || !measure.counted);
			const bars = heaptrace.stateChoice("histogram.bars", "Bars show",
				[["", "what is chosen above"], ...measures.map((measure) => [measure.id, measure.title])]);
			const bins = heaptrace.stateChoice("histogram.bins", "by",
				[["powers", "powers of two"], ["classes", "the allocator's size classes"]]);

			element.append(dom("div", {class: "tools"}, bars, bins), box);
			return {
				update(selection) {
					const measure = chosenMeasure(measures, bars.refresh(), selection.key);
					const kind = hasClasses ? bins.refresh() : "powers";
					const known = heaptrace.model.values("count", selection.at) !== null;
					const now = selection.at === "end" && !selection.comparing;
					const exact = isCounted() && (now || !known) && !selection.window;

					bins.hidden = !exact || !hasClasses;
					box.textContent = "";
					box.append(...(exact ? counted(selection, measure, kind) : estimated(selection, measure)));
				},
			};
		},
	});
})();
