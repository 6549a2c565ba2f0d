/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The script of a flame graph (format/svg.c). It takes the place of the frames that are drawn without it, and draws the
 * tree anew at each zoom, at each width of the window, and for each figure:
 *
 *	click, Enter		zoom: the frame gets the whole width, the functions that have called it stand faded above it
 *	Escape			clears the search, then leaves the zoom
 *	Ctrl-F, /		search: a text that some function or module has in its name, or else a regular expression
 *	arrows			from frame to frame; Tab goes through those that have room for a name
 *
 * The tree is in arrays, by the numbers of nodes. A node comes before the nodes inside of it, which follow at once:
 *
 *	level[n]	functions outward of it
 *	outer[n]	the node that it is in
 *	end[n]		the number behind the last node in it
 *
 * Names come from the traced program, and can hold anything. They are put into the picture as text only.
 */
(function () {
"use strict";

const SVG = "http://www.w3.org/2000/svg", XHTML = "http://www.w3.org/1999/xhtml";
const LEVEL = 17, HEIGHT = 16;		/* pixels from a level to the next one, and of a frame */
const NO_MODULE = 108;			/* the colour of code in no module: SVG_COLOURS in format/svg.h */
const NARROWEST = 0.5;			/* pixels of a frame that is drawn */
const MOST_FRAMES = 9000;		/* if there were more, wider ones are left out, too */
const TAB_STOP = 32;			/* pixels of a frame that has a name, and that Tab goes to */
const BAR = 60;				/* pixels that the bar with the search is high */

const script = document.currentScript;
const picture = script && script.closest("svg.heaptrace") || document.documentElement;
const frames = picture.querySelector("#frames");
const data = JSON.parse(picture.querySelector("#data").textContent);
const alone = picture === document.documentElement;	/* no page around it */
const headHeight = Number(frames.getAttribute("y"));

const tree = decode(data);
let view = data.views[0];		/* the figures that are shown */
let weightOf = view.weight;		/* the column that is the width */
let zoomed = 0;				/* the node that has the whole width */
let turned = false;			/* the outermost functions are at the bottom */
let matching = null;			/* Uint8Array: whether a function matches the search; null: there is none */
let drawnAt = new Map();		/* the elements of nodes */
let characterWidth = 7.3;

/* ---- The tree ---- */

function decode(from) {
	const stride = 2 + from.columns, count = from.nodes.length / stride;
	const t = { count, stride, figures: from.nodes, level: new Uint16Array(count), function: new Uint32Array(count),
		    outer: new Uint32Array(count), end: new Uint32Array(count) };
	const open = [];		/* the nodes that node n is in */

	for (let n = 0; n < count; n++) {
		const level = t.level[n] = from.nodes[n * stride];

		t.function[n] = from.nodes[n * stride + 1];
		while (open.length > level)
			t.end[open.pop()] = n;
		t.outer[n] = level ? open[level - 1] : 0;
		open.push(n);
	}
	while (open.length)
		t.end[open.pop()] = count;
	return t;
}

function figure(node, column) {
	return tree.figures[node * tree.stride + 2 + column];
}

function weight(node) {
	return figure(node, weightOf);
}

function moduleOf(node) {
	const module = data.functions[2 * tree.function[node] + 1];

	return module < 0 ? null : data.modules[module];
}

function functionName(f) {
	const name = data.functions[2 * f], module = data.functions[2 * f + 1];

	if (name)
		return name;
	/* As svg_write_name() of format/svg_text.c has it. */
	const known = module < 0 ? "no module" : data.modules[module][0];

	return "[" + (known === "libheaptrace.so" ? "malloc..." : known) + "]";
}

function nameOf(node) {
	return functionName(tree.function[node]);
}

/* ---- Figures as text, as a text dump has them ---- */

function milli(n) {
	return (Math.floor(n) / 1000).toFixed(3);
}

/* "1 call", "2 calls" for "call". */
function counted(n, what) {
	return n + " " + what + (n === 1 ? "" : "s");
}

function bytesText(n) {
	if (n < 1e3)
		return counted(n, "byte");
	return n < 1e6 ? milli(n) + " KB" : n < 1e9 ? milli(n / 1e3) + " MB" : milli(n / 1e6) + " GB";
}

function timeText(ns) {
	const secs = Math.floor(ns / 1e9);

	if (secs < 60)
		return ns < 1e3 ? ns + " ns" : ns < 1e6 ? milli(ns) + " us" : ns < 1e9 ? milli(ns / 1e3) + " ms" :
			milli(ns / 1e6) + " secs";
	return secs < 3600 ? counted(Math.floor(secs / 60), "min") + " " + counted(secs % 60, "sec") :
		counted(Math.floor(secs / 3600), "hour") + " " + counted(Math.floor(secs / 60) % 60, "min");
}

function valueText(n, unit) {
	const mark = data.estimated ? "~" : "";

	if (unit === "bytes")
		return mark + bytesText(n);
	return unit === "ns" ? timeText(n) : mark + counted(n, unit.slice(0, -1));
}

/* To the nearest tenth. Only what is all is "100.0 %", as in text dumps (base/share.h). */
function shareText(part, whole) {
	const tenths = whole ? Math.round(part * 1000 / whole) : 0;

	return ((part < whole && tenths === 1000 ? 999 : tenths) / 10).toFixed(1) + " %";
}

/* "12.345 MB -> 14.123 MB, +1.778 MB (+14.4 %)" */
function changeText(was, is, unit) {
	const sign = is > was ? "+" : "-", change = Math.abs(is - was);

	if (is === was)
		return valueText(is, unit) + ", no change";
	return valueText(was, unit) + " -> " + valueText(is, unit) + ", " + sign + valueText(change, unit) +
		(was ? " (" + sign + shareText(change, was) + ")" : ", new");
}

/* What there is to say of a node, in lines. */
function describe(node) {
	const module = moduleOf(node), lines = [nameOf(node)];
	const own = weight(node);

	if (module && data.functions[2 * tree.function[node]])
		lines.push(module[0]);
	if (data.diff) {
		lines.push(changeText(figure(node, view.weightWas), figure(node, view.weight), view.unit));
		lines.push(changeText(figure(node, view.secondWas), figure(node, view.second), view.secondUnit));
	} else {
		lines.push(valueText(own, view.unit) + " (" + shareText(own, weight(0)) +
			   (view.second === view.weight ? ")" : "), " + valueText(figure(node, view.second), view.secondUnit)));
	}
	if (zoomed && node > zoomed && node < tree.end[zoomed])
		lines.push(shareText(own, weight(zoomed)) + " of " + nameOf(zoomed).slice(0, 80));
	return lines;
}

/* ---- Drawing ---- */

function element(name, attributes, space) {
	const e = document.createElementNS(space || SVG, name);

	for (const a in attributes)
		e.setAttribute(a, attributes[a]);
	return e;
}

/* The name in so many pixels: whole, or its short form, or the last parts of that, or its beginning. */
function fit(name, pixels) {
	const room = Math.floor((pixels - 6) / characterWidth);
	let text = name;

	if (text.length > room)
		text = heaptraceShortName(name);
	while (text.length > room && text.indexOf("::") > 0 && text.indexOf("::") < text.length - 2)
		text = text.slice(text.indexOf("::") + 2);
	if (text.length <= room)
		return text;
	return room < 4 ? "" : text.slice(0, room - 2) + "..";
}

/* The class with the colour of a node: see svg_colour() and svg_change_class() in format/svg_text.c. */
function colour(node) {
	const module = moduleOf(node);

	if (!data.diff)
		return "c" + (module ? module[1] : NO_MODULE);

	const was = figure(node, view.weightWas), is = figure(node, view.weight), larger = Math.max(was, is);
	const change = larger ? Math.abs(is - was) / larger : 0;
	const step = change < 0.01 ? 0 : change < 0.1 ? 1 : change < 0.3 ? 2 : change < 0.6 ? 3 : 4;

	return (is > was ? "g" : "s") + step;
}

/* The frames of a zoom: those of the outer nodes, and of all nodes inside that are wide enough. */
function arrange(width, narrowest) {
	const whole = weight(zoomed), list = [], starts = new Float64Array(tree.count);
	const next = [];		/* by level: where the next node begins */

	for (let n = tree.outer[zoomed], inner = zoomed; inner; inner = n, n = tree.outer[n])
		list.unshift({ node: n, x: 0, width, outer: true });
	for (let n = zoomed; n < tree.end[zoomed]; n++) {
		const own = n === zoomed ? width : whole ? weight(n) * width / whole : 0;

		starts[n] = n === zoomed ? 0 : next[tree.level[n]];
		next[tree.level[n]] = starts[n] + own;
		next[tree.level[n] + 1] = starts[n];
		if (own < narrowest) {
			n = tree.end[n] - 1;
			continue;
		}
		list.push({ node: n, x: starts[n], width: own, outer: false });
	}
	return list;
}

function drawFrame(f, levels) {
	const level = tree.level[f.node], name = nameOf(f.node);
	const hit = matching && matching[tree.function[f.node]];
	const g = element("g", {
		class: "frame" + (f.outer ? " outer" : "") + (hit ? " hit" : ""),
		role: "button", tabindex: f.width >= TAB_STOP ? 0 : -1, "data-node": f.node,
		transform: "translate(" + f.x.toFixed(2) + "," + (turned ? levels - 1 - level : level) * LEVEL + ")",
	});
	const title = element("title", {});
	const text = f.width >= TAB_STOP ? fit(name, f.width) : "";

	title.textContent = describe(f.node).join("\n");
	g.append(title, element("rect", {
		width: (f.width > 3 ? f.width - 1 : f.width).toFixed(2), height: HEIGHT, class: colour(f.node),
	}));
	if (text) {
		const t = element("text", { x: 3, y: 12 });

		t.textContent = text;
		g.append(t);
	}
	return g;
}

function draw() {
	const width = Math.max(200, picture.getBoundingClientRect().width);
	const inside = document.createDocumentFragment();
	let narrowest = NARROWEST, list = arrange(width, narrowest), levels = 1;

	while (list.length > MOST_FRAMES)
		list = arrange(width, narrowest *= 1.5);
	for (const f of list)
		levels = Math.max(levels, tree.level[f.node] + 1);
	drawnAt = new Map();
	for (const f of list) {
		const g = drawFrame(f, levels);

		drawnAt.set(f.node, g);
		inside.append(g);
	}
	stage.replaceChildren(inside);
	picture.setAttribute("height", headHeight + BAR + levels * LEVEL + 8);
	reset.disabled = !zoomed;
	follow();
	showMatches();
}

/* Keeps the bar in the window while the frames are scrolled, which are cut off where it is. */
function follow() {
	const top = alone ? Math.max(headHeight, window.scrollY) : headHeight, passed = top - headHeight;

	bar.setAttribute("y", top);
	frames.setAttribute("y", top + BAR);
	stage.setAttribute("transform", "translate(0," + -passed + ")");
}

/* ---- Zoom and search ---- */

function zoom(node) {
	const focused = stage.contains(document.activeElement);

	zoomed = node;
	draw();
	writeAddress();
	if (focused && drawnAt.has(node))
		drawnAt.get(node).focus({ preventScroll: true });
	detail(node);
}

/* The functions that the search means, or null. */
function findFunctions(text) {
	const count = data.functions.length / 2, found = new Uint8Array(count), lower = text.toLowerCase();
	const texts = [];
	let pattern, any = false;

	if (!text)
		return null;
	for (let f = 0; f < count; f++) {
		const module = data.functions[2 * f + 1];

		texts.push([functionName(f), module < 0 ? "" : data.modules[module][0]]);
		if (f && texts[f].some((t) => t.toLowerCase().includes(lower)))
			any = found[f] = true;
	}
	if (any)
		return found;
	try {
		pattern = new RegExp(text, "i");
	} catch (error) {
		return found;
	}
	for (let f = 1; f < count; f++)
		found[f] = texts[f].some((t) => pattern.test(t));
	return found;
}

/* The weight of what matches within a node, in which nested matches count once. */
function matched(within) {
	let sum = 0;

	for (let n = within; n < tree.end[within]; n++) {
		if (!matching[tree.function[n]])
			continue;
		sum += weight(n);
		n = tree.end[n] - 1;
	}
	return sum;
}

/* The view is in the address, for a colleague: #zoom=17&search=parse. The numbers of nodes are those of this file. */
function writeAddress() {
	const parts = [];

	if (zoomed)
		parts.push("zoom=" + zoomed);
	if (input.value)
		parts.push("search=" + encodeURIComponent(input.value));
	if (alone)
		history.replaceState(null, "", parts.length ? "#" + parts.join("&") : location.pathname + location.search);
}

function readAddress() {
	const parts = new URLSearchParams(alone ? location.hash.slice(1) : ""), node = Number(parts.get("zoom"));

	input.value = parts.get("search") || "";
	matching = findFunctions(input.value);
	zoomed = node > 0 && node < tree.count && Number.isInteger(node) && weight(node) ? node : 0;
	draw();
	detail(zoomed);
}

function showMatches() {
	let text = "";

	if (matching) {
		const functions = matching.reduce((sum, is) => sum + is, 0), sum = matched(0);

		text = "matched " + shareText(sum, weight(0)) + " (" + valueText(sum, view.unit) + ") in " +
			(functions === 1 ? "1 function" : functions + " functions");
		if (zoomed)
			text += "; " + shareText(matched(zoomed), weight(zoomed)) + " of this view";
		input.classList.toggle("wrong", !functions);
	} else {
		input.classList.remove("wrong");
	}
	status.textContent = text;
}

function search(text) {
	matching = findFunctions(text);
	for (const [node, g] of drawnAt)
		g.classList.toggle("hit", !!(matching && matching[tree.function[node]]));
	showMatches();
	writeAddress();
}

/* The line above the frames: the figures first, because names can be longer than the line. */
function detail(node) {
	const [name, ...more] = node === null ? [""] : describe(node);
	const named = data.functions[2 * tree.function[node || 0] + 1] >= 0 && data.functions[2 * tree.function[node || 0]];

	details.textContent = node === null ? "" : more.slice(named ? 1 : 0).join(", ") + ": " + name + (named ? " - " + more[0] : "");
	details.title = details.textContent;
}

/* ---- The bar and the keys ---- */

function nodeOf(event) {
	const g = event.target.closest && event.target.closest(".frame");

	return g ? Number(g.dataset.node) : null;
}

/* The frame beside a node in the direction of an arrow; null: there is none. */
function beside(node, key) {
	const outward = key === (turned ? "ArrowDown" : "ArrowUp");

	if (outward)
		return node ? tree.outer[node] : null;
	if (key === "ArrowUp" || key === "ArrowDown") {
		for (let n = node + 1; n < tree.end[node]; n = tree.end[n]) {
			if (drawnAt.has(n))
				return n;
		}
		return drawnAt.has(node + 1) || node >= zoomed ? null : zoomed;
	}

	const row = [...drawnAt.keys()].filter((n) => tree.level[n] === tree.level[node]);
	const to = row[row.indexOf(node) + (key === "ArrowRight" ? 1 : -1)];

	return to === undefined ? null : to;
}

function frameKey(event) {
	const node = nodeOf(event);
	let to;

	if (node === null || event.ctrlKey || event.altKey || event.metaKey)
		return;
	if (event.key === "Enter" || event.key === " ") {
		event.preventDefault();
		zoom(node);
	} else if (event.key.startsWith("Arrow")) {
		event.preventDefault();
		to = beside(node, event.key);
		if (to !== null && drawnAt.has(to))
			drawnAt.get(to).focus();
	}
}

function key(event) {
	const find = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f";

	/* Within a page only what concerns the picture; and a second Ctrl-F is the browser's. */
	if (!alone && !picture.contains(document.activeElement))
		return;
	if ((find || (event.key === "/" && !event.ctrlKey)) && document.activeElement !== input) {
		event.preventDefault();
		input.focus();
		input.select();
	} else if (event.key === "Escape") {
		if (matching) {
			input.value = "";
			search("");
		} else if (zoomed) {
			zoom(0);
		}
	}
}

function button(text, title, action) {
	const b = element("button", { type: "button", title }, XHTML);

	b.textContent = text;
	b.addEventListener("click", action);
	return b;
}

/* The figures that can be the width: those of each key, and of the older run. */
function chooser() {
	const choices = [];
	const select = element("select", { "aria-label": "Width of the frames", title: "Width of the frames" }, XHTML);

	for (const v of data.views) {
		choices.push({ v, column: v.weight, text: data.diff ? v.name + ", newer run" : v.name });
		if (data.diff)
			choices.push({ v, column: v.weightWas, text: v.name + ", older run" });
	}
	for (const c of choices) {
		const option = element("option", {}, XHTML);

		option.textContent = c.text;
		select.append(option);
	}
	select.addEventListener("change", () => {
		view = choices[select.selectedIndex].v;
		weightOf = choices[select.selectedIndex].column;
		if (!weight(zoomed))
			zoomed = 0;
		draw();
	});
	return choices.length > 1 ? select : null;
}

function turn() {
	turned = !turned;
	draw();
	if (alone && turned)
		window.scrollTo(0, document.documentElement.scrollHeight);
}

function prepareLegend() {
	for (const m of picture.querySelectorAll(".module")) {
		const find = () => {
			input.value = m.querySelector("text").firstChild.data;
			search(input.value);
		};

		m.setAttribute("tabindex", 0);
		m.setAttribute("role", "button");
		m.addEventListener("click", find);
		m.addEventListener("keydown", (event) => {
			if (event.key === "Enter" || event.key === " ") {
				event.preventDefault();
				find();
			}
		});
	}
}

const bar = element("foreignObject", { x: 0, y: headHeight, width: "100%", height: BAR });
const controls = element("div", { class: "controls" }, XHTML), details = element("div", { class: "detail" }, XHTML);
const status = element("span", { class: "status", role: "status" }, XHTML);
const input = element("input", { type: "search", class: "search", placeholder: "Search (Ctrl-F)", spellcheck: "false",
				 "aria-label": "Search functions and modules: text or regular expression" }, XHTML);
const reset = button("Reset zoom", "Escape", () => zoom(0));
const stage = element("g", {});

function start() {
	const box = element("div", { class: "bar" }, XHTML), select = chooser(), sample = element("text", {});
	let waiting = false;

	controls.append(input, reset, button("Turn over", "The outermost functions at the bottom, or on top", turn));
	if (select)
		controls.append(select);
	controls.append(status);
	box.append(controls, details);
	bar.append(box);
	picture.insertBefore(bar, frames);
	sample.textContent = "mmmmmmmmmm";
	frames.replaceChildren(sample);
	characterWidth = sample.getComputedTextLength() / 10 || characterWidth;
	frames.replaceChildren(stage);

	input.addEventListener("input", () => search(input.value));
	stage.addEventListener("click", (event) => nodeOf(event) !== null && zoom(nodeOf(event)));
	stage.addEventListener("mouseover", (event) => detail(nodeOf(event)));
	stage.addEventListener("focusin", (event) => detail(nodeOf(event)));
	stage.addEventListener("keydown", frameKey);
	document.addEventListener("keydown", key);
	window.addEventListener("scroll", follow, { passive: true });
	window.addEventListener("resize", () => {
		if (!waiting)
			requestAnimationFrame(() => { waiting = false; draw(); });
		waiting = true;
	});
	window.addEventListener("hashchange", readAddress);
	prepareLegend();
	readAddress();
}

start();
})();
