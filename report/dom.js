/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Elements of the page. Names come from the traced program and can hold anything, so they become text nodes or
 * attributes, never HTML.
 *
 *	heaptrace.dom("button", {class: "button", onclick: fn, "aria-pressed": "true"}, "text", element, [elements])
 *	heaptrace.svg("path", {d: "..."})
 *	heaptrace.highlight(element, text, search)	fills the element with the text; what the search finds is marked
 *	heaptrace.shorten(text, most)			the beginning and the end of a long text
 *	heaptrace.announce(text)			for screen readers
 *	heaptrace.copy(text, button)			to the clipboard
 *	heaptrace.copyButton(title, text, attributes)	a button that copies what text() returns when it is pressed
 *	heaptrace.table(options)			a table that sorts: see below
 */
(function () {
	"use strict";

	function setAttributes(element, attributes) {
		for (const [name, value] of Object.entries(attributes || {})) {
			if (value === null || value === undefined || value === false)
				continue;
			if (typeof value === "function")
				element.addEventListener(name.slice(2), value);	/* onclick */
			else
				element.setAttribute(name, value === true ? "" : String(value));
		}
	}

	function add(element, children) {
		for (const child of children) {
			if (Array.isArray(child))
				add(element, child);
			else if (child !== null && child !== undefined && child !== false)
				element.append(child);
		}
		return element;
	}

	heaptrace.dom = function (tag, attributes, ...children) {
		const element = document.createElement(tag);

		setAttributes(element, attributes);
		return add(element, children);
	};

	heaptrace.svg = function (tag, attributes, ...children) {
		const element = document.createElementNS("http://www.w3.org/2000/svg", tag);

		setAttributes(element, attributes);
		return add(element, children);
	};

	/* A text of which at most `most` characters are shown: paths and names can have thousands. */
	heaptrace.shorten = function (text, most) {
		const side = Math.floor((most - 1) / 2);

		return text.length <= most ? text : text.slice(0, side) + "\u2026" + text.slice(-side);
	};

	heaptrace.highlight = function (element, text, search) {
		const found = search ? search.find(text) : null;

		element.textContent = "";
		if (found)
			element.append(text.slice(0, found[0]),
				heaptrace.dom("mark", null, text.slice(found[0], found[1])), text.slice(found[1]));
		else
			element.append(text);
		return element;
	};

	let announcer = null, announcing = 0;

	/* A live region is read when its text changes, so the text goes in a little later than the one before went
	 * out. */
	heaptrace.announce = function (text) {
		if (!announcer)
			announcer = document.getElementById("announcer");
		announcer.textContent = "";
		window.clearTimeout(announcing);
		announcing = window.setTimeout(() => { announcer.textContent = text; }, 50);
	};

	/* Pages from disk have no navigator.clipboard in some browsers. */
	function copyBySelection(text) {
		const area = heaptrace.dom("textarea", {class: "hidden", "aria-hidden": "true", tabindex: "-1"});
		const focused = document.activeElement;
		let done = false;

		area.value = text;
		document.body.append(area);
		area.select();
		try {
			done = document.execCommand("copy");
		} catch (error) {
			done = false;
		}
		area.remove();
		if (focused && focused.focus)
			focused.focus();
		return done;
	}

	function showCopied(button, done) {
		heaptrace.announce(done ? "copied" : "The browser does not let this page copy.");
		if (!button || button.dataset.label !== undefined)
			return;
		button.dataset.label = button.textContent;
		button.textContent = done ? "copied" : "not copied";
		window.setTimeout(function () {
			button.textContent = button.dataset.label;
			delete button.dataset.label;
		}, 1500);
	}

	/* Copies the text, and says so on the button and to screen readers. Resolves to whether it could. */
	heaptrace.copy = async function (text, button) {
		let done = false;

		try {
			await navigator.clipboard.writeText(text);
			done = true;
		} catch (error) {
			done = copyBySelection(text);
		}
		showCopied(button, done);
		return done;
	};

	heaptrace.copyButton = function (title, text, attributes) {
		const button = heaptrace.dom("button", {class: "button", type: "button",
			onclick: () => heaptrace.copy(text(), button), ...attributes}, title);

		return button;
	};

	/* ---- Tables ---- */

	function compare(a, b) {
		if (typeof a === "number" && typeof b === "number")
			return a - b;
		return String(a).localeCompare(String(b), "en");
	}

	function cell(column, row) {
		const td = heaptrace.dom(column.heading ? "th" : "td", {
			class: column.number ? "number" : column.short ? "short" : null,
			scope: column.heading ? "row" : null,
		});

		if (column.fill)
			column.fill(td, row);
		else
			td.append(column.text(row));
		return td;
	}

	/* "live bytes" as the head of a column has it */
	heaptrace.capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

	/* "+2.401 MB (+84.5 %)": a difference, with its share of what was before. */
	heaptrace.change = function (now, before, unit) {
		const difference = now - before;
		const sign = difference > 0 ? "+" : difference < 0 ? "\u2212" : "\u00b1";
		const text = sign + heaptrace.format.value(Math.abs(difference), unit);

		return before > 0 && difference !== 0 ?
			text + " (" + sign + heaptrace.format.share(Math.abs(difference) / before) + ")" : text;
	};

	/* The class of a difference: memory that has grown is red, and blue where it has shrunk. */
	heaptrace.changeClass = (n) => n > 0 ? "grown" : n < 0 ? "shrunk" : "";

	/*
	 * Columns for rows {now, before}, sums of the selection's figures: the figure, its share, and with a comparison
	 * what it was and the change. Ages have no shares. hint: what the figure is.
	 */
	heaptrace.valueColumns = function (selection, title, hint) {
		const value = (n) => heaptrace.format.value(n, selection.unit);
		const share = (row) => selection.total > 0 ? heaptrace.format.share(row.now / selection.total) : "";
		const columns = [{id: "now", title: title, number: true, hint: hint, value: (row) => row.now,
			text: (row) => value(row.now)}];

		if (selection.unit !== "ns")
			columns.push({id: "share", title: "Share", number: true, value: (row) => row.now, text: share});
		if (!selection.comparing)
			return columns;
		columns.push({id: "before", title: "Before", number: true, value: (row) => row.before,
			text: (row) => value(row.before)});
		columns.push({id: "change", title: "Change", number: true, value: (row) => row.now - row.before, fill(td, row) {
			td.append(heaptrace.change(row.now, row.before, selection.unit));
			td.className += " " + heaptrace.changeClass(row.now - row.before);
		}});
		return columns;
	};

	/*
	 * A table whose columns sort when their heads are clicked, for up to some thousand rows.
	 *
	 *	caption		what it is, for screen readers
	 *	columns		[{id, title, number, short, heading, hint, value(row), text(row) | fill(td, row)}]:
	 *			value() is what is sorted by; a numeric column begins with the largest; short: does not
	 *			break into lines; heading: the column that names the row
	 *	rows		a list of anything
	 *	sort		the name of heaptrace.state for the column that is sorted by, which has its id there, with a
	 *			minus in front where the largest is first
	 *	limit		how many rows are shown at most; a button below shows the others
	 */
	heaptrace.table = function (options) {
		const sort = heaptrace.state.get(options.sort), descending = sort.startsWith("-");
		const id = sort.replace(/^-/, "");
		const sorted = options.columns.find((column) => column.id === id) || options.columns[0];
		const order = options.rows.map((row, index) => ({row: row, value: sorted.value(row), index: index}));
		const body = heaptrace.dom("tbody");
		const limit = options.limit || Infinity;

		order.sort((a, b) => (descending ? -1 : 1) * compare(a.value, b.value) || a.index - b.index);

		function show(from, to) {
			for (const entry of order.slice(from, to)) {
				body.append(heaptrace.dom("tr", null,
					options.columns.map((column) => cell(column, entry.row))));
			}
		}
		function head(column) {
			const active = column === sorted;
			const first = column.number ? "-" : "";
			const next = active ? (descending ? "" : "-") : first;

			const button = heaptrace.dom("button", {class: "sort", title: column.hint, "data-sort": column.id,
				onclick: () => heaptrace.state.set({[options.sort]: next + column.id})}, column.title);

			return heaptrace.dom("th", {scope: "col", class: column.number ? "number" : null,
				"aria-sort": active ? (descending ? "descending" : "ascending") : null}, button);
		}
		show(0, limit);
		if (order.length === 0)
			body.append(heaptrace.dom("tr", null, heaptrace.dom("td", {class: "muted", colspan: options.columns.length},
				heaptrace.state.get("search") ? "Nothing that the search finds." : "Nothing.")));
		const more = order.length > limit ? heaptrace.dom("button", {class: "button", onclick() {
			show(limit, order.length);
			more.remove();
		}}, "Show all " + heaptrace.format.count(order.length)) : null;

		const box = {class: "table-scroll", tabindex: "0", role: "region", "aria-label": options.caption};
		return heaptrace.dom("div", box, heaptrace.dom("table", {class: "data"},
			heaptrace.dom("caption", {class: "hidden"}, options.caption),
			heaptrace.dom("thead", null, heaptrace.dom("tr", null, options.columns.map(head))), body), more);
	};
})();
