/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of any length: only the lines that are in sight have elements, so 100,000 lines take no longer than 50. Every
 * line has the same height. The keyboard moves an active line, which aria-activedescendant names to screen readers.
 *
 *	const table = heaptrace.longTable(element, {
 *		label: "Functions",		for screen readers
 *		tree: true,			lines have levels and can be opened: role treegrid, else grid
 *		columns: [{id, title, hint, number: true, width: "9em", sorts: true, first: "up"}],
 *		fill(line, cells) {},		puts what line number `line` says into these td elements
 *		level(line) {},			of a tree, from 1
 *		open(line) {},			of a tree: true, false, or null where there is nothing to open
 *		toggle(line) {},		of a tree: opens or closes it
 *		choose(line) {},		by click or Enter
 *		moved(line) {},			the keyboard has made it the active line; can be left out
 *		mark(line, tr) {},		sets classes of the line's element
 *		sort(id, descending) {},	when the reader clicks a column's head
 *	});
 *	table.setColumns(columns)		other columns
 *	table.show(count, sortedBy, descending)	so many lines, from the beginning; keeps the place if it can
 *	table.redraw()
 *	table.activate(line, options)		makes the line the active one and scrolls to it
 *	table.active				its number, or -1; setting it draws nothing
 *	table.scroller				the element in which the table scrolls
 */
"use strict";

heaptrace.longTable = (() => {
	const LINE = 24; /* pixels; views.css has the same number */
	const LEAST = "min(18em, 50vw)";
	const PRINTED = 500; /* lines at most on paper */
	const dom = heaptrace.dom;
	let tables = 0;

	return (element, options) => {
		const id = "table" + ++tables;
		let columns = [],
			count = 0,
			active = -1,
			first = 0,
			end = 0,
			planned = false,
			printing = false;
		let sortedBy = "",
			descending = false;

		const group = dom("colgroup"),
			headRow = dom("tr", { role: "row", "aria-rowindex": "1" });
		const above = dom("td"),
			below = dom("td");
		const aboveRow = dom("tr", { class: "space", "aria-hidden": "true" }, above);
		const belowRow = dom("tr", { class: "space", "aria-hidden": "true" }, below);
		const body = dom("tbody", { role: "rowgroup" }, aboveRow, belowRow);
		const table = dom(
			"table",
			{
				role: options.tree ? "treegrid" : "grid",
				"aria-label": options.label,
				tabindex: "0",
				class: "lines",
				onkeydown: pressed,
				onfocus: focused,
			},
			group,
			dom("thead", { role: "rowgroup" }, headRow),
			body
		);
		const scroller = dom("div", { class: "scroller", onscroll: plan }, table);
		let pool = [];

		element.append(scroller);

		/* ---- Columns ---- */

		function setColumns(list) {
			const same =
				list.length === columns.length &&
				list.every((c, i) => c.id === columns[i].id && c.title === columns[i].title);

			if (same) return;
			columns = list;
			group.replaceChildren(
				...columns.map(c => dom("col", c.width ? { style: "width:" + c.width } : {}))
			);
			/* The column without a width gets what is left, and so much at least; then there is something to scroll. */
			table.style.minWidth = "calc(" + columns.map(c => c.width || LEAST).join(" + ") + ")";
			headRow.replaceChildren(...columns.map(makeHead));
			for (const cell of [above, below]) cell.colSpan = columns.length;
			for (const line of pool) line.remove();
			pool = [];
		}

		function makeHead(c) {
			const th = dom("th", {
				role: "columnheader",
				scope: "col",
				class: c.number ? "number" : "text",
				title: c.hint,
				"data-title": c.title,
			});

			if (c.sorts === false) {
				th.append(c.title);
				return th;
			}
			th.append(
				dom(
					"button",
					{
						type: "button",
						onclick: () =>
							options.sort(
								c.id,
								sortedBy === c.id
									? !descending
									: c.first !== "up"
							),
					},
					c.title,
					dom("span", { class: "arrow", "aria-hidden": "true" })
				)
			);
			return th;
		}

		function markHeads() {
			columns.forEach((c, i) => {
				const th = headRow.children[i],
					sorted = c.id === sortedBy;

				if (c.sorts !== false) {
					th.setAttribute(
						"aria-sort",
						sorted ? (descending ? "descending" : "ascending") : "none"
					);
					th.querySelector(".arrow").textContent = sorted
						? descending
							? " \u25be"
							: " \u25b4"
						: "";
				}
			});
		}

		/* ---- Lines ---- */

		function plan() {
			if (planned) return;
			planned = true;
			requestAnimationFrame(() => {
				planned = false;
				draw(false);
			});
		}

		function makeLine() {
			const cells = columns.map(c =>
				dom("td", { role: "gridcell", class: c.number ? "number" : "text" })
			);
			const tr = dom("tr", { role: "row" }, ...cells);

			tr.addEventListener("click", event => clicked(Number(tr.dataset.line), event));
			tr.addEventListener(
				"dblclick",
				() => options.tree && options.toggle(Number(tr.dataset.line))
			);
			return tr;
		}

		/* The lines in sight, with some above and below them. */
		function range() {
			if (printing) return [0, Math.min(count, PRINTED)];
			/* A table that has few lines now is lower than it can be, and is with many. */
			const most = Math.max(
				scroller.clientHeight,
				parseFloat(getComputedStyle(scroller).maxHeight) || 600
			);
			const from = Math.floor(scroller.scrollTop / LINE),
				lines = Math.ceil(most / LINE);

			return [
				Math.max(0, Math.min(from - 8, count - lines)),
				Math.min(count, from + lines + 8),
			];
		}

		function draw(all) {
			const [from, to] = range();

			if (!all && from === first && to === end) return;
			first = from;
			end = to;
			while (pool.length < to - from) {
				const line = makeLine();

				pool.push(line);
				body.insertBefore(line, belowRow);
			}
			while (pool.length > to - from) pool.pop().remove();
			for (let i = from; i < to; i++) fillLine(pool[i - from], i);
			above.style.height = from * LINE + "px";
			below.style.height = printing ? "0" : (count - to) * LINE + "px";
			aboveRow.hidden = from === 0;
			belowRow.hidden = to === count;
			nameActive();
		}

		function fillLine(tr, line) {
			tr.dataset.line = line;
			tr.id = id + "-" + line;
			tr.setAttribute("aria-rowindex", line + 2);
			tr.className = (line === active ? "active" : "") + (line % 2 ? " odd" : "");
			tr.setAttribute("aria-selected", line === active ? "true" : "false");
			if (options.tree) {
				const open = options.open(line);

				tr.setAttribute("aria-level", options.level(line));
				if (open === null) tr.removeAttribute("aria-expanded");
				else tr.setAttribute("aria-expanded", open ? "true" : "false");
			}
			if (options.mark) options.mark(line, tr);
			options.fill(line, tr.children);
		}

		function nameActive() {
			if (active >= first && active < end)
				table.setAttribute("aria-activedescendant", id + "-" + active);
			else table.removeAttribute("aria-activedescendant");
		}

		function show(lines, by, down) {
			count = lines;
			sortedBy = by;
			descending = down;
			table.setAttribute("aria-rowcount", count + 1);
			active = Math.min(active, count - 1);
			markHeads();
			draw(true);
		}

		function redraw() {
			draw(true);
		}

		/* ---- The active line ---- */

		function activate(line, { scroll = true } = {}) {
			if (line < 0 || line >= count) return;
			active = line;
			if (scroll) {
				const head = headRow.offsetHeight || LINE,
					top = line * LINE,
					room = scroller.clientHeight - head - LINE;

				if (top < scroller.scrollTop) scroller.scrollTop = top;
				else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
			}
			draw(true);
		}

		function focused() {
			if (active < 0 && count) activate(Math.min(first, count - 1), { scroll: false });
		}

		function clicked(line, event) {
			activate(line, { scroll: false });
			if (options.tree && event.target.closest(".twist")) options.toggle(line);
			else if (options.choose) options.choose(line);
		}

		/* The line of the call that the active one belongs to. */
		function parentOf(line) {
			const level = options.level(line);

			while (--line >= 0 && options.level(line) >= level);
			return line;
		}

		function right(line) {
			if (options.open(line) === false) options.toggle(line);
			else if (options.open(line)) activate(line + 1);
		}

		function left(line) {
			if (options.open(line)) options.toggle(line);
			else activate(parentOf(line));
		}

		function pressed(event) {
			const page = Math.max(1, Math.floor(scroller.clientHeight / LINE) - 2),
				line = Math.max(0, active);
			const moves = {
				ArrowDown: () => activate(active < 0 ? 0 : line + (line + 1 < count ? 1 : 0)),
				ArrowUp: () => activate(Math.max(0, line - 1)),
				PageDown: () => activate(Math.min(count - 1, line + page)),
				PageUp: () => activate(Math.max(0, line - page)),
				Home: () => activate(0),
				End: () => activate(count - 1),
				ArrowRight: () => options.tree && right(line),
				ArrowLeft: () => options.tree && left(line),
				" ": () =>
					options.tree
						? options.open(line) !== null && options.toggle(line)
						: options.choose && options.choose(line),
				Enter: () =>
					options.choose
						? options.choose(line)
						: options.tree &&
							options.open(line) !== null &&
							options.toggle(line),
			};

			if (
				event.target !== table ||
				event.ctrlKey ||
				event.altKey ||
				event.metaKey ||
				!moves[event.key] ||
				!count
			)
				return;
			event.preventDefault();
			event.stopPropagation();
			const was = active;
			moves[event.key]();
			if (active !== was && options.moved) options.moved(active);
		}

		window.addEventListener("resize", plan);
		window.addEventListener("beforeprint", () => {
			printing = element.offsetParent !== null;
			if (printing) draw(true);
		});
		window.addEventListener("afterprint", () => {
			if (printing) {
				printing = false;
				draw(true);
			}
		});

		setColumns(options.columns);
		return {
			setColumns,
			show,
			redraw,
			activate,
			scroller,
			get active() {
				return active;
			},
			set active(line) {
				active = line;
			},
		};
	};
})();
