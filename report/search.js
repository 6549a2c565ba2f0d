/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the search box says, for all views. heaptrace.search(text) is null where the text is empty, otherwise
 *
 *	text		as it was typed
 *	valid		false: it is an unfinished regular expression, which matches nothing
 *	matches(string)	whether a string contains what is searched for, in upper or lower case
 *	find(string)	[start, end] of the first occurrence, or null, for marking it
 *	places()	Uint8Array, 1 for each place whose function or file matches
 *	modules()	Uint8Array, 1 for each module whose path matches
 *	rows()		Uint8Array, 1 for each row with a frame at such a place or in such a module, or with a thread whose
 *			name matches
 *
 * It is the same object as long as the text is the same.
 *
 * The text is looked for in names of functions, source files, modules and threads, or only in one of these when it
 * starts with function:, file:, module: or thread:. Between slashes it is a regular expression: /^std::(map|set)/
 */
(function () {
	"use strict";

	const FIELDS = ["function", "file", "module", "thread"];

	function finder(pattern) {
		const slashes = /^\/(.+)\/$/.exec(pattern);

		if (slashes) {
			try {
				const expression = new RegExp(slashes[1], "i");
				return function (string) {
					const match = expression.exec(string);
					return match && match[0] ? [match.index, match.index + match[0].length] : null;
				};
			} catch (error) {
				return null;
			}
		}
		const wanted = pattern.toLowerCase();
		return function (string) {
			const at = string.toLowerCase().indexOf(wanted);
			return at >= 0 ? [at, at + wanted.length] : null;
		};
	}

	/* Calls make() once, when the result is first asked for. */
	function lazy(make) {
		let result = null;

		return () => result === null ? (result = make()) : result;
	}

	/* Functions and files are looked through once each, not once for each of the many places that refer to them. */
	function matchPlaces(has, inFunctions, inFiles) {
		const { functions, places, texts } = heaptrace.model;
		const names = new Int8Array(functions.count).fill(inFunctions ? -1 : 0);
		const files = new Int8Array(texts.length).fill(inFiles ? -1 : 0);

		return Uint8Array.from(places.function, function (f, p) {
			const file = places.file[p];

			if (names[f] < 0)
				names[f] = has(functions.name(f)) ? 1 : 0;
			if (files[file] < 0)
				files[file] = has(texts[file]) ? 1 : 0;
			return names[f] | files[file];
		});
	}

	/* 1 for each node from which outward a frame matches. */
	function matchNodes(places, modules) {
		const model = heaptrace.model;
		const addresses = new Uint8Array(model.addresses.module.length);
		const nodes = new Uint8Array(model.nodes.outer.length);

		for (let a = 0; a < addresses.length; a++) {
			const first = model.addresses.first[a];

			addresses[a] = modules[model.addresses.module[a]];
			for (let p = first; p < first + model.addresses.count[a]; p++)
				addresses[a] |= places[p];
		}
		/* A node comes after its outer node, so that one is already known. Node 0 is the root. */
		for (let n = 1; n < nodes.length; n++)
			nodes[n] = addresses[model.nodes.address[n]] | nodes[model.nodes.outer[n]];
		return nodes;
	}

	function matchRows(has, inThreads, nodes) {
		const model = heaptrace.model;
		const rows = new Uint8Array(model.rowCount);
		const sets = inThreads ?
			model.threadSets.map((set) => set.threads.some((thread) => has(thread.name || ""))) : [];

		for (let r = 0; r < rows.length; r++)
			rows[r] = nodes[model.rows.node[r]] || sets[model.rows.threadSet[r]] ? 1 : 0;
		return rows;
	}

	function makeSearch(text) {
		const colon = text.indexOf(":");
		/* "std::string" is no field: a name of a field stands before the first colon. */
		const isField = FIELDS.includes(text.slice(0, colon)) && text[colon + 1] !== ":";
		const field = isField ? text.slice(0, colon) : "";
		const pattern = (field === "" ? text : text.slice(colon + 1)).trim();

		if (pattern === "")
			return null;
		const known = finder(pattern), find = known || (() => null);
		const has = (string) => find(string) !== null;
		const isIn = (name) => field === "" || field === name;
		const places = lazy(() => matchPlaces(has, isIn("function"), isIn("file")));
		const modules = lazy(() => Uint8Array.from(heaptrace.model.modules, (module) => isIn("module") && has(module.path)));

		return {
			text: text, valid: known !== null, matches: has, find: find, places: places, modules: modules,
			rows: lazy(() => matchRows(has, isIn("thread"), matchNodes(places(), modules()))),
		};
	}

	let latest = null;

	heaptrace.search = function (text) {
		if (latest === null || latest.text !== text)
			latest = makeSearch(text);
		return latest;
	};
})();
