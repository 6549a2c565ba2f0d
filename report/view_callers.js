/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The view "Callers": all functions with their sums, and of the one that is chosen its callers and callees. Recursion
 * counts once: memory belongs to a function, to a pair of caller and callee, once, however often they are on its stack.
 * The search chooses functions, files and modules of the list; the sums are of the whole.
 *
 *	heaptrace.showCallers(f)	opens the view, in which function number f is chosen
 *
 * In the address: callers.of, the number of the chosen function; callers.sort, callers.wrappers.
 */
"use strict";

(() => {
	const { dom, state, calls } = heaptrace;

	const wrappers = heaptrace.wrappersSwitch("callers.wrappers");
	const copy = heaptrace.copyButton("Copy", asText);
	const title = dom("h3", { class: "chosen-name" }),
		about = dom("p", { class: "muted" });
	const list = dom("div"),
		up = dom("div"),
		down = dom("div");

	let selection = null,
		settings = "",
		figures = [],
		sums = null,
		entries = [],
		all = [],
		chosen = -1;
	const index = id => figures.findIndex(f => f.id === id);

	/* ---- Figures and columns ---- */

	function figureOf(entry, column) {
		return column === "name"
			? nameOf(entry)
			: column === "self"
				? entry.self[0]
				: column === "change"
					? entry.total[0] - entry.total[index("before")]
					: entry.total[index(column)];
	}

	function nameOf(entry) {
		return entry.words || sums.m.name(entry.label);
	}

	function columns(withSelf) {
		const width = "8.2em",
			comparing = index("before") >= 0;
		const result = [
			{ id: "name", title: "Function", first: "up" },
			{
				id: "now",
				title: comparing ? "Now" : "Total",
				number: true,
				width,
				hint: "With all that it calls: " + selection.label,
			},
		];

		if (selection.unit !== "ns") result.push(heaptrace.shareColumn(selection));
		if (withSelf)
			result.push({
				id: "self",
				title: "Self",
				number: true,
				width,
				hint: "Without what it calls",
			});
		if (comparing) result.push({ id: "change", title: "Change", number: true, width });
		return result;
	}

	function fill(entry, list, cells) {
		list.forEach((column, i) => {
			const cell = cells[i],
				value = figureOf(entry, column.id === "share" ? "now" : column.id);

			if (column.id === "name") {
				heaptrace.highlight(cell, heaptrace.shown(value), selection.search);
				cell.title = heaptrace.shown(value, 1500);
			} else if (column.id === "share") {
				heaptrace.fillShare(cell, value, selection);
			} else if (column.id === "change") {
				heaptrace.fillChange(cell, value, selection.unit);
			} else {
				heaptrace.fillFigure(cell, value, selection.unit);
			}
		});
	}

	function sorted(list, text, columns) {
		const column = text.replace(/^-/, ""),
			down = text[0] === "-";
		const by = columns.some(c => c.id === column) ? column : "now",
			values = new Map(list.map(e => [e, figureOf(e, by)]));

		list.sort(
			(a, b) =>
				(down ? -1 : 1) * heaptrace.compare(values.get(a), values.get(b)) ||
				heaptrace.compare(nameOf(a), nameOf(b))
		);
		return [by, by === column ? down : true];
	}

	/* ---- The three tables ---- */

	const table = heaptrace.longTable(list, {
		label: "Functions",
		columns: [{ id: "name", title: "Function" }],
		fill: (line, cells) => fill(entries[line], columns(true), cells),
		choose: line => choose(entries[line].label),
		sort: (column, down) => state.set({ "callers.sort": (down ? "-" : "") + column }),
		mark: (line, tr) => tr.classList.toggle("chosen", entries[line].label === chosen),
	});

	function neighbourTable(place, label) {
		const result = { entries: [], sort: "" };

		result.table = heaptrace.longTable(place, {
			label,
			columns: [{ id: "name", title: "Function" }],
			fill: (line, cells) => fill(result.entries[line], columns(false), cells),
			choose: line => result.entries[line].label && choose(result.entries[line].label),
			sort: (column, down) => showNeighbours(result, (down ? "-" : "") + column),
		});
		result.table.scroller.classList.add("short");
		return result;
	}
	const callers = neighbourTable(up, "Callers"),
		callees = neighbourTable(down, "Callees");

	function showNeighbours(which, sort) {
		which.sort = sort;
		which.table.setColumns(columns(false));
		const [by, isDown] = sorted(which.entries, sort, columns(false));
		which.table.show(which.entries.length, by, isDown);
	}

	function choose(label) {
		heaptrace.showCallers(sums.m.functionOf(label));
	}

	function showChosen() {
		const of = parseInt(state.get("callers.of"), 36),
			entry = all.find(e => sums.m.functionOf(e.label) === of) || entries[0];

		chosen = entry ? entry.label : -1;
		title.textContent = entry ? heaptrace.shown(nameOf(entry), 2000) : "";
		title.hidden = !entry;
		about.textContent = entry ? aboutText(entry) : "No function: nothing is there, or nothing that the search finds.";
		const found = entry ? calls.neighbours(sums, entry.label) : { callers: [], callees: [] };
		callers.entries = found.callers.map(e => named(e, entry, "(nobody: these stacks begin here)"));
		callees.entries = found.callees.map(e => named(e, entry, "(uses it itself)"));
		for (const which of [callers, callees]) {
			which.table.active = -1;
			showNeighbours(which, which.sort || heaptrace.firstSort(selection, "-now"));
		}
	}

	/* Gives words to what is no other function. */
	function named(neighbour, entry, words) {
		if (!neighbour.label) neighbour.words = words;
		else if (neighbour.label === entry.label) neighbour.words = nameOf(entry) + " (recursion)";
		return neighbour;
	}

	function aboutText(entry) {
		const m = sums.m.moduleOf(entry.label),
			value = n => heaptrace.format.value(n, selection.unit),
			before = index("before");
		const share =
			selection.total && selection.unit !== "ns"
				? ", " + heaptrace.format.share(entry.total[0] / selection.total)
				: "";

		return (
			value(entry.total[0]) +
			share +
			" with all that it calls, " +
			value(entry.self[0]) +
			" itself" +
			(before >= 0 ? ", before " + value(entry.total[before]) : "") +
			(m >= 0 && heaptrace.model.modules[m].path
				? "; in " + heaptrace.shown(heaptrace.model.modules[m].path)
				: "") +
			"."
		);
	}

	function asText() {
		const part = (words, list) =>
			words +
			"\n" +
			list
				.map(
					e =>
						"\t" +
						heaptrace.format.value(e.total[0], selection.unit) +
						"\t" +
						heaptrace.shown(nameOf(e), 100000) +
						"\n"
				)
				.join("");
		const entry = all.find(e => e.label === chosen);

		return entry
			? heaptrace.shown(nameOf(entry), 100000) +
					"\n" +
					aboutText(entry) +
					"\n" +
					part("called by", callers.entries) +
					part("calls", callees.entries)
			: "";
	}

	/* ---- Updates ---- */

	function build() {
		figures = calls.figuresOf(selection);
		sums = calls.sums("function", wrappers.refresh(), figures, null);
		all = calls.functions(sums);
	}

	function showList() {
		const found = selection.search ? calls.matchedLabels(sums.m, selection.search) : null;
		const sort = state.get("callers.sort") || heaptrace.firstSort(selection, "-self");

		entries = found ? all.filter(e => found[e.label]) : all.slice();
		table.setColumns(columns(true));
		const [by, isDown] = sorted(entries, sort, columns(true));
		showChosen();
		table.active = entries.findIndex(e => e.label === chosen);
		table.show(entries.length, by, isDown);
		if (table.active >= 0) table.activate(table.active);
	}

	function create(element) {
		element.append(
			dom(
				"p",
				{ class: "hint" },
				"Choose a function to see who calls it, and what it calls."
			),
			dom(
				"div",
				{ class: "tools", role: "toolbar", "aria-label": "Callers" },
				wrappers,
				copy
			),
			dom(
				"div",
				{ class: "beside callers" },
				list,
				dom(
					"section",
					{ "aria-label": "The chosen function" },
					title,
					about,
					dom("h4", {}, "Called by"),
					up,
					dom("h4", {}, "Calls"),
					down
				)
			)
		);
		return {
			update(now) {
				if (now !== selection || settings !== state.get("callers.wrappers")) {
					selection = now;
					settings = state.get("callers.wrappers");
					build();
				}
				showList();
			},
			resize() {
				for (const one of [table, callers.table, callees.table]) one.redraw();
			},
		};
	}

	heaptrace.showCallers = f => state.set({ view: "callers", "callers.of": f.toString(36) });
	heaptrace.addView({ id: "callers", title: "Callers", order: 22, create });
})();
