/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the views that add up memory have in common: names and figures as they show them, controls that hold a part of
 * heaptrace.state, and the cells and columns of their tables.
 */
"use strict";

/* ---- Names and figures ---- */

/* A name as it can be shown in a line: what moves or hides other text stands as a sign of its own, and what is longer
 * than anybody reads is cut. */
heaptrace.shown = (name, most = 400) => {
	const text = name.length > most ? name.slice(0, most) + "\u2026" : name;

	return text.replace(
		/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
		"\ufffd"
	);
};

/* A figure with its sign: "+22.704 KB", "\u221222.704 KB", "0 bytes". */
heaptrace.signed = (n, unit) =>
	(n > 0 ? "+" : n < 0 ? "\u2212" : "") + heaptrace.format.value(Math.abs(n), unit);

/* ---- Controls: labels with refresh(), which takes the value from the state and returns it ---- */

/* A <select> whose value is a name of the state. choices: [[value, title], ...], the default first. */
heaptrace.stateChoice = (name, title, choices) => {
	const select = heaptrace.dom(
		"select",
		{ onchange: () => heaptrace.state.set({ [name]: select.value }) },
		...choices.map(([value, words]) => heaptrace.dom("option", { value }, words))
	);
	const label = heaptrace.dom("label", { class: "chooser" }, title + " ", select);

	heaptrace.state.setDefault(name, choices[0][0]);
	label.refresh = () => {
		const value = heaptrace.state.get(name);

		select.value = choices.some(choice => choice[0] === value) ? value : choices[0][0];
		return select.value;
	};
	return label;
};

/* The choice of what calls are merged by: see view_calls.js. */
heaptrace.mergeChoice = name =>
	heaptrace.stateChoice(name, "Merge by", [
		["function", "function"],
		["line", "source line"],
		["module", "module"],
	]);

/* A check box whose value, "yes" or "", is a name of the state. */
heaptrace.stateSwitch = (name, title, hint) => {
	const box = heaptrace.dom("input", {
		type: "checkbox",
		onchange: () => heaptrace.state.set({ [name]: box.checked ? "yes" : "" }),
	});
	const label = heaptrace.dom("label", { class: "chooser", title: hint }, box, " " + title);

	label.refresh = () => {
		box.checked = heaptrace.state.get(name) === "yes";
		return box.checked;
	};
	return label;
};

/* The switch of wrapping functions: see sums() in view_calls.js. */
heaptrace.wrappersSwitch = name =>
	heaptrace.stateSwitch(
		name,
		"Allocation functions",
		"Show malloc(), operator new and other allocation functions, not only who calls them"
	);

/* ---- Tables ---- */

/* The column of shares of a table of heaptrace.longTable(). */
heaptrace.shareColumn = selection => ({
	id: "share",
	title: "Share",
	number: true,
	width: "6.2em",
	sorts: false,
	hint: "Of " + selection.label,
});

/* What a table is sorted by at first: where two moments are compared, by what has grown most or, where less is there than
 * before, by what has shrunk most. */
heaptrace.firstSort = (selection, otherwise) =>
	!selection.comparing ? otherwise : selection.total < selection.totalBefore ? "change" : "-change";

/* Fills a cell with a share of the whole: a number, and a bar behind it. */
heaptrace.fillShare = (cell, value, selection) => {
	const share = selection.total && selection.unit !== "ns" ? value / selection.total : 0;

	cell.textContent = selection.total && selection.unit !== "ns" ? heaptrace.format.share(share) : "";
	cell.className = "number share";
	cell.style.setProperty("--share", Math.max(0, Math.min(100, 100 * share)) + "%");
};

/* Fills a cell with a figure; nothing is paler than something. */
heaptrace.fillFigure = (cell, value, unit) => {
	cell.textContent = heaptrace.format.value(value, unit);
	cell.className = value ? "number" : "number muted";
};

/* Fills a cell with a difference. */
heaptrace.fillChange = (cell, value, unit) => {
	cell.textContent = heaptrace.signed(value, unit);
	cell.className = "number " + (heaptrace.changeClass(value) || "muted");
};

/* Compares texts by their codes and numbers by their values, which is quicker than localeCompare(). */
heaptrace.compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
