/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The view "Flame graph": all stacks as boxes, merged by function, source line or module; as wide as their figure.
 *
 *	flame, icicle		the root is at the bottom, or at the top
 *	from main() inward	a box stands on what has called it
 *	from allocations	a box stands on what it has called; the lowest ones use the memory
 *
 * Where two moments or runs are compared, the reader chooses what is wide: what is there now (as in other differential
 * flame graphs, the default), what was there before (only so can be seen what is gone), or what has changed, growth and
 * shrinkage alike, added up over rows. Colours then say the change of a box: red more, blue less, the stronger the larger
 * a part of the box it is.
 *
 * Ages do not add up. For that key boxes are as wide as their live bytes, and colours say how old the oldest block is.
 *
 * In the address: flame.shape, flame.from, flame.merge, flame.width, flame.colour, flame.wrappers; flame.zoom: the numbers
 * of the labels from the root to the box that is zoomed to.
 */
"use strict";

(() => {
	const { dom, state, calls } = heaptrace;
	const LEGEND = 9; /* modules at most that the legend names */

	/* ---- Colours ---- */

	/* Steps of the golden angle keep the hues of successive numbers apart. */
	const hueOf = module => Math.round((module * 137.508 + 28) % 360);

	function colourOfLabel(label, module, isDark, dull) {
		const jitter = (((label * 2654435761) >>> 16) % 7) - 3,
			saturation = dull ? 8 : 52;

		if (module < 0 || !heaptrace.model.modules[module].path)
			return `hsl(0 0% ${(isDark ? 32 : 84) + jitter}%)`;
		return `hsl(${hueOf(module)} ${saturation}% ${(isDark ? 33 : 80) + jitter}%)`;
	}

	/* part: -1 all is gone, 0 no change, 1 all is new. */
	function colourOfChange(part, isDark) {
		const strength = Math.min(1, Math.abs(part));

		if (strength < 0.0005) return isDark ? "hsl(220 6% 30%)" : "hsl(220 10% 90%)";
		return part > 0
			? `hsl(4 ${isDark ? 55 : 80}% ${isDark ? 25 + 18 * strength : 92 - 27 * strength}%)`
			: `hsl(214 ${isDark ? 55 : 80}% ${isDark ? 25 + 18 * strength : 92 - 27 * strength}%)`;
	}

	function colourOfAge(part, isDark) {
		return `hsl(${45 - 20 * part} ${isDark ? 55 : 85}% ${isDark ? 22 + 20 * part : 92 - 30 * part}%)`;
	}

	/* ---- Controls ---- */

	const shape = heaptrace.stateChoice("flame.shape", "Shape", [
		["icicle", "icicle, root at the top"],
		["flame", "flame, root at the bottom"],
	]);
	const from = heaptrace.stateChoice("flame.from", "From", [
		["main", "main() inward"],
		["allocation", "allocations outward"],
	]);
	const merge = heaptrace.mergeChoice("flame.merge");
	const wide = heaptrace.stateChoice("flame.width", "Width", [
		["now", "now"],
		["before", "before"],
		["change", "change"],
	]);
	const colour = heaptrace.stateChoice("flame.colour", "Colour", [
		["change", "change"],
		["module", "module"],
	]);
	const wrappers = heaptrace.wrappersSwitch("flame.wrappers");
	const button = (words, onclick, title) =>
		dom("button", { class: "button", type: "button", disabled: true, onclick, title }, words);
	const zoomOut = button("Zoom out", () => zoomTo(zoomed.parent), "One step out (Escape)");
	const reset = button("Whole", () => zoomTo(tree.root), "The whole graph again (Home)");
	const copyStack = heaptrace.copyButton("Copy stack", () => stackText(), {
		disabled: true,
		title: "The calls from the chosen box to the root (c)",
	});
	const toCallers = button("Callers and callees", showCallers);
	const matched = dom("output", { class: "matched" });
	const about = dom("p", { class: "about", id: "flame-about" });
	const legend = dom("p", { class: "legend-line muted" });
	const tip = dom("div", { class: "tip", hidden: true });
	const place = dom("div", { class: "flame" });

	let selection = null,
		settings = "",
		figures = [],
		sums = null,
		tree = null,
		widthIndex = 0,
		marks = null,
		colours = new Map();
	let picture = null,
		canvas = null;
	let isDark = false,
		oldest = 1;

	/* ---- The tree ---- */

	let zoomed = null;
	const index = id => figures.findIndex(f => f.id === id);
	const widthOf = node => node.total[widthIndex];

	/* The figures of the boxes: those of the selection, and what is wide where that is another one. */
	function makeFigures() {
		figures = calls.figuresOf(selection);
		widthIndex = 0;
		if (selection.unit === "ns") {
			widthIndex = index("second");
		} else if (selection.comparing && wide.refresh() === "before") {
			widthIndex = index("before");
		} else if (selection.comparing && wide.refresh() === "change") {
			const { now, before } = selection;

			figures.push({
				id: "change",
				key: selection.key,
				title: "change",
				unit: selection.unit,
				largest: false,
				values: changes(now, before),
				rest: Math.abs(figures[0].rest - figures[index("before")].rest),
			});
			widthIndex = figures.length - 1;
		}
	}

	let latestChanges = null;
	function changes(now, before) {
		if (!latestChanges || latestChanges.now !== now || latestChanges.before !== before)
			latestChanges = {
				now,
				before,
				values: now.map((n, r) => Math.abs(n - before[r])),
			};
		return latestChanges.values;
	}

	function followAddress() {
		zoomed = tree.root;
		for (const part of state.get("flame.zoom").split(".").filter(Boolean)) {
			const label = parseInt(part, 36),
				next = tree.child(zoomed, label);

			if (!next || !widthOf(next)) break;
			zoomed = next;
		}
	}

	/* ---- Words ---- */

	const value = n => heaptrace.format.value(n, selection.unit);
	const share = (part, whole) => (whole ? heaptrace.format.share(part / whole) : "");

	function nameOf(node) {
		return node.depth ? sums.m.name(node.label) : selection.label;
	}

	function boxName(box) {
		return box.more
			? heaptrace.format.count(box.more) + " more"
			: heaptrace.shown(nameOf(box.node));
	}

	/* What a box says about itself: the tooltip, the line above the graph, and what is announced. */
	function describe(box, separator) {
		const { node } = box,
			unit = figures[widthIndex].unit,
			lines = [];

		if (box.more)
			return (
				heaptrace.format.count(box.more) +
				" functions that are too narrow to be seen, together " +
				heaptrace.format.value(box.sum, unit) +
				", called by " +
				heaptrace.shown(nameOf(node))
			);
		lines.push(heaptrace.shown(nameOf(node), 1000));
		if (selection.unit === "ns") {
			lines.push(
				"oldest block: " + value(node.total[0]),
				heaptrace.format.value(widthOf(node), unit) + " live"
			);
		} else {
			lines.push(
				value(node.total[0]) +
					" (" +
					share(node.total[0], selection.total) +
					" of " +
					selection.label +
					")" +
					(node !== zoomed && zoomed.depth
						? ", " +
							share(node.total[0], zoomed.total[0]) +
							" of the zoomed box"
						: "")
			);
			if (selection.comparing)
				lines.push(
					"before: " +
						value(node.total[index("before")]) +
						", change: " +
						heaptrace.signed(
							node.total[0] - node.total[index("before")],
							selection.unit
						)
				);
			if (index("second") >= 0)
				lines.push(
					figures[index("second")].title +
						": " +
						heaptrace.format.value(
							node.total[index("second")],
							figures[index("second")].unit
						)
				);
		}
		if (node.depth && node.self[0] && state.get("flame.from") !== "allocation")
			lines.push("itself: " + value(node.self[0]));
		const module = sums.m.moduleOf(node.label);
		if (module >= 0 && heaptrace.model.modules[module].path)
			lines.push(heaptrace.shown(heaptrace.model.modules[module].path, 300));
		return lines.join(separator);
	}

	const stackText = () =>
		calls.stackText(
			sums,
			picture.focus && picture.focus.node,
			state.get("flame.from") === "allocation"
		);

	/* ---- Pointer and keyboard ---- */

	function hover(box, event) {
		tip.hidden = !box;
		if (!box) return;
		tip.textContent = describe(box, "\n");
		const area = place.getBoundingClientRect(),
			x = event.clientX - area.left,
			y = event.clientY - area.top;
		tip.style.left = Math.max(0, Math.min(x + 12, area.width - tip.offsetWidth)) + "px";
		tip.style.top =
			(event.clientY + 20 + tip.offsetHeight > window.innerHeight
				? y - tip.offsetHeight - 8
				: y + 18) + "px";
	}

	function setFocus(box, quiet) {
		picture.setFocus(box);
		copyStack.disabled = !box || !box.node.depth;
		toCallers.disabled = !box || box.more > 0 || sums.m.functionOf(box.node.label) < 0;
		about.textContent = box ? describe(box, "; ") : hint();
		if (box && !quiet) heaptrace.announce(describe(box, "; ") + ", level " + box.level);
	}

	function hint() {
		return "Click a box to zoom in. With the keyboard: arrow keys, Enter, Escape.";
	}

	function choose(box) {
		setFocus(box, true);
		tip.hidden = true;
		zoomTo(box.node);
	}

	function zoomTo(node) {
		if (node) state.set({ "flame.zoom": calls.pathOf(node) });
	}

	function pressed(event) {
		const inward = state.get("flame.shape") === "flame" ? "ArrowUp" : "ArrowDown";
		const outward = inward === "ArrowUp" ? "ArrowDown" : "ArrowUp";
		const go = where => setFocus(picture.neighbour(where));
		const actions = {
			[inward]: () => go("inward"),
			[outward]: () => go("outward"),
			ArrowLeft: () => go("left"),
			ArrowRight: () => go("right"),
			Enter: () => picture.focus && zoomTo(picture.focus.node),
			" ": () => picture.focus && zoomTo(picture.focus.node),
			Escape: () => zoomTo(zoomed.parent),
			Home: () => zoomTo(tree.root),
			c: () => picture.focus && heaptrace.copy(stackText(), copyStack),
		};

		if (
			!tree ||
			event.ctrlKey ||
			event.altKey ||
			event.metaKey ||
			event.shiftKey ||
			!actions[event.key]
		)
			return;
		event.preventDefault();
		event.stopPropagation();
		actions[event.key]();
		canvas.focus();
	}

	function showCallers() {
		if (picture.focus) heaptrace.showCallers(sums.m.functionOf(picture.focus.node.label));
	}

	/* ---- Drawing ---- */

	function readTheme() {
		const style = getComputedStyle(place);

		isDark = document.documentElement.dataset.theme === "dark";
		colours = new Map();
		return {
			font: style.getPropertyValue("--mono") || "monospace",
			lineColour: style.color,
			focusColour: style.getPropertyValue("--accent") || style.color,
		};
	}

	const byChange = () => selection.comparing && colour.refresh() === "change" && selection.unit !== "ns";

	function colourOf(box) {
		const ink = isDark ? "#f2f4f7" : "#16191e",
			{ node } = box;

		if (box.more || node.label === calls.REST_LABEL) return [isDark ? "#3a404a" : "#e3e6ea", ink];
		if (marks && marks[node.label] && node.depth) return [isDark ? "#a13a9e" : "#f08fe8", ink];
		if (byChange()) {
			const now = node.total[0],
				before = node.total[index("before")];

			return [colourOfChange((now - before) / (Math.max(now, before) || 1), isDark), ink];
		}
		if (selection.unit === "ns") return [colourOfAge(node.total[0] / oldest, isDark), ink];
		if (!node.depth) return [isDark ? "#3a4454" : "#d9dfe8", ink];
		let fill = colours.get(node.label);
		if (!fill)
			colours.set(
				node.label,
				(fill = colourOfLabel(
					node.label,
					sums.m.moduleOf(node.label),
					isDark,
					marks !== null
				))
			);
		return [fill, ink];
	}

	function showLegend() {
		const list = [];

		if (byChange()) {
			list.push(
				[colourOfChange(1, isDark), "more than before"],
				[colourOfChange(0, isDark), "no change"],
				[colourOfChange(-1, isDark), "less than before"]
			);
		} else if (selection.unit === "ns") {
			list.push([colourOfAge(0, isDark), "young"], [colourOfAge(1, isDark), "oldest blocks"]);
		} else {
			for (const module of largestModules()) {
				const { name } = heaptrace.model.modules[module];

				list.push([
					colourOfLabel(0, module, isDark, false),
					heaptrace.shown(name, 40) + (name === "libheaptrace.so" ? " (malloc and others)" : ""),
				]);
			}
		}
		legend.replaceChildren(
			...list.map(([fill, words]) => {
				const swatch = dom("span", { class: "swatch", "aria-hidden": "true" });

				swatch.style.background = fill;
				return dom("span", { class: "legend-entry" }, swatch, words);
			})
		);
		if (figures[widthIndex].id !== "now")
			legend.append(
				dom(
					"span",
					{},
					"Width: " +
						(selection.unit === "ns"
							? "live bytes"
							: figures[widthIndex].id === "before"
								? "what was there before"
								: "how much has changed")
				)
			);
		if (/^peak-/.test(selection.key))
			legend.append(
				dom(
					"span",
					{},
					"Sums of the backtraces' own peaks, which need not have been at the same time."
				)
			);
	}

	/* The modules that use most themselves. */
	function largestModules() {
		const { m } = sums,
			at = sums.at[widthIndex],
			sum = new Map();

		for (let c = 1; c < m.count; c++) {
			const module = at[c] ? m.moduleOf(m.label[c]) : -1;

			if (module >= 0 && heaptrace.model.modules[module].path)
				sum.set(module, (sum.get(module) || 0) + at[c]);
		}
		return [...sum.keys()].sort((a, b) => sum.get(b) - sum.get(a)).slice(0, LEGEND);
	}

	function showMatched() {
		marks = selection.search ? calls.matchedLabels(sums.m, selection.search) : null;
		if (!marks) {
			matched.textContent = "";
			return;
		}
		const unit = figures[widthIndex].unit,
			sum = calls.matchedSum(sums, marks, widthIndex);
		matched.textContent =
			"Found: " +
			heaptrace.format.value(sum, unit) +
			", " +
			share(sum, widthOf(tree.root)) +
			" of the width";
	}

	function show() {
		const theme = readTheme();

		followAddress();
		showMatched();
		oldest = selection.unit === "ns" ? tree.root.total[0] || 1 : 1;
		picture.show({
			root: tree.root,
			zoomed,
			large: (node, least) => tree.large(node, widthIndex, least),
			width: widthOf,
			colour: colourOf,
			name: boxName,
			upward: shape.refresh() === "flame",
			...theme,
		});
		zoomOut.disabled = reset.disabled = !zoomed.depth;
		setFocus(picture.focus || (zoomed.depth ? picture.boxOf(zoomed) : null), true);
		canvas.setAttribute(
			"aria-label",
			"Flame graph of " +
				selection.label +
				", " +
				(zoomed.depth
					? "zoomed to " + heaptrace.shown(nameOf(zoomed), 200) + "; "
					: "") +
				"arrow keys move, Enter zooms in, Escape zooms out."
		);
		showLegend();
	}

	function build() {
		makeFigures();
		sums = calls.sums(merge.refresh(), wrappers.refresh(), figures, null);
		tree = (from.refresh() === "allocation" ? calls.bottomUp : calls.topDown)(
			sums,
			figures.map(f => f.rest)
		);
		wide.hidden = !selection.comparing || selection.unit === "ns";
		colour.hidden = wide.hidden;
		colour.refresh();
		wide.refresh();
	}

	function create(element) {
		element.append(
			dom(
				"div",
				{ class: "tools", role: "toolbar", "aria-label": "Flame graph" },
				shape,
				from,
				merge,
				wide,
				colour,
				wrappers,
				zoomOut,
				reset,
				toCallers,
				copyStack,
				matched
			),
			dom("p", { class: "muted", hidden: !heaptrace.cutText() }, heaptrace.cutText()),
			about,
			place,
			legend
		);
		picture = heaptrace.flameCanvas(place, { hover, choose });
		canvas = picture.canvas;
		place.append(tip);
		canvas.tabIndex = 0;
		canvas.setAttribute("role", "application");
		canvas.setAttribute("aria-roledescription", "flame graph");
		canvas.setAttribute("aria-describedby", "flame-about");
		canvas.addEventListener("keydown", pressed);
		canvas.addEventListener("focus", () => {
			if (!picture.focus && tree) setFocus(picture.boxOf(zoomed));
		});
		return {
			update(next) {
				const wanted = ["flame.from", "flame.merge", "flame.wrappers", "flame.width"]
					.map(name => state.get(name))
					.join();

				if (next !== selection || wanted !== settings) {
					selection = next;
					settings = wanted;
					build();
				}
				show();
			},
			resize: show,
		};
	}

	heaptrace.addView({ id: "flame", title: "Flame graph", order: 10, create });
})();
