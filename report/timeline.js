/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timeline: live heap, RSS and calls per second over the run, and the moments of which the rows are known (snapshots,
 * the peak, the end) as marks. The two handles are the moment that the page shows and the one that it is compared with.
 *
 *	   [before]      [shown]
 *	      :  .---------|------.		live heap (area), RSS (broken line)
 *	     _:-'          |      '--
 *	  --'-o-----o-----o|----o---o		marks of the moments
 *	  ____|||||___||||||__|||____		calls per second
 *
 * A click chooses the nearest moment; with Shift, the one to compare with; dragging chooses both. Each handle is a slider
 * for the keyboard. The table below the picture says the same in words.
 */
(function () {
	"use strict";

	const dom = heaptrace.dom, svg = heaptrace.svg;
	const format = heaptrace.format;

	const TOP = 24, LOW_PLOT = 136, HIGH_PLOT = 216, GAP = 10, RATE = 32, BOTTOM = 20, LEFT = 66, RIGHT = 14;
	const HANDLE_WIDTH = 50, HANDLE_HEIGHT = 17;
	const DRAG_FROM = 6;		/* pixels: less is a click */
	const SERIES = [["live", "live heap"], ["rss", "RSS"], ["calls", "calls per second"]];

	/* ---- The figures ---- */

	/* [[x, y]...] of two lists of which the second one can have gaps (null). */
	function pairs(ns, values) {
		const list = [];

		for (let i = 0; i < ns.length; i++) {
			if (values[i] !== null && values[i] !== undefined)
				list.push([ns[i], values[i]]);
		}
		return list;
	}

	/* Calls per second between each two points at which the calls are known: [[from ns, to ns, calls/s]...]. */
	function rates(points) {
		const list = [];

		for (let i = 1; i < points.length; i++) {
			const ns = points[i][0] - points[i - 1][0];

			if (ns > 0)
				list.push([points[i - 1][0], points[i][0], (points[i][1] - points[i - 1][1]) * 1e9 / ns]);
		}
		return list;
	}

	function curves(d) {
		const t = d.timeline;
		const live = pairs(t.ns, t.size), calls = pairs(t.ns, t["total-count"]);
		const rss = pairs(t.ns, t["rss-bytes"]);
		const last = (list) => list.length > 0 ? list[list.length - 1][0] : 0;

		return {
			live: live, rss: rss, calls: rates(calls), blocks: pairs(t.ns, t.count),
			dumps: t["dumps-ns"],
			endNs: Math.max(last(live), last(rss), d.moment["since-start-ns"], 1),
			most: (name) => (name === "live" ? live : rss).reduce((most, point) => Math.max(most, point[1]), 0),
			fastest: rates(calls).reduce((most, piece) => Math.max(most, piece[2]), 0),
		};
	}

	/* The value of a curve at a time, between two points on the line that is drawn. null: the curve has not begun. */
	function valueAt(curve, ns) {
		let low = 0, high = curve.length - 1;

		if (curve.length === 0 || ns < curve[0][0])
			return null;
		while (low < high) {
			const middle = (low + high + 1) >> 1;

			if (curve[middle][0] <= ns)
				low = middle;
			else
				high = middle - 1;
		}
		if (low === curve.length - 1)
			return curve[low][1];
		const [x0, y0] = curve[low], [x1, y1] = curve[low + 1];
		return x1 > x0 ? y0 + (y1 - y0) * (ns - x0) / (x1 - x0) : y1;
	}

	/* ---- Axes ---- */

	/* Round steps, so that at most `count` of them make up `most`: 1, 2 or 5 times a power of ten. */
	function decimalStep(most, count) {
		const power = Math.pow(10, Math.floor(Math.log10(most / count)));

		return [1, 2, 5, 10].map((n) => n * power).find((step) => most / step <= count);
	}

	/* The same for times, in nanoseconds. */
	function timeStep(most, count) {
		const MINUTE = 60e9, HOUR = 3600e9, DAY = 24 * HOUR;
		const steps = [MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR];

		if (most / count < 30e9)
			return Math.min(decimalStep(most, count), 30e9);
		return steps.find((step) => most / step <= count) || DAY * decimalStep(most / DAY, count);
	}

	/* "2.500 MB" as "2.5 MB" */
	function short(text) {
		return text.replace(/(\.\d*?)0+(?= |$)/, "$1").replace(/\.(?= |$)/, "");
	}

	function shortTime(ns) {
		return ns === 0 ? "0" : short(format.ns(ns)).replace(/ secs$/, " s").replace(/ 0 (secs|mins)$/, "")
			.replace(/ mins?/, " min").replace(/ hours?/, " h");
	}

	/* "97 k", "3.8 M" */
	function shortCount(n) {
		const unit = [["G", 1e9], ["M", 1e6], ["k", 1e3]].find((pair) => n >= pair[1]);

		return unit ? String(Number((n / unit[1]).toPrecision(2))) + " " + unit[0] : format.count(n);
	}

	/* ---- One chart ---- */

	/*
	 * Draws the curves of a run. scale: {ns, bytes, rate}, the ends of the axes, which two runs share. shown(name): whether
	 * a series is. Returns {x(ns), ns(x), layer}; marks and handles go into the layer.
	 */
	function draw(root, width, run, scale, shown) {
		const right = width - RIGHT, base = TOP + plot, rateBase = base + GAP + RATE;
		const x = (ns) => LEFT + (right - LEFT) * ns / scale.ns;
		const y = (bytes) => base - plot * bytes / scale.bytes;
		const point = (p) => x(p[0]).toFixed(1) + " " + y(p[1]).toFixed(1);

		function line(curve) {
			return curve.length > 0 ? "M" + curve.map(point).join("L") : "";
		}
		function grid() {
			const step = decimalStep(scale.bytes, 5), time = timeStep(scale.ns, Math.max(2, (right - LEFT) / 90));

			for (let bytes = 0; bytes <= scale.bytes * 1.0001; bytes += step) {
				root.append(svg("line", {class: "grid", x1: LEFT, x2: right, y1: y(bytes), y2: y(bytes)}),
					svg("text", {x: LEFT - 6, y: y(bytes) + 4, "text-anchor": "end"},
						bytes === 0 ? "0" : short(format.bytes(bytes))));
			}
			for (let ns = 0; ns <= scale.ns * 1.0001; ns += time) {
				root.append(svg("line", {class: "grid", x1: x(ns), x2: x(ns), y1: base, y2: base + 4}),
					svg("text", {x: x(ns), y: rateBase + BOTTOM - 6, "text-anchor": ns === 0 ? "start" :
						x(ns) > right - 20 ? "end" : "middle"}, shortTime(ns)));
			}
		}
		function calls() {
			const height = (rate) => (RATE * rate / scale.rate).toFixed(1);

			root.append(svg("line", {class: "grid", x1: LEFT, x2: right, y1: rateBase, y2: rateBase}),
				svg("text", {x: LEFT - 6, y: rateBase - RATE + 8, "text-anchor": "end"},
					shortCount(scale.rate) + "/s"));
			root.append(svg("path", {class: "rate-area", d: run.calls.map((piece) => "M" + x(piece[0]).toFixed(1) + " " +
				rateBase + "V" + (rateBase - height(piece[2])) + "H" +
				Math.max(x(piece[1]), x(piece[0]) + 0.7).toFixed(1) + "V" + rateBase + "Z").join("")}));
		}
		grid();
		if (shown("live") && run.live.length > 0) {
			root.append(svg("path", {class: "live-area", d: line(run.live) + "L" + x(run.live[run.live.length - 1][0]) + " " +
				base + "L" + x(run.live[0][0]) + " " + base + "Z"}),
			svg("path", {class: "live-line", d: line(run.live)}));
		}
		if (shown("rss"))
			root.append(svg("path", {class: "rss-line", d: line(run.rss)}));
		if (shown("calls") && scale.rate > 0)
			calls();
		for (const ns of run.dumps)
			root.append(svg("path", {class: "dump", d: "M" + x(ns) + " " + (base + 1) + "l4 7h-8z"},
				svg("title", null, "a report was made after " + format.ns(ns))));
		const layer = svg("g");
		root.append(layer);
		return {x: x, ns: (at) => (at - LEFT) / (right - LEFT) * scale.ns, y: y, layer: layer};
	}

	/* ---- The state ---- */

	const beside = window.matchMedia("(min-width: 1180px)");	/* as in style.css */

	let plot = LOW_PLOT;		/* the height of the curves */
	let runs = [];			/* [{title, curves, box, root}], the one that moments are chosen in last */
	let scales = null;
	let chart = null;		/* of the last run: what draw() returned */
	let handles = null;		/* {at, from} */
	let tip = null, hair = null;

	const isShown = (name) => !heaptrace.state.get("timeline.hide").split(",").includes(name);

	function findScales() {
		const most = (name) => isShown(name) ? Math.max(...runs.map((run) => run.curves.most(name))) : 0;

		return {
			ns: Math.max(...runs.map((run) => run.curves.endNs)),
			bytes: Math.max(most("live"), most("rss"), 1000) * 1.04,
			rate: Math.max(...runs.map((run) => run.curves.fastest)),
		};
	}

	const moments = () => heaptrace.model.moments;

	/* The moment nearest to a place in the chart. Of two in the same place, the one at which the key is known. */
	function nearest(px) {
		const key = heaptrace.selection().key;
		let best = null, least = Infinity;

		for (const moment of moments()) {
			const away = Math.abs(chart.x(moment.ns) - px) + (heaptrace.isKnown(key, moment.id) ? 0 : 0.5);

			if (away < least) {
				least = away;
				best = moment;
			}
		}
		return best.id;
	}

	/* ---- Handles ---- */

	function momentText(id) {
		const moment = heaptrace.findMoment(id);
		const total = heaptrace.model.totals("size", id);

		return moment === null ? heaptrace.momentLabel(id) : heaptrace.momentLabel(id) +
			(moment.kind === "peak" || moment.kind === "end" ? ", after " + format.ns(moment.ns) : "") +
			(total === null ? "" : ", " + format.bytes(total) + " live");
	}

	function choose(name, id, options) {
		if (name === "at")
			heaptrace.chooseMoments(id, undefined, options);
		else
			heaptrace.chooseMoments(undefined, id, options);
	}

	function step(name, by) {
		const list = moments().filter((moment) => moment.id !== heaptrace.selection()[name === "at" ? "from" : "at"]);
		const selection = heaptrace.selection();
		let index = list.findIndex((moment) => moment.id === selection[name]);

		if (index < 0)		/* there is no comparison yet: it begins beside the moment that is shown */
			index = list.findIndex((moment) => moment.ns >= heaptrace.findMoment(selection.at).ns) + (by < 0 ? 0 : -1);
		choose(name, list[Math.max(0, Math.min(list.length - 1, index + by))].id, {replace: true});
	}

	function handleKey(event, name) {
		const list = moments();
		const target = event.shiftKey ? "from" : name;
		const by = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1}[event.key];

		if (event.ctrlKey || event.altKey || event.metaKey)
			return;
		if (by)
			step(target, by);
		else if (event.key === "Home")
			choose(target, list[0].id);
		else if (event.key === "End" && target === "at")
			choose(target, list[list.length - 1].id);
		else if (event.key === "Escape" || event.key === "Delete")
			heaptrace.chooseMoments(undefined, "none");
		else
			return;
		event.preventDefault();
		event.stopPropagation();
		if (handles[target].style.display !== "none")
			handles[target].focus();
	}

	function makeHandle(name, text, label) {
		return svg("g", {class: "handle " + name, role: "slider", tabindex: "0", "aria-label": label, "data-name": name,
			"aria-valuemin": 0, "aria-valuemax": moments().length - 1, onkeydown: (event) => handleKey(event, name)},
		svg("line", {class: "moment-line " + name, y1: HANDLE_HEIGHT}),
		svg("rect", {width: HANDLE_WIDTH, height: HANDLE_HEIGHT, rx: 3}),
		svg("text", {y: 12}, text));
	}

	/* Where the boxes of the handles begin, which do not cover each other. null: there is no such handle. */
	function boxesLeft(at, from) {
		const most = chart.x(scales.ns) + RIGHT - HANDLE_WIDTH;
		const limit = (x) => Math.max(0, Math.min(x, most));
		const lefts = {at: at ? limit(chart.x(at.ns) - HANDLE_WIDTH / 2) : null,
			from: from ? limit(chart.x(from.ns) - HANDLE_WIDTH / 2) : null};

		if (at && from && Math.abs(lefts.at - lefts.from) < HANDLE_WIDTH + 2) {
			const [first, second] = from.ns <= at.ns ? ["from", "at"] : ["at", "from"];
			lefts[first] = limit((lefts.at + lefts.from - HANDLE_WIDTH - 2) / 2);
			lefts[second] = limit(lefts[first] + HANDLE_WIDTH + 2);
			lefts[first] = Math.min(lefts[first], lefts[second] - HANDLE_WIDTH - 2);
		}
		return lefts;
	}

	function placeHandle(name, moment, left) {
		const handle = handles[name];

		handle.style.display = moment ? "" : "none";
		if (!moment)
			return;
		const x = chart.x(moment.ns);
		handle.querySelector("line").setAttribute("x1", x);
		handle.querySelector("line").setAttribute("x2", x);
		handle.querySelector("line").setAttribute("y2", TOP + plot);
		handle.querySelector("rect").setAttribute("x", left);
		handle.querySelector("text").setAttribute("x", left + HANDLE_WIDTH / 2);
		handle.setAttribute("aria-valuenow", moments().indexOf(moment));
		handle.setAttribute("aria-valuetext", momentText(moment.id));
	}

	function drawMarks(layer) {
		const selection = heaptrace.selection();

		for (const moment of moments()) {
			const chosen = moment.id === selection.at || moment.id === selection.from;
			const total = heaptrace.model.totals("size", moment.id) || 0;

			layer.append(svg("path", {class: "mark" + (chosen ? " chosen" : ""), "data-moment": moment.id,
				d: "M" + chart.x(moment.ns) + " " + (chart.y(isShown("live") ? total : 0) - 4.5) + "l4.5 4.5l-4.5 4.5l-4.5-4.5z"}));
		}
	}

	function placeAll() {
		const selection = heaptrace.selection();
		const at = heaptrace.findMoment(selection.at), from = heaptrace.findMoment(selection.from);

		chart.layer.textContent = "";
		if (at && from) {
			const a = chart.x(Math.min(at.ns, from.ns)), b = chart.x(Math.max(at.ns, from.ns));
			chart.layer.append(svg("rect", {class: "range", x: a, width: b - a, y: TOP, height: plot}));
		}
		drawMarks(chart.layer);
		const lefts = boxesLeft(at, from);
		placeHandle("from", from, lefts.from);
		placeHandle("at", at, lefts.at);
		for (const row of document.querySelectorAll("#moments tr[data-moment]"))
			row.classList.toggle("chosen", row.dataset.moment === selection.at || row.dataset.moment === selection.from);
	}

	/* ---- The pointer ---- */

	function tipText(run, ns) {
		const live = valueAt(run.curves.live, ns), rss = valueAt(run.curves.rss, ns);
		const blocks = valueAt(run.curves.blocks, ns);
		const piece = run.curves.calls.find((calls) => calls[0] <= ns && ns <= calls[1]);

		return ["after " + format.ns(ns), live === null ? "" : "live heap " + format.bytes(live),
			blocks === null ? "" : format.count(blocks) + " blocks", rss === null ? "" : "RSS " + format.bytes(rss),
			piece ? format.count(piece[2]) + " calls/s" : ""].filter(Boolean).join(", ");
	}

	function showTip(run, px, choosing) {
		const ns = chart.ns(px);

		if (ns < 0 || ns > scales.ns)
			return hideTip();
		hair.setAttribute("x1", px);
		hair.setAttribute("x2", px);
		hair.style.display = "";
		tip.hidden = false;
		tip.textContent = tipText(run, ns) + (choosing ? "\n" + choosing : "");
		tip.style.left = Math.max(0, Math.min(px + 12, run.box.clientWidth - tip.offsetWidth - 4)) + "px";
		tip.style.top = TOP + plot + 6 + "px";
	}

	function hideTip() {
		tip.hidden = true;
		hair.style.display = "none";
	}

	/* Pressing the button begins a click or a drag. What is dragged is a handle, or from the place where it began. */
	function listen(run) {
		let pressed = null;	/* {x, handle, moved} */
		const place = (event) => event.clientX - run.root.getBoundingClientRect().left;

		run.root.addEventListener("pointerdown", function (event) {
			const handle = event.target.closest(".handle");

			if (event.button !== 0)
				return;
			pressed = {x: place(event), handle: handle ? handle.dataset.name : null, moved: false, shift: event.shiftKey};
			run.root.setPointerCapture(event.pointerId);
			event.preventDefault();
			(handle || handles.at).focus({preventScroll: true});
		});
		run.root.addEventListener("pointermove", function (event) {
			const px = place(event);

			if (pressed && Math.abs(px - pressed.x) > DRAG_FROM)
				pressed.moved = true;
			if (pressed && pressed.moved) {
				if (pressed.handle)
					choose(pressed.handle, nearest(px), {replace: true});
				else
					heaptrace.chooseMoments(nearest(px), nearest(pressed.x), {replace: true});
			}
			showTip(run, px, "click: " + momentText(nearest(px)));
		});
		run.root.addEventListener("pointerup", function (event) {
			if (pressed && !pressed.moved && !pressed.handle)
				choose(pressed.shift || event.shiftKey ? "from" : "at", nearest(place(event)));
			pressed = null;
		});
		run.root.addEventListener("pointercancel", () => { pressed = null; });
		run.root.addEventListener("pointerleave", hideTip);
	}

	/* ---- The whole ---- */

	/* What the picture shows, in words. */
	function description(run) {
		const live = run.curves.live, most = run.curves.most("live");
		const peak = live.find((point) => point[1] === most);

		if (!peak)
			return "The heap over the run: nothing is known.";
		return "The live heap over " + format.ns(run.curves.endNs) + ": at most " + format.bytes(most) + ", after " +
			format.ns(peak[0]) + ", and " + format.bytes(live[live.length - 1][1]) + " at the end" +
			(run.curves.rss.length > 0 ? "; RSS at most " + format.bytes(run.curves.most("rss")) : "") + ".";
	}

	function redraw() {
		const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.name : null;

		const height = () => TOP + plot + GAP + RATE + BOTTOM;

		/* Where the chart stands beside the findings, there is room that would be empty otherwise. */
		plot = runs.length === 1 && beside.matches ? HIGH_PLOT : LOW_PLOT;
		scales = findScales();
		for (const run of runs) {
			const width = Math.max(280, Math.floor(run.box.clientWidth));

			run.root.textContent = "";
			run.root.setAttribute("viewBox", "0 0 " + width + " " + height());
			run.root.setAttribute("height", height());
			chart = draw(run.root, width, run.curves, scales, isShown);
		}
		const run = runs[runs.length - 1];
		hair = svg("line", {class: "hair", y1: TOP, y2: TOP + plot + GAP + RATE});
		hair.style.display = "none";
		run.root.append(hair, handles.from, handles.at);
		placeAll();
		if (focused && handles[focused])
			handles[focused].focus({preventScroll: true});
	}

	function toggle(name) {
		const hidden = heaptrace.state.get("timeline.hide").split(",").filter(Boolean);

		heaptrace.state.set({"timeline.hide": (hidden.includes(name) ? hidden.filter((other) => other !== name) :
			hidden.concat(name)).join(",")});
	}

	function legend() {
		return dom("div", {class: "curves", role: "group", "aria-label": "Curves"}, SERIES.map((series) =>
			dom("label", {class: "series " + series[0]}, dom("input", {type: "checkbox", "data-series": series[0],
				onchange: () => toggle(series[0])}), dom("span", {class: "key"}), series[1])));
	}

	function momentRow(moment) {
		const d = heaptrace.document, snapshot = moment.kind === "snapshot" ? d.snapshots[Number(moment.id.slice(1))] : null;
		const curve = runs[runs.length - 1].curves;
		const number = (n, unit) => dom("td", {class: "number"}, n === null || n === undefined ? "" : format.value(n, unit));
		const blocks = heaptrace.model.totals("count", moment.id);
		const calls = snapshot ? snapshot["total-count"] : moment.kind === "end" ? d.totals["total-count"] : null;

		return dom("tr", {"data-moment": moment.id},
			dom("th", {scope: "row"}, moment.kind === "snapshot" ? "snapshot" : moment.label),
			number(moment.ns, "ns"), number(heaptrace.model.totals("size", moment.id), "bytes"), number(blocks, "blocks"),
			number(calls, "calls"), number(moment.kind === "start" ? null : valueAt(curve.rss, moment.ns), "bytes"),
			dom("td", {class: "tools"},
				dom("button", {class: "link", onclick: () => choose("at", moment.id)}, "show"),
				moment.id === "end" ? null :
					dom("button", {class: "link", onclick: () => choose("from", moment.id)}, "compare with")));
	}

	function momentTable() {
		const heads = [["Moment"], ["Time", "number"], ["Live bytes", "number"], ["Live blocks", "number"],
			["Calls until then", "number"], ["RSS", "number"], ["Choose"]];

		return dom("details", {id: "moments"}, dom("summary", null, "The moments as a table (" + moments().length + ")"),
			dom("div", {class: "table-scroll"}, dom("table", {class: "data"},
				dom("caption", {class: "hidden"}, "Moments of which all backtraces are known"),
				dom("thead", null, dom("tr", null, heads.map((head) =>
					dom("th", {scope: "col", class: head[1]}, head[0])))),
				dom("tbody", null, moments().map(momentRow)))));
	}

	function addRun(charts, d, title) {
		const root = svg("svg", {role: "group"});
		const box = dom("div", {class: "chart"}, title ? dom("h3", null, title) : null, root);
		const run = {title: title, curves: curves(d), root: root, box: box};

		root.setAttribute("aria-label", (title ? title + ". " : "") + description(run));
		charts.append(box);
		runs.push(run);
		return run;
	}

	function update(changed) {
		for (const box of document.querySelectorAll("#timeline [data-series]"))
			box.checked = isShown(box.dataset.series);
		if (changed === null || changed.has("timeline.hide"))
			redraw();
		else
			placeAll();
	}

	heaptrace.focusTimeline = function () {
		handles.at.focus();
		document.getElementById("timeline").scrollIntoView({block: "nearest"});
	};

	heaptrace.startTimeline = function () {
		const d = heaptrace.document, section = document.getElementById("timeline");
		const charts = dom("div", {class: "charts"});

		if (d.older && d.older.timeline) {
			charts.classList.add("two");
			addRun(charts, d.older, "Older run");
		}
		const run = addRun(charts, d, runs.length > 0 ? "This run" : "");
		tip = dom("div", {class: "tip", hidden: true});
		run.box.append(tip);
		run.root.classList.add("plot");
		section.append(dom("div", {class: "timeline-head"}, dom("h2", null, "Over time"), legend(),
			dom("span", {class: "muted hint"}, "click: look at that moment \u00b7 Shift+click or drag: compare two")),
		charts, momentTable());
		handles = {
			at: makeHandle("at", "shown", "Moment that is shown"),
			from: makeHandle("from", "before", "Moment that it is compared with"),
		};
		listen(run);
		update(null);
		heaptrace.state.onChange(update);
		new ResizeObserver(redraw).observe(charts);
	};
})();
