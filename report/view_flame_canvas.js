/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boxes of a flame graph on a canvas. A box is a node of a tree of view_call_trees.js; its width is its figure, and
 * its children stand beside each other above it (flame) or below it (icicle), the largest first.
 *
 *	const picture = heaptrace.flameCanvas(element, {hover(box, event), choose(box)})
 *	picture.show({root, zoomed, large(node, least), width(node), colour(box) -> [fill, text], name(box), upward,
 *		font, lineColour, focusColour})
 *					large() is that of the tree
 *	picture.focus, picture.setFocus(box), picture.neighbour("left"), picture.boxOf(node)
 *
 * Children that are narrower than half a pixel are one pale box together, "N more". Only what is in sight is drawn, in
 * the pixels of the screen (devicePixelRatio). The place to scroll in is an element with the whole height, in which the
 * canvas sticks.
 */
"use strict";

heaptrace.flameCanvas = (() => {
	const { dom } = heaptrace;
	const LINE = 19; /* pixels from one level to the next */
	const GAP = 1;
	const LEAST = 0.5; /* pixels: the least width of a box of its own */
	const FONT = 12;
	const SHORTENED = 2000; /* characters of a name, of which what follows is not seen in any case */
	const PADDING = 4;
	const PAGE = 700; /* pixels of the canvas at most on paper */
	const SLICE = 30; /* milliseconds: after these, what is out of sight is laid out later */

	/* Names in short, as far as they have been drawn. */
	const shortNames = new Map();

	function shortened(name) {
		if (!shortNames.has(name))
			shortNames.set(name, heaptraceShortName(name.slice(0, SHORTENED)));
		return shortNames.get(name);
	}

	return (element, options) => {
		const canvas = dom("canvas", { class: "flame-canvas" });
		const spacer = dom("div", { class: "flame-space" }, canvas);
		const scroller = dom("div", { class: "flame-scroller", onscroll: plan }, spacer);
		const context = canvas.getContext("2d");
		let view = null,
			levels = [],
			width = 0,
			height = 0,
			planned = false,
			focus = null,
			hovered = null,
			charWidth = 7,
			waiting = 0,
			onPaper = false;

		element.append(scroller);

		/* ---- Layout ---- */

		/*
		 * levels[n] is a list of boxes {node, x, w, level, more}; x and w are pixels. What is in sight is laid out at once;
		 * where that takes long, the rest follows in between, so that the reader does not wait for it.
		 */
		function layOut() {
			const path = [];

			for (let n = view.zoomed; n; n = n.parent) path.unshift(n);
			levels = path.map((node, level) => [
				{ node, x: 0, w: width, level, more: 0, passed: level < path.length - 1 },
			]);
			layOutFrom(path.length - 1);
		}

		function layOutFrom(level) {
			const start = performance.now(),
				inSight = parseFloat(getComputedStyle(scroller).maxHeight) || 2000;

			window.clearTimeout(waiting);
			for (; level < levels.length; level++) {
				if (performance.now() - start > SLICE && level * LINE > inSight + 2 * LINE) {
					waiting = window.setTimeout(goOn, 0, level);
					break;
				}
				layOutChildren(level);
			}
			setHeight();
		}

		/* On paper nobody scrolls: there the canvas has the levels at the root, as many as fit on a page. */
		function setHeight() {
			const all = levels.length * LINE;

			onPaper = window.matchMedia("print").matches;
			height = Math.min(all, onPaper ? PAGE : all);
			spacer.style.height = height + "px";
			if (!onPaper) height = Math.min(all, scroller.clientHeight || all);
		}

		function goOn(level) {
			const before = levels.length;

			layOutFrom(level);
			if (view.upward) scroller.scrollTop += (levels.length - before) * LINE;
			draw();
		}

		function layOutChildren(level) {
			const next = [];

			for (const box of levels[level]) {
				const whole = view.width(box.node);

				if (box.more || box.passed || !whole) continue;
				const scale = box.w / whole,
					large = [];
				const children = view.large(box.node, LEAST / scale);
				let x = box.x,
					rest = children.sum,
					{ count } = children;

				for (const c of children.list) {
					const own = view.width(c);

					if (own * scale >= LEAST) {
						large.push(c);
					} else if (own) {
						rest += own;
						count++;
					}
				}
				large.sort((a, b) => view.width(b) - view.width(a));
				for (const c of large) {
					const w = view.width(c) * scale;

					next.push({ node: c, x, w, level: level + 1, more: 0, passed: false });
					x += w;
				}
				if (rest * scale >= LEAST)
					next.push({
						node: box.node,
						x,
						w: rest * scale,
						level: level + 1,
						more: count,
						sum: rest,
						passed: false,
					});
			}
			if (next.length) levels.push(next);
		}

		/* ---- Drawing ---- */

		function plan() {
			if (planned || !view) return;
			planned = true;
			requestAnimationFrame(() => {
				planned = false;
				draw();
			});
		}

		const topOf = level => (view.upward ? levels.length * LINE - (level + 1) * LINE : level * LINE);

		function draw() {
			const ratio = window.devicePixelRatio || 1;
			const from = !onPaper
				? scroller.scrollTop
				: view.upward
					? levels.length * LINE - height
					: 0;

			if (
				canvas.width !== Math.round(width * ratio) ||
				canvas.height !== Math.round(height * ratio)
			) {
				canvas.width = Math.round(width * ratio);
				canvas.height = Math.round(height * ratio);
				canvas.style.width = width + "px";
				canvas.style.height = height + "px";
			}
			context.setTransform(ratio, 0, 0, ratio, 0, 0);
			context.clearRect(0, 0, width, height);
			context.font = FONT + "px " + view.font;
			context.textBaseline = "middle";
			context.direction = "ltr";
			charWidth = context.measureText("abcdefghij").width / 10;
			levels.forEach((boxes, level) => {
				const y = topOf(level) - from;

				if (y + LINE < 0 || y > height) return;
				for (const box of boxes) drawBox(box, y);
			});
			outline(hovered, view.lineColour, 1, from);
			outline(focus, view.focusColour, 2, from);
		}

		function drawBox(box, y) {
			const [fill, ink] = view.colour(box),
				w = Math.max(LEAST, box.w - (box.w > 3 ? GAP : 0));

			context.globalAlpha = box.passed ? 0.55 : 1;
			context.fillStyle = fill;
			context.fillRect(box.x, y, w, LINE - GAP);
			context.globalAlpha = 1;
			if (box.w < 3 * charWidth + 2 * PADDING) return;
			context.fillStyle = ink;
			context.fillText(
				fitting(box, Math.floor((box.w - 2 * PADDING) / charWidth)),
				box.x + PADDING,
				y + (LINE - GAP) / 2 + 0.5
			);
		}

		function fitting(box, room) {
			let name = view.name(box);

			if (name.length > room) name = shortened(name);
			if (name.length > room)
				name = name.replace(/^.*::(?=[^:]+$)/, "");
			return name.length > room ? name.slice(0, Math.max(1, room - 1)) + "\u2026" : name;
		}

		function outline(box, colour, thick, from) {
			if (!box) return;
			context.strokeStyle = colour;
			context.lineWidth = thick;
			context.strokeRect(
				box.x + thick / 2,
				topOf(box.level) - from + thick / 2,
				Math.max(1, box.w - thick - GAP),
				LINE - GAP - thick
			);
		}

		/* ---- Where the pointer is ---- */

		function boxUnder(event) {
			const area = canvas.getBoundingClientRect(),
				y = event.clientY - area.top + scroller.scrollTop,
				x = event.clientX - area.left;
			const level = Math.floor((view.upward ? levels.length * LINE - y : y) / LINE),
				boxes = levels[level];

			return boxes
				? boxes.find(box => x >= box.x && x < box.x + Math.max(box.w, 1)) || null
				: null;
		}

		canvas.addEventListener("pointermove", event => {
			const box = view ? boxUnder(event) : null;

			if (box !== hovered) {
				hovered = box;
				plan();
			}
			options.hover(box, event);
		});
		canvas.addEventListener("pointerleave", () => {
			hovered = null;
			plan();
			options.hover(null, null);
		});
		canvas.addEventListener("click", event => {
			const box = view ? boxUnder(event) : null;

			if (box) options.choose(box);
		});

		/* ---- The box that the keyboard is at ---- */

		function setFocus(box) {
			if (box === focus) return;
			focus = box;
			if (box) {
				const top = topOf(box.level);

				if (top < scroller.scrollTop) scroller.scrollTop = top;
				else if (top + LINE > scroller.scrollTop + height)
					scroller.scrollTop = top + LINE - height;
			}
			plan();
		}

		/* The box beside, inward or outward of the one with the focus: "left", "right", "inward", "outward". */
		function neighbour(where) {
			if (!focus) return levels.length ? levels[0][0] : null;
			const boxes = levels[focus.level],
				i = boxes.indexOf(focus),
				middle = focus.x + Math.min(focus.w / 2, 1);

			if (where === "left" || where === "right")
				return boxes[where === "left" ? i - 1 : i + 1] || focus;
			const beside = levels[focus.level + (where === "inward" ? 1 : -1)] || [];
			return (
				beside.find(box => middle >= box.x && middle < box.x + Math.max(box.w, 1)) ||
				focus
			);
		}

		/* ---- The whole ---- */

		function resize() {
			if (!view) return;
			const at = focus && { node: focus.node, more: focus.more };

			/* While the page has no layout, as during a picture of the whole page, the width stays as it was. */
			width = scroller.clientWidth || width || 50;
			layOut();
			hovered = null;
			focus = at
				? levels.flat().find(box => box.node === at.node && box.more === at.more) ||
					null
				: null;
			draw();
		}

		function show(next) {
			const turned = !view || view.upward !== next.upward;

			if (!view || view.root !== next.root) focus = null;
			view = next;
			resize();
			if (turned || view.upward) {
				scroller.scrollTop = view.upward ? scroller.scrollHeight : 0;
				plan();
			}
		}

		/* Draws again where the canvas has another size than it should have. */
		function refit() {
			const before = height;

			if (!view || !scroller.clientWidth) return;
			setHeight();
			if (height !== before || canvas.width !== Math.round(width * (window.devicePixelRatio || 1)))
				plan();
		}

		window.addEventListener("resize", refit);
		try {
			/* Another screen, or another scale of the page, has other points for the same pixels. */
			new ResizeObserver(refit).observe(spacer, { box: "device-pixel-content-box" });
		} catch (error) {
			/* Browsers that do not tell draw in the old points until something else changes. */
		}

		return {
			show,
			neighbour,
			setFocus,
			canvas,
			get focus() {
				return focus;
			},
			boxOf: node => levels.flat().find(box => box.node === node && !box.more) || null,
		};
	};
})();
