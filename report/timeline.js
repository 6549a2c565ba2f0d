/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timeline: live heap, RSS and calls per second over the run, and the moments of which the rows are known
 * (snapshots, the peak, the end) as marks. The two handles are the moment that the page shows and the one that it is
 * compared with.
 *
 *	   [before]      [shown]
 *	      :  .---------|------.		live heap (area), RSS (broken line)
 *	     _:-'          |      '--
 *	  --'-o-----o-----o|----o---o		marks of the moments
 *	  ____|||||___||||||__|||____		calls per second
 *
 * A click chooses the nearest moment; with Shift, the one to compare with; dragging chooses both. Each handle is a
 * slider for the keyboard. The table below the picture says the same in words.
 */
(function () {
	"use strict";

	const dom = heaptrace.dom, svg = heaptrace.svg;
	const format = heaptrace.format, draws = heaptrace.chart;

	const LOW_PLOT = 136, HIGH_PLOT = 216;		/* heights of the curves, in pixels */
	const HANDLE_WIDTH = 50, HANDLE_HEIGHT = 17;
	const DRAG_FROM = 6;				/* pixels: less is a click */
	const SERIES = [["live", "live heap"], ["rss", "RSS"], ["calls", "calls per second"]];

	/* ---- The state ---- */

	const beside = window.matchMedia("(min-width: 1180px)");	/* as in style.css */

	let plot = LOW_PLOT;		/* the height of the curves */
	let runs = [];			/* [{curves, chart, box, root}], the one that moments are chosen in last */
	let scales = null;
	let chart = null;		/* of the last run; as each run.chart, what heaptrace.chart.draw() returned */
	let handles = null;		/* {at, from} */
	let tip = null, hair = null;

	const isShown = (name) => !heaptrace.state.get("timeline.hide").split(",").includes(name);

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
		const selection = heaptrace.selection(), other = selection[name === "at" ? "from" : "at"];
		const list = moments().filter((moment) => moment.id !== other);
		let index = list.findIndex((moment) => moment.id === selection[name]);

		if (index < 0) {	/* there is no comparison yet: it begins beside the moment that is shown */
			const shown = heaptrace.findMoment(selection.at).ns;

			index = list.findIndex((moment) => moment.ns >= shown) + (by < 0 ? 0 : -1);
			if (index < (by < 0 ? 0 : -1))
				index = list.length;
		}
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
		return svg("g", {class: "handle " + name, role: "slider", tabindex: "0", "aria-label": label,
			"data-name": name, "aria-valuemin": 0, "aria-valuemax": moments().length - 1,
			onkeydown: (event) => handleKey(event, name)},
		svg("line", {class: "moment-line " + name, y1: HANDLE_HEIGHT}),
		svg("rect", {width: HANDLE_WIDTH, height: HANDLE_HEIGHT, rx: 3}),
		svg("text", {y: 12}, text));
	}

	/* Where the boxes of the handles begin, which do not cover each other. null: there is no such handle. */
	function boxesLeft(at, from) {
		const most = chart.x(scales.ns) + draws.RIGHT - HANDLE_WIDTH;
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
		handle.querySelector("line").setAttribute("y2", draws.TOP + plot);
		handle.querySelector("rect").setAttribute("x", left);
		handle.querySelector("text").setAttribute("x", left + HANDLE_WIDTH / 2);
		handle.setAttribute("aria-valuenow", moments().indexOf(moment));
		handle.setAttribute("aria-valuetext", momentText(moment.id));
	}

	function drawMarks(layer) {
		const selection = heaptrace.selection();

		for (const moment of moments()) {
			const chosen = moment.id === selection.at || moment.id === selection.from;
			const total = isShown("live") ? heaptrace.model.totals("size", moment.id) || 0 : 0;
			const top = chart.x(moment.ns) + " " + (chart.y(total) - 4.5);

			layer.append(svg("path", {class: "mark" + (chosen ? " chosen" : ""), "data-moment": moment.id,
				d: "M" + top + "l4.5 4.5l-4.5 4.5l-4.5-4.5z"}));
		}
	}

	/* The moment of the older run that is compared with, in its own chart. */
	function placeOlder() {
		const selection = heaptrace.selection(), older = runs.length > 1 ? runs[0].chart : null;

		if (!older)
			return;
		older.layer.textContent = "";
		if (selection.from !== "older")
			return;
		const id = selection.at === "peak" ? "peak" : "end";
		const x = older.x(heaptrace.model.diff.moments.find((moment) => moment.id === id).ns);
		const left = Math.min(x - HANDLE_WIDTH / 2, older.x(scales.ns) + draws.RIGHT - HANDLE_WIDTH);
		const top = HANDLE_HEIGHT, bottom = draws.TOP + plot;
		older.layer.append(svg("g", {class: "handle from"},
			svg("line", {class: "moment-line from", x1: x, x2: x, y1: top, y2: bottom}),
			svg("rect", {x: left, width: HANDLE_WIDTH, height: HANDLE_HEIGHT, rx: 3}),
			svg("text", {x: left + HANDLE_WIDTH / 2, y: 12}, "before")));
	}

	/* The window that is shown has a line above it, and what is not of it is pale. */
	function drawWindow(window) {
		if (!window)
			return;
		const left = chart.x(0), right = chart.x(scales.ns), end = window.endedNs === null ? right : chart.x(window.endedNs);
		const begin = Math.min(chart.x(window.begunNs), right);
		const pale = (from, to) => svg("rect", {class: "outside", x: from, y: draws.TOP, width: Math.max(0, to - from), height: plot});

		chart.layer.append(pale(left, begin), pale(end, right), svg("rect", {class: "window", x: begin, y: draws.TOP,
			width: Math.max(2, end - begin), height: 4}, svg("title", null, heaptrace.windows.name(window))));
	}

	function placeAll() {
		const selection = heaptrace.selection();
		const at = heaptrace.findMoment(selection.at), from = heaptrace.findMoment(selection.from);

		chart.layer.textContent = "";
		if (at && from) {
			const a = chart.x(Math.min(at.ns, from.ns)), b = chart.x(Math.max(at.ns, from.ns));
			chart.layer.append(svg("rect", {class: "range", x: a, width: b - a, y: draws.TOP, height: plot}));
		}
		drawWindow(selection.window);
		drawMarks(chart.layer);
		placeOlder();
		const lefts = boxesLeft(at, from);
		placeHandle("from", from, lefts.from);
		placeHandle("at", at, lefts.at);
		for (const row of document.querySelectorAll("#moments tr[data-moment]"))
			row.classList.toggle("chosen", [selection.at, selection.from].includes(row.dataset.moment));
		for (const row of document.querySelectorAll("#windows tr[data-window]"))
			row.classList.toggle("chosen", row.dataset.window === (selection.window ? String(selection.window.number) : "all"));
	}

	/* ---- The pointer ---- */

	function tipText(run, ns) {
		const live = draws.valueAt(run.curves.live, ns), rss = draws.valueAt(run.curves.rss, ns);
		const blocks = draws.valueAt(run.curves.blocks, ns);
		const piece = run.curves.calls.find((calls) => calls[0] <= ns && ns <= calls[1]);

		return ["after " + format.ns(ns), live === null ? "" : "live heap " + format.bytes(live),
			blocks === null ? "" : format.count(blocks) + " blocks",
			rss === null ? "" : "RSS " + format.exactBytes(rss),
			piece ? format.count(piece[2]) + " calls/s" + (piece[3] ? " on average" : "") : ""].filter(Boolean).join(", ");
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
		tip.style.top = draws.TOP + plot + 6 + "px";
	}

	function hideTip() {
		tip.hidden = true;
		hair.style.display = "none";
	}

	/* Pressing the button begins a click or a drag. What is dragged is a handle, or from the place where it
	 * began. */
	function listen(run) {
		let pressed = null;	/* {x, handle, moved} */
		const place = (event) => event.clientX - run.root.getBoundingClientRect().left;

		run.root.addEventListener("pointerdown", function (event) {
			const handle = event.target.closest(".handle");

			if (event.button !== 0)
				return;
			pressed = {x: place(event), handle: handle ? handle.dataset.name : null, moved: false,
				shift: event.shiftKey};
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
		const live = run.curves.live;

		if (live.length === 0)
			return "The heap over the run: nothing is known.";
		return "The live heap over " + format.ns(run.curves.endNs) + ": at most " +
			format.bytes(run.curves.most.live) + ", and " + format.bytes(live[live.length - 1][1]) + " at the end" +
			(run.curves.rss.length > 0 ? "; RSS at most " + format.exactBytes(run.curves.most.rss) : "") + ".";
	}

	function redraw() {
		const focused = ["at", "from"].find((name) => handles[name] === document.activeElement);

		/* Where the chart stands beside the findings, there is room that would be empty otherwise. */
		plot = runs.length === 1 && beside.matches ? HIGH_PLOT : LOW_PLOT;
		scales = draws.scale(runs.map((run) => run.curves), isShown);
		for (const run of runs) {
			const width = Math.max(280, Math.floor(run.box.clientWidth));

			run.chart = draws.draw(run.root, run.curves, scales, {width: width, plot: plot}, isShown);
		}
		const run = runs[runs.length - 1];
		chart = run.chart;
		hair = svg("line", {class: "hair", y1: draws.TOP, y2: draws.TOP + plot + draws.BELOW});
		hair.style.display = "none";
		run.root.append(hair, handles.from, handles.at);
		placeAll();
		if (focused)
			handles[focused].focus({preventScroll: true});
	}

	function toggle(name) {
		const hidden = heaptrace.state.get("timeline.hide").split(",").filter(Boolean);

		const without = hidden.filter((other) => other !== name);

		heaptrace.state.set({"timeline.hide": (hidden.includes(name) ? without : hidden.concat(name)).join(",")});
	}

	/* The boxes that switch the curves, with what they look like. RSS is not known where nobody watched. */
	function legend() {
		const known = SERIES.filter((series) => runs.some((run) => run.curves.most[series[0]] > 0));

		return dom("div", {class: "curves", role: "group", "aria-label": "Curves"}, known.map(([name, title]) =>
			dom("label", {class: "series " + name},
				dom("input", {type: "checkbox", "data-series": name, onchange: () => toggle(name)}),
				dom("span", {class: "key"}), title)));
	}

	function momentRow(moment) {
		const d = heaptrace.document, totals = heaptrace.model.totals;
		const snapshot = moment.kind === "snapshot" ? d.snapshots[Number(moment.id.slice(1))] : null;
		const window = heaptrace.windows.chosen();	/* of which calls are known at the end only */
		const calls = window ? totals("total-count", moment.id) : snapshot ? snapshot["total-count"] : moment.kind === "end" ? d.totals["total-count"] : null;
		const rss = moment.kind === "start" ? null : draws.valueAt(runs[runs.length - 1].curves.rss, moment.ns);
		const figures = [[moment.ns, "ns"], [totals("size", moment.id), "bytes"], [totals("count", moment.id), "blocks"],
			[calls, "calls"], [rss, "exact bytes"]];
		const button = (name, text) => dom("button", {class: "link", onclick: () => choose(name, moment.id)}, text);

		return dom("tr", {"data-moment": moment.id},
			dom("th", {scope: "row"}, moment.kind === "snapshot" ? "snapshot" : moment.label),
			figures.map(([value, unit]) => dom("td", {class: "number"},
				typeof value === "number" ? format.value(value, unit) : "")),
			dom("td", {class: "tools"}, button("at", "show"),
				moment.id === "end" ? null : button("from", "compare with")));
	}

	function momentTable() {
		const heads = [["Moment"], ["Time", "number"], ["Live bytes", "number"], ["Live blocks", "number"],
			["Calls until then", "number"], ["RSS", "number"], ["Choose"]];

		return dom("details", {id: "moments"},
			dom("summary", null, "The moments as a table (" + moments().length + ")"),
			dom("div", {class: "table-scroll"}, dom("table", {class: "data"},
				dom("caption", {class: "hidden"}, "Moments of which all backtraces are known"),
				dom("thead", null, dom("tr", null, heads.map((head) =>
					dom("th", {scope: "col", class: head[1]}, head[0])))),
				dom("tbody", null, moments().map(momentRow)))));
	}

	function windowRow(window) {
		const total = (key) => heaptrace.windows.total(window, key, "end");
		const cell = (text, name) => dom("td", {class: name || ""}, text);
		const show = () => heaptrace.state.set({window: window.number});
		const recorded = window.sampleBytes === 0 ? "each block" : "one in about " + format.exactBytes(window.sampleBytes);

		return dom("tr", {"data-window": window.number},
			dom("th", {scope: "row"}, dom("button", {class: "link", onclick: show}, heaptrace.windows.name(window))),
			cell(format.ns(window.begunNs), "number"),
			cell(window.endedNs === null ? "" : format.ns(window.endedNs), "number"),
			cell(window.begunBy), cell(recorded), cell(window.marks.join(", ")), cell(format.bytes(total("size")), "number"),
			cell(format.value(total("total-count"), "calls"), "number"));
	}

	/* The windows in words, with what was allocated in each. */
	function windowTable() {
		const list = heaptrace.windows.list;
		const heads = [["Window"], ["From", "number"], ["To", "number"], ["Begun by"], ["Recorded"], ["Marks"],
			["Live bytes", "number"], ["Calls", "number"]];
		const showAll = () => heaptrace.state.set({window: "all"});
		const all = dom("tr", {"data-window": "all"}, dom("th", {scope: "row", colspan: heads.length},
			dom("button", {class: "link", onclick: showAll}, "all of them")));

		return list.length === 0 ? "" : dom("details", {id: "windows"},
			dom("summary", null, "The windows as a table (" + list.length + ")"),
			dom("div", {class: "table-scroll"}, dom("table", {class: "data"},
				dom("caption", {class: "hidden"}, "Windows in which blocks were recorded: the button of one shows it"),
				dom("thead", null, dom("tr", null, heads.map((head) => dom("th", {scope: "col", class: head[1]}, head[0])))),
				dom("tbody", null, list.map(windowRow), all))));
	}

	/* What happened to the recording, in words. */
	function eventTable(d) {
		const cell = (text, name) => dom("td", {class: name || ""}, text);
		const row = (event) => dom("tr", null, cell(format.ns(event.ns), "number"), cell(event.kind),
			cell(event.text || ""), cell(format.bytes(event.size), "number"));

		return d.events.length === 0 ? null : dom("details", {id: "events"},
			dom("summary", null, "What happened to the recording (" + d.events.length + ")"),
			dom("div", {class: "table-scroll"}, dom("table", {class: "data"},
				dom("caption", {class: "hidden"}, "Windows and marks of the recording"),
				dom("thead", null, dom("tr", null, [["Time", "number"], ["Event", ""], ["Text", ""], ["Live bytes", "number"]]
					.map((head) => dom("th", {scope: "col", class: head[1]}, head[0])))),
				dom("tbody", null, d.events.map(row)))));
	}

	function addRun(charts, d, title) {
		const root = svg("svg", {role: "group"});
		const box = dom("div", {class: "chart"}, title ? dom("h3", null, title) : null, root);
		const run = {curves: draws.curves(d), root: root, box: box};

		root.setAttribute("aria-label", (title ? title + ". " : "") + description(run));
		charts.append(box);
		runs.push(run);
		return run;
	}

	function update(changed) {
		for (const box of document.querySelectorAll("#timeline [data-series]"))
			box.checked = isShown(box.dataset.series);
		if (changed !== null && changed.has("window"))
			document.querySelector("#moments tbody").replaceChildren(...moments().map(momentRow));
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
			dom("span", {class: "muted hint"},
				"click: look at that moment \u00b7 Shift+click or drag: compare two")),
		charts, momentTable(), windowTable(), eventTable(d) || "");
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
