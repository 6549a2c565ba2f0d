/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The view "Backtraces": every row of the table, with its whole stack and all its figures. Beside the figure that is
 * chosen above there are those of the end of the run. With the older run of --diff, a line is a pair of backtraces, one
 * of each run, as the text report pairs them.
 *
 * In the address: rows.open, the id of the row whose stack is shown (with an "o" in front of it, one of the older run);
 * rows.sort.
 */
"use strict";

(() => {
	const { dom, state, calls } = heaptrace;

	/* ---- Stacks ---- */

	const hex = n => "0x" + n.toString(16);

	/* The module and the place in it, as addr2line takes it: "libc.so.6+0x8a1b2". */
	function placeInModule(frame) {
		const { modules, addresses } = heaptrace.model,
			name = modules[frame.module].name;

		return name
			? heaptrace.shown(name, 200) + "+" + hex(addresses.offset[frame.address])
			: hex(addresses.offset[frame.address]);
	}

	/* A stack as text, with one frame on each line, as in a text dump. */
	function stackText(frames) {
		return frames
			.map(
				(f, i) =>
					String(i).padStart(2) +
					" " +
					heaptrace.shown(heaptrace.model.functions.name(f.function), 100000) +
					(f.inlined ? " (inlined)" : "") +
					(f.file
						? " at " + heaptrace.shown(f.file, 4096) + ":" + (f.line || "?")
						: "") +
					(f.inlined ? "" : " [" + placeInModule(f) + "]") +
					"\n"
			)
			.join("");
	}

	function frameLine(f, i, user, search) {
		const { functions } = heaptrace.model,
			name = dom("span", { class: "frame-name" });

		heaptrace.highlight(name, heaptrace.shown(functions.name(f.function), 4000), search);
		const line = dom("div", {}, name);
		if (f.inlined) line.append(dom("span", { class: "tag" }, "inlined"));
		if (f.file) {
			const place = dom("span", { class: "frame-place" });

			line.append(
				heaptrace.highlight(
					place,
					heaptrace.shown(f.file, 1000) + ":" + (f.line || "?"),
					search
				)
			);
		}
		if (!f.inlined)
			line.append(
				dom(
					"span",
					{
						class: "frame-module",
						title: heaptrace.shown(
							heaptrace.model.modules[f.module].path,
							1000
						),
					},
					placeInModule(f)
				)
			);
		return dom(
			"li",
			{
				class: functions.wrapper(f.function)
					? "wrapper"
					: f.function === user
						? "user"
						: "",
			},
			dom("span", { class: "frame-number" }, String(i)),
			line
		);
	}

	/* ---- A row over time ---- */

	/* A small curve of the row's live bytes at all moments at which they are known. */
	function curve(row) {
		const { moments, values } = heaptrace.model,
			points = [];

		for (const moment of moments) {
			const at = values("size", moment.id);

			if (at) points.push([moment.ns, at[row], moment.label]);
		}
		const last = points[points.length - 1][0] || 1,
			most = Math.max(...points.map(p => p[1]));
		if (points.length < 4 || !most) return null;
		const path = points
			.map(
				(p, i) =>
					(i ? "L" : "M") +
					((200 * p[0]) / last).toFixed(1) +
					" " +
					(38 - (36 * p[1]) / most).toFixed(1)
			)
			.join("");
		return dom(
			"figure",
			{ class: "curve" },
			heaptrace.svg(
				"svg",
				{
					viewBox: "0 0 200 40",
					preserveAspectRatio: "none",
					role: "img",
					"aria-label":
						"Live bytes over time: " +
						points
							.map(
								p =>
									heaptrace.format.bytes(p[1]) +
									" at " +
									heaptrace.format.ns(p[0])
							)
							.join(", "),
				},
				heaptrace.svg("path", { d: path, class: "curve-line" })
			),
			dom(
				"figcaption",
				{ class: "muted" },
				"Live bytes from the start to the end; at most " + heaptrace.format.bytes(most)
			)
		);
	}

	const list = dom("div"),
		detail = dom("section", { class: "detail", "aria-label": "The chosen backtrace" });
	const none = dom("p", { class: "muted", role: "status" });

	let model = null,
		threads = [],
		pairs = null,
		sums = null;
	let selection = null,
		lines = [],
		wanted = null,
		users = null,
		shownRow = null,
		sortedAs = null,
		chosen = null;
	const table = heaptrace.longTable(list, {
		label: "Backtraces",
		columns: [{ id: "name", title: "Used by" }],
		fill,
		choose: line => state.set({ "rows.open": idOf(lines[line]) }),
		sort: (column, down) => state.set({ "rows.sort": (down ? "-" : "") + column }),
		mark: (line, tr) => tr.classList.toggle("chosen", lines[line] === chosen),
	});

	/* ---- Lines: numbers of rows or, with the older run, pairs of them ---- */

	const inPairs = () => pairs !== null && selection.from === "older";
	const rowOf = line => (!inPairs() ? line : pairs.new[line] >= 0 ? pairs.new[line] : pairs.old[line]);
	const isOld = row => model.diff !== null && row >= model.diff.newCount;

	function idOf(line) {
		const row = rowOf(line);

		return (isOld(row) ? "o" : "") + model.rows.id[row];
	}

	function user(line) {
		const row = rowOf(line);

		users = users || new Map();
		if (!users.has(row)) users.set(row, calls.userOfRow(row));
		return users.get(row);
	}

	/* The pairs have the figures of the ends of the two runs. Those of other moments are the sums over their rows. */
	function addUp() {
		const { now, before, at, key } = selection;

		sums = null;
		if (!inPairs()) return;
		if (at === "end") {
			sums = { now: pairs.is[key], before: pairs.was[key] };
			return;
		}
		sums = { now: new Float64Array(pairs.count), before: new Float64Array(pairs.count) };
		model.diff.entryOfRow.forEach((entry, row) => {
			sums.now[entry] += now[row];
			sums.before[entry] += before[row];
		});
	}

	const now = line => (sums ? sums.now[line] : selection.now[line]);
	const before = line => (sums ? sums.before[line] : selection.before[line]);

	/* Whether the pair is new in this run, or no longer there. */
	const stateOf = line =>
		pairs.old[line] < 0
			? "new"
			: pairs.new[line] < 0
				? "gone"
				: pairs.byLikeness[line]
					? "alike"
					: "both";

	/* The other keys, which are known at the end only. */
	function otherKeys() {
		return model.keys.filter(k => k.name !== selection.key || selection.at !== "end");
	}

	function columns() {
		const width = "8.2em",
			comparing = selection.comparing,
			place = { id: "place", title: "Source line", first: "up", width: "13em" },
			result = [{ id: "name", title: "Used by", first: "up", width: "min(22em, 50vw)" }];

		/* What has changed stands before the place, so that it is seen without scrolling, also beside a stack. */
		if (!comparing) result.push(place);
		else result.push({ id: "change", title: "Change", number: true, width });
		result.push({
			id: "now",
			title: comparing ? "Now" : selection.title,
			number: true,
			width,
			hint: selection.label,
		});
		if (comparing) result.push({ id: "before", title: "Before", number: true, width });
		if (selection.unit !== "ns") result.push(heaptrace.shareColumn(selection));
		if (inPairs())
			result.push({
				id: "state",
				title: "Run",
				first: "up",
				width: "5em",
				hint: "both: in both runs; new: in this run only; gone: in the older run only; alike: paired because the stacks are much the same",
			});
		if (comparing) result.push(place);
		for (const k of otherKeys())
			result.push({
				id: k.name,
				title: k.name,
				number: true,
				width: "7.6em",
				hint: k.title + ", at the end",
			});
		result.push(
			{ id: "threads", title: "Threads", first: "up", width: "12em" },
			{ id: "id", title: "Row", number: true, first: "up", width: "5em" }
		);
		return result;
	}

	function valueOf(line, column) {
		const row = rowOf(line);

		switch (column) {
			case "name":
				return user(line).name;
			case "place":
				return user(line).file
					? heaptrace.baseName(user(line).file) + ":" + (user(line).line || "?")
					: "";
			case "state":
				return stateOf(line);
			case "now":
				return now(line);
			case "before":
				return before(line);
			case "change":
				return now(line) - before(line);
			case "threads":
				return threads[model.rows.threadSet[row]] || "";
			case "id":
				return model.rows.id[row];
			default:
				return inPairs() ? pairs.is[column][line] : model.values(column, "end")[row];
		}
	}

	function fill(line, cells) {
		const item = lines[line];

		wanted.forEach((column, i) => {
			const cell = cells[i],
				value = valueOf(item, column.id === "share" ? "now" : column.id);

			if (column.id === "share") {
				heaptrace.fillShare(cell, value, selection);
			} else if (column.id === "change") {
				heaptrace.fillChange(cell, value, selection.unit);
			} else if (column.id === "id") {
				cell.textContent = value;
			} else if (column.number) {
				const key = heaptrace.findKey(column.id);

				heaptrace.fillFigure(cell, value, key ? key.unit : selection.unit);
			} else {
				heaptrace.highlight(cell, heaptrace.shown(value), selection.search);
				cell.title = heaptrace.shown(
					column.id === "place" ? user(item).file : value,
					1500
				);
			}
		});
	}

	/* ---- The stack ---- */

	function figures(line) {
		const row = rowOf(line),
			pair = inPairs(),
			value = (n, k) => heaptrace.format.value(n, k.unit);
		const part = (title, words) => [dom("dt", {}, title), dom("dd", {}, words)];
		const words = k =>
			pair
				? value(pairs.is[k.name][line], k) +
					", before " +
					value(pairs.was[k.name][line], k) +
					", change " +
					heaptrace.signed(
						pairs.is[k.name][line] - pairs.was[k.name][line],
						k.unit
					)
				: value((isOld(row) ? model.diff : model).values(k.name, "end")[row], k);

		return dom(
			"dl",
			{ class: "figures" },
			model.keys.map(k => part(k.title, words(k))),
			part("threads", heaptrace.shown(threads[model.rows.threadSet[row]] || "unknown"))
		);
	}

	function stackList(row, label) {
		const frames = model.frames(row),
			u = calls.userOfRow(row);

		return frames.length
			? dom(
					"ol",
					{ class: "stack-lines", "aria-label": label },
					frames.map((f, i) => frameLine(f, i, u.function, selection.search))
				)
			: dom("p", { class: "muted" }, u.name);
	}

	function shownFigures(line) {
		const value = n => heaptrace.format.value(n, selection.unit);

		return (
			selection.label +
			": " +
			value(now(line)) +
			(selection.comparing
				? ", before " +
					value(before(line)) +
					", change " +
					heaptrace.signed(now(line) - before(line), selection.unit)
				: "") +
			"."
		);
	}

	function showStack(line) {
		const row = line === null ? null : rowOf(line);

		if (row === null) {
			detail.replaceChildren();
			return;
		}
		const frames = model.frames(row),
			text = () =>
				"backtrace of row " +
				model.rows.id[row] +
				": " +
				shownFigures(line) +
				"\n" +
				stackText(frames);
		const u = calls.userOfRow(row);

		detail.replaceChildren(
			...[
				dom(
					"div",
					{ class: "tools" },
					dom(
						"h3",
						{},
						"Row " +
							model.rows.id[row] +
							(isOld(row) ? " of the older run" : "")
					),
					heaptrace.copyButton("Copy stack", text),
					u.function >= 0
						? dom(
								"button",
								{
									class: "button",
									type: "button",
									onclick: () => heaptrace.showCallers(u.function),
								},
								"Callers and callees"
							)
						: null
				),
				dom("p", {}, shownFigures(line)),
				stackList(row, "Stack, innermost frame first"),
				inPairs() && pairs.byLikeness[line]
					? [
							dom("h4", {}, "Its stack in the older run"),
							stackList(
								pairs.old[line],
								"Stack in the older run, innermost frame first"
							),
						]
					: null,
				dom("h4", {}, inPairs() ? "At the ends of both runs" : "At the end of the run"),
				figures(line),
			]
				.flat()
				.filter(part => part !== null)
		);
		const time = isOld(row) ? null : curve(row);
		if (time) detail.append(time);
	}

	/* ---- Updates ---- */

	/* Which lines the search finds: Uint8Array over rows or pairs; null: there is no search. */
	function foundLines() {
		const rows = selection.search ? selection.search.rows() : null;

		if (!rows || !inPairs()) return rows;
		const found = new Uint8Array(pairs.count);
		rows.forEach((is, row) => {
			found[model.diff.entryOfRow[row]] |= is;
		});
		return found;
	}

	function choose() {
		const found = foundLines(),
			result = [];
		const count = inPairs() ? pairs.count : model.rowCount;

		for (let line = 0; line < count; line++) {
			if ((now(line) || (selection.comparing && before(line))) && (!found || found[line]))
				result.push(line);
		}
		return result;
	}

	function sortLines() {
		const text = state.get("rows.sort") || heaptrace.firstSort(selection, "-now");
		const known = wanted.some(c => c.id === text.replace(/^-/, "") && c.sorts !== false);
		const column = known ? text.replace(/^-/, "") : "now",
			down = known ? text[0] === "-" : true;

		if (sortedAs === null || sortedAs[0] !== column || sortedAs[1] !== down) {
			const values = new Array(inPairs() ? pairs.count : model.rowCount),
				sign = down ? -1 : 1;

			for (const line of lines) values[line] = valueOf(line, column);
			lines.sort((a, b) => sign * heaptrace.compare(values[a], values[b]) || a - b);
			sortedAs = [column, down];
		}
		return sortedAs;
	}

	function build() {
		wanted = columns();
		table.setColumns(wanted);
		lines = choose();
		sortedAs = null;
		none.textContent =
			heaptrace.format.count(lines.length) +
			(lines.length === 1 ? " backtrace" : " backtraces") +
			(selection.search ? " found." : ".");
	}

	function show() {
		const [column, down] = sortLines(),
			open = state.get("rows.open");
		const found = lines.findIndex(line => idOf(line) === open),
			at = found < 0 && lines.length ? 0 : found;

		chosen = at >= 0 ? lines[at] : null;
		table.active = at;
		table.show(lines.length, column, down);
		if (at >= 0 && shownRow !== open) table.activate(at);
		shownRow = open;
		showStack(chosen);
	}

	function create(element) {
		model = heaptrace.model;
		threads = calls.threadNames();
		pairs = model.diff ? model.diff.entries : null;
		element.append(none, dom("div", { class: "beside rows" }, list, detail));
		return {
			update(next) {
				if (next !== selection) {
					selection = next;
					addUp();
					build();
				}
				show();
			},
			resize: () => table.redraw(),
		};
	}

	heaptrace.addView({ id: "rows", title: "Backtraces", order: 30, create });
})();
