/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The windows of the recording, of which the page shows all together or one. The choice is "window" in heaptrace.state,
 * and the model follows it: heaptrace.model.values() and totals(), and the threads of rows, are then those of the blocks
 * that were allocated in that window. state.js calls choose(); all others read.
 *
 *	heaptrace.windows
 *		list		[{number, begunNs, endedNs, begunBy, sampleBytes, marks, part}], by number: the windows of which
 *				this page has rows, if they are several. endedNs is null where the window goes on; marks are the
 *				texts of the user's marks in it
 *		chosen()	one of the list, or null: all
 *		choose(number)	a number as a text; what is none of the list's chooses all
 *		name(window)	"window 2"
 *		times(window)	"2.502 secs to 3.235 secs"
 *		total(window, key, moment)	the sum over the rows, or null where it is not known
 *		others		how many windows there are besides that this page has no rows of
 *
 * With an older run there is no choice: its windows are not those of this one.
 */
heaptrace.windows = (function () {
	"use strict";

	const d = heaptrace.document, model = heaptrace.model;
	const parts = (model && !model.diff && d.catalog.windows) || [];
	const unpack = heaptrace.unpack, format = heaptrace.format;
	let chosen = null;
	let arrays = new Map();		/* of the window that is chosen */
	const sums = new Map();		/* of all */

	function describe(part) {
		const w = d.windows.list.find((one) => one.number === part.number);
		const inside = (event) => event.kind === "mark" && event.ns >= w["begun-ns"] &&
			(w["ended-ns"] === null || event.ns <= w["ended-ns"]);

		return {
			number: part.number, begunNs: w["begun-ns"], endedNs: w["ended-ns"], begunBy: w["begun-by"],
			sampleBytes: w["sample-bytes"], marks: d.events.filter(inside).map((event) => event.text), part: part,
		};
	}

	const list = parts.map(describe);

	/* The figures of a window, for the rows in its list: {rows, figures} as they are in the document, or null. */
	function figures(window, key, moment) {
		const part = window.part, ofNow = key === "size" || key === "count";

		if (moment === "end")
			return {rows: part.row, figures: part[key]};
		if (moment === "peak")
			return key === "size" ? {rows: part.row, figures: part["heap-peak"]} : null;
		if (moment === "start")
			return ofNow ? {rows: [], figures: []} : null;
		const snapshot = ofNow && part.snapshots && /^s\d+$/.test(moment) ? part.snapshots[moment.slice(1)] : null;
		return snapshot ? {rows: snapshot.row, figures: snapshot[key]} : null;
	}

	/* The same for all rows. A row can come twice in a snapshot. */
	function spread(found) {
		const values = new Float64Array(model.rowCount), known = unpack(found.figures, Float64Array);

		unpack(found.rows, Uint32Array).forEach((row, i) => { values[row] += known[i]; });
		return values;
	}

	function values(key, moment) {
		const name = key + " " + moment;

		if (!arrays.has(name)) {
			const found = figures(chosen, key, moment);

			arrays.set(name, found && spread(found));
		}
		return arrays.get(name);
	}

	function total(window, key, moment) {
		const name = window.number + " " + key + " " + moment;

		if (!sums.has(name)) {
			const found = figures(window, key, moment);

			sums.set(name, found && heaptrace.sum(unpack(found.figures, Float64Array)));
		}
		return sums.get(name);
	}

	/* The set of threads of each row. Rows that have nothing of the window keep the one that they have otherwise. */
	function threadSets(all) {
		const sets = Uint32Array.from(all), ofWindow = unpack(chosen.part["thread-set"], Uint32Array);

		unpack(chosen.part.row, Uint32Array).forEach((row, i) => { sets[row] = ofWindow[i]; });
		return sets;
	}

	if (list.length > 0) {
		const all = {values: model.values, totals: model.totals, threadSet: model.rows.threadSet};

		model.values = (key, moment) => chosen ? values(key, moment) : all.values(key, moment);
		model.totals = (key, moment) => chosen ? total(chosen, key, moment) : all.totals(key, moment);
		Object.defineProperty(model.rows, "threadSet", {get() {
			if (!chosen)
				return all.threadSet;
			if (!arrays.has("threads"))
				arrays.set("threads", threadSets(all.threadSet));
			return arrays.get("threads");
		}});
	}

	return {
		list: list,
		others: list.length > 0 ? d.windows.list.length - list.length : 0,
		chosen: () => chosen,
		choose(number) {
			const found = list.find((window) => String(window.number) === number) || null;

			if (found !== chosen)
				arrays = new Map();
			chosen = found;
		},
		name: (window) => "window " + window.number,
		times: (window) => window.endedNs === null ? format.ns(window.begunNs) + " on" :
			format.ns(window.begunNs) + " to " + format.ns(window.endedNs),
		total: total,
	};
})();
