/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The views "Bottom-up" and "Top-down": trees of functions, as tables whose lines open.
 *
 *	bottom-up	who uses the memory, and for whom: from the function that has called an allocation function outward
 *	top-down	from main() to the functions that use the memory; "self" is what a function uses itself
 *
 * With a search there are only those rows in whose stacks something is found. Shares are always of the whole. An only
 * child is not indented, so that long chains of calls stay in sight.
 *
 * In the address: tree.sort ("-now"), tree.merge, tree.wrappers for both, and bottom-up.line, top-down.line: the numbers
 * of the labels from the tree's root to the active line.
 */
"use strict";

(() => {
	const { dom, state, calls } = heaptrace;
	const COPIED = 100000; /* characters of a name at most that are copied */
	const OPEN_AT_ONCE = 3000; /* lines, by the button that opens all large ones */

	function makeView(id, hint, makeTree, hasSelf) {
		return element => {
			const merge = heaptrace.mergeChoice("tree.merge");
			const wrappers = heaptrace.wrappersSwitch("tree.wrappers");
			const copyAll = heaptrace.copyButton("Copy table", asText);
			const copyStack = heaptrace.copyButton("Copy stack", () => stackText(), {
				disabled: true,
			});
			const toCallers = dom(
				"button",
				{ class: "button", type: "button", disabled: true, onclick: showCallers },
				"Callers and callees"
			);
			const openLarge = dom(
				"button",
				{
					class: "button",
					type: "button",
					title: "Opens what has at least 1 % of the whole",
					onclick: openAll,
				},
				"Open large ones"
			);
			const closeAll = dom(
				"button",
				{ class: "button", type: "button", onclick: closeEverything },
				"Close all"
			);
			const none = dom("p", { class: "muted", role: "status" });

			element.append(
				dom("p", { class: "hint" }, hint),
				dom(
					"div",
					{ class: "tools", role: "toolbar", "aria-label": "Tree" },
					merge,
					wrappers,
					openLarge,
					closeAll,
					toCallers,
					copyStack,
					copyAll
				),
				none
			);
			const table = heaptrace.longTable(element, {
				label:
					id === "top-down"
						? "Calls from the outside in"
						: "Calls from the allocation outward",
				tree: true,
				columns: [{ id: "name", title: "Function" }],
				fill,
				mark,
				level: line => lines.list[line].depth,
				open: line =>
					tree.has(lines.list[line]) ? Boolean(lines.list[line].open) : null,
				toggle,
				choose: chosen,
				moved: chosen,
				sort: (column, down) => state.set({ "tree.sort": (down ? "-" : "") + column }),
			});
			let selection = null,
				settings = "",
				figures = [],
				tree = null,
				sums = null,
				shownAs = "";
			const lines = new heaptrace.TreeLines(sort);

			/* ---- Lines ---- */

			const index = figure => figures.findIndex(f => f.id === figure);

			/* The figure of a node in a column. */
			function figureOf(node, column) {
				const before = index("before");

				if (column === "self") return node.self[0];
				if (column === "change") return node.total[0] - node.total[before];
				return node.total[index(column)];
			}

			function sort(children) {
				const { column, down } = sorting();
				const values = new Map(
					children.map(n => [
						n,
						column === "name" ? sums.m.name(n.label) : figureOf(n, column),
					])
				);
				const order = (a, b) => heaptrace.compare(values.get(a), values.get(b));

				return children.sort(
					(a, b) => (down ? -order(a, b) : order(a, b)) || b.total[0] - a.total[0]
				);
			}

			function sorting() {
				const text = state.get("tree.sort") || heaptrace.firstSort(selection, "-now");
				const column = text.replace(/^-/, ""),
					known = columns().some(c => c.id === column && c.sorts !== false);

				return known
					? { column, down: text[0] === "-" }
					: { column: "now", down: true };
			}

			function toggle(line) {
				lines.toggle(line);
				show();
				table.activate(line, { scroll: false });
				chosen(line);
			}

			function show() {
				const { column, down } = sorting();

				table.show(lines.list.length, column, down);
			}

			function openAll() {
				lines.openLarge(OPEN_AT_ONCE);
				show();
			}

			function closeEverything() {
				lines.closeAll();
				table.active = -1;
				state.set({ [id + ".line"]: "" }, { replace: true });
				show();
			}

			/* ---- The active line ---- */

			function active() {
				return (table.active >= 0 && lines.list[table.active]) || null;
			}

			function chosen(line) {
				const node = lines.list[line];

				copyStack.disabled = !node;
				toCallers.disabled = !node || sums.m.functionOf(node.label) < 0;
				if (node)
					state.set(
						{ [id + ".line"]: calls.pathOf(node) },
						{ replace: true }
					);
			}

			const stackText = () => calls.stackText(sums, active(), id === "bottom-up");

			function asText() {
				const shown = columns().filter(c => c.id !== "name" && c.id !== "share");

				return (
					shown
						.map(c => c.title)
						.concat("share", "function")
						.join("\t") +
					"\n" +
					lines.list
						.map(node =>
							shown
								.map(c => text(node, c))
								.concat(
									shareText(node.total[0]),
									"  ".repeat(node.depth - 1) +
										heaptrace.shown(
											sums.m.name(node.label),
											COPIED
										)
								)
								.join("\t")
						)
						.join("\n") +
					"\n"
				);
			}

			function showCallers() {
				const node = active();

				if (node) heaptrace.showCallers(sums.m.functionOf(node.label));
			}

			/* ---- Cells ---- */

			function shareText(value) {
				return selection.unit === "ns" || !selection.total
					? ""
					: heaptrace.format.share(value / selection.total);
			}

			function columns() {
				const list = [{ id: "name", title: "Function", first: "up" }],
					second = figures[index("second")];

				list.push({
					id: "now",
					title: index("before") >= 0 ? "Now" : selection.title,
					number: true,
					width: "8.5em",
					hint: hasSelf
						? "With all functions that it calls"
						: "What is allocated with this stack, from here inward",
				});
				if (selection.unit !== "ns") list.push(heaptrace.shareColumn(selection));
				if (hasSelf)
					list.push({
						id: "self",
						title: "Self",
						number: true,
						width: "8.5em",
						hint: "Without the functions that it calls",
					});
				if (index("before") >= 0)
					list.push(
						{ id: "before", title: "Before", number: true, width: "8.5em" },
						{
							id: "change",
							title: "Change",
							number: true,
							width: "8.5em",
						}
					);
				if (second)
					list.push({
						id: "second",
						title: second.title,
						number: true,
						width: "8.5em",
					});
				return list;
			}

			const unitOf = column =>
				column.id === "second" ? figures[index("second")].unit : selection.unit;

			function text(node, column) {
				const unit = unitOf(column);

				return column.id === "change"
					? heaptrace.signed(figureOf(node, "change"), unit)
					: heaptrace.format.value(figureOf(node, column.id), unit);
			}

			function fill(line, cells) {
				const node = lines.list[line];

				columns().forEach((column, i) => {
					const cell = cells[i];

					if (column.id === "name") {
						fillName(node, cell);
					} else if (column.id === "share") {
						heaptrace.fillShare(cell, node.total[0], selection);
					} else {
						(column.id === "change"
							? heaptrace.fillChange
							: heaptrace.fillFigure)(
							cell,
							figureOf(node, column.id),
							unitOf(column)
						);
					}
				});
			}

			function fillName(node, cell) {
				const name = sums.m.name(node.label),
					has = tree.has(node),
					label = dom("span", { class: "name" });
				const module = sums.m.moduleOf(node.label);

				heaptrace.highlight(label, heaptrace.shown(name), selection.search);
				cell.replaceChildren(
					dom(
						"span",
						{ class: "twist", "aria-hidden": "true" },
						has ? (node.open ? "\u25be" : "\u25b8") : ""
					),
					label
				);
				if (module >= 0 && sums.m.by !== "module" && sums.m.labels.known(node.label))
					cell.append(
						dom(
							"span",
							{ class: "of" },
							heaptrace.shown(
								heaptrace.model.modules[module].name,
								60
							)
						)
					);
				cell.style.paddingInlineStart = `calc(0.4em + min(${node.indent * 1.1}em, ${node.indent * 0.8}vw, 25vw))`;
				cell.title = heaptrace.shown(name, 1500);
			}

			function mark(line, tr) {
				tr.classList.toggle("only", Boolean(lines.list[line].only));
			}

			/* ---- Updates ---- */

			function build() {
				const rows = selection.search ? selection.search.rows() : null;

				figures = calls.figuresOf(selection);
				sums = calls.sums(merge.refresh(), wrappers.refresh(), figures, rows);
				tree = makeTree(sums, rows ? null : figures.map(f => f.rest));
				table.setColumns(columns());
				lines.show(tree);
				shownAs = state.get("tree.sort");
				table.active = lines.follow(state.get(id + ".line"));
				none.textContent = lines.list.length
					? ""
					: rows
						? "The search finds no stack with such memory."
						: "There is none.";
				show();
				if (table.active >= 0) table.activate(table.active);
				copyStack.disabled = toCallers.disabled = table.active < 0;
			}

			function resort() {
				const node = active();

				if (shownAs === state.get("tree.sort")) return;
				shownAs = state.get("tree.sort");
				lines.refresh();
				table.active = node ? lines.list.indexOf(node) : -1;
				show();
			}

			return {
				update(now) {
					const next = [
						state.get("tree.merge"),
						state.get("tree.wrappers"),
					].join();
					const line = active();

					if (
						now !== selection ||
						next !== settings ||
						state.get(id + ".line") !== (line ? calls.pathOf(line) : "")
					) {
						if (next !== settings) lines.opened.clear();
						selection = now;
						settings = next;
						build();
					} else {
						resort();
					}
				},
				resize: () => table.redraw(),
			};
		};
	}

	heaptrace.addView({
		id: "bottom-up",
		title: "Bottom-up",
		order: 20,
		create: makeView(
			"bottom-up",
			"Who uses the memory, and for whom: the first lines are the functions that allocate; " +
				"open one to see who has called it.",
			calls.bottomUp,
			false
		),
	});
	heaptrace.addView({
		id: "top-down",
		title: "Top-down",
		order: 21,
		create: makeView(
			"top-down",
			"From main() inward: what each function uses with all that it calls, and by itself.",
			calls.topDown,
			true
		),
	});
})();
