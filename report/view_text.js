/* SPDX-License-Identifier: GPL-2.0-only */
/* The text dump of the moment of the report, as --format=text prints it. The search marks the lines that it is
 * found in. */
(function () {
	"use strict";

	const dom = heaptrace.dom;

	/* Lines beyond these are one piece of text, in which nothing is marked: so many elements would be slow. */
	const MARKED_LINES = 20000;

	function fill(pre, text, search) {
		const lines = text.split("\n");
		let plain = [], count = 0;

		pre.textContent = "";
		function flush() {
			if (plain.length > 0)
				pre.append(plain.join("\n") + "\n");
			plain = [];
		}
		for (const line of search ? lines.slice(0, MARKED_LINES) : []) {
			if (!search.matches(line)) {
				plain.push(line);
				continue;
			}
			flush();
			pre.append(heaptrace.highlight(dom("span"), line, search), "\n");
			count++;
		}
		plain.push(...(search ? lines.slice(MARKED_LINES) : lines));
		flush();
		return count;
	}

	heaptrace.addView({
		id: "text", title: "Text", order: 90,
		create(element) {
			const text = heaptrace.document.text || "";
			const pre = dom("pre", {class: "dump", tabindex: "0", "aria-label": "The text dump"});
			const found = dom("span", {class: "muted", role: "status"});
			const copy = heaptrace.copyButton("Copy all", () => text);
			const next = dom("button", {class: "button", onclick: () => go(1)}, "Next match");
			const all = dom("span", {class: "notice"}, "It is of all windows: heaptrace --window=NUM prints one.");
			let shown, at = -1;

			function go(by) {
				const marks = pre.querySelectorAll("mark");

				if (marks.length === 0)
					return;
				at = (at + by + marks.length) % marks.length;
				marks[at].scrollIntoView({block: "center"});
				found.textContent = "match " + (at + 1) + " of " + marks.length;
			}
			element.append(dom("div", {class: "tools"}, copy, next, found,
				dom("span", {class: "muted"}, text ?
					"The text dump of the moment of the report; of one of more than 1 MiB its beginning." :
					"There was no memory for the text dump."), all), pre);
			return {
				update(selection) {
					all.hidden = !selection.window;
					const search = selection.search ? selection.search.text : null;

					if (search === shown)
						return;
					shown = search;
					at = -1;
					const count = fill(pre, text, selection.search);
					next.hidden = count === 0;
					found.textContent = selection.search ? count + " lines match" : "";
				},
			};
		},
	});
})();
