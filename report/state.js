/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the page shows, as names with values: the view, the key, the moment, the moment to compare with, the window of the
 * recording, the search.
 * They live in the fragment of the page's address, so that a copied address opens the same view, and the browser's
 * back button goes to the one before:
 *
 *	heap.html#view=flame&key=size&at=end&from=s3&search=parse
 *
 *	heaptrace.state.get(name)	the value, a text; the default where the address has none; "" without default
 *	heaptrace.state.set({name: value, ...})
 *					changes several at once, as one step of the browser's history; a value that is
 *					the default, "" or null is left out of the address. A second argument
 *					{replace: true} changes the current step instead, for typing and dragging
 *	heaptrace.state.setDefault(name, value)
 *	heaptrace.state.onChange(fn)		fn(names), a Set of the names that have changed
 *
 * A view keeps names of its own there, with its id in front: flame.zoom, rows.sort.
 *
 *	heaptrace.selection()	what all views show:
 *		key, title, unit	the sort key, its title ("live bytes"), and "bytes", "blocks", "calls" or "ns"
 *		at, from		ids of moments; from is "none" without comparison, "older" for the older run
 *		now			Float64Array: the figure of each row
 *		before			Float64Array with those to compare with, or null
 *		total, totalBefore	of the whole heap, with what is not known row by row; totalBefore can be null
 *		rest			how much of total is not in now
 *		window			null: of all windows together; or one of heaptrace.windows.list
 *		label			"live bytes of window 2 at the end, compared with 1.200 secs"
 *		comparing		whether there is a before
 *		search			null, or what the search box says: see search.js
 *	It stays the same object until one of these changes, so a view can tell that by ===.
 */
(function () {
	"use strict";

	const ORDER = ["view", "key", "at", "from", "window", "search"];	/* at the beginning of the address */
	const listeners = [];
	const defaults = new Map();
	let values = parse(window.location.hash);
	let cached = null;

	function decode(text) {
		try {
			return decodeURIComponent(text);
		} catch (error) {
			return text;	/* somebody has cut the address in the middle of a character */
		}
	}

	function parse(hash) {
		const map = new Map();

		for (const part of hash.replace(/^#/, "").split("&")) {
			const equals = part.indexOf("=");

			if (equals > 0)
				map.set(decode(part.slice(0, equals)), decode(part.slice(equals + 1)));
		}
		return map;
	}

	/* `/`, `:`, `,`, `;` and `@` stand for themselves in a fragment, and an address is easier to read with them. */
	function encode(text) {
		return encodeURIComponent(text).replace(/%(2F|3A|2C|3B|40)/g, decodeURIComponent);
	}

	function fragment(map) {
		const names = ORDER.filter((name) => map.has(name))
			.concat(Array.from(map.keys()).filter((name) => !ORDER.includes(name)));

		return "#" + names.map((name) => encode(name) + "=" + encode(map.get(name))).join("&");
	}

	/* The value in a map, or else the default. */
	function valueIn(map, name) {
		return map.has(name) ? map.get(name) : defaults.has(name) ? defaults.get(name) : "";
	}

	const get = (name) => valueIn(values, name);

	function notify(changed) {
		if (changed.size === 0)
			return;
		if (ORDER.some((name) => name !== "view" && changed.has(name)))
			cached = null;
		if (changed.has("window"))
			heaptrace.windows.choose(get("window"));
		for (const fn of listeners)
			fn(changed);
	}

	/* What differs between two maps, each value that is missing being its default. */
	function difference(before, after) {
		const changed = new Set();

		for (const name of [...before.keys(), ...after.keys()]) {
			if (valueIn(before, name) !== valueIn(after, name))
				changed.add(name);
		}
		return changed;
	}

	function writeAddress(replace) {
		const address = values.size > 0 ? fragment(values) : "#";

		try {
			if (replace)
				window.history.replaceState(null, "", address);
			else
				window.history.pushState(null, "", address);
		} catch (error) {
			window.location.hash = address;	/* pages without an address of their own refuse the above */
		}
	}

	function set(changes, options) {
		const before = values;
		const after = new Map(values);

		for (const [name, value] of Object.entries(changes)) {
			const text = value === null || value === undefined ? "" : String(value);

			if (text === "" || text === defaults.get(name))
				after.delete(name);
			else
				after.set(name, text);
		}
		const changed = difference(before, after);
		if (changed.size === 0)
			return;
		values = after;
		writeAddress(Boolean(options && options.replace));
		notify(changed);
	}

	window.addEventListener("hashchange", function () {
		const before = values;

		values = parse(window.location.hash);
		notify(difference(before, values));
	});

	heaptrace.state = {
		get: get,
		set: set,
		setDefault(name, value) {
			defaults.set(name, value);
			cached = null;
		},
		onChange(fn) {
			listeners.push(fn);
		},
	};

	/* ---- The selection ---- */

	const NONE = "none", OLDER = "older";

	heaptrace.findKey = function (name) {
		return heaptrace.model.keys.find((key) => key.name === name) || null;
	};

	heaptrace.findMoment = function (id) {
		return heaptrace.model.moments.find((moment) => moment.id === id) || null;
	};

	/* Whether the rows' figures of that key are known at that moment. */
	heaptrace.isKnown = function (key, moment) {
		if (moment === OLDER)
			return heaptrace.model.diff !== null;
		return heaptrace.findMoment(moment) !== null && heaptrace.model.values(key, moment) !== null;
	};

	/* "at the end", "after 1.200 secs" */
	heaptrace.momentLabel = function (id) {
		const moment = heaptrace.findMoment(id);

		if (id === NONE)
			return "nothing";
		if (id === OLDER)
			return "the older run";
		if (!moment)
			return id;
		if (moment.kind === "snapshot")
			return "after " + heaptrace.format.ns(moment.ns);
		if (moment.kind === "end" && !heaptrace.document.moment.ended)
			return "at the moment of the report";
		return "at " + moment.label;
	};

	/* Sums since the start, and peaks, are not figures of one moment. */
	function label(key, at, from) {
		const ofMoment = at !== "end" || ["size", "count", "age"].includes(key.name);
		const window = heaptrace.windows.chosen();

		return key.title + (window ? " of " + heaptrace.windows.name(window) : "") +
			(ofMoment ? " " + heaptrace.momentLabel(at) : "") +
			(from !== NONE ? ", compared with " + heaptrace.momentLabel(from).replace(/^(at|after) /, "") : "");
	}

	function makeSelection() {
		const model = heaptrace.model;
		const key = heaptrace.findKey(get("key")) || heaptrace.findKey(defaults.get("key")) || model.keys[0];
		const at = [get("at"), defaults.get("at"), "end"]
			.find((id) => heaptrace.isKnown(key.name, id) && id !== OLDER);
		const from = heaptrace.isKnown(key.name, get("from")) && get("from") !== at ? get("from") : NONE;
		const now = model.values(key.name, at);
		let before = null, totalBefore = null;

		if (from === OLDER) {
			const when = at === "peak" ? "peak" : "end";	/* the moments of which the older run is known */

			before = model.diff.values(key.name, when);
			totalBefore = model.diff.totals(key.name, when);
		} else if (from !== NONE) {
			before = model.values(key.name, from);
			totalBefore = model.totals(key.name, from);
		}
		const shown = heaptrace.sum(now);
		const known = model.totals(key.name, at);
		const total = known === null ? shown : known;
		if (before !== null && totalBefore === null)
			totalBefore = heaptrace.sum(before);
		return {
			key: key.name, title: key.title, unit: key.unit, at: at, from: from, now: now, before: before,
			total: total, totalBefore: totalBefore, rest: Math.max(0, total - shown),
			window: heaptrace.windows.chosen(), label: label(key, at, from),
			comparing: before !== null, search: heaptrace.search(get("search")),
		};
	}

	heaptrace.selection = function () {
		if (cached === null)
			cached = makeSelection();
		return cached;
	};

	/* A report for whose backtraces there was no memory has a catalog without any. */
	function makeEmptyModel(d) {
		d.catalog = {
			texts: [""],
			modules: {path: [0], "build-id": [null], start: [0], end: [0], bias: [0], "names-missing": [null],
				"lines-missing": [null]},
			functions: {name: [0], module: [0], wrapper: [0]},
			places: {function: [], file: [], line: [], inlined: []},
			addresses: {module: [], offset: [], places: []},
			nodes: {outer: [0], address: [0]},
			"thread-sets": [],
			rows: {id: [], node: [], "thread-set": [], "table-full": null, histogram: null},
		};
		for (const key of heaptrace.keys)
			d.catalog.rows[key.name] = [];
		return heaptrace.decode(d);
	}

	/* The key of --sort is shown first. A program that has freed everything is shown at its peak. */
	heaptrace.startState = function () {
		const d = heaptrace.document;

		heaptrace.withoutCatalog = heaptrace.model === null;
		if (heaptrace.withoutCatalog)
			heaptrace.model = makeEmptyModel(d);
		const model = heaptrace.model;
		const key = d.sections && d.sections.length > 0 ? d.sections[0].key : "size";
		const empty = model.totals(key, "end") === 0;

		heaptrace.state.setDefault("key", key);
		heaptrace.state.setDefault("at", empty && heaptrace.isKnown(key, "peak") ? "peak" : "end");
		heaptrace.state.setDefault("from", model.diff ? "older" : "none");
		heaptrace.state.setDefault("window", "all");
		heaptrace.windows.choose(get("window"));
	};

	/* Chooses a key. Most are known at the end only, so the moment gives way to the key. */
	heaptrace.chooseKey = function (key) {
		const at = get("at"), from = get("from");

		heaptrace.state.set({
			key: key,
			at: heaptrace.isKnown(key, at) ? at : "end",
			from: heaptrace.isKnown(key, from) ? from : NONE,
		});
	};

	/* Chooses the moment that is shown, and the one that it is compared with; undefined: stays. The key gives
	 * way. */
	heaptrace.chooseMoments = function (at, from, options) {
		const key = heaptrace.selection().key;
		const ids = [at === undefined ? heaptrace.selection().at : at,
			from === undefined ? heaptrace.selection().from : from];
		const known = ids.every((id) => id === NONE || heaptrace.isKnown(key, id));

		heaptrace.state.set({
			key: known ? key : "size", at: ids[0], from: ids[0] === ids[1] ? NONE : ids[1],
		}, options);
	};
})();
