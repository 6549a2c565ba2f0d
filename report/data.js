/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data of a report: the document that stands in the page, which doc/json.md describes, and a model of it, decoded
 * once, that all views read. Nothing changes after the start.
 *
 * Things are numbers. A row has a node, the innermost frame of its stack; a node has an address and an outer node, up
 * to node 0, the root, which has no address; an address has one or several places, the inlined ones first; a place has
 * a function, a file and a line; a function has a module.
 *
 *	heaptrace.document		the document
 *	heaptrace.model			see decode() and the lines above each function
 *	heaptrace.format.bytes(n)	numbers as a text dump prints them
 *
 * Names come from the traced program, and can hold anything: put them into a page by textContent only.
 */
"use strict";

const heaptrace = {};

/* ---- Numbers as text, as base/out.c has them ---- */

heaptrace.format = (() => {
	const milli = (n) => (Math.floor(n) / 1000).toFixed(3);

	/* "~" before figures of a sampled run, which are estimates: estimates() sets it. */
	let mark = "";

	/* "999 bytes", "22.704 KB", "2.121 MB", "1.500 GB": decimal, rounded down. */
	function exactBytes(n) {
		if (n < 0)
			return "-" + exactBytes(-n);
		if (n < 1e3)
			return Math.floor(n) + " bytes";
		if (n < 1e6)
			return milli(n) + " KB";
		if (n < 1e9)
			return milli(n / 1e3) + " MB";
		return milli(n / 1e6) + " GB";
	}

	/* The same of the heap, which may be an estimate. */
	const bytes = (n) => n < 0 ? "-" + bytes(-n) : mark + exactBytes(n);

	const count = (n) => String(Math.round(n));

	/* "1 hour", "2 hours" for "hour". */
	const counted = (n, what) => n + " " + what + (n === 1 ? "" : "s");

	/* "750 ns", "12.045 us", "6.236 ms", "1.500 secs", "2 mins 5 secs", "1 hour 2 mins". */
	function ns(n) {
		const secs = Math.floor(n / 1e9);

		if (n < 0)
			return "-" + ns(-n);
		if (n < 1e3)
			return Math.floor(n) + " ns";
		if (n < 1e6)
			return milli(n) + " us";
		if (n < 1e9)
			return milli(n / 1e3) + " ms";
		if (secs < 60)
			return milli(n / 1e6) + " secs";
		if (secs < 3600)
			return counted(Math.floor(secs / 60), "min") + " " + counted(secs % 60, "sec");
		return counted(Math.floor(secs / 3600), "hour") + " " + counted(Math.floor(secs / 60) % 60, "min");
	}

	/* "43.3 %" for 0.4329, to the nearest tenth. Only what is all is "100.0 %", as in text dumps (base/share.h). */
	function share(x) {
		const tenths = Math.round(x * 1000 + 1e-9);	/* so that a half is rounded up whatever x misses of it */

		if (x < 0)
			return "-" + share(-x);
		return ((x < 1 && tenths === 1000 ? 999 : tenths) / 10).toFixed(1) + " %";
	}

	/* A figure of a key, by its unit; "exact bytes" are never an estimate. */
	const value = (n, unit) => unit === "bytes" ? bytes(n) : unit === "exact bytes" ? exactBytes(n) : unit === "ns" ? ns(n) :
		n < 0 ? "-" + mark + count(-n) : mark + count(n);

	function estimates(are) {
		mark = are ? "~" : "";
	}

	return { bytes, exactBytes, count, ns, share, value, estimates };
})();

/* ---- The catalog of a run ---- */

/* The keys of rows, by their names in options and documents. */
heaptrace.keys = [
	{ name: "size", title: "live bytes", unit: "bytes" },
	{ name: "count", title: "live blocks", unit: "blocks" },
	{ name: "peak-size", title: "each backtrace's peak of bytes", unit: "bytes" },
	{ name: "peak-count", title: "each backtrace's peak of blocks", unit: "blocks" },
	{ name: "heap-peak", title: "bytes at the heap's peak", unit: "bytes" },
	{ name: "total-size", title: "bytes of all calls", unit: "bytes" },
	{ name: "total-count", title: "all calls", unit: "calls" },
	{ name: "temporary", title: "temporary calls", unit: "calls" },
	{ name: "age", title: "age", unit: "ns" },
];

heaptrace.sum = (values) => {
	let sum = 0;

	for (let i = 0; i < values.length; i++)
		sum += values[i];
	return sum;
};

heaptrace.baseName = (path) => path.slice(path.lastIndexOf("/") + 1) || path;

/*
 * Reads a long list of numbers: a list, or a packed one (format/json_numbers.h describes it). Returns an array of the
 * type.
 */
heaptrace.unpack = (() => {
	const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" +
		       "!#$%&'()*+,-./:;=>?@[]^_`{|}~ ";
	const LAST = 60, EARLIER = 31, AGAIN = LAST + EARLIER;
	const digitOf = new Uint8Array(128);

	for (let i = 0; i < DIGITS.length; i++)
		digitOf[DIGITS.charCodeAt(i)] = i;

	return (list, Type) => {
		let at = 1, count = 0;

		function number() {
			let high = 0, digit;

			while ((digit = digitOf[list.charCodeAt(at++)]) >= LAST && at < list.length)
				high = high * EARLIER + digit - LAST;
			return high * LAST + digit;
		}

		if (typeof list !== "string")
			return Type.from(list, Number);
		const differences = list[0] === "+", length = number();
		const numbers = new (differences ? Float64Array : Type)(length);

		while (at < list.length) {
			if (digitOf[list.charCodeAt(at)] === AGAIN) {
				at++;
				const end = count + number(), back = number() + 1;

				for (; count < end; count++)
					numbers[count] = numbers[count - back];
			} else {
				numbers[count++] = number();
			}
		}
		if (!differences)
			return numbers;
		const to = new Type(length);

		for (let i = 0, before = 0; i < length; i++)
			to[i] = before += numbers[i] % 2 ? -(numbers[i] + 1) / 2 : numbers[i] / 2;
		return to;
	};
})();

heaptrace.decode = (() => {
	const unpack = heaptrace.unpack;

	/* Where the places of each address begin. */
	function firsts(counts) {
		const first = new Uint32Array(counts.length);

		for (let i = 1; i < counts.length; i++)
			first[i] = first[i - 1] + counts[i - 1];
		return first;
	}

	/* A node's outer one is written as the difference of the two numbers. */
	function outerNodes(differences) {
		const outer = new Uint32Array(differences.length);

		for (let i = 1; i < differences.length; i++)
			outer[i] = i - differences[i];
		return outer;
	}

	/* The addresses of nodes. Packed, each is its place among those that come inward of the same address
	 * (format/json_nodes.c). */
	function nodeAddresses(nodes, outer, addressCount) {
		const places = unpack(nodes.address, Uint32Array);

		if (typeof nodes.address !== "string" || nodes.address[0] !== "@")
			return places;
		const inward = Array.from({ length: addressCount + 1 }, () => []);
		const fresh = unpack(nodes.fresh, Uint32Array);
		let used = 0;

		for (let i = 1; i < places.length; i++) {
			const known = inward[outer[i] ? places[outer[i]] : addressCount];

			if (places[i] === known.length)
				known.push(fresh[used++]);
			places[i] = known[places[i]];
		}
		return places;
	}

	function decodeModules(c, program) {
		return c.modules.path.map((path, i) => ({
			isProgram: c.texts[path] === program,
			path: c.texts[path], name: heaptrace.baseName(c.texts[path]), buildId: c.modules["build-id"][i],
			bias: Number(c.modules.bias[i]),
			namesMissing: c.modules["names-missing"][i], linesMissing: c.modules["lines-missing"][i],
		}));
	}

	/*
	 * What stands for a function without a name: all code without names of a module is one function. In heaptrace's
	 * library that is malloc() or another one that the program has called; they have no names where the run was traced
	 * with another build of it.
	 */
	const unknownName = (module) => !module.path ? "(code in no file)" :
		(module.name === "libheaptrace.so" ? "malloc or another" : module.name) + " (no names)";

	function decodeFunctions(c, modules) {
		const texts = unpack(c.functions.name, Uint32Array), owner = unpack(c.functions.module, Uint32Array);
		const wrapper = unpack(c.functions.wrapper, Uint8Array);

		return {
			count: texts.length,
			name: (f) => texts[f] ? c.texts[texts[f]] : unknownName(modules[owner[f]]),
			known: (f) => texts[f] !== 0,
			module: (f) => owner[f],
			wrapper: (f) => wrapper[f] === 1,
		};
	}

	/* The catalog of a document, without moments. */
	function decodeCatalog(d) {
		const c = d.catalog, modules = decodeModules(c, d.process.program);
		const places = unpack(c.addresses.places, Uint32Array);
		const outer = outerNodes(unpack(c.nodes.outer, Uint32Array)), ids = unpack(c.rows.id, Uint32Array);

		return {
			texts: c.texts,
			modules,
			functions: decodeFunctions(c, modules),
			places: {
				function: unpack(c.places.function, Uint32Array),
				file: unpack(c.places.file, Uint32Array),
				line: unpack(c.places.line, Uint32Array),
				inlined: unpack(c.places.inlined, Uint8Array),
			},
			addresses: {
				module: unpack(c.addresses.module, Uint32Array),
				offset: unpack(c.addresses.offset, Float64Array),
				first: firsts(places), count: places,
			},
			nodes: { outer, address: nodeAddresses(c.nodes, outer, places.length) },
			rowCount: ids.length,
			rows: {
				id: ids, node: unpack(c.rows.node, Uint32Array),
				threadSet: unpack(c.rows["thread-set"], Uint32Array),
			},
			threadSets: c["thread-sets"],
			/* The row of calls for which the table had no room; or null. */
			tableFull: c.rows["table-full"],
		};
	}

	/* The moments at which the rows are known, in the order of their times. */
	function findMoments(d) {
		const list = [{ id: "start", ns: 0, label: "the start", kind: "start" }];

		(d.snapshots || []).forEach((s, i) =>
			list.push({ id: "s" + i, ns: s.ns, label: "snapshot at " + heaptrace.format.ns(s.ns), kind: "snapshot" }));
		list.push({ id: "peak", ns: d.moment["peak-at-ns"], label: "the heap's peak", kind: "peak" });
		list.sort((a, b) => a.ns - b.ns);
		list.push({
			id: "end", ns: d.moment["at-ns"], label: d.moment.ended ? "the end" : "the report", kind: "end",
		});
		return list;
	}

	/* The rows' numbers by their ids. */
	function rowsById(rows) {
		const byId = new Uint32Array(rows.id.reduce((a, b) => Math.max(a, b), 0) + 1).fill(0xffffffff);

		rows.id.forEach((id, row) => { byId[id] = row; });
		return byId;
	}

	const isOfNow = (key) => key === "size" || key === "count";

	/* The figures of a document's rows at its moments. */
	function figures(d, rows) {
		const kept = new Map();
		let byId = null;

		function atSnapshot(key, s) {
			const values = new Float64Array(rows.id.length);

			const known = unpack(s.rows[key], Float64Array);

			byId = byId || rowsById(rows);
			unpack(s.rows.id, Uint32Array).forEach((id, i) => {
				if (id < byId.length && byId[id] !== 0xffffffff)
					values[byId[id]] = known[i];
			});
			return values;
		}

		function make(key, moment) {
			if (moment === "end")
				return unpack(d.catalog.rows[key], Float64Array);
			if (moment === "peak")
				return key === "size" ? unpack(d.catalog.rows["heap-peak"], Float64Array) : null;
			if (moment === "start")
				return isOfNow(key) ? new Float64Array(rows.id.length) : null;
			return isOfNow(key) && /^s\d+$/.test(moment) && d.snapshots && d.snapshots[moment.slice(1)] ?
				atSnapshot(key, d.snapshots[moment.slice(1)]) : null;
		}

		function values(key, moment) {
			const name = key + " " + moment;

			if (!kept.has(name))
				kept.set(name, make(key, moment));
			return kept.get(name);
		}

		/* The rows were read an instant after the totals, in which the program went on. A view shows shares of
		 * what it has rows of. */
		function totalAtSnapshot(key, s, found) {
			if (found)
				return heaptrace.sum(found) + s["rest-" + key];
			return key === "total-count" ? s[key] : null;
		}

		function totals(key, moment) {
			const found = values(key, moment);

			if (moment === "end" && key !== "peak-size" && key in d.totals && !d.totals.partial)
				return d.totals[key];
			if (moment === "peak" && key === "size")
				return d.totals["heap-peak"];
			if (/^s\d+$/.test(moment) && d.snapshots && d.snapshots[moment.slice(1)])
				return totalAtSnapshot(key, d.snapshots[moment.slice(1)], found);
			return found ? heaptrace.sum(found) : null;
		}
		return { values, totals };
	}

	/* The frames of a row, innermost first; where functions are inlined, one for each. */
	function framesOf(m, row) {
		const frames = [];

		for (let node = m.rows.node[row]; node; node = m.nodes.outer[node]) {
			const address = m.nodes.address[node], first = m.addresses.first[address];

			for (let p = first; p < first + m.addresses.count[address]; p++)
				frames.push({
					function: m.places.function[p], file: m.texts[m.places.file[p]],
					line: m.places.line[p], inlined: m.places.inlined[p] === 1,
					address, module: m.addresses.module[address],
				});
		}
		return frames;
	}

	/* ---- Two runs as one model ---- */

	function concat(Type, a, b, ofB) {
		const both = new Type(a.length + b.length);

		both.set(a);
		for (let i = 0; i < b.length; i++)
			both[a.length + i] = ofB ? ofB(b[i]) : b[i];
		return both;
	}

	/* The things of `b` behind those of `a`, but those that have the same key once. */
	function unify(aKeys, bKeys) {
		const numbers = new Map(), ofB = new Uint32Array(bKeys.length), added = [];

		aKeys.forEach((key, i) => { if (!numbers.has(key)) numbers.set(key, i); });
		bKeys.forEach((key, i) => {
			if (!numbers.has(key)) {
				numbers.set(key, aKeys.length + added.length);
				added.push(i);
			}
			ofB[i] = numbers.get(key);
		});
		return { ofB, added };
	}

	/* The program itself may have another name in each run. */
	const moduleKey = (module, name) => module.isProgram ? "\0" : name;

	function uniteFunctions(a, b, moduleOfB) {
		const key = (m, f, module) =>
			(m.functions.known(f) ? m.functions.name(f) : "") + "\0" + moduleKey(module, module.name);
		const keys = (m) => Array.from({ length: m.functions.count },
			(_, f) => key(m, f, m.modules[m.functions.module(f)]));
		const { ofB, added } = unify(keys(a), keys(b)), count = a.functions.count;
		const ask = (what, f) => f < count ? a.functions[what](f) : b.functions[what](added[f - count]);

		return {
			ofB,
			functions: {
				count: count + added.length,
				name: (f) => ask("name", f), known: (f) => ask("known", f),
				wrapper: (f) => ask("wrapper", f),
				module: (f) => f < count ? ask("module", f) : moduleOfB[ask("module", f)],
			},
		};
	}

	/* The catalog of both runs. The rows, addresses and nodes of run `a` come first. Functions are the same if they
	 * have the same name, and their modules' base names are the same; modules, if they have the same path, or are
	 * the program. */
	function uniteCatalogs(a, b) {
		const paths = (m) => m.modules.map((module) => moduleKey(module, module.path));
		const modules = unify(paths(a), paths(b)), functions = uniteFunctions(a, b, modules.ofB);
		const textOf = (t) => t && t + a.texts.length, nodeOf = (n) => n && n + a.nodes.outer.length - 1;
		const innerNodes = (list) => list.subarray(1);

		return {
			texts: a.texts.concat(b.texts),
			modules: a.modules.concat(modules.added.map((i) => b.modules[i])),
			functions: functions.functions,
			places: {
				function: concat(Uint32Array, a.places.function, b.places.function,
						 (f) => functions.ofB[f]),
				file: concat(Uint32Array, a.places.file, b.places.file, textOf),
				line: concat(Uint32Array, a.places.line, b.places.line),
				inlined: concat(Uint8Array, a.places.inlined, b.places.inlined),
			},
			addresses: {
				module: concat(Uint32Array, a.addresses.module, b.addresses.module,
					       (m) => modules.ofB[m]),
				offset: concat(Float64Array, a.addresses.offset, b.addresses.offset),
				first: concat(Uint32Array, a.addresses.first, b.addresses.first,
					      (p) => p + a.places.line.length),
				count: concat(Uint32Array, a.addresses.count, b.addresses.count),
			},
			nodes: {
				outer: concat(Uint32Array, a.nodes.outer, innerNodes(b.nodes.outer), nodeOf),
				address: concat(Uint32Array, a.nodes.address, innerNodes(b.nodes.address),
						(i) => i + a.addresses.count.length),
			},
			rowCount: a.rowCount + b.rowCount,
			rows: {
				id: concat(Uint32Array, a.rows.id, b.rows.id),
				node: concat(Uint32Array, a.rows.node, b.rows.node, nodeOf),
				threadSet: concat(Uint32Array, a.rows.threadSet, b.rows.threadSet,
						  (s) => s + a.threadSets.length),
			},
			threadSets: a.threadSets.concat(b.threadSets),
			tableFull: a.tableFull,
		};
	}

	/* The figures of one run's rows among those of both: 0 for rows of the other run. */
	function among(figures, first, count) {
		const kept = new Map();

		return (key, moment) => {
			const name = key + " " + moment, values = figures(key, moment);

			if (values && !kept.has(name)) {
				const all = new Float64Array(count);

				all.set(values, first);
				kept.set(name, all);
			}
			return values && kept.get(name);
		};
	}

	/* What differs between the two runs, whose rows are those of the model of both: see decode(). */
	function decodeDiff(d, newCount, count, older) {
		const x = d.diff, behind = (row) => row < 0 ? -1 : row + newCount;
		const full = d.older.catalog.rows["table-full"];
		const byKey = (lists) => Object.fromEntries(Object.entries(lists).map(([key, list]) =>
			[key, unpack(list, Float64Array)]));

		return {
			newCount,
			entryOfRow: x ? concat(Int32Array, unpack(x["entry-of-new"], Int32Array),
					       unpack(x["entry-of-old"], Int32Array)) : null,
			entries: x ? {
				count: x.new.length, new: Int32Array.from(x.new), old: Int32Array.from(x.old, behind),
				byLikeness: unpack(x["by-likeness"], Uint8Array), was: byKey(x.was), is: byKey(x.is),
			} : null,
			values: among(older.values, newCount, count), totals: older.totals,
			moments: findMoments(d.older),
			tableFull: full === null ? null : behind(full),
		};
	}

	/*
	 * The model of a document: what decodeCatalog() has, and
	 *	moments			[{id, ns, label, kind}]: "start", when nothing was there; "s0", "s1"... the
	 *				snapshots; "peak", when the heap was largest; "end", the moment of the report
	 *	keys			[{name, title, unit}]
	 *	values(key, moment)	the figures of all rows, or null where they are not known at that moment
	 *	totals(key, moment)	what they are a share of: the sum over all rows, of those too that a snapshot
	 *				does not have one by one; or null
	 *	frames(row)		[{function, file, line, inlined, address, module}], innermost first
	 *	diff			null, or with --diff the older run. Then the model has the rows of both runs,
	 *				those of the newer one first, and values() is 0 for the others:
	 *	  newCount		  how many rows the newer run has
	 *	  values(key, moment)	  the figures of the older run, 0 for rows of the newer one; moment: "end",
	 *				  "peak" or "start"
	 *	  totals(key, moment)
	 *	  moments, tableFull
	 *	  entries		  {count, new[], old[], byLikeness[], was{key: []}, is{key: []}}: backtraces of
	 *				  one run or of both; new, old: a row of the model, or -1; was, is: its figures
	 *				  at the ends of the runs. Or null
	 *	  entryOfRow[]		  the entry of each row; or null
	 */
	return (d) => {
		const older = d.older && d.older.catalog ? d.older : null;
		let m = decodeCatalog(d), f = figures(d, m.rows), diff = null;

		if (older) {
			const old = decodeCatalog(older), newCount = m.rowCount;

			m = uniteCatalogs(m, old);
			diff = decodeDiff(d, newCount, m.rowCount, figures(older, old.rows));
			f = { values: among(f.values, 0, m.rowCount), totals: f.totals };
		}
		return Object.assign(m, {
			moments: findMoments(d), keys: heaptrace.keys, values: f.values, totals: f.totals,
			frames: (row) => framesOf(m, row), diff,
		});
	};
})();

/* The histograms of all rows, as the document has them where it is not packed (format/json_row_histograms.c). */
heaptrace.unpackHistograms = (h) => {
	function unpackBins(kind) {
		const figures = ["bin", "calls", "count", "size", "waste-bytes"], lists = {};
		let at = 0;

		for (const name of figures)
			lists[name] = kind[name] === null ? null : heaptrace.unpack(kind[name], Float64Array);
		return Array.from(heaptrace.unpack(kind.bins, Uint32Array), (count) => {
			const bins = [];

			for (const end = at + count; at < end; at++) {
				const bin = lists.bin[at];
				const sizes = {
					"from-bytes": kind["from-bytes"][bin], "to-bytes": kind["to-bytes"][bin],
				};

				if (kind["block-to-bytes"][bin]) {
					sizes["block-from-bytes"] = kind["block-from-bytes"][bin];
					sizes["block-to-bytes"] = kind["block-to-bytes"][bin];
				}
				for (const name of figures.slice(1))
					sizes[name] = lists[name] && lists[name][at];
				bins.push(sizes);
			}
			return bins;
		});
	}

	const powers = unpackBins(h.powers), classes = h.classes && unpackBins(h.classes);

	return powers.map((list, row) => ({
		"block-header-bytes": h["block-header-bytes"], partial: h.partial, powers: list,
		classes: classes && classes[row],
	}));
};

/* Parses the document. The histograms of rows are unpacked when somebody first reads them. */
heaptrace.parse = (text) => {
	const d = JSON.parse(text), rows = d.catalog && d.catalog.rows;

	if (rows && rows.histogram && !Array.isArray(rows.histogram)) {
		const packed = rows.histogram;
		let list = null;

		Object.defineProperty(rows, "histogram",
			{ enumerable: true, get: () => list || (list = heaptrace.unpackHistograms(packed)) });
	}
	return d;
};

heaptrace.load = (text) => {
	heaptrace.document = heaptrace.parse(text);
	heaptrace.format.estimates(heaptrace.document.sampling ||
		(heaptrace.document.older && heaptrace.document.older.sampling));
	heaptrace.model = heaptrace.document.catalog ? heaptrace.decode(heaptrace.document) : null;
};

if (typeof document !== "undefined")
	heaptrace.load(document.getElementById("report").textContent);
