/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A chart of a run: live heap and RSS on one scale of bytes, and calls per second below, on a scale of their own.
 *
 *	heaptrace.chart.curves(document)	the figures: see the function
 *	heaptrace.chart.valueAt(curve, ns)	the value of a curve at a time, or null
 *	heaptrace.chart.scale(list, shown)	the ends of the axes, which the charts of two runs share
 *	heaptrace.chart.draw(svg, curves, scale, size, shown)
 *	heaptrace.chart.TOP, .BELOW, .RIGHT	the room above the curves, below them (for the calls), and to the right
 *
 * Times are nanoseconds since the start of the run, places in a chart are pixels.
 */
heaptrace.chart = (function () {
	"use strict";

	const svg = heaptrace.svg, format = heaptrace.format;

	const TOP = 24, GAP = 10, RATE = 32, TIMES = 20, LEFT = 66, RIGHT = 14;
	const BELOW = GAP + RATE;

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

	/*
	 * Calls per second between each two points at which the calls are known: [[from ns, to ns, calls/s, average]...].
	 * average: the calls of several points of the timeline in between are not known, so that this says little of each.
	 */
	function rates(points, times) {
		const list = [];
		let next = 0;

		for (let i = 1; i < points.length; i++) {
			const ns = points[i][0] - points[i - 1][0];

			const first = next;

			while (next < times.length && times[next] < points[i][0])
				next++;
			if (ns > 0)
				list.push([points[i - 1][0], points[i][0], (points[i][1] - points[i - 1][1]) * 1e9 / ns, next - first > 4]);
		}
		return list;
	}

	const largest = (list, at) => list.reduce((most, point) => Math.max(most, point[at]), 0);

	/*
	 * The figures of a run, from its document: {live, rss, blocks}, curves as [[ns, value]...]; calls, as rates()
	 * has them; dumps, the times at which earlier dumps were taken; endNs; and the largest values, most.live and
	 * so on.
	 */
	function curves(d) {
		const t = d.timeline;
		const live = pairs(t.ns, t.size), rss = pairs(t.ns, t["rss-bytes"]);
		const calls = rates(pairs(t.ns, t["total-count"]), t.ns);

		return {
			windows: d.windows ? d.windows.list : [], events: d.events || [],
			live: live, rss: rss, calls: calls, blocks: pairs(t.ns, t.count), dumps: t["dumps-ns"],
			endNs: Math.max(1, d.moment["since-start-ns"], ...t.ns.slice(-1)),
			/* A short peak can lie between the points. */
			most: {live: Math.max(largest(live, 1), d.totals["heap-peak"]), rss: largest(rss, 1),
				calls: largest(calls, 2)},
		};
	}

	/* The value between two points is that on the line which is drawn. null: the curve has not begun. */
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

	function scale(list, shown) {
		const most = (name) => Math.max(...list.map((run) => run.most[name]));

		return {
			ns: Math.max(...list.map((run) => run.endNs)),
			bytes: Math.max(shown("live") ? most("live") : 0, shown("rss") ? most("rss") : 0, 1000) * 1.04,
			rate: most("calls"),
		};
	}

	/* ---- Axes ---- */

	/* Round steps, so that at most `count` of them make up `most`: 1, 2 or 5 times a power of ten. */
	function decimalStep(most, count) {
		const power = Math.pow(10, Math.floor(Math.log10(most / count)));

		return [1, 2, 5, 10].map((n) => n * power).find((step) => most / step <= count);
	}

	/* The same for times. */
	function timeStep(most, count) {
		const MINUTE = 60e9, HOUR = 3600e9, DAY = 24 * HOUR;
		const steps = [MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE,
			HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR];

		if (most / count < 30e9)
			return Math.min(decimalStep(most, count), 30e9);
		return steps.find((step) => most / step <= count) || DAY * decimalStep(most / DAY, count);
	}

	/* "2.500 MB" as "2.5 MB" */
	function short(text) {
		return text.replace(/(\.\d*?)0+(?= |$)/, "$1").replace(/\.(?= |$)/, "");
	}

	function shortTime(ns) {
		return ns === 0 ? "0" : short(format.ns(ns)).replace(/ secs?$/, " s").replace(/ 0 (s|mins)$/, "")
			.replace(/ mins?/, " min").replace(/ hours?/, " h");
	}

	/* "97 k", "3.8 M" */
	function shortCount(n) {
		const unit = [["G", 1e9], ["M", 1e6], ["k", 1e3]].find((pair) => n >= pair[1]);

		return unit ? String(Number((n / unit[1]).toPrecision(2))) + " " + unit[0] : format.count(n);
	}

	/* ---- Drawing ---- */

	/* Where things lie: {x(ns), y(bytes), ns(x)} and the edges. */
	function places(ends, size) {
		const right = size.width - RIGHT, base = TOP + size.plot;

		return {
			right: right, base: base, rateBase: base + BELOW,
			x: (ns) => LEFT + (right - LEFT) * ns / ends.ns,
			y: (bytes) => base - size.plot * bytes / ends.bytes,
			ns: (x) => (x - LEFT) / (right - LEFT) * ends.ns,
		};
	}

	function drawGrid(root, at, ends) {
		const bytesStep = decimalStep(ends.bytes, 5);
		const nsStep = timeStep(ends.ns, Math.max(2, (at.right - LEFT) / 90));

		for (let bytes = 0; bytes <= ends.bytes * 1.0001; bytes += bytesStep) {
			const y = at.y(bytes);

			root.append(svg("line", {class: "grid", x1: LEFT, x2: at.right, y1: y, y2: y}),
				svg("text", {x: LEFT - 6, y: y + 4, "text-anchor": "end"},
					bytes === 0 ? "0" : short(format.bytes(bytes))));
		}
		for (let ns = 0; ns <= ends.ns * 1.0001; ns += nsStep) {
			const x = at.x(ns);
			const anchor = ns === 0 ? "start" : x > at.right - 20 ? "end" : "middle";

			root.append(svg("line", {class: "grid", x1: x, x2: x, y1: at.base, y2: at.base + 4}),
				svg("text", {x: x, y: at.rateBase + TIMES - 6, "text-anchor": anchor}, shortTime(ns)));
		}
	}

	function linePath(curve, at) {
		return curve.length === 0 ? "" :
			"M" + curve.map((point) => at.x(point[0]).toFixed(1) + " " + at.y(point[1]).toFixed(1)).join("L");
	}

	function drawLive(root, at, curve) {
		const line = linePath(curve, at);

		if (curve.length === 0)
			return;
		root.append(svg("path", {class: "live-area", d: line + "V" + at.base + "H" + at.x(curve[0][0]) + "Z"}),
			svg("path", {class: "live-line", d: line}));
	}

	/* A box for each piece of time, which is wide enough to be seen; paler where it is an average of a long time. */
	function drawCalls(root, at, run, ends) {
		const boxes = (average) => run.calls.filter((piece) => piece[3] === average).map(function (piece) {
			const from = at.x(piece[0]), to = Math.max(at.x(piece[1]), from + 0.7);
			const top = at.rateBase - RATE * piece[2] / ends.rate;

			return "M" + from.toFixed(1) + " " + at.rateBase + "V" + top.toFixed(1) + "H" + to.toFixed(1) +
				"V" + at.rateBase + "Z";
		}).join("");

		root.append(svg("line", {class: "grid", x1: LEFT, x2: at.right, y1: at.rateBase, y2: at.rateBase}),
			svg("text", {x: LEFT - 6, y: at.rateBase - RATE + 8, "text-anchor": "end"},
				shortCount(ends.rate) + "/s"),
			svg("path", {class: "rate-area", d: boxes(false)}), svg("path", {class: "rate-area average", d: boxes(true)},
				svg("title", null, "an average: here the calls were counted seldom")));
	}

	/* Shades the time in which nothing was recorded: before, between and behind the windows of the recording. */
	function drawPauses(root, at, run, height) {
		let from = 0;

		if (run.windows.length === 0)
			return;
		for (const piece of run.windows.concat({"begun-ns": run.endNs, "ended-ns": null})) {
			if (piece["begun-ns"] > from && from !== null)
				root.append(svg("rect", {class: "pause", x: at.x(from), y: TOP, height: height,
					width: Math.max(0, at.x(Math.min(piece["begun-ns"], run.endNs)) - at.x(from))},
				svg("title", null, "nothing was recorded")));
			from = piece["ended-ns"];
			if (from === null)
				return;
		}
	}

	/*
	 * Draws into the <svg> element. ends: what scale() returns; size: {width, plot}, plot being the height of the
	 * curves; shown(name): whether "live", "rss" and "calls" are. Returns {x(ns), y(bytes), ns(x), layer}; what
	 * is to lie above the curves goes into the layer, an element.
	 */
	function draw(root, run, ends, size, shown) {
		const at = places(ends, size), height = TOP + size.plot + BELOW + TIMES;

		root.textContent = "";
		root.setAttribute("viewBox", "0 0 " + size.width + " " + height);
		root.setAttribute("height", height);
		drawPauses(root, at, run, size.plot);
		drawGrid(root, at, ends);
		if (shown("live"))
			drawLive(root, at, run.live);
		if (shown("rss"))
			root.append(svg("path", {class: "rss-line", d: linePath(run.rss, at)}));
		if (shown("calls") && ends.rate > 0)
			drawCalls(root, at, run, ends);
		for (const ns of run.dumps) {
			root.append(svg("path", {class: "dump", d: "M" + at.x(ns) + " " + (at.base + 1) + "l4 7h-8z"},
				svg("title", null, "a dump was taken after " + format.ns(ns))));
		}
		for (const event of run.events) {
			const words = "after " + format.ns(event.ns) + ": " + (event.text === null ? "recording " + event.kind : event.text);

			root.append(svg("path", {class: "event " + event.kind, d: "M" + at.x(event.ns) + " " + TOP + "V" + at.base},
				svg("title", null, words)));
			if (event.text !== null)
				root.append(svg("text", {class: "event", x: at.x(event.ns) + 3, y: TOP + 10}, event.text));
		}
		const layer = svg("g");
		root.append(layer);
		return {x: at.x, y: at.y, ns: at.ns, layer: layer};
	}

	return {curves, valueAt, scale, draw, TOP, BELOW, RIGHT};
})();
