/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls of all stacks, added up in several ways, for the views that show who uses memory.
 *
 * The document has one node for each address of a stack. A call is a function at such an address: where functions are
 * inlined, an address is several calls. Calls form one tree, as nodes do: outer[c] is the call that made call c, and
 * has a smaller number; call 0 is the root, of which all stacks begin. At each row's innermost call, or at the first
 * one outward of the allocation functions, its figures are put (`at`); added up outward they are what each call and
 * those that it made use (`under`).
 *
 *	calls:	1 main   2 parse (outer 1)   3 operator new (outer 2)   4 print (outer 1)
 *	a row of 100 bytes with the stack operator new, parse, main: at[2] is 100, under[2] and under[1] are 100
 *
 * What is merged: calls with the same label. A label is a function, a line of the source, or a module (see merge()).
 * view_call_trees.js makes trees of them.
 *
 * Several figures are added up side by side: figures[k] = {values: Float64Array over rows, largest: bool}. With
 * `largest`, the sum of several rows is the largest of them, as for ages, which do not add up.
 */
"use strict";

heaptrace.calls = (() => {
	const TABLE_FULL = "(table full)";
	const HIDDEN = "(all frames are hidden)";
	const REST = "(not known by backtrace at this moment)";
	let all = null; /* made when a view first asks */
	const merged = {}; /* by the names of merge() */
	let latestSums = []; /* the newest results of sums() */

	/* All calls, before anything is merged: {outer, place, ofRow: the innermost one of each row}. */
	function makeAll() {
		const { nodes, addresses, rows } = heaptrace.model,
			nodeCount = nodes.outer.length;
		const innermost = new Uint32Array(nodeCount);
		let count = 3;

		for (let n = 1; n < nodeCount; n++) count += addresses.count[nodes.address[n]];
		const outer = new Uint32Array(count),
			place = new Int32Array(count);
		/* Two calls stand for rows without stacks. */
		const full = 1,
			hidden = 2;
		let c = 3;

		place.fill(-1, 0, 3);
		for (let n = 1; n < nodeCount; n++) {
			const a = nodes.address[n],
				first = addresses.first[a];
			let at = innermost[nodes.outer[n]];

			for (let p = first + addresses.count[a] - 1; p >= first; p--) {
				outer[c] = at;
				place[c] = p;
				at = c++;
			}
			innermost[n] = at;
		}
		const ofRow = new Uint32Array(heaptrace.model.rowCount);
		for (let r = 0; r < ofRow.length; r++)
			ofRow[r] = rows.node[r] ? innermost[rows.node[r]] : isFull(r) ? full : hidden;
		return { count, outer, place, ofRow };
	}

	/* Whether the row stands for the calls for which the table had no room. */
	const isFull = row =>
		row === heaptrace.model.tableFull ||
		(heaptrace.model.diff !== null && row === heaptrace.model.diff.tableFull);

	function calls() {
		return all || (all = makeAll());
	}

	/* The labels of all places: Uint32Array over places, and what a label is. Labels 0 to 3 are special. */
	const SPECIAL = 4,
		special = ["all", TABLE_FULL, HIDDEN, REST],
		REST_LABEL = 3;

	function labelFunctions() {
		const { functions, places } = heaptrace.model;

		return {
			ofPlace: places.function.map(f => f + SPECIAL),
			count: functions.count + SPECIAL,
			name: l => functions.name(l - SPECIAL),
			functionOf: l => l - SPECIAL,
			moduleOf: l => functions.module(l - SPECIAL),
			known: l => functions.known(l - SPECIAL),
		};
	}

	function labelLines() {
		const { functions, places, texts } = heaptrace.model,
			count = places.function.length,
			first = [];
		const ofPlace = new Uint32Array(count),
			arrays = [1, 2, 3, 4].map(() => new Uint32Array(count + 1));
		const inFile = makeFinder(count + 1, arrays[0], arrays[1]),
			onLine = makeFinder(count + 1, arrays[2], arrays[3]);

		for (let p = 0; p < count; p++) {
			const n = onLine(inFile(places.function[p], places.file[p]), places.line[p]);

			if (n > first.length) first.push(p);
			ofPlace[p] = n - 1 + SPECIAL;
		}
		const functionOf = l => places.function[first[l - SPECIAL]];
		return {
			ofPlace,
			count: first.length + SPECIAL,
			functionOf,
			known: l => functions.known(functionOf(l)),
			name: l => {
				const p = first[l - SPECIAL],
					file = texts[places.file[p]];

				return (
					functions.name(functionOf(l)) +
					(file
						? " at " +
							heaptrace.baseName(file) +
							":" +
							(places.line[p] || "?")
						: "")
				);
			},
			moduleOf: l => functions.module(functionOf(l)),
		};
	}

	function labelModules() {
		const { functions, places, modules } = heaptrace.model;

		return {
			ofPlace: places.function.map(f => functions.module(f) + SPECIAL),
			count: modules.length + SPECIAL,
			name: l => modules[l - SPECIAL].name || "(code in no module)",
			functionOf: () => -1,
			moduleOf: l => l - SPECIAL,
			known: () => false,
		};
	}

	/*
	 * Merges calls with the same label and the same outer call, by "function", "line" or "module". Successive calls in the
	 * same module, or in code without names of the same module, are one, too. From here on calls have other numbers:
	 *
	 *	count, outer, label	of the merged calls; outer ones come first
	 *	ofRow			the innermost call of each row
	 *	user			for each row the first call outward of the allocation functions
	 */
	function merge(by) {
		if (merged[by]) return merged[by];
		const { count: all, outer: outerOf, place, ofRow } = calls();
		const labels =
			by === "line" ? labelLines() : by === "module" ? labelModules() : labelFunctions();
		const label = new Uint32Array(all),
			outer = new Uint32Array(all),
			ofCall = new Uint32Array(all);
		const find = makeFinder(all, outer, label);

		for (let c = 1; c < SPECIAL - 1; c++) {
			label[c] = c;
			ofCall[c] = find(0, c);
		}
		for (let c = SPECIAL - 1; c < all; c++) {
			const o = ofCall[outerOf[c]],
				l = labels.ofPlace[place[c]];

			ofCall[c] = o && label[o] === l && !labels.known(l) ? o : find(o, l);
		}
		const count = find.count(),
			m = { by, labels, count, label: label.slice(0, count), outer: outer.slice(0, count) };
		merged[by] = m;
		m.name = l => (l < SPECIAL ? special[l] : labels.name(l));
		m.functionOf = l => (l < SPECIAL ? -1 : labels.functionOf(l));
		m.moduleOf = l => (l < SPECIAL ? -1 : labels.moduleOf(l));
		m.ofRow = ofRow.map(c => ofCall[c]);
		const users = findUsers();
		m.user = users.map(c => ofCall[c]);
		return m;
	}

	/* Numbers pairs of numbers, from 1 on, by a hash table with open addressing: find(o, l) is the pair with outer[number]
	 * o and label[number] l, which is made if it is not there. There are at most `most`, with number 0. */
	function makeFinder(most, outer, label) {
		let size = 1024,
			count = 1;

		while (size < 2 * most) size *= 2;
		const table = new Uint32Array(size),
			mask = size - 1;
		function find(o, l) {
			let slot = (Math.imul(o, 0x9e3779b1) ^ Math.imul(l, 0x85ebca6b)) >>> 0;

			for (slot = (slot ^ (slot >>> 15)) & mask; table[slot]; slot = (slot + 1) & mask)
				if (outer[table[slot]] === o && label[table[slot]] === l) return table[slot];
			outer[count] = o;
			label[count] = l;
			table[slot] = count;
			return count++;
		}
		find.count = () => count;
		return find;
	}

	/* For each row the first call outward of the allocation functions, as the text dump's groups and trees take it: code
	 * without a name counts as the function that has called it, if that is in the same module. */
	let users = null;
	function findUsers() {
		if (users) return users;
		const { functions, places } = heaptrace.model,
			{ count, outer, place, ofRow } = calls(),
			user = new Uint32Array(count);

		for (let c = 1; c < count; c++) {
			user[c] = c;
			if (!outer[c]) continue;
			const f = places.function[place[c]],
				next = places.function[place[outer[c]]];
			const unnamed =
				!functions.known(f) &&
				(f === next ||
					(functions.known(next) &&
						functions.module(f) === functions.module(next)));
			if (functions.wrapper(f) || unnamed) user[c] = user[outer[c]];
		}
		return (users = ofRow.map(c => user[c]));
	}

	/* The calls that each call has made: inner[first[c] .. first[c + 1]). */
	function innerOf(m) {
		if (m.inner) return m.inner;
		const first = new Uint32Array(m.count + 2);

		for (let c = 1; c < m.count; c++) first[m.outer[c] + 2]++;
		for (let c = 0; c < m.count; c++) first[c + 2] += first[c + 1];
		const list = new Uint32Array(first[m.count + 1]);
		for (let c = 1; c < m.count; c++) list[first[m.outer[c] + 1]++] = c;
		return (m.inner = { first, list });
	}

	/*
	 * Adds up figures: {m, at: [Float64Array over calls], under: [...], figures}. wrappers: the figures are put at the
	 * allocation functions rather than at who calls them. rows: Uint8Array of the rows that count, or null.
	 */
	function sums(by, wrappers, figures, rows) {
		const before = latestSums.find(
			s =>
				s.m.by === by &&
				s.wrappers === wrappers &&
				s.rows === rows &&
				s.figures.length === figures.length &&
				s.figures.every((f, k) => f.values === figures[k].values)
		);
		if (before) return before;
		const m = merge(by),
			{ outer, count } = m,
			callOf = wrappers ? m.ofRow : m.user,
			result = { m, wrappers, figures, rows };

		result.at = figures.map(({ values, largest }) => {
			const at = new Float64Array(count);

			for (let r = 0; r < callOf.length; r++) {
				if (!values[r] || (rows && !rows[r])) continue;
				const c = callOf[r];

				at[c] = largest ? Math.max(at[c], values[r]) : at[c] + values[r];
			}
			return at;
		});
		result.under = result.at.map((at, k) => {
			const under = at.slice();

			for (let c = count - 1; c > 0; c--)
				if (under[c])
					under[outer[c]] = figures[k].largest
						? Math.max(under[outer[c]], under[c])
						: under[outer[c]] + under[c];
			return under;
		});
		/* Whether a call has a figure that is not 0: with what it has called, and at itself. */
		result.used = new Uint8Array(count);
		result.usedAt = new Uint8Array(count);
		for (let k = 0; k < figures.length; k++) {
			const under = result.under[k],
				at = result.at[k];

			for (let c = 0; c < count; c++) {
				result.used[c] |= under[c] ? 1 : 0;
				result.usedAt[c] |= at[c] ? 1 : 0;
			}
		}
		latestSums.unshift(result);
		latestSums.length = Math.min(latestSums.length, 4);
		return result;
	}

	/* Adds a value to sums[i], or keeps the largest. */
	function add(figure, sums, i, value) {
		sums[i] = figure.largest ? Math.max(sums[i], value) : sums[i] + value;
	}

	/* ---- Functions, their callers and callees ---- */

	/* first[c]: 1 where no call outward of c has the label of c, so that recursion counts once. */
	function firstOnPath(m) {
		if (m.first) return m.first;
		const first = new Uint8Array(m.count),
			on = new Uint32Array(m.labels.count),
			inner = innerOf(m);
		const stack = [0],
			next = inner.first.slice();

		while (stack.length) {
			const c = stack[stack.length - 1];

			if (next[c] < inner.first[c + 1]) {
				const d = inner.list[next[c]++];

				first[d] = on[m.label[d]]++ ? 0 : 1;
				stack.push(d);
			} else {
				if (c) on[m.label[c]]--;
				stack.pop();
			}
		}
		return (m.first = first);
	}

	/* The sums of each label: [{label, total: [], self: []}], of those that have any. */
	function functions(s) {
		const { m } = s,
			first = firstOnPath(m),
			entries = new Map();

		for (let c = 1; c < m.count; c++) {
			if (!s.used[c]) continue;
			let entry = entries.get(m.label[c]);
			if (!entry) {
				entry = {
					label: m.label[c],
					total: s.figures.map(() => 0),
					self: s.figures.map(() => 0),
				};
				entries.set(m.label[c], entry);
			}
			for (let k = 0; k < s.figures.length; k++) {
				if (first[c]) add(s.figures[k], entry.total, k, s.under[k][c]);
				add(s.figures[k], entry.self, k, s.at[k][c]);
			}
		}
		return [...entries.values()];
	}

	/*
	 * Who calls the function with this label, and what it calls: {callers, callees}, each [{label, total}]. Memory
	 * counts once for a caller or callee, however often the stack passes from the one to the other. Label 0 among the
	 * callers: nobody, the stacks begin there. Label 0 among the callees: what the function uses itself.
	 */
	function neighbours(s, focus) {
		const { m } = s,
			{ label, outer, count } = m,
			step = new Uint32Array(count);
		const callers = new Map(),
			callees = new Map();

		function put(map, key, c, sums) {
			let entry = map.get(key);

			if (!entry) map.set(key, (entry = { label: key, total: s.figures.map(() => 0) }));
			for (let k = 0; k < s.figures.length; k++)
				add(s.figures[k], entry.total, k, sums[k][c]);
		}

		/* step[c]: the nearest call outward, c itself included, that the function has made. The calls that were made
		 * further outward follow by way of step[outer[...]]. */
		for (let c = 1; c < count; c++) {
			const made = label[outer[c]] === focus && outer[c];
			step[c] = made ? c : step[outer[c]];
			if (!s.used[c]) continue;
			if (made) {
				let before = step[outer[c]];

				while (before && label[before] !== label[c]) before = step[outer[before]];
				if (!before) put(callees, label[c], c, s.under);
			}
			if (label[c] === focus) {
				let before = step[c] && outer[step[c]];

				while (before && label[outer[before]] !== label[outer[c]])
					before = step[before] && outer[step[before]];
				if (!before) put(callers, label[outer[c]], c, s.under);
				if (s.usedAt[c]) put(callees, 0, c, s.at);
			}
		}
		return { callers: [...callers.values()], callees: [...callees.values()] };
	}

	/* ---- Search ---- */

	/* Which labels a search finds, by their functions, files and modules: Uint8Array over labels. */
	function matchedLabels(m, search) {
		const { functions, places } = heaptrace.model,
			found = search.places(),
			inModule = search.modules(),
			result = new Uint8Array(m.labels.count);

		for (let p = 0; p < found.length; p++)
			result[m.labels.ofPlace[p]] |= found[p] | inModule[functions.module(places.function[p])];
		return result;
	}

	/* How much of figure k belongs to stacks in which one of these labels is. */
	function matchedSum(s, labels, k) {
		const { m } = s,
			on = new Uint8Array(m.count);
		let sum = 0;

		for (let c = 1; c < m.count; c++) {
			on[c] = on[m.outer[c]] | labels[m.label[c]];
			if (on[c]) sum = s.figures[k].largest ? Math.max(sum, s.at[k][c]) : sum + s.at[k][c];
		}
		return sum;
	}

	/* The threads of each set, as words: "redis 4711, bio_aof 4713 and others". */
	function threadNames() {
		const sets = heaptrace.model.threadSets;

		return sets.map(
			set =>
				set.threads.map(t => (t.name ? t.name + " " : "") + t.id).join(", ") +
				(set.many ? (set.threads.length ? " and others" : "many threads") : "")
		);
	}

	/* ---- What a selection shows ---- */

	/* The figure that stands beside another one, as in the text dump's tables. */
	const seconds = {
		size: "count",
		count: "size",
		"peak-size": "size",
		"peak-count": "count",
		"heap-peak": "size",
		"total-size": "total-count",
		"total-count": "total-size",
		temporary: "total-count",
		age: "size",
	};

	/*
	 * The figures of a selection, for sums(): [{id, key, title, unit, values, largest, rest}]. "now" comes first, then
	 * "before" where two moments are compared, then "second", the figure that stands beside it, where that is known.
	 * rest: how much is not known row by row.
	 */
	function figuresOf(selection) {
		const { key, unit, at } = selection,
			largest = unit === "ns",
			model = heaptrace.model,
			list = [];

		function push(id, ofKey, values, total) {
			const k = model.keys.find(one => one.name === ofKey),
				rest = k.unit === "ns" || total === null ? 0 : total - heaptrace.sum(values);

			list.push({
				id,
				key: ofKey,
				title: k.title,
				unit: k.unit,
				values,
				largest: k.unit === "ns",
				rest: Math.max(0, rest),
			});
		}
		push("now", key, selection.now, largest ? null : selection.total);
		if (selection.before)
			push("before", key, selection.before, largest ? null : selection.totalBefore);
		const second = model.values(seconds[key], at);
		if (second) push("second", seconds[key], second, model.totals(seconds[key], at));
		return list;
	}

	/* The place in the source and the function of a row's user: {name, file, line, function}. Where the row has no stack,
	 * the function is -1, and the name says why. */
	function userOfRow(row) {
		const { places, texts } = heaptrace.model,
			{ place } = calls(),
			c = findUsers()[row];

		if (place[c] < 0) return { name: special[c], file: "", line: 0, function: -1 };
		const p = place[c],
			f = places.function[p];
		return {
			name: heaptrace.model.functions.name(f),
			file: texts[places.file[p]] || "",
			line: places.line[p],
			function: f,
		};
	}

	/* For each row the module of its user: Uint32Array. Module 0, code in no file, for rows without stacks. */
	function userModules() {
		const { functions, places } = heaptrace.model,
			{ place } = calls();

		return findUsers().map(c => (place[c] < 0 ? 0 : functions.module(places.function[place[c]])));
	}

	return {
		sums,
		innerOf,
		add,
		functions,
		neighbours,
		matchedLabels,
		matchedSum,
		threadNames,
		userOfRow,
		userModules,
		figuresOf,
		SPECIAL,
		REST_LABEL,
	};
})();
